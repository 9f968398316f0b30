"""Whether a new model takes over from the frozen one, by one rule, in words.

Both are judged on the same customers, those that the new model was fitted on, in the
new model's units: the mean silhouette of the clusters that each puts them in, and how
far bootstrap fits of its own kind agree with each (`stability`). In this order:

1. Without a frozen model the new one takes over, and so it does where they can't be
   compared: other features, transforms or scalers are asked for, or a number of
   clusters or an algorithm that the frozen model isn't of.
2. A new model that separates takes over from one cluster.
3. One cluster takes over from clusters only if those no longer separate: their
   silhouette is below `min_silhouette`, or they don't beat the reference sets. With too
   few customers, or none that differ, there is nothing to say for them.
4. Of two that separate, the new one takes over unless its silhouette or its stability
   is lower than the frozen model's by more than the tolerance.
"""

from dataclasses import dataclass
from typing import Final

from python_models.clustering.config import ClusteringConfig
from python_models.clustering.model import ClusterModel
from python_models.clustering.parts import NO_SEPARATION, SEPARATED
from python_models.clustering.references import Gap

FIRST: Final = "the first model"


@dataclass(frozen=True)
class Merits:
    """What is known of a model on the new customers.

    Attributes
    ----------
    silhouette_score, stability_score : float or None
        None where they couldn't be measured.
    gap : Gap or None
        Comparison with reference sets, where it was needed.
    """

    silhouette_score: float | None = None
    stability_score: float | None = None
    gap: Gap | None = None


@dataclass(frozen=True)
class Promotion:
    """Whether the new model takes over.

    Attributes
    ----------
    is_promoted : bool
        Whether it assigns from now on.
    reason : str
        Why, or why not, with the numbers that decided.
    """

    is_promoted: bool
    reason: str


def take_over(reason: str) -> Promotion:
    """Say that the new model assigns from now on."""
    return Promotion(is_promoted=True, reason=reason)


def stay_out(reason: str) -> Promotion:
    """Say that the frozen model goes on."""
    return Promotion(is_promoted=False, reason=reason)


def why_not_comparable(previous: ClusterModel, config: ClusteringConfig) -> str:
    """Say what the configuration asks for that the frozen model isn't.

    Parameters
    ----------
    previous : ClusterModel
        The frozen model.
    config : ClusteringConfig
        What the new one was fitted with.

    Returns
    -------
    str
        Empty where both are of one kind.
    """
    asked = {(spec.name, spec.transform, spec.winsorize) for spec in config.features}
    had = {(each.name, each.transform, each.winsorize) for each in previous.features}
    if asked != had:
        names = sorted({name for name, *_ in asked ^ had})
        return f"features are prepared otherwise: {', '.join(names)}"
    if previous.scaler != config.scaler:
        return f"the scaler is {config.scaler}, was {previous.scaler}"
    if previous.n_clusters == 1:
        return ""
    if previous.algorithm not in config.algorithms:
        return f"{previous.algorithm} is no longer tried"
    if not config.k_min <= previous.n_clusters <= config.k_max:
        return (
            f"{config.k_min} to {config.k_max} clusters are asked for, the frozen "
            f"model has {previous.n_clusters}"
        )
    return ""


def judge_promotion(
    outcome_code: str,
    new: Merits,
    previous: ClusterModel,
    frozen: Merits,
    config: ClusteringConfig,
) -> Promotion:
    """Apply the rule to two models that can be compared.

    Parameters
    ----------
    outcome_code : str
        The new model's.
    new : Merits
        The new model's.
    previous : ClusterModel
        The frozen model.
    frozen : Merits
        Its merits on the new model's customers; with a gap where the new model found
        no separation.
    config : ClusteringConfig
        Limits and tolerances.

    Returns
    -------
    Promotion
        Whether the new model takes over, and why.
    """
    if outcome_code != SEPARATED:
        return _judge_one_cluster(outcome_code, previous, frozen, config)
    if previous.n_clusters == 1:
        return take_over("separates customers, where the frozen model did not")
    worse = [
        f"{name} {ours:.3f}, the frozen model's is {theirs:.3f} on the same customers"
        for name, ours, theirs, tolerance in (
            (
                "silhouette",
                new.silhouette_score,
                frozen.silhouette_score,
                config.promotion_silhouette_tolerance,
            ),
            (
                "stability",
                new.stability_score,
                frozen.stability_score,
                config.promotion_stability_tolerance,
            ),
        )
        if ours is not None and theirs is not None and ours < theirs - tolerance
    ]
    if worse:
        return stay_out(f"worse than the frozen model: {'; '.join(worse)}")
    return take_over(f"not worse than the frozen model: {_compare(new, frozen)}")


def _judge_one_cluster(
    outcome_code: str,
    previous: ClusterModel,
    frozen: Merits,
    config: ClusteringConfig,
) -> Promotion:
    if previous.n_clusters == 1:
        return take_over("one cluster, as before")
    if outcome_code != NO_SEPARATION or frozen.silhouette_score is None:
        return take_over("there is nothing that clusters could be judged on")
    silhouette, gap = frozen.silhouette_score, frozen.gap
    if silhouette < config.min_silhouette:
        return take_over(
            f"the frozen model's silhouette is {silhouette:.3f} by now, below the "
            f"least silhouette of {config.min_silhouette:g}",
        )
    if gap is not None and gap.gap < gap.needed:
        return take_over(
            "the frozen model is no better than reference sets by now "
            f"(gap {gap.gap:.3f}, needed {gap.needed:.3f})",
        )
    return stay_out(
        f"one cluster, while the frozen model still separates: silhouette "
        f"{silhouette:.3f}",
    )


def _compare(new: Merits, frozen: Merits) -> str:
    return ", ".join(
        f"{name} {ours:.3f} against {theirs:.3f}"
        for name, ours, theirs in (
            ("silhouette", new.silhouette_score, frozen.silhouette_score),
            ("stability", new.stability_score, frozen.stability_score),
        )
        if ours is not None and theirs is not None
    )
