"""Loading: which landed files are new, and one transaction for each of them.

Belongs here: the manifest, the rules of delivery, and what is reported. How bytes
become records is the readers'.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from orchestration.ingestion.contracts import create_raw_tables, landed_streams
from orchestration.ingestion.landing import (
    FileError,
    FileReason,
    Fingerprint,
    LandedFile,
    find_files,
    mask_contacts,
    take_fingerprint,
)
from orchestration.ingestion.macros import remember_salt
from orchestration.ingestion.readers import Counts, Load, read_file
from orchestration.ingestion.salt import keep_salt
from orchestration.warehouse import compose, relation_name, transaction

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import duckdb

    from orchestration.ingestion.contracts import TableContract

Status = Literal[
    "loaded", "replaced", "duplicate_file", "unchanged", "failed", "changed_while_read"
]

KEEP_REJECTED_TEXT_DAYS = 30

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileResult:
    """What became of a landed file.

    Attributes
    ----------
    name
        Path relative to the landing folder.
    source_name, stream_name
        Its first two folders.
    status
        `loaded`; `replaced`, loaded in the place of an older version; `duplicate_file`,
        content that is loaded already; `unchanged` since an earlier run; `failed`; or
        `changed_while_read`, left for the next run.
    load_id
        Its row in the manifest; None where it has none.
    n_records, n_rejected
        Records, and the unreadable ones among them, as in the manifest.
    n_erased
        Records that were left out, since they name somebody who was erased.
    reason_code, reason
        Why it failed or was left.
    """

    name: str
    source_name: str | None
    stream_name: str | None
    status: Status
    load_id: int | None = None
    n_records: int = 0
    n_rejected: int = 0
    n_erased: int = 0
    reason_code: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class LoadReport:
    """What became of all files of a run.

    Attributes
    ----------
    files
        In order of their path.
    n_resolved_failures
        Earlier failures that this run no longer met.
    """

    files: tuple[FileResult, ...]
    n_resolved_failures: int = 0

    @property
    def failed(self) -> tuple[FileResult, ...]:
        """The files that failed, on this run, as a whole."""
        return tuple(file for file in self.files if file.status == "failed")

    @property
    def n_new_records(self) -> int:
        """Records that this run took from files, unreadable ones included."""
        return sum(file.n_records for file in self.files if _is_new(file))

    @property
    def n_new_rejected(self) -> int:
        """Records that this run could not read."""
        return sum(file.n_rejected for file in self.files if _is_new(file))

    def n_files(self) -> dict[Status, int]:
        """Count the files by status; statuses that no file has are left out."""
        return dict(Counter(file.status for file in self.files))

    def of_stream(self, source_name: str, stream_name: str) -> LoadReport:
        """Keep the files of one stream."""
        return replace(
            self,
            files=tuple(
                file
                for file in self.files
                if (file.source_name, file.stream_name) == (source_name, stream_name)
            ),
        )

    def lines(self) -> list[str]:
        """Describe the files that need a look, one line each."""
        return [
            mask_contacts(
                f"{file.name}: {file.status} ({file.reason_code}): {file.reason}"
                if file.reason_code
                else f"{file.name}: {file.n_rejected} of {file.n_records} "
                "records rejected"
            )
            for file in self.files
            if file.reason_code or (file.n_rejected and _is_new(file))
        ]


def _is_new(file: FileResult) -> bool:
    return file.status in ("loaded", "replaced")


def load_landed_files(  # noqa: PLR0913 - each is a choice of the caller
    connection: duckdb.DuckDBPyConnection,
    landing_dir: Path,
    tables: Collection[TableContract],
    now: dt.datetime,
    *,
    sources: Collection[str] | None = None,
    salt: str | None = None,
    calling_codes: Mapping[str, str] | None = None,
    keep_rejected_text_days: int = KEEP_REJECTED_TEXT_DAYS,
) -> LoadReport:
    """Load every landed file that isn't loaded yet.

    Parameters
    ----------
    connection
        The warehouse, open for writing, outside a transaction.
    landing_dir
        Holds `<source>/<stream>/…`.
    tables
        All contracts, as `read_contracts` gives them.
    now
        Time of the run, UTC without a zone.
    sources
        Names of the sources to load; files of other known sources are passed over. All
        when None.
    salt
        What identifiers are hashed with; the warehouse's own, or a random one, when
        None.
    calling_codes
        Country calling code of telephone numbers by source; needed once somebody was
        erased.
    keep_rejected_text_days
        After how many days the text of a rejected line is emptied.

    Returns
    -------
    LoadReport
        One result for each file.

    Raises
    ------
    ValueError
        When `now` has a time zone, `sources` names an unknown one, or a calling code is
        missing.
    SaltError
        When the salt isn't the warehouse's.

    Notes
    -----
    Each file is one transaction: its rows, its rejected lines, its columns and its
    manifest row. A run that is killed leaves whole files only, and the next run goes on
    with the rest.
    """
    if now.tzinfo is not None:
        message = f"now is in UTC without a zone, not {now!r}"
        raise ValueError(message)
    streams = landed_streams(tables)
    known_sources = {table.source_name for table in streams.values()}
    if unknown := sorted(set(sources or ()) - known_sources):
        message = f"unknown sources {unknown}; known are {sorted(known_sources)}"
        raise ValueError(message)
    if not landing_dir.is_dir():
        logger.warning("no landing folder at %s: nothing to load", landing_dir)
    create_raw_tables(connection, tables)
    keep_salt(connection, salt)
    skipped = known_sources - set(known_sources if sources is None else sources)
    loader = _Loader(connection, streams, now, skipped, calling_codes or {})
    files = find_files(landing_dir)
    results = [loader.take(file) for file in files if file.source_name not in skipped]
    n_resolved = loader.failures.resolve()
    _forget_texts(connection, now - dt.timedelta(days=keep_rejected_text_days))
    return LoadReport(tuple(results), n_resolved)


def _forget_texts(
    connection: duckdb.DuckDBPyConnection, loaded_before: dt.datetime
) -> None:
    connection.execute(
        """
        update raw.rejected_lines
        set record_text = null
        where record_text is not null
            and load_id in (
                select load_id from raw.load_manifest where loaded_at < ?
            )
        """,
        [loaded_before],
    )


@dataclass(frozen=True)
class _Entry:
    """A row of the manifest."""

    load_id: int
    stream: str
    file_path: str
    sha256: str
    status: str
    duplicate_of: int | None
    counts: Counts
    rewritten: tuple[str, ...] = ()

    @property
    def contents(self) -> tuple[str, ...]:
        """Hashes of all contents that are this load: as it landed, and rewritten."""
        return (self.sha256, *self.rewritten)


class _Manifest:
    """The manifest, read once: what stands for each path, content and stream."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.next_load_id = 1
        self._by_path: dict[tuple[str, str], _Entry] = {}
        self._by_content: dict[tuple[str, str], _Entry] = {}
        self._newest: dict[str, _Entry] = {}
        self.read()

    def read(self) -> None:
        """Read the rows again, after some of them have changed."""
        self._by_path.clear()
        self._by_content.clear()
        self._newest.clear()
        rows = self._connection.execute(
            """
            select
                load_id, source_name || '.' || stream_name, file_path, file_sha256,
                load_status, duplicate_of_load_id, rewritten_sha256, n_records,
                n_rejected
            from raw.load_manifest
            order by load_id
            """
        ).fetchall()
        for load_id, stream, path, sha256, status, original, rewritten, *counts in rows:
            hashes = tuple((rewritten or "").split())
            entry = _Entry(
                *(load_id, stream, path, sha256, status, original),
                counts=Counts(*counts),
                rewritten=hashes,
            )
            self.add(entry)

    def add(self, entry: _Entry) -> None:
        """Remember a row, the newest so far; it stands for its path from now on."""
        self.next_load_id = entry.load_id + 1
        self._by_path[entry.stream, entry.file_path] = entry
        self._newest[entry.stream] = entry
        if entry.status == "loaded":
            for sha256 in entry.contents:
                self._by_content[entry.stream, sha256] = entry

    def at(self, file: LandedFile) -> _Entry | None:
        """Return what was last taken from this path."""
        return self._by_path.get((file.stream, file.name))

    def same_content(self, table: TableContract, sha256: str) -> _Entry | None:
        """Return the load that already says what this content says.

        In a full extract the newest load holds, so content that was loaded before
        others came says something new when it comes back.
        """
        entry = self._by_content.get((table.stream, sha256))
        if table.landing and table.landing.delivery == "full_extract":
            newest = self._newest.get(table.stream)
            if newest and sha256 not in newest.contents:
                return None
        return entry


