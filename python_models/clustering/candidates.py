"""Every candidate: each algorithm with each number of clusters, fitted on a sample.

A candidate is its means. Whoever it is compared on belongs to the nearest of them, for
Ward's method too: that is how the model will assign, so that is what silhouette,
inertia and stability judge.

Arthur, D. and Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding.
SODA, 1027-1035; with Lloyd's iterations, as scikit-learn has it. `ward` has Ward's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from python_models.clustering.config import KMEANS, Algorithm, ClusteringConfig
from python_models.clustering.nearest import nearest_centroids
from python_models.clustering.ward import ward_centroids


@dataclass(frozen=True, eq=False)
class Candidate:
    """One algorithm with one number of clusters.

    Attributes
    ----------
    algorithm : {"kmeans", "ward"}
        How the means were found.
    centroids : numpy.ndarray, shape (clusters, features)
        The means, in scaled units.
    labels : numpy.ndarray of int, shape (n,)
        The nearest of them for each customer of the sample.
    inertia : float
        Sum of squared distances to it.
    """

    algorithm: Algorithm
    centroids: NDArray[np.float64]
    labels: NDArray[np.int64]
    inertia: float

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.centroids)


def fit_candidates(
    sample: NDArray[np.float64], numbers: Sequence[int], config: ClusteringConfig
) -> list[Candidate]:
    """Fit all candidates on a sample.

    Parameters
    ----------
    sample : numpy.ndarray, shape (n, features)
        Customers in scaled units.
    numbers : sequence of int
        Numbers of clusters, fewer than there are distinct customers.
    config : ClusteringConfig
        Algorithms, starts and seed.

    Returns
    -------
    list of Candidate
        By algorithm in the order of the configuration, then by number.
    """
    found = []
    for algorithm in config.algorithms:
        centroids = fit_centroids(
            sample, algorithm, numbers, config, n_init=config.n_init
        )
        for number in numbers:
            labels, distances = nearest_centroids(sample, centroids[number])
            inertia = float(distances @ distances)
            found.append(Candidate(algorithm, centroids[number], labels, inertia))
    return found


def fit_centroids(
    points: NDArray[np.float64],
    algorithm: Algorithm,
    numbers: Sequence[int],
    config: ClusteringConfig,
    *,
    n_init: int,
) -> dict[int, NDArray[np.float64]]:
    """Find the means of one algorithm for several numbers of clusters.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, features)
        Customers in scaled units.
    algorithm : {"kmeans", "ward"}
        How.
    numbers : sequence of int
        Numbers of clusters, at most as many as there are distinct customers.
    config : ClusteringConfig
        Micro-clusters and seed.
    n_init : int
        Starts of every k-means fit.

    Returns
    -------
    dict of int to numpy.ndarray, shape (clusters, features)
        Means by number of clusters.
    """
    if algorithm == KMEANS:
        return {
            number: np.asarray(
                KMeans(
                    n_clusters=number,
                    n_init=n_init,
                    random_state=config.random_state,
                )
                .fit(points)
                .cluster_centers_,
                dtype=np.float64,
            )
            for number in numbers
        }
    return ward_centroids(
        points,
        numbers,
        n_micro_clusters=config.n_micro_clusters,
        random_state=config.random_state,
    )


def refine(
    points: NDArray[np.float64], chosen: Candidate, config: ClusteringConfig
) -> NDArray[np.float64]:
    """Let the chosen clusters of a sample settle among all customers.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, features)
        All customers.
    chosen : Candidate
        Fitted on a sample of them, or on all.
    config : ClusteringConfig
        The seed.

    Returns
    -------
    numpy.ndarray, shape (clusters, features)
        K-means goes on from its centroids among everybody. Ward's means stay as they
        are: another iteration would make k-means of them.
    """
    if len(chosen.labels) == len(points) or chosen.algorithm != KMEANS:
        return chosen.centroids
    fit = KMeans(
        n_clusters=chosen.n_clusters,
        init=chosen.centroids,
        n_init=1,
        random_state=config.random_state,
    ).fit(points)
    return np.asarray(fit.cluster_centers_, dtype=np.float64)
