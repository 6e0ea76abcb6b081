"""Break it: a card's question, the two that train side by side, and what came of it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import streamlit as st
import torch

from wavenames.failures.cards import CARDS, DATA, sentence
from wavenames.failures.experiment import DRAWN, Card, Experiment, Found, Side, Subject
from wavenames.figures.lights import LIGHTS, light_html
from wavenames.figures.loss import LossSeries, loss_curves, loss_text
from wavenames.names import Vocabulary, printable
from wavenames.training import Point
from wavenames.ui.links import linked_word
from wavenames.ui.live_plot import live_plot
from wavenames.ui.name_rows import card_html
from wavenames.ui.session import find_list, find_split
from wavenames.ui.words import plain

FOUND, RUNNING, EXPECTED, OPEN = "break_found", "break_running", "break_expected", "break_card"
"""Session keys: what this visitor has found, and the experiments under way, both by card; what was expected; the open
card."""
SLICE, TICK = 0.7, 0.05
"""Seconds of training between two pictures, and of rest before the next."""
SHOWN = 8
"""Names of each on the page."""
HEIGHT = 380
SOUND, BROKEN = "sound twin", "broken"


@dataclass
class Running:
    """An experiment of this visitor. It trains while its card is open, and rests between two slices and elsewhere."""

    experiment: Experiment
    steps: Iterator[float]
    share: float = 0.0

    @property
    def step(self) -> str:
        """Where it stands."""
        trainer = self.experiment.sound.trainer
        return f"step {trainer.step:,} of {trainer.recipe.steps:,}"


@st.cache_resource(show_spinner=False)
def _turn() -> threading.Lock:
    """Held for a slice by who trains here, so that many visitors take turns on one core."""
    return threading.Lock()


def break_view() -> None:
    """The cards, or the one that is open: while it trains, and what came of it. The link says which."""
    st.session_state.setdefault(FOUND, {})
    st.session_state.setdefault(RUNNING, {})
    word = linked_word(OPEN)
    card = CARDS.get(word or "")
    if word is not None and card is None:
        st.warning(plain(f"The link asks for the card {printable(word)}; allowed is one of {', '.join(CARDS)}."))
        st.session_state[OPEN] = None
        st.query_params.pop(OPEN)
    if card is None:
        _cards()
        return
    if st.button("All cards", icon=":material/arrow_back:", key="break_back"):
        del st.session_state[OPEN]
        st.rerun()
    st.header(card.title, anchor=False)
    st.markdown(plain(card.setup))
    found: Found | None = st.session_state[FOUND].get(card.key)
    if found is not None:
        _what_came(card, found)
    elif card.key in st.session_state[RUNNING]:
        st.markdown(f"{card.question} {_said(card)}")
        st.fragment(_train, run_every=TICK)(card)
    else:
        _question(card)


def _cards() -> None:
    with st.grid(3, min_column_width=300, gap="medium", border=True) as grid:
        for card in CARDS.values():
            with grid.cell():
                st.header(card.title, anchor=False)
                st.markdown(plain(card.setup))
                if card.key in st.session_state[RUNNING]:
                    _at_rest(card)
                    continue
                if card.key not in st.session_state[FOUND]:
                    _question(card)
                    continue
                st.markdown(f"{card.question} **{plain(card.outcomes[_came(card)])}.** {_said(card)}")
                if st.button("See it again", icon=":material/visibility:", key=f"break_see_{card.key}"):
                    _open(card)


def _question(card: Card) -> None:
    """What a visitor expects, and the button that comes after it."""
    outcomes = list(card.outcomes)
    said = st.radio(card.question, outcomes, index=None, key=f"break_said_{card.key}", persist_state="session")
    explained = "Trains both from the same seed, here and now: some ten seconds. Say first what you expect."
    if st.button(
        "Break it", icon=":material/play_arrow:", disabled=said is None, key=f"break_run_{card.key}", help=explained
    ):
        st.session_state[f"{EXPECTED} {card.key}"] = outcomes.index(said) if said in outcomes else None
        st.session_state[RUNNING][card.key] = _begun(card)
        _open(card)


def _at_rest(card: Card) -> None:
    """Where an experiment rests whose card is not open, and the way back to it."""
    running: Running = st.session_state[RUNNING][card.key]
    st.markdown(f"{card.question} {_said(card)}")
    st.markdown(f"It rests at {running.step}.")
    if st.button("Go on", icon=":material/play_arrow:", key=f"break_go_on_{card.key}"):
        _open(card)


def _open(card: Card) -> NoReturn:
    st.session_state[OPEN] = card.key
    st.rerun()


def _came(card: Card) -> int:
    return card.outcome(st.session_state[FOUND][card.key])


def _said(card: Card) -> str:
    """What the visitor expected, in a sentence."""
    said: int | None = st.session_state.get(f"{EXPECTED} {card.key}")
    return "" if said is None else f"Your answer: *{plain(card.outcomes[said])}.*"


def _begun(card: Card) -> Running:
    vocabulary = Vocabulary.of(find_list(DATA.names).names)
    experiment = Experiment(card, find_split(DATA), vocabulary)
    return Running(experiment, experiment.run())


def _train(card: Card) -> None:
    """The picture and the next slice of training; a fragment that comes back by itself."""
    running: Running | None = st.session_state[RUNNING].get(card.key)
    if running is None:
        st.rerun()
    bar, stop = st.columns([5, 1], vertical_alignment="center")
    if stop.button("Stop", icon=":material/stop:", width="stretch", key="break_stop"):
        del st.session_state[RUNNING][card.key]
        st.rerun()
    experiment = running.experiment
    bar.progress(running.share, f"{running.step.capitalize()}, both in turn")
    steps = experiment.sound.trainer.recipe.steps
    _curves([_series(SOUND, experiment.sound), _series(BROKEN, experiment.broken)], experiment, steps)
    with _turn():  # after the picture: what a script has not drawn yet fades while it is at work
        torch.set_num_threads(1)  # of this thread
        until = time.monotonic() + SLICE
        for share in running.steps:
            running.share = share
            if time.monotonic() > until:
                break
    if experiment.found is not None:
        st.session_state[FOUND][card.key] = experiment.found
        del st.session_state[RUNNING][card.key]
        st.rerun()


def _series(label: str, side: Subject | Side) -> LossSeries:
    curve = (side.trainer.curve.train, side.trainer.curve.validation) if isinstance(side, Subject) else (
        side.train, side.validation
    )  # fmt: skip
    train, validation = (_points(points) for points in curve)
    return LossSeries(label, side.config.model.family, side.config.data.split, train, validation)


def _points(points: list[Point] | tuple[Point, ...]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([point.step for point in points]), np.array([point.loss for point in points])


def _curves(series: list[LossSeries], counted: Experiment | Found, steps: int) -> None:
    """The two, held against a blind guess and the two that only count."""
    vocabulary = Vocabulary.of(find_list(DATA.names).names)
    lines = {
        "uniform": math.log(vocabulary.size),
        "letters by frequency": counted.frequencies,
        "bigram": counted.pairs,
    }
    figure = loss_curves(series, lines).update_xaxes(range=[0, 1.02 * steps])
    live_plot(figure, key="break_curves", height=HEIGHT, text=loss_text(series, lines))


# ------------------------------------------------------------------------------------------------ what came of it


def _what_came(card: Card, found: Found) -> None:
    came, said = _came(card), st.session_state.get(f"{EXPECTED} {card.key}")
    right = said == came
    icon, word = (
        (":material/check_circle:", "You were right.") if right else (":material/cancel:", "It came otherwise.")
    )
    st.subheader(f"{icon} {word}", anchor=False)
    st.markdown(f"{card.question} **{plain(card.outcomes[came])}.** {'' if right else _said(card)}")
    st.markdown(plain(sentence(found)))
    _curves([_series(SOUND, found.sound), _series(BROKEN, found.broken)], found, card.sound.recipe.steps)
    st.header("Names, by the same dice", anchor=False)
    with st.grid(2, min_column_width=160) as grid:
        for label, side in ((SOUND, found.sound), (BROKEN, found.broken)):
            with grid.cell():
                facts = [f"{side.real} of {DRAWN} stand on the list"]
                names = [each.name or "■" for each in side.names[:SHOWN]]
                st.html(card_html(label, side.config.model.family, facts, names))
    st.header("Health", anchor=False)
    _health(found)
    if st.button("Once more", icon=":material/replay:", key="break_again"):
        del st.session_state[FOUND][card.key]
        st.rerun()


def _health(found: Found) -> None:
    """The lights that are not good, of each; that there are none is said."""
    sound = {each.title: each.light for each in found.sound.health}
    troubled = [each for each in found.broken.health if each.light != "good"]
    twins = [f"{title} {LIGHTS[light][1].lower()}" for title, light in sound.items() if light != "good"]
    said = f"not all good: {', '.join(twins)}" if twins else "all good"
    if not troubled:
        beside = f"; its twin's are {said}" if twins else ", as its twin's are"
        st.markdown(f"Health shows nothing: all lights are good{beside}.")
        return
    st.markdown(f"Lights of the broken one that are not good; its twin's are {said}.")
    with st.grid(3, min_column_width=280, gap="medium") as grid:
        for each in troubled:
            with grid.cell():
                st.html(light_html(each.title, each.light, each.sentence))
