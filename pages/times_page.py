"""Times: what 1900 thinks of a name, and what 2024."""

import streamlit as st

from wavenames.ui.theme import apply_theme
from wavenames.ui.times_view import MODEL, times_view

apply_theme()
what, go = st.columns([4, 1], vertical_alignment="bottom")
what.title("Times", anchor=False)
if go.button("Train one like it", type="primary", icon=":material/model_training:", width="stretch"):
    wanted = {"preset": "wavenet-m", "names": "ssa-decades", "conditions": "sex+decade", "split": "unique"}
    st.switch_page("pages/train_page.py", query_params=wanted)
st.markdown(
    f"{MODEL} was told of each name whose it is and the year of birth, so it can say how a name sounds to 1900 and "
    "how to 2024. Low is familiar, high is a surprise."
)
times_view()
