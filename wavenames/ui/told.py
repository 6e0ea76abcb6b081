"""What a model is told of a name, chosen twice: two sides that are held against each other."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from wavenames.config import SamplingConfig
from wavenames.ui.controls import setting

SIDES = ("first", "second")
"""How the two are called in the link."""


def choose_told(side: str, usual: Mapping[str, str], *, key: str) -> dict[str, str]:
    """A chooser for each kind of label in `usual`, which holds where it stands at first; all of it in the link."""
    with st.container(horizontal=True):
        return {kind: setting(SamplingConfig, kind, word, key=f"{key}_{side}_{kind}") for kind, word in usual.items()}
