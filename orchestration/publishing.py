"""The published file: a copy of the marts that BI tools read while runs write.

DuckDB lets nobody read a file that a process writes. So the marts go to a new database
file beside the published one and take its place in one rename: a reader holds one
whole run, the old or the new. The storage version is an old one, so that tools with an
older DuckDB can open the file.

Writing a mart costs ten times what reading it does. So the new file starts as a copy of
the published one, and only parts of tables whose content has another hash are written:
a part is a day of a table that says `publish_by`, else the whole table. What is deleted
from a DuckDB file stays in it as bytes; a file that must be rid of them, as after an
erasure, is made from nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.dictionary import ColumnNote, Dictionary, MetricNote
from orchestration.ingestion import mask_contacts
from orchestration.warehouse import Sql, Warehouse, compose, connect, relation_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STORAGE_VERSION = "v1.0.0"
SCHEMA = "marts"
# Of a part: rows, and the sum of their hashes.
_Fingerprints = dict[str, tuple[int, int]]
# The part of rows without a value to divide them by, and of an undivided table.
_WHOLE = ""


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
    divided_by
        The date whose days are published apart; None for a table that is one part.
    derived
        Columns that are hashes of others, and so tell nothing of whether those changed.
    follows
        Relations, ``schema.table``, from whose rows of a date alone the table's rows of
        that date follow; empty where the table itself is looked at for changes.
    """

    name: str
    description: str
    columns: Mapping[str, str]
    divided_by: str | None = None
    derived: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()


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
    project_checksum
        Of the dbt project and its vars; empty where not told.
    is_tested
        Whether the run built and tested all there is, so that the next one's tests may
        look at later loads only.
    dictionary
        What the file tells of its tables beside their descriptions.
    """

    run_id: str
    as_of_date: dt.date
    code_version: str
    project_checksum: str = ""
    is_tested: bool = False
    dictionary: Dictionary = field(default_factory=Dictionary)


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
            divided_by=node["config"]["meta"].get("publish_by"),
            derived=tuple(node["config"]["meta"].get("derived", ())),
            follows=_followed(manifest, node),
        )
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["meta"].get("publish")
    ]
    return sorted(tables, key=lambda table: table.name)


def _followed(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the relations that a model says it follows.

    None if it reads anything beside them and seeds, directly or through other models:
    then its own rows have to be looked at.
    """
    names = set(node["config"]["meta"].get("follows", ()))
    followed = {
        key: f"{other['schema']}.{other['name']}"
        for key, other in manifest["nodes"].items()
        if other["resource_type"] == "model" and other["name"] in names
    }
    unknown = names - {manifest["nodes"][key]["name"] for key in followed}
    if unknown:
        message = (
            f"{node['name']} follows {', '.join(sorted(unknown))}; expected names of "
            "models (`follows` in its `meta`)"
        )
        raise ValueError(message)
    ahead = list(node["depends_on"]["nodes"])
    while ahead:
        key = ahead.pop()
        parent = manifest["nodes"].get(key)
        if key in followed or (parent and parent["resource_type"] == "seed"):
            continue
        if parent is None or not parent["depends_on"]["nodes"]:
            return ()
        ahead += parent["depends_on"]["nodes"]
    return tuple(sorted(followed.values()))


def open_failures(warehouse: Warehouse) -> list[str]:
    """Return every landed file that failed and was not mended, with its reason."""
    with warehouse.read() as connection:
        rows = connection.execute(
            "select file_path, reason from raw.failed_files "
            "where resolved_at is null order by file_path"
        ).fetchall()
    return [mask_contacts(f"{path}: {reason}") for path, reason in rows]


def newest_tested_load(
    warehouse: Warehouse, target: Path, project_checksum: str
) -> int | None:
    """Return the newest load whose rows the published run has tested.

    Parameters
    ----------
    warehouse
        The warehouse that is to be tested.
    target
        The published file.
    project_checksum
        Of the dbt project and its vars as they are now.

    Returns
    -------
    int or None
        None where every row is to be tested: nothing is published, or it is of another
        warehouse or project, or was not of a run that tests everything.
    """
    if not target.exists():
        return None
    try:
        with connect(target, read_only=True) as connection:
            row = connection.execute(
                "select newest_load_id, newest_loaded_at, project_checksum "
                f"from {SCHEMA}.publication"
            ).fetchone()
    except duckdb.Error:
        # A file of an earlier version, or somebody else's.
        return None
    if row is None or row[0] is None or row[2] != project_checksum:
        return None
    with warehouse.read() as connection:
        same = connection.execute(
            "select 1 from raw.load_manifest where load_id = ? and loaded_at = ?",
            row[:2],
        ).fetchone()
    return int(row[0]) if same else None


