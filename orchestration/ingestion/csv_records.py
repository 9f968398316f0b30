"""CSV: records of RFC 4180, split at the speed of arrays where a file keeps its rules.

Belongs here: which bytes are a record and its fields. Two readers share the work, chunk
by chunk. `split_plain` reads a chunk whose every quote stands where RFC 4180 has it, so
that there is only one way to read it; `split_carefully` reads any other with Python's
`csv` module, record by record.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from orchestration.ingestion.landing import FileError, FileReason
from orchestration.ingestion.text_records import (
    CARRIAGE_RETURN,
    CHUNK_BYTES,
    LINE_FEED,
    MAX_RECORD_BYTES,
    Batch,
    Chunk,
    RecordReason,
    Reject,
    batch_of_rows,
    carriage_returns_before,
    cut_text,
    find_bytes,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Positions = npt.NDArray[np.int64]
    Bytes = npt.NDArray[np.uint8]

DELIMITERS = (",", ";", "\t", "|")
QUOTE = 0x22

# The module's own limit of 128 KiB would refuse long texts; ours is on the record.
csv.field_size_limit(MAX_RECORD_BYTES + CHUNK_BYTES)


@dataclass(frozen=True)
class Shape:
    """What every record of a file must look like.

    Attributes
    ----------
    n_columns
        Fields of the header.
    delimiter
        What separates fields, one ASCII character.
    """

    n_columns: int
    delimiter: str


class CsvFile:
    """A CSV stream whose header has been read.

    Parameters
    ----------
    file_name
        For messages.
    stream
        Bytes after any byte order mark.
    n_known
        Tells how many of some column names are known. The delimiter is the one that
        finds most of them; a comma when none finds more.

    Attributes
    ----------
    header : list of str
        The column names as they stand in the file.

    Raises
    ------
    FileError
        `empty_file` without a header, `malformed_csv` or `not_utf8` for one that can't
        be read.
    """

    def __init__(
        self, file_name: str, stream: IO[bytes], n_known: Callable[[list[str]], int]
    ) -> None:
        self._file_name = file_name
        self._stream = stream
        start = stream.read(CHUNK_BYTES)
        headers = {
            delimiter: header
            for delimiter in DELIMITERS
            if (header := self._read_header(start, delimiter))
        }
        if not headers:
            raise FileError(
                FileReason.MALFORMED_CSV, f"{file_name}: the header can't be read"
            )
        delimiter = max(headers, key=lambda name: n_known(headers[name][0]))
        self.header, self._n_lines = headers[delimiter]
        self._shape = Shape(len(self.header), delimiter)
        lines = io.BytesIO(start)
        for _ in range(self._n_lines):
            lines.readline()
        self._carry = lines.read()

    def _read_header(
        self, start: bytes, delimiter: str
    ) -> tuple[list[str], int] | None:
        """Return the first record and its number of lines; None if it can't be read."""
        reader = csv.reader(
            (line.decode() for line in io.BytesIO(start)),
            delimiter=delimiter,
            strict=True,
        )
        try:
            header = next((row for row in reader if row), None)
        except csv.Error:
            return None
        except UnicodeDecodeError:
            raise FileError(
                FileReason.NOT_UTF8, f"{self._file_name}: the header is no UTF-8"
            ) from None
        if header is None:
            raise FileError(FileReason.EMPTY_FILE, f"{self._file_name}: no header line")
        return header, reader.line_num

    def batches(self) -> Iterator[Batch]:
        """Read the records.

        Yields
        ------
        Batch
            Records in order, a column of text for each of the header. Blank lines are
            no records. Records with another number of fields than the header
            (`wrong_field_count`), broken quoting (`malformed_csv`) or bytes that are no
            UTF-8 (`invalid_utf8`) are rejects.

        Raises
        ------
        FileError
            `unclosed_quote`: nothing after it could be trusted.
        """
        line_number, record_number = self._n_lines + 1, 1
        is_last = False
        while not is_last:
            block = self._stream.read(CHUNK_BYTES)
            is_last = not block
            data = self._carry + block
            chunk = Chunk(data, is_last, line_number, record_number)
            batch = split_plain(chunk, self._shape)
            if batch is None:
                batch = split_carefully(chunk, self._shape)
            if batch.n_records:
                yield batch
            self._carry = data[batch.n_bytes :]
            line_number += batch.n_lines
            record_number += batch.n_records
            # What is left at the end is a record whose quote was never closed.
            if len(self._carry) > (0 if is_last else MAX_RECORD_BYTES):
                raise FileError(
                    FileReason.UNCLOSED_QUOTE,
                    f"{self._file_name}: a quote in the record that starts on line "
                    f"{line_number} is never closed",
                )


