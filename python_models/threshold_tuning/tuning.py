"""Propose: find a better value on some customers and months, judge it on others.

Half of the groups of customers and all but the last month-ends choose one candidate for
each threshold; the other half and the last month-ends judge it. So what is judged was
not chosen for how it looks there, and one comparison is made for each threshold.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final

import numpy as np
import pandas as pd

from python_models.threshold_tuning import columns as c
from python_models.threshold_tuning.config import TuningConfig
from python_models.threshold_tuning.counts import (
    N_GROUPS,
    OutcomeCounts,
    Split,
    Threshold,
)
from python_models.threshold_tuning.differences import (
    Interval,
    Rates,
    improvement_of,
    rates_of,
)

CODE_VERSION: Final = "1.0.0"
"""Version of the technique: raise it when the same input may give another proposal."""

_IS_HOLDOUT_GROUP: Final = np.arange(N_GROUPS) >= N_GROUPS // 2
_EVERY_GROUP: Final = np.ones(N_GROUPS, dtype=bool)
_OUTCOMES: Final = {
    "purchase": "purchased",
    "discounted_purchase": "purchased at a discount",
    "refund": "got money back",
}


class Decision(Enum):
    """What came of looking at a threshold; all but the first keep it."""

    IMPROVES = "improves"
    NOT_SIGNIFICANT = "not_significant"
    SIZE_OUT_OF_BOUNDS = "size_out_of_bounds"
    CURRENT_IS_BEST = "current_is_best"
    NO_CANDIDATE = "no_candidate"
    TOO_FEW_CUSTOMERS = "too_few_customers"
    TOO_FEW_MONTHS = "too_few_months"


@dataclass(frozen=True)
class Proposal:
    """What was found for one threshold; a row of `threshold_proposals`.

    Attributes
    ----------
    proposal_id : str
        See `compute_proposal_id`.
    threshold : Threshold
        The threshold with the value in force.
    decision : Decision
        Whether another value is proposed, or why not.
    words : str
        The same in words.
    n_training_months, n_holdout_months : int
        Month-ends that were learned from and judged on.
    last_month_end : datetime.date, optional
        The newest of them; None without any.
    candidate_value : float, optional
        The value that was judged; None where none was.
    n_holdout_customer_months : int
        Customers at month-ends that it was judged on.
    current, candidate : Rates, optional
        Rates on the holdout; None for a segment that is too small to have one.
    improvement : Interval, optional
        Of the candidate's difference of rates over the current one, on the holdout.
    n_customers, n_current_members, n_candidate_members : int
        Customers that the threshold decides about at the newest month-end, and members.
    current_net_amount, candidate_net_amount : float, optional
        Mean of what a member brought in over the days that followed, on the holdout.
    """

    proposal_id: str
    threshold: Threshold
    decision: Decision
    words: str
    n_training_months: int
    n_holdout_months: int
    last_month_end: date | None
    candidate_value: float | None = None
    n_holdout_customer_months: int = 0
    current: Rates | None = None
    candidate: Rates | None = None
    improvement: Interval | None = None
    n_customers: int = 0
    n_current_members: int = 0
    n_candidate_members: int | None = None
    current_net_amount: float | None = None
    candidate_net_amount: float | None = None

    @property
    def is_proposed(self) -> bool:
        """Whether another value is proposed."""
        return self.decision is Decision.IMPROVES


def compute_proposal_id(
    threshold: Threshold, last_month_end: date | None, config: TuningConfig
) -> str:
    """Name what was asked: the threshold as it is, the month-ends, the configuration.

    What was found isn't part of it, so that a question is answered once.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    asked = [
        dataclasses.asdict(threshold),
        last_month_end.isoformat() if last_month_end else None,
        dataclasses.asdict(config),
        CODE_VERSION,
    ]
    text = json.dumps(asked, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def propose_thresholds(
    thresholds: Sequence[Threshold],
    outcomes: pd.DataFrame,
    *,
    month_ends: Sequence[date],
    config: TuningConfig,
) -> list[Proposal]:
    """Look for a better value of each threshold.

    Better is a larger difference between how many of the members and how many of the
    others, among those that the threshold decides about, the outcome is seen of
    (`differences`). Candidates are multiples of the threshold's step within its bounds
    that give a segment of an allowed size (`TuningConfig`). The best one by the
    training half is proposed if the interval of its improvement on the holdout is above
    0 and its size at the newest month-end is allowed.

    Parameters
    ----------
    thresholds : sequence of Threshold
        As `read_thresholds` gives them.
    outcomes : pandas.DataFrame
        Rows of `threshold_outcomes`, in any order.
    month_ends : sequence of datetime.date
        Those that outcomes were counted for, in order; nobody need be counted.
    config : TuningConfig
        How to tune.

    Returns
    -------
    list of Proposal
        One for each threshold, in their order; a pure function of the arguments.

    Raises
    ------
    ValueError
        For outcomes that fail the checks of `OutcomeCounts`.
    """
    return [
        _propose(
            threshold,
            OutcomeCounts(outcomes, threshold, month_ends),
            month_ends,
            config,
        )
        for threshold in thresholds
    ]


def _propose(
    threshold: Threshold,
    counts: OutcomeCounts,
    month_ends: Sequence[date],
    config: TuningConfig,
) -> Proposal:
    n_months = len(month_ends)
    last_month_end = month_ends[-1] if n_months else None
    n_holdout = min(n_months, config.n_holdout_months)
    found = Proposal(
        proposal_id=compute_proposal_id(threshold, last_month_end, config),
        threshold=threshold,
        decision=Decision.TOO_FEW_MONTHS,
        words="",
        n_training_months=n_months - n_holdout,
        n_holdout_months=n_holdout,
        last_month_end=last_month_end,
    )
    if n_months:
        newest = _newest(counts.now())
        found = dataclasses.replace(
            found,
            n_customers=_size(newest) + int(newest.others.n_customers.sum()),
            n_current_members=_size(newest),
        )
    if found.n_training_months >= config.min_training_months:
        found = _judge(found, counts, config)
    return dataclasses.replace(found, words=_words(found, config))


def _judge(found: Proposal, counts: OutcomeCounts, config: TuningConfig) -> Proposal:
    """Choose a candidate on the training half, and judge it on the holdout."""
    threshold = found.threshold
    now = counts.now()
    training_now, holdout_now = _training(now, config), _holdout(now, config)
    is_judged = _is_enough(training_now, config) and _is_enough(holdout_now, config)
    found = dataclasses.replace(
        found,
        decision=Decision.NO_CANDIDATE,
        n_holdout_customer_months=_size(holdout_now)
        + int(holdout_now.others.n_customers.sum()),
        current=rates_of(holdout_now) if is_judged else None,
        current_net_amount=_mean_amount(holdout_now) if is_judged else None,
    )
    scores: list[tuple[float, float, int]] = []
    for steps in threshold.candidate_steps():
        training = _training(counts.at(steps), config)
        if not _is_enough(training, config) or not _is_allowed(
            training, training_now if is_judged else None, config
        ):
            continue
        # Of equals the nearest to the value now.
        distance = abs(threshold.value_of(steps) - threshold.value)
        scores.append((rates_of(training).difference, -distance, steps))
    if not scores:
        return found
    score, _, steps = max(scores)
    if not score > (rates_of(training_now).difference if is_judged else 0):
        return dataclasses.replace(found, decision=Decision.CURRENT_IS_BEST)
    split = counts.at(steps)
    holdout, newest = _holdout(split, config), _newest(split)
    found = dataclasses.replace(
        found,
        decision=Decision.TOO_FEW_CUSTOMERS,
        candidate_value=threshold.value_of(steps),
        n_candidate_members=_size(newest),
    )
    n_groups = (holdout.members.n_customers + holdout.others.n_customers).sum(1) > 0
    if not _is_enough(holdout, config) or n_groups.sum() < config.min_groups:
        return found
    improvement = improvement_of(
        holdout,
        holdout_now if is_judged else None,
        confidence_level=config.confidence_level,
    )
    if improvement is None:
        return found
    if not improvement.lower > 0:
        decision = Decision.NOT_SIGNIFICANT
    elif not _is_allowed(newest, _newest(now) if is_judged else None, config):
        decision = Decision.SIZE_OUT_OF_BOUNDS
    else:
        decision = Decision.IMPROVES
    return dataclasses.replace(
        found,
        decision=decision,
        candidate=rates_of(holdout),
        candidate_net_amount=_mean_amount(holdout),
        improvement=improvement,
    )


def _training(split: Split, config: TuningConfig) -> Split:
    return split.of(~_IS_HOLDOUT_GROUP, slice(None, -config.n_holdout_months))


def _holdout(split: Split, config: TuningConfig) -> Split:
    return split.of(_IS_HOLDOUT_GROUP, slice(-config.n_holdout_months, None))


def _newest(split: Split) -> Split:
    return split.of(_EVERY_GROUP, slice(-1, None))


def _size(split: Split) -> int:
    return int(split.members.n_customers.sum())


def _is_enough(split: Split, config: TuningConfig) -> bool:
    """Tell whether there are members and others, in months that have both."""
    members = split.members.n_customers.sum(0)
    others = split.others.n_customers.sum(0)
    both = (members > 0) & (others > 0)
    return bool(
        members[both].sum() >= config.min_members
        and others[both].sum() >= config.min_members
    )


def _is_allowed(split: Split, now: Split | None, config: TuningConfig) -> bool:
    """Tell whether a segment has an allowed size, by its size now where it has one."""
    size = _size(split)
    if now is not None:
        size_now = _size(now)
        return (
            config.min_size_ratio * size_now <= size <= config.max_size_ratio * size_now
        )
    n_customers = size + split.others.n_customers.sum()
    return bool(
        config.min_share_rate * n_customers
        <= size
        <= config.max_share_rate * n_customers
    )


def _mean_amount(split: Split) -> float:
    return float(split.members.net_amount.sum() / split.members.n_customers.sum())


def _words(found: Proposal, config: TuningConfig) -> str:
    """Say what was found in a sentence or two."""
    threshold = found.threshold
    keep = f"keep {threshold.value:g}: "
    sizes = (
        f"{config.min_size_ratio:g} to {config.max_size_ratio:g} times its size now"
        if found.current
        else f"{config.min_share_rate:.0%} to {config.max_share_rate:.0%} of the "
        f"customers, and at least {config.min_members} members to learn from"
    )
    other = f"{found.candidate_value:g}" if found.candidate_value is not None else ""
    becomes = (
        f"{found.n_candidate_members} members instead of {found.n_current_members}"
    )
    n_months = found.n_training_months + found.n_holdout_months
    n_needed = config.min_training_months + config.n_holdout_months
    bounds = f"{threshold.min_value:g} to {threshold.max_value:g}"
    words = {
        Decision.TOO_FEW_MONTHS: f"{keep}what followed is known of {n_months} "
        f"month-ends; {n_needed} are needed",
        Decision.NO_CANDIDATE: f"{keep}no other value from {bounds} gives a segment "
        f"of {sizes}",
        Decision.CURRENT_IS_BEST: f"{keep}no other value that is allowed tells "
        "customers apart better",
        Decision.TOO_FEW_CUSTOMERS: f"{keep}at {other} there are too few members or "
        "others to judge",
        Decision.NOT_SIGNIFICANT: f"{keep}{other} isn't surely better. "
        f"{_evidence(found, config)}",
        Decision.SIZE_OUT_OF_BOUNDS: f"{keep}at {other} the segment has {becomes}; "
        f"allowed is {sizes}. {_evidence(found, config)}",
        Decision.IMPROVES: f"{other} instead of {threshold.value:g}: {becomes}. "
        f"{_evidence(found, config)}",
    }
    return words[found.decision]


def _evidence(found: Proposal, config: TuningConfig) -> str:
    did = _OUTCOMES.get(found.threshold.outcome_name, found.threshold.outcome_name)
    now = (
        f"at {found.threshold.value:g} it is {found.current.member:.1%} against "
        f"{found.current.other:.1%}"
        if found.current
        else f"at {found.threshold.value:g} the segment is too small to tell"
    )
    if found.candidate is None or found.improvement is None:
        return now
    return (
        f"{found.candidate.member:.1%} of the members {did} in the "
        f"{config.outcome_days} days that followed, "
        f"against {found.candidate.other:.1%} of the others; {now}: a gain of "
        f"{100 * found.improvement.estimate:.1f} points "
        f"({100 * found.improvement.lower:.1f} to "
        f"{100 * found.improvement.upper:.1f})"
    )


def proposals_frame(
    proposals: Sequence[Proposal], *, as_of_date: date, config: TuningConfig
) -> pd.DataFrame:
    """Make the rows of `threshold_proposals`.

    Returns
    -------
    pandas.DataFrame
        Shape (proposals, columns of `columns.PROPOSALS`).
    """
    rows = [_row(proposal, as_of_date, config) for proposal in proposals]
    return pd.DataFrame(
        {
            name: pd.Series(
                [row[name] for row in rows], dtype=c.PANDAS_DTYPES[data_type]
            )
            for name, data_type in c.PROPOSALS.items()
        }
    )


def _row(found: Proposal, as_of_date: date, config: TuningConfig) -> dict[str, Any]:
    threshold, improvement = found.threshold, found.improvement
    current, candidate = found.current, found.candidate
    return {
        "proposal_id": found.proposal_id,
        c.THRESHOLD_NAME: threshold.name,
        c.SEGMENT: threshold.segment,
        c.OUTCOME_NAME: threshold.outcome_name,
        c.DIRECTION: threshold.direction,
        c.AS_OF_DATE: as_of_date,
        "last_month_end_date": found.last_month_end,
        "current_value": threshold.value,
        "candidate_value": found.candidate_value,
        "is_proposed": found.is_proposed,
        "decision_code": found.decision.value,
        "decision": found.words,
        "n_training_months": found.n_training_months,
        "n_holdout_months": found.n_holdout_months,
        "n_holdout_customer_months": found.n_holdout_customer_months,
        "current_member_rate": current.member if current else None,
        "current_other_rate": current.other if current else None,
        "candidate_member_rate": candidate.member if candidate else None,
        "candidate_other_rate": candidate.other if candidate else None,
        "improvement": improvement.estimate if improvement else None,
        "improvement_lower": improvement.lower if improvement else None,
        "improvement_upper": improvement.upper if improvement else None,
        "confidence_level": config.confidence_level,
        "n_customers": found.n_customers,
        "n_current_members": found.n_current_members,
        "n_candidate_members": found.n_candidate_members,
        "current_member_net_amount": found.current_net_amount,
        "candidate_member_net_amount": found.candidate_net_amount,
        "code_version": CODE_VERSION,
    }
