"""The result of a fit: a frozen model, and its rows in schema `python`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.clustering import columns as c
from python_models.clustering.config import Transform
from python_models.clustering.references import Gap

KMEANS: Final = "kmeans"

SEPARATED: Final = "separated"
TOO_FEW_CUSTOMERS: Final = "too_few_customers"
NO_VARIATION: Final = "no_variation"
NO_SEPARATION: Final = "no_separation"


@dataclass(frozen=True)
class ModelFeature:
    """One feature as the model knows it.

    Attributes
    ----------
    name : str
        Column of `customer_features`.
    transform : {"identity", "log1p"}
        What is done before scaling.
    center, scale : float
        Subtracted, then divided by, after the transform.
    is_used : bool
        False when the feature didn't vary and was dropped.
    """

    name: str
    transform: Transform
    center: float
    scale: float
    is_used: bool


@dataclass(frozen=True)
class Cluster:
    """One cluster.

    Attributes
    ----------
    number : int
        Label from 1, kept from model to model.
    working_name : str
        What sets it apart, unique within the model.
    n_customers : int
        Customers in it when the model was fitted.
    is_new : bool
        Whether the previous model had no such cluster.
    centroid : tuple of float
        Coordinates in scaled units, one per used feature.
    """

    number: int
    working_name: str
    n_customers: int
    is_new: bool
    centroid: tuple[float, ...]


@dataclass(frozen=True)
class ClusterCandidate:
    """One number of clusters that was tried.

    Attributes
    ----------
    n_clusters : int
        The number.
    silhouette_score : float
        Mean silhouette, -1 to 1.
    inertia : float
        Sum of squared distances to the nearest centroid, in scaled units; of a sample's
        customers, scaled up to all, where the candidate was fitted on a sample only.
    is_elbow, is_chosen : bool
        Whether inertia bends most here; whether the model uses this number.
    gap : Gap or None
        Comparison with the reference sets, where one was needed; not kept in a table.
    """

    n_clusters: int
    silhouette_score: float
    inertia: float
    is_elbow: bool
    is_chosen: bool
    gap: Gap | None = field(default=None, compare=False)


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
    algorithm : str
        `kmeans`.
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
    algorithm: str = KMEANS

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
            `cluster_model_features`, `cluster_centroids` (clusters x used features) and
            `clusters`, each with the columns, order and types of its contract.
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
            Equal to the model that was written, but for the candidates' gaps.

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
        row = _model_row(frames[c.CLUSTER_MODELS], model_id)
        model_id = str(row[c.MODEL_ID])
        features = tuple(
            ModelFeature(
                name=str(record[c.FEATURE_NAME]),
                transform=record[c.TRANSFORM],
                center=float(record[c.CENTER]),
                scale=float(record[c.SCALE]),
                is_used=bool(record[c.IS_USED]),
            )
            for record in _records(
                frames[c.CLUSTER_MODEL_FEATURES],
                model_id,
                c.FEATURE_NAME,
            )
        )
        clusters = _read_clusters(frames, model_id, features)
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
            silhouette_score=_score(row[c.SILHOUETTE_SCORE]),
            stability_score=_score(row[c.STABILITY_SCORE]),
            inertia=float(row[c.INERTIA]),
            outcome_code=str(row[c.OUTCOME_CODE]),
            outcome=str(row[c.OUTCOME]),
            random_state=int(row[c.RANDOM_STATE]),
            code_version=str(row[c.CODE_VERSION]),
            previous_model_id=None if pd.isna(previous) else str(previous),
            features=features,
            clusters=clusters,
            candidates=_read_candidates(frames.get(c.CLUSTER_CANDIDATES), model_id),
            highest_cluster_number=_highest_number(frames, row),
            algorithm=str(row[c.ALGORITHM]),
        )


def _score(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _model_row(models: pd.DataFrame, model_id: str | None) -> dict[str, Any]:
    if model_id is None and len(models) != 1:
        message = f"{c.CLUSTER_MODELS} has {len(models)} rows; name a model_id"
        raise ValueError(message)
    rows = models if model_id is None else models[models[c.MODEL_ID] == model_id]
    if len(rows) != 1:
        message = f"{c.CLUSTER_MODELS} has {len(rows)} rows for model {model_id}"
        raise ValueError(message)
    return {str(name): value for name, value in rows.iloc[0].items()}


def _records(frame: pd.DataFrame, model_id: str, by: str) -> list[dict[str, Any]]:
    rows = frame[frame[c.MODEL_ID] == model_id].sort_values(by)
    return [
        {str(name): value for name, value in record.items()}
        for record in rows.to_dict(orient="records")
    ]


def _read_clusters(
    frames: Mapping[str, pd.DataFrame],
    model_id: str,
    features: tuple[ModelFeature, ...],
) -> tuple[Cluster, ...]:
    coordinates = {
        (int(record[c.CLUSTER_NUMBER]), str(record[c.FEATURE_NAME])): float(
            record[c.CENTROID_VALUE],
        )
        for record in _records(
            frames[c.CLUSTER_CENTROIDS],
            model_id,
            c.CLUSTER_NUMBER,
        )
    }
    axes = [feature.name for feature in features if feature.is_used]
    clusters = []
    for record in _records(frames[c.CLUSTERS], model_id, c.CLUSTER_NUMBER):
        number = int(record[c.CLUSTER_NUMBER])
        lacking = [axis for axis in axes if (number, axis) not in coordinates]
        if lacking:
            message = (
                f"{c.CLUSTER_CENTROIDS}: model {model_id}, cluster {number} lacks "
                f"{', '.join(lacking)}"
            )
            raise ValueError(message)
        clusters.append(
            Cluster(
                number=number,
                working_name=str(record[c.WORKING_NAME]),
                n_customers=int(record[c.N_CUSTOMERS]),
                is_new=bool(record[c.IS_NEW]),
                centroid=tuple(coordinates[number, axis] for axis in axes),
            ),
        )
    return tuple(clusters)


def _read_candidates(
    frame: pd.DataFrame | None,
    model_id: str,
) -> tuple[ClusterCandidate, ...]:
    if frame is None:
        return ()
    return tuple(
        ClusterCandidate(
            n_clusters=int(record[c.N_CLUSTERS]),
            silhouette_score=float(record[c.SILHOUETTE_SCORE]),
            inertia=float(record[c.INERTIA]),
            is_elbow=bool(record[c.IS_ELBOW]),
            is_chosen=bool(record[c.IS_CHOSEN]),
        )
        for record in _records(frame, model_id, c.N_CLUSTERS)
    )


def _highest_number(
    frames: Mapping[str, pd.DataFrame],
    row: Mapping[str, Any],
) -> int:
    """Find the highest number up to the model's date, so that a replay agrees."""
    models = frames[c.CLUSTER_MODELS]
    is_earlier = pd.to_datetime(models[c.AS_OF_DATE]) < pd.Timestamp(row[c.AS_OF_DATE])
    ids = {row[c.MODEL_ID], *models.loc[is_earlier, c.MODEL_ID]}
    clusters = frames[c.CLUSTERS]
    return int(clusters.loc[clusters[c.MODEL_ID].isin(ids), c.CLUSTER_NUMBER].max())
