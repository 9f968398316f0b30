"""The simulated shop against the truth that was written beside its landing folder."""

from __future__ import annotations

import csv
import gzip
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from orchestration.publishing import Publication, publish, published_tables
from orchestration.warehouse import replace_rows, transaction
from python_models.clustering import ClusteringConfig, assign_clusters, fit_clusters

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built, Workshop

N_ARCHETYPES = 5
STREAMS = {
    ("segment", "events"): "segment_events",
    ("pos", "order_lines"): "pos_order_lines",
    ("catalog", "products"): "catalog_products",
    ("third_party", "attributes"): "third_party_attributes",
}
# What the truth counts beside the final statuses.
NO_REASONS = ("landed", "accepted", "duplicate", "late", "cancelled")
PHONE = re.compile(r"[2-9][0-9]{2}55501[0-9]{2}")


@pytest.fixture(scope="module")
def planted(storefront_landing: Path) -> dict[str, Any]:
    path = storefront_landing.parent / "truth" / "storefront" / "planted.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.fixture(scope="module")
def orders(storefront_landing: Path) -> list[dict[str, str]]:
    path = storefront_landing.parent / "truth" / "storefront" / "orders.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def archetypes(storefront_landing: Path) -> dict[str, str]:
    path = storefront_landing.parent / "truth" / "storefront" / "customers.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        return {row["customer_id"]: row["archetype"] for row in csv.DictReader(stream)}


def clean_lines(landing: Path) -> list[dict[str, str]]:
    """The landed order lines, each once, without the unreadable ones."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for path in sorted(landing.glob("pos/order_lines/*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                is_readable = re.fullmatch(r"-?\d+", row["quantity"]) and re.fullmatch(
                    r"2025-\d\d-\d\d \d\d:\d\d:\d\d", row["ordered_at"]
                )
                if is_readable:
                    lines[row["order_id"], row["line_id"]] = row
    return list(lines.values())


@pytest.mark.parametrize("stream", STREAMS)
def test_every_planted_fault_is_accounted_for(
    storefront: Built, planted: dict[str, Any], stream: tuple[str, str]
) -> None:
    truth = planted[STREAMS[stream]]
    faults = {
        kind: count
        for kind, count in truth.items()
        if not kind.startswith(NO_REASONS) and count
    }
    found = storefront.rows(
        "select reject_reason, count(*) from marts.rejected_rows"
        " where source_name = ? and stream_name = ? group by reject_reason",
        *stream,
    )
    assert dict(found) == faults
    assert storefront.row(
        "select sum(n_landed), sum(n_accepted), sum(n_duplicate), sum(n_rejected),"
        " sum(n_withheld) from marts.row_accounting"
        " where source_name = ? and stream_name = ?",
        *stream,
    ) == (
        truth["landed_lines"],
        truth["accepted"],
        truth.get("duplicate", 0),
        sum(faults.values()),
        0,
    )


def test_late_events_are_flagged(storefront: Built, planted: dict[str, Any]) -> None:
    truth = planted["segment_events"]
    assert storefront.row(
        "select count(*), count_if(is_late) from marts.fct_events"
    ) == (truth["accepted"], truth["late_accepted"])


def test_lines_have_the_planted_types(
    storefront: Built, planted: dict[str, Any]
) -> None:
    truth = planted["pos_order_lines"]
    found = storefront.rows(
        "select line_type, count(*) from marts.fct_order_lines group by line_type"
    )
    assert dict(found) == {
        "purchase": truth["accepted_completed_lines"],
        "return": truth["accepted_returned_lines"],
        "cancellation": truth["accepted_cancelled_lines"],
    }
    assert storefront.row(
        "select count_if(is_cancelled), count_if(is_purchase), count(*)"
        " from marts.fct_orders"
    ) == (truth["cancelled_orders"], planted["orders"], planted["orders"])


def test_orders_have_their_true_amounts(
    storefront: Built, orders: list[dict[str, str]]
) -> None:
    found = storefront.rows(
        "select order_id, customer_id, purchased_quantity, gross_amount,"
        " discount_amount, refund_amount, net_amount from marts.fct_orders"
    )
    amounts = ("gross_amount", "discount_amount", "refund_amount", "net_amount")
    assert {row[0]: row[1:] for row in found} == {
        order["order_id"]: (
            order["customer_id"],
            Decimal(order["purchased_quantity"]),
            *(Decimal(order[name]) for name in amounts),
        )
        for order in orders
    }


def test_money_comes_back_at_its_own_time(
    storefront: Built, storefront_landing: Path
) -> None:
    """Net amount by day as the order system's own lines have it."""
    expected: dict[str, Decimal] = {}
    n_purchased: dict[str, int] = {}
    for line in clean_lines(storefront_landing):
        day = line["ordered_at"][:10]
        amount = Decimal(line["quantity"]) * Decimal(line["unit_price"])
        net = amount - Decimal(line["discount_amount"])
        expected[day] = expected.get(day, Decimal(0)) + net
        if line["line_status"] == "completed":
            n_purchased[day] = n_purchased.get(day, 0) + int(line["quantity"])
    found = storefront.rows(
        "select cast(ordered_date as varchar), sum(net_amount),"
        " sum(case when is_purchase then quantity end)"
        " from marts.fct_order_lines group by 1"
    )
    assert {day: net for day, net, _ in found} == expected
    assert {day: int(units) for day, _, units in found if units} == n_purchased


