"""Assignment with a frozen model: the nearest centroid, nothing learned.

A warehouse assigns everybody by the same rule without moving a row
(`orchestration.assignment`); what is here is what its answers are checked against.
"""

from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.clustering import columns as c
from python_models.clustering.features import check_features, scale_values
from python_models.clustering.model import ClusterModel

TIE: Final = 1e-9
"""Half the difference of squared distances up to which two clusters are equally near.

Whoever is just between two centroids must not be put here or there by the last digit of
a logarithm, which engines round differently. Rounding is far below it.
"""

# Keeps what is computed at once within a processor's cache.
_BLOCK_ROWS: Final = 4_096


def assign_clusters(
    features: pd.DataFrame,
    model: ClusterModel,
    *,
    as_of_date: date,
) -> pd.DataFrame:
    """Assign every customer to the nearest cluster.

    Parameters
    ----------
    features : pandas.DataFrame, shape (customers, columns)
        `customer_features` as of `as_of_date`: `customer_id` and the features the model
        uses; features it dropped aren't needed.
    model : ClusterModel
        The model, fitted on this or an earlier date.
    as_of_date : datetime.date
        The date of the features.

    Returns
    -------
    pandas.DataFrame, shape (customers, 5)
        Rows of `customer_clusters` by customer; the distance is Euclidean, in scaled
        units. A customer equally near to two clusters gets the lower number.

    Raises
    ------
    TypeError
        When `as_of_date` is no plain date.
    ValueError
        For features that fail the checks of `check_features`.
    """
    axes = model.used_features
    checked = check_features(
        features,
        [axis.name for axis in axes],
        as_of_date=as_of_date,
    )
    positions, distances = nearest_centroids(
        scale_values(checked.raw, axes),
        model.centroids,
    )
    numbers = np.array([cluster.number for cluster in model.clusters])
    n_customers = len(checked.customer_ids)
    return c.conform(
        c.CUSTOMER_CLUSTERS,
        {
            c.CUSTOMER_ID: checked.customer_ids.tolist(),
            c.AS_OF_DATE: [as_of_date] * n_customers,
            c.MODEL_ID: [model.model_id] * n_customers,
            c.CLUSTER_NUMBER: numbers[positions].tolist(),
            c.CENTROID_DISTANCE: distances.tolist(),
        },
    )


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
