"""Where pages lie: a folder for each run, and a page that links those that are kept.

A page is written under another name and moved to its own in one step, so nobody ever
opens half of one.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orchestration.reporting.answers import ReportError, ask
from orchestration.reporting.formats import spell
from orchestration.reporting.page import render
from orchestration.reporting.pages import QUERIES, personas_page, report_page
from orchestration.warehouse import connect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestration.reporting.answers import Answer

_FOLDER: Final = re.compile(r"(\d{4}-\d{2}-\d{2})-([0-9a-z]{1,8})")
REPORT: Final = "index.html"
PERSONAS: Final = "personas.html"
INDEX: Final = "index.html"


@dataclass(frozen=True)
class Report:
    """The pages of one run, as they were written.

    Attributes
    ----------
    path
        The report.
    personas_path
        The page of personas.
    index_path
        The page that links the runs.
    as_of_date
        The day that they describe.
    run_id
        The run whose published file they show.
    n_sections
        Sections of the report.
    n_bytes
        Size of both pages.
    n_kept
        Runs that are kept, this one included.
    """

    path: Path
    personas_path: Path
    index_path: Path
    as_of_date: dt.date
    run_id: str
    n_sections: int
    n_bytes: int
    n_kept: int


@dataclass(frozen=True)
class KeptRun:
    """A run whose pages are there."""

    folder: str
    as_of_date: dt.date
    run_name: str
    has_personas: bool

    @property
    def as_of(self) -> str:
        """The day, as people write it."""
        return spell(self.as_of_date, "date")


def write_report(published: Path, folder: Path, *, kept: int) -> Report:
    """Write the pages of the published run, and forget the oldest runs' pages.

    Parameters
    ----------
    published
        The published file; opened read-only.
    folder
        Of the pages of all runs.
    kept
        How many runs' pages stay, at least 1.

    Returns
    -------
    Report
        What was written where.

    Raises
    ------
    ReportError
        If there is no published file, it holds no run, or a query can't be answered.
    ValueError
        If `kept` is less than 1.
    """
    if kept < 1:
        message = f"reports_kept is {kept}; expected 1 or more runs to keep"
        raise ValueError(message)
    answers = _answers(published)
    publication = answers["publication"]
    if not len(publication):
        message = f"{published} says of no run that it holds it"
        raise ReportError(message)
    as_of: dt.date = publication.value("as_of_date")
    run_id: str = publication.value("run_id")
    report, n_sections = report_page(answers)
    personas, _ = personas_page(answers)
    target = folder / f"{as_of.isoformat()}-{publication.value('run_name')}"
    target.mkdir(parents=True, exist_ok=True)
    n_bytes = _write(target / PERSONAS, personas) + _write(target / REPORT, report)
    runs = _forget_oldest(folder, kept, newest=target.name)
    _write(folder / INDEX, render("runs.html.jinja", **_index(answers, runs)))
    return Report(
        path=target / REPORT,
        personas_path=target / PERSONAS,
        index_path=folder / INDEX,
        as_of_date=as_of,
        run_id=run_id,
        n_sections=n_sections,
        n_bytes=n_bytes,
        n_kept=len(runs),
    )


def kept_runs(folder: Path) -> list[KeptRun]:
    """List the runs whose pages are there, the newest day first.

    Of runs of the same day, the one whose report was written last comes first.
    """
    found = []
    for path in folder.iterdir() if folder.exists() else ():
        name = _FOLDER.fullmatch(path.name)
        report = path / REPORT
        if name and report.is_file():
            run = KeptRun(
                folder=path.name,
                as_of_date=dt.date.fromisoformat(name[1]),
                run_name=name[2],
                has_personas=(path / PERSONAS).is_file(),
            )
            found.append((run.as_of_date, report.stat().st_mtime_ns, path.name, run))
    return [run for *_, run in sorted(found, key=lambda item: item[:3], reverse=True)]


def _answers(published: Path) -> Mapping[str, Answer]:
    if not published.exists():
        message = (
            f"Nothing is published at {published} yet: run `make demo` or `make run`."
        )
        raise ReportError(message)
    connection = connect(published, read_only=True)
    try:
        return ask(connection, QUERIES)
    finally:
        connection.close()


def _write(path: Path, text: str) -> int:
    """Write a page and move it to its name; return its size."""
    content = text.encode()
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        scratch.write_bytes(content)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return len(content)


def _forget_oldest(folder: Path, kept: int, *, newest: str) -> list[KeptRun]:
    """Delete the pages of all but so many runs; never those just written."""
    runs = kept_runs(folder)
    runs.sort(key=lambda run: run.folder != newest)
    for run in runs[kept:]:
        shutil.rmtree(folder / run.folder)
    return kept_runs(folder)


def _index(answers: Mapping[str, Answer], runs: list[KeptRun]) -> dict[str, object]:
    shop = answers["shop"]
    return {
        "title": "Reports of all runs",
        "kicker": shop.value("shop_name") if len(shop) else "",
        "heading": "Reports",
        "meta": "Customer segments, one report a run.",
        "runs": runs,
    }
