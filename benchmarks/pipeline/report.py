"""Results as a page and charts. No figure is made here, only ratios of medians."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import altair as alt
import pandas as pd
import vl_convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.pipeline.results import Results

NO_FIGURE = "n/a"
GIGABYTE = 1e9
# Seconds that the tools may cost by themselves.
TOOLS = 3.0
TOOLS_A_NODE = 0.04
PROGRAMS = {
    "scan": "reading the needed columns from Parquet, nothing else",
    "script": "hand-written script",
    "usual": "usual dbt-style SQL",
    "narrow": "SQL: events, sessions, facts and RFM of users, nothing kept",
    "polars": "polars, the same",
    "pandas": "pandas, the same",
    "land_jsonl": "Segmentary: landing of the same as gzipped JSON lines",
    "land": "Segmentary: landing",
    "build": "Segmentary: `dbt build` of the same tables, without tests",
    "build_tested": "Segmentary: `dbt build` of the same tables, with tests",
    "build_limited": "Segmentary: the same without tests, DuckDB limited to 1,500 MB",
    "build_rest": "Segmentary: `dbt build` of all other models",
    "run": "Segmentary: the Dagster run, landing to published file",
}
DAY_PROGRAMS = {
    "script_day": "hand-written incremental script",
    "land_day": "Segmentary: landing",
    "build_day": "Segmentary: `dbt build` of the same tables, without tests",
    "build_day_tested": "Segmentary: `dbt build` of the same tables, with tests",
    "build_rest_day": "Segmentary: `dbt build` of all other models",
    "run_day": "Segmentary: the Dagster run",
}
# Of the summary's columns, those that the project is held to.
GOALS = {
    "build less tools ÷ script": "1.25",
    "with tests less tools ÷ script": "1.5",
    "build ÷ usual": "0.65",
    "day less tools ÷ script": "1.5",
    "growth of build": "n log n",
}
FULL_OF = {
    "script_day": "script",
    "land_day": "land",
    "build_day": "build",
    "build_day_tested": "build_tested",
    "build_rest_day": "build_rest",
    "run_day": "run",
}


def write_report(all_results: Sequence[Results], docs: Path) -> None:
    """Write the page and its chart.

    Parameters
    ----------
    all_results
        Results of every size, and the fixed costs as size 0.
    docs
        Folder of the page `benchmarks.md`; charts go to `benchmarks/` in it.
    """
    sizes = [results for results in all_results if results.n_events]
    if not sizes:
        return
    (docs / "benchmarks").mkdir(parents=True, exist_ok=True)
    fixed = {
        results.about["commit"]: results
        for results in all_results
        if not results.n_events
    }
    (docs / "benchmarks.md").write_text(page(sizes, fixed))
    chart = cost_chart(sizes).to_json()
    (docs / "benchmarks" / "cost.svg").write_text(vl_convert.vegalite_to_svg(chart))


def page(sizes: Sequence[Results], fixed: Mapping[str, Results]) -> str:
    """Render the page; fixed costs are by code."""
    newest = max(sizes, key=lambda results: results.about["date"])
    versions = newest.about["versions"]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    cores = newest.about["cores"]
    opening = (
        "What a full build and one more day cost, beside the same tables made by other"
        " means. `make bench` measures and writes this page; the costs themselves are"
        " in `benchmarks/results/`."
    )
    circumstances = (
        f"{cores} cores, {listed}. Costs are medians of paired rounds, whose number"
        " stands with each size, as do the day and the commit; a ratio is the median of"
        " the rounds' ratios of CPU time. Before a figure counts, the tables of all"
        " programs are compared, and a difference stops the benchmark."
    )
    terms = (
        "All programs read the same daily files: Segment events and order lines with"
        " copies, late, broken and robots' records, users who share an address or a"
        " device. The hand-written script and the usual SQL read them where they lie;"
        " Segmentary lands them first, which is stated apart. The script keeps one wide"
        " table of events, keys of eight bytes, and wide segments at every month-end,"
        " over which months and memberships are views. Models whose tables no baseline"
        " makes (movement, value, personas, volumes and others, listed in"
        " `benchmarks/pipeline/project.py`) have a row of their own. What Segmentary"
        " does more than the script on the way to these tables (imputed values, names"
        " in texts, consent, contracts) counts against Segmentary. Clustering and"
        " publishing are in the Dagster run only."
    )
    chart = "![CPU seconds against the number of events](benchmarks/cost.svg)"
    parts = ["# Benchmarks", opening, circumstances, terms, chart]
    if fixed:
        parts.append("## What the tools cost over no file at all")
        for commit, costs in fixed.items():
            parts += [
                f"{costs.about['date']}, code `{commit}`; rounds: {_rounds(costs)}.",
                fixed_table(costs),
            ]
    parts += ["## In short", summary_table(sizes, fixed)]
    for results in sizes:
        shop = results.about["shop"]
        limit = results.about.get("memory_limit")
        parts += [
            f"## {results.n_events:,} events",
            f"{shop['n_customers']:,} customers, {shop['n_days']:,} daily files,"
            f" {shop['events_per_day']:,} events a day"
            + (f"; DuckDB's memory limit in Segmentary {limit}" if limit else "")
            + f"; rounds: {_rounds(results)}; {results.about['date']}, code"
            f" `{results.about['commit']}`."
            + (f" {results.about['remark']}" if results.about.get("remark") else ""),
            full_table(results),
        ]
        if results.n_rounds("build_day") or results.n_rounds("script_day"):
            parts += ["One more day:", day_table(results)]
    return "\n\n".join(parts) + "\n"


def full_table(results: Results) -> str:
    """Render the costs of a full build."""
    lines = [
        "| full build | CPU s | wall s | peak GB | GB written | of a scan | by hand |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, label in PROGRAMS.items():
        if results.n_rounds(name):
            ratios = (results.ratio(name, "scan"), results.ratio(name, "script"))
            lines.append(_row(results, name, label, ratios))
    return "\n".join(lines)


def day_table(results: Results) -> str:
    """Render the costs of one more day."""
    lines = [
        "| one more day | CPU s | wall s | peak GB | GB written | of full | by hand |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, label in DAY_PROGRAMS.items():
        if results.n_rounds(name):
            ratios = (
                results.ratio(name, FULL_OF[name]),
                results.ratio(name, "script_day"),
            )
            lines.append(_row(results, name, label, ratios))
    return "\n".join(lines)


def fixed_table(fixed: Results) -> str:
    """Render the costs over an empty landing folder."""
    nodes = fixed.about["nodes"]
    n_models = sum(nodes.get(kind, 0) for kind in ("model", "seed", "snapshot"))
    counted = {
        "land": 0,
        "build": n_models,
        "build_tested": n_models + nodes.get("test", 0),
        "run": n_models + nodes.get("test", 0),
    }
    lines = [
        "| | nodes | CPU s | wall s | 3 s + 40 ms a node |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, n_nodes in counted.items():
        if fixed.n_rounds(name):
            lines.append(
                f"| {PROGRAMS[name]} | {n_nodes or NO_FIGURE} "
                f"| {_number(fixed.median(name, 'cpu'))} "
                f"| {_number(fixed.median(name, 'wall'))} "
                f"| {_number(TOOLS + TOOLS_A_NODE * n_nodes)} |"
            )
    return "\n".join(lines)


def summary_table(sizes: Sequence[Results], fixed: Mapping[str, Results]) -> str:
    """Render the ratios that the project is held to, a row a size.

    The tools' cost is taken off where it was measured with the same code, and growth is
    between sizes of one code: another day's machine may be slower.
    """
    headings = (
        "build ÷ script",
        "with tests ÷ script",
        "build less tools ÷ script",
        "with tests less tools ÷ script",
        "landing and build ÷ script",
        "build ÷ usual",
        "day ÷ script",
        "day less tools ÷ script",
        "day ÷ full",
        "growth of build",
        "n log n",
    )
    lines = [
        f"| events | {' | '.join(headings)} |",
        "|---:" * (len(headings) + 1) + "|",
    ]
    for results in sizes:
        growth, bound = growth_of(sizes[0], results)
        if results.about["commit"] != sizes[0].about["commit"]:
            growth = None
        tools = fixed.get(results.about["commit"])
        ratios = [
            results.ratio("build", "script"),
            results.ratio("build_tested", "script"),
            less_fixed(results, tools, "build", "script"),
            less_fixed(results, tools, "build_tested", "script"),
            results.ratio("land + build", "script"),
            results.ratio("build", "usual"),
            results.ratio("land_day + build_day", "script_day"),
            less_fixed(results, tools, "land_day + build_day", "script_day"),
            results.ratio("build_day", "build"),
            growth,
            bound,
        ]
        cells = " | ".join(_number(ratio) for ratio in ratios)
        lines.append(f"| {results.n_events:,} | {cells} |")
    goals = " | ".join(GOALS.get(heading, "") for heading in headings)
    lines.append(f"| goal, at most | {goals} |")
    return "\n".join(lines)


def less_fixed(
    results: Results, fixed: Results | None, name: str, other: str
) -> float | None:
    """Return a ratio of median CPU times, the tools' fixed cost taken off first."""
    if not fixed:
        return None
    total = 0.0
    for part in name.split(" + "):
        cost, tools = results.median(part, "cpu"), fixed.median(part, "cpu")
        if cost is None or tools is None:
            return None
        total += cost - tools
    divisor = results.median(other, "cpu")
    return total / divisor if divisor else None


