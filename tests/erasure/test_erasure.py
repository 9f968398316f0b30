"""Paulina asks to be forgotten, and no byte of her is left under the state folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from erased_shop import (
    CALLING_CODES,
    CONTRACTS,
    DAY,
    ERASED_AT,
    PAULINA,
    PAULINA_TEXTS,
    PROJECT,
    SALT,
    build_shop,
    contents,
    first_files,
    found_in,
    land,
    second_files,
    without_paulina,
)

from orchestration import definitions, erasure
from orchestration.__main__ import main
from orchestration.defs import erasure as erasure_defs
from orchestration.erasure import Workshop
from orchestration.erasure.building import make_workshop
from orchestration.ingestion import load_landed_files
from orchestration.ingestion.macros import macro
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings

# What a search of bytes can see.
UNCOMPRESSED = {"force_compression": "uncompressed"}
# What stays of her, and nothing else.
SUPPRESSED = "raw.suppressed_identifiers"


def _keys(kind_of_key: str = "identifier_key") -> dict[str, Any]:
    """Return the key of each of her identifiers, by the identifier."""
    with duckdb.connect() as connection:
        connection.execute(f"set variable identifier_salt = '{SALT}'")
        sql = {
            value: macro(kind_of_key, kind, f"'{value}'")
            for kind, values in PAULINA.items()
            for value in values
        }
        return {
            value: connection.execute(f"select {key}").fetchall()[0][0]
            for value, key in sql.items()
        }


@dataclass(frozen=True)
class Erased:
    """What the erasure was seen to do."""

    settings: Settings
    never: Path
    before: dict[str, set[str]]
    customers: list[str]
    ready: Path

    def rows(self, sql: str) -> list[Any]:
        with Warehouse(self.settings.warehouse_path).read() as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def uncompressed(monkeypatch_module: pytest.MonkeyPatch, home: Path) -> None:
    """Have every database file written as plain bytes."""
    settings_of = Warehouse._settings  # noqa: SLF001 - there is no other way in
    monkeypatch_module.setattr(
        Warehouse, "_settings", lambda self: settings_of(self) | UNCOMPRESSED
    )
    profile = (PROJECT / "profiles.yml").read_text()
    marker = "        TimeZone: UTC\n"
    assert marker in profile
    line = "        force_compression: uncompressed\n"
    (home / "profiles.yml").write_text(profile.replace(marker, marker + line))
    monkeypatch_module.setenv("DBT_PROFILES_DIR", str(home))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("erasure")


@pytest.fixture(scope="module")
def erased(
    home: Path,
    uncompressed: None,  # noqa: ARG001 - it works by being there
    monkeypatch_module: pytest.MonkeyPatch,
) -> Erased:
    """The shop after `python -m orchestration erase`, and how it was before."""
    shop = build_shop(home, without_paulina(first_files() | second_files()))
    never = home / "never"
    shutil.move(shop.state, never)
    shutil.rmtree(shop.landing)
    # What dbt has parsed is good for the same folder: it takes longer than building.
    shutil.copytree(never / "dbt", shop.state / "dbt")
    settings = build_shop(home, first_files())
    land(settings.landing, second_files())
    seen: dict[str, Any] = {}

    def watched(its_settings: Settings, run_id: str) -> Workshop:
        workshop = make_workshop(its_settings, run_id)

        def build(arguments: Any, day: Any) -> None:
            workshop.build(arguments, day)
            if "before" not in seen:
                seen.update(_look(its_settings, home / "ready"))
                _leave_remains(its_settings)

        return replace(workshop, build=build)

    assert definitions.defs.resolve_job_def("erase")
    for name, value in (
        ("SEGMENTARY_STATE", settings.state),
        ("SEGMENTARY_LANDING", settings.landing),
        ("SEGMENTARY_SALT", SALT),
        ("SEGMENTARY_AS_OF_DATE", DAY),
        ("DAGSTER_HOME", settings.dagster_home),
    ):
        monkeypatch_module.setenv(name, str(value))
    monkeypatch_module.setattr(erasure_defs, "make_workshop", watched)
    assert main(["erase"]) == 0
    return Erased(settings, never, **seen)


def _look(settings: Settings, copy: Path) -> dict[str, Any]:
    """See her everywhere, once identity knows all that landed."""
    with Warehouse(settings.warehouse_path).write() as connection:
        # Nothing is in the log only.
        connection.execute("force checkpoint")
        customers = [
            row[0]
            for row in connection.execute(
                "select distinct customer_id "
                "from intermediate.int_customer_id_versions "
                "where identifier_key = ?",
                [_keys()["u-paulina"]],
            ).fetchall()
        ]
    texts = [*PAULINA_TEXTS, *_keys().values(), *customers]
    shutil.copytree(settings.state, copy / "state")
    shutil.copytree(settings.landing, copy / "landing")
    return {
        "before": found_in(settings.state, texts),
        "customers": customers,
        "ready": copy,
    }


def _leave_remains(settings: Settings) -> None:
    """Leave what runs that were killed leave: with her in it."""
    published = settings.published_path
    shutil.copy(published, published.with_name(f".{published.name}.99.tmp"))
    spilled = settings.state / "warehouse.duckdb.tmp"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage-0.tmp").write_text("u-paulina")
    shutil.copy(settings.warehouse_path, settings.state / ".warehouse.duckdb.compacted")
    with Warehouse(settings.warehouse_path).write() as connection:
        connection.execute(
            "create table marts.dim_customers__dbt_backup as "
            "select *, 'u-paulina' as remark from marts.dim_customers"
        )


def test_she_was_everywhere(erased: Erased) -> None:
    assert len(erased.customers) == 2, "her id has changed"
    texts = [*PAULINA_TEXTS, *_keys().values(), *erased.customers]
    # The key of a device whose events are withheld stands nowhere.
    missing = {text for text in texts if text not in erased.before}
    assert missing <= {_keys()["dev-paulina-2"]}
    published = {
        text for text, names in erased.before.items() if "segmentary.duckdb" in names
    }
    assert {"u-paulina", "dev-paulina-1", _keys()["paulina.quibble@example.net"]} <= (
        published
    )


def test_nothing_is_left_of_her(erased: Erased, tmp_path: Path) -> None:
    texts = [*PAULINA_TEXTS, *erased.customers]
    assert found_in(erased.settings.state, texts) == {}
    # Her keys are what keeps her out, in one table.
    keys = list(_keys().values())
    where = {
        name
        for names in found_in(erased.settings.state, keys).values()
        for name in names
    }
    assert where == {"warehouse.duckdb"}
    copy = shutil.copy(erased.settings.warehouse_path, tmp_path / "copy.duckdb")
    with duckdb.connect(config=UNCOMPRESSED) as connection:
        connection.execute(f"attach '{copy}' as warehouse")
        connection.execute(f"drop table warehouse.{SUPPRESSED}")
        connection.execute(f"attach '{tmp_path / 'rest.duckdb'}' as rest")
        connection.execute("copy from database warehouse to rest")
    Path(copy).unlink()
    assert found_in(tmp_path, keys) == {}


def compact_keys_in(warehouse: Path) -> set[str]:
    """Return the tables with a compact key of hers, of all that have such keys."""
    keys = list(_keys("compact_identifier_key").values())
    with Warehouse(warehouse).read() as connection:
        columns = connection.execute(
            "select table_schema || '.' || table_name, column_name"
            " from information_schema.columns where data_type = 'UUID'"
        ).fetchall()
        assert {column for _, column in columns} >= {"device_key", "left_key"}
        return {
            table
            for table, column in columns
            if connection.execute(
                f"select 1 from {table} where {column} in "
                f"(select unnest(? :: uuid[])) limit 1",
                [keys],
            ).fetchall()
        }


def test_no_compact_key_of_hers_is_left(erased: Erased) -> None:
    """Sixteen bytes are no text that a search of files could see."""
    assert compact_keys_in(erased.settings.warehouse_path) == set()
    assert compact_keys_in(erased.ready / "state" / "warehouse.duckdb") >= {
        "intermediate.int_events_classified",
        "intermediate.int_identifier_combinations",
        "intermediate.int_identifier_pairs",
        "intermediate.int_identifiers",
        "staging.int_events_unioned",
    }


def test_what_is_left_is_a_shop_that_never_knew_her(erased: Erased) -> None:
    never = Warehouse(erased.never / "warehouse.duckdb")
    explained = {
        # How many records landed and were erased.
        "row_accounting",
        "rejected_rows",
        "schema_drift",
        "source_freshness",
        # The shared device was a customer of its own, and is Quentin's now.
        "customer_id_changes",
    }
    tables = [
        name
        for (name,) in erased.rows(
            "select table_name from information_schema.tables"
            " where table_schema = 'marts'"
        )
    ]
    assert {"dim_customers", "fct_events", "segment_memberships"} <= set(tables)
    different = set()
    with never.read() as connection:
        for table in tables:
            sql = f"select * from marts.{table} order by all"
            if connection.execute(sql).fetchall() != erased.rows(sql):
                different.add(table)
    assert different <= explained
    assert erased.rows("select count(*) from marts.dim_customers") == [(1,)]


def test_every_record_is_accounted_for(erased: Erased) -> None:
    accounts = erased.rows(
        "select source_name || '/' || file_path, n_landed, n_accepted, n_duplicate, "
        "n_rejected, n_withheld, n_erased from marts.row_accounting order by all"
    )
    assert all(row[1] == sum(row[2:]) for row in accounts)
    assert {row[0].partition("/")[2]: row[6] for row in accounts} == {
        "catalog/products/a.csv": 0,
        "crm/contacts/a.csv": 1,
        "erasure/requests/a.csv": 3,
        "ga4/events/events_20260211.jsonl": 2,
        "pos/order_lines/a.parquet": 1,
        "segment/events/a.jsonl.gz": 5,
        "segment/events/b.jsonl": 1,
        "shopify/customers/a.jsonl": 1,
        "shopify/orders/a.jsonl": 2,
        "shopify/orders/copy.jsonl": 2,
        "shopify/refunds/a.jsonl": 1,
        "third_party/attributes/a.csv": 1,
    }


def test_the_proofs_say_what_was_done(erased: Erased) -> None:
    proofs = {
        outcome: (n_files, json.loads(tables), is_complete)
        for outcome, n_files, tables, is_complete in erased.rows(
            "select outcome, n_landing_files, rows_by_table, completed_at is not null "
            "from raw.erasures"
        )
    }
    assert set(proofs) == {"erased", "shared", "blocked"}
    assert all(proof[2] for proof in proofs.values())
    assert proofs["erased"][0] == 11
    counted = proofs["erased"][1]
    assert {name: n for name, n in counted.items() if name.startswith("raw.")} == {
        "raw.crm_contacts": 1,
        "raw.erasure_requests": 1,
        "raw.ga4_events": 2,
        "raw.pos_order_lines": 1,
        "raw.segment_events": 6,
        "raw.shopify_customers": 1,
        "raw.shopify_orders": 2,
        "raw.shopify_refunds": 1,
        "raw.third_party_attributes": 1,
    }
    assert counted["snapshots.snap_segment_memberships"] > 0
    assert proofs["shared"][1] == {"raw.erasure_requests": 1}
    request = "request:r-1"
    assert erased.rows(f"select sha256('{SALT}' || '{request}')")[0] in erased.rows(
        "select request_key from raw.erasures"
    )


def test_nothing_comes_back(erased: Erased, tmp_path: Path) -> None:
    copy = tmp_path / "state" / "warehouse.duckdb"
    copy.parent.mkdir()
    shutil.copy(erased.settings.warehouse_path, copy)
    counts = (
        "select (select count(*) from raw.segment_events), "
        "(select count(*) from raw.crm_contacts)"
    )
    files = first_files() | second_files()
    # The same content under another name, and the same records as another file.
    again = {name.replace("/a.", "/again."): content for name, content in files.items()}
    again["pos/order_lines/more.csv"] = (
        b"order_id,ordered_at,quantity,unit_price,customer_id\n"
        b"s1,2026-02-03 10:00:00,1,20.00,u-paulina\n"
    )
    again["crm/contacts/later.csv"] = files["crm/contacts/a.csv"] + b"crm-new,,,,,,,,\n"
    land(tmp_path / "landing", again)
    with Warehouse(copy).write() as connection:
        before = connection.execute(counts).fetchall()
        report = load_landed_files(
            connection,
            tmp_path / "landing",
            CONTRACTS,
            ERASED_AT,
            salt=SALT,
            calling_codes=CALLING_CODES,
        )
        connection.execute("force checkpoint")
        after = connection.execute(counts).fetchall()
    assert not report.failed
    assert found_in(tmp_path / "state", PAULINA_TEXTS) == {}
    # Of the extract that isn't a copy, the two others come again.
    assert [new - old for new, old in zip(*after, *before, strict=True)] == [0, 2]
    statuses = {file.name: file.status for file in report.files}
    assert statuses["segment/events/again.jsonl.gz"] == "duplicate_file"
    assert statuses["pos/order_lines/more.csv"] == "loaded"


def test_a_second_erasure_changes_nothing(erased: Erased) -> None:
    content = erased.settings.warehouse_path.read_bytes()

    def build(_arguments: Any, _day: Any) -> None:
        """Identity, for the request that can't be read."""

    def publish(_day: Any) -> None:
        pytest.fail("nothing is unfinished")

    report = erasure.erase(
        erased.settings, CONTRACTS, Workshop(build, publish), ERASED_AT
    )
    assert (report.outcomes, report.n_rows, report.n_completed) == ({}, 0, 0)
    assert len(report.landing_files) == 11
    assert erased.settings.warehouse_path.read_bytes() == content


