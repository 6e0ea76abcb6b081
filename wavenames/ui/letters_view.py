"""The letters of a trained model in the plane, their neighbours, and their way there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from wavenames.figures.colours import kind, shown
from wavenames.figures.letters import Limits, letters_map, limits_of
from wavenames.probes.embeddings import Projection, follow, neighbours, project
from wavenames.ui.live_plot import live_plot
from wavenames.ui.session import Trained, checkpoint, model, store
from wavenames.ui.words import page_anew, plain

TICK = 0.35
"""Seconds for which a frame stands while the playback runs."""


@dataclass(frozen=True)
class Journey:
    """Where the letters were at each kept step of a run, turned so that the picture does not spin."""

    steps: tuple[int, ...]
    frames: tuple[Projection, ...]
    limits: Limits


@st.cache_data(show_spinner=False, max_entries=16)
def path_of(run_id: str) -> Journey | None:
    """The path of a finished run; None for a model that was not trained on this server."""
    kept = store().frames(run_id)
    if not kept:
        return None
    frames = tuple(follow([vectors for _, vectors in kept]))
    return Journey(tuple(step for step, _ in kept), frames, limits_of([frame.points for frame in frames]))


def letters_view(chosen: Trained, key: str) -> None:
    """The map of one model, with a playback where its training was seen, and the neighbours of one letter."""
    vectors = model(chosen.key).letter_vectors
    if vectors is None:
        st.info(f"{plain(chosen.title)} counts letters and keeps no vectors for them. Choose a neural model.")
        return
    path = path_of(chosen.key)
    if path is not None and len(path.steps) > 1:
        _playback(chosen, path, key)
    else:
        projection = project(vectors.numpy())
        _map(chosen, projection, limits_of([projection.points]), key, "as trained")
        if path is None:
            way = (
                "This model was not trained on this server, so its way here is not known; your own runs keep theirs."
            )
        else:
            way = "This run was looked at only once, so there is no way here to play back."
        st.caption(way)
    _neighbours(chosen, vectors.numpy(), key)


def _playback(chosen: Trained, path: Journey, key: str) -> None:
    playing = st.session_state.get(f"{key}_playing", False)

    def frame() -> None:
        at = st.session_state.get(f"{key}_frame", path.steps[-1])
        index = path.steps.index(at) if at in path.steps else len(path.steps) - 1
        if st.session_state.get(f"{key}_playing"):
            index = (index + 1) % len(path.steps)
            st.session_state[f"{key}_frame"] = path.steps[index]
            st.session_state[f"{key}_playing"] = index < len(path.steps) - 1
        at = st.select_slider(
            "Step",
            path.steps,
            value=None if f"{key}_frame" in st.session_state else path.steps[-1],
            key=f"{key}_frame",
        )
        with page_anew():
            _map(chosen, path.frames[path.steps.index(at)], path.limits, key, f"at step {at:,}")
        label, icon = ("Pause", ":material/pause:") if playing else ("Play", ":material/play_arrow:")
        if st.button(label, icon=icon, key=f"{key}_play"):
            st.session_state[f"{key}_playing"] = not playing
            if not playing and at == path.steps[-1]:
                st.session_state[f"{key}_restart"] = True
            st.rerun()
        if playing and not st.session_state[f"{key}_playing"]:
            st.rerun()

    if st.session_state.pop(f"{key}_restart", False):
        st.session_state[f"{key}_frame"] = path.steps[0]
    st.fragment(frame, run_every=TICK if playing else None)()


def _map(chosen: Trained, projection: Projection, limits: Limits, key: str, when: str) -> None:
    letters = list(checkpoint(chosen.key).vocabulary.symbols)
    figure = letters_map(
        projection.points, letters, [kind(letter) for letter in letters], projection.explained, limits=limits
    )
    words = "\n".join(
        f"{shown(letter)}: {x:.2f}, {y:.2f}" for letter, (x, y) in zip(letters, projection.points, strict=True)
    )
    live_plot(
        figure,
        key=f"{key}_map",
        height=460,
        text=f"Letters of {chosen.title} {when}, {projection.explained}\n{words}",
    )


def _neighbours(chosen: Trained, vectors: np.ndarray, key: str) -> None:
    letters = list(checkpoint(chosen.key).vocabulary.symbols)
    letter = st.selectbox(
        "Nearest neighbours of", letters, index=1, format_func=lambda one: "end mark" if one == "." else one,
        key=f"{key}_letter", help="Letters whose vectors point the same way: the model treats them alike.",
    )  # fmt: skip
    nearest = neighbours(vectors, letters, letter)
    table = pd.DataFrame([(shown(each.letter), each.likeness) for each in nearest], columns=["Letter", "Likeness"])
    st.dataframe(
        table, hide_index=True, width="stretch",
        column_config={"Likeness": st.column_config.ProgressColumn(min_value=-1, max_value=1, format="%.2f",
                       help="Cosine of the angle between the two vectors")},
    )  # fmt: skip
