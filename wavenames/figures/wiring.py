"""A model's wiring over a name: letters, a row of nodes a layer, the next letter on top; one place's part lit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go

from wavenames.figures.wiring_traces import (
    ABOVE,
    BELOW,
    ROW,
    Edge,
    Line,
    Lit,
    Net,
    Node,
    comes,
    line_through,
    named,
    points,
    traces,
    worth_said,
)


def wiring_figure(net: Net, lit: Lit) -> go.Figure:
    """The picture. A point's `customdata` is its place; the first trace holds one point a place.

    Strong nodes are large and dark. What the prediction can't depend on is grey. A letter's shade, and the number
    under it, is what it is worth: blue and + where it helps, orange and − where it misleads.
    """
    figure = go.Figure()
    for trace in traces(net, lit):
        figure.add_scatter(**trace)
    top = len(net.rows) - 1
    figure.update_layout(
        showlegend=False,
        hovermode="closest",
        hoverdistance=16,
        margin={"l": 52, "r": 4, "t": 4, "b": 4},
        xaxis={"visible": False, "fixedrange": True, "range": [net.places[0] - 0.65, net.places[-1] + 0.6]},
        yaxis={
            "fixedrange": True,
            "range": [-BELOW * ROW / net.row, top + ABOVE * ROW / net.row],
            "showgrid": False,
            "tickvals": list(range(top + 1)),
            "ticktext": [title.replace(" ", "<br>") for title in net.rows],
            "tickfont": {"size": 11},
        },
    )
    return figure


def height_of(net: Net) -> int:
    """Pixels of the whole picture."""
    return round(net.row * (len(net.rows) - 1) + ROW * (ABOVE + BELOW)) + 8


def layer_by_layer(net: Net, lit: Lit) -> list[tuple[str, list[dict[str, Any]]]]:
    """Moments of a playback, in which the layers light up one after the other: title, and what each trace changes."""
    whole, moments = traces(net, lit), []
    for row, title in enumerate(net.rows):
        nodes = [node for node in lit.nodes if node[0] <= row]
        edges = [edge for edge in lit.edges if edge[1][0] <= row]
        now = replace(lit, nodes=nodes, edges=edges, skips=lit.skips if row == len(net.rows) - 1 else ())
        changes = [
            {name: value for name, value in trace.items() if value != last[name]}
            for trace, last in zip(traces(net, now), whole, strict=True)
        ]
        moments.append((title, changes))
    return moments


def pointed_lines(net: Net, fields: Mapping[Node, Collection[Edge]]) -> list[tuple[Line, Line]]:
    """For each point of the trace `NODES` the lines, x and y, of the connections that it can depend on."""
    return [line_through(net, fields[point]) for point in points(net)]


def wiring_text(net: Net, lit: Lit, title: str) -> str:
    """The picture in words; `title` is its first line."""
    column = lit.place - net.first
    lines = [title]
    for place in net.places:
        if (0, place) in lit.nodes:
            worth = f": {worth_said(lit.influence[place])} nats" if place in lit.influence else ""
            lines.append(f"reads {named(net.letters[place - net.first])}{worth}")
    lines += [
        f"{net.words[row - 1][place - net.first]}"
        for row in range(1, len(net.rows) - 1)
        for place in net.places
        if (row, place) in lit.nodes
    ]
    if net.following[column]:
        lines.append(f"expects {comes(net.following[column])}, {net.chances[column]:.1%}")
    return "\n".join(lines)
