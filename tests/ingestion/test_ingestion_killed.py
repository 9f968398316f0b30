"""A run that dies anywhere leaves whole files, and the next one completes the rest."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, ROOT, pos_csv, pos_row

from orchestration.ingestion import TableContract, load_landed_files
from orchestration.warehouse import Warehouse

N_FILES = 4
N_ROWS = 1000

# Loads like an asset does; stops for ever before or after one of the commits. The first
# commit is that of the tables, the second that of the salt.
RUN = """
import datetime as dt, sys, time
from pathlib import Path
from orchestration import warehouse
from orchestration.ingestion import load_landed_files, read_contracts

_, root, state, stop_at, moment = sys.argv
commit, n_commits = warehouse.commit, 0

def stopping(connection):
    global n_commits
    n_commits += 1
    if moment == "after" and n_commits == int(stop_at):
        commit(connection)
    if n_commits == int(stop_at):
        print("stopped", flush=True)
        time.sleep(600)
    commit(connection)

warehouse.commit = stopping
with warehouse.Warehouse(Path(state, "warehouse.duckdb")).write() as connection:
    load_landed_files(
        connection,
        Path(state, "landing"),
        read_contracts(Path(root, "models", "staging")),
        dt.datetime(2026, 3, 1),
    )
print("done", flush=True)
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with files to load, the last of which copies the first."""
    folder = tmp_path / "landing" / "pos" / "order_lines"
    folder.mkdir(parents=True)
    for number in range(N_FILES):
        rows = [pos_row(f"{number % (N_FILES - 1)}-{line}") for line in range(N_ROWS)]
        (folder / f"{number}.csv").write_bytes(pos_csv(*rows, ("short",)))
    return tmp_path


def start(state: Path, stop_at: int, moment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(ROOT), str(state), str(stop_at), moment],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def landed(state: Path) -> tuple[list[Any], Counter[Any], Counter[Any]]:
    """Return the manifest, and raw rows and rejected lines by load."""
    with Warehouse(state / "warehouse.duckdb").read() as connection:
        return (
            connection.execute(
                "select load_id, file_path, load_status, n_records, n_rejected "
                "from raw.load_manifest order by load_id"
            ).fetchall(),
            Counter(
                row[0]
                for row in connection.execute(
                    "select _load_id from raw.pos_order_lines"
                ).fetchall()
            ),
            Counter(
                row[0]
                for row in connection.execute(
                    "select load_id from raw.rejected_lines"
                ).fetchall()
            ),
        )


COMPLETE = (
    [
        (1, "pos/order_lines/0.csv", "loaded", N_ROWS + 1, 1),
        (2, "pos/order_lines/1.csv", "loaded", N_ROWS + 1, 1),
        (3, "pos/order_lines/2.csv", "loaded", N_ROWS + 1, 1),
        (4, "pos/order_lines/3.csv", "duplicate_file", N_ROWS + 1, 0),
    ],
    Counter({1: N_ROWS, 2: N_ROWS, 3: N_ROWS}),
    Counter({1: 1, 2: 1, 3: 1}),
)


def assert_whole(state: Path, n_files: int) -> None:
    """Check that exactly the first files are there, each with all that is its own."""
    manifest, rows, rejects = COMPLETE
    loads = range(1, min(n_files, N_FILES - 1) + 1)
    assert landed(state) == (
        manifest[:n_files],
        Counter({load: rows[load] for load in loads}),
        Counter({load: rejects[load] for load in loads}),
    )


def finish(state: Path, contracts: tuple[TableContract, ...]) -> None:
    with Warehouse(state / "warehouse.duckdb").write() as connection:
        load_landed_files(connection, state / "landing", contracts, NOW)
    assert landed(state) == COMPLETE


@pytest.mark.parametrize(
    ("stop_at", "moment", "n_files"),
    [(3, "before", 0), (4, "after", 2), (6, "before", 3)],
)
def test_killed_at_a_commit(
    state: Path,
    contracts: tuple[TableContract, ...],
    stop_at: int,
    moment: str,
    n_files: int,
) -> None:
    with start(state, stop_at, moment) as process:
        assert process.stdout
        assert process.stdout.readline() == "stopped\n"
        process.kill()
    assert_whole(state, n_files)
    finish(state, contracts)


def test_killed_before_the_tables_stood(
    state: Path, contracts: tuple[TableContract, ...]
) -> None:
    with start(state, 1, "before") as process:
        assert process.stdout
        assert process.stdout.readline() == "stopped\n"
        process.kill()
    finish(state, contracts)


def test_killed_at_any_moment(
    state: Path, contracts: tuple[TableContract, ...]
) -> None:
    path = state / "warehouse.duckdb"
    for delay in (0.0, 0.01, 0.03):
        with start(state, 99, "never") as process:
            while not path.exists() and process.poll() is None:
                time.sleep(0.001)
            time.sleep(delay)
            process.kill()
        with Warehouse(path).write() as connection:
            tables = connection.execute(
                "select count(*) from duckdb_tables() where schema_name = 'raw'"
            ).fetchall()
        if tables[0][0]:
            assert_whole(state, len(landed(state)[0]))
    finish(state, contracts)
