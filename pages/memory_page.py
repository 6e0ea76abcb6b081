"""Memory: how much of what a model writes it knows by heart."""

from functools import partial

import streamlit as st

from wavenames.ui import memory_view as view
from wavenames.ui.at_work import AtWork
from wavenames.ui.controls import choose_model
from wavenames.ui.leak_view import leak_view
from wavenames.ui.memory_change import TEMPERATURES, by_temperature, kept_steps, through_training
from wavenames.ui.session import checkpoint
from wavenames.ui.theme import apply_theme

apply_theme()
st.title("Memory", anchor=False)
st.markdown("Does it invent, or repeat? Each of a thousand names beside the training name that is nearest to it.")
choice, *places = st.columns([4, 2, 1], vertical_alignment="bottom")
with choice:
    chosen = choose_model("Model", key="memory_of")
options = view.choose_options(*places)
kept, steps = checkpoint(chosen.key), kept_steps(chosen.key)
drawing = (chosen.key, kept.results.steps, options)
work = AtWork("memory", drawing, 5 + len(TEMPERATURES) + len(steps), st.container())

# Before the work: until there are figures of this model and these dice, none of the ones before stand here.
below = work.below()
names = work.do("Drawing names", partial(view.drawn, *drawing))
missing = work.do("Reading the list that it learned from", partial(view.why_no_list, kept))
real = found = None
if missing == "":
    real = work.do("Looking for the names nearest to held-out ones", partial(view.yardstick, kept.run.data))
    found = work.do("Looking for the names nearest to its own", partial(view.nearest_to, *drawing, kept.run.data))
if names is not None:
    with below:
        view.counts(names, kept, real)
        if missing:
            st.info(missing)
        if found is None or real is None:
            view.table(chosen, names, found)
        else:
            left, right = st.columns(2, gap="large")
            with left:
                view.histogram(chosen, found, real)
            with right:
                view.table(chosen, names, found)

        st.header("What changes it", anchor=False)
        left, right = st.columns(2, gap="large")
        with left:
            by_temperature(chosen, kept, options, work)
        with right:
            through_training(chosen, steps, options, work)
        if missing == "":
            leak_view(chosen, kept, work)
work.end(view.held_against(names, kept.run.data, found))
