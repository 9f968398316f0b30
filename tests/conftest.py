"""What every test shares: a state of its own, so that none can touch a real one."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
STATE = pytest.StashKey[Path]()

# A file's tests share warehouses, and those of a group share the data sets' warehouses,
# so one worker runs them. What takes longest starts first, lest one worker ends alone.
DATA_SETS = "the data sets' warehouses"
GROUPS = {
    f"integration/test_{name}.py": DATA_SETS
    for name in (
        "consent",
        "google_analytics",
        "identity",
        "published_numbers",
        "rfm_oracle",
        "rows_tested",
        "storefront",
        "storefront_bi_tools",
        "storefront_metrics",
        "storefront_orders",
        "storefront_personas",
        "storefront_quality",
    )
}
LONGEST_FIRST = (
    DATA_SETS,
    "orchestration/test_whole_graph.py",
    "integration/test_equalities.py",
    "dbt_guards/test_snapshot_guards.py",
    "erasure/test_erasure.py",
    "integration/test_equalities_of_identity.py",
    "integration/test_bad_input.py",
    "identity/test_connected_components.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Point the run at a temporary state before any test module is imported."""
    state = Path(tempfile.mkdtemp(prefix="segmentary-tests-"))
    config.stash[STATE] = state
    (state / "dagster").mkdir()
    os.environ.update(
        SEGMENTARY_STATE=str(state),
        SEGMENTARY_LANDING=str(state / "landing"),
        SEGMENTARY_VARS="",
        SEGMENTARY_AS_OF_DATE="",
        DAGSTER_HOME=str(state / "dagster"),
        DBT_PROFILES_DIR=str(ROOT),
        # A core is all that a worker has.
        SEGMENTARY_DBT_THREADS="1",
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        DO_NOT_TRACK="1",
    )


def group_of(node_id: str) -> str:
    """Return what a test runs together with: its file, or its file's group."""
    path = node_id.split("::", maxsplit=1)[0].removeprefix("tests/")
    return GROUPS.get(path, path)


class Groups(LoadScopeScheduling):
    """Gives each worker a whole group at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Tell parallel workers what belongs together."""
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    ranks = {group: rank for rank, group in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(group_of(item.nodeid), len(ranks)))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Delete the temporary state."""
    shutil.rmtree(config.stash[STATE], ignore_errors=True)