def test_landing_files_are_rewritten_where_asked_for(
    erased: Erased, tmp_path: Path
) -> None:
    home = shutil.copytree(erased.settings.state, tmp_path / "state").parent
    landing = shutil.copytree(erased.settings.landing, home / "landing")
    settings = replace(erased.settings, state=home / "state", landing=landing)
    workshop = Workshop(lambda _arguments, _day: None, lambda _day: None)
    assert found_in(landing, PAULINA_TEXTS)
    report = erasure.erase(
        settings, CONTRACTS, workshop, ERASED_AT, rewrite_landing=True
    )
    assert report.landing_files == ()
    assert found_in(landing, PAULINA_TEXTS) == {}
    # Nothing but her is gone, to the byte.
    wanted = tmp_path / "wanted"
    land(wanted, without_paulina(first_files() | second_files()))
    left = {path.relative_to(landing): text for path, text in contents(landing)}
    assert left == {path.relative_to(wanted): text for path, text in contents(wanted)}

    # The rewritten files are the ones that were loaded, under other names too.
    rewritten = (landing / "shopify" / "refunds" / "a.jsonl").read_bytes()
    land(landing, {"shopify/refunds/again.jsonl": rewritten})
    with Warehouse(settings.warehouse_path).write() as connection:
        loaded = load_landed_files(
            connection, landing, CONTRACTS, ERASED_AT, calling_codes=CALLING_CODES
        )
        hashes = connection.execute(
            "select file_sha256 <> rewritten_sha256, count(*) from raw.load_manifest "
            "where rewritten_sha256 is not null group by all"
        ).fetchall()
    assert hashes == [(True, 11)]
    assert loaded.n_files() == {"unchanged": 12, "duplicate_file": 1}


