"""Records of one file go into the warehouse, inside the caller's transaction.

Belongs here: one reader for each format, and how each type of a Parquet column is
written as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ingestion.columns import ColumnMatch, match_columns
from orchestration.ingestion.contracts import (
    META_COLUMNS,
    RECORD_COLUMN,
    FileFormat,
    record_texts,
)
from orchestration.ingestion.csv_records import CsvFile
from orchestration.ingestion.file_columns import (
    record_file_columns,
    record_parquet_columns,
)
from orchestration.ingestion.identifiers import NamingRecords, naming_records
from orchestration.ingestion.json_lines import read_json_lines
from orchestration.ingestion.landing import FileError, FileReason, LandedFile
from orchestration.ingestion.parquet_paths import Node, find_paths, node_of
from orchestration.ingestion.text_records import RecordReason, Reject, open_text
from orchestration.warehouse import (
    Sql,
    append_rows,
    compose,
    connect,
    relation_name,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from orchestration.ingestion.contracts import TableContract
    from orchestration.ingestion.text_records import Batch

BATCH_VIEW = "landed_batch"
RECORD_ALONE = ColumnMatch(declared={RECORD_COLUMN: 0}, extra={})
SUPPRESSED_TABLE = "suppressed_records"
# A shorter text that names somebody may stand in anybody's record.
SHORTEST_TEXT = 6

# Errors that say nothing about the file.
NOT_THE_FILE = (
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.InterruptException,
    duckdb.OutOfMemoryException,
)
NESTED_TYPES = ("STRUCT", "MAP", "UNION", "VARIANT")
TEXT_OF_TYPE = {
    # A double is exact for whole numbers up to 2^53, which has 16 digits.
    "DOUBLE": """
        case
            when isnan($column) then null
            when abs($column) between 1e15 and 9007199254740992
                then cast(try_cast($column as bigint) as varchar)
            else format('{:.15g}', $column + 0.0)
        end""",
    "FLOAT": """
        case
            when isnan($column) then null
            else regexp_replace(
                cast($column + cast(0 as float) as varchar), '\\.0$$', ''
            )
        end""",
    "BLOB": "coalesce(try(decode($column)), cast($column as varchar))",
    "TIMESTAMP_NS": "cast(cast($column as timestamp) as varchar)",
    "TIMESTAMP WITH TIME ZONE": "cast(timezone('UTC', $column) as varchar) || '+00:00'",
}


@dataclass(frozen=True)
class Load:
    """Where records go, and what they are marked with.

    Attributes
    ----------
    table
        The contract of the table.
    load_id
        The load's ordinal.
    loaded_at
        Time of the load, UTC without a zone.
    is_suppressing
        Whether somebody was erased, so that records may have to stay out; the
        connection then knows the salt.
    calling_code
        Country calling code of the source's telephone numbers.
    """

    table: TableContract
    load_id: int
    loaded_at: dt.datetime
    is_suppressing: bool = False
    calling_code: str | None = None

    def naming(self, columns: dict[str, Sql]) -> NamingRecords | None:
        """Tell how records name people, where that must be known.

        Parameters
        ----------
        columns
            SQL of each column that the file has.
        """
        if not self.is_suppressing:
            return None
        naming = naming_records(self.table, columns, self.calling_code)
        return naming if naming.keys else None


@dataclass(frozen=True)
class Counts:
    """Records of a file.

    Attributes
    ----------
    n_records
        What the reader split out, unreadable ones included.
    n_rejected
        The unreadable ones.
    n_erased
        Those that name somebody who was erased.
    """

    n_records: int
    n_rejected: int
    n_erased: int = 0


def read_file(
    connection: duckdb.DuckDBPyConnection,
    file: LandedFile,
    file_format: FileFormat,
    load: Load,
) -> Counts:
    """Insert a file's records, its rejected lines and what its columns are.

    Parameters
    ----------
    connection
        An open warehouse in a transaction.
    file, file_format
        The file, of a format that the table takes.
    load
        Where to.

    Returns
    -------
    Counts
        Rows inserted are `n_records - n_rejected - n_erased`.

    Raises
    ------
    FileError
        When the file can't be loaded as a whole; the transaction must be rolled back.
    """
    return _READERS[file_format](connection, file, load)


def _read_csv(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, load: Load
) -> Counts:
    with open_text(file) as stream:
        match, batches = _csv_batches(file, stream, load)
        counts = _insert_batches(connection, load, match, batches)
    record_file_columns(connection, load.table, load.load_id)
    return counts


def _csv_batches(
    file: LandedFile, stream: IO[bytes], load: Load
) -> tuple[ColumnMatch, Iterable[Batch]]:
    known = set(load.table.column_names)
    records = CsvFile(
        file.name,
        stream,
        lambda names: len(known & {name.strip().lower() for name in names}),
    )
    match = match_columns(file.name, records.header, load.table)
    return match, records.batches()


def _read_json_lines(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, load: Load
) -> Counts:
    with open_text(file) as stream:
        batches: Iterable[Batch] = read_json_lines(stream)
        if load.is_suppressing:
            # Only what can be read can be searched for a person.
            batches = (_only_objects(connection, batch) for batch in batches)
        counts = _insert_batches(connection, load, RECORD_ALONE, batches)
    record_file_columns(connection, load.table, load.load_id)
    return counts


def _json_batches(
    connection: duckdb.DuckDBPyConnection, stream: IO[bytes]
) -> tuple[ColumnMatch, Iterable[Batch]]:
    return RECORD_ALONE, (
        _only_objects(connection, batch) for batch in read_json_lines(stream)
    )


def _only_objects(connection: duckdb.DuckDBPyConnection, batch: Batch) -> Batch:
    """Reject the lines that the engine will not be able to read as JSON objects."""
    connection.register(BATCH_VIEW, _as_table(batch))
    rows = connection.execute(
        compose(
            "select line_number, c0, json_valid(c0) from $lines where not is_object",
            lines=_parsed_lines(()),
        )
    ).fetchall()
    if not rows:
        return batch
    is_kept = np.isin(batch.line_numbers, [row[0] for row in rows], invert=True)
    return replace(
        _kept(batch, is_kept),
        rejects=[
            *batch.rejects,
            *(
                Reject(line, RecordReason.NOT_AN_OBJECT, "JSON, but no object", text)
                if is_json
                else Reject(line, RecordReason.MALFORMED_JSON, "not JSON", text)
                for line, text, is_json in rows
            ),
        ],
    )


def _parsed_lines(paths: Iterable[str]) -> Sql:
    """Return SQL of a batch of lines: what stands after `from`.

    Beside the batch's own columns are `texts`, those at the paths, and `is_object`. A
    line is parsed once for all paths; what can't be parsed has no texts.
    """
    record = Sql("c0")
    texts = record_texts(record, paths) if paths else Sql("json_type(c0)")
    return compose(
        """
        (
            select
                *,
                texts is not null
                and case
                    when starts_with(c0, '{') then true
                    else starts_with(ltrim(c0, ' ' || chr(9) || chr(13)), '{')
                end as is_object
            from (
                select *, case when json_valid(c0) then $texts end as texts from $view
            )
        )
        """,
        texts=texts,
        view=BATCH_VIEW,
    )


def _kept(batch: Batch, is_kept: npt.NDArray[np.bool_]) -> Batch:
    """Keep some of a batch's readable records."""
    return replace(
        batch,
        # Arrow can't filter views.
        columns=[
            column.cast(pa.string()).filter(pa.array(is_kept))
            for column in batch.columns
        ],
        record_numbers=batch.record_numbers[is_kept],
        line_numbers=batch.line_numbers[is_kept],
    )


