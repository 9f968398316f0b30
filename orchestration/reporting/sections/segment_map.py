"""The segment map: who is where by recency and frequency, and what segments bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt
import pandas as pd
from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.charts import (
    BLUE,
    INK,
    ORANGE,
    Chart,
    bars,
    draw,
    heat,
    is_narrow,
)
from orchestration.reporting.formats import label, spell
from orchestration.reporting.page import (
    Column,
    Figure,
    Heading,
    Section,
    Table,
    nothing_yet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.reporting.answers import Answer
    from orchestration.reporting.page import Block, Shop

_SUMMARY: Final = """\
select segment, n_customers, customer_share_rate, n_purchasers, n_orders, net_amount,
    net_amount_share_rate, average_order_amount, median_recency_days
from marts.segment_summary
where segment_set = '{segment_set}' and segment not in ('none', 'merged')
order by net_amount desc, segment"""

QUERIES: Final = (
    Query(
        "rfm_map",
        """\
select recency_score, frequency_score, min(segment) as segment,
    count(*) as n_customers, sum(monetary_amount) as monetary_amount
from marts.customer_rfm
where recency_score is not null
group by recency_score, frequency_score
order by recency_score desc, frequency_score""",
    ),
    Query("rfm_segments", _SUMMARY.format(segment_set="rfm")),
    Query("lifecycle_segments", _SUMMARY.format(segment_set="lifecycle")),
    Query(
        "rule_segments",
        """\
select segment_set, segment, n_customers, customer_share_rate, n_orders, net_amount,
    net_amount_share_rate
from marts.segment_summary
where segment_set not in ('rfm', 'lifecycle', 'cluster')
    and segment not in ('none', 'merged')
order by n_customers desc, segment_set, segment""",
    ),
)


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section."""
    grid, rfm, lifecycle, rules = (answers[query.name] for query in QUERIES)
    blocks: list[Block] = []
    if len(grid):
        blocks.append(_map(grid, shop))
    else:
        blocks.append(
            nothing_yet(
                [grid],
                "Nobody has bought within the trailing window, so there are no scores "
                "of recency and frequency to map.",
            )
        )
    if len(rfm):
        blocks.append(_shares(rfm))
        blocks.append(
            _table(rfm, shop, "One row per segment, the highest net amount first")
        )
    blocks.append(Heading("Where customers are in their own rhythm (lifecycle)"))
    if len(lifecycle):
        blocks.append(_sizes("lifecycle", lifecycle, shop))
    else:
        blocks.append(nothing_yet([lifecycle], "No customer is known yet."))
    blocks.append(Heading("Who meets which rule"))
    if len(rules):
        blocks.append(_sizes("rules", rules, shop))
    else:
        blocks.append(nothing_yet([rules], "Nobody meets any of the rules today."))
    return Section(
        "map",
        "Segment map",
        "Recent and frequent buyers are at the upper right; who has not been back for "
        "long is at the bottom. A score compares customers with each other, the best "
        "fifth having the highest.",
        blocks,
        (grid, rfm, lifecycle, rules),
    )


def _map(grid: Answer, shop: Shop) -> Figure:
    rows = grid.frame()
    texts = [spell(n, "count") for n in rows["n_customers"]]
    names = [label(segment) for segment in rows["segment"]]
    rows = rows.assign(
        across=rows["frequency_score"].astype(str),
        down=rows["recency_score"].astype(str),
        value=rows["n_customers"],
        description=[
            f"{name}: {text} customers with recency {recency}, frequency {frequency}"
            for name, text, recency, frequency in zip(
                names,
                texts,
                rows["recency_score"],
                rows["frequency_score"],
                strict=True,
            )
        ],
    )

    def chart(width: int) -> Chart:
        broken = [_broken(name) if is_narrow(width) else name for name in names]
        shown = rows.assign(
            text=[f"{text}\n{name}" for text, name in zip(texts, broken, strict=True)]
        )
        return heat(
            shown,
            width,
            across="Frequency score (orders; the highest orders most often)",
            down="Recency score",
            row_height=66 if is_narrow(width) else 62,
            font_size=9 if is_narrow(width) else 12,
            labels=14,
            order=(
                sorted(set(rows["across"])),
                sorted(set(rows["down"]), reverse=True),
            ),
        )

    return Figure(
        "Customers by recency and frequency",
        "Heat map of customers by recency score, downwards, and frequency score, "
        "across. The darker a cell, the more customers.",
        draw("rfm-map", chart),
        [
            Table(
                grid,
                [
                    Column("recency_score", "Recency score", "count"),
                    Column("frequency_score", "Frequency score", "count"),
                    Column("segment", "Segment", "label"),
                    Column("n_customers", "Customers", "count"),
                    Column("monetary_amount", f"Net amount, {shop.currency}", "amount"),
                ],
                "One row per pair of scores with customers",
            )
        ],
        "Each cell: how many customers, and the segment that they are in.",
    )


