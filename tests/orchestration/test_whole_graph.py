"""The whole job from the command line on a few files, good and bad."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration.defs.alerts import digest_of

ROOT = Path(__file__).parents[2]
LINES = """\
order_id,line_id,ordered_at,product_id,quantity,unit_price,customer_id,line_status
o1,1,2024-01-10 10:00:00,p1,1,10.00,ada,completed
o2,1,2024-02-10 10:00:00,p1,2,10.00,ada,completed
o3,1,2024-02-20 10:00:00,p2,1,25.00,bob,completed
o3,2,2024-03-02 10:00:00,p2,-1,25.00,bob,returned
o4,1,2024-03-03 10:00:00,p1,1,10.00,,completed
"""
# Somebody who can be named, as typed and as a model would compare it.
EMAIL, PHONE = "Ada.Canary@Shop.Example", "+1 (212) 555-0199"
NUMBER = "+12125550199"
CANARIES = (EMAIL.lower(), PHONE, "2125550199", "ada.canary%40shop.example")
# What a careless export puts where no address belongs.
CARELESS_LINES = f"""\
order_id,line_id,ordered_at,product_id,product_name,quantity,unit_price,customer_id,country
{EMAIL},{EMAIL},2024-03-04 10:00:00,{EMAIL},Gift for {EMAIL},1,10.00,,{EMAIL}
x,1,2024-03-04 10:00:00,{NUMBER},Call {NUMBER},1,10.00,{NUMBER},{NUMBER}
"""
CARELESS_PRODUCTS = f"""\
product_id,product_name,category,subcategory,brand
{EMAIL},Gift for {EMAIL},{EMAIL},{EMAIL},{EMAIL}
"""
CARELESS_ATTRIBUTES = f"""\
key,attribute,value,as_of_date
ada,address,mail {EMAIL},2024-01-01
ada,telephone,{NUMBER},2024-01-01
ada,{EMAIL},yes,2024-01-01
{EMAIL},loves,tea,2024-01-01
"""
EVENT = {
    "messageId": "m1",
    "type": "identify",
    "anonymousId": "d1",
    "userId": "ada",
    "traits": {"email": EMAIL, "phone": PHONE},
    "context": {"location": {"country": "US"}},
    "timestamp": "2024-02-10T10:00:00Z",
    "receivedAt": "2024-02-10T10:00:01Z",
}


def careless_event(number: int, contact: str) -> dict[str, Any]:
    """Return an event with a person's contact wherever there is a text."""
    encoded = contact.replace("@", "%40").replace("+", "%2B")
    return {
        "messageId": f"{contact} {number}",
        "type": "track",
        "event": f"Mailed {contact}",
        "anonymousId": contact,
        "userId": contact,
        "context": {
            "location": {"country": "US"},
            "page": {"path": f"/u/{encoded}/#{contact}", "referrer": f"/{contact}"},
            "campaign": dict.fromkeys(("source", "medium", "name"), contact),
            "device": {"type": contact},
        },
        "properties": dict.fromkeys(
            ("product_id", "order_id", "category", "currency"), contact
        ),
        "timestamp": "2024-02-11T10:00:00Z",
        "receivedAt": "2024-02-11T10:00:01Z",
    }


