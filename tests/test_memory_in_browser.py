"""What a visitor sees of Memory: counts that sum up, nearest names, charts that say what the figures say."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import open_page, settled

pytestmark = pytest.mark.browser


def figures(page: Page) -> dict[str, int]:
    """The figures above, by their labels."""
    found = {}
    for metric in page.get_by_test_id("stMetric").all():
        label = metric.get_by_test_id("stMetricLabel").inner_text()
        found[label.split(",")[0]] = int(metric.get_by_test_id("stMetricValue").inner_text().replace(",", ""))
    return found


def said(page: Page, chart: str) -> str:
    """The chart with this key in words."""
    plot = page.locator(f".st-key-{chart}")
    plot.get_by_text("As text").click()
    return plot.locator("details p").inner_text()


def test_a_thousand_names_are_told_apart_and_the_charts_say_the_same(app: str, page: Page) -> None:
    open_page(page, f"{app}/memory")
    expect(page.locator(".st-key-memory_distances .bars .point")).to_have_count(12)
    counted = figures(page)
    assert counted["In train"] + counted["Held out"] + counted["New"] == 1000
    assert counted["In train"] > counted["Held out"] > 0
    zero = re.search(r"0: wavenet-m ([\d.]+)%, held-out names ([\d.]+)%", said(page, "memory_distances"))
    assert zero
    assert (round(10 * float(zero[1])), round(10 * float(zero[2]))) == (counted["In train"], counted["Twins"])
    by_heart = re.search(r"so (\d+) ± (\d+) of them it knows by heart", page.get_by_test_id("stMain").inner_text())
    assert by_heart
    assert 0 < int(by_heart[1]) < counted["In train"]
    expect(page.locator(".st-key-memory_by_temperature .lines .js-line")).to_have_count(3)


def test_a_colder_model_repeats_more_and_the_link_keeps_it(app: str, page: Page) -> None:
    open_page(page, f"{app}/memory?memory_of=mlp-3")
    warm = figures(page)["In train"]
    page.get_by_label("Temperature", exact=True).fill("0.5")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"memory_temperature=0\.5"))
    settled(page)
    assert figures(page)["In train"] > 1.5 * warm
    page.reload()
    settled(page)
    expect(page.get_by_label("Temperature", exact=True)).to_have_value("0.5")


def test_figures_of_the_model_before_are_gone_while_another_is_at_work(app: str, page: Page) -> None:
    """Taken out of the page and not filled anew, however much the server sends at once."""
    open_page(page, f"{app}/memory?memory_of=bigram")
    expect(page.get_by_test_id("stMetric")).to_have_count(4)
    page.evaluate(
        """() => {
            const main = document.querySelector("[data-testid=stMain]");
            for (const metric of main.querySelectorAll("[data-testid=stMetric]")) metric.dataset.before = "yes";
            new MutationObserver(() => {
                const bar = main.querySelector("[data-testid=stProgress]");
                const drawing = bar && bar.innerText.includes("Drawing names");
                if (drawing && main.querySelector("[data-before]")) main.dataset.both = "yes";
            }).observe(main, { childList: true, subtree: true });
        }"""
    )
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="tree-76k").click()
    expect(page).to_have_url(re.compile(r"memory_of=tree-76k"))
    expect(page.locator("[data-before]")).to_have_count(0)
    settled(page)
    expect(page.get_by_test_id("stMetric")).to_have_count(4)
    expect(page.locator("[data-both]")).to_have_count(0)


def test_a_run_shows_how_it_came_to_know_names(app: str, page: Page) -> None:
    """Trained a moment ago: at its first step all is new, at its last some of it is known."""
    open_page(page, f"{app}/train?preset=mlp-3&steps=100&evaluate_every=20")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("Finished · step 100 of 100", exact=False)).to_be_visible(timeout=60_000)
    run_id = re.search(r"run=([\w-]{22})", page.url)
    assert run_id
    open_page(page, f"{app}/memory?memory_of={run_id[1]}")
    expect(page.locator(".st-key-memory_by_step .lines .js-line")).to_have_count(3)
    rows = said(page, "memory_by_step").strip().splitlines()[1:]
    assert [row.split(":")[0] for row in rows] == ["0", "20", "40", "60", "80", "100"]
    first, last = (float(re.findall(r"in train ([\d.]+)%", row)[0]) for row in (rows[0], rows[-1]))
    assert first < 1 < last


def test_the_work_is_stopped_at_once_and_taken_up(app: str, page: Page) -> None:
    """The largest model, which nobody has looked at yet: Stop is there before the first figure."""
    open_page(page, f"{app}/names")
    page.goto(f"{app}/memory?memory_of=gru-384")
    page.get_by_role("button", name="Stop").click()
    go_on = page.get_by_role("button", name="Go on")
    expect(go_on).to_be_visible()
    settled(page)
    expect(page.locator(".st-key-memory_leak")).to_have_count(0)
    go_on.click()
    settled(page)
    expect(page.locator(".st-key-memory_leak .point").first).to_be_attached(timeout=30_000)
    assert sum(figures(page)[kind] for kind in ("In train", "Held out", "New")) == 1000
    expect(page.locator(".st-key-memory_by_temperature .lines .js-line")).to_have_count(3)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(go_on).to_have_count(0)
