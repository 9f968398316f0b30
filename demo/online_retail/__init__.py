"""Online Retail: invoices of a UK web shop for gifts, December 2010 to December 2011.

No package ships it, so the user gives the file: the workbook from the UCI repository,
a CSV of it, or a Parquet file with the same columns in lower case.

Everything lands as it is, dirt included: lines without a customer, cancellations (an
invoice that starts with C, quantity negative), write-offs, postage and fees as
products, negative bad-debt adjustments, identical lines.

References
----------
D. Chen, "Online Retail", UCI Machine Learning Repository (2015),
https://doi.org/10.24432/C5BW33. Licence CC BY 4.0.
"""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from demo.files import DemoError, WrittenFile, write_bytes

if TYPE_CHECKING:
    from pathlib import Path

UCI_COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
COLUMNS = (
    "invoice",
    "stock_code",
    "description",
    "quantity",
    "invoice_ts",
    "unit_price",
    "customer_id",
    "country",
)
SUFFIXES = (".xlsx", ".csv", ".parquet")


def _read_workbook(path: Path) -> pd.DataFrame:
    if importlib.util.find_spec("openpyxl") is None:
        message = (
            "Reading .xlsx needs the package openpyxl, which is not installed. "
            "Install the extra `datasets`: pip install 'segmentary[datasets]'."
        )
        raise DemoError(message)
    return pd.read_excel(path, dtype=str, keep_default_na=False, na_values=[""])


def _read_csv(path: Path) -> pd.DataFrame:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        # Copies saved by Excel on Windows: the pound sign is one byte.
        text = content.decode("cp1252")
    return pd.read_csv(
        io.StringIO(text), dtype=str, keep_default_na=False, na_values=[""]
    )


def _read_parquet(path: Path) -> pd.DataFrame:
    # Cast by DuckDB: a double becomes its shortest text, 2.55 and not 2.5499999.
    with duckdb.connect() as connection:
        return connection.execute(
            "select cast(columns(*) as varchar) from read_parquet($path)",
            {"path": str(path)},
        ).df()


def read(path: Path) -> pd.DataFrame:
    """Read a copy of the data as text.

    Parameters
    ----------
    path
        An .xlsx, .csv or .parquet file with the columns of the UCI workbook or their
        lower-case names, in any order.

    Returns
    -------
    pandas.DataFrame
        One row per line in the file's order with the columns of `COLUMNS`, all text,
        missing where empty.

    Raises
    ------
    DemoError
        If the kind of file or its columns are not as expected, or it can't be read.
    """
    readers = dict(
        zip(SUFFIXES, (_read_workbook, _read_csv, _read_parquet), strict=True)
    )
    reader = readers.get(path.suffix.lower())
    if reader is None:
        message = f"{path}: found a {path.suffix or 'suffix-less'} file, expected "
        raise DemoError(message + f"one of {', '.join(SUFFIXES)}.")
    try:
        frame = reader(path)
    except DemoError:
        raise
    except Exception as error:
        # Three libraries' own exceptions; all mean that the file is not what its
        # suffix says.
        message = f"{path} can't be read as {path.suffix.lower()}: {error}"
        raise DemoError(message) from error
    found = [str(column).strip() for column in frame.columns]
    frame.columns = pd.Index(found)
    for expected in (UCI_COLUMNS, COLUMNS):
        if set(expected) <= set(found):
            return frame[list(expected)].set_axis(list(COLUMNS), axis=1)
    message = (
        f"{path} has not the expected columns. Found: {', '.join(found)}. "
        f"Expected: {', '.join(UCI_COLUMNS)}; or: {', '.join(COLUMNS)}."
    )
    raise DemoError(message)


def _whole_number_text(values: pd.Series[str]) -> pd.Series[str]:
    # A column of numbers with gaps becomes floats in many tools: 17850.0.
    return values.str.strip().str.replace(r"^(\d+)\.0+$", r"\1", regex=True)


def _timestamps(values: pd.Series[str], path: Path) -> pd.Series[str]:
    times = pd.to_datetime(values, errors="coerce", format="ISO8601")
    if times.isna().all():
        # The repository's CSV: 12/1/2010 8:26, month first.
        times = pd.to_datetime(values, errors="coerce", format="%m/%d/%Y %H:%M")
    bad = values[times.isna()]
    if len(bad):
        message = (
            f"{path}: {len(bad):,} invoice dates can't be read, the first is "
            f"{bad.iloc[0]!r}. Expected: 2010-12-01 08:26:00, or month first "
            "12/1/2010 8:26 throughout."
        )
        raise DemoError(message)
    return times.dt.strftime("%Y-%m-%d %H:%M:%S")


def land(landing: Path, file: Path | None = None) -> list[WrittenFile]:
    """Write `pos/order_lines/online_retail.csv`.

    Parameters
    ----------
    landing
        The landing folder.
    file
        The user's copy; see `read`.

    Returns
    -------
    list of WrittenFile
        The one file: no `line_id`, the source has none.

    Raises
    ------
    DemoError
        If the file is missing or not as expected.
    """
    if file is None:
        message = "online_retail needs a file: UCI's workbook, a CSV or Parquet copy."
        raise DemoError(message)
    source = read(file)
    invoice = _whole_number_text(source["invoice"])
    is_cancelled = invoice.str.upper().str.startswith("C").fillna(value=False)
    lines = pd.DataFrame(
        {
            "order_id": invoice,
            "ordered_at": _timestamps(source["invoice_ts"], file),
            "product_id": _whole_number_text(source["stock_code"]),
            "product_name": source["description"],
            "quantity": _whole_number_text(source["quantity"]),
            "unit_price": source["unit_price"],
            "currency_code": "GBP",
            "customer_id": _whole_number_text(source["customer_id"]),
            "country": source["country"],
            "channel": "web",
            "line_status": is_cancelled.map({True: "cancelled", False: "completed"}),
        }
    )
    target = landing / "pos" / "order_lines" / "online_retail.csv"
    content = lines.to_csv(index=False, lineterminator="\n").encode()
    return [WrittenFile(target, len(lines), write_bytes(target, content))]