def _as_table(batch: Batch) -> pa.Table:
    return pa.table(
        {f"c{position}": column for position, column in enumerate(batch.columns)}
        | {"record_number": batch.record_numbers, "line_number": batch.line_numbers}
    )


def _insert_batches(
    connection: duckdb.DuckDBPyConnection,
    load: Load,
    match: ColumnMatch,
    batches: Iterable[Batch],
) -> Counts:
    n_records = n_rejected = n_erased = 0
    for landed in batches:
        batch = _without_erased(connection, load, match, landed)
        connection.register(BATCH_VIEW, _as_table(batch))
        if load.table.is_of_records:
            n_rows = _insert(connection, load, _rows_of_lines(load.table))
            if n_rows < len(batch.record_numbers):
                batch = _only_objects(connection, batch)
        else:
            _insert(connection, load, _rows_of(batch, match))
        connection.unregister(BATCH_VIEW)
        if batch.rejects:
            _insert_rejects(connection, load, batch.rejects)
        n_records += landed.n_records
        n_rejected += len(batch.rejects)
        n_erased += landed.n_records - batch.n_records
    return Counts(n_records, n_rejected, n_erased)


def _without_erased(
    connection: duckdb.DuckDBPyConnection, load: Load, match: ColumnMatch, batch: Batch
) -> Batch:
    """Leave out what names somebody who was erased, before any byte reaches the file.

    An unreadable record can't be searched for a person, so its text is not kept.
    """
    naming = load.naming(_columns_of(match))
    if naming is None:
        return batch
    erased, _texts = _erased_in(connection, naming, batch)
    kept = _kept(batch, np.isin(batch.record_numbers, erased, invert=True))
    return replace(
        kept, rejects=[replace(reject, text=None) for reject in kept.rejects]
    )


