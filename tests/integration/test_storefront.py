"""The simulated shop against the truth that was written beside its landing folder.

Amounts are compared in `test_storefront_orders`, anomalies and drift in
`test_storefront_quality`, customers in `test_identity`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from landed import (
    Contacts,
    csv_rows,
    identifier_key,
    json_records,
    lines_of,
    n_records,
    newest_orders,
)
from sklearn.metrics import adjusted_rand_score

from demo.storefront import Parameters, land
from orchestration.publishing import Publication, publish, published_tables
from orchestration.warehouse import replace_rows, transaction
from python_models.clustering import ClusteringConfig, assign_clusters, fit_clusters

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from warehouses import Built, Workshop

N_ARCHETYPES = 5
NEW_YORK = ZoneInfo("America/New_York")
STREAMS = (
    *(("segment", "events"), ("ga4", "events"), ("shopify", "orders")),
    *(("shopify", "refunds"), ("shopify", "customers"), ("shopify", "products")),
    *(("crm", "contacts"), ("pos", "order_lines"), ("catalog", "products")),
    *(("third_party", "attributes"), ("fx", "rates"), ("erasure", "requests")),
)
REASONS = {
    *("malformed_json", "missing_id", "missing_identity", "unparseable_timestamp"),
    *("future_timestamp", "unknown_type", "missing_event_name", "bot", "test_order"),
    "unparseable_quantity",
}
# Where a contact may be: nowhere else.
OPEN_SCHEMAS = ("intermediate", "marts", "snapshots", "python", "linkage")


@pytest.fixture(scope="module")
def planted(storefront_truth: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (storefront_truth / "planted.json").read_text()
    )
    return content


@pytest.fixture(scope="module")
def true_orders(storefront_truth: Path) -> dict[str, dict[str, str]]:
    return {
        row["order_id"]: row
        for row in csv_rows(storefront_truth / "orders.csv")
        if row["is_test"] == "false"
    }


@pytest.fixture(scope="module")
def contacts(storefront_landing: Path) -> Contacts:
    return Contacts(storefront_landing)


# Records


def test_every_landed_stream_is_compared(storefront_landing: Path) -> None:
    found = {path.parent for path in storefront_landing.rglob("*") if path.is_file()}
    assert {(path.parent.name, path.name) for path in found} == set(STREAMS)


def test_sums_are_the_line_counts_of_the_files(
    storefront: Built, storefront_landing: Path
) -> None:
    counted = {
        path.relative_to(storefront_landing).as_posix(): n_records(path)
        for path in storefront_landing.rglob("*")
        if path.is_file()
    }
    found = storefront.rows(
        "select file_path, n_landed, n_accepted + n_duplicate + n_rejected"
        " + n_withheld + n_erased from marts.row_accounting"
    )
    assert {path: (n, n) for path, n in counted.items()} == {
        path: (landed, ended) for path, landed, ended in found
    }
    assert len(found) == len(counted)


@pytest.mark.parametrize("stream", STREAMS)
def test_every_planted_fault_is_accounted_for(
    storefront: Built, planted: dict[str, Any], stream: tuple[str, str]
) -> None:
    truth = planted["_".join(stream)]
    faults = {reason: truth[reason] for reason in REASONS & truth.keys()}
    found = storefront.rows(
        "select reject_reason, count(*) from marts.rejected_rows"
        " where source_name = ? and stream_name = ? group by reject_reason",
        *stream,
    )
    assert dict(found) == {reason: n for reason, n in faults.items() if n}
    assert storefront.row(
        "select sum(n_landed), sum(n_accepted), sum(n_duplicate), sum(n_rejected),"
        " sum(n_withheld), sum(n_erased) from marts.row_accounting"
        " where source_name = ? and stream_name = ?",
        *stream,
    ) == (
        truth["landed_lines"],
        truth["accepted"],
        truth.get("duplicate", 0),
        sum(faults.values()),
        truth.get("withheld", 0),
        0,
    )


def test_every_fault_was_planted(planted: dict[str, Any]) -> None:
    """What the default shop doesn't have, the tests above couldn't see."""
    streams = [planted["_".join(stream)] for stream in STREAMS]
    for kind in (*REASONS, "duplicate", "withheld", "late_accepted"):
        assert sum(truth.get(kind, 0) for truth in streams) > 0, kind


def test_late_events_are_flagged(storefront: Built, planted: dict[str, Any]) -> None:
    truth = {name: planted[f"{name}_events"] for name in ("segment", "ga4")}
    found = storefront.rows(
        "select source_name, count(*), count_if(is_late) from marts.fct_events"
        " group by all"
    )
    assert {name: counts for name, *counts in found} == {
        name: [counts["accepted"], counts.get("late_accepted", 0)]
        for name, counts in truth.items()
    }


# Orders


def test_till_lines_have_the_planted_types(
    storefront: Built, planted: dict[str, Any]
) -> None:
    truth = planted["pos_order_lines"]
    found = dict(
        storefront.rows(
            "select line_type, count(*) from marts.fct_order_lines"
            " where source_name = 'pos' group by line_type"
        )
    )
    # A line of nobody has no other type: what came back of those is among them.
    n_unnamed_returns = truth["accepted_returned_lines"] - found["return"]
    assert 0 <= n_unnamed_returns < truth["accepted_unnamed_lines"]
    assert found == {
        "no_customer": truth["accepted_unnamed_lines"],
        "purchase": truth["accepted_completed_lines"]
        - truth["accepted_unnamed_lines"]
        + n_unnamed_returns,
        "return": found["return"],
    }


def test_orders_have_their_true_quantities(
    storefront: Built, true_orders: dict[str, dict[str, str]]
) -> None:
    found = storefront.rows(
        "select order_id, purchased_quantity, customer_id is not null"
        " from marts.fct_orders where order_evidence <> 'events'"
    )
    named = {order_id: quantity for order_id, quantity, is_named in found if is_named}
    assert named == {
        order_id: Decimal(true_orders[order_id]["purchased_quantity"])
        for order_id in named
    }
    # What nobody is known to have bought is no purchase of a customer.
    assert {quantity for _, quantity, is_named in found if not is_named} == {0}
    assert len(named) > 0.98 * len(found)


def test_orders_have_their_true_customers(
    storefront: Built,
    storefront_landing: Path,
    storefront_truth: Path,
    true_orders: dict[str, dict[str, str]],
) -> None:
    """One customer for each true part, and one part for each customer."""
    parts = {
        (row["identifier_type"], row["identifier_value"]): row["usable_resolvable_id"]
        for row in csv_rows(storefront_truth / "identifiers.csv")
    }
    records = newest_orders(storefront_landing)
    found = dict(storefront.rows("select order_id, customer_id from marts.fct_orders"))
    customers: dict[str, set[str]] = defaultdict(set)
    n_guests = n_unnamed = 0
    for order_id, order in true_orders.items():
        record = records.get(order_id)
        if order["is_guest"] == order["is_only_in_events"] == "true":
            # A device's, of which the order itself says nothing.
            assert found[order_id] is not None
            continue
        if record is None:
            identifier = ("user_id", order["customer_id"])
        elif record["customer"]:
            identifier = ("shopify_customer_id", str(record["customer"]["id"]))
        else:
            n_guests += 1
            identifier = ("email", record["email"].strip().lower())
        if not identifier[1]:
            n_unnamed += 1
            assert found[order_id] is None
            continue
        assert found[order_id] is not None, identifier[0]
        customers[parts[identifier]].add(found[order_id])
    assert min(n_guests, n_unnamed) > 50
    assert "" not in customers
    assert {len(ids) for ids in customers.values()} == {1}
    assert len(set().union(*customers.values())) == len(customers)


def test_customers_have_as_many_orders_as_they_placed(
    storefront: Built, true_orders: dict[str, dict[str, str]]
) -> None:
    """Every true order counts once, cancelled or not: its purchase did happen."""
    placed = Counter(
        customer_id
        for (customer_id,) in storefront.rows(
            "select customer_id from marts.fct_orders where customer_id is not null"
        )
    )
    found = storefront.rows(
        "select customer_id, n_orders from marts.customer_facts where n_orders > 0"
    )
    assert dict(found) == dict(placed)
    n_unnamed = sum(
        row["source_name"] == "pos" and not row["customer_id"]
        for row in true_orders.values()
    )
    assert sum(placed.values()) == len(true_orders) - n_unnamed


def test_money_comes_back_at_its_own_time(
    storefront: Built, storefront_landing: Path
) -> None:
    """By day and currency, as the order systems' own records have it."""
    expected: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    orders = newest_orders(storefront_landing)
    for refund in json_records(storefront_landing, "shopify/refunds/*.jsonl.gz"):
        day = datetime.fromisoformat(refund["created_at"]).astimezone(NEW_YORK).date()
        currency = orders[str(refund["order_id"])]["currency"]
        for payment in refund["transactions"]:
            expected[day, currency] += Decimal(payment["amount"])
    lines = {}
    for path in sorted(storefront_landing.glob("pos/order_lines/*.csv")):
        for row in csv_rows(path):
            if row["line_status"] == "returned":
                lines[row["order_id"], row["line_id"]] = row
    for row in lines.values():
        day = date.fromisoformat(row["ordered_at"][:10])
        amount = Decimal(row["quantity"]) * Decimal(row["unit_price"])
        expected[day, row["currency_code"]] -= amount - Decimal(row["discount_amount"])
    found = storefront.rows(
        "select ordered_date, currency_code, sum(original_refund_amount)"
        " from marts.fct_order_lines where original_refund_amount <> 0 group by all"
    )
    assert {(day, currency): amount for day, currency, amount in found} == expected
    assert len(expected) > 300
    # Never on the day of the order, but for an order that was cancelled at once.
    assert storefront.row(
        "select count_if(lines.ordered_date <= orders.ordered_date), count(*) > 600"
        " from marts.fct_order_lines as lines"
        " inner join marts.fct_orders as orders using (order_key)"
        " where lines.line_type = 'return'"
    ) == (0, True)


