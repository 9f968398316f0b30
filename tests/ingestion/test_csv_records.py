"""Splitting of CSV: one reading of RFC 4180, and exact positions of what breaks it."""

import csv
import io
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.ingestion import csv_records
from orchestration.ingestion.csv_records import (
    CsvFile,
    Shape,
    split_carefully,
    split_plain,
)
from orchestration.ingestion.landing import FileError
from orchestration.ingestion.text_records import Batch, Chunk

PIECES = st.sampled_from(
    [
        *(b"a", b",", b'"', b'""', b" ", b"\n", b"\r\n", b"\r", b"\0"),
        *(b'"x","y"\n', b"1,2\n", b'3,"q"\r\n', b'"a\nb",c\n', "é".encode(), b"\xff"),
    ]
)
# What Python can write and UTF-8 can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def plain(batch: Batch) -> list[Any]:
    """Make a batch comparable."""
    for column in batch.columns:
        column.validate(full=True)
    return [
        [column.to_pylist() for column in batch.columns],
        batch.record_numbers.tolist(),
        batch.line_numbers.tolist(),
        batch.rejects,
        batch.n_bytes,
        batch.n_lines,
    ]


def records_of(data: bytes, columns: tuple[str, ...] = ("a", "b")) -> list[Any]:
    """Read a whole file: records with their numbers and lines, and rejects."""
    file = CsvFile("a.csv", io.BytesIO(data), lambda names: len({*names} & {*columns}))
    rows, rejects = [], []
    for batch in file.batches():
        numbers = zip(batch.record_numbers.tolist(), batch.line_numbers, strict=True)
        fields = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        rows += [(*where, *row) for where, row in zip(numbers, fields, strict=True)]
        rejects += [(r.line_number, r.reason_code, r.text) for r in batch.rejects]
    return [rows, rejects]


@settings(max_examples=600, deadline=None)
@given(
    pieces=st.lists(PIECES, max_size=14),
    is_last=st.booleans(),
    n_columns=st.integers(1, 3),
)
@example(pieces=[b'"', b"a", b'"', b"\n", b"\r"], is_last=False, n_columns=1)
@example(pieces=[b'"a\nb",c\n', b"1,2\n", b'"'], is_last=False, n_columns=2)
def test_the_fast_reader_reads_what_the_careful_one_reads(
    *, pieces: list[bytes], is_last: bool, n_columns: int
) -> None:
    chunk = Chunk(b"".join(pieces), is_last, line_number=5, record_number=9)
    shape = Shape(n_columns, ",")
    fast = split_plain(chunk, shape)
    if fast is not None:
        assert plain(fast) == plain(split_carefully(chunk, shape))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([1, 7, 8 << 20]),
)
def test_what_python_writes_is_read_back(
    rows: list[tuple[str, ...]], delimiter: str, quoting: int, chunk_bytes: int
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    writer.writerows([("a", "b", "c"), *rows])
    data = text.getvalue().encode()
    # A small chunk cuts every record, and every character, somewhere.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            csv_records, "CHUNK_BYTES", max(chunk_bytes, len(b"a,b,c\r\n") + 7)
        )
        found = records_of(data, ("a", "b", "c"))
    assert [row[2:] for row in found[0]] == rows
    assert [row[0] for row in found[0]] == list(range(1, len(rows) + 1))
    assert found[1] == []


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_chunks_make_no_difference(pieces: list[bytes]) -> None:
    data = b"a,b\n" + b"".join(pieces)

    def read() -> object:
        try:
            return records_of(data)
        except FileError as error:
            return error.reason_code, error.reason

    whole = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "CHUNK_BYTES", 5)
        assert read() == whole


