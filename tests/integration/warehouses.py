"""Warehouses made from landing files by ingestion and dbt, without Dagster.

Belongs here: how a test gets a warehouse and asks it. What must hold is the tests' own.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import yaml
from dbt_calls import call_dbt

from orchestration.ingestion import load_landed_files, read_contracts
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from orchestration.ingestion import LoadReport

PROJECT = Path(__file__).parents[2]
CONTRACTS = read_contracts(PROJECT / "models" / "staging")
# Warehouses with one salt give their customers the same ids.
SALT = "a salt that every test shares"
# After every date of every data set: no test depends on the day that it runs on.
LOADED_AT = dt.datetime(2026, 3, 1)  # noqa: DTZ001 - ingestion takes UTC without a zone
HISTORY = "snap_segment_memberships+"
# Writing what it does is a tenth of what a small build takes.
QUIETLY = ("--quiet", "--log-level-file", "none")


@dataclass(frozen=True)
class DataSet:
    """A data set's dbt vars, and the day that it is described as of."""

    name: str
    dbt_vars: Mapping[str, Any]
    as_of: dt.date

    @classmethod
    def of_demo(cls, name: str, **changes: object) -> DataSet:
        """Read `demo/<name>/vars.yml`; the date goes by the environment instead.

        A date among the vars would win, and another one would mean a whole parse.
        """
        path = PROJECT / "demo" / name / "vars.yml"
        dbt_vars = yaml.safe_load(path.read_text())
        as_of = dt.date.fromisoformat(dbt_vars.pop("as_of_date"))
        return cls("_".join([name, *changes]), dbt_vars | changes, as_of)


class Workshop:
    """Where dbt runs, for all warehouses of a session.

    dbt parses the whole project again when its vars or the state folder that the
    profile names have changed. So the state folder is one link that points to the
    warehouse at work, and every set of vars has a target folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = folder / "state"
        self._n_warehouses = 0

    def new(self, data_set: DataSet, *, like: Built | None = None) -> Built:
        """Return an empty warehouse, or a copy of another."""
        self._n_warehouses += 1
        home = self._folder / f"{self._n_warehouses}_{data_set.name}"
        home.mkdir()
        built = Built(self, data_set, home)
        if like:
            shutil.copy(like.path, built.path)
        return built

    def arguments(self, built: Built, *arguments: str) -> list[str]:
        self._state.unlink(missing_ok=True)
        self._state.symlink_to(built.home, target_is_directory=True)
        return [
            *("--no-use-colors", *arguments),
            *("--vars", json.dumps(built.data_set.dbt_vars)),
        ]

    def target(self, data_set: DataSet) -> Path:
        return self._folder / "targets" / data_set.name

    def environment(self, built: Built, as_of: dt.date) -> dict[str, str]:
        target = self.target(built.data_set)
        return os.environ | {
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target / "logs"),
            "SEGMENTARY_STATE": str(self._state),
            "SEGMENTARY_AS_OF_DATE": as_of.isoformat(),
        }


@dataclass(frozen=True)
class Built:
    """A warehouse of one data set, in a folder of its own."""

    workshop: Workshop
    data_set: DataSet
    home: Path

    @property
    def path(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.path)

    def land(self, landing: Path, loaded_at: dt.datetime = LOADED_AT) -> LoadReport:
        """Load what the landing folder holds."""
        sources = self.data_set.dbt_vars.get("sources")
        with self.warehouse.write() as connection:
            return load_landed_files(
                connection,
                landing,
                CONTRACTS,
                loaded_at,
                sources=sources,
                salt=SALT,
            )

    def build(
        self,
        *options: str,
        as_of: dt.date | None = None,
        exclude: Sequence[str] = (),
    ) -> None:
        """Run `dbt build` without its tests; it says nothing but errors."""
        done = call_dbt(
            self.build_arguments(*QUIETLY, *options, exclude=exclude),
            folder=PROJECT,
            environment=self.environment(as_of),
        )
        assert done.returncode == 0, done.stdout

    def build_arguments(self, *options: str, exclude: Sequence[str] = ()) -> list[str]:
        """Say what dbt is told, and set its state to this warehouse."""
        without = ("--exclude", *exclude) if exclude else ()
        kinds = ("--exclude-resource-type", "test", "unit_test")
        return self.workshop.arguments(self, "build", *options, *kinds, *without)

    def environment(self, as_of: dt.date | None = None) -> dict[str, str]:
        return self.workshop.environment(self, as_of or self.data_set.as_of)

    def manifest(self) -> dict[str, Any]:
        """Return what dbt last parsed for this data set."""
        path = self.workshop.target(self.data_set) / "manifest.json"
        content: dict[str, Any] = json.loads(path.read_text())
        return content

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.path, read_only=True) as connection:
            return connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> tuple[Any, ...]:
        (row,) = self.rows(sql, *values)
        return row

    def frame(self, sql: str) -> pd.DataFrame:
        with duckdb.connect(self.path, read_only=True) as connection:
            return connection.execute(sql).df()


def write_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write records whose fields are those of the first."""
    records = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    return path