def _columns_of(match: ColumnMatch) -> dict[str, Sql]:
    """Return SQL of each declared column of a batch."""
    return {
        name: compose("nullif($column, '')", column=f"c{position}")
        for name, position in match.declared.items()
    }


def _erased_in(
    connection: duckdb.DuckDBPyConnection, naming: NamingRecords, batch: Batch
) -> tuple[list[int], set[str]]:
    """Return which records of a batch name erased people, and the texts that do."""
    view = compose("$view", view=BATCH_VIEW)
    row_ids = {"record_number": Sql("record_number")}
    connection.register(BATCH_VIEW, _as_table(batch))
    erased = [
        row[0]
        for row in connection.execute(suppressed_rows(naming, view, row_ids)).fetchall()
    ]
    texts: set[str] = set()
    if erased:
        rows = connection.execute(
            compose(
                "select distinct identifier_text from ($values) "
                "where identifier_text is not null and list_contains(?, record_number)",
                values=naming.select_values(view, row_ids),
            ),
            [erased],
        ).fetchall()
        texts = {text for (text,) in rows}
    connection.unregister(BATCH_VIEW)
    return erased, texts


@dataclass(frozen=True)
class ErasedLines:
    """Which lines of a text file are records of people who were erased.

    Attributes
    ----------
    ranges
        First line of each such record, from 1, and the first line after it; None for
        the end of the file.
    """

    ranges: tuple[tuple[int, int | None], ...]


def find_erased_lines(
    connection: duckdb.DuckDBPyConnection,
    file: LandedFile,
    file_format: FileFormat,
    load: Load,
) -> ErasedLines:
    """Find the records of a text file that name somebody who was erased.

    Parameters
    ----------
    connection
        The warehouse, which knows the salt.
    file, file_format
        A file of CSV or JSON lines.
    load
        Its stream, suppressing.

    Returns
    -------
    ErasedLines
        An unreadable record is one of them where it holds a text that names somebody in
        a readable one.

    Raises
    ------
    FileError
        When the file can't be read as a whole.
    """
    starts: list[int] = []
    erased: set[int] = set()
    texts: set[str] = set()
    unreadable: list[tuple[int, str]] = []
    with open_text(file) as stream:
        match, batches = (
            _csv_batches(file, stream, load)
            if file_format == "csv"
            else _json_batches(connection, stream)
        )
        naming = load.naming(_columns_of(match))
        if naming is None:
            return ErasedLines(())
        for batch in batches:
            starts += batch.line_numbers.tolist()
            starts += [reject.line_number for reject in batch.rejects]
            unreadable += [(r.line_number, r.text or "") for r in batch.rejects]
            numbers, found = _erased_in(connection, naming, batch)
            is_erased = np.isin(batch.record_numbers, numbers)
            erased |= set(batch.line_numbers[is_erased].tolist())
            texts |= {text.strip().lower() for text in found}
    erased |= {
        line
        for line, text in unreadable
        if any(len(n) >= SHORTEST_TEXT and n in text.lower() for n in texts)
    }
    starts.sort()
    return ErasedLines(
        tuple(
            (start, following)
            for start, following in zip(starts, [*starts[1:], None], strict=True)
            if start in erased
        )
    )


def find_erased_rows(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, load: Load
) -> list[int]:
    """Find the rows of a Parquet file, from 1, that name somebody who was erased.

    Raises
    ------
    FileError
        When the file can't be read as a whole.
    """
    try:
        names = pq.read_schema(file.path).names
        scan = _parquet_scan(file)
        rows, _ = _parquet_rows(connection, file, load, names, scan)
        naming = load.naming(rows.declared)
        if naming is None:
            return []
        found = connection.execute(
            suppressed_rows(naming, rows.relation, {"number": rows.record_number})
        ).fetchall()
    except (pa.ArrowException, OSError, duckdb.Error) as error:
        raise _unreadable_parquet(file, error) from None
    return sorted(number for (number,) in found)


