"""Every column and level name that record linkage reads or writes, once.

The contract of the written table is the YAML of the `linkage` source; a test compares
it with `PAIR_DTYPES`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Read: one row per contact.
CONTACT_ID: Final = "contact_id"
FIRST_NAME: Final = "first_name"
LAST_NAME: Final = "last_name"
BIRTH_DATE: Final = "birth_date"
GENDER: Final = "gender"
STREET_ADDRESS: Final = "street_address"
POSTCODE: Final = "postcode"
CITY: Final = "city"
COUNTRY: Final = "country"
EMAIL: Final = "email"
PHONE: Final = "phone"

# Prepared: the columns above with spelling evened out, and these.
FULL_NAME: Final = "full_name"
NAMES: Final = "names"
INITIAL: Final = "initial"
BIRTH_DATE_TURNED: Final = "birth_date_turned"
HOME: Final = "home"
STREET: Final = "street"
STREET_PIECES: Final = "street_pieces"

# Compared: what the evidence is about.
ADDRESS: Final = "address"

# Written: one row per scored pair.
CONTACT_ID_LEFT: Final = "contact_id_left"
CONTACT_ID_RIGHT: Final = "contact_id_right"
MATCH_PROBABILITY: Final = "match_probability"
MATCH_WEIGHT: Final = "match_weight"
IS_LINK: Final = "is_link"

# What a comparison finds.
MISSING: Final = "missing"
SAME: Final = "same"
SWAPPED: Final = "swapped"
SIMILAR: Final = "similar"
SAME_FIRST_NAME: Final = "same first name"
SIMILAR_FIRST_NAME: Final = "similar first name"
SAME_LAST_NAME: Final = "same last name"
ONE_TYPO: Final = "one typo"
SIMILAR_STREET_IN_AREA: Final = "similar street in the same area"
SIMILAR_STREET: Final = "similar street"
PART_OF_STREET_IN_AREA: Final = "part of the street in the same area"
SIMILAR_AREA: Final = "similar area"
SAME_AREA: Final = "same area"
OTHER_COUNTRY: Final = "other country"
DIFFERENT: Final = "different"


def level_column(comparison: str) -> str:
    """Name the column that holds what a comparison found.

    Parameters
    ----------
    comparison : str
        `names`, `birth_date`, `address`, `gender`, `email` or `phone`.

    Returns
    -------
    str
        For instance `birth_date_level`.
    """
    return f"{comparison}_level"


# The columns of every result; levels of the configured comparisons follow them.
PAIR_DTYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        CONTACT_ID_LEFT: "str",
        CONTACT_ID_RIGHT: "str",
        MATCH_PROBABILITY: "float64",
        MATCH_WEIGHT: "float64",
        IS_LINK: "bool",
    }
)
