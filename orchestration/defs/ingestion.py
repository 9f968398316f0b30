"""Landed files to schema `raw`, exactly once."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, WarehouseResource
from orchestration.ingestion import FileOutcome, load_landed_files, read_contracts
from orchestration.publishing import open_failures
from orchestration.settings import load_settings

_CONTRACTS = read_contracts()
_SHOWN_FILES = 50


def _specs() -> list[dg.AssetSpec]:
    """One asset for every raw table, described by its contract."""
    return [
        dg.AssetSpec(
            key=["raw", table.identifier],
            description=table.description,
            group_name="raw",
            kinds={"duckdb"},
            skippable=False,
            metadata={
                "dagster/column_schema": dg.TableSchema(
                    [
                        dg.TableColumn(
                            name=column.name,
                            type=column.data_type,
                            description=column.description,
                        )
                        for column in table.columns
                    ]
                )
            },
        )
        for table in _CONTRACTS.raw_tables
    ]


@dg.multi_asset(specs=_specs(), pool=WAREHOUSE_POOL, name="landed_files")
def landed_files(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Load every landed file that was not loaded before, each in one transaction."""
    settings = load_settings()
    database = warehouse.open()
    report = load_landed_files(
        database,
        settings.landing,
        sources=settings.project_var("sources"),
        now=dt.datetime.now(dt.UTC).replace(tzinfo=None),
    )
    statuses = Counter(outcome.status for outcome in report.files)
    context.log.info("landed files: %s", dict(statuses) or "none")
    for outcome in report.files:
        if outcome.status == "failed":
            context.log.error("%s: %s", outcome.path, outcome.reason)
    with database.read() as connection:
        for table in _CONTRACTS.raw_tables:
            counted = connection.execute(
                f"select count(*) from raw.{table.identifier}"
            ).fetchone()
            files = [
                outcome
                for outcome in report.files
                if outcome.identifier == table.identifier
            ]
            yield dg.MaterializeResult(
                asset_key=["raw", table.identifier],
                metadata={
                    "dagster/row_count": counted[0] if counted else 0,
                    "files": dg.MetadataValue.md(_table(files)),
                },
            )


@dg.asset_check(
    asset=dg.AssetKey(["raw", "failed_files"]),
    description="Every landed file was loaded or recognised; else nothing is published.",
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


def _table(files: list[FileOutcome]) -> str:
    """Render what became of each file as Markdown."""
    if not files:
        return "no file"
    lines = ["| file | status | records | rejected |", "|---|---|---:|---:|"]
    lines += [
        f"| {file.path} | {file.status} | {file.n_records:,} | {file.n_rejected:,} |"
        for file in files[:_SHOWN_FILES]
    ]
    if len(files) > _SHOWN_FILES:
        lines.append(f"| and {len(files) - _SHOWN_FILES} more | | | |")
    return "\n".join(lines)
