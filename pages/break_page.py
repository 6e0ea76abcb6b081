"""Break it: set up a failure, say what you expect, and see it beside a sound twin."""

import streamlit as st

from wavenames.config import Refusal
from wavenames.ui.break_view import break_view
from wavenames.ui.theme import apply_theme
from wavenames.ui.words import plain

apply_theme()
st.title("Break it", anchor=False)
st.markdown(
    "One thing is wrong with a network; its twin has the same seed and all else alike. Say first what will happen."
)
try:
    break_view()
except Refusal as refusal:
    st.error(plain(str(refusal)))
