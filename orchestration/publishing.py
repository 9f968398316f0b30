"""The published file: a copy of the marts that BI tools read while runs write.

DuckDB lets nobody read a file that a process writes. So the marts go to a new database
file beside the published one and take its place in one rename: a reader holds one
whole run, the old or the new. The storage version is an old one, so that tools with an
older DuckDB can open the file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.ingestion import mask_contacts
from orchestration.warehouse import Warehouse, compose, relation_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

STORAGE_VERSION = "v1.0.0"
SCHEMA = "marts"


class NotPublishedError(RuntimeError):
    """The run must not be published; the file of the run before stays."""


@dataclass(frozen=True)
class PublishedTable:
    """One mart of the published file.

    Attributes
    ----------
    name
        The table's name, the same as the model's.
    description
        What a row is.
    columns
        Description by column name, in the table's order.
    """

    name: str
    description: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Publication:
    """Which run the file holds.

    Attributes
    ----------
    run_id
        The run that built it.
    as_of_date
        The day that it describes.
    code_version
        Version of the project.
    """

    run_id: str
    as_of_date: dt.date
    code_version: str


def published_tables(manifest: Mapping[str, Any]) -> list[PublishedTable]:
    """List the models whose configuration says `publish`, by name."""
    tables = [
        PublishedTable(
            name=node["name"],
            description=node["description"],
            columns={
                column["name"]: column["description"]
                for column in node["columns"].values()
            },
        )
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["meta"].get("publish")
    ]
    return sorted(tables, key=lambda table: table.name)


def open_failures(warehouse: Warehouse) -> list[str]:
    """Return every landed file that failed and was not mended, with its reason."""
    with warehouse.read() as connection:
        rows = connection.execute(
            "select file_path, reason from raw.failed_files "
            "where resolved_at is null order by file_path"
        ).fetchall()
    return [mask_contacts(f"{path}: {reason}") for path, reason in rows]


def publish(
    warehouse: Warehouse,
    target: Path,
    tables: list[PublishedTable],
    publication: Publication,
) -> dict[str, int]:
    """Copy marts to a new file and move it over the published one in one step.

    Parameters
    ----------
    warehouse
        Where the marts are; opened read-only.
    target
        The published file.
    tables
        The marts to copy.
    publication
        Which run they are of.

    Returns
    -------
    dict
        Rows by table.

    Raises
    ------
    NotPublishedError
        If a landed file failed to load, or a mart describes another day than the run.
    """
    failures = open_failures(warehouse)
    if failures:
        message = (
            f"{len(failures)} landed file(s) failed to load, so the published file "
            "stays as it was. Mend or remove them and run again: " + "; ".join(failures)
        )
        raise NotPublishedError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Its name differs from the schema's, or DuckDB can't tell the two apart.
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)
    try:
        with warehouse.attached() as connection:
            counts = _write(connection, scratch, tables, publication)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
    return counts


def _write(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    tables: list[PublishedTable],
    publication: Publication,
) -> dict[str, int]:
    """Fill a new database file with the tables, their comments and the run."""
    connection.execute(
        f"attach '{str(scratch).replace(chr(39), chr(39) * 2)}' as published "
        f"(storage_version '{STORAGE_VERSION}')"
    )
    connection.execute(f"create schema published.{SCHEMA}")
    _check_day(connection, publication)
    counts: dict[str, int] = {}
    for table in tables:
        mart = relation_name(f"{SCHEMA}.{table.name}")
        connection.execute(
            compose("create table published.$name as from warehouse.$name", name=mart)
        )
        _comment(connection, "table", f"published.{mart}", table.description)
        for column, description in table.columns.items():
            name = compose("published.$table.$column", table=mart, column=column)
            _comment(connection, "column", name, description)
        counted = connection.execute(f"select count(*) from published.{mart}")
        counts[table.name] = (counted.fetchone() or (0,))[0]
    _describe(connection, tables, publication, counts)
    connection.execute("checkpoint published")
    connection.execute("detach published")
    return counts


def _comment(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, text: str
) -> None:
    """Comment on a table or column."""
    quoted = " ".join(text.split()).replace("'", "''")
    connection.execute(f"comment on {kind} {name} is '{quoted}'")


def _check_day(connection: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """Refuse marts that were last built for another day than the run's."""
    built_for = connection.execute(
        f"select as_of_date from warehouse.{SCHEMA}.dim_as_of_dates where is_current"
    ).fetchall()
    if built_for != [(publication.as_of_date,)]:
        days = ", ".join(str(row[0]) for row in built_for) or "no day"
        message = (
            f"the marts describe {days}, the run {publication.as_of_date}: build all "
            "of them at the run's as-of date"
        )
        raise NotPublishedError(message)


def _describe(
    connection: duckdb.DuckDBPyConnection,
    tables: list[PublishedTable],
    publication: Publication,
    counts: Mapping[str, int],
) -> None:
    """Write the run, its tables and the dictionary."""
    connection.execute(
        f"create table published.{SCHEMA}.publication as select "
        "? :: varchar as run_id, ? :: date as as_of_date, ? :: varchar as code_version",
        [publication.run_id, publication.as_of_date, publication.code_version],
    )
    connection.execute(
        f"create table published.{SCHEMA}.publication_tables "
        "(run_id varchar, table_name varchar, n_rows bigint)"
    )
    connection.execute(
        f"create table published.{SCHEMA}.publication_sources as select "
        "? :: varchar as run_id, source_name, stream_name, "
        "count(*) as n_files, sum(n_records) :: bigint as n_records, "
        "max(loaded_at) as newest_loaded_at "
        "from warehouse.raw.load_manifest where load_status = 'loaded' "
        "group by source_name, stream_name order by source_name, stream_name",
        [publication.run_id],
    )
    connection.execute(
        f"create table published.{SCHEMA}.data_dictionary (table_name varchar, "
        "column_name varchar, data_type varchar, description varchar)"
    )
    for table in tables:
        connection.execute(
            f"insert into published.{SCHEMA}.publication_tables values (?, ?, ?)",
            [publication.run_id, table.name, counts[table.name]],
        )
    connection.execute(
        f"insert into published.{SCHEMA}.data_dictionary "
        "select table_name, column_name, data_type, comment from duckdb_columns() "
        "where database_name = 'published' and comment is not null "
        "order by table_name, column_index"
    )