def suppressed_rows(
    naming: NamingRecords, relation: Sql, row_ids: dict[str, Sql]
) -> Sql:
    """Return SQL of the ids of records that name somebody who was erased.

    Parameters
    ----------
    naming
        How the records name people.
    relation
        Where the records are: what stands after `from`.
    row_ids
        What a record is known by, SQL by name.
    """
    return compose(
        """
        select distinct $ids
        from ($keys)
        where
            identifier_key in (
                select suppressed.identifier_key
                from raw.suppressed_identifiers as suppressed
            )
        """,
        ids=list(row_ids),
        keys=naming.select_keys(relation, row_ids),
    )


@dataclass(frozen=True)
class _Rows:
    """Where an insert takes its rows from: SQL.

    Attributes
    ----------
    relation
        What stands after `from`.
    declared
        The text of each declared column that the file has, by name.
    extra
        The other columns, as one JSON object.
    record_number
        The record's ordinal.
    """

    relation: Sql
    declared: dict[str, Sql]
    extra: Sql
    record_number: Sql


NOTHING_ELSE = Sql("null")


def _rows_of(batch: Batch, match: ColumnMatch) -> _Rows:
    # CSV can't tell an empty text from no text.
    columns = [
        compose("nullif($column, '')", column=f"c{position}")
        for position in range(len(batch.columns))
    ]
    return _rows_of_columns(
        compose("$view", view=BATCH_VIEW), columns, match, Sql("record_number")
    )


def _rows_of_columns(
    relation: Sql, columns: list[Sql], match: ColumnMatch, record_number: Sql
) -> _Rows:
    """Return rows of texts that stand in columns, by position in the file."""
    extra = NOTHING_ELSE
    if match.extra:
        pairs = [
            part
            for name, position in match.extra.items()
            for part in (Sql("'" + name.replace("'", "''") + "'"), columns[position])
        ]
        extra = compose("cast(json_object($pairs) as varchar)", pairs=pairs)
    return _Rows(
        relation,
        {name: columns[position] for name, position in match.declared.items()},
        extra,
        record_number,
    )


def _rows_of_lines(table: TableContract) -> _Rows:
    """Return the lines of a batch that are JSON objects, and their declared texts."""
    declared = {RECORD_COLUMN: Sql("c0")} | {
        name: Sql(f"texts[{position}]")
        for position, name in enumerate(table.paths, start=1)
    }
    return _Rows(
        compose(
            "$lines where is_object", lines=_parsed_lines(tuple(table.paths.values()))
        ),
        declared,
        NOTHING_ELSE,
        Sql("record_number"),
    )


def _insert(connection: duckdb.DuckDBPyConnection, load: Load, rows: _Rows) -> int:
    inserted = connection.execute(
        compose(
            "insert into $table ($names) select $values from $relation",
            table=relation_name(load.table.relation),
            names=[*rows.declared, *META_COLUMNS],
            values=[
                *rows.declared.values(),
                Sql("?"),
                rows.record_number,
                Sql("?"),
                rows.extra,
            ],
            relation=rows.relation,
        ),
        [load.load_id, load.loaded_at],
    ).fetchall()
    return int(inserted[0][0])


def _insert_rejects(
    connection: duckdb.DuckDBPyConnection, load: Load, rejects: list[Reject]
) -> None:
    rows = pa.table(
        {
            "load_id": pa.array([load.load_id] * len(rejects), pa.int64()),
            "line_number": pa.array([r.line_number for r in rejects], pa.int64()),
            "reason_code": [r.reason_code for r in rejects],
            "reason": [r.reason for r in rejects],
            "record_text": pa.array([r.text for r in rejects], pa.string()),
        }
    )
    append_rows(connection, "raw.rejected_lines", rows)


def _read_parquet(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, load: Load
) -> Counts:
    try:
        # DuckDB renames repeated columns, so the names are asked for elsewhere.
        found = pq.read_schema(file.path).names
        scan = _parquet_scan(file)
    except (pa.ArrowException, OSError, UnicodeEncodeError) as error:
        raise _unreadable_parquet(file, error) from None
    try:
        rows, columns = _parquet_rows(connection, file, load, found, scan)
        n_erased = 0
        naming = load.naming(rows.declared)
        if naming is not None:
            rows, n_erased = _rows_without_erased(connection, naming, rows)
        n_rows = _insert(connection, load, rows)
        if columns is None:
            record_file_columns(connection, load.table, load.load_id)
        else:
            record_parquet_columns(
                connection, load.table, load.load_id, columns, rows.relation
            )
    except NOT_THE_FILE:
        raise
    except duckdb.Error as error:
        if _is_readable(scan):
            raise
        raise _unreadable_parquet(file, error) from None
    return Counts(n_rows + n_erased, 0, n_erased)


