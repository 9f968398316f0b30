"""The dbt project: every node an asset, every test an asset check."""

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtProject,
    dbt_assets,
)

from orchestration.defs.resources import (
    WAREHOUSE_POOL,
    AsOf,
    DbtOptions,
    WarehouseResource,
)
from orchestration.defs.storytelling import (
    OWNERS,
    figures_of,
    kind_of,
    lineage_link,
    question_of,
)
from orchestration.erasure import is_unfinished
from orchestration.history import newest_history_date
from orchestration.project import WarehouseDbt, prepare_manifest, project_checksum
from orchestration.publishing import newest_tested_load
from orchestration.settings import (
    AS_OF_VARIABLE,
    PROJECT_ROOT,
    TESTED_LOAD_VARIABLE,
    Settings,
    load_settings,
)
from orchestration.warehouse import relation_name

WHOLE_JOB = "segmentary"
# A run with this tag builds without dbt's data tests; only parts of a replay have it.
WITHOUT_TESTS_TAG = "segmentary/without_tests"
_ROOMS = ("core", "segments", "quality")
MANIFEST: dict[str, Any] = json.loads(prepare_manifest().read_text())
_FIRST_LOADED = dg.AssetKey(["raw", "load_manifest"])
# The last that Python writes of those that read what it wrote before.
_LAST_OF_PYTHON = dg.AssetKey(["python", "persona_classifiers"])
_LINEAGE_LINK = lineage_link()


class RoomTranslator(DagsterDbtTranslator):
    """Groups assets by the room their model lives in, and says what they are."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Return the innermost room of a node: core, segments, staging, seeds, ..."""
        kind = dbt_resource_props["resource_type"]
        if kind == "model":
            folders = dbt_resource_props["fqn"][1:-1]
            # What reads Python comes after it, so it is a room of its own in the graph.
            if folders in (["staging", "linkage"], ["staging", "python"]):
                return "_".join(folders)
            inner = [folder for folder in folders if folder in _ROOMS]
            return str(inner[0] if inner else folders[0])
        return f"{kind}s"

    def get_asset_spec(
        self,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetSpec:
        """Give an asset its owner, its kind and the way to the lineage of its columns.

        Seeds come after ingestion, which makes a new warehouse and its salt. They read
        nothing, so Dagster would load them first, in a step of their own. What reads
        clusters needn't wait for personas, which read clusters too; but then dbt would
        be started once more between the two, which takes seconds.
        """
        spec = super().get_asset_spec(manifest, unique_id, project)
        if unique_id.startswith("source."):
            return spec
        kind = kind_of(self.get_resource_props(manifest, unique_id))
        if kind == "seed":
            spec = spec.replace_attributes(deps=[*spec.deps, _FIRST_LOADED])
        is_output = unique_id.startswith("model.") and (
            manifest["nodes"][unique_id]["fqn"][1:-1] == ["staging", "python"]
        )
        if is_output and _LAST_OF_PYTHON not in {dep.asset_key for dep in spec.deps}:
            spec = spec.replace_attributes(deps=[*spec.deps, _LAST_OF_PYTHON])
        return spec.replace_attributes(owners=OWNERS).merge_attributes(
            kinds={kind}, metadata={"column_lineage": _LINEAGE_LINK}
        )

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Say what a test asks."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        question = question_of(self.get_resource_props(manifest, unique_id))
        return spec._replace(description=question) if spec and question else spec


@dbt_assets(
    manifest=MANIFEST,
    project=DbtProject(project_dir=PROJECT_ROOT, profiles_dir=PROJECT_ROOT),
    dagster_dbt_translator=RoomTranslator(
        settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)
    ),
    pool=WAREHOUSE_POOL,
)
def dbt_models(
    context: dg.AssetExecutionContext,
    dbt: WarehouseDbt,
    dbt_options: DbtOptions,
    as_of: AsOf,
    warehouse: WarehouseResource,
) -> Iterator[Any]:
    """Build and test the selected dbt nodes at the run's as-of date."""
    settings = load_settings()
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    # Unit tests check the code, not the data: contributors run them.
    excluded = ["unit_test"]
    if WITHOUT_TESTS_TAG in context.run.tags:
        excluded.append("test")
    args = ["build", "--exclude-resource-type", *excluded]
    # A test runs in the step that builds the last of what it reads.
    args += ["--indirect-selection", "buildable"]
    args += ["--vars", json.dumps(settings.dbt_vars)]
    # Tables that only grow would keep whoever was erased.
    full_refresh = dbt_options.full_refresh or is_unfinished(warehouse.open())
    if full_refresh:
        args.append("--full-refresh")
    every_row = full_refresh or dbt_options.test_every_row
    tested = None if every_row else _newest_tested_load(context, settings, warehouse)
    os.environ[TESTED_LOAD_VARIABLE] = "" if tested is None else str(tested)
    day = as_of.resolve(context)
    if context.job_name == WHOLE_JOB:
        _refuse_earlier_day(warehouse, day)
    os.environ[AS_OF_VARIABLE] = day.isoformat()
    invocation = dbt.cli(
        args,
        context=context,
        target_path=settings.dbt_target,
        raise_on_error=False,
    )
    events = list(invocation.stream())
    numbers = _numbers(warehouse, events)
    for event in events:
        if isinstance(event, dg.Output) and event.output_name in numbers:
            yield event.with_metadata({**event.metadata, **numbers[event.output_name]})
        else:
            yield event
    error = invocation.get_error()
    if error:
        raise error


def _newest_tested_load(
    context: dg.AssetExecutionContext, settings: Settings, warehouse: WarehouseResource
) -> int | None:
    """Return the newest load that tests need not look at; only in the whole job."""
    if context.job_name != WHOLE_JOB:
        return None
    checksum = project_checksum(MANIFEST, settings.dbt_vars)
    return newest_tested_load(warehouse.open(), settings.published_path, checksum)


def _refuse_earlier_day(warehouse: WarehouseResource, day: dt.date) -> None:
    """Stop before the first model is built where the snapshot would stop the last."""
    newest = newest_history_date(warehouse.open())
    if newest and day < newest:
        message = (
            f"as_of_date {day} is before {newest}, the newest date in history, which "
            "is written forwards only. Run a later date; to see this one as known now, "
            "materialize the marts that you want without the snapshot."
        )
        raise dg.Failure(message)


def _numbers(
    warehouse: WarehouseResource, events: list[Any]
) -> dict[str, dict[str, float]]:
    """Count the rows of every table just built and read its figures, by one connection.

    A view's rows aren't counted: that would compute it.
    """
    names = [event.output_name for event in events if isinstance(event, dg.Output)]
    numbers: dict[str, dict[str, float]] = {}
    with warehouse.open().read() as connection:
        tables = {
            f"{schema}__{table}": relation_name(f"{schema}.{table}")
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall()
        }
        for name in names:
            numbers[name] = dict(figures_of(connection, name))
            if name in tables:
                counted = connection.execute(
                    f"select count(*) from {tables[name]}"
                ).fetchone()
                numbers[name]["dagster/row_count"] = counted[0] if counted else 0
    return numbers
