"""Which files are loaded: exactly once, by each stream's delivery."""

import datetime as dt
import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import NOW, POS_HEADER, Shop, only, pos_csv, pos_row, statuses

from orchestration.ingestion import load

LATER = NOW + dt.timedelta(days=1)
ORDERS = "pos/order_lines"


def manifest(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows(
        "load_manifest",
        "load_id",
        "file_path",
        "load_status",
        "duplicate_of_load_id",
        "n_records",
        "n_rejected",
    )


def test_an_empty_folder_loads_nothing(shop: Shop) -> None:
    assert shop.load().files == ()
    assert manifest(shop) == []


def test_a_missing_folder_loads_nothing_and_says_so(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.landing.rmdir()
    assert shop.load().files == ()
    assert f"no landing folder at {shop.landing}" in caplog.text


def test_files_load_in_order_of_their_path(shop: Shop) -> None:
    shop.land(f"{ORDERS}/2026/02/b.csv", pos_csv(pos_row("2"), pos_row("3")))
    shop.land(f"{ORDERS}/2026/01/c.csv", pos_csv(pos_row("1"), ("4", "x")))
    report = shop.load()
    assert [file.name for file in report.files] == [
        f"{ORDERS}/2026/01/c.csv",
        f"{ORDERS}/2026/02/b.csv",
    ]
    assert manifest(shop) == [
        (1, f"{ORDERS}/2026/01/c.csv", "loaded", None, 2, 1),
        (2, f"{ORDERS}/2026/02/b.csv", "loaded", None, 2, 0),
    ]
    assert shop.rows(
        "pos_order_lines", "_load_id", "_record_number", "order_id", "_loaded_at"
    ) == [(1, 1, "1", NOW), (2, 1, "2", NOW), (2, 2, "3", NOW)]
    assert (report.n_new_records, report.n_new_rejected) == (4, 1)


def test_the_manifest_knows_the_file(shop: Shop) -> None:
    content = pos_csv(pos_row("1"))
    shop.land(f"{ORDERS}/a.csv", content)
    shop.load()
    assert shop.rows(
        "load_manifest", "source_name", "stream_name", "file_size", "file_sha256"
    ) == [("pos", "order_lines", len(content), hashlib.sha256(content).hexdigest())]


def test_a_rerun_loads_nothing_again(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", pos_csv(pos_row("1"), ("2", "x")))
    shop.load()
    before = shop.rows("pos_order_lines"), manifest(shop), shop.rows("rejected_lines")
    report = shop.load(LATER)
    assert report.n_files() == {"unchanged": 1}
    assert (report.n_new_records, report.lines()) == (0, [])
    after = shop.rows("pos_order_lines"), manifest(shop), shop.rows("rejected_lines")
    assert after == before


def test_a_touched_file_is_unchanged(shop: Shop) -> None:
    path = shop.land(f"{ORDERS}/a.csv", pos_csv(pos_row("1")))
    shop.load()
    os.utime(path, (0, 0))
    assert shop.load().n_files() == {"unchanged": 1}


def test_hidden_and_unfinished_files_are_passed_over(shop: Shop) -> None:
    for name in (".hidden.csv", "_SUCCESS", "a.csv.tmp", "b.csv.PART", "_tmp/c.csv"):
        shop.land(f"{ORDERS}/{name}", b"unfinished")
    shop.land(".git/x.csv", b"unfinished")
    assert shop.load().files == ()


def test_content_under_another_path_is_a_duplicate_file(shop: Shop) -> None:
    content = pos_csv(pos_row("1"), pos_row("1"), ("2", "x"))
    shop.land(f"{ORDERS}/a.csv", content)
    shop.load()
    shop.land(f"{ORDERS}/again/b.csv", content)
    report = shop.load(LATER)
    assert statuses(report) == {"a.csv": "unchanged", "b.csv": "duplicate_file"}
    shop.land(f"{ORDERS}/z.csv", content)
    shop.load(LATER)
    # Its unreadable line was counted with the first copy.
    assert manifest(shop) == [
        (1, f"{ORDERS}/a.csv", "loaded", None, 3, 1),
        (2, f"{ORDERS}/again/b.csv", "duplicate_file", 1, 3, 0),
        (3, f"{ORDERS}/z.csv", "duplicate_file", 1, 3, 0),
    ]
    assert len(shop.rows("pos_order_lines")) == 2
    assert len(shop.rows("rejected_lines")) == 1
    assert shop.load().n_files() == {"unchanged": 3}


def test_the_same_content_in_another_stream_is_no_duplicate(shop: Shop) -> None:
    content = b'"key",attribute,value,as_of_date,id\n1,a,b,2026-01-01,7\n'
    shop.land("third_party/attributes/a.csv", content)
    shop.land("ga4/days/a.csv", content)
    assert shop.load().n_files() == {"loaded": 2}


def test_an_appended_file_may_not_change(shop: Shop) -> None:
    old, new = pos_csv(pos_row("1")), pos_csv(pos_row("1"), pos_row("2"))
    shop.land(f"{ORDERS}/a.csv", old)
    shop.load()
    shop.land(f"{ORDERS}/a.csv", new)
    report = shop.load(LATER)
    assert report.failed[0].reason_code == "changed_content"
    reason = str(report.failed[0].reason)
    assert hashlib.sha256(old).hexdigest() in reason
    assert hashlib.sha256(new).hexdigest() in reason
    assert shop.rows("pos_order_lines", "order_id") == [("1",)]
    assert len(manifest(shop)) == 1

    # Put back, the file is what was loaded, and the failure is over.
    shop.land(f"{ORDERS}/a.csv", old)
    assert shop.load(LATER).n_files() == {"unchanged": 1}
    assert shop.rows("failed_files", "resolved_at") == [(LATER,)]


def test_a_replaced_file_swaps_its_rows(shop: Shop) -> None:
    shop.land("ga4/days/1.csv", b"id,value\n1,old\n2,old\nbad\n")
    shop.land("ga4/days/2.csv", b"id,value\n9,other\n")
    shop.load()
    shop.land("ga4/days/1.csv", b"id,value\n1,new\n")
    report = shop.load(LATER)
    assert statuses(report) == {"1.csv": "replaced", "2.csv": "unchanged"}
    assert report.n_new_records == 1
    assert shop.rows("ga4_days", "id", "value", "_load_id") == [
        ("1", "new", 3),
        ("9", "other", 2),
    ]
    assert shop.rows("rejected_lines") == []
    assert manifest(shop) == [
        (1, "ga4/days/1.csv", "replaced", None, 3, 1),
        (2, "ga4/days/2.csv", "loaded", None, 1, 0),
        (3, "ga4/days/1.csv", "loaded", None, 1, 0),
    ]
    # Back to the first version: it is no longer loaded, so it is new.
    shop.land("ga4/days/1.csv", b"id,value\n1,old\n2,old\nbad\n")
    assert statuses(shop.load(LATER))["1.csv"] == "replaced"
    assert shop.rows("ga4_days", "id", "value", "_load_id") == [
        ("1", "old", 4),
        ("2", "old", 4),
        ("9", "other", 2),
    ]


def test_a_replaced_file_leaves_its_rows_to_its_copies(shop: Shop) -> None:
    first = b"id,value\n1,a\nbad\n"
    for name in ("1", "2", "3"):
        shop.land(f"ga4/days/{name}.csv", first)
    shop.load()
    shop.land("ga4/days/1.csv", b"id,value\n1,b\n")
    shop.load(LATER)
    assert manifest(shop) == [
        (1, "ga4/days/1.csv", "replaced", None, 2, 1),
        (2, "ga4/days/2.csv", "loaded", None, 2, 1),
        (3, "ga4/days/3.csv", "duplicate_file", 2, 2, 0),
        (4, "ga4/days/1.csv", "loaded", None, 1, 0),
    ]
    assert shop.rows("ga4_days", "_load_id", "value") == [(2, "a"), (4, "b")]
    assert shop.rows("rejected_lines", "load_id") == [(2,)]

    # With the last copies gone, so are the rows.
    shop.land("ga4/days/2.csv", b"id,value\n1,c\n")
    shop.land("ga4/days/3.csv", b"id,value\n1,b\n")
    report = shop.load(LATER)
    assert statuses(report)["3.csv"] == "duplicate_file"
    assert shop.rows("ga4_days", "_load_id", "value") == [(4, "b"), (5, "c")]
    assert shop.rows("rejected_lines") == []


def test_a_replaced_file_takes_its_erased_records_along(shop: Shop) -> None:
    # Erasure counts for each file that held the person; a copy keeps its own count.
    for name in ("1", "2"):
        shop.land(f"ga4/days/{name}.csv", b"id,value\n1,a\n2,b\n")
    shop.load()
    shop.connection.execute("insert into raw.erased_records values (1, 1), (2, 1)")
    shop.connection.execute("delete from raw.ga4_days where id = '1'")
    shop.land("ga4/days/1.csv", b"id,value\n3,c\n")
    shop.load(LATER)
    assert shop.rows("ga4_days", "_load_id", "id") == [(2, "2"), (3, "3")]
    assert shop.rows("erased_records") == [(2, 1)]


def test_a_replacement_that_fails_keeps_the_old_rows(shop: Shop) -> None:
    shop.land("ga4/days/1.csv", b"id,value\n1,old\n")
    shop.load()
    shop.land("ga4/days/1.csv", b"value\nnew\n")
    assert only(shop.load(LATER).failed).reason_code == "missing_column"
    assert shop.rows("ga4_days", "value") == [("old",)]
    assert manifest(shop)[0][2] == "loaded"


PRODUCTS = "catalog/products"


def product(price: int) -> bytes:
    return f"product_id,list_price\np1,{price}\n".encode()


def test_a_changed_full_extract_is_one_more_load(shop: Shop) -> None:
    for price in (1, 2):
        shop.land(f"{PRODUCTS}/products.csv", product(price))
        assert shop.load().n_files() == {"loaded": 1}
    assert shop.rows("catalog_products", "_load_id", "list_price") == [
        (1, "1"),
        (2, "2"),
    ]
    assert [row[2] for row in manifest(shop)] == ["loaded", "loaded"]


def test_a_full_extract_that_says_the_same_again_is_a_duplicate(shop: Shop) -> None:
    shop.land(f"{PRODUCTS}/1.csv", product(1))
    shop.land(f"{PRODUCTS}/2.csv", product(1))
    assert shop.load().n_files() == {"loaded": 1, "duplicate_file": 1}


@pytest.mark.parametrize("names", [("a", "a", "a"), ("1", "2", "3")])
def test_a_full_extract_may_go_back(shop: Shop, names: tuple[str, ...]) -> None:
    for name, price in zip(names, (1, 2, 1), strict=True):
        shop.land(f"{PRODUCTS}/{name}.csv", product(price))
        shop.load()
    # The newest load is what holds, so the first price must be loaded again.
    assert shop.rows("catalog_products", "_load_id", "list_price") == [
        (1, "1"),
        (2, "2"),
        (3, "1"),
    ]
    assert set(shop.load().n_files()) == {"unchanged"}


def test_unknown_folders_are_named(shop: Shop) -> None:
    shop.land("pos/orders/a.csv", pos_csv(pos_row("1")))
    shop.land("shop/order_lines/a.csv", pos_csv(pos_row("1")))
    shop.land("pos/a.csv", pos_csv(pos_row("1")))
    shop.land("a.csv", pos_csv(pos_row("1")))
    report = shop.load()
    assert {file.reason_code for file in report.files} == {"unknown_stream"}
    assert "third_party/attributes" in str(report.files[0].reason)
    assert shop.rows(
        "failed_files", "file_path", "source_name", "stream_name", "reason_code"
    ) == [
        ("a.csv", None, None, "unknown_stream"),
        ("pos/a.csv", "pos", None, "unknown_stream"),
        ("pos/orders/a.csv", "pos", "orders", "unknown_stream"),
        ("shop/order_lines/a.csv", "shop", "order_lines", "unknown_stream"),
    ]


def test_a_format_the_stream_does_not_take_fails(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.xlsx", b"x")
    shop.land(f"{ORDERS}/b.jsonl", b"{}")
    shop.land("segment/events/c.csv", b"x")
    report = shop.load()
    assert [file.reason_code for file in report.files] == 3 * ["unknown_format"]
    assert ".csv, .csv.gz, .parquet" in str(report.files[0].reason)


def test_a_failure_is_kept_once_until_it_is_over(shop: Shop) -> None:
    bad = b"order_id\n1\n"
    shop.land(f"{ORDERS}/a.csv", bad)
    shop.load()
    report = shop.load(LATER)
    assert report.n_files() == {"failed": 1}
    assert shop.rows("failed_files", "failed_at", "resolved_at") == [(NOW, None)]

    # Another content is another failure, and ends the first.
    shop.land(f"{ORDERS}/a.csv", b"order_id\n2\n")
    assert shop.load(LATER).n_resolved_failures == 1
    assert shop.rows("failed_files", "failed_at", "resolved_at") == [
        (NOW, LATER),
        (LATER, None),
    ]

    # The first again: it is the same failure, open again.
    shop.land(f"{ORDERS}/a.csv", bad)
    shop.load(LATER + dt.timedelta(days=1))
    assert shop.rows("failed_files", "failed_at", "resolved_at") == [
        (NOW, None),
        (LATER, LATER + dt.timedelta(days=1)),
    ]

    mended = shop.land(f"{ORDERS}/a.csv", pos_csv(pos_row("1")))
    assert shop.load(LATER).n_files() == {"loaded": 1}
    assert all(row[0] for row in shop.rows("failed_files", "resolved_at"))
    assert mended.exists()


def test_a_removed_file_ends_its_failure(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", b"").unlink()
    path = shop.land(f"{ORDERS}/b.csv", b"")
    shop.load()
    path.unlink()
    assert shop.load(LATER).n_resolved_failures == 1
    assert shop.rows("failed_files", "resolved_at") == [(LATER,)]


def test_one_bad_file_does_not_keep_others_out(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", pos_csv(pos_row("1")))
    shop.land(f"{ORDERS}/b.csv", b"")
    shop.land(f"{ORDERS}/c.csv", pos_csv(pos_row("3")))
    assert statuses(shop.load()) == {
        "a.csv": "loaded",
        "b.csv": "failed",
        "c.csv": "loaded",
    }
    assert [row[:3] for row in manifest(shop)] == [
        (1, f"{ORDERS}/a.csv", "loaded"),
        (2, f"{ORDERS}/c.csv", "loaded"),
    ]


def test_sources_that_are_off_are_left_alone(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", b"")
    shop.load()
    shop.land("segment/events/a.jsonl", b"{}")
    shop.land("unknown/stream/a.jsonl", b"{}")
    report = shop.load(LATER, sources=["segment"])
    assert [(file.name, file.status) for file in report.files] == [
        ("segment/events/a.jsonl", "loaded"),
        ("unknown/stream/a.jsonl", "failed"),
    ]
    # What was not looked at is not mended.
    assert report.n_resolved_failures == 0
    assert report.of_stream("segment", "events").n_new_records == 1
    assert report.of_stream("pos", "order_lines").files == ()


def test_an_unknown_source_is_an_error(shop: Shop) -> None:
    with pytest.raises(ValueError, match=r"unknown sources \['poss'\]; known are"):
        shop.load(sources=["poss"])


def test_now_has_no_zone(shop: Shop) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        shop.load(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


def test_rejected_text_is_forgotten(shop: Shop) -> None:
    shop.land(f"{ORDERS}/a.csv", pos_csv(("short",)))
    shop.load()
    texts = ("line_number", "reason_code", "record_text")
    assert shop.rows("rejected_lines", *texts) == [(2, "wrong_field_count", "short")]
    shop.load(NOW + dt.timedelta(days=30))
    assert shop.rows("rejected_lines", *texts) == [(2, "wrong_field_count", "short")]
    shop.load(NOW + dt.timedelta(days=30, seconds=1))
    assert shop.rows("rejected_lines", *texts) == [(2, "wrong_field_count", None)]

    shop.land(f"{ORDERS}/b.csv", pos_csv(("other",)))
    shop.load(NOW)
    shop.load(NOW + dt.timedelta(days=2), keep_rejected_text_days=1)
    assert shop.rows("rejected_lines", "record_text") == [(None,), (None,)]


def contents_of(shop: Shop) -> tuple[Counter[Any], Counter[Any]]:
    """Return raw and rejected rows without what says when they were loaded."""
    names = ", ".join(f"lines.{name}" for name in POS_HEADER)
    raw = shop.connection.execute(
        f"select file_sha256, _record_number, {names}, _extra_columns "
        "from raw.pos_order_lines as lines "
        "join raw.load_manifest on load_id = _load_id"
    ).fetchall()
    rejected = shop.connection.execute(
        "select file_sha256, line_number, reason_code, reason, record_text "
        "from raw.rejected_lines join raw.load_manifest using (load_id)"
    ).fetchall()
    return Counter(raw), Counter(rejected)


def test_slices_land_what_one_run_lands(shop: Shop, tmp_path: Path) -> None:
    files = {
        "1.csv": pos_csv(pos_row("1"), ("2", "x"), pos_row("3")),
        "2.csv": pos_csv(pos_row("4"), pos_row("4")),
        "3.csv": pos_csv(pos_row("4"), pos_row("4")),
        "4.csv": pos_csv((*pos_row("5"), "7"), header=(*POS_HEADER, "till")),
        "5.csv": pos_csv(),
    }
    for name, content in files.items():
        shop.land(f"{ORDERS}/{name}", content)
    shop.load()
    for order in (list(files), list(files)[::-1]):
        with duckdb.connect() as connection:
            sliced = Shop(tmp_path / order[0] / "landing", connection, shop.tables)
            for name in order:
                sliced.land(f"{ORDERS}/{name}", files[name])
                sliced.load()
            assert contents_of(sliced) == contents_of(shop)
            assert sum(row[4] for row in manifest(sliced)) == 8


@pytest.mark.parametrize("change", ["grows", "is_swapped", "vanishes"])
def test_a_file_that_changes_while_it_is_read_waits(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = shop.land(f"{ORDERS}/a.csv", pos_csv(pos_row("1")))
    final = pos_csv(pos_row("1"), pos_row("2"))
    read_file = load.read_file

    def read_and_change(*arguments: Any) -> Any:
        counts = read_file(*arguments)
        if change == "vanishes":
            path.unlink()
        elif change == "grows":
            path.write_bytes(final)
        else:
            # The same size and time: only the bytes tell.
            status = path.stat()
            path.write_bytes(pos_csv(pos_row("9")))
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return counts

    monkeypatch.setattr(load, "read_file", read_and_change)
    report = shop.load()
    assert report.n_files() == {"changed_while_read": 1}
    assert "left for the next run" in report.lines()[0]
    assert shop.rows("pos_order_lines") == manifest(shop) == []
    assert shop.rows("failed_files") == []

    monkeypatch.undo()
    shop.land(f"{ORDERS}/a.csv", final)
    assert shop.load().n_files() == {"loaded": 1}
    assert shop.rows("pos_order_lines", "order_id") == [("1",), ("2",)]


def test_a_file_that_is_still_written_does_not_fail(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shop.land(f"{ORDERS}/a.csv", b"order_id,ordered")
    read_file = load.read_file

    def write_and_read(*arguments: Any) -> Any:
        try:
            return read_file(*arguments)
        finally:
            path.write_bytes(pos_csv(pos_row("1")))

    monkeypatch.setattr(load, "read_file", write_and_read)
    assert shop.load().n_files() == {"changed_while_read": 1}
    assert shop.rows("failed_files") == []


def test_an_error_of_the_warehouse_is_no_failed_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.land(f"{ORDERS}/a.csv", pos_csv(pos_row("1")))

    def fail(*_: Any) -> None:
        message = "disk full"
        raise duckdb.IOException(message)

    monkeypatch.setattr(load, "_insert_entry", fail)
    with pytest.raises(duckdb.IOException, match="disk full"):
        shop.load()
    assert shop.rows("pos_order_lines") == shop.rows("failed_files") == []


def test_a_pipe_or_a_dead_link_fails(shop: Shop) -> None:
    folder = shop.landing / ORDERS
    folder.mkdir(parents=True)
    os.mkfifo(folder / "a.csv")
    (folder / "b.csv").symlink_to(folder / "nowhere.csv")
    report = shop.load()
    assert [file.reason for file in report.failed] == [
        f"{ORDERS}/a.csv: not a regular file",
        f"{ORDERS}/b.csv: a link that leads nowhere",
    ]
    (folder / "a.csv").unlink()
    shop.load(LATER)
    assert shop.rows("failed_files", "file_path", "file_sha256", "resolved_at") == [
        (f"{ORDERS}/a.csv", None, LATER),
        (f"{ORDERS}/b.csv", None, None),
    ]


def test_linked_folders_are_entered_once(shop: Shop, tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "a.csv").write_bytes(pos_csv(pos_row("1")))
    (exports / "back").symlink_to(shop.landing)
    (shop.landing / "pos").mkdir()
    (shop.landing / ORDERS).symlink_to(exports)
    assert [file.name for file in shop.load().files] == [f"{ORDERS}/a.csv"]


def test_odd_file_names_are_kept(shop: Shop) -> None:
    names = ["a[1]*?.csv", "b 'x'\"y.csv", "day=1/ü😀.csv"]
    for number, name in enumerate(names):
        shop.land(f"{ORDERS}/{name}", pos_csv(pos_row(str(number))))
    raw_name = os.fsdecode(b"z\xff.csv")
    (shop.landing / ORDERS / raw_name).write_bytes(pos_csv(pos_row("9")))
    assert shop.load().n_files() == {"loaded": 4}
    assert [row[1] for row in manifest(shop)] == [
        *(f"{ORDERS}/{name}" for name in names),
        f"{ORDERS}/z\\xff.csv",
    ]