def split_plain(chunk: Chunk, shape: Shape) -> Batch | None:
    """Split a chunk that keeps RFC 4180, all records at once.

    Parameters
    ----------
    chunk
        Bytes; lines may end in LF or CRLF, also mixed.
    shape
        Number of fields, and what separates them.

    Returns
    -------
    Batch or None
        The complete records, or None when a quote, a lone carriage return or a byte
        that is no UTF-8 asks for `split_carefully`.

    Notes
    -----
    In a file that keeps the rules, a byte is inside quotes when an odd number of quotes
    stands before it, an escaped quote being a closing one directly followed by an
    opening one. So the delimiters and line feeds with an even number before them are
    all the separators there are.
    """
    array = np.frombuffer(chunk.data, dtype=np.uint8)
    delimiter = ord(shape.delimiter)
    quotes = find_bytes(array, QUOTE)
    marks = _outside(find_bytes(array, delimiter, LINE_FEED), quotes)
    line_feeds = marks[array[marks] == LINE_FEED]
    n_bytes = int(line_feeds[-1]) + 1 if len(line_feeds) else 0
    ends, record_ends = marks[marks < n_bytes], line_feeds
    if chunk.is_last and n_bytes < len(array):
        n_bytes = len(array)
        ends, record_ends = np.append(marks, n_bytes), np.append(line_feeds, n_bytes)
    if not _is_plain(array, quotes, delimiter, is_last=chunk.is_last):
        return None
    try:
        chunk.data[:n_bytes].decode()
    except UnicodeDecodeError:
        return None
    texts = cut_text(
        array[:n_bytes],
        ends,
        np.sort(
            np.concatenate(
                [
                    ends[ends < len(array)],
                    carriage_returns_before(array, record_ends),
                    _structural(array, quotes[quotes < n_bytes]),
                ]
            )
        ),
    )

    last_fields = np.searchsorted(ends, record_ends)
    n_fields = np.diff(last_fields, prepend=-1)
    starts = np.concatenate([[0], record_ends[:-1] + 1])[: len(record_ends)]
    is_blank = _are_blank(array, starts, record_ends)
    numbers = chunk.record_number - 1 + np.cumsum(~is_blank)
    all_line_feeds = find_bytes(array[:n_bytes], LINE_FEED)
    lines = chunk.line_number + np.searchsorted(all_line_feeds, starts)
    is_good = ~is_blank & (n_fields == shape.n_columns)
    first_fields = (last_fields - n_fields + 1)[is_good]
    return Batch(
        columns=[texts.take(first_fields + place) for place in range(shape.n_columns)],
        record_numbers=numbers[is_good],
        line_numbers=lines[is_good],
        rejects=[
            _wrong_count(
                int(lines[index]),
                int(n_fields[index]),
                shape,
                chunk.data[starts[index] : record_ends[index]],
            )
            for index in np.flatnonzero(~is_blank & ~is_good)
        ],
        n_bytes=n_bytes,
        n_lines=len(all_line_feeds)
        + int(n_bytes > 0 and array[n_bytes - 1] != LINE_FEED),
    )


def _outside(positions: Positions, quotes: Positions) -> Positions:
    """Keep the positions that have an even number of quotes before them."""
    is_outside: npt.NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 0
    return positions[is_outside]


