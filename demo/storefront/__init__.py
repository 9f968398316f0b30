"""Storefront: an online fashion shop that we made up. SIMULATED DATA.

A year of orders, events of a site and an app, stores, a CRM, products and bought-in
attributes, with five planted archetypes of customers and a counted amount of every kind
of dirt. The truth is written beside the landing folder, in `truth/storefront/`, and is
for tests and for the curious; nothing that segments customers may read it.

- `parameters`: every number of the shop, and the archetypes.
- `simulation`, `anomalies`: what truly happens.
- `people`, `orders`, `shop`: names, contacts and attributes; ids and amounts.
- `sending`: which events are sent, spoiled and withheld.
- `consents`, `identity`: what may be used, and who can be told to be one person.
- `segment_events`, `ga4_events`, `shopify`, `order_lines`, `crm`, `rates`: what lands,
  with the dirt.
- `truth`: what is written for tests.
- `texts`: millions of lines at once.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from demo.files import DemoError, WrittenFile, csv_bytes, write_bytes
from demo.storefront import (
    crm,
    ga4_events,
    order_lines,
    rates,
    segment_events,
    shopify,
    truth,
)
from demo.storefront.orders import make_order_book
from demo.storefront.parameters import (
    AS_OF_DATE,
    REPORTING_CURRENCY_CODE,
    Faults,
    Parameters,
)
from demo.storefront.people import SHARED_PARTS, kind_name, make_people
from demo.storefront.sending import send
from demo.storefront.shop import Shop
from demo.storefront.simulation import NEVER, NOBODY, STRANGER_KIND, simulate
from demo.storefront.texts import money
from demo.storefront.truth import Landed

if TYPE_CHECKING:
    from pathlib import Path

    from demo.storefront.catalogue import Catalogue
    from demo.storefront.people import People
    from demo.storefront.sending import Sending
    from demo.storefront.simulation import Integers

__all__ = ["Faults", "Parameters", "land", "land_of_size"]


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


def _write_sources(
    landing: Path, seed: np.random.SeedSequence, shop: Shop, sending: Sending
) -> tuple[list[WrittenFile], dict[str, Any], Landed, tuple[Integers, Integers]]:
    """Write what lands but the requests to be forgotten.

    Returns
    -------
    files : list of WrittenFile
        In a fixed order.
    planted : dict
        Counts of every stream.
    landed : Landed
        What names people.
    staffs : tuple of numpy.ndarray
        Numbers and times of the orders that staff placed.
    """
    seeds = iter(seed.spawn(6))
    is_in_order_system = shop.book.is_online & ~sending.is_lost
    planted: dict[str, Any] = {}
    written, planted_writing = segment_events.write_events(
        landing, next(seeds), shop, sending.traffic, sending.sent
    )
    planted["segment_events"] = sending.planted_site | planted_writing
    written += ga4_events.write_app_events(landing, shop, sending.app, sending.exported)
    planted["ga4_events"] = sending.planted_app

    rng = np.random.default_rng(next(seeds))
    contacts = shopify.draw_contacts(rng, shop.truth, shop.people)
    files, planted["shopify_orders"], staffs = shopify.write_orders(
        landing, rng, shop, contacts, is_in_order_system
    )
    written += files
    lines, planted["pos_order_lines"], is_named = order_lines.write_lines(
        landing, np.random.default_rng(next(seeds)), shop
    )
    crm_rng = np.random.default_rng(next(seeds))
    crm_contacts = crm.draw_contacts(crm_rng, shop)
    for name, (files, counts) in {
        "shopify_refunds": shopify.write_refunds(
            landing, shop.book, is_in_order_system
        ),
        "shopify_customers": shopify.write_customers(
            landing, rng, shop.book, shop.people
        ),
        "shopify_products": shopify.write_products(landing, shop.book),
        "pos_order_lines": (lines, planted["pos_order_lines"]),
        "crm_contacts": crm.write_contacts(landing, crm_rng, shop, crm_contacts),
        "fx_rates": rates.write_rates(landing, next(seeds), shop.parameters),
        "catalog_products": _write_catalogue(landing, shop.truth.catalogue),
        "third_party_attributes": _write_attributes(landing, shop.people),
    }.items():
        written += files
        planted[name] = counts
    landed = Landed(
        events=sending.ledger.named(),
        crm=crm_contacts,
        contacts=contacts,
        is_in_order_system=is_in_order_system,
        is_named=is_named,
    )
    return written, planted, landed, staffs


def _write_catalogue(
    landing: Path, catalogue: Catalogue
) -> tuple[list[WrittenFile], dict[str, int]]:
    count = len(catalogue.product_id)
    path = landing / "catalog" / "products" / "products.parquet"
    is_changed = write_bytes(path, _catalogue_bytes(catalogue))
    written = WrittenFile(path, count, is_changed)
    return [written], {"landed_lines": count, "accepted": count}


def _write_attributes(
    landing: Path, people: People
) -> tuple[list[WrittenFile], dict[str, int]]:
    count = len(people.attributes)
    path = landing / "third_party" / "attributes" / "attributes.csv"
    header = ("key", "attribute", "value", "as_of_date")
    is_changed = write_bytes(path, csv_bytes(header, people.attributes))
    written = WrittenFile(path, count, is_changed)
    return [written], {"landed_lines": count, "accepted": count}


def _counts(shop: Shop, sending: Sending, landed: Landed) -> dict[str, Any]:
    """Return what was planted beside the streams' records."""
    happened, people, book = shop.truth, shop.people, shop.book
    visits, orders = happened.visits, happened.orders
    kinds = np.bincount(happened.customers.kind, minlength=STRANGER_KIND)
    at_kiosk = visits.device == happened.devices.kiosk
    release = np.datetime64(segment_events.release_time(shop.parameters), "ms")
    return {
        "customers": {
            kind_name(kind): int(count) for kind, count in enumerate(kinds.tolist())
        },
        "second_accounts": {
            name: int(np.sum(people.shared == index))
            for index, name in enumerate(SHARED_PARTS)
        },
        "paper_contacts": int(landed.crm.is_paper.sum()),
        "anonymous_visitors": len(np.unique(visits.device[visits.customer == NOBODY])),
        "kiosk_users": len(np.unique(visits.customer[at_kiosk])),
        "orders": len(book.net),
        "store_orders": int(np.sum(~book.is_online)),
        "guest_orders": int(np.sum(orders.is_guest)),
        "cancelled_orders": int(np.sum(orders.cancelled_at != NEVER)),
        "only_in_events": int(sending.is_lost.sum()),
        "only_in_order_system": int(sending.is_silent.sum()),
        "schema_drift": {
            "since_utc": f"{release}Z",
            "new": "properties.loyalty_points",
            "renamed": ["properties.coupon", "properties.coupon_code"],
            "retyped": "properties.price",
        },
    }


