"""A chart that grows keeps its plot, its zoom and its hidden curves; an update is small; a point can be chosen."""

import base64
import csv
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from tests.browser import ROOT
from wavenames.figures.colours import FAMILIES
from wavenames.figures.loss import LossSeries, loss_curves, loss_text
from wavenames.ui.live_plot import payload

APP = Path(__file__).parent / "apps" / "live_plot_app.py"


def test_an_update_of_a_long_run_stays_under_twenty_kilobytes() -> None:
    x = np.arange(200_000)
    noise = np.random.default_rng(0).normal(0, 0.1, x.size)
    run = LossSeries("wavenet-m", "wavenet", "lecture", (x, 2 + noise), (x[::100], 2 + noise[::100]))
    figure = loss_curves([run], {"uniform": 3.296, "bigram": 2.453})
    assert len(figure.data) == 3
    assert len(json.dumps(payload(figure, "run"))) < 20_000


def test_eight_runs_side_by_side_stay_under_twenty_kilobytes() -> None:
    """The more curves, the fewer points each."""
    x = np.arange(20_000)
    noise = np.random.default_rng(0).normal(0, 0.1, x.size)
    runs = [
        LossSeries(f"a run with a title {i}", family, "lecture", (x, 2 + noise), (x[::20], 2 + noise[::20]))
        for i, family in enumerate(FAMILIES)
    ]
    assert len(runs) == 8
    figure = loss_curves(runs, {"uniform": 3.296, "bigram": 2.453})
    assert len(json.dumps(payload(figure, "runs")) + loss_text(runs, {})) < 20_000


def test_floats_travel_with_thirty_two_bits_and_nothing_that_json_does_not_know() -> None:
    figure = go.Figure(
        go.Scatter(x=np.array([1.0, np.nan]), y=[0.123456789, float("nan")], text=np.array(["a", "b"]))
    )
    sent = json.loads(json.dumps(payload(figure, "chart"), allow_nan=False))
    (trace,) = sent["traces"]
    x = np.frombuffer(base64.b64decode(trace["x"]["bdata"]), dtype="<f4")
    assert (trace["x"]["dtype"], x[0], np.isnan(x[1])) == ("f4", 1.0, True)
    assert (trace["y"], trace["text"]) == ([0.123457, None], ["a", "b"])


def test_the_layout_keeps_the_readers_view_under_the_key_and_leaves_the_theme_to_the_browser() -> None:
    assert payload(go.Figure(), "chart")["layout"] == {"uirevision": "chart"}
    own = go.Figure(layout={"uirevision": "until the list changes"})
    assert payload(own, "chart")["layout"]["uirevision"] == "until the list changes"


def test_every_server_of_a_process_can_show_a_chart() -> None:
    for _ in range(2):  # each AppTest is a server of its own
        app = AppTest.from_file(str(APP), default_timeout=30).run()
        assert not app.exception
        assert app.text[0].value == "chosen: none"


