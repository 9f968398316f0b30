"""Who the simulated customers are: ids, names, contacts, countries, attributes.

Nobody real: names are drawn from lists, addresses end in example.com (RFC 2606) and
telephone numbers lie in the range kept for fiction, 555-0100 to 555-0199.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.storefront.parameters import ARCHETYPES
from demo.storefront.simulation import PROSPECT_KIND, Customers

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
COUNTRIES = ("United States", "Canada", "United Kingdom", "Australia")
COUNTRY_SHARES = (0.88, 0.06, 0.04, 0.02)
PHONE_SHARE = 0.6
# Typed by hand on a telephone: a capital at the start.
CAPITAL_EMAIL_SHARE = 0.1
FIRST_AREA_CODE = 201
NUMBERS_PER_AREA = 100

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
    """One element per known customer; `phone` is empty where none was given.

    `attributes` holds the bought-in rows: key, attribute, value, as-of date.
    """

    customer_id: list[str]
    first_name: list[str]
    last_name: list[str]
    email: list[str]
    phone: list[str]
    country: list[str]
    attributes: list[tuple[str, str, str, str]]


def kind_name(kind: int) -> str:
    """Return the name of a kind of customer, as the truth files have it."""
    return ARCHETYPES[kind].name if kind < PROSPECT_KIND else "prospect"


def _draw_attributes(
    rng: np.random.Generator, customers: Customers, customer_id: list[str]
) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
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
            (customer_id[index], name, drawn[name], ATTRIBUTE_AS_OF_DATE)
            for name in known
        ]
    return rows


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
        Ids, e-mail addresses and telephone numbers are unique.
    """
    rng = np.random.default_rng(seed)
    size = len(customers)
    first = rng.integers(len(FIRST_NAMES), size=size)
    last = rng.integers(len(LAST_NAMES), size=size)
    country = rng.choice(len(COUNTRIES), size, p=COUNTRY_SHARES)
    has_phone = rng.random(size) < PHONE_SHARE
    is_capital = rng.random(size) < CAPITAL_EMAIL_SHARE
    customer_id = [f"C{100001 + index}" for index in range(size)]
    emails: list[str] = []
    phones: list[str] = []
    for index in range(size):
        name = f"{FIRST_NAMES[first[index]]}.{LAST_NAMES[last[index]]}"
        email = f"{name.lower()}.{index + 1}@example.com"
        emails.append(email.capitalize() if is_capital[index] else email)
        area, number = divmod(index, NUMBERS_PER_AREA)
        phone = f"+1{FIRST_AREA_CODE + area}55501{number:02d}"
        phones.append(phone if has_phone[index] else "")
    return People(
        customer_id=customer_id,
        first_name=[FIRST_NAMES[index] for index in first],
        last_name=[LAST_NAMES[index] for index in last],
        email=emails,
        phone=phones,
        country=[COUNTRIES[index] for index in country],
        attributes=_draw_attributes(rng, customers, customer_id),
    )
