"""The simulated app's events as Google Analytics exports them to BigQuery.

JSON lines with the columns of the export's `events_YYYYMMDD` tables, one file a month
named by its first day, or one a day; as BigQuery writes JSON, whole numbers are text
and what is null is left out. A telephone has a `user_pseudo_id`, `user_id` is there
once somebody has logged in. Consent is `privacy_info`.

References
----------
https://support.google.com/analytics/answer/7029846 (the export's columns),
https://support.google.com/analytics/answer/9267735 (events of online sales).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.storefront.catalogue import CATEGORIES, Catalogue, local_prices
from demo.storefront.consents import ANALYTICS, granted
from demo.storefront.parameters import COUNTRIES, CURRENCY_CODES, Parameters
from demo.storefront.simulation import (
    COUNTRY_CURRENCY,
    NOBODY,
    NOTHING,
    EventKind,
    Truth,
    to_local,
)
from demo.storefront.texts import (
    DAY_MS,
    HEX_PAIRS,
    choose,
    dates,
    fixed,
    groups_joined,
    in_chunks,
    integers,
    join,
    money,
    pick,
    replaced,
    write_records,
)

if TYPE_CHECKING:
    from pathlib import Path

    from demo.files import WrittenFile
    from demo.storefront.consents import Consents
    from demo.storefront.shop import Shop
    from demo.storefront.simulation import Booleans, Events, Integers

EVENT_NAMES: dict[int, str] = {
    EventKind.PAGE: "screen_view",
    EventKind.PRODUCT_LIST_VIEWED: "view_item_list",
    EventKind.PRODUCTS_SEARCHED: "view_search_results",
    EventKind.PRODUCT_VIEWED: "view_item",
    EventKind.PRODUCT_ADDED: "add_to_cart",
    EventKind.CHECKOUT_STARTED: "begin_checkout",
    EventKind.ORDER_COMPLETED: "purchase",
    EventKind.IDENTIFY: "login",
}
REJECTIONS = (
    "malformed_json",
    "missing_identity",
    "unparseable_timestamp",
    "missing_event_name",
)
FAULTS = (
    "malformed_app_json",
    "missing_app_identity",
    "missing_app_timestamp",
    "missing_app_name",
)
SYSTEMS = (
    ("IOS", "iOS", "Apple", "1:5551234:ios:00c0ffee"),
    ("ANDROID", "Android", "Samsung", "1:5551234:android:00c0ffee"),
)
CONTINENTS = ("Americas", "Europe", "Europe", "Europe")
SCREENS = ("Home", "New in", "Sale", "Stores", "Size guide", "Cart")


@dataclass(frozen=True)
class AppEvents:
    """The app's events by device and time; `consent` is the state that each tells of.

    `visit` is an index into the visits.
    """

    kind: Integers
    product: Integers
    occurred_at: Integers
    is_known: Booleans
    visit: Integers
    consent: Integers
    device: Integers
    account: Integers


@dataclass(frozen=True)
class Exported:
    """Rows of the export: index of the event, and of `REJECTIONS` or -1."""

    event: Integers
    rejection: Integers


def make_app_events(truth: Truth, events: Events, consents: Consents) -> AppEvents:
    """Return what happened in the app."""
    visits = truth.visits
    in_app = truth.devices.is_app[visits.device[events.visit]]
    visit = events.visit[in_app]
    occurred_at = events.occurred_at[in_app]
    is_known = events.is_known[in_app]
    device = visits.device[visit]
    return AppEvents(
        kind=events.kind[in_app],
        product=events.product[in_app],
        occurred_at=occurred_at,
        is_known=is_known,
        visit=visit,
        consent=consents.at(device, occurred_at),
        device=device,
        account=np.where(is_known, visits.account[visit], NOBODY),
    )


def plant(
    seed: np.random.SeedSequence, events: AppEvents, parameters: Parameters
) -> tuple[Exported, dict[str, int]]:
    """Decide which rows are spoiled and which are there twice; none has two faults.

    Returns
    -------
    exported : Exported
        The rows, in order of time.
    planted : dict of str to int
        How many land and with which final status, consent left aside.
    """
    rng = np.random.default_rng(seed)
    size = len(events.kind)
    rejection = np.full(size, -1)
    spoilable = rng.permutation(np.flatnonzero(events.kind <= EventKind.PRODUCT_VIEWED))
    planted = {}
    for code, (name, fault) in enumerate(zip(REJECTIONS, FAULTS, strict=True)):
        count = round(getattr(parameters.faults, fault) * size)
        chosen, spoilable = spoilable[:count], spoilable[count:]
        rejection[chosen] = code
        planted[name] = len(chosen)
    clean = rng.permutation(np.flatnonzero(rejection < 0))
    copied = clean[: round(parameters.faults.duplicate_app_events * size)]
    event = np.concatenate([np.arange(size), copied])
    by_time = np.lexsort((event, events.occurred_at[event]))
    planted |= {
        "duplicate": len(copied),
        "accepted": size - sum(planted.values()),
        "landed_lines": len(event),
    }
    event = event[by_time]
    return Exported(event, rejection[event]), planted


def rejected_events(events: AppEvents, exported: Exported) -> Booleans:
    """Return which events never count."""
    rejected = np.zeros(len(events.kind), dtype=np.bool_)
    rejected[exported.event[exported.rejection >= 0]] = True
    return rejected


def pseudo_ids(parameters: Parameters, n_devices: int) -> pa.Array:
    """Return the `user_pseudo_id` of every telephone: 32 hexadecimal digits."""
    rng = np.random.default_rng([parameters.seed, 3])
    content = np.frombuffer(rng.bytes(16 * n_devices), np.uint8).reshape(-1, 16)
    return fixed(HEX_PAIRS[content].reshape(n_devices, 32))


def _item_openings(catalogue: Catalogue) -> pa.Array:
    return pa.array(
        [
            f'{{"item_id":"{catalogue.product_id[index]}",'
            f'"item_name":"{catalogue.product_name[index]}",'
            f'"item_brand":"{catalogue.brand[index]}",'
            f'"item_category":"{category}",'
            f'"item_category2":"{catalogue.subcategory[index]}","price":'
            for index, category in enumerate(catalogue.category_names)
        ]
    )


def _parameter(name: str, kind: str, value: pa.Array) -> pa.Array:
    quote = "" if kind == "double_value" else '"'
    return join(f',{{"key":"{name}","value":{{"{kind}":{quote}', value, f"{quote}}}}}")


class _Writer:
    """Turns events into rows of the export."""

    def __init__(
        self,
        shop: Shop,
        events: AppEvents,
        exported: Exported,
    ) -> None:
        truth, orders, parameters = shop.truth, shop.book, shop.parameters
        self._truth, self._people, self._orders = truth, shop.people, orders
        self._events, self._exported = events, exported
        catalogue = truth.catalogue
        self._ids = pseudo_ids(parameters, len(truth.devices.owner))
        self._openings = _item_openings(catalogue)
        self._prices = local_prices(catalogue)
        lines = truth.lines
        items = join(
            pick(self._openings, lines.product),
            money(lines.unit_price),
            ',"quantity":"',
            integers(lines.quantity),
            '","item_revenue":',
            money(orders.line_net),
            "}",
        )
        self._items = groups_joined(items, orders.starts)
        units = np.bincount(lines.order, lines.quantity, len(orders.net))
        self._ecommerce = join(
            '{"total_item_quantity":"',
            integers(units.astype(np.int64)),
            '","purchase_revenue":',
            money(orders.net),
            ',"tax_value":',
            money(orders.tax),
            ',"unique_items":"',
            integers(np.diff(orders.starts)),
            '","transaction_id":"',
            orders.order_id,
            '"}',
        )
        first = np.full(len(truth.devices.owner), np.iinfo(np.int64).max)
        np.minimum.at(first, events.device, events.occurred_at)
        self._first_seen = first
        # Sessions of a device are numbered from its first visit on.
        by_device = np.lexsort((events.occurred_at, events.device))
        is_start = np.diff(events.visit[by_device], prepend=-1) != 0
        number = np.cumsum(is_start)
        is_first = np.diff(events.device[by_device], prepend=-1) != 0
        before = np.maximum.accumulate(np.where(is_first, number - 1, 0))
        self._session_number = np.empty_like(number)
        self._session_number[by_device] = number - before
        self._bundle = events.visit + 1_000_000
        self._catalogue = catalogue

    def _items_of(self, event: Integers, order: Integers) -> pa.Array:
        events = self._events
        kind, product = events.kind[event], events.product[event]
        country = self._truth.visits.country[events.visit[event]]
        price = money(self._prices[COUNTRY_CURRENCY[country], product])
        has_item = (kind == EventKind.PRODUCT_VIEWED) | (
            kind == EventKind.PRODUCT_ADDED
        )
        item = join(
            pick(self._openings, np.where(has_item, product, NOTHING)),
            price,
            ',"quantity":"1"}',
        )
        found = choose(has_item, item, "")
        return choose(order != NOTHING, pick(self._items, order), found)

    def lines(self, rows: Integers) -> pa.Array:
        """Return the lines of rows."""
        events, exported, visits = self._events, self._exported, self._truth.visits
        event, code = exported.event[rows], exported.rejection[rows]
        kind, product, visit = (
            values[event] for values in (events.kind, events.product, events.visit)
        )
        device, at = events.device[event], events.occurred_at[event]
        country = visits.country[visit]
        currency = COUNTRY_CURRENCY[country]
        is_purchase = kind == EventKind.ORDER_COMPLETED
        order = np.where(is_purchase, visits.order[visit], NOTHING)

        def is_spoiled(reason: str) -> Booleans:
            return np.equal(code, REJECTIONS.index(reason))

        def text_of(*kinds: EventKind) -> Booleans:
            return np.isin(kind, kinds)

        nobody = is_spoiled("missing_identity")
        account = np.where(nobody, NOBODY, events.account[event])
        micros = integers(at * 1000 + event % 1000)
        screen = pick(
            SCREENS, np.where(kind == EventKind.PAGE, visit % len(SCREENS), NOTHING)
        )
        category = self._catalogue.category[product]
        optional: list[tuple[Booleans, pa.Array]] = [
            (
                kind == EventKind.PAGE,
                _parameter("firebase_screen", "string_value", screen),
            ),
            (
                text_of(EventKind.PRODUCTS_SEARCHED),
                _parameter(
                    "search_term",
                    "string_value",
                    pc.utf8_lower(pick(self._catalogue.subcategory, product)),
                ),
            ),
            (
                text_of(EventKind.PRODUCT_LIST_VIEWED),
                _parameter(
                    "item_list_name", "string_value", pick(list(CATEGORIES), category)
                ),
            ),
            (
                is_purchase,
                _parameter(
                    "transaction_id",
                    "string_value",
                    pick(self._orders.order_id, order),
                ),
            ),
            (
                is_purchase,
                _parameter(
                    "value", "double_value", pick(money(self._orders.net), order)
                ),
            ),
            (
                text_of(
                    EventKind.PRODUCT_VIEWED,
                    EventKind.PRODUCT_ADDED,
                    EventKind.CHECKOUT_STARTED,
                    EventKind.ORDER_COMPLETED,
                ),
                _parameter("currency", "string_value", pick(CURRENCY_CODES, currency)),
            ),
        ]
        parameters = join(
            *(choose(mask, text, "") for mask, text in optional),
        )
        analytics = granted(events.consent[event], ANALYTICS)
        advertising = granted(events.consent[event], 1)
        privacy = join(
            choose(
                analytics >= 0,
                join('"analytics_storage":"', pick(("No", "Yes"), analytics), '",'),
                "",
            ),
            choose(
                advertising >= 0,
                join('"ads_storage":"', pick(("No", "Yes"), advertising), '",'),
                "",
            ),
        )
        system = device % len(SYSTEMS)
        pseudo_id = join('"user_pseudo_id":"', pick(self._ids, device), '",')
        user = join('"user_id":"', pick(self._people.user_id, account), '",')
        items = self._items_of(event, order)
        local = to_local(at)
        name = join('"event_name":"', pick(self._event_names, kind), '",')
        lines = join(
            '{"event_date":"',
            pc.replace_substring(dates(local), "-", ""),
            '",',
            choose(
                is_spoiled("unparseable_timestamp"),
                "",
                join('"event_timestamp":"', micros, '",'),
            ),
            choose(is_spoiled("missing_event_name"), "", name),
            '"event_params":[{"key":"ga_session_id","value":{"int_value":"',
            integers(visits.started_at[visit] // 1000),
            '"}},{"key":"ga_session_number","value":{"int_value":"',
            integers(self._session_number[event]),
            '"}}',
            parameters,
            '],"event_bundle_sequence_id":"',
            integers(self._bundle[event]),
            '","event_server_timestamp_offset":"0",',
            choose(account >= 0, user, ""),
            choose(nobody, "", pseudo_id),
            '"privacy_info":{',
            privacy,
            '"uses_transient_token":"No"},"user_properties":[],'
            '"user_first_touch_timestamp":"',
            integers(self._first_seen[device] * 1000),
            '","device":{"category":"mobile","mobile_brand_name":"',
            pick([each[2] for each in SYSTEMS], system),
            '","operating_system":"',
            pick([each[1] for each in SYSTEMS], system),
            '","language":"en-us","is_limited_ad_tracking":"No"},"geo":{"continent":"',
            pick(CONTINENTS, country),
            '","country":"',
            pick([each.name for each in COUNTRIES], country),
            '"},"app_info":{"id":"com.example.storefront","version":"4.2.0",'
            '"firebase_app_id":"',
            pick([each[3] for each in SYSTEMS], system),
            '"},"traffic_source":{"name":"(direct)","medium":"(none)",'
            '"source":"(direct)"},"stream_id":"4242424242","platform":"',
            pick([each[0] for each in SYSTEMS], system),
            '"',
            choose(
                is_purchase, join(',"ecommerce":', pick(self._ecommerce, order)), ""
            ),
            ',"items":[',
            items,
            "]}",
        )
        cut = np.flatnonzero(is_spoiled("malformed_json"))
        halves = [
            line[: len(line) // 2] for line in lines.take(pa.array(cut)).to_pylist()
        ]
        return replaced(lines, cut, halves)

    _event_names = pa.array([EVENT_NAMES[kind] for kind in range(len(EventKind))])


def write_app_events(
    landing: Path, shop: Shop, events: AppEvents, exported: Exported
) -> list[WrittenFile]:
    """Write the export's files."""
    writer = _Writer(shop, events, exported)
    at = events.occurred_at[exported.event]
    day = to_local(at) // DAY_MS
    if shop.parameters.has_daily_app_files:
        starts = day
    else:
        months = day.astype("datetime64[D]").astype("datetime64[M]")
        starts = months.astype("datetime64[D]").astype(np.int64)
    written = []
    for start in np.unique(starts).tolist():
        rows = np.flatnonzero(starts == start)
        name = str(np.datetime64(start, "D")).replace("-", "")
        path = landing / "ga4" / "events" / f"events_{name}.jsonl.gz"
        written.append(write_records(path, in_chunks(rows, writer.lines), len(rows)))
    return written
