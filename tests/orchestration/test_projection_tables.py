"""Who is drawn, and where it is written."""

import datetime as dt
from types import SimpleNamespace

import duckdb
import pytest

from orchestration import projection
from orchestration.warehouse import Warehouse
from python_models.clustering import ModelFeature

DAY = dt.date(2026, 3, 1)
# Orders and amounts that aren't in step, of two days; and what was drawn before.
TABLES = """
    create schema marts;
    create schema python;
    create table marts.customer_features_by_date as
        select 'c' || number as customer_id, day::date as as_of_date,
            number::double as orders, (number * 7 % 5)::double as amount
        from range(20) numbers(number),
            (values ('2026-02-01'), ('2026-03-01')) days(day);
    create table python.customer_clusters as
        select customer_id, as_of_date, 'm1' as model_id,
            1 + (orders > 9)::bigint as cluster_number, 0.5 as centroid_distance
        from marts.customer_features_by_date;
    create table python.cluster_scatter_points (
        model_id varchar, as_of_date date, point_number bigint, cluster_number bigint,
        first_coordinate double, second_coordinate double);
    create table python.cluster_scatter_axes (
        model_id varchar, as_of_date date, axis_number bigint, feature_name varchar,
        loading double, variance_rate double);
    insert into python.cluster_scatter_points values ('m0', '2026-02-01', 1, 1, 0, 0);
"""


@pytest.fixture
def warehouse(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    return Warehouse(path)


def model(*names):
    features = tuple(
        ModelFeature(name, "identity", 0.0, 1.0, is_used=True) for name in names
    )
    return SimpleNamespace(model_id="m1", used_features=features)


def read(warehouse, query):
    with warehouse.read() as connection:
        return connection.execute(query).fetchall()


def test_a_sample_of_the_day_takes_the_place_of_what_was_drawn(warehouse, monkeypatch):
    monkeypatch.setattr(projection, "N_DRAWN", 12)
    counts = projection.write_projection(warehouse, DAY, model("orders", "amount"))
    assert counts == {"cluster_scatter_points": 12, "cluster_scatter_axes": 4}
    assert read(
        warehouse,
        "select min(model_id), count(distinct point_number), min(as_of_date), "
        "max(cluster_number) from python.cluster_scatter_points",
    ) == [("m1", 12, DAY, 2)]
    assert read(
        warehouse, "select sum(loading * loading) from python.cluster_scatter_axes"
    ) == [(pytest.approx(2.0),)]


def test_without_a_plane_nothing_is_left(warehouse):
    counts = projection.write_projection(warehouse, DAY, model("orders"))
    assert counts == {"cluster_scatter_points": 0, "cluster_scatter_axes": 0}
    assert read(warehouse, "from python.cluster_scatter_points") == []
    # Nor with nobody.
    nobody = projection.write_projection(
        warehouse, dt.date(2026, 4, 1), model("orders", "amount")
    )
    assert nobody == counts
