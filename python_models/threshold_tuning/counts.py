"""Checked input, and who is a member at which value: counts by group and month-end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.threshold_tuning import columns as c

AT_LEAST: Final = "at_least"
AT_MOST: Final = "at_most"
N_GROUPS: Final = 256

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """A threshold that may be tuned, a row of `dim_thresholds`.

    Attributes
    ----------
    name, segment, outcome_name : str
        The threshold, its rule segment, and what its members should do more often.
    direction : {"at_least", "at_most"}
        Which values of the measure make a member.
    value : float
        The value in force.
    min_value, max_value, step_value : float
        What may be proposed: multiples of the step within the bounds.

    Raises
    ------
    ValueError
        For another direction, a step that isn't positive, or bounds in the wrong order.
    """

    name: str
    segment: str
    outcome_name: str
    direction: str
    value: float
    min_value: float
    max_value: float
    step_value: float

    def __post_init__(self) -> None:
        """Check the values."""
        if self.direction not in {AT_LEAST, AT_MOST}:
            message = (
                f"threshold {self.name}: direction is {self.direction!r}; expected "
                f"{AT_LEAST} or {AT_MOST}"
            )
            raise ValueError(message)
        if not self.step_value > 0:
            message = (
                f"threshold {self.name}: step_value is {self.step_value}; expected a "
                "number above 0"
            )
            raise ValueError(message)
        if not self.min_value < self.max_value:
            message = (
                f"threshold {self.name}: min_value is {self.min_value}; expected a "
                f"number below max_value, {self.max_value}"
            )
            raise ValueError(message)
        if not np.isfinite(self.value):
            message = f"threshold {self.name}: threshold_value is {self.value}"
            raise ValueError(message)

    def candidate_steps(self) -> list[int]:
        """List the values that may be proposed, in whole steps, but for the one now."""
        least = int(np.ceil(round(self.min_value / self.step_value, 6)))
        most = int(np.floor(round(self.max_value / self.step_value, 6)))
        now = round(self.value / self.step_value, 6)
        return [steps for steps in range(least, most + 1) if steps != now]

    def value_of(self, steps: int) -> float:
        """Return a number of steps as a value, without the noise of a product."""
        return round(steps * self.step_value, 10)


def read_thresholds(frame: pd.DataFrame) -> list[Threshold]:
    """Read `dim_thresholds`, in order of names.

    Raises
    ------
    ValueError
        For a column or value that is missing, and as `Threshold` does.
    """
    _require(
        frame,
        "thresholds",
        [
            *(c.THRESHOLD_NAME, c.SEGMENT, c.OUTCOME_NAME, c.DIRECTION),
            *(c.THRESHOLD_VALUE, c.MIN_VALUE, c.MAX_VALUE, c.STEP_VALUE),
        ],
    )
    return [
        Threshold(
            name=str(row[c.THRESHOLD_NAME]),
            segment=str(row[c.SEGMENT]),
            outcome_name=str(row[c.OUTCOME_NAME]),
            direction=str(row[c.DIRECTION]),
            value=float(row[c.THRESHOLD_VALUE]),
            min_value=float(row[c.MIN_VALUE]),
            max_value=float(row[c.MAX_VALUE]),
            step_value=float(row[c.STEP_VALUE]),
        )
        for row in frame.sort_values(c.THRESHOLD_NAME).to_dict("records")
    ]


@dataclass(frozen=True)
class Side:
    """Customers on one side of a threshold.

    Attributes
    ----------
    n_customers, n_reached, net_amount : ndarray, shape (groups, months)
        How many there are, how many of them the outcome was seen of, and what they
        brought in.
    """

    n_customers: Counts
    n_reached: Counts
    net_amount: Counts

    def of(self, groups: NDArray[np.bool_], months: slice) -> "Side":
        """Keep some groups and months."""
        return Side(
            self.n_customers[groups, months],
            self.n_reached[groups, months],
            self.net_amount[groups, months],
        )


@dataclass(frozen=True)
class Split:
    """Members at some value, and the others that the threshold decides about."""

    members: Side
    others: Side

    def of(self, groups: NDArray[np.bool_], months: slice) -> "Split":
        """Keep some groups and months."""
        return Split(self.members.of(groups, months), self.others.of(groups, months))


class OutcomeCounts:
    """The counts of one threshold.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of `threshold_outcomes`, of any threshold and in any order.
    threshold : Threshold
        The one to keep.
    month_ends : sequence of datetime.date
        Those that outcomes were counted for, in order.

    Raises
    ------
    ValueError
        For a missing column or value, another month-end, a count below 0, more
        customers that reached the outcome than customers, or a group that is no two
        hexadecimal digits.
    """

    def __init__(
        self, frame: pd.DataFrame, threshold: Threshold, month_ends: Sequence[date]
    ) -> None:
        """Check the frame and lay the rows of the threshold out."""
        _require(
            frame,
            "outcomes",
            [
                *(c.THRESHOLD_NAME, c.AS_OF_DATE, c.CUSTOMER_GROUP_CODE),
                *(c.MEASURE_STEPS, c.IS_MEMBER),
                *(c.N_CUSTOMERS, c.N_REACHED_CUSTOMERS, c.NET_AMOUNT),
            ],
        )
        rows = frame[frame[c.THRESHOLD_NAME] == threshold.name]
        numbers = {day: number for number, day in enumerate(month_ends)}
        days = {day: pd.Timestamp(day).date() for day in rows[c.AS_OF_DATE].unique()}
        unknown = sorted(set(days.values()) - set(numbers))
        if unknown:
            message = (
                f"outcomes of {threshold.name}: {unknown[0]} is no month-end given"
            )
            raise ValueError(message)
        self._n_months = len(month_ends)
        self._threshold = threshold
        self._months = _mapped(
            rows[c.AS_OF_DATE], {key: numbers[day] for key, day in days.items()}
        )
        self._groups = _mapped(
            rows[c.CUSTOMER_GROUP_CODE],
            {code: _group(code) for code in rows[c.CUSTOMER_GROUP_CODE].unique()},
        )
        self._steps = rows[c.MEASURE_STEPS].to_numpy(dtype=np.int64)
        self._is_member = rows[c.IS_MEMBER].to_numpy(dtype=bool)
        self._values = rows[
            [c.N_CUSTOMERS, c.N_REACHED_CUSTOMERS, c.NET_AMOUNT]
        ].to_numpy(dtype=np.float64)
        n_customers, n_reached = self._values[:, 0], self._values[:, 1]
        if (n_customers < 0).any() or (n_reached < 0).any():
            message = f"outcomes of {threshold.name}: a count is below 0"
            raise ValueError(message)
        if (n_reached > n_customers).any():
            message = (
                f"outcomes of {threshold.name}: {c.N_REACHED_CUSTOMERS} is above "
                f"{c.N_CUSTOMERS}"
            )
            raise ValueError(message)

    def now(self) -> Split:
        """Split customers as the value in force does."""
        return self._split(self._is_member)

    def at(self, steps: int) -> Split:
        """Split customers as a number of steps would."""
        is_at_least = self._threshold.direction == AT_LEAST
        return self._split(
            self._steps >= steps if is_at_least else self._steps <= steps
        )

    def _split(self, is_member: NDArray[np.bool_]) -> Split:
        return Split(self._side(is_member), self._side(~is_member))

    def _side(self, rows: NDArray[np.bool_]) -> Side:
        totals = np.zeros((3, N_GROUPS, self._n_months))
        cells = (self._groups[rows], self._months[rows])
        for total, values in zip(totals, self._values[rows].T, strict=True):
            np.add.at(total, cells, values)
        return Side(*totals)


def _require(frame: pd.DataFrame, name: str, needed: Sequence[str]) -> None:
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        message = f"{name}: columns are missing: {', '.join(missing)}"
        raise ValueError(message)
    empty = [column for column in needed if frame[column].isna().any()]
    if empty:
        message = f"{name}: values are missing in {', '.join(empty)}"
        raise ValueError(message)


def _mapped(values: pd.Series, numbers: Mapping[object, int]) -> NDArray[np.int64]:
    return np.array([numbers[value] for value in values], dtype=np.int64)


def _group(code: object) -> int:
    try:
        group = int(str(code), 16)
    except ValueError:
        group = -1
    if not 0 <= group < N_GROUPS:
        message = (
            f"outcomes: {c.CUSTOMER_GROUP_CODE} is {code!r}; expected two hexadecimal "
            "digits"
        )
        raise ValueError(message)
    return group
