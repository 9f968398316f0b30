"""Which candidate: one rule over silhouette, stability, elbow and gap, in words.

1. A candidate is refused whose mean silhouette is below `min_silhouette`, or whose
   bootstrap fits agree with it on less than `min_stability`.
2. Of the rest, those whose silhouette is within `silhouette_tolerance` of the best
   one's are as good as it.
3. Of these, the one at its algorithm's elbow; where none is, the one with the fewest
   clusters. Of two algorithms with as many clusters k-means, unless Ward's is more
   stable by more than `STABILITY_TIE`.
4. It is chosen if its inertia is lower than in reference sets without clusters
   (`references`) by `min_gap` and `min_gap_errors` standard errors; otherwise it is
   refused, and 2 to 4 are done with what is left.

If nothing is left, there is one cluster.

References
----------
Silhouettes: Rousseeuw (`silhouettes`). Elbow: Satopaa, V., Albrecht, J., Irwin, D. and
Raghavan, B. (2011). Finding a "kneedle" in a haystack: detecting knee points in system
behavior. ICDCS Workshops, 166-171. Fewest of those as good: as in the rule of one
standard error of Breiman, L. et al. (1984), Classification and regression trees, 3.4.3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from python_models.clustering.config import Algorithm, ClusteringConfig
from python_models.clustering.references import Gap

STABILITY_TIE: Final = 0.05


@dataclass(frozen=True)
class ClusterCandidate:
    """One algorithm with one number of clusters, and what became of it.

    Attributes
    ----------
    algorithm : {"kmeans", "ward"}
        How it was found.
    n_clusters : int
        The number.
    silhouette_score : float
        Mean silhouette, -1 to 1.
    inertia : float
        Sum of squared distances to the nearest centroid, in scaled units; of a sample's
        customers, scaled up to all, where the candidate was fitted on a sample only.
    stability_score : float or None
        Mean adjusted Rand index of its bootstrap fits; None where it wasn't measured.
    is_elbow, is_chosen : bool
        Whether its algorithm's inertia bends most here; whether the model is this one.
    gap : Gap or None
        Comparison with the reference sets, where one was needed.
    decision : str
        Why it was chosen, refused or passed over, in words.
    """

    algorithm: Algorithm
    n_clusters: int
    silhouette_score: float
    inertia: float
    stability_score: float | None
    is_elbow: bool
    is_chosen: bool = False
    gap: Gap | None = None
    decision: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the rule says.

    Attributes
    ----------
    chosen : int or None
        Position of the chosen candidate; None for one cluster.
    decisions : tuple of str
        For each candidate.
    gaps : dict of int to Gap
        By position, of those that were compared with reference sets.
    """

    chosen: int | None
    decisions: tuple[str, ...]
    gaps: dict[int, Gap]


def choose_candidate(
    candidates: Sequence[ClusterCandidate],
    measure_gap: Callable[[int], Gap],
    config: ClusteringConfig,
) -> Verdict:
    """Apply the rule.

    Parameters
    ----------
    candidates : sequence of ClusterCandidate
        All of them, measured.
    measure_gap : callable
        Compares the candidate at a position with reference sets; asked only for those
        that the first three steps let through, since it costs most.
    config : ClusteringConfig
        Limits and tolerances.

    Returns
    -------
    Verdict
        The choice, and a decision for every candidate.
    """
    decisions = [_refusal(candidate, config) for candidate in candidates]
    left = [i for i, decision in enumerate(decisions) if not decision]
    gaps: dict[int, Gap] = {}
    while left:
        best = max(candidates[i].silhouette_score for i in left)
        as_good = [
            i
            for i in left
            if candidates[i].silhouette_score >= best - config.silhouette_tolerance
        ]
        i = _first_of([(i, candidates[i]) for i in as_good], config)
        gaps[i] = measure_gap(i)
        needed = gaps[i].needed
        if gaps[i].gap >= needed:
            decisions[i] = f"chosen: {_reason(candidates, i, as_good)}"
            for other in left:
                if other != i:
                    decisions[other] = _passed_over(candidates, other, i, as_good, best)
            return Verdict(i, tuple(decisions), gaps)
        decisions[i] = (
            "refused: no better than reference sets without clusters "
            f"(gap {gaps[i].gap:.3f}, needed {needed:.3f})"
        )
        left.remove(i)
    return Verdict(None, tuple(decisions), gaps)


