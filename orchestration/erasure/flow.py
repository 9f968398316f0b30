"""The steps of an erasure, in their order, from open requests to a new file.

Belongs here: what comes after what, and that a run that was killed anywhere is finished
by the next. Two facts in the warehouse say how far an erasure has come: a request that
still lies in `raw.erasure_requests` is open, and a proof in `raw.erasures` without
`completed_at` is unfinished. Everything after the deletion can be done twice.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestration.erasure.compaction import ErasureError, compact
from orchestration.erasure.landing_files import files_with_erased, rewrite_files
from orchestration.erasure.removal import Removal, remove_people
from orchestration.ingestion import load_landed_files
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import duckdb

    from orchestration.ingestion.contracts import TableContract
    from orchestration.settings import Settings

__all__ = ["ErasureError", "ErasureReport", "Workshop", "erase", "is_unfinished"]

# Who is who, from all that landed, and the requests as they were judged.
IDENTITY = (
    *("--exclude-resource-type", "test", "unit_test"),
    *("--select", "+int_customer_id_versions", "+int_identifier_edges"),
    "stg_erasure__requests",
)
# Everything without the people, tested as in every run.
EVERYTHING = ("--full-refresh", "--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class Workshop:
    """What an erasure needs done by others.

    Attributes
    ----------
    build
        Runs `dbt build` with further arguments as of a day; raises what makes it fail.
    publish
        Publishes the marts of a day.
    """

    build: Callable[[Sequence[str], dt.date], None]
    publish: Callable[[dt.date], None]


@dataclass(frozen=True)
class ErasureReport:
    """What an erasure came to.

    Attributes
    ----------
    outcomes
        Number of requests that were acted on by outcome; none of them when an earlier
        erasure was only finished.
    n_rows
        Rows deleted from all tables.
    n_completed
        Requests whose erasure is complete since this run.
    landing_files
        Landing files that still hold somebody who was erased, by their path below the
        landing folder.
    """

    outcomes: dict[str, int] = field(default_factory=dict)
    n_rows: int = 0
    n_completed: int = 0
    landing_files: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Say what was done, and what is left to do, in words."""
        n_erased = self.outcomes.get("erased", 0)
        told = [
            f"{n_erased} request(s) acted on, {self.n_rows:,} rows deleted, "
            f"{self.n_completed} erasure(s) completed"
            if self.outcomes or self.n_completed
            else "no open request"
        ]
        if n_shared := self.outcomes.get("shared", 0):
            told.append(
                f"{n_shared} request(s) name only what several people share, and "
                "erased nothing: ask for another identifier"
            )
        if n_blocked := self.outcomes.get("blocked", 0):
            told.append(
                f"{n_blocked} request(s) name only a value that stands for nobody, and "
                "erased nothing: ask for another identifier"
            )
        if self.landing_files:
            told.append(
                f"{len(self.landing_files)} landing file(s) still hold people who were "
                "erased; delete them, or run `erase --rewrite-landing`:"
            )
            told += [f"  {name}" for name in self.landing_files]
        return told


def is_unfinished(warehouse: Warehouse) -> bool:
    """Whether people were deleted from `raw` whose erasure isn't complete."""
    if not warehouse.path.exists():
        return False
    with warehouse.read() as connection:
        return _is_unfinished(connection)


def _is_unfinished(connection: duckdb.DuckDBPyConnection) -> bool:
    has_table, *_ = connection.execute(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'raw' and table_name = 'erasures'"
    ).fetchall()[0]
    return bool(has_table) and bool(
        connection.execute(
            "select exists (select 1 from raw.erasures where completed_at is null)"
        ).fetchall()[0][0]
    )


def count_overdue(warehouse: Warehouse, now: dt.datetime, due_days: int) -> int:
    """Count the requests that are older than a number of days and not completed.

    Parameters
    ----------
    warehouse
        Built at least once.
    now
        UTC without a zone.
    due_days
        Days that a request may take.
    """
    asked_before = now - dt.timedelta(days=due_days)
    with warehouse.read() as connection:
        (counted,) = connection.execute(
            """
            select count(*) from (
                select request_id
                from staging.stg_erasure__requests
                where reject_reason is null and requested_at < $asked_before
                group by request_id
                union all
                select request_key
                from raw.erasures
                where completed_at is null and requested_at < $asked_before
            )
            """,
            {"asked_before": asked_before},
        ).fetchall()
    return int(counted[0])


