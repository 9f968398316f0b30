"""How the cost of `connected_components` grows with the number of identifiers.

Every size is resolved whole by the materialization, in a dbt project of its own, and by
scipy in this process; both must give the same components. Then 5,000 edges are added
and the materialization follows them. Times are those that dbt reports for the model, so
that dbt's own start counts nowhere.
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
FILES = {
    "dbt_project.yml": "name: bench\nversion: '1.0'\nprofile: bench\n"
    "flags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "bench:\n  target: bench\n  outputs:\n"
    "    bench: {type: duckdb, path: bench.duckdb}\n",
    "models/resolved.sql": "{{ config(materialized='connected_components',"
    " edge_columns=['a', 'b']) }}\nselect a, b from edges\n",
}


@dataclass(frozen=True)
class Measured:
    """Median seconds at one size.

    Attributes
    ----------
    n_nodes
        Identifiers.
    whole, added, scipy
        Seconds of a whole resolution, of following 5,000 new edges, and of scipy's.
    """

    n_nodes: int
    whole: float
    added: float
    scipy: float


def make_edges(n_nodes: int, seed: int) -> pd.DataFrame:
    """Make people of a few identifiers each, one long chain among them.

    Returns
    -------
    pandas.DataFrame
        Edges `a`, `b` of 64 characters, 1.5 per node; every node has one at least.
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
    names = np.array([f"{value:064x}" for value in generator.permutation(n_nodes)])
    return pd.DataFrame({"a": names[left], "b": names[right]})


def by_scipy(edges: pd.DataFrame) -> tuple[pd.Series, float]:
    """Resolve by scipy: smallest node by node, and the seconds that it took."""
    started = time.perf_counter()
    codes, nodes = pd.factorize(
        np.concatenate([edges["a"], edges["b"]]),
        sort=True,
    )
    left, right = np.split(codes, 2)
    shape = (len(nodes), len(nodes))
    matrix = coo_array((np.ones(len(left), np.int8), (left, right)), shape)
    n_components, labels = connected_components(matrix, directed=False)
    smallest = np.full(n_components, len(nodes))
    np.minimum.at(smallest, labels, np.arange(len(nodes)))
    roots = nodes[smallest[labels]]
    seconds = time.perf_counter() - started
    return pd.Series(roots, index=nodes), seconds


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

    def put(self, edges: pd.DataFrame) -> None:
        """Set the edges."""
        with duckdb.connect(self.folder / "bench.duckdb") as connection:
            connection.register("frame", edges)
            connection.execute("create or replace table edges as from frame")

    def run(self, *options: str) -> float:
        """Resolve, and return the seconds of the model."""
        dbt = Path(sys.executable).with_name("dbt")
        subprocess.run(  # noqa: S603 - the project's own dbt
            [dbt, "--quiet", "run", "--target-path", "target", *options],
            cwd=self.folder,
            env=os.environ | {"DBT_PROFILES_DIR": str(self.folder)},
            check=True,
        )
        results = json.loads((self.folder / "target" / "run_results.json").read_text())
        return float(results["results"][0]["execution_time"])

    def resolved(self) -> pd.Series:
        """Return the component of every node."""
        with duckdb.connect(self.folder / "bench.duckdb") as connection:
            frame = connection.execute("from resolved order by node").df()
        return frame.set_index("node")["component_id"]


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
    whole, added, scipy = [], [], []
    for _ in range(n_runs):
        project.put(edges)
        expected, seconds = by_scipy(edges)
        scipy.append(seconds)
        whole.append(project.run("--full-refresh"))
        _check(project.resolved(), expected, n_nodes)
        picked = generator.integers(0, n_nodes, (2, min(N_NEW_EDGES, n_nodes // 100)))
        new = pd.DataFrame(
            {"a": edges["a"][picked[0]], "b": edges["a"].iloc[picked[1]].to_numpy()}
        )
        more = pd.concat([edges, new], ignore_index=True)
        project.put(more)
        added.append(project.run())
        _check(project.resolved(), by_scipy(more)[0], n_nodes)
    return Measured(
        n_nodes,
        statistics.median(whole),
        statistics.median(added),
        statistics.median(scipy),
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
    lines = [
        "| identifiers | s | growth | n log n | times scipy | 5,000 edges, share |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for row in measured:
        growth = row.whole / base.whole
        bound = (row.n_nodes * math.log(row.n_nodes)) / (
            base.n_nodes * math.log(base.n_nodes)
        )
        lines.append(
            f"| {row.n_nodes:,} | {row.whole:.2f} | {growth:.1f} | {bound:.1f} "
            f"| {row.whole / row.scipy:.1f} | {row.added / row.whole:.2f} |"
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