def publish(
    warehouse: Warehouse,
    target: Path,
    tables: list[PublishedTable],
    publication: Publication,
    *,
    anew: bool = False,
) -> dict[str, int]:
    """Bring marts into a new file and move it over the published one in one step.

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
    anew
        Whether to take nothing over from the published file.

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
            _check_day(connection, publication)
            if not anew and _layout_of(target) == _layout(tables):
                shutil.copyfile(target, scratch)
            counts = _write(connection, scratch, tables, publication)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
    return counts


def _layout(tables: Sequence[PublishedTable]) -> str:
    """Name what a file must have in common with the next one to start it."""
    parts = [STORAGE_VERSION, duckdb.__version__, *map(repr, tables)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _layout_of(target: Path) -> str | None:
    """Return the layout of the published file, if there is one that tells."""
    if not target.exists():
        return None
    try:
        with connect(target, read_only=True) as connection:
            row = connection.execute(
                f"select layout from {SCHEMA}.publication"
            ).fetchone()
    except duckdb.Error:
        return None
    return row[0] if row else None


def _write(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    tables: list[PublishedTable],
    publication: Publication,
) -> dict[str, int]:
    """Bring a database file up to date: its tables, their comments and the run."""
    is_new = not scratch.exists()
    connection.execute(
        f"attach '{str(scratch).replace(chr(39), chr(39) * 2)}' as published "
        f"(storage_version '{STORAGE_VERSION}')"
    )
    before: dict[str, _Fingerprints] = {}
    if is_new:
        connection.execute(f"create schema published.{SCHEMA}")
        connection.execute(
            f"create table published.{SCHEMA}.publication_parts "
            "(table_name varchar, part varchar, n_rows bigint, content_hash hugeint)"
        )
    else:
        for name, part, n_rows, content_hash in connection.execute(
            f"select * from published.{SCHEMA}.publication_parts"
        ).fetchall():
            before.setdefault(name, {})[part] = (n_rows, content_hash)
        # What follows from other rows follows by the project's code.
        checksum = _checksum_of(connection)
        if not checksum or checksum != publication.project_checksum:
            for table in tables:
                if table.follows:
                    before.pop(table.name, None)
    counts: dict[str, int] = {}
    found: dict[tuple[str, str], _Fingerprints] = {}
    for table in tables:
        now = _fingerprints(connection, table, found)
        counts[table.name] = sum(n_rows for n_rows, _ in now.values())
        if now != before.get(table.name) or not _has_columns_of(connection, table):
            _bring_over(connection, table, before.get(table.name, {}), now)
    _describe(connection, tables, publication, counts)
    _explain(connection, publication.dictionary)
    connection.execute("checkpoint published")
    connection.execute("detach published")
    return counts


def _checksum_of(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the checksum of the project that the published file is of."""
    row = connection.execute(
        f"select project_checksum from published.{SCHEMA}.publication"
    ).fetchone()
    return str(row[0]) if row else ""


def _fingerprints(
    connection: duckdb.DuckDBPyConnection,
    table: PublishedTable,
    found: dict[tuple[str, str], _Fingerprints],
) -> _Fingerprints:
    """Read what each part of a mart holds, as a number that other rows don't have.

    `found` keeps the fingerprints of relations that several tables follow.
    """
    mart = f"{SCHEMA}.{table.name}"
    if not (table.follows and table.divided_by):
        return _fingerprints_of(connection, mart, table.divided_by, table.derived)
    followed = []
    for relation in table.follows:
        key = (relation, table.divided_by)
        if key not in found:
            found[key] = _fingerprints_of(connection, relation, table.divided_by)
        followed.append(found[key])
    counted = connection.execute(
        f"select {table.divided_by} :: varchar as part, count(*) "
        f"from warehouse.{relation_name(mart)} group by part"
    ).fetchall()
    return {
        part: (n_rows, sum(parts.get(part, (0, 0))[1] for parts in followed))
        for part, n_rows in counted
    }


def _fingerprints_of(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    divided_by: str | None,
    derived: Sequence[str] = (),
) -> _Fingerprints:
    """Read what each part of a relation holds."""
    rows_of = f"warehouse.{relation_name(relation)}"
    if derived:
        columns = compose("$columns", columns=derived)
        rows_of = f"(select * exclude ({columns}) from {rows_of})"
    part_of = divided_by or f"'{_WHOLE}'"
    rows = connection.execute(
        "select part :: varchar, n_rows, content_hash from ("
        f"select {part_of} as part, count(*) as n_rows, "
        f"sum(hash(content)) as content_hash from {rows_of} as content group by part)"
    ).fetchall()
    return {part or _WHOLE: (n_rows, content) for part, n_rows, content in rows}


