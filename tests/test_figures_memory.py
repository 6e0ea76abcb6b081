"""The charts of what a model repeats: every figure in the picture and in the words, told apart without colour."""

import itertools

from wavenames.figures.lines import LABEL, MARGINS, label_shifts
from wavenames.figures.memory import distance_bars, distance_text, share_lines, shares_text

MINE = ("<b>mine</b>", [0.5, 0.25, 0.125, 0.125])
OTHERS = ("held-out names", [0.0, 0.75, 0.25, 0.0])
SHARES = {"in train": [0.5, 0.25], "held out": [0.125, 0.25], "new": [0.375, 0.5]}


def test_two_histograms_stand_beside_each_other_and_one_is_hatched() -> None:
    mine, others = distance_bars(MINE, OTHERS, "wavenet").data
    assert list(mine.x) == ["0", "1", "2", "3+"]
    assert list(mine.y) == MINE[1]
    assert list(others.y) == OTHERS[1]
    assert mine.name == "&lt;b&gt;mine&lt;/b&gt;"
    assert mine.marker.pattern.shape is None
    assert others.marker.pattern.shape == "/"


def test_the_histograms_in_words() -> None:
    lines = distance_text(MINE, OTHERS).splitlines()
    assert lines[1] == "0: <b>mine</b> 50.0%, held-out names 0.0%"
    assert lines[4] == "3 or more: <b>mine</b> 12.5%, held-out names 0.0%"


def test_a_line_for_each_kind_of_name_told_apart_by_dash_and_marker_and_labelled() -> None:
    figure = share_lines([0, 100], SHARES, "step", "mlp", 300)
    assert [list(line.y) for line in figure.data] == list(SHARES.values())
    assert len({line.line.dash for line in figure.data}) == 3
    assert len({line.marker.symbol for line in figure.data}) == 3
    assert len({line.line.color for line in figure.data}) == 1
    assert [each.text for each in figure.layout.annotations] == ["● in train", "◐ held out", "○ new"]
    assert figure.layout.yaxis.range == (0, 1)


def test_the_lines_in_words() -> None:
    assert shares_text([0, 100], SHARES, "By step").splitlines() == [
        "By step",
        "0: in train 50.0%, held out 12.5%, new 37.5%",
        "100: in train 25.0%, held out 25.0%, new 50.0%",
    ]


def test_labels_of_lines_that_end_together_stand_above_one_another() -> None:
    ends, height = [0.5, 0.5, 0.0, 0.9], MARGINS + 200
    shifts = label_shifts(ends, (0, 1), height)
    places = sorted(200 * end + shift for end, shift in zip(ends, shifts, strict=True))
    assert all(above - below >= LABEL for below, above in itertools.pairwise(places))
    assert (shifts[0], shifts[2], shifts[3]) == (0, 0, 0)
