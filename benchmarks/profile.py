"""Where the time of a run goes: one that builds everything, and one more day.

Both are runs of the whole job from the command line over a storefront of its own, with
one dbt thread, so that nodes take turns and their times add up to the run's. Times are
those that Dagster recorded. The page says what each part takes, the longest nodes, and
the path that bounds a run however many things happen at once.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from demo.storefront import Parameters, land

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dagster import AssetKey, DagsterEvent

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "profile.md"
DATA_SET_VARS = "demo/storefront/vars.yml"
# The last day of events lands on its own, and the runs are as of its two midnights.
LAST_DAY, DAY_AFTER = "2025-12-31", "2026-01-01"
N_CUSTOMERS = 2_500
N_LISTED = 20
DBT_STEP = "dbt_models"


@dataclass
class Node:
    """What is built in one go: a dbt node with its tests, or a step of Python.

    Attributes
    ----------
    name
        Its name.
    seconds
        How long it took.
    test_seconds
        How long each of its tests took.
    parents
        Names of the nodes that come before it.
    """

    name: str
    seconds: float = 0.0
    test_seconds: list[float] = field(default_factory=list)
    parents: set[str] = field(default_factory=set)

    @property
    def bound(self) -> float:
        """Seconds before what reads it can start, were its tests run side by side."""
        return self.seconds + max(self.test_seconds, default=0.0)


@dataclass(frozen=True)
class Profile:
    """One run.

    Attributes
    ----------
    title
        What was run.
    nodes
        By name.
    parts
        Seconds by what they were spent on.
    n_dbt_steps, n_dbt_nodes, n_tests
        How often dbt was started, and what it ran.
    wall, cpu, peak_gb
        Of the whole command, its start included.
    """

    title: str
    nodes: Mapping[str, Node]
    parts: Mapping[str, float]
    n_dbt_steps: int
    n_dbt_nodes: int
    n_tests: int
    wall: float
    cpu: float
    peak_gb: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Land a storefront, run it twice, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile")
    parser.add_argument("--customers", type=int, default=N_CUSTOMERS)
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="segmentary-profile-") as name:
        folder = Path(name)
        _set_up(folder)
        parameters = Parameters(n_customers=options.customers)
        land(folder / "landing", parameters=parameters)
        late = _take_last_day(folder / "landing")
        # The first command of a state parses the project; no later one does.
        _run("prepare")
        profiles = [_profile("Everything", LAST_DAY)]
        for path, content in late.items():
            path.write_bytes(content)
        profiles.append(_profile("One more day", DAY_AFTER))
        n_events = _n_events(folder / "state" / "warehouse.duckdb")
    command = "make profile"
    if options.customers != N_CUSTOMERS:
        command += f' PROFILE_ARGS="--customers {options.customers}"'
    options.output.write_text(_page(profiles, command, options.customers, n_events))
    return 0


def _set_up(folder: Path) -> None:
    """Point this process and what it starts to a state of their own."""
    os.environ |= {
        "SEGMENTARY_STATE": str(folder / "state"),
        "SEGMENTARY_LANDING": str(folder / "landing"),
        "SEGMENTARY_VARS": DATA_SET_VARS,
        "SEGMENTARY_DBT_THREADS": "1",
        "DAGSTER_HOME": str(folder / "state" / "dagster"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def _take_last_day(landing: Path) -> dict[Path, bytes]:
    """Take the events of the last day out of the landing folder, as files to add."""
    taken: dict[Path, bytes] = {}
    for path in sorted((landing / "segment" / "events").glob("2025-12*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            lines = list(stream)
        late = [line for line in lines if f'"receivedAt":"{LAST_DAY}' in _dense(line)]
        kept = [
            line for line in lines if f'"receivedAt":"{LAST_DAY}' not in _dense(line)
        ]
        path.write_bytes(gzip.compress("".join(kept).encode(), mtime=0))
        taken[path.with_name(f"{LAST_DAY}.jsonl.gz")] = gzip.compress(
            "".join(late).encode(), mtime=0
        )
    return taken


def _dense(line: str) -> str:
    """Drop the blank that may follow a key."""
    return line.replace('": "', '":"')


def _run(*arguments: str) -> tuple[float, float, float]:
    """Run a command of the project; return wall and CPU seconds and peak gigabytes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(  # noqa: S603 - our own module, by this Python
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / 1e6


def _profile(title: str, as_of: str) -> Profile:
    """Run the whole job and read what Dagster recorded of it."""
    wall, cpu, peak_gb = _run("run", "--as-of", as_of)
    # The project's definitions read the environment that `_set_up` made.
    import dagster as dg  # noqa: PLC0415

    from orchestration.definitions import defs  # noqa: PLC0415

    with dg.DagsterInstance.get() as instance:
        (record,) = instance.get_run_records(limit=1)
        entries = instance.all_logs(record.dagster_run.run_id)
    events = [
        (entry.timestamp, entry.dagster_event)
        for entry in entries
        if entry.dagster_event
    ]
    steps = _step_seconds(events)
    graph = defs.resolve_asset_graph()
    nodes, names, n_tests = _nodes(events, steps)
    for key, name in names.items():
        nodes[name].parents |= {
            names[parent] for parent in graph.get(key).parent_keys if parent in names
        } - {name}
    dbt = {name: node for name, node in nodes.items() if name not in steps}
    in_dbt = sum(seconds for step, seconds in steps.items() if _is_dbt(step))
    in_models = sum(node.seconds for node in dbt.values())
    in_tests = sum(sum(node.test_seconds) for node in dbt.values())
    python = {step: seconds for step, seconds in steps.items() if not _is_dbt(step)}
    parts = {
        "dbt: models, seeds and the snapshot": in_models,
        "dbt: tests": in_tests,
        "dbt: its start, parsing, and between nodes": in_dbt - in_models - in_tests,
        **{step: seconds for step, seconds in python.items() if step in nodes},
        "checks in Python": sum(
            seconds for step, seconds in python.items() if step not in nodes
        ),
    }
    parts["Dagster: its start and between steps"] = wall - in_dbt - sum(python.values())
    return Profile(
        title=title,
        nodes=nodes,
        parts=parts,
        n_dbt_steps=sum(_is_dbt(step) for step in steps),
        n_dbt_nodes=len(dbt),
        n_tests=n_tests,
        wall=wall,
        cpu=cpu,
        peak_gb=peak_gb,
    )


def _is_dbt(step: str) -> bool:
    return step.startswith(DBT_STEP)


def _step_seconds(events: Sequence[tuple[float, DagsterEvent]]) -> dict[str, float]:
    """Return the duration of each step, in the order they ran."""
    started: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for moment, event in events:
        if event.event_type_value == "STEP_START":
            started[str(event.step_key)] = moment
        elif event.event_type_value == "STEP_SUCCESS":
            step = str(event.step_key)
            seconds[step] = moment - started[step]
    return seconds


def _nodes(
    events: Sequence[tuple[float, DagsterEvent]], steps: Mapping[str, float]
) -> tuple[dict[str, Node], dict[AssetKey, str], int]:
    """Return what was built, its name by asset, and the number of dbt tests."""
    nodes: dict[str, Node] = {}
    names: dict[AssetKey, str] = {}
    for _, event in events:
        if event.event_type_value != "ASSET_MATERIALIZATION":
            continue
        materialization = event.step_materialization_data.materialization
        step = str(event.step_key)
        name = materialization.asset_key.path[-1] if _is_dbt(step) else step
        names[materialization.asset_key] = name
        node = nodes.setdefault(name, Node(name))
        node.seconds = (
            float(str(materialization.metadata["Execution Duration"].value))
            if _is_dbt(step)
            else steps[step]
        )
    n_tests = 0
    for _, event in events:
        if event.event_type_value != "ASSET_CHECK_EVALUATION":
            continue
        evaluation = event.asset_check_evaluation_data
        duration = evaluation.metadata.get("Execution Duration")
        if duration is not None and evaluation.asset_key in names:
            n_tests += 1
            nodes[names[evaluation.asset_key]].test_seconds.append(
                float(str(duration.value))
            )
    return nodes, names, n_tests


def critical_path(nodes: Mapping[str, Node]) -> list[Node]:
    """Return the chain of nodes that takes longest, the first one first.

    Parameters
    ----------
    nodes
        By name; their parents form no circle.

    Returns
    -------
    list of Node
        Each is a parent of the next; among equally long chains the first by name.
    """
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}

    def end(name: str) -> float:
        if name not in ends:
            latest = max(
                sorted(nodes[name].parents),
                key=end,
                default=None,
            )
            before[name] = latest
            ends[name] = nodes[name].bound + (ends[latest] if latest else 0.0)
        return ends[name]

    step = max(sorted(nodes), key=end, default=None)
    path: list[Node] = []
    while step is not None:
        path.append(nodes[step])
        step = before[step]
    return path[::-1]


