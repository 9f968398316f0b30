"""How many clusters: planted ones are found, noise has one, odd input is named."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd
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
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from python_models.clustering import (
    ClusteringConfig,
    FeatureSpec,
    assign_clusters,
    compute_model_id,
    fit_clusters,
    fitting,
)


def agreement(
    frame: pd.DataFrame, config: ClusteringConfig, truth: NDArray[np.int64]
) -> tuple[int, float]:
    """Fit, assign, and compare with the truth: number of clusters, adjusted Rand."""
    model = fit_clusters(frame, as_of_date=DAY, config=config)
    assigned = assign_clusters(frame, model, as_of_date=DAY)
    score = adjusted_rand_score(truth, assigned["cluster_number"])
    return model.n_clusters, float(score)


class TestPlanted:
    @pytest.mark.parametrize(("k", "n_features"), [(2, 4), (3, 6), (5, 6), (8, 12)])
    def test_blobs_are_recovered(self, k: int, n_features: int) -> None:
        points, truth = blobs(corners(k, n_features, 8.0).tolist(), 150, seed=k)
        config = generic_config(n_features)
        n_clusters, score = agreement(generic_frame(points), config, truth)
        assert n_clusters == k
        assert score > 0.95

    def test_blobs_are_recovered_among_features_without_meaning(self) -> None:
        points, truth = blobs(corners(3, 4, 8.0).tolist(), 200, seed=1)
        noise = np.random.default_rng(2).standard_normal((len(points), 4))
        frame = generic_frame(np.hstack([points, noise]))
        n_clusters, score = agreement(frame, generic_config(8), truth)
        assert n_clusters == 3
        assert score > 0.95

    def test_unequal_blobs_are_recovered(self) -> None:
        points, truth = blobs(corners(3, 5, 9.0).tolist(), 400, seed=3)
        keep = np.r_[0:400, 400:520, 800:840]
        frame = generic_frame(points[keep])
        n_clusters, score = agreement(frame, generic_config(5), truth[keep])
        assert n_clusters == 3
        assert score > 0.95

    @pytest.mark.parametrize("size", [400, 5_000])
    def test_kinds_of_customers_are_recovered(self, size: int) -> None:
        """With silhouettes of all customers, and of a part."""
        frame, kind = shop(size, seed=5)
        config = ClusteringConfig(silhouette_sample_size=3_000)
        n_clusters, score = agreement(frame, config, kind)
        assert n_clusters == 4
        assert score > 0.95

    def test_many_customers_start_on_a_sample_and_end_where_all_would(self) -> None:
        points, _ = blobs(corners(4, 5, 7.0).tolist(), 500, seed=4)
        frame = generic_frame(points)
        whole = fit_clusters(frame, as_of_date=DAY, config=generic_config(5))
        sampled = fit_clusters(
            frame,
            as_of_date=DAY,
            config=generic_config(5, sample_size=300),
        )
        np.testing.assert_allclose(sampled.centroids, whole.centroids, atol=1e-9)

    def test_an_amount_is_clustered_by_its_logarithm(self) -> None:
        """Three price levels a factor 20 apart, which raw amounts would blur."""
        points, truth = blobs([[1, 1], [4, 4], [7, 7]], 150, seed=8)
        frame = generic_frame(np.expm1(np.clip(points / 2, 0, None)))
        config = ClusteringConfig(
            features=(FeatureSpec("f00", "log1p"), FeatureSpec("f01", "log1p")),
        )
        n_clusters, score = agreement(frame, config, truth)
        assert n_clusters == 3
        assert score > 0.8

    def test_the_positive_part_of_an_amount_counts(self) -> None:
        frame, _ = shop(200, seed=1)
        refunded = frame.assign(monetary_amount=-5.0)
        zero = frame.assign(monetary_amount=0.0)
        models = [
            fit_clusters(each, as_of_date=DAY, config=ClusteringConfig())
            for each in (refunded, zero)
        ]
        assert models[0].clusters == models[1].clusters


def normal(n: int, d: int, generator: np.random.Generator) -> NDArray[np.float64]:
    return generator.standard_normal((n, d))


def uniform(n: int, d: int, generator: np.random.Generator) -> NDArray[np.float64]:
    return generator.random((n, d))


def log_normal(n: int, d: int, generator: np.random.Generator) -> NDArray[np.float64]:
    return np.log1p(np.exp(generator.normal(2.0, 1.0, (n, d))))


def counts_and_rates(
    n: int, d: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    columns = [
        np.log1p(generator.poisson(2.0, n)),
        np.where(generator.random(n) < 0.8, 0.0, generator.random(n)),
        generator.poisson(4.0, n).astype(float),
        np.where(generator.random(n) < 0.95, 0.0, generator.beta(2, 5, n)),
    ]
    more = [np.log1p(generator.poisson(1.0 + i, n)) for i in range(d - len(columns))]
    return np.column_stack(columns + more)


def switches(n: int, d: int, generator: np.random.Generator) -> NDArray[np.float64]:
    return (generator.random((n, d)) < 0.3).astype(float)


def one_factor(n: int, d: int, generator: np.random.Generator) -> NDArray[np.float64]:
    common = generator.standard_normal((n, 1))
    return common + 0.6 * generator.standard_normal((n, d))


class TestNoise:
    """What has no clusters has one, however good its silhouettes look."""

    @pytest.mark.parametrize(
        "draw", [normal, uniform, log_normal, counts_and_rates, switches, one_factor]
    )
    @pytest.mark.parametrize(("n", "d"), [(300, 4), (300, 12), (1_500, 6)])
    def test_noise_is_one_cluster(
        self,
        draw: Callable[[int, int, np.random.Generator], NDArray[np.float64]],
        n: int,
        d: int,
    ) -> None:
        points = draw(n, d, np.random.default_rng(17))
        model = fit_clusters(
            generic_frame(points), as_of_date=DAY, config=generic_config(d)
        )
        assert (model.n_clusters, model.outcome_code) == (1, "no_separation")
        assert not any(candidate.is_chosen for candidate in model.candidates)

    def test_five_thousand_of_noise(self) -> None:
        points = counts_and_rates(5_000, 8, np.random.default_rng(3))
        model = fit_clusters(
            generic_frame(points), as_of_date=DAY, config=generic_config(8)
        )
        assert model.n_clusters == 1

    def test_a_silhouette_alone_would_have_been_fooled(self) -> None:
        points = counts_and_rates(300, 4, np.random.default_rng(17))
        frame = generic_frame(points)
        model = fit_clusters(frame, as_of_date=DAY, config=generic_config(4))
        assert model.silhouette_score is not None
        assert model.silhouette_score > 0.3
        decisions = [candidate.decision for candidate in model.candidates]
        assert any("no better than reference sets" in each for each in decisions)
        assert all(each.startswith("refused") for each in decisions)


class TestOutcomes:
    def test_nobody(self) -> None:
        frame, _ = shop(3, seed=0)
        model = fit_clusters(frame.iloc[:0], as_of_date=DAY, config=ClusteringConfig())
        assert model.outcome_code == "too_few_customers"
        assert [c.n_customers for c in model.clusters] == [0]
        assert model.inertia == 0.0
        assert model.silhouette_score is None
        assert model.used_features == ()

    def test_one_customer(self) -> None:
        frame, _ = shop(1, seed=0)
        model = fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
        assert model.outcome_code == "too_few_customers"
        assert "1 customers, fewer than 50" in model.outcome
        assert [(c.number, c.n_customers) for c in model.clusters] == [(1, 1)]

    def test_one_customer_where_one_would_do(self) -> None:
        frame, _ = shop(1, seed=0)
        config = ClusteringConfig(min_customers=1)
        model = fit_clusters(frame, as_of_date=DAY, config=config)
        assert model.outcome_code == "no_variation"

    def test_too_few_customers_have_a_centroid_all_the_same(self) -> None:
        points, _ = blobs([[0, 0, 0], [9, 9, 9]], 20, seed=1)
        model = fit_clusters(
            generic_frame(points), as_of_date=DAY, config=generic_config(3)
        )
        assert model.outcome_code == "too_few_customers"
        assert model.candidates == ()
        assert model.clusters[0].centroid == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
        # 40 customers x 3 features of variance 1.
        assert model.inertia == pytest.approx(120.0)

    def test_all_equal(self) -> None:
        frame = generic_frame(np.full((80, 3), 0.1))
        model = fit_clusters(frame, as_of_date=DAY, config=generic_config(3))
        assert model.outcome_code == "no_variation"
        assert "none of the 3 features varies" in model.outcome
        assert [feature.is_used for feature in model.features] == [False] * 3

    def test_two_distinct_customers(self) -> None:
        frame = generic_frame(np.repeat([[0.0, 1.0], [1.0, 3.0]], 40, axis=0))
        model = fit_clusters(frame, as_of_date=DAY, config=generic_config(2))
        assert model.outcome_code == "no_variation"
        assert "only 2 distinct customers" in model.outcome

    def test_fewer_clusters_are_tried_than_there_are_distinct_customers(self) -> None:
        frame = generic_frame(
            np.repeat([[0.0, 1.0], [0.1, 1.2], [5.0, 6.0], [5.2, 6.1]], 20, axis=0)
        )
        model = fit_clusters(frame, as_of_date=DAY, config=generic_config(2))
        assert [(each.algorithm, each.n_clusters) for each in model.candidates] == [
            ("kmeans", 2),
            ("kmeans", 3),
            ("ward", 2),
            ("ward", 3),
        ]

    @pytest.mark.filterwarnings("error")
    def test_few_distinct_customers_in_the_sample_of_starts(self) -> None:
        rare = np.array([[9.0, 1.0], [8.0, 2.0], [7.0, 7.0], [6.0, 9.0]])
        common = np.repeat([[0.0, 0.0], [1.0, 1.0]], 200, axis=0)
        frame = generic_frame(np.vstack([common, rare]))
        config = generic_config(2, k_max=4, sample_size=20, algorithms=("kmeans",))
        model = fit_clusters(frame, as_of_date=DAY, config=config)
        assert [candidate.n_clusters for candidate in model.candidates] == [2, 3, 4]

    def test_a_constant_feature_is_dropped_and_recorded(self) -> None:
        points, truth = blobs(corners(3, 4, 8.0).tolist(), 100, seed=2)
        points[:, 1] = 7.0
        frame = generic_frame(points)
        model = fit_clusters(frame, as_of_date=DAY, config=generic_config(4))
        dropped = [feature for feature in model.features if not feature.is_used]
        assert [(f.name, f.center, f.scale) for f in dropped] == [("f01", 7.0, 1.0)]
        assert model.centroids.shape == (3, 3)
        assert len(truth) == model.n_customers

    def test_rounding_is_no_variation(self) -> None:
        points, _ = blobs(corners(3, 4, 8.0).tolist(), 100, seed=2)
        points[:, 1] = 0.3
        points[::2, 1] = 0.1 + 0.2
        frame = generic_frame(points)
        model = fit_clusters(frame, as_of_date=DAY, config=generic_config(4))
        used = [feature.name for feature in model.used_features]
        assert used == ["f00", "f02", "f03"]

    def test_a_least_silhouette_out_of_reach(self) -> None:
        points, _ = blobs(corners(3, 4, 8.0).tolist(), 100, seed=2)
        model = fit_clusters(
            generic_frame(points),
            as_of_date=DAY,
            config=generic_config(4, min_silhouette=0.99),
        )
        assert model.outcome_code == "no_separation"
        assert "below the least silhouette of 0.99" in model.outcome
        assert model.silhouette_score == max(
            candidate.silhouette_score for candidate in model.candidates
        )

    @pytest.mark.parametrize("setting", ["min_gap", "min_gap_errors"])
    def test_a_gap_out_of_reach(self, setting: str) -> None:
        points, _ = blobs(corners(3, 4, 8.0).tolist(), 100, seed=2)
        model = fit_clusters(
            generic_frame(points),
            as_of_date=DAY,
            config=generic_config(4, **{setting: 1e6}),
        )
        assert model.outcome_code == "no_separation"
        assert "no better than reference sets" in model.outcome

    def test_what_was_chosen_is_said(self) -> None:
        points, _ = blobs(corners(3, 4, 8.0).tolist(), 100, seed=2)
        model = fit_clusters(
            generic_frame(points), as_of_date=DAY, config=generic_config(4)
        )
        chosen = [c for c in model.candidates if c.is_chosen]
        assert [(c.algorithm, c.n_clusters) for c in chosen] == [("kmeans", 3)]
        assert [c.n_clusters for c in model.candidates if c.is_elbow] == [3, 3]
        assert model.silhouette_score == chosen[0].silhouette_score
        assert model.stability_score == chosen[0].stability_score
        assert model.inertia == chosen[0].inertia
        assert model.outcome.startswith(
            "3 clusters by kmeans, of 2 to 10 clusters tried: "
            "the best silhouette; silhouette 0."
        )
        others = [c.decision for c in model.candidates if not c.is_chosen]
        assert all(each.startswith(("passed over", "refused")) for each in others)


class TestErrors:
    @pytest.mark.parametrize(
        ("column", "value", "words"),
        [
            ("n_orders", np.nan, "n_orders: 2 missing and 0 infinite"),
            ("n_orders", np.inf, "n_orders: 0 missing and 2 infinite"),
            ("tenure_days", -np.inf, "tenure_days: 0 missing and 2 infinite"),
            ("customer_id", None, "customer_id: 2 missing value"),
            ("customer_id", "same", "customer_id: 1 repeated value"),
        ],
    )
    def test_a_bad_value_is_named_and_counted(
        self, column: str, value: object, words: str
    ) -> None:
        frame, _ = shop(60, seed=0)
        frame = frame.astype({"customer_id": object})
        frame.loc[[3, 7], column] = value
        with pytest.raises(ValueError, match=words):
            fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())

    def test_missing_columns_are_named_and_counted(self) -> None:
        frame, _ = shop(60, seed=0)
        frame = frame.drop(columns=["n_orders", "refund_rate"])
        with pytest.raises(ValueError, match=r"2 column\(s\): n_orders, refund_rate"):
            fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())

    def test_words_are_no_numbers(self) -> None:
        frame, _ = shop(60, seed=0)
        frame = frame.assign(n_orders="three")
        with pytest.raises(ValueError, match=r"n_orders: values of type .* no numbers"):
            fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())

    def test_features_of_another_date(self) -> None:
        frame, _ = shop(60, seed=0)
        frame = frame.assign(as_of_date=DAY)
        frame.loc[:4, "as_of_date"] = NEXT_DAY
        with pytest.raises(ValueError, match=r"as_of_date: 5 value\(s\) other than"):
            fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())

    def test_a_time_is_no_date(self) -> None:
        frame, _ = shop(60, seed=0)
        noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
        with pytest.raises(TypeError, match="must be a date, not datetime"):
            fit_clusters(frame, as_of_date=noon, config=ClusteringConfig())

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"k_min": 1}, "k_min is 1; it must be at least 2"),
            ({"k_min": 5, "k_max": 4}, "k_max is 4; it must be at least 5"),
            ({"scaler": "max"}, "scaler 'max' is unknown; allowed: standard, min_max"),
            ({"algorithms": ()}, "algorithms is empty"),
            ({"algorithms": ("ward", "ward")}, "algorithms repeated: ward"),
            ({"algorithms": ("dbscan",)}, "algorithms has dbscan; allowed: kmeans"),
            (
                {"n_micro_clusters": 10},
                "n_micro_clusters is 10; it must be",
            ),
            ({"min_stability": 1.5}, "min_stability is 1.5; it must be at most 1"),
            ({"silhouette_tolerance": -1}, "silhouette_tolerance is -1"),
            ({"n_init": 0}, "n_init is 0"),
            ({"n_references": 4}, "n_references is 4"),
            ({"min_gap": float("nan")}, "min_gap is nan"),
            ({"min_silhouette": 1.5}, "min_silhouette is 1.5; it must be at most 1"),
            ({"silhouette_sample_size": 10}, "silhouette_sample_size is 10"),
            ({"features": ()}, "features is empty"),
            (
                {"features": (FeatureSpec("a"), FeatureSpec("a", "log1p"))},
                "features repeated: a",
            ),
        ],
    )
    def test_a_bad_setting_is_named(
        self, changes: dict[str, object], words: str
    ) -> None:
        with pytest.raises(ValueError, match=words):
            ClusteringConfig(**changes)  # type: ignore[arg-type]

    def test_an_unknown_transform_is_named(self) -> None:
        with pytest.raises(ValueError, match="'sqrt' is unknown; allowed: identity"):
            FeatureSpec("a", "sqrt")  # type: ignore[arg-type]

    @pytest.mark.parametrize("ends", [(0.9, 0.1), (0.5, 0.5), (-0.1, 1), (0, 1.1)])
    def test_quantiles_out_of_order_are_named(self, ends: tuple[float, float]) -> None:
        with pytest.raises(ValueError, match=r"feature a: winsorize is .* lower and a"):
            FeatureSpec("a", winsorize=ends)

    def test_a_feature_without_a_name(self) -> None:
        with pytest.raises(ValueError, match="needs a name"):
            FeatureSpec("")


class TestSameInputSameModel:
    def test_row_order_does_not_matter(self) -> None:
        frame, _ = shop(300, seed=2)
        shuffled = frame.sample(frac=1.0, random_state=3)
        models = [
            fit_clusters(each, as_of_date=DAY, config=ClusteringConfig())
            for each in (frame, shuffled)
        ]
        assert models[0] == models[1]

    def test_the_order_of_features_does_not_matter(self) -> None:
        frame, _ = shop(300, seed=2)
        config = ClusteringConfig()
        turned = ClusteringConfig(features=config.features[::-1])
        models = [
            fit_clusters(frame[columns], as_of_date=DAY, config=each)
            for each, columns in (
                (config, list(frame.columns)),
                (turned, list(frame.columns[::-1])),
            )
        ]
        assert models[0] == models[1]

    def test_the_number_of_threads_does_not_matter(self) -> None:
        frame, _ = shop(1_500, seed=2)
        models = []
        for n_threads in (1, 2):
            with threadpool_limits(limits=n_threads):
                models.append(
                    fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
                )
        assert models[0] == models[1]

    def test_a_frame_is_left_as_it_was(self) -> None:
        frame, _ = shop(100, seed=2)
        before = frame.copy()
        fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
        pd.testing.assert_frame_equal(frame, before)


class TestModelId:
    def identify(self, frame: pd.DataFrame, **changes: object) -> str:
        arguments: dict[str, object] = {
            "as_of_date": DAY,
            "config": ClusteringConfig(),
            **changes,
        }
        return compute_model_id(frame, **arguments)  # type: ignore[arg-type]

    def test_it_is_what_a_fit_gives(self) -> None:
        frame, _ = shop(60, seed=0)
        model = fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
        assert model.model_id == self.identify(frame)
        assert len(model.model_id) == 16
        assert int(model.model_id, 16) >= 0

    def test_order_and_further_columns_do_not_change_it(self) -> None:
        frame, _ = shop(60, seed=0)
        other = frame.sample(frac=1.0, random_state=1).assign(
            as_of_date=DAY, country="NL"
        )
        assert self.identify(frame) == self.identify(other)

    def test_negative_zero_is_zero(self) -> None:
        frame, _ = shop(60, seed=0)
        ids = {self.identify(frame.assign(refund_rate=zero)) for zero in (0.0, -0.0)}
        assert len(ids) == 1

    def test_everything_that_matters_changes_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        frame, _ = shop(60, seed=0)
        touched = frame.copy()
        touched.loc[5, "tenure_days"] += 1e-9
        renamed = frame.copy()
        renamed.loc[5, "customer_id"] += "a"
        previous = fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
        few = ClusteringConfig(features=ClusteringConfig().features[:-1])
        ids = [
            self.identify(frame),
            self.identify(touched),
            self.identify(renamed),
            self.identify(frame.iloc[1:]),
            self.identify(frame, as_of_date=NEXT_DAY),
            self.identify(frame, previous=previous),
            self.identify(frame, config=few),
        ]
        ids += [
            self.identify(frame, config=ClusteringConfig(**{name: value}))
            for name, value in {
                "k_min": 3,
                "k_max": 9,
                "sample_size": 100,
                "n_stability_samples": 4,
                "n_stability_init": 2,
                "scaler": "robust",
                "algorithms": ("ward",),
                "n_micro_clusters": 100,
                "min_stability": 0.5,
                "silhouette_tolerance": 0.01,
                "promotion_silhouette_tolerance": 0.01,
                "n_init": 11,
                "random_state": 1,
                "min_customers": 51,
                "min_silhouette": 0.2,
                "min_gap": 0.03,
                "max_match_distance": 0.4,
            }.items()
        ]
        monkeypatch.setattr(fitting, "CODE_VERSION", "0.0.0")
        ids.append(self.identify(frame))
        assert len(set(ids)) == len(ids)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 70),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_any_frame_gives_a_consistent_model(
    n: int, n_values: int, d: int, seed: int
) -> None:
    """Few distinct values: the corners where k-means and silhouettes raise."""
    points = np.random.default_rng(seed).integers(0, n_values, (n, d)).astype(float)
    frame = generic_frame(points)
    config = generic_config(d, min_customers=2, k_max=4, n_init=1)
    model = fit_clusters(frame, as_of_date=DAY, config=config)
    assigned = assign_clusters(frame, model, as_of_date=DAY)
    sizes = assigned["cluster_number"].value_counts()
    assert sum(c.n_customers for c in model.clusters) == model.n_customers == n
    assert all(
        cluster.n_customers == sizes.get(cluster.number, 0)
        for cluster in model.clusters
    )
    assert (model.outcome_code == "separated") == (model.n_clusters > 1)
