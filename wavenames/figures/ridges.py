"""Histograms one above the other, a row a layer: where the numbers of a network lie, from its first layer upwards."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, translucent

ROW = 46
"""Height of a row, in pixels."""
MARGINS = 76
"""Pixels of a chart's height that the axis and its title take."""
OVERLAP = 0.9
"""How much of a row its highest bin fills."""


@dataclass(frozen=True, eq=False)
class Ridge:
    """One histogram: what it is of, (BINS,) shares of the numbers, and a word or two that stand on it."""

    label: str
    shares: npt.NDArray[np.floating]
    note: str


def ridges_height(rows: int) -> int:
    """Pixels that a chart of so many rows takes."""
    return MARGINS + ROW * rows


def ridges(rows: Sequence[Ridge], ends: tuple[float, float], title: str, family: str) -> go.Figure:
    """The first row at the bottom, as in a network. Bins are equal between `ends`; each row has its own height.

    `title` is the axis's, `family` a key of `colours.FAMILIES`.
    """
    colour, figure = FAMILIES[family].colour, go.Figure()
    low, high = ends
    for place, row in enumerate(rows):
        name, shares = html.escape(row.label, quote=False), np.asarray(row.shares, np.float64)
        edges = np.linspace(low, high, len(shares) + 1)
        steps = np.repeat(shares, 2) / max(shares.max(), 1e-9) * OVERLAP
        x = np.concatenate([[low], np.repeat(edges, 2)[1:-1], [high]])
        figure.add_scatter(
            x=x,
            y=place + np.concatenate([[0.0], steps, [0.0]]),
            name=name,
            uid=f"ridge-{place}",
            mode="lines",
            line={"color": colour, "width": 1.5},
            fill="toself",
            fillcolor=translucent(colour, 0.25),
            hoverinfo="skip",
        )
        centres = (edges[:-1] + edges[1:]) / 2
        figure.add_scatter(  # what is pointed at: the bin under the pointer, with its share
            x=centres,
            y=np.full(len(centres), place + 0.05),
            customdata=shares,
            uid=f"bins-{place}",
            mode="markers",
            marker={"opacity": 0, "size": 12},
            hovertemplate=f"{name}<br>at %{{x:.2g}}: %{{customdata:.1%}}<extra></extra>",
        )
    figure.update_layout(
        showlegend=False,
        hovermode="closest",
        xaxis={"title": {"text": title}, "range": [low, high], "zeroline": False},
        yaxis={
            "tickvals": [place + 0.3 for place in range(len(rows))],
            "ticktext": [_two_lines(row) for row in rows],
            "range": [-0.05, len(rows) + 0.02],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "ticks": "outside",
            "ticklen": 6,
            "tickcolor": "rgba(0, 0, 0, 0)",
        },
        margin={"t": 8},
    )
    return figure


def _two_lines(row: Ridge) -> str:
    label, note = (html.escape(words, quote=False) for words in (row.label, row.note))
    return f'{label}<br><span style="font-size:11px">{note}</span>'


def ridges_text(rows: Sequence[Ridge], title: str) -> str:
    """The chart in words, a line a row, the first layer first."""
    return "\n".join([title, *(f"{row.label}: {row.note}" for row in rows)])
