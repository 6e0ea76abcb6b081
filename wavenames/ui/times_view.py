"""A name through time, and two times side by side: what the Times page shows."""

from __future__ import annotations

import math

import streamlit as st

from wavenames.checkpoints import load_shipped
from wavenames.config import CONDITIONS, Refusal, SamplingConfig
from wavenames.figures.times import name_through_time, through_time_text
from wavenames.names import ANY, END_MARK
from wavenames.probes.surprisal import Surprisal, parting, surprisals
from wavenames.sampling import sample
from wavenames.ui import session
from wavenames.ui.dice import same_dice
from wavenames.ui.links import linked_text
from wavenames.ui.live_plot import live_plot
from wavenames.ui.name_rows import pairs_html, scale_html, surprisal_html
from wavenames.ui.told import SIDES, choose_told
from wavenames.ui.typed import as_known
from wavenames.ui.words import kind_of_names, plain

MODEL = "wavenet-decades"
"""The model that ships and was told sex and year of birth."""
FIRST_NAME = "mildred"
USUAL = {"first": {"sex": ANY, "decade": "1900"}, "second": {"sex": ANY, "decade": "2024"}}
DRAWN = 10
LONGEST = 14
NAME = "times_name"


@st.fragment
def times_view() -> None:
    """The name, its curve, and the two sides. A name that can't be read leaves the last one standing."""
    vocabulary = load_shipped(MODEL).vocabulary
    typed = linked_text("Name", FIRST_NAME, key=NAME, width=360)
    name: str = st.session_state.get("times_read", FIRST_NAME)
    try:
        st.session_state["times_read"] = name = as_known(typed.strip() or FIRST_NAME, vocabulary)
    except Refusal as refusal:
        st.error(plain(f"{refusal} Below is still {name}."))
    _curve(name)
    _sides(name)


def _curve(name: str) -> None:
    """A line for each sex over the years, and where the name is most and least at home."""
    kept = load_shipped(MODEL)
    told = [{"sex": sex, "decade": decade} for sex in CONDITIONS["sex"] for decade in CONDITIONS["decade"]]
    nats = [each.per_letter for each in surprisals(session.model(MODEL), kept.vocabulary, name, told)]
    years = [int(decade) for decade in CONDITIONS["decade"]]
    lines = dict(zip(("girls", "boys"), (nats[: len(years)], nats[len(years) :]), strict=True))
    live_plot(
        name_through_time(years, lines, kept.run.model.family),
        key="times",
        height=320,
        text=through_time_text(name, years, lines),
    )
    order = sorted(range(len(told)), key=nats.__getitem__)
    home, abroad = kind_of_names(told[order[0]]), kind_of_names(told[order[-1]])
    low, high = nats[order[0]], nats[order[-1]]
    st.markdown(
        f"**{plain(name)}** is most at home among {home} ({low:.3f} nats per letter) and most foreign among {abroad} "
        f"({high:.3f}). Each name of a year counted once in training, however many children got it: this is about "
        "how a name sounds."
    )


def _sides(name: str) -> None:
    """The name letter by letter, and names by the same dice, told one thing and told another."""
    st.header("Two times side by side", anchor=False)
    kept, network = load_shipped(MODEL), session.model(MODEL)
    places = st.columns(2, gap="large")
    told = []
    for side, place in zip(SIDES, places, strict=True):
        with place:
            told.append(choose_told(side, USUAL[side], kept, key="times"))
    one, other = surprisals(network, kept.vocabulary, name, told)
    for each, found, place in zip(told, (one, other), places, strict=True):
        with place:
            st.markdown(f"**{plain(name)}** as a {kind_of_names(each, 1)}: {found.per_letter:.3f} nats per letter")
            st.html(surprisal_html(found))
    if told[0] != told[1]:
        st.markdown(_where_they_part(one, other, kind_of_names(told[0]), kind_of_names(told[1])))
    st.html(scale_html(math.log(kept.vocabulary.size)))
    seed = same_dice("times")
    try:
        drawn = [_drawn(seed, each) for each in told]
        heads = [kind_of_names(each).capitalize() for each in told]
        st.html(pairs_html(heads, list(zip(*drawn, strict=True)), below_columns=True))
    except Refusal as refusal:
        st.error(plain(str(refusal)))


def _drawn(seed: str, told: dict[str, str]) -> list[str]:
    """Names told one thing; name i of each side is decided by the same dice. Refuses a seed that is none."""
    kept = load_shipped(MODEL)
    options = SamplingConfig.checked(n=DRAWN, longest=LONGEST, seed=seed, **told)
    samples = sample(session.model(MODEL), kept.vocabulary, options, kept.membership)
    return [each.name for each in samples.names]


def _where_they_part(one: Surprisal, other: Surprisal, first: str, second: str) -> str:
    """The place at which the two readings differ most, in a sentence."""
    place = parting(one, other)
    here, there = one.places[place], other.places[place]
    before = "".join(each.letter for each in one.places[:place])
    letter = "the end" if here.letter == END_MARK else f"**{plain(here.letter)}**"
    where = f"after *{plain(before)}*" if before else "at the beginning"
    return (
        f"They part most {where}, at {letter}: {math.exp(here.log_probability):.1%} for {first}, "
        f"{math.exp(there.log_probability):.1%} for {second}."
    )
