"""The project's own run: landing, `dbt build`, the Dagster run."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import yaml

from benchmarks.pipeline.measuring import Cost, run_measured

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
VARS = Path(__file__).with_name("vars.yml")
WAREHOUSE = "warehouse.duckdb"
# What no baseline makes, as dbt selects it. Its cost is stated apart.
BEYOND_BASELINES = (
    "path:models/marts/segments/clusters",
    "path:models/marts/segments/feedback",
    "path:models/marts/segments/movement",
    "path:models/marts/segments/personas",
    "path:models/marts/segments/rules",
    "path:models/marts/segments/value",
    "dim_customer_segments",
    "segment_transitions",
    "customer_months",
    "purchase_holdouts",
    "threshold_outcomes",
    "dim_thresholds",
    "schema_drift",
    "source_freshness",
    "int_daily_volumes+",
)


class NotKeptError(Exception):
    """A program that runs in place and doesn't find what it starts from."""


@dataclass(frozen=True)
class Project:
    """The project over one landing folder.

    Warehouses are kept and put back by name. They are all built at one path, since dbt
    parses everything again where the path changes. In place there is one warehouse and
    no copy of it: what is put back is what the program before has made.

    Attributes
    ----------
    folder
        Where its state, its kept warehouses and its logs are.
    landing
        The landing folder.
    memory_limit
        DuckDB's memory limit, such as `4GB`; None for DuckDB's own.
    in_place
        Whether no warehouse is copied: two would not fit on the disk.
    """

    folder: Path
    landing: Path
    memory_limit: str | None = None
    in_place: bool = False

    @property
    def state(self) -> Path:
        """The state folder, `SEGMENTARY_STATE`."""
        return self.folder / "state"

    @property
    def warehouse(self) -> Path:
        """The warehouse."""
        return self.state / WAREHOUSE

    def empty(self) -> None:
        """Delete the state, but for what dbt parsed."""
        for path in self.state.glob("*"):
            if path.name == "dbt":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def kept(self, name: str) -> Path:
        """Return the file of a kept warehouse."""
        if self.in_place:
            return self.warehouse
        return self.folder / "kept" / f"{name}.duckdb"

    def keep(self, name: str) -> None:
        """Keep a copy of the warehouse; in place, its name."""
        if self.in_place:
            self._name_in_place.write_text(name)
            return
        self.kept(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.warehouse, self.kept(name))

    def put_back(self, name: str) -> None:
        """Replace the warehouse by a kept one.

        Raises
        ------
        NotKeptError
            In place, if the program before has not made it.
        """
        if not self.in_place:
            self.empty()
            shutil.copyfile(self.kept(name), self.warehouse)
            return
        found = self._name_in_place.read_text() if self._name_in_place.exists() else ""
        if found != name:
            message = f"{self.warehouse} should be '{name}', but is '{found}'"
            raise NotKeptError(message)
        # Whoever comes next changes it; what it is then, only `keep` tells.
        self._name_in_place.unlink()

    @property
    def _name_in_place(self) -> Path:
        return self.state / "kept_in_place"

    def land(self) -> Cost:
        """Load the landed files."""
        self.state.mkdir(parents=True, exist_ok=True)
        program = [sys.executable, "-m", "benchmarks.pipeline.landing"]
        return self._run("landing", program, None)

    def newest_load_id(self, name: str) -> int:
        """Return the newest load of a kept warehouse."""
        with duckdb.connect(str(self.kept(name)), read_only=True) as connection:
            rows = connection.execute(
                "select max(load_id) from raw.load_manifest"
            ).fetchall()
        return int(rows[0][0])

    def build(
        self, as_of: dt.date, *, with_tests: bool, tested_load_id: int | None = None
    ) -> Cost:
        """Run `dbt build` of what baselines make; unit tests are left out.

        Parameters
        ----------
        as_of
            The as-of date.
        with_tests
            Whether data tests run.
        tested_load_id
            The newest load that a run before has tested, as in a daily run; None where
            tests look at every row.
        """
        left_out = ["unit_test"] if with_tests else ["unit_test", "test"]
        return self._dbt_build(
            "build_tested" if with_tests else "build",
            as_of,
            ["--exclude", *BEYOND_BASELINES, "--exclude-resource-type", *left_out],
            tested_load_id,
        )

    def build_rest(self, as_of: dt.date) -> Cost:
        """Run `dbt build` of what no baseline makes, without tests."""
        chosen = ["--select", *BEYOND_BASELINES]
        left_out = ["--exclude-resource-type", "unit_test", "test"]
        return self._dbt_build("build_rest", as_of, [*chosen, *left_out])

    def run(self, as_of: dt.date) -> Cost:
        """Run everything as Dagster does: landing to the published file."""
        program = [sys.executable, "-m", "orchestration", "run"]
        return self._run("run", program, as_of)

    def _dbt_build(
        self,
        name: str,
        as_of: dt.date,
        selection: Sequence[str],
        tested_load_id: int | None = None,
    ) -> Cost:
        program: list[str | Path] = [
            Path(sys.executable).with_name("dbt"),
            "build",
            *selection,
            "--target-path",
            self.state / "dbt",
            "--vars",
            json.dumps(yaml.safe_load(VARS.read_text())),
        ]
        tested = {"SEGMENTARY_TESTED_LOAD_ID": str(tested_load_id or "")}
        return self._run(name, program, as_of, tested)

    def _run(
        self,
        name: str,
        program: Sequence[str | Path],
        as_of: dt.date | None,
        further: Mapping[str, str] | None = None,
    ) -> Cost:
        environment = {
            "SEGMENTARY_STATE": str(self.state),
            "SEGMENTARY_LANDING": str(self.landing),
            "SEGMENTARY_VARS": str(VARS),
            "SEGMENTARY_AS_OF_DATE": as_of.isoformat() if as_of else "",
            "DBT_PROFILES_DIR": str(ROOT),
            "DAGSTER_HOME": str(self.state / "dagster"),
            **(further or {}),
        }
        if self.memory_limit:
            environment["SEGMENTARY_MEMORY_LIMIT"] = self.memory_limit
        log = self.folder / "logs" / f"{name}.log"
        return run_measured(program, log, folder=ROOT, environment=environment)
