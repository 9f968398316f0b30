"""Tools that aren't ours read the published file, in an environment of their own.

What they have is an older DuckDB than the project's: a published file must open there.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from warehouses import PROJECT

from orchestration.dictionary import read_dictionary
from orchestration.publishing import Publication, publish, published_tables
from orchestration.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from warehouses import Built

pytestmark = pytest.mark.slow

BIN = PROJECT / ".venv-bi" / "bin"

READ_WITH_DUCKDB = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
tables = connection.execute(
    "select table_name, comment from duckdb_tables() where schema_name = 'marts'"
).fetchall()
print(json.dumps({
    "version": duckdb.__version__,
    "comments": dict(tables),
    "rows": {
        name: connection.execute(f"select count(*) from marts.{name}").fetchone()[0]
        for name, _ in tables
    },
}))
"""

READ_WITH_SQLALCHEMY = """
import json, sys
import sqlalchemy as sa
engine = sa.create_engine(
    f"duckdb:///{sys.argv[1]}", connect_args={"read_only": True}
)
inspector = sa.inspect(engine)
tables = inspector.get_table_names(schema="marts")
orders = sa.Table("fct_orders", sa.MetaData(), schema="marts", autoload_with=engine)
with engine.connect() as connection:
    by_country = connection.execute(
        sa.select(orders.c.country, sa.func.count(), sa.func.sum(orders.c.net_amount))
        .where(orders.c.is_purchase).group_by(orders.c.country)
    ).fetchall()
print(json.dumps({
    "columns": {
        name: {
            column["name"]: column["comment"]
            for column in inspector.get_columns(name, "marts")
        }
        for name in tables
    },
    "by_country": [list(row) for row in by_country],
}, default=str))
"""


@pytest.fixture(scope="module")
def published(
    storefront: Built, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, int]]:
    manifest = storefront.manifest()
    path = tmp_path_factory.mktemp("published") / "segmentary.duckdb"
    settings = Settings(
        state=path.parent,
        landing=path.parent,
        dbt_vars=dict(storefront.data_set.dbt_vars),
        default_as_of_date=None,
        salt=None,
    )
    counts = publish(
        storefront.warehouse,
        path,
        published_tables(manifest),
        Publication(
            "run",
            storefront.data_set.as_of,
            "0",
            dictionary=read_dictionary(manifest, settings),
        ),
    )
    return path, counts


def run(command: Sequence[str | Path], path: Path, folder: Path) -> str:
    """Run a program of the other environment; it may write into `folder` only."""
    if not (BIN / "python").exists():
        pytest.skip(f"no environment {BIN.parent.name}: `make test-all` makes it")
    own = {"SEGMENTARY", "DAGSTER", "DBT", "VIRTUAL"}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.partition("_")[0] not in own
    }
    environment |= {
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "DO_NOT_TRACK": "1",
        "SEGMENTARY_PUBLISHED": str(path),
    }
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def asked(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_an_older_duckdb_opens_the_file_and_reads_every_table(
    published: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    path, counts = published
    told = json.loads(
        run([BIN / "python", "-c", READ_WITH_DUCKDB, path], path, tmp_path)
    )
    assert told["version"].startswith("1.1.")
    assert {name: told["rows"][name] for name in counts} == counts
    assert told["comments"]["fct_orders"].startswith("One row per order")
    assert told["rows"]["data_dictionary"] > 300
    assert told["rows"]["metric_dictionary"] > 5


def test_sqlalchemy_sees_the_dictionarys_columns_and_sums_orders(
    published: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    path, counts = published
    told = json.loads(
        run([BIN / "python", "-c", READ_WITH_SQLALCHEMY, path], path, tmp_path)
    )
    dictionary: dict[str, dict[str, str]] = {}
    for table, column, description in asked(
        path, "select table_name, column_name, description from marts.data_dictionary"
    ):
        dictionary.setdefault(table, {})[column] = description
    assert set(dictionary) == set(counts)
    assert {name: told["columns"][name] for name in counts} == dictionary
    expected = asked(
        path,
        "select country, count(*), sum(net_amount) :: varchar from marts.fct_orders "
        "where is_purchase group by country",
    )
    assert len(expected) > 2
    assert sorted(map(tuple, told["by_country"]), key=str) == sorted(expected, key=str)


BOARD = PROJECT / "docs" / "bi"


def test_dbt_charts_draws_the_example_board_from_the_file(
    published: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    path, _ = published
    render = [BIN / "dct", "render", BOARD / "charts" / "segments.yml"]
    render += ["--project-dir", BOARD, "--no-cache", "--format"]
    run([*render, "data", "-o", tmp_path / "board.json"], path, tmp_path)
    queries = json.loads((tmp_path / "board.json").read_text())["queries"]
    segments = [tuple(row.values()) for row in queries["segments"]["rows"]]
    assert segments == [
        (segment, n_customers, pytest.approx(float(net_amount)))
        for segment, n_customers, net_amount in asked(
            path,
            "select segment, n_customers, net_amount from marts.segment_summary "
            "where segment_set = 'rfm' order by n_customers desc, segment",
        )
    ]
    revenue = sum(row["revenue"] for row in queries["months"]["rows"])
    assert revenue == pytest.approx(
        float(asked(path, "select sum(net_amount) from marts.fct_order_lines")[0][0])
    )
    run([*render, "html", "-o", tmp_path / "board.html"], path, tmp_path)
    page = (tmp_path / "board.html").read_text()
    assert "champions" in page
    assert "<svg" in page
