"""Ward's hierarchy: SciPy's, with weights as repetitions, at scale about the same."""

import numpy as np
import pytest
from clustering_data import DAY, blobs, corners, generic_config, generic_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score

from python_models.clustering import assign_clusters, fit_clusters
from python_models.clustering.ward import ward_centroids, ward_labels

NUMBERS = [2, 3, 5, 8]


def exact(points: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """SciPy's cut."""
    labels = fcluster(linkage(points, "ward"), number, "maxclust")
    return np.asarray(labels, dtype=np.int64)


def test_by_hand() -> None:
    # Of 0, 1, 10, 14 the pair 0, 1 costs 1/2 to join and 10, 14 costs 8. Counted ten
    # times, 1 moves the mean to 10/11; and 10, 14 are still the next pair.
    points = np.array([[0.0], [1.0], [10.0], [14.0]])
    cuts = ward_labels(points, np.array([1.0, 10.0, 1.0, 1.0]), [1, 2, 3, 4])
    assert cuts[4].tolist() == [0, 1, 2, 3]
    assert cuts[3].tolist() == [0, 0, 1, 2]
    assert cuts[2].tolist() == [0, 0, 1, 1]
    assert cuts[1].tolist() == [0, 0, 0, 0]


def test_a_heap_weighs_what_it_holds() -> None:
    # 0 and 3 are nearer to one another than 3 and 7 are: 9/2 against 16/2. But a
    # hundred customers at 0 make it 900/101, more than 8.
    points = np.array([[0.0], [3.0], [7.0]])
    alike = ward_labels(points, np.ones(3), [2])[2]
    heavy = ward_labels(points, np.array([100.0, 1.0, 1.0]), [2])[2]
    assert alike.tolist() == [0, 0, 1]
    assert heavy.tolist() == [0, 1, 1]


def test_a_micro_cluster_weighs_what_it_holds() -> None:
    """The same with heaps of 3,000, 5 and 5 customers, gathered by k-means."""
    generator = np.random.default_rng(0)
    heaps = [np.zeros(3_000), np.full(5, 3.0), np.full(5, 7.0)]
    points = np.concatenate(heaps)[:, None]
    points += generator.normal(0.0, 0.01, points.shape)
    found = ward_centroids(points, [2], n_micro_clusters=3, random_state=0)[2]
    # 3,000 · 5 / 3,005 · 9 is 44.9; 5 · 5 / 10 · 16 is 40.
    np.testing.assert_allclose(sorted(found[:, 0]), [0.0, 5.0], atol=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(10, 40), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_weights_are_repetitions(n: int, largest: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = generator.standard_normal((n, 3))
    times = generator.integers(1, largest + 1, n)
    cuts = ward_labels(points, times.astype(np.float64), NUMBERS)
    repeated = np.repeat(points, times, axis=0)
    for number in NUMBERS:
        labels = np.repeat(cuts[number], times)
        assert adjusted_rand_score(exact(repeated, number), labels) == 1.0


def test_few_distinct_customers_are_their_own_micro_clusters() -> None:
    """Of whom some are more than one."""
    generator = np.random.default_rng(0)
    points = generator.standard_normal((150, 4))
    points = np.repeat(points, generator.integers(1, 6, 150), axis=0)
    found = ward_centroids(points, NUMBERS, n_micro_clusters=150, random_state=0)
    for number in NUMBERS:
        labels = exact(points, number)
        means = [points[labels == label].mean(axis=0) for label in range(1, number + 1)]
        assert len(found[number]) == number
        np.testing.assert_allclose(
            sorted(found[number].tolist()), sorted(np.array(means).tolist()), atol=1e-12
        )


def test_micro_clusters_give_about_what_everybody_would() -> None:
    points, truth = blobs(corners(4, 6, 6.0).tolist(), 500, seed=1)
    found = ward_centroids(points, [4], n_micro_clusters=100, random_state=0)[4]
    labels = ((points[:, None] - found) ** 2).sum(axis=2).argmin(axis=1)
    assert adjusted_rand_score(labels, exact(points, 4)) > 0.97
    assert adjusted_rand_score(labels, truth) > 0.97


def test_unequal_heaps_are_cut_about_as_well_as_by_everybody() -> None:
    """One heap is ten times the other, and its micro-clusters weigh as much."""
    generator = np.random.default_rng(2)
    many = generator.normal(0.0, 1.0, (4_000, 2))
    few = generator.normal([3.5, 0.0], 0.3, (400, 2))
    points = np.vstack([many, few])
    weighted = ward_centroids(points, [2], n_micro_clusters=60, random_state=0)[2]
    inertia = ((points[:, None] - weighted) ** 2).sum(axis=2).min(axis=1).sum()
    labels = exact(points, 2)
    best = sum(
        ((points[labels == i] - points[labels == i].mean(axis=0)) ** 2).sum()
        for i in (1, 2)
    )
    assert inertia <= best * 1.02


class TestModel:
    def test_the_model_is_the_means_of_wards_clusters(self) -> None:
        points, truth = blobs(corners(3, 4, 8.0).tolist(), 60, seed=3)
        frame = generic_frame(points)
        config = generic_config(4, algorithms=("ward",))
        model = fit_clusters(frame, as_of_date=DAY, config=config)
        assert (model.algorithm, model.n_clusters) == ("ward", 3)
        scaled = (points - points.mean(axis=0)) / points.std(axis=0)
        labels = exact(scaled, 3)
        means = [scaled[labels == label].mean(axis=0).tolist() for label in (1, 2, 3)]
        np.testing.assert_allclose(
            sorted(model.centroids.tolist()), sorted(means), atol=1e-9
        )
        # Who is assigned goes to the nearest mean.
        assigned = assign_clusters(frame, model, as_of_date=DAY)["cluster_number"]
        nearest = ((scaled[:, None] - model.centroids) ** 2).sum(axis=2).argmin(axis=1)
        assert assigned.tolist() == (nearest + 1).tolist()
        assert adjusted_rand_score(truth, assigned) > 0.95

    def test_many_customers_keep_the_samples_means(self) -> None:
        points, _ = blobs(corners(3, 4, 8.0).tolist(), 300, seed=3)
        config = generic_config(4, algorithms=("ward",), sample_size=200)
        model = fit_clusters(generic_frame(points), as_of_date=DAY, config=config)
        assert (model.algorithm, model.n_sampled_customers) == ("ward", 200)
        scaled = (points - points.mean(axis=0)) / points.std(axis=0)
        squares = ((scaled[:, None] - model.centroids) ** 2).sum(axis=2).min(axis=1)
        assert model.inertia == pytest.approx(squares.sum())
        assert sum(each.n_customers for each in model.clusters) == 900