def _n_events(warehouse: Path) -> int:
    """Count the events that landed."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        counted = connection.execute(
            "select count(*) from intermediate.int_events_classified"
        ).fetchone()
    return int(counted[0]) if counted else 0


def _page(
    profiles: Sequence[Profile], command: str, n_customers: int, n_events: int
) -> str:
    """Render the page."""
    versions = f"Python {platform.python_version()}, " + ", ".join(
        f"{package} {_version(package)}"
        for package in ("duckdb", "dbt-core", "dbt-duckdb", "dagster")
    )
    today = dt.datetime.now(dt.UTC).date()
    lines = [
        "# Where the time of a run goes",
        "",
        f"Written by `{command}`: two runs of the whole job over the simulated",
        f"storefront, {n_customers:,} customers and {n_events:,} events. The second",
        "adds the events of one day, and its tests look at what changed",
        "([tests](tests.md)). dbt has one thread, so that nodes take turns.",
        "",
        f"{today}, {os.cpu_count()} cores, {versions}.",
        "",
        "Seconds of wall time:",
        "",
        "| | " + " | ".join(profile.title for profile in profiles) + " |",
        "|---|" + "---:|" * len(profiles),
    ]
    for part in profiles[0].parts:
        figures = (f"{profile.parts.get(part, 0.0):.1f}" for profile in profiles)
        lines.append(f"| {part} | " + " | ".join(figures) + " |")
    for label, render in (
        ("**whole command**", lambda p: f"**{p.wall:.1f}**"),
        ("CPU seconds of it", lambda p: f"{p.cpu:.1f}"),
        ("peak memory of a process, GB", lambda p: f"{p.peak_gb:.1f}"),
        ("starts of dbt", lambda p: str(p.n_dbt_steps)),
        ("dbt nodes", lambda p: str(p.n_dbt_nodes)),
        ("dbt tests", lambda p: str(p.n_tests)),
    ):
        lines.append(f"| {label} | " + " | ".join(map(render, profiles)) + " |")
    for profile in profiles:
        lines += ["", f"## {profile.title}", "", *_longest(profile), ""]
        lines += list(_path(profile))
    return "\n".join(lines) + "\n"


def _version(package: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415

    return version(package)


def _longest(profile: Profile) -> Iterator[str]:
    """Render the nodes that took longest."""
    ordered = sorted(
        profile.nodes.values(),
        key=lambda node: (-node.seconds - sum(node.test_seconds), node.name),
    )
    yield f"The {N_LISTED} longest, of {len(ordered)}:"
    yield ""
    yield "| node | s | its tests, s |"
    yield "|---|---:|---:|"
    for node in ordered[:N_LISTED]:
        tests = f"{sum(node.test_seconds):.2f}" if node.test_seconds else ""
        yield f"| `{node.name}` | {node.seconds:.2f} | {tests} |"


def _path(profile: Profile) -> Iterator[str]:
    """Render the critical path."""
    path = critical_path(profile.nodes)
    total = sum(node.bound for node in path)
    yield (
        f"The critical path, {total:.1f} s: no run is shorter, however many nodes are "
        "built"
    )
    yield "side by side. A node counts with the longest of its tests."
    yield ""
    for node in path:
        yield f"1. `{node.name}` {node.bound:.2f}"


if __name__ == "__main__":
    sys.exit(main())
