"""What a load's records look like: which columns or JSON paths have which types.

Belongs here: names, types and counts, taken from the rows that a load has just
inserted, whatever the file's format was. What was expected, and what has drifted, is
for the marts. Names are the shop's own, but a name may be data (`{"jane@x.org": 1}`):
one that looks like it is not kept.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from orchestration.ingestion.contracts import RECORD_COLUMN
from orchestration.warehouse import Sql, append_rows, compose, relation_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from orchestration.ingestion.contracts import TableContract

MAX_DEPTH = 3
MAX_PATHS = 300
MAX_NAME_LENGTH = 64
# A phone number has as many; so has a key made of an order or customer id.
MIN_DIGITS_OF_DATA = 7
HEXADECIMAL_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{16}", re.IGNORECASE)
DATA_AS_NAME = "*"
FURTHER_PATHS = "(further paths)"
NOT_LISTED = "not_listed"

# Text arrives as text, so its type is what it could be cast to.
TYPE_OF_TEXT = """
    case
        when left(trim($value), 1) between '0' and '9' or left(trim($value), 1) = '-'
            then case
                when try_cast($value as double) is not null then 'number'
                when try_cast(left(trim($value), 10) as date) is not null then 'date'
                else 'string'
            end
        when lower(trim($value)) in ('true', 'false') then 'boolean'
        else 'string'
    end"""
# As json_structure names them.
TYPE_OF_JSON = {
    "VARCHAR": "string",
    "UBIGINT": "number",
    "BIGINT": "number",
    "HUGEINT": "number",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
}


@dataclass
class _Paths:
    """Records with a value, by path and type; paths past the limit are one.

    Attributes
    ----------
    n_records
        By path and type.
    paths
        The paths that are listed.
    """

    n_records: Counter[tuple[str, str]] = field(default_factory=Counter)
    paths: set[str] = field(default_factory=set)

    def add(self, found: set[tuple[str, str]], n_records: int) -> None:
        """Count records that all have values of the same types at the same paths."""
        kept = set()
        for path, value_type in sorted(found):
            if path in self.paths or len(self.paths) < MAX_PATHS:
                self.paths.add(path)
                kept.add((path, value_type))
            else:
                kept.add((FURTHER_PATHS, NOT_LISTED))
        for key in kept:
            self.n_records[key] += n_records


def record_file_columns(
    connection: duckdb.DuckDBPyConnection, table: TableContract, load_id: int
) -> None:
    """Write what a load's records look like to `raw.file_columns`.

    Parameters
    ----------
    connection
        The warehouse, in the transaction that has inserted the load's records.
    table
        The contract of their table.
    load_id
        The load.

    Notes
    -----
    One row for each path and type with at least one value. A column that is empty
    throughout, or null, has no row: that is as good as no column. At most `MAX_PATHS`
    paths are listed, those of the commonest records first; what goes beyond is one row
    that says so.
    """
    if table.column_names == (RECORD_COLUMN,):
        paths = _json_paths(connection, table, load_id)
    else:
        paths = _columns(connection, table, load_id)
    declared = set(table.column_names)
    names = sorted(paths.n_records)
    append_rows(
        connection,
        "raw.file_columns",
        pa.table(
            {
                "load_id": pa.array([load_id] * len(names), pa.int64()),
                "column_path": pa.array([path for path, _ in names], pa.string()),
                "value_type": pa.array([kind for _, kind in names], pa.string()),
                "is_declared": pa.array(
                    [path in declared for path, _ in names], pa.bool_()
                ),
                "n_records": pa.array(
                    [paths.n_records[name] for name in names], pa.int64()
                ),
            }
        ),
    )


def name_or_placeholder(name: str) -> str:
    """Return a column's or key's name, or `*` where it looks like data.

    Parameters
    ----------
    name
        As the file has it.

    Returns
    -------
    str
        `*` for a name with an `@`, more than 64 characters, seven digits or more, a
        hexadecimal id, or characters that can't be printed.
    """
    if (
        "@" in name
        or len(name) > MAX_NAME_LENGTH
        or sum(character.isdigit() for character in name) >= MIN_DIGITS_OF_DATA
        or HEXADECIMAL_ID.search(name)
        or not name.isprintable()
    ):
        return DATA_AS_NAME
    return name


def _columns(
    connection: duckdb.DuckDBPyConnection, table: TableContract, load_id: int
) -> _Paths:
    texts: list[tuple[str, Sql, list[str]]] = [
        (name, compose("$column", column=name), []) for name in table.column_names
    ]
    texts += [
        (
            name_or_placeholder(name),
            Sql("json_extract_string(_extra_columns, ?)"),
            [_json_path(name)],
        )
        for name in _extra_names(connection, table, load_id)
    ]
    paths = _Paths()
    for name, text, parameters in texts:
        rows = connection.execute(
            compose(
                "select $type, count(*) from (select $text as text_value "
                "from $table where _load_id = ?) where text_value is not null "
                "group by all",
                type=Sql(TYPE_OF_TEXT.replace("$value", "text_value")),
                text=text,
                table=relation_name(table.relation),
            ),
            [*parameters, load_id],
        ).fetchall()
        for value_type, n_records in rows:
            paths.add({(name, value_type)}, n_records)
    return paths


def _extra_names(
    connection: duckdb.DuckDBPyConnection, table: TableContract, load_id: int
) -> list[str]:
    """Return the columns that no contract names; every row of a file has them all."""
    rows = connection.execute(
        compose(
            "select _extra_columns from $table where _load_id = ? "
            "and _extra_columns is not null limit 1",
            table=relation_name(table.relation),
        ),
        [load_id],
    ).fetchall()
    return list(json.loads(rows[0][0])) if rows else []


def _json_path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _json_paths(
    connection: duckdb.DuckDBPyConnection, table: TableContract, load_id: int
) -> _Paths:
    # Records are many, their shapes few: the engine groups, and only shapes come here.
    shapes = connection.execute(
        compose(
            # No record that could be read may stop a load for what it looks like.
            "select coalesce(try(json_structure($record)), '{}') as shape, "
            "count(*) as n_records from $table where _load_id = ? group by shape "
            "order by n_records desc, shape",
            record=RECORD_COLUMN,
            table=relation_name(table.relation),
        ),
        [load_id],
    )
    paths = _Paths()
    while rows := shapes.fetchmany(1000):
        for shape, n_records in rows:
            structure = json.loads(shape)
            # An object without keys has no structure.
            if isinstance(structure, dict):
                paths.add(set(_walk(structure, "", 1)), n_records)
    return paths


def _walk(
    structure: dict[str, Any], prefix: str, depth: int
) -> Iterator[tuple[str, str]]:
    """List the paths and types of an object, down to `MAX_DEPTH` names."""
    for key, value in structure.items():
        yield from _walk_value(
            value, prefix + (name_or_placeholder(key) or '""'), depth
        )


def _walk_value(
    value: Any,  # noqa: ANN401 - any JSON
    path: str,
    depth: int,
) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield path, "object"
        if depth < MAX_DEPTH:
            yield from _walk(value, f"{path}.", depth + 1)
    elif isinstance(value, list):
        yield path, "array"
        for item in value:
            yield from _walk_value(item, f"{path}[]", depth)
    elif value == "JSON":
        # An object without keys; between the items of an array, several types.
        yield path, "mixed" if path.endswith("[]") else "object"
    elif value != "NULL":
        yield path, TYPE_OF_JSON.get(value, "string")
