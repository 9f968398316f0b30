"""Fit: choose how many clusters there are, or that there is one, and say why.

With many customers, candidates are fitted and judged on a sample, and the chosen one is
refined on all (Bradley, P. S. and Fayyad, U. M., 1998, ICML). The steps have modules of
their own: `preprocessing`, `candidates`, `silhouettes`, `stability`, `references`,
`choosing`, `alignment` and `promotion`. Everything runs on one thread: sums over
threads would end in other last digits on another machine, and for matrices this narrow
threads cost more than they give.
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
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from python_models.clustering import columns as c
from python_models.clustering.alignment import align_labels, name_changes
from python_models.clustering.candidates import Candidate, fit_candidates, refine
from python_models.clustering.choosing import (
    ClusterCandidate,
    choose_candidate,
    find_elbow,
)
from python_models.clustering.config import KMEANS, Algorithm, ClusteringConfig
from python_models.clustering.drift import freeze_bins
from python_models.clustering.features import CheckedFeatures, check_features
from python_models.clustering.model import ClusterModel
from python_models.clustering.naming import name_clusters
from python_models.clustering.nearest import nearest_centroids
from python_models.clustering.parts import (
    NO_SEPARATION,
    NO_VARIATION,
    REQUESTED,
    SEPARATED,
    TOO_FEW_CUSTOMERS,
    Cluster,
)
from python_models.clustering.preprocessing import (
    learn_features,
    scale_values,
)
from python_models.clustering.promotion import (
    FIRST,
    Merits,
    Promotion,
    judge_promotion,
    take_over,
    why_not_comparable,
)
from python_models.clustering.references import Gap, ReferenceSets
from python_models.clustering.silhouettes import mean_silhouettes
from python_models.clustering.stability import BootstrapFits

CODE_VERSION: Final = "3.0.0"
"""Version of the technique: raise it when the same input may give another model."""


def fit_clusters(
    features: pd.DataFrame,
    *,
    as_of_date: date,
    config: ClusteringConfig,
    previous: ClusterModel | None = None,
    refit_reason: str = REQUESTED,
) -> ClusterModel:
    """Fit a cluster model on the customers of one date.

    Features are clipped, transformed and scaled, those that don't vary are dropped.
    Every algorithm is fitted for every number of clusters from `k_min` to `k_max`, but
    fewer than there are distinct customers, on a sample of `sample_size` where there
    are more. Whether a customer is in it depends on `customer_id` and `random_state`
    alone, so most of a month's sample is next month's. One candidate is chosen by the
    rule of `choosing`, or none: then there is one cluster. K-means is refined on all
    customers. Clusters take the numbers of those of `previous` that they continue
    (`alignment`), and the rule of `promotion` says whether the model may take over.

    With one varying feature there is always one cluster: a feature's own shape is what
    the reference sets keep, and rule segments cut a single measure better.

    Parameters
    ----------
    features : pandas.DataFrame, shape (customers, columns)
        `customer_features`, in any row order: `customer_id` and the configured columns.
        Where `previous` uses others, members aren't compared.
    as_of_date : datetime.date
        The date of the features.
    config : ClusteringConfig
        What to use and try.
    previous : ClusterModel, optional
        The frozen model, which labels are aligned to and which may stay.
    refit_reason : str
        Why a model is fitted, for the record.

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
    specs = sorted(config.features, key=lambda spec: spec.name)
    checked = check_features(
        features,
        [spec.name for spec in specs],
        as_of_date=as_of_date,
    )
    model_features = learn_features(checked.raw, specs, config.scaler)
    axes = [feature for feature in model_features if feature.is_used]
    points = scale_values(checked.raw, axes)
    frozen = None if previous is None else _freeze(checked, points, previous)
    with threadpool_limits(limits=1):
        choice = _choose(
            checked.customer_ids, points, config, frozen, n_features=len(specs)
        )
    shared = None
    if frozen is not None and frozen.positions is not None:
        shared = np.zeros((len(choice.centroids), frozen.model.n_clusters), np.int64)
        np.add.at(shared, (choice.positions, frozen.positions), 1)
    labels = align_labels(
        choice.centroids,
        axes,
        previous,
        order=_canonical_order(checked, choice),
        max_match_distance=config.max_match_distance,
        shared=shared,
        min_match_overlap=config.min_match_overlap,
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
    promotion = _promote(choice, frozen, config)
    return ClusterModel(
        model_id=_hash_inputs(checked, as_of_date, config, previous),
        as_of_date=as_of_date,
        n_customers=len(points),
        n_sampled_customers=choice.n_sampled,
        silhouette_score=choice.merits.silhouette_score,
        stability_score=choice.merits.stability_score,
        inertia=choice.inertia,
        outcome_code=choice.outcome_code,
        outcome=choice.outcome,
        random_state=config.random_state,
        code_version=CODE_VERSION,
        previous_model_id=None if previous is None else previous.model_id,
        features=model_features,
        clusters=tuple(sorted(clusters, key=lambda cluster: cluster.number)),
        candidates=choice.candidates,
        highest_cluster_number=max(
            *numbers,
            0 if previous is None else previous.highest_cluster_number,
        ),
        algorithm=choice.algorithm,
        scaler=config.scaler,
        refit_reason=refit_reason,
        is_promoted=promotion.is_promoted,
        promotion_reason=promotion.reason,
        frozen_silhouette_score=choice.frozen_merits.silhouette_score,
        frozen_stability_score=choice.frozen_merits.stability_score,
        changes=()
        if previous is None or shared is None
        else name_changes(choice.centroids, axes, previous, labels, shared),
        bins=freeze_bins(checked.raw, [spec.name for spec in specs]),
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
    names = sorted(spec.name for spec in config.features)
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
        (spec.name, spec.transform, spec.winsorize) for spec in config.features
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


_UNKNOWN: Final = Merits()


@dataclass(frozen=True, eq=False)
class _Frozen:
    """The frozen model on the new customers.

    `positions` are those of its clusters, None where it needs features that aren't
    configured; `centroids` are the means of its clusters' customers in the new units.
    """

    model: ClusterModel
    positions: NDArray[np.int64] | None
    centroids: NDArray[np.float64]


def _freeze(
    checked: CheckedFeatures, points: NDArray[np.float64], previous: ClusterModel
) -> _Frozen:
    axes = previous.used_features
    names = [axis.name for axis in axes]
    centroids = np.zeros((previous.n_clusters, points.shape[1]))
    if not set(names) <= set(checked.raw.columns):
        return _Frozen(previous, None, centroids)
    positions, _ = nearest_centroids(
        scale_values(checked.raw, axes), previous.centroids
    )
    sizes = np.bincount(positions, minlength=len(centroids))
    np.add.at(centroids, positions, points)
    return _Frozen(previous, positions, centroids / np.maximum(sizes, 1)[:, None])


@dataclass(frozen=True, eq=False)
class _Choice:
    """The chosen clustering, before its clusters have numbers."""

    centroids: NDArray[np.float64]
    positions: NDArray[np.int64]
    inertia: float
    outcome_code: str
    outcome: str
    n_sampled: int
    algorithm: Algorithm = KMEANS
    merits: Merits = _UNKNOWN
    frozen_merits: Merits = _UNKNOWN
    candidates: tuple[ClusterCandidate, ...] = ()


def _choose(
    customer_ids: NDArray[np.str_],
    points: NDArray[np.float64],
    config: ClusteringConfig,
    frozen: _Frozen | None,
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
    return _judge(points, sample, numbers, config, frozen)


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
    """Put everybody in one cluster, at the mean."""
    mean = points.mean(axis=0) if len(points) else np.zeros(points.shape[1])
    distances = points - mean
    return _Choice(
        centroids=mean[None],
        positions=np.zeros(len(points), dtype=np.int64),
        inertia=float(np.einsum("ij,ij->", distances, distances)),
        outcome_code=outcome_code,
        outcome=outcome,
        n_sampled=len(points),
    )


def _judge(
    points: NDArray[np.float64],
    sample: NDArray[np.int64],
    numbers: Sequence[int],
    config: ClusteringConfig,
    frozen: _Frozen | None,
) -> _Choice:
    """Fit every candidate on the sample, and choose one or none."""
    sampled = points[sample]
    fits = fit_candidates(sampled, numbers, config)
    bootstraps = BootstrapFits(sampled, numbers, config)
    generator = np.random.default_rng(config.random_state)
    scored = _draw(generator, len(sampled), config.silhouette_sample_size)
    labelings = [fit.labels[scored] for fit in fits]
    if frozen is not None and frozen.positions is not None:
        labelings.append(frozen.positions[sample][scored])
    scores = mean_silhouettes(sampled[scored], labelings)
    references = ReferenceSets(
        sampled[_draw(generator, len(sampled), config.reference_sample_size)],
        n_references=config.n_references,
        n_init=config.n_init,
        random_state=config.random_state,
    )

    def measure_gap(centroids: NDArray[np.float64], algorithm: Algorithm | None) -> Gap:
        return references.gap(
            len(centroids),
            min_gap=config.min_gap,
            min_gap_errors=config.min_gap_errors,
            centroids=None if algorithm == KMEANS else centroids,
        )

    drafts = _measure(sampled, fits, scores, bootstraps, len(points) / len(sampled))
    verdict = choose_candidate(
        drafts, lambda i: measure_gap(fits[i].centroids, fits[i].algorithm), config
    )
    candidates = [
        dataclasses.replace(
            draft,
            is_chosen=i == verdict.chosen,
            gap=verdict.gaps.get(i),
            decision=verdict.decisions[i],
        )
        for i, draft in enumerate(drafts)
    ]
    frozen_merits = Merits()
    if (
        frozen is not None
        and frozen.positions is not None
        and frozen.model.n_clusters > 1
    ):
        frozen_merits = Merits(
            float(scores[-1]),
            bootstraps.stability(frozen.model.algorithm, frozen.centroids),
            measure_gap(frozen.centroids, None) if verdict.chosen is None else None,
        )
    if verdict.chosen is None:
        best = max(candidates, key=lambda each: each.silhouette_score)
        choice = dataclasses.replace(
            _one_cluster(points, NO_SEPARATION, _say_none(best, numbers)),
            n_sampled=len(sampled),
            merits=Merits(best.silhouette_score),
        )
    else:
        chosen = fits[verdict.chosen]
        centroids = refine(points, chosen, config)
        positions, distances = nearest_centroids(points, centroids)
        winner = dataclasses.replace(
            candidates[verdict.chosen], inertia=float(distances @ distances)
        )
        candidates[verdict.chosen] = winner
        choice = _Choice(
            centroids=centroids,
            positions=positions,
            inertia=winner.inertia,
            outcome_code=SEPARATED,
            outcome=_say_chosen(winner, numbers),
            n_sampled=len(sampled),
            algorithm=winner.algorithm,
            merits=Merits(winner.silhouette_score, winner.stability_score),
        )
    return dataclasses.replace(
        choice,
        frozen_merits=frozen_merits,
        candidates=tuple(
            sorted(candidates, key=lambda each: (each.algorithm, each.n_clusters))
        ),
    )


def _measure(
    sampled: NDArray[np.float64],
    fits: Sequence[Candidate],
    scores: NDArray[np.float64],
    bootstraps: BootstrapFits,
    weight: float,
) -> list[ClusterCandidate]:
    """Put figures beside every fit."""
    whole = float(((sampled - sampled.mean(axis=0)) ** 2).sum())
    elbows = {}
    for algorithm in {fit.algorithm for fit in fits}:
        own = [fit for fit in fits if fit.algorithm == algorithm]
        elbows[algorithm] = find_elbow(
            [1, *(fit.n_clusters for fit in own)],
            [whole, *(fit.inertia for fit in own)],
        )
    return [
        ClusterCandidate(
            algorithm=fit.algorithm,
            n_clusters=fit.n_clusters,
            silhouette_score=float(score),
            inertia=weight * fit.inertia,
            stability_score=bootstraps.stability(fit.algorithm, fit.centroids),
            is_elbow=fit.n_clusters == elbows[fit.algorithm],
        )
        for fit, score in zip(fits, scores, strict=False)
    ]


def _say_chosen(winner: ClusterCandidate, numbers: Sequence[int]) -> str:
    reason = winner.decision.removeprefix("chosen: ")
    if winner.gap is None or winner.stability_score is None:
        message = "a chosen candidate has a gap and a stability"
        raise AssertionError(message)
    return (
        f"{winner.n_clusters} clusters by {winner.algorithm}, of {_tried(numbers)} "
        f"tried: {reason}; silhouette {winner.silhouette_score:.3f}, stability "
        f"{winner.stability_score:.3f}, gap to the reference sets "
        f"{winner.gap.gap:.3f}, needed {winner.gap.needed:.3f}"
    )


def _say_none(best: ClusterCandidate, numbers: Sequence[int]) -> str:
    return (
        f"one cluster: nothing separates customers among {_tried(numbers)}; the best "
        f"silhouette, {best.silhouette_score:.3f} of {best.n_clusters} by "
        f"{best.algorithm}, is {best.decision}"
    )


def _tried(numbers: Sequence[int]) -> str:
    return (
        f"{numbers[0]} clusters"
        if len(numbers) == 1
        else f"{numbers[0]} to {numbers[-1]} clusters"
    )


def _promote(
    choice: _Choice, frozen: _Frozen | None, config: ClusteringConfig
) -> Promotion:
    if frozen is None:
        return take_over(FIRST)
    difference = why_not_comparable(frozen.model, config)
    if difference or frozen.positions is None:
        return take_over(f"asked for: {difference or 'other features'}")
    return judge_promotion(
        choice.outcome_code, choice.merits, frozen.model, choice.frozen_merits, config
    )


def _draw(generator: np.random.Generator, n: int, size: int) -> NDArray[np.int64]:
    """Draw positions without replacement, all of them where there are no more."""
    if n <= size:
        return np.arange(n)
    return np.sort(generator.choice(n, size=size, replace=False))


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
