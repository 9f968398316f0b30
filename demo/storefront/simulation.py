"""What truly happens in the simulated shop: customers, orders, visits, clean events.

Nothing here knows of files or of dirt. Times are milliseconds since 1970 in UTC, money
is in cents, days count from 0 = 1 January. Everything is an array with one element per
customer, order, line, visit or event; a link from one to the other is an index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from demo.storefront.catalogue import (
    CATEGORIES,
    Catalogue,
    local_prices,
    make_catalogue,
)
from demo.storefront.parameters import (
    ARCHETYPES,
    AS_OF_DATE,
    COUNTRIES,
    CURRENCY_CODES,
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
OTHERS_MEAN_VIEWS = 1.8
FURTHER_PAGES = 0.05
PROSPECTS_MOBILE_SHARE = 0.55
STRANGERS_MOBILE_SHARE = 0.6
STRANGERS_AGAIN_SHARE = 0.15
MIN_ORDERS_TO_CANCEL = 3
# Of people, who shops on a telephone in the app and not on the site; of strangers too.
APP_SHARE = 0.55
STRANGERS_APP_SHARE = 0.2
SECOND_ACCOUNT_SHARE = 0.03
SECOND_ACCOUNT_USE_SHARE = 0.4
# Pairs of people with one computer, as a share of the people.
HOUSEHOLD_SHARE = 0.02
SECOND_COMPUTER_SHARE = 0.15
SECOND_COMPUTER_USE_SHARE = 0.5
GUEST_SHARE = 0.08
# Devices of a person: computer, telephone's browser, second computer, the app.
N_SLOTS = 4
COMPUTER, BROWSER, SECOND_COMPUTER, APP = range(N_SLOTS)
# Rows of the days' matrices that are worked on at a time.
BLOCK = 20_000
US = 0
LEFT_CART_SHARE = 0.15
LEFT_CHECKOUT_SHARE = 0.4
COUNTRY_CURRENCY = np.array(
    [CURRENCY_CODES.index(country.currency_code) for country in COUNTRIES]
)
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
    AT_THE_KIOSK = 3


@dataclass(frozen=True)
class Customers:
    """Known customers, people of whom some have two accounts.

    `kind` is an index into `ARCHETYPES`, or `PROSPECT_KIND`; `country` into
    `COUNTRIES`. A person's first account has the person's number; `second_account` is
    -1 without one.
    """

    kind: Integers
    country: Integers
    second_account: Integers

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.kind)

    @property
    def account_person(self) -> Integers:
        """Whose each account is."""
        return np.concatenate(
            [np.arange(len(self)), np.flatnonzero(self.second_account >= 0)]
        )


@dataclass(frozen=True)
class Orders:
    """Orders in order of time; `cancelled_at` is -1 where the order stands.

    `account` is the customer's account, also of guests, who don't use it.
    """

    customer: Integers
    account: Integers
    channel: Integers
    is_guest: Booleans
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
class Devices:
    """What people use: cookies of browsers, and the app on a telephone.

    `owner` is -1 for a stranger's device, a family's computer and the kiosk; `kiosk`
    is the number of the kiosk. Not every device is ever used.
    """

    owner: Integers
    is_app: Booleans
    kiosk: int


@dataclass(frozen=True)
class Visits:
    """Visits to the site or the app.

    `customer` and `account` are -1 for a visitor who never says who it is, `order` is
    -1 without a purchase, `country` is where the visitor is.
    """

    customer: Integers
    account: Integers
    country: Integers
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

    def where(self, is_kept: Booleans) -> Events:
        """Return some of the events."""
        return Events(
            visit=self.visit[is_kept],
            kind=self.kind[is_kept],
            product=self.product[is_kept],
            occurred_at=self.occurred_at[is_kept],
            is_known=self.is_known[is_kept],
        )


@dataclass(frozen=True)
class Truth:
    """All that happened."""

    catalogue: Catalogue
    customers: Customers
    orders: Orders
    lines: Lines
    devices: Devices
    visits: Visits
    events: Events


def to_utc(first_date: date, days: Integers, seconds: Integers) -> Integers:
    """Return the UTC milliseconds of a local day and second of that day.

    Hours that a change of clocks skips or repeats (1 to 3 at night) are not for here.
    """
    local = np.datetime64(first_date, "s") + (days * 86_400 + seconds).astype(
        "timedelta64[s]"
    )
    zoned = pd.DatetimeIndex(local).tz_localize(TIME_ZONE)
    return np.asarray(zoned.as_unit("ms").asi8, dtype=np.int64)


def to_local(times: Integers) -> Integers:
    """Return UTC milliseconds as milliseconds of the shop's wall clock."""
    zoned = pd.to_datetime(times, unit="ms", utc=True).tz_convert(TIME_ZONE)
    return np.asarray(zoned.tz_localize(None).as_unit("ms").asi8, dtype=np.int64)


