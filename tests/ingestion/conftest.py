"""A landing folder and a warehouse to land in, small and thrown away."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.ingestion import (
    LoadReport,
    TableContract,
    load_landed_files,
    read_contracts,
)
from orchestration.ingestion.contracts import Column, Landing
from orchestration.warehouse import relation_name

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 3, 1, 12)  # noqa: DTZ001 - the warehouse has no zones
POS_HEADER = ("order_id", "ordered_at", "quantity", "unit_price", "customer_id")

# A stream of CSV that replaces files; the project's only one, GA4's events, is JSON.
DAYS = TableContract(
    source_name="ga4",
    stream_name="days",
    schema_name="raw",
    table_name="ga4_days",
    columns=(Column("id", "varchar", is_required=True), Column("value", "varchar")),
    landing=Landing("replace_file", ("csv",)),
)


def pos_csv(*rows: Sequence[str], header: Sequence[str] = POS_HEADER) -> bytes:
    """Write transaction lines as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def pos_row(order_id: str, customer_id: str = "c1") -> tuple[str, ...]:
    """Return one transaction line."""
    return (order_id, "2026-01-02 10:00:00", "1", "2.50", customer_id)


@dataclass
class Shop:
    """A landing folder beside its warehouse."""

    landing: Path
    connection: duckdb.DuckDBPyConnection
    tables: tuple[TableContract, ...]

    def land(self, name: str, content: bytes) -> Path:
        """Write a file under the landing folder."""
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def load(self, now: dt.datetime = NOW, **options: Any) -> LoadReport:
        """Run ingestion once."""
        return load_landed_files(
            self.connection, self.landing, self.tables, now, **options
        )

    def rows(self, relation: str, *columns: str) -> list[tuple[Any, ...]]:
        """Return a raw table in the order of its first column."""
        names = ", ".join(columns) or "*"
        return self.connection.execute(
            f"select {names} from {relation_name('raw.' + relation)} order by all"
        ).fetchall()


def statuses(report: LoadReport) -> dict[str, str]:
    """Return each file's status by its name alone."""
    return {file.name.rpartition("/")[2]: file.status for file in report.files}


@pytest.fixture(scope="session")
def contracts() -> tuple[TableContract, ...]:
    """The project's own contracts, and one that replaces files."""
    return (*read_contracts(ROOT / "models" / "staging"), DAYS)


@pytest.fixture
def shop(tmp_path: Path, contracts: tuple[TableContract, ...]) -> Iterator[Shop]:
    """An empty shop, its warehouse in memory."""
    landing = tmp_path / "landing"
    landing.mkdir()
    with duckdb.connect() as connection:
        yield Shop(landing, connection, contracts)


def only(items: Iterable[Any]) -> Any:
    """Return the one item there is."""
    (item,) = items
    return item
