"""How the cost of `connected_components` grows with the number of identifiers.

Every size is resolved whole by the materialization, in a dbt project of its own, and by
scipy in this process; both must give the same components. Then 5,000 edges are added
and the materialization follows them: told which they are, and finding them by comparing
all edges. Nodes are keys of sixteen bytes, as identity has them; scipy has them once as
they are, to be numbered first, and once as numbers. Ratios are of CPU time, between the
start and the end of the model, so that dbt's own start counts nowhere and other work on
the machine little.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).parents[1]
SIZES = (10_000, 31_623, 100_000, 316_228, 1_000_000)
EDGES_PER_NODE = 1.5
MEAN_COMPONENT = 8
N_NEW_EDGES = 5_000
CHAIN = 5_000
# Runs dbt in a process of its own, and prints the seconds of its one model.
RUN = """
import json, sys, time
from dbt.cli.main import dbtRunner
marks = {}
def mark(event):
    if event.info.name in ("NodeStart", "NodeFinished"):
        marks[event.info.name] = (time.process_time(), time.perf_counter())
done = dbtRunner(callbacks=[mark]).invoke(["--quiet", "run", *sys.argv[1:]])
if not done.success:
    sys.exit(str(done.exception or done.result.results[0].message))
spans = zip(marks["NodeStart"], marks["NodeFinished"])
print(json.dumps([after - before for before, after in spans]))
"""
MODEL = (
    "{{ config(materialized='connected_components', edge_columns=['a', 'b']) }}\n"
    "select a, b from edges\n"
)
FOLLOWING_MODEL = (
    "{{ config(materialized='connected_components', edge_columns=['a', 'b'],"
    " gone_column='is_gone') }}\n"
    "select a, b, false as is_gone\n"
    "from {% if is_incremental() %}new_edges{% else %}edges{% endif %}\n"
)
FILES = {
    "dbt_project.yml": "name: bench\nversion: '1.0'\nprofile: bench\n"
    "flags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "bench:\n  target: bench\n  outputs:\n"
    "    bench: {type: duckdb, path: bench.duckdb}\n",
    "models/resolved.sql": MODEL,
    "models/followed.sql": FOLLOWING_MODEL,
}


@dataclass(frozen=True)
class Seconds:
    """CPU and wall seconds of one run."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Measured:
    """Medians at one size.

    Attributes
    ----------
    n_nodes
        Identifiers.
    whole, told, compared
        A whole resolution; following new edges, told which or comparing all.
    scipy_keys, scipy_numbers
        scipy's, numbering the keys or given numbers.
    """

    n_nodes: int
    whole: Seconds
    told: Seconds
    compared: Seconds
    scipy_keys: Seconds
    scipy_numbers: Seconds


def median(runs: list[Seconds]) -> Seconds:
    """Return the medians of some runs."""
    return Seconds(
        statistics.median(run.cpu for run in runs),
        statistics.median(run.wall for run in runs),
    )


def clock() -> Seconds:
    """Return what this process has used so far."""
    return Seconds(time.process_time(), time.perf_counter())


def since(started: Seconds) -> Seconds:
    """Return what it has used since."""
    now = clock()
    return Seconds(now.cpu - started.cpu, now.wall - started.wall)


