"""What the simulated shop is like: every number of it, written once.

The archetypes were separated before anything else was written: with these numbers and
the default seed, the features that the warehouse computes (`customer_features`, counts
and amounts as log1p, then standardised) let KMeans at k = 5 find the archetypes again,
and the silhouette picks k within 5 +- 1. `tests/demo/test_demo_storefront.py`
recomputes both from the landed files; README.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

FIRST_DATE = date(2025, 1, 1)
AS_OF_DATE = date(2026, 1, 1)
N_DAYS = (AS_OF_DATE - FIRST_DATE).days
TIME_ZONE = "America/New_York"
CURRENCY_CODE = "USD"

# Each customer gets a telephone number of the range kept for fiction, 555-0100 to
# 555-0199 in one of 799 area codes: there are no more of them.
MAX_CUSTOMERS = 79_900

PROSPECT = "prospect"


@dataclass(frozen=True)
class Archetype:
    """A kind of purchaser.

    Days count from 0 = 1 January. Means of customers are spread by `spread`, so that
    two customers of one kind are not alike.

    Attributes
    ----------
    name
        Its name in the truth files.
    share
        Share of the purchasers.
    min_orders, mean_further_orders
        Orders are the first plus a Poisson number.
    first_order_days
        Range of days that the first order is drawn from, evenly.
    last_order_days
        Range of days of the last order; None for customers who stay to the end.
    is_seasonal_gift
        Whether the (only) order clusters before the gift days of the year.
    mean_lines, extra_units_rate
        Lines of an order (at least 1) and Poisson rate of units beyond the first.
    price, price_spread
        Median list price in USD that they look for, and its spread in log units.
    discounted_share, discount_percents
        Share of lines bought at a discount, and the percentages it may be.
    returned_share
        Share of lines that come back.
    mobile_share, store_share
        Share of online orders and visits on a telephone; share of orders in a store.
    visits_per_quarter, late_visits
        Visits without an order per 90 active days; mean number after the last order
        for those who left.
    mean_views
        Products viewed in a visit, at least 1.
    tastes
        Weight of categories they favour; 1 for the others.
    spread
        Standard deviation of the log of a customer's own rates.
    """

    name: str
    share: float
    min_orders: int
    mean_further_orders: float
    first_order_days: tuple[int, int]
    last_order_days: tuple[int, int] | None
    mean_lines: float
    extra_units_rate: float
    price: float
    price_spread: float
    discounted_share: float
    discount_percents: tuple[int, ...]
    returned_share: float
    mobile_share: float
    store_share: float
    visits_per_quarter: float
    mean_views: float
    late_visits: float = 0.0
    is_seasonal_gift: bool = False
    tastes: dict[str, float] = field(default_factory=dict)
    spread: float = 0.25


ARCHETYPES = (
    Archetype(
        name="loyal_repeat_buyer",
        share=0.21,
        min_orders=6,
        mean_further_orders=3.0,
        first_order_days=(0, 150),
        last_order_days=None,
        mean_lines=2.0,
        extra_units_rate=0.1,
        price=60.0,
        price_spread=0.35,
        discounted_share=0.2,
        discount_percents=(10, 15),
        returned_share=0.03,
        mobile_share=0.15,
        store_share=0.2,
        visits_per_quarter=1.5,
        mean_views=2.0,
    ),
    Archetype(
        name="trend_seeker",
        share=0.17,
        min_orders=3,
        mean_further_orders=2.5,
        first_order_days=(0, 300),
        last_order_days=None,
        mean_lines=1.4,
        extra_units_rate=0.02,
        price=42.0,
        price_spread=0.3,
        discounted_share=0.25,
        discount_percents=(10, 15, 20),
        returned_share=0.2,
        mobile_share=0.93,
        store_share=0.0,
        visits_per_quarter=4.6,
        mean_views=4.0,
        tastes={"Dresses": 6.0, "Tops": 4.0, "Shoes": 4.0},
    ),
    Archetype(
        name="budget_shopper",
        share=0.22,
        min_orders=2,
        mean_further_orders=2.5,
        first_order_days=(0, 300),
        last_order_days=None,
        mean_lines=2.2,
        extra_units_rate=0.3,
        price=18.0,
        price_spread=0.3,
        discounted_share=0.92,
        discount_percents=(30, 40, 50),
        returned_share=0.03,
        mobile_share=0.45,
        store_share=0.15,
        visits_per_quarter=2.0,
        mean_views=2.5,
        tastes={"Tops": 3.0, "Accessories": 3.0, "Activewear": 3.0},
    ),
    Archetype(
        name="lapsed_big_spender",
        share=0.17,
        min_orders=2,
        mean_further_orders=2.0,
        first_order_days=(0, 50),
        last_order_days=(61, 181),
        mean_lines=2.6,
        extra_units_rate=0.1,
        price=170.0,
        price_spread=0.3,
        discounted_share=0.05,
        discount_percents=(10,),
        returned_share=0.03,
        mobile_share=0.12,
        store_share=0.3,
        visits_per_quarter=2.0,
        late_visits=0.15,
        mean_views=3.0,
        tastes={"Outerwear": 3.0, "Bags": 3.0, "Shoes": 2.0},
    ),
    Archetype(
        name="one_time_gift_buyer",
        share=0.23,
        min_orders=1,
        mean_further_orders=0.0,
        first_order_days=(0, N_DAYS - 1),
        last_order_days=None,
        mean_lines=1.1,
        extra_units_rate=0.05,
        price=35.0,
        price_spread=0.25,
        discounted_share=0.08,
        discount_percents=(10, 15),
        returned_share=0.01,
        mobile_share=0.08,
        store_share=0.05,
        visits_per_quarter=4.0,
        mean_views=2.0,
        is_seasonal_gift=True,
        tastes={"Jewellery": 6.0, "Accessories": 4.0, "Bags": 2.0},
    ),
)


@dataclass(frozen=True)
class Faults:
    """How much dirt is planted, as shares of the clean records unless said otherwise.

    Attributes
    ----------
    duplicate_events
        Events sent a second time with the same `messageId`.
    late_events
        Events received one to four days after they occurred.
    malformed_json, missing_id, missing_identity, unparseable_timestamp,
    future_timestamp, unknown_type, missing_event_name
        Events spoiled so that they must be rejected for that reason.
    bot_visits_per_customer
        Visits by robots, each of some 20 events, per customer of the shop.
    duplicate_lines
        Order lines exported a second time.
    unparseable_lines
        Order lines with a broken quantity, and as many with a broken time.
    cancelled_orders
        Online orders of customers with three or more that are cancelled.
    """

    duplicate_events: float = 0.015
    late_events: float = 0.01
    malformed_json: float = 0.0012
    missing_id: float = 0.001
    missing_identity: float = 0.0003
    unparseable_timestamp: float = 0.0003
    future_timestamp: float = 0.0006
    unknown_type: float = 0.0003
    missing_event_name: float = 0.0003
    bot_visits_per_customer: float = 0.025
    duplicate_lines: float = 0.01
    unparseable_lines: float = 0.002
    cancelled_orders: float = 0.012


@dataclass(frozen=True)
class Parameters:
    """The size of the simulated shop and what chance starts from.

    Attributes
    ----------
    n_customers
        Known customers: purchasers of the five archetypes, and prospects.
    prospect_share
        Share of them who sign up and browse but never buy.
    visitors_per_customer
        Devices that come once or twice and never say whose they are.
    seed
        Seed of numpy's PCG64 generators, one spawned per part of the simulation.
    faults
        The dirt.
    """

    n_customers: int = 2_500
    prospect_share: float = 0.42
    visitors_per_customer: float = 0.5
    seed: int = 20251
    faults: Faults = Faults()

    def __post_init__(self) -> None:
        """Check the number of customers.

        Raises
        ------
        ValueError
            If it is not from 20 to 79,900.
        """
        smallest = 20
        if not smallest <= self.n_customers <= MAX_CUSTOMERS:
            message = (
                f"n_customers is {self.n_customers}; expected {smallest} to "
                f"{MAX_CUSTOMERS:,} (one telephone number reserved for fiction each)."
            )
            raise ValueError(message)
