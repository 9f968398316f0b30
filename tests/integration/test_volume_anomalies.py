"""How often volume anomalies are found, and how often they are cried in vain.

Days are simulated as counts with a week, a month-end season, a trend and more spread
than chance, and judged by the models' own SQL.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from warehouses import DataSet

if TYPE_CHECKING:
    from warehouses import Workshop

N_DAYS = 500
WEEK = np.array([1, 0.95, 0.97, 1.05, 1.2, 1.4, 0.8])
LEVELS = (3, 10, 30, 100, 1_000, 20_000)
# Parameter of the negative binomial: the smaller, the wider; None is pure chance.
DISPERSIONS = (None, 50, 20)
YEARLY_GROWTHS = (0.0, 0.7, -0.7)
MONTH_END_FACTORS = (1.0, 1.5)
# What is planted where so much happens that nobody could miss it.
PLANTED = {"drop": 0.1, "spike": 5.0}
MIN_PLANTED_LEVEL = 100


def simulate(
    generator: np.random.Generator,
    level: int,
    dispersion: int | None,
    growth: float,
    month_end: float,
) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=N_DAYS)
    is_month_end = (days.days_in_month - days.day < 2) | (days.day == 1)
    mean = (
        level
        * WEEK[days.day_of_week]
        * np.where(is_month_end, month_end, 1)
        * np.exp(growth * np.arange(N_DAYS) / 365)
    )
    if dispersion is None:
        counts = generator.poisson(mean)
    else:
        counts = generator.negative_binomial(
            dispersion, dispersion / (dispersion + mean)
        )
    return pd.DataFrame({"volume_date": days.date, "n_records": counts})


def judge(workshop: Workshop, volumes: pd.DataFrame) -> pd.DataFrame:
    """Run the two models over given daily volumes."""
    built = workshop.new(DataSet.of_demo("storefront"))
    with built.warehouse.write() as connection:
        connection.register("volumes", volumes)
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_daily_volumes as select "
            "series_key, 'web' as source_name, 'events' as record_type, "
            "series_key as event_name, volume_date, cast(n_records as bigint) "
            "as n_records from volumes"
        )
        connection.unregister("volumes")
    built.build("--select", "int_daily_volumes_expected", "volume_anomalies")
    return built.frame("select * from marts.volume_anomalies")


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    generator = np.random.default_rng(3)
    settings = product(LEVELS, DISPERSIONS, YEARLY_GROWTHS, MONTH_END_FACTORS, range(2))
    return pd.concat(
        simulate(generator, *choice).assign(
            series_key=f"{number}", level=choice[0], dispersion=choice[1]
        )
        for number, (*choice, _) in enumerate(settings)
    )


@pytest.fixture(scope="module")
def undisturbed(workshop: Workshop, simulated: pd.DataFrame) -> pd.DataFrame:
    return judge(workshop, simulated)


def false_reports(judged: pd.DataFrame) -> float:
    """Anomalies for each 100 series-days."""
    return 100 * float((judged["anomaly_type"] != "none").mean())


def test_at_most_one_false_report_in_100_series_days(
    undisturbed: pd.DataFrame, simulated: pd.DataFrame
) -> None:
    assert len(undisturbed) > 0.85 * len(simulated)
    assert false_reports(undisturbed) < 0.3
    assert false_reports(undisturbed[undisturbed["is_month_turn"]]) < 1
    settings = simulated[["series_key", "level", "dispersion"]].drop_duplicates()
    judged = undisturbed.merge(settings, left_on="event_name", right_on="series_key")
    by_setting = judged.groupby(["level", "dispersion"], dropna=False)
    assert by_setting.apply(false_reports).max() < 1


@pytest.mark.parametrize("kind", PLANTED)
def test_every_planted_anomaly_is_found(
    workshop: Workshop, simulated: pd.DataFrame, kind: str
) -> None:
    generator = np.random.default_rng(5)
    volumes = simulated[
        (simulated["level"] >= MIN_PLANTED_LEVEL) & ~(simulated["dispersion"] == 20)
    ].reset_index(drop=True)
    planted: dict[str, Any] = {}
    for key, days in volumes.groupby("series_key"):
        at = days.index[generator.integers(120, N_DAYS)]
        planted[str(key)] = volumes.loc[at, "volume_date"]
        volumes.loc[at, "n_records"] = round(
            volumes.loc[at, "n_records"] * PLANTED[kind]
        )
    judged = judge(workshop, volumes)
    judged["volume_date"] = judged["volume_date"].dt.date
    days = judged.set_index(["event_name", "volume_date"])["anomaly_type"]
    missed = [item for item in planted.items() if days.get(item) != kind]
    assert len(planted) == 3 * 2 * 3 * 2 * 2
    assert missed == []
    # One bad day doesn't make the days after it look bad.
    assert false_reports(judged) < 0.3 + 100 * len(planted) / len(judged)
