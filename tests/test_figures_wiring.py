"""The picture of a model's wiring: what is lit, what plays, what it says in words."""

from dataclasses import replace

import pytest

from tests.families import SMALL
from wavenames.figures.colours import FAMILIES, NEUTRAL
from wavenames.figures.wiring import height_of, layer_by_layer, pointed_lines, wiring_figure, wiring_text
from wavenames.figures.wiring_traces import NODES, POINTED, Lit, Net
from wavenames.models import build
from wavenames.names import Vocabulary
from wavenames.probes.wiring import Wiring, wiring
from wavenames.ui.wiring_net import COLUMNS, lit_of, net_of

LETTERS = Vocabulary("abcdefghijklmnopqrstuvwxyz")
PLACE = 3


def drawn(family: str = "wavenet", name: str = "marie", place: int = PLACE) -> tuple[Wiring, Net, Lit]:
    found = wiring(build(SMALL[family], LETTERS.size, seed=3), LETTERS, name)
    shade = "activation" if found.measures else None
    lit = replace(lit_of(found, place), influence={at: 0.5 * at - 0.7 for at in range(place + 1)})
    return found, net_of(found, LETTERS, family, place, shade), lit


@pytest.mark.parametrize("family", SMALL)
def test_what_is_lit_is_the_field_and_all_else_is_grey(family: str) -> None:
    """Nodes by their colour, lines by their number; every point that can be chosen carries its place."""
    found, net, lit = drawn(family)
    figure = wiring_figure(net, lit)
    field = found.field(len(found.layers) - 1, PLACE)
    nodes = figure.data[NODES]
    for x, y, colour, place in zip(nodes.x, nodes.y, nodes.marker.line.color or (), nodes.customdata, strict=True):
        assert (colour == FAMILIES[family].colour) == ((y, x) in field.nodes)
        assert place == x
    assert figure.data[2].x.count(None) == len(field.edges)
    assert figure.data[1].x.count(None) == len(found.edges())
    assert list(figure.data[0].customdata) == list(range(6))
    assert set(figure.data[6].x) == {place for row, place in field.nodes if row == 0}
    assert set(figure.data[7].x) == set(range(6)) - set(figure.data[6].x)
    assert list(figure.layout.yaxis.ticktext) == [layer.title.replace(" ", "<br>") for layer in found.layers]


def test_what_is_not_lit_is_to_be_seen_too() -> None:
    """Lines and rims are at least half as dense as grey itself; a mesh of very many lines is thinner."""
    _, net, lit = drawn()
    data = wiring_figure(net, lit).data
    greys = {data[1].line.color, *data[NODES].marker.line.color} - {FAMILIES["wavenet"].colour}
    assert min(float(grey.rpartition(",")[2].rstrip(")")) for grey in greys) >= 0.5
    mesh = replace(net, edges=[*net.edges] * 20)
    assert wiring_figure(mesh, lit).data[1].line.color.endswith(" 0.22)")


def test_letters_say_what_they_are_worth() -> None:
    """Its number under each, but where it is next to nothing; blue helps, orange misleads."""
    _, net, lit = drawn()
    lit = replace(lit, influence={0: 0.01, 1: 1.5, 2: -0.75, 3: 0.3})
    data = wiring_figure(net, lit).data
    assert list(data[8].text) == ["+1.5", "−0.8", "+0.3"]
    assert list(data[8].x) == [1, 2, 3]
    assert [colour.rpartition(",")[0] for colour in data[6].marker.color[1:3]] == [
        "rgba(80, 143, 249", "rgba(200, 128, 13"
    ]  # fmt: skip
    assert "m: +1.5 nats" in data[6].hovertext
    crowded = replace(net, letters=[*"." * 14], following=["a"] * 14, chances=[0.5] * 14,
                      strengths=[[0.5] * 14] * 3, words=[["w"] * 14] * 3)  # fmt: skip
    assert list(wiring_figure(crowded, lit).data[8].text) == ["1.5", "−0.8", "0.3"]


def test_strong_nodes_are_larger() -> None:
    _, net, lit = drawn()
    net = replace(net, strengths=[[0.0, 0.2, 0.4, 0.6, 0.8, 1.0], *net.strengths[1:]])
    sizes = list(wiring_figure(net, lit).data[NODES].marker.size[:6])
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 6


