"""CDNOW: purchases of the customers who first bought in the first quarter of 1997.

The master file of Fader and Hardie, as the package `lifetimes` ships it: one line per
purchase with customer, day, number of CDs and dollars paid. It has no order id, no
product and no time of day, so it lands without those columns and every line is an
order of its own.

References
----------
P. S. Fader and B. G. S. Hardie, "Forecasting Repeat Sales at CDNOW: A Case Study",
Interfaces 31 (2001), S94-S107; https://www.brucehardie.com/datasets/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.files import (
    DemoError,
    WrittenFile,
    check_columns,
    csv_bytes,
    package_file,
    write_bytes,
)

if TYPE_CHECKING:
    from pathlib import Path

SOURCE_COLUMNS = ("customer_id", "date", "number_of_cds", "dollar_value")
LANDED_COLUMNS = ("customer_id", "ordered_at", "quantity", "gross_amount")


def land(landing: Path, file: Path | None = None) -> list[WrittenFile]:
    """Write `pos/order_lines/cdnow.csv`.

    Everything stays text on the way, so that customer ids keep their leading zeros and
    amounts their two decimals.

    Parameters
    ----------
    landing
        The landing folder.
    file
        Not used; the package brings the data.

    Returns
    -------
    list of WrittenFile
        The one file.

    Raises
    ------
    DemoError
        If `lifetimes` is not installed or its file has another layout.
    """
    del file
    path = package_file("lifetimes", "lifetimes", "datasets/CDNOW_master.txt")
    header, *lines = path.read_text(encoding="ascii").splitlines()
    check_columns(header.split(), SOURCE_COLUMNS, str(path))
    rows: list[tuple[str, str, str, str]] = []
    for number, line in enumerate(lines, start=2):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != len(SOURCE_COLUMNS):
            message = (
                f"{path}, line {number}: found {len(fields)} fields, expected "
                f"{len(SOURCE_COLUMNS)} ({', '.join(SOURCE_COLUMNS)})."
            )
            raise DemoError(message)
        customer, day, units, dollars = fields
        rows.append((customer, f"{day[:4]}-{day[4:6]}-{day[6:]}", units, dollars))
    target = landing / "pos" / "order_lines" / "cdnow.csv"
    is_changed = write_bytes(target, csv_bytes(LANDED_COLUMNS, rows))
    return [WrittenFile(target, len(rows), is_changed)]
