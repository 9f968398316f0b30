"""Whether a new model takes over: by hand, and after fits."""

import dataclasses

import numpy as np
import pytest
from clustering_data import DAY, NEXT_DAY, blobs, corners, generic_config, generic_frame

from python_models.clustering import Cluster, ClusterModel, FeatureSpec, fit_clusters
from python_models.clustering.preprocessing import ModelFeature
from python_models.clustering.promotion import (
    Merits,
    judge_promotion,
    why_not_comparable,
)
from python_models.clustering.references import Gap

CONFIG = generic_config(1)


def frozen_model(n_clusters: int, **changes: object) -> ClusterModel:
    model = ClusterModel(
        model_id="0123456789abcdef",
        as_of_date=DAY,
        n_customers=2,
        n_sampled_customers=2,
        silhouette_score=0.5,
        stability_score=1.0,
        inertia=1.0,
        outcome_code="separated",
        outcome="",
        random_state=0,
        code_version="0",
        previous_model_id=None,
        features=(ModelFeature("f00", "identity", 0.0, 1.0, is_used=True),),
        clusters=tuple(
            Cluster(number, f"name {number}", 1, is_new=True, centroid=(float(number),))
            for number in range(1, n_clusters + 1)
        ),
        candidates=(),
        highest_cluster_number=n_clusters,
    )
    return dataclasses.replace(model, **changes)


class TestRule:
    @pytest.mark.parametrize(
        ("silhouette", "stability", "is_promoted"),
        [
            (0.50, 0.95, True),
            # Each at its tolerance, and just beyond.
            (0.481, 0.95, True),
            (0.479, 0.95, False),
            (0.50, 0.901, True),
            (0.50, 0.899, False),
        ],
    )
    def test_it_may_not_be_worse_by_more_than_the_tolerance(
        self, silhouette: float, stability: float, *, is_promoted: bool
    ) -> None:
        found = judge_promotion(
            "separated",
            Merits(silhouette, stability),
            frozen_model(3),
            Merits(0.50, 0.95),
            CONFIG,
        )
        assert found.is_promoted == is_promoted
        start = "not worse" if is_promoted else "worse"
        assert found.reason.startswith(f"{start} than the frozen model: ")

    def test_why_it_is_worse_is_said(self) -> None:
        found = judge_promotion(
            "separated", Merits(0.4, 0.7), frozen_model(3), Merits(0.5, 0.9), CONFIG
        )
        assert found.reason == (
            "worse than the frozen model: silhouette 0.400, the frozen model's is "
            "0.500 on the same customers; stability 0.700, the frozen model's is 0.900 "
            "on the same customers"
        )

    def test_what_was_not_measured_decides_nothing(self) -> None:
        found = judge_promotion(
            "separated", Merits(0.5, 0.7), frozen_model(3), Merits(0.5, None), CONFIG
        )
        assert found.is_promoted

    def test_clusters_take_over_from_one(self) -> None:
        found = judge_promotion(
            "separated", Merits(0.2, 0.7), frozen_model(1), Merits(), CONFIG
        )
        assert found.is_promoted

    @pytest.mark.parametrize(
        ("silhouette", "gap", "is_promoted"),
        [(0.3, 0.2, False), (0.14, 0.2, True), (0.3, 0.09, True)],
    )
    def test_one_cluster_takes_over_where_clusters_no_longer_separate(
        self, silhouette: float, gap: float, *, is_promoted: bool
    ) -> None:
        found = judge_promotion(
            "no_separation",
            Merits(0.1),
            frozen_model(3),
            Merits(silhouette, 0.9, Gap(gap, 0.01, 0.1)),
            CONFIG,
        )
        assert found.is_promoted == is_promoted

    @pytest.mark.parametrize("outcome", ["too_few_customers", "no_variation"])
    def test_nothing_to_judge_clusters_on(self, outcome: str) -> None:
        found = judge_promotion(outcome, Merits(), frozen_model(3), Merits(), CONFIG)
        assert found.is_promoted

    def test_one_cluster_after_another(self) -> None:
        found = judge_promotion(
            "no_separation", Merits(0.1), frozen_model(1), Merits(), CONFIG
        )
        assert (found.is_promoted, found.reason) == (True, "one cluster, as before")


