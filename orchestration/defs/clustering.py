"""Customer clusters, between the core marts and the segment marts.

The model is fitted once a month and kept: on the days between, customers are assigned
to the clusters that people know, by the warehouse itself. Everything a model is lies in
schema `python`, so the next one can keep its labels.
"""

import base64
import datetime as dt
from collections.abc import Iterator
from enum import Enum
from typing import Any

import dagster as dg
import pandas as pd
from duckdb import DuckDBPyConnection

from orchestration.assignment import (
    ASSIGNMENTS,
    FEATURES,
    assign_in_warehouse,
    compare_with_model,
    sample_assigned,
)
from orchestration.defs.resources import WAREHOUSE_POOL, AsOf, WarehouseResource
from orchestration.defs.source_tables import source_spec
from orchestration.warehouse import Warehouse, append_rows, transaction
from python_models.clustering import (
    ClusteringConfig,
    ClusterModel,
    fit_clusters,
)
from python_models.clustering.plots import (
    cluster_scatter_chart,
    cluster_sizes_chart,
    elbow_and_silhouette_chart,
    to_png,
)

FEATURES_KEY = dg.AssetKey(["marts", "customer_features_by_date"])
MODEL_TABLES = (
    "cluster_models",
    "cluster_candidates",
    "cluster_model_features",
    "cluster_centroids",
    "clusters",
)
ASSIGNMENT_TABLE = "customer_clusters"
# Customers that the check assigns again, and that the picture shows.
N_COMPARED = 10_000
N_DRAWN = 2_000


class Refit(Enum):
    """When to fit a new model."""

    MONTHLY = "monthly"
    ALWAYS = "always"
    WHEN_MISSING = "when_missing"


class ClusteringRunConfig(dg.Config):
    """When to fit anew, the range of k, and whether past month-ends come first."""

    refit: Refit = Refit.MONTHLY
    k_min: int = 2
    k_max: int = 10
    random_state: int = 7
    with_history: bool = False


