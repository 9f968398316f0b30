"""The command line: `python -m benchmarks.pipeline`; `--help` lists the options."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.pipeline.project import ROOT
from benchmarks.pipeline.report import write_report
from benchmarks.pipeline.results import load_results
from benchmarks.pipeline.rounds import measure, measure_fixed

RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs"
SIZES = (1_000_000, 3_000_000, 10_000_000)
SHORT_ROUNDS = 5
LONG_ROUNDS = 3
LONG_FROM = 10_000_000


def main() -> None:
    """Measure all sizes, then write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="*",
        default=SIZES,
        help="events; none writes the page again",
    )
    parser.add_argument(
        "--runs",
        type=int,
        help=f"paired rounds: {SHORT_ROUNDS}, from {LONG_FROM:,} events {LONG_ROUNDS}",
    )
    parser.add_argument("--only", nargs="+", default=(), help="names of programs")
    parser.add_argument(
        "--memory-limit", help="DuckDB's in Segmentary, such as 4GB; spills to disk"
    )
    parser.add_argument(
        "--events",
        choices=("parquet", "jsonl"),
        default="parquet",
        help="of the project",
    )
    parser.add_argument("--work", type=Path, default=ROOT / "state" / "bench")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args()
    work = options.work.resolve()
    if options.sizes and not options.only:
        measure_fixed(options.runs or SHORT_ROUNDS, work, options.results)
    for size in options.sizes:
        rounds = LONG_ROUNDS if size >= LONG_FROM else SHORT_ROUNDS
        measure(
            size,
            options.runs or rounds,
            work,
            options.results,
            only=options.only,
            memory_limit=options.memory_limit,
            file_format=options.events,
        )
    write_report(load_results(options.results), options.docs)


if __name__ == "__main__":
    main()
