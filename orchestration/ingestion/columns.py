"""Which column of a file is which column of its contract.

Belongs here: matching of names, and the messages about names that don't match.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestration.ingestion.landing import FileError, FileReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.ingestion.contracts import TableContract


@dataclass(frozen=True)
class ColumnMatch:
    """Positions, from 0, of a file's columns.

    Attributes
    ----------
    declared
        Position by the contract's name; columns that the file lacks are left out.
    extra
        Position by the file's own name, of columns that the contract doesn't name.
    """

    declared: dict[str, int]
    extra: dict[str, int]


def match_columns(
    file_name: str, found: Sequence[str], table: TableContract
) -> ColumnMatch:
    """Match a file's column names to a contract, whatever their case and blanks.

    Parameters
    ----------
    file_name
        For messages.
    found
        The file's column names, in order. Columns without a name are called `column_N`.
    table
        The contract.

    Returns
    -------
    ColumnMatch
        Every column of the file once.

    Raises
    ------
    FileError
        `missing_column`, or `duplicate_column` for two columns of one name.
    """
    names = [
        name.strip() or f"column_{number}" for number, name in enumerate(found, start=1)
    ]
    keys = [name.lower() for name in names]
    declared = {name: keys.index(name) for name in table.column_names if name in keys}
    missing = [name for name in table.required if name not in declared]
    missing += [
        " or ".join(group)
        for group in (table.landing.requires_one_of if table.landing else ())
        if not declared.keys() & set(group)
    ]
    if missing:
        # Without one known name the first line may be a record, and is not repeated.
        seen = (
            f"found {names}"
            if declared
            else f"none of the {len(names)} names in the header is known"
        )
        raise FileError(
            FileReason.MISSING_COLUMN,
            f"{file_name}: no column {', '.join(missing)}; {seen}; "
            f"{table.stream} has {list(table.column_names)}",
        )
    repeated = sorted(key for key, count in Counter(keys).items() if count > 1)
    if repeated:
        raise FileError(
            FileReason.DUPLICATE_COLUMN,
            f"{file_name}: more than one column named {repeated}",
        )
    positions = set(declared.values())
    return ColumnMatch(
        declared=declared,
        extra={
            name: position
            for position, name in enumerate(names)
            if position not in positions
        },
    )
