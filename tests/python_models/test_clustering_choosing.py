"""The rule that chooses a candidate, on figures by hand."""

from collections.abc import Mapping

import pytest
from clustering_data import generic_config

from python_models.clustering import ClusterCandidate
from python_models.clustering.choosing import Verdict, choose_candidate, find_elbow
from python_models.clustering.config import Algorithm
from python_models.clustering.references import Gap


def candidate(
    n_clusters: int,
    silhouette: float,
    stability: float = 0.95,
    algorithm: Algorithm = "kmeans",
    *,
    is_elbow: bool = False,
) -> ClusterCandidate:
    return ClusterCandidate(
        algorithm=algorithm,
        n_clusters=n_clusters,
        silhouette_score=silhouette,
        inertia=100.0 / n_clusters,
        stability_score=stability,
        is_elbow=is_elbow,
    )


def choose(
    *candidates: ClusterCandidate, gaps: Mapping[int, float] | None = None
) -> Verdict:
    """Apply the rule; gaps by position are 0.5 unless told, and 0.1 is needed."""
    return choose_candidate(
        candidates,
        lambda i: Gap(gap=(gaps or {}).get(i, 0.5), error=0.01, needed=0.1),
        generic_config(2),
    )


def test_the_best_silhouette_where_no_other_is_near() -> None:
    found = choose(candidate(2, 0.30), candidate(3, 0.50), candidate(4, 0.47))
    assert found.chosen == 1
    assert found.decisions == (
        "passed over: silhouette 0.200 below the best candidate's",
        "chosen: the best silhouette",
        "passed over: silhouette 0.030 below the best candidate's",
    )


def test_the_elbow_of_those_that_are_as_good() -> None:
    found = choose(
        candidate(3, 0.49), candidate(4, 0.485, is_elbow=True), candidate(5, 0.50)
    )
    assert found.chosen == 1
    assert found.decisions == (
        "passed over: as good, but the elbow is at 4",
        "chosen: the elbow among those with as good a silhouette as the best",
        "passed over: as good, but the elbow is at 4",
    )


def test_an_elbow_that_is_not_as_good_decides_nothing() -> None:
    found = choose(
        candidate(3, 0.40, is_elbow=True), candidate(4, 0.49), candidate(5, 0.50)
    )
    assert found.chosen == 1
    assert found.decisions[1:] == (
        "chosen: the fewest clusters among those with as good a silhouette as the best",
        "passed over: as good, with more than 4 clusters",
    )


@pytest.mark.parametrize(
    ("stability", "chosen"), [(0.95, 0), (0.99, 0), (1.0, 0), (1.01, 1)]
)
def test_of_two_algorithms_k_means_unless_ward_is_more_stable(
    stability: float, chosen: int
) -> None:
    found = choose(candidate(4, 0.48, 0.95), candidate(4, 0.49, stability, "ward"))
    assert found.chosen == chosen
    assert found.decisions[chosen] == "chosen: the best silhouette"
    assert found.decisions[1 - chosen].startswith("passed over: as good as ")


def test_who_is_refused_does_not_count_as_the_best() -> None:
    found = choose(candidate(2, 0.70, 0.59), candidate(3, 0.30), candidate(9, 0.149))
    assert found.chosen == 1
    assert found.decisions == (
        "refused: stability 0.590, below the least stability of 0.6",
        "chosen: the best silhouette",
        "refused: silhouette 0.149, below the least silhouette of 0.15",
    )


def test_who_is_no_better_than_the_reference_sets_gives_way_to_the_next() -> None:
    found = choose(
        candidate(2, 0.70), candidate(3, 0.30), candidate(4, 0.29), gaps={0: 0.05}
    )
    assert found.chosen == 1
    assert found.decisions[0] == (
        "refused: no better than reference sets without clusters "
        "(gap 0.050, needed 0.100)"
    )
    # Comparing costs most: the third one wasn't.
    assert set(found.gaps) == {0, 1}


def test_a_gap_of_just_what_is_needed_is_enough() -> None:
    assert choose(candidate(2, 0.5), gaps={0: 0.1}).chosen == 0


def test_nothing_is_left() -> None:
    found = choose(candidate(2, 0.70), candidate(3, 0.10), gaps={0: 0.05})
    assert found.chosen is None
    assert all(decision.startswith("refused") for decision in found.decisions)
    assert choose().chosen is None


class TestElbow:
    def test_the_farthest_point_below_the_chord(self) -> None:
        # Stretched to 0..1, inertias are 1, .25, .125, .0625, 0 and x is 0, .25, .5,
        # .75, 1: the differences to the chord are 0, .5, .375, .1875, 0.
        assert find_elbow([1, 2, 3, 4, 5], [180, 60, 40, 30, 20]) == 2

    def test_the_axes_are_stretched(self) -> None:
        # Inertias become 1, .6, .333, .133, 0: differences 0, .15, .167, .117, 0.
        assert find_elbow([1, 2, 3, 4, 5], [100, 88, 80, 74, 70]) == 3

    def test_the_first_of_equals(self) -> None:
        assert find_elbow([1, 2, 3, 4], [3.0, 1.5, 0.5, 0.0]) == 2

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize(
        ("numbers", "inertias"),
        [([1, 2], [9.0, 1.0]), ([1, 2, 3], [3.0, 2.0, 1.0]), ([1, 2, 3], [1, 1, 1])],
    )
    def test_no_bend_no_elbow(self, numbers: list[int], inertias: list[float]) -> None:
        assert find_elbow(numbers, inertias) is None
