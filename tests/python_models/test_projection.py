"""The plane of principal components, against cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from python_models.projection import PlaneConfig, project

EXACT = PlaneConfig(edge_quantile=0.0, n_decimals=6)
NAMES = ("orders", "amount")


def flat(values, clusters=None, names=NAMES, config=EXACT):
    values = np.array(values, dtype=float).reshape(-1, len(names))
    clusters = np.array(clusters or [1] * len(values))
    return project(values, names, clusters, config)


def test_a_line_and_its_width_are_the_two_axes():
    # By hand: along (1, 1)/√2 the points are at ±2√2, across it at ±√2/2.
    plane = flat([[2, 2], [-2, -2], [0.5, -0.5], [-0.5, 0.5]], [1, 1, 2, 3])
    root = 2**0.5
    assert plane.axes["loading"].abs().to_numpy() == pytest.approx([1 / root] * 4)
    assert plane.axes["variance_rate"].tolist() == pytest.approx(
        [16 / 17] * 2 + [1 / 17] * 2
    )
    assert plane.points["first_coordinate"].tolist() == pytest.approx(
        [-2 * root, 0, 0, 2 * root], abs=1e-6
    )
    assert sorted(plane.points["second_coordinate"].tolist()) == pytest.approx(
        [-root / 2, 0, 0, root / 2], abs=1e-6
    )
    assert plane.points["cluster_number"].tolist() in ([1, 2, 3, 1], [1, 3, 2, 1])


def test_the_largest_loading_points_up_whatever_the_order_of_customers():
    values = np.array([[3.0, 1.0], [-3.0, 0.5], [1.0, -1.0], [0.0, 0.0]])
    first = flat(values)
    again = flat(values[::-1])
    pd.testing.assert_frame_equal(first.points, again.points)
    assert np.allclose(first.axes["loading"], again.axes["loading"])
    for _, axis in first.axes.groupby("axis_number"):
        loadings = axis["loading"].to_numpy()
        assert loadings[np.abs(loadings).argmax()] > 0


def test_far_customers_stand_at_the_edge_and_coordinates_are_rounded():
    values = [[value, value % 3] for value in range(99)] + [[1e6, 0]]
    plane = flat(values, config=PlaneConfig(edge_quantile=0.1, n_decimals=1))
    first = plane.points["first_coordinate"]
    # By hand: of 100 coordinates in order the quantile at 0.9 is just beyond the 90th,
    # the one at 0.1 just beyond the 10th, and neighbours are a unit apart.
    assert first.max() < first.min() + 82
    assert (first * 10 == (first * 10).round()).all()
    assert plane.points["point_number"].tolist() == list(range(1, 101))


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([], NAMES),
        ([[1, 2]], NAMES),
        ([[1], [2], [3]], ("orders",)),
        ([[1, 1], [1, 1], [1, 1]], NAMES),
        # All on one line: there is no second direction.
        ([[1, 2], [2, 4], [3, 6]], NAMES),
    ],
    ids=["nobody", "one customer", "one feature", "all equal", "a line"],
)
def test_where_there_is_no_plane_frames_are_empty_but_have_their_columns(values, names):
    plane = flat(values, names=names)
    assert plane.points.empty
    assert plane.axes.empty
    assert list(plane.points) == [
        "point_number",
        "cluster_number",
        "first_coordinate",
        "second_coordinate",
    ]
    assert list(plane.axes) == [
        "axis_number",
        "feature_name",
        "loading",
        "variance_rate",
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_value_is_an_error(value):
    with pytest.raises(ValueError, match="missing or infinite"):
        flat([[1, 2], [value, 1], [0, 0]])


def test_shapes_and_settings_are_checked():
    with pytest.raises(ValueError, match=r"expected \(3, 2\)"):
        project(np.zeros((2, 2)), NAMES, np.array([1, 1, 1]))
    with pytest.raises(ValueError, match=r"edge_quantile is 0\.5"):
        PlaneConfig(edge_quantile=0.5)
    with pytest.raises(ValueError, match="n_decimals is -1"):
        PlaneConfig(n_decimals=-1)
