"""Jobs, schedules and the sensor: what runs together, and when."""

import hashlib
from collections.abc import Iterator

import dagster as dg
from dagster_dbt import build_dbt_asset_selection

from orchestration.defs.clustering import clustering
from orchestration.defs.ingestion import landed_files
from orchestration.defs.transformation import dbt_models
from orchestration.ingestion.landing import find_files
from orchestration.settings import load_settings

segmentary_job = dg.define_asset_job(
    name="segmentary",
    selection=dg.AssetSelection.all(),
    description="Landed files to published marts, at one as-of date.",
)

# A replay builds the facts, segments and clusters of every month-end in one go. What
# was known then is history's to say, and history grows one as-of date at a time: every
# past month-end is a run of its own, of the memberships and their snapshot.
_MEMBERSHIPS = "customer_clusters segment_memberships snap_segment_memberships"

build_months_job = dg.define_asset_job(
    name="build_months",
    selection=(
        dg.AssetSelection.assets(landed_files, clustering)
        | build_dbt_asset_selection(
            [dbt_models],
            dbt_select="+segment_assignments +customer_features_by_date "
            "path:models/staging/python",
        )
    ).without_checks(),
    config={
        "ops": {
            "dbt_models": {"config": {"run_tests": False}},
            "clustering": {"config": {"with_history": True}},
        }
    },
    description="Landed files to the facts, segments and clusters of every month-end.",
)

snapshot_month_job = dg.define_asset_job(
    name="snapshot_month",
    selection=build_dbt_asset_selection(
        [dbt_models], dbt_select=_MEMBERSHIPS
    ).without_checks(),
    config={"ops": {"dbt_models": {"config": {"run_tests": False}}}},
    description=(
        "The memberships of one past month-end into history; `replay` runs it for one "
        "month-end after the other, oldest first."
    ),
)

daily_schedule = dg.ScheduleDefinition(
    name="daily",
    job=segmentary_job,
    cron_schedule="0 3 * * *",
    execution_timezone=str(load_settings().project_var("business_time_zone")),
    run_config={"ops": {"clustering": {"config": {"refit": "when_missing"}}}},
    description="Everything, every night; customers are assigned by the kept model.",
)

monthly_refit_schedule = dg.ScheduleDefinition(
    name="monthly_refit",
    job=segmentary_job,
    cron_schedule="0 5 1 * *",
    execution_timezone=str(load_settings().project_var("business_time_zone")),
    run_config={"ops": {"clustering": {"config": {"refit": "always"}}}},
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
    for file in find_files(settings.landing):
        status = file.path.stat()
        line = f"{file.name} {status.st_size} {status.st_mtime_ns}\n"
        listing.update(line.encode())
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
