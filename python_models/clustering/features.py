"""`customer_features` as a fit may trust them, or an error that helps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.clustering import columns as c


@dataclass(frozen=True, eq=False)
class CheckedFeatures:
    """Features that passed the checks, sorted by customer.

    Attributes
    ----------
    customer_ids : numpy.ndarray of str, shape (customers,)
        Ascending, without repeats.
    raw : pandas.DataFrame, shape (customers, features)
        Values as float64, one column per feature.
    """

    customer_ids: NDArray[np.str_]
    raw: pd.DataFrame


def require_date(as_of_date: date) -> date:
    """Return the date, or refuse a time of day, whose zone would be a guess.

    Raises
    ------
    TypeError
        When `as_of_date` is a datetime or no date.
    """
    if isinstance(as_of_date, datetime) or not isinstance(as_of_date, date):
        message = f"as_of_date must be a date, not {type(as_of_date).__name__}"
        raise TypeError(message)
    return as_of_date


def check_features(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    as_of_date: date,
) -> CheckedFeatures:
    """Check a features frame and sort it by customer.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (customers, columns)
        One row per customer, any row order, any further columns.
    names : sequence of str
        Feature columns to take.
    as_of_date : datetime.date
        When the frame has a column `as_of_date`, all its values must be this.

    Returns
    -------
    CheckedFeatures
        The same customers, sorted, whatever the order of the frame.

    Raises
    ------
    TypeError
        When `as_of_date` is no plain date.
    ValueError
        For a missing column, a missing or repeated customer, another as-of date, or
        values that are no numbers, missing or infinite; it names column and count.
    """
    require_date(as_of_date)
    missing = [name for name in (c.CUSTOMER_ID, *names) if name not in frame.columns]
    if missing:
        message = f"features lack {len(missing)} column(s): {', '.join(missing)}"
        raise ValueError(message)
    n_without = int(frame[c.CUSTOMER_ID].isna().sum())
    if n_without:
        message = f"{c.CUSTOMER_ID}: {n_without} missing value(s)"
        raise ValueError(message)
    ids = frame[c.CUSTOMER_ID].astype(str).to_numpy(dtype=np.str_)
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    n_repeated = int((ids[1:] == ids[:-1]).sum())
    if n_repeated:
        message = f"{c.CUSTOMER_ID}: {n_repeated} repeated value(s)"
        raise ValueError(message)
    if c.AS_OF_DATE in frame.columns:
        dates = pd.to_datetime(frame[c.AS_OF_DATE])
        n_other = int((dates != pd.Timestamp(as_of_date)).sum())
        if n_other:
            message = f"{c.AS_OF_DATE}: {n_other} value(s) other than {as_of_date}"
            raise ValueError(message)
    raw = pd.DataFrame(
        {name: _to_numbers(frame[name])[order] for name in names},
        index=range(len(ids)),
    )
    return CheckedFeatures(customer_ids=ids, raw=raw)


def _to_numbers(column: pd.Series) -> NDArray[np.float64]:
    try:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        message = f"{column.name}: values of type {column.dtype} are no numbers"
        raise ValueError(message) from error
    n_missing = int(np.isnan(values).sum())
    n_infinite = int(np.isinf(values).sum())
    if n_missing or n_infinite:
        message = (
            f"{column.name}: {n_missing} missing and {n_infinite} infinite value(s)"
        )
        raise ValueError(message)
    return values
