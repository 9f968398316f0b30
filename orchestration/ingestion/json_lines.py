"""JSON lines: one record a line, kept as it arrived.

Belongs here: splitting of lines. Which line is a JSON object is for the engine that
will read it to say, so `readers` asks the warehouse.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.text_records import (
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
    from collections.abc import Iterator


# A shorter text stands in the view itself.
INLINED_BYTES = 12
SPACE = 0x20


def read_json_lines(stream: IO[bytes]) -> Iterator[Batch]:
    """Split a stream into lines.

    Parameters
    ----------
    stream
        Bytes after any byte order mark.

    Yields
    ------
    Batch
        Lines in order, in one column. Blank lines are no records. Lines that are no
        UTF-8 (`invalid_utf8`) or longer than 16 MiB (`record_too_long`) are rejects.
    """
    carry = b""
    line_number = record_number = 1
    is_last = False
    while not is_last:
        block = stream.read(CHUNK_BYTES)
        is_last = not block
        data = carry + block
        batch = split_lines(Chunk(data, is_last, line_number, record_number))
        if batch.n_records:
            yield batch
        carry = data[batch.n_bytes :]
        line_number += batch.n_lines
        record_number += batch.n_records
        if len(carry) > MAX_RECORD_BYTES:
            yield _too_long(line_number)
            carry, is_last = _after_line(stream)
            line_number += 1
            record_number += 1


def _too_long(line_number: int) -> Batch:
    reject = Reject(
        line_number,
        RecordReason.RECORD_TOO_LONG,
        f"a line longer than {MAX_RECORD_BYTES >> 20} MiB",
        None,
    )
    return batch_of_rows([], 1, [reject], 0, 0)


def _after_line(stream: IO[bytes]) -> tuple[bytes, bool]:
    """Skip the rest of a line; return what is read after it, and whether all was."""
    while block := stream.read(CHUNK_BYTES):
        line_end = block.find(b"\n")
        if line_end >= 0:
            return block[line_end + 1 :], False
    return b"", True


def split_lines(chunk: Chunk) -> Batch:
    """Split a chunk into its complete lines.

    Parameters
    ----------
    chunk
        Bytes; unless it is the last, what follows the last line feed is left over.

    Returns
    -------
    Batch
        As in `read_json_lines`.
    """
    n_bytes = len(chunk.data) if chunk.is_last else chunk.data.rfind(b"\n") + 1
    data = chunk.data[:n_bytes]
    try:
        data.decode()
    except UnicodeDecodeError:
        return _split_carefully(data, chunk.line_number, chunk.record_number)
    batch = _split_plain(data, chunk.line_number, chunk.record_number)
    if batch is not None:
        return batch
    array = np.frombuffer(data, dtype=np.uint8)
    line_feeds = find_bytes(array, LINE_FEED)
    ends = line_feeds
    if data and not data.endswith(b"\n"):
        ends = np.append(line_feeds, n_bytes)
    returns = carriage_returns_before(array, ends)
    texts = cut_text(array, ends, np.sort(np.concatenate([line_feeds, returns])))
    is_record = np.asarray(pc.not_equal(pc.ascii_trim_whitespace(texts), ""))
    n_records = int(is_record.sum())
    return Batch(
        columns=[texts.filter(pa.array(is_record))],
        record_numbers=chunk.record_number + np.arange(n_records, dtype=np.int64),
        line_numbers=chunk.line_number + np.flatnonzero(is_record),
        rejects=[],
        n_bytes=n_bytes,
        n_lines=len(ends),
    )


def _split_plain(data: bytes, line_number: int, record_number: int) -> Batch | None:
    """Split lines as most senders write them, without a copy of any.

    Returns
    -------
    Batch or None
        None where a line is blank, starts with a blank, ends in a carriage return or is
        shorter than a view holds: that needs a closer look.
    """
    if not data or b"\r" in data:
        return None
    array = np.frombuffer(data, dtype=np.uint8)
    ends = find_bytes(array, LINE_FEED)
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    if (ends - starts <= INLINED_BYTES).any() or (array[starts] <= SPACE).any():
        return None
    # A view: length, first four bytes, which buffer, where in it.
    views = np.zeros((len(ends), 4), dtype=np.int32)
    views[:, 0] = ends - starts
    views[:, 1] = array[starts[:, None] + np.arange(4)].view(np.int32)[:, 0]
    views[:, 3] = starts
    texts = pa.Array.from_buffers(
        pa.string_view(), len(ends), [None, pa.py_buffer(views), pa.py_buffer(data)]
    )
    return Batch(
        columns=[texts],
        record_numbers=record_number + np.arange(len(ends), dtype=np.int64),
        line_numbers=line_number + np.arange(len(ends), dtype=np.int64),
        rejects=[],
        n_bytes=len(data),
        n_lines=len(ends),
    )


def _split_carefully(data: bytes, line_number: int, record_number: int) -> Batch:
    """Split lines of which some are no UTF-8, one by one."""
    rows, rejects = [], []
    lines = data.removesuffix(b"\n").split(b"\n")
    for number, line in enumerate(lines, start=line_number):
        if not line.strip():
            continue
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            rejects.append(
                Reject(number, RecordReason.INVALID_UTF8, "not UTF-8", printable(line))
            )
        else:
            rows.append((record_number, number, [text]))
        record_number += 1
    return batch_of_rows(rows, 1, rejects, len(data), len(lines))
