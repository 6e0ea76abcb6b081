"""A model's wiring over a name: letters, a row of nodes a layer, the next letter on top; one place's part lit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import plotly.graph_objects as go

from wavenames.figures.colours import ACCENT, FAMILIES, KINDS, NEUTRAL, kind, shown, translucent

Node = tuple[int, int]
"""Row, from the letters up, and place."""
Edge = tuple[Node, Node]
Line = list[float | None]
"""One coordinate of a line; None where it breaks off."""

ROW, ABOVE, BELOW = 72, 0.4, 0.62
"""Pixels from one row to the next; room above the uppermost and below the lowest, in rows."""
TILE, SMALL_TILE, FEW = 22, 17, 13
"""Pixels that a letter's tile is wide, and where there are more than so many columns."""
LEAST, MOST = 8, 20
"""Pixels that a node measures, from the weakest to the strongest."""
HELPS, MISLEADS = ACCENT, FAMILIES["dilated"].colour
"""What letters that speak for the explained letter are shaded with, and those that speak against it."""
NEGLIGIBLE = 0.05
"""Nats too few to be written under a letter."""


@dataclass(frozen=True)
class Net:
    """What there is to draw: T columns, the places from `first` on, and a row for each layer."""

    letters: Sequence[str]
    """T letters that are read, '.' among them."""
    rows: Sequence[str]
    """Titles from the letters to the next letter."""
    edges: Sequence[Edge]
    """All connections, reader last; those that leave the columns are not drawn."""
    strengths: Sequence[Sequence[float | None]]
    """For each row of nodes T numbers from 0 to 1 for size and shade; None where there is nothing to say."""
    words: Sequence[Sequence[str]]
    """For each row of nodes what the label under the pointer says."""
    following: Sequence[str]
    """T letters that are likeliest to follow; empty where nothing is known of that."""
    chances: Sequence[float]
    """T probabilities of them."""
    family: str
    first: int = 0
    numbers: Sequence[Sequence[str]] = ()
    """What stands inside the nodes, if anything does."""
    row: float = ROW
    """Pixels from one row to the next."""

    @property
    def places(self) -> range:
        """The places that are drawn."""
        return range(self.first, self.first + len(self.letters))

    @property
    def tile(self) -> int:
        """Pixels that a letter's tile is wide."""
        return TILE if len(self.letters) <= FEW else SMALL_TILE


@dataclass(frozen=True)
class Lit:
    """The part of it that one prediction can depend on."""

    place: int
    nodes: Collection[Node]
    edges: Collection[Edge]
    skips: Collection[int] = ()
    """Rows that the output reads straight."""
    influence: Mapping[int, float] = field(default_factory=dict)
    """Nats that the letter at each place is worth for the prediction."""


