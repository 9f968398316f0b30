"""The published file: gated, complete, and never seen half-way."""

import datetime as dt
import json
import multiprocessing
import time

import duckdb
import pytest

from orchestration.publishing import (
    NotPublishedError,
    Publication,
    PublishedTable,
    publish,
    published_tables,
)
from orchestration.warehouse import Warehouse

DAY = dt.date(2024, 2, 1)
TABLES = [
    PublishedTable("customer_facts", "One row per customer.", {"customer_id": "Who."}),
    PublishedTable(
        "segment_summary", "One row per segment.", {"segment": "It's what."}
    ),
]


@pytest.fixture
def warehouse(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.write() as connection:
        connection.execute("create schema raw; create schema marts")
        connection.execute(
            "create table raw.failed_files "
            "(file_path varchar, reason varchar, resolved_at timestamp)"
        )
        connection.execute(
            "create table raw.load_manifest (source_name varchar, stream_name varchar, "
            "load_status varchar, n_records bigint, loaded_at timestamp)"
        )
        connection.execute(
            "create table marts.dim_as_of_dates as "
            "select date '2024-02-01' as as_of_date, true as is_current"
        )
    build(warehouse, 1)
    return warehouse


def build(warehouse, number):
    """Stand-in for a run: every table holds the run's number, `number` times."""
    with warehouse.write() as connection:
        for table, column in (
            ("customer_facts", "customer_id"),
            ("segment_summary", "segment"),
        ):
            connection.execute(
                f"create or replace table marts.{table} as "
                f"select '{number}' as {column} from range({number})"
            )


def publication(number):
    return Publication(run_id=str(number), as_of_date=DAY, code_version="0")


def read(path):
    """Every run id that one reading sees, and whether the row counts agree."""
    with duckdb.connect(str(path), read_only=True) as connection:
        runs = {
            connection.execute("select run_id from marts.publication").fetchone()[0]
        }
        counted = {}
        for table, column in (
            ("customer_facts", "customer_id"),
            ("segment_summary", "segment"),
        ):
            rows = connection.execute(f"select {column} from marts.{table}").fetchall()
            runs |= {row[0] for row in rows}
            counted[table] = len(rows)
            time.sleep(0.002)
        for run_id, table, n_rows in connection.execute(
            "select run_id, table_name, n_rows from marts.publication_tables"
        ).fetchall():
            runs.add(run_id)
            counted[table] -= n_rows
    return runs, set(counted.values()) == {0}


def keep_reading(path, stop, found):
    """Read until told to stop; report readings and everything that didn't agree."""
    n_readings, wrong, seen = 0, [], set()
    while not stop.is_set():
        runs, agrees = read(path)
        n_readings += 1
        seen |= runs
        if len(runs) != 1 or not agrees:
            wrong.append(sorted(runs))
    found.put((n_readings, wrong, len(seen)))


def test_two_readers_always_see_one_whole_run(warehouse, tmp_path):
    target = tmp_path / "published" / "segmentary.duckdb"
    publish(warehouse, target, TABLES, publication(1))
    context = multiprocessing.get_context("spawn")
    stop, found = context.Event(), context.Queue()
    readers = [
        context.Process(target=keep_reading, args=(target, stop, found))
        for _ in range(2)
    ]
    for reader in readers:
        reader.start()
    try:
        for number in range(2, 32):
            build(warehouse, number)
            publish(warehouse, target, TABLES, publication(number))
            time.sleep(0.05)
    finally:
        stop.set()
        reports = [found.get(timeout=60) for _ in readers]
        for reader in readers:
            reader.join(timeout=60)
    for n_readings, wrong, n_runs_seen in reports:
        assert wrong == []
        assert n_readings > 5
        assert n_runs_seen > 1
    assert read(target) == ({"31"}, True)


def test_the_file_explains_itself(warehouse, tmp_path):
    target = tmp_path / "published.duckdb"
    counts = publish(warehouse, target, TABLES, publication(1))
    assert counts == {"customer_facts": 1, "segment_summary": 1}
    with duckdb.connect(str(target), read_only=True) as connection:
        dictionary = connection.execute(
            "select table_name, column_name, description from marts.data_dictionary"
        ).fetchall()
        comment = connection.execute(
            "select comment from duckdb_tables() where table_name = 'customer_facts'"
        ).fetchone()
        storage = connection.execute(
            "select tags from duckdb_databases() where database_name = 'published'"
        ).fetchone()
    assert dictionary == [
        ("customer_facts", "customer_id", "Who."),
        ("segment_summary", "segment", "It's what."),
    ]
    assert comment == ("One row per customer.",)
    assert "v1.0.0" in str(storage)


def test_a_file_that_failed_to_load_keeps_the_old_publication(warehouse, tmp_path):
    target = tmp_path / "published.duckdb"
    publish(warehouse, target, TABLES, publication(1))
    with warehouse.write() as connection:
        connection.execute(
            "insert into raw.failed_files values ('pos/order_lines/a.csv', 'why', null)"
        )
    build(warehouse, 2)
    with pytest.raises(NotPublishedError, match=r"pos/order_lines/a\.csv: why"):
        publish(warehouse, target, TABLES, publication(2))
    assert read(target) == ({"1"}, True)
    with warehouse.write() as connection:
        connection.execute("update raw.failed_files set resolved_at = now()")
    publish(warehouse, target, TABLES, publication(2))
    assert read(target) == ({"2"}, True)


def test_marts_of_another_day_are_not_published(warehouse, tmp_path):
    target = tmp_path / "published.duckdb"
    other = Publication(run_id="2", as_of_date=dt.date(2024, 3, 1), code_version="0")
    with pytest.raises(NotPublishedError, match="describe 2024-02-01, the run 2024-03"):
        publish(warehouse, target, TABLES, other)
    assert not target.exists()


def test_a_broken_copy_leaves_the_old_file_and_no_other(warehouse, tmp_path):
    target = tmp_path / "out" / "published.duckdb"
    publish(warehouse, target, TABLES, publication(1))
    missing = PublishedTable("no_such_mart", "One row per nothing.", {})
    with pytest.raises(duckdb.CatalogException):
        publish(warehouse, target, [*TABLES, missing], publication(2))
    assert read(target) == ({"1"}, True)
    assert [path.name for path in target.parent.iterdir()] == ["published.duckdb"]


def test_only_models_that_say_so_are_published():
    def node(name, meta, kind="model"):
        return {
            "name": name,
            "resource_type": kind,
            "description": "One row per x.",
            "columns": {"x": {"name": "x", "description": "X."}},
            "config": {"meta": meta},
        }

    manifest = {
        "nodes": {
            "b": node("b", {"publish": True}),
            "a": node("a", {"publish": True}),
            "c": node("c", {"publish": False}),
            "d": node("d", {}),
            "e": node("e", {"publish": True}, kind="test"),
        }
    }
    assert [t.name for t in published_tables(json.loads(json.dumps(manifest)))] == [
        "a",
        "b",
    ]