# Runs an erasure whose identity is built; dies by its own hand at one of its steps.
KILLED = """
import datetime as dt, os, signal, sys
from pathlib import Path
from orchestration import warehouse
from orchestration.erasure import Workshop, erase
from orchestration.ingestion import read_contracts
from orchestration.settings import Settings

_, root, home, step = sys.argv
plain = warehouse.Warehouse._settings
warehouse.Warehouse._settings = lambda self: plain(self) | {
    "force_compression": "uncompressed"
}
settings = Settings(Path(home, "state"), Path(home, "landing"), {}, None, None)

def die(at):
    if at == step:
        os.kill(os.getpid(), signal.SIGKILL)

def build(arguments, day):
    if "--full-refresh" not in arguments:
        return
    die("before building")
    with warehouse.Warehouse(settings.warehouse_path).write() as connection:
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in "
            "('staging', 'intermediate', 'marts') "
            "and table_name <> 'int_customer_id_versions'"
        ).fetchall():
            connection.execute(f"delete from {schema}.{table}")
    die("after building")

def publish(day):
    die("before publishing")
    settings.published_path.write_bytes(b"published again")
    die("after publishing")

move = Path.replace
def replace(self, target):
    die("before moving")
    move(self, target)
    die("after moving")
Path.replace = replace

report = erase(
    settings,
    read_contracts(Path(root, "models", "staging")),
    Workshop(build, publish),
    dt.datetime(2026, 3, 2, 6),
)
print(report.n_completed)
"""


