"""Planted thresholds are found, noise proposes nothing, intervals cover the truth."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from python_models.threshold_tuning import (
    Decision,
    Proposal,
    Threshold,
    TuningConfig,
    columns,
    compute_proposal_id,
    proposals_frame,
    propose_thresholds,
    read_thresholds,
)
from python_models.threshold_tuning.counts import OutcomeCounts, Side, Split
from python_models.threshold_tuning.differences import improvement_of, rates_of

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "models" / "staging" / "python" / "_python__sources.yml"

CONFIG = TuningConfig()
SESSIONS = Threshold("min_sessions", "engaged", "purchase", "at_least", 6, 1, 9, 1)
MONTH_ENDS = [dt.date(2025, month, 1) for month in range(1, 9)]
# Every fourth of the 256 groups, so that half of these are judged on.
GROUPS = np.arange(0, 256, 4)
# Steps of the measure from 0 to 9, all as frequent.
STEPS = np.arange(10)

Rate = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def planted(steps_from: int) -> Rate:
    """30% of customers from some value on, and 5% of those below it."""
    return lambda _groups, _months, steps: np.where(steps >= steps_from, 0.3, 0.05)


def simulate(
    rate: Rate,
    *,
    threshold: Threshold = SESSIONS,
    month_ends: Sequence[dt.date] = MONTH_ENDS,
    n_customers: int = 10,
    seed: int = 1,
) -> pd.DataFrame:
    """Count customers of each group, month-end and step, with chance outcomes."""
    months, groups, steps = (
        values.ravel()
        for values in np.meshgrid(
            np.arange(len(month_ends)), GROUPS, STEPS, indexing="ij"
        )
    )
    measures = steps * threshold.step_value
    is_at_least = threshold.direction == "at_least"
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "threshold_name": threshold.name,
            "as_of_date": [month_ends[month] for month in months],
            "customer_group_code": [f"{group:02x}" for group in groups],
            "measure_steps": steps,
            "is_member": measures >= threshold.value
            if is_at_least
            else measures <= threshold.value,
            "n_customers": n_customers,
            "n_reached_customers": random.binomial(
                n_customers, rate(groups, months, steps)
            ),
            "net_amount": 2.5 * n_customers,
        }
    )


def propose(
    outcomes: pd.DataFrame,
    threshold: Threshold = SESSIONS,
    month_ends: Sequence[dt.date] = MONTH_ENDS,
    config: TuningConfig = CONFIG,
) -> Proposal:
    (proposal,) = propose_thresholds(
        [threshold], outcomes, month_ends=month_ends, config=config
    )
    return proposal


def side(*months: tuple[float, float]) -> Side:
    """One group's customers and how many of them the outcome was seen of, by month."""
    customers, reached = np.array(months, dtype=float).T
    return Side(customers[None], reached[None], np.zeros_like(customers)[None])


def stacked(*splits: Split) -> Split:
    """Groups of customers, one split each."""

    def stack(sides: Sequence[Side]) -> Side:
        return Side(
            *(
                np.concatenate([getattr(one, field.name) for one in sides])
                for field in dataclasses.fields(Side)
            )
        )

    return Split(
        stack([split.members for split in splits]),
        stack([split.others for split in splits]),
    )


@pytest.mark.parametrize("now", [2, 3, 5, 6])
def test_a_planted_threshold_is_proposed(now: int) -> None:
    threshold = dataclasses.replace(SESSIONS, value=now)
    found = propose(simulate(planted(4), threshold=threshold), threshold)
    assert found.decision is Decision.IMPROVES, found.words
    assert found.candidate_value == 4


def test_a_planted_upper_bound_is_proposed() -> None:
    days = Threshold("max_days", "recent", "purchase", "at_most", 40, 10, 90, 10)
    outcomes = simulate(
        lambda _groups, _months, steps: np.where(steps <= 3, 0.3, 0.05), threshold=days
    )
    found = propose(outcomes, days)
    assert (found.decision, found.candidate_value) == (Decision.IMPROVES, 30)


