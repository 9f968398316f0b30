"""Ward's hierarchy over weighted points, and over many customers by way of a few.

Ward's method joins, again and again, the two clusters whose union adds least to the sum
of squares within clusters: w_a w_b / (w_a + w_b) times the squared distance of their
means, where w counts customers. On everybody that needs a distance for every pair; so
many customers are first gathered in a few hundred k-means clusters, and the hierarchy
is built over their means, each **weighted by its number of customers**. SciPy's and
scikit-learn's hierarchies start from points of weight 1 and would take a heap of 3,000
and one of 3 for equals; the one here is theirs for equal weights, and for whole weights
theirs over the points repeated so often. With no more distinct customers than
`n_micro_clusters` it is exact.

References
----------
Ward, J. H. (1963). Hierarchical grouping to optimize an objective function. J. Am.
Stat. Assoc. 58, 236-244.

Zhang, T., Ramakrishnan, R. and Livny, M. (1996). BIRCH: an efficient data clustering
method for very large databases. SIGMOD, 103-114. A hierarchy over weighted
sub-clusters; theirs come from a tree, ours from k-means.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

# Micro-clusters needn't be the best ones, only small.
_MICRO_ITERATIONS: Final = 10


def ward_centroids(
    points: NDArray[np.float64],
    numbers: Sequence[int],
    *,
    n_micro_clusters: int,
    random_state: int,
) -> dict[int, NDArray[np.float64]]:
    """Cut one hierarchy at several numbers of clusters.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, features)
        Customers in scaled units, with at least as many distinct as clusters.
    numbers : sequence of int
        Numbers of clusters.
    n_micro_clusters : int
        Weighted points that the hierarchy starts from, at most.
    random_state : int
        Seed of the k-means that makes them.

    Returns
    -------
    dict of int to numpy.ndarray, shape (clusters, features)
        Means of Ward's clusters, by their number.
    """
    micro, weights = _micro_clusters(points, n_micro_clusters, random_state)
    labelings = ward_labels(micro, weights, numbers)
    means = {}
    for number, labels in labelings.items():
        one_hot = np.eye(number)[labels] * weights[:, None]
        means[number] = (one_hot.T @ micro) / one_hot.sum(axis=0)[:, None]
    return means


def _micro_clusters(
    points: NDArray[np.float64], n_micro_clusters: int, random_state: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    if len(distinct) <= n_micro_clusters:
        return distinct, counts.astype(np.float64)
    fit = KMeans(
        n_clusters=n_micro_clusters,
        n_init=1,
        max_iter=_MICRO_ITERATIONS,
        random_state=random_state,
    ).fit(points)
    sizes = np.bincount(fit.labels_, minlength=n_micro_clusters).astype(np.float64)
    sums = np.zeros((n_micro_clusters, points.shape[1]))
    np.add.at(sums, fit.labels_, points)
    held = sizes > 0
    return sums[held] / sizes[held, None], sizes[held]


def ward_labels(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    numbers: Sequence[int],
) -> dict[int, NDArray[np.int64]]:
    """Build Ward's hierarchy over weighted points and cut it.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, features)
        Distinct points.
    weights : numpy.ndarray, shape (n,)
        What each counts for, above 0.
    numbers : sequence of int
        Numbers of clusters to cut at, 1 to n.

    Returns
    -------
    dict of int to numpy.ndarray of int, shape (n,)
        Cluster of each point, from 0 in order of the first member, by number of
        clusters.
    """
    means, sizes = points.copy(), weights.astype(np.float64).copy()
    owners = np.arange(len(points))
    costs = np.empty((len(points), len(points)))
    for position in range(len(points)):
        costs[position] = _join_costs(means, sizes, position)
    np.fill_diagonal(costs, np.inf)
    cuts = {}
    for n_clusters in range(len(points), min(numbers) - 1, -1):
        if n_clusters in numbers:
            cuts[n_clusters] = np.unique(owners, return_inverse=True)[1]
        if n_clusters == 1:
            break
        # Row by row, so the first of equals: a ≤ b.
        a, b = sorted(divmod(int(costs.argmin()), len(points)))
        total = sizes[a] + sizes[b]
        means[a] = (sizes[a] * means[a] + sizes[b] * means[b]) / total
        sizes[a] = total
        owners[owners == b] = a
        row = _join_costs(means, sizes, a)
        row[np.isinf(costs[a])] = np.inf
        costs[a], costs[:, a] = row, row
        costs[b], costs[:, b] = np.inf, np.inf
    return cuts


def _join_costs(
    means: NDArray[np.float64], sizes: NDArray[np.float64], position: int
) -> NDArray[np.float64]:
    """Tell what each union with one cluster adds to the sum of squares."""
    squares = ((means - means[position]) ** 2).sum(axis=1)
    return np.asarray(sizes * sizes[position] / (sizes + sizes[position]) * squares)
