"""The asset between assigned clusters and what tells them apart."""

import datetime as dt

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import yaml

from orchestration.defs.personas import persona_classifier, personas_can_be_told_apart
from orchestration.defs.resources import AsOf, WarehouseResource
from orchestration.settings import PROJECT_ROOT, load_settings
from orchestration.warehouse import Warehouse
from python_models.personas.config import DEFAULT_FEATURES

SOURCES = PROJECT_ROOT / "models/staging/python/_python__sources.yml"
FIRST, SAME_MONTH, NEXT_MONTH = "2026-03-01", "2026-03-20", "2026-04-02"
TABLES = ("persona_classifiers", "persona_recognitions", "persona_importances")


@pytest.fixture
def warehouse(tmp_path, monkeypatch) -> Warehouse:
    """Tables as dbt makes them, empty."""
    monkeypatch.setenv("SEGMENTARY_STATE", str(tmp_path))
    warehouse = Warehouse(load_settings().warehouse_path)
    source = yaml.safe_load(SOURCES.read_text())["sources"][0]
    features = ", ".join(f"{name} double" for name in DEFAULT_FEATURES)
    with warehouse.write() as connection:
        connection.execute("create schema python")
        connection.execute("create schema marts")
        for table in source["tables"]:
            declared = ", ".join(
                f"{column['name']} {column['data_type']}" for column in table["columns"]
            )
            connection.execute(f"create table python.{table['name']} ({declared})")
        connection.execute(
            "create table marts.customer_features_by_date (customer_date_key varchar, "
            f"as_of_date date, customer_id varchar, {features})"
        )
    return warehouse


def assign(warehouse: Warehouse, day: str, model_id: str, *, n_each: int = 90) -> None:
    """Two clusters that differ in discounts."""
    generator = np.random.default_rng(0)
    numbers = np.repeat([1, 2], n_each)
    features = pd.DataFrame(
        generator.normal(size=(len(numbers), len(DEFAULT_FEATURES))),
        columns=list(DEFAULT_FEATURES),
    )
    features["discount_rate"] += np.where(numbers == 1, 9, 0)
    features = features.assign(
        customer_id=[f"c{i:03}" for i in range(len(numbers))],
        customer_date_key=[f"{day} {i}" for i in range(len(numbers))],
        as_of_date=dt.date.fromisoformat(day),
        number=numbers,
    )
    with warehouse.write() as connection:
        connection.register("features", features)
        connection.execute("delete from marts.customer_features_by_date")
        connection.execute(
            "insert into marts.customer_features_by_date by name "
            "select * exclude (number) from features"
        )
        connection.execute("delete from python.customer_clusters")
        connection.execute(
            "insert into python.customer_clusters "
            "select customer_id, as_of_date, ?, number, 0 from features",
            [model_id],
        )


