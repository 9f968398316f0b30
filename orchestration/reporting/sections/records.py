"""Whether the figures can be trusted: what became of records, and who is late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt
import pandas as pd
from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.charts import (
    GREEN,
    GREY,
    ORANGE,
    PINK,
    VERMILION,
    Chart,
    draw,
    is_narrow,
)
from orchestration.reporting.formats import cell, spell
from orchestration.reporting.page import (
    Column,
    Figure,
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

_STATUSES: Final = {
    "accepted": GREEN,
    "duplicate": GREY,
    "withheld": ORANGE,
    "rejected": VERMILION,
    "erased": PINK,
}

QUERIES: Final = (
    Query(
        "records",
        """\
select replace(source_name || ' ' || stream_name, '_', ' ') as stream_name,
    count(*) as n_files,
    sum(n_landed)::bigint as n_landed, sum(n_accepted)::bigint as n_accepted,
    sum(n_duplicate)::bigint as n_duplicate, sum(n_withheld)::bigint as n_withheld,
    sum(n_rejected)::bigint as n_rejected, sum(n_erased)::bigint as n_erased,
    sum(n_accepted) / nullif(sum(n_landed), 0) as accepted_rate,
    sum(n_duplicate) / nullif(sum(n_landed), 0) as duplicate_rate,
    sum(n_withheld) / nullif(sum(n_landed), 0) as withheld_rate,
    sum(n_rejected) / nullif(sum(n_landed), 0) as rejected_rate,
    sum(n_erased) / nullif(sum(n_landed), 0) as erased_rate
from marts.row_accounting
group by source_name, stream_name
order by source_name, stream_name""",
    ),
    Query(
        "record_totals",
        """\
select sum(n_landed)::bigint as n_landed, sum(n_accepted)::bigint as n_accepted,
    sum(n_accepted) / nullif(sum(n_landed), 0) as accepted_rate,
    (sum(n_landed) = sum(n_accepted) + sum(n_duplicate) + sum(n_withheld)
        + sum(n_rejected) + sum(n_erased)) as is_complete
from marts.row_accounting
having count(*) > 0""",
    ),
    Query(
        "reject_reasons",
        """\
select reject_reason,
    replace(source_name || ' ' || stream_name, '_', ' ') as stream_name,
    count(*) as n_records
from marts.rejected_rows
group by reject_reason, source_name, stream_name
order by n_records desc, reject_reason, source_name, stream_name
limit 12""",
    ),
    Query(
        "freshness",
        """\
select replace(source_name || ' ' || stream_name, '_', ' ') as stream_name,
    newest_record_date, age_days, max_age_days, is_late
from marts.source_freshness
order by is_late desc, age_days desc nulls last, source_name, stream_name""",
    ),
    Query(
        "late_sources",
        """\
select count(case when is_late then 1 end) as n_late, count(*) as n_streams
from marts.source_freshness
having count(*) > 0""",
    ),
    Query(
        "odd_days",
        """\
select volume_date, source_name, record_type,
    coalesce(nullif(event_name, ''), 'all') as event_name, anomaly_type, n_records,
    expected_records
from marts.volume_anomalies
where anomaly_type <> 'none' and volume_date >= (
    select as_of_date - 31 from marts.dim_as_of_dates where is_current)
order by volume_date desc, source_name, record_type, event_name
limit 12""",
    ),
    Query(
        "odd_days_window",
        """\
select as_of_date - 31 as first_date,
    (select count(*) from marts.volume_anomalies
        where volume_date >= dim_as_of_dates.as_of_date - 31) as n_judged
from marts.dim_as_of_dates
where is_current""",
    ),
)


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section."""
    del shop
    asked = tuple(answers[query.name] for query in QUERIES)
    records, totals, reasons, freshness, late, odd, window = asked
    blocks: list[Block] = []
    lead: Markup | str = ""
    if len(totals):
        lead = Markup("Of {} records that landed, {} count ({}).").format(
            cell(totals, "n_landed", "count"),
            cell(totals, "n_accepted", "count"),
            cell(totals, "accepted_rate", "rate"),
        )
        blocks.append(_accounting(records, totals))
    else:
        blocks.append(nothing_yet([records, totals], "Nothing has landed yet."))
    blocks.append(Heading("Why records were rejected"))
    if len(reasons):
        blocks.append(
            Table(
                reasons,
                [
                    Column("stream_name", "Source", "text"),
                    Column("reject_reason", "Reason", "label"),
                    Column("n_records", "Records", "count"),
                ],
                "One row per source and reason, the commonest first",
            )
        )
    else:
        blocks.append(nothing_yet([reasons], "No record was rejected."))
    blocks.append(Heading("How fresh sources are"))
    if len(freshness):
        n_late = late.value("n_late")
        said = Markup("{} of {} sources are late.").format(
            cell(late, "n_late", "count"), cell(late, "n_streams", "count")
        )
        blocks.append(Text(said, kind="warning" if n_late else "plain"))
        blocks.append(
            Table(
                freshness,
                [
                    Column("stream_name", "Source", "text"),
                    Column("newest_record_date", "Newest record", "date"),
                    Column("age_days", "Age, days", "days"),
                    Column("max_age_days", "Allowed, days", "days"),
                    Column("is_late", "Late", "flag"),
                ],
                "One row per source. Without an allowance, nothing is expected of it.",
            )
        )
    else:
        blocks.append(nothing_yet([freshness], "No source has delivered anything yet."))
    blocks.append(Heading("Odd days lately"))
    blocks += _odd_days(odd, window)
    return Section("records", "Records and freshness", lead, blocks, asked)


