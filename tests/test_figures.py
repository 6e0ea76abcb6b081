"""Thinning keeps what the eye would catch, colours can be told apart, nothing that a person typed becomes markup."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenames.figures.bars import lengths_histogram, lengths_text, next_letter_bars, next_letter_text
from wavenames.figures.colours import FAMILIES, KINDS, NEUTRAL, kind, shown
from wavenames.figures.dots import Dot, dot_plot, dots_text
from wavenames.figures.heatmap import letter_pairs
from wavenames.figures.letters import letters_map, limits_of
from wavenames.figures.lines import LABEL, ModelLine, lines_text, model_lines
from wavenames.figures.loss import LossSeries, loss_curves, loss_text, smooth
from wavenames.figures.moment import moment_html, moment_text
from wavenames.figures.motion import TRAIL, letters_in_motion
from wavenames.figures.scatter import ModelPoint, loss_against_parameters, scatter_text
from wavenames.figures.thinning import thin
from wavenames.figures.tiles import SHADES, TEXT, name_chips_html, tiles_html
from wavenames.figures.times import name_through_time, through_time_text
from wavenames.figures.windows import packed_html

THEME = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text())["theme"]
MODES = ("light", "dark")
LETTERS = list(".abcdefghijklmnopqrstuvwxyz")
REFERENCES = {"uniform": 3.296, "bigram": 2.453}


def linear(colour: str) -> np.ndarray:
    """Linear-light RGB of #rrggbb."""
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""
    high, low = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """https://bottosson.github.io/posts/oklab/"""
    lms = np.cbrt(
        rgb
        @ np.array(
            [
                [0.41222147, 0.53633254, 0.05144599],
                [0.21190350, 0.68069955, 0.10739696],
                [0.08830246, 0.28171884, 0.62997870],
            ]
        ).T
    )
    return np.asarray(
        lms
        @ np.array(
            [
                [0.21045426, 0.79361779, -0.00407205],
                [1.97799850, -2.42859221, 0.45059371],
                [0.02590404, 0.78277177, -0.80867577],
            ]
        ).T
    )


# Machado, Oliveira, Fernandes 2009, severity 1.
COLOUR_VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def run(steps: int = 1000, label: str = "wavenet-m", family: str = "wavenet") -> LossSeries:
    x = np.arange(1, steps + 1)
    noise = np.random.default_rng(0).normal(0, 0.1, steps)
    at = x[:: max(1, steps // 20)]
    return LossSeries(
        label, family, "lecture", (x, 2 + 1.3 * np.exp(-x / 300) + noise), (at, 2.05 + 1.25 * np.exp(-at / 300))
    )


# --- thinning and smoothing


def test_a_spike_among_two_hundred_thousand_points_survives_thinning() -> None:
    y = np.random.default_rng(1).normal(2, 0.01, 200_000)
    y[123_457], y[77] = 9.0, -3.0
    x, kept = thin(np.arange(y.size), y)
    assert len(x) <= 400
    assert kept.max() == 9.0
    assert kept.min() == -3.0


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=2000), st.integers(4, 300))
def test_thinning_keeps_both_ends_the_order_and_only_points_that_were_there(y: list[float], n: int) -> None:
    xs, ys = thin(np.arange(len(y)), y, n)
    assert (xs[0], xs[-1]) == (0, len(y) - 1)
    assert len(xs) == min(len(y), n)
    assert (np.diff(xs) > 0).all()
    assert [y[int(i)] for i in xs] == ys.tolist()


def test_points_that_are_not_finite_are_left_out() -> None:
    xs, ys = thin([0, 1, 2, 3], [1.0, np.nan, np.inf, 2.0])
    assert xs.tolist() == [0, 3]
    assert ys.tolist() == [1, 2]


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.98, 0.9999])
def test_smoothing_equals_the_definition_worked_out_step_by_step(weight: float) -> None:
    y = np.random.default_rng(2).normal(2, 0.3, 3000)
    total = mass = 0.0
    expected = []
    for value in y:
        total, mass = weight * total + value, weight * mass + 1
        expected.append(total / mass)
    np.testing.assert_allclose(smooth(y, weight), expected, rtol=1e-9)


# --- colours


@pytest.mark.parametrize("mode", MODES)
def test_every_colour_of_a_line_has_a_contrast_of_three_on_the_background(mode: str) -> None:
    background = THEME[mode]["backgroundColor"]
    colours = [style.colour for style in FAMILIES.values()] + [style.colour for style in KINDS.values()] + [NEUTRAL]
    assert {c: round(contrast(c, background), 2) for c in colours if contrast(c, background) < 3} == {}


