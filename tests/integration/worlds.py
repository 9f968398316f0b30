"""Random records of many small shops, and who is one customer in them by plain Python.

Belongs here: records as they land, how they are split into loads, and the documented
rules of consent and identity, written a second time without SQL. Shops have no
identifier in common, so hundreds of them share one warehouse and one call of dbt.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from landed import identifier_key
from warehouses import DataSet, write_csv

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Identifier = tuple[str, str]
DEVICES = {"anonymous_id", "ga4_pseudo_id"}
IDENTIFIER_TYPES = (
    *("anonymous_id", "ga4_pseudo_id", "user_id", "email_hash", "phone_hash"),
    *("shopify_customer_id", "crm_contact_id", "loyalty_id"),
)
# How many others an identifier may meet here, so that few records reach the limit.
LIMIT = 4
WORLDS = DataSet(
    "worlds",
    {"identity_limits": dict.fromkeys(IDENTIFIER_TYPES, LIMIT)},
    date(2026, 2, 1),
)
# Values that the seed blocks for every type of identifier.
BLOCKED = {"null", "guest", "0000"}
MAX_LENGTH = 1_024
START = datetime(2026, 1, 1)  # noqa: DTZ001 - times are in UTC throughout
NEVER = datetime(9999, 12, 31)  # noqa: DTZ001
# Country of an event -> whether an event without any answer is withheld there.
COUNTRIES = {"US": False, "DE": True}
GA4_COUNTRIES = {"US": "United States", "DE": "Germany"}
CRM_COLUMNS = (
    *("contact_id", "email", "phone", "first_name", "last_name", "birth_date"),
    *("gender", "street_address", "postcode", "city", "country", "user_id"),
    *("loyalty_id", "loyalty_tier", "marketing_consent", "marketing_consent_at"),
    "updated_at",
)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def iso(time: datetime) -> str:
    return f"{time.isoformat(timespec='milliseconds')}Z"


@dataclass(frozen=True)
class Event:
    """An event of the site, or with `is_app` of the app; times are minutes.

    Attributes
    ----------
    device, user, previous, email, phone
        Whom it names; empty for nobody.
    allowed
        What it says about analytics: yes, no, nothing.
    lateness
        Minutes from its time to its receipt.
    """

    number: int
    minute: int
    device: str = ""
    user: str = ""
    previous: str = ""
    email: str = ""
    phone: str = ""
    country: str = "US"
    allowed: bool | None = None
    lateness: int = 0
    is_app: bool = False
    order: str = ""

    @property
    def stream(self) -> str:
        return "ga4/events" if self.is_app else "segment/events"

    @property
    def device_key(self) -> str:
        kind = "ga4_pseudo_id" if self.is_app else "anonymous_id"
        return identifier_key(kind, self.device) if self.device else self.user_key

    @property
    def user_key(self) -> str:
        return identifier_key("user_id", known_as(self.user)) if self.user else ""

    @property
    def identifiers(self) -> set[Identifier]:
        found = {
            ("ga4_pseudo_id" if self.is_app else "anonymous_id", self.device),
            ("anonymous_id", self.previous),
            ("user_id", known_as(self.user)),
            ("email", self.email or address_in(self.user)),
            ("phone", self.phone),
        }
        return {(kind, value) for kind, value in found if value}

    def record(self) -> dict[str, Any]:
        return self._of_the_app() if self.is_app else self._of_the_site()

    def _of_the_site(self) -> dict[str, Any]:
        context: dict[str, Any] = {"location": {"country": self.country}}
        if self.allowed is not None:
            context["consent"] = {"categoryPreferences": {"Analytics": self.allowed}}
        record: dict[str, Any] = {
            "messageId": f"message {self.number}",
            "anonymousId": self.device,
            "userId": self.user,
            "context": context,
            "timestamp": iso(at(self.minute)),
            "receivedAt": iso(at(self.minute + self.lateness)),
        }
        if self.previous:
            return record | {"type": "alias", "previousId": self.previous}
        if self.order:
            properties = {"order_id": self.order, "revenue": "10.00"}
            return record | {
                "type": "track",
                "event": "Order Completed",
                "properties": properties,
            }
        traits = {"email": self.email, "phone": self.phone}
        return record | {"type": "identify", "traits": traits}

    def _of_the_app(self) -> dict[str, Any]:
        time = at(self.minute)
        said = {None: {}, True: {"analytics_storage": "Yes"}}.get(
            self.allowed, {"analytics_storage": "No"}
        )
        micros = round((time - datetime(1970, 1, 1)).total_seconds() * 1e6)  # noqa: DTZ001
        return {
            "event_date": f"{time:%Y%m%d}",
            "event_timestamp": str(micros),
            "event_name": "screen_view",
            "event_params": [
                {"key": "number", "value": {"int_value": str(self.number)}}
            ],
            "user_pseudo_id": self.device,
            "user_id": self.user or None,
            "privacy_info": said,
            "geo": {"country": GA4_COUNTRIES[self.country]},
        }


@dataclass(frozen=True)
class Entity:
    """A version of a contact, of a shop's customer, or an order of either system."""

    stream: str
    id: str
    minute: int
    email: str = ""
    phone: str = ""
    user: str = ""
    other: str = ""

    @property
    def identifiers(self) -> set[Identifier]:
        kinds = {
            "crm/contacts": ("crm_contact_id", self.id, "loyalty_id", self.other),
            "shopify/customers": ("shopify_customer_id", self.id, "", ""),
            "shopify/orders": ("shopify_customer_id", self.other, "", ""),
            "pos/order_lines": ("", "", "", ""),
        }[self.stream]
        found = {
            *((kinds[0], kinds[1]), (kinds[2], kinds[3])),
            ("user_id", known_as(self.user)),
            ("email", self.email),
            ("phone", self.phone),
        }
        return {(kind, value) for kind, value in found if value}

    def record(self) -> dict[str, Any]:
        time = iso(at(self.minute))
        # As people type: blanks around an address, capitals.
        email = f" {self.email.upper()} " if self.email else ""
        if self.stream == "crm/contacts":
            values = {
                "contact_id": self.id,
                "email": email,
                "phone": self.phone,
                "user_id": self.user,
                "loyalty_id": self.other,
                "updated_at": time,
            }
            return dict.fromkeys(CRM_COLUMNS, "") | values
        if self.stream == "pos/order_lines":
            return {
                "order_id": self.id,
                "line_id": "1",
                "ordered_at": f"{at(self.minute):%Y-%m-%d %H:%M:%S}",
                "product_id": "cup",
                "quantity": "1",
                "unit_price": "10",
                "customer_id": self.user,
            }
        contact = {"email": email or None, "phone": self.phone or None}
        if self.stream == "shopify/customers":
            times = {"created_at": iso(START), "updated_at": time}
            return {"id": int(self.id)} | contact | times
        item = {"id": int(self.id) * 10, "quantity": 1, "price": "10.00"}
        return {
            "id": int(self.id),
            "created_at": iso(START),
            "processed_at": iso(START),
            "updated_at": time,
            "currency": "USD",
            "test": False,
            "customer": {"id": int(self.other)} if self.other else None,
            "line_items": [item | {"total_discount": "0.00"}],
        } | contact


