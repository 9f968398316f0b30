"""Customer clusters, between the core marts and the segment marts.

A model is fitted once a month, or sooner where customers are no longer those it was
fitted on, and kept: on the days between, customers are assigned to the clusters that
people know, by the warehouse itself. Everything a model is lies in schema `python`, so
the next one can keep its labels, or be refused.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, cast

import dagster as dg
import pandas as pd
from duckdb import DuckDBPyConnection

from orchestration import cluster_registry as registry
from orchestration.assignment import (
    ASSIGNMENTS,
    FEATURES,
    assign_in_warehouse,
    compare_with_model,
    sample_assigned,
)
from orchestration.cluster_registry import MODEL_TABLES, Refit
from orchestration.defs.resources import WAREHOUSE_POOL, AsOf, WarehouseResource
from orchestration.defs.source_tables import source_spec
from orchestration.defs.storytelling import plot
from orchestration.drift import DRIFT, Measure, measure_drift, read_drift
from orchestration.projection import PROJECTION_TABLES, write_projection
from orchestration.warehouse import Warehouse, transaction
from python_models.clustering import (
    ClusteringConfig,
    ClusterModel,
    fit_clusters,
)
from python_models.clustering.config import KMEANS, STANDARD, WARD, Algorithm, Scaler
from python_models.clustering.drift import MAX_PSI
from python_models.clustering.plots import (
    cluster_scatter_chart,
    cluster_sizes_chart,
    elbow_and_silhouette_chart,
)

FEATURES_KEY = dg.AssetKey(["marts", "customer_features_by_date"])
ASSIGNMENT_TABLE = "customer_clusters"
DRIFT_TABLE = "cluster_drift"
# Customers that the check assigns again, and that the picture shows.
N_COMPARED = 10_000
N_DRAWN = 2_000


class ClusteringRunConfig(dg.Config):
    """When to fit anew, with what, and whether past month-ends come first."""

    refit: Refit = Refit.MONTHLY
    k_min: int = 2
    k_max: int = 10
    random_state: int = 7
    scaler: str = STANDARD
    algorithms: list[str] = [KMEANS, WARD]  # noqa: RUF012 - each config has its own
    max_psi: float = MAX_PSI
    with_history: bool = False
    promote_anyway: bool = False

    def fit_config(self) -> ClusteringConfig:
        """Return what `fit_clusters` is to do; it refuses what it doesn't know."""
        return ClusteringConfig(
            scaler=cast("Scaler", self.scaler),
            algorithms=cast("tuple[Algorithm, ...]", tuple(self.algorithms)),
            k_min=self.k_min,
            k_max=self.k_max,
            random_state=self.random_state,
        )


