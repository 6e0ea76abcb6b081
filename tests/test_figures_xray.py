"""Charts of the X-ray and of units: what is drawn is what came in, and the words say the same."""

import numpy as np

from wavenames.figures.tiles import context_html, tiles_html
from wavenames.figures.units import costs_text, means_text, unit_costs, unit_means
from wavenames.figures.xray import (
    FEW,
    expected_letters,
    expected_text,
    helping_letters,
    helping_text,
    moved_bars,
    moved_text,
)

NAME = ["a", "b", "."]
SHARES = np.array([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.7, 0.1, 0.2]])
"""Of '.', a and b at the three places of "ab."."""
MATRIX = np.array([[0.0, 0.5, -0.25], [0.0, 0.0, 1.0]])


def test_expected_letters_box_the_one_that_came() -> None:
    figure = expected_letters([".", "a", "b"], NAME, SHARES, "wavenet", top=0.7)
    (heat,) = figure.data
    np.testing.assert_allclose(heat.z, SHARES.T)
    assert (heat.zmax, heat.colorscale[8]) == (0.7, (1 / 8, "rgba(215, 50, 70, 0.35)"))
    assert list(heat.y) == ["■", "a", "b"]
    assert [(each.x, each.y, each.text) for each in figure.layout.annotations] == [
        (1, "a", "a"), (2, "b", "b"), (3, "■", "■"),
    ]  # fmt: skip
    assert list(figure.layout.xaxis.ticktext) == ["a", "b", "■"]
    assert figure.layout.yaxis.title.text == "next letter"
    words = expected_text("mlp-3", [".", "a", "b"], NAME, SHARES, [1, 1, 1])
    assert words.splitlines() == [
        "What mlp-3 expected at each place of ab",
        "1. a: 60.0%, rank 1; likeliest a 60.0%, b 30.0%, the end 10.0%",
        "2. b: 50.0%, rank 1; likeliest b 50.0%, a 30.0%, the end 20.0%",
        "3. the end: 70.0%, rank 1; likeliest the end 70.0%, b 20.0%, a 10.0%",
    ]


def test_a_name_as_long_as_any_may_be_is_drawn_at_once() -> None:
    """However many of its cells bear a sign: all of them here. Its letters would not fit along an axis."""
    figure = helping_letters([*"ab" * 30, "."], np.full((60, 61), -1.0), top=1.0)
    assert len(figure.layout.annotations) == 60 * 61 / 2
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert list(axis.tickvals) == [int(text) for text in axis.ticktext] == [10, 20, 30, 40, 50, 60]


def test_helping_letters_leave_empty_what_had_not_been_read() -> None:
    """And a cell can be chosen where there is one; shade is the root, faint at 0, the number the value itself."""
    figure = helping_letters(NAME, MATRIX, top=1.0)
    (heat,) = figure.data
    np.testing.assert_allclose(heat.z, [[0.5, -0.25], [np.nan, 1.0]])
    assert (heat.zmin, heat.zmax) == (-1, 1)
    places = [place for place, _ in heat.colorscale]
    assert (places, places[0], places[-1]) == (sorted(places), 0, 1)
    shades = dict(heat.colorscale)
    assert [shades[0.5 * (1 - 0.5**2)][-6:], shades[0.5 * (1 + 0.5**2)][-6:]] == [" 0.37)", " 0.37)"]
    assert [list(row) for row in heat.customdata] == [["1-2", "1-3"], [None, "2-3"]]
    assert heat.text[0][1] == "the end without a (letter 1): −0.25"
    assert {(each.x, each.y): each.text for each in figure.layout.annotations} == {
        (2, 1): "0.50", (3, 1): "−0.25", (3, 2): "1.00",
    }  # fmt: skip
    assert helping_text("mlp-3", NAME, MATRIX).splitlines() == [
        "Nats that each letter of ab loses in mlp-3 when a letter before it is hidden",
        "2. b: without 1. a 0.50",
        "3. the end: without 1. a −0.25, 2. b 1.00",
    ]


