"""What ingestion takes for an identifier's key is what the models take for it.

Values of every nastiness go through the models in one build of dbt, and through the SQL
that erasure and suppression use.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from erased_shop import CALLING_CODES, CONTRACTS, DAY, LOADED_AT, SALT
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.erasure.building import make_workshop
from orchestration.ingestion import create_raw_tables, keep_salt, landed_streams
from orchestration.ingestion.identifiers import REQUEST_TYPES, naming_records
from orchestration.ingestion.macros import macro, remember_salt
from orchestration.settings import Settings
from orchestration.warehouse import Sql, Warehouse, append_rows, relation_name

if TYPE_CHECKING:
    from pathlib import Path

N_EXAMPLES = 600
# A composed letter and an accent of its own, letters whose lower case is longer, blanks
# that a trim may not know, other scripts' digits, and what addresses and numbers have.
_LETTERS = "\u00e9\u0301\u0130\u00df\u03a3\u00a0\uff10\u0663\U0001f642"
_CHARACTERS = "eaZ09 @.+-()%_'\"\\\t" + _LETTERS
_NAMES = st.text(_CHARACTERS, min_size=1, max_size=6)
_BLANKS = st.sampled_from(["", " ", "\t", "  "])
_ADDRESSES = st.builds(
    "{0}{1}@{2}.{3}{0}".format, _BLANKS, _NAMES, _NAMES, st.sampled_from(["org", "É"])
)
_NUMBERS = st.builds(
    "{}{}".format,
    st.sampled_from(["", "+", "00", "0", "1", " +1 (", "tel:"]),
    st.text("0123456789 -()", min_size=6, max_size=18),
)
VALUES = st.one_of(st.text(_CHARACTERS, max_size=8), _ADDRESSES, _NUMBERS)


def _values() -> list[str]:
    """Return the same values in every run."""
    values = ["", " ", "+" + "9" * 16, "a@b@c.d", "@b.org", "P@X.org", "x" * 2000]

    @hypothesis_settings(max_examples=N_EXAMPLES, derandomize=True, database=None)
    @given(VALUES)
    def collect(value: str) -> None:
        values.append(value)

    collect()
    return values


@pytest.fixture(scope="module")
def keys(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Any, dict[tuple[str, int], set[tuple[str, str]]]]:
    """What the models say of each record, and the keys that ingestion finds in it."""
    home = tmp_path_factory.mktemp("identifiers")
    settings = Settings(home / "state", home / "landing", {}, DAY, SALT)
    _fill(settings.warehouse_path)
    schemas = {
        "int_erasure_requests_classified": "intermediate",
        "int_crm_contacts_classified": "intermediate",
        "int_events_unioned": "staging",
    }
    selected = [f"+{model}" for model in schemas]
    make_workshop(settings, "").build(
        ("--exclude-resource-type", "test", "unit_test", "--select", *selected), DAY
    )
    with Warehouse(settings.warehouse_path).write() as connection:
        said = {
            model: connection.execute(
                f"select * from {schema}.{model} order by record_number"
            )
            .to_arrow_table()
            .to_pylist()
            for model, schema in schemas.items()
        }
        remember_salt(connection)
        found = defaultdict(set)
        streams = landed_streams(CONTRACTS)
        for stream in ("erasure.requests", "crm.contacts", "segment.events"):
            table = streams[stream]
            columns = {name: Sql(f'"{name}"') for name in table.column_names}
            naming = naming_records(table, columns, CALLING_CODES[table.source_name])
            for number, key, kind, _ in connection.execute(
                naming.select_typed_keys(
                    relation_name(table.relation), {"number": Sql("_record_number")}
                )
            ).fetchall():
                if key:
                    found[stream, number].add((kind, key))
    return said, found


def _fill(path: Path) -> None:
    """Write each value wherever an identifier may stand."""
    values = _values()
    typed = [(kind, value) for value in values for kind in (*REQUEST_TYPES, " EMAIL ")]
    requests = {
        "request_id": [str(number) for number in range(len(typed))],
        "identifier_type": [kind for kind, _ in typed],
        "identifier_value": [value for _, value in typed],
        "requested_at": ["2026-02-01T00:00:00Z"] * len(typed),
    }
    named = ("contact_id", "email", "phone", "user_id", "loyalty_id")
    events = [
        {
            "messageId": str(number),
            "type": "identify",
            "timestamp": "2026-02-01T00:00:00Z",
            "anonymousId": value,
            "previousId": value,
            "userId": value,
            "traits": {"email": value, "phone": value},
        }
        for number, value in enumerate(values)
    ]
    rows: dict[str, dict[str, list[str]]] = {
        "raw.erasure_requests": requests,
        "raw.crm_contacts": dict.fromkeys(named, values),
        "raw.segment_events": {
            "record": [json.dumps(event) for event in events],
            "message_id": [event["messageId"] for event in events],
            "type": [event["type"] for event in events],
            "timestamp": [event["timestamp"] for event in events],
            **dict.fromkeys(("anonymous_id", "previous_id", "user_id"), values),
            **dict.fromkeys(("traits_email", "traits_phone"), values),
        },
    }
    tables = {table.relation: table for table in CONTRACTS}
    with Warehouse(path).write() as connection:
        create_raw_tables(connection, CONTRACTS)
        keep_salt(connection, SALT)
        for relation, columns in rows.items():
            n_rows = len(next(iter(columns.values())))
            filled: dict[str, Any] = {
                name: pa.nulls(n_rows) for name in tables[relation].physical_columns
            }
            filled |= columns | {
                "_load_id": [1] * n_rows,
                "_record_number": range(1, n_rows + 1),
                "_loaded_at": [LOADED_AT] * n_rows,
            }
            append_rows(connection, relation, pa.table(filled))


def hashed(kind: str, value: str) -> tuple[str, str]:
    """Hash an identifier as it is documented."""
    text = f"{SALT}{kind}:{value}"
    return kind, hashlib.sha256(text.encode()).hexdigest()


def test_requests_have_the_key_that_the_models_give_them(keys: Any) -> None:
    said, found = keys
    rows = said["int_erasure_requests_classified"]
    n_named = 0
    for row in rows:
        own = found["erasure.requests", row["record_number"]]
        kind = row["identifier_type"]
        if row["identifier_key"]:
            n_named += 1
            assert row["identifier_key"] in {key for _, key in own}
        elif kind in ("email", "phone"):
            assert own == set()
    assert n_named > len(rows) / 2


def test_contacts_have_the_keys_that_the_models_give_them(keys: Any) -> None:
    said, found = keys
    n_addresses = n_numbers = 0
    for row in said["int_crm_contacts_classified"]:
        own = found["crm.contacts", row["record_number"]]
        for kind in ("crm_contact_id", "user_id", "loyalty_id"):
            if row[kind]:
                assert hashed(kind, row[kind]) in own
        for kind in ("email_hash", "phone_hash"):
            # Nothing that isn't an address for the models is one here.
            wanted = {(kind, row[kind])} if row[kind] else set()
            assert {key for key in own if key[0] == kind} == wanted
        n_addresses += row["email_hash"] is not None
        n_numbers += row["phone_hash"] is not None
    assert min(n_addresses, n_numbers) > N_EXAMPLES / 20


def test_events_have_the_keys_that_the_models_give_them(keys: Any) -> None:
    said, found = keys
    for row in said["int_events_unioned"]:
        own = found["segment.events", row["record_number"]]
        for kind, column in (
            ("anonymous_id", "anonymous_id"),
            ("anonymous_id", "previous_id"),
            ("user_id", "user_id"),
        ):
            if row[column]:
                assert hashed(kind, row[column]) in own
        for kind in ("email_hash", "phone_hash"):
            if row[kind]:
                assert (kind, row[kind]) in own


def test_a_macro_says_what_is_wrong_with_its_argument() -> None:
    with pytest.raises(ValueError, match="calling_code is 'x'"):
        macro("clean_phone", "phone", "x")
    with pytest.raises(ValueError, match="identifier_type is 'name'"):
        macro("identifier_key", "name", "value")
