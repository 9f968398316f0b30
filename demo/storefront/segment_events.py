"""The simulated site's events as Segment delivers them, with their dirt.

One gzip file of JSON lines a month, by the local time at which the collector received
the event; version 2 of the Segment specification with its e-commerce event names.

A device's clock is off by a few seconds, a few devices' by hours or days. As in the
specification, `originalTimestamp` and `sentAt` are by that clock, `receivedAt` by the
collector's, and `timestamp` = `receivedAt` - (`sentAt` - `originalTimestamp`).

Half-way through the period the site is released anew: `properties.loyalty_points`
appears, `properties.coupon` is `coupon_code` from then on, and `price` is text.

References
----------
https://segment.com/docs/connections/spec/common/,
https://segment.com/docs/connections/spec/ecommerce/v2/,
https://segment.com/docs/privacy/consent-management/consent-in-segment-connections/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.storefront.catalogue import CATEGORIES, Catalogue, local_prices
from demo.storefront.consents import LOST_SHARE, UNKNOWN
from demo.storefront.parameters import COUNTRIES, CURRENCY_CODES, Parameters
from demo.storefront.people import typed_emails
from demo.storefront.simulation import (
    COUNTRY_CURRENCY,
    NOBODY,
    NOTHING,
    EventKind,
    Truth,
    end_of_period,
    to_local,
)
from demo.storefront.texts import (
    choose,
    in_chunks,
    integers,
    join,
    money,
    pick,
    replaced,
    utc_times,
    uuids,
    write_records,
)

if TYPE_CHECKING:
    from pathlib import Path

    from demo.files import WrittenFile
    from demo.storefront.consents import Consents
    from demo.storefront.shop import Shop
    from demo.storefront.simulation import Booleans, Events, Integers

SITE = "https://storefront.example.com"
SHOP_NAME = "Storefront"
SECOND_MS = 1000
HOUR_MS = 60 * 60 * SECOND_MS
DAY_MS = 24 * HOUR_MS
EVENT_NAMES: dict[int, str] = {
    EventKind.PRODUCT_LIST_VIEWED: "Product List Viewed",
    EventKind.PRODUCTS_SEARCHED: "Products Searched",
    EventKind.PRODUCT_VIEWED: "Product Viewed",
    EventKind.PRODUCT_ADDED: "Product Added",
    EventKind.CHECKOUT_STARTED: "Checkout Started",
    EventKind.ORDER_COMPLETED: "Order Completed",
}
# Ways to send an event twice: share, shortest and longest time after the first.
RESENT = (
    (0.4, SECOND_MS, 120 * SECOND_MS),  # the device retries
    (0.25, HOUR_MS, 3 * DAY_MS),  # a batch comes again
    (0.2, 3 * DAY_MS, 35 * DAY_MS),  # a day is replayed weeks later
    (0.15, 0, 0),  # the collector writes a line twice
)
# Rejected records, one reason each, in the order in which reasons are looked for.
REJECTIONS = (
    "malformed_json",
    "missing_id",
    "missing_identity",
    "unparseable_timestamp",
    "future_timestamp",
    "unknown_type",
    "missing_event_name",
)
DESKTOP_AGENTS = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.1 Safari/605.1.15"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
)
MOBILE_AGENTS = (
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"
    ),
)
BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    (
        "Mozilla/5.0 (compatible; Baiduspider/2.0; "
        "+http://www.baidu.com/search/spider.html)"
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "HeadlessChrome/131.0.0.0 Safari/537.36"
    ),
    "PriceCrawler/1.4 (+https://prices.example.com/crawler)",
)
# Where visits come from: share, referrer, campaign (source, medium, name).
ORIGINS: tuple[tuple[float, str, tuple[str, str, str] | None], ...] = (
    (0.38, "", None),
    (0.27, "https://www.google.com/", None),
    (0.09, "https://www.google.com/", ("google", "cpc", "brand")),
    (0.14, "", ("newsletter", "email", "weekly-edit")),
    (0.12, "https://www.instagram.com/", ("instagram", "paid_social", "new-in")),
)
PAGES = ("/", "/new-in", "/sale", "/stores", "/size-guide", "/cart")
HOME_SHARE = 0.6
N_LISTED = 4
ROBOT_PAGE_SHARE = 0.3
WRONG_TIMES = ("not-a-time", "2025-13-41T10:00:00.000Z")
COUPON_CODES = ("WELCOME10", "SPRING15", "VIP20")


@dataclass(frozen=True)
class Traffic:
    """Events of people and robots alike, and the visits that they belong to.

    The first `n_true` are people's. `consent` is the state that an event tells of.
    """

    n_true: int
    kind: Integers
    product: Integers
    occurred_at: Integers
    is_known: Booleans
    visit: Integers
    consent: Integers
    visit_account: Integers
    visit_country: Integers
    visit_device: Integers
    visit_order: Integers
    visit_agent: Integers
    visit_is_mobile: Booleans

    @property
    def account(self) -> Integers:
        """The account that each event names, -1 for none."""
        return np.where(self.is_known, self.visit_account[self.visit], NOBODY)

    @property
    def device(self) -> Integers:
        """The device of each event."""
        return self.visit_device[self.visit]


@dataclass(frozen=True)
class Sent:
    """Every record to be written, one element each.

    `event` is an index into the traffic; `received_at` is by the collector's clock;
    `month` is that of the file, counted from year 0; `rejection` is an index into
    `REJECTIONS`, or -1.
    """

    event: Integers
    received_at: Integers
    month: Integers
    rejection: Integers


def make_traffic(
    seed: np.random.SeedSequence,
    truth: Truth,
    events: Events,
    consents: Consents,
    parameters: Parameters,
) -> Traffic:
    """Return the site's events and behind them those of robots.

    A robot is a device of its own, looks at pages and products only, every second or
    two, at any hour, and is known by its user agent alone.
    """
    rng = np.random.default_rng(seed)
    visits = truth.visits
    on_site = ~truth.devices.is_app[visits.device[events.visit]]
    visit = events.visit[on_site]
    n_visits = len(visits.customer)
    n_robots = round(parameters.faults.bot_visits_per_customer * parameters.n_customers)
    robots = np.arange(n_robots)
    robot = np.repeat(robots, 8 + rng.poisson(12, n_robots))
    size = len(robot)
    first_ms = int(np.datetime64(parameters.first_date, "ms").astype(np.int64)) + DAY_MS
    started_at = first_ms + rng.integers(0, (parameters.n_days - 2) * DAY_MS, n_robots)
    steps = rng.integers(800, 2_500, size)
    starts = np.flatnonzero(np.diff(robot, prepend=-1))
    elapsed = np.cumsum(steps)
    elapsed -= np.repeat(elapsed[starts], np.diff(starts, append=size))
    is_page = rng.random(size) < ROBOT_PAGE_SHARE

    n_kinds = len(DESKTOP_AGENTS)
    agent = visits.device % n_kinds + n_kinds * visits.is_mobile
    nothing = np.full(n_robots, NOTHING)
    n_devices = len(truth.devices.owner)
    occurred_at = events.occurred_at[on_site]
    consent = consents.at(visits.device[visit], occurred_at)
    consent[rng.random(len(visit)) < LOST_SHARE] = UNKNOWN
    return Traffic(
        n_true=len(visit),
        kind=np.concatenate(
            [
                events.kind[on_site],
                np.where(is_page, EventKind.PAGE, EventKind.PRODUCT_VIEWED),
            ]
        ),
        product=np.concatenate(
            [
                events.product[on_site],
                rng.integers(len(truth.catalogue.product_id), size=size),
            ]
        ),
        occurred_at=np.concatenate([occurred_at, started_at[robot] + elapsed]),
        is_known=np.concatenate(
            [events.is_known[on_site], np.zeros(size, dtype=np.bool_)]
        ),
        visit=np.concatenate([visit, n_visits + robot]),
        consent=np.concatenate([consent, np.full(size, UNKNOWN)]),
        visit_account=np.concatenate([visits.account, nothing]),
        visit_country=np.concatenate([visits.country, np.zeros_like(robots)]),
        visit_device=np.concatenate([visits.device, n_devices + robots]),
        visit_order=np.concatenate([visits.order, nothing]),
        visit_agent=np.concatenate([agent, 2 * n_kinds + robots % len(BOT_AGENTS)]),
        visit_is_mobile=np.concatenate(
            [visits.is_mobile, np.zeros(n_robots, dtype=np.bool_)]
        ),
    )


def _months(times: Integers) -> Integers:
    months = to_local(times).astype("datetime64[ms]").astype("datetime64[M]")
    return np.asarray(months.astype(np.int64) + 12 * 1970, dtype=np.int64)


def _spoil(
    rng: np.random.Generator, traffic: Traffic, parameters: Parameters
) -> tuple[Integers, dict[str, int]]:
    """Return why each event is to be rejected, or -1, and how many are."""
    n_true = traffic.n_true
    rejection = np.full(len(traffic.kind), -1)
    spoilable = np.flatnonzero(traffic.kind[:n_true] <= EventKind.PRODUCT_VIEWED)
    spoilable = rng.permutation(spoilable)
    planted = {"landed_lines": 0}
    for code, name in enumerate(REJECTIONS):
        candidates = spoilable
        if name == "missing_event_name":
            candidates = spoilable[traffic.kind[spoilable] != EventKind.PAGE]
        chosen = candidates[: round(getattr(parameters.faults, name) * n_true)]
        rejection[chosen] = code
        planted[name] = len(chosen)
        spoilable = spoilable[rejection[spoilable] < 0]
    return rejection, planted | {"bot": len(rejection) - n_true}


def plant(
    seed: np.random.SeedSequence, traffic: Traffic, parameters: Parameters
) -> tuple[Sent, dict[str, int]]:
    """Decide what is spoiled, late or sent twice; no event has two faults.

    Only events that nothing hangs on are spoiled: orders stay whole and every log-in
    arrives.

    Returns
    -------
    sent : Sent
        The records, in the order in which they land.
    planted : dict of str to int
        How many land and with which final status, consent left aside.
    """
    rng = np.random.default_rng(seed)
    faults = parameters.faults
    size = len(traffic.kind)
    n_true = traffic.n_true
    bound = end_of_period()
    delay = np.clip(rng.lognormal(np.log(250), 1.0, size), 20, 20_000).astype(np.int64)
    received_at = traffic.occurred_at + delay
    rejection, planted = _spoil(rng, traffic, parameters)

    clean = rng.permutation(np.flatnonzero(rejection[:n_true] < 0))
    can_be_late = clean[traffic.occurred_at[clean] < bound - 5 * DAY_MS]
    n_late = round(faults.late_events * n_true)
    n_delayed = round(faults.delayed_events * n_true)
    late = can_be_late[:n_late]
    received_at[late] = traffic.occurred_at[late] + rng.integers(
        25 * HOUR_MS, 95 * HOUR_MS, len(late)
    )
    delayed = can_be_late[n_late : n_late + n_delayed]
    received_at[delayed] = traffic.occurred_at[delayed] + rng.integers(
        2 * HOUR_MS, 23 * HOUR_MS, len(delayed)
    )
    has_fault = np.zeros(size, dtype=np.bool_)
    has_fault[late] = has_fault[delayed] = True
    clean = clean[~has_fault[clean]]
    n_copies = round(faults.duplicate_events * n_true)
    copied, clean = clean[:n_copies], clean[n_copies:]
    ways = rng.choice(len(RESENT), len(copied), p=[way[0] for way in RESENT])
    low, high = np.array([way[1:] for way in RESENT])[ways].T
    after = rng.integers(low, high + 1)
    after[received_at[copied] + after >= bound] = 0

    month = _months(received_at)
    first, last = int(month.min()), int(month.max())
    misfiled = clean[: round(faults.misfiled_events * n_true)]
    step = rng.choice((-1, 1), len(misfiled))
    step[month[misfiled] == first] = 1
    step[month[misfiled] == last] = -1
    month[misfiled] += step if last > first else 0
    copy_month = _months(received_at[copied] + after)
    planted |= {
        "duplicate": len(copied),
        "accepted": n_true - sum(planted[name] for name in REJECTIONS),
        "late": len(late),
        "late_by_hours": len(delayed),
        "landed_lines": size + len(copied),
        "late_in_later_file": int(
            np.sum(month[late] > _months(traffic.occurred_at[late]))
        ),
        "duplicate_in_later_file": int(np.sum(copy_month > month[copied])),
        "late_misfiled": len(misfiled) if last > first else 0,
    }
    event = np.concatenate([np.arange(size), copied])
    received_at = np.concatenate([received_at, received_at[copied] + after])
    month = np.concatenate([month, copy_month])
    rejection = np.concatenate([rejection, np.full(len(copied), -1)])
    by_time = np.lexsort((np.arange(len(event)), received_at, month))
    return (
        Sent(event[by_time], received_at[by_time], month[by_time], rejection[by_time]),
        planted,
    )


def rejected_events(traffic: Traffic, sent: Sent) -> Booleans:
    """Return which events never count: spoiled ones and those of robots."""
    rejected = np.zeros(len(traffic.kind), dtype=np.bool_)
    rejected[sent.event[sent.rejection >= 0]] = True
    rejected[traffic.n_true :] = True
    return rejected


def late_events(traffic: Traffic, sent: Sent) -> Booleans:
    """Return which events were received more than a day after they occurred.

    Of two copies the one received first tells.
    """
    first = np.full(len(traffic.kind), np.iinfo(np.int64).max)
    np.minimum.at(first, sent.event, sent.received_at)
    return np.asarray(first - traffic.occurred_at > DAY_MS, dtype=np.bool_)


def _text(value: Any) -> str:  # noqa: ANN401
    return json.dumps(value, separators=(",", ":"))


def _list_properties(catalogue: Catalogue, category: int) -> str:
    """Return the properties of a category's list with the first products on it."""
    name = list(CATEGORIES)[category]
    products = np.flatnonzero(catalogue.category == category)[:N_LISTED]
    return _text(
        {
            "list_id": name.lower(),
            "category": name,
            "products": [
                {"product_id": catalogue.product_id[index], "position": position}
                for position, index in enumerate(products.tolist(), start=1)
            ],
        }
    )[:-1]


