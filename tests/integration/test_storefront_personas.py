"""The personas of the simulated shop against the archetypes that it was made of.

docs/personas.md shows them. A copy of the shop's warehouse gets its clusters from the
very assets that a run has; dbt then builds what reads them, and nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg
import pytest
from landed import csv_rows, identifier_key

from demo.storefront.parameters import ARCHETYPES
from orchestration.defs.clustering import clustering
from orchestration.defs.personas import persona_classifier
from orchestration.defs.resources import AsOf, WarehouseResource

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built, Workshop

# Of fewer customers nothing is claimed.
MIN_CUSTOMERS = 50
# Features that go together share their importance: which one is third or fourth of them
# is up to the sample.
N_TOP_TRAITS = 5
PERSONAS = "path:models/marts/segments/personas"


class Planted(NamedTuple):
    """What the persona of an archetype is called, and the traits that it was made of.

    A trait is a feature and whether it is above (1) or below (-1) everyone's.
    """

    persona_name: str
    traits: dict[str, int]


# demo/README.md: orders and amounts, telephones, discounts, what an order is worth and
# how long ago the last one was, one order.
PLANTED = {
    "loyal_repeat_buyer": Planted(
        "loyal repeat buyers", {"n_orders": 1, "monetary_amount": 1}
    ),
    "trend_seeker": Planted("trend seekers", {"mobile_order_rate": 1}),
    "budget_shopper": Planted("budget shoppers", {"discount_rate": 1}),
    "lapsed_big_spender": Planted(
        "lapsed big spenders", {"average_order_amount": 1, "recency_days": 1}
    ),
    "one_time_gift_buyer": Planted("one-time gift buyers", {"n_orders": -1}),
}


@pytest.fixture(scope="module")
def personas(workshop: Workshop, storefront: Built) -> Built:
    built = workshop.new(storefront.data_set, like=storefront)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTARY_STATE", str(built.home))
        dg.materialize(
            [clustering, persona_classifier],
            resources={
                "as_of": AsOf(date=storefront.data_set.as_of.isoformat()),
                "warehouse": WarehouseResource(),
            },
        )
    built.build("--select", "customer_clusters", PERSONAS)
    return built


@pytest.fixture(scope="module")
def archetypes(personas: Built, storefront_truth: Path) -> dict[int, str]:
    """The archetype of most members of each cluster that is large enough."""
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
    members: dict[int, dict[str, str]] = defaultdict(dict)
    for number, customer_id, key in personas.rows(
        "select cluster_number, customer_id, identifier_key"
        " from marts.customer_clusters"
        " inner join marts.identifiers using (customer_id) where is_strong"
    ):
        if key in person_of:
            members[number].setdefault(customer_id, kinds[person_of[key]])
    found = {}
    for number, kind_of in members.items():
        kind, n = Counter(kind_of.values()).most_common(1)[0]
        if len(kind_of) >= MIN_CUSTOMERS:
            assert n > 0.6 * len(kind_of), f"cluster {number} is a mixture"
            found[number] = kind
    return found


def test_every_archetype_has_its_name(
    personas: Built, archetypes: dict[int, str]
) -> None:
    assert set(archetypes.values()) == set(PLANTED)
    names = dict(
        personas.rows("select cluster_number, persona_name from marts.personas")
    )
    found = {number: names[number].partition(" (")[0] for number in archetypes}
    assert found == {
        number: PLANTED[kind].persona_name for number, kind in archetypes.items()
    }
    assert len(set(names.values())) == len(names)


def test_every_archetype_is_known_by_what_was_planted(
    personas: Built, archetypes: dict[int, str]
) -> None:
    top: dict[int, dict[str, int]] = defaultdict(dict)
    for number, feature, difference in personas.rows(
        "select cluster_number, feature_name, sign(difference_score)"
        " from marts.persona_traits where trait_rank_number <= ?",
        N_TOP_TRAITS,
    ):
        top[number][feature] = int(difference)
    for number, kind in archetypes.items():
        assert top[number].items() >= PLANTED[kind].traits.items(), kind


def test_every_archetype_has_the_taste_that_was_planted(
    personas: Built, archetypes: dict[int, str]
) -> None:
    tastes = {archetype.name: set(archetype.tastes) for archetype in ARCHETYPES}
    favourites = dict(
        personas.rows("select cluster_number, top_category_name from marts.personas")
    )
    for number, kind in archetypes.items():
        assert not tastes[kind] or favourites[number] in tastes[kind], kind


def test_the_forest_knows_them_from_customers_it_has_not_seen(
    personas: Built, archetypes: dict[int, str]
) -> None:
    accuracy, majority = personas.row(
        "select accuracy_rate, majority_rate from python.persona_classifiers"
    )
    assert accuracy > 0.9
    assert majority < 0.3
    distinguishable = personas.rows(
        "select cluster_number from marts.personas where is_distinguishable"
    )
    assert {number for (number,) in distinguishable} >= set(archetypes)


def test_personas_are_of_everybody_and_of_nobody_in_particular(personas: Built) -> None:
    assert personas.row(
        "select sum(n_customers), sum(net_amount) from marts.personas"
    ) == personas.row(
        "select count(*), sum(net_amount_window) from marts.customer_facts"
        " inner join marts.customer_clusters using (customer_id)"
    )
    columns = personas.rows(
        "select distinct column_name from duckdb_columns()"
        " where schema_name = 'marts' and table_name like 'persona%'"
    )
    assert not {name for (name,) in columns if "customer_id" in name}
    assert personas.row(
        "select count(*), max(example_number) from marts.persona_examples"
        " inner join marts.personas using (persona_key) where n_customers < ?",
        MIN_CUSTOMERS,
    ) == (0, None)
    n_examples = personas.rows(
        "select count(*) from marts.persona_examples group by persona_key"
    )
    assert {n for (n,) in n_examples} == {5}
