"""Every page can be reached by its link, on a server without visitors yet too, and stands in the navigation."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import open_page, running_app

pytestmark = pytest.mark.browser

GROUPS = {
    "": {"": "Home", "names": "Names", "train": "Train", "sample": "Sample"},
    "See inside": {
        "wiring": "Wiring",
        "xray": "X-ray",
        "units": "Units",
        "embeddings": "Letters",
        "steps": "Steps",
        "times": "Times",
        "memory": "Memory",
        "health": "Health",
        "break": "Break it",
    },
    "Measured": {"compare": "Compare", "results": "Results", "claims": "Claims"},
}
TITLES = {path: title for pages in GROUPS.values() for path, title in pages.items()}


@pytest.mark.parametrize("path", TITLES)
def test_a_deep_link_is_right(app: str, path: str, page: Page) -> None:
    arrives(page, app, path)


@pytest.mark.parametrize("path", ["", "train"])
def test_a_deep_link_is_right_at_the_first_visit(path: str, page: Page, tmp_path: Path) -> None:
    with running_app(tmp_path) as address:
        arrives(page, address, path)


def arrives(page: Page, address: str, path: str) -> None:
    """The router runs, the right page is shown, and nothing is said to be missing."""
    open_page(page, f"{address}/{path}")
    expect(page).to_have_title(f"{TITLES[path]} · wavenames")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_navigation_holds_every_page_in_its_group(app: str, page: Page) -> None:
    open_page(page, app)
    for title in GROUPS[""].values():
        expect(page.get_by_role("link", name=title, exact=True)).to_be_visible()
    for group in ("See inside", "Measured"):
        page.get_by_role("button", name=group).click()
        for title in GROUPS[group].values():
            expect(page.get_by_role("menuitem", name=title, exact=True)).to_be_visible()
        page.keyboard.press("Escape")


@pytest.mark.parametrize(
    ("path", "word", "meant"),
    [
        ("", "nam", "name"),
        ("names", "pair_shown", "pairs_shown"),
        ("sample", "sample_modle", "sample_model"),
        ("units", "unit_of", "units_of"),
        ("memory", "memory_temperatur", "memory_temperature"),
        ("compare", "run", "runs"),
    ],
)
def test_a_misspelt_word_of_a_link_is_named(app: str, path: str, word: str, meant: str, page: Page) -> None:
    open_page(page, f"{app}/{path}?{word}=1")
    said = f"The link sets '{word}', which is no setting; the nearest is '{meant}'."
    expect(page.get_by_text(said)).to_be_visible()
