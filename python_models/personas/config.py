"""What a user may choose about the forest that tells clusters apart.

The sample is as large as a month's fit may cost: with 6,000 customers a forest and its
importances take about five seconds of one core. More customers change little, since the
question is which of a dozen features tell kinds of customers apart, not the last point
of accuracy: with 2,000 held-out customers an accuracy is known to two points.
"""

from dataclasses import dataclass
from typing import Final

from python_models.clustering import columns as c

DEFAULT_FEATURES: Final = (
    c.RECENCY_DAYS,
    c.N_ORDERS,
    c.MONETARY_AMOUNT,
    c.AVERAGE_ORDER_AMOUNT,
    c.UNITS_PER_ORDER,
    c.N_CATEGORIES,
    c.DISCOUNT_RATE,
    c.REFUND_RATE,
    c.MOBILE_ORDER_RATE,
    c.N_SESSIONS,
    c.N_PRODUCT_VIEWS,
    c.TENURE_DAYS,
)


@dataclass(frozen=True)
class PersonaConfig:
    """How clusters are told apart.

    Parameters
    ----------
    features : tuple of str
        Columns of `customer_features` to learn from; a forest needs no scaling.
    sample_size : int
        Customers, trained and held out, that each cluster gives its share of.
    min_sampled : int
        Customers that a small cluster gives at least, as far as it has them.
    held_out_rate : float
        Share of each cluster's sample that the forest never sees, between 0 and 1.
    min_held_out : int
        Fewest held-out customers by whom a cluster is judged.
    n_trees : int
        Trees of the forest.
    n_split_features : int
        Features that a split may choose from. Two, and not the usual square root of
        their number: features that go together (orders and what they come to) then take
        turns, and their order of importance changes less from sample to sample.
    min_leaf_customers : int
        Fewest customers in a leaf of a tree.
    n_repeats : int
        Shuffles of each feature, 2 or more, whose mean is its importance.
    confidence : float
        Level of confidence intervals, between 0 and 1.
    random_state : int
        Seed of every random draw.

    Raises
    ------
    ValueError
        For a value out of range, no feature or a repeated feature.
    """

    features: tuple[str, ...] = DEFAULT_FEATURES
    sample_size: int = 6_000
    min_sampled: int = 150
    held_out_rate: float = 1 / 3
    min_held_out: int = 5
    n_trees: int = 100
    n_split_features: int = 2
    min_leaf_customers: int = 3
    n_repeats: int = 10
    confidence: float = 0.95
    random_state: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        least = {
            "sample_size": 2,
            "min_sampled": 2,
            "min_held_out": 1,
            "n_trees": 1,
            "n_split_features": 1,
            "min_leaf_customers": 1,
            "n_repeats": 2,
            "random_state": 0,
        }
        for name, limit in least.items():
            value = getattr(self, name)
            if value < limit:
                message = f"{name} is {value}; it must be at least {limit}"
                raise ValueError(message)
        for name in ("held_out_rate", "confidence"):
            value = getattr(self, name)
            # Written so that NaN fails too.
            if not 0 < value < 1:
                message = f"{name} is {value}; it must lie between 0 and 1"
                raise ValueError(message)
        if not self.features:
            message = "features is empty; name at least one"
            raise ValueError(message)
        repeated = sorted(
            {name for name in self.features if self.features.count(name) > 1}
        )
        if repeated:
            message = f"features repeated: {', '.join(repeated)}"
            raise ValueError(message)