@pytest.mark.parametrize("eyes", COLOUR_VISION)
def test_families_can_be_told_apart_by_colour_with_full_and_with_red_green_blind_vision(eyes: str) -> None:
    """All counting shares one grey."""
    assert FAMILIES["kneser-ney"].colour == FAMILIES["bigram"].colour
    colours = {style.colour for style in FAMILIES.values()}
    assert len(colours) == len(FAMILIES) - 1
    seen = [oklab(np.clip(COLOUR_VISION[eyes] @ linear(colour), 0, 1)) for colour in colours]
    nearest = min(float(np.linalg.norm(a - b)) for i, a in enumerate(seen) for b in seen[:i])
    assert nearest > (0.14 if eyes == "full" else 0.07)


def test_families_can_be_told_apart_without_colour() -> None:
    assert len({style.symbol for style in FAMILIES.values()}) == len(FAMILIES)
    assert len({style.glyph for style in FAMILIES.values()}) == len({style.outline for style in FAMILIES.values()})
    assert len({style.glyph for style in FAMILIES.values()}) == len(FAMILIES)
    assert FAMILIES["kneser-ney"].dash != FAMILIES["bigram"].dash
    assert len({style.symbol for style in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("mode", MODES)
def test_text_of_theme_and_tiles_is_readable(mode: str) -> None:
    theme = THEME[mode]
    for ground in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert contrast(theme["textColor"], ground) > 7
        assert contrast(theme["linkColor"], ground) > 4.5
    assert contrast(theme["primaryColor"], "#ffffff") > 4.5
    assert all(contrast(TEXT[mode], shade) > 4.5 for shade in SHADES[mode])


@pytest.mark.parametrize(
    ("letter", "expected"),
    [
        ("a", "vowel"),
        ("É", "vowel"),
        ("y", "consonant"),
        (".", "end"),
        ("ø", "vowel"),
        ("ı", "vowel"),
        ("ł", "consonant"),
        ("Ё", "vowel"),
        ("ї", "vowel"),
        ("й", "consonant"),
        ("ў", "consonant"),
        ("ж", "consonant"),
        ("ώ", "vowel"),
        ("ς", "consonant"),
        ("ა", "vowel"),
        ("ש", "letter"),
        ("ع", "letter"),
        ("か", "letter"),
        ("民", "letter"),
        ("&", "sign"),
        ("7", "sign"),
        ("😀", "sign"),
    ],
)
def test_kind_of_a_letter(letter: str, expected: str) -> None:
    assert kind(letter) == expected


# --- figures


def texts(figure: go.Figure) -> list[str]:
    return [re.sub("<.*?>", " ", annotation.text) for annotation in figure.layout.annotations]


def legend(figure: go.Figure) -> list[str]:
    """What can be told apart also where the labels at the ends of curves are zoomed out of sight."""
    assert figure.layout.showlegend
    return [trace.name for trace in figure.data if trace.showlegend]


def test_a_single_run_shows_batches_smoothed_and_validation_with_labelled_references() -> None:
    figure = loss_curves([run()], REFERENCES)
    assert [trace.uid.split("-", 1)[1] for trace in figure.data] == [
        "train--each-batch",
        "train--smoothed",
        "validation",
    ]
    assert all(re.fullmatch(r"[a-z0-9-]+", trace.uid) for trace in loss_curves([run(label="a (2) #1: 50%")], {}).data)
    assert {"uniform 3.296", "bigram 2.453"} < set(texts(figure))
    assert figure.layout.yaxis.title.text == "nats per letter, lecture split"
    assert legend(figure) == ["train, smoothed", "validation"]
    _, smoothed, validation = figure.data
    assert smoothed.line.color == NEUTRAL
    assert validation.line.color == FAMILIES["wavenet"].colour


def test_the_chart_of_a_run_opens_on_what_matters_and_has_room_for_the_labels_at_the_ends() -> None:
    """1.5 times a blind guess are seen, or where a run ends above that; a first loss far above it is not."""
    figure = loss_curves([run()], REFERENCES)
    assert figure.layout.yaxis.autorangeoptions.clipmax == pytest.approx(1.5 * 3.296)
    assert figure.layout.margin.r == 32 + 7 * len("validation")
    assert loss_curves([run()], REFERENCES, ends=False).layout.margin.r is None
    away = LossSeries("away", "mlp", "lecture", ([0, 1], [30.0, 20.0]), ([0, 1], [30.0, 20.0]))
    assert loss_curves([away], REFERENCES).layout.yaxis.autorangeoptions.clipmax == pytest.approx(21.0)
    assert loss_curves([run()], {}).layout.yaxis.autorangeoptions.clipmax is None


def test_lines_near_each_other_share_a_label_in_their_order_where_a_chart_has_no_margin() -> None:
    """Away from where curves are: those that are crossed at once at the right, at the end at the left, below."""
    lines = REFERENCES | {
        "letters by frequency": 2.827,
        "tree-76k": 1.989,
        "kn-5": 1.992,
        "wavenet-m": 1.968,
        "<i>": 1.5,
    }
    figure = loss_curves([], lines, ends=False)
    labels = {each.text: (each.x, each.xanchor, each.y) for each in figure.layout.annotations}
    assert labels == {
        "uniform 3.296": (1, "right", 3.296),
        "letters by frequency 2.827": (1, "right", 2.827),
        "bigram 2.453": (1, "right", 2.453),
        "kn-5 1.992<br>tree-76k 1.989<br>wavenet-m 1.968": (0, "left", 1.968),
        "&lt;i&gt; 1.500": (0, "left", 1.5),
    }
    assert {each.yanchor for each in figure.layout.annotations if each.x == 0} == {"top"}
    assert sorted(shape.y0 for shape in figure.layout.shapes) == sorted(lines.values())


def test_lines_that_curves_come_to_late_are_named_in_the_margin_each_clear_of_its_neighbours() -> None:
    """Curves' names among them, all in the order of their losses; hairlines that are crossed at once keep theirs."""
    lines = REFERENCES | {"kn-5": 1.992, "mlp-3": 2.111, "gru-384": 1.905, "<i>": 2.11}
    for runs in (
        [],
        [run()],
        [run(label="one"), run(label="two", family="mlp")],
        [run(label=str(i)) for i in range(6)],
    ):
        figure = loss_curves(runs, lines)
        outside = [each for each in figure.layout.annotations if each.xanchor == "left"]
        assert {"kn-5", "mlp-3", "gru-384", "&lt;i&gt;"} <= {
            each.text.split("> ")[1].split("<br>")[0] for each in outside
        }
        assert {each.x for each in outside} == {1}
        assert figure.layout.margin.r > 7 * len("gru-384")
        assert [each.y for each in outside] == sorted(each.y for each in outside)
        places = np.array([each.y for each in outside]), np.array([each.yshift for each in outside])
        for nat in (90, 200):  # pixels; the browser decides
            assert np.diff(nat * places[0] + places[1]).min() > 31


def test_a_label_at_the_end_of_a_curve_is_hollow_where_its_markers_are() -> None:
    figure = loss_curves([run(label=label) for label in ("one", "two", "three", "four")], {})
    glyphs = {text.split()[1]: text.split()[0] for text in texts(figure)}
    assert glyphs == {"one": "◆", "two": "◇", "three": "◆", "four": "◇"}


@pytest.mark.parametrize(
    ("ends", "side"),
    [((), "bottom"), ((2.0,), "bottom"), ((2.46,), "top"), ((2.453, 2.1), "top"), ((2.8, 2.4), "bottom")],
)
def test_a_line_is_named_on_the_side_where_no_curve_ends_near_it(ends: tuple[float, ...], side: str) -> None:
    """A blind guess is named under its line, where no legend stands."""
    runs = [LossSeries(f"run {end}", "mlp", "lecture", ([0, 1], [3.3, end]), ([0, 1], [3.3, end])) for end in ends]
    figure = loss_curves(runs, REFERENCES)
    anchors = {each.text: each.yanchor for each in figure.layout.annotations if each.text[:3] in ("uni", "big")}
    assert anchors == {"uniform 3.296": "top", "bigram 2.453": side}


def test_the_floor_of_the_train_loss_is_a_line_of_its_own_kind() -> None:
    floor = ("floor for train, 8 letters", 1.412)
    figure = loss_curves([run()], REFERENCES, floor=floor)
    assert {shape.y0: shape.line.dash for shape in figure.layout.shapes} == {
        3.296: "dash", 2.453: "dash", 1.412: "dot",
    }  # fmt: skip
    assert "floor for train, 8 letters 1.412" in texts(figure)
    assert loss_text([run()], REFERENCES, floor).endswith("bigram: 2.453\nfloor for train, 8 letters: 1.412")


def test_dots_stand_on_the_line_of_their_row_with_a_bar_for_their_spread() -> None:
    """The first row on top; what others measured is grey and no family's; no name becomes markup."""
    dots = [
        Dot("<b>", "lecture", "mlp", 2.1, 0.01),
        Dot("<b>", "unique", "mlp", 2.2, 0.02, hollow=True),
        Dot("<b>", "notebook", None, 2.15),
        Dot("wavenet", "lecture", "wavenet", 1.9),
    ]
    figure = dot_plot(dots, "nats per letter")
    lecture, key, unique, notebook = figure.data
    assert (key.name, key.marker.symbol, key.marker.color) == ("lecture", "circle", NEUTRAL), "two families, one key"
    assert [trace.showlegend for trace in (lecture, unique, notebook)] == [False, True, True]
    assert (list(lecture.x), list(lecture.y)) == ([2.1, 1.9], [0, 1])
    assert list(lecture.error_x.array) == [0.01, 0]
    assert list(unique.marker.symbol) == ["circle-open"]
    assert list(notebook.marker.color) == [NEUTRAL]
    assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;", "wavenet"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert dots_text(dots, "Loss") == (
        "Loss\n<b>: lecture 2.100 ± 0.010, unique 2.200 ± 0.020, notebook 2.150\nwavenet: lecture 1.900"
    )


def test_full_and_hollow_dots_look_different_whatever_their_family() -> None:
    """Also those of what was only counted and of what is no model's, whose marks are lines."""
    for family in (*FAMILIES, None, "brand-new"):
        dots = [Dot("row", "one", family, 2.0), Dot("row", "two", family, 2.1, hollow=True)]
        full, hollow = (trace.marker.symbol[0] for trace in dot_plot(dots, "loss").data)
        assert (full != hollow) == (family != "brand-new")
        assert "circle" in hollow or hollow == f"{full}-open"


def test_dots_of_one_series_have_no_legend() -> None:
    assert not dot_plot([Dot("row", "one", "mlp", 2.0)], "loss").layout.showlegend
    assert dot_plot([Dot("row", "one", "mlp", 2.0), Dot("row", "two", "mlp", 2.0)], "loss").layout.showlegend


def test_a_row_far_above_all_others_is_named_at_the_edge_and_squeezes_none() -> None:
    near = [Dot(f"row {i}", "lecture", "mlp", 1.9 + 0.05 * i, 0.01) for i in range(5)]
    far = [Dot("far", "lecture", "bigram", 2.453), Dot("far", "unique", "bigram", 2.454, hollow=True)]
    figure = dot_plot([*far, *near], "loss")
    assert texts(figure) == [" ✕  2.453  ⊗  2.454 →"]
    low, high = figure.layout.xaxis.range
    assert low < 1.89
    assert 2.1 < high < 2.13
    assert [dot for trace in figure.data for dot in trace.x if dot and dot > high] == [2.453, 2.454]
    assert dot_plot([*far[:1], *near[:3]], "loss").layout.xaxis.range is None, "few rows are drawn where they are"
    assert dot_plot([Dot("far", "lecture", "bigram", 2.2), *near], "loss").layout.xaxis.range is None


def test_runs_stand_in_a_legend_and_few_are_labelled_at_their_ends_too() -> None:
    few = loss_curves([run(label="one"), run(label="two", family="mlp")], {})
    assert {text.split()[1] for text in texts(few)} == set(legend(few)) == {"one", "two"}
    many = loss_curves([run(label=f"run {i}") for i in range(6)], {})
    assert texts(many) == []
    assert legend(many) == [f"run {i}" for i in range(6)]


def test_titles_can_not_format_a_chart() -> None:
    """Plotly reads tags; a title shows them, in labels, legends and under the pointer, and is no template either."""
    title = '<b>"%{x}"'
    label = '&lt;b&gt;"%{x}"'
    figure = loss_curves([run(label=title), run(label="two")], {})
    assert any(label in annotation.text for annotation in figure.layout.annotations)
    assert {trace.name for trace in figure.data} == {label, "two"}
    assert all(trace.hovertemplate.endswith("<extra>%{fullData.name}</extra>") for trace in figure.data)
    points = loss_against_parameters([ModelPoint(title, "wavenet", 100, 2.0)], {})
    assert points.data[0].text == (label,)


def test_runs_of_one_family_differ_in_their_markers() -> None:
    figure = loss_curves([run(label=label) for label in ("one", "two", "three", "four")], {})
    symbols = [trace.marker.symbol for trace in figure.data if trace.mode == "lines+markers"]
    assert symbols == ["diamond", "diamond-open", "diamond-dot", "diamond-open-dot"]


def test_a_loss_that_ran_away_is_written_as_a_power_of_ten() -> None:
    lost = LossSeries("lost", "mlp", "unique", ([1, 2], [3.0, 9.7e30]), ([1], [3.2]))
    labels = [each.text for each in loss_curves([lost], {}).layout.annotations]
    assert any("9e30" in label for label in labels)  # smoothed
    assert all(len(label) < 80 for label in labels)


def test_a_run_that_has_just_begun_or_has_diverged_can_be_drawn() -> None:
    begun = LossSeries("new", "mlp", "unique", ([], []), ([], []))
    diverged = LossSeries("lost", "mlp", "unique", ([1, 2], [np.nan, np.nan]), ([1], [np.inf]))
    for series in ([], [begun], [diverged], [begun, diverged]):
        loss_curves(series, REFERENCES, "seconds")
        loss_text(series, REFERENCES)


def test_the_text_of_a_loss_chart_says_last_and_best() -> None:
    assert "wavenet-m (lecture split): train" in loss_text([run()], REFERENCES)
    assert loss_text([run()], REFERENCES).endswith("uniform: 3.296\nbigram: 2.453")


def test_letters_map_has_equal_axes_a_shape_for_each_kind_and_limits_that_stay() -> None:
    vectors = np.random.default_rng(3).normal(size=(27, 2))
    limits = limits_of([vectors, 2 * vectors])
    figure = letters_map(vectors, LETTERS, [kind(c) for c in LETTERS], "PCA, 61% of the variance", limits=limits)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert (tuple(figure.layout.xaxis.range), tuple(figure.layout.yaxis.range)) == limits
    assert sorted(text for trace in figure.data for text in trace.text) == sorted([*LETTERS[1:], "■"])
    assert len({trace.marker.symbol for trace in figure.data}) == 3
    free = letters_map(vectors, LETTERS, [kind(c) for c in LETTERS], "PCA").layout
    assert (free.xaxis.range, free.yaxis.range, free.yaxis.scaleanchor) == (None, None, "x")


def test_the_legend_of_the_letters_map_names_only_kinds_that_are_there() -> None:
    letters = [".", "א", "ב"]
    figure = letters_map(np.eye(3)[:, :2], letters, [kind(one) for one in letters], "PCA")
    assert [trace.name for trace in figure.data] == ["other letters", "end mark"]


def test_heat_map_says_the_value_itself_not_the_root_that_shades_it() -> None:
    counts = np.arange(9).reshape(3, 3)
    figure = letter_pairs(counts, [".", "a", "b"])
    np.testing.assert_array_equal(figure.data[0].z, counts)
    assert dict(figure.data[0].colorscale)[0.25].endswith(" 0.5)")
    letter_pairs(np.zeros((2, 2)), [".", "a"], of="probabilities")


def test_next_letter_bars_carry_their_letter_and_the_text_begins_with_the_likeliest() -> None:
    probabilities = np.array([0.1, 0.7, 0.2])
    assert list(next_letter_bars([".", "a", "b"], probabilities, "wavenet").data[0].customdata) == [".", "a", "b"]
    assert next_letter_text([".", "a", "b"], probabilities).splitlines()[1:] == [
        "a: 70.0%",
        "b: 20.0%",
        "end of the name: 10.0%",
    ]


def test_lengths_are_drawn_in_order() -> None:
    assert list(lengths_histogram({5: 10, 2: 3}).data[0].x) == [2, 5]
    assert lengths_text({5: 10, 2: 3}).endswith("2 letters: 3\n5 letters: 10")


def test_scatter_has_a_trace_for_each_family_on_a_log_axis() -> None:
    points = [ModelPoint("mlp-3", "mlp", 11_897, 2.10), ModelPoint("wavenet-m", "wavenet", 76_347, 1.98)]
    figure = loss_against_parameters(points, REFERENCES)
    assert figure.layout.xaxis.type == "log"
    assert [trace.name for trace in figure.data] == ["mlp", "wavenet"]
    assert scatter_text(points).splitlines()[1].startswith("wavenet-m: 1.980 with 76,347")


def test_no_label_of_the_scatter_lies_on_another_or_on_a_marker_on_a_phone_or_on_a_desktop() -> None:
    """Many models of about one size: the best keep their labels, and every one is named where it is pointed at."""
    dice = np.random.default_rng(1)
    points = [
        ModelPoint(f"model {i}", "mlp", int(10_000 * 8 ** dice.random()), 2 + 0.2 * dice.random()) for i in range(30)
    ]
    (trace,) = loss_against_parameters(points, {}).data
    assert list(trace.customdata) == [point.label for point in points]
    assert 5 < sum(map(bool, trace.text)) < 30
    best = min(range(30), key=lambda i: points[i].loss)
    assert trace.text[best] == points[best].label
    x, y = np.log(trace.x), np.asarray(trace.y)
    for width in (230, 900):
        boxes = []
        across, upward = width * (x - x.min()) / np.ptp(x), 250 * (y - y.min()) / np.ptp(y)
        for px, py, text, side in zip(across, upward, trace.text, trace.textposition, strict=True):
            boxes.append((px - 6, px + 6, py - 6, py + 6))
            if text:
                up = {"top": 7.5 + 6, "middle": 0, "bottom": -7.5 - 6}[side.split()[0]]
                aside = {"left": -1, "center": 0, "right": 1}[side.split()[1]] * (7 * len(text) + 12) / 2
                half = 7 * len(text) / 2
                label = (px + aside - half, px + aside + half, py + up - 7.5, py + up + 7.5)
                assert label[0] >= -24.001
                assert label[1] <= width + 24.001
                boxes.append(label)
        labels = [i for i, box in enumerate(boxes) if box[1] - box[0] > 12.001]
        for i in labels:
            for j, other in enumerate(boxes):
                one = boxes[i]
                overlap = min(one[1], other[1]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[2], other[2])
                assert i == j or min(overlap) < 0.001


def test_a_long_title_is_cut_on_the_scatter_and_whole_where_it_is_pointed_at() -> None:
    title = "a title that is as long as titles may be"
    (trace,) = loss_against_parameters([ModelPoint(title, "mlp", 100, 2.0)], {}).data
    assert trace.text == ("a title that is…",)
    assert trace.customdata == (title,)
    assert trace.hovertemplate.startswith("%{customdata}<br>")


def test_long_titles_are_cut_in_legends_and_at_the_ends_of_curves_with_a_sign_that_they_were() -> None:
    title = "a title that is as long as titles may be, for a phone and for a pic"
    figure = loss_curves([run(label=title), run(label="two")], {})
    assert {trace.name for trace in figure.data} == {"a title that is as long as titles may b…", "two"}
    assert any("a title that …" in annotation.text for annotation in figure.layout.annotations)
    dots = dot_plot([Dot("row", title, "mlp", 2.0)], "loss")
    assert dots.data[0].name == "a title that is as long as titles may b…"
    assert title in loss_text([run(label=title)], {})


# --- tiles


@given(st.lists(st.tuples(st.characters(), st.floats(0, 20)), max_size=8))
def test_no_letter_becomes_markup(letters: list[tuple[str, float]]) -> None:
    html = tiles_html([letter for letter, _ in letters], [nats for _, nats in letters])
    assert html.count("<") == 2 * len(letters) + 2
    assert html.count(">") == html.count("<")
    assert html.count('"') == 8 * len(letters) + 8


def test_what_alone_is_not_to_be_seen_is_drawn_by_a_sign() -> None:
    """Joiners, variation selectors, the space, and marks that belong on the letter before them."""
    drawn = [shown(letter) for letter in ". \u200c\u200d\ufe0f\u0301\u093fa-\U0001f469"]
    assert drawn == ["■", "\u2423", "ZWNJ", "ZWJ", "VS16", "\u25cc\u0301", "\u25cc\u093f", "a", "-", "\U0001f469"]
    assert "> <" not in tiles_html([" "], [1.0])


def test_tiles_say_the_end_mark_in_words_and_draw_it_as_a_sign() -> None:
    html = tiles_html(["a", "."], [0.5, 9.0])
    assert 'aria-label="surprisal in nats: a 0.50, end of the name 9.00"' in html
    assert ">■<" in html
    assert "--shade: 100" in html


def test_names_on_chips_are_escaped() -> None:
    assert "<script>" not in name_chips_html(["<script>alert(1)</script>"])


def test_a_family_without_a_style_of_its_own_can_be_drawn() -> None:
    """A new model needs three steps, and none of them is here."""
    new = LossSeries("new", "brand-new", "unique", ([1, 2], [3.0, 2.0]), ([2], [2.5]))
    assert loss_curves([new], REFERENCES).data
    assert len(loss_against_parameters([ModelPoint("new", "brand-new", 100, 2.0)], {}).data) == 1
    assert next_letter_bars("ab", [0.5, 0.5], "brand-new").data


def test_a_name_through_time_has_a_labelled_line_for_each_and_a_text_twin() -> None:
    """Two lines of one colour told apart by dash, marker and label; every number stands in the text."""
    years, lines = [1880, 2024], {"girls": [2.0, 1.5], "boys": [2.5, 1.625]}
    figure = name_through_time(years, lines, "wavenet")
    assert [list(trace.y) for trace in figure.data] == list(lines.values())
    assert len({(trace.line.dash, trace.marker.symbol) for trace in figure.data}) == 2
    assert {trace.line.color for trace in figure.data} == {FAMILIES["wavenet"].colour}
    assert [(each.text, each.y) for each in figure.layout.annotations] == [("girls", 1.5), ("boys", 1.625)]
    assert figure.layout.annotations[0].yshift < 0 < figure.layout.annotations[1].yshift
    text = through_time_text("emma", years, lines)
    assert text.splitlines() == [
        "Nats per letter of emma by year of birth", "1880: girls 2.000, boys 2.500", "2024: girls 1.500, boys 1.625",
    ]  # fmt: skip


def test_bars_that_are_held_against_each_other_share_their_axis() -> None:
    assert next_letter_bars(["a"], [0.5], "wavenet", top=0.7).layout.yaxis.range == (0, 0.7)
    assert next_letter_bars(["a"], [0.5], "wavenet").layout.yaxis.range is None


def test_lines_of_models_end_in_their_names_which_do_not_stand_on_each_other() -> None:
    """Ends that lie close are labelled one above the other; a second model of a family has hollow markers."""
    lines = [
        ModelLine("a <b>", "wavenet", [2.5, 1.970]), ModelLine("other", "wavenet", [2.5, 1.969]),
        ModelLine("high", "bigram", [2.5, 2.5]),
    ]  # fmt: skip
    figure = model_lines(lines, [1, 2], ("letters", "loss"), height=300)
    assert [trace.marker.symbol for trace in figure.data] == ["diamond", "diamond-open", "x-thin-open"]
    assert figure.data[0].name == "a &lt;b&gt;"
    lower, upper, high = figure.layout.annotations
    assert "other" in lower.text
    assert "a &lt;b&gt;" in upper.text
    assert ("◇" in lower.text, "◆" in upper.text, "✕" in high.text) == (True, True, True)
    assert (lower.y, lower.yshift) == (1.969, 0)
    assert upper.y == 1.970
    assert 14 < upper.yshift < LABEL
    assert (high.y, high.yshift) == (2.5, 0)
    assert lines_text(lines[1:2], [1, 2], "Loss") == "Loss\nother: 1 2.500, 2 1.969"
    flat = model_lines([ModelLine("flat", "mlp", [2.0, 2.0])], [1, 2], ("letters", "loss"), height=300)
    assert flat.layout.yaxis.range[0] < 2.0 < flat.layout.yaxis.range[1]


STEPS = [0, 10, 20, 30]
WAY = [np.random.default_rng(step).normal(size=(27, 2)) for step in STEPS]
LEARNER = LossSeries("mine", "wavenet", "unique", ([1, 2, 30], [3.2, 3.1, 2.0]), (STEPS, [3.3, 2.6, np.nan, 2.2]))


def motion(points: list[np.ndarray]) -> tuple[go.Figure, list[list[dict[str, np.ndarray]]]]:
    kinds = [kind(letter) for letter in LETTERS]
    return letters_in_motion(
        LEARNER, REFERENCES, STEPS, points, letters=LETTERS, kinds=kinds, explained="PCA, 61% of the variance"
    )


def test_letters_in_motion_lie_at_each_step_where_their_vectors_point_with_their_way_behind_them() -> None:
    figure, frames = motion(WAY)
    traces = {trace.uid: place for place, trace in enumerate(figure.data)}
    letters = {each: [letter for letter in LETTERS if kind(letter) == each] for each in KINDS}
    for at, frame in enumerate(frames):
        assert len(frame) == len(figure.data)
        for letter_kind in ("vowel", "consonant", "end"):
            moved, rows = frame[traces[letter_kind]], [LETTERS.index(one) for one in letters[letter_kind]]
            np.testing.assert_array_equal(np.column_stack([moved["x"], moved["y"]]), WAY[at][rows])
        trail = np.column_stack([frame[traces["trail"]]["x"], frame[traces["trail"]]["y"]]).reshape(27, TRAIL + 2, 2)
        assert np.isnan(trail[:, -1]).all(), "no line leads from one letter to the next"
        for back in range(TRAIL + 1):
            np.testing.assert_array_equal(trail[:, TRAIL - back], WAY[max(at - back, 0)])
    for place, change in enumerate(frames[-1]):
        for name, values in change.items():
            np.testing.assert_array_equal(figure.data[place][name], values)


def test_the_mark_of_a_step_is_on_the_validation_curve_and_moves_no_axis() -> None:
    """Where nothing was measured, between its neighbours. Every frame lies within the axes as they are."""
    figure, frames = motion(WAY)
    place = next(at for at, trace in enumerate(figure.data) if trace.uid == "step")
    assert [(frame[place]["x"][1], round(float(frame[place]["y"][1]), 3)) for frame in frames] == [
        (0, 3.3), (10, 2.6), (20, 2.4), (30, 2.2),
    ]  # fmt: skip
    limits = {axis: figure.layout[axis].range for axis in ("xaxis", "yaxis", "xaxis2", "yaxis2")}
    for frame in frames:
        for trace, change in zip(figure.data, frame, strict=True):
            for name, values in change.items():
                low, high = limits[f"{name}axis{(trace[f'{name}axis'] or name)[1:]}"]
                assert low <= np.nanmin(values) <= np.nanmax(values) <= high
    assert figure.layout.yaxis.title.text == "nats per letter,<br>unique split"


def test_lines_that_lie_close_in_a_low_chart_share_their_label() -> None:
    """Those far enough apart for labels of their own keep them."""

    def labels(*curve: float) -> list[str]:
        run = replace(LEARNER, train=([1, 2, 30], curve), validation=([0], [3.4]))
        lines = {"uniform": 3.401, "bigram": 3.264}
        figure, _ = letters_in_motion(run, lines, [0], [], letters=[], kinds=[], explained="")
        return [each.text for each in figure.layout.annotations]

    assert labels(3.4, 2.0, 0.5) == ["uniform 3.401<br>bigram 3.264"]
    assert labels(3.4, 3.2, 3.1) == ["uniform 3.401", "bigram 3.264"]


def test_a_model_without_vectors_moves_along_its_loss_alone() -> None:
    figure, frames = motion([])
    assert all(len(frame) == len(figure.data) for frame in frames)
    assert not any(trace.xaxis == "x2" for trace in figure.data)


def test_names_are_marked_from_where_they_part_from_the_step_before() -> None:
    names, before = ["maria", "an", "<b>", "", "emma"], ["maren", "ann", "<i>", "x", "emma"]
    shown = moment_html("Step <2>", names, before, ["a", "."], [1.0, 3.0])
    slots = re.findall(r"<li[^>]*>(.*?)</li>", shown)
    assert slots == ["mar<b>ia</b>", "an<b>■</b>", "&lt;<b>b&gt;</b>", "<b>■</b>", "emma"]
    assert "Step &lt;2&gt;" in shown
    assert "2.000 nats per letter" in shown
    first = moment_html("Step 0", names, None, ["a", "."], [1.0, 3.0])
    assert re.findall(r"<li[^>]*>(.*?)</li>", first) == ["maria", "an", "&lt;b&gt;", "■", "emma"]
    assert moment_text("Step 2", ["maria", ""], ["a", "."], [1.0, 3.0]) == (
        "Step 2\nNames by the same dice: maria, ■\nSurprisal in nats: a 1.00, end 3.00"
    )


def test_packed_names_are_lists_of_their_own_so_that_a_line_ends_between_them() -> None:
    found = packed_html(".ab.c", "ab.c.", [0, 1, 2, 0, 1])
    assert [name.count("<li>") for name in found.split("<ol>")[1:]] == [3, 2]
