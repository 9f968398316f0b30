"""The dbt project, and how Dagster runs it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tomllib
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_dbt import DbtCliResource
from packaging.version import Version

from orchestration.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DBT_EXECUTABLE = Path(sys.executable).parent / "dbt"
# A folder of its own: in one that `make dbt` shares, each would have the other parse
# the whole project again, since dbt does where the vars or the warehouse are others.
MANIFEST_PATH = PROJECT_ROOT / "target" / "dagster" / "manifest.json"
_PROJECT_FILES = ("models", "macros", "seeds", "snapshots", "tests/dbt")


class WarehouseDbt(DbtCliResource):
    """The dbt command line, without what dagster-dbt does beside it.

    Upstream asks `dbt --version` in every step, which takes seconds and asks the
    network, and keeps an adapter of its own in this process, which would hold the
    DuckDB file while others need it. Row counts are read by `Warehouse` instead.
    """

    @cached_property
    def _cli_version(self) -> Version:
        """Return the version of the installed dbt."""
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]
        """Keep no connection in this process."""


def prepare_manifest() -> Path:
    """Parse the dbt project if its manifest is missing or older than a file of it.

    Returns
    -------
    pathlib.Path
        The manifest.

    Raises
    ------
    RuntimeError
        If dbt can't parse the project; the message is dbt's.
    """
    MANIFEST_PATH.parent.mkdir(parents=True, exist_ok=True)
    # Two processes that parse at once would write the file over each other.
    with MANIFEST_PATH.with_name("manifest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _parse_if_older()


def prepare_semantic_manifest() -> Path:
    """Return what dbt wrote of metrics and semantic models beside its manifest."""
    return prepare_manifest().with_name("semantic_manifest.json")


def _parse_if_older() -> Path:
    """Parse the project where its manifest isn't of its newest files."""
    if MANIFEST_PATH.exists():
        made_at = MANIFEST_PATH.stat().st_mtime
        if all(path.stat().st_mtime <= made_at for path in _project_files()):
            return MANIFEST_PATH
    # A fixed state folder: the manifest is the same for every warehouse.
    environment = os.environ | {
        "DBT_PROFILES_DIR": str(PROJECT_ROOT),
        "DBT_TARGET_PATH": str(MANIFEST_PATH.parent),
        "SEGMENTARY_STATE": "state",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    parsed = subprocess.run(  # noqa: S603
        [DBT_EXECUTABLE, "--quiet", "parse"],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if parsed.returncode:
        message = f"dbt could not parse the project:\n{parsed.stdout}{parsed.stderr}"
        raise RuntimeError(message)
    MANIFEST_PATH.touch()
    return MANIFEST_PATH


def _project_files() -> list[Path]:
    """List every file that the manifest is made from."""
    files = [PROJECT_ROOT / "dbt_project.yml", PROJECT_ROOT / "profiles.yml"]
    for folder in _PROJECT_FILES:
        files += [path for path in (PROJECT_ROOT / folder).rglob("*") if path.is_file()]
    return files


def code_version() -> str:
    """Return the project's version."""
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    return str(project["project"]["version"])


def project_checksum(manifest: Mapping[str, Any], dbt_vars: Mapping[str, Any]) -> str:
    """Name the dbt project as it is: its code, its configuration and its vars.

    Parameters
    ----------
    manifest
        dbt's manifest.
    dbt_vars
        What dbt is given beside the project's own.

    Returns
    -------
    str
        The same for the same project only.
    """
    nodes = {
        name: [
            node["checksum"]["checksum"],
            node["raw_code"],
            node["unrendered_config"],
            node.get("test_metadata"),
        ]
        for name, node in manifest["nodes"].items()
    }
    macros = {name: macro["macro_sql"] for name, macro in manifest["macros"].items()}
    project = (PROJECT_ROOT / "dbt_project.yml").read_text()
    text = json.dumps([project, nodes, macros, dbt_vars], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def make_dbt(settings: Settings) -> WarehouseDbt:
    """Return the dbt command line for one warehouse."""
    os.environ["SEGMENTARY_STATE"] = str(settings.state)
    return WarehouseDbt(
        project_dir=str(PROJECT_ROOT),
        profiles_dir=str(PROJECT_ROOT),
        dbt_executable=str(DBT_EXECUTABLE),
    )