def materialize(day: str, *, random_state: int = 7) -> dict[str, dict[str, object]]:
    result = dg.materialize(
        [persona_classifier],
        resources={"as_of": AsOf(date=day), "warehouse": WarehouseResource()},
        run_config={
            "ops": {"persona_classifier": {"config": {"random_state": random_state}}}
        },
    )
    return {
        event.asset_key.path[-1]: {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
    }


def contents(warehouse: Warehouse) -> dict[str, list[tuple]]:
    with warehouse.read() as connection:
        return {
            table: connection.execute(f"from python.{table} order by all").fetchall()
            for table in TABLES
        }


def asked(warehouse: Warehouse) -> list[tuple]:
    with warehouse.read() as connection:
        return connection.execute(
            "select model_id, as_of_date::varchar, random_state "
            "from python.persona_classifiers order by all"
        ).fetchall()


def test_a_forest_is_asked_once_for_a_model_and_month(warehouse):
    assign(warehouse, FIRST, "m")
    metadata = materialize(FIRST)
    first = contents(warehouse)
    assert {table: len(rows) for table, rows in first.items()} == {
        "persona_classifiers": 1,
        "persona_recognitions": 2,
        "persona_importances": 24,
    }
    classifier = metadata["persona_classifiers"]
    assert classifier["n_personas"] == classifier["n_distinguishable_personas"] == 2
    assert classifier["accuracy_rate"] == 1.0
    assert classifier["majority_rate"] == 0.5
    assert "| 1 | discount_rate, " in metadata["persona_importances"]["top_features"]
    # The same again, and another day of the month, change nothing.
    assert materialize(FIRST) == metadata
    assign(warehouse, SAME_MONTH, "m")
    kept = materialize(SAME_MONTH)
    assert kept["persona_classifiers"]["asked_as_of"] == FIRST
    assert contents(warehouse) == first


def test_a_new_month_model_or_seed_is_asked_about(warehouse):
    assign(warehouse, FIRST, "m")
    materialize(FIRST)
    assign(warehouse, NEXT_MONTH, "m")
    materialize(NEXT_MONTH)
    assert asked(warehouse) == [("m", FIRST, 7), ("m", NEXT_MONTH, 7)]
    assign(warehouse, NEXT_MONTH, "n")
    materialize(NEXT_MONTH)
    # Another seed takes the place of the month's.
    materialize(NEXT_MONTH, random_state=8)
    assert asked(warehouse) == [
        ("m", FIRST, 7),
        ("m", NEXT_MONTH, 7),
        ("n", NEXT_MONTH, 8),
    ]


def test_before_there_are_clusters_nothing_is_written(warehouse, capfd):
    metadata = materialize(FIRST)
    assert {values["dagster/row_count"] for values in metadata.values()} == {0}
    assert all(not rows for rows in contents(warehouse).values())
    assert "no clusters yet" in capfd.readouterr().err


def test_clusters_of_a_later_day_are_not_looked_at(warehouse):
    assign(warehouse, NEXT_MONTH, "m")
    materialize(FIRST)
    assert asked(warehouse) == []


def test_clusters_of_a_day_that_the_marts_forgot_are_an_error(warehouse):
    assign(warehouse, FIRST, "m")
    with warehouse.write() as connection:
        connection.execute("delete from marts.customer_features_by_date")
    with pytest.raises(dg.Failure, match="no features of 2026-03-01"):
        materialize(FIRST)


def test_one_customer_is_one_persona_and_said_to_be(warehouse):
    assign(warehouse, FIRST, "m", n_each=1)
    with warehouse.write() as connection:
        connection.execute("update python.customer_clusters set cluster_number = 1")
    metadata = materialize(FIRST)["persona_classifiers"]
    assert metadata["outcome"] == "one cluster: there is nothing to tell apart"
    assert metadata["n_distinguishable_personas"] == 0
    assert "accuracy_rate" not in metadata


@pytest.mark.parametrize(
    ("outcome_code", "passes"),
    [("distinguishable", True), ("indistinguishable", False)],
)
def test_the_check_shows_personas_and_warns_of_what_nothing_tells_apart(
    warehouse, outcome_code, passes
):
    with warehouse.write() as connection:
        connection.execute("create schema staging")
        connection.execute(
            "create table marts.personas as "
            "select 'k' as persona_key, 'm' as model_id, 1 as cluster_number, "
            "'budget shoppers' as persona_name, "
            "1234 as n_customers, 0.5 as customer_share_rate, 10 as net_amount, "
            "0.25 as net_amount_share_rate, null::double as recall_rate, "
            "'too few' as distinguishable_reason"
        )
        connection.execute(
            "create table marts.persona_traits as "
            "select 'k' as persona_key, 2 as trait_rank_number, 'second' as trait_text "
            "union all select 'k', 1, 'first' union all select 'k', null, 'none'"
        )
        connection.execute(
            "create view staging.stg_python__persona_classifiers as "
            "from python.persona_classifiers"
        )
        # An older forest, and one of another model, don't count.
        connection.execute(
            "insert into python.persona_classifiers "
            "(model_id, as_of_date, outcome_code, outcome) values "
            "('m', '2026-01-01', 'indistinguishable', 'old'), "
            "('other', '2026-03-01', 'indistinguishable', 'other'), "
            "('m', '2026-02-01', ?, 'newest')",
            [outcome_code],
        )
    result = personas_can_be_told_apart(warehouse=WarehouseResource())
    assert isinstance(result, dg.AssetCheckResult)
    assert result.passed is passes
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert result.metadata["n_personas"].value == 1
    table = result.metadata["personas"].value.splitlines()
    assert table[2] == "| budget shoppers | 1,234 | 50% | 25% |  | first; second |"
    if not passes:
        assert result.metadata["findings"].value == ["newest"]
