"""Proposals of better thresholds, between the core marts and the segment marts.

A threshold is looked at once for each newest month-end and each value that is in force,
so once a month, and again when somebody has accepted another value. What was found
stays. Nothing here puts a value into force: people do, in the seed
`accepted_thresholds`.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
import pandas as pd

from orchestration.defs.resources import WAREHOUSE_POOL, AsOf, WarehouseResource
from orchestration.defs.source_tables import source_spec
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse, append_rows, transaction
from python_models.threshold_tuning import (
    Threshold,
    TuningConfig,
    compute_proposal_id,
    proposals_frame,
    propose_thresholds,
    read_thresholds,
)

PROPOSALS_KEY = dg.AssetKey(["python", "threshold_proposals"])
PROPOSALS = "python.threshold_proposals"
VARIABLE = "tuning_outcome_days"


@dg.multi_asset(
    specs=[
        source_spec(
            *PROPOSALS_KEY.path,
            group="threshold_tuning",
            kinds={"python", "scipy", "duckdb"},
            deps=[
                dg.AssetKey(["marts", "dim_thresholds"]),
                dg.AssetKey(["marts", "threshold_outcomes"]),
            ],
        )
    ],
    name="threshold_tuning",
    pool=WAREHOUSE_POOL,
)
def threshold_tuning(
    context: dg.AssetExecutionContext, as_of: AsOf, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Look at every threshold that wasn't looked at this month; propose, or keep."""
    day = as_of.resolve(context)
    config = TuningConfig(outcome_days=int(load_settings().project_var(VARIABLE)))
    database = warehouse.open()
    ids = tune(database, day, config)
    with database.read() as connection:
        found = connection.execute(
            f"select * from {PROPOSALS} where list_contains(?, proposal_id) "
            "order by threshold_name",
            [ids],
        ).df()
    for decision in found["decision"]:
        context.log.info("%s", decision)
    yield dg.MaterializeResult(asset_key=PROPOSALS_KEY, metadata=describe(found))


def tune(warehouse: Warehouse, day: dt.date, config: TuningConfig) -> list[str]:
    """Write what the thresholds in force are found to be, unless it is written already.

    Parameters
    ----------
    warehouse
        With the core marts as of `day`.
    day
        The run's as-of date.
    config
        How to tune.

    Returns
    -------
    list of str
        The proposals of all thresholds, old and new.
    """
    with warehouse.read() as connection:
        thresholds = read_thresholds(
            connection.execute("from marts.dim_thresholds").df()
        )
        month_ends = [
            row[0]
            for row in connection.execute(
                "select as_of_date from marts.dim_as_of_dates "
                "where is_month_end and as_of_date <= ? order by as_of_date",
                [day - dt.timedelta(days=config.outcome_days)],
            ).fetchall()
        ]
        known = {
            row[0]
            for row in connection.execute(
                f"select proposal_id from {PROPOSALS}"
            ).fetchall()
        }
    last = month_ends[-1] if month_ends else None
    ids = {t.name: compute_proposal_id(t, last, config) for t in thresholds}
    unknown = [t for t in thresholds if ids[t.name] not in known]
    if unknown:
        proposals = propose_thresholds(
            unknown,
            _read_outcomes(warehouse, unknown),
            month_ends=month_ends,
            config=config,
        )
        frame = proposals_frame(proposals, as_of_date=day, config=config)
        with warehouse.write() as connection, transaction(connection):
            append_rows(connection, PROPOSALS, frame)
    return list(ids.values())


def _read_outcomes(
    warehouse: Warehouse, thresholds: Sequence[Threshold]
) -> pd.DataFrame:
    """Read the counts; only here are customers counted, which takes seconds."""
    with warehouse.read() as connection:
        return connection.execute(
            "select * replace (cast(net_amount as double) as net_amount) "
            "from marts.threshold_outcomes where list_contains(?, threshold_name)",
            [[threshold.name for threshold in thresholds]],
        ).df()


def describe(found: pd.DataFrame) -> dict[str, dg.MetadataValue | int | float]:
    """Show what was found: numbers to follow over time, and a table to read.

    Parameters
    ----------
    found
        Rows of `python.threshold_proposals`, one for each threshold.

    Returns
    -------
    dict
        Metadata of the asset.
    """
    metadata: dict[str, dg.MetadataValue | int | float] = {
        "dagster/row_count": len(found),
        "n_thresholds": len(found),
        "n_proposed": int(found["is_proposed"].sum()),
    }
    lines = [
        "| threshold | now | proposed | members now | then | gain, points | why |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in found.to_dict("records"):
        metadata[f"{row['segment']}_members"] = int(row["n_current_members"])
        if not pd.isna(row["improvement"]):
            metadata[f"{row['threshold_name']}_gain"] = float(row["improvement"])
        gain = (
            ""
            if pd.isna(row["improvement"])
            else f"{100 * row['improvement']:.1f} ({100 * row['improvement_lower']:.1f}"
            f" to {100 * row['improvement_upper']:.1f})"
        )
        then = "" if pd.isna(row["n_candidate_members"]) else row["n_candidate_members"]
        proposed = f"{row['candidate_value']:g}" if row["is_proposed"] else "keep"
        lines.append(
            f"| {row['threshold_name']} | {row['current_value']:g} | {proposed} "
            f"| {row['n_current_members']} | {then} | {gain} | {row['decision']} |"
        )
    metadata["proposals"] = dg.MetadataValue.md("\n".join(lines))
    return metadata
