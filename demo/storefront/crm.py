"""The CRM's contacts as two full extracts, half a year apart, with their dirt.

Most contacts name an e-mail address or a number, typed by hand; some were filled in on
paper in a store and name neither: only name, birth date and address, with slips of the
pen, say whose they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.storefront.parameters import COUNTRIES
from demo.storefront.people import typed_emails, typed_phones
from demo.storefront.simulation import NOBODY, end_of_period
from demo.storefront.texts import (
    DAY_MS,
    choose,
    integers,
    join,
    pick,
    utc_seconds,
    write_records,
)

if TYPE_CHECKING:
    from pathlib import Path

    from demo.files import WrittenFile
    from demo.storefront.shop import Shop
    from demo.storefront.simulation import Booleans, Integers

COLUMNS = (
    "contact_id",
    "email",
    "phone",
    "first_name",
    "last_name",
    "birth_date",
    "gender",
    "street_address",
    "postcode",
    "city",
    "country",
    "user_id",
    "loyalty_id",
    "loyalty_tier",
    "marketing_consent",
    "marketing_consent_at",
    "updated_at",
)
CONTACT_SHARE = 0.55
PAPER_SHARE = 0.05
EMAIL_SHARE, PHONE_SHARE, USER_ID_SHARE, LOYALTY_SHARE = 0.85, 0.6, 0.35, 0.5
TIERS = ("bronze", "silver", "gold")
# Marketing consent: what is written, for granted, denied and never asked.
GRANTED, DENIED, NOT_ASKED = range(3)
CONSENT_SHARES = (0.55, 0.2, 0.25)
CONSENT_TEXTS = (("true", "yes"), ("false", "no"))
WITHDRAWN_SHARE = 0.06
HALF = 2


@dataclass(frozen=True)
class Crm:
    """Contacts, one element each; identifiers are -1 where the contact has none.

    Attributes
    ----------
    person
        Whose each is.
    is_paper
        Whether it was filled in on paper.
    email, phone, user
        The account whose address, number or id it names.
    loyalty
        Number of the loyalty card.
    consent
        What is said last: `GRANTED`, `DENIED` or `NOT_ASKED`.
    is_withdrawn
        Whether it was granted in the first extract and denied in the second.
    consent_at, first_at
        When the last was said, and when the contact was made, UTC milliseconds.
    """

    person: Integers
    is_paper: Booleans
    email: Integers
    phone: Integers
    user: Integers
    loyalty: Integers
    consent: Integers
    is_withdrawn: Booleans
    consent_at: Integers
    first_at: Integers


def contact_ids(number: Integers) -> pa.Array:
    """Return the CRM's ids of contacts."""
    return join("CON-", integers(500_001 + number))


def loyalty_ids(number: Integers) -> pa.Array:
    """Return the numbers of loyalty cards."""
    return join("L", integers(70_000_001 + number))


def draw_contacts(
    rng: np.random.Generator,
    shop: Shop,
) -> Crm:
    """Draw who is in the CRM, and what it knows."""
    customers, people, parameters = shop.truth.customers, shop.people, shop.parameters
    size = len(customers)
    known = np.flatnonzero(rng.random(size) < CONTACT_SHARE)
    n_paper = min(max(2, round(PAPER_SHARE * size)), len(known))
    paper = np.sort(rng.choice(known, n_paper, replace=False))
    person = np.concatenate([known, paper])
    count = len(person)
    is_paper = np.arange(count) >= len(known)

    def named(share: float) -> Integers:
        return np.where(~is_paper & (rng.random(count) < share), person, NOBODY)

    email, phone, user = named(EMAIL_SHARE), named(PHONE_SHARE), named(USER_ID_SHARE)
    has_phone = pc.not_equal(people.phone, "").to_numpy(zero_copy_only=False)[person]
    phone[~has_phone] = NOBODY
    # Whoever isn't on paper can be told by something.
    nameless = ~is_paper & (email < 0) & (phone < 0) & (user < 0)
    email[nameless] = person[nameless]
    has_card = is_paper | (rng.random(count) < LOYALTY_SHARE)
    consent = rng.choice(3, count, p=CONSENT_SHARES)
    is_withdrawn = (consent == GRANTED) & (rng.random(count) < WITHDRAWN_SHARE)
    consent = np.where(is_withdrawn, DENIED, consent)
    end = end_of_period()
    start = end - parameters.n_days * DAY_MS
    middle = (start + end) // HALF
    first_at = rng.integers(start - 300 * DAY_MS, start, count)
    consent_at = np.where(is_withdrawn, rng.integers(middle, end, count), first_at)
    return Crm(
        person=person,
        is_paper=is_paper,
        email=email,
        phone=phone,
        user=user,
        loyalty=np.where(has_card, np.arange(count), NOBODY),
        consent=consent,
        is_withdrawn=is_withdrawn,
        consent_at=consent_at // 1000 * 1000,
        first_at=first_at // 1000 * 1000,
    )