def test_no_false_anomaly_in_100_series_days_of_an_undisturbed_shop(
    workshop: Workshop, storefront: Built, landings: Path
) -> None:
    landing = landings / "undisturbed" / "landing"
    land(landing, parameters=Parameters(has_anomalies=False))
    built = workshop.new(storefront.data_set)
    assert not built.land(landing).failed
    built.build("--select", "+volume_anomalies")
    n_false, n_days = built.row(
        "select count_if(anomaly_type <> 'none'), count(*) from marts.volume_anomalies"
    )
    assert n_days > 5_000
    assert 100 * n_false <= n_days


# Archetypes


@pytest.fixture(scope="module")
def features(storefront: Built) -> pd.DataFrame:
    return storefront.frame("from marts.customer_features")


def test_the_planted_archetypes_are_found(
    storefront: Built, features: pd.DataFrame, storefront_truth: Path
) -> None:
    """Among all purchasers who may be put into a cluster."""
    kinds = {
        row["person_id"]: row["archetype"]
        for row in csv_rows(storefront_truth / "customers.csv")
    }
    person_of = {
        identifier_key(row["identifier_type"], row["identifier_value"]): row[
            "person_id"
        ]
        for row in csv_rows(storefront_truth / "identifiers.csv")
        if row["person_id"]
    }
    people: dict[str, str] = {}
    for customer_id, key in storefront.rows(
        "select customer_id, identifier_key from marts.identifiers where is_strong"
    ):
        if key in person_of:
            people.setdefault(customer_id, person_of[key])
    allowed = storefront.rows(
        "select customer_id from marts.dim_customers"
        " where is_purchaser and is_personalization_allowed"
    )
    assert set(features["customer_id"]) == {customer_id for (customer_id,) in allowed}
    assert len(features) > 1_000
    day = storefront.data_set.as_of
    config = ClusteringConfig(k_min=N_ARCHETYPES, k_max=N_ARCHETYPES)
    model = fit_clusters(features, as_of_date=day, config=config)
    assert model.n_clusters == N_ARCHETYPES
    assigned = assign_clusters(features, model, as_of_date=day)
    truth = [kinds[people[customer_id]] for customer_id in assigned["customer_id"]]
    assert adjusted_rand_score(truth, assigned["cluster_number"]) >= 0.8


