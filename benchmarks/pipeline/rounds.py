"""Paired rounds: in each, every program runs once, one after the other.

Belongs here: which programs there are, what each starts from, and that they agree
before they are timed.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from benchmarks.pipeline.comparison import (
    OUTPUTS,
    Fingerprint,
    check_equal,
    check_frames,
    fingerprints,
)
from benchmarks.pipeline.generator import Shop, shop_of, write_days
from benchmarks.pipeline.measuring import Cost, run_measured
from benchmarks.pipeline.project import ROOT, Project
from benchmarks.pipeline.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

BASELINES = ROOT / "benchmarks" / "pipeline" / "baselines"
# From there on frames don't fit in memory, or it takes the rest of the day. A size is
# rounded to whole days, so the bounds are a little above it.
MOST_EVENTS_OF_PANDAS = 3_100_000
MOST_EVENTS_OF_JSON = 3_100_000
MOST_EVENTS_OF_USUAL = 31_000_000
FEWEST_EVENTS_OF_COLD_ROUNDS = 9_900_000
# From there on six warehouses don't fit on the disk.
MOST_EVENTS_OF_COPIES = 29_000_000
# DuckDB's, in the program that shows how little is enough; the one that README names.
LITTLE_MEMORY = "1500MB"
CODE = (
    "dbt_project.yml",
    "models",
    "macros",
    "seeds",
    "snapshots",
    "orchestration",
    "python_models",
    "benchmarks/pipeline",
)
PACKAGES = ("dbt-core", "dbt-duckdb", "dagster", "duckdb", "pandas", "polars")


@dataclass(frozen=True)
class Bench:
    """One size in its folder.

    Attributes
    ----------
    shop
        What was generated.
    folder
        Where its files are.
    memory_limit
        DuckDB's memory limit in the project's programs; None for its own. Baselines
        always have DuckDB's own: the script can't do 100 million events in 4 GB.
    file_format
        Of the events that the project lands; baselines always read Parquet.
    """

    shop: Shop
    folder: Path
    memory_limit: str | None = None
    file_format: str = "parquet"

    @property
    def landing(self) -> Path:
        """The landing folder of the baselines."""
        return self.folder / "landing"

    @property
    def new_day(self) -> Path:
        """The files of one more day."""
        return self.folder / "new_day"

    @property
    def project(self) -> Project:
        """The project over its landing folder."""
        landing = self._of_format(self.landing, self.file_format)
        return Project(self.folder, landing, self.memory_limit, self.in_place)

    @property
    def in_place(self) -> bool:
        """Whether no database is copied."""
        return self.shop.n_events > MOST_EVENTS_OF_COPIES

    @property
    def as_of(self) -> dt.date:
        """The day after history."""
        return self.shop.date_of(self.shop.n_days)

    @property
    def next_as_of(self) -> dt.date:
        """The day after the new day."""
        return self.as_of + dt.timedelta(days=1)

    def generate(self) -> None:
        """Write the files, unless they are there."""
        done = self.folder / "generated.json"
        wanted = json.dumps(asdict(self.shop))
        if done.exists() and done.read_text() == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self._generate("parquet")
        done.write_text(wanted)

    def _generate(self, file_format: str) -> None:
        """Write the files of one format, unless they are there."""
        landing = self._of_format(self.landing, file_format)
        if landing.exists():
            return
        partial = landing.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        last = self.shop.n_days
        new_day = self._of_format(self.new_day, file_format)
        for folder, days in ((new_day, range(last, last + 1)), (partial, range(last))):
            write_days(self.shop, folder, days, file_format=file_format)
        partial.rename(landing)

    @staticmethod
    def _of_format(folder: Path, file_format: str) -> Path:
        """Return the folder of a format; Parquet has the plain name."""
        if file_format == "parquet":
            return folder
        return folder.with_name(f"{folder.name}_{file_format}")

    @contextmanager
    def new_day_landed(self) -> Iterator[None]:
        """Put the new day's files beside the others for a while."""
        added = []
        new_day = self._of_format(self.new_day, self.file_format)
        for file in sorted(path for path in new_day.rglob("*") if path.is_file()):
            target = self.project.landing / file.relative_to(new_day)
            shutil.copyfile(file, target)
            added.append(target)
        try:
            yield
        finally:
            for target in added:
                target.unlink()

    def database(self, name: str) -> Path:
        """Return the file that a baseline writes."""
        return self.folder / f"{name}.duckdb"

    def sql(
        self,
        name: str,
        files: Sequence[Path],
        *,
        day: bool = False,
        as_of: dt.date | None = None,
    ) -> Cost:
        """Run SQL files over a baseline's database."""
        folder = self.new_day if day else self.landing
        options = {
            "variables": {
                "events": str(folder / "segment" / "events" / "*.parquet"),
                "order_lines": str(folder / "pos" / "order_lines" / "*.parquet"),
                "products": str(self.landing / "catalog" / "products" / "*.parquet"),
                "as_of": str(as_of or (self.next_as_of if day else self.as_of)),
            },
        }
        settings = self.folder / f"{name}.json"
        settings.write_text(json.dumps(options))
        program = "benchmarks.pipeline.baselines.run_sql"
        return self._run(name, program, self.database(name), settings, *files)

    def frames(self, name: str) -> Cost:
        """Run a baseline over frames."""
        program = f"benchmarks.pipeline.baselines.{name}_frames"
        return self._run(name, program, self.landing, self.as_of, self.folder / name)

    def script(self) -> Cost:
        """Run the hand-written script from nothing."""
        self.database("script").unlink(missing_ok=True)
        return self.sql("script", [BASELINES / "script.sql"])

    def script_day(self) -> Cost:
        """Run the hand-written script of one more day, over the full build's copy."""
        made, day = self.database("script"), self.database("script_day")
        if self.in_place:
            made.rename(day)
        else:
            shutil.copyfile(made, day)
        return self.sql("script_day", [BASELINES / "script_day.sql"], day=True)

    def usual(self) -> Cost:
        """Run the usual SQL from nothing."""
        self.database("usual").unlink(missing_ok=True)
        return self.sql("usual", sorted((BASELINES / "usual").glob("*.sql")))

    def narrow(self) -> Cost:
        """Run what frames are compared in, as SQL from nothing."""
        self.database("narrow").unlink(missing_ok=True)
        return self.sql("narrow", [BASELINES / "narrow.sql"])

    def polars(self) -> Cost:
        """Run polars' streaming engine."""
        return self.frames("polars")

    def pandas(self) -> Cost:
        """Run pandas."""
        return self.frames("pandas")

    def scan(self) -> Cost:
        """Read the needed columns."""
        self.database("scan").unlink(missing_ok=True)
        return self.sql("scan", [BASELINES / "scan.sql"])

    def land_jsonl(self) -> Cost:
        """Land the same events as JSON lines, from nothing."""
        self._generate("jsonl")
        project = Project(
            self.folder, self._of_format(self.landing, "jsonl"), self.memory_limit
        )
        project.empty()
        return project.land()

    def land(self) -> Cost:
        """Land everything with the project, from nothing."""
        self._generate(self.file_format)
        self.project.empty()
        cost = self.project.land()
        self.project.keep("landed")
        return cost

    def build(self) -> Cost:
        """Build with the project what baselines make, without tests."""
        self.project.put_back("landed")
        cost = self.project.build(self.as_of, with_tests=False)
        self.project.keep("built")
        return cost

    def build_rest(self) -> Cost:
        """Build with the project what no baseline makes."""
        self.project.put_back("built")
        cost = self.project.build_rest(self.as_of)
        self.project.keep("built")
        return cost

    def build_tested(self) -> Cost:
        """Build with the project what baselines make, with its data tests."""
        self.project.put_back("landed")
        return self.project.build(self.as_of, with_tests=True)

    def build_limited(self) -> Cost:
        """Build as `build` does, with little memory for DuckDB."""
        self.project.put_back("landed")
        limited = replace(self.project, memory_limit=LITTLE_MEMORY)
        return limited.build(self.as_of, with_tests=False)

    def run(self) -> Cost:
        """Run the Dagster job from nothing to the published file."""
        self.project.empty()
        cost = self.project.run(self.as_of)
        self.project.keep("ran")
        return cost

    def land_day(self) -> Cost:
        """Land the new day."""
        self.project.put_back("built")
        with self.new_day_landed():
            cost = self.project.land()
        self.project.keep("day_landed")
        return cost

    def build_day(self) -> Cost:
        """Build the new day without tests."""
        self.project.put_back("day_landed")
        cost = self.project.build(self.next_as_of, with_tests=False)
        self.project.keep("day_built")
        return cost

    def build_rest_day(self) -> Cost:
        """Build of the new day what no baseline makes."""
        self.project.put_back("day_built")
        return self.project.build_rest(self.next_as_of)

    def build_day_tested(self) -> Cost:
        """Build the new day with tests that look at what changed."""
        self.project.put_back("day_landed")
        return self.project.build(
            self.next_as_of,
            with_tests=True,
            tested_load_id=self.project.newest_load_id("built"),
        )

    def run_day(self) -> Cost:
        """Run the Dagster job for the new day."""
        self.project.put_back("ran")
        with self.new_day_landed():
            return self.project.run(self.next_as_of)

    def remember(self, name: str) -> None:
        """Count and hash the tables that a program has just made, to compare them."""
        made = {
            "script": (self.database("script"), "script"),
            "script_day": (self.database("script_day"), "script"),
            "usual": (self.database("usual"), "usual"),
            "build": (self.project.kept("built"), "project"),
            "build_day": (self.project.kept("day_built"), "project"),
        }
        if name not in made:
            return
        database, maker = made[name]
        remembered = self._fingerprints(name)
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(json.dumps(fingerprints(database, maker)))
        if self.in_place and name == "script_day":
            database.unlink()

    def check(self, programs: Sequence[str]) -> dict[str, int]:
        """Compare the outputs of the programs that have run.

        Returns
        -------
        dict
            Rows of every output.

        Raises
        ------
        DifferenceError
            If two programs disagree.
        """
        if "script" not in programs:
            return {}
        for expected, found, who in (
            ("script", "build", "the project"),
            ("script", "usual", "the usual SQL"),
            ("script_day", "build_day", "the project's new day"),
        ):
            if {expected, found} <= set(programs):
                check_equal(self._remembered(expected), self._remembered(found), who)
        for frames in (
            {"polars", "pandas"} & set(programs) if "narrow" in programs else ()
        ):
            check_frames(self.database("narrow"), self.folder / frames, frames)
        rows = self._remembered("script")
        return {output: rows[output][0] for output in OUTPUTS}

    def _fingerprints(self, name: str) -> Path:
        return self.folder / "fingerprints" / f"{name}.json"

    def _remembered(self, name: str) -> dict[str, Fingerprint]:
        found = json.loads(self._fingerprints(name).read_text())
        return {output: (rows, total) for output, (rows, total) in found.items()}

    def _run(self, name: str, program: str, *arguments: object) -> Cost:
        command = [sys.executable, "-m", program, *map(str, arguments)]
        log = self.folder / "logs" / f"{name}.log"
        return run_measured(command, log, folder=ROOT, environment={})


