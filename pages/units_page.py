"""Units: what one hidden unit of a trained network has learned to see, and what is lost without it."""

import streamlit as st

from wavenames.ui.controls import choose_model
from wavenames.ui.theme import apply_theme
from wavenames.ui.units_view import units_view

apply_theme()
st.title("Units", anchor=False)
st.markdown(
    "Nobody told a unit what to look for: see after which letters it says most, and what becomes of the names when "
    "it is switched off."
)
units_view(choose_model("Model", key="units_of"))
