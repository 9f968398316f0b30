"""How far other samples of customers would have given the same clusters.

The chosen number of clusters is fitted again on bootstrap samples, and what each fit
says about the same customers is compared with the model. The figure tells whether the
sample that the model was chosen on is large enough, and whether its clusters are more
than one of several equally good cuts: k-means with too many clusters, too few customers
or too few starts agrees with itself on less.

References
----------
Hennig, C. (2007). Cluster-wise assessment of cluster stability. Comput. Stat. Data
Anal. 52(1), 258-271.

Hubert, L. and Arabie, P. (1985). Comparing partitions. J. Classif. 2, 193-218; as
`sklearn.metrics.adjusted_rand_score`.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from python_models.clustering.assignment import nearest_centroids
from python_models.clustering.config import ClusteringConfig


def measure_stability(
    points: NDArray[np.float64],
    centroids: NDArray[np.float64],
    judges: NDArray[np.int64],
    *,
    config: ClusteringConfig,
) -> float:
    """Compare a clustering with fits on bootstrap samples.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, features)
        All customers, in scaled units.
    centroids : numpy.ndarray, shape (clusters, features)
        The clustering.
    judges : numpy.ndarray of int
        Positions of the customers whose clusters are compared.
    config : ClusteringConfig
        How the clustering was made: each of `n_stability_samples` fits has as many
        customers, drawn with replacement, and as many starts.

    Returns
    -------
    float
        Mean adjusted Rand index: 1 where all fits agree with the clustering, about 0
        where they agree by chance only.
    """
    generator = np.random.default_rng(config.random_state)
    size = min(len(points), config.sample_size)
    compared = points[judges]
    labels, _ = nearest_centroids(compared, centroids)
    scores = []
    for _ in range(config.n_stability_samples):
        drawn = points[generator.integers(len(points), size=size)]
        n_distinct = len(pd.DataFrame(drawn).drop_duplicates())
        fit = KMeans(
            n_clusters=min(len(centroids), n_distinct),
            n_init=config.n_init,
            random_state=config.random_state,
        ).fit(drawn)
        others, _ = nearest_centroids(compared, fit.cluster_centers_)
        scores.append(adjusted_rand_score(labels, others))
    return float(np.mean(scores))