def end_of_period() -> int:
    """Return the exclusive bound of everything, in UTC milliseconds."""
    midnight = pd.Timestamp(AS_OF_DATE).tz_localize(TIME_ZONE)
    return int(midnight.timestamp()) * 1000


def _day_weights(parameters: Parameters) -> Floats:
    # Months from a fashion retailer's year: sales in January and July, the holidays.
    months = (0.95, 0.8, 0.95, 1.0, 1.05, 0.95, 0.9, 0.9, 1.0, 1.05, 1.3, 1.35)
    weekdays = (0.9, 0.9, 0.95, 1.0, 1.05, 1.15, 1.15)
    days = pd.date_range(parameters.first_date, periods=parameters.n_days)
    weights = np.array(months)[days.month - 1] * np.array(weekdays)[days.day_of_week]
    for year in range(parameters.first_date.year, AS_OF_DATE.year):
        thanksgiving = date(year, 11, 28) - timedelta(
            (date(year, 11, 28).weekday() - 3) % 7
        )
        friday = thanksgiving + timedelta(1)
        weights[_days_between(parameters, friday, friday + timedelta(3))] *= 2.2
    return np.asarray(weights, dtype=np.float64)


def _days_between(parameters: Parameters, first: date, last: date) -> slice:
    start, end = (day - parameters.first_date for day in (first, last))
    return slice(max(start.days, 0), max(end.days + 1, 0))


