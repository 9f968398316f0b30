"""The nearest of a few centroids, where a tie goes to the first."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

TIE: Final = 1e-9
"""Half the difference of squared distances up to which two clusters are equally near.

Whoever is just between two centroids must not be put here or there by the last digit of
a logarithm, which engines round differently. Rounding is far below it.
"""

# Keeps what is computed at once within a processor's cache.
_BLOCK_ROWS: Final = 4_096


def nearest_centroids(
    points: NDArray[np.float64],
    centroids: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest centroid of each point.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, features)
        In scaled units.
    centroids : numpy.ndarray, shape (clusters, features)
        In the same units.

    Returns
    -------
    positions : numpy.ndarray of int, shape (n,)
        Row of the nearest centroid, the first of those that are equally near (`TIE`).
    distances : numpy.ndarray, shape (n,)
        Euclidean distance to it.
    """
    positions = np.empty(len(points), dtype=np.int64)
    distances = np.empty(len(points))
    for start in range(0, len(points), _BLOCK_ROWS):
        block = points[start : start + _BLOCK_ROWS]
        # Differences first: exact where the expanded square would cancel.
        squares = np.column_stack(
            [((block - centroid) ** 2).sum(axis=1) for centroid in centroids],
        )
        nearest = squares.min(axis=1, keepdims=True)
        chosen = (squares <= nearest + 2 * TIE).argmax(axis=1)
        positions[start : start + _BLOCK_ROWS] = chosen
        distances[start : start + _BLOCK_ROWS] = np.sqrt(
            squares[np.arange(len(block)), chosen],
        )
    return positions, distances
