"""The simulated shop: what is planted is recounted from the landed files alone."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from demo.storefront import Parameters, land

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import Landed

PROJECT = Path(__file__).parents[2]
NEW_YORK = ZoneInfo("America/New_York")
AS_OF = datetime(2026, 1, 1, tzinfo=NEW_YORK)
DAY = timedelta(days=1)
TYPES = {"track", "page", "screen", "identify", "alias", "group"}
BOTS = re.compile("bot|crawler|spider|headless", re.IGNORECASE)
OPT_IN = {"GB", "DE", "FR", "United Kingdom", "Germany", "France"}
CURRENCIES = {"US": "USD", "GB": "GBP", "DE": "EUR", "FR": "EUR"}
ARCHETYPES = {
    "loyal_repeat_buyer",
    "trend_seeker",
    "budget_shopper",
    "lapsed_big_spender",
    "one_time_gift_buyer",
}
# The app's names in Segment's words.
NAMES = {
    "view_item_list": "Product List Viewed",
    "view_search_results": "Products Searched",
    "view_item": "Product Viewed",
    "add_to_cart": "Product Added",
    "begin_checkout": "Checkout Started",
    "purchase": "Order Completed",
}
# Telephone numbers that regulators keep for fiction.
FICTION = re.compile(
    r"\+1\d{3}55501\d\d"
    r"|\+447700900\d{3}|\+442079460\d{3}|\+441(?:13|14|15|16|17|18)4960\d{3}"
    r"|\+441(?:21|31|41|51|61)4960\d{3}|\+441914980\d{3}|\+442920180\d{3}"
    r"|\+441632960\d{3}|\+442896496\d{3}"
    r"|\+493023125\d{3}|\+496990009\d{3}|\+494066969\d{3}|\+492214710\d{3}"
    r"|\+498999998\d{3}"
    r"|\+33(?:63998|19900|26191|35301|46571|53649)\d{4}"
)
Identifier = tuple[str, str]


def parse(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def clean_email(text: str | None) -> str:
    return (text or "").strip().lower()


def clean_phone(text: str | None) -> str:
    digits = re.sub(r"\D", "", text or "")
    if (text or "").startswith("+") or not digits:
        return f"+{digits}" if digits else ""
    # Whoever names no country is American.
    return f"+{digits[2:]}" if digits.startswith("00") else f"+1{digits}"


@dataclass(frozen=True)
class Event:
    source: str
    file: str
    line: str
    body: dict[str, Any]
    device: str
    user: str
    name: str
    country: str
    analytics: bool | None
    occurred_at: datetime
    received_at: datetime

    @property
    def is_late(self) -> bool:
        return self.received_at - self.occurred_at > DAY


@dataclass(frozen=True)
class Stream:
    counts: Counter[str]
    # One per distinct event that isn't rejected, and the further copies beside it.
    events: list[Event]
    copies: list[tuple[Event, Event]]
    n_faults_most: int


def site_rejections(line: str) -> tuple[list[str], dict[str, Any]]:
    """Every reason to reject a line, in order of precedence, and what it holds."""
    try:
        event: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return ["malformed_json"], {}
    reasons = []
    if not event.get("messageId"):
        reasons.append("missing_id")
    if not event.get("anonymousId") and not event.get("userId"):
        reasons.append("missing_identity")
    occurred = parse(event.get("timestamp") or event.get("originalTimestamp"))
    received = parse(event["receivedAt"])
    assert received is not None
    if occurred is None:
        reasons.append("unparseable_timestamp")
    elif occurred > received + DAY:
        reasons.append("future_timestamp")
    if event["type"] not in TYPES:
        reasons.append("unknown_type")
    if event["type"] == "track" and not event.get("event"):
        reasons.append("missing_event_name")
    if BOTS.search(event["context"]["userAgent"]):
        reasons.append("bot")
    return reasons, event


def app_rejections(line: str) -> tuple[list[str], dict[str, Any]]:
    try:
        event: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return ["malformed_json"], {}
    reasons = []
    if not event.get("user_pseudo_id") and not event.get("user_id"):
        reasons.append("missing_identity")
    if not event.get("event_timestamp"):
        reasons.append("unparseable_timestamp")
    if not event.get("event_name"):
        reasons.append("missing_event_name")
    return reasons, event


def site_event(file: str, line: str, body: dict[str, Any]) -> Event:
    times = (parse(body["timestamp"]), parse(body["receivedAt"]))
    assert times[0] is not None
    assert times[1] is not None
    consent = body["context"].get("consent", {}).get("categoryPreferences", {})
    return Event(
        source="segment",
        file=file,
        line=line,
        body=body,
        device=body["anonymousId"],
        user=body["userId"] or "",
        name=body.get("event") or body["type"],
        country=body["context"]["location"]["country"],
        analytics=consent.get("Analytics"),
        occurred_at=times[0],
        received_at=times[1],
    )


def app_event(file: str, line: str, body: dict[str, Any]) -> Event:
    micros = int(body["event_timestamp"])
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    said = body["privacy_info"].get("analytics_storage")
    return Event(
        source="ga4",
        file=file,
        line=line,
        body=body,
        device=body["user_pseudo_id"],
        user=body.get("user_id", ""),
        name=NAMES.get(body["event_name"], body["event_name"]),
        country=body["geo"]["country"],
        analytics=None if said is None else said == "Yes",
        occurred_at=time,
        received_at=time,
    )


def read_stream(landed: Landed, source: str) -> Stream:
    is_site = source == "segment"
    counts: Counter[str] = Counter()
    by_id: dict[str, list[Event]] = defaultdict(list)
    n_faults_most = 0
    for file, line in landed.json_lines(f"{source}/events/*.jsonl.gz"):
        counts["landed_lines"] += 1
        reasons, body = site_rejections(line) if is_site else app_rejections(line)
        n_faults_most = max(n_faults_most, len(reasons))
        if reasons:
            counts[reasons[0]] += 1
        elif is_site:
            by_id[body["messageId"]].append(site_event(file, line, body))
        else:
            # The export has no id of a row: the same row again is a copy.
            by_id[line].append(app_event(file, line, body))
    events, copies = [], []
    for found in by_id.values():
        first, *others = sorted(found, key=lambda each: (each.received_at, each.line))
        events.append(first)
        copies += [(first, other) for other in others]
    counts["duplicate"] = len(copies)
    return Stream(counts, events, copies, n_faults_most)


@pytest.fixture(scope="session")
def site(storefront: Landed) -> Stream:
    return read_stream(storefront, "segment")


@pytest.fixture(scope="session")
def app(storefront: Landed) -> Stream:
    return read_stream(storefront, "ga4")


@pytest.fixture(scope="session")
def withheld(site: Stream, app: Stream) -> set[int]:
    """Python's ids of the events that may not be used, one after another in time."""
    said: dict[tuple[str, str], tuple[datetime, bool]] = {}
    found = set()
    for event in sorted([*site.events, *app.events], key=lambda e: e.occurred_at):
        keys = [(event.source, event.device)] + [("user", event.user)] * bool(
            event.user
        )
        known = [said[key] for key in keys if key in said]
        if event.analytics is not None:
            is_allowed = event.analytics
            for key in keys:
                said[key] = (event.occurred_at, event.analytics)
        elif known:
            is_allowed = max(known)[1]
        else:
            is_allowed = event.country not in OPT_IN
        if not is_allowed:
            found.add(id(event))
    return found


