"""Text for millions of records at once: Arrow arrays in, lines of a file out.

Every record is joined from fragments by Arrow's kernels; what needs quoting is quoted
once in a small table and picked by index. Nothing here knows what a record means.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.files import WrittenFile, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Booleans = npt.NDArray[np.bool_]

DAY_MS = 86_400_000
# Level 4 takes a third of level 9's time for a tenth more bytes.
COMPRESSION_LEVEL = 4
# A join's result must stay below Arrow's 2 GB for one array of text.
CHUNK_ROWS = 250_000


def _digit_table(width: int) -> npt.NDArray[np.uint8]:
    texts = "".join(f"{number:0{width}d}" for number in range(10**width))
    return np.frombuffer(texts.encode(), dtype=np.uint8).reshape(-1, width)


TWO_DIGITS = _digit_table(2)
THREE_DIGITS = _digit_table(3)
FOUR_DIGITS = _digit_table(4)
HEX_PAIRS = np.frombuffer(
    "".join(f"{byte:02x}" for byte in range(256)).encode(), dtype=np.uint8
).reshape(-1, 2)


def fixed(characters: npt.NDArray[np.uint8]) -> pa.Array:
    """Return the rows of an (n, width) array of ASCII codes as n texts."""
    n_rows, width = characters.shape
    offsets = np.arange(n_rows + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(
        n_rows,
        pa.py_buffer(offsets),
        pa.py_buffer(np.ascontiguousarray(characters)),
    )


def pick(table: Sequence[str] | pa.Array, index: Integers) -> pa.Array:
    """Return the table's entries at `index`, empty text where that is negative."""
    texts = table if isinstance(table, pa.Array) else pa.array(table, pa.string())
    found = texts.take(pa.array(index, mask=index < 0))
    return pc.fill_null(found, "")


def choose(mask: Booleans, yes: pa.Array | str, no: pa.Array | str) -> pa.Array:
    """Return `yes` where the mask holds, else `no`."""
    return pc.if_else(pa.array(mask), yes, no)


def join(*parts: pa.Array | str) -> pa.Array:
    """Return the parts of every row as one text; a plain text goes into every row."""
    return pc.binary_join_element_wise(*parts, "")


def integers(values: Integers) -> pa.Array:
    """Return whole numbers as text."""
    return pc.cast(pa.array(values), pa.string())


def money(cents: Integers) -> pa.Array:
    """Return cents as text in major units, two decimals."""
    size = np.abs(cents)
    return join(
        choose(cents < 0, "-", ""),
        integers(size // 100),
        ".",
        fixed(TWO_DIGITS[size % 100]),
    )


def _stamps(times: Integers, width: int, separator: str) -> npt.NDArray[np.uint8]:
    days, within = np.divmod(times, DAY_MS)
    first = int(days.min(initial=0)) if len(days) else 0
    first = int(days.min()) if len(days) else 0
    n_days = int(days.max()) - first + 1 if len(days) else 1
    dates = np.datetime_as_string(
        np.arange(first, first + n_days).astype("datetime64[D]")
    )
    table = np.frombuffer("".join(dates.tolist()).encode(), np.uint8).reshape(-1, 10)
    stamps = np.empty((len(times), width), dtype=np.uint8)
    stamps[:, :10] = table[days - first]
    stamps[:, 10] = ord(separator)
    stamps[:, 11:13] = TWO_DIGITS[within // 3_600_000]
    stamps[:, 13] = ord(":")
    stamps[:, 14:16] = TWO_DIGITS[within // 60_000 % 60]
    stamps[:, 16] = ord(":")
    stamps[:, 17:19] = TWO_DIGITS[within // 1000 % 60]
    return stamps


def utc_times(times: Integers) -> pa.Array:
    """Return UTC milliseconds as ISO 8601 with milliseconds and Z."""
    stamps = _stamps(times, 24, "T")
    stamps[:, 19] = ord(".")
    stamps[:, 20:23] = THREE_DIGITS[times % 1000]
    stamps[:, 23] = ord("Z")
    return fixed(stamps)


def utc_seconds(times: Integers) -> pa.Array:
    """Return UTC milliseconds as ISO 8601 to the second with Z."""
    stamps = _stamps(times, 20, "T")
    stamps[:, 19] = ord("Z")
    return fixed(stamps)


def local_seconds(times: Integers) -> pa.Array:
    """Return milliseconds as a date and a time without an offset."""
    return fixed(_stamps(times, 19, " "))


def dates(times: Integers) -> pa.Array:
    """Return the dates of milliseconds, as 2025-01-31."""
    return fixed(_stamps(times, 19, " ")[:, :10])


def uuids(rng: np.random.Generator, count: int) -> pa.Array:
    """Return random UUIDs of version 4."""
    content = np.frombuffer(rng.bytes(16 * count), np.uint8).reshape(count, 16).copy()
    content[:, 6] = content[:, 6] & 0x0F | 0x40
    content[:, 8] = content[:, 8] & 0x3F | 0x80
    pairs = HEX_PAIRS[content].reshape(count, 32)
    texts = np.full((count, 36), ord("-"), dtype=np.uint8)
    at = 0
    for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)):
        texts[:, at : at + end - start] = pairs[:, start:end]
        at += end - start + 1
    return fixed(texts)


def groups_joined(values: pa.Array, starts: Integers, separator: str = ",") -> pa.Array:
    """Return one text for each run of values.

    Parameters
    ----------
    values
        Texts, grouped.
    starts
        Where each group starts, and last the number of values: (n_groups + 1,).
    separator
        What goes between two values of a group.
    """
    lists = pa.ListArray.from_arrays(pa.array(starts.astype(np.int32)), values)
    return pc.binary_join(lists, separator)


def replaced(texts: pa.Array, index: Integers, others: Sequence[str]) -> pa.Array:
    """Return the texts with those at `index` (ascending) replaced."""
    mask = np.zeros(len(texts), dtype=np.bool_)
    mask[index] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(others, pa.string()))


def in_chunks(
    rows: Integers, build: Callable[[Integers], pa.Array]
) -> Iterable[pa.Array]:
    """Yield what `build` makes of the rows, a chunk at a time."""
    for start in range(0, len(rows), CHUNK_ROWS):
        yield build(rows[start : start + CHUNK_ROWS])


def write_records(
    path: Path, chunks: Iterable[pa.Array], n_records: int, header: str = ""
) -> WrittenFile:
    """Write records, one a line, compressed without a time if the name ends in .gz."""

    def lines() -> Iterable[Any]:
        if header:
            yield f"{header}\n".encode()
        for chunk in chunks:
            ended = join(chunk, "\n")
            offsets = np.frombuffer(ended.buffers()[1], np.int32, len(ended) + 1)
            yield memoryview(ended.buffers()[2])[offsets[0] : offsets[-1]]

    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            if path.suffix != ".gz":
                for part in lines():
                    stream.write(part)
                return
            with gzip.GzipFile(
                "", "wb", COMPRESSION_LEVEL, fileobj=stream, mtime=0
            ) as packed:
                for part in lines():
                    packed.write(part)

    return WrittenFile(path, n_records, write_atomically(path, write))
