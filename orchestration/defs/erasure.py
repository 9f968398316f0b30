"""The job that forgets people, and the check that none waits too long."""

import datetime as dt

import dagster as dg

from orchestration import erasure
from orchestration.defs.alerts import FINDINGS
from orchestration.defs.resources import WAREHOUSE_POOL, WarehouseResource
from orchestration.erasure.building import make_workshop
from orchestration.ingestion import read_contracts
from orchestration.settings import PROJECT_ROOT, load_settings

_CONTRACTS = read_contracts(PROJECT_ROOT / "models" / "staging")


class ErasureOptions(dg.Config):
    """How far an erasure goes."""

    rewrite_landing: bool = False


@dg.op(pool=WAREHOUSE_POOL)
def erase_people(context: dg.OpExecutionContext, config: ErasureOptions) -> None:
    """Act on every open request, and finish what an earlier run could not."""
    report = erasure.erase(
        load_settings(),
        _CONTRACTS,
        make_workshop(load_settings(), context.run_id),
        dt.datetime.now(dt.UTC).replace(tzinfo=None),
        rewrite_landing=config.rewrite_landing,
    )
    told, *further = report.lines()
    for line in further:
        context.log.warning(line)
    context.log_event(
        dg.AssetMaterialization(
            asset_key=["raw", "erasures"],
            description=told,
            metadata={
                "n_rows": report.n_rows,
                "n_completed": report.n_completed,
                "landing_files": list(report.landing_files),
                **{f"n_{outcome}": count for outcome, count in report.outcomes.items()},
            },
        )
    )


@dg.job(
    description=(
        "Open requests to be forgotten: the people leave the warehouse, its file and "
        "the published file."
    )
)
def erase() -> None:
    """Run the erasure."""
    erase_people()


@dg.asset_check(
    asset=dg.AssetKey(["staging", "stg_erasure__requests"]),
    name="erasure_requests_are_done",
    description="Nobody waits longer for erasure than the var `erasure_due_days` says.",
    pool=WAREHOUSE_POOL,
)
def erasure_requests_are_done(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Say how many requests are overdue: open, or begun and never completed."""
    due_days = int(load_settings().project_var("erasure_due_days"))
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    n_overdue = erasure.count_overdue(warehouse.open(), now, due_days)
    told = (
        f"{n_overdue} request(s) to be forgotten are older than {due_days} days: run "
        "`make erase`"
    )
    return dg.AssetCheckResult(
        passed=not n_overdue,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"n_overdue": n_overdue} | ({FINDINGS: [told]} if n_overdue else {}),
    )
