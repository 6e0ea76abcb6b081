"""A run on one clock: its loss with a mark at the step, under it the letters on their way."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, NEUTRAL, Kind, translucent
from wavenames.figures.letters import letters_map, limits_of
from wavenames.figures.loss import Curve, LossSeries, loss_curves

TRAIL: Final = 12
"""Steps before the one that is shown through which each letter's trail leads."""

SIZE: Final = 18
"""Of a letter's mark, in pixels: the trail is to be seen beside it."""

LABEL: Final = 0.16
"""Height of a label, as a share of the axis of losses."""

_LOSS, _MAP = (0.76, 1.0), (0.0, 0.64)
"""Shares of the height, from below."""

Floats = npt.NDArray[np.float64]


def letters_in_motion(
    run: LossSeries,
    references: Mapping[str, float],
    steps: Sequence[int],
    points: Sequence[Floats],
    *,
    letters: Sequence[str],
    kinds: Sequence[Kind],
    explained: str,
) -> tuple[go.Figure, list[list[dict[str, Any]]]]:
    """The last of `steps`, and for each of them what is other there in each trace of the figure.

    Args:
        run: The losses.
        references: Losses in nats per letter by name, see `loss_curves`.
        steps: Those that were looked at, rising.
        points: (V, 2) of the letters at each of them; empty for a model that keeps no vectors.
        letters: V letters, '.' among them.
        kinds: V kinds, see `colours.kind`.
        explained: What the axes of the map are.
    """
    low, high = _limits(run, references)
    figure = loss_curves([run], references, ends=False, near=LABEL * (high - low))
    curves = len(figure.data)
    marks = [_mark(run, references, step) for step in steps]
    colour = FAMILIES[run.family].colour
    figure.add_scatter(
        **marks[-1],
        name="step",
        uid="step",
        mode="lines+markers",
        line={"color": NEUTRAL, "width": 1},
        marker={"size": [0, 11, 0], "color": colour, "line": {"width": 0}},
        hovertemplate="step %{x:,.0f}: %{y:.3f}<extra></extra>",
        showlegend=False,
    )
    frames: list[list[dict[str, Any]]] = [[*({} for _ in range(curves)), mark] for mark in marks]
    ends = [float(x[-1]) for x, _ in map(_finite, (run.train, run.validation)) if x.size]
    figure.update_xaxes(range=[0, 1.02 * max([1.0, *ends])])
    figure.update_yaxes(range=[low, high], title={"text": f"nats per letter,<br>{run.split} split"})
    if points:
        drawn = letters_map(points[-1], letters, kinds, explained, limits=limits_of(points), size=SIZE)
        _add_map(figure, drawn, points)
        rows = [[i for i, kind in enumerate(kinds) if kind == trace.uid] for trace in figure.data[curves + 2 :]]
        for at, frame in enumerate(frames):
            frame.append(_trails(points, at))
            frame += [{"x": points[at][of_kind, 0], "y": points[at][of_kind, 1]} for of_kind in rows]
    return figure, frames


def _limits(run: LossSeries, references: Mapping[str, float]) -> tuple[float, float]:
    """Of the axis of losses, which stays where it is, wherever the mark is."""
    curves = [_finite(curve) for curve in (run.train, run.validation)]
    losses = [*references.values(), *(loss for _, y in curves for loss in y)]
    low, high = min(losses), max([*references.values(), *(y[-1] for _, y in curves if y.size)])
    return low - 0.2 * (high - low), high + 0.15 * (high - low)


def _add_map(figure: go.Figure, drawn: go.Figure, points: Sequence[Floats]) -> None:
    """The map below the loss, the letters over their trails."""
    figure.add_scatter(
        **_trails(points, len(points) - 1),
        name="trail",
        uid="trail",
        mode="lines",
        line={"color": translucent(NEUTRAL, 0.4), "width": 1.5, "simplify": False},
        hoverinfo="skip",
        showlegend=False,
        xaxis="x2",
        yaxis="y2",
    )
    figure.add_traces([trace.update(xaxis="x2", yaxis="y2") for trace in drawn.data])
    figure.update_layout(
        legend={"itemsizing": "trace"},
        yaxis={"domain": _LOSS},
        xaxis2=drawn.layout.xaxis.update(anchor="y2"),
        yaxis2=drawn.layout.yaxis.update(domain=_MAP, anchor="x2", scaleanchor="x2"),
    )


def _mark(run: LossSeries, references: Mapping[str, float], step: int) -> dict[str, Any]:
    """A line from top to bottom at a step, with a dot on the validation curve; the same three points at each step."""
    x, y = _finite(run.validation)
    low, high = min([*y, *references.values()]), max([*y[-1:], *references.values()])
    loss = float(np.interp(step, x, y)) if y.size else high
    return {"x": np.full(3, float(step)), "y": np.array([low, loss, high])}


def _finite(curve: Curve) -> tuple[Floats, Floats]:
    x, y = (np.asarray(values, dtype=np.float64) for values in curve)
    return x[np.isfinite(y)], y[np.isfinite(y)]


def _trails(points: Sequence[Floats], at: int) -> dict[str, Any]:
    """Where each letter has been lately: lines with gaps, of as many points at every step, so that they can move."""
    lately = np.stack([points[max(at - back, 0)] for back in range(TRAIL, -1, -1)], axis=1)  # (V, TRAIL + 1, 2)
    with_gaps = np.concatenate([lately, np.full_like(lately[:, :1], np.nan)], axis=1).reshape(-1, 2)
    return {"x": with_gaps[:, 0], "y": with_gaps[:, 1]}
