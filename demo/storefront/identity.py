"""Which identifiers the landed records show to be one person's: the rule, alone.

Identifiers in one record are linked. Strong ones (user id, e-mail address, number, ids
of the order system and of the CRM) link across records; a device joins the one part
that it was seen with, and none if it was seen with two: a kiosk or a family's computer
stands alone, and two accounts are one only over a strong identifier that they share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

NONE = -1


@dataclass
class Evidence:
    """Identifiers seen together in records that landed and aren't rejected.

    Identifiers are numbers below `n_identifiers`; those below `n_devices` are devices.
    """

    n_identifiers: int
    n_devices: int
    _seen: list[Integers] = field(default_factory=list)
    _pairs: list[Integers] = field(default_factory=list)

    def add(self, *columns: Integers) -> None:
        """Add records: one array for each place of an identifier, -1 for none."""
        rows = np.unique(np.column_stack(columns), axis=0)
        self._seen.append(np.unique(rows[rows != NONE]))
        for first in range(len(columns)):
            for second in range(first + 1, len(columns)):
                pair = rows[:, [first, second]]
                pair = pair[(pair != NONE).all(axis=1)]
                self._pairs.append(np.unique(np.sort(pair, axis=1), axis=0))

    def seen(self) -> Integers:
        """Return the identifiers that landed, in order."""
        return np.unique(np.concatenate(self._seen))

    def parts(self) -> Integers:
        """Return for each identifier the smallest one of its part.

        Returns
        -------
        numpy.ndarray of int, (n_identifiers,)
        """
        pairs = np.concatenate([pair.reshape(-1, 2) for pair in self._pairs])
        is_device = pairs < self.n_devices
        strong = pairs[~is_device.any(axis=1)]
        graph = coo_array(
            (np.ones(len(strong), dtype=np.int8), (strong[:, 0], strong[:, 1])),
            shape=(self.n_identifiers, self.n_identifiers),
        )
        _, label = connected_components(graph, directed=False)
        # A sorted pair has its device first; two devices are never in one record.
        mixed = pairs[is_device[:, 0] & ~is_device[:, 1]]
        met = np.unique(np.column_stack([mixed[:, 0], label[mixed[:, 1]]]), axis=0)
        device, index, count = np.unique(
            met[:, 0], return_index=True, return_counts=True
        )
        single = count == 1
        label = label.astype(np.int64)
        label[device[single]] = met[index[single], 1]
        _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
        return np.asarray(first[inverse], dtype=np.int64)
