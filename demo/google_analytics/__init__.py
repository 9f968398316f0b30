"""Google Analytics: a sample of the Google Merchandise Store's export of GA4 events.

No package ships it, so the user gives the file: rows of the export to BigQuery as
Parquet or JSON lines. It lands as it is, byte for byte.

References
----------
Google, "BigQuery sample dataset for Google Analytics ecommerce web implementation",
https://developers.google.com/analytics/bigquery/web-ecommerce-demo-dataset: three
months from 1 November 2020, obfuscated.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from demo.files import DemoError, WrittenFile, check_columns, write_bytes

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("event_timestamp", "event_name", "event_params", "user_pseudo_id")
SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz")


def _n_parquet_rows(path: Path) -> int:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        message = f"{path} can't be read as Parquet: {error}"
        raise DemoError(message) from error
    check_columns(file.schema_arrow.names, COLUMNS, str(path))
    return int(file.metadata.num_rows)


def _n_json_lines(path: Path) -> int:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            lines = [line for line in stream if line.strip()]
    except (OSError, EOFError) as error:
        message = f"{path} can't be read: {error}"
        raise DemoError(message) from error
    try:
        with duckdb.connect() as connection:
            row = connection.execute(
                "select json_keys(?)", [(lines or [b"{}"])[0].decode()]
            ).fetchone()
    except (duckdb.Error, UnicodeDecodeError) as error:
        message = f"{path}: the first line is no JSON object: {error}"
        raise DemoError(message) from error
    check_columns(row[0] if row else [], COLUMNS, str(path))
    return len(lines)


def land(landing: Path, file: Path | None = None) -> list[WrittenFile]:
    """Copy the export to `ga4/events/`.

    Parameters
    ----------
    landing
        The landing folder.
    file
        The user's copy: .parquet, .jsonl or .jsonl.gz.

    Returns
    -------
    list of WrittenFile
        The one file.

    Raises
    ------
    DemoError
        If the file is missing or not as expected.
    """
    if file is None:
        message = "google_analytics needs a file: rows of a GA4 export to BigQuery."
        raise DemoError(message)
    suffix = next((each for each in SUFFIXES if file.name.endswith(each)), None)
    if suffix is None:
        message = f"{file}: expected a name that ends in {', '.join(SUFFIXES)}."
        raise DemoError(message)
    count = _n_parquet_rows if suffix == ".parquet" else _n_json_lines
    n_records = count(file)
    target = landing / "ga4" / "events" / f"google_analytics{suffix}"
    return [WrittenFile(target, n_records, write_bytes(target, file.read_bytes()))]
