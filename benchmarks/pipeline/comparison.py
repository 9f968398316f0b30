"""Whether two programs made the same tables.

Every output is put into one shape by SQL of its maker, then counted and summed as
hashes, so that tables of any size compare without leaving the database. A customer is
called by the smallest of the shop's own ids, since every maker has ids of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent
_COUNT = "bigint"
_MONEY = "decimal(18, 4)"
_RATE = "decimal(18, 6)"


def _columns(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


OUTPUTS: dict[str, dict[str, str]] = {
    "events": _columns("varchar", "status reason") | _columns(_COUNT, "n"),
    "accounting": _columns("varchar", "source_name file")
    | _columns(_COUNT, "n_landed n_accepted n_duplicate n_rejected"),
    "sessions": _columns(
        "varchar",
        "device customer device_type landing_page_path page_referrer campaign_source "
        "campaign_medium campaign_name",
    )
    | _columns("timestamp", "started_at ended_at")
    | _columns(
        _COUNT,
        "n_events n_page_views n_product_views n_products_added n_checkouts_started "
        "n_orders_completed",
    ),
    "accepted_events": _columns("varchar", "customer")
    | _columns("timestamp", "first_at last_at")
    | _columns(_COUNT, "n")
    | _columns(_MONEY, "price_amount"),
    "customers": _columns(
        "varchar",
        "customer user_id first_campaign_source first_campaign_medium "
        "first_device_type",
    )
    | _columns(_COUNT, "n_identifiers n_devices n_orders")
    | _columns("boolean", "is_identified is_purchaser")
    | _columns(
        "timestamp", "first_seen_at last_seen_at first_ordered_at last_ordered_at"
    ),
    "orders": _columns("varchar", "customer order_id channel order_evidence")
    | _columns(_COUNT, "n_lines customer_order_number")
    | _columns(_MONEY, "purchased_quantity gross_amount discount_amount refund_amount")
    | _columns("boolean", "is_purchase")
    | _columns("timestamp", "ordered_at"),
    "facts": _columns("varchar", "customer")
    | _columns(
        "date",
        "as_of_date first_active_date last_active_date first_purchase_date "
        "previous_purchase_date last_purchase_date",
    )
    | _columns(
        _COUNT,
        "tenure_days recency_days n_purchase_days n_orders n_orders_window "
        "n_mobile_orders_window n_orders_30d n_mobile_orders_30d n_sessions_7d "
        "n_sessions_30d n_sessions_90d n_product_views_90d n_products_added_30d",
    )
    | _columns(
        _MONEY,
        "purchased_quantity gross_amount discount_amount refund_amount net_amount "
        "purchased_quantity_window purchase_amount_window gross_amount_window "
        "discount_amount_window refund_amount_window net_amount_window",
    ),
    "features": _columns("varchar", "customer")
    | _columns("date", "as_of_date")
    | _columns(
        _RATE,
        "recency_days n_orders monetary_amount average_order_amount units_per_order "
        "n_categories discount_rate refund_rate mobile_order_rate n_sessions "
        "n_product_views tenure_days",
    ),
    "rfm": _columns("varchar", "customer segment")
    | _columns("date", "as_of_date")
    | _columns(
        _COUNT,
        "recency_days n_orders_window recency_score frequency_score monetary_score",
    )
    | _columns(_MONEY, "net_amount_window"),
    "memberships": _columns("varchar", "customer segment_set segment"),
    "membership_counts": _columns("varchar", "segment_set segment")
    | _columns(_COUNT, "n"),
    "months": _columns("varchar", "segment_set segment")
    | _columns("date", "as_of_date")
    | _columns(_COUNT, "n"),
    "current_segments": _columns("varchar", "segment_set segment")
    | _columns("date", "since_date")
    | _columns(_COUNT, "n"),
}

# What frames make, in the columns of `narrow.sql`.
FRAMES: dict[str, dict[str, str]] = {
    "sessions": _columns("varchar", "device user_id")
    | _columns("timestamp", "started_at ended_at")
    | _columns(_COUNT, "n_events"),
    "facts": _columns("varchar", "user_id")
    | _columns(
        _COUNT,
        "n_orders recency_days n_sessions recency_score frequency_score monetary_score",
    )
    | _columns("decimal(18, 2)", "net_amount"),
}

Fingerprint = tuple[int, int]


class DifferenceError(Exception):
    """Two programs made different tables."""


def fingerprints(
    database: Path, maker: str, only: tuple[str, ...] = tuple(OUTPUTS)
) -> dict[str, Fingerprint]:
    """Count every output and sum its rows' hashes.

    Parameters
    ----------
    database
        DuckDB file that a program wrote.
    maker
        `project`, `script` or `usual`: which SQL puts it into shape.
    only
        The outputs that the maker has.
    """
    shapes = (FOLDER / f"comparison_{maker}.sql").read_text()
    found = {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as made (read_only)")
        connection.execute(shapes)
        for output in only:
            found[output] = _fingerprint(
                connection, f"compared_{output}", OUTPUTS[output]
            )
    return found


def check_frames(database: Path, folder: Path, who: str) -> None:
    """Compare what frames made with what `narrow.sql` did.

    Raises
    ------
    DifferenceError
        If they differ.
    """
    expected, found = {}, {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as made (read_only)")
        for output, columns in FRAMES.items():
            file = f"'{folder / output}.parquet'"
            expected[output] = _fingerprint(
                connection, f"made.narrow_{output}", columns
            )
            found[output] = _fingerprint(connection, file, columns)
    check_equal(expected, found, who)


def _fingerprint(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str]
) -> Fingerprint:
    """Count a relation's rows and sum their hashes."""
    values = ", ".join(f"cast({name} as {kind})" for name, kind in columns.items())
    counted = connection.execute(
        f"select count(*), coalesce(sum(cast(hash({values}) as hugeint)), 0)"
        f" from {relation}"
    ).fetchall()[0]
    return int(counted[0]), int(counted[1])


def check_equal(
    expected: Mapping[str, Fingerprint], found: Mapping[str, Fingerprint], who: str
) -> None:
    """Compare the outputs that both have.

    Raises
    ------
    DifferenceError
        Naming every output that differs, with both numbers of rows.
    """
    differences = [
        f"{output}: {expected[output][0]:,} rows expected, {found[output][0]:,} found"
        + ("" if expected[output][0] != found[output][0] else ", other values")
        for output in expected
        if output in found and expected[output] != found[output]
    ]
    if differences:
        message = f"{who} differs from the hand-written script in " + "; ".join(
            differences
        )
        raise DifferenceError(message)
