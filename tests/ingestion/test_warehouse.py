"""Opening the warehouse, waiting for its lock, and replacing rows."""

import datetime as dt
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from orchestration.warehouse import (
    FrameError,
    Sql,
    Warehouse,
    WarehouseLockedError,
    WarehouseMissingError,
    append_rows,
    compose,
    relation_name,
    replace_rows,
    transaction,
)

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.read()
"""
ZONE = """
import pathlib, sys
from orchestration.warehouse import Warehouse
with Warehouse(pathlib.Path(sys.argv[1])).read() as connection:
    print(connection.execute("select current_setting('TimeZone')").fetchone()[0])
"""
PROGRESS = """
import sys
from pathlib import Path
from orchestration.warehouse import Warehouse
warehouse = Warehouse(Path(sys.argv[1]))
for opened in (warehouse.write, warehouse.read, warehouse.attached):
    with opened() as connection:
        print(connection.execute(
            "select current_setting('enable_progress_bar')"
        ).fetchone()[0])
"""


@contextmanager
def held(path: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Keep a warehouse open in another process."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.stdin.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse with one small table."""
    path = tmp_path / "warehouse.duckdb"
    with Warehouse(path).write() as connection:
        connection.execute("create schema python")
        connection.execute(
            "create table python.scores "
            "(customer_id varchar, as_of_date date, score double)"
        )
        connection.execute("insert into python.scores values ('old', '2026-01-01', 1)")
    return path


def scores(path: Path) -> list[tuple[object, ...]]:
    with Warehouse(path).read() as connection:
        return connection.execute("from python.scores order by all").fetchall()


def test_reading_before_the_first_run_says_what_to_do(tmp_path: Path) -> None:
    missing = tmp_path / "warehouse.duckdb"
    with (
        pytest.raises(WarehouseMissingError, match="make demo") as caught,
        Warehouse(missing).read(),
    ):
        pass
    assert str(missing) in str(caught.value)
    assert not missing.exists()


@pytest.mark.parametrize("error", [None, FileExistsError, PermissionError])
def test_a_new_warehouse_appears_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError] | None
) -> None:
    path = tmp_path / "state" / "warehouse.duckdb"
    link = os.link

    def link_whole(fresh: Path, target: Path) -> None:
        assert target == path
        assert not path.exists()
        with duckdb.connect(fresh, read_only=True) as connection:
            connection.execute("from duckdb_tables()")
        if error is FileExistsError:
            # Another run was quicker: its file stays.
            with duckdb.connect(path) as connection:
                connection.execute("create table theirs (a int)")
        if error:
            raise error
        link(fresh, target)

    monkeypatch.setattr(os, "link", link_whole)
    with Warehouse(path).write() as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
    assert tables == ([("theirs",)] if error is FileExistsError else [])
    assert list(path.parent.iterdir()) == [path]


def test_reading_cannot_write(path: Path) -> None:
    with (
        Warehouse(path).read() as connection,
        pytest.raises(duckdb.InvalidInputException, match="read-only"),
    ):
        connection.execute("delete from python.scores")


def test_connections_are_offline(path: Path) -> None:
    with Warehouse(path, memory_limit="512MiB", threads=1).write() as connection:
        settings = dict(
            connection.execute(
                "select name, value from duckdb_settings() where name in "
                "('autoinstall_known_extensions', 'autoload_known_extensions', "
                "'memory_limit', 'threads')"
            ).fetchall()
        )
    assert settings == {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": "512.0 MiB",
        "threads": "1",
    }


