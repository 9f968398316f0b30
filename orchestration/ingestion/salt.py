"""The warehouse's salt: what identifiers are hashed with.

Belongs here: that there is exactly one and that it never changes. Hashing is dbt's.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from orchestration.warehouse import transaction

if TYPE_CHECKING:
    import duckdb

MIN_LENGTH = 16
RANDOM_BYTES = 32


class SaltError(ValueError):
    """The given salt can't be this warehouse's; the message says what to do."""


def keep_salt(connection: duckdb.DuckDBPyConnection, given: str | None) -> None:
    """Write the salt of a new warehouse, or check that it is still the same.

    Parameters
    ----------
    connection
        The warehouse, open for writing, outside a transaction, its `raw` tables made.
    given
        The salt from the environment; a random one when None.

    Raises
    ------
    SaltError
        If the given salt is shorter than 16 characters or isn't the warehouse's. No
        message holds a salt.
    """
    if given is not None and len(given) < MIN_LENGTH:
        message = (
            f"SEGMENTARY_SALT has {len(given)} characters; expected at least "
            f"{MIN_LENGTH}, for instance those of `openssl rand -hex 32`"
        )
        raise SaltError(message)
    with transaction(connection):
        kept = connection.execute("select salt from raw.identifier_salt").fetchall()
        if not kept:
            salt = given or secrets.token_hex(RANDOM_BYTES)
            connection.execute(
                "insert into raw.identifier_salt (salt) values (?)", [salt]
            )
        elif given is not None and kept != [(given,)]:
            message = (
                "SEGMENTARY_SALT isn't the salt that this warehouse was made with: "
                "every identifier would get another key. Give the old one, or none, "
                "or start with an empty warehouse"
            )
            raise SaltError(message)
