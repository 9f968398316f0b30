"""Entry point: everything under `orchestration.defs`, assembled once."""

from __future__ import annotations

import dagster as dg

from orchestration.defs.alerts import (
    alerts_sensor,
    flows_are_as_expected,
    sources_are_on_time,
    volumes_are_as_expected,
)
from orchestration.defs.clustering import (
    clustering,
    clusters_are_the_models,
    customers_are_the_models,
)
from orchestration.defs.erasure import erase, erasure_requests_are_done
from orchestration.defs.ingestion import landed_files, nothing_failed_to_load
from orchestration.defs.jobs import (
    build_months_job,
    daily_schedule,
    landed_files_sensor,
    monthly_refit_schedule,
    segmentary_job,
    snapshot_months_job,
    weekly_tests_schedule,
)
from orchestration.defs.lifetime_value import lifetime_value
from orchestration.defs.personas import (
    persona_classifier,
    personas_can_be_told_apart,
)
from orchestration.defs.publishing import published_file
from orchestration.defs.record_linkage import record_linkage
from orchestration.defs.reporting import report
from orchestration.defs.resources import make_resources
from orchestration.defs.threshold_tuning import threshold_tuning
from orchestration.defs.transformation import dbt_models
from orchestration.progress import progress_logger
from orchestration.settings import load_settings

defs = dg.Definitions(
    assets=[
        landed_files,
        dbt_models,
        record_linkage,
        clustering,
        persona_classifier,
        lifetime_value,
        threshold_tuning,
        published_file,
        report,
    ],
    asset_checks=[
        nothing_failed_to_load,
        clusters_are_the_models,
        customers_are_the_models,
        personas_can_be_told_apart,
        sources_are_on_time,
        volumes_are_as_expected,
        flows_are_as_expected,
        erasure_requests_are_done,
    ],
    jobs=[segmentary_job, build_months_job, snapshot_months_job, erase],
    schedules=[daily_schedule, monthly_refit_schedule, weekly_tests_schedule],
    sensors=[landed_files_sensor, alerts_sensor],
    resources=make_resources(load_settings()),
    loggers={"console": dg.colored_console_logger, "progress": progress_logger},
    executor=dg.in_process_executor,
)
