"""Assignment with a frozen model: the nearest centroid, nothing learned.

A warehouse assigns everybody by the same rule without moving a row
(`orchestration.assignment`); what is here is what its answers are checked against.
"""

from datetime import date

import numpy as np
import pandas as pd

from python_models.clustering import columns as c
from python_models.clustering.features import check_features
from python_models.clustering.model import ClusterModel
from python_models.clustering.nearest import nearest_centroids
from python_models.clustering.preprocessing import scale_values


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
