"""A published file made by hand: every mart by its contract, empty or with some rows.

Marts have the columns that their YAML promises, so a query of the report that asks for
another one fails here, before any run.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import yaml

ROOT = Path(__file__).parents[2]
RUN_ID = "0f0e0d0c-1111-2222-3333-444455556666"
AS_OF = dt.date(2024, 4, 1)
# Day and month of which the month-ends before it are.
MONTH_ENDS = [dt.date(2024, 2, 1), dt.date(2024, 3, 1), AS_OF]
# A name that only escaping makes harmless.
SHOP_NAME = "Ada's <b>Shop</b> & Co"

# What publishing writes beside the marts.
PUBLICATION = {
    "publication": {
        "run_id": "varchar",
        "as_of_date": "date",
        "code_version": "varchar",
        "shop_name": "varchar",
        "reporting_currency": "varchar",
        "business_time_zone": "varchar",
    },
    "publication_tables": {
        "run_id": "varchar",
        "table_name": "varchar",
        "n_rows": "bigint",
    },
}


def contracts() -> dict[str, dict[str, str]]:
    """Read the columns and types of every mart from its contract."""
    found = {}
    for path in sorted((ROOT / "models" / "marts").rglob("_*__models.yml")):
        for model in yaml.safe_load(path.read_text())["models"]:
            found[model["name"]] = {
                column["name"]: column["data_type"] for column in model["columns"]
            }
    return found


def make(
    path: Path, *, rows: dict[str, list[dict[str, Any]]], marts: bool = True
) -> Path:
    """Write a published file.

    Parameters
    ----------
    path
        The file.
    rows
        By table; columns that a row leaves out are missing values.
    marts
        Whether it has the marts, or is of a version that had none of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = PUBLICATION | (contracts() if marts else {})
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        for name, columns in tables.items():
            declared = ", ".join(
                f'"{column}" {kind}' for column, kind in columns.items()
            )
            connection.execute(f"create table marts.{name} ({declared})")
            for row in rows.get(name, []):
                names = ", ".join(f'"{column}"' for column in row)
                marks = ", ".join("?" * len(row))
                connection.execute(
                    f"insert into marts.{name} ({names}) values ({marks})",
                    list(row.values()),
                )
    return path


def published() -> dict[str, list[dict[str, Any]]]:
    """Say which run the file is of."""
    return {
        "publication": [
            {
                "run_id": RUN_ID,
                "as_of_date": AS_OF,
                "code_version": "0.1.0",
                "shop_name": SHOP_NAME,
                "reporting_currency": "EUR",
                "business_time_zone": "Europe/Berlin",
            }
        ],
        "publication_tables": [
            {"run_id": RUN_ID, "table_name": "customer_rfm", "n_rows": 5}
        ],
    }


def rows() -> dict[str, list[dict[str, Any]]]:
    """Rows for every section, among them values that are hard to spell."""
    return published() | {
        "dim_as_of_dates": [
            {
                "as_of_date": AS_OF,
                "window_start_date": dt.date(2023, 4, 2),
                "is_month_end": True,
                "is_current": True,
            }
        ],
        **_segments(),
        **_movement(),
        **_clusters(),
        **_personas(),
        **_value(),
        **_records(),
    }


