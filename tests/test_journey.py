"""The main journey in a real browser: train, zoom, pause, reload, finish, sample, download, upload rubbish."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import open_page, settled
from wavenames.checkpoints import load
from wavenames.names import END_MARK

pytestmark = pytest.mark.browser

SLOW = 60_000  # milliseconds that a busy machine may take for a thing that usually takes one second
RUN = "/train?preset=mlp-3&steps=4000&evaluate_every=40&batch_size=64"


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def step(page: Page) -> int:
    """The step that the progress line of the Train page says."""
    words = page.get_by_text(re.compile(r"step [\d,]+ of [\d,]+")).first.inner_text()
    found = re.search(r"step ([\d,]+) of", words)
    assert found
    return int(found[1].replace(",", ""))


def x_range(chart: Locator) -> list[float]:
    return [float(end) for end in chart.evaluate("plot => plot._fullLayout.xaxis.range")]


def test_train_watch_pause_reload_rejoin_finish_sample_download(app: str, page: Page, tmp_path: Path) -> None:
    """One run from the press of the button to the names that it makes."""
    open_page(page, app + RUN)
    expect(page.get_by_text("11,897 parameters", exact=False)).to_be_visible(timeout=SLOW)
    button(page, "Train").click()
    expect(page).to_have_url(re.compile(r"run=[\w-]{22}"), timeout=SLOW)

    # The chart grows, and keeps the zoom that the reader gave it.
    settled(page)
    loss = page.get_by_test_id("stMetric").filter(has_text="Validation loss")
    expect(loss.get_by_text(re.compile(r"^\d\.\d{3}$"))).to_be_visible(timeout=SLOW)
    chart = page.locator(".st-key-loss_step .wn-plot-area")
    chart.locator(".nsewdrag").first.wait_for(timeout=SLOW)
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 120, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 220, steps=8)
    page.mouse.up()
    page.wait_for_function("plot => plot._fullLayout.xaxis.autorange === false", arg=chart.element_handle())
    zoomed, before = x_range(chart), step(page)
    page.wait_for_function(
        "before => Number(/step ([\\d,]+) of/.exec(document.body.innerText)[1].replaceAll(',', '')) > before + 60",
        arg=before,
        timeout=SLOW,
    )
    assert x_range(chart) == zoomed
    expect(page.get_by_role("region", name="Sampled names")).to_be_visible()

    # Paused, it rests; in a new tab under the same address it is the same run, and goes on from there.
    button(page, "Pause").click()
    expect(page.get_by_text("Paused · step", exact=False)).to_be_visible(timeout=SLOW)
    rested = step(page)
    address = page.url
    other = page.context.new_page()
    open_page(other, address)
    expect(other.get_by_text(f"Paused · step {rested:,} of 4,000", exact=False)).to_be_visible(timeout=SLOW)
    button(other, "Resume").click()
    expect(other.get_by_text("Running · step", exact=False)).to_be_visible(timeout=SLOW)
    other.close()

    page.reload()
    settled(page)
    expect(page.get_by_text("Finished · step 4,000 of 4,000", exact=False)).to_be_visible(timeout=2 * SLOW)
    expect(page.get_by_text("All steps are done.")).to_be_visible()
    for part in ("Train", "Validation", "Test"):
        metric = page.get_by_test_id("stMetric").filter(has_text=f"{part} loss")
        expect(metric.get_by_text(re.compile(r"^\d\.\d{3}$"))).to_be_visible()

    # What it learned can be taken home, and reads back.
    with page.expect_download(timeout=SLOW) as download:
        button(page, "Download").click()
    kept = tmp_path / "model.safetensors"
    download.value.save_as(kept)
    checkpoint = load(kept)
    assert checkpoint.run.recipe.steps == checkpoint.results.steps == 4000
    assert checkpoint.results.validation is not None
    assert checkpoint.results.validation < 2.3

    # And it makes names.
    button(page, "Sample").click()
    expect(page).to_have_url(re.compile("/sample"), timeout=SLOW)
    settled(page)
    with page.expect_download(timeout=SLOW) as download:
        page.get_by_test_id("stDownloadButton").filter(has_text="CSV").get_by_role("button").click()
    names = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert names[0].startswith("name,")
    assert len(names) == 21
    assert all(END_MARK not in line.split(",")[0] for line in names[1:])


def test_a_link_holds_the_whole_configuration(app: str, page: Page) -> None:
    """What a link asks for stands in the controls, and what a control is moved to stands in the link."""
    open_page(page, f"{app}/train?preset=wavenet-s&residual=40&steps=77&split=unique&seed=9")
    expect(page.get_by_role("spinbutton", name="Steps")).to_have_value("77", timeout=SLOW)
    page.get_by_text("All settings").click()
    expect(page.get_by_role("spinbutton", name="Residual")).to_have_value("40")
    expect(page.get_by_role("spinbutton", name="Seed", exact=True)).to_have_value("9")
    page.get_by_role("spinbutton", name="Residual").fill("41")
    page.get_by_role("spinbutton", name="Residual").press("Enter")
    expect(page).to_have_url(re.compile("residual=41"), timeout=SLOW)


def test_what_is_chosen_is_what_is_trained(app: str, page: Page) -> None:
    """A preset and a recipe taken from the choosers, one after the other, train with their own settings."""
    open_page(page, f"{app}/train?preset=mlp-3&hidden=33")
    for chooser, choice in (("Model", "tree-22k"), ("Recipe", "lecture")):
        page.get_by_role("combobox", name=re.compile(chooser)).click()
        page.get_by_role("option", name=choice, exact=True).click()
        settled(page)
    expect(page.get_by_text("22,397 parameters", exact=False)).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("spinbutton", name="Steps")).to_have_value("200000")
    button(page, "Train").click()
    expect(page).to_have_url(re.compile("run="), timeout=SLOW)
    expect(page.get_by_text("of 200,000", exact=False)).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("22,397 parameters", exact=False)).to_be_visible()
    link = re.sub(r".*\?", "", page.url)
    assert set(link.split("&")) - {part for part in link.split("&") if part.startswith("run=")} == {
        "preset=tree-22k", "recipe=lecture",
    }  # fmt: skip
    button(page, "Stop").click()
    expect(page.get_by_text("Stopped · step", exact=False)).to_be_visible(timeout=SLOW)


def test_back_from_sample_shows_the_run(app: str, page: Page) -> None:
    """One step back in the browser's history, from the names that a run makes to the run, as its link was."""
    open_page(page, f"{app}/train?preset=bigram", SLOW)
    button(page, "Train").click()
    expect(page.get_by_text("Finished · step 1 of 1", exact=False)).to_be_visible(timeout=SLOW)
    button(page, "Sample").click()
    expect(page).to_have_url(re.compile("/sample.*sample_model="), timeout=SLOW)
    expect(page.get_by_role("heading", name="Sample", level=1)).to_be_visible(timeout=SLOW)
    settled(page, SLOW)
    page.go_back()
    expect(page.get_by_text("Finished · step 1 of 1", exact=False)).to_be_visible(timeout=SLOW)
    expect(page).to_have_url(re.compile(r"/train\?(?!.*sample_model).*run="))
    page.go_back()
    page.go_back()
    expect(page).to_have_url(f"{app}/train?preset=bigram")  # nothing leads forward again


