"""A wrong declaration of what names a person is refused, not overlooked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from erased_shop import CONTRACTS

from orchestration.ingestion import ContractError, read_contracts

if TYPE_CHECKING:
    from pathlib import Path


def declare(
    folder: Path, column: str, formats: list[str], entry: dict[str, Any]
) -> Path:
    landing = {"delivery": "append", "formats": formats, "identifiers": [entry]}
    table = {
        "name": "visits",
        "config": {"meta": {"landing": landing}},
        "columns": [{"name": column, "data_type": "varchar"}],
    }
    path = folder / "shop" / "_shop__sources.yml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({"sources": [{"name": "shop", "tables": [table]}]}))
    return folder


@pytest.mark.parametrize(
    ("column", "formats", "entry", "message"),
    [
        ("mail", ["csv"], {"column": "email", "type": "email"}, "no column or path"),
        (
            "mail",
            ["csv"],
            {"column": "mail", "type": "address"},
            "has the type 'address'",
        ),
        ("mail", ["csv"], {"column": "mail"}, "has the type None"),
        ("mail", ["csv"], {"path": "mail", "type": "email"}, "'column' is missing"),
        ("mail", ["csv"], {"column": "mail", "type_column": "kind"}, "'kind'"),
        ("record", ["jsonl"], {"path": "a'b", "type": "email"}, "no column or path"),
    ],
)
def test_wrong_declarations_are_refused(
    tmp_path: Path, column: str, formats: list[str], entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        read_contracts(declare(tmp_path, column, formats, entry))


def test_every_stream_that_names_people_says_where() -> None:
    """Catalogue, products and rates name nobody; whatever is new must say so here."""
    silent = {
        table.stream
        for table in CONTRACTS
        if table.landing and not table.landing.identifiers
    }
    assert silent == {"catalog.products", "fx.rates", "shopify.products"}