def _gift_weights(parameters: Parameters, weights: Floats) -> Floats:
    gift_weights = weights * 0.3
    # Valentine's Day, Mother's Day, Father's Day, the holidays.
    for year in range(parameters.first_date.year, AS_OF_DATE.year):
        for first, last, factor in (
            ((2, 1), (2, 14), 2.0),
            ((5, 1), (5, 11), 2.0),
            ((6, 6), (6, 15), 1.5),
            ((11, 20), (12, 23), 12.0),
        ):
            days = _days_between(parameters, date(year, *first), date(year, *last))
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
        Weight of the days, (n_days,).
    excluded
        Days that it may not have, (n, n_days).

    Returns
    -------
    numpy.ndarray of bool, (n, n_days)
        The chosen days; fewer than wanted where the range is too short.
    """
    n_days = len(weights)
    days = np.arange(n_days)
    log_weights = np.log(weights).astype(np.float32)
    chosen = np.zeros((len(counts), n_days), dtype=np.bool_)
    for start in range(0, len(counts), BLOCK):
        block = slice(start, start + BLOCK)
        first, last = (bound[block, None] for bound in bounds)
        # Minus the log of an exponential number is a Gumbel number; none may be zero.
        spread = rng.standard_exponential((len(counts[block]), n_days), np.float32)
        noise = -np.log(np.maximum(spread, np.finfo(np.float32).tiny))
        allowed = (days >= first) & (days <= last)
        if excluded is not None:
            allowed &= ~excluded[block]
        scores = np.where(allowed, log_weights + noise, -np.inf)
        ranks = np.argsort(np.argsort(-scores, axis=1), axis=1)
        chosen[block] = allowed & (ranks < counts[block, None])
    return chosen


def _seconds_of_day(rng: np.random.Generator, size: int) -> Integers:
    # From 7 to 22 hours: a bump at noon, the peak in the evening.
    hours = np.arange(7, 22)
    weights = np.array([2, 3, 4, 5, 5, 6, 5, 4, 4, 4, 5, 6, 8, 9, 8], dtype=np.float64)
    chosen = rng.choice(hours, size=size, p=weights / weights.sum())
    return np.asarray(chosen * 3600 + rng.integers(0, 3600, size), dtype=np.int64)


def _draw_customers(rng: np.random.Generator, parameters: Parameters) -> Customers:
    n_customers = parameters.n_customers
    n_prospects = round(n_customers * parameters.prospect_share)
    n_purchasers = n_customers - n_prospects
    bounds = np.cumsum([archetype.share for archetype in ARCHETYPES])
    edges = np.round(bounds / bounds[-1] * n_purchasers).astype(np.int64)
    sizes = np.diff(edges, prepend=0)
    kinds = np.repeat(np.arange(len(ARCHETYPES)), sizes)
    kinds = np.concatenate([kinds, np.full(n_prospects, PROSPECT_KIND)])
    kinds = rng.permutation(kinds)
    shares = [country.share for country in COUNTRIES]
    second_account = np.full(n_customers, NOBODY)
    n_second = max(3, round(SECOND_ACCOUNT_SHARE * n_customers))
    holders = np.sort(rng.choice(n_customers, n_second, replace=False))
    second_account[holders] = n_customers + np.arange(n_second)
    return Customers(
        kind=kinds,
        country=rng.choice(len(COUNTRIES), n_customers, p=shares),
        second_account=second_account,
    )


def _draw_devices(
    rng: np.random.Generator, parameters: Parameters, customers: Customers
) -> tuple[Devices, Integers]:
    """Return the devices, and which one a person has in each slot, (n, `N_SLOTS`).

    Two people of a household have one computer. Who has no second computer or no app
    has the first, or the telephone's browser, in its slot.
    """
    size = len(customers)
    n_strangers = round(parameters.n_customers * parameters.visitors_per_customer)
    slots = np.arange(size * N_SLOTS).reshape(size, N_SLOTS)
    n_pairs = max(1, round(HOUSEHOLD_SHARE * size))
    pairs = rng.choice(size, (n_pairs, 2), replace=False)
    pairs.sort(axis=1)
    slots[pairs[:, 1], COMPUTER] = slots[pairs[:, 0], COMPUTER]
    has_second = rng.random(size) < SECOND_COMPUTER_SHARE
    slots[~has_second, SECOND_COMPUTER] = slots[~has_second, COMPUTER]
    has_app = rng.random(size) < APP_SHARE
    slots[~has_app, APP] = slots[~has_app, BROWSER]
    slots[has_app, BROWSER] = slots[has_app, APP]
    is_app = np.tile(np.arange(N_SLOTS) == APP, size)
    strangers_app = rng.random(n_strangers) < STRANGERS_APP_SHARE
    owner = np.repeat(np.arange(size), N_SLOTS)
    owner[slots[pairs[:, 0], COMPUTER]] = NOBODY
    return (
        Devices(
            owner=np.concatenate([owner, np.full(n_strangers + 1, NOBODY)]),
            is_app=np.concatenate([is_app, [False], strangers_app]),
            kiosk=size * N_SLOTS,
        ),
        slots,
    )


@dataclass(frozen=True)
class _Calendar:
    """Who is active when: days as (n_customers, n_days), rates as (n,)."""

    order_days: Booleans
    visit_days: Booleans
    rate: Floats


def _stretched(days: tuple[int, int], n_days: int) -> tuple[int, int]:
    """Return a range of days of a year in a period of `n_days`."""
    first, last = (day * (n_days - 1) // (N_DAYS - 1) for day in days)
    return first, last


def _draw_calendar(
    rng: np.random.Generator, parameters: Parameters, customers: Customers
) -> _Calendar:
    n_customers = len(customers)
    n_days = parameters.n_days
    stretch = n_days / N_DAYS
    weights = _day_weights(parameters)
    order_days = np.zeros((n_customers, n_days), dtype=np.bool_)
    visit_days = np.zeros((n_customers, n_days), dtype=np.bool_)
    rates = np.ones(n_customers)
    for kind, archetype in enumerate(ARCHETYPES):
        members = np.flatnonzero(customers.kind == kind)
        size = len(members)
        rate = rng.lognormal(0.0, archetype.spread, size)
        further = rng.poisson(archetype.mean_further_orders * rate * stretch)
        low, high = _stretched(archetype.first_order_days, n_days)
        if archetype.is_seasonal_gift:
            gift_weights = _gift_weights(parameters, weights)
            first = rng.choice(n_days, size=size, p=gift_weights / gift_weights.sum())
            last = first.copy()
            until = np.minimum(first + 5, n_days - 1)
        else:
            first = rng.integers(low, high + 1, size)
            last = np.full(size, n_days - 1)
            if archetype.last_order_days is not None:
                low, high = _stretched(archetype.last_order_days, n_days)
                last = rng.integers(low, high + 1, size)
            until = last
        chosen = np.zeros((size, n_days), dtype=np.bool_)
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
            start = np.full(size, max(n_days - 90, 0))
            end = np.full(size, n_days - 1)
            late = rng.poisson(archetype.late_visits, size)
            visits |= _choose_days(rng, late, (start, end), weights)
        visit_days[members] = visits
        rates[members] = rate
    members = np.flatnonzero(customers.kind == PROSPECT_KIND)
    first = rng.choice(n_days, size=len(members), p=weights / weights.sum())
    chosen = np.zeros((len(members), n_days), dtype=np.bool_)
    chosen[np.arange(len(members)), first] = True
    again = rng.poisson(1.0, len(members))
    until = np.minimum(first + 90, n_days - 1)
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
    order_country: Integers,
) -> Lines:
    """Draw the lines of every order; what comes back is drawn later."""
    n_products = len(catalogue.product_id)
    prices = local_prices(catalogue)
    currency = COUNTRY_CURRENCY[order_country]
    blocks: list[tuple[Integers, ...]] = []
    for kind, archetype in enumerate(ARCHETYPES):
        orders = np.flatnonzero(order_kind == kind)
        n_lines = 1 + rng.poisson((archetype.mean_lines - 1) * order_rate[orders])
        order = np.repeat(orders, n_lines)
        size = len(order)
        product = rng.choice(n_products, size, p=_product_weights(catalogue, kind))
        quantity = 1 + rng.poisson(archetype.extra_units_rate, size)
        price = prices[currency[order], product]
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


def _kiosk_visits(
    rng: np.random.Generator, parameters: Parameters, kiosk: int
) -> Visits:
    """Return one visit to the kiosk for each of its users; the store is in the US."""
    size = min(parameters.kiosk_users, parameters.n_customers)
    customer = rng.choice(parameters.n_customers, size, replace=False)
    day = rng.integers(0, parameters.n_days, size)
    seconds = rng.integers(10 * 3600, 20 * 3600, size)
    return Visits(
        customer=customer,
        account=customer.copy(),
        country=np.full(size, US),
        device=np.full(size, kiosk),
        is_mobile=np.zeros(size, dtype=np.bool_),
        login=np.full(size, int(Login.AT_THE_KIOSK)),
        order=np.full(size, NOTHING),
        started_at=to_utc(parameters.first_date, day, seconds),
    )


def _strangers_visits(
    rng: np.random.Generator, parameters: Parameters, devices: Devices
) -> Visits:
    """Return the visits of those who never say who they are."""
    n_strangers = len(devices.owner) - devices.kiosk - 1
    weights = _day_weights(parameters)
    n_visits = 1 + rng.binomial(1, STRANGERS_AGAIN_SHARE, n_strangers)
    period = (np.zeros_like(n_visits), np.full_like(n_visits, parameters.n_days - 1))
    stranger, day = np.nonzero(_choose_days(rng, n_visits, period, weights))
    device = devices.kiosk + 1 + stranger
    is_mobile = rng.random(n_strangers) < STRANGERS_MOBILE_SHARE
    shares = [country.share for country in COUNTRIES]
    country = rng.choice(len(COUNTRIES), n_strangers, p=shares)
    nobody = np.full(len(stranger), NOBODY)
    seconds = _seconds_of_day(rng, len(day))
    return Visits(
        customer=nobody,
        account=nobody,
        country=country[stranger],
        device=device,
        is_mobile=is_mobile[stranger] | devices.is_app[device],
        login=np.full(len(day), int(Login.NEVER)),
        order=nobody,
        started_at=to_utc(parameters.first_date, day, seconds),
    )


@dataclass(frozen=True)
class _Habits:
    """People's devices by slot, share of visits on a telephone, days of visits."""

    slots: Integers
    mobile_rate: Floats
    visit_days: Booleans


