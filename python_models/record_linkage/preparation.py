"""Even out spelling that says nothing about the person, before anything is compared."""

import unicodedata
from typing import Final

import pandas as pd

from python_models.record_linkage import columns as c
from python_models.record_linkage.config import LinkageConfig

_READ: Final = {
    c.NAMES: (c.FIRST_NAME, c.LAST_NAME),
    c.BIRTH_DATE: (c.BIRTH_DATE,),
    c.ADDRESS: (c.STREET_ADDRESS, c.POSTCODE, c.CITY, c.COUNTRY),
    c.GENDER: (c.GENDER,),
    c.EMAIL: (c.EMAIL,),
    c.PHONE: (c.PHONE,),
}
_PIECE_LENGTH: Final = 3


def prepare_contacts(contacts: pd.DataFrame, config: LinkageConfig) -> pd.DataFrame:
    """Make the columns that comparisons and blocking rules look at.

    Names, streets, cities and postcodes keep their letters and digits only, in lower
    case and without accents: where somebody puts a space or a hyphen is chance. A
    column that isn't there counts as empty.

    Parameters
    ----------
    contacts : pandas.DataFrame, shape (contacts, columns)
        `contact_id` and what the configured comparisons read; `birth_date` holds
        dates. Rows in any order.
    config : LinkageConfig
        What is compared.

    Returns
    -------
    pandas.DataFrame
        Shape (contacts, prepared columns), by `contact_id`; missing values are None.

    Raises
    ------
    ValueError
        When `contact_id` is absent, empty or repeated, or a date can't be read, or
        none of the columns to compare is there.
    """
    ids = _checked_ids(contacts)
    wanted = {name for compared in config.comparisons for name in _READ[compared]}
    if not wanted & set(contacts.columns):
        message = f"contacts have none of the columns {', '.join(sorted(wanted))}"
        raise ValueError(message)
    plain = {
        name: _plain_texts(contacts, name if name in wanted else None)
        for names in _READ.values()
        for name in names
        if name != c.BIRTH_DATE
    }
    born = _birth_dates(contacts)
    first, last = plain[c.FIRST_NAME], plain[c.LAST_NAME]
    street, postcode = plain[c.STREET_ADDRESS], plain[c.POSTCODE]
    area = [code or city for code, city in zip(postcode, plain[c.CITY], strict=True)]
    prepared = {
        c.CONTACT_ID: ids,
        c.FIRST_NAME: first,
        c.LAST_NAME: last,
        c.FULL_NAME: [_joined(pair) for pair in zip(first, last, strict=True)],
        # A name in the wrong field is still that name.
        c.NAMES: [
            _joined(sorted(filter(None, pair)))
            for pair in zip(first, last, strict=True)
        ],
        c.INITIAL: [name[0] if name else None for name in last],
        c.BIRTH_DATE: [f"{day:%Y-%m-%d}" if day else None for day in born],
        c.BIRTH_DATE_TURNED: [f"{day:%Y-%d-%m}" if day else None for day in born],
        c.GENDER: plain[c.GENDER],
        c.STREET: street,
        # Lists of pieces bear words in another order, and spaces inside words.
        c.STREET_PIECES: [_pieces(text) if text else None for text in street],
        c.POSTCODE: postcode,
        c.CITY: plain[c.CITY],
        c.HOME: [_joined(pair) for pair in zip(street, area, strict=True)],
        c.COUNTRY: plain[c.COUNTRY],
        c.EMAIL: plain[c.EMAIL],
        c.PHONE: plain[c.PHONE],
    }
    frame = pd.DataFrame(
        {name: pd.Series(values, dtype=object) for name, values in prepared.items()}
    )
    # The result must not depend on the order in which contacts came.
    return frame.sort_values(c.CONTACT_ID, ignore_index=True)


def block_keys(prepared: pd.DataFrame, config: LinkageConfig) -> list[pd.Series]:
    """Give each contact its key under every blocking rule.

    Parameters
    ----------
    prepared : pandas.DataFrame, shape (contacts, prepared columns)
        As `prepare_contacts` makes it.
    config : LinkageConfig
        The rules, and how many contacts may share a key.

    Returns
    -------
    list of pandas.Series
        One of length (contacts,) per rule: a text, or None for a contact that lacks a
        column of the rule or whose key too many have.
    """
    keys = []
    for rule in config.blocking_rules:
        rows = zip(*(prepared[name] for name in rule), strict=True)
        key = pd.Series([_joined(row) for row in rows], dtype=object)
        sizes = key.map(key.value_counts())
        keys.append(key.where(sizes <= config.max_block_size, None))
    return keys


def _checked_ids(contacts: pd.DataFrame) -> list[str]:
    if c.CONTACT_ID not in contacts.columns:
        message = f"contacts have no column {c.CONTACT_ID}"
        raise ValueError(message)
    ids = contacts[c.CONTACT_ID]
    if ids.isna().any() or ids.duplicated().any():
        message = f"{c.CONTACT_ID} is empty or repeated in some rows"
        raise ValueError(message)
    return [str(value) for value in ids]


def _plain_texts(contacts: pd.DataFrame, name: str | None) -> list[str | None]:
    if name not in contacts.columns:
        return [None] * len(contacts)
    return [_plain(value) for value in contacts[name]]


def _plain(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = unicodedata.normalize("NFKD", value).casefold()
    return "".join(sign for sign in text if sign.isalnum()) or None


def _birth_dates(contacts: pd.DataFrame) -> list[pd.Timestamp | None]:
    if c.BIRTH_DATE not in contacts.columns:
        return [None] * len(contacts)
    days = pd.to_datetime(contacts[c.BIRTH_DATE])
    return [None if pd.isna(day) else day for day in days]


def _joined(parts: object) -> str | None:
    """Join texts, or give None where there is none or one is missing."""
    texts = list(parts)  # type: ignore[call-overload]
    return " ".join(texts) if texts and all(texts) else None


def _pieces(text: str) -> list[str]:
    last = max(len(text) - _PIECE_LENGTH, 0)
    return sorted({text[at : at + _PIECE_LENGTH] for at in range(last + 1)})
