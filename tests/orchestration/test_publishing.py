"""The published file: gated, complete, and never seen half-way."""

import datetime as dt
import json
import multiprocessing
import time

import duckdb
import pytest

from orchestration.project import prepare_manifest
from orchestration.publishing import (
    NotPublishedError,
    Publication,
    PublishedTable,
    newest_tested_load,
    publish,
    published_tables,
)
from orchestration.warehouse import Warehouse, connect, open_whole

DAY = dt.date(2024, 2, 1)
TABLES = [
    PublishedTable("customer_facts", "One row per customer.", {"customer_id": "Who."}),
    PublishedTable(
        "segment_summary", "One row per segment.", {"segment": "It's what."}
    ),
]


@pytest.fixture
def warehouse(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.write() as connection:
        connection.execute("create schema raw; create schema marts")
        connection.execute(
            "create table raw.failed_files "
            "(file_path varchar, reason varchar, resolved_at timestamp)"
        )
        connection.execute(
            "create table raw.load_manifest (load_id bigint, source_name varchar, "
            "stream_name varchar, load_status varchar, n_records bigint, "
            "loaded_at timestamp)"
        )
        connection.execute(
            "create table marts.dim_as_of_dates as "
            "select date '2024-02-01' as as_of_date, true as is_current"
        )
    build(warehouse, 1)
    return warehouse


def build(warehouse, number):
    """Stand-in for a run: every table holds the run's number, `number` times."""
    with warehouse.write() as connection:
        for table, column in (
            ("customer_facts", "customer_id"),
            ("segment_summary", "segment"),
        ):
            connection.execute(
                f"create or replace table marts.{table} as "
                f"select '{number}' as {column} from range({number})"
            )


def publication(number):
    return Publication(run_id=str(number), as_of_date=DAY, code_version="0")


def read(path):
    """Every run id that one reading sees, and whether the row counts agree."""
    with connect(path, read_only=True) as connection:
        runs = {
            connection.execute("select run_id from marts.publication").fetchone()[0]
        }
        counted = {}
        for table, column in (
            ("customer_facts", "customer_id"),
            ("segment_summary", "segment"),
        ):
            rows = connection.execute(f"select {column} from marts.{table}").fetchall()
            runs |= {row[0] for row in rows}
            counted[table] = len(rows)
            time.sleep(0.002)
        for run_id, table, n_rows in connection.execute(
            "select run_id, table_name, n_rows from marts.publication_tables"
        ).fetchall():
            runs.add(run_id)
            counted[table] -= n_rows
    return runs, set(counted.values()) == {0}


def keep_reading(path, stop, found):
    """Read until told to stop; report readings and everything that didn't agree."""
    n_readings, wrong, seen = 0, [], set()
    while not stop.is_set():
        runs, agrees = read(path)
        n_readings += 1
        seen |= runs
        if len(runs) != 1 or not agrees:
            wrong.append(sorted(runs))
    found.put((n_readings, wrong, len(seen)))


def test_two_readers_always_see_one_whole_run(warehouse, tmp_path):
    target = tmp_path / "published" / "segmentary.duckdb"
    publish(warehouse, target, TABLES, publication(1))
    context = multiprocessing.get_context("spawn")
    stop, found = context.Event(), context.Queue()
    readers = [
        context.Process(target=keep_reading, args=(target, stop, found))
        for _ in range(2)
    ]
    for reader in readers:
        reader.start()
    try:
        for number in range(2, 32):
            build(warehouse, number)
            publish(warehouse, target, TABLES, publication(number))
            time.sleep(0.05)
    finally:
        stop.set()
        reports = [found.get(timeout=60) for _ in readers]
        for reader in readers:
            reader.join(timeout=60)
    for n_readings, wrong, n_runs_seen in reports:
        assert wrong == []
        assert n_readings > 5
        assert n_runs_seen > 1
    assert read(target) == ({"31"}, True)


@pytest.mark.parametrize("fails", [False, True])
def test_a_file_that_is_replaced_while_it_opens_is_opened_again(
    warehouse, tmp_path, fails
):
    target = tmp_path / "published.duckdb"
    publish(warehouse, target, TABLES, publication(1))
    connections = []

    def opened():
        connections.append(duckdb.connect(str(target), read_only=True))
        if len(connections) == 1:
            publish(warehouse, target, TABLES, publication(2), anew=True)
            if fails:
                connections[0].close()
                message = "read by the headers of another file"
                raise duckdb.IOException(message)
        return connections[-1]

    with open_whole(target, opened) as connection:
        found = connection.execute("select run_id from marts.publication").fetchall()
    assert found == [("2",)]
    assert len(connections) == 2


def test_a_file_that_cannot_be_opened_is_no_endless_loop(tmp_path):
    broken = tmp_path / "published.duckdb"
    broken.write_text("no database")
    with pytest.raises(duckdb.Error):
        connect(broken, read_only=True)
    with pytest.raises(duckdb.Error):
        connect(tmp_path / "missing.duckdb", read_only=True)


def test_the_file_explains_itself(warehouse, tmp_path):
    target = tmp_path / "published.duckdb"
    counts = publish(warehouse, target, TABLES, publication(1))
    assert counts == {"customer_facts": 1, "segment_summary": 1}
    with duckdb.connect(str(target), read_only=True) as connection:
        dictionary = connection.execute(
            "select table_name, column_name, description from marts.data_dictionary"
        ).fetchall()
        comment = connection.execute(
            "select comment from duckdb_tables() where table_name = 'customer_facts'"
        ).fetchone()
        storage = connection.execute(
            "select tags from duckdb_databases() where database_name = 'published'"
        ).fetchone()
    assert dictionary == [
        ("customer_facts", "customer_id", "Who."),
        ("segment_summary", "segment", "It's what."),
    ]
    assert comment == ("One row per customer.",)
    assert "v1.0.0" in str(storage)


def test_a_file_that_failed_to_load_keeps_the_old_publication(warehouse, tmp_path):
    target = tmp_path / "published.duckdb"
    publish(warehouse, target, TABLES, publication(1))
    with warehouse.write() as connection:
        connection.execute(
            "insert into raw.failed_files values ('pos/order_lines/a.csv', 'why', null)"
        )
    build(warehouse, 2)
    with pytest.raises(NotPublishedError, match=r"pos/order_lines/a\.csv: why"):
        publish(warehouse, target, TABLES, publication(2))
    assert read(target) == ({"1"}, True)
    with warehouse.write() as connection:
        connection.execute("update raw.failed_files set resolved_at = now()")
    publish(warehouse, target, TABLES, publication(2))
    assert read(target) == ({"2"}, True)


def test_marts_of_another_day_are_not_published(warehouse, tmp_path):
    target = tmp_path / "published.duckdb"
    other = Publication(run_id="2", as_of_date=dt.date(2024, 3, 1), code_version="0")
    with pytest.raises(NotPublishedError, match="describe 2024-02-01, the run 2024-03"):
        publish(warehouse, target, TABLES, other)
    assert not target.exists()


def test_a_broken_copy_leaves_the_old_file_and_no_other(warehouse, tmp_path):
    target = tmp_path / "out" / "published.duckdb"
    publish(warehouse, target, TABLES, publication(1))
    missing = PublishedTable("no_such_mart", "One row per nothing.", {})
    with pytest.raises(duckdb.CatalogException):
        publish(warehouse, target, [*TABLES, missing], publication(2))
    assert read(target) == ({"1"}, True)
    assert [path.name for path in target.parent.iterdir()] == ["published.duckdb"]


SALES = [
    PublishedTable("sales", "One row per sale.", {"sale": "It."}, divided_by="day"),
    PublishedTable("shops", "One row per shop.", {"shop": "It."}),
]


@pytest.fixture
def sales(warehouse):
    with warehouse.write() as connection:
        connection.execute(
            "create table marts.sales as select day, sale from (values "
            "(date '2024-01-01', 1), (date '2024-01-01', 2), (date '2024-01-02', 3)"
            ", (date '2024-01-03', 4)) as sales (day, sale)"
        )
        connection.execute("create table marts.shops as select 'a' as shop")
    return warehouse


def change(warehouse, statement):
    with warehouse.write() as connection:
        connection.execute(statement)


def mark(target):
    """Put a row into each table that no mart has; it stays until it is written anew."""
    with duckdb.connect(str(target)) as connection:
        connection.execute(
            "insert into marts.sales select distinct day, -1 from marts.sales"
        )
        connection.execute("insert into marts.shops values ('marked')")


def sales_of(target):
    with duckdb.connect(str(target), read_only=True) as connection:
        sales = connection.execute(
            "select day(day), sale from marts.sales order by all"
        ).fetchall()
        shops = connection.execute("select shop from marts.shops order by 1").fetchall()
    return sales, [shop for (shop,) in shops]


def test_only_days_that_changed_are_written_again(sales, tmp_path):
    target = tmp_path / "published.duckdb"
    publish(sales, target, SALES, publication(1))
    mark(target)
    # One day gets another value, one is gone, one is new; the first is as it was.
    change(sales, "update marts.sales set sale = 30 where sale = 3")
    change(sales, "delete from marts.sales where sale = 4")
    change(sales, "insert into marts.sales values (date '2024-01-04', 5)")
    counts = publish(sales, target, SALES, publication(2))
    assert counts == {"sales": 4, "shops": 1}
    assert sales_of(target) == (
        [(1, -1), (1, 1), (1, 2), (2, 30), (4, 5)],
        ["a", "marked"],
    )
    # Afterwards they are known as they are now.
    mark(target)
    publish(sales, target, SALES, publication(3))
    assert len(sales_of(target)[0]) == 5 + 3


def test_a_repeated_row_and_a_swap_between_days_are_changes(sales, tmp_path):
    target = tmp_path / "published.duckdb"
    publish(sales, target, SALES, publication(1))
    change(sales, "insert into marts.sales values (date '2024-01-03', 4)")
    change(sales, "update marts.sales set sale = 4 - sale where sale in (1, 3)")
    change(sales, "insert into marts.shops values ('b'), ('b')")
    publish(sales, target, SALES, publication(2))
    assert sales_of(target) == (
        [(1, 2), (1, 3), (2, 1), (3, 4), (3, 4)],
        ["a", "b", "b"],
    )


@pytest.mark.parametrize(
    "after",
    [
        pytest.param({"anew": True}, id="told to"),
        pytest.param(
            {"tables": [SALES[0], PublishedTable("shops", "A shop.", {"shop": "It."})]},
            id="another description",
        ),
    ],
)
def test_a_file_made_anew_takes_nothing_over(sales, tmp_path, after):
    target = tmp_path / "published.duckdb"
    publish(sales, target, SALES, publication(1))
    mark(target)
    arguments = {"tables": SALES} | after
    publish(sales, target, publication=publication(2), **arguments)
    assert sales_of(target) == ([(1, 1), (1, 2), (2, 3), (3, 4)], ["a"])


def test_a_table_with_another_type_is_written_again(sales, tmp_path):
    target = tmp_path / "published.duckdb"
    publish(sales, target, SALES, publication(1))
    change(sales, "alter table marts.sales alter sale type bigint")
    publish(sales, target, SALES, publication(2))
    with duckdb.connect(str(target), read_only=True) as connection:
        types = connection.execute(
            "select column_name, data_type, description from marts.data_dictionary "
            "where table_name = 'sales'"
        ).fetchall()
    assert types == [("sale", "BIGINT", "It.")]


@pytest.fixture
def doubled(sales):
    """Sales as a view over a table of another schema, whose days it follows."""
    change(sales, "create schema intermediate")
    change(sales, "create table intermediate.sold as from marts.sales")
    change(sales, "drop table marts.sales")
    change(
        sales,
        "create view marts.sales as "
        "select day, 2 * sale as sale from intermediate.sold",
    )
    return sales


FOLLOWING = [
    PublishedTable(
        "sales",
        "One row per sale.",
        {"sale": "It."},
        divided_by="day",
        follows=("intermediate.sold",),
    ),
    SALES[1],
]


def test_a_view_is_written_again_where_what_it_follows_changed(doubled, tmp_path):
    target = tmp_path / "published.duckdb"
    publish(doubled, target, FOLLOWING, of_whole_job(1))
    mark(target)
    change(doubled, "update intermediate.sold set sale = 30 where sale = 3")
    change(doubled, "delete from intermediate.sold where sale = 4")
    assert publish(doubled, target, FOLLOWING, of_whole_job(2))["sales"] == 3
    assert sales_of(target)[0] == [(1, -1), (1, 2), (1, 4), (2, 60)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # The same project has the same views: they aren't looked at themselves.
        ("project", "project", [(1, 2), (1, 4), (2, 6), (3, 8)]),
        ("another project", "project", [(1, 3), (1, 6), (2, 9), (3, 12)]),
        ("", "", [(1, 3), (1, 6), (2, 9), (3, 12)]),
    ],
)
def test_a_view_of_other_code_is_written_again(
    doubled, tmp_path, before, after, expected
):
    target = tmp_path / "published.duckdb"
    publish(doubled, target, FOLLOWING, Publication("1", DAY, "0", before))
    change(
        doubled,
        "create or replace view marts.sales as "
        "select day, 3 * sale as sale from intermediate.sold",
    )
    publish(doubled, target, FOLLOWING, Publication("2", DAY, "0", after))
    assert sales_of(target)[0] == expected


