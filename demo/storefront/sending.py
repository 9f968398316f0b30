"""Which events are sent, spoiled and withheld, and which orders one side never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.storefront import ga4_events, segment_events
from demo.storefront.anomalies import plant_anomalies
from demo.storefront.consents import ANALYTICS, draw_consents, granted, is_withheld
from demo.storefront.simulation import NOTHING, EventKind, end_of_period
from demo.storefront.texts import DAY_MS
from demo.storefront.truth import Named

if TYPE_CHECKING:
    from demo.storefront.anomalies import Anomaly
    from demo.storefront.consents import Consents
    from demo.storefront.shop import Shop
    from demo.storefront.simulation import Booleans, Integers, Truth


@dataclass(frozen=True)
class Ledger:
    """Every event that isn't rejected, once: the site's, then the app's.

    `first_seen` has one element per device: when it was first used, -1 for never.
    """

    n_site: int
    kind: Integers
    visit: Integers
    device: Integers
    account: Integers
    occurred_at: Integers
    withheld: Booleans
    first_seen: Integers

    def named(self) -> Named:
        """Return who is named in the events."""
        is_site = np.arange(len(self.kind)) < self.n_site
        return Named(
            device=self.device,
            account=self.account,
            # The app says who logged in, and not under which address.
            has_traits=(self.kind == EventKind.IDENTIFY) & is_site,
            is_withheld=self.withheld,
        )


@dataclass(frozen=True)
class Sending:
    """What the site and the app send.

    Attributes
    ----------
    consents
        What was agreed to on each device.
    anomalies
        Each anomaly, how many events it would have had and how many it has.
    traffic, sent, planted_site
        The site's events, their records and the counts of these.
    app, exported, planted_app
        The app's.
    ledger
        The events that count.
    is_silent, is_lost
        Which orders no event tells of, and which ones the order system lost.
    """

    consents: Consents
    anomalies: list[tuple[Anomaly, int, int]]
    traffic: segment_events.Traffic
    sent: segment_events.Sent
    planted_site: dict[str, int]
    app: ga4_events.AppEvents
    exported: ga4_events.Exported
    planted_app: dict[str, int]
    ledger: Ledger
    is_silent: Booleans
    is_lost: Booleans


def _device_countries(truth: Truth) -> Integers:
    """Return where each device is used; those never used are somewhere."""
    countries = np.zeros(len(truth.devices.owner), dtype=np.int64)
    countries[truth.visits.device] = truth.visits.country
    return countries


def _chosen(
    rng: np.random.Generator, candidates: Integers, share: float, size: int
) -> Booleans:
    """Return a few of the candidates, two at least where there are so many."""
    count = min(max(2, round(share * len(candidates))), len(candidates))
    mask = np.zeros(size, dtype=np.bool_)
    mask[rng.choice(candidates, count, replace=False)] = True
    return mask


def _ledger(
    shop: Shop,
    traffic: segment_events.Traffic,
    is_site_kept: Booleans,
    app: ga4_events.AppEvents,
    is_app_kept: Booleans,
) -> Ledger:
    def joined(site: Integers, of_app: Integers) -> Integers:
        return np.concatenate([site[is_site_kept], of_app[is_app_kept]])

    device = joined(traffic.device, app.device)
    account = joined(traffic.account, app.account)
    times = joined(traffic.occurred_at, app.occurred_at)
    withheld = is_withheld(
        analytics=granted(joined(traffic.consent, app.consent), ANALYTICS),
        device=device,
        account=account,
        times=times,
        country=joined(
            traffic.visit_country[traffic.visit],
            shop.truth.visits.country[app.visit],
        ),
    )
    never = np.iinfo(np.int64).max
    first_seen = np.full(len(shop.truth.devices.owner), never)
    np.minimum.at(first_seen, device, times)
    return Ledger(
        n_site=int(is_site_kept.sum()),
        kind=joined(traffic.kind, app.kind),
        visit=joined(traffic.visit, app.visit),
        device=device,
        account=account,
        occurred_at=times,
        withheld=withheld,
        first_seen=np.where(first_seen == never, NOTHING, first_seen),
    )


def send(seed: np.random.SeedSequence, shop: Shop) -> Sending:
    """Decide what is sent and what becomes of it.

    Parameters
    ----------
    seed
        Where chance starts from.
    shop
        What happened.
    """
    truth, book, parameters = shop.truth, shop.book, shop.parameters
    seeds = iter(seed.spawn(6))
    events, anomalies = plant_anomalies(next(seeds), truth, parameters)
    end = end_of_period()
    bounds = (end - parameters.n_days * DAY_MS // 2, end)
    consents = draw_consents(next(seeds), _device_countries(truth), bounds)
    rng = np.random.default_rng(next(seeds))
    n_orders = len(book.net)

    # Orders that no event tells of: their last event never left the browser.
    online = np.flatnonzero(book.is_online)
    faults = parameters.faults
    is_silent = _chosen(rng, online, faults.only_in_order_system, n_orders)
    order = truth.visits.order[events.visit]
    is_gone = (events.kind == EventKind.ORDER_COMPLETED) & (order != NOTHING)
    is_gone &= is_silent[order]
    events = events.where(~is_gone)

    traffic = segment_events.make_traffic(
        next(seeds), truth, events, consents, parameters
    )
    sent, planted_site = segment_events.plant(next(seeds), traffic, parameters)
    app = ga4_events.make_app_events(truth, events, consents)
    exported, planted_app = ga4_events.plant(next(seeds), app, parameters)
    ledger = _ledger(
        shop,
        traffic,
        ~segment_events.rejected_events(traffic, sent),
        app,
        ~ga4_events.rejected_events(app, exported),
    )
    n_site = ledger.n_site
    for planted, part in (
        (planted_site, ledger.withheld[:n_site]),
        (planted_app, ledger.withheld[n_site:]),
    ):
        planted["withheld"] = int(part.sum())
        planted["accepted"] -= planted["withheld"]
    is_late = segment_events.late_events(traffic, sent)
    is_late = is_late[~segment_events.rejected_events(traffic, sent)]
    planted_site["late_accepted"] = int((is_late & ~ledger.withheld[:n_site]).sum())

    # Orders that the order system lost are those of events that may be used, and
    # nobody pays back what it doesn't know was paid.
    told = (ledger.kind == EventKind.ORDER_COMPLETED) & ~ledger.withheld
    told_orders = np.unique(truth.visits.order[ledger.visit[told]])
    told_orders = told_orders[book.refund[told_orders] == 0]
    is_lost = _chosen(rng, told_orders, faults.only_in_events, n_orders)
    return Sending(
        consents=consents,
        anomalies=anomalies,
        traffic=traffic,
        sent=sent,
        planted_site=planted_site,
        app=app,
        exported=exported,
        planted_app=planted_app,
        ledger=ledger,
        is_silent=is_silent,
        is_lost=is_lost,
    )
