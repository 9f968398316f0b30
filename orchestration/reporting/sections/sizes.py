"""How large segments were at every month-end, and will be if things go on so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt
import pandas as pd
from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.charts import BLUE, ORANGE, Chart, counted, draw_panels
from orchestration.reporting.formats import cell, label, spell
from orchestration.reporting.page import (
    Column,
    Figure,
    Grid,
    Heading,
    Section,
    Table,
    Text,
    nothing_yet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.reporting.answers import Answer
    from orchestration.reporting.page import Block, Shop

# Width of a small chart.
_PANEL: Final = 210
SETS: Final = {"rfm": "Recency and frequency (RFM)", "lifecycle": "Lifecycle"}

_SIZES: Final = """\
with sizes as (
    select segment, as_of_date, count(*) as n_customers
    from marts.customer_segment_months
    where segment_set = '{segment_set}' and segment not in ('none', 'merged')
    group by segment, as_of_date
)
select segments.segment, dates.as_of_date,
    coalesce(sizes.n_customers, 0) as n_customers
from (
    select segment, max(n_customers) as n_most from sizes group by segment
) as segments
cross join (select distinct as_of_date from sizes) as dates
left join sizes
    on segments.segment = sizes.segment and dates.as_of_date = sizes.as_of_date
order by segments.n_most desc, segments.segment, dates.as_of_date"""
_FORECASTS: Final = """\
select segment, forecast_date, n_months_ahead, n_customers, forecast_customers,
    lower_customers, upper_customers
from marts.segment_forecasts
where segment_set = '{segment_set}' and segment not in ('none', 'merged')
    and forecast_customers is not null
order by segment, n_months_ahead"""
_ACCURACY: Final = """\
select segment_set, no_backtest_reason, n_backtested_months, n_better_months,
    mean_absolute_error, naive_mean_absolute_error, steady_share_mean_absolute_error,
    interval_coverage_rate, is_better_than_naive, is_better_than_steady_shares
from marts.segment_forecast_accuracy
where segment_set = '{segment_set}'
order by segment_set"""

QUERIES: Final = tuple(
    Query(f"{segment_set}_{name}", sql.format(segment_set=segment_set))
    for segment_set in SETS
    for name, sql in (
        ("sizes", _SIZES),
        ("forecasts", _FORECASTS),
        ("forecast_accuracy", _ACCURACY),
    )
)


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section."""
    del shop
    blocks: list[Block] = []
    for segment_set, title in SETS.items():
        sizes, forecasts, accuracy = (
            answers[f"{segment_set}_{name}"]
            for name in ("sizes", "forecasts", "forecast_accuracy")
        )
        blocks.append(Heading(title))
        if not len(sizes):
            blocks.append(
                nothing_yet(
                    [sizes],
                    "No month has ended yet since the first customer came, so there "
                    "is no size to compare with.",
                )
            )
            continue
        blocks.append(_lines(segment_set, sizes, forecasts))
        blocks.append(_trust(forecasts, accuracy))
    return Section(
        "sizes",
        "Sizes over time",
        "Every past month-end is counted again from the records known now, so a late "
        "record moves these lines; what was known then is under Movement.",
        blocks,
        tuple(answers[query.name] for query in QUERIES),
    )


def _trust(forecasts: Answer, accuracy: Answer) -> Text:
    """Say how far off forecasts were, or why there is none."""
    if not len(forecasts):
        return nothing_yet(
            [forecasts],
            "No forecast: it takes some whole months of movement to know how "
            "customers move.",
        )
    if not len(accuracy) or not accuracy.value("n_backtested_months"):
        return nothing_yet(
            [accuracy],
            "Nobody can say yet how good the forecast is: no month has come for which "
            "one was made.",
        )
    said = Markup(
        "Tested on {} past months, one month ahead: the forecast was off by {} "
        "customers "
        "a segment in the mean, the guess that nothing changes by {}."
    ).format(
        cell(accuracy, "n_backtested_months", "count"),
        cell(accuracy, "mean_absolute_error", "number"),
        cell(accuracy, "naive_mean_absolute_error", "number"),
    )
    if accuracy.value("interval_coverage_rate") is not None:
        said += Markup(" Its band held {} of what came.").format(
            cell(accuracy, "interval_coverage_rate", "rate")
        )
    if accuracy.value("is_better_than_naive"):
        return Text(said)
    return Text(
        said + " So it does not beat the guess: don't plan by it.", kind="warning"
    )


