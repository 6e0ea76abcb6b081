"""Break it: a card's question, the two that train side by side, and what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from wavenames.failures.cards import CARDS, DATA, sentence
from wavenames.failures.experiment import DRAWN, Card, Experiment, Found, Side, Subject
from wavenames.figures.lights import LIGHTS, light_html
from wavenames.figures.loss import LossSeries, loss_curves, loss_text
from wavenames.names import Vocabulary
from wavenames.training import Point
from wavenames.ui.live_plot import live_plot
from wavenames.ui.name_rows import card_html
from wavenames.ui.references import references
from wavenames.ui.session import find_list, find_split
from wavenames.ui.words import plain

FOUND, RUNNING = "break_found", "break_running"
"""Session keys: what this visitor has found, by card; and the experiment under way."""
SLICE, TICK = 0.7, 0.05
"""Seconds of training between two pictures, and of rest before the next."""
SHOWN = 8
"""Names of each on the page."""
HEIGHT = 380
SOUND, BROKEN = "sound twin", "broken"


@dataclass
class Running:
    """An experiment of this visitor, at rest between two slices."""

    card: Card
    experiment: Experiment
    steps: Iterator[float]
    share: float = 0.0


@st.cache_resource(show_spinner=False)
def _turn() -> threading.Lock:
    """Held for a slice by who trains here, so that many visitors take turns on one core."""
    return threading.Lock()


def choose_card() -> Card:
    """The card that is open; it stands in the link."""
    titles = {card.title: card for card in CARDS.values()}
    done = st.session_state.setdefault(FOUND, {})
    chosen = st.pills(
        "What to break", list(titles), default=next(iter(titles)), key="break_card", bind="query-params", required=True,
        format_func=lambda title: f"{title} ✓" if titles[title].key in done else title, label_visibility="collapsed",
    )  # fmt: skip
    return titles[chosen]


def break_view(card: Card) -> None:
    """The question, then the experiment or what came of it."""
    found: Found | None = st.session_state[FOUND].get(card.key)
    running: Running | None = st.session_state.get(RUNNING)
    mine = running is not None and running.card.key == card.key
    said = _question(card, asked=found is not None or mine)
    if mine:
        st.fragment(_train, run_every=TICK)()
    elif found is None:
        label = "Break it" if running is None else f"Break it; {running.card.title} is given up"
        if st.button(label, type="primary", icon=":material/play_arrow:", disabled=said is None, key="break_run"):
            st.session_state[RUNNING] = _begun(card)
            st.rerun()
        st.caption(
            "Say what you expect, then watch both train from the same seed: some ten seconds."
            if said is None
            else "Both train from the same seed, here and now: some ten seconds."
        )
    else:
        _what_came(card, found, said)


def _question(card: Card, *, asked: bool) -> int | None:
    """What is wrong and what a visitor expects of it; the number of the outcome, None before there is one."""
    key = f"break_said_{card.key}"
    st.markdown(f"**{plain(card.setup)}**")
    outcomes = list(card.outcomes)
    said = st.radio(
        card.question, outcomes, index=None, key=key, disabled=asked, persist_state="session",
    )  # fmt: skip
    return None if said is None else outcomes.index(said)


def _begun(card: Card) -> Running:
    vocabulary = Vocabulary.of(find_list(DATA.names).names)
    experiment = Experiment(card, find_split(DATA), vocabulary)
    return Running(card, experiment, experiment.run())


def _train() -> None:
    """A slice of training and the picture after it; a fragment that comes back by itself."""
    running: Running | None = st.session_state.get(RUNNING)
    if running is None:
        st.rerun()
    bar, stop = st.columns([5, 1], vertical_alignment="center")
    if stop.button("Stop", icon=":material/stop:", width="stretch", key="break_stop"):
        del st.session_state[RUNNING]
        st.rerun()
    with _turn():
        torch.set_num_threads(1)  # of this thread
        until = time.monotonic() + SLICE
        for running.share in running.steps:
            if time.monotonic() > until:
                break
    experiment = running.experiment
    if experiment.found is not None:
        st.session_state[FOUND][running.card.key] = experiment.found
        del st.session_state[RUNNING]
        st.rerun()
    step, steps = experiment.sound.trainer.step, experiment.sound.trainer.recipe.steps
    bar.progress(running.share, f"Step {step:,} of {steps:,}, both in turn")
    _curves([_series(SOUND, experiment.sound), _series(BROKEN, experiment.broken)])


def _series(label: str, side: Subject | Side) -> LossSeries:
    curve = (side.trainer.curve.train, side.trainer.curve.validation) if isinstance(side, Subject) else (
        side.train, side.validation
    )  # fmt: skip
    train, validation = (_points(points) for points in curve)
    return LossSeries(label, side.config.model.family, side.config.data.split, train, validation)


def _points(points: list[Point] | tuple[Point, ...]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([point.step for point in points]), np.array([point.loss for point in points])


def _curves(series: list[LossSeries]) -> None:
    lines = {name: loss for name, loss in references(DATA).items() if name in ("uniform", "bigram")}
    live_plot(loss_curves(series, lines), key="break_curves", height=HEIGHT, text=loss_text(series, lines))


# ------------------------------------------------------------------------------------------------ what came of it


def _what_came(card: Card, found: Found, said: int | None) -> None:
    came = card.outcome(found)
    right = said == came
    icon, word = (
        (":material/check_circle:", "You were right.") if right else (":material/cancel:", "It came otherwise.")
    )
    st.subheader(f"{icon} {word} {plain(card.outcomes[came])}.", anchor=False)
    st.markdown(plain(sentence(found)))
    _curves([_series(SOUND, found.sound), _series(BROKEN, found.broken)])
    st.header("Names, by the same dice", anchor=False)
    with st.grid(2, min_column_width=260) as grid:
        for label, side in ((SOUND, found.sound), (BROKEN, found.broken)):
            with grid.cell():
                facts = [f"{side.real} of {DRAWN} stand on the list"]
                names = [each.name or "■" for each in side.names[:SHOWN]]
                st.html(card_html(label, side.config.model.family, facts, names))
    st.header("Health", anchor=False)
    _health(found)
    if st.button("Once more", icon=":material/replay:", key="break_again"):
        del st.session_state[FOUND][card.key]
        st.session_state.pop(f"break_said_{card.key}", None)
        st.rerun()


def _health(found: Found) -> None:
    """The lights that are not good, of each; that there are none is said."""
    sound = {each.title: each.light for each in found.sound.health}
    troubled = [each for each in found.broken.health if each.light != "good"]
    twins = [f"{title} {LIGHTS[light][1].lower()}" for title, light in sound.items() if light != "good"]
    said = f"not all good: {', '.join(twins)}" if twins else "all good"
    if not troubled:
        st.markdown(f"No light of the broken one shows it: all are good. Its twin's are {said}.")
        return
    st.markdown(f"Lights of the broken one that are not good; its twin's are {said}.")
    with st.grid(3, min_column_width=280, gap="medium") as grid:
        for each in troubled:
            with grid.cell():
                st.html(light_html(each.title, each.light, each.sentence))
