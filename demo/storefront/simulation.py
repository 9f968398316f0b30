"""What truly happens in the simulated shop: customers, orders, visits, clean events.

Nothing here knows of files or of dirt. Times are milliseconds since 1970 in UTC, money
is in cents, days count from 0 = 1 January. Everything is an array with one element per
customer, order, line, visit or event; a link from one to the other is an index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from demo.storefront.catalogue import CATEGORIES, Catalogue, make_catalogue
from demo.storefront.parameters import (
    ARCHETYPES,
    AS_OF_DATE,
    FIRST_DATE,
    N_DAYS,
    TIME_ZONE,
    Parameters,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Booleans = npt.NDArray[np.bool_]

CHANNELS = ("web", "mobile", "store")
WEB, MOBILE, STORE = range(3)
PROSPECT_KIND = len(ARCHETYPES)
STRANGER_KIND = PROSPECT_KIND + 1
OTHERS_MEAN_VIEWS = 2.0
PROSPECTS_MOBILE_SHARE = 0.55
STRANGERS_MOBILE_SHARE = 0.6
STRANGERS_AGAIN_SHARE = 0.15
MIN_ORDERS_TO_CANCEL = 3
LEFT_CART_SHARE = 0.15
LEFT_CHECKOUT_SHARE = 0.4
# What stands for "none" in an array of indices or times.
NOBODY = NOTHING = NEVER = -1


class EventKind(IntEnum):
    """The kinds of events that the shop's site sends."""

    PAGE = 0
    PRODUCT_LIST_VIEWED = 1
    PRODUCTS_SEARCHED = 2
    PRODUCT_VIEWED = 3
    PRODUCT_ADDED = 4
    CHECKOUT_STARTED = 5
    ORDER_COMPLETED = 6
    IDENTIFY = 7


class Login(IntEnum):
    """Whether the site knows the customer during a visit."""

    NEVER = 0
    FROM_THE_START = 1
    HALFWAY = 2


@dataclass(frozen=True)
class Customers:
    """Known customers; `kind` is an index into `ARCHETYPES`, or `PROSPECT_KIND`."""

    kind: Integers

    def __len__(self) -> int:
        """Return their number."""
        return len(self.kind)


@dataclass(frozen=True)
class Orders:
    """Orders in order of time; `cancelled_at` is -1 where the order stands."""

    customer: Integers
    channel: Integers
    ordered_at: Integers
    cancelled_at: Integers


@dataclass(frozen=True)
class Lines:
    """Order lines, grouped by order; `returned_at` is -1 where nothing came back."""

    order: Integers
    line_number: Integers
    product: Integers
    quantity: Integers
    unit_price: Integers
    unit_discount: Integers
    returned_at: Integers


@dataclass(frozen=True)
class Visits:
    """Visits to the site; a device makes at most one a day.

    `customer` is -1 for a visitor who never says who it is, `device` numbers the
    cookie (two for each customer, then one for each visitor), `order` is -1 without
    a purchase.
    """

    customer: Integers
    device: Integers
    is_mobile: Booleans
    login: Integers
    order: Integers
    started_at: Integers


@dataclass(frozen=True)
class Events:
    """Events by visit and time; `is_known` says whether they carry the user's id."""

    visit: Integers
    kind: Integers
    product: Integers
    occurred_at: Integers
    is_known: Booleans


@dataclass(frozen=True)
class Truth:
    """All that happened."""

    catalogue: Catalogue
    customers: Customers
    orders: Orders
    lines: Lines
    visits: Visits
    events: Events


def to_utc(days: Integers, seconds: Integers) -> Integers:
    """Return the UTC milliseconds of a local day and second of that day.

    Hours that a change of clocks skips or repeats (1 to 3 at night) are not for here.
    """
    local = np.datetime64(FIRST_DATE, "s") + (days * 86_400 + seconds).astype(
        "timedelta64[s]"
    )
    zoned = pd.DatetimeIndex(local).tz_localize(TIME_ZONE)
    return np.asarray(zoned.as_unit("ms").asi8, dtype=np.int64)


