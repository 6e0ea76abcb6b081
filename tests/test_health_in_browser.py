"""A run that goes wrong, from Train to Health and back with one setting changed; a network broken on purpose."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import open_page, settled

pytestmark = pytest.mark.browser


def test_a_sick_run_is_seen_while_it_trains_and_the_one_setting_is_changed(app: str, page: Page) -> None:
    """Lights and charts follow the run; the button under a light opens Train with that setting changed alone."""
    open_page(page, f"{app}/train?preset=wavenet-s&recipe=quick&learning_rate=2&steps=150&evaluate_every=10")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_test_id("stMain").get_by_role("button", name="Look inside").click()
    page.get_by_role("button", name="Health", exact=True).click()
    expect(page.get_by_role("heading", name="Health", level=1)).to_be_visible()
    red = page.locator(".wn-light").filter(has_text="Saturation").filter(has_text="Bad")
    expect(red).to_contain_text("of the tanh values are near ±1", timeout=90_000)
    chart = page.locator(".st-key-health_updates")
    expect(chart.locator(".scatterlayer .trace").first).to_be_attached(timeout=60_000)
    expect(chart).to_contain_text("−3: a thousandth")
    chosen = page.get_by_role("combobox", name="Run or model")
    expect(page.get_by_text("Latest look at step 150.")).to_be_visible(timeout=90_000)
    expect(page.locator(".st-key-health_of")).not_to_contain_text("running", timeout=30_000)
    assert chosen.count() == 1
    settled(page)  # the page is drawn anew when a run ends: a press in that moment would meet a button that goes
    page.get_by_role("button", name="Learning rate to 0.02").first.click()
    expect(page).to_have_title("Train · wavenames")
    settled(page)
    page.get_by_text("All settings").click()
    expect(page.get_by_role("spinbutton", name="Learning rate")).to_have_value("0.02")
    expect(page.get_by_role("spinbutton", name="Steps", exact=True)).to_have_value("150")


def test_a_model_that_ships_is_examined_at_once(app: str, page: Page) -> None:
    open_page(page, f"{app}/health")
    expect(page.locator(".wn-light").first).to_contain_text("Saturation · Good")
    for key in ("health_tanh", "health_sigmoid", "health_relu", "health_idle"):
        expect(page.locator(f".st-key-{key} .main-svg").first).to_be_visible()
    expect(page.locator(".st-key-health_sigmoid")).to_contain_text("block 4 gate")
    page.locator(".st-key-health_idle summary").click()
    expect(page.locator(".st-key-health_idle")).to_contain_text("how often each of 96 units is at 0")


@pytest.mark.slow
def test_a_network_is_broken_beside_its_twin_after_a_prediction(app: str, page: Page) -> None:
    """Nothing runs before an answer; then curves grow, and names and figures come, and stay for the visit."""
    open_page(page, f"{app}/break")
    pressed = page.get_by_role("button", name="Break it").last
    expect(pressed).to_be_disabled()
    page.get_by_text("Its twin: the last letter says most").click()
    expect(pressed).to_be_enabled()
    pressed.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Step \d+ of 200, both in turn"))).to_be_visible()
    expect(page.get_by_text("It came otherwise.")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("Counts of letter pairs.", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile(r"ends at 2\.\d{3} nats per letter on validation names"))).to_be_visible()
    curves = page.locator(".st-key-break_curves")
    expect(curves).to_contain_text("bigram 2.472")
    expect(curves.locator(".scatterlayer .trace")).to_have_count(4)
    expect(page.locator(".wn-card")).to_have_count(2)
    page.get_by_role("link", name="Home").click()
    expect(page).to_have_url(f"{app}/")  # the title changes before the address, and only then is there a way back
    settled(page).go_back()
    expect(page.get_by_text("It came otherwise.")).to_be_visible()
    page.get_by_role("button", name="All cards").click()
    expect(page.get_by_role("button", name="See it again")).to_be_visible()
