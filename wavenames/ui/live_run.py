"""A run as it goes: progress, losses, names that take shape, the letters' map; then what can be done with it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import streamlit as st

from wavenames.comparison import target_leak
from wavenames.config import COUNTED, LIST_LIMITS, SERVER_LIMITS, Refusal, RunConfig, conditions_of
from wavenames.figures.colours import kind
from wavenames.figures.evolution import evolution_html
from wavenames.figures.letters import letters_map
from wavenames.figures.loss import LossSeries, XAxis, loss_curves, loss_text, smooth, usual_smoothing
from wavenames.jobs import Snapshot
from wavenames.probes.embeddings import Projection, project
from wavenames.ui.inside import go_inside, see_inside
from wavenames.ui.live_plot import TEXT_LINE, live_plot
from wavenames.ui.model_rows import data_in_words
from wavenames.ui.references import floor, references_said
from wavenames.ui.session import run_checkpoint, run_vocabulary, scheduler, store
from wavenames.ui.words import duration, page_anew, plain

POLL, POLL_AT_REST = ((5.0, 1.0), (10.0, 2.5), (math.inf, 5.0)), 5.0
"""(less than so many seconds of training, seconds between two looks at the run): at first all moves fast, later each
look takes time from the training that is looked at. One that is about to end is looked at as often as at first. Then
the seconds between two looks at a run that rests."""
ANCHOR = "run"
"""Where the run stands on the page, for a link that jumps there."""
MAP = 420
"""Height of the letters' map, in pixels."""
MOVING, RESTING = ("queued", "running"), ("paused", "interrupted")
ASKED = {"pause": "Pausing", "stop": "Stopping"}
"""What is said of a run at work, by what was asked of it: a step, or the last evaluation, may take a while."""
LOSS_HELP = {
    "Train": "While the run goes on: of the latest batches, smoothed, as in the chart. Once it has ended: of all "
    "train names, by the final weights; the chart still shows the batches, which came before.",
    "Validation": "Chooses between models.",
    "Test": "Measured once, at the end.",
}
X_AXES: dict[XAxis, str] = {"step": "Steps", "seconds": "Seconds of training", "names_seen": "Names seen"}


def configuration_of(run_id: str | None) -> RunConfig | None:
    """The configuration of a run that this server knows, for the controls beside it."""
    try:
        return None if run_id is None else scheduler().snapshot(run_id).config
    except Refusal:
        return None  # the place where the run would stand says why


def new_title(preset: str) -> str:
    """A title that no run has yet: the preset, numbered from the second on."""
    taken = {run.title for run in store().runs()}
    numbered = (preset if number == 1 else f"{preset} {number}" for number in itertools.count(1))
    return next(title for title in numbered if title not in taken)


def live_run(run_id: str) -> None:
    """Draw the run with this id, and go on drawing while it moves.

    Raises:
        Refusal: there is no such run on this server.
    """
    go_inside()
    pace = _pace(scheduler().snapshot(run_id))
    # Always the same fragment, so that the chart keeps its place, and with it its zoom, when the run ends.
    st.fragment(_draw, run_every=pace)(run_id, pace=pace)


def pace_of(status: str | None, moving: float) -> float | None:
    """Seconds between two looks, `moving` of a run at work.

    A run that rests can be taken up from another tab, one that has ended can't.
    """
    return moving if status in MOVING else POLL_AT_REST if status in RESTING else None


def _pace(run: Snapshot) -> float | None:
    pace = next(pace for until, pace in POLL if run.seconds < until)
    ends = (run.seconds_left is not None and run.seconds_left < pace) or _asked(run) is not None
    return pace_of(run.status, POLL[0][1] if ends else pace)


def _asked(run: Snapshot) -> str | None:
    return ASKED.get(run.wish) if run.status in MOVING else None


def _draw(run_id: str, *, pace: float | None) -> None:
    with page_anew():
        run = scheduler().snapshot(run_id)
    _progress(run)
    _buttons(run)
    if pace != _pace(run):  # after the buttons, so that no press of one is lost
        st.rerun()
    lines = references_said(run.config.data, conditions_of(run.config.model))
    lowest = floor(run.config.model, run.config.data) if lines else None
    _curves(run, lines, lowest)
    _losses(run, lowest)
    st.html(evolution_html(run.samples, fell_back=run.fell_back))
    _map(run)


def _progress(run: Snapshot) -> None:
    st.header(plain(run.title), anchor=ANCHOR)
    words = [
        "Ran away" if run.diverged else _asked(run) or run.status.capitalize(),
        f"step {run.step:,} of {run.steps:,}",
    ]
    if run.status == "running" and run.seconds_left and not _asked(run):
        if run.config.recipe.seconds is None:
            pace = (run.steps - run.step) / run.seconds_left
            words.append(f"{pace:,.0f} steps/s" if pace >= 10 else f"{pace:.1f} steps/s")
        words.append(f"{duration(run.seconds_left)} left")
    else:
        words.append(f"{duration(run.seconds)} of training")
    st.progress(min(run.step / max(run.steps, 1), 1.0), " · ".join(words))
    said = plain(run.error or run.verdict or "")
    if run.status == "failed":
        st.error(said)
    elif run.diverged:
        st.warning(said)
    elif run.status == "interrupted":
        st.info("The server stopped while this run was going. Resume takes it up where it was.")
    else:
        data = plain(data_in_words(run.config.data))
        kept = f"Learns {data}. It is kept, and the address of this page finds it again."
        st.caption(f"{said} Learned {data}." if said else kept)


