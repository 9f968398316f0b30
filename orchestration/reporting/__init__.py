"""Pages about the published file, for people who don't write SQL.

Belongs here: named queries over the published file, charts and tables drawn from their
answers, and the pages that hold them. Everything here reads the published file, never
the warehouse, so a page shows what BI tools see, and can be made anew without a run.

A number on a page is a cell of an answer, and says so in its markup (`data-query`,
`data-row`, `data-column`); nothing is computed between the answer and the page but its
spelling. `tests/reporting/` asks again and compares.

What a run is and when pages are made does not belong here, but to `orchestration.defs`.
"""

from orchestration.reporting.files import Report, write_report

__all__ = ["Report", "write_report"]
