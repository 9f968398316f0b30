"""The population stability index and its bins, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models.clustering.drift import (
    FeatureBin,
    freeze_bins,
    largest_by_chance,
    population_stability_index,
)


def test_by_hand() -> None:
    # With half a customer more in each bin: shares 20/40, 20/40 then and 10/40, 30/40
    # now; -1/4 ln(1/2) + 1/4 ln(3/2) = ln(3)/4.
    found = population_stability_index([19.5, 19.5], [9.5, 29.5])
    assert found == pytest.approx(np.log(3) / 4)


def test_the_same_shares_have_none() -> None:
    assert population_stability_index([10, 20, 30], [10, 20, 30]) == 0.0


def test_an_empty_bin_has_a_finite_say_that_shrinks_with_customers() -> None:
    # Shares 9.5/10 and .5/10, and the other way round.
    few = population_stability_index([9, 0], [0, 9])
    assert few == pytest.approx(2 * (9.5 - 0.5) / 10 * np.log(19))
    rare = [population_stability_index([n, 0], [n - 1, 1]) for n in (10, 1_000)]
    assert rare[0] > 0.1
    assert rare[1] < 0.002


def test_nobody_is_no_evidence() -> None:
    assert population_stability_index([0, 0], [3, 4]) == 0.0
    assert population_stability_index([3, 4], [0, 0]) == 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1))
def test_it_is_symmetric_and_never_negative(counts: list[tuple[int, int]]) -> None:
    then, now = map(list, zip(*counts, strict=True))
    found = population_stability_index(then, now)
    assert found >= 0
    assert found == pytest.approx(population_stability_index(now, then))


def test_chance_exceeds_its_limit_once_in_a_thousand() -> None:
    generator = np.random.default_rng(0)
    n, m, n_bins = 400, 300, 10
    shares = np.full(n_bins, 0.1)
    then = generator.multinomial(n, shares, 4_000)
    now = generator.multinomial(m, shares, 4_000)
    limit = largest_by_chance(n_bins) * (1 / n + 1 / m)
    found = [
        population_stability_index(a, b) > limit for a, b in zip(then, now, strict=True)
    ]
    # About 4 of 4,000; more than 15 has a probability of one in 10,000.
    assert sum(found) <= 15
    # And half of it is exceeded often: the limit isn't out of reach.
    assert (
        sum(
            population_stability_index(a, b) > limit / 3
            for a, b in zip(then, now, strict=True)
        )
        > 200
    )


class TestBins:
    def test_deciles_are_customers_own_values(self) -> None:
        raw = pd.DataFrame({"a": np.arange(1.0, 21.0)})
        bins = freeze_bins(raw, ["a"])
        assert [each.upper_bound for each in bins] == [
            *(2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0),
            None,
        ]
        assert [each.n_customers for each in bins] == [2] * 10
        assert [each.number for each in bins] == list(range(1, 11))

    def test_repeated_deciles_are_one(self) -> None:
        raw = pd.DataFrame({"a": [0.0] * 85 + [1.0] * 10 + [2.0] * 5})
        assert freeze_bins(raw, ["a"]) == (
            FeatureBin("a", 1, 0.0, 85),
            FeatureBin("a", 2, 1.0, 10),
            FeatureBin("a", 3, None, 5),
        )

    def test_the_greatest_value_bounds_nothing(self) -> None:
        raw = pd.DataFrame({"a": [0.0] * 50 + [1.0] * 50})
        assert [each.upper_bound for each in freeze_bins(raw, ["a"])] == [0.0, None]

    def test_a_constant_has_room_on_both_sides(self) -> None:
        bins = freeze_bins(pd.DataFrame({"a": [7.0] * 4}), ["a"])
        assert [each.n_customers for each in bins] == [0, 4, 0]
        assert bins[0].upper_bound == pytest.approx(7.0, abs=1e-7)
        assert bins[0].upper_bound < 7.0  # type: ignore[operator]
        assert bins[1].upper_bound > 7.0  # type: ignore[operator]

    def test_nobody_has_no_bins(self) -> None:
        assert freeze_bins(pd.DataFrame({"a": []}), ["a"]) == ()