# --- in a browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of tests/apps/live_plot_app.py, served on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("live_plot") / "server.log"
    command = [
        *(sys.executable, "-m", "streamlit", "run", str(APP), "--server.headless=true"),
        *("--server.address=127.0.0.1", f"--server.port={port}"),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    url = f"http://127.0.0.1:{port}"
    with log.open("w") as output, subprocess.Popen(command, cwd=ROOT, env=environment, stderr=output) as server:
        try:
            while True:
                assert server.poll() is None, log.read_text()
                try:
                    urlopen(f"{url}/_stcore/health", timeout=2).close()  # noqa: S310 (our own server)
                    break
                except URLError:
                    time.sleep(0.1)
            yield url
        finally:
            server.terminate()
    assert "Traceback" not in log.read_text()


@pytest.fixture
def chart(page: Page, address: str) -> Locator:
    """The plot that grows, drawn."""
    page.goto(address)
    page.locator(".st-key-growing .nsewdrag").wait_for()
    return page.locator(".st-key-growing .wn-plot-area")


def updates(page: Page) -> int:
    words = page.locator(".st-key-growing .wn-plot-text p").text_content() or ""
    return int(words.rsplit("update ", 1)[1])


def wait_for_updates(page: Page, n: int) -> None:
    """Until `n` more figures have come."""
    goal = updates(page) + n
    page.wait_for_function(
        "goal => Number(document.querySelector('.st-key-growing .wn-plot-text p')"
        ".textContent.split('update ').pop()) >= goal",
        arg=goal,
    )


def zoom(page: Page, chart: Locator) -> list[float]:
    """Drag a box over part of the chart; the range of steps that it now shows."""
    box = chart.locator(".nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=8)
    page.mouse.up()
    page.wait_for_function("plot => plot._fullLayout.xaxis.autorange === false", arg=chart.element_handle())
    return x_range(chart)


def x_range(chart: Locator) -> list[float]:
    return [float(end) for end in chart.evaluate("plot => plot._fullLayout.xaxis.range")]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_label_hides_the_lines_behind_it(page: Page, chart: Locator, scheme: Literal["light", "dark"]) -> None:
    """Its letters have a rim of the page's colour, under the letters themselves."""
    page.emulate_media(color_scheme=scheme)
    label, ground = (
        chart.locator(".annotation-text").first,
        {"light": "rgb(251, 250, 247)", "dark": "rgb(21, 24, 29)"},
    )
    expect(label).to_have_css("paint-order", re.compile("^stroke"))
    expect(label).to_have_css("stroke", ground[scheme])


@pytest.mark.browser
def test_zoom_and_plot_survive_five_updates_and_a_change_of_theme(page: Page, chart: Locator) -> None:
    page.emulate_media(color_scheme="light")
    chart.evaluate("plot => { plot.mark = 'first'; plot.querySelector('.main-svg').mark = 'first' }")
    before = zoom(page, chart)
    assert before[0] > 0
    newest = "plot => Math.max(...plot.calcdata.at(-1).map(point => point.x))"
    last = chart.evaluate(newest)

    wait_for_updates(page, 5)
    assert x_range(chart) == before
    assert chart.evaluate(newest) > last

    colour = "plot => getComputedStyle(plot.querySelector('.xtick text')).fill"
    light = chart.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"([plot, was]) => ({colour})(plot) !== was", arg=[chart.element_handle(), light])
    assert x_range(chart) == before
    assert chart.evaluate("plot => [plot.mark, plot.querySelector('.main-svg').mark]") == ["first", "first"]


@pytest.mark.browser
def test_axes_of_one_scale_follow_letters_that_draw_near_unless_the_reader_zoomed(page: Page, chart: Locator) -> None:
    free, framed = (page.locator(f".st-key-{key} .wn-plot-area") for key in ("free", "framed"))
    ends = "plot => [plot._fullLayout.xaxis.range[0], plot._fullData[1].x[0], plot.layout.yaxis.range[0]]"
    wait_for_updates(page, 4)
    left, letter, _ = free.evaluate(ends)
    assert letter > -4
    assert 2 * letter < left < letter
    left, letter, bottom = framed.evaluate(ends)
    assert left == bottom == pytest.approx(letter, rel=1e-5)

    free.scroll_into_view_if_needed()
    before = zoom(page, free)
    wait_for_updates(page, 2)
    assert x_range(free) == before


@pytest.mark.browser
def test_a_plot_goes_with_its_place_alone(page: Page, chart: Locator) -> None:
    """Streamlit tidies up after a call that a newer figure overtook, as well as after a chart that left the page."""
    kept = page.evaluate(
        """async () => {
            const script = document.querySelector("script[src*=live_plot]");
            const { default: show } = await import(script.src);
            const parentElement = document.body.appendChild(document.createElement("div"));
            const data = { traces: [], layout: {}, text: "", version: "" };
            const tidy = show({ data, parentElement, setTriggerValue() {} });
            const plots = () => parentElement.querySelectorAll(".wn-plot").length;
            tidy();
            const overtaken = plots();
            parentElement.remove();
            tidy();
            return [overtaken, plots()];
        }"""
    )
    assert kept == [1, 0]


@pytest.mark.browser
def test_a_curve_that_was_hidden_stays_hidden(page: Page, chart: Locator) -> None:
    visible = "plot => plot._fullData.find(trace => trace.uid.endsWith('validation')).visible"
    chart.locator(".legendtoggle").last.click()
    page.wait_for_function(f"plot => ({visible})(plot) === 'legendonly'", arg=chart.element_handle())
    wait_for_updates(page, 2)
    assert chart.evaluate(visible) == "legendonly"


@pytest.mark.browser
def test_the_library_comes_once_and_each_update_is_small(page: Page, address: str) -> None:
    frames: list[int] = []
    asked: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(len(data))))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.locator(".st-key-growing .nsewdrag").wait_for()
    wait_for_updates(page, 1)
    frames.clear()
    before = updates(page)
    wait_for_updates(page, 4)
    per_update = sum(frames) / (updates(page) - before)
    assert 1000 < per_update < 20_000
    assert len([url for url in asked if "plotly.min.js" in url]) == 1
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


