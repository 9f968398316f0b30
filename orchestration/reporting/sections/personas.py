"""Personas: what kind of people the clusters are, and what to do for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt
import pandas as pd
from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.charts import (
    BLUE,
    FAINT,
    INK,
    Chart,
    draw_once,
)
from orchestration.reporting.formats import cell, feature, spell
from orchestration.reporting.page import (
    Card,
    Cards,
    Column,
    Figure,
    Points,
    Section,
    Table,
    Text,
    nothing_yet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.reporting.answers import Answer
    from orchestration.reporting.page import Block, Shop

# Traits that a card on the report names, and one on the page of personas, whose chart
# has them all.
_N_NAMED: Final = 3
_N_LISTED: Final = 5

PERSONAS: Final = Query(
    "personas",
    """\
select segment, persona_name, working_name, suggested_action, top_category_name,
    top_category_share_rate, peak_weekday_name, peak_hour, n_customers,
    customer_share_rate, n_orders, net_amount, net_amount_share_rate,
    average_order_amount, distinguishable_reason, is_distinguishable,
    classifier_accuracy_rate, recall_rate, cluster_number
from marts.personas
order by net_amount desc, cluster_number""",
)
# Where the persona's median is among everyone: half of those who have just it count.
TRAITS: Final = Query(
    "persona_traits",
    """\
select cluster_number, feature_name, trait_rank_number, trait_text, lower_quartile,
    median_value, upper_quartile, everyone_median_value, importance_score,
    (higher_than_rate + 1 - lower_than_rate) / 2 as position_rate,
    case
        when feature_name like '%_days' then 'days'
        when feature_name like '%_amount' then 'price'
        when feature_name like '%_rate' then 'rate'
        else 'number'
    end as value_kind
from marts.persona_traits
order by cluster_number, trait_rank_number nulls last, feature_name""",
)
EXAMPLES: Final = Query(
    "persona_examples",
    """\
select cluster_number, example_number, recency_days, n_orders, monetary_amount,
    average_order_amount, n_categories, n_sessions, discount_rate, refund_rate,
    mobile_order_rate, tenure_days
from marts.persona_examples
order by cluster_number, example_number""",
)
QUERIES: Final = (PERSONAS, TRAITS, EXAMPLES)

_NO_PERSONAS: Final = (
    "There are no clusters yet, so there are no personas: it takes customers who "
    "bought within the trailing window and agree to personalization."
)
_ONE: Final = (
    "Nothing separates customers into kinds, so there is one persona: everyone. "
    "Segments by recency and frequency are of more use then."
)


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section of the report: short cards."""
    personas, traits, _ = (answers[query.name] for query in QUERIES)
    blocks: list[Block] = []
    if not len(personas):
        blocks.append(nothing_yet([personas], _NO_PERSONAS))
    else:
        if len(personas) == 1:
            blocks.append(Text(_ONE, kind="empty"))
        blocks.append(
            Cards([_short_card(personas, traits, row) for row in range(len(personas))])
        )
        blocks.append(
            Text(Markup('<a href="personas.html">All traits, habits and examples</a>'))
        )
    del shop
    return Section("personas", "Personas", _lead(personas), blocks, (personas, traits))


def make_all(answers: Mapping[str, Answer], shop: Shop) -> list[Section]:
    """Make the sections of the page of personas: cards with all there is."""
    personas, traits, examples = (answers[query.name] for query in QUERIES)
    blocks: list[Block] = []
    if not len(personas):
        blocks.append(nothing_yet([personas], _NO_PERSONAS))
    else:
        if len(personas) == 1:
            blocks.append(Text(_ONE, kind="empty"))
        cards = [
            _card(personas, traits, examples, shop, row) for row in range(len(personas))
        ]
        blocks.append(Cards(cards, is_large=True))
    title = "Who they are, the highest net amount first"
    asked = (personas, traits, examples)
    return [Section("personas", title, _lead(personas), blocks, asked)]


def _lead(personas: Answer) -> Markup | str:
    if not len(personas):
        return ""
    known = "A persona is a cluster of customers who behave alike, put into words."
    if personas.value("classifier_accuracy_rate") is None:
        return known
    return Markup(
        "{} Of customers it had not seen, a forest of decision trees puts {} into the "
        "right one."
    ).format(known, cell(personas, "classifier_accuracy_rate", "rate"))


def _head(personas: Answer, row: int) -> tuple[str, Markup, Markup]:
    """Return a card's id, title and subtitle."""
    subtitle = Markup(
        "{} customers, {} of all in clusters; {} of their net amount"
    ).format(
        cell(personas, "n_customers", "count", row),
        cell(personas, "customer_share_rate", "rate", row),
        cell(personas, "net_amount_share_rate", "rate", row),
    )
    number = personas.value("cluster_number", row)
    return (
        f"persona-{number}",
        cell(personas, "persona_name", "sentence", row),
        subtitle,
    )


def _named(personas: Answer, traits: Answer, row: int, n_traits: int) -> Points | Text:
    """List what a persona is known by, or say that nothing tells it apart."""
    if not personas.value("is_distinguishable", row):
        return Text(
            Markup("No traits: {}.").format(
                cell(personas, "distinguishable_reason", "text", row)
            ),
            kind="warning",
        )
    number = personas.value("cluster_number", row)
    ranked = [
        trait
        for trait in traits.where(cluster_number=number)
        if traits.value("trait_rank_number", trait) is not None
    ]
    if not ranked:
        return Text("No single trait makes them what they are.", kind="empty")
    return Points(
        [cell(traits, "trait_text", "sentence", trait) for trait in ranked[:n_traits]]
    )


