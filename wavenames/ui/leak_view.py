"""What the leak between the parts of a split is worth for a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st

from wavenames.checkpoints import Checkpoint
from wavenames.comparison import seen_and_unseen
from wavenames.config import BigramConfig, DataConfig, signed
from wavenames.figures.dots import Dot, dot_plot, dots_text
from wavenames.models import Bigram, Model
from wavenames.training import evaluate
from wavenames.ui.live_plot import live_plot
from wavenames.ui.model_rows import data_in_words
from wavenames.ui.references import packed
from wavenames.ui.session import Trained, find_split, model
from wavenames.ui.words import plain

COUNTS = "letter pairs"
"""A model of the same names that can keep none of them in mind."""

FEWEST = 10
"""Validation names that must be there of either kind."""


@dataclass(frozen=True)
class Sides:
    """Loss and standard error, nats per letter, on validation names that stand in train too, and on the others."""

    everything: float
    seen: tuple[float, float]
    unseen: tuple[float, float]
    names: tuple[int, int]
    """How many there are of each."""

    @property
    def gap(self) -> float:
        """How much lower the loss is on names that the model has seen."""
        return self.unseen[0] - self.seen[0]

    @property
    def error(self) -> float:
        """Standard error of `gap`: the two are measured on different names."""
        return math.hypot(self.seen[1], self.unseen[1])


def leak_view(chosen: Trained, kept: Checkpoint) -> None:
    """Losses on both sides, beside those of a model that keeps no name in mind, and what follows."""
    st.header("What the leak is worth", anchor=False)
    data = kept.run.data
    if data.split == "unique":
        loss = "" if chosen.validation is None else f", {chosen.validation:.3f},"
        st.markdown(
            f"Nothing: on {plain(data_in_words(data))}, no validation name stands in train. Its validation "
            f"loss{loss} is all on names that it has not seen."
        )
        return
    sides, counted = of_model(chosen.key, kept.results.steps, data), of_counts(data, model(chosen.key).conditions)
    if min(sides.names) < FEWEST:
        st.markdown(
            f"Of its {sum(sides.names):,} validation names, {sides.names[0]:,} stand in train too and "
            f"{sides.names[1]:,} do not: too few to tell what the leak is worth."
        )
        return
    rows = [f"{words} ({n:,})" for words, n in zip(("also in train", "unseen"), sides.names, strict=True)]
    title = "Loss on validation names, nats per letter ± standard error"
    dots = [
        Dot(row, series, family, *part)
        for series, family, each in ((chosen.title, chosen.family, sides), (COUNTS, "bigram", counted))
        for row, part in zip(rows, (each.seen, each.unseen), strict=True)
    ]
    live_plot(dot_plot(dots, "nats per letter"), key="memory_leak", height=190, text=dots_text(dots, title))
    st.markdown(sentence(sides, counted))


def sentence(sides: Sides, counted: Sides) -> str:
    """What the leak is worth, and how much of that is memory: counts of letter pairs have none."""
    return (
        f"Its loss is **{signed(sides.gap)} ± {sides.error:.3f}** lower on the {sides.names[0]:,} validation names "
        f"that it has seen in training; so its validation loss reads {sides.everything:.3f}, and on unseen names it "
        f"is **{sides.unseen[0]:.3f}**. Counts of letter pairs, which keep no name in mind, differ by "
        f"{signed(counted.gap)} ± {counted.error:.3f} on the same names: that much is in the names, the rest is "
        "memory."
    )


@st.cache_data(show_spinner="Measuring the leak", max_entries=64)
def of_model(key: str, steps: int, data: DataConfig) -> Sides:
    """Both sides for a trained model. Refuses a model or a list that this server no longer has."""
    del steps  # a part of the key: a run that goes on is another model
    return _sides(model(key), data, model(key).conditions)


@st.cache_data(show_spinner=False, max_entries=64)
def of_counts(data: DataConfig, conditions: tuple[str, ...]) -> Sides:
    """Both sides for counts of the letter pairs of the training names."""
    train = packed(data, "train", conditions)
    counts = Bigram(BigramConfig(), train.vocabulary.size)
    counts.count(next(train.all(len(train))))
    return _sides(counts, data, conditions)


def _sides(asked: Model, data: DataConfig, conditions: tuple[str, ...]) -> Sides:
    parts = find_split(data, conditions)
    found = evaluate(asked, packed(data, "validation", conditions))
    known = set(parts.train)
    seen = sum(name in known for name in parts.validation)
    return Sides(found.loss, *seen_and_unseen(found, parts.validation, known), (seen, len(parts.validation) - seen))
