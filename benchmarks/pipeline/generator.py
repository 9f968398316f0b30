"""Daily files of a shop, of any size, made inside DuckDB.

Belongs here: the sizes, and the files. What is in them is arithmetic in
`generator.sql`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

SQL = Path(__file__).with_name("generator.sql")
LAST_DAY = dt.date(2025, 12, 31)
DAYS_OF_A_YEAR = 366
EVENTS_OF_A_CUSTOMER = 10
MOST_CUSTOMERS = 1_000_000
# Sessions come in cycles: fifteen of them have 64 events.
CYCLE_EVENTS = 64
CYCLE_SESSIONS = 15


@dataclass(frozen=True)
class Shop:
    """What is generated.

    Attributes
    ----------
    n_customers
        Customers; every one has a session once 30 sessions in 7 were made of them.
    n_days
        Days of history; the last is 31 December 2025.
    events_per_day
        Events that occur on a day, copies not counted: whole cycles of sessions.
    """

    n_customers: int
    n_days: int
    events_per_day: int

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises
        ------
        ValueError
            If a number is not positive, or a day is no whole number of cycles.
        """
        if min(self.n_customers, self.n_days, self.events_per_day) < 1:
            message = f"{self} has a number below 1"
            raise ValueError(message)
        if self.events_per_day % CYCLE_EVENTS:
            message = (
                f"events_per_day is {self.events_per_day}; "
                f"expected a multiple of {CYCLE_EVENTS}"
            )
            raise ValueError(message)

    @property
    def n_events(self) -> int:
        """Events of the whole history, copies not counted."""
        return self.n_days * self.events_per_day

    @property
    def sessions_per_day(self) -> int:
        """Visits that begin on a day."""
        return self.events_per_day // CYCLE_EVENTS * CYCLE_SESSIONS

    @property
    def first_day(self) -> dt.date:
        """The first day of history."""
        return LAST_DAY - dt.timedelta(days=self.n_days - 1)

    def date_of(self, day: int) -> dt.date:
        """Return the date of a day; day `n_days` is the one after history."""
        return self.first_day + dt.timedelta(days=day)


def shop_of(n_events: int) -> Shop:
    """Return the shop of about so many events.

    Up to ten million events it has a year and a tenth as many customers; from there on
    the same million customers have a longer history, and a day stays as it is.
    """
    year = MOST_CUSTOMERS * EVENTS_OF_A_CUSTOMER
    per_day = min(n_events, year) / DAYS_OF_A_YEAR
    n_cycles = max(1, round(per_day / CYCLE_EVENTS))
    n_days = round(DAYS_OF_A_YEAR * max(1, n_events / year))
    n_customers = min(MOST_CUSTOMERS, max(1, n_events // EVENTS_OF_A_CUSTOMER))
    return Shop(n_customers, n_days, n_cycles * CYCLE_EVENTS)


def write_days(
    shop: Shop, landing: Path, days: range, *, file_format: str = "parquet"
) -> None:
    """Write the files of some days; day `n_days` is the one after history.

    Parameters
    ----------
    shop
        What to generate.
    landing
        The landing folder; the catalogue is written with day 0.
    days
        Numbers of days, from 0.
    file_format
        `parquet`, or `jsonl` for events as gzipped JSON lines.

    Raises
    ------
    ValueError
        If the format is none of these.
    """
    options = {
        "parquet": ("parquet", "(format parquet, compression zstd)"),
        "jsonl": ("jsonl.gz", "(format json, compression gzip)"),
    }
    if file_format not in options:
        message = f"file_format is {file_format!r}; expected parquet or jsonl"
        raise ValueError(message)
    suffix, copy_options = options[file_format]
    folders = {name: landing / name for name in ("segment/events", "pos/order_lines")}
    catalog = landing / "catalog" / "products"
    for folder in (*folders.values(), catalog):
        folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(SQL.read_text())
        if 0 in days:
            connection.execute(
                f"copy (from products()) to '{catalog / 'products.parquet'}'"
                " (format parquet)"
            )
        first_day = f"date '{shop.first_day}'"
        for day in days:
            date = shop.date_of(day)
            events = folders["segment/events"] / f"{date}.{suffix}"
            connection.execute(
                f"copy (from events_of({day}, {shop.n_customers},"
                f" {shop.events_per_day}, {shop.sessions_per_day}, {first_day}))"
                f" to '{events}' {copy_options}"
            )
            lines = folders["pos/order_lines"] / f"{date}.parquet"
            connection.execute(
                f"copy (from order_lines_of({day}, {shop.n_customers},"
                f" {shop.sessions_per_day}, {first_day}))"
                f" to '{lines}' (format parquet)"
            )
