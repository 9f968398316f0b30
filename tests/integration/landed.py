"""What the landed files and the truth beside them say, read without the project's code.

Belongs here: how a test learns what it must expect. What the warehouse makes of it is
the tests' own.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import UUID

import duckdb
from warehouses import SALT

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping
    from pathlib import Path

Row = dict[str, str]
# Types of identifiers as the truth and erasure requests call them -> as identity does.
HASHED_TYPES = {"email": "email_hash", "phone": "phone_hash"}
# Text that may be a telephone number as people type it.
NUMBER = re.compile(r"(?<![0-9A-Za-z])[+(]?[0-9][0-9 ().\-/]{7,}[0-9](?![0-9A-Za-z])")
ADDRESS = re.compile(r"[^\s\"'<>,;:()\[\]\\|]+@[^\s\"'<>,;:()\[\]\\|]+")
# The same for DuckDB's regular expressions, a little wider.
MAYBE_NUMBER = r"\b[0-9][0-9 ().\-/]{7,}[0-9]\b"
COUNTRY_CODES = ("1", "33", "44", "49")


def csv_rows(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def lines_of(path: Path) -> list[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
        return stream.read().splitlines()


def json_records(landing: Path, pattern: str) -> Iterator[dict[str, Any]]:
    """Yield the readable records of the JSON lines files that match."""
    for path in sorted(landing.glob(pattern)):
        for line in lines_of(path):
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def n_records(path: Path) -> int:
    """Count what a file holds: lines, records without their header, rows."""
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            row = connection.execute(
                "select count(*) from read_parquet(?)", [str(path)]
            ).fetchone()
        assert row is not None
        return int(row[0])
    # No field of the simulated CSV files holds a line break.
    return len(lines_of(path)) - (path.suffix == ".csv")


def newest_orders(landing: Path) -> dict[str, dict[str, Any]]:
    """Return the newest version of every order of the shop that is no test."""
    orders: dict[str, dict[str, Any]] = {}
    for order in json_records(landing, "shopify/orders/*.jsonl.gz"):
        known = orders.get(str(order["id"]))
        if known is None or known["updated_at"] <= order["updated_at"]:
            orders[str(order["id"])] = order
    return {key: order for key, order in orders.items() if not order["test"]}


def identifier_key(identifier_type: str, value: str) -> str:
    """Return the key that identity gives a normalised value, with the tests' salt."""
    kind = HASHED_TYPES.get(identifier_type, identifier_type)
    return hashlib.sha256(f"{SALT}{kind}:{value}".encode()).hexdigest()


def compact_identifier_key(identifier_type: str, value: str) -> UUID:
    """Return the key that events have of a normalised value: MD5, last byte first."""
    text = f"{SALT}{HASHED_TYPES.get(identifier_type, identifier_type)}:{value}"
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[::-1])


def pairwise(
    found: Mapping[str, Hashable], expected: Mapping[str, Hashable]
) -> tuple[float, float]:
    """Return precision and recall over all pairs of what `expected` names.

    What `found` doesn't name stands alone.
    """
    labels = {key: found.get(key, ("alone", key)) for key in expected}
    both = Counter((labels[key], expected[key]) for key in expected)
    n_both = _n_pairs(both.values())
    n_found = _n_pairs(Counter(labels.values()).values())
    n_expected = _n_pairs(Counter(expected.values()).values())
    return n_both / n_found, n_both / n_expected


def _n_pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


class Contacts:
    """The addresses and numbers that landed, to be looked for where they mustn't be."""

    def __init__(self, landing: Path) -> None:
        texts = {text.strip() for text in contact_texts(landing)}
        self.emails = {text.lower() for text in texts if "@" in text}
        self.phones = {text for text in texts if "@" not in text and text}
        self._digits = {
            form for phone in self.phones for form in forms_of(digits_of(phone))
        }

    def found_in(self, text: str) -> set[str]:
        """Return what of a text is a landed address or number, however typed."""
        addresses = {found.lower().rstrip(".") for found in ADDRESS.findall(text)}
        return (addresses & self.emails) | {
            number
            for number in NUMBER.findall(text)
            if digits_of(number) in self._digits
        }

    def columns_of(self, path: Path, schemas: Iterable[str]) -> tuple[int, set[str]]:
        """Count the text columns, and name those that hold a contact or any address."""
        found = set()
        with duckdb.connect(path, read_only=True) as connection:
            columns = connection.execute(
                "select schema_name, table_name, column_name from duckdb_columns()"
                " where data_type = 'VARCHAR' and list_contains(?, schema_name)",
                [list(schemas)],
            ).fetchall()
            for schema, table, column in columns:
                rows = connection.execute(
                    f'select distinct "{column}" from {schema}.{table}'
                    f" where contains(\"{column}\", '@')"
                    f' or regexp_matches("{column}", ?)',
                    [MAYBE_NUMBER],
                ).fetchall()
                if any("@" in text or self.found_in(text) for (text,) in rows):
                    found.add(f"{schema}.{table}.{column}")
        return len(columns), found


def digits_of(phone: str) -> str:
    return re.sub(r"\D", "", phone)


def forms_of(digits: str) -> set[str]:
    """Return the ways to write a number: with its country, with 00, and at home."""
    full = digits.removeprefix("00")
    national = {
        prefix + full.removeprefix(code)
        for code in COUNTRY_CODES
        if full.startswith(code)
        for prefix in ("", "0")
    }
    return {digits, full, f"00{full}", *(form for form in national if len(form) > 8)}


def contact_texts(landing: Path) -> Iterator[str]:
    """Yield every address and number as it was typed, in all sources."""
    for event in json_records(landing, "segment/events/*.jsonl.gz"):
        for traits in (event.get("traits"), event["context"].get("traits")):
            yield from contact_values(traits)
    for stream in ("orders", "customers"):
        for record in json_records(landing, f"shopify/{stream}/*.jsonl.gz"):
            yield from contact_values(record)
            yield from contact_values(record.get("customer"))
    for path in landing.glob("crm/contacts/*.csv"):
        for row in csv_rows(path):
            yield from contact_values(row)
    for path in landing.glob("erasure/requests/*.csv"):
        for row in csv_rows(path):
            if row["identifier_type"] in HASHED_TYPES:
                yield row["identifier_value"]


def contact_values(record: Mapping[str, Any] | None) -> Iterator[str]:
    for name in ("email", "phone"):
        if record and record.get(name):
            yield record[name]
