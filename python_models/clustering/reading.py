"""A model's rows, read back; what earlier versions of this code left out is missing.

Each function takes the rows of one table, of all models, and reads those of one.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from python_models.clustering import columns as c
from python_models.clustering.choosing import ClusterCandidate
from python_models.clustering.config import KMEANS
from python_models.clustering.drift import FeatureBin
from python_models.clustering.parts import Cluster, ClusterChange
from python_models.clustering.preprocessing import ModelFeature
from python_models.clustering.references import Gap


def known(row: Mapping[str, Any], name: str, otherwise: Any = None) -> Any:  # noqa: ANN401 - a cell
    """Read a value that models of earlier versions of this code lack."""
    value = row.get(name)
    return otherwise if pd.isna(value) else value


def _pair(
    row: Mapping[str, Any], first: str, second: str
) -> tuple[float, float] | None:
    ends = known(row, first), known(row, second)
    return None if None in ends else (float(ends[0]), float(ends[1]))


def score(value: float | None) -> float | None:
    """Read a number that may be missing."""
    return None if pd.isna(value) else float(value)


def model_row(models: pd.DataFrame, model_id: str | None) -> dict[str, Any]:
    """Find the row of one model, or of the only one."""
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


def read_features(frame: pd.DataFrame, model_id: str) -> tuple[ModelFeature, ...]:
    """Read the features of a model, by name."""
    return tuple(
        ModelFeature(
            name=str(record[c.FEATURE_NAME]),
            transform=record[c.TRANSFORM],
            center=float(record[c.CENTER]),
            scale=float(record[c.SCALE]),
            is_used=bool(record[c.IS_USED]),
            winsorize=_pair(record, c.LOWER_QUANTILE_RATE, c.UPPER_QUANTILE_RATE),
            bounds=_pair(record, c.LOWER_BOUND, c.UPPER_BOUND),
            moments=_pair(record, c.MEAN, c.STANDARD_DEVIATION),
        )
        for record in _records(
            frame,
            model_id,
            c.FEATURE_NAME,
        )
    )


def read_clusters(
    frames: Mapping[str, pd.DataFrame],
    model_id: str,
    features: tuple[ModelFeature, ...],
) -> tuple[Cluster, ...]:
    """Read the clusters of a model with their centroids, by number."""
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


def read_candidates(
    frame: pd.DataFrame | None,
    model_id: str,
) -> tuple[ClusterCandidate, ...]:
    """Read what was tried for a model, by algorithm and number of clusters."""
    if frame is None:
        return ()
    return tuple(
        ClusterCandidate(
            algorithm=known(record, c.ALGORITHM, KMEANS),
            n_clusters=int(record[c.N_CLUSTERS]),
            silhouette_score=float(record[c.SILHOUETTE_SCORE]),
            inertia=float(record[c.INERTIA]),
            stability_score=score(known(record, c.STABILITY_SCORE)),
            is_elbow=bool(record[c.IS_ELBOW]),
            is_chosen=bool(record[c.IS_CHOSEN]),
            gap=_read_gap(record),
            decision=known(record, c.DECISION, ""),
        )
        for record in sorted(
            _records(frame, model_id, c.N_CLUSTERS),
            key=lambda record: (
                known(record, c.ALGORITHM, KMEANS),
                record[c.N_CLUSTERS],
            ),
        )
    )


def _read_gap(record: Mapping[str, Any]) -> Gap | None:
    gap, needed = (
        score(known(record, name)) for name in (c.GAP_SCORE, c.NEEDED_GAP_SCORE)
    )
    if gap is None or needed is None:
        return None
    return Gap(gap=gap, error=float("nan"), needed=needed)


def read_changes(
    frame: pd.DataFrame | None, model_id: str
) -> tuple[ClusterChange, ...]:
    """Read what became of the numbers of the previous model, by number."""
    if frame is None:
        return ()
    return tuple(
        ClusterChange(
            number=int(record[c.CLUSTER_NUMBER]),
            change_code=str(record[c.CHANGE_CODE]),
            n_customers=int(record[c.N_CUSTOMERS]),
            n_previous_customers=int(record[c.N_PREVIOUS_CUSTOMERS]),
            n_shared_customers=int(record[c.N_SHARED_CUSTOMERS]),
            overlap_rate=float(record[c.OVERLAP_RATE]),
            match_distance=score(record[c.MATCH_DISTANCE]),
            related_number=int(record[c.RELATED_CLUSTER_NUMBER]),
        )
        for record in _records(frame, model_id, c.CLUSTER_NUMBER)
    )


def read_bins(frame: pd.DataFrame | None, model_id: str) -> tuple[FeatureBin, ...]:
    """Read what drift is measured by, by feature and number."""
    if frame is None:
        return ()
    return tuple(
        FeatureBin(
            feature=str(record[c.FEATURE_NAME]),
            number=int(record[c.BIN_NUMBER]),
            upper_bound=score(record[c.UPPER_BOUND]),
            n_customers=int(record[c.N_CUSTOMERS]),
        )
        for record in sorted(
            _records(frame, model_id, c.BIN_NUMBER),
            key=lambda record: (record[c.FEATURE_NAME], record[c.BIN_NUMBER]),
        )
    )


def highest_number(
    frames: Mapping[str, pd.DataFrame],
    row: Mapping[str, Any],
) -> int:
    """Find the highest number up to the model's date, so that a replay agrees."""
    models = frames[c.CLUSTER_MODELS]
    is_earlier = pd.to_datetime(models[c.AS_OF_DATE]) < pd.Timestamp(row[c.AS_OF_DATE])
    ids = {row[c.MODEL_ID], *models.loc[is_earlier, c.MODEL_ID]}
    clusters = frames[c.CLUSTERS]
    return int(clusters.loc[clusters[c.MODEL_ID].isin(ids), c.CLUSTER_NUMBER].max())
