"""What is written beside the landing folder: the truth, for tests and the curious.

Nothing that segments customers may read it. It is computed from what was planted, by
the rules in `identity` and `consents`, and never from the warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.storefront import crm as crm_contacts
from demo.storefront.consents import ALL_DENIED, PURPOSES, granted
from demo.storefront.identity import Evidence
from demo.storefront.orders import channel_names
from demo.storefront.parameters import COUNTRIES, CURRENCY_CODES
from demo.storefront.shopify import FIRST_CUSTOMER_ID
from demo.storefront.simulation import NEVER, NOBODY
from demo.storefront.texts import (
    choose,
    integers,
    join,
    money,
    pick,
    utc_seconds,
    utc_times,
    write_records,
)

if TYPE_CHECKING:
    from pathlib import Path

    from demo.files import WrittenFile
    from demo.storefront.consents import Consents
    from demo.storefront.crm import Crm
    from demo.storefront.ga4_events import AppEvents
    from demo.storefront.orders import OrderBook
    from demo.storefront.people import People
    from demo.storefront.segment_events import Traffic
    from demo.storefront.shopify import Contacts
    from demo.storefront.simulation import Booleans, EventKind, Integers, Truth

ORDER_COLUMNS = (
    "order_id",
    "source_name",
    "person_id",
    "customer_id",
    "ordered_at_utc",
    "channel",
    "country",
    "currency_code",
    "n_lines",
    "purchased_quantity",
    "gross_amount",
    "discount_amount",
    "refund_amount",
    "net_amount",
    "is_guest",
    "is_cancelled",
    "is_only_in_events",
    "is_only_in_order_system",
    "is_test",
)
IDENTIFIER_COLUMNS = (
    "identifier_type",
    "identifier_value",
    "person_id",
    "resolvable_id",
)
CONSENT_COLUMNS = (
    "person_id",
    "identifier_type",
    "identifier_value",
    "purpose",
    "status",
    "decided_at",
)


def csv_lines(*columns: pa.Array | str) -> pa.Array:
    """Return records of columns that need no quotes."""
    parts: list[pa.Array | str] = [columns[0]]
    for column in columns[1:]:
        parts += [",", column]
    return join(*parts)


def person_ids(person: Integers) -> pa.Array:
    """Return the ids of people; empty for nobody."""
    return choose(person >= 0, join("P", integers(1_000_001 + person)), "")


@dataclass(frozen=True)
class Identifiers:
    """Every identifier of the shop as a number: the types stand one after another.

    `first` is the number of each type's first one, in the order of `TYPES`.
    """

    first: dict[str, int]
    values: pa.Array
    types: pa.Array
    person: Integers

    def of(self, kind: str, index: Integers) -> Integers:
        """Return the numbers of a type's identifiers, -1 where `index` is."""
        return np.where(index >= 0, self.first[kind] + index, NOBODY)


def all_identifiers(
    truth: Truth, people: People, crm: Crm, device_id: pa.Array, pseudo_id: pa.Array
) -> Identifiers:
    """Return every identifier that could land; devices come first.

    Addresses and numbers are one for each account, so that two accounts with the same
    have the same number here only if `canonical` says so; see `evidence`.
    """
    person = truth.customers.account_person
    owner = truth.devices.owner
    size = len(truth.customers)
    account = np.arange(len(person))
    device_values = choose(
        truth.devices.is_app, pick(pseudo_id, np.arange(len(owner))), device_id
    )
    blocks: list[tuple[str, pa.Array, Integers]] = [
        ("device", device_values, owner),
        ("user_id", people.user_id, person),
        ("email", people.email, person),
        ("other_email", people.other_email, np.arange(size)),
        ("phone", people.phone, person),
        ("shopify_customer_id", integers(FIRST_CUSTOMER_ID + account), person),
        (
            "crm_contact_id",
            crm_contacts.contact_ids(np.arange(len(crm.person))),
            crm.person,
        ),
        (
            "loyalty_id",
            crm_contacts.loyalty_ids(np.arange(len(crm.person))),
            crm.person,
        ),
    ]
    first: dict[str, int] = {}
    types: list[pa.Array] = []
    position = 0
    for name, values, _ in blocks:
        first[name] = position
        position += len(values)
        if name == "device":
            types.append(choose(truth.devices.is_app, "ga4_pseudo_id", "anonymous_id"))
        else:
            label = "email" if name == "other_email" else name
            types.append(pa.array([label] * len(values), pa.string()))
    return Identifiers(
        first=first,
        values=pa.concat_arrays([block[1] for block in blocks]),
        types=pa.concat_arrays([each.cast(pa.string()) for each in types]),
        person=np.concatenate([block[2] for block in blocks]),
    )


