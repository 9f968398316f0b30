"""The chart of a backtest, for run pages and reports; no customer is in its data."""

from typing import Final

import altair as alt
import pandas as pd
import vl_convert as vlc

from python_models.lifetime_value.model import LifetimeValueModel

# Okabe, M. and Ito, K. (2008), Color universal design.
_COLOURS: Final = ("#333333", "#0072B2", "#E69F00")
_INK: Final = "#333333"
_FAINT: Final = "#8A8A8A"
_WIDTH: Final = 660
_WHAT: Final = ("happened", "forecast", "everybody at their own rate")

Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def backtest_chart(model: LifetimeValueModel) -> Chart:
    """Draw purchase days in the held-out days: forecast and actual, by frequency.

    Parameters
    ----------
    model : LifetimeValueModel
        A model with a backtest; without one the chart says why.

    Returns
    -------
    altair chart
        Purchase days a customer, by how often customers had bought before; the two
        forecasts and what happened in a colour and a shape each.
    """
    backtest = model.backtest
    if not backtest.groups:
        return _sentence(backtest.outcome)
    rows = [
        {
            "frequency": group.frequency,
            "what": what,
            "purchase_days": value / group.n_customers,
            "n_customers": group.n_customers,
        }
        for group in backtest.groups
        if group.n_customers
        for what, value in zip(
            _WHAT,
            (
                group.n_purchase_days,
                group.expected_purchase_days,
                group.naive_purchase_days,
            ),
            strict=True,
        )
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X(
            "frequency:N",
            title="Repeat purchase days before",
            sort=[group.frequency for group in backtest.groups],
            axis=alt.Axis(labelAngle=0, grid=False),
        ),
        y=alt.Y("purchase_days:Q", title="Purchase days a customer"),
        color=alt.Color(
            "what:N",
            title=None,
            scale=alt.Scale(domain=list(_WHAT), range=list(_COLOURS)),
            legend=alt.Legend(orient="top", symbolSize=90),
        ),
        shape=alt.Shape(
            "what:N",
            title=None,
            scale=alt.Scale(domain=list(_WHAT), range=["circle", "square", "triangle"]),
        ),
        tooltip=["what:N", "frequency:N", "n_customers:Q", "purchase_days:Q"],
    )
    lines = base.mark_line(strokeWidth=1.5, opacity=0.6)
    points = base.mark_point(size=90, filled=True, opacity=1)
    title = f"Purchase days in the last {backtest.holdout_days} days"
    return _theme(
        alt.layer(lines, points).properties(
            width=_WIDTH, height=320, title=_title(title, _subtitle(model))
        )
    )


def to_png(chart: Chart, *, scale: float = 1.5) -> bytes:
    """Render a chart without a browser or a network.

    Parameters
    ----------
    chart : altair chart
        A chart of this module.
    scale : float, default 1.5
        Pixels per unit of length.

    Returns
    -------
    bytes
        A PNG image.
    """
    return bytes(vlc.vegalite_to_png(chart.to_json(), scale=scale))


def _subtitle(model: LifetimeValueModel) -> str:
    found = model.backtest
    return (
        f"As of {model.as_of_date.isoformat()}, model {model.model_id}: "
        f"{found.n_purchase_days:,} happened, {found.expected_purchase_days:,.0f} "
        f"forecast, {found.naive_purchase_days:,.0f} at everybody's own rate"
    )


def _sentence(text: str) -> Chart:
    chart = (
        alt.Chart(pd.DataFrame({"text": [text]}))
        .mark_text(fontSize=14, color=_INK, limit=_WIDTH, align="left")
        .encode(text="text:N", x=alt.value(0))
        .properties(width=_WIDTH, height=40, title=_title("No forecast to compare", ""))
    )
    return _theme(chart)


def _title(text: str, subtitle: str) -> alt.TitleParams:
    return alt.TitleParams(
        text,
        subtitle=subtitle,
        anchor="start",
        fontSize=18,
        subtitleFontSize=12,
        subtitleColor=_FAINT,
        offset=16,
    )


def _theme(chart: Chart) -> Chart:
    themed: Chart = (
        chart.configure(background="white", padding=16, font="sans-serif")
        .configure_view(stroke=None)
        .configure_title(color=_INK)
        .configure_axis(
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titleColor=_INK,
            labelColor=_INK,
            gridColor="#E6E6E6",
            domainColor="#B5B5B5",
            tickColor="#B5B5B5",
            titlePadding=10,
        )
        .configure_legend(labelFontSize=12, labelColor=_INK)
    )
    return themed
