"""What two contacts may have in common, from most to least, as splink is told it.

The levels of a comparison are tried in order and the first that holds counts. The
probabilities are where learning starts, and what holds where there is nothing to learn
from: guesses of how often one person's two records look so.

Parts of one fact are one comparison. Splink adds the weights of comparisons as if they
were independent; street, postcode and city aren't, and counted one by one an address
would outweigh everything that tells two people of a household apart.
"""

from dataclasses import dataclass
from typing import Any, Final

from python_models.record_linkage import columns as c

_NAME_SIMILARITY: Final = 0.88
_CITY_SIMILARITY: Final = 0.88


@dataclass(frozen=True)
class Level:
    """One thing that a comparison may find.

    Parameters
    ----------
    name : str
        What is said of a pair.
    condition : str
        SQL over the two sides' columns, `<column>_l` and `<column>_r`.
    probability : float
        Guess of its share among pairs that are one person.
    frequencies_of : str
        Column whose value's own frequency counts instead of the average one: two
        people called Smith are less remarkable than two called Featherstonehaugh.
    """

    name: str
    condition: str
    probability: float
    frequencies_of: str | None = None


def _same(column: str) -> str:
    return f'"{column}_l" = "{column}_r"'


def _alike(left: str, right: str, similarity: float) -> str:
    return f'jaro_winkler_similarity("{left}_l", "{right}_r") >= {similarity}'


def _without(*columns: str) -> str:
    """Hold where no column is there on both sides."""
    return " and ".join(
        f'("{column}_l" is null or "{column}_r" is null)' for column in columns
    )


def _share_of_street(share: float) -> str:
    left, right = f"{c.STREET_PIECES}_l", f"{c.STREET_PIECES}_r"
    common = f'len(list_intersect("{left}", "{right}"))'
    return f'{common} >= {share} * least(len("{left}"), len("{right}"))'


_BOTH_NAMES_ALIKE: Final = " or ".join(
    f"({_alike(c.FIRST_NAME, first, _NAME_SIMILARITY)}"
    f" and {_alike(c.LAST_NAME, last, _NAME_SIMILARITY)})"
    for first, last in ((c.FIRST_NAME, c.LAST_NAME), (c.LAST_NAME, c.FIRST_NAME))
)
_IN_AREA: Final = f"({_same(c.POSTCODE)} or {_same(c.CITY)})"

LEVELS: Final[dict[str, tuple[Level, ...]]] = {
    c.NAMES: (
        Level(c.MISSING, _without(c.FIRST_NAME, c.LAST_NAME), 0),
        Level(c.SAME, _same(c.FULL_NAME), 0.6, c.FULL_NAME),
        Level(
            c.SWAPPED,
            f'"{c.FIRST_NAME}_l" = "{c.LAST_NAME}_r"'
            f' and "{c.LAST_NAME}_l" = "{c.FIRST_NAME}_r"',
            0.03,
        ),
        Level(c.SIMILAR, _BOTH_NAMES_ALIKE, 0.2),
        Level(c.SAME_FIRST_NAME, _same(c.FIRST_NAME), 0.06, c.FIRST_NAME),
        Level(
            c.SIMILAR_FIRST_NAME,
            _alike(c.FIRST_NAME, c.FIRST_NAME, _NAME_SIMILARITY),
            0.02,
        ),
        Level(c.SAME_LAST_NAME, _same(c.LAST_NAME), 0.06, c.LAST_NAME),
        Level(c.DIFFERENT, "ELSE", 0.03),
    ),
    c.BIRTH_DATE: (
        Level(c.MISSING, _without(c.BIRTH_DATE), 0),
        Level(c.SAME, _same(c.BIRTH_DATE), 0.9, c.BIRTH_DATE),
        Level(
            c.ONE_TYPO,
            f'damerau_levenshtein("{c.BIRTH_DATE}_l", "{c.BIRTH_DATE}_r") <= 1'
            f' or "{c.BIRTH_DATE}_l" = "{c.BIRTH_DATE_TURNED}_r"',
            0.05,
        ),
        Level(c.DIFFERENT, "ELSE", 0.05),
    ),
    c.ADDRESS: (
        Level(c.MISSING, _without(c.STREET, c.POSTCODE, c.CITY), 0),
        Level(c.OTHER_COUNTRY, f'"{c.COUNTRY}_l" <> "{c.COUNTRY}_r"', 0.02),
        Level(c.SAME, _same(c.HOME), 0.4),
        Level(c.SIMILAR_STREET_IN_AREA, f"{_IN_AREA} and {_share_of_street(0.8)}", 0.3),
        Level(c.SIMILAR_STREET, _share_of_street(0.8), 0.04),
        Level(
            c.PART_OF_STREET_IN_AREA, f"{_IN_AREA} and {_share_of_street(0.5)}", 0.06
        ),
        Level(
            c.SIMILAR_AREA,
            f'damerau_levenshtein("{c.POSTCODE}_l", "{c.POSTCODE}_r") <= 1'
            f" and {_alike(c.CITY, c.CITY, _CITY_SIMILARITY)}",
            0.06,
        ),
        Level(c.SAME_AREA, _IN_AREA, 0.02),
        Level(c.DIFFERENT, "ELSE", 0.1),
    ),
    c.GENDER: (
        Level(c.MISSING, _without(c.GENDER), 0),
        Level(c.SAME, _same(c.GENDER), 0.97),
        Level(c.DIFFERENT, "ELSE", 0.03),
    ),
    c.EMAIL: (
        Level(c.MISSING, _without(c.EMAIL), 0),
        Level(c.SAME, _same(c.EMAIL), 0.6, c.EMAIL),
        Level(
            c.ONE_TYPO, f'damerau_levenshtein("{c.EMAIL}_l", "{c.EMAIL}_r") <= 1', 0.1
        ),
        Level(c.DIFFERENT, "ELSE", 0.3),
    ),
    c.PHONE: (
        Level(c.MISSING, _without(c.PHONE), 0),
        Level(c.SAME, _same(c.PHONE), 0.6, c.PHONE),
        Level(
            c.ONE_TYPO, f'damerau_levenshtein("{c.PHONE}_l", "{c.PHONE}_r") <= 1', 0.1
        ),
        Level(c.DIFFERENT, "ELSE", 0.3),
    ),
}


def comparison_settings(comparison: str) -> dict[str, Any]:
    """Write a comparison as splink's settings have it.

    Parameters
    ----------
    comparison : str
        A key of `LEVELS`.

    Returns
    -------
    dict
        With the levels in order; the first stands for missing values.
    """
    levels: list[dict[str, Any]] = []
    for level in LEVELS[comparison]:
        settings: dict[str, Any] = {
            "sql_condition": level.condition,
            "label_for_charts": level.name,
        }
        if level.name == c.MISSING:
            settings["is_null_level"] = True
        else:
            settings["m_probability"] = level.probability
        if level.frequencies_of:
            settings["tf_adjustment_column"] = level.frequencies_of
        levels.append(settings)
    return {"output_column_name": comparison, "comparison_levels": levels}


def level_names(comparison: str) -> dict[int, str]:
    """Name the numbers by which splink reports the levels of a comparison.

    Parameters
    ----------
    comparison : str
        A key of `LEVELS`.

    Returns
    -------
    dict
        Minus one for missing values, else counting down to 0 for the last level.
    """
    names = [level.name for level in LEVELS[comparison]]
    return dict(zip((-1, *reversed(range(len(names) - 1))), names, strict=True))
