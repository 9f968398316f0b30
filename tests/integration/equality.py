"""What must be equal whatever way a warehouse came about, and what can't be.

Everything in schema `marts` is compared unless it is named here, so a new mart is
compared from its first day. The other schemas are not marts: `raw`, `python` and
`snapshots` hold what happened (loads, models, what was known then), and `staging` and
`intermediate` what leads from there to the marts, load ids included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from warehouses import HISTORY

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from warehouses import Built

# Mart -> why its rows differ between equal warehouses.
NOT_COMPARED = {
    "customer_id_changes": "what earlier runs said of identity",
    "row_accounting": "one row per load; its totals are compared instead",
    "rejected_rows": "names load and position; counts by reason are compared",
    "schema_drift": "compares each load with the loads before it",
    "customer_segments": "reads the snapshot: since when depends on the runs before",
    "dim_customer_segments": "reads the snapshot, as above",
    "segment_summary": "counts the memberships of customers who are gone, too",
    "segment_transitions": "reads the snapshot: movement between the runs before",
    "customer_segment_history": "reads the snapshot, as above",
    "segment_survival": "reads the snapshot, as above",
    "segment_flow_anomalies": "reads the snapshot, as above",
    "segment_forecasts": "reads the snapshot, as above",
    "segment_forecasts_by_date": "reads the snapshot, as above",
    "segment_forecast_accuracy": "reads the snapshot, as above",
    "segment_forecast_backtests": "reads the snapshot, as above",
    "segment_forecast_intervals": "reads the snapshot, as above",
    "segment_forecast_outcomes": "reads the snapshot, as above",
    "segment_restatements": "reads the snapshot: what an earlier run said otherwise",
    "customer_clusters": "reads schema python: the model depends on the one before",
    "cluster_candidates": "reads schema python, as above",
    "cluster_models": "reads schema python, as above",
    "cluster_profiles": "reads schema python, as above",
    "persona_examples": "reads schema python, as above",
    "persona_names": "reads schema python, as above",
    "persona_purchases": "reads schema python, as above",
    "persona_traits": "reads schema python, as above",
    "personas": "reads schema python, as above",
    "customer_lifetime_values": "reads schema python, as above",
    "lifetime_value_models": "reads schema python, as above",
    "lifetime_value_backtests": "reads schema python, as above",
    "cluster_scatter_axes": "reads schema python, as above",
    "cluster_scatter_points": "reads schema python, as above",
}
# Of those, what is looked at in another way, and what a compared mart reads.
BUILT_ALL_THE_SAME = {
    "customer_clusters",
    "customer_id_changes",
    "rejected_rows",
    "row_accounting",
}
# What a build need not have to be compared: other tests build it. A compared mart that
# came to read any of it would fail, or differ from one that was built from all.
NOT_BUILT = (
    HISTORY,
    *sorted(NOT_COMPARED.keys() - BUILT_ALL_THE_SAME),
    "persona_*",
    "stg_python__cluster_*",
    "stg_python__lifetime_value_*",
    "stg_python__persona_*",
)
# Mart -> rows that are compared.
CONDITIONS = {
    # Not the set that comes from schema `python`, nor the rows that stay of customers
    # whom a run before knew by another id.
    "segment_memberships": "segment_set <> 'cluster'"
    " and customer_id in (select customer_id from marts.customer_facts)",
    "segment_performance": "segment_set <> 'cluster'",
}
REQUIRED = {
    "customer_rfm",
    "segment_memberships",
    "customer_segment_months",
    "customer_facts",
    "customer_months",
    "segment_performance",
    "cohort_retention",
    "fct_order_lines",
    "fct_events",
    "fct_sessions",
    "dim_customers",
    "identifiers",
    "rejected_edges",
    "customer_consents",
}


def fingerprints(
    built: Built, required: AbstractSet[str] = REQUIRED
) -> dict[str, tuple[int, int]]:
    """Rows of every compared mart, and a hash of them that no order of rows changes.

    A sum, not an exclusive or: two equal rows would cancel each other.
    """
    columns = built.rows(
        "select table_name, list(column_name order by column_name)"
        " from duckdb_columns() where schema_name = 'marts' group by table_name"
    )
    found = {}
    for table, names in sorted(columns):
        if table in NOT_COMPARED:
            continue
        condition = CONDITIONS.get(table, "true")
        listed = ", ".join(f'"{name}"' for name in names)
        found[table] = built.row(
            f"select count(*), coalesce(sum(cast(hash({listed}) as hugeint)), 0)"
            f" from marts.{table} where {condition}"
        )
    assert found.keys() >= required
    return found


def totals(built: Built) -> list[tuple[object, ...]]:
    """Records by stream: landed, accepted, duplicate, rejected, withheld, erased."""
    return built.rows(
        "select source_name, stream_name, sum(n_landed), sum(n_accepted),"
        " sum(n_duplicate), sum(n_rejected), sum(n_withheld), sum(n_erased)"
        " from marts.row_accounting group by all order by all"
    )


def accepted(built: Built) -> list[tuple[object, ...]]:
    """Accepted records by stream: what copies don't change."""
    return built.rows(
        "select source_name, stream_name, sum(n_accepted)"
        " from marts.row_accounting group by all order by all"
    )


def reasons(built: Built) -> list[tuple[object, ...]]:
    """Rejected records by stream and reason."""
    return built.rows(
        "select source_name, stream_name, reject_reason, count(*)"
        " from marts.rejected_rows group by all order by all"
    )


def assert_equal(
    found: Built, expected: Built, required: AbstractSet[str] = REQUIRED
) -> None:
    """Compare marts, and name those that differ."""
    theirs, ours = fingerprints(expected, required), fingerprints(found, required)
    different = [
        f"{table}: {ours.get(table)}, expected {theirs.get(table)}"
        for table in sorted(theirs.keys() | ours.keys())
        if theirs.get(table) != ours.get(table)
    ]
    assert not different, "\n".join(different)
