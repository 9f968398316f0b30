"""A forest that tells clusters apart: what it finds, and when it is silent."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from python_models.personas import (
    PersonaClassifier,
    PersonaConfig,
    columns,
    tell_clusters_apart,
)
from python_models.personas.sampling import split_customers
from python_models.personas.scores import discrimination, lower_bound

DAY = dt.date(2026, 3, 1)
CONTRACT = Path(__file__).parents[2] / "models/staging/python/_python__sources.yml"
NAMES = ("likes", "buys", "noise")
CONFIG = PersonaConfig(features=NAMES, n_trees=25, n_repeats=5)


def made_up(n_each: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cluster 1 is known by `likes`, 2 by `buys`, 3 by neither; nobody by `noise`."""
    generator = np.random.default_rng(seed)
    numbers = np.repeat([1, 2, 3], n_each)
    features = pd.DataFrame(generator.normal(size=(len(numbers), 3)), columns=NAMES)
    features["likes"] += np.where(numbers == 1, 8, 0)
    features["buys"] += np.where(numbers == 2, 8, 0)
    ids = [f"c{i:05}" for i in range(len(numbers))]
    features.insert(0, "customer_id", ids)
    clusters = pd.DataFrame({"customer_id": ids, "cluster_number": numbers})
    return features, clusters


def ask(
    features: pd.DataFrame, clusters: pd.DataFrame, config: PersonaConfig = CONFIG
) -> PersonaClassifier:
    return tell_clusters_apart(
        features, clusters, model_id="m", as_of_date=DAY, config=config
    )


def importances(found: PersonaClassifier) -> dict[int, dict[str, float]]:
    by_cluster: dict[int, dict[str, float]] = {}
    for one in found.importances:
        by_cluster.setdefault(one.cluster_number, {})[one.feature_name] = (
            one.importance_score
        )
    return by_cluster


def customers(n: int) -> pd.DataFrame:
    """All alike."""
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)]})
    return frame.assign(likes=1.0, buys=2.0, noise=3.0)


def assign(numbers: list[int]) -> pd.DataFrame:
    ids = [f"c{i}" for i in range(len(numbers))]
    return pd.DataFrame({"customer_id": ids, "cluster_number": numbers}).astype(
        {"cluster_number": "int64"}
    )


@pytest.fixture(scope="module")
def found() -> PersonaClassifier:
    return ask(*made_up(200))


class TestImportances:
    def test_each_cluster_is_known_by_what_was_planted(
        self, found: PersonaClassifier
    ) -> None:
        by_cluster = importances(found)
        assert set(by_cluster) == {1, 2, 3}
        assert max(by_cluster[1], key=by_cluster[1].__getitem__) == "likes"
        assert max(by_cluster[2], key=by_cluster[2].__getitem__) == "buys"
        # Who is neither is known by both.
        assert min(by_cluster[3], key=by_cluster[3].__getitem__) == "noise"
        for scores in by_cluster.values():
            assert abs(scores["noise"]) < 0.02
        assert by_cluster[1]["likes"] > 0.5
        assert by_cluster[1]["buys"] < 0.2

    def test_accuracy_is_that_of_customers_it_has_not_seen(
        self, found: PersonaClassifier
    ) -> None:
        assert found.outcome_code == "distinguishable"
        assert found.n_trained_customers == 3 * 133
        assert found.n_held_out_customers == 201
        assert found.accuracy_rate is not None
        assert found.accuracy_rate > 0.98
        assert found.majority_rate == pytest.approx(1 / 3)
        assert found.chance_rate == pytest.approx(1 / 3)
        assert all(one.is_distinguishable for one in found.recognitions)

    def test_the_same_customers_in_any_order_give_the_same(self) -> None:
        features, clusters = made_up(60)
        shuffled = features.sample(frac=1, random_state=3)
        other = clusters.sample(frac=1, random_state=4)
        assert ask(features, clusters) == ask(shuffled, other)

    def test_another_seed_gives_other_customers(self) -> None:
        features, clusters = made_up(60)
        other = PersonaConfig(features=NAMES, n_trees=25, n_repeats=5, random_state=1)
        assert (
            ask(features, clusters).importances
            != ask(features, clusters, other).importances
        )


