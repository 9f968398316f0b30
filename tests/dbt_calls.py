"""dbt as tests call it: in a process of its own that need not import dbt first.

Importing dbt takes longer than most of what a test has it do. So one process imports
it, and each call is a fork of that one: as separate as a process started anew, its
connections to DuckDB included. Dagster's own calls of dbt are not made here.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["dbt.cli.main", "dbt.adapters.duckdb", "dbt.task.build", "dbt.parser.manifest"]
)


def call_dbt(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run dbt in a folder, with that environment and no other.

    Returns
    -------
    subprocess.CompletedProcess
        All that dbt printed is its `stdout`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        printed = Path(scratch) / "printed.txt"
        process: Any = _FORKS.Process(
            target=_run, args=(list(arguments), folder, dict(environment), printed)
        )
        process.start()
        process.join()
        text = printed.read_text(encoding="utf-8") if printed.exists() else ""
    return subprocess.CompletedProcess(
        ["dbt", *arguments], process.exitcode, stdout=text, stderr=""
    )


def _run(
    arguments: list[str], folder: Path, environment: dict[str, str], printed: Path
) -> None:
    """Be dbt's command line; ends the process with its exit code."""
    # A tenth of a build, and the process ends before garbage matters.
    gc.disable()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with printed.open("w", encoding="utf-8") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    # The forking process has none; dbt prints through these.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    # Imported before the fork; here, or pytest itself would have to.
    from dbt.adapters.duckdb import connections  # noqa: PLC0415
    from dbt.cli.main import cli  # noqa: PLC0415

    try:
        cli(arguments, prog_name="dbt")
    finally:
        # A fork ends without the exit handlers, of which one writes the database's log
        # into its file.
        connections.DuckDBConnectionManager.close_all_connections()
