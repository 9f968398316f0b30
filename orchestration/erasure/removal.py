"""One transaction: the people's rows go, their keys and the proof stay.

Belongs here: deleting, and what is written about it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestration.erasure.people import find_people
from orchestration.ingestion.macros import macro
from orchestration.warehouse import Sql, compose, relation_name, transaction

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    import duckdb

    from orchestration.ingestion.contracts import TableContract

# What Python found out about contacts, by columns that hold a contact's id.
_BY_CONTACT = {"linkage.contact_links": ("crm_contact_id_left", "crm_contact_id_right")}


@dataclass(frozen=True)
class Removal:
    """What one transaction did.

    Attributes
    ----------
    outcomes
        Number of requests by outcome.
    n_rows
        Deleted rows of all tables.
    """

    outcomes: Mapping[str, int]
    n_rows: int


def remove_people(
    connection: duckdb.DuckDBPyConnection,
    tables: Collection[TableContract],
    calling_codes: Mapping[str, str],
    longest: int,
    now: dt.datetime,
) -> Removal:
    """Act on every open request: delete, suppress, prove.

    Parameters
    ----------
    connection
        The warehouse, open for writing, outside a transaction, identity built from all
        that landed.
    tables
        All contracts.
    calling_codes
        Country calling code of telephone numbers by source.
    longest
        A longer identifier stands for nobody.
    now
        Time of the erasure, UTC without a zone.

    Returns
    -------
    Removal
        What was done; nothing where no request is open.
    """
    with transaction(connection):
        if not find_people(connection, tables, calling_codes, longest):
            return Removal({}, 0)
        rows = _delete_landed(connection)
        _delete_derived(connection, rows)
        _forget_unreadable(connection, tables)
        connection.execute(
            "insert into raw.suppressed_identifiers (identifier_key, erased_at) "
            "select distinct identifier_key, ? :: timestamp from person_keys "
            "anti join raw.suppressed_identifiers using (identifier_key)",
            [now],
        )
        outcomes = _write_proofs(connection, rows, now)
    return Removal(outcomes, sum(sum(counts.values()) for counts in rows.values()))


# Rows by request and table.
_Rows = dict[str, dict[str, int]]


def _count(
    connection: duckdb.DuckDBPyConnection, rows: _Rows, relation: str, sql: str
) -> int:
    """Add to the counts what a query says of each request."""
    counted = connection.execute(sql).fetchall()
    for request_key, n_rows in counted:
        rows[request_key][relation] += n_rows
    return len(counted)


def _delete_landed(connection: duckdb.DuckDBPyConnection) -> _Rows:
    """Delete the rows that name the people; their number stays with each load."""
    rows: _Rows = defaultdict(lambda: defaultdict(int))
    # A file that repeats another one's content held the same records.
    connection.execute(
        """
        insert into raw.erased_records (load_id, n_records)
        with per_load as (
            select load_id, count(*) as n_records
            from (select distinct relation, row_id, load_id from person_rows)
            group by load_id
        )
        from per_load
        union all
        select copies.load_id, per_load.n_records
        from per_load
        inner join raw.load_manifest as copies
            on per_load.load_id = copies.duplicate_of_load_id
        where copies.load_status = 'duplicate_file'
        """
    )
    relations = connection.execute(
        "select distinct relation from person_rows order by relation"
    ).fetchall()
    for (relation,) in relations:
        _count(
            connection,
            rows,
            relation,
            "select request_key, count(*) from person_rows "
            f"where relation = '{relation}' group by request_key",
        )
        connection.execute(
            compose(
                "delete from $relation where rowid in "
                "(select row_id from person_rows where person_rows.relation = ?)",
                relation=relation_name(relation),
            ),
            [relation],
        )
    return rows


def _delete_derived(connection: duckdb.DuckDBPyConnection, rows: _Rows) -> None:
    """Delete what was made from those rows, in every table that isn't `raw`.

    Most of these tables are built anew afterwards. Those that aren't (snapshots, what
    Python wrote, versions of ids, leftovers of models that are gone) know people by the
    customer's id, an identifier's key or a contact's id.
    """
    found = connection.execute(
        """
        select
            tables.schema_name || '.' || tables.table_name,
            list(columns.column_name)
        from duckdb_tables() as tables
        inner join duckdb_columns() as columns using (table_oid, database_name)
        where tables.database_name = current_database()
            and tables.schema_name <> 'raw'
            and not tables.temporary
            and columns.column_name in ('customer_id', 'identifier_key')
            and columns.data_type = 'VARCHAR'
        group by all
        order by all
        """
    ).fetchall()
    for relation, columns in found:
        if "customer_id" in columns:
            _delete_by(connection, rows, relation, Sql("customer_id"), "customer_id")
        if "identifier_key" in columns:
            _delete_by(
                connection, rows, relation, Sql("identifier_key"), "identifier_key"
            )
    for relation, contacts in _BY_CONTACT.items():
        for column in contacts:
            key = macro("identifier_key", "crm_contact_id", column)
            _delete_by(connection, rows, relation, key, "identifier_key")


def _delete_by(
    connection: duckdb.DuckDBPyConnection,
    rows: _Rows,
    relation: str,
    column: Sql,
    name: str,
) -> None:
    """Delete a table's rows of the people's customers, or of their keys."""
    parts = {
        "relation": relation_name(relation),
        "column": column,
        "name": name,
        "people": {
            "customer_id": "person_customers",
            "identifier_key": "person_keys",
        }[name],
    }
    # Columns of the table itself may be named like those of the people.
    n_requests = _count(
        connection,
        rows,
        relation,
        compose(
            """
            select people.request_key, count(*)
            from (select $column as person_id from $relation) as made
            inner join $people as people on made.person_id = people.$name
            group by people.request_key
            """,
            **parts,
        ),
    )
    if n_requests:
        connection.execute(
            compose(
                "delete from $relation where $column in "
                "(select people.$name from $people as people)",
                **parts,
            )
        )


def _forget_unreadable(
    connection: duckdb.DuckDBPyConnection, tables: Collection[TableContract]
) -> None:
    """Empty the text of unreadable records in streams that name people.

    What can't be read can't be searched for a person either: where it stands is kept,
    and the landed file has it.
    """
    naming = {
        (table.source_name, table.stream_name)
        for table in tables
        if table.landing and table.landing.identifiers
    }
    for source_name, stream_name in sorted(naming):
        connection.execute(
            """
            update raw.rejected_lines set record_text = null
            where record_text is not null and load_id in (
                select load_id from raw.load_manifest
                where source_name = ? and stream_name = ?
            )
            """,
            [source_name, stream_name],
        )


def _write_proofs(
    connection: duckdb.DuckDBPyConnection, rows: _Rows, now: dt.datetime
) -> dict[str, int]:
    """Write one proof for each request; count them by outcome."""
    outcomes: dict[str, int] = defaultdict(int)
    requests = connection.execute(
        "select request_key, requested_at, outcome from open_requests order by all"
    ).fetchall()
    for request_key, requested_at, outcome in requests:
        counts = dict(sorted(rows[request_key].items()))
        outcomes[outcome] += 1
        connection.execute(
            "insert into raw.erasures (request_key, requested_at, outcome, n_rows, "
            "rows_by_table, erased_at) values (?, ?, ?, ?, ?, ?)",
            [
                request_key,
                requested_at,
                outcome,
                sum(counts.values()),
                json.dumps(counts),
                now,
            ],
        )
    return dict(outcomes)