class TestSilence:
    def test_about_clusters_that_features_say_nothing_of(self) -> None:
        features, clusters = made_up(100, seed=1)
        numbers = np.random.default_rng(2).permutation(clusters["cluster_number"])
        found = ask(features, clusters.assign(cluster_number=numbers))
        assert found.outcome_code == "indistinguishable"
        assert found.importances == ()
        assert not any(one.is_distinguishable for one in found.recognitions)
        assert "can't be told apart" in found.outcome
        assert found.balanced_accuracy_rate == pytest.approx(1 / 3, abs=0.15)

    def test_about_one_of_the_clusters(self) -> None:
        """A few of cluster 3, half of them as those of 1 and half as those of 2."""
        features, clusters = made_up(120)
        third = clusters.index[clusters["cluster_number"] == 3]
        features.loc[third[:60], ["likes", "buys"]] = features.loc[
            :59, ["likes", "buys"]
        ].to_numpy()
        features.loc[third[60:], ["likes", "buys"]] = features.loc[
            120:179, ["likes", "buys"]
        ].to_numpy()
        keep = clusters.index.difference(third[15:60]).difference(third[75:])
        found = ask(features.loc[keep], clusters.loc[keep])
        silent = [
            one.cluster_number
            for one in found.recognitions
            if not one.is_distinguishable
        ]
        assert found.outcome_code == "distinguishable"
        assert silent == [3]
        assert set(importances(found)) == {1, 2}

    def test_about_a_cluster_with_too_few_to_judge_by(self) -> None:
        features, clusters = made_up(60)
        # Of 14 members 5 are held out, of 11 only 4.
        keep = clusters.index.difference(range(14, 60)).difference(range(71, 120))
        found = ask(features.loc[keep], clusters.loc[keep])
        assert [one.n_held_out_customers for one in found.recognitions] == [5, 4, 20]
        assert [one.is_distinguishable for one in found.recognitions] == [
            True,
            False,
            True,
        ]
        assert found.recognitions[1].recall_rate is None
        assert "too few" in found.recognitions[1].reason
        assert found.chance_rate == 1 / 2

    @pytest.mark.parametrize("n", [0, 1, 2, 50])
    def test_about_one_cluster(self, n: int) -> None:
        found = ask(customers(n), assign([1] * n))
        assert found.outcome_code == "one_cluster"
        assert found.n_customers == n
        assert found.majority_rate == (1.0 if n else None)
        assert found.accuracy_rate is None
        assert found.importances == ()
        assert len(found.recognitions) == min(n, 1)

    @pytest.mark.parametrize("numbers", [[1, 2], [1, 2, 3], [1] * 50 + [2, 2]])
    def test_about_too_few_customers(self, numbers: list[int]) -> None:
        found = ask(customers(len(numbers)), assign(numbers))
        assert found.outcome_code == "too_few_customers"
        assert found.n_trained_customers == found.n_held_out_customers == 0
        assert {one.reason for one in found.recognitions} == {found.outcome}

    def test_about_clusters_of_customers_who_are_all_alike(self) -> None:
        found = ask(customers(80), assign([1, 2] * 40))
        assert found.outcome_code == "indistinguishable"
        assert found.balanced_accuracy_rate == 0.5

    def test_a_constant_feature_has_no_importance(self) -> None:
        features, clusters = made_up(60)
        found = ask(features.assign(noise=1.0), clusters)
        noise = [one for one in found.importances if one.feature_name == "noise"]
        assert {(one.importance_score, one.importance_deviation) for one in noise} == {
            (0.0, 0.0)
        }


class TestSample:
    def test_each_cluster_gives_its_share_and_small_ones_more(self) -> None:
        labels = np.repeat([1, 2, 3], [8_000, 1_900, 100])
        config = PersonaConfig(sample_size=1_000, min_sampled=150, held_out_rate=0.25)
        split = split_customers(labels, config=config)
        trained, held_out = labels[split.trained], labels[split.held_out]
        # A tenth of 8,000 and of 1,900; all of 100, since there are no 150.
        assert np.bincount(trained).tolist() == [0, 600, 142, 75]
        assert np.bincount(held_out).tolist() == [0, 200, 48, 25]
        assert not set(split.trained) & set(split.held_out)

    def test_an_only_customer_is_learned_from(self) -> None:
        config = PersonaConfig(held_out_rate=0.9)
        split = split_customers(np.array([1, 2, 2]), config=config)
        assert len(split.trained) == 2
        assert split.held_out.tolist() in ([1], [2])

    def test_nobody_gives_nobody(self) -> None:
        split = split_customers(np.array([], dtype=np.int64), config=PersonaConfig())
        assert len(split.trained) == len(split.held_out) == 0


