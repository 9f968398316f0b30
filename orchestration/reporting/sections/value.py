"""Value: which segment is worth what, how cohorts come back, what is still to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.charts import Chart, bars, draw, heat, is_narrow
from orchestration.reporting.formats import cell, segment_name, spell
from orchestration.reporting.page import (
    Column,
    Figure,
    Grid,
    Heading,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
    nothing_yet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.reporting.answers import Answer
    from orchestration.reporting.page import Block, Shop

QUERIES: Final = (
    Query(
        "performance",
        """\
select segment, performance_month, n_customers, n_visitors, n_purchasers, n_orders,
    net_amount, net_amount_per_customer, conversion_rate, purchase_rate, purchase_lift,
    repeat_rate
from marts.segment_performance
where segment_set = 'rfm' and segment <> 'merged'
    and performance_month = (
        select max(performance_month) from marts.segment_performance)
order by net_amount_per_customer desc, segment""",
    ),
    Query(
        "cohorts",
        """\
select cohort_month, months_since_first_purchase, retention_rate, n_purchasers,
    n_customers, cumulative_net_amount_per_customer
from marts.cohort_retention
where months_since_first_purchase between 1 and 12
    and cohort_month >= (
        select max(activity_month) - interval 12 month from marts.cohort_retention)
order by cohort_month, months_since_first_purchase""",
    ),
    Query(
        "cohort_values",
        """\
select cohort_month, min(n_customers) as n_customers,
    max(months_since_first_purchase) as n_months,
    max_by(cumulative_net_amount, months_since_first_purchase)
        as cumulative_net_amount,
    max_by(cumulative_net_amount_per_customer, months_since_first_purchase)
        as cumulative_net_amount_per_customer
from marts.cohort_retention
where cohort_month >= (
    select max(activity_month) - interval 12 month from marts.cohort_retention)
group by cohort_month
order by cohort_month""",
    ),
    Query(
        "lifetime_values",
        """\
select coalesce(customer_rfm.segment, 'none') as segment, count(*) as n_customers,
    avg(customer_lifetime_values.p_alive_rate) as p_alive_rate,
    sum(customer_lifetime_values.lifetime_value_90d_amount) as value_90d_amount,
    sum(customer_lifetime_values.lifetime_value_365d_amount) as value_365d_amount,
    (avg(customer_lifetime_values.lifetime_value_365d_amount))::decimal(18, 4)
        as value_365d_per_customer
from marts.customer_lifetime_values
left join marts.customer_rfm
    on customer_lifetime_values.customer_id = customer_rfm.customer_id
group by 1
order by value_365d_amount desc nulls last, segment""",
    ),
    Query(
        "lifetime_value_totals",
        """\
select count(*) as n_customers,
    sum(p_alive_rate) as expected_alive_customers,
    sum(lifetime_value_90d_amount) as value_90d_amount,
    sum(lifetime_value_365d_amount) as value_365d_amount,
    90 as short_days, 365 as long_days
from marts.customer_lifetime_values
having count(*) > 0""",
    ),
    Query(
        "lifetime_value_model",
        """\
select as_of_date, outcome, amount_outcome, backtest_outcome, outcome_code,
    amount_outcome_code, backtest_outcome_code, holdout_days, n_holdout_customers,
    n_holdout_purchase_days, expected_holdout_purchase_days,
    naive_holdout_purchase_days, holdout_relative_error, naive_holdout_relative_error,
    bg_nbd_r, bg_nbd_alpha, bg_nbd_a, bg_nbd_b, gamma_gamma_p, gamma_gamma_q,
    gamma_gamma_v
from marts.lifetime_value_models
where is_newest
order by model_id""",
    ),
)


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section."""
    asked = tuple(answers[query.name] for query in QUERIES)
    performance, cohorts, cohort_values, values, totals, model = asked
    blocks: list[Block] = [Heading("What each segment did last month")]
    if len(performance):
        blocks.append(_performance(performance, shop))
    else:
        blocks.append(
            nothing_yet(
                [performance],
                "No whole month has passed since the first customer came.",
            )
        )
    blocks.append(Heading("Who comes back: cohorts by month of the first purchase"))
    if len(cohorts):
        blocks.append(_cohorts(cohorts, cohort_values, shop))
    else:
        blocks.append(
            nothing_yet(
                [cohorts],
                "No cohort has had a whole month after its first one, so nobody can "
                "have come back yet.",
            )
        )
    blocks.append(Heading("What customers are still worth"))
    if len(totals):
        # Whether it can be believed comes before what it says.
        if len(model):
            blocks.append(_trust(model))
        blocks += _lifetime_values(values, totals, shop)
        if len(model):
            blocks += _parameters(model)
    else:
        blocks.append(_no_lifetime_values(totals, model))
    return Section("value", "Value", "", blocks, asked)


