"""The report from the command line, without a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.reporting.files import write_report

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.settings import Settings


def print_report(settings: Settings, console: Console) -> None:
    """Make the report of the published file anew and say where it is.

    Raises
    ------
    ReportError
        If there is no published file, or it can't be read.
    """
    kept = max(int(settings.project_var("reports_kept")), 1)
    made = write_report(settings.published_path, settings.reports_path, kept=kept)
    console.print(f"Report of run {made.run_id[:8]}, as of {made.as_of_date}:")
    for path in (made.path, made.personas_path, made.index_path):
        console.print(f"  {path.as_uri()}", soft_wrap=True)