def _bring_over(
    connection: duckdb.DuckDBPyConnection,
    table: PublishedTable,
    before: _Fingerprints,
    now: _Fingerprints,
) -> None:
    """Write the parts of a mart that differ, or all of it, and note what it holds."""
    mart = relation_name(f"{SCHEMA}.{table.name}")
    changed = {
        part for part in before.keys() | now.keys() if before.get(part) != now.get(part)
    }
    if not before or _WHOLE in changed or not _has_columns_of(connection, table):
        connection.execute(
            f"create or replace table published.{mart} as from warehouse.{mart}"
        )
        _comment(connection, "table", f"published.{mart}", table.description)
        for column, description in table.columns.items():
            name = compose("published.$table.$column", table=mart, column=column)
            _comment(connection, "column", name, description)
    else:
        # Constants, not a list: a view then reads only those days of its tables.
        days = sorted(changed)
        among = compose(
            "$column in ($days)",
            column=str(table.divided_by),
            days=Sql(", ".join(["? :: date"] * len(days))),
        )
        connection.execute(f"delete from published.{mart} where {among}", days)
        connection.execute(
            f"insert into published.{mart} by name "
            f"select * from warehouse.{mart} where {among}",
            days,
        )
    parts = f"published.{SCHEMA}.publication_parts"
    connection.execute(f"delete from {parts} where table_name = ?", [table.name])
    # One statement for thousands of days.
    connection.execute(
        f"insert into {parts} select ?, unnest(? :: varchar[]), "
        "unnest(? :: bigint[]), unnest(? :: hugeint[])",
        [table.name, list(now), *map(list, zip(*now.values(), strict=True))]
        if now
        else [table.name, [], [], []],
    )


def _has_columns_of(
    connection: duckdb.DuckDBPyConnection, table: PublishedTable
) -> bool:
    """Tell whether the published table has the columns and types of the mart."""
    mart = relation_name(f"{SCHEMA}.{table.name}")
    published, built = (
        connection.execute(
            f"select column_name, column_type from (describe {database}.{mart})"
        ).fetchall()
        for database in ("published", "warehouse")
    )
    return published == built


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
    """Write the run, its tables and sources."""
    newest = connection.execute(
        "select load_id, loaded_at from warehouse.raw.load_manifest "
        "order by load_id desc limit 1"
    ).fetchone()
    load_id, loaded_at = newest if newest and publication.is_tested else (None, None)
    connection.execute(
        f"create or replace table published.{SCHEMA}.publication as select "
        "? :: varchar as run_id, ? :: date as as_of_date, "
        "? :: varchar as code_version, ? :: varchar as project_checksum, "
        "? :: varchar as layout, ? :: bigint as newest_load_id, "
        "? :: timestamp as newest_loaded_at, ? :: varchar as shop_name, "
        "? :: varchar as reporting_currency, ? :: varchar as business_time_zone, "
        "? :: bigint as rfm_window_days",
        [
            publication.run_id,
            publication.as_of_date,
            publication.code_version,
            publication.project_checksum,
            _layout(tables),
            load_id,
            loaded_at,
            publication.dictionary.shop_name,
            publication.dictionary.reporting_currency,
            publication.dictionary.business_time_zone,
            publication.dictionary.rfm_window_days,
        ],
    )
    connection.execute(
        f"create or replace table published.{SCHEMA}.publication_tables "
        "(run_id varchar, table_name varchar, n_rows bigint)"
    )
    connection.execute(
        f"create or replace table published.{SCHEMA}.publication_sources as select "
        "? :: varchar as run_id, source_name, stream_name, "
        "count(*) as n_files, sum(n_records) :: bigint as n_records, "
        "max(loaded_at) as newest_loaded_at "
        "from warehouse.raw.load_manifest where load_status = 'loaded' "
        "group by source_name, stream_name order by source_name, stream_name",
        [publication.run_id],
    )
    for table in tables:
        connection.execute(
            f"insert into published.{SCHEMA}.publication_tables values (?, ?, ?)",
            [publication.run_id, table.name, counts[table.name]],
        )


def _explain(connection: duckdb.DuckDBPyConnection, dictionary: Dictionary) -> None:
    """Write what every column and metric means."""
    connection.execute(
        f"create or replace table published.{SCHEMA}.data_dictionary as "
        "select table_name, column_name, data_type, comment as description, unit, "
        "coalesce(is_key, false) as is_key, refers_to "
        "from duckdb_columns() left join (select unnest(? :: varchar[]) as table_name, "
        "unnest(? :: varchar[]) as column_name, unnest(? :: varchar[]) as unit, "
        "unnest(? :: boolean[]) as is_key, unnest(? :: varchar[]) as refers_to) "
        "using (table_name, column_name) "
        "where database_name = 'published' and comment is not null "
        "order by table_name, column_index",
        _in_columns(ColumnNote, dictionary.columns),
    )
    connection.execute(
        f"create or replace table published.{SCHEMA}.metric_dictionary as "
        "select unnest(? :: varchar[]) as metric_name, "
        "unnest(? :: varchar[]) as metric_label, "
        "unnest(? :: varchar[]) as description, unnest(? :: varchar[]) as expression, "
        "unnest(? :: varchar[]) as table_name, unnest(? :: varchar[]) as date_column",
        _in_columns(MetricNote, dictionary.metrics),
    )


def _in_columns(kind: type, notes: Sequence[object]) -> list[list[Any]]:
    """Turn notes into a list for each of their fields, as `unnest` takes them."""
    return [[getattr(note, one.name) for note in notes] for one in fields(kind)]
