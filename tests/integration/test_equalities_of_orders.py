"""Orders are the same whatever came when: copies, rates, refunds, merges, answers.

A run writes lines and orders that changed. After each change here, all of them are
those that a full refresh makes.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from warehouses import write_csv
from worlds import WORLDS, Entity, Event, drop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from warehouses import Built, DataSet, Workshop
    from worlds import Record

ORDERS = (
    *("+fct_orders", "+fct_order_lines", "+row_accounting", "+rejected_rows"),
    *("+imputed_values", "+int_daily_volumes"),
)
# Table -> columns that say which load or run it was.
COMPARED = {
    "intermediate.int_order_lines_classified": "change_number, classified_at_load_id",
    "intermediate.int_order_lines_valued": "change_number, classification_number",
    "intermediate.int_orders": "line_change_number",
    "intermediate.int_records_counted": "change_number, classified_at_load_id",
    "intermediate.int_imputed_values": "",
    "marts.fct_orders": "",
    "marts.row_accounting": "",
    "marts.rejected_rows": "",
    "marts.imputed_values": "",
}
SHOP: DataSet = replace(
    WORLDS,
    name="orders",
    dbt_vars=WORLDS.dbt_vars
    | {
        "repeated_lines": {"pos": "keep"},
        "unknown_analytics_consent": "allowed",
        "zero_amount_is_purchase": {"pos": False},
    },
)


def line(order: str, line_id: str = "", **fields: object) -> dict[str, object]:
    return {
        "order_id": order,
        "line_id": line_id,
        "ordered_at": "2026-01-10 12:00:00",
        "product_id": "cup",
        "quantity": "1",
        "unit_price": "10",
        "discount_amount": "",
        "currency_code": "USD",
        "customer_id": "ann",
    } | fields


def land(
    built: Built,
    landing: Path,
    name: str,
    lines: Sequence[dict[str, object]] = (),
    records: Sequence[Record] = (),
) -> None:
    if lines:
        write_csv(landing / "pos" / "order_lines" / f"{name}.csv", lines)
    drop(records, landing, name)
    assert not built.land(landing).failed


def land_rate(landing: Path, day: str, rate: str) -> None:
    row = {"date": day, "from_currency": "EUR", "to_currency": "USD", "rate": rate}
    write_csv(landing / "fx" / "rates" / f"{day}.csv", [row])


def change(built: Built, *statements: str) -> None:
    with built.warehouse.write() as connection:
        for statement in statements:
            connection.execute(statement)


def contents(built: Built) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for table, left_out in COMPARED.items():
        columns = f"* exclude ({left_out})" if left_out else "*"
        found[table] = built.rows(f"select {columns} from {table} order by all")
    return found


def build_and_compare(
    workshop: Workshop, built: Built, exclude: Sequence[str] = ()
) -> dict[str, list[tuple[object, ...]]]:
    """Build what changed; all is as a full refresh has it, and a rerun leaves it."""
    built.build("--select", *ORDERS, exclude=exclude)
    found = contents(built)
    anew = workshop.new(built.data_set, like=built)
    anew.build("--full-refresh", "--select", *ORDERS, exclude=exclude)
    expected = contents(anew)
    for table, rows in expected.items():
        assert found[table] == rows, table
    return found


def orders(built: Built) -> dict[str, tuple[object, ...]]:
    return {
        order: tuple(row)
        for order, *row in built.rows(
            "select order_id, n_lines, cast(net_amount as double),"
            " customer_order_number from marts.fct_orders where order_id is not null"
        )
    }


def statuses(built: Built) -> dict[str, int]:
    return dict(
        built.rows(
            "select record_status, sum(n_records) from intermediate.int_records_counted"
            " where record_type = 'order_line' group by record_status"
        )
    )


FIRST = [
    line("o1", "1"),
    line("o1", "2", discount_amount="1"),
    line("o2", "1", ordered_at="2026-01-12 12:00:00", discount_amount="3"),
    line("o3", "1", ordered_at="2026-01-11 12:00:00", currency_code="EUR"),
    line("o4", "1", customer_id="bob"),
    line("", customer_id="bob"),
    line("", customer_id="bob"),
    line("o9", "1", customer_id="", quantity="many"),
]
# A file that a newer version of it will replace.
SECOND = [
    line("o5", "1", ordered_at="2026-01-10 13:00:00"),
    line("o6", "1", customer_id="bob", unit_price="1"),
]
SEEN = Event(1, 15_000, device="phone", user="ann", order="o1")
ALONE = Event(2, 15_010, device="phone", user="bob", order="e1")
WEB = Entity("shopify/orders", "7", 15_020, email="ann@shop.example")
REFUND = {
    "id": 71,
    "order_id": 7,
    "created_at": "2026-01-13T10:00:00Z",
    "refund_line_items": [
        {
            "id": 72,
            "line_item_id": 70,
            "quantity": 1,
            "subtotal": "10.00",
            "total_tax": "0.00",
        }
    ],
    "transactions": [{"kind": "refund", "amount": "10.00"}],
}
# The device refuses after the first purchase and before the second.
REFUSAL = Event(3, 15_005, device="phone", allowed=False, lateness=3_000)


def test_orders_by_what_changed(workshop: Workshop, tmp_path: Path) -> None:
    built, landing = workshop.new(SHOP), tmp_path / "landing"
    land(built, landing, "first", FIRST, records=[SEEN, ALONE, WEB])
    land(built, landing, "second", SECOND)
    build_and_compare(workshop, built)
    first = orders(built)
    assert first["o1"] == (2, 19.0, 1)
    assert first["o2"] == (1, 7.0, 3)
    assert first["7"] == (1, 10.0, 1)
    # After o4, o6 and the two lines without an order.
    assert first["e1"] == (1, 10.0, 5)
    assert "o3" not in first
    assert statuses(built) == {"accepted": 8, "rejected": 2}

    # Late: a rate for o3, a first order, another copy of a line of o1, a third of the
    # identical lines, and a refusal that withholds what told of e1.
    land_rate(landing, "2026-01-01", "2")
    land(
        built,
        landing,
        "third",
        [
            line("o1", "1", unit_price="20"),
            line("", customer_id="bob"),
            line("o0", "1", ordered_at="2026-01-01 12:00:00"),
        ],
        records=[REFUSAL],
    )
    build_and_compare(workshop, built)
    third = orders(built)
    assert third["o0"] == (1, 10.0, 1)
    assert third["o3"] == (1, 20.0, 4)
    assert third["o2"] == (1, 7.0, 5)
    assert "e1" not in third
    assert statuses(built) == {"accepted": 11, "duplicate": 1, "rejected": 1}

    # Ann is Bob and whoever ordered at the web shop, where there is a refund; the file
    # of o5 has another content; the rate of o3's day is another. Of one customer's
    # orders o3 is the tenth: 7, o0, seven of the tenth of January, o3, o2.
    (load_id,) = built.row(
        "select max(load_id) from raw.load_manifest where file_path like '%second.csv'"
    )
    change(
        built,
        f"delete from raw.pos_order_lines where _load_id = {load_id}",
        "update raw.load_manifest set load_status = 'replaced'"
        f" where load_id = {load_id}",
    )
    (landing / "pos" / "order_lines" / "second.csv").unlink()
    land_rate(landing, "2026-01-11", "3")
    refunds = landing / "shopify" / "refunds" / "fourth.jsonl"
    refunds.parent.mkdir(parents=True)
    refunds.write_text(json.dumps(REFUND) + "\n")
    land(
        built,
        landing,
        "fourth",
        [line("o6", "1", customer_id="bob", unit_price="2"), line("e1", "1")],
        records=[
            Event(4, 16_000, device="laptop", user="ann", email="ann@shop.example"),
            Entity("crm/contacts", "c", 16_001, user="bob", email="ann@shop.example"),
            replace(WEB, minute=16_002),
        ],
    )
    build_and_compare(workshop, built)
    fourth = orders(built)
    assert "o5" not in fourth
    assert fourth["7"] == (2, 0.0, 1)
    assert fourth["o6"][:2] == (1, 2.0)
    assert fourth["e1"][:2] == (1, 10.0)
    assert fourth["o3"] == (1, 30.0, 10)
    assert fourth["o2"] == (1, 7.0, 11)
    assert built.row("select count(distinct customer_id) from marts.fct_orders") == (1,)


@pytest.mark.slow
def test_settings_and_seeds_change_all_orders(
    workshop: Workshop, tmp_path: Path
) -> None:
    """A median moves with every line, a seed or a var with nothing that lands."""
    built, landing = workshop.new(SHOP), tmp_path / "landing"
    land(built, landing, "first", FIRST)
    build_and_compare(workshop, built)
    without = ["resource_type:seed"]
    change(
        built,
        "update seeds.imputations set method = 'median'"
        " where model_name = 'stg_pos__order_lines'"
        " and column_name = 'discount_amount'",
        "insert into seeds.charge_products values ('CUP', 'postage')",
    )
    build_and_compare(workshop, built, exclude=without)
    # The median of 1 and 3, for each line that has none.
    assert orders(built)["o1"] == (2, 17.0, 1)
    later = line("o8", "1", ordered_at="2026-01-20 12:00:00", discount_amount="9")
    land(built, landing, "second", [later])
    build_and_compare(workshop, built, exclude=without)
    assert orders(built)["o1"] == (2, 16.0, 1)

    stricter = replace(
        SHOP,
        name="orders_once",
        dbt_vars=SHOP.dbt_vars | {"repeated_lines": {"pos": "exclude"}},
    )
    changed = replace(built, data_set=stricter)
    build_and_compare(workshop, changed, exclude=without)
    assert statuses(changed)["duplicate"] == 1

    off = replace(
        SHOP, name="orders_off", dbt_vars=SHOP.dbt_vars | {"sources": ["segment"]}
    )
    changed = replace(built, data_set=off)
    build_and_compare(workshop, changed, exclude=without)
    assert orders(changed) == {}
    build_and_compare(workshop, built)
    assert orders(built)["o1"] == (2, 19.0, 1)
