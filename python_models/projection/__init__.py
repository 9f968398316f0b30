"""A flat picture of many features: the plane in which customers differ most.

Here belongs the plane (`plane`) and the names of what is made of it (`columns`). What
the features are and how they are scaled is their model's; drawing is the report's.

>>> plane = project(scaled, names, clusters)
>>> plane.points, plane.axes
"""

from python_models.projection.plane import Plane, PlaneConfig, project

__all__ = ["Plane", "PlaneConfig", "project"]
