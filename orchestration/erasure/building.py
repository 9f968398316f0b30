"""How an erasure has marts built and published: dbt as a process of its own.

dbt keeps the warehouse open as long as its process lives, so it never runs in ours.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

from orchestration import publishing
from orchestration.dictionary import read_dictionary
from orchestration.erasure.compaction import ErasureError
from orchestration.erasure.flow import Workshop
from orchestration.project import DBT_EXECUTABLE, code_version, prepare_manifest
from orchestration.settings import AS_OF_VARIABLE, PROJECT_ROOT, Settings
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence


def make_workshop(settings: Settings, run_id: str) -> Workshop:
    """Return what builds and publishes a warehouse.

    Parameters
    ----------
    settings
        Folders and vars of the warehouse.
    run_id
        The run that the published file names.
    """

    def build(arguments: Sequence[str], day: dt.date) -> None:
        _build(settings, arguments, day)

    def publish(day: dt.date) -> None:
        manifest = json.loads(prepare_manifest().read_text())
        try:
            publishing.publish(
                Warehouse(settings.warehouse_path),
                settings.published_path,
                publishing.published_tables(manifest),
                publishing.Publication(
                    run_id,
                    day,
                    code_version(),
                    dictionary=read_dictionary(manifest, settings),
                ),
                # A copy of the published file would hold the people who are gone.
                anew=True,
            )
        except publishing.NotPublishedError as error:
            message = f"the published file still holds who was erased: {error}"
            raise ErasureError(message) from error

    return Workshop(build, publish)


def _build(settings: Settings, arguments: Sequence[str], day: dt.date) -> None:
    """Run `dbt build`, as a run does, and say which nodes failed."""
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    environment = {"DBT_PROFILES_DIR": str(PROJECT_ROOT)} | os.environ
    environment |= {
        "SEGMENTARY_STATE": str(settings.state),
        AS_OF_VARIABLE: day.isoformat(),
        "DBT_TARGET_PATH": str(settings.dbt_target),
        "DBT_LOG_PATH": str(settings.dbt_target),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [str(DBT_EXECUTABLE), "--quiet", "build", *arguments]
    command += ["--vars", json.dumps(settings.dbt_vars)]
    done = subprocess.run(  # noqa: S603
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, check=False
    )
    if done.returncode:
        # dbt's own words may hold a value of a record; its log is for whoever mends it.
        failed = ", ".join(_failed_nodes(settings)) or "before the first model"
        message = (
            f"dbt build failed ({failed}); see {settings.dbt_target / 'dbt.log'}. "
            "The erasure goes on from here once it is mended: run `erase` again"
        )
        raise ErasureError(message)


def _failed_nodes(settings: Settings) -> list[str]:
    """Name the nodes that failed in the last build."""
    path = settings.dbt_target / "run_results.json"
    if not path.exists():
        return []
    results = json.loads(path.read_text())["results"]
    return [
        result["unique_id"]
        for result in results
        if result["status"] in ("error", "fail", "runtime error")
    ]
