"""The asset over some days: fitted once, kept, fitted again when customers drift."""

import dataclasses
import datetime as dt

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from orchestration.cluster_registry import MODEL_TABLES, Refit
from orchestration.defs import clustering as clustering_defs
from orchestration.defs import storytelling
from orchestration.defs.clustering import (
    clustering,
    clusters_are_the_models,
    customers_are_the_models,
)
from orchestration.defs.resources import AsOf, WarehouseResource
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from python_models.clustering import ClusterModel, fit_clusters
from python_models.clustering.columns import CLUSTER_DRIFT, CUSTOMER_CLUSTERS, TABLES
from python_models.clustering.config import DEFAULT_FEATURES

FIRST = dt.date(2026, 3, 10)
NAMES = [spec.name for spec in DEFAULT_FEATURES]
N_CUSTOMERS = 240
PICTURE = """
    create table python.cluster_scatter_points (
        model_id varchar, as_of_date date, point_number bigint, cluster_number bigint,
        first_coordinate double, second_coordinate double);
    create table python.cluster_scatter_axes (
        model_id varchar, as_of_date date, axis_number bigint, feature_name varchar,
        loading double, variance_rate double);
"""


def features(*, shift: float = 0.0) -> pd.DataFrame:
    """Two kinds of customers, told apart by every feature."""
    generator = np.random.default_rng(5)
    kind = np.arange(N_CUSTOMERS) % 2
    frame = pd.DataFrame(
        generator.gamma(9.0, 1.0, (N_CUSTOMERS, len(NAMES))) * (1 + 5 * kind[:, None]),
        columns=NAMES,
    )
    frame["recency_days"] += shift
    return frame.assign(customer_id=[f"c{number:03}" for number in range(N_CUSTOMERS)])


class Run:
    """What one run of the asset left."""

    def __init__(self, warehouse: Warehouse, day: dt.date, **config: object) -> None:
        self.warehouse, self.day = warehouse, day
        result = dg.materialize(
            [clustering, clusters_are_the_models, customers_are_the_models],
            resources={
                "warehouse": WarehouseResource(),
                "as_of": AsOf(date=day.isoformat()),
            },
            run_config={"ops": {"clustering": {"config": config}}},
        )
        self.checks = {
            each.check_name: each for each in result.get_asset_check_evaluations()
        }
        self.metadata = {
            event.materialization.asset_key.path[-1]: event.materialization.metadata
            for event in result.get_asset_materialization_events()
        }

        # As they are now: a later run adds to them.
        self.models = self.rows(
            "select as_of_date, refit_reason, is_promoted from python.cluster_models "
            "order by as_of_date"
        )

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with self.warehouse.read() as connection:
            return connection.execute(sql).fetchall()

    @property
    def assigned_by(self) -> object:
        (row,) = self.rows(
            "select distinct cluster_models.as_of_date from python.customer_clusters "
            "inner join python.cluster_models using (model_id) "
            f"where customer_clusters.as_of_date = date '{self.day}'"
        )
        return row[0]


@pytest.fixture
def warehouse(tmp_path, monkeypatch) -> Warehouse:
    monkeypatch.setenv("SEGMENTARY_STATE", str(tmp_path))
    monkeypatch.setattr(storytelling, "to_png", lambda _: b"")
    warehouse = Warehouse(load_settings().warehouse_path)
    with warehouse.write() as connection:
        for schema in ("marts", "python"):
            connection.execute(f"create schema {schema}")
        for table in (*MODEL_TABLES, CUSTOMER_CLUSTERS, CLUSTER_DRIFT):
            columns = [f"{name} {kind}" for name, kind in TABLES[table].items()]
            connection.execute(f"create table python.{table} ({', '.join(columns)})")
        connection.execute(PICTURE)
        connection.execute(
            "create table marts.dim_as_of_dates (as_of_date date, is_month_end boolean)"
        )
        measures = ", ".join(f"{name} double" for name in NAMES)
        connection.execute(
            "create table marts.customer_features_by_date (customer_date_key varchar, "
            f"as_of_date date, customer_id varchar, {measures})"
        )
    return warehouse


