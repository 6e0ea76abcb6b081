"""Bars: the next letter's probabilities, the lengths of names."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import ACCENT, FAMILIES, shown, translucent


def next_letter_bars(
    letters: Sequence[str], probabilities: npt.ArrayLike, family: str | None = None, *, top: float | None = None
) -> go.Figure:
    """One bar a letter, in the alphabet's order so that no bar changes its place; a bar's `customdata` is its letter.

    `probabilities` (V,) as fractions; '.' stands for the end of the name and is hatched. The axis ends at `top`, so
    that two charts can be held against each other, or a little above the highest bar.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    colour = FAMILIES[family].colour if family else ACCENT
    figure = go.Figure(
        go.Bar(
            name="next letter",
            x=[shown(letter) for letter in letters],
            y=values,
            customdata=list(letters),
            marker={
                "color": colour,
                "cornerradius": 2,
                "pattern": {
                    "shape": ["/" if letter == "." else "" for letter in letters],
                    "size": 5,
                    "fgcolor": colour,
                    "bgcolor": translucent(colour, 0.3),  # a low bar is seen too
                },
            },
            hovertemplate="%{x}: %{y:.1%}<extra></extra>",
        )
    )
    # "x" so that the whole column above a small bar answers to pointer and finger.
    figure.update_layout(
        hovermode="x",
        bargap=0.25,
        xaxis={
            "type": "category",
            "tickmode": "linear" if len(letters) <= 40 else "auto",
            "title": {"text": "next letter"},
        },
        yaxis={
            "title": {"text": "probability"},
            "tickformat": ".0%",
            "rangemode": "tozero",
            "range": None if top is None else [0, top],
        },
    )
    return figure


def next_letter_text(letters: Sequence[str], probabilities: npt.ArrayLike) -> str:
    """The chart in words, the most probable letter first."""
    values = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    named = ("end of the name" if letters[i] == "." else letters[i] for i in order)
    return "Probability of each next letter\n" + "\n".join(
        f"{letter}: {value:.1%}" for letter, value in zip(named, values[order], strict=True)
    )


def lengths_histogram(counts: Mapping[int, int]) -> go.Figure:
    """How many names have how many letters: `counts` by length."""
    lengths = sorted(counts)
    figure = go.Figure(
        go.Bar(
            name="names",
            x=lengths,
            y=[counts[length] for length in lengths],
            marker={"color": translucent(ACCENT, 0.85), "cornerradius": 2},
            hovertemplate="%{x} letters: %{y:,} names<extra></extra>",
        )
    )
    figure.update_layout(
        bargap=0.15,
        xaxis={"title": {"text": "letters in the name"}, "dtick": 1 if len(lengths) <= 20 else None},
        yaxis={"title": {"text": "names"}, "tickformat": "~s", "rangemode": "tozero"},
    )
    return figure


def lengths_text(counts: Mapping[int, int]) -> str:
    """The chart in words."""
    lines = (f"{length} letters: {counts[length]:,}" for length in sorted(counts))
    return "Names by their length\n" + "\n".join(lines)