class _Pages:
    """The site's pages: a number for each, with its path and title as JSON."""

    def __init__(self, catalogue: Catalogue) -> None:
        pages = [
            (path, path[1:].replace("-", " ").capitalize() or "Home") for path in PAGES
        ]
        self.first_list = len(pages)
        pages += [(f"/collections/{name.lower()}", name) for name in CATEGORIES]
        self.search = len(pages)
        pages.append(("/search", "Search"))
        self.first_product = len(pages)
        pages += [
            (f"/products/{product_id.lower()}", name)
            for product_id, name in zip(
                catalogue.product_id, catalogue.product_name, strict=True
            )
        ]
        self.checkout = len(pages)
        pages += [
            ("/checkout", "Checkout"),
            ("/checkout/thank-you", "Thank you"),
            ("/account/login", "Log in"),
        ]
        self.names = pa.array([title for _, title in pages])
        self.opening = pa.array(
            [f'{{"path":{_text(path)},"referrer":' for path, _ in pages]
        )
        self.closing = pa.array(
            [
                f',"search":"","title":{_text(f"{title} | {SHOP_NAME}")},'
                f'"url":{_text(SITE + path)}}}'
                for path, title in pages
            ]
        )
        # What an event's referrer may be: an origin, or a page of the site.
        self.referrers = pa.array(
            [_text(origin[1]) for origin in ORIGINS]
            + [_text(SITE + path) for path, _ in pages]
        )

    def of(self, kind: Integers, product: Integers, drawn: Integers) -> Integers:
        """Return the page of each event; `drawn` is the one of a page view."""
        page = np.where(kind == EventKind.PAGE, drawn, self.search)
        for event_kind, first in (
            (EventKind.PRODUCT_VIEWED, self.first_product),
            (EventKind.PRODUCT_ADDED, self.first_product),
        ):
            page = np.where(kind == event_kind, first + product, page)
        for event_kind, number in (
            (EventKind.CHECKOUT_STARTED, self.checkout),
            (EventKind.ORDER_COMPLETED, self.checkout + 1),
            (EventKind.IDENTIFY, self.checkout + 2),
        ):
            page = np.where(kind == event_kind, number, page)
        return page


