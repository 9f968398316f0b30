"""The asset between counted outcomes and proposals: asked once, written once, kept."""

import datetime as dt

import dagster as dg
import pandas as pd
import pytest
import yaml

from orchestration.defs.resources import AsOf, WarehouseResource
from orchestration.defs.threshold_tuning import threshold_tuning
from orchestration.settings import PROJECT_ROOT, load_settings
from orchestration.warehouse import Warehouse

SOURCES = PROJECT_ROOT / "models/staging/python/_python__sources.yml"
DAY = dt.date(2025, 9, 15)
# The last of them has not seen its 30 days at the day.
MONTH_ENDS = [dt.date(2025, month, 1) for month in range(1, 10)]
THRESHOLDS = """
    create table marts.dim_thresholds as
    select 'min_sessions' as threshold_name, 'engaged' as segment,
        'purchase' as outcome_name, 'at_least' as direction, 6.0 as threshold_value,
        1.0 as min_value, 9.0 as max_value, 1.0 as step_value
    union all
    select 'min_views', 'browsing', 'purchase', 'at_least', 1.0, 1.0, 9.0, 1.0
"""
# Ten customers a group, month-end and step; three of ten purchase from 4 on, else none.
OUTCOMES = """
    create table marts.threshold_outcomes as
    select threshold_name, as_of_date, printf('%02x', code) as customer_group_code,
        steps as measure_steps, steps >= threshold_value as is_member,
        10 as n_customers, if(steps >= 4, 3, 0) as n_reached_customers,
        cast(25 as decimal(18, 4)) as net_amount
    from marts.dim_thresholds, marts.dim_as_of_dates,
        range(0, 256, 4) as codes (code), range(10) as all_steps (steps)
    where threshold_name = 'min_sessions' and as_of_date <= date '2025-08-01'
"""


@pytest.fixture
def warehouse(tmp_path, monkeypatch) -> Warehouse:
    """What the core marts hold, and no proposal yet."""
    monkeypatch.setenv("SEGMENTARY_STATE", str(tmp_path))
    warehouse = Warehouse(load_settings().warehouse_path)
    source = yaml.safe_load(SOURCES.read_text())["sources"][0]
    (table,) = (t for t in source["tables"] if t["name"] == "threshold_proposals")
    declared = ", ".join(
        f"{column['name']} {column['data_type']}" for column in table["columns"]
    )
    with warehouse.write() as connection:
        connection.execute("create schema marts")
        connection.execute("create schema python")
        connection.execute(f"create table python.threshold_proposals ({declared})")
        connection.execute(
            "create table marts.dim_as_of_dates (as_of_date date, is_month_end boolean)"
        )
        connection.executemany(
            "insert into marts.dim_as_of_dates values (?, ?)",
            [*((day, True) for day in MONTH_ENDS), (DAY, False)],
        )
        connection.execute(THRESHOLDS)
        connection.execute(OUTCOMES)
    return warehouse


def run(day: dt.date = DAY) -> dict[str, dg.MetadataValue]:
    result = dg.materialize(
        [threshold_tuning],
        resources={
            "as_of": AsOf(date=day.isoformat()),
            "warehouse": WarehouseResource(),
        },
    )
    (made,) = result.asset_materializations_for_node("threshold_tuning")
    return dict(made.metadata)


def proposals(warehouse: Warehouse) -> pd.DataFrame:
    with warehouse.read() as connection:
        return connection.execute(
            "from python.threshold_proposals order by as_of_date, threshold_name"
        ).df()


def test_every_threshold_is_looked_at_once(warehouse):
    metadata = run()
    found = proposals(warehouse)
    assert found["threshold_name"].tolist() == ["min_sessions", "min_views"]
    assert found["decision_code"].tolist() == ["improves", "no_candidate"]
    assert found["candidate_value"].tolist()[0] == 4
    # Eight month-ends have seen their 30 days: five to choose on, three to judge on.
    assert found["n_training_months"].tolist() == [5, 5]
    assert set(found["last_month_end_date"]) == {pd.Timestamp("2025-08-01")}
    assert metadata["n_proposed"].value == 1
    assert metadata["engaged_members"].value == 64 * 10 * 4
    # At 4 all of 30% are members; at 6 two of six steps of the others have 30%.
    gain = metadata["min_sessions_gain"].value
    assert gain == pytest.approx(0.3 - (0.3 - 0.1))
    table = metadata["proposals"].value
    assert "| min_sessions | 6 | 4 | 2560 | 3840 | 10.0 (10.0 to 10.0) |" in table
    assert "| min_views | 1 | keep | 0 |  |  | keep 1: " in table


def test_a_rerun_changes_nothing(warehouse):
    first = run()
    before = proposals(warehouse)
    # Nor does a later day with the same newest month-end, nor another count.
    with warehouse.write() as connection:
        connection.execute(
            "update marts.threshold_outcomes set n_reached_customers = 0"
        )
    later = run(DAY + dt.timedelta(days=10))
    pd.testing.assert_frame_equal(proposals(warehouse), before)
    assert later["proposals"] == first["proposals"]


def test_what_was_found_stays_when_another_value_is_in_force(warehouse):
    run()
    before = proposals(warehouse)
    with warehouse.write() as connection:
        connection.execute(
            "update marts.dim_thresholds set threshold_value = 4 "
            "where threshold_name = 'min_sessions'"
        )
        connection.execute(
            "update marts.threshold_outcomes set is_member = measure_steps >= 4"
        )
    metadata = run(DAY + dt.timedelta(days=1))
    after = proposals(warehouse)
    pd.testing.assert_frame_equal(after.iloc[:2], before)
    assert after.iloc[2][["current_value", "decision_code"]].tolist() == [
        4,
        "current_is_best",
    ]
    assert len(after) == 3
    assert metadata["n_proposed"].value == 0


def test_a_new_month_end_is_a_new_question(warehouse):
    run()
    run(dt.date(2025, 10, 1))
    found = proposals(warehouse)
    assert len(found) == 4
    assert set(found["last_month_end_date"].astype(str)) == {"2025-08-01", "2025-09-01"}


def test_a_new_shop_has_nothing_to_propose(warehouse):
    with warehouse.write() as connection:
        connection.execute("delete from marts.dim_as_of_dates")
        connection.execute("delete from marts.threshold_outcomes")
    metadata = run()
    assert metadata["n_proposed"].value == 0
    found = proposals(warehouse)
    assert set(found["decision_code"]) == {"too_few_months"}
    assert found["last_month_end_date"].isna().all()
