"""The storefront's orders against the truth: every order once, to the cent.

The truth knows each order's amounts in its own currency and who told of it. Event-only
orders have no order system that would know their tax and discount, so their amounts are
what the events say: revenue without tax and shipping.
"""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built

AMOUNTS = ("gross_amount", "discount_amount", "refund_amount")


@pytest.fixture(scope="module")
def truth(storefront_landing: Path) -> Path:
    return storefront_landing.parent / "truth" / "storefront"


@pytest.fixture(scope="module")
def true_orders(truth: Path) -> dict[str, dict[str, str]]:
    with (truth / "orders.csv").open(newline="", encoding="utf-8") as stream:
        return {row["order_id"]: row for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def orders(storefront: Built) -> dict[str, dict[str, Any]]:
    names = (
        *("order_id", "order_evidence", "source_name", "currency_code", "channel"),
        *("is_cancelled", "ordered_at", *AMOUNTS, "reported"),
    )
    rows = storefront.rows(
        "with amounts as (select order_key, sum(original_gross_amount) as g,"
        " sum(original_discount_amount) as d, sum(original_refund_amount) as r"
        " from marts.fct_order_lines group by order_key)"
        " select order_id, order_evidence, source_name, currency_code, channel,"
        " is_cancelled, ordered_at, g, d, r, gross_amount"
        " from marts.fct_orders inner join amounts using (order_key)"
    )
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def test_every_true_order_is_there_once_and_no_test(
    orders: dict[str, dict[str, Any]], true_orders: dict[str, dict[str, str]]
) -> None:
    assert len([row for row in true_orders.values() if row["is_test"] == "true"]) > 0
    assert set(orders) == {
        order_id for order_id, row in true_orders.items() if row["is_test"] == "false"
    }


def test_what_the_order_systems_know_is_right_to_the_cent(
    orders: dict[str, dict[str, Any]], true_orders: dict[str, dict[str, str]]
) -> None:
    different = []
    n_compared = n_foreign = n_cancelled = 0
    for order_id, order in orders.items():
        expected = true_orders[order_id]
        if expected["is_only_in_events"] == "true":
            continue
        n_compared += 1
        n_foreign += order["currency_code"] != "USD"
        n_cancelled += order["is_cancelled"]
        found = [order[name] for name in AMOUNTS]
        if (
            found != [Decimal(expected[name]) for name in AMOUNTS]
            or order["currency_code"] != expected["currency_code"]
            or order["source_name"] != expected["source_name"]
            or order["is_cancelled"] != (expected["is_cancelled"] == "true")
        ):
            different.append((order, expected))
    assert not different, f"{len(different)} differ, the first: {different[:3]}"
    assert min(n_compared, n_foreign, n_cancelled) > 0


def test_orders_say_who_knows_of_them(
    orders: dict[str, dict[str, Any]], true_orders: dict[str, dict[str, str]]
) -> None:
    for order_id, order in orders.items():
        expected = true_orders[order_id]
        is_only_in_events = expected["is_only_in_events"] == "true"
        assert (order["order_evidence"] == "events") is is_only_in_events
        if expected["is_only_in_order_system"] == "true":
            assert order["order_evidence"] == "orders"
    # Those in both would all say so, had nobody refused to be followed.
    n_both = sum(order["order_evidence"] == "both" for order in orders.values())
    n_true = sum(
        row["is_only_in_events"] == row["is_only_in_order_system"] == "false"
        and row["source_name"] == "shopify"
        and row["is_test"] == "false"
        for row in true_orders.values()
    )
    assert 0.85 * n_true < n_both <= n_true


def test_amounts_convert_at_the_rate_of_the_day(
    storefront: Built,
    orders: dict[str, dict[str, Any]],
    true_orders: dict[str, dict[str, str]],
    storefront_landing: Path,
) -> None:
    rates: dict[tuple[str, str], Decimal] = {}
    for path in (storefront_landing / "fx" / "rates").iterdir():
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                assert row["to_currency"] == "USD"
                rates[row["date"], row["from_currency"]] = Decimal(row["rate"])
    days = {
        row[0]: str(row[1])
        for row in storefront.rows(
            "select order_id, ordered_date from marts.fct_orders"
        )
    }
    n_foreign = 0
    for order_id, order in orders.items():
        currency = true_orders[order_id]["currency_code"]
        if currency == "USD" or order["order_evidence"] == "events":
            continue
        n_foreign += 1
        rate = rates[days[order_id], currency]
        # Every line is rounded to four decimals.
        difference = abs(order["reported"] - order["gross_amount"] * rate)
        assert difference < Decimal("0.001"), (order, rate)
    assert n_foreign > 1_000


def test_shopifys_records_are_accounted_for(storefront: Built, truth: Path) -> None:
    planted = json.loads((truth / "planted.json").read_text())
    for stream in ("orders", "refunds", "customers", "products"):
        expected = planted[f"shopify_{stream}"]
        n_rejected = expected.get("malformed_json", 0) + expected.get("test_order", 0)
        assert storefront.row(
            "select sum(n_landed), sum(n_accepted), sum(n_duplicate), sum(n_rejected)"
            " from marts.row_accounting"
            " where source_name = 'shopify' and stream_name = ?",
            stream,
        ) == (
            expected["landed_lines"],
            expected["accepted"],
            expected.get("duplicate", 0),
            n_rejected,
        )
