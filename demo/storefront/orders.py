"""The true orders: their ids and amounts, and how events name them.

Amounts are cents of the order's own currency; tax is contained in what is paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.storefront.parameters import CURRENCY_CODES
from demo.storefront.segment_events import product_openings
from demo.storefront.simulation import (
    CHANNELS,
    COUNTRY_CURRENCY,
    NEVER,
    STORE,
    Truth,
)
from demo.storefront.texts import choose, groups_joined, integers, join, money, pick

if TYPE_CHECKING:
    import pyarrow as pa

    from demo.storefront.simulation import Booleans, Integers

TAX_PERCENT = 8
FIRST_ORDER_ID = 5_620_000_000_001
ORDER_ID_STEP = 32_768


def tax_contained(cents: Integers) -> Integers:
    """Return the tax contained in amounts, all in cents."""
    return np.asarray(np.round(cents * TAX_PERCENT / (100 + TAX_PERCENT)), np.int64)


@dataclass(frozen=True)
class OrderBook:
    """Amounts and ids of the true orders, one element each.

    Attributes
    ----------
    truth
        The orders and their lines.
    order_id
        The order system's number for online orders, `SO…` for those of a store.
    is_online
        Whether it was placed on the site or in the app.
    currency
        Index into `CURRENCY_CODES`.
    starts
        Where each order's lines start, and last the number of lines.
    gross, discount, refund, net, tax
        In cents; `net` is without refunds taken off.
    line_net
        One per line.
    is_line_undone
        One per line: returned, or its order cancelled.
    """

    truth: Truth
    order_id: pa.Array
    is_online: Booleans
    currency: Integers
    starts: Integers
    gross: Integers
    discount: Integers
    refund: Integers
    net: Integers
    tax: Integers
    line_net: Integers
    is_line_undone: Booleans

    def line_products(self, *, is_quoted: bool) -> pa.Array:
        """Return each order's products as Segment's objects, joined by commas."""
        lines = self.truth.lines
        quote = '"' if is_quoted else ""
        entries = join(
            pick(product_openings(self.truth.catalogue), lines.product),
            f',"price":{quote}',
            money(lines.unit_price),
            f'{quote},"quantity":',
            integers(lines.quantity),
            ',"position":',
            integers(lines.line_number),
            "}",
        )
        return groups_joined(entries, self.starts)

    def segment_properties(self) -> tuple[pa.Array, tuple[pa.Array, pa.Array]]:
        """Return the properties of `Order Completed`, products apart.

        Returns
        -------
        opening : Arrow array of text
            Id and amounts.
        products : two Arrow arrays of text
            With prices as numbers, and with prices as text.
        """
        opening = join(
            '"order_id":"',
            self.order_id,
            '","total":',
            money(self.net),
            ',"revenue":',
            money(self.net - self.tax),
            ',"tax":',
            money(self.tax),
            ',"discount":',
            money(self.discount),
            ',"shipping":0,"currency":"',
            pick(CURRENCY_CODES, self.currency),
            '"',
        )
        return opening, (
            self.line_products(is_quoted=False),
            self.line_products(is_quoted=True),
        )


def order_numbers(count: int) -> Integers:
    """Return the order system's ids of so many orders."""
    return FIRST_ORDER_ID + ORDER_ID_STEP * np.arange(count, dtype=np.int64)


def make_order_book(truth: Truth) -> OrderBook:
    """Return the true orders with ids and amounts."""
    orders, lines = truth.orders, truth.lines
    size = len(orders.customer)
    starts = np.searchsorted(lines.order, np.arange(size + 1))
    gross = lines.quantity * lines.unit_price
    discount = lines.quantity * lines.unit_discount
    is_undone = (lines.returned_at != NEVER) | (
        orders.cancelled_at[lines.order] != NEVER
    )

    def total(values: Integers) -> Integers:
        return np.bincount(lines.order, values, size).astype(np.int64)

    line_net = gross - discount
    is_online = orders.channel != STORE
    numbers = integers(order_numbers(size))
    store_numbers = join("SO", integers(100_001 + np.arange(size)))
    return OrderBook(
        truth=truth,
        order_id=choose(is_online, numbers, store_numbers),
        is_online=is_online,
        currency=COUNTRY_CURRENCY[truth.customers.country[orders.customer]],
        starts=starts,
        gross=total(gross),
        discount=total(discount),
        refund=total(np.where(is_undone, line_net, 0)),
        net=total(line_net),
        tax=total(tax_contained(line_net)),
        line_net=line_net,
        is_line_undone=is_undone,
    )


def channel_names(channel: Integers) -> pa.Array:
    """Return the names of channels."""
    return pick(CHANNELS, channel)
