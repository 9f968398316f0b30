"""What the quality marts make of the faults that the storefront has planted."""

from __future__ import annotations

import csv
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses import Built

# The simulation's people buy more from Black Friday to Cyber Monday: a true spike.
BLACK_FRIDAY = (dt.date(2025, 11, 28), dt.date(2025, 12, 1))


@pytest.fixture(scope="module")
def truth(storefront_landing: Path) -> Path:
    return storefront_landing.parent / "truth" / "storefront"


@pytest.fixture(scope="module")
def planted_days(truth: Path) -> set[tuple[Any, ...]]:
    with (truth / "anomalies.csv").open(newline="", encoding="utf-8") as stream:
        return {
            (
                row["source"],
                row["event_name"],
                dt.date.fromisoformat(row["date"]),
                row["kind"],
            )
            for row in csv.DictReader(stream)
        }


def test_every_planted_anomaly_is_reported(
    storefront: Built, planted_days: set[tuple[Any, ...]]
) -> None:
    reported = storefront.rows(
        "select source_name, event_name, volume_date, anomaly_type"
        " from marts.volume_anomalies where anomaly_type <> 'none'"
    )
    assert len(planted_days) >= 2
    assert {kind for *_, kind in planted_days} == {"drop", "spike"}
    assert planted_days <= set(reported)


def test_at_most_one_false_report_in_100_series_days(
    storefront: Built, planted_days: set[tuple[Any, ...]]
) -> None:
    bad_days = sorted({day for _, _, day, _ in planted_days})
    judged = storefront.rows(
        "select volume_date, anomaly_type <> 'none' from marts.volume_anomalies"
    )
    ordinary = [is_anomaly for day, is_anomaly in judged if day not in bad_days]
    assert len(ordinary) > 5000
    assert sum(ordinary) < 0.01 * len(ordinary)
    quiet = [
        is_anomaly
        for day, is_anomaly in judged
        if day not in bad_days and not BLACK_FRIDAY[0] <= day <= BLACK_FRIDAY[1]
    ]
    assert sum(quiet) < 0.005 * len(quiet)


def test_schema_drift_is_what_was_planted_and_nothing_else(
    storefront: Built, truth: Path
) -> None:
    planted = json.loads((truth / "planted.json").read_text())["schema_drift"]
    old_name, new_name = planted["renamed"]
    reported = storefront.rows(
        "select distinct source_name, stream_name, column_path, drift_type"
        " from marts.schema_drift where drift_type <> 'expected'"
    )
    items = planted["retyped"].replace("properties.", "properties.products[].")
    assert set(reported) == {
        ("segment", "events", planted["new"], "new_column"),
        ("segment", "events", new_name, "new_column"),
        ("segment", "events", old_name, "vanished"),
        ("segment", "events", planted["retyped"], "new_type"),
        # The price of a product, wherever it stands.
        ("segment", "events", items, "new_type"),
    }
    since = planted["since_utc"][:7]
    files = storefront.rows(
        "select distinct file_path from marts.schema_drift"
        " where drift_type in ('new_column', 'new_type') and value_type = 'string'"
    )
    assert files == [(f"segment/events/{since}.jsonl.gz",)]


def test_no_source_is_late_on_the_day_that_the_data_end(storefront: Built) -> None:
    rows = storefront.rows(
        "select source_name, stream_name, n_records, is_late"
        " from marts.source_freshness"
    )
    assert {source for source, *_ in rows} == set(
        storefront.data_set.dbt_vars["sources"]
    )
    assert all(n_records > 0 and not is_late for *_, n_records, is_late in rows)
