"""What a model is told of a name, chosen twice: two sides that are held against each other."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from wavenames.checkpoints import Checkpoint
from wavenames.config import SamplingConfig
from wavenames.ui.controls import setting
from wavenames.ui.links import possible, to_be_read, write_words

SIDES = ("first", "second")
"""How the two are called in the link."""


def choose_told(side: str, usual: Mapping[str, str], kept: Checkpoint, *, key: str) -> dict[str, str]:
    """A chooser for each kind of label in `usual`, which holds where it stands at first; all of it in the link.

    What the model of `kept` never learned is not offered.
    """
    keys = {kind: f"{key}_{side}_{kind}" for kind in usual}
    if to_be_read(f"{key} {side}"):
        asked = {kind: st.query_params[name] for kind, name in keys.items() if name in st.query_params}
        found = possible(asked, lambda words: kept.can_be_told(SamplingConfig.checked(**{**usual, **words})))
        for kind in asked:
            st.session_state[keys[kind]] = getattr(found, kind)
    with st.container(horizontal=True):
        told = {
            kind: setting(SamplingConfig, kind, word, key=keys[kind], among=kept.words(kind))
            for kind, word in usual.items()
        }
    write_words({keys[kind]: word for kind, word in told.items() if word != usual[kind]}, [*keys.values()])
    return told
