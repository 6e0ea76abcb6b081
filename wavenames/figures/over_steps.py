"""One figure of each part of a network over the steps of a run."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, NEUTRAL, translucent

LABEL = 15
"""Height of a label, in pixels."""
FEW = 6
"""Up to so many lines are all named at their ends; of more, the middle one and those farthest apart."""
MARGINS = 70
"""Pixels of a chart's height that the axis and its title take."""


@dataclass(frozen=True)
class StepLine:
    """One part: its steps and its figures; a figure that is no number leaves a gap."""

    label: str
    steps: Sequence[int]
    y: Sequence[float]


def over_steps(
    lines: Sequence[StepLine],
    title: str,
    family: str,
    *,
    height: int,
    middle: str | None = None,
    reference: tuple[str, float] | None = None,
    span: tuple[float, float] | None = None,
    lowest: float = -math.inf,
) -> go.Figure:
    """A thin line for each part, darker towards the output; hovering names it.

    Args:
        lines: From the input to the output.
        title: Of the axis of figures.
        family: A key of `colours.FAMILIES`, for the colour.
        height: Of the chart, in pixels.
        middle: The name of a strong line through the median of all parts at each step; None for none.
        reference: Name and height of a dashed hairline.
        span: Ends of the axis of figures, if they are fixed.
        lowest: Where the axis ends at the latest: what lies below runs out of sight.
    """
    colour, figure = FAMILIES[family].colour, go.Figure()
    drawn = [*lines, _median(lines, middle)] if middle is not None else [*lines]
    for place, line in enumerate(drawn):
        strong = middle is not None and place == len(lines)
        shade = 1.0 if strong else 0.3 + 0.5 * place / max(len(lines) - 1, 1)
        name = html.escape(line.label, quote=False)
        figure.add_scatter(
            x=list(line.steps),
            y=list(line.y),
            name=name,
            uid=f"part-{place}",
            mode="lines+markers",
            line={"color": translucent(colour, shade), "width": 3 if strong else 1.5},
            marker={"size": 5 if strong else 3, "color": translucent(colour, shade)},
            hovertemplate=f"{name}<br>step %{{x:,}}: %{{y:.2f}}<extra></extra>",
        )
    if reference is not None:
        name, at = reference
        figure.add_hline(
            y=at,
            line={"color": NEUTRAL, "width": 1, "dash": "dash"},
            annotation={"text": html.escape(name, quote=False), "font": {"size": 12}, "yanchor": "bottom"},
            annotation_position="top left",
        )
    finite = [value for line in drawn for value in line.y if np.isfinite(value)]
    low, high = span or (max(min(finite, default=0.0), lowest), max(finite, default=1.0))
    if reference is not None:
        low, high = min(low, reference[1]), max(high, reference[1])
    room = 0.0 if span else 0.06 * ((high - low) or 1.0)
    low, high = low - room, high + room
    named = [line for line in _named(drawn, all_of_them=len(lines) <= FEW) if line.y[-1] >= low]
    figure.update_layout(
        showlegend=False,
        hovermode="closest",
        xaxis={"title": {"text": "steps"}, "rangemode": "tozero"},
        yaxis={"title": {"text": title}, "range": [low, high]},
        margin={"r": 24 + 7 * max((len(line.label) for line in named), default=0), "t": 12},
    )
    pixels = (height - MARGINS) / (high - low)
    free = -math.inf  # the place that the next label may stand at, in pixels from the bottom
    for line in named:
        end = (line.y[-1] - low) * pixels
        place_at = max(end, free)
        free = place_at + LABEL
        figure.add_annotation(
            text=html.escape(line.label, quote=False), x=1, xref="paper", xanchor="left", xshift=8, y=line.y[-1],
            yref="y", yshift=place_at - end, showarrow=False, align="left", font={"size": 11},
        )  # fmt: skip
    return figure


def over_steps_text(lines: Sequence[StepLine], title: str, middle: str | None = None) -> str:
    """The chart in words: of each part the first figure, the last, and the largest between."""
    drawn = [*lines, _median(lines, middle)] if middle is not None else lines
    return "\n".join([title, *(f"{line.label}: {_in_words(line)}" for line in drawn)])


def _in_words(line: StepLine) -> str:
    seen = [(step, value) for step, value in zip(line.steps, line.y, strict=True) if np.isfinite(value)]
    if not seen:
        return "not seen yet"
    (first, start), (last, end), (at, most) = seen[0], seen[-1], max(seen, key=lambda each: each[1])
    words = f"step {first:,} {start:.2f}, step {last:,} {end:.2f}"
    return f"{words}, at most {most:.2f} at step {at:,}".replace("-", "−")


def _median(lines: Sequence[StepLine], label: str) -> StepLine:
    """The median of all parts at each step at which any was seen."""
    at: dict[int, list[float]] = {}
    for line in lines:
        for step, value in zip(line.steps, line.y, strict=True):
            if np.isfinite(value):
                at.setdefault(step, []).append(value)
    return StepLine(label, sorted(at), [float(np.median(at[step])) for step in sorted(at)])


def _named(lines: Sequence[StepLine], *, all_of_them: bool) -> list[StepLine]:
    """The lines to name at their ends, the lowest first."""
    ended = sorted((line for line in lines if len(line.y) and np.isfinite(line.y[-1])), key=lambda line: line.y[-1])
    if all_of_them or not ended:
        return ended
    return [line for line in ended if line in (ended[0], ended[-1], lines[-1])]
