"""Dots on lines: a loss or two for each row, with a bar for its spread."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, LEGEND, NEUTRAL, cut

EDGE = 0.05
"""Room at the ends of an axis that ends before a far row, as a share of it."""
FEW = 4
"""Rows up to which each is drawn where it is, however far."""


@dataclass(frozen=True)
class Dot:
    """One measurement.

    Args:
        row: The line that it stands on.
        series: What it belongs to; dots of one series share a line in the legend.
        family: A key of `colours.FAMILIES`, for colour and marker; None for what others have measured.
        loss: Nats per letter.
        spread: Half the length of the bar through the dot; None for no bar.
        hollow: Whether the marker is an outline, to tell a second series of one family from the first.
        note: What else is to be said of it.
    """

    row: str
    series: str
    family: str | None
    loss: float
    spread: float | None = None
    hollow: bool = False
    note: str = ""


def dot_plot(dots: Sequence[Dot], title: str) -> go.Figure:
    """Dots by row, the first row at the top, on one axis with `title`; a hairline joins the dots of a row.

    A row that lies beyond all others by more than these span is named at the edge, with an arrow: it would squeeze
    them together.
    """
    rows = list(dict.fromkeys(dot.row for dot in dots))
    figure = go.Figure()
    for number, series in enumerate(dict.fromkeys(dot.series for dot in dots)):
        mine = [dot for dot in dots if dot.series == series]
        looks = [_look(dot) for dot in mine]
        one_look = len(set(looks)) == 1
        name = html.escape(cut(series, LEGEND), quote=False)
        figure.add_scatter(
            x=[dot.loss for dot in mine],
            y=[rows.index(dot.row) for dot in mine],
            error_x={
                "type": "data",
                "array": [dot.spread or 0.0 for dot in mine],
                "color": NEUTRAL,
                "thickness": 1.5,
                "width": 4,
                "visible": any(dot.spread for dot in mine),
            },
            name=name,
            uid=f"series-{number}",
            legendgroup=name,
            showlegend=one_look,
            mode="markers",
            cliponaxis=False,
            marker=_marker([symbol for symbol, _ in looks], [colour for _, colour in looks]),
            text=[html.escape(_words(dot), quote=False) for dot in mine],
            customdata=[html.escape(dot.row, quote=False) for dot in mine],
            hovertemplate="%{customdata}<br>%{text}<extra>%{fullData.name}</extra>",
        )
        if not one_look:  # the legend tells full from hollow, whatever the family
            marker = _marker("circle-open" if mine[0].hollow else "circle", NEUTRAL)
            key = {"uid": f"legend-{number}", "legendgroup": name, "mode": "markers", "marker": marker}
            figure.add_scatter(x=[None], y=[None], name=name, **key)
    for place, row in enumerate(rows):
        losses = [dot.loss for dot in dots if dot.row == row]
        figure.add_shape(
            type="line", x0=min(losses), x1=max(losses), y0=place, y1=place, layer="below",
            line={"color": NEUTRAL, "width": 1},
        )  # fmt: skip
    if far := _far(dots):
        row, end = far
        place = rows.index(row)
        figure.add_annotation(
            text=" ".join([*(_at_edge(dot) for dot in dots if dot.row == row), "→"]),
            x=1, xref="paper", xanchor="right", y=place, yref="y", showarrow=False,
            font={"size": 12},
        )  # fmt: skip
        low = min(dot.loss - (dot.spread or 0.0) for dot in dots)
        figure.update_xaxes(range=[low - EDGE * (end - low), end + EDGE * (end - low)])
    figure.update_layout(
        hovermode="closest",
        showlegend=len({dot.series for dot in dots}) > 1,  # of one alone the legend's mark would look like a dot
        xaxis={"title": {"text": title}},
        yaxis={
            "tickmode": "array",
            "tickvals": list(range(len(rows))),
            "ticktext": [html.escape(row, quote=False) for row in rows],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
    )
    return figure


def dots_text(dots: Sequence[Dot], title: str) -> str:
    """The chart in words, row by row."""
    rows = dict.fromkeys(dot.row for dot in dots)
    return "\n".join(
        [title]
        + [f"{row}: " + ", ".join(f"{dot.series} {_words(dot)}" for dot in dots if dot.row == row) for row in rows]
    )


def _far(dots: Sequence[Dot]) -> tuple[str, float] | None:
    """The row that is far above all others, if there is one, and the largest loss of these."""
    last = max(dots, key=lambda dot: dot.loss).row
    others = [dot.loss for dot in dots if dot.row != last]
    if len({dot.row for dot in dots}) <= FEW:
        return None
    lowest = min(dot.loss for dot in dots if dot.row == last)
    return (last, max(others)) if lowest - max(others) > max(others) - min(others) else None


def _at_edge(dot: Dot) -> str:
    mark = FAMILIES[dot.family].labelled(hollow=dot.hollow) if dot.family else "|"
    return f"{mark} {dot.loss:.3f}"


def _words(dot: Dot) -> str:
    loss = f"{dot.loss:.3f} ± {dot.spread:.3f}" if dot.spread else f"{dot.loss:.3f}"
    return f"{loss} ({dot.note})" if dot.note else loss


def _marker(symbol: list[str] | str, colour: list[str] | str) -> dict[str, object]:
    return {"symbol": symbol, "color": colour, "size": 11, "line": {"color": colour, "width": 2}}


def _look(dot: Dot) -> tuple[str, str]:
    """Marker and colour."""
    if dot.family is None:
        return "circle-open" if dot.hollow else "line-ns-open", NEUTRAL
    style = FAMILIES[dot.family]
    return style.marker(hollow=dot.hollow), style.colour