def end_of_year() -> int:
    """Return the exclusive bound of everything, in UTC milliseconds."""
    midnight = pd.Timestamp(AS_OF_DATE).tz_localize(TIME_ZONE)
    return int(midnight.timestamp()) * 1000


def _day_weights() -> Floats:
    # Months from a fashion retailer's year: sales in January and July, the holidays.
    months = (0.95, 0.8, 0.95, 1.0, 1.05, 0.95, 0.9, 0.9, 1.0, 1.05, 1.3, 1.35)
    weekdays = (0.9, 0.9, 0.95, 1.0, 1.05, 1.15, 1.15)
    days = pd.date_range(FIRST_DATE, periods=N_DAYS)
    weights = np.array(months)[days.month - 1] * np.array(weekdays)[days.day_of_week]
    weights[_days_between(date(2025, 11, 28), date(2025, 12, 1))] *= 2.2
    return np.asarray(weights, dtype=np.float64)


def _days_between(first: date, last: date) -> slice:
    return slice((first - FIRST_DATE).days, (last - FIRST_DATE).days + 1)


def _gift_weights(weights: Floats) -> Floats:
    gift_weights = weights * 0.3
    # Valentine's Day, Mother's Day, Father's Day, the holidays.
    for first, last, factor in (
        (date(2025, 2, 1), date(2025, 2, 14), 2.0),
        (date(2025, 5, 1), date(2025, 5, 11), 2.0),
        (date(2025, 6, 6), date(2025, 6, 15), 1.5),
        (date(2025, 11, 20), date(2025, 12, 23), 12.0),
    ):
        days = _days_between(first, last)
        gift_weights[days] = weights[days] * factor
    return gift_weights


def _choose_days(
    rng: np.random.Generator,
    counts: Integers,
    bounds: tuple[Integers, Integers],
    weights: Floats,
    excluded: Booleans | None = None,
) -> Booleans:
    """Choose days without replacement, for everybody at once.

    The Gumbel-top-k trick: the k largest of log weight + Gumbel noise are a weighted
    sample without replacement (Yellott 1977; Kool et al. 2019).

    Parameters
    ----------
    rng
        Source of chance.
    counts
        How many days each wants, (n,).
    bounds
        The first and the last day that each may have, (n,) both.
    weights
        Weight of the days, (n_days,) or (n, n_days).
    excluded
        Days that it may not have, (n, n_days).

    Returns
    -------
    numpy.ndarray of bool, (n, n_days)
        The chosen days; fewer than wanted where the range is too short.
    """
    days = np.arange(N_DAYS)
    first, last = bounds
    scores = np.log(weights) + rng.gumbel(size=(len(counts), N_DAYS))
    allowed = (days >= first[:, None]) & (days <= last[:, None])
    if excluded is not None:
        allowed &= ~excluded
    scores[~allowed] = -np.inf
    ranks = np.argsort(np.argsort(-scores, axis=1), axis=1)
    return allowed & (ranks < counts[:, None])


def _seconds_of_day(rng: np.random.Generator, size: int) -> Integers:
    # From 7 to 22 hours: a bump at noon, the peak in the evening.
    hours = np.arange(7, 22)
    weights = np.array([2, 3, 4, 5, 5, 6, 5, 4, 4, 4, 5, 6, 8, 9, 8], dtype=np.float64)
    chosen = rng.choice(hours, size=size, p=weights / weights.sum())
    return np.asarray(chosen * 3600 + rng.integers(0, 3600, size), dtype=np.int64)


def _draw_customers(rng: np.random.Generator, parameters: Parameters) -> Customers:
    n_prospects = round(parameters.n_customers * parameters.prospect_share)
    n_purchasers = parameters.n_customers - n_prospects
    bounds = np.cumsum([archetype.share for archetype in ARCHETYPES])
    edges = np.round(bounds / bounds[-1] * n_purchasers).astype(np.int64)
    sizes = np.diff(edges, prepend=0)
    kinds = np.repeat(np.arange(len(ARCHETYPES)), sizes)
    kinds = np.concatenate([kinds, np.full(n_prospects, PROSPECT_KIND)])
    return Customers(kind=rng.permutation(kinds))


