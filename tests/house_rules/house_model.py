"""The words that house rules are written in, and the table of rooms.

Belongs here: plain data and how to read it out of a dbt manifest. Doesn't: a rule.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

Node = Mapping[str, Any]


@dataclass(frozen=True)
class Violation:
    """Where a rule is broken, by name, and how."""

    where: str
    what: str


@dataclass(frozen=True)
class Project:
    """What the rules look at.

    `manifest` is dbt's manifest; `files` maps the path of each Python file of the
    packages, of each macro file and of each seed, relative to the root, to its text.
    """

    manifest: Mapping[str, Any]
    files: Mapping[str, str]

    @property
    def name(self) -> str:
        """The dbt project's name: nodes of other packages are not ours to judge."""
        return str(self.manifest["metadata"]["project_name"])

    def nodes(self, *kinds: str) -> Iterator[Node]:
        """Yield the project's own nodes of some kinds, `model` or `snapshot` say."""
        for node in self.manifest["nodes"].values():
            if node["resource_type"] in kinds and node["package_name"] == self.name:
                yield node

    def own(self, section: str) -> Iterator[Node]:
        """Yield the project's own entries of a section, `macros` or `sources` say."""
        for entry in self.manifest[section].values():
            if entry["package_name"] == self.name:
                yield entry

    def parents(self, node: Node) -> Iterator[Node]:
        """Yield the models, snapshots, seeds and sources that a node reads."""
        # A seed reads nothing, and dbt leaves the key out.
        for parent in node["depends_on"].get("nodes", ()):
            yield self.manifest["nodes"].get(parent) or self.manifest["sources"][parent]


@dataclass(frozen=True)
class Rule:
    """One rule of the house: what it asks, how it is broken and how to mend that."""

    id: str
    rule: str
    example: str
    remedy: str
    check: Callable[[Project], Iterator[Violation]]

    def report(self, violations: list[Violation]) -> str:
        """Say all that somebody who broke the rule needs to know."""
        lines = [f"{self.id}: {self.rule}"]
        lines += [f"  {found.where}: {found.what}" for found in violations]
        lines += [f"For example: {self.example}", f"Remedy: {self.remedy}"]
        return "\n".join(lines)


@dataclass(frozen=True)
class Room:
    """A folder, the pattern of names in it and the rooms that it may read.

    `reads` holds names of rooms, `source`, or one model as `model <name>`; `{folder}`
    in `names` stands for the node's own folder.
    """

    name: str
    folder: str
    names: str
    reads: frozenset[str]


def _room(name: str, folder: str, names: str, *reads: str) -> Room:
    return Room(name, folder, names, frozenset(reads))


_WORDS = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
_MART = rf"(?!(stg|int|act|snap)_){_WORDS}"
_OUTPUTS = ("marts/core", "staging/python", "snapshots", "seeds")

# The first room whose folder holds a file is the file's room.
ROOMS = (
    _room("staging/landing", "models/staging/landing", rf"stg_landing__{_WORDS}",
          "source"),
    _room("staging/python", "models/staging/python", rf"stg_python__{_WORDS}",
          "source"),
    _room("staging", "models/staging", rf"stg_{{folder}}__{_WORDS}",
          "source"),
    _room("intermediate", "models/intermediate", rf"int_{_WORDS}",
          "staging", "staging/landing", "intermediate", "seeds"),
    # Core never sees what Python wrote: that is what keeps the graph free of loops.
    _room("marts/core", "models/marts/core", _MART,
          "staging", "staging/landing", "intermediate", "marts/core", "seeds"),
    _room("marts/segments", "models/marts/segments", _MART,
          *_OUTPUTS, "marts/segments"),
    # Accounting is about the records that never reach core, so this room looks
    # behind it: docs/decisions/0007-quality-reads-intermediate.md.
    _room("marts/quality", "models/marts/quality", _MART,
          *_OUTPUTS, "marts/quality", "intermediate", "staging/landing"),
    # No room reads activation: a consumer outside does.
    _room("activation", "models/activation", rf"act_{{folder}}__{_WORDS}",
          "marts/core", "marts/segments", "marts/quality"),
    _room("snapshots", "snapshots", rf"snap_{_WORDS}",
          "model segment_memberships", "model segment_restatements"),
    _room("seeds", "seeds", _WORDS),
)  # fmt: skip


def folder_of(node: Node) -> PurePosixPath:
    """Give the folder of the file that a node is written in."""
    return PurePosixPath(node["original_file_path"]).parent


def room_of(node: Node) -> Room | None:
    """Find the room that a node lives in; None outside every room."""
    folder = folder_of(node)
    for room in ROOMS:
        if folder.is_relative_to(room.folder):
            return room
    return None


def is_mart(node: Node) -> bool:
    """Tell whether a node is a table that people and BI tools read."""
    room = room_of(node)
    return room is not None and room.name.startswith("marts/")
