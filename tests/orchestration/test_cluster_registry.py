"""Which model assigns, and when another is fitted."""

import dataclasses
import datetime as dt

import duckdb
import pytest

from orchestration.cluster_registry import (
    MODEL_TABLES,
    Refit,
    latest_model,
    latest_model_id,
    month_ends_without_model,
    read_model,
    why_refit,
    write_model,
)
from python_models.clustering import Cluster, ClusterModel, ModelFeature
from python_models.clustering.columns import CLUSTER_DRIFT, TABLES

JANUARY, FEBRUARY, MARCH = (dt.date(2026, month, 10) for month in (1, 2, 3))

AXIS = ModelFeature("a", "identity", 0.0, 1.0, is_used=True, moments=(0.0, 1.0))


def make_model(model_id: str, day: dt.date, **changes: object) -> ClusterModel:
    model = ClusterModel(
        model_id=model_id,
        as_of_date=day,
        n_customers=2,
        n_sampled_customers=2,
        silhouette_score=0.5,
        stability_score=None,
        inertia=0.0,
        outcome_code="separated",
        outcome="",
        random_state=0,
        code_version="0",
        previous_model_id=None,
        features=(AXIS,),
        clusters=(Cluster(1, "all", 2, is_new=True, centroid=(0.0,)),),
        candidates=(),
        highest_cluster_number=1,
    )
    return dataclasses.replace(model, **changes)


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute("create schema python")
        for table in (*MODEL_TABLES, CLUSTER_DRIFT):
            columns = ", ".join(
                f"{name} {kind}" for name, kind in TABLES[table].items()
            )
            connection.execute(f"create table python.{table} ({columns})")
        yield connection


def put_drift(connection, model_id: str, day: dt.date, *, is_drifted: bool) -> None:
    connection.execute(
        "insert into python.cluster_drift values (?, ?, 'feature', 'a', 0, 0.25, 2, ?)",
        [model_id, day, is_drifted],
    )


def models(connection) -> list[tuple[str, bool]]:
    return connection.execute(
        "select model_id, is_promoted from python.cluster_models order by all"
    ).fetchall()


def test_no_model_is_missing(warehouse):
    assert latest_model(warehouse, until=MARCH) is None
    for refit in Refit:
        assert why_refit(warehouse, MARCH, refit) == "missing"


def test_a_model_of_a_later_day_is_missing_too(warehouse):
    write_model(warehouse, make_model("later", MARCH))
    assert why_refit(warehouse, FEBRUARY, Refit.WHEN_MISSING) == "missing"


@pytest.mark.parametrize(
    ("refit", "day", "reason"),
    [
        (Refit.WHEN_MISSING, MARCH, None),
        (Refit.MONTHLY, MARCH, "monthly"),
        (Refit.MONTHLY, FEBRUARY.replace(day=28), None),
        (Refit.MONTHLY, FEBRUARY, None),
        (Refit.ALWAYS, FEBRUARY, "requested"),
    ],
)
def test_why(warehouse, refit, day, reason):
    write_model(warehouse, make_model("a", FEBRUARY))
    assert why_refit(warehouse, day, refit) == reason


def test_a_month_that_was_tried_is_not_tried_again(warehouse):
    write_model(warehouse, make_model("a", FEBRUARY))
    write_model(warehouse, make_model("b", MARCH, is_promoted=False))
    later = MARCH.replace(day=20)
    assert why_refit(warehouse, later, Refit.MONTHLY) is None
    assert latest_model_id(warehouse, until=later) == "a"


