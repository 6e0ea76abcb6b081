"""The choices of a run as controls: presets first, everything else one fold away, all of it in the link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from wavenames.config import (
    COUNTED,
    MODEL_CONFIGS,
    PRESETS,
    RECIPES,
    DataConfig,
    RecipeConfig,
    Refusal,
    RunConfig,
    Settings,
    flat_fields,
)
from wavenames.ui.controls import setting
from wavenames.ui.name_lists import choose_list
from wavenames.ui.words import plain

RECIPE_LINES = {
    "count": "One look at every name.",
    "notebook": "Full passes in order, 512 windows a step, plain SGD.",
    "lecture": "32 random windows a step, SGD at 0.1, then 0.01.",
    "modern": "Whole names, AdamW, warm-up and decay: the fastest way down.",
}
MODEL_FIELDS = tuple(dict.fromkeys(name for cls in MODEL_CONFIGS.values() for name in flat_fields(cls)))
FIELDS = ("preset", "recipe", *MODEL_FIELDS, *flat_fields(RecipeConfig), *flat_fields(DataConfig), "seed")
"""Every key of this form, which is also its name in the link."""
FIRST = ("steps", "seconds")
"""What of the recipe stands outside the fold."""


def run_form() -> RunConfig:
    """Draw the controls and give what they say, checked.

    Raises:
        Refusal: one control is out of bounds; the others keep what they hold.
    """
    _check_link_once()
    left, right = st.columns([3, 2])
    preset = left.selectbox(
        "Model", list(PRESETS), index=list(PRESETS).index(RunConfig().preset), key="preset", bind="query-params",
        on_change=_forget, args=(("recipe", *MODEL_FIELDS, *flat_fields(RecipeConfig)),),
    )  # fmt: skip
    recipes = ["count"] if PRESETS[preset].model.family in COUNTED else [name for name in RECIPES if name != "count"]
    recipe = right.selectbox(
        "Recipe", recipes, index=recipes.index(PRESETS[preset].recipe), key="recipe", bind="query-params",
        on_change=_forget, args=(flat_fields(RecipeConfig),),
        help="  \n".join(f"{name}: {RECIPE_LINES[name]}" for name in recipes),
    )  # fmt: skip
    st.caption(f"{PRESETS[preset].description} {RECIPE_LINES[recipe]}")
    words: dict[str, Any] = {"preset": preset, "recipe": recipe}
    counted = recipe == "count"
    if not counted:
        words |= _settings(RECIPES[recipe], FIRST, columns=2)
    words["names"] = choose_list("Names", "Other lists are uploaded on the Names page.")
    with st.expander("All settings"):
        st.markdown("**Model**")
        words |= _settings(PRESETS[preset].model, flat_fields(type(PRESETS[preset].model)))
        if not counted:
            st.markdown("**Training**")
            words |= _settings(RECIPES[recipe], [n for n in flat_fields(RecipeConfig) if n not in FIRST])
        st.markdown("**Data and dice**")
        words |= _settings(DataConfig(), ("split", "split_seed"))
        words["seed"] = setting(RunConfig, "seed", 1)
    return RunConfig.from_flat(words)


def _settings(defaults: Settings, names: Any, columns: int = 2) -> Mapping[str, Any]:
    values, places = {}, st.columns(columns)
    for place, name in enumerate(names):
        with places[place % columns]:
            values[name] = setting(type(defaults), name, getattr(defaults, name))
    return values


def _forget(names: tuple[str, ...]) -> None:
    """Another model or recipe brings settings of its own: let go of those that belonged to the last one."""
    for name in names:
        st.session_state.pop(name, None)


def _check_link_once() -> None:
    """Say what in a link can't be had, when it is opened; controls that it sets wrongly stand at their defaults."""
    if st.session_state.setdefault("link_checked", False):
        return
    st.session_state["link_checked"] = True
    words = {name: value for name, value in st.query_params.to_dict().items() if name in FIELDS}
    try:
        RunConfig.from_flat(words)
    except Refusal as refusal:
        st.warning(plain(f"The link asks for something that can't be had. {refusal} The default is used instead."))
