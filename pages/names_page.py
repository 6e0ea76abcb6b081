"""Names: which list is in use, what it looks like, how it is divided, and how a model reads it."""

import streamlit as st

from wavenames.config import Refusal
from wavenames.ui.list_views import facts, labels, pairs, reading, splits, table, twins
from wavenames.ui.name_lists import bring_list, choose_list
from wavenames.ui.theme import apply_theme
from wavenames.ui.words import plain

apply_theme()
st.title("Names", anchor=False)
st.markdown("What a model learns from: a list with one name a row. Choose one, or bring your own.")
chooser, button = st.columns([4, 1], vertical_alignment="bottom")
bring_list()
with chooser:
    chosen = choose_list("Name list")
if button.button("Train on this list", type="primary", icon=":material/model_training:", width="stretch"):
    st.switch_page("pages/train_page.py", query_params={"names": chosen})

try:
    facts(chosen)
    table(chosen)
    labels(chosen)
    pairs(chosen)
    twins(chosen)
    splits(chosen)
    reading(chosen)
except Refusal as refusal:
    st.error(plain(str(refusal)))
