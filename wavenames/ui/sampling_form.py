"""What to draw from a model: the options of sampling as controls, all of them in the link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wavenames.checkpoints import Checkpoint, load_shipped, shipped
from wavenames.config import CONDITIONS, PageSamplingConfig, conditions_of, field_label
from wavenames.names import printable
from wavenames.ui.controls import setting
from wavenames.ui.links import possible, to_be_read, write_words
from wavenames.ui.samples_view import DRAWN, Drawn
from wavenames.ui.words import plain

FIRST = ("prefix", "n", "temperature")
"""What stands outside the fold, before what a model can be told."""
USUAL = PageSamplingConfig()
REST = tuple(
    sorted(
        (name for name in PageSamplingConfig.model_fields if name not in (*FIRST, *CONDITIONS)),
        key=lambda name: isinstance(getattr(USUAL, name), bool),
    )
)
"""The others, switches last."""
KEYS = {name: f"sample_{name}" for name in (*FIRST, *CONDITIONS, *REST)}
"""Of each field: its control's key, and its name in the link."""


def sampling_form(kept: Checkpoint) -> tuple[dict[str, Any], bool]:
    """Draw the controls; gives what they say, unchecked, and whether "Sample" was just pressed.

    There are choosers of what the model can be told, with the classes that it learned.
    """
    first = (*FIRST, *kept.classes)
    if to_be_read("sampling form"):
        _fill(kept)
    with st.form("sample_options", border=False):
        *places, last = st.columns([3, *[2] * len(first)], vertical_alignment="bottom")
        words = {name: _control(name, place, kept) for name, place in zip(first, places, strict=True)}
        pressed = last.form_submit_button(
            "Sample", type="primary", icon=":material/casino:", width="stretch", key="sample", on_click=_other_dice,
            args=((*first, *REST),),
            help="Pressed again with the same options, the seed goes up by one and other names come.",
        )  # fmt: skip
        with st.expander("More options"), st.grid(4, min_column_width=150) as grid:
            words |= {name: _control(name, grid.cell(), kept) for name in REST}
    changed = {KEYS[name]: str(value) for name, value in words.items() if value != getattr(USUAL, name)}
    write_words(changed, KEYS.values())
    return words, pressed


def _fill(kept: Checkpoint) -> None:
    """Set the controls to what the link asks for, where that can be had."""
    asked = {name: st.query_params[key] for name, key in KEYS.items() if key in st.query_params}
    untold = [name for name in CONDITIONS if name in asked and name not in kept.classes]
    if untold:
        _say_untold({name: asked.pop(name) for name in untold})
    if not asked:
        return
    usual = {name: _usual(name, kept) for name in kept.classes}
    options = possible(asked, lambda words: kept.can_be_told(PageSamplingConfig.checked(**{**usual, **words})))
    for name, key in KEYS.items():
        st.session_state[key] = getattr(options, name)


def _say_untold(asked: Mapping[str, str]) -> None:
    """Of what a link tells the chosen model in vain, and which model that ships could be told it."""
    wanted = " and ".join(f"{field_label(name).lower()} {printable(word)}" for name, word in asked.items())
    able = [name for name in shipped() if asked.keys() <= {*conditions_of(load_shipped(name).run.model)}]
    other = f" Choose {' or '.join(able)} for that." if able else ""
    st.warning(plain(f"The link asks for {wanted}; this model is not told a name's {' or '.join(asked)}.{other}"))


def _control(name: str, place: DeltaGenerator, kept: Checkpoint) -> Any:
    among = kept.words(name) if name in kept.classes else None
    with place:
        return setting(PageSamplingConfig, name, _usual(name, kept), key=KEYS[name], among=among)


def _usual(name: str, kept: Checkpoint) -> Any:
    """Where a control stands at first: nothing is told, unless the model must be told."""
    return kept.words(name)[0] if name in kept.classes else getattr(USUAL, name)


def _other_dice(names: tuple[str, ...]) -> None:
    """The same seed would give the same names again, which is not what a second press of "Sample" asks for."""
    words = {name: st.session_state.get(KEYS[name]) for name in names}
    drawn: Drawn | None = st.session_state.get(DRAWN)
    if drawn is not None and drawn.words == words:
        st.session_state["sample_seed"] = (drawn.words["seed"] + 1) % 2**32
