"""Rules about the dbt graph: who reads whom, names, documentation and tests."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from house_model import Node, Project, Violation, folder_of, is_mart, room_of
from house_sql import sql_of


def reads_through_its_doors(project: Project) -> Iterator[Violation]:
    """Yield what a model or snapshot reads that its room may not."""
    for node in project.nodes("model", "snapshot", "seed"):
        room = room_of(node)
        if room is None:
            what = f"{node['original_file_path']} is in no room"
            yield Violation(node["name"], what)
            continue
        for parent in project.parents(node):
            parent_room = room_of(parent)
            if parent["resource_type"] == "source":
                kind = "source"
            elif parent_room:
                kind = parent_room.name
            else:
                continue  # The parent itself is reported.
            if room.reads.isdisjoint({kind, f"model {parent['name']}"}):
                what = f"{room.name} may not read {kind} ({parent['name']})"
                yield Violation(node["name"], what)


def reads_one_source(project: Project) -> Iterator[Violation]:
    """Yield staging models that read anything but one table of their own source."""
    for node in project.nodes("model"):
        room = room_of(node)
        if room is None or not room.name.startswith("staging"):
            continue
        parents = list(project.parents(node))
        sources = [p for p in parents if p["resource_type"] == "source"]
        if len(parents) != 1 or len(sources) != 1:
            names = ", ".join(sorted(p["name"] for p in parents)) or "nothing"
            yield Violation(node["name"], f"reads {names}")
        elif sources[0]["source_name"] != folder_of(node).name:
            yield Violation(node["name"], f"reads source {sources[0]['source_name']}")


def description_opens_with_the_grain(project: Project) -> Iterator[Violation]:
    """Yield models whose description doesn't say first what one row is."""
    for node in project.nodes("model"):
        if not node["description"].startswith("One row per "):
            opening = node["description"][:40] or "nothing"
            yield Violation(node["name"], f"its description opens with {opening!r}")


def mart_is_a_contract(project: Project) -> Iterator[Violation]:
    """Yield marts without an enforced contract, and columns untyped or undescribed."""
    for node in filter(is_mart, project.nodes("model")):
        if not node["config"]["contract"]["enforced"]:
            yield Violation(node["name"], "has no enforced contract")
        if not node["columns"]:
            yield Violation(node["name"], "has no columns in YAML")
        for column in node["columns"].values():
            where = f"{node['name']}.{column['name']}"
            if not (column["data_type"] or "").strip():
                yield Violation(where, "has no data type")
            if not column["description"].strip():
                yield Violation(where, "has no description")


def has_a_key_test(project: Project) -> Iterator[Violation]:
    """Yield models that no test proves to have one row per key.

    A key is a column under `unique` and `not_null` (or among those of `never_missing`),
    or columns under a test whose name holds `unique_combination`.
    """
    tested: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for test in project.nodes("test"):
        kind = test.get("test_metadata")
        if kind and test["attached_node"]:
            column = (test["column_name"] or "").lower()
            tested[test["attached_node"]].add((kind["name"], column))
            if kind["name"] == "never_missing":
                tested[test["attached_node"]] |= {
                    ("not_null", named) for named in kind["kwargs"]["columns"]
                }
    for node in project.nodes("model"):
        tests = tested[node["unique_id"]]
        unique = {column for name, column in tests if name == "unique"}
        not_null = {column for name, column in tests if name == "not_null"}
        combined = any("unique_combination" in name for name, _ in tests)
        if not (combined or unique & not_null - {""}):
            yield Violation(node["name"], "no test proves a key")


def window_and_case_are_unit_tested(project: Project) -> Iterator[Violation]:
    """Yield models that hold a window or a case and no unit test looks at."""
    tested = {
        parent
        for test in project.own("unit_tests")
        for parent in test["depends_on"]["nodes"]
    }
    for node in project.nodes("model"):
        room = room_of(node)
        if room is None or not room.name.startswith(("intermediate", "marts/")):
            continue
        sql = sql_of(node["raw_code"])
        found = [
            name
            for name, pattern in (("a window", r"\bover\s*\("), ("a case", r"\bcase\b"))
            if re.search(pattern, sql)
        ]
        if found and node["unique_id"] not in tested:
            yield Violation(node["name"], f"has {' and '.join(found)}, no unit test")


def model_is_named_for_its_room(project: Project) -> Iterator[Violation]:
    """Yield models and snapshots whose name isn't their room's kind of name."""
    for node in project.nodes("model", "snapshot", "seed"):
        room = room_of(node)
        if room is None:
            continue
        pattern = room.names.replace("{folder}", re.escape(folder_of(node).name))
        if not re.fullmatch(pattern, node["name"]):
            yield Violation(node["name"], f"is no name for {room.name}")


_TEXT = r"varchar|text|string"
_WHOLE = r"bigint|integer"
_DECIMAL = r"(decimal|numeric)(\(\d+, ?\d+\))?"
_NUMBER = rf"{_WHOLE}|{_DECIMAL}|double"


class Suffix(NamedTuple):
    """What a column's name says about its type; `only` when the type says it too."""

    name: str
    data_type: str
    only: bool = False


