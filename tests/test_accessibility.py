"""Every page by axe (https://github.com/dequelabs/axe-core): names for what can be used, contrast, order, by keys."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import open_page, settled

pytestmark = pytest.mark.browser

PAGES = (
    "", "names", "train", "train?run=", "compare", "compare?runs=", "results", "claims", "embeddings",
    "embeddings?letters_of=", "steps?steps_run=", "sample",
    "sample?sample_way=Letter+by+letter",
    "sample?sample_way=Letter+by+letter&sample_model=wavenet-decades",
    "times", "wiring", "wiring?wiring_model=kn-5",
    "memory", "memory?memory_of=",
    "xray", "xray?xray_beside=zoe&xray_name=maximiliana", "units", "units?units_of=kn-5", "units?units_of=mlp-3",
    "health", "health?health_of=", "break", "break?break_card=rate",
    "sample?sample_model=bigram&sample_pattern=zzzzzzzzzzzz&sample_tries=1&sample_n=0",
)  # fmt: skip
"""Links; one that ends in "=" is given the id of a run."""
WIDTHS = (1280, 390)
NOT_OURS = {"exclude": [["[data-testid=stSidebarNavItems]"]]}
"""Streamlit's list of pages on a phone, which is no list by the rules once its pages stand in groups."""


@pytest.fixture(scope="module")
def run_id(app: str, browser: Any) -> str:
    """A run of this server that has finished."""
    context = browser.new_context()
    page = open_page(context.new_page(), f"{app}/train?preset=mlp-3&steps=60&evaluate_every=10")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("Finished · step 60 of 60", exact=False)).to_be_visible(timeout=60_000)
    found = re.search(r"run=([\w-]{22})", page.url)
    context.close()
    assert found
    return found[1]


def findings(page: Page) -> list[str]:
    """What axe has to say about the page, all of it folded out."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    violations = Axe().run(page, context=NOT_OURS).response["violations"]
    return [
        f"{page.viewport_size} {each['impact']} {each['id']}: {node['html'][:160]} ({node.get('failureSummary')})"
        for each in violations
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("link", PAGES)
def test_axe_finds_nothing(app: str, run_id: str, page: Page, link: str, scheme: Any) -> None:
    """On a desktop and on a phone. The whole page is in view: what is scrolled away axe can't judge."""
    page.emulate_media(color_scheme=scheme)
    found = []
    open_page(page, f"{app}/{link}{run_id if link.endswith('=') else ''}")
    # The pages' own style comes a moment after their words.
    page.wait_for_function("[...document.styleSheets].some(s => s.ownerNode.textContent.includes('.wn-tile'))")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
        settled(page)
        expect(page.locator(".wn-plot-area:not(:has(.main-svg))")).to_have_count(0, timeout=30_000)
        found += findings(page)
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_walks_by_keys_sees_where_they_are(app: str, page: Page, scheme: Any) -> None:
    """On the way to pages, and on the buttons of a table, which a pointer brings to light."""
    page.emulate_media(color_scheme=scheme)
    open_page(page, f"{app}/embeddings")
    expect(page.get_by_test_id("stElementToolbar")).to_have_count(2)
    page.wait_for_function("[...document.styleSheets].some(s => s.ownerNode.textContent.includes('.wn-tile'))")
    script = "() => getComputedStyle(document.activeElement).outline"
    walked = {}
    for _ in range(40):
        page.keyboard.press("Tab")
        where = page.evaluate("() => document.activeElement.dataset.testid")
        if where in ("stTopNavLink", "stTopNavSection", "stBaseButton-elementToolbar"):
            walked[where] = page.evaluate(script)
        if where == "stBaseButton-elementToolbar":
            break
    assert len(walked) == 3
    assert all("solid 2px" in outline for outline in walked.values()), walked
    expect(page.get_by_test_id("stElementToolbar").first).to_have_css("opacity", "1")
