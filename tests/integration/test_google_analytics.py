"""The real GA4 sample, unchanged, from landing file to orders.

Reference numbers: 24,219 events of 19,210 devices with 624 purchases of $41,529 as
landed. 525 usable transaction ids stand for $38,202 by the highest value each; the 93
purchases without one stay, each an order of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built

N_EVENTS = 24_219
N_DEVICES = 19_210


@pytest.fixture(scope="module")
def without_id(google_analytics_file: Path) -> tuple[int, Decimal]:
    """Purchases without a usable id, and what they are worth, from the raw file."""
    with duckdb.connect() as connection:
        row = connection.execute(
            "select count(*),"
            " sum(cast(ecommerce.purchase_revenue_in_usd as decimal(18, 4)))"
            " from read_parquet(?) where event_name = 'purchase'"
            " and not coalesce(regexp_full_match(ecommerce.transaction_id, '[0-9]+'),"
            " false)",
            [str(google_analytics_file)],
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_every_event_is_accepted(google_analytics: Built) -> None:
    assert google_analytics.row(
        "select sum(n_landed), sum(n_accepted) from marts.row_accounting"
    ) == (N_EVENTS, N_EVENTS)
    assert google_analytics.row(
        "select count(*), count(distinct event_key), count(distinct device_key)"
        " from marts.fct_events"
    ) == (N_EVENTS, N_EVENTS, N_DEVICES)


def test_purchases_as_landed(google_analytics: Built) -> None:
    assert google_analytics.row(
        "select count(*), sum(revenue_amount), count(distinct order_id),"
        " count(*) - count(order_id) from marts.fct_events"
        " where event_name = 'Order Completed'"
    ) == (624, Decimal(41_529), 525, 93)


def test_a_transaction_id_is_one_order_at_its_highest_value(
    google_analytics: Built,
) -> None:
    assert google_analytics.row(
        "select count(*), count(distinct order_id), sum(gross_amount),"
        " sum(net_amount) from marts.fct_orders where order_id is not null"
    ) == (525, 525, Decimal(38_202), Decimal(38_202))


def test_purchases_without_an_id_are_kept(
    google_analytics: Built, without_id: tuple[int, Decimal]
) -> None:
    assert without_id == (93, Decimal(3_031))
    assert (
        google_analytics.row(
            "select count(*), sum(gross_amount) from marts.fct_orders"
            " where order_id is null"
        )
        == without_id
    )


def test_every_order_is_known_from_events_alone(google_analytics: Built) -> None:
    assert google_analytics.rows(
        "select order_evidence, source_name, currency_code, count(*)"
        " from marts.fct_orders group by all"
    ) == [("events", "ga4", "USD", 618)]
    assert google_analytics.row(
        "select count(*) - count(customer_id) from marts.fct_orders"
    ) == (0,)


def test_a_device_is_a_customer_and_a_country_has_its_code(
    google_analytics: Built, google_analytics_file: Path
) -> None:
    assert google_analytics.row("select count(*) from marts.dim_customers") == (
        N_DEVICES,
    )
    with duckdb.connect() as connection:
        placed = connection.execute(
            "select count(*) from read_parquet(?) where geo.country <> '(not set)'",
            [str(google_analytics_file)],
        ).fetchone()
    # Every country that the sample names is in the seed.
    assert (
        google_analytics.row(
            "select count(country_code) from intermediate.int_events_classified"
        )
        == placed
    )
