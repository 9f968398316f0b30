"""The same records give the same marts, whatever way they came in (design: equality).

Simulated input has what makes this hard: late events and answers, copies that land
months later, devices whose sessions a later file re-opens, customers whom a later file
merges or splits. Real input has identical lines without ids, which fall into different
files. `test_equalities_of_identity` has each of these changes by hand.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from equality import (
    NOT_BUILT,
    NOT_COMPARED,
    accepted,
    assert_equal,
    fingerprints,
    reasons,
    totals,
)
from landed import lines_of
from warehouses import PROJECT, write_csv

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warehouses import Built, Workshop

DBT = Path(sys.executable).with_name("dbt")
N_SLICES = 3
EARLIER = date(2025, 10, 1)
# Streams of which single records land again, beside events and the till's lines.
AGAIN = {
    "shopify/orders": ".jsonl",
    "shopify/refunds": ".jsonl",
    "shopify/customers": ".jsonl",
    "shopify/products": ".jsonl",
    "ga4/events": ".jsonl",
    "crm/contacts": ".csv",
    "erasure/requests": ".csv",
}
KILLED_AT = "START sql incremental model intermediate.int_events_sessionized"
# What a kill between two renames leaves; made here, since no kill can be aimed so well.
LEFT_BEHIND = ("marts.fct_orders__dbt_backup", "intermediate.int_orders__dbt_tmp")


def files_of(landing: Path) -> list[Path]:
    return sorted(path for path in landing.rglob("*") if path.is_file())


def slices_of(landing: Path) -> list[list[Path]]:
    """A third of each stream's files after the other."""
    streams: dict[Path, list[Path]] = {}
    for path in files_of(landing):
        streams.setdefault(path.parent, []).append(path)
    slices: list[list[Path]] = [[] for _ in range(N_SLICES)]
    for paths in streams.values():
        for position, path in enumerate(paths):
            slices[position * N_SLICES // len(paths)].append(path)
    return slices


def drop(paths: Iterable[Path], origin: Path, landing: Path) -> None:
    for path in paths:
        target = landing / path.relative_to(origin)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


@dataclass(frozen=True)
class Sliced:
    """A warehouse that was built as each slice landed, and as the last had not."""

    unfinished: Built
    landing: Path
    final: Built


@pytest.fixture(scope="module")
def sliced(
    workshop: Workshop,
    small: Built,
    small_landing: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Sliced:
    landing = tmp_path_factory.mktemp("slices")
    unfinished = workshop.new(small.data_set)
    *earlier, last = slices_of(small_landing)
    for paths in earlier:
        drop(paths, small_landing, landing)
        assert not unfinished.land(landing).failed
        unfinished.build(exclude=NOT_BUILT)
    final = workshop.new(small.data_set, like=unfinished)
    drop(last, small_landing, landing)
    assert not final.land(landing).failed
    final.build(exclude=NOT_BUILT)
    return Sliced(unfinished, landing, final)


def test_slices_are_as_good_as_all_at_once(sliced: Sliced, small: Built) -> None:
    assert fingerprints(sliced.unfinished) != fingerprints(small)
    assert_equal(sliced.final, small)
    assert totals(sliced.final) == totals(small)
    assert reasons(sliced.final) == reasons(small)


def test_full_refresh_is_as_good_as_slices(
    workshop: Workshop, sliced: Sliced, small: Built
) -> None:
    refreshed = workshop.new(small.data_set, like=sliced.final)
    refreshed.build("--full-refresh", exclude=NOT_BUILT)
    assert_equal(refreshed, small)
    assert totals(refreshed) == totals(small)


@pytest.mark.slow
def test_lines_in_any_slices_and_any_order(
    workshop: Workshop, small: Built, small_landing: Path, tmp_path: Path
) -> None:
    """Lines of all files of a stream, dealt out among loads without regard to time."""
    chance = random.Random(8)  # noqa: S311 - the order of a test's lines is no secret
    built = workshop.new(small.data_set)
    for number, lines in enumerate(dealt(small_landing, chance)):
        write_streams(lines, tmp_path, number)
        if number == 0:
            drop(small_landing.rglob("*.parquet"), small_landing, tmp_path)
        assert not built.land(tmp_path).failed
        # What lands in between waits for the next build.
        if number != 1:
            built.build(exclude=NOT_BUILT)
    assert_equal(built, small)
    assert totals(built) == totals(small)
    assert reasons(built) == reasons(small)
    assert {
        reason
        for (reason,) in built.rows(
            "select change_reason from marts.customer_id_changes"
        )
    } >= {"merge", "split", "earlier_evidence"}


def dealt(landing: Path, chance: random.Random) -> list[dict[Path, list[str]]]:
    """Return lines by stream for each load; a CSV file's header goes with all."""
    slices: list[dict[Path, list[str]]] = [{} for _ in range(N_SLICES)]
    for path in files_of(landing):
        if path.suffix == ".parquet":
            continue
        stream = path.parent.relative_to(landing)
        lines = lines_of(path)
        header = [lines.pop(0)] if path.suffix == ".csv" else []
        for some in slices:
            some.setdefault(stream, header.copy())
        for line in chance.sample(lines, len(lines)):
            slices[chance.randrange(N_SLICES)][stream].append(line)
    return slices


def write_streams(streams: dict[Path, list[str]], landing: Path, number: int) -> None:
    for stream, lines in streams.items():
        is_csv = stream.parts[0] in {"pos", "crm", "fx", "third_party", "erasure"}
        path = landing / stream / f"{number}.{'csv' if is_csv else 'jsonl'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_killed_run_is_mended_by_the_next(
    workshop: Workshop, sliced: Sliced, small: Built
) -> None:
    built = workshop.new(small.data_set, like=sliced.unfinished)
    assert not built.land(sliced.landing).failed
    with subprocess.Popen(
        [str(DBT), *built.build_arguments(exclude=NOT_BUILT)],
        cwd=PROJECT,
        env=built.environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        was_met = any(KILLED_AT in line for line in running.stdout)
        running.kill()
    assert was_met
    assert running.returncode < 0
    assert fingerprints(built) != fingerprints(small)
    with built.warehouse.write() as connection:
        for relation in LEFT_BEHIND:
            connection.execute(f"create or replace table {relation} as select 1 as a")
    built.build(exclude=NOT_BUILT)
    assert (
        built.rows(
            "select schema_name, table_name from duckdb_tables()"
            " where contains(table_name, '__dbt_') union all"
            " select schema_name, view_name from duckdb_views()"
            " where contains(view_name, '__dbt_')"
        )
        == []
    )
    assert_equal(built, small)


def some_records_again(landing: Path, target: Path) -> None:
    """Land copies of records under their ids: as they were, and received later."""
    lines = []
    for path in sorted(landing.glob("segment/events/*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for number, line in enumerate(stream):
                if number % 5 == 0:
                    lines.append(line)
                elif number % 5 == 1 and line.rstrip().endswith("}"):
                    lines.append(received_later(line))
    again = target / "segment" / "events" / "again.jsonl"
    again.parent.mkdir(parents=True, exist_ok=True)
    again.write_text("".join(lines), encoding="utf-8")
    for stream, suffix in AGAIN.items():
        path = target / stream / f"again{suffix}"
        copies = [
            line for file in files_of(landing / stream) for line in lines_of(file)
        ]
        header = [copies[0]] if path.suffix == ".csv" else []
        # Without the lines that can't be read: those have no id.
        some = [line for line in copies if is_readable(line, path)][1::3]
        path.write_text("\n".join([*header, *some, ""]), encoding="utf-8")
    rows: list[dict[str, str]] = []
    for path in sorted(landing.glob("pos/order_lines/*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            rows += list(csv.DictReader(stream))[::3]
    write_csv(target / "pos" / "order_lines" / "again.csv", rows)


def is_readable(line: str, path: Path) -> bool:
    if path.suffix == ".csv":
        return line.startswith(("CON-", "ER-"))
    return line.endswith("}")


def received_later(line: str) -> str:
    event = json.loads(line)
    received_at = datetime.fromisoformat(event["receivedAt"]) + timedelta(hours=1)
    return json.dumps(event | {"receivedAt": received_at.isoformat()}) + "\n"


def test_reruns_and_copies_change_nothing(
    workshop: Workshop, small: Built, small_landing: Path, tmp_path: Path
) -> None:
    built = workshop.new(small.data_set, like=small)
    built.build(exclude=NOT_BUILT)
    assert_equal(built, small)
    assert totals(built) == totals(small)
    assert reasons(built) == reasons(small)
    drop(files_of(small_landing), small_landing, tmp_path)
    for path in files_of(small_landing):
        again = path.with_name(f"again_{path.name}")
        target = tmp_path / again.relative_to(small_landing)
        shutil.copy(path, target)
    some_records_again(small_landing, tmp_path)
    report = built.land(tmp_path)
    n_files = len(files_of(small_landing))
    # An extract says what holds at its time, also if it says the same again.
    n_extracts = len(files_of(small_landing / "crm"))
    assert report.n_files() == {
        "unchanged": n_files,
        "duplicate_file": n_files - n_extracts,
        "loaded": 2 + len(AGAIN) + n_extracts,
    }
    built.build(exclude=NOT_BUILT)
    assert_equal(built, small)
    assert accepted(built) == accepted(small)
    ((_, _, n_before),) = [row[:3] for row in totals(small) if row[0] == "pos"]
    ((_, _, n_after),) = [row[:3] for row in totals(built) if row[0] == "pos"]
    assert n_after > 2 * n_before


def test_an_earlier_day_is_that_day_as_known_now(
    workshop: Workshop, small: Built, small_landing: Path
) -> None:
    went_back = workshop.new(small.data_set, like=small)
    went_back.build(as_of=EARLIER, exclude=NOT_BUILT)
    fresh = workshop.new(small.data_set)
    assert not fresh.land(small_landing).failed
    fresh.build(as_of=EARLIER, exclude=NOT_BUILT)
    assert fingerprints(fresh) != fingerprints(small)
    assert_equal(went_back, fresh)


@pytest.mark.slow
def test_real_lines_in_slices_newest_first(
    workshop: Workshop, cdnow: Built, cdnow_landing: Path, tmp_path: Path
) -> None:
    """Every third line of the file each; identical lines fall into different ones."""
    (path,) = files_of(cdnow_landing)
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    built = workshop.new(cdnow.data_set)
    for number in reversed(range(N_SLICES)):
        name = f"{number}.csv"
        write_csv(tmp_path / "pos" / "order_lines" / name, rows[number::N_SLICES])
        assert not built.land(tmp_path).failed
        if number != 1:
            built.build(exclude=NOT_BUILT)
    assert_equal(built, cdnow)
    assert totals(built) == totals(cdnow)
    # And once more over the same files, from nothing.
    built.build("--full-refresh", exclude=NOT_BUILT)
    assert_equal(built, cdnow)


def test_what_is_not_compared_exists(small: Built) -> None:
    """A mart that is renamed or gone must not keep its excuse."""
    marts = small.rows(
        "select distinct table_name from duckdb_columns() where schema_name = 'marts'"
    )
    assert NOT_COMPARED.keys() <= {name for (name,) in marts}
