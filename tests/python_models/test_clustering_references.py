"""Reference sets keep margins and correlations and lose clusters."""

from collections.abc import Iterator

import numpy as np
import pytest
from clustering_data import blobs
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from python_models.clustering.references import ReferenceSets

NEEDED = {"min_gap": 0.02, "min_gap_errors": 3.5}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As `fit_clusters` runs it."""
    with threadpool_limits(limits=1):
        yield


def reference_sets(sample: np.ndarray, n_references: int = 20) -> ReferenceSets:
    return ReferenceSets(sample, n_references=n_references, n_init=5, random_state=0)


def test_margins_are_the_samples() -> None:
    generator = np.random.default_rng(0)
    sample = np.column_stack(
        [generator.poisson(1.0, 400), generator.gamma(2.0, 1.0, 400)]
    ).astype(float)
    reference = reference_sets(sample)._reference(3)  # noqa: SLF001
    np.testing.assert_array_equal(np.sort(reference, axis=0), np.sort(sample, axis=0))


def test_correlations_are_the_samples() -> None:
    generator = np.random.default_rng(1)
    common = generator.standard_normal((1_000, 1))
    latent = 0.8 * common + 0.6 * generator.standard_normal((1_000, 4))
    sample = np.column_stack(
        [np.exp(latent[:, 0]), latent[:, 1], np.maximum(latent[:, 2], 0), -latent[:, 3]]
    )
    sets = reference_sets(sample)
    found = np.mean(
        [np.corrcoef(sets._reference(i), rowvar=False) for i in range(20)],  # noqa: SLF001
        axis=0,
    )
    np.testing.assert_allclose(found, np.corrcoef(sample, rowvar=False), atol=0.03)


def test_a_gap_is_tibshiranis() -> None:
    sample, _ = blobs([[0, 0, 0], [6, 6, 6]], 100, seed=0)
    sets = reference_sets(sample, n_references=6)
    gap = sets.gap(2, **NEEDED)
    inertias = [
        KMeans(2, n_init=5, random_state=0).fit(points).inertia_
        for points in [sample, *(sets._reference(i) for i in range(6))]  # noqa: SLF001
    ]
    logs = np.log(inertias)
    assert gap.gap == pytest.approx(logs[1:].mean() - logs[0])
    assert gap.error == pytest.approx(logs[1:].std(ddof=1) * np.sqrt(7 / 6))


def test_a_hopeless_candidate_is_given_up_after_five_sets() -> None:
    sample = np.random.default_rng(2).standard_normal((200, 4))
    sets = reference_sets(sample)
    gap = sets.gap(3, **NEEDED)
    assert gap.gap < 0.02
    assert len(sets._references) == 5  # noqa: SLF001


def test_a_promising_candidate_meets_all_sets() -> None:
    sample, _ = blobs([[0, 0, 0], [6, 6, 6]], 100, seed=0)
    sets = reference_sets(sample)
    sets.gap(2, **NEEDED)
    assert len(sets._references) == 20  # noqa: SLF001


def test_a_sample_that_does_not_vary_has_no_gap() -> None:
    assert reference_sets(np.ones((50, 2))).gap(2, **NEEDED).gap == 0.0


@pytest.mark.filterwarnings("error")
def test_a_sample_with_no_more_distinct_points_than_clusters() -> None:
    sample = np.repeat([[0.0, 0.0], [1.0, 2.0], [2.0, 1.0]], 30, axis=0)
    for n_clusters in (3, 4):
        assert np.isfinite(reference_sets(sample).gap(n_clusters, **NEEDED).gap)
