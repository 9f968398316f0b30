"""The materialization `connected_components` against scipy, in a project of its own.

A call of dbt costs seconds, so many random graphs share one table of edges: graphs have
no node in common, and a component never leaves its graph.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
DBT = Path(sys.executable).with_name("dbt")
Edge = tuple[str, str]
N_GRAPHS = 150
CHAIN = 5_000

PROJECT = """
name: components
version: "1.0"
config-version: 2
profile: components
flags: {send_anonymous_usage_stats: false}
"""
PROFILE = """
components:
  target: test
  outputs:
    test: {type: duckdb, path: graph.duckdb}
"""
MODEL = """
{{ config(materialized='connected_components', edge_columns=['a', 'b'],
    max_rounds=var('max_rounds', 60)) }}
select a, b from main.edges
"""


@dataclass
class Graph:
    """A dbt project with one table of edges."""

    folder: Path

    def put(self, edges: Iterable[Edge | tuple[str, None]]) -> None:
        with duckdb.connect(self.folder / "graph.duckdb") as connection:
            connection.execute(
                "create or replace table edges (a varchar, b varchar)"
            ).executemany("insert into edges values (?, ?)", list(edges))

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DBT, "--no-use-colors", "run", *options],
            cwd=self.folder,
            env=os.environ | {"DBT_PROFILES_DIR": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def resolve(self, *options: str) -> dict[str, str]:
        done = self.run(*options)
        assert done.returncode == 0, done.stdout
        return dict(self.rows("select node, component_id from resolved"))

    def rows(self, sql: str) -> list[tuple[str, ...]]:
        with duckdb.connect(self.folder / "graph.duckdb") as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    folder = tmp_path_factory.mktemp("components")
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    (folder / "models" / "resolved.sql").write_text(MODEL)
    shutil.copytree(
        ROOT / "macros" / "materializations",
        folder / "macros",
        ignore=shutil.ignore_patterns("*.yml"),
    )
    return Graph(folder)


def chances(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - graphs are no secrets


def expected(edges: Iterable[Edge]) -> dict[str, str]:
    """Smallest node of each node's component, by scipy."""
    edges = list(edges)
    nodes = sorted({node for edge in edges for node in edge})
    number = {node: position for position, node in enumerate(nodes)}
    left = [number[a] for a, _ in edges]
    right = [number[b] for _, b in edges]
    matrix = coo_array((np.ones(len(edges)), (left, right)), shape=[len(nodes)] * 2)
    _, labels = connected_components(matrix, directed=False)
    smallest: dict[int, str] = {}
    for node, label in zip(nodes, labels, strict=True):
        smallest.setdefault(int(label), node)
    return {n: smallest[int(label)] for n, label in zip(nodes, labels, strict=True)}


def random_graphs(seed: int) -> list[Edge]:
    """Graphs from nearly empty to nearly full, with loops and copies of edges."""
    chance = chances(seed)
    edges: list[Edge] = []
    for number in range(N_GRAPHS):
        n_nodes = chance.randint(1, 40)
        nodes = [f"g{number}_{chance.random():.8f}" for _ in range(n_nodes)]
        n_edges = chance.randint(1, 2 * n_nodes)
        edges += [(chance.choice(nodes), chance.choice(nodes)) for _ in range(n_edges)]
    chance.shuffle(edges)
    return edges + edges[:50]


def test_a_whole_run_has_what_scipy_has(graph: Graph) -> None:
    """Random graphs, a long chain, a star, a node alone, and edges that lack an end."""
    order = chances(2).sample(range(CHAIN), CHAIN)
    edges = random_graphs(1)
    edges += [(f"c{a}", f"c{b}") for a, b in itertools.pairwise(order)]
    edges += [("hub", f"s{number}") for number in range(CHAIN)]
    edges += [("alone", "alone")]
    graph.put([*edges, ("lost", None)])
    assert graph.resolve("--full-refresh") == expected(edges)


def test_runs_that_follow_changes_equal_a_full_refresh(graph: Graph) -> None:
    """Edges come, merge components, go and split them; nodes come and go."""
    chance = chances(3)
    pool = random_graphs(3)
    bridges = [
        (chance.choice(pool)[0], chance.choice(pool)[1]) for _ in range(N_GRAPHS // 3)
    ]
    edges = set(chance.sample(pool, len(pool) // 2))
    graph.put(edges)
    graph.resolve("--full-refresh")
    for _ in range(2):
        gone = set(chance.sample(sorted(edges), len(edges) // 20))
        come = set(chance.sample(pool + bridges, len(pool) // 20))
        edges = (edges - gone) | come
        graph.put(edges)
        assert graph.resolve() == expected(edges)
    graph.put(sorted(edges, reverse=True))
    assert graph.resolve() == expected(edges)
    graph.put([("lost", None)])
    assert graph.resolve() == {}


def test_only_touched_components_are_resolved_again(graph: Graph) -> None:
    """A label that was tampered with survives where nothing changed, and only there."""
    graph.put([("a", "b"), ("c", "d")])
    graph.resolve("--full-refresh")
    graph.rows("update resolved set component_id = 'x' where node in ('a', 'b')")
    graph.rows("update resolved set component_id = 'y' where node in ('c', 'd')")
    graph.put([("a", "b"), ("c", "d"), ("d", "e")])
    assert graph.resolve() == {"a": "x", "b": "x", "c": "c", "d": "c", "e": "c"}


def test_too_few_rounds_are_an_error_and_leave_the_table(graph: Graph) -> None:
    graph.put([("a", "b")])
    before = graph.resolve("--full-refresh")
    graph.put([("a", "b"), ("b", "c")])
    done = graph.run("--vars", "max_rounds: 0")
    assert done.returncode != 0
    assert "max_rounds" in done.stdout
    assert dict(graph.rows("select node, component_id from resolved")) == before
