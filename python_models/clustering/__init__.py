"""Clusters of customers: fit, align to the last model, assign, name, draw.

Here belongs everything that turns `customer_features` into the cluster tables of the
`python` schema. The steps, one module each: `columns` (every table and column name),
`config`, `features` (check), `preprocessing` (clip, transform, scale), `candidates` and
`ward` (what is tried), `silhouettes`, `stability` (would other samples agree?),
`references` (is there anything to separate?), `choosing` (the rule), `alignment`
(labels that outlive a refit), `promotion` (may it take over?), `drift` (are they still
the same customers?), `naming`, `model`,
`parts` and `reading` (the result and its frames), `fitting` and
`assignment` (the entry points) and `plots`. Personas, segments by rule and RFM don't
belong here.

>>> model = fit_clusters(features, as_of_date=day, config=ClusteringConfig())
>>> for table, frame in model.frames().items(): ...
>>> rows = assign_clusters(features, model, as_of_date=day)
"""

from python_models.clustering.assignment import assign_clusters
from python_models.clustering.choosing import ClusterCandidate
from python_models.clustering.config import ClusteringConfig, FeatureSpec
from python_models.clustering.fitting import (
    CODE_VERSION,
    compute_model_id,
    fit_clusters,
)
from python_models.clustering.model import ClusterModel
from python_models.clustering.nearest import TIE
from python_models.clustering.parts import Cluster, ClusterChange
from python_models.clustering.plots import (
    cluster_scatter_chart,
    cluster_sizes_chart,
    elbow_and_silhouette_chart,
)
from python_models.clustering.preprocessing import ModelFeature

__all__ = [
    "CODE_VERSION",
    "TIE",
    "Cluster",
    "ClusterCandidate",
    "ClusterChange",
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
]
