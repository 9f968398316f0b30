"""Customer clusters, between the core marts and the segment marts.

The model is fitted once a month and kept: on the days between, customers are assigned
to the clusters that people know. Everything a model is lies in schema `python`, so the
next one can keep its labels.
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any, Literal

import dagster as dg
import duckdb
import pandas as pd

from orchestration.defs.resources import WAREHOUSE_POOL, AsOf, WarehouseResource
from orchestration.warehouse import Warehouse, append_rows, transaction
from python_models.clustering import (
    ClusteringConfig,
    ClusterModel,
    assign_clusters,
    cluster_scatter_chart,
    cluster_sizes_chart,
    elbow_and_silhouette_chart,
    fit_clusters,
    to_png,
)

FEATURES_KEY = dg.AssetKey(["marts", "customer_features"])
MODEL_TABLES = (
    "cluster_models",
    "cluster_candidates",
    "cluster_model_features",
    "cluster_centroids",
    "clusters",
)


class ClusterModelConfig(dg.Config):
    """When to fit anew, and the range of k."""

    refit: Literal["monthly", "always", "when_missing"] = "monthly"
    k_min: int = 2
    k_max: int = 8
    random_state: int = 7


def _spec(table: str) -> dg.AssetSpec:
    """One table of schema `python`."""
    return dg.AssetSpec(
        key=["python", table],
        deps=[FEATURES_KEY],
        group_name="clustering",
        kinds={"python", "scikitlearn", "duckdb"},
    )


@dg.multi_asset(
    specs=[_spec(table) for table in MODEL_TABLES],
    name="cluster_model",
    pool=WAREHOUSE_POOL,
)
def cluster_model(
    context: dg.AssetExecutionContext,
    config: ClusterModelConfig,
    as_of: AsOf,
    warehouse: WarehouseResource,
) -> Any:  # noqa: ANN401 - Dagster's results by table
    """Fit the month's cluster model, or keep the one there is."""
    day = as_of.resolve(context)
    database = warehouse.open()
    features = _read_features(database, day)
    model = _kept_model(database, day, config.refit)
    is_new = model is None
    if model is None:
        model = fit_clusters(
            features,
            as_of_date=day,
            config=ClusteringConfig(
                k_min=config.k_min,
                k_max=config.k_max,
                random_state=config.random_state,
            ),
            previous=_latest_model(database, before=day),
        )
        _write_model(database, model)
    context.log.info(
        "cluster model %s of %s %s: %s",
        model.model_id,
        model.as_of_date,
        "fitted" if is_new else "kept",
        model.outcome,
    )
    plots = {
        "cluster_models": _png(elbow_and_silhouette_chart(model)),
        "clusters": _png(cluster_sizes_chart(model)),
    }
    frames = model.frames()
    for table in MODEL_TABLES:
        metadata: dict[str, Any] = {"dagster/row_count": len(frames[table])}
        if table == "cluster_models":
            metadata |= {
                "model_id": model.model_id,
                "is_new": is_new,
                "fitted_as_of": model.as_of_date.isoformat(),
                "outcome": model.outcome,
                "n_clusters": model.n_clusters,
                "n_customers": model.n_customers,
            }
            if model.silhouette_score is not None:
                metadata["silhouette_score"] = model.silhouette_score
        if table in plots:
            metadata["plot"] = plots[table]
        yield dg.MaterializeResult(asset_key=["python", table], metadata=metadata)


@dg.asset(
    key=["python", "customer_clusters"],
    deps=[FEATURES_KEY, *(dg.AssetKey(["python", table]) for table in MODEL_TABLES)],
    group_name="clustering",
    kinds={"python", "scikitlearn", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def customer_clusters(
    context: dg.AssetExecutionContext, as_of: AsOf, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Assign every customer with features to the nearest cluster of the model."""
    day = as_of.resolve(context)
    database = warehouse.open()
    features = _read_features(database, day)
    model = _latest_model(database, before=day + dt.timedelta(days=1))
    if model is None:
        message = f"no cluster model as of {day} or before; materialize it first"
        raise dg.Failure(message)
    assignments = assign_clusters(features, model, as_of_date=day)
    database.replace("python.customer_clusters", assignments)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(assignments),
            "model_id": model.model_id,
            "plot": _png(cluster_scatter_chart(features, assignments, model)),
        }
    )


def _read_features(warehouse: Warehouse, day: dt.date) -> pd.DataFrame:
    """Read the features, or refuse those of another day."""
    with warehouse.read() as connection:
        features = connection.execute("select * from marts.customer_features").df()
    days = set(pd.to_datetime(features["as_of_date"]).dt.date) - {day}
    if days:
        message = (
            f"marts.customer_features is as of {min(days)}, this run is as of {day}: "
            "build it at the run's date first"
        )
        raise dg.Failure(message)
    return features.drop(columns="as_of_date")


def _kept_model(
    warehouse: Warehouse, day: dt.date, refit: str
) -> ClusterModel | None:
    """Return the model to keep, or nothing where one has to be fitted."""
    if refit == "always":
        return None
    latest = _latest_model(warehouse, before=day + dt.timedelta(days=1))
    if latest is None or refit == "when_missing":
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
        return ClusterModel.from_frames(_model_frames(connection, found[0]))


def _model_frames(
    connection: duckdb.DuckDBPyConnection, model_id: str
) -> dict[str, pd.DataFrame]:
    """Read one model's rows of every table."""
    return {
        table: connection.execute(
            f"select * from python.{table} where model_id = ?",  # noqa: S608
            [model_id],
        ).df()
        for table in MODEL_TABLES
    }


def _write_model(warehouse: Warehouse, model: ClusterModel) -> None:
    """Write a model over any other of its day, all tables in one transaction."""
    with warehouse.write() as connection, transaction(connection):
        replaced = [
            row[0]
            for row in connection.execute(
                "select model_id from python.cluster_models where as_of_date = ?",
                [model.as_of_date],
            ).fetchall()
        ]
        for table, frame in model.frames().items():
            for model_id in {*replaced, model.model_id}:
                connection.execute(
                    f"delete from python.{table} where model_id = ?",  # noqa: S608
                    [model_id],
                )
            append_rows(connection, f"python.{table}", frame)


def _png(chart: Any) -> dg.MarkdownMetadataValue:  # noqa: ANN401 - altair's charts
    """Show a chart in the Dagster UI."""
    encoded = base64.b64encode(to_png(chart)).decode()
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{encoded})")
