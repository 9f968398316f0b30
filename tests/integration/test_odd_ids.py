"""Ids and hours that systems stumble over, from the landing folder to the marts.

Europe/Berlin skips the hour from 01:00 UTC on 2026-03-29 (02:00 is 03:00) and repeats
the one before 01:00 UTC on 2026-10-25 (03:00 is 02:00 again).
"""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from landed import compact_identifier_key, identifier_key
from warehouses import DataSet, write_csv

if TYPE_CHECKING:
    from warehouses import Built, Workshop

BERLIN = DataSet(
    "berlin",
    {
        "business_time_zone": "Europe/Berlin",
        "source_time_zones": dict.fromkeys(
            ("pos", "catalog", "third_party"), "Europe/Berlin"
        )
        | {"segment": "UTC"},
    },
    dt.date(2026, 11, 30),
)
LOADED_AT = dt.datetime(2026, 12, 1)  # noqa: DTZ001 - ingestion takes UTC without a zone
MARTS = ("+identifiers", "+fct_orders", "+fct_sessions", "+fct_events")
NOON = "2026-02-01T12:00:00Z"
ZOE = unicodedata.normalize("NFC", "Zoë")
ZOE_IN_TWO = unicodedata.normalize("NFD", ZOE)
LONGEST, TOO_LONG = "l" * 1_024, "l" * 1_025
# Beyond 2 ** 53, so that a float can't tell it from the next.
LARGE = 123_456_789_012_345_678
# Device -> the users that it names; JSON has numbers, texts and null.
USERS: dict[str, list[Any]] = {
    "composed": [ZOE],
    "decomposed": [ZOE_IN_TWO],
    "longest 1": [LONGEST],
    "longest 2": [LONGEST],
    "too long 1": [TOO_LONG],
    "too long 2": [TOO_LONG],
    "null 1": ["null", None],
    "null 2": ["NULL", "", "  "],
    "number": [LARGE],
    "text": [str(LARGE)],
    "next number": [LARGE + 1],
}
# Device -> when it was seen, in UTC.
VISITS = {
    "spring": ["2026-03-29T00:50:00Z", "2026-03-29T01:10:00Z"],
    "autumn": ["2026-10-25T00:50:00Z", "2026-10-25T01:10:00Z"],
    # Ten past two in Berlin, both times.
    "repeated": ["2026-10-25T00:10:00Z", "2026-10-25T01:10:00Z"],
    # The same, written with the offsets that the clocks there had.
    "offset": ["2026-10-25T02:40:00+02:00", "2026-10-25T02:05:00+01:00"],
    # The last and the first second of each day that is 23 or 25 hours long.
    "bounds": [
        *("2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z"),
        *("2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"),
        *("2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z"),
        *("2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"),
    ],
}
# At the till, in Berlin's own time -> UTC; what exists twice or not is standard time.
TILL = {
    "2026-03-29 01:59:59": "2026-03-29 00:59:59",
    "2026-03-29 02:30:00": "2026-03-29 01:30:00",
    "2026-03-29 03:00:00": "2026-03-29 01:00:00",
    "2026-03-29 23:59:59": "2026-03-29 21:59:59",
    "2026-10-25 00:00:00": "2026-10-24 22:00:00",
    "2026-10-25 02:30:00": "2026-10-25 01:30:00",
    "2026-10-25 03:00:00": "2026-10-25 02:00:00",
    "2026-10-25 23:59:59": "2026-10-25 22:59:59",
}


def event(number: int, time: str, device: str | None, user: Any) -> str:
    record = {
        "messageId": f"message {number}",
        "type": "page",
        "anonymousId": device,
        "userId": user,
        "timestamp": time,
        "receivedAt": "2026-11-01T00:00:00Z",
    }
    return json.dumps(record, ensure_ascii=False)


def line(number: int, time: str, customer: str) -> dict[str, str]:
    return {
        "order_id": f"order {number}",
        "line_id": "1",
        "ordered_at": time,
        "product_id": "cup",
        "quantity": "1",
        "unit_price": "10",
        "customer_id": customer,
    }


