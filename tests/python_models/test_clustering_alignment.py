"""Labels that outlive a refit."""

import numpy as np
import pytest
from clustering_data import (
    DAY,
    NEXT_DAY,
    blobs,
    corners,
    generic_config,
    generic_frame,
    shop,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models.clustering import (
    Cluster,
    ClusteringConfig,
    ClusterModel,
    ModelFeature,
    assign_clusters,
    fit_clusters,
)
from python_models.clustering.alignment import (
    Label,
    align_labels,
    match_distances,
    name_changes,
    overlap_rates,
)

X = ModelFeature("x", "identity", 0.0, 1.0, is_used=True)
Y = ModelFeature("y", "identity", 0.0, 1.0, is_used=True)


def previous_model(
    centroids: dict[int, tuple[float, ...]],
    features: tuple[ModelFeature, ...] = (X, Y),
    highest: int | None = None,
) -> ClusterModel:
    """A model by numbers and centroids."""
    return ClusterModel(
        model_id="0123456789abcdef",
        as_of_date=DAY,
        n_customers=len(centroids),
        n_sampled_customers=len(centroids),
        silhouette_score=0.5,
        stability_score=1.0,
        inertia=1.0,
        outcome_code="separated",
        outcome="",
        random_state=0,
        code_version="0",
        previous_model_id=None,
        features=features,
        clusters=tuple(
            Cluster(number, f"name {number}", 1, is_new=True, centroid=centroid)
            for number, centroid in centroids.items()
        ),
        candidates=(),
        highest_cluster_number=highest or max(centroids),
    )


def align(
    centroids: list[list[float]],
    previous: ClusterModel | None,
    features: tuple[ModelFeature, ...] = (X, Y),
    max_match_distance: float = 0.5,
    shared: list[list[int]] | None = None,
) -> list[Label]:
    return align_labels(
        np.array(centroids),
        features,
        previous,
        order=range(len(centroids)),
        max_match_distance=max_match_distance,
        shared=None if shared is None else np.array(shared),
    )


class TestByHand:
    def test_without_a_previous_model_numbers_start_at_one(self) -> None:
        labels = align_labels(
            np.zeros((3, 2)), (X, Y), None, order=[2, 0, 1], max_match_distance=0.5
        )
        assert [label.number for label in labels] == [2, 3, 1]
        assert all(label.is_new for label in labels)

    def test_each_takes_the_number_of_its_continuation(self) -> None:
        previous = previous_model({4: (0.0, 0.0), 7: (2.0, 0.0), 9: (0.0, 2.0)})
        labels = align([[0.1, 1.9], [2.1, 0.1], [0.0, 0.1]], previous)
        assert [label.number for label in labels] == [9, 7, 4]
        assert not any(label.is_new for label in labels)

    def test_the_sum_decides_not_the_nearest(self) -> None:
        # Greedily, the first would take 1 (0.10 away) and leave 2, 0.60 away, to the
        # second; together 0.20 + 0.30 is less.
        previous = previous_model({1: (0.0, 0.0), 2: (0.3, 0.0)})
        labels = align([[0.1, 0.0], [-0.3, 0.0]], previous, max_match_distance=5.0)
        assert [label.number for label in labels] == [2, 1]

    def test_too_far_is_no_match(self) -> None:
        # Root mean square over two features: sqrt((0.6^2 + 0.4^2) / 2) = 0.51.
        previous = previous_model({1: (0.0, 0.0), 2: (5.0, 5.0)})
        labels = align([[0.6, 0.4], [5.0, 5.0]], previous)
        assert labels == [Label(3, is_new=True), Label(2, is_new=False)]

    def test_just_near_enough_is_a_match(self) -> None:
        previous = previous_model({1: (0.0, 0.0), 2: (5.0, 5.0)})
        labels = align([[0.5, 0.5], [5.0, 5.0]], previous)
        assert [label.number for label in labels] == [1, 2]

    def test_a_vanished_and_a_new_cluster_do_not_displace_the_rest(self) -> None:
        # Without the bound the chain 1→2, 2→3 is shorter than the jump 1→3.
        previous = previous_model({1: (0.0, 0.0), 2: (1.2, 0.0), 3: (-9.0, 9.0)})
        labels = align([[1.2, 0.1], [-9.0, 9.1], [2.4, 0.0]], previous)
        assert labels == [
            Label(2, is_new=False),
            Label(3, is_new=False),
            Label(4, is_new=True),
        ]

    def test_a_number_is_never_used_twice(self) -> None:
        previous = previous_model({1: (0.0, 0.0), 2: (3.0, 3.0)}, highest=6)
        labels = align([[0.0, 0.0], [3.0, 3.0], [-8.0, 0.0]], previous)
        assert labels[2] == Label(7, is_new=True)

    def test_fewer_clusters_than_before(self) -> None:
        previous = previous_model({1: (0.0, 0.0), 2: (3.0, 3.0), 3: (-3.0, 3.0)})
        labels = align([[-3.0, 3.0], [0.0, 0.0]], previous)
        assert [label.number for label in labels] == [3, 1]

    def test_distances_go_by_way_of_transformed_units(self) -> None:
        old = ModelFeature("x", "identity", 10.0, 2.0, is_used=True)
        new = ModelFeature("x", "identity", 12.0, 4.0, is_used=True)
        previous = previous_model({1: (1.0,), 2: (-1.0,)}, features=(old,))
        # 12 and 8 in raw units are 0 and -1 now; relative to the mean, 0.5 and -0.5.
        stayed, drifted = match_distances(np.array([[0.0]]), (new,), previous)
        np.testing.assert_allclose(stayed, [[0.0, 1.0]])
        np.testing.assert_allclose(drifted, [[0.5, 0.5]])

    def test_everybody_who_grew_older_stays_what_they_were(self) -> None:
        old = ModelFeature("x", "identity", 100.0, 20.0, is_used=True)
        new = ModelFeature("x", "identity", 130.0, 20.0, is_used=True)
        previous = previous_model({1: (1.0,), 2: (-1.0,)}, features=(old,))
        labels = align([[-1.0], [1.0]], previous, features=(new,))
        assert [label.number for label in labels] == [2, 1]

    def test_of_two_readings_that_are_as_good_staying_counts(self) -> None:
        # 1 is where cluster 1 was, and where cluster 2 would be had all drifted by 2.
        old = ModelFeature("x", "identity", 2.0, 1.0, is_used=True)
        new = ModelFeature("x", "identity", 0.0, 1.0, is_used=True)
        previous = previous_model({1: (-1.0,), 2: (1.0,)}, features=(old,))
        labels = align([[1.0], [9.0]], previous, features=(new,))
        assert [label.number for label in labels] == [1, 3]

    def test_only_shared_features_count(self) -> None:
        z = ModelFeature("z", "identity", 0.0, 1.0, is_used=True)
        previous = previous_model({1: (0.0, 9.0), 2: (4.0, -9.0)}, features=(X, Y))
        labels = align([[4.0, 3.0], [0.0, -3.0]], previous, features=(X, z))
        assert [label.number for label in labels] == [2, 1]

    def test_a_feature_under_another_transform_is_another_feature(self) -> None:
        logged = ModelFeature("x", "log1p", 0.0, 1.0, is_used=True)
        previous = previous_model({1: (0.0,), 2: (4.0,)}, features=(X,))
        labels = align([[0.0], [4.0]], previous, features=(logged,))
        assert [label.number for label in labels] == [3, 4]

    def test_everyone_is_no_part_of_everyone(self) -> None:
        parts = previous_model({1: (0.0, 0.0), 2: (3.0, 3.0)})
        everyone = previous_model({5: (0.0, 0.0)})
        assert align([[0.0, 0.0]], parts) == [Label(3, is_new=True)]
        assert align([[0.0, 0.0], [3.0, 3.0]], everyone)[0] == Label(6, is_new=True)
        assert align([[9.0, 9.0]], everyone) == [Label(5, is_new=False)]


class TestMembers:
    """What both models make of the same customers counts beside the centroids."""

    def test_overlap_is_jaccards(self) -> None:
        # Of 10 and 8 customers 6 are in both: 6 of 12.
        found = overlap_rates(np.array([[6, 4], [2, 0]]))
        np.testing.assert_allclose(found, [[6 / 12, 4 / 10], [2 / 8, 0.0]])

    def test_members_hold_a_number_that_the_centroid_would_lose(self) -> None:
        previous = previous_model({1: (0.0, 0.0), 2: (5.0, 5.0)})
        moved = [[1.0, 1.0], [5.0, 5.0]]
        assert align(moved, previous)[0] == Label(3, is_new=True)
        assert align(moved, previous, shared=[[6, 1], [3, 9]])[0] == Label(
            1, is_new=False
        )

    def test_fewer_than_half_do_not(self) -> None:
        previous = previous_model({1: (0.0, 0.0), 2: (5.0, 5.0)})
        # 6 of 13.
        labels = align([[1.0, 1.0], [5.0, 5.0]], previous, shared=[[6, 1], [6, 9]])
        assert labels[0] == Label(3, is_new=True)

    def test_members_decide_between_centroids_that_are_as_near(self) -> None:
        previous = previous_model({1: (0.1, 0.0), 2: (-0.1, 0.0)})
        new = [[0.0, 0.1], [0.0, -0.1]]
        for shared, expected in (
            ([[8, 2], [2, 8]], [1, 2]),
            ([[2, 8], [8, 2]], [2, 1]),
        ):
            labels = align(new, previous, shared=shared)
            assert [label.number for label in labels] == expected

    def test_a_near_centroid_of_other_customers_is_still_a_match(self) -> None:
        previous = previous_model({1: (0.0, 0.0), 2: (5.0, 5.0)})
        labels = align([[0.1, 0.0], [5.0, 5.0]], previous, shared=[[0, 0], [0, 0]])
        assert [label.number for label in labels] == [1, 2]

    def test_what_was_kept_is_new_and_vanished_is_named(self) -> None:
        previous = previous_model({4: (0.0, 0.0), 7: (2.0, 0.0), 9: (0.0, 2.0)})
        centroids = np.array([[0.0, 0.1], [2.0, 2.0], [9.0, 9.0]])
        labels = [
            Label(4, is_new=False),
            Label(10, is_new=True),
            Label(11, is_new=True),
        ]
        shared = np.array([[9, 1, 0], [2, 8, 3], [0, 0, 6]])
        changes = name_changes(centroids, (X, Y), previous, labels, shared)
        assert [
            (each.number, each.change_code, each.related_number) for each in changes
        ] == [
            (4, "kept", 4),
            # Most of 7 are in 10, most of 9 in 11.
            (7, "vanished", 10),
            (9, "vanished", 11),
            (10, "new", 7),
            (11, "new", 9),
        ]
        assert [
            (each.n_customers, each.n_previous_customers, each.n_shared_customers)
            for each in changes
        ] == [(10, 11, 9), (0, 9, 8), (0, 9, 6), (13, 0, 8), (6, 0, 6)]
        assert [each.overlap_rate for each in changes] == pytest.approx(
            [9 / 12, 8 / 14, 6 / 9, 8 / 14, 6 / 9]
        )
        assert [each.match_distance for each in changes[:2]] == pytest.approx(
            [0.1 / 2**0.5, 2 / 2**0.5]
        )

    def test_no_shared_feature_has_no_distance(self) -> None:
        previous = previous_model({1: (0.0,)}, features=(Y,))
        (change,) = name_changes(
            np.zeros((1, 1)), (X,), previous, [Label(1, is_new=False)], np.array([[3]])
        )
        assert change.match_distance is None


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 2**32 - 1))
def test_any_renumbering_is_undone(order: list[int], seed: int) -> None:
    generator = np.random.default_rng(seed)
    centroids = np.arange(12.0).reshape(6, 2) * 2
    previous = previous_model(
        {number + 1: tuple(row) for number, row in enumerate(centroids.tolist())}
    )
    moved = centroids[order] + generator.uniform(-0.3, 0.3, (6, 2))
    labels = align(moved.tolist(), previous)
    assert [label.number for label in labels] == [number + 1 for number in order]


