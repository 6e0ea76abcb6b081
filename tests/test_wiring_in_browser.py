"""Wiring in a real browser: what is lit, where a click, the keys, the pointer and the player take it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import open_page, settled
from wavenames.figures.colours import FAMILIES
from wavenames.figures.wiring_traces import NODES, POINTED
from wavenames.ui.wiring_view import FIRST_NAME

pytestmark = pytest.mark.browser

LIT = f"""plot => {{
    const nodes = plot.data[{NODES}];
    return nodes.x.map((x, i) => [nodes.y[i], x]).filter((_, i) => nodes.marker.line.color[i] === "{{colour}}");
}}"""
"""Row and place of the nodes that wear the family's colour."""
DILATIONS = (1, 2, 4, 8)


def lit(plot: Locator, family: str = "wavenet") -> set[tuple[int, int]]:
    return {(row, place) for row, place in plot.evaluate(LIT.replace("{colour}", FAMILIES[family].colour))}


def field(place: int, top: int = 4) -> set[tuple[int, int]]:
    """Nodes that a WaveNet of these dilations reads for a prediction, worked out from above."""
    rows, found = {place}, set()
    for row in range(top, 0, -1):
        found |= {(row, at) for at in rows}
        rows |= {at - DILATIONS[row - 1] for at in rows if at >= DILATIONS[row - 1]}
    return found


def main_plot(page: Page) -> Locator:
    plot = page.locator(".st-key-wiring .wn-plot-area")
    expect(plot.locator(".main-svg").first).to_be_visible(timeout=30_000)
    return plot


def spot(plot: Locator, place: int, row: int) -> Any:
    """Where a point lies in its plot, in pixels."""
    x, y = plot.evaluate(
        """(plot, [x, y]) => {
            const { xaxis, yaxis } = plot._fullLayout;
            return [xaxis._offset + xaxis.d2p(x), yaxis._offset + yaxis.d2p(y)];
        }""",
        [place, row],
    )
    return {"x": x, "y": y}


def test_a_prediction_is_lit_chosen_and_built_up(app: str, page: Page) -> None:
    open_page(page, f"{app}/wiring")
    plot = main_plot(page)
    last = len(FIRST_NAME) - 1
    assert lit(plot) == field(last)
    expect(page.get_by_text(f"After {FIRST_NAME[:-1]} comes {FIRST_NAME[-1]}:")).to_be_visible()

    # The pointer on a node lights what that node reads.
    plot.hover(position=spot(plot, 8, 2))
    page.wait_for_function(f"plot => plot.data[{POINTED}].x.length > 0", arg=plot.element_handle())
    assert set(plot.evaluate(f"plot => plot.data[{POINTED}].x")) == {5, 6, 7, 8, None}
    expect(plot.locator(".hoverlayer")).to_contain_text(f"dilation 2 after {FIRST_NAME[:8]}: acts with")

    # A click chooses its column, in the words and in the link too.
    plot.click(position=spot(plot, 8, 2))
    expect(page.get_by_text(f"After {FIRST_NAME[:8]} comes {FIRST_NAME[8]}:")).to_be_visible()
    assert re.search(r"wiring_place=9\b", page.url)
    page.wait_for_function("plot => plot.data[0].marker.line.width[8] === 2", arg=plot.element_handle())
    assert lit(plot) == field(8)

    # So do the keys.
    plot.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    said = page.locator(".st-key-wiring .wn-plot-said")
    expect(said).to_have_text(re.compile(f"^after {FIRST_NAME[:2]}: . \\d+%$"))
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"After {FIRST_NAME[:2]} comes {FIRST_NAME[2]}:")).to_be_visible()
    page.wait_for_function("plot => plot.data[0].marker.line.width[2] === 2", arg=plot.element_handle())
    assert lit(plot) == field(2)

    # The player lights layer by layer.
    slider = page.locator(".st-key-wiring").get_by_role("slider", name="Frame")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(".st-key-wiring output")).to_have_text("letters")
    page.wait_for_function("plot => plot.data[2].x.length === 0", arg=plot.element_handle())
    assert lit(plot) == set()
    for row, dilation in enumerate(DILATIONS, start=1):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".st-key-wiring output")).to_have_text(f"dilation {dilation}")
        wanted = {node for node in field(2) if node[0] <= row}
        page.wait_for_function(f"plot => ({LIT})(plot).length === {len(wanted)}".replace(
            "{colour}", FAMILIES["wavenet"].colour), arg=plot.element_handle())  # fmt: skip
        assert lit(plot) == wanted
    slider.press("End")
    page.locator(".st-key-wiring").get_by_role("button", name="Play").click()
    expect(page.locator(".st-key-wiring output")).to_have_text("dilation 2")
    expect(page.locator(".st-key-wiring output")).to_have_text("next letter")


