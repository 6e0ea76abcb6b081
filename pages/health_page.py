"""Health: whether a network is well, and the one setting to change where it is not."""

import streamlit as st

from wavenames.config import Refusal
from wavenames.ui.health_view import choose_patient, health_view
from wavenames.ui.theme import apply_theme
from wavenames.ui.words import plain

apply_theme()
st.title("Health", anchor=False)
st.markdown(
    "A loss says how good a network is; what its layers say, what flows back and how far a step goes say why it "
    "learns or does not."
)
try:
    health_view(choose_patient())
except Refusal as refusal:
    st.error(plain(str(refusal)))
