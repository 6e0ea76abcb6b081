"""The health of a run or of a trained model: who is looked at, the lights, and what stands behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import streamlit as st
import torch

from wavenames.checkpoints import Checkpoint
from wavenames.config import COUNTED, Refusal, RunConfig, conditions_of
from wavenames.figures.lights import LIGHTS, light_html
from wavenames.figures.loss import smooth, usual_smoothing
from wavenames.jobs import Snapshot
from wavenames.names import Packed
from wavenames.probes.diagnoses import Diagnosis, Losses, diagnose
from wavenames.probes.health import Health, examine
from wavenames.store import UNFINISHED
from wavenames.ui.health_charts import health_charts
from wavenames.ui.links import linked_choice
from wavenames.ui.live_run import pace_of
from wavenames.ui.session import checkpoint, find_split, run_vocabulary, scheduler, store, trained
from wavenames.ui.words import page_anew, plain, refusals_said

KEY, TO_TRAIN = "health_of", "health_to_train"
"""Keys of the chooser, and of the settings with which Train is to be opened."""
POLL = 2.5
"""Seconds between two looks at a run under way."""
EXAMINED = 256
"""Validation names on which a trained model is looked at."""
GRID, CARD = 3, 280
"""Lights beside each other on a desktop, and the least width of one in pixels."""


@dataclass(frozen=True, eq=False)
class Patient:
    """Who is looked at."""

    title: str
    run: RunConfig
    looks: tuple[tuple[int, Health], ...]
    losses: Losses
    where: str
    """On which names the looks were taken, in a sentence."""


def choose_patient() -> str:
    """A chooser over runs, those that are under way too, and trained models; gives the key of one."""
    models = {each.key: each.label for each in trained()}
    under_way = {run.id: f"{run.title} · {run.status}" for run in store().runs() if run.id not in models}
    return linked_choice(
        "Run or model", models | under_way, key=KEY, default="wavenet-m",
        explained="Runs on this server are looked at while they train; models that ship and files as they are now.",
    )  # fmt: skip


def health_view(key: str) -> None:
    """Draw the health of one of them, and go on drawing while it trains."""
    words: dict[str, str] | None = st.session_state.pop(TO_TRAIN, None)
    if words is not None:
        st.switch_page("pages/train_page.py", query_params=words)
    pace = pace_of(_status(key), POLL)
    st.fragment(_draw, run_every=pace)(key, pace=pace)


def _status(key: str) -> str | None:
    """Of a run at work or at rest; None for what only is a model."""
    return next((run.status for run in store().runs() if run.id == key), None)


def _draw(key: str, *, pace: float | None) -> None:
    if TO_TRAIN in st.session_state:
        st.rerun()  # the page leads away, not the fragment, which may be due for another drawing
    with refusals_said():  # here: what a fragment refuses does not reach the page
        _look(key, pace=pace)


def _look(key: str, *, pace: float | None) -> None:
    status = _status(key)
    if pace != pace_of(status, POLL):
        st.rerun()
    if status is None:
        who = _of_model(checkpoint(key))
    else:
        with page_anew():
            run = scheduler().snapshot(key)
        who = _of_run(run)
    if who.run.model.family in COUNTED:
        st.info(
            f"{plain(who.title)} counts letters: no layer, no gradient, nothing that could be ill. Choose another."
        )
        return
    if not who.looks:
        waits = status in UNFINISHED
        when = "The first look comes with the first evaluation." if waits else "Nobody looked at this run's health."
        st.info(when)
        return
    found = diagnose(who.run, who.looks, who.losses)
    _lights(found, who)
    health_charts(who.run.model.family, who.looks)


# ------------------------------------------------------------------------------------------------------- who it is


def _of_run(run: Snapshot) -> Patient:
    if not run.looks and run.status not in UNFINISHED and store().checkpoint_path(run.id).exists():
        return _of_model(checkpoint(run.id))  # trained before runs were looked at
    known = [value for value in run.validation.loss.tolist() if math.isfinite(value)]
    losses = Losses(
        math.log(run_vocabulary(run.id).size),
        known[0] if known and run.validation.step[0] == 0 else None,
        run.train_loss if run.train_loss is not None else _train_loss(run),
        run.validation_loss if run.validation_loss is not None else next(iter(known[-1:]), None),
        min(known, default=None),
        run.diverged,
    )
    return Patient(
        run.title, run.config, run.looks, losses, f"Looked at during training, on train names.{_latest(run)}"
    )


def _latest(run: Snapshot) -> str:
    """When the latest look was, and at which weights where the run has others now."""
    if not run.looks:
        return ""
    step = run.looks[-1][0]
    said = f" Latest look at step {step:,}"
    if not run.diverged:
        return f"{said}."
    if step == run.step:
        return f"{said}, at the weights with which it ran away; the model that was kept has those from before."
    return f"{said}: the weights with which it ended, at step {run.step:,}, are no numbers that could be looked at."


def _train_loss(run: Snapshot) -> float | None:
    """Of the batches up to the latest evaluation, smoothed: later ones are not to be held against its loss."""
    curve = run.train.loss[run.train.step <= run.validation.step[-1]] if len(run.validation.step) else run.train.loss
    return next(iter(smooth(curve, usual_smoothing(len(curve)))[-1:].tolist()), None)


def _of_model(kept: Checkpoint) -> Patient:
    results = kept.results
    looks = () if kept.run.model.family in COUNTED else ((results.steps, _examined(kept)),)
    losses = Losses(math.log(kept.vocabulary.size), None, results.train, results.validation, None)
    where = f"Looked at now, as it is, on {EXAMINED} validation names; how it got there nobody saw here."
    return Patient(kept.title, kept.run, looks, losses, where)


@lru_cache(maxsize=16)
def _examined(kept: Checkpoint) -> Health:
    """A look at a model of its own, which no other visitor asks anything meanwhile."""
    conditions = conditions_of(kept.run.model)
    parts = find_split(kept.run.data, conditions)
    labels = parts.labels.get("validation")
    names = Packed(parts.validation[:EXAMINED], kept.vocabulary, labels=None if labels is None else labels[:EXAMINED])
    return examine(kept.model(), names.batch(torch.arange(len(names))))


# ---------------------------------------------------------------------------------------------------------- lights


def _lights(found: tuple[Diagnosis, ...], who: Patient) -> None:
    counts = {light: sum(each.light == light for each in found) for light in LIGHTS}
    said = ", ".join(f"{count} {LIGHTS[light][1].lower()}" for light, count in counts.items() if count)
    st.markdown(f"**{plain(who.title)}**: {said}. {who.where}")
    with st.grid(GRID, min_column_width=CARD, gap="medium") as grid:
        for each in found:
            with grid.cell():
                st.html(light_html(each.title, each.light, each.sentence))
                if each.change is not None:
                    st.button(
                        each.change.words, icon=":material/tune:", key=f"change {each.title}",
                        on_click=_to_train, args=(who.run, each), help="Opens Train with this one setting changed.",
                    )  # fmt: skip


def _to_train(run: RunConfig, diagnosis: Diagnosis) -> None:
    """A press, noted before the fragment is drawn: that may end early, as when the run has just ended."""
    st.session_state[TO_TRAIN] = changed(run, diagnosis)


def changed(run: RunConfig, diagnosis: Diagnosis) -> dict[str, str]:
    """The words of a link to Train with the run's settings, and the one changed that the diagnosis asks for."""
    words = run.flat()
    if diagnosis.change is not None:
        words[diagnosis.change.field] = diagnosis.change.value
    try:
        return RunConfig.from_flat(words).flat()
    except Refusal:  # a file of somebody else's may hold what no preset has
        return {"preset": run.preset}
