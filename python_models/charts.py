"""How charts of all techniques look, and how they become pictures.

Belongs here: ink, titles and rendering. What a chart shows is its technique's.
"""

from typing import Final

import altair as alt
import vl_convert as vlc

Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart

INK: Final = "#333333"
FAINT: Final = "#8A8A8A"


def to_png(chart: Chart, *, scale: float = 1.5) -> bytes:
    """Render a chart without a browser or a network.

    Parameters
    ----------
    chart : altair chart
        Any chart.
    scale : float, default 1.5
        Pixels per unit of length; 1.5 keeps text sharp where a page shows it smaller.

    Returns
    -------
    bytes
        A PNG image.
    """
    return bytes(vlc.vegalite_to_png(chart.to_json(), scale=scale))


def chart_title(text: str, subtitle: str) -> alt.TitleParams:
    """Set a title over a smaller line."""
    return alt.TitleParams(
        text,
        subtitle=subtitle,
        anchor="start",
        fontSize=18,
        subtitleFontSize=12,
        subtitleColor=FAINT,
        offset=16,
    )


def with_theme(chart: Chart) -> Chart:
    """Give a chart its ink, margins and type."""
    themed: Chart = (
        chart.configure(background="white", padding=16, font="sans-serif")
        .configure_view(stroke=None)
        .configure_title(color=INK)
        .configure_axis(
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titleColor=INK,
            labelColor=INK,
            gridColor="#E6E6E6",
            domainColor="#B5B5B5",
            tickColor="#B5B5B5",
            titlePadding=10,
        )
        .configure_legend(labelFontSize=12, labelColor=INK)
    )
    return themed
