"""What a choice of model and recipe comes to, before it is trained: size, reach, time here, layer by layer."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from wavenames.config import LIST_LIMITS, RECIPES, DataConfig, ModelConfig, RecipeConfig, RunConfig, conditions_of
from wavenames.models import build, layer_shapes
from wavenames.names import Packed, Vocabulary
from wavenames.training import seconds_a_step
from wavenames.ui.session import find_list, find_split
from wavenames.ui.words import duration

TRIED = 256
"""Names, or targets, in the step that is tried out; larger batches are reckoned from it."""
HEIGHT = 380
"""Of the table of layers, in pixels."""


@st.cache_data(show_spinner=False, max_entries=256, ttl=600)
def seconds_of_a_step(model: ModelConfig, recipe: RecipeConfig, data: DataConfig) -> float:
    """How long one step takes on this machine, tried out within the last ten minutes."""
    names = find_split(data).train[:5000]
    vocabulary = Vocabulary.of(find_list(data.names).names)
    tried = recipe.changed(batch_size=min(recipe.batch_size, TRIED))
    seconds = seconds_a_step(build(model, vocabulary.size, seed=0), Packed(names, vocabulary), tried)
    return seconds * recipe.batch_size / tried.batch_size


def run_summary(run: RunConfig) -> None:
    """One line of figures and the table of layers.

    Raises:
        Refusal: the model is larger than one server takes on, or the list is unknown, too short, or does not know
            what the model is to be told.
    """
    find_list(run.data.names).check_knows(conditions_of(run.model))
    model = build(run.model, _vocabulary(run).size)
    # Of the recipe and the data, only what a step's time depends on: other changes need no new try.
    recipe = RECIPES[run.recipe.recipe].changed(
        batching=run.recipe.batching, batch_size=run.recipe.batch_size, optimiser=run.recipe.optimiser
    )
    a_step = seconds_of_a_step(run.model, recipe, DataConfig(names=run.data.names))
    seconds = min(run.recipe.steps * a_step, run.recipe.seconds or float("inf"))
    # A model that counts runs of letters holds as many numbers as the list has runs: none before it has looked.
    size = f"**{model.parameter_count:,}** parameters" if model.parameter_count else "**counts** of letters"
    reach = "all" if model.receptive_field > LIST_LIMITS.max_length else model.receptive_field
    letters = "letter" if reach == 1 else "letters"
    st.markdown(
        f":small[{size} · sees **{reach}** {letters} · **{duration(max(seconds, 1))}** here]",
        help="Numbers that training sets; letters that can matter for the next one (the receptive field); the time "
        "that the steps take on this machine when nothing else trains.",
    )
    with st.expander("Layer by layer"):
        table = pd.DataFrame([(s.name, s.shape, s.parameters) for s in layer_shapes(model)])
        table.columns = ["Layer", "Shape out, N letters", "Parameters"]
        with st.container(height=HEIGHT, border=False):
            # Its cells go on below, so that all three columns are in sight.
            st.table(
                table.style.format(thousands=","), border="horizontal", hide_index=True,
                alt="The model's layers, the first on top",
            )  # fmt: skip


def _vocabulary(run: RunConfig) -> Vocabulary:
    return Vocabulary.of(find_list(run.data.names).names)
