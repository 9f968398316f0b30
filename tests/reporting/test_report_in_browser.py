"""The pages in a browser: nothing fails, nothing is asked for, nothing sticks out."""

import browser
import published_shop
import pytest

from orchestration.reporting import write_report

CHROMIUM = browser.find_chromium()
WIDTHS = (390, 820, 1440)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason=f"no {' or '.join(browser.NAMES)} on the PATH"
    ),
]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser.Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module", params=["full", "empty"])
def made(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    rows = {"full": published_shop.rows, "empty": published_shop.published}
    published = published_shop.make(folder / "s.duckdb", rows=rows[request.param]())
    return write_report(published, folder / "reports", kept=1)


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_open_without_a_complaint_a_request_or_a_sideways_scroll(
    chromium, made, width
):
    for path in (made.path, made.personas_path, made.index_path):
        visit = chromium.visit(path, width)
        assert visit == browser.Visit(), path


def test_the_browser_would_have_told(chromium, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><meta name='viewport' content='width=device-width'>"
        "<img src='missing.png'>"
        "<p style='width:600px'>wide</p><script>console.error('no'); boom()</script>"
    )
    visit = chromium.visit(bad, 390)
    assert [address.rsplit("/", 1)[1] for address in visit.requests] == ["missing.png"]
    assert len(visit.complaints) >= 2
    assert visit.overflow > 0
    assert visit.outside[0].startswith("<p")
