"""The simulated shop: its archetypes are found, and labels last from month to month.

At 2,500 people in every run; at 20,000, as `docs/clustering.md` has the figures, in
`make test-all`.
"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from storefront_data import Customers, customers_as_of, make_truth

from python_models.clustering import (
    ClusteringConfig,
    ClusterModel,
    assign_clusters,
    fit_clusters,
)

DECEMBER, JANUARY = dt.date(2025, 12, 1), dt.date(2026, 1, 1)
N_MOVERS = 40

pytestmark = [
    pytest.mark.parametrize(
        "shop",
        [2_500, pytest.param(20_000, marks=pytest.mark.slow)],
        indirect=True,
        scope="module",
    )
]


class Shop:
    """Two month-ends of a shop, and the model of the first."""

    def __init__(self, n_people: int) -> None:
        truth = make_truth(n_people)
        self.december = customers_as_of(truth, DECEMBER)
        self.january = customers_as_of(truth, JANUARY)
        self.first = fit(self.december, DECEMBER)
        self.second = fit(self.january, JANUARY, self.first)


def fit(
    customers: Customers,
    day: dt.date,
    previous: ClusterModel | None = None,
    *,
    random_state: int = 7,
) -> ClusterModel:
    return fit_clusters(
        customers.features,
        as_of_date=day,
        config=ClusteringConfig(random_state=random_state),
        previous=previous,
    )


def labels(features: pd.DataFrame, model: ClusterModel) -> pd.Series:
    """Return the cluster of every customer."""
    assigned = assign_clusters(features, model, as_of_date=JANUARY)
    return assigned.set_index("customer_id")["cluster_number"]


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(request.param)


def test_the_archetypes_are_found_and_nothing_else(shop: Shop) -> None:
    """The model itself chooses five; nobody tells it how many there are."""
    assert shop.second.n_clusters == len(set(shop.january.archetypes)) == 5
    found = labels(shop.january.features, shop.second)
    assert adjusted_rand_score(shop.january.archetypes, found) >= 0.9


def test_a_refit_of_the_next_month_keeps_those_who_stayed(shop: Shop) -> None:
    """Who stayed: whom the frozen model puts where it put them a month ago."""
    before = labels(shop.december.features, shop.first)
    stays = labels(shop.january.features, shop.first).loc[before.index] == before
    assert stays.mean() > 0.8
    after = labels(shop.january.features, shop.second).loc[before.index]
    assert (after[stays] == before[stays]).mean() >= 0.95
    assert shop.second.is_promoted
    assert {change.change_code for change in shop.second.changes} == {"kept"}


def test_two_seeds_give_the_same_labels(shop: Shop) -> None:
    other = fit(shop.december, JANUARY, shop.first, random_state=20)
    first, second = (
        labels(shop.december.features, model) for model in (shop.first, other)
    )
    assert (first == second).mean() >= 0.98


def test_planted_movers_are_found(shop: Shop) -> None:
    """Gift buyers who in January look as budget shoppers do, and keep their ids."""
    features, archetypes = shop.january
    generator = np.random.default_rng(0)
    before = set(shop.december.features["customer_id"])
    is_known = features["customer_id"].isin(before).to_numpy()
    movers, models = (
        generator.choice(
            np.flatnonzero(is_known & (archetypes == kind)), N_MOVERS, replace=False
        )
        for kind in ("one_time_gift_buyer", "budget_shopper")
    )
    moved = features.copy()
    names = moved.columns.drop("customer_id")
    moved.loc[movers, names] = features.loc[models, names].to_numpy()
    second = fit(Customers(moved, archetypes), JANUARY, shop.first)
    then = labels(shop.december.features, shop.first)
    now = labels(moved, second)
    target = now[features["customer_id"][archetypes == "budget_shopper"]].mode()[0]
    ids = moved.loc[movers, "customer_id"]
    is_found = (now[ids] == target) & (then[ids] != target)
    assert is_found.mean() >= 0.9
    # And those who didn't move aren't taken for movers.
    rest = then.index.difference(ids)
    assert ((now[rest] == target) & (then[rest] != target)).mean() < 0.02


def test_a_shop_without_structure_is_one_cluster(shop: Shop) -> None:
    """Every feature shuffled on its own: the same values, and nothing between them."""
    generator = np.random.default_rng(1)
    shuffled = shop.january.features.copy()
    for name in shuffled.columns.drop("customer_id"):
        shuffled[name] = generator.permutation(shuffled[name].to_numpy())
    model = fit(Customers(shuffled, shop.january.archetypes), JANUARY)
    assert (model.n_clusters, model.outcome_code) == (1, "no_separation")
    assert model.outcome.startswith("one cluster: nothing separates customers among")
