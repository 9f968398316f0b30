"""The baselines agree with each other on a small shop, and one more day with a whole
build. The project's own tables are compared by `make bench`."""

import shutil

import pytest

from benchmarks.pipeline.comparison import check_equal, check_frames, fingerprints
from benchmarks.pipeline.generator import Shop
from benchmarks.pipeline.rounds import BASELINES, Bench

SHOP = Shop(n_customers=600, n_days=70, events_per_day=256)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    made = Bench(SHOP, tmp_path_factory.mktemp("bench"))
    made.generate()
    made.script()
    return made


def test_the_usual_sql_agrees(bench):
    bench.usual()
    check_equal(
        fingerprints(bench.database("script"), "script"),
        fingerprints(bench.database("usual"), "usual"),
        "the usual SQL",
    )


def test_one_more_day_agrees_with_a_whole_build(bench, tmp_path):
    bench.script_day()
    whole = Bench(
        Shop(SHOP.n_customers, SHOP.n_days, SHOP.events_per_day), tmp_path / "whole"
    )
    shutil.copytree(bench.landing, whole.landing)
    with bench.new_day_landed():
        shutil.copytree(bench.landing, whole.landing, dirs_exist_ok=True)
    options = [BASELINES / "script.sql"]
    whole.sql("script", options, as_of=bench.next_as_of)
    expected = fingerprints(whole.database("script"), "script")
    # Since when somebody is in a segment is history, which a whole build has not.
    del expected["current_segments"]
    check_equal(expected, fingerprints(bench.database("script_day"), "script"), "a day")


def test_frames_agree(bench):
    bench.narrow()
    bench.pandas()
    check_frames(bench.database("narrow"), bench.folder / "pandas", "pandas")


def test_polars_agrees(bench):
    pytest.importorskip("polars")
    bench.narrow()
    bench.polars()
    check_frames(bench.database("narrow"), bench.folder / "polars", "polars")
