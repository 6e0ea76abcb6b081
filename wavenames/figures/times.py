"""A name through time: what each year of birth thinks of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES

STYLES = (("solid", "circle"), ("dash", "square"))
"""Dash and marker of the first line and of the second."""


def name_through_time(years: Sequence[int], lines: Mapping[str, Sequence[float]], family: str) -> go.Figure:
    """Nats per letter of one name by year of birth, a line for each entry of `lines`, labelled at its end.

    At most two lines, in the colour of the model's `family`: dash and marker tell them apart.
    """
    colour = FAMILIES[family].colour
    figure = go.Figure()
    for (label, nats), (dash, symbol) in zip(lines.items(), STYLES, strict=False):
        figure.add_scatter(
            x=list(years),
            y=np.asarray(nats, dtype=np.float64),
            name=label,
            uid=label,
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2},
            marker={"symbol": symbol, "size": 7},
            hovertemplate=f"{label}, %{{x}}: %{{y:.3f}}<extra></extra>",
        )
    # The ends may lie close together: the label of the higher line stands a little higher, that of the lower lower.
    for label, nats in lines.items():
        highest = nats[-1] >= max(other[-1] for other in lines.values())
        figure.add_annotation(
            x=years[-1],
            y=nats[-1],
            text=label,
            showarrow=False,
            xanchor="left",
            xshift=8,
            yshift=7 if highest else -7,
        )
    figure.update_layout(
        hovermode="closest",
        showlegend=False,
        margin={"r": 56},
        xaxis={"title": {"text": "year of birth"}, "tickformat": "d", "range": [years[0] - 5, years[-1] + 5]},
        yaxis={"title": {"text": "nats per letter"}, "tickformat": ".1f"},
    )
    return figure


def through_time_text(name: str, years: Sequence[int], lines: Mapping[str, Sequence[float]]) -> str:
    """The chart in words."""
    rows = (
        f"{year}: " + ", ".join(f"{label} {nats[i]:.3f}" for label, nats in lines.items())
        for i, year in enumerate(years)
    )
    return f"Nats per letter of {name} by year of birth\n" + "\n".join(rows)
