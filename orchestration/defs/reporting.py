"""The report, made of the published file once it is there."""

import dagster as dg

from orchestration.defs.publishing import PUBLISHED_KEY
from orchestration.defs.resources import WAREHOUSE_POOL
from orchestration.defs.storytelling import OWNERS
from orchestration.reporting import write_report
from orchestration.settings import PROJECT_ROOT, load_settings

REPORT_KEY = dg.AssetKey(["published", "report"])


@dg.asset(
    key=REPORT_KEY,
    deps=[PUBLISHED_KEY],
    group_name="published",
    kinds={"altair", "html"},
    owners=OWNERS,
    # It doesn't open the warehouse; but the next run mustn't publish before it is done.
    pool=WAREHOUSE_POOL,
)
def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Pages about the published run, for people who don't write SQL.

    One report with charts and one page of personas, self-contained, kept by run. It
    comes after the published file, which stays whatever becomes of it.
    """
    settings = load_settings()
    kept = int(settings.project_var("reports_kept"))
    if not kept:
        context.log.info("no report: reports_kept is 0")
        return dg.MaterializeResult(metadata={"is_made": False})
    made = write_report(settings.published_path, settings.reports_path, kept=kept)
    if made.run_id != context.run.run_id:
        context.log.warning(
            "the published file is of run %s, and so is the report", made.run_id
        )
    shown = made.path
    if shown.is_relative_to(PROJECT_ROOT):
        shown = shown.relative_to(PROJECT_ROOT)
    return dg.MaterializeResult(
        metadata={
            "is_made": True,
            "path": dg.MetadataValue.path(str(shown)),
            "report": dg.MetadataValue.url(made.path.as_uri()),
            "personas": dg.MetadataValue.url(made.personas_path.as_uri()),
            "all_runs": dg.MetadataValue.url(made.index_path.as_uri()),
            "as_of_date": made.as_of_date.isoformat(),
            "n_sections": made.n_sections,
            "n_bytes": made.n_bytes,
            "n_runs_kept": made.n_kept,
        }
    )