def test_an_emptied_table_is_empty_and_a_filled_one_filled(sales, tmp_path):
    target = tmp_path / "published.duckdb"
    for statement, expected in (
        ("delete from marts.sales", []),
        ("insert into marts.sales values (date '2024-01-05', 9)", [(5, 9)]),
    ):
        change(sales, statement)
        publish(sales, target, SALES, publication(1))
        assert sales_of(target)[0] == expected


def of_whole_job(number):
    return Publication(str(number), DAY, "0", "project", is_tested=True)


def test_a_published_run_says_up_to_which_load_it_tested(warehouse, tmp_path):
    target = tmp_path / "published.duckdb"
    assert newest_tested_load(warehouse, target, "project") is None
    change(
        warehouse,
        "insert into raw.load_manifest values "
        "(1, 's', 'e', 'loaded', 5, timestamp '2024-02-01 03:00:00'), "
        "(2, 's', 'e', 'loaded', 5, timestamp '2024-02-01 03:00:00')",
    )
    publish(warehouse, target, TABLES, of_whole_job(1))
    assert newest_tested_load(warehouse, target, "project") == 2
    # What has landed since is not tested yet.
    change(
        warehouse,
        "insert into raw.load_manifest select 3, * exclude load_id "
        "from raw.load_manifest where load_id = 2",
    )
    assert newest_tested_load(warehouse, target, "project") == 2
    assert newest_tested_load(warehouse, target, "another project") is None
    # A run that builds a part of the graph has not tested the rest.
    publish(warehouse, target, TABLES, publication(2))
    assert newest_tested_load(warehouse, target, "project") is None
    # A new warehouse counts its loads from 1 again.
    publish(warehouse, target, TABLES, of_whole_job(3))
    change(
        warehouse,
        "update raw.load_manifest set loaded_at = timestamp '2024-03-01 03:00:00'",
    )
    assert newest_tested_load(warehouse, target, "project") is None


