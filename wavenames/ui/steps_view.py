"""A run through its steps: names by the same dice, a name letter by letter, the letters' map and the loss at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
import streamlit as st

from wavenames.config import Refusal, RunConfig, SamplingConfig, conditions_of
from wavenames.figures.colours import kind
from wavenames.figures.moment import moment_html, moment_text
from wavenames.figures.motion import letters_in_motion
from wavenames.jobs import Snapshot
from wavenames.jobs.work import SLOTS as DRAWN
from wavenames.names import Vocabulary
from wavenames.probes.embeddings import Projection, follow
from wavenames.probes.surprisal import Surprisal, surprisal
from wavenames.sampling import sample
from wavenames.store import Run
from wavenames.ui.letters_view import run_loss
from wavenames.ui.links import linked_choice
from wavenames.ui.live_plot import Frame, live_plot
from wavenames.ui.live_run import MOVING, new_title, pace_of
from wavenames.ui.name_rows import scale_html
from wavenames.ui.references import references_said
from wavenames.ui.session import checkpoint, model, model_at, run_vocabulary, scheduler, store, untrained
from wavenames.ui.spreadsheet import csv_text
from wavenames.ui.typed import as_known, example_name, name_box
from wavenames.ui.words import page_anew, plain

RUN, NAME, PACE = "steps_run", "steps_name", "steps_pace"
SLOTS = [f"name {slot}" for slot in range(1, DRAWN + 1)]
FIRST_NAME = "isabella"
SHIPPED = "wavenet-m"
"""The model whose two ends stand here while no run has been trained."""
QUICK = {"preset": "quick", "evaluate_every": "10"}
"""A run of some seconds, looked at often."""
POLL = 1.5
"""Seconds between two looks at a run that goes on."""
HEIGHT = 560
"""Of the loss and the map under it, in pixels."""
NO_HISTORY = "Models that ship come without their history; a run of yours keeps its steps."


def runs_with_steps() -> dict[str, str]:
    """Labels by id of the runs that keep any step, or will, the newest first."""
    runs = [run for run in store().runs() if run.status in MOVING or store().weights_steps(run.id)]
    return {run.id: f"{run.title} · {_state(run)}" for run in runs}


def _state(run: Run) -> str:
    if run.validation is not None:
        return f"{run.validation:.3f}"
    return "in training" if run.status in MOVING else run.status


def first_run() -> None:
    """No run yet: the two ends of a model that ships, and the way to see what lies between."""
    st.info(f"{NO_HISTORY} Here are the two ends of {SHIPPED}; train a run to see what lies between.")
    st.button(
        "Train a quick run", type="primary", icon=":material/model_training:", key="steps_train", on_click=_train
    )
    if refused := st.session_state.pop("steps_refused", None):
        st.error(plain(refused))
    kept, (start, vocabulary) = checkpoint(SHIPPED), untrained()
    ends = {"Before its first step": (start, vocabulary), "As it ships": (model(SHIPPED), kept.vocabulary)}
    options = SamplingConfig(n=DRAWN, seed=1)
    before = None
    for place, (heading, (network, letters)) in zip(st.columns(2, gap="large"), ends.items(), strict=True):
        names = [each.name for each in sample(network, letters, options, kept.membership).names]
        place.html(moment_html(heading, names, before, *_tiles(surprisal(network, letters, FIRST_NAME))))
        before = names
    st.html(scale_html(math.log(vocabulary.size)))


def _train() -> None:
    try:
        config = RunConfig.from_flat(QUICK)
        st.session_state[RUN] = scheduler().submit(config, new_title(config.preset))
    except Refusal as refusal:
        st.session_state["steps_refused"] = str(refusal)


def steps_view() -> None:
    """The run, the name, and all that moves. A run that goes on, or may, is looked at again and again."""
    st.fragment(_draw, run_every=st.session_state.get(PACE))()


def _draw() -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        runs = runs_with_steps()
        if not runs:
            st.rerun()
        run_id = linked_choice("Run", runs, key=RUN, explained=f"Runs of this server. {NO_HISTORY}")
    with page_anew():
        run, vocabulary = scheduler().snapshot(run_id), run_vocabulary(run_id)
        if (pace := pace_of(run.status, POLL)) != st.session_state.get(PACE):
            st.session_state[PACE] = pace
            st.rerun()
        with right:
            name = _name(run, vocabulary)
        looks = _looks(run)
        readings = [_reading(look, vocabulary, name) for look in looks]
        path = _path(looks)
        if not looks:
            store().run(run_id)  # refuses one that was deleted since
    if not looks:
        st.caption("The first names come in a moment.")
        return
    _play(run, list(vocabulary.symbols), list(zip(looks, readings, strict=True)), path)
    st.html(scale_html(math.log(vocabulary.size)))
    st.download_button(
        "Names and surprisals", lambda: csv_text(_table(looks, readings), *SLOTS), f"{run.title}-steps.csv",
        "text/csv", icon=":material/download:", key="steps_csv", on_click="ignore",
    )  # fmt: skip


def _name(run: Snapshot, vocabulary: Vocabulary) -> str:
    """The name that is typed; one that can't be read leaves the last one standing."""
    example = example_name(FIRST_NAME, run.config.data.names, vocabulary)
    typed = name_box("Your name", example, key=NAME)
    read = f"{NAME} read of {run.id}"
    try:
        st.session_state[read] = as_known(typed, vocabulary)
    except Refusal as refusal:
        st.error(plain(str(refusal)))
    name: str = st.session_state.get(read, example)
    return name