def programs_of(bench: Bench) -> dict[str, Callable[[], Cost]]:
    """Return the programs of a size, in the order in which they run."""
    programs: dict[str, Callable[[], Cost]] = {
        "scan": bench.scan,
        "script": bench.script,
        "script_day": bench.script_day,
        "usual": bench.usual,
        "narrow": bench.narrow,
        "polars": bench.polars,
        "pandas": bench.pandas,
        "land_jsonl": bench.land_jsonl,
        "land": bench.land,
        "build": bench.build,
        "build_rest": bench.build_rest,
        "build_tested": bench.build_tested,
        "build_limited": bench.build_limited,
        "land_day": bench.land_day,
        "build_day": bench.build_day,
        "build_rest_day": bench.build_rest_day,
        "build_day_tested": bench.build_day_tested,
        "run": bench.run,
        "run_day": bench.run_day,
    }
    n_events = bench.shop.n_events
    if n_events > MOST_EVENTS_OF_USUAL:
        del programs["usual"]
    if n_events > MOST_EVENTS_OF_PANDAS:
        del programs["pandas"]
    if bench.in_place:
        # Each starts from a warehouse that another program has changed meanwhile.
        for name in ("build_tested", "build_limited", "build_day_tested"):
            del programs[name]
    if importlib.util.find_spec("polars") is None:
        del programs["polars"]
    if n_events > MOST_EVENTS_OF_JSON or bench.file_format == "jsonl":
        del programs["land_jsonl"]
    return programs


