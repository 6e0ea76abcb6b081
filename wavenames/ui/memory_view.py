"""What a model knows by heart: its names, each held against the training names that are nearest."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from statistics import mean

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wavenames.checkpoints import Checkpoint
from wavenames.config import DataConfig, PageSamplingConfig, Refusal
from wavenames.figures.memory import distance_bars, distance_text
from wavenames.names import Membership, Status
from wavenames.probes.memorisation import Nearest, Shelf, by_heart, nearest, shares_by_distance, shelf
from wavenames.sampling import Sampled, sample
from wavenames.ui.controls import setting
from wavenames.ui.links import possible, to_be_read, write_words
from wavenames.ui.live_plot import live_plot
from wavenames.ui.model_rows import list_title
from wavenames.ui.samples_view import STATUS
from wavenames.ui.session import Trained, checkpoint, draws, find_split, model
from wavenames.ui.words import plain

USUAL = PageSamplingConfig(n=1000)
"""What is drawn of each model."""
KEYS = {"temperature": "memory_temperature", "seed": "memory_seed"}
"""Of each option: its key in the session, and its name in the link."""
HELD = "memory options in use"
"""Session key: the options that the figures go by, also while the temperature that was typed is none."""
LETTERS = 600_000_000
"""Letters of training names times names held against them: two seconds' work at most. Of a very long list, fewer
names."""
HEIGHT = 360
"""Of the histogram, in pixels, and of the table beside it."""
NEAREST = "The training name that is nearest; of several, the first by the alphabet."
DISTANCE = "Letters to put in, take out or change to make one name of the other (Levenshtein)."
COUNTED: dict[Status, tuple[str, str]] = {
    "train": ("In train", "Names that stand among those the model was trained on, letter for letter."),
    "held_out": ("Held out", "Real names of the list that the model was not trained on: it found them by itself."),
    "new": ("New", "Names that are not on the list at all."),
}


# ------------------------------------------------------------------------------------------------ what is drawn


def choose_options(first: DeltaGenerator, second: DeltaGenerator) -> PageSamplingConfig:
    """How the names are drawn: the temperature in the first place, other dice in the second, both in the link."""
    if to_be_read("memory options"):
        asked = {name: st.query_params[key] for name, key in KEYS.items() if key in st.query_params}
        found = possible(asked, lambda words: USUAL.changed(**words))
        for name in asked:
            st.session_state[KEYS[name]] = getattr(found, name)
    seed: int = st.session_state.setdefault(KEYS["seed"], USUAL.seed)
    with first:
        temperature = setting(PageSamplingConfig, "temperature", USUAL.temperature, key=KEYS["temperature"])
    second.button("Roll again", icon=":material/casino:", key="memory_again", on_click=_roll, width="stretch")
    held: PageSamplingConfig = st.session_state.setdefault(HELD, USUAL)
    try:
        options = st.session_state[HELD] = held.changed(temperature=temperature, seed=seed)
    except Refusal as refusal:
        st.error(plain(f"{refusal} The figures are those at temperature {held.temperature:g}."))
        options = held.changed(seed=seed)
    changed = {name: getattr(options, name) for name in KEYS if getattr(options, name) != getattr(USUAL, name)}
    write_words({KEYS[name]: str(value) for name, value in changed.items()}, KEYS.values())
    return options


def _roll() -> None:
    st.session_state[KEYS["seed"]] = (st.session_state[KEYS["seed"]] + 1) % 2**32


@st.cache_data(show_spinner=False, max_entries=256)
def drawn(key: str, steps: int, options: PageSamplingConfig) -> tuple[Sampled, ...]:
    """Names of the model behind `key`, which has been trained for so many steps."""
    del steps  # a part of the key: a run that goes on is another model
    kept = checkpoint(key)
    with draws():
        return sample(model(key), kept.vocabulary, options, kept.membership).names


# ----------------------------------------------------------------------------------------------- what is learned


def why_no_list(kept: Checkpoint) -> str:
    """Why the names that a model was trained on are not known, as Markdown; empty if they are.

    A checkpoint keeps hashes of names only, which tell whether the list that is here is the one that it learned.
    """
    data = kept.run.data
    try:
        same = _membership(data) == kept.membership
    except Refusal as refusal:
        return plain(f"{refusal} Which names are nearest can't be told without it; a model's file holds no names.")
    if same:
        return ""
    return plain(
        f"This model learned from another list than the one called '{list_title(data.names)}' here, so which names "
        "are nearest can't be told; a model's file holds no names."
    )


@st.cache_resource(show_spinner=False, max_entries=8)
def _membership(data: DataConfig) -> Membership:
    return Membership.of(find_split(data))


@st.cache_resource(show_spinner=False, max_entries=8)
def _shelf(data: DataConfig) -> Shelf:
    return shelf(find_split(data).train)


def _most(names: Shelf) -> int:
    """How many names can be held against all of these in a moment."""
    return max(LETTERS // int(names.lengths.sum()), 1)


@st.cache_data(show_spinner=False, max_entries=64)
def nearest_to(key: str, steps: int, options: PageSamplingConfig, data: DataConfig) -> list[Nearest]:
    """For each name that is drawn, the nearest training name; of a very long list, for the first names only."""
    names = _shelf(data)
    return nearest([each.name for each in drawn(key, steps, options)][: _most(names)], names)


@st.cache_data(show_spinner=False, max_entries=16)
def yardstick(data: DataConfig) -> list[Nearest]:
    """The same for as many held-out names, drawn by lot: real names that are nobody's memory."""
    parts, names = find_split(data), _shelf(data)
    held_out = (*parts.validation, *parts.test)
    return nearest(random.Random(0).sample(held_out, min(USUAL.n, len(held_out), _most(names))), names)


