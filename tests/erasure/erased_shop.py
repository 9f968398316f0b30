"""A shop of a few people in every source, of whom Paulina asks to be forgotten.

Belongs here: the files, and how a test gets a warehouse made from them. Paulina has
devices, an account, an address, a number and a contact; Quentin has the same and stays.
They share the device `kiosk-7`. What lands second is older, so that Paulina's customer
id changes, and holds the requests.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.erasure.building import make_workshop
from orchestration.ingestion import load_landed_files, read_contracts
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
CONTRACTS = read_contracts(PROJECT / "models" / "staging")
SALT = "a salt that every test shares"
CALLING_CODES = dict.fromkeys(("segment", "ga4", "shopify", "crm", "erasure"), "1")
DAY = dt.date(2026, 3, 1)
LOADED_AT = dt.datetime(2026, 3, 1, 6)  # noqa: DTZ001 - the warehouse has no zones
ERASED_AT = dt.datetime(2026, 3, 2, 6)  # noqa: DTZ001

# What names Paulina, as identity knows it.
PAULINA = {
    "user_id": ["u-paulina"],
    "email_hash": ["paulina.quibble@example.net"],
    "phone_hash": ["+14155550134"],
    "anonymous_id": ["dev-paulina-1", "dev-paulina-2"],
    "ga4_pseudo_id": ["9917.3301"],
    "shopify_customer_id": ["820000000000000777"],
    "crm_contact_id": ["crm-paulina"],
    "loyalty_id": ["L-PAULINA"],
}
# What stands in the files of her, in any writing.
PAULINA_TEXTS = [
    *(
        value
        for kind, values in PAULINA.items()
        for value in values
        if kind != "phone_hash"
    ),
    "Paulina.Quibble@Example.NET",
    "(415) 555-0134",
    "+1 415 555 0134",
    "Paulina",
    "Quibble",
    "17 Quibble Lane",
    "45001900000000777",
]


def _event(number: int, **fields: Any) -> dict[str, Any]:
    moment = f"2026-02-{10 + number % 10:02}T10:{number:02}:00Z"
    consent = {"consent": {"categoryPreferences": {"Analytics": True}}}
    return {
        "messageId": f"m{number}",
        "type": "page",
        "name": "Home",
        "timestamp": moment,
        "receivedAt": moment,
        "context": consent | {"location": {"country": "US"}},
    } | fields


def _identify(number: int, user: str, device: str, email: str) -> dict[str, Any]:
    return _event(
        number,
        type="identify",
        userId=user,
        anonymousId=device,
        traits={"email": email},
    )


# In Germany nothing is known of Paulina's consent, so these are withheld.
_UNASKED: dict[str, Any] = {"context": {"location": {"country": "DE"}}}

EVENTS = [
    _event(1, anonymousId="dev-paulina-1"),
    _identify(2, "u-paulina", "dev-paulina-1", " Paulina.Quibble@Example.NET "),
    _event(3, anonymousId="kiosk-7", userId="u-paulina"),
    _event(4, anonymousId="kiosk-7", userId="u-quentin"),
    _event(5, anonymousId="kiosk-7"),
    _event(6, anonymousId="dev-paulina-2", userId="u-paulina", **_UNASKED),
    _event(7, anonymousId="dev-paulina-2", **_UNASKED),
    _event(8, anonymousId="dev-quentin-1"),
    _identify(9, "u-quentin", "dev-quentin-1", "quentin@example.net"),
    _event(10, anonymousId="dev-unknown", **_UNASKED),
]
BROKEN = b'{"messageId": "m11", "traits": {"email": "paulina.quibble@example.net"\n'
# Older than all that landed first: identity names customers by the first evidence.
OLDER_EVENTS = [
    _event(20, anonymousId="dev-paulina-1", timestamp="2026-01-05T09:00:00Z"),
    _event(21, anonymousId="dev-quentin-1", timestamp="2026-02-12T09:00:00Z"),
]


def _ga4(number: int, device: str, user: str | None) -> dict[str, Any]:
    microseconds = 1_770_800_000_000_000 + number * 60_000_000
    return {
        "user_pseudo_id": device,
        "user_id": user,
        "event_name": "page_view",
        "event_timestamp": microseconds,
        "privacy_info": {"analytics_storage": "Yes"},
        "geo": {"country": "United States"},
    }


GA4_EVENTS = [
    _ga4(1, "9917.3301", "u-paulina"),
    _ga4(2, "9917.3301", None),
    _ga4(3, "4410.2202", "u-quentin"),
]


def _order(number: int, **fields: Any) -> dict[str, Any]:
    moment = f"2026-02-{number:02}T12:00:00+00:00"
    return {
        "id": 45001900000000000 + number,
        "name": f"#{number}",
        "created_at": moment,
        "updated_at": moment,
        "processed_at": moment,
        "currency": "USD",
        "source_name": "web",
        "line_items": [
            {
                "id": number,
                "sku": "P1",
                "title": "Scarf",
                "quantity": 1,
                "price": "25.00",
            }
        ],
    } | fields


ORDERS = [
    _order(
        1, customer={"id": 820000000000000777, "email": "paulina.quibble@example.net"}
    ),
    # A guest, known by the address alone.
    _order(2, email="paulina.quibble@example.net") | {"id": 45001900000000777},
    _order(3, customer={"id": 820000000000000888}, email="quentin@example.net"),
]
REFUNDS = [
    {
        "id": number,
        "order_id": order_id,
        "created_at": "2026-02-20T12:00:00+00:00",
        "refund_line_items": [
            {"id": number, "line_item_id": line, "quantity": 1, "subtotal": "25.00"}
        ],
        "transactions": [{"amount": "25.00", "kind": "refund", "currency": "USD"}],
    }
    for number, order_id, line in [(1, 45001900000000777, 2), (2, 45001900000000003, 3)]
]
CUSTOMERS = [
    {
        "id": 820000000000000777,
        "email": "paulina.quibble@example.net",
        "phone": "+1 415 555 0134",
        "first_name": "Paulina",
        "last_name": "Quibble",
        "updated_at": "2026-02-02T00:00:00Z",
    },
    {
        "id": 820000000000000888,
        "email": "quentin@example.net",
        "updated_at": "2026-02-02T00:00:00Z",
    },
]
CONTACTS = (
    "contact_id,email,phone,first_name,last_name,street_address,user_id,loyalty_id,"
    "updated_at\n"
    "crm-paulina,paulina.quibble@example.net,(415) 555-0134,Paulina,Quibble,"
    '"17 Quibble Lane",u-paulina,L-PAULINA,2026-02-01T00:00:00Z\n'
    "crm-quentin,quentin@example.net,(415) 555-0199,Quentin,Rastrelli,"
    '"1 Hill",u-quentin,L-QUENTIN,2026-02-01T00:00:00Z\n'
)
POS_COLUMNS = ("order_id", "ordered_at", "product_id", "quantity", "unit_price")
POS_LINES: list[tuple[str | None, ...]] = [
    ("s1", "2026-02-03 10:00:00", "P1", "1", "20.00", "u-paulina"),
    ("s2", "2026-02-04 10:00:00", "P1", "2", "20.00", "u-quentin"),
    ("s3", "2026-02-05 10:00:00", "P1", "1", "20.00", None),
]
ATTRIBUTES = (
    "key,attribute,value,as_of_date\n"
    "u-paulina,income,high,2026-01-01\nu-quentin,income,low,2026-01-01\n"
)
PRODUCTS = "product_id,product_name\nP1,Scarf\n"
REQUESTS = (
    "request_id,identifier_type,identifier_value,requested_at\n"
    "r-1,email,Paulina.Quibble@Example.NET,2026-03-01T08:00:00Z\n"
    "r-2,anonymous_id,kiosk-7,2026-03-01T09:00:00Z\n"
    "r-3,user_id,Anonymous,2026-03-01T10:00:00Z\n"
    "r-4,user_id,,2026-03-01T10:00:00Z\n"
)


def json_lines(records: list[dict[str, Any]]) -> bytes:
    """Write records one a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def first_files() -> dict[str, bytes]:
    """Return the files that the shop is built from, by path."""
    events = json_lines(EVENTS) + BROKEN
    return {
        "segment/events/a.jsonl.gz": gzip.compress(events, mtime=0),
        "ga4/events/events_20260211.jsonl": json_lines(GA4_EVENTS),
        "shopify/orders/a.jsonl": json_lines(ORDERS),
        "shopify/refunds/a.jsonl": json_lines(REFUNDS),
        "shopify/customers/a.jsonl": json_lines(CUSTOMERS),
        "crm/contacts/a.csv": CONTACTS.encode(),
        "pos/order_lines/a.parquet": _parquet(POS_LINES),
        "third_party/attributes/a.csv": ATTRIBUTES.encode(),
        "catalog/products/a.csv": PRODUCTS.encode(),
    }


