"""Charts of health: what is drawn is what was handed in, and the words say it too."""

import numpy as np
import pytest

from wavenames.figures.idle import Remembered, idle_map, idle_text, remembered_points
from wavenames.figures.lights import LIGHTS, light_html
from wavenames.figures.over_steps import FEW, StepLine, over_steps, over_steps_text
from wavenames.figures.ridges import Ridge, ridges, ridges_text


@pytest.mark.parametrize("light", LIGHTS)
def test_a_light_is_told_by_shape_and_word(light: str) -> None:
    """Without its colour too; what is written on it stays text."""
    html = light_html("Depth <b>", light, "a < b")
    glyph, word, _ = LIGHTS[light]
    assert f"· {word}</span>" in html
    assert f">{glyph}</span>Depth &lt;b&gt;" in html
    assert "a &lt; b" in html
    others = [shape for name, (shape, *_) in LIGHTS.items() if name != light]
    assert not any(shape in html for shape in others)


def test_ridges_stand_one_above_the_other_with_equal_bins() -> None:
    rows = [Ridge("layer 1", np.array([0.5, 0.0, 0.25, 0.25]), "0.00 ± 0.30"), Ridge("layer 2", np.eye(4)[0], "1%")]
    figure = ridges(rows, (-1.0, 1.0), "tanh: value", "mlp")
    outline, bins, *_ = figure.data
    assert list(bins.x) == [-0.75, -0.25, 0.25, 0.75]
    assert list(bins.customdata) == [0.5, 0.0, 0.25, 0.25]
    assert outline.x[0] == -1.0
    assert outline.x[-1] == 1.0
    assert max(outline.y) == pytest.approx(0.9), "the highest bin fills its row"
    assert min(figure.data[2].y) == 1.0, "the second row stands on the first"
    assert figure.layout.yaxis.ticktext[0].startswith("layer 1<br>")
    assert ridges_text(rows, "Values") == "Values\nlayer 1: 0.00 ± 0.30\nlayer 2: 1%"


def test_an_empty_histogram_is_a_flat_row() -> None:
    figure = ridges([Ridge("dead", np.zeros(4), "100% at 0")], (0.0, 5.0), "ReLU: value", "wavenet")
    assert set(figure.data[0].y) == {0.0}


def test_a_line_for_each_part_and_a_strong_one_through_the_median() -> None:
    lines = [StepLine(f"part {i}", [20, 40], [-3.0 - i, float("nan") if i == 0 else -2.0 - i]) for i in range(3)]
    figure = over_steps(lines, "log", "mlp", height=340, middle="median", reference=("−3", -3.0))
    *parts, median = figure.data
    assert [trace.name for trace in parts] == ["part 0", "part 1", "part 2"]
    assert list(median.y) == [-4.0, -3.5]
    assert median.line.width > parts[0].line.width
    assert [shape.y0 for shape in figure.layout.shapes] == [-3.0]
    named = {each.text for each in figure.layout.annotations}
    assert named == {"−3", "part 1", "part 2", "median"}
    text = over_steps_text(lines, "log", "median")
    assert "part 0: step 20 −3.00, step 20 −3.00, at most −3.00 at step 20" in text
    assert "median: step 20 −4.00, step 40 −3.50, at most −3.50 at step 40" in text
    assert "not seen yet" in over_steps_text([StepLine("none", [1], [float("nan")])], "log")


def test_of_many_lines_the_outermost_and_the_middle_are_named_apart_and_within_the_axis() -> None:
    lines = [StepLine(f"part {i}", [1], [-float(i)]) for i in range(FEW + 4)]
    figure = over_steps(lines, "log", "mlp", height=340, middle="median", lowest=-8.0)
    names = [each.text for each in figure.layout.annotations]
    assert names == ["median", "part 0"], "the lowest part is out of sight"
    assert figure.layout.yaxis.range[0] > -9
    shifts = [each.yshift for each in over_steps(
        [StepLine("a", [1], [0.5]), StepLine("b", [1], [0.5])], "open", "mlp", height=340, span=(0, 1)
    ).layout.annotations]  # fmt: skip
    assert shifts[1] - shifts[0] >= 15


def test_units_that_rest_most_stand_first() -> None:
    idle = np.array([[0.0, 0.1], [1.0, 1.0], [0.5, 0.7]])
    figure = idle_map(idle, "mlp", "saturated")
    (cells,) = figure.data
    np.testing.assert_array_equal(cells.z, idle[[1, 2, 0]].T)
    assert list(cells.customdata[0]) == [2, 3, 1]
    assert (cells.zmin, cells.zmax) == (0, 1)
    text = idle_text(idle, "layer 1", "saturated")
    assert "layer 1: how often each of 3 units is saturated\n1 units always" in text
    assert "unit 2 most often, 100%; the typical unit 60%" in text


def test_what_is_remembered_stands_against_what_the_batch_has() -> None:
    norm = Remembered(
        "layer 1", np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.array([1.0, 2.0]), np.array([1.0, 4.0])
    )
    means, spreads, diagonal = remembered_points([norm], "tree").data
    assert (list(means.x), list(means.y)) == ([0.0, 1.0], [0.5, 1.0])
    assert (list(spreads.x), list(spreads.y)) == ([1.0, 2.0], [1.0, 4.0])
    assert means.marker.symbol != spreads.marker.symbol
    assert list(diagonal.x) == list(diagonal.y) == [0.0, 4.0]
