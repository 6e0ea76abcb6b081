"""The wiring of a model, trace by trace: what `figures.wiring` puts together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

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
MANY = 90
"""Lit lines that can be told apart."""
UNLIT, CROWDED, MESH = 0.5, 0.22, 240
"""Opacity of what is not lit; of its lines where they are more than so many and would be one grey together."""
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

    @property
    def places(self) -> range:
        """The places that are drawn."""
        return range(self.first, self.first + len(self.letters))

    @property
    def row(self) -> float:
        """Pixels from one row to the next: few rows share the height of five."""
        return max(ROW, 4 * ROW / (len(self.rows) - 1))

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


NODES, POINTED = 5, 4
"""Which traces hold the nodes, and the lines that are drawn while the pointer is on one of them."""


def traces(net: Net, lit: Lit) -> list[dict[str, Any]]:
    """All of them, those below first."""
    colour = FAMILIES[net.family].colour
    return [
        _following(net, lit),
        _lines(
            line_through(net, net.edges),
            "lines",
            color=translucent(NEUTRAL, CROWDED if len(net.edges) > MESH else UNLIT),
            width=1,
        ),
        _lines(line_through(net, lit.edges), "lit lines", **_bright(colour, len(lit.edges))),
        _lines(_skips(net, lit), "skips", color=colour, width=1.5, dash="dot"),
        _lines(([], []), "under the pointer", color=translucent(colour, 0.45), width=5),
        _nodes(net, lit),
        _tiles(net, lit, seen=True),
        _tiles(net, lit, seen=False),
        _numbers(net, lit),
    ]


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
        "text": [escape(shown(letter)) if letter else "?" for letter in net.following],
        "textposition": "middle center",
        "textfont": {
            "size": [18 if one else 13 for one in chosen],
            "color": [colour if one else NEUTRAL for one in chosen],
        },
        "marker": {
            "symbol": [KINDS[kind(letter)].symbol if letter else "square" for letter in net.following],
            "size": [net.tile + 2 if one else net.tile for one in chosen],
            "color": [translucent(colour if one else NEUTRAL, 0.16 if one else 0.04) for one in chosen],
            "line": {
                "width": [2 if one else 1 for one in chosen],
                "color": [colour if one else translucent(NEUTRAL, UNLIT) for one in chosen],
            },
        },
        "hovertext": [
            escape(f"after {_beginning(net, place)}: {comes(letter)} {chance:.0%}" if letter else "next letter")
            for place, letter, chance in zip(net.places, net.following, net.chances, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _nodes(net: Net, lit: Lit) -> dict[str, Any]:
    colour = FAMILIES[net.family].colour
    drawn = points(net)
    shades = [net.strengths[row - 1][place - net.first] for row, place in drawn]
    on = [point in lit.nodes for point in drawn]
    fill = [
        translucent(colour if bright else NEUTRAL, 0.06 + (0.94 if bright else 0.3) * (shade or 0.0))
        for bright, shade in zip(on, shades, strict=True)
    ]
    words = [escape(net.words[row - 1][place - net.first]) for row, place in drawn]
    return {
        "uid": "nodes",
        "name": "nodes",
        "x": [place for _, place in drawn],
        "y": [row for row, _ in drawn],
        "customdata": [place for _, place in drawn],
        "mode": "markers+text" if net.numbers else "markers",
        "text": [net.numbers[row - 1][place - net.first] for row, place in drawn] if net.numbers else words,
        "textposition": "middle center",
        "textfont": {"size": 11},
        "marker": {
            "symbol": "circle",
            "size": [_size(net, point) for point in drawn],
            "color": fill,
            "line": {
                "width": [1.5 if bright else 1 for bright in on],
                "color": [colour if bright else translucent(NEUTRAL, 0.7) for bright in on],
            },
        },
        "hovertext": words,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _tiles(net: Net, lit: Lit, *, seen: bool) -> dict[str, Any]:
    """The letters that are read, or those that are not; among these the one to come wears the family's colour."""
    places = [place for place in net.places if ((0, place) in lit.nodes) == seen]
    letters = [net.letters[place - net.first] for place in places]
    most = max([NEGLIGIBLE, *(abs(nats) for nats in lit.influence.values())])
    worth = [lit.influence.get(place, 0.0) for place in places]
    tones = [HELPS if nats >= 0 else MISLEADS for nats in worth]
    plain = translucent(NEUTRAL, 0.7 if seen else UNLIT)
    edges = [tone if abs(nats) >= NEGLIGIBLE else plain for tone, nats in zip(tones, worth, strict=True)]
    if not seen:
        edges = [FAMILIES[net.family].colour if place == lit.place + 1 else plain for place in places]
    return {
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
            "color": [translucent(tone, 0.75 * abs(nats) / most) for tone, nats in zip(tones, worth, strict=True)],
            "line": {"width": 1.5, "color": edges},
        },
        "hovertext": [escape(_says(letter, place, lit)) for letter, place in zip(letters, places, strict=True)],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _numbers(net: Net, lit: Lit) -> dict[str, Any]:
    """Under each letter what it is worth; where there is little room, without a plus."""
    places = [place for place in net.places if abs(lit.influence.get(place, 0.0)) >= NEGLIGIBLE]
    plus = "" if len(net.letters) <= FEW else "+"
    return {
        "uid": "worth",
        "name": "worth",
        "x": places,
        "y": [-0.4 * ROW / net.row] * len(places),
        "mode": "text",
        "text": [worth_said(lit.influence[place]).removeprefix(plus) for place in places],
        "textfont": {"size": 10},
        "hoverinfo": "skip",
    }


