"""The simulated shop's customers as `customer_features`, and what kind each truly is.

From the simulation's truth, without files, identities or a warehouse: 20,000 customers
take seconds. `tests/integration/test_storefront.py` has the way through the warehouse.
"""

import datetime as dt
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo.storefront.parameters import (
    ARCHETYPES,
    COUNTRIES,
    CURRENCY_CODES,
    PRICE_FACTORS,
    TIME_ZONE,
    Parameters,
)
from demo.storefront.simulation import MOBILE, EventKind, Truth, simulate

CUSTOMER_ID: Final = "customer_id"


class Customers(NamedTuple):
    """Purchasers of one date.

    Attributes
    ----------
    features
        One row each, by `customer_id`.
    archetypes
        The name of each one's archetype.
    """

    features: pd.DataFrame
    archetypes: NDArray[np.str_]


def make_truth(n_customers: int, seed: int = 20251) -> Truth:
    """Simulate a year of a shop."""
    return simulate(Parameters(n_customers=n_customers, seed=seed))


def customers_as_of(truth: Truth, day: dt.date) -> Customers:
    """Describe everybody who has bought before a day."""
    end = _milliseconds(day)
    lines = _lines(truth, end)
    orders = lines.drop_duplicates("order").groupby("person")
    by_person = lines.groupby("person")
    sums = by_person[["units", "gross", "discount", "refund"]].sum()
    paid = sums["gross"] - sums["discount"]
    at = by_person["at"]
    frame = pd.DataFrame(
        {
            "recency_days": _days(end - at.max()),
            "n_orders": orders.size().astype(float),
            "monetary_amount": paid - sums["refund"],
            "average_order_amount": paid / orders.size(),
            "units_per_order": sums["units"] / orders.size(),
            "n_categories": by_person["category"].nunique().astype(float),
            "discount_rate": sums["discount"] / sums["gross"],
            "refund_rate": (sums["refund"] / paid).clip(upper=1.0),
            "mobile_order_rate": orders["is_mobile"].mean(),
            "tenure_days": _days(end - at.min()),
        }
    )
    people = frame.index.to_numpy()
    counts = _browsing(truth, end, len(truth.customers))
    frame["n_sessions"], frame["n_product_views"] = (each[people] for each in counts)
    frame.insert(0, CUSTOMER_ID, [f"person-{person:06}" for person in people])
    names = np.array([kind.name for kind in ARCHETYPES])
    return Customers(frame.reset_index(drop=True), names[truth.customers.kind[people]])


def _milliseconds(day: dt.date) -> int:
    return int(pd.Timestamp(day).tz_localize(TIME_ZONE).timestamp()) * 1_000


def _days(milliseconds: pd.Series) -> pd.Series:
    return np.ceil(milliseconds / 86_400_000)


def _lines(truth: Truth, end: int) -> pd.DataFrame:
    """Lines of orders that stand, in dollars."""
    orders, lines = truth.orders, truth.lines
    country = truth.customers.country[orders.customer]
    currency = [CURRENCY_CODES.index(each.currency_code) for each in COUNTRIES]
    factor = np.array(PRICE_FACTORS)[np.array(currency)[country]][lines.order]
    gross = lines.quantity * lines.unit_price / 100 / factor
    discount = lines.quantity * lines.unit_discount / 100 / factor
    is_back = (lines.returned_at >= 0) & (lines.returned_at < end)
    frame = pd.DataFrame(
        {
            "order": lines.order,
            "person": orders.customer[lines.order],
            "at": orders.ordered_at[lines.order],
            "is_mobile": orders.channel[lines.order] == MOBILE,
            "units": lines.quantity,
            "gross": gross,
            "discount": discount,
            "refund": np.where(is_back, gross - discount, 0.0),
            "category": truth.catalogue.category[lines.product],
        }
    )
    stands = orders.cancelled_at[lines.order] < 0
    return frame[stands & (frame["at"] < end)]


def _browsing(
    truth: Truth, end: int, n_people: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count sessions and looks at products of the last 90 days."""
    visits, events = truth.visits, truth.events
    start = end - 90 * 86_400_000
    recent = (
        (visits.customer >= 0)
        & (visits.started_at >= start)
        & (visits.started_at < end)
    )
    n_sessions = np.bincount(visits.customer[recent], minlength=n_people)
    seen = (events.kind == EventKind.PRODUCT_VIEWED) & recent[events.visit]
    n_views = np.bincount(visits.customer[events.visit[seen]], minlength=n_people)
    return n_sessions.astype(float), n_views.astype(float)
