"""What every test shares: a state of its own, so that none can touch a real one."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STATE = pytest.StashKey[Path]()


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
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        DO_NOT_TRACK="1",
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Delete the temporary state."""
    shutil.rmtree(config.stash[STATE], ignore_errors=True)
