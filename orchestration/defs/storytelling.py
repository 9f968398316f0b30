"""What the UI shows of an asset beside its name: owner, kind, figures, questions.

Belongs here: words and figures for people who look. What is built and when doesn't.
"""

import base64
import csv
import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import dagster as dg
from duckdb import DuckDBPyConnection

from orchestration.settings import PROJECT_ROOT, load_settings
from python_models.charts import Chart, to_png

OWNERS: Final = ("team:data",)
# Figures that a table's own row count doesn't tell, each a time series in the UI: name
# and number, in one query for each asset.
FIGURES: Final = {
    "marts__customer_facts": """
        select unnest(['n_customers', 'n_purchasers', 'n_orders', 'net_amount_window']),
            unnest([count(*), sum((n_orders > 0) :: integer), sum(n_orders),
                sum(net_amount_window) :: double])
        from marts.customer_facts
    """,
    "marts__segment_summary": """
        select 'n_' || segment, n_customers from marts.segment_summary
        where segment_set = 'rfm' and segment <> 'none' order by segment
    """,
    "marts__segment_transitions": """
        select 'moved_rate_' || segment_set,
            sum(case when from_segment <> to_segment then n_customers else 0 end)
                / sum(n_customers)
        from marts.segment_transitions
        where segment_set in ('rfm', 'lifecycle', 'cluster') and as_of_date =
            (select max(as_of_date) from marts.segment_transitions)
        group by segment_set having sum(n_customers) > 0 order by segment_set
    """,
    "marts__row_accounting": """
        select unnest(['n_landed', 'n_accepted', 'n_duplicate', 'n_rejected',
                'n_withheld', 'n_erased']),
            unnest([sum(n_landed), sum(n_accepted), sum(n_duplicate), sum(n_rejected),
                sum(n_withheld), sum(n_erased)])
        from marts.row_accounting
    """,
    "marts__source_freshness": """
        select 'n_late_streams', sum(is_late :: integer) from marts.source_freshness
    """,
    "marts__volume_anomalies": """
        select 'n_anomalies', sum((anomaly_type <> 'none') :: integer)
        from marts.volume_anomalies
    """,
}
_QUESTIONS: Final = {
    "unique": "`{column_name}` is in no two rows.",
    "not_null": "`{column_name}` is in every row.",
    "accepted_values": "`{column_name}` is one of {values}.",
    "relationships": "Every `{column_name}` is a `{field}` of {to}.",
    "unique_combination": "No two rows have the same {columns}.",
    "unique_combination_in_groups": "No two rows have the same {columns}.",
    "unique_combination_as_in_facts": (
        "Each of {groups} has exactly the customers of `customer_facts_by_date`."
    ),
    "never_missing": "In every row there is {columns}.",
}


def figures_of(connection: DuckDBPyConnection, asset: str) -> dict[str, float]:
    """Read the figures of an asset that was just built, by name; some have none."""
    query = FIGURES.get(asset)
    rows = connection.execute(query).fetchall() if query else []
    return {str(name): float(value) for name, value in rows if value is not None}


def kind_of(dbt_resource_props: Mapping[str, Any]) -> str:
    """Say how a dbt node is kept: `table`, `view`, `seed`, `snapshot`."""
    if dbt_resource_props["resource_type"] != "model":
        return str(dbt_resource_props["resource_type"])
    return "view" if dbt_resource_props["config"]["materialized"] == "view" else "table"


def question_of(test: Mapping[str, Any]) -> str | None:
    """Say what a dbt test asks: its description, its first comment, or its kind's.

    Parameters
    ----------
    test
        The test as the manifest has it.

    Returns
    -------
    str or None
        None for a kind of test that nobody has described.
    """
    if test.get("description"):
        return str(test["description"])
    kind = test.get("test_metadata")
    if kind is None:
        comment = re.match(r"(?:\{\{.*?\}\}\s*)?((?:-- .*\n)+)", test["raw_code"])
        lines = comment[1].splitlines() if comment else []
        return " ".join(line.removeprefix("-- ").strip() for line in lines) or None
    words = {
        name: ", ".join(f"`{one}`" for one in value)
        if isinstance(value, list)
        else re.sub(r"^ref\('(\w+)'\)$", r"`\1`", str(value))
        for name, value in kind["kwargs"].items()
    }
    question = _QUESTIONS.get(kind["name"])
    return question.format_map(words) if question else None


def plot(chart: Chart) -> dg.MarkdownMetadataValue:
    """Show a chart as a picture."""
    encoded = base64.b64encode(to_png(chart)).decode()
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{encoded})")


def lineage_link() -> dg.MetadataValue[Any]:
    """Say where the page of column lineage is, once `make lineage` has drawn it."""
    page = load_settings().state / "reports" / "column_lineage.html"
    if page.is_relative_to(PROJECT_ROOT):
        page = page.relative_to(PROJECT_ROOT)
    return dg.MetadataValue.path(str(page))


def run_daily() -> dg.FreshnessPolicy:
    """Ask for a run a day, as the schedule `daily` makes them; after two it is late."""
    return dg.FreshnessPolicy.time_window(
        fail_window=dt.timedelta(hours=49), warn_window=dt.timedelta(hours=26)
    )


def looked_for(source_name: str, stream_name: str) -> dg.FreshnessPolicy | None:
    """Ask that a stream's files are looked for as often as they are due.

    Whether they came is for the check `sources_are_on_time` to say: a run that finds no
    file has looked all the same.

    Parameters
    ----------
    source_name, stream_name
        The stream, as the seed `source_cadences` names it.

    Returns
    -------
    dagster.FreshnessPolicy or None
        None where the seed gives no cadence.
    """
    days = _cadences().get((source_name, stream_name))
    if not days:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=int(days)))


@cache
def _cadences() -> dict[tuple[str, str], str]:
    """Read the seed: days by source and stream, empty where none are given."""
    with (PROJECT_ROOT / "seeds" / "source_cadences.csv").open(newline="") as stream:
        return {
            (row["source_name"], row["stream_name"]): row["max_age_days"]
            for row in csv.DictReader(stream)
        }
