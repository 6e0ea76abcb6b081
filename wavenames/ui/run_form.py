"""The choices of a run as controls: presets first, everything else one fold away, all of it in the link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from wavenames.config import (
    MODEL_CONFIGS,
    PRESETS,
    RECIPES,
    DataConfig,
    RecipeConfig,
    RunConfig,
    Settings,
    flat_fields,
    starting_recipe,
)
from wavenames.names import NameList
from wavenames.ui.controls import setting
from wavenames.ui.links import possible, to_be_read, write_words
from wavenames.ui.name_lists import admit, choose_list
from wavenames.ui.session import find_list
from wavenames.ui.words import plain

RECIPE_LINES = {
    "count": "One look at every name.",
    "notebook": "Full passes in order, 512 windows a step, plain SGD.",
    "lecture": "32 random windows a step, SGD at 0.1, then 0.01.",
    "modern": "Large batches, warm-up and decay: the best way down.",
    "quick": "Whole names, Muon: most of the way down in seconds.",
}
FIELDS = (
    "preset", "recipe", "seed", "split", "split_seed", *flat_fields(RecipeConfig),
    *dict.fromkeys(name for cls in MODEL_CONFIGS.values() for name in flat_fields(cls)),
)  # fmt: skip
"""What this form keeps in the link, under the names of the configuration. The chooser of the list keeps its own."""
FIRST = ("steps", "seconds")
"""What of the recipe stands outside the fold."""


def run_form(shown: RunConfig | None) -> RunConfig:
    """Draw the controls and give what they say, checked. `shown` is the run beside them, if there is one.

    Each preset, and each recipe with it, has controls of its own: a browser sends a control's old value along when
    the next one of the same key has already taken its place.

    Raises:
        Refusal: one control is out of bounds; the others keep what they hold.
    """
    if to_be_read("run form"):
        _fill(shown)
    left, right = st.columns([3, 2])
    preset = left.selectbox("Model", list(PRESETS), index=_USUAL, key="preset", persist_state="session")
    usual = PRESETS[preset]
    recipes = ["count"] if usual.recipe == "count" else [name for name in RECIPES if name != "count"]
    recipe = right.selectbox(
        "Recipe", recipes, index=recipes.index(usual.recipe), key=_key("recipe", preset), persist_state="session",
        help="  \n".join(f"{name}: {RECIPE_LINES[name]}" for name in recipes),
    )  # fmt: skip
    st.caption(f"{usual.description} {RECIPE_LINES[recipe]}")
    words: dict[str, Any] = {"preset": preset, "recipe": recipe}
    model, training = (usual.model, preset, ""), (starting_recipe(preset, recipe), preset, recipe)
    counted = recipe == "count"
    if not counted:
        words |= _settings(*training, FIRST)
    words["names"] = choose_list("Names", "Other lists are uploaded on the Names page.")
    with st.expander("All settings"):
        st.markdown("**Model**")
        words |= _settings(*model, [name for name in flat_fields(type(usual.model)) if name != "conditions"])
        if "conditions" in flat_fields(type(usual.model)):
            words |= _conditions(usual.model, preset, find_list(words["names"]))
        if not counted:
            st.markdown("**Training**")
            told = words.get("conditions", "none") != "none"
            hidden = FIRST if told else (*FIRST, "label_dropout")
            words |= _settings(*training, [name for name in flat_fields(RecipeConfig) if name not in hidden])
        st.markdown("**Data and dice**")
        words |= _settings(DataConfig(), "", "", ("split", "split_seed"))
        words["seed"] = setting(RunConfig, "seed", 1, key="seed")
    config = RunConfig.from_flat(words)
    _write_link(config)
    return config


_USUAL = list(PRESETS).index(RunConfig().preset)


def _settings(defaults: Settings, preset: str, recipe: str, names: Sequence[str]) -> dict[str, Any]:
    values = {}
    with st.grid(2, min_column_width=135) as grid:
        for name in names:
            key = _key(name, preset, recipe)
            with grid.cell():
                values[name] = setting(type(defaults), name, getattr(defaults, name), key=key)
    return values


def _conditions(model: Settings, preset: str, names: NameList) -> dict[str, Any]:
    """What the model is told, with what the list knows under it."""
    usual = getattr(model, "conditions", "none")
    chosen = setting(type(model), "conditions", usual, key=_key("conditions", preset))
    known = f"the {' and the '.join(names.labels)} of each name" if names.labels else "nothing but the names"
    st.caption(f"{plain(names.title)}: this list knows {known}.")
    return {"conditions": chosen}


def _key(name: str, preset: str = "", recipe: str = "") -> str:
    """The key of a control: one for each preset, and for each recipe with it, where the setting belongs to them."""
    return " ".join(filter(None, (name, preset, recipe)))


def _fill(shown: RunConfig | None) -> None:
    """Set the controls to what the link asks for: in its own words, or as the run was that it names."""
    words = {name: st.query_params[name] for name in FIELDS if name in st.query_params}
    config = possible(words, RunConfig.from_flat) if words else shown
    if config is None:
        return
    if not words:
        admit(config.data.names)
    st.session_state["preset"] = config.preset
    st.session_state[_key("recipe", config.preset)] = config.recipe.recipe
    st.session_state["seed"] = config.seed
    for part, preset, recipe in (
        (config.model, config.preset, ""),
        (config.recipe, config.preset, config.recipe.recipe),
        (config.data, "", ""),
    ):
        for name in flat_fields(type(part)):
            value = getattr(part, name)
            known = ",".join(map(str, value)) if isinstance(value, tuple) else value
            if name != "names" or not words:
                st.session_state[_key(name, preset, recipe)] = known


def _write_link(config: RunConfig) -> None:
    words = config.flat()
    if config.preset == RunConfig().preset:
        del words["preset"]
    write_words(words, FIELDS)