@dataclass(frozen=True)
class Events:
    """The events of both streams, and which may not be used."""

    all: list[Event]
    withheld: set[int]

    @property
    def accepted(self) -> list[Event]:
        return [event for event in self.all if id(event) not in self.withheld]


@pytest.fixture(scope="session")
def events(site: Stream, app: Stream, withheld: set[int]) -> Events:
    return Events([*site.events, *app.events], withheld)


@dataclass(frozen=True)
class Line:
    file: str
    ordered_at: datetime
    row: dict[str, str]

    @property
    def quantity(self) -> int:
        return int(self.row["quantity"])

    @property
    def net(self) -> Decimal:
        gross = self.quantity * Decimal(self.row["unit_price"])
        return gross - Decimal(self.row["discount_amount"])


@dataclass(frozen=True)
class Lines:
    counts: Counter[str]
    accepted: list[Line]
    copies: list[tuple[Line, Line]]


@pytest.fixture(scope="session")
def lines(storefront: Landed) -> Lines:
    counts: Counter[str] = Counter()
    by_id: dict[tuple[str, str], Line] = {}
    copies = []
    for month, row in storefront.csv_rows("pos/order_lines/*.csv"):
        counts["landed_lines"] += 1
        time = parse(row["ordered_at"])
        if re.fullmatch(r"-?\d+", row["quantity"]) is None:
            assert time is not None
            counts["unparseable_quantity"] += 1
            continue
        if time is None:
            counts["unparseable_timestamp"] += 1
            continue
        line = Line(month, time.replace(tzinfo=NEW_YORK), row)
        key = (row["order_id"], row["line_id"])
        if key in by_id:
            copies.append((by_id[key], line))
        else:
            by_id[key] = line
    accepted = list(by_id.values())
    for line in accepted:
        counts[f"accepted_{line.row['line_status']}_lines"] += 1
        counts["accepted_unnamed_lines"] += not line.row["customer_id"]
    counts["duplicate"] = len(copies)
    counts["accepted"] = len(accepted)
    counts["duplicate_in_later_file"] = sum(
        first.file < other.file for first, other in copies
    )
    return Lines(counts, accepted, copies)


@dataclass(frozen=True)
class Shopify:
    counts: Counter[str]
    # By id, the newest version and the test orders apart.
    orders: dict[str, dict[str, Any]]
    tests: dict[str, dict[str, Any]]
    versions: list[tuple[str, dict[str, Any]]]
    refunds: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def shopify(storefront: Landed) -> Shopify:
    counts: Counter[str] = Counter()
    versions = []
    for file, line in storefront.json_lines("shopify/orders/*.jsonl.gz"):
        counts["landed_lines"] += 1
        try:
            versions.append((file, json.loads(line)))
        except json.JSONDecodeError:
            counts["malformed_json"] += 1
    orders: dict[str, dict[str, Any]] = {}
    tests: dict[str, dict[str, Any]] = {}
    for _, order in sorted(
        versions, key=lambda each: datetime.fromisoformat(each[1]["updated_at"])
    ):
        (tests if order["test"] else orders)[str(order["id"])] = order
    counts["test_order"] = len(tests)
    counts["accepted"] = len(orders)
    counts["duplicate"] = len(versions) - len(tests) - len(orders)
    refunds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, line in storefront.json_lines("shopify/refunds/*.jsonl.gz"):
        refund = json.loads(line)
        refunds[str(refund["order_id"])].append(refund)
    return Shopify(counts, orders, tests, versions, refunds)


