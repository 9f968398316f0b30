"""Silhouettes against scikit-learn's and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_score

from python_models.clustering import silhouettes
from python_models.clustering.silhouettes import mean_silhouettes


def test_by_hand() -> None:
    # 0 and 1 against 5: the pair has a = 1 each and b = 5 and 4, so s = .8 and .75; the
    # point alone scores 0.
    points = np.array([[0.0], [1.0], [5.0]])
    scores = mean_silhouettes(points, [np.array([0, 0, 1])])
    assert scores == pytest.approx([(0.8 + 0.75 + 0.0) / 3])


@pytest.mark.parametrize("block_rows", [1, 7, 64, 256])
def test_several_clusterings_score_as_in_scikit_learn(
    monkeypatch: pytest.MonkeyPatch, block_rows: int
) -> None:
    monkeypatch.setattr(silhouettes, "_BLOCK_ROWS", block_rows)
    generator = np.random.default_rng(0)
    points = generator.standard_normal((300, 5))
    labelings = [generator.integers(0, k, 300) for k in (2, 3, 8)]
    expected = [silhouette_score(points, labels) for labels in labelings]
    np.testing.assert_allclose(
        mean_silhouettes(points, labelings), expected, atol=1e-9, rtol=0
    )


def test_repeated_points_score_as_in_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    points = generator.integers(0, 3, (1_000, 3)) / 0.7
    labels = generator.integers(0, 4, 1_000)
    expected = silhouette_score(points, labels)
    assert mean_silhouettes(points, [labels])[0] == pytest.approx(expected, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 40), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_any_clustering_scores_as_in_scikit_learn(n: int, k: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = generator.standard_normal((n, 2))
    labels = generator.integers(0, k, n)
    if not 2 <= len(np.unique(labels)) < n:
        return
    expected = silhouette_score(points, labels)
    assert mean_silhouettes(points, [labels])[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.filterwarnings("error")
def test_a_sample_within_one_cluster_is_no_evidence() -> None:
    points = np.array([[0.0], [1.0]])
    assert mean_silhouettes(points, [np.array([1, 1])]).tolist() == [0.0]


def test_points_that_coincide_score_nothing() -> None:
    points = np.zeros((4, 2))
    assert mean_silhouettes(points, [np.array([0, 0, 1, 1])]).tolist() == [0.0]


def test_nothing_to_score() -> None:
    assert mean_silhouettes(np.zeros((3, 1)), []).shape == (0,)