def _customers_visits(
    rng: np.random.Generator,
    first_date: date,
    customers: Customers,
    habits: _Habits,
    orders: Orders,
) -> Visits:
    """Return the visits with an online order and those without."""
    slots, mobile_rate = habits.slots, habits.mobile_rate
    online = np.flatnonzero(orders.channel != STORE)
    browsing, browsing_day = np.nonzero(habits.visit_days)
    is_mobile = rng.random(len(browsing)) < mobile_rate[browsing]
    customer = np.concatenate([orders.customer[online], browsing])
    is_mobile = np.concatenate([orders.channel[online] == MOBILE, is_mobile])
    day = np.concatenate([orders.ordered_at[online], browsing_day])
    order = np.concatenate([online, np.full(len(browsing), NOTHING)])
    size = len(customer)
    is_elsewhere = rng.random(size) < SECOND_COMPUTER_USE_SHARE
    slot = np.where(is_mobile, APP, np.where(is_elsewhere, SECOND_COMPUTER, COMPUTER))
    device = slots[customer, slot]
    login = _draw_login(rng, device, day)
    login[(order != NOTHING) & (login == Login.NEVER)] = Login.HALFWAY
    is_guest = np.zeros(size, dtype=np.bool_)
    is_guest[: len(online)] = orders.is_guest[online]
    login[is_guest] = Login.NEVER
    account = customer.copy()
    second = customers.second_account[customer]
    is_second = (second != NOBODY) & (rng.random(size) < SECOND_ACCOUNT_USE_SHARE)
    account[is_second] = second[is_second]
    seconds = _seconds_of_day(rng, size)
    return Visits(
        customer=customer,
        account=account,
        country=customers.country[customer],
        device=device,
        is_mobile=is_mobile,
        login=login,
        order=order,
        started_at=to_utc(first_date, day, seconds),
    )