def test_evidence_is_that_of_the_planted_rates() -> None:
    # At 6 four of ten steps are members with 30%; of the six others two have 30% and
    # four 5%: 13.3%. At 4 it is 30% against 5%. The gain is 25 - 16.7 = 8.3 points.
    found = propose(simulate(planted(4), n_customers=200))
    assert found.current is not None
    assert found.candidate is not None
    assert found.improvement is not None
    assert found.current.member == pytest.approx(0.3, abs=0.01)
    assert found.current.other == pytest.approx(0.8 / 6, abs=0.01)
    assert found.candidate.member == pytest.approx(0.3, abs=0.01)
    assert found.candidate.other == pytest.approx(0.05, abs=0.01)
    assert found.improvement.lower < 0.25 - (0.3 - 0.8 / 6) < found.improvement.upper
    # 64 groups of 200 customers a step: four steps now, six then.
    assert found.n_customers == 64 * 200 * 10
    assert found.n_current_members == 64 * 200 * 4
    assert found.n_candidate_members == 64 * 200 * 6
    assert found.current_net_amount == found.candidate_net_amount == 2.5
    # Three months, the half of the groups.
    assert found.n_holdout_customer_months == 3 * 32 * 200 * 10
    assert found.words.startswith("4 instead of 6: 76800 members instead of 51200. ")
    gain = f"a gain of {100 * found.improvement.estimate:.1f} points ("
    assert gain in found.words, found.words


def test_noise_proposes_nothing() -> None:
    decisions = [
        propose(
            simulate(
                lambda _groups, _months, steps: np.full(len(steps), 0.2),
                month_ends=MONTH_ENDS[:6],
                seed=seed,
            ),
            month_ends=MONTH_ENDS[:6],
        ).decision
        for seed in range(100)
    ]
    # By chance 2.5% of 100; nine or more are less likely than 1 in 500.
    assert decisions.count(Decision.IMPROVES) < 9
    assert decisions.count(Decision.NOT_SIGNIFICANT) > 50


@pytest.mark.parametrize(
    "rate",
    [
        # Customers that it is chosen on, not those that it is judged on.
        lambda groups, _months, steps: np.where(
            steps >= np.where(groups < 128, 4, 6), 0.3, 0.05
        ),
        # Months that it is chosen on, not the last three.
        lambda _groups, months, steps: np.where(
            steps >= np.where(months < 5, 4, 6), 0.3, 0.05
        ),
    ],
    ids=["other customers", "earlier months"],
)
def test_what_does_not_hold_on_the_holdout_is_not_proposed(rate: Rate) -> None:
    found = propose(simulate(rate))
    assert found.decision is Decision.NOT_SIGNIFICANT
    assert found.candidate_value == 4
    assert "keep 6: 4 isn't surely better" in found.words


def test_months_that_are_judged_on_are_not_learned_from() -> None:
    # In the last three months the customers that are learned from do something else.
    found = propose(
        simulate(
            lambda groups, months, steps: np.where(
                (groups < 128) & (months >= 5),
                np.where(steps >= 8, 0.95, 0.0),
                np.where(steps >= 4, 0.3, 0.05),
            )
        )
    )
    assert (found.decision, found.candidate_value) == (Decision.IMPROVES, 4)


def test_the_best_value_is_kept() -> None:
    threshold = dataclasses.replace(SESSIONS, value=4)
    found = propose(simulate(planted(4), threshold=threshold), threshold)
    assert found.decision is Decision.CURRENT_IS_BEST
    assert found.candidate_value is None
    assert found.words.startswith("keep 4: ")


def test_a_segment_may_not_grow_beyond_its_bound() -> None:
    # From 1 on are nine steps, at 6 four: 2.25 times as many. At 2 it is exactly twice.
    assert propose(simulate(planted(1))).candidate_value != 1
    assert propose(simulate(planted(2))).candidate_value == 2
    wide = dataclasses.replace(CONFIG, max_size_ratio=2.3)
    assert propose(simulate(planted(1)), config=wide).candidate_value == 1


def test_a_segment_may_not_shrink_beyond_its_bound() -> None:
    # From 8 on are two steps, half of the four at 6; from 9 on one.
    assert propose(simulate(planted(8))).candidate_value == 8
    assert propose(simulate(planted(9))).candidate_value != 9