Record = Event | Entity


def known_as(user: str) -> str:
    """Return what a user's id is known as: the key of an address, if it is one."""
    address = address_in(user)
    return identifier_key("email", address) if address else user


def address_in(user: str) -> str:
    return user.lower() if "@" in user else ""


# How records land


def drop(records: Iterable[Record], landing: Path, name: str) -> None:
    """Write each stream's records into one file of that name, in the given order."""
    streams: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        streams[record.stream].append(record.record())
    for stream, rows in streams.items():
        if stream.startswith(("crm", "pos")):
            write_csv(landing / stream / f"{name}.csv", rows)
            continue
        path = landing / stream / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text(text, encoding="utf-8")


def in_slices(
    records: Sequence[Record], n_slices: int, chance: random.Random
) -> list[list[Record]]:
    """Deal shuffled records out, and some of those with ids a second time."""
    shuffled = [*records, *(each for each in records if chance.random() < 0.1)]
    chance.shuffle(shuffled)
    slices: list[list[Record]] = [[] for _ in range(n_slices)]
    for record in shuffled:
        slices[chance.randrange(n_slices)].append(record)
    return slices


# Random shops


@dataclass
class World:
    """The ids of one small shop, to choose from."""

    number: int
    chance: random.Random
    events: itertools.count[int]
    records: list[Record] = field(default_factory=list)

    def one_of(self, prefix: str, n_most: int, share: float) -> str:
        if self.chance.random() > share:
            return ""
        if self.chance.random() < 0.01:
            return self.chance.choice(sorted(BLOCKED))
        return f"{prefix}{self.chance.randrange(n_most)} of {self.number}"

    def email(self, n_most: int, share: float) -> str:
        if self.chance.random() > share:
            return ""
        return f"e{self.chance.randrange(n_most)}.{self.number}@shop.example"

    def phone(self, n_most: int, share: float) -> str:
        if self.chance.random() > share:
            return ""
        return f"+1{2_000_000_000 + 100 * self.number + self.chance.randrange(n_most)}"

    def user(self, n_most: int, share: float) -> str:
        user = self.one_of("user", n_most, share)
        kind = self.chance.random()
        if user and kind < 0.05:
            return self.email(n_most, 1.0).capitalize()
        return user + "x" * MAX_LENGTH if user and kind > 0.98 else user

    def numbered(self, n_most: int) -> str:
        return str(1_000 * (self.number + 1) + self.chance.randrange(n_most))

    def event(self, n_most: int) -> Event:
        chance = self.chance
        device = self.one_of("device", n_most, 0.9)
        is_app = bool(device) and chance.random() < 0.2
        user = self.user(n_most, 0.5)
        is_alias = not is_app and bool(user) and chance.random() < 0.05
        is_order = not is_app and not is_alias and chance.random() < 0.1
        is_plain = is_app or is_alias or is_order
        return Event(
            number=next(self.events),
            minute=chance.randrange(3_000),
            device=device or self.one_of("device", n_most, 1.0),
            user=user,
            previous=self.one_of("device", n_most, 1.0) if is_alias else "",
            email="" if is_plain else self.email(n_most, 0.2),
            phone="" if is_plain else self.phone(n_most, 0.1),
            country=chance.choice(sorted(COUNTRIES)),
            allowed=chance.choice((None, None, None, True, True, False)),
            lateness=chance.choice((0, 1, 90, 3_000)),
            is_app=is_app,
            order=f"order {len(self.records)} of {self.number}" if is_order else "",
        )

    def entity(self, n_most: int) -> Entity:
        stream = self.chance.choice(
            ("crm/contacts", "shopify/customers", "shopify/orders", "pos/order_lines")
        )
        is_crm, is_pos = stream == "crm/contacts", stream == "pos/order_lines"
        orders = {"shopify/orders": self.numbered(n_most), "pos/order_lines": ""}
        other = orders.get(stream, "")
        return Entity(
            stream=stream,
            # An order has one version, a contact and a customer have several.
            id=f"contact{self.chance.randrange(n_most)} of {self.number}"
            if is_crm
            else self.numbered(n_most)
            if stream == "shopify/customers"
            else str(next(self.events)),
            minute=len(self.records),
            email="" if is_pos else self.email(n_most, 0.5),
            phone="" if is_pos else self.phone(n_most, 0.2),
            user=self.user(n_most, 0.5) if is_crm or is_pos else "",
            other=self.one_of("loyalty", n_most, 0.3) if is_crm else other,
        )


