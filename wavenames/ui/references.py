"""Losses that every curve is held against: what guessing and what counting pairs come to on the same names."""

from __future__ import annotations

import math

import streamlit as st

from wavenames.config import BigramConfig, DataConfig
from wavenames.models import Bigram
from wavenames.names import Packed, Vocabulary
from wavenames.training import evaluate
from wavenames.ui.session import find_list, find_split


@st.cache_data(show_spinner=False, max_entries=64)
def references(data: DataConfig, conditions: tuple[str, ...] = ()) -> dict[str, float]:
    """Nats per letter, by name, on the validation names of `data` as a run with these conditions has them.

    "uniform" is ln V, a guess that knows only how many letters there are; "bigram" counts the letter pairs of the
    training names, adds one to each count and is held against validation.

    Raises:
        Refusal: this server doesn't know the list, or it is too short for the split.
    """
    vocabulary = Vocabulary.of(find_list(data.names).names)
    parts = find_split(data, conditions)
    train, validation = (Packed(names, vocabulary) for names in (parts.train, parts.validation))
    bigram = Bigram(BigramConfig(), vocabulary.size)
    (everything,) = train.all(len(train))
    bigram.count(everything)
    return {"uniform": math.log(vocabulary.size), "bigram": evaluate(bigram, validation).loss}
