"""Reads a page as a browser would, and asks the published file whether it is true."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

# What a heading may stand above.
BELOW = {"p", "table", "figure", "dl", "ul"}
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
# A number as people read it: with thousands, decimals, and a sign.
NUMBER = re.compile(r"[−+]?\d+(?:,\d{3})*(?:\.\d+)?")  # noqa: RUF001 - the minus sign


@dataclass
class Cell:
    """A number or text that says which cell of which query it is."""

    query: str
    row: int
    column: str
    value: str
    text: str = ""


@dataclass
class Figure:
    """A chart: what is written in it, and the cells of the tables behind it."""

    cells: list[Cell] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    n_drawings: int = 0


@dataclass
class Section:
    """A part of the page."""

    id: str
    kinds: list[str] = field(default_factory=list)
    n_figures: int = 0
    n_tables: int = 0
    text: str = ""


class Page(HTMLParser):
    """What is on a page.

    Attributes
    ----------
    cells
        Every cell of a query.
    loose
        Texts, also of attributes that people hear or see, outside of cells, code and
        charts.
    figures, sections
        In their order.
    addresses
        What the page links to or loads.
    ids
        Every id.
    empty
        Tags that should hold something and don't, and headings with nothing below.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.cells: list[Cell] = []
        self.loose: list[str] = []
        self.figures: list[Figure] = []
        self.sections: list[Section] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.scripts = 0
        self.empty: list[str] = []
        self._stack: list[tuple[str, dict[str, str]]] = []
        self._content: list[bool] = []
        self._waits = False
        self.feed(html)
        self.close()

    def _inside(self, *tags: str) -> bool:
        return any(tag in tags for tag, _ in self._stack)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        if self._content:
            self._content[-1] = True
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "script":
            self.scripts += 1
        self._read_attributes(found)
        self._open(tag, found)
        if tag not in VOID:
            self._stack.append((tag, found))
            self._content.append(False)

    def _read_attributes(self, found: dict[str, str]) -> None:
        for key in ("href", "src", "xlink:href"):
            if key in found:
                self.addresses.append(found[key])
        for key in ("alt", "title", "aria-label"):
            if key in found and not self._inside("svg"):
                self.loose.append(found[key])

    def _open(self, tag: str, found: dict[str, str]) -> None:
        self._see_heading(tag, found)
        if tag == "section":
            self.sections.append(Section(found.get("id", "")))
        elif tag == "figure":
            self.figures.append(Figure())
            self.sections[-1].n_figures += 1
        elif tag == "table":
            self.sections[-1].n_tables += 1
        elif tag == "svg" and self.figures:
            self.figures[-1].n_drawings += 1
        elif tag == "p" and self.sections:
            self.sections[-1].kinds += found.get("class", "").split()
        elif tag == "data":
            self.cells.append(
                Cell(
                    found["data-query"],
                    int(found["data-row"]),
                    found["data-column"],
                    found["value"],
                )
            )

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def _see_heading(self, tag: str, found: dict[str, str]) -> None:
        """Note a heading that nothing follows."""
        ends = tag == "h3" or found.get("class") == "sql"
        if self._waits and ends:
            self.empty.append(f"a heading before {tag} {found}")
        if tag == "h3" or ends or tag in BELOW:
            self._waits = tag == "h3"

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._see_heading("h3", {})
            self._waits = False
        opened, found = self._stack.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        has_content = self._content.pop()
        if not has_content and tag in (
            "p",
            "h1",
            "h2",
            "h3",
            "ul",
            "th",
            "dd",
            "figure",
        ):
            self.empty.append(f"{tag} {found}")
        if tag == "data" and self._inside("figure"):
            self.figures[-1].cells.append(self.cells[-1])

    def handle_data(self, data: str) -> None:
        if not data.strip():
            return
        self._content[-1] = True
        if self._inside("style", "script", "pre", "code"):
            # The run's id is a cell, though it is set as code.
            if self._inside("data"):
                self.cells[-1].text += data
            return
        if self._inside("svg"):
            groups = [
                found.get("class", "") for tag, found in self._stack if tag == "g"
            ]
            # What an axis or legend says of its scale is no figure of the shop's.
            if not any(re.search(r"role-(axis|legend)", group) for group in groups):
                self.figures[-1].labels.append(data)
            return
        if self._inside("data"):
            self.cells[-1].text += data
        else:
            self.loose.append(data)
        if self.sections:
            self.sections[-1].text += data


def read(path: Path) -> Page:
    """Read a page."""
    return Page(path.read_text(encoding="utf-8"))


def untrue(page: Page, published: Path, queries: dict[str, str]) -> list[str]:
    """List cells that aren't what the published file answers now, or are spelled "
    "wrong."""
    wrong = []
    answers: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {}
    with duckdb.connect(str(published), read_only=True) as connection:
        for name in sorted({cell.query for cell in page.cells}):
            found = connection.execute(queries[name])
            columns = [column[0] for column in found.description]
            answers[name] = (columns, found.fetchall())
    for cell in page.cells:
        columns, rows = answers[cell.query]
        value = rows[cell.row][columns.index(cell.column)]
        where = f"{cell.query}[{cell.row}].{cell.column}"
        if not _same(cell.value, value):
            wrong.append(f"{where} says {cell.value!r}; the file says {value!r}")
        elif not _spelled(cell.text, value):
            wrong.append(f"{where} is {value!r}, and shown as {cell.text!r}")
    return wrong


def _same(told: str, value: Any) -> bool:
    if value is None:
        return told == ""
    if isinstance(value, bool):
        return told == str(value).lower()
    if isinstance(value, float):
        # Sums of floats may differ in the last digit from one asking to the next.
        return abs(float(told) - value) <= 1e-9 * max(1.0, abs(value))
    return told == str(value)


def _spelled(text: str, value: Any) -> bool:
    """Tell whether a text says a value, as far as its digits go."""
    if value is None:
        return text == "–"  # noqa: RUF001 - the dash of a table
    if isinstance(value, bool):
        return text == ("yes" if value else "no")
    if hasattr(value, "strftime"):
        return text in (value.strftime("%-d %b %Y"), value.strftime("%b %Y"))
    if isinstance(value, str):
        plain = re.sub(r"[^a-z0-9]", "", value.lower())
        said = re.sub(r"[^a-z0-9]", "", text.lower())
        return (
            plain == said
            or (value, text) in WORDED
            or not re.search(r"\d", text + value)
        )
    if re.fullmatch(r"\d\d:00", text):
        return int(text[:2]) == value
    number = text.replace(",", "").replace("−", "-")  # noqa: RUF001 - the minus sign
    scale = 100 if number.endswith("%") else 1
    number = number.rstrip("%×")  # noqa: RUF001 - times
    places = len(number.partition(".")[2])
    # Half a unit of the last digit, and what binary fractions are off.
    return abs(float(number) - float(value) * scale) <= 0.5 * 10**-places + 1e-9


# Codes with digits whose words have none.
WORDED: set[tuple[str, str]] = set()


def unsourced(page: Page) -> list[str]:
    """List texts with a digit that no cell vouches for."""
    wrong = [text.strip() for text in page.loose if re.search(r"\d", text)]
    for figure in page.figures:
        vouched = {
            number
            for cell in figure.cells
            for number in [*NUMBER.findall(cell.text), cell.text]
        }
        wrong += [
            f"in a chart: {text}"
            for text in figure.labels
            for number in NUMBER.findall(text)
            if number not in vouched
        ]
    return wrong
