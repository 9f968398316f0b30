"""Whom a raw record names: the keys of its identifiers, in SQL.

Belongs here: from a stream's contract to expressions over its columns. How a value is
normalised and hashed is the dbt macros' (`macros/identifier_key.sql` and what it
calls); what follows from a name is erasure's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestration.ingestion.contracts import RECORD_COLUMN
from orchestration.ingestion.macros import macro
from orchestration.warehouse import Sql, compose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestration.ingestion.contracts import Identifier, TableContract

DEVICE_TYPES = ("anonymous_id", "ga4_pseudo_id")
ID_TYPES = (
    *DEVICE_TYPES,
    "user_id",
    "shopify_customer_id",
    "crm_contact_id",
    "loyalty_id",
)
REQUEST_TYPES = ("email", "phone", *ID_TYPES)
ORDER_TYPE = "shopify_order_id"


NO_VALUE = Sql("cast(null as varchar)")


@dataclass(frozen=True)
class NamedKey:
    """A key that a record may carry.

    Attributes
    ----------
    key
        SQL of the key; null where the record names nobody there.
    identifier_type
        As identity calls it; `shopify_order_id` for an order.
    value
        SQL of the id as identity compares it; null where only the key is.
    is_of_record
        Whether it is the record's own id.
    """

    key: Sql
    identifier_type: str
    value: Sql = NO_VALUE
    is_of_record: bool = False


@dataclass(frozen=True)
class NamingRecords:
    """How the records of a stream name people.

    Attributes
    ----------
    keys
        Every key that a record may carry, over the columns that `select` gives; empty
        for a stream that names nobody.
    """

    keys: tuple[NamedKey, ...]
    _values: tuple[Sql, ...]

    def select(self, relation: Sql, row_ids: Mapping[str, Sql]) -> Sql:
        """Return SQL of the records with the values that `keys` read.

        Parameters
        ----------
        relation
            What stands after `from`.
        row_ids
            SQL of further columns by their name.
        """
        columns = [
            *(
                compose("$sql as $name", sql=sql, name=name)
                for name, sql in row_ids.items()
            ),
            *(
                compose("$sql as $name", sql=sql, name=_place(position))
                for position, sql in enumerate(self._values)
            ),
        ]
        return compose(
            "select $columns from $relation", columns=columns, relation=relation
        )

    def select_keys(self, relation: Sql, row_ids: Mapping[str, Sql]) -> Sql:
        """Return SQL with one row for each record and key (`identifier_key`)."""
        return compose(
            "select $ids, unnest([$keys]) as identifier_key from ($records)",
            ids=list(row_ids),
            keys=[named.key for named in self.keys],
            records=self.select(relation, row_ids),
        )

    def select_typed_keys(self, relation: Sql, row_ids: Mapping[str, Sql]) -> Sql:
        """Return the same with `identifier_type` and `identifier_value` beside it."""
        return compose(
            "select $ids, unnest([$keys], recursive := true) from ($records)",
            ids=list(row_ids),
            keys=[
                compose(
                    "struct_pack(identifier_key := $key, identifier_type := $type, "
                    "identifier_value := $value)",
                    key=named.key,
                    type=Sql(f"'{named.identifier_type}'"),
                    value=named.value,
                )
                for named in self.keys
            ],
            records=self.select(relation, row_ids),
        )

    def select_values(self, relation: Sql, row_ids: Mapping[str, Sql]) -> Sql:
        """Return SQL with one row for each record and text that stands for somebody."""
        places = [Sql(_place(position)) for position in range(len(self._values))]
        return compose(
            "select $ids, unnest([$places]) as identifier_text from ($records)",
            ids=list(row_ids),
            places=places,
            records=self.select(relation, row_ids),
        )

    def only(self, keys: Iterable[NamedKey]) -> NamingRecords:
        """Keep some of the keys."""
        return replace(self, keys=tuple(keys))


def naming_records(
    table: TableContract, columns: Mapping[str, Sql], calling_code: str | None
) -> NamingRecords:
    """Tell how the records of a stream name people.

    Parameters
    ----------
    table
        The stream's contract.
    columns
        SQL of each of its columns; one that a file lacks is left out.
    calling_code
        Country calling code of the source's telephone numbers.

    Raises
    ------
    ValueError
        If numbers are among them and the source has no calling code.
    """
    keys: list[NamedKey] = []
    values: list[Sql] = []

    def place_of(sql: Sql) -> Sql:
        values.append(sql)
        return Sql(_place(len(values) - 1))

    names = {path: name for name, path in table.paths.items()}
    for identifier in table.landing.identifiers if table.landing else ():
        name = names.get(identifier.place, identifier.place)
        if name in columns:
            sql = columns[name]
        elif RECORD_COLUMN in columns:
            sql = macro("json_text", columns[RECORD_COLUMN], identifier.place)
        else:
            continue
        code = _calling_code(table, identifier, calling_code)
        if identifier.identifier_type:
            kind = str(identifier.identifier_type)
            keys += _keys(
                kind, place_of(sql), code, is_of_record=identifier.is_of_record
            )
        elif identifier.type_column and identifier.type_column in columns:
            type_sql = columns[identifier.type_column]
            keys += _keys_of_any(place_of(type_sql), place_of(sql), code)
    return NamingRecords(tuple(keys), tuple(values))


def _place(position: int) -> str:
    return f"v{position}"


def _calling_code(
    table: TableContract, identifier: Identifier, calling_code: str | None
) -> str:
    """Return the source's calling code where numbers are read, else nothing."""
    if identifier.identifier_type not in ("phone", None):
        return ""
    if calling_code is None:
        message = (
            f"var 'source_calling_codes' has no entry for source {table.source_name!r}"
        )
        raise ValueError(message)
    return calling_code


