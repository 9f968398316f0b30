"""Metrics, on a shop small enough to count by hand."""

import datetime as dt
from decimal import Decimal

import duckdb
import pytest
from metricflow_semantic_interfaces.implementations.semantic_manifest import (
    PydanticSemanticManifest,
)
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import (
    SemanticManifestValidator,
)
from rich.console import Console

from orchestration import summary
from orchestration.metrics import Metrics
from orchestration.project import prepare_semantic_manifest
from orchestration.settings import Settings
from orchestration.warehouse import WarehouseMissingError

# `a` is a champion in France, `b` was one in January and is at risk now, in no country;
# `c` never bought. A sale to nobody, and a return in February of what was bought in
# January. Each has three segments, which must not count an order three times.
SHOP = """
create schema marts;
create table marts.dim_customers as from (values
    ('a', 'France', 'email', 'x', 'mobile', true, true),
    ('b', null, null, null, 'desktop', true, true),
    ('c', 'Italy', null, null, 'desktop', false, false)
) as t (customer_id, country, first_campaign_medium, first_campaign_source,
    first_device_type, is_identified, is_purchaser);
create table marts.dim_customer_segments as from (values
    ('a', 'champions', 'active', 'cluster_1', 'engaged, vip'),
    ('b', 'at_risk', 'lapsing', 'cluster_1', 'vip'),
    ('c', 'none', 'prospect', 'none', 'none')
) as t (customer_id, rfm_segment, lifecycle_segment, cluster_segment, rule_segments);
create table marts.dim_products as from (values
    ('p', 'Pan', 'kitchen', 'pans', 'acme'), ('q', 'Quilt', 'bed', 'quilts', 'acme')
) as t (product_id, product_name, category, subcategory, brand);
create table marts.fct_order_lines as
select *, date '2026-01-01' + day as ordered_date, 'pos' as source_name,
    'store' as channel, 'France' as country, line_type = 'purchase' as is_purchase,
    gross_amount - discount_amount - refund_amount as net_amount
from (values
    ('l1', 'o1', 'a', 'p', 'purchase', 4, 100.00, 10.00, 0.00),
    ('l2', 'o1', 'a', 'q', 'purchase', 4, 50.00, 0.00, 0.00),
    ('l3', 'o2', 'a', 'p', 'purchase', 40, 30.00, 0.00, 0.00),
    ('l4', 'o3', 'b', 'q', 'purchase', 9, 80.00, 0.00, 0.00),
    ('l5', 'o4', 'b', 'q', 'return', 41, 0.00, 0.00, 80.00),
    ('l6', 'o5', null, 'p', 'no_customer', 5, 7.00, 0.00, 0.00)
) as t (order_line_key, order_key, customer_id, product_id, line_type, day,
    gross_amount, discount_amount, refund_amount);
create table marts.fct_orders as
select *, date '2026-01-01' + day as ordered_date, 'pos' as source_name,
    'store' as channel, 'France' as country
from (values
    ('o1', 'a', 4, true), ('o2', 'a', 40, true), ('o3', 'b', 9, true),
    ('o4', 'b', 41, false), ('o5', null, 5, false)
) as t (order_key, customer_id, day, is_purchase);
create table marts.fct_sessions as
select *, date '2026-01-01' + day as started_date, 'segment' as source_name,
    'mobile' as device_type, null as campaign_source, null as campaign_medium
from (values
    ('s1', 'a', 4, true), ('s2', 'a', 5, false), ('s3', 'c', 6, false),
    ('s4', null, 35, false), ('s5', 'b', 9, true)
) as t (session_key, customer_id, day, is_converted);
create table marts.customer_segment_months as
select row_number() over () :: varchar as membership_month_key, * from (values
    (date '2026-01-01', 'a', 'rfm', 'new_customers'),
    (date '2026-01-01', 'a', 'vip', 'none'),
    (date '2026-01-01', 'b', 'rfm', 'champions'),
    (date '2026-01-01', 'b', 'vip', 'vip'),
    (date '2026-02-01', 'a', 'rfm', 'champions'),
    (date '2026-02-01', 'a', 'vip', 'vip'),
    (date '2026-02-01', 'b', 'rfm', 'at_risk'),
    (date '2026-02-01', 'b', 'vip', 'vip'),
    (date '2026-02-01', 'c', 'rfm', 'none'),
    (date '2026-02-01', 'c', 'vip', 'none')
) as t (segment_month, customer_id, segment_set, segment);
create table marts.dim_dates as
select date '2026-01-01' + day :: integer as calendar_date from range(60) as t (day);
"""

