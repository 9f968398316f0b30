"""What the warehouse says of drift is what the index's own code says."""

import dataclasses
import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest

from orchestration.assignment import assign_in_warehouse
from orchestration.drift import measure_drift, read_drift
from python_models.clustering import (
    Cluster,
    ClusterModel,
    ModelFeature,
    assign_clusters,
)
from python_models.clustering.drift import (
    freeze_bins,
    largest_by_chance,
    population_stability_index,
)

DAY = dt.date(2026, 3, 1)
NAMES = ["amount", "constant", "rate"]


def features(n: int, seed: int, *, shift: float = 0.0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"c{position:06}" for position in range(n)],
            "amount": generator.gamma(2.0, 30.0, n) + shift,
            "constant": np.full(n, 7.0),
            "rate": np.where(generator.random(n) < 0.8, 0.0, generator.random(n)),
        }
    )


def make_model(frame: pd.DataFrame) -> ClusterModel:
    """Two clusters of the amount, fitted on a frame."""
    axes = (
        ModelFeature("amount", "identity", 60.0, 40.0, is_used=True),
        ModelFeature("constant", "identity", 7.0, 1.0, is_used=False),
        ModelFeature("rate", "identity", 0.1, 0.2, is_used=False),
    )
    model = ClusterModel(
        model_id="it's a model",
        as_of_date=DAY,
        n_customers=len(frame),
        n_sampled_customers=len(frame),
        silhouette_score=None,
        stability_score=None,
        inertia=0.0,
        outcome_code="separated",
        outcome="",
        random_state=0,
        code_version="0",
        previous_model_id=None,
        features=axes,
        clusters=(
            Cluster(3, "few", 0, is_new=False, centroid=(-0.5,)),
            Cluster(5, "many", 0, is_new=False, centroid=(1.0,)),
        ),
        candidates=(),
        highest_cluster_number=5,
        bins=freeze_bins(frame[NAMES], NAMES),
    )
    numbers = assign_clusters(frame, model, as_of_date=DAY)["cluster_number"]
    return dataclasses.replace(
        model,
        clusters=tuple(
            dataclasses.replace(
                cluster, n_customers=int((numbers == cluster.number).sum())
            )
            for cluster in model.clusters
        ),
    )


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create schema python")
        connection.execute(
            "create table python.customer_clusters (customer_id varchar, "
            "as_of_date date, model_id varchar, cluster_number bigint, "
            "centroid_distance double)"
        )
        connection.execute(
            "create table python.cluster_drift (model_id varchar, as_of_date date, "
            "measure_type varchar, measure_name varchar, psi_score double, "
            "max_psi_score double, n_customers bigint, is_drifted boolean)"
        )
        yield connection


def measure(connection, model, frame, max_psi=0.25):
    """Assign a frame on the day, among another day's customers, and measure."""
    connection.register("frame", frame)
    connection.execute(
        "create or replace table marts.customer_features_by_date as "
        "select *, ?::date as as_of_date from frame union all by name "
        "select * replace (amount + 1e6 as amount), ?::date as as_of_date from frame",
        [DAY, dt.date(2026, 2, 1)],
    )
    connection.execute("delete from python.customer_clusters")
    assign_in_warehouse(connection, model, DAY)
    measure_drift(connection, model, DAY, max_psi=max_psi)
    return {each.measure_name: each for each in read_drift(connection, DAY)}


def expected(model, frame, name):
    """Count customers of a frame by the model's bins, here."""
    bins = [each for each in model.bins if each.feature == name]
    bounds = [each.upper_bound for each in bins[:-1]]
    counts = np.bincount(
        np.searchsorted(bounds, frame[name], side="left"), minlength=len(bins)
    )
    return population_stability_index([each.n_customers for each in bins], counts)


@pytest.mark.parametrize("shift", [0.0, 20.0, 500.0])
def test_it_is_the_index(warehouse, shift):
    then, now = features(3_000, 1), features(2_000, 2, shift=shift)
    model = make_model(then)
    found = measure(warehouse, model, now)
    assert set(found) == {*NAMES, "cluster_number"}
    for name in NAMES:
        index = expected(model, now, name)
        assert found[name].psi_score == pytest.approx(index, abs=1e-12), name
    numbers = assign_clusters(now, model, as_of_date=DAY)["cluster_number"]
    shares = population_stability_index(
        [cluster.n_customers for cluster in model.clusters],
        [(numbers == cluster.number).sum() for cluster in model.clusters],
    )
    assert found["cluster_number"].psi_score == pytest.approx(shares, abs=1e-12)
    assert found["cluster_number"].measure_type == "cluster_share"
    drifted = {name for name, each in found.items() if each.is_drifted}
    assert drifted == ({"amount", "cluster_number"} if shift == 500.0 else drifted)
    assert bool(drifted) == (shift > 0)


def test_a_bound_belongs_to_the_bin_below(warehouse):
    """Every customer is on a bound: one off by a bit would be in another bin."""
    frame = features(1_000, 1).assign(amount=np.repeat(np.arange(10) / 3, 100))
    found = measure(warehouse, make_model(frame), frame)
    assert all(each.psi_score == 0.0 for each in found.values())


def test_a_constant_that_begins_to_vary_has_drifted(warehouse):
    frame = features(500, 1)
    found = measure(warehouse, make_model(frame), frame.assign(constant=frame["rate"]))
    assert found["constant"].is_drifted
    assert not found["amount"].is_drifted


def test_few_customers_may_differ_by_more(warehouse):
    model = make_model(features(3_000, 1))
    n = 40
    found = measure(warehouse, model, features(n, 2))
    limit = largest_by_chance(10) * (1 / 3_000 + 1 / n)
    assert limit > 0.25
    assert found["amount"].max_psi_score == pytest.approx(limit, rel=1e-6)
    assert not found["amount"].is_drifted


def test_the_limit_is_the_runs(warehouse):
    frame = features(3_000, 1)
    model = make_model(frame)
    now = features(3_000, 2, shift=5.0)
    index = measure(warehouse, model, now)["amount"].psi_score
    for limit, is_drifted in ((index + 1e-9, False), (index - 1e-9, True)):
        found = measure(warehouse, model, now, max_psi=limit)
        assert found["amount"].is_drifted == is_drifted


def test_nobody_has_not_drifted(warehouse):
    frame = features(100, 1)
    found = measure(warehouse, make_model(frame), frame.iloc[:0])
    assert {(each.psi_score, each.is_drifted) for each in found.values()} == {
        (0.0, False)
    }


def test_a_model_of_nobody_or_of_before_there_were_bins(warehouse):
    model = dataclasses.replace(make_model(features(100, 1)), bins=())
    found = measure(warehouse, model, features(100, 1))
    assert set(found) == {"cluster_number"}
    assert found["cluster_number"].psi_score == 0.0


def test_a_feature_that_is_gone_is_not_measured(warehouse):
    frame = features(100, 1)
    found = measure(warehouse, make_model(frame), frame.drop(columns="rate"))
    assert set(found) == {"amount", "constant", "cluster_number"}


def test_a_rerun_replaces_the_day(warehouse):
    frame = features(100, 1)
    model = make_model(frame)
    measure(warehouse, model, frame)
    measure(warehouse, model, frame)
    rows = warehouse.execute("select count(*), min(model_id) from python.cluster_drift")
    assert rows.fetchone() == (4, "it's a model")
