"""A random forest that tells clusters apart, and which features it does so by.

A cluster's importances are those of the question "is this customer in it or not?": of
twelve features one cluster is known by its discounts, another by its silence. Overall
importances would say neither. A feature's importance for a cluster is how far the
coefficient of discrimination (`scores.discrimination`) falls when the feature's values
are shuffled among held-out customers. Counted by right and wrong answers instead, a
feature that another one can stand in for would seem to be worth nothing.

A forest that can't tell clusters apart has no importances worth a word, so it says
none. Clusters are cut from these very features: that the forest recognises them proves
that they can be described by a few bounds, and nothing more.

References
----------
Breiman, L. (2001). Random forests. Machine Learning 45(1), 5-32. Forest and permutation
importance; on held-out customers, as `sklearn.inspection.permutation_importance`.
"""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance

from python_models.clustering import columns as c
from python_models.clustering.features import check_features
from python_models.personas import columns as p
from python_models.personas.config import PersonaConfig
from python_models.personas.sampling import Split, split_customers
from python_models.personas.scores import discrimination, lower_bound

# Results change with this, and only with this, for the same input and configuration.
CODE_VERSION: Final = "1"

DISTINGUISHABLE: Final = "distinguishable"
ONE_CLUSTER: Final = "one_cluster"
TOO_FEW_CUSTOMERS: Final = "too_few_customers"
INDISTINGUISHABLE: Final = "indistinguishable"

_FEWEST_CLUSTERS: Final = 2


@dataclass(frozen=True)
class Recognition:
    """How well one cluster's customers are recognised.

    Attributes
    ----------
    cluster_number : int
        The cluster.
    n_customers, n_held_out_customers : int
        Its customers, and those of them that judged.
    recall_rate : float or None
        Share of its held-out customers that the forest puts into it.
    balanced_accuracy_rate, balanced_accuracy_lower_rate : float or None
        Mean of the share of members and of the share of others that are told right, and
        its lower confidence bound; 0.5 is chance.
    discrimination_score : float or None
        Mean probability of being in it among members less that among others, -1 to 1.
    is_distinguishable : bool
        Whether importances are given.
    reason : str
        Why, in words.
    """

    cluster_number: int
    n_customers: int
    n_held_out_customers: int
    recall_rate: float | None
    balanced_accuracy_rate: float | None
    balanced_accuracy_lower_rate: float | None
    discrimination_score: float | None
    is_distinguishable: bool
    reason: str


@dataclass(frozen=True)
class Importance:
    """What one feature does for recognising one cluster.

    Attributes
    ----------
    cluster_number : int
        The cluster.
    feature_name : str
        Column of `customer_features`.
    importance_score : float
        Mean fall of the discrimination score when the feature is shuffled.
    importance_deviation : float
        Standard deviation of that fall from shuffle to shuffle.
    """

    cluster_number: int
    feature_name: str
    importance_score: float
    importance_deviation: float