def _is_plain(
    array: Bytes, quotes: Positions, delimiter: int, *, is_last: bool
) -> bool:
    """Whether all quotes and carriage returns stand where RFC 4180 has them."""
    if is_last and len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    before = array[opening[opening > 0] - 1]
    after = array[closing[closing < len(array) - 1] + 1]
    if not np.isin(before, (delimiter, LINE_FEED, QUOTE)).all():
        return False
    if not np.isin(after, (delimiter, LINE_FEED, QUOTE, CARRIAGE_RETURN)).all():
        return False
    returns = _outside(find_bytes(array, CARRIAGE_RETURN), quotes)
    # A chunk may be cut between carriage return and line feed.
    returns = returns[returns < len(array) - 1]
    return bool((array[returns + 1] == LINE_FEED).all())


def _structural(array: Bytes, quotes: Positions) -> Positions:
    """Return the quotes that are no text: all but the first of an escaped pair."""
    closing = quotes[1::2]
    is_text = np.zeros(len(quotes), dtype=bool)
    is_text[1::2] = array[np.minimum(closing + 1, len(array) - 1)] == QUOTE
    # The very last byte has nothing after it, so it closes.
    is_text &= quotes < len(array) - 1
    return quotes[~is_text]


def _are_blank(
    array: Bytes, starts: Positions, ends: Positions
) -> npt.NDArray[np.bool_]:
    """Tell which records are empty lines."""
    length = ends - starts
    is_return = array[np.minimum(starts, len(array) - 1)] == CARRIAGE_RETURN
    is_blank: npt.NDArray[np.bool_] = (length == 0) | ((length == 1) & is_return)
    return is_blank


def _wrong_count(
    line_number: int, n_fields: int, shape: Shape, record: bytes
) -> Reject:
    return Reject(
        line_number,
        RecordReason.WRONG_FIELD_COUNT,
        f"fields: {n_fields}, the header has {shape.n_columns}",
        printable(record),
    )


class _Lines:
    """Lines for the `csv` module that remember how many it took."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self.position = 0
        self.is_utf8 = True
        self.is_exhausted = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.position == len(self._lines):
            self.is_exhausted = True
            raise StopIteration
        line = self._lines[self.position]
        self.position += 1
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.is_utf8 = False
            return line.decode("utf-8", "backslashreplace")


def split_carefully(chunk: Chunk, shape: Shape) -> Batch:
    """Split a chunk record by record.

    Parameters
    ----------
    chunk, shape
        As in `split_plain`.

    Returns
    -------
    Batch
        The complete records. A record whose quoting is broken reaches as far as the
        `csv` module had to read to see it. One with a quote that isn't closed is left
        over.
    """
    n_bytes = len(chunk.data) if chunk.is_last else chunk.data.rfind(b"\n") + 1
    lines = list(io.BytesIO(chunk.data[:n_bytes]))
    feed = _Lines(lines)
    reader = csv.reader(feed, delimiter=shape.delimiter, strict=True)
    rows: list[tuple[int, int, list[str]]] = []
    rejects: list[Reject] = []
    while True:
        start = feed.position
        feed.is_utf8 = True
        fields: list[str] | None
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error:
            if feed.is_exhausted:
                feed.position = start
                break
            fields = None
        if fields == []:
            continue
        line = chunk.line_number + start
        number = chunk.record_number + len(rows) + len(rejects)
        record = b"".join(lines[start : feed.position])
        if not feed.is_utf8:
            rejects.append(
                Reject(line, RecordReason.INVALID_UTF8, "not UTF-8", printable(record))
            )
        elif fields is None:
            reason = (
                "a quote or a line break where none may be; the record ends on line "
                f"{chunk.line_number + feed.position - 1}"
            )
            rejects.append(
                Reject(line, RecordReason.MALFORMED_CSV, reason, printable(record))
            )
        elif len(fields) != shape.n_columns:
            rejects.append(_wrong_count(line, len(fields), shape, record))
        else:
            rows.append((number, line, fields))
    return batch_of_rows(
        rows,
        shape.n_columns,
        rejects,
        sum(map(len, lines[: feed.position])),
        feed.position,
    )
