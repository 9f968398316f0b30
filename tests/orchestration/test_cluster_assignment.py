"""What the warehouse assigns is what the model says, row by row."""

import datetime as dt
from collections.abc import Sequence

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from orchestration.assignment import (
    assign_in_warehouse,
    assignment_statement,
    compare_with_model,
)
from python_models.clustering import (
    Cluster,
    ClusterModel,
    FeatureSpec,
    ModelFeature,
    assign_clusters,
)
from python_models.clustering.preprocessing import learn_features, scale_values

DAY = dt.date(2026, 3, 1)
OTHER_DAY = dt.date(2026, 2, 1)


def make_model(
    centroids: Sequence[Sequence[float]],
    features: Sequence[ModelFeature],
    numbers: Sequence[int] | None = None,
) -> ClusterModel:
    """A model by hand, whose clusters are numbered from 1 unless told."""
    numbers = numbers or range(1, len(centroids) + 1)
    return ClusterModel(
        model_id="0123456789abcdef",
        as_of_date=DAY,
        n_customers=0,
        n_sampled_customers=0,
        silhouette_score=None,
        stability_score=None,
        inertia=0.0,
        outcome_code="separated",
        outcome="",
        random_state=0,
        code_version="0",
        previous_model_id=None,
        features=tuple(features),
        clusters=tuple(
            Cluster(number, f"name {number}", 0, is_new=False, centroid=tuple(centroid))
            for number, centroid in zip(numbers, centroids, strict=True)
        ),
        candidates=(),
        highest_cluster_number=max(numbers),
    )


def plain(*names: str) -> list[ModelFeature]:
    return [ModelFeature(name, "identity", 0.0, 1.0, is_used=True) for name in names]


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create schema python")
        connection.execute(
            "create table python.customer_clusters (customer_id varchar, "
            "as_of_date date, model_id varchar, cluster_number bigint, "
            "centroid_distance double)"
        )
        yield connection


def put(connection: duckdb.DuckDBPyConnection, features: pd.DataFrame) -> pd.DataFrame:
    """Let features be those of the day, among others of another day."""
    customers = [f"c{position:06}" for position in range(len(features))]
    features = features.assign(customer_id=customers)
    connection.register("features", features)
    connection.execute(
        "create or replace table marts.customer_features_by_date as "
        "select *, ?::date as as_of_date from features union all by name "
        "select *, ?::date as as_of_date from features where customer_id < 'c000005' "
        "order by hash(customer_id)",
        [DAY, OTHER_DAY],
    )
    connection.unregister("features")
    return features


