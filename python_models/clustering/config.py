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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from python_models.clustering import columns as c

Transform = Literal["identity", "log1p"]
IDENTITY: Final[Transform] = "identity"
LOG1P: Final[Transform] = "log1p"

Scaler = Literal["standard", "min_max", "robust"]
STANDARD: Final[Scaler] = "standard"
MIN_MAX: Final[Scaler] = "min_max"
ROBUST: Final[Scaler] = "robust"

Algorithm = Literal["kmeans", "ward"]
KMEANS: Final[Algorithm] = "kmeans"
WARD: Final[Algorithm] = "ward"

Quantiles = tuple[float, float]
_TAILS: Final[Quantiles] = (0.01, 0.99)


@dataclass(frozen=True, order=True)
class FeatureSpec:
    """One feature: a column of `customer_features` and what is done to it first.

    Parameters
    ----------
    name : str
        Column name.
    transform : {"identity", "log1p"}
        `log1p` takes log(1 + x) of the positive part of x, for counts and amounts.
    winsorize : tuple of float, optional
        Lower and upper quantile, 0 to 1; values beyond them are taken as the quantiles
        of the customers that the model was fitted on. Before the transform.

    Raises
    ------
    ValueError
        For an empty name, another transform, or quantiles out of order or range.
    """

    name: str
    transform: Transform = IDENTITY
    winsorize: Quantiles | None = None

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
        if self.winsorize is not None and not (
            len(self.winsorize) == 2  # noqa: PLR2004 - a lower and an upper one
            and 0 <= self.winsorize[0] < self.winsorize[1] <= 1
        ):
            message = (
                f"feature {self.name}: winsorize is {self.winsorize}; it must be a "
                "lower and a higher quantile from 0 to 1"
            )
            raise ValueError(message)


DEFAULT_FEATURES: Final = (
    FeatureSpec(c.RECENCY_DAYS),
    FeatureSpec(c.N_ORDERS, LOG1P, _TAILS),
    FeatureSpec(c.MONETARY_AMOUNT, LOG1P, _TAILS),
    FeatureSpec(c.AVERAGE_ORDER_AMOUNT, LOG1P, _TAILS),
    FeatureSpec(c.UNITS_PER_ORDER, LOG1P, _TAILS),
    FeatureSpec(c.N_CATEGORIES, LOG1P, _TAILS),
    FeatureSpec(c.DISCOUNT_RATE),
    FeatureSpec(c.REFUND_RATE),
    FeatureSpec(c.MOBILE_ORDER_RATE),
    FeatureSpec(c.N_SESSIONS, LOG1P, _TAILS),
    FeatureSpec(c.N_PRODUCT_VIEWS, LOG1P, _TAILS),
    FeatureSpec(c.TENURE_DAYS),
)