def _segments() -> dict[str, list[dict[str, Any]]]:
    sizes = [
        ("rfm", "none", 4, 0.4, 0, 0, 0, 0.0, 0, None),
        ("rfm", "champions", 3, 0.3, 3, 1234, 98765.4321, 1.05, 80.05, 7.5),
        ("rfm", "cant_lose_them", 2, 0.2, 2, 5, -4321.5, -0.05, 40, 200.0),
        ("rfm", "merged", 1, 0.1, 1, 0, 0, 0.0, 0, None),
        ("lifecycle", "prospect", 4, 0.4, 0, 0, 0, 0.0, 0, None),
        ("lifecycle", "active", 6, 0.6, 6, 1239, 94443.9321, 1.0, 79.9, 30.0),
        ("vip", "vip", 1, 0.1, 1, 1000, 90000, 0.95, 90, 1.0),
        ("vip", "none", 9, 0.9, 5, 239, 4443.9321, 0.05, 18.6, 60.0),
    ]
    columns = (
        "segment_set",
        "segment",
        "n_customers",
        "customer_share_rate",
        "n_purchasers",
        "n_orders",
        "net_amount",
        "net_amount_share_rate",
        "average_order_amount",
        "median_recency_days",
    )
    summary = [
        dict(zip(columns, row, strict=True))
        | {"as_of_date": AS_OF, "refund_amount": 12.5}
        for row in sizes
    ]
    customers = [
        ("c1", "champions", 5, 5, 50000),
        ("c2", "champions", 5, 5, 48000.4321),
        ("c3", "champions", 5, 4, 765),
        ("c4", "cant_lose_them", 1, 5, -4321.5),
        ("c5", "inactive", None, None, 0),
    ]
    rfm = [
        {
            "customer_id": customer_id,
            "as_of_date": AS_OF,
            "segment": segment,
            "recency_score": recency,
            "frequency_score": frequency,
            "monetary_amount": amount,
        }
        for customer_id, segment, recency, frequency, amount in customers
    ]
    # Champions were none in the second month.
    past = [(0, 2, 1), (1, 0, 2), (2, 3, 2)]
    months = [
        {
            "as_of_date": MONTH_ENDS[month],
            "customer_id": f"{segment}{number}",
            "segment_set": segment_set,
            "segment": segment,
        }
        for month, n_champions, n_others in past
        for segment_set, segment, n in (
            ("rfm", "champions", n_champions),
            ("rfm", "cant_lose_them", n_others),
            ("lifecycle", "active", n_others),
        )
        for number in range(n)
    ]
    return {
        "segment_summary": summary,
        "customer_rfm": rfm,
        "customer_segment_months": months,
        "segment_forecasts": [
            {
                "segment_set": "rfm",
                "segment": "champions",
                "as_of_date": AS_OF,
                "n_months_ahead": ahead,
                "forecast_date": dt.date(2024, 4 + ahead, 1),
                "n_customers": 3,
                "forecast_customers": 3.25,
                "lower_customers": lower,
                "upper_customers": upper,
            }
            for ahead, lower, upper in ((1, 2.5, 4.0), (2, None, None))
        ],
        "segment_forecast_accuracy": [
            {
                "segment_set": segment_set,
                "as_of_date": AS_OF,
                "n_backtested_months": 4,
                "n_better_months": 3,
                "mean_absolute_error": 1.25,
                "naive_mean_absolute_error": naive,
                "interval_coverage_rate": 0.8125,
                "is_better_than_naive": naive > 1.25,
                "is_better_than_steady_shares": True,
            }
            for segment_set, naive in (("rfm", 0.75), ("lifecycle", 2.5))
        ],
    }


def _movement() -> dict[str, list[dict[str, Any]]]:
    moves = [
        ("rfm", "champions", "champions", 2, 2 / 3),
        ("rfm", "champions", "cant_lose_them", 1, 1 / 3),
        ("rfm", "none", "champions", 1, 0.5),
        ("rfm", "none", "none", 1, 0.5),
        ("lifecycle", "prospect", "active", 1, 1.0),
        ("cluster", "cluster_1", "cluster_12", 1, 1.0),
    ]
    return {
        "segment_transitions": [
            {
                "transition_key": f"k{number}",
                "as_of_date": AS_OF,
                "transition_month": dt.date(2024, 3, 1),
                "segment_set": segment_set,
                "from_segment": left,
                "to_segment": reached,
                "n_customers": n_customers,
                "n_entrants": 0,
                "transition_rate": rate,
                "is_month_complete": True,
            }
            for number, (segment_set, left, reached, n_customers, rate) in enumerate(
                moves
            )
        ],
        "segment_flow_anomalies": [
            {
                "as_of_date": AS_OF,
                "transition_month": dt.date(2024, 3, 1),
                "segment_set": "rfm",
                "from_segment": "champions",
                "to_segment": "cant_lose_them",
                "anomaly_type": "spike",
                "n_from_customers": 3,
                "n_customers": 1,
                "expected_customers": 0.15,
                "transition_rate": 1 / 3,
                "expected_rate": 0.05,
                "deviation_score": 4.5,
            }
        ],
        "segment_survival": [
            {
                "as_of_date": AS_OF,
                "segment_set": segment_set,
                "segment": segment,
                "n_months_since_entry": month,
                "n_at_risk": 10 - month,
                "n_exits": month,
                "n_censored": 0,
                "survival_rate": rate,
                "n_median_months": 2 if segment == "champions" else None,
            }
            for segment_set, segment in (("rfm", "champions"), ("lifecycle", "active"))
            for month, rate in ((0, 1.0), (1, 0.9), (2, 0.45))
        ],
    }