def second_files() -> dict[str, bytes]:
    """Return what lands with the requests; one file repeats another one's content."""
    return {
        "segment/events/b.jsonl": json_lines(OLDER_EVENTS),
        "shopify/orders/copy.jsonl": json_lines(ORDERS),
        "erasure/requests/a.csv": REQUESTS.encode(),
    }


def land(landing: Path, files: dict[str, bytes]) -> None:
    """Write files under the landing folder."""
    for name, content in files.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def without_paulina(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files as if she had never been there: by hand, not by her keys."""
    lines_of = {
        "segment/events/a.jsonl.gz": [EVENTS[n] for n in (3, 4, 7, 8, 9)],
        "segment/events/b.jsonl": OLDER_EVENTS[1:],
        "ga4/events/events_20260211.jsonl": GA4_EVENTS[2:],
        "shopify/orders/a.jsonl": ORDERS[2:],
        "shopify/orders/copy.jsonl": ORDERS[2:],
        "shopify/refunds/a.jsonl": REFUNDS[1:],
        "shopify/customers/a.jsonl": CUSTOMERS[1:],
    }
    left = dict(files)
    for name, landed in files.items():
        if name in lines_of:
            content = json_lines(lines_of[name])
            left[name] = gzip.compress(content) if name.endswith(".gz") else content
        elif name.endswith(".csv"):
            kept = [line for line in landed.splitlines() if b"aulina" not in line]
            left[name] = b"\n".join(kept) + b"\n"
        elif name.endswith(".parquet"):
            left[name] = _parquet(POS_LINES[1:])
    return left


def _parquet(lines: list[tuple[str | None, ...]]) -> bytes:
    content = io.BytesIO()
    names = (*POS_COLUMNS, "customer_id")
    columns = map(list, zip(*lines, strict=True))
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), content)
    return content.getvalue()


def build_shop(home: Path, files: dict[str, bytes]) -> Settings:
    """Land files, build and publish them."""
    settings = Settings(home / "state", home / "landing", {}, DAY, SALT)
    land(settings.landing, files)
    with Warehouse(settings.warehouse_path).write() as connection:
        report = load_landed_files(
            connection, settings.landing, CONTRACTS, LOADED_AT, salt=SALT
        )
    assert not report.failed, report.lines()
    workshop = make_workshop(settings, "first-run")
    workshop.build(("--exclude-resource-type", "test", "unit_test"), DAY)
    workshop.publish(DAY)
    return settings


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the bytes of every file below a folder, those of archives unpacked."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        if path.suffix == ".parquet":
            content = repr(pq.read_table(path).to_pylist()).encode()
        yield path, content


def found_in(folder: Path, texts: list[str]) -> dict[str, set[str]]:
    """Return in which files below a folder each of some texts stands, if in any."""
    files = list(contents(folder))
    found = {
        text: {path.name for path, content in files if text.encode() in content}
        for text in texts
    }
    return {text: names for text, names in found.items() if names}
