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

from orchestration.warehouse import Sql, append_rows, compose, relation_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import duckdb

    from orchestration.ingestion.contracts import TableContract
    from orchestration.ingestion.parquet_paths import Node

MAX_DEPTH = 3
# Of a smaller load every record is read whole.
MIN_RECORDS_TO_CLASS = 5000
N_SAMPLED = 1000
# A key that can stand between quotes in a path.
PLAIN_KEY = re.compile(r"[\w -]+")
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
KINDS_OF_TEXT = {
    kind: Sql(f"'{kind}'") for kind in ("number", "date", "boolean", "string")
}
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
    if table.is_of_records:
        paths = _json_paths(connection, table, load_id)
    else:
        paths = _columns(connection, table, load_id)
    _write(connection, table, load_id, paths)


def record_parquet_columns(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    load_id: int,
    columns: Iterable[tuple[str, Node]],
    relation: Sql,
) -> None:
    """Write the same about a Parquet file of a JSON stream.

    Parameters
    ----------
    connection, table, load_id
        As in `record_file_columns`.
    columns
        The file's columns, by name.
    relation
        The rows that were inserted, with those columns: what stands after `from`.
    """
    fields = list(_walk_fields(columns, "", 1))
    counts = connection.execute(
        compose(
            "select $counts from $relation",
            counts=[compose("count($value)", value=node.value) for _, node in fields]
            or [Sql("0")],
            relation=relation,
        )
    ).fetchall()[0]
    counted = sorted(
        zip(fields, counts, strict=False), key=lambda field: (-field[1], field[0][0])
    )
    paths = _Paths()
    for (path, node), n_records in counted:
        if not n_records:
            continue
        if node.item is None:
            paths.add({(path, node.value_type)}, n_records)
            continue
        for found, n_found in _list_shapes(connection, path, node, relation):
            paths.add(found, n_found)
    _write(connection, table, load_id, paths)


def _walk_fields(
    fields: Iterable[tuple[str, Node]], prefix: str, depth: int
) -> Iterator[tuple[str, Node]]:
    """List the columns and fields of a file by path, down to `MAX_DEPTH` names."""
    for name, node in fields:
        path = prefix + (name_or_placeholder(name) or '""')
        yield path, node
        if depth < MAX_DEPTH:
            yield from _walk_fields(node.fields, f"{path}.", depth + 1)


def _list_shapes(
    connection: duckdb.DuckDBPyConnection, path: str, node: Node, relation: Sql
) -> Iterator[tuple[set[tuple[str, str]], int]]:
    """Return the paths and types in a column of lists, with their records."""
    shapes = connection.execute(
        compose(
            "select coalesce(try(json_structure(to_json($value))), '[]') as shape, "
            "count(*) as n_records from $relation where $value is not null "
            "group by shape order by n_records desc, shape",
            value=node.sql,
            relation=relation,
        )
    ).fetchall()
    for shape, n_records in shapes:
        depth = path.count(".") + 1
        yield set(_walk_value(json.loads(shape), path, depth)), n_records


def _write(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    load_id: int,
    paths: _Paths,
) -> None:
    # The paths of a JSON stream are the sender's; a column for one changes no
    # expectation.
    declared = set() if table.is_of_records else set(table.column_names)
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
    types = {position: Sql(f"t{position}") for position in range(len(texts))}
    counts = connection.execute(
        compose(
            "select $counts from (select $types from (select $texts from $table "
            "where _load_id = ?))",
            counts=[
                compose(
                    "count(case when $type = $kind then 1 end)", type=kind, kind=name
                )
                for kind in types.values()
                for name in KINDS_OF_TEXT.values()
            ],
            types=[
                compose(
                    "case when $text is not null then $kind end as $type",
                    text=Sql(f"v{position}"),
                    kind=Sql(TYPE_OF_TEXT.replace("$value", f"v{position}")),
                    type=kind,
                )
                for position, kind in types.items()
            ],
            texts=[
                compose("$text as $name", text=text, name=f"v{position}")
                for position, (_, text, _) in enumerate(texts)
            ],
            table=relation_name(table.relation),
        ),
        [*(p for _, _, parameters in texts for p in parameters), load_id],
    ).fetchall()[0]
    paths = _Paths()
    kinds = [(name, kind) for name, _, _ in texts for kind in KINDS_OF_TEXT]
    for key, n_records in zip(kinds, counts, strict=True):
        if n_records:
            paths.add({key}, n_records)
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
    table_name = relation_name(table.relation)
    paths = _Paths()
    shapes: Counter[str] = Counter()
    where = Sql("_load_id = ? and record is not null")
    known = _known_paths(connection, table_name, load_id)
    if known is None:
        shapes.update(_shapes(connection, table_name, where, load_id))
    else:
        shapes.update(_shapes_of_classes(connection, table_name, load_id, known))
    for shape, n_records in sorted(
        shapes.items(), key=lambda item: (-item[1], item[0])
    ):
        structure = json.loads(shape)
        # An object without keys has no structure.
        if isinstance(structure, dict):
            paths.add(set(_walk(structure, "", 1)), n_records)
    return paths


