"""Which rows dbt's tests look at: every one, or those that a run may have changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from dbt_calls import call_dbt
from warehouses import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from warehouses import Built, Workshop

# Rows of loads up to the first were tested before; the second brought new ones.
TESTED, NEW = 40, 41

# What tells a row's age, and by what it is repeated: once under its own load, once as
# the row of a new load that repeats the key of an old one, once by a key that says in
# another table which rows are new, once by the date described, once by the date from
# which on a row holds.
EVENTS = "staging.int_events_unioned"
SESSIONIZED = "intermediate.int_events_sessionized"
VERSIONS = "intermediate.int_customer_id_versions"
SESSIONS = "intermediate.int_sessions"
FACTS = "intermediate.int_customer_month_facts"
MEMBERSHIPS = "snapshots.snap_segment_memberships"
KEY_TESTS = {
    "int_events_classified": "unique_combination_int_events_classified",
    "int_customer_id_versions": "unique_combination_int_customer_id_versions",
    "int_sessions": "unique_int_sessions_session_key",
    "fct_events": "unique_fct_events_event_key",
    "customer_facts_by_date": "unique_combination_customer_facts_by_date",
    "snap_segment_memberships": "unique_snap_segment_memberships_dbt_scd_id",
    "customer_segments": "unique_combination_in_groups_customer_segments",
    "customer_segment_history": "unique_combination_customer_segment_history",
}


def age(built: Built) -> None:
    """Let rows be as old as their load, and one customer's memberships older.

    All are of the one build of a test.
    """
    for table, column in (
        (EVENTS, "classified_at_load_id"),
        (SESSIONIZED, "sessionized_at_load_id"),
    ):
        execute(built, f"update {table} set {column} = load_id")
    execute(built, f"update {VERSIONS} set load_id = {TESTED}")
    execute(
        built,
        f"update {MEMBERSHIPS} set dbt_valid_from = '2025-06-01'"
        f" where customer_id = (select min(customer_id) from {MEMBERSHIPS})",
    )


def execute(built: Built, statement: str) -> None:
    with built.warehouse.write() as connection:
        connection.execute(statement)


def repeat_old_rows(built: Built) -> None:
    execute(
        built,
        f"insert into {EVENTS} select * from {EVENTS} where load_id <= {TESTED}"
        " and reject_reason is null limit 1",
    )
    execute(built, f"insert into {VERSIONS} select * from {VERSIONS} limit 1")
    execute(
        built,
        f"insert into {SESSIONS} select * from {SESSIONS} where session_key not in ("
        f"select session_key from {SESSIONIZED} where session_key is not null"
        f" and load_id > {TESTED}) limit 1",
    )
    execute(
        built,
        f"insert into {FACTS} select * from {FACTS} where as_of_date < '2026-01-01'"
        " limit 1",
    )
    execute(
        built,
        f"insert into {MEMBERSHIPS} from {MEMBERSHIPS}"
        " where dbt_valid_from < '2026-01-01' limit 1",
    )


def repeat_rows_in_new_ones(built: Built) -> None:
    execute(
        built,
        f"insert into {EVENTS} select * from {EVENTS} where load_id = {NEW}"
        " and reject_reason is null limit 1",
    )
    execute(
        built,
        f"insert into {VERSIONS} select * replace ({NEW} as load_id)"
        f" from {VERSIONS} limit 1",
    )
    execute(
        built,
        f"insert into {SESSIONS} select * from {SESSIONS} where session_key in ("
        f"select session_key from {SESSIONIZED} where load_id = {NEW}) limit 1",
    )
    execute(
        built,
        f"insert into {FACTS} select * from {FACTS} where as_of_date = '2026-01-01'"
        " limit 1",
    )
    execute(
        built,
        f"insert into {MEMBERSHIPS} from {MEMBERSHIPS}"
        " where dbt_valid_from = '2026-01-01' limit 1",
    )


def failed_tests(built: Built, tested_load_id: str) -> set[str]:
    """Run the key tests and return the models whose test found something."""
    done = call_dbt(
        built.workshop.arguments(
            built, "test", "--select", *(f"{name}*" for name in KEY_TESTS.values())
        ),
        folder=PROJECT,
        environment=built.environment() | {"SEGMENTARY_TESTED_LOAD_ID": tested_load_id},
    )
    target = built.workshop.target(built.data_set)
    results = json.loads((target / "run_results.json").read_text())["results"]
    outcome = {
        model: {
            result["status"]
            for result in results
            if result["unique_id"].split(".")[2].startswith(test)
        }
        for model, test in KEY_TESTS.items()
    }
    assert all(found in ({"pass"}, {"fail"}) for found in outcome.values()), done.stdout
    return {model for model, found in outcome.items() if found == {"fail"}}


@pytest.mark.parametrize(
    ("plant", "changed_only", "everything"),
    [
        pytest.param(repeat_old_rows, set(), set(KEY_TESTS), id="old rows"),
        pytest.param(
            repeat_rows_in_new_ones, set(KEY_TESTS), set(KEY_TESTS), id="new rows"
        ),
    ],
)
def test_a_repeated_key_is_found_where_tests_look(
    workshop: Workshop,
    storefront: Built,
    plant: Callable[[Built], None],
    changed_only: set[str],
    everything: set[str],
) -> None:
    built = workshop.new(storefront.data_set, like=storefront)
    age(built)
    plant(built)
    assert failed_tests(built, str(TESTED)) == changed_only
    assert failed_tests(built, "") == everything


def test_a_new_copy_of_an_old_event_is_nothing_lost(
    workshop: Workshop, storefront: Built
) -> None:
    """The copy is new, and the event that it repeats stays what it was."""
    built = workshop.new(storefront.data_set, like=storefront)
    age(built)
    old_events = f"select event_key from {EVENTS} where load_id <= {TESTED}"
    assert built.row(
        f"select count(*) > 0 from {EVENTS} where load_id > {TESTED}"
        f" and copy_number > 1 and event_key in ({old_events})"
    ) == (True,)
    done = call_dbt(
        built.workshop.arguments(
            built, "test", "--select", "assert_events_are_the_accepted_records"
        ),
        folder=PROJECT,
        environment=built.environment() | {"SEGMENTARY_TESTED_LOAD_ID": str(TESTED)},
    )
    assert done.returncode == 0, done.stdout


MEMBERSHIP_MODELS = ("segment_memberships", "segment_summary")
MEMBERSHIP_TESTS = {
    "unique_combination_in_groups_segment_memberships*",
    "unique_combination_in_groups_customer_segments*",
    "segment_memberships_are_complete",
    "customer_segments_agree_with_memberships",
}


def failed_membership_tests(built: Built) -> set[str]:
    """Read memberships from the history as it is, and return what tests find."""
    done = call_dbt(
        built.workshop.arguments(
            built, "build", "--select", *MEMBERSHIP_MODELS, *sorted(MEMBERSHIP_TESTS)
        ),
        folder=PROJECT,
        environment=built.environment(),
    )
    target = built.workshop.target(built.data_set)
    results = json.loads((target / "run_results.json").read_text())["results"]
    status = {
        result["unique_id"].split(".")[2].split("__")[0]: result["status"]
        for result in results
        if result["unique_id"].startswith("test.")
    }
    assert set(status.values()) <= {"pass", "fail", "skipped"}, done.stdout
    return {test for test, found in status.items() if found == "fail"}


def test_of_a_set_that_is_no_more_newer_customers_have_no_row(
    workshop: Workshop, storefront: Built
) -> None:
    built = workshop.new(storefront.data_set, like=storefront)
    execute(
        built,
        f"insert into {MEMBERSHIPS} select * replace ('gone' as segment_set,"
        " 'none' as segment, uuid() as dbt_scd_id)"
        f" from {MEMBERSHIPS} where segment_set = 'lifecycle'"
        " and dbt_valid_to is null limit 5",
    )
    assert failed_membership_tests(built) == set()
    assert built.row(
        "select count(*) from marts.segment_memberships where segment_set = 'gone'"
    ) == (5,)


def test_members_are_told_apart_set_by_set(
    workshop: Workshop, storefront: Built
) -> None:
    """As many rows as before: somebody is there twice, and somebody isn't at all."""
    built = workshop.new(storefront.data_set, like=storefront)
    execute(
        built,
        f"update {MEMBERSHIPS} set customer_id = (select max(customer_id)"
        f" from {MEMBERSHIPS} where segment_set = 'vip' and dbt_valid_to is null)"
        " where segment_set = 'vip' and dbt_valid_to is null and customer_id ="
        f" (select min(customer_id) from {MEMBERSHIPS}"
        " where segment_set = 'vip' and dbt_valid_to is null)",
    )
    assert failed_membership_tests(built) == {
        "unique_combination_in_groups_customer_segments_customer_id",
        "customer_segments_agree_with_memberships",
    }


def test_a_date_without_any_assignment_is_found(
    workshop: Workshop, storefront: Built
) -> None:
    built = workshop.new(storefront.data_set, like=storefront)
    view = "marts.segment_assignments"
    execute(built, f"alter view {view} rename to assignments_before")
    execute(built, f"create view {view} as from marts.assignments_before where false")
    call_dbt(
        built.workshop.arguments(
            built,
            "test",
            "--select",
            "unique_combination_as_in_facts_segment_assignments*",
        ),
        folder=PROJECT,
        environment=built.environment(),
    )
    target = built.workshop.target(built.data_set)
    results = json.loads((target / "run_results.json").read_text())["results"]
    assert [
        result["status"]
        for result in results
        if result["unique_id"].startswith("test.")
    ] == ["fail"]
