"""Customers are the same whatever came when: merges, splits, late events and answers.

Records are few and made by hand, so that every change can be told in words; random ones
follow for as long as one likes to wait.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from equality import NOT_BUILT, assert_equal, reasons, totals
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from landed import compact_identifier_key, identifier_key
from worlds import (
    IDENTIFIER_TYPES,
    LIMIT,
    WORLDS,
    Entity,
    Event,
    Record,
    accepted,
    customer_id_of,
    drop,
    in_slices,
    random_records,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from warehouses import Built, Workshop

IDENTITY = ("+identifiers", "+customer_id_changes", "+int_customer_keys")
SLICES = st.integers(min_value=1, max_value=4)

ANN = Event(1, 100, device="laptop", user="ann", email="ann@shop.example", allowed=True)
BOB = Event(2, 200, device="phone", user="bob", email="bob@shop.example", allowed=True)
CLEO = Event(3, 300, device="tablet", user="cleo", allowed=True)
# Nobody has asked this device, in a country where one must.
UNASKED = Event(4, 400, device="desk", country="DE")
WALKS = [Event(5, 500, device="walk"), Event(6, 520, device="walk")]
LATER_WALK = Event(7, 580, device="walk")
HUB = [
    Event(10 + n, 600 + n, user="hub", email=f"h{n}@shop.example") for n in range(LIMIT)
]
FIRST: list[Record] = [ANN, BOB, CLEO, UNASKED, *WALKS, LATER_WALK, *HUB]
SECOND: list[Record] = [
    # The till knows Bob by Ann's address: one customer.
    Entity("crm/contacts", "contact", 700, email="ann@shop.example", user="bob"),
    # Late: the walk never paused, the desk had been asked, the tablet is older.
    Event(20, 550, device="walk", lateness=3_000),
    Event(21, 350, device="desk", country="DE", allowed=True, lateness=3_000),
    Event(22, 50, device="tablet", lateness=3_000),
]
THIRD: list[Record] = [
    # One address too many: the hub links nothing any more.
    Event(30, 800, user="hub", email="h4@shop.example"),
    # The tablet has a second user: it is nobody's.
    Event(31, 900, device="tablet", user="dora"),
    # Late: who walked had refused after the first event.
    Event(32, 510, device="walk", allowed=False, lateness=3_000),
    # Another copy of Bob's event was received before: Rob's it was.
    replace(BOB, user="rob", lateness=-1),
]


def customers(built: Built) -> dict[str, str | None]:
    return dict(built.rows("select identifier_key, customer_id from marts.identifiers"))


def together(built: Built, *identifiers: tuple[str, str]) -> bool:
    """Return whether identifiers are one customer, and there is nothing else in it."""
    keys = {identifier_key(*identifier) for identifier in identifiers}
    found = customers(built)
    ids = {found[key] for key in keys}
    return len(ids) == 1 and keys == {key for key in found if found[key] in ids}


def sessions(built: Built, device: str) -> list[tuple[int]]:
    return built.rows(
        "select n_events from marts.fct_sessions where device_key = ?"
        " order by started_at",
        compact_identifier_key("anonymous_id", device),
    )


def test_every_change_comes_out_as_if_all_had_been_there_at_once(
    workshop: Workshop, tmp_path: Path
) -> None:
    built = workshop.new(WORLDS)
    landing = tmp_path / "landing"
    changes: list[set[str]] = []
    states: list[Built] = []
    landed: list[Record] = []
    for number, records in enumerate((FIRST, SECOND, THIRD)):
        land_and_build(built, records, landing, str(number))
        landed += records
        assert customers(built) == resolve(landed).customers
        (n_accepted,) = built.row("select count(*) from marts.fct_events")
        assert n_accepted == len(accepted(landed))
        states.append(workshop.new(WORLDS, like=built))
        changes.append(
            {
                reason
                for (reason,) in built.rows(
                    "select change_reason from marts.customer_id_changes"
                    " where version_number = ?",
                    number + 1,
                )
            }
        )
    assert changes == [set(), {"merge", "earlier_evidence"}, {"split"}]
    first, second, third = states

    ann, bob = ("user_id", "ann"), ("user_id", "bob")
    ann_address, bob_address = (
        ("email", "ann@shop.example"),
        (
            "email",
            "bob@shop.example",
        ),
    )
    laptop, phone = ("anonymous_id", "laptop"), ("anonymous_id", "phone")
    tablet, cleo = ("anonymous_id", "tablet"), ("user_id", "cleo")
    assert together(first, ann, ann_address, laptop)
    assert together(first, bob, bob_address, phone)
    both = (ann, ann_address, laptop, bob, bob_address, phone)
    assert together(second, *both, ("crm_contact_id", "contact"))
    assert together(third, ann, ann_address, laptop, bob, ("crm_contact_id", "contact"))
    assert together(third, bob_address, phone, ("user_id", "rob"))

    addresses = [("email", f"h{n}@shop.example") for n in range(LIMIT)]
    hub = ("user_id", "hub")
    assert together(first, hub, *addresses)
    assert all(together(third, each) for each in (hub, *addresses))

    assert together(first, tablet, cleo)
    assert together(second, tablet, cleo)
    key = identifier_key(*cleo)
    assert customers(first)[key] != customers(second)[key]
    assert all(together(third, each) for each in (tablet, cleo, ("user_id", "dora")))

    assert sessions(first, "desk") == []
    assert sessions(second, "desk") == [(1,), (1,)]
    assert [sessions(state, "walk") for state in states] == [
        [(2,), (1,)],
        [(4,)],
        [(1,)],
    ]

    at_once = workshop.new(WORLDS)
    land_and_build(at_once, reversed(landed), tmp_path / "at_once", "all")
    assert_equal(third, at_once)
    assert totals(third) == totals(at_once)


def test_what_a_replaced_file_said_is_forgotten(
    workshop: Workshop, tmp_path: Path
) -> None:
    """Ann is gone with it, and the hub met one address less."""
    built = workshop.new(WORLDS)
    landing = tmp_path / "landing"
    gone: list[Record] = [ANN, HUB[0]]
    kept: list[Record] = [record for record in FIRST if record not in gone]
    drop(gone, landing, "gone")
    land_and_build(built, [*kept, *THIRD], landing, "kept", *IDENTITY)
    assert customers(built) == resolve([*FIRST, *THIRD]).customers
    hub, ann = identifier_key("user_id", "hub"), identifier_key("user_id", "ann")
    assert customers(built)[ann]
    assert dict(reasons_of_blocks(built)) == {hub: "too_many_identifiers"}
    change(
        built,
        "update raw.load_manifest set load_status = 'replaced'"
        " where file_path like '%/gone.jsonl'",
    )
    built.build("--select", *IDENTITY)
    assert ann not in customers(built)
    assert reasons_of_blocks(built) == []
    assert customers(built) == resolve([*kept, *THIRD]).customers


def test_changed_rules_hold_for_what_was_there_before(
    workshop: Workshop, tmp_path: Path
) -> None:
    """A lower limit and a longer seed count without a refresh, and so does undoing."""
    built = workshop.new(WORLDS)
    land_and_build(built, FIRST, tmp_path / "landing", "0", *IDENTITY)
    before = customers(built)
    lower = {"identity_limits": dict.fromkeys(IDENTIFIER_TYPES, LIMIT - 1)}
    stricter = workshop.new(
        replace(WORLDS, name="stricter", dbt_vars=lower), like=built
    )
    stricter.build("--select", *IDENTITY)
    assert customers(stricter) == resolve(FIRST, LIMIT - 1).customers != before
    again = workshop.new(WORLDS, like=stricter)
    again.build("--select", *IDENTITY)
    assert customers(again) == before

    ann = identifier_key("user_id", "ann")
    change(built, "insert into seeds.blocked_identifiers values ('user_id', 'ann')")
    built.build("--select", *IDENTITY, exclude=["resource_type:seed"])
    assert dict(reasons_of_blocks(built)) == {ann: "blocked_value"}
    # Her device and her address, seen at one time, are left, and one of them names her.
    hers = {key for key in before if before[key] == before[ann]} - {ann}
    name = customer_id_of(min(hers))
    assert customers(built) == before | {ann: None} | dict.fromkeys(hers, name)
    built.build("--select", *IDENTITY)
    assert customers(built) == before


def reasons_of_blocks(built: Built) -> list[tuple[str, str]]:
    return built.rows(
        "select identifier_key, block_reason from marts.identifiers"
        " where block_reason is not null"
    )


def change(built: Built, statement: str) -> None:
    with built.warehouse.write() as connection:
        connection.execute(statement)


def land_and_build(
    built: Built, records: Iterable[Record], landing: Path, name: str, *selected: str
) -> None:
    """Build what is selected, else all that can be compared."""
    drop(records, landing, name)
    assert not built.land(landing).failed
    if selected:
        built.build("--select", *selected)
    else:
        built.build(exclude=NOT_BUILT)


@pytest.mark.slow
@settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(min_value=0, max_value=2**32), n_slices=SLICES)
def test_any_slices_of_any_records_in_any_order(
    workshop: Workshop, tmp_path: Path, seed: int, n_slices: int
) -> None:
    """Copies among them; customer ids are compared as they are."""
    chance = random.Random(seed)  # noqa: S311 - records of no shop are no secrets
    records = random_records(25, chance)
    shutil.rmtree(tmp_path)
    at_once = workshop.new(WORLDS)
    land_and_build(at_once, records, tmp_path / "at_once", "all")
    assert customers_that_count(at_once) == resolve(records).customers
    built = workshop.new(WORLDS)
    for number, some in enumerate(in_slices(records, n_slices, chance)):
        land_and_build(built, some, tmp_path / "slices", str(number))
    assert_equal(built, at_once)
    assert reasons(built) == reasons(at_once)
    refreshed = workshop.new(WORLDS, like=built)
    refreshed.build("--full-refresh", exclude=NOT_BUILT)
    assert_equal(refreshed, at_once)


def customers_that_count(built: Built) -> dict[str, str]:
    return {key: name for key, name in customers(built).items() if name}
