"""What a Parquet row of a JSON stream has at each path: columns read where they stand.

Belongs here: from a file's nested types to the SQL of declared columns, of what no
contract names, and of names and types for `raw.file_columns`. A row could as well have
been a JSON line, and every text is the one that the line would have given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.warehouse import Sql, compose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

STEP = re.compile(r"(?P<name>\w+)(?:\[(?P<index>\d+)\])?")
NUMBERS = (
    *("tinyint", "smallint", "integer", "bigint", "hugeint"),
    *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"),
)
FLOATS = ("double", "float")
# Their JSON is their text, or their text between quotes.
PLAIN = (*NUMBERS, "boolean", "date", "timestamp", "uuid")


@dataclass(frozen=True)
class Node:
    """A column of a Parquet file, or a field in one.

    Attributes
    ----------
    sql
        The value.
    type_id
        DuckDB's name of its type, without parameters, in lower case.
    fields
        Fields of a struct, in order.
    item
        Type of a list's items: what a node of one of them would be.
    """

    sql: Sql
    type_id: str
    fields: tuple[tuple[str, Node], ...] = ()
    item: Any = None

    @property
    def text(self) -> Sql:
        """Its text: what a JSON line with this value has there."""
        if self.type_id == "varchar":
            return self.sql
        if self.type_id in PLAIN:
            return compose("cast($value as varchar)", value=self.sql)
        return compose("json_extract_string(to_json($value), '$$')", value=self.value)

    @property
    def value(self) -> Sql:
        """Its value; NaN is how data frames say "missing"."""
        if self.type_id in FLOATS:
            return compose("if(isnan($value), null, $value)", value=self.sql)
        return self.sql

    @property
    def value_type(self) -> str:
        """What `raw.file_columns` calls its type."""
        if self.type_id in (*NUMBERS, *FLOATS, "decimal"):
            return "number"
        return {
            "boolean": "boolean",
            "struct": "object",
            "map": "object",
            "list": "array",
            "array": "array",
        }.get(self.type_id, "string")


def node_of(sql: Sql, data_type: Any) -> Node:  # noqa: ANN401 - DuckDB's own type
    """Describe a value and what is nested in it."""
    type_id = str(data_type.id)
    if type_id == "struct":
        fields = tuple(
            (
                name,
                node_of(
                    compose(
                        "struct_extract($value, $name)", value=sql, name=_literal(name)
                    ),
                    field,
                ),
            )
            for name, field in data_type.children
        )
        return Node(sql, type_id, fields)
    item = data_type.children[0][1] if type_id == "list" else None
    return Node(sql, type_id, item=item)


@dataclass(frozen=True)
class ParquetPaths:
    """Where a file has what the contract names, and what else it has.

    Attributes
    ----------
    declared
        SQL of the text by name of the column; columns that the file lacks are left out.
    extra
        SQL of all that no column is declared for, as one JSON object; null where a row
        has nothing else.
    columns
        Every column of the file, by its own name.
    """

    declared: dict[str, Sql]
    extra: Sql
    columns: tuple[tuple[str, Node], ...]


def find_paths(
    columns: tuple[tuple[str, Node], ...], paths: Mapping[str, str]
) -> ParquetPaths:
    """Find the paths of a contract in a file.

    Parameters
    ----------
    columns
        The file's columns.
    paths
        Path by name of the declared column.

    Returns
    -------
    ParquetPaths
        The file's every value once, apart from items that stand in a column of their
        own beside their array.
    """
    root = Node(Sql("null"), "struct", columns)
    found = {name: _at(root, path) for name, path in paths.items()}
    declared = {name: node.text for name, node in found.items() if node}
    whole = {path for name, path in paths.items() if found[name] and "[" not in path}
    others = list(_rest_of_fields(columns, whole, ""))
    if not others:
        return ParquetPaths(declared, Sql("null"), columns)
    extra = compose(
        "case when $tests then cast(to_json(struct_pack($fields)) as varchar) end",
        tests=Sql(" or ".join(f"{value} is not null" for _, value in others)),
        fields=[
            compose("$name := $value", name=name, value=value) for name, value in others
        ],
    )
    return ParquetPaths(declared, extra, columns)


def _at(node: Node, path: str) -> Node | None:
    """Return what stands at a path."""
    for step in path.split("."):
        match = STEP.fullmatch(step)
        child = dict(node.fields).get(match["name"]) if match else None
        if match is None or child is None:
            return None
        node = child
        if match["index"] is not None:
            if node.item is None:
                return None
            sql = compose(
                "list_extract($list, $at)",
                list=node.sql,
                at=Sql(str(int(match["index"]) + 1)),
            )
            node = node_of(sql, node.item)
    return node


def _rest_of_fields(
    fields: Iterable[tuple[str, Node]], whole: set[str], prefix: str
) -> Iterator[tuple[str, Sql]]:
    for name, node in fields:
        rest = _rest(node, whole, prefix + name)
        if rest is not None:
            yield name, rest


def _rest(node: Node, whole: set[str], path: str) -> Sql | None:
    """Return SQL of what is left of a value without the declared paths in it."""
    if path in whole:
        return None
    if not any(other.startswith(f"{path}.") for other in whole):
        return node.value
    rest = list(_rest_of_fields(node.fields, whole, f"{path}."))
    if not rest:
        return None
    return compose(
        "case when $tests then struct_pack($fields) end",
        tests=Sql(" or ".join(f"{value} is not null" for _, value in rest)),
        fields=[
            compose("$name := $value", name=name, value=value) for name, value in rest
        ],
    )


def _literal(text: str) -> Sql:
    return Sql("'" + text.replace("'", "''") + "'")
