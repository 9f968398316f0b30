"""Erasure: a person who asks for it leaves every table and file of the warehouse.

Belongs here: who is meant by a request, what is deleted, the proof, and the copy of the
database without the deleted bytes. How a record names a person is ingestion's; building
and publishing are the caller's. No message, log or metadata holds an identifier or its
key.
"""

from orchestration.erasure.flow import (
    ErasureError,
    ErasureReport,
    Workshop,
    count_overdue,
    erase,
    is_unfinished,
)

__all__ = [
    "ErasureError",
    "ErasureReport",
    "Workshop",
    "count_overdue",
    "erase",
    "is_unfinished",
]