JANUARY, FEBRUARY = dt.datetime(2026, 1, 1), dt.datetime(2026, 2, 1)  # noqa: DTZ001
ALL = [
    "average_order_value",
    "conversion_rate",
    "converted_sessions",
    "customers",
    "orders",
    "purchase_amount",
    "purchasers",
    "revenue",
    "sessions",
]


@pytest.fixture(scope="module")
def text():
    return prepare_semantic_manifest().read_text()


@pytest.fixture(scope="module")
def metrics(text):
    return Metrics(text)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    path = tmp_path_factory.mktemp("it's a shop") / "segmentary.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(SHOP)
    return path


@pytest.fixture
def ask(metrics, shop):
    def answer(names, by="", where=()):
        sql = metrics.sql(names.split(), by.split(), where)
        with metrics.opened(shop) as connection:
            return connection.execute(sql).fetchall()

    return answer


def test_semantic_models_and_metrics_are_valid(text):
    manifest = PydanticSemanticManifest.parse_raw(text)
    found = SemanticManifestValidator[PydanticSemanticManifest]()
    found = found.validate_semantic_manifest(manifest)
    assert [issue.message for issue in found.all_issues] == []


def test_there_are_exactly_these_metrics_and_each_is_explained(metrics):
    assert [metric.name for metric in metrics.list()] == ALL
    for metric in metrics.list():
        assert metric.description.endswith("."), metric
        assert "customer__rfm_segment" in metric.group_by
        assert "customer__country" in metric.group_by


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # 140 + 30 of `a`, 80 of `b`, in three orders.
        ("average_order_value", pytest.approx(250 / 3)),
        ("conversion_rate", 0.4),
        ("converted_sessions", 2),
        # Those of the last month-end, each once.
        ("customers", 3),
        ("orders", 3),
        ("purchase_amount", Decimal(250)),
        ("purchasers", 2),
        # The same, less 80 that `b` got back, and 7 of nobody known.
        ("revenue", Decimal(177)),
        ("sessions", 5),
    ],
)
def test_a_metric_of_everything(ask, name, expected):
    assert ask(name) == [(expected,)]


def test_metrics_by_month_and_country(ask):
    rows = ask("revenue orders purchasers", "metric_time__month customer__country")
    assert rows == [
        (JANUARY, "France", Decimal(140), 1, 1),
        # `b`, and the sale to nobody.
        (JANUARY, None, Decimal(87), 1, 1),
        (FEBRUARY, "France", Decimal(30), 1, 1),
        (FEBRUARY, None, Decimal(-80), 0, 0),
    ]


def test_metrics_by_the_segment_that_customers_are_in_now(ask):
    rows = ask("revenue orders average_order_value", "customer__rfm_segment")
    assert rows == [
        ("at_risk", Decimal(0), 1, 80.0),
        ("champions", Decimal(170), 2, 85.0),
        (None, Decimal(7), 0, None),
    ]
    assert ask("conversion_rate sessions", "customer__rfm_segment") == [
        ("at_risk", 1.0, 1),
        ("champions", 0.5, 2),
        ("none", 0.0, 1),
        (None, 0.0, 1),
    ]


def test_groups_of_every_set_add_up_to_everything(ask):
    for column in ("rfm_segment", "lifecycle_segment", "cluster_segment"):
        rows = ask("revenue", f"customer__{column}")
        assert sum(value for _, value in rows) == Decimal(177)
    assert ask("revenue", "customer__rule_segments") == [
        ("engaged, vip", Decimal(170)),
        ("vip", Decimal(0)),
        (None, Decimal(7)),
    ]


