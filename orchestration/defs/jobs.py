"""Jobs, schedules and the sensor: what runs together, and when."""

import hashlib
from collections.abc import Iterator

import dagster as dg
from dagster_dbt import build_dbt_asset_selection

from orchestration import replay
from orchestration.cluster_registry import Refit
from orchestration.defs.clustering import clustering
from orchestration.defs.ingestion import landed_files
from orchestration.defs.record_linkage import record_linkage
from orchestration.defs.resources import WAREHOUSE_POOL
from orchestration.defs.transformation import (
    WHOLE_JOB,
    WITHOUT_TESTS_TAG,
    dbt_models,
)
from orchestration.ingestion.landing import find_files
from orchestration.settings import load_settings, parse_date

segmentary_job = dg.define_asset_job(
    name=WHOLE_JOB,
    selection=dg.AssetSelection.all(),
    description="Landed files to published marts, at one as-of date.",
)

# A replay builds the facts, segments and clusters of every month-end in one go. What
# was known then is history's to say, and history grows one as-of date at a time.
build_months_job = dg.define_asset_job(
    name="build_months",
    selection=(
        dg.AssetSelection.assets(landed_files, record_linkage, clustering)
        | build_dbt_asset_selection(
            [dbt_models],
            dbt_select="+segment_assignments +customer_features_by_date "
            "+customer_id_changes path:models/staging/python",
        )
    ).without_checks(),
    config={"ops": {"clustering": {"config": {"with_history": True}}}},
    tags={WITHOUT_TESTS_TAG: "true"},
    description="Landed files to the facts, segments and clusters of every month-end.",
)


class MonthEnds(dg.Config):
    """The as-of dates to write into history, oldest first."""

    dates: list[str]


@dg.op(pool=WAREHOUSE_POOL)
def snapshot_months(context: dg.OpExecutionContext, config: MonthEnds) -> None:
    """Write one month-end after the other into the snapshot of memberships."""
    dates = [parse_date(text, "dates") for text in config.dates]
    for day in replay.snapshot_months(load_settings(), dates):
        context.log_event(
            dg.AssetMaterialization(
                asset_key=["snapshots", "snap_segment_memberships"],
                description=f"Memberships as of {day}",
                metadata={"as_of_date": day.isoformat()},
            )
        )


@dg.job(
    description=(
        "Past month-ends into the history of memberships, over months that "
        "`build_months` has built."
    )
)
def snapshot_months_job() -> None:
    """Run the month-ends of the configuration."""
    snapshot_months()


daily_schedule = dg.ScheduleDefinition(
    name="daily",
    job=segmentary_job,
    cron_schedule="0 3 * * *",
    execution_timezone=str(load_settings().project_var("business_time_zone")),
    run_config={"ops": {"clustering": {"config": {"refit": Refit.WHEN_MISSING.name}}}},
    description=(
        "Everything, every night; customers are assigned by the kept model, unless "
        "they drifted from it."
    ),
)

monthly_refit_schedule = dg.ScheduleDefinition(
    name="monthly_refit",
    job=segmentary_job,
    cron_schedule="0 5 1 * *",
    execution_timezone=str(load_settings().project_var("business_time_zone")),
    run_config={"ops": {"clustering": {"config": {"refit": Refit.MONTHLY.name}}}},
    description="Everything, with a new cluster model, on the first of the month.",
)


weekly_tests_schedule = dg.ScheduleDefinition(
    name="weekly_tests",
    job=segmentary_job,
    cron_schedule="0 4 * * 0",
    execution_timezone=str(load_settings().project_var("business_time_zone")),
    run_config={
        "ops": {"clustering": {"config": {"refit": Refit.WHEN_MISSING.name}}},
        "resources": {"dbt_options": {"config": {"test_every_row": True}}},
    },
    description="Everything, with tests of every row and a published file made anew.",
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
