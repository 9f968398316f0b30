"""From raw features to scaled units: clip, transform, centre, scale.

What is learned here (bounds, centres, scales) is frozen in the model and written to
`cluster_model_features`; the warehouse does the same arithmetic in the same order
(`orchestration.assignment`), so that it assigns everybody as the model does.

References
----------
Winsorizing: Dixon, W. J. (1960). Simplified estimation from censored normal samples.
Ann. Math. Stat. 31, 385-391. Scalers: scikit-learn's `StandardScaler`, `MinMaxScaler`
and `RobustScaler`, with their defaults.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.clustering.config import (
    LOG1P,
    MIN_MAX,
    ROBUST,
    FeatureSpec,
    Scaler,
    Transform,
)

# Relative to the largest value: less is rounding, not variation.
CONSTANT_TOLERANCE: Final = 1e-9


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
    winsorize : tuple of float, optional
        The quantiles that the bounds were taken at.
    bounds : tuple of float, optional
        Raw values beyond them are taken as the bounds.
    moments : tuple of float, optional
        Everyone's mean and standard deviation after the transform; `center` and `scale`
        where not given, which they are under the standard scaler.
    """

    name: str
    transform: Transform
    center: float
    scale: float
    is_used: bool
    winsorize: tuple[float, float] | None = None
    bounds: tuple[float, float] | None = None
    moments: tuple[float, float] | None = None

    @property
    def mean(self) -> float:
        """Everyone's mean after the transform."""
        return self.center if self.moments is None else self.moments[0]

    @property
    def standard_deviation(self) -> float:
        """Everyone's standard deviation after the transform."""
        return self.scale if self.moments is None else self.moments[1]

    def transformed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Clip and transform raw values.

        Parameters
        ----------
        values : numpy.ndarray, shape (customers,)
            Raw values.

        Returns
        -------
        numpy.ndarray, shape (customers,)
            Values in transformed units.
        """
        if self.bounds is not None:
            values = np.clip(values, *self.bounds)
        if self.transform == LOG1P:
            return np.log1p(np.maximum(values, 0.0))
        return values


def learn_features(
    raw: pd.DataFrame, specs: Sequence[FeatureSpec], scaler: Scaler
) -> tuple[ModelFeature, ...]:
    """Learn each feature's bounds, centre and scale.

    Parameters
    ----------
    raw : pandas.DataFrame, shape (customers, features)
        Raw values.
    specs : sequence of FeatureSpec
        What to do with each.
    scaler : {"standard", "min_max", "robust"}
        How to centre and scale.

    Returns
    -------
    tuple of ModelFeature
        In the order of `specs`. A feature that doesn't vary once clipped is not used;
        its scale is 1, as in scikit-learn. So is that of a feature whose interquartile
        range is 0 under the robust scaler. Without customers the centre is 0.
    """
    return tuple(
        _learn(raw[spec.name].to_numpy(dtype=np.float64), spec, scaler)
        for spec in specs
    )


def _learn(
    values: NDArray[np.float64], spec: FeatureSpec, scaler: Scaler
) -> ModelFeature:
    bounds = None
    if spec.winsorize is not None and values.size:
        lower, upper = np.quantile(values, spec.winsorize).tolist()
        bounds = (lower, upper)
    draft = ModelFeature(
        name=spec.name,
        transform=spec.transform,
        center=0.0,
        scale=1.0,
        is_used=False,
        winsorize=spec.winsorize,
        bounds=bounds,
        moments=(0.0, 1.0),
    )
    column = draft.transformed(values)
    if column.size == 0:
        return draft
    mean, deviation = float(column.mean()), float(column.std())
    if np.ptp(column) <= CONSTANT_TOLERANCE * max(1.0, float(np.abs(column).max())):
        return replace(draft, center=mean, moments=(mean, 1.0))
    center, scale = _center_and_scale(column, scaler)
    return replace(
        draft, center=center, scale=scale, is_used=True, moments=(mean, deviation)
    )


def _center_and_scale(
    column: NDArray[np.float64], scaler: Scaler
) -> tuple[float, float]:
    if scaler == MIN_MAX:
        return float(column.min()), float(np.ptp(column))
    if scaler == ROBUST:
        lower, center, upper = np.quantile(column, [0.25, 0.5, 0.75]).tolist()
        spread = upper - lower
        largest = max(1.0, float(np.abs(column).max()))
        return center, spread if spread > CONSTANT_TOLERANCE * largest else 1.0
    return float(column.mean()), float(column.std())


def scale_values(
    values: pd.DataFrame,
    features: Sequence[ModelFeature],
) -> NDArray[np.float64]:
    """Put raw values in scaled units.

    Parameters
    ----------
    values : pandas.DataFrame, shape (customers, columns)
        Raw values.
    features : sequence of ModelFeature
        The columns to take, in this order.

    Returns
    -------
    numpy.ndarray, shape (customers, features)
        Clipped, transformed, centred and divided by the scale, in C order.
    """
    scaled = np.empty((len(values), len(features)))
    for position, feature in enumerate(features):
        column = feature.transformed(values[feature.name].to_numpy(dtype=np.float64))
        scaled[:, position] = (column - feature.center) / feature.scale
    return scaled


def standardize(
    centroids: NDArray[np.float64], axes: Sequence[ModelFeature]
) -> NDArray[np.float64]:
    """Tell how far centroids are from everyone's mean, whatever the scaler.

    Parameters
    ----------
    centroids : numpy.ndarray, shape (clusters, axes)
        In scaled units.
    axes : sequence of ModelFeature
        The features of the coordinates.

    Returns
    -------
    numpy.ndarray, shape (clusters, axes)
        In standard deviations of the customers that the model was fitted on.
    """
    if not axes:
        return centroids
    center, scale, mean, deviation = np.array(
        [(axis.center, axis.scale, axis.mean, axis.standard_deviation) for axis in axes]
    ).T
    return np.asarray((centroids * scale + center - mean) / deviation)
