"""Claims: what the notebook says of WaveNet, each sentence held against a measurement."""

import streamlit as st

from wavenames.config import Refusal
from wavenames.ui.claims_views import at_hand, claims, latest, measure, said_of
from wavenames.ui.model_rows import data_in_words
from wavenames.ui.theme import apply_theme
from wavenames.ui.words import plain

apply_theme()
st.title("Claims", anchor=False)
words, button = st.columns([4, 1], vertical_alignment="center")
words.markdown(
    "The notebook names four advantages of WaveNet over plainer networks and shows none of them. Here each is "
    "measured, and the verdict is worked out from the figures, whichever way it falls."
)
asked = button.button("Measure here", type="primary", icon=":material/speed:", width="stretch", key="claims_measure")
groups = at_hand()
data = next(iter(groups))
if len(groups) > 1:
    data = st.selectbox("Models that learned from", list(groups), format_func=data_in_words, key="claims_of")
said, stop = st.columns([4, 1], vertical_alignment="center")
place = said.empty()
if asked:
    stop.button("Stop", icon=":material/stop:", width="stretch", key="claims_stop")
try:
    found = latest()
    place.caption(said_of(found))
    claims(found)
    if asked:
        measure(data, groups[data], place)
        st.rerun()
except Refusal as refusal:
    place.error(plain(str(refusal)))