class TestFits:
    def test_another_seed_gives_the_same_labels(self) -> None:
        frame, _ = shop(1_500, seed=9)
        first = fit_clusters(
            frame, as_of_date=DAY, config=ClusteringConfig(random_state=1)
        )
        second = fit_clusters(
            frame,
            as_of_date=NEXT_DAY,
            config=ClusteringConfig(random_state=2),
            previous=first,
        )
        labels = [
            assign_clusters(frame, model, as_of_date=NEXT_DAY)["cluster_number"]
            for model in (first, second)
        ]
        assert first.n_clusters == second.n_clusters == 4
        assert (labels[0] == labels[1]).mean() >= 0.98
        assert not any(cluster.is_new for cluster in second.clusters)

    def test_other_customers_of_the_same_kinds_keep_the_numbers(self) -> None:
        first_frame, first_kind = shop(1_500, seed=9)
        second_frame, second_kind = shop(1_500, seed=10)
        first = fit_clusters(first_frame, as_of_date=DAY, config=ClusteringConfig())
        second = fit_clusters(
            second_frame,
            as_of_date=NEXT_DAY,
            config=ClusteringConfig(random_state=5),
            previous=first,
        )
        numbers = [
            assign_clusters(frame, model, as_of_date=model.as_of_date)
            .groupby(kind)["cluster_number"]
            .agg(lambda found: found.mode().iloc[0])
            .to_list()
            for frame, kind, model in (
                (first_frame, first_kind, first),
                (second_frame, second_kind, second),
            )
        ]
        assert numbers[0] == numbers[1]

    def test_clusters_come_and_go_and_numbers_do_not_come_back(self) -> None:
        centres = corners(5, 6, 12.0)
        history: list[ClusterModel] = []
        # Kinds A and B stay; C goes, comes back, goes.
        months = ([0, 1, 2], [0, 1, 3], [0, 1, 2], [0, 1], [0, 1, 4])
        for month, kinds in enumerate(months):
            points, _ = blobs(centres[kinds].tolist(), 120, seed=month)
            history.append(
                fit_clusters(
                    generic_frame(points),
                    as_of_date=DAY.replace(month=3 + month),
                    config=generic_config(6),
                    previous=history[-1] if history else None,
                )
            )
        new = [[c.number for c in m.clusters if c.is_new] for m in history]
        old = [[c.number for c in m.clusters if not c.is_new] for m in history]
        assert new == [[1, 2, 3], [4], [5], [], [6]]
        assert old[0] == []
        assert len(old[1]) == 2
        assert old[1] == old[2] == old[3] == old[4]
        assert [m.highest_cluster_number for m in history] == [3, 4, 5, 5, 6]
        vanished = [
            [c.number for c in m.changes if c.change_code == "vanished"]
            for m in history
        ]
        assert [len(numbers) for numbers in vanished] == [0, 1, 1, 1, 0]
        assert vanished[2:4] == [[4], [5]]
        assert all(
            [c.number for c in m.changes if c.change_code == "new"] == numbers
            for m, numbers in zip(history[1:], new[1:], strict=True)
        )
        assert history[2].previous_model_id == history[1].model_id

    def test_without_a_previous_model_the_biggest_spenders_come_first(self) -> None:
        frame, _ = shop(800, seed=4)
        model = fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
        spent = (
            assign_clusters(frame, model, as_of_date=DAY)
            .merge(frame, on="customer_id")
            .groupby("cluster_number")["monetary_amount"]
            .mean()
        )
        assert spent.index.to_list() == [1, 2, 3, 4]
        assert spent.is_monotonic_decreasing

    def test_without_amounts_the_centroid_decides(self) -> None:
        points, _ = blobs(corners(3, 4, 9.0).tolist(), 100, seed=1)
        model = fit_clusters(
            generic_frame(points), as_of_date=DAY, config=generic_config(4)
        )
        centroids = [cluster.centroid for cluster in model.clusters]
        assert centroids == sorted(centroids)

    def test_one_cluster_stays_the_same_one(self) -> None:
        noise = np.random.default_rng(1).standard_normal((200, 4))
        first = fit_clusters(
            generic_frame(noise), as_of_date=DAY, config=generic_config(4)
        )
        second = fit_clusters(
            generic_frame(noise + 5.0),
            as_of_date=NEXT_DAY,
            config=generic_config(4),
            previous=first,
        )
        assert [(c.number, c.is_new) for c in second.clusters] == [(1, False)]


def test_the_same_features_again_keep_every_label() -> None:
    points, _ = blobs(corners(4, 5, 9.0).tolist(), 100, seed=1)
    config = generic_config(5, max_match_distance=1e-9)
    first = fit_clusters(generic_frame(points), as_of_date=DAY, config=config)
    again = fit_clusters(
        generic_frame(points), as_of_date=NEXT_DAY, config=config, previous=first
    )
    assert [c.centroid for c in again.clusters] == [c.centroid for c in first.clusters]
    assert [c.number for c in again.clusters] == [1, 2, 3, 4]
