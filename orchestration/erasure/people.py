"""Who is meant: from open requests to everything that stands for those people.

Belongs here: which identifiers, customers and raw rows are a person's. They are kept in
temporary tables of the caller's connection, which never reach the database file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.ingestion.identifiers import (
    DEVICE_TYPES,
    NamedKey,
    NamingRecords,
    naming_records,
)
from orchestration.ingestion.macros import macro, remember_salt
from orchestration.warehouse import Sql, compose, relation_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import duckdb

    from orchestration.ingestion.contracts import TableContract

REQUESTS_STREAM = "erasure.requests"
_DEVICES = ", ".join(f"'{name}'" for name in DEVICE_TYPES)
_ROW = {"row_id": Sql("rowid"), "load_id": Sql("_load_id")}


def find_people(
    connection: duckdb.DuckDBPyConnection,
    tables: Collection[TableContract],
    calling_codes: Mapping[str, str],
    longest: int,
) -> int:
    """Work out whom the open requests mean and which raw rows name them.

    Parameters
    ----------
    connection
        The warehouse, in a transaction, identity built from all that landed.
    tables
        All contracts.
    calling_codes
        Country calling code of telephone numbers by source.
    longest
        A longer identifier stands for nobody.

    Returns
    -------
    int
        Open requests. The temporary tables are then `open_requests` (request_key,
        requested_at, outcome), `request_rows` (request_key, load_id, record_number),
        `person_keys` (request_key, identifier_key), `person_customers` (request_key,
        customer_id) and `person_rows` (request_key, relation, row_id, load_id).

    Notes
    -----
    A person is every customer that a requested identifier stands for, with all
    identifiers of that customer. A device that leads to several people is nobody's, and
    neither is an identifier beyond its limit: a request that names only such erases
    nothing, and says so. Two kinds of identifier are found in the person's own rows:
    the orders that are theirs, which a refund names alone, and devices that identity
    doesn't know, for want of consent for instance, and that nobody else uses.
    """
    remember_salt(connection)
    n_requests = _read_requests(connection, tables, calling_codes)
    if not n_requests:
        return 0
    connection.execute(_PEOPLE)
    connection.execute(
        _CUSTOMERS.format(hash_key=macro("hash_key", ["identifier_key"]))
    )
    namings = {
        table.relation: naming
        for table in tables
        if (naming := _naming(table, calling_codes)).keys
    }
    connection.execute(
        "create or replace temp table person_rows "
        "(request_key varchar, relation varchar, row_id bigint, load_id bigint)"
    )
    connection.execute("create or replace temp table new_keys as from person_keys")
    _find_rows(connection, namings)
    if _find_further_keys(connection, namings, longest):
        _find_rows(connection, namings)
    # A request that was acted on goes, whatever came of it.
    requests = next(t for t in tables if t.stream == REQUESTS_STREAM)
    connection.execute(
        compose(
            """
            insert into person_rows
            select request_rows.request_key, ?, requests.rowid, requests._load_id
            from $requests as requests
            inner join request_rows
                on requests._load_id = request_rows.load_id
                and requests._record_number = request_rows.record_number
            anti join person_rows as found
                on found.relation = ? and found.row_id = requests.rowid
                and found.request_key = request_rows.request_key
            """,
            requests=relation_name(requests.relation),
        ),
        [requests.relation, requests.relation],
    )
    return n_requests


def _naming(table: TableContract, calling_codes: Mapping[str, str]) -> NamingRecords:
    columns = {name: compose("$name", name=name) for name in table.column_names}
    return naming_records(table, columns, calling_codes.get(table.source_name))


def _read_requests(
    connection: duckdb.DuckDBPyConnection,
    tables: Collection[TableContract],
    calling_codes: Mapping[str, str],
) -> int:
    """Read the open requests and the keys that they name."""
    requests = next(t for t in tables if t.stream == REQUESTS_STREAM)
    naming = _naming(requests, calling_codes)
    keys = naming.select_typed_keys(
        relation_name(requests.relation),
        {"load_id": Sql("_load_id"), "record_number": Sql("_record_number")},
    )
    request_key = macro("sha256", f"{macro('salt')} || 'request:' || request_id")
    connection.execute(
        compose(
            """
            create or replace temp table request_rows as
            select
                load_id,
                record_number,
                requested_at,
                $request_key as request_key,
                identifier_type as requested_type,
                identifier_value
            from staging.stg_erasure__requests
            where reject_reason is null
            """,
            request_key=request_key,
        )
    )
    connection.execute(
        compose(
            """
            create or replace temp table requested_keys as
            select distinct
                request_rows.request_key,
                named.identifier_key,
                named.identifier_type,
                blocked.identifier_value is not null as is_blocked
            from ($keys) as named
            inner join request_rows using (load_id, record_number)
            left join seeds.blocked_identifiers as blocked
                on lower(request_rows.identifier_value) = blocked.identifier_value
                and blocked.identifier_type in ('any', named.identifier_type)
            where named.identifier_key is not null
            """,
            keys=keys,
        )
    )
    n_requests: int = connection.execute(
        "select count(distinct request_key) from request_rows"
    ).fetchall()[0][0]
    return n_requests


# What a request's identifiers come to, in the words of identity.
_PEOPLE = """
create or replace temp table usable_keys as
select
    requested_keys.*,
    not is_blocked and (
        coalesce(identifiers.block_reason = 'too_many_identifiers', false)
        or exists (
            select 1 from intermediate.int_identifier_edges as edges
            where edges.device_key = identifiers.compact_identifier_key
                and edges.reject_reason = 'shared_device'
        )
    ) as is_shared
