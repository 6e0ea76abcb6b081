"""X-ray: a name letter by letter, as several models read it, and what becomes of it when one letter is hidden."""

import streamlit as st

from wavenames.ui.theme import apply_theme
from wavenames.ui.xray_view import xray_view

apply_theme()
st.title("X-ray", anchor=False)
st.markdown("See what each model expected at every place of a name, and which of the letters before it made use of.")
xray_view()
