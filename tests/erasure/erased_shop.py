"""What the tests of erasure share: contracts, a salt and calling codes."""

from __future__ import annotations

from pathlib import Path

from orchestration.ingestion import read_contracts

PROJECT = Path(__file__).parents[2]
CONTRACTS = read_contracts(PROJECT / "models" / "staging")
SALT = "a salt that every test shares"
CALLING_CODES = dict.fromkeys(("segment", "ga4", "shopify", "crm", "erasure"), "1")