class TestScores:
    def test_one_rate_is_bounded_as_published(self) -> None:
        """One rate: two successes and two failures more (Agresti and Coull, 1998)."""
        rate = (8 + 2) / (10 + 4)
        error = math.sqrt(rate * (1 - rate) / 14)
        found = lower_bound([1.0], [8], [10], confidence=0.95)
        assert found == pytest.approx(rate - 1.959964 * error, abs=1e-6)

    def test_a_difference_is_bounded_as_published(self) -> None:
        """Two rates: one of each more (Agresti and Caffo, 2000)."""
        first, second = (5 + 1) / (10 + 2), (2 + 1) / (20 + 2)
        error = math.sqrt(first * (1 - first) / 12 + second * (1 - second) / 22)
        found = lower_bound([1.0, -1.0], [5, 2], [10, 20], confidence=0.90)
        assert found == pytest.approx(first - second - 1.644854 * error, abs=1e-6)

    def test_a_rate_without_weight_does_not_count(self) -> None:
        with_other = lower_bound([1.0, 0.0], [8, 0], [10, 0], confidence=0.95)
        assert with_other == lower_bound([1.0], [8], [10], confidence=0.95)

    def test_a_bound_is_never_below_what_is_possible(self) -> None:
        assert lower_bound([1.0], [0], [1], confidence=0.999) == 0.0

    def test_discrimination_by_hand(self) -> None:
        """Members of the first have 0.8 and 0.6 of it; others 0.1 and 0.3.

        The two others are of clusters with shares 0.2 and 0.3: their mean of the first
        weighs (0.2 x 0.1 + 0.3 x 0.3) / 0.5.
        """
        probabilities = np.array(
            [[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.1, 0.9, 0.0], [0.3, 0.3, 0.4]]
        )
        rows = np.array([0, 0, 1, 2])
        found = discrimination(probabilities, rows, np.array([0.5, 0.2, 0.3]))
        second = 0.9 - (0.5 * 0.15 + 0.3 * 0.3) / 0.8
        third = 0.4 - (0.5 * 0.15 + 0.2 * 0.0) / 0.7
        assert found == pytest.approx([0.7 - 0.22, second, third])

    def test_a_cluster_without_judges_has_no_score_and_counts_for_nobody(self) -> None:
        probabilities = np.array([[0.75, 0.25, 0.0], [0.25, 0.75, 0.0]])
        found = discrimination(
            probabilities, np.array([0, 1]), np.array([0.4, 0.2, 0.4])
        )
        assert found[:2].tolist() == pytest.approx([0.5, 0.5])
        assert np.isnan(found[2])


class TestFrames:
    @pytest.mark.parametrize("n_each", [0, 1, 40])
    def test_the_tables_are_the_yamls(self, n_each: int) -> None:
        source = yaml.safe_load(CONTRACT.read_text())["sources"][0]
        declared = {
            table["name"]: [(c["name"], c["data_type"]) for c in table["columns"]]
            for table in source["tables"]
            if table["name"].startswith("persona_")
        }
        assert declared == {
            table: list(types.items()) for table, types in columns.TABLES.items()
        }
        frames = ask(*made_up(n_each)).frames()
        assert {table: list(frame) for table, frame in frames.items()} == {
            table: list(types) for table, types in columns.TABLES.items()
        }
        n_clusters = 3 if n_each else 0
        assert len(frames["persona_classifiers"]) == 1
        assert len(frames["persona_recognitions"]) == n_clusters
        assert len(frames["persona_importances"]) == (9 if n_each == 40 else 0)

    def test_what_is_not_known_is_missing(self) -> None:
        frame = ask(customers(3), assign([1, 1, 1])).frames()["persona_classifiers"]
        assert frame["accuracy_rate"].isna().all()
        assert frame["as_of_date"].tolist() == [pd.Timestamp(DAY)]


class TestErrors:
    def test_customers_of_one_side_only_are_counted(self) -> None:
        others = pd.DataFrame(
            {"customer_id": ["c0", "c1", "x", "y"], "cluster_number": [1] * 4}
        )
        with pytest.raises(ValueError, match=r"1 .* no cluster, and 2 .* no features"):
            ask(customers(3), others)

    def test_a_repeated_customer(self) -> None:
        twice = pd.DataFrame({"customer_id": ["c0", "c0"], "cluster_number": [1, 2]})
        with pytest.raises(ValueError, match="1 repeated customer"):
            ask(customers(1), twice)

    def test_a_missing_cluster(self) -> None:
        unknown = pd.DataFrame({"customer_id": ["c0"], "cluster_number": [None]})
        with pytest.raises(ValueError, match="cluster_number: 1 missing"):
            ask(customers(1), unknown)

    def test_a_missing_column(self) -> None:
        with pytest.raises(ValueError, match=r"clusters lack 1 column.*cluster_number"):
            ask(customers(1), pd.DataFrame({"customer_id": ["c0"]}))

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"sample_size": 1}, "sample_size is 1; it must be at least 2"),
            ({"n_repeats": 1}, "n_repeats is 1"),
            ({"held_out_rate": 1.0}, "held_out_rate is 1.0; it must lie between"),
            ({"confidence": float("nan")}, "confidence is nan"),
            ({"features": ()}, "features is empty"),
            ({"features": ("a", "b", "a")}, "features repeated: a"),
        ],
    )
    def test_a_bad_setting(self, settings: dict[str, object], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            PersonaConfig(**settings)  # type: ignore[arg-type]