def assigned(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return connection.execute("from python.customer_clusters order by customer_id").df()


def check(
    connection: duckdb.DuckDBPyConnection, features: pd.DataFrame, model: ClusterModel
) -> pd.DataFrame:
    """Assign in the warehouse, and compare every row with the model's own word."""
    features = put(connection, features)
    assert assign_in_warehouse(connection, model, DAY) == len(features)
    found = assigned(connection)
    expected = assign_clusters(features, model, as_of_date=DAY)
    for name in ("customer_id", "as_of_date", "model_id", "cluster_number"):
        assert found[name].tolist() == expected[name].tolist(), name
    np.testing.assert_allclose(
        found["centroid_distance"], expected["centroid_distance"], atol=1e-6
    )
    return found


def test_by_hand(warehouse):
    model = make_model([[0, 0], [3, 4]], plain("a", "b"), numbers=[2, 7])
    features = pd.DataFrame({"a": [0.0, 3.0, 6.0], "b": [1.0, 4.0, 8.0]})
    found = check(warehouse, features, model)
    assert found["cluster_number"].tolist() == [2, 7, 7]
    assert found["centroid_distance"].tolist() == pytest.approx([1.0, 0.0, 5.0])


def test_who_is_just_between_two_goes_to_the_lower_number(warehouse):
    model = make_model([[4, 0], [0, 0], [0, 4]], plain("a", "b"), numbers=[3, 5, 9])
    # Between all three; between 3 and 5; between 5 and 9; between 3 and 9.
    features = pd.DataFrame({"a": [2.0, 2.0, 0.0, 9.0], "b": [2.0, 0.0, 2.0, 9.0]})
    found = check(warehouse, features, model)
    assert found["cluster_number"].tolist() == [3, 3, 5, 3]


def test_rounding_decides_nothing(warehouse):
    """Scales and logarithms of no round number, and everybody between two clusters."""
    generator = np.random.default_rng(0)
    transforms = ("identity", "log1p", "identity", "log1p")
    features = [
        ModelFeature(f"f{i}", transform, 2.1 + i / 7, 0.7 + i / 3, is_used=True)
        for i, transform in enumerate(transforms)
    ]
    middle, apart = generator.normal(size=4), generator.normal(size=4)
    along = generator.normal(size=(20_000, 4))
    along -= np.outer(along @ apart / (apart @ apart), apart)
    raw = {}
    for i, feature in enumerate(features):
        values = (middle[i] + 0.1 * along[:, i]) * feature.scale + feature.center
        raw[feature.name] = np.expm1(values) if transforms[i] == "log1p" else values
    model = make_model([middle + apart, middle - apart], features)
    found = check(warehouse, pd.DataFrame(raw), model)
    assert set(found["cluster_number"]) == {1}


def test_a_hundred_and_fifty_thousand_as_k_means_predicts(warehouse):
    """The estimator itself, on features scaled by hand; one of them never varies."""
    generator = np.random.default_rng(1)
    n = 150_000
    frame = pd.DataFrame(
        {
            "amount": generator.gamma(1.5, 60.0, n) - 20.0,
            "constant": np.full(n, 7.0),
            "orders": generator.poisson(2.0, n).astype(float),
            "rate": np.where(generator.random(n) < 0.7, 0.0, generator.random(n)),
            "recency": generator.integers(1, 365, n).astype(float),
        }
    )
    raw = np.column_stack(
        [
            np.log1p(frame["amount"].clip(lower=0)),
            np.log1p(frame["orders"]),
            frame["rate"],
            frame["recency"],
        ]
    )
    center, scale = raw.mean(axis=0), raw.std(axis=0)
    points = (raw - center) / scale
    k_means = KMeans(7, n_init=1, random_state=0).fit(points[:20_000])
    names = ["amount", "orders", "rate", "recency"]
    used = [
        ModelFeature(name, transform, float(middle), float(spread), is_used=True)
        for name, transform, middle, spread in zip(
            names,
            ["log1p", "log1p", "identity", "identity"],
            center,
            scale,
            strict=True,
        )
    ]
    dropped = ModelFeature("constant", "identity", 7.0, 1.0, is_used=False)
    model = make_model(k_means.cluster_centers_, [used[0], dropped, *used[1:]])
    found = check(warehouse, frame, model)
    predicted = k_means.predict(points)
    assert found["cluster_number"].tolist() == (predicted + 1).tolist()
    assert set(found["cluster_number"]) == set(range(1, 8))


@pytest.mark.parametrize("scaler", ["standard", "min_max", "robust"])
def test_what_is_clipped_and_scaled_is_clipped_and_scaled_here(warehouse, scaler):
    """Bounds and scales learned from some, and everybody from beyond them."""
    generator = np.random.default_rng(3)
    n = 20_000
    frame = pd.DataFrame(
        {
            "amount": generator.gamma(0.5, 300.0, n) - 50.0,
            "orders": generator.poisson(2.0, n).astype(float),
            "rate": np.where(generator.random(n) < 0.7, 0.0, generator.random(n)),
        }
    )
    specs = [
        FeatureSpec("amount", "log1p", (0.05, 0.9)),
        FeatureSpec("orders", winsorize=(0.1, 0.8)),
        FeatureSpec("rate"),
    ]
    features = learn_features(frame.iloc[:1_000], specs, scaler)
    points = scale_values(frame, features)
    assert points[:, 1].max() < frame["orders"].max()
    k_means = KMeans(5, n_init=1, random_state=0).fit(points[:1_000])
    found = check(warehouse, frame, make_model(k_means.cluster_centers_, features))
    predicted = k_means.predict(points)
    assert found["cluster_number"].tolist() == (predicted + 1).tolist()
    assert set(found["cluster_number"]) == set(range(1, 6))


def test_bounds_by_hand(warehouse):
    bounded = ModelFeature("a", "identity", 0.0, 1.0, is_used=True, bounds=(1.0, 3.0))
    features = pd.DataFrame({"a": [-9.0, 1.0, 2.5, 99.0]})
    found = check(warehouse, features, make_model([[1.0], [3.0]], [bounded]))
    assert found["cluster_number"].tolist() == [1, 1, 2, 2]
    assert found["centroid_distance"].tolist() == pytest.approx([0.0, 0.0, 0.5, 0.0])


def test_one_cluster_has_no_axis_and_everybody(warehouse):
    dropped = ModelFeature("a", "identity", 1.0, 1.0, is_used=False)
    found = check(
        warehouse, pd.DataFrame({"a": [1.0, 1.0]}), make_model([[]], [dropped])
    )
    assert found["cluster_number"].tolist() == [1, 1]
    assert found["centroid_distance"].tolist() == [0.0, 0.0]


def test_nobody(warehouse):
    found = check(
        warehouse, pd.DataFrame({"a": np.empty(0)}), make_model([[0]], plain("a"))
    )
    assert found.empty
    agreement = compare_with_model(
        warehouse, make_model([[0]], plain("a")), DAY, n_customers=10
    )
    assert agreement.is_complete


@pytest.mark.parametrize("value", [None, np.nan, np.inf])
def test_a_bad_value_is_named_and_counted(warehouse, value):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})
    put(warehouse, frame)
    warehouse.execute(
        "update marts.customer_features_by_date set b = ? "
        "where customer_id <> 'c000000'",
        [value],
    )
    model = make_model([[0, 0], [1, 1]], plain("a", "b"))
    with pytest.raises(ValueError, match=r"b: 2 missing or infinite value\(s\)"):
        assign_in_warehouse(warehouse, model, DAY)
    assert assigned(warehouse).empty