def erase(
    settings: Settings,
    tables: Collection[TableContract],
    workshop: Workshop,
    now: dt.datetime,
    *,
    rewrite_landing: bool = False,
) -> ErasureReport:
    """Act on every open request, and finish what an earlier run could not.

    Parameters
    ----------
    settings
        Folders and vars of the warehouse.
    tables
        All contracts.
    workshop
        Builds and publishes.
    now
        Time of the run, UTC without a zone.
    rewrite_landing
        Whether landing files lose the people too.

    Returns
    -------
    ErasureReport
        What was done.

    Raises
    ------
    ErasureError
        If the erasure can't be completed now; what was deleted stays deleted, the proof
        incomplete, and the next run goes on from there.
    """
    warehouse = Warehouse(settings.warehouse_path)
    n_requests = _load(settings, warehouse, tables, now)
    day = _day(settings, warehouse, now)
    removal = Removal({}, 0)
    if n_requests:
        # Who is who must be known from everything that has landed by now, or what was
        # not linked yet would stay.
        workshop.build(IDENTITY, day)
        with warehouse.write() as connection:
            removal = remove_people(
                connection,
                tables,
                settings.project_var("source_calling_codes"),
                int(settings.project_var("identifier_max_length")),
                now,
            )
    n_completed = 0
    if is_unfinished(warehouse):
        workshop.build(EVERYTHING, day)
        compact(warehouse)
        _remove_unpublished(settings)
        if settings.published_path.exists():
            workshop.publish(day)
        n_completed = _complete(settings, warehouse, now)
    if rewrite_landing:
        # Whoever has just been left out while files were loaded is in files too.
        with warehouse.write() as connection:
            rewrite_files(
                connection,
                settings.landing,
                tables,
                settings.project_var("source_calling_codes"),
                now,
            )
    with warehouse.read() as connection:
        files = files_with_erased(connection, settings.landing)
    return ErasureReport(
        outcomes=dict(removal.outcomes),
        n_rows=removal.n_rows,
        n_completed=n_completed,
        landing_files=tuple(file.name for file in files),
    )


def _load(
    settings: Settings,
    warehouse: Warehouse,
    tables: Collection[TableContract],
    now: dt.datetime,
) -> int:
    """Load what landed, requests too, and count the requests."""
    with warehouse.write() as connection:
        load_landed_files(
            connection,
            settings.landing,
            tables,
            now,
            sources=settings.project_var("sources"),
            salt=settings.salt,
            calling_codes=settings.project_var("source_calling_codes"),
        )
        n_requests: int = connection.execute(
            "select count(*) from raw.erasure_requests"
        ).fetchall()[0][0]
    return n_requests


def _day(settings: Settings, warehouse: Warehouse, now: dt.datetime) -> dt.date:
    """Return the day that the marts describe now, so that an erasure changes no other.

    What Python learned is of that day, and history has the day once.
    """
    with warehouse.read() as connection:
        has_marts = connection.execute(
            "select count(*) from duckdb_tables() "
            "where schema_name = 'marts' and table_name = 'dim_as_of_dates'"
        ).fetchall()[0][0]
        days = (
            connection.execute(
                "select as_of_date from marts.dim_as_of_dates where is_current"
            ).fetchall()
            if has_marts
            else []
        )
    if days:
        day: dt.date = days[0][0]
        return day
    return settings.as_of_date(None, now.replace(tzinfo=dt.UTC))


def _remove_unpublished(settings: Settings) -> None:
    """Remove what publishing left half-written when it was killed."""
    published = settings.published_path
    for left in published.parent.glob(f".{published.name}.*"):
        left.unlink(missing_ok=True)


def _complete(settings: Settings, warehouse: Warehouse, now: dt.datetime) -> int:
    """Say in the proofs that nothing is left."""
    with warehouse.write() as connection:
        files = files_with_erased(connection, settings.landing)
        (n_completed,) = connection.execute(
            "update raw.erasures set completed_at = ?, n_landing_files = ? "
            "where completed_at is null",
            [now, len(files)],
        ).fetchall()[0]
        connection.execute("force checkpoint")
    return int(n_completed)
