"""X-ray and Units in a real browser: cells and bars that are chosen by pointer and by keys, a measurement stopped."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import open_page, settled
from wavenames.ui.units_view import CONTEXTS

pytestmark = pytest.mark.browser

SLOW = 60_000  # milliseconds that a busy machine may take for a thing that usually takes one second


def drawn(page: Page, chart: str) -> Locator:
    page.locator(f".st-key-{chart} .main-svg").first.wait_for(timeout=SLOW)
    return page.locator(f".st-key-{chart} .wn-plot-area")


def choose_cell(page: Page, chart: str, column: int, row: int) -> None:
    """Click in a cell of a heat map, each counted from 1 among the labels of its axis."""
    plot = drawn(page, chart)
    plot.scroll_into_view_if_needed()
    across = plot.locator(".xtick").nth(column - 1).bounding_box()
    down = plot.locator(".ytick").nth(row - 1).bounding_box()
    assert across is not None
    assert down is not None
    x, y = across["x"] + across["width"] / 2, down["y"] + down["height"] / 2
    page.mouse.move(x, y)
    expect(plot.locator(".hoverlayer .hovertext").first).to_be_visible()
    page.mouse.click(x, y)


def test_a_name_is_seen_through(app: str, page: Page) -> None:
    """Three models read it; a cell of the second one's chart is chosen, then one of the third by keys."""
    open_page(page, f"{app}/xray?xray_name=maria")
    expect(page.locator(".wn-rows tbody tr")).to_have_count(3)
    expect(page.locator(".wn-rows .wn-ranked")).to_have_count(3 * len("maria."))
    expect(page.get_by_text("bigram and mlp-3 first part by a factor of two", exact=False)).to_be_visible()
    for number in range(3):
        drawn(page, f"xray_expected_{number}")

    choose_cell(page, "xray_helping_1", column=3, row=2)

    expect(page.get_by_text("After m_r, mlp-3 gives i", exact=False)).to_be_visible()
    settled(page)
    assert "xray_of=mlp-3" in page.url
    assert "xray_hide=2" in page.url
    assert "xray_at=4" in page.url
    words = page.locator(".st-key-xray_moved details p")
    expect(words).to_contain_text("Next letter after m_r")

    plot = drawn(page, "xray_helping_2")
    plot.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".st-key-xray_helping_2 [aria-live]")).to_have_text(
        re.compile(r"^r without m \(letter 1\): ")
    )
    expect(page.get_by_text("After _a, wavenet-m gives r", exact=False)).to_be_visible()

    page.get_by_label("Name", exact=True).fill("ruth")
    expect(page.locator(".wn-rows .wn-name").last).to_have_text(re.compile(r"^r\d+u\d+t\d+h\d+■\d+$"))
    page.get_by_label("A second name", exact=True).fill("ruthie")
    expect(page.get_by_text("times as likely as", exact=False).first).to_be_visible()
    page.get_by_label("A second name", exact=True).fill("<img src=x onerror=alert(1)>")
    expect(page.get_by_role("alert")).to_contain_text("'<img src=x")
    expect(page.locator("[data-testid=stAlert] img")).to_have_count(0)


def test_a_unit_is_looked_at_and_switched_off(app: str, page: Page) -> None:
    """The costliest at first; a bar leads to another; a large layer is measured when asked, and can be stopped."""
    open_page(page, f"{app}/units")
    drawn(page, "units_means")
    expect(page.locator(".wn-contexts tbody tr")).to_have_count(2 * CONTEXTS)
    plot = drawn(page, "units_costs")
    words = page.locator(".st-key-units_costs details p")
    costliest, second = re.findall(r"unit (\d+): ", words.inner_text() or words.text_content() or "")[:2]
    expect(page.get_by_text(f"Without unit {costliest}, the validation loss", exact=False)).to_be_visible()
    plot.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text(f"Without unit {second}, the validation loss", exact=False)).to_be_visible()
    settled(page)
    assert f"units_unit=4-{second}" in page.url

    open_page(page, f"{app}/units?units_of=gru-384")
    expect(page.get_by_text("All units of this layer")).to_be_visible()
    page.get_by_role("button", name="Switch off each").click()
    # One is known from the start, and stopped there it would begin anew.
    expect(page.get_by_text(re.compile(r"^(?!1 of)[1-9]\d* of 384 units have been"))).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Go on")).to_be_enabled(timeout=SLOW)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    found = re.search(r"(\d+) of 384 units", page.get_by_test_id("stMain").inner_text())
    assert found
    assert 1 < int(found[1]) < 384
    drawn(page, "units_costs")
    expect(page.locator(".st-key-units_costs .bars .point")).to_have_count(int(found[1]))
    page.get_by_role("button", name="Go on").click()
    more = page.get_by_text(re.compile(r"^\d+ of 384 units have been switched off$"))
    expect(more).to_be_visible(timeout=SLOW)
    assert int(more.inner_text().split()[0]) >= int(found[1])

    open_page(page, f"{app}/units?units_of=mlp-3")
    page.get_by_role("button", name="Switch off each").click()
    drawn(page, "units_costs")
    expect(page.get_by_text("Choose a bar to look at its unit", exact=False)).to_be_visible()
