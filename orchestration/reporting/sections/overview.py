"""At a glance: how many customers, what they bring, and who brings most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.formats import cell
from orchestration.reporting.page import Section, Text, Tile, Tiles, nothing_yet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.reporting.answers import Answer
    from orchestration.reporting.page import Block, Shop

QUERIES: Final = (
    Query(
        "totals",
        """\
select
    sum(n_customers)::bigint as n_customers,
    sum(n_purchasers)::bigint as n_purchasers,
    sum(case when segment not in ('none', 'inactive', 'merged') then n_customers
        else 0 end)::bigint as n_buyers,
    sum(n_orders)::bigint as n_orders,
    sum(net_amount) as net_amount,
    sum(refund_amount) as refund_amount,
    (select as_of_date - window_start_date from marts.dim_as_of_dates
        where is_current) as window_days
from marts.segment_summary
where segment_set = 'rfm'
having count(*) > 0""",
    ),
    Query(
        "leading_segments",
        """\
select segment, n_customers, customer_share_rate, net_amount, net_amount_share_rate
from marts.segment_summary
where segment_set = 'rfm' and segment not in ('none', 'merged')
order by net_amount desc, segment
limit 3""",
    ),
    Query(
        "leading_moves",
        """\
select from_segment, to_segment, n_customers, transition_rate, transition_month
from marts.segment_transitions
where segment_set = 'rfm' and from_segment <> to_segment
    and from_segment not in ('none', 'merged') and to_segment not in ('none', 'merged')
    and as_of_date = (
        select max(as_of_date) from marts.segment_transitions where is_month_complete)
order by n_customers desc, from_segment, to_segment
limit 3""",
    ),
)


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section."""
    totals, leading, moves = (answers[query.name] for query in QUERIES)
    blocks: list[Block] = []
    lead: Markup | str = ""
    if not len(totals):
        blocks.append(
            nothing_yet([totals], "Nobody has visited or bought anything yet.")
        )
    else:
        lead = _lead(leading)
        window = Markup("in the last {} days").format(
            cell(totals, "window_days", "count")
        )
        blocks.append(
            Tiles(
                [
                    Tile(
                        "Customers",
                        cell(totals, "n_customers", "count"),
                        "known so far",
                    ),
                    Tile(
                        "Purchasers",
                        cell(totals, "n_purchasers", "count"),
                        "ever bought",
                    ),
                    Tile("Buyers", cell(totals, "n_buyers", "count"), window),
                    Tile("Orders", cell(totals, "n_orders", "count"), window),
                    Tile(
                        f"Net amount, {shop.currency}",
                        cell(totals, "net_amount", "amount"),
                        window,
                    ),
                    Tile(
                        f"Refunds, {shop.currency}",
                        cell(totals, "refund_amount", "amount"),
                        window,
                    ),
                ]
            )
        )
        if len(moves):
            blocks.append(Text(_moves(moves)))
    return Section("overview", "At a glance", lead, blocks, (totals, leading, moves))


def _lead(leading: Answer) -> Markup | str:
    if not len(leading) or leading.value("net_amount") <= 0:
        return ""
    return Markup(
        "The segment <strong>{}</strong> brings most: {} of customers make {} of the "
        "net amount."
    ).format(
        cell(leading, "segment", "label"),
        cell(leading, "customer_share_rate", "rate"),
        cell(leading, "net_amount_share_rate", "rate"),
    )


def _moves(moves: Answer) -> Markup:
    listed = Markup("; ").join(
        Markup("{} from {} to {} ({} of those who were there)").format(
            cell(moves, "n_customers", "count", row),
            cell(moves, "from_segment", "label", row),
            cell(moves, "to_segment", "label", row),
            cell(moves, "transition_rate", "rate", row),
        )
        for row in range(len(moves))
    )
    return Markup("Largest moves in {}: {}.").format(
        cell(moves, "transition_month", "month"), listed
    )
