"""What a run came to, read from the published file."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
from rich import box
from rich.table import Table

from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import WarehouseMissingError, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

_STAGES = """
    select source_name || ' ' || stream_name as stream, count(*) as files,
        sum(n_landed) as landed, sum(n_accepted) as accepted,
        sum(n_duplicate) as duplicate, sum(n_rejected) as rejected,
        sum(n_withheld) as withheld, sum(n_erased) as erased
    from marts.row_accounting group by all order by all
"""
_REASONS = """
    select reject_reason as reason, source_name || ' ' || stream_name as stream,
        count(*) as records
    from marts.rejected_rows group by all order by records desc, reason, stream
"""
_FACTS = """
    select table_name as "table", n_rows as rows from marts.publication_tables
    where table_name in ('dim_customers', 'dim_products', 'fct_sessions', 'fct_orders',
        'fct_order_lines', 'customer_facts', 'customer_features') order by all
"""
_SEGMENTS = """
    select segment, n_customers as customers,
        round(100 * customer_share_rate, 1) as "% of all",
        round(net_amount)::bigint as "net amount",
        round(100 * net_amount_share_rate, 1) + 0 as "% of amount"
    from marts.segment_summary where segment_set = '{segment_set}'
    order by n_customers desc, segment
"""
_RULES = """
    select segment, n_customers as customers,
        round(100 * customer_share_rate, 1) as "% of all"
    from marts.segment_summary
    where
        segment_set not in ('rfm', 'lifecycle', 'cluster')
        and segment not in ('none', 'merged')
    order by n_customers desc, segment
"""
_TRANSITIONS = """
    select segment_set as "set", from_segment as "from", to_segment as "to",
        n_customers as customers, round(100 * transition_rate, 1) as "% of from"
    from marts.segment_transitions
    where as_of_date = (select max(as_of_date) from marts.segment_transitions)
        and from_segment <> to_segment
        and segment_set in ('rfm', 'lifecycle', 'cluster')
    order by n_customers desc, 1, 2, 3 limit 8
"""
_CLUSTERS = """
    select segment as cluster, working_name as "working name",
        n_customers as customers,
        round(100 * customer_share_rate, 1) as "% of all",
        round(median_monetary_amount)::bigint as "amount",
        round(median_n_orders, 1) as "orders",
        round(median_recency_days)::bigint as "recency days"
    from marts.cluster_profiles order by cluster_number