def random_records(n_worlds: int, chance: random.Random) -> list[Record]:
    """Return the records of shops of many kinds, from lonely to crowded."""
    events = itertools.count(1_000_000)
    records: list[Record] = []
    for number in range(n_worlds):
        world = World(number, chance, events)
        n_most = chance.choice((2, 4, 10))
        for _ in range(chance.choice((3, 10, 40))):
            is_event = chance.random() < 0.75
            world.records.append(
                world.event(n_most) if is_event else world.entity(n_most)
            )
            last = world.records[-1]
            if isinstance(last, Event) and not last.is_app and chance.random() < 0.05:
                # A copy that says otherwise, received earlier or later.
                other = world.user(n_most, 1.0)
                world.records.append(
                    replace(last, user=other, lateness=last.lateness + 7)
                )
        records += world.records
    return records


# The rules once more


def answered(events: Iterable[Event]) -> dict[Event, bool]:
    """Say of every event whether it may be used, as `docs/identity.md` has it."""
    said: dict[str, dict[int, bool]] = defaultdict(dict)
    distinct = set(events)
    for event in distinct:
        if event.allowed is not None:
            for key in {event.device_key, event.user_key} - {""}:
                # Of two answers at one time the refusal holds.
                known = said[key].get(event.minute, True)
                said[key][event.minute] = known and event.allowed
    verdicts = {}
    for event in distinct:
        answers = [
            (minute, not is_allowed)
            for key in {event.device_key, event.user_key} - {""}
            for minute, is_allowed in said[key].items()
            if minute <= event.minute
        ]
        if event.allowed is not None:
            verdicts[event] = event.allowed
        elif answers:
            verdicts[event] = not max(answers)[1]
        else:
            verdicts[event] = not COUNTRIES[event.country]
    return verdicts


