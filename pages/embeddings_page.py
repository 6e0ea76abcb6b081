"""Letters: the letters in two dimensions, as each model has come to see them."""

import streamlit as st

from wavenames.ui.controls import choose_model
from wavenames.ui.letters_view import letters_view
from wavenames.ui.theme import apply_theme

apply_theme()
st.title("Letters", anchor=False)
st.markdown(
    "Nobody tells a model which letters are vowels. Each letter is a few numbers that training moves; "
    "letters that are used alike end up side by side."
)
left, right = st.columns(2, gap="large")
with left:
    letters_view(choose_model("Model", key="letters_of"), key="first")
with right:
    letters_view(choose_model("Beside it", key="letters_beside", default="mlp-3"), key="second")
