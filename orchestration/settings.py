"""Where things are, read from the environment once.

Everything that changes at run time lives in one folder, the state folder. A data set's
dbt vars come from one YAML file, the same that `dbt --vars` can be given by hand.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

PROJECT_ROOT = Path(__file__).parents[1]
AS_OF_VARIABLE = "SEGMENTARY_AS_OF_DATE"
TESTED_LOAD_VARIABLE = "SEGMENTARY_TESTED_LOAD_ID"


@dataclass(frozen=True)
class Settings:
    """Folders and vars of one warehouse.

    Attributes
    ----------
    state
        Folder of the warehouse, the published file and Dagster's own storage.
    landing
        Folder of the landed files.
    dbt_vars
        Vars handed to dbt, without the as-of date.
    default_as_of_date
        The as-of date of the vars file, for data sets that end on a known day.
    salt
        What identifiers are hashed with; None for the warehouse's own.
    """

    state: Path
    landing: Path
    dbt_vars: dict[str, Any]
    default_as_of_date: dt.date | None
    salt: str | None = field(default=None, repr=False)

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file that dbt builds into."""
        return self.state / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """The DuckDB file that BI tools read."""
        return self.state / "published" / "segmentary.duckdb"

    @property
    def reports_path(self) -> Path:
        """Folder of the reports of all runs that are kept."""
        return self.state / "reports"

    @property
    def dagster_home(self) -> Path:
        """Folder of Dagster's run history."""
        return self.state / "dagster"

    @property
    def dbt_target(self) -> Path:
        """Folder of dbt's artifacts of runs over this warehouse."""
        return self.state / "dbt"

    def project_var(self, name: str) -> Any:  # noqa: ANN401 - a var may hold anything
        """Return a dbt var: the vars file's value, else the project's default."""
        if name in self.dbt_vars:
            return self.dbt_vars[name]
        return _project_vars()[name]

    def as_of_date(self, given: str | None, run_started_at: dt.datetime) -> dt.date:
        """Settle a run's as-of date.

        Parameters
        ----------
        given
            The run's own configuration, `YYYY-MM-DD`.
        run_started_at
            When the run was created, with its time zone.

        Returns
        -------
        datetime.date
            The given date, else the data set's, else the run's date in the business
            time zone.

        Raises
        ------
        ValueError
            If the given text is no date.
        """
        if given:
            return parse_date(given, "as_of_date")
        if self.default_as_of_date:
            return self.default_as_of_date
        zone = ZoneInfo(str(self.project_var("business_time_zone")))
        return run_started_at.astimezone(zone).date()


def parse_date(text: str, name: str) -> dt.date:
    """Read a date, or say which setting holds what instead of one.

    Raises
    ------
    ValueError
        If the text is not a calendar date as YYYY-MM-DD.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        message = f"{name} is {text!r}; expected a date as YYYY-MM-DD"
        raise ValueError(message) from error


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    FileNotFoundError
        If the vars file doesn't exist.
    ValueError
        If the vars file is no mapping, or its as-of date no date.
    """
    state = _folder("SEGMENTARY_STATE", "state")
    landing = _folder("SEGMENTARY_LANDING", "landing")
    dbt_vars: dict[str, Any] = {}
    if vars_file := os.environ.get("SEGMENTARY_VARS"):
        path = PROJECT_ROOT / vars_file
        if not path.is_file():
            message = f"SEGMENTARY_VARS names {vars_file}, which is no file"
            raise FileNotFoundError(message)
        loaded = yaml.safe_load(path.read_text())
        if not isinstance(loaded, dict):
            message = f"{vars_file} holds no mapping of dbt vars"
            raise ValueError(message)
        dbt_vars = loaded
    as_of = dbt_vars.pop("as_of_date", None) or os.environ.get(AS_OF_VARIABLE)
    return Settings(
        state=state,
        landing=landing,
        dbt_vars=dbt_vars,
        default_as_of_date=parse_date(str(as_of), "as_of_date") if as_of else None,
        salt=os.environ.get("SEGMENTARY_SALT") or None,
    )


@functools.cache
def _project_vars() -> dict[str, Any]:
    """Read the vars' defaults once: it takes a good part of a second."""
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text())
    return dict(project["vars"])


def _folder(variable: str, default: str) -> Path:
    """Return a folder named by the environment, relative to the project."""
    return (PROJECT_ROOT / os.environ.get(variable, default)).resolve()
