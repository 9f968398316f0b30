"""Movement: who went from which segment to which, and whether that is unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.charts import Chart, draw, heat, is_narrow
from orchestration.reporting.flows import Flow, draw_flows
from orchestration.reporting.formats import cell, label, segment_name, spell
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

SETS: Final = {
    "rfm": "Between segments of recency and frequency",
    "lifecycle": "Through the lifecycle",
    "cluster": "Between clusters",
}
# From the best customers down; what isn't named here follows by size.
_ORDER: Final = (
    "champions",
    "loyal_customers",
    "potential_loyalists",
    "new_customers",
    "promising",
    "need_attention",
    "about_to_sleep",
    "at_risk",
    "cant_lose_them",
    "hibernating",
    "inactive",
    "active",
    "reactivated",
    "new",
    "lapsing",
    "lapsed",
    "prospect",
    "none",
)
_RANKS: Final = {segment: rank for rank, segment in enumerate(_ORDER)}

_MOVES: Final = """\
select from_segment, to_segment, n_customers, transition_rate, transition_month,
    as_of_date, n_entrants
from marts.segment_transitions
where segment_set = '{segment_set}'
    and (from_segment <> 'none' or to_segment <> 'none')
    and as_of_date = (
        select max(as_of_date) from marts.segment_transitions where is_month_complete)
order by n_customers desc, from_segment, to_segment"""
_SURVIVAL: Final = """\
select segment, n_months_since_entry, survival_rate, n_at_risk, n_exits
from marts.segment_survival
where segment_set = '{segment_set}' and segment not in ('none', 'merged')
    and n_months_since_entry between 1 and 12
order by segment, n_months_since_entry"""
_STAYS: Final = """\
select segment, n_at_risk as n_stays, n_median_months
from marts.segment_survival
where segment_set = '{segment_set}' and segment not in ('none', 'merged')
    and n_months_since_entry = 0
order by segment"""
_UNUSUAL: Final = Query(
    "unusual_flows",
    """\
select segment_set, from_segment, to_segment, anomaly_type, n_customers,
    expected_customers, transition_rate, expected_rate, deviation_score,
    transition_month
from marts.segment_flow_anomalies
where anomaly_type <> 'none' and as_of_date = (
    select max(as_of_date) from marts.segment_flow_anomalies)
order by abs(deviation_score) desc, segment_set, from_segment, to_segment
limit 15""",
)
_JUDGED: Final = Query(
    "judged_flows",
    """\
select transition_month, count(*) as n_flows
from marts.segment_flow_anomalies
where as_of_date = (select max(as_of_date) from marts.segment_flow_anomalies)
group by transition_month
order by transition_month""",
)
# How long a stay in a cluster lasts says more about refits than about customers.
_STAYED_IN: Final = {"rfm": "recency and frequency", "lifecycle": "lifecycle"}

QUERIES: Final = (
    *(
        Query(f"{segment_set}_moves", _MOVES.format(segment_set=segment_set))
        for segment_set in SETS
    ),
    _UNUSUAL,
    _JUDGED,
    *(
        Query(f"{segment_set}_{name}", sql.format(segment_set=segment_set))
        for segment_set in _STAYED_IN
        for name, sql in (("survival", _SURVIVAL), ("stays", _STAYS))
    ),
)


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section."""
    del shop
    blocks: list[Block] = []
    for segment_set, title in SETS.items():
        answer = answers[f"{segment_set}_moves"]
        blocks.append(Heading(title))
        if len(answer):
            blocks.append(_flows(segment_set, answer))
        else:
            blocks.append(
                nothing_yet(
                    [answer],
                    "No move is known yet: history needs two month-ends, and a run or "
                    "a replay writes one.",
                )
            )
    blocks.append(Heading("Unusual flows"))
    blocks.append(_unusual(answers[_UNUSUAL.name], answers[_JUDGED.name]))
    for segment_set, title in _STAYED_IN.items():
        blocks.append(Heading(f"How long customers stay in a segment ({title})"))
        survival, stays = (
            answers[f"{segment_set}_{name}"] for name in ("survival", "stays")
        )
        if len(survival):
            blocks.append(_stays(segment_set, survival, stays))
        else:
            blocks.append(
                nothing_yet(
                    [survival],
                    "Nobody knows yet: no stay that began in recorded history has "
                    "been seen for a whole month.",
                )
            )
    return Section(
        "movement",
        "Movement",
        "Where customers of one month-end were at the next, as it was known then.",
        blocks,
        tuple(answers[query.name] for query in QUERIES),
    )


