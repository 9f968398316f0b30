"""What a model is made of, and why it is as it is."""

from dataclasses import dataclass
from typing import Final

SEPARATED: Final = "separated"
TOO_FEW_CUSTOMERS: Final = "too_few_customers"
NO_VARIATION: Final = "no_variation"
NO_SEPARATION: Final = "no_separation"

MISSING: Final = "missing"
MONTHLY: Final = "monthly"
DRIFT: Final = "drift"
REQUESTED: Final = "requested"


@dataclass(frozen=True)
class Cluster:
    """One cluster.

    Attributes
    ----------
    number : int
        Label from 1, kept from model to model.
    working_name : str
        What sets it apart, unique within the model.
    n_customers : int
        Customers in it when the model was fitted.
    is_new : bool
        Whether the previous model had no such cluster.
    centroid : tuple of float
        Coordinates in scaled units, one per used feature.
    """

    number: int
    working_name: str
    n_customers: int
    is_new: bool
    centroid: tuple[float, ...]


@dataclass(frozen=True)
class ClusterChange:
    """What became of one cluster number between the previous model and this one.

    Attributes
    ----------
    number : int
        The number.
    change_code : {"kept", "new", "vanished"}
        Whether both models have it, only this one, or only the previous one.
    n_customers : int
        Customers that this model puts there; 0 if it vanished.
    n_previous_customers : int
        Of the same customers, those that the previous model would put there; 0 if it
        is new.
    n_shared_customers : int
        Customers of both.
    overlap_rate : float
        Customers of both over customers of either, 0 to 1.
    match_distance : float or None
        Root mean square distance of the centroids, in standard deviations; None where
        the models share no feature.
    related_number : int
        The same number if it was kept. For a new cluster the previous one that most of
        its customers come from, for a vanished one the cluster that most of its went
        to; for these, what is shared and how far it is, is about that one.
    """

    number: int
    change_code: str
    n_customers: int
    n_previous_customers: int
    n_shared_customers: int
    overlap_rate: float
    match_distance: float | None
    related_number: int
