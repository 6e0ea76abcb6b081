"""Loss against size: what more parameters buy."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, NEUTRAL


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
    figure = go.Figure()
    for family in dict.fromkeys([*FAMILIES, *(point.family for point in points)]):
        style = FAMILIES[family]
        members = [point for point in points if point.family == family]
        if not members:
            continue
        figure.add_scatter(
            x=[point.parameters for point in members],
            y=[point.loss for point in members],
            text=[html.escape(point.label, quote=False) for point in members],
            name=family,
            uid=family,
            mode="markers+text" if len(points) <= 16 else "markers",
            textposition=[_side(point, points) for point in members],
            textfont={"size": 12},
            cliponaxis=False,
            marker={
                "symbol": style.symbol + "-open" * style.symbol.endswith("thin"),
                "color": style.colour,
                "size": 11,
                "line": {"color": style.colour, "width": 2},
            },
            hovertemplate="%{text}<br>%{x:,} parameters<br>" + split + " %{y:.3f}<extra></extra>",
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


def _side(point: ModelPoint, points: Sequence[ModelPoint]) -> str:
    """Where a label stands: of models of about one size, above the highest, below the lowest, else beside."""
    near = [p for p in points if point.parameters / 2 < p.parameters < 2 * point.parameters]
    above = sum((p.loss, p.label) > (point.loss, point.label) for p in near)
    if above == 0:
        return "top center"
    if above == len(near) - 1:
        return "bottom center"
    return "middle left" if above % 2 else "middle right"


def scatter_text(points: Sequence[ModelPoint], split: str = "validation") -> str:
    """The chart in words, the lowest loss first."""
    ranked = sorted(points, key=lambda point: point.loss)
    return f"{split.capitalize()} loss in nats per letter, against parameters\n" + "\n".join(
        f"{point.label}: {point.loss:.3f} with {point.parameters:,} parameters" for point in ranked
    )