@dataclass(frozen=True)
class _Calendar:
    """Who is active when: days as (n_customers, N_DAYS), ranges and rates as (n,)."""

    order_days: Booleans
    visit_days: Booleans
    rate: Floats


def _draw_calendar(rng: np.random.Generator, customers: Customers) -> _Calendar:
    n_customers = len(customers)
    weights = _day_weights()
    order_days = np.zeros((n_customers, N_DAYS), dtype=np.bool_)
    visit_days = np.zeros((n_customers, N_DAYS), dtype=np.bool_)
    rates = np.ones(n_customers)
    for kind, archetype in enumerate(ARCHETYPES):
        members = np.flatnonzero(customers.kind == kind)
        size = len(members)
        rate = rng.lognormal(0.0, archetype.spread, size)
        further = rng.poisson(archetype.mean_further_orders * rate)
        low, high = archetype.first_order_days
        if archetype.is_seasonal_gift:
            gift_weights = _gift_weights(weights)
            first = rng.choice(N_DAYS, size=size, p=gift_weights / gift_weights.sum())
            last = first.copy()
            until = np.minimum(first + 5, N_DAYS - 1)
        else:
            first = rng.integers(low, high + 1, size)
            last = np.full(size, N_DAYS - 1)
            if archetype.last_order_days is not None:
                low, high = archetype.last_order_days
                last = rng.integers(low, high + 1, size)
            until = last
        chosen = np.zeros((size, N_DAYS), dtype=np.bool_)
        chosen[np.arange(size), first] = True
        if archetype.last_order_days is not None:
            chosen[np.arange(size), last] = True
        wanted = archetype.min_orders + further - chosen.sum(axis=1)
        chosen |= _choose_days(rng, wanted, (first + 1, last), weights, chosen)
        order_days[members] = chosen
        since = np.maximum(first - 10, 0)
        mean = archetype.visits_per_quarter * rate * (until - since + 1) / 90
        visits = _choose_days(rng, rng.poisson(mean), (since, until), weights, chosen)
        if archetype.late_visits:
            start = np.full(size, N_DAYS - 90)
            end = np.full(size, N_DAYS - 1)
            late = rng.poisson(archetype.late_visits, size)
            visits |= _choose_days(rng, late, (start, end), weights)
        visit_days[members] = visits
        rates[members] = rate
    members = np.flatnonzero(customers.kind == PROSPECT_KIND)
    first = rng.choice(N_DAYS, size=len(members), p=weights / weights.sum())
    chosen = np.zeros((len(members), N_DAYS), dtype=np.bool_)
    chosen[np.arange(len(members)), first] = True
    again = rng.poisson(1.0, len(members))
    until = np.minimum(first + 90, N_DAYS - 1)
    chosen |= _choose_days(rng, again, (first + 1, until), weights)
    visit_days[members] = chosen
    return _Calendar(order_days, visit_days, rates)


