"""Bad input from the landing folder to the published file.

What can't be used is named and left out; the rest is loaded and built. A file that
fails as a whole keeps the run from being published until it is mended.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from warehouses import PROJECT, DataSet, write_csv

from orchestration.publishing import (
    NotPublishedError,
    Publication,
    publish,
    published_tables,
)

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built, Workshop

    from orchestration.ingestion import LoadReport

DAY = date(2026, 2, 1)
EMOJI = "🦊"


def line(number: int, **changes: str) -> dict[str, str]:
    """One order of one cup for 10."""
    return {
        "order_id": f"order {number}",
        "line_id": "1",
        "ordered_at": "2026-01-10 12:00:00",
        "product_id": "cup",
        "quantity": "1",
        "unit_price": "10",
        "customer_id": "fox",
    } | changes


def event(number: int, **changes: object) -> str:
    content = {
        "messageId": f"event {number}",
        "type": "page",
        "userId": "fox",
        "timestamp": "2026-01-10T12:00:00Z",
        "receivedAt": "2026-01-10T12:00:01Z",
        "context": {"userAgent": "Firefox"},
    }
    return json.dumps(content | changes, ensure_ascii=False)


def write_parquet(path: Path, **columns: pa.Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def without(record: dict[str, str], column: str) -> dict[str, str]:
    return {name: value for name, value in record.items() if name != column}


class Shop:
    """A warehouse with its landing folder and its published file."""

    def __init__(self, built: Built, folder: Path) -> None:
        self.built = built
        self.landing = folder / "landing"
        self.lines = self.landing / "pos" / "order_lines"
        self.events = self.landing / "segment" / "events"
        self.published = folder / "published" / "segmentary.duckdb"
        self.landing.mkdir()

    def run(self) -> LoadReport:
        """Do what a run of the whole graph does, but for the clusters."""
        report = self.built.land(self.landing)
        self.built.build()
        return report

    def publish(self, run_id: str) -> dict[str, int]:
        return publish(
            self.built.warehouse,
            self.published,
            published_tables(self.built.manifest()),
            Publication(run_id, DAY, "0"),
        )

    def published_rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.published, read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def empty(workshop: Workshop, landings: Path) -> Shop:
    """A shop in whose landing folder nothing lies."""
    folder = landings / "empty"
    folder.mkdir()
    shop = Shop(workshop.new(DataSet("default", {}, DAY)), folder)
    assert shop.run().files == ()
    return shop


def test_an_empty_landing_folder_gives_empty_marts(empty: Shop) -> None:
    counts = empty.publish("first")
    # What needs no record: the date itself, the days of the month before it, each pair
    # of the seven rules, and what seeds declare with nothing found.
    declared = {
        mart: len((PROJECT / "seeds" / f"{seed}.csv").read_text().splitlines()) - 1
        for mart, seed in (
            ("imputed_values", "imputations"),
            ("source_freshness", "source_cadences"),
            ("dim_thresholds", "tunable_thresholds"),
        )
    }
    assert {table: n for table, n in counts.items() if n} == {
        "dim_as_of_dates": 1,
        "dim_dates": 32,
        "rule_segment_overlaps": 7 * 6 // 2,
        **declared,
    }
    assert len(counts) > 20
    assert empty.published_rows("select run_id, as_of_date from marts.publication") == [
        ("first", DAY)
    ]


@pytest.fixture(scope="module")
def bad(workshop: Workshop, landings: Path) -> Shop:
    """A shop that drops every kind of bad file and record beside good ones."""
    folder = landings / "bad"
    folder.mkdir()
    shop = Shop(workshop.new(DataSet("default", {}, DAY)), folder)
    write_csv(
        shop.lines / "good.csv",
        [
            line(1),
            line(2, customer_id=EMOJI),
            line(3, ordered_at="9999-12-31 12:00:00"),
            line(4, customer_id=""),
        ],
    )
    (shop.lines / "empty.csv").touch()
    write_csv(shop.lines / "no_quantity.csv", [without(line(5), "quantity")])
    # Other types than text, with the same meaning or with none.
    write_parquet(
        shop.lines / "typed.parquet",
        order_id=pa.array([6, 7]),
        ordered_at=pa.array([1_768_046_400_000_000] * 2, pa.timestamp("us")),
        product_id=pa.array(["cup", "cup"]),
        quantity=pa.array([1.0, 2.0]),
        unit_price=pa.array([Decimal("10.00")] * 2),
        customer_id=pa.array(["fox", EMOJI]),
    )
    write_parquet(
        shop.lines / "retyped.parquet",
        order_id=pa.array(["order 8"]),
        ordered_at=pa.array([1_768_046_400]),
        product_id=pa.array(["cup"]),
        quantity=pa.array(["1"]),
        unit_price=pa.array(["10"]),
        customer_id=pa.array(["fox"]),
    )
    shop.events.mkdir(parents=True)
    lines = [
        event(1),
        event(2, userId=EMOJI),
        event(3, timestamp="9999-12-31T12:00:00Z"),
        event(4)[:40],
    ]
    (shop.events / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
    shop.run()
    return shop


def test_bad_files_and_records_are_named(bad: Shop) -> None:
    assert bad.built.rows(
        "select file_path, reason_code from raw.failed_files"
        " where resolved_at is null order by all"
    ) == [
        ("pos/order_lines/empty.csv", "empty_file"),
        ("pos/order_lines/no_quantity.csv", "missing_column"),
    ]
    assert bad.built.rows(
        "select file_path, position_type, position_number, reject_reason"
        " from marts.rejected_rows order by all"
    ) == [
        ("pos/order_lines/good.csv", "record", 3, "future_timestamp"),
        ("pos/order_lines/retyped.parquet", "record", 1, "unparseable_timestamp"),
        ("segment/events/events.jsonl", "line", 4, "malformed_json"),
        ("segment/events/events.jsonl", "record", 3, "future_timestamp"),
    ]


def test_everything_else_is_loaded(bad: Shop) -> None:
    assert bad.built.rows(
        "select file_path, n_landed, n_accepted, n_rejected"
        " from marts.row_accounting order by file_path"
    ) == [
        ("pos/order_lines/good.csv", 4, 3, 1),
        ("pos/order_lines/retyped.parquet", 1, 0, 1),
        ("pos/order_lines/typed.parquet", 2, 2, 0),
        ("segment/events/events.jsonl", 4, 2, 2),
    ]
    assert bad.built.rows(
        "select order_id, user_id, line_type, net_amount from marts.fct_order_lines"
        " left join marts.dim_customers using (customer_id) order by order_id"
    ) == [
        ("6", "fox", "purchase", Decimal(10)),
        ("7", EMOJI, "purchase", Decimal(20)),
        ("order 1", "fox", "purchase", Decimal(10)),
        ("order 2", EMOJI, "purchase", Decimal(10)),
        ("order 4", None, "no_customer", Decimal(10)),
    ]
    assert bad.built.rows(
        "select user_id, recency_days, customer_rfm.n_orders, monetary_amount"
        " from marts.customer_rfm inner join marts.dim_customers using (customer_id)"
        " order by user_id"
    ) == [("fox", 22, 2, Decimal(20)), (EMOJI, 22, 2, Decimal(30))]
    assert bad.built.rows(
        "select distinct user_id from marts.segment_memberships"
        " inner join marts.dim_customers using (customer_id) order by all"
    ) == [("fox",), (EMOJI,)]


def test_publishing_waits_until_the_files_are_mended(bad: Shop) -> None:
    with pytest.raises(NotPublishedError) as refused:
        bad.publish("first")
    assert "pos/order_lines/empty.csv" in str(refused.value)
    assert "pos/order_lines/no_quantity.csv" in str(refused.value)
    assert "2 landed file(s)" in str(refused.value)
    assert not bad.published.exists()
    (bad.lines / "empty.csv").unlink()
    write_csv(bad.lines / "no_quantity.csv", [line(5)])
    report = bad.run()
    assert report.n_resolved_failures == 2
    assert report.n_new_records == 1
    bad.publish("second")
    assert bad.published_rows("select run_id from marts.publication") == [("second",)]
    assert bad.published_rows(
        "select user_id, customer_rfm.n_orders from marts.customer_rfm"
        " inner join marts.dim_customers using (customer_id) order by user_id"
    ) == [("fox", 3), (EMOJI, 2)]
