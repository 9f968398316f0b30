"""The one door to the DuckDB warehouse for Python readers and writers.

Belongs here: opening and closing connections, waiting for DuckDB's file lock,
transactions, quoting of names, and writing frames over declared tables. What the tables
mean, and which ones there are, does not.

DuckDB lets one process write a file, and then nobody else read it. So a connection is
open only inside a ``with`` block, and nothing here keeps one.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

LOCK_WAIT_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


DuckDBConfig = dict[str, str | bool | int | float | list[str]]


class WarehouseError(RuntimeError):
    """The warehouse can't be used as asked; the message says what to do."""


class WarehouseLockedError(WarehouseError):
    """Somebody else has the warehouse open, and did not close it in time."""


class WarehouseMissingError(WarehouseError):
    """There is nothing to read yet."""


class FrameError(WarehouseError):
    """A frame doesn't have the columns of the table it should be written to."""


def connect(
    database: Path | str, *, read_only: bool = False, config: DuckDBConfig | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database that tells times in UTC and draws no progress bar.

    In a notebook, and in what `python -c` runs, DuckDB draws one for statements of more
    than two seconds, on standard output, where results go.
    """

    def opened() -> duckdb.DuckDBPyConnection:
        return duckdb.connect(database, read_only=read_only, config=config or {})

    connection = open_whole(Path(database), opened) if read_only else opened()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    return connection


def open_whole(
    path: Path, opened: Callable[[], duckdb.DuckDBPyConnection]
) -> duckdb.DuckDBPyConnection:
    """Open a database file that another one may replace meanwhile, as publishing does.

    DuckDB 2.0 opens a file, reads its headers, closes it, and opens it again for what
    the headers point to. Where it is another file by then, they point into that one: an
    error, or rows of neither. So a file that was replaced meanwhile is opened anew.

    Parameters
    ----------
    path
        The file.
    opened
        Opens it; errors that have another reason are raised.
    """
    while True:
        before = _file_at(path)
        try:
            connection = opened()
        except duckdb.Error:
            if _file_at(path) == before:
                raise
            continue
        if _file_at(path) == before:
            return connection
        connection.close()


def _file_at(path: Path) -> tuple[int, int] | None:
    """Tell one file at a path from the next; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class Sql(str):
    """Text that is a piece of SQL already, so that `compose` doesn't quote it."""

    __slots__ = ()


def compose(template: str, **parts: str | Sequence[str]) -> Sql:
    """Fill names into a statement, each quoted as an identifier.

    Parameters
    ----------
    template
        SQL with ``$name`` placeholders; values belong in ``?`` parameters.
    **parts
        A name, several names (joined by commas) or `Sql`, which is left as it is. For a
        schema and a table together use `relation_name`.

    Returns
    -------
    Sql
        The statement.
    """
    return Sql(
        Template(template).substitute(
            {
                key: _quote(part)
                if isinstance(part, str)
                else ", ".join(map(_quote, part))
                for key, part in parts.items()
            }
        )
    )


def _quote(name: str) -> str:
    return name if isinstance(name, Sql) else '"' + name.replace('"', '""') + '"'


def relation_name(relation: str) -> Sql:
    """Quote ``schema.table``.

    Raises
    ------
    ValueError
        When `relation` isn't a schema and a table.
    """
    schema, dot, table = relation.partition(".")
    if not (schema and dot and table):
        message = f"expected schema.table, not {relation!r}"
        raise ValueError(message)
    return compose("$schema.$table", schema=schema, table=table)


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file, opened for as short a time as possible.

    Parameters
    ----------
    path
        The database file.
    lock_wait_seconds
        How long to wait for another process to let go of the file.
    memory_limit
        DuckDB's ``memory_limit``, for instance ``4GB``; DuckDB's own when empty.
    threads
        DuckDB's ``threads``; DuckDB's own when empty.

    Notes
    -----
    The environment variables ``SEGMENTARY_MEMORY_LIMIT`` and ``SEGMENTARY_THREADS``
    apply where the last two are not given.
    """

    path: Path
    lock_wait_seconds: float = LOCK_WAIT_SECONDS
    memory_limit: str | None = None
    threads: int | None = None

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the warehouse for writing, creating the file when it is missing.

        Yields
        ------
        duckdb.DuckDBPyConnection
            Closed when the block ends.

        Raises
        ------
        WarehouseLockedError
            When another process has the file open for longer than we wait.
        """
        if not self.path.exists():
            self._create()
        connection = self._connect(read_only=False)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the warehouse for reading only.

        Yields
        ------
        duckdb.DuckDBPyConnection
            Closed when the block ends.

        Raises
        ------
        WarehouseMissingError
            When there is no warehouse yet.
        WarehouseLockedError
            When another process writes for longer than we wait.
        """
        if not self.path.exists():
            message = (
                f"There is no warehouse at {self.path}. Run the Dagster job (or "
                "`make demo`) first, or point SEGMENTARY_STATE at the folder that has "
                "one."
            )
            raise WarehouseMissingError(message)
        connection = self._connect(read_only=True)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def attached(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a connection of its own that can read the warehouse beside other files.

        Yields
        ------
        duckdb.DuckDBPyConnection
            In memory, with the warehouse attached read-only as ``warehouse``; closed
            when the block ends.

        Raises
        ------
        WarehouseMissingError
            When there is no warehouse yet.
        WarehouseLockedError
            When another process writes for longer than we wait.
        """
        # Waits for the lock, and says who holds it; readers don't keep each other out.
        with self.read():
            connection = connect(":memory:", config=self._settings())
            path = str(self.path).replace("'", "''")
            connection.execute(f"attach '{path}' as warehouse (read_only)")
        try:
            yield connection
        finally:
            connection.close()

    def replace(self, relation: str, frame: pd.DataFrame | pa.Table) -> int:
        """Put rows in the place of all rows of a table, in one transaction.

        Parameters
        ----------
        relation
            ``schema.table``; the table exists and keeps its columns and types.
        frame
            The new rows, with exactly the table's columns in any order.

        Returns
        -------
        int
            Rows written.

        Raises
        ------
        FrameError
            When the frame's columns aren't the table's. The table is left as it was.
        """
        with self.write() as connection, transaction(connection):
            return replace_rows(connection, relation, frame)

    def _create(self) -> None:
        """Put a complete, empty database in place, in one step.

        A process that is killed while DuckDB itself makes the file leaves one that
        nothing can open.
        """
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
            fresh = Path(scratch, self.path.name)
            duckdb.connect(fresh).close()
            # Unlike a rename, a link never takes the place of another run's new file.
            try:
                os.link(fresh, self.path)
            except FileExistsError:
                pass
            except OSError:
                # Some file systems have no links.
                fresh.replace(self.path)

    def _connect(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.lock_wait_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                connection = connect(
                    self.path, read_only=read_only, config=self._settings()
                )
            except (duckdb.IOException, duckdb.ConnectionException) as error:
                holder = _lock_holder(str(error))
                if holder is None:
                    raise
                left = deadline - time.monotonic()
                if left <= 0:
                    raise WarehouseLockedError(self._locked(holder)) from error
                time.sleep(min(pause, left))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                return connection

    def _settings(self) -> DuckDBConfig:
        settings: DuckDBConfig = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # A checkpoint packs a table's last rows anew: after every file that lands,
            # it would be most of what landing costs.
            "checkpoint_threshold": "256MB",
        }
        memory_limit = self.memory_limit or os.environ.get("SEGMENTARY_MEMORY_LIMIT")
        if memory_limit:
            settings["memory_limit"] = memory_limit
        threads = self.threads or os.environ.get("SEGMENTARY_THREADS")
        if threads:
            settings["threads"] = threads
        return settings

    def _locked(self, holder: str) -> str:
        return (
            f"The warehouse {self.path} is in use by {holder}, and still was after "
            f"{self.lock_wait_seconds:g} s. Wait for that run to finish, or close that "
            "program (a DuckDB shell, a notebook, a BI tool) and run again. To look at "
            "data while a run writes, open published/segmentary.duckdb instead."
        )


def _lock_holder(message: str) -> str | None:
    """Say who holds the lock that DuckDB complains about; None for other complaints."""
    if "different configuration than existing connections" in message:
        return f"this very process (PID {os.getpid()}), in another mode"
    if "Could not set lock" not in message and "already open in" not in message:
        return None
    found = re.search(r"held in (.*?) \(PID (\d+)\)", message) or re.search(
        r"already open in\s+(.*?) \(PID (\d+)\)", message, re.DOTALL
    )
    return f"process {found[2]} ({found[1]})" if found else "another process"


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit everything in the block, or nothing of it."""
    connection.execute("begin transaction")
    try:
        yield
    except BaseException:
        # DuckDB itself ends the transaction after some errors.
        with suppress(duckdb.TransactionException):
            connection.execute("rollback")
        raise
    commit(connection)


def commit(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the transaction's changes durable."""
    connection.execute("commit")


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    frame: pd.DataFrame | pa.Table,
) -> int:
    """Put rows in the place of all rows of a table; see `Warehouse.replace`.

    Returns
    -------
    int
        Rows written.

    Notes
    -----
    Inside a `transaction`, several tables change together.
    """
    rows = _checked(connection, relation, frame)
    connection.execute(
        compose("delete from $relation", relation=relation_name(relation))
    )
    return _insert(connection, relation, rows)