def canonical_accounts(truth: Truth, people: People, kind: str) -> Integers:
    """Return for each account the first one with the same address or number, or -1."""
    values = getattr(people, kind)
    account = np.arange(len(values))
    second = truth.customers.second_account
    holders = np.flatnonzero(second != NOBODY)
    is_same = pc.equal(
        values.take(pa.array(holders)), values.take(pa.array(second[holders]))
    ).to_numpy(zero_copy_only=False)
    account[second[holders][is_same]] = holders[is_same]
    is_given = pc.not_equal(values, "").to_numpy(zero_copy_only=False)
    return np.where(is_given, account, NOBODY)


def _of(mapping: Integers, index: Integers) -> Integers:
    return np.where(index >= 0, mapping[index], NOBODY)


def gather_evidence(  # noqa: PLR0913
    identifiers: Identifiers,
    truth: Truth,
    people: People,
    crm: Crm,
    contacts: Contacts,
    traffic: Traffic,
    is_event_rejected: Booleans,
    app: AppEvents,
    is_app_rejected: Booleans,
    is_in_order_system: Booleans,
    is_named: Booleans,
    identify: EventKind,
) -> Evidence:
    """Gather which identifiers are together in records that landed unspoiled."""
    email = canonical_accounts(truth, people, "email")
    phone = canonical_accounts(truth, people, "phone")
    of = identifiers.of
    evidence = Evidence(
        n_identifiers=len(identifiers.values), n_devices=len(truth.devices.owner)
    )
    kept = ~is_event_rejected
    account, device = traffic.account[kept], traffic.device[kept]
    is_identify = traffic.kind[kept] == identify
    named = np.where(is_identify, account, NOBODY)
    evidence.add(
        of("device", device),
        of("user_id", account),
        of("email", _of(email, named)),
        of("phone", _of(phone, named)),
    )
    kept = ~is_app_rejected
    evidence.add(of("device", app.device[kept]), of("user_id", app.account[kept]))
    account = np.arange(len(email))
    evidence.add(
        of("shopify_customer_id", account), of("email", email), of("phone", phone)
    )
    order = np.flatnonzero(is_in_order_system)
    account, guest = truth.orders.account[order], contacts.is_guest[order]
    is_other = contacts.is_other[order]
    given = np.where(contacts.has_phone[order], account, NOBODY)
    evidence.add(
        of("shopify_customer_id", np.where(guest, NOBODY, account)),
        of("email", _of(email, np.where(is_other, NOBODY, account))),
        of("other_email", np.where(is_other, truth.orders.customer[order], NOBODY)),
        of("phone", _of(phone, given)),
    )
    evidence.add(of("user_id", truth.orders.account[is_named]))
    contact = np.arange(len(crm.person))
    evidence.add(
        of("crm_contact_id", contact),
        of("email", _of(email, crm.email)),
        of("phone", _of(phone, crm.phone)),
        of("user_id", crm.user),
        of("loyalty_id", crm.loyalty),
    )
    keys = {key for key, *_ in people.attributes}
    bought = [
        index for index, key in enumerate(people.user_id.to_pylist()) if key in keys
    ]
    evidence.add(of("user_id", np.array(bought, dtype=np.int64)))
    return evidence


def write_identifiers(
    folder: Path, identifiers: Identifiers, evidence: Evidence
) -> WrittenFile:
    """Write every identifier that landed, its person and its resolvable part."""
    seen, parts = evidence.seen(), evidence.parts()
    texts = csv_lines(
        pick(identifiers.types, seen),
        pick(identifiers.values, seen),
        person_ids(identifiers.person[seen]),
        join("R", integers(1_000_001 + parts[seen])),
    )
    header = ",".join(IDENTIFIER_COLUMNS)
    return write_records(folder / "identifiers.csv", [texts], len(seen), header)


def write_orders(  # noqa: PLR0913
    folder: Path,
    book: OrderBook,
    people: People,
    is_only_in_events: Booleans,
    is_only_in_order_system: Booleans,
    is_named: Booleans,
    staffs: tuple[Integers, Integers],
) -> WrittenFile:
    """Write the true orders, then those that staff placed to try the shop."""
    orders, lines = book.truth.orders, book.truth.lines
    size = len(orders.customer)

    def flag(values: Booleans) -> pa.Array:
        return choose(values, "true", "false")

    units = np.bincount(lines.order, lines.quantity, size).astype(np.int64)
    account = np.where(book.is_online | is_named, orders.account, NOBODY)
    texts = csv_lines(
        book.order_id,
        choose(book.is_online, "shopify", "pos"),
        person_ids(orders.customer),
        pick(people.user_id, np.where(orders.is_guest, NOBODY, account)),
        utc_times(orders.ordered_at),
        channel_names(orders.channel),
        pick(
            [country.code for country in COUNTRIES],
            book.truth.customers.country[orders.customer],
        ),
        pick(CURRENCY_CODES, book.currency),
        integers(np.diff(book.starts)),
        integers(units),
        money(book.gross),
        money(book.discount),
        money(book.refund),
        money(book.net - book.refund),
        flag(orders.is_guest),
        flag(orders.cancelled_at != NEVER),
        flag(is_only_in_events),
        flag(is_only_in_order_system),
        "false",
    )
    numbers, times = staffs
    tests = csv_lines(
        integers(numbers),
        "shopify,,",
        utc_times(times),
        "web,US,USD,1,1,1.00,0.00,0.00,1.00,true,false,false,false,true",
    )
    header = ",".join(ORDER_COLUMNS)
    path = folder / "orders.csv"
    return write_records(path, [texts, tests], size + len(tests), header)


