"""What a user may choose about record linkage, with defaults that are argued for."""

from dataclasses import dataclass
from typing import Final

from python_models.record_linkage import columns as c

BLOCKING_COLUMNS: Final = frozenset(
    {
        c.FIRST_NAME,
        c.LAST_NAME,
        c.NAMES,
        c.INITIAL,
        c.BIRTH_DATE,
        c.STREET,
        c.POSTCODE,
        c.CITY,
        c.EMAIL,
        c.PHONE,
    }
)
COMPARISONS: Final = (
    c.NAMES,
    c.BIRTH_DATE,
    c.ADDRESS,
    c.GENDER,
    c.EMAIL,
    c.PHONE,
)

# Each forgives what the others ask for: whoever differs in the birth date agrees in the
# names or the street, and two names in the wrong order are one set of names.
DEFAULT_BLOCKING_RULES: Final = (
    (c.BIRTH_DATE,),
    (c.NAMES,),
    (c.STREET,),
    (c.POSTCODE, c.LAST_NAME),
    (c.POSTCODE, c.FIRST_NAME),
    (c.POSTCODE, c.CITY, c.INITIAL),
)


@dataclass(frozen=True)
class LinkageConfig:
    """How to link. Every field is part of the model's version.

    Parameters
    ----------
    comparisons : tuple of str
        What is compared: of `names`, `birth_date`, `address`, `gender`, `email` and
        `phone`. The last two are off, since contacts that share one are linked without
        any model.
    blocking_rules : tuple of tuple of str
        A pair is scored if it agrees in all columns of one of these: `first_name`,
        `last_name`, `names` (both, in any order), `initial` (of the last name),
        `birth_date`, `street`, `postcode`, `city`, `email`, `phone`.
    max_block_size : int
        What more contacts than these have in common, like a birth date that a form
        puts in by itself, brings no pairs.
    threshold : float
        Least match probability of a link, above 0 and at most 1.
    min_probability : float
        Pairs below it are left out of the result; 0 keeps all.
    prior : float, optional
        Probability that two contacts drawn at random are one person. Without it, twice
        agreeing pairs (names and birth date, birth date and street, names and street)
        are counted and taken for the share `prior_recall` of all matches.
    prior_recall : float
        See `prior`.
    keep_households_apart : bool
        Whether a link needs a first name or a birth date in common besides its
        probability. People who live together share the address and the last name, and
        no weight of these makes them one person.
    max_sample_pairs : int
        Pairs drawn to learn how often strangers agree.
    min_level_probability : float
        What a match is at least as likely to do, say to have moved house, however few
        matches there are to learn it from.
    random_state : int
        Seed of the draw.

    Raises
    ------
    ValueError
        For a value out of range, an unknown comparison or an unknown column.
    """

    comparisons: tuple[str, ...] = (c.NAMES, c.BIRTH_DATE, c.ADDRESS, c.GENDER)
    blocking_rules: tuple[tuple[str, ...], ...] = DEFAULT_BLOCKING_RULES
    max_block_size: int = 500
    threshold: float = 0.95
    min_probability: float = 0.0
    prior: float | None = None
    prior_recall: float = 0.8
    keep_households_apart: bool = True
    max_sample_pairs: int = 2_000_000
    min_level_probability: float = 0.005
    random_state: int = 7

    def __post_init__(self) -> None:
        """Check the values."""
        # Written so that NaN fails too.
        checks = {
            "max_block_size must be at least 2": self.max_block_size >= 2,  # noqa: PLR2004
            "threshold must be above 0 and at most 1": 0 < self.threshold <= 1,
            "min_probability must be from 0 to the threshold": (
                0 <= self.min_probability <= self.threshold
            ),
            "prior must be between 0 and 1": self.prior is None or 0 < self.prior < 1,
            "prior_recall must be above 0 and at most 1": 0 < self.prior_recall <= 1,
            "max_sample_pairs must be at least 1": self.max_sample_pairs >= 1,
            "min_level_probability must be above 0 and below 0.05": (
                0 < self.min_level_probability < 0.05  # noqa: PLR2004
            ),
        }
        for message, holds in checks.items():
            if not holds:
                raise ValueError(message)
        _check_names("comparisons", self.comparisons, COMPARISONS)
        if c.NAMES not in self.comparisons or c.BIRTH_DATE not in self.comparisons:
            message = "comparisons must hold names and birth_date: they are the person"
            raise ValueError(message)
        if not self.blocking_rules:
            message = "blocking_rules is empty; name at least one"
            raise ValueError(message)
        for rule in self.blocking_rules:
            _check_names("blocking_rules", rule, tuple(sorted(BLOCKING_COLUMNS)))


def _check_names(field: str, names: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    unknown = sorted(set(names) - set(allowed))
    if unknown or not names or len(set(names)) < len(names):
        message = (
            f"{field}: {', '.join(unknown) or repr(names)} won't do; "
            f"allowed, each once: {', '.join(allowed)}"
        )
        raise ValueError(message)
