"""Customer clusters, between the core marts and the segment marts.

The model is fitted once a month and kept: on the days between, customers are assigned
to the clusters that people know. Everything a model is lies in schema `python`, so the
next one can keep its labels.
"""

import base64
import datetime as dt
from collections.abc import Iterator
from enum import Enum
from typing import Any

import dagster as dg
import pandas as pd

from orchestration.defs.resources import WAREHOUSE_POOL, AsOf, WarehouseResource
from orchestration.defs.source_tables import source_spec
from orchestration.warehouse import Warehouse, append_rows, transaction
from python_models.clustering import (
    ClusteringConfig,
    ClusterModel,
    assign_clusters,
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


class Refit(Enum):
    """When to fit a new model."""

    MONTHLY = "monthly"
    ALWAYS = "always"
    WHEN_MISSING = "when_missing"


class ClusteringRunConfig(dg.Config):
    """When to fit anew, the range of k, and whether past month-ends come first."""

    refit: Refit = Refit.MONTHLY
    k_min: int = 2
    k_max: int = 8
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
    features, model, assignments = _fit_and_assign(context, database, day, config)
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
    }
    if model.silhouette_score is not None:
        metadata["cluster_models"]["silhouette_score"] = model.silhouette_score
    metadata["cluster_candidates"]["plot"] = _png(elbow_and_silhouette_chart(model))
    metadata["clusters"]["plot"] = _png(cluster_sizes_chart(model))
    metadata[ASSIGNMENT_TABLE] = {
        "dagster/row_count": len(assignments),
        "model_id": model.model_id,
        "plot": _png(cluster_scatter_chart(features, assignments, model)),
    }
    for table, values in metadata.items():
        yield dg.MaterializeResult(asset_key=["python", table], metadata=values)


def _fit_and_assign(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    day: dt.date,
    config: ClusteringRunConfig,
) -> tuple[pd.DataFrame, ClusterModel, pd.DataFrame]:
    """Give one day its model and its assignments, written in one transaction."""
    features = _read_features(warehouse, day)
    kept = _kept_model(warehouse, day, config.refit)
    model = kept or fit_clusters(
        features,
        as_of_date=day,
        config=ClusteringConfig(
            k_min=config.k_min, k_max=config.k_max, random_state=config.random_state
        ),
        previous=_latest_model(warehouse, before=day),
    )
    assignments = assign_clusters(features, model, as_of_date=day)
    _write(warehouse, day, model, assignments)
    context.log.info(
        "as of %s: cluster model %s (%s): %s",
        day,
        model.model_id,
        f"kept from {model.as_of_date}" if kept else "new",
        model.outcome,
    )
    return features, model, assignments


def _read_features(warehouse: Warehouse, day: dt.date) -> pd.DataFrame:
    """Read the features of a day, or refuse marts that don't know the day."""
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
        features = connection.execute(
            "select * from marts.customer_features_by_date where as_of_date = ?", [day]
        ).df()
    return features.drop(columns=["as_of_date", "customer_date_key"])


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
        if not found:
            return None
        # All models go in: a cluster number once given is never given again.
        frames = {
            table: connection.execute(f"select * from python.{table}").df()
            for table in MODEL_TABLES
        }
    return ClusterModel.from_frames(frames, model_id=found[0])


def _write(
    warehouse: Warehouse, day: dt.date, model: ClusterModel, assignments: pd.DataFrame
) -> None:
    """Write a model over any other of its day, and who it assigned, in one go.

    Assignments stay for month-ends; those of other past days make room.
    """
    with warehouse.write() as connection, transaction(connection):
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
                    f"delete from python.{table} where model_id = ?",
                    [model_id],
                )
            append_rows(connection, f"python.{table}", frames[table])
        connection.execute(
            f"delete from python.{ASSIGNMENT_TABLE} where as_of_date = ? "
            "or (as_of_date < ? and day(as_of_date) <> 1)",
            [day, day],
        )
        append_rows(connection, f"python.{ASSIGNMENT_TABLE}", assignments)


def _png(chart: Any) -> dg.MarkdownMetadataValue:  # noqa: ANN401 - altair's charts
    """Show a chart in the Dagster UI."""
    encoded = base64.b64encode(to_png(chart)).decode()
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{encoded})")
