"""Charts of answers, as SVG that needs no script and no font of ours.

Each is drawn twice, for a wide window and for a telephone, since text in a picture that
is merely shrunk can't be read. What a mark stands for is its `description`, which shows
when the pointer rests on it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import vl_convert as vlc
from markupsafe import Markup

from orchestration.reporting.page import Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart

WIDE: Final = 896
NARROW: Final = 330

# Okabe, M. and Ito, K. (2008). Color universal design: colours that people with any
# colour vision can tell apart; black gives way to grey, yellow comes last.
PALETTE: Final = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#666666",
    "#F0E442",
)
BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, GREY, YELLOW = PALETTE
INK: Final = "#1f2933"
FAINT: Final = "#5f6c7b"
RULE: Final = "#d9dee5"
FONT: Final = "Helvetica, Arial, sans-serif"
# Counts from here on are shortened on an axis: 20k.
SHORTEN_FROM: Final = 20_000
_SVG: Final = "http://www.w3.org/2000/svg"


def draw(name: str, chart_of: Callable[[int], Chart]) -> Drawing:
    """Draw a chart for both widths.

    Parameters
    ----------
    name
        Unique on the page.
    chart_of
        Makes the chart for a width in pixels, labels and axes included.
    """
    return Drawing(
        wide=_svg(f"{name}-wide", chart_of(WIDE)),
        narrow=_svg(f"{name}-narrow", chart_of(NARROW)),
    )


def draw_once(name: str, chart: Chart) -> Drawing:
    """Draw a small chart that serves every width."""
    return Drawing(wide=_svg(f"{name}-small", chart))


def draw_panels(name: str, panels: Sequence[tuple[Markup, Chart]]) -> Drawing:
    """Draw small charts with their titles, as many to a row as there is room for."""
    drawn = [
        Markup('<div class="panel"><p>{}</p>{}</div>').format(
            title, _svg(f"{name}-{number}-small", chart)
        )
        for number, (title, chart) in enumerate(panels)
    ]
    return Drawing(
        wide=Markup('<div class="panels">{}</div>').format(Markup().join(drawn))
    )


def is_narrow(width: int) -> bool:
    """Tell whether a chart is for a telephone."""
    return width <= NARROW


def _svg(name: str, chart: Chart) -> Markup:
    size = 13 if name.endswith("-wide") else 12
    themed = (
        chart.configure(background="transparent", padding=2, font=FONT)
        .configure_view(stroke=None)
        # Only marks that say what they stand for are described.
        .configure_mark(aria=False)
        .configure_title(color=INK, fontSize=size, fontWeight="bold", anchor="start")
        .configure_axis(
            labelFontSize=size,
            titleFontSize=size,
            titleFontWeight="normal",
            titleColor=FAINT,
            labelColor=INK,
            gridColor="#e8ebef",
            domainColor="#b8c0cc",
            tickColor="#b8c0cc",
            titlePadding=8,
        )
        .configure_legend(
            labelFontSize=size,
            labelColor=INK,
            titleFontSize=size,
            titleColor=FAINT,
            titleFontWeight="normal",
        )
    )
    # Vega-Lite checks what it is given; checking it here takes as long as drawing.
    return inline(name, vlc.vegalite_to_svg(themed.to_dict(validate=False)))


def inline(name: str, svg: str) -> Markup:
    """Make an SVG part of a page: no fixed size, ids of its own, titles on marks."""
    ET.register_namespace("", _SVG)
    root = ET.fromstring(svg)  # noqa: S314 - drawn here
    # Vega numbers ids on from chart to chart; a page must not depend on what was drawn
    # before it.
    old_ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    ids = {old: f"{name}-{number}" for number, old in enumerate(old_ids)}
    for element in root.iter():
        described = element.attrib.pop("aria-label", "")
        kind = element.attrib.pop("aria-roledescription", "")
        is_mark = element.attrib.pop("role", "") == "graphics-symbol"
        if described and is_mark and kind not in ("axis", "legend"):
            title = ET.Element(f"{{{_SVG}}}title")
            title.text = described
            element.insert(0, title)
        element.attrib.pop("aria-hidden", None)
        for key, value in element.attrib.items():
            if key == "id":
                element.attrib[key] = ids[value]
            for old, new in ids.items():
                if value in (f"url(#{old})", f"#{old}"):
                    element.attrib[key] = value.replace(old, new)
    for attribute in ("width", "height", "version", "class"):
        root.attrib.pop(attribute, None)
    width = root.attrib["viewBox"].split()[2]
    # Never wider than it was drawn for, and never wider than the page.
    root.attrib["style"] = f"width:100%;max-width:{width}px;height:auto"
    # The figure around it says in words what is seen.
    root.attrib["aria-hidden"] = "true"
    text = ET.tostring(root, encoding="unicode")
    return Markup(text)  # noqa: S704 - escaped by the serializer


def bars(  # noqa: PLR0913 - one argument per word of the chart
    rows: pd.DataFrame,
    width: int,
    *,
    title: str,
    percent: bool = False,
    step: int = 30,
    colour: str = BLUE,
    domain: Sequence[float] | None = None,
) -> Chart:
    """Draw a bar for each row.

    Parameters
    ----------
    rows
        Columns `name`, `value`, `text` (the value as spelled), `description`, in the
        order of the bars.
    width
        Of the whole chart.
    title
        Of the axis, with the unit.
    percent
        Whether values are shares.
    step
        Height of a row.
    colour
        Of all bars, unless `rows` has a column `colour`.
    domain
        Of the axis; from nothing to the largest value where not given.
    """
    names = 108 if is_narrow(width) else 170
    low, high = domain or (
        min(0.0, rows["value"].min()),
        max(float(rows["value"].max()), 1e-9),
    )
    room = 0.3 if is_narrow(width) else 0.12
    size = 12 if is_narrow(width) else 13
    base = alt.Chart(rows).encode(
        y=alt.Y(
            "name:N",
            sort=None,
            title=None,
            axis=alt.Axis(ticks=False, domain=False, labelLimit=names, labelPadding=6),
        ),
        x=alt.X(
            "value:Q",
            title=title,
            axis=alt.Axis(
                format="%" if percent else counted(rows["value"]),
                tickCount=3 if is_narrow(width) else 6,
                tickMinStep=0.001 if percent else 1,
                grid=True,
            ),
            scale=alt.Scale(domain=[low, high + (high - low) * room], nice=False),
        ),
    )
    fill = alt.Color("colour:N", scale=None) if "colour" in rows else alt.value(colour)
    marks = base.mark_bar(height=step * 0.62, cornerRadiusEnd=2, aria=True).encode(
        color=fill, description="description:N"
    )
    texts = base.mark_text(align="left", dx=5, fontSize=size, color=INK).encode(
        text="text:N"
    )
    return alt.layer(marks, texts).properties(
        width=width - names - 24, height=step * len(rows)
    )


def heat(  # noqa: PLR0913 - one argument per word of the chart
    rows: pd.DataFrame,
    width: int,
    *,
    across: str,
    down: str,
    row_height: int = 30,
    font_size: int = 12,
    top: float | None = None,
    labels: int = 76,
    order: tuple[Sequence[str] | None, Sequence[str] | None] = (None, None),
) -> Chart:
    """Draw a cell for each row, the darker the more.

    Parameters
    ----------
    rows
        Columns `across`, `down` (texts, in the order of cells), `value`, `text` and
        `description`.
    width
        Of the whole chart.
    across, down
        Titles of the axes.
    row_height
        Of a row of cells.
    font_size
        Of the text in a cell.
    top
        The value of the darkest cell; the largest where not given.
    labels
        Room for the texts at the left.
    order
        Of the texts across and down, where the rows' own isn't meant.
    """
    peak = max(float(rows["value"].max()) if top is None else top, 1e-9)
    drawn = rows.assign(
        ink=["#ffffff" if v > peak * 0.45 else INK for v in rows["value"]]
    )
    base = alt.Chart(drawn).encode(
        x=alt.X(
            "across:N",
            sort=order[0],
            title=across,
            axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False),
            scale=alt.Scale(paddingInner=0.04),
        ),
        y=alt.Y(
            "down:N",
            sort=order[1],
            title=down or None,
            axis=alt.Axis(ticks=False, domain=False, labelLimit=labels),
            scale=alt.Scale(paddingInner=0.06),
        ),
    )
    cells = base.mark_rect(cornerRadius=3, aria=True).encode(
        color=alt.Color(
            "value:Q",
            legend=None,
            # Viridis, turned about: pale is little on a white page.
            scale=alt.Scale(scheme="viridis", reverse=True, domain=[0, peak]),
        ),
        description="description:N",
    )
    # Of two lines the first would stand where the middle is.
    lines = drawn["text"].str.count("\n").max() + 1
    texts = base.mark_text(
        fontSize=font_size,
        lineBreak="\n",
        lineHeight=font_size + 2,
        dy=-(lines - 1) * (font_size + 2) / 2,
    )
    inked = texts.encode(text="text:N", color=alt.Color("ink:N", scale=None))
    chart: Chart = (
        alt.layer(cells, inked)
        .resolve_scale(color="independent")
        .properties(
            width=width - labels - (30 if down else 8),
            height=row_height * drawn["down"].nunique(),
        )
    )
    return chart


def counted(values: pd.Series[Any]) -> str:
    """Return the format of an axis that counts up to the largest of some values."""
    return ",d" if float(values.abs().max()) < SHORTEN_FROM else "~s"
