"""The result of a fit: a frozen model, and its rows in schema `python`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.clustering import columns as c
from python_models.clustering.choosing import ClusterCandidate
from python_models.clustering.config import KMEANS, STANDARD, Algorithm, Scaler
from python_models.clustering.drift import FeatureBin
from python_models.clustering.parts import REQUESTED, Cluster, ClusterChange
from python_models.clustering.preprocessing import ModelFeature
from python_models.clustering.reading import (
    highest_number,
    known,
    model_row,
    read_bins,
    read_candidates,
    read_changes,
    read_clusters,
    read_features,
    score,
)


@dataclass(frozen=True)
class ClusterModel:
    """A fitted clustering, all that is needed to assign, align, name and draw.

    Attributes
    ----------
    model_id : str
        16 hexadecimal digits, a function of all that the model was made from.
    as_of_date : datetime.date
        The date whose features it was fitted on.
    n_customers : int
        Customers it was fitted on.
    n_sampled_customers : int
        How many of them the number of clusters was chosen on.
    silhouette_score : float or None
        Mean silhouette of the chosen candidate; of the best one when none separates;
        None without candidates.
    stability_score : float or None
        How far fits on other samples agree with this one (`stability`), 1 for wholly;
        None for one cluster.
    inertia : float
        Sum of squared distances to the nearest centroid, in scaled units.
    outcome_code : str
        `separated`, `too_few_customers`, `no_variation` or `no_separation`.
    outcome : str
        The same in words, with the numbers that decided.
    random_state : int
        Seed of every random draw.
    code_version : str
        Version of the technique.
    previous_model_id : str or None
        The model that labels were aligned to.
    features : tuple of ModelFeature
        By name.
    clusters : tuple of Cluster
        By number.
    candidates : tuple of ClusterCandidate
        By number of clusters.
    highest_cluster_number : int
        Highest number in use up to this model, vanished clusters included.
    algorithm : {"kmeans", "ward"}
        How the centroids were found.
    scaler : {"standard", "min_max", "robust"}
        What centred and scaled the features.
    refit_reason : str
        Why it was fitted: `missing`, `monthly`, `drift` or `requested`.
    is_promoted : bool
        Whether it assigns customers; otherwise the previous model goes on.
    promotion_reason : str
        Why, or why not.
    frozen_silhouette_score, frozen_stability_score : float or None
        The previous model's on the customers that this one was fitted on; None where
        they weren't measured.
    changes : tuple of ClusterChange
        By number; none without a previous model.
    bins : tuple of FeatureBin
        What drift is measured by; none without customers.
    """

    model_id: str
    as_of_date: date
    n_customers: int
    n_sampled_customers: int
    silhouette_score: float | None
    stability_score: float | None
    inertia: float
    outcome_code: str
    outcome: str
    random_state: int
    code_version: str
    previous_model_id: str | None
    features: tuple[ModelFeature, ...]
    clusters: tuple[Cluster, ...]
    candidates: tuple[ClusterCandidate, ...]
    highest_cluster_number: int
    algorithm: Algorithm = KMEANS
    scaler: Scaler = STANDARD
    refit_reason: str = REQUESTED
    is_promoted: bool = True
    promotion_reason: str = ""
    frozen_silhouette_score: float | None = None
    frozen_stability_score: float | None = None
    changes: tuple[ClusterChange, ...] = ()
    bins: tuple[FeatureBin, ...] = ()

    @property
    def n_clusters(self) -> int:
        """Number of clusters, 1 or more."""
        return len(self.clusters)

    @property
    def used_features(self) -> tuple[ModelFeature, ...]:
        """Features that vary, by name: the axes of the centroids."""
        return tuple(feature for feature in self.features if feature.is_used)

    @property
    def centroids(self) -> NDArray[np.float64]:
        """Centroids in scaled units, shape (clusters, used features)."""
        return np.array(
            [cluster.centroid for cluster in self.clusters],
            dtype=np.float64,
        ).reshape(self.n_clusters, len(self.used_features))

    def frames(self) -> dict[str, pd.DataFrame]:
        """Write the model as rows of the tables that describe it.

        Returns
        -------
        dict of str to pandas.DataFrame
            By table: `cluster_models` (1 row), `cluster_candidates`,
            `cluster_model_features`, `cluster_centroids` (clusters x used features),
            `clusters`, `cluster_changes` and `cluster_feature_bins`, each with the
            columns, order and types of its contract.
        """
        axes = self.used_features
        return {
            c.CLUSTER_MODELS: c.conform(
                c.CLUSTER_MODELS,
                {
                    c.MODEL_ID: [self.model_id],
                    c.AS_OF_DATE: [self.as_of_date],
                    c.ALGORITHM: [self.algorithm],
                    c.N_CLUSTERS: [self.n_clusters],
                    c.N_CUSTOMERS: [self.n_customers],
                    c.N_SAMPLED_CUSTOMERS: [self.n_sampled_customers],
                    c.SILHOUETTE_SCORE: [self.silhouette_score],
                    c.STABILITY_SCORE: [self.stability_score],
                    c.INERTIA: [self.inertia],
                    c.OUTCOME_CODE: [self.outcome_code],
                    c.OUTCOME: [self.outcome],
                    c.RANDOM_STATE: [self.random_state],
                    c.CODE_VERSION: [self.code_version],
                    c.PREVIOUS_MODEL_ID: [self.previous_model_id],
                    c.SCALER: [self.scaler],
                    c.REFIT_REASON: [self.refit_reason],
                    c.IS_PROMOTED: [self.is_promoted],
                    c.PROMOTION_REASON: [self.promotion_reason],
                    c.FROZEN_SILHOUETTE_SCORE: [self.frozen_silhouette_score],
                    c.FROZEN_STABILITY_SCORE: [self.frozen_stability_score],
                },
            ),
            c.CLUSTER_CANDIDATES: c.conform(
                c.CLUSTER_CANDIDATES,
                {
                    c.MODEL_ID: [self.model_id] * len(self.candidates),
                    c.N_CLUSTERS: [tried.n_clusters for tried in self.candidates],
                    c.SILHOUETTE_SCORE: [
                        tried.silhouette_score for tried in self.candidates
                    ],
                    c.INERTIA: [tried.inertia for tried in self.candidates],
                    c.IS_ELBOW: [tried.is_elbow for tried in self.candidates],
                    c.IS_CHOSEN: [tried.is_chosen for tried in self.candidates],
                    c.ALGORITHM: [tried.algorithm for tried in self.candidates],
                    c.STABILITY_SCORE: [
                        tried.stability_score for tried in self.candidates
                    ],
                    c.GAP_SCORE: [
                        None if tried.gap is None else tried.gap.gap
                        for tried in self.candidates
                    ],
                    c.NEEDED_GAP_SCORE: [
                        None if tried.gap is None else tried.gap.needed
                        for tried in self.candidates
                    ],
                    c.DECISION: [tried.decision for tried in self.candidates],
                },
            ),
            c.CLUSTER_MODEL_FEATURES: c.conform(
                c.CLUSTER_MODEL_FEATURES,
                {
                    c.MODEL_ID: [self.model_id] * len(self.features),
                    c.FEATURE_NAME: [feature.name for feature in self.features],
                    c.TRANSFORM: [feature.transform for feature in self.features],
                    c.CENTER: [feature.center for feature in self.features],
                    c.SCALE: [feature.scale for feature in self.features],
                    c.IS_USED: [feature.is_used for feature in self.features],
                    c.LOWER_QUANTILE_RATE: [
                        _end(feature.winsorize, 0) for feature in self.features
                    ],
                    c.UPPER_QUANTILE_RATE: [
                        _end(feature.winsorize, 1) for feature in self.features
                    ],
                    c.LOWER_BOUND: [
                        _end(feature.bounds, 0) for feature in self.features
                    ],
                    c.UPPER_BOUND: [
                        _end(feature.bounds, 1) for feature in self.features
                    ],
                    c.MEAN: [feature.mean for feature in self.features],
                    c.STANDARD_DEVIATION: [
                        feature.standard_deviation for feature in self.features
                    ],
                },
            ),
            c.CLUSTER_CENTROIDS: c.conform(
                c.CLUSTER_CENTROIDS,
                {
                    c.MODEL_ID: [self.model_id] * self.n_clusters * len(axes),
                    c.CLUSTER_NUMBER: [
                        cluster.number for cluster in self.clusters for _ in axes
                    ],
                    c.FEATURE_NAME: [axis.name for _ in self.clusters for axis in axes],
                    c.CENTROID_VALUE: [
                        value for cluster in self.clusters for value in cluster.centroid
                    ],
                },
            ),
            c.CLUSTERS: c.conform(
                c.CLUSTERS,
                {
                    c.MODEL_ID: [self.model_id] * self.n_clusters,
                    c.CLUSTER_NUMBER: [cluster.number for cluster in self.clusters],
                    c.WORKING_NAME: [cluster.working_name for cluster in self.clusters],
                    c.N_CUSTOMERS: [cluster.n_customers for cluster in self.clusters],
                    c.IS_NEW: [cluster.is_new for cluster in self.clusters],
                },
            ),
            c.CLUSTER_CHANGES: c.conform(
                c.CLUSTER_CHANGES,
                {
                    c.MODEL_ID: [self.model_id] * len(self.changes),
                    c.PREVIOUS_MODEL_ID: [self.previous_model_id] * len(self.changes),
                    c.CLUSTER_NUMBER: [each.number for each in self.changes],
                    c.CHANGE_CODE: [each.change_code for each in self.changes],
                    c.N_CUSTOMERS: [each.n_customers for each in self.changes],
                    c.N_PREVIOUS_CUSTOMERS: [
                        each.n_previous_customers for each in self.changes
                    ],
                    c.N_SHARED_CUSTOMERS: [
                        each.n_shared_customers for each in self.changes
                    ],
                    c.OVERLAP_RATE: [each.overlap_rate for each in self.changes],
                    c.MATCH_DISTANCE: [each.match_distance for each in self.changes],
                    c.RELATED_CLUSTER_NUMBER: [
                        each.related_number for each in self.changes
                    ],
                },
            ),
            c.CLUSTER_FEATURE_BINS: c.conform(
                c.CLUSTER_FEATURE_BINS,
                {
                    c.MODEL_ID: [self.model_id] * len(self.bins),
                    c.FEATURE_NAME: [each.feature for each in self.bins],
                    c.BIN_NUMBER: [each.number for each in self.bins],
                    c.UPPER_BOUND: [each.upper_bound for each in self.bins],
                    c.N_CUSTOMERS: [each.n_customers for each in self.bins],
                },
            ),
        }

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[str, pd.DataFrame],
        *,
        model_id: str | None = None,
    ) -> Self:
        """Rebuild a model from its rows.

        Parameters
        ----------
        frames : mapping of str to pandas.DataFrame
            By table, as `frames` gives them, in any row order, and rows of any other
            models too. Give all rows of `cluster_models` and `clusters` when a next
            model will be aligned to this one: numbers that were in use up to this
            model's date are read from them and never used again. Without
            `cluster_candidates` the model has none.
        model_id : str, optional
            The model to rebuild; not needed where `cluster_models` has one row.

        Returns
        -------
        ClusterModel
            Equal to the model that was written, but for the gaps' errors.

        Raises
        ------
        ValueError
            When a table is missing, or the model or one of its centroids.
        """
        needed = (
            c.CLUSTER_MODELS,
            c.CLUSTER_MODEL_FEATURES,
            c.CLUSTER_CENTROIDS,
            c.CLUSTERS,
        )
        missing = [table for table in needed if table not in frames]
        if missing:
            message = f"frames lack {', '.join(missing)}"
            raise ValueError(message)
        row = model_row(frames[c.CLUSTER_MODELS], model_id)
        model_id = str(row[c.MODEL_ID])
        features = read_features(frames[c.CLUSTER_MODEL_FEATURES], model_id)
        clusters = read_clusters(frames, model_id, features)
        if len(clusters) != int(row[c.N_CLUSTERS]):
            message = (
                f"model {model_id} has {int(row[c.N_CLUSTERS])} cluster(s), "
                f"{c.CLUSTERS} has {len(clusters)}"
            )
            raise ValueError(message)
        n_customers = int(row[c.N_CUSTOMERS])
        n_sampled = row[c.N_SAMPLED_CUSTOMERS]
        previous = row[c.PREVIOUS_MODEL_ID]
        return cls(
            model_id=model_id,
            as_of_date=pd.Timestamp(row[c.AS_OF_DATE]).date(),
            n_customers=n_customers,
            # Models of before there was a sample don't have the column's value.
            n_sampled_customers=n_customers if pd.isna(n_sampled) else int(n_sampled),
            silhouette_score=score(row[c.SILHOUETTE_SCORE]),
            stability_score=score(row[c.STABILITY_SCORE]),
            inertia=float(row[c.INERTIA]),
            outcome_code=str(row[c.OUTCOME_CODE]),
            outcome=str(row[c.OUTCOME]),
            random_state=int(row[c.RANDOM_STATE]),
            code_version=str(row[c.CODE_VERSION]),
            previous_model_id=None if pd.isna(previous) else str(previous),
            features=features,
            clusters=clusters,
            candidates=read_candidates(frames.get(c.CLUSTER_CANDIDATES), model_id),
            highest_cluster_number=highest_number(frames, row),
            algorithm=row[c.ALGORITHM],
            scaler=known(row, c.SCALER, STANDARD),
            refit_reason=known(row, c.REFIT_REASON, REQUESTED),
            is_promoted=bool(known(row, c.IS_PROMOTED, otherwise=True)),
            promotion_reason=known(row, c.PROMOTION_REASON, ""),
            frozen_silhouette_score=score(known(row, c.FROZEN_SILHOUETTE_SCORE)),
            frozen_stability_score=score(known(row, c.FROZEN_STABILITY_SCORE)),
            changes=read_changes(frames.get(c.CLUSTER_CHANGES), model_id),
            bins=read_bins(frames.get(c.CLUSTER_FEATURE_BINS), model_id),
        )


def _end(pair: tuple[float, float] | None, position: int) -> float | None:
    return None if pair is None else pair[position]
