"""The stores' order lines as their tills export them, with their dirt.

One CSV file a month, by local time. A return is a line of its own beside the line it
undoes: own time, own `line_id`, negative quantity, and as unit price what was paid for
a unit. The customer is there when the loyalty card was shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo.storefront.orders import tax_contained
from demo.storefront.parameters import COUNTRIES, CURRENCY_CODES
from demo.storefront.simulation import NEVER, NOBODY, to_local
from demo.storefront.texts import (
    choose,
    integers,
    join,
    local_seconds,
    money,
    pick,
    write_records,
)

if TYPE_CHECKING:
    from pathlib import Path

    from demo.files import WrittenFile
    from demo.storefront.shop import Shop
    from demo.storefront.simulation import Booleans, Integers

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
LATER_FILE_SHARE = 0.4
BROKEN_QUANTITIES = ("one", "1 pc", "?", "2x")
BROKEN_TIMES = ("0000-00-00 00:00:00", "n/a", "31/02/2025 14:00", "yesterday")
COMPLETED, RETURNED = range(2)
AS_IT_IS, COPY, BROKEN_QUANTITY, BROKEN_TIME = range(4)


@dataclass(frozen=True)
class _Rows:
    """Records: the line, sold or returned, the kind of dirt, and when."""

    line: Integers
    status: Integers
    kind: Integers
    at: Integers


def write_lines(
    landing: Path, rng: np.random.Generator, shop: Shop
) -> tuple[list[WrittenFile], dict[str, int], Booleans]:
    """Write the stores' files.

    Returns
    -------
    files : list of WrittenFile
        One a month.
    planted : dict of str to int
        How many lines landed and with which final status.
    is_named : numpy.ndarray of bool, (n_orders,)
        At which orders the loyalty card was shown.
    """
    book, faults = shop.book, shop.parameters.faults
    orders, lines = shop.truth.orders, shop.truth.lines
    is_named = ~book.is_online
    is_named &= rng.random(len(is_named)) >= faults.unnamed_store_orders
    sold = np.flatnonzero(~book.is_online[lines.order])
    returned = sold[lines.returned_at[sold] != NEVER]
    line = np.concatenate([sold, returned])
    status = np.repeat([COMPLETED, RETURNED], [len(sold), len(returned)])
    n_clean = len(line)
    copied = rng.choice(n_clean, round(faults.duplicate_lines * n_clean), replace=False)
    # Further lines of some orders, after the last one: no true amount has them.
    last = np.flatnonzero(np.diff(lines.order[sold], append=NOBODY) != 0)
    n_each = min(round(faults.unparseable_lines * n_clean), len(last) // 2)
    broken = rng.choice(last, 2 * n_each, replace=False)
    kind = np.repeat(
        [AS_IT_IS, COPY, BROKEN_QUANTITY, BROKEN_TIME],
        [n_clean, len(copied), n_each, n_each],
    )
    chosen = np.concatenate([np.arange(n_clean), copied, broken])
    line, status = line[chosen], status[chosen]
    at = np.where(
        status == RETURNED,
        lines.returned_at[line],
        orders.ordered_at[lines.order[line]],
    )
    month = to_local(at).astype("datetime64[ms]").astype("datetime64[M]")
    months = month.astype(np.int64)
    is_later = (kind == COPY) & (rng.random(len(kind)) < LATER_FILE_SHARE)
    is_later &= months < months.max(initial=0)
    months = months + is_later
    by_time = np.lexsort((kind, line, status, lines.order[line], at, months))
    written = []
    rows_of_file = _Rows(line, status, kind, at)
    texts = _records(shop, rows_of_file, is_named).take(pa.array(by_time))
    for number in np.unique(months).tolist():
        rows = np.flatnonzero(months[by_time] == number)
        path = landing / "pos" / "order_lines" / f"{np.datetime64(number, 'M')}.csv"
        part = texts.slice(int(rows[0]), len(rows))
        written.append(write_records(path, [part], len(rows), ",".join(COLUMNS)))
    planted = {
        "landed_lines": len(kind),
        "unparseable_quantity": n_each,
        "unparseable_timestamp": n_each,
        "duplicate": len(copied),
        "accepted": n_clean,
        "accepted_completed_lines": len(sold),
        "accepted_returned_lines": len(returned),
        "accepted_unnamed_lines": int(np.sum(~is_named[lines.order[line[:n_clean]]])),
        "duplicate_in_later_file": int(is_later.sum()),
    }
    return written, planted, is_named


def _records(shop: Shop, rows: _Rows, is_named: Booleans) -> pa.Array:
    """Return the records as CSV; nothing in them needs quotes."""
    book, people, orders = shop.book, shop.people, shop.truth.orders
    lines, catalogue = shop.truth.lines, shop.truth.catalogue
    line, status, kind, at = rows.line, rows.status, rows.kind, rows.at
    order, product = lines.order[line], lines.product[line]
    is_returned = status == RETURNED
    sign = np.where(is_returned, -1, 1)
    quantity = sign * lines.quantity[line]
    discount = np.where(is_returned, 0, lines.unit_discount[line])
    price = lines.unit_price[line] - np.where(is_returned, lines.unit_discount[line], 0)
    is_broken = kind >= BROKEN_QUANTITY
    wrong = np.arange(len(line)) % len(BROKEN_TIMES)
    customer = np.where(is_named[order], orders.account[order], NOBODY)
    columns = (
        pick(book.order_id, order),
        join(
            integers(lines.line_number[line] + is_broken),
            choose(is_returned, "-R", ""),
        ),
        choose(
            kind == BROKEN_TIME,
            pick(BROKEN_TIMES, wrong),
            local_seconds(to_local(at)),
        ),
        pick(catalogue.product_id, product),
        pick(catalogue.product_name, product),
        choose(
            kind == BROKEN_QUANTITY,
            pick(BROKEN_QUANTITIES, wrong),
            integers(quantity),
        ),
        money(price),
        money(quantity * discount),
        money(tax_contained(sign * book.line_net[line])),
        pick(CURRENCY_CODES, book.currency[order]),
        pick(people.user_id, customer),
        pick(
            [country.name for country in COUNTRIES],
            shop.truth.customers.country[orders.customer[order]],
        ),
        "store",
        choose(is_returned, "returned", "completed"),
    )
    parts: list[pa.Array | str] = [columns[0]]
    for column in columns[1:]:
        parts += [",", column]
    return join(*parts)