# ------------------------------------------------------------------------------------------------ what is shown


def held_against(names: Sequence[Sampled] | None, data: DataConfig, found: Sequence[Nearest] | None) -> str:
    """Which names were held against how many of which list, as Markdown; where that can't be, how many were drawn."""
    if names is None:
        return ""
    if found is None:
        return f"{len(names):,} names were drawn."
    which = "All" if len(found) == len(names) else f"The first {len(found):,} of"
    others = f"{len(_shelf(data).names):,} different training names of {plain(list_title(data.names))}"
    return f"{which} {len(names):,} names, each held against the {others}."


def counts(names: Sequence[Sampled], kept: Checkpoint, real: Sequence[Nearest] | None) -> None:
    """How many names of which kind; how many held-out names are in train; how many the model knows by heart."""
    kinds = Counter(each.status for each in names)
    with st.grid(4, min_column_width=150):
        for status, (label, explained) in COUNTED.items():
            st.metric(f"{label}, of {len(names):,}", f"{kinds[status]:,}", help=explained)
        st.metric(
            "Twins" if real is None else f"Twins, of {len(real):,}",
            "–" if real is None else f"{sum(each.distance == 0 for each in real):,}",
            help="Held-out names, drawn by lot from validation and test, that stand in train too. A lecture split "
            "parts twins, a unique split has none.",
        )
    st.markdown(_by_heart(names, kept.membership))


def _by_heart(names: Sequence[Sampled], split: Membership) -> str:
    """What can be said of the training names among those of the model, in a sentence or two."""
    kinds = Counter(each.status for each in names)
    times: dict[Status, Counter[str]] = {
        kind: Counter(each.name for each in names if each.status == kind) for kind in COUNTED
    }
    alone = len(split.held_out - split.train)
    held_out = times["held_out"]
    found = by_heart(times["train"].values(), held_out.values(), len(split.train), alone) if alone else None
    if found is None:
        met = {0: "None of its names is a held-out name", 1: "One of its different names is a held-out name"}
        few = met.get(len(held_out), f"{len(held_out)} of its different names are held-out names")
        return f"{few}: too few to tell how many training names it would have met by chance."
    wrote = f"It wrote {kinds['train']:,}"
    if found.known < 2 * found.error:
        verdict = f"{wrote}: nothing here shows that it knows any by heart."
    else:
        verdict = f"{wrote}, so **{found.known:.0f} ± {found.error:.0f}** of them it knows by heart."
    return (
        f"The split parted the list by lot, {len(split.train) / alone:.1f} training names to each held-out one. A "
        "model that knew no name by heart would write them in this proportion: about "
        f"**{found.chance:.0f}** training names beside its {kinds['held_out']:,} held-out ones. {verdict}"
    )


def histogram(chosen: Trained, found: Sequence[Nearest], real: Sequence[Nearest]) -> None:
    """How far its names stand from the training names, beside held-out names."""
    mine, others = (chosen.title, shares_by_distance(found)), ("held-out names", shares_by_distance(real))
    st.markdown("**How far to the nearest training name**")
    live_plot(
        distance_bars(mine, others, chosen.family), key="memory_distances", height=HEIGHT,
        text=distance_text(mine, others),
    )  # fmt: skip
    away, usual = ([each.distance for each in names if each.distance] for names in (found, real))
    if away and usual:
        st.markdown(
            f"Its names that are not in train stand **{mean(away):.2f}** letters from the nearest training name, "
            f"held-out names that are not **{mean(usual):.2f}**. A model that only repeated would stand at 0."
        )


def table(chosen: Trained, names: Sequence[Sampled], found: Sequence[Nearest] | None) -> None:
    """Each different name, how often it was drawn, where it stands, and the training name that is nearest to it."""
    times = Counter(each.name for each in names[: len(found or names)])
    status = {each.name: STATUS[each.status] for each in names}
    rows = pd.DataFrame({"name": list(times)})
    if found is not None:
        near = {each.name: one for each, one in zip(names, found, strict=False)}
        rows["nearest"] = [near[name].name for name in times]
        rows["distance"] = [near[name].distance for name in times]
    rows["status"] = [status[name] for name in times]
    rows["times"] = list(times.values())
    st.markdown(
        f"**{len(times):,} different name{'s' * (len(times) != 1)}**, as they came; a column's title sorts them"
    )
    st.dataframe(
        rows,
        key="memory_names",
        hide_index=True,
        height=HEIGHT,
        alt=f"Names drawn from {chosen.title}, each with the nearest training name",
        column_config={
            "name": st.column_config.TextColumn("Name", width=100),
            "nearest": st.column_config.TextColumn("Nearest in train", width=120, help=NEAREST),
            "distance": st.column_config.NumberColumn("Distance", width=80, help=DISTANCE),
            "status": st.column_config.TextColumn("Status", width=95),
            "times": st.column_config.NumberColumn("Drawn", width=70, help="How often the name was drawn."),
        },
    )
