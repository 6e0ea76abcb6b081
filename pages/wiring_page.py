"""Wiring: which letters and which nodes a prediction really uses."""

import streamlit as st

from wavenames.ui.controls import choose_model
from wavenames.ui.theme import apply_theme
from wavenames.ui.wiring_view import wiring_view

apply_theme()
title, choice = st.columns([1, 2], vertical_alignment="bottom")
title.title("Wiring", anchor=False)
with choice:
    chosen = choose_model("Model", key="wiring_model")
st.markdown("Every line is a connection that this model has; lit is all that one prediction can see.")
wiring_view(chosen)
