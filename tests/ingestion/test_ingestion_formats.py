"""What each format's bytes become: text as it arrived, a rejected line, or nothing."""

import datetime as dt
import decimal
import gzip
import json
import logging
import random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import NOW, POS_HEADER, Shop, only, pos_csv, pos_row

from orchestration.ingestion import json_lines, readers

ORDERS = "pos/order_lines"
EVENTS = "segment/events"
PRODUCTS = "catalog/products"
GA4 = "ga4/events"


def parquet(columns: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


def failure(shop: Shop) -> tuple[str, str]:
    """Return the one failure's code and reason."""
    return only(shop.rows("failed_files", "reason_code", "reason"))


# CSV


def test_columns_are_found_by_name(shop: Shop) -> None:
    shop.land(
        f"{ORDERS}/a.csv",
        b"\xef\xbb\xbf CUSTOMER_ID ,Till,quantity,Ordered_At,gross_amount,,Note\r\n"
        b"c1,7,1,2026-01-02,2.50,x,\r\n",
    )
    shop.load()
    columns = ("customer_id", "quantity", "ordered_at", "gross_amount", "unit_price")
    row = only(shop.rows("pos_order_lines", *columns, "order_id", "_extra_columns"))
    assert row[:-1] == ("c1", "1", "2026-01-02", "2.50", None, None)
    assert json.loads(row[-1]) == {"Till": "7", "column_6": "x", "Note": None}


def test_without_other_columns_there_are_no_extra_ones(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", pos_csv(pos_row("1")))
    shop.load()
    assert shop.rows("pos_order_lines", "_extra_columns") == [(None,)]


def test_text_lands_as_it_arrived(shop: Shop) -> None:
    fields = ("🛒-1", "9999-12-31 23:59:59", " 1 ", "1e3", 'a\r\n"b", ü')
    shop.land(f"{ORDERS}/a.csv", pos_csv(fields))
    shop.land(f"{ORDERS}/b.csv.gz", gzip.compress(pos_csv(fields, pos_row("2"))))
    assert shop.load().n_new_records == 3
    rows = shop.rows("pos_order_lines", *POS_HEADER)
    assert rows == [pos_row("2"), fields, fields]


def test_an_empty_field_is_null(shop: Shop) -> None:
    shop.land(
        f"{ORDERS}/a.csv",
        b'order_id,ordered_at,quantity,unit_price,customer_id\n,"",1,2,c\n',
    )
    shop.load()
    assert shop.rows("pos_order_lines", "order_id", "ordered_at") == [(None, None)]


def test_a_header_alone_is_a_load_of_nothing(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", pos_csv())
    report = shop.load()
    assert (report.n_files(), report.n_new_records) == ({"loaded": 1}, 0)


def test_rows_and_rejects_make_the_records(shop: Shop) -> None:
    content = pos_csv(pos_row("1"), ("2", "x"), pos_row("3")) + b"\n4,\xff\n"
    shop.land(f"{ORDERS}/a.csv", content)
    assert shop.load().lines() == [f"{ORDERS}/a.csv: 2 of 4 records rejected"]
    assert shop.rows("load_manifest", "n_records", "n_rejected") == [(4, 2)]
    assert shop.rows("pos_order_lines", "_record_number") == [(1,), (3,)]
    assert shop.rows("rejected_lines") == [
        (1, 3, "wrong_field_count", "fields: 2, the header has 5", "2,x"),
        (1, 6, "invalid_utf8", "not UTF-8", "4,\\xff"),
    ]


def test_a_missing_column_is_named(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", b"order_id,ordered_at,customer\n1,2026-01-01,c\n")
    shop.load()
    code, reason = failure(shop)
    assert code == "missing_column"
    for part in (
        f"{ORDERS}/a.csv: no column quantity, customer_id, unit_price or gross_amount",
        "found ['order_id', 'ordered_at', 'customer']",
        "pos.order_lines has ['order_id', 'line_id', 'ordered_at'",
    ):
        assert part in reason


def test_one_of_two_columns_is_enough(shop: Shop) -> None:
    header = ("ordered_at", "quantity", "customer_id", "gross_amount")
    shop.land(f"{ORDERS}/a.csv", pos_csv(("2026-01-01", "1", "c", "2"), header=header))
    assert shop.load().n_files() == {"loaded": 1}


def test_a_first_line_without_any_known_name_is_not_repeated(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", b"1,2026-01-01,jane@example.com\n")
    shop.load()
    code, reason = failure(shop)
    assert code == "missing_column"
    assert "none of the 3 names in the header is known" in reason
    assert "jane" not in reason


def test_a_column_may_stand_once(shop: Shop) -> None:
    header = (*POS_HEADER, "Order_ID ")
    shop.land(f"{ORDERS}/a.csv", pos_csv((*pos_row("1"), "2"), header=header))
    shop.load()
    assert failure(shop)[0] == "duplicate_column"
    assert "['order_id']" in failure(shop)[1]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        (f"{ORDERS}/a.csv", b"", "empty_file"),
        (f"{ORDERS}/a.csv", b"\xef\xbb\xbf", "empty_file"),
        (f"{ORDERS}/a.csv.gz", gzip.compress(b""), "empty_file"),
        (
            f"{ORDERS}/a.csv.gz",
            gzip.compress(pos_csv(pos_row("1")))[:-9],
            "unreadable_file",
        ),
        (f"{ORDERS}/a.csv.gz", pos_csv(pos_row("1")), "unreadable_file"),
        (f"{ORDERS}/a.csv", "order_id".encode("utf-16"), "not_utf8"),
        (f"{ORDERS}/a.csv", pos_csv(pos_row("1")) + b'2,"', "unclosed_quote"),
        (f"{ORDERS}/a.parquet", b"", "empty_file"),
        (f"{ORDERS}/a.parquet", b"PAR1 no parquet PAR1", "unreadable_file"),
        (f"{EVENTS}/a.jsonl", b"", "empty_file"),
        (f"{EVENTS}/a.json.gz", gzip.compress(b""), "empty_file"),
        (f"{EVENTS}/a.json.gz", b"{}", "unreadable_file"),
        (f"{EVENTS}/a.json", "{}".encode("utf-16"), "not_utf8"),
    ],
    ids=range(13),
)
def test_files_that_load_nothing(
    shop: Shop, name: str, content: bytes, code: str
) -> None:
    shop.land(name, content)
    shop.load()
    found, reason = failure(shop)
    assert (found, reason.partition(":")[0]) == (code, name)
    for table in (
        "pos_order_lines",
        "segment_events",
        "load_manifest",
        "rejected_lines",
    ):
        assert shop.rows(table) == []


# JSON lines


def test_lines_land_as_they_arrived(shop: Shop) -> None:
    lines = [
        '{"messageId": "🛒", "at": "9999-12-31T00:00:00Z"}',
        ' {"b" : 1e3, "big": 123456789012345678901234567890}',
        '{"text": "' + "x" * (1 << 20) + '"}',
        '{"comma": ", \\" \\u0000"}',
    ]
    data = "\ufeff" + lines[0] + "\r\n\n  \r\n" + "\n".join(lines[1:])
    for number, name in enumerate(("a.jsonl", "b.ndjson", "c.json")):
        # Other bytes, the same records.
        shop.land(f"{EVENTS}/{name}", data.encode() + b"\n" * number)
        shop.land(f"{EVENTS}/{name}.gz", gzip.compress(data.encode(), mtime=number))
    report = shop.load()
    assert report.n_files() == {"loaded": 6}
    assert report.n_new_records == 24
    rows = shop.rows("segment_events", "_load_id", "_record_number", "record")
    for load_id in range(1, 7):
        expected = [(load_id, number, line) for number, line in enumerate(lines, 1)]
        assert [row for row in rows if row[0] == load_id] == expected
    assert shop.rows("rejected_lines") == []


def test_bad_lines_are_told_apart(shop: Shop) -> None:
    lines = [
        b'{"good": 1}\r',
        b'{"cut": "in ha',
        b"[1]",
        b"",
        b"null",
        b'{"control": "\x01"}',
        b'{"nul": "\x00"}',
        b'{"latin": "\xe9"}',
        b'{"twice": 1} {}',
        b"\x01\x01",
        b'{"last": 1}\r',
    ]
    shop.land(f"{EVENTS}/a.jsonl", b"\n".join(lines))
    shop.load()
    assert shop.rows("load_manifest", "n_records", "n_rejected") == [(10, 8)]
    assert shop.rows("segment_events", "_record_number", "record") == [
        (1, '{"good": 1}'),
        (10, '{"last": 1}'),
    ]
    assert shop.rows("rejected_lines", "line_number", "reason_code", "record_text") == [
        (2, "malformed_json", '{"cut": "in ha'),
        (3, "not_an_object", "[1]"),
        (5, "not_an_object", "null"),
        (6, "malformed_json", '{"control": "\x01"}'),
        (7, "malformed_json", '{"nul": "\x00"}'),
        (8, "invalid_utf8", '{"latin": "\\xe9"}'),
        (9, "malformed_json", '{"twice": 1} {}'),
        (10, "malformed_json", "\x01\x01"),
    ]


def test_a_line_that_is_too_long_is_one_reject(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "CHUNK_BYTES", 50)
    monkeypatch.setattr(json_lines, "MAX_RECORD_BYTES", 100)
    long = b'{"a": "' + b"x" * 1000 + b'"}'
    shop.land(f"{EVENTS}/a.jsonl", b'{"a": 1}\n' + long + b'\n{"a": 3}\n' + long)
    shop.load()
    assert shop.rows("load_manifest", "n_records", "n_rejected") == [(4, 2)]
    assert shop.rows("segment_events", "_record_number", "record") == [
        (1, '{"a": 1}'),
        (3, '{"a": 3}'),
    ]
    assert shop.rows("rejected_lines", "line_number", "reason_code", "record_text") == [
        (2, "record_too_long", None),
        (4, "record_too_long", None),
    ]


@pytest.mark.parametrize("chunk_bytes", [1, 3, 64])
def test_chunks_of_lines_make_no_difference(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    monkeypatch.setattr(json_lines, "CHUNK_BYTES", chunk_bytes)
    shop.land(f"{EVENTS}/a.jsonl", '{"ü": "😀"}\r\n\n[]\r\n{}\n\n{"z":1}'.encode())
    shop.load()
    assert shop.rows("segment_events", "_record_number", "record") == [
        (1, '{"ü": "😀"}'),
        (3, "{}"),
        (4, '{"z":1}'),
    ]
    assert shop.rows("rejected_lines", "line_number") == [(3,)]


# Parquet


def test_parquet_values_become_text(shop: Shop) -> None:
    time = dt.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a column without zone
    columns = {
        "product_id": pa.array([17850.0, None]),
        "microseconds": pa.array([time.replace(microsecond=600000), time]),
        "nanoseconds": pa.array([1_600_000_000_123_456_789, 0], pa.timestamp("ns")),
        "far": pa.array([dt.datetime(9999, 12, 31), None], pa.timestamp("ms")),  # noqa: DTZ001
        "zoned": pa.array([time, None], pa.timestamp("us", "Europe/London")),
        "date": pa.array([dt.date(9999, 12, 31), None]),
        "decimal": pa.array([decimal.Decimal("12.30"), decimal.Decimal("-0.05")]),
        "double": pa.array([0.1 + 0.2, float("nan")]),
        "large": pa.array([1234567890123456.0, 1e20]),
        "negative": pa.array([-0.0, float("-inf")]),
        "float": pa.array([1.1, 3.0], pa.float32()),
        "integer": pa.array([2**63 - 1, -1]),
        "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
        "boolean": pa.array([True, False]),
        "binary": pa.array(["é".encode(), b"\xff"]),
        "dictionary": pa.array(["a", ""]).dictionary_encode(),
        "list": pa.array([[1, 2], []]),
        "struct": pa.array([{"x": "y"}, None]),
    }
    shop.land(f"{PRODUCTS}/a.parquet", parquet(columns))
    shop.load()
    rows = shop.rows(
        "catalog_products", "_record_number", "product_id", "_extra_columns"
    )
    assert [row[:2] for row in rows] == [(1, "17850"), (2, None)]
    assert [list(json.loads(row[2]).items()) for row in rows] == [
        [
            ("microseconds", "2026-01-02 03:04:05.6"),
            ("nanoseconds", "2020-09-13 12:26:40.123457"),
            ("far", "9999-12-31 00:00:00"),
            ("zoned", "2026-01-02 03:04:05+00:00"),
            ("date", "9999-12-31"),
            ("decimal", "12.30"),
            ("double", "0.3"),
            ("large", "1234567890123456"),
            ("negative", "0"),
            ("float", "1.1"),
            ("integer", "9223372036854775807"),
            ("unsigned", "18446744073709551615"),
            ("boolean", "true"),
            ("binary", "é"),
            ("dictionary", "a"),
            ("list", "[1,2]"),
            ("struct", '{"x":"y"}'),
        ],
        [
            ("microseconds", "2026-01-02 03:04:05"),
            ("nanoseconds", "1970-01-01 00:00:00"),
            ("far", None),
            ("zoned", None),
            ("date", None),
            ("decimal", "-0.05"),
            ("double", None),
            ("large", "1e+20"),
            ("negative", "-inf"),
            ("float", "3"),
            ("integer", "-1"),
            ("unsigned", "0"),
            ("boolean", "false"),
            ("binary", "\\xFF"),
            ("dictionary", ""),
            ("list", "[]"),
            ("struct", None),
        ],
    ]


def test_a_retyped_column_lands_as_text(shop: Shop) -> None:
    columns: dict[str, Any] = {
        name: [value] for name, value in zip(POS_HEADER, pos_row("7"), strict=True)
    }
    shop.land(f"{ORDERS}/a.parquet", parquet(columns))
    shop.land(f"{ORDERS}/b.parquet", parquet(columns | {"order_id": [8]}))
    shop.load()
    assert shop.rows("pos_order_lines", "order_id") == [("7",), ("8",)]


def test_parquet_rows_keep_their_numbers(shop: Shop) -> None:
    sink = pa.BufferOutputStream()
    ids = [str(number) for number in range(5000)]
    pq.write_table(pa.table({"product_id": ids}), sink, row_group_size=100)
    shop.land(f"{PRODUCTS}/a.parquet", bytes(sink.getvalue()))
    assert shop.load().n_new_records == 5000
    rows = shop.rows("catalog_products", "_record_number", "product_id")
    assert rows == [(int(text) + 1, text) for text in ids]


def test_parquet_columns_are_checked_by_their_own_names(shop: Shop) -> None:
    table = pa.table([["a"], ["b"]], names=["product_id", "PRODUCT_ID"])
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    shop.land(f"{PRODUCTS}/a.parquet", bytes(sink.getvalue()))
    shop.land(f"{ORDERS}/a.parquet", parquet({"order_id": ["1"]}))
    report = shop.load()
    assert [file.reason_code for file in report.failed] == [
        "duplicate_column",
        "missing_column",
    ]


def test_a_parquet_path_is_no_pattern(shop: Shop) -> None:
    # A folder of the form key=value is no column, and `*` stands for itself.
    names = [
        "brand=folder/a.parquet",
        "*.parquet",
        "a[1]?.parquet",
        "o'clock.parquet",
    ]
    for name in names:
        columns = {"product_id": [name], "brand": ["file"]}
        shop.land(f"{PRODUCTS}/{name}", parquet(columns))
    assert shop.load().n_files() == {"loaded": len(names)}
    assert shop.rows("catalog_products", "product_id", "brand", "_extra_columns") == [
        (name, "file", None) for name in sorted(names)
    ]


def test_a_parquet_row_lands_in_the_columns_of_the_line_that_it_could_have_been(
    shop: Shop,
) -> None:
    parameters = pa.array(
        [
            [{"key": "value", "value": {"int_value": None, "double_value": 15.09}}],
            None,
        ]
    )
    columns = {
        "event_timestamp": pa.array([1607615248873729, None]),
        "Event name": pa.array(['say "é"', ""]),
        "event_params": parameters,
        "device": pa.array([{"category": "mobile"}, {"category": None}]),
        "geo": pa.array([{"country": "Spain", "city": "Vic"}, None]),
        "value": pa.array([float("nan"), 1.5]),
        "record": pa.array(["r", None]),
    }
    shop.land(f"{GA4}/a.parquet", parquet(columns))
    shop.land(
        f"{GA4}/b.jsonl", b'{"event_name": "scroll", "items": [{"price": 5.0}]}\n'
    )
    assert shop.load().n_files() == {"loaded": 2}
    names = ("event_timestamp", "event_params", "device_category", "geo_country")
    rows = shop.rows(
        "ga4_events", "_load_id", "_record_number", "record", *names, "_extra_columns"
    )
    assert [row[:-1] for row in rows] == [
        (
            *(1, 1, None, "1607615248873729"),
            '[{"key":"value","value":{"int_value":null,"double_value":15.09}}]',
            *("mobile", "Spain"),
        ),
        (1, 2, None, None, None, None, None),
        (
            *(2, 1, '{"event_name": "scroll", "items": [{"price": 5.0}]}'),
            *(None, None, None, None),
        ),
    ]
    assert [row[-1] and json.loads(row[-1]) for row in rows] == [
        {"Event name": 'say "é"', "geo": {"city": "Vic"}, "value": None, "record": "r"},
        {"Event name": "", "geo": None, "value": 1.5, "record": None},
        None,
    ]
    items = shop.rows("ga4_events", "_load_id", "items", "items_0_price", "event_name")
    assert items[2] == (2, '[{"price":5.0}]', "5.0", "scroll")


def test_a_line_and_a_row_of_parquet_have_the_same_texts(shop: Shop) -> None:
    """Whatever type the file has, the text is what JSON would have said."""
    time = dt.datetime(2026, 1, 2, 3, 4, 5, 600000)  # noqa: DTZ001 - without zone
    values = {
        "price": pa.array([1.0, 0.1, 1e20, 15.09, None]),
        "quantity": pa.array([1, -2, 2**62, 0, None]),
        "revenue": pa.array([decimal.Decimal(n) for n in ("1.50", "2.00", "0.05")] * 2)[
            :5
        ],
        "total": pa.array([1.5, 2.0, 0.0, -0.5, None], pa.float32()),
        "category": pa.array(["é", 'a"b', "", "\\n", None]),
        "currency": pa.array([True, False, None, True, False]),
        "product_id": pa.array([time, None, time, time, time]),
        "order_id": pa.array([dt.date(2026, 1, 2), None, None, None, None]),
    }
    properties = pa.StructArray.from_arrays(list(values.values()), list(values))
    traits = pa.array([{"email": "a@b.co"}, None, {"email": None}, {}, {"email": ""}])
    categories = [{"a b": True, "c": None}, None, {}, {"a b": False}, {"c": True}]
    context = pa.array([{"consent": {"categoryPreferences": c}} for c in categories])
    columns = {
        "messageId": pa.array(list("abcde")),
        "properties": properties,
        "traits": traits,
        "context": context,
    }
    shop.land(f"{EVENTS}/a.parquet", parquet(columns))
    lines = shop.connection.execute(
        "select cast(to_json(landed) as varchar) from "
        f"read_parquet('{shop.landing / EVENTS}/a.parquet') as landed"
    ).fetchall()
    shop.land(f"{EVENTS}/b.jsonl", "\n".join(line for (line,) in lines).encode())
    assert shop.load().n_files() == {"loaded": 2}
    names = (
        shop.tables
        and next(
            table for table in shop.tables if table.stream == "segment.events"
        ).paths
    )
    rows = shop.rows("segment_events", "_load_id", "_record_number", *names)
    by_load = [[row[1:] for row in rows if row[0] == load_id] for load_id in (1, 2)]
    assert by_load[0] == by_load[1]
    assert [row[0] for row in by_load[0]] == [1, 2, 3, 4, 5]
    # All of it is declared.
    assert (
        shop.rows("segment_events", "_load_id", "_extra_columns")[:5] == [(1, None)] * 5
    )
    listed = shop.rows(
        "file_columns", "load_id", "column_path", "value_type", "n_records"
    )
    assert [row[1:] for row in listed if row[0] == 1] == [
        row[1:] for row in listed if row[0] == 2
    ]


def test_each_line_gives_the_texts_at_the_declared_paths(shop: Shop) -> None:
    lines = [
        '{"messageId": 7, "userId": null, "properties": {"price": 1.50, "total": ""}}',
        '  {"messageId": "a\\"b\\u00e9", "type": {"x": [1,  2]}, "context": "none"}',
        "{}",
    ]
    shop.land(f"{EVENTS}/a.jsonl", "\n".join(lines).encode())
    shop.load()
    names = ("message_id", "user_id", "type", "properties_price", "properties_total")
    assert shop.rows("segment_events", "_record_number", *names, "record") == [
        (1, "7", None, None, "1.5", "", lines[0]),
        (2, 'a"bé', None, '{"x":[1,2]}', None, None, lines[1]),
        (3, None, None, None, None, None, "{}"),
    ]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("first", ['{"messageId": "first é 😀"}', "{}", ' {"a": "12"}'])
def test_lines_are_cut_the_same_on_the_short_way_and_the_long(
    shop: Shop, first: str, end: str
) -> None:
    lines = [first, '{"messageId": "second"}', "[1, 2, 3, 4, 5, 6, 7]", '{"cut": "in']
    shop.land(f"{EVENTS}/a.jsonl", ("\n".join(lines) + end).encode())
    shop.load()
    assert shop.rows("segment_events", "_record_number", "record") == [
        (1, first),
        (2, lines[1]),
    ]
    assert shop.rows("rejected_lines", "line_number", "reason_code", "record_text") == [
        (3, "not_an_object", lines[2]),
        (4, "malformed_json", lines[3]),
    ]


def test_a_parquet_row_of_json_names_every_column_once(shop: Shop) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table([["a"], ["b"]], names=["event", "EVENT"]), sink)
    shop.land(f"{GA4}/a.parquet", bytes(sink.getvalue()))
    shop.load()
    assert failure(shop)[0] == "duplicate_column"
    assert shop.rows("ga4_events") == []


def test_a_damaged_parquet_file_fails(shop: Shop) -> None:
    generator = random.Random(5)  # noqa: S311 - noise
    good = parquet({"product_id": [str(number) for number in range(3000)]})
    for number in range(10):
        damaged = bytearray(good)
        for _ in range(200):
            damaged[generator.randrange(4, len(good) - 200)] ^= 255
        shop.land(f"{PRODUCTS}/{number}.parquet", bytes(damaged))
    shop.land(f"{PRODUCTS}/cut.parquet", good[: len(good) // 2])
    report = shop.load()
    assert {file.reason_code for file in report.files} == {"unreadable_file"}
    assert shop.rows("catalog_products") == []


def test_only_a_broken_file_is_blamed_for_an_error(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.land(f"{PRODUCTS}/a.parquet", parquet({"product_id": ["a"]}))
    monkeypatch.setattr(readers, "_insert", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shop.load()

    def fail(connection: Any, *_: Any) -> None:
        connection.execute("select error('disk full')")

    monkeypatch.setattr(readers, "_insert", fail)
    with pytest.raises(Exception, match="disk full"):
        shop.load()
    assert shop.rows("failed_files") == []


# All of them


def test_no_message_holds_a_value(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "jane.doe@example.com"  # noqa: S105
    header = ",".join(POS_HEADER)
    bad = {
        f"{ORDERS}/count.csv": f"{header}\n{secret}\n",
        f"{ORDERS}/quote.csv": f'{header}\n"{secret}"x,1,2,3,4\n',
        f"{ORDERS}/open.csv": f'{header}\n1,2,3,4,"{secret}\n',
        f"{ORDERS}/headless.csv": f"{secret},1\n{secret},1\n",
        f"{ORDERS}/missing.csv": f"order_id\n{secret}\n",
        f"{ORDERS}/headless2.csv": f'"{secret}\n',
        f"{EVENTS}/a.jsonl": f'{{"email": "{secret}\n["{secret}"]\n',
    }
    for name, content in bad.items():
        shop.land(name, content.encode())
    shop.land(f"{ORDERS}/latin.csv", f"{header}\n{secret},\xe9\n".encode("latin-1"))
    shop.land(f"{ORDERS}/bad.parquet", b"PAR1" + secret.encode() + b"PAR1")
    report = shop.load(NOW)
    assert len(report.failed) == 5
    assert report.n_new_rejected == 5
    said = [caplog.text, *report.lines(), repr(report)]
    said += [str(row) for row in shop.rows("failed_files")]
    said += [str(row) for row in shop.rows("rejected_lines", "reason_code", "reason")]
    assert not [text for text in said if "jane" in text]
