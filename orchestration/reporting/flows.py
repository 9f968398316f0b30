"""Flows between segments, as bands from what was left to what was reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from orchestration.reporting.charts import (
    BLUE,
    FONT,
    INK,
    NARROW,
    ORANGE,
    SKY,
    WIDE,
    inline,
)
from orchestration.reporting.page import Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

_STAYED: Final = "#c3cad3"
_COLOURS: Final = {"stayed": _STAYED, "up": BLUE, "down": ORANGE, "moved": SKY}
_BOX: Final = "#52606d"
_GAP: Final = 10.0
_BOX_WIDTH: Final = 9.0
_LETTER: Final = 6.4


@dataclass(frozen=True)
class Flow:
    """Customers who went from one segment to another, or stayed.

    Attributes
    ----------
    left, reached
        Names as they are shown.
    n_customers
        How many.
    course
        `stayed`, `up` (to better customers), `down`, or `moved` where neither is meant.
    description
        What the band says when the pointer rests on it.
    """

    left: str
    reached: str
    n_customers: int
    course: str
    description: str


def draw_flows(
    name: str, flows: Sequence[Flow], heads: tuple[str, str], *, order: Sequence[str]
) -> Drawing:
    """Draw flows for both widths.

    Parameters
    ----------
    name
        Unique on the page.
    flows
        One for each pair of segments.
    heads
        What stands above the left and the right side.
    order
        Of segments, from above.
    """
    return Drawing(
        wide=inline(f"{name}-wide", _svg(flows, heads, order, WIDE, 460)),
        narrow=inline(f"{name}-narrow", _svg(flows, heads, order, NARROW, 460)),
    )


def _svg(
    flows: Sequence[Flow],
    heads: tuple[str, str],
    order: Sequence[str],
    width: int,
    height: int,
) -> str:
    total = sum(flow.n_customers for flow in flows)
    met = [{flow.left for flow in flows}, {flow.reached for flow in flows}]
    sides = [[name for name in order if name in names] for names in met]
    most = max(len(side) for side in sides)
    labels = min(max(len(name) for side in sides for name in side) * _LETTER + 14, 150)
    if width == NARROW:
        labels = min(labels, 104)
    scale = (height - 30 - _GAP * (most - 1)) / total
    left_x, right_x = labels, width - labels
    tops: list[dict[str, float]] = []
    parts: list[Markup] = []
    for side, names in enumerate(sides):
        sums = {
            name: sum(
                flow.n_customers
                for flow in flows
                if (flow.left, flow.reached)[side] == name
            )
            for name in names
        }
        used = sum(sums.values()) * scale + _GAP * (len(names) - 1)
        y = 26 + (height - 26 - used) / 2
        x = left_x - _BOX_WIDTH if side == 0 else right_x
        tops.append({})
        below = 0.0
        for name in names:
            tall = sums[name] * scale
            tops[side][name] = y
            # Names of slim boxes make way for each other.
            at = max(y + tall / 2 + 4, below + 12)
            below = at
            parts.append(
                Markup(
                    '<rect x="{:.1f}" y="{:.1f}" width="{}" height="{:.1f}" fill="{}"/>'
                    '<text x="{:.1f}" y="{:.1f}" text-anchor="{}" font-size="{}" '
                    'fill="{}" font-family="{}">{}</text>'
                ).format(
                    x,
                    y,
                    _BOX_WIDTH,
                    max(tall, 1.0),
                    _BOX,
                    x - 6 if side == 0 else x + _BOX_WIDTH + 6,
                    at,
                    "end" if side == 0 else "start",
                    11 if width == NARROW else 13,
                    INK,
                    FONT,
                    name,
                )
            )
            y += tall + _GAP
        parts.append(
            Markup(
                '<text x="{:.1f}" y="12" text-anchor="{}" font-size="12" '
                'font-weight="bold" fill="{}" font-family="{}">{}</text>'
            ).format(
                0 if side == 0 else width,
                "start" if side == 0 else "end",
                INK,
                FONT,
                heads[side],
            )
        )
    bands = _bands(flows, sides, tops, scale, (left_x, right_x))
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}">{}{}</svg>'
        ).format(width, height + 4, Markup().join(bands), Markup().join(parts))
    )


def _bands(
    flows: Sequence[Flow],
    sides: Sequence[Sequence[str]],
    tops: Sequence[dict[str, float]],
    scale: float,
    xs: tuple[float, float],
) -> list[Markup]:
    """Draw a band for each flow; who stayed is behind who moved."""
    ranks = [{name: rank for rank, name in enumerate(side)} for side in sides]
    starts, ends = dict(tops[0]), dict(tops[1])
    places: dict[int, list[float]] = {}
    # Bands leave a box in the order of where they go, and reach one likewise.
    for number, flow in sorted(
        enumerate(flows), key=lambda item: ranks[1][item[1].reached]
    ):
        places[number] = [starts[flow.left]]
        starts[flow.left] += flow.n_customers * scale
    for number, flow in sorted(
        enumerate(flows), key=lambda item: ranks[0][item[1].left]
    ):
        places[number].append(ends[flow.reached])
        ends[flow.reached] += flow.n_customers * scale
    drawn = sorted(
        enumerate(flows), key=lambda item: (item[1].left != item[1].reached, item[0])
    )
    left_x, right_x = xs
    middle = (left_x + right_x) / 2
    return [
        Markup(
            '<path role="graphics-symbol" aria-label="{}" fill="{}" fill-opacity="{}" '
            'd="M{:.1f},{:.1f}C{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}V{:.1f}'
            'C{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}Z"/>'
        ).format(
            flow.description,
            _COLOURS[flow.course],
            0.55,
            *(left_x, start, middle, start, middle, end, right_x, end),
            end + tall,
            *(middle, end + tall, middle, start + tall, left_x, start + tall),
        )
        for number, flow in drawn
        for start, end in [places[number]]
        for tall in [flow.n_customers * scale]
    ]