def wiring_figure(net: Net, lit: Lit) -> go.Figure:
    """The picture. A point's `customdata` is its place; the first trace holds one point a place.

    Strong nodes are large and dark. What the prediction can't depend on is grey. A letter's shade, and the number
    under it, is what it is worth: blue and + where it helps, orange and − where it misleads.
    """
    figure = go.Figure()
    for trace in _traces(net, lit):
        figure.add_scatter(**trace)
    top = len(net.rows) - 1
    figure.update_layout(
        showlegend=False,
        hovermode="closest",
        hoverdistance=16,
        margin={"l": 52, "r": 4, "t": 4, "b": 4},
        xaxis={"visible": False, "fixedrange": True, "range": [net.places[0] - 0.55, net.places[-1] + 0.6]},
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


def as_high_as(net: Net, other: Net) -> Net:
    """The same, its rows as far apart as makes the picture as high as that of `other`."""
    return replace(net, row=other.row * (len(other.rows) - 1) / (len(net.rows) - 1))


def layer_by_layer(net: Net, lit: Lit) -> list[tuple[str, list[dict[str, Any]]]]:
    """Moments of a playback, in which the layers light up one after the other: title, and what each trace changes."""
    whole, moments = _traces(net, lit), []
    for row, title in enumerate(net.rows):
        nodes = [node for node in lit.nodes if node[0] <= row]
        edges = [edge for edge in lit.edges if edge[1][0] <= row]
        now = replace(lit, nodes=nodes, edges=edges, skips=lit.skips if row == len(net.rows) - 1 else ())
        changes = [
            {name: value for name, value in trace.items() if value != last[name]}
            for trace, last in zip(_traces(net, now), whole, strict=True)
        ]
        moments.append((title, changes))
    return moments


NODES, POINTED = 5, 4
"""Which traces hold the nodes, and the lines that are drawn while the pointer is on one of them."""


def pointed_lines(net: Net, fields: Mapping[Node, Collection[Edge]]) -> list[tuple[Line, Line]]:
    """For each point of the trace `NODES` the lines, x and y, of the connections that it can depend on."""
    return [_line(net, fields[point]) for point in _points(net)]


def _traces(net: Net, lit: Lit) -> list[dict[str, Any]]:
    colour = FAMILIES[net.family].colour
    return [
        _following(net, lit),
        _lines(_line(net, net.edges), "lines", color=translucent(NEUTRAL, 0.22), width=1),
        _lines(_line(net, lit.edges), "lit lines", color=colour, width=2),
        _lines(_skips(net, lit), "skips", color=colour, width=1.5, dash="dot"),
        _lines(([], []), "under the pointer", color=translucent(colour, 0.45), width=5),
        _nodes(net, lit),
        *_letters(net, lit),
    ]


def wiring_text(net: Net, lit: Lit, title: str) -> str:
    """The picture in words; `title` is its first line."""
    column = lit.place - net.first
    lines = [title]
    for place in net.places:
        if (0, place) in lit.nodes:
            worth = f": {_worth(lit.influence[place])} nats" if place in lit.influence else ""
            lines.append(f"reads {_named(net.letters[place - net.first])}{worth}")
    lines += [
        f"{net.words[row - 1][place - net.first]}"
        for row in range(1, len(net.rows) - 1)
        for place in net.places
        if (row, place) in lit.nodes
    ]
    if net.following[column]:
        lines.append(f"expects {_comes(net.following[column])}, {net.chances[column]:.1%}")
    return "\n".join(lines)


def _following(net: Net, lit: Lit) -> dict[str, Any]:
    """The likeliest next letter of each place, on top of its column."""
    top, colour = len(net.rows) - 1, FAMILIES[net.family].colour
    chosen = [place == lit.place and (top, place) in lit.nodes for place in net.places]
    return {
        "uid": "following",
        "name": "next letter",
        "x": list(net.places),
        "y": [top] * len(net.letters),
        "customdata": list(net.places),
        "mode": "markers+text",
        "text": [escape(shown(letter)) or "?" for letter in net.following],
        "textposition": "middle center",
        "textfont": {
            "size": [18 if one else 13 for one in chosen],
            "color": [colour if one else NEUTRAL for one in chosen],
        },
        "marker": {
            "symbol": [KINDS[kind(letter)].symbol if letter else "square" for letter in net.following],
            "size": [net.tile + 4 if one else net.tile for one in chosen],
            "color": [translucent(colour if one else NEUTRAL, 0.16 if one else 0.04) for one in chosen],
            "line": {
                "width": [2 if one else 1 for one in chosen],
                "color": [colour if one else translucent(NEUTRAL, 0.3) for one in chosen],
            },
        },
        "hovertext": [
            escape(f"after {_beginning(net, place)}: {_comes(letter)} {chance:.0%}" if letter else "next letter")
            for place, letter, chance in zip(net.places, net.following, net.chances, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _nodes(net: Net, lit: Lit) -> dict[str, Any]:
    colour = FAMILIES[net.family].colour
    points = _points(net)
    shades = [net.strengths[row - 1][place - net.first] for row, place in points]
    on = [point in lit.nodes for point in points]
    fill = [
        translucent(colour if bright else NEUTRAL, 0.06 + (0.94 if bright else 0.2) * (shade or 0.0))
        for bright, shade in zip(on, shades, strict=True)
    ]
    return {
        "uid": "nodes",
        "name": "nodes",
        "x": [place for _, place in points],
        "y": [row for row, _ in points],
        "customdata": [place for _, place in points],
        "mode": "markers+text" if net.numbers else "markers",
        "text": [net.numbers[row - 1][place - net.first] for row, place in points] if net.numbers else None,
        "textposition": "middle center",
        "textfont": {"size": 11},
        "marker": {
            "symbol": "circle",
            "size": [_size(net, point) for point in points],
            "color": fill,
            "line": {
                "width": [1.5 if bright else 1 for bright in on],
                "color": [colour if bright else translucent(NEUTRAL, 0.35) for bright in on],
            },
        },
        "hovertext": [escape(net.words[row - 1][place - net.first]) for row, place in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _letters(net: Net, lit: Lit) -> list[dict[str, Any]]:
    """Tiles of the letters that are read, of those that are not, and what each is worth."""
    most = max([NEGLIGIBLE, *(abs(worth) for worth in lit.influence.values())])
    tiles = []
    for seen in (True, False):
        places = [place for place in net.places if ((0, place) in lit.nodes) == seen]
        letters = [net.letters[place - net.first] for place in places]
        worth = [lit.influence.get(place, 0.0) for place in places]
        tones = [HELPS if nats >= 0 else MISLEADS for nats in worth]
        shades = [0.75 * abs(nats) / most for nats in worth]
        faint = translucent(NEUTRAL, 0.7 if seen else 0.3)
        tile = {
            "uid": "letters" if seen else "letters out of sight",
            "name": "letters" if seen else "letters out of sight",
            "x": places,
            "y": [0] * len(places),
            "customdata": places,
            "mode": "markers+text",
            "text": [escape(shown(letter)) for letter in letters],
            "textposition": "middle center",
            "textfont": {"size": 14} if seen else {"size": 14, "color": NEUTRAL},
            "marker": {
                "symbol": [KINDS[kind(letter)].symbol for letter in letters],
                "size": net.tile,
                "color": [translucent(tone, shade) for tone, shade in zip(tones, shades, strict=True)],
                "line": {
                    "width": 1.5 if seen else 1,
                    "color": [
                        tone if abs(nats) >= NEGLIGIBLE else faint for tone, nats in zip(tones, worth, strict=True)
                    ],
                },
            },
            "hovertext": [escape(_says(letter, place, lit)) for letter, place in zip(letters, places, strict=True)],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        tiles.append(tile)
    worth_it = [place for place in net.places if abs(lit.influence.get(place, 0.0)) >= NEGLIGIBLE]
    numbers = {
        "uid": "worth",
        "name": "worth",
        "x": worth_it,
        "y": [-0.4 * ROW / net.row] * len(worth_it),
        "mode": "text",
        "text": [_worth(lit.influence[place]) for place in worth_it],
        "textfont": {"size": 10},
        "hoverinfo": "skip",
    }
    return [*tiles, numbers]


def _lines(line: tuple[Line, Line], name: str, **style: Any) -> dict[str, Any]:
    x, y = line
    return {"uid": name, "name": name, "x": x, "y": y, "mode": "lines", "line": style, "hoverinfo": "skip"}


def _line(net: Net, edges: Collection[Edge]) -> tuple[Line, Line]:
    """From the upper edge of what is read to the lower edge of what reads it; in one row, from side to side."""
    x: Line = []
    y: Line = []
    for source, reader in edges:
        if source[1] in net.places and reader[1] in net.places:
            beside = source[0] == reader[0]
            x += [source[1] + 0.3 * beside, reader[1] - 0.3 * beside, None]
            y += [source[0] + _half(net, source) * (not beside), reader[0] - _half(net, reader) * (not beside), None]
    return x, y


def _skips(net: Net, lit: Lit) -> tuple[Line, Line]:
    """The way past the layers: out of each node of the chosen column to its right, up, and into the output."""
    x: Line = []
    y: Line = []
    near, far, top = lit.place + 0.25, lit.place + 0.45, len(net.rows) - 1
    for row in sorted(lit.skips):
        x += [near, far, far, None]
        y += [row, row, top, None]
    if lit.skips:
        x += [far, near]
        y += [top, top]
    return x, y


def _points(net: Net) -> list[Node]:
    return [(row, place) for row in range(1, len(net.rows) - 1) for place in net.places]


def _size(net: Net, node: Node) -> float:
    """Pixels across."""
    row, place = node
    if row == 0:
        return net.tile + 2
    if row == len(net.rows) - 1:
        return net.tile + 8
    if net.numbers:
        return MOST
    strength = net.strengths[row - 1][place - net.first]
    return LEAST + (MOST - LEAST) * (0.5 if strength is None else strength)


def _half(net: Net, node: Node) -> float:
    """Half of it, in rows."""
    return _size(net, node) / 2 / net.row


def _says(letter: str, place: int, lit: Lit) -> str:
    if (0, place) not in lit.nodes:
        return f"{_named(letter)}: out of sight" if place < lit.place else f"{_named(letter)}: not read yet"
    return f"{_named(letter)}: {_worth(lit.influence[place])} nats" if place in lit.influence else _named(letter)


def _worth(nats: float) -> str:
    return "0.0" if abs(nats) < NEGLIGIBLE else f"{nats:+.1f}".replace("-", "−")


def _named(letter: str) -> str:
    return "the start" if letter == "." else letter


def _comes(letter: str) -> str:
    return "the end" if letter == "." else letter


def _beginning(net: Net, place: int) -> str:
    """The letters of the columns read at a place."""
    return "".join(letter for letter in net.letters[: place - net.first + 1] if letter != ".") or "the start"