class TestComparable:
    def test_the_same_kind(self) -> None:
        assert why_not_comparable(frozen_model(3), CONFIG) == ""

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"features": (FeatureSpec("f01"),)}, "prepared otherwise: f00, f01"),
            ({"features": (FeatureSpec("f00", "log1p"),)}, "prepared otherwise: f00"),
            (
                {"features": (FeatureSpec("f00", winsorize=(0.1, 0.9)),)},
                "prepared otherwise: f00",
            ),
            ({"scaler": "robust"}, "the scaler is robust, was standard"),
            ({"algorithms": ("ward",)}, "kmeans is no longer tried"),
            ({"k_min": 4}, "4 to 10 clusters are asked for, the frozen model has 3"),
            ({"k_max": 2}, "2 to 2 clusters are asked for"),
        ],
    )
    def test_what_is_asked_for_otherwise(
        self, changes: dict[str, object], words: str
    ) -> None:
        config = dataclasses.replace(CONFIG, **changes)
        assert words in why_not_comparable(frozen_model(3), config)

    def test_one_cluster_is_of_every_kind(self) -> None:
        config = dataclasses.replace(CONFIG, algorithms=("ward",), k_min=4)
        assert why_not_comparable(frozen_model(1), config) == ""


@pytest.fixture(scope="module")
def months() -> list[np.ndarray]:
    centres = corners(3, 4, 8.0).tolist()
    return [blobs(centres, 100, seed=seed)[0] for seed in (1, 2)]


@pytest.fixture(scope="module")
def first(months: list[np.ndarray]) -> ClusterModel:
    config = generic_config(4)
    return fit_clusters(generic_frame(months[0]), as_of_date=DAY, config=config)


class TestFits:
    """Two months of three heaps; then what the new month finds is spoiled."""

    def refit(
        self, points: np.ndarray, first: ClusterModel, **settings: object
    ) -> ClusterModel:
        return fit_clusters(
            generic_frame(points),
            as_of_date=NEXT_DAY,
            config=generic_config(4, **settings),
            previous=first,
            refit_reason="monthly",
        )

    def test_the_first_takes_over(self, first: ClusterModel) -> None:
        assert (first.is_promoted, first.promotion_reason) == (True, "the first model")
        assert first.frozen_silhouette_score is None
        assert first.changes == ()

    def test_one_that_is_as_good_takes_over(
        self, months: list[np.ndarray], first: ClusterModel
    ) -> None:
        model = self.refit(months[1], first)
        assert model.is_promoted
        assert model.refit_reason == "monthly"
        assert model.frozen_silhouette_score == pytest.approx(
            model.silhouette_score, abs=0.02
        )
        assert model.frozen_stability_score == pytest.approx(1.0, abs=0.02)
        # The frozen model's clusters are told by customer, whatever the order of rows.
        shuffled = fit_clusters(
            generic_frame(months[1]).sample(frac=1.0, random_state=1),
            as_of_date=NEXT_DAY,
            config=generic_config(4),
            previous=first,
            refit_reason="monthly",
        )
        assert shuffled == model
        assert [each.n_shared_customers for each in model.changes] == [100, 100, 100]

    def test_one_that_is_worse_stays_out_and_says_so(
        self, months: list[np.ndarray], first: ClusterModel
    ) -> None:
        """An iteration more tolerant of bad silhouettes chooses the wrong elbow."""
        model = self.refit(months[1], first, silhouette_tolerance=1.0, k_max=3)
        assert model.n_clusters == 2
        assert not model.is_promoted
        assert model.promotion_reason.startswith("worse than the frozen model: silh")
        frames = model.frames()["cluster_models"]
        assert not frames["is_promoted"].any()

    def test_clusters_stay_where_the_new_data_only_seem_not_to_separate(self) -> None:
        """Heaps that overlap a little, and a stability that nothing reaches."""
        points = [
            blobs(corners(3, 4, 5.0).tolist(), 100, seed=seed)[0] for seed in (1, 2)
        ]
        first = fit_clusters(
            generic_frame(points[0]), as_of_date=DAY, config=generic_config(4)
        )
        assert first.n_clusters == 3
        model = self.refit(points[1], first, min_stability=1.0)
        assert model.outcome_code == "no_separation"
        assert not model.is_promoted
        assert "the frozen model still separates" in model.promotion_reason

    def test_noise_takes_over_from_clusters(self, first: ClusterModel) -> None:
        noise = np.random.default_rng(0).standard_normal((300, 4)) * 4
        model = self.refit(noise, first)
        assert model.outcome_code == "no_separation"
        assert model.is_promoted
        assert "by now" in model.promotion_reason

    def test_a_frozen_model_of_features_that_are_gone(
        self, months: list[np.ndarray], first: ClusterModel
    ) -> None:
        config = generic_config(3)
        model = fit_clusters(
            generic_frame(months[1][:, :3]),
            as_of_date=NEXT_DAY,
            config=config,
            previous=first,
        )
        assert model.is_promoted
        assert model.promotion_reason == (
            "asked for: features are prepared otherwise: f03"
        )
        assert model.changes == ()
