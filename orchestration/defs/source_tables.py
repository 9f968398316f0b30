"""The tables that Python fills, as the dbt sources that declare them."""

import json
from functools import cache
from typing import Any

import dagster as dg

from orchestration.defs.storytelling import OWNERS
from orchestration.project import prepare_manifest


@cache
def _sources() -> dict[tuple[str, str], dict[str, Any]]:
    """Return every dbt source table by schema and name."""
    manifest = json.loads(prepare_manifest().read_text())
    return {
        (source["schema"], source["identifier"]): source
        for source in manifest["sources"].values()
    }


def source_spec(
    schema: str,
    table: str,
    *,
    group: str,
    kinds: set[str],
    deps: list[dg.AssetKey] | None = None,
) -> dg.AssetSpec:
    """Describe a table as an asset, with the description and columns of its source.

    Raises
    ------
    KeyError
        If no dbt source declares the table.
    """
    source = _sources()[schema, table]
    columns = [
        dg.TableColumn(
            name=column["name"],
            type=column["data_type"],
            description=column["description"],
        )
        for column in source["columns"].values()
    ]
    return dg.AssetSpec(
        key=[schema, table],
        description=source["description"],
        group_name=group,
        kinds=kinds,
        deps=deps or [],
        owners=OWNERS,
        metadata={"dagster/column_schema": dg.TableSchema(columns)},
    )
