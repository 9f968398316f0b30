"""Days on which one kind of event all but stopped, or came several times as often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from demo.storefront.parameters import AS_OF_DATE, Parameters
from demo.storefront.segment_events import EVENT_NAMES
from demo.storefront.simulation import EventKind, Events, Truth, to_local
from demo.storefront.texts import DAY_MS

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

LEFT_SHARE = 0.05
N_TIMES = 6


@dataclass(frozen=True)
class Anomaly:
    """A planted anomaly; `days_before` counts from the as-of date, in a year."""

    source: str
    kind: EventKind
    days_before: int
    is_spike: bool

    @property
    def event_name(self) -> str:
        """The event's name in Segment's words, which GA4's are mapped to."""
        return EVENT_NAMES[self.kind]

    def day(self, parameters: Parameters) -> date:
        """Return the local date: the same weekday in a shorter or longer period."""
        days = self.days_before * parameters.n_days // 365
        return AS_OF_DATE - timedelta(days // 7 * 7 + self.days_before % 7)


ANOMALIES = (
    Anomaly("segment", EventKind.PRODUCT_VIEWED, 107, is_spike=False),
    Anomaly("segment", EventKind.PRODUCT_LIST_VIEWED, 79, is_spike=True),
    Anomaly("ga4", EventKind.PRODUCT_VIEWED, 92, is_spike=True),
)


def plant_anomalies(
    seed: np.random.SeedSequence, truth: Truth, parameters: Parameters
) -> tuple[Events, list[tuple[Anomaly, int, int]]]:
    """Plant the anomalies: events that were never sent, and events sent repeatedly.

    Returns
    -------
    events : Events
        In the order of visits and times, as before.
    planted : list of tuple
        Each anomaly, how many events it would have had and how many it has.
    """
    rng = np.random.default_rng(seed)
    events = truth.events
    day = to_local(events.occurred_at) // DAY_MS
    in_app = truth.devices.is_app[truth.visits.device[events.visit]]
    n_copies = np.ones(len(events.visit), dtype=np.int64)
    planted = []
    for anomaly in ANOMALIES if parameters.has_anomalies else ():
        date_number = int(np.datetime64(anomaly.day(parameters), "D").astype(np.int64))
        is_hit = (day == date_number) & (events.kind == anomaly.kind)
        is_hit &= in_app == (anomaly.source == "ga4")
        hit = np.flatnonzero(is_hit)
        if anomaly.is_spike:
            n_copies[hit] = N_TIMES
        else:
            n_copies[hit] = rng.random(len(hit)) < LEFT_SHARE
        planted.append((anomaly, len(hit), int(n_copies[hit].sum())))
    index = np.repeat(np.arange(len(n_copies)), n_copies)
    starts = np.cumsum(n_copies) - n_copies
    number = np.arange(len(index)) - starts[index]
    changed = Events(
        visit=events.visit[index],
        kind=events.kind[index],
        product=events.product[index],
        occurred_at=events.occurred_at[index] + number * 150,
        is_known=events.is_known[index],
    )
    return changed, planted