@pytest.mark.parametrize(
    "step",
    [
        "before building",
        pytest.param("before moving", marks=pytest.mark.slow),
        pytest.param("after moving", marks=pytest.mark.slow),
        pytest.param("after publishing", marks=pytest.mark.slow),
    ],
)
def test_what_was_killed_is_finished_by_the_next_run(
    erased: Erased, tmp_path: Path, step: str
) -> None:
    home = shutil.copytree(erased.ready, tmp_path / "home")
    command = [sys.executable, "-c", KILLED, str(PROJECT), str(home)]
    killed = subprocess.run([*command, step], cwd=PROJECT, check=False)
    assert killed.returncode < 0
    assert erasure.is_unfinished(Warehouse(home / "state" / "warehouse.duckdb"))
    finished = subprocess.run(
        [*command, "never"], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert finished.stdout == "3\n"
    assert found_in(home / "state", [*PAULINA_TEXTS, *erased.customers]) == {}
    assert not erasure.is_unfinished(Warehouse(home / "state" / "warehouse.duckdb"))


def test_whoever_waits_too_long_is_counted(erased: Erased) -> None:
    """Three requests are of March 1st and open; the fourth names nobody."""
    ready = Warehouse(erased.ready / "state" / "warehouse.duckdb")
    assert erasure.count_overdue(ready, ERASED_AT.replace(month=4), 30) == 3
    assert erasure.count_overdue(ready, ERASED_AT, 30) == 0
    done = Warehouse(erased.settings.warehouse_path)
    assert erasure.count_overdue(done, ERASED_AT.replace(month=4), 30) == 0