@pytest.mark.browser
def test_a_bar_is_chosen_by_a_click_anywhere_above_it_and_by_keys(page: Page, chart: Locator) -> None:
    bars = page.locator(".st-key-bars .wn-plot-area")
    bars.locator(".nsewdrag").wait_for()
    bars.scroll_into_view_if_needed()
    box = bars.locator(".nsewdrag").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    expect(page.get_by_text("chosen: b")).to_be_visible()
    bars.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("chosen: c")).to_be_visible()
    expect(page.locator(".st-key-bars [aria-live]")).to_have_text("c: 0.500")


@pytest.mark.browser
def test_the_text_twin_opens_over_the_chart_and_moves_nothing(page: Page, chart: Locator) -> None:
    below = page.locator(".st-key-bars")
    before = below.bounding_box()
    page.locator(".st-key-growing summary").click()
    expect(page.locator(".st-key-growing .wn-plot-text p")).to_contain_text("bigram: 2.453")
    expect(page.locator(".st-key-growing .wn-plot-text p")).to_be_visible()
    assert below.bounding_box() == before
    assert page.get_by_role("figure", name="Loss in nats per letter").count() == 1


@pytest.mark.browser
def test_a_chart_fits_a_phone(page: Page, chart: Locator) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("plot => plot._fullLayout.width < 390", arg=chart.element_handle())
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.browser
def test_a_legend_stands_over_its_plot_however_the_page_was_turned(page: Page, chart: Locator) -> None:
    """On two lines where it is narrow, on one again where there is room."""
    plot = page.locator(".st-key-called")
    heights = []
    for width in (390, 320, 390):
        page.set_viewport_size({"width": width, "height": 844})
        expect(plot.locator(".main-svg").first).to_have_attribute("width", str(width - 32))
        page.wait_for_function(
            """() => {
              const [legend, area] = [".legend", ".nsewdrag"].map(
                (one) => document.querySelector(`.st-key-called ${one}`).getBoundingClientRect());
              return legend.bottom <= area.top + 1;
            }""",
            timeout=5000,
        )
        legend = plot.locator(".legend").bounding_box()
        assert legend
        heights.append(legend["height"])
    assert heights[0] == heights[2] < heights[1]


@pytest.mark.browser
def test_a_chart_with_frames_plays_is_scrubbed_by_keys_and_says_what_stands_there(page: Page, chart: Locator) -> None:
    root = page.locator(".st-key-moving .wn-plot")
    plot, words = root.locator(".wn-plot-area"), root.locator(".wn-plot-text p")
    place = "plot => [plot.data[0].x[0], plot.data[0].y[0], plot.data[0].marker.symbol, plot.data[0].marker.size]"
    expect(root.locator("output")).to_have_text("side 3")
    assert plot.evaluate(place) == [3, 9, "x", 9]

    slider = root.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(root.locator("output")).to_have_text("side 2")
    expect(words).to_have_text("Square 4")
    page.wait_for_function(f"plot => ({place})(plot)[1] === 4", arg=plot.element_handle())
    assert slider.get_attribute("aria-valuetext") == "side 2"

    page.keyboard.press("End")
    root.get_by_label("Speed").select_option("0.5")
    root.get_by_role("button", name="Play").click()
    expect(root.locator("output")).to_have_text("side 0")
    root.get_by_label("Speed").select_option("4")
    expect(root.get_by_role("button", name="Pause")).to_be_visible()
    expect(root.locator("output")).to_have_text("side 3")
    expect(root.get_by_role("button", name="Play")).to_be_visible()
    page.wait_for_function(f"plot => ({place})(plot)[1] === 9", arg=plot.element_handle())
    assert page.locator(".st-key-bars .wn-plot-player").is_hidden()


@pytest.mark.browser
def test_what_a_moment_has_beside_its_chart_changes_with_it_and_stands_below_on_a_phone(
    page: Page, chart: Locator
) -> None:
    root = page.locator(".st-key-told .wn-plot")
    beside, plot = root.locator(".wn-plot-beside"), root.locator(".wn-plot-area")
    expect(beside).to_have_text("3²")
    root.get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(beside).to_have_text("0²")
    expect(beside.locator("b")).to_have_text("0")
    script = (
        "each => { const box = each.getBoundingClientRect(); return [box.left, box.right, box.top, box.bottom]; }"
    )
    (left, *_), (_, right, _, bottom) = beside.evaluate(script), plot.evaluate(script)
    assert left > right
    page.set_viewport_size({"width": 390, "height": 800})
    (left, _, top, _), (start, _, _, bottom) = beside.evaluate(script), plot.evaluate(script)
    assert (left, top >= bottom) == (start, True)
    expect(page.locator(".st-key-moving .wn-plot-beside")).to_be_hidden()