def _broken(name: str) -> str:
    """Break a name at its spaces, two short words to a line."""
    lines: list[str] = []
    for word in name.split():
        if lines and len(lines[-1]) + len(word) < 11:  # noqa: PLR2004 - letters a cell
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _shares(rfm: Answer) -> Figure:
    rows = rfm.frame()
    pairs = pd.concat(
        [
            pd.DataFrame(
                {
                    "name": [label(segment) for segment in rows["segment"]],
                    "value": rows[column],
                    "text": [spell(rate, "rate") for rate in rfm.values(column)],
                    "of": of,
                }
            )
            for column, of in (
                ("customer_share_rate", "of customers"),
                ("net_amount_share_rate", "of net amount"),
            )
        ]
    )
    pairs["description"] = pairs["name"] + ": " + pairs["text"] + " " + pairs["of"]

    def chart(width: int) -> Chart:
        names = 120 if is_narrow(width) else 150
        base = alt.Chart(pairs).encode(
            y=alt.Y(
                "name:N",
                sort=None,
                title=None,
                axis=alt.Axis(ticks=False, domain=False, labelPadding=6),
                scale=alt.Scale(paddingInner=0.3),
            ),
            yOffset=alt.YOffset("of:N", sort=None),
            x=alt.X(
                "value:Q",
                title="Share of all",
                axis=alt.Axis(format="%", tickCount=3 if is_narrow(width) else 6),
                scale=alt.Scale(
                    domain=[min(0, pairs["value"].min()), pairs["value"].max() * 1.18],
                    nice=False,
                ),
            ),
        )
        marks = base.mark_bar(aria=True, cornerRadiusEnd=2).encode(
            color=alt.Color(
                "of:N",
                sort=None,
                title=None,
                scale=alt.Scale(range=[BLUE, ORANGE]),
                legend=alt.Legend(orient="top", symbolType="square", offset=4),
            ),
            description="description:N",
        )
        texts = base.mark_text(align="left", dx=4, fontSize=11, color=INK).encode(
            text="text:N"
        )
        return alt.layer(marks, texts).properties(
            width=width - names - 10, height=40 * len(rows)
        )

    return Figure(
        "How many they are, and what they bring",
        "Two bars for each segment: its share of all customers, prospects included, "
        "and its share of the net amount.",
        draw("rfm-shares", chart),
        [
            Table(
                rfm,
                [
                    Column("segment", "Segment", "label"),
                    Column("customer_share_rate", "Share of customers", "rate"),
                    Column("net_amount_share_rate", "Share of net amount", "rate"),
                ],
                "One row per segment",
            )
        ],
        "Customers who have never bought are in none of these segments, so shares of "
        "customers don't come to all of them.",
    )


def _table(answer: Answer, shop: Shop, caption: str) -> Table:
    return Table(
        answer,
        [
            Column("segment", "Segment", "label"),
            Column("n_customers", "Customers", "count"),
            Column("n_orders", "Orders", "count"),
            Column("net_amount", f"Net amount, {shop.currency}", "amount"),
            Column("average_order_amount", f"Average order, {shop.currency}", "price"),
            Column("median_recency_days", "Days since last purchase, median", "days"),
        ],
        Markup("{}. Orders and amounts are of the trailing window.").format(caption),
    )


def _sizes(name: str, answer: Answer, shop: Shop) -> Figure:
    rows = answer.frame().sort_values("n_customers", ascending=False, kind="stable")
    sizes = pd.DataFrame(
        {
            "name": [label(segment) for segment in rows["segment"]],
            "value": rows["n_customers"],
            "text": [
                f"{spell(n, 'count')} ({spell(rate, 'rate')})"
                for n, rate in zip(
                    rows["n_customers"], rows["customer_share_rate"], strict=True
                )
            ],
        }
    )
    sizes["description"] = sizes["name"] + ": " + sizes["text"] + " customers"
    columns = [
        Column("segment", "Segment", "label"),
        Column("n_customers", "Customers", "count"),
        Column("customer_share_rate", "Share of all customers", "rate"),
        Column("n_orders", "Orders", "count"),
        Column("net_amount", f"Net amount, {shop.currency}", "amount"),
        Column("net_amount_share_rate", "Share of net amount", "rate"),
    ]
    return Figure(
        "Customers, and their share of all",
        "A bar for each segment: how many customers it has.",
        draw(f"{name}-sizes", lambda width: bars(sizes, width, title="Customers")),
        [Table(answer, columns, "One row per segment")],
        "A customer may meet several rules." if name == "rules" else "",
    )
