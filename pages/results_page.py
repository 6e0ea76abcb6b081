"""Results: the notebook's table, finished, and what each idea on the way from counting to WaveNet bought."""

import streamlit as st

from wavenames.config import Refusal
from wavenames.ui.results_views import findings, losses, of_list, table
from wavenames.ui.theme import apply_theme
from wavenames.ui.words import plain

apply_theme()
st.title("Results", anchor=False)
words, button = st.columns([4, 1], vertical_alignment="center")
words.markdown(
    "From counting letter pairs to WaveNet: every model by its own recipe, from three seeds, on both splits. Losses "
    "are nats per letter, mean ± spread (the sample standard deviation over seeds)."
)
if button.button("Train a model", type="primary", icon=":material/model_training:", width="stretch"):
    st.switch_page("pages/train_page.py")

try:
    found, theirs = of_list()
    table(found, theirs)
    losses(found, theirs)
    findings(found, theirs)
except Refusal as refusal:
    st.error(plain(str(refusal)))
