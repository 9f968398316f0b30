"""Many customers: a sample chooses, all of them settle, other samples agree."""

from collections.abc import Iterator

import numpy as np
import pytest
from clustering_data import (
    DAY,
    NEXT_DAY,
    blobs,
    corners,
    generic_config,
    generic_frame,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from python_models.clustering import assign_clusters, fit_clusters
from python_models.clustering.candidates import fit_centroids
from python_models.clustering.config import Algorithm
from python_models.clustering.fitting import _sample
from python_models.clustering.nearest import TIE, nearest_centroids
from python_models.clustering.stability import BootstrapFits, adjusted_rand_index


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As `fit_clusters` runs it."""
    with threadpool_limits(limits=1):
        yield


def ids(n: int) -> np.ndarray:
    return np.array([f"c{i:06}" for i in range(n)])


class TestWhoIsInTheSample:
    def test_all_where_there_are_no_more(self) -> None:
        np.testing.assert_array_equal(_sample(ids(30), 30, 0), np.arange(30))

    def test_as_many_as_asked_for_and_none_twice(self) -> None:
        drawn = _sample(ids(1_000), 300, 0)
        assert len(set(drawn)) == 300
        assert (np.diff(drawn) > 0).all()

    def test_it_depends_on_the_seed(self) -> None:
        assert set(_sample(ids(1_000), 300, 0)) != set(_sample(ids(1_000), 300, 1))

    def test_a_newcomer_displaces_one_at_most(self) -> None:
        customers = ids(1_001)
        before = set(customers[:1_000][_sample(customers[:1_000], 300, 0)])
        after = set(customers[_sample(customers, 300, 0)])
        assert len(before - after) <= 1

    def test_every_customer_is_as_likely(self) -> None:
        """Ids in order of registration: each tenth has a tenth of the sample."""
        drawn = _sample(ids(100_000), 10_000, 0)
        counts = np.bincount(drawn // 10_000)
        # Hypergeometric, standard deviation 28.
        assert (np.abs(counts - 1_000) < 5 * 28).all()


class TestFit:
    def test_the_result_is_as_if_fitted_on_everybody(self) -> None:
        points, truth = blobs(corners(4, 6, 6.0).tolist(), 5_000, seed=4)
        frame = generic_frame(points)
        config = generic_config(6, sample_size=1_000)
        model = fit_clusters(frame, as_of_date=DAY, config=config)
        assert (model.n_customers, model.n_sampled_customers) == (20_000, 1_000)
        scaled = (points - points.mean(axis=0)) / points.std(axis=0)
        everybody = KMeans(4, n_init=10, random_state=0).fit(scaled)
        assert model.n_clusters == 4
        assert model.inertia <= everybody.inertia_ * (1 + 1e-4)
        labels = assign_clusters(frame, model, as_of_date=DAY)["cluster_number"]
        assert adjusted_rand_score(labels, everybody.labels_) > 0.999
        assert adjusted_rand_score(labels, truth) > 0.95

    def test_row_order_does_not_matter(self) -> None:
        points, _ = blobs(corners(3, 4, 6.0).tolist(), 500, seed=5)
        frame = generic_frame(points)
        config = generic_config(4, sample_size=200)
        models = [
            fit_clusters(each, as_of_date=DAY, config=config)
            for each in (frame, frame.sample(frac=1.0, random_state=1))
        ]
        assert models[0] == models[1]

    def test_inertia_of_a_sample_is_scaled_up(self) -> None:
        points, _ = blobs(corners(3, 4, 6.0).tolist(), 700, seed=5)
        frame = generic_frame(points)
        whole, sampled = (
            fit_clusters(frame, as_of_date=DAY, config=generic_config(4, **settings))
            for settings in ({}, {"sample_size": 600})
        )
        assert sampled.n_sampled_customers == 600
        for one, other in zip(whole.candidates, sampled.candidates, strict=True):
            assert other.inertia == pytest.approx(one.inertia, rel=0.1)
        chosen = [c for c in sampled.candidates if c.is_chosen]
        assert chosen[0].inertia == sampled.inertia

    def test_few_customers_are_their_own_sample(self) -> None:
        points, _ = blobs(corners(3, 4, 8.0).tolist(), 100, seed=2)
        model = fit_clusters(
            generic_frame(points), as_of_date=NEXT_DAY, config=generic_config(4)
        )
        assert model.n_sampled_customers == model.n_customers == 300

    def test_what_is_stable_says_so(self) -> None:
        points, _ = blobs(corners(3, 4, 8.0).tolist(), 200, seed=2)
        model = fit_clusters(
            generic_frame(points), as_of_date=DAY, config=generic_config(4)
        )
        assert model.stability_score is not None
        assert model.stability_score > 0.99
        assert f"stability {model.stability_score:.3f}" in model.outcome

    def test_one_cluster_has_no_stability(self) -> None:
        points = np.random.default_rng(0).standard_normal((300, 4))
        model = fit_clusters(
            generic_frame(points), as_of_date=DAY, config=generic_config(4)
        )
        assert (model.n_clusters, model.stability_score) == (1, None)


class TestStability:
    def test_it_is_the_mean_adjusted_rand_index(self) -> None:
        points = np.random.default_rng(3).standard_normal((400, 2))
        centroids = KMeans(4, n_init=5, random_state=0).fit(points).cluster_centers_
        config = generic_config(
            2, stability_sample_size=100, n_stability_init=2, n_stability_samples=3
        )
        found = BootstrapFits(points, [4], config).stability("kmeans", centroids)
        generator = np.random.default_rng(0)
        judges = points[np.sort(generator.choice(400, size=100, replace=False))]
        scores = []
        for _ in range(3):
            drawn = points[generator.integers(400, size=100)]
            fit = KMeans(4, n_init=2, random_state=0).fit(drawn)
            scores.append(
                adjusted_rand_score(
                    nearest_centroids(judges, centroids)[0], fit.predict(judges)
                )
            )
        assert found == pytest.approx(np.mean(scores))
        assert found is not None
        assert found < 0.9

    @pytest.mark.parametrize("algorithm", ["kmeans", "ward"])
    def test_one_heap_cut_in_three_is_less_stable_than_three_heaps(
        self, algorithm: Algorithm
    ) -> None:
        heap = np.random.default_rng(4).standard_normal((600, 3))
        heaps, _ = blobs(corners(3, 3, 8.0).tolist(), 200, seed=4)
        config = generic_config(3, stability_sample_size=100)
        found = []
        for points in (heap, heaps):
            centroids = fit_centroids(points, algorithm, [3], config, n_init=5)[3]
            fits = BootstrapFits(points, [2, 3], config)
            found.append(fits.stability(algorithm, centroids))
        assert None not in found
        assert found[0] < 0.8  # type: ignore[operator]
        assert found[1] > 0.99  # type: ignore[operator]

    def test_a_number_that_was_not_fitted_has_none(self) -> None:
        points = np.random.default_rng(4).standard_normal((60, 3))
        fits = BootstrapFits(points, [2], generic_config(3, algorithms=("ward",)))
        assert fits.stability("ward", points[:3]) is None
        assert fits.stability("kmeans", points[:2]) is None

    @pytest.mark.filterwarnings("error")
    def test_a_sample_with_fewer_distinct_customers_than_clusters(self) -> None:
        points = np.vstack([np.zeros((300, 2)), [[5.0, 0.0], [0.0, 5.0]]])
        centroids = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
        fits = BootstrapFits(points, [3], generic_config(2, stability_sample_size=11))
        for algorithm in ("kmeans", "ward"):
            found = fits.stability(algorithm, centroids)
            assert found is not None
            assert 0.0 <= found <= 1.0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_index_is_scikit_learns(n: int, k: int, seed: int) -> None:
    labels, others = np.random.default_rng(seed).integers(0, k, (2, n))
    expected = adjusted_rand_score(labels, others)
    assert adjusted_rand_index(labels, others) == pytest.approx(expected, abs=1e-12)


def test_the_index_of_all_together_or_apart_is_one() -> None:
    together, apart = np.zeros(5, dtype=np.int64), np.arange(5)
    assert adjusted_rand_index(together, together) == 1.0
    assert adjusted_rand_index(apart, apart) == 1.0
    assert adjusted_rand_index(together, apart) == 0.0


class TestNearest:
    def test_who_is_between_two_goes_to_the_first(self) -> None:
        centroids = np.array([[1.0, 0.0], [-1.0, 0.0]])
        # Half the difference of the squares is twice the first coordinate.
        points = np.array([[0.0, 3.0], [-0.4 * TIE, 3.0], [-0.6 * TIE, 3.0]])
        positions, distances = nearest_centroids(points, centroids)
        assert positions.tolist() == [0, 0, 1]
        assert distances == pytest.approx([10**0.5] * 3)

    def test_blocks_are_put_together(self) -> None:
        generator = np.random.default_rng(0)
        points = generator.standard_normal((10_001, 3))
        centroids = generator.standard_normal((5, 3))
        positions, distances = nearest_centroids(points, centroids)
        every = np.linalg.norm(points[:, None] - centroids[None], axis=2)
        np.testing.assert_array_equal(positions, every.argmin(axis=1))
        np.testing.assert_allclose(distances, every.min(axis=1), atol=1e-12)