def _shapes(
    connection: duckdb.DuckDBPyConnection, table_name: Sql, where: Sql, load_id: int
) -> dict[str, int]:
    """Return the number of records by structure; the engine reads each of them."""
    rows = connection.execute(
        compose(
            # No record that could be read may stop a load for what it looks like.
            "select coalesce(try(json_structure(record)), '{}') as shape, "
            "count(*) as n_records from $table where $where group by shape",
            table=table_name,
            where=where,
        ),
        [load_id],
    ).fetchall()
    return dict(rows)


@dataclass(frozen=True)
class _Known:
    """What a sample of a load's records has.

    Attributes
    ----------
    objects
        Paths of the objects whose keys are listed, the record's own included.
    values
        Paths of everything in them.
    """

    objects: frozenset[tuple[str, ...]]
    values: frozenset[tuple[str, ...]]

    def tells(self, structure: object) -> bool:
        """Whether the keys and types at these paths tell all there is to list."""
        return isinstance(structure, dict) and all(
            path in self.values
            and not isinstance(value, list)
            and (
                not _is_object(value) or len(path) == MAX_DEPTH or path in self.objects
            )
            for path, value in _values(structure, ())
        )


def _is_object(value: object) -> bool:
    """Whether a structure is an object's, be it one without keys."""
    return isinstance(value, dict) or value == "JSON"


def _values(
    structure: dict[str, Any], parent: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """List what stands in an object and in the objects in it, by path."""
    for key, value in structure.items():
        path = (*parent, key)
        yield path, value
        if isinstance(value, dict) and len(path) < MAX_DEPTH:
            yield from _values(value, path)


def _known_paths(
    connection: duckdb.DuckDBPyConnection, table_name: Sql, load_id: int
) -> _Known | None:
    """Look at some records of a load, evenly spread.

    Returns
    -------
    _Known or None
        None where every record had better be read whole: in a small load, and where
        many have arrays, or keys that are data.
    """
    n_records = connection.execute(
        compose(
            "select count(record) from $table where _load_id = ?", table=table_name
        ),
        [load_id],
    ).fetchall()[0][0]
    if n_records < MIN_RECORDS_TO_CLASS:
        return None
    every = max(1, n_records // N_SAMPLED)
    sampled = _shapes(
        connection,
        table_name,
        Sql(f"_load_id = ? and record is not null and _record_number % {every} = 0"),
        load_id,
    )
    objects: set[tuple[str, ...]] = {()}
    values: set[tuple[str, ...]] = set()
    n_with_arrays = 0
    for shape, n_shaped in sampled.items():
        structure = json.loads(shape)
        found = list(_values(structure, ())) if isinstance(structure, dict) else []
        n_with_arrays += n_shaped * any(isinstance(value, list) for _, value in found)
        for path, value in found:
            if all(PLAIN_KEY.fullmatch(key) for key in path):
                values.add(path)
                if _is_object(value) and len(path) < MAX_DEPTH:
                    objects.add(path)
    if len(values) > MAX_PATHS or n_with_arrays * 3 > sum(sampled.values()):
        return None
    return _Known(frozenset(objects), frozenset(values))


def _shapes_of_classes(
    connection: duckdb.DuckDBPyConnection,
    table_name: Sql,
    load_id: int,
    known: _Known,
) -> Counter[str]:
    """Return the number of records by structure, most of them without building it.

    Records with the same keys and types at the known paths are a class. Where one of
    them has nothing beyond those paths, none has, and its structure is all of theirs.
    The others are read whole.
    """
    connection.execute(
        compose(
            """
            create or replace temp table record_classes as
            select
                _record_number as record_number,
                hash(json_keys(record, ?), json_type(record, ?)) as record_class
            from $table
            where _load_id = ? and record is not null
            """,
            table=table_name,
        ),
        [
            [_path_of(path) for path in sorted(known.objects)],
            [_path_of(path) for path in sorted(known.values)],
            load_id,
        ],
    )
    classes = connection.execute(
        compose(
            """
            select
                classes.record_class,
                classes.n_records,
                coalesce(try(json_structure(landed.record)), '{}') as shape
            from (
                select
                    record_class,
                    min(record_number) as record_number,
                    count(*) as n_records
                from record_classes
                group by record_class
            ) as classes
            inner join $table as landed
                on classes.record_number = landed._record_number
            where landed._load_id = ?
            """,
            table=table_name,
        ),
        [load_id],
    ).fetchall()
    shapes: Counter[str] = Counter()
    others = []
    for record_class, n_records, shape in classes:
        if known.tells(json.loads(shape)):
            shapes[shape] += n_records
        else:
            others.append(record_class)
    if others:
        listed = ", ".join(str(record_class) for record_class in others)
        where = Sql(
            "_load_id = ? and _record_number in (select record_number "
            f"from record_classes where record_class in ({listed}))"
        )
        shapes.update(_shapes(connection, table_name, where, load_id))
    connection.execute("drop table record_classes")
    return shapes


def _path_of(path: tuple[str, ...]) -> str:
    return "$" + "".join(f'."{key}"' for key in path)


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
