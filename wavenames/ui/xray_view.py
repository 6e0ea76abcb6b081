"""A name seen through by several models: what the X-ray page shows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import streamlit as st
import torch
from torch import Tensor

from wavenames.config import Refusal
from wavenames.figures.xray import (
    SMALLEST,
    expected_letters,
    expected_text,
    helping_letters,
    helping_text,
    moved_bars,
    moved_text,
)
from wavenames.names import END_MARK
from wavenames.ui.links import distinct, linked_ids, linked_pick, linked_text
from wavenames.ui.live_plot import live_plot
from wavenames.ui.name_rows import Scored, model_html, scale_html, scored_html
from wavenames.ui.readings import Reading, chance, likelier, named, parted, readings
from wavenames.ui.session import Trained, checkpoint, model, trained
from wavenames.ui.typed import example_name, name_box
from wavenames.ui.words import plain

USUAL = ("bigram", "mlp-3", "wavenet-m")
MOST = 4
"""Models under each other."""
FIRST_NAME = "isabella"
NAME, BESIDE, MODELS, LOOKED_AT = "xray_name", "xray_beside", "xray_models", "xray_look"
OF, HIDDEN, AT = "xray_of", "xray_hide", "xray_at"
"""Keys, in the session and in the link: of which model which letter is hidden, and which one is to be predicted."""
LETTERS = 40
"""Rows of the chart of expected letters; of a longer alphabet the likeliest are shown."""


@st.fragment
def xray_view() -> None:
    """The controls, and all that is to be seen of the name."""
    everyone = {each.key: each for each in trained()}
    choosing, typing, beside = st.columns([2, 1, 1])
    with choosing:
        chosen = _choose(everyone)
    with typing:
        example = _example(chosen)
        typed = name_box("Name", example, key=NAME)
    with beside:
        other = linked_text("A second name", key=BESIDE, placeholder="none", help="To be held against the first.")
    if not chosen:
        st.info("Choose a model to read the name.")
        return
    read = readings(typed, chosen, kept="xray_read") or readings(example, chosen)
    second = readings(other, chosen, kept="xray_read_beside") if other.strip() else []
    if not read:
        return
    _strips(read, second)
    inside = read
    if second and second[0].name != read[0].name:
        names = {"first": read[0].name, "second": second[0].name}
        with st.container(width=360):
            looked_at = linked_pick(
                "Look inside", names, key=LOOKED_AT, default="first",
                explained="The name that all charts below are about.",
            )  # fmt: skip
            if looked_at == "second":
                inside = second
    _expected(inside)
    if inside[0].name:
        _helping(inside)


def _example(chosen: Sequence[Trained]) -> str:
    """The usual name where any of the models can read it, else one that the first can."""
    known = [checkpoint(each.key) for each in chosen]
    examples = [example_name(FIRST_NAME, kept.run.data.names, kept.vocabulary) for kept in known]
    return FIRST_NAME if FIRST_NAME in examples or not examples else examples[0]


def _choose(everyone: dict[str, Trained]) -> list[Trained]:
    """Up to `MOST` models that can be opened; the choice stands in the link by their ids."""
    titles = distinct({key: each.label for key, each in everyone.items()})
    keys = linked_ids({key: each.label for key, each in everyone.items()}, key=MODELS, default=USUAL, most=MOST)
    st.multiselect(
        "Models", list(titles), format_func=lambda key: titles.get(key, key), key=MODELS, max_selections=MOST,
        help="Models that ship, your files, and runs finished on this server, each with its validation loss.",
    )  # fmt: skip
    found = []
    for key in keys:
        try:
            checkpoint(key)
            found.append(everyone[key])
        except Refusal as refusal:
            st.warning(plain(f"{titles[key]} can't be opened. {refusal}"))
    return found


# ------------------------------------------------------------------------------------------------- letter by letter


def _strips(read: Sequence[Reading], second: Sequence[Reading]) -> None:
    """Tiles and ranks of the name under each model, of a second one beside it, and what is to be said of them."""
    places = st.columns(2, gap="large") if second else [st.container()]
    for own, place in zip((read, second), places, strict=False):
        with place:
            if second:
                st.markdown(f"**{plain(own[0].name) or 'No letters'}**")
            rows = [Scored(each.model.title, each.model.family, each.surprisal) for each in own]
            st.html(scored_html(rows, ranks=True))
    st.html(scale_html(math.log(read[0].vocabulary.size)))
    said = ["Under each tile stands the rank of its letter: 1 where the model held no other to be likelier."]
    said += [parted(one, other) for one, other in itertools.pairwise(read) if one.name == other.name]
    if any(model(each.model.key).conditions for each in read):
        said.append("A model that can be told sex or year of birth is told neither here.")
    both = {each.model.key: each for each in second}
    compared = [likelier(each, both[each.model.key]) for each in read if each.model.key in both]
    for lines, place in zip(
        (said, compared), st.columns(2, gap="large") if second else [st.container()], strict=False
    ):
        place.markdown("  \n".join(lines))


def _expected(read: Sequence[Reading]) -> None:
    """The distribution at each place, a chart for each model."""
    st.header("What each expected", anchor=False)
    st.markdown(
        "A column is a place of the name, its shade how likely each letter was there, given those before. Boxed is "
        "the one that came."
    )
    shares = [each.occlusion.shown.exp() for each in read]
    top = max(float(each.max()) for each in shares)
    with st.grid(_columns(read), min_column_width=300, gap="medium", key="xray_expected"):
        for number, (each, share) in enumerate(zip(read, shares, strict=True)):
            numbers = _likeliest(each, share.amax(0).tolist())
            letters = [each.vocabulary.symbols[i] for i in numbers]
            part, ranks = share[:, numbers].numpy(), [place.rank for place in each.surprisal.places]
            with st.container(gap=None):
                st.html(model_html(each.model.title, each.model.family))
                live_plot(
                    expected_letters(letters, each.letters, part, each.model.family, top=top),
                    key=f"xray_expected_{number}", height=70 + 15 * len(letters),
                    text=expected_text(each.model.title, letters, each.letters, part, ranks),
                )  # fmt: skip


def _columns(read: Sequence[Reading]) -> int:
    """Charts side by side where there is room: numbers in the cells of four would not be."""
    return 2 if len(read) == MOST else len(read)


def _likeliest(read: Reading, best: Sequence[float]) -> list[int]:
    """The numbers of the letters to show: all, or the `LETTERS` likeliest with those of the name."""
    own = {0, *read.vocabulary.encode(read.name)}
    order = sorted(range(len(best)), key=lambda i: (i not in own, -best[i]))
    return sorted(order[: max(LETTERS, len(own))])


# ---------------------------------------------------------------------------------------------- which letters helped


def _helping(read: Sequence[Reading]) -> None:
    """What each letter is worth to each behind it, a chart for each model, and one letter hidden."""
    st.header("Which letters helped", anchor=False)
    st.markdown(
        "A row hides one letter; a cell says what that costs the prediction of a later one, in nats. Below zero, the "
        "hidden letter had misled. Choose a cell to see the prediction move."
    )
    matrices = [each.occlusion.matrix for each in read]
    top = max(float(each.abs().max()) for each in matrices) or 1.0
    tall = 60 + max(130, min(34, 400 // len(read[0].name)) * len(read[0].name))
    with st.grid(_columns(read), min_column_width=300, gap="medium", key="xray_helping"):
        for number, (each, matrix) in enumerate(zip(read, matrices, strict=True)):
            with st.container(gap=None):
                st.html(model_html(each.model.title, each.model.family))
                picked = live_plot(
                    helping_letters(each.letters, matrix, top=top), key=f"xray_helping_{number}", height=tall,
                    text=helping_text(each.model.title, each.letters, matrix), on_click=True,
                )  # fmt: skip
            if isinstance(picked, str) and picked.count("-") == 1:
                st.session_state[OF] = each.model.key
                st.session_state[HIDDEN], st.session_state[AT] = picked.split("-")
    st.caption(
        "A hidden letter is averaged over: replaced by each letter that could stand there, weighted by how likely "
        "the model holds it after the letters before."
    )
    _hidden(read)


def _hidden(read: Sequence[Reading]) -> None:
    """What is hidden from whom, and what it does; at first where it costs most."""
    by_key = {each.model.key: each for each in read}
    whose, which, where = st.columns(3)
    with whose:
        titles = distinct({key: each.model.title for key, each in by_key.items()})
        key = linked_pick(
            "Model", titles, key=OF, default=read[-1].model.key, explained="Whose prediction is looked at."
        )
        chosen = by_key[key]
    matrix, letters = chosen.occlusion.matrix, chosen.letters
    telling = _telling(matrix)
    with which:
        rows = {str(c + 1): f"{c + 1}. {letter}" for c, letter in enumerate(chosen.name)}
        costliest = str(int(telling.amax(1).argmax()) + 1)
        explained = "At first the one that costs a later letter most; the letter right behind it hardly counts."
        c = int(linked_pick("Hidden letter", rows, key=HIDDEN, default=costliest, explained=explained)) - 1
    with where:
        later = range(c + 1, len(letters))
        columns = {str(t + 1): f"{t + 1}. {named(letters[t])}" for t in later}
        explained = "One behind the hidden letter; at first the one that misses it most."
        dearest = str(int(telling[c].argmax()) + 1)
        t = int(linked_pick("Letter to predict", columns, key=AT, default=dearest, explained=explained)) - 1
    _moved(chosen, c, t)


def _moved(read: Reading, c: int, t: int) -> None:
    """The prediction at place t, in words and as bars, with letter c in sight and without it."""
    symbols, letter, cost = read.vocabulary.symbols, read.letters[t], float(read.occlusion.matrix[c, t])
    before, after = (each[t].exp().numpy() for each in (read.occlusion.shown, read.occlusion.hidden[c]))
    number, gains = symbols.index(letter), int((after - before).argmax())
    verb = "helped" if cost > 0 else "misled"
    became = f"it had {verb} by {abs(cost):.2f} nats" if abs(cost) >= SMALLEST else "it makes no difference"
    went = ""
    if cost >= SMALLEST and symbols[gains] != letter:
        most = "The end" if symbols[gains] == END_MARK else f"**{plain(symbols[gains])}**"
        went = f" {most} gains most: {chance(before[gains])} to {chance(after[gains])}."
    gap = _blanked(read.name, c, t)
    st.markdown(
        f"After *{plain(gap)}*, {plain(read.model.title)} gives **{plain(named(letter))}** {chance(after[number])}; "
        f"with **{plain(read.name[c])}** in sight {chance(before[number])}: {became}.{went}"
    )
    shown = _likeliest(read, list(map(max, before, after)))
    live_plot(
        moved_bars([symbols[i] for i in shown], before[shown], after[shown], read.model.family),
        key="xray_moved", height=300,
        text=moved_text(f"Next letter after {gap}, all in sight and one hidden", symbols, before, after),
    )  # fmt: skip


def _telling(matrix: Tensor) -> Tensor:
    """(C, T) how much there is to see in each cell, 0 where nothing has been read: what hiding the letter costs.

    That the letter right before matters is no news, so it counts for a hundredth.
    """
    later, further = (torch.ones_like(matrix).triu(places) for places in (1, 2))
    return (matrix.abs() + 1e-9) * (0.01 * later + further)


def _blanked(name: str, hidden: int, upto: int) -> str:
    """The letters before a place, a hidden one as a gap."""
    return f"{name[:hidden]}_{name[hidden + 1 : upto]}"
