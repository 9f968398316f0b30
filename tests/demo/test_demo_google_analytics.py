"""The user's copy of a GA4 export lands byte for byte, or not at all."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import duckdb
import pytest

from demo.files import DemoError
from demo.google_analytics import land

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Landed

LINE = (
    b'{"event_timestamp": 1, "event_name": "scroll", "event_params": [],'
    b' "user_pseudo_id": "1.2"}\n'
)


def test_the_sample_lands_unchanged(
    google_analytics: Landed, google_analytics_file: Path
) -> None:
    (written,) = google_analytics.files
    assert written.n_records == 24_219
    assert written.path.read_bytes() == google_analytics_file.read_bytes()


def test_json_lines_land_unchanged(tmp_path: Path) -> None:
    for name, content in (
        ("a.jsonl", LINE + b"\n" + LINE),
        ("a.jsonl.gz", gzip.compress(LINE + b"\n" + LINE)),
    ):
        file = tmp_path / name
        file.write_bytes(content)
        (written,) = land(tmp_path / "landing", file)
        suffix = name.removeprefix("a")
        assert written.path.name == f"google_analytics{suffix}"
        assert (written.n_records, written.is_changed) == (2, True)
        assert written.path.read_bytes() == content
        assert not land(tmp_path / "landing", file)[0].is_changed


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "expected a name that ends in .parquet"),
        ("a.parquet", b"no parquet", "can't be read as Parquet"),
        ("a.jsonl", b"", "event_timestamp"),
        ("a.jsonl", b'{"event_name": "scroll"}\n', "event_timestamp"),
        ("a.jsonl", b"event_name\n", "no JSON object"),
        ("a.jsonl.gz", LINE, "can't be read"),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DemoError, match=message):
        land(tmp_path / "landing", file)
    assert not (tmp_path / "landing").exists()


def test_a_parquet_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 1 as order_id) to '{file}'")
    with pytest.raises(DemoError, match="user_pseudo_id"):
        land(tmp_path / "landing", file)
