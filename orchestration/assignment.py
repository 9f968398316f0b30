"""Who is in which cluster, said by the warehouse itself.

Belongs here: a frozen model as one statement over the features, run where they are, and
the look at a few customers that proves it. Fitting doesn't, nor when to fit.

A customer x belongs to the centroid c with the largest x·c - |c|²/2, which is the
nearest one, but without a difference for each of them. Assigning a million customers
this way costs a fraction of reading them, and they never leave the warehouse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestration.warehouse import Sql, compose, relation_name
from python_models.clustering import TIE, ClusterModel, assign_clusters
from python_models.clustering.config import LOG1P

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from duckdb import DuckDBPyConnection

    from python_models.clustering import Cluster, ModelFeature

FEATURES = "marts.customer_features_by_date"
ASSIGNMENTS = "python.customer_clusters"
# Distances of the two agree to about the square root of a double's rounding.
_DISTANCE_TOLERANCE = 1e-6

_INSERT = """
    insert into $assignments
        (customer_id, as_of_date, model_id, cluster_number, centroid_distance)
    with

    scaled as (
        select
            $scaled
        from $features
        where as_of_date = ?
    ),

    scored as (
        select
            customer_id,
            as_of_date,
            $square as square,
            $scores
        from scaled
    ),

    compared as (
        select
            *,
            greatest($score_names) as best
        from scored
    )

    select
        customer_id,
        as_of_date,
        ? as model_id,
        case $cases end as cluster_number,
        sqrt(greatest(square - 2 * best, 0)) as centroid_distance
    from compared
"""

# Picked before anything is joined: features are wide.
_SAMPLE = f"""
    select
        features.*,
        picked.cluster_number,
        picked.centroid_distance
    from (
        select
            customer_id,
            as_of_date,
            cluster_number,
            centroid_distance
        from {ASSIGNMENTS}
        where as_of_date = ?
        order by hash(customer_id), customer_id
        limit ?
    ) as picked
    inner join {FEATURES} as features
        on
            picked.customer_id = features.customer_id
            and picked.as_of_date = features.as_of_date
