"""Fit: choose how many clusters there are, or that there is one, and say why.

Algorithms: k-means by Lloyd's iterations from k-means++ starts (Arthur, D. and
Vassilvitskii, S., 2007, SODA), as scikit-learn has it. With many customers, candidates
are fitted and judged on a sample, and the chosen one is refined on all (Bradley, P. S.
and Fayyad, U. M., 1998, ICML); how far other samples agree is measured (`stability`).
Everything runs on one thread: sums over threads would end in other last digits on
another machine, and for matrices this narrow threads cost more than they give.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from python_models.clustering import columns as c
from python_models.clustering.alignment import align_labels
from python_models.clustering.assignment import nearest_centroids
from python_models.clustering.config import ClusteringConfig
from python_models.clustering.features import (
    CheckedFeatures,
    check_features,
    measure_scale,
    scale_values,
)
from python_models.clustering.model import (
    NO_SEPARATION,
    NO_VARIATION,
    SEPARATED,
    TOO_FEW_CUSTOMERS,
    Cluster,
    ClusterCandidate,
    ClusterModel,
    ModelFeature,
)
from python_models.clustering.naming import name_clusters
from python_models.clustering.references import Gap, ReferenceSets
from python_models.clustering.silhouettes import mean_silhouettes
from python_models.clustering.stability import measure_stability

CODE_VERSION: Final = "2.0.0"
"""Version of the technique: raise it when the same input may give another model."""


def fit_clusters(
    features: pd.DataFrame,
    *,
    as_of_date: date,
    config: ClusteringConfig,
    previous: ClusterModel | None = None,
) -> ClusterModel:
    """Fit a cluster model on the customers of one date.

    Features are transformed, those that don't vary are dropped, the rest are
    standardised, and k-means is fitted for every number of clusters from `k_min` to
    `k_max`, but fewer than there are distinct customers, on a sample of `sample_size`
    where there are more. Whether a customer is in it depends on `customer_id` and
    `random_state` alone, so most of a month's sample is next month's. Candidates are
    judged from the
    best mean silhouette down; the first whose silhouette is at least `min_silhouette`
    and whose gap to reference sets without clusters (`references`) is at least
    `min_gap` and `min_gap_errors` standard errors is chosen. If none is, there is one
    cluster. The elbow is reported beside the silhouettes and decides nothing. The
    chosen candidate is refined on all customers.

    With one varying feature there is always one cluster: a feature's own shape is what
    the reference sets keep, and rule segments cut a single measure better.

    Parameters
    ----------
    features : pandas.DataFrame, shape (customers, columns)
        `customer_features`, in any row order: `customer_id` and the configured columns.
    as_of_date : datetime.date
        The date of the features.
    config : ClusteringConfig
        What to use and try.
    previous : ClusterModel, optional
        The model that labels are aligned to.

    Returns
    -------
    ClusterModel
        A pure function of the arguments.

    Raises
    ------
    TypeError
        When `as_of_date` is no plain date.
    ValueError
        For features that fail the checks of `check_features`.
    """
    specs = sorted(config.features)
    checked = check_features(
        features,
        [spec.name for spec in specs],
        as_of_date=as_of_date,
    )
    model_features = []
    for spec in specs:
        center, scale, varies = measure_scale(checked.raw, spec)
        model_features.append(
            ModelFeature(spec.name, spec.transform, center, scale, is_used=varies),
        )
    axes = [feature for feature in model_features if feature.is_used]
    points = scale_values(checked.raw, axes)
    with threadpool_limits(limits=1):
        choice = _choose(checked.customer_ids, points, config, n_features=len(specs))
    labels = align_labels(
        choice.centroids,
        axes,
        previous,
        order=_canonical_order(checked, choice),
        max_match_distance=config.max_match_distance,
    )
    numbers = [label.number for label in labels]
    names = name_clusters(choice.centroids, axes, numbers)
    sizes = np.bincount(choice.positions, minlength=len(choice.centroids))
    clusters = [
        Cluster(
            number=label.number,
            working_name=name,
            n_customers=int(size),
            is_new=label.is_new,
            centroid=tuple(centroid.tolist()),
        )
        for label, name, size, centroid in zip(
            labels,
            names,
            sizes,
            choice.centroids,
            strict=True,
        )
    ]
    return ClusterModel(
        model_id=_hash_inputs(checked, as_of_date, config, previous),
        as_of_date=as_of_date,
        n_customers=len(points),
        n_sampled_customers=choice.n_sampled,
        silhouette_score=choice.silhouette_score,
        stability_score=choice.stability_score,
        inertia=choice.inertia,
        outcome_code=choice.outcome_code,
        outcome=choice.outcome,
        random_state=config.random_state,
        code_version=CODE_VERSION,
        previous_model_id=None if previous is None else previous.model_id,
        features=tuple(model_features),
        clusters=tuple(sorted(clusters, key=lambda cluster: cluster.number)),
        candidates=choice.candidates,
        highest_cluster_number=max(
            *numbers,
            0 if previous is None else previous.highest_cluster_number,
        ),
    )


def compute_model_id(
    features: pd.DataFrame,
    *,
    as_of_date: date,
    config: ClusteringConfig,
    previous: ClusterModel | None = None,
) -> str:
    """Say what id `fit_clusters` would give, without fitting.

    Parameters
    ----------
    features, as_of_date, config, previous
        As for `fit_clusters`.

    Returns
    -------
    str
        First 16 hexadecimal digits of the SHA-256 of the sorted features, the
        configuration, the code version, the date and the previous model's id and
        highest cluster number.

    Raises
    ------
    TypeError, ValueError
        As for `fit_clusters`.
    """
    names = [spec.name for spec in sorted(config.features)]
    checked = check_features(features, names, as_of_date=as_of_date)
    return _hash_inputs(checked, as_of_date, config, previous)


def _hash_inputs(
    checked: CheckedFeatures,
    as_of_date: date,
    config: ClusteringConfig,
    previous: ClusterModel | None,
) -> str:
    settings = dataclasses.asdict(config)
    settings["features"] = sorted(
        (spec.name, spec.transform) for spec in config.features
    )
    header = {
        "as_of_date": as_of_date.isoformat(),
        "code_version": CODE_VERSION,
        "config": settings,
        "previous": None
        if previous is None
        else [previous.model_id, previous.highest_cluster_number],
        "customer_ids": checked.customer_ids.tolist(),
    }
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    # Little-endian, and 0.0 added so that -0.0 is the 0 it equals.
    values = checked.raw.to_numpy(dtype=np.float64) + 0.0
    digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class _Choice:
    """The chosen clustering, before its clusters have numbers."""

    centroids: NDArray[np.float64]
    positions: NDArray[np.int64]
    inertia: float
    outcome_code: str
    outcome: str
    n_sampled: int
    silhouette_score: float | None = None
    stability_score: float | None = None
    candidates: tuple[ClusterCandidate, ...] = ()


def _choose(
    customer_ids: NDArray[np.str_],
    points: NDArray[np.float64],
    config: ClusteringConfig,
    *,
    n_features: int,
) -> _Choice:
    n_customers, n_used = points.shape
    if n_customers < config.min_customers:
        return _one_cluster(
            points,
            TOO_FEW_CUSTOMERS,
            f"one cluster: {n_customers} customers, fewer than {config.min_customers}",
        )
    if n_used == 0:
        return _one_cluster(
            points,
            NO_VARIATION,
            f"one cluster: none of the {n_features} features varies",
        )
    sample = _sample(customer_ids, config.sample_size, config.random_state)
    n_distinct = _count_distinct(points[sample])
    # Where a sample has so few, what is rare may be all that tells customers apart.
    if n_distinct <= config.k_max and len(sample) < n_customers:
        sample = np.arange(n_customers)
        n_distinct = _count_distinct(points)
    numbers = range(config.k_min, min(config.k_max, n_distinct - 1) + 1)
    if not numbers:
        return _one_cluster(
            points,
            NO_VARIATION,
            f"one cluster: only {n_distinct} distinct customers, too few for "
            f"{config.k_min} clusters",
        )
    return _judge(points, sample, numbers, config)


def _sample(
    customer_ids: NDArray[np.str_], size: int, random_state: int
) -> NDArray[np.int64]:
    """Take customers by a hash of their ids, all of them where there are no more."""
    if len(customer_ids) <= size:
        return np.arange(len(customer_ids))
    hashes = pd.util.hash_array(
        customer_ids.astype(object),
        hash_key=f"{random_state:016x}",
        categorize=False,
    )
    return np.sort(np.argsort(hashes, kind="stable")[:size])


def _count_distinct(points: NDArray[np.float64]) -> int:
    return len(pd.DataFrame(points).drop_duplicates())


def _one_cluster(
    points: NDArray[np.float64], outcome_code: str, outcome: str
) -> _Choice:
    """Put everybody in one cluster, at the mean: the origin of scaled units."""
    return _Choice(
        centroids=np.zeros((1, points.shape[1])),
        positions=np.zeros(len(points), dtype=np.int64),
        inertia=float(np.einsum("ij,ij->", points, points)),
        outcome_code=outcome_code,
        outcome=outcome,
        n_sampled=len(points),
    )


def _judge(
    points: NDArray[np.float64],
    sample: NDArray[np.int64],
    numbers: Sequence[int],
    config: ClusteringConfig,
) -> _Choice:
    """Fit every number of clusters on the sample, and choose one or none."""
    sampled = points[sample]
    fits = [
        KMeans(
            n_clusters=number,
            n_init=config.n_init,
            random_state=config.random_state,
        ).fit(sampled)
        for number in numbers
    ]
    generator = np.random.default_rng(config.random_state)
    scored = _draw(generator, len(sampled), config.silhouette_sample_size)
    scores = mean_silhouettes(
        sampled[scored],
        [fit.labels_[scored].astype(np.int64) for fit in fits],
    )
    # The best silhouette first, the fewer clusters of equals.
    ranking = sorted(range(len(fits)), key=lambda i: (-scores[i], i))
    references = ReferenceSets(
        sampled[_draw(generator, len(sampled), config.reference_sample_size)],
        n_references=config.n_references,
        n_init=config.n_init,
        random_state=config.random_state,
    )
    gaps: dict[int, Gap] = {}
    chosen: int | None = None
    for i in ranking:
        if scores[i] < config.min_silhouette:
            break
        gaps[i] = references.gap(
            fits[i].n_clusters,
            min_gap=config.min_gap,
            min_gap_errors=config.min_gap_errors,
        )
        if gaps[i].gap >= _needed_gap(gaps[i], config):
            chosen = i
            break
    weight = len(points) / len(sampled)
    inertias = [weight * float(fit.inertia_) for fit in fits]
    elbow = find_elbow(
        [1, *numbers],
        [weight * float((sampled**2).sum()), *inertias],
    )
    refined = None if chosen is None else _refine(points, sampled, fits[chosen], config)
    if chosen is not None and refined is not None:
        inertias[chosen] = float(refined.inertia_)
    candidates = tuple(
        ClusterCandidate(
            n_clusters=numbers[i],
            silhouette_score=float(scores[i]),
            inertia=inertias[i],
            is_elbow=numbers[i] == elbow,
            is_chosen=i == chosen,
            gap=gaps.get(i),
        )
        for i in range(len(fits))
    )
    best = candidates[ranking[0]]
    tried = (
        f"{numbers[0]} clusters"
        if len(numbers) == 1
        else f"{numbers[0]} to {numbers[-1]} clusters"
    )
    if chosen is None or refined is None:
        reason = (
            f"below the least silhouette of {config.min_silhouette:g}"
            if best.gap is None
            else "no better than reference sets without clusters "
            f"(gap {best.gap.gap:.3f}, needed {_needed_gap(best.gap, config):.3f})"
        )
        return dataclasses.replace(
            _one_cluster(
                points,
                NO_SEPARATION,
                f"one cluster: nothing separates customers among {tried}; the best "
                f"silhouette, {best.silhouette_score:.3f} at {best.n_clusters}, "
                f"is {reason}",
            ),
            n_sampled=len(sampled),
            silhouette_score=best.silhouette_score,
            candidates=candidates,
        )
    winner = candidates[chosen]
    gap = gaps[chosen]
    qualifier = (
        "the best"
        if winner is best
        else "the best that also beats reference sets without clusters"
    )
    centroids = np.asarray(refined.cluster_centers_, dtype=np.float64)
    positions, _ = nearest_centroids(points, centroids)
    stability = measure_stability(points, centroids, sample, config=config)
    return _Choice(
        centroids=centroids,
        positions=positions,
        inertia=winner.inertia,
        outcome_code=SEPARATED,
        outcome=(
            f"{winner.n_clusters} clusters: silhouette {winner.silhouette_score:.3f}, "
            f"{qualifier} among {tried}; gap to the reference sets {gap.gap:.3f}, "
            f"needed {_needed_gap(gap, config):.3f}; stability {stability:.3f}"
        ),
        n_sampled=len(sampled),
        silhouette_score=winner.silhouette_score,
        stability_score=stability,
        candidates=candidates,
    )


def _needed_gap(gap: Gap, config: ClusteringConfig) -> float:
    return max(config.min_gap, config.min_gap_errors * gap.error)


def _refine(
    points: NDArray[np.float64],
    sampled: NDArray[np.float64],
    fit: KMeans,
    config: ClusteringConfig,
) -> KMeans:
    """Let the chosen clusters of a sample settle among all customers."""
    if len(sampled) == len(points):
        return fit
    return KMeans(
        n_clusters=fit.n_clusters,
        init=fit.cluster_centers_,
        n_init=1,
        random_state=config.random_state,
    ).fit(points)


def _draw(generator: np.random.Generator, n: int, size: int) -> NDArray[np.int64]:
    """Draw positions without replacement, all of them where there are no more."""
    if n <= size:
        return np.arange(n)
    return np.sort(generator.choice(n, size=size, replace=False))


def find_elbow(numbers: Sequence[int], inertias: Sequence[float]) -> int | None:
    """Find where a falling curve of inertia bends most.

    Both axes are stretched to 0..1; the elbow is the point farthest below the chord
    from the first to the last point.

    Parameters
    ----------
    numbers : sequence of int, length n
        Numbers of clusters, ascending.
    inertias : sequence of float, length n
        Inertia at each.

    Returns
    -------
    int or None
        A number of clusters; None with fewer than three points or where no point is
        below the chord.

    References
    ----------
    Satopaa, V., Albrecht, J., Irwin, D. and Raghavan, B. (2011). Finding a "kneedle" in
    a haystack: detecting knee points in system behavior. ICDCS Workshops, 166-171. Its
    difference curve, for a convex falling curve, without smoothing: a few points have
    nothing to smooth.
    """
    x = np.asarray(numbers, dtype=np.float64)
    y = np.asarray(inertias, dtype=np.float64)
    if len(x) < 3 or y[0] <= y[-1]:  # noqa: PLR2004 - two points are their own chord
        return None
    below = 1 - (x - x[0]) / (x[-1] - x[0]) - (y - y[-1]) / (y[0] - y[-1])
    deepest = int(below.argmax())
    return numbers[deepest] if below[deepest] > 0 else None


def _canonical_order(checked: CheckedFeatures, choice: _Choice) -> list[int]:
    """Sort clusters by falling mean amount, then by centroid."""
    k = len(choice.centroids)
    means = np.zeros(k)
    if c.MONETARY_AMOUNT in checked.raw.columns and len(choice.positions):
        amounts = checked.raw[c.MONETARY_AMOUNT].to_numpy()
        sizes = np.bincount(choice.positions, minlength=k)
        means = np.bincount(
            choice.positions, weights=amounts, minlength=k
        ) / np.maximum(
            sizes,
            1,
        )
    return sorted(range(k), key=lambda i: (-means[i], *choice.centroids[i].tolist()))
