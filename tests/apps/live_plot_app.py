"""A page for test_live_plot.py: one chart that grows, one whose bars can be chosen."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from wavenames.ui.live_plot import live_plot

st.title("Live plot")


@st.fragment(run_every=0.5)
def growing() -> None:
    st.session_state["updates"] = st.session_state.get("updates", 0) + 1
    steps = np.arange(st.session_state["updates"] * 10)
    figure = go.Figure(
        [
            go.Scatter(x=steps, y=3.3 * np.exp(-steps / 200), name="train"),
            go.Scatter(x=steps, y=3.4 * np.exp(-steps / 200), name="validation"),
        ]
    )
    live_plot(figure, key="growing", height=320, text="Loss\nIt falls.")
    st.caption(f"updates: {st.session_state['updates']}")


growing()
bars = go.Figure(go.Bar(x=list("abc"), y=[0.2, 0.3, 0.5], customdata=list("abc")), {"hovermode": "x"})
letter = live_plot(bars, key="bars", height=200, text="Next letter\na 20%, b 30%, c 50%", on_click=True)
if letter is not None:
    st.session_state["letter"] = letter
st.markdown(f"chosen: {st.session_state.get('letter', 'none')}")
