"""The charts of health: what layers say, what flows back, how far a step goes, which units rest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from wavenames.config import signed
from wavenames.figures.idle import Remembered, idle_map, idle_text, remembered_points
from wavenames.figures.over_steps import StepLine, over_steps, over_steps_text
from wavenames.figures.ridges import Ridge, ridges, ridges_height, ridges_text
from wavenames.probes.health import GRADIENTS, RANGES, Flow, Health, Kind, Layer
from wavenames.ui.live_plot import live_plot

Looks = Sequence[tuple[int, Health]]
KINDS: dict[Kind, tuple[str, str, str]] = {
    "tanh": ("tanh", "saturated", "The ends, ±1, are where a unit stops learning."),
    "sigmoid": ("gate", "shut or open", "0 is shut, 1 is open; the mean is the gate's openness."),
    "relu": ("ReLU", "at 0", "What a ReLU lets through; what is above 5 counts at the end."),
    "gelu": ("GELU", "at 0", "A GELU lets through what is positive; what is above 5 counts at the end."),
}
"""Of each kind: its name, what its rest is called, and how to read it."""
RATIO = -3.0
"""log10 update:data that makemore lecture 3 aims at."""
LEAST = -8.0
"""Below it a matrix all but stands still."""
LARGE = 1000
"""From here on a value is written as a power of ten."""
TYPICAL = "median"
HEIGHT, MAP, SQUARE = 340, 330, 380
TWO = 420
"""Least width in pixels of one of two charts beside each other."""


def health_charts(family: str, looks: Looks) -> None:
    """All of them, of the latest look and over the steps."""
    look = looks[-1][1]
    st.header("What the layers say", anchor=False)
    kinds = [kind for kind in KINDS if any(layer.kind == kind for layer in look.layers)]
    with st.grid(len(kinds), min_column_width=TWO) as grid:
        for kind in kinds:
            with grid.cell():
                _values(family, kind, [layer for layer in look.layers if layer.kind == kind])
    st.header("What flows back", anchor=False)
    st.caption("Sizes of gradients, the first layer at the bottom: each unit to the left is ten times less.")
    with st.grid(2, min_column_width=TWO) as grid:
        with grid.cell():
            flows = [(layer.name, layer.gradient) for layer in look.layers if layer.gradient is not None]
            _flows(family, "Gradients of what layers say", flows)
        with grid.cell():
            _flows(family, "Gradients of weights", [(each.name, each.gradient) for each in look.weights])
    st.header("How far a step goes", anchor=False)
    _updates(family, looks)
    _table(look)
    if "sigmoid" in kinds and len(looks) > 1:
        st.header("How open the gates are", anchor=False)
        _gates(family, looks)
    st.header("Which units rest", anchor=False)
    _idle(family, look.layers)
    if look.norms:
        st.header("What BatchNorm remembers", anchor=False)
        _norms(family, look)


def _values(family: str, kind: Kind, layers: Sequence[Layer]) -> None:
    name, rest, how = KINDS[kind]
    rows = [Ridge(each.name, each.histogram, f"{_around(each)} · {each.saturated:.0%} {rest}") for each in layers]
    title = f"{name}: value" if kind != "sigmoid" else "gate: openness"
    live_plot(
        ridges(rows, RANGES[kind], title, family), key=f"health_{kind}", height=ridges_height(len(rows)),
        text=ridges_text(rows, f"Values of {name} layers, mean ± spread, share {rest}"),
    )  # fmt: skip
    st.caption(how)


def _around(layer: Layer) -> str:
    if max(abs(layer.mean), layer.spread) >= LARGE:
        return f"{_power(layer.mean)} ± {_power(layer.spread)}"
    return f"{signed(layer.mean, 2)} ± {layer.spread:.2f}"


def _flows(family: str, title: str, flows: Sequence[tuple[str, Flow]]) -> None:
    rows = [Ridge(name, flow.histogram, f"{_power(flow.mean)} ± {_power(flow.spread)}") for name, flow in flows]
    st.markdown(f"**{title}**")
    live_plot(
        ridges(rows, GRADIENTS, "log₁₀ of the gradient's size", family), key=f"health_{title}",
        height=ridges_height(len(rows)), text=ridges_text(rows, f"{title}, mean ± spread"),
    )  # fmt: skip


def _power(number: float) -> str:
    """Few characters for a number of any size: 3e−4."""
    digit, _, power = f"{number:.0e}".partition("e")  # "inf" has no power
    return f"{digit}e{int(power)}".replace("-", "−") if power else digit


def _updates(family: str, looks: Looks) -> None:
    seen = [(step, look) for step, look in looks if any(each.update is not None for each in look.weights)]
    if not seen:
        st.caption("No step was seen here. The health of a run that trains shows how far its steps move each matrix.")
        return
    lines = [
        StepLine(each.name, [step for step, _ in seen], [_number(look.weights[place].update) for _, look in seen])
        for place, each in enumerate(seen[0][1].weights)
    ]
    title, thousandth = "log₁₀ update : data", ("−3: a thousandth", RATIO)
    live_plot(
        over_steps(lines, title, family, height=HEIGHT, middle=TYPICAL, reference=thousandth, lowest=LEAST),
        key="health_updates", height=HEIGHT,
        text=over_steps_text(lines, f"{title} of each weight matrix (−3 is a thousandth)", TYPICAL),
    )  # fmt: skip
    st.caption(
        "Spread of a step's change to the spread of the weights that it changes. Plain SGD does well near −3; "
        "Muon and AdamW go farther at first, and the schedule brings them down."
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _table(look: Health) -> None:
    table = pd.DataFrame(
        {
            "matrix": [each.name for each in look.weights],
            "shape": ["{} × {}".format(*each.shape) for each in look.weights],
            "spread of weights": [each.spread for each in look.weights],
            "spread of gradient": [each.gradient.spread for each in look.weights],
            "gradient : data": [each.ratio for each in look.weights],
        }
    )
    if any(each.update is not None for each in look.weights):
        table["log₁₀ update : data"] = [each.update for each in look.weights]
    formats = {"spread of weights": "%.3g", "log₁₀ update : data": "%.2f"}
    st.dataframe(
        table, hide_index=True, height="content", alt="Weights, their gradients and their last step, a matrix a row",
        column_config={
            name: st.column_config.NumberColumn(format=formats.get(name, "%.1e")) for name in table.columns[2:]
        },
    )  # fmt: skip


def _gates(family: str, looks: Looks) -> None:
    gates = [place for place, layer in enumerate(looks[0][1].layers) if layer.kind == "sigmoid"]
    steps = [step for step, _ in looks]
    lines = [
        StepLine(looks[0][1].layers[place].name, steps, [look.layers[place].mean for _, look in looks])
        for place in gates
    ]
    title = "mean openness"
    live_plot(
        over_steps(lines, title, family, height=HEIGHT, span=(0.0, 1.0)), key="health_gates", height=HEIGHT,
        text=over_steps_text(lines, "Mean openness of gates, 0 shut to 1 open"),
    )  # fmt: skip


def _idle(family: str, layers: Sequence[Layer]) -> None:
    by_name = {each.name: each for each in layers}
    worst = max(layers, key=lambda each: (each.dead, each.saturated)).name
    name = st.selectbox(
        "Layer", list(by_name), index=list(by_name).index(worst), key="health_layer", persist_state="session",
        help="It opens on the layer with the most dead units, else the one whose units rest most.",
    )  # fmt: skip
    layer = by_name.get(name, by_name[worst])
    rest = KINDS[layer.kind][1]
    live_plot(
        idle_map(layer.idle, family, rest),
        key="health_idle",
        height=MAP,
        text=idle_text(layer.idle, layer.name, rest),
    )
    dead = round(layer.dead * len(layer.idle))
    st.caption(
        f"{dead:,} of {len(layer.idle):,} units never act on these names. A dead unit is a full column; one that is "
        "full at some letters only has a place of its own."
    )


def _norms(family: str, look: Health) -> None:
    norms = [
        Remembered(each.name, each.batch_mean, each.running_mean, each.batch_spread, each.running_spread)
        for each in look.norms
    ]
    lines = [
        f"{each.name}: means {each.gap:.2f} spreads apart, spreads {each.stretch:.2f} times" for each in look.norms
    ]
    live_plot(
        remembered_points(norms, family), key="health_norms", height=SQUARE,
        text="\n".join(["What BatchNorm remembers, held against this batch", *lines]),
    )  # fmt: skip
    st.caption(
        "In training a layer uses the batch's own mean and spread, when it writes those that it remembers: off the "
        "dashed line it is not the network that was trained."
    )
