"""A page for test_live_plot.py: the losses of a long run that goes on, bars to choose from, a point that moves."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from wavenames.figures.letters import letters_map
from wavenames.figures.loss import LossSeries, loss_curves, loss_text
from wavenames.ui.live_plot import Frame, Pointed, live_plot

REFERENCES = {"uniform": 3.296, "bigram": 2.453}


@st.fragment(run_every=0.5)
def growing() -> None:
    updates = st.session_state["updates"] = st.session_state.get("updates", 0) + 1
    steps = np.arange(200_000 + 1000 * updates)
    noise = np.random.default_rng(0).normal(0, 0.1, steps.size)
    measured = steps[::1000]
    run = LossSeries(
        "wavenet-m",
        "wavenet",
        "lecture",
        (steps, 1.9 + np.exp(-steps / 3e4) + noise),
        (measured, 2 + np.exp(-measured / 3e4)),
    )
    text = f"{loss_text([run], REFERENCES)}\nupdate {updates}"
    figure = loss_curves([run], REFERENCES).update_traces(showlegend=True).update_layout(showlegend=True)
    live_plot(figure, key="growing", height=320, text=text)
    wide = 1 + 8 / updates
    corners = wide * np.array([[-1, -1], [1, 1], [0, 0.5]])
    for key, limits in (("free", None), ("framed", ((-wide, wide), (-wide, wide)))):
        letters = letters_map(corners, "abe", ["consonant", "consonant", "vowel"], "PCA", limits=limits)
        live_plot(letters, key=key, height=300, text="Letters\nthat draw near")


growing()
bars = go.Figure(go.Bar(x=list("abc"), y=[0.2, 0.3, 0.5], customdata=list("abc")), {"hovermode": "x"})
chosen = live_plot(bars, key="bars", height=200, text="Next letter\na 20%, b 30%, c 50%", on_click=True)
if chosen is not None:
    st.session_state["letter"] = chosen
st.text(f"chosen: {st.session_state.get('letter', 'none')}")

moving = go.Figure(go.Scatter(x=[3], y=[9], text=["=a, b"], mode="markers+text", name="square", marker={"size": 9}))
moving.update_layout(xaxis={"range": [-1, 4], "title": {"text": "side"}}, yaxis={"range": [-1, 10]})
frames = [
    Frame(f"side {i}", [{"x": [i], "y": [i * i], "marker": {"symbol": "x"}}], f"Square {i * i}") for i in range(4)
]
live_plot(moving, key="moving", height=200, text="Squares of sides\nthe last is 9", frames=frames)

pointed = go.Figure([go.Scatter(x=[1, 2], y=[1, 2], marker={"size": 20}, mode="markers"), go.Scatter(x=[], y=[])])
pointed.update_layout(hovermode="closest", xaxis={"fixedrange": True, "range": [0, 3]}, yaxis={"fixedrange": True})
lines = Pointed(0, 1, [([0, 1], [0, 1]), ([0, 2, None, 1, 2], [0, 2, None, 1, 2])])
live_plot(pointed, key="pointed", height=200, text="Two points\nwith lines", pointed=lines)

sure = go.Figure(go.Bar(name="cost", x=["7", "3"], y=[0.5, 0.25], error_y={"array": [0.125, 0.0625]}))
sure.add_scatter(name="line", x=[0, 1, None], y=[0.0, 1.0, None], text=["+1.0", "-x", ""], mode="lines")
sure.update_layout(xaxis={"type": "category"}, yaxis={"title": {"text": "nats<br>per letter"}})
live_plot(sure, key="sure", height=200, text="Costs\nwith whiskers")

called = go.Figure([go.Scatter(x=[0, 1], y=[0, 1], name=name) for name in ("sound twin", "broken")])
called.update_layout(showlegend=True, margin={"t": 52, "r": 102})
live_plot(called, key="called", height=300, text="Two curves\nand their names")

told = [replace(frame, html=f"<b>{i}</b>²") for i, frame in enumerate(frames)]
live_plot(moving, key="told", height=200, text="Squares with words beside them", frames=told)

rimmed = go.Figure(layout={"xaxis": {"range": [0, 1]}, "yaxis": {"range": [0, 1]}})
rimmed.add_hrect(y0=0, y1=1, fillcolor="#800000", line_width=0, layer="below")
rimmed.add_annotation(text="a label", x=0.5, y=0.5, showarrow=False)
rows: list[dict[str, object]] = [{"layer": "first", "nats": 0.5}, {"layer": "=last", "nats": None}]
live_plot(rimmed, key="rimmed", height=200, text="A label on red", rows=rows)