@dataclass(frozen=True)
class PersonaClassifier:
    """What a forest found out about the clusters of one model at one date.

    Attributes
    ----------
    model_id : str
        The clustering model.
    as_of_date : datetime.date
        The date whose features and clusters were learned from.
    n_clusters, n_customers : int
        Clusters with customers, and all their customers.
    n_trained_customers, n_held_out_customers : int
        Customers learned from, and customers that judged.
    accuracy_rate : float or None
        Share of all customers that the forest would put right, by its held-out rates.
    majority_rate : float or None
        What always saying the largest cluster would have got; None without customers.
    balanced_accuracy_rate, balanced_accuracy_lower_rate : float or None
        Mean share that is put right over clusters that can be judged, and its lower
        confidence bound.
    chance_rate : float or None
        What guessing would have got of that.
    outcome_code : str
        `distinguishable`, `one_cluster`, `too_few_customers` or `indistinguishable`.
    outcome : str
        The outcome and its reason in words.
    random_state : int
        Seed.
    code_version : str
        Version of this code.
    recognitions : tuple of Recognition
        One per cluster, by number.
    importances : tuple of Importance
        One per distinguishable cluster and feature.
    """

    model_id: str
    as_of_date: date
    n_clusters: int
    n_customers: int
    n_trained_customers: int
    n_held_out_customers: int
    accuracy_rate: float | None
    majority_rate: float | None
    balanced_accuracy_rate: float | None
    balanced_accuracy_lower_rate: float | None
    chance_rate: float | None
    outcome_code: str
    outcome: str
    random_state: int
    code_version: str
    recognitions: tuple[Recognition, ...]
    importances: tuple[Importance, ...]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the rows of the persona tables in schema `python`.

        Returns
        -------
        dict of str to pandas.DataFrame
            One frame per table of `columns.TABLES`.
        """
        header: dict[str, object] = {
            c.MODEL_ID: self.model_id,
            c.AS_OF_DATE: pd.Timestamp(self.as_of_date),
        }
        own = {
            name: header.get(name, getattr(self, name))
            for name in p.TABLES[p.PERSONA_CLASSIFIERS]
        }
        return {
            p.PERSONA_CLASSIFIERS: p.conform(p.PERSONA_CLASSIFIERS, [own]),
            p.PERSONA_RECOGNITIONS: p.conform(
                p.PERSONA_RECOGNITIONS,
                [header | asdict(found) for found in self.recognitions],
            ),
            p.PERSONA_IMPORTANCES: p.conform(
                p.PERSONA_IMPORTANCES,
                [header | asdict(found) for found in self.importances],
            ),
        }


@dataclass(frozen=True, eq=False)
class _Sample:
    """Clustered customers, those of them who teach, and those who judge.

    Arrays of clusters are in the order of `numbers`; `n_held_out` counts the customers
    who judge by cluster, and `judged` tells where they are enough.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.int64]
    split: Split
    numbers: NDArray[np.int64]
    sizes: NDArray[np.int64]
    n_held_out: NDArray[np.int64]
    judged: NDArray[np.bool_]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each cluster's share of all customers."""
        return np.asarray(self.sizes / max(1, self.sizes.sum()))


