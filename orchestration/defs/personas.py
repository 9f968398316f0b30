"""What tells clusters apart, between the assignments and the persona marts.

A forest is asked once a month, or when the model is new: it costs seconds, and the
clusters of one model hardly change within a month. On the days between nothing is
written. Names, sizes and favourites of personas are SQL's.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import dagster as dg
from duckdb import DuckDBPyConnection

from orchestration.assignment import ASSIGNMENTS, FEATURES
from orchestration.defs.alerts import FINDINGS
from orchestration.defs.resources import WAREHOUSE_POOL, AsOf, WarehouseResource
from orchestration.defs.source_tables import source_spec
from orchestration.warehouse import Warehouse, append_rows, transaction
from python_models.personas import CODE_VERSION, PersonaConfig, tell_clusters_apart

CLASSIFIERS: Final = "persona_classifiers"
RECOGNITIONS: Final = "persona_recognitions"
IMPORTANCES: Final = "persona_importances"
TABLES: Final = (CLASSIFIERS, RECOGNITIONS, IMPORTANCES)
N_TOP_FEATURES: Final = 3

_TOP_FEATURES = f"""
    select cluster_number, string_agg(feature_name, ', ' order by place)
    from (
        select
            *,
            row_number() over (
                partition by cluster_number
                order by importance_score desc, feature_name
            ) as place
        from python.{IMPORTANCES}
        where model_id = ? and as_of_date = ?
    )
    where place <= {N_TOP_FEATURES}
    group by cluster_number
    order by cluster_number
"""
_PERSONAS = f"""
    select
        personas.persona_name,
        personas.n_customers,
        personas.customer_share_rate,
        personas.net_amount_share_rate,
        personas.recall_rate,
        coalesce(top.traits, personas.distinguishable_reason) as traits
    from marts.personas as personas
    left join (
        select
            persona_key,
            string_agg(trait_text, '; ' order by trait_rank_number) as traits
        from marts.persona_traits
        where trait_rank_number <= {N_TOP_FEATURES}
        group by persona_key
    ) as top using (persona_key)
    order by personas.net_amount desc, personas.cluster_number
"""


class PersonasRunConfig(dg.Config):
    """The seed of the sample, the forest and the shuffles."""

    random_state: int = 7


class _Assigned(NamedTuple):
    """The newest assignments: their date and model."""

    day: dt.date
    model_id: str


@dg.multi_asset(
    specs=[
        source_spec(
            "python",
            table,
            group="clustering",
            kinds={"python", "scikitlearn", "duckdb"},
            deps=[
                dg.AssetKey(["marts", "customer_features_by_date"]),
                dg.AssetKey(["python", "customer_clusters"]),
            ],
        )
        for table in TABLES
    ],
    name="persona_classifier",
    pool=WAREHOUSE_POOL,
)
def persona_classifier(
    context: dg.AssetExecutionContext,
    config: PersonasRunConfig,
    as_of: AsOf,
    warehouse: WarehouseResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Ask a forest about the newest clusters, or keep what it said this month."""
    database = warehouse.open()
    assigned = _newest_assigned(database, as_of.resolve(context))
    if assigned is None:
        context.log.info("no clusters yet: nothing to tell apart")
        for table in TABLES:
            yield dg.MaterializeResult(
                asset_key=["python", table], metadata={"dagster/row_count": 0}
            )
        return
    day = _kept(database, assigned, config)
    if day is None:
        day = assigned.day
        _ask(database, assigned, config)
    metadata = _describe(database, assigned.model_id, day)
    context.log.info(
        "as of %s: clusters of model %s: %s",
        day,
        assigned.model_id,
        metadata[CLASSIFIERS]["outcome"],
    )
    for table, values in metadata.items():
        yield dg.MaterializeResult(asset_key=["python", table], metadata=values)