def _performance(performance: Answer, shop: Shop) -> Figure:
    frame = performance.frame()
    rows = pd.DataFrame(
        {
            "name": [segment_name(segment) for segment in frame["segment"]],
            "value": frame["net_amount_per_customer"],
            "text": [
                spell(amount, "price")
                for amount in performance.values("net_amount_per_customer")
            ],
        }
    )
    rows["description"] = rows["name"] + f": {shop.currency} " + rows["text"]
    return Figure(
        Markup("Net amount per customer in {}, {}").format(
            cell(performance, "performance_month", "month"), shop.currency
        ),
        "A bar for each segment at the month's start: the net amount per customer of "
        "it.",
        draw(
            "performance",
            lambda width: bars(
                rows, width, title=f"Net amount per customer, {shop.currency}"
            ),
        ),
        [
            Table(
                performance,
                [
                    Column("segment", "Segment at the month's start", "segment"),
                    Column("n_customers", "Customers", "count"),
                    Column("n_visitors", "With a visit", "count"),
                    Column("n_purchasers", "Purchasers", "count"),
                    Column("n_orders", "Orders", "count"),
                    Column("net_amount", f"Net amount, {shop.currency}", "amount"),
                    Column(
                        "net_amount_per_customer",
                        f"Per customer, {shop.currency}",
                        "price",
                    ),
                    Column("conversion_rate", "Visitors who bought", "rate"),
                    Column("purchase_rate", "Customers who bought", "rate"),
                    Column("purchase_lift", "Against all known", "ratio"),
                    Column("repeat_rate", "Had bought before", "rate"),
                ],
                "One row per segment; “newcomers” first came in the month",
            )
        ],
        "Segments are those of the month-end before, so nobody is in a good one "
        "because of what they bought in the month.",
    )


def _cohorts(cohorts: Answer, cohort_values: Answer, shop: Shop) -> Figure:
    frame = cohorts.frame()
    texts = [spell(rate, "percent") for rate in frame["retention_rate"]]
    rows = pd.DataFrame(
        {
            "across": frame["months_since_first_purchase"].astype(str),
            "down": [spell(month, "month") for month in frame["cohort_month"]],
            "value": frame["retention_rate"].astype(float),
            "text": texts,
        }
    )
    rows["description"] = [
        f"First bought in {down}: {text} bought in month {across} after it"
        for down, text, across in zip(rows["down"], texts, rows["across"], strict=True)
    ]
    across = [str(n) for n in sorted(set(frame["months_since_first_purchase"]))]

    def chart(width: int) -> Chart:
        # Twelve months don't fit a telephone: the first half does.
        shown = across[:6] if is_narrow(width) else across
        return heat(
            rows[rows["across"].isin(shown)],
            width,
            across="Months after the first purchase",
            down="",
            row_height=30,
            font_size=11 if is_narrow(width) else 12,
            labels=64,
            order=(shown, list(dict.fromkeys(rows["down"]))),
        )

    return Figure(
        "Share of a cohort that bought again, by month",
        "Heat map: a row for each month of first purchase, a column for each month "
        "after it; the darker, the larger the share that bought in that month.",
        draw("cohorts", chart),
        [
            Grid(
                cohorts,
                Column("cohort_month", "First purchase", "month"),
                Column("months_since_first_purchase", "Months after", "count"),
                Column("retention_rate", "Share", "percent"),
                "Share of the cohort that bought, by months after the first purchase",
            ),
            Table(
                cohort_values,
                [
                    Column("cohort_month", "First purchase", "month"),
                    Column("n_customers", "Customers", "count"),
                    Column("n_months", "Months since", "count"),
                    Column(
                        "cumulative_net_amount",
                        f"Net amount so far, {shop.currency}",
                        "amount",
                    ),
                    Column(
                        "cumulative_net_amount_per_customer",
                        f"Per customer, {shop.currency}",
                        "price",
                    ),
                ],
                "One row per cohort",
            ),
        ],
        "The first cohort also holds customers who had bought before records begin. "
        "On a narrow screen the table has the later months.",
    )


