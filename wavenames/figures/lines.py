"""One line a model: how a figure changes along an axis of few steps."""

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES

LABEL = 16
"""Height of a label, in pixels."""
FEW = 8
"""Steps of an axis that all have a number, on a phone too."""
MARGINS = 100
"""Pixels of a chart's height that the axis and its title take."""


@dataclass(frozen=True)
class ModelLine:
    """The figures y of one model, as many as there are steps of the axis; `family` is a key of `colours.FAMILIES`."""

    label: str
    family: str
    y: Sequence[float]


def model_lines(
    lines: Sequence[ModelLine], x: Sequence[float], titles: tuple[str, str], *, height: int, digits: str = ".3f"
) -> go.Figure:
    """Each model's figures over x, with its name at the right end; the family gives colour, dash and marker.

    A second model of a family has hollow markers. `titles` are those of the axes, `height` the chart's in pixels,
    `digits` how a figure is written.
    """
    figure = go.Figure()
    for number, (line, hollow) in enumerate(zip(lines, outlines(lines), strict=True)):
        style = FAMILIES[line.family]
        name = html.escape(line.label, quote=False)
        figure.add_scatter(
            x=list(x),
            y=list(line.y),
            name=name,
            uid=f"line-{number}",
            mode="lines+markers",
            cliponaxis=False,
            line={"color": style.colour, "width": 2, "dash": style.dash},
            marker={
                "symbol": style.marker(hollow=hollow),
                "color": style.colour,
                "size": 8,
                "line": {"color": style.colour, "width": 1.5},
            },
            hovertemplate=f"{name}<br>%{{x}}: %{{y:{digits}}}<extra></extra>",
        )
    low, high = min(min(line.y) for line in lines), max(max(line.y) for line in lines)
    room = 0.06 * ((high - low) or 1.0)
    low, high = low - room, high + room
    figure.update_layout(
        hovermode="closest",
        showlegend=False,
        xaxis={"title": {"text": titles[0]}, "tickvals": list(x) if len(x) <= FEW else None},
        yaxis={"title": {"text": titles[1]}, "range": [low, high]},
        margin={"r": 40 + 7 * max(len(line.label) for line in lines)},
    )
    ends = [line.y[-1] for line in lines]
    shifts = label_shifts(ends, (low, high), height)
    labels = zip(lines, outlines(lines), shifts, strict=True)
    for line, hollow, shift in sorted(labels, key=lambda each: each[0].y[-1]):
        figure.add_annotation(
            text=f"{FAMILIES[line.family].labelled(hollow=hollow)} {html.escape(line.label, quote=False)}",
            x=1,
            xref="paper",
            xanchor="left",
            xshift=10,
            y=line.y[-1],
            yref="y",
            yshift=shift,
            showarrow=False,
            align="left",
            font={"size": 12},
        )
    return figure


def outlines(lines: Sequence[ModelLine]) -> list[bool]:
    """Which of the lines have hollow markers: every second one of a family."""
    seen: Counter[str] = Counter()
    hollow = []
    for line in lines:
        hollow.append(seen[line.family] % 2 == 1)
        seen[line.family] += 1
    return hollow


def label_shifts(ends: Sequence[float], axis: tuple[float, float], height: int) -> list[float]:
    """Pixels by which the label of each line moves up from the line's end, so that no label stands on another.

    `axis` is the range of y, `height` the chart's in pixels.
    """
    low, high = axis
    pixels = (height - MARGINS) / (high - low)
    shifts = [0.0] * len(ends)
    lowest = 0.0  # the place that the next label may stand at, in pixels from the bottom
    for i in sorted(range(len(ends)), key=ends.__getitem__):
        end = (ends[i] - low) * pixels
        place = max(end, lowest)
        lowest = place + LABEL
        shifts[i] = place - end
    return shifts


def lines_text(lines: Sequence[ModelLine], x: Sequence[float], title: str, digits: str = ".3f") -> str:
    """The chart in words, a line a model."""
    rows = (
        f"{line.label}: " + ", ".join(f"{step:g} {value:{digits}}" for step, value in zip(x, line.y, strict=True))
        for line in lines
    )
    return "\n".join([title, *rows])
