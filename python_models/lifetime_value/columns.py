"""Every table and column name that lifetime value reads or writes, once.

The contract of the written tables is the YAML of the `python` source; a test compares
it with `TABLES`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

# Read: `customer_purchase_summary`, one row per customer. The literature's x, t_x, T
# and mean value.
CUSTOMER_ID: Final = "customer_id"
N_REPEAT_PURCHASE_DAYS: Final = "n_repeat_purchase_days"
FIRST_TO_LAST_PURCHASE_DAYS: Final = "first_to_last_purchase_days"
AGE_DAYS: Final = "age_days"
MEAN_REPEAT_DAY_AMOUNT: Final = "mean_repeat_day_amount"

# Read: `purchase_holdouts`, one row per history before the held-out days.
HOLDOUT_DAYS: Final = "holdout_days"
N_HOLDOUT_PURCHASE_DAYS: Final = "n_holdout_purchase_days"

# Written: schema `python`.
LIFETIME_VALUE_MODELS: Final = "lifetime_value_models"
LIFETIME_VALUE_BACKTESTS: Final = "lifetime_value_backtests"
CUSTOMER_LIFETIME_VALUES: Final = "customer_lifetime_values"

MODEL_ID: Final = "model_id"
AS_OF_DATE: Final = "as_of_date"
N_CUSTOMERS: Final = "n_customers"
N_REPEAT_CUSTOMERS: Final = "n_repeat_customers"
OUTCOME_CODE: Final = "outcome_code"
OUTCOME: Final = "outcome"
IS_CONVERGED: Final = "is_converged"
BG_NBD_R: Final = "bg_nbd_r"
BG_NBD_ALPHA: Final = "bg_nbd_alpha"
BG_NBD_A: Final = "bg_nbd_a"
BG_NBD_B: Final = "bg_nbd_b"
BG_NBD_LOG_LIKELIHOOD: Final = "bg_nbd_log_likelihood"
AMOUNT_OUTCOME_CODE: Final = "amount_outcome_code"
AMOUNT_OUTCOME: Final = "amount_outcome"
IS_AMOUNT_CONVERGED: Final = "is_amount_converged"
N_AMOUNT_CUSTOMERS: Final = "n_amount_customers"
GAMMA_GAMMA_P: Final = "gamma_gamma_p"
GAMMA_GAMMA_Q: Final = "gamma_gamma_q"
GAMMA_GAMMA_V: Final = "gamma_gamma_v"
GAMMA_GAMMA_LOG_LIKELIHOOD: Final = "gamma_gamma_log_likelihood"
FREQUENCY_AMOUNT_CORRELATION: Final = "frequency_amount_correlation"
BACKTEST_OUTCOME_CODE: Final = "backtest_outcome_code"
BACKTEST_OUTCOME: Final = "backtest_outcome"
N_HOLDOUT_CUSTOMERS: Final = "n_holdout_customers"
EXPECTED_HOLDOUT_PURCHASE_DAYS: Final = "expected_holdout_purchase_days"
NAIVE_HOLDOUT_PURCHASE_DAYS: Final = "naive_holdout_purchase_days"
CODE_VERSION: Final = "code_version"
GROUP_NUMBER: Final = "group_number"
FREQUENCY_GROUP: Final = "frequency_group"
P_ALIVE_RATE: Final = "p_alive_rate"
EXPECTED_PURCHASE_DAYS_90D: Final = "expected_purchase_days_90d"
EXPECTED_PURCHASE_DAYS_365D: Final = "expected_purchase_days_365d"
EXPECTED_DAY_VALUE: Final = "expected_day_value"

# The horizons that columns are named for.
HORIZONS: Final[Mapping[str, int]] = MappingProxyType(
    {EXPECTED_PURCHASE_DAYS_90D: 90, EXPECTED_PURCHASE_DAYS_365D: 365}
)

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
        LIFETIME_VALUE_MODELS: {
            MODEL_ID: VARCHAR,
            AS_OF_DATE: DATE,
            N_CUSTOMERS: BIGINT,
            N_REPEAT_CUSTOMERS: BIGINT,
            OUTCOME_CODE: VARCHAR,
            OUTCOME: VARCHAR,
            IS_CONVERGED: BOOLEAN,
            BG_NBD_R: DOUBLE,
            BG_NBD_ALPHA: DOUBLE,
            BG_NBD_A: DOUBLE,
            BG_NBD_B: DOUBLE,
            BG_NBD_LOG_LIKELIHOOD: DOUBLE,
            AMOUNT_OUTCOME_CODE: VARCHAR,
            AMOUNT_OUTCOME: VARCHAR,
            IS_AMOUNT_CONVERGED: BOOLEAN,
            N_AMOUNT_CUSTOMERS: BIGINT,
            GAMMA_GAMMA_P: DOUBLE,
            GAMMA_GAMMA_Q: DOUBLE,
            GAMMA_GAMMA_V: DOUBLE,
            GAMMA_GAMMA_LOG_LIKELIHOOD: DOUBLE,
            FREQUENCY_AMOUNT_CORRELATION: DOUBLE,
            BACKTEST_OUTCOME_CODE: VARCHAR,
            BACKTEST_OUTCOME: VARCHAR,
            HOLDOUT_DAYS: BIGINT,
            CODE_VERSION: VARCHAR,
        },
        LIFETIME_VALUE_BACKTESTS: {
            MODEL_ID: VARCHAR,
            GROUP_NUMBER: BIGINT,
            FREQUENCY_GROUP: VARCHAR,
            N_HOLDOUT_CUSTOMERS: BIGINT,
            N_HOLDOUT_PURCHASE_DAYS: BIGINT,
            EXPECTED_HOLDOUT_PURCHASE_DAYS: DOUBLE,
            NAIVE_HOLDOUT_PURCHASE_DAYS: DOUBLE,
        },
        CUSTOMER_LIFETIME_VALUES: {
            CUSTOMER_ID: VARCHAR,
            AS_OF_DATE: DATE,
            MODEL_ID: VARCHAR,
            P_ALIVE_RATE: DOUBLE,
            EXPECTED_PURCHASE_DAYS_90D: DOUBLE,
            EXPECTED_PURCHASE_DAYS_365D: DOUBLE,
            EXPECTED_DAY_VALUE: DOUBLE,
        },
    },
)


def conform(table: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Make a frame with exactly the columns, order and types of one table.

    Parameters
    ----------
    table : str
        A key of `TABLES`.
    columns : mapping of str to sequence or array
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
            name: pd.Series(np.asarray(columns[name]), dtype=PANDAS_DTYPES[data_type])
            for name, data_type in contract.items()
        },
    )
