"""The UI says of every asset what it is, whose it is, and what its checks ask."""

import datetime as dt

import duckdb
import pytest

from orchestration.definitions import defs
from orchestration.defs.storytelling import (
    FIGURES,
    OWNERS,
    figures_of,
    looked_for,
    question_of,
)


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


def test_every_asset_has_a_description_an_owner_a_group_and_kinds(graph):
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.description, key
        assert tuple(node.owners) == OWNERS, key
        assert node.group_name != "default", key
        assert node.kinds, key


def test_every_dbt_asset_says_where_the_lineage_of_its_columns_is(graph):
    for key in graph.materializable_asset_keys:
        if key.path[0] in ("marts", "intermediate", "staging", "seeds", "snapshots"):
            page = graph.get(key).metadata["column_lineage"].value
            assert page.endswith("reports/column_lineage.html"), key


def test_every_check_says_what_it_asks():
    checks = [
        spec
        for assets in (*defs.assets, *defs.asset_checks)
        for spec in getattr(assets, "check_specs", ())
    ]
    assert len(checks) > 200
    assert [spec.name for spec in checks if not spec.description] == []


@pytest.mark.parametrize(
    ("test", "question"),
    [
        ({"description": "Why?", "test_metadata": None}, "Why?"),
        (
            {
                "raw_code": "{{ config(meta={'a': {'b': 'c'}}) }}\n\n-- Guards one\n"
                "-- thing.\nwith\n\n-- More.\n",
                "test_metadata": None,
            },
            "Guards one thing.",
        ),
        ({"raw_code": "select 1\n", "test_metadata": None}, None),
        (
            {
                "test_metadata": {
                    "name": "relationships",
                    "kwargs": {
                        "column_name": "customer_id",
                        "field": "customer_id",
                        "to": "ref('dim_customers')",
                    },
                }
            },
            "Every `customer_id` is a `customer_id` of `dim_customers`.",
        ),
        (
            {
                "test_metadata": {
                    "name": "accepted_values",
                    "kwargs": {"column_name": "x", "values": ["a", "b"]},
                }
            },
            "`x` is one of `a`, `b`.",
        ),
        ({"test_metadata": {"name": "unheard_of", "kwargs": {}}}, None),
    ],
)
def test_a_dbt_test_asks_what_its_author_wrote(test, question):
    assert question_of(test) == question


MARTS = """
create schema marts;
create table marts.customer_facts as from (values (2, 10.5), (0, 0.0))
    as t (n_orders, net_amount_window);
create table marts.segment_summary as from (values ('rfm', 'champions', 2),
    ('rfm', 'none', 9), ('vip', 'vip', 1)) as t (segment_set, segment, n_customers);
create table marts.segment_transitions as from (values
    ('rfm', 'a', 'b', 1, date '2026-02-01'), ('rfm', 'a', 'a', 3, date '2026-02-01'),
    ('rfm', 'a', 'b', 9, date '2026-01-01'), ('vip', 'a', 'b', 1, date '2026-02-01'))
    as t (segment_set, from_segment, to_segment, n_customers, as_of_date);
create table marts.row_accounting as from (values
    (10, 5, 1, 1, 2, 1), (1, 1, 0, 0, 0, 0))
    as t (n_landed, n_accepted, n_duplicate, n_rejected, n_withheld, n_erased);
create table marts.source_freshness as from (values (true), (false)) as t (is_late);
create table marts.volume_anomalies as from (values ('none'), ('drop'))
    as t (anomaly_type);
"""


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


def test_figures_are_what_the_marts_hold(connection):
    connection.execute(MARTS)
    found = {asset: figures_of(connection, asset) for asset in FIGURES}
    assert found == {
        "marts__customer_facts": {
            "n_customers": 2,
            "n_purchasers": 1,
            "n_orders": 2,
            "net_amount_window": 10.5,
        },
        "marts__segment_summary": {"n_champions": 2},
        "marts__segment_transitions": {"moved_rate_rfm": 0.25},
        "marts__row_accounting": {
            "n_landed": 11,
            "n_accepted": 6,
            "n_duplicate": 1,
            "n_rejected": 1,
            "n_withheld": 2,
            "n_erased": 1,
        },
        "marts__source_freshness": {"n_late_streams": 1},
        "marts__volume_anomalies": {"n_anomalies": 1},
    }
    assert figures_of(connection, "marts__fct_orders") == {}


def test_an_empty_shop_has_no_figures_and_no_error(connection):
    connection.execute(MARTS)
    for asset in FIGURES:
        connection.execute(f"delete from {asset.replace('__', '.')}")
    found = {asset: figures_of(connection, asset) for asset in FIGURES}
    assert found.pop("marts__customer_facts") == {"n_customers": 0}
    assert set(map(len, found.values())) == {0}


def test_a_stream_is_looked_for_as_often_as_it_is_due(graph):
    assert looked_for("catalog", "products") is None
    assert looked_for("nobody", "nothing") is None
    policies = {
        key.to_user_string(): graph.get(key).freshness_policy
        for key in graph.materializable_asset_keys
        if graph.get(key).freshness_policy
    }
    assert set(policies) == {
        "published/segmentary",
        "raw/crm_contacts",
        "raw/fx_rates",
        "raw/ga4_events",
        "raw/pos_order_lines",
        "raw/segment_events",
        "raw/shopify_orders",
    }
    fail_window = policies["raw/crm_contacts"].fail_window.to_timedelta()
    assert fail_window == dt.timedelta(days=8)
