"""The command line: `python -m demo land --dataset NAME --landing DIR`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from demo.files import DemoError
from demo.registry import DATA_SETS, DEFAULT_DATA_SET, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.files import WrittenFile
    from demo.registry import DataSet


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    land = commands.add_parser(
        "land",
        help="write a data set's files into a landing folder",
        description="Write a data set's files into a landing folder. "
        "The same files every time; files already there are left alone.",
    )
    land.add_argument(
        "--dataset",
        choices=sorted(DATA_SETS),
        default=DEFAULT_DATA_SET,
        help="which one (default: %(default)s)",
    )
    land.add_argument(
        "--landing",
        type=Path,
        required=True,
        metavar="DIR",
        help="the landing folder",
    )
    land.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="your copy of the data, for a data set that no package ships",
    )
    for name, what in {
        "customers": "how many customers the simulated shop knows",
        "days": "over how many days, which end on 31 December 2025",
        "seed": "what chance starts from",
    }.items():
        land.add_argument(
            f"--{name}", type=int, metavar="N", help=f"storefront: {what}"
        )
    return parser


def _report(
    console: Console,
    data_set: DataSet,
    files: Sequence[WrittenFile],
    landing: Path,
) -> None:
    title = f"{data_set.name}: {data_set.title}"
    table = Table(title=title, title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("records", justify="right")
    table.add_column("kB", justify="right")
    table.add_column("status")
    for file in files:
        table.add_row(
            os.path.relpath(file.path, landing),
            f"{file.n_records:,}",
            f"{file.path.stat().st_size / 1000:,.0f}",
            "written" if file.is_changed else "unchanged",
        )
    console.print(table)
    if data_set.is_simulated:
        console.print("SIMULATED DATA: no line of it comes from a real shop or person.")
    console.print(f"dbt vars: {data_set.vars_path}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        The exit status: 0, or 1 after an error that the message explains.
    """
    options = _parser().parse_args(arguments)
    data_set = DATA_SETS[options.dataset]
    try:
        files = data_set.land(
            options.landing,
            options.file,
            Size(options.customers, options.days, options.seed),
        )
    except DemoError as error:
        Console(stderr=True).print(
            f"[bold red]error:[/] {data_set.name}:", end=" ", highlight=False
        )
        Console(stderr=True).print(
            str(error), markup=False, highlight=False, soft_wrap=True
        )
        return 1
    _report(Console(), data_set, files, options.landing)
    return 0
