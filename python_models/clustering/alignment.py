"""Labels that outlive a refit: cluster 3 stays cluster 3.

K-means numbers its clusters anew in every fit. Here each new cluster takes the number
of the previous cluster that it is the continuation of, by one optimal assignment.

References
----------
Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research
Logistics Quarterly 2, 83-97; as `scipy.optimize.linear_sum_assignment`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from python_models.clustering.model import ClusterModel, ModelFeature


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


def align_labels(
    centroids: NDArray[np.float64],
    axes: Sequence[ModelFeature],
    previous: ClusterModel | None,
    *,
    order: Sequence[int],
    max_match_distance: float,
) -> list[Label]:
    """Give every new cluster its number.

    The previous centroids are taken to the new scaled space by way of transformed
    units. There are two readings of what happened since: each cluster stayed where it
    was, or all drifted together by as much as everyone's mean did, as when a cohort
    grows older by a month. Under each, the assignment minimises the sum of distances,
    where a pair farther apart than `max_match_distance` costs no more than that and is
    then no match: so a vanished and a new cluster don't force each other on the pairs
    that fit. The reading with the lower sum counts, the first of equals.

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
        Root mean square distance over the features that both models use.

    Returns
    -------
    list of Label
        One per new cluster, in the order of `centroids`.
    """
    matches = (
        {}
        if previous is None
        else _match(centroids, axes, previous, max_match_distance)
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


def _match(
    centroids: NDArray[np.float64],
    axes: Sequence[ModelFeature],
    previous: ClusterModel,
    max_match_distance: float,
) -> dict[int, int]:
    """Return previous numbers by new position."""
    if len(centroids) == 1 and previous.n_clusters == 1:
        return {0: previous.clusters[0].number}
    if len(centroids) == 1 or previous.n_clusters == 1:
        return {}
    best: dict[int, int] = {}
    least = np.inf
    for distances in match_distances(centroids, axes, previous):
        costs = np.minimum(distances, max_match_distance)
        pairs = list(zip(*linear_sum_assignment(costs), strict=True))
        total = sum(costs[pair] for pair in pairs)
        if total < least:
            least = total
            best = {
                int(position): previous.clusters[other].number
                for position, other in pairs
                if distances[position, other] <= max_match_distance
            }
    return best


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
        relative = previous.centroids[:, before] * old.scale / axis.scale
        drift = (old.center - axis.center) / axis.scale
        own = centroids[:, position, None]
        stayed += (own - (relative + drift)) ** 2
        # The new mean is the origin.
        drifted += (own - relative) ** 2
        n_shared += 1
    if n_shared == 0:
        return np.full_like(stayed, np.inf), np.full_like(drifted, np.inf)
    return np.sqrt(stayed / n_shared), np.sqrt(drifted / n_shared)
