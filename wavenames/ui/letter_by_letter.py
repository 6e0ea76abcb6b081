"""A name written with a model: what could come next, one letter at a time.

A model that can be told something of a name shows two sides of it: what could come next told one thing, and another.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wavenames.checkpoints import Checkpoint
from wavenames.config import Refusal, signed
from wavenames.figures.bars import next_letter_bars, next_letter_text
from wavenames.figures.colours import END_GLYPH
from wavenames.names import END_MARK
from wavenames.probes.surprisal import Surprisal, surprisals
from wavenames.ui.links import linked_text
from wavenames.ui.live_plot import live_plot
from wavenames.ui.name_rows import scale_html, surprisal_html
from wavenames.ui.samples_view import STATUS
from wavenames.ui.session import Trained, checkpoint, model
from wavenames.ui.told import SIDES, choose_told
from wavenames.ui.typed import as_known, known_beginning
from wavenames.ui.words import kind_of_names, page_anew, plain

WRITTEN = "sample_letters"
"""What stands so far, in the session and in the link; a '.' behind it ends the name."""
NEXT = "sample_next"
CLICKED = "sample_clicked"
NEXT_PLOTS = {"first": "next_letter", "second": "next_letter_beside"}
USUAL = {"first": {"sex": "F", "decade": "1900"}, "second": {"sex": "M", "decade": "2024"}}
"""What the two sides of a model are told at first."""
RAREST = 35
"""Nats past which "one in so many names" has too many digits to say anything."""


@st.fragment
def letter_by_letter(chosen: Trained) -> None:
    """The name so far in tiles, and the next letter's probabilities, of which one can be chosen.

    Of two sides, the left one speaks in the tiles, in the words under them and in the dice.
    """
    with page_anew():
        kept, network = checkpoint(chosen.key), model(chosen.key)
    if CLICKED in st.session_state:
        _write(st.session_state.pop(CLICKED))
    typing, choosing = st.columns(2, vertical_alignment="bottom")
    with typing:
        typed = linked_text(
            "So far", key=WRITTEN, placeholder="Type, or choose a letter below",
            help="The name that is being written. A '.' behind it ends it.",
        )  # fmt: skip
    ended = typed.endswith(END_MARK)
    refused = None
    try:
        name = as_known(typed.removesuffix(END_MARK), kept.vocabulary)
    except Refusal as refusal:
        name, ended, refused = known_beginning(typed, kept.vocabulary), False, str(refusal)
    letters = kept.vocabulary.symbols
    above = st.container()
    sides = dict(zip(SIDES, st.columns(2), strict=True)) if network.conditions else {SIDES[0]: st.container()}
    told = [_told(kept, side, place) for side, place in sides.items()]
    read = surprisals(network, kept.vocabulary, name, told)
    found, bars = read[0], [each.places[-1].distribution.exp().tolist() for each in read]
    chances = bars[0]
    with choosing:
        _choose(name, letters, chances, disabled=ended)
    with above:
        _written(name, found, chances, kept, told[0], ended=ended, refused=refused)
    top = 1.05 * max(map(max, bars)) if len(bars) > 1 else None
    picked = None
    for (side, place), each in zip(sides.items(), bars, strict=True):
        with place:
            clicked = live_plot(
                next_letter_bars(letters, each, chosen.family, top=top),
                key=NEXT_PLOTS[side],
                height=300,
                text=next_letter_text(letters, each),
                on_click=not ended,
            )
        picked = clicked or picked
    if not ended and picked in list(letters):  # what a browser sends need not be what it was offered
        st.session_state[CLICKED] = name + picked
        st.rerun(scope="fragment")


def _told(kept: Checkpoint, side: str, place: DeltaGenerator) -> dict[str, str]:
    """What this side is told; at first the two differ in the first thing that the model can be told."""
    usual = {kind: kept.words(kind)[0] for kind in kept.classes}
    for kind in [*usual][:1]:
        learned = kept.classes[kind] or kept.words(kind)
        usual[kind] = USUAL[side][kind] if USUAL[side][kind] in learned else learned[-(side == SIDES[1])]
    with place:
        return choose_told(side, usual, kept, key="letters") if usual else {}


def _written(
    name: str,
    found: Surprisal,
    chances: Sequence[float],
    kept: Checkpoint,
    told: Mapping[str, str],
    *,
    ended: bool,
    refused: str | None,
) -> None:
    """The name in tiles, what is to be said of it, and the buttons."""
    next_tile = "" if ended else '<span class="wn-tile wn-next" title="the next letter"></span>'
    st.html(f'<div class="wn-large wn-name" dir="auto">{surprisal_html(found, whole=ended)}{next_tile}</div>')
    said, buttons = st.columns(2, vertical_alignment="center")
    with said:
        if refused:
            st.error(plain(refused))
        else:
            kind = f" as a {kind_of_names(told, 1)}" if told else ""
            st.markdown(_said(name, found, STATUS[kept.membership.status(name)], kind, ended=ended))
    with buttons:
        _buttons(name, kept.vocabulary.symbols, chances, ended=ended)
    st.html(scale_html(math.log(kept.vocabulary.size)))


def _choose(name: str, letters: str, chances: Sequence[float], *, disabled: bool) -> None:
    order = sorted(range(len(letters)), key=lambda i: -chances[i])
    shown = {letters[i]: f"{_named(letters[i])} · {chances[i]:.1%}" for i in order}
    st.selectbox(
        "Next letter, the likeliest first", list(shown), index=None, format_func=lambda one: shown.get(one, one),
        help="Each letter with its probability after what stands so far; the one chosen is put behind it.",
        key=NEXT, placeholder="Choose a letter", disabled=disabled, on_change=_take_chosen, args=(name,),
    )  # fmt: skip


def _buttons(name: str, letters: str, chances: Sequence[float], *, ended: bool) -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(
            "Roll a die", icon=":material/casino:", key="letter_roll", disabled=ended, on_click=_roll,
            args=(name, letters, chances), help="Draws the next letter with these probabilities.",
        )  # fmt: skip
        st.button(
            "Undo", icon=":material/undo:", key="letter_undo", disabled=not (name or ended), on_click=_write,
            args=(name if ended else name[:-1],), help="Takes back one letter.",
        )  # fmt: skip
        st.button("Start again", icon=":material/restart_alt:", key="letter_restart", on_click=_write, args=("",))


def _said(name: str, found: Surprisal, status: str, kind: str, *, ended: bool) -> str:
    """The two lines under the tiles; `kind` says what the model was told, if it was told anything."""
    if not ended:
        so_far = sum(place.log_probability for place in found.places[:-1])
        first = (
            f"Log-probability so far {signed(so_far, 2)} nats{kind}."
            if name
            else "The bars say which letters names begin with."
        )
        return f"{first}  \nChoose a bar to go on; {END_GLYPH} ends the name."
    total = found.log_probability
    often = f", one in {math.exp(-total):,.0f} names" if -total < RAREST else ""
    return f"The name ends here; it is {status}.  \nLog-probability {signed(total, 2)} nats{kind}{often}."


def _named(letter: str) -> str:
    return f"{END_GLYPH} end of the name" if letter == END_MARK else letter


def _write(text: str) -> None:
    st.session_state[WRITTEN] = text


def _take_chosen(name: str) -> None:
    if st.session_state[NEXT] is not None:
        _write(name + st.session_state[NEXT])
        st.session_state[NEXT] = None


def _roll(name: str, letters: str, chances: Sequence[float]) -> None:
    _write(name + random.choices(letters, chances)[0])