def _action(personas: Answer, row: int) -> Text:
    return Text(
        Markup("<strong>What to do.</strong> {}").format(
            cell(personas, "suggested_action", "text", row)
        ),
        kind="action",
    )


def _short_card(personas: Answer, traits: Answer, row: int) -> Card:
    blocks = [_named(personas, traits, row, _N_NAMED), _action(personas, row)]
    return Card(*_head(personas, row), blocks)


def _card(
    personas: Answer, traits: Answer, examples: Answer, shop: Shop, row: int
) -> Card:
    number = personas.value("cluster_number", row)
    blocks: list[Block] = [_named(personas, traits, row, _N_LISTED)]
    if personas.value("is_distinguishable", row):
        blocks.append(
            Text(
                Markup("How sure: {}.").format(
                    cell(personas, "distinguishable_reason", "text", row)
                )
            )
        )
    blocks.append(_habits(personas, shop, row))
    if own := traits.where(cluster_number=number):
        blocks.append(_against_everyone(traits, own, shop, number))
    blocks.append(_examples(examples, shop, number))
    blocks.append(_action(personas, row))
    return Card(*_head(personas, row), blocks)


def _habits(personas: Answer, shop: Shop, row: int) -> Text:
    parts = [
        Markup("Their {} orders are worth {} {} each.").format(
            cell(personas, "n_orders", "count", row),
            shop.currency,
            cell(personas, "average_order_amount", "price", row),
        )
    ]
    if personas.value("top_category_name", row) is not None:
        parts.append(
            Markup("They spend most on {} ({} of what they buy).").format(
                cell(personas, "top_category_name", "text", row),
                cell(personas, "top_category_share_rate", "rate", row),
            )
        )
    when = [
        Markup("{} {}").format(before, cell(personas, column, kind, row))
        for column, kind, before in (
            ("peak_weekday_name", "text", "on"),
            ("peak_hour", "hour", "from"),
        )
        if personas.value(column, row) is not None
    ]
    if when:
        parts.append(Markup("They order most {}.").format(Markup(" and ").join(when)))
    return Text(Markup(" ").join(parts))


def _against_everyone(
    traits: Answer, own: list[int], shop: Shop, number: int
) -> Figure:
    frame = traits.frame().iloc[own]
    rows = pd.DataFrame(
        {
            "name": [feature(name) for name in frame["feature_name"]],
            "value": frame["position_rate"].astype(float),
            "text": [spell(rate, "percent") for rate in frame["position_rate"]],
        }
    )
    rows["description"] = (
        rows["name"] + ": higher than " + rows["text"] + " of customers"
    )
    columns = [
        Column("feature_name", "Trait", "feature"),
        Column("median_value", "Median", "number", "value_kind"),
        Column("lower_quartile", "Lower quartile", "number", "value_kind"),
        Column("upper_quartile", "Upper quartile", "number", "value_kind"),
        Column("everyone_median_value", "Median of everyone", "number", "value_kind"),
        Column("position_rate", "Higher than, share of customers", "percent"),
        Column("importance_score", "Importance", "parameter"),
    ]
    return Figure(
        "Against everyone",
        "A dot for each trait: the share of all clustered customers who are below "
        "this persona's median. The line in the middle is the median of everyone.",
        draw_once(f"persona-{number}-traits", _dots(rows)),
        [Table(traits, columns, f"One row per trait; amounts in {shop.currency}", own)],
        "Share of customers below the persona's median; the upright line is "
        "everyone's.",
    )


def _dots(rows: pd.DataFrame) -> Chart:
    y = alt.Y(
        "name:N",
        sort=None,
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelLimit=190, labelPadding=8),
    )
    scale = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(format="%", values=[0, 0.5, 1], grid=False)
    base = alt.Chart(rows).encode(
        y=y, x=alt.X("value:Q", title=None, axis=axis, scale=scale)
    )
    track = (
        alt.Chart(rows.assign(low=0, high=1))
        .mark_rule(color="#d9dee5", strokeWidth=6, strokeCap="round")
        .encode(y=y, x=alt.X("low:Q", title=None, axis=axis, scale=scale), x2="high:Q")
    )
    middle = (
        alt.Chart(pd.DataFrame({"value": [0.5]}))
        .mark_rule(color=FAINT, strokeWidth=1.5)
        .encode(x=alt.X("value:Q", title=None, axis=axis, scale=scale))
    )
    dots = base.mark_point(
        filled=True, size=120, opacity=1, color=BLUE, stroke="white", aria=True
    ).encode(description="description:N")
    texts = base.mark_text(align="left", color=INK, fontSize=12).encode(
        x=alt.value(192), text="text:N"
    )
    return alt.layer(track, middle, dots, texts).properties(
        width=182, height=24 * len(rows)
    )


def _examples(examples: Answer, shop: Shop, number: int) -> Table | Text:
    own = examples.where(cluster_number=number)
    if not own:
        return nothing_yet(
            [examples],
            "No example: so few customers are in this cluster that one might be "
            "recognised.",
        )
    return Table(
        examples,
        [
            Column("example_number", "No.", "count"),
            Column("n_orders", "Orders", "count"),
            Column("monetary_amount", f"Net amount, {shop.currency}", "amount"),
            Column("recency_days", "Last one, days ago", "days"),
            Column("discount_rate", "Discount", "percent"),
            Column("mobile_order_rate", "On the phone", "percent"),
        ],
        "Typical customers, one a row, rounded so that nobody can be found",
        own,
    )
