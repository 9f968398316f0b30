"""The online orders as Shopify's Admin API gives them, with their dirt.

JSON lines of the REST resources: orders by the month of `updated_at` (an order comes
again, whole, with every change), and one file each of refunds, customers, products.
Amounts are text, times are the shop's local time with its offset. A cancelled order was
paid before: it has `cancelled_at` and a refund of everything.

References
----------
https://shopify.dev/docs/api/admin-rest (order, refund, customer, product).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.storefront.orders import order_numbers, tax_contained
from demo.storefront.parameters import COUNTRIES, CURRENCY_CODES, Parameters
from demo.storefront.people import typed_emails, typed_phones
from demo.storefront.simulation import (
    NEVER,
    NOBODY,
    end_of_period,
    to_local,
)
from demo.storefront.texts import (
    DAY_MS,
    choose,
    groups_joined,
    in_chunks,
    integers,
    join,
    local_seconds,
    money,
    pick,
    replaced,
    write_records,
)

if TYPE_CHECKING:
    from pathlib import Path

    from demo.files import WrittenFile
    from demo.storefront.orders import OrderBook
    from demo.storefront.people import People
    from demo.storefront.shop import Shop
    from demo.storefront.simulation import Booleans, Integers, Truth

FIRST_CUSTOMER_ID = 7_310_000_000_001
FIRST_PRODUCT_ID = 8_050_000_000_001
FIRST_VARIANT_ID = 44_300_000_000_001
FIRST_LINE_ID = 13_900_000_000_001
FIRST_REFUND_ID = 910_000_000_001
FULFILLED_SHARE = 0.6
# Guests who give another address than the one that the shop knows.
OTHER_EMAIL_SHARE = 0.2
# Orders that carry a telephone number, of those whose customer has one.
PHONE_SHARE = 0.7
CUSTOMER_UPDATED_SHARE = 0.15
STAFF_EMAIL = "storefront-staff@example.com"
HOUR_MS = 3_600_000
# Marketing consent, as Shopify names it: state and share.
MARKETING_STATES = ("subscribed", "unsubscribed", "not_subscribed", "pending")
MARKETING_SHARES = (0.5, 0.12, 0.33, 0.05)
PLACED, FULFILLED, CHANGED, CANCELLED = range(4)


def offset_times(times: Integers) -> pa.Array:
    """Return UTC milliseconds as the shop's local time with its offset."""
    local = to_local(times)
    hours = (times - local) // HOUR_MS
    return join(
        pc.replace_substring(local_seconds(local), " ", "T"),
        pick(("-04:00", "-05:00"), hours - 4),
    )


@dataclass(frozen=True)
class Contacts:
    """What guests and customers gave at the checkout, one element per order.

    `is_guest` says that no customer is named, `is_other` that a guest gave another
    address; `has_phone` that there is a number.
    """

    email: pa.Array
    phone: pa.Array
    is_guest: Booleans
    is_other: Booleans
    has_phone: Booleans


def draw_contacts(rng: np.random.Generator, truth: Truth, people: People) -> Contacts:
    """Draw what is typed in at every checkout.

    Who gives another address than usual gives the number as the shop has it: the
    number is then all that tells who it is.
    """
    orders = truth.orders
    size = len(orders.customer)
    account = orders.account
    is_other = orders.is_guest & (rng.random(size) < OTHER_EMAIL_SHARE)
    email = choose(
        is_other, pick(people.other_email, orders.customer), pick(people.email, account)
    )
    phone = pick(people.phone, account)
    has_phone = pc.not_equal(phone, "").to_numpy(zero_copy_only=False)
    has_phone &= rng.random(size) < PHONE_SHARE
    typed = choose(is_other, phone, typed_phones(rng, phone))
    return Contacts(
        email=typed_emails(rng, email),
        phone=choose(has_phone, typed, ""),
        is_guest=orders.is_guest,
        is_other=is_other,
        has_phone=has_phone,
    )


