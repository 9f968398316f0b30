"""What a run says on the terminal: one line a step and a table, not Dagster's log."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from typing import TYPE_CHECKING, Any

import dagster as dg
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status


class ProgressHandler(logging.Handler):
    """Prints the events that a person waits for."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print a step that starts, a table that stands, a check or step that fails."""
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if not isinstance(event, dg.DagsterEvent):
            message = str(meta.get("orig_message"))
            # dbt tests of seeds run too, though dagster-dbt knows no check for them.
            if record.levelno >= logging.WARNING and "AssetObservation" not in message:
                self._print(f"[yellow]{escape(message)}[/yellow]")
            return
        if event.event_type_value == "STEP_START":
            self._print(f"[dim]{event.step_key}[/dim]")
        elif event.event_type_value == "ASSET_MATERIALIZATION":
            self._materialized(event)
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            self._checked(event)
        elif event.event_type_value == "STEP_FAILURE":
            error = event.step_failure_data.error
            cause = error.cause if error and error.cause else error
            text = cause.message.strip() if cause else "no message"
            self._print(f"[red]{event.step_key} failed: {escape(text)}[/red]")

    def _materialized(self, event: dg.DagsterEvent) -> None:
        materialization = event.step_materialization_data.materialization
        name = "/".join(materialization.asset_key.path)
        rows = materialization.metadata.get("dagster/row_count")
        if rows:
            self._print(f"  {name:<48} {rows.value:>12,}")
        elif materialization.description:
            self._print(f"  {name:<48} {materialization.description}")

    def _checked(self, event: dg.DagsterEvent) -> None:
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed:
            colour = (
                "red"
                if evaluation.severity == dg.AssetCheckSeverity.ERROR
                else "yellow"
            )
            self._print(f"[{colour}]  check failed: {evaluation.check_name}[/{colour}]")

    def _print(self, text: str) -> None:
        self._console.print(f"  {text}", soft_wrap=True)


class _DbtLines:
    """Takes the place of standard output: shows which node dbt is at, not its log."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def write(self, text: str) -> int:
        started = re.search(r"(\d+) of (\d+) START .*? model (\S+)", text)
        if started:
            number, total, name = started.groups()
            self._status.update(f"dbt {number} of {total}: {name}")
        return len(text)

    def flush(self) -> None:
        """There is nothing to write out."""


@contextlib.contextmanager
def quiet_dbt(console: Console) -> Iterator[None]:
    """Show dbt's own log as one moving line; the whole of it lies in its log file."""
    with (
        console.status("starting") as status,
        contextlib.redirect_stdout(_DbtLines(status)),
    ):
        yield


@dg.logger({}, description="One line a step and a table, on the terminal.")
def progress_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that prints progress."""
    logger = logging.getLogger("segmentary.progress")
    logger.setLevel(logging.DEBUG)
    logger.handlers.clear()
    logger.propagate = False
    logger.addHandler(ProgressHandler(Console(highlight=False, file=sys.__stdout__)))
    return logger
