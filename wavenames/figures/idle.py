"""Which units of a layer rest, and where: a map of units and places. And what BatchNorm remembers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, NEUTRAL, translucent

Array = npt.NDArray[np.floating]


def idle_map(idle: Array, family: str, resting: str) -> go.Figure:
    """A column a unit, a row a place of a name: the share of names in which the unit rests there.

    `idle` (units, places); a unit that never acts is a full column. `resting` says in a word what rest is.
    """
    shares = np.asarray(idle, np.float64)
    order = np.argsort(-shares.mean(1), kind="stable")
    places = [str(place + 1) for place in range(shares.shape[1])]
    figure = go.Figure(
        go.Heatmap(
            z=shares[order].T,
            zmin=0,
            zmax=1,
            x=list(range(1, len(order) + 1)),
            y=places,
            customdata=np.broadcast_to(order + 1, shares.T.shape),
            colorscale=[[0, translucent(FAMILIES[family].colour, 0.06)], [1, FAMILIES[family].colour]],
            colorbar={
                "orientation": "h", "thickness": 8, "len": 0.6, "x": 0, "xanchor": "left", "y": 1,
                "yanchor": "bottom", "outlinewidth": 0, "tickvals": [0, 0.5, 1],
                "ticktext": ["0%", "50%", f"100% {resting}"],
            },
            hovertemplate="unit %{customdata}, letter %{y}<br>" + resting + " in %{z:.0%} of names<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        xaxis={"title": {"text": "units, those that rest most first"}, "showgrid": False, "zeroline": False},
        yaxis={"title": {"text": "letter to predict"}, "type": "category", "showgrid": False},
    )
    return figure


def idle_text(idle: Array, name: str, resting: str) -> str:
    """The map in words."""
    shares = np.asarray(idle, np.float64)
    whole = int((shares.min(1) >= 1).sum())
    by_unit = shares.mean(1)
    most = int(by_unit.argmax())
    return (
        f"{name}: how often each of {len(shares):,} units is {resting}\n"
        f"{whole:,} units always, in every place\n"
        f"unit {most + 1} most often, {by_unit[most]:.0%}; the typical unit {float(np.median(by_unit)):.0%}"
    )


@dataclass(frozen=True, eq=False)
class Remembered:
    """One BatchNorm: what this batch has and what the layer remembers, (U,) each."""

    label: str
    batch_mean: Array
    running_mean: Array
    batch_spread: Array
    running_spread: Array


def remembered_points(norms: Sequence[Remembered], family: str) -> go.Figure:
    """A dot a feature: what the layer remembers against what the batch has. On the diagonal they agree."""
    figure, colour = go.Figure(), FAMILIES[family].colour
    batch = [np.concatenate([getattr(norm, f"batch_{what}") for norm in norms]) for what in ("mean", "spread")]
    running = [np.concatenate([getattr(norm, f"running_{what}") for norm in norms]) for what in ("mean", "spread")]
    labels = [norm.label for norm in norms for _ in norm.batch_mean]
    for what, symbol, x, y in zip(("means", "spreads"), ("circle-open", "diamond"), batch, running, strict=True):
        figure.add_scatter(
            x=x, y=y, name=what, uid=what, mode="markers", text=labels,
            marker={"symbol": symbol, "size": 6, "color": translucent(colour, 0.6),
                    "line": {"width": 1, "color": translucent(colour, 0.9)}},
            hovertemplate=f"%{{text}}, {what[:-1]}<br>batch %{{x:.2f}}, remembered %{{y:.2f}}<extra></extra>",
        )  # fmt: skip
    ends = [float(min(map(np.min, (*batch, *running)))), float(max(map(np.max, (*batch, *running))))]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", uid="diagonal", showlegend=False, hoverinfo="skip",
        line={"color": NEUTRAL, "width": 1, "dash": "dash"},
    )  # fmt: skip
    figure.update_layout(
        hovermode="closest",
        xaxis={"title": {"text": "in this batch"}, "zeroline": False},
        yaxis={"title": {"text": "remembered"}, "zeroline": False},
    )
    return figure
