"""How far a day's customers are from those of the model, counted by the warehouse.

Belongs here: a frozen model's bins as one statement over the features, run where they
are. What the index is, how bins are cut and when it counts is `python_models`' to say
(`clustering.drift`); what to do about it, `orchestration.cluster_registry`'s.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from orchestration.assignment import ASSIGNMENTS, FEATURES
from orchestration.warehouse import Sql, compose, relation_name
from python_models.clustering.drift import PSEUDO_COUNT, largest_by_chance

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from python_models.clustering import ClusterModel

DRIFT = "python.cluster_drift"
FEATURE = "feature"
CLUSTER_SHARE = "cluster_share"

_INSERT = """
    insert into $drift
        (
            model_id, as_of_date, measure_type, measure_name, psi_score,
            max_psi_score, n_customers, is_drifted
        )
    with

    -- One pass over the features: how many customers are at or below each bound.
    counted as (
        select
            count(*) as n_customers,
            $counts
        from $features
        where as_of_date = $day
    ),

    cumulative (
        measure_name, bin_number, n_expected, n_up_to, largest_by_chance
    ) as (
        $bins
    ),

    feature_bins as (
        select
            'feature' as measure_type,
            measure_name,
            bin_number,
            n_expected,
            n_up_to - lag(n_up_to, 1, 0) over (
                partition by measure_name order by bin_number
            ) as n_actual,
            largest_by_chance
        from cumulative
    ),

    clusters (cluster_number, n_expected, largest_by_chance) as (
        $clusters
    ),

    members as (
        select
            cluster_number,
            count(*) as n_actual
        from $assignments
        where as_of_date = $day
        group by cluster_number
    ),

    bins as (
        select * from feature_bins
        union all
        select
            'cluster_share' as measure_type,
            'cluster_number' as measure_name,
            clusters.cluster_number as bin_number,
            clusters.n_expected,
            coalesce(members.n_actual, 0) as n_actual,
            clusters.largest_by_chance
        from clusters
        left join members
            on clusters.cluster_number = members.cluster_number
    ),

    totals as (
        select
            measure_type,
            measure_name,
            count(*) as n_bins,
            cast(sum(n_expected) as double) as n_expected,
            cast(sum(n_actual) as double) as n_actual
        from bins
        group by measure_type, measure_name
    ),

    shares as (
        select
            bins.measure_type,
            bins.measure_name,
            bins.largest_by_chance,
            totals.n_expected,
            totals.n_actual,
            (bins.n_expected + $pseudo_count)
            / (totals.n_expected + $pseudo_count * totals.n_bins) as expected_rate,
            (bins.n_actual + $pseudo_count)
            / (totals.n_actual + $pseudo_count * totals.n_bins) as actual_rate
        from bins
        inner join totals
            on
                bins.measure_type = totals.measure_type
                and bins.measure_name = totals.measure_name
    ),

    measured as (
        select
            measure_type,
            measure_name,
            -- Nobody is no evidence.
            case
                when min(n_expected) = 0 or min(n_actual) = 0 then 0
                else
                    sum((actual_rate - expected_rate) * ln(actual_rate / expected_rate))
            end as psi_score,
            greatest(
                $max_psi,
                min(largest_by_chance)
                * (1 / greatest(min(n_expected), 1) + 1 / greatest(min(n_actual), 1))
            ) as max_psi_score,
            cast(min(n_actual) as bigint) as n_customers
        from shares
        group by measure_type, measure_name
    )

    select
        $model_id as model_id,
        $day as as_of_date,
        measure_type,
        measure_name,
        psi_score,
        max_psi_score,
        n_customers,
        psi_score > max_psi_score as is_drifted
    from measured
"""


class Measure(NamedTuple):
    """One measure of one day.

    Attributes
    ----------
    measure_type
        `feature` or `cluster_share`.
    measure_name
        The feature, or `cluster_number`.
    psi_score
        Population stability index.
    max_psi_score
        What it may be.
    is_drifted
        Whether it is more.
    """

    measure_type: str
    measure_name: str
    psi_score: float
    max_psi_score: float
    is_drifted: bool


def measure_drift(
    connection: DuckDBPyConnection, model: ClusterModel, day: dt.date, *, max_psi: float
) -> None:
    """Write how a day's customers spread over the model's bins and clusters.

    Parameters
    ----------
    connection
        A warehouse open for writing, with the day's features and assignments.
    model
        The model that assigned.
    day
        The as-of date; rows of it are replaced.
    max_psi
        The least limit of the index.
    """
    connection.execute(
        compose("delete from $drift where as_of_date = ?", drift=relation_name(DRIFT)),
        [day],
    )
    connection.execute(drift_statement(connection, model, day, max_psi=max_psi))


def drift_statement(
    connection: DuckDBPyConnection, model: ClusterModel, day: dt.date, *, max_psi: float
) -> Sql:
    """Write a model's bins as one statement.

    Parameters
    ----------
    connection
        A warehouse; features that it no longer has aren't measured.
    model
        The model.
    day
        The as-of date.
    max_psi
        The least limit of the index.

    Returns
    -------
    Sql
        An insert.
    """
    known = {
        name
        for name, *_ in connection.execute(
            compose("describe $features", features=relation_name(FEATURES))
        ).fetchall()
    }
    counts, bins = [], []
    for position, (name, own) in enumerate(groupby(model.bins, lambda b: b.feature)):
        if name not in known:
            continue
        frozen = list(own)
        by_chance = largest_by_chance(len(frozen))
        for each in frozen:
            up_to = f"n_{position}_{each.number}"
            if each.upper_bound is None:
                # What is missing is in the last bin too.
                up_to = "n_customers"
            else:
                bound = f"({each.upper_bound:.17e})"
                column = compose("$name", name=name)
                counts.append(
                    f"sum(case when {column} <= {bound} then 1 else 0 end) as {up_to}"
                )
            bins.append(
                f"select {_text(name)}, {each.number}, {each.n_customers}, "
                f"coalesce({up_to}, 0), {by_chance:.6e} from counted"
            )
    by_chance = largest_by_chance(model.n_clusters)
    clusters = [
        f"select {cluster.number}, {cluster.n_customers}, {by_chance:.6e}"
        for cluster in model.clusters
    ]
    nothing = "select '', 0, 0, 0, 0.0 where false"
    return compose(
        _INSERT,
        drift=relation_name(DRIFT),
        features=relation_name(FEATURES),
        assignments=relation_name(ASSIGNMENTS),
        counts=Sql(",\n".join(counts) or "0 as nothing"),
        bins=Sql("\nunion all\n".join(bins) or nothing),
        clusters=Sql("\nunion all\n".join(clusters)),
        day=Sql(f"date '{day.isoformat()}'"),
        model_id=Sql(_text(model.model_id)),
        max_psi=Sql(f"({max_psi:.17e})"),
        pseudo_count=Sql(str(PSEUDO_COUNT)),
    )


def read_drift(connection: DuckDBPyConnection, day: dt.date) -> list[Measure]:
    """Read the measures of a day, the largest first.

    Returns
    -------
    list of Measure
        Empty where none were written.
    """
    return list(_read(connection, day))


def _read(connection: DuckDBPyConnection, day: dt.date) -> Iterator[Measure]:
    for row in connection.execute(
        "select measure_type, measure_name, psi_score, max_psi_score, is_drifted "
        f"from {DRIFT} where as_of_date = ? "
        "order by psi_score desc, measure_type, measure_name",
        [day],
    ).fetchall():
        yield Measure(*row)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
