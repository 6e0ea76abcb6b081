"""Steps and Letters in a real browser: a run that is started there, scrubbed by keys, played; all moves together."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import open_page, settled

pytestmark = pytest.mark.browser

SLOW = 60_000  # milliseconds that a busy machine may take for a thing that usually takes one second
PLACES = ".wn-plot-area, .wn-plot-player, .wn-slots, .wn-moment .wn-name, .wn-plot-line"


def letter(plot: Locator, kind: str) -> list[float]:
    """Where the first letter of a kind lies on the map."""
    place = "([plot, kind]) => { const t = plot._fullData.find(t => t.uid === kind); return [t.x[0], t.y[0]]; }"
    return [float(value) for value in plot.page.evaluate(place, [plot.element_handle(), kind])]


def drawn(plot: Locator, step: int) -> None:
    """Wait until the mark on the loss stands at a step."""
    there = "([plot, step]) => plot._fullData?.some(trace => trace.uid === 'step' && trace.x[0] === step)"
    plot.page.wait_for_function(there, arg=[plot.element_handle(), step], timeout=SLOW)


def boxes(page: Page) -> list[list[float]]:
    """Where everything stands on the screen."""
    script = "all => all.map(e => e.getBoundingClientRect()).map(box => [box.x, box.y, box.width, box.height])"
    found: list[list[float]] = page.locator(PLACES).evaluate_all(script)
    return found


def test_start_a_run_watch_scrub_play_and_type(app: str, page: Page) -> None:
    # Nothing was trained here yet: one press starts a run, and its steps come as they are made.
    open_page(page, f"{app}/steps")
    expect(page.locator(".wn-moment")).to_have_count(2)
    page.get_by_role("button", name="Train a quick run").click()
    player = page.locator(".wn-plot-player")
    slider, said = player.get_by_role("slider"), player.locator("output")
    expect(said).to_have_text(re.compile(r"step \d+"), timeout=SLOW)
    run = page.get_by_role("combobox", name="Run")
    expect(run).to_have_value(re.compile(r"^quick · \d\.\d{3}$"), timeout=3 * SLOW)
    settled(page)
    expect(said).to_have_text("step 500")

    # The slider moves names, tiles, map and mark at once, without the server.
    plot, slots = page.locator(".wn-plot-area"), page.locator(".wn-slots")
    drawn(plot, 500)
    last = slots.inner_text(), page.locator(".wn-moment .wn-name").get_attribute("aria-label"), letter(plot, "vowel")
    slider.focus()
    page.keyboard.press("Home")
    expect(said).to_have_text("step 0")
    drawn(plot, 0)
    first = slots.inner_text(), page.locator(".wn-moment .wn-name").get_attribute("aria-label"), letter(plot, "vowel")
    assert all(one != other for one, other in zip(first, last, strict=True))
    expect(page.get_by_text("Step 0, validation loss 3.", exact=False).first).to_be_visible()

    # While it plays nothing but what is shown changes, and it ends where it began.
    still = boxes(page)
    player.get_by_label("Speed").select_option("4")
    player.get_by_role("button", name="Play").click()
    expect(said).not_to_have_text("step 0")
    assert boxes(page) == still
    expect(said).to_have_text("step 500", timeout=SLOW)
    assert boxes(page) == still
    expect(slots).to_have_text(last[0].replace("\n", ""))
    drawn(plot, 500)
    assert letter(plot, "vowel") == pytest.approx(last[2])

    # Another name is read at every step, stands in the link, and markup stays text.
    page.get_by_label("Your name").fill("ruth")
    expect(page.locator(".wn-moment .wn-name")).to_have_text("ruth■")
    expect(page).to_have_url(re.compile("steps_name=ruth"))
    page.get_by_label("Your name").fill("<img src=x onerror=alert(1)>")
    expect(page.get_by_role("alert")).to_contain_text("'<img src=x")
    expect(page.locator(".wn-moment .wn-name")).to_have_text("ruth■")

    # On a phone the player stays in sight while the names are read, and nothing is wider than the screen.
    page.get_by_label("Your name").fill("ruth")
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.locator(".wn-moment .wn-name").scroll_into_view_if_needed()
    expect(player).to_be_in_viewport(ratio=1)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth") == 0

    with page.expect_download() as download:
        page.get_by_role("button", name="Names and surprisals").click()
    assert download.value.suggested_filename == "quick-steps.csv"


def test_the_letters_of_a_run_move_under_its_loss(app: str, page: Page) -> None:
    open_page(page, f"{app}/train?preset=mlp-3&steps=60&evaluate_every=10")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("Finished · step 60 of 60", exact=False)).to_be_visible(timeout=SLOW)
    run_id = re.search(r"run=([\w-]{22})", page.url)
    assert run_id
    open_page(page, f"{app}/embeddings?letters_of={run_id[1]}&letters_beside=wavenet-m")
    expect(page.locator(".wn-plot-player:visible")).to_have_count(1)  # who ships has no way to be seen
    place = page.locator(".st-key-first_motion")
    plot, player = place.locator(".wn-plot-area"), place.locator(".wn-plot-player")
    plot.locator(".main-svg").first.wait_for(timeout=SLOW)
    drawn(plot, 60)
    end = letter(plot, "end")
    player.get_by_role("slider").focus()
    for step in (50, 40):
        page.keyboard.press("ArrowLeft")
        expect(player.locator("output")).to_have_text(f"step {step}")
        drawn(plot, step)
    assert letter(plot, "end") != end
    expect(place.locator(".wn-plot-text p")).to_contain_text("at step 40, PCA")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
