"""The published data sets, against the figures that their publishers give."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest

from demo.online_retail import COLUMNS, UCI_COLUMNS
from demo.registry import DATA_SETS

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Landed

POS = "pos/order_lines/*"


def hashes(landing: Path) -> dict[str, str]:
    return {
        str(path.relative_to(landing)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


def query(landed: Landed, reader: str, pattern: str, select: str) -> list[Any]:
    path = str(landed.landing / pattern)
    options = ", all_varchar = true" if reader == "read_csv" else ""
    statement = f"select {select} from {reader}($path{options})"
    return duckdb.connect().execute(statement, {"path": path}).fetchall()


# CDNOW: Fader and Hardie (2001).


def test_cdnow_has_the_published_totals(cdnow: Landed) -> None:
    rows = [row for _, row in cdnow.csv_rows(POS)]
    assert len(rows) == 69_659
    assert len({row["customer_id"] for row in rows}) == 23_570
    assert sum(int(row["quantity"]) for row in rows) == 167_881
    assert sum(Decimal(row["gross_amount"]) for row in rows) == Decimal("2500315.63")
    assert sum(Decimal(row["gross_amount"]) == 0 for row in rows) == 80


def test_cdnow_lands_only_what_it_has(cdnow: Landed) -> None:
    rows = [row for _, row in cdnow.csv_rows(POS)]
    # The master file's first lines: " 00001 19970101  1   11.77".
    assert rows[0] == {
        "customer_id": "00001",
        "ordered_at": "1997-01-01",
        "quantity": "1",
        "gross_amount": "11.77",
    }
    assert rows[1]["gross_amount"] == "12.00"
    assert [file.n_records for file in cdnow.files] == [69_659]


# The Complete Journey: https://bradleyboehmke.github.io/completejourney/.


def test_complete_journey_has_the_published_totals(complete_journey: Landed) -> None:
    select = "count(*), count(distinct order_id), count(distinct customer_id)"
    found = query(complete_journey, "read_parquet", POS, select)
    assert found == [(1_469_307, 155_848, 2_469)]
    products = "catalog/products/*"
    select = "count(*), count(distinct product_id), count(distinct category)"
    found = query(complete_journey, "read_parquet", products, select)
    assert [row[:2] for row in found] == [(92_331, 92_331)]
    counts = [file.n_records for file in complete_journey.files]
    assert counts == [1_469_307, 92_331, 5_237]


def test_complete_journey_amounts_follow_the_user_guide(
    complete_journey: Landed,
) -> None:
    # Basket 31198795316, product 850562, in the source: sales_value 3.55, retail_disc
    # 1.78, coupon_disc 0.55, coupon_match_disc 0.45. Shelf price 3.55 + 1.78 + 0.45.
    select = "gross_amount, discount_amount, quantity, customer_id, ordered_at, channel"
    path = str(complete_journey.landing / POS)
    found = (
        duckdb.connect()
        .execute(
            f"select {select} from read_parquet($path) "
            "where order_id = '31198795316' and product_id = '850562'",
            {"path": path},
        )
        .fetchall()
    )
    assert found == [("5.78", "2.23", "2", "1519", "2017-01-01 15:32:09", "store")]


def test_complete_journey_net_is_what_the_shop_received(
    complete_journey: Landed,
) -> None:
    select = (
        "sum(cast(gross_amount as decimal(12, 2))"
        " - cast(discount_amount as decimal(12, 2))),"
        " count(*) filter (where not regexp_full_match(gross_amount, '\\d+\\.\\d\\d')"
        " or not regexp_full_match(discount_amount, '\\d+\\.\\d\\d'))"
    )
    # The sum of `sales_value` in the R package, $4,596,039.58.
    found = query(complete_journey, "read_parquet", POS, select)
    assert found == [(Decimal("4596039.58"), 0)]


def test_complete_journey_attributes_leave_out_what_is_unknown(
    complete_journey: Landed,
) -> None:
    rows = [row for _, row in complete_journey.csv_rows("third_party/attributes/*")]
    assert len({row["key"] for row in rows}) == 801
    # 801 households; home ownership of 233 and marital status of 137 is unknown.
    assert Counter(row["attribute"] for row in rows) == {
        "age": 801,
        "income": 801,
        "home_ownership": 568,
        "marital_status": 664,
        "household_size": 801,
        "household_comp": 801,
        "kids_count": 801,
    }
    assert {row["as_of_date"] for row in rows} == {"2017-01-01"}
    assert all(row["value"] for row in rows)
    of_first = {row["attribute"]: row["value"] for row in rows if row["key"] == "1"}
    assert of_first == {
        "age": "65+",
        "income": "35-49K",
        "home_ownership": "Homeowner",
        "marital_status": "Married",
        "household_size": "2",
        "household_comp": "2 Adults No Kids",
        "kids_count": "0",
    }


def test_complete_journey_products(complete_journey: Landed) -> None:
    path = str(complete_journey.landing / "catalog/products/*")
    rows = (
        duckdb.connect()
        .execute(
            "from read_parquet($path) where product_id in ('25671', '26081', '26093')"
            " order by product_id",
            {"path": path},
        )
        .fetchall()
    )
    assert rows == [
        ("25671", "ICE - CRUSHED/CUBED 22 LB", "GROCERY", "FRZN ICE", "National"),
        ("26081", None, "MISCELLANEOUS", None, "National"),
        ("26093", "BREAD:ITALIAN/FRENCH", "PASTRY", "BREAD", "Private"),
    ]


# Online Retail: Chen (2015); the figures are from the test data's README.


def test_online_retail_has_the_published_totals(online_retail: Landed) -> None:
    select = (
        "count(*), count(distinct order_id), count(distinct customer_id),"
        " count(*) filter (where customer_id is null), count(distinct product_id),"
        " count(distinct country), count(*) filter (where line_status = 'cancelled'),"
        " count(*) filter (where cast(quantity as int) <= 0),"
        " count(*) filter (where product_name is null)"
    )
    assert query(online_retail, "read_csv", POS, select) == [
        (541_909, 25_900, 4_372, 135_080, 4_070, 38, 9_288, 10_624, 1_454)
    ]


def test_online_retail_usual_cleaning_gives_the_reference_revenue(
    online_retail: Landed,
) -> None:
    path = str(online_retail.landing / POS)
    found = (
        duckdb.connect()
        .execute(
            "select count(*), count(distinct customer_id), count(distinct order_id),"
            " sum(cast(quantity as int) * cast(unit_price as decimal(12, 3)))"
            " from read_csv($path, all_varchar = true)"
            " where customer_id is not null and line_status = 'completed'"
            " and cast(quantity as int) > 0 and cast(unit_price as double) > 0",
            {"path": path},
        )
        .fetchone()
    )
    assert found == (397_884, 4_338, 18_532, Decimal("8911407.904"))


def test_online_retail_has_no_line_id(online_retail: Landed) -> None:
    path = next(online_retail.landing.glob(POS))
    header, first = path.read_text(encoding="utf-8").split("\n", 2)[:2]
    assert "line_id" not in header.split(",")
    assert first == (
        "536365,2010-12-01 08:26:00,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2.55,"
        "GBP,17850,United Kingdom,web,completed"
    )


# The user's copy may come in several shapes; these need no data.

UCI_ROWS = [
    ("536365", "85123A", "HEART, WHITE", "6", "2010-12-01 08:26:00", "2.55", "17850"),
    ("C536379", "D", "Discount", "-1", "2010-12-01 09:41:00", "27.5", "14527"),
    ("536414", "22139", "", "56", "2010-12-01 11:52:00", "0", ""),
    ("536415", "21888", "\u00a3 BINGO", "2", "2010-12-02 12:00:00", "3.75", "12583"),
]
LANDED_ROWS = [
    ("536365", "2010-12-01 08:26:00", "85123A", "HEART, WHITE", "6", "17850"),
    ("C536379", "2010-12-01 09:41:00", "D", "Discount", "-1", "14527"),
    ("536414", "2010-12-01 11:52:00", "22139", "", "56", ""),
    ("536415", "2010-12-02 12:00:00", "21888", "\u00a3 BINGO", "2", "12583"),
]


def uci_frame() -> pd.DataFrame:
    rows = [(*row, "United Kingdom") for row in UCI_ROWS]
    return pd.DataFrame(rows, columns=list(UCI_COLUMNS))


def write_copy(kind: str, folder: Path) -> Path:
    frame = uci_frame()
    path = folder / kind.replace(" ", "_")
    if kind == "workbook.xlsx":
        # As UCI's: numbers and dates are numbers and dates.
        for name in ("Quantity", "UnitPrice", "CustomerID"):
            frame[name] = pd.to_numeric(frame[name])
        frame["InvoiceDate"] = pd.to_datetime(frame["InvoiceDate"])
        frame["InvoiceNo"] = [
            value if value.startswith("C") else int(value)
            for value in frame["InvoiceNo"].astype(object)
        ]
        frame.to_excel(path, index=False)
    elif kind == "american dates.csv":
        times = pd.to_datetime(frame["InvoiceDate"])
        frame["InvoiceDate"] = [
            f"{time.month}/{time.day}/{time.year} {time.hour}:{time.minute:02d}"
            for time in times
        ]
        frame.to_csv(path, index=False, encoding="cp1252")
    elif kind == "float customers.csv":
        frame["CustomerID"] = pd.to_numeric(frame["CustomerID"]).astype(float)
        frame.insert(3, "Extra", "ignored")
        frame[frame.columns[::-1]].to_csv(path, index=False, encoding="utf-8-sig")
        assert ",17850.0," in path.read_text(encoding="utf-8")
    elif kind == "lower case.parquet":
        frame.columns = pd.Index(COLUMNS)
        frame["invoice_ts"] = pd.to_datetime(frame["invoice_ts"])
        for name in ("quantity", "unit_price", "customer_id"):
            frame[name] = pd.to_numeric(frame[name])
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "workbook.xlsx",
        "american dates.csv",
        "float customers.csv",
        "lower case.parquet",
    ],
)
def test_every_shape_of_a_copy_lands_alike(tmp_path: Path, kind: str) -> None:
    source = write_copy(kind, tmp_path)
    landing = tmp_path / "landing"
    (file,) = DATA_SETS["online_retail"].land(landing, source)
    frame = pd.read_csv(file.path, dtype=str, keep_default_na=False)
    names = ["order_id", "ordered_at", "product_id", "product_name", "quantity"]
    landed = list(frame[[*names, "customer_id"]].itertuples(index=False, name=None))
    assert landed == LANDED_ROWS
    assert [Decimal(price) for price in frame["unit_price"]] == [
        Decimal("2.55"),
        Decimal("27.5"),
        Decimal(0),
        Decimal("3.75"),
    ]
    statuses = ["completed", "cancelled", "completed", "completed"]
    assert list(frame["line_status"]) == statuses
    assert set(frame["currency_code"]) == {"GBP"}


# All of them.


@pytest.mark.parametrize("name", ["cdnow", "complete_journey"])
def test_a_second_run_writes_the_same_bytes(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    landed: Landed = request.getfixturevalue(name)
    DATA_SETS[name].land(tmp_path / "landing")
    assert hashes(tmp_path / "landing") == hashes(landed.landing)
    assert all(re.fullmatch(r"[\w./]+", path) for path in hashes(landed.landing))


def test_a_second_run_changes_nothing(cdnow: Landed) -> None:
    assert [file.is_changed for file in cdnow.files] == [True]
    again = DATA_SETS["cdnow"].land(cdnow.landing)
    assert [file.is_changed for file in again] == [False]
