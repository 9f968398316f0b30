"""The result of a fit: a frozen model, and its rows in schema `python`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import pandas as pd

from python_models.lifetime_value import columns as c
from python_models.lifetime_value.backtesting import Backtest, BacktestGroup
from python_models.lifetime_value.purchase_amounts import PurchaseAmounts
from python_models.lifetime_value.purchase_counts import PurchaseCounts

# Parts of the model's row: columns, and the fields that they hold.
_COUNTS = {
    c.N_CUSTOMERS: "n_customers",
    c.N_REPEAT_CUSTOMERS: "n_repeat_customers",
    c.OUTCOME_CODE: "outcome_code",
    c.OUTCOME: "outcome",
    c.IS_CONVERGED: "is_converged",
    c.BG_NBD_R: "r",
    c.BG_NBD_ALPHA: "alpha",
    c.BG_NBD_A: "a",
    c.BG_NBD_B: "b",
    c.BG_NBD_LOG_LIKELIHOOD: "log_likelihood",
}
_AMOUNTS = {
    c.N_AMOUNT_CUSTOMERS: "n_customers",
    c.AMOUNT_OUTCOME_CODE: "outcome_code",
    c.AMOUNT_OUTCOME: "outcome",
    c.IS_AMOUNT_CONVERGED: "is_converged",
    c.GAMMA_GAMMA_P: "p",
    c.GAMMA_GAMMA_Q: "q",
    c.GAMMA_GAMMA_V: "v",
    c.GAMMA_GAMMA_LOG_LIKELIHOOD: "log_likelihood",
    c.FREQUENCY_AMOUNT_CORRELATION: "correlation",
}
_BACKTEST = {
    c.HOLDOUT_DAYS: "holdout_days",
    c.BACKTEST_OUTCOME_CODE: "outcome_code",
    c.BACKTEST_OUTCOME: "outcome",
}
_GROUP = {
    c.GROUP_NUMBER: "number",
    c.FREQUENCY_GROUP: "frequency",
    c.N_HOLDOUT_CUSTOMERS: "n_customers",
    c.N_HOLDOUT_PURCHASE_DAYS: "n_purchase_days",
    c.EXPECTED_HOLDOUT_PURCHASE_DAYS: "expected_purchase_days",
    c.NAIVE_HOLDOUT_PURCHASE_DAYS: "naive_purchase_days",
}


@dataclass(frozen=True)
class LifetimeValueModel:
    """How often customers buy, how much a day, and how far a forecast held.

    Attributes
    ----------
    model_id : str
        16 hexadecimal digits, a function of all that the model was made from.
    as_of_date : datetime.date
        The date whose purchases it was fitted on.
    counts : PurchaseCounts
        BG/NBD, or why there is none.
    amounts : PurchaseAmounts
        Gamma-Gamma, or why there is none.
    backtest : Backtest
        A forecast of the last days by a fit on what came before.
    code_version : str
        Version of the technique.
    """

    model_id: str
    as_of_date: date
    counts: PurchaseCounts
    amounts: PurchaseAmounts
    backtest: Backtest
    code_version: str

    def frames(self) -> dict[str, pd.DataFrame]:
        """Write the model as rows of the tables that describe it.

        Returns
        -------
        dict of str to pandas.DataFrame
            By table: `lifetime_value_models` (1 row) and `lifetime_value_backtests`,
            each with the columns, order and types of its contract.
        """
        row: dict[str, Any] = {
            c.MODEL_ID: self.model_id,
            c.AS_OF_DATE: self.as_of_date,
            c.CODE_VERSION: self.code_version,
        }
        for part, names in (
            (self.counts, _COUNTS),
            (self.amounts, _AMOUNTS),
            (self.backtest, _BACKTEST),
        ):
            row |= {column: getattr(part, field) for column, field in names.items()}
        groups: dict[str, list[Any]] = {
            column: [getattr(group, field) for group in self.backtest.groups]
            for column, field in _GROUP.items()
        }
        groups[c.MODEL_ID] = [self.model_id] * len(self.backtest.groups)
        return {
            c.LIFETIME_VALUE_MODELS: c.conform(
                c.LIFETIME_VALUE_MODELS, {name: [value] for name, value in row.items()}
            ),
            c.LIFETIME_VALUE_BACKTESTS: c.conform(c.LIFETIME_VALUE_BACKTESTS, groups),
        }

    @classmethod
    def from_frames(cls, frames: Mapping[str, pd.DataFrame], *, model_id: str) -> Self:
        """Read one model back from the tables that `frames` writes.

        Parameters
        ----------
        frames : mapping of str to pandas.DataFrame
            The two tables, of any number of models.
        model_id : str
            The model to read.

        Returns
        -------
        LifetimeValueModel
            Equal to the one that was written.

        Raises
        ------
        ValueError
            If no row has that id.
        """
        models = frames[c.LIFETIME_VALUE_MODELS]
        found = models[models[c.MODEL_ID] == model_id]
        if len(found) != 1:
            message = f"{len(found)} rows have the model_id {model_id!r}; expected one"
            raise ValueError(message)
        row = {
            name: None if pd.isna(value) else value
            for name, value in found.iloc[0].items()
        }
        groups = frames[c.LIFETIME_VALUE_BACKTESTS]
        groups = groups[groups[c.MODEL_ID] == model_id].sort_values(c.GROUP_NUMBER)
        return cls(
            model_id=model_id,
            as_of_date=pd.Timestamp(str(row[c.AS_OF_DATE])).date(),
            counts=PurchaseCounts(**_fields(row, _COUNTS)),
            amounts=PurchaseAmounts(**_fields(row, _AMOUNTS)),
            backtest=Backtest(
                **_fields(row, _BACKTEST),
                groups=tuple(
                    BacktestGroup(**_fields(group, _GROUP))
                    for group in groups.to_dict("records")
                ),
            ),
            code_version=str(row[c.CODE_VERSION]),
        )


def _fields(row: Mapping[Any, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Take fields from their columns, as Python's own numbers."""
    values = {field: row[column] for column, field in names.items()}
    return {
        field: value.item() if hasattr(value, "item") else value
        for field, value in values.items()
    }
