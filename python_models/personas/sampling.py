"""Which customers the forest learns from, and by whom it is judged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models.personas.config import PersonaConfig


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of customers, without overlap.

    Attributes
    ----------
    trained, held_out : numpy.ndarray of int
        Positions in the order of the labels, ascending.
    """

    trained: NDArray[np.int64]
    held_out: NDArray[np.int64]


def split_customers(labels: NDArray[np.int64], *, config: PersonaConfig) -> Split:
    """Draw a stratified sample and part it.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (customers,)
        Each customer's cluster. Who is drawn depends on the order of customers, which
        the caller makes that of their ids.
    config : PersonaConfig
        Sizes, and the seed.

    Returns
    -------
    Split
        Of each cluster `held_out_rate` of its sample, rounded, is held out, but never
        its only customer. A sample has `sample_size` customers, and more by what small
        clusters give beyond their share (up to `min_sampled` of each).
    """
    generator = np.random.default_rng(config.random_state)
    trained: list[NDArray[np.int64]] = []
    held_out: list[NDArray[np.int64]] = []
    rate = min(1.0, config.sample_size / max(1, len(labels)))
    for number in np.unique(labels):
        members = np.flatnonzero(labels == number)
        wanted = max(round(rate * len(members)), config.min_sampled)
        drawn = generator.permutation(members)[:wanted]
        n_held_out = min(round(config.held_out_rate * len(drawn)), len(drawn) - 1)
        held_out.append(drawn[:n_held_out])
        trained.append(drawn[n_held_out:])
    empty = np.empty(0, dtype=np.int64)
    return Split(
        trained=np.sort(np.concatenate([empty, *trained])),
        held_out=np.sort(np.concatenate([empty, *held_out])),
    )
