"""Every table and column name that personas write, once.

What they read is `customer_features`, whose names are those of
`python_models.clustering.columns`, and each customer's cluster. The contract of the
written tables is the YAML of the `python` source; a test compares it with `TABLES`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import pandas as pd

from python_models.clustering import columns as c

PERSONA_CLASSIFIERS: Final = "persona_classifiers"
PERSONA_RECOGNITIONS: Final = "persona_recognitions"
PERSONA_IMPORTANCES: Final = "persona_importances"

N_TRAINED_CUSTOMERS: Final = "n_trained_customers"
N_HELD_OUT_CUSTOMERS: Final = "n_held_out_customers"
ACCURACY_RATE: Final = "accuracy_rate"
MAJORITY_RATE: Final = "majority_rate"
BALANCED_ACCURACY_RATE: Final = "balanced_accuracy_rate"
BALANCED_ACCURACY_LOWER_RATE: Final = "balanced_accuracy_lower_rate"
CHANCE_RATE: Final = "chance_rate"
RECALL_RATE: Final = "recall_rate"
DISCRIMINATION_SCORE: Final = "discrimination_score"
IS_DISTINGUISHABLE: Final = "is_distinguishable"
REASON: Final = "reason"
IMPORTANCE_SCORE: Final = "importance_score"
IMPORTANCE_DEVIATION: Final = "importance_deviation"

TABLES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        PERSONA_CLASSIFIERS: {
            c.MODEL_ID: c.VARCHAR,
            c.AS_OF_DATE: c.DATE,
            c.N_CLUSTERS: c.BIGINT,
            c.N_CUSTOMERS: c.BIGINT,
            N_TRAINED_CUSTOMERS: c.BIGINT,
            N_HELD_OUT_CUSTOMERS: c.BIGINT,
            ACCURACY_RATE: c.DOUBLE,
            MAJORITY_RATE: c.DOUBLE,
            BALANCED_ACCURACY_RATE: c.DOUBLE,
            BALANCED_ACCURACY_LOWER_RATE: c.DOUBLE,
            CHANCE_RATE: c.DOUBLE,
            c.OUTCOME_CODE: c.VARCHAR,
            c.OUTCOME: c.VARCHAR,
            c.RANDOM_STATE: c.BIGINT,
            c.CODE_VERSION: c.VARCHAR,
        },
        PERSONA_RECOGNITIONS: {
            c.MODEL_ID: c.VARCHAR,
            c.AS_OF_DATE: c.DATE,
            c.CLUSTER_NUMBER: c.BIGINT,
            c.N_CUSTOMERS: c.BIGINT,
            N_HELD_OUT_CUSTOMERS: c.BIGINT,
            RECALL_RATE: c.DOUBLE,
            BALANCED_ACCURACY_RATE: c.DOUBLE,
            BALANCED_ACCURACY_LOWER_RATE: c.DOUBLE,
            DISCRIMINATION_SCORE: c.DOUBLE,
            IS_DISTINGUISHABLE: c.BOOLEAN,
            REASON: c.VARCHAR,
        },
        PERSONA_IMPORTANCES: {
            c.MODEL_ID: c.VARCHAR,
            c.AS_OF_DATE: c.DATE,
            c.CLUSTER_NUMBER: c.BIGINT,
            c.FEATURE_NAME: c.VARCHAR,
            IMPORTANCE_SCORE: c.DOUBLE,
            IMPORTANCE_DEVIATION: c.DOUBLE,
        },
    },
)


def conform(table: str, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Make a frame with exactly the columns, order and types of one table.

    Parameters
    ----------
    table : str
        A key of `TABLES`.
    rows : sequence of mapping
        One value for each column of the table; None for a missing number.

    Returns
    -------
    pandas.DataFrame
        Shape (rows, columns of the table), with a plain index from 0.

    Raises
    ------
    KeyError
        When a row lacks a column of the table.
    """
    return pd.DataFrame(
        {
            name: pd.Series(
                [row[name] for row in rows], dtype=c.PANDAS_DTYPES[data_type]
            )
            for name, data_type in TABLES[table].items()
        },
    )
