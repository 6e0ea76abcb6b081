"""Sample: names by the thousand, or one letter at a time."""

import streamlit as st

from wavenames.config import Refusal
from wavenames.ui.controls import choose_model
from wavenames.ui.letter_by_letter import letter_by_letter
from wavenames.ui.links import say_unknown
from wavenames.ui.model_file import model_file
from wavenames.ui.samples_view import DRAWN, draw, samples_view, save_button, summary, what_stands
from wavenames.ui.sampling_form import sampling_form
from wavenames.ui.session import checkpoint
from wavenames.ui.theme import apply_theme
from wavenames.ui.words import plain

MODEL = "sample_model"

apply_theme()
title, choice, file = st.columns([1, 2, 1], vertical_alignment="bottom")
title.title("Sample", anchor=False)
with choice:
    chosen = choose_model("Model", key=MODEL)
with file, st.popover("Model file", icon=":material/save:", width="stretch"):
    model_file(chosen, key=MODEL)

WAYS = ("Many names", "Letter by letter")
say_unknown("sample_way", "the way", WAYS)
many, one = st.tabs(WAYS, key="sample_way", bind="query-params")
if many.open:
    with many:
        words, pressed = sampling_form(checkpoint(chosen.key))
        told, save = st.columns([3, 1], vertical_alignment="center")
        refused, line = told.container(), told.empty()
        drawn = st.session_state.get(DRAWN)
        try:
            if pressed or drawn is None or drawn.trained.key != chosen.key:
                with line, st.spinner("Drawing names"):
                    st.session_state[DRAWN] = drawn = draw(chosen, words)
        except Refusal as refusal:
            refused.error(plain(f"{refusal}{what_stands(drawn)}"))
        if drawn is not None:
            line.markdown(summary(drawn))
            with save:
                save_button(drawn)
            samples_view(drawn)
if one.open:
    with one:
        letter_by_letter(chosen)