@dataclass(frozen=True, eq=False)
class _Trial:
    """What the forest said of held-out customers.

    `hits` counts them by their own cluster (row) and the one they were put into
    (column); `scores` are the discrimination scores of the clusters.
    """

    sample: _Sample
    hits: NDArray[np.float64]
    scores: NDArray[np.float64]
    confidence: float

    @property
    def weights(self) -> NDArray[np.float64]:
        """Shares of the clusters that have held-out customers."""
        return np.where(self.sample.n_held_out > 0, self.sample.shares, 0.0)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of each cluster's held-out customers that was put into it."""
        return self._rates(np.diag(self.hits))

    @property
    def chance(self) -> float:
        """What guessing gets: it can't favour all judged clusters at once."""
        return float(1 / self.sample.judged.sum())

    def accuracy(self) -> float:
        """Share of customers put right, among those of clusters with held-out ones."""
        return float(self.weights @ self.recall / self.weights.sum())

    def balanced_accuracy(self) -> tuple[float, float]:
        """Mean share put right over the judged clusters, and its lower bound."""
        return self._bounded(
            self.sample.judged / self.sample.judged.sum(), np.diag(self.hits)
        )

    def one_against_rest(self, position: int) -> tuple[float, float]:
        """Balanced accuracy of "in this cluster or not", and its lower bound."""
        others = self.weights
        others[position] = 0.0
        coefficients = others / others.sum() / 2
        coefficients[position] = 0.5
        right = self.sample.n_held_out - self.hits[:, position]
        right[position] = self.hits[position, position]
        return self._bounded(coefficients, right)

    def _rates(self, right: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(right / np.maximum(self.sample.n_held_out, 1))

    def _bounded(
        self, coefficients: NDArray[np.float64], right: NDArray[np.float64]
    ) -> tuple[float, float]:
        bound = lower_bound(
            coefficients,
            right,
            self.sample.n_held_out.astype(float),
            confidence=self.confidence,
        )
        return float(coefficients @ self._rates(right)), bound


def tell_clusters_apart(
    features: pd.DataFrame,
    clusters: pd.DataFrame,
    *,
    model_id: str,
    as_of_date: date,
    config: PersonaConfig,
) -> PersonaClassifier:
    """Find out how well, and by what, clusters can be told apart.

    A forest learns from a stratified sample and is judged by customers of it that it
    has not seen. It is silent, without importances, when there is one cluster, when
    fewer than two clusters have `min_held_out` held-out customers, or when the lower
    confidence bound of its balanced accuracy is not above chance; and about a single
    cluster when that has too few, or when the bound of its own balanced accuracy
    against all others is not above one half.

    Parameters
    ----------
    features : pandas.DataFrame, shape (customers, columns)
        `customer_features`: `customer_id` and the features of the configuration, in
        their own units; any row order, any further columns.
    clusters : pandas.DataFrame, shape (customers, columns)
        `customer_id` and `cluster_number` of the same customers.
    model_id : str
        The clustering model.
    as_of_date : datetime.date
        The date that both describe.
    config : PersonaConfig
        What to do.

    Returns
    -------
    PersonaClassifier
        The same for the same rows in any order; one thread.

    Raises
    ------
    TypeError
        When `as_of_date` is no plain date.
    ValueError
        For bad features (see `check_features`), or clusters that are missing, repeated
        or of other customers; it names the count.
    """
    checked = check_features(features, config.features, as_of_date=as_of_date)
    labels = _labels(clusters, checked.customer_ids)
    sample = _draw(checked.raw.to_numpy(), labels, config)
    trial: _Trial | None = None
    balanced = lower = None
    n_clusters, n_judged = len(sample.numbers), int(sample.judged.sum())
    if n_clusters < _FEWEST_CLUSTERS:
        code = ONE_CLUSTER
        what = "one cluster" if n_clusters else "no cluster"
        outcome = f"{what}: there is nothing to tell apart"
    elif n_judged < _FEWEST_CLUSTERS:
        code = TOO_FEW_CUSTOMERS
        outcome = (
            f"{n_judged} of {n_clusters} clusters have the {config.min_held_out} "
            f"held-out customers that it takes to judge one; {_FEWEST_CLUSTERS} must"
        )
    else:
        forest = _fit(sample, config)
        trial = _try(forest, sample, config)
        balanced, lower = trial.balanced_accuracy()
        is_above_chance = lower > trial.chance
        code = DISTINGUISHABLE if is_above_chance else INDISTINGUISHABLE
        verb = "can" if is_above_chance else "can't"
        outcome = (
            f"clusters {verb} be told apart: "
            f"balanced accuracy {balanced:.3f} on {sample.n_held_out.sum()} held-out "
            f"customers, lower bound {lower:.3f}, chance {trial.chance:.3f}"
        )
    recognitions = tuple(
        _recognise(position, sample, trial, code, outcome)
        for position in range(n_clusters)
    )
    importances: tuple[Importance, ...] = ()
    if any(found.is_distinguishable for found in recognitions):
        importances = _importances(forest, sample, recognitions, config)
    return PersonaClassifier(
        model_id=model_id,
        as_of_date=as_of_date,
        n_clusters=n_clusters,
        n_customers=len(labels),
        n_trained_customers=len(sample.split.trained) if trial else 0,
        n_held_out_customers=len(sample.split.held_out) if trial else 0,
        accuracy_rate=trial.accuracy() if trial else None,
        majority_rate=float(sample.shares.max()) if n_clusters else None,
        balanced_accuracy_rate=balanced,
        balanced_accuracy_lower_rate=lower,
        chance_rate=trial.chance if trial else None,
        outcome_code=code,
        outcome=outcome,
        random_state=config.random_state,
        code_version=CODE_VERSION,
        recognitions=recognitions,
        importances=importances,
    )


def _labels(
    clusters: pd.DataFrame, customer_ids: NDArray[np.str_]
) -> NDArray[np.int64]:
    """Give each of the sorted customers their cluster, or say what is wrong."""
    missing = [
        name for name in (c.CUSTOMER_ID, c.CLUSTER_NUMBER) if name not in clusters
    ]
    if missing:
        message = f"clusters lack {len(missing)} column(s): {', '.join(missing)}"
        raise ValueError(message)
    numbers = clusters[c.CLUSTER_NUMBER]
    if n_without := int(numbers.isna().sum()):
        message = f"{c.CLUSTER_NUMBER}: {n_without} missing value(s)"
        raise ValueError(message)
    ids = clusters[c.CUSTOMER_ID].astype(str)
    if n_repeated := int(ids.duplicated().sum()):
        message = f"clusters: {n_repeated} repeated customer(s)"
        raise ValueError(message)
    known = set(customer_ids.tolist())
    n_unclustered = len(known.difference(ids))
    n_without_features = len(set(ids).difference(known))
    if n_unclustered or n_without_features:
        message = (
            f"{n_unclustered} customer(s) with features have no cluster, and "
            f"{n_without_features} with a cluster no features"
        )
        raise ValueError(message)
    order = np.argsort(ids.to_numpy(dtype=np.str_), kind="stable")
    return numbers.to_numpy(dtype=np.int64)[order]


def _draw(
    points: NDArray[np.float64], labels: NDArray[np.int64], config: PersonaConfig
) -> _Sample:
    numbers, sizes = np.unique(labels, return_counts=True)
    split = split_customers(labels, config=config)
    n_held_out = np.array(
        [np.count_nonzero(labels[split.held_out] == number) for number in numbers],
        dtype=np.int64,
    )
    return _Sample(
        points=points,
        labels=labels,
        split=split,
        numbers=numbers,
        sizes=sizes,
        n_held_out=n_held_out,
        judged=n_held_out >= config.min_held_out,
    )


def _fit(sample: _Sample, config: PersonaConfig) -> RandomForestClassifier:
    forest = RandomForestClassifier(
        n_estimators=config.n_trees,
        max_features=min(config.n_split_features, len(config.features)),
        min_samples_leaf=config.min_leaf_customers,
        # A small cluster counts as much as a large one.
        class_weight="balanced_subsample",
        n_jobs=1,
        random_state=config.random_state,
    )
    taught = sample.split.trained
    return forest.fit(sample.points[taught], sample.labels[taught])


def _try(
    forest: RandomForestClassifier, sample: _Sample, config: PersonaConfig
) -> _Trial:
    """Let the forest say where held-out customers belong."""
    judges = sample.split.held_out
    # Every cluster keeps somebody to learn from, so the forest knows all of them.
    rows = np.searchsorted(sample.numbers, sample.labels[judges])
    probabilities = forest.predict_proba(sample.points[judges])
    n_clusters = len(sample.numbers)
    hits = np.zeros((n_clusters, n_clusters))
    np.add.at(hits, (rows, probabilities.argmax(axis=1)), 1)
    return _Trial(
        sample=sample,
        hits=hits,
        scores=discrimination(probabilities, rows, sample.shares),
        confidence=config.confidence,
    )


def _recognise(
    position: int, sample: _Sample, trial: _Trial | None, code: str, outcome: str
) -> Recognition:
    """Say how well one cluster is recognised, or why that isn't said."""
    recall = balanced = lower = score = None
    n_held_out = int(sample.n_held_out[position])
    is_distinguishable = False
    if trial is None:
        reason = outcome
    elif not sample.judged[position]:
        reason = f"{n_held_out} held-out customers are too few to judge by"
    else:
        recall = float(trial.recall[position])
        balanced, lower = trial.one_against_rest(position)
        score = float(trial.scores[position])
        is_distinguishable = code == DISTINGUISHABLE and lower > 1 / 2
        reason = (
            f"{recall:.0%} of {n_held_out} held-out customers recognised; balanced "
            f"accuracy against all others {balanced:.3f}, lower bound {lower:.3f}, "
            "chance 0.500"
        )
        if code == INDISTINGUISHABLE:
            reason = f"{outcome}; {reason}"
    return Recognition(
        cluster_number=int(sample.numbers[position]),
        n_customers=int(sample.sizes[position]),
        n_held_out_customers=n_held_out,
        recall_rate=recall,
        balanced_accuracy_rate=balanced,
        balanced_accuracy_lower_rate=lower,
        discrimination_score=score,
        is_distinguishable=is_distinguishable,
        reason=reason,
    )


def _importances(
    forest: RandomForestClassifier,
    sample: _Sample,
    recognitions: tuple[Recognition, ...],
    config: PersonaConfig,
) -> tuple[Importance, ...]:
    """Shuffle one feature after the other, and see what each cluster loses."""
    told = [
        (position, found.cluster_number)
        for position, found in enumerate(recognitions)
        if found.is_distinguishable
    ]

    def scores(
        estimator: RandomForestClassifier,
        points: NDArray[np.float64],
        truth: NDArray[np.int64],
    ) -> dict[str, float]:
        found = discrimination(
            estimator.predict_proba(points),
            np.searchsorted(sample.numbers, truth),
            sample.shares,
        )
        # One pass of the forest serves every cluster.
        return {str(number): float(found[position]) for position, number in told}

    judges = sample.split.held_out
    falls: dict[str, Any] = permutation_importance(
        forest,
        sample.points[judges],
        sample.labels[judges],
        scoring=scores,
        n_repeats=config.n_repeats,
        n_jobs=1,
        random_state=config.random_state,
    )
    return tuple(
        Importance(
            cluster_number=number,
            feature_name=name,
            importance_score=float(falls[str(number)].importances_mean[column]),
            importance_deviation=float(falls[str(number)].importances_std[column]),
        )
        for _, number in told
        for column, name in enumerate(config.features)
    )
