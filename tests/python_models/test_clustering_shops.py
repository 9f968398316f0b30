"""Two real shops: clusters are found, and keep their numbers from month to month."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from python_models.clustering import ClusteringConfig, ClusterModel, fit_clusters

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SEGMENTARY_TEST_DATA", ROOT.parent / "shared" / "data"))

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no test data at {DATA}; set SEGMENTARY_TEST_DATA"
)


def make_features(lines: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Roughly `customer_features` of order lines, what the files can't tell as 0."""
    end = pd.Timestamp(day)
    past = lines[lines["at"] < end]
    year = past[past["at"] >= end - pd.Timedelta(days=365)]
    bought = year[year["amount"] > 0].groupby("customer_id")
    frame = pd.DataFrame(
        {
            "recency_days": (end - bought["at"].max()).dt.days,
            "n_orders": bought["order_id"].nunique(),
            "gross": bought["amount"].sum(),
            "units": bought["units"].sum(),
        }
    )
    net = year.groupby("customer_id")["amount"].sum()
    frame["monetary_amount"] = net.reindex(frame.index)
    frame["average_order_amount"] = frame["gross"] / frame["n_orders"]
    frame["units_per_order"] = frame["units"] / frame["n_orders"]
    frame["refund_rate"] = (1 - frame["monetary_amount"] / frame["gross"]).clip(0, 1)
    first = past[past["amount"] > 0].groupby("customer_id")["at"].min()
    frame["tenure_days"] = (end - first.reindex(frame.index)).dt.days
    unknown = ["n_categories", "discount_rate", "mobile_order_rate", "n_sessions"]
    frame[[*unknown, "n_product_views"]] = 0.0
    return frame.reset_index().astype({"customer_id": str})


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    lines = pd.read_parquet(DATA / "cdnow" / "cdnow_master.parquet")
    return lines.assign(
        at=pd.to_datetime(lines["date"].astype(str)),
        order_id=np.arange(len(lines)),
        units=lines["cds"],
        amount=lines["amount"].astype(float),
    )


@pytest.fixture(scope="module")
def online_retail() -> pd.DataFrame:
    lines = pd.read_parquet(
        DATA / "online_retail" / "online_retail_2010_2011.parquet"
    ).dropna(subset="customer_id")
    return lines.assign(
        at=pd.to_datetime(lines["invoice_ts"]),
        order_id=lines["invoice"],
        units=lines["quantity"],
        amount=lines["quantity"] * lines["unit_price"].astype(float),
    )


def replay(lines: pd.DataFrame, days: list[dt.date]) -> list[ClusterModel]:
    models: list[ClusterModel] = []
    for day in days:
        models.append(
            fit_clusters(
                make_features(lines, day),
                as_of_date=day,
                config=ClusteringConfig(random_state=7),
                previous=models[-1] if models else None,
            )
        )
    return models


def test_cdnow_has_clusters_that_stay(cdnow: pd.DataFrame) -> None:
    models = replay(cdnow, [dt.date(1997, 6, 1), dt.date(1997, 7, 1)])
    assert [model.n_clusters for model in models] == [3, 3]
    # The cohort is a month older, and yet the same three.
    assert [(c.number, c.is_new) for c in models[1].clusters] == [
        (1, False),
        (2, False),
        (3, False),
    ]


def test_cdnow_at_its_end_has_clusters(cdnow: pd.DataFrame) -> None:
    (model,) = replay(cdnow, [dt.date(1998, 7, 1)])
    assert model.outcome_code == "separated"
    assert {f.name for f in model.used_features} == {
        "recency_days",
        "n_orders",
        "monetary_amount",
        "average_order_amount",
        "units_per_order",
        "tenure_days",
    }


def test_online_retail_has_clusters_that_stay(online_retail: pd.DataFrame) -> None:
    models = replay(online_retail, [dt.date(2011, 11, 1), dt.date(2011, 12, 1)])
    assert all(2 <= model.n_clusters <= 6 for model in models)
    before, after = ({c.number: c.n_customers for c in m.clusters} for m in models)
    kept = set(before) & set(after)
    assert sum(before[n] for n in kept) > 0.9 * models[0].n_customers
    assert any("big spenders" in c.working_name for c in models[1].clusters)