class Shop:
    """A state and a landing folder, and the command line over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""
        self.landing = folder / "landing" / "pos" / "order_lines"
        self.landing.mkdir(parents=True)
        (self.landing / "lines.csv").write_text(LINES)
        events = folder / "landing" / "segment" / "events"
        events.mkdir(parents=True)
        (events / "events.jsonl").write_text(json.dumps(EVENT))
        # A copy of half of it can't be read.
        (events / "torn.jsonl").write_text(json.dumps(EVENT)[:-20])
        # Nobody at the till was asked.
        self.vars = folder / "vars.yml"
        self.vars.write_text("unknown_personalization_consent: allowed\n")

    def land_carelessly(self) -> None:
        careless = [careless_event(1, EMAIL), careless_event(2, NUMBER)]
        for path, text in (
            (f"segment/events/{EMAIL}.jsonl", "\n".join(map(json.dumps, careless))),
            ("pos/order_lines/careless.csv", CARELESS_LINES),
            ("catalog/products/all.csv", CARELESS_PRODUCTS),
            ("third_party/attributes/all.csv", CARELESS_ATTRIBUTES),
        ):
            file = self.folder / "landing" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self._run(*arguments)
        self.said += done.stdout + done.stderr
        return done

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "SEGMENTARY_STATE": str(self.folder / "state"),
            "SEGMENTARY_LANDING": str(self.folder / "landing"),
            "SEGMENTARY_VARS": str(self.vars),
            # All that dbt can say of a run is looked at for names.
            "DBT_LOG_LEVEL_FILE": "debug",
        }
        environment.pop("DAGSTER_HOME")
        # As many threads at once as a user has.
        environment.pop("SEGMENTARY_DBT_THREADS")
        return subprocess.run(
            [sys.executable, "-m", "orchestration", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def published(self, query: str) -> list[tuple]:
        path = self.folder / "state" / "published" / "segmentary.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def write(self, statement: str) -> None:
        with duckdb.connect(
            str(self.folder / "state" / "warehouse.duckdb")
        ) as warehouse:
            warehouse.execute(statement)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("shop"))
    first = shop.run("run", "--replay", "--as-of", "2024-03-10")
    assert first.returncode == 0, first.stdout + first.stderr
    return shop


def test_the_published_file_holds_the_run(shop):
    assert shop.published("select as_of_date::varchar from marts.publication") == [
        ("2024-03-10",)
    ]
    # By hand: ada bought for 10 + 20, bob for 25 and gave it back, o4 is nobody's.
    assert shop.published(
        "select user_id, customer_facts.n_orders, net_amount::double "
        "from marts.customer_facts inner join marts.dim_customers using (customer_id) "
        "order by 1"
    ) == [("ada", 2, 30.0), ("bob", 1, 0.0)]
    assert shop.published(
        "select line_type, count(*) from marts.fct_order_lines group by 1 order by 1"
    ) == [("no_customer", 1), ("purchase", 3), ("return", 1)]


def test_the_report_is_of_the_published_run(shop):
    ((run_id,),) = shop.published("select run_id from marts.publication")
    reports = shop.folder / "state" / "reports"
    report = reports / f"2024-03-10-{run_id[:8]}" / "index.html"
    assert f">{run_id}</data>" in report.read_text()
    assert (
        f'href="{report.parent.name}/index.html"'
        in (reports / "index.html").read_text()
    )


def test_history_reaches_back_to_the_first_month_end(shop):
    points = shop.published(
        "select distinct as_of_date::varchar from marts.segment_transitions order by 1"
    )
    assert points == [("2024-03-01",), ("2024-03-10",)]
    # February: ada, new in January, bought again; bob came.
    assert shop.published(
        "select from_segment, to_segment, n_customers from marts.segment_transitions "
        "where as_of_date = '2024-03-01' and segment_set = 'lifecycle' order by 1"
    ) == [("new", "active", 1), ("none", "new", 1)]


def test_too_few_customers_are_one_cluster_with_a_reason(shop):
    assert shop.published(
        "select distinct working_name from marts.customer_clusters"
    ) == [("all customers",)]


@dataclass(frozen=True)
class Outcome:
    """What a run said, and which run is published after it."""

    done: subprocess.CompletedProcess[str]
    published_run: str


@dataclass(frozen=True)
class Troubles:
    """Runs after the first, and the digest of the one that failed a test."""

    first_run: str
    broken: Outcome
    digest: list[str]
    mended: Outcome


def run_again(shop):
    done = shop.run("run", "--as-of", "2024-03-10")
    return Outcome(done, published_run(shop))


def published_run(shop):
    ((run_id,),) = shop.published("select run_id from marts.publication")
    return run_id


@pytest.fixture(scope="module")
def troubles(shop):
    """A test fails; then all is well, with careless files."""
    first_run = published_run(shop)
    shop.write("update raw.load_manifest set n_records = n_records + 1")
    broken = run_again(shop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTARY_STATE", str(shop.folder / "state"))
        with dg.DagsterInstance.from_config(
            str(shop.folder / "state" / "dagster")
        ) as instance:
            (newest,) = instance.get_run_records(limit=1)
            digest = digest_of(instance, newest.dagster_run.run_id)
    shop.write("update raw.load_manifest set n_records = n_records - 1")
    shop.land_carelessly()
    return Troubles(first_run, broken, digest.text().splitlines(), run_again(shop))


def test_a_run_that_fails_a_test_names_it_and_is_not_published(troubles):
    assert troubles.broken.done.returncode == 1
    assert "row_accounting_adds_up" in troubles.broken.done.stdout
    assert troubles.broken.published_run == troubles.first_run


def test_a_failed_run_is_told_with_what_the_marts_say(troubles):
    """The failed test is in the step before the check on late sources."""
    said = troubles.digest
    assert "segmentary failed" in said[0]
    assert any("row_accounting_adds_up" in line for line in said)
    assert (
        "- pos.order_lines: newest record of 2024-03-03, 7 days old, 2 allowed" in said
    )
    assert any(
        line.startswith("Late sources (not looked for in this run; by the marts as of ")
        for line in said
    )


def test_the_next_good_run_is_published(troubles):
    done = troubles.mended.done
    assert done.returncode == 0, done.stdout + done.stderr
    assert troubles.mended.published_run != troubles.first_run


@dataclass(frozen=True)
class Refused:
    """What an earlier day's run said, with a file that it can't read."""

    done: subprocess.CompletedProcess[str]
    before: str
    after: str


@pytest.fixture(scope="module")
def refused(shop, troubles):
    (shop.landing / "empty.csv").write_text("")
    done = shop.run("run", "--as-of", "2024-02-15")
    (shop.landing / "empty.csv").unlink()
    return Refused(done, troubles.mended.published_run, published_run(shop))


def test_an_earlier_day_is_refused_with_both_dates(refused):
    assert refused.done.returncode == 1
    # The careless files brought customers after the month-end.
    assert "as_of_date 2024-02-15 is before 2024-03-10" in refused.done.stdout
    assert "marts/customer_facts" not in refused.done.stdout
    assert refused.after == refused.before


def test_a_file_that_cannot_be_read_is_named(refused):
    assert "pos/order_lines/empty.csv" in refused.done.stdout


def canaries_in(content: bytes) -> list[str]:
    lowered = content.lower()
    return [canary for canary in CANARIES if canary.encode() in lowered]


@pytest.mark.usefixtures("refused")
def test_no_run_names_anybody_outside_raw_and_staging(shop):
    """Runs above went well, failed a test, and met a file that they couldn't read."""
    assert shop.published(
        "select n_accepted from marts.row_accounting"
        " where file_path not like '%lines.csv' and n_accepted > 0 order by load_number"
    ) == [(1,), (1,), (2,), (2,), (4,)]
    state = shop.folder / "state"
    warehouse = state / "warehouse.duckdb"
    paths = [path for path in state.rglob("*") if path.is_file() and path != warehouse]
    folders = {path.relative_to(state).parts[0] for path in paths}
    assert {"dagster", "published"} <= folders
    # Dagster's events, and what dbt wrote about itself, are among them.
    assert any(path.suffix == ".db" for path in paths)
    assert {"manifest.json", "run_results.json"} <= {path.name for path in paths}
    assert [path for path in paths if canaries_in(path.read_bytes())] == []
    assert canaries_in(shop.said.encode()) == []
    # The file of the marts is compressed: asked column by column.
    columns = shop.published(
        "select table_name, column_name from duckdb_columns()"
        " where data_type = 'VARCHAR' and not internal"
    )
    assert len(columns) > 100
    for table, column in columns:
        texts = shop.published(f'select distinct "{column}" from marts.{table}')
        assert canaries_in(repr(texts).encode()) == [], (table, column)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        inner = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where data_type = 'VARCHAR'"
            " and schema_name in ('intermediate', 'snapshots', 'python', 'linkage')"
        ).fetchall()
        assert len(inner) > 100
        for place in inner:
            schema, table, column = place
            texts = connection.execute(
                f'select distinct "{column}" from {schema}.{table}'
            ).fetchall()
            assert canaries_in(repr(texts).encode()) == [], place
        # They did land, and the search finds them where they may be.
        records = connection.execute("select record from raw.segment_events").fetchall()
    assert canaries_in(repr(records).encode()) == list(CANARIES)
    # Texts lost what names somebody, and nothing else.
    assert shop.published(
        "select distinct product_name from marts.dim_products"
        " where product_name is not null order by 1"
    ) == [("Call *",), ("Gift for *",)]
    assert shop.published(
        "select distinct landing_page_path from marts.fct_sessions"
        " where landing_page_path is not null"
    ) == [("/u/*/#*",)]
    # The person's address is one, whether it stood as address or as id.
    assert shop.published(
        "select count(*) from marts.identifiers where identifier_type = 'email_hash'"
    ) == [(1,)]


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_enough_to_publish_nothing(shop, troubles):
    """By the whole graph; `test_publishing` and `test_bad_input` have it without."""
    (shop.landing / "empty.csv").write_text("")
    unread = run_again(shop)
    (shop.landing / "empty.csv").unlink()
    assert unread.done.returncode == 1
    assert "pos/order_lines/empty.csv" in unread.done.stdout
    assert unread.published_run == troubles.mended.published_run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--as-of", "tomorrow"), "expected a date as YYYY-MM-DD"),
        (("query", "select nothing from nowhere"), "nowhere"),
    ],
)
def test_a_wrong_argument_is_a_sentence_not_a_traceback(shop, arguments, message):
    done = shop.run(*arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
