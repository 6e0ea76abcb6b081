"""What only a browser shows of Home and Sample: bars that are clicked, files that arrive, a phone's width."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import open_page, settled

pytestmark = pytest.mark.browser


def choose_bar(page: Page, letter: str) -> None:
    """Click in the column of a letter, above its bar, as a finger would."""
    plot = page.locator(".st-key-next_letter .wn-plot-area")
    column = plot.locator(".xtick").filter(has_text=letter)
    place, area = column.bounding_box(), plot.bounding_box()
    assert place is not None
    assert area is not None
    x, y = place["x"] + place["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x, y)
    # The label of this letter: that of the one before may still stand there.
    expect(plot.locator(".hoverlayer .hovertext").filter(has_text=f"{letter}: ").first).to_be_visible()
    page.mouse.click(x, y)


def written(page: Page) -> Locator:
    return page.locator(".st-key-sample_letters input")


def test_a_bar_that_is_clicked_goes_on_and_the_end_mark_ends(app: str, page: Page) -> None:
    """One click, one letter; the link follows; after the end no bar answers; the chart stays mounted."""
    open_page(page, f"{app}/sample?sample_way=Letter+by+letter&sample_letters=ann")
    expect(page.locator(".st-key-next_letter .xtick")).to_have_count(27)
    choose_bar(page, "a")
    expect(written(page)).to_have_value("anna")
    settled(page)
    choose_bar(page, "■")
    expect(written(page)).to_have_value("anna.")
    expect(page.get_by_text("The name ends here")).to_be_visible()
    assert "sample_letters=anna." in page.url
    expect(page.locator(".st-key-next_letter .wn-clickable")).to_have_count(0)


def test_names_of_two_times_stand_under_their_sides(app: str, page: Page) -> None:
    open_page(page, f"{app}/times")
    names = page.locator(".wn-pairs tr").nth(1).locator(".wn-chip")
    sides = page.get_by_text(re.compile(r"^mildred as a name of"))
    expect(names).to_have_count(2)
    expect(sides).to_have_count(2)
    for name, side in zip(names.all(), sides.all(), strict=True):
        here, there = name.bounding_box(), side.bounding_box()
        assert here
        assert there
        assert abs(here["x"] - there["x"]) < 2


def test_the_table_arrives_as_a_file(app: str, page: Page) -> None:
    open_page(page, f"{app}/sample?sample_model=bigram&sample_n=30&sample_prefix=ma")
    with page.expect_download() as download:
        page.get_by_role("button", name="Names as CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 30
    assert all(row["name"].startswith("ma") for row in rows)


def test_a_typed_name_is_scored_while_it_is_typed_and_markup_stays_text(app: str, page: Page) -> None:
    open_page(page, app)
    typed = page.get_by_label("Type your name")
    typed.fill("ruth")
    expect(page.locator(".wn-rows .wn-name").last).to_have_text("ruth■")
    typed.fill("<img src=x onerror=alert(1)>")
    expect(page.get_by_role("alert")).to_contain_text("'<img src=x")
    expect(page.locator("[data-testid=stAlert] img")).to_have_count(0)
    expect(page.locator(".wn-rows .wn-name").last).to_have_text("ruth■")


def test_home_leads_to_the_wiring_of_the_name_that_was_typed(app: str, page: Page) -> None:
    open_page(page, app)
    page.get_by_label("Type your name").fill("ruth")
    expect(page.locator(".wn-rows .wn-name").last).to_have_text("ruth■")
    page.get_by_role("button", name="Look inside").click()
    expect(page).to_have_title("Wiring · wavenames")
    expect(page.get_by_label("Name", exact=True)).to_have_value("ruth")


def test_home_leads_to_train(app: str, page: Page) -> None:
    open_page(page, app)
    page.get_by_role("button", name="Train your own").click()
    expect(page).to_have_title("Train · wavenames")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "results",
        "claims",
        "sample",
        "sample?sample_way=Letter+by+letter&sample_letters=maximiliana",
        "sample?sample_model=wavenet-decades&sample_way=Letter+by+letter&sample_letters=maximiliana",
        "times?times_name=maximiliana",
        "wiring",
        "wiring?wiring_name=maximilianojose",
        "memory",
        "health",
        "break",
        "break?break_card=warmup",
        "xray?xray_name=maximiliana&xray_beside=maximilian",
        "units",
        "steps",
    ],
)
def test_nothing_is_wider_than_a_phone(app: str, browser: Browser, path: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = open_page(context.new_page(), f"{app}/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0
    context.close()


def test_home_needs_no_scrolling_at_1280_by_800(app: str, browser: Browser) -> None:
    """Names, the name that is scored, the way to train: all in the first screen."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = open_page(context.new_page(), app)
    for shown in (".wn-card .wn-chip", ".wn-rows .wn-name", ".st-key-home_train button"):
        expect(page.locator(shown).last).to_be_in_viewport(ratio=1)
    context.close()
