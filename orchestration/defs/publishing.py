"""The published file, as the last asset of the graph."""

import dagster as dg

from orchestration import publishing
from orchestration.defs.clustering import clustering
from orchestration.defs.ingestion import landed_files
from orchestration.defs.lifetime_value import lifetime_value
from orchestration.defs.record_linkage import record_linkage
from orchestration.defs.resources import (
    WAREHOUSE_POOL,
    AsOf,
    DbtOptions,
    WarehouseResource,
)
from orchestration.defs.storytelling import OWNERS, run_daily
from orchestration.defs.transformation import MANIFEST, WHOLE_JOB, dbt_models
from orchestration.dictionary import read_dictionary
from orchestration.project import code_version, project_checksum
from orchestration.settings import PROJECT_ROOT, load_settings

PUBLISHED_KEY = dg.AssetKey(["published", "segmentary"])
_TABLES = publishing.published_tables(MANIFEST)


def _upstream() -> list[dg.AssetKey]:
    """Every asset: a failure anywhere keeps the run from being published."""
    keys = {
        key
        for assets in (
            landed_files,
            dbt_models,
            record_linkage,
            clustering,
            lifetime_value,
        )
        for key in assets.keys
    }
    return sorted(keys, key=lambda key: key.to_user_string())


@dg.asset(
    key=PUBLISHED_KEY,
    deps=_upstream(),
    group_name="published",
    description=(
        "One DuckDB file with every published mart, its descriptions, units and keys "
        "and what the metrics are made of. BI tools open it read-only, whatever runs "
        "meanwhile, and see one whole run; it is replaced once every test has passed. "
        "How to connect: docs/bi.md."
    ),
    kinds={"duckdb", "file"},
    owners=OWNERS,
    freshness_policy=run_daily(),
    pool=WAREHOUSE_POOL,
)
def published_file(
    context: dg.AssetExecutionContext,
    as_of: AsOf,
    dbt_options: DbtOptions,
    warehouse: WarehouseResource,
) -> dg.MaterializeResult[None]:
    """Copy the marts to a file of their own, once every test has passed."""
    settings = load_settings()
    counts = publishing.publish(
        warehouse.open(),
        settings.published_path,
        _TABLES,
        publishing.Publication(
            run_id=context.run_id,
            as_of_date=as_of.resolve(context),
            code_version=code_version(),
            project_checksum=project_checksum(MANIFEST, settings.dbt_vars),
            is_tested=context.job_name == WHOLE_JOB,
            dictionary=read_dictionary(MANIFEST, settings),
        ),
        # A file that each run only adds to keeps the bytes of what it deleted.
        anew=dbt_options.full_refresh or dbt_options.test_every_row,
    )
    shown = settings.published_path
    if shown.is_relative_to(PROJECT_ROOT):
        shown = shown.relative_to(PROJECT_ROOT)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(shown)),
            "dagster/row_count": sum(counts.values()),
            "n_tables": len(counts),
            "size_mb": round(settings.published_path.stat().st_size / 1e6, 1),
            "tables": dg.MetadataValue.md(_table(counts)),
        }
    )


def _table(counts: dict[str, int]) -> str:
    """Render rows by table as Markdown."""
    lines = ["| table | rows |", "|---|---:|"]
    lines += [f"| {name} | {rows:,} |" for name, rows in counts.items()]
    return "\n".join(lines)
