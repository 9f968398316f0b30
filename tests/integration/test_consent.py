"""What nobody agreed to is nowhere, from the run on in which the answer landed."""

from __future__ import annotations

import csv
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from landed import compact_identifier_key, csv_rows, identifier_key
from warehouses import HISTORY, PROJECT, DataSet, write_csv

from orchestration.publishing import Publication, publish, published_tables

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built, Workshop

FIRST_DAY, SECOND_DAY = dt.date(2026, 2, 1), dt.date(2026, 2, 2)
ALL = {"Analytics": True, "Personalization": True, "Advertising": True}
NONE = dict.fromkeys(ALL, False)
N_GA4_EVENTS = 24_219


def event(
    number: int,
    time: str,
    device: str,
    user: str | None = None,
    **said: Any,
) -> str:
    """Return an event; `said` is its `consent` and its `country`."""
    consent, country = said.get("consent"), said.get("country", "US")
    context: dict[str, Any] = {"location": {"country": country}}
    if consent is not None:
        context["consent"] = {"categoryPreferences": consent}
    record = {
        "messageId": f"message {number}",
        "type": "page",
        "anonymousId": device,
        "userId": user,
        "context": context,
        "timestamp": f"{time}Z",
        "receivedAt": f"{time}Z",
    }
    return json.dumps(record)


def order(customer: str) -> dict[str, str]:
    return {
        "order_id": f"order of {customer}",
        "line_id": "1",
        "ordered_at": "2026-01-10 12:00:00",
        "product_id": "cup",
        "quantity": "1",
        "unit_price": "10",
        "customer_id": customer,
    }


def contact(customer: str, agrees: str, at: str) -> dict[str, str]:
    """A contact's record; what isn't said is empty."""
    columns = (
        *("email", "phone", "first_name", "last_name", "birth_date", "gender"),
        *("street_address", "postcode", "city", "country", "loyalty_tier"),
    )
    return dict.fromkeys(columns, "") | {
        "contact_id": f"contact {customer}",
        "user_id": customer,
        "loyalty_id": "",
        "marketing_consent": agrees,
        "marketing_consent_at": at,
        "updated_at": at,
    }


# The fox answers on a site, the owl in a shop's CRM, the hen never takes anything back.
BEFORE = [
    event(1, "2026-01-10T12:00:00", "den", "fox", consent=ALL),
    event(2, "2026-01-10T13:00:00", "den", "fox"),
    event(3, "2026-01-10T12:00:00", "coop", "hen", consent=ALL),
    # Nobody asked these: in Germany one must, in the United States not, and where it
    # is isn't known of the last.
    event(4, "2026-01-11T12:00:00", "berlin", country="DE"),
    event(5, "2026-01-11T12:00:00", "boston"),
    event(6, "2026-01-11T12:00:00", "somewhere", country=""),
]
AFTER = [
    event(7, "2026-01-20T12:00:00", "den", "fox", consent=NONE),
    # They say nothing themselves: the device's answer holds, and the user's elsewhere.
    event(8, "2026-01-20T12:01:00", "den"),
    event(9, "2026-01-21T12:00:00", "telephone", "fox"),
    event(10, "2026-01-21T12:00:00", "coop", "hen"),
    # It was before the withdrawal, and comes late.
    event(11, "2026-01-19T12:00:00", "den", "fox"),
]
CUSTOMERS = ("fox", "owl", "hen")


@dataclass(frozen=True)
class Shop:
    """A shop before and after withdrawals landed, and each time what it published."""

    before: Built
    after: Built
    ids: dict[str, str]
    published_before: Path
    published_after: Path


def land_events(landing: Path, name: str, lines: list[str]) -> None:
    path = landing / "segment" / "events" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def put_into_one_cluster(built: Built, ids: dict[str, str]) -> None:
    """Write what Python would: too few customers buy here to learn from."""
    with built.warehouse.write() as connection:
        connection.execute(
            "insert into python.clusters (model_id, cluster_number, working_name,"
            " n_customers, is_new) values ('model', 1, 'animals', 3, true)"
        )
        for customer_id in ids.values():
            connection.execute(
                "insert into python.customer_clusters (customer_id, as_of_date,"
                " model_id, cluster_number, centroid_distance)"
                " values (?, ?, 'model', 1, 0)",
                [customer_id, FIRST_DAY],
            )


