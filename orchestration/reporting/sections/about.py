"""Which run this is, and what else its published file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.formats import cell
from orchestration.reporting.page import Section, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.reporting.answers import Answer
    from orchestration.reporting.page import Shop

QUERIES: Final = (
    Query(
        "published_tables",
        """\
select count(*) as n_tables, sum(n_rows)::bigint as n_rows
from marts.publication_tables
having count(*) > 0""",
    ),
)


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section."""
    run, tables = answers["publication"], answers["published_tables"]
    body = Markup(
        "Run <code>{}</code>, version {} of the project. Amounts are in {}; net ones "
        "are less discounts and refunds."
    ).format(
        cell(run, "run_id", "text"), cell(run, "code_version", "text"), shop.currency
    )
    if len(tables):
        body += Markup(
            " The published file has {} tables with {} rows; its table "
            "<code>data_dictionary</code> describes every column."
        ).format(cell(tables, "n_tables", "count"), cell(tables, "n_rows", "count"))
    return Section("about", "About this report", "", [Text(body)], (run, tables))
