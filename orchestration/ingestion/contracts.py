"""The tables that Python fills, read from the dbt sources that declare them.

Belongs here: reading and checking `models/staging/*/_*__sources.yml`, and creating the
empty tables. The YAML is the one contract: what it doesn't name doesn't exist.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import yaml

from orchestration.warehouse import Sql, compose, relation_name, transaction

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

Delivery = Literal["append", "replace_file", "full_extract"]
FileFormat = Literal["csv", "parquet", "jsonl"]
IdentifierType = Literal[
    "email",
    "phone",
    "user_id",
    "anonymous_id",
    "ga4_pseudo_id",
    "shopify_customer_id",
    "crm_contact_id",
    "loyalty_id",
    "shopify_order_id",
]

RECORD_COLUMN = "record"
# Of a stream of JSON, what no column was declared for is a record too.
WHOLE_RECORDS = (RECORD_COLUMN, "_extra_columns")
META_COLUMNS = {
    "_load_id": "bigint",
    "_record_number": "bigint",
    "_loaded_at": "timestamp",
    "_extra_columns": "varchar",
}
DATA_TYPES = ("varchar", "bigint", "integer", "double", "boolean", "date", "timestamp")
JSON_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
# A column may also hold an item of an array.
COLUMN_PATH = re.compile(r"[A-Za-z_]\w*(\[\d+\])?(\.[A-Za-z_]\w*(\[\d+\])?)*")
DECIMAL_TYPE = re.compile(r"decimal\(\d{1,2}, ?\d{1,2}\)")


class ContractError(ValueError):
    """A sources file can't be a contract; the message names file, table and remedy."""


@dataclass(frozen=True)
class Column:
    """A declared column.

    Attributes
    ----------
    name
        Its name, in lower case.
    data_type
        Its type in SQL.
    is_required
        Whether a landed file without it fails.
    path
        Where its text stands in a JSON record; None for a column of its own.
    """

    name: str
    data_type: str
    is_required: bool = False
    path: str | None = None


@dataclass(frozen=True)
class Identifier:
    """Where a record of a stream names a person.

    Attributes
    ----------
    place
        A column, or the path in a JSON record.
    identifier_type
        What stands there; None where another column says it.
    type_column
        The column that says it.
    is_of_record
        Whether the id is the record's own, so that what names it goes with the record.
    """

    place: str
    identifier_type: IdentifierType | None
    type_column: str | None = None
    is_of_record: bool = False


@dataclass(frozen=True)
class Landing:
    """How files of a stream arrive.

    Attributes
    ----------
    delivery
        What the same path with other content means.
    formats
        File formats accepted.
    requires_one_of
        Groups of columns; a file needs at least one of each group.
    identifiers
        Where its records name people; none where they don't.
    """

    delivery: Delivery
    formats: tuple[FileFormat, ...]
    requires_one_of: tuple[tuple[str, ...], ...] = ()
    identifiers: tuple[Identifier, ...] = ()

    @property
    def is_json(self) -> bool:
        """Whether a record is one JSON object, whatever its file's format."""
        return "jsonl" in self.formats


@dataclass(frozen=True)
class TableContract:
    """A table that Python fills.

    Attributes
    ----------
    source_name, stream_name
        Name of the dbt source and of its table; for a landed stream also the first two
        folders under the landing folder.
    schema_name, table_name
        Where it stands in the warehouse.
    columns
        Declared columns, in order.
    landing
        How its files arrive; None for a table that no file is landed in.
    """

    source_name: str
    stream_name: str
    schema_name: str
    table_name: str
    columns: tuple[Column, ...]
    landing: Landing | None = None

    @property
    def relation(self) -> str:
        """Schema and table, joined by a dot."""
        return f"{self.schema_name}.{self.table_name}"

    @property
    def stream(self) -> str:
        """Source and stream, joined by a dot."""
        return f"{self.source_name}.{self.stream_name}"

    @property
    def is_of_records(self) -> bool:
        """Whether its records are JSON objects, kept whole beside any columns."""
        return self.landing is not None and self.landing.is_json

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the declared columns."""
        return tuple(column.name for column in self.columns)

    @property
    def paths(self) -> dict[str, str]:
        """Path in a JSON record by the name of the column that holds its text."""
        return {column.name: column.path for column in self.columns if column.path}

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that a landed file must have."""
        return tuple(column.name for column in self.columns if column.is_required)

    @property
    def physical_columns(self) -> dict[str, str]:
        """Types of all columns in the warehouse, those that ingestion adds included."""
        declared = {column.name: column.data_type for column in self.columns}
        return declared | (META_COLUMNS if self.landing else {})


