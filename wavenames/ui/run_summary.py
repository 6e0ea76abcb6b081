"""What a choice of model and recipe comes to, before it is trained: size, reach, time here, layer by layer."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from wavenames.config import RunConfig
from wavenames.models import build, layer_shapes
from wavenames.names import Packed, Vocabulary
from wavenames.training import seconds_a_step
from wavenames.ui.live_run import duration
from wavenames.ui.session import find_list, find_split


@st.cache_data(show_spinner=False, max_entries=256)
def time_of(run: RunConfig) -> float:
    """Seconds that the steps of `run` take on this machine now, from a few tried out; validations come on top."""
    vocabulary = _vocabulary(run)
    names = Packed(find_split(run.data).train[:5000], vocabulary)
    return run.recipe.steps * seconds_a_step(build(run.model, vocabulary.size, seed=0), names, run.recipe)


def run_summary(run: RunConfig) -> None:
    """One line of figures and the table of layers.

    Raises:
        Refusal: the model is larger than one server takes on, or the list is unknown or too short.
    """
    model = build(run.model, _vocabulary(run).size)
    seconds = min(time_of(run), run.recipe.seconds or float("inf"))
    st.markdown(
        f"**{model.parameter_count:,}** parameters · sees **{model.receptive_field}** letters · "
        f"**{duration(max(seconds, 1))}** here",
        help="Numbers that training sets; letters that can matter for the next one (the receptive field); the time "
        "that the steps take on this machine, as busy as it is now.",
    )
    with st.expander("Layer by layer"):
        table = pd.DataFrame([(s.name, s.shape, s.parameters) for s in layer_shapes(model)])
        table.columns = ["Layer", "Shape out, N letters", "Parameters"]
        st.dataframe(table, hide_index=True, width="stretch")


def _vocabulary(run: RunConfig) -> Vocabulary:
    return Vocabulary.of(find_list(run.data.names).names)
