"""The history of memberships over a run of as-of dates, from an empty warehouse on.

Each fixture is one more step of one shop's life, and starts from the warehouse that a
step before left: dbt takes seconds to start, so it starts once a step.
"""

import datetime as dt
import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_calls import call_dbt

ROOT = Path(__file__).parents[2]

JANUARY, FEBRUARY, MARCH = (dt.date(2026, month, 1) for month in (1, 2, 3))
MID_MARCH = dt.date(2026, 3, 15)
HISTORY = "snapshots.snap_segment_memberships"

# Customer and day of each order.
ORDERS = (
    ("regular", "2025-11-05"),
    ("regular", "2025-12-05"),
    ("regular", "2026-01-05"),
    ("regular", "2026-02-05"),
    ("once", "2025-11-20"),
    ("entrant", "2026-01-20"),
    ("leaver", "2025-12-10"),
    ("leaver", "2026-02-10"),
)
SALT = "a salt for the shop"

# What history is made of, and what tests here compare it with.
HISTORY_NODES = (
    "+snap_segment_memberships",
    "+customer_segment_months",
    "+customer_facts",
    "segment_restatements",
)
# What a step finds as the first one left it.
SAME_AS_BEFORE = ("path:models/staging", "resource_type:seed")


def new_load(opened: duckdb.DuckDBPyConnection, n_records: int) -> int:
    """Note a file of the till's in the manifest, and return its load."""
    ((load_id,),) = opened.execute(
        "insert into raw.load_manifest (load_id, source_name, stream_name, file_path,"
        " file_size, file_sha256, load_status, n_records, n_rejected, loaded_at)"
        " select coalesce(max(load_id), 0) + 1, 'pos', 'order_lines',"
        " 'pos/order_lines/' || count(*) || '.csv', 1, 'of ' || count(*), 'loaded',"
        " ?, 0, '2026-12-31' from raw.load_manifest returning load_id",
        [n_records],
    ).fetchall()
    return int(load_id)


