"""What a model repeats: how far its names stand from the training names, and its shares as something changes."""

import html
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, LEGEND, NEUTRAL, cut
from wavenames.figures.lines import label_shifts

KINDS = {
    "in train": ("solid", "circle", "●"),
    "held out": ("dash", "circle-open-dot", "◐"),
    "new": ("dot", "circle-open", "○"),
}
"""Dash, marker and sign of each kind of name."""


def distance_bars(mine: tuple[str, Sequence[float]], others: tuple[str, Sequence[float]], family: str) -> go.Figure:
    """Two histograms beside each other: label and shares at distance 0, 1, 2 … of a model and of other names.

    The last share is of all that stand farther. The model has the colour of its `family`; the others are hatched.
    """
    distances = [str(distance) for distance in range(len(mine[1]) - 1)] + [f"{len(mine[1]) - 1}+"]
    looks: tuple[dict[str, object], ...] = (
        {"color": FAMILIES[family].colour},
        {"color": NEUTRAL, "pattern": {"shape": "/", "fgcolor": NEUTRAL, "fillmode": "replace"}},
    )
    figure = go.Figure()
    for number, ((label, shares), look) in enumerate(zip((mine, others), looks, strict=True)):
        name = html.escape(cut(label, LEGEND), quote=False)
        figure.add_bar(
            x=distances,
            y=list(shares),
            name=name,
            uid=f"bars-{number}",
            marker={**look, "cornerradius": 2},
            hovertemplate="distance %{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        barmode="group",
        bargap=0.25,
        hovermode="closest",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        xaxis={"type": "category", "title": {"text": "distance, in letters"}},
        yaxis={"title": {"text": "share of names"}, "tickformat": ".0%", "rangemode": "tozero"},
    )
    return figure


def distance_text(mine: tuple[str, Sequence[float]], others: tuple[str, Sequence[float]]) -> str:
    """The histograms in words."""
    lines = (
        f"{distance}{' or more' if distance == len(mine[1]) - 1 else ''}: {mine[0]} {a:.1%}, {others[0]} {b:.1%}"
        for distance, (a, b) in enumerate(zip(mine[1], others[1], strict=True))
    )
    return "Shares of names by their distance from the nearest training name\n" + "\n".join(lines)


def share_lines(
    x: Sequence[float], shares: Mapping[str, Sequence[float]], axis: str, family: str, height: int
) -> go.Figure:
    """A line for each kind of name in `shares` (keys of `KINDS`, values 0 to 1) over x, labelled at its end.

    All in the colour of the model's `family`: dash and marker tell them apart. The axis of shares is always whole.
    """
    colour = FAMILIES[family].colour
    figure = go.Figure()
    shifts = label_shifts([values[-1] for values in shares.values()], (0, 1), height)
    for (kind, values), shift in zip(shares.items(), shifts, strict=True):
        dash, symbol, sign = KINDS[kind]
        figure.add_scatter(
            x=list(x),
            y=list(values),
            name=kind,
            uid=kind,
            mode="lines+markers",
            cliponaxis=False,
            line={"color": colour, "dash": dash, "width": 2},
            marker={"symbol": symbol, "color": colour, "size": 8, "line": {"color": colour, "width": 1.5}},
            hovertemplate=f"{kind}, %{{x}}: %{{y:.1%}}<extra></extra>",
        )
        figure.add_annotation(
            text=f"{sign} {kind}", x=1, xref="paper", xanchor="left", xshift=10, y=values[-1], yshift=shift,
            showarrow=False, font={"size": 12},
        )  # fmt: skip
    figure.update_layout(
        hovermode="closest",
        showlegend=False,
        margin={"r": 84},
        xaxis={"title": {"text": axis}},
        yaxis={"title": {"text": "share of names"}, "tickformat": ".0%", "range": [0, 1]},
    )
    return figure


def shares_text(x: Sequence[float], shares: Mapping[str, Sequence[float]], title: str) -> str:
    """The lines in words, a row for each place on the axis."""
    rows = (
        f"{place:g}: " + ", ".join(f"{kind} {values[i]:.1%}" for kind, values in shares.items())
        for i, place in enumerate(x)
    )
    return "\n".join([title, *rows])
