"""Which month-ends a replay runs, and when landed files start a run."""

import datetime as dt

import dagster as dg
import pytest

from orchestration.defs.jobs import landed_files_sensor
from orchestration.history import month_ends_to_replay
from orchestration.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.write() as connection:
        connection.execute("create schema intermediate; create schema snapshots")
        connection.execute(
            "create table intermediate.int_customer_days as "
            "select date '2023-11-15' as activity_date"
        )
    return warehouse


def first_of(*months):
    return [dt.date.fromisoformat(f"{month}-01") for month in months]


def test_a_replay_runs_every_month_end_in_order(warehouse):
    months = month_ends_to_replay(warehouse, dt.date(2024, 2, 20))
    assert months == first_of("2023-12", "2024-01", "2024-02")


def test_the_final_day_is_not_among_them(warehouse):
    months = month_ends_to_replay(warehouse, dt.date(2024, 2, 1))
    assert months == first_of("2023-12", "2024-01")


def test_history_is_only_written_forwards(warehouse):
    with warehouse.write() as connection:
        connection.execute(
            "create table snapshots.snap_segment_memberships as "
            "select timestamp '2024-01-01' as dbt_valid_from"
        )
    months = month_ends_to_replay(warehouse, dt.date(2024, 3, 5))
    assert months == first_of("2024-02", "2024-03")


def test_without_activity_there_is_nothing_to_replay(warehouse):
    with warehouse.write() as connection:
        connection.execute("delete from intermediate.int_customer_days")
    assert month_ends_to_replay(warehouse, dt.date(2024, 3, 5)) == []


@pytest.fixture
def landing(tmp_path, monkeypatch):
    folder = tmp_path / "landing"
    (folder / "pos" / "order_lines").mkdir(parents=True)
    monkeypatch.setenv("SEGMENTARY_LANDING", str(folder))
    return folder


def look(cursor):
    context = dg.build_sensor_context(cursor=cursor)
    results = list(landed_files_sensor(context))
    requests = [result for result in results if isinstance(result, dg.RunRequest)]
    return requests, context.cursor


def test_a_run_starts_once_when_files_have_come_to_rest(landing):
    requests, cursor = look(None)
    assert requests == []
    file = landing / "pos" / "order_lines" / "a.csv"
    file.write_text("half")
    requests, cursor = look(cursor)
    assert requests == []
    file.write_text("half and half")
    requests, cursor = look(cursor)
    assert requests == []
    requests, cursor = look(cursor)
    assert len(requests) == 1
    requests, cursor = look(cursor)
    assert requests == []


def test_another_file_starts_another_run(landing):
    (landing / "pos" / "order_lines" / "a.csv").write_text("a")
    first, cursor = look(look(None)[1])
    (landing / "pos" / "order_lines" / "b.csv").write_text("b")
    second, cursor = look(look(cursor)[1])
    assert first[0].run_key != second[0].run_key
