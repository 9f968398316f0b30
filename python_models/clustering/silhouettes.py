"""Mean silhouettes of several clusterings of one sample, from one pass of distances.

Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and
validation of cluster analysis. J. Comput. Appl. Math. 20, 53-65.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Rows of distances held at once: 10,000 customers need 20 MB, not 800.
_BLOCK_ROWS: Final = 256


def mean_silhouettes(
    points: NDArray[np.float64],
    labelings: Sequence[NDArray[np.int64]],
) -> NDArray[np.float64]:
    """Score several clusterings of the same points.

    Distances are the cost of a silhouette. Each block of them is computed once and
    multiplied by the one-hot columns of all clusterings together, which sums each
    point's distances to every cluster; by symmetry only half the blocks are needed.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, features)
        The sample, in scaled units.
    labelings : sequence of numpy.ndarray, each of shape (n,)
        Cluster of each point, from 0, one array per clustering.

    Returns
    -------
    numpy.ndarray, shape (clusterings,)
        Mean silhouettes, -1 to 1, equal to scikit-learn's `silhouette_score`. A
        clustering that puts the whole sample in one cluster gets 0, no evidence.
    """
    if not labelings:
        return np.empty(0)
    one_hots = [np.eye(int(labels.max()) + 1)[labels] for labels in labelings]
    sums = _distance_sums(points, np.hstack(one_hots))
    edges = np.cumsum([0, *(one_hot.shape[1] for one_hot in one_hots)])
    return np.array(
        [
            _mean_silhouette(sums[:, start:stop], labels)
            for start, stop, labels in zip(
                edges[:-1],
                edges[1:],
                labelings,
                strict=True,
            )
        ],
    )


def _distance_sums(
    points: NDArray[np.float64],
    one_hot: NDArray[np.float64],
) -> NDArray[np.float64]:
    squares = np.einsum("ij,ij->i", points, points)
    sums = np.zeros((len(points), one_hot.shape[1]))
    for start in range(0, len(points), _BLOCK_ROWS):
        stop = start + _BLOCK_ROWS
        block = points[start:stop] @ (-2.0 * points[start:].T)
        block += squares[start:stop, None]
        block += squares[start:]
        np.maximum(block, 0.0, out=block)
        np.sqrt(block, out=block)
        n_rows = len(block)
        block[np.arange(n_rows), np.arange(n_rows)] = 0.0
        sums[start:stop] += block @ one_hot[start:]
        sums[stop:] += block[:, n_rows:].T @ one_hot[start:stop]
    return sums


def _mean_silhouette(
    sums: NDArray[np.float64],
    labels: NDArray[np.int64],
) -> float:
    sizes = np.bincount(labels, minlength=sums.shape[1])
    if np.count_nonzero(sizes) == 1:
        return 0.0
    rows = np.arange(len(labels))
    own_sizes = sizes[labels]
    within = sums[rows, labels] / np.maximum(own_sizes - 1, 1)
    to_others = sums / np.where(sizes == 0, np.nan, sizes)
    to_others[rows, labels] = np.nan
    nearest = np.nanmin(to_others, axis=1)
    largest = np.maximum(within, nearest)
    scores = np.divide(
        nearest - within,
        largest,
        out=np.zeros_like(largest),
        where=largest > 0,
    )
    # Rousseeuw's convention: a point alone in its cluster scores 0.
    scores[own_sizes == 1] = 0.0
    return float(scores.mean())