# Identifiers of one record, and when they met.
Meeting = tuple[set[Identifier], datetime]


@dataclass(frozen=True)
class Resolved:
    """Identity as Python sees it: customers, blocked identifiers, by key."""

    customers: dict[str, str]
    reasons: dict[str, str]


def accepted(records: Iterable[Record]) -> list[Event]:
    """Return the events that may be used, of copies the one that was received first."""
    verdicts = answered(record for record in records if isinstance(record, Event))
    first: dict[tuple[str, int], Event] = {}
    for event in sorted(verdicts, key=lambda each: each.minute + each.lateness):
        first.setdefault((event.stream, event.number), event)
    return [event for event in first.values() if verdicts[event]]


def resolve(records: Iterable[Record], limit: int = LIMIT) -> Resolved:
    """Return who is one customer by the documented rules; one limit holds for all."""
    met = [(event.identifiers, at(event.minute)) for event in accepted(records)]
    versions: dict[tuple[str, str], list[Entity]] = defaultdict(list)
    for record in records:
        if isinstance(record, Entity):
            versions[record.stream, record.id].append(record)
    for (stream, _), found in versions.items():
        newest = max(found, key=lambda each: each.minute)
        first = min(at(each.minute) for each in found)
        # What a shop says of itself: since when, else since the first version.
        is_shop = stream.startswith("shopify")
        met.append((newest.identifiers, START if is_shop else first))
    return Graph(met).resolve(limit)


class Graph:
    """Identifiers, those that each met, and since when each is known."""

    def __init__(self, met: Iterable[Meeting]) -> None:
        self.first_seen: dict[Identifier, datetime] = {}
        self.strong: dict[Identifier, set[Identifier]] = defaultdict(set)
        for identifiers, time in met:
            for each in identifiers:
                self.first_seen[each] = min(time, self.first_seen.get(each, NEVER))
            for one, other in itertools.permutations(identifiers, 2):
                if other[0] not in DEVICES:
                    self.strong[one].add(other)

    def resolve(self, limit: int) -> Resolved:
        reasons = {
            each: reason
            for each in self.first_seen
            if (reason := self.why(each, limit))
        }
        customers: dict[str, str] = {}
        for part in self.parts(reasons):
            first = min((self.first_seen[each], identifier_key(*each)) for each in part)
            name = customer_id_of(first[1])
            customers |= {identifier_key(*each): name for each in part}
        return Resolved(
            customers, {identifier_key(*each): why for each, why in reasons.items()}
        )

    def why(self, identifier: Identifier, limit: int) -> str | None:
        """Return why an identifier links nothing."""
        if len(identifier[1]) > MAX_LENGTH:
            return "too_long"
        if identifier[1].lower() in BLOCKED:
            return "blocked_value"
        is_social = len(self.strong[identifier]) > limit
        return "too_many_identifiers" if is_social else None

    def parts(self, reasons: dict[Identifier, str]) -> list[list[Identifier]]:
        """Return the identifiers of each customer."""
        parent = {each: each for each in self.first_seen}

        def root(each: Identifier) -> Identifier:
            while parent[each] != each:
                each = parent[each]
            return each

        free = [each for each in self.first_seen if each not in reasons]
        devices = [each for each in free if each[0] in DEVICES]
        for one in set(free).difference(devices):
            for other in self.strong[one] - reasons.keys():
                parent[root(one)] = root(other)
        for device in devices:
            owners = {root(each) for each in self.strong[device] - reasons.keys()}
            if len(owners) == 1:
                parent[device] = owners.pop()
        found: dict[Identifier, list[Identifier]] = defaultdict(list)
        for each in self.first_seen:
            if reasons.get(each) not in ("too_long", "blocked_value"):
                found[root(each)].append(each)
        return list(found.values())


def customer_id_of(key: str) -> str:
    """Return the id of the customer whose first identifier has this key."""
    return hashlib.md5(f"{len(key)}:{key}".encode()).hexdigest()  # noqa: S324
