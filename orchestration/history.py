"""How far the history of memberships reaches, and which month-ends it lacks."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from orchestration.warehouse import Warehouse

_SNAPSHOT = "snap_segment_memberships"


def newest_history_date(warehouse: Warehouse) -> dt.date | None:
    """Return the newest date that the snapshot holds a change of, if it holds any."""
    with warehouse.read() as connection:
        has_snapshot = _scalar(
            connection,
            f"select count(*) from duckdb_tables() where table_name = '{_SNAPSHOT}'",
        )
        if not has_snapshot:
            return None
        newest: dt.date | None = _scalar(
            connection, f"select max(dbt_valid_from)::date from snapshots.{_SNAPSHOT}"
        )
    return newest


def month_ends_to_replay(warehouse: Warehouse, final: dt.date) -> list[dt.date]:
    """List the month-ends before a day that the snapshot does not reach yet.

    Parameters
    ----------
    warehouse
        With facts built.
    final
        The day after which nothing is replayed; itself not in the list.

    Returns
    -------
    list of datetime.date
        First days of months, ascending: after the first activity and after the newest
        date of the snapshot.
    """
    newest = newest_history_date(warehouse)
    with warehouse.read() as connection:
        first: dt.date | None = _scalar(
            connection, "select min(activity_date) from intermediate.int_customer_days"
        )
    if not first:
        return []
    month_ends = []
    day = _next_month(first)
    while day < final:
        if not newest or day > newest:
            month_ends.append(day)
        day = _next_month(day)
    return month_ends


def _next_month(day: dt.date) -> dt.date:
    """Return the first day of the month after."""
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def _scalar(connection: DuckDBPyConnection, query: str) -> Any:  # noqa: ANN401
    """Return the one value of a query."""
    return connection.execute(query).fetchall()[0][0]
