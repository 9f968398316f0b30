"""The simulated site's events as Segment delivers them, with their dirt.

One gzip file of JSON lines a month, by the local time at which the collector received
the event; version 2 of the Segment specification with its e-commerce event names.

A device's clock is off by a few seconds. As in the specification, `originalTimestamp`
and `sentAt` are by that clock, `receivedAt` by the collector's, and `timestamp` =
`receivedAt` - (`sentAt` - `originalTimestamp`).

References
----------
https://segment.com/docs/connections/spec/common/,
https://segment.com/docs/connections/spec/ecommerce/v2/.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from demo.storefront.catalogue import CATEGORIES, Catalogue
from demo.storefront.order_lines import order_id, tax_contained
from demo.storefront.parameters import (
    CURRENCY_CODE,
    FIRST_DATE,
    N_DAYS,
    TIME_ZONE,
    Parameters,
)
from demo.storefront.simulation import (
    NOBODY,
    NOTHING,
    EventKind,
    Truth,
    end_of_year,
)

if TYPE_CHECKING:
    from demo.storefront.people import People
    from demo.storefront.simulation import Booleans, Integers

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


@dataclass(frozen=True)
class _Sent:
    """Every record to be written, one element each.

    `event` is an index into the events, robots' after the true ones; `received_at` is
    by the collector's clock; `rejection` is an index into `REJECTIONS`, or -1.
    """

    event: Integers
    received_at: Integers
    rejection: Integers


@dataclass(frozen=True)
class _Traffic:
    """Events of people and robots alike, and the visits that they belong to."""

    n_true: int
    kind: Integers
    product: Integers
    occurred_at: Integers
    is_known: Booleans
    visit: Integers
    visit_customer: Integers
    visit_device: Integers
    visit_order: Integers
    visit_agent: list[str]
    visit_is_mobile: Booleans


def _with_robots(
    rng: np.random.Generator, truth: Truth, parameters: Parameters
) -> _Traffic:
    """Return the true events and behind them those of robots.

    A robot is a device of its own, looks at pages and products only, every second or
    two, at any hour, and is known by its user agent alone.
    """
    visits, events = truth.visits, truth.events
    n_visits = len(visits.customer)
    n_robots = round(parameters.faults.bot_visits_per_customer * parameters.n_customers)
    robots = np.arange(n_robots)
    robot = np.repeat(robots, 8 + rng.poisson(12, n_robots))
    size = len(robot)
    first_ms = int(np.datetime64(FIRST_DATE, "ms").astype(np.int64)) + DAY_MS
    started_at = first_ms + rng.integers(0, (N_DAYS - 2) * DAY_MS, n_robots)
    steps = rng.integers(800, 2_500, size)
    starts = np.flatnonzero(np.diff(robot, prepend=-1))
    elapsed = np.cumsum(steps)
    elapsed -= np.repeat(elapsed[starts], np.diff(starts, append=size))
    is_page = rng.random(size) < ROBOT_PAGE_SHARE

    people_agents = [
        (MOBILE_AGENTS if mobile else DESKTOP_AGENTS)[device % 3]
        for device, mobile in zip(
            visits.device.tolist(), visits.is_mobile.tolist(), strict=True
        )
    ]
    robot_agents = [BOT_AGENTS[index % len(BOT_AGENTS)] for index in range(n_robots)]
    nothing = np.full(n_robots, NOTHING)
    n_devices = int(visits.device.max()) + 1
    return _Traffic(
        n_true=len(events.visit),
        kind=np.concatenate(
            [events.kind, np.where(is_page, EventKind.PAGE, EventKind.PRODUCT_VIEWED)]
        ),
        product=np.concatenate(
            [events.product, rng.integers(len(truth.catalogue.product_id), size=size)]
        ),
        occurred_at=np.concatenate([events.occurred_at, started_at[robot] + elapsed]),
        is_known=np.concatenate([events.is_known, np.zeros(size, dtype=np.bool_)]),
        visit=np.concatenate([events.visit, n_visits + robot]),
        visit_customer=np.concatenate([visits.customer, nothing]),
        visit_device=np.concatenate([visits.device, n_devices + robots]),
        visit_order=np.concatenate([visits.order, nothing]),
        visit_agent=[*people_agents, *robot_agents],
        visit_is_mobile=np.concatenate(
            [visits.is_mobile, np.zeros(n_robots, dtype=np.bool_)]
        ),
    )


def _plant(
    rng: np.random.Generator, traffic: _Traffic, parameters: Parameters
) -> tuple[_Sent, dict[str, int]]:
    """Decide what is spoiled, late or sent twice; no event has two faults.

    Only events that nothing hangs on are spoiled: orders stay whole and every log-in
    arrives.
    """
    faults = parameters.faults
    size = len(traffic.kind)
    n_true = traffic.n_true
    bound = end_of_year()
    delay = np.clip(rng.lognormal(np.log(250), 1.0, size), 20, 20_000).astype(np.int64)
    received_at = traffic.occurred_at + delay
    rejection = np.full(size, -1)

    spoilable = np.flatnonzero(traffic.kind[:n_true] <= EventKind.PRODUCT_VIEWED)
    spoilable = rng.permutation(spoilable)
    planted = {"landed_lines": 0}
    position = 0
    for code, name in enumerate(REJECTIONS):
        chosen = spoilable[position:]
        if name == "missing_event_name":
            chosen = chosen[traffic.kind[chosen] != EventKind.PAGE]
        count = round(getattr(faults, name) * n_true)
        rejection[chosen[:count]] = code
        planted[name] = count
        position += count
    planted["bot"] = size - n_true

    clean = rng.permutation(np.flatnonzero(rejection[:n_true] < 0))
    n_late = round(faults.late_events * n_true)
    can_be_late = traffic.occurred_at[clean] < bound - 5 * DAY_MS
    late = clean[can_be_late][:n_late]
    received_at[late] = traffic.occurred_at[late] + rng.integers(
        25 * HOUR_MS, 95 * HOUR_MS, len(late)
    )
    is_late = np.zeros(size, dtype=np.bool_)
    is_late[late] = True
    clean = clean[~is_late[clean]]
    copied = clean[: round(faults.duplicate_events * n_true)]
    ways = rng.choice(len(RESENT), len(copied), p=[way[0] for way in RESENT])
    low, high = np.array([way[1:] for way in RESENT])[ways].T
    after = rng.integers(low, high + 1)
    is_beyond = received_at[copied] + after >= bound
    after[is_beyond] = 0
    planted["duplicate"] = len(copied)
    planted["accepted"] = n_true - sum(planted[name] for name in REJECTIONS)
    planted["late_accepted"] = len(late)
    planted["landed_lines"] = size + len(copied)

    def month(times: Integers) -> Integers:
        local = pd.to_datetime(times, unit="ms", utc=True).tz_convert(TIME_ZONE)
        return np.asarray(local.year * 12 + local.month, dtype=np.int64)

    planted["late_in_later_file"] = int(
        np.sum(month(received_at[late]) > month(traffic.occurred_at[late]))
    )
    planted["duplicate_in_later_file"] = int(
        np.sum(month(received_at[copied] + after) > month(received_at[copied]))
    )
    return (
        _Sent(
            event=np.concatenate([np.arange(size), copied]),
            received_at=np.concatenate([received_at, received_at[copied] + after]),
            rejection=np.concatenate([rejection, np.full(len(copied), -1)]),
        ),
        planted,
    )


def _texts(times: Integers) -> list[str]:
    texts = np.datetime_as_string(times.astype("datetime64[ms]"), unit="ms")
    return [f"{text}Z" for text in texts.tolist()]


def _list_properties(catalogue: Catalogue, category: int) -> dict[str, Any]:
    """Return the properties of a category's list with the first products on it."""
    name = list(CATEGORIES)[category]
    products = np.flatnonzero(catalogue.category == category)[:N_LISTED]
    return {
        "list_id": name.lower(),
        "category": name,
        "products": [
            {"product_id": catalogue.product_id[index], "position": position}
            for position, index in enumerate(products.tolist(), start=1)
        ],
    }