def append_rows(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    frame: pd.DataFrame | pa.Table,
) -> int:
    """Add rows to a table whose columns and types stay as declared.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    FrameError
        When the frame's columns aren't the table's.
    """
    return _insert(connection, relation, _checked(connection, relation, frame))


def _checked(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    frame: pd.DataFrame | pa.Table,
) -> pa.Table:
    declared = [
        row[0]
        for row in connection.execute(
            compose("describe $relation", relation=relation_name(relation))
        ).fetchall()
    ]
    # Through Arrow a float NaN that stands for "missing" arrives as null.
    rows = (
        frame
        if isinstance(frame, pa.Table)
        else pa.Table.from_pandas(frame, preserve_index=False)
    )
    if sorted(rows.column_names) != sorted(declared):
        message = (
            f"The frame for {relation} has the columns {rows.column_names}; the table "
            f"has {declared}."
        )
        raise FrameError(message)
    return rows


def _insert(
    connection: duckdb.DuckDBPyConnection, relation: str, rows: pa.Table
) -> int:
    connection.register("incoming_rows", rows)
    connection.execute(
        compose(
            "insert into $relation ($columns) select $columns from incoming_rows",
            relation=relation_name(relation),
            columns=rows.column_names,
        )
    )
    connection.unregister("incoming_rows")
    return int(rows.num_rows)
