"""A name seen through by one model: what it expected at each place, which letters it needed, what hiding one does."""

import html
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import ACCENT, FAMILIES, NEUTRAL, root_scale, shown

FULL = 0.7
"""Opacity of the strongest cell, under which a letter in the colour of the text stays legible on both backgrounds."""
FAINT = 0.04
"""Opacity of a cell that says zero."""
FEW = 9
"""Letters of a name up to which cells have room for their numbers."""
MOST_LETTERS = 26
"""Letters of a name up to which an axis has room for them; along a longer one it counts them."""
SMALLEST = 0.005
"""Nats below which a difference is written as 0."""
HARM = FAMILIES["dilated"].colour
"""Cells below zero."""


def expected_letters(
    letters: Sequence[str], name: Sequence[str], shares: npt.ArrayLike, family: str, *, top: float
) -> go.Figure:
    """Heat map of what was expected: a column is a place of the name, a row a letter; the letter that came is boxed.

    Args:
        letters: R letters, '.' among them: the rows.
        name: T letters, those that came, '.' last: the columns.
        shares: (T, R) probabilities. Shade grows with their cube root: most are small, and are to be seen at night.
        family: Gives the colour.
        top: The probability of full shade, so that charts can be held against each other.
    """
    values = np.asarray(shares, dtype=np.float64).T
    rows, places = [_drawn(letter) for letter in letters], [*range(1, len(name) + 1)]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            name="probability",
            x=places,
            y=rows,
            zmin=0,
            zmax=top,
            hovertemplate="place %{x}, %{y}: %{z:.1%}<extra></extra>",
            colorscale=root_scale(FAMILIES[family].colour, 0, FULL, root=3),
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    box = {"showarrow": False, "font": {"size": 11}, "bordercolor": NEUTRAL, "borderwidth": 1, "borderpad": 1}
    came = [(place, _drawn(letter)) for place, letter in zip(places, name, strict=True)]
    figure.update_layout(
        annotations=[{"x": place, "y": letter, "text": letter, **box} for place, letter in came],
        xaxis=_places(name, "the name"),
        yaxis={
            "type": "category",
            "autorange": "reversed",
            "showgrid": False,
            "tickfont": {"size": 10},
            "tickmode": "linear",
            "title": {"text": "next letter"},
        },
        margin={"t": 8},
    )
    return figure


def expected_text(
    model: str, letters: Sequence[str], name: Sequence[str], shares: npt.ArrayLike, ranks: Sequence[int]
) -> str:
    """The chart in words: at each place the letter that came, and the three likeliest."""
    lines = [f"What {model} expected at each place of {_spelt(name)}"]
    for place, (letter, row, rank) in enumerate(zip(name, np.asarray(shares), ranks, strict=True), start=1):
        best = ", ".join(f"{_named(letters[i])} {row[i]:.1%}" for i in np.argsort(-row, kind="stable")[:3])
        lines.append(
            f"{place}. {_named(letter)}: {row[list(letters).index(letter)]:.1%}, rank {rank}; likeliest {best}"
        )
    return "\n".join(lines)


def helping_letters(name: Sequence[str], matrix: npt.ArrayLike, *, top: float) -> go.Figure:
    """Heat map of nats that the letter of a column loses when the letter of a row is hidden.

    Shade grows with the square root: blue where the hidden letter helped, orange and a minus where it misled; empty
    where it had not been read yet. A cell's `customdata` is "row-column", each counted from 1 along the name.

    Args:
        name: T letters, '.' last; all but the last are the rows, all but the first the columns.
        matrix: (T - 1, T) nats, as `probes.occlusion` finds them.
        top: Nats of full shade, so that charts can be held against each other.
    """
    values = np.asarray(matrix, dtype=np.float64)
    count = len(name) - 1
    read = np.triu(np.ones((count, count), dtype=bool))
    places = [*range(1, count + 1)]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(read, values[:, 1:], np.nan),
            name="nats",
            x=[place + 1 for place in places],
            y=places,
            zmin=-top,
            zmax=top,
            customdata=[[f"{c}-{t + 1}" if t >= c else None for t in places] for c in places],
            text=[[_cell(name, values, c, t) if t >= c else "" for t in range(count)] for c in range(count)],
            hovertemplate="%{text}<extra></extra>",
            hoverongaps=False,
            colorscale=[
                *((0.5 - at / 2, colour) for at, colour in reversed(root_scale(HARM, FAINT, FULL))),
                *((0.5 + at / 2, colour) for at, colour in root_scale(ACCENT, FAINT, FULL)),
            ],
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    marked = [
        (c, t, _nats(values[c, t + 1]) if count <= FEW else "−")
        for c, t in np.argwhere(read & ((values[:, 1:] <= -SMALLEST) | (count <= FEW))).tolist()
    ]
    figure.update_layout(
        # All at once: each `add_annotation` would check all those before it anew, a minute for a long name.
        annotations=[
            {"x": t + 2, "y": c + 1, "text": text, "showarrow": False, "font": {"size": 10}} for c, t, text in marked
        ],
        hovermode="closest",
        xaxis=_places(name, "letter to predict", skip=1),
        yaxis=_places(name[:-1], "hidden letter") | {"autorange": "reversed"},
        margin={"t": 8},
    )
    return figure


