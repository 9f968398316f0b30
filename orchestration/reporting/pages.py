"""Which sections a page has, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.formats import cell
from orchestration.reporting.page import Shop, render
from orchestration.reporting.sections import (
    about,
    clusters,
    movement,
    overview,
    personas,
    records,
    segment_map,
    sizes,
    value,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.reporting.answers import Answer
    from orchestration.reporting.page import Section

_RUN: Final = (
    Query(
        "publication",
        "select run_id, left(run_id, 8) as run_name, as_of_date, code_version\n"
        "from marts.publication",
    ),
    Query(
        "shop",
        "select shop_name, reporting_currency, business_time_zone\n"
        "from marts.publication",
    ),
)
_MODULES: Final = (
    overview,
    segment_map,
    sizes,
    movement,
    personas,
    clusters,
    value,
    records,
    about,
)
QUERIES: Final[tuple[Query, ...]] = (
    *_RUN,
    *(query for module in _MODULES for query in module.QUERIES),
)


def report_page(answers: Mapping[str, Answer]) -> tuple[str, int]:
    """Make the report; return it with the number of its sections."""
    shop = _shop(answers)
    sections = [module.make(answers, shop) for module in _MODULES]
    links = [("personas.html", "Personas in full"), ("../index.html", "All runs")]
    return _page(answers, "Customer segments", sections, links), len(sections)


def personas_page(answers: Mapping[str, Answer]) -> tuple[str, int]:
    """Make the page of personas; return it with the number of its sections."""
    sections = personas.make_all(answers, _shop(answers))
    links = [("index.html", "Report of this run"), ("../index.html", "All runs")]
    return _page(answers, "Personas", sections, links), len(sections)


def _shop(answers: Mapping[str, Answer]) -> Shop:
    shop = answers["shop"]
    currency = shop.value("reporting_currency") if len(shop) else ""
    return Shop(currency=currency or "reporting currency")


def _page(
    answers: Mapping[str, Answer],
    heading: str,
    sections: list[Section],
    links: list[tuple[str, str]],
) -> str:
    run, shop = answers["publication"], answers["shop"]
    meta = Markup("As of {}, what was known before that day began{} · run {}").format(
        cell(run, "as_of_date", "date"),
        Markup(" in {}").format(cell(shop, "business_time_zone", "text"))
        if len(shop)
        else "",
        cell(run, "run_name", "text"),
    )
    name = shop.value("shop_name") if len(shop) else ""
    return render(
        "sections.html.jinja",
        title=f"{heading} · {name}" if name else heading,
        kicker=cell(shop, "shop_name", "text") if len(shop) else "",
        heading=heading,
        meta=meta,
        sections=sections,
        links=links,
    )