@pytest.mark.parametrize("family", SMALL)
def test_the_layers_light_up_one_after_the_other(family: str) -> None:
    """A moment for each layer; the last is the picture itself, the first has letters alone."""
    found, net, lit = drawn(family)
    moments = layer_by_layer(net, lit)
    assert [title for title, _ in moments] == [layer.title for layer in found.layers]
    assert all(change == {} for change in moments[-1][1])
    lines = [change[2].get("x", wiring_figure(net, lit).data[2].x) for _, change in moments]
    counts = [list(x).count(None) for x in lines]
    assert counts[0] == 0
    assert counts == [sum(edge[1][0] <= row for edge in lit.edges) for row in range(len(moments))]
    if net.strengths:
        colours = moments[1][1][NODES]["marker"]["line"]["color"] if len(moments) > 3 else []
        assert all(colour != FAMILIES[family].colour for colour in colours[6:])


def test_the_pointer_draws_a_nodes_own_field() -> None:
    """One line a connection, in the order of the nodes' points; nothing while there is no pointer."""
    found, net, lit = drawn()
    figure = wiring_figure(net, lit)
    fields = {(row, at): found.field(row, at).edges for row in range(1, 4) for at in range(6)}
    lines = pointed_lines(net, fields)
    assert len(lines) == len(figure.data[NODES].x)
    for (x, y), row, at in zip(lines, figure.data[NODES].y, figure.data[NODES].x, strict=True):
        assert x.count(None) == y.count(None) == len(fields[row, at])
        assert max(place for place in x if place is not None) == at
    assert list(figure.data[POINTED].x) == []


def test_words_say_what_the_picture_shows() -> None:
    found, net, lit = drawn()
    text = wiring_text(net, lit, "Wiring of x")
    assert text.startswith("Wiring of x\nreads the start: −0.7 nats\nreads m: −0.2 nats\n")
    best = found.log_probabilities[PLACE].argmax()
    assert f"expects {'the end' if best == 0 else LETTERS.symbols[best]}, " in text
    size = float(found.measures["activation"][2, PLACE])
    gate, skip = (float(found.measures[kind][2, PLACE]) for kind in ("gate", "skip"))
    said = f"dilation 2 after mar: acts with {size:.2f}, gate {gate:.0%} open, {skip:.0%} of the skip sum"
    assert said.replace("-", "−") in text
    assert "first conv after ma: acts with" in text
    assert text.count("\n") == len(lit.nodes)


def test_of_a_long_name_the_letters_before_the_place_are_drawn() -> None:
    """Never more columns than fit, never one outside."""
    _, net, lit = drawn(name="abcdefghijklmnopqrstuvwxyz", place=20)
    assert net.places == range(5, 21)
    assert len(net.letters) == COLUMNS
    assert net.letters[-1] == "t"
    for trace in wiring_figure(net, lit).data:
        assert all(x is None or 4.5 <= x <= 21 for x in trace.x)
    assert wiring_text(net, lit, "x").splitlines()[1].startswith("reads ")


def test_what_a_node_is_compared_with() -> None:
    """Activations with their own layer, gates and parts of the skip sum with all; a part below nothing is nothing."""
    found, _, _ = drawn()
    rows = net_of(found, LETTERS, "wavenet", PLACE, "activation").strengths
    assert [max(value or 0 for value in row) for row in rows] == pytest.approx([1, 1, 1])
    gates = net_of(found, LETTERS, "wavenet", PLACE, "gate").strengths
    assert gates[0] == [None] * 6
    assert max(value or 0 for row in gates for value in row) == pytest.approx(1)
    parts = net_of(found, LETTERS, "wavenet", PLACE, "skip").strengths
    assert all(value is None or 0 <= value <= 1 for row in parts for value in row)


def test_markup_in_a_name_is_only_letters() -> None:
    vocabulary = Vocabulary("&<>b")
    found = wiring(build(SMALL["mlp"], vocabulary.size, seed=1), vocabulary, "<b>&")
    lit = lit_of(found, 3)
    data = wiring_figure(net_of(found, vocabulary, "mlp", 3, "activation"), lit).data
    assert [*data[6].text, *data[7].text] == ["&lt;", "b", "&gt;", "■", "&amp;"]
    assert all("<b>" not in words for words in (*data[0].hovertext, *data[NODES].hovertext))


def test_few_rows_are_as_high_as_five() -> None:
    heights = {family: height_of(drawn(family)[1]) for family in ("bigram", "mlp", "tree", "wavenet")}
    assert heights["bigram"] == heights["tree"] == heights["wavenet"]
    assert NEUTRAL in wiring_figure(*drawn("mlp")[1:]).data[7].textfont.color