# Personal data


def test_nobody_can_be_named_from_what_is_built(
    workshop: Workshop,
    storefront: Built,
    contacts: Contacts,
    features: pd.DataFrame,
    tmp_path: Path,
) -> None:
    """Addresses and numbers stay in `raw` and staging."""
    built = workshop.new(storefront.data_set, like=storefront)
    day = built.data_set.as_of
    model = fit_clusters(features, as_of_date=day, config=ClusteringConfig())
    frames = model.frames() | {
        "customer_clusters": assign_clusters(features, model, as_of_date=day)
    }
    with built.warehouse.write() as connection, transaction(connection):
        for table, frame in frames.items():
            replace_rows(connection, f"python.{table}", frame)
    assert len(contacts.emails) > 2_500
    assert len(contacts.phones) > 1_000
    scanned, found = contacts.columns_of(built.path, OPEN_SCHEMAS)
    assert not found
    assert scanned > 300
    published = tmp_path / "published" / "segmentary.duckdb"
    publish(
        built.warehouse,
        published,
        published_tables(built.manifest()),
        Publication("run", day, "0"),
    )
    scanned, found = contacts.columns_of(published, ("marts",))
    assert not found
    assert scanned > 150
    # The scan does find them where they may be.
    _, found = contacts.columns_of(built.path, ("raw",))
    assert found == {
        "raw.segment_events.record",
        "raw.segment_events.traits_email",
        "raw.segment_events.traits_phone",
        "raw.shopify_orders.record",
        "raw.shopify_customers.record",
        "raw.crm_contacts.email",
        "raw.crm_contacts.phone",
        "raw.erasure_requests.identifier_value",
        # A line that is cut in half keeps its first half.
        "raw.rejected_lines.record_text",
    }


def test_nobody_is_named_in_what_dbt_wrote_about_the_build(
    workshop: Workshop, storefront: Built, contacts: Contacts, storefront_landing: Path
) -> None:
    target = workshop.target(storefront.data_set)
    paths = [path for path in target.rglob("*") if path.is_file()]
    names = {path.name for path in paths}
    assert {"manifest.json", "run_results.json", "dbt.log"} <= names
    for path in paths:
        found = contacts.found_in(path.read_text(encoding="utf-8", errors="replace"))
        assert not found, path
    # The same search does find them in what landed.
    landed = next(iter(sorted(storefront_landing.glob("segment/events/*"))))
    assert len(contacts.found_in("\n".join(lines_of(landed)))) > 100
