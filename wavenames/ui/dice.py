"""Dice that can be thrown again and stand in the link, for names that are drawn twice by the same ones."""

from __future__ import annotations

import streamlit as st

from wavenames.config import Refusal, SamplingConfig
from wavenames.ui.links import linked_word


def same_dice(key: str) -> str:
    """The heading over such names, with a button that throws other dice; gives the seed as it stands in the link.

    It need not be one: who draws with it checks it. Keys begin with `key`.
    """
    kept = f"{key}_seed"
    seed = linked_word(kept) or "1"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Names by the same dice**", width="content")
        st.button(
            "Roll again", type="tertiary", icon=":material/casino:", key=f"{key}_again", on_click=_roll, args=(kept,)
        )
    return seed


def _roll(kept: str) -> None:
    """Other dice; a word in the link that is no seed counts as none."""
    try:
        before = SamplingConfig.checked(seed=st.session_state.get(kept) or "1").seed
    except Refusal:
        before = 0
    st.session_state[kept] = str(before % (2**32 - 1) + 1)