def test_the_size_is_bounded_at_the_newest_month_end_too() -> None:
    outcomes = simulate(planted(4))
    crowd = (outcomes["as_of_date"] == MONTH_ENDS[-1]) & outcomes["measure_steps"].isin(
        [4]
    )
    outcomes.loc[crowd, "n_customers"] *= 10
    outcomes.loc[crowd, "n_reached_customers"] *= 10
    found = propose(outcomes)
    # From 4 on: 10 + 1 + 4 steps' worth instead of 4.
    assert found.decision is Decision.SIZE_OUT_OF_BOUNDS
    assert not found.is_proposed
    assert "0.5 to 2 times its size now" in found.words


def test_an_empty_segment_is_compared_with_telling_nobody_apart() -> None:
    threshold = dataclasses.replace(SESSIONS, value=30)
    config = dataclasses.replace(CONFIG, max_share_rate=0.3)
    found = propose(simulate(planted(7), threshold=threshold), threshold, config=config)
    assert (found.decision, found.candidate_value) == (Decision.IMPROVES, 7)
    assert found.current is None
    assert found.current_net_amount is None
    assert found.n_current_members == 0
    assert found.improvement is not None
    assert found.candidate is not None
    assert found.improvement.estimate == pytest.approx(found.candidate.difference)
    # Three of ten steps are 30% of the customers; without a say a fifth is allowed.
    narrow = propose(simulate(planted(7), threshold=threshold), threshold)
    assert (narrow.decision, narrow.candidate_value) == (Decision.IMPROVES, 8)
    strict = dataclasses.replace(CONFIG, max_share_rate=0.05)
    none = propose(simulate(planted(7), threshold=threshold), threshold, config=strict)
    assert none.decision is Decision.NO_CANDIDATE
    assert "1% to 5% of the customers" in none.words


def test_a_value_between_two_steps_has_the_members_that_it_has() -> None:
    threshold = dataclasses.replace(SESSIONS, value=5.2)
    outcomes = simulate(planted(4), threshold=threshold)
    outcomes["is_member"] = outcomes["measure_steps"] >= 6
    found = propose(outcomes, threshold)
    assert found.n_current_members == 64 * 10 * 4
    assert found.candidate_value == 4
    assert 5 in threshold.candidate_steps()
    assert 6 in threshold.candidate_steps()


def test_of_equals_the_nearest_is_taken() -> None:
    # Nobody is at 4 or 5, so from 4, 5 and 6 on are the same customers.
    outcomes = simulate(planted(4), threshold=dataclasses.replace(SESSIONS, value=8))
    outcomes = outcomes[~outcomes["measure_steps"].isin([4, 5])]
    found = propose(outcomes, dataclasses.replace(SESSIONS, value=8))
    assert (found.decision, found.candidate_value) == (Decision.IMPROVES, 6)


def test_rows_may_come_in_any_order() -> None:
    outcomes = simulate(planted(4))
    shuffled = outcomes.sample(frac=1, random_state=3)
    assert propose(shuffled) == propose(outcomes)


def test_others_are_those_of_the_same_months() -> None:
    # December: 40 of 80 members and 8 of 20 others; January: 2 of 20 and 4 of 80.
    # Others weighted like members are 0.8 x 40% + 0.2 x 5% = 33%; all others would be
    # 12%.
    december_and_january = Split(side((80, 40), (20, 2)), side((20, 8), (80, 4)))
    rates = rates_of(december_and_january)
    assert rates.member == pytest.approx(0.42)
    assert rates.other == pytest.approx(0.33)
    assert rates.difference == pytest.approx(0.09)
    # A month without others, or without members, compares nothing.
    with_more = Split(
        side((80, 40), (20, 2), (50, 50), (0, 0)),
        side((20, 8), (80, 4), (0, 0), (70, 70)),
    )
    assert rates_of(with_more) == rates