def read_contracts(staging_dir: Path) -> tuple[TableContract, ...]:
    """Read every table that the sources under a staging folder declare.

    Parameters
    ----------
    staging_dir
        The project's `models/staging`.

    Returns
    -------
    tuple of TableContract
        In order of file and declaration.

    Raises
    ------
    ContractError
        When there is none, or one is wrong.
    """
    paths = sorted(staging_dir.glob("*/_*__sources.yml"))
    if not paths:
        message = f"no sources file (*/_*__sources.yml) under {staging_dir}"
        raise ContractError(message)
    tables = tuple(table for path in paths for table in _read_file(path))
    for what, names in (
        ("relation", [table.relation for table in tables]),
        ("source table", [table.stream for table in tables]),
    ):
        if repeated := _repeated(names):
            message = f"declared twice under {staging_dir}: {what} {repeated}"
            raise ContractError(message)
    return tables


def landed_streams(tables: Iterable[TableContract]) -> dict[str, TableContract]:
    """Keep the tables that files are landed in, by `source.stream`."""
    return {table.stream: table for table in tables if table.landing}


def create_raw_tables(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[TableContract]
) -> list[str]:
    """Create the declared tables and columns that the warehouse doesn't have yet.

    Nothing is ever dropped or retyped. A new column that stands for a path is filled
    from the records that are there.

    Parameters
    ----------
    connection
        An open warehouse, outside a transaction.
    tables
        The contracts.

    Returns
    -------
    list of str
        What was created: `schema.table` or `schema.table.column`.
    """
    existing: dict[str, set[str]] = defaultdict(set)
    for relation, column in connection.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() "
        "where database_name = current_database()"
    ).fetchall():
        existing[relation].add(column)
    created = []
    compression = _compression_of_records(connection)
    with transaction(connection):
        for table in tables:
            columns = table.physical_columns
            if table.relation not in existing:
                connection.execute(
                    compose(
                        "create schema if not exists $schema", schema=table.schema_name
                    )
                )
                connection.execute(
                    compose(
                        "create table $relation ($columns)",
                        relation=relation_name(table.relation),
                        columns=[
                            Sql(_declaration(*column) + compression)
                            if table.is_of_records and column[0] in WHOLE_RECORDS
                            else _declaration(*column)
                            for column in columns.items()
                        ],
                    )
                )
                created.append(table.relation)
                continue
            new = [name for name in columns if name not in existing[table.relation]]
            for name in new:
                connection.execute(
                    compose(
                        "alter table $relation add column $column",
                        relation=relation_name(table.relation),
                        column=_declaration(name, columns[name]),
                    )
                )
                created.append(f"{table.relation}.{name}")
            _fill_from_records(connection, table, new)
    return created


def _compression_of_records(connection: duckdb.DuckDBPyConnection) -> str:
    """Return how whole records are kept, unless the warehouse has a rule of its own.

    Records repeat each other's names and half their values: a fifth of the size and
    half the work of what the engine would choose by itself.
    """
    forced = connection.execute(
        "select current_setting('force_compression')"
    ).fetchall()[0][0]
    return " using compression zstd" if str(forced).lower() == "auto" else ""


def record_texts(record: Sql, paths: Iterable[str]) -> Sql:
    """Return SQL of the texts at some paths of a JSON record, parsed once for all."""
    listed = ", ".join(f"'$.{path}'" for path in paths)
    return compose(
        "json_extract_string($record, [$paths])", record=record, paths=Sql(listed)
    )


