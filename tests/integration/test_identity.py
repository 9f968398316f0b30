"""Who is one customer, against the truth and against a second resolver in Python.

The truth counts as one what accepted records link (`usable_resolvable_id`); two
accounts of a person who gave nothing in common are two customers, and counted apart.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from landed import Row, csv_rows, identifier_key, pairwise
from warehouses import DataSet
from worlds import WORLDS, Record, drop, in_slices, random_records, resolve

from demo.storefront import Parameters, land

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built, Workshop

N_WORLDS = 120
MIN_PRECISION, MIN_RECALL = 0.999, 0.98
N_MANY_CUSTOMERS, N_MANY_KIOSK_USERS = 50_000, 10_000


def key_of(row: Row) -> str:
    return identifier_key(row["identifier_type"], row["identifier_value"])


def customers_of(built: Built) -> dict[str, str]:
    return dict(
        built.rows(
            "select identifier_key, customer_id from marts.identifiers"
            " where customer_id is not null"
        )
    )


def assert_customers_are_the_true_ones(built: Built, truth: Path) -> None:
    found = customers_of(built)
    rows = csv_rows(truth / "identifiers.csv")
    usable = {
        key_of(row): row["usable_resolvable_id"]
        for row in rows
        if row["usable_resolvable_id"]
    }
    precision, recall = pairwise(found, usable)
    assert precision >= MIN_PRECISION
    assert recall >= MIN_RECALL
    # What withheld records would have linked stays apart: it is little.
    resolvable = {
        key_of(row): row["resolvable_id"] for row in rows if key_of(row) in usable
    }
    _, recall_of_all = pairwise(found, resolvable)
    assert recall_of_all >= MIN_RECALL
    people = {key_of(row): row["person_id"] for row in rows if row["person_id"]}
    precision_of_people, _ = pairwise(found, people)
    assert precision_of_people >= MIN_PRECISION


def assert_the_kiosk_merges_nobody(built: Built, truth: Path) -> None:
    n_users = json.loads((truth / "planted.json").read_text())["kiosk_users"]
    keys = {
        key_of(row)
        for row in csv_rows(truth / "identifiers.csv")
        if row["identifier_type"] == "anonymous_id" and not row["person_id"]
    }
    (kiosk, n_met, reason, customer_id) = max(
        (
            row
            for row in built.rows(
                "select identifier_key, n_strong_identifiers, block_reason, customer_id"
                " from marts.identifiers"
            )
            if row[0] in keys
        ),
        key=lambda row: row[1],
    )
    # Some of its users agreed to nothing; most also left their address.
    assert n_met > 0.9 * n_users
    assert reason == "too_many_identifiers"
    # It stands alone, and everything that it met is somebody else's.
    assert built.rows(
        "select identifier_key from marts.identifiers where customer_id = ?",
        customer_id,
    ) == [(kiosk,)]
    met = built.rows(
        "select customers.identifier_type, customers.customer_id, edges.reject_reason"
        " from marts.rejected_edges as edges inner join marts.identifiers as customers"
        " on customers.identifier_key = case when edges.left_identifier_key = ?"
        " then edges.right_identifier_key else edges.left_identifier_key end"
        " where ? in (edges.left_identifier_key, edges.right_identifier_key)",
        *(kiosk, kiosk),
    )
    assert len(met) == n_met
    assert {reason for *_, reason in met} == {"too_many_identifiers"}
    users = [customer for kind, customer, _ in met if kind == "user_id"]
    assert len(users) > 0.9 * n_users
    # But for the few people with two accounts, of whom both were there.
    assert len(set(users)) > 0.99 * len(users)


def test_customers_are_the_true_ones(storefront: Built, storefront_truth: Path) -> None:
    assert_customers_are_the_true_ones(storefront, storefront_truth)


def test_every_usable_identifier_is_known(
    storefront: Built, storefront_truth: Path
) -> None:
    rows = csv_rows(storefront_truth / "identifiers.csv")
    usable = {key_of(row) for row in rows if row["usable_resolvable_id"]}
    bought_in = usable - customers_of(storefront).keys()
    # Attributes from a third party name users, and make nobody a customer.
    attributes = storefront.rows("select key from raw.third_party_attributes")
    assert bought_in <= {identifier_key("user_id", key) for (key,) in attributes}
    assert len(bought_in) < 0.01 * len(usable)
    withheld = {key_of(row) for row in rows} - usable
    assert len(withheld) > 100
    assert not withheld & customers_of(storefront).keys()


def test_the_kiosk_merges_nobody(storefront: Built, storefront_truth: Path) -> None:
    assert_the_kiosk_merges_nobody(storefront, storefront_truth)


@pytest.mark.parametrize("shared", ["email", "phone", "nothing"])
def test_two_accounts_are_one_only_where_something_is_shared(
    storefront: Built, storefront_truth: Path, shared: str
) -> None:
    found = customers_of(storefront)
    # Of a few users only withheld records and bought-in attributes tell.
    parts = {
        row["identifier_value"]: row["usable_resolvable_id"]
        for row in csv_rows(storefront_truth / "identifiers.csv")
        if row["identifier_type"] == "user_id" and key_of(row) in found
    }
    pairs = [
        (row["customer_id"], row["second_customer_id"])
        for row in csv_rows(storefront_truth / "customers.csv")
        if row["shared"] == shared
        and {row["customer_id"], row["second_customer_id"]} <= parts.keys()
    ]
    one = [
        found[identifier_key("user_id", first)]
        == found[identifier_key("user_id", second)]
        for first, second in pairs
    ]
    # What they share must be in a record that may be used, beside each user's id.
    assert one == [parts[first] == parts[second] for first, second in pairs]
    assert len(pairs) > 8
    assert sum(one) == 0 if shared == "nothing" else sum(one) > 5


# Against a second resolver


def assert_resolved_as_in_python(built: Built, records: list[Record]) -> None:
    expected = resolve(records)
    assert customers_of(built) == expected.customers
    reasons = built.rows(
        "select identifier_key, block_reason from marts.identifiers"
        " where block_reason is not null"
    )
    assert dict(reasons) == expected.reasons


def test_random_shops_have_the_customers_that_python_finds(
    workshop: Workshop, tmp_path: Path
) -> None:
    """At once and in two loads in any order, the second over what the first made."""
    chance = random.Random(5)  # noqa: S311 - customers of no shop are no secrets
    records = random_records(N_WORLDS, chance)
    built = workshop.new(WORLDS)
    landing = tmp_path / "landing"
    landed: list[Record] = []
    for number, some in enumerate(in_slices(records, 2, chance)):
        drop(some, landing, str(number))
        assert not built.land(landing).failed
        built.build("--select", "+identifiers", "+customer_id_changes")
        landed += some
        assert_resolved_as_in_python(built, landed)
    # What is random has met every rule.
    found = resolve(records)
    assert set(found.reasons.values()) == {
        *("too_long", "blocked_value", "too_many_identifiers"),
    }
    assert built.row(
        "select count(distinct reject_reason) from intermediate.int_identifier_edges"
    ) == (4,)
    assert {
        reason
        for (reason,) in built.rows(
            "select change_reason from marts.customer_id_changes"
        )
    } >= {"merge", "split", "earlier_evidence"}
    sizes = built.rows(
        "select count(*) as n from marts.identifiers group by customer_id order by n"
    )
    assert sizes[0] == (1,)
    assert sizes[-1] > (8,)


@pytest.mark.slow
def test_50_000_customers_and_a_kiosk_of_10_000(
    workshop: Workshop, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    parameters = Parameters(
        n_customers=N_MANY_CUSTOMERS, kiosk_users=N_MANY_KIOSK_USERS
    )
    land(landing, parameters=parameters)
    built = workshop.new(DataSet.of_demo("storefront"))
    assert not built.land(landing).failed
    built.build("--select", "+identifiers", "+rejected_edges")
    truth = tmp_path / "truth" / "storefront"
    assert_customers_are_the_true_ones(built, truth)
    assert_the_kiosk_merges_nobody(built, truth)