def test_slow_statements_draw_nothing_where_results_go(path: Path) -> None:
    """DuckDB takes what has no file of its own, such as this, for a notebook."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRESS, str(path)],
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.split() == ["False"] * 3


def test_the_environment_limits_memory_and_threads(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTARY_MEMORY_LIMIT", "300MiB")
    monkeypatch.setenv("SEGMENTARY_THREADS", "1")
    with Warehouse(path).read() as connection:
        settings = connection.execute(
            "select current_setting('memory_limit'), current_setting('threads')"
        ).fetchone()
    assert settings == ("300.0 MiB", 1)


def test_connections_are_in_utc_anywhere(path: Path) -> None:
    # DuckDB asks for the machine's zone once, so it takes another process.
    done = subprocess.run(
        [sys.executable, "-c", ZONE, str(path)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TZ": "America/New_York"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "UTC\n"


@pytest.mark.parametrize("how", ["write", "read"])
def test_the_lock_error_names_the_process(path: Path, how: str) -> None:
    warehouse = Warehouse(path, lock_wait_seconds=0.2)
    with (
        held(path, how) as process,
        pytest.raises(WarehouseLockedError, match="Wait for that run") as caught,
        warehouse.write(),
    ):
        pass
    assert f"process {process.pid} (" in str(caught.value)


def test_a_reader_waits_for_a_writer(path: Path) -> None:
    with held(path, "write") as process:
        assert process.stdin
        release = threading.Timer(0.4, process.stdin.close)
        release.start()
        assert scores(path) == [("old", dt.date(2026, 1, 1), 1.0)]
        release.join()


def test_a_connection_left_open_here_is_named(path: Path) -> None:
    warehouse = Warehouse(path, lock_wait_seconds=0.1)
    with (
        warehouse.read(),
        pytest.raises(WarehouseLockedError, match=f"PID {os.getpid()}"),
        warehouse.write(),
    ):
        pass


def test_other_errors_are_not_waited_for(tmp_path: Path) -> None:
    junk = tmp_path / "warehouse.duckdb"
    junk.write_bytes(b"no database" * 1000)
    with (
        pytest.raises(duckdb.IOException, match="not a valid DuckDB"),
        Warehouse(junk).read(),
    ):
        pass


def test_replace_keeps_the_declared_types(path: Path) -> None:
    frame = pd.DataFrame(
        {
            "score": [1, None],
            "customer_id": ["a", "b"],
            "as_of_date": [pd.Timestamp("2026-02-01"), pd.Timestamp("2026-02-02")],
        }
    )
    assert Warehouse(path).replace("python.scores", frame) == 2
    assert scores(path) == [
        ("a", dt.date(2026, 2, 1), 1.0),
        ("b", dt.date(2026, 2, 2), None),
    ]
    with Warehouse(path).read() as connection:
        types = connection.execute("describe python.scores").fetchall()
    assert [row[1] for row in types] == ["VARCHAR", "DATE", "DOUBLE"]


def test_replace_takes_an_empty_frame(path: Path) -> None:
    frame = pd.DataFrame({"customer_id": [], "as_of_date": [], "score": []})
    assert Warehouse(path).replace("python.scores", frame) == 0
    assert scores(path) == []


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        (["customer_id", "as_of_date"], r"the columns \['customer_id', 'as_of_date'\]"),
        (["customer_id", "as_of_date", "score", "rank"], "'rank'.*the table has"),
    ],
)
def test_replace_refuses_other_columns(
    path: Path, columns: list[str], named: str
) -> None:
    frame = pd.DataFrame({column: ["x"] for column in columns})
    with pytest.raises(FrameError, match=named):
        Warehouse(path).replace("python.scores", frame)
    assert scores(path) == [("old", dt.date(2026, 1, 1), 1.0)]


def test_replace_fails_as_a_whole(path: Path) -> None:
    rows = pa.table(
        {"customer_id": ["a"], "as_of_date": ["no date"], "score": ["1"]},
    )
    with pytest.raises(duckdb.ConversionException):
        Warehouse(path).replace("python.scores", rows)
    assert scores(path) == [("old", dt.date(2026, 1, 1), 1.0)]


def test_a_transaction_is_kept_or_undone_as_a_whole(path: Path) -> None:
    rows = pa.table(
        {"customer_id": ["a"], "as_of_date": ["2026-03-01"], "score": [2.0]}
    )

    def write(*, fails: bool) -> None:
        with Warehouse(path).write() as connection, transaction(connection):
            replace_rows(connection, "python.scores", rows)
            append_rows(connection, "python.scores", rows)
            if fails:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(fails=True)
    assert scores(path) == [("old", dt.date(2026, 1, 1), 1.0)]
    write(fails=False)
    assert scores(path) == 2 * [("a", dt.date(2026, 3, 1), 2.0)]


def test_names_are_quoted() -> None:
    statement = compose(
        "select $columns from $table where $condition",
        columns=["key", 'odd"name'],
        table=relation_name("raw.events"),
        condition=Sql("a = ?"),
    )
    assert statement == 'select "key", "odd""name" from "raw"."events" where a = ?'


def test_a_relation_has_a_schema() -> None:
    with pytest.raises(ValueError, match=r"schema\.table, not 'events'"):
        relation_name("events")
