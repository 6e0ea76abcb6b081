"""The letters of a trained model in the plane, their way there through training, and who is whose neighbour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from wavenames.config import conditions_of
from wavenames.figures.colours import kind, shown
from wavenames.figures.letters import letters_map
from wavenames.figures.loss import LossSeries
from wavenames.figures.motion import letters_in_motion
from wavenames.jobs import Snapshot
from wavenames.probes.embeddings import Projection, follow, neighbours, project
from wavenames.ui.links import linked_pick
from wavenames.ui.live_plot import Frame, live_plot
from wavenames.ui.references import references_said
from wavenames.ui.session import Trained, checkpoint, model, scheduler, store
from wavenames.ui.words import plain

STILL, MOVING = 460, 620
"""Heights of the map alone, and of the map under the loss, in pixels."""
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Journey:
    """Where the letters were at each kept step of a run, turned so that the picture does not spin."""

    steps: tuple[int, ...]
    frames: tuple[Projection, ...]
    start: Vectors
    """The letters' vectors (V, E) at the first of the steps."""


@st.cache_data(show_spinner=False, max_entries=16)
def path_of(run_id: str) -> Journey | None:
    """The path of a finished run; None for a model that was not trained on this server."""
    kept = store().frames(run_id)
    if not kept:
        return None
    frames = tuple(follow([vectors for _, vectors in kept]))
    return Journey(tuple(step for step, _ in kept), frames, kept[0][1])


def letters_view(chosen: Trained, key: str) -> None:
    """The map of one model, in motion where its training was seen, and the neighbours of one letter."""
    vectors = model(chosen.key).letter_vectors
    if vectors is None:
        st.info(f"{plain(chosen.title)} counts letters and keeps no vectors for them. Choose a neural model.")
        return
    path = path_of(chosen.key)
    if path is not None and len(path.steps) > 1:
        _motion(chosen, path, key)
        _neighbours(chosen, {"At the start": path.start, "At the end": vectors.numpy()}, key)
        return
    _map(chosen, project(vectors.numpy()), key)
    if path is None:
        way = "This model was not trained on this server, so its way here is not known; your own runs keep theirs."
    else:
        way = "This run was looked at only once, so there is no way here to play back."
    st.caption(way)
    _neighbours(chosen, {"Letter": vectors.numpy()}, key)


def run_loss(run: Snapshot) -> LossSeries:
    """The losses of a run against its steps."""
    return LossSeries(
        label=run.title,
        family=run.config.model.family,
        split=run.config.data.split,
        train=(run.train.step, run.train.loss),
        validation=(run.validation.step, run.validation.loss),
    )


def letters_text(projection: Projection, letters: list[str]) -> str:
    """A map of the letters in words."""
    places = zip(letters, projection.points, strict=True)
    return "\n".join([projection.explained, *(f"{shown(letter)}: {x:.2f}, {y:.2f}" for letter, (x, y) in places)])


def _motion(chosen: Trained, path: Journey, key: str) -> None:
    run, letters = scheduler().snapshot(chosen.key), list(checkpoint(chosen.key).vocabulary.symbols)
    figure, changes = letters_in_motion(
        run_loss(run),
        references_said(run.config.data, conditions_of(run.config.model)),
        path.steps,
        [each.points for each in path.frames],
        letters=letters,
        kinds=[kind(letter) for letter in letters],
        explained=path.frames[-1].explained,
    )
    moments, where = [f"step {step:,}" for step in path.steps], [f"at step {step:,}" for step in path.steps]
    if run.fell_back:
        moments[-1], where[-1] = "best weights", "with the best weights"
    texts = [
        f"Letters of {chosen.title} {place}, {letters_text(projection, letters)}"
        for place, projection in zip(where, path.frames, strict=True)
    ]
    frames = [Frame(*each) for each in zip(moments, changes, texts, strict=True)]
    live_plot(figure, key=f"{key}_motion", height=MOVING, text=texts[-1], frames=frames)


def _map(chosen: Trained, projection: Projection, key: str) -> None:
    letters = list(checkpoint(chosen.key).vocabulary.symbols)
    figure = letters_map(projection.points, letters, [kind(letter) for letter in letters], projection.explained)
    figure.update_layout(uirevision=chosen.key)  # another model's letters lie elsewhere
    text = f"Letters of {chosen.title} as trained, {letters_text(projection, letters)}"
    live_plot(figure, key=f"{key}_map", height=STILL, text=text)


def _neighbours(chosen: Trained, moments: dict[str, np.ndarray], key: str) -> None:
    """The letters nearest to one that is chosen; at two moments, side by side."""
    letters = list(checkpoint(chosen.key).vocabulary.symbols)
    titles = {one: "end mark" if one == "." else one for one in letters}
    letter = linked_pick(
        "Nearest neighbours of", titles, key=f"{key}_letter", default=letters[1],
        explained="The letter, or the end mark, whose vector is held against those of all others.",
    )  # fmt: skip
    st.caption("Letters whose vectors point the same way: the model treats them alike.")
    table, columns = pd.DataFrame(), {}
    widths = (None, None) if len(moments) == 1 else (85, 95)  # both moments fit on a phone
    for place, (moment, vectors) in enumerate(moments.items()):
        nearest = neighbours(vectors, letters, letter)
        likeness = "Likeness" + " " * place  # a table's columns have names of their own
        table[moment] = [shown(each.letter) for each in nearest]
        table[likeness] = [each.likeness for each in nearest]
        columns[moment] = st.column_config.TextColumn(width=widths[0])
        columns[likeness] = st.column_config.ProgressColumn(
            "Likeness", min_value=0, max_value=1, format="%.2f", width=widths[1],
            help="Cosine of the angle between the two vectors",
        )  # fmt: skip
    st.dataframe(table, hide_index=True, width="stretch", column_config=columns)