class _Failures:
    """Files that failed as a whole, one row for each path, content and reason."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        now: dt.datetime,
        skipped_sources: Collection[str],
    ) -> None:
        self._connection = connection
        self._now = now
        rows = connection.execute(
            """
            select file_path, file_sha256, reason_code, source_name, resolved_at
            from raw.failed_files
            """
        ).fetchall()
        self._known = {tuple(key) for *key, _, _ in rows}
        self._open = {
            tuple(key)
            for *key, source_name, resolved_at in rows
            if resolved_at is None and source_name not in skipped_sources
        }
        self._met: set[tuple[str, str | None, str]] = set()

    def record(self, file: LandedFile, sha256: str | None, error: FileError) -> None:
        """Keep a failure; one that stands already, or stood before, keeps its time."""
        key = (file.name, sha256, error.reason_code)
        self._met.add(key)
        if key in self._known:
            self._set_resolved(key, None)
            return
        self._connection.execute(
            "insert into raw.failed_files (source_name, stream_name, file_path, "
            "file_sha256, reason_code, reason, failed_at) values (?, ?, ?, ?, ?, ?, ?)",
            [
                file.source_name,
                file.stream_name,
                file.name,
                sha256,
                error.reason_code,
                error.reason,
                self._now,
            ],
        )

    def resolve(self) -> int:
        """Close the failures that this run did not meet, and count them."""
        gone = sorted(self._open - self._met, key=repr)
        for key in gone:
            self._set_resolved(key, self._now)
        return len(gone)

    def _set_resolved(
        self, key: tuple[str | None, ...], resolved_at: dt.datetime | None
    ) -> None:
        self._connection.execute(
            """
            update raw.failed_files
            set resolved_at = ?
            where file_path = ? and file_sha256 is not distinct from ?
                and reason_code = ?
            """,
            [resolved_at, *key],
        )


class _ChangedWhileReadError(Exception):
    """The bytes that were loaded may be neither the old nor the new content."""


class _Loader:
    """One run over the landing folder."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        streams: dict[str, TableContract],
        now: dt.datetime,
        skipped_sources: Collection[str],
        calling_codes: Mapping[str, str],
    ) -> None:
        self._connection = connection
        self._streams = streams
        self._now = now
        self._calling_codes = calling_codes
        # Asked once: nobody is erased while files are loaded.
        self._is_suppressing = bool(
            connection.execute(
                "select exists (select 1 from raw.suppressed_identifiers)"
            ).fetchall()[0][0]
        )
        if self._is_suppressing:
            remember_salt(connection)
        self._manifest = _Manifest(connection)
        self.failures = _Failures(connection, now, skipped_sources)

    def take(self, file: LandedFile) -> FileResult:
        """Load a file, or say why not."""
        sha256: str | None = None
        try:
            fingerprint = take_fingerprint(file)
            sha256 = fingerprint.sha256
            result = self._take(file, fingerprint)
        except FileError as error:
            self.failures.record(file, sha256, error)
            result = _result(file, "failed", error=error)
        except (FileNotFoundError, _ChangedWhileReadError) as change:
            reason = FileError(
                FileReason.CHANGED_WHILE_READ,
                f"{file.name}: "
                + ("gone" if isinstance(change, FileNotFoundError) else "changed")
                + " while it was read; left for the next run. Write under a name that "
                "ends in .part, then rename",
            )
            result = _result(file, "changed_while_read", error=reason)
        _log(result)
        return result

    def _take(self, file: LandedFile, fingerprint: Fingerprint) -> FileResult:
        table = self._streams.get(file.stream)
        if table is None or table.landing is None:
            raise FileError(
                FileReason.UNKNOWN_STREAM,
                f"{file.name}: files belong under <source>/<stream>/; known are "
                + ", ".join(sorted(name.replace(".", "/") for name in self._streams)),
            )
        previous = self._manifest.at(file)
        if previous and fingerprint.sha256 in previous.contents:
            return _result(
                file, "unchanged", load_id=previous.load_id, counts=previous.counts
            )
        if previous and table.landing.delivery == "append":
            raise FileError(
                FileReason.CHANGED_CONTENT,
                f"{file.name}: load {previous.load_id} took it with SHA-256 "
                f"{previous.sha256}, now it has {fingerprint.sha256}. {table.stream} "
                "is append-only: put the loaded file back and land what is new under "
                "another name",
            )
        file_format = file.file_format(table.landing.formats)
        if not fingerprint.size:
            raise FileError(FileReason.EMPTY_FILE, f"{file.name}: 0 bytes")
        old = previous if table.landing.delivery == "replace_file" else None
        load = Load(
            table,
            self._manifest.next_load_id,
            self._now,
            self._is_suppressing,
            self._calling_codes.get(table.source_name),
        )
        original = self._manifest.same_content(table, fingerprint.sha256)
        try:
            with transaction(self._connection):
                if old:
                    _retire(self._connection, table, old)
                counts = (
                    self._counts_of_copy(original, fingerprint)
                    if original
                    else read_file(self._connection, file, file_format, load)
                )
                _check_unchanged(file, fingerprint)
                entry = _Entry(
                    load.load_id,
                    table.stream,
                    file.name,
                    fingerprint.sha256,
                    "duplicate_file" if original else "loaded",
                    original.load_id if original else None,
                    counts,
                )
                _insert_entry(self._connection, entry, file, fingerprint, self._now)
                if counts.n_erased:
                    self._connection.execute(
                        "insert into raw.erased_records (load_id, n_records) "
                        "values (?, ?)",
                        [load.load_id, counts.n_erased],
                    )
        except FileError:
            # What is still being written may look broken.
            _check_unchanged(file, fingerprint)
            raise
        if old:
            self._manifest.read()
        else:
            self._manifest.add(entry)
        status: Status = "duplicate_file" if original else "loaded"
        return _result(
            file,
            "replaced" if old and not original else status,
            load_id=load.load_id,
            counts=counts,
        )

    def _counts_of_copy(self, original: _Entry, fingerprint: Fingerprint) -> Counts:
        """Count the records of a file whose content is loaded already.

        Its unreadable records were counted with the original. What was erased from the
        original was in this file too, unless the file was rewritten since.
        """
        n_erased = int(
            self._connection.execute(
                "select coalesce(sum(n_records), 0) from raw.erased_records "
                "where load_id = ?",
                [original.load_id],
            ).fetchall()[0][0]
        )
        if fingerprint.sha256 == original.sha256:
            return Counts(original.counts.n_records, 0, n_erased)
        return Counts(original.counts.n_records - n_erased, 0)


