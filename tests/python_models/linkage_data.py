"""A made town of contacts in which it is known who is whom."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

FIRST_NAMES = (
    "Anna",
    "Bruno",
    "Carla",
    "Dmitri",
    "Elena",
    "Fatima",
    "Georg",
    "Hanna",
    "Ivan",
    "Julia",
    "Karim",
    "Lena",
    "Marek",
    "Nadia",
    "Otto",
    "Paula",
    "Quentin",
    "Rosa",
    "Stefan",
    "Theresa",
    "Ulrich",
    "Vera",
    "Walter",
    "Xenia",
    "Yusuf",
    "Zoe",
)
LAST_NAMES = (
    "Abel",
    "Brandt",
    "Cremer",
    "Dietrich",
    "Ebert",
    "Falk",
    "Gruber",
    "Hartung",
    "Imhof",
    "Jansen",
    "Kaiser",
    "Lindner",
    "Mertens",
    "Neumann",
    "Oswald",
    "Petrov",
    "Quast",
    "Reuter",
    "Sommer",
    "Thiele",
    "Urban",
    "Vogel",
    "Winkler",
    "Zander",
)
STREETS = (
    "Ahornweg",
    "Bachgasse",
    "Birkenallee",
    "Domplatz",
    "Erlenweg",
    "Feldstrasse",
    "Gartenweg",
    "Hauptstrasse",
    "Industriering",
    "Jahnstrasse",
    "Kirchgasse",
    "Lindenallee",
    "Marktplatz",
    "Nordring",
    "Ostwall",
    "Parkstrasse",
    "Querweg",
    "Ringstrasse",
    "Schulgasse",
    "Talstrasse",
    "Uferweg",
    "Wiesenweg",
    "Zeppelinweg",
)
CITIES = (
    "Altstadt",
    "Bergheim",
    "Carlsruh",
    "Dorfen",
    "Eichstett",
    "Freiwald",
    "Grafing",
    "Hochdorf",
)
# The way of being written down twice that leaves only the names and the birth date.
MOVES = 5


@dataclass(frozen=True)
class Town:
    """Contacts, which pairs are one person, and which only live together."""

    contacts: pd.DataFrame
    same: set[tuple[str, str]]
    moved: set[tuple[str, str]]
    together: set[tuple[str, str]]


def make_town(n_people: int = 600, seed: int = 1) -> Town:
    """Make people; every fourth is there twice, every fourth lives with another."""
    draw = np.random.default_rng(seed)
    rows = []
    same, moved, together = set(), set(), set()
    for number in range(n_people):
        person = {
            "contact_id": f"c{number:05}",
            "first_name": str(draw.choice(FIRST_NAMES)),
            "last_name": str(draw.choice(LAST_NAMES)),
            "birth_date": _day(draw),
            "gender": str(draw.choice(["f", "m"])),
            "street_address": f"{draw.choice(STREETS)} {draw.integers(1, 200)}",
            "postcode": f"{draw.integers(10000, 99999)}",
            "city": str(draw.choice(CITIES)),
            "country": "DE",
        }
        rows.append(person)
        other = person | {"contact_id": f"d{number:05}"}
        pair = (person["contact_id"], other["contact_id"])
        if number % 4 == 1:
            rows.append(other | _differently(person, number // 4 % 6))
            (moved if number // 4 % 6 == MOVES else same).add(pair)
        elif number % 4 == 2:
            first_name = FIRST_NAMES[
                (FIRST_NAMES.index(person["first_name"]) + 7) % len(FIRST_NAMES)
            ]
            rows.append(other | {"first_name": first_name, "birth_date": _day(draw)})
            together.add(pair)
    contacts = pd.DataFrame(rows)
    order = draw.permutation(len(contacts))
    return Town(contacts.iloc[order].reset_index(drop=True), same, moved, together)


def _day(draw: np.random.Generator) -> dt.date:
    return dt.date(1940, 1, 1) + dt.timedelta(days=int(draw.integers(0, 24000)))


def _differently(person: dict, way: int) -> dict:
    """Write a person down once more: swapped, mistyped or moved."""
    first, last = person["first_name"], person["last_name"]
    code, born = person["postcode"], person["birth_date"]
    return (
        {"first_name": last, "last_name": first},
        {"birth_date": born + dt.timedelta(days=1 if born.day % 10 < 9 else -1)},
        {"postcode": code[:3] + code[4] + code[3], "last_name": last.upper()},
        {"last_name": last[:-1] + "x", "street_address": None},
        {"birth_date": None, "street_address": person["street_address"].lower()},
        {"street_address": "Neue Gasse 1", "city": "Anderswo", "postcode": "01234"},
    )[way]
