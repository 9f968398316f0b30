"""Names of the columns of the plane's two frames."""

from typing import Final

POINT_NUMBER: Final = "point_number"
CLUSTER_NUMBER: Final = "cluster_number"
FIRST_COORDINATE: Final = "first_coordinate"
SECOND_COORDINATE: Final = "second_coordinate"
AXIS_NUMBER: Final = "axis_number"
FEATURE_NAME: Final = "feature_name"
LOADING: Final = "loading"
VARIANCE_RATE: Final = "variance_rate"

POINTS: Final = (POINT_NUMBER, CLUSTER_NUMBER, FIRST_COORDINATE, SECOND_COORDINATE)
AXES: Final = (AXIS_NUMBER, FEATURE_NAME, LOADING, VARIANCE_RATE)