def test_two_tabs_on_one_run_agree(app: str, page: Page) -> None:
    """A title given in one tab stands in the other, whatever its own field still holds; so does a run taken up."""
    open_page(page, f"{app}/train?preset=wavenet-s&steps=50000")
    button(page, "Train").click()
    expect(page.get_by_text("Running · step", exact=False)).to_be_visible(timeout=SLOW)
    other = page.context.new_page()
    open_page(other, page.url)
    for tab, title in ((page, "mlp (2) #1: 50%"), (other, "the last word")):
        button(tab, "Rename").click()
        tab.get_by_label("Title").fill(title)
        tab.get_by_label("Title").press("Enter")
        for seen in (page, other):
            expect(seen.get_by_role("heading", name=title, level=2)).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(3000)  # three looks at the run: nobody gives the older title again
    expect(page.get_by_role("heading", name="the last word", level=2)).to_be_visible()
    page.keyboard.press("Escape")
    button(page, "Pause").click()
    expect(other.get_by_text("Paused · step", exact=False)).to_be_visible(timeout=SLOW)
    button(page, "Resume").click()
    expect(other.get_by_text("Running · step", exact=False)).to_be_visible(timeout=SLOW)
    other.close()
    button(page, "Stop").click()
    expect(page.get_by_text("Stopped · step", exact=False)).to_be_visible(timeout=SLOW)


def test_a_link_out_of_bounds_is_refused_in_a_sentence(app: str, page: Page) -> None:
    """The page stands, says what is wrong, and trains what it can."""
    open_page(page, f"{app}/train?preset=wavenet-s&residual=9999")
    expect(page.get_by_text("Residual is 9999; allowed is a whole number from 1 to 256.", exact=False)).to_be_visible(
        timeout=SLOW
    )
    expect(button(page, "Train")).to_be_enabled()


def test_an_unknown_run_is_said_to_be_unknown(app: str, page: Page) -> None:
    open_page(page, f"{app}/train?run=nothing-like-a-run")
    expect(page.get_by_text("There is no run 'nothing-like-a-run' here", exact=False)).to_be_visible(timeout=SLOW)
    expect(button(page, "Train")).to_be_enabled()


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("picture.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))),
        ("empty.txt", b""),
        ("dots.txt", b"anna\nb.b\n"),
    ],
)
def test_an_upload_of_rubbish_is_refused_and_the_list_in_use_stays(
    app: str, page: Page, filename: str, content: bytes
) -> None:
    open_page(page, f"{app}/names")
    expect(page.get_by_text("32,257").first).to_be_visible(timeout=SLOW)
    page.get_by_text("Bring another list").click()
    page.locator("input[type=file]").first.set_input_files(
        {"name": filename, "mimeType": "text/plain", "buffer": content}
    )
    expect(page.get_by_role("alert").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("32,257").first).to_be_visible()


