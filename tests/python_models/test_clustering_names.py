"""Working names from the rule table."""

import numpy as np
import pytest
from clustering_data import DAY, shop
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models.clustering import (
    ClusteringConfig,
    ModelFeature,
    assign_clusters,
    columns,
    fit_clusters,
)
from python_models.clustering.config import DEFAULT_FEATURES, Transform
from python_models.clustering.naming import TRAITS, name_clusters


def feature(
    name: str, transform: Transform = "identity", center: float = 5.0
) -> ModelFeature:
    return ModelFeature(name, transform, center, 1.0, is_used=True)


AXES = [feature("recency_days"), feature("n_orders", "log1p", 0.9), feature("age")]


def names(*centroids: list[float]) -> list[str]:
    return name_clusters(np.array(centroids), AXES, list(range(1, len(centroids) + 1)))


def test_the_two_strongest_traits_in_the_order_of_the_table() -> None:
    assert names([-0.6, 0.9, 1.5], [0.9, 0.1, -0.2]) == [
        "frequent, high age",
        "lapsed",
    ]


def test_less_than_half_a_deviation_is_typical() -> None:
    assert names([0.4, -0.4, 0.3], [0.5, 0, 0]) == ["typical customers", "lapsed"]


def test_one_time_must_be_true() -> None:
    # expm1(0.9 - 0.6) = 0.35 orders and expm1(1.9 - 0.6) = 2.7 orders.
    few = [feature("n_orders", "log1p", 0.9)]
    more = [feature("n_orders", "log1p", 1.9)]
    centroids = np.array([[-0.6], [0.6]])
    assert name_clusters(centroids, few, [1, 2])[0] == "one-time"
    assert name_clusters(centroids, more, [1, 2])[0] == "infrequent"


def test_colliding_names_take_the_next_strongest_trait() -> None:
    # expm1(0.9 - 0.2) = 1.01 orders: one-time, though it is but a weak trait.
    assert names([1.0, 0.1, -0.3], [1.0, -0.2, 0.1], [-1.0, 0, 0]) == [
        "lapsed, low age",
        "lapsed, one-time",
        "recent",
    ]


def test_a_trait_that_colliding_clusters_share_tells_nothing() -> None:
    axes = [*AXES, feature("refund_rate"), feature("discount_rate")]
    centroids = np.array(
        [[2.0, 1.9, 1.8, 1.7, 0.3], [2.0, 1.9, 1.8, 1.7, -0.2], [-2, -2, -2, -2, 0]]
    )
    assert name_clusters(centroids, axes, [1, 2, 3])[:2] == [
        "lapsed, frequent, discount-driven",
        "lapsed, frequent, less discounted",
    ]


def test_what_can_not_be_told_apart_gets_its_number() -> None:
    assert names([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0])[:2] == [
        "typical customers (1)",
        "typical customers (2)",
    ]


def test_one_topic_is_told_once_before_another_is_told() -> None:
    axes = [
        feature("monetary_amount"),
        feature("average_order_amount"),
        feature("discount_rate"),
    ]
    assert (
        name_clusters(np.array([[2.0, 1.9, 0.6], [-2, -1.9, -0.6]]), axes, [1, 2])[0]
        == "big spenders, discount-driven"
    )


def test_one_cluster_is_everyone() -> None:
    assert name_clusters(np.zeros((1, 3)), AXES, [7]) == ["all customers"]


def test_a_name_needs_no_axes() -> None:
    assert name_clusters(np.zeros((2, 0)), [], [1, 2]) == [
        "typical customers (1)",
        "typical customers (2)",
    ]


def test_every_default_feature_has_its_words() -> None:
    assert {trait.feature for trait in TRAITS} == {
        spec.name for spec in DEFAULT_FEATURES
    }


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 8), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.5, 2.0]))
def test_names_differ_and_repeat_themselves(k: int, seed: int, spread: float) -> None:
    generator = np.random.default_rng(seed)
    axes = [feature(spec.name) for spec in DEFAULT_FEATURES]
    centroids = np.round(generator.normal(0, spread, (k, len(axes))))
    first = name_clusters(centroids, axes, list(range(k)))
    assert len(set(first)) == k
    assert name_clusters(centroids, axes, list(range(k))) == first


@pytest.fixture(scope="module")
def names_by_kind() -> list[str]:
    """The name of the cluster that most of each kind of customers are in."""
    frame, kinds = shop(600, seed=5)
    model = fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
    assigned = assign_clusters(frame, model, as_of_date=DAY)
    working_names = {each.number: each.working_name for each in model.clusters}
    return [
        working_names[
            assigned.loc[kinds == kind, columns.CLUSTER_NUMBER].mode().iloc[0]
        ]
        for kind in range(4)
    ]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (0, "big spenders"),
        (1, "lapsed"),
        (2, "discount-driven, mobile"),
        (3, "browser-heavy"),
    ],
)
def test_kinds_of_customers_get_the_names_they_deserve(
    names_by_kind: list[str], kind: int, word: str
) -> None:
    assert word in names_by_kind[kind]
