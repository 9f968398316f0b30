"""The simulated shop's order lines as its order system exports them, with their dirt.

One file a month, by local time. A return or a cancellation is a line of its own beside
the line it undoes: own time, own `line_id`, negative quantity, and as unit price what
was paid for a unit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from demo.storefront.parameters import CURRENCY_CODE, TIME_ZONE, Faults
from demo.storefront.simulation import CHANNELS, NEVER, STORE, Truth, end_of_year

if TYPE_CHECKING:
    from demo.storefront.people import People
    from demo.storefront.simulation import Integers

COLUMNS = (
    "order_id",
    "line_id",
    "ordered_at",
    "product_id",
    "product_name",
    "quantity",
    "unit_price",
    "discount_amount",
    "tax_amount",
    "currency_code",
    "customer_id",
    "country",
    "channel",
    "line_status",
)
TRUTH_COLUMNS = (
    "order_id",
    "customer_id",
    "ordered_at_utc",
    "channel",
    "country",
    "n_lines",
    "purchased_quantity",
    "gross_amount",
    "discount_amount",
    "refund_amount",
    "net_amount",
    "is_cancelled",
)
TAX_PERCENT = 8
DECEMBER = 12
LATER_FILE_SHARE = 0.4
BROKEN_QUANTITIES = ("one", "1 pc", "?", "2x")
BROKEN_TIMES = ("0000-00-00 00:00:00", "n/a", "31/02/2025 14:00", "yesterday")


class ExportedLine(NamedTuple):
    """A line on its way into a file: month (1 to 12), sort key, the record."""

    month: int
    key: tuple[int, int, int, int]
    record: tuple[str, ...]


def order_id(order: int) -> str:
    """Return the id of an order by its index."""
    return f"SO{100001 + order}"


def money(cents: int) -> str:
    """Return cents as text in dollars, two decimals."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def tax_contained(cents: int) -> int:
    """Return the tax contained in an amount, both in cents."""
    return round(cents * TAX_PERCENT / (100 + TAX_PERCENT))


def local_texts(times: Integers) -> tuple[list[str], list[int]]:
    """Return UTC milliseconds as local time to the second, and their months."""
    local = pd.to_datetime(times, unit="ms", utc=True).tz_convert(TIME_ZONE)
    return list(local.strftime("%Y-%m-%d %H:%M:%S")), [int(m) for m in local.month]


def _clean_lines(truth: Truth, people: People) -> list[ExportedLine]:
    """Return what the order system should export, in order of time."""
    lines, orders, catalogue = truth.lines, truth.orders, truth.catalogue
    statuses = ("completed", "returned", "cancelled")
    times = (
        orders.ordered_at[lines.order],
        lines.returned_at,
        orders.cancelled_at[lines.order],
    )
    exported: list[ExportedLine] = []
    for step, (status, at) in enumerate(zip(statuses, times, strict=True)):
        chosen = np.flatnonzero(at != NEVER)
        texts, months = local_texts(at[chosen])
        for index, text, month in zip(chosen.tolist(), texts, months, strict=True):
            order = int(lines.order[index])
            number = int(lines.line_number[index])
            product = int(lines.product[index])
            quantity = int(lines.quantity[index])
            price = int(lines.unit_price[index])
            discount = int(lines.unit_discount[index])
            line_id = str(number)
            net = quantity * (price - discount)
            if step:
                line_id += f"-{status[0].upper()}"
                price, discount = price - discount, 0
                quantity, net = -quantity, -net
            customer = int(orders.customer[order])
            record = (
                order_id(order),
                line_id,
                text,
                catalogue.product_id[product],
                catalogue.product_name[product],
                str(quantity),
                money(price),
                money(quantity * discount),
                money(tax_contained(net)),
                CURRENCY_CODE,
                people.customer_id[customer],
                people.country[customer],
                CHANNELS[orders.channel[order]],
                status,
            )
            key = (int(at[index]), order, step, number)
            exported.append(ExportedLine(month, key, record))
    return sorted(exported)


def _duplicates(
    rng: np.random.Generator, clean: list[ExportedLine], faults: Faults
) -> tuple[list[ExportedLine], int]:
    """Return second copies of some lines, and how many land in the next file."""
    n_copies = round(faults.duplicate_lines * len(clean))
    copies: list[ExportedLine] = []
    n_later = 0
    for index in rng.choice(len(clean), n_copies, replace=False).tolist():
        line = clean[index]
        is_later = line.month < DECEMBER and rng.random() < LATER_FILE_SHARE
        n_later += is_later
        copies.append(line._replace(month=line.month + is_later))
    return copies, n_later


