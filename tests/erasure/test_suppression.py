"""A person who was erased doesn't come back with what lands later."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from erased_shop import CALLING_CODES, CONTRACTS, SALT

from orchestration.ingestion import LoadReport, load_landed_files
from orchestration.ingestion.macros import macro, remember_salt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = dt.datetime(2026, 3, 1)  # noqa: DTZ001 - the warehouse has no zones
ERASED = {
    "email_hash": "p@example.org",
    "phone_hash": "+14155550100",
    "user_id": "u1",
    "ga4_pseudo_id": "77.1",
    "crm_contact_id": "c-9",
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse in memory."""
    with duckdb.connect() as opened:
        yield opened


def load(
    connection: duckdb.DuckDBPyConnection, landing: Path, **options: Any
) -> LoadReport:
    options = {"calling_codes": CALLING_CODES} | options
    return load_landed_files(connection, landing, CONTRACTS, NOW, salt=SALT, **options)


def suppress(connection: duckdb.DuckDBPyConnection) -> None:
    remember_salt(connection)
    for kind, value in ERASED.items():
        key = macro("identifier_key", kind, f"'{value}'")
        connection.execute(
            f"insert into raw.suppressed_identifiers values ({key}, ?)", [NOW]
        )


def land(landing: Path, name: str, content: bytes) -> None:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return [row[0] for row in connection.execute(sql).fetchall()]


def test_records_that_name_an_erased_person_stay_out(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(connection, tmp_path)
    suppress(connection)
    land(
        tmp_path,
        "segment/events/a.jsonl",
        lines(
            {"messageId": "1", "userId": "u1"},
            {"messageId": "2", "userId": "u2"},
            {"messageId": "3", "userId": "u2", "traits": {"email": " P@Example.org "}},
            {"messageId": "4", "userId": "p@example.ORG"},
            {"messageId": "5", "anonymousId": "u1"},
            {"messageId": "6", "context": {"traits": {"phone": "(415) 555-0100"}}},
        )
        + b'{"messageId": "7", "userId": "u1\n',
    )
    land(
        tmp_path,
        "pos/order_lines/a.csv",
        b"order_id,ordered_at,quantity,unit_price,customer_id,till\n"
        b"1,2026-01-01,1,2,u1,x\n2,2026-01-01,1,2,U1,y\n3,2026-01-01,1,2, u1 ,z\n"
        b"4,2026-01-01,1,2,,z\n",
    )
    land(
        tmp_path,
        "erasure/requests/a.csv",
        b"request_id,identifier_type,identifier_value,requested_at\n"
        b"r1,email,P@example.org,2026-01-01\nr2,mail,p@example.org,2026-01-01\n"
        b"r3,phone,+1 415 555 0101,2026-01-01\nr4,User_Id,u1,soon\n"
        b"r5,loyalty_id,u1,2026-01-01\n",
    )
    land(
        tmp_path,
        "crm/contacts/a.csv",
        b"contact_id,email,phone,loyalty_id\nc-9,,,\nc-8,p@example.org,,\nc-7,,,u1\n",
    )
    folder = tmp_path / "ga4" / "events"
    folder.mkdir(parents=True)
    names = ["1.1", "77.1", "2.2"]
    pq.write_table(pa.table({"user_pseudo_id": names}), folder / "a.parquet")
    report = load(connection, tmp_path)

    found = "select json_extract_string(record, '$.{}') from raw.{} order by all"
    segment = rows(connection, found.format("messageId", "segment_events"))
    assert segment == ["2", "5"], "only user ids, addresses and numbers are suppressed"
    ga4 = connection.execute(
        "select user_pseudo_id, _record_number from raw.ga4_events"
    )
    assert ga4.fetchall() == [
        ("1.1", 1),
        ("2.2", 3),
    ], "a record keeps its place in the file"
    column = "select {} from raw.{} order by all"
    assert rows(connection, column.format("order_id", "pos_order_lines")) == ["2", "4"]
    requests = rows(connection, column.format("request_id", "erasure_requests"))
    assert requests == ["r3", "r5"]
    assert rows(connection, column.format("contact_id", "crm_contacts")) == ["c-7"]
    assert rows(connection, "select record_text from raw.rejected_lines") == [None]

    counts = {
        file.stream_name: (file.n_records, file.n_rejected, file.n_erased)
        for file in report.files
        if file.source_name != "ga4"
    }
    assert counts == {
        "events": (7, 1, 4),
        "order_lines": (4, 0, 2),
        "requests": (5, 0, 3),
        "contacts": (3, 0, 2),
    }
    erased = connection.execute(
        "select stream_name, source_name, erased.n_records from raw.erased_records "
        "as erased inner join raw.load_manifest using (load_id) order by all"
    ).fetchall()
    assert erased == [
        ("contacts", "crm", 2),
        ("events", "ga4", 1),
        ("events", "segment", 4),
        ("order_lines", "pos", 2),
        ("requests", "erasure", 3),
    ]


def test_nothing_is_left_out_while_nobody_is_erased(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    land(tmp_path, "segment/events/a.jsonl", lines({"userId": "u1"}) + b"{broken\n")
    (file,) = load(connection, tmp_path, calling_codes=None).files
    assert (file.n_records, file.n_rejected, file.n_erased) == (2, 1, 0)
    assert rows(connection, "select record_text from raw.rejected_lines") == ["{broken"]
    assert not rows(connection, "select 1 from raw.erased_records")


def test_a_copy_of_a_file_that_lost_records_lost_them_too(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(connection, tmp_path)
    suppress(connection)
    content = lines({"userId": "u1"}, {"userId": "u2"})
    land(tmp_path, "segment/events/a.jsonl", content)
    land(tmp_path, "segment/events/b.jsonl", content)
    load(connection, tmp_path)
    assert connection.execute(
        "select load_status, manifest.n_records, erased.n_records "
        "from raw.load_manifest as manifest "
        "inner join raw.erased_records as erased using (load_id) order by load_id"
    ).fetchall() == [("loaded", 2, 1), ("duplicate_file", 2, 1)]


def test_numbers_need_a_calling_code_once_somebody_is_erased(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(connection, tmp_path)
    suppress(connection)
    land(tmp_path, "segment/events/a.jsonl", lines({"userId": "u2"}))
    with pytest.raises(ValueError, match="no entry for source 'segment'"):
        load(connection, tmp_path, calling_codes={})
