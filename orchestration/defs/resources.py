"""Every resource, bound once."""

import datetime as dt
from typing import Any

import dagster as dg

from orchestration.project import make_dbt
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse

WAREHOUSE_POOL = "warehouse"


class AsOf(dg.ConfigurableResource[Any]):
    """The day that a run describes; run configuration, since no model reads a clock."""

    date: str | None = None

    def resolve(self, context: dg.AssetExecutionContext) -> dt.date:
        """Return the run's as-of date.

        Raises
        ------
        ValueError
            If the configured text is not a date as YYYY-MM-DD.
        """
        record = context.instance.get_run_record_by_id(context.run_id)
        started_at = record.create_timestamp if record else dt.datetime.now(dt.UTC)
        return load_settings().as_of_date(self.date, started_at)


class DbtOptions(dg.ConfigurableResource[Any]):
    """What holds for every dbt step of a run, however Dagster splits the project.

    Tests look at every row where the tables are made anew or `test_every_row` is set,
    else at what came after the loads that an earlier run tested and published.
    """

    full_refresh: bool = False
    test_every_row: bool = False


class WarehouseResource(dg.ConfigurableResource[Any]):
    """The DuckDB file that dbt builds into; nothing else may open one."""

    def open(self) -> Warehouse:
        """Return the warehouse of the settings."""
        return Warehouse(load_settings().warehouse_path)


def make_resources(settings: Settings) -> dict[str, Any]:
    """Bind the dbt command line, the warehouse and the as-of date."""
    return {
        "as_of": AsOf(),
        "dbt": make_dbt(settings),
        "dbt_options": DbtOptions(),
        "warehouse": WarehouseResource(),
    }
