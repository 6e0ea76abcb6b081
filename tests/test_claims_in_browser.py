"""Claims in a real browser: figures that are there at once, a measurement that is stopped, and one that is not."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import open_page, settled
from wavenames.claims.verdicts import CLAIMS

pytestmark = pytest.mark.browser

SLOW = 60_000  # milliseconds that a busy machine may take for a thing that usually takes one second
CHARTS = ("claims_context", "claims_quality", "claims_parallel")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def labels(page: Page, chart: str) -> list[str]:
    """What stands at the ends of a chart's lines, lowest first."""
    return [text.split(" ", 1)[1] for text in page.locator(f".st-key-{chart} .annotation-text").all_text_contents()]


def test_read_measure_stop_and_measure_my_own(app: str, page: Page) -> None:
    # Somebody has trained letter pairs on names without twins.
    open_page(page, f"{app}/train?preset=bigram&split=unique")
    button(page, "Train").click()
    expect(page.get_by_text("Finished · step 1 of 1", exact=False)).to_be_visible(timeout=SLOW)

    # Four claims, each with a verdict, and charts of the models that ship.
    open_page(page, f"{app}/claims")
    expect(page.get_by_role("heading", level=2)).to_have_text([claim.title for claim in CLAIMS])
    verdict = page.get_by_text(re.compile(r"^(\w+ )?(Holds|Holds in part|Does not hold here|Not measured yet)\."))
    expect(verdict).to_have_count(4)
    for chart in CHARTS:
        page.locator(f".st-key-{chart} .wn-plot-area .main-svg").first.wait_for(timeout=SLOW)
    assert {"wavenet-m", "bigram"} <= set(labels(page, "claims_context"))
    assert set(labels(page, "claims_parallel")) == {"WaveNet", "GRU", "RNN", "Transformer"}
    shipped = page.get_by_text("Measured before, with the models that ship", exact=False)
    expect(shipped).to_be_visible()
    expect(button(page, "Stop")).to_have_count(0)

    # Stopped, a measurement leaves all as it was.
    button(page, "Measure here").click()
    expect(page.get_by_text(re.compile("^(What|Names from) "))).to_be_visible(timeout=SLOW)
    expect(page.locator(".st-key-claims_context .main-svg").first).to_be_visible()
    button(page, "Stop").click()
    expect(shipped).to_be_visible(timeout=SLOW)
    expect(button(page, "Stop")).to_have_count(0, timeout=SLOW)

    # Of the other names only the one model is there, and its line is flat.
    page.get_by_label("Models that learned from").click()
    page.get_by_role("option", name="US births of 2018, unique split").click()
    settled(page)
    button(page, "Measure here").click()
    mine = page.get_by_text("Measured here just now: bigram (2). US births of 2018, unique split.")
    expect(mine).to_be_visible(timeout=3 * SLOW)
    settled(page)
    expect(page.locator(".st-key-claims_context .annotation-text")).to_have_count(1)
    page.locator(".st-key-claims_context summary").click()
    words = page.locator(".st-key-claims_context details").inner_text()
    losses = re.findall(r"\d\.\d{3}", words)
    assert len(losses) == 16
    assert len(set(losses)) == 1
    expect(page.get_by_text("There is no trained WaveNet among these models.")).to_be_visible()