def growth_of(base: Results, results: Results) -> tuple[float | None, float]:
    """Return how CPU grew from the smallest size, and how n log n did."""
    bound = (results.n_events * math.log(results.n_events)) / (
        base.n_events * math.log(base.n_events)
    )
    cost, first = results.median("build", "cpu"), base.median("build", "cpu")
    return (cost / first if cost and first else None), bound


def cost_chart(sizes: Sequence[Results]) -> alt.Chart:
    """Draw CPU seconds against size, both on logarithmic axes."""
    labels = PROGRAMS | {
        name: f"one more day: {label}" for name, label in DAY_PROGRAMS.items()
    }
    shown = ["scan", "script", "usual", "narrow", "polars", "pandas", "build"]
    shown += ["build_tested", "script_day", "build_day"]
    frame = pd.DataFrame(
        [
            {
                "events": results.n_events,
                "seconds": results.median(name, "cpu"),
                "program": labels[name].replace("`", ""),
            }
            for results in sizes
            for name in shown
            if results.n_rounds(name)
        ]
    )
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            x=alt.X("events:Q", scale=alt.Scale(type="log"), title="events"),
            y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="CPU seconds"),
            color=alt.Color("program:N", title=None, sort=None).legend(
                labelLimit=400, orient="right"
            ),
        )
        .properties(width=480, height=360)
    )
    return chart


def _rounds(results: Results) -> str:
    """Tell how many rounds there were, of some programs fewer."""
    counts = {results.n_rounds(name) for name in results.costs} or {0}
    few, many = min(counts), max(counts)
    return str(many) if few == many else f"{few} to {many}"


def _row(
    results: Results, name: str, label: str, ratios: Sequence[float | None]
) -> str:
    cells = [
        label,
        _number(results.median(name, "cpu")),
        _number(results.median(name, "wall")),
        _number(_in_gigabytes(results.median(name, "peak"))),
        _number(_in_gigabytes(results.median(name, "written"))),
        *(_number(ratio) for ratio in ratios),
    ]
    return "| " + " | ".join(cells) + " |"


def _in_gigabytes(size: float | None) -> float | None:
    return None if size is None else size / GIGABYTE


def _number(value: float | None) -> str:
    """Write three figures, as many as a median of few rounds bears."""
    if value is None:
        return NO_FIGURE
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 3)}f}"
