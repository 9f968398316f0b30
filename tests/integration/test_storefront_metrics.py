"""Metrics of the storefront equal what its marts hold, asked in SQL by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestration.metrics import Metrics

if TYPE_CHECKING:
    from warehouses import Built

# Each metric by segment, month and country; the segment and the country are the
# customer's, so each row of a fact has one of each.
BY = ("metric_time__month", "customer__rfm_segment", "customer__country")
FROM = """
    from marts.{table} as facts
    left join marts.dim_customers using (customer_id)
    left join (
        select customer_id, segment from marts.customer_segments
        where segment_set = 'rfm'
    ) as segments using (customer_id)
    group by all
"""
KEYS = "date_trunc('month', {date}) :: timestamp, segments.segment, {country}"
BY_HAND = {
    "revenue": ("fct_order_lines", "ordered_date", "sum(net_amount)"),
    "purchase_amount": (
        "fct_order_lines",
        "ordered_date",
        "sum(case when facts.is_purchase then gross_amount - discount_amount end)",
    ),
    "orders": ("fct_orders", "ordered_date", "sum(is_purchase :: integer)"),
    "purchasers": (
        "fct_orders",
        "ordered_date",
        "count(distinct case when is_purchase then facts.customer_id end)",
    ),
    "sessions": ("fct_sessions", "started_date", "count(*)"),
    "converted_sessions": (
        "fct_sessions",
        "started_date",
        "sum((n_orders_completed > 0) :: integer)",
    ),
    "conversion_rate": (
        "fct_sessions",
        "started_date",
        "sum((n_orders_completed > 0) :: integer) / count(*)",
    ),
}


@pytest.fixture(scope="module")
def metrics(storefront: Built) -> Metrics:
    target = storefront.workshop.target(storefront.data_set)
    return Metrics((target / "semantic_manifest.json").read_text())


def answers(metrics: Metrics, built: Built, sql: str) -> dict[Any, float]:
    with metrics.opened(built.path) as connection:
        rows = connection.execute(sql).fetchall()
    # MetricFlow has no row for what isn't there; a sum by hand has a zero.
    found = {row[:-1]: round(float(row[-1]), 6) for row in rows if row[-1]}
    assert len(found) == sum(1 for row in rows if row[-1])
    return found


@pytest.mark.parametrize("name", BY_HAND)
def test_a_metric_is_what_the_marts_say(
    metrics: Metrics, storefront: Built, name: str
) -> None:
    table, date, value = BY_HAND[name]
    keys = KEYS.format(date=date, country="dim_customers.country")
    expected = answers(
        metrics, storefront, f"select {keys}, {value}{FROM.format(table=table)}"
    )
    assert len(expected) > 50
    assert answers(metrics, storefront, metrics.sql([name], BY)) == expected


def test_average_order_value_is_that_of_the_facts(
    metrics: Metrics, storefront: Built
) -> None:
    found = answers(
        metrics,
        storefront,
        metrics.sql(["average_order_value"], ["customer__lifecycle_segment"]),
    )
    expected = answers(
        metrics,
        storefront,
        """
        select segment, sum(gross_amount - discount_amount)
            / count(distinct order_key)
        from marts.fct_order_lines
        left join marts.customer_segments using (customer_id)
        where line_type = 'purchase' and segment_set = 'lifecycle'
        group by all
        """,
    )
    assert len(expected) == 5
    assert found == expected


def test_customers_of_segments_are_those_of_the_summary(
    metrics: Metrics, storefront: Built
) -> None:
    by = ["membership__segment_set", "membership__segment"]
    found = answers(metrics, storefront, metrics.sql(["customers"], by))
    # The as-of date of the storefront is a month-end.
    expected = answers(
        metrics,
        storefront,
        "select segment_set, segment, n_customers from marts.segment_summary"
        " where segment_set <> 'cluster'",
    )
    assert len(expected) > 20
    assert found == expected