@dataclass(frozen=True)
class Look:
    """A run at a step that is kept. Its loss and names tell it from the same step of a run that was taken up anew."""

    run: str
    step: int
    validation: float | None
    names: tuple[str, ...]
    best: bool
    """Whether its weights are not those of this step but the best until then, with which the run ended."""


def _looks(run: Snapshot) -> tuple[Look, ...]:
    """The steps whose weights are kept, and what the run showed there."""
    shown = dict(run.samples)
    losses: dict[int, float | None] = dict(
        zip(run.validation.step.tolist(), run.validation.loss.tolist(), strict=True)
    )
    steps = [step for step in store().weights_steps(run.id) if step in shown]
    ended = run.step if run.fell_back else None
    losses |= {} if ended is None else {ended: run.validation_loss}
    return tuple(Look(run.id, step, losses.get(step), shown[step], step == ended) for step in steps)


@lru_cache(maxsize=512)
def _reading(look: Look, vocabulary: Vocabulary, name: str) -> Surprisal:
    return surprisal(model_at(look.run, look.step), vocabulary, name)


@lru_cache(maxsize=16)
def _path(looks: tuple[Look, ...]) -> list[Projection]:
    """Where the letters lie at each step; empty for a model that keeps no vectors."""
    vectors = [model_at(look.run, look.step).letter_vectors for look in looks]
    known = [each.numpy() for each in vectors if each is not None]
    return follow(known) if known else []


def _play(
    run: Snapshot, letters: Sequence[str], moments: Sequence[tuple[Look, Surprisal]], path: Sequence[Projection]
) -> None:
    figure, changes = letters_in_motion(
        run_loss(run),
        references_said(run.config.data, conditions_of(run.config.model)),
        [look.step for look, _ in moments],
        [each.points for each in path],
        letters=letters,
        kinds=[kind(letter) for letter in letters],
        explained=path[-1].explained if path else "",
    )
    frames, before = [], None
    for (look, reading), traces in zip(moments, changes, strict=True):
        loss = "" if look.validation is None else f", validation loss {look.validation:.3f}"
        what = f"Kept at step {look.step:,}: the best weights until then" if look.best else f"Step {look.step:,}"
        heading, tiles = f"{what}{loss} on the {run.config.data.split} split", _tiles(reading)
        text = f"{run.title}: {moment_text(heading, look.names, *tiles)}"
        frames.append(
            Frame(
                "best weights" if look.best else f"step {look.step:,}",
                traces,
                text,
                moment_html(heading, look.names, before, *tiles),
            )
        )
        before = look.names
    key = f"steps_{run.id.encode().hex()}"  # an id may hold "__", which no key of a component may
    live_plot(figure, key=key, height=HEIGHT, text=frames[-1].text, frames=frames)
    if not path:
        st.caption("This model keeps no vectors for its letters, so there is no map of them.")


def _tiles(reading: Surprisal) -> tuple[list[str], list[float]]:
    return [place.letter for place in reading.places], [-place.log_probability for place in reading.places]


def _table(looks: Sequence[Look], readings: Sequence[Surprisal]) -> pd.DataFrame:
    """A row a step: its loss, its names, and what each letter of the typed name cost."""
    rows = []
    for look, reading in zip(looks, readings, strict=True):
        weights = "best until then" if look.best else "of this step"
        row: dict[str, object] = {"step": look.step, "weights": weights, "validation": look.validation}
        row |= zip(SLOTS, look.names, strict=True)
        for place, (letter, nats) in enumerate(zip(*_tiles(reading), strict=True), 1):
            row[f"letter {place} {letter}"] = nats
        rows.append(row)
    return pd.DataFrame(rows)
