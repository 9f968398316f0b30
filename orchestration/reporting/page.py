"""What a page is made of, and how its pieces become HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestration.reporting.formats import NUMERIC, cell, label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.reporting.answers import Answer


@dataclass(frozen=True)
class Column:
    """A column of a table: of which column of the answer, and how it is spelled.

    Attributes
    ----------
    name
        Column of the answer.
    title
        What people read above it, with the unit.
    kind
        A key of `formats.KINDS`.
    kind_column
        The column of the answer that says of each row of which kind it is, if any.
    """

    name: str
    title: str
    kind: str
    kind_column: str = ""

    @property
    def css(self) -> str:
        """How the column is set."""
        return "number" if self.kind in NUMERIC else "text"

    def cell(self, answer: Answer, row: int) -> Markup:
        """Show the column's cell in a row of an answer."""
        kind = self.kind
        if self.kind_column:
            kind = answer.value(self.kind_column, row)
        return cell(answer, self.name, kind, row)


@dataclass(frozen=True)
class Table:
    """Rows of an answer.

    Attributes
    ----------
    answer
        Where the cells come from.
    columns
        What is shown; the first column heads its row.
    caption
        What a row is.
    rows
        Numbers of the rows that are shown; all where not given.
    """

    template: ClassVar[str] = "table.html.jinja"

    answer: Answer
    columns: Sequence[Column]
    caption: Markup | str
    rows: Sequence[int] | None = None

    @property
    def queries(self) -> list[Answer]:
        """What was asked."""
        return [self.answer]

    @property
    def cells(self) -> list[list[Markup]]:
        """Every cell's markup, row by row."""
        rows = range(len(self.answer)) if self.rows is None else self.rows
        return [
            [column.cell(self.answer, row) for column in self.columns] for row in rows
        ]


@dataclass(frozen=True)
class Grid:
    """An answer turned about: one of its columns goes across.

    Attributes
    ----------
    answer
        One row per pair of `down` and `across`.
    down, across, shown
        The columns that head rows, head columns, and fill cells.
    caption
        What a cell is.
    title
        What heads the rows.
    """

    template: ClassVar[str] = "grid.html.jinja"

    answer: Answer
    down: Column
    across: Column
    shown: Column
    caption: Markup | str

    @property
    def queries(self) -> list[Answer]:
        """What was asked."""
        return [self.answer]

    @property
    def heads(self) -> list[Markup]:
        """What stands above the columns."""
        return [
            self.across.cell(self.answer, row)
            for row in self._first_rows(self.across.name).values()
        ]

    @property
    def lines(self) -> list[tuple[Markup, list[Markup | None]]]:
        """What heads each row, and its cells; None where the answer has none."""
        down = self._first_rows(self.down.name)
        across = list(self._first_rows(self.across.name))
        pairs = {
            (
                self.answer.value(self.down.name, row),
                self.answer.value(self.across.name, row),
            ): row
            for row in range(len(self.answer))
        }
        return [
            (
                self.down.cell(self.answer, first),
                [
                    self.shown.cell(self.answer, pairs[pair])
                    if (pair := (value, other)) in pairs
                    else None
                    for other in across
                ],
            )
            for value, first in down.items()
        ]

    def _first_rows(self, column: str) -> dict[Any, int]:
        """Map each value of a column, in order, to the first row that has it."""
        found: dict[Any, int] = {}
        for row in range(len(self.answer)):
            found.setdefault(self.answer.value(column, row), row)
        return dict(sorted(found.items())) if column == self.across.name else found


@dataclass(frozen=True)
class Figure:
    """A chart with its numbers behind it.

    Attributes
    ----------
    title
        What it shows, with the unit.
    alt
        What is seen, for who doesn't see it.
    drawing
        SVG for a wide and a narrow window.
    tables
        The same numbers.
    note
        How to read it.
    """

    template: ClassVar[str] = "figure.html.jinja"

    title: Markup | str
    alt: str
    drawing: Drawing
    tables: Sequence[Table | Grid]
    note: Markup | str = ""

    @property
    def queries(self) -> list[Answer]:
        """What was asked."""
        return [answer for table in self.tables for answer in table.queries]


@dataclass(frozen=True)
class Drawing:
    """One chart, drawn for a wide and for a narrow window; or once, for both."""

    wide: Markup
    narrow: Markup | None = None


@dataclass(frozen=True)
class Text:
    """A paragraph; `kind` is `plain`, `empty` (why there is nothing) or `warning`."""

    template: ClassVar[str] = "text.html.jinja"

    body: Markup | str
    kind: str = "plain"
    queries: Sequence[Answer] = ()


@dataclass(frozen=True)
class Points:
    """A list."""

    template: ClassVar[str] = "points.html.jinja"

    points: Sequence[Markup | str]
    queries: Sequence[Answer] = ()


@dataclass(frozen=True)
class Tile:
    """A figure that matters, with what it is."""

    title: str
    figure: Markup
    note: Markup | str = ""


@dataclass(frozen=True)
class Tiles:
    """Some figures that matter, side by side."""

    template: ClassVar[str] = "tiles.html.jinja"

    tiles: Sequence[Tile]
    queries: Sequence[Answer] = ()


@dataclass(frozen=True)
class Cards:
    """Pieces of which each is made of others."""

    template: ClassVar[str] = "cards.html.jinja"

    cards: Sequence[Card]
    is_large: bool = False
    queries: Sequence[Answer] = ()


@dataclass(frozen=True)
class Card:
    """A heading and what is below it."""

    id: str
    title: Markup | str
    subtitle: Markup | str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    template: ClassVar[str] = "heading.html.jinja"

    title: Markup | str
    queries: Sequence[Answer] = ()


Block = Table | Grid | Figure | Text | Points | Tiles | Cards | Heading


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading.

    Attributes
    ----------
    id
        What links go to.
    title
        The heading.
    lead
        What the reader should take along, in a sentence or two.
    blocks
        What follows.
    answers
        What was asked, for who wants to ask again.
    """

    id: str
    title: str
    lead: Markup | str
    blocks: Sequence[Block]
    answers: Sequence[Answer] = field(default=())


@dataclass(frozen=True)
class Shop:
    """Words without digits that titles need; numbers come from answers.

    Attributes
    ----------
    currency
        Code of the currency that amounts are in.
    """

    currency: str


def nothing_yet(answers: Iterable[Answer], why: str) -> Text:
    """Say why there is nothing to show: a mart is missing, or the given reason."""
    asked = list(answers)
    missing = sorted({table for answer in asked for table in answer.missing})
    if missing:
        names = Markup(", ").join(Markup("<code>{}</code>").format(n) for n in missing)
        body = Markup(
            "The published file has no {}: it is of an earlier version. The next run "
            "publishes it."
        ).format(names)
        return Text(body, kind="empty")
    return Text(why, kind="empty")


_PACKAGE: Final = "orchestration.reporting"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        # What isn't markup already is escaped, whatever a template is called.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["label"] = label
    return environment


def render(template: str, **values: object) -> str:
    """Fill a template of this package."""
    return _environment().get_template(template).render(**values)