@pytest.fixture(scope="module")
def shop(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Built:
    landing = tmp_path_factory.mktemp("odd_ids")
    seen = [
        *(
            ("2026-02-01T12:00:00Z", each, user)
            for each in USERS
            for user in USERS[each]
        ),
        *((time, each, None) for each in VISITS for time in VISITS[each]),
        # Nobody, in four spellings.
        *((NOON, "", user) for user in (None, "", "   ")),
        (NOON, None, None),
    ]
    events = landing / "segment" / "events" / "events.jsonl"
    events.parent.mkdir(parents=True)
    lines = [event(number, *each) for number, each in enumerate(seen)]
    events.write_text("\n".join(lines), encoding="utf-8")
    customers = [ZOE_IN_TWO, str(LARGE), " null ", "  ", TOO_LONG]
    bought = [
        *((time, "till") for time in TILL),
        *(("2026-02-01 12:00:00", customer) for customer in customers),
    ]
    write_csv(
        landing / "pos" / "order_lines" / "lines.csv",
        [line(number, *each) for number, each in enumerate(bought)],
    )
    people = landing / "shopify" / "customers" / "customers.jsonl"
    people.parent.mkdir(parents=True)
    since = {"created_at": NOON, "updated_at": NOON}
    people.write_text(
        "\n".join(
            json.dumps({"id": each, "email": f"{number}@shop.example"} | since)
            for number, each in enumerate((LARGE, str(LARGE), LARGE + 1))
        ),
        encoding="utf-8",
    )
    built = workshop.new(BERLIN)
    assert not built.land(landing, LOADED_AT).failed
    built.build("--select", *MARTS)
    return built


def customer_of(shop: Built, identifier_type: str, value: str) -> str | None:
    rows = shop.rows(
        "select customer_id from marts.identifiers where identifier_key = ?",
        identifier_key(identifier_type, value),
    )
    return str(rows[0][0]) if rows and rows[0][0] else None


def device_is_of(shop: Built, device: str, user: str) -> bool:
    known = customer_of(shop, "user_id", user)
    return known is not None and known == customer_of(shop, "anonymous_id", device)


def buyers(shop: Built, number: int) -> str | None:
    (customer_id,) = shop.row(
        "select customer_id from marts.fct_orders where order_id = ?",
        f"order {len(TILL) + number}",
    )
    return str(customer_id) if customer_id else None


def test_one_id_in_two_unicode_forms_is_one_customer(shop: Built) -> None:
    assert ZOE != ZOE_IN_TWO
    assert device_is_of(shop, "composed", ZOE)
    assert device_is_of(shop, "decomposed", ZOE)
    assert buyers(shop, 0) == customer_of(shop, "user_id", ZOE)
    assert customer_of(shop, "user_id", ZOE_IN_TWO) is None


def test_a_large_number_is_the_same_as_its_digits_and_no_other(shop: Built) -> None:
    assert float(LARGE) == float(LARGE + 1)
    assert device_is_of(shop, "number", str(LARGE))
    assert device_is_of(shop, "text", str(LARGE))
    assert device_is_of(shop, "next number", str(LARGE + 1))
    assert not device_is_of(shop, "next number", str(LARGE))
    assert buyers(shop, 1) == customer_of(shop, "user_id", str(LARGE))
    # Two versions of one shop's customer, and another one.
    known = shop.rows(
        "select identifier_value from marts.identifiers"
        " where identifier_type = 'shopify_customer_id' order by 1"
    )
    assert known == [(str(LARGE),), (str(LARGE + 1),)]


def test_an_id_may_have_1024_characters_and_no_more(shop: Built) -> None:
    assert device_is_of(shop, "longest 1", LONGEST)
    assert device_is_of(shop, "longest 2", LONGEST)
    devices = [customer_of(shop, "anonymous_id", f"too long {n}") for n in (1, 2)]
    assert None not in devices
    assert len(set(devices)) == 2
    assert shop.rows(
        "select identifier_value, block_reason, customer_id from marts.identifiers"
        " where identifier_key = ?",
        identifier_key("user_id", TOO_LONG),
    ) == [(None, "too_long", None)]
    assert buyers(shop, 4) is None


def test_null_and_blank_name_nobody(shop: Built) -> None:
    devices = [customer_of(shop, "anonymous_id", f"null {n}") for n in (1, 2)]
    assert None not in devices
    assert len(set(devices)) == 2
    assert shop.rows(
        "select identifier_value, block_reason, customer_id from marts.identifiers"
        " where identifier_type = 'user_id' and lower(identifier_value) = 'null'"
        " order by 1"
    ) == [("NULL", "blocked_value", None), ("null", "blocked_value", None)]
    assert not shop.rows(
        "select identifier_key from marts.identifiers where trim(identifier_value) = ''"
    )
    assert buyers(shop, 2) is None
    assert buyers(shop, 3) is None
    assert shop.rows(
        "select reject_reason, count(*) from intermediate.int_events_classified"
        " where record_status = 'rejected' group by all"
    ) == [("missing_identity", 4)]


def test_sessions_go_on_while_clocks_change(shop: Built) -> None:
    """Twenty minutes are twenty minutes, and an hour that repeats is an hour."""
    expected = {
        "spring": [("2026-03-29", 2)],
        "autumn": [("2026-10-25", 2)],
        "repeated": [("2026-10-25", 1), ("2026-10-25", 1)],
        "offset": [("2026-10-25", 2)],
    }
    for device, sessions in expected.items():
        found = shop.rows(
            "select cast(started_date as varchar), n_events from marts.fct_sessions"
            " where device_key = ? order by started_at",
            compact_identifier_key("anonymous_id", device),
        )
        assert found == sessions, device


def test_days_are_23_and_25_hours_long(shop: Built) -> None:
    days = shop.rows(
        "select cast(occurred_date as varchar) from marts.fct_events"
        " where device_key = ? order by occurred_at",
        compact_identifier_key("anonymous_id", "bounds"),
    )
    assert [day for (day,) in days] == [
        *("2026-03-28", "2026-03-29", "2026-03-29", "2026-03-30"),
        *("2026-10-24", "2026-10-25", "2026-10-25", "2026-10-26"),
    ]


def test_the_tills_time_is_berlins(shop: Built) -> None:
    found = shop.rows(
        "select order_id, cast(ordered_at as varchar), cast(ordered_date as varchar)"
        " from marts.fct_orders"
    )
    orders = {order_id: (time, day) for order_id, time, day in found}
    assert [orders[f"order {number}"] for number in range(len(TILL))] == [
        (utc, local[:10]) for local, utc in TILL.items()
    ]