def measure(  # noqa: PLR0913 - each is a choice of the caller
    n_events: int,
    n_rounds: int,
    work: Path,
    results_folder: Path,
    *,
    only: Sequence[str] = (),
    memory_limit: str | None = None,
    file_format: str = "parquet",
) -> Results:
    """Run all programs of one size, paired; go on where a run was cut off.

    Parameters
    ----------
    n_events
        The size.
    n_rounds
        Rounds.
    work
        Folder of generated files and databases.
    results_folder
        Where the costs are kept.
    only
        Names of the programs to run; empty for all.
    memory_limit
        DuckDB's memory limit in the project's programs.
    file_format
        Of the events that the project lands: `parquet` or `jsonl`.
    """
    shop = shop_of(n_events)
    bench = Bench(shop, work / str(n_events), memory_limit, file_format)
    say(f"{n_events:,} events: generating")
    bench.generate()
    programs = {
        name: program
        for name, program in programs_of(bench).items()
        if not only or name in only
    }
    results = _resumed(n_events, results_folder)
    if "rows" not in results.about:
        # The first run of each warms the caches of the disk and dbt's parse, too. Where
        # it takes minutes that is nothing, and it is the first round.
        is_round = n_events >= FEWEST_EVENTS_OF_COLD_ROUNDS
        for name, program in programs.items():
            if not name.endswith("tested") and not name.startswith("run"):
                cost = program()
                say(f"{n_events:,} events: {name}, to compare", cost)
                bench.remember(name)
                if is_round:
                    results.add(name, cost)
        rows = bench.check(list(programs))
        results.about |= _about(bench) | {"rows": rows}
        results.save(results_folder)
    for number in range(1, n_rounds + 1):
        for name, program in programs.items():
            if results.n_rounds(name) < number:
                cost = program()
                say(f"{n_events:,} events: {name}, round {number}", cost)
                results.add(name, cost)
                results.save(results_folder)
    return results


