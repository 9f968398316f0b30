"""Landed files to schema `raw`, exactly once."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, WarehouseResource
from orchestration.defs.source_tables import source_spec
from orchestration.defs.storytelling import looked_for
from orchestration.ingestion import (
    FileResult,
    load_landed_files,
    mask_contacts,
    read_contracts,
)
from orchestration.publishing import open_failures
from orchestration.settings import PROJECT_ROOT, load_settings

_CONTRACTS = read_contracts(PROJECT_ROOT / "models" / "staging")
_TABLES = [table for table in _CONTRACTS if table.schema_name == "raw"]
_SHOWN_FILES = 50


@dg.multi_asset(
    specs=[
        source_spec(
            "raw",
            table.table_name,
            group="raw",
            kinds={"duckdb", "table"},
        ).replace_attributes(
            freshness_policy=looked_for(table.source_name, table.stream_name)
        )
        for table in _TABLES
    ],
    name="landed_files",
    pool=WAREHOUSE_POOL,
)
def landed_files(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Load every landed file that was not loaded before, each in one transaction."""
    settings = load_settings()
    with warehouse.open().write() as connection:
        report = load_landed_files(
            connection,
            settings.landing,
            _CONTRACTS,
            dt.datetime.now(dt.UTC).replace(tzinfo=None),
            sources=settings.project_var("sources"),
            salt=settings.salt,
            calling_codes=settings.project_var("source_calling_codes"),
        )
        counts = {
            table.table_name: connection.execute(
                f"select count(*) from {table.relation}"
            ).fetchall()[0][0]
            for table in _TABLES
        }
    context.log.info("landed files: %s", report.n_files() or "none")
    for line in report.lines():
        context.log.warning(line)
    for table in _TABLES:
        metadata: dict[str, Any] = {"dagster/row_count": counts[table.table_name]}
        if table.landing:
            of_table = report.of_stream(table.source_name, table.stream_name)
            metadata["n_new_records"] = of_table.n_new_records
            metadata["files"] = dg.MetadataValue.md(_table(of_table.files))
        yield dg.MaterializeResult(
            asset_key=["raw", table.table_name], metadata=metadata
        )


@dg.asset_check(
    asset=dg.AssetKey(["raw", "failed_files"]),
    description="Every landed file was loaded or recognised; else nothing is public.",
    pool=WAREHOUSE_POOL,
)
def nothing_failed_to_load(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Name every landed file that failed as a whole and still lies there."""
    failures = open_failures(warehouse.open())
    return dg.AssetCheckResult(
        passed=not failures,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"failures": failures} if failures else {},
    )


def _table(files: Sequence[FileResult]) -> str:
    """Render what became of each file as Markdown."""
    if not files:
        return "no file"
    lines = ["| file | status | records | rejected |", "|---|---|---:|---:|"]
    lines += [
        f"| {mask_contacts(file.name)} | {file.status} "
        f"| {file.n_records:,} | {file.n_rejected:,} |"
        for file in files[:_SHOWN_FILES]
    ]
    if len(files) > _SHOWN_FILES:
        lines.append(f"| and {len(files) - _SHOWN_FILES} more | | | |")
    return "\n".join(lines)
