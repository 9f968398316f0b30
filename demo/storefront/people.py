"""Who the simulated customers are: ids, names, contacts, addresses, attributes.

Nobody real: names are drawn from lists, e-mail addresses end in example.com, .net or
.org (RFC 2606), and telephone numbers lie in the ranges that regulators keep for
fiction: 555-0100 to 555-0199 in North America, Ofcom's numbers for television and
radio, the Bundesnetzagentur's for media productions, Arcep's for audiovisual works.
There are fewer of those than people in a large shop; the rest has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.storefront.parameters import ARCHETYPES
from demo.storefront.simulation import NOBODY, PROSPECT_KIND, Customers
from demo.storefront.texts import (
    FOUR_DIGITS,
    THREE_DIGITS,
    TWO_DIGITS,
    choose,
    dates,
    fixed,
    integers,
    join,
    pick,
)

if TYPE_CHECKING:
    from demo.storefront.simulation import Integers

FIRST_NAMES = (
    "Ada", "Ben", "Carla", "Dev", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonah",
    "Keiko", "Liam", "Mina", "Noah", "Olga", "Priya", "Quinn", "Rosa", "Samir", "Tess",
    "Uma", "Victor", "Wen", "Ximena", "Yara", "Zane", "Alma", "Bruno", "Cleo", "Dario",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Barros", "Chen", "Dalton", "Egan", "Fischer", "Garcia", "Hughes",
    "Ito", "Jensen", "Kaur", "Lopez", "Moreau", "Novak", "Okafor", "Patel", "Quist",
    "Rossi", "Silva", "Tanaka", "Ueda", "Vargas", "Walsh", "Xu", "Young", "Zeller",
)  # fmt: skip
PHONE_SHARE = 0.6
# Numbers for fiction by country: what stands before the last two, three or four digits.
PHONE_PREFIXES: tuple[tuple[tuple[str, ...], int], ...] = (
    (tuple(f"+1{area}55501" for area in range(201, 1000)), 2),
    (
        (
            "+447700900", "+442079460", "+441134960", "+441144960", "+441154960",
            "+441164960", "+441174960", "+441184960", "+441214960", "+441314960",
            "+441414960", "+441514960", "+441614960", "+441914980", "+442920180",
            "+441632960", "+442896496",
        ),
        3,
    ),
    (("+493023125", "+496990009", "+494066969", "+492214710", "+498999998"), 3),
    (("+3363998", "+3319900", "+3326191", "+3335301", "+3346571", "+3353649"), 4),
)  # fmt: skip
# How two accounts of one person can be told to be one: a shared e-mail address, a
# shared number, or not at all.
SHARED_EMAIL, SHARED_PHONE, NOTHING_SHARED = range(3)
SHARED_PARTS = ("email", "phone", "nothing")
SHARED_SHARES = (0.4, 0.3, 0.3)
GENDERS = ("female", "male", "")
GENDER_SHARES = (0.55, 0.35, 0.1)
STREETS = (
    "Maple", "Church", "Mill", "Park", "Station", "Garden", "Bridge", "Hill",
    "Orchard", "King", "Queen", "Meadow", "Harbour", "Chestnut", "River", "Elm",
)  # fmt: skip
# Ways to type an address and a number: where each ends, of 1.
CAPITAL, UPPER, BLANKS = 0.1, 0.13, 0.16
SPACED, DOUBLE_ZERO = 0.2, 0.3
CITIES = (
    ("Springfield", "Riverton", "Fairview", "Madison", "Georgetown", "Clinton"),
    ("Ashford", "Kingsbridge", "Westbrook", "Northam", "Langford", "Easton"),
    ("Neustadt", "Altdorf", "Waldheim", "Seeburg", "Steinfeld", "Rosental"),
    ("Beaumont", "Villeneuve", "Montclair", "Belleville", "Rochefort", "Clairval"),
)
# Birth dates: from 1940 to 2006.
FIRST_BIRTH_DAY, LAST_BIRTH_DAY = -10_957, 13_148

ATTRIBUTE_SHARE = 0.4
SOCIAL_SHARE = 0.3
KNOWN_SHARE = 0.85
ATTRIBUTE_AS_OF_DATE = "2025-01-01"
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
INCOME_BANDS = ("under 40K", "40-79K", "80-119K", "120K and over")
# Rows: the archetypes in their order, then prospects. Bought-in attributes say
# something about a customer, but not which archetype it is.
AGE_WEIGHTS = (
    (1, 3, 5, 5, 4, 2),
    (7, 7, 3, 1, 1, 0),
    (4, 4, 4, 3, 3, 3),
    (0, 2, 5, 6, 5, 2),
    (2, 4, 4, 4, 4, 3),
    (4, 5, 4, 3, 2, 2),
)
INCOME_WEIGHTS = (
    (1, 4, 5, 3),
    (4, 5, 3, 1),
    (7, 5, 1, 0),
    (0, 1, 4, 8),
    (2, 4, 4, 2),
    (4, 4, 3, 2),
)


@dataclass(frozen=True)
class People:
    """Who the customers and their accounts are.

    Attributes
    ----------
    user_id, email, phone
        One per account; `phone` is empty where none was given. The shop's own user id
        is what the loyalty card, the app and the bought-in data carry too.
    other_email
        One per person: the address it may give as a guest.
    first_name, last_name, gender, birth_date, street, postcode, city
        One per person.
    shared
        One per person: which part its two accounts share (`SHARED_PARTS`), -1 for a
        person with one.
    attributes
        The bought-in rows: key, attribute, value, as-of date.
    """

    user_id: pa.Array
    email: pa.Array
    phone: pa.Array
    other_email: pa.Array
    first_name: pa.Array
    last_name: pa.Array
    gender: pa.Array
    birth_date: pa.Array
    street: pa.Array
    postcode: pa.Array
    city: pa.Array
    shared: Integers
    attributes: list[tuple[str, str, str, str]]


def kind_name(kind: int) -> str:
    """Return the name of a kind of customer, as the truth files have it."""
    return ARCHETYPES[kind].name if kind < PROSPECT_KIND else "prospect"


def _draw_attributes(
    rng: np.random.Generator, customers: Customers, user_id: pa.Array
) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    keys = user_id.to_pylist()
    for index in np.flatnonzero(rng.random(len(customers)) < ATTRIBUTE_SHARE):
        kind = int(customers.kind[index])
        drawn = {}
        for name, bands, table in (
            ("age_band", AGE_BANDS, AGE_WEIGHTS),
            ("income_band", INCOME_BANDS, INCOME_WEIGHTS),
        ):
            weights = np.array(table[kind], dtype=np.float64)
            drawn[name] = str(rng.choice(bands, p=weights / weights.sum()))
        drawn["follows_on_social_media"] = (
            "yes" if rng.random() < SOCIAL_SHARE else "no"
        )
        # Providers don't know everything about everybody.
        known = [name for name in drawn if rng.random() < KNOWN_SHARE]
        rows += [
            (keys[index], name, drawn[name], ATTRIBUTE_AS_OF_DATE) for name in known
        ]
    return rows


def _draw_phones(rng: np.random.Generator, country: Integers) -> pa.Array:
    """Return a number of its own for some people of each country, else nothing."""
    size = len(country)
    phones = pa.array([""] * size, pa.string())
    has_phone = rng.random(size) < PHONE_SHARE
    for index, (prefixes, width) in enumerate(PHONE_PREFIXES):
        members = np.flatnonzero((country == index) & has_phone)
        numbers = np.arange(min(len(members), len(prefixes) * 10**width))
        table = {2: TWO_DIGITS, 3: THREE_DIGITS, 4: FOUR_DIGITS}[width]
        texts = join(
            pick(prefixes, numbers // 10**width), fixed(table[numbers % 10**width])
        )
        mask = np.zeros(size, dtype=np.bool_)
        mask[members[: len(numbers)]] = True
        phones = pc.replace_with_mask(phones, pa.array(mask), texts)
    return phones


def make_people(seed: np.random.SeedSequence, customers: Customers) -> People:
    """Draw everybody's details.

    Parameters
    ----------
    seed
        Where chance starts from.
    customers
        The known customers.

    Returns
    -------
    People
        User ids are unique, e-mail addresses and numbers are one person's.
    """
    rng = np.random.default_rng(seed)
    size = len(customers)
    person = customers.account_person
    number = np.arange(size) + 1
    first_name = pick(FIRST_NAMES, rng.integers(len(FIRST_NAMES), size=size))
    last_name = pick(LAST_NAMES, rng.integers(len(LAST_NAMES), size=size))
    name = pc.utf8_lower(
        join(first_name, ".", last_name, ".", integers(number), "@example.")
    )
    phone = _draw_phones(rng, customers.country)

    holders = np.flatnonzero(customers.second_account != NOBODY)
    shared = np.full(size, NOBODY)
    # All three kinds in turn, then shuffled: a small shop has each of them.
    kinds = np.searchsorted(
        np.cumsum(SHARED_SHARES), (np.arange(len(holders)) + 0.5) / len(holders)
    )
    has_phone = pc.not_equal(phone, "").to_numpy(zero_copy_only=False)
    shared[holders] = rng.permutation(kinds)
    # Without a number there is none to share.
    shared[(shared == SHARED_PHONE) & ~has_phone] = NOTHING_SHARED
    second_email = join(
        pick(name, holders), choose(shared[holders] == SHARED_EMAIL, "com", "net")
    )
    second_phone = choose(shared[holders] == SHARED_PHONE, pick(phone, holders), "")
    user_id = join("C", integers(100_001 + np.arange(len(person))))
    street_number = integers(rng.integers(1, 200, size))
    city = rng.integers(6, size=size) + 6 * customers.country
    return People(
        user_id=user_id,
        email=pa.concat_arrays([join(name, "com"), second_email]),
        phone=pa.concat_arrays([phone, second_phone]),
        other_email=join(name, "org"),
        first_name=first_name,
        last_name=last_name,
        gender=pick(GENDERS, rng.choice(len(GENDERS), size, p=GENDER_SHARES)),
        birth_date=dates(
            rng.integers(FIRST_BIRTH_DAY, LAST_BIRTH_DAY, size) * 86_400_000
        ),
        street=join(
            street_number, " ", pick(STREETS, rng.integers(16, size=size)), " Street"
        ),
        postcode=integers(rng.integers(10_000, 99_999, size)),
        city=pick([name for names in CITIES for name in names], city),
        shared=shared,
        attributes=_draw_attributes(rng, customers, user_id),
    )


def typed_emails(rng: np.random.Generator, emails: pa.Array) -> pa.Array:
    """Return the addresses as people type them: capitals here and there, blanks."""
    chance = rng.random(len(emails))
    is_given = pc.not_equal(emails, "").to_numpy(zero_copy_only=False)
    # Each way ends where the next begins: the last one set wins.
    typed = choose(is_given & (chance < BLANKS), join(" ", emails, " "), emails)
    typed = choose(chance < UPPER, pc.utf8_upper(emails), typed)
    return choose(chance < CAPITAL, pc.utf8_capitalize(emails), typed)


def typed_phones(rng: np.random.Generator, phones: pa.Array) -> pa.Array:
    """Return the numbers as people type them.

    Internationally with blanks or with 00, and Americans nationally: a number that
    names no country is read as one of the shop's own.
    """
    chance = rng.random(len(phones))
    is_given = pc.not_equal(phones, "").to_numpy(zero_copy_only=False)
    is_american = pc.starts_with(phones, "+1").to_numpy(zero_copy_only=False)

    def part(start: int, stop: int | None = None) -> pa.Array:
        return pc.utf8_slice_codeunits(phones, start, stop)

    spaced = join(part(0, 3), " ", part(3, 6), " ", part(6))
    national = join("(", part(2, 5), ") ", part(5, 8), "-", part(8))
    typed = choose(is_given & (chance < DOUBLE_ZERO), join("00", part(1)), phones)
    typed = choose(is_given & (chance < SPACED), spaced, typed)
    return choose(is_american & (chance < DOUBLE_ZERO), national, typed)
