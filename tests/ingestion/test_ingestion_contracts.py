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


def json_source(
    *names: str, formats: list[str] | None = None, **paths: object
) -> dict[str, Any]:
    """Return a stream with columns of their own, and columns that have a path."""
    columns: list[dict[str, Any]] = [
        {"name": name, "data_type": "varchar"} for name in names
    ]
    columns += [
        {"name": name, "data_type": "varchar", "config": {"meta": {"path": path}}}
        for name, path in paths.items()
    ]
    return source(formats=formats or ["jsonl"], columns=columns)


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
        (
            source(formats=["jsonl"]),
            r"column 'record', .* without one are \['contact_id', 'email'\]",
        ),
        (
            source(
                formats=["jsonl", "csv"],
                columns=[{"name": "record", "data_type": "varchar"}],
            ),
            r"formats \[jsonl\] or \[jsonl, parquet\]",
        ),
        (
            json_source("record", "other", email="traits.email"),
            r"without one are \['record', 'other'\]",
        ),
        (json_source("record", formats=["jsonl", "parquet"]), "land in columns"),
        (
            json_source("record", a="traits.email", b="traits.email"),
            r"more than one column has the path \['traits.email'\]",
        ),
        (json_source("record", a="traits['email']"), "the path .*joined by dots"),
        (json_source("record", a=7), "the path 7; expected names"),
        (
            json_source(formats=["csv"], email="traits.email"),
            r"\['traits.email'\] are paths in JSON records; \['csv'\] have none",
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


def test_a_new_path_is_filled_from_the_records_that_are_there() -> None:
    def table(*columns: Column) -> TableContract:
        return TableContract(
            *("web", "events", "raw", "web_events"),
            columns=(Column("record", "varchar"), *columns),
            landing=Landing("append", ("jsonl", "parquet")),
        )

    page = Column("page_path", "varchar", path="context.page.path")
    item = Column("items_0_id", "varchar", path="items[0].id")
    with duckdb.connect() as connection:
        create_raw_tables(connection, [table(page)])
        # One row had no columns yet, one came as Parquet and has nothing else.
        connection.execute(
            """
            insert into raw.web_events (record, page_path, _record_number) values
                ('{"items": [{"id": 7}], "context": {"page": {"path": "/b"}}}', 'x', 1),
                ('{"items": []}', null, 2),
                (null, '/parquet', 3)
            """
        )
        created = create_raw_tables(connection, [table(page, item)])
        assert created == ["raw.web_events.items_0_id"]
        rows = (
            "select page_path, items_0_id from raw.web_events order by _record_number"
        )
        assert connection.execute(rows).fetchall() == [
            ("x", "7"),
            (None, None),
            ("/parquet", None),
        ]
        # Once only: what is in the columns is left alone from then on.
        assert create_raw_tables(connection, [table(page, item)]) == []


def test_records_are_compressed_unless_the_warehouse_says_how(
    contracts: tuple[TableContract, ...],
) -> None:
    for config in ({}, {"force_compression": "uncompressed"}):
        with duckdb.connect(config=config) as connection:
            create_raw_tables(connection, contracts)
            sql = connection.execute(
                "select sql from duckdb_tables() where table_name = 'segment_events'"
            ).fetchall()[0][0]
            assert ("ZSTD" in sql.upper()) == (not config)