def _unusual(unusual: Answer, judged: Answer) -> Table | Text:
    if len(unusual):
        return Table(
            unusual,
            [
                Column("from_segment", "From", "segment"),
                Column("to_segment", "To", "segment"),
                Column("segment_set", "Kind", "set"),
                Column("anomaly_type", "What", "text"),
                Column("n_customers", "Customers", "count"),
                Column("expected_customers", "Expected", "number"),
                Column("transition_rate", "Share", "rate"),
                Column("expected_rate", "Usual share", "rate"),
            ],
            Markup(
                "Flows in {} that differ from the months before, the most striking "
                "first"
            ).format(cell(unusual, "transition_month", "month")),
        )
    if not len(judged):
        return nothing_yet(
            [unusual, judged],
            "No flow can be judged yet: it takes half a year of month-ends to know "
            "what is usual.",
        )
    return Text(
        Markup("None in {}: all of {} flows were as in the months before.").format(
            cell(judged, "transition_month", "month"), cell(judged, "n_flows", "count")
        ),
        kind="empty",
    )


def _stays(segment_set: str, survival: Answer, stays: Answer) -> Figure:
    frame = survival.frame()
    frame = frame.assign(
        rank=[_RANKS.get(name, len(_RANKS)) for name in frame["segment"]]
    )
    frame = frame.sort_values(["rank", "segment", "n_months_since_entry"])
    rows = pd.DataFrame(
        {
            "across": frame["n_months_since_entry"].astype(str),
            "down": [label(segment) for segment in frame["segment"]],
            "value": frame["survival_rate"].astype(float),
            "text": [spell(rate, "percent") for rate in frame["survival_rate"]],
        }
    )
    rows["description"] = [
        f"{down}: {text} still there after {across} months"
        for down, text, across in zip(
            rows["down"], rows["text"], rows["across"], strict=True
        )
    ]
    across = [str(n) for n in sorted(set(frame["n_months_since_entry"]))]

    def chart(width: int) -> Chart:
        shown = across[:5] if is_narrow(width) else across
        return heat(
            rows[rows["across"].isin(shown)],
            width,
            across="Months since entry",
            down="",
            font_size=11 if is_narrow(width) else 12,
            labels=112 if is_narrow(width) else 140,
            top=1.0,
            order=(shown, list(dict.fromkeys(rows["down"]))),
        )

    return Figure(
        "Share of stays that last longer than so many months",
        "Heat map: a row for each segment, a column for each month since entry; the "
        "darker, the more are still there.",
        draw(f"{segment_set}-stays", chart),
        [
            Grid(
                survival,
                Column("segment", "Segment", "label"),
                Column("n_months_since_entry", "Months", "count"),
                Column("survival_rate", "Share still there", "percent"),
                "Share of stays that last longer, by months since entry",
            ),
            Table(
                stays,
                [
                    Column("segment", "Segment", "label"),
                    Column("n_stays", "Stays that began", "count"),
                    Column("n_median_months", "Median stay, months", "count"),
                ],
                "One row per segment. Without a median, more than half are still "
                "there.",
            ),
        ],
        "Of stays that began since history was recorded (Kaplan-Meier).",
    )


def _flows(segment_set: str, answer: Answer) -> Figure:
    rows = answer.frame()
    sizes = rows.groupby("from_segment")["n_customers"].sum()
    names = set(rows["from_segment"]) | set(rows["to_segment"])
    order = sorted(
        names,
        key=lambda name: (
            _RANKS.get(name, len(_ORDER)),
            -int(sizes.get(name, 0)),
            name,
        ),
    )
    flows = [
        Flow(
            segment_name(left),
            segment_name(reached),
            int(n_customers),
            _course(left, reached),
            f"{segment_name(left)} to {segment_name(reached)}: "
            f"{spell(n_customers, 'count')} customers",
        )
        for left, reached, n_customers in zip(
            rows["from_segment"], rows["to_segment"], rows["n_customers"], strict=True
        )
    ]
    movers = [
        row
        for row in range(len(answer))
        if answer.value("from_segment", row) != answer.value("to_segment", row)
    ]
    columns = [
        Column("from_segment", "From", "segment"),
        Column("to_segment", "To", "segment"),
        Column("n_customers", "Customers", "count"),
        Column("transition_rate", "Share of who was there", "rate"),
    ]
    return Figure(
        Markup("Customers from month-end to month-end, {}").format(
            cell(answer, "transition_month", "month")
        ),
        "Bands from each segment at the left, a month-end ago, to the segment at the "
        "right that its customers reached. The thicker, the more customers.",
        draw_flows(
            f"{segment_set}-flows",
            flows,
            ("Month-end before", "Month-end after"),
            order=[segment_name(name) for name in order],
        ),
        [
            Table(answer, columns, "One row per move, the largest first", movers),
            Table(
                answer,
                columns,
                "Who stayed",
                [row for row in range(len(answer)) if row not in set(movers)],
            ),
        ],
        "Grey: stayed. Blue: rose. Orange: fell. Pale blue: moved where there is no "
        "up and down. “In none” are those who are in none of these segments: not yet, "
        "or no longer.",
    )


def _course(left: str, reached: str) -> str:
    """Tell whether a move is up or down; who was in no segment before has risen."""
    if left == reached:
        return "stayed"
    if left not in _RANKS or reached not in _RANKS:
        return "moved"
    return "up" if _RANKS[reached] < _RANKS[left] else "down"
