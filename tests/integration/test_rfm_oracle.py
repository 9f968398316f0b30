"""RFM recomputed from the order lines in pandas, from the design's words alone.

Recency is days since the last purchase; frequency the purchases in the trailing window
and monetary value the net amount in it, refunds included. With n customers who
purchased in the window, `recency_score = 5 - floor(5 * (rank - 1) / n)` and
`1 + floor(5 * (rank - 1) / n)` for the others, equal values sharing a rank. Earlier
purchasers keep a row without scores, labelled `inactive`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from warehouses import PROJECT, DataSet, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built, Workshop

WINDOW = timedelta(days=365)
SCORES = {
    "recency_days": "recency_score",
    "n_orders": "frequency_score",
    "monetary_amount": "monetary_score",
}
COLUMNS = ["segment", *SCORES, *SCORES.values()]


def order_lines(built: Built) -> pd.DataFrame:
    """Lines of known customers; money in ten-thousandths, so that sums are exact."""
    lines = built.frame(
        "select customer_id, order_key, is_purchase, ordered_date,"
        " cast(net_amount * 10000 as bigint) as net"
        " from marts.fct_order_lines where customer_id is not null"
    )
    lines["ordered_date"] = pd.to_datetime(lines["ordered_date"])
    return lines


def score(values: pd.Series[int]) -> pd.Series[int]:
    """Return floor(5 * (rank - 1) / n), equal values sharing the lowest rank."""
    rank = values.rank(method="min").astype("int64")
    return 5 * (rank - 1) // len(values)


def rfm(lines: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Measures, scores and labels of every customer who purchased before a date."""
    end = pd.Timestamp(as_of)
    known = lines[lines["ordered_date"] < end]
    in_window = known[known["ordered_date"] >= end - WINDOW]
    purchases = known[known["is_purchase"]]
    # An order is one purchase, on the day of its first line.
    orders = purchases.groupby(["customer_id", "order_key"])["ordered_date"].min()
    days = orders.groupby("customer_id").max()
    n_orders = orders[orders >= end - WINDOW].groupby("customer_id").size()
    result = pd.DataFrame({"recency_days": (end - days).dt.days})
    result["n_orders"] = n_orders.reindex(result.index).fillna(0).astype("int64")
    net = in_window.groupby("customer_id")["net"].sum()
    result["monetary_amount"] = net.reindex(result.index).fillna(0).astype("int64")
    buyers = result[result["n_orders"] > 0]
    scored = pd.DataFrame(
        {
            "recency_score": 5 - score(buyers["recency_days"]),
            "frequency_score": 1 + score(buyers["n_orders"]),
            "monetary_score": 1 + score(buyers["monetary_amount"]),
        }
    )
    labels = pd.read_csv(PROJECT / "seeds" / "rfm_segments.csv").set_index(
        ["recency_score", "frequency_score"]
    )["segment"]
    scored["segment"] = [
        labels[pair]
        for pair in zip(scored["recency_score"], scored["frequency_score"], strict=True)
    ]
    result = result.join(scored)
    result["segment"] = result["segment"].fillna("inactive")
    return _sorted(result)


def mart(built: Built, as_of: date) -> pd.DataFrame:
    found = built.frame(
        "select customer_id, segment, recency_days, n_orders,"
        " cast(monetary_amount * 10000 as bigint) as monetary_amount, recency_score,"
        " frequency_score, monetary_score from marts.customer_rfm_by_date"
        f" where as_of_date = date '{as_of}'"
    )
    return _sorted(found.set_index("customer_id"))


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = [*SCORES, *SCORES.values()]
    return frame[COLUMNS].astype(dict.fromkeys(numbers, "float64")).sort_index()


@pytest.mark.parametrize(
    "name", ["online_retail", "cdnow", "complete_journey", "storefront"]
)
def test_rfm_of_every_customer(name: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(name)
    as_of = built.data_set.as_of
    found = mart(built, as_of)
    pd.testing.assert_frame_equal(
        found, rfm(order_lines(built), as_of), check_names=False, check_dtype=False
    )
    (n_current,) = built.row("select count(*) from marts.customer_rfm")
    assert n_current == len(found)
    scored = found.dropna(subset=["recency_score"])
    assert scored["n_orders"].duplicated().any()
    for measure, of_measure in SCORES.items():
        pairs = scored[[measure, of_measure]].drop_duplicates()
        assert pairs[measure].is_unique


def test_frequency_of_cdnow_has_no_score_2(cdnow: Built) -> None:
    """Ties may leave a score empty: over 40% bought once, so nobody has rank 0.2 n.

    All customers of the cohort purchased within the year 1997.
    """
    scored = mart(cdnow, date(1998, 1, 1))
    assert len(scored) == 23_570
    assert (scored["n_orders"] == 1).mean() > 0.4
    assert set(scored["frequency_score"]) == {1, 3, 4, 5}


@pytest.fixture(scope="module")
def tiny(workshop: Workshop, landings: Path) -> Built:
    """A shop whose month-ends are the edge cases, and whose as-of date is the last.

    At 2024-02-01 one customer has purchased. At 2025-02-01 three customers have each
    the same one purchase in the window. At 2026-02-01 the window is empty.
    """
    landing = landings / "tiny" / "landing"
    orders = [
        ("1", "first", "2024-01-10"),
        ("2", "first", "2024-06-10"),
        ("3", "second", "2024-06-10"),
        ("4", "third", "2024-06-10"),
    ]
    write_csv(
        landing / "pos" / "order_lines" / "orders.csv",
        [
            {
                "order_id": order_id,
                "line_id": "1",
                "ordered_at": f"{day} 12:00:00",
                "product_id": "cup",
                "quantity": "1",
                "unit_price": "10",
                "customer_id": customer_id,
            }
            for order_id, customer_id, day in orders
        ],
    )
    built = workshop.new(DataSet("default", {}, date(2026, 2, 1)))
    assert not built.land(landing).failed
    built.build()
    return built


def by_user(built: Built, found: pd.DataFrame) -> pd.DataFrame:
    customers = built.rows("select customer_id, user_id from marts.dim_customers")
    return found.rename(index=dict(customers))


def test_one_customer_is_the_best_and_the_least(tiny: Built) -> None:
    """Rank 1 of 1: recency 5 - 0, the others 1 + 0."""
    assert by_user(tiny, mart(tiny, date(2024, 2, 1))).to_dict("index") == {
        "first": {
            "segment": "new_customers",
            "recency_days": 22,
            "n_orders": 1,
            "monetary_amount": 100_000,
            "recency_score": 5,
            "frequency_score": 1,
            "monetary_score": 1,
        }
    }


def test_equal_customers_have_equal_scores(tiny: Built) -> None:
    """From 10 June 2024 to 1 February 2025 are 236 days; January 2024 is outside."""
    found = by_user(tiny, mart(tiny, date(2025, 2, 1)))
    assert sorted(found.index) == ["first", "second", "third"]
    assert set(found.itertuples(index=False, name=None)) == {
        ("new_customers", 236, 1, 100_000, 5, 1, 1)
    }


def test_an_empty_window_leaves_everybody_inactive(tiny: Built) -> None:
    assert tiny.rows(
        "select user_id, segment, recency_days, customer_rfm.n_orders, monetary_amount,"
        " recency_score, frequency_score, monetary_score"
        " from marts.customer_rfm inner join marts.dim_customers using (customer_id)"
        " order by user_id"
    ) == [
        (user_id, "inactive", 601, 0, 0, None, None, None)
        for user_id in ("first", "second", "third")
    ]
    assert tiny.row("select count(*) from marts.customer_features") == (0,)
