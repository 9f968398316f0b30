"""Runs from the command line: one as-of date, or a replay of month-ends before it."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.erasure import is_unfinished
from orchestration.erasure.landing_files import files_with_erased
from orchestration.history import month_ends_to_replay
from orchestration.progress import quiet_dbt
from orchestration.project import prepare_manifest
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    from rich.console import Console

_INSTANCE_FILE = "dagster.yaml"


def prepare_instance(settings: Settings) -> None:
    """Make Dagster's folder with its configuration, and dbt's manifest."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    settings.landing.mkdir(parents=True, exist_ok=True)
    wanted = (PROJECT_ROOT / "orchestration" / _INSTANCE_FILE).read_text()
    (home / _INSTANCE_FILE).write_text(wanted)
    os.environ["DAGSTER_HOME"] = str(home)
    prepare_manifest()


def run(
    settings: Settings,
    console: Console,
    as_of: str | None,
    *,
    test_every_row: bool = False,
) -> bool:
    """Run everything once and return whether it succeeded.

    An erasure that was killed half-way is finished first. Tests look at what changed
    since the published run, or at every row.
    """
    if is_unfinished(Warehouse(settings.warehouse_path)) and not erase(
        settings, console, rewrite_landing=False
    ):
        return False
    date = settings.as_of_date(as_of, dt.datetime.now(dt.UTC))
    config = _as_of(date)
    config["resources"]["dbt_options"] = {"config": {"test_every_row": test_every_row}}
    return _execute(console, "segmentary", f"everything as of {date}", config)


def replay_and_run(settings: Settings, console: Console, as_of: str | None) -> bool:
    """Run the month-ends that history lacks, oldest first, then everything.

    Returns
    -------
    bool
        Whether every run succeeded; the first that fails ends the replay.
    """
    final = settings.as_of_date(as_of, dt.datetime.now(dt.UTC))
    label = "landed files; facts, segments and clusters of every month-end"
    if not _execute(console, "build_months", label, _as_of(final)):
        return False
    months = month_ends_to_replay(Warehouse(settings.warehouse_path), final)
    if months:
        label = f"{len(months)} month-ends into history, oldest first"
        dates = {"dates": [day.isoformat() for day in months]}
        config = {"ops": {"snapshot_months": {"config": dates}}}
        if not _execute(console, "snapshot_months_job", label, config):
            return False
    # The months were built without tests.
    return run(settings, console, final.isoformat(), test_every_row=True)


def erase(settings: Settings, console: Console, *, rewrite_landing: bool) -> bool:
    """Forget the people who asked for it, and return whether that succeeded."""
    options = {"config": {"rewrite_landing": rewrite_landing}}
    config = {"ops": {"erase_people": options}}
    label = "open requests to be forgotten"
    if not _execute(console, "erase", label, config):
        return False
    with Warehouse(settings.warehouse_path).read() as connection:
        files = files_with_erased(connection, settings.landing)
    if files:
        console.print(
            f"[yellow]  {len(files)} landing files still hold people who were erased; "
            "delete them, or run `make erase REWRITE=1`[/yellow]"
        )
        for file in files:
            console.print(f"    {file.name}", markup=False)
    return True


def _as_of(day: dt.date) -> dict[str, Any]:
    """Return the run configuration that sets the as-of date."""
    return {"resources": {"as_of": {"config": {"date": day.isoformat()}}}}


def _execute(
    console: Console, job_name: str, label: str, run_config: dict[str, Any]
) -> bool:
    """Run a job in this process and say how it went."""
    from orchestration.definitions import defs  # noqa: PLC0415 - needs the manifest

    console.print(f"[bold]{label}[/bold]")
    started = time.monotonic()
    with dg.DagsterInstance.get() as instance, quiet_dbt(console):
        result = defs.resolve_job_def(job_name).execute_in_process(
            instance=instance,
            run_config=run_config | {"loggers": {"progress": {}}},
            raise_on_error=False,
        )
    seconds = time.monotonic() - started
    outcome = "done" if result.success else "[red]failed[/red]"
    console.print(f"  {outcome} in {seconds:.0f} s")
    return bool(result.success)
