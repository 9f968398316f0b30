"""What was measured, as files that are checked in."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.pipeline.measuring import Cost

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Results:
    """Costs of one size.

    Attributes
    ----------
    n_events
        The size that was asked for; 0 for the fixed costs, over no file at all.
    about
        Date, versions, cores, the shop and its outputs' rows; `remark`, written by
        hand, says what else to know of the figures.
    costs
        Costs by name of the program, one a round, in the order of rounds.
    """

    n_events: int
    about: dict[str, Any] = field(default_factory=dict)
    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def add(self, name: str, cost: Cost) -> None:
        """Note the cost of one round."""
        self.costs.setdefault(name, []).append(cost)

    def n_rounds(self, name: str) -> int:
        """Count the rounds of a program."""
        return len(self.costs.get(name, []))

    def median(self, name: str, measure: str) -> float | None:
        """Return the median of a program's rounds; None where it has none."""
        if not self.n_rounds(name):
            return None
        costs = [float(getattr(cost, measure)) for cost in self.costs[name]]
        return float(statistics.median(costs))

    def ratio(self, name: str, other: str, measure: str = "cpu") -> float | None:
        """Return the median of the rounds' ratios, each within its round.

        Names joined by ` + ` are added up within a round.
        """
        rounds = list(zip(self.rounds(name), self.rounds(other), strict=False))
        if not rounds:
            return None
        return float(
            statistics.median(
                getattr(left, measure) / getattr(right, measure)
                for left, right in rounds
            )
        )

    def rounds(self, name: str) -> list[Cost]:
        """Return the rounds of a program, or of several joined by ` + `."""
        first, *more = (self.costs.get(part, []) for part in name.split(" + "))
        total = list(first)
        for costs in more:
            total = [a + b for a, b in zip(total, costs, strict=False)]
        return total

    def save(self, folder: Path) -> None:
        """Write the file, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "n_events": self.n_events,
            "about": self.about,
            "costs": {
                name: [cost.to_json() for cost in costs]
                for name, costs in self.costs.items()
            },
        }
        # What the tools cost is kept for each code that a size was measured with.
        commit = "" if self.n_events else self.about.get("commit", "")
        path = folder / f"{self.n_events}{'_' if commit else ''}{commit}.json"
        partial = path.with_suffix(".tmp")
        partial.write_text(json.dumps(content, indent=1) + "\n")
        partial.replace(path)


def load_results(folder: Path) -> list[Results]:
    """Read every size, the smallest first; of one size the oldest."""
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        costs = {
            name: [Cost(**cost) for cost in costs]
            for name, costs in content["costs"].items()
        }
        found.append(Results(content["n_events"], content["about"], costs))
    return sorted(
        found, key=lambda results: (results.n_events, results.about.get("date", ""))
    )
