"""What the simulated shop is like: every number of it, written once.

The archetypes were separated before anything else was written: with these numbers and
the default seed, the features that the warehouse computes (`customer_features`, counts
and amounts as log1p, then standardised) let KMeans at k = 5 find the archetypes again,
and the silhouette picks k within 5 +- 1. `tests/demo/test_demo_storefront.py`
recomputes both from the landed files; README.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

AS_OF_DATE = date(2026, 1, 1)
# The archetypes' days count in a year; a shorter or longer period stretches them.
N_DAYS = 365
TIME_ZONE = "America/New_York"
REPORTING_CURRENCY_CODE = "USD"

MIN_CUSTOMERS, MAX_CUSTOMERS = 20, 2_000_000
MIN_DAYS, MAX_DAYS = 60, 1_461
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Country:
    """Where people live.

    Attributes
    ----------
    code, name
        ISO 3166-1 alpha-2, and the English name that GA4 writes.
    share
        Share of the customers.
    currency_code
        What they pay in.
    is_opt_in
        Whether an event without any consent signal must not be used there.
    """

    code: str
    name: str
    share: float
    currency_code: str
    is_opt_in: bool


COUNTRIES = (
    Country("US", "United States", 0.64, "USD", is_opt_in=False),
    Country("GB", "United Kingdom", 0.16, "GBP", is_opt_in=True),
    Country("DE", "Germany", 0.11, "EUR", is_opt_in=True),
    Country("FR", "France", 0.09, "EUR", is_opt_in=True),
)
CURRENCY_CODES = ("USD", "GBP", "EUR")
# What a dollar of the list price costs there, before rounding to .95.
PRICE_FACTORS = (1.0, 0.8, 0.92)
# The dollar's price of one unit on the first day; then it wanders.
FIRST_RATES = (1.0, 1.25, 1.087)


@dataclass(frozen=True)
class Archetype:
    """A kind of purchaser.

    Days count from 0 to 364 in a year, and are stretched to another period. Means of
    customers are spread by `spread`, so that two customers of one kind are not alike.

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
    late_events, delayed_events
        Events received one to four days, or two to 24 hours, after they occurred.
    misfiled_events
        Events that land in the file of the month before or after the one in which
        they were received.
    malformed_json, missing_id, missing_identity, unparseable_timestamp,
    future_timestamp, unknown_type, missing_event_name
        Events spoiled so that they must be rejected for that reason.
    bot_visits_per_customer
        Visits by robots, each of some 20 events, per customer of the shop.
    skewed_devices
        Share of the site's devices whose clock is hours or days off.
    duplicate_app_events
        Rows of the app's export that are there twice.
    malformed_app_json, missing_app_identity, missing_app_name, missing_app_timestamp
        Rows of the app's export spoiled so that they must be rejected.
    duplicate_lines
        Store order lines exported a second time.
    unparseable_lines
        Store order lines with a broken quantity, and as many with a broken time.
    unnamed_store_orders
        Share of store orders at which no loyalty card was shown.
    cancelled_orders
        Online orders of customers with three or more that are cancelled.
    duplicate_orders
        Order records sent a second time, unchanged.
    malformed_orders
        Further order records cut in half, of orders that arrive whole as well.
    test_orders
        Orders that staff placed to try the shop, as a share of the online orders.
    only_in_events, only_in_order_system
        Online orders that the order system lost, or that no event tells of.
    missing_contact_ids
        Further CRM records without a contact id, as a share of the contacts.
    """

    duplicate_events: float = 0.015
    late_events: float = 0.01
    delayed_events: float = 0.005
    misfiled_events: float = 0.002
    malformed_json: float = 0.0012
    missing_id: float = 0.001
    missing_identity: float = 0.0003
    unparseable_timestamp: float = 0.0003
    future_timestamp: float = 0.0006
    unknown_type: float = 0.0003
    missing_event_name: float = 0.0003
    bot_visits_per_customer: float = 0.025
    skewed_devices: float = 0.01
    duplicate_app_events: float = 0.01
    malformed_app_json: float = 0.0012
    missing_app_identity: float = 0.001
    missing_app_name: float = 0.001
    missing_app_timestamp: float = 0.001
    duplicate_lines: float = 0.02
    unparseable_lines: float = 0.01
    unnamed_store_orders: float = 0.1
    cancelled_orders: float = 0.012
    duplicate_orders: float = 0.01
    malformed_orders: float = 0.004
    test_orders: float = 0.006
    only_in_events: float = 0.005
    only_in_order_system: float = 0.01
    missing_contact_ids: float = 0.02


@dataclass(frozen=True)
class Parameters:
    """The size of the simulated shop and what chance starts from.

    Attributes
    ----------
    n_customers
        Known customers: purchasers of the five archetypes, and prospects.
    n_days
        Days before `AS_OF_DATE` in which everything happens.
    prospect_share
        Share of them who sign up and browse but never buy.
    visitors_per_customer
        Devices that come once or twice and never say whose they are.
    kiosk_users
        Customers who log in at the one tablet in a store; all of them if there are
        fewer.
    seed
        Seed of numpy's PCG64 generators, one spawned per part of the simulation.
    has_daily_app_files
        Whether the app's export has a file for each day, as Google writes it, or one
        for each month, which loads faster.
    has_anomalies
        Whether some days have far too few or too many events of a name.
    faults
        The dirt.
    """

    n_customers: int = 2_500
    n_days: int = N_DAYS
    prospect_share: float = 0.42
    visitors_per_customer: float = 0.25
    kiosk_users: int = 200
    seed: int = 20251
    has_daily_app_files: bool = False
    has_anomalies: bool = True
    faults: Faults = Faults()

    def __post_init__(self) -> None:
        """Check the numbers of customers and days, and the seed.

        Raises
        ------
        ValueError
            If one is out of its range; the message names the range.
        """
        for name, value, smallest, largest in (
            ("n_customers", self.n_customers, MIN_CUSTOMERS, MAX_CUSTOMERS),
            ("n_days", self.n_days, MIN_DAYS, MAX_DAYS),
            ("kiosk_users", self.kiosk_users, 0, MAX_CUSTOMERS),
            ("seed", self.seed, 0, MAX_SEED),
        ):
            if not smallest <= value <= largest:
                message = f"{name} is {value}; expected {smallest} to {largest:,}."
                raise ValueError(message)

    @property
    def first_date(self) -> date:
        """The first day on which something happens."""
        return AS_OF_DATE - timedelta(days=self.n_days)
