"""Past month-ends into history: memberships and their snapshot, one date at a time.

The months' facts, segments and clusters are built; what a month adds is small, and
most of a dbt command is its start. So one process runs dbt for one date after the
other. It is a process of its own, since dbt keeps the warehouse open as long as its
process lives.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from orchestration.settings import AS_OF_VARIABLE, PROJECT_ROOT, Settings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

MODELS = ("customer_clusters", "segment_memberships", "snap_segment_memberships")


class ReplayError(RuntimeError):
    """A month-end could not be written; those before it are in history."""


def snapshot_months(
    settings: Settings, month_ends: Sequence[dt.date]
) -> Iterator[dt.date]:
    """Write month-ends into the snapshot, in the order given.

    Parameters
    ----------
    settings
        Folders and vars of the warehouse.
    month_ends
        As-of dates, oldest first, all known to `dim_as_of_dates`.

    Yields
    ------
    datetime.date
        Each month-end, as soon as it is written.

    Raises
    ------
    ReplayError
        If dbt fails for one of them; the message names it and is dbt's.
    """
    if not month_ends:
        return
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "SEGMENTARY_STATE": str(settings.state),
        "DBT_PROFILES_DIR": str(PROJECT_ROOT),
        "DBT_TARGET_PATH": str(settings.dbt_target),
        "DBT_LOG_PATH": str(settings.dbt_target),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [sys.executable, "-m", __name__, json.dumps(settings.dbt_vars)]
    command += [day.isoformat() for day in month_ends]
    left = list(month_ends)
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(  # noqa: S603 - this module, by this Python
            command,
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        for _line in process.stdout or ():
            yield left.pop(0)
        if process.wait():
            errors.seek(0)
            message = f"as of {left[0]}: {errors.read().strip()}"
            raise ReplayError(message)


def main(arguments: list[str]) -> int:
    """Run dbt for each date and write a line to standard output after each."""
    # dbt takes seconds to import, and only this process needs it.
    from dbt.cli.main import dbtRunner  # noqa: PLC0415
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415

    dbt_vars, *dates = arguments
    with contextlib.redirect_stdout(sys.stderr):
        parsed = dbtRunner().invoke(["--quiet", "parse", f"--vars={dbt_vars}"])
    manifest = parsed.result
    if not isinstance(manifest, Manifest):
        sys.stderr.write(str(parsed.exception))
        return 1
    for date in dates:
        os.environ[AS_OF_VARIABLE] = date
        # Standard output is for the dates alone; what dbt says goes to the other. The
        # date is read while dbt runs, so what was parsed is good for every month.
        with contextlib.redirect_stdout(sys.stderr):
            result = dbtRunner(manifest=manifest).invoke(
                [
                    "--quiet",
                    "build",
                    "--exclude-resource-type=test",
                    "--exclude-resource-type=unit_test",
                    f"--vars={dbt_vars}",
                    "--select",
                    *MODELS,
                ]
            )
        if not result.success:
            if result.exception:
                sys.stderr.write(str(result.exception))
            return 1
        sys.stdout.write(f"{date}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