@dg.multi_asset(
    specs=[
        source_spec(
            "python",
            table,
            group="clustering",
            kinds={"python", "scikitlearn", "duckdb"},
            deps=[FEATURES_KEY],
        )
        for table in (
            *MODEL_TABLES,
            ASSIGNMENT_TABLE,
            DRIFT_TABLE,
            *PROJECTION_TABLES,
        )
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
    if config.with_history:
        with database.read() as connection:
            days = registry.month_ends_without_model(connection, day)
        for past in days:
            _fit_and_assign(context, database, past, config)
    model, n_assigned = _fit_and_assign(context, database, day, config)
    with database.read() as connection:
        drift = read_drift(connection, day)
        sample = sample_assigned(connection, day, n_customers=N_DRAWN)
    metadata = _describe(model)
    metadata[ASSIGNMENT_TABLE] = {
        "dagster/row_count": n_assigned,
        "model_id": model.model_id,
        "plot": plot(
            cluster_scatter_chart(sample, sample, model, n_customers=n_assigned)
        ),
    }
    metadata[DRIFT_TABLE] = {
        "model_id": model.model_id,
        "max_psi": max((each.psi_score for each in drift), default=0.0),
        "n_drifted_measures": sum(each.is_drifted for each in drift),
        "measures": _table(drift),
    }
    for table, n_rows in write_projection(database, day, model).items():
        metadata[table] = {"dagster/row_count": n_rows}
    for table, values in metadata.items():
        yield dg.MaterializeResult(asset_key=["python", table], metadata=values)


def _describe(model: ClusterModel) -> dict[str, dict[str, Any]]:
    """Say what the tables of the model that assigns hold; numbers make time series."""
    metadata: dict[str, dict[str, Any]] = {
        table: {"dagster/row_count": len(frame)}
        for table, frame in model.frames().items()
    }
    metadata["cluster_models"] |= {
        "model_id": model.model_id,
        "fitted_as_of": model.as_of_date.isoformat(),
        "refit_reason": model.refit_reason,
        "outcome": model.outcome,
        "promotion_reason": model.promotion_reason,
        "algorithm": model.algorithm,
        "n_clusters": model.n_clusters,
        "n_customers": model.n_customers,
        "n_sampled_customers": model.n_sampled_customers,
    }
    for name in ("silhouette_score", "stability_score"):
        score = getattr(model, name)
        if score is not None:
            metadata["cluster_models"][name] = score
    metadata["cluster_candidates"]["plot"] = plot(elbow_and_silhouette_chart(model))
    metadata["clusters"]["plot"] = plot(cluster_sizes_chart(model))
    for code in ("kept", "new", "vanished"):
        metadata["cluster_changes"][f"n_{code}"] = sum(
            change.change_code == code for change in model.changes
        )
    return metadata


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
    with database.read() as connection:
        model = registry.read_model(connection, model_id)
        found = compare_with_model(connection, model, day, n_customers=N_COMPARED)
    return dg.AssetCheckResult(
        passed=found.is_complete,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=dict(found._asdict()),
    )


@dg.asset_check(
    asset=dg.AssetKey(["python", DRIFT_TABLE]),
    description=(
        "The day's customers are spread over the model's bins and clusters about as "
        "when it was fitted. Else the next run fits a new model."
    ),
    pool=WAREHOUSE_POOL,
)
def customers_are_the_models(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of a population stability index over its limit, on the newest day."""
    database = warehouse.open()
    with database.read() as connection:
        newest = connection.execute(f"select max(as_of_date) from {DRIFT}").fetchone()
        drift = read_drift(connection, newest[0]) if newest and newest[0] else []
    findings = [each for each in drift if each.is_drifted]
    return dg.AssetCheckResult(
        passed=not findings,
        severity=dg.AssetCheckSeverity.WARN,
        description=", ".join(
            f"{each.measure_name}: PSI {each.psi_score:.2f}, "
            f"limit {each.max_psi_score:.2f}"
            for each in findings
        ),
        metadata={
            "max_psi": max((each.psi_score for each in drift), default=0.0),
            "n_drifted_measures": len(findings),
            "measures": _table(drift),
        },
    )


def _fit_and_assign(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    day: dt.date,
    config: ClusteringRunConfig,
) -> tuple[ClusterModel, int]:
    """Give one day its model and its assignments, written in one transaction."""
    _refuse_unknown_day(warehouse, day)
    with warehouse.read() as connection:
        reason = registry.why_refit(connection, day, config.refit)
    fitted = None if reason is None else _fit(warehouse, day, config, reason)
    with warehouse.write() as connection, transaction(connection):
        if fitted:
            registry.write_model(connection, fitted)
        model = registry.latest_model(connection, until=day)
        if model is None:
            message = f"no model assigns as of {day}, though one was fitted"
            raise dg.Failure(message)
        n_assigned = _assign(connection, day, model, config)
    if fitted:
        context.log.info(
            "as of %s: fitted cluster model %s (%s): %s. %s: %s",
            day,
            fitted.model_id,
            reason,
            fitted.outcome,
            "Promoted" if fitted.is_promoted else "Not promoted",
            fitted.promotion_reason,
        )
    context.log.info(
        "as of %s: %s customers assigned by cluster model %s of %s",
        day,
        n_assigned,
        model.model_id,
        model.as_of_date,
    )
    return model, n_assigned


def _fit(
    warehouse: Warehouse, day: dt.date, config: ClusteringRunConfig, reason: str
) -> ClusterModel:
    """Fit a model, aligned to and judged against the one that assigned before."""
    with warehouse.read() as connection:
        previous = registry.latest_model(connection, until=day - dt.timedelta(days=1))
        features = _read_features(connection, day)
    model = fit_clusters(
        features,
        as_of_date=day,
        config=config.fit_config(),
        previous=previous,
        refit_reason=reason,
    )
    if config.promote_anyway and not model.is_promoted:
        return dataclasses.replace(
            model,
            is_promoted=True,
            promotion_reason=f"the run asked for it, though {model.promotion_reason}",
        )
    return model


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


def _read_features(connection: DuckDBPyConnection, day: dt.date) -> pd.DataFrame:
    """Read all features of a day; only a fit needs them."""
    return connection.execute(
        "select * exclude (as_of_date, customer_date_key) "
        f"from {FEATURES} where as_of_date = ? order by customer_id",
        [day],
    ).df()


def _assign(
    connection: DuckDBPyConnection,
    day: dt.date,
    model: ClusterModel,
    config: ClusteringRunConfig,
) -> int:
    """Write who is in which cluster, and how far the customers have drifted.

    Assignments stay for month-ends; those of other past days make room.
    """
    connection.execute(
        f"delete from {ASSIGNMENTS} where as_of_date = ? "
        "or (as_of_date < ? and day(as_of_date) <> 1)",
        [day, day],
    )
    n_assigned = assign_in_warehouse(connection, model, day)
    measure_drift(connection, model, day, max_psi=config.max_psi)
    return n_assigned


def _table(drift: Sequence[Measure]) -> dg.TableMetadataValue:
    """Show measures in the Dagster UI."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "measure": each.measure_name,
                    "psi": round(each.psi_score, 4),
                    "limit": round(each.max_psi_score, 4),
                    "is_drifted": each.is_drifted,
                }
            )
            for each in drift
        ],
        schema=dg.TableSchema(
            [
                dg.TableColumn("measure", "string"),
                dg.TableColumn("psi", "float"),
                dg.TableColumn("limit", "float"),
                dg.TableColumn("is_drifted", "bool"),
            ]
        ),
    )
