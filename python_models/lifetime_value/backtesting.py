"""Forecast and what happened: the last days held out from a fit.

The model is fitted on what was known before the held-out days, and forecasts the
purchase days in them of the customers there were, by how often they had bought before.
Beside it stands the naive forecast that everybody goes on at their own rate, x / T.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.lifetime_value import columns as c
from python_models.lifetime_value.config import LifetimeValueConfig
from python_models.lifetime_value.purchase_counts import (
    DAYS_PER_WEEK,
    FITTED,
    fit_purchase_counts,
)

HISTORY_TOO_SHORT: Final = "history_too_short"


@dataclass(frozen=True)
class BacktestGroup:
    """Customers who had bought equally often before the held-out days.

    Attributes
    ----------
    number : int
        Ordinal, from 1.
    frequency : str
        Repeat purchase days before: `0`, `1`, `4-5`, …; the last is open, `20+`.
    n_customers : int
        Customers, 0 where nobody had bought so often.
    n_purchase_days : int
        Purchase days of theirs in the held-out days.
    expected_purchase_days, naive_purchase_days : float
        What the model, and what the naive forecast said.
    """

    number: int
    frequency: str
    n_customers: int
    n_purchase_days: int
    expected_purchase_days: float
    naive_purchase_days: float


@dataclass(frozen=True)
class Backtest:
    """A forecast of held-out days.

    Attributes
    ----------
    holdout_days : int
        Days held out; 0 where there is nothing to hold out.
    outcome_code : str
        `fitted`, `history_too_short` or why `fit_purchase_counts` gave no model.
    outcome : str
        The same in words, with both forecasts and what happened.
    groups : tuple of BacktestGroup
        By number; empty without a forecast.
    """

    holdout_days: int
    outcome_code: str
    outcome: str
    groups: tuple[BacktestGroup, ...] = ()

    @property
    def n_purchase_days(self) -> int:
        """Purchase days there were."""
        return sum(group.n_purchase_days for group in self.groups)

    @property
    def expected_purchase_days(self) -> float:
        """Purchase days the model said."""
        return sum(group.expected_purchase_days for group in self.groups)

    @property
    def naive_purchase_days(self) -> float:
        """Purchase days the naive forecast said."""
        return sum(group.naive_purchase_days for group in self.groups)


def run_backtest(holdout: pd.DataFrame, config: LifetimeValueConfig) -> Backtest:
    """Fit on what came before the held-out days, and compare with them.

    Parameters
    ----------
    holdout : pandas.DataFrame
        Columns of `purchase_holdouts`, one row per history before the held-out days,
        with its number of customers and of their purchase days since.
    config : LifetimeValueConfig
        Least history, least customers and number of groups.

    Returns
    -------
    Backtest
        With a row for every group, or why there is none.
    """
    if holdout.empty:
        return Backtest(0, HISTORY_TOO_SHORT, "nobody had bought before the last days")
    days = int(holdout[c.HOLDOUT_DAYS].iloc[0])
    x, t_x, age, n_customers, bought = (
        holdout[name].to_numpy(dtype=np.float64)
        for name in (
            c.N_REPEAT_PURCHASE_DAYS,
            c.FIRST_TO_LAST_PURCHASE_DAYS,
            c.AGE_DAYS,
            c.N_CUSTOMERS,
            c.N_HOLDOUT_PURCHASE_DAYS,
        )
    )
    longest = age.max()
    if longest < config.min_history_factor * days:
        sentence = (
            f"{longest:.0f} days of history before the last {days}; at least "
            f"{config.min_history_factor * days:.0f} are needed"
        )
        return Backtest(days, HISTORY_TOO_SHORT, sentence)
    in_weeks = (x, t_x / DAYS_PER_WEEK, age / DAYS_PER_WEEK)
    counts = fit_purchase_counts(*in_weeks, n_customers, config)
    if not counts.is_fitted:
        return Backtest(days, counts.outcome_code, counts.outcome)
    expected = n_customers * counts.expected_purchases(*in_weeks, days / DAYS_PER_WEEK)
    naive = n_customers * x * days / np.maximum(age, 1.0)
    groups = _groups(x, n_customers, bought, expected, naive, config)
    return Backtest(days, FITTED, _outcome(days, groups), groups)


def _groups(  # noqa: PLR0913, PLR0917 - columns of one table
    x: NDArray[np.float64],
    n_customers: NDArray[np.float64],
    bought: NDArray[np.float64],
    expected: NDArray[np.float64],
    naive: NDArray[np.float64],
    config: LifetimeValueConfig,
) -> tuple[BacktestGroup, ...]:
    bounds = config.frequency_bounds
    place = np.searchsorted(bounds, x, side="right") - 1
    sums = [
        np.bincount(place, weights=each, minlength=len(bounds))
        for each in (n_customers, bought, expected, naive)
    ]
    return tuple(
        BacktestGroup(
            number=position + 1,
            frequency=frequency,
            n_customers=int(sums[0][position]),
            n_purchase_days=int(sums[1][position]),
            expected_purchase_days=float(sums[2][position]),
            naive_purchase_days=float(sums[3][position]),
        )
        for position, frequency in enumerate(_frequencies(bounds))
    )


def _frequencies(bounds: tuple[int, ...]) -> list[str]:
    """Name groups by what is in them: `3`, `4-5`, and `20+` for the last."""
    names = [
        str(low) if high == low + 1 else f"{low}-{high - 1}"
        for low, high in pairwise(bounds)
    ]
    return [*names, f"{bounds[-1]}+"]


def _outcome(days: int, groups: tuple[BacktestGroup, ...]) -> str:
    backtest = Backtest(days, FITTED, "", groups)
    actual = backtest.n_purchase_days
    texts = [
        f"{name} {value:,.0f}" + (f" ({value / actual - 1:+.1%})" if actual else "")
        for name, value in (
            ("forecast", backtest.expected_purchase_days),
            ("everybody at their own rate", backtest.naive_purchase_days),
        )
    ]
    return (
        f"in the last {days} days {actual:,} purchase days of customers known before; "
        f"{texts[0]}, {texts[1]}"
    )
