"""Every table and column name that clustering reads or writes, once.

The contract of the written tables is the YAML of the `python` source; a test compares
it with `TABLES`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import pandas as pd

# Read: `customer_features`, one row per customer.
CUSTOMER_ID: Final = "customer_id"
AS_OF_DATE: Final = "as_of_date"
RECENCY_DAYS: Final = "recency_days"
N_ORDERS: Final = "n_orders"
MONETARY_AMOUNT: Final = "monetary_amount"
AVERAGE_ORDER_AMOUNT: Final = "average_order_amount"
UNITS_PER_ORDER: Final = "units_per_order"
N_CATEGORIES: Final = "n_categories"
DISCOUNT_RATE: Final = "discount_rate"
REFUND_RATE: Final = "refund_rate"
MOBILE_ORDER_RATE: Final = "mobile_order_rate"
N_SESSIONS: Final = "n_sessions"
N_PRODUCT_VIEWS: Final = "n_product_views"
TENURE_DAYS: Final = "tenure_days"

# Written: schema `python`.
CLUSTER_MODELS: Final = "cluster_models"
CLUSTER_CANDIDATES: Final = "cluster_candidates"
CLUSTER_MODEL_FEATURES: Final = "cluster_model_features"
CLUSTER_CENTROIDS: Final = "cluster_centroids"
CLUSTERS: Final = "clusters"
CLUSTER_CHANGES: Final = "cluster_changes"
CLUSTER_FEATURE_BINS: Final = "cluster_feature_bins"
CUSTOMER_CLUSTERS: Final = "customer_clusters"
CLUSTER_DRIFT: Final = "cluster_drift"

MODEL_ID: Final = "model_id"
ALGORITHM: Final = "algorithm"
N_CLUSTERS: Final = "n_clusters"
N_CUSTOMERS: Final = "n_customers"
N_SAMPLED_CUSTOMERS: Final = "n_sampled_customers"
SILHOUETTE_SCORE: Final = "silhouette_score"
STABILITY_SCORE: Final = "stability_score"
INERTIA: Final = "inertia"
OUTCOME_CODE: Final = "outcome_code"
OUTCOME: Final = "outcome"
RANDOM_STATE: Final = "random_state"
CODE_VERSION: Final = "code_version"
PREVIOUS_MODEL_ID: Final = "previous_model_id"
SCALER: Final = "scaler"
REFIT_REASON: Final = "refit_reason"
IS_PROMOTED: Final = "is_promoted"
PROMOTION_REASON: Final = "promotion_reason"
FROZEN_SILHOUETTE_SCORE: Final = "frozen_silhouette_score"
FROZEN_STABILITY_SCORE: Final = "frozen_stability_score"
GAP_SCORE: Final = "gap_score"
NEEDED_GAP_SCORE: Final = "needed_gap_score"
DECISION: Final = "decision"
IS_ELBOW: Final = "is_elbow"
IS_CHOSEN: Final = "is_chosen"
FEATURE_NAME: Final = "feature_name"
TRANSFORM: Final = "transform"
CENTER: Final = "center"
SCALE: Final = "scale"
LOWER_QUANTILE_RATE: Final = "lower_quantile_rate"
UPPER_QUANTILE_RATE: Final = "upper_quantile_rate"
LOWER_BOUND: Final = "lower_bound"
UPPER_BOUND: Final = "upper_bound"
MEAN: Final = "mean"
STANDARD_DEVIATION: Final = "standard_deviation"
IS_USED: Final = "is_used"
CLUSTER_NUMBER: Final = "cluster_number"
CENTROID_VALUE: Final = "centroid_value"
WORKING_NAME: Final = "working_name"
IS_NEW: Final = "is_new"
CENTROID_DISTANCE: Final = "centroid_distance"
CHANGE_CODE: Final = "change_code"
N_PREVIOUS_CUSTOMERS: Final = "n_previous_customers"
N_SHARED_CUSTOMERS: Final = "n_shared_customers"
OVERLAP_RATE: Final = "overlap_rate"
MATCH_DISTANCE: Final = "match_distance"
RELATED_CLUSTER_NUMBER: Final = "related_cluster_number"
BIN_NUMBER: Final = "bin_number"
MEASURE_TYPE: Final = "measure_type"
MEASURE_NAME: Final = "measure_name"
PSI_SCORE: Final = "psi_score"
MAX_PSI_SCORE: Final = "max_psi_score"
IS_DRIFTED: Final = "is_drifted"

VARCHAR: Final = "varchar"
BIGINT: Final = "bigint"
DOUBLE: Final = "double"
BOOLEAN: Final = "boolean"
DATE: Final = "date"

# The pandas type that stands for each type of the contract. Dates are midnights, which
# a warehouse casts to its own date type; that is also what reading a date gives back.
PANDAS_DTYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        VARCHAR: "str",
        BIGINT: "int64",
        DOUBLE: "float64",
        BOOLEAN: "bool",
        DATE: "datetime64[us]",
    },
)

TABLES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        CLUSTER_MODELS: {
            MODEL_ID: VARCHAR,
            AS_OF_DATE: DATE,
            ALGORITHM: VARCHAR,
            N_CLUSTERS: BIGINT,
            N_CUSTOMERS: BIGINT,
            N_SAMPLED_CUSTOMERS: BIGINT,
            SILHOUETTE_SCORE: DOUBLE,
            STABILITY_SCORE: DOUBLE,
            INERTIA: DOUBLE,
            OUTCOME_CODE: VARCHAR,
            OUTCOME: VARCHAR,
            RANDOM_STATE: BIGINT,
            CODE_VERSION: VARCHAR,
            PREVIOUS_MODEL_ID: VARCHAR,
            SCALER: VARCHAR,
            REFIT_REASON: VARCHAR,
            IS_PROMOTED: BOOLEAN,
            PROMOTION_REASON: VARCHAR,
            FROZEN_SILHOUETTE_SCORE: DOUBLE,
            FROZEN_STABILITY_SCORE: DOUBLE,
        },
        CLUSTER_CANDIDATES: {
            MODEL_ID: VARCHAR,
            N_CLUSTERS: BIGINT,
            SILHOUETTE_SCORE: DOUBLE,
            INERTIA: DOUBLE,
            IS_ELBOW: BOOLEAN,
            IS_CHOSEN: BOOLEAN,
            ALGORITHM: VARCHAR,
            STABILITY_SCORE: DOUBLE,
            GAP_SCORE: DOUBLE,
            NEEDED_GAP_SCORE: DOUBLE,
            DECISION: VARCHAR,
        },
        CLUSTER_MODEL_FEATURES: {
            MODEL_ID: VARCHAR,
            FEATURE_NAME: VARCHAR,
            TRANSFORM: VARCHAR,
            CENTER: DOUBLE,
            SCALE: DOUBLE,
            IS_USED: BOOLEAN,
            LOWER_QUANTILE_RATE: DOUBLE,
            UPPER_QUANTILE_RATE: DOUBLE,
            LOWER_BOUND: DOUBLE,
            UPPER_BOUND: DOUBLE,
            MEAN: DOUBLE,
            STANDARD_DEVIATION: DOUBLE,
        },
        CLUSTER_CENTROIDS: {
            MODEL_ID: VARCHAR,
            CLUSTER_NUMBER: BIGINT,
            FEATURE_NAME: VARCHAR,
            CENTROID_VALUE: DOUBLE,
        },
        CLUSTERS: {
            MODEL_ID: VARCHAR,
            CLUSTER_NUMBER: BIGINT,
            WORKING_NAME: VARCHAR,
            N_CUSTOMERS: BIGINT,
            IS_NEW: BOOLEAN,
        },
        CLUSTER_CHANGES: {
            MODEL_ID: VARCHAR,
            PREVIOUS_MODEL_ID: VARCHAR,
            CLUSTER_NUMBER: BIGINT,
            CHANGE_CODE: VARCHAR,
            N_CUSTOMERS: BIGINT,
            N_PREVIOUS_CUSTOMERS: BIGINT,
            N_SHARED_CUSTOMERS: BIGINT,
            OVERLAP_RATE: DOUBLE,
            MATCH_DISTANCE: DOUBLE,
            RELATED_CLUSTER_NUMBER: BIGINT,
        },
        CLUSTER_FEATURE_BINS: {
            MODEL_ID: VARCHAR,
            FEATURE_NAME: VARCHAR,
            BIN_NUMBER: BIGINT,
            UPPER_BOUND: DOUBLE,
            N_CUSTOMERS: BIGINT,
        },
        CUSTOMER_CLUSTERS: {
            CUSTOMER_ID: VARCHAR,
            AS_OF_DATE: DATE,
            MODEL_ID: VARCHAR,
            CLUSTER_NUMBER: BIGINT,
            CENTROID_DISTANCE: DOUBLE,
        },
        CLUSTER_DRIFT: {
            MODEL_ID: VARCHAR,
            AS_OF_DATE: DATE,
            MEASURE_TYPE: VARCHAR,
            MEASURE_NAME: VARCHAR,
            PSI_SCORE: DOUBLE,
            MAX_PSI_SCORE: DOUBLE,
            N_CUSTOMERS: BIGINT,
            IS_DRIFTED: BOOLEAN,
        },
    },
)


def conform(table: str, columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """Make a frame with exactly the columns, order and types of one table.

    Parameters
    ----------
    table : str
        A key of `TABLES`.
    columns : mapping of str to sequence
        Values by column name, all of one length.

    Returns
    -------
    pandas.DataFrame
        Shape (rows, columns of the table), with a plain index from 0.

    Raises
    ------
    ValueError
        When a column of the table is missing or an unknown one is given.
    """
    contract = TABLES[table]
    if set(columns) != set(contract):
        wrong = sorted(set(columns) ^ set(contract))
        message = f"{table}: columns missing or unknown: {', '.join(wrong)}"
        raise ValueError(message)
    return pd.DataFrame(
        {
            name: pd.Series(list(columns[name]), dtype=PANDAS_DTYPES[data_type])
            for name, data_type in contract.items()
        },
    )