SUFFIXES = (
    Suffix(r"(is|has)_\w+", r"boolean", only=True),
    Suffix(r"\w+_at", r"timestamp", only=True),
    Suffix(r"\w+_(date|month)", r"date", only=True),
    Suffix(r"n_\w+", _WHOLE),
    Suffix(r"\w+_(id|code|type|name)", _TEXT),
    Suffix(r"\w+_key", rf"{_TEXT}|uuid"),
    Suffix(r"\w+_number", _WHOLE),
    Suffix(r"\w+_(days|seconds)", _NUMBER),
    Suffix(r"\w+_amount", _DECIMAL),
    Suffix(r"\w+_rate", rf"double|{_DECIMAL}"),
)

# Whose measures are one matrix for an estimator, so all of one type: double.
FEATURE_MATRICES = frozenset({"customer_features", "customer_features_by_date"})


def column_is_named_for_its_type(project: Project) -> Iterator[Violation]:
    """Yield mart columns whose name says another type than the contract does."""
    for node in filter(is_mart, project.nodes("model")):
        for column in node["columns"].values():
            name, data_type = column["name"], (column["data_type"] or "").lower()
            if node["name"] in FEATURE_MATRICES and data_type == "double":
                continue
            for suffix in SUFFIXES:
                named = re.fullmatch(suffix.name, name)
                typed = re.fullmatch(suffix.data_type, data_type)
                if named and data_type and not typed:
                    what = f"is {data_type}; its name says {suffix.data_type}"
                    yield Violation(f"{node['name']}.{name}", what)
                if suffix.only and typed and not named:
                    what = f"is {data_type}; its name says something else"
                    yield Violation(f"{node['name']}.{name}", what)


def _expected_yaml(node: Node, kind: str) -> str:
    """Give the one YAML file that a node of a folder is described in."""
    folder = folder_of(node)
    if folder.parts[0] == "models":
        return str(folder / f"_{folder.name}__{kind}.yml")
    return f"{folder.parts[0]}/_{folder.parts[0]}.yml"


def yaml_is_one_file_a_folder_and_kind(project: Project) -> Iterator[Violation]:
    """Yield what is described elsewhere than in its folder's file for its kind."""
    for node in project.nodes("model", "snapshot", "seed"):
        patch = (node["patch_path"] or "nowhere").rpartition("://")[2]
        expected = _expected_yaml(node, "models")
        if patch != expected:
            yield Violation(node["name"], f"is described {patch}, not in {expected}")
    for source in project.own("sources"):
        expected = _expected_yaml(source, "sources")
        if source["original_file_path"] != expected:
            where = f"{source['source_name']}.{source['name']}"
            what = f"is described in {source['original_file_path']}, not in {expected}"
            yield Violation(where, what)
    by_name = {node["name"]: node for node in project.nodes("model")}
    for test in project.own("unit_tests"):
        expected = _expected_yaml(by_name[test["model"]], "unit_tests")
        if test["original_file_path"] != expected:
            what = f"is in {test['original_file_path']}, not in {expected}"
            yield Violation(test["name"], what)


def _macro_name(macro: Node) -> str:
    """Give a macro's name as its file should be called."""
    name = re.sub(r"^test_", "", macro["name"])
    return re.sub(r"^materialization_(\w+?)_(default|[a-z]+)$", r"\1", name)


def _public_macros(project: Project) -> Iterator[Node]:
    """Yield macros but the adapters' implementations of them."""
    for macro in project.own("macros"):
        stem = PurePosixPath(macro["original_file_path"]).stem
        if not macro["name"].endswith(f"__{stem}"):
            yield macro


def one_macro_a_file(project: Project) -> Iterator[Violation]:
    """Yield macros that live in another's file, and files that don't say why."""
    for macro in _public_macros(project):
        stem = PurePosixPath(macro["original_file_path"]).stem
        if _macro_name(macro) != stem:
            yield Violation(macro["name"], f"is in {macro['original_file_path']}")
    for path in sorted({m["original_file_path"] for m in project.own("macros")}):
        if not project.files[path].lstrip().startswith(("{#", "--")):
            yield Violation(path, "doesn't open with a comment")


_SIGNATURE = re.compile(r"\{%-?\s*(?:macro|test)\s+\w+\s*\((.*?)\)\s*-?%\}", re.DOTALL)


def _parameters(macro: Node) -> list[str]:
    """Read a macro's argument names from its signature."""
    signature = _SIGNATURE.search(macro["macro_sql"])
    if signature is None:
        return []
    # Defaults may hold commas inside brackets or quotes: drop them first.
    text = re.sub(r"""(\[.*?\]|\{.*?\}|\(.*?\)|'.*?'|".*?")""", "", signature[1])
    return [part.partition("=")[0].strip() for part in text.split(",") if part.strip()]


def macro_is_documented(project: Project) -> Iterator[Violation]:
    """Yield macros without description, and arguments untyped or undescribed."""
    for macro in _public_macros(project):
        if macro["name"].startswith("materialization_"):
            continue
        patch = macro["patch_path"] or ""
        if not macro["description"].strip() or not patch.endswith("/_macros.yml"):
            yield Violation(macro["name"], "has no description in a _macros.yml")
            continue
        if macro["name"].startswith("test_"):
            # dbt 1.12 can't see a generic test's arguments: it warns of any in YAML.
            continue
        documented = [argument["name"] for argument in macro["arguments"]]
        if documented != _parameters(macro):
            takes = ", ".join(_parameters(macro)) or "nothing"
            what = f"documents {', '.join(documented) or 'nothing'}, takes {takes}"
            yield Violation(macro["name"], what)
        for argument in macro["arguments"]:
            if not argument["type"] or not argument["description"]:
                where = f"{macro['name']}({argument['name']})"
                yield Violation(where, "has no type or no description")