def test_a_feature_that_was_dropped_may_be_missing(warehouse):
    dropped = ModelFeature("b", "identity", 1.0, 1.0, is_used=False)
    model = make_model([[0], [1]], [*plain("a"), dropped])
    put(warehouse, pd.DataFrame({"a": [0.0, 1.0], "b": [np.nan, np.nan]}))
    assert assign_in_warehouse(warehouse, model, DAY) == 2


def test_names_are_quoted_and_numbers_whole():
    odd = ModelFeature('a "b"', "log1p", 0.1, 1 / 3, is_used=True)
    statement = assignment_statement(make_model([[0.1], [2.0]], [odd]))
    assert 'greatest("a ""b""", 0)' in statement
    assert "1.00000000000000006e-01" in statement


class TestTheCheck:
    @pytest.fixture
    def model(self, warehouse):
        generator = np.random.default_rng(2)
        frame = pd.DataFrame(generator.normal(size=(500, 2)), columns=["a", "b"])
        put(warehouse, frame)
        model = make_model([[-1, 0], [1, 0]], plain("a", "b"))
        assign_in_warehouse(warehouse, model, DAY)
        return model

    def test_it_agrees(self, warehouse, model):
        found = compare_with_model(warehouse, model, DAY, n_customers=100)
        assert found == (500, 500, 100, 0)
        assert found.is_complete

    @pytest.mark.parametrize(
        "change",
        ["cluster_number = 3 - cluster_number", "centroid_distance = 1e9"],
    )
    def test_it_finds_who_is_wrong(self, warehouse, model, change):
        warehouse.execute(
            f"update python.customer_clusters set {change} "
            "where customer_id < 'c000250'"
        )
        found = compare_with_model(warehouse, model, DAY, n_customers=1_000)
        assert found == (500, 500, 500, 250)
        assert not found.is_complete

    def test_it_finds_who_is_missing(self, warehouse, model):
        warehouse.execute(
            "delete from python.customer_clusters where customer_id = 'c000007'"
        )
        found = compare_with_model(warehouse, model, DAY, n_customers=1_000)
        assert found == (500, 499, 499, 0)
        assert not found.is_complete