def customer_id(user_id: str) -> str:
    """The customer whom a till knows by nothing but a user id."""
    key = hashlib.sha256(f"{SALT}user_id:{user_id}".encode()).hexdigest()
    return hashlib.md5(f"64:{key}".encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Step:
    """A copy of the warehouse as one run left it, and what dbt said.

    All runs share one state folder: dbt parses the whole project again when the profile
    names another one.
    """

    folder: Path
    warehouse: Path | None = None
    output: str = ""
    passed: bool = True

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        assert self.warehouse is not None
        with duckdb.connect(self.warehouse, read_only=True) as opened:
            return opened.execute(sql, values).fetchall()

    def keep(self, warehouse: Path) -> Path:
        """Put a warehouse aside under a name of its own."""
        return shutil.copy(
            warehouse, self.folder / f"{len(list(self.folder.iterdir()))}.duckdb"
        )

    def sell(self, orders: Sequence[tuple[str, str]]) -> "Step":
        """Land a file of orders: customers and their days."""
        assert self.warehouse is not None
        changed = self.keep(self.warehouse)
        with duckdb.connect(changed) as opened:
            opened.execute("update raw.identifier_salt set salt = ?", [SALT])
            load_id = new_load(opened, len(orders))
            opened.executemany(
                "insert into raw.pos_order_lines (order_id, ordered_at, product_id,"
                " quantity, unit_price, customer_id, _load_id, _record_number,"
                " _loaded_at) values (?, ?, 'cup', '1', '10', ?, ?, ?, '2026-12-31')",
                [
                    (f"{customer} {day}", f"{day} 12:00:00", customer, load_id, number)
                    for number, (customer, day) in enumerate(orders, start=1)
                ],
            )
        return replace(self, warehouse=changed)

    def forget_contract(self) -> "Step":
        """Give schema `python` the shape of before it gained a column and a table."""
        assert self.warehouse is not None
        changed = self.keep(self.warehouse)
        with duckdb.connect(changed) as opened:
            opened.execute("drop table python.cluster_drift")
            opened.execute("alter table python.cluster_models drop column is_promoted")
            opened.execute(
                "insert into python.cluster_models (model_id, outcome_code) "
                "values ('old', 'no_variation')"
            )
        return replace(self, warehouse=changed)

    def lose(self, customer: str) -> "Step":
        """Land a version of all files that a customer is no longer in."""
        assert self.warehouse is not None
        changed = self.keep(self.warehouse)
        with duckdb.connect(changed) as opened:
            opened.execute("update raw.load_manifest set load_status = 'replaced'")
            opened.execute(
                "delete from raw.pos_order_lines where customer_id = ?", [customer]
            )
            n_left = len(opened.table("raw.pos_order_lines"))
            opened.execute(
                "update raw.pos_order_lines set _load_id = ?",
                [new_load(opened, n_left)],
            )
        return replace(self, warehouse=changed)

    def run(
        self,
        as_of: dt.date | str,
        *options: str,
        select: Sequence[str] = HISTORY_NODES,
        without: Sequence[str] = ("test", "unit_test"),
        exclude: Sequence[str] = (),
        project: Path = ROOT,
    ) -> "Step":
        """Build at an as-of date, given as a replay gives it; all without `select`."""
        state = self.folder.with_name("state")
        target = state / "target" if project == ROOT else project / "target"
        state.mkdir(exist_ok=True)
        if self.warehouse is not None:
            shutil.copy(self.warehouse, state / "warehouse.duckdb")
        done = call_dbt(
            [
                *("--no-use-colors", "build", *options),
                *(("--select", *select) if select else ()),
                *(("--exclude", *exclude) if exclude else ()),
                *(f"--exclude-resource-type={kind}" for kind in without),
            ],
            folder=project,
            environment=os.environ
            | {
                "DBT_PROFILES_DIR": str(ROOT),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(state / "logs"),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                "SEGMENTARY_STATE": str(state),
                "SEGMENTARY_AS_OF_DATE": str(as_of),
            },
        )
        return Step(
            self.folder,
            self.keep(state / "warehouse.duckdb"),
            done.stdout,
            done.returncode == 0,
        )

    def history(self) -> set[tuple[Any, ...]]:
        return set(self.query(f"from {HISTORY}"))

    def memberships(self) -> set[tuple[Any, ...]]:
        return set(self.query("from marts.segment_memberships"))

    def periods(self, customer: str, segment_set: str) -> list[tuple[Any, ...]]:
        """Segments of a membership with the date since which each was known."""
        return self.query(
            f"select segment, dbt_valid_from::date from {HISTORY}"
            " where customer_id = ? and segment_set = ? order by dbt_valid_from",
            customer_id(customer),
            segment_set,
        )


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Step:
    """Nothing landed yet; all models with all their tests, of data and of units."""
    folder = tmp_path_factory.mktemp("shop") / "steps"
    folder.mkdir()
    return Step(folder).run(JANUARY, select=(), without=[])


@pytest.fixture(scope="module")
def replayed(empty: Step) -> Step:
    """Three month-ends over the same records, oldest first; tests after the last."""
    step = empty.sell(ORDERS).forget_contract()
    for as_of, same in ((JANUARY, ()), (FEBRUARY, SAME_AS_BEFORE)):
        step = step.run(as_of, exclude=same)
        assert step.passed, step.output
    return step.run(MARCH, select=(), without=["unit_test"])


@pytest.fixture(scope="module")
def refreshed(replayed: Step) -> Step:
    """The newest date once more, from scratch."""
    return replayed.run(MARCH, "--full-refresh", exclude=SAME_AS_BEFORE)


@pytest.fixture(scope="module")
def how_to_project(replayed: Step) -> Path:
    """A copy of the dbt project with the lines that the how-to says to add."""
    project = replayed.folder.with_name("project")
    for name in ("models", "macros", "seeds", "snapshots", "tests/dbt"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy(ROOT / "dbt_project.yml", project)
    # Only what is changed is parsed again.
    (project / "target").mkdir()
    parsed = replayed.folder.with_name("state") / "target" / "partial_parse.msgpack"
    shutil.copy(parsed, project / "target")
    for place, anchor, file, line in how_to_steps():
        path = project / file
        head, found, tail = path.read_text().partition(anchor)
        assert found, f"{file} has no line {anchor!r}"
        before, _, indent = head.rpartition("\n")
        if place == "below":
            rest, _, tail = tail.partition("\n")
            text = f"{head}{found}{rest}\n{line}\n{tail}"
        else:
            text = f"{before}\n{line}\n{indent}{found}{tail}"
        path.write_text(text)
    return project


def how_to_steps() -> list[tuple[str, str, str, str]]:
    """Read place, line to look for, file and line to add out of the how-to."""
    text = (ROOT / "docs" / "how-to-add-a-segment.md").read_text()
    return re.findall(
        r"right (below|above) the line\s+`([^`]+)`:\n\n```\w+ (\S+)\n([^\n]+)\n```",
        text,
    )


@pytest.fixture(scope="module")
def extended(replayed: Step, how_to_project: Path) -> Step:
    """The newest date once more, with the how-to's segment, and all tests of it."""
    return replayed.run(
        MARCH,
        select=["customer_rule_segments_by_date+"],
        without=[],
        project=how_to_project,
    )


@pytest.fixture(scope="module")
def vanished(replayed: Step) -> Step:
    """A later date, without the records of one customer."""
    return replayed.lose("leaver").run(MID_MARCH, exclude=SAME_AS_BEFORE)


@pytest.fixture(scope="module")
def restated(vanished: Step) -> Step:
    """The same date again, after late records of a known and of a new customer."""
    late = [("once", "2026-02-20"), ("stranger", "2026-03-10")]
    return vanished.sell(late).run(MID_MARCH, exclude=SAME_AS_BEFORE)


@pytest.fixture(scope="module")
def refused(restated: Step) -> Step:
    """An earlier date, though the month-end before is history."""
    return restated.run(MARCH)


def test_an_empty_warehouse_builds(empty: Step) -> None:
    assert empty.passed, empty.output
    assert "unit_test" in empty.output, "no unit test has run"
    assert empty.memberships() == set()


def test_what_python_wrote_before_a_contract_grew_is_good(replayed: Step) -> None:
    assert replayed.passed, replayed.output
    models = "select model_id, is_promoted from "
    assert replayed.query(f"{models} python.cluster_models") == [("old", None)]
    # Models of before there was a comparison took over, all of them.
    staged = f"{models} staging.stg_python__cluster_models"
    assert replayed.query(staged) == [("old", True)]
    assert replayed.query("select count(*) from python.cluster_drift") == [(0,)]


def test_the_as_of_date_comes_from_the_environment(replayed: Step) -> None:
    assert replayed.passed, replayed.output
    dates = replayed.query("select distinct as_of_date from marts.segment_memberships")
    assert dates == [(MARCH,)]


def test_a_bad_as_of_date_is_named_before_anything_runs(replayed: Step) -> None:
    step = replayed.run("1 March")
    assert not step.passed
    assert "as_of_date is '1 March'; expected a date as YYYY-MM-DD" in step.output


def test_history_of_single_customers(replayed: Step) -> None:
    # One order on 20 November: 42, 73 and 101 days ago, against 2 x 45.
    assert replayed.periods("once", "lifecycle") == [
        ("active", JANUARY),
        ("lapsing", MARCH),
    ]
    # First order on 20 January: 12 and 40 days ago.
    assert replayed.periods("entrant", "lifecycle") == [
        ("new", FEBRUARY),
        ("active", MARCH),
    ]
    assert replayed.periods("leaver", "one_time_buyer") == [
        ("one_time_buyer", JANUARY),
        ("none", MARCH),
    ]


def test_a_replay_agrees_with_the_month_ends_as_known_now(replayed: Step) -> None:
    known_now = replayed.query(
        "select as_of_date, customer_id, segment_set, segment"
        " from marts.customer_segment_months where as_of_date >= ?",
        JANUARY,
    )
    known_then = replayed.query(
        "select as_of_date, customer_id, segment_set, segment"
        f" from (values (?::date), (?), (?)) as dates (as_of_date) inner join {HISTORY}"
        " on as_of_date >= dbt_valid_from"
        " and (dbt_valid_to is null or as_of_date < dbt_valid_to)"
        " where segment_set <> 'cluster'",
        *(JANUARY, FEBRUARY, MARCH),
    )
    assert sorted(known_then) == sorted(known_now)
    # Three customers, then four at two dates; RFM, lifecycle and seven rules.
    assert len(known_now) == (3 + 4 + 4) * 9


def test_every_rule_is_a_set_of_its_own(replayed: Step) -> None:
    wide = replayed.query(
        "select customer_id, is_engaged, is_high_value_mobile, is_vip,"
        " is_one_time_buyer, is_discount_driven, is_frequent_returner,"
        " is_cart_abandoner from marts.customer_rule_segments_by_date"
        " where as_of_date = ?",
        MARCH,
    )
    rules = (
        *("engaged", "high_value_mobile", "vip", "one_time_buyer"),
        *("discount_driven", "frequent_returner", "cart_abandoner"),
    )
    expected = {
        (customer, rule, rule if holds else "none")
        for customer, *flags in wide
        for rule, holds in zip(rules, flags, strict=True)
    }
    long = replayed.query(
        "select customer_id, segment_set, segment from marts.segment_memberships"
        " where segment_set not in ('rfm', 'lifecycle', 'cluster')"
    )
    assert set(long) == expected
    assert (customer_id("once"), "one_time_buyer", "one_time_buyer") in expected


def test_a_segment_takes_one_line_of_sql_and_one_of_yaml(
    replayed: Step, extended: Step
) -> None:
    """As the how-to has them, for its repeat buyers with two orders or more."""
    assert [(file, line.count("\n")) for _, _, file, line in how_to_steps()] == [
        ("models/marts/segments/customer_rule_segments_by_date.sql", 0),
        ("models/marts/segments/_segments__models.yml", 0),
    ]
    assert extended.passed, extended.output
    assert "unit_test" in extended.output
    assert not replayed.query(
        "from marts.segment_memberships where segment_set = 'repeat_buyer'"
    )
    # Orders by then: regular 2, 3 and 4; leaver 1, 1 and 2; the others one at most.
    months = extended.query(
        "select as_of_date, customer_id from marts.customer_segment_months"
        " where segment = 'repeat_buyer' and as_of_date >= ?",
        JANUARY,
    )
    regular, leaver = customer_id("regular"), customer_id("leaver")
    assert sorted(months) == sorted(
        [(JANUARY, regular), (FEBRUARY, regular), (MARCH, regular), (MARCH, leaver)]
    )
    memberships = extended.query(
        "select customer_id, segment from marts.segment_memberships"
        " where segment_set = 'repeat_buyer'"
    )
    assert len(memberships) == 4
    assert {one for one, segment in memberships if segment == "repeat_buyer"} == {
        regular,
        leaver,
    }
    sizes = extended.query(
        "select segment, n_customers from marts.segment_summary"
        " where segment_set = 'repeat_buyer'"
    )
    assert sorted(sizes) == [("none", 2), ("repeat_buyer", 2)]
    # History knows no such set yet, so everybody's is news to it.
    news = extended.query(
        "select known_then_segment, count(*) from marts.segment_restatements"
        " where segment_set = 'repeat_buyer' group by 1"
    )
    assert news == [(None, 4)]


def test_the_new_segment_has_its_priority_and_overlaps(extended: Step) -> None:
    primary = extended.query(
        "select customer_id, segment, priority_number, n_rule_segments"
        " from marts.customer_primary_segments where customer_id = ?",
        customer_id("leaver"),
    )
    # Two orders of four customers, the fewest being one: no vip, so only the last rule.
    assert primary == [(customer_id("leaver"), "repeat_buyer", 80, 1)]
    pairs = extended.query(
        "select n_other_customers, n_shared_customers"
        " from marts.rule_segment_overlaps"
        " where segment = 'one_time_buyer' and other_segment = 'repeat_buyer'"
    )
    assert pairs == [(2, 0)]
    # Eight rules make 28 pairs.
    assert extended.query("select count(*) from marts.rule_segment_overlaps") == [(28,)]


def test_a_full_refresh_changes_nothing(replayed: Step, refreshed: Step) -> None:
    assert refreshed.passed, refreshed.output
    assert refreshed.memberships() == replayed.memberships()
    assert refreshed.history() == replayed.history()
    assert refreshed.query("from marts.segment_restatements") == []


def test_a_vanished_customer_is_in_no_segment(vanished: Step) -> None:
    assert vanished.passed, vanished.output
    sets = vanished.query("select distinct segment_set from marts.segment_memberships")
    left = vanished.query(
        "select segment_set, segment from marts.segment_memberships"
        " where customer_id = ?",
        customer_id("leaver"),
    )
    assert sorted(left) == sorted((name, "none") for (name,) in sets)
    assert vanished.periods("leaver", "lifecycle")[-1] == ("none", MID_MARCH)


def test_the_same_date_again_leaves_history_alone(
    vanished: Step, restated: Step
) -> None:
    assert restated.passed, restated.output
    assert restated.history() == vanished.history()


def test_the_same_date_again_reports_what_it_would_say_now(restated: Step) -> None:
    found = restated.query(
        "select customer_id, known_then_segment, known_now_segment"
        " from marts.segment_restatements where segment_set = 'lifecycle'"
    )
    # A second order 23 days ago after 92 days; a first one 5 days ago.
    assert set(found) == {
        (customer_id("once"), "lapsing", "active"),
        (customer_id("stranger"), None, "new"),
    }


def test_whoever_vanished_stays(restated: Step) -> None:
    left = restated.query(
        "select distinct segment from marts.segment_memberships where customer_id = ?",
        customer_id("leaver"),
    )
    assert left == [("none",)]


def test_an_earlier_date_is_refused_and_changes_nothing(
    restated: Step, refused: Step
) -> None:
    assert not refused.passed
    assert "as_of_date 2026-03-01 is before 2026-03-15" in refused.output
    assert refused.history() == restated.history()
    assert refused.memberships() == restated.memberships()
    facts = "select distinct as_of_date from marts.customer_facts"
    assert refused.query(facts) == [(MID_MARCH,)]
