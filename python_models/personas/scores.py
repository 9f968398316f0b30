"""How well clusters are told apart, and how sure one may be of it.

Held-out customers are drawn by cluster, so everything here is made of rates within
clusters, weighted by the clusters' sizes where it is about all customers.

References
----------
Price, R. M. and Bonett, D. G. (2004). An improved confidence interval for a linear
function of binomial proportions. Comput. Stat. Data Anal. 45(3), 449-456.

Tjur, T. (2009). Coefficients of determination in logistic regression models - a new
proposal: the coefficient of discrimination. The American Statistician 63(4), 366-372.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def lower_bound(
    coefficients: Sequence[float] | NDArray[np.float64],
    successes: Sequence[float] | NDArray[np.float64],
    trials: Sequence[float] | NDArray[np.float64],
    *,
    confidence: float,
) -> float:
    """Bound a sum of coefficients times rates from below (Price and Bonett, 2004).

    With h rates that count, 2/h successes and 2/h failures are added to each, so that a
    rate of 0 or 1 among few trials isn't taken for certain.

    Parameters
    ----------
    coefficients : sequence of float, shape (rates,)
        A rate whose coefficient is 0 doesn't count.
    successes, trials : sequence of float, shape (rates,)
        Each rate's counts; at least one trial where the coefficient isn't 0.
    confidence : float
        Level of the two-sided interval, between 0 and 1.

    Returns
    -------
    float
        The interval's lower end, never below the sum's least possible value.
    """
    weights = np.asarray(coefficients, dtype=float)
    counts = weights != 0
    weights = weights[counts]
    added = 2 / len(weights)
    n = np.asarray(trials, dtype=float)[counts] + 2 * added
    rates = (np.asarray(successes, dtype=float)[counts] + added) / n
    error = float(np.sqrt(np.sum(weights**2 * rates * (1 - rates) / n)))
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    least = float(np.minimum(weights, 0).sum())
    return max(least, float(weights @ rates) - quantile * error)


def discrimination(
    probabilities: NDArray[np.float64],
    rows: NDArray[np.int64],
    shares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Measure how far each cluster's members stand out (Tjur, 2009).

    Parameters
    ----------
    probabilities : numpy.ndarray, shape (held-out customers, clusters)
        What the forest says; columns in the order of `shares`.
    rows : numpy.ndarray of int, shape (held-out customers,)
        Position of each customer's own cluster among the columns. A cluster without
        held-out customers takes no part as the others of another.
    shares : numpy.ndarray, shape (clusters,)
        The clusters' shares of all customers.

    Returns
    -------
    numpy.ndarray, shape (clusters,)
        The mean probability of being in the cluster among members, less that among all
        other customers: 0 where the forest knows nothing, 1 where it is certain and
        right. NaN for a cluster without held-out members, or without others.
    """
    n_clusters = len(shares)
    counts = np.bincount(rows, minlength=n_clusters).astype(float)
    sums = np.zeros((n_clusters, n_clusters))
    np.add.at(sums, rows, probabilities)
    means = np.divide(
        sums, counts[:, None], out=np.zeros_like(sums), where=counts[:, None] > 0
    )
    weights = np.where(counts > 0, shares, 0.0)
    among_all = weights @ means
    own = np.diag(means)
    others = weights.sum() - weights
    # A sum of the same numbers in another order isn't exactly the same.
    rest = np.divide(
        among_all - weights * own,
        others,
        out=np.full(n_clusters, np.nan),
        where=others > 1e-12,  # noqa: PLR2004 - nothing but rounding
    )
    return np.where(counts > 0, own - rest, np.nan)
