"""The command line: `python -m orchestration <command>`; `--help` lists them.

Runs go through the same jobs, instance and history as those started in the UI.
"""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from orchestration.settings import Settings, load_settings, parse_date
from orchestration.summary import print_metrics, print_query, print_summary
from orchestration.warehouse import WarehouseError

NARROWEST = 100

console = Console(highlight=False, file=sys.__stdout__)
# A log file or a narrow window still gets whole tables.
console.width = max(console.width, NARROWEST)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    settings = load_settings()
    try:
        if _answer(options, settings):
            return 0
        # Dagster takes seconds to import: only where it is needed.
        from orchestration import runs  # noqa: PLC0415

        runs.prepare_instance(settings)
        if options.command == "prepare":
            return 0
        if options.command == "erase":
            erased = runs.erase(
                settings, console, rewrite_landing=options.rewrite_landing
            )
            return 0 if erased else 1
        if options.command == "replay" or options.replay:
            succeeded = runs.replay_and_run(settings, console, options.as_of)
        else:
            succeeded = runs.run(
                settings,
                console,
                options.as_of,
                test_every_row=options.test_every_row,
            )
    except (WarehouseError, ValueError, FileNotFoundError) as error:
        Console(stderr=True, highlight=False).print(f"[red]{error}[/red]")
        return 1
    if succeeded:
        print_summary(settings, console)
    return 0 if succeeded else 1


def _answer(options: argparse.Namespace, settings: Settings) -> bool:
    """Print what the published file says; False for a command that asks it nothing."""
    if options.command == "summary":
        print_summary(settings, console)
    elif options.command == "query":
        print_query(settings, console, options.sql)
    elif options.command == "metric":
        print_metrics(settings, console, options.names, options.by, options.where or [])
    elif options.command == "report":
        # Charts take seconds to import, as Dagster does.
        from orchestration.reporting.command import print_report  # noqa: PLC0415

        print_report(settings, console)
    else:
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration", description=__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="everything once, at one as-of date")
    run.add_argument(
        "--replay",
        action="store_true",
        help="first build the month-ends before it, so that movement has a history",
    )
    run.add_argument(
        "--test-every-row",
        action="store_true",
        help="let tests look at every row, not only at what changed since the last run",
    )
    replay = commands.add_parser("replay", help="the same as `run --replay`")
    for command in (run, replay):
        command.add_argument(
            "--as-of",
            type=_date,
            metavar="YYYY-MM-DD",
            help="the day to describe: the data set's own, else today",
        )
    erase = commands.add_parser("erase", help="forget the people who asked for it")
    erase.add_argument(
        "--rewrite-landing",
        action="store_true",
        help="rewrite the landing files that still hold them",
    )
    commands.add_parser("summary", help="what the published file holds")
    query = commands.add_parser("query", help="SQL over the published file")
    query.add_argument("sql")
    metric = commands.add_parser("metric", help="metrics over the published file")
    metric.add_argument(
        "names",
        type=_names,
        nargs="?",
        default=[],
        metavar="NAME,…",
        help="metrics, such as revenue,orders; none: describe all",
    )
    metric.add_argument(
        "--by",
        type=_names,
        default=[],
        metavar="NAME,…",
        help="dimensions, such as metric_time__month,customer__rfm_segment",
    )
    metric.add_argument(
        "--where",
        action="append",
        metavar="CONDITION",
        help="for instance \"{{ Dimension('customer__country') }} = 'France'\"",
    )
    commands.add_parser("report", help="the report anew, from the published file")
    commands.add_parser("prepare", help="Dagster's folder and dbt's manifest")
    return parser


def _names(text: str) -> list[str]:
    """Split a list of names."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _date(text: str) -> str:
    """Accept a date, as argparse wants it."""
    try:
        return parse_date(text, "--as-of").isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