@dataclass(frozen=True)
class _Versions:
    """Records of orders: the order, what happened to it, and when."""

    order: Integers
    state: Integers
    updated_at: Integers


def _versions(rng: np.random.Generator, book: OrderBook, kept: Booleans) -> _Versions:
    orders, lines = book.truth.orders, book.truth.lines
    placed = np.flatnonzero(kept)
    fulfilled_at = orders.ordered_at + rng.integers(
        20 * HOUR_MS, 70 * HOUR_MS, len(orders.customer)
    )
    is_fulfilled = kept & (rng.random(len(kept)) < FULFILLED_SHARE)
    is_fulfilled &= (orders.cancelled_at == NEVER) & (fulfilled_at < end_of_period())
    fulfilled = np.flatnonzero(is_fulfilled)
    cancelled = np.flatnonzero(kept & (orders.cancelled_at != NEVER))
    returned = np.flatnonzero((lines.returned_at != NEVER) & kept[lines.order])
    parts = (
        (placed, PLACED, orders.ordered_at[placed]),
        (fulfilled, FULFILLED, fulfilled_at[fulfilled]),
        (lines.order[returned], CHANGED, lines.returned_at[returned]),
        (cancelled, CANCELLED, orders.cancelled_at[cancelled]),
    )
    return _Versions(
        order=np.concatenate([part[0] for part in parts]),
        state=np.concatenate([np.full(len(part[0]), part[1]) for part in parts]),
        updated_at=np.concatenate([part[2] for part in parts]),
    )


def _quoted(text: pa.Array) -> pa.Array:
    return choose(
        pc.equal(text, "").to_numpy(zero_copy_only=False), "null", join('"', text, '"')
    )


class _OrderWriter:
    """Turns versions of orders into lines."""

    def __init__(
        self, book: OrderBook, people: People, contacts: Contacts, versions: _Versions
    ) -> None:
        truth = book.truth
        lines, catalogue = truth.lines, truth.catalogue
        self._book, self._people, self._contacts = book, people, contacts
        self._versions = versions
        product = integers(FIRST_PRODUCT_ID + lines.product)
        tax = tax_contained(book.line_net)
        entries = join(
            '{"id":',
            integers(FIRST_LINE_ID + np.arange(len(lines.order))),
            ',"product_id":',
            product,
            ',"variant_id":',
            integers(FIRST_VARIANT_ID + lines.product),
            ',"sku":"',
            pick(catalogue.product_id, lines.product),
            '","title":"',
            pick(catalogue.product_name, lines.product),
            '","quantity":',
            integers(lines.quantity),
            ',"price":"',
            money(lines.unit_price),
            '","total_discount":"',
            money(lines.quantity * lines.unit_discount),
            '","tax_lines":[{"price":"',
            money(tax),
            '"}]}',
        )
        self._items = groups_joined(entries, book.starts)
        visits = truth.visits
        ordering = np.flatnonzero(visits.order != NOBODY)
        self._device = np.full(len(book.net), NOBODY)
        self._device[visits.order[ordering]] = visits.device[ordering]

    def lines(self, rows: Integers) -> pa.Array:
        """Return the lines of versions."""
        book, contacts, versions = self._book, self._contacts, self._versions
        orders = book.truth.orders
        order, state = versions.order[rows], versions.state[rows]
        created = offset_times(orders.ordered_at[order])
        updated = offset_times(versions.updated_at[rows])
        cancelled = state == CANCELLED
        email = pick(contacts.email, order)
        phone = _quoted(pick(contacts.phone, order))
        account = orders.account[order]
        country = pick(
            [each.code for each in COUNTRIES],
            book.truth.customers.country[orders.customer[order]],
        )
        is_app = book.truth.devices.is_app[self._device[order]]
        system = self._device[order] % 2
        source = choose(is_app, choose(system == 0, "iphone", "android"), "web")
        customer = join(
            '{"id":',
            integers(FIRST_CUSTOMER_ID + account),
            ',"email":"',
            pick(self._people.email, account),
            '","phone":',
            _quoted(pick(self._people.phone, account)),
            "}",
        )
        return join(
            '{"id":',
            pick(book.order_id, order),
            ',"name":"#',
            integers(1001 + order),
            '","created_at":"',
            created,
            '","processed_at":"',
            created,
            '","updated_at":"',
            updated,
            '","cancelled_at":',
            choose(cancelled, join('"', updated, '"'), "null"),
            ',"test":false,"financial_status":"',
            pick(("paid", "paid", "partially_refunded", "refunded"), state),
            '","fulfillment_status":',
            pick(("null", '"fulfilled"', '"fulfilled"', "null"), state),
            ',"currency":"',
            pick(CURRENCY_CODES, book.currency[order]),
            '","email":"',
            email,
            '","phone":',
            phone,
            ',"source_name":"',
            source,
            '","taxes_included":true,"total_tax":"',
            money(book.tax[order]),
            '","customer":',
            choose(contacts.is_guest[order], "null", customer),
            ',"shipping_address":{"country_code":"',
            country,
            '"},"billing_address":{"country_code":"',
            country,
            '"},"line_items":[',
            pick(self._items, order),
            '],"shipping_lines":[{"price":"0.00"}]}',
        )