from requested_keys
left join intermediate.int_identifiers_resolved as identifiers
    using (identifier_key);

create or replace temp table open_requests as
select
    request_rows.request_key,
    min(request_rows.requested_at) as requested_at,
    case
        when count(case when not is_blocked and not is_shared then 1 end) > 0
            then 'erased'
        when bool_or(is_shared) then 'shared'
        else 'blocked'
    end as outcome
from request_rows
left join usable_keys using (request_key)
group by request_rows.request_key;

create or replace temp table person_customers as
select distinct usable_keys.request_key, customer_identifiers.customer_id
from usable_keys
inner join intermediate.int_customer_identifiers as customer_identifiers
    using (identifier_key)
where not is_blocked and not is_shared;

create or replace temp table person_keys as
select request_key, identifier_key from usable_keys
where not is_blocked and not is_shared
union
select person_customers.request_key, customer_identifiers.identifier_key
from person_customers
inner join intermediate.int_customer_identifiers as customer_identifiers
    using (customer_id)
"""

# Ids that the person's customers go by or went by.
_CUSTOMERS = """
insert into person_customers
select distinct former.request_key, former.customer_id
from (
    select person_keys.request_key, versions.customer_id
    from person_keys
    inner join intermediate.int_customer_id_versions as versions using (identifier_key)
    where versions.customer_id is not null
    union
    -- Each identifier may have named a customer.
    select request_key, {hash_key} as customer_id
    from person_keys
) as former
-- Somebody else goes by it now.
anti join (
    select customer_id from intermediate.int_customer_identifiers
    anti join person_keys using (identifier_key)
) as others on former.customer_id = others.customer_id
anti join person_customers as known
    on former.request_key = known.request_key
    and former.customer_id = known.customer_id
"""


def _find_rows(
    connection: duckdb.DuckDBPyConnection, namings: Mapping[str, NamingRecords]
) -> None:
    """Add the raw rows that name one of `new_keys`."""
    for relation, naming in namings.items():
        connection.execute(
            compose(
                """
                insert into person_rows
                select distinct new_keys.request_key, ?, named.row_id, named.load_id
                from ($keys) as named
                inner join new_keys using (identifier_key)
                anti join person_rows as found
                    on found.relation = ? and found.row_id = named.row_id
                    and found.request_key = new_keys.request_key
                """,
                keys=naming.select_keys(relation_name(relation), _ROW),
            ),
            [relation, relation],
        )


def _find_further_keys(
    connection: duckdb.DuckDBPyConnection,
    namings: Mapping[str, NamingRecords],
    longest: int,
) -> int:
    """Put into `new_keys` what only the person's own rows tell of them; count it."""
    connection.execute(
        "create or replace temp table seen_keys (request_key varchar, "
        "identifier_key varchar, identifier_type varchar, identifier_value varchar)"
    )
    for relation, naming in namings.items():
        further = [
            named
            for named in naming.keys
            if named.is_of_record or named.identifier_type in DEVICE_TYPES
        ]
        if not further:
            continue
        connection.execute(
            compose(
                """
                insert into seen_keys
                select distinct
                    person_rows.request_key,
                    named.identifier_key,
                    named.identifier_type,
                    named.identifier_value
                from ($keys) as named
                inner join person_rows
                    on person_rows.relation = ? and named.row_id = person_rows.row_id
                where named.identifier_key is not null
                """,
                keys=naming.only(further).select_typed_keys(
                    relation_name(relation), _ROW
                ),
            ),
            [relation],
        )
    connection.execute(
        f"""
        create or replace temp table new_keys as
        select distinct seen_keys.request_key, seen_keys.identifier_key
        from seen_keys
        left join seeds.blocked_identifiers as blocked
            on lower(seen_keys.identifier_value) = blocked.identifier_value
            and blocked.identifier_type in ('any', seen_keys.identifier_type)
        left join intermediate.int_identifiers_resolved as known
            on seen_keys.identifier_key = known.identifier_key
        anti join person_keys as own
            on seen_keys.request_key = own.request_key
            and seen_keys.identifier_key = own.identifier_key
        where blocked.identifier_value is null
            and length(seen_keys.identifier_value) <= {int(longest)}
            and (
                seen_keys.identifier_type not in ({_DEVICES})
                or known.identifier_key is null
            )
        """
    )
    _drop_devices_of_others(connection, namings)
    connection.execute("insert into person_keys from new_keys")
    n_keys: int = connection.execute("select count(*) from new_keys").fetchall()[0][0]
    return n_keys


def _drop_devices_of_others(
    connection: duckdb.DuckDBPyConnection, namings: Mapping[str, NamingRecords]
) -> None:
    """Take out of `new_keys` the devices on which somebody else is named too."""
    for relation, naming in namings.items():
        devices = [k for k in naming.keys if k.identifier_type in DEVICE_TYPES]
        people = [k for k in naming.keys if _names_somebody(k)]
        if not (devices and people):
            continue
        connection.execute(
            compose(
                """
                delete from new_keys
                where identifier_key in (
                    select on_device.identifier_key
                    from ($devices) as on_device
                    inner join ($people) as named using (row_id)
                    anti join person_rows as own
                        on own.relation = ? and own.row_id = named.row_id
                    where
                        named.identifier_key is not null
                        and on_device.identifier_key in (
                            select new.identifier_key from new_keys as new
                        )
                )
                """,
                devices=naming.only(devices).select_keys(relation_name(relation), _ROW),
                people=naming.only(people).select_keys(relation_name(relation), _ROW),
            ),
            [relation],
        )


def _names_somebody(named: NamedKey) -> bool:
    return named.identifier_type not in (*DEVICE_TYPES, "shopify_order_id")