def _accounting(records: Answer, totals: Answer) -> Figure:
    frame = records.frame()
    shares = pd.concat(
        [
            pd.DataFrame(
                {
                    "name": frame["stream_name"],
                    "status": status,
                    "rank": rank,
                    "value": frame[f"{status}_rate"].astype(float),
                    "n": frame[f"n_{status}"],
                }
            )
            for rank, status in enumerate(_STATUSES)
        ]
    )
    shares = shares[shares["n"] > 0]
    shares["description"] = [
        f"{name}: {spell(n, 'count')} {status} ({spell(rate, 'rate')})"
        for name, n, status, rate in zip(
            shares["name"], shares["n"], shares["status"], shares["value"], strict=True
        )
    ]

    def chart(width: int) -> Chart:
        names = 118 if is_narrow(width) else 170
        drawn: Chart = (
            alt.Chart(shares)
            .mark_bar(height=16, aria=True)
            .encode(
                y=alt.Y(
                    "name:N",
                    sort=None,
                    title=None,
                    axis=alt.Axis(ticks=False, domain=False, labelPadding=6),
                ),
                x=alt.X(
                    "value:Q",
                    title="Share of landed records",
                    axis=alt.Axis(format="%", tickCount=3 if is_narrow(width) else 6),
                    scale=alt.Scale(domain=[0, 1], nice=False),
                ),
                color=alt.Color(
                    "status:N",
                    title=None,
                    scale=alt.Scale(
                        domain=list(_STATUSES), range=list(_STATUSES.values())
                    ),
                    legend=alt.Legend(
                        orient="top",
                        columns=3 if is_narrow(width) else 5,
                        symbolType="square",
                    ),
                ),
                order="rank:Q",
                description="description:N",
            )
            .properties(width=width - names - 16, height=26 * len(frame))
        )
        return drawn

    counted = "Every landed record has exactly one status."
    if not totals.value("is_complete"):
        counted = "Statuses don't add up to what landed: ask your data team."
    return Figure(
        "What became of every record",
        "A bar for each source, cut into the shares of records that were accepted, "
        "duplicates, withheld, rejected or erased.",
        draw("records", chart),
        [
            Table(
                records,
                [
                    Column("stream_name", "Source", "text"),
                    Column("n_files", "Files", "count"),
                    Column("n_landed", "Landed", "count"),
                    *(
                        column
                        for status in _STATUSES
                        for column in (
                            Column(f"n_{status}", status.capitalize(), "count"),
                            Column(f"{status}_rate", "Share", "rate"),
                        )
                    ),
                ],
                "One row per source, in records",
            )
        ],
        counted,
    )


def _odd_days(odd: Answer, window: Answer) -> list[Table | Text]:
    if len(odd):
        return [
            Table(
                odd,
                [
                    Column("volume_date", "Day", "date"),
                    Column("source_name", "Source", "text"),
                    Column("record_type", "Kind", "text"),
                    Column("event_name", "Event", "text"),
                    Column("anomaly_type", "What", "text"),
                    Column("n_records", "Records", "count"),
                    Column("expected_records", "Expected", "number"),
                ],
                "One row per source, kind of record and day with far fewer or far "
                "more records than the days before let expect; the newest first",
            )
        ]
    if odd.missing or not len(window):
        return [nothing_yet([odd, window], "No day is known yet.")]
    if not window.value("n_judged"):
        return [
            Text(
                "No day can be judged yet: it takes some weeks of records to know "
                "what is usual.",
                kind="empty",
            )
        ]
    return [
        Text(
            Markup("None since {}: records arrive as usual.").format(
                cell(window, "first_date", "date")
            ),
            kind="empty",
        )
    ]
