"""Memory: how much of what a model writes it knows by heart."""

import streamlit as st

from wavenames.ui import memory_view as view
from wavenames.ui.controls import choose_model
from wavenames.ui.leak_view import leak_view
from wavenames.ui.memory_change import by_temperature, through_training
from wavenames.ui.session import checkpoint
from wavenames.ui.theme import apply_theme

apply_theme()
st.title("Memory", anchor=False)
st.markdown("Does it invent, or repeat? Each of a thousand names beside the training name that is nearest to it.")
choice, *places = st.columns([4, 2, 1], vertical_alignment="bottom")
with choice:
    chosen = choose_model("Model", key="memory_of")
options = view.choose_options(*places)
kept = checkpoint(chosen.key)
names = view.drawn(chosen.key, kept.results.steps, options)
missing = view.why_no_list(kept)

real = None if missing else view.yardstick(kept.run.data)
view.counts(names, kept, real)
if real is None:
    st.info(missing)
    view.table(chosen, names, None)
else:
    found = view.nearest_to(chosen.key, kept.results.steps, options, kept.run.data)
    left, right = st.columns(2, gap="large")
    with left:
        view.histogram(chosen, found, real)
    with right:
        view.table(chosen, names, found)

st.header("What changes it", anchor=False)
left, right = st.columns(2, gap="large")
with left:
    by_temperature(chosen, kept, options)
with right:
    through_training(chosen, options)
if not missing:
    leak_view(chosen, kept)