@pytest.fixture(scope="session")
def planted(storefront: Landed) -> dict[str, Any]:
    text = (storefront.truth / "planted.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.fixture(scope="session")
def people(storefront: Landed) -> list[dict[str, str]]:
    return storefront.truth_rows("customers")


@pytest.fixture(scope="session")
def person_of(storefront: Landed) -> dict[Identifier, str]:
    return {
        (row["identifier_type"], row["identifier_value"]): row["person_id"]
        for row in storefront.truth_rows("identifiers")
    }


@pytest.fixture(scope="session")
def true_orders(storefront: Landed) -> dict[str, dict[str, str]]:
    return {row["order_id"]: row for row in storefront.truth_rows("orders")}


# Repeatable, at any size.


def test_two_runs_write_the_same_bytes(storefront: Landed, tmp_path: Path) -> None:
    # In a process of its own, where sets of text iterate in another order.
    subprocess.run(
        [sys.executable, "-m", "demo", "land", "--landing", tmp_path / "landing"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONHASHSEED": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )

    def hashes(root: Path) -> dict[str, str]:
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in root.rglob("*")
            if path.is_file()
        }

    assert all(file.is_changed for file in storefront.files)
    first = hashes(storefront.landing.parent)
    assert first == hashes(tmp_path)
    assert len(first) == len(storefront.files) == 64


def test_gzip_files_hold_no_time(storefront: Landed) -> None:
    paths = list(storefront.landing.rglob("*.gz"))
    assert len(paths) == 39
    for path in paths:
        # RFC 1952: bytes 4 to 7 are the modification time.
        assert path.read_bytes()[4:8] == b"\0\0\0\0"


def test_files_hold_as_many_records_as_they_say(storefront: Landed) -> None:
    for file in storefront.files:
        if file.path.name.endswith(".jsonl.gz"):
            with gzip.open(file.path, "rb") as stream:
                assert sum(1 for _ in stream) == file.n_records
        elif file.path.suffix == ".csv":
            with file.path.open("rb") as stream:
                assert sum(1 for _ in stream) == file.n_records + 1


def test_another_seed_is_another_shop_and_a_rerun_changes_nothing(
    tmp_path: Path,
) -> None:
    sizes = [Parameters(n_customers=60, seed=seed) for seed in (1, 2)]
    first = land(tmp_path / "a" / "landing", parameters=sizes[0])
    second = land(tmp_path / "b" / "landing", parameters=sizes[1])
    # Every stream follows the seed.
    for one, other in zip(first, second, strict=False):
        if one.path.name == other.path.name:
            assert one.path.read_bytes() != other.path.read_bytes()
    again = land(tmp_path / "a" / "landing", parameters=sizes[0])
    assert not any(file.is_changed for file in again)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n_customers", 19, "20 to 2,000,000"),
        ("n_customers", 2_000_001, "20 to 2,000,000"),
        ("n_days", 59, "60 to 1,461"),
        ("n_days", 1_462, "60 to 1,461"),
        ("kiosk_users", -1, "0 to 2,000,000"),
    ],
)
def test_a_size_that_cannot_be(name: str, value: int, expected: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; expected {expected}"):
        Parameters(**{name: value})


def land_small(tmp_path: Path, **parameters: int) -> tuple[Path, dict[str, Any]]:
    landing = tmp_path / "landing"
    land(landing, parameters=Parameters(**parameters))
    text = (tmp_path / "truth/storefront/planted.json").read_text(encoding="utf-8")
    return landing, json.loads(text)


def test_the_smallest_shop(tmp_path: Path) -> None:
    landing, planted = land_small(tmp_path, n_customers=20, n_days=60, kiosk_users=500)
    assert sum(planted["customers"].values()) == 20
    # No more people at the kiosk than there are.
    assert planted["kiosk_users"] == 20
    assert planted["first_date"] == "2025-11-02"
    assert {path.name for path in landing.iterdir()} == {
        "segment", "ga4", "shopify", "crm", "pos", "catalog", "third_party", "fx",
        "erasure",
    }  # fmt: skip


def test_a_longer_period_stretches_the_year(tmp_path: Path) -> None:
    landing, planted = land_small(tmp_path, n_customers=60, n_days=730)
    assert planted["first_date"] == "2024-01-02"
    months = {path.name[:7] for path in landing.glob("segment/events/*")}
    assert len(months) == 24


def test_the_app_can_have_a_file_a_day(tmp_path: Path) -> None:
    parameters = Parameters(n_customers=60, n_days=60, has_daily_app_files=True)
    land(tmp_path / "landing", parameters=parameters)
    n_files = 0
    for path in tmp_path.glob("landing/ga4/events/*"):
        n_files += 1
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            days = {json.loads(line)["event_date"] for line in stream}
        assert path.name == f"events_{days.pop()}.jsonl.gz"
        assert not days
    assert n_files > 20


def test_a_shop_without_anomalies(storefront: Landed, tmp_path: Path) -> None:
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for has_anomalies, found in counts.items():
        landing = tmp_path / str(has_anomalies) / "landing"
        parameters = Parameters(n_customers=300, has_anomalies=has_anomalies)
        land(landing, parameters=parameters)
        landed = replace(storefront, landing=landing)
        for source in ("segment", "ga4"):
            found[source] += len(landed.json_lines(f"{source}/events/*"))
        for row in landed.truth_rows("anomalies"):
            found[row["source"]] -= int(row["n_events"]) - int(row["n_usual_events"])
            found["anomalies"] += 1
    # Copies and robots are a share of what there is.
    for source in ("segment", "ga4"):
        assert abs(counts[True][source] - counts[False][source]) <= 2
    assert counts[True]["anomalies"] == 3
    assert counts[False]["anomalies"] == 0


def test_events_grow_with_the_customers(
    tmp_path: Path, planted: dict[str, Any]
) -> None:
    _, smaller = land_small(tmp_path, n_customers=1_250)
    for stream in ("segment_events", "ga4_events", "shopify_orders"):
        ratio = smaller[stream]["landed_lines"] / planted[stream]["landed_lines"]
        assert 0.42 < ratio < 0.58


def test_the_default_is_small(planted: dict[str, Any]) -> None:
    n_events = sum(
        planted[stream]["landed_lines"] for stream in ("segment_events", "ga4_events")
    )
    assert 100_000 < n_events < 121_000


# Events.


def test_site_events_are_counted_by_final_status(
    site: Stream, withheld: set[int], planted: dict[str, Any]
) -> None:
    counts = site.counts.copy()
    counts["withheld"] = sum(id(event) in withheld for event in site.events)
    counts["accepted"] = len(site.events) - counts["withheld"]
    counts["late"] = sum(event.is_late for event in site.events)
    counts["late_accepted"] = sum(
        event.is_late and id(event) not in withheld for event in site.events
    )
    counts["late_by_hours"] = sum(
        timedelta(hours=1) < event.received_at - event.occurred_at <= DAY
        for event in site.events
    )
    counts["late_in_later_file"] = sum(
        event.is_late and event.file > local_month(event.occurred_at)
        for event in site.events
    )
    counts["late_misfiled"] = sum(
        event.file != local_month(event.received_at) for event in site.events
    )
    counts["duplicate_in_later_file"] = sum(
        first.file < other.file for first, other in site.copies
    )
    counts["landed_with_skewed_clock"] = sum(
        abs(skew(event)) > timedelta(hours=1) for event in site.events
    )
    assert dict(counts) == planted["segment_events"]
    assert counts["landed_lines"] == sum(
        counts[name]
        for name in (
            "malformed_json",
            "missing_id",
            "missing_identity",
            "unparseable_timestamp",
            "future_timestamp",
            "unknown_type",
            "missing_event_name",
            "bot",
            "duplicate",
            "withheld",
            "accepted",
        )
    )
    assert min(counts.values()) >= 20
    assert site.n_faults_most == 1


def local_month(time: datetime) -> str:
    return f"{time.astimezone(NEW_YORK):%Y-%m}"


def skew(event: Event) -> timedelta:
    original = parse(event.body["originalTimestamp"])
    assert original is not None
    return original - event.occurred_at


def test_app_events_are_counted_by_final_status(
    app: Stream, withheld: set[int], planted: dict[str, Any]
) -> None:
    counts = app.counts.copy()
    counts["withheld"] = sum(id(event) in withheld for event in app.events)
    counts["accepted"] = len(app.events) - counts["withheld"]
    assert dict(counts) == planted["ga4_events"]
    assert counts["landed_lines"] == sum(counts.values()) - counts["landed_lines"]
    assert min(counts.values()) >= 20
    assert app.n_faults_most == 1


def test_site_events_come_late_and_out_of_order(site: Stream) -> None:
    waits = sorted(event.received_at - event.occurred_at for event in site.events)
    assert timedelta(days=3) < waits[-1] < 4 * DAY
    # Nothing between a second's network and a device that was offline.
    assert not any(timedelta(minutes=1) < wait < timedelta(hours=2) for wait in waits)
    # A file holds events that occurred before those of the file before it.
    last: dict[str, datetime] = {}
    first: dict[str, datetime] = {}
    for event in site.events:
        last[event.file] = max(
            last.get(event.file, event.occurred_at), event.occurred_at
        )
        first[event.file] = min(
            first.get(event.file, event.occurred_at), event.occurred_at
        )
    files = sorted(last)
    assert all(first[later] < last[earlier] for earlier, later in pairwise(files))


def test_copies_of_an_event_differ_in_sending_only(site: Stream) -> None:
    sending = {"sentAt", "receivedAt", "traits"}
    for first, other in site.copies:
        assert {k: v for k, v in first.body.items() if k not in sending} == {
            k: v for k, v in other.body.items() if k not in sending
        }
    assert any(first.line == other.line for first, other in site.copies)
    assert any(first.line != other.line for first, other in site.copies)


def test_a_few_clocks_are_hours_or_days_off(site: Stream) -> None:
    skews: dict[str, list[timedelta]] = defaultdict(list)
    for event in site.events:
        sent = parse(event.body["sentAt"])
        assert sent is not None
        # As in the specification: what a clock is off is taken off again.
        assert sent - event.received_at == skew(event)
        skews[event.device].append(skew(event))
    assert all(len(set(found)) == 1 for found in skews.values())
    off = [abs(found[0]) for found in skews.values()]
    assert 0.005 < sum(each > timedelta(hours=1) for each in off) / len(off) < 0.02
    assert max(off) > 10 * DAY


def test_the_schema_drifts_half_way(site: Stream, planted: dict[str, Any]) -> None:
    since = datetime.fromisoformat(planted["schema_drift"]["since_utc"])
    assert since.date() == date(2025, 7, 2)
    found: Counter[tuple[bool, str]] = Counter()
    for event in site.events:
        is_new = event.occurred_at >= since
        properties = event.body.get("properties", {})
        for name in ("loyalty_points", "coupon", "coupon_code"):
            found[is_new, name] += name in properties
        for each in (properties, *properties.get("products", [])):
            if "price" in each:
                found[is_new, type(each["price"]).__name__] += 1
    assert found[False, "coupon"] > 100
    assert found[True, "coupon_code"] > 100
    assert found[False, "float"] > 1_000
    assert found[True, "str"] > 1_000
    assert found[True, "loyalty_points"] > 1_000
    for name in ((True, "coupon"), (False, "coupon_code"), (True, "float")):
        assert found[name] == 0
    assert found[False, "str"] == found[False, "loyalty_points"] == 0


def test_anomalies_are_days_that_stand_out(
    storefront: Landed, site: Stream, app: Stream
) -> None:
    per_day: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for event in [*site.events, *app.events]:
        local = event.occurred_at.astimezone(NEW_YORK)
        per_day[event.source, event.name][f"{local:%Y-%m-%d}"] += 1
    rows = storefront.truth_rows("anomalies")
    assert sorted(row["kind"] for row in rows) == ["drop", "spike", "spike"]
    assert len({(row["source"], row["event_name"]) for row in rows}) == len(rows)
    for row in rows:
        counts = per_day[row["source"], row["event_name"]]
        found = counts[row["date"]]
        # A few of that day's events were spoiled, no more.
        assert abs(found - int(row["n_events"])) <= 6
        day = date.fromisoformat(row["date"])
        around = [
            counts[f"{day + timedelta(7 * week):%Y-%m-%d}"] for week in (-2, -1, 1, 2)
        ]
        if row["kind"] == "drop":
            assert found < 0.4 * min(around)
        else:
            assert found > 2.5 * max(around)


def test_nothing_happens_or_arrives_outside_the_period(
    site: Stream, app: Stream, lines: Lines, shopify: Shopify
) -> None:
    first = datetime(2025, 1, 1, tzinfo=NEW_YORK)
    times = [event.occurred_at for event in [*site.events, *app.events]]
    times += [line.ordered_at for line in lines.accepted]
    times += [
        datetime.fromisoformat(order[name])
        for _, order in shopify.versions
        for name in ("created_at", "updated_at")
    ]
    times += [
        datetime.fromisoformat(refund["created_at"])
        for refunds in shopify.refunds.values()
        for refund in refunds
    ]
    assert first <= min(times)
    # A copy may come a minute after the last change.
    assert max(times) < AS_OF + timedelta(minutes=1)
    assert max(event.received_at for event in site.events) < AS_OF
    assert max(copy.received_at for _, copy in site.copies) < AS_OF


# Consent.


def test_consents_are_what_devices_say(
    storefront: Landed, site: Stream, app: Stream
) -> None:
    rows = storefront.truth_rows("consents")
    asked: dict[Identifier, tuple[datetime, bool]] = {}
    left: dict[Identifier, datetime] = {}
    for row in rows:
        if row["purpose"] == "analytics":
            key = (row["identifier_type"], row["identifier_value"])
            time = datetime.fromisoformat(row["decided_at"])
            if row["status"] == "withdrawn":
                left[key] = time
            else:
                asked[key] = (time, row["status"] == "granted")
    said: Counter[bool | None] = Counter()
    for event in [*site.events, *app.events]:
        kind = "anonymous_id" if event.source == "segment" else "ga4_pseudo_id"
        key = (kind, event.device)
        said[event.analytics] += 1
        if event.analytics is not None:
            since, is_granted = asked[key]
            # To the millisecond; the app's clock has microseconds.
            assert since <= event.occurred_at
            is_over = key in left and event.occurred_at >= left[key]
            assert event.analytics == (is_granted and not is_over)
    assert min(said.values()) > 3_000
    assert 50 < len(left) < len(asked) / 10
    marketing = Counter(row["status"] for row in rows if row["purpose"] == "marketing")
    assert set(marketing) == {"granted", "denied", "withdrawn"}


# Orders.


def test_store_lines_are_counted_by_final_status(
    lines: Lines, planted: dict[str, Any]
) -> None:
    assert dict(lines.counts) == planted["pos_order_lines"]
    assert lines.counts["landed_lines"] == sum(
        lines.counts[name]
        for name in (
            "unparseable_quantity",
            "unparseable_timestamp",
            "duplicate",
            "accepted",
        )
    )
    assert min(lines.counts.values()) >= 5
    assert all(first.row == other.row for first, other in lines.copies)
    assert {line.row["channel"] for line in lines.accepted} == {"store"}
    assert {line.row["currency_code"] for line in lines.accepted} == {"USD"}


def test_orders_are_counted_by_final_status(
    shopify: Shopify, planted: dict[str, Any]
) -> None:
    assert dict(shopify.counts) == planted["shopify_orders"]
    assert (
        shopify.counts["landed_lines"]
        == sum(shopify.counts.values()) - (shopify.counts["landed_lines"])
    )
    n_refunds = sum(len(refunds) for refunds in shopify.refunds.values())
    assert planted["shopify_refunds"] == {
        "landed_lines": n_refunds,
        "accepted": n_refunds,
    }
    assert planted["orders"] == (
        len(shopify.orders) + planted["only_in_events"] + planted["store_orders"]
    )


def test_an_order_comes_again_whole_as_it_changes(shopify: Shopify) -> None:
    by_id: dict[int, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for file, order in shopify.versions:
        by_id[order["id"]].append((file, order))
    changing = {"updated_at", "cancelled_at", "financial_status", "fulfillment_status"}
    n_in_later_file = 0
    for versions in by_id.values():
        fixed = [
            {k: v for k, v in order.items() if k not in changing}
            for _, order in versions
        ]
        assert all(each == fixed[0] for each in fixed)
        n_in_later_file += len({file for file, _ in versions}) > 1
    assert n_in_later_file > 100
    statuses = Counter(order["fulfillment_status"] for order in shopify.orders.values())
    assert statuses["fulfilled"] > 1_000


def shopify_amounts(
    order: dict[str, Any], refunds: list[dict[str, Any]]
) -> list[Decimal]:
    gross = sum(
        (item["quantity"] * Decimal(item["price"]) for item in order["line_items"]),
        Decimal(0),
    )
    discount = sum(
        (Decimal(item["total_discount"]) for item in order["line_items"]), Decimal(0)
    )
    refund = sum(
        (
            Decimal(part["subtotal"])
            for each in refunds
            for part in each["refund_line_items"]
        ),
        Decimal(0),
    )
    assert refund == sum(
        (Decimal(part["amount"]) for each in refunds for part in each["transactions"]),
        Decimal(0),
    )
    return [
        Decimal(len(order["line_items"])),
        Decimal(sum(item["quantity"] for item in order["line_items"])),
        gross,
        discount,
        refund,
        gross - discount - refund,
    ]


AMOUNTS = (
    "n_lines",
    "purchased_quantity",
    "gross_amount",
    "discount_amount",
    "refund_amount",
    "net_amount",
)


def test_true_online_orders_are_those_of_the_order_system(
    shopify: Shopify, true_orders: dict[str, dict[str, str]]
) -> None:
    expected = {
        order_id: row
        for order_id, row in true_orders.items()
        if row["source_name"] == "shopify" and row["is_only_in_events"] == "false"
    }
    landed = shopify.orders | shopify.tests
    assert set(landed) == set(expected)
    for order_id, row in expected.items():
        order = landed[order_id]
        amounts = shopify_amounts(order, shopify.refunds.get(order_id, []))
        assert [Decimal(row[name]) for name in AMOUNTS] == amounts
        assert (row["is_cancelled"] == "true") == (order["cancelled_at"] is not None)
        assert (row["is_test"] == "true") == order["test"]
        assert (row["is_guest"] == "true") == (order["customer"] is None)
        assert row["currency_code"] == order["currency"] == CURRENCIES[row["country"]]
        assert row["country"] == order["shipping_address"]["country_code"]
        created = datetime.fromisoformat(order["created_at"])
        ordered = datetime.fromisoformat(row["ordered_at_utc"])
        assert created == ordered.replace(microsecond=0)
        if row["is_cancelled"] == "true":
            assert Decimal(row["net_amount"]) == 0
    assert {row["currency_code"] for row in expected.values()} == {"USD", "GBP", "EUR"}
    assert sum(row["is_cancelled"] == "true" for row in expected.values()) > 30
    n_partly = sum(
        0 < Decimal(row["refund_amount"]) < Decimal(row["gross_amount"])
        for row in expected.values()
    )
    assert n_partly > 100


def test_true_store_orders_are_those_of_the_tills(
    lines: Lines, true_orders: dict[str, dict[str, str]]
) -> None:
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 6)
    customers: dict[str, str] = {}
    for line in lines.accepted:
        discount = Decimal(line.row["discount_amount"])
        if line.row["line_status"] == "completed":
            gross = line.net + discount
            step = [1, line.quantity, gross, discount, 0, line.net]
        else:
            assert line.quantity < 0
            assert discount == 0
            step = [0, 0, 0, 0, -line.net, line.net]
        order_id = line.row["order_id"]
        customers[order_id] = line.row["customer_id"]
        sums[order_id] = [
            one + Decimal(other)
            for one, other in zip(sums[order_id], step, strict=True)
        ]
    store = {k: row for k, row in true_orders.items() if row["source_name"] == "pos"}
    assert {
        order_id: [Decimal(row[name]) for name in AMOUNTS]
        for order_id, row in store.items()
    } == sums
    assert {key: row["customer_id"] for key, row in store.items()} == customers
    assert 30 < list(customers.values()).count("") < len(customers) / 5


def test_events_and_the_order_system_agree(
    events: Events,
    shopify: Shopify,
    true_orders: dict[str, dict[str, str]],
    planted: dict[str, Any],
) -> None:
    completed = {}
    for event in events.all:
        if event.name != "Order Completed":
            continue
        if event.source == "segment":
            properties = event.body["properties"]
            completed[properties["order_id"]] = event
            total, items = properties["total"], properties["products"]
            currency = properties["currency"]
            keys = ("product_id", "quantity")
        else:
            ecommerce = event.body["ecommerce"]
            completed[ecommerce["transaction_id"]] = event
            parameters = {
                each["key"]: next(iter(each["value"].values()))
                for each in event.body["event_params"]
            }
            assert parameters["transaction_id"] == ecommerce["transaction_id"]
            total, items = ecommerce["purchase_revenue"], event.body["items"]
            assert total == parameters["value"]
            currency = parameters["currency"]
            keys = ("item_id", "quantity")
        order_id = next(reversed(completed))
        row = true_orders[order_id]
        paid = Decimal(row["gross_amount"]) - Decimal(row["discount_amount"])
        assert Decimal(str(total)) == paid
        assert currency == row["currency_code"]
        assert event.user == row["customer_id"]
        assert row["channel"] == ("mobile" if is_mobile(event) else "web")
        occurred = event.occurred_at.replace(microsecond=0)
        ordered = datetime.fromisoformat(row["ordered_at_utc"])
        assert occurred == ordered.replace(microsecond=0)
        if order_id in shopify.orders:
            assert [(each[keys[0]], int(each[keys[1]])) for each in items] == [
                (item["sku"], item["quantity"])
                for item in shopify.orders[order_id]["line_items"]
            ]
    only_in_events = set(completed) - set(shopify.orders)
    only_in_order_system = set(shopify.orders) - set(completed)
    for name, found in (
        ("only_in_events", only_in_events),
        ("only_in_order_system", only_in_order_system),
    ):
        flag = f"is_{name}"
        assert found == {k for k, row in true_orders.items() if row[flag] == "true"}
        assert 10 < len(found) == planted[name]
    # Nobody pays back what it doesn't know was paid.
    assert all(true_orders[each]["refund_amount"] == "0.00" for each in only_in_events)
    # Nobody could see an order that is only in an event that may not be used.
    assert not any(
        id(completed[order_id]) in events.withheld for order_id in only_in_events
    )


def is_mobile(event: Event) -> bool:
    if event.source == "ga4":
        return True
    return bool(event.body["context"]["device"]["type"] == "mobile")


def test_every_currency_has_a_rate_on_every_day(
    storefront: Landed, planted: dict[str, Any]
) -> None:
    rows = [row for _, row in storefront.csv_rows("fx/rates/*.csv")]
    days = [f"{date(2025, 1, 1) + timedelta(day)}" for day in range(365)]
    assert {
        (row["date"], row["from_currency"], row["to_currency"]) for row in rows
    } == {(day, code, "USD") for day in days for code in ("GBP", "EUR")}
    assert len(rows) == 730 == planted["fx_rates"]["accepted"]
    rates = defaultdict(list)
    for row in rows:
        rates[row["from_currency"]].append(float(row["rate"]))
    for found in rates.values():
        assert 0.9 < min(found) < max(found) < 1.6
        steps = np.diff(np.log(found))
        assert 0.001 < steps.std() < 0.006


def test_products_and_attributes(storefront: Landed, planted: dict[str, Any]) -> None:
    products = pd.read_parquet(storefront.landing / "catalog/products/products.parquet")
    assert len(products) == products["product_id"].nunique() == 300
    assert products["category"].nunique() == 10
    assert products["subcategory"].nunique() == 30
    assert pd.to_datetime(products["updated_at"]).max() < pd.Timestamp("2025-01-01")
    assert planted["catalog_products"]["accepted"] == 300
    listed = [
        json.loads(line)
        for _, line in storefront.json_lines("shopify/products/*.jsonl.gz")
    ]
    prices = dict(zip(products["product_id"], products["list_price"], strict=True))
    assert {
        each["variants"][0]["sku"]: each["variants"][0]["price"] for each in listed
    } == prices
    rows = [row for _, row in storefront.csv_rows("third_party/attributes/*.csv")]
    assert planted["third_party_attributes"]["accepted"] == len(rows)
    assert all(row["value"] for row in rows)


# Who is who.


def test_contacts_are_two_extracts(storefront: Landed, planted: dict[str, Any]) -> None:
    rows = storefront.csv_rows("crm/contacts/*.csv")
    counts = Counter("contact" if row["contact_id"] else "missing" for _, row in rows)
    contacts = {row["contact_id"]: row for _, row in rows if row["contact_id"]}
    assert planted["crm_contacts"] == {
        "landed_lines": len(rows),
        "missing_id": counts["missing"],
        "duplicate": counts["contact"] - len(contacts),
        "accepted": len(contacts),
    }
    assert {file for file, _ in rows} == {"contacts_2025-07-02", "contacts_2025-12-31"}
    said = {row["marketing_consent"] for row in contacts.values()}
    assert said == {"true", "yes", "false", "no", ""}
    for row in contacts.values():
        assert (row["marketing_consent"] == "") == (row["marketing_consent_at"] == "")
    before = {row["contact_id"]: row for file, row in rows if "07" in file}
    changed = [
        contact_id
        for contact_id, row in contacts.items()
        if row["marketing_consent"] != before[contact_id]["marketing_consent"]
    ]
    assert len(changed) == planted["consents"]["contacts_withdrawn"] > 10
    assert all(contacts[each]["updated_at"] >= "2025-07-01" for each in changed)
    typed = [row["email"] for row in contacts.values() if row["email"]]
    assert any(each != clean_email(each) for each in typed)
    assert any(each.startswith(" ") for each in typed)
    phones = {re.sub(r"\d", "9", row["phone"]) for row in contacts.values()}
    assert {"+99999999999", "(999) 999-9999", ""} < phones


def test_contacts_on_paper_can_only_be_guessed(
    storefront: Landed, person_of: dict[Identifier, str], planted: dict[str, Any]
) -> None:
    rows = [
        row for file, row in storefront.csv_rows("crm/contacts/*.csv") if "12" in file
    ]
    by_person: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if row["contact_id"]:
            person = person_of["crm_contact_id", row["contact_id"]]
            by_person[person].append(row)
    pairs = [pair for pair in by_person.values() if len(pair) > 1]
    assert len(pairs) == planted["paper_contacts"] > 100
    names = ("first_name", "last_name", "street_address")
    n_slips = 0
    for known, paper in pairs:
        assert not paper["email"] + paper["phone"] + paper["user_id"]
        assert known["email"] or known["phone"] or known["user_id"]
        assert known["loyalty_id"] != paper["loyalty_id"]
        assert sorted(known["birth_date"]) == sorted(paper["birth_date"])
        assert known["postcode"] == paper["postcode"]
        n_slips += any(known[name] != paper[name] for name in names)
        for name in names:
            assert 0 <= len(paper[name]) - len(known[name]) <= 1
    assert 0.4 < n_slips / len(pairs) < 0.95


class Parts:
    """Union-find over identifiers, by the rules as the issue has them."""

    def __init__(self) -> None:
        self.parent: dict[Identifier, Identifier] = {}
        self.met: dict[Identifier, set[Identifier]] = defaultdict(set)

    def find(self, one: Identifier) -> Identifier:
        self.parent.setdefault(one, one)
        while self.parent[one] != one:
            self.parent[one] = self.parent[self.parent[one]]
            one = self.parent[one]
        return one

    def add(self, device: Identifier | None, strong: Iterable[Identifier]) -> None:
        known = [each for each in strong if each[1]]
        for each in known:
            self.parent[self.find(each)] = self.find(known[0])
        if device is not None:
            self.find(device)
            self.met[device].update(known[:1])

    def all(self) -> set[frozenset[Identifier]]:
        for device, strong in self.met.items():
            parts = {self.find(each) for each in strong}
            if len(parts) == 1:
                self.parent[self.find(device)] = parts.pop()
        found: dict[Identifier, set[Identifier]] = defaultdict(set)
        for each in list(self.parent):
            found[self.find(each)].add(each)
        return {frozenset(each) for each in found.values()}


def contact_identifiers(record: dict[str, Any]) -> list[Identifier]:
    return [
        ("email", clean_email(record.get("email"))),
        ("phone", clean_phone(record.get("phone"))),
    ]


def add_other_sources(
    parts: Parts, storefront: Landed, lines: Lines, shopify: Shopify
) -> None:
    """Add what every source but the events says."""
    for _, order in shopify.versions:
        if not order["test"]:
            customer = str((order["customer"] or {}).get("id", ""))
            named = ("shopify_customer_id", customer)
            parts.add(None, [named, *contact_identifiers(order)])
            parts.add(None, [named, *contact_identifiers(order["customer"] or {})])
    for _, line in storefront.json_lines("shopify/customers/*.jsonl.gz"):
        customer = json.loads(line)
        named = ("shopify_customer_id", str(customer["id"]))
        parts.add(None, [named, *contact_identifiers(customer)])
    for each in lines.accepted:
        parts.add(None, [("user_id", each.row["customer_id"])])
    for _, row in storefront.csv_rows("third_party/attributes/*.csv"):
        parts.add(None, [("user_id", row["key"])])
    for _, row in storefront.csv_rows("crm/contacts/*.csv"):
        if row["contact_id"]:
            names = [("crm_contact_id", row["contact_id"]), *contact_identifiers(row)]
            names += [("user_id", row["user_id"]), ("loyalty_id", row["loyalty_id"])]
            parts.add(None, names)


@pytest.mark.parametrize("column", ["resolvable_id", "usable_resolvable_id"])
def test_resolvable_parts_follow_from_the_landed_records(
    storefront: Landed, events: Events, lines: Lines, shopify: Shopify, column: str
) -> None:
    parts = Parts()
    # A copy says what the first one says.
    for event in events.all if column == "resolvable_id" else events.accepted:
        kind = "anonymous_id" if event.source == "segment" else "ga4_pseudo_id"
        traits = contact_identifiers(event.body.get("traits", {}))
        parts.add((kind, event.device), [("user_id", event.user), *traits])
    add_other_sources(parts, storefront, lines, shopify)
    truth: dict[str, set[Identifier]] = defaultdict(set)
    people: dict[str, set[str]] = defaultdict(set)
    for row in storefront.truth_rows("identifiers"):
        key = (row["identifier_type"], row["identifier_value"])
        # An identifier that is only in withheld events has no usable part.
        if row[column]:
            assert key not in truth[row[column]]
            truth[row[column]].add(key)
            people[row[column]].add(row["person_id"])
    assert {frozenset(part) for part in truth.values()} == parts.all()
    # The evidence never says that two people are one; strangers are nobody, and so
    # is who sits at a shared computer.
    assert all(len(each - {""}) <= 1 for each in people.values())


def test_shared_devices_merge_nobody(
    storefront: Landed,
    site: Stream,
    people: list[dict[str, str]],
    planted: dict[str, Any],
) -> None:
    users: dict[str, set[str]] = defaultdict(set)
    for event in site.events:
        if event.user:
            users[event.device].add(event.user)
    owner = {row["customer_id"]: row["person_id"] for row in people}
    owner |= {row["second_customer_id"]: row["person_id"] for row in people}
    n_people = {
        device: len({owner[user] for user in found}) for device, found in users.items()
    }
    kiosk = max(n_people, key=lambda device: n_people[device])
    assert n_people[kiosk] == planted["kiosk_users"] == 200
    # Families: two people each at one computer.
    families = [device for device, count in n_people.items() if count == 2]
    assert 15 < len(families) <= 50
    assert set(n_people.values()) == {1, 2, 200}
    sizes: Counter[str] = Counter()
    part: dict[str, str] = {}
    for row in storefront.truth_rows("identifiers"):
        sizes[row["resolvable_id"]] += 1
        part[row["identifier_value"]] = row["resolvable_id"]
    assert all(sizes[part[device]] == 1 for device in [kiosk, *families])


def test_two_accounts_are_one_only_over_what_they_share(
    storefront: Landed, people: list[dict[str, str]], planted: dict[str, Any]
) -> None:
    part = {
        (row["identifier_type"], row["identifier_value"]): row["resolvable_id"]
        for row in storefront.truth_rows("identifiers")
    }
    holders = [row for row in people if row["second_customer_id"]]
    shared = Counter(row["shared"] for row in holders)
    assert dict(shared) == planted["second_accounts"]
    assert min(shared.values()) >= 10
    customers = {}
    for _, line in storefront.json_lines("shopify/customers/*.jsonl.gz"):
        each = json.loads(line)
        customers[each["id"]] = each
    # The order system's ids run along with the accounts'.
    first_id = min(customers)
    for row in holders:
        ids = [
            first_id + int(row[name][1:]) - 100_001
            for name in ("customer_id", "second_customer_id")
        ]
        one, other = (customers[each] for each in ids)
        is_one = (
            part["shopify_customer_id", str(ids[0])]
            == (part["shopify_customer_id", str(ids[1])])
        )
        assert is_one == (row["shared"] != "nothing")
        assert (one["email"] == other["email"]) == (row["shared"] == "email")
        if row["shared"] == "phone":
            assert one["phone"] == other["phone"] != ""


def test_people_browse_before_they_log_in_on_several_devices(
    site: Stream, app: Stream
) -> None:
    devices: dict[str, set[tuple[str, str]]] = defaultdict(set)
    n_before = 0
    seen: set[str] = set()
    for event in sorted(site.events, key=lambda each: each.occurred_at):
        if event.name == "identify" and event.device in seen:
            n_before += 1
        if not event.user:
            seen.add(event.device)
    for event in [*site.events, *app.events]:
        if event.user:
            devices[event.user].add((event.source, event.device))
    assert n_before > 500
    n_devices = Counter(len(found) for found in devices.values())
    assert n_devices[2] > 300
    assert n_devices[3] > 30


def test_guests_are_known_by_what_they_type(
    shopify: Shopify, planted: dict[str, Any]
) -> None:
    guests = [each for each in shopify.orders.values() if each["customer"] is None]
    assert 0 <= planted["guest_orders"] - len(guests) <= planted["only_in_events"]
    assert len(guests) > 150
    emails = [each["email"] for each in shopify.orders.values()]
    typed = Counter(
        (each == each.strip(), each.strip() == each.strip().lower()) for each in emails
    )
    assert min(typed[True, False], typed[False, True]) > 50
    phones = {each["phone"] for each in shopify.orders.values() if each["phone"]}
    assert any(each.startswith("(") for each in phones)
    assert any(each.startswith("00") for each in phones)
    assert any(" " in each and each.startswith("+") for each in phones)
    others = [each for each in guests if clean_email(each["email"]).endswith(".org")]
    assert len(others) > 20


def test_nobody_is_real(storefront: Landed, person_of: dict[Identifier, str]) -> None:
    emails = [value for kind, value in person_of if kind == "email"]
    phones = [value for kind, value in person_of if kind == "phone"]
    assert len(emails) > 2_000
    assert len(phones) > 1_000
    for email in emails:
        assert re.fullmatch(r"[a-z]+\.[a-z]+\.\d+@example\.(com|net|org)", email)
    for phone in phones:
        assert FICTION.fullmatch(phone)
    # A number is one person's, and everybody in a family has one of their own.
    assert len(set(phones)) == len(phones)
    text = "".join(line for _, line in storefront.json_lines("shopify/orders/*.gz"))
    assert set(re.findall(r"@([a-z.]+)", text.lower())) <= {
        "example.com",
        "example.net",
        "example.org",
    }


def test_requests_name_somebody(
    storefront: Landed, person_of: dict[Identifier, str], planted: dict[str, Any]
) -> None:
    rows = [row for _, row in storefront.csv_rows("erasure/requests/*.csv")]
    assert len(rows) == planted["erasure_requests"]["accepted"] >= 4
    kinds = {row["identifier_type"] for row in rows}
    assert kinds == {"email", "user_id", "phone", "anonymous_id"}
    for row in rows:
        value = row["identifier_value"]
        if row["identifier_type"] == "email":
            assert value != clean_email(value)
            value = clean_email(value)
        assert person_of[row["identifier_type"], value]
        assert parse(row["requested_at"]) is not None
    assert len({row["request_id"] for row in rows}) == len(rows)


# Archetypes.


@pytest.fixture(scope="session")
def orders_of(
    true_orders: dict[str, dict[str, str]],
) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in true_orders.values():
        if row["is_test"] == "false":
            found[row["person_id"]].append(row)
    return found


def test_customers_do_as_their_archetype(
    orders_of: dict[str, list[dict[str, str]]],
    people: list[dict[str, str]],
    planted: dict[str, Any],
) -> None:
    assert Counter(row["archetype"] for row in people) == planted["customers"]
    assert set(planted["customers"]) == ARCHETYPES | {"prospect"}
    for row in people:
        found = orders_of.get(row["person_id"], [])
        if row["archetype"] == "prospect":
            assert not found
            continue
        assert found
        if row["archetype"] == "one_time_gift_buyer":
            assert len(found) == 1
        if row["archetype"] == "lapsed_big_spender":
            last = max(datetime.fromisoformat(each["ordered_at_utc"]) for each in found)
            # Six to ten months before as-of.
            assert timedelta(183) <= AS_OF - last <= timedelta(306)


def test_customers_join_and_come_back_in_every_month(
    orders_of: dict[str, list[dict[str, str]]],
) -> None:
    months = {
        person: {int(row["ordered_at_utc"][5:7]) for row in rows}
        for person, rows in orders_of.items()
    }
    joined = Counter(min(found) for found in months.values())
    left = Counter(max(found) for found in months.values())
    assert all(joined[month] >= 20 for month in range(1, 13))
    assert all(left[month] >= 10 for month in range(3, 12))
    # The holidays sell more than any other month.
    active = Counter(month for found in months.values() for month in found)
    assert sorted(active, key=lambda month: active[month])[-2:] in ([11, 12], [12, 11])


@pytest.fixture(scope="session")
def sold(storefront: Landed, shopify: Shopify, lines: Lines) -> pd.DataFrame:
    """Every line that was sold, in dollars at its day's rate, and what came back."""
    rates = {
        (row["date"], row["from_currency"]): float(row["rate"])
        for _, row in storefront.csv_rows("fx/rates/*.csv")
    }
    rows = []
    for order_id, order in shopify.orders.items():
        at = datetime.fromisoformat(order["created_at"])
        rate = rates.get((f"{at:%Y-%m-%d}", order["currency"]), 1.0)
        back = {
            part["line_item_id"]
            for refund in shopify.refunds.get(order_id, [])
            for part in refund["refund_line_items"]
        }
        for item in order["line_items"]:
            gross = item["quantity"] * float(item["price"]) * rate
            discount = float(item["total_discount"]) * rate
            refund = (gross - discount) * (item["id"] in back)
            app = order["source_name"] != "web"
            rows.append(
                (
                    order_id,
                    at,
                    item["sku"],
                    item["quantity"],
                    gross,
                    discount,
                    refund,
                    app,
                )
            )
    for line in lines.accepted:
        row, paid = line.row, float(line.net)
        if row["line_status"] == "completed":
            discount = float(row["discount_amount"])
            values = (line.quantity, paid + discount, discount, 0.0)
        else:
            values = (0, 0.0, 0.0, -paid)
        at = line.ordered_at
        rows.append((row["order_id"], at, row["product_id"], *values, False))
    names = ["order_id", "at", "product_id", "units", "gross", "discount", "refund"]
    frame = pd.DataFrame(rows, columns=[*names, "is_app"])
    # A return is of the order's own time here: it is only summed.
    frame["at"] = frame.groupby("order_id")["at"].transform("min")
    path = storefront.landing / "catalog" / "products" / "products.parquet"
    products = pd.read_parquet(path).set_index("product_id")
    return frame.assign(category=frame["product_id"].map(products["category"]))


def features(
    sold: pd.DataFrame,
    events: list[Event],
    true_orders: dict[str, dict[str, str]],
    person_of: dict[Identifier, str],
) -> pd.DataFrame:
    """`customer_features` from its definition and the accepted records, by person."""
    sold = sold.assign(
        person=[true_orders[order_id]["person_id"] for order_id in sold["order_id"]],
        is_mobile=[
            true_orders[order_id]["channel"] == "mobile"
            for order_id in sold["order_id"]
        ],
    )
    by_person = sold.groupby("person")
    orders = sold.drop_duplicates("order_id").groupby("person")
    sums = by_person[["units", "gross", "discount", "refund"]].sum()
    paid = sums["gross"] - sums["discount"]
    frame = pd.DataFrame(
        {
            "recency_days": by_person["at"].max().map(lambda at: (AS_OF - at).days + 1),
            "tenure_days": by_person["at"].min().map(lambda at: (AS_OF - at).days + 1),
            "n_orders": orders.size(),
            "n_categories": by_person["category"].nunique(),
            "mobile_order_rate": orders["is_mobile"].mean(),
            "monetary_amount": paid - sums["refund"],
            "average_order_amount": paid / orders.size(),
            "units_per_order": sums["units"] / orders.size(),
            "discount_rate": sums["discount"] / sums["gross"],
            "refund_rate": sums["refund"] / paid,
        }
    )
    n_sessions: Counter[str] = Counter()
    n_views: Counter[str] = Counter()
    last: tuple[str, datetime] | None = None
    recent = [event for event in events if event.occurred_at >= AS_OF - 90 * DAY]
    for event in sorted(recent, key=lambda each: (each.device, each.occurred_at)):
        kind = "anonymous_id" if event.source == "segment" else "ga4_pseudo_id"
        owner = person_of[kind, event.device]
        person = person_of["user_id", event.user] if event.user else owner
        gap = timedelta(minutes=30)
        if last is None or last[0] != event.device or event.occurred_at - last[1] > gap:
            n_sessions[person] += 1
        n_views[person] += event.name == "Product Viewed"
        last = (event.device, event.occurred_at)
    frame["n_sessions"] = [n_sessions[person] for person in frame.index]
    frame["n_product_views"] = [n_views[person] for person in frame.index]
    return frame


def test_archetypes_can_be_found_again(
    sold: pd.DataFrame,
    events: Events,
    true_orders: dict[str, dict[str, str]],
    person_of: dict[Identifier, str],
    people: list[dict[str, str]],
) -> None:
    frame = features(sold, events.accepted, true_orders, person_of)
    archetypes = {row["person_id"]: row["archetype"] for row in people}
    truth = frame.index.map(archetypes.__getitem__)
    assert len(frame.columns) == 12
    rates = ["discount_rate", "refund_rate", "mobile_order_rate"]
    for name in frame.columns.difference(rates):
        frame[name] = np.log1p(frame[name].clip(lower=0))
    values = ((frame - frame.mean()) / frame.std(ddof=0)).to_numpy()
    silhouettes = {}
    for n_clusters in range(2, 9):
        model = KMeans(n_clusters, n_init=5, random_state=0).fit(values)
        silhouettes[n_clusters] = silhouette_score(values, model.labels_)
        if n_clusters == 5:
            assert adjusted_rand_score(truth, model.labels_) >= 0.9
    assert abs(max(silhouettes, key=lambda k: silhouettes[k]) - 5) <= 1
    # Distinct, but not trivially so: people of a kind differ.
    assert 0.35 < silhouettes[5] < 0.6