def _parquet_rows(
    connection: duckdb.DuckDBPyConnection,
    file: LandedFile,
    load: Load,
    found: list[str],
    scan: Sql,
) -> tuple[_Rows, tuple[tuple[str, Node], ...] | None]:
    """Return a Parquet file's rows as text, and its columns where they are nested."""
    match = match_columns(file.name, found, load.table)
    described = connection.sql(compose("select * from $scan", scan=scan))
    places = [f"c{position}" for position in range(len(described.columns))]
    values = [compose("$column", column=place) for place in places]
    relation = compose("$scan as landed ($columns)", scan=scan, columns=places)
    record_number = Sql("row_number() over ()")
    if not load.table.is_of_records:
        columns = [
            text_of(value, str(data_type))
            for value, data_type in zip(values, described.types, strict=True)
        ]
        return _rows_of_columns(relation, columns, match, record_number), None
    positions = match.declared | match.extra
    nodes = tuple(
        (name, node_of(values[at], described.types[at]))
        for name, at in sorted(
            ((found[at].strip() or name, at) for name, at in positions.items()),
            key=lambda item: item[1],
        )
    )
    paths = find_paths(nodes, load.table.paths)
    return _Rows(relation, paths.declared, paths.extra, record_number), nodes


def _rows_without_erased(
    connection: duckdb.DuckDBPyConnection, naming: NamingRecords, rows: _Rows
) -> tuple[_Rows, int]:
    """Leave out what names somebody who was erased; the rest keeps its ordinals."""
    connection.execute(
        compose(
            "create or replace temp table $table as $rows",
            table=SUPPRESSED_TABLE,
            rows=suppressed_rows(
                naming, rows.relation, {"record_number": rows.record_number}
            ),
        )
    )
    n_erased = connection.execute(
        compose("select count(*) from $table", table=SUPPRESSED_TABLE)
    ).fetchall()[0][0]
    numbered = compose(
        "(select *, $number as landed_number from $relation) as numbered "
        "anti join $erased as erased on numbered.landed_number = erased.record_number",
        number=rows.record_number,
        relation=rows.relation,
        erased=SUPPRESSED_TABLE,
    )
    return replace(rows, relation=numbered, record_number=Sql("landed_number")), int(
        n_erased
    )


def _parquet_scan(file: LandedFile) -> Sql:
    """Read one file, whose path DuckDB would take for a pattern and for columns."""
    pattern = re.sub(r"([*?[])", r"[\1]", str(file.path))
    pattern.encode()
    return compose(
        "read_parquet($path, hive_partitioning = false)",
        path=Sql("'" + pattern.replace("'", "''") + "'"),
    )


def _is_readable(scan: Sql) -> bool:
    """Whether every value of a Parquet file can be read, with no warehouse involved."""
    with connect(":memory:") as scratch:
        try:
            scratch.execute(
                compose("select bit_xor(hash(columns(*))) from $scan", scan=scan)
            )
        except duckdb.Error:
            return False
    return True


def _unreadable_parquet(file: LandedFile, error: Exception) -> FileError:
    return FileError(
        FileReason.UNREADABLE_FILE,
        f"{file.name}: can't be read as Parquet ({type(error).__name__}); is it whole?",
    )


def text_of(column: Sql, data_type: str) -> Sql:
    """Write a typed value as the text that a careful CSV export would have.

    Parameters
    ----------
    column
        The value.
    data_type
        Its type in DuckDB.

    Returns
    -------
    Sql
        Text. Times are ISO 8601 to the microsecond, those with a zone in UTC with
        `+00:00`. Floating-point numbers have at most 15 digits, as many as a double
        keeps of any decimal number, so that 7.6499999999999995 is 7.65 again; whole
        ones have no point, so that an id that became 17850.0 is 17850 again; NaN is how
        data frames say "missing", so it is null. Nested values are JSON.
    """
    kind, _, _ = data_type.partition("(")
    if kind == "VARCHAR":
        return column
    if data_type.endswith("]") or kind in NESTED_TYPES:
        template = "cast(to_json($column) as varchar)"
    else:
        template = TEXT_OF_TYPE.get(kind, "cast($column as varchar)")
    return compose(template, column=column)


_READERS: dict[
    FileFormat, Callable[[duckdb.DuckDBPyConnection, LandedFile, Load], Counts]
] = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}
