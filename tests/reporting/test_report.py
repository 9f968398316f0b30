"""The pages say what the published file says, and nothing else."""

import re

import page_reader
import published_shop
import pytest

from orchestration.reporting import write_report
from orchestration.reporting.pages import QUERIES

SQL = {query.name: query.sql for query in QUERIES}
PAGES = ("index", "personas")
# Sections that only a file without rows leaves without a figure or a table.
TEXT_ONLY = {"overview", "about"}


def pages_of(folder, **shop):
    published = published_shop.make(folder / "published" / "segmentary.duckdb", **shop)
    made = write_report(published, folder / "reports", kept=3)
    return published, {name: made.path.with_name(f"{name}.html") for name in PAGES}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return pages_of(tmp_path_factory.mktemp("full"), rows=published_shop.rows())


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return pages_of(tmp_path_factory.mktemp("empty"), rows=published_shop.published())


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return pages_of(
        tmp_path_factory.mktemp("old"), rows=published_shop.published(), marts=False
    )


@pytest.fixture(scope="module", params=["full", "empty", "old"])
def any_file(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("name", PAGES)
def test_every_number_is_a_cell_of_a_query_over_the_published_file(any_file, name):
    published, paths = any_file
    page = page_reader.read(paths[name])
    assert page_reader.untrue(page, published, SQL) == []
    assert page_reader.unsourced(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_and_runs_nothing(any_file, name):
    _, paths = any_file
    page = page_reader.read(paths[name])
    assert page.scripts == 0
    for address in page.addresses:
        assert re.fullmatch(
            r"#[\w-]+|data:,|(\.\./)?(index|personas)\.html", address
        ), address
    css = re.search(r"<style>(.*?)</style>", paths[name].read_text(), re.DOTALL)[1]
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_nothing_is_empty(any_file, name):
    _, paths = any_file
    page = page_reader.read(paths[name])
    assert len(page.ids) == len(set(page.ids))
    assert page.empty == []
    targets = {address[1:] for address in page.addresses if address.startswith("#")}
    assert targets <= set(page.ids)


def test_what_is_known_is_drawn_with_its_numbers_behind_it(full):
    _, paths = full
    page = page_reader.read(paths["index"])
    for section in page.sections:
        if section.id in TEXT_ONLY or "of an earlier version" in section.text:
            continue
        assert section.n_figures or section.id == "personas", section.id
    for figure in page.figures:
        assert figure.n_drawings >= 1
        assert figure.cells
    assert len(page.cells) > 150


def test_what_is_not_known_is_explained_in_a_sentence(empty):
    _, paths = empty
    for name in PAGES:
        page = page_reader.read(paths[name])
        assert page.figures == []
        for section in page.sections:
            assert section.n_tables == 0
            if section.id != "about":
                assert "empty" in section.kinds, section.id


def test_a_file_of_an_earlier_version_names_the_tables_that_it_lacks(old):
    _, paths = old
    for name in PAGES:
        page = page_reader.read(paths[name])
        for section in page.sections:
            if section.id != "about":
                assert "of an earlier version" in section.text, section.id


def test_names_are_escaped(full):
    _, paths = full
    html = paths["index"].read_text()
    assert "Ada&#39;s &lt;b&gt;Shop&lt;/b&gt; &amp; Co" in html
    assert "<b>" not in html
    assert "<repeat>" not in html + paths["personas"].read_text()


def test_numbers_are_spelled_with_units_signs_and_thousands(full):
    _, paths = full
    page = page_reader.read(paths["index"])
    shown = {(cell.query, cell.row, cell.column): cell.text for cell in page.cells}
    assert shown["totals", 0, "n_orders"] == "1,239"
    assert shown["totals", 0, "window_days"] == "365"
    assert shown["rfm_segments", 0, "net_amount"] == "98,765"
    assert shown["rfm_segments", 1, "net_amount"] == "−4,322"  # noqa: RUF001
    assert shown["rfm_segments", 1, "segment"] == "Can't lose them"
    assert shown["rfm_segments", 0, "average_order_amount"] == "80.05"
    assert shown["rfm_moves", 0, "transition_rate"] == "66.7%"
    assert shown["publication", 0, "as_of_date"] == "1 Apr 2024"
    assert shown["freshness", 1, "newest_record_date"] == "–"  # noqa: RUF001
    assert shown["reject_reasons", 0, "reject_reason"] == "Malformed JSON"
    html = paths["index"].read_text()
    assert "Net amount, EUR" in html


def test_a_segment_that_emptied_is_nothing_in_that_month(full):
    _, paths = full
    page = page_reader.read(paths["index"])
    sizes = [
        cell.text
        for cell in page.cells
        if cell.query == "rfm_sizes" and cell.column == "n_customers" and cell.row < 3
    ]
    # Champions, by hand; the newest stands in the panel's title too.
    assert sizes == ["3", "2", "0", "3"]


def test_the_same_file_gives_the_same_pages(full, tmp_path):
    published, paths = full
    again = write_report(published, tmp_path / "reports", kept=3)
    assert again.path.read_bytes() == paths["index"].read_bytes()
    assert again.personas_path.read_bytes() == paths["personas"].read_bytes()


def needs(table):
    return pytest.mark.skipif(
        table not in published_shop.contracts(), reason=f"{table} is no mart yet"
    )


@needs("personas")
def test_a_persona_that_nothing_tells_apart_says_so(full):
    _, paths = full
    for name in PAGES:
        html = paths[name].read_text()
        (card,) = re.findall(r'id="persona-12">.*?</article>', html, re.DOTALL)
        assert "2 held-out customers are too few to judge by" in card
        assert 'class="warning"' in card
        assert "more orders" not in card.lower()
        (other,) = re.findall(r'id="persona-1">.*?</article>', html, re.DOTALL)
        assert "More orders than 80% of customers" in other
        assert 'class="warning"' not in other


@needs("segment_forecast_accuracy")
def test_a_forecast_that_does_not_beat_the_guess_says_so(full):
    _, paths = full
    html = paths["index"].read_text()
    # Of RFM it doesn't (1.25 against 0.75); of the lifecycle it has no forecast.
    assert html.count("does not beat the guess") == 1


@needs("lifetime_value_models")
def test_a_value_forecast_that_is_worse_than_habit_says_so(full):
    _, paths = full
    # Off by a tenth against a twentieth.
    assert "don&#39;t rely on it" in paths["index"].read_text()
