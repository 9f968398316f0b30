"""Ingestion: landed files become rows of schema `raw`, each file exactly once.

Belongs here: what a file is, which table it belongs in, and how its bytes become
records of text. What a value means (types, time zones, copies of a record) is for
staging. Messages and logs name files, lines, columns and reasons, never a value of a
record.
"""

from orchestration.ingestion.contracts import (
    ContractError,
    TableContract,
    create_raw_tables,
    landed_streams,
    read_contracts,
)
from orchestration.ingestion.landing import mask_contacts
from orchestration.ingestion.load import FileResult, LoadReport, load_landed_files
from orchestration.ingestion.salt import SaltError, keep_salt

__all__ = [
    "ContractError",
    "FileResult",
    "LoadReport",
    "SaltError",
    "TableContract",
    "create_raw_tables",
    "keep_salt",
    "landed_streams",
    "load_landed_files",
    "mask_contacts",
    "read_contracts",
]