def test_only_models_that_say_so_are_published():
    def node(name, meta, kind="model"):
        return {
            "name": name,
            "resource_type": kind,
            "description": "One row per x.",
            "columns": {"x": {"name": "x", "description": "X."}},
            "depends_on": {"nodes": []},
            "config": {"meta": meta},
        }

    manifest = {
        "nodes": {
            "b": node("b", {"publish": True}),
            "a": node("a", {"publish": True}),
            "c": node("c", {"publish": False}),
            "d": node("d", {}),
            "e": node("e", {"publish": True}, kind="test"),
        }
    }
    assert [t.name for t in published_tables(json.loads(json.dumps(manifest)))] == [
        "a",
        "b",
    ]


def graph(**parents):
    """Return a manifest of models with their parents; `b` says that it follows `a`."""
    return {
        "nodes": {
            name: {
                "name": name,
                "schema": "intermediate",
                "resource_type": "seed" if name == "seed" else "model",
                "description": "One row per x.",
                "columns": {},
                "depends_on": {"nodes": nodes},
                "config": {"meta": {"publish": name == "b", "follows": ["a"]}},
            }
            for name, nodes in parents.items()
        }
    }


def test_a_model_follows_what_it_says_if_it_reads_nothing_else():
    follows = {
        name: published_tables(graph(**parents))[0].follows
        for name, parents in {
            "directly": {"a": ["source"], "b": ["a"]},
            "through others": {"a": ["source"], "c": ["a"], "b": ["c", "a"]},
            "beside a seed": {"a": ["source"], "seed": [], "b": ["a", "seed"]},
            "beside another": {"a": ["source"], "c": ["source"], "b": ["a", "c"]},
            "beside what reads nothing": {"a": ["source"], "c": [], "b": ["a", "c"]},
        }.items()
    }
    assert follows == {
        "directly": ("intermediate.a",),
        "through others": ("intermediate.a",),
        "beside a seed": ("intermediate.a",),
        "beside another": (),
        "beside what reads nothing": (),
    }


def test_a_model_follows_models_only():
    with pytest.raises(ValueError, match="b follows a; expected names of models"):
        published_tables(graph(c=["source"], b=["c"]))


def test_views_by_date_follow_the_tables_under_them():
    """As long as no segment reads anything else; then it is looked at itself."""
    tables = published_tables(json.loads(prepare_manifest().read_text()))
    assert {table.name for table in tables if table.follows} == {
        "customer_facts_by_date",
        "customer_lifecycle_by_date",
        "customer_rfm_by_date",
        "customer_rule_segments_by_date",
        "customer_segment_months",
    }


def test_the_exposure_names_exactly_what_is_published():
    manifest = json.loads(prepare_manifest().read_text())
    exposure = manifest["exposures"]["exposure.segmentary.published_marts"]
    named = {manifest["nodes"][key]["name"] for key in exposure["depends_on"]["nodes"]}
    assert named == {table.name for table in published_tables(manifest)}
