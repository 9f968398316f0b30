"""Where pages lie, which are kept, and what happens when one can't be made."""

import stat

import dagster as dg
import duckdb
import published_shop
import pytest

from orchestration.__main__ import main
from orchestration.defs.reporting import report
from orchestration.reporting import files, write_report
from orchestration.reporting.answers import Query, ReportError, ask


@pytest.fixture
def published(tmp_path):
    return published_shop.make(
        tmp_path / "state" / "published" / "segmentary.duckdb",
        rows=published_shop.published(),
        marts=False,
    )


def set_run(published, run_id, as_of_date):
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            "update marts.publication set run_id = ?, as_of_date = ?",
            [run_id, as_of_date],
        )


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_has_a_folder_and_the_index_links_it(published, tmp_path):
    made = write_report(published, tmp_path / "reports", kept=2)
    assert made.path == tmp_path / "reports" / "2024-04-01-0f0e0d0c" / "index.html"
    assert listed(made.path.parent) == ["index.html", "personas.html"]
    index = made.index_path.read_text()
    assert 'href="2024-04-01-0f0e0d0c/index.html"' in index
    assert 'href="2024-04-01-0f0e0d0c/personas.html"' in index
    assert (made.n_sections, made.n_kept) == (9, 1)


def test_the_oldest_runs_make_room_and_other_files_stay(published, tmp_path):
    folder = tmp_path / "reports"
    (folder / "2024-01-01-notes").mkdir(parents=True)
    for run_id, day in (("aaaaaaaa", "2024-02-01"), ("bbbbbbbb", "2024-03-01")):
        set_run(published, run_id, day)
        write_report(published, folder, kept=2)
    set_run(published, "cccccccc", "2024-04-01")
    write_report(published, folder, kept=2)
    kept = ["2024-01-01-notes", "2024-03-01-bbbbbbbb", "2024-04-01-cccccccc"]
    assert listed(folder) == [*kept, "index.html"]
    index = (folder / "index.html").read_text()
    assert index.index("cccccccc") < index.index("bbbbbbbb")
    assert "aaaaaaaa" not in index
    # An earlier day's report, made anew, isn't the one that goes.
    set_run(published, "dddddddd", "2024-01-01")
    made = write_report(published, folder, kept=1)
    assert listed(folder) == ["2024-01-01-dddddddd", "2024-01-01-notes", "index.html"]
    assert made.path.is_file()


def test_a_report_made_anew_takes_the_place_of_its_own(published, tmp_path):
    first = write_report(published, tmp_path / "reports", kept=2)
    first.path.write_text("stale")
    again = write_report(published, tmp_path / "reports", kept=2)
    assert again.path == first.path
    assert again.path.read_text() != "stale"
    assert again.n_kept == 1


def test_half_a_page_is_never_seen(published, tmp_path, monkeypatch):
    made = write_report(published, tmp_path / "reports", kept=2)
    pages = (made.path, made.personas_path, made.index_path)
    before = [path.read_bytes() for path in pages]

    def torn(self, content):
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", torn)
    with pytest.raises(OSError, match="no space left"):
        write_report(published, tmp_path / "reports", kept=2)
    assert [path.read_bytes() for path in pages] == before
    assert listed(made.path.parent) == ["index.html", "personas.html"]


def test_nothing_published_is_a_sentence(tmp_path):
    with pytest.raises(ReportError, match=r"Nothing is published at .*missing"):
        write_report(tmp_path / "missing.duckdb", tmp_path / "reports", kept=1)
    assert not (tmp_path / "reports").exists()


def test_to_keep_none_is_refused(published, tmp_path):
    with pytest.raises(ValueError, match="reports_kept is 0; expected 1 or more"):
        write_report(published, tmp_path / "reports", kept=0)


def test_the_published_file_is_only_read(published, tmp_path):
    published.chmod(stat.S_IRUSR)
    before = published.read_bytes()
    write_report(published, tmp_path / "reports", kept=1)
    assert published.read_bytes() == before
    assert listed(published.parent) == ["segmentary.duckdb"]


def test_a_query_that_fails_is_named(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        wrong = Query("sizes", "select nonsense from marts.publication")
        with pytest.raises(ReportError, match=r"query sizes: .*nonsense"):
            ask(connection, [wrong])
        right = Query("sizes", "select run_id from marts.publication")
        with pytest.raises(
            ReportError, match="two queries of the report are named sizes"
        ):
            ask(connection, [right, right])


def test_a_missing_mart_is_no_error_and_is_named(published):
    query = Query("both", "select 1 from marts.personas, marts.publication")
    with duckdb.connect(str(published), read_only=True) as connection:
        answer = ask(connection, [query])["both"]
    assert answer.missing == ("personas",)
    assert len(answer) == 0


@pytest.fixture
def state(published, monkeypatch):
    state = published.parents[1]
    monkeypatch.setenv("SEGMENTARY_STATE", str(state))
    return state


def run_asset(**options):
    return dg.materialize([report], raise_on_error=False, **options)


def test_the_asset_tells_where_the_report_is(state):
    done = run_asset()
    (made,) = done.asset_materializations_for_node("published__report")
    folder = state / "reports" / "2024-04-01-0f0e0d0c"
    assert made.metadata["path"].value == str(folder / "index.html")
    assert made.metadata["report"].value == (folder / "index.html").as_uri()
    assert made.metadata["personas"].value == (folder / "personas.html").as_uri()
    assert made.metadata["n_sections"].value == 9
    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert made.metadata["n_bytes"].value == sum(sizes)


def test_a_failed_report_leaves_the_published_file_and_earlier_reports(
    state, published, monkeypatch
):
    run_asset()
    before = published.read_bytes(), listed(state / "reports")

    message = "the report's query sizes: no such column"

    def fail(*_args):
        raise ReportError(message)

    monkeypatch.setattr(files, "report_page", fail)
    done = run_asset()
    assert not done.success
    assert (published.read_bytes(), listed(state / "reports")) == before


def test_no_report_is_made_where_none_is_kept(state, monkeypatch, tmp_path):
    settings = tmp_path / "vars.yml"
    settings.write_text("reports_kept: 0\n")
    monkeypatch.setenv("SEGMENTARY_VARS", str(settings))
    done = run_asset()
    assert done.success
    assert not (state / "reports").exists()


def test_make_report_makes_it_anew_and_says_where(state, capfd):
    assert main(["report"]) == 0
    path = state / "reports" / "2024-04-01-0f0e0d0c" / "index.html"
    assert path.is_file()
    assert path.as_uri() in capfd.readouterr().out


def test_make_report_without_a_published_file_is_a_sentence(state, published, capfd):
    published.unlink()
    assert main(["report"]) == 1
    assert "Nothing is published at" in capfd.readouterr().err
    assert not (state / "reports").exists()