@dg.asset_check(
    asset=dg.AssetKey(["marts", "personas"]),
    additional_deps=[dg.AssetKey(["marts", "persona_traits"])],
    description="Clusters, where there are several, can be told apart by their traits.",
    pool=WAREHOUSE_POOL,
)
def personas_can_be_told_apart(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Show who the personas are, and warn where the forest found nothing in them."""
    with warehouse.open().read() as connection:
        rows = connection.execute(_PERSONAS).fetchall()
        failed = connection.execute(
            "select outcome from staging.stg_python__persona_classifiers "
            "where outcome_code = 'indistinguishable' and (model_id, as_of_date) in "
            f"(select (model_id, max(as_of_date)) from python.{CLASSIFIERS} "
            "where model_id in (select model_id from marts.personas) group by model_id)"
        ).fetchall()
    table = _markdown(
        ["persona", "customers", "share", "of revenue", "recognised", "known by"],
        [
            [
                name,
                f"{n:,}",
                _percent(share),
                _percent(amount),
                _percent(recall),
                traits,
            ]
            for name, n, share, amount, recall, traits in rows
        ],
    )
    metadata: dict[str, Any] = {
        "n_personas": len(rows),
        "personas": table,
    }
    if failed:
        metadata[FINDINGS] = [outcome for (outcome,) in failed]
    return dg.AssetCheckResult(
        passed=not failed, severity=dg.AssetCheckSeverity.WARN, metadata=metadata
    )


def _newest_assigned(warehouse: Warehouse, day: dt.date) -> _Assigned | None:
    with warehouse.read() as connection:
        row = connection.execute(
            f"select as_of_date, min(model_id) from {ASSIGNMENTS} "
            "where as_of_date <= ? group by as_of_date order by as_of_date desc "
            "limit 1",
            [day],
        ).fetchone()
    return _Assigned(*row) if row else None


def _kept(
    warehouse: Warehouse, assigned: _Assigned, config: PersonasRunConfig
) -> dt.date | None:
    """Return the date of this month at which these clusters were asked about."""
    with warehouse.read() as connection:
        row = connection.execute(
            f"select max(as_of_date) from python.{CLASSIFIERS} where model_id = ? "
            "and as_of_date between ? and ? and code_version = ? and random_state = ?",
            [
                assigned.model_id,
                assigned.day.replace(day=1),
                assigned.day,
                CODE_VERSION,
                config.random_state,
            ],
        ).fetchone()
    return row[0] if row else None


def _ask(warehouse: Warehouse, assigned: _Assigned, config: PersonasRunConfig) -> None:
    """Fit a forest, and write what it says in the place of the month's, in one go."""
    with warehouse.read() as connection:
        clustered = connection.execute(
            "select features.* exclude (as_of_date, customer_date_key), "
            f"assigned.cluster_number from {FEATURES} as features "
            f"inner join {ASSIGNMENTS} as assigned using (customer_id, as_of_date) "
            "where as_of_date = ? order by customer_id",
            [assigned.day],
        ).df()
    if clustered.empty:
        message = (
            f"the marts have no features of {assigned.day}, the date of the newest "
            "clusters: materialize clustering at the run's as-of date first"
        )
        raise dg.Failure(message)
    frames = tell_clusters_apart(
        clustered.drop(columns="cluster_number"),
        clustered[["customer_id", "cluster_number"]],
        model_id=assigned.model_id,
        as_of_date=assigned.day,
        config=PersonaConfig(random_state=config.random_state),
    ).frames()
    with warehouse.write() as connection, transaction(connection):
        for table in TABLES:
            connection.execute(
                f"delete from python.{table} where model_id = ? "
                "and date_trunc('month', as_of_date) = date_trunc('month', ?::date)",
                [assigned.model_id, assigned.day],
            )
            append_rows(connection, f"python.{table}", frames[table])


def _describe(
    warehouse: Warehouse, model_id: str, day: dt.date
) -> dict[str, dict[str, Any]]:
    """Say for the UI what the tables hold about a model and date: no customer."""
    key = [model_id, day]
    with warehouse.read() as connection:
        classifier = _rows(connection, CLASSIFIERS, key)[0]
        recognitions = _rows(connection, RECOGNITIONS, key)
        features = connection.execute(_TOP_FEATURES, key).fetchall()
        n_rows = {table: _count(connection, f"python.{table}") for table in TABLES}
    metadata: dict[str, dict[str, Any]] = {
        table: {"dagster/row_count": n, "model_id": model_id}
        for table, n in n_rows.items()
    }
    metadata[CLASSIFIERS] |= {
        "asked_as_of": day.isoformat(),
        "outcome": classifier["outcome"],
        "n_personas": classifier["n_clusters"],
        "n_distinguishable_personas": sum(
            bool(found["is_distinguishable"]) for found in recognitions
        ),
        "n_held_out_customers": classifier["n_held_out_customers"],
    }
    for name in (
        "accuracy_rate",
        "majority_rate",
        "balanced_accuracy_rate",
        "balanced_accuracy_lower_rate",
    ):
        if classifier[name] is not None:
            metadata[CLASSIFIERS][name] = classifier[name]
    metadata[RECOGNITIONS]["clusters"] = _markdown(
        ["cluster", "customers", "held out", "recognised", "why"],
        [
            [
                str(found["cluster_number"]),
                f"{found['n_customers']:,}",
                f"{found['n_held_out_customers']:,}",
                _percent(found["recall_rate"]),
                str(found["reason"]),
            ]
            for found in recognitions
        ],
    )
    metadata[IMPORTANCES]["top_features"] = _markdown(
        ["cluster", "known by"], [[str(number), names] for number, names in features]
    )
    return metadata


def _rows(
    connection: DuckDBPyConnection, table: str, key: list[Any]
) -> list[dict[str, Any]]:
    found = connection.execute(
        f"select * from python.{table} where model_id = ? and as_of_date = ? "
        "order by all",
        key,
    )
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _count(connection: DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.0%}"


def _markdown(header: list[str], rows: list[list[str]]) -> dg.MarkdownMetadataValue:
    lines = [header, ["---"] * len(header), *rows]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))
