"""Named queries, and what the published file answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from orchestration.warehouse import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TABLE = re.compile(r"\bmarts\.(\w+)")


class ReportError(WarehouseError):
    """A page can't be made from the published file; the message says why."""


@dataclass(frozen=True)
class Query:
    """A question to the published file, with a name that cells refer to.

    Attributes
    ----------
    name
        Unique among all queries of a page.
    sql
        One statement whose rows are ordered, so that a row's number means something.
    """

    name: str
    sql: str

    @property
    def tables(self) -> tuple[str, ...]:
        """The marts that it reads."""
        return tuple(sorted(set(_TABLE.findall(self.sql))))


@dataclass(frozen=True)
class Answer:
    """The rows of a query.

    Attributes
    ----------
    query
        What was asked.
    columns
        Names of the columns.
    rows
        Values as Python's own types; empty too where a mart is missing.
    missing
        Marts that the query reads and the file doesn't have.
    """

    query: Query
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    missing: tuple[str, ...] = ()
    _positions: dict[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Remember where each column is."""
        self._positions.update({name: at for at, name in enumerate(self.columns)})

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.rows)

    def value(self, column: str, row: int = 0) -> Any:  # noqa: ANN401 - any SQL value
        """Return one cell."""
        return self.rows[row][self._positions[column]]

    def values(self, column: str) -> list[Any]:
        """Return a column."""
        at = self._positions[column]
        return [row[at] for row in self.rows]

    def where(self, **wanted: object) -> list[int]:
        """Return the numbers of the rows whose columns have the given values."""
        return [
            row
            for row in range(len(self.rows))
            if all(self.value(column, row) == value for column, value in wanted.items())
        ]

    def frame(self) -> pd.DataFrame:
        """Return the rows as a frame for a chart, decimals as floats."""
        frame = pd.DataFrame(list(self.rows), columns=list(self.columns))
        for column in frame:
            if frame[column].map(lambda value: hasattr(value, "as_tuple")).any():
                frame[column] = frame[column].astype(float)
        return frame


def ask(
    connection: duckdb.DuckDBPyConnection, queries: Iterable[Query]
) -> dict[str, Answer]:
    """Ask the published file, in which some marts may be missing.

    Parameters
    ----------
    connection
        The published file.
    queries
        With names of their own.

    Returns
    -------
    dict
        Answers by the name of the query.

    Raises
    ------
    ReportError
        If DuckDB can't answer one; the message names it and is DuckDB's.
    """
    present = {
        row[0]
        for row in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
    }
    answers: dict[str, Answer] = {}
    for query in queries:
        if query.name in answers:
            message = f"two queries of the report are named {query.name}"
            raise ReportError(message)
        missing = tuple(table for table in query.tables if table not in present)
        if missing:
            answers[query.name] = Answer(query, missing=missing)
            continue
        try:
            found = connection.execute(query.sql)
        except duckdb.Error as error:
            message = f"the report's query {query.name}: {error}"
            raise ReportError(message) from error
        answers[query.name] = Answer(
            query,
            columns=tuple(column[0] for column in found.description or ()),
            rows=tuple(found.fetchall()),
        )
    return answers


def missing_tables(answers: Mapping[str, Answer], names: Iterable[str]) -> list[str]:
    """List the marts that answers lack."""
    return sorted({table for name in names for table in answers[name].missing})
