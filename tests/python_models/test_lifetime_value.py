"""Lifetime value: published numbers, planted customers, input that tells nothing."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.util
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import beta as beta_distribution

from demo.files import package_file
from python_models.charts import to_png
from python_models.lifetime_value import (
    LifetimeValueConfig,
    LifetimeValueModel,
    PurchaseAmounts,
    PurchaseCounts,
    backtest_chart,
    columns,
    fit_lifetime_value,
    fit_purchase_amounts,
    fit_purchase_counts,
    predict_lifetime_values,
    purchase_amounts,
    purchase_counts,
)

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "models" / "staging" / "python" / "_python__sources.yml"
DAY = dt.date(1997, 10, 1)
CONFIG = LifetimeValueConfig()
# Fader, Hardie and Lee (2005), table 2; Fader and Hardie (2013), section 4.
PUBLISHED = PurchaseCounts.of(0.243, 4.414, 0.793, 2.426)
PUBLISHED_AMOUNTS = PurchaseAmounts.of(6.25, 3.74, 15.44)
NO_HOLDOUT = pd.DataFrame(
    {
        name: pd.Series(dtype="int64")
        for name in (
            columns.N_REPEAT_PURCHASE_DAYS,
            columns.FIRST_TO_LAST_PURCHASE_DAYS,
            columns.AGE_DAYS,
            columns.N_CUSTOMERS,
            columns.N_HOLDOUT_PURCHASE_DAYS,
            columns.HOLDOUT_DAYS,
        )
    }
)


def values(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float64)


def histories(
    n_repeats: object, first_to_last: object, age: object, mean_amount: object = 10.0
) -> pd.DataFrame:
    """Customers with these histories, in days."""
    frame = pd.DataFrame(
        {
            columns.N_REPEAT_PURCHASE_DAYS: n_repeats,
            columns.FIRST_TO_LAST_PURCHASE_DAYS: first_to_last,
            columns.AGE_DAYS: age,
            columns.MEAN_REPEAT_DAY_AMOUNT: mean_amount,
        }
    )
    frame[columns.CUSTOMER_ID] = [f"c{number:05}" for number in range(len(frame))]
    return frame


def simulated(n: int, seed: int, days: int, holdout_days: int = 0) -> pd.DataFrame:
    """Customers of a known BG/NBD, with their purchases of the days held out.

    Day by day as the paper tells it: exponential times between purchases, and after
    each a toss of the customer's own coin.
    """
    chance = np.random.default_rng(seed)
    rates = chance.gamma(0.8, 1 / (6.0 * 7), n)
    stops = chance.beta(0.9, 3.0, n)
    rows = []
    for rate, stop in zip(rates, stops, strict=True):
        first = chance.uniform(0, days / 2)
        time, seen, later = first, [], 0
        while True:
            time += chance.exponential(1 / rate)
            if time > days + holdout_days:
                break
            if time <= days:
                seen.append(time)
            else:
                later += 1
            if chance.random() < stop:
                break
        rows.append(
            (len(seen), (seen[-1] - first) if seen else 0, days - first, 1, later)
        )
    return pd.DataFrame(
        rows, columns=[name for name in NO_HOLDOUT if name != columns.HOLDOUT_DAYS]
    ).assign(holdout_days=holdout_days)


def sample() -> pd.DataFrame:
    """The customers of the published fits: weeks to two decimals, whole days."""
    if importlib.util.find_spec("lifetimes") is None:
        pytest.skip("lifetimes is missing: the extra `datasets` is not installed")
    path = package_file(
        "lifetimes",
        "lifetimes",
        "datasets/cdnow_customers_summary_with_transactions.csv",
    )
    with path.open(newline="", encoding="ascii") as stream:
        rows = list(csv.DictReader(stream))
    return histories(
        [int(row["x"]) for row in rows],
        [round(7 * float(row["t_x"])) for row in rows],
        [round(7 * float(row["T"])) for row in rows],
        [float(row["zbar"]) for row in rows],
    )


@pytest.fixture(scope="module")
def cdnow() -> LifetimeValueModel:
    return fit_lifetime_value(sample(), NO_HOLDOUT, as_of_date=DAY)


def test_published_purchase_counts(cdnow: LifetimeValueModel) -> None:
    found = cdnow.counts
    assert found.parameters == pytest.approx(PUBLISHED.parameters, rel=0.005)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert (found.n_customers, found.is_converged) == (2_357, True)


def test_published_purchase_amounts(cdnow: LifetimeValueModel) -> None:
    """The note has 946 customers with a repeat purchase; their correlation is 0.11."""
    found = cdnow.amounts
    assert found.parameters == pytest.approx(PUBLISHED_AMOUNTS.parameters, rel=0.005)
    assert (found.n_customers, found.is_converged) == (946, True)
    assert found.correlation == pytest.approx(0.11, abs=0.005)


def test_published_expectations() -> None:
    """Customer 1 of the sample: x = 2, t_x = 30.43, T = 38.86, mean 22.35.

    Fader, Hardie and Lee's note on their model in Excel expects 1.226 purchases of
    such a customer in 39 weeks. 24.66 is (15.44 + 2 x 22.35) 6.25 / (2 x 6.25 + 2.74).
    """
    expected = PUBLISHED.expected_purchases(values(2), values(30.43), values(38.86), 39)
    assert expected == pytest.approx([1.226], abs=0.0005)
    amounts = PUBLISHED_AMOUNTS.expected_amounts(values(2, 0), values(22.35, 0))
    assert amounts == pytest.approx([60.14 * 6.25 / 15.24, 15.44 * 6.25 / 2.74])


def test_alive_by_hand() -> None:
    """With r = 1, alpha = 2, a = 1, b = 2: 1 / (1 + 1/2 (6/3)^2) and certainty."""
    model = PurchaseCounts.of(1, 2, 1, 2)
    assert model.p_alive(values(1, 0), values(1, 0), values(4, 4)) == pytest.approx(
        [1 / 3, 1.0]
    )


@pytest.mark.parametrize("a", [0.2, 0.793, 1.0, 1.0 + 1e-12, 3.0])
@pytest.mark.parametrize("x", [0, 1, 7])
@pytest.mark.parametrize("b", [0.207, 2.4, 4000.0])
def test_expected_purchases_are_the_mean_over_customers(
    a: float, x: int, b: float
) -> None:
    """Integrate what somebody buys over the chances to stop, p, by another rule.

    With p that is (1 - (1 + p s)^-(r + x)) / p; a = 1 and a + b = 1 are poles of the
    closed form.
    """
    model = PurchaseCounts.of(0.5, 4.0, a, b)
    ratio, k = 13 / (4.0 + 20.0), 0.5 + x
    law = beta_distribution(a, b + x)

    def bought(quantile: float) -> float:
        p = max(float(law.ppf(quantile)), 1e-300)
        return float(-np.expm1(-k * np.log1p(p * ratio)) / p)

    mean, _ = quad(bought, 0, 1, epsabs=1e-9, epsrel=1e-9, limit=500)
    found = model.expected_purchases(values(x), values(20), values(20), 13)
    alive = model.p_alive(values(x), values(20), values(20))
    assert found / alive == pytest.approx([mean], rel=1e-6)


def test_purchases_that_hardly_end_are_counted() -> None:
    """Poisson customers, r / alpha = 0.3 a week, who never stop: 13 weeks, 3.9."""
    model = PurchaseCounts.of(3e4, 1e5, 1e-4, 1e5)
    found = model.expected_purchases(values(0, 9), values(0, 30), values(40, 40), 13)
    assert found == pytest.approx([3.9, 3.9], rel=1e-3)


def test_slopes_are_those_of_the_likelihood() -> None:
    chance = np.random.default_rng(3)
    x = chance.poisson(2, 50).astype(float)
    age = chance.uniform(5, 50, 50)
    t_x = np.where(x > 0, age * chance.uniform(0, 1, 50), 0)
    counts = purchase_counts._Counted(x, t_x, age, chance.integers(1, 4, 50) * 1.0)  # noqa: SLF001
    paid = purchase_amounts._Paid(x[x > 0], chance.lognormal(0, 1, int((x > 0).sum())))  # noqa: SLF001
    for law, at in ((counts, values(0.4, 3, 0.7, 2)), (paid, values(2, 3, 1.5))):
        numeric = approx_fprime(at, lambda p, law=law: law.mean_log_likelihood(p)[0])
        assert law.mean_log_likelihood(at)[1] == pytest.approx(numeric, abs=1e-5)


def test_planted_customers_are_recovered_and_their_future_forecast() -> None:
    """12,000 customers with r 0.8, alpha 6, a 0.9, b 3; a quarter of a year ahead."""
    planted = simulated(12_000, seed=5, days=364, holdout_days=91)
    counted = fit_purchase_counts(
        planted[columns.N_REPEAT_PURCHASE_DAYS].to_numpy(float),
        planted[columns.FIRST_TO_LAST_PURCHASE_DAYS].to_numpy(float) / 7,
        planted[columns.AGE_DAYS].to_numpy(float) / 7,
        np.ones(len(planted)),
        CONFIG,
    )
    assert counted.parameters == pytest.approx((0.8, 6.0, 0.9, 3.0), rel=0.15)
    customers = histories([1], [7], [14])
    backtest = fit_lifetime_value(customers, planted, as_of_date=DAY).backtest
    actual = planted[columns.N_HOLDOUT_PURCHASE_DAYS].sum()
    assert backtest.n_purchase_days == actual
    assert backtest.expected_purchase_days == pytest.approx(actual, rel=0.05)
    # Whoever goes on at their own rate never stops.
    assert abs(backtest.naive_purchase_days / actual - 1) > 0.2
    assert sum(group.n_customers for group in backtest.groups) == 12_000
    for group in backtest.groups:
        assert group.expected_purchase_days == pytest.approx(
            group.n_purchase_days, rel=0.2, abs=30
        )


def test_naive_forecast_and_groups_by_hand() -> None:
    """At their own rates 3 customers of 1 in 10 days make 30 purchases in 100 days.

    And 2 customers of 5 in 50 days make 20; the others are the same without them.
    """
    customers = histories([1], [7], [14])
    planted = simulated(400, seed=1, days=364, holdout_days=100)
    more = pd.DataFrame(
        [(1, 5, 10, 3, 7), (5, 40, 50, 2, 9)], columns=planted.columns[:-1]
    ).assign(holdout_days=100)
    without, with_them = (
        fit_lifetime_value(customers, holdout, as_of_date=DAY).backtest.groups
        for holdout in (planted, pd.concat([planted, more]))
    )
    names = ["0", "1", "2", "3", "4-5", "6-9", "10-19", "20+"]
    assert [group.frequency for group in with_them] == names
    assert [group.number for group in with_them] == list(range(1, 9))
    added = {
        one.frequency: (
            one.n_customers - other.n_customers,
            one.n_purchase_days - other.n_purchase_days,
            pytest.approx(one.naive_purchase_days - other.naive_purchase_days),
        )
        for one, other in zip(with_them, without, strict=True)
    }
    assert added.pop("1") == (3, 7, 30)
    assert added.pop("4-5") == (2, 9, 20)
    assert set(map(str, added.values())) == {str((0, 0, pytest.approx(0.0)))}


def test_order_and_repetition_of_rows_change_nothing(
    cdnow: LifetimeValueModel,
) -> None:
    shuffled = sample().sample(frac=1, random_state=2)
    assert fit_lifetime_value(shuffled, NO_HOLDOUT, as_of_date=DAY) == cdnow
    x, t_x, age = values(0, 1, 3), values(0, 4, 9), values(10, 11, 12)
    together = fit_purchase_counts(x, t_x, age, values(100, 50, 20), CONFIG)
    apart = fit_purchase_counts(
        *(np.repeat(each, [100, 50, 20]) for each in (x, t_x, age)),
        np.ones(170),
        CONFIG,
    )
    assert together.parameters == pytest.approx(apart.parameters, rel=1e-6)


@pytest.mark.parametrize(
    ("customers", "code", "amount_code"),
    [
        (histories([], [], []), "too_few_customers", "too_few_customers"),
        (histories([2], [9], [30]), "too_few_customers", "too_few_customers"),
        (histories([2, 0], [9, 0], [30, 9]), "too_few_customers", "too_few_customers"),
        (
            histories([0] * 300, [0] * 300, range(300), 0.0),
            "no_repeat_purchases",
            "too_few_customers",
        ),
        (histories([2] * 300, [9] * 300, [30] * 300), "no_variation", "no_variation"),
        (
            histories([1] * 29 + [0] * 300, [5] * 29 + [0] * 300, [40] * 329),
            "too_few_customers",
            "too_few_customers",
        ),
        (
            histories([0] * 300, [0] * 300, [0] * 300, 0.0),
            "no_repeat_purchases",
            "too_few_customers",
        ),
        # More alike than chance lets customers be who buy at random.
        (
            histories([300 + n % 3 for n in range(300)], [363] * 300, [364] * 300),
            "no_maximum",
            "no_variation",
        ),
    ],
    ids=["0", "1", "2", "none repeats", "equal", "29 repeat", "new", "daily"],
)
def test_input_that_tells_nothing_is_explained(
    customers: pd.DataFrame, code: str, amount_code: str
) -> None:
    model = fit_lifetime_value(customers, NO_HOLDOUT, as_of_date=DAY)
    assert (model.counts.outcome_code, model.amounts.outcome_code) == (
        code,
        amount_code,
    )
    assert model.counts.outcome
    assert model.backtest.outcome_code == "history_too_short"
    assert model.frames()[columns.LIFETIME_VALUE_MODELS][columns.BG_NBD_R].isna().all()
    assert predict_lifetime_values(customers, model, as_of_date=DAY).empty
    assert to_png(backtest_chart(model)).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="there is no model of purchase counts"):
        _ = model.counts.parameters


def test_customers_who_differ_by_chance_alone_have_a_forecast() -> None:
    """Poisson purchases, 0.3 a week, that never end: 3 in 10 weeks, whoever it is."""
    chance = np.random.default_rng(0)
    age = chance.uniform(20, 60, 2_000)
    x = chance.poisson(0.3 * age).astype(float)
    last = age * np.where(x > 0, chance.uniform(0, 1, 2_000) ** (1 / (x + 1e-9)), 0)
    model = fit_purchase_counts(x, last, age, np.ones(2_000), CONFIG)
    assert model.outcome_code == "fitted"
    found = model.expected_purchases(values(8, 16), values(38, 38), values(40, 40), 10)
    assert found == pytest.approx([3.0, 3.0], rel=0.05)


def test_a_limit_is_a_model_and_says_so() -> None:
    """Twice in 3 days, give or take one, are less apart than by chance: 14/3 a week."""
    n_days = values(*(1 + n % 3 for n in range(300)))
    model = fit_purchase_counts(
        n_days, np.full(300, 3 / 7), np.full(300, 3 / 7), np.ones(300), CONFIG
    )
    assert model.outcome_code == "fitted"
    assert "all buy at about the same rate, 4.67 times a week" in model.outcome


def test_only_positive_amounts_are_learned_from() -> None:
    chance = np.random.default_rng(4)
    x, z = chance.integers(1, 9, 500).astype(float), chance.lognormal(3, 0.5, 500)
    free = fit_purchase_amounts(np.append(x, [4, 0]), np.append(z, [0, 7]), CONFIG)
    assert free == fit_purchase_amounts(x, z, CONFIG)
    assert free.n_customers == 500


def test_amounts_that_go_with_frequency_are_warned_of() -> None:
    chance = np.random.default_rng(4)
    x = chance.integers(1, 9, 500).astype(float)
    together = fit_purchase_amounts(x, x * chance.lognormal(0, 1, 500), CONFIG)
    assert together.outcome_code == "fitted"
    assert together.correlation > 0.3
    assert "frequency and amount go together" in together.outcome
    apart = fit_purchase_amounts(x, chance.lognormal(0, 0.5, 500), CONFIG)
    assert "go together" not in apart.outcome


def test_an_infinite_mean_is_missing_not_negative() -> None:
    """With q = 0.8 everybody's mean is infinite; after one purchase of 10 it isn't."""
    model = PurchaseAmounts.of(3.0, 0.8, 2.0)
    found = model.expected_amounts(values(0, 1), values(0, 10))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(3 * 12 / 2.8)


def test_predictions_are_the_models(cdnow: LifetimeValueModel) -> None:
    """A week of purchases is a week, and a horizon 90 and 365 days."""
    customers = histories([2, 0], [213, 0], [272, 272], [22.35, 0.0])
    rows = predict_lifetime_values(customers, cdnow, as_of_date=DAY)
    history = (values(2, 0), values(213, 0) / 7, values(272, 272) / 7)
    for name, days in (
        (columns.EXPECTED_PURCHASE_DAYS_90D, 90),
        (columns.EXPECTED_PURCHASE_DAYS_365D, 365),
    ):
        expected = cdnow.counts.expected_purchases(*history, days / 7)
        assert rows[name].tolist() == expected.tolist()
    assert rows[columns.P_ALIVE_RATE][0] == pytest.approx(0.7266, abs=0.001)
    assert rows[columns.EXPECTED_DAY_VALUE][0] == pytest.approx(24.66, abs=0.02)
    assert rows[columns.CUSTOMER_ID].tolist() == ["c00000", "c00001"]
    assert (rows[columns.AS_OF_DATE] == pd.Timestamp(DAY)).all()


def test_without_amounts_there_are_purchases_and_no_value() -> None:
    planted = simulated(400, seed=2, days=364)
    customers = histories(
        planted[columns.N_REPEAT_PURCHASE_DAYS],
        planted[columns.FIRST_TO_LAST_PURCHASE_DAYS],
        planted[columns.AGE_DAYS],
        0.0,
    )
    model = fit_lifetime_value(customers, NO_HOLDOUT, as_of_date=DAY)
    rows = predict_lifetime_values(customers, model, as_of_date=DAY)
    assert len(rows) == 400
    assert rows[columns.EXPECTED_DAY_VALUE].isna().all()
    assert (rows[columns.EXPECTED_PURCHASE_DAYS_90D] > 0).all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (columns.N_REPEAT_PURCHASE_DAYS, -1, "n_repeat_purchase_days: 1 values"),
        (columns.MEAN_REPEAT_DAY_AMOUNT, np.nan, "mean_repeat_day_amount: 1 values"),
        (columns.AGE_DAYS, np.inf, "age_days: 1 values"),
        (columns.FIRST_TO_LAST_PURCHASE_DAYS, 31, "after the last day observed"),
    ],
)
def test_impossible_measures_are_named(column: str, value: float, message: str) -> None:
    customers = histories([1.0, 1.0], [9.0, 9.0], [30.0, 30.0])
    customers.loc[1, column] = value
    with pytest.raises(ValueError, match=message):
        fit_lifetime_value(customers, NO_HOLDOUT, as_of_date=DAY)


def test_a_short_history_is_not_forecast_from() -> None:
    """179 days before the last 90 are too few, 180 are not."""
    holdout = simulated(2_000, seed=3, days=180, holdout_days=90)
    customers = histories([1], [7], [14])
    for longest, code in ((179, "history_too_short"), (180, "fitted")):
        found = holdout.copy()
        found[columns.AGE_DAYS] = found[columns.AGE_DAYS].clip(upper=longest - 1)
        found.loc[0, columns.AGE_DAYS] = longest
        backtest = fit_lifetime_value(customers, found, as_of_date=DAY).backtest
        assert backtest.outcome_code == code
        assert bool(backtest.groups) == (code == "fitted")


def test_a_model_is_its_rows(cdnow: LifetimeValueModel) -> None:
    planted = simulated(2_000, seed=6, days=364, holdout_days=90)
    model = fit_lifetime_value(sample(), planted, as_of_date=DAY)
    assert model.model_id != cdnow.model_id
    frames = {
        table: pd.concat([frame, cdnow.frames()[table]])
        for table, frame in model.frames().items()
    }
    for written in (model, cdnow):
        read = LifetimeValueModel.from_frames(frames, model_id=written.model_id)
        assert read == written
    with pytest.raises(ValueError, match="0 rows have the model_id 'other'"):
        LifetimeValueModel.from_frames(frames, model_id="other")


def test_the_contract_is_the_yaml() -> None:
    source = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["sources"][0]
    declared = {
        table["name"]: {c["name"]: c["data_type"] for c in table["columns"]}
        for table in source["tables"]
        if table["name"] in columns.TABLES
    }
    assert declared == {
        name: dict(contract) for name, contract in columns.TABLES.items()
    }


def test_a_warehouse_gives_back_what_it_was_given(cdnow: LifetimeValueModel) -> None:
    """Missing numbers, dates and whole numbers survive the way there and back."""
    nothing = fit_lifetime_value(histories([], [], []), NO_HOLDOUT, as_of_date=DAY)
    for model in (cdnow, nothing):
        frames = {}
        with duckdb.connect() as connection:
            for table, frame in model.frames().items():
                declared = ", ".join(
                    f"{name} {kind}" for name, kind in columns.TABLES[table].items()
                )
                connection.execute(f"create table {table} ({declared})")
                connection.register("rows", frame)
                connection.execute(f"insert into {table} by name from rows")
                connection.unregister("rows")
                frames[table] = connection.execute(f"from {table}").df()
        read = LifetimeValueModel.from_frames(frames, model_id=model.model_id)
        assert read == model


def test_settings_out_of_range_are_refused() -> None:
    for name, value in (
        ("min_customers", 2),
        ("min_repeat_customers", 1),
        ("min_history_factor", float("nan")),
        ("frequency_bounds", (1, 2)),
        ("frequency_bounds", (0, 2, 2)),
    ):
        with pytest.raises(ValueError, match=name):
            LifetimeValueConfig(**{name: value})


def test_the_chart_is_of_groups_and_knows_no_customer() -> None:
    planted = simulated(2_000, seed=6, days=364, holdout_days=90)
    model = fit_lifetime_value(histories([1], [7], [14]), planted, as_of_date=DAY)
    chart = backtest_chart(model)
    assert "c00000" not in chart.to_json()
    (rows,) = chart.to_dict()["datasets"].values()
    filled = [group for group in model.backtest.groups if group.n_customers]
    assert len(rows) == 3 * len(filled)
    assert rows[0]["purchase_days"] == pytest.approx(
        filled[0].n_purchase_days / filled[0].n_customers
    )
    assert to_png(chart).startswith(b"\x89PNG")
