"""What is written beside the landing folder: the truth, for tests and the curious.

Nothing that segments customers may read it. It is computed from what was planted, by
the rules in `identity` and `consents`, and never from the warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from demo.storefront.simulation import NEVER, NOBODY, end_of_period
from demo.storefront.texts import (
    DAY_MS,
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
    from demo.storefront.anomalies import Anomaly
    from demo.storefront.consents import Consents
    from demo.storefront.crm import Crm
    from demo.storefront.parameters import Parameters
    from demo.storefront.people import People
    from demo.storefront.shop import Shop
    from demo.storefront.shopify import Contacts
    from demo.storefront.simulation import Booleans, Integers, Truth

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
    "usable_resolvable_id",
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
    shop: Shop, crm: Crm, device_id: pa.Array, pseudo_id: pa.Array
) -> Identifiers:
    """Return every identifier that could land; devices come first.

    Each account has an address and a number here. Where two accounts share one, only
    the first's is ever used (`canonical_accounts`).
    """
    truth, people = shop.truth, shop.people
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


@dataclass(frozen=True)
class Landed:
    """What landed unspoiled, as far as it names anybody.

    Attributes
    ----------
    events
        The site's events that aren't rejected, and the app's.
    crm, contacts
        Contacts, and what was typed in at the checkouts.
    is_in_order_system, is_named
        Which orders the order system has; at which ones the loyalty card was shown.
    """

    events: Named
    crm: Crm
    contacts: Contacts
    is_in_order_system: Booleans
    is_named: Booleans

    def without_withheld(self) -> Landed:
        """Return the same without the events that may not be used."""
        kept, events = ~self.events.is_withheld, self.events
        named = Named(
            device=events.device[kept],
            account=events.account[kept],
            has_traits=events.has_traits[kept],
            is_withheld=events.is_withheld[kept],
        )
        return replace(self, events=named)


@dataclass(frozen=True)
class Named:
    """Events: the device, the account (-1 for none), whether traits come with it."""

    device: Integers
    account: Integers
    has_traits: Booleans
    is_withheld: Booleans


def gather_evidence(shop: Shop, identifiers: Identifiers, landed: Landed) -> Evidence:
    """Gather which identifiers are together in records that landed unspoiled."""
    truth, people = shop.truth, shop.people
    crm, contacts = landed.crm, landed.contacts
    email = canonical_accounts(truth, people, "email")
    phone = canonical_accounts(truth, people, "phone")
    of = identifiers.of
    evidence = Evidence(
        n_identifiers=len(identifiers.values), n_devices=len(truth.devices.owner)
    )
    events = landed.events
    named = np.where(events.has_traits, events.account, NOBODY)
    evidence.add(
        of("device", events.device),
        of("user_id", events.account),
        of("email", _of(email, named)),
        of("phone", _of(phone, named)),
    )
    account = np.arange(len(email))
    evidence.add(
        of("shopify_customer_id", account), of("email", email), of("phone", phone)
    )
    order = np.flatnonzero(landed.is_in_order_system)
    account, guest = truth.orders.account[order], contacts.is_guest[order]
    is_other = contacts.is_other[order]
    given = np.where(contacts.has_phone[order], account, NOBODY)
    evidence.add(
        of("shopify_customer_id", np.where(guest, NOBODY, account)),
        of("email", _of(email, np.where(is_other, NOBODY, account))),
        of("other_email", np.where(is_other, truth.orders.customer[order], NOBODY)),
        of("phone", _of(phone, given)),
    )
    evidence.add(of("user_id", truth.orders.account[landed.is_named]))
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
    folder: Path, identifiers: Identifiers, evidence: Evidence, usable: Evidence
) -> WrittenFile:
    """Write every identifier that landed, its person and its resolvable part.

    Parameters
    ----------
    folder, identifiers
        Where to, and what there is.
    evidence, usable
        What all records say that aren't rejected, and what those say that aren't
        withheld either.
    """
    seen, parts, usable_parts = evidence.seen(), evidence.parts(), usable.parts()
    is_usable = np.isin(seen, usable.seen())
    usable_id = join("R", integers(1_000_001 + usable_parts[seen]))
    texts = csv_lines(
        pick(identifiers.types, seen),
        pick(identifiers.values, seen),
        person_ids(identifiers.person[seen]),
        join("R", integers(1_000_001 + parts[seen])),
        choose(is_usable, usable_id, ""),
    )
    header = ",".join(IDENTIFIER_COLUMNS)
    return write_records(folder / "identifiers.csv", [texts], len(seen), header)


def write_orders(
    folder: Path,
    shop: Shop,
    landed: Landed,
    is_silent: Booleans,
    staffs: tuple[Integers, Integers],
) -> WrittenFile:
    """Write the true orders, then those that staff placed to try the shop.

    Parameters
    ----------
    folder, shop, landed
        Where to, and what happened and landed.
    is_silent
        Which orders no event tells of, (n_orders,).
    staffs
        Numbers and times of the orders that staff placed.
    """
    book, people = shop.book, shop.people
    orders, lines = book.truth.orders, book.truth.lines
    size = len(orders.customer)

    def flag(values: Booleans) -> pa.Array:
        return choose(values, "true", "false")

    units = np.bincount(lines.order, lines.quantity, size).astype(np.int64)
    account = np.where(book.is_online | landed.is_named, orders.account, NOBODY)
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
        flag(book.is_online & ~landed.is_in_order_system),
        flag(is_silent),
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
    consents: Consents,
    crm: Crm,
    first_seen: Integers,
) -> tuple[WrittenFile, dict[str, int]]:
    """Write what was agreed to: on each device by purpose, and marketing in the CRM.

    Parameters
    ----------
    folder, identifiers, consents, crm
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
    folder: Path, shop: Shop, kinds: list[str], shared: list[str]
) -> WrittenFile:
    """Write the people: first and second account, archetype, what accounts share."""
    truth, people = shop.truth, shop.people
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


def write_anomalies(
    folder: Path, parameters: Parameters, planted: list[tuple[Anomaly, int, int]]
) -> WrittenFile:
    """Write the days with too few or too many events of a name."""
    rows = [
        f"{anomaly.source},{anomaly.event_name},{anomaly.day(parameters)},"
        f"{'spike' if anomaly.is_spike else 'drop'},{usual},{found}"
        for anomaly, usual, found in planted
    ]
    header = "source,event_name,date,kind,n_usual_events,n_events"
    texts = pa.array(rows, pa.string())
    return write_records(folder / "anomalies.csv", [texts], len(rows), header)


def write_erasure_requests(
    landing: Path,
    rng: np.random.Generator,
    shop: Shop,
    seen: set[int],
    identifiers: Identifiers,
) -> tuple[list[WrittenFile], dict[str, int]]:
    """Write requests to be forgotten: of customers by address, number, id or device."""
    people = shop.people
    size = len(shop.truth.customers)
    end = end_of_period()
    bounds = (end - shop.parameters.n_days * DAY_MS // 2, end)
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
