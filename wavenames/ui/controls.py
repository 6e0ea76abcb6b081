"""Controls that pages share. Labels, bounds and help come from `config.py`; values are checked again where used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from wavenames.config import Refusal, Settings, choices, field_label, help_line, limits
from wavenames.store import UNFINISHED
from wavenames.ui.links import linked_choice
from wavenames.ui.session import Trained, checkpoint, store, trained
from wavenames.ui.words import plain

STEPS: dict[str, float] = {
    "temperature": 0.05, "top_p": 0.05, "min_p": 0.01, "dropout": 0.05, "target": 0.01, "smoothing": 0.5,
    "learning_rate": 0.001, "weight_decay": 0.01, "clip": 0.1, "label_dropout": 0.05,
}  # fmt: skip


def setting(cls: type[Settings], name: str, default: Any, *, key: str, among: Sequence[str] | None = None) -> Any:
    """The control for one field of a configuration; gives the value, unchecked. It is kept for the visit.

    Args:
        cls: The configuration that the field belongs to: its bounds, words and explanation make the control.
        name: The field.
        default: Where the control stands while nobody has moved it.
        key: The control's key.
        among: Of a choice, the words that are offered; else all.
    """
    shared: dict[str, Any] = {
        "label": field_label(name),
        "key": key,
        "help": help_line(cls, name),
        "persist_state": "session",
    }
    annotation = str(cls.model_fields[name].annotation)
    words = among or choices(cls, name)
    if words:
        return st.selectbox(options=words, index=words.index(default), **shared)
    if "bool" in annotation:
        return st.toggle(value=default, **shared)
    if "tuple" in annotation:
        return st.text_input(value=",".join(map(str, default)), **shared)
    if limits(cls, name) == (None, None):
        return st.text_input(value=default, **shared)
    kind: Any = int if "int" in annotation else float
    return st.number_input(  # without its bounds: a browser keeps what is outside to itself, and the old value holds
        value=None if default is None else kind(default),
        step=kind(STEPS.get(name, 1)),
        format="%d" if kind is int else "%g",
        placeholder="no limit" if name == "seconds" else "not used",
        **shared,
    )


def choose_model(title: str, *, key: str, default: str = "wavenet-m") -> Trained:
    """A chooser over every model at hand, bound to the link. A model that can't be opened ends the page there."""
    models = {each.key: each for each in trained()}
    chosen = linked_choice(
        title,
        {each.key: each.label for each in models.values()},
        key=key,
        default=default,
        not_yet=[run.id for run in store().runs() if run.status in UNFINISHED],
        explained="Models that ship, your files, and runs finished on this server, each with its validation loss.",
    )
    try:
        checkpoint(chosen)
    except Refusal as refusal:
        st.error(plain(f"{models[chosen].title} can't be opened. {refusal} Choose another model."))
        st.stop()
    return models[chosen]
