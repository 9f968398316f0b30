"""The committed dbt vars, against the landed files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
import yaml

from demo.registry import DATA_SETS

if TYPE_CHECKING:
    from conftest import Landed

SOURCES = {"pos", "segment", "catalog", "third_party"}
# Their times carry an offset or are UTC by definition.
WITH_OFFSETS = {"ga4", "shopify", "crm", "fx", "erasure"}


def dbt_vars(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(DATA_SETS[name].vars_path.read_text())
    return loaded


def last_pos_time(landed: Landed) -> str:
    path = next(landed.landing.glob("pos/order_lines/*"))
    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    options = "" if path.suffix == ".parquet" else ", all_varchar = true"
    pattern = str(path.parent / "*")
    found = (
        duckdb.connect()
        .execute(
            # Whatever isn't a time is not accepted.
            "select max(try_cast(ordered_at as timestamp))"
            f" from {reader}($path{options})",
            {"path": pattern},
        )
        .fetchone()
    )
    assert found is not None
    return str(found[0])


def local_date(text: str, source_zone: str, business_zone: str) -> date:
    time = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(source_zone))
    return time.astimezone(ZoneInfo(business_zone)).date()


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_vars_are_complete_and_valid(name: str) -> None:
    found = dbt_vars(name)
    assert set(found) == {
        "as_of_date",
        "business_time_zone",
        "source_time_zones",
        "reporting_currency",
        "sources",
        "unknown_analytics_consent",
        "unknown_personalization_consent",
        "repeated_lines",
        "zero_amount_is_purchase",
        "shop_name",
    }
    # Text, so that dbt hands it on as it stands.
    assert date.fromisoformat(found["as_of_date"])
    zones = found["source_time_zones"]
    assert set(zones) == SOURCES
    assert all(
        ZoneInfo(zone) for zone in (found["business_time_zone"], *zones.values())
    )
    assert found["repeated_lines"] == {"pos": "keep"}
    assert list(found["zero_amount_is_purchase"]) == ["pos"]
    assert set(found["sources"]) <= SOURCES | WITH_OFFSETS
    # What the data say nothing about is allowed explicitly, or a region's rule.
    assert found["unknown_analytics_consent"] in {"allowed", "by_region"}
    assert found["unknown_personalization_consent"] == "allowed"


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_sources_are_those_that_land(name: str, request: pytest.FixtureRequest) -> None:
    landed: Landed = request.getfixturevalue(name)
    folders = {path.name for path in landed.landing.iterdir()}
    assert folders == set(dbt_vars(name)["sources"])


@pytest.mark.parametrize("name", ["cdnow", "complete_journey", "online_retail"])
def test_as_of_is_the_day_after_the_last_line(
    name: str, request: pytest.FixtureRequest
) -> None:
    landed: Landed = request.getfixturevalue(name)
    found = dbt_vars(name)
    zones = (found["source_time_zones"]["pos"], found["business_time_zone"])
    last = local_date(last_pos_time(landed), *zones)
    assert last + timedelta(days=1) == date.fromisoformat(found["as_of_date"])


def test_storefront_as_of_is_the_day_after_the_last_accepted_record(
    storefront: Landed,
) -> None:
    found = dbt_vars("storefront")
    business = found["business_time_zone"]
    zone = found["source_time_zones"]["pos"]
    last_line = local_date(last_pos_time(storefront), zone, business)
    last_event = datetime(2025, 1, 1, tzinfo=UTC)
    for month, line in storefront.json_lines("segment/events/*.jsonl.gz"):
        # An accepted event is received a day before it occurs at the earliest, so the
        # last is in the last file.
        if month < "2025-12":
            continue
        try:
            event = json.loads(line)
            time = datetime.fromisoformat(event["timestamp"])
        except ValueError:
            continue
        received = datetime.fromisoformat(event["receivedAt"])
        if time <= received + timedelta(days=1):
            last_event = max(last_event, time)
    last = max(last_line, last_event.astimezone(ZoneInfo(business)).date())
    assert last + timedelta(days=1) == date.fromisoformat(found["as_of_date"])
