"""The simulated shop: what is planted is recounted from the landed files alone."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
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
    from conftest import Landed

PROJECT = Path(__file__).parents[2]
NEW_YORK = ZoneInfo("America/New_York")
AS_OF = datetime(2026, 1, 1, tzinfo=NEW_YORK)
DAY = timedelta(days=1)
TYPES = {"track", "page", "screen", "identify", "alias", "group"}
BOTS = re.compile("bot|crawler|spider|headless", re.IGNORECASE)
ARCHETYPES = {
    "loyal_repeat_buyer",
    "trend_seeker",
    "budget_shopper",
    "lapsed_big_spender",
    "one_time_gift_buyer",
}


def parse(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def rejections(line: str) -> tuple[list[str], dict[str, Any]]:
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


@dataclass(frozen=True)
class Event:
    file_month: str
    line: str
    body: dict[str, Any]
    occurred_at: datetime
    received_at: datetime

    @property
    def is_late(self) -> bool:
        return self.received_at - self.occurred_at > DAY


@dataclass(frozen=True)
class Events:
    counts: Counter[str]
    accepted: dict[str, Event]
    copies: list[tuple[Event, Event]]
    n_faults_most: int


@pytest.fixture(scope="session")
def events(storefront: Landed) -> Events:
    counts: Counter[str] = Counter()
    by_id: dict[str, list[Event]] = defaultdict(list)
    n_faults_most = 0
    for month, line in storefront.event_lines():
        counts["landed_lines"] += 1
        reasons, body = rejections(line)
        n_faults_most = max(n_faults_most, len(reasons))
        if reasons:
            counts[reasons[0]] += 1
            continue
        times = (parse(body["timestamp"]), parse(body["receivedAt"]))
        assert times[0] is not None
        assert times[1] is not None
        by_id[body["messageId"]].append(Event(month, line, body, times[0], times[1]))
    accepted = {}
    copies = []
    for message_id, found in by_id.items():
        first, *others = sorted(
            found, key=lambda event: (event.received_at, event.line)
        )
        accepted[message_id] = first
        copies += [(first, other) for other in others]
    counts["duplicate"] = len(copies)
    counts["accepted"] = len(accepted)
    counts["late_accepted"] = sum(event.is_late for event in accepted.values())
    counts["duplicate_in_later_file"] = sum(
        first.file_month < other.file_month for first, other in copies
    )
    counts["late_in_later_file"] = sum(
        event.file_month > f"{event.occurred_at.astimezone(NEW_YORK):%Y-%m}"
        for event in accepted.values()
        if event.is_late
    )
    return Events(counts, accepted, copies, n_faults_most)


@dataclass(frozen=True)
class Line:
    file_month: str
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
            # Online orders stay whole: their events say what was on them.
            assert row["channel"] == "store"
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
    counts["duplicate"] = len(copies)
    counts["accepted"] = len(accepted)
    counts["duplicate_in_later_file"] = sum(
        first.file_month < other.file_month for first, other in copies
    )
    counts["cancelled_orders"] = len(
        {
            line.row["order_id"]
            for line in accepted
            if line.row["line_status"] == "cancelled"
        }
    )
    return Lines(counts, accepted, copies)


@pytest.fixture(scope="session")
def planted(storefront: Landed) -> dict[str, Any]:
    text = (storefront.truth / "planted.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.fixture(scope="session")
def archetypes(storefront: Landed) -> dict[str, str]:
    with (storefront.truth / "customers.csv").open(encoding="utf-8") as stream:
        return {row["customer_id"]: row["archetype"] for row in csv.DictReader(stream)}


# Repeatable.


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
    assert len(first) == len(storefront.files) == 29


def test_gzip_files_hold_no_time(storefront: Landed) -> None:
    for path in storefront.landing.glob("segment/events/*.gz"):
        # RFC 1952: bytes 4 to 7 are the modification time.
        assert path.read_bytes()[4:8] == b"\0\0\0\0"


def test_another_seed_is_another_shop_and_a_rerun_changes_nothing(
    tmp_path: Path,
) -> None:
    sizes = [Parameters(n_customers=60, seed=seed) for seed in (1, 2)]
    land(tmp_path / "a" / "landing", parameters=sizes[0])
    land(tmp_path / "b" / "landing", parameters=sizes[1])
    # The simulation, the people, the sending of events: each follows the seed.
    for pattern in ("catalog/*/*", "third_party/*/*", "segment/*/2025-12*"):
        contents = [
            next((tmp_path / name / "landing").glob(pattern)).read_bytes()
            for name in ("a", "b")
        ]
        assert contents[0] != contents[1]
    again = land(tmp_path / "a" / "landing", parameters=sizes[0])
    assert not any(file.is_changed for file in again)


@pytest.mark.parametrize("n_customers", [19, 79_901])
def test_a_size_that_cannot_be(n_customers: int) -> None:
    with pytest.raises(ValueError, match=r"expected 20 to 79,900"):
        Parameters(n_customers=n_customers)


def test_the_smallest_shop(tmp_path: Path) -> None:
    land(tmp_path / "landing", parameters=Parameters(n_customers=20))
    text = (tmp_path / "truth/storefront/planted.json").read_text(encoding="utf-8")
    assert sum(json.loads(text)["customers"].values()) == 20


# Planted dirt.


def test_events_are_counted_by_final_status(
    events: Events, planted: dict[str, Any]
) -> None:
    assert dict(events.counts) == planted["segment_events"]
    assert events.counts["landed_lines"] == sum(
        events.counts[name]
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
            "accepted",
        )
    )
    assert 100_000 <= events.counts["landed_lines"] <= 130_000


def test_every_kind_of_dirt_is_there_and_no_event_has_two(events: Events) -> None:
    assert min(events.counts.values()) >= 30
    assert events.n_faults_most == 1
    assert not any(first.is_late for first, _ in events.copies)
    assert all(
        event.file_month == f"{event.received_at.astimezone(NEW_YORK):%Y-%m}"
        for event in events.accepted.values()
    )


def test_copies_of_an_event_differ_in_sending_only(events: Events) -> None:
    sending = {"sentAt", "receivedAt"}
    for first, other in events.copies:
        assert {
            key: value for key, value in first.body.items() if key not in sending
        } == {key: value for key, value in other.body.items() if key not in sending}
    assert any(first.line == other.line for first, other in events.copies)
    assert any(first.line != other.line for first, other in events.copies)


def test_late_events_come_one_to_four_days_after(events: Events) -> None:
    waits = [
        event.received_at - event.occurred_at for event in events.accepted.values()
    ]
    late = [wait for wait in waits if wait > DAY]
    assert max(late) < 4 * DAY
    assert max(wait for wait in waits if wait <= DAY) < timedelta(minutes=1)


def test_lines_are_counted_by_final_status(
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
    assert min(lines.counts.values()) >= 30


def test_copies_of_a_line_are_identical(lines: Lines) -> None:
    assert all(first.row == other.row for first, other in lines.copies)


def test_products_and_attributes(storefront: Landed, planted: dict[str, Any]) -> None:
    products = pd.read_parquet(storefront.landing / "catalog/products/products.parquet")
    assert len(products) == products["product_id"].nunique() == 300
    assert products["category"].nunique() == 10
    assert products["subcategory"].nunique() == 30
    assert pd.to_datetime(products["updated_at"]).max() < pd.Timestamp("2025-01-01")
    assert planted["catalog_products"]["accepted"] == 300
    rows = [row for _, row in storefront.csv_rows("third_party/attributes/*.csv")]
    assert planted["third_party_attributes"]["accepted"] == len(rows)
    assert all(row["value"] for row in rows)
    share = len({row["key"] for row in rows}) / 2_500
    assert 0.35 < share < 0.45


# Truth.


def test_true_orders_are_the_accepted_lines(storefront: Landed, lines: Lines) -> None:
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 5)
    undone: set[str] = set()
    for line in lines.accepted:
        total = sums[line.row["order_id"]]
        if line.row["line_status"] == "completed":
            price = Decimal(line.row["unit_price"])
            discount = Decimal(line.row["discount_amount"])
            step = [1, line.quantity, line.quantity * price, discount, 0]
        else:
            assert line.quantity < 0
            assert Decimal(line.row["discount_amount"]) == 0
            step = [0, 0, 0, 0, -line.net]
            if line.row["line_status"] == "cancelled":
                undone.add(line.row["order_id"])
        sums[line.row["order_id"]] = [
            one + Decimal(other) for one, other in zip(total, step, strict=True)
        ]
    names = (
        "n_lines",
        "purchased_quantity",
        "gross_amount",
        "discount_amount",
        "refund_amount",
    )
    with (storefront.truth / "orders.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {
        row["order_id"]: [Decimal(row[name]) for name in names] for row in rows
    } == sums
    for row in rows:
        gross, discount, refund, net = (
            Decimal(row[name]) for name in (*names[2:], "net_amount")
        )
        assert net == gross - discount - refund
        assert (row["is_cancelled"] == "true") == (row["order_id"] in undone)
        if row["is_cancelled"] == "true":
            assert net == 0


def test_events_and_orders_agree(lines: Lines, events: Events) -> None:
    orders: dict[str, list[Line]] = defaultdict(list)
    for line in lines.accepted:
        if line.row["line_status"] == "completed":
            orders[line.row["order_id"]].append(line)
    online = {
        order_id
        for order_id, found in orders.items()
        if found[0].row["channel"] in ("web", "mobile")
    }
    completed = [
        event
        for event in events.accepted.values()
        if event.body.get("event") == "Order Completed"
    ]
    found_ids = [event.body["properties"]["order_id"] for event in completed]
    assert len(found_ids) == len(online)
    assert set(found_ids) == online
    for event in completed:
        properties = event.body["properties"]
        of_order = orders[properties["order_id"]]
        first = of_order[0]
        assert event.body["userId"] == first.row["customer_id"]
        assert event.occurred_at.replace(microsecond=0) == first.ordered_at
        net = sum((line.net for line in of_order), Decimal(0))
        assert Decimal(str(properties["total"])) == net
        device = "mobile" if first.row["channel"] == "mobile" else "desktop"
        assert event.body["context"]["device"]["type"] == device
        assert [
            (entry["product_id"], entry["quantity"]) for entry in properties["products"]
        ] == [(line.row["product_id"], line.quantity) for line in of_order]


def test_returns_and_cancellations_undo_a_line_after_it(lines: Lines) -> None:
    by_id = {
        (line.row["order_id"], line.row["line_id"]): line for line in lines.accepted
    }
    n_undone = 0
    for (order_id, line_id), line in by_id.items():
        if line.row["line_status"] == "completed":
            continue
        n_undone += 1
        undone = by_id[order_id, line_id.partition("-")[0]]
        assert line.ordered_at > undone.ordered_at
        assert line.quantity == -undone.quantity
        assert line.net == -undone.net
        # Nobody is sold or brings back anything in the hours that clocks change.
        assert line.ordered_at.hour >= 7 or line.ordered_at.hour == 0
    assert n_undone > 500


def test_times_follow_the_specification(events: Events) -> None:
    for event in list(events.accepted.values())[::50]:
        sent, original = (
            parse(event.body["sentAt"]),
            parse(event.body["originalTimestamp"]),
        )
        assert sent is not None
        assert original is not None
        assert event.occurred_at == event.received_at - (sent - original)


def test_nothing_happens_or_arrives_outside_the_year(
    events: Events, lines: Lines
) -> None:
    first = datetime(2025, 1, 1, tzinfo=NEW_YORK)
    times = [event.occurred_at for event in events.accepted.values()]
    times += [line.ordered_at for line in lines.accepted]
    assert first <= min(times)
    assert max(times) < AS_OF
    assert max(event.received_at for event in events.accepted.values()) < AS_OF
    assert max(copy.received_at for _, copy in events.copies) < AS_OF


def test_a_device_is_one_person_s_and_nobody_is_real(
    events: Events, archetypes: dict[str, str]
) -> None:
    users: dict[str, set[str]] = defaultdict(set)
    devices: set[str] = set()
    emails: dict[str, set[str]] = defaultdict(set)
    phones: dict[str, set[str]] = defaultdict(set)
    n_halfway = 0
    for event in events.accepted.values():
        body = event.body
        devices.add(body["anonymousId"])
        if body["userId"]:
            users[body["anonymousId"]].add(body["userId"])
        if body["type"] == "identify":
            n_halfway += 1
            email = body["traits"]["email"]
            assert email.endswith("@example.com")
            emails[email.lower()].add(body["userId"])
            if phone := body["traits"].get("phone"):
                assert re.fullmatch(r"\+1\d{3}55501\d\d", phone)
                phones[phone].add(body["userId"])
    for owners in (users, emails, phones):
        assert {len(owner) for owner in owners.values()} == {1}
    assert n_halfway > 1_000
    # Visitors who never say who they are.
    assert 1_000 < len(devices - set(users)) < 1_300
    assert set().union(*users.values()) <= set(archetypes)


# Archetypes.


def test_customers_do_as_their_archetype(
    lines: Lines, archetypes: dict[str, str], planted: dict[str, Any]
) -> None:
    orders: dict[str, dict[str, datetime]] = defaultdict(dict)
    for line in lines.accepted:
        if line.row["line_status"] == "completed":
            orders[line.row["customer_id"]][line.row["order_id"]] = line.ordered_at
    assert Counter(archetypes.values()) == planted["customers"]
    assert set(planted["customers"]) == ARCHETYPES | {"prospect"}
    for customer, archetype in archetypes.items():
        found = orders.get(customer, {})
        if archetype == "prospect":
            assert not found
            continue
        assert found
        if archetype == "one_time_gift_buyer":
            assert len(found) == 1
        if archetype == "lapsed_big_spender":
            # Six to ten months before as-of.
            assert timedelta(183) <= AS_OF - max(found.values()) <= timedelta(306)


def test_customers_join_and_come_back_in_every_month(lines: Lines) -> None:
    months: dict[str, set[int]] = defaultdict(set)
    for line in lines.accepted:
        months[line.row["customer_id"]].add(line.ordered_at.month)
    joined = Counter(min(found) for found in months.values())
    left = Counter(max(found) for found in months.values())
    assert all(joined[month] >= 20 for month in range(1, 13))
    assert all(left[month] >= 10 for month in range(3, 12))
    # The holidays sell more than any other month.
    active = Counter(month for found in months.values() for month in found)
    assert sorted(active, key=lambda month: active[month])[-2:] in ([11, 12], [12, 11])


def features(lines: Lines, events: Events, categories: pd.Series[str]) -> pd.DataFrame:
    """`customer_features`, from its definition and the accepted records alone."""
    rows = pd.DataFrame([line.row for line in lines.accepted])
    rows["category"] = rows["product_id"].map(categories)
    rows["at"] = [line.ordered_at for line in lines.accepted]
    rows["units"] = rows["quantity"].astype(int)
    rows["discount"] = rows["discount_amount"].astype(float)
    rows["gross"] = rows["units"] * rows["unit_price"].astype(float)
    is_sale = rows["line_status"] == "completed"
    sales = rows[is_sale].groupby("customer_id")
    refunds = -rows[~is_sale].groupby("customer_id")["gross"].sum()
    orders = rows[is_sale].drop_duplicates("order_id").groupby("customer_id")
    frame = pd.DataFrame(
        {
            "recency_days": sales["at"].max().map(lambda time: (AS_OF - time).days + 1),
            "tenure_days": sales["at"].min().map(lambda time: (AS_OF - time).days + 1),
            "n_orders": orders.size(),
            "n_categories": sales["category"].nunique(),
            "units": sales["units"].sum(),
            "gross": sales["gross"].sum(),
            "discount": sales["discount"].sum(),
            "mobile_order_rate": orders["channel"].agg(
                lambda c: (c == "mobile").mean()
            ),
        }
    )
    frame["refund"] = refunds.reindex(frame.index).fillna(0.0)
    paid = frame["gross"] - frame["discount"]
    frame["monetary_amount"] = paid - frame["refund"]
    frame["average_order_amount"] = paid / frame["n_orders"]
    frame["units_per_order"] = frame["units"] / frame["n_orders"]
    frame["discount_rate"] = frame["discount"] / frame["gross"]
    frame["refund_rate"] = frame["refund"] / paid
    owner = {
        event.body["anonymousId"]: event.body["userId"]
        for event in events.accepted.values()
        if event.body["userId"]
    }
    recent = sorted(
        (
            (event.body["anonymousId"], event.occurred_at, event.body.get("event"))
            for event in events.accepted.values()
            if event.occurred_at >= AS_OF - timedelta(days=90)
        ),
        key=lambda row: row[:2],
    )
    n_sessions: Counter[str] = Counter()
    n_views: Counter[str] = Counter()
    last: tuple[str, datetime] | None = None
    for device, time, name in recent:
        customer = owner.get(device, "")
        gap = timedelta(minutes=30)
        if last is None or last[0] != device or time - last[1] > gap:
            n_sessions[customer] += 1
        n_views[customer] += name == "Product Viewed"
        last = (device, time)
    frame["n_sessions"] = [n_sessions[customer] for customer in frame.index]
    frame["n_product_views"] = [n_views[customer] for customer in frame.index]
    return frame.drop(columns=["units", "gross", "discount", "refund"])


def test_archetypes_can_be_found_again(
    storefront: Landed, lines: Lines, events: Events, archetypes: dict[str, str]
) -> None:
    products = pd.read_parquet(storefront.landing / "catalog/products/products.parquet")
    frame = features(lines, events, products.set_index("product_id")["category"])
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
