"""Loss against size: what more parameters buy."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, NEUTRAL, cut

LONGEST = 16
"""Characters of a label; a longer name is whole where one points at its model, and in the words."""
WIDTHS, HEIGHT = (230, 900), 250
"""Pixels between the outermost points, on a phone and on a desktop, and between the lowest and the highest."""
LETTER, LINE, MARKER, MARGIN = 7, 15, 12, 24
"""Pixels: a letter's width, a label's height, a marker, and the room beyond the outermost points."""
SIDES = {
    "middle right": (1, 0), "middle left": (-1, 0), "bottom center": (0, -1), "top center": (0, 1),
    "top right": (1, 1), "bottom right": (1, -1), "top left": (-1, 1), "bottom left": (-1, -1),
}  # fmt: skip
"""Where a label can stand, as plotly calls it, and which way that is."""


@dataclass(frozen=True)
class ModelPoint:
    """One model: its name, its family (a key of `colours.FAMILIES`), its parameters, its loss in nats per letter."""

    label: str
    family: str
    parameters: int
    loss: float


def loss_against_parameters(
    points: Sequence[ModelPoint], references: Mapping[str, float], split: str = "validation"
) -> go.Figure:
    """Each model at (parameters, loss), its name beside it; the family gives colour and marker.

    `references` are losses by name, drawn as dashed hairlines; `split` says what the loss was measured on.
    """
    figure, labels = go.Figure(), _labels(points)
    for family in dict.fromkeys([*FAMILIES, *(point.family for point in points)]):
        style = FAMILIES[family]
        members = [point for point in points if point.family == family]
        if not members:
            continue
        figure.add_scatter(
            x=[point.parameters for point in members],
            y=[point.loss for point in members],
            text=[html.escape(labels[point][0], quote=False) for point in members],
            customdata=[html.escape(point.label, quote=False) for point in members],
            name=family,
            uid=family,
            mode="markers+text",
            textposition=[labels[point][1] for point in members],
            textfont={"size": 12},
            cliponaxis=False,
            marker={
                "symbol": style.marker(hollow=False),
                "color": style.colour,
                "size": 11,
                "line": {"color": style.colour, "width": 2},
            },
            hovertemplate="%{customdata}<br>%{x:,} parameters<br>" + split + " %{y:.3f}<extra></extra>",
        )
    for name, loss in references.items():
        figure.add_hline(
            y=loss,
            line={"color": NEUTRAL, "width": 1, "dash": "dash"},
            annotation={"text": f"{name} {loss:.3f}", "xanchor": "right", "yanchor": "bottom", "font": {"size": 12}},
            annotation_position="top right",
        )
    figure.update_layout(
        showlegend=len({point.family for point in points}) > 1,
        hovermode="closest",
        xaxis={"type": "log", "dtick": 1, "tickformat": "~s", "title": {"text": "parameters (log scale)"}},
        yaxis={"title": {"text": f"{split} loss, nats per letter"}},
    )
    return figure


def _labels(points: Sequence[ModelPoint]) -> dict[ModelPoint, tuple[str, str]]:
    """Each point's label, shortened, and the side on which it stands, so that none lies on another or on a marker.

    The best models are labelled first; one that finds no room on a phone or on a desktop has no label.
    """
    spans = []
    for values in ([math.log(point.parameters) for point in points], [point.loss for point in points]):
        low, high = min(values), max(values)
        spans.append([(value - low) / ((high - low) or 1.0) for value in values])
    places = dict(zip(points, zip(*spans, strict=True), strict=True))  # from 0 to 1 along both axes
    taken = [[_Box(x * width, y * HEIGHT, MARKER, MARKER) for x, y in places.values()] for width in WIDTHS]
    found = dict.fromkeys(points, ("", "middle right"))
    for point in sorted(points, key=lambda each: (each.loss, each.label)):
        text = cut(point.label, LONGEST)
        (x, y), long = places[point], LETTER * len(text)
        for side, (right, up) in SIDES.items():
            aside, above = right * (long + MARKER) / 2, up * (LINE + MARKER) / 2
            boxes = [_Box(x * width + aside, y * HEIGHT + above, long, LINE) for width in WIDTHS]
            if all(_is_free(*each) for each in zip(boxes, WIDTHS, taken, strict=True)):
                for box, others in zip(boxes, taken, strict=True):
                    others.append(box)
                found[point] = text, side
                break
    return found


@dataclass(frozen=True)
class _Box:
    """What a label or a marker covers: its middle and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


def _is_free(box: _Box, width: float, others: Iterable[_Box]) -> bool:
    """Whether a chart of this width has room for a label, and nothing else stands there."""
    if abs(box.x - width / 2) + box.width / 2 > width / 2 + MARGIN:
        return False
    return all(
        2 * abs(box.x - each.x) >= box.width + each.width or 2 * abs(box.y - each.y) >= box.height + each.height
        for each in others
    )


def scatter_text(points: Sequence[ModelPoint], split: str = "validation") -> str:
    """The chart in words, the lowest loss first."""
    ranked = sorted(points, key=lambda point: point.loss)
    return f"{split.capitalize()} loss in nats per letter, against parameters\n" + "\n".join(
        f"{point.label}: {point.loss:.3f} with {point.parameters:,} parameters" for point in ranked
    )