def put(warehouse: Warehouse, day: dt.date, frame: pd.DataFrame) -> None:
    with warehouse.write() as connection:
        connection.execute("insert into marts.dim_as_of_dates values (?, false)", [day])
        connection.register("frame", frame)
        connection.execute(
            "insert into marts.customer_features_by_date by name "
            "select *, ?::date as as_of_date, customer_id as customer_date_key "
            "from frame",
            [day],
        )


def test_drift_brings_the_next_fit_forward(warehouse):
    days = [FIRST + dt.timedelta(days=number) for number in range(4)]
    put(warehouse, days[0], features())
    for day in days[1:]:
        put(warehouse, day, features(shift=200.0))
    kept = {"refit": Refit.WHEN_MISSING.name}

    first = Run(warehouse, days[0], **kept)
    assert first.models == [(days[0], "missing", True)]
    assert first.metadata["cluster_models"]["n_clusters"].value == 2
    assert first.metadata["cluster_drift"]["max_psi"].value == 0.0
    assert all(check.passed for check in first.checks.values())

    # Everybody is older by 200 days: the frozen model assigns, and the check warns.
    second = Run(warehouse, days[1], **kept)
    assert len(second.models) == 1
    assert second.assigned_by == days[0]
    assert second.checks["clusters_are_the_models"].passed
    warning = second.checks["customers_are_the_models"]
    assert (warning.passed, warning.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert warning.description.startswith("recency_days: PSI ")
    assert second.metadata["cluster_drift"]["n_drifted_measures"].value >= 1
    # A rerun of the day decides the same.
    assert Run(warehouse, days[1], **kept).models == first.models

    third = Run(warehouse, days[2], **kept)
    assert third.models == [*first.models, (days[2], "drift", True)]
    assert third.assigned_by == days[2]
    assert all(check.passed for check in third.checks.values())
    assert third.metadata["cluster_changes"]["n_kept"].value == 2
    fourth = Run(warehouse, days[3], **kept)
    assert fourth.models == third.models


def refuse(*arguments: object, **named: object) -> ClusterModel:
    """Fit, and say that the new model is worse."""
    model = fit_clusters(*arguments, **named)
    return dataclasses.replace(model, is_promoted=False, promotion_reason="it is worse")


def test_a_refused_model_is_kept_and_does_not_assign(warehouse, monkeypatch):
    later = FIRST + dt.timedelta(days=1)
    put(warehouse, FIRST, features())
    put(warehouse, later, features(shift=1.0))
    Run(warehouse, FIRST)
    monkeypatch.setattr(clustering_defs, "fit_clusters", refuse)
    refused = Run(warehouse, later, refit=Refit.ALWAYS.name)
    assert refused.models == [
        (FIRST, "missing", True),
        (later, "requested", False),
    ]
    assert refused.assigned_by == FIRST
    shown = refused.metadata["cluster_models"]
    assert shown["fitted_as_of"].value == FIRST.isoformat()
    # Unless the run says so.
    asked = Run(warehouse, later, refit=Refit.ALWAYS.name, promote_anyway=True)
    assert asked.models[1] == (later, "requested", True)
    assert asked.assigned_by == later
    assert asked.rows(
        "select promotion_reason from python.cluster_models order by as_of_date desc"
    )[0] == ("the run asked for it, though it is worse",)


def test_nobody_is_one_cluster_and_a_bad_setting_is_named(warehouse):
    put(warehouse, FIRST, features().iloc[:0])
    run = Run(warehouse, FIRST)
    assert run.metadata["cluster_models"]["n_clusters"].value == 1
    assert "0 customers" in run.metadata["cluster_models"]["outcome"].value
    assert all(check.passed for check in run.checks.values())
    with pytest.raises(ValueError, match="scaler 'max' is unknown; allowed: standard"):
        Run(warehouse, FIRST, refit=Refit.ALWAYS.name, scaler="max")