def _refusal(candidate: ClusterCandidate, config: ClusteringConfig) -> str:
    if candidate.silhouette_score < config.min_silhouette:
        return (
            f"refused: silhouette {candidate.silhouette_score:.3f}, below the least "
            f"silhouette of {config.min_silhouette:g}"
        )
    stability = candidate.stability_score
    if stability is not None and stability < config.min_stability:
        return (
            f"refused: stability {stability:.3f}, below the least stability of "
            f"{config.min_stability:g}"
        )
    return ""


def _first_of(
    as_good: Sequence[tuple[int, ClusterCandidate]], config: ClusteringConfig
) -> int:
    elbows = [pair for pair in as_good if pair[1].is_elbow]
    pool = elbows or as_good
    fewest = min(candidate.n_clusters for _, candidate in pool)
    pool = [pair for pair in pool if pair[1].n_clusters == fewest]
    most = max(candidate.stability_score or 0.0 for _, candidate in pool)
    stable = [
        pair
        for pair in pool
        if (pair[1].stability_score or 0.0) >= most - STABILITY_TIE
    ]
    return min(stable, key=lambda pair: config.algorithms.index(pair[1].algorithm))[0]


def _reason(
    candidates: Sequence[ClusterCandidate], chosen: int, as_good: Sequence[int]
) -> str:
    if {candidates[i].n_clusters for i in as_good} == {candidates[chosen].n_clusters}:
        return "the best silhouette"
    if candidates[chosen].is_elbow:
        return "the elbow among those with as good a silhouette as the best"
    return "the fewest clusters among those with as good a silhouette as the best"


def _passed_over(
    candidates: Sequence[ClusterCandidate],
    position: int,
    chosen: int,
    as_good: Sequence[int],
    best: float,
) -> str:
    candidate, winner = candidates[position], candidates[chosen]
    if position not in as_good:
        behind = best - candidate.silhouette_score
        return f"passed over: silhouette {behind:.3f} below the best candidate's"
    if candidate.n_clusters == winner.n_clusters:
        return f"passed over: as good as {winner.algorithm}, which was chosen"
    if winner.is_elbow:
        return f"passed over: as good, but the elbow is at {winner.n_clusters}"
    return f"passed over: as good, with more than {winner.n_clusters} clusters"


def find_elbow(numbers: Sequence[int], inertias: Sequence[float]) -> int | None:
    """Find where a falling curve of inertia bends most.

    Both axes are stretched to 0..1; the elbow is the point farthest below the chord
    from the first to the last point.

    Parameters
    ----------
    numbers : sequence of int, length n
        Numbers of clusters, ascending.
    inertias : sequence of float, length n
        Inertia at each.

    Returns
    -------
    int or None
        A number of clusters; None with fewer than three points or where no point is
        below the chord.

    References
    ----------
    Satopaa et al. (2011), see above: their difference curve, for a convex falling
    curve, without smoothing: a few points have nothing to smooth.
    """
    x = np.asarray(numbers, dtype=np.float64)
    y = np.asarray(inertias, dtype=np.float64)
    if len(x) < 3 or y[0] <= y[-1]:  # noqa: PLR2004 - two points are their own chord
        return None
    below = 1 - (x - x[0]) / (x[-1] - x[0]) - (y - y[-1]) / (y[0] - y[-1])
    deepest = int(below.argmax())
    return numbers[deepest] if below[deepest] > 0 else None
