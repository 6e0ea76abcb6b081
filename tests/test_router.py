"""Every page can be reached by its link, on a server that nobody has visited yet too."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import open_page, running_app

pytestmark = pytest.mark.browser

TITLES = {
    "": "Home",
    "names": "Names",
    "train": "Train",
    "compare": "Compare",
    "results": "Results",
    "claims": "Claims",
    "embeddings": "Embeddings",
    "sample": "Sample",
    "times": "Times",
}


@pytest.mark.parametrize("path", TITLES)
def test_a_deep_link_is_right_at_the_first_visit(path: str, page: Page, tmp_path: Path) -> None:
    """The router runs (title and navigation stand), the right page is shown, and nothing is said to be missing."""
    with running_app(tmp_path) as address:
        open_page(page, f"{address}/{path}")
        expect(page).to_have_title(f"{TITLES[path]} · wavenames")
        for title in TITLES.values():
            navigation = page.get_by_role("navigation", name="App pages")
            expect(navigation.get_by_role("link", name=title, exact=False)).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_test_id("stException")).to_have_count(0)
