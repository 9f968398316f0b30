"""The data sets by name: one line here adds one."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from demo.files import DemoError

if TYPE_CHECKING:
    from demo.files import WrittenFile


class Land(Protocol):
    """What a data set's package offers as `land`."""

    def __call__(self, landing: Path, file: Path | None = None) -> list[WrittenFile]:
        """Write the data set's files below `landing` and say which."""


class LandOfSize(Protocol):
    """What a simulated data set's package offers as `land_of_size`."""

    def __call__(self, landing: Path, **size: int) -> list[WrittenFile]:
        """Write files as `land` does; `size` holds what a `Size` gives."""


@dataclass(frozen=True)
class Size:
    """How much of a simulated data set to make; None leaves its own number.

    Attributes
    ----------
    customers, days
        How many of them.
    seed
        What chance starts from.
    """

    customers: int | None = None
    days: int | None = None
    seed: int | None = None

    def given(self) -> dict[str, int]:
        """Return what isn't left to the data set."""
        return {name: n for name, n in asdict(self).items() if n is not None}


@dataclass(frozen=True)
class DataSet:
    """A data set that can be landed.

    Attributes
    ----------
    name
        Name on the command line and of its package below `demo`.
    title
        What it is, in a few words.
    is_simulated
        Whether we made it up.
    file_wanted
        What `--file` has to name; empty when the data set brings its own data.
    """

    name: str
    title: str
    is_simulated: bool = False
    file_wanted: str = ""

    @property
    def vars_path(self) -> Path:
        """The committed file of dbt vars."""
        return Path(__file__).parent / self.name / "vars.yml"

    def land(
        self, landing: Path, file: Path | None = None, size: Size | None = None
    ) -> list[WrittenFile]:
        """Write the data set's files below `landing`.

        Parameters
        ----------
        landing
            The landing folder, created if need be.
        file
            The user's copy of the data, for a data set that no package ships.
        size
            How much to make, for a data set that is simulated.

        Returns
        -------
        list of WrittenFile
            Every file of the data set, in a fixed order.

        Raises
        ------
        DemoError
            If a package or a file is missing or is not what was expected, a number is
            out of its range, or another shop is in the folder.
        """
        given = size.given() if size else {}
        if given and not self.is_simulated:
            options = ", ".join(f"--{name}" for name in given)
            message = f"{self.name} is published data of one size: leave out {options}."
            raise DemoError(message)
        if file is None and self.file_wanted:
            message = (
                f"{self.name} is not shipped by any package: give it with --file. "
                f"Expected: {self.file_wanted}."
            )
            raise DemoError(message)
        if file is not None and not self.file_wanted:
            message = f"{self.name} brings its own data: leave out --file {file}."
            raise DemoError(message)
        if file is not None and not file.is_file():
            message = f"There is no file {file}. Expected: {self.file_wanted}."
            raise DemoError(message)
        if landing.exists() and not landing.is_dir():
            message = f"--landing {landing} is a file; expected a folder."
            raise DemoError(message)
        # Imported late, so that one data set's needs are not another's.
        module = importlib.import_module(f"demo.{self.name}")
        if given:
            return cast("LandOfSize", module.land_of_size)(landing, **given)
        return cast("Land", module.land)(landing, file)


DATA_SETS = {
    data_set.name: data_set
    for data_set in (
        DataSet(
            name="storefront",
            title="an online fashion shop, simulated",
            is_simulated=True,
        ),
        DataSet(
            name="complete_journey",
            title="a year of a grocer's 2,469 households (84.51°)",
        ),
        DataSet(
            name="cdnow",
            title="orders of CDNOW's first-quarter-1997 customers",
        ),
        DataSet(
            name="online_retail",
            title="a UK web shop for gifts (UCI Online Retail)",
            file_wanted=(
                "the UCI Online Retail data as .xlsx, .csv or .parquet, with the "
                "columns InvoiceNo, StockCode, Description, Quantity, InvoiceDate, "
                "UnitPrice, CustomerID, Country (download: "
                "https://archive.ics.uci.edu/dataset/352/online+retail)"
            ),
        ),
        DataSet(
            name="google_analytics",
            title="a sample of the Google Merchandise Store's GA4 export",
            file_wanted=(
                "rows of a GA4 export to BigQuery as .parquet, .jsonl or .jsonl.gz, "
                "for instance of the public set bigquery-public-data."
                "ga4_obfuscated_sample_ecommerce"
            ),
        ),
    )
}
DEFAULT_DATA_SET = "storefront"
