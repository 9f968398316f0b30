"""The chart of a backtest, for run pages and reports; no customer is in its data."""

from typing import Final

import altair as alt
import pandas as pd

from python_models.charts import INK, Chart, chart_title, with_theme
from python_models.lifetime_value.model import LifetimeValueModel

# Okabe, M. and Ito, K. (2008), Color universal design.
_COLOURS: Final = ("#333333", "#0072B2", "#E69F00")
_WIDTH: Final = 660
_WHAT: Final = ("happened", "forecast", "everybody at their own rate")


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
    return with_theme(
        alt.layer(lines, points).properties(
            width=_WIDTH, height=320, title=chart_title(title, _subtitle(model))
        )
    )


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
        .mark_text(fontSize=14, color=INK, limit=_WIDTH, align="left")
        .encode(text="text:N", x=alt.value(0))
        .properties(
            width=_WIDTH, height=40, title=chart_title("No forecast to compare", "")
        )
    )
    return with_theme(chart)
