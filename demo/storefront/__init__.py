"""Storefront: an online fashion shop that we made up. SIMULATED DATA.

A year of orders, events of a site and an app, stores, a CRM, products and bought-in
attributes, with five planted archetypes of customers and a counted amount of every kind
of dirt. The truth is written beside the landing folder, in `truth/storefront/`, and is
for tests and for the curious; nothing that segments customers may read it.

- `parameters`: every number of the shop, and the archetypes.
- `simulation`, `anomalies`: what truly happens.
- `people`, `orders`: names, contacts and attributes; ids and amounts.
- `consents`, `identity`: what may be used, and who can be told to be one person.
- `segment_events`, `ga4_events`, `shopify`, `order_lines`, `crm`, `rates`: what lands,
  with the dirt.
- `truth`: what is written for tests.
- `texts`: millions of lines at once.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from demo.files import WrittenFile, csv_bytes, write_bytes
from demo.storefront import (
    crm,
    ga4_events,
    order_lines,
    rates,
    segment_events,
    shopify,
    truth,
)
from demo.storefront.anomalies import plant_anomalies
from demo.storefront.consents import ANALYTICS, draw_consents, granted, is_withheld
from demo.storefront.orders import make_order_book
from demo.storefront.parameters import (
    AS_OF_DATE,
    REPORTING_CURRENCY_CODE,
    Faults,
    Parameters,
)
from demo.storefront.people import SHARED_PARTS, kind_name, make_people
from demo.storefront.simulation import (
    NOBODY,
    NOTHING,
    STRANGER_KIND,
    EventKind,
    end_of_period,
    simulate,
)
from demo.storefront.texts import DAY_MS, money

if TYPE_CHECKING:
    from pathlib import Path

    from demo.storefront.catalogue import Catalogue
    from demo.storefront.simulation import Booleans, Integers, Truth

__all__ = ["Faults", "Parameters", "land"]


def _catalogue_bytes(catalogue: Catalogue) -> bytes:
    table = pa.table(
        {
            "product_id": catalogue.product_id,
            "product_name": catalogue.product_name,
            "category": catalogue.category_names,
            "subcategory": catalogue.subcategory,
            "brand": catalogue.brand,
            "list_price": money(catalogue.list_price),
            "currency_code": [REPORTING_CURRENCY_CODE] * len(catalogue.product_id),
            "updated_at": catalogue.updated_at,
        }
    )
    content = io.BytesIO()
    pq.write_table(table, content)
    return content.getvalue()


def _device_countries(shop: Truth) -> Integers:
    """Return where each device is used; those never used are somewhere."""
    countries = np.zeros(len(shop.devices.owner), dtype=np.int64)
    countries[shop.visits.device] = shop.visits.country
    return countries


def _chosen(
    rng: np.random.Generator, candidates: Integers, share: float, size: int
) -> Booleans:
    """Return a few of the candidates, two at least where there are so many."""
    count = min(max(2, round(share * len(candidates))), len(candidates))
    mask = np.zeros(size, dtype=np.bool_)
    mask[rng.choice(candidates, count, replace=False)] = True
    return mask


def land(  # noqa: PLR0915
    landing: Path, file: Path | None = None, parameters: Parameters | None = None
) -> list[WrittenFile]:
    """Simulate the shop and write its files and the truth.

    Parameters
    ----------
    landing
        The landing folder; the truth goes to `truth/storefront/` beside it.
    file
        Not used; nothing is read.
    parameters
        Size, seed and amount of dirt; the documented ones by default.

    Returns
    -------
    list of WrittenFile
        Files by month of `segment/events`, `ga4/events`, `shopify/orders` and
        `pos/order_lines`; two extracts of `crm/contacts`; one file each of
        `shopify/refunds`, `shopify/customers`, `shopify/products`,
        `catalog/products`, `third_party/attributes`, `fx/rates` and
        `erasure/requests`; then the truth.
    """
    del file
    parameters = parameters or Parameters()
    shop = simulate(parameters)
    # Other numbers than the simulation's own, or the two would be correlated.
    seeds = iter(np.random.SeedSequence([parameters.seed, 1]).spawn(12))
    people = make_people(next(seeds), shop.customers)
    events, anomalies = plant_anomalies(next(seeds), shop, parameters)
    book = make_order_book(shop)
    bounds = (end_of_period() - parameters.n_days * DAY_MS // 2, end_of_period())
    consents = draw_consents(next(seeds), _device_countries(shop), bounds)
    rng = np.random.default_rng(next(seeds))
    n_orders = len(book.net)

    # Orders that no event tells of: their last event never left the browser.
    online = np.flatnonzero(book.is_online)
    faults = parameters.faults
    is_silent = _chosen(rng, online, faults.only_in_order_system, n_orders)
    order = shop.visits.order[events.visit]
    is_lost = (events.kind == EventKind.ORDER_COMPLETED) & (order != NOTHING)
    is_lost &= is_silent[order]
    events = events.where(~is_lost)

    traffic = segment_events.make_traffic(
        next(seeds), shop, events, consents, parameters
    )
    sent, planted_site = segment_events.plant(next(seeds), traffic, parameters)
    is_site_rejected = segment_events.rejected_events(traffic, sent)
    app = ga4_events.make_app_events(shop, events, consents)
    exported, planted_app = ga4_events.plant(next(seeds), app, parameters)
    is_app_rejected = np.zeros(len(app.kind), dtype=np.bool_)
    is_app_rejected[exported.event[exported.rejection >= 0]] = True

    # One ledger of all events that count.
    site_kept, app_kept = ~is_site_rejected, ~is_app_rejected
    visits = shop.visits
    ledger_device = np.concatenate([traffic.device[site_kept], app.device[app_kept]])
    ledger_time = np.concatenate(
        [traffic.occurred_at[site_kept], app.occurred_at[app_kept]]
    )
    withheld = is_withheld(
        analytics=granted(
            np.concatenate([traffic.consent[site_kept], app.consent[app_kept]]),
            ANALYTICS,
        ),
        device=ledger_device,
        account=np.concatenate([traffic.account[site_kept], app.account[app_kept]]),
        times=ledger_time,
        country=np.concatenate(
            [
                traffic.visit_country[traffic.visit[site_kept]],
                visits.country[app.visit[app_kept]],
            ]
        ),
    )
    n_site = int(site_kept.sum())
    for planted_part, part in (
        (planted_site, withheld[:n_site]),
        (planted_app, withheld[n_site:]),
    ):
        planted_part["withheld"] = int(part.sum())
        planted_part["accepted"] -= int(part.sum())

    # Orders that the order system lost are those of events that may be used.
    ledger_kind = np.concatenate([traffic.kind[site_kept], app.kind[app_kept]])
    ledger_visit = np.concatenate([traffic.visit[site_kept], app.visit[app_kept]])
    told = (ledger_kind == EventKind.ORDER_COMPLETED) & ~withheld
    told_orders = np.unique(visits.order[ledger_visit[told]])
    # Nobody pays back what it doesn't know was paid.
    told_orders = told_orders[book.refund[told_orders] == 0]
    is_lost_order = _chosen(rng, told_orders, faults.only_in_events, n_orders)
    is_in_order_system = book.is_online & ~is_lost_order

    written: list[WrittenFile] = []
    planted: dict[str, object] = {
        "as_of_date": AS_OF_DATE.isoformat(),
        "first_date": parameters.first_date.isoformat(),
        "seed": parameters.seed,
    }
    contacts = shopify.draw_contacts(rng, shop, people)
    files, written_site = segment_events.write_events(
        landing, next(seeds), shop, people, book, traffic, sent, parameters
    )
    written += files
    planted["segment_events"] = planted_site | written_site
    written += ga4_events.write_app_events(
        landing, shop, people, book, app, exported, parameters
    )
    planted["ga4_events"] = planted_app
    files, planted["shopify_orders"], staffs = shopify.write_orders(
        landing, rng, book, people, contacts, is_in_order_system, parameters
    )
    written += files
    for name, (files, counts) in {
        "shopify_refunds": shopify.write_refunds(landing, book, is_in_order_system),
        "shopify_products": shopify.write_products(landing, book),
    }.items():
        written += files
        planted[name] = counts
    files, planted["shopify_customers"], _ = shopify.write_customers(
        landing, rng, book, people
    )
    written += files
    files, planted["pos_order_lines"], is_named = order_lines.write_lines(
        landing, np.random.default_rng(next(seeds)), book, people, faults
    )
    written += files
    crm_rng = np.random.default_rng(next(seeds))
    contact_book = crm.draw_contacts(crm_rng, shop.customers, people, parameters)
    files, planted["crm_contacts"] = crm.write_contacts(
        landing, crm_rng, shop.customers, people, contact_book, parameters
    )
    written += files
    files, planted["fx_rates"] = rates.write_rates(landing, next(seeds), parameters)
    written += files

    n_products = len(shop.catalogue.product_id)
    path = landing / "catalog" / "products" / "products.parquet"
    content = _catalogue_bytes(shop.catalogue)
    written.append(WrittenFile(path, n_products, write_bytes(path, content)))
    planted["catalog_products"] = {"landed_lines": n_products, "accepted": n_products}
    path = landing / "third_party" / "attributes" / "attributes.csv"
    header = ("key", "attribute", "value", "as_of_date")
    n_attributes = len(people.attributes)
    content = csv_bytes(header, people.attributes)
    written.append(WrittenFile(path, n_attributes, write_bytes(path, content)))
    planted["third_party_attributes"] = {
        "landed_lines": n_attributes,
        "accepted": n_attributes,
    }

    n_devices = len(shop.devices.owner)
    identifiers = truth.all_identifiers(
        shop,
        people,
        contact_book,
        segment_events.device_ids(parameters, n_devices),
        ga4_events.pseudo_ids(parameters, n_devices),
    )
    evidence = truth.gather_evidence(
        identifiers,
        shop,
        people,
        contact_book,
        contacts,
        traffic,
        is_site_rejected,
        app,
        is_app_rejected,
        is_in_order_system,
        is_named,
        EventKind.IDENTIFY,
    )
    files, planted["erasure_requests"] = truth.write_erasure_requests(
        landing, rng, shop, people, evidence, identifiers, bounds
    )
    written += files

    folder = landing.parent / "truth" / "storefront"
    kinds = [kind_name(kind) for kind in range(STRANGER_KIND)]
    written.append(
        truth.write_customers(folder, shop, people, kinds, list(SHARED_PARTS))
    )
    written.append(truth.write_identifiers(folder, identifiers, evidence))
    written.append(
        truth.write_orders(
            folder, book, people, is_lost_order, is_silent, is_named, staffs
        )
    )
    first_seen = np.full(n_devices, np.iinfo(np.int64).max)
    np.minimum.at(first_seen, ledger_device, ledger_time)
    first_seen[first_seen == np.iinfo(np.int64).max] = NOBODY
    consent_file, planted["consents"] = truth.write_consents(
        folder, identifiers, shop, consents, contact_book, first_seen
    )
    written.append(consent_file)
    rows = [
        (
            anomaly.source,
            anomaly.event_name,
            anomaly.day(parameters).isoformat(),
            "spike" if anomaly.is_spike else "drop",
            str(usual),
            str(found),
        )
        for anomaly, usual, found in anomalies
    ]
    columns = ("source", "event_name", "date", "kind", "n_usual_events", "n_events")
    path = folder / "anomalies.csv"
    is_changed = write_bytes(path, csv_bytes(columns, rows))
    written.append(WrittenFile(path, len(rows), is_changed))

    counts_of_kinds = np.bincount(shop.customers.kind, minlength=STRANGER_KIND)
    strangers = np.unique(visits.device[visits.customer == NOBODY])
    release = np.datetime64(segment_events.release_time(parameters), "ms")
    planted |= {
        "customers": dict(zip(kinds, counts_of_kinds.tolist(), strict=True)),
        "second_accounts": {
            name: int(np.sum(people.shared == index))
            for index, name in enumerate(SHARED_PARTS)
        },
        "paper_contacts": int(contact_book.is_paper.sum()),
        "anonymous_visitors": len(strangers),
        "kiosk_users": len(
            np.unique(visits.customer[visits.device == shop.devices.kiosk])
        ),
        "orders": n_orders,
        "store_orders": n_orders - len(online),
        "guest_orders": int(np.sum(shop.orders.is_guest)),
        "cancelled_orders": int(np.sum(shop.orders.cancelled_at != NOBODY)),
        "only_in_events": int(is_lost_order.sum()),
        "only_in_order_system": int(is_silent.sum()),
        "schema_drift": {
            "since_utc": f"{release}Z",
            "new": "properties.loyalty_points",
            "renamed": ["properties.coupon", "properties.coupon_code"],
            "retyped": "properties.price",
        },
    }
    content = (json.dumps(planted, indent=2) + "\n").encode()
    path = folder / "planted.json"
    written.append(WrittenFile(path, 1, write_bytes(path, content)))
    return written