def _test_order(number: int, time: str) -> str:
    """Return an order that staff placed to try the shop."""
    return json.dumps(
        {
            "id": number,
            "name": f"#T{number % 10_000}",
            "created_at": time,
            "processed_at": time,
            "updated_at": time,
            "cancelled_at": None,
            "test": True,
            "financial_status": "paid",
            "fulfillment_status": None,
            "currency": "USD",
            "email": STAFF_EMAIL,
            "phone": None,
            "source_name": "web",
            "taxes_included": True,
            "total_tax": "0.07",
            "customer": None,
            "shipping_address": {"country_code": "US"},
            "billing_address": {"country_code": "US"},
            "line_items": [
                {
                    "id": number + 1,
                    "product_id": FIRST_PRODUCT_ID,
                    "variant_id": FIRST_VARIANT_ID,
                    "sku": "SKU-0001",
                    "title": "Try-out",
                    "quantity": 1,
                    "price": "1.00",
                    "total_discount": "0.00",
                    "tax_lines": [{"price": "0.07"}],
                }
            ],
            "shipping_lines": [{"price": "0.00"}],
        },
        separators=(",", ":"),
    )


def staff_orders(
    rng: np.random.Generator, book: OrderBook, parameters: Parameters
) -> tuple[Integers, Integers]:
    """Return the numbers and times of the orders that staff placed."""
    count = max(3, round(parameters.faults.test_orders * int(book.is_online.sum())))
    numbers = order_numbers(len(book.net) + count)[len(book.net) :]
    span = parameters.n_days * DAY_MS
    times = end_of_period() - np.sort(rng.integers(HOUR_MS, span - DAY_MS, count))[::-1]
    return numbers, times // 1000 * 1000


