"""The asset reads who agrees, keeps a model for its month, and writes in one go."""

import datetime as dt

import dagster as dg
import duckdb
import numpy as np
import pandas as pd
import pytest

from orchestration.defs import lifetime_value as asset
from orchestration.defs.lifetime_value import ModelRefit
from orchestration.warehouse import Warehouse
from python_models.lifetime_value import (
    columns,
    fit_lifetime_value,
    predict_lifetime_values,
)

DAY = dt.date(2026, 3, 10)
HOLDOUT = {
    columns.N_REPEAT_PURCHASE_DAYS: "bigint",
    columns.FIRST_TO_LAST_PURCHASE_DAYS: "bigint",
    columns.AGE_DAYS: "bigint",
    columns.N_CUSTOMERS: "bigint",
    columns.N_HOLDOUT_PURCHASE_DAYS: "bigint",
    columns.HOLDOUT_DAYS: "bigint",
}


def customers(n: int = 400) -> pd.DataFrame:
    """Customers who differ, for a fit; every tenth doesn't agree."""
    chance = np.random.default_rng(8)
    age = chance.integers(30, 300, n)
    repeats = chance.poisson(chance.gamma(1, 2, n))
    return pd.DataFrame(
        {
            columns.CUSTOMER_ID: [f"c{number:03}" for number in range(n)],
            columns.N_REPEAT_PURCHASE_DAYS: repeats,
            columns.FIRST_TO_LAST_PURCHASE_DAYS: np.where(
                repeats > 0, (age * chance.uniform(0.1, 1, n)).astype(int), 0
            ),
            columns.AGE_DAYS: age,
            columns.MEAN_REPEAT_DAY_AMOUNT: np.where(
                repeats > 0, chance.lognormal(3, 0.5, n).round(2), 0
            ),
            "is_personalization_allowed": np.arange(n) % 10 != 0,
        }
    )