class TestDrift:
    @pytest.fixture(autouse=True)
    def _frozen(self, warehouse):
        write_model(warehouse, make_model("a", FEBRUARY))

    def test_the_day_before_decides(self, warehouse):
        put_drift(warehouse, "a", FEBRUARY, is_drifted=False)
        put_drift(warehouse, "a", MARCH, is_drifted=True)
        next_day = MARCH + dt.timedelta(days=1)
        assert why_refit(warehouse, next_day, Refit.WHEN_MISSING) == "drift"
        # What the day itself says is for the next one: a rerun decides the same.
        assert why_refit(warehouse, MARCH, Refit.WHEN_MISSING) is None

    def test_it_is_over_when_customers_are_back(self, warehouse):
        put_drift(warehouse, "a", FEBRUARY, is_drifted=True)
        put_drift(warehouse, "a", MARCH, is_drifted=False)
        next_day = MARCH + dt.timedelta(days=1)
        assert why_refit(warehouse, next_day, Refit.WHEN_MISSING) is None

    def test_drift_from_another_model_is_none_from_this(self, warehouse):
        put_drift(warehouse, "before", FEBRUARY, is_drifted=True)
        assert why_refit(warehouse, MARCH, Refit.WHEN_MISSING) is None

    def test_a_new_month_comes_first(self, warehouse):
        put_drift(warehouse, "a", FEBRUARY, is_drifted=True)
        assert why_refit(warehouse, MARCH, Refit.MONTHLY) == "monthly"

    def test_a_refused_model_is_not_fitted_every_day(self, warehouse):
        put_drift(warehouse, "a", MARCH, is_drifted=True)
        refused = make_model(
            "b",
            MARCH + dt.timedelta(days=1),
            refit_reason="drift",
            previous_model_id="a",
            is_promoted=False,
        )
        write_model(warehouse, refused)
        put_drift(warehouse, "a", refused.as_of_date, is_drifted=True)
        for day in (refused.as_of_date, MARCH.replace(day=31)):
            assert why_refit(warehouse, day, Refit.WHEN_MISSING) is None
        april = dt.date(2026, 4, 1)
        assert why_refit(warehouse, april, Refit.WHEN_MISSING) == "drift"


class TestWhatAssigns:
    def test_the_newest_that_was_promoted(self, warehouse):
        write_model(warehouse, make_model("a", JANUARY))
        write_model(warehouse, make_model("b", FEBRUARY))
        write_model(warehouse, make_model("c", MARCH, is_promoted=False))
        assert latest_model_id(warehouse, until=JANUARY) == "a"
        assert latest_model_id(warehouse, until=MARCH) == "b"
        assert latest_model(warehouse, until=MARCH) == make_model("b", FEBRUARY)

    def test_models_of_before_there_was_a_promotion_count(self, warehouse):
        write_model(warehouse, make_model("a", JANUARY))
        warehouse.execute("update python.cluster_models set is_promoted = null")
        assert latest_model_id(warehouse, until=MARCH) == "a"
        assert read_model(warehouse, "a").is_promoted

    def test_a_promoted_model_takes_the_place_of_its_days(self, warehouse):
        write_model(warehouse, make_model("a", MARCH))
        write_model(warehouse, make_model("b", MARCH, is_promoted=False))
        assert models(warehouse) == [("a", True), ("b", False)]
        assert latest_model_id(warehouse, until=MARCH) == "a"
        write_model(warehouse, make_model("c", MARCH, is_promoted=False))
        assert models(warehouse) == [("a", True), ("c", False)]
        write_model(warehouse, make_model("d", MARCH))
        assert models(warehouse) == [("d", True)]
        for table in ("clusters", "cluster_centroids", "cluster_model_features"):
            ids = warehouse.execute(f"select distinct model_id from python.{table}")
            assert ids.fetchall() == [("d",)], table


def test_month_ends_after_the_newest_model(warehouse):
    warehouse.execute("create schema marts")
    warehouse.execute(
        "create table marts.dim_as_of_dates as select * from (values "
        "(date '2026-01-01', true), (date '2026-02-01', true), "
        "(date '2026-02-10', false), (date '2026-03-01', true)) "
        "as dates (as_of_date, is_month_end)"
    )
    firsts = [dt.date(2026, month, 1) for month in (1, 2, 3)]
    assert month_ends_without_model(warehouse, MARCH) == firsts
    write_model(warehouse, make_model("a", JANUARY))
    assert month_ends_without_model(warehouse, MARCH) == firsts[1:]
    assert month_ends_without_model(warehouse, firsts[2]) == [firsts[1]]