def _clusters() -> dict[str, list[dict[str, Any]]]:
    model = {"model_id": "m1", "as_of_date": AS_OF}
    clusters = [
        (1, "frequent, wide range", 60, 0.75, 9000.5, 0.9),
        (12, "newer, narrow range", 20, 0.25, 1000.5, 0.1),
    ]
    return {
        "cluster_profiles": [
            model
            | {
                "cluster_number": number,
                "segment": f"cluster_{number}",
                "working_name": name,
                "n_customers": n_customers,
                "customer_share_rate": share,
                "monetary_amount": amount,
                "monetary_share_rate": amount_share,
                "median_monetary_amount": 150.25,
                "median_n_orders": 3.0,
                "median_recency_days": 20.0,
                "is_new": number == 12,
            }
            for number, name, n_customers, share, amount, amount_share in clusters
        ],
        "cluster_models": [
            model
            | {
                "algorithm_name": "kmeans",
                "outcome_code": "separated",
                "outcome": "2 clusters: the best silhouette of 2 to 3",
                "promotion_reason": "the first model",
                "n_clusters": 2,
                "n_customers": 80,
                "silhouette_score": 0.512,
                "stability_score": 0.98,
                "is_current": True,
            }
        ],
        "cluster_candidates": [
            model
            | {
                "algorithm_name": algorithm,
                "n_clusters": k,
                "silhouette_score": score,
                "stability_score": 0.97 if k == 2 else None,
                "inertia_score": 1234.5 / k,
                "is_elbow": k == 3,
                "is_chosen": (algorithm, k) == ("kmeans", 2),
                "decision": f"silhouette {score}",
                "is_current": True,
            }
            for algorithm, k, score in (
                ("kmeans", 2, 0.512),
                ("kmeans", 3, 0.4),
                ("ward", 2, 0.5),
            )
        ],
        "cluster_scatter_points": [
            model
            | {
                "point_number": number,
                "cluster_number": 1 if number % 2 else 12,
                "segment": f"cluster_{1 if number % 2 else 12}",
                "first_coordinate": number / 4,
                "second_coordinate": number % 3 - 1.0,
            }
            for number in range(1, 9)
        ],
        "cluster_scatter_axes": [
            model
            | {
                "axis_number": axis,
                "feature_name": name,
                "loading_score": loading,
                "variance_rate": 0.6 if axis == 1 else 0.3,
            }
            for axis in (1, 2)
            for name, loading in (("n_orders", 0.8), ("recency_days", -0.6))
        ],
    }


def _personas() -> dict[str, list[dict[str, Any]]]:
    model = {"model_id": "m1", "as_of_date": AS_OF}
    return {
        "personas": [
            model
            | {
                "cluster_number": 1,
                "segment": "cluster_1",
                "persona_name": "loyal <repeat> buyers",
                "working_name": "frequent, wide range",
                "suggested_action": "Thank & keep them.",
                "top_category_name": "Books 2 go",
                "top_category_share_rate": 0.375,
                "peak_weekday_name": "Friday",
                "peak_hour": 9,
                "distinguishable_reason": "95% of 20 held-out customers recognised",
                "n_customers": 60,
                "customer_share_rate": 0.75,
                "n_orders": 240,
                "net_amount": 9000.5,
                "net_amount_share_rate": 0.9,
                "average_order_amount": 37.5,
                "classifier_accuracy_rate": 0.93,
                "recall_rate": 0.95,
                "is_distinguishable": True,
            },
            model
            | {
                "cluster_number": 12,
                "segment": "cluster_12",
                "persona_name": "newer, narrow range",
                "working_name": "newer, narrow range",
                "suggested_action": "Read the traits first.",
                "distinguishable_reason": "2 held-out customers are too few to judge "
                "by",
                "n_customers": 20,
                "customer_share_rate": 0.25,
                "n_orders": 21,
                "net_amount": 1000.5,
                "net_amount_share_rate": 0.1,
                "average_order_amount": 47.6,
                "classifier_accuracy_rate": 0.93,
                "is_distinguishable": False,
            },
        ],
        "persona_traits": [
            model
            | {
                "cluster_number": number,
                "feature_name": name,
                "trait_rank_number": rank if number == 1 else None,
                "trait_text": text,
                "lower_quartile": median / 2,
                "median_value": median,
                "upper_quartile": median * 2,
                "everyone_median_value": 2.0,
                "higher_than_rate": 0.8,
                "lower_than_rate": 0.1,
                "importance_score": 0.123456 if number == 1 else None,
            }
            for number in (1, 12)
            for name, rank, text, median in (
                ("n_orders", 1, "more orders than 80% of customers", 4.0),
                ("discount_rate", None, "discounted as usual", 0.05),
                ("mystery_score", 2, "higher mystery_score than 80% of customers", 1.0),
            )
        ],
        "persona_examples": [
            model
            | {
                "cluster_number": 1,
                "example_number": 1,
                "recency_days": 20,
                "n_orders": 4,
                "monetary_amount": 2000,
                "average_order_amount": 500,
                "discount_rate": 0.1,
                "mobile_order_rate": 0.0,
            }
        ],
    }


