"""A warehouse has one salt, and keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from orchestration.ingestion import SaltError, create_raw_tables, keep_salt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.ingestion import TableContract

GIVEN = "given by the environment"


@pytest.fixture
def warehouse(
    contracts: tuple[TableContract, ...],
) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        create_raw_tables(connection, contracts)
        yield connection


def salts(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    rows = warehouse.execute("select salt from raw.identifier_salt").fetchall()
    return [salt for (salt,) in rows]


def test_a_given_salt_is_kept(warehouse: duckdb.DuckDBPyConnection) -> None:
    keep_salt(warehouse, GIVEN)
    keep_salt(warehouse, GIVEN)
    keep_salt(warehouse, None)

    assert salts(warehouse) == [GIVEN]


def test_a_random_salt_is_made_once(warehouse: duckdb.DuckDBPyConnection) -> None:
    keep_salt(warehouse, None)
    (first,) = salts(warehouse)
    keep_salt(warehouse, None)

    assert salts(warehouse) == [first]
    assert len(first) == 64


@pytest.mark.parametrize("other", ["another, as long as it", "too short"])
def test_another_salt_is_refused_and_not_repeated(
    warehouse: duckdb.DuckDBPyConnection, other: str
) -> None:
    keep_salt(warehouse, GIVEN)

    with pytest.raises(SaltError) as refused:
        keep_salt(warehouse, other)

    assert salts(warehouse) == [GIVEN]
    assert GIVEN not in str(refused.value)
    assert other not in str(refused.value)
