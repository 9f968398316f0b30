"""Sessions, facts and RFM scores by pandas.

`… pandas_frames <landing> <as-of date> <output folder>`; the same as `narrow.sql`.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TIMEOUT = pd.Timedelta(minutes=30)
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def sessions_of(landing: Path) -> pd.DataFrame:
    """Return sessions of devices."""
    columns = ["messageId", "anonymousId", "userId", "timestamp", "receivedAt"]
    frames = []
    for file in sorted((landing / "segment" / "events").glob("*.parquet")):
        table = pq.ParquetFile(file).read([*columns, "context.userAgent"])
        agent = pc.struct_field(table["context"], "userAgent")
        table = table.drop_columns("context").append_column("agent", agent)
        frames.append(table)
    events = pa.concat_tables(frames).to_pandas()
    events["at"] = pd.to_datetime(events["timestamp"], format=TIME, errors="coerce")
    events["received"] = pd.to_datetime(events["receivedAt"], format=TIME)
    is_good = (
        events["messageId"].notna()
        & events["anonymousId"].notna()
        & events["at"].notna()
        & (events["at"] <= events["received"] + pd.Timedelta(hours=24))
        & ~events["agent"].str.lower().str.contains("bot|crawler|spider")
    )
    events = (
        events.loc[is_good, ["anonymousId", "userId", "at", "received", "messageId"]]
        .sort_values(["anonymousId", "at", "messageId", "received"])
        .drop(columns="received")
    )
    is_copy = (
        (events["messageId"] == events["messageId"].shift())
        & (events["at"] == events["at"].shift())
        & (events["anonymousId"] == events["anonymousId"].shift())
    )
    events = events.loc[~is_copy]
    device = events["anonymousId"]
    is_first = device != device.shift()
    previous = events.groupby("anonymousId")["userId"].ffill().shift()
    previous = previous.mask(is_first)
    is_other = events["userId"].notna() & previous.notna()
    is_other &= events["userId"] != previous
    is_late = events["at"].diff() > TIMEOUT
    events["previous"] = previous
    grouped = events.groupby((is_first | is_late | is_other).cumsum())
    sessions: pd.DataFrame = grouped.agg(
        device=("anonymousId", "first"),
        # The first that is there: of a session there is one user at most.
        user_id=("userId", "first"),
        started_at=("at", "min"),
        ended_at=("at", "max"),
        n_events=("at", "size"),
    )
    before = grouped["previous"].nth(0)
    before.index = sessions.index
    sessions["user_id"] = sessions["user_id"].fillna(before)
    return sessions.reset_index(drop=True)


def facts_of(landing: Path, sessions: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Return facts and scores of the shop's users."""
    lines = pd.read_parquet(landing / "pos" / "order_lines")
    end = pd.Timestamp(as_of)
    date = pd.to_datetime(lines["ordered_at"], format=TIME).dt.normalize()
    is_purchase = lines["line_status"] == "completed"
    net = lines["quantity"] * lines["unit_price"].astype(float)
    net -= lines["discount_amount"].astype(float).where(is_purchase, 0.0)
    lines = lines.assign(date=date, is_purchase=is_purchase, net=net)
    is_in = lines["customer_id"].notna() & (date < end)
    lines = lines[is_in & (date >= end - pd.Timedelta(days=365))]
    bought = lines[lines["is_purchase"]].groupby("customer_id")
    facts = pd.DataFrame(
        {
            "n_orders": bought["order_id"].nunique(),
            "recency_days": (end - bought["date"].max()).dt.days,
        }
    )
    facts["net_amount"] = lines.groupby("customer_id")["net"].sum().round(2)
    visits = sessions[sessions["started_at"] < end].groupby("user_id").size()
    facts["n_sessions"] = visits.reindex(facts.index).fillna(0).astype("int64")
    for score, column in (("frequency", "n_orders"), ("monetary", "net_amount")):
        facts[f"{score}_score"] = 1 + _place(facts[column])
    facts["recency_score"] = 5 - _place(facts["recency_days"])
    return facts.rename_axis("user_id").reset_index()


def _place(values: pd.Series[float]) -> pd.Series[int]:
    rank = values.rank(method="min").astype("int64") - 1
    return 5 * rank // len(values)


def main(landing: str, as_of: str, output: str) -> None:
    """Make both tables and write them."""
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    sessions = sessions_of(Path(landing))
    sessions.to_parquet(folder / "sessions.parquet")
    facts = facts_of(Path(landing), sessions, dt.date.fromisoformat(as_of))
    facts.to_parquet(folder / "facts.parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
