"""The picture of clusters, as tables: some customers on a plane, without their ids.

Belongs here: which customers are drawn, and writing where they are. Finding the plane
doesn't, nor drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.assignment import sample_assigned
from orchestration.warehouse import Warehouse, replace_rows, transaction
from python_models.clustering.preprocessing import scale_values
from python_models.projection import project

if TYPE_CHECKING:
    import datetime as dt

    from python_models.clustering import ClusterModel

POINTS = "cluster_scatter_points"
AXES = "cluster_scatter_axes"
PROJECTION_TABLES = (POINTS, AXES)
# Points that a page holds and an eye can tell apart.
N_DRAWN = 2_000


def write_projection(
    warehouse: Warehouse, day: dt.date, model: ClusterModel
) -> dict[str, int]:
    """Put some of a day's customers onto a plane, in the place of those drawn before.

    Parameters
    ----------
    warehouse
        With the day's features and assignments.
    day
        The as-of date.
    model
        The model that assigned.

    Returns
    -------
    dict
        Rows by table of schema `python`; 0 where there is no plane.
    """
    used = model.used_features
    with warehouse.read() as connection:
        sample = sample_assigned(connection, day, n_customers=N_DRAWN)
    plane = project(
        scale_values(sample, used),
        [axis.name for axis in used],
        sample["cluster_number"].to_numpy(),
    )
    frames = {
        table: frame.assign(model_id=model.model_id, as_of_date=day)
        for table, frame in ((POINTS, plane.points), (AXES, plane.axes))
    }
    with warehouse.write() as connection, transaction(connection):
        return {
            table: replace_rows(connection, f"python.{table}", frame)
            for table, frame in frames.items()
        }