def write_consents(
    folder: Path,
    identifiers: Identifiers,
    truth: Truth,
    consents: Consents,
    crm: Crm,
    first_seen: Integers,
) -> tuple[WrittenFile, dict[str, int]]:
    """Write what was agreed to: on each device by purpose, and marketing in the CRM.

    Parameters
    ----------
    folder, identifiers, truth, consents, crm
        Where to, and what was planted.
    first_seen
        When each device was first used, -1 for never, (n_devices,).
    """
    blocks: list[pa.Array] = []
    device = np.flatnonzero((first_seen >= 0) & (consents.state >= ALL_DENIED))
    withdrawn = device[consents.withdrawn_at[device] != NEVER]

    def block(
        index: Integers, purpose: str, status: pa.Array | str, at: Integers
    ) -> None:
        blocks.append(
            csv_lines(
                person_ids(identifiers.person[index]),
                pick(identifiers.types, index),
                pick(identifiers.values, index),
                purpose,
                status,
                utc_times(at),
            )
        )

    for number, purpose in enumerate(PURPOSES):
        state = granted(consents.state[device], number)
        block(device, purpose, pick(("denied", "granted"), state), first_seen[device])
        had = withdrawn[granted(consents.state[withdrawn], number) == 1]
        block(had, purpose, "withdrawn", consents.withdrawn_at[had])
    asked = np.flatnonzero(crm.consent != crm_contacts.NOT_ASKED)
    contact = identifiers.of("crm_contact_id", asked)
    gave = (crm.consent[asked] == crm_contacts.GRANTED) | crm.is_withdrawn[asked]
    status = choose(gave, "granted", "denied")
    block(contact, "marketing", status, crm.first_at[asked])
    left = np.flatnonzero(crm.is_withdrawn)
    contact = identifiers.of("crm_contact_id", left)
    block(contact, "marketing", "withdrawn", crm.consent_at[left])
    count = sum(len(part) for part in blocks)
    header = ",".join(CONSENT_COLUMNS)
    written = write_records(folder / "consents.csv", blocks, count, header)
    return written, {
        "devices_asked": len(device),
        "devices_withdrawn": len(withdrawn),
        "contacts_asked": len(asked),
        "contacts_withdrawn": len(left),
    }


def write_customers(
    folder: Path, truth: Truth, people: People, kinds: list[str], shared: list[str]
) -> WrittenFile:
    """Write the people: first and second account, archetype, what accounts share."""
    size = len(truth.customers)
    second = truth.customers.second_account
    texts = csv_lines(
        person_ids(np.arange(size)),
        pick(people.user_id, np.arange(size)),
        pick(people.user_id, second),
        pick(kinds, truth.customers.kind),
        pick([country.code for country in COUNTRIES], truth.customers.country),
        pick(shared, people.shared),
    )
    header = "person_id,customer_id,second_customer_id,archetype,country,shared"
    return write_records(folder / "customers.csv", [texts], size, header)


def write_erasure_requests(
    landing: Path,
    rng: np.random.Generator,
    truth: Truth,
    people: People,
    evidence: Evidence,
    identifiers: Identifiers,
    bounds: tuple[int, int],
) -> tuple[list[WrittenFile], dict[str, int]]:
    """Write requests to be forgotten: of customers by address, number, id or device."""
    size = len(truth.customers)
    seen = set(evidence.seen().tolist())
    count = max(4, round(0.002 * size))
    rows: list[str] = []
    kinds = ("email", "user_id", "phone", "anonymous_id")
    times = np.sort(rng.integers(*bounds, count))
    texts = utc_seconds(times).to_pylist()
    emails, phones = people.email.to_pylist(), people.phone.to_pylist()
    user_ids = people.user_id.to_pylist()
    for person in rng.permutation(size).tolist():
        if len(rows) == count:
            break
        kind = kinds[len(rows) % len(kinds)]
        value = {
            "email": emails[person].upper(),
            "user_id": user_ids[person],
            "phone": phones[person],
            "anonymous_id": "",
        }[kind]
        if kind == "anonymous_id":
            number = int(identifiers.first["device"]) + person * 4
            value = identifiers.values[number].as_py() if number in seen else ""
        if kind == "user_id" and identifiers.first["user_id"] + person not in seen:
            value = ""
        if value:
            number = len(rows)
            rows.append(f"ER-{number + 1:05d},{kind},{value},{texts[number]}")
    path = landing / "erasure" / "requests" / "requests.csv"
    header = "request_id,identifier_type,identifier_value,requested_at"
    written = write_records(path, [pa.array(rows, pa.string())], len(rows), header)
    return [written], {"landed_lines": len(rows), "accepted": len(rows)}
