"""The rule about gaps: what fills them is said in one seed, and counted."""

import csv
import io
import re
from collections.abc import Iterator

from house_model import Project, Violation, folder_of
from house_sql import without_comments

SEED = "seeds/imputations.csv"
# Records are read here. Further on, a missing row of an aggregate is a true zero.
_ROOMS = (
    "models/staging",
    "models/intermediate/orders",
    "models/intermediate/products",
)
_IMPUTED = re.compile(r"\bimputed\(\s*'(\w+)',\s*'(\w+)'")
_COUNTED = re.compile(r"\bunpivot_imputable\(\s*'\w+',\s*'(\w+)',\s*\[([^\]]*)\]")
# A column, not a part of an expression: a sum's, or an order's.
_COALESCE = re.compile(
    r"(?:,|\bselect\b)\s*(?:(?:cast|lower|upper)\(\s*)?coalesce\(", re.IGNORECASE
)
_AS = re.compile(r"\s*\)?\s*as\b", re.IGNORECASE)
_LITERAL = re.compile(r"(?:cast\(\s*)?(?:-?\d|'|\{\{\s*var\b)", re.IGNORECASE)


def gaps_are_filled_as_declared(project: Project) -> Iterator[Violation]:
    """Yield gaps that are filled, declared or counted, but not all three."""
    rows = csv.DictReader(io.StringIO(project.files.get(SEED, "")))
    declared = {(row["model_name"], row["column_name"]) for row in rows}
    filled: set[tuple[str, str]] = set()
    counted: set[tuple[str, str]] = set()
    for node in project.nodes("model"):
        code = without_comments(node["raw_code"])
        found = set(_IMPUTED.findall(code))
        listed = {
            (model, column)
            for model, columns in _COUNTED.findall(code)
            for column in re.findall(r"\w+", columns)
        }
        for model, column in sorted((found | listed) - declared):
            what = f"{model}.{column} is filled or counted and not in {SEED}"
            yield Violation(node["name"], what)
        filled |= found
        counted |= listed
        if any(folder_of(node).is_relative_to(room) for room in _ROOMS):
            for column in _filled_by_a_literal(code):
                yield Violation(node["name"], f"fills {column} with a literal")
    for model, column in sorted(declared - filled):
        yield Violation("imputations", f"{model}.{column}: no model fills it")
    for model, column in sorted(declared - counted):
        yield Violation("imputations", f"{model}.{column}: nothing counts it")


def _filled_by_a_literal(code: str) -> Iterator[str]:
    """Yield the start of columns that are `coalesce(…, literal)`."""
    for found in _COALESCE.finditer(code):
        end, last = _closing(code, found.end())
        if _AS.match(code, end) and _LITERAL.match(code[last:end].strip()):
            yield " ".join(code[found.end() : last - 1].split())[:60]


def _closing(code: str, start: int) -> tuple[int, int]:
    """Find the end of a call and the start of its last argument."""
    depth, last, position = 1, start, start
    while depth and position < len(code):
        depth += {"(": 1, ")": -1}.get(code[position], 0)
        if depth == 1 and code[position] == ",":
            last = position + 1
        position += 1
    return position, last
