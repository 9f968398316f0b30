"""Lifetime value, between the core marts and the segment marts.

The models are fitted once a month and kept; what they say of every customer is
computed in each run, since a day without a purchase changes it. Both lie in schema
`python`.
"""

import datetime as dt
import math
from collections.abc import Iterator
from enum import Enum
from typing import Any

import dagster as dg
import pandas as pd
from duckdb import DuckDBPyConnection

from orchestration.defs.resources import WAREHOUSE_POOL, AsOf, WarehouseResource
from orchestration.defs.source_tables import source_spec
from orchestration.defs.storytelling import plot
from orchestration.warehouse import Warehouse, append_rows, replace_rows, transaction
from python_models.lifetime_value import (
    LifetimeValueModel,
    backtest_chart,
    fit_lifetime_value,
    predict_lifetime_values,
)

MODEL_TABLES = ("lifetime_value_models", "lifetime_value_backtests")
PREDICTIONS = "customer_lifetime_values"


class ModelRefit(Enum):
    """When to fit new models of lifetime value."""

    MONTHLY = "monthly"
    ALWAYS = "always"
    WHEN_MISSING = "when_missing"


class LifetimeValueRunConfig(dg.Config):
    """When to fit anew."""

    refit: ModelRefit = ModelRefit.MONTHLY