def test_cells_of_long_names_hold_a_minus_alone() -> None:
    """So that what misled is told from what helped without its colour."""
    count = FEW + 1
    matrix = np.zeros((count, count + 1))
    matrix[2, 4], matrix[1, 3] = -0.3, 0.4
    figure = helping_letters([*"abcdefghijkl"[:count], "."], matrix, top=1.0)
    assert [(each.x, each.y, each.text) for each in figure.layout.annotations] == [(5, 3, "−")]


def test_what_moves_is_drawn_twice_and_told_from_the_largest_move_on() -> None:
    before, after = np.array([0.1, 0.7, 0.2]), np.array([0.35, 0.3, 0.35])
    figure = moved_bars([".", "a", "b"], before, after, "mlp")
    assert [list(bar.y) for bar in figure.data] == [list(before), list(after)]
    assert figure.data[0].marker.color != figure.data[1].marker.color
    assert moved_text("Moved", [".", "a", "b"], before, after).splitlines() == [
        "Moved", "a: 70.0%, then 30.0%", "the end: 10.0%, then 35.0%", "b: 20.0%, then 35.0%",
    ]  # fmt: skip


def test_no_letter_of_these_charts_becomes_markup() -> None:
    name, matrix = ["<", "&", "."], np.ones((2, 3))
    for figure in (
        expected_letters([".", "&", "<"], name, SHARES, "mlp", top=1),
        helping_letters(name, matrix, top=1),
        moved_bars([".", "&", "<"], SHARES[0], SHARES[1], "mlp"),
        unit_means([".", "&", "<"], np.ones((3, 2)), np.ones((3, 2))),
    ):
        drawn = str(figure.to_dict()).replace("<extra></extra>", "")
        assert "&lt;" in drawn
        assert "<" not in drawn


def test_means_of_a_unit_leave_empty_what_nothing_was_read_of() -> None:
    table = np.array([[0.5, np.nan], [np.nan, -1.0], [np.nan, 0.5]])
    counts = np.array([[4, 0], [0, 1], [0, 3]])
    (heat,) = unit_means([".", "a", "b"], table, counts).data
    np.testing.assert_allclose(heat.z, table)
    assert (heat.zmin, heat.zmax) == (-1, 1)
    assert means_text("Means", [".", "a", "b"], table, counts).splitlines() == [
        "Means",
        "By the letter just read: the start 0.50, b 0.50, a −1.00",
        "By how many letters have been read: 0 0.50, 1 0.12",
    ]


def test_costs_stand_in_their_order_under_their_units_numbers() -> None:
    figure = unit_costs({0: (0.1, 0.01), 1: (0.3, 0.02), 2: (-0.2, 0.03)}, 0, "tree")
    (bar,) = figure.data
    assert list(bar.x) == list(bar.customdata) == ["2", "1", "3"]
    assert list(bar.y) == [0.3, 0.1, -0.2]
    assert list(bar.error_y.array) == [0.02, 0.01, 0.03]
    (label,) = figure.layout.annotations
    assert (label.text, label.x) == ("unit 1", 1)
    assert costs_text("Costs", {7: (-0.2, 0.03), 0: (0.1, 0.01)}).splitlines() == [
        "Costs", "unit 1: 0.1000 ± 0.0100", "unit 8: −0.2000 ± 0.0300",
    ]  # fmt: skip


def test_ranks_stand_under_their_tiles_and_in_the_words() -> None:
    tiles = tiles_html(["a", "."], [1.0, 0.5], [3, 1])
    assert tiles.count("wn-ranked") == 2
    assert "a</span><span>3</span>" in tiles
    assert 'aria-label="surprisal in nats: a 1.00, rank 3, end of the name 0.50, rank 1"' in tiles
    assert "rank" not in tiles_html(["a", "."], [1.0, 0.5])


def test_a_context_frames_its_last_letter_alone() -> None:
    assert context_html("ab").count("wn-last") == 1
    assert 'wn-last">b</span>' in context_html("ab")
    assert 'aria-label="the start"' in context_html("")
    assert "<b>" not in context_html("<b>")