def _uuids(rng: np.random.Generator, count: int) -> list[str]:
    content = rng.bytes(16 * count)
    return [
        str(uuid.UUID(bytes=content[start : start + 16], version=4))
        for start in range(0, 16 * count, 16)
    ]


def _product_properties(catalogue: Catalogue) -> list[dict[str, Any]]:
    return [
        {
            "product_id": catalogue.product_id[index],
            "sku": catalogue.product_id[index],
            "name": catalogue.product_name[index],
            "category": category,
            "brand": catalogue.brand[index],
            "price": int(catalogue.list_price[index]) / 100,
        }
        for index, category in enumerate(catalogue.category_names)
    ]


def _order_properties(
    truth: Truth, products: list[dict[str, Any]], orders: Integers
) -> dict[int, dict[str, Any]]:
    """Return the properties of `Order Completed` for each order placed online."""
    lines = truth.lines
    found: dict[int, dict[str, Any]] = {}
    first_line = np.searchsorted(lines.order, orders, side="left").tolist()
    end_line = np.searchsorted(lines.order, orders, side="right").tolist()
    for order, first, end in zip(orders.tolist(), first_line, end_line, strict=True):
        entries: list[dict[str, Any]] = []
        net = discount = tax = 0
        for index in range(first, end):
            quantity = int(lines.quantity[index])
            line_discount = quantity * int(lines.unit_discount[index])
            line_net = quantity * int(lines.unit_price[index]) - line_discount
            net += line_net
            discount += line_discount
            tax += tax_contained(line_net)
            entry = products[int(lines.product[index])]
            entries.append(
                {**entry, "quantity": quantity, "position": len(entries) + 1}
            )
        found[order] = {
            "order_id": order_id(order),
            "total": net / 100,
            "revenue": (net - tax) / 100,
            "tax": tax / 100,
            "discount": discount / 100,
            "shipping": 0,
            "currency": CURRENCY_CODE,
            "products": entries,
        }
    return found


