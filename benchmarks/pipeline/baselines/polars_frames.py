"""Sessions, facts and RFM scores by polars' streaming engine.

`… polars_frames <landing> <as-of date> <output folder>`; the same as `narrow.sql`.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import polars as pl

TIMEOUT = dt.timedelta(minutes=30)
TIME = "%Y-%m-%dT%H:%M:%S%.fZ"


def sessions_of(landing: Path) -> pl.DataFrame:
    """Return sessions of devices."""
    context = pl.col("context")
    files = landing / "segment" / "events" / "*.parquet"
    events = (
        pl.scan_parquet(files)
        .select(
            pl.col("messageId").hash().alias("event_key"),
            pl.col("messageId").is_null().alias("is_missing"),
            pl.col("anonymousId").alias("device"),
            pl.col("userId").alias("user_id"),
            pl.col("timestamp").str.to_datetime(TIME, strict=False).alias("at"),
            pl.col("receivedAt").str.to_datetime(TIME, strict=False).alias("received"),
            context.struct.field("userAgent")
            .str.to_lowercase()
            .str.contains("bot|crawler|spider")
            .alias("is_robot"),
        )
        .filter(
            ~pl.col("is_missing"),
            pl.col("device").is_not_null(),
            pl.col("at").is_not_null(),
            pl.col("at") <= pl.col("received") + dt.timedelta(hours=24),
            ~pl.col("is_robot"),
        )
        .drop("is_missing", "is_robot")
        .sort("device", "at", "event_key", "received")
        .drop("received")
        .collect(engine="streaming")
    )
    is_first = pl.col("device").ne_missing(pl.col("device").shift())
    known = pl.col("user_id").forward_fill().over("device")
    numbered = (
        events.lazy()
        .with_columns(is_first=is_first, known=known)
        .filter(
            pl.col("is_first")
            | pl.col("event_key").ne(pl.col("event_key").shift())
            | pl.col("at").ne(pl.col("at").shift())
        )
        .with_columns(
            previous_user=pl.when(~pl.col("is_first")).then(pl.col("known").shift())
        )
        .with_columns(
            number=(
                pl.col("is_first")
                | (pl.col("at") - pl.col("at").shift() > TIMEOUT)
                | pl.col("user_id").ne(pl.col("previous_user")).fill_null(value=False)
            ).cum_sum()
        )
    )
    return (
        numbered.group_by("number")
        .agg(
            pl.col("device").first(),
            pl.coalesce(pl.col("user_id").max(), pl.col("previous_user").first()).alias(
                "user_id"
            ),
            pl.col("at").min().alias("started_at"),
            pl.col("at").max().alias("ended_at"),
            pl.len().cast(pl.Int64).alias("n_events"),
        )
        .drop("number")
        .collect(engine="streaming")
    )


def facts_of(landing: Path, sessions: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Return facts and scores of the shop's users."""
    value = pl.col("quantity") * pl.col("unit_price").cast(pl.Float64)
    is_purchase = pl.col("line_status") == "completed"
    date = pl.col("ordered_at").str.to_datetime(TIME).dt.date()
    facts = (
        pl.scan_parquet(landing / "pos" / "order_lines" / "*.parquet")
        .filter(pl.col("customer_id").is_not_null())
        .with_columns(date=date, is_purchase=is_purchase)
        .filter(
            pl.col("date") < as_of, pl.col("date") >= as_of - dt.timedelta(days=365)
        )
        .with_columns(
            net=value
            - pl.when(is_purchase)
            .then(pl.col("discount_amount").cast(pl.Float64))
            .otherwise(0.0)
        )
        .group_by(pl.col("customer_id").alias("user_id"))
        .agg(
            pl.col("order_id").filter("is_purchase").n_unique().alias("n_orders"),
            pl.col("net").sum().round(2).alias("net_amount"),
            (as_of - pl.col("date").filter("is_purchase").max())
            .dt.total_days()
            .alias("recency_days"),
        )
        .filter(pl.col("n_orders") > 0)
        .collect(engine="streaming")
    )
    visits = (
        sessions.lazy()
        .filter(pl.col("user_id").is_not_null(), pl.col("started_at") < as_of)
        .group_by("user_id")
        .agg(pl.len().alias("n_sessions"))
        .collect(engine="streaming")
    )

    def place(column: str) -> pl.Expr:
        rank = pl.col(column).rank("min").cast(pl.Int64) - 1
        return (rank * 5).floordiv(pl.len())

    return facts.join(visits, on="user_id", how="left").with_columns(
        pl.col("n_sessions").fill_null(0),
        recency_score=5 - place("recency_days"),
        frequency_score=1 + place("n_orders"),
        monetary_score=1 + place("net_amount"),
    )


def main(landing: str, as_of: str, output: str) -> None:
    """Make both tables and write them."""
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    sessions = sessions_of(Path(landing))
    sessions.write_parquet(folder / "sessions.parquet")
    facts = facts_of(Path(landing), sessions, dt.date.fromisoformat(as_of))
    facts.write_parquet(folder / "facts.parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