def _claim(folder: Path, landing: Path, parameters: Parameters) -> WrittenFile:
    """Say beside the landing folder which shop is in it, before anything is.

    Raises
    ------
    DemoError
        If there is another one: its files would stay among the new ones, and a file
        that was loaded must not change.
    """
    path = folder / "parameters.json"
    content = (json.dumps(asdict(parameters), indent=2) + "\n").encode()
    if path.is_file() and path.read_bytes() != content:
        found, wanted = json.loads(path.read_bytes()), json.loads(content)
        different = [name for name in wanted if found.get(name) != wanted[name]]
        message = (
            f"{landing} holds another shop: "
            + "; ".join(
                f"{name} is {found.get(name)}, asked for is {wanted[name]}"
                for name in different
            )
            + ". Name another folder, or delete this one with what was built from it "
            f"and {folder} (make reset does)."
        )
        raise DemoError(message)
    return WrittenFile(path, 1, write_bytes(path, content))


def land_of_size(
    landing: Path,
    *,
    customers: int | None = None,
    days: int | None = None,
    seed: int | None = None,
) -> list[WrittenFile]:
    """Do what `land` does, with the numbers that the command line takes.

    Parameters
    ----------
    landing
        The landing folder.
    customers, days, seed
        `n_customers`, `n_days` and `seed` of `Parameters`; None for its own.

    Returns
    -------
    list of WrittenFile
        As `land`.

    Raises
    ------
    DemoError
        If a number is out of its range; the message names the option and the range.
    """
    options = {"n_customers": customers, "n_days": days, "seed": seed}
    given = {name: number for name, number in options.items() if number is not None}
    try:
        parameters = Parameters(**given)  # type: ignore[arg-type]
    except ValueError as error:
        raise DemoError("--" + str(error).removeprefix("n_")) from error
    return land(landing, parameters=parameters)


def land(
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

    Raises
    ------
    DemoError
        If a shop with other parameters is in the folder.
    """
    del file
    parameters = parameters or Parameters()
    folder = landing.parent / "truth" / "storefront"
    claimed = _claim(folder, landing, parameters)
    happened = simulate(parameters)
    # Other numbers than the simulation's own, or the two would be correlated.
    seeds = iter(np.random.SeedSequence([parameters.seed, 1]).spawn(4))
    people = make_people(next(seeds), happened.customers)
    shop = Shop(parameters, happened, people, make_order_book(happened))
    sending = send(next(seeds), shop)
    written, planted, landed, staffs = _write_sources(
        landing, next(seeds), shop, sending
    )
    n_devices = len(happened.devices.owner)
    identifiers = truth.all_identifiers(
        shop,
        landed.crm,
        segment_events.device_ids(parameters, n_devices),
        ga4_events.pseudo_ids(parameters, n_devices),
    )
    evidence = truth.gather_evidence(shop, identifiers, landed)
    usable = truth.gather_evidence(shop, identifiers, landed.without_withheld())
    rng = np.random.default_rng(next(seeds))
    files, planted["erasure_requests"] = truth.write_erasure_requests(
        landing, rng, shop, set(evidence.seen().tolist()), identifiers
    )
    written += files

    kinds = [kind_name(kind) for kind in range(STRANGER_KIND)]
    consent_file, planted["consents"] = truth.write_consents(
        folder, identifiers, sending.consents, landed.crm, sending.ledger.first_seen
    )
    written += [
        claimed,
        truth.write_customers(folder, shop, kinds, list(SHARED_PARTS)),
        truth.write_identifiers(folder, identifiers, evidence, usable),
        truth.write_orders(folder, shop, landed, sending.is_silent, staffs),
        consent_file,
        truth.write_anomalies(folder, parameters, sending.anomalies),
    ]
    planted = {
        "as_of_date": AS_OF_DATE.isoformat(),
        "first_date": parameters.first_date.isoformat(),
        "seed": parameters.seed,
        **planted,
        **_counts(shop, sending, landed),
    }
    content = (json.dumps(planted, indent=2) + "\n").encode()
    path = folder / "planted.json"
    written.append(WrittenFile(path, 1, write_bytes(path, content)))
    return written
