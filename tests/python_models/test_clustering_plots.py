"""Charts: nobody's id, and an image."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clustering_data import DAY, generic_config, generic_frame, shop

from python_models.charts import to_png
from python_models.clustering import (
    ClusteringConfig,
    ClusterModel,
    assign_clusters,
    cluster_scatter_chart,
    cluster_sizes_chart,
    elbow_and_silhouette_chart,
    fit_clusters,
    plots,
)

PNG_HEADER = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def fitted() -> tuple[pd.DataFrame, pd.DataFrame, ClusterModel]:
    frame, _ = shop(3_000, seed=6)
    model = fit_clusters(frame, as_of_date=DAY, config=ClusteringConfig())
    return frame, assign_clusters(frame, model, as_of_date=DAY), model


def charts(
    frame: pd.DataFrame, assigned: pd.DataFrame, model: ClusterModel
) -> list[plots.Chart]:
    return [
        elbow_and_silhouette_chart(model),
        cluster_sizes_chart(model),
        cluster_scatter_chart(frame, assigned, model),
    ]


def data_sets(chart: plots.Chart) -> list[list[dict[str, Any]]]:
    return list(json.loads(chart.to_json())["datasets"].values())


def test_no_chart_knows_a_customer(
    fitted: tuple[pd.DataFrame, pd.DataFrame, ClusterModel],
) -> None:
    for chart in charts(*fitted):
        text = chart.to_json()
        assert "customer_id" not in text
        assert "shopper-" not in text


def test_every_chart_is_an_image(
    fitted: tuple[pd.DataFrame, pd.DataFrame, ClusterModel],
) -> None:
    for chart in charts(*fitted):
        assert to_png(chart).startswith(PNG_HEADER)


@pytest.mark.parametrize("n", [0, 1, 60])
def test_one_cluster_is_an_image_too(n: int) -> None:
    frame = generic_frame(np.random.default_rng(0).standard_normal((n, 3)))
    model = fit_clusters(
        frame, as_of_date=DAY, config=generic_config(3, min_customers=100)
    )
    assigned = assign_clusters(frame, model, as_of_date=DAY)
    for chart in charts(frame, assigned, model):
        assert to_png(chart).startswith(PNG_HEADER)


def test_the_scatter_draws_a_fixed_sample(
    fitted: tuple[pd.DataFrame, pd.DataFrame, ClusterModel],
) -> None:
    frame, assigned, model = fitted
    chart = cluster_scatter_chart(frame, assigned, model)
    points = max(data_sets(chart), key=len)
    assert len(points) == 2_000
    assert set(points[0]) == {"x", "y", "cluster"}
    again = cluster_scatter_chart(
        frame.sample(frac=1.0, random_state=1), assigned, model
    )
    assert chart.to_json() == again.to_json()


def test_the_scatter_colours_customers_by_their_cluster(
    fitted: tuple[pd.DataFrame, pd.DataFrame, ClusterModel],
) -> None:
    """Most points are nearest to the mark of their own cluster."""
    points, marks = sorted(
        data_sets(cluster_scatter_chart(*fitted)), key=len, reverse=True
    )
    own = 0
    for point in points:
        nearest = min(
            marks, key=lambda m: (m["x"] - point["x"]) ** 2 + (m["y"] - point["y"]) ** 2
        )
        own += point["cluster"].startswith(f"{nearest['number']} ")
    assert own / len(points) > 0.9


def test_sizes_add_up(
    fitted: tuple[pd.DataFrame, pd.DataFrame, ClusterModel],
) -> None:
    _, _, model = fitted
    (bars,) = data_sets(cluster_sizes_chart(model))
    assert sum(bar["n_customers"] for bar in bars) == 3_000
    assert sum(bar["share"] for bar in bars) == pytest.approx(1.0)
    assert len({bar["colour"] for bar in bars}) == model.n_clusters


def test_a_model_read_without_candidates_says_so(
    fitted: tuple[pd.DataFrame, pd.DataFrame, ClusterModel],
) -> None:
    frames = fitted[2].frames()
    del frames["cluster_candidates"]
    chart = elbow_and_silhouette_chart(ClusterModel.from_frames(frames))
    assert fitted[2].outcome in chart.to_json()
