"""How much a model repeats as it is drawn warmer, and as it learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from wavenames.checkpoints import Checkpoint, shipped
from wavenames.config import PageSamplingConfig
from wavenames.figures.memory import share_lines, shares_text
from wavenames.names import Status
from wavenames.sampling import Sampled, sample
from wavenames.ui.at_work import AtWork
from wavenames.ui.live_plot import live_plot
from wavenames.ui.memory_view import drawn
from wavenames.ui.session import Trained, checkpoint, draws, model_at, scheduler, store, uploaded
from wavenames.ui.words import page_anew

TEMPERATURES = tuple(tenth / 10 for tenth in range(5, 16))
STEPS = 12
"""Steps of a run that are looked at."""
KINDS: dict[Status, str] = {"train": "in train", "held_out": "held out", "new": "new"}
HEIGHT = 320
Shares = dict[str, list[float]]
"""The share of each kind of name, place by place along an axis."""


def by_temperature(chosen: Trained, kept: Checkpoint, options: PageSamplingConfig, work: AtWork) -> None:
    """The same dice at each temperature."""
    st.markdown("**With temperature**, by the same dice")
    warmer = [options.changed(temperature=each) for each in TEMPERATURES]
    draws = [partial(drawn, chosen.key, kept.results.steps, each) for each in warmer]
    _lines(chosen, TEMPERATURES, draws, "temperature", work)


def kept_steps(key: str) -> tuple[int, ...]:
    """Steps of a run of this server at which its model is looked at; none of a model from elsewhere."""
    return () if key in shipped() or key in uploaded() else some(store().weights_steps(key))


def through_training(chosen: Trained, steps: Sequence[int], options: PageSamplingConfig, work: AtWork) -> None:
    """The same dice at steps of a run whose weights are kept."""
    st.markdown("**Through training**, by the same dice")
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
        note = ""
        if scheduler().snapshot(chosen.key).fell_back:
            note = f"At step {steps[-1]:,} stand the weights that the run kept, the best until then."
        _lines(chosen, steps, draws, "step", work, note=note)


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


def _lines(
    chosen: Trained,
    x: Sequence[float],
    draws: Sequence[Callable[[], Sequence[Sampled]]],
    axis: str,
    work: AtWork,
    *,
    note: str = "",
) -> None:
    """The share of each kind of name in each draw, as far as it is done; under it what is to be noted of it."""
    found: Shares = {kind: [] for kind in KINDS.values()}
    for place, draw in zip(x, draws, strict=True):
        names = work.do(f"Drawing names: {axis} {place:g}", draw)
        if names is None:
            break
        counted = Counter(each.status for each in names)
        for status, kind in KINDS.items():
            found[kind].append(counted[status] / counted.total())
    done = x[: len(next(iter(found.values())))]
    if not done:
        st.caption("Not drawn yet.")
        return
    figure = share_lines(done, found, axis, chosen.family, HEIGHT)
    if len(done) < len(x):
        figure.update_xaxes(range=[x[0], x[-1]])  # so that nothing moves when the rest comes
    live_plot(
        figure, key=f"memory_by_{axis}", height=HEIGHT,
        text=shares_text(done, found, f"Shares of the names of {chosen.title} by {axis}{note and f'. {note}'}"),
    )  # fmt: skip
    if note:
        st.caption(note)
