"""Is there anything to separate? The gap to reference sets that have no clusters.

K-means cuts any cloud of points into k pieces, and a skewed or zero-inflated feature
gives those pieces a fine silhouette. So each candidate is compared with reference sets
that have the same features one by one and the same correlations between them, but one
heap instead of clusters: a normal copula with the sample's own margins. What a single
feature's shape explains, or a correlation, is no cluster.

References
----------
Tibshirani, R., Walther, G. and Hastie, T. (2001). Estimating the number of clusters in
a data set via the gap statistic. J. R. Stat. Soc. B 63(2), 411-423. Gap and standard
error are theirs; the reference distribution is not, since uniform ones, theirs, let
every skewed feature pass.

Cario, M. C. and Nelson, B. L. (1997). Modeling and generating random vectors with
arbitrary marginal distributions and correlation matrix. Northwestern University. The
NORTA method: a normal sample whose correlations are tuned until, pushed through the
margins, they are the wanted ones.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from python_models.clustering.nearest import nearest_centroids

# Reference sets after which a hopeless candidate is given up.
_FIRST_REFERENCES: Final = 5
_TUNING_ROUNDS: Final = 5
_TUNING_ROWS: Final = 4_000
_LARGEST_CORRELATION: Final = 0.99


@dataclass(frozen=True)
class Gap:
    """How far one candidate is from the reference sets.

    Attributes
    ----------
    gap : float
        Mean log inertia of the reference sets minus the sample's.
    error : float
        Standard deviation of the former times sqrt(1 + 1/number of sets); not kept in
        a table.
    needed : float
        Least gap of a candidate that separates anything.
    """

    gap: float
    error: float = field(compare=False)
    needed: float


class ReferenceSets:
    """A sample, and reference sets drawn when they are first needed.

    Parameters
    ----------
    sample : numpy.ndarray, shape (n, features)
        Customers in scaled units.
    n_references : int
        Sets to draw at most.
    n_init : int
        Starts of each k-means fit, the same for sample and reference.
    random_state : int
        Seed of the draws and fits.
    """

    def __init__(
        self,
        sample: NDArray[np.float64],
        *,
        n_references: int,
        n_init: int,
        random_state: int,
    ) -> None:
        # A rare value may be missing from the sample, and then nothing varies.
        self._varies = np.ptp(sample, axis=0) > 0
        self._sample = sample[:, self._varies]
        self._n_references = n_references
        self._n_init = n_init
        self._random_state = random_state
        self._generator = np.random.default_rng(random_state)
        self._margins = np.sort(self._sample, axis=0)
        self._loadings: NDArray[np.float64] | None = None
        self._references: list[NDArray[np.float64]] = []
        self._log_inertias: dict[int, list[float]] = {}

    def gap(
        self,
        n_clusters: int,
        *,
        min_gap: float,
        min_gap_errors: float,
        centroids: NDArray[np.float64] | None = None,
    ) -> Gap:
        """Compare one number of clusters with the reference sets.

        Parameters
        ----------
        n_clusters : int
            The candidate.
        min_gap, min_gap_errors : float
            What a gap needs, as such and in standard errors. A candidate that has less
            than half of it after five sets is given up, and noise costs little.
        centroids : numpy.ndarray, shape (clusters, features), optional
            The candidate's means, where it isn't k-means'. The reference sets have
            k-means' all the same, which is the stricter comparison.

        Returns
        -------
        Gap
            The gap in log inertia and its standard error.
        """
        if self._sample.shape[1] == 0:
            return Gap(gap=0.0, error=0.0, needed=min_gap)
        own = (
            self._log_inertia(self._sample, n_clusters)
            if centroids is None
            else self._log_inertia_around(centroids[:, self._varies])
        )
        log_inertias = self._log_inertias.setdefault(n_clusters, [])
        gap = Gap(gap=0.0, error=0.0, needed=min_gap)
        for n_references in (_FIRST_REFERENCES, self._n_references):
            log_inertias += [
                self._log_inertia(self._reference(number), n_clusters)
                for number in range(len(log_inertias), n_references)
            ]
            found = log_inertias[:n_references]
            error = float(np.std(found, ddof=1) * np.sqrt(1 + 1 / n_references))
            gap = Gap(
                gap=float(np.mean(found)) - own,
                error=error,
                needed=max(min_gap, min_gap_errors * error),
            )
            if gap.gap < gap.needed / 2:
                break
        return gap

    def _log_inertia_around(self, centroids: NDArray[np.float64]) -> float:
        _, distances = nearest_centroids(self._sample, centroids)
        return _safe_log(float(distances @ distances), self._sample)

    def _log_inertia(self, points: NDArray[np.float64], n_clusters: int) -> float:
        n_distinct = len(pd.DataFrame(points).drop_duplicates())
        inertia = 0.0
        if n_distinct > n_clusters:
            fit = KMeans(
                n_clusters=n_clusters,
                n_init=self._n_init,
                random_state=self._random_state,
            ).fit(points)
            inertia = float(fit.inertia_)
        return _safe_log(inertia, points)

    def _reference(self, number: int) -> NDArray[np.float64]:
        if self._loadings is None:
            self._loadings = self._tune_loadings()
        while len(self._references) <= number:
            normal = self._draw_normal(len(self._sample))
            self._references.append(self._push_through(normal @ self._loadings.T))
        return self._references[number]

    def _tune_loadings(self) -> NDArray[np.float64]:
        wanted = _correlations(self._sample)
        normal = self._draw_normal(max(_TUNING_ROWS, len(self._sample)))
        latent = wanted
        for _ in range(_TUNING_ROUNDS):
            loadings = _loadings_of(latent)
            found = _correlations(self._push_through(normal @ loadings.T))
            latent = np.clip(
                loadings @ loadings.T + wanted - found,
                -_LARGEST_CORRELATION,
                _LARGEST_CORRELATION,
            )
            np.fill_diagonal(latent, 1.0)
        return _loadings_of(latent)

    def _draw_normal(self, n_rows: int) -> NDArray[np.float64]:
        """Draw independent normals and make their sample correlations exactly zero."""
        normal = self._generator.standard_normal((n_rows, self._sample.shape[1]))
        normal -= normal.mean(axis=0)
        if n_rows <= normal.shape[1]:
            return normal
        values, vectors = np.linalg.eigh(normal.T @ normal / n_rows)
        return np.asarray(normal @ vectors / np.sqrt(values))

    def _push_through(self, normal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Replace each column by the sample's values in the same order of rank."""
        quantiles = np.arange(len(normal)) * len(self._margins) // len(normal)
        pushed = np.empty_like(normal)
        for position in range(normal.shape[1]):
            ranks = np.argsort(normal[:, position], kind="stable")
            pushed[ranks, position] = self._margins[quantiles, position]
        return pushed


def _safe_log(inertia: float, points: NDArray[np.float64]) -> float:
    # Points that coincide with their centroids would have minus infinity.
    return float(np.log(max(inertia, 1e-9 * points.size)))


def _correlations(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.atleast_2d(np.corrcoef(points, rowvar=False))


def _loadings_of(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor the nearest thing to `correlations` that is a correlation matrix."""
    values, vectors = np.linalg.eigh(correlations)
    loadings = vectors * np.sqrt(np.maximum(values, 1e-8))
    return np.asarray(loadings / np.linalg.norm(loadings, axis=1, keepdims=True))
