"""The models of the first page, from one that has learned nothing to a WaveNet."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from wavenames.checkpoints import load_shipped, shipped
from wavenames.config import DataConfig, SamplingConfig
from wavenames.models import Model
from wavenames.names import Membership, Packed, Vocabulary
from wavenames.sampling import sample
from wavenames.training import evaluate
from wavenames.ui import session

SHOWN = ("bigram", "mlp-3", "tree-76k", "wavenet-m")
NAMES = 6
"""Names of each model on the page."""
LONGEST = 12
"""Letters of such a name at most: a model that has learned nothing would hardly ever stop."""


@dataclass(frozen=True, eq=False)
class Rung:
    """One model, ready to be asked."""

    title: str
    family: str | None
    """None for the one that has learned nothing."""
    model: Model
    vocabulary: Vocabulary
    membership: Membership
    validation: float | None
    """Nats per letter on the validation names of `data`; None if it was not measured."""
    data: DataConfig


@st.cache_resource(show_spinner=False)
def ladder() -> tuple[Rung, ...]:
    """Every rung, lowest first."""
    return (_untrained(), *(_trained(name) for name in SHOWN if name in shipped()))


def _untrained() -> Rung:
    model, vocabulary = session.untrained()
    data = DataConfig()
    split = session.find_split(data)
    loss = evaluate(model, Packed(split.validation, vocabulary)).loss
    return Rung("untrained", None, model, vocabulary, Membership.of(split), loss, data)


def _trained(name: str) -> Rung:
    kept = load_shipped(name)
    return Rung(
        kept.title, kept.run.model.family, session.model(name), kept.vocabulary, kept.membership,
        kept.results.validation, kept.run.data,
    )  # fmt: skip


@st.cache_data(show_spinner=False, max_entries=256)
def invented(place: int, roll: int) -> tuple[str, ...]:
    """Names by the model in this place of the ladder, none of them from its training; another `roll`, other names."""
    rung = ladder()[place]
    options = SamplingConfig(n=NAMES, longest=LONGEST, unique=True, no_training_names=True, seed=roll)
    return tuple(each.name for each in sample(rung.model, rung.vocabulary, options, rung.membership).names)