def _lifetime_values(values: Answer, totals: Answer, shop: Shop) -> list[Block]:
    short = Markup("in the next {} days, {}").format(
        cell(totals, "short_days", "count"), shop.currency
    )
    long = Markup("in the next {} days, {}").format(
        cell(totals, "long_days", "count"), shop.currency
    )
    frame = values.frame()
    known = frame["value_365d_amount"].notna()
    rows = pd.DataFrame(
        {
            "name": [segment_name(segment) for segment in frame["segment"]],
            "value": frame["value_365d_amount"].astype(float),
            "text": [
                spell(amount, "amount") for amount in values.values("value_365d_amount")
            ],
        }
    )
    rows["description"] = rows["name"] + f": {shop.currency} " + rows["text"]
    blocks: list[Block] = [
        Tiles(
            [
                Tile(
                    "Customers", cell(totals, "n_customers", "count"), "with a forecast"
                ),
                Tile(
                    "Still buying",
                    cell(totals, "expected_alive_customers", "count"),
                    "of them, as expected",
                ),
                Tile("Purchases", cell(totals, "value_90d_amount", "amount"), short),
                Tile("Purchases", cell(totals, "value_365d_amount", "amount"), long),
            ]
        )
    ]
    columns = [
        Column("segment", "Segment", "segment"),
        Column("n_customers", "Customers", "count"),
        Column("p_alive_rate", "Still buying, mean chance", "rate"),
        Column("value_90d_amount", f"Short horizon, {shop.currency}", "amount"),
        Column("value_365d_amount", f"Long horizon, {shop.currency}", "amount"),
        Column("value_365d_per_customer", f"Per customer, {shop.currency}", "price"),
    ]
    table = Table(values, columns, "One row per segment of recency and frequency")
    if known.any():
        blocks.append(
            Figure(
                Markup("Expected purchases by segment, {}").format(long),
                "A bar for each segment: what its customers are expected to buy.",
                draw(
                    "lifetime-values",
                    lambda width: bars(
                        rows[known], width, title=f"Expected purchases, {shop.currency}"
                    ),
                ),
                [table],
                "Before returns and costs, not discounted to today.",
            )
        )
    else:
        blocks.append(table)
    return blocks


def _no_lifetime_values(totals: Answer, model: Answer) -> Text:
    if len(model):
        return Text(
            Markup("No forecast: {}.").format(cell(model, "outcome", "text")),
            kind="empty",
        )
    return nothing_yet(
        [totals, model], "No customer's value has been forecast: nobody has bought yet."
    )


def _trust(model: Answer) -> Text:
    """Say how far off the forecast was, or why nobody knows."""
    if model.value("holdout_relative_error") is None:
        return Text(
            Markup("How far off the forecast is isn't known: {}.").format(
                cell(model, "backtest_outcome", "text")
            ),
            kind="warning",
        )
    own = abs(model.value("holdout_relative_error"))
    naive = abs(model.value("naive_holdout_relative_error"))
    said = Markup(
        "Tested on the last {} days: {} days with a purchase were expected of {} "
        "customers, and {} came (off by {}); had everybody gone on as before, it would "
        "have been {} (off by {})."
    ).format(
        cell(model, "holdout_days", "count"),
        cell(model, "expected_holdout_purchase_days", "count"),
        cell(model, "n_holdout_customers", "count"),
        cell(model, "n_holdout_purchase_days", "count"),
        cell(model, "holdout_relative_error", "rate"),
        cell(model, "naive_holdout_purchase_days", "count"),
        cell(model, "naive_holdout_relative_error", "rate"),
    )
    if own < naive:
        return Text(said + " The forecast is the better of the two.")
    return Text(
        said + " So the forecast is no better than that: don't rely on it.",
        kind="warning",
    )


def _parameters(model: Answer) -> list[Block]:
    """Show what the forecast is made of, where there is one."""
    if model.value("bg_nbd_r") is None:
        return []
    names = {
        "bg_nbd_r": "r",
        "bg_nbd_alpha": "alpha, weeks",
        "bg_nbd_a": "a",
        "bg_nbd_b": "b",
        "gamma_gamma_p": "p",
        "gamma_gamma_q": "q",
        "gamma_gamma_v": "v",
    }
    columns = [
        Column("as_of_date", "Fitted as of", "date"),
        *(Column(name, title, "parameter") for name, title in names.items()),
    ]
    caption = (
        "Parameters of the model of purchases (BG/NBD: r, alpha, a, b) and of amounts "
        "(Gamma-Gamma: p, q, v)"
    )
    return [Table(model, columns, caption)]
