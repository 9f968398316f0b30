"""What people agree to on each device, and which events may therefore not be used.

The rule of withholding is this module's alone: an event's own consent object decides;
without one, the latest earlier signal of the same device or the same user; without
any, the country. Only what isn't rejected gives a signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.storefront.parameters import COUNTRIES

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Booleans = npt.NDArray[np.bool_]

PURPOSES = ("analytics", "advertising", "personalization")
ANALYTICS = 0
# A state is 0 where nothing is known, else 1 plus a bit for each purpose granted.
UNKNOWN, ALL_DENIED = 0, 1
ALL_GRANTED = ALL_DENIED + sum(1 << purpose for purpose in range(len(PURPOSES)))
NO_ADVERTISING = ALL_GRANTED - 2
NO_PERSONALIZATION = ALL_GRANTED - 4
NEVER = -1
# First states and their shares, where people must opt in and where they may opt out.
FIRST_STATES = (UNKNOWN, ALL_DENIED, ALL_GRANTED, NO_ADVERTISING, NO_PERSONALIZATION)
OPT_IN_SHARES = (0.06, 0.08, 0.66, 0.12, 0.08)
OPT_OUT_SHARES = (0.3, 0.03, 0.57, 0.06, 0.04)
WITHDRAWN_SHARE = 0.04
# Events that lose the object on their way, though their device has one.
LOST_SHARE = 0.03


@dataclass(frozen=True)
class Consents:
    """Per device: the first state, since when, and when everything was withdrawn.

    `withdrawn_at` is -1 where that never happened; a device is asked at its first
    event.
    """

    state: Integers
    withdrawn_at: Integers

    def at(self, device: Integers, times: Integers) -> Integers:
        """Return the states of devices at times."""
        withdrawn_at = self.withdrawn_at[device]
        is_withdrawn = (withdrawn_at != NEVER) & (times >= withdrawn_at)
        return np.where(is_withdrawn, ALL_DENIED, self.state[device])


def is_opt_in(country: Integers) -> Booleans:
    """Return whether consent must be given first, for indices into `COUNTRIES`."""
    return np.array([each.is_opt_in for each in COUNTRIES])[country]


def draw_consents(
    seed: np.random.SeedSequence, country: Integers, period: tuple[int, int]
) -> Consents:
    """Draw what is agreed to on each device.

    Parameters
    ----------
    seed
        Where chance starts from.
    country
        Where each device is used, (n_devices,), an index into `COUNTRIES`.
    period
        First and last millisecond in which consent may be withdrawn.
    """
    rng = np.random.default_rng(seed)
    size = len(country)
    chance = rng.random(size)
    first, other = (
        np.searchsorted(np.cumsum(shares), chance).clip(max=len(FIRST_STATES) - 1)
        for shares in (OPT_IN_SHARES, OPT_OUT_SHARES)
    )
    state = np.array(FIRST_STATES)[np.where(is_opt_in(country), first, other)]
    withdrawn_at = rng.integers(*period, size)
    is_withdrawn = (state > ALL_DENIED) & (rng.random(size) < WITHDRAWN_SHARE)
    return Consents(state, np.where(is_withdrawn, withdrawn_at, NEVER))


def granted(state: Integers, purpose: int) -> Integers:
    """Return 1 where a state grants a purpose, 0 where it denies it, else -1."""
    return np.where(state == UNKNOWN, -1, (state - 1 >> purpose) & 1)


def _last_before(key: Integers, times: Integers, signal: Integers) -> Integers:
    """Return the row of the latest strictly earlier signal with the same key, or -1."""
    size = len(key)
    order = np.lexsort((times, key))
    sorted_key, sorted_time = key[order], times[order]
    positions = np.arange(size)
    is_new = np.ones(size, dtype=np.bool_)
    is_new[1:] = (sorted_key[1:] != sorted_key[:-1]) | (
        sorted_time[1:] != sorted_time[:-1]
    )
    has_signal = signal[order] >= 0
    last = np.maximum.accumulate(np.where(has_signal, positions, -1))
    # What came before the first row with this key and time.
    first = np.maximum.accumulate(np.where(is_new, positions, 0))
    earlier = np.where(first > 0, last[np.maximum(first - 1, 0)], -1)
    is_same = (earlier >= 0) & (sorted_key[earlier] == sorted_key) & (sorted_key >= 0)
    found = np.full(size, -1)
    found[order] = np.where(is_same, order[earlier], -1)
    return found


def is_withheld(
    analytics: Integers,
    device: Integers,
    account: Integers,
    times: Integers,
    country: Integers,
) -> Booleans:
    """Return which events may not be used.

    Parameters
    ----------
    analytics
        What each event itself says: 1 granted, 0 denied, -1 nothing, (n_events,).
    device, account
        Whose it is; -1 where the event names none.
    times
        When it occurred.
    country
        Where, an index into `COUNTRIES`.
    """
    by_device = _last_before(device, times, analytics)
    by_account = _last_before(account, times, analytics)
    device_time = np.where(by_device >= 0, times[by_device], np.iinfo(np.int64).min)
    account_time = np.where(by_account >= 0, times[by_account], np.iinfo(np.int64).min)
    latest = np.where(account_time > device_time, by_account, by_device)
    known = np.where(latest >= 0, analytics[latest], -1)
    said = np.where(analytics >= 0, analytics, known)
    return np.where(said >= 0, said == 0, is_opt_in(country))
