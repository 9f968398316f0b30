"""What a load's records look like: columns and paths, types, counts, and no values."""

import json
import random
from typing import Any

import pytest
from conftest import POS_HEADER, Shop, pos_csv, pos_row

from orchestration.ingestion import file_columns
from orchestration.ingestion.file_columns import name_or_placeholder

ORDERS = "pos/order_lines"
EVENTS = "segment/events"


def json_lines(*records: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def columns(shop: Shop) -> dict[tuple[str, str], int]:
    rows = shop.rows("file_columns", "column_path", "value_type", "n_records")
    return {(path, kind): n_records for path, kind, n_records in rows}


def test_columns_have_the_types_of_their_texts(shop: Shop) -> None:
    header = (*POS_HEADER, "is_gift", "Till No", "empty")
    shop.land(
        f"{ORDERS}/a.csv",
        pos_csv(
            ("1", "2026-01-02 10:00:00", "1", "2.50", "c1", "TRUE", "-4", ""),
            ("2", "02.01.2026", " 2", "2.50-", "", "false", "5e3", ""),
            header=header,
        ),
    )
    shop.load()
    assert columns(shop) == {
        ("order_id", "number"): 2,
        ("ordered_at", "date"): 1,
        ("ordered_at", "string"): 1,
        ("quantity", "number"): 2,
        ("unit_price", "number"): 1,
        ("unit_price", "string"): 1,
        ("customer_id", "string"): 1,
        # Columns that the contract doesn't name; `empty` has no value.
        ("is_gift", "boolean"): 2,
        ("Till No", "number"): 2,
    }
    declared = shop.rows("file_columns", "column_path", "is_declared")
    assert {path for path, is_declared in declared if not is_declared} == {
        "is_gift",
        "Till No",
    }


def test_paths_reach_into_objects_and_arrays(shop: Shop) -> None:
    deep = {"b": {"c": {"d": 1}}}
    shop.land(
        f"{EVENTS}/a.jsonl",
        json_lines(
            {"a": deep, "n": 1, "list": [{"x": 1}, {"x": 2, "y": [True]}]},
            {"a": {}, "n": 1.5, "list": [], "z": None},
            {"a": deep, "n": "1", "list": [1, "x"], "": False},
        ),
    )
    shop.load()
    assert columns(shop) == {
        ("a", "object"): 3,
        ("a.b", "object"): 2,
        # Three names deep, and no further.
        ("a.b.c", "object"): 2,
        ("n", "number"): 2,
        ("n", "string"): 1,
        ("list", "array"): 3,
        ("list[]", "object"): 1,
        ("list[].x", "number"): 1,
        ("list[].y", "array"): 1,
        ("list[].y[]", "boolean"): 1,
        ("list[]", "mixed"): 1,
        ('""', "boolean"): 1,
    }


def test_the_commonest_paths_are_listed_and_the_rest_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_columns, "MAX_PATHS", 2)
    shop.land(
        f"{EVENTS}/a.jsonl",
        json_lines({"rare": 1, "x": 1}, {"a": 1}, {"a": 1}, {"b": 1, "c": 1, "d": 1}),
    )
    shop.load()
    assert columns(shop) == {
        ("a", "number"): 2,
        ("b", "number"): 1,
        ("(further paths)", "not_listed"): 2,
    }


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("order_id", "order_id"),
        ("Größe (cm)", "Größe (cm)"),
        ("address_line_2", "address_line_2"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "*"),
        ("jane@example.com", "*"),
        ("+49 170 12345", "*"),
        ("user_1234567", "*"),
        ("day_202601", "day_202601"),
        ("deadbeefdeadbeef", "*"),
        ("abcdefab-cdef-4abc-8def-abcdefabcdef", "*"),
        ("two\nlines", "*"),
    ],
)
def test_a_name_that_looks_like_data_is_not_kept(name: str, kept: str) -> None:
    assert name_or_placeholder(name) == kept


def test_no_value_and_no_name_that_is_one_is_kept(shop: Shop) -> None:
    secret = "jane.doe@example.com"  # noqa: S105
    shop.land(f"{EVENTS}/a.jsonl", json_lines({"traits": {secret: {"x": secret}}}))
    shop.land(
        f"{ORDERS}/a.csv",
        pos_csv((*pos_row("1"), secret), header=(*POS_HEADER, secret)),
    )
    shop.load()
    found = columns(shop)
    assert {("traits.*", "object"), ("traits.*.x", "string"), ("*", "string")} <= set(
        found
    )
    assert "jane" not in str(found)


def test_the_same_content_is_listed_once_and_goes_with_its_rows(shop: Shop) -> None:
    for name in ("1", "2"):
        shop.land(f"ga4/days/{name}.csv", b"id,value\na,1\n")
    shop.load()
    assert {row[0] for row in shop.rows("file_columns", "load_id")} == {1}
    # The copy becomes the load that holds the rows, then goes as well.
    shop.land("ga4/days/1.csv", b"id,value\nb,\n")
    shop.load()
    listed = shop.rows("file_columns", "load_id", "column_path")
    assert listed == [(2, "id"), (2, "value"), (3, "id")]
    shop.land("ga4/days/2.csv", b"id,other\nb,\n")
    shop.load()
    listed = shop.rows("file_columns", "load_id", "column_path")
    assert listed == [(3, "id"), (4, "id")]


def test_all_versions_of_a_shape_add_up(shop: Shop) -> None:
    # 2,500 shapes: more than are fetched at once.
    shop.land(
        f"{EVENTS}/a.jsonl",
        json_lines(*({"a": 1, f"k{n % 50}": {f"v{n}": 1}} for n in range(2500))),
    )
    shop.load()
    assert columns(shop)["a", "number"] == 2500


def some_record(generator: random.Random) -> dict[str, Any]:
    """Return a record whose keys and types are drawn by chance, some of them rare."""
    values: list[Any] = [
        1,
        1.5,
        "x",
        True,
        None,
        {},
        {"a": 1},
        {"a": "x", "b": {"c": 1}},
    ]
    rare: list[Any] = [[], [1, "x"], [{"a": 1}], {'od"d': {"b": 2}}, {"jane@x.org": 1}]
    record: dict[str, Any] = {"id": "x", "context": {"page": {"path": "/"}}}
    for key in ("a", "b"):
        if generator.random() < 0.3:
            record[key] = generator.choice(values)
        if generator.random() < 0.3:
            record["context"][key] = generator.choice(values)
        if generator.random() < 0.3:
            record["context"]["page"][key] = generator.choice(values)
        if generator.random() < 0.02:
            generator.choice([record, record["context"]])[key] = generator.choice(rare)
    return record


@pytest.mark.parametrize("n_sampled", [3, 30, 300])
def test_classes_of_records_are_counted_as_if_each_was_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, n_sampled: int
) -> None:
    monkeypatch.setattr(file_columns, "N_SAMPLED", n_sampled)
    generator = random.Random(7)  # noqa: S311 - an example
    content = json_lines(*(some_record(generator) for _ in range(1200)))
    shop.land(f"{EVENTS}/whole.jsonl", content)
    shop.load()
    whole = columns(shop)
    assert len(whole) > 40
    monkeypatch.setattr(file_columns, "MIN_RECORDS_TO_CLASS", 1)
    shop.land(f"{EVENTS}/classed.jsonl", content + b"\n")
    shop.land(f"{EVENTS}/whole.jsonl", content)
    shop.connection.execute("delete from raw.file_columns")
    shop.load()
    assert columns(shop) == whole