def helping_text(model: str, name: Sequence[str], matrix: npt.ArrayLike) -> str:
    """The chart in words: for each letter to predict, what each letter before it was worth."""
    values = np.asarray(matrix, dtype=np.float64)
    lines = [f"Nats that each letter of {_spelt(name)} loses in {model} when a letter before it is hidden"]
    for t in range(1, len(name)):
        each = ", ".join(f"{c + 1}. {name[c]} {_nats(values[c, t])}" for c in range(t))
        lines.append(f"{t + 1}. {_named(name[t])}: without {each}")
    return "\n".join(lines)


def moved_bars(letters: Sequence[str], before: npt.ArrayLike, after: npt.ArrayLike, family: str) -> go.Figure:
    """The probabilities (V,) of the next letter with all letters in sight, outlined, and with one hidden, filled."""
    colour = FAMILIES[family].colour
    figure = go.Figure()
    for label, values, fill in (("all in sight", before, "rgba(0, 0, 0, 0)"), ("one hidden", after, colour)):
        figure.add_bar(
            x=[_drawn(letter) for letter in letters],
            y=np.asarray(values, dtype=np.float64),
            name=label,
            uid=label,
            marker={"color": fill, "line": {"color": colour, "width": 1.5}, "cornerradius": 2},
            hovertemplate=f"%{{x}}, {label}: %{{y:.1%}}<extra></extra>",
        )
    figure.update_layout(
        hovermode="x",
        barmode="group",
        bargap=0.25,
        bargroupgap=0,
        showlegend=True,
        xaxis={
            "type": "category",
            "tickmode": "linear" if len(letters) <= 40 else "auto",
            "tickangle": 0,
            "title": {"text": "next letter"},
        },
        yaxis={"title": {"text": "probability"}, "tickformat": ".0%", "rangemode": "tozero"},
    )
    return figure


def moved_text(title: str, letters: Sequence[str], before: npt.ArrayLike, after: npt.ArrayLike) -> str:
    """The chart in words, the letters that move most first."""
    one, other = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    order = np.argsort(-np.abs(other - one), kind="stable")
    return "\n".join([title, *(f"{_named(letters[i])}: {one[i]:.1%}, then {other[i]:.1%}" for i in order)])


def _places(name: Sequence[str], title: str, skip: int = 0) -> dict[str, object]:
    """An axis along a name whose places are counted from 1, without its first `skip` letters."""
    spelt = len(name) <= MOST_LETTERS
    places = range(1 + skip, len(name) + 1) if spelt else range(10, len(name) + 1, 10)
    return {
        "tickvals": [*places],
        "ticktext": [_drawn(name[place - 1]) if spelt else str(place) for place in places],
        "tickangle": 0,
        "showgrid": False,
        "zeroline": False,
        "title": {"text": title},
    }


def _cell(name: Sequence[str], values: npt.NDArray[np.float64], c: int, t: int) -> str:
    return html.escape(
        f"{_named(name[t + 1])} without {name[c]} (letter {c + 1}): {_nats(values[c, t + 1])}", quote=False
    )


def _nats(value: float) -> str:
    return "0" if abs(value) < SMALLEST else f"{value:.2f}".replace("-", "−")


def _named(letter: str) -> str:
    return "the end" if letter == "." else letter


def _spelt(name: Sequence[str]) -> str:
    return "".join(name[:-1]) or "a name without letters"


def _drawn(letter: str) -> str:
    return html.escape(shown(letter), quote=False)