@dg.multi_asset(
    specs=[
        source_spec(
            "python",
            table,
            group="clustering",
            kinds={"python", "scikitlearn", "duckdb"},
            deps=[FEATURES_KEY],
        )
        for table in (*MODEL_TABLES, ASSIGNMENT_TABLE)
    ],
    name="clustering",
    pool=WAREHOUSE_POOL,
)
def clustering(
    context: dg.AssetExecutionContext,
    config: ClusteringRunConfig,
    as_of: AsOf,
    warehouse: WarehouseResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Fit the month's model, or keep the one there is, and assign every customer."""
    day = as_of.resolve(context)
    database = warehouse.open()
    days = _month_ends_without_model(database, day) if config.with_history else []
    for past in days:
        _fit_and_assign(context, database, past, config)
    model, n_assigned = _fit_and_assign(context, database, day, config)
    metadata: dict[str, dict[str, Any]] = {
        table: {"dagster/row_count": len(frame)}
        for table, frame in model.frames().items()
        if table in MODEL_TABLES
    }
    metadata["cluster_models"] |= {
        "model_id": model.model_id,
        "fitted_as_of": model.as_of_date.isoformat(),
        "outcome": model.outcome,
        "n_clusters": model.n_clusters,
        "n_customers": model.n_customers,
        "n_sampled_customers": model.n_sampled_customers,
    }
    for name in ("silhouette_score", "stability_score"):
        score = getattr(model, name)
        if score is not None:
            metadata["cluster_models"][name] = score
    metadata["cluster_candidates"]["plot"] = _png(elbow_and_silhouette_chart(model))
    metadata["clusters"]["plot"] = _png(cluster_sizes_chart(model))
    metadata[ASSIGNMENT_TABLE] = {
        "dagster/row_count": n_assigned,
        "model_id": model.model_id,
        "plot": _png(_draw(database, day, model, n_assigned)),
    }
    for table, values in metadata.items():
        yield dg.MaterializeResult(asset_key=["python", table], metadata=values)


@dg.asset_check(
    asset=dg.AssetKey(["python", ASSIGNMENT_TABLE]),
    description=(
        "Everybody with features has a cluster; some, assigned again by the model "
        "itself, have the same one. Else nothing is public."
    ),
    blocking=True,
    pool=WAREHOUSE_POOL,
)
def clusters_are_the_models(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare what the warehouse assigned last with what the model says."""
    database = warehouse.open()
    with database.read() as connection:
        newest = connection.execute(
            f"select as_of_date, min(model_id) from {ASSIGNMENTS} "
            "group by as_of_date order by as_of_date desc limit 1"
        ).fetchone()
    if not newest:
        return dg.AssetCheckResult(passed=True, metadata={"n_assigned": 0})
    day, model_id = newest
    model = _read_model(database, model_id)
    with database.read() as connection:
        found = compare_with_model(connection, model, day, n_customers=N_COMPARED)
    return dg.AssetCheckResult(
        passed=found.is_complete,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=dict(found._asdict()),
    )


def _fit_and_assign(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    day: dt.date,
    config: ClusteringRunConfig,
) -> tuple[ClusterModel, int]:
    """Give one day its model and its assignments, written in one transaction."""
    _refuse_unknown_day(warehouse, day)
    kept = _kept_model(warehouse, day, config.refit)
    model = kept or fit_clusters(
        _read_features(warehouse, day),
        as_of_date=day,
        config=ClusteringConfig(
            k_min=config.k_min, k_max=config.k_max, random_state=config.random_state
        ),
        previous=_latest_model(warehouse, before=day),
    )
    n_assigned = _write(warehouse, day, model, is_new=not kept)
    context.log.info(
        "as of %s: cluster model %s (%s): %s",
        day,
        model.model_id,
        f"kept from {model.as_of_date}" if kept else "new",
        model.outcome,
    )
    return model, n_assigned


def _refuse_unknown_day(warehouse: Warehouse, day: dt.date) -> None:
    """Stop at marts that don't know the day."""
    with warehouse.read() as connection:
        known = connection.execute(
            "select count(*) from marts.dim_as_of_dates where as_of_date = ?", [day]
        ).fetchone()
    if not known or not known[0]:
        message = (
            f"the marts do not describe {day}: build customer_features_by_date at "
            "the run's as-of date first"
        )
        raise dg.Failure(message)


def _read_features(warehouse: Warehouse, day: dt.date) -> pd.DataFrame:
    """Read all features of a day; only a fit needs them."""
    with warehouse.read() as connection:
        return connection.execute(
            "select * exclude (as_of_date, customer_date_key) "
            f"from {FEATURES} where as_of_date = ? order by customer_id",
            [day],
        ).df()


def _draw(
    warehouse: Warehouse, day: dt.date, model: ClusterModel, n_customers: int
) -> Any:  # noqa: ANN401 - altair's charts
    """Draw some customers of a day, picked by a hash of their ids."""
    with warehouse.read() as connection:
        sample = sample_assigned(connection, day, n_customers=N_DRAWN)
    return cluster_scatter_chart(sample, sample, model, n_customers=n_customers)


def _month_ends_without_model(warehouse: Warehouse, day: dt.date) -> list[dt.date]:
    """List the past month-ends that no model was fitted for, oldest first."""
    with warehouse.read() as connection:
        rows = connection.execute(
            "select as_of_date from marts.dim_as_of_dates "
            "where is_month_end and as_of_date < ? and as_of_date > coalesce("
            "(select max(as_of_date) from python.cluster_models), date '0001-01-01') "
            "order by as_of_date",
            [day],
        ).fetchall()
    return [row[0] for row in rows]


def _kept_model(
    warehouse: Warehouse, day: dt.date, refit: Refit
) -> ClusterModel | None:
    """Return the model to keep, or nothing where one has to be fitted."""
    if refit is Refit.ALWAYS:
        return None
    latest = _latest_model(warehouse, before=day + dt.timedelta(days=1))
    if latest is None or refit is Refit.WHEN_MISSING:
        return latest
    same_month = latest.as_of_date.replace(day=1) == day.replace(day=1)
    return latest if same_month else None


def _latest_model(warehouse: Warehouse, *, before: dt.date) -> ClusterModel | None:
    """Read the newest model that was fitted before a day."""
    with warehouse.read() as connection:
        found = connection.execute(
            "select model_id from python.cluster_models where as_of_date < ? "
            "order by as_of_date desc, model_id limit 1",
            [before],
        ).fetchone()
    return _read_model(warehouse, found[0]) if found else None


def _read_model(warehouse: Warehouse, model_id: str) -> ClusterModel:
    """Read one model back."""
    with warehouse.read() as connection:
        # All models go in: a cluster number once given is never given again.
        frames = {
            table: connection.execute(f"select * from python.{table}").df()
            for table in MODEL_TABLES
        }
    return ClusterModel.from_frames(frames, model_id=model_id)


def _write(
    warehouse: Warehouse, day: dt.date, model: ClusterModel, *, is_new: bool
) -> int:
    """Write a new model over any other of its day, and who it assigns, in one go.

    Assignments stay for month-ends; those of other past days make room.
    """
    with warehouse.write() as connection, transaction(connection):
        if is_new:
            _write_model(connection, model)
        connection.execute(
            f"delete from {ASSIGNMENTS} where as_of_date = ? "
            "or (as_of_date < ? and day(as_of_date) <> 1)",
            [day, day],
        )
        return assign_in_warehouse(connection, model, day)


def _write_model(connection: DuckDBPyConnection, model: ClusterModel) -> None:
    """Write the rows of a model in the place of those of any other of its day."""
    replaced = {model.model_id} | {
        row[0]
        for row in connection.execute(
            "select model_id from python.cluster_models where as_of_date = ?",
            [model.as_of_date],
        ).fetchall()
    }
    frames = model.frames()
    for table in MODEL_TABLES:
        for model_id in replaced:
            connection.execute(
                f"delete from python.{table} where model_id = ?", [model_id]
            )
        append_rows(connection, f"python.{table}", frames[table])


def _png(chart: Any) -> dg.MarkdownMetadataValue:  # noqa: ANN401 - altair's charts
    """Show a chart in the Dagster UI."""
    encoded = base64.b64encode(to_png(chart)).decode()
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{encoded})")
