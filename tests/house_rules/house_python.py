"""Rules about the Python packages: who imports whom."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from house_model import Project, Violation

FORBIDDEN_IMPORTS: Mapping[str, frozenset[str]] = {
    # Frames in, results out: it runs in a notebook, in a test, under any orchestrator.
    "python_models": frozenset(
        {"dagster", "dagster_dbt", "dbt", "duckdb", "orchestration", "demo"}
    ),
    # The demo writes files, the loop reads files: neither knows the other.
    "orchestration": frozenset({"demo"}),
    "demo": frozenset({"orchestration", "python_models"}),
}


def imported_packages(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and top-level package of each absolute import in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and node.args:
            name = ast.unparse(node.func).rpartition(".")[2]
            first = node.args[0]
            if name in {"import_module", "__import__"} and isinstance(
                first, ast.Constant
            ):
                yield node.lineno, str(first.value).partition(".")[0]


def imports_stay_in_their_room(project: Project) -> Iterator[Violation]:
    """Yield imports that a package may not make."""
    for path, source in project.files.items():
        if not path.endswith(".py"):
            continue
        package = PurePosixPath(path).parts[0]
        forbidden = FORBIDDEN_IMPORTS.get(package, frozenset())
        for line, imported in imported_packages(source):
            if imported in forbidden:
                yield Violation(path, f"line {line} imports {imported}")
