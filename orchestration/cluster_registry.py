"""The registry of cluster models: which one assigns, and when to fit another.

Belongs here: reading and writing models, and the reasons to fit a new one. How they are
fitted, and which may take over, is `python_models.clustering`'s; when a run asks, the
assets'.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from orchestration.drift import DRIFT
from orchestration.warehouse import append_rows
from python_models.clustering import ClusterModel
from python_models.clustering.parts import DRIFT as DRIFTED
from python_models.clustering.parts import MISSING, MONTHLY, REQUESTED

if TYPE_CHECKING:
    import datetime as dt

    from duckdb import DuckDBPyConnection

MODEL_TABLES = (
    "cluster_models",
    "cluster_candidates",
    "cluster_model_features",
    "cluster_centroids",
    "clusters",
    "cluster_changes",
    "cluster_feature_bins",
)
# Models of before there was a promotion took over, all of them.
_IS_PROMOTED = "coalesce(is_promoted, true)"


class Refit(Enum):
    """When to fit a new model; customers that drifted are a reason in any case."""

    MONTHLY = "monthly"
    ALWAYS = "always"
    WHEN_MISSING = "when_missing"


def why_refit(connection: DuckDBPyConnection, day: dt.date, refit: Refit) -> str | None:
    """Say why a model has to be fitted on a day.

    Parameters
    ----------
    connection
        An open warehouse.
    day
        The as-of date.
    refit
        What the run asks for.

    Returns
    -------
    str or None
        `missing`: there is no model. `requested`: the run asks for one. `monthly`: none
        was fitted in the day's month, promoted or not. `drift`: on the last day before,
        customers were too far from the model's, and no model was fitted in the month
        for that already. None: the frozen model stays.
    """
    frozen = latest_model_id(connection, until=day)
    if frozen is None:
        return MISSING
    if refit is Refit.ALWAYS:
        return REQUESTED
    month = day.replace(day=1)
    if refit is Refit.MONTHLY and not _was_fitted(connection, month, day):
        return MONTHLY
    if _has_drifted(connection, frozen, day) and not _was_fitted(
        connection, month, day, for_drift_of=frozen
    ):
        return DRIFTED
    return None


def _was_fitted(
    connection: DuckDBPyConnection,
    month: dt.date,
    day: dt.date,
    *,
    for_drift_of: str | None = None,
) -> bool:
    found = connection.execute(
        "select count(*) from python.cluster_models where as_of_date between ? and ? "
        "and (? is null or (previous_model_id = ? and refit_reason = ?))",
        [month, day, for_drift_of, for_drift_of, DRIFTED],
    ).fetchone()
    return bool(found and found[0])


def _has_drifted(connection: DuckDBPyConnection, model_id: str, day: dt.date) -> bool:
    """Look at the last day before this one, so that a rerun decides the same."""
    found = connection.execute(
        f"select coalesce(bool_or(is_drifted), false) from {DRIFT} "
        "where model_id = ? and as_of_date = "
        f"(select max(as_of_date) from {DRIFT} where as_of_date < ?)",
        [model_id, day],
    ).fetchone()
    return bool(found and found[0])


def latest_model_id(connection: DuckDBPyConnection, *, until: dt.date) -> str | None:
    """Find the model that assigns on a day, or none.

    Returns
    -------
    str or None
        The newest promoted one of the day or before.
    """
    found = connection.execute(
        f"select model_id from python.cluster_models where as_of_date <= ? "
        f"and {_IS_PROMOTED} order by as_of_date desc, model_id limit 1",
        [until],
    ).fetchone()
    return found[0] if found else None


def latest_model(
    connection: DuckDBPyConnection, *, until: dt.date
) -> ClusterModel | None:
    """Read the model that assigns on a day, or none."""
    model_id = latest_model_id(connection, until=until)
    return None if model_id is None else read_model(connection, model_id)


def read_model(connection: DuckDBPyConnection, model_id: str) -> ClusterModel:
    """Read one model back."""
    # All models go in: a cluster number once given is never given again.
    frames = {
        table: connection.execute(f"select * from python.{table}").df()
        for table in MODEL_TABLES
    }
    return ClusterModel.from_frames(frames, model_id=model_id)


def write_model(connection: DuckDBPyConnection, model: ClusterModel) -> None:
    """Write the rows of a model in the place of those of another of its day.

    A model that wasn't promoted leaves one of the same day that was.
    """
    replaced = {model.model_id} | {
        row[0]
        for row in connection.execute(
            "select model_id from python.cluster_models where as_of_date = ? "
            f"and (not {_IS_PROMOTED} or ?)",
            [model.as_of_date, model.is_promoted],
        ).fetchall()
    }
    frames = model.frames()
    for table in MODEL_TABLES:
        for model_id in replaced:
            connection.execute(
                f"delete from python.{table} where model_id = ?", [model_id]
            )
        append_rows(connection, f"python.{table}", frames[table])


def month_ends_without_model(
    connection: DuckDBPyConnection, day: dt.date
) -> list[dt.date]:
    """List the past month-ends that no model was fitted for, oldest first."""
    rows = connection.execute(
        "select as_of_date from marts.dim_as_of_dates "
        "where is_month_end and as_of_date < ? and as_of_date > coalesce("
        "(select max(as_of_date) from python.cluster_models), date '0001-01-01') "
        "order by as_of_date",
        [day],
    ).fetchall()
    return [row[0] for row in rows]
