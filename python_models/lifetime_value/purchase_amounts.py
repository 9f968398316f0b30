"""Gamma-Gamma: how much a customer spends on a purchase day.

What a customer spends varies from day to day around a mean of their own (gamma: `p`),
and means vary from customer to customer (gamma: `q`, `v`), whatever the number of
purchases.

Fader, P. and Hardie, B. (2013). The Gamma-Gamma model of monetary value,
http://www.brucehardie.com/notes/025/.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from python_models.lifetime_value.config import LifetimeValueConfig
from python_models.lifetime_value.maximizing import Maximum, maximize

Array = NDArray[np.float64]

FITTED: Final = "fitted"
TOO_FEW_CUSTOMERS: Final = "too_few_customers"
NO_VARIATION: Final = "no_variation"
NO_MAXIMUM: Final = "no_maximum"
NOT_CONVERGED: Final = "not_converged"
_NAMES: Final = ("p", "q", "v")


@dataclass(frozen=True)
class PurchaseAmounts:
    """A fitted Gamma-Gamma, or the reason why there is none.

    Attributes
    ----------
    n_customers : int
        Customers with a repeat purchase day and a positive mean.
    outcome_code : str
        `fitted`; `too_few_customers`, `no_variation` (all means alike), `no_maximum`
        (the likelihood rises beyond a bound) or `not_converged`.
    outcome : str
        The same in words, with what the correlation means.
    is_converged : bool
        Whether the likelihood is flat at the parameters.
    p, q, v : float or None
        Parameters, v in the currency; None unless fitted.
    log_likelihood : float or None
        Of all those customers.
    correlation : float or None
        Pearson's, of the number of repeat purchase days and their mean amount. The
        model takes it to be 0; None where either doesn't vary.
    """

    n_customers: int
    outcome_code: str
    outcome: str
    is_converged: bool = False
    p: float | None = None
    q: float | None = None
    v: float | None = None
    log_likelihood: float | None = None
    correlation: float | None = None

    @classmethod
    def of(cls, p: float, q: float, v: float) -> Self:
        """Return a model with known parameters, as a paper prints them."""
        return cls(0, FITTED, "given", is_converged=True, p=p, q=q, v=v)

    @property
    def is_fitted(self) -> bool:
        """Whether there are parameters."""
        return self.outcome_code == FITTED

    @property
    def parameters(self) -> tuple[float, float, float]:
        """Return p, q and v.

        Raises
        ------
        ValueError
            If there are none; the message says why.
        """
        if self.p is None or self.q is None or self.v is None:
            message = f"there is no model of purchase amounts: {self.outcome}"
            raise ValueError(message)
        return self.p, self.q, self.v

    def expected_amounts(self, n_repeats: Array, mean_amounts: Array) -> Array:
        """Tell what customers spend on a purchase day, on average.

        Parameters
        ----------
        n_repeats, mean_amounts : numpy.ndarray
            x and the mean of the repeat purchase days, each of shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n,), in the currency: between a customer's own mean and everybody's,
            the nearer to their own the more purchases tell it (the note's equation 5).
            Missing without a repeat purchase where q is 1 or less: means are spread so
            wide then that everybody's is infinite.
        """
        p, q, v = self.parameters
        weight = p * n_repeats + q - 1
        spent = v + n_repeats * np.maximum(mean_amounts, 0.0)
        known = weight > 0
        return np.where(known, p * spent / np.where(known, weight, 1.0), np.nan)


def fit_purchase_amounts(
    n_repeats: Array, mean_amounts: Array, config: LifetimeValueConfig
) -> PurchaseAmounts:
    """Fit Gamma-Gamma by maximum likelihood.

    Parameters
    ----------
    n_repeats, mean_amounts : numpy.ndarray
        x and the mean of the repeat purchase days of each customer, shape (n,).
        Customers without either are left out.
    config : LifetimeValueConfig
        Least number of customers, and from which correlation on the outcome warns.

    Returns
    -------
    PurchaseAmounts
        The model, or why there is none.
    """
    taken = (n_repeats > 0) & (mean_amounts > 0)
    # One order, so that sums don't depend on the order of the rows.
    x, z = n_repeats[taken], mean_amounts[taken]
    order = np.lexsort((z, x))
    x, z = x[order], z[order]
    n = len(x)
    if n < config.min_repeat_customers:
        sentence = (
            f"{n:,} customers with a positive amount on repeat purchase days; at least "
            f"{config.min_repeat_customers:,} are needed"
        )
        return PurchaseAmounts(n, TOO_FEW_CUSTOMERS, sentence)
    if z[0] == z.max() == z.min():
        sentence = f"all {n:,} customers spend the same on a purchase day"
        return PurchaseAmounts(n, NO_VARIATION, sentence)
    correlation = _correlation(x, z)
    # In units of the mean, the currency doesn't matter to the search.
    unit = float(z.mean())
    found = maximize(
        _Paid(x, z / unit).mean_log_likelihood,
        [(5.0, 4.0, 0.5), (1.0, 2.0, 1.0), (20.0, 10.0, 0.5)],
    )
    if not found.is_converged:
        return PurchaseAmounts(n, *_failure(found), correlation=correlation)
    p, q, v = map(float, found.parameters)
    return PurchaseAmounts(
        n,
        FITTED,
        _fitted(n, correlation, config.max_correlation),
        is_converged=True,
        p=p,
        q=q,
        v=v * unit,
        log_likelihood=float(found.mean_log_likelihood - np.log(unit)) * n,
        correlation=correlation,
    )


def _correlation(x: Array, z: Array) -> float | None:
    if x.min() == x.max() or z.min() == z.max():
        return None
    return float(np.corrcoef(x, z)[0, 1])


def _fitted(n: int, correlation: float | None, limit: float) -> str:
    start = f"fitted on {n:,} customers with a repeat purchase day"
    if correlation is None:
        return f"{start}, all with as many of them"
    if abs(correlation) > limit:
        return (
            f"{start}; frequency and amount go together (correlation "
            f"{correlation:.2f}, beyond {limit:g}), though the model takes them not "
            "to: read values of frequent customers with care"
        )
    return f"{start}; correlation of frequency and amount {correlation:.2f}"


def _failure(found: Maximum) -> tuple[str, str]:
    values = zip(_NAMES, found.parameters, strict=True)
    shown = ", ".join(f"{name} {value:.4g}" for name, value in values)
    if found.at_bound:
        names = " and ".join(_NAMES[position] for position in found.at_bound)
        sentence = (
            f"the likelihood keeps growing on to the bound of {names} ({shown}, v "
            "in units of the mean): the model doesn't describe these amounts"
        )
        return NO_MAXIMUM, sentence
    return NOT_CONVERGED, f"the likelihood is not flat where the search ended ({shown})"


class _Paid:
    """The likelihood of means of several purchases (the note's equation 1a)."""

    def __init__(self, x: Array, z: Array) -> None:
        self._z = z
        self._x = x
        self._log_z = np.log(z)
        self._counts, self._place, n_customers = np.unique(
            x, return_inverse=True, return_counts=True
        )
        self._weights = n_customers / len(x)

    def mean_log_likelihood(self, parameters: Array) -> tuple[float, Array]:
        """Return it, and its derivatives by p, q and v."""
        p, q, v = parameters
        x = self._counts
        log_sum = np.log(v + self._x * self._z)
        k = p * self._x + q
        value = float(
            self._weights
            @ (
                gammaln(p * x + q)
                - gammaln(p * x)
                - gammaln(q)
                + q * np.log(v)
                + p * x * np.log(x)
            )
            + np.mean((p * self._x - 1) * self._log_z - k * log_sum)
        )
        slopes = np.array(
            [
                self._weights @ (x * (digamma(p * x + q) - digamma(p * x) + np.log(x)))
                + np.mean(self._x * (self._log_z - log_sum)),
                self._weights @ (digamma(p * x + q) - digamma(q) + np.log(v))
                - np.mean(log_sum),
                q / v - np.mean(k / (v + self._x * self._z)),
            ]
        )
        return value, slopes