def _fill_from_records(
    connection: duckdb.DuckDBPyConnection, table: TableContract, new: Iterable[str]
) -> None:
    """Fill new columns, where a record was loaded before they were declared."""
    paths = {name: path for name, path in table.paths.items() if name in set(new)}
    if not paths or not table.is_of_records:
        return
    connection.execute(
        compose(
            """
            update $relation as landed
            set $assignments
            from (
                select rowid as row_id, $texts as texts
                from $relation
                where record is not null
            ) as parsed
            where landed.rowid = parsed.row_id
            """,
            relation=relation_name(table.relation),
            texts=record_texts(Sql(RECORD_COLUMN), paths.values()),
            assignments=[
                compose(
                    "$name = parsed.texts[$position]", name=name, position=Sql(str(at))
                )
                for at, name in enumerate(paths, start=1)
            ],
        )
    )


def _declaration(name: str, data_type: str) -> Sql:
    return compose("$name $type", name=name, type=Sql(data_type))


def _read_file(path: Path) -> list[TableContract]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        message = f"{path}: not YAML: {error}"
        raise ContractError(message) from error
    tables = []
    for source in _list_of(path, content, "sources"):
        source_name = _text(path, source, "name")
        for table in _list_of(path, source, "tables"):
            where = f"{path}: {source_name}.{_text(path, table, 'name')}"
            tables.append(_table(where, source_name, source, table))
    return tables


def _table(
    where: str, source_name: str, source: dict[str, Any], table: dict[str, Any]
) -> TableContract:
    columns = tuple(
        Column(
            name=_text(where, column, "name"),
            data_type=_data_type(where, column),
            is_required=_meta(column).get("required") is True,
            path=_path(where, column),
        )
        for column in _list_of(where, table, "columns")
    )
    names = [column.name for column in columns]
    if repeated := _repeated(names):
        message = f"{where}: column named twice: {repeated}"
        raise ContractError(message)
    if wrong := [name for name in names if name != name.strip().lower()]:
        message = f"{where}: column names are lower case, without blanks: {wrong}"
        raise ContractError(message)
    landing = _meta(table).get("landing")
    if landing and (reserved := sorted(META_COLUMNS.keys() & set(names))):
        message = f"{where}: ingestion adds {reserved}; take them out of the contract"
        raise ContractError(message)
    return TableContract(
        source_name=source_name,
        stream_name=table["name"],
        schema_name=str(source.get("schema", source_name)),
        table_name=str(table.get("identifier", table["name"])),
        columns=columns,
        landing=_landing(where, landing, columns) if landing else None,
    )


def _landing(
    where: str, landing: dict[str, Any], columns: tuple[Column, ...]
) -> Landing:
    delivery, formats = landing.get("delivery"), landing.get("formats")
    if delivery not in get_args(Delivery):
        message = (
            f"{where}: landing.delivery is {delivery!r}; use one of "
            f"{list(get_args(Delivery))}"
        )
        raise ContractError(message)
    if (
        not isinstance(formats, list)
        or not formats
        or any(name not in get_args(FileFormat) for name in formats)
    ):
        message = (
            f"{where}: landing.formats is {formats!r}; list some of "
            f"{list(get_args(FileFormat))}"
        )
        raise ContractError(message)
    names = [column.name for column in columns]
    _check_paths(where, formats, columns)
    if typed := [column.name for column in columns if column.data_type != "varchar"]:
        message = (
            f"{where}: records land as the text that arrived; make {typed} varchar and "
            "cast in staging"
        )
        raise ContractError(message)
    groups = landing.get("requires_one_of", [])
    if unknown := sorted({name for group in groups for name in group} - set(names)):
        message = f"{where}: requires_one_of names {unknown}, which are no columns"
        raise ContractError(message)
    return Landing(
        delivery=cast("Delivery", delivery),
        formats=tuple(formats),
        requires_one_of=tuple(tuple(group) for group in groups),
        identifiers=tuple(
            _identifier(where, node, columns)
            for node in (
                _list_of(where, landing, "identifiers")
                if "identifiers" in landing
                else ()
            )
        ),
    )


