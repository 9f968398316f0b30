"""Landing files that still hold somebody who was erased.

Landing files are the shop's: they are named, and rewritten only where somebody asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.ingestion.landing import LandedFile, find_files

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


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
        Those that still lie there, in order of their path.
    """
    rows = connection.execute(
        """
        select distinct manifest.file_path
        from raw.load_manifest as manifest
        inner join raw.erased_records as erased using (load_id)
        where erased.n_records > 0
        """
    ).fetchall()
    names = {name for (name,) in rows}
    return [file for file in find_files(landing_dir) if file.name in names]
