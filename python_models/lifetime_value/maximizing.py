"""Maximum likelihood of positive parameters, from fixed starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]
# Mean log likelihood and its derivatives by the parameters.
Likelihood = Callable[[Array], tuple[float, Array]]

# Where customers don't differ, a likelihood rises for ever, and ever less, while two
# parameters grow in proportion. Within these bounds it gets as near to the limit as
# matters: then it is flat at the bound.
LOWEST: Final = 1e-4
HIGHEST: Final = 1e5
# Largest slope, per customer and e-fold of a parameter, that counts as none.
_FLAT: Final = 1e-5


@dataclass(frozen=True)
class Maximum:
    """Where a likelihood is highest.

    Attributes
    ----------
    parameters : numpy.ndarray
        Shape (n_parameters,), all positive.
    mean_log_likelihood : float
        The likelihood there.
    is_converged : bool
        Whether it is flat there, in every direction.
    at_bound : tuple of int
        Positions of parameters that ran to the lowest or highest value allowed.
    """

    parameters: Array
    mean_log_likelihood: float
    is_converged: bool
    at_bound: tuple[int, ...]


def maximize(likelihood: Likelihood, starts: Sequence[Sequence[float]]) -> Maximum:
    """Climb from each start, by logarithms of the parameters, and keep the best.

    Parameters
    ----------
    likelihood : callable
        Takes parameters of shape (n,), returns the mean log likelihood and its n
        derivatives.
    starts : sequence of sequence of float
        Positive parameters to start from.

    Returns
    -------
    Maximum
        The best of all starts; the first among equals.
    """

    def descend(logs: Array) -> tuple[float, Array]:
        parameters = np.exp(logs)
        value, slopes = likelihood(parameters)
        return -value, -slopes * parameters

    bounds = [(np.log(LOWEST), np.log(HIGHEST))] * len(starts[0])
    found = [
        minimize(
            descend,
            np.log(np.clip(start, LOWEST, HIGHEST)),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 2_000, "maxfun": 4_000, "ftol": 1e-15, "gtol": 1e-9},
        )
        for start in starts
    ]
    best = min(found, key=lambda each: float(each.fun))
    parameters = np.exp(best.x)
    at_bound = tuple(
        position
        for position, value in enumerate(parameters)
        if value < LOWEST * 1.01 or value > HIGHEST / 1.01
    )
    _, slopes = descend(best.x)
    return Maximum(
        parameters=parameters,
        mean_log_likelihood=-float(best.fun),
        is_converged=bool(np.isfinite(best.fun) and np.all(np.abs(slopes) <= _FLAT)),
        at_bound=at_bound,
    )
