"""What the Wiring page shows: a model's connections over a typed name, lit for one prediction."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import streamlit as st

from wavenames.config import Refusal, signed
from wavenames.figures.bars import next_letter_bars, next_letter_text
from wavenames.figures.wiring import height_of, layer_by_layer, pointed_lines, wiring_figure, wiring_text
from wavenames.figures.wiring_traces import NODES, POINTED, Lit, Net
from wavenames.models import Model
from wavenames.names import END_MARK, Vocabulary
from wavenames.probes.influence import gradient_times_input
from wavenames.probes.occlusion import occlusion
from wavenames.probes.wiring import Wiring, wiring
from wavenames.ui.links import say_unknown, to_be_read, write_words
from wavenames.ui.live_plot import Frame, Pointed, live_plot
from wavenames.ui.readings import chance
from wavenames.ui.session import Trained, checkpoint, model
from wavenames.ui.two_ways_view import two_ways
from wavenames.ui.typed import as_known, example_name, name_box
from wavenames.ui.wiring_net import lit_of, net_of, wiring_rows
from wavenames.ui.words import page_anew, plain

FIRST_NAME = "bartholomew"
NAME, PLACE, SHADE, WORTH = "wiring_name", "wiring_place", "wiring_shade", "wiring_worth"
READ, USUAL, CLICKED = "wiring_read", "wiring_usual_place", "wiring_clicked"
SHADES = {"activation": "Activation", "gate": "Gate", "skip": "Part of skip"}
HIDE, GRADIENT = "Hide the letter", "Gradient × input"
LIMITS = {
    "recurrent": "One memory is carried from letter to letter. How much of each letter it keeps is not drawn.",
    "transformer": "A letter can look at every letter in its block. Which ones attention looks at is not drawn.",
    "bigram": "It counts pairs of letters: a table, with no nodes between the last letter and the next.",
    "kneser-ney": "It counts runs of letters: a table, with no nodes between the last letters and the next.",
}
"""What the picture of a family can't say."""


@st.fragment
def wiring_view(chosen: Trained) -> None:
    """Controls, the picture, what it says in a sentence, and one function computed in two ways."""
    with page_anew():
        kept, network = checkpoint(chosen.key), model(chosen.key)
    vocabulary = kept.vocabulary
    typing, placing = st.columns([1, 2], gap="small")
    with typing:
        name = _typed(vocabulary, example_name(FIRST_NAME, kept.run.data.names, vocabulary))
    with placing:
        place = _place(name)
    found = wiring(network, vocabulary, name)
    picture, beside = st.columns([8, 5], gap="medium")
    with beside:
        words = st.container()
        shade = _shade(found)
        way = _way(counts=network.letter_vectors is None)
        with st.spinner("Asking about each letter in turn"):
            worths = _worths(network, vocabulary, name, way)
    lit = lit_of(found, place)
    lit = replace(lit, influence={at: worths[at][place] for row, at in sorted(lit.nodes) if row == 0})
    net = net_of(found, vocabulary, chosen.family, place, shade)
    with picture:
        clicked = _picture(
            found, net, lit, vocabulary, f"Wiring of {chosen.title} over {name}, lit for letter {place + 1}"
        )
        st.caption(
            "Blue letters help, orange ones mislead. Click a column to light it; point at a node to see its part."
        )
    with words:
        _in_words(found, vocabulary, chosen.family, lit)
    if network.conditions:
        st.caption(
            f"This model can be told the {' and the '.join(network.conditions)} of a name; here it is told none."
        )
    if len(net.letters) < len(found.context):
        st.caption(f"Drawn are letters {max(net.first, 1)} to {net.places[-1]} of {len(name)}.")
    if isinstance(clicked, int) and 0 <= clicked <= len(name):  # what a browser sends need not be what it was offered
        st.session_state[CLICKED] = clicked
        st.rerun(scope="fragment")
    two_ways(name, place)


def _typed(vocabulary: Vocabulary, example: str) -> str:
    """The name; one that can't be read leaves the last one standing, as far as this model knows its letters."""
    typed = name_box("Name", example, key=NAME)
    for number, one in enumerate([typed, st.session_state.get(READ, example), example]):
        try:
            st.session_state[READ] = name = as_known(one, vocabulary)
            return name
        except Refusal as refusal:
            if number == 0:
                st.error(plain(str(refusal)))
    raise AssertionError("an example can be read")


