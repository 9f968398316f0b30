"""Clipping, transforming and scaling: by hand, and as in scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from clustering_data import DAY, generic_frame, shop
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from python_models.clustering import (
    ClusteringConfig,
    FeatureSpec,
    ModelFeature,
    assign_clusters,
    fit_clusters,
)
from python_models.clustering.config import Scaler
from python_models.clustering.preprocessing import (
    learn_features,
    scale_values,
    standardize,
)

SCALERS = {
    "standard": StandardScaler(),
    "min_max": MinMaxScaler(),
    "robust": RobustScaler(),
}


def learn(
    values: list[float], spec: FeatureSpec, scaler: Scaler = "standard"
) -> ModelFeature:
    return learn_features(pd.DataFrame({spec.name: values}), [spec], scaler)[0]


def test_by_hand() -> None:
    # The quartiles of 0, 1, 2, 3, 100 are 1 and 3; clipped: 1, 1, 2, 3, 3, of mean 2
    # and variance 4/5.
    feature = learn([0, 1, 2, 3, 100], FeatureSpec("a", winsorize=(0.25, 0.75)))
    assert feature.bounds == (1.0, 3.0)
    assert feature.center == 2.0
    assert feature.scale == pytest.approx(0.8**0.5)
    # Frozen: what a later customer has is clipped at the same bounds.
    later = pd.DataFrame({"a": [-7.0, 2.5, 9.0]})
    found = scale_values(later, [feature])[:, 0] * 0.8**0.5
    assert found == pytest.approx([-1.0, 0.5, 1.0])


def test_it_is_clipped_before_the_logarithm() -> None:
    feature = learn(
        [0, np.e - 1, np.e - 1, np.e - 1, 1e9],
        FeatureSpec("a", "log1p", (0.25, 0.75)),
    )
    assert feature.bounds == pytest.approx((np.e - 1, np.e - 1))
    # All are the same now.
    assert not feature.is_used
    assert (feature.center, feature.scale) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("scaler", ["standard", "min_max", "robust"])
def test_scalers_are_scikit_learns(scaler: Scaler) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": generator.gamma(1.0, 5.0, 300),
            "b": np.where(generator.random(300) < 0.9, 0.0, generator.random(300)),
            "c": generator.integers(0, 4, 300).astype(float),
        }
    )
    features = learn_features(frame, [FeatureSpec(name) for name in "abc"], scaler)
    expected = SCALERS[scaler].fit_transform(frame.to_numpy())
    np.testing.assert_allclose(scale_values(frame, features), expected, atol=1e-12)


@pytest.mark.parametrize("scaler", ["standard", "min_max", "robust"])
def test_a_constant_is_dropped_and_scales_nothing(scaler: Scaler) -> None:
    feature = learn([7.0] * 5, FeatureSpec("a"), scaler)
    assert (feature.is_used, feature.center, feature.scale) == (False, 7.0, 1.0)


def test_an_interquartile_range_of_nothing_scales_nothing() -> None:
    feature = learn([0.0] * 9 + [5.0], FeatureSpec("a"), "robust")
    assert (feature.is_used, feature.center, feature.scale) == (True, 0.0, 1.0)


@pytest.mark.parametrize("scaler", ["standard", "min_max", "robust"])
def test_nobody(scaler: Scaler) -> None:
    feature = learn([], FeatureSpec("a", "log1p", (0.01, 0.99)), scaler)
    assert (feature.is_used, feature.center, feature.scale) == (False, 0.0, 1.0)
    assert feature.bounds is None


@pytest.mark.parametrize("scaler", ["standard", "min_max", "robust"])
def test_whatever_the_scaler_centroids_are_told_in_deviations(scaler: Scaler) -> None:
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(generator.gamma(2.0, 3.0, (200, 2)), columns=["a", "b"])
    features = learn_features(frame, [FeatureSpec("a"), FeatureSpec("b")], scaler)
    centroid = frame.iloc[:20].mean().to_frame().T
    found = standardize(scale_values(centroid, features), features)
    expected = (centroid - frame.mean()) / frame.std(ddof=0)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("scaler", ["min_max", "robust"])
def test_kinds_of_customers_are_found_and_named_under_any_scaler(
    scaler: Scaler,
) -> None:
    frame, kind = shop(600, seed=5)
    config = ClusteringConfig(scaler=scaler, algorithms=("kmeans",))
    model = fit_clusters(frame, as_of_date=DAY, config=config)
    assert model.scaler == scaler
    assert model.outcome_code == "separated"
    numbers = assign_clusters(frame, model, as_of_date=DAY)["cluster_number"]
    browsers = numbers[kind == 3].mode().iloc[0]
    names = {each.number: each.working_name for each in model.clusters}
    assert "browser-heavy" in names[browsers]


@pytest.mark.parametrize("scaler", ["min_max", "robust"])
def test_one_cluster_is_at_the_mean_under_any_scaler(scaler: Scaler) -> None:
    points = np.random.default_rng(0).gamma(1.0, 2.0, (30, 2))
    config = ClusteringConfig(
        features=(FeatureSpec("f00"), FeatureSpec("f01")), scaler=scaler
    )
    model = fit_clusters(generic_frame(points), as_of_date=DAY, config=config)
    raw = model.centroids[0] * [f.scale for f in model.features]
    raw += [f.center for f in model.features]
    assert raw == pytest.approx(points.mean(axis=0))


def test_a_few_that_are_far_out_move_nothing() -> None:
    frame, kind = shop(600, seed=5)
    frame.loc[:2, "monetary_amount"] *= 1e6
    frame.loc[:2, "units_per_order"] *= 1e4
    model = fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
    assert model.n_clusters == 4
    assert len(kind) == sum(each.n_customers for each in model.clusters)
