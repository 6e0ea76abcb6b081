"""How much a model repeats as it is drawn warmer, and as it learned."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from wavenames.checkpoints import Checkpoint, shipped
from wavenames.config import PageSamplingConfig
from wavenames.figures.memory import share_lines, shares_text
from wavenames.names import Status
from wavenames.sampling import Sampled, sample
from wavenames.ui.live_plot import live_plot
from wavenames.ui.memory_view import drawn
from wavenames.ui.session import Trained, checkpoint, draws, model_at, store, uploaded
from wavenames.ui.words import page_anew

TEMPERATURES = tuple(tenth / 10 for tenth in range(5, 16))
STEPS = 12
"""Steps of a run that are looked at."""
KINDS: dict[Status, str] = {"train": "in train", "held_out": "held out", "new": "new"}
HEIGHT = 320
MOMENT = 0.5
"""Seconds after which a bar says how far the drawing is."""

Shares = dict[str, list[float]]
"""The share of each kind of name, place by place along an axis."""


def by_temperature(chosen: Trained, kept: Checkpoint, options: PageSamplingConfig) -> None:
    """The same dice at each temperature."""
    st.markdown("**With temperature**, by the same dice")
    warmer = [options.changed(temperature=each) for each in TEMPERATURES]
    draws = [partial(drawn, chosen.key, kept.results.steps, each) for each in warmer]
    _lines(chosen, TEMPERATURES, _shares("temperature", draws, (chosen.key, options)), "temperature")


def through_training(chosen: Trained, options: PageSamplingConfig) -> None:
    """The same dice at steps of a run whose weights are kept."""
    st.markdown("**Through training**, by the same dice")
    elsewhere = chosen.key in shipped() or chosen.key in uploaded()
    steps = () if elsewhere else some(store().weights_steps(chosen.key))
    if len(steps) < 2:
        st.info(
            "Of this model only the last weights are here. Runs of this server keep theirs at some of their steps, "
            "so that you see when they came to know names by heart."
        )
        if st.button("Train one", icon=":material/model_training:", key="memory_train"):
            st.switch_page("pages/train_page.py")
        return
    with page_anew():
        draws = [partial(drawn_at, chosen.key, each, options) for each in steps]
        _lines(chosen, steps, _shares("step", draws, (chosen.key, options)), "step")


def some(steps: Sequence[int]) -> tuple[int, ...]:
    """At most `STEPS` of rising steps, evenly spread, the first and the last among them."""
    if len(steps) <= STEPS:
        return tuple(steps)
    return tuple(steps[round(i * (len(steps) - 1) / (STEPS - 1))] for i in range(STEPS))


@st.cache_data(show_spinner=False, max_entries=256)
def drawn_at(run_id: str, step: int, options: PageSamplingConfig) -> tuple[Sampled, ...]:
    """Names of a run's model as it was at a step."""
    kept = checkpoint(run_id)
    with draws():
        return sample(model_at(run_id, step), kept.vocabulary, options, kept.membership).names


def _shares(axis: str, draws: Sequence[Callable[[], Sequence[Sampled]]], what: object) -> Shares | None:
    """The shares in each draw; with a bar of progress, and a way to stop, if all together take longer than a moment.

    None where this visitor has stopped it: `what` says of which model and by which options.
    """
    stopped, began, waiting = f"memory {axis} stopped", time.perf_counter(), st.empty()
    if st.session_state.get(stopped) == what:
        st.button(
            "Go on", icon=":material/play_arrow:", key=f"memory_go_on_{axis}", on_click=_note, args=(stopped, None)
        )
        return None
    found: Shares = {kind: [] for kind in KINDS.values()}
    bar = None
    for done, names in enumerate(draws):
        if bar is None and time.perf_counter() - began > MOMENT:
            with waiting.container(horizontal=True, vertical_alignment="center"):
                bar = st.progress(0.0)
                st.button(
                    "Stop", icon=":material/stop:", key=f"memory_stop_{axis}", on_click=_note, args=(stopped, what)
                )
        if bar is not None:
            bar.progress(done / len(draws), "Drawing names")
        counted = Counter(each.status for each in names())
        for status, kind in KINDS.items():
            found[kind].append(counted[status] / counted.total())
    waiting.empty()
    return found


def _note(key: str, what: object) -> None:
    st.session_state[key] = what


def _lines(chosen: Trained, x: Sequence[float], found: Shares | None, axis: str) -> None:
    if found is None:
        return
    live_plot(
        share_lines(x, found, axis, chosen.family, HEIGHT), key=f"memory_by_{axis}", height=HEIGHT,
        text=shares_text(x, found, f"Shares of the names of {chosen.title} by {axis}"),
    )  # fmt: skip