@pytest.mark.parametrize(
    ("data", "rows", "rejects"),
    [
        (b"a,b\n1,2\n", [(1, 2, "1", "2")], []),
        (b"a,b\n1,2", [(1, 2, "1", "2")], []),
        (b"a,b\r\n1,2\r\n", [(1, 2, "1", "2")], []),
        (b"a,b\n1,2\r\n3,4\n", [(1, 2, "1", "2"), (2, 3, "3", "4")], []),
        (b"a,b\n", [], []),
        (b"a,b", [], []),
        (b"\n\na,b\n\n\r\n1,2\n\n", [(1, 6, "1", "2")], []),
        (b'a,b\n"x ""y""",","\n', [(1, 2, 'x "y"', ",")], []),
        (b'a,b\n"","\r"\n', [(1, 2, "", "\r")], []),
        # Quotes inside an unquoted field are only text.
        (b'a,b\n5" nail,2\n3,x"\n', [(1, 2, '5" nail', "2"), (2, 3, "3", 'x"')], []),
        # Line numbers count the file's lines, not its records.
        (
            b'a,b\n1,"x\ny\nz"\n2\n3,4,5\n6,7\n',
            [(1, 2, "1", "x\ny\nz"), (4, 7, "6", "7")],
            [(5, "wrong_field_count", "2"), (6, "wrong_field_count", "3,4,5")],
        ),
        (
            b'a,b\n"h\nh",1\n"x"y,2\n3,4\n',
            [(1, 2, "h\nh", "1"), (3, 5, "3", "4")],
            [(4, "malformed_csv", '"x"y,2')],
        ),
        # A stray opening quote takes in all lines up to the next quote.
        (
            b'a,b\n1,"x\n2,y\n3,"z"\n4,w\n',
            [(2, 5, "4", "w")],
            [(2, "malformed_csv", '1,"x\n2,y\n3,"z"')],
        ),
        (
            b"a,b\n1,x\ry\n2,z\n",
            [(2, 3, "2", "z")],
            [(2, "malformed_csv", "1,x\ry")],
        ),
        (
            "a,b\n1,é\n".encode() + b"2,\xe9\n3,z\n",
            [(1, 2, "1", "é"), (3, 4, "3", "z")],
            [(3, "invalid_utf8", "2,\\xe9")],
        ),
        (b"a,b\n1,2,\n", [], [(2, "wrong_field_count", "1,2,")]),
        (b"a;b\n1;2,5\n", [(1, 2, "1", "2,5")], []),
        (b'"a"\t"b"\n1\t2\n', [(1, 2, "1", "2")], []),
        # Nothing known in the header: it is taken for commas.
        (b"x;y\n1;2\n", [(1, 2, "1;2")], []),
    ],
)
def test_records_and_their_lines(
    data: bytes, rows: list[Any], rejects: list[Any]
) -> None:
    assert records_of(data) == [rows, rejects]


def test_a_long_field_is_read_carefully_too() -> None:
    long = "x" * 200_000
    data = f'a,b\n5" nail,{long}\n'.encode()
    assert records_of(data) == [[(1, 2, '5" nail', long)], []]


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"\n\n", "empty_file", "no header line"),
        (b'"a,b\n1,2\n', "malformed_csv", "header can't be read"),
        (b"a,\xff\n", "not_utf8", "the header is no UTF-8"),
        (b'a,b\n1,2\n3,"x\n4,5\n', "unclosed_quote", "starts on line 3 is never"),
    ],
)
def test_files_that_fail_as_a_whole(data: bytes, code: str, reason: str) -> None:
    with pytest.raises(FileError, match=reason) as caught:
        records_of(data)
    assert caught.value.reason_code == code


def test_a_quote_left_open_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_records, "CHUNK_BYTES", 16)
    monkeypatch.setattr(csv_records, "MAX_RECORD_BYTES", 64)
    stream = io.BytesIO(b'a,b\n1,"x\n' + b"2,y\n" * 1000)
    file = CsvFile("a.csv", stream, len)
    with pytest.raises(FileError, match="line 2 is never closed"):
        list(file.batches())
    assert stream.tell() < 200