def test_an_interval_is_the_delete_a_group_jackknife() -> None:
    # 12 of 20 members and 3 of 20 others: 0.45. Without one group it is 0.7 - 0.1,
    # without the other 0.5 - 0.2: a variance of 1/2 (0.15^2 + 0.15^2), an error of
    # 0.15, and 12.7062 times that at one degree of freedom.
    split = stacked(
        Split(side((10, 5)), side((10, 2))), Split(side((10, 7)), side((10, 1)))
    )
    found = improvement_of(split, None, confidence_level=0.95)
    assert found is not None
    assert found.estimate == pytest.approx(0.45)
    assert found.upper - found.estimate == pytest.approx(0.15 * 12.7062, rel=1e-5)
    assert found.estimate - found.lower == pytest.approx(0.15 * 12.7062, rel=1e-5)
    # Against itself nothing is gained, and that is sure.
    same = improvement_of(split, split, confidence_level=0.95)
    assert same is not None
    assert (same.lower, same.estimate, same.upper) == (0, 0, 0)


def test_an_interval_covers_customers_who_come_again() -> None:
    """Every customer does at each of three month-ends what they did at the first."""
    random = np.random.default_rng(5)
    covered = 0
    n_trials = 400
    for _ in range(n_trials):
        sides = [
            Side(
                np.full((64, 3), 8.0),
                np.repeat(random.binomial(8, rate, (64, 1)), 3, axis=1).astype(float),
                np.zeros((64, 3)),
            )
            for rate in (0.4, 0.25)
        ]
        found = improvement_of(Split(*sides), None, confidence_level=0.95)
        assert found is not None
        covered += found.lower <= 0.15 <= found.upper
    # 95% of 400 is 380; an interval that took three months for three customers would
    # cover 1.96 / sqrt(3) errors, 74%.
    assert 365 <= covered <= 395


def test_one_group_alone_gives_no_interval() -> None:
    split = Split(side((10, 5)), side((10, 2)))
    assert improvement_of(split, None, confidence_level=0.95) is None
    # Nor does one that nobody can be compared without.
    alone = stacked(split, Split(side((0, 0)), side((10, 1))))
    assert improvement_of(alone, None, confidence_level=0.95) is None


@pytest.mark.parametrize(
    ("outcomes", "month_ends", "decision"),
    [
        (simulate(planted(4)).iloc[:0], [], Decision.TOO_FEW_MONTHS),
        (simulate(planted(4)).iloc[:0], MONTH_ENDS, Decision.NO_CANDIDATE),
        (simulate(planted(4)).iloc[:1], MONTH_ENDS, Decision.NO_CANDIDATE),
        (simulate(planted(4)).iloc[:2], MONTH_ENDS, Decision.NO_CANDIDATE),
        (
            simulate(planted(4), month_ends=MONTH_ENDS[:5]),
            MONTH_ENDS[:5],
            Decision.TOO_FEW_MONTHS,
        ),
        # All alike.
        (
            simulate(planted(4)).query("measure_steps == 7"),
            MONTH_ENDS,
            Decision.NO_CANDIDATE,
        ),
        # Nobody, and everybody, does it.
        (
            simulate(planted(4)).assign(n_reached_customers=0),
            MONTH_ENDS,
            Decision.CURRENT_IS_BEST,
        ),
        (
            simulate(planted(4)).assign(n_reached_customers=10),
            MONTH_ENDS,
            Decision.CURRENT_IS_BEST,
        ),
        # Nobody is left to judge on.
        (
            simulate(planted(4)).query("customer_group_code < '80'"),
            MONTH_ENDS,
            Decision.TOO_FEW_CUSTOMERS,
        ),
    ],
    ids=[
        *("nothing", "no customers", "one customer", "two customers", "few months"),
        *("all alike", "nobody does", "everybody does", "no holdout"),
    ],
)
def test_degenerate_input_is_explained(
    outcomes: pd.DataFrame, month_ends: list[dt.date], decision: Decision
) -> None:
    config = dataclasses.replace(CONFIG, max_share_rate=0.7)
    found = propose(outcomes, month_ends=month_ends, config=config)
    assert found.decision is decision, found.words
    assert found.words.startswith("keep 6: ")
    assert "nan" not in found.words
    frame = proposals_frame([found], as_of_date=dt.date(2025, 9, 1), config=config)
    assert not frame["is_proposed"].any()


