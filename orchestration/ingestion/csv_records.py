"""CSV: records of RFC 4180, split at the speed of arrays where the file keeps its rules.

Belongs here: which bytes are a record and its fields. Two readers share the work, chunk
by chunk. `split_plain` reads a chunk whose every quote stands where RFC 4180 has it, so
that there is only one way to read it; `split_carefully` reads any other with Python's
`csv` module, record by record.
"""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING

import numpy as np

from orchestration.ingestion.landing import FileError
from orchestration.ingestion.text_records import (
    CARRIAGE_RETURN,
    CHUNK_BYTES,
    LINE_FEED,
    MAX_RECORD_BYTES,
    Batch,
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

DELIMITERS = (",", ";", "\t", "|")
QUOTE = 0x22


class CsvFile:
    """A CSV stream whose header has been read.

    Parameters
    ----------
    file_name
        For messages.
    stream
        Bytes after any byte order mark.
    n_known
        Tells how many of some column names are known; the delimiter is the one that
        finds most of them, a comma where all find as many.

    Attributes
    ----------
    header : list of str
        The column names as they stand in the file.
    delimiter : str
        What separates fields.

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
        self._carry = stream.read(CHUNK_BYTES)
        lines = self._carry.splitlines(keepends=True)
        headers = {delimiter: self._header(lines, delimiter) for delimiter in DELIMITERS}
        self.delimiter = max(DELIMITERS, key=lambda name: n_known(headers[name][0]))
        self.header, self._n_lines = headers[self.delimiter]
        self._carry = self._carry[sum(map(len, lines[: self._n_lines])) :]

    def _header(self, lines: list[bytes], delimiter: str) -> tuple[list[str], int]:
        reader = csv.reader(
            (line.decode() for line in lines), delimiter=delimiter, strict=True
        )
        try:
            header = next((row for row in reader if row), None)
        except UnicodeDecodeError:
            raise FileError(
                "not_utf8", f"{self._file_name}: the header isn't UTF-8"
            ) from None
        except csv.Error:
            raise FileError(
                "malformed_csv", f"{self._file_name}: the header's quoting is broken"
            ) from None
        if header is None:
            raise FileError("empty_file", f"{self._file_name}: no header line")
        return header, reader.line_num

    def batches(self) -> Iterator[Batch]:
        """Read the records.

        Yields
        ------
        Batch
            Records in order. Blank lines are no records. Records with another number
            of fields than the header (`wrong_field_count`), broken quoting
            (`malformed_csv`) or bytes that are no UTF-8 (`invalid_utf8`) are rejects.

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
            arguments = (data, len(self.header), self.delimiter)
            position = (is_last, line_number, record_number)
            batch = split_plain(*arguments, *position)
            if batch is None:
                batch = split_carefully(*arguments, *position)
            yield batch
            self._carry = data[batch.n_bytes :]
            line_number += batch.n_lines
            record_number += batch.n_records
            # What is left at the end is a record whose quote was never closed.
            if len(self._carry) > (0 if is_last else MAX_RECORD_BYTES):
                raise FileError(
                    "unclosed_quote",
                    f"{self._file_name}: a quote opened in the record that starts on "
                    f"line {line_number} is not closed",
                )


def split_plain(  # noqa: PLR0913 - a chunk, its dialect and where it stands
    data: bytes,
    n_columns: int,
    delimiter: str,
    is_last: bool,
    line_number: int,
    record_number: int,
) -> Batch | None:
"""
"""
