"""The sources' YAML as the contract of the tables that Python fills."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.ingestion import (
    ContractError,
    TableContract,
    create_raw_tables,
    landed_streams,
    read_contracts,
)
from orchestration.ingestion.contracts import Column, Landing


def source(**changes: Any) -> dict[str, Any]:
    """Return a good sources file, changed where a test needs it."""
    table: dict[str, Any] = {
        "name": "contacts",
        "identifier": "crm_contacts",
        "config": {"meta": {"landing": {"delivery": "append", "formats": ["csv"]}}},
        "columns": [
            {
                "name": "contact_id",
                "data_type": "varchar",
                "config": {"meta": {"required": True}},
            },
            {"name": "email", "data_type": "varchar"},
        ],
    }
    landing = table["config"]["meta"]["landing"]
    for key, value in changes.items():
        (landing if key in ("delivery", "formats", "requires_one_of") else table)[
            key
        ] = value
    return {"sources": [{"name": "crm", "schema": "raw", "tables": [table]}]}


def write(folder: Path, content: object, name: str = "crm") -> Path:
    path = folder / name / f"_{name}__sources.yml"
    path.parent.mkdir(parents=True)
    path.write_text(
        content if isinstance(content, str) else yaml.safe_dump(content), "utf-8"
    )
    return folder


def test_a_contract_is_read(tmp_path: Path) -> None:
    write(tmp_path, source(requires_one_of=[["email", "contact_id"]]))
    assert read_contracts(tmp_path) == (
        TableContract(
            source_name="crm",
            stream_name="contacts",
            schema_name="raw",
            table_name="crm_contacts",
            columns=(
                Column("contact_id", "varchar", is_required=True),
                Column("email", "varchar"),
            ),
            landing=Landing("append", ("csv",), (("email", "contact_id"),)),
        ),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sources: [", "not YAML"),
        ({"models": []}, "'sources' is missing"),
        (source(name=None), "'name' is missing"),
        (source(columns=[]), "'columns' is missing, empty"),
        (source(columns=[{"name": "a"}]), "'data_type' is missing"),
        (
            source(columns=[{"name": "a", "data_type": "varchar; drop table x"}]),
            "data_type 'varchar; drop table x'; use one of",
        ),
        (
            source(columns=[{"name": "a", "data_type": "date"}]),
            r"make \['a'\] varchar and cast in staging",
        ),
        (
            source(columns=[{"name": "A", "data_type": "varchar"}]),
            "lower case",
        ),
        (
            source(columns=2 * [{"name": "a", "data_type": "varchar"}]),
            r"named twice: \['a'\]",
        ),
        (
            source(columns=[{"name": "_load_id", "data_type": "varchar"}]),
            r"ingestion adds \['_load_id'\]",
        ),
        (source(delivery="upsert"), "'upsert'; use one of .*replace_file"),
        (source(formats=["xlsx"]), "'xlsx'.*list some of .*parquet"),
        (source(formats=[]), "landing.formats is "),
        (source(formats=["jsonl"]), "the one column 'record'"),
        (
            source(
                formats=["jsonl", "csv"],
                columns=[{"name": "record", "data_type": "varchar"}],
            ),
            r"formats \[jsonl\] or \[jsonl, parquet\]",
        ),
        (source(requires_one_of=[["phone"]]), r"\['phone'\], which are no columns"),
    ],
)
def test_a_wrong_contract_says_where_and_what(
    tmp_path: Path, content: object, message: str
) -> None:
    write(tmp_path, content)
    with pytest.raises(ContractError, match=message) as caught:
        read_contracts(tmp_path)
    assert "_crm__sources.yml" in str(caught.value)


def test_two_streams_cannot_share_a_table(tmp_path: Path) -> None:
    write(tmp_path, source())
    write(tmp_path, source(name="people"), name="crm2")
    with pytest.raises(ContractError, match=r"relation \['raw.crm_contacts'\]"):
        read_contracts(tmp_path)


def test_a_folder_without_sources_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no sources file"):
        read_contracts(tmp_path)


def test_the_project_lands_these_streams(contracts: tuple[TableContract, ...]) -> None:
    streams = landed_streams(contracts)
    assert {
        name: table.landing and table.landing.delivery
        for name, table in streams.items()
    } == {
        "catalog.products": "full_extract",
        "crm.contacts": "full_extract",
        "erasure.requests": "append",
        "fx.rates": "append",
        "ga4.days": "replace_file",
        "ga4.events": "replace_file",
        "pos.order_lines": "append",
        "segment.events": "append",
        "shopify.customers": "append",
        "shopify.orders": "append",
        "shopify.products": "append",
        "shopify.refunds": "append",
        "third_party.attributes": "append",
    }
    assert streams["pos.order_lines"].required == (
        "ordered_at",
        "quantity",
        "customer_id",
    )


def columns_of(
    connection: duckdb.DuckDBPyConnection, relation: str
) -> list[tuple[str, str]]:
    rows = connection.execute(f"describe {relation}").fetchall()
    return [(row[0], row[1]) for row in rows]


def test_tables_are_created_once(contracts: tuple[TableContract, ...]) -> None:
    with duckdb.connect() as connection:
        created = create_raw_tables(connection, contracts)
        assert created == [table.relation for table in contracts]
        assert columns_of(connection, "raw.third_party_attributes") == [
            ("key", "VARCHAR"),
            ("attribute", "VARCHAR"),
            ("value", "VARCHAR"),
            ("as_of_date", "VARCHAR"),
            ("_load_id", "BIGINT"),
            ("_record_number", "BIGINT"),
            ("_loaded_at", "TIMESTAMP"),
            ("_extra_columns", "VARCHAR"),
        ]
        # What nothing is landed in has the declared columns only.
        assert columns_of(connection, "python.customer_clusters") == [
            ("customer_id", "VARCHAR"),
            ("as_of_date", "DATE"),
            ("model_id", "VARCHAR"),
            ("cluster_number", "BIGINT"),
            ("centroid_distance", "DOUBLE"),
        ]
        assert create_raw_tables(connection, contracts) == []


def test_a_new_column_is_added_and_none_dropped() -> None:
    old = TableContract(
        "crm", "contacts", "raw", "crm_contacts", (Column("email", "varchar"),)
    )
    new = TableContract(
        "crm", "contacts", "raw", "crm_contacts", (Column("phone", "varchar"),)
    )
    with duckdb.connect() as connection:
        create_raw_tables(connection, [old])
        connection.execute("insert into raw.crm_contacts values ('a@example.com')")
        assert create_raw_tables(connection, [new]) == ["raw.crm_contacts.phone"]
        assert connection.execute("from raw.crm_contacts").fetchall() == [
            ("a@example.com", None)
        ]
