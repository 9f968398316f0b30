"""What the models say of every customer: formulas, no fit."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from python_models.lifetime_value import columns as c
from python_models.lifetime_value.fitting import check_measures
from python_models.lifetime_value.model import LifetimeValueModel
from python_models.lifetime_value.purchase_counts import DAYS_PER_WEEK


def predict_lifetime_values(
    customers: pd.DataFrame, model: LifetimeValueModel, *, as_of_date: date
) -> pd.DataFrame:
    """Tell who still buys, on how many days, and what they spend on one.

    Parameters
    ----------
    customers : pandas.DataFrame
        Columns of `customer_purchase_summary`, one row per customer; times in days.
    model : LifetimeValueModel
        The model, of this date or an earlier one.
    as_of_date : datetime.date
        The date that the customers are described at, from which horizons count.

    Returns
    -------
    pandas.DataFrame
        Columns of `customer_lifetime_values`, a row for every customer in their order;
        none where the purchase counts have no model. Amounts are missing where the
        purchase amounts have none.

    Raises
    ------
    ValueError
        As `fit_lifetime_value`.
    """
    check_measures(customers)
    if not model.counts.is_fitted:
        customers = customers.iloc[:0]
    x, t_x, age, mean_amount = (
        customers[name].to_numpy(dtype=np.float64)
        for name in (
            c.N_REPEAT_PURCHASE_DAYS,
            c.FIRST_TO_LAST_PURCHASE_DAYS,
            c.AGE_DAYS,
            c.MEAN_REPEAT_DAY_AMOUNT,
        )
    )
    history = (x, t_x / DAYS_PER_WEEK, age / DAYS_PER_WEEK)
    n = len(customers)
    columns: dict[str, Any] = {
        c.CUSTOMER_ID: customers[c.CUSTOMER_ID],
        c.AS_OF_DATE: [as_of_date] * n,
        c.MODEL_ID: [model.model_id] * n,
        c.EXPECTED_DAY_VALUE: model.amounts.expected_amounts(x, mean_amount)
        if model.amounts.is_fitted
        else np.full(n, np.nan),
        c.P_ALIVE_RATE: model.counts.p_alive(*history) if n else x,
    }
    for name, days in c.HORIZONS.items():
        columns[name] = (
            model.counts.expected_purchases(*history, days / DAYS_PER_WEEK) if n else x
        )
    return c.conform(c.CUSTOMER_LIFETIME_VALUES, columns)