"""


def print_summary(settings: Settings, console: Console) -> None:
    """Show rows by stage, segments, movement and clusters of the published run.

    Raises
    ------
    WarehouseMissingError
        If nothing was published yet.
    """
    with _published(settings) as connection:
        as_of, run_id = connection.execute(
            "select as_of_date, run_id from marts.publication"
        ).fetchall()[0]
        shop = settings.project_var("shop_name")
        currency = settings.project_var("reporting_currency")
        window = settings.project_var("rfm_window_days")
        console.rule(f"{shop}, as of {as_of}")
        _show(console, connection, "Records by stage", _STAGES)
        _show(console, connection, "Rejected records by reason", _REASONS)
        _show(console, connection, "Facts", _FACTS)
        for name, segment_set in (
            ("RFM segments", "rfm"),
            ("Lifecycle", "lifecycle"),
        ):
            query = _SEGMENTS.format(segment_set=segment_set)
            title = f"{name} (net amount in {window} days, {currency})"
            _show(console, connection, title, query)
        _show(console, connection, "Rule segments", _RULES)
        month = _transition_month(connection)
        _show(console, connection, f"Biggest transitions, {month}", _TRANSITIONS)
        _show(
            console,
            connection,
            f"Clusters (medians in {window} days, {currency})",
            _CLUSTERS,
        )
    path = _shown(settings.published_path)
    console.print(f"Published file  {path}  (run {run_id[:8]})")
    suffix = _make_suffix(settings)
    if (settings.reports_path / "index.html").exists():
        console.print(f"Reports         {_shown(settings.reports_path / 'index.html')}")
    console.print(f"Dagster UI      make ui{suffix}")
    console.print(f"dbt docs        make docs{suffix}")
    console.print(
        f"First query     make query{suffix} "
        'SQL="select * from marts.segment_summary limit 5"'
    )


def print_query(settings: Settings, console: Console, sql: str) -> None:
    """Show the result of one query over the published file.

    Raises
    ------
    WarehouseMissingError
        If nothing was published yet.
    ValueError
        If DuckDB can't run the query; the message is DuckDB's.
    """
    with _published(settings) as connection:
        try:
            _show(console, connection, None, sql)
        except duckdb.Error as error:
            raise ValueError(str(error)) from error


def print_metrics(
    settings: Settings,
    console: Console,
    names: Sequence[str],
    group_by: Sequence[str],
    where: Sequence[str],
) -> None:
    """Show the answer to a question about metrics, or all metrics where none is named.

    Raises
    ------
    WarehouseMissingError
        If nothing was published yet.
    ValueError
        If the question has no answer; the message says why.
    """
    # MetricFlow takes a second to import: only where it is needed.
    from orchestration.metrics import Metrics  # noqa: PLC0415
    from orchestration.project import prepare_semantic_manifest  # noqa: PLC0415

    metrics = Metrics(prepare_semantic_manifest().read_text())
    if not names:
        for metric in metrics.list():
            console.print(f"[bold]{metric.name}[/bold]  {metric.description}")
            console.print(f"  by {', '.join(metric.group_by)}", style="dim")
        return
    sql = metrics.sql(names, group_by, where)
    with metrics.opened(settings.published_path) as connection:
        try:
            _show(console, connection, None, sql, _rounded_cell)
        except duckdb.Error as error:
            raise ValueError(str(error)) from error


@contextmanager
def _published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file read-only."""
    path = settings.published_path
    if not path.exists():
        message = f"Nothing is published at {path} yet: run `make demo` or `make run`."
        raise WarehouseMissingError(message)
    connection = connect(path, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def _transition_month(connection: duckdb.DuckDBPyConnection) -> str:
    """Name the month that the newest transitions end in."""
    newest = connection.execute(
        "select max(transition_month), bool_and(is_month_complete) "
        "from marts.segment_transitions where as_of_date = "
        "(select max(as_of_date) from marts.segment_transitions)"
    ).fetchall()[0]
    if newest[0] is None:
        return "none yet: there is one snapshot only"
    return f"{newest[0]:%B %Y}" + ("" if newest[1] else ", so far")


def _show(
    console: Console,
    connection: duckdb.DuckDBPyConnection,
    title: str | None,
    query: str,
    cell: Callable[[Any], str] | None = None,
) -> None:
    """Print a query's rows as a table; nothing where there are none."""
    result = connection.execute(query)
    names = [column[0] for column in result.description or []]
    rows = result.fetchall()
    if not rows and title:
        return
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    written = [[(cell or _cell)(value) for value in row] for row in rows]
    for position, name in enumerate(names):
        numeric = any(isinstance(row[position], int | float | Decimal) for row in rows)
        table.add_column(
            name,
            justify="right" if numeric else "left",
            # A long name may be broken where there is no room, a value may not.
            no_wrap=cell is None,
            overflow="fold" if cell else "ellipsis",
            min_width=max((len(row[position]) for row in written), default=0)
            if cell
            else None,
        )
    for texts in written:
        table.add_row(*texts)
    console.print(table)


def _cell(value: Any) -> str:  # noqa: ANN401 - any SQL value
    """Write a value as a person would."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:,}"
    return str(value)


def _rounded_cell(value: Any) -> str:  # noqa: ANN401 - any SQL value
    """Write a metric or what it is grouped by, without digits that say nothing."""
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, float):
        return f"{value:,.4f}"
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    return _cell(value)


def _shown(path: Path) -> str:
    """Return a path, short where it lies in the project."""
    if path.is_relative_to(PROJECT_ROOT):
        return str(path.relative_to(PROJECT_ROOT))
    return str(path)


def _make_suffix(settings: Settings) -> str:
    """Return what `make` needs to know to find the same data set again."""
    if settings.state == PROJECT_ROOT / "state":
        return " DATASET=own"
    if settings.state.name == "storefront":
        return ""
    return f" DATASET={settings.state.name}"
