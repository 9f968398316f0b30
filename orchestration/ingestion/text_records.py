"""Bytes of a text file become records: what CSV and JSON lines share.

Belongs here: chunks, lines and Arrow text, and what is kept of an unreadable record.

DuckDB's own CSV reader is not used for these. Version 2.0 counts records, not lines,
once a quoted field holds a line break; refuses a whole file for one line that ends
another way; drops an empty surplus field in silence; and loses the bytes of a line that
isn't UTF-8. A rejected line must be found again by its number.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from orchestration.ingestion.landing import FileError, FileReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from orchestration.ingestion.landing import LandedFile

CHUNK_BYTES = 8 << 20
MAX_RECORD_BYTES = 16 << 20
LINE_FEED, CARRIAGE_RETURN = 0x0A, 0x0D
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Chunk:
    """A part of a file that starts where a record starts.

    Attributes
    ----------
    data
        The bytes; the last record may be cut, unless `is_last`.
    is_last
        Whether the file ends here.
    line_number, record_number
        What the first line and the first record are counted as.
    """

    data: bytes
    is_last: bool
    line_number: int
    record_number: int


class RecordReason(StrEnum):
    """Why a record could not be read: the codes of `raw.rejected_lines`."""

    WRONG_FIELD_COUNT = "wrong_field_count"
    MALFORMED_CSV = "malformed_csv"
    INVALID_UTF8 = "invalid_utf8"
    RECORD_TOO_LONG = "record_too_long"
    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"


@dataclass(frozen=True)
class Reject:
    r"""A record that could not be read.

    Attributes
    ----------
    line_number
        The file's line, from 1, on which the record starts.
    reason_code, reason
        Why, for machines and in words; no value of the record.
    text
        The record as it arrived, bytes that are no UTF-8 as `\xNN`; None when it is too
        long to be kept.
    """

    line_number: int
    reason_code: RecordReason
    reason: str
    text: str | None


@dataclass(frozen=True)
class Batch:
    """Some records of a file.

    Attributes
    ----------
    columns
        Text by position of the column in the file, all of one length.
    record_numbers
        Ordinal in the file, from 1, of each row; unreadable records count too.
    line_numbers
        Line of the file, from 1, on which each row starts.
    rejects
        The unreadable ones among the same records.
    n_bytes, n_lines
        How much of the file the records took.
    """

    columns: list[pa.Array]
    record_numbers: npt.NDArray[np.int64]
    line_numbers: npt.NDArray[np.int64]
    rejects: list[Reject]
    n_bytes: int
    n_lines: int

    @property
    def n_records(self) -> int:
        """Records, unreadable ones included."""
        return len(self.record_numbers) + len(self.rejects)


def batch_of_rows(
    rows: list[tuple[int, int, list[str]]],
    n_columns: int,
    rejects: list[Reject],
    n_bytes: int,
    n_lines: int,
) -> Batch:
    """Make a batch of rows that were read one by one.

    Parameters
    ----------
    rows
        Record number, line number and fields of each.
    n_columns
        Fields of a row.
    rejects, n_bytes, n_lines
        As in `Batch`.

    Returns
    -------
    Batch
        The same, by column.
    """
    return Batch(
        columns=[
            pa.array([fields[position] for _, _, fields in rows], pa.string())
            for position in range(n_columns)
        ],
        record_numbers=np.array([number for number, _, _ in rows], dtype=np.int64),
        line_numbers=np.array([line for _, line, _ in rows], dtype=np.int64),
        rejects=rejects,
        n_bytes=n_bytes,
        n_lines=n_lines,
    )


def printable(data: bytes) -> str:
    r"""Decode bytes, those that are no UTF-8 as `\xNN`, without the line end."""
    return data.decode("utf-8", "backslashreplace").rstrip("\r\n")


@contextmanager
def open_text(file: LandedFile) -> Iterator[IO[bytes]]:
    """Open a text file, plain or gzip, past its byte order mark.

    Raises
    ------
    FileError
        `empty_file`, `not_utf8` for UTF-16, or `unreadable_file` for broken gzip.
    """
    opener = gzip.open if file.is_compressed else open
    try:
        with opener(file.path, "rb") as stream:
            start = stream.read(len(codecs.BOM_UTF8))
            if not start:
                raise FileError(FileReason.EMPTY_FILE, f"{file.name}: no content")
            if start.startswith(UTF_16_MARKS):
                raise FileError(
                    FileReason.NOT_UTF8, f"{file.name}: UTF-16; save it as UTF-8"
                )
            stream.seek(len(start) if start == codecs.BOM_UTF8 else 0)
            yield stream  # type: ignore[misc]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileError(
            FileReason.UNREADABLE_FILE,
            f"{file.name}: broken or cut gzip ({type(error).__name__})",
        ) from None


def find_bytes(data: npt.NDArray[np.uint8], *values: int) -> npt.NDArray[np.int64]:
    """Return the ascending positions of any of some byte values."""
    found = data == values[0]
    for value in values[1:]:
        found |= data == value
    return np.flatnonzero(found)


def carriage_returns_before(
    data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the positions of carriage returns directly before line ends."""
    before = ends[ends > 0] - 1
    is_return: npt.NDArray[np.bool_] = data[before] == CARRIAGE_RETURN
    return before[is_return]


def cut_text(
    data: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
    dropped: npt.NDArray[np.int64],
) -> pa.Array:
    """Cut valid UTF-8 into texts, without the bytes that only separate them.

    Parameters
    ----------
    data
        Bytes, up to the last end.
    ends
        Ascending position of each text's end (exclusive); each text starts where the
        one before it ended.
    dropped
        Ascending positions, without repeats, of bytes that belong to no text.

    Returns
    -------
    pyarrow.StringArray
        As many texts as ends.
    """
    kept = np.ones(len(data), dtype=bool)
    kept[dropped] = False
    offsets = np.zeros(len(ends) + 1, dtype=np.int32)
    offsets[1:] = ends - np.searchsorted(dropped, ends)
    return pa.StringArray.from_buffers(
        len(ends), pa.py_buffer(offsets), pa.py_buffer(data[kept])
    )
