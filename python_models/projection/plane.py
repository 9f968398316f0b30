"""The first two principal components of scaled features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.projection import columns as c

_N_AXES: Final = 2
# Of the largest singular value: less is rounding, not variation.
_FLAT: Final = 1e-9


@dataclass(frozen=True)
class PlaneConfig:
    """How points are drawn.

    Attributes
    ----------
    edge_quantile
        Points beyond this quantile of a coordinate, and beyond its counterpart, are put
        onto it: a few far customers would press all others into a corner.
    n_decimals
        Decimals of a coordinate. Two draw the same picture as more, and give nobody's
        features away.
    """

    edge_quantile: float = 0.005
    n_decimals: int = 2

    def __post_init__(self) -> None:
        """Check the settings.

        Raises
        ------
        ValueError
            If the quantile isn't below one half, or decimals are negative.
        """
        if not 0 <= self.edge_quantile < 0.5:  # noqa: PLR2004 - the middle
            message = (
                f"edge_quantile is {self.edge_quantile}; expected 0 or more, below 0.5"
            )
            raise ValueError(message)
        if self.n_decimals < 0:
            message = f"n_decimals is {self.n_decimals}; expected 0 or more"
            raise ValueError(message)


@dataclass(frozen=True)
class Plane:
    """Customers on a plane, without their ids, and what its axes mean.

    Attributes
    ----------
    points : pandas.DataFrame, shape (customers, 4)
        `point_number` from 1, `cluster_number`, and two coordinates in scaled units.
    axes : pandas.DataFrame, shape (2 * features, 4)
        For each axis and feature the loading, -1 to 1, and for each axis its share of
        the variance, 0 to 1.

    Notes
    -----
    Both are empty where there is no plane: with fewer than two features, fewer than two
    customers, or no variation in a second direction.
    """

    points: pd.DataFrame
    axes: pd.DataFrame


def project(
    scaled: NDArray[np.float64],
    features: Sequence[str],
    clusters: NDArray[np.int64],
    config: PlaneConfig | None = None,
) -> Plane:
    """Put customers onto the plane in which they differ most.

    Parameters
    ----------
    scaled : numpy.ndarray, shape (customers, features)
        Features in scaled units.
    features : sequence of str
        Their names.
    clusters : numpy.ndarray, shape (customers,)
        Each customer's cluster.
    config : PlaneConfig, optional
        How points are drawn.

    Returns
    -------
    Plane
        Points in the order of their coordinates, so that it tells nothing of customers;
        axes with their largest loading positive, so that it is the same for each run.

    Raises
    ------
    ValueError
        If shapes don't fit, or a value is missing or infinite.

    Notes
    -----
    Principal components (Pearson, 1901; Hotelling, 1933), found by singular value
    decomposition of the centred features.
    """
    config = config or PlaneConfig()
    if scaled.shape != (len(clusters), len(features)):
        message = (
            f"scaled features have the shape {scaled.shape}; expected "
            f"{(len(clusters), len(features))}, customers by features"
        )
        raise ValueError(message)
    if not np.isfinite(scaled).all():
        message = "scaled features hold missing or infinite values; expected numbers"
        raise ValueError(message)
    if min(scaled.shape) < _N_AXES:
        return _no_plane()
    centred = scaled - scaled.mean(axis=0)
    _, spreads, directions = np.linalg.svd(centred, full_matrices=False)
    if spreads[1] <= _FLAT * max(spreads[0], 1.0):
        return _no_plane()
    directions = directions[:_N_AXES]
    largest = np.argmax(np.abs(directions), axis=1)
    directions *= np.sign(directions[np.arange(_N_AXES), largest])[:, None]
    variances = spreads**2 / (spreads**2).sum()
    return Plane(
        points=_points(centred @ directions.T, clusters, config),
        axes=pd.DataFrame(
            {
                c.AXIS_NUMBER: np.repeat(np.arange(1, _N_AXES + 1), len(features)),
                c.FEATURE_NAME: [*features] * _N_AXES,
                c.LOADING: directions.ravel(),
                c.VARIANCE_RATE: np.repeat(variances[:_N_AXES], len(features)),
            }
        ),
    )


def _points(
    coordinates: NDArray[np.float64],
    clusters: NDArray[np.int64],
    config: PlaneConfig,
) -> pd.DataFrame:
    edge = config.edge_quantile
    low, high = np.quantile(coordinates, [edge, 1 - edge], axis=0)
    drawn = np.round(np.clip(coordinates, low, high), config.n_decimals) + 0.0
    points = pd.DataFrame(
        {
            c.CLUSTER_NUMBER: clusters,
            c.FIRST_COORDINATE: drawn[:, 0],
            c.SECOND_COORDINATE: drawn[:, 1],
        }
    ).sort_values([c.FIRST_COORDINATE, c.SECOND_COORDINATE, c.CLUSTER_NUMBER])
    points.insert(0, c.POINT_NUMBER, np.arange(1, len(points) + 1))
    return points.reset_index(drop=True)


def _no_plane() -> Plane:
    return Plane(pd.DataFrame(columns=[*c.POINTS]), pd.DataFrame(columns=[*c.AXES]))
