"""Labels that outlive a refit: cluster 3 stays cluster 3, and what vanished is named.

Algorithms number their clusters anew in every fit. Here each new cluster takes the
number of the previous cluster that it is the continuation of, by one optimal
assignment over two kinds of evidence: how far the centroids are from one another, and
how many customers of today both the new and the previous model would put there.

References
----------
Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research
Logistics Quarterly 2, 83-97; as `scipy.optimize.linear_sum_assignment`.

Jaccard, P. (1912). The distribution of the flora in the alpine zone. New Phytologist
11, 37-50. The overlap of two sets: what they share over what either has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from python_models.clustering.model import ClusterModel
from python_models.clustering.parts import ClusterChange
from python_models.clustering.preprocessing import ModelFeature

KEPT: Final = "kept"
NEW: Final = "new"
VANISHED: Final = "vanished"


@dataclass(frozen=True)
class Label:
    """What a new cluster is called.

    Attributes
    ----------
    number : int
        From 1.
    is_new : bool
        Whether the previous model had no such cluster.
    """

    number: int
    is_new: bool


def align_labels(  # noqa: PLR0913 - two models, two kinds of evidence, two limits
    centroids: NDArray[np.float64],
    axes: Sequence[ModelFeature],
    previous: ClusterModel | None,
    *,
    order: Sequence[int],
    max_match_distance: float,
    shared: NDArray[np.int64] | None = None,
    min_match_overlap: float = 0.5,
) -> list[Label]:
    """Give every new cluster its number.

    The previous centroids are taken to the new space by way of transformed units. There
    are two readings of what happened since: each cluster stayed where it was, or all
    drifted together by as much as everyone's mean did, as when a cohort grows older by
    a month. Under each, the assignment minimises the sum of costs. A pair's cost is its
    distance over `max_match_distance`, averaged, where customers can be compared, with
    what the overlap of its members lacks of 1. Pairs that are farther apart and overlap
    on less than `min_match_overlap` cost 1 and are then no match: so a vanished and a
    new cluster don't force each other on the pairs that fit. The reading with the lower
    sum counts, the first of equals.

    A model of one cluster holds everybody; it continues only another of one cluster.

    Parameters
    ----------
    centroids : numpy.ndarray, shape (clusters, axes)
        New centroids in the new scaled units.
    axes : sequence of ModelFeature
        The new model's used features.
    previous : ClusterModel or None
        The model to align to.
    order : sequence of int
        Positions of the new clusters in canonical order, in which numbers that were
        never used before are given out.
    max_match_distance : float
        Root mean square distance over the features that both models use, in standard
        deviations.
    shared : numpy.ndarray of int, shape (clusters, previous clusters), optional
        Customers by the cluster that each of the two models gives them.
    min_match_overlap : float
        Least Jaccard overlap of a pair that is farther apart.

    Returns
    -------
    list of Label
        One per new cluster, in the order of `centroids`.
    """
    matches = (
        {}
        if previous is None
        else _match(
            centroids, axes, previous, max_match_distance, shared, min_match_overlap
        )
    )
    next_number = 1 if previous is None else previous.highest_cluster_number + 1
    labels = {}
    for position in order:
        if position in matches:
            labels[position] = Label(number=matches[position], is_new=False)
        else:
            labels[position] = Label(number=next_number, is_new=True)
            next_number += 1
    return [labels[position] for position in range(len(centroids))]


def _match(  # noqa: PLR0913, PLR0917 - as above
    centroids: NDArray[np.float64],
    axes: Sequence[ModelFeature],
    previous: ClusterModel,
    max_match_distance: float,
    shared: NDArray[np.int64] | None,
    min_match_overlap: float,
) -> dict[int, int]:
    """Return previous numbers by new position."""
    if len(centroids) == 1 and previous.n_clusters == 1:
        return {0: previous.clusters[0].number}
    if len(centroids) == 1 or previous.n_clusters == 1:
        return {}
    overlaps = None if shared is None else overlap_rates(shared)
    best: dict[int, int] = {}
    least = np.inf
    for distances in match_distances(centroids, axes, previous):
        is_near = distances <= max_match_distance
        costs = np.where(is_near, distances / max(max_match_distance, 1e-300), 1.0)
        if overlaps is not None:
            is_near |= overlaps >= min_match_overlap
            costs = np.where(is_near, (costs + 1.0 - overlaps) / 2, 1.0)
        pairs = list(zip(*linear_sum_assignment(costs), strict=True))
        total = sum(costs[pair] for pair in pairs)
        if total < least:
            least = total
            best = {
                int(position): previous.clusters[other].number
                for position, other in pairs
                if is_near[position, other]
            }
    return best


def overlap_rates(shared: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute how far clusters of two models have the same members.

    Parameters
    ----------
    shared : numpy.ndarray of int, shape (clusters, other clusters)
        Customers by the cluster that each model gives them.

    Returns
    -------
    numpy.ndarray, shape (clusters, other clusters)
        Jaccard overlap, 0 to 1: customers of both over customers of either; 0 for two
        empty clusters.
    """
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None] - shared
    return np.asarray(shared / np.maximum(either, 1), dtype=np.float64)