def _all_visits(parts: tuple[Visits, ...]) -> Visits:
    """Return the visits in order of time."""
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Visits.__dataclass_fields__
    }
    by_time = np.lexsort((joined["device"], joined["started_at"]))
    return Visits(**{name: values[by_time] for name, values in joined.items()})


def _draw_login(rng: np.random.Generator, device: Integers, day: Integers) -> Integers:
    """Decide who is logged in: the first visit of a customer's device logs in."""
    size = len(device)
    login = rng.choice(
        [Login.NEVER, Login.HALFWAY, Login.FROM_THE_START], size, p=[0.15, 0.15, 0.7]
    )
    by_device = np.lexsort((day, device))
    is_first = np.diff(device[by_device], prepend=-1) != 0
    login[by_device[is_first]] = Login.HALFWAY
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
    visit = np.repeat(everybody, rng.poisson(FURTHER_PAGES, size))
    blocks.add(EventKind.PAGE, visit, rng.uniform(0.02, 0.7, len(visit)))
    # The product of a list or a search stands for the category that is looked for.
    for kind, mean in (
        (EventKind.PRODUCT_LIST_VIEWED, 0.4),
        (EventKind.PRODUCTS_SEARCHED, 0.2),
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
    logging_in = np.flatnonzero(visits.login >= Login.HALFWAY)
    place = rng.uniform(0.2, 0.6, len(logging_in))
    place[visits.order[logging_in] != NOTHING] = 0.85
    # At the kiosk nobody browses before they log in.
    place[visits.login[logging_in] == Login.AT_THE_KIOSK] = -1.0
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
    rng: np.random.Generator,
    order_kind: Integers,
    order_mobile_rate: Floats,
    order_country: Integers,
) -> Integers:
    store_share = np.array([archetype.store_share for archetype in ARCHETYPES])
    size = len(order_kind)
    channel = np.where(rng.random(size) < order_mobile_rate, MOBILE, WEB)
    # The stores are in the United States.
    is_store = rng.random(size) < store_share[order_kind]
    channel[is_store & (order_country == US)] = STORE
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
    is_cancelled &= cancelled_at < end_of_period()
    return np.where(is_cancelled, cancelled_at, NEVER)