def _product_weights(catalogue: Catalogue, kind: int) -> Floats:
    """Return how likely each product is for a kind of customer, summing to 1."""
    n_products = len(catalogue.product_id)
    if kind >= len(ARCHETYPES):
        return np.full(n_products, 1 / n_products)
    archetype = ARCHETYPES[kind]
    distance = np.log(catalogue.list_price / 100 / archetype.price)
    tastes = np.array([archetype.tastes.get(name, 1.0) for name in CATEGORIES])
    weights = tastes[catalogue.category] * np.exp(
        -0.5 * (distance / archetype.price_spread) ** 2
    )
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _draw_lines(
    rng: np.random.Generator,
    catalogue: Catalogue,
    order_kind: Integers,
    order_rate: Floats,
) -> Lines:
    """Draw the lines of every order; what comes back is drawn later."""
    n_products = len(catalogue.product_id)
    blocks: list[tuple[Integers, ...]] = []
    for kind, archetype in enumerate(ARCHETYPES):
        orders = np.flatnonzero(order_kind == kind)
        n_lines = 1 + rng.poisson((archetype.mean_lines - 1) * order_rate[orders])
        order = np.repeat(orders, n_lines)
        size = len(order)
        product = rng.choice(n_products, size, p=_product_weights(catalogue, kind))
        quantity = 1 + rng.poisson(archetype.extra_units_rate, size)
        price = catalogue.list_price[product]
        percent = rng.choice(archetype.discount_percents, size)
        percent = np.where(rng.random(size) < archetype.discounted_share, percent, 0)
        discount = np.round(price * percent / 100).astype(np.int64)
        blocks.append((order, product, quantity, price, discount))
    order, product, quantity, price, discount = (
        np.concatenate(parts) for parts in zip(*blocks, strict=True)
    )
    # A product is on an order once; `unique` also sorts by order and product.
    _, kept = np.unique(order * n_products + product, return_index=True)
    order = order[kept]
    starts = np.flatnonzero(np.diff(order, prepend=-1))
    sizes = np.diff(starts, append=len(order))
    return Lines(
        order=order,
        line_number=np.arange(len(order)) - np.repeat(starts, sizes) + 1,
        product=product[kept],
        quantity=quantity[kept],
        unit_price=price[kept],
        unit_discount=discount[kept],
        returned_at=np.full(len(order), NEVER),
    )


def _draw_visits(
    rng: np.random.Generator,
    parameters: Parameters,
    calendar: _Calendar,
    mobile_rate: Floats,
    orders: Orders,
) -> Visits:
    """Draw every visit: those with an online order, those without, and strangers'."""
    n_customers = len(mobile_rate)
    online = np.flatnonzero(orders.channel != STORE)
    browsing, browsing_day = np.nonzero(calendar.visit_days)
    is_mobile = rng.random(len(browsing)) < mobile_rate[browsing]

    n_strangers = round(parameters.n_customers * parameters.visitors_per_customer)
    weights = _day_weights()
    n_visits = 1 + rng.binomial(1, STRANGERS_AGAIN_SHARE, n_strangers)
    whole_year = (np.zeros_like(n_visits), np.full_like(n_visits, N_DAYS - 1))
    stranger_days = _choose_days(rng, n_visits, whole_year, weights)
    stranger, stranger_day = np.nonzero(stranger_days)
    is_mobile_device = rng.random(n_strangers) < STRANGERS_MOBILE_SHARE
    stranger_is_mobile = is_mobile_device[stranger]

    customer = np.concatenate(
        [orders.customer[online], browsing, np.full(len(stranger), NOBODY)]
    )
    is_mobile = np.concatenate(
        [orders.channel[online] == MOBILE, is_mobile, stranger_is_mobile]
    )
    day = np.concatenate([orders.ordered_at[online], browsing_day, stranger_day])
    order = np.concatenate([online, np.full(len(browsing) + len(stranger), NOTHING)])
    device = np.where(customer == NOBODY, 0, customer * 2 + is_mobile)
    device[customer == NOBODY] = 2 * n_customers + stranger

    login = _draw_login(rng, device, day, customer)
    login[(order != NOTHING) & (login == Login.NEVER)] = Login.HALFWAY
    started_at = to_utc(day, _seconds_of_day(rng, len(day)))
    by_time = np.lexsort((device, started_at))
    return Visits(
        customer=customer[by_time],
        device=device[by_time],
        is_mobile=is_mobile[by_time],
        login=login[by_time],
        order=order[by_time],
        started_at=started_at[by_time],
    )