@dataclass(frozen=True)
class ClusteringConfig:
    """How to cluster. Every field is part of `model_id`.

    Parameters
    ----------
    features : tuple of FeatureSpec
        Features to use; their order doesn't matter.
    scaler : {"standard", "min_max", "robust"}
        What centres and scales a transformed feature: mean and standard deviation;
        least value and range; median and interquartile range. As scikit-learn's.
    algorithms : tuple of {"kmeans", "ward"}
        What is tried with every number of clusters.
    k_min, k_max : int
        Smallest and largest number of clusters tried, 2 or more.
    n_init : int
        Starts (k-means++) of every k-means fit; the one with least inertia is kept.
    n_micro_clusters : int
        Ward's method starts from so many k-means clusters where there are more
        distinct customers.
    sample_size : int
        With more customers than this, candidates are fitted and judged on a sample of
        this size, and the chosen one is refined on all customers.
    n_stability_samples : int
        Bootstrap samples that every candidate is fitted on again, to see whether they
        give the same clusters.
    stability_sample_size : int
        Customers in each of them, and customers whose clusters are compared.
    n_stability_init : int
        Starts of every k-means fit on them. Fewer than `n_init` find the best cut less
        often, so stability is never flattered, and cost most of the time.
    random_state : int
        Seed of every random draw.
    min_customers : int
        Fewer customers make one cluster.
    silhouette_sample_size : int
        Customers whose silhouettes are averaged; all of them up to this number.
    min_silhouette : float
        Least mean silhouette, -1 to 1, of more than one cluster.
    min_stability : float
        Least mean adjusted Rand index of a candidate and its bootstrap fits.
    silhouette_tolerance : float
        Candidates whose silhouettes are so near to the best one's are as good.
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
        number on that account alone: root mean square over features, in standard
        deviations.
    min_match_overlap : float
        Least share of the customers of either that both a cluster and a previous one
        have, for it to keep the number however far it moved.
    promotion_silhouette_tolerance, promotion_stability_tolerance : float
        How much lower than the frozen model's, on the same customers, a new model's
        silhouette and stability may be.

    Raises
    ------
    ValueError
        For a value out of range, an unknown name, no feature or a repeated one.
    """

    features: tuple[FeatureSpec, ...] = DEFAULT_FEATURES
    scaler: Scaler = STANDARD
    algorithms: tuple[Algorithm, ...] = (KMEANS, WARD)
    k_min: int = 2
    k_max: int = 10
    n_init: int = 10
    n_micro_clusters: int = 200
    sample_size: int = 20_000
    n_stability_samples: int = 5
    stability_sample_size: int = 5_000
    n_stability_init: int = 5
    random_state: int = 0
    min_customers: int = 50
    silhouette_sample_size: int = 10_000
    min_silhouette: float = 0.15
    min_stability: float = 0.6
    silhouette_tolerance: float = 0.02
    reference_sample_size: int = 1_500
    n_references: int = 20
    min_gap: float = 0.02
    min_gap_errors: float = 3.5
    max_match_distance: float = 0.5
    min_match_overlap: float = 0.5
    promotion_silhouette_tolerance: float = 0.02
    promotion_stability_tolerance: float = 0.05

    def __post_init__(self) -> None:
        """Check the values."""
        least: dict[str, float] = {
            "k_min": 2,
            "k_max": self.k_min,
            "n_init": 1,
            "n_micro_clusters": self.k_max + 1,
            "sample_size": self.k_max + 1,
            "n_stability_samples": 1,
            "stability_sample_size": self.k_max + 1,
            "n_stability_init": 1,
            "random_state": 0,
            "min_customers": 1,
            "silhouette_sample_size": self.k_max + 1,
            "min_silhouette": -1,
            "min_stability": -1,
            "silhouette_tolerance": 0,
            "reference_sample_size": self.k_max + 1,
            "n_references": 5,
            "min_gap": 0,
            "min_gap_errors": 0,
            "max_match_distance": 0,
            "min_match_overlap": 0,
            "promotion_silhouette_tolerance": 0,
            "promotion_stability_tolerance": 0,
        }
        for name, limit in least.items():
            value = getattr(self, name)
            # Written so that NaN fails too.
            if not value >= limit:
                message = f"{name} is {value}; it must be at least {limit:g}"
                raise ValueError(message)
        for name in ("min_silhouette", "min_stability", "min_match_overlap"):
            if getattr(self, name) > 1:
                message = f"{name} is {getattr(self, name)}; it must be at most 1"
                raise ValueError(message)
        if self.scaler not in get_args(Scaler):
            message = (
                f"scaler {self.scaler!r} is unknown; "
                f"allowed: {', '.join(get_args(Scaler))}"
            )
            raise ValueError(message)
        _check_names("algorithms", self.algorithms)
        unknown = sorted(set(self.algorithms) - set(get_args(Algorithm)))
        if unknown:
            message = (
                f"algorithms has {', '.join(unknown)}; "
                f"allowed: {', '.join(get_args(Algorithm))}"
            )
            raise ValueError(message)
        _check_names("features", [feature.name for feature in self.features])


def _check_names(field: str, names: Sequence[str]) -> None:
    if not names:
        message = f"{field} is empty; name at least one"
        raise ValueError(message)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        message = f"{field} repeated: {', '.join(repeated)}"
        raise ValueError(message)