def publish_to(path: Path, built: Built, day: dt.date) -> Path:
    publish(
        built.warehouse,
        path,
        published_tables(built.manifest()),
        Publication("run", day, "0"),
    )
    return path


@pytest.fixture(scope="module")
def shop(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("consent")
    landing = folder / "landing"
    built = workshop.new(DataSet("default", {}, FIRST_DAY))
    land_events(landing, "before", BEFORE)
    write_csv(
        landing / "pos/order_lines/lines.csv", [order(each) for each in CUSTOMERS]
    )
    agreed = contact("owl", "yes", "2026-01-05T00:00:00Z")
    write_csv(landing / "crm/contacts/first.csv", [agreed])
    assert not built.land(landing).failed
    built.build(exclude=[HISTORY])
    ids = {
        name: customer_id
        for name in CUSTOMERS
        for (customer_id,) in built.rows(
            "select customer_id from marts.identifiers where identifier_key = ?",
            identifier_key("user_id", name),
        )
    }
    put_into_one_cluster(built, ids)
    built.build("--select", "customer_clusters+")
    before = workshop.new(built.data_set, like=built)
    published_before = publish_to(folder / "before.duckdb", before, FIRST_DAY)
    land_events(landing, "after", AFTER)
    withdrawn = contact("owl", "no", "2026-01-20T00:00:00Z")
    write_csv(landing / "crm/contacts/second.csv", [withdrawn])
    assert not built.land(landing).failed
    built.build(as_of=SECOND_DAY)
    published_after = publish_to(folder / "after.duckdb", built, SECOND_DAY)
    return Shop(before, built, ids, published_before, published_after)


def published(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_unknown_is_withheld_where_it_must_be_asked(shop: Shop) -> None:
    accepted = shop.before.rows(
        "select occurred_at, device_key from marts.fct_events order by occurred_at"
    )
    devices = {device for _, device in accepted}
    keys = {
        name: compact_identifier_key("anonymous_id", name)
        for name in ("den", "coop", "berlin", "boston", "somewhere")
    }
    assert devices == {keys[name] for name in ("den", "coop", "boston", "somewhere")}
    assert shop.before.row(
        "select sum(n_accepted), sum(n_withheld) from marts.row_accounting"
        " where source_name = 'segment'"
    ) == (5, 1)
    # Nor is there a customer of whom only withheld events tell.
    assert keys["berlin"] not in {
        key
        for (key,) in shop.before.rows("select identifier_key from marts.identifiers")
    }


def test_nothing_after_a_withdrawal_is_used(shop: Shop) -> None:
    fox = shop.ids["fox"]
    assert shop.after.rows(
        "select cast(occurred_at as varchar) from marts.fct_events"
        " where customer_id = ? order by 1",
        fox,
    ) == [
        ("2026-01-10 12:00:00",),
        ("2026-01-10 13:00:00",),
        ("2026-01-19 12:00:00",),
    ]
    assert shop.after.row(
        "select max(ended_at) < '2026-01-20', sum(n_events), count(*)"
        " from marts.fct_sessions where customer_id = ?",
        fox,
    ) == (True, 3, 3)
    assert shop.after.row(
        "select sum(n_accepted), sum(n_withheld) from marts.row_accounting"
        " where source_name = 'segment'"
    ) == (7, 4)
    # Of the telephone only withheld events tell.
    assert not shop.after.rows(
        "select identifier_key from marts.identifiers where identifier_key = ?",
        identifier_key("anonymous_id", "telephone"),
    )


@pytest.mark.parametrize("customer", ["fox", "owl"])
def test_personalization_ends_in_the_same_run(shop: Shop, customer: str) -> None:
    consents = (
        "select is_allowed from marts.customer_consents"
        " where customer_id = ? and purpose = 'personalization'"
    )
    current = (
        "select segment from snapshots.snap_segment_memberships"
        " where customer_id = ? and segment_set = 'cluster' and dbt_valid_to is null"
    )
    expected = {
        consents: [(True,), (False,)],
        "select is_personalization_allowed from marts.dim_customers"
        " where customer_id = ?": [(True,), (False,)],
        "select count(*) from marts.customer_clusters where customer_id = ?": [
            (1,),
            (0,),
        ],
        "select count(*) from marts.customer_features where customer_id = ?": [
            (1,),
            (0,),
        ],
        "select segment from marts.segment_memberships where customer_id = ?"
        " and segment_set = 'cluster'": [("cluster_1",), ("none",)],
        current: [("cluster_1",), ("none",)],
        "select segment from marts.customer_segments where customer_id = ?"
        " and segment_set = 'cluster'": [("cluster_1",), ("none",)],
    }
    customer_id = shop.ids[customer]
    for sql, rows in expected.items():
        found = [built.row(sql, customer_id) for built in (shop.before, shop.after)]
        assert found == rows, sql
    # What was bought stays a fact.
    assert shop.after.row(
        "select n_orders from marts.customer_facts where customer_id = ?", customer_id
    ) == (1,)


def test_what_others_agreed_to_stays(shop: Shop) -> None:
    assert shop.after.rows(
        "select customer_id, segment from marts.customer_clusters"
    ) == [(shop.ids["hen"], "cluster_1")]
    assert shop.after.row(
        "select count(*) from marts.fct_events where customer_id = ?", shop.ids["hen"]
    ) == (2,)


def test_what_is_published_knows_of_it(shop: Shop) -> None:
    clusters = "select customer_id from marts.customer_clusters"
    assert set(published(shop.published_before, clusters)) == {
        (customer_id,) for customer_id in shop.ids.values()
    }
    assert published(shop.published_after, clusters) == [(shop.ids["hen"],)]
    allowed = (
        "select user_id from marts.dim_customers where is_personalization_allowed"
        " and user_id is not null"
    )
    assert published(shop.published_after, allowed) == [("hen",)]
    for table in ("segment_memberships", "customer_segments"):
        assert published(
            shop.published_after,
            f"select customer_id from marts.{table} where segment_set = 'cluster'"
            " and segment <> 'none'",
        ) == [(shop.ids["hen"],)]


def test_a_sample_without_answers_is_withheld_by_region(
    workshop: Workshop, google_analytics_file: Path, tmp_path: Path
) -> None:
    """Its consent field is empty throughout; the seed alone decides."""
    data_set = DataSet.of_demo(
        "google_analytics", unknown_analytics_consent="by_region"
    )
    landing = tmp_path / "ga4" / "events"
    landing.mkdir(parents=True)
    (landing / "events.parquet").symlink_to(google_analytics_file.resolve())
    built = workshop.new(data_set)
    assert not built.land(tmp_path).failed
    built.build("--select", "+row_accounting", "+identifiers")
    accepted, withheld, landed = built.row(
        "select sum(n_accepted), sum(n_withheld), sum(n_landed)"
        " from marts.row_accounting"
    )
    assert (accepted + withheld, landed) == (N_GA4_EVENTS, N_GA4_EVENTS)
    listed = {
        row["country_code"]
        for row in csv_rows(PROJECT / "seeds" / "consent_required_regions.csv")
    }
    with (PROJECT / "seeds" / "countries.csv").open(encoding="utf-8") as stream:
        names = sorted(
            {
                row["country_name"]
                for row in csv.DictReader(stream)
                if row["country_code"] in listed
            }
        )
    with duckdb.connect() as connection:
        asked, asked_devices = connection.execute(
            "select count(*), count(distinct user_pseudo_id) from read_parquet(?)"
            " where list_contains(?, lower(geo.country))",
            [str(google_analytics_file), names],
        ).fetchall()[0]
    assert withheld == asked
    assert 0.1 * N_GA4_EVENTS < asked < 0.5 * N_GA4_EVENTS
    # Whose every event is withheld is no customer.
    (known,) = built.row("select count(*) from marts.identifiers")
    assert 19_210 - asked_devices <= known < 19_210
