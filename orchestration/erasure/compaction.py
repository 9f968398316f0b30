"""The database file without the bytes of what was deleted from it.

DuckDB leaves deleted rows in the file, and so do a checkpoint and `vacuum`. So what is
left is copied to a new file, which takes the place of the old one in one step.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from orchestration.ingestion.macros import macro
from orchestration.warehouse import WarehouseError, compose, relation_name

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from orchestration.warehouse import Warehouse

COPY = "compacted"
# What a database consists of, beside rows.
_CONTENTS = (
    """
    select schema_name, table_name, column_name, data_type, is_nullable, comment
    from duckdb_columns() where database_name = ? and not internal order by all
    """,
    """
    select schema_name, table_name, comment
    from duckdb_tables() where database_name = ? order by all
    """,
    """
    select schema_name, view_name, comment
    from duckdb_views() where database_name = ? and not internal order by all
    """,
)
_LEFTOVERS = ("__dbt_tmp", "__dbt_backup")


class ErasureError(WarehouseError):
    """An erasure can't be completed yet; the message says what to do."""


def compact(warehouse: Warehouse) -> None:
    """Put a copy of the database, without what was deleted, in its place.

    Raises
    ------
    ErasureError
        If the copy isn't the database, or a person who was erased is still in a table.
        The database is left as it was.
    """
    scratch = warehouse.path.with_name(f".{warehouse.path.name}.{COPY}")
    with warehouse.write() as connection:
        # Nobody else has the file open now, so what lies beside it was left by runs
        # that were killed, and may hold whoever was erased.
        _remove_leftover_files(warehouse.path, scratch)
        _drop_leftover_relations(connection)
        _check_nobody_is_left(connection)
        # Until here the file may have a log beside it; the copy must not meet it.
        connection.execute("force checkpoint")
        path = str(scratch).replace("'", "''")
        connection.execute(f"attach '{path}' as {COPY}")
        connection.execute(
            compose(
                "copy from database $old to $new", old=_database(connection), new=COPY
            )
        )
        _check_copy(connection)
        connection.execute(f"checkpoint {COPY}")
        connection.execute(f"detach {COPY}")
        _sync(scratch)
        # While the old file is open and locked, nobody writes what would be lost.
        scratch.replace(warehouse.path)


def _database(connection: duckdb.DuckDBPyConnection) -> str:
    return str(connection.execute("select current_database()").fetchall()[0][0])


def _remove_leftover_files(path: Path, scratch: Path) -> None:
    for left in (scratch, scratch.with_name(f"{scratch.name}.wal")):
        left.unlink(missing_ok=True)
    for folder in (path.with_name(f"{path.name}.tmp"), *path.parent.glob(".new-*")):
        shutil.rmtree(folder, ignore_errors=True)


def _drop_leftover_relations(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop what a killed dbt left half-built."""
    found = connection.execute(
        "select 'table', schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = current_database() union all "
        "select 'view', schema_name || '.' || view_name from duckdb_views() "
        "where database_name = current_database() and not internal"
    ).fetchall()
    for kind, relation in found:
        if relation.endswith(_LEFTOVERS):
            connection.execute(
                compose(f"drop {kind} $relation", relation=relation_name(relation))
            )


def _check_nobody_is_left(connection: duckdb.DuckDBPyConnection) -> None:
    """Search every text column behind `raw` for keys and customers that are erased."""
    customer_id = macro("hash_key", ["identifier_key"])
    connection.execute(
        "create or replace temp table erased_ids as "
        "select identifier_key as erased_id from raw.suppressed_identifiers union "
        f"select {customer_id} from raw.suppressed_identifiers"
    )
    columns = connection.execute(
        """
        select tables.schema_name || '.' || tables.table_name, columns.column_name
        from duckdb_tables() as tables
        inner join duckdb_columns() as columns using (table_oid, database_name)
        where tables.database_name = current_database()
            and tables.schema_name <> 'raw'
            and not tables.temporary
            and columns.data_type = 'VARCHAR'
        order by all
        """
    ).fetchall()
    left = []
    for relation, column in columns:
        found = connection.execute(
            compose(
                "select exists (select 1 from $relation as searched semi join "
                "erased_ids on searched.$column = erased_ids.erased_id)",
                relation=relation_name(relation),
                column=column,
            )
        ).fetchall()
        if found[0][0]:
            left.append(f"{relation}.{column}")
    if left:
        message = (
            "people who were erased are still in "
            + ", ".join(left)
            + "; if no model builds it any more, drop it, and run `erase` again"
        )
        raise ErasureError(message)


def _check_copy(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a copy that lacks a row, a column, a view or a comment."""
    old = _database(connection)
    for what in _CONTENTS:
        if (
            connection.execute(what, [old]).fetchall()
            != connection.execute(what, [COPY]).fetchall()
        ):
            message = "the copied database has other tables or columns; try again"
            raise ErasureError(message)
    relations = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = ?",
        [COPY],
    ).fetchall()
    for (relation,) in relations:
        (counts,) = connection.execute(
            compose(
                "select (select count(*) from $old.$relation), "
                "(select count(*) from $new.$relation)",
                old=old,
                new=COPY,
                relation=relation_name(relation),
            )
        ).fetchall()
        if counts[0] != counts[1]:
            message = f"the copy of {relation} has {counts[1]} rows, not {counts[0]}"
            raise ErasureError(message)


def _sync(path: Path) -> None:
    """Make a file durable before it takes another one's place."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
