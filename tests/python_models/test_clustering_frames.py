"""Frames: the YAML contract, round trips, daily assignment."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from clustering_data import (
    DAY,
    NEXT_DAY,
    blobs,
    corners,
    generic_config,
    generic_frame,
    shop,
)
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

from python_models.clustering import (
    ClusteringConfig,
    ClusterModel,
    assign_clusters,
    columns,
    fit_clusters,
)

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "models" / "staging" / "python" / "_python__sources.yml"
PANDAS_TYPES = {
    "varchar": "str",
    "bigint": "int64",
    "double": "float64",
    "boolean": "bool",
    "date": "datetime64[us]",
}


def contract() -> dict[str, list[tuple[str, str]]]:
    """Column names and types by table, as the YAML has them."""
    source = yaml.safe_load(CONTRACT.read_text())["sources"][0]
    return {
        table["name"]: [(c["name"], c["data_type"]) for c in table["columns"]]
        for table in source["tables"]
        if table["name"] in columns.TABLES
    }


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return shop(500, seed=6)[0]


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> ClusterModel:
    return fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())


@pytest.fixture(scope="module")
def next_model(frame: pd.DataFrame, model: ClusterModel) -> ClusterModel:
    return fit_clusters(
        frame.iloc[:450], as_of_date=NEXT_DAY, config=ClusteringConfig(), previous=model
    )


def everyone(n: int) -> tuple[pd.DataFrame, ClusterModel]:
    """A model of one cluster, on n equal customers."""
    frame = generic_frame(np.ones((n, 2)))
    return frame, fit_clusters(frame, as_of_date=DAY, config=generic_config(2))


class TestContract:
    def test_the_tables_are_the_yamls(self) -> None:
        assert {
            table: list(types.items()) for table, types in columns.TABLES.items()
        } == contract()

    @pytest.mark.parametrize("n", [0, 1, 60])
    def test_frames_of_one_cluster_have_the_contracts_columns(self, n: int) -> None:
        frame, model = everyone(n)
        frames = model.frames()
        frames["customer_clusters"] = assign_clusters(frame, model, as_of_date=DAY)
        self.check(frames)

    def test_frames_have_the_contracts_columns(
        self, frame: pd.DataFrame, next_model: ClusterModel
    ) -> None:
        frames = next_model.frames()
        frames["customer_clusters"] = assign_clusters(
            frame, next_model, as_of_date=NEXT_DAY
        )
        self.check(frames)
        assert next_model.n_clusters == 4
        assert {table: len(rows) for table, rows in frames.items()} == {
            "cluster_models": 1,
            "cluster_candidates": 18,
            "cluster_model_features": 12,
            "cluster_centroids": 48,
            "clusters": 4,
            "cluster_changes": 4,
            "cluster_feature_bins": len(next_model.bins),
            "customer_clusters": 500,
        }
        assert {each.feature for each in next_model.bins} == {
            feature.name for feature in next_model.features
        }

    def check(self, frames: dict[str, pd.DataFrame]) -> None:
        expected = contract()
        # The warehouse measures drift itself.
        assert {*frames, "cluster_drift"} == set(expected)
        for table, rows in frames.items():
            found = [(name, str(dtype)) for name, dtype in rows.dtypes.items()]
            assert found == [
                (name, PANDAS_TYPES[data_type]) for name, data_type in expected[table]
            ]

    def test_another_column_is_refused(self) -> None:
        with pytest.raises(ValueError, match="clusters: columns missing or unknown: x"):
            columns.conform(
                "clusters", {**dict.fromkeys(columns.TABLES["clusters"], ()), "x": ()}
            )


class TestRoundTrip:
    def test_a_model_comes_back_from_its_frames(self, model: ClusterModel) -> None:
        assert ClusterModel.from_frames(model.frames()) == model

    @pytest.mark.parametrize("n", [0, 1, 60])
    def test_one_cluster_comes_back(self, n: int) -> None:
        _, model = everyone(n)
        assert ClusterModel.from_frames(model.frames()) == model

    def test_it_comes_back_from_a_warehouse_in_any_order(
        self, model: ClusterModel, next_model: ClusterModel
    ) -> None:
        connection = duckdb.connect()
        for table, types in contract().items():
            described = ", ".join(f"{name} {kind}" for name, kind in types)
            connection.execute(f"create table {table} ({described})")
        for each in (next_model, model):
            for table, rows in each.frames().items():
                shuffled = rows.sample(frac=1.0, random_state=1)
                connection.register("shuffled", shuffled)
                connection.execute(f"insert into {table} select * from shuffled")
        read = {
            table: connection.execute(f"select * from {table}").df()
            for table in model.frames()
        }
        for each in (model, next_model):
            assert ClusterModel.from_frames(read, model_id=each.model_id) == each

    def test_numbers_of_earlier_models_are_remembered(
        self, model: ClusterModel, next_model: ClusterModel
    ) -> None:
        frames = {
            table: pd.concat([rows, next_model.frames()[table]])
            for table, rows in model.frames().items()
        }
        clusters = frames["clusters"]
        is_first = clusters["model_id"] == model.model_id
        frames["clusters"] = clusters.assign(
            cluster_number=clusters["cluster_number"].where(
                ~(is_first & (clusters["cluster_number"] == 4)), 9
            )
        )
        centroids = frames["cluster_centroids"]
        frames["cluster_centroids"] = centroids.assign(
            cluster_number=centroids["cluster_number"].where(
                centroids["model_id"] != model.model_id,
                centroids["cluster_number"].replace(4, 9),
            )
        )
        rebuilt = ClusterModel.from_frames(frames, model_id=next_model.model_id)
        assert rebuilt.highest_cluster_number == 9
        # A replay of the earlier date doesn't know the later model.
        later = frames["clusters"].assign(
            cluster_number=lambda rows: rows["cluster_number"].where(
                rows["model_id"] == model.model_id, 40
            )
        )
        replayed = ClusterModel.from_frames(
            {**frames, "clusters": later}, model_id=model.model_id
        )
        assert replayed.highest_cluster_number == 9

    def test_a_model_of_before_there_was_a_choice_comes_back(
        self, model: ClusterModel
    ) -> None:
        """As an older warehouse has it: columns that were added are empty."""
        frames = model.frames()
        added = {
            "cluster_models": ["scaler", "refit_reason", "is_promoted"],
            "cluster_candidates": ["algorithm", "stability_score", "decision"],
            "cluster_model_features": [
                "lower_quantile_rate",
                "upper_quantile_rate",
                "lower_bound",
                "upper_bound",
                "mean",
                "standard_deviation",
            ],
        }
        for table, names in added.items():
            frames[table] = frames[table].assign(**dict.fromkeys(names))
        frames["cluster_candidates"] = frames["cluster_candidates"].iloc[:9]
        for table in ("cluster_changes", "cluster_feature_bins"):
            frames[table] = frames[table].iloc[:0]
        old = ClusterModel.from_frames(frames)
        assert (old.scaler, old.is_promoted, old.bins) == ("standard", True, ())
        assert {each.algorithm for each in old.candidates} == {"kmeans"}
        feature = old.features[0]
        assert (feature.bounds, feature.mean, feature.standard_deviation) == (
            None,
            feature.center,
            feature.scale,
        )
        np.testing.assert_array_equal(old.centroids, model.centroids)

    def test_candidates_may_be_left_out(self, model: ClusterModel) -> None:
        frames = model.frames()
        del frames["cluster_candidates"]
        assert ClusterModel.from_frames(frames).candidates == ()

    def test_what_is_missing_is_named(
        self, model: ClusterModel, next_model: ClusterModel
    ) -> None:
        frames = model.frames()
        with pytest.raises(ValueError, match="frames lack cluster_centroids"):
            ClusterModel.from_frames(
                {t: f for t, f in frames.items() if t != "cluster_centroids"}
            )
        with pytest.raises(ValueError, match="0 rows for model nobody"):
            ClusterModel.from_frames(frames, model_id="nobody")
        both = pd.concat(
            [frames["cluster_models"], next_model.frames()["cluster_models"]]
        )
        with pytest.raises(ValueError, match="has 2 rows; name a model_id"):
            ClusterModel.from_frames({**frames, "cluster_models": both})
        with pytest.raises(ValueError, match="cluster 1 lacks average_order_amount"):
            ClusterModel.from_frames(
                {**frames, "cluster_centroids": frames["cluster_centroids"].iloc[1:]}
            )
        with pytest.raises(ValueError, match=r"has 4 cluster\(s\), clusters has 3"):
            ClusterModel.from_frames(
                {**frames, "clusters": frames["clusters"].iloc[1:]}
            )


class TestAssignment:
    def test_it_equals_the_labels_of_the_fit(self) -> None:
        points, _ = blobs(corners(3, 4, 5.0).tolist(), 200, seed=7)
        frame = generic_frame(points)
        model = fit_clusters(frame, as_of_date=DAY, config=generic_config(4))
        scaled = StandardScaler().fit_transform(points)
        fit = KMeans(3, n_init=10, random_state=0).fit(scaled)
        assigned = assign_clusters(frame, model, as_of_date=DAY)
        pairs = set(zip(assigned["cluster_number"], fit.labels_, strict=True))
        assert len(pairs) == 3
        distances = fit.transform(scaled).min(axis=1)
        np.testing.assert_allclose(assigned["centroid_distance"], distances, atol=1e-9)
        sizes = assigned["cluster_number"].value_counts().sort_index()
        assert sizes.to_list() == [c.n_customers for c in model.clusters]

    def test_a_frozen_model_predicts_like_k_means(
        self, frame: pd.DataFrame, model: ClusterModel
    ) -> None:
        """Other customers, and the model as it comes from its tables."""
        others = shop(300, seed=60)[0]
        frozen = ClusterModel.from_frames(model.frames())
        assigned = assign_clusters(others, frozen, as_of_date=NEXT_DAY)
        logged = {"n_orders", "monetary_amount", "average_order_amount"}
        logged |= {"units_per_order", "n_categories", "n_sessions", "n_product_views"}

        bounds = frame[list(logged)].quantile([0.01, 0.99])

        def transform(rows: pd.DataFrame) -> pd.DataFrame:
            rows = rows.drop(columns="customer_id").sort_index(axis=1)
            rows = rows.assign(
                **{name: rows[name].clip(*bounds[name]) for name in logged}
            )
            return rows.assign(
                **{name: np.log1p(rows[name].clip(lower=0)) for name in logged}
            )

        scaler = StandardScaler().fit(transform(frame).to_numpy())
        k_means = KMeans(4, init=frozen.centroids, n_init=1, max_iter=1)
        k_means.fit(scaler.transform(transform(frame).to_numpy()))
        k_means.cluster_centers_ = frozen.centroids
        predicted = k_means.predict(scaler.transform(transform(others).to_numpy()))
        assert assigned["cluster_number"].to_list() == (predicted + 1).tolist()
        assert (assigned["model_id"] == model.model_id).all()
        assert (assigned["as_of_date"] == pd.Timestamp(NEXT_DAY)).all()

    def test_row_order_does_not_matter(
        self, frame: pd.DataFrame, model: ClusterModel
    ) -> None:
        shuffled = frame.sample(frac=1.0, random_state=1)
        pd.testing.assert_frame_equal(
            assign_clusters(shuffled, model, as_of_date=DAY),
            assign_clusters(frame, model, as_of_date=DAY),
        )

    def test_features_that_were_dropped_are_not_needed(self) -> None:
        points, _ = blobs(corners(3, 4, 8.0).tolist(), 100, seed=2)
        points[:, 1] = 7.0
        frame = generic_frame(points)
        model = fit_clusters(frame, as_of_date=DAY, config=generic_config(4))
        assigned = assign_clusters(frame.drop(columns="f01"), model, as_of_date=DAY)
        assert len(assigned) == 300

    def test_bad_values_are_named(
        self, frame: pd.DataFrame, model: ClusterModel
    ) -> None:
        with pytest.raises(ValueError, match="n_orders: 500 missing"):
            assign_clusters(frame.assign(n_orders=np.nan), model, as_of_date=DAY)