def test_a_file_beyond_the_limit_is_refused_in_a_sentence_that_takes_the_place_of_the_last(
    app: str, page: Page, tmp_path: Path
) -> None:
    """A model a little too large, after one that is damaged; a list of the same size, after one of dots."""
    damaged, dots = tmp_path / "damaged.safetensors", tmp_path / "dots.txt"
    damaged.write_bytes(b"x" * 5000)
    dots.write_bytes(b"anna\nb.b\n")
    large_model, large_list = tmp_path / "large.safetensors", tmp_path / "large.txt"
    for path in (large_model, large_list):
        path.write_bytes(bytes(70_000_000))
    refusals = page.get_by_role("alert")
    open_page(page, f"{app}/sample", SLOW)
    page.get_by_text("Model file").click()
    for path, sentence in (
        (damaged, "it can't be read as safetensors"),
        (large_model, "The checkpoint has 70.0 MB; allowed is at most 64 MB."),
    ):
        page.locator("input[type=file]").first.set_input_files(path)
        expect(refusals.get_by_text(sentence)).to_be_visible(timeout=SLOW)
        expect(refusals).to_have_count(1)
    expect(refusals.get_by_text("'large.safetensors' is not used")).to_be_visible()

    # Who comes back to the page finds the place for a file empty, and no refusal below it.
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Names").first.click()
    expect(page.get_by_role("heading", name="Names", level=1)).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Sample").first.click()
    settled(page).get_by_text("Model file").click()
    expect(page.locator("input[type=file]")).to_be_attached(timeout=SLOW)
    expect(settled(page).get_by_role("alert")).to_have_count(0)

    open_page(page, f"{app}/names", SLOW)
    page.get_by_text("Bring another list").click()
    for path, sentence in (
        (dots, "holds '.'"),
        (large_list, "The file 'large.txt' has 70,000,000 bytes; at most 5,000,000 are allowed."),
    ):
        page.locator("input[type=file]").first.set_input_files(path)
        expect(refusals.get_by_text(sentence)).to_be_visible(timeout=SLOW)
        expect(refusals).to_have_count(1)


def test_a_list_brought_by_a_visitor_can_be_trained_on(app: str, page: Page) -> None:
    """From an uploaded file to a finished run on it."""
    stars = "\n".join(
        ["sirius", "vega", "rigel", "altair", "deneb", "spica", "polaris", "mira", "antares", "capella"] * 3
    )
    open_page(page, f"{app}/names")
    page.get_by_text("Bring another list").click()
    page.locator("input[type=file]").first.set_input_files(
        {"name": "stars.txt", "mimeType": "text/plain", "buffer": stars.encode()}
    )
    button(page, "Use this list").click()
    expect(page).to_have_url(re.compile("names=upload-"), timeout=SLOW)
    found = re.search(r"names=(upload-\w+)", page.url)
    assert found
    open_page(page, f"{app}/train?preset=bigram&names={found[1]}")
    button(page, "Train").click()
    expect(page.get_by_text("Finished · step 1 of 1", exact=False)).to_be_visible(timeout=SLOW)


def test_every_page_fits_a_phone(app: str, page: Page) -> None:
    """Nothing sticks out to the right at 390 pixels."""
    page.set_viewport_size({"width": 390, "height": 844})
    widths = {}
    for path in ("", "names", "train", "compare", "embeddings", "sample"):
        open_page(page, f"{app}/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=SLOW)
        widths[path] = page.get_by_test_id("stMain").evaluate("main => main.scrollWidth")
    assert max(widths.values()) <= 390, json.dumps(widths)


def test_under_a_finger_buttons_of_charts_and_tables_lie_over_nothing(app: str, browser: Browser) -> None:
    """A phone shows them always, or with any touch: beside the axis' title, above the table's own place."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = open_page(context.new_page(), f"{app}/sample", SLOW)
    table = page.get_by_test_id("stDataFrame")
    table.hover()
    tools, above = page.get_by_test_id("stElementToolbar"), page.get_by_role("button", name="Names as CSV")
    assert top(tools) >= bottom(above)
    open_page(page, f"{app}/memory", SLOW)
    leak = page.locator(".wn-plot").last
    leak.locator(".xtitle").wait_for(timeout=SLOW)
    assert top(leak.locator(".modebar")) >= bottom(leak.locator(".xtitle"))
    leak.get_by_text("As text").click()
    expect(leak.locator("details p")).to_be_visible()
    context.close()


def top(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["y"]


def bottom(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["y"] + box["height"]
