"""How much more often members do something than others, and how sure that is.

The rate of the others is standardised to the members' months: each month-end's rate is
weighted by the members it has (Miettinen, O. S., 1972, "Standardization of risk
ratios", American Journal of Epidemiology 96). So a segment that is large in December
isn't credited with December.

Intervals come from the delete-a-group jackknife (Kott, P. S., 2001, "The delete-a-group
jackknife", Journal of Official Statistics 17): the figure is computed again without
each group of customers in turn. All month-ends of a customer are in one group, and one
customer is a member at one value and not at another, so neither counts as two
independent people; a formula for two independent rates, such as Newcombe's, would give
too narrow an interval.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from python_models.threshold_tuning.counts import Side, Split

Totals = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """How many of the members and of the others the outcome was seen of.

    Attributes
    ----------
    member, other : float
        Shares of customer months, 0 to 1; that of the others is standardised. NaN where
        no month-end has both.
    """

    member: float
    other: float

    @property
    def difference(self) -> float:
        """How much larger the members' rate is."""
        return self.member - self.other


@dataclass(frozen=True)
class Interval:
    """An estimate with its bounds."""

    estimate: float
    lower: float
    upper: float


def rates_of(split: Split) -> Rates:
    """Compare members with others of the same months.

    Parameters
    ----------
    split : Split
        Counts of shape (groups, months).
    """
    member, other = _rates(*(_total(split.members)), *(_total(split.others)))
    return Rates(float(member), float(other))


def improvement_of(
    candidate: Split, current: Split | None, *, confidence_level: float
) -> Interval | None:
    """Say how much better a candidate tells customers apart than the value now.

    Parameters
    ----------
    candidate, current : Split
        Counts of the same customers, shape (groups, months); without `current`, a
        candidate is compared with telling nobody apart.
    confidence_level : float
        Of the interval, 0 to 1.

    Returns
    -------
    Interval, optional
        Of the difference between the two differences of rates, -2 to 2; None where it
        can't be computed without one of the groups, or for fewer than two.
    """
    splits = [candidate] if current is None else [candidate, current]
    groups = (candidate.members.n_customers + candidate.others.n_customers).sum(1) > 0
    n_groups = int(groups.sum())
    if n_groups <= 1:
        return None
    estimate = 0.0
    without = np.zeros(n_groups)
    for split, sign in zip(splits, (1, -1), strict=False):
        member, other = _rates(*_total(split.members), *_total(split.others))
        estimate += sign * float(member - other)
        parts = [
            total - part[groups]
            for side in (split.members, split.others)
            for total, part in zip(
                _total(side), (side.n_customers, side.n_reached), strict=True
            )
        ]
        members, others = _rates(*parts)
        without += sign * (members - others)
    if not (np.isfinite(estimate) and np.isfinite(without).all()):
        return None
    variance = (n_groups - 1) / n_groups * ((without - estimate) ** 2).sum()
    quantile = stats.t.ppf((1 + confidence_level) / 2, n_groups - 1)
    margin = float(quantile * np.sqrt(variance))
    return Interval(estimate, estimate - margin, estimate + margin)


def _total(side: Side) -> tuple[Totals, Totals]:
    return side.n_customers.sum(0), side.n_reached.sum(0)


def _rates(
    n_members: Totals, reached: Totals, n_others: Totals, others_reached: Totals
) -> tuple[Totals, Totals]:
    """Return the rates over the last axis, the months."""
    is_compared = (n_members > 0) & (n_others > 0)
    weights = np.where(is_compared, n_members, 0)
    other_rates = others_reached / np.where(is_compared, n_others, 1)
    with np.errstate(invalid="ignore"):
        return (
            np.where(is_compared, reached, 0).sum(-1) / weights.sum(-1),
            (weights * other_rates).sum(-1) / weights.sum(-1),
        )