def _losses(run: Snapshot, known: tuple[int, float] | None) -> None:
    """The three losses, in places that are there from the start: what is not known yet is a dash."""
    running: dict[str, list[float]] = {
        "Train": smooth(run.train.loss, usual_smoothing(len(run.train.loss)))[-1:].tolist(),
        "Validation": run.validation.loss[-1:].tolist(),
        "Test": [],
    }
    below = ""
    if known is not None:
        context, lowest = known
        below = f" No model that sees {_sight(context)} can get below {lowest:.3f} on these train names."
    final = {"Train": run.train_loss, "Validation": run.validation_loss, "Test": run.test_loss}
    places = st.container(horizontal=True, gap="small")
    for part, latest in running.items():
        loss = final[part] if final[part] is not None else next(iter(latest), None)
        help_ = f"Nats per letter on the {part.lower()} names of the {run.config.data.split} split."
        explained = f"{help_} {LOSS_HELP[part]}{below if part == 'Train' else ''}"
        places.metric(f"{part} loss", "–" if loss is None else f"{loss:.3f}", help=explained, width="content")
    if known is not None and run.train_loss is not None and (leaks := target_leak(run.train_loss, lowest, context)):
        st.warning(plain(leaks))


def _buttons(run: Snapshot) -> None:
    with st.container(horizontal=True):
        if run.status in RESTING:
            _act("Resume", ":material/play_arrow:", scheduler().resume, run.id, disabled=False)
        else:
            _act(
                "Pause",
                ":material/pause:",
                scheduler().pause,
                run.id,
                disabled=run.status not in MOVING or bool(_asked(run)),
            )
        stoppable = run.status in (*MOVING, *RESTING) and _asked(run) != ASKED["stop"]
        _act("Stop", ":material/stop:", scheduler().stop, run.id, disabled=not stoppable)
        ready = run.status in ("finished", "stopped") and store().checkpoint_path(run.id).exists()
        if st.button("Sample", icon=":material/casino:", key="to_sample", disabled=not ready):
            # Streamlit puts the new page's words behind this page's address first, and that is where "back" leads.
            st.switch_page("pages/sample_page.py", query_params={"run": run.id, "sample_model": run.id})
        see_inside(run.id, ready=ready)
        if ready:
            st.download_button(
                "Download", lambda: run_checkpoint(run.id).to_bytes(), f"{run.title}.safetensors",
                "application/octet-stream", icon=":material/download:", key="download", on_click="ignore",
            )  # fmt: skip
        else:
            st.button("Download", icon=":material/download:", key="download_later", disabled=True)
        with st.popover("Rename", icon=":material/edit:"):
            key = f"title_{run.id}"
            st.text_input(
                "Title", run.title, key=key, max_chars=SERVER_LIMITS.max_title, on_change=_rename, args=(run.id, key)
            )
            if refused := st.session_state.pop("rename_refused", None):
                st.error(plain(refused))


def _rename(run_id: str, key: str) -> None:
    """Only what was typed here renames: another tab's field may still hold an older title."""
    try:
        scheduler().rename(run_id, st.session_state[key])
    except Refusal as refusal:
        st.session_state["rename_refused"] = str(refusal)


def _act(label: str, icon: str, what: Callable[[str], None], run_id: str, *, disabled: bool) -> None:
    if st.button(label, icon=icon, key=f"run_{label.lower()}", disabled=disabled):
        try:
            what(run_id)
        except Refusal as refusal:
            st.error(plain(str(refusal)))
        else:
            st.rerun()


def _curves(run: Snapshot, lines: Mapping[str, float], known: tuple[int, float] | None) -> None:
    chart = st.container()
    x: XAxis = st.segmented_control(
        "Along the axis", list(X_AXES), format_func=X_AXES.__getitem__, default="step", key="x_axis",
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    series = LossSeries(
        label=run.title,
        family=run.config.model.family,
        split=run.config.data.split,
        train=(getattr(run.train, x), run.train.loss),
        validation=(getattr(run.validation, x), run.validation.loss),
    )
    bottom = None if known is None else (f"floor for train, {_sight(known[0])}", known[1])
    figure = loss_curves([series], lines, x, bottom)
    with chart:
        live_plot(figure, key=f"loss_{x}", height=360, text=loss_text([series], lines, bottom))


def _map(run: Snapshot) -> None:
    if not run.frames:
        if run.config.model.family in COUNTED:
            st.caption("This model keeps no vectors for its letters.")
        else:
            with st.container(height=MAP + TEXT_LINE, border=False):
                st.caption("The letters' map appears with the first evaluation.")
        return
    try:
        letters = run_vocabulary(run.id).symbols
    except Refusal as refusal:
        st.caption(plain(f"Without the letters' map. {refusal}"))
        return
    step, vectors = run.frames[-1]
    when = "with the best weights" if run.fell_back else f"at step {step:,}"
    latest = _steady(run.id, step, vectors)
    figure = letters_map(
        latest.points,
        letters,
        [kind(letter) for letter in letters],
        latest.explained,
    ).update_layout(uirevision=run.id)  # another run's letters lie elsewhere
    live_plot(figure, key="letters", height=MAP, text=f"The letters' map {when}, {latest.explained}")


def _steady(run_id: str, step: int, vectors: npt.NDArray[np.float32]) -> Projection:
    """The letters in the plane, which moves on from the one that this visitor saw last, and does not jump."""
    seen: tuple[str, int, Projection] | None = st.session_state.get("letters of the run")
    if seen is not None and seen[:2] == (run_id, step):
        return seen[2]
    latest = project(vectors, after=seen[2] if seen is not None and seen[0] == run_id else None)
    st.session_state["letters of the run"] = (run_id, step, latest)
    return latest


def _sight(context: int) -> str:
    """How much of a name a model sees."""
    return "all letters" if context > LIST_LIMITS.max_length else f"{context} letter{'s' * (context > 1)}"