@dg.multi_asset(
    specs=[
        source_spec(
            "python",
            table,
            group="lifetime_value",
            kinds={"python", "scipy", "duckdb"},
            deps=[
                dg.AssetKey(["marts", "customer_purchase_summary"]),
                dg.AssetKey(["marts", "purchase_holdouts"]),
                dg.AssetKey(["marts", "dim_customers"]),
            ],
        )
        for table in (*MODEL_TABLES, PREDICTIONS)
    ],
    name="lifetime_value",
    pool=WAREHOUSE_POOL,
)
def lifetime_value(
    context: dg.AssetExecutionContext,
    config: LifetimeValueRunConfig,
    as_of: AsOf,
    warehouse: WarehouseResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Fit the month's models, or keep those there are, and describe every customer."""
    day = as_of.resolve(context)
    database = warehouse.open()
    customers = read_customers(database, day)
    kept = kept_model(database, day, config.refit)
    model = kept or fit_lifetime_value(
        customers, read_holdout(database, day), as_of_date=day
    )
    predictions = predict_lifetime_values(customers, model, as_of_date=day)
    write_results(database, model, predictions, is_new=not kept)
    origin = f"kept from {model.as_of_date}" if kept else "new"
    context.log.info(
        "as of %s: lifetime value model %s (%s): %s; amounts: %s; backtest: %s",
        *(day, model.model_id, origin),
        *(model.counts.outcome, model.amounts.outcome, model.backtest.outcome),
    )
    frames = model.frames()
    yield _result(
        "lifetime_value_models",
        {"dagster/row_count": len(frames["lifetime_value_models"])}
        | _model_metadata(model),
    )
    yield _result(
        "lifetime_value_backtests",
        {"dagster/row_count": len(frames["lifetime_value_backtests"])}
        | _backtest_metadata(model),
    )
    yield _result(
        PREDICTIONS,
        {"dagster/row_count": len(predictions), "model_id": model.model_id}
        | _prediction_metadata(predictions),
    )


def read_customers(warehouse: Warehouse, day: dt.date) -> pd.DataFrame:
    """Read the purchases of everybody who agrees to personalization.

    Raises
    ------
    dagster.Failure
        Where the mart describes another day.
    """
    with warehouse.read() as connection:
        _refuse_other_day(connection, day)
        return connection.execute(
            "select customer_id, n_repeat_purchase_days, first_to_last_purchase_days, "
            "age_days, mean_repeat_day_amount :: double as mean_repeat_day_amount "
            "from marts.customer_purchase_summary "
            "inner join marts.dim_customers using (customer_id) "
            "where is_personalization_allowed order by customer_id"
        ).df()


def _refuse_other_day(connection: DuckDBPyConnection, day: dt.date) -> None:
    """Stop at marts that describe another day; all bounds are taken from it."""
    found = connection.execute(
        "select max(as_of_date) from marts.dim_as_of_dates where is_current"
    ).fetchone()
    if found is None or found[0] != day:
        message = (
            f"the marts describe {found[0] if found else None}, not {day}: build "
            "customer_purchase_summary and purchase_holdouts at the run's as-of date "
            "first"
        )
        raise dg.Failure(message)


def read_holdout(warehouse: Warehouse, day: dt.date) -> pd.DataFrame:
    """Read purchase histories before the held-out days, with what happened in them."""
    with warehouse.read() as connection:
        return connection.execute(
            "select * from marts.purchase_holdouts where as_of_date = ?", [day]
        ).df()


def kept_model(
    warehouse: Warehouse, day: dt.date, refit: ModelRefit
) -> LifetimeValueModel | None:
    """Return the model to keep, or nothing where one has to be fitted."""
    if refit is ModelRefit.ALWAYS:
        return None
    with warehouse.read() as connection:
        found = connection.execute(
            "select model_id, as_of_date from python.lifetime_value_models "
            "where as_of_date <= ? order by as_of_date desc, model_id limit 1",
            [day],
        ).fetchone()
        if not found:
            return None
        same_month = found[1].replace(day=1) == day.replace(day=1)
        if refit is ModelRefit.MONTHLY and not same_month:
            return None
        frames = {
            table: connection.execute(
                f"select * from python.{table} where model_id = ?", [found[0]]
            ).df()
            for table in MODEL_TABLES
        }
    return LifetimeValueModel.from_frames(frames, model_id=found[0])


def write_results(
    warehouse: Warehouse,
    model: LifetimeValueModel,
    predictions: pd.DataFrame,
    *,
    is_new: bool,
) -> None:
    """Write what is said of customers, and a new model over any of its day, in one go.

    Earlier models stay; of customers only the newest day is kept.
    """
    with warehouse.write() as connection, transaction(connection):
        if is_new:
            for table in reversed(MODEL_TABLES):
                connection.execute(
                    f"delete from python.{table} where model_id = ? or model_id in ("
                    "select model_id from python.lifetime_value_models "
                    "where as_of_date = ?)",
                    [model.model_id, model.as_of_date],
                )
            for table, frame in model.frames().items():
                append_rows(connection, f"python.{table}", frame)
        replace_rows(connection, f"python.{PREDICTIONS}", predictions)


def _result(table: str, metadata: dict[str, Any]) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(asset_key=["python", table], metadata=metadata)


def _model_metadata(model: LifetimeValueModel) -> dict[str, Any]:
    """Tell the parameters, as numbers that the UI draws over time."""
    numbers = {
        "bg_nbd_r": model.counts.r,
        "bg_nbd_alpha_weeks": model.counts.alpha,
        "bg_nbd_a": model.counts.a,
        "bg_nbd_b": model.counts.b,
        "bg_nbd_log_likelihood": model.counts.log_likelihood,
        "gamma_gamma_p": model.amounts.p,
        "gamma_gamma_q": model.amounts.q,
        "gamma_gamma_v": model.amounts.v,
        "gamma_gamma_log_likelihood": model.amounts.log_likelihood,
        "frequency_amount_correlation": model.amounts.correlation,
    }
    return {
        "model_id": model.model_id,
        "fitted_as_of": model.as_of_date.isoformat(),
        "outcome": model.counts.outcome,
        "amount_outcome": model.amounts.outcome,
        "n_customers": model.counts.n_customers,
        "n_repeat_customers": model.counts.n_repeat_customers,
    } | {name: value for name, value in numbers.items() if value is not None}


def _backtest_metadata(model: LifetimeValueModel) -> dict[str, Any]:
    """Tell forecast and actual, with the chart of both."""
    backtest = model.backtest
    metadata: dict[str, Any] = {
        "outcome": backtest.outcome,
        "holdout_days": backtest.holdout_days,
        "plot": plot(backtest_chart(model)),
    }
    if backtest.groups:
        metadata |= {
            "n_purchase_days": backtest.n_purchase_days,
            "expected_purchase_days": backtest.expected_purchase_days,
            "naive_purchase_days": backtest.naive_purchase_days,
        }
    return metadata


def _prediction_metadata(predictions: pd.DataFrame) -> dict[str, Any]:
    """Tell means over customers; of nobody there is none."""
    value = predictions["expected_purchase_days_365d"]
    means = {
        "mean_p_alive": predictions["p_alive_rate"].mean(),
        "mean_purchase_days_90d": predictions["expected_purchase_days_90d"].mean(),
        "mean_purchase_days_365d": value.mean(),
        "mean_lifetime_value_365d": (value * predictions["expected_day_value"]).mean(),
    }
    return {
        name: float(mean) for name, mean in means.items() if not math.isnan(float(mean))
    }