def _bright(colour: str, lines: int) -> dict[str, Any]:
    """The style of lit lines: so many that they would run together are thin."""
    return {"color": colour, "width": 2} if lines <= MANY else {"color": translucent(colour, 0.5), "width": 1}


def _lines(line: tuple[Line, Line], name: str, **style: Any) -> dict[str, Any]:
    x, y = line
    return {"uid": name, "name": name, "x": x, "y": y, "mode": "lines", "line": style, "hoverinfo": "skip"}


def line_through(net: Net, edges: Collection[Edge]) -> tuple[Line, Line]:
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
    near, far, top = lit.place + 0.25, lit.place + 0.5, len(net.rows) - 1
    for row in sorted(lit.skips):
        x += [near, far, far, None]
        y += [row, row, top, None]
    if lit.skips:
        x += [far, near]
        y += [top, top]
    return x, y


def points(net: Net) -> list[Node]:
    """The nodes between letters and output, row by row."""
    return [(row, place) for row in range(1, len(net.rows) - 1) for place in net.places]


def _size(net: Net, node: Node) -> float:
    """Pixels across."""
    row, place = node
    if row == 0:
        return net.tile + 2
    if row == len(net.rows) - 1:
        return net.tile + 6
    if net.numbers:
        return MOST
    strength = net.strengths[row - 1][place - net.first]
    return LEAST + (MOST - LEAST) * (0.5 if strength is None else strength)


def _half(net: Net, node: Node) -> float:
    """Half of it, in rows."""
    return _size(net, node) / 2 / net.row


def _says(letter: str, place: int, lit: Lit) -> str:
    if (0, place) not in lit.nodes:
        return f"{named(letter)}: out of sight" if place < lit.place else f"{named(letter)}: not read yet"
    return f"{named(letter)}: {worth_said(lit.influence[place])} nats" if place in lit.influence else named(letter)


def worth_said(nats: float) -> str:
    """A letter's worth as it is written."""
    return "0.0" if abs(nats) < NEGLIGIBLE else f"{nats:+.1f}".replace("-", "−")


def named(letter: str) -> str:
    """A letter that is read, in words."""
    return "the start" if letter == "." else letter


def comes(letter: str) -> str:
    """A letter that may come, in words."""
    return "the end" if letter == "." else letter


def _beginning(net: Net, place: int) -> str:
    """The letters of the columns read at a place."""
    return "".join(letter for letter in net.letters[: place - net.first + 1] if letter != ".") or "the start"