def write_orders(
    landing: Path,
    rng: np.random.Generator,
    shop: Shop,
    contacts: Contacts,
    kept: Booleans,
) -> tuple[list[WrittenFile], dict[str, int], tuple[Integers, Integers]]:
    """Write the orders' files.

    Parameters
    ----------
    landing, rng, shop
        Where to, source of chance, and what happened.
    contacts
        What is typed in at the checkouts.
    kept
        Which true orders the order system has.

    Returns
    -------
    files : list of WrittenFile
        One a month, by the time of the change.
    planted : dict of str to int
        How many lines landed and with which final status.
    tests : numbers and times of the orders that staff placed
    """
    book, faults = shop.book, shop.parameters.faults
    versions = _versions(rng, book, kept)
    size = len(versions.order)
    lines = _OrderWriter(book, shop.people, contacts, versions).lines
    copied = rng.choice(size, round(faults.duplicate_orders * size), replace=False)
    cut = rng.choice(size, max(1, round(faults.malformed_orders * size)), replace=False)
    test_numbers, test_times = staff_orders(rng, book, shop.parameters)
    tests = pa.array(
        [
            _test_order(number, time)
            for number, time in zip(
                test_numbers.tolist(),
                offset_times(test_times).to_pylist(),
                strict=True,
            )
        ],
        pa.string(),
    )
    # Kinds of records: 0 as it is, 1 sent again, 2 cut in half, 3 staff's.
    counts = (size, len(copied), len(cut), len(tests))
    kind = np.repeat(np.arange(len(counts)), counts)
    row = np.concatenate([np.arange(size), copied, cut, np.arange(len(tests))])
    times = np.concatenate(
        [
            versions.updated_at,
            versions.updated_at[copied] + 60_000,
            versions.updated_at[cut],
            test_times,
        ]
    )
    months = to_local(np.minimum(times, end_of_period() - 1))
    months = months.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    by_time = np.lexsort((row, kind, times, months))

    def build(records: Integers) -> pa.Array:
        is_test = kind[records] == 3  # noqa: PLR2004
        found = lines(np.where(is_test, 0, row[records]))
        found = choose(is_test, pick(tests, np.where(is_test, row[records], -1)), found)
        halves = np.flatnonzero(kind[records] == 2)  # noqa: PLR2004
        texts = found.take(pa.array(halves)).to_pylist()
        return replaced(found, halves, [text[: len(text) // 2] for text in texts])

    written = []
    for month in np.unique(months).tolist():
        records = by_time[months[by_time] == month]
        name = str(np.datetime64(month, "M"))
        path = landing / "shopify" / "orders" / f"{name}.jsonl.gz"
        written.append(write_records(path, in_chunks(records, build), len(records)))
    planted = {
        "landed_lines": sum(counts),
        "malformed_json": len(cut),
        "test_order": len(tests),
        "duplicate": size + len(copied) - int(kept.sum()),
        "accepted": int(kept.sum()),
    }
    return written, planted, (test_numbers, test_times)


def write_refunds(
    landing: Path, book: OrderBook, kept: Booleans
) -> tuple[list[WrittenFile], dict[str, int]]:
    """Write the refunds: one for each returned line, one for a cancelled order."""
    orders, lines = book.truth.orders, book.truth.lines
    is_kept = kept[lines.order]
    undone_at = np.where(
        lines.returned_at != NEVER, lines.returned_at, orders.cancelled_at[lines.order]
    )
    line = np.flatnonzero(is_kept & (undone_at != NEVER))
    # All lines of a cancelled order are in one refund.
    is_cancelled = orders.cancelled_at[lines.order[line]] != NEVER
    refund = np.where(is_cancelled, lines.order[line], len(book.net) + line)
    by_refund = np.lexsort((line, refund, undone_at[line]))
    line, refund = line[by_refund], refund[by_refund]
    if not len(line):
        return [], {"landed_lines": 0, "accepted": 0}
    starts = np.flatnonzero(np.diff(refund, prepend=-1, append=-1))
    entries = join(
        '{"id":',
        integers(FIRST_REFUND_ID + 5_000_000_000 + line),
        ',"line_item_id":',
        integers(FIRST_LINE_ID + line),
        ',"quantity":',
        integers(lines.quantity[line]),
        ',"subtotal":"',
        money(book.line_net[line]),
        '","total_tax":"',
        money(tax_contained(book.line_net[line])),
        '"}',
    )
    first = line[starts[:-1]]
    order = lines.order[first]
    amount = np.add.reduceat(book.line_net[line], starts[:-1])
    texts = join(
        '{"id":',
        integers(FIRST_REFUND_ID + refund[starts[:-1]]),
        ',"order_id":',
        pick(book.order_id, order),
        ',"created_at":"',
        offset_times(undone_at[first]),
        '","refund_line_items":[',
        groups_joined(entries, starts),
        '],"transactions":[{"amount":"',
        money(amount),
        '","kind":"refund","currency":"',
        pick(CURRENCY_CODES, book.currency[order]),
        '"}]}',
    )
    path = landing / "shopify" / "refunds" / "refunds.jsonl.gz"
    count = len(texts)
    written = write_records(path, [texts], count)
    return [written], {"landed_lines": count, "accepted": count}


def write_customers(
    landing: Path,
    rng: np.random.Generator,
    book: OrderBook,
    people: People,
) -> tuple[list[WrittenFile], dict[str, int]]:
    """Write one customer for each account, some of them again as they changed."""
    truth = book.truth
    person = truth.customers.account_person
    size = len(person)
    created = np.full(size, end_of_period() - DAY_MS)
    visits, orders = truth.visits, truth.orders
    is_theirs = visits.account != NOBODY
    np.minimum.at(created, visits.account[is_theirs], visits.started_at[is_theirs])
    np.minimum.at(created, orders.account, orders.ordered_at)
    created = created // 1000 * 1000
    first = rng.choice(len(MARKETING_STATES), size, p=MARKETING_SHARES)
    updated = created + rng.integers(DAY_MS, 60 * DAY_MS, size) // 1000 * 1000
    changed = np.flatnonzero(
        (rng.random(size) < CUSTOMER_UPDATED_SHARE) & (updated < end_of_period())
    )
    # Who was subscribed leaves, whoever else joins.
    second = np.where(first[changed] == 0, 1, 0)
    account = np.concatenate([np.arange(size), changed])
    state = np.concatenate([first, second])
    at = np.concatenate([created, updated[changed]])
    by_time = np.lexsort((account, at))
    account, state, at = account[by_time], state[by_time], at[by_time]

    def build(rows: Integers) -> pa.Array:
        chosen = account[rows]
        who = person[chosen]
        country = [each.code for each in COUNTRIES]
        return join(
            '{"id":',
            integers(FIRST_CUSTOMER_ID + chosen),
            ',"email":"',
            pick(people.email, chosen),
            '","phone":',
            _quoted(pick(people.phone, chosen)),
            ',"first_name":"',
            pick(people.first_name, who),
            '","last_name":"',
            pick(people.last_name, who),
            '","created_at":"',
            offset_times(created[chosen]),
            '","updated_at":"',
            offset_times(at[rows]),
            '","email_marketing_consent":{"state":"',
            pick(MARKETING_STATES, state[rows]),
            '","consent_updated_at":"',
            offset_times(at[rows]),
            '"},"default_address":{"country_code":"',
            pick(country, truth.customers.country[who]),
            '"}}',
        )

    path = landing / "shopify" / "customers" / "customers.jsonl.gz"
    written = write_records(path, in_chunks(np.arange(len(at)), build), len(at))
    planted = {"landed_lines": len(at), "duplicate": len(changed), "accepted": size}
    return [written], planted


def write_products(
    landing: Path, book: OrderBook
) -> tuple[list[WrittenFile], dict[str, int]]:
    """Write every product with its one variant."""
    catalogue = book.truth.catalogue
    lines = [
        json.dumps(
            {
                "id": FIRST_PRODUCT_ID + index,
                "title": catalogue.product_name[index],
                "product_type": category,
                "vendor": catalogue.brand[index],
                "updated_at": catalogue.updated_at[index].replace(" ", "T") + "-05:00",
                "variants": [
                    {
                        "id": FIRST_VARIANT_ID + index,
                        "sku": catalogue.product_id[index],
                        "price": f"{int(catalogue.list_price[index]) / 100:.2f}",
                    }
                ],
            },
            separators=(",", ":"),
        )
        for index, category in enumerate(catalogue.category_names)
    ]
    path = landing / "shopify" / "products" / "products.jsonl.gz"
    written = write_records(path, [pa.array(lines)], len(lines))
    return [written], {"landed_lines": len(lines), "accepted": len(lines)}