def _check_paths(where: str, formats: list[str], columns: tuple[Column, ...]) -> None:
    """Refuse columns that the formats of a stream can't fill."""
    paths = [column.path for column in columns if column.path]
    if "jsonl" not in formats:
        if paths:
            message = f"{where}: {paths} are paths in JSON records; {formats} have none"
            raise ContractError(message)
        return
    if "csv" in formats:
        message = (
            f"{where}: a stream of JSON lines has formats [jsonl] or [jsonl, parquet], "
            f"not {formats}"
        )
        raise ContractError(message)
    pathless = [column.name for column in columns if not column.path]
    if pathless != [RECORD_COLUMN]:
        message = (
            f"{where}: a stream of JSON lines has the column {RECORD_COLUMN!r}, and "
            f"each other column a config.meta.path; without one are {pathless}"
        )
        raise ContractError(message)
    if "parquet" in formats and not paths:
        message = (
            f"{where}: rows of Parquet land in columns; declare some with a "
            "config.meta.path, or take parquet out of landing.formats"
        )
        raise ContractError(message)
    if repeated := _repeated(paths):
        message = f"{where}: more than one column has the path {repeated}"
        raise ContractError(message)


def _path(where: str, column: dict[str, Any]) -> str | None:
    path = _meta(column).get("path")
    # The path becomes part of a statement, so only what we know passes.
    if path is not None and not COLUMN_PATH.fullmatch(str(path)):
        message = (
            f"{where}: column {column['name']} has the path {path!r}; expected names "
            "joined by dots, such as context.page.path or items[0].item_id"
        )
        raise ContractError(message)
    return path


def _identifier(
    where: str, node: dict[str, Any], columns: tuple[Column, ...]
) -> Identifier:
    """Read one entry of `landing.identifiers`."""
    names = [column.name for column in columns]
    paths = [column.path for column in columns if column.path]
    in_json = RECORD_COLUMN in names
    place = _text(where, node, "path" if in_json else "column")
    # Where a record has columns, a row of Parquet has nothing else.
    known = (place in paths) if paths else bool(JSON_PATH.fullmatch(place))
    if not (known if in_json else place in names):
        message = f"{where}: identifiers names {place!r}, which is no column or path"
        raise ContractError(message)
    type_column = node.get("type_column")
    if type_column is not None and type_column not in names:
        message = f"{where}: identifiers names {type_column!r}, which is no column"
        raise ContractError(message)
    identifier_type = node.get("type")
    if type_column is None and identifier_type not in get_args(IdentifierType):
        message = (
            f"{where}: the identifier {place} has the type {identifier_type!r}; use "
            f"one of {list(get_args(IdentifierType))}, or a type_column"
        )
        raise ContractError(message)
    return Identifier(
        place=place,
        identifier_type=(
            cast("IdentifierType", identifier_type) if type_column is None else None
        ),
        type_column=type_column,
        is_of_record=node.get("of_record") is True,
    )


def _data_type(where: str, column: dict[str, Any]) -> str:
    data_type = _text(where, column, "data_type")
    # The type becomes part of a statement, so only what we know passes.
    if data_type not in DATA_TYPES and not DECIMAL_TYPE.fullmatch(data_type):
        message = (
            f"{where}: column {column['name']} has data_type {data_type!r}; use one of "
            f"{list(DATA_TYPES)} or decimal(p, s)"
        )
        raise ContractError(message)
    return data_type


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    config = node.get("config") or {}
    return config.get("meta") or {}


def _text(where: object, node: dict[str, Any], key: str) -> str:
    value = node.get(key)
    if not isinstance(value, str) or not value:
        message = f"{where}: {key!r} is missing or no text in {sorted(map(str, node))}"
        raise ContractError(message)
    return value


def _list_of(where: object, node: object, key: str) -> list[dict[str, Any]]:
    value = node.get(key) if isinstance(node, dict) else None
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(item, dict) for item in value)
    ):
        message = f"{where}: {key!r} is missing, empty or no list of mappings"
        raise ContractError(message)
    return value


def _repeated(names: list[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
