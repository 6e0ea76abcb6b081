"""The runs of this server that are newest, each a button that opens it: a way back without its link."""

from __future__ import annotations

import streamlit as st

from wavenames.ui.session import store
from wavenames.ui.words import plain

SHOWN = 5


def latest_runs() -> None:
    """Nothing where there are none yet. A press keeps the run in `st.session_state["run"]` and begins anew."""
    runs = store().runs()[:SHOWN]
    if not runs:
        return
    st.markdown("**Latest runs on this server**")
    for run in runs:
        loss = "" if run.validation is None else f" · validation {run.validation:.3f}"
        label = f"{plain(run.title)} · {run.status}{loss}"
        if st.button(label, key=f"open_{run.id}", type="tertiary", icon=":material/arrow_forward:"):
            st.session_state["run"] = run.id
            st.rerun()