"""


class Agreement(NamedTuple):
    """How a sample of what the warehouse assigned compares with the model.

    Attributes
    ----------
    n_customers
        Customers with features.
    n_assigned
        Customers with a cluster.
    n_compared
        Customers of the sample.
    n_other
        Those whose cluster or distance is not the model's.
    """

    n_customers: int
    n_assigned: int
    n_compared: int
    n_other: int

    @property
    def is_complete(self) -> bool:
        """Whether everybody has a cluster, and all that were compared the right one."""
        return self.n_customers == self.n_assigned and not self.n_other


def assign_in_warehouse(
    connection: DuckDBPyConnection, model: ClusterModel, day: dt.date
) -> int:
    """Add everybody who has features of a day to the assignments.

    Parameters
    ----------
    connection
        A warehouse open for writing, without assignments of the day.
    model
        The model, of this or an earlier day.
    day
        The as-of date.

    Returns
    -------
    int
        Customers assigned: each to the cluster that `assign_clusters` gives.

    Raises
    ------
    ValueError
        If a feature has values that are missing or infinite; it names column and count.
    """
    _refuse_bad_values(connection, model, day)
    row = connection.execute(
        assignment_statement(model), [day, model.model_id]
    ).fetchone()
    return int(row[0]) if row else 0


def assignment_statement(model: ClusterModel) -> Sql:
    """Write a model as one statement, with its numbers in full precision.

    Parameters
    ----------
    model
        The model.

    Returns
    -------
    Sql
        An insert whose parameters are the as-of date and the model's id.
    """
    axes = model.used_features
    names = [f"z{position}" for position in range(len(axes))]
    scores = [f"score_{cluster.number}" for cluster in model.clusters]
    return compose(
        _INSERT,
        assignments=relation_name(ASSIGNMENTS),
        features=relation_name(FEATURES),
        scaled=_list(
            [
                "customer_id",
                "as_of_date",
                *(
                    f"{_scaled(axis)} as {name}"
                    for name, axis in zip(names, axes, strict=True)
                ),
            ]
        ),
        square=_sum([f"{name} * {name}" for name in names]),
        scores=_list(
            f"{_score(names, cluster)} as {score}"
            for score, cluster in zip(scores, model.clusters, strict=True)
        ),
        score_names=_list(scores),
        # The first of equals: a model's clusters are sorted by number.
        cases=Sql(
            " ".join(
                f"when {score} >= best - {_number(TIE)} then {cluster.number}"
                for score, cluster in zip(scores, model.clusters, strict=True)
            )
        ),
    )


def compare_with_model(
    connection: DuckDBPyConnection,
    model: ClusterModel,
    day: dt.date,
    *,
    n_customers: int,
) -> Agreement:
    """Assign some customers of a day again, by the model itself.

    Parameters
    ----------
    connection
        An open warehouse.
    model
        The model that assigned.
    day
        An as-of date with assignments.
    n_customers
        Customers to compare, picked by a hash of their ids.

    Returns
    -------
    Agreement
        Counts, no ids.
    """
    counted = [
        int(connection.execute(statement, [day]).fetchall()[0][0])
        for statement in (
            f"select count(*) from {relation} where as_of_date = ?"
            for relation in (FEATURES, ASSIGNMENTS)
        )
    ]
    sample = sample_assigned(connection, day, n_customers=n_customers)
    expected = assign_clusters(sample, model, as_of_date=day)
    found = sample.set_index("customer_id").loc[expected["customer_id"]].reset_index()
    is_other = (found["cluster_number"] != expected["cluster_number"]) | (
        (found["centroid_distance"] - expected["centroid_distance"]).abs()
        > _DISTANCE_TOLERANCE
    )
    return Agreement(
        n_customers=counted[0],
        n_assigned=counted[1],
        n_compared=len(sample),
        n_other=int(is_other.sum()),
    )


def sample_assigned(
    connection: DuckDBPyConnection, day: dt.date, *, n_customers: int
) -> pd.DataFrame:
    """Read some of a day's customers with their features and clusters.

    Returns
    -------
    pandas.DataFrame
        The features, `cluster_number` and `centroid_distance`; one row per customer,
        picked by a hash of their ids.
    """
    return connection.execute(_SAMPLE, [day, n_customers]).df()


def _refuse_bad_values(
    connection: DuckDBPyConnection, model: ClusterModel, day: dt.date
) -> None:
    """Stop at values that a comparison would quietly make something of."""
    names = [axis.name for axis in model.used_features]
    if not names:
        return
    counts = connection.execute(
        compose(
            "select $counts from $features where as_of_date = ?",
            counts=_list(
                compose(
                    "count(*) - count(case when isfinite($name) then 1 end)", name=name
                )
                for name in names
            ),
            features=relation_name(FEATURES),
        ),
        [day],
    ).fetchall()[0]
    bad = [
        f"{name}: {count} missing or infinite value(s)"
        for name, count in zip(names, counts, strict=True)
        if count
    ]
    if bad:
        message = f"{FEATURES} as of {day}: {', '.join(bad)}"
        raise ValueError(message)


def _scaled(axis: ModelFeature) -> str:
    """Clip, transform, centre and scale, as `ModelFeature` says it."""
    value = str(compose("$name", name=axis.name))
    if axis.bounds is not None:
        lower, upper = map(_number, axis.bounds)
        # In half the time of least and greatest.
        value = (
            f"case when {value} < {lower} then {lower} "
            f"when {value} > {upper} then {upper} else {value} end"
        )
    if axis.transform == LOG1P:
        is_positive = axis.bounds is not None and axis.bounds[0] >= 0
        value = f"ln(1 + {value})" if is_positive else f"ln(1 + greatest({value}, 0))"
    return f"({value} - {_number(axis.center)}) / {_number(axis.scale)}"


def _score(names: Sequence[str], cluster: Cluster) -> str:
    products = [
        f"{name} * {_number(value)}"
        for name, value in zip(names, cluster.centroid, strict=True)
    ]
    half_square = sum(value**2 for value in cluster.centroid) / 2
    return _sum([*products, _number(-half_square)])


def _number(value: float) -> str:
    """Write a number that reads as the very same double; its exponent makes it one."""
    return f"({value:.17e})"


def _sum(terms: Sequence[str]) -> Sql:
    return Sql(" + ".join(terms) or _number(0.0))


def _list(terms: Iterable[str]) -> Sql:
    return Sql(", ".join(terms))