def test_what_comes_back_is_no_purchase(
    storefront: Built, orders: list[dict[str, str]]
) -> None:
    """Every true order counts once, cancelled or not: its purchase did happen."""
    n_orders = pd.Series([order["customer_id"] for order in orders]).value_counts()
    found = storefront.rows(
        "select customer_id, n_orders from marts.customer_facts where n_orders > 0"
    )
    assert dict(found) == n_orders.to_dict()


@pytest.fixture(scope="module")
def features(storefront: Built) -> pd.DataFrame:
    return storefront.frame("from marts.customer_features")


def test_the_planted_archetypes_are_found(
    storefront: Built, features: pd.DataFrame, archetypes: dict[str, str]
) -> None:
    day = storefront.data_set.as_of
    config = ClusteringConfig(k_min=N_ARCHETYPES, k_max=N_ARCHETYPES)
    model = fit_clusters(features, as_of_date=day, config=config)
    assert model.n_clusters == N_ARCHETYPES
    assigned = assign_clusters(features, model, as_of_date=day)
    truth = [archetypes[customer_id] for customer_id in assigned["customer_id"]]
    assert len(truth) == sum(kind != "prospect" for kind in archetypes.values())
    assert adjusted_rand_score(truth, assigned["cluster_number"]) >= 0.8


def test_nobody_can_be_named_from_what_is_built(
    workshop: Workshop,
    storefront: Built,
    storefront_landing: Path,
    features: pd.DataFrame,
    tmp_path: Path,
) -> None:
    """Addresses and numbers stay in `raw`; the model's own choice of k comes along."""
    built = workshop.new(storefront.data_set, like=storefront)
    day = built.data_set.as_of
    model = fit_clusters(features, as_of_date=day, config=ClusteringConfig())
    assert abs(model.n_clusters - N_ARCHETYPES) <= 1
    frames = model.frames() | {
        "customer_clusters": assign_clusters(features, model, as_of_date=day)
    }
    with built.warehouse.write() as connection, transaction(connection):
        for table, frame in frames.items():
            replace_rows(connection, f"python.{table}", frame)
    emails, phones = landed_contacts(storefront_landing)
    assert len(emails) > 1_000
    assert len(phones) > 500
    assert all(PHONE.fullmatch(phone) for phone in phones)
    schemas = ("intermediate", "marts", "snapshots", "python")
    scanned, found = scan(built.path, schemas, emails, phones)
    assert not found
    assert scanned > 150
    published = tmp_path / "published" / "segmentary.duckdb"
    publish(
        built.warehouse,
        published,
        published_tables(built.manifest()),
        Publication("run", day, "0"),
    )
    scanned, found = scan(published, ("marts",), emails, phones)
    assert not found
    assert scanned > 100
    # The scan does find them where they may be.
    _, found = scan(built.path, ("raw",), emails, phones)
    assert found == {"raw.segment_events.record"}


def landed_contacts(landing: Path) -> tuple[set[str], set[str]]:
    """E-mail addresses, and telephone numbers without their +1."""
    emails: set[str] = set()
    phones: set[str] = set()
    for path in landing.glob("segment/events/*.jsonl.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                emails.update(re.findall(r'"email":"([^"]+)"', line))
                phones.update(re.findall(r'"phone":"\+1([^"]+)"', line))
    return emails, phones


def scan(
    path: Path, schemas: tuple[str, ...], emails: set[str], phones: set[str]
) -> tuple[int, set[str]]:
    """Count the text columns, and name those that hold a landed contact."""
    found = set()
    with duckdb.connect(path, read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where data_type = 'VARCHAR' and list_contains(?, schema_name)",
            [list(schemas)],
        ).fetchall()
        for schema, table, column in columns:
            texts = connection.execute(
                f'select distinct "{column}" from {schema}.{table}'
                f" where contains(\"{column}\", '@')"
                f" or regexp_matches(\"{column}\", '{PHONE.pattern}')"
            ).fetchall()
            if any(holds_contact(text, emails, phones) for (text,) in texts):
                found.add(f"{schema}.{table}.{column}")
    return len(columns), found


def holds_contact(text: str, emails: set[str], phones: set[str]) -> bool:
    # Any address at all, also one that isn't spelled as it landed.
    if "@" in text or any(email in text for email in emails):
        return True
    return any(number in phones for number in PHONE.findall(text))