@pytest.mark.browser
def test_a_chart_is_taken_away_as_a_picture_and_as_data(page: Page, chart: Locator) -> None:
    root = page.locator(".st-key-moving")
    with page.expect_download() as picture:
        root.get_by_role("button", name="Picture").click()
    assert picture.value.suggested_filename == "squares-of-sides.png"
    header = Path(picture.value.path()).read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    wide, high = (int.from_bytes(header[at : at + 4]) for at in (16, 20))
    assert (wide > 1000, high) == (True, 2 * 228)

    with page.expect_download() as data:
        root.get_by_role("button", name="Data").click()
    assert data.value.suggested_filename == "squares-of-sides.csv"
    rows = list(csv.reader(Path(data.value.path()).read_text(encoding="utf-8").splitlines()))
    assert rows == [["series", "side", "y", "text"], ["square", "3", "9", "'=a, b"]]


@pytest.mark.browser
def test_a_picture_has_the_rim_of_labels_and_the_typeface_of_the_page(page: Page, chart: Locator) -> None:
    root = page.locator(".st-key-rimmed")
    expect(root.locator(".annotation-text")).to_be_visible()
    with (
        page.expect_request(lambda each: "SourceSans" in each.url and each.resource_type == "fetch"),
        page.expect_download() as picture,
    ):
        root.get_by_role("button", name="Picture").click()
    address = f"data:image/png;base64,{base64.b64encode(Path(picture.value.path()).read_bytes()).decode()}"
    ground = """async ([root, address]) => {
        const image = new Image();
        image.src = address;
        await image.decode();
        const [width, height] = [image.width / 4, image.height / 4];
        const paper = new OffscreenCanvas(width, height).getContext("2d");
        paper.drawImage(image, 1.5 * width, 1.5 * height, width, height, 0, 0, width, height);
        const { data } = paper.getImageData(0, 0, width, height);
        paper.fillStyle = getComputedStyle(root).getPropertyValue("--st-background-color");
        paper.fillRect(0, 0, 1, 1);
        const [red, green, blue] = paper.getImageData(0, 0, 1, 1).data;
        let found = 0;
        for (let i = 0; i < data.length; i += 4) {
            if (data[i] === red && data[i + 1] === green && data[i + 2] === blue) found += 1;
        }
        return found / (width * height);
    }"""
    share = page.evaluate(ground, [root.locator(".wn-plot").element_handle(), address])
    assert 0.001 < share < 0.5, "the ground shows around the letters and nowhere else on the red"


@pytest.mark.browser
def test_data_are_the_rows_that_a_chart_is_given(page: Page, chart: Locator) -> None:
    root = page.locator(".st-key-rimmed")
    expect(root.locator(".annotation-text")).to_be_visible()
    with page.expect_download() as data:
        root.get_by_role("button", name="Data").click()
    assert Path(data.value.path()).read_text(encoding="utf-8").splitlines() == ["layer,nats", "first,0.5", "'=last,"]


@pytest.mark.browser
def test_data_hold_how_sure_a_bar_is_and_no_line_where_a_curve_breaks_off(page: Page, chart: Locator) -> None:
    root = page.locator(".st-key-sure")
    expect(root.locator(".main-svg").first).to_be_visible()
    with page.expect_download() as data:
        root.get_by_role("button", name="Data").click()
    assert Path(data.value.path()).read_text(encoding="utf-8").splitlines() == [
        "series,x,nats per letter,text,error",
        "cost,7,0.5,,0.125", "cost,3,0.25,,0.0625", "line,0,0,+1.0,", "line,1,1,'-x,",
    ]  # fmt: skip


@pytest.mark.browser
def test_lines_are_there_while_the_pointer_is_on_their_point(page: Page, chart: Locator) -> None:
    """And a chart whose axes stand still has no buttons to zoom with."""
    plot = page.locator(".st-key-pointed .wn-plot-area")
    expect(plot.locator(".main-svg").first).to_be_visible()
    drawn = "plot => plot.data[1].x"
    assert plot.evaluate(drawn) == []
    spot = """plot => {
        const { xaxis, yaxis } = plot._fullLayout;
        return [xaxis._offset + xaxis.d2p(2), yaxis._offset + yaxis.d2p(2)];
    }"""
    x, y = plot.evaluate(spot)
    plot.hover(position={"x": x, "y": y})
    page.wait_for_function(f"plot => ({drawn})(plot).length === 5", arg=plot.element_handle())
    assert plot.evaluate(drawn) == [0, 2, None, 1, 2]
    plot.hover(position={"x": 5, "y": 5})
    page.wait_for_function(f"plot => ({drawn})(plot).length === 0", arg=plot.element_handle())
    assert plot.locator(".modebar-btn").count() == 0
    assert page.locator(".st-key-bars .modebar-btn").count() > 0
