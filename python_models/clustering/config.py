"""What a user may choose about clustering, with defaults that are argued for.

Defaults of the noise guard were measured on sets without clusters (independent and
correlated normal, uniform, log-normal, Poisson, Bernoulli and zero-inflated features,
300 to 5,000 rows, 4 to 12 features), planted clusters and two real shops. No silhouette
threshold alone will do: independent zero-inflated rates reach 0.6 and correlated normal
features 0.4, while four clusters planted in 12 features and recovered at an adjusted
Rand index of 0.97 have 0.24. So a candidate must also beat reference sets without
clusters (`references`), and `min_silhouette` only keeps out what is of no practical
use: clusters that can be recovered (adjusted Rand index 0.9) in 12 features have 0.2 or
more.

`sample_size` is where `benchmarks.clustering` finds that more customers change nothing:
at a million customers and the chosen number of clusters, fits on 20,000 and on all of
them agree at an adjusted Rand index of 0.99, and refined on all they are the same.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from python_models.clustering import columns as c

Transform = Literal["identity", "log1p"]
IDENTITY: Final[Transform] = "identity"
LOG1P: Final[Transform] = "log1p"


@dataclass(frozen=True, order=True)
class FeatureSpec:
    """One feature: a column of `customer_features` and what is done to it first.

    Parameters
    ----------
    name : str
        Column name.
    transform : {"identity", "log1p"}
        `log1p` takes log(1 + x) of the positive part of x, for counts and amounts.

    Raises
    ------
    ValueError
        For an empty name or another transform.
    """

    name: str
    transform: Transform = IDENTITY

    def __post_init__(self) -> None:
        """Check the values."""
        if not self.name:
            message = "a feature needs a name"
            raise ValueError(message)
        if self.transform not in get_args(Transform):
            message = (
                f"feature {self.name}: transform {self.transform!r} is unknown; "
                f"allowed: {', '.join(get_args(Transform))}"
            )
            raise ValueError(message)


DEFAULT_FEATURES: Final = (
    FeatureSpec(c.RECENCY_DAYS),
    FeatureSpec(c.N_ORDERS, LOG1P),
    FeatureSpec(c.MONETARY_AMOUNT, LOG1P),
    FeatureSpec(c.AVERAGE_ORDER_AMOUNT, LOG1P),
    FeatureSpec(c.UNITS_PER_ORDER, LOG1P),
    FeatureSpec(c.N_CATEGORIES, LOG1P),
    FeatureSpec(c.DISCOUNT_RATE),
    FeatureSpec(c.REFUND_RATE),
    FeatureSpec(c.MOBILE_ORDER_RATE),
    FeatureSpec(c.N_SESSIONS, LOG1P),
    FeatureSpec(c.N_PRODUCT_VIEWS, LOG1P),
    FeatureSpec(c.TENURE_DAYS),
)


@dataclass(frozen=True)
class ClusteringConfig:
    """How to cluster. Every field is part of `model_id`.

    Parameters
    ----------
    features : tuple of FeatureSpec
        Features to use; their order doesn't matter.
    k_min, k_max : int
        Smallest and largest number of clusters tried, 2 or more.
    n_init : int
        Starts (k-means++) of every k-means fit; the one with least inertia is kept.
    sample_size : int
        With more customers than this, candidates are fitted and judged on a sample of
        this size, and the chosen one is refined on all customers.
    n_stability_samples : int
        Further samples that the chosen number of clusters is fitted on, to see whether
        they give the same clusters.
    random_state : int
        Seed of every random draw.
    min_customers : int
        Fewer customers make one cluster.
    silhouette_sample_size : int
        Customers whose silhouettes are averaged; all of them up to this number.
    min_silhouette : float
        Least mean silhouette, -1 to 1, of more than one cluster.
    reference_sample_size : int
        Customers in each reference set; all of them up to this number.
    n_references : int
        Reference sets, 5 or more, that a candidate is compared with.
    min_gap : float
        Least gap: how much lower log inertia is than in the reference sets.
    min_gap_errors : float
        Least gap in standard errors of the reference sets.
    max_match_distance : float
        Farthest that a cluster may have moved since the previous model and keep its
        number: root mean square over features, in standard deviations.

    Raises
    ------
    ValueError
        For a value out of range, no feature or a repeated feature.
    """

    features: tuple[FeatureSpec, ...] = DEFAULT_FEATURES
    k_min: int = 2
    k_max: int = 10
    n_init: int = 10
    sample_size: int = 20_000
    n_stability_samples: int = 5
    random_state: int = 0
    min_customers: int = 50
    silhouette_sample_size: int = 10_000
    min_silhouette: float = 0.15
    reference_sample_size: int = 1_500
    n_references: int = 20
    min_gap: float = 0.02
    min_gap_errors: float = 3.5
    max_match_distance: float = 0.5

    def __post_init__(self) -> None:
        """Check the values."""
        least: dict[str, float] = {
            "k_min": 2,
            "k_max": self.k_min,
            "n_init": 1,
            "sample_size": self.k_max + 1,
            "n_stability_samples": 1,
            "random_state": 0,
            "min_customers": 1,
            "silhouette_sample_size": self.k_max + 1,
            "min_silhouette": -1,
            "reference_sample_size": self.k_max + 1,
            "n_references": 5,
            "min_gap": 0,
            "min_gap_errors": 0,
            "max_match_distance": 0,
        }
        for name, limit in least.items():
            value = getattr(self, name)
            # Written so that NaN fails too.
            if not value >= limit:
                message = f"{name} is {value}; it must be at least {limit:g}"
                raise ValueError(message)
        if self.min_silhouette > 1:
            message = f"min_silhouette is {self.min_silhouette}; it must be at most 1"
            raise ValueError(message)
        names = [feature.name for feature in self.features]
        if not names:
            message = "features is empty; name at least one"
            raise ValueError(message)
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            message = f"features repeated: {', '.join(repeated)}"
            raise ValueError(message)