def _check_unchanged(file: LandedFile, fingerprint: Fingerprint) -> None:
    if take_fingerprint(file) != fingerprint:
        raise _ChangedWhileReadError


def _insert_entry(
    connection: duckdb.DuckDBPyConnection,
    entry: _Entry,
    file: LandedFile,
    fingerprint: Fingerprint,
    now: dt.datetime,
) -> None:
    connection.execute(
        "insert into raw.load_manifest (load_id, source_name, stream_name, file_path, "
        "file_size, file_sha256, load_status, duplicate_of_load_id, n_records, "
        "n_rejected, loaded_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            entry.load_id,
            file.source_name,
            file.stream_name,
            entry.file_path,
            fingerprint.size,
            entry.sha256,
            entry.status,
            entry.duplicate_of,
            entry.counts.n_records,
            entry.counts.n_rejected,
            now,
        ],
    )


def _retire(
    connection: duckdb.DuckDBPyConnection, table: TableContract, old: _Entry
) -> None:
    """Take the rows of a path's old version out.

    Where another path still holds the same content, the rows become that load's, as if
    it had been loaded from there.
    """
    relation = relation_name(table.relation)
    # What was erased from the heir is counted there already.
    connection.execute(
        "delete from raw.erased_records where load_id = ?", [old.load_id]
    )
    heir = connection.execute(
        "select min(load_id) from raw.load_manifest "
        "where load_status = 'duplicate_file' and duplicate_of_load_id = ?",
        [old.load_id],
    ).fetchall()[0][0]
    if heir is None:
        for statement in (
            compose("delete from $table where _load_id = ?", table=relation),
            "delete from raw.rejected_lines where load_id = ?",
            "delete from raw.file_columns where load_id = ?",
        ):
            connection.execute(statement, [old.load_id])
    else:
        for statement in (
            compose(
                "update $table set _load_id = ? where _load_id = ?", table=relation
            ),
            "update raw.rejected_lines set load_id = ? where load_id = ?",
            "update raw.file_columns set load_id = ? where load_id = ?",
            (
                "update raw.load_manifest set duplicate_of_load_id = ? "
                "where duplicate_of_load_id = ?"
            ),
        ):
            connection.execute(statement, [heir, old.load_id])
        connection.execute(
            "update raw.load_manifest set load_status = 'loaded', "
            "duplicate_of_load_id = null, n_rejected = ? where load_id = ?",
            [old.counts.n_rejected, heir],
        )
    connection.execute(
        "update raw.load_manifest set load_status = 'replaced' where load_id = ?",
        [old.load_id],
    )


def _result(
    file: LandedFile,
    status: Status,
    *,
    load_id: int | None = None,
    counts: Counts | None = None,
    error: FileError | None = None,
) -> FileResult:
    return FileResult(
        name=file.name,
        source_name=file.source_name,
        stream_name=file.stream_name,
        status=status,
        load_id=load_id,
        n_records=counts.n_records if counts else 0,
        n_rejected=counts.n_rejected if counts else 0,
        n_erased=counts.n_erased if counts else 0,
        reason_code=error.reason_code if error else None,
        reason=error.reason if error else None,
    )


def _log(result: FileResult) -> None:
    if result.reason:
        logger.warning("%s: %s", result.status, result.reason)
    elif result.status != "unchanged":
        logger.info(
            "%s: %s (%d records, %d rejected)",
            result.status,
            result.name,
            result.n_records,
            result.n_rejected,
        )
