"""Losses that curves are held against: guessing, counting, and the lowest there can be."""

from __future__ import annotations

import math
from typing import Final

import streamlit as st

from wavenames.comparison import loss_floor
from wavenames.config import BigramConfig, DataConfig, KneserNeyConfig, ModelConfig, Refusal, conditions_of
from wavenames.models import Bigram, KneserNey, build
from wavenames.names import Packed, Vocabulary
from wavenames.training import evaluate
from wavenames.ui.session import find_list, find_split
from wavenames.ui.words import plain

MOST: Final = 5_000_000
"""Validation targets times letters up to which runs of letters are counted: what takes about a second."""


@st.cache_data(show_spinner=False, max_entries=64)
def references(data: DataConfig, conditions: tuple[str, ...] = ()) -> dict[str, float]:
    """Nats per letter, by name, on the validation names of `data` as a run with these conditions has them.

    "uniform" is ln V, a guess that knows only how many letters there are; "bigram" counts the letter pairs of the
    training names and adds one to each count; "kn-5" counts runs of up to five letters, and is left out where a list
    of very many names and letters would make the page wait.

    Raises:
        Refusal: this server doesn't know the list, or it is too short for the split.
    """
    train, validation = packed(data, "train", conditions), packed(data, "validation", conditions)
    size = train.vocabulary.size
    (everything,) = train.all(len(train))
    models: dict[str, Bigram | KneserNey] = {"bigram": Bigram(BigramConfig(), size)}
    if validation.targets_count * size <= MOST:
        models["kn-5"] = KneserNey(KneserNeyConfig(), size)
    lines = {"uniform": math.log(size)}
    for name, model in models.items():
        model.count(everything)
        lines[name] = evaluate(model, validation).loss
    return lines


def references_said(data: DataConfig, conditions: tuple[str, ...]) -> dict[str, float]:
    """The same; none, and why, where the list is gone."""
    try:
        return references(data, conditions)
    except Refusal as refusal:
        st.caption(plain(f"Without lines to hold the loss against. {refusal}"))
        return {}


@st.cache_data(show_spinner=False, max_entries=64)
def floor(model: ModelConfig, data: DataConfig) -> tuple[int, float]:
    """How many letters a model sees, and the lowest train loss that any model of as many letters can reach.

    Raises:
        Refusal: as `references`.
    """
    train = packed(data, "train", conditions_of(model))
    context = build(model, train.vocabulary.size).receptive_field
    return context, loss_floor(train, context)


def packed(data: DataConfig, part: str, conditions: tuple[str, ...]) -> Packed:
    """One part of a split, with the labels that a model with these conditions is told."""
    parts = find_split(data, conditions)
    vocabulary = Vocabulary.of(find_list(data.names).names)
    return Packed(getattr(parts, part), vocabulary, labels=parts.labels.get(part))
