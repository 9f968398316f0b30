"""What JSON lines cost against Parquet of the same events: landed, and staged.

Both are loaded by ingestion into a warehouse of their own and read through the staging
model that dbt made of them. Each run is a process of its own, the formats take turns,
and the staged events must be the same before a time counts. Time is that of the
processor, over all threads; what dbt needs to make the view counts nowhere.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.ingestion import load_landed_files, read_contracts

ROOT = Path(__file__).parents[1]
N_EVENTS = 500_000
N_FILES = 10
GOAL = 3.5
FORMATS = ("jsonl", "parquet")
NOW = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - the warehouse has no zones

# As browsers send them: half of what they say is declared, half is kept beside it.
EVENTS = """
select
    md5(format('m{}', n)) as "messageId",
    case when n % 3 = 0 then 'page' else 'track' end as "type",
    md5(format('a{}', n // 10)) as "anonymousId",
    case when n % 4 = 0 then format('user-{}', n // 10) end as "userId",
    {
        'library': {'name': 'analytics.js', 'version': 'next-1.75.0'},
        'locale': 'en-US',
        'ip': format('203.0.113.{}', n % 256),
        'userAgent': format(
            'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) '
            || 'Gecko/20100101 Firefox/{0}.0', 100 + n % 40
        ),
        'device': {'type': ['desktop', 'mobile', 'tablet'][1 + n % 3]},
        'campaign': case
            when n % 5 = 0
                then {'source': 'google', 'medium': 'cpc', 'name': 'brand'}
        end,
        'page': {
            'path': format('/products/sku-{}', n % 997),
            'referrer': 'https://storefront.example.com/new-in',
            'search': '',
            'title': format('Product {} | Storefront', n % 997),
            'url': format('https://storefront.example.com/products/sku-{}', n % 997)
        },
        'location': {'country': ['US', 'GB', 'DE', 'FR'][1 + n % 4]},
        'consent': {
            'categoryPreferences': {'Analytics': true, 'Advertising': n % 7 = 0}
        }
    } as context,
    case when n % 3 <> 0 then 'Product Viewed' end as event,
    case when n % 3 = 0 then 'Product' end as "name",
    {
        'product_id': format('SKU-{}', n % 997),
        'name': format('Maison Ouest Washed Jersey Dress {}', n % 997),
        'category': 'Dresses',
        'brand': 'Maison Ouest',
        'price': 10 + (n % 20000) / 100,
        'currency': 'USD',
        'quantity': 1 + n % 3
    } as properties,
    strftime(sent_at, '%Y-%m-%dT%H:%M:%S.%gZ') as "sentAt",
    strftime(sent_at, '%Y-%m-%dT%H:%M:%S.%gZ') as "originalTimestamp",
    strftime(sent_at + interval 1 second, '%Y-%m-%dT%H:%M:%S.%gZ') as "receivedAt",
    strftime(sent_at, '%Y-%m-%dT%H:%M:%S.%gZ') as "timestamp",
    2 as version
from (
    select range as n, timestamp '2025-01-01' + to_seconds(range * 60) as sent_at
    from range(?, ?)
)
"""


def write_events(home: Path, n_events: int) -> None:
    """Write the same events as Parquet and as JSON lines, with a bad line a file."""
    per_file = n_events // N_FILES
    with duckdb.connect() as connection:
        for number in range(N_FILES):
            for file_format in FORMATS:
                folder = home / file_format / "landing" / "segment" / "events"
                folder.mkdir(parents=True, exist_ok=True)
                events = connection.execute(
                    EVENTS, [number * per_file, (number + 1) * per_file]
                ).to_arrow_table()
                connection.register("events", events)
                if file_format == "parquet":
                    path = folder / f"{number}.parquet"
                    connection.execute(f"copy events to '{path}' (format parquet)")
                    continue
                path = folder / f"{number}.jsonl"
                connection.execute(f"copy events to '{path}' (format json)")
                lines = path.read_bytes() + b'{"messageId": "cut off he\n'
                path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(lines, 6))
                path.unlink()


def make_view(home: Path) -> None:
    """Let dbt make the staging view of an empty warehouse."""
    for file_format in FORMATS:
        state = home / file_format / "state"
        state.mkdir(parents=True)
        subprocess.run(  # noqa: S603 - our own dbt
            [
                str(Path(sys.executable).with_name("dbt")),
                *("run", "--select", "stg_segment__events"),
                *("--vars", "{sources: [segment]}"),
                *("--target-path", str(home / "target")),
                *("--log-path", str(home / "logs")),
            ],
            cwd=ROOT,
            env=os.environ
            | {"SEGMENTARY_STATE": str(state), "DBT_PROFILES_DIR": str(ROOT)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        shutil.copy(state / "warehouse.duckdb", home / file_format / "empty.duckdb")


def land_and_stage(folder: Path, n_events: int) -> dict[str, object]:
    """Land and stage one format, in this process; return seconds and a check."""
    warehouse = folder / "state" / "warehouse.duckdb"
    shutil.copy(folder / "empty.duckdb", warehouse)
    tables = read_contracts(ROOT / "models" / "staging")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        # Arrow imports pandas on first use: no cost of a format.
        pa.array([None])
        started = time.process_time()
        report = load_landed_files(connection, folder / "landing", tables, NOW)
        landed = time.process_time()
        connection.execute(
            "create temp table staged as select * from staging.stg_segment__events"
        )
        staged = time.process_time()
        check = connection.execute(
            "select count(*), count(reject_reason), sum(price_amount), "
            "bit_xor(hash(message_id, anonymous_id, user_id, event_name, page_path, "
            "analytics_consent, country_code, occurred_at, received_at)) from staged"
        ).fetchall()[0]
    if check[0] != n_events // N_FILES * N_FILES:
        message = f"{folder.name}: {check[0]} events staged of {n_events}"
        raise SystemExit(message)
    return {
        "landed": landed - started,
        "staged": staged - landed,
        "n_rejected": report.n_new_rejected,
        "check": [str(value) for value in check],
    }


def write(line: str) -> None:
    """Write a line to the terminal."""
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Measure, print a table, and say whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=N_EVENTS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        write(json.dumps(land_and_stage(arguments.one, arguments.events)))
        return 0
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in FORMATS}
    checks = set()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_events(home, arguments.events)
        make_view(home)
        for _ in range(arguments.runs):
            for name in FORMATS:
                done = subprocess.run(  # noqa: S603 - this very module
                    [
                        *(sys.executable, "-m", "benchmarks.landing"),
                        *("--one", str(home / name)),
                        *("--events", str(arguments.events)),
                    ],
                    cwd=ROOT,
                    check=True,
                    capture_output=True,
                    text=True,
                )
                measured = json.loads(done.stdout)
                checks.add(tuple(measured["check"]))
                if measured["n_rejected"] != N_FILES * (name == "jsonl"):
                    message = f"{name}: {measured['n_rejected']} lines were rejected"
                    raise SystemExit(message)
                runs[name].append(measured)
    if len(checks) > 1:
        message = f"the staged events differ: {sorted(checks)}"
        raise SystemExit(message)
    medians = {
        name: {
            what: statistics.median(run[what] for run in measured)
            for what in ("landed", "staged")
        }
        for name, measured in runs.items()
    }
    ratio = statistics.median(
        (lines["landed"] + lines["staged"]) / (rows["landed"] + rows["staged"])
        for lines, rows in zip(runs["jsonl"], runs["parquet"], strict=True)
    )
    write(
        f"{arguments.events:,} events, {N_FILES} files, medians of {arguments.runs} "
        f"runs, CPU seconds; DuckDB {duckdb.__version__}, {platform.machine()}, "
        f"{os.cpu_count()} cores\n"
    )
    write("| format | landed | staged | both |\n|---|---|---|---|")
    for name, median in medians.items():
        write(
            f"| {name} | {median['landed']:.2f} | {median['staged']:.2f} "
            f"| {sum(median.values()):.2f} |"
        )
    write(f"\nJSON lines / Parquet: {ratio:.2f} (goal: at most {GOAL})")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