def _value() -> dict[str, list[dict[str, Any]]]:
    return {
        "segment_performance": [
            {
                "performance_month": month,
                "segment_set": "rfm",
                "segment": segment,
                "n_customers": 3,
                "n_visitors": 2,
                "n_purchasers": 1,
                "n_orders": 1,
                "net_amount": amount,
                "net_amount_per_customer": amount / 3,
                "conversion_rate": 0.5,
                "purchase_rate": 1 / 3,
                "purchase_lift": lift,
                "repeat_rate": 1.0,
            }
            for month in (dt.date(2024, 2, 1), dt.date(2024, 3, 1))
            for segment, amount, lift in (
                ("champions", 99.0, 1.25),
                ("newcomers", -3, None),
            )
        ],
        "cohort_retention": [
            {
                "cohort_month": dt.date(2024, cohort, 1),
                "activity_month": dt.date(2024, cohort + after, 1),
                "months_since_first_purchase": after,
                "n_customers": 8,
                "n_purchasers": 8 if after == 0 else 3,
                "retention_rate": 1.0 if after == 0 else 0.375,
                "n_orders": 9,
                "net_amount": 100,
                "cumulative_net_amount": 100 * (after + 1),
                "cumulative_net_amount_per_customer": 12.5 * (after + 1),
            }
            for cohort in (1, 2, 3)
            for after in range(4 - cohort)
        ],
        "customer_lifetime_values": [
            {
                "customer_id": customer_id,
                "as_of_date": AS_OF,
                "model_id": "v1",
                "p_alive_rate": 0.75,
                "lifetime_value_90d_amount": amount / 4,
                "lifetime_value_365d_amount": amount,
            }
            for customer_id, amount in (("c1", 4000), ("c4", 100), ("c9", 2))
        ],
        "lifetime_value_models": [
            {
                "model_id": "v1",
                "as_of_date": AS_OF,
                "outcome_code": "fitted",
                "outcome": "fitted on 9 customers",
                "amount_outcome_code": "fitted",
                "amount_outcome": "fitted on 5 customers",
                "backtest_outcome_code": "fitted",
                "backtest_outcome": "1.1 of 1",
                "holdout_days": 60,
                "n_holdout_customers": 8,
                "n_holdout_purchase_days": 10,
                "expected_holdout_purchase_days": 11.0,
                "naive_holdout_purchase_days": 10.5,
                "holdout_relative_error": 0.1,
                "naive_holdout_relative_error": 0.05,
                "bg_nbd_r": 0.243,
                "bg_nbd_alpha": 4.414,
                "bg_nbd_a": 0.793,
                "bg_nbd_b": 2.426,
                "gamma_gamma_p": 6.25,
                "gamma_gamma_q": 3.74,
                "gamma_gamma_v": 15.44,
                "is_newest": True,
            }
        ],
    }


def _records() -> dict[str, list[dict[str, Any]]]:
    return {
        "row_accounting": [
            {
                "load_number": number,
                "source_name": "pos",
                "stream_name": "order_lines",
                "file_path": f"pos/order_lines/{number}.csv",
                "n_landed": 1000,
                "n_accepted": 980,
                "n_duplicate": 10,
                "n_rejected": 5,
                "n_withheld": 5,
                "n_erased": 0,
            }
            for number in (1, 2)
        ],
        "rejected_rows": [
            {
                "source_name": "pos",
                "stream_name": "order_lines",
                "reject_reason": "malformed_json",
            }
        ]
        * 10,
        "source_freshness": [
            {
                "source_name": "pos",
                "stream_name": "order_lines",
                "newest_record_date": dt.date(2024, 3, 20),
                "age_days": 12,
                "max_age_days": 2,
                "is_late": True,
            },
            {"source_name": "catalog", "stream_name": "products", "is_late": False},
        ],
        "volume_anomalies": [
            {
                "source_name": "pos",
                "record_type": "orders",
                "event_name": "",
                "volume_date": dt.date(2024, 3, 30),
                "anomaly_type": "drop",
                "n_records": 3,
                "expected_records": 40.5,
            }
        ],
    }
