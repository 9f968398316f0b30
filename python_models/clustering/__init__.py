"""Clusters of customers: fit, align to the last model, assign, name, draw.

Here belongs everything that turns `customer_features` into the six cluster tables of
the `python` schema. The steps, one module each: `columns` (every table and column
name), `config`, `features` (check, transform, scale), `silhouettes`, `references`
(is there anything to separate?), `stability` (would other samples agree?), `alignment`
(labels that outlive a refit), `naming`, `model` (the result and its frames), `fitting`
and `assignment` (the entry points) and `plots`. Personas, segments by rule and RFM
don't belong here.

>>> model = fit_clusters(features, as_of_date=day, config=ClusteringConfig())
>>> for table, frame in model.frames().items(): ...
>>> rows = assign_clusters(features, model, as_of_date=day)
"""

from python_models.clustering.assignment import TIE, assign_clusters
from python_models.clustering.config import ClusteringConfig, FeatureSpec
from python_models.clustering.fitting import (
    CODE_VERSION,
    compute_model_id,
    fit_clusters,
)
from python_models.clustering.model import (
    Cluster,
    ClusterCandidate,
    ClusterModel,
    ModelFeature,
)
from python_models.clustering.plots import (
    cluster_scatter_chart,
    cluster_sizes_chart,
    elbow_and_silhouette_chart,
    to_png,
)

__all__ = [
    "CODE_VERSION",
    "TIE",
    "Cluster",
    "ClusterCandidate",
    "ClusterModel",
    "ClusteringConfig",
    "FeatureSpec",
    "ModelFeature",
    "assign_clusters",
    "cluster_scatter_chart",
    "cluster_sizes_chart",
    "compute_model_id",
    "elbow_and_silhouette_chart",
    "fit_clusters",
    "to_png",
]
