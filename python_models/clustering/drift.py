"""How far today's customers are from those that the model was fitted on.

The population stability index (PSI) compares how customers spread over bins now with
how they did when the model was fitted: the sum over bins of (a - e) ln(a / e), where e
and a are the expected and the actual share. Bins are frozen with the model: between the
deciles of each feature, and the clusters themselves.

- **Empty bins.** Half a customer is added to each bin on both sides, so that an empty
  one has a finite say, which shrinks as customers grow in number.
- **Repeated deciles** fall together: bins then hold what share they hold. A feature
  that didn't vary has one value, and bins below and above it that were empty.
- **When it counts.** Customary limits are 0.1, "moderate", and 0.25, "act". Of equal
  populations, the index is about (1/n + 1/m) times a chi-squared variable of bins - 1
  degrees of freedom; few customers exceed any limit by chance, so it must exceed that
  variable's 99.9th percentile as well: some twelve measures are looked at every day.

References
----------
Siddiqi, N. (2006). Credit risk scorecards. Wiley, chapter 10: index, limits.

Yurdakul, B. (2018). Statistical properties of population stability index. Western
Michigan University: its distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from python_models.clustering.preprocessing import CONSTANT_TOLERANCE

MAX_PSI: Final = 0.25
PSEUDO_COUNT: Final = 0.5
CONFIDENCE: Final = 0.999
_DECILES: Final = np.arange(1, 10) / 10


@dataclass(frozen=True)
class FeatureBin:
    """One bin of one feature, as it was when the model was fitted.

    Attributes
    ----------
    feature : str
        Column of `customer_features`.
    number : int
        From 1, the lowest.
    upper_bound : float or None
        The greatest raw value in it; None for the last.
    n_customers : int
        Customers in it.
    """

    feature: str
    number: int
    upper_bound: float | None
    n_customers: int


def freeze_bins(raw: pd.DataFrame, names: Sequence[str]) -> tuple[FeatureBin, ...]:
    """Cut every feature at its deciles and count customers.

    Parameters
    ----------
    raw : pandas.DataFrame, shape (customers, features)
        Raw values.
    names : sequence of str
        Columns to cut.

    Returns
    -------
    tuple of FeatureBin
        By feature in the order of `names`, then by number; none without customers.
    """
    if raw.empty:
        return ()
    bins = []
    for name in names:
        values = raw[name].to_numpy(dtype=np.float64)
        bounds = _bounds(values)
        counts = np.bincount(
            np.searchsorted(bounds, values, side="left"), minlength=len(bounds) + 1
        )
        uppers: list[float | None] = [*bounds.tolist(), None]
        bins += [
            FeatureBin(name, number, upper, int(count))
            for number, (upper, count) in enumerate(
                zip(uppers, counts, strict=True), start=1
            )
        ]
    return tuple(bins)


def _bounds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    least, greatest = float(values.min()), float(values.max())
    rounding = CONSTANT_TOLERANCE * max(1.0, abs(least), abs(greatest))
    if greatest - least <= rounding:
        return np.array([least - rounding, greatest + rounding])
    # Deciles are values that customers have, so that a bound is exact in any engine.
    deciles = np.quantile(values, _DECILES, method="inverted_cdf")
    # Nobody is above the greatest value.
    return np.unique(deciles[deciles < greatest])


def population_stability_index(
    expected: Sequence[float] | NDArray[np.int64],
    actual: Sequence[float] | NDArray[np.int64],
) -> float:
    """Compare two distributions over the same bins.

    Parameters
    ----------
    expected, actual : sequence of number, shape (bins,)
        Counts of customers, when the model was fitted and now.

    Returns
    -------
    float
        The index, 0 for equal shares; 0 where either has no customers, no evidence.
    """
    then, now = (np.asarray(each, dtype=np.float64) for each in (expected, actual))
    if not then.sum() or not now.sum():
        return 0.0
    e, a = (
        (each + PSEUDO_COUNT) / (each.sum() + PSEUDO_COUNT * len(each))
        for each in (then, now)
    )
    return float(((a - e) * np.log(a / e)).sum())


def largest_by_chance(n_bins: int) -> float:
    """Say how large the index may be by chance, before customers are counted.

    Parameters
    ----------
    n_bins : int
        Number of bins.

    Returns
    -------
    float
        To be multiplied by 1/n + 1/m, where n and m are the numbers of customers.
    """
    return float(chi2.ppf(CONFIDENCE, max(n_bins - 1, 1)))
