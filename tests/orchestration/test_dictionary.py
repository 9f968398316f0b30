"""What the published file tells an analyst of columns and metrics."""

import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest

from orchestration.dictionary import Dictionary, read_dictionary
from orchestration.project import prepare_manifest
from orchestration.publishing import (
    Publication,
    PublishedTable,
    publish,
    published_tables,
)
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

DAY = dt.date(2024, 2, 1)


@pytest.fixture(scope="module")
def manifest():
    return json.loads(prepare_manifest().read_text())


@pytest.fixture(scope="module")
def dictionary(manifest):
    settings = Settings(
        state=Path(),
        landing=Path(),
        dbt_vars={"shop_name": "A shop", "reporting_currency": "GBP"},
        default_as_of_date=None,
        salt=None,
    )
    return read_dictionary(manifest, settings)


@pytest.fixture(scope="module")
def notes(dictionary):
    return {(note.table_name, note.column_name): note for note in dictionary.columns}


@pytest.mark.parametrize(
    ("table", "column", "unit"),
    [
        ("fct_orders", "net_amount", "reporting currency"),
        ("customer_facts", "net_amount_window", "reporting currency"),
        ("fct_order_lines", "original_gross_amount", "the currency of currency_code"),
        ("dim_products", "list_price_amount", "the currency of currency_code"),
        (
            "fct_order_lines",
            "exchange_rate",
            "reporting currency for one of currency_code",
        ),
        ("segment_summary", "customer_share_rate", "rate, 1 = 100%"),
        ("customer_facts", "n_orders_30d", "count"),
        ("cluster_profiles", "median_n_orders", "count"),
        ("customer_rfm", "recency_days", "days"),
        ("fct_orders", "days_since_previous_order", "days"),
        ("fct_sessions", "session_seconds", "seconds"),
        ("fct_orders", "ordered_at", "UTC"),
        ("fct_orders", "ordered_date", "business time zone"),
        ("segment_transitions", "transition_month", "business time zone"),
        ("fct_orders", "country", None),
        ("customer_rfm", "frequency_score", None),
    ],
)
def test_a_column_has_the_unit_that_its_name_or_its_meta_tells(
    notes, table, column, unit
):
    assert notes[table, column].unit == unit


def test_keys_are_what_tests_prove(dictionary, manifest):
    keys = {}
    for note in dictionary.columns:
        if note.is_key:
            keys.setdefault(note.table_name, set()).add(note.column_name)
    assert keys["fct_orders"] == {"order_key"}
    assert keys["segment_memberships"] == {"customer_id", "segment_set"}
    assert keys["customer_segment_months"] == {
        "as_of_date",
        "customer_id",
        "segment_set",
    }
    assert {table.name for table in published_tables(manifest)} <= set(keys)


def test_a_column_that_is_unique_alone_is_the_key():
    def test(name, **arguments):
        return {
            "resource_type": "test",
            "attached_node": "m",
            "test_metadata": {"name": name, "kwargs": arguments},
        }

    def column(name):
        return {"name": name, "config": {"meta": {}}}

    tests = {
        "1": test("unique", column_name="order_key"),
        "2": test("unique_combination", columns=["order_id", "source_name"]),
    }
    columns = {name: column(name) for name in ("order_id", "order_key", "source_name")}
    model = {"name": "orders", "resource_type": "model", "columns": columns}
    manifest = {"nodes": {"m": model, **tests}, "semantic_models": {}, "metrics": {}}
    settings = Settings(Path(), Path(), {}, None)
    for nodes in (manifest["nodes"], dict(reversed(manifest["nodes"].items()))):
        notes = read_dictionary(manifest | {"nodes": nodes}, settings).columns
        assert [note.column_name for note in notes if note.is_key] == ["order_key"]


def test_a_column_leads_to_where_its_values_are(notes):
    assert notes["fct_orders", "customer_id"].refers_to == "dim_customers.customer_id"
    assert notes["dim_customers", "customer_id"].refers_to is None
    assert notes["fct_order_lines", "product_id"].refers_to == "dim_products.product_id"


def test_metrics_say_what_they_are_made_of(dictionary):
    metrics = {note.metric_name: note for note in dictionary.metrics}
    assert list(metrics) == sorted(metrics)
    revenue = metrics["revenue"]
    assert revenue.expression == "sum(net_amount)"
    assert (revenue.table_name, revenue.date_column) == (
        "fct_order_lines",
        "ordered_date",
    )
    customers = metrics["customers"].expression
    assert customers == (
        "count(distinct customer_id) at the max(segment_month) of the period"
    )
    rate = metrics["conversion_rate"]
    assert rate.expression == "converted_sessions / sessions"
    assert (rate.table_name, rate.date_column) == (None, None)


def test_the_published_file_holds_all_of_it(dictionary, tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.write() as connection:
        connection.execute(
            """
            create schema raw; create schema marts;
            create table raw.failed_files
                (file_path varchar, reason varchar, resolved_at timestamp);
            create table raw.load_manifest (load_id bigint, source_name varchar,
                stream_name varchar, load_status varchar, n_records bigint,
                loaded_at timestamp);
            create table marts.dim_as_of_dates as
                select date '2024-02-01' as as_of_date, true as is_current;
            create table marts.fct_orders as
                select 'o' as order_key, 'c' as customer_id, 1.5 as net_amount;
            """
        )
    columns = {"order_key": "It.", "customer_id": "Who.", "net_amount": "Net."}
    tables = [PublishedTable("fct_orders", "One row per order.", columns)]
    target = tmp_path / "published.duckdb"
    # A second run takes the first one's file over.
    for given in (Dictionary(), dictionary):
        run = Publication("r", DAY, "0", dictionary=given)
        publish(warehouse, target, tables, run)
    with duckdb.connect(target, read_only=True) as connection:
        told = connection.execute(
            "select column_name, description, unit, is_key, refers_to "
            "from marts.data_dictionary"
        ).fetchall()
        metrics = connection.execute(
            "select metric_name, metric_label, table_name from marts.metric_dictionary "
            "where expression = 'sum(net_amount)'"
        ).fetchall()
        shop = connection.execute(
            "select shop_name, reporting_currency, business_time_zone, "
            "rfm_window_days, run_id from marts.publication"
        ).fetchall()
    assert told == [
        ("order_key", "It.", None, True, None),
        ("customer_id", "Who.", None, False, "dim_customers.customer_id"),
        ("net_amount", "Net.", "reporting currency", False, None),
    ]
    assert metrics == [("revenue", "Revenue", "fct_order_lines")]
    assert shop == [("A shop", "GBP", "UTC", 365, "r")]
