"""A name as models read it, and what is to be said of two readings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from wavenames.config import Refusal, power_of_ten
from wavenames.models import Model
from wavenames.names import END_MARK, Vocabulary
from wavenames.probes.occlusion import Occlusion, occlusion
from wavenames.probes.surprisal import Surprisal, first_parting, parting, surprisal
from wavenames.ui.session import Trained, checkpoint, model
from wavenames.ui.typed import as_known
from wavenames.ui.words import plain

RATIO = 1e6
"""Times as likely from which on powers of ten are written."""


@dataclass(frozen=True, eq=False)
class Reading:
    """A name as one model reads it."""

    model: Trained
    name: str
    vocabulary: Vocabulary
    surprisal: Surprisal

    @property
    def letters(self) -> list[str]:
        """The letters of the name, the end mark's last."""
        return [place.letter for place in self.surprisal.places]

    @property
    def occlusion(self) -> Occlusion:
        """What each letter is worth to those behind it."""
        return _occlusion(model(self.model.key), self.vocabulary, self.name)


@lru_cache(maxsize=16)
def _occlusion(network: Model, vocabulary: Vocabulary, name: str) -> Occlusion:
    """Kept while somebody looks at cell after cell of it."""
    return occlusion(network, vocabulary, name)


def readings(typed: str, chosen: Sequence[Trained], kept: str | None = None) -> list[Reading]:
    """The name as each model reads it; who can't says why and is left out. If nobody can, the last good name stands.

    The last good name is kept in the session under `kept`.
    """
    found, refused = _tried(typed, chosen)
    if not found:
        st.error(plain(next(iter(refused.values()))))
        last = st.session_state.get(kept) if kept else None
        found, refused = ([], {}) if last is None else _tried(last, chosen)
    if found:
        for title, sentence in refused.items():
            st.warning(plain(f"{title} is left out. {sentence}"))
        if kept:
            st.session_state[kept] = found[0].name
    return found


def _tried(name: str, chosen: Sequence[Trained]) -> tuple[list[Reading], dict[str, str]]:
    """The name as each model reads it, and why the others can't, by title."""
    found, refused = [], {}
    for each in chosen:
        try:
            found.append(_reading(name, each))
        except Refusal as refusal:
            refused[each.title] = str(refusal)
    return found, refused


def _reading(typed: str, of: Trained) -> Reading:
    vocabulary = checkpoint(of.key).vocabulary
    name = as_known(typed, vocabulary)
    return Reading(of, name, vocabulary, surprisal(model(of.key), vocabulary, name))


def parted(one: Reading, other: Reading) -> str:
    """Where two models part first, by a factor of two, and where most."""
    first, most = first_parting(one.surprisal, other.surprisal), parting(one.surprisal, other.surprisal)
    who = f"{plain(one.model.title)} and {plain(other.model.title)}"
    if first is None:
        return f"{who} never part by a factor of two; they differ most {_where(one, other, most)}."
    begin = f"{who} first part by a factor of two {_where(one, other, first)}"
    return f"{begin}; most there." if first == most else f"{begin}; most {_where(one, other, most)}."


def _where(one: Reading, other: Reading, place: int) -> str:
    here, there = one.surprisal.places[place], other.surprisal.places[place]
    before = f"after *{plain(one.name[:place])}*" if place else "at the beginning"
    return (
        f"{before}, at {named(here.letter)} "
        f"({chance(math.exp(here.log_probability))} against {chance(math.exp(there.log_probability))})"
    )


def likelier(one: Reading, other: Reading) -> str:
    """Which of two names a model holds to be likelier, end marks included."""
    first, second = sorted((one, other), key=lambda each: -each.surprisal.log_probability)
    gap = first.surprisal.log_probability - second.surprisal.log_probability
    times = f"{float(f'{math.exp(gap):.3g}'):,.6g}" if gap < math.log(RATIO) else power_of_ten(gap / math.log(10))
    names = f"**{plain(first.name)}** is {plain(times)} times as likely as {plain(second.name)}"
    return f"To {plain(one.model.title)}, {names}."


def chance(share: float) -> str:
    """A probability with one digit, or that it is smaller than that."""
    return f"{share:.1%}" if share >= 0.0005 else "less than 0.1%"


def named(letter: str) -> str:
    """The letter, or that the name ends."""
    return "the end" if letter == END_MARK else letter
