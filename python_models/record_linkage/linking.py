"""Link: learn how one person's records differ, weigh every likely pair, decide.

The model is that of Fellegi, I. P. and Sunter, A. B. (1969), A theory for record
linkage, Journal of the American Statistical Association 64(328), its probabilities
learnt without labels by expectation maximisation, as splink has it (Linacre, R. et al.,
2022, Splink: free software for probabilistic record linkage at scale, International
Journal of Population Data Science 7(3)). Splink works in a DuckDB database of its own,
in memory, that may fetch no extension.
"""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final

import pandas as pd
from splink import DuckDBAPI, Linker, block_on

from python_models.record_linkage import columns as c
from python_models.record_linkage.comparisons import comparison_settings, level_names
from python_models.record_linkage.config import LinkageConfig
from python_models.record_linkage.preparation import block_keys, prepare_contacts

CODE_VERSION: Final = "1.0.0"
"""Version of the technique: raise it when the same input may give other scores."""

# Pairs that agree in one of these learn how often the rest agrees. A comparison isn't
# learnt from pairs that were picked by it, so each is left out by one of them.
_TRAINING_COLUMNS: Final = (c.BIRTH_DATE, c.FULL_NAME)
# Pairs that agree in one of these are counted for the prior.
_SURE_RULES: Final = (
    (c.NAMES, c.BIRTH_DATE),
    (c.BIRTH_DATE, c.STREET),
    (c.NAMES, c.STREET),
)
_MAX_TRAINING_PAIRS: Final = 1_000_000
_SCORED: Final = (
    f"{c.CONTACT_ID}_l",
    f"{c.CONTACT_ID}_r",
    c.MATCH_PROBABILITY,
    c.MATCH_WEIGHT,
)
_FIRST_NAME_AGREES: Final = frozenset(
    {c.SAME, c.SWAPPED, c.SIMILAR, c.SAME_FIRST_NAME, c.SIMILAR_FIRST_NAME}
)
_BIRTH_DATE_AGREES: Final = frozenset({c.SAME, c.ONE_TYPO})


@dataclass(frozen=True)
class Linkage:
    """Every scored pair, and the model that scored it.

    Attributes
    ----------
    pairs : pandas.DataFrame, shape (pairs, 5 + comparisons)
        `contact_id_left` (the lesser of two texts), `contact_id_right`,
        `match_probability` (0 to 1), `match_weight` (its log odds, base 2), `is_link`
        and what each comparison found, ordered by the ids.
    n_contacts : int
        Contacts that were compared.
    prior : float
        Probability that two contacts drawn at random are one person.
    model_version : str
        Hash of the code's and splink's versions, the configuration and all that was
        learnt: equal scores of one version mean the same.
    """

    pairs: pd.DataFrame
    n_contacts: int
    prior: float
    model_version: str


def link_contacts(contacts: pd.DataFrame, *, config: LinkageConfig) -> Linkage:
    """Score all pairs of contacts that have something in common.

    Parameters
    ----------
    contacts : pandas.DataFrame, shape (contacts, columns)
        `contact_id` (one row each, in any order) and any of `first_name`, `last_name`,
        `birth_date` (a date), `gender`, `street_address`, `postcode`, `city`,
        `country`, `email`, `phone`. An absent column counts as empty.
    config : LinkageConfig
        What to compare and when to link.

    Returns
    -------
    Linkage
        A pure function of the arguments.

    Raises
    ------
    ValueError
        For contacts that fail the checks of `prepare_contacts`.
    """
    prepared = prepare_contacts(contacts, config)
    keys = block_keys(prepared, config)
    blocks = {f"block_{number}": key for number, key in enumerate(keys)}
    if not any(key.duplicated(keep=False)[key.notna()].any() for key in keys):
        # Nobody has anything in common with anybody: no pair, and nothing to learn.
        nothing = dict.fromkeys(_SCORED, pd.Series(dtype=float))
        return _linkage(pd.DataFrame(nothing), len(prepared), config, learnt={})
    settings: dict[str, Any] = {
        "link_type": "dedupe_only",
        "unique_id_column_name": c.CONTACT_ID,
        "comparisons": [comparison_settings(name) for name in config.comparisons],
        "blocking_rules_to_generate_predictions": [block_on(name) for name in blocks],
        # Splink reports levels only together with the values they come from.
        "retain_matching_columns": True,
        "linker_uid": "contacts",
    }
    with _quiet():
        database = _open_database()
        try:
            table = database.register(prepared.assign(**blocks))
            learnt = _learn(
                Linker(table, settings, log_level=None), database, prepared, config
            )
            n_pairs = len(prepared) * (len(prepared) - 1) // 2
            _settle(learnt, config, n_pairs=n_pairs)
            linker = Linker(table, learnt, log_level=None)
            predicted = linker.inference.predict(warning_mode="never")
            # Without the names and addresses, which would take ten times the memory.
            scored = (
                database.duckdb_con.table(predicted.physical_name)
                .select(*_SCORED, *(f"gamma_{name}" for name in config.comparisons))
                .to_df()
            )
        finally:
            database.duckdb_con.close()
    return _linkage(scored, len(prepared), config, learnt=learnt)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep splink's advice on modelling out of the logs, which are the user's."""
    logger = logging.getLogger("splink")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _open_database() -> DuckDBAPI:
    """Open splink's database in memory, where nothing from outside can come in."""
    database = DuckDBAPI()
    for setting in (
        "autoinstall_known_extensions",
        "autoload_known_extensions",
        "enable_external_access",
    ):
        database.duckdb_con.execute(f"set {setting} = false")
    return database


