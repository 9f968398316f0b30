"""Fit both models on a day's purchases, and say how far a forecast would have held."""

import hashlib
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from python_models.lifetime_value import columns as c
from python_models.lifetime_value.backtesting import run_backtest
from python_models.lifetime_value.config import LifetimeValueConfig
from python_models.lifetime_value.model import LifetimeValueModel
from python_models.lifetime_value.purchase_amounts import fit_purchase_amounts
from python_models.lifetime_value.purchase_counts import (
    DAYS_PER_WEEK,
    fit_purchase_counts,
)

# A change that makes other models of the same customers changes this.
CODE_VERSION: Final = "1"

_HISTORY = [c.N_REPEAT_PURCHASE_DAYS, c.FIRST_TO_LAST_PURCHASE_DAYS, c.AGE_DAYS]
_MEASURES = [*_HISTORY, c.MEAN_REPEAT_DAY_AMOUNT]


def fit_lifetime_value(
    customers: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    as_of_date: date,
    config: LifetimeValueConfig | None = None,
) -> LifetimeValueModel:
    """Fit BG/NBD and Gamma-Gamma by maximum likelihood, and backtest the former.

    Parameters
    ----------
    customers : pandas.DataFrame
        Columns of `customer_purchase_summary`, one row per customer, in any order;
        times in days, amounts in the reporting currency.
    holdout : pandas.DataFrame
        Columns of `purchase_holdouts`, one row per history.
    as_of_date : datetime.date
        The date that both describe.
    config : LifetimeValueConfig, optional
        What may be chosen.

    Returns
    -------
    LifetimeValueModel
        With parameters, or with the reasons why there are none.

    Raises
    ------
    ValueError
        For a missing, infinite or negative measure, or a last purchase after the last
        day; the message names the column and how many customers have it.
    """
    config = config or LifetimeValueConfig()
    check_measures(customers)
    histories = (
        customers.groupby(_HISTORY, sort=True).size().reset_index(name=c.N_CUSTOMERS)
    )
    x, t_x, age, n_customers = (
        histories[name].to_numpy(dtype=np.float64)
        for name in [*_HISTORY, c.N_CUSTOMERS]
    )
    return LifetimeValueModel(
        model_id=_model_id(customers, holdout, as_of_date, config),
        as_of_date=as_of_date,
        counts=fit_purchase_counts(
            x, t_x / DAYS_PER_WEEK, age / DAYS_PER_WEEK, n_customers, config
        ),
        amounts=fit_purchase_amounts(
            customers[c.N_REPEAT_PURCHASE_DAYS].to_numpy(dtype=np.float64),
            customers[c.MEAN_REPEAT_DAY_AMOUNT].to_numpy(dtype=np.float64),
            config,
        ),
        backtest=run_backtest(holdout, config),
        code_version=CODE_VERSION,
    )


def check_measures(customers: pd.DataFrame) -> None:
    """Refuse measures that no purchase history has.

    Parameters
    ----------
    customers : pandas.DataFrame
        Columns of `customer_purchase_summary`.

    Raises
    ------
    ValueError
        Naming the column and how many customers have such a value.
    """
    for name in _MEASURES:
        values = customers[name].to_numpy(dtype=np.float64)
        wrong = int(np.sum(~np.isfinite(values) | (values < 0)))
        if wrong:
            message = f"{name}: {wrong:,} values are missing, infinite or negative"
            raise ValueError(message)
    late = int((customers[c.FIRST_TO_LAST_PURCHASE_DAYS] > customers[c.AGE_DAYS]).sum())
    if late:
        message = (
            f"{c.FIRST_TO_LAST_PURCHASE_DAYS}: {late:,} values are larger than "
            f"{c.AGE_DAYS}: a purchase after the last day observed"
        )
        raise ValueError(message)


def _model_id(
    customers: pd.DataFrame,
    holdout: pd.DataFrame,
    as_of_date: date,
    config: LifetimeValueConfig,
) -> str:
    """Hash all that a model is made from, in an order of its own."""
    digest = hashlib.sha256(
        f"{CODE_VERSION}\n{as_of_date.isoformat()}\n{config!r}\n".encode()
    )
    for frame, names in (
        (customers, _MEASURES),
        (
            holdout,
            [*_HISTORY, c.N_CUSTOMERS, c.N_HOLDOUT_PURCHASE_DAYS, c.HOLDOUT_DAYS],
        ),
    ):
        values = frame[names].to_numpy(dtype=np.float64)
        digest.update(values[np.lexsort(values.T[::-1])].tobytes())
        digest.update(b"\n")
    return digest.hexdigest()[:16]
