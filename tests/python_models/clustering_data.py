"""Made-up customers whose clusters are known."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.clustering import ClusteringConfig, FeatureSpec

DAY = dt.date(2026, 3, 1)
NEXT_DAY = dt.date(2026, 4, 1)


def generic_config(n_features: int, **settings: object) -> ClusteringConfig:
    """Features f00, f01, … as they are."""
    names = [f"f{i:02}" for i in range(n_features)]
    return ClusteringConfig(
        features=tuple(FeatureSpec(name) for name in names),
        **settings,  # type: ignore[arg-type]
    )


def generic_frame(points: NDArray[np.float64]) -> pd.DataFrame:
    """Points as features f00, f01, … of customers c00000, c00001, …"""
    frame = pd.DataFrame(points, columns=[f"f{i:02}" for i in range(points.shape[1])])
    frame.insert(0, "customer_id", [f"c{i:05}" for i in range(len(points))])
    return frame


def blobs(
    centres: Sequence[Sequence[float]],
    n_each: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Unit normal heaps, one after the other."""
    generator = np.random.default_rng(seed)
    points = [
        generator.standard_normal((n_each, len(centre))) + np.asarray(centre)
        for centre in centres
    ]
    return np.vstack(points), np.repeat(np.arange(len(centres)), n_each)


def corners(k: int, n_features: int, apart: float) -> NDArray[np.float64]:
    """Centres that are all equally far apart, in directions of no axis."""
    generator = np.random.default_rng(2024)
    square = generator.standard_normal((n_features, n_features))
    directions = np.linalg.qr(square)[0]
    return directions[:k] * apart / np.sqrt(2)


def shop(n: int, seed: int) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Customers of four kinds, with all twelve features of `customer_features`.

    Kinds: 0 loyal big spenders, 1 lapsed one-time buyers, 2 mobile discount hunters,
    3 new browsers.
    """
    generator = np.random.default_rng(seed)
    kind = generator.choice(4, size=n, p=[0.25, 0.35, 0.2, 0.2])

    def pick(*values: float) -> NDArray[np.float64]:
        return np.array(values)[kind]

    n_orders = 1 + generator.poisson(pick(9.0, 0.1, 3.0, 0.2))
    order_amount = np.exp(generator.normal(pick(4.4, 3.4, 3.2, 3.6), 0.3))
    frame = pd.DataFrame(
        {
            "customer_id": [f"shopper-{i:06}" for i in range(n)],
            "recency_days": np.clip(
                generator.gamma(4, pick(5.0, 60.0, 12.0, 4.0)), 1, 364
            ),
            "n_orders": n_orders.astype(float),
            "monetary_amount": n_orders * order_amount,
            "average_order_amount": order_amount,
            "units_per_order": 1 + generator.poisson(pick(3.0, 1.0, 2.0, 1.0)),
            "n_categories": 1.0 + generator.poisson(pick(4.0, 0.2, 1.5, 0.5)),
            "discount_rate": generator.beta(pick(2, 2, 12, 2), pick(30, 30, 20, 30)),
            "refund_rate": generator.beta(2, 30, n),
            "mobile_order_rate": generator.beta(pick(3, 3, 20, 6), pick(12, 12, 3, 6)),
            "n_sessions": generator.poisson(pick(12.0, 0.3, 9.0, 14.0)).astype(float),
            "n_product_views": generator.poisson(pick(30.0, 0.5, 25.0, 70.0)) * 1.0,
            "tenure_days": generator.gamma(6, pick(120.0, 70.0, 60.0, 6.0)),
        }
    )
    return frame, kind.astype(np.int64)
