"""From `customer_features` to a matrix in scaled units, or an error that helps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.clustering import columns as c
from python_models.clustering.config import LOG1P, FeatureSpec, Transform

# Relative to the largest value: less is rounding, not variation.
_CONSTANT_TOLERANCE: Final = 1e-9


class ScaledFeature(Protocol):
    """What is needed to put one raw column in scaled units."""

    @property
    def name(self) -> str:
        """Column name."""

    @property
    def transform(self) -> Transform:
        """What is done before scaling."""

    @property
    def center(self) -> float:
        """Mean after the transform."""

    @property
    def scale(self) -> float:
        """Standard deviation after the transform."""


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


def transform_values(
    values: NDArray[np.float64],
    transform: Transform,
) -> NDArray[np.float64]:
    """Apply a feature's transform.

    Parameters
    ----------
    values : numpy.ndarray, shape (customers,)
        Raw values.
    transform : {"identity", "log1p"}
        What to do.

    Returns
    -------
    numpy.ndarray, shape (customers,)
        Values in transformed units.
    """
    if transform == LOG1P:
        return np.log1p(np.maximum(values, 0.0))
    return values


def measure_scale(
    values: pd.DataFrame,
    feature: FeatureSpec,
) -> tuple[float, float, bool]:
    """Find the mean and standard deviation of one transformed feature.

    Parameters
    ----------
    values : pandas.DataFrame, shape (customers, features)
        Raw values.
    feature : FeatureSpec
        The column and its transform.

    Returns
    -------
    center, scale : float
        Mean and population standard deviation. A feature that doesn't vary has scale 1,
        as in scikit-learn, so that nothing can divide by zero; without customers the
        center is 0.
    varies : bool
        Whether the feature is of any use.
    """
    column = transform_values(values[feature.name].to_numpy(), feature.transform)
    if column.size == 0:
        return 0.0, 1.0, False
    center = float(column.mean())
    if np.ptp(column) <= _CONSTANT_TOLERANCE * max(1.0, float(np.abs(column).max())):
        return center, 1.0, False
    return center, float(column.std()), True


def scale_values(
    values: pd.DataFrame,
    features: Sequence[ScaledFeature],
) -> NDArray[np.float64]:
    """Put raw values in scaled units.

    Parameters
    ----------
    values : pandas.DataFrame, shape (customers, columns)
        Raw values.
    features : sequence of ScaledFeature
        The columns to take, in this order.

    Returns
    -------
    numpy.ndarray, shape (customers, features)
        Transformed, centred and divided by the scale, in C order.
    """
    scaled = np.empty((len(values), len(features)))
    for position, feature in enumerate(features):
        column = transform_values(values[feature.name].to_numpy(), feature.transform)
        scaled[:, position] = (column - feature.center) / feature.scale
    return scaled