def _broken_lines(
    rng: np.random.Generator, truth: Truth, clean: list[ExportedLine], faults: Faults
) -> tuple[list[ExportedLine], list[ExportedLine]]:
    """Return further lines of store orders with a broken quantity or time.

    They belong to no true order amount, and never to an online order, so that orders
    and `Order Completed` events keep agreeing.
    """
    is_store = truth.orders.channel == STORE
    last_lines = {
        line.key[1]: line
        for line in clean
        if is_store[line.key[1]] and line.record[-1] == "completed"
    }
    candidates = sorted(last_lines)
    n_each = min(round(faults.unparseable_lines * len(clean)), len(candidates) // 2)
    chosen = rng.choice(candidates, 2 * n_each, replace=False).tolist()
    broken: tuple[list[ExportedLine], list[ExportedLine]] = ([], [])
    for position, order in enumerate(chosen):
        line = last_lines[order]
        time, _, step, number = line.key
        record = list(line.record)
        record[COLUMNS.index("line_id")] = str(number + 1)
        is_time = position >= n_each
        if is_time:
            text = BROKEN_TIMES[position % len(BROKEN_TIMES)]
            record[COLUMNS.index("ordered_at")] = text
        else:
            text = BROKEN_QUANTITIES[position % len(BROKEN_QUANTITIES)]
            record[COLUMNS.index("quantity")] = text
        key = (time, order, step, number + 1)
        broken[is_time].append(ExportedLine(line.month, key, tuple(record)))
    return broken


def export_lines(
    seed: np.random.SeedSequence, truth: Truth, people: People, faults: Faults
) -> tuple[dict[str, list[tuple[str, ...]]], dict[str, int]]:
    """Export the order lines, with their dirt.

    Parameters
    ----------
    seed
        Where chance starts from.
    truth, people
        What happened, and to whom.
    faults
        How much dirt.

    Returns
    -------
    files : dict of str to list of tuple
        Month as 2025-01 to the records of its file, columns as in `COLUMNS`.
    planted : dict of str to int
        How many lines landed and with which final status.
    """
    rng = np.random.default_rng(seed)
    clean = _clean_lines(truth, people)
    copies, n_later = _duplicates(rng, clean, faults)
    broken_quantity, broken_time = _broken_lines(rng, truth, clean, faults)
    everything = [*clean, *copies, *broken_quantity, *broken_time]
    files: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for line in sorted(everything):
        files[f"2025-{line.month:02d}"].append(line.record)
    statuses = Counter(line.record[-1] for line in clean)
    planted = {
        "landed_lines": len(everything),
        "unparseable_quantity": len(broken_quantity),
        "unparseable_timestamp": len(broken_time),
        "duplicate": len(copies),
        "accepted": len(clean),
        "accepted_completed_lines": statuses["completed"],
        "accepted_returned_lines": statuses["returned"],
        "accepted_cancelled_lines": statuses["cancelled"],
        "cancelled_orders": int(np.sum(truth.orders.cancelled_at != NEVER)),
        "duplicate_in_later_file": n_later,
    }
    return dict(sorted(files.items())), planted


def true_orders(truth: Truth, people: People) -> list[tuple[str, ...]]:
    """Return the true orders, one each in order of time, columns `TRUTH_COLUMNS`.

    Refunds are those of returns and cancellations until the end of the year.
    """
    orders, lines = truth.orders, truth.lines
    size = len(orders.customer)
    gross = lines.quantity * lines.unit_price
    discount = lines.quantity * lines.unit_discount
    is_undone = (lines.returned_at != NEVER) | (
        orders.cancelled_at[lines.order] != NEVER
    )
    refund = np.where(is_undone, gross - discount, 0)

    def total(values: Integers) -> list[int]:
        sums = np.zeros(size, dtype=np.int64)
        np.add.at(sums, lines.order, values)
        return [int(value) for value in sums]

    if int(orders.ordered_at.max(initial=0)) >= end_of_year():
        message = "an order lies after the end of the simulated year"
        raise AssertionError(message)
    at = np.datetime_as_string(orders.ordered_at.astype("datetime64[ms]"), unit="ms")
    columns = (
        total(np.ones_like(lines.order)),
        total(lines.quantity),
        total(gross),
        total(discount),
        total(refund),
    )
    rows: list[tuple[str, ...]] = []
    for order, (
        n_lines,
        purchased_quantity,
        gross_cents,
        discount_cents,
        refund_cents,
    ) in enumerate(zip(*columns, strict=True)):
        customer = int(orders.customer[order])
        rows.append(
            (
                order_id(order),
                people.customer_id[customer],
                f"{at[order]}Z",
                CHANNELS[orders.channel[order]],
                people.country[customer],
                str(n_lines),
                str(purchased_quantity),
                money(gross_cents),
                money(discount_cents),
                money(refund_cents),
                money(gross_cents - discount_cents - refund_cents),
                "true" if orders.cancelled_at[order] != NEVER else "false",
            )
        )
    return rows