def test_another_name_another_measure_another_model(app: str, page: Page) -> None:
    open_page(page, f"{app}/wiring")
    plot = main_plot(page)
    page.get_by_label("Name", exact=True).fill("isabella")
    expect(page.get_by_text("After isabell comes a:")).to_be_visible()
    settled(page)
    sizes = f"plot => [...plot.data[{NODES}].marker.size]"
    before = plot.evaluate(sizes)
    page.get_by_role("radio", name="Gate").click()
    page.wait_for_function(
        f"plot => ({sizes})(plot).join() !== '{','.join(map(str, before))}'", arg=plot.element_handle()
    )

    numbers = "plot => plot.data[8].text.join()"
    hidden = plot.evaluate(numbers)
    page.get_by_role("radio", name="Gradient × input").click()
    page.wait_for_function(f"plot => ({numbers})(plot) !== '{hidden}'", arg=plot.element_handle())
    assert "wiring_shade=Gate" in page.url

    # The tree beside its stack: the same wiring, the same answer, and the numbers that say why one is cheaper.
    expect(page.get_by_text("the tree joins two nodes 63 times, the stack 30 times")).to_be_visible()
    tree, stack, mlp = (page.locator(f".st-key-wiring_{name} .wn-plot-area") for name in ("tree", "dilated", "mlp"))
    for each in (tree, stack, mlp):
        expect(each.locator(".main-svg").first).to_be_visible(timeout=30_000)
    assert lit(tree, "tree") == lit(stack, "dilated") == {(1, 1), (1, 3), (1, 5), (1, 7), (2, 3), (2, 7), (3, 7)}
    following = "plot => plot.data[0].text"
    assert tree.evaluate(following) == stack.evaluate(following)
    assert tree.evaluate(f"plot => plot.data[{NODES}].text.slice(0, 9)") == list("444332211")
    assert mlp.evaluate("plot => plot.data[2].x.filter(x => x === null).length") == 9  # eight letters, and the output

    page.get_by_label("Name", exact=True).fill("<b>no</b>")
    expect(page.get_by_role("alert")).to_contain_text("'<b>no</b>'")
    expect(page.get_by_text("After isabell comes a:")).to_be_visible()

    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name=re.compile("^kn-5")).click()
    expect(page.get_by_text("It counts runs of letters: a table", exact=False)).to_be_visible()


def test_on_a_phone_a_tap_chooses_and_tiles_do_not_overlap(app: str, browser: Browser) -> None:
    """Twelve letters are all there, each tile beside the next."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = open_page(context.new_page(), f"{app}/wiring?wiring_name=christabella")
    plot = main_plot(page)
    wide = plot.evaluate("plot => plot._fullLayout.xaxis.d2p(1) - plot._fullLayout.xaxis.d2p(0)")
    assert wide >= plot.evaluate("plot => plot.data[6].marker.size")
    plot.tap(position=spot(plot, 4, 0))
    expect(page.get_by_text("After chri comes s:")).to_be_visible()
    context.close()


def test_a_run_that_is_deleted_in_another_tab_is_said_to_be_gone(app: str, page: Page) -> None:
    """While its wiring is shown: the next letter that is typed meets it."""
    open_page(page, f"{app}/train?preset=mlp-3&steps=20&evaluate_every=10")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("Finished · step 20 of 20", exact=False)).to_be_visible(timeout=60_000)
    run_id = re.search(r"run=([\w-]{22})", page.url)
    assert run_id
    open_page(page, f"{app}/wiring?wiring_model={run_id[1]}")
    other = page.context.new_page()
    open_page(other, f"{app}/compare?runs={run_id[1]}")
    other.get_by_role("button", name="Delete", exact=True).click()
    other.get_by_role("button", name="Delete this run").click()
    expect(other.get_by_role("button", name="Delete this run")).to_have_count(0)
    expect(other.get_by_text("is no longer here")).to_have_count(0)  # who deletes it knows
    page.get_by_label("Name", exact=True).fill("ruth")
    expect(page.get_by_text("is no longer here; wavenet-m", exact=False)).to_be_visible()
    settled(page)
    expect(page.get_by_label("Name", exact=True)).to_have_value("ruth")
