"""Jobs, schedules and the sensor: what runs together, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import dagster as dg
from dagster_dbt import build_dbt_asset_selection

from orchestration.defs.clustering import cluster_model, customer_clusters
from orchestration.defs.ingestion import landed_files
from orchestration.defs.transformation import dbt_models
from orchestration.ingestion import landed_paths
from orchestration.settings import load_settings


segmentary_job = dg.define_asset_job(
    name="segmentary",
    selection=dg.AssetSelection.all(),
    description="Landed files to published marts, at one as-of date.",
)

# A replay builds the facts once; then every past month-end builds what its snapshot
# needs of them. Marts that only read the finished history wait for the run at the end.
_WHAT_A_MONTH_CHANGES = build_dbt_asset_selection(
    [dbt_models],
    dbt_select="+snap_segment_memberships,dim_as_of_dates+ snap_segment_memberships",
    dbt_exclude="path:models/staging path:models/intermediate",
)
_CLUSTERING = dg.AssetSelection.assets(cluster_model, customer_clusters)
_FACTS = build_dbt_asset_selection(
    [dbt_models],
    dbt_select="+dim_as_of_dates +customer_features +stg_python__customer_clusters "
    "+stg_python__clusters",
)

build_facts_job = dg.define_asset_job(
    name="build_facts",
    selection=(
        dg.AssetSelection.assets(landed_files)
        | (_FACTS - _WHAT_A_MONTH_CHANGES)
    ).without_checks(),
    config={"ops": {"dbt_models": {"config": {"run_tests": False}}}},
    description="Landed files to facts that hold for every as-of date.",
)

replay_month_job = dg.define_asset_job(
    name="replay_month",
    selection=(_WHAT_A_MONTH_CHANGES | _CLUSTERING).without_checks(),
    config={"ops": {"dbt_models": {"config": {"run_tests": False}}}},
    description=(
        "One past month-end, for the history of memberships; `replay` runs them in "
        "order, oldest first."
    ),
)

daily_schedule = dg.ScheduleDefinition(
    name="daily",
    job=segmentary_job,
    cron_schedule="0 3 * * *",
    execution_timezone=str(load_settings().project_var("business_time_zone")),
    run_config={"ops": {"cluster_model": {"config": {"refit": "when_missing"}}}},
    description="Everything, every night; customers are assigned by the kept model.",
)

monthly_refit_schedule = dg.ScheduleDefinition(
    name="monthly_refit",
    job=segmentary_job,
    cron_schedule="0 5 1 * *",
    execution_timezone=str(load_settings().project_var("business_time_zone")),
    run_config={"ops": {"cluster_model": {"config": {"refit": "always"}}}},
    description="Everything, with a new cluster model, on the first of the month.",
)


@dg.sensor(
    name="landed_files",
    job=segmentary_job,
    minimum_interval_seconds=60,
    description="Starts a run when the landing folder holds other files than before.",
)
def landed_files_sensor(
    context: dg.SensorEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for a run once the set of landed files has changed and come to rest."""
    settings = load_settings()
    listing = hashlib.sha256()
    n_files = 0
    for path in landed_paths(settings.landing):
        status = path.stat()
        relative = path.relative_to(settings.landing).as_posix()
        listing.update(f"{relative} {status.st_size} {status.st_mtime_ns}\n".encode())
        n_files += 1
    seen = listing.hexdigest()
    # The cursor is `<last requested> <last seen>`: a run is asked for when two looks in
    # a row see the same files, so that nothing is read while it is copied in.
    requested, _, last_seen = (context.cursor or "").partition(" ")
    if not n_files:
        yield dg.SkipReason("nothing has landed yet")
    elif seen == requested:
        yield dg.SkipReason(f"no change among {n_files} landed files")
    elif seen != last_seen:
        context.update_cursor(f"{requested} {seen}")
        yield dg.SkipReason("files are arriving; waiting until they rest")
    else:
        context.update_cursor(f"{seen} {seen}")
        yield dg.RunRequest(run_key=seen)