def measure_fixed(n_rounds: int, work: Path, results_folder: Path) -> Results:
    """Run the project over an empty landing folder: the tools' own cost."""
    project = Project(work / "fixed", work / "fixed" / "landing")
    project.landing.mkdir(parents=True, exist_ok=True)
    day = dt.date(2026, 1, 1)
    next_day = day + dt.timedelta(days=1)
    results = _resumed(0, results_folder)
    if "nodes" not in results.about:
        project.empty()
        project.land()
        project.build(day, with_tests=True)
        manifest = json.loads((project.state / "dbt" / "run_results.json").read_text())
        kinds = [row["unique_id"].split(".")[0] for row in manifest["results"]]
        results.about |= _versions() | {
            "nodes": {kind: kinds.count(kind) for kind in sorted(set(kinds))}
        }
    while results.n_rounds("run_day") < n_rounds:
        project.empty()
        steps: dict[str, Callable[[], Cost]] = {
            "land": project.land,
            "build": lambda: project.build(day, with_tests=False),
            "build_rest": lambda: project.build_rest(day),
            "build_day": lambda: project.build(next_day, with_tests=False),
            "build_rest_day": lambda: project.build_rest(next_day),
            "build_day_tested": lambda: project.build(next_day, with_tests=True),
            "build_tested": lambda: project.build(next_day, with_tests=True),
        }
        for name, step in steps.items():
            results.add(name, step())
        results.add("land_day", results.costs["land"][-1])
        project.empty()
        results.add("run", project.run(day))
        results.add("run_day", project.run(next_day))
        say("fixed costs", results.costs["run"][-1])
        results.save(results_folder)
    return results


def say(what: str, cost: Cost | None = None) -> None:
    """Tell how far it is."""
    clock = dt.datetime.now(dt.UTC).strftime("%H:%M:%S")
    if cost:
        what += (
            f": {cost.cpu:.1f} s CPU, {cost.wall:.1f} s wall,"
            f" {cost.peak / 1e9:.2f} GB, {cost.written / 1e9:.2f} GB written"
        )
    sys.stderr.write(f"{clock} {what}\n")


def _resumed(n_events: int, folder: Path) -> Results:
    """Return what was measured of a size with this code, or nothing."""
    from benchmarks.pipeline.results import load_results  # noqa: PLC0415

    for results in load_results(folder):
        if (
            results.n_events == n_events
            and results.about.get("commit") == _versions()["commit"]
        ):
            return results
    return Results(n_events)


def _about(bench: Bench) -> dict[str, object]:
    return _versions() | {
        "shop": asdict(bench.shop),
        "memory_limit": bench.memory_limit,
        "file_format": bench.file_format,
    }


def _versions() -> dict[str, object]:
    # The code's commit: results that are checked in beside it make no other code.
    commit = subprocess.run(  # noqa: S603
        ["git", "log", "-1", "--format=%h", "--", *CODE],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "commit": commit,
        "versions": versions,
    }