def make_edges(n_nodes: int, seed: int) -> pd.DataFrame:
    """Make people of a few identifiers each, one long chain among them.

    Returns
    -------
    pandas.DataFrame
        Edges `a`, `b` of 32 hexadecimal digits, 1.5 per node; every node has one at
        least.
    """
    generator = np.random.default_rng(seed)
    person = np.sort(generator.integers(0, n_nodes // MEAN_COMPONENT, n_nodes))
    person[: min(CHAIN, n_nodes // 2)] = 0
    first = np.searchsorted(person, person, side="left")
    last = np.searchsorted(person, person, side="right")
    n_more = int(n_nodes * (EDGES_PER_NODE - 1))
    # Everybody knows the one before; the rest of the edges are within a person.
    nodes = np.arange(n_nodes)
    left = np.concatenate([nodes, generator.integers(0, n_nodes, n_more)])
    within = generator.random(n_more) * (last - first)[left[n_nodes:]]
    right = np.concatenate(
        [
            np.maximum(nodes - 1, first),
            first[left[n_nodes:]] + within.astype(np.int64),
        ]
    )
    names = np.array([f"{value:032x}" for value in generator.permutation(n_nodes)])
    return pd.DataFrame({"a": names[left], "b": names[right]})


def by_scipy(edges: pd.DataFrame) -> tuple[pd.Series, Seconds, Seconds]:
    """Resolve by scipy.

    Returns
    -------
    tuple[pandas.Series, Seconds, Seconds]
        Smallest node by node; what it took from keys, and from numbers.
    """
    from_keys = clock()
    codes, nodes = pd.factorize(
        np.concatenate([edges["a"], edges["b"]]),
        sort=True,
    )
    left, right = np.split(codes, 2)
    from_numbers = clock()
    shape = (len(nodes), len(nodes))
    matrix = coo_array((np.ones(len(left), np.int8), (left, right)), shape)
    n_components, labels = connected_components(matrix, directed=False)
    smallest = np.full(n_components, len(nodes))
    np.minimum.at(smallest, labels, np.arange(len(nodes)))
    numbers = since(from_numbers)
    roots = nodes[smallest[labels]]
    return pd.Series(roots, index=nodes), since(from_keys), numbers


class Project:
    """A dbt project with the one model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        ignored = shutil.ignore_patterns("*.yml")
        source = ROOT / "macros" / "materializations"
        shutil.copytree(source, folder / "macros", ignore=ignored)

    def put(self, name: str, edges: pd.DataFrame) -> None:
        """Set a table of edges."""
        with duckdb.connect(self.folder / "bench.duckdb") as connection:
            connection.register("frame", edges)
            keys = "cast(a as uuid) as a, cast(b as uuid) as b"
            connection.execute(
                f"create or replace table {name} as select {keys} from frame"  # noqa: S608 - its own names
            )

    def run(self, model: str, *options: str) -> Seconds:
        """Resolve, and return what the model took."""
        done = subprocess.run(  # noqa: S603 - the project's own dbt
            [
                *(sys.executable, "-c", RUN),
                *("--target-path", "target", "--select", model),
                *options,
            ],
            cwd=self.folder,
            env=os.environ | {"DBT_PROFILES_DIR": str(self.folder)},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return Seconds(*json.loads(done.stdout.splitlines()[-1]))

    def resolved(self, model: str) -> pd.Series:
        """Return the component of every node."""
        with duckdb.connect(self.folder / "bench.duckdb") as connection:
            frame = connection.table(model).order("node").df()
        keys = frame.astype(str).apply(lambda column: column.str.replace("-", ""))
        components: pd.Series = keys.set_index("node")["component_id"]
        return components


def measure(n_nodes: int, n_runs: int, folder: Path) -> Measured:
    """Resolve one size some times, paired; check that all agree.

    Raises
    ------
    ValueError
        If the components differ.
    """
    folder.mkdir()
    project = Project(folder)
    edges = make_edges(n_nodes, seed=1)
    generator = np.random.default_rng(2)
    whole, told, compared, keys, numbers = [], [], [], [], []
    project.put("edges", edges)
    expected, _, _ = by_scipy(edges)
    for _ in range(n_runs):
        project.put("edges", edges)
        _, from_keys, from_numbers = by_scipy(edges)
        keys.append(from_keys)
        numbers.append(from_numbers)
        whole.append(project.run("resolved", "--full-refresh"))
        _check(project.resolved("resolved"), expected, n_nodes)
        project.run("followed", "--full-refresh")
        picked = generator.integers(0, n_nodes, (2, min(N_NEW_EDGES, n_nodes // 100)))
        new = pd.DataFrame(
            {"a": edges["a"][picked[0]], "b": edges["a"].iloc[picked[1]].to_numpy()}
        )
        more = pd.concat([edges, new], ignore_index=True)
        expected_more, _, _ = by_scipy(more)
        project.put("new_edges", new)
        told.append(project.run("followed"))
        _check(project.resolved("followed"), expected_more, n_nodes)
        project.put("edges", more)
        compared.append(project.run("resolved"))
        _check(project.resolved("resolved"), expected_more, n_nodes)
    return Measured(
        n_nodes,
        median(whole),
        median(told),
        median(compared),
        median(keys),
        median(numbers),
    )


def _check(found: pd.Series, expected: pd.Series, n_nodes: int) -> None:
    same = found.index.equals(pd.Index(expected.index)) and bool(
        (found.to_numpy() == expected.to_numpy()).all()
    )
    if not same:
        message = f"components of {n_nodes} identifiers differ from scipy's"
        raise ValueError(message)


def table(measured: list[Measured]) -> str:
    """Render as Markdown, growth beside that of n log n."""
    base = measured[0]
    head = (
        "| identifiers | CPU s | wall s | growth | n log n | times scipy from keys "
        "| times scipy from numbers | 5,000 edges told, CPU s "
        "| times scipy from numbers | found by comparing, CPU s |"
    )
    lines = [
        head,
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in measured:
        growth = row.whole.cpu / base.whole.cpu
        bound = (row.n_nodes * math.log(row.n_nodes)) / (
            base.n_nodes * math.log(base.n_nodes)
        )
        lines.append(
            f"| {row.n_nodes:,} | {row.whole.cpu:.2f} | {row.whole.wall:.2f} "
            f"| {growth:.1f} | {bound:.1f} "
            f"| {row.whole.cpu / row.scipy_keys.cpu:.1f} "
            f"| {row.whole.cpu / row.scipy_numbers.cpu:.1f} "
            f"| {row.told.cpu:.2f} | {row.told.cpu / row.scipy_numbers.cpu:.2f} "
            f"| {row.compared.cpu:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="paired runs a size")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="segmentary-bench-") as folder:
        measured = [
            measure(size, arguments.runs, Path(folder) / str(size))
            for size in arguments.sizes
        ]
    sys.stdout.write(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}; medians of {arguments.runs} paired runs\n\n"
        f"{table(measured)}\n"
    )


if __name__ == "__main__":
    main()
