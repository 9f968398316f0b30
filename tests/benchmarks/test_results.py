import sys

import pytest

from benchmarks.pipeline.baselines.run_sql import statements_of
from benchmarks.pipeline.comparison import DifferenceError, check_equal
from benchmarks.pipeline.measuring import Cost, ProgramError, run_measured
from benchmarks.pipeline.report import (
    day_table,
    full_table,
    growth_of,
    less_fixed,
    summary_table,
    write_report,
)
from benchmarks.pipeline.results import Results, load_results


def cost(cpu, wall=1.0, peak=2_000_000_000, written=500_000_000):
    return Cost(cpu, wall, peak, written)


@pytest.fixture
def results():
    about = {
        "date": "2026-11-25",
        "cores": 2,
        "commit": "abc1234",
        "versions": {"duckdb": "2.0.0"},
        "shop": {"n_customers": 1, "n_days": 2, "events_per_day": 64},
    }
    made = Results(1000, about)
    for scan, script, land, build in ((1, 4, 2, 6), (2, 5, 3, 20), (4, 4, 2, 6)):
        made.add("scan", cost(scan))
        made.add("script", cost(script))
        made.add("land", cost(land))
        made.add("build", cost(build))
    return made


def test_medians_and_ratios_within_rounds(results):
    assert results.median("script", "cpu") == 4
    # Round by round 1.5, 4 and 1.5.
    assert results.ratio("build", "script") == 1.5
    # Round by round 2, 4.6 and 2.
    assert results.ratio("land + build", "script") == 2
    assert results.ratio("usual", "script") is None


def test_costs_add_up_one_after_the_other():
    assert cost(1, 2, 30, 4) + cost(10, 20, 3, 40) == cost(11, 22, 30, 44)


def test_tools_are_taken_off_before_the_ratio(results):
    fixed = Results(0)
    fixed.add("build", cost(2))
    fixed.add("land", cost(1))
    # Medians: (6 - 2) / 4, and (6 - 2 + 2 - 1) / 4.
    assert less_fixed(results, fixed, "build", "script") == 1
    assert less_fixed(results, fixed, "land + build", "script") == 1.25
    assert less_fixed(results, None, "build", "script") is None
    assert less_fixed(results, fixed, "build_tested", "script") is None


def test_growth_is_beside_n_log_n(results):
    larger = Results(1_000_000)
    larger.add("build", cost(9000))
    # A million has twice the logarithm of a thousand.
    assert growth_of(results, larger) == (1500, pytest.approx(2000))


def test_tables(results):
    lines = full_table(results).splitlines()
    assert lines[2].startswith("| reading the needed columns")
    assert "| hand-written script | 4.00 | 1.00 | 2.00 | 0.500 | 2.50 | 1.00 |" in lines
    assert day_table(results).count("\n") == 1
    assert summary_table([results], {}).splitlines()[2].startswith("| 1,000 | 1.50 |")


def test_tools_are_taken_off_where_they_are_of_the_same_code(results):
    fixed = Results(0)
    fixed.add("build", cost(2))
    kept = summary_table([results], {"abc1234": fixed}).splitlines()[2].split(" | ")
    assert kept[3] == "1.00"
    other = summary_table([results], {"def5678": fixed}).splitlines()[2].split(" | ")
    assert other[3] == "n/a"


def test_growth_is_told_between_sizes_of_one_code(results):
    growths = []
    for commit in ("abc1234", "def5678"):
        larger = Results(2000, results.about | {"commit": commit})
        larger.add("build", cost(12))
        row = summary_table([results, larger], {}).splitlines()[3].split(" | ")
        growths.append(row[10])
    assert growths == ["2.00", "n/a"]


def test_what_the_tools_cost_is_kept_for_each_code(tmp_path):
    for commit in ("abc1234", "def5678", "abc1234"):
        Results(0, {"commit": commit}).save(tmp_path)
    assert [results.about["commit"] for results in load_results(tmp_path)] == [
        "abc1234",
        "def5678",
    ]


def test_results_come_back_as_they_were_saved(results, tmp_path):
    results.save(tmp_path)
    Results(0, {"nodes": {}}).save(tmp_path)
    fixed, found = load_results(tmp_path)
    assert fixed.n_events == 0
    assert found == results


def test_the_page_is_made_of_results_alone(results, tmp_path):
    write_report([results], tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "2 cores, duckdb 2.0.0." in page
    assert "rounds: 3; 2026-11-25, code `abc1234`." in page
    assert (tmp_path / "benchmarks" / "cost.svg").read_text().startswith("<svg")


def test_the_page_has_a_remark_that_was_written_by_hand(results, tmp_path):
    results.about["remark"] = "The disk was full."
    write_report([results], tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "code `abc1234`. The disk was full." in page


def test_the_page_tells_that_a_program_had_fewer_rounds(results, tmp_path):
    results.add("usual", cost(9))
    write_report([results], tmp_path)
    assert "rounds: 1 to 3; " in (tmp_path / "benchmarks.md").read_text()


def test_a_difference_names_the_output_and_the_rows():
    with pytest.raises(DifferenceError, match=r"sessions: 2 rows expected, 3 found$"):
        check_equal({"events": (1, 7), "sessions": (2, 7)}, {"sessions": (3, 7)}, "it")
    with pytest.raises(DifferenceError, match="2 found, other values"):
        check_equal({"sessions": (2, 7)}, {"sessions": (2, 8)}, "it")
    check_equal({"sessions": (2, 7)}, {"sessions": (2, 7)}, "it")


def test_a_program_is_measured_and_a_failure_is_told(tmp_path):
    code = "s = sum(range(3_000_000)); open('o', 'wb').write(bytes(10**6))"
    found = run_measured(
        [sys.executable, "-c", code],
        tmp_path / "logs" / "it.log",
        folder=tmp_path,
        environment={},
    )
    assert found.cpu > 0
    assert found.wall > 0
    # A bare interpreter's few megabytes, not those of this process.
    assert 1_000_000 < found.peak < 60_000_000
    with pytest.raises(ProgramError, match="returned 3"):
        run_measured(
            [sys.executable, "-c", "print('why'); raise SystemExit(3)"],
            tmp_path / "it.log",
            folder=tmp_path,
            environment={},
        )


def test_a_repeated_statement_is_written_out():
    text = "a;\n-- repeat 3\nb;\n-- end\nc;\n"
    assert statements_of(text) == "a;\nb;\nb;\nb;\nc;\n"