def test_a_question_has_one_id() -> None:
    last = MONTH_ENDS[-1]
    asked = compute_proposal_id(SESSIONS, last, CONFIG)
    assert propose(simulate(planted(4))).proposal_id == asked
    assert propose(simulate(planted(5), seed=2)).proposal_id == asked
    others = {
        compute_proposal_id(dataclasses.replace(SESSIONS, value=4), last, CONFIG),
        compute_proposal_id(dataclasses.replace(SESSIONS, max_value=8), last, CONFIG),
        compute_proposal_id(SESSIONS, MONTH_ENDS[-2], CONFIG),
        compute_proposal_id(SESSIONS, None, CONFIG),
        compute_proposal_id(
            SESSIONS, last, dataclasses.replace(CONFIG, outcome_days=60)
        ),
    }
    assert len(others) == 5
    assert asked not in others


def test_the_frame_is_the_contract() -> None:
    source = yaml.safe_load(CONTRACT.read_text())["sources"][0]
    (table,) = (t for t in source["tables"] if t["name"] == "threshold_proposals")
    declared = {column["name"]: column["data_type"] for column in table["columns"]}
    assert dict(columns.PROPOSALS) == declared
    frame = proposals_frame(
        [propose(simulate(planted(4)))], as_of_date=MONTH_ENDS[-1], config=CONFIG
    )
    assert list(frame) == list(declared)
    assert frame.iloc[0][["current_value", "candidate_value"]].tolist() == [6, 4]
    assert frame["last_month_end_date"].tolist() == [pd.Timestamp("2025-08-01")]


def thresholds_frame(**changes: object) -> pd.DataFrame:
    row = {
        "threshold_name": "rate",
        "segment": "driven",
        "outcome_name": "refund",
        "direction": "at_least",
        "threshold_value": 0.15,
        "min_value": 0.05,
        "max_value": 0.3,
        "step_value": 0.05,
    }
    return pd.DataFrame([row | changes])


def test_candidates_are_the_steps_within_the_bounds() -> None:
    (threshold,) = read_thresholds(thresholds_frame())
    # 0.3 / 0.05 is 5.999…, 0.15 / 0.05 is 2.999….
    steps = threshold.candidate_steps()
    assert steps == [1, 2, 4, 5, 6]
    assert [threshold.value_of(n) for n in steps] == [0.05, 0.1, 0.2, 0.25, 0.3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"direction": "above"}, "threshold rate: direction is 'above'; expected"),
        ({"step_value": 0}, "threshold rate: step_value is 0.0; expected a number ab"),
        ({"min_value": 0.3}, "threshold rate: min_value is 0.3; expected a number be"),
        ({"threshold_value": np.inf}, "threshold rate: threshold_value is inf"),
        ({"segment": None}, "thresholds: values are missing in segment"),
    ],
)
def test_a_bad_threshold_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_thresholds(thresholds_frame(**changes))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("n_customers", -1, "outcomes of min_sessions: a count is below 0"),
        ("n_reached_customers", 11, "n_reached_customers is above n_customers"),
        ("customer_group_code", "zz", "customer_group_code is 'zz'; expected two hex"),
        ("customer_group_code", "100", "customer_group_code is '100'; expected two"),
        ("measure_steps", None, "outcomes: values are missing in measure_steps"),
        ("as_of_date", dt.date(2024, 1, 1), "2024-01-01 is no month-end given"),
    ],
)
def test_bad_counts_are_named(column: str, value: object, message: str) -> None:
    outcomes = simulate(planted(4)).assign(**{column: value})
    with pytest.raises(ValueError, match=message):
        OutcomeCounts(outcomes, SESSIONS, MONTH_ENDS)


def test_a_missing_column_is_named() -> None:
    outcomes = simulate(planted(4)).drop(columns="net_amount")
    with pytest.raises(ValueError, match="outcomes: columns are missing: net_amount"):
        propose(outcomes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_holdout_months", 0),
        ("min_size_ratio", 1.1),
        ("max_size_ratio", 0.9),
        ("min_share_rate", 0.5),
        ("confidence_level", float("nan")),
        ("min_groups", 129),
    ],
)
def test_a_bad_setting_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; expected"):
        dataclasses.replace(CONFIG, **{name: value})
