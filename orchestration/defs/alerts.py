"""Checks on what the marts tell, and the sensor that posts one digest a run.

A failed check leaves a run green, and nobody opens a UI to see whether all is well. The
checks run inside the run. Where a run ends before them, the sensor asks the marts as
they stand: the warehouse's only while no run is under way, since DuckDB would lock out
one that is about to write, else the published file's, into which nobody writes.
"""

import os
from typing import Final

import dagster as dg
import duckdb

from orchestration.alerts import (
    WEBHOOK_VARIABLE,
    FailedCheck,
    RunDigest,
    late_sources,
    post,
    recent_anomalies,
    standing_findings,
    unusual_flows,
)
from orchestration.defs.resources import WAREHOUSE_POOL, WarehouseResource
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse, WarehouseError

FINDINGS = "findings"
RUNS_A_LOOK = 50
NO_MARTS = "not known: no marts can be read now"
ENDINGS: Final = (
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)
UNDER_WAY = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@dg.asset_check(
    asset=dg.AssetKey(["marts", "source_freshness"]),
    description="No source is later than the seed `source_cadences` allows.",
    pool=WAREHOUSE_POOL,
)
def sources_are_on_time(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Name the streams that are late."""
    return _warning(late_sources(warehouse.open()))


@dg.asset_check(
    asset=dg.AssetKey(["marts", "volume_anomalies"]),
    additional_deps=[dg.AssetKey(["marts", "dim_as_of_dates"])],
    description="Nothing stopped or burst in the last days before the as-of date.",
    pool=WAREHOUSE_POOL,
)
def volumes_are_as_expected(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Name the drops and spikes of the last days (var `alert_days`)."""
    n_days = int(load_settings().project_var("alert_days"))
    return _warning(recent_anomalies(warehouse.open(), n_days))


@dg.asset_check(
    asset=dg.AssetKey(["marts", "segment_flow_anomalies"]),
    additional_deps=[dg.AssetKey(["marts", "dim_as_of_dates"])],
    description=(
        "Customers moved between segments as in the months before, in the newest "
        "complete month."
    ),
    pool=WAREHOUSE_POOL,
)
def flows_are_as_expected(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Name unusual flows, up to so many days after the month (`flow_alert_days`)."""
    n_days = int(load_settings().project_var("flow_alert_days"))
    return _warning(unusual_flows(warehouse.open(), n_days))


def _warning(findings: list[str]) -> dg.AssetCheckResult:
    """Pass, or warn: nothing that these find makes the marts wrong."""
    return dg.AssetCheckResult(
        passed=not findings,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={FINDINGS: findings} if findings else {},
    )


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=30,
    description=(
        "Posts one digest for each run that failed, was canceled or had failed checks "
        f"to the webhook of the environment variable {WEBHOOK_VARIABLE}; without one "
        "it is in the log of the tick."
    ),
)
def alerts_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Report the oldest finished run that has something to say and was not reported."""
    instance = context.instance
    if context.cursor is None:
        newest = _endings(instance, after=None)
        context.update_cursor(str(newest[-1].storage_id if newest else 0))
        return dg.SkipReason("switched on: runs that end from now on are reported")
    for ending in _endings(instance, after=int(context.cursor)):
        digest = digest_of(instance, ending.run_id)
        if digest and not digest.is_clean:
            # A post that fails fails the tick: its cursor isn't kept, so the next one
            # tries again, and what was posted before is not posted twice.
            _deliver(context, digest)
            context.update_cursor(str(ending.storage_id))
            return dg.SkipReason(digest.text())
        context.update_cursor(str(ending.storage_id))
    return dg.SkipReason("no run has ended with something to say")


def _deliver(context: dg.SensorEvaluationContext, digest: RunDigest) -> None:
    url = os.environ.get(WEBHOOK_VARIABLE)
    if url:
        post(url, digest.message())
    context.log.warning(
        "%s\n%s", "posted:" if url else "no webhook is set:", digest.text()
    )


def _endings(
    instance: dg.DagsterInstance, *, after: int | None
) -> list[dg.EventLogRecord]:
    """List how runs ended, oldest first; only the newest where no place is given."""
    pages = [
        instance.fetch_run_status_changes(
            dg.RunStatusChangeRecordsFilter(ending, after_storage_id=after),
            limit=1 if after is None else RUNS_A_LOOK,
            ascending=after is not None,
        )
        for ending in ENDINGS
    ]
    records = sorted(
        (record for page in pages for record in page.records),
        key=lambda record: record.storage_id,
    )
    if after is None:
        return records[-1:]
    # Past the end of a cut page the other kinds' runs would overtake.
    ends = [page.records[-1].storage_id for page in pages if page.has_more]
    return [r for r in records if not ends or r.storage_id <= min(ends)]


def digest_of(instance: dg.DagsterInstance, run_id: str) -> RunDigest | None:
    """Sum a finished run up, from Dagster's own records of it.

    Parameters
    ----------
    instance
        Dagster's storage.
    run_id
        The run.

    Returns
    -------
    RunDigest or None
        None where the run was deleted meanwhile.
    """
    run = instance.get_run_by_id(run_id)
    if run is None:
        return None
    checks: dict[dg.AssetCheckKey, dg.AssetCheckEvaluation] = {}
    for entry in instance.all_logs(
        run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ):
        evaluation = entry.get_dagster_event().asset_check_evaluation_data
        # A step that was retried checks again: the last word counts.
        checks[evaluation.asset_check_key] = evaluation
    steps = {
        entry.get_dagster_event().step_key
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    }
    settings = load_settings()
    not_looked = _OWN_CHECKS - {key.name for key in checks}
    return RunDigest(
        shop_name=str(settings.project_var("shop_name")),
        run_id=run_id,
        job_name=run.job_name,
        is_success=run.is_success,
        failed_steps=tuple(sorted(step for step in steps if step)),
        failed_checks=tuple(
            FailedCheck(
                asset_name=key.asset_key.to_user_string(),
                check_name=key.name,
                is_error=evaluation.severity is dg.AssetCheckSeverity.ERROR,
                findings=_findings(evaluation),
            )
            for key, evaluation in checks.items()
            if not evaluation.passed
        ),
        is_canceled=run.status is dg.DagsterRunStatus.CANCELED,
        standing=() if run.is_success else _standing(instance, settings, not_looked),
    )


def _standing(
    instance: dg.DagsterInstance, settings: Settings, not_looked: set[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Say what the marts tell of what a run didn't get to look for."""
    if not not_looked:
        return ()
    n_days = int(settings.project_var("alert_days"))
    n_flow_days = int(settings.project_var("flow_alert_days"))
    looks = {
        "sources_are_on_time": ("Late sources", late_sources),
        "volumes_are_as_expected": (
            "Drops and spikes",
            lambda warehouse: recent_anomalies(warehouse, n_days),
        ),
        "flows_are_as_expected": (
            "Unusual flows",
            lambda warehouse: unusual_flows(warehouse, n_flow_days),
        ),
    }
    places = [Warehouse(settings.published_path, lock_wait_seconds=0)]
    # A file that is open for reading keeps a run that wants to write waiting.
    if not instance.get_runs_count(dg.RunsFilter(statuses=list(UNDER_WAY))):
        places.insert(0, Warehouse(settings.warehouse_path, lock_wait_seconds=0))
    for place in places:
        try:
            return standing_findings(
                place, dict(look for name, look in looks.items() if name in not_looked)
            )
        # It is being written after all, or nothing was built yet.
        except (WarehouseError, duckdb.Error):
            continue
    return (("Late sources, drops and spikes, unusual flows", (NO_MARTS,)),)


def _findings(evaluation: dg.AssetCheckEvaluation) -> tuple[str, ...]:
    """Return what one of the checks above has found, and nobody else's words."""
    if evaluation.check_name not in _OWN_CHECKS:
        return ()
    found = evaluation.metadata.get(FINDINGS)
    return tuple(map(str, found.value)) if found else ()  # type: ignore[arg-type]


_OWN_CHECKS = {
    "flows_are_as_expected",
    "sources_are_on_time",
    "volumes_are_as_expected",
}