def _keys(
    kind: str, value: Sql, calling_code: str, *, is_of_record: bool = False
) -> list[NamedKey]:
    """Return the keys of one value of a known type."""
    if kind == "email":
        key = macro("identifier_key", "email_hash", macro("clean_email", value))
        return [NamedKey(key, "email_hash")]
    if kind == "phone":
        number = macro("clean_phone", value, calling_code)
        return [NamedKey(macro("identifier_key", "phone_hash", number), "phone_hash")]
    cleaned = macro("clean_id", value)
    if kind == ORDER_TYPE:
        key = macro("sha256", f"{macro('salt')} || '{kind}:' || {cleaned}")
        return [NamedKey(key, kind, cleaned, is_of_record)]
    # An id that is an e-mail address or a telephone number names that too, and identity
    # knows the id by its key. Few ids are, so only those are hashed again.
    pseudonymous = macro("pseudonymous_id", cleaned)
    id_of_contact = macro("identifier_key", kind, pseudonymous)
    address_key = macro("identifier_key", "email_hash", macro("clean_email", value))
    is_number = f"{value} like '%+%' and {pseudonymous} <> {cleaned}"
    number = macro("clean_phone", value, "1")
    number_key = macro("identifier_key", "phone_hash", number)
    return [
        NamedKey(macro("identifier_key", kind, cleaned), kind, cleaned),
        NamedKey(_where(f"{value} like '%@%' or {is_number}", id_of_contact), kind),
        NamedKey(_where(f"{value} like '%@%'", address_key), "email_hash"),
        NamedKey(_where(is_number, number_key), "phone_hash"),
    ]


def _where(condition: str, key: Sql) -> Sql:
    return Sql(f"case when {condition} then {key} end")


def _keys_of_any(type_value: Sql, value: Sql, calling_code: str) -> list[NamedKey]:
    """Return the keys of a value whose record says what it is.

    A type that nobody knows may be meant for any.
    """
    kind = f"coalesce(lower({macro('clean_text', type_value)}), '')"
    known = ", ".join(f"'{name}'" for name in REQUEST_TYPES)
    return [
        replace(
            named,
            key=Sql(
                f"case when {kind} = '{name}' or {kind} not in ({known}) "
                f"then {named.key} end"
            ),
        )
        for name in REQUEST_TYPES
        for named in _keys(name, value, calling_code)
    ]
