"""Landing files that still hold somebody who was erased.

Landing files are the shop's: they are named, and rewritten only where somebody asks.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import shutil
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ingestion.contracts import landed_streams
from orchestration.ingestion.landing import (
    FileError,
    LandedFile,
    find_files,
    take_fingerprint,
)
from orchestration.ingestion.macros import remember_salt
from orchestration.ingestion.readers import (
    ErasedLines,
    Load,
    find_erased_lines,
    find_erased_rows,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    import duckdb

    from orchestration.ingestion.contracts import TableContract

logger = logging.getLogger(__name__)

# The newest load of each path, where more was erased from it than its file has lost.
_HOLDING = """
    select load_id, file_path, file_sha256, rewritten_sha256, n_erased
    from (
        select
            manifest.*,
            erased.n_erased,
            row_number() over (
                partition by source_name, stream_name, file_path order by load_id desc
            ) as recency
        from raw.load_manifest as manifest
        left join (
            select load_id, sum(n_records) :: bigint as n_erased
            from raw.erased_records
            group by load_id
        ) as erased using (load_id)
    )
    where recency = 1 and n_erased > coalesce(n_rewritten, 0)
"""


def files_with_erased(
    connection: duckdb.DuckDBPyConnection, landing_dir: Path
) -> list[LandedFile]:
    """List the landed files from which records were erased or left out.

    Parameters
    ----------
    connection
        The warehouse, open for reading.
    landing_dir
        The landing folder.

    Returns
    -------
    list of LandedFile
        Those that still lie there, in order of their path. Files that were never loaded
        aren't known.
    """
    names = {row[1] for row in connection.execute(_HOLDING).fetchall()}
    return [file for file in find_files(landing_dir) if file.name in names]


def rewrite_files(
    connection: duckdb.DuckDBPyConnection,
    landing_dir: Path,
    tables: Collection[TableContract],
    calling_codes: Mapping[str, str],
    now: dt.datetime,
) -> list[LandedFile]:
    """Rewrite every landed file without the people who were erased.

    Parameters
    ----------
    connection
        The warehouse, open for writing, outside a transaction.
    landing_dir
        The landing folder.
    tables
        All contracts.
    calling_codes
        Country calling code of telephone numbers by source.
    now
        Time of the run, UTC without a zone.

    Returns
    -------
    list of LandedFile
        The files that were rewritten. One that has changed since it was loaded, or
        can't be read, is left and stays in the list of `files_with_erased`.

    Notes
    -----
    What stays of a text file keeps its bytes; a Parquet file keeps its schema and
    compression. The manifest learns the new hash first, so a run that is killed leaves
    a file that it knows, the old one or the new one.
    """
    remember_salt(connection)
    streams = landed_streams(tables)
    files = {file.name: file for file in find_files(landing_dir)}
    rewritten = []
    for load_id, name, sha256, earlier, n_erased in connection.execute(
        _HOLDING
    ).fetchall():
        file = files.get(name)
        if file is None:
            continue
        table = streams[file.stream]
        code = calling_codes.get(table.source_name)
        load = Load(table, load_id, now, is_suppressing=True, calling_code=code)
        known = (sha256, *(earlier or "").split())
        if take_fingerprint(file).sha256 not in known:
            logger.warning("%s: changed since it was loaded; not rewritten", name)
            continue
        try:
            scratch = _write_without(connection, file, load)
        except FileError as error:
            logger.warning("not rewritten: %s", error.reason)
            continue
        shutil.copymode(file.path, scratch)
        with scratch.open("rb") as stream:
            new = hashlib.file_digest(stream, "sha256").hexdigest()
        hashes = [new, *(other for other in known[1:] if other != new)]
        connection.execute(
            "update raw.load_manifest set rewritten_sha256 = ?, n_rewritten = ? "
            "where load_id = ?",
            [" ".join(hashes), n_erased, load_id],
        )
        scratch.replace(file.path)
        rewritten.append(file)
    return rewritten


def _write_without(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, load: Load
) -> Path:
    """Write a file beside another one, without the people who were erased."""
    # Hidden, so that nobody takes it for a landed file.
    scratch = file.path.with_name(f".{file.path.name}.rewritten")
    formats = load.table.landing.formats if load.table.landing else ()
    file_format = file.file_format(formats)
    if file_format == "parquet":
        _write_parquet(file.path, scratch, find_erased_rows(connection, file, load))
    else:
        lines = find_erased_lines(connection, file, file_format, load)
        _write_text(file, scratch, lines)
    with scratch.open("rb") as stream:
        os.fsync(stream.fileno())
    return scratch


def _write_text(file: LandedFile, scratch: Path, erased: ErasedLines) -> None:
    """Copy all lines but some."""
    ranges = iter(erased.ranges)
    first, after = next(ranges, (None, None))
    with (
        _opened(file, file.path, "rb") as source,
        _opened(file, scratch, "wb") as target,
    ):
        for number, line in enumerate(source, start=1):
            while first is not None and after is not None and number >= after:
                first, after = next(ranges, (None, None))
            if first is None or number < first:
                target.write(line)


@contextmanager
def _opened(file: LandedFile, path: Path, mode: str) -> Iterator[IO[bytes]]:
    """Open plain or compressed, as the landed file's name says."""
    if not file.is_compressed:
        with path.open(mode) as stream:
            yield cast("IO[bytes]", stream)
        return
    with (
        path.open(mode) as raw,
        gzip.GzipFile("", mode, fileobj=raw, mtime=0) as stream,
    ):
        yield cast("IO[bytes]", stream)


def _write_parquet(path: Path, scratch: Path, erased: list[int]) -> None:
    """Copy all rows but some."""
    source = pq.ParquetFile(path)
    codec = "snappy"
    if source.metadata.num_row_groups and source.metadata.num_columns:
        codec = source.metadata.row_group(0).column(0).compression.lower()
    first = 1
    with pq.ParquetWriter(
        scratch,
        source.schema_arrow,
        compression="none" if codec == "uncompressed" else codec,
    ) as target:
        for batch in source.iter_batches():
            numbers = np.arange(first, first + batch.num_rows)
            kept = np.isin(numbers, erased, invert=True)
            target.write_batch(batch.filter(pa.array(kept)))
            first += batch.num_rows