def name_changes(
    centroids: NDArray[np.float64],
    axes: Sequence[ModelFeature],
    previous: ClusterModel,
    labels: Sequence[Label],
    shared: NDArray[np.int64],
) -> tuple[ClusterChange, ...]:
    """Say which clusters were kept, which are new and which vanished.

    Parameters
    ----------
    centroids : numpy.ndarray, shape (clusters, axes)
        New centroids in the new scaled units.
    axes : sequence of ModelFeature
        The new model's used features.
    previous : ClusterModel
        The model that labels were aligned to.
    labels : sequence of Label
        What the new clusters are called.
    shared : numpy.ndarray of int, shape (clusters, previous clusters)
        Customers by the cluster that each of the two models gives them.

    Returns
    -------
    tuple of ClusterChange
        One per number that either model has, by number. A new cluster is related to
        the previous one that most of its customers would be in, a vanished one to the
        cluster that took most of its.
    """
    distances, _ = match_distances(centroids, axes, previous)
    overlaps = overlap_rates(shared)
    before = {cluster.number: i for i, cluster in enumerate(previous.clusters)}
    now = {label.number: i for i, label in enumerate(labels)}
    changes = []
    for number in sorted({*before, *now}):
        if number in now and number in before:
            code, i, j = KEPT, now[number], before[number]
            related = number
        elif number in now:
            code, i = NEW, now[number]
            j = int(shared[i].argmax())
            related = previous.clusters[j].number
        else:
            code, j = VANISHED, before[number]
            i = int(shared[:, j].argmax())
            related = labels[i].number
        distance = float(distances[i, j])
        changes.append(
            ClusterChange(
                number=number,
                change_code=code,
                n_customers=0 if code == VANISHED else int(shared[i].sum()),
                n_previous_customers=0 if code == NEW else int(shared[:, j].sum()),
                n_shared_customers=int(shared[i, j]),
                overlap_rate=float(overlaps[i, j]),
                match_distance=distance if np.isfinite(distance) else None,
                related_number=related,
            )
        )
    return tuple(changes)


def match_distances(
    centroids: NDArray[np.float64],
    axes: Sequence[ModelFeature],
    previous: ClusterModel,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure how far new centroids are from previous ones.

    Parameters
    ----------
    centroids : numpy.ndarray, shape (clusters, axes)
        New centroids in the new scaled units.
    axes : sequence of ModelFeature
        The new model's used features.
    previous : ClusterModel
        The model to compare with.

    Returns
    -------
    stayed, drifted : numpy.ndarray, shape (clusters, previous clusters)
        Root mean square distances over the features that both use with the same
        transform, in standard deviations of the new model, as they are and with
        everyone's drift taken out; infinite where no feature is shared.
    """
    earlier = {axis.name: (i, axis) for i, axis in enumerate(previous.used_features)}
    stayed = np.zeros((len(centroids), previous.n_clusters))
    drifted = np.zeros_like(stayed)
    n_shared = 0
    for position, axis in enumerate(axes):
        before, old = earlier.get(axis.name, (0, None))
        if old is None or old.transform != axis.transform:
            continue
        own = centroids[:, position, None] * axis.scale + axis.center - axis.mean
        theirs = previous.centroids[:, before] * old.scale + old.center - old.mean
        drift = (old.mean - axis.mean) / axis.standard_deviation
        own, theirs = own / axis.standard_deviation, theirs / axis.standard_deviation
        stayed += (own - (theirs + drift)) ** 2
        drifted += (own - theirs) ** 2
        n_shared += 1
    if n_shared == 0:
        return np.full_like(stayed, np.inf), np.full_like(drifted, np.inf)
    return np.sqrt(stayed / n_shared), np.sqrt(drifted / n_shared)
