"""The materialization `connected_components` against scipy, in a project of its own.

A call of dbt costs seconds, so many random graphs share one table of edges: graphs have
no node in common, and a component never leaves its graph.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pytest
from dbt_calls import call_dbt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
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


FOLLOWING_MODEL = """
{{ config(materialized='connected_components', edge_columns=['a', 'b'],
    gone_column='is_gone') }}
{% if is_incremental() %}
select a, b, is_gone from main.changed_edges
{% else %}
select a, b from main.edges
{% endif %}
"""


def frame(edges: Iterable[Edge | tuple[str, None]]) -> pd.DataFrame:
    return pd.DataFrame(list(edges), columns=["a", "b"], dtype="str")


@dataclass
class Graph:
    """A dbt project with one table of edges."""

    folder: Path

    def put(self, edges: Iterable[Edge | tuple[str, None]]) -> None:
        with duckdb.connect(self.folder / "graph.duckdb") as connection:
            connection.register("frame", frame(edges))
            connection.execute("create or replace table edges as from frame")

    def put_changed(self, come: Iterable[Edge], gone: Iterable[Edge]) -> None:
        """Set the edges that came or went, for the model that follows them."""
        changed = pd.concat(
            [frame(come).assign(is_gone=False), frame(gone).assign(is_gone=True)]
        )
        with duckdb.connect(self.folder / "graph.duckdb") as connection:
            connection.register("frame", changed)
            connection.execute("create or replace table changed_edges as from frame")

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return call_dbt(
            ["--no-use-colors", "run", *options],
            folder=self.folder,
            environment=os.environ | {"DBT_PROFILES_DIR": str(self.folder)},
        )

    def resolve(self, *options: str, model: str = "resolved") -> dict[str, str]:
        done = self.run("--select", model, *options)
        assert done.returncode == 0, done.stdout
        rows = self.rows(f"select node, component_id from {model}")
        assert len(rows) == len(dict(rows))
        return dict(rows)

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
    (folder / "models" / "followed.sql").write_text(FOLLOWING_MODEL)
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


def test_a_model_may_name_only_the_edges_that_changed(graph: Graph) -> None:
    """Some are named that had been there, or had not; a whole run ignores the flag."""
    chance = chances(4)
    pool = sorted(set(random_graphs(4)))
    edges = set(chance.sample(pool, len(pool) // 2))
    graph.put(edges)
    assert graph.resolve("--full-refresh", model="followed") == expected(edges)
    for n_gone in (0, len(pool) // 20):
        gone = set(chance.sample(sorted(edges), n_gone))
        come = set(chance.sample(pool, len(pool) // 10)) - gone
        come |= {(a, chance.choice(pool)[0]) for a, _ in chance.sample(pool, 20)} - gone
        edges = (edges - gone) | come
        never = {("never", "there")} if n_gone else set()
        # An edge has no direction.
        graph.put_changed([(b, a) for a, b in come], gone | never)
        # The same edge the other way round may have been there too.
        edges -= {(b, a) for a, b in gone}
        assert graph.resolve(model="followed") == expected(edges)


def test_without_its_edges_a_table_is_not_followed(graph: Graph) -> None:
    """All edges resolve it from nothing; changed ones can't."""
    graph.put([("a", "b")])
    graph.resolve("--full-refresh")
    graph.resolve("--full-refresh", model="followed")
    graph.rows("drop table resolved__edges")
    graph.rows("drop table followed__edges")
    graph.put([("b", "c")])
    assert graph.resolve() == {"b": "b", "c": "b"}
    graph.put_changed([("b", "c")], [])
    done = graph.run("--select", "followed")
    assert done.returncode != 0
    assert "--full-refresh" in done.stdout


def test_only_what_changed_edges_touch_is_resolved_again(graph: Graph) -> None:
    """Labels tell what was done: they are all tampered with.

    What lost an edge is resolved from its edges; what gained one is joined as it
    stands; the rest stays.
    """
    graph.put([("a", "b"), ("c", "d"), ("f", "g"), ("g", "h")])
    graph.resolve("--full-refresh")
    for node, label in (("a", "w"), ("c", "x"), ("f", "y")):
        graph.rows(
            f"update resolved set component_id = '{label}'"
            f" where component_id = '{node}'"
        )
    graph.put([("a", "b"), ("c", "d"), ("d", "e"), ("f", "g")])
    assert graph.resolve() == {
        "a": "w",
        "b": "w",
        "c": "e",
        "d": "e",
        "e": "e",
        "f": "f",
        "g": "f",
    }


def test_too_few_rounds_are_an_error_and_leave_the_table(graph: Graph) -> None:
    graph.put([("a", "b")])
    before = graph.resolve("--full-refresh")
    graph.put([("a", "b"), ("b", "c")])
    done = graph.run("--select", "resolved", "--vars", "max_rounds: 0")
    assert done.returncode != 0
    assert "max_rounds" in done.stdout
    assert dict(graph.rows("select node, component_id from resolved")) == before