@pytest.fixture
def warehouse(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.write() as connection:
        connection.execute("create schema marts; create schema python")
        for table, contract in columns.TABLES.items():
            declared = ", ".join(f"{name} {kind}" for name, kind in contract.items())
            connection.execute(f"create table python.{table} ({declared})")
        connection.register("people", customers())
        connection.execute(
            "create table marts.customer_purchase_summary as "
            "select * exclude (is_personalization_allowed, mean_repeat_day_amount), "
            "mean_repeat_day_amount :: decimal(18, 4) as mean_repeat_day_amount "
            "from people; "
            "create table marts.dim_customers as "
            "select customer_id, is_personalization_allowed from people; "
            "create table marts.dim_as_of_dates as "
            f"select date '{DAY}' as as_of_date, true as is_current"
        )
        declared = ", ".join(f"{name} {kind}" for name, kind in HOLDOUT.items())
        connection.execute(
            f"create table marts.purchase_holdouts ({declared}, as_of_date date)"
        )
        connection.unregister("people")
    return warehouse


def run(warehouse, day=DAY, refit="monthly"):
    """Let the marts describe a day, and materialize the asset on it."""
    with warehouse.write() as connection:
        connection.execute("update marts.dim_as_of_dates set as_of_date = ?", [day])
    people = asset.read_customers(warehouse, day)
    kept = asset.kept_model(warehouse, day, ModelRefit(refit))
    model = kept or fit_lifetime_value(
        people,
        asset.read_holdout(warehouse, day),
        as_of_date=day,
    )
    predictions = predict_lifetime_values(people, model, as_of_date=day)
    asset.write_results(warehouse, model, predictions, is_new=not kept)
    return model, bool(kept)


def rows(warehouse, sql):
    with warehouse.read() as connection:
        return connection.execute(sql).fetchall()


def test_only_who_agrees_is_learned_from_and_described(warehouse):
    model, _ = run(warehouse)
    assert model.counts.n_customers == 360
    found = rows(warehouse, "from python.customer_lifetime_values order by all")
    assert len(found) == 360
    assert not {row[0] for row in found} & {f"c{n:03}" for n in range(0, 400, 10)}


def test_a_model_stays_for_its_month(warehouse):
    first, kept = run(warehouse)
    assert not kept
    assert run(warehouse) == (first, True)
    same_month, kept = run(warehouse, DAY.replace(day=31))
    assert (same_month, kept) == (first, True)
    dates = "select distinct as_of_date, model_id from python.customer_lifetime_values"
    assert rows(warehouse, dates) == [(DAY.replace(day=31), first.model_id)]
    next_month, kept = run(warehouse, dt.date(2026, 4, 1))
    assert not kept
    assert next_month.model_id != first.model_id
    known = "select model_id from python.lifetime_value_models order by as_of_date"
    assert rows(warehouse, known) == [(first.model_id,), (next_month.model_id,)]
    # A past date, as known now, has the model of its own month.
    assert run(warehouse, DAY) == (first, True)


def test_a_refit_replaces_the_model_of_its_day(warehouse):
    first, _ = run(warehouse)
    assert run(warehouse, dt.date(2026, 5, 2), "when_missing") == (first, True)
    with warehouse.write() as connection:
        connection.execute(
            "delete from marts.customer_purchase_summary where customer_id = 'c001'"
        )
    second, kept = run(warehouse, refit="always")
    assert not kept
    assert second.counts.n_customers == 359
    assert rows(warehouse, "select model_id from python.lifetime_value_models") == [
        (second.model_id,)
    ]
    assert len(rows(warehouse, "from python.customer_lifetime_values")) == 359


def test_a_write_that_fails_leaves_everything_as_it_was(warehouse):
    first, _ = run(warehouse)
    before = rows(warehouse, "from python.customer_lifetime_values order by all")
    people = asset.read_customers(warehouse, DAY)
    model = fit_lifetime_value(
        people.iloc[:300],
        asset.read_holdout(warehouse, DAY),
        as_of_date=DAY,
    )
    torn = predict_lifetime_values(people, model, as_of_date=DAY).drop(
        columns=columns.MODEL_ID
    )
    with pytest.raises(Exception, match="has the columns"):
        asset.write_results(warehouse, model, torn, is_new=True)
    models = rows(warehouse, "select model_id from python.lifetime_value_models")
    assert models == [(first.model_id,)]
    assert (
        rows(warehouse, "from python.customer_lifetime_values order by all") == before
    )


def test_marts_of_another_day_are_refused(warehouse):
    with pytest.raises(dg.Failure, match=r"describe 2026-03-10, not 2026-03-11"):
        asset.read_customers(warehouse, dt.date(2026, 3, 11))


def test_the_run_tells_numbers_and_no_customer(warehouse, tmp_path, monkeypatch):
    """Parameters are numbers, which the UI draws over time; nobody has none."""
    monkeypatch.setenv("SEGMENTARY_STATE", str(tmp_path))
    resources = {
        "as_of": asset.AsOf(date=DAY.isoformat()),
        "warehouse": asset.WarehouseResource(),
    }
    told = {}
    for name in ("somebody", "nobody"):
        if name == "nobody":
            with duckdb.connect(warehouse.path) as connection:
                connection.execute("delete from marts.customer_purchase_summary")
        done = dg.materialize(
            [asset.lifetime_value],
            resources=resources,
            run_config={
                "ops": {"lifetime_value": {"config": {"refit": ModelRefit.ALWAYS.name}}}
            },
        )
        told[name] = {
            event.asset_key.path[-1]: event.step_materialization_data.materialization
            for event in done.get_asset_materialization_events()
        }
    assert set(told["somebody"]) == set(columns.TABLES)
    models = told["somebody"]["lifetime_value_models"].metadata
    for name in ("bg_nbd_alpha_weeks", "bg_nbd_log_likelihood", "gamma_gamma_q"):
        assert isinstance(models[name].value, float)
    values = told["somebody"]["customer_lifetime_values"].metadata
    assert 0 < values["mean_p_alive"].value < 1
    assert values["mean_lifetime_value_365d"].value > 0
    backtest = told["somebody"]["lifetime_value_backtests"].metadata
    assert backtest["plot"].value.startswith("![plot](data:image/png;base64,")
    assert "c001" not in str(told)
    nobody = told["nobody"]["lifetime_value_models"].metadata
    assert nobody["outcome"].value == "0 customers; at least 100 are needed"
    assert "bg_nbd_r" not in nobody
    values = told["nobody"]["customer_lifetime_values"].metadata
    assert set(values) == {"dagster/row_count", "model_id"}