def _draw_login(
    rng: np.random.Generator, device: Integers, day: Integers, customer: Integers
) -> Integers:
    """Decide who is logged in: the first visit of a customer's device logs in."""
    size = len(device)
    login = rng.choice(
        [Login.NEVER, Login.HALFWAY, Login.FROM_THE_START], size, p=[0.15, 0.15, 0.7]
    )
    by_device = np.lexsort((day, device))
    is_first = np.diff(device[by_device], prepend=-1) != 0
    login[by_device[is_first]] = Login.HALFWAY
    login[customer == NOBODY] = Login.NEVER
    return np.asarray(login, dtype=np.int64)


class _EventBlocks:
    """Events in the making: visit, kind, place between first page and end, product."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Integers, Integers, Floats, Integers]] = []

    def add(
        self,
        kind: EventKind,
        visit: Integers,
        place: Floats | float,
        product: Integers | int = -1,
    ) -> None:
        """Add one event for each element of `visit`."""
        size = len(visit)
        self._blocks.append(
            (
                visit,
                np.full(size, int(kind)),
                np.broadcast_to(np.asarray(place, dtype=np.float64), (size,)),
                np.broadcast_to(np.asarray(product, dtype=np.int64), (size,)),
            )
        )

    def in_order(self) -> tuple[Integers, Integers, Integers]:
        """Return visit, kind and product, sorted by visit and place."""
        visit = np.concatenate([block[0] for block in self._blocks])
        kind = np.concatenate([block[1] for block in self._blocks])
        place = np.concatenate([block[2] for block in self._blocks])
        product = np.concatenate([block[3] for block in self._blocks])
        order = np.lexsort((np.arange(len(visit)), place, visit))
        return visit[order], kind[order], product[order]


def _add_browsing(
    rng: np.random.Generator,
    catalogue: Catalogue,
    visits: Visits,
    visit_kind: Integers,
    blocks: _EventBlocks,
) -> None:
    """Add pages, lists, searches, views, and carts that are left behind."""
    size = len(visits.customer)
    n_products = len(catalogue.product_id)
    everybody = np.arange(size)
    blocks.add(EventKind.PAGE, everybody, 0.0)
    visit = np.repeat(everybody, rng.poisson(0.25, size))
    blocks.add(EventKind.PAGE, visit, rng.uniform(0.02, 0.7, len(visit)))
    # The product of a list or a search stands for the category that is looked for.
    for kind, mean in (
        (EventKind.PRODUCT_LIST_VIEWED, 0.6),
        (EventKind.PRODUCTS_SEARCHED, 0.25),
    ):
        visit = np.repeat(everybody, rng.poisson(mean, size))
        place = rng.uniform(0.02, 0.4, len(visit))
        blocks.add(kind, visit, place, rng.integers(n_products, size=len(visit)))
    for customer_kind in range(STRANGER_KIND + 1):
        members = np.flatnonzero(visit_kind == customer_kind)
        mean = OTHERS_MEAN_VIEWS
        if customer_kind < len(ARCHETYPES):
            mean = ARCHETYPES[customer_kind].mean_views
        visit = np.repeat(members, 1 + rng.poisson(mean - 1, len(members)))
        weights = _product_weights(catalogue, customer_kind)
        product = rng.choice(n_products, len(visit), p=weights)
        place = rng.uniform(0.05, 0.7, len(visit))
        blocks.add(EventKind.PRODUCT_VIEWED, visit, place, product)
        is_first = np.diff(visit, prepend=-1) != 0
        is_left = is_first & (rng.random(len(visit)) < LEFT_CART_SHARE)
        is_left &= visits.order[visit] == NOTHING
        blocks.add(
            EventKind.PRODUCT_ADDED,
            visit[is_left],
            place[is_left] + 0.1,
            product[is_left],
        )
        is_left &= rng.random(len(visit)) < LEFT_CHECKOUT_SHARE
        is_left &= visits.login[visit] != Login.NEVER
        blocks.add(EventKind.CHECKOUT_STARTED, visit[is_left], 0.9)


def _add_buying(
    rng: np.random.Generator,
    visits: Visits,
    lines: Lines,
    blocks: _EventBlocks,
) -> None:
    """Add what leads to an order; every product of it is viewed and added."""
    ordering = np.flatnonzero(visits.order != NOTHING)
    visit_of_order = np.full(int(lines.order.max()) + 1, NOTHING)
    visit_of_order[visits.order[ordering]] = ordering
    visit = visit_of_order[lines.order]
    is_online = visit != NOTHING
    visit, product = visit[is_online], lines.product[is_online]
    place = rng.uniform(0.05, 0.5, len(visit))
    blocks.add(EventKind.PRODUCT_VIEWED, visit, place, product)
    blocks.add(EventKind.PRODUCT_ADDED, visit, place + 0.3, product)
    blocks.add(EventKind.CHECKOUT_STARTED, ordering, 0.9)
    blocks.add(EventKind.ORDER_COMPLETED, ordering, 1.0)


def _draw_events(
    rng: np.random.Generator,
    catalogue: Catalogue,
    visits: Visits,
    visit_kind: Integers,
    lines: Lines,
) -> Events:
    """Draw the events of every visit.

    Each has a place between 0 (the first page) and 1 (the order); times follow from
    the places by lognormal gaps of under ten minutes, so that a visit is one session.
    """
    blocks = _EventBlocks()
    _add_browsing(rng, catalogue, visits, visit_kind, blocks)
    _add_buying(rng, visits, lines, blocks)
    logging_in = np.flatnonzero(visits.login == Login.HALFWAY)
    place = rng.uniform(0.2, 0.6, len(logging_in))
    place[visits.order[logging_in] != NOTHING] = 0.85
    blocks.add(EventKind.IDENTIFY, logging_in, place)
    visit, kind, product = blocks.in_order()

    # Cumulated over everything, then brought back to 0 at the start of each visit.
    starts = np.flatnonzero(np.diff(visit, prepend=-1))
    sizes = np.diff(starts, append=len(visit))
    gaps = np.clip(rng.lognormal(np.log(35_000), 0.9, len(visit)), 2_000, 590_000)
    elapsed = np.cumsum(np.round(gaps).astype(np.int64))
    elapsed -= np.repeat(elapsed[starts], sizes)
    is_identify = kind == EventKind.IDENTIFY
    n_identified = np.cumsum(is_identify)
    n_before = np.repeat((n_identified - is_identify)[starts], sizes)
    is_known = (visits.login[visit] == Login.FROM_THE_START) | (n_identified > n_before)
    return Events(
        visit=visit,
        kind=kind,
        product=product,
        occurred_at=visits.started_at[visit] + elapsed,
        is_known=is_known,
    )


def _draw_channels(
    rng: np.random.Generator, order_kind: Integers, order_mobile_rate: Floats
) -> Integers:
    store_share = np.array([archetype.store_share for archetype in ARCHETYPES])
    size = len(order_kind)
    channel = np.where(rng.random(size) < order_mobile_rate, MOBILE, WEB)
    channel[rng.random(size) < store_share[order_kind]] = STORE
    return channel


def _draw_mobile_rates(rng: np.random.Generator, customers: Customers) -> Floats:
    shares = [archetype.mobile_share for archetype in ARCHETYPES]
    mean = np.array([*shares, PROSPECTS_MOBILE_SHARE])[customers.kind]
    # Beta with a weight of 12 earlier visits: people have habits, no two the same.
    return np.asarray(rng.beta(12 * mean, 12 * (1 - mean)), dtype=np.float64)


def _draw_cancellations(
    rng: np.random.Generator, orders: Orders, share: float
) -> Integers:
    """Return when each order was cancelled, 20 to 100 minutes later, or -1.

    That is before one at night, when local time could be ambiguous.
    """
    n_orders = np.bincount(orders.customer)[orders.customer]
    after = rng.integers(20 * 60, 100 * 60, len(n_orders)) * 1000
    cancelled_at = orders.ordered_at + after
    is_cancelled = (n_orders >= MIN_ORDERS_TO_CANCEL) & (orders.channel != STORE)
    is_cancelled &= rng.random(len(n_orders)) < share
    is_cancelled &= cancelled_at < end_of_year()
    return np.where(is_cancelled, cancelled_at, NEVER)


def _draw_returns(
    rng: np.random.Generator, orders: Orders, lines: Lines, order_kind: Integers
) -> Integers:
    """Return when each line came back, 3 to 25 days after the order, or -1."""
    shares = np.array([archetype.returned_share for archetype in ARCHETYPES])
    size = len(lines.order)
    ordered_at = pd.to_datetime(orders.ordered_at[lines.order], unit="ms", utc=True)
    midnight = pd.Timestamp(FIRST_DATE, tz=TIME_ZONE)
    day = np.asarray((ordered_at - midnight).days, dtype=np.int64)
    day += rng.integers(3, 26, size)
    returned_at = to_utc(day, rng.integers(9 * 3600, 20 * 3600, size))
    is_returned = rng.random(size) < shares[order_kind[lines.order]]
    is_returned &= orders.cancelled_at[lines.order] == NEVER
    is_returned &= returned_at < end_of_year()
    return np.where(is_returned, returned_at, NEVER)


def simulate(parameters: Parameters) -> Truth:
    """Simulate the shop's year.

    Parameters
    ----------
    parameters
        Size and seed.

    Returns
    -------
    Truth
        What happened, without any fault.
    """
    seeds = np.random.SeedSequence(parameters.seed).spawn(10)
    rngs = iter([np.random.default_rng(seed) for seed in seeds])
    catalogue = make_catalogue(next(rngs))
    customers = _draw_customers(next(rngs), parameters)
    calendar = _draw_calendar(next(rngs), customers)
    mobile_rate = _draw_mobile_rates(next(rngs), customers)

    customer, day = np.nonzero(calendar.order_days)
    kind = customers.kind[customer]
    lines = _draw_lines(next(rngs), catalogue, kind, calendar.rate[customer])
    channel = _draw_channels(next(rngs), kind, mobile_rate[customer])
    never = np.full(len(customer), NEVER)
    # Until visits give orders their times, `ordered_at` holds the day.
    orders = Orders(customer, channel, day, never)
    visits = _draw_visits(next(rngs), parameters, calendar, mobile_rate, orders)
    visit_kind = np.where(
        visits.customer == NOBODY, STRANGER_KIND, customers.kind[visits.customer]
    )
    events = _draw_events(next(rngs), catalogue, visits, visit_kind, lines)

    rng = next(rngs)
    ordered_at = to_utc(day, rng.integers(10 * 3600, 20 * 3600, len(day)))
    completed = np.flatnonzero(events.kind == EventKind.ORDER_COMPLETED)
    order = visits.order[events.visit[completed]]
    ordered_at[order] = events.occurred_at[completed]

    by_time = np.lexsort((customer, ordered_at))
    new_index = np.empty_like(by_time)
    new_index[by_time] = np.arange(len(by_time))
    orders = Orders(customer[by_time], channel[by_time], ordered_at[by_time], never)
    kind = kind[by_time]
    cancelled_at = _draw_cancellations(rng, orders, parameters.faults.cancelled_orders)
    orders = replace(orders, cancelled_at=cancelled_at)
    lines = _sorted_lines(lines, new_index)
    lines = replace(lines, returned_at=_draw_returns(rng, orders, lines, kind))
    visits = replace(
        visits,
        order=np.where(visits.order == NOTHING, NOTHING, new_index[visits.order]),
    )
    return Truth(catalogue, customers, orders, lines, visits, events)


def _sorted_lines(lines: Lines, new_index: Integers) -> Lines:
    """Return the lines with orders renumbered, sorted by order and line."""
    order = new_index[lines.order]
    by_order = np.lexsort((lines.line_number, order))
    return Lines(
        order=order[by_order],
        line_number=lines.line_number[by_order],
        product=lines.product[by_order],
        quantity=lines.quantity[by_order],
        unit_price=lines.unit_price[by_order],
        unit_discount=lines.unit_discount[by_order],
        returned_at=lines.returned_at[by_order],
    )
