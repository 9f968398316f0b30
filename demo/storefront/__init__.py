"""Storefront: a small online fashion shop that we made up. SIMULATED DATA.

A year of orders, site events, products and bought-in attributes, with five planted
archetypes of customers and a counted amount of every kind of dirt. The truth is
written beside the landing folder, in `truth/storefront/`, and is for tests and for the
curious; nothing that segments customers may read it.

- `parameters`: every number of the shop, and the archetypes.
- `simulation`: what truly happens.
- `people`: names, contacts, attributes.
- `order_lines`, `segment_events`: what lands, with the dirt.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from demo.files import WrittenFile, csv_bytes, gzip_lines, write_bytes
from demo.storefront import order_lines, segment_events
from demo.storefront.order_lines import money
from demo.storefront.parameters import AS_OF_DATE, CURRENCY_CODE, Parameters
from demo.storefront.people import kind_name, make_people
from demo.storefront.simulation import NOBODY, STRANGER_KIND, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from demo.storefront.catalogue import Catalogue

__all__ = ["Parameters", "land"]


def _catalogue_bytes(catalogue: Catalogue) -> bytes:
    table = pa.table(
        {
            "product_id": catalogue.product_id,
            "product_name": catalogue.product_name,
            "category": catalogue.category_names,
            "subcategory": catalogue.subcategory,
            "brand": catalogue.brand,
            "list_price": [money(int(cents)) for cents in catalogue.list_price],
            "currency_code": [CURRENCY_CODE] * len(catalogue.product_id),
            "updated_at": catalogue.updated_at,
        }
    )
    content = io.BytesIO()
    pq.write_table(table, content)
    return content.getvalue()


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
        Twelve months of `segment/events/*.jsonl.gz` and `pos/order_lines/*.csv`,
        `catalog/products/products.parquet`, `third_party/attributes/attributes.csv`,
        then the truth: `customers.csv`, `orders.csv`, `planted.json`.
    """
    del file
    parameters = parameters or Parameters()
    truth = simulate(parameters)
    # Other numbers than the simulation's own, or the two would be correlated.
    seeds = np.random.SeedSequence([parameters.seed, 1]).spawn(3)
    people = make_people(seeds[0], truth.customers)
    events, planted_events = segment_events.export_events(
        seeds[1], truth, people, parameters
    )
    lines, planted_lines = order_lines.export_lines(
        seeds[2], truth, people, parameters.faults
    )

    contents: list[tuple[Path, int, bytes]] = []
    for month, records in events.items():
        path = landing / "segment" / "events" / f"{month}.jsonl.gz"
        contents.append((path, len(records), gzip_lines(records)))
    for month, rows in lines.items():
        path = landing / "pos" / "order_lines" / f"{month}.csv"
        contents.append((path, len(rows), csv_bytes(order_lines.COLUMNS, rows)))
    n_products = len(truth.catalogue.product_id)
    path = landing / "catalog" / "products" / "products.parquet"
    contents.append((path, n_products, _catalogue_bytes(truth.catalogue)))
    path = landing / "third_party" / "attributes" / "attributes.csv"
    header = ("key", "attribute", "value", "as_of_date")
    n_attributes = len(people.attributes)
    contents.append((path, n_attributes, csv_bytes(header, people.attributes)))

    truth_folder = landing.parent / "truth" / "storefront"
    kinds = [int(kind) for kind in truth.customers.kind]
    customers = [
        (customer_id, kind_name(kind))
        for customer_id, kind in zip(people.customer_id, kinds, strict=True)
    ]
    content = csv_bytes(("customer_id", "archetype"), customers)
    contents.append((truth_folder / "customers.csv", len(customers), content))
    orders = order_lines.true_orders(truth, people)
    content = csv_bytes(order_lines.TRUTH_COLUMNS, orders)
    contents.append((truth_folder / "orders.csv", len(orders), content))
    strangers = truth.visits.device[truth.visits.customer == NOBODY]
    planted = {
        "as_of_date": AS_OF_DATE.isoformat(),
        "seed": parameters.seed,
        "segment_events": planted_events,
        "pos_order_lines": planted_lines,
        "catalog_products": {"landed_lines": n_products, "accepted": n_products},
        "third_party_attributes": {
            "landed_lines": n_attributes,
            "accepted": n_attributes,
        },
        "customers": {
            kind_name(kind): kinds.count(kind) for kind in range(STRANGER_KIND)
        },
        "anonymous_visitors": len(set(strangers.tolist())),
        "orders": len(orders),
    }
    content = (json.dumps(planted, indent=2) + "\n").encode()
    contents.append((truth_folder / "planted.json", 1, content))
    return [
        WrittenFile(path, n_records, write_bytes(path, content))
        for path, n_records, content in contents
    ]
