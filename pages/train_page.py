"""Train: choose a model, press Train, watch the loss fall and the names take shape."""

import streamlit as st

from wavenames.config import Refusal
from wavenames.ui.ahead import ahead
from wavenames.ui.latest_runs import latest_runs
from wavenames.ui.links import linked_word
from wavenames.ui.live_run import ANCHOR, configuration_of, live_run, new_title
from wavenames.ui.run_form import run_form
from wavenames.ui.run_summary import run_summary
from wavenames.ui.session import scheduler
from wavenames.ui.theme import BELOW, apply_theme
from wavenames.ui.words import plain

apply_theme()
st.title("Train", anchor=False)
choices, live = st.columns([1, 2], gap="large")

with choices:
    config = None
    try:
        config = run_form(configuration_of(linked_word("run")))
        run_summary(config)
    except Refusal as refusal:
        config = None
        st.error(plain(str(refusal)))
    below = st.empty()
    pressed = st.button(
        "Train", type="primary", icon=":material/play_arrow:", disabled=config is None, width="stretch"
    )
    if pressed and config is not None:
        try:
            st.session_state["run"] = scheduler().submit(config, new_title(config.preset))
        except Refusal as refusal:
            st.error(plain(str(refusal)))
    if st.session_state.get("run"):
        with below.container(key=BELOW):
            st.markdown(f"[The run stands below](#{ANCHOR})")

with live:
    run_id = linked_word("run")
    if run_id is None:
        st.info("Choose a model and press Train. The loss, new names and the letters' map grow here as it learns.")
        if config is not None:
            ahead(config)
        latest_runs()
    else:
        try:
            live_run(run_id)
        except Refusal as refusal:
            st.warning(plain(str(refusal)))
