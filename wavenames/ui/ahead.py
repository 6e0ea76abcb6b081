"""Where the loss of a run will go, before there is one."""

from __future__ import annotations

import streamlit as st

from wavenames.config import RunConfig, conditions_of
from wavenames.figures.loss import LossSeries, loss_curves, loss_text
from wavenames.ui.live_plot import live_plot
from wavenames.ui.references import floor, references_said

ROOM = 0.2
"""Nats above the highest line and below the lowest, whose name stands there."""


def ahead(run: RunConfig) -> None:
    """The chart that the run will fill: what its loss is held against, and no curve yet.

    Raises:
        Refusal: the list is too short for the split.
    """
    lines = references_said(run.data, conditions_of(run.model))
    if not lines:
        return
    _, lowest = floor(run.model, run.data)
    series = [LossSeries(run.preset, run.model.family, run.data.split, train=([], []), validation=([], []))]
    bottom = ("floor for train", lowest)
    figure = loss_curves(series, lines, floor=bottom)
    figure.update_xaxes(range=[0, run.recipe.steps], nticks=min(run.recipe.steps + 1, 6))
    figure.update_yaxes(range=[min(lowest, *lines.values()) - ROOM, max(lines.values()) + ROOM])
    live_plot(figure, key="ahead", height=360, text=loss_text(series, lines, bottom))
    st.caption(
        "What a loss is held against: uniform is a blind guess, bigram counts letter pairs, kn-5 runs of up to five "
        "letters. No model that sees as many letters as this one gets below the floor on its train names."
    )