def _lines(segment_set: str, sizes: Answer, forecasts: Answer) -> Figure:
    rows = _spelled(sizes, "as_of_date", "n_customers")
    ahead = None
    if len(forecasts):
        frame = forecasts.frame()
        ahead = _spelled(forecasts, "forecast_date", "forecast_customers").assign(
            low=frame["lower_customers"].astype(float),
            high=frame["upper_customers"].astype(float),
        )

    panels: list[tuple[Markup, Chart]] = []
    for name, part in rows.groupby("name", sort=False):
        newest = int(part.index[-1])
        title = Markup("{} <span>{}</span>").format(
            cell(sizes, "segment", "label", newest),
            cell(sizes, "n_customers", "count", newest),
        )
        later = None if ahead is None else ahead[ahead["name"] == name]
        panels.append((title, _panel(part, later)))
    tables: list[Table | Grid] = [
        Grid(
            sizes,
            Column("segment", "Segment", "label"),
            Column("as_of_date", "Before", "date"),
            Column("n_customers", "Customers", "count"),
            "Customers by segment, before the midnight that begins the day",
        )
    ]
    if len(forecasts):
        tables.append(
            Table(
                forecasts,
                [
                    Column("segment", "Segment", "label"),
                    Column("forecast_date", "Before", "date"),
                    Column("n_customers", "Customers now", "count"),
                    Column("forecast_customers", "Forecast", "number"),
                    Column("lower_customers", "From", "number"),
                    Column("upper_customers", "To", "number"),
                ],
                "Forecast, one row per segment and month ahead",
            )
        )
    return Figure(
        "Customers at the end of each month",
        "A small line chart for each segment: its customers at every month-end, and a "
        "dashed line with a band for the forecast. Each has a scale of its own that "
        "begins at nothing.",
        draw_panels(f"{segment_set}-lines", panels),
        tables,
        "Scales differ: each starts at nothing. The figure beside the name is the "
        "newest month-end; dashed is the forecast if customers go on moving as they "
        "did.",
    )


def _spelled(answer: Answer, day: str, count: str) -> pd.DataFrame:
    frame = answer.frame()
    kind = "count" if count == "n_customers" else "number"
    rows = pd.DataFrame(
        {
            "name": [label(segment) for segment in frame["segment"]],
            "month": pd.to_datetime(frame[day]),
            "value": frame[count].astype(float),
            "text": [spell(n, kind) for n in frame[count]],
        }
    )
    rows["description"] = [
        f"{name}, {spell(date, 'date')}: {text} customers"
        for name, date, text in zip(rows["name"], frame[day], rows["text"], strict=True)
    ]
    return rows


def _panel(rows: pd.DataFrame, ahead: pd.DataFrame | None) -> Chart:
    """Draw one segment, in a size that suits a telephone too."""
    ends = [rows["month"].iloc[0], rows["month"].iloc[-1]]
    x = alt.X(
        "month:T",
        title=None,
        axis=alt.Axis(
            format="%-d %b %y",
            values=[f"{end:%Y-%m-%d}" for end in dict.fromkeys(ends)],
            labelAngle=0,
            labelFlush=True,
            grid=False,
        ),
    )
    y = alt.Y(
        "value:Q",
        title=None,
        axis=alt.Axis(
            tickCount=3,
            tickMinStep=1,
            format=counted(rows["value"]),
            domain=False,
            ticks=False,
            # As wide for all, so that panels stand in line.
            minExtent=38,
            maxExtent=38,
        ),
        scale=alt.Scale(domainMin=0),
    )
    base = alt.Chart(rows).encode(x=x, y=y)
    dots = base.mark_point(color=BLUE, filled=True, size=22, opacity=1, aria=True)
    layers: list[alt.Chart] = [
        base.mark_area(color=BLUE, opacity=0.12),
        base.mark_line(color=BLUE, strokeWidth=2),
        dots.encode(description="description:N"),
    ]
    if ahead is not None and len(ahead):
        # The dashed line goes on from the newest size.
        line = pd.concat([rows.tail(1), ahead], ignore_index=True)
        later = alt.Chart(line).encode(x=x, y=y)
        marks = alt.Chart(ahead).mark_point(
            color=ORANGE, filled=True, size=22, opacity=1, aria=True
        )
        layers += [
            later.mark_line(color=ORANGE, strokeWidth=2, strokeDash=[4, 3]),
            marks.encode(x=x, y=y, description="description:N"),
        ]
        bounded = ahead[ahead["low"].notna()]
        if len(bounded):
            band = alt.Chart(bounded).mark_area(color=ORANGE, opacity=0.22)
            layers.insert(
                0, band.encode(x=x, y=alt.Y("low:Q", title=None), y2="high:Q")
            )
    return alt.layer(*layers).properties(
        width=_PANEL,
        height=120,
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
    )