def _learn(
    linker: Linker, database: DuckDBAPI, prepared: pd.DataFrame, config: LinkageConfig
) -> dict[str, Any]:
    """Learn from the contacts how often strangers agree, and one person's records.

    Returns
    -------
    dict
        Splink's settings with what was learnt; a comparison without anything to learn
        from keeps the probabilities that it started with.
    """
    training = linker.training
    # All that may be sure pairs, so that their number is what splink reports.
    training.estimate_probability_two_random_records_match(
        [block_on(*rule) for rule in _SURE_RULES], recall=1.0
    )
    training.estimate_u_using_random_sampling(
        max_pairs=config.max_sample_pairs, seed=config.random_state
    )
    # Counts are the same in any order, but probabilities that are summed aren't.
    database.duckdb_con.execute("set threads = 1")
    for column in _TRAINING_COLUMNS:
        # Where nobody agrees, splink would fail and forget what it compares.
        if prepared[column].dropna().duplicated().any():
            training.estimate_parameters_using_expectation_maximisation(
                block_on(column),
                estimate_without_term_frequencies=True,
                max_pairs=_MAX_TRAINING_PAIRS,
                record_sample_proportion=1.0,
            )
    database.duckdb_con.execute("reset threads")
    learnt: dict[str, Any] = linker.misc.save_model_to_json()
    return learnt


def _settle(learnt: dict[str, Any], config: LinkageConfig, *, n_pairs: int) -> None:
    """Fill in what the contacts couldn't teach, so that no level is impossible.

    A sample of all pairs holds matches too. With p for the prior, m and u for a level's
    probability among matches and among strangers, its share is p m + (1 - p) u, which
    gives u.
    """
    prior = config.prior
    if prior is None:
        sure = learnt["probability_two_random_records_match"]
        # At least one pair is expected, and no more than every other one.
        prior = min(max(sure / config.prior_recall, 1 / n_pairs), 0.5)
    learnt["probability_two_random_records_match"] = prior
    for comparison in learnt["comparisons"]:
        levels = [
            level
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        ]
        agreed = _shares(
            [level.get("m_probability") for level in levels],
            least=config.min_level_probability,
        )
        strangers = _shares(
            [
                (level.get("u_probability", 0.0) - prior * share) / (1 - prior)
                for level, share in zip(levels, agreed, strict=True)
            ],
            least=1 / (min(n_pairs, config.max_sample_pairs) + 1),
        )
        for level, m, u in zip(levels, agreed, strangers, strict=True):
            level["m_probability"] = m
            level["u_probability"] = u


def _shares(values: list[float | None], *, least: float) -> list[float]:
    raised = [max(value or 0.0, least) for value in values]
    total = sum(raised)
    return [value / total for value in raised]


def _linkage(
    scored: pd.DataFrame,
    n_contacts: int,
    config: LinkageConfig,
    *,
    learnt: dict[str, Any],
) -> Linkage:
    """Name what was found for each pair, and decide."""
    left, right = scored[f"{c.CONTACT_ID}_l"], scored[f"{c.CONTACT_ID}_r"]
    pairs = pd.DataFrame(
        {
            c.CONTACT_ID_LEFT: left.where(left < right, right),
            c.CONTACT_ID_RIGHT: right.where(left < right, left),
            c.MATCH_PROBABILITY: scored[c.MATCH_PROBABILITY],
            c.MATCH_WEIGHT: scored[c.MATCH_WEIGHT],
        }
    )
    for name in config.comparisons:
        found = scored.get(f"gamma_{name}", pd.Series(dtype=int))
        pairs[c.level_column(name)] = found.map(level_names(name)).astype("str")
    linked = pairs[c.MATCH_PROBABILITY] >= config.threshold
    if config.keep_households_apart:
        linked &= pairs[c.level_column(c.NAMES)].isin(_FIRST_NAME_AGREES) | pairs[
            c.level_column(c.BIRTH_DATE)
        ].isin(_BIRTH_DATE_AGREES)
    pairs.insert(len(_SCORED), c.IS_LINK, linked)
    kept = pairs[pairs[c.MATCH_PROBABILITY] >= config.min_probability]
    return Linkage(
        pairs=kept.astype(dict(c.PAIR_DTYPES)).sort_values(
            [c.CONTACT_ID_LEFT, c.CONTACT_ID_RIGHT], ignore_index=True
        ),
        n_contacts=n_contacts,
        prior=learnt.get("probability_two_random_records_match", 0.0),
        model_version=_model_version(config, learnt),
    )


def _model_version(config: LinkageConfig, learnt: dict[str, Any]) -> str:
    described = json.dumps(
        [CODE_VERSION, version("splink"), asdict(config), learnt], sort_keys=True
    )
    return hashlib.sha256(described.encode()).hexdigest()[:16]