class _Writer:
    """Turns an event into the body that its device sent."""

    def __init__(
        self,
        rng: np.random.Generator,
        truth: Truth,
        people: People,
        traffic: _Traffic,
    ) -> None:
        self._people = people
        self._traffic = traffic
        self._products = _product_properties(truth.catalogue)
        self._paths = [
            f"/products/{name.lower()}" for name in truth.catalogue.product_id
        ]
        self._subcategories = truth.catalogue.subcategory
        online = np.unique(traffic.visit_order[traffic.visit_order != NOTHING])
        self._orders = _order_properties(truth, self._products, online)
        self._lists = {
            name: _list_properties(truth.catalogue, index)
            for index, name in enumerate(CATEGORIES)
        }
        size = len(traffic.kind)
        n_visits = len(traffic.visit_agent)
        self.message_ids = _uuids(rng, size)
        self._devices = _uuids(rng, int(traffic.visit_device.max()) + 1)
        self._skew = rng.normal(0, 4_000, len(self._devices)).astype(np.int64)
        self._checkouts = rng.integers(0x10000000, 0xFFFFFFFF, n_visits).tolist()
        self._addresses = rng.integers(1, 255, len(self._devices)).tolist()
        shares = [origin[0] for origin in ORIGINS]
        origins = rng.choice(len(ORIGINS), n_visits, p=shares)
        origins[traffic.visit_customer == NOBODY] %= 3
        self._origins = origins.tolist()
        pages = rng.integers(len(PAGES), size=size)
        pages[rng.random(size) < HOME_SHARE] = 0
        self._pages = pages.tolist()
        self._visit_context = [self._context(visit) for visit in range(n_visits)]

    def skew(self) -> Integers:
        """Return how far ahead the device's clock is, in ms, for every event."""
        return np.asarray(
            self._skew[self._traffic.visit_device[self._traffic.visit]], dtype=np.int64
        )

    def _context(self, visit: int) -> dict[str, Any]:
        traffic = self._traffic
        context: dict[str, Any] = {
            "library": {"name": "analytics.js", "version": "next-1.75.0"},
            "locale": "en-US",
            "ip": f"203.0.113.{self._addresses[traffic.visit_device[visit]]}",
            "userAgent": traffic.visit_agent[visit],
            "device": {
                "type": "mobile" if traffic.visit_is_mobile[visit] else "desktop"
            },
        }
        campaign = ORIGINS[self._origins[visit]][2]
        if campaign is not None:
            names = ("source", "medium", "name")
            context["campaign"] = dict(zip(names, campaign, strict=True))
        return context

    def _describe(
        self, event: int, kind: int, product: int, visit: int
    ) -> tuple[str, str, dict[str, Any]]:
        """Return an event's path, page title and properties."""
        properties: dict[str, Any] = {}
        match kind:
            case EventKind.PAGE:
                path = PAGES[self._pages[event]]
                title = path[1:].replace("-", " ").capitalize() or "Home"
            case EventKind.PRODUCT_LIST_VIEWED:
                title = self._products[product]["category"]
                path = f"/collections/{title.lower()}"
                properties = self._lists[title]
            case EventKind.PRODUCTS_SEARCHED:
                path, title = "/search", "Search"
                properties = {"query": self._subcategories[product].lower()}
            case EventKind.PRODUCT_VIEWED | EventKind.PRODUCT_ADDED:
                path = self._paths[product]
                properties = self._products[product] | {"currency": CURRENCY_CODE}
                title = properties["name"]
                if kind == EventKind.PRODUCT_ADDED:
                    cart_id = f"cart-{self._checkouts[visit]:08x}"
                    properties |= {"quantity": 1, "cart_id": cart_id}
            case EventKind.CHECKOUT_STARTED | EventKind.ORDER_COMPLETED:
                path, title = "/checkout", "Checkout"
                properties = {"checkout_id": f"chk-{self._checkouts[visit]:08x}"}
                if kind == EventKind.ORDER_COMPLETED:
                    path, title = "/checkout/thank-you", "Thank you"
                    order = int(self._traffic.visit_order[visit])
                    properties |= self._orders[order]
                else:
                    properties |= {"currency": CURRENCY_CODE}
            case _:
                path, title = "/account/login", "Log in"
        return path, title, properties

    def _traits(self, customer: int) -> dict[str, Any]:
        people = self._people
        traits: dict[str, Any] = {
            "email": people.email[customer],
            "firstName": people.first_name[customer],
            "lastName": people.last_name[customer],
        }
        if people.phone[customer]:
            traits["phone"] = people.phone[customer]
        return traits

    def bodies(self) -> list[dict[str, Any]]:
        """Return the body of every event, without its times."""
        traffic = self._traffic
        bodies: list[dict[str, Any]] = []
        last_visit, last_url = -1, ""
        rows = zip(
            traffic.kind.tolist(),
            traffic.product.tolist(),
            traffic.visit.tolist(),
            traffic.is_known.tolist(),
            strict=True,
        )
        customers = traffic.visit_customer.tolist()
        devices = traffic.visit_device.tolist()
        for event, (kind, product, visit, is_known) in enumerate(rows):
            path, title, properties = self._describe(event, kind, product, visit)
            url = SITE + path
            is_landing = visit != last_visit
            page = {
                "path": path,
                "referrer": ORIGINS[self._origins[visit]][1]
                if is_landing
                else last_url,
                "search": "",
                "title": f"{title} | {SHOP_NAME}",
                "url": url,
            }
            last_visit, last_url = visit, url
            body: dict[str, Any] = {
                "messageId": self.message_ids[event],
                "type": "track",
                "anonymousId": self._devices[devices[visit]],
                "userId": self._people.customer_id[customers[visit]]
                if is_known
                else None,
                "context": self._visit_context[visit] | {"page": page},
                "integrations": {},
            }
            if kind == EventKind.PAGE:
                body |= {"type": "page", "name": title, "properties": page}
            elif kind == EventKind.IDENTIFY:
                body |= {"type": "identify", "traits": self._traits(customers[visit])}
            else:
                body |= {
                    "event": EVENT_NAMES[kind],
                    "properties": properties,
                }
            bodies.append(body)
        return bodies


