"""Customer lifetime value: who still buys, how often, and for how much.

Here belongs everything that turns `customer_purchase_summary` into the tables of the
`python` schema about lifetime value. One module each: `columns` (every table and column
name), `config`, `purchase_counts` (BG/NBD: how often, and whether at all),
`purchase_amounts` (Gamma-Gamma: how much a purchase day), `backtesting` (forecast and
what happened), `model` (the result and its frames), `fitting` and `predicting` (the
entry points) and `plots`.

>>> model = fit_lifetime_value(customers, holdout, as_of_date=day)
>>> for table, frame in model.frames().items(): ...
>>> rows = predict_lifetime_values(customers, model, as_of_date=day)
"""

from python_models.lifetime_value.backtesting import Backtest, BacktestGroup
from python_models.lifetime_value.config import LifetimeValueConfig
from python_models.lifetime_value.fitting import CODE_VERSION, fit_lifetime_value
from python_models.lifetime_value.model import LifetimeValueModel
from python_models.lifetime_value.plots import backtest_chart
from python_models.lifetime_value.predicting import predict_lifetime_values
from python_models.lifetime_value.purchase_amounts import (
    PurchaseAmounts,
    fit_purchase_amounts,
)
from python_models.lifetime_value.purchase_counts import (
    PurchaseCounts,
    fit_purchase_counts,
)

__all__ = [
    "CODE_VERSION",
    "Backtest",
    "BacktestGroup",
    "LifetimeValueConfig",
    "LifetimeValueModel",
    "PurchaseAmounts",
    "PurchaseCounts",
    "backtest_chart",
    "fit_lifetime_value",
    "fit_purchase_amounts",
    "fit_purchase_counts",
    "predict_lifetime_values",
]
