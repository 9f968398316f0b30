"""BG/NBD: how often a customer buys, and whether they still do.

While alive a customer buys at random (Poisson), at a rate that differs from customer to
customer (gamma: `r`, `alpha`); after any purchase they may stop for good, with a chance
that differs too (beta: `a`, `b`).

Fader, P., Hardie, B. and Lee, K. L. (2005). “Counting your customers” the easy way: an
alternative to the Pareto/NBD model. Marketing Science 24(2), 275-284. x, t_x and T are
`n_repeat_purchase_days`, `first_to_last_purchase_days` and `age_days`; time is in weeks
here, as it is there.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1

from python_models.lifetime_value.config import LifetimeValueConfig
from python_models.lifetime_value.maximizing import Maximum, maximize

Array = NDArray[np.float64]

DAYS_PER_WEEK: Final = 7
FITTED: Final = "fitted"
TOO_FEW_CUSTOMERS: Final = "too_few_customers"
NO_REPEAT_PURCHASES: Final = "no_repeat_purchases"
NO_VARIATION: Final = "no_variation"
NO_MAXIMUM: Final = "no_maximum"
NOT_CONVERGED: Final = "not_converged"

_NAMES: Final = ("r", "alpha", "a", "b")
# Relative precision of a double, and what is asked of an expected number of purchases.
_EPSILON: Final = 2.3e-16
_DIGITS: Final = 1e-9


@dataclass(frozen=True)
class PurchaseCounts:
    """A fitted BG/NBD, or the reason why there is none.

    Attributes
    ----------
    n_customers, n_repeat_customers : int
        Customers, and those with a repeat purchase day.
    outcome_code : str
        `fitted`; `too_few_customers`, `no_repeat_purchases`, `no_variation` (all
        histories alike), `no_maximum` (the likelihood rises beyond a bound) or
        `not_converged`.
    outcome : str
        The same in words.
    is_converged : bool
        Whether the likelihood is flat at the parameters.
    r, alpha, a, b : float or None
        Parameters, alpha in weeks; None unless fitted.
    log_likelihood : float or None
        Of all customers.
    """

    n_customers: int
    n_repeat_customers: int
    outcome_code: str
    outcome: str
    is_converged: bool = False
    r: float | None = None
    alpha: float | None = None
    a: float | None = None
    b: float | None = None
    log_likelihood: float | None = None

    @classmethod
    def of(cls, r: float, alpha: float, a: float, b: float) -> Self:
        """Return a model with known parameters, as a paper prints them."""
        return cls(0, 0, FITTED, "given", is_converged=True, r=r, alpha=alpha, a=a, b=b)

    @property
    def is_fitted(self) -> bool:
        """Whether there are parameters."""
        return self.outcome_code == FITTED

    @property
    def parameters(self) -> tuple[float, float, float, float]:
        """Return r, alpha, a and b.

        Raises
        ------
        ValueError
            If there are none; the message says why.
        """
        if self.r is None or self.alpha is None or self.a is None or self.b is None:
            message = f"there is no model of purchase counts: {self.outcome}"
            raise ValueError(message)
        return self.r, self.alpha, self.a, self.b

    def p_alive(
        self, n_repeats: Array, first_to_last_weeks: Array, age_weeks: Array
    ) -> Array:
        """Tell how probably customers still buy.

        Parameters
        ----------
        n_repeats, first_to_last_weeks, age_weeks : numpy.ndarray
            x, t_x and T, each of shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n,), 0 to 1; 1 without a repeat purchase, since in this model
            customers stop at a repeat purchase only.
        """
        r, alpha, a, b = self.parameters
        x, t_x, age = n_repeats, first_to_last_weeks, age_weeks
        odds = (
            np.log(a)
            - np.log(np.where(x > 0, b + x - 1, 1.0))
            + (r + x) * np.log((alpha + age) / (alpha + t_x))
        )
        return np.where(x > 0, expit(-odds), 1.0)

    def expected_purchases(
        self,
        n_repeats: Array,
        first_to_last_weeks: Array,
        age_weeks: Array,
        horizon_weeks: float,
    ) -> Array:
        """Tell how many purchases customers will make after T.

        Parameters
        ----------
        n_repeats, first_to_last_weeks, age_weeks : numpy.ndarray
            x, t_x and T, each of shape (n,).
        horizon_weeks : float
            Time from T on.

        Returns
        -------
        numpy.ndarray
            Shape (n,): the paper's equation 10, as a product of `p_alive` and what
            somebody alive buys, which depends on x and T alone.

        Notes
        -----
        The paper's hypergeometric function grows without bound where its last argument
        comes near 1. Euler's transformation, F(u, v; w; z) = (1 - z)^(w - u - v)
        F(w - u, w - v; w; z), takes the powers together and leaves a small one.
        """
        pairs, place = np.unique(
            np.column_stack([n_repeats, age_weeks]), axis=0, return_inverse=True
        )
        if_alive = self._expected_if_alive(pairs[:, 0], pairs[:, 1], horizon_weeks)
        return if_alive[place.reshape(-1)] * self.p_alive(
            n_repeats, first_to_last_weeks, age_weeks
        )

    def _expected_if_alive(self, x: Array, age: Array, horizon: float) -> Array:
        """Evaluate the closed form, and the integral where digits would be lost."""
        r, alpha, a, b = self.parameters
        w = a + b + x - 1
        z = horizon / (alpha + age + horizon)
        most = (r + x) * horizon / (alpha + age)
        with np.errstate(all="ignore"):
            grown = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, w, z)
            expected = w / (a - 1) * (1 - grown)
            # Of a difference of numbers so large, relative to it.
            lost = _EPSILON * np.abs(w / (a - 1)) * np.maximum(1, np.abs(grown))
            is_good = (expected > 0) & (expected <= most) & (lost < _DIGITS * expected)
        expected[~is_good] = [
            self._integrate(float(count), horizon / (alpha + float(weeks)))
            for count, weeks in zip(x[~is_good], age[~is_good], strict=True)
        ]
        return np.asarray(expected, dtype=np.float64)

    def _integrate(self, x: float, ratio: float) -> float:
        """Average over chances to stop what somebody with that chance buys.

        With chance p of stopping after a purchase that is (1 - (1 + p s)^-(r + x)) / p,
        s the horizon over alpha + T; alive after x purchases, p is beta-distributed
        with a and b + x. What is lost by stopping is summed by the trapezoid rule in
        log odds of p, in which it falls off exponentially to both sides.
        """
        r, _, a, b = self.parameters
        most, others = (r + x) * ratio, b + x
        spread = 12 * np.sqrt(1 / (a + 1) + 1 / others)
        lowest = -max(0, np.log(most + ratio), np.log((others + 1) / (a + 1)))
        highest = max(0, np.log((a + 1) / others))
        step = min(0.05, 0.2 / np.sqrt(a + 1))
        log_odds = np.arange(
            lowest - 40 / (1 + a) - spread, highest + 40 / others + spread + step, step
        )
        log_p = -np.logaddexp(0, -log_odds)
        log_rest = -np.logaddexp(0, log_odds)
        p = np.exp(log_p)
        bought = -np.expm1(-(r + x) * np.log1p(p * ratio)) / p
        weights = np.exp(a * log_p + others * log_rest - betaln(a, others))
        return float(most - step * np.sum((most - bought) * weights))


def fit_purchase_counts(
    n_repeats: Array,
    first_to_last_weeks: Array,
    age_weeks: Array,
    n_customers: Array,
    config: LifetimeValueConfig,
) -> PurchaseCounts:
    """Fit BG/NBD by maximum likelihood on histories and how many customers have each.

    Parameters
    ----------
    n_repeats, first_to_last_weeks, age_weeks : numpy.ndarray
        x, t_x and T of each history, shape (n_histories,).
    n_customers : numpy.ndarray
        Customers with the history, shape (n_histories,).
    config : LifetimeValueConfig
        Least numbers of customers.

    Returns
    -------
    PurchaseCounts
        The model, or why there is none.
    """
    total = int(n_customers.sum())
    repeat = int(n_customers[n_repeats > 0].sum())
    histories = np.column_stack([n_repeats, first_to_last_weeks, age_weeks])
    n_histories = len(np.unique(histories, axis=0))
    refused = _refusal(total, repeat, n_histories, config)
    if refused:
        return PurchaseCounts(total, repeat, *refused)
    counted = _Counted(n_repeats, first_to_last_weeks, age_weeks, n_customers)
    observed = max(float(n_customers @ age_weeks), 1.0)
    rate = float(n_customers @ n_repeats) / observed
    found = maximize(
        counted.mean_log_likelihood,
        [(r, r / rate, a, b) for r, a, b in ((1.0, 1.0, 3.0), (0.25, 0.5, 5.0))],
    )
    if not found.is_converged:
        return PurchaseCounts(total, repeat, *_failure(found))
    r, alpha, a, b = map(float, found.parameters)
    return PurchaseCounts(
        total,
        repeat,
        FITTED,
        f"fitted on {total:,} customers, {repeat:,} of them with a repeat purchase day"
        + _limits(found),
        is_converged=True,
        r=r,
        alpha=alpha,
        a=a,
        b=b,
        log_likelihood=found.mean_log_likelihood * total,
    )


def _refusal(
    total: int, repeat: int, n_histories: int, config: LifetimeValueConfig
) -> tuple[str, str] | None:
    """Say what keeps histories from being fitted at all: a code and a sentence."""
    if total < config.min_customers:
        return (
            TOO_FEW_CUSTOMERS,
            f"{total:,} customers; at least {config.min_customers:,} are needed",
        )
    if not repeat:
        return (
            NO_REPEAT_PURCHASES,
            f"none of {total:,} customers bought on a second day",
        )
    if repeat < config.min_repeat_customers:
        sentence = (
            f"{repeat:,} of {total:,} customers bought on a second day; at least "
            f"{config.min_repeat_customers:,} are needed"
        )
        return TOO_FEW_CUSTOMERS, sentence
    if n_histories == 1:
        return NO_VARIATION, f"all {total:,} customers have the same history"
    return None


def _limits(found: Maximum) -> str:
    """Say what it means that parameters reached their bounds where all is flat."""
    r, alpha, a, b = (float(value) for value in found.parameters)
    texts = []
    if {0, 1} & set(found.at_bound):
        texts.append(f"all buy at about the same rate, {r / alpha:.3g} times a week")
    if {2, 3} & set(found.at_bound):
        texts.append(
            "all stop with about the same chance after a purchase, "
            f"{a / (a + b):.2g}, so a and b tell no more than that"
        )
    return "".join(f"; {text}" for text in texts)


def _failure(found: Maximum) -> tuple[str, str]:
    values = zip(_NAMES, found.parameters, strict=True)
    shown = ", ".join(f"{name} {value:.4g}" for name, value in values)
    if found.at_bound:
        names = " and ".join(_NAMES[position] for position in found.at_bound)
        sentence = (
            f"the likelihood keeps growing on to the bound of {names} ({shown}): "
            "customers differ too little, or the model doesn't describe them"
        )
        return NO_MAXIMUM, sentence
    return NOT_CONVERGED, f"the likelihood is not flat where the search ended ({shown})"


class _Counted:
    """The likelihood of histories that several customers have."""

    def __init__(self, x: Array, t_x: Array, age: Array, n_customers: Array) -> None:
        self._x, self._t_x, self._age = x, t_x, age
        self._weights = n_customers / n_customers.sum()
        # Gamma functions are of x alone, which has few values.
        self._counts, self._place = np.unique(x, return_inverse=True)
        self._repeats = x > 0

    def mean_log_likelihood(self, parameters: Array) -> tuple[float, Array]:
        """Return it, and its derivatives by r, alpha, a and b (paper, equation 6)."""
        r, alpha, a, b = parameters
        x, n = self._counts, self._place
        by_count = (
            gammaln(r + x)
            - gammaln(r)
            + r * np.log(alpha)
            + gammaln(a + b)
            + gammaln(b + x)
            - gammaln(b)
            - gammaln(a + b + x)
        )
        log_age = np.log(alpha + self._age)
        log_last = np.log(alpha + self._t_x)
        k = r + self._x
        living = -k * log_age
        # Where x = 0 nobody has stopped: minus infinity.
        last = np.where(self._repeats, b + self._x - 1, 1.0)
        gone = np.where(self._repeats, np.log(a) - np.log(last) - k * log_last, -np.inf)
        either = np.logaddexp(living, gone)
        p_gone = np.exp(gone - either)
        p_living = 1 - p_gone
        value = float(self._weights @ (by_count[n] + either))
        slopes = np.array(
            [
                self._weights
                @ (
                    (digamma(r + x) - digamma(r) + np.log(alpha))[n]
                    - p_living * log_age
                    - p_gone * log_last
                ),
                self._weights
                @ (
                    r / alpha
                    - k
                    * (p_living / (alpha + self._age) + p_gone / (alpha + self._t_x))
                ),
                self._weights @ ((digamma(a + b) - digamma(a + b + x))[n] + p_gone / a),
                self._weights
                @ (
                    (digamma(a + b) - digamma(b) + digamma(b + x) - digamma(a + b + x))[
                        n
                    ]
                    - p_gone / last
                ),
            ]
        )
        return value, slopes