def _draw_returns(
    rng: np.random.Generator,
    first_date: date,
    orders: Orders,
    lines: Lines,
    order_kind: Integers,
) -> Integers:
    """Return when each line came back, 3 to 25 days after the order, or -1."""
    shares = np.array([archetype.returned_share for archetype in ARCHETYPES])
    size = len(lines.order)
    ordered_at = pd.to_datetime(orders.ordered_at[lines.order], unit="ms", utc=True)
    midnight = pd.Timestamp(first_date, tz=TIME_ZONE)
    day = np.asarray((ordered_at - midnight).days, dtype=np.int64)
    day += rng.integers(3, 26, size)
    returned_at = to_utc(first_date, day, rng.integers(9 * 3600, 20 * 3600, size))
    is_returned = rng.random(size) < shares[order_kind[lines.order]]
    is_returned &= orders.cancelled_at[lines.order] == NEVER
    is_returned &= returned_at < end_of_period()
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
    seeds = np.random.SeedSequence(parameters.seed).spawn(12)
    rngs = iter([np.random.default_rng(seed) for seed in seeds])
    catalogue = make_catalogue(next(rngs))
    customers = _draw_customers(next(rngs), parameters)
    calendar = _draw_calendar(next(rngs), parameters, customers)
    mobile_rate = _draw_mobile_rates(next(rngs), customers)
    devices, slots = _draw_devices(next(rngs), parameters, customers)

    customer, day = np.nonzero(calendar.order_days)
    kind, country = customers.kind[customer], customers.country[customer]
    rate = calendar.rate[customer]
    lines = _draw_lines(next(rngs), catalogue, kind, rate, country)
    rng = next(rngs)
    channel = _draw_channels(rng, kind, mobile_rate[customer], country)
    is_guest = (channel == WEB) & (rng.random(len(channel)) < GUEST_SHARE)
    never = np.full(len(customer), NEVER)
    habits = _Habits(slots, mobile_rate, calendar.visit_days)
    # Until visits give orders their times, `ordered_at` holds the day.
    orders = Orders(customer, customer, channel, is_guest, day, never)
    rng = next(rngs)
    visits = _all_visits(
        (
            _customers_visits(rng, parameters.first_date, customers, habits, orders),
            _strangers_visits(rng, parameters, devices),
            _kiosk_visits(rng, parameters, devices.kiosk),
        )
    )
    del calendar, habits
    visit_kind = np.where(
        visits.customer == NOBODY, STRANGER_KIND, customers.kind[visits.customer]
    )
    events = _draw_events(next(rngs), catalogue, visits, visit_kind, lines)

    rng = next(rngs)
    seconds = rng.integers(10 * 3600, 20 * 3600, len(day))
    ordered_at = to_utc(parameters.first_date, day, seconds)
    completed = np.flatnonzero(events.kind == EventKind.ORDER_COMPLETED)
    visit = events.visit[completed]
    ordered_at[visits.order[visit]] = events.occurred_at[completed]
    account = customer.copy()
    account[visits.order[visit]] = visits.account[visit]

    by_time = np.lexsort((customer, ordered_at))
    new_index = np.empty_like(by_time)
    new_index[by_time] = np.arange(len(by_time))
    orders = Orders(
        customer=customer[by_time],
        account=account[by_time],
        channel=channel[by_time],
        is_guest=is_guest[by_time],
        ordered_at=ordered_at[by_time],
        cancelled_at=never,
    )
    kind = kind[by_time]
    cancelled_at = _draw_cancellations(rng, orders, parameters.faults.cancelled_orders)
    orders = replace(orders, cancelled_at=cancelled_at)
    lines = _sorted_lines(lines, new_index)
    returned_at = _draw_returns(rng, parameters.first_date, orders, lines, kind)
    lines = replace(lines, returned_at=returned_at)
    visits = replace(
        visits,
        order=np.where(visits.order == NOTHING, NOTHING, new_index[visits.order]),
    )
    return Truth(catalogue, customers, orders, lines, devices, visits, events)


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