class _Writer:
    """Turns events into lines."""

    def __init__(
        self,
        rng: np.random.Generator,
        shop: Shop,
        traffic: Traffic,
        sent: Sent,
    ) -> None:
        truth, parameters = shop.truth, shop.parameters
        self._traffic, self._sent, self._people = traffic, sent, shop.people
        self._person = truth.customers.account_person
        catalogue = truth.catalogue
        self._pages = _Pages(catalogue)
        size, n_visits = len(traffic.kind), len(traffic.visit_device)
        n_devices = int(traffic.visit_device.max()) + 1
        self._message_ids = uuids(rng, size)
        self._devices = device_ids(parameters, n_devices)
        self._rng = rng
        skew = rng.normal(0, 4_000, n_devices).astype(np.int64)
        is_skewed = rng.random(n_devices) < parameters.faults.skewed_devices
        is_skewed[truth.devices.kiosk] = False
        off = rng.choice((-1, 1), n_devices) * rng.integers(
            2 * HOUR_MS, 20 * DAY_MS, n_devices
        )
        self.is_skewed = is_skewed
        self._skew = np.where(is_skewed, off, skew)
        self._checkouts = rng.integers(0x10000000, 0x7FFFFFFF, n_visits)
        self._address = rng.integers(1, 255, n_devices)
        origin = rng.choice(len(ORIGINS), n_visits, p=[each[0] for each in ORIGINS])
        # A campaign in a newsletter reaches people whom the shop knows.
        stranger = traffic.visit_account == NOBODY
        origin[stranger] %= 3
        self._origin = origin
        drawn = rng.integers(len(PAGES), size=size)
        drawn[rng.random(size) < HOME_SHARE] = 0
        category = catalogue.category[traffic.product]
        page = self._pages.of(traffic.kind, traffic.product, drawn)
        is_list = traffic.kind == EventKind.PRODUCT_LIST_VIEWED
        self._page = np.where(is_list, self._pages.first_list + category, page)
        is_landing = np.diff(traffic.visit, prepend=-1) != 0
        self._referrer = np.where(
            is_landing, origin[traffic.visit], len(ORIGINS) + np.roll(self._page, 1)
        )
        self._tables(truth, catalogue)
        self._order_openings, self._order_products = shop.book.segment_properties()
        self._released_at = release_time(parameters)
        self._future = rng.integers(3, 300, len(sent.event)) * DAY_MS

    def _tables(self, truth: Truth, catalogue: Catalogue) -> None:
        agents = [*DESKTOP_AGENTS, *MOBILE_AGENTS, *BOT_AGENTS]
        self._agents = pa.array([_text(agent) for agent in agents])
        campaigns = []
        for _, _, campaign in ORIGINS:
            names = ("source", "medium", "name")
            entry = dict(zip(names, campaign, strict=True)) if campaign else None
            campaigns.append(f',"campaign":{_text(entry)}' if entry else "")
        self._campaigns = pa.array(campaigns)
        self._consents = pa.array(
            [
                "",
                *(
                    ',"consent":{"categoryPreferences":'
                    + _text(
                        {
                            "Analytics": bool(bits & 1),
                            "Advertising": bool(bits & 2),
                            "Personalization": bool(bits & 4),
                            "Functional": True,
                        }
                    )
                    + "}"
                    for bits in range(8)
                ),
            ]
        )
        self._countries = pa.array(
            [
                ',"location":{"country":' + _text(country.code) + "}"
                for country in COUNTRIES
            ]
        )
        self._products = product_openings(catalogue)
        self._prices = local_prices(catalogue)
        self._lists = pa.array(
            [_list_properties(catalogue, index) for index in range(len(CATEGORIES))]
        )
        self._category = catalogue.category
        self._queries = pa.array(
            [f'{{"query":{_text(name.lower())}' for name in catalogue.subcategory]
        )
        self._names = pa.array(
            [
                f'"event":{_text(EVENT_NAMES[kind])},"properties":'
                if kind in EVENT_NAMES
                else ""
                for kind in range(len(EventKind))
            ]
        )
        first_visit = np.full(len(truth.customers.account_person), 0)
        self._points = (first_visit + 50) * 7

    def _traits(self, event: Integers) -> pa.Array:
        people, traffic = self._people, self._traffic
        account = np.where(
            traffic.kind[event] == EventKind.IDENTIFY,
            traffic.visit_account[traffic.visit[event]],
            NOBODY,
        )
        person = np.where(account >= 0, self._person[account], NOBODY)
        email = typed_emails(self._rng, pick(people.email, account))
        phone = pick(people.phone, account)
        has_phone = pc.not_equal(phone, "").to_numpy(zero_copy_only=False)
        text = join(
            '"traits":{"email":"',
            email,
            '","firstName":"',
            pick(people.first_name, person),
            '","lastName":"',
            pick(people.last_name, person),
            '"',
            choose(has_phone, join(',"phone":"', phone, '"'), ""),
            "}",
        )
        return choose(account >= 0, text, "")

    def _properties(self, event: Integers, is_new: Booleans) -> pa.Array:
        """Return the properties of track events, without the closing brace."""
        traffic = self._traffic
        kind, product = traffic.kind[event], traffic.product[event]
        visit = traffic.visit[event]
        currency = COUNTRY_CURRENCY[traffic.visit_country[visit]]
        quote = choose(is_new, '"', "")

        def where(*kinds: EventKind) -> Integers:
            return np.where(np.isin(kind, kinds), product, NOTHING)

        seen = where(EventKind.PRODUCT_VIEWED, EventKind.PRODUCT_ADDED)
        viewed = join(
            pick(self._products, seen),
            ',"price":',
            quote,
            money(self._prices[currency, product]),
            quote,
            ',"currency":"',
            pick(CURRENCY_CODES, currency),
            '"',
        )
        number = integers(self._checkouts[visit])
        viewed = join(
            viewed,
            choose(
                kind == EventKind.PRODUCT_ADDED,
                join(',"quantity":1,"cart_id":"cart-', number, '"'),
                "",
            ),
        )
        started = join(
            '{"checkout_id":"chk-',
            number,
            '","currency":"',
            pick(CURRENCY_CODES, currency),
            '"',
        )
        is_order = kind == EventKind.ORDER_COMPLETED
        order = np.where(is_order, traffic.visit_order[visit], NOTHING)
        has_coupon = is_order & (visit % 5 == 0)
        coupon = join(
            ',"',
            choose(is_new, "coupon_code", "coupon"),
            '":"',
            pick(COUPON_CODES, visit % len(COUPON_CODES)),
            '"',
        )
        completed = join(
            '{"checkout_id":"chk-',
            number,
            '",',
            pick(self._order_openings, order),
            choose(has_coupon, coupon, ""),
            ',"products":[',
            choose(
                is_new,
                pick(self._order_products[1], order),
                pick(self._order_products[0], order),
            ),
            "]",
        )
        found = choose(seen >= 0, viewed, "")
        for event_kind, texts in (
            (EventKind.CHECKOUT_STARTED, started),
            (EventKind.ORDER_COMPLETED, completed),
        ):
            found = choose(kind == event_kind, texts, found)
        lists = where(EventKind.PRODUCT_LIST_VIEWED)
        listed = pick(self._lists, np.where(lists >= 0, self._category[lists], NOTHING))
        found = choose(lists >= 0, listed, found)
        searched = where(EventKind.PRODUCTS_SEARCHED)
        found = choose(searched >= 0, pick(self._queries, searched), found)
        account = traffic.visit_account[visit]
        has_points = is_new & traffic.is_known[event] & (account >= 0)
        points = join(',"loyalty_points":', integers(account % 90 * 10))
        return join(found, choose(has_points, points, ""), "}")

    def lines(self, rows: Integers) -> pa.Array:
        """Return the lines of records."""
        traffic, sent = self._traffic, self._sent
        event, code = sent.event[rows], sent.rejection[rows]
        kind, visit = traffic.kind[event], traffic.visit[event]
        device = traffic.visit_device[visit]

        def is_spoiled(reason: str) -> Booleans:
            return np.equal(code, REJECTIONS.index(reason))

        occurred_at = traffic.occurred_at[event] + np.where(
            is_spoiled("future_timestamp"), self._future[event], 0
        )
        skew = self._skew[device]
        is_new = traffic.occurred_at[event] >= self._released_at
        nameless = is_spoiled("missing_identity")
        account = np.where(nameless, NOBODY, traffic.account[event])
        is_page = kind == EventKind.PAGE
        is_identify = kind == EventKind.IDENTIFY
        page = join(
            pick(self._pages.opening, self._page[event]),
            pick(self._pages.referrers, self._referrer[event]),
            pick(self._pages.closing, self._page[event]),
        )
        types = choose(is_page, "page", choose(is_identify, "identify", "track"))
        types = choose(is_spoiled("unknown_type"), "heartbeat", types)
        named = pick(self._names, kind)
        unnamed = is_spoiled("missing_event_name")
        named = choose(unnamed, '"properties":', named)
        tracked = join(named, self._properties(event, is_new))
        page_body = join(
            '"name":"',
            pick(self._pages.names, self._page[event]),
            '","properties":',
            page,
        )
        body = choose(is_page, page_body, tracked)
        body = choose(is_identify, self._traits(event), body)
        wrong = is_spoiled("unparseable_timestamp")
        wrong_text = pick(WRONG_TIMES, rows % len(WRONG_TIMES))
        original = choose(wrong, wrong_text, utc_times(occurred_at + skew))
        time = choose(wrong, wrong_text, utc_times(occurred_at))
        received_at = sent.received_at[rows]
        message = join('"messageId":"', pick(self._message_ids, event), '",')
        lines = join(
            "{",
            choose(is_spoiled("missing_id"), "", message),
            '"type":"',
            types,
            '","anonymousId":',
            choose(nameless, "null", join('"', pick(self._devices, device), '"')),
            ',"userId":',
            choose(
                account >= 0,
                join('"', pick(self._people.user_id, account), '"'),
                "null",
            ),
            ',"context":{"library":{"name":"analytics.js","version":"next-1.75.0"},'
            '"locale":"en-US","ip":"203.0.113.',
            integers(self._address[device]),
            '","userAgent":',
            pick(self._agents, traffic.visit_agent[visit]),
            ',"device":{"type":"',
            choose(traffic.visit_is_mobile[visit], "mobile", "desktop"),
            '"}',
            pick(self._campaigns, self._origin[visit]),
            ',"page":',
            page,
            pick(self._countries, traffic.visit_country[visit]),
            pick(self._consents, traffic.consent[event]),
            '},"integrations":{},',
            body,
            ',"originalTimestamp":"',
            original,
            '","sentAt":"',
            utc_times(received_at + skew),
            '","receivedAt":"',
            utc_times(received_at),
            '","timestamp":"',
            time,
            '","version":2}',
        )
        cut = np.flatnonzero(is_spoiled("malformed_json"))
        halves = [
            line[: len(line) // 2] for line in lines.take(pa.array(cut)).to_pylist()
        ]
        return replaced(lines, cut, halves)


def release_time(parameters: Parameters) -> int:
    """Return when the site was released anew, in UTC milliseconds."""
    half = np.datetime64(parameters.first_date, "D") + parameters.n_days // 2
    return int(half.astype("datetime64[ms]").astype(np.int64)) + 5 * HOUR_MS


def device_ids(parameters: Parameters, n_devices: int) -> pa.Array:
    """Return the anonymous id of every device of the site."""
    return uuids(np.random.default_rng([parameters.seed, 2]), n_devices)


def product_openings(catalogue: Catalogue) -> pa.Array:
    """Return each product's properties up to its price."""
    return pa.array(
        [
            _text(
                {
                    "product_id": catalogue.product_id[index],
                    "sku": catalogue.product_id[index],
                    "name": catalogue.product_name[index],
                    "category": category,
                    "brand": catalogue.brand[index],
                }
            )[:-1]
            for index, category in enumerate(catalogue.category_names)
        ]
    )


def write_events(
    landing: Path,
    seed: np.random.SeedSequence,
    shop: Shop,
    traffic: Traffic,
    sent: Sent,
) -> tuple[list[WrittenFile], dict[str, int]]:
    """Write the site's files.

    Returns
    -------
    files : list of WrittenFile
        One a month.
    planted : dict of str to int
        What the writing itself planted: events of skewed clocks, and schema drift.
    """
    rng = np.random.default_rng(seed)
    writer = _Writer(rng, shop, traffic, sent)
    written = []
    edges = np.flatnonzero(np.diff(sent.month, prepend=-1, append=-1))
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        year, month = divmod(int(sent.month[first]), 12)
        path = landing / "segment" / "events" / f"{year}-{month + 1:02d}.jsonl.gz"
        chunks = in_chunks(np.arange(first, end), writer.lines)
        written.append(write_records(path, chunks, end - first))
    is_counted = ~rejected_events(traffic, sent)
    device = traffic.device[is_counted]
    is_skewed = writer.is_skewed[device]
    return written, {"landed_with_skewed_clock": int(is_skewed.sum())}
