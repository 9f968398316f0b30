"""The two projects that the rules look at: the real one and the straight one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from house_model import Project
from straight_house import FILES

ROOT = Path(__file__).parents[2]
PACKAGES = ("demo", "orchestration", "python_models")


def parse(root: Path, scratch: Path) -> Project:
    """Parse a dbt project, write nothing into it, and read what the rules need."""
    dbt = Path(sys.executable).with_name("dbt")
    command = [
        *(str(dbt), "--no-use-colors", "--log-path", str(scratch), "parse"),
        *("--project-dir", str(root), "--profiles-dir", str(root)),
        *("--target", "lint", "--target-path", str(scratch / "target")),
    ]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"dbt parse failed:\n{done.stdout}{done.stderr}")
    manifest = json.loads((scratch / "target" / "manifest.json").read_text("utf-8"))
    paths = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    for folder in ("macros", "tests"):
        paths += (root / folder).rglob("*.sql")
    paths += (root / "seeds").rglob("*.csv")
    files = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(paths)
    }
    return Project(manifest, files)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project in this repository."""
    return parse(ROOT, tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def straight_house(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project that keeps every rule; copy it before planting anything."""
    root = tmp_path_factory.mktemp("straight")
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return parse(root, tmp_path_factory.mktemp("parsed"))