def _place(name: str) -> int:
    """Which letter is predicted, from 0; at first the last one. It stays while the name is typed on."""
    options, usual = range(1, len(name) + 2), max(len(name), 1)
    say_unknown(PLACE, "letter", [*map(str, options)])
    if to_be_read(PLACE) and st.query_params.get(PLACE, "") in map(str, options):
        st.session_state[PLACE] = int(st.query_params[PLACE])
    if CLICKED in st.session_state:
        st.session_state[PLACE] = st.session_state.pop(CLICKED) + 1
    at = st.session_state.get(PLACE)
    if at == st.session_state.get(USUAL) or at not in options:
        st.session_state[PLACE] = usual
    st.session_state[USUAL] = usual
    number: int = st.select_slider(
        "The letter that it predicts", options, key=PLACE,
        format_func=lambda one: f"{one} · {'end' if one > len(name) else name[one - 1]}",
        help="Or choose a column of the picture: click it, or walk with the arrow keys and press Enter.",
    )  # fmt: skip
    write_words({PLACE: str(number)} if number != usual else {}, [PLACE])
    return number - 1


def _shade(found: Wiring) -> str | None:
    """The measure that shades the nodes; None where there are no nodes."""
    if len(found.measures) < 2:
        return next(iter(found.measures), None)
    say_unknown(SHADE, "the measure", [SHADES[measure] for measure in found.measures])
    shade: str = st.segmented_control(
        "Size of a node", list(found.measures), format_func=SHADES.__getitem__, default="activation", key=SHADE,
        bind="query-params", required=True,
        help="Large nodes act strongly, beside others of their layer; have open gates; or bring most of what reaches "
        "the output.",
    )  # fmt: skip
    return shade


def _way(*, counts: bool) -> str:
    """How what a letter is worth is found."""
    if counts:
        return HIDE
    say_unknown(WORTH, "the way", [HIDE, GRADIENT])
    way: str = st.segmented_control(
        "What a letter is worth", [HIDE, GRADIENT], default=HIDE, key=WORTH, bind="query-params", required=True,
        help="For the log-probability of the letter that comes: average over what else could stand there, or follow "
        "the gradient back to the letter's vector.",
    )  # fmt: skip
    return way


@lru_cache(maxsize=32)  # by the model itself: a run that goes on is another one
def _worths(network: Model, vocabulary: Vocabulary, name: str, way: str) -> list[list[float]]:
    """What each letter, '.' first, is worth at each place, nats. The start of a name can't be hidden."""
    if way == GRADIENT:
        followed: list[list[float]] = gradient_times_input(network, vocabulary, name).matrix.tolist()
        return followed
    return [[0.0] * (len(name) + 1), *occlusion(network, vocabulary, name).matrix.tolist()]


def _picture(found: Wiring, net: Net, lit: Lit, vocabulary: Vocabulary, title: str) -> object:
    fields = {(row, at): found.field(row, at).edges for row in range(1, len(net.rows) - 1) for at in net.places}
    return live_plot(
        wiring_figure(net, lit),
        key="wiring",
        height=height_of(net),
        text=wiring_text(net, lit, title),
        on_click=True,
        frames=[Frame(label, traces) for label, traces in layer_by_layer(net, lit)],
        pointed=Pointed(NODES, POINTED, pointed_lines(net, fields)),
        rows=wiring_rows(found, lit, vocabulary),
    )


def _in_words(found: Wiring, vocabulary: Vocabulary, family: str, lit: Lit) -> None:
    """The prediction, the likeliest letters, what it rests on."""
    letters, name = vocabulary.symbols, found.context[1:]
    true = (name + END_MARK)[lit.place]
    shares = found.log_probabilities[lit.place].exp().tolist()
    share = shares[letters.index(true)]
    after = f"After **{plain(name[: lit.place])}**" if lit.place else "Before any letter"
    comes = "the end" if true == END_MARK else f"**{plain(true)}**"
    rank = 1 + sum(other > share for other in shares)
    st.markdown(f"{after} comes {comes}: {chance(share)}, rank {rank} of {len(letters)}.")
    live_plot(
        next_letter_bars(letters, shares, family),
        key="wiring_next",
        height=170,
        text=next_letter_text(letters, shares),
    )
    rows, reads = len(found.layers) - 2, sum(row == 0 for row, _ in lit.nodes)
    between = sum(0 < row <= rows for row, _ in lit.nodes)
    through = f" through {between} of {rows * len(found.context)} nodes" if rows else ""
    before = f"{reads} of the {lit.place} letters before it"
    if (0, 0) in lit.nodes:
        before = f"all {lit.place} letters before it, and the start," if lit.place else "nothing but the start"
    st.markdown(f"It reads {before}{through}. {_loudest(name, lit)}")
    if family in LIMITS:
        st.caption(LIMITS[family])


def _loudest(name: str, lit: Lit) -> str:
    """The letter that is worth most, in a sentence."""
    at, nats = max(lit.influence.items(), key=lambda each: abs(each[1]))
    which = "the start" if at == 0 else f"**{plain(name[at - 1])}**, letter {at}"
    return f"{'Most rests on' if nats > 0 else 'Most misleading is'} {which}: {signed(nats, 2)} nats." if nats else ""