def _spoil(body: dict[str, Any], reason: str, position: int) -> dict[str, Any]:
    """Return the body of an event with what makes it rejected for `reason`."""
    body = dict(body)
    match reason:
        case "missing_id":
            del body["messageId"]
        case "missing_identity":
            body |= {"anonymousId": None, "userId": None}
        case "unparseable_timestamp":
            wrong = WRONG_TIMES[position % len(WRONG_TIMES)]
            body |= {"originalTimestamp": wrong, "timestamp": wrong}
        case "unknown_type":
            body["type"] = "heartbeat"
        case "missing_event_name":
            del body["event"]
    return body


def export_events(
    seed: np.random.SeedSequence,
    truth: Truth,
    people: People,
    parameters: Parameters,
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Export the events, with their dirt.

    Parameters
    ----------
    seed
        Where chance starts from.
    truth, people
        What happened, and to whom.
    parameters
        How much dirt.

    Returns
    -------
    files : dict of str to list of str
        Month as 2025-01 to the lines of its file, in the order they were received.
    planted : dict of str to int
        How many lines landed and with which final status.
    """
    rng = np.random.default_rng(seed)
    traffic = _with_robots(rng, truth, parameters)
    sent, planted = _plant(rng, traffic, parameters)
    writer = _Writer(rng, truth, people, traffic)
    bodies = writer.bodies()

    event = sent.event
    occurred_at = traffic.occurred_at[event].copy()
    # On the network for no time: what the device waited is what the collector sees.
    sent_at = sent.received_at + writer.skew()[event]
    is_future = sent.rejection == REJECTIONS.index("future_timestamp")
    occurred_at[is_future] += rng.integers(3, 300, int(is_future.sum())) * DAY_MS
    original_at = occurred_at + writer.skew()[event]
    by_time = np.lexsort((np.arange(len(event)), sent.received_at))
    local = pd.to_datetime(sent.received_at[by_time], unit="ms", utc=True)
    months = local.tz_convert(TIME_ZONE).strftime("%Y-%m").tolist()
    columns = zip(
        months,
        by_time.tolist(),
        event[by_time].tolist(),
        sent.rejection[by_time].tolist(),
        _texts(original_at[by_time]),
        _texts(sent_at[by_time]),
        _texts(sent.received_at[by_time]),
        _texts(occurred_at[by_time]),
        strict=True,
    )
    files: dict[str, list[str]] = defaultdict(list)
    encode = json.JSONEncoder(separators=(",", ":")).encode
    for month, position, index, code, original, sent_text, received, time in columns:
        body = bodies[index] | {
            "originalTimestamp": original,
            "sentAt": sent_text,
            "receivedAt": received,
            "timestamp": time,
            "version": 2,
        }
        if code > 0:
            body = _spoil(body, REJECTIONS[code], position)
        line = encode(body)
        if code == 0:
            line = line[: len(line) // 2]
        files[month].append(line)
    return dict(files), planted