def test_revenue_by_category_of_product(ask):
    # 90 + 30 + 7, and 50 + 80 - 80.
    assert ask("revenue", "product__category") == [
        ("bed", Decimal(50)),
        ("kitchen", Decimal(127)),
    ]


def test_customers_are_those_of_the_last_month_end_of_the_period(ask):
    assert ask("customers", "metric_time__month") == [(JANUARY, 2), (FEBRUARY, 3)]
    assert ask("customers", "metric_time__quarter") == [(JANUARY, 3)]


def test_customers_by_the_segment_that_they_were_in_then(ask):
    rows = ask(
        "customers",
        "metric_time__month membership__segment",
        ["{{ Dimension('membership__segment_set') }} = 'rfm'"],
    )
    assert rows == [
        (JANUARY, "champions", 1),
        (JANUARY, "new_customers", 1),
        (FEBRUARY, "at_risk", 1),
        (FEBRUARY, "champions", 1),
        (FEBRUARY, "none", 1),
    ]
    # `b` was a champion in January only, and is none of the period's last month-end.
    rows = ask(
        "customers",
        "membership__segment",
        ["{{ Dimension('membership__segment_set') }} = 'rfm'"],
    )
    assert rows == [("at_risk", 1), ("champions", 1), ("none", 1)]
    # And by the one that they are in now.
    assert ask("customers", "metric_time__month customer__rfm_segment") == [
        (JANUARY, "at_risk", 1),
        (JANUARY, "champions", 1),
        (FEBRUARY, "at_risk", 1),
        (FEBRUARY, "champions", 1),
        (FEBRUARY, "none", 1),
    ]


@pytest.mark.parametrize("name", sorted(set(ALL) - {"customers"}))
def test_money_and_orders_by_memberships_would_count_twice_and_are_refused(
    metrics, name
):
    with pytest.raises(ValueError, match=r"more than once.*customer__rfm_segment"):
        metrics.sql([name], ["membership__segment"])
    with pytest.raises(ValueError, match="more than once"):
        metrics.sql([name], [], ["{{ Dimension('membership__segment') }} = 'vip'"])


def test_only_customers_are_offered_the_segments_of_every_set(metrics):
    offered = {
        metric.name
        for metric in metrics.list()
        for name in metric.group_by
        if name.endswith(("__segment", "__segment_set"))
    }
    assert offered == {"customers"}


def test_an_unknown_metric_is_named_with_those_that_there_are(metrics):
    with pytest.raises(ValueError, match=r"no metric profit; there are .*, revenue, "):
        metrics.sql(["profit", "revenue"])


def settings_of(path):
    return Settings(
        state=path, landing=path, dbt_vars={}, default_as_of_date=None, salt=None
    )


def printed(settings, *question):
    console = Console(width=100, record=True, file=None, force_terminal=False)
    with console.capture() as capture:
        summary.print_metrics(settings, console, *question)
    return capture.get()


def test_the_command_prints_an_answer_and_what_there_is(shop, tmp_path):
    settings = settings_of(tmp_path)
    with pytest.raises(WarehouseMissingError, match="Nothing is published"):
        printed(settings, ["revenue"], [], [])
    settings.published_path.parent.mkdir()
    settings.published_path.symlink_to(shop)
    lines = printed(settings, ["revenue"], ["metric_time__month"], []).splitlines()
    assert [line.split() for line in lines if line.startswith("  2026")] == [
        ["2026-01-01", "227.00"],
        ["2026-02-01", "-50.00"],
    ]
    assert all(name in printed(settings, [], [], []) for name in ALL)


def test_a_file_without_the_marts_is_no_crash(tmp_path):
    settings = settings_of(tmp_path)
    settings.published_path.parent.mkdir()
    duckdb.connect(settings.published_path).close()
    with pytest.raises(ValueError, match="fct_order_lines"):
        printed(settings, ["revenue"], [], [])