def _slipped(
    rng: np.random.Generator, texts: pa.Array, is_paper: Booleans, share: float
) -> pa.Array:
    """Return the texts with a letter doubled in some of those on paper."""
    place = rng.integers(1, 4, len(texts))
    found = texts
    is_slip = is_paper & (rng.random(len(texts)) < share)
    for position in range(1, 4):
        doubled = join(
            pc.utf8_slice_codeunits(texts, 0, position),
            pc.utf8_slice_codeunits(texts, position - 1),
        )
        found = choose(is_slip & (place == position), doubled, found)
    return found


def write_contacts(
    landing: Path,
    rng: np.random.Generator,
    shop: Shop,
    crm: Crm,
) -> tuple[list[WrittenFile], dict[str, int]]:
    """Write the two extracts.

    Returns
    -------
    files : list of WrittenFile
        The extract of the middle of the period and that of its end.
    planted : dict of str to int
        How many records landed and with which final status.
    """
    customers, people, parameters = shop.truth.customers, shop.people, shop.parameters
    count = len(crm.person)
    end = end_of_period()
    middle = end - parameters.n_days * DAY_MS // HALF
    n_missing = max(1, round(parameters.faults.missing_contact_ids * count))
    email = typed_emails(rng, pick(people.email, crm.email))
    phone = typed_phones(rng, pick(people.phone, crm.phone))
    birth_date = pick(people.birth_date, crm.person)
    # Day and month change places where that is a date too.
    day = pc.cast(pc.utf8_slice_codeunits(birth_date, 8, 10), pa.int64()).to_numpy()
    is_swapped = crm.is_paper & (day <= 12) & (rng.random(count) < 0.2)  # noqa: PLR2004
    swapped = join(
        pc.utf8_slice_codeunits(birth_date, 0, 5),
        pc.utf8_slice_codeunits(birth_date, 8, 10),
        pc.utf8_slice_codeunits(birth_date, 4, 7),
    )
    tier = np.where(crm.loyalty >= 0, crm.person % len(TIERS), NOBODY)
    fixed_columns = (
        email,
        phone,
        _slipped(rng, pick(people.first_name, crm.person), crm.is_paper, 0.3),
        _slipped(rng, pick(people.last_name, crm.person), crm.is_paper, 0.4),
        choose(is_swapped, swapped, birth_date),
        pick(people.gender, crm.person),
        _slipped(rng, pick(people.street, crm.person), crm.is_paper, 0.2),
        pick(people.postcode, crm.person),
        pick(people.city, crm.person),
        pick([country.code for country in COUNTRIES], customers.country[crm.person]),
        pick(people.user_id, crm.user),
        pick(loyalty_ids(np.arange(count)), crm.loyalty),
        pick(TIERS, tier),
    )
    way = rng.integers(2, size=count)
    missing = rng.choice(count, n_missing, replace=count < n_missing)
    written = []
    for is_second, exported_at in enumerate((middle, end - DAY_MS)):
        granted = np.where(
            crm.is_withdrawn & ~np.bool_(is_second), GRANTED, crm.consent
        )
        is_changed = crm.is_withdrawn & np.bool_(is_second)
        consent_at = np.where(is_changed, crm.consent_at, crm.first_at)
        texts = [text for pair in CONSENT_TEXTS for text in pair]
        consent = np.where(granted == NOT_ASKED, NOBODY, granted * 2 + way)
        updated_at = np.where(is_changed, crm.consent_at, crm.first_at)
        columns = (
            contact_ids(np.arange(count)),
            *fixed_columns,
            pick(texts, consent),
            choose(granted == NOT_ASKED, "", utc_seconds(consent_at)),
            utc_seconds(updated_at),
        )
        parts: list[pa.Array | str] = [columns[0]]
        for column in columns[1:]:
            parts += [",", column]
        records = join(*parts)
        # Half-made contacts: nobody knows what to call them.
        lost = join(*["", *parts[1:]]).take(pa.array(missing))
        chunks = [records, lost] if is_second else [records]
        date = str(np.datetime64(exported_at, "ms").astype("datetime64[D]"))
        path = landing / "crm" / "contacts" / f"contacts_{date}.csv"
        n_records = sum(len(chunk) for chunk in chunks)
        header = ",".join(COLUMNS)
        written.append(write_records(path, chunks, n_records, header))
    return written, {
        "landed_lines": 2 * count + n_missing,
        "missing_id": n_missing,
        "duplicate": count,
        "accepted": count,
    }
