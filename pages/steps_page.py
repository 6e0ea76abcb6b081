"""Steps: one run, seen again at each of its steps that are kept, by the same dice."""

import streamlit as st

from wavenames.ui.steps_view import first_run, runs_with_steps, steps_view
from wavenames.ui.theme import apply_theme

apply_theme()
st.title("Steps", anchor=False)
st.markdown(
    "One run at every step that is kept: the same dice throw its names, your name is read letter by letter, and the "
    "letters move while the loss falls."
)
if runs_with_steps():
    steps_view()
else:
    first_run()
