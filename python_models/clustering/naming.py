"""Working names: what sets a cluster apart from everyone, in a few words.

A name is a description of this month's centroid, not an identity: it may change while
the cluster's number stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from python_models.clustering import columns as c
from python_models.clustering.config import LOG1P
from python_models.clustering.preprocessing import ModelFeature, standardize

EVERYONE: Final = "all customers"
TYPICAL: Final = "typical customers"

# Half a standard deviation, Cohen's "medium" effect, is worth a word.
_LEAST_STRENGTH: Final = 0.5
_N_TRAITS: Final = 2


@dataclass(frozen=True)
class Trait:
    """One row of the rule table.

    Attributes
    ----------
    feature : str
        Column of `customer_features`.
    topic : str
        A name has one trait per topic before it has two.
    high, low : str
        The word for more, and for less, than everyone's mean.
    least : str, optional
        A plainer word for less, true only when the typical value, in the feature's own
        unit, is at most `least_below`.
    least_below : float
        See `least`.
    """

    feature: str
    topic: str
    high: str
    low: str
    least: str = ""
    least_below: float = -np.inf


# In the order in which a name lists its traits.
TRAITS: Final = (
    Trait(c.TENURE_DAYS, "tenure", "long-standing", "newer"),
    Trait(c.RECENCY_DAYS, "recency", "lapsed", "recent"),
    Trait(c.N_ORDERS, "orders", "frequent", "infrequent", "one-time", 1.2),
    Trait(c.MONETARY_AMOUNT, "money", "big spenders", "low spend"),
    Trait(c.AVERAGE_ORDER_AMOUNT, "money", "large orders", "small orders"),
    Trait(c.UNITS_PER_ORDER, "basket", "bulk buyers", "few items"),
    Trait(c.N_CATEGORIES, "range", "wide range", "narrow range"),
    Trait(
        c.DISCOUNT_RATE,
        "discount",
        "discount-driven",
        "less discounted",
        "full price",
        0.02,
    ),
    Trait(c.REFUND_RATE, "refund", "many refunds", "few refunds", "no refunds", 0.005),
    Trait(c.MOBILE_ORDER_RATE, "device", "mobile", "less mobile", "not mobile", 0.02),
    Trait(
        c.N_SESSIONS,
        "visits",
        "many visits",
        "few visits",
        "no visits",
        0.1,
    ),
    Trait(
        c.N_PRODUCT_VIEWS,
        "visits",
        "browser-heavy",
        "little browsing",
        "no browsing",
        0.1,
    ),
)


_RANKS: Final = {trait.feature: rank for rank, trait in enumerate(TRAITS)}


@dataclass(frozen=True)
class _Word:
    text: str
    topic: str
    strength: float
    rank: int


def name_clusters(
    centroids: NDArray[np.float64],
    axes: Sequence[ModelFeature],
    numbers: Sequence[int],
) -> list[str]:
    """Name clusters by their strongest traits.

    A name has the two strongest traits, of different topics, that are at least half a
    standard deviation from everyone's mean. Where names collide, each takes its next
    strongest trait, of any strength, that those of the same name don't all share, until
    all differ; clusters that no trait tells apart get their number. A feature outside
    the rule table is "high" or "low".

    Parameters
    ----------
    centroids : numpy.ndarray, shape (clusters, axes)
        In scaled units.
    axes : sequence of ModelFeature
        The features of the coordinates.
    numbers : sequence of int
        Cluster numbers, the last resort.

    Returns
    -------
    list of str
        One name per cluster, all different.
    """
    if len(centroids) == 1:
        return [EVERYONE]
    ranked = [_rank_words(centroid, axes) for centroid in standardize(centroids, axes)]
    chosen = [
        [word for word in words[:_N_TRAITS] if word.strength >= _LEAST_STRENGTH]
        for words in ranked
    ]
    while True:
        names = [_join(words) for words in chosen]
        groups: dict[str, list[int]] = {}
        for i, name in enumerate(names):
            groups.setdefault(name, []).append(i)
        colliding = [group for group in groups.values() if len(group) > 1]
        grew = [_tell_apart(group, ranked, chosen) for group in colliding]
        if not any(grew):
            break
    for i in (i for group in colliding for i in group):
        names[i] = f"{names[i]} ({numbers[i]})"
    return names


def _tell_apart(
    group: Sequence[int],
    ranked: Sequence[Sequence[_Word]],
    chosen: Sequence[list[_Word]],
) -> bool:
    """Add to each of a group its next strongest trait that not all of them share."""
    shared = set.intersection(*({word.text for word in ranked[i]} for i in group))
    grew = False
    for i in group:
        for word in ranked[i]:
            # What a name already says, all who bear it share.
            if word.text not in shared:
                chosen[i].append(word)
                grew = True
                break
    return grew


def _rank_words(
    centroid: NDArray[np.float64],
    axes: Sequence[ModelFeature],
) -> list[_Word]:
    """Sort traits: one per topic first, each part by strength."""
    words = sorted(
        (_word(axis, float(value)) for axis, value in zip(axes, centroid, strict=True)),
        key=lambda word: (-word.strength, word.rank),
    )
    seen: set[str] = set()
    first: list[_Word] = []
    further: list[_Word] = []
    for word in words:
        (further if word.topic in seen else first).append(word)
        seen.add(word.topic)
    strong = [word for word in first if word.strength >= _LEAST_STRENGTH]
    weak = [word for word in first if word.strength < _LEAST_STRENGTH]
    return strong + sorted(weak + further, key=lambda word: (-word.strength, word.rank))


def _word(axis: ModelFeature, value: float) -> _Word:
    if axis.name in _RANKS:
        rank = _RANKS[axis.name]
        trait = TRAITS[rank]
    else:
        plain = axis.name.removeprefix("n_").replace("_", " ")
        rank = len(TRAITS)
        trait = Trait(axis.name, axis.name, f"high {plain}", f"low {plain}")
    typical = value * axis.standard_deviation + axis.mean
    if axis.transform == LOG1P:
        typical = float(np.expm1(typical))
    text = trait.high if value > 0 else trait.low
    if value <= 0 and typical <= trait.least_below:
        text = trait.least
    return _Word(text=text, topic=trait.topic, strength=abs(value), rank=rank)


def _join(words: Sequence[_Word]) -> str:
    if not words:
        return TYPICAL
    return ", ".join(
        word.text for word in sorted(words, key=lambda word: (word.rank, word.text))
    )
