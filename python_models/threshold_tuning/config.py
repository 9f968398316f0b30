"""What a user may choose about tuning, with defaults that are argued for.

Three month-ends are judged, so that one odd month decides nothing, and at least as many
are learned from. Thirty members and thirty others are what a rate with an interval from
the normal distribution asks for at least. A segment may halve or double: beyond that it
is another segment, which somebody should define. One that is too small to be judged has
no size to keep, so a proposal may be any segment of a hundredth to a fifth of the
customers.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class TuningConfig:
    """How to tune. Every field is part of `proposal_id`.

    Parameters
    ----------
    outcome_days : int
        Days from a month-end on that outcomes were counted over.
    n_holdout_months : int
        The last so many month-ends are judged on, the ones before are learned from.
    min_training_months : int
        Fewer month-ends to learn from give no proposal.
    min_members : int
        Fewer members, or others, among the customer months that are learned from or
        judged give no rate. A customer at two month-ends is two customer months.
    min_groups : int
        Least number of groups of customers that an interval is made from.
    min_size_ratio, max_size_ratio : float
        Least and greatest size of the segment, as a multiple of its size now.
    min_share_rate, max_share_rate : float
        Least and greatest size where the segment now is too small to be judged, as a
        share of the customers that the threshold decides about.
    confidence_level : float
        Of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        For a value out of range.
    """

    outcome_days: int = 30
    n_holdout_months: int = 3
    min_training_months: int = 3
    min_members: int = 30
    min_groups: int = 20
    min_size_ratio: float = 0.5
    max_size_ratio: float = 2.0
    min_share_rate: float = 0.01
    max_share_rate: float = 0.2
    confidence_level: float = 0.95

    def __post_init__(self) -> None:
        """Check the values."""
        bounds: dict[str, tuple[float, float]] = {
            "outcome_days": (1, float("inf")),
            "n_holdout_months": (1, float("inf")),
            "min_training_months": (1, float("inf")),
            "min_members": (1, float("inf")),
            "min_groups": (2, 128),
            "min_size_ratio": (0, 1),
            "max_size_ratio": (1, float("inf")),
            "min_share_rate": (0, self.max_share_rate),
            "max_share_rate": (0, 1),
            "confidence_level": (0.5, 0.9999),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            # Written so that NaN fails too.
            if not least <= value <= most:
                message = f"{name} is {value}; expected {least:g} to {most:g}"
                raise ValueError(message)
