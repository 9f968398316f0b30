"""Every column name that tuning reads or writes, once.

The contract of the written table is the YAML of the `python` source; a test compares it
with `PROPOSALS`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Read: `dim_thresholds`, one row per tunable threshold.
THRESHOLD_NAME: Final = "threshold_name"
SEGMENT: Final = "segment"
MEASURE_NAME: Final = "measure_name"
OUTCOME_NAME: Final = "outcome_name"
DIRECTION: Final = "direction"
THRESHOLD_VALUE: Final = "threshold_value"
MIN_VALUE: Final = "min_value"
MAX_VALUE: Final = "max_value"
STEP_VALUE: Final = "step_value"

# Read: `threshold_outcomes`, counts of customers.
AS_OF_DATE: Final = "as_of_date"
CUSTOMER_GROUP_CODE: Final = "customer_group_code"
MEASURE_STEPS: Final = "measure_steps"
IS_MEMBER: Final = "is_member"
N_CUSTOMERS: Final = "n_customers"
N_REACHED_CUSTOMERS: Final = "n_reached_customers"
NET_AMOUNT: Final = "net_amount"

VARCHAR: Final = "varchar"
BIGINT: Final = "bigint"
DOUBLE: Final = "double"
BOOLEAN: Final = "boolean"
DATE: Final = "date"

# Written: `python.threshold_proposals`.
PROPOSALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "proposal_id": VARCHAR,
        THRESHOLD_NAME: VARCHAR,
        SEGMENT: VARCHAR,
        OUTCOME_NAME: VARCHAR,
        DIRECTION: VARCHAR,
        AS_OF_DATE: DATE,
        "last_month_end_date": DATE,
        "current_value": DOUBLE,
        "candidate_value": DOUBLE,
        "is_proposed": BOOLEAN,
        "decision_code": VARCHAR,
        "decision": VARCHAR,
        "n_training_months": BIGINT,
        "n_holdout_months": BIGINT,
        "n_holdout_customer_months": BIGINT,
        "current_member_rate": DOUBLE,
        "current_other_rate": DOUBLE,
        "candidate_member_rate": DOUBLE,
        "candidate_other_rate": DOUBLE,
        "improvement": DOUBLE,
        "improvement_lower": DOUBLE,
        "improvement_upper": DOUBLE,
        "confidence_level": DOUBLE,
        "n_customers": BIGINT,
        "n_current_members": BIGINT,
        "n_candidate_members": BIGINT,
        "current_member_net_amount": DOUBLE,
        "candidate_member_net_amount": DOUBLE,
        "code_version": VARCHAR,
    },
)

PANDAS_DTYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        VARCHAR: "str",
        # Counts may be missing.
        BIGINT: "Int64",
        DOUBLE: "float64",
        BOOLEAN: "bool",
        DATE: "datetime64[us]",
    },
)
