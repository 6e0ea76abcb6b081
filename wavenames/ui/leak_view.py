"""What the leak between the parts of a split is worth for a model."""

from __future__ import annotations

from functools import partial

import streamlit as st

from wavenames.checkpoints import Checkpoint
from wavenames.comparison import Leaked, leaked
from wavenames.config import DataConfig, signed
from wavenames.figures.dots import Dot, dot_plot, dots_text
from wavenames.training import evaluate
from wavenames.ui.at_work import AtWork
from wavenames.ui.live_plot import live_plot
from wavenames.ui.model_rows import data_in_words
from wavenames.ui.references import packed
from wavenames.ui.session import Trained, find_split, model
from wavenames.ui.words import plain

FEWEST = 10
"""Names that must be there of either kind."""
CLEAR = 2
"""Standard errors from which on a difference is said to be one."""


def leak_view(chosen: Trained, kept: Checkpoint, work: AtWork) -> None:
    """Losses on both sides, and how much of the difference comes from having seen the names."""
    st.header("What the leak is worth", anchor=False)
    data = kept.run.data
    if data.split == "unique":
        loss = "" if chosen.validation is None else f", {chosen.validation:.3f},"
        st.markdown(
            f"Nothing: on {plain(data_in_words(data))}, no validation name stands in train. Its validation "
            f"loss{loss} is all on names that it has not seen."
        )
        return
    found = work.do("Measuring the leak", partial(leak_of, chosen.key, kept.results.steps, data))
    if found is None:
        st.caption("Not measured yet.")
        return
    seen, unseen = found.seen, found.unseen
    if min(seen.names, unseen.names) < FEWEST:
        st.markdown(
            f"Of its {seen.names + unseen.names:,} validation names, {seen.names:,} stand in train too and "
            f"{unseen.names:,} do not: too few to tell what the leak is worth."
        )
        return
    sides = {"also in train": seen, "unseen": unseen, "unseen, twice on the list": found.never}
    dots = [
        Dot(f"{words} ({side.names:,})", chosen.title, chosen.family, side.loss, side.error)
        for words, side in sides.items()
        if side.names >= FEWEST
    ]
    title = "Loss on validation names, nats per letter ± standard error"
    live_plot(dot_plot(dots, "nats per letter"), key="memory_leak", height=210, text=dots_text(dots, title))
    st.markdown(f"{worth(found)} {of_memory(found)}")


def worth(found: Leaked) -> str:
    """What the leak does to the loss."""
    gap, error = found.seen.below(found.unseen)
    return (
        f"Its loss is **{signed(gap)} ± {error:.3f}** lower on the {found.seen.names:,} validation names that it has "
        f"seen in training; so its validation loss reads {found.everything:.3f}, and on unseen names it is "
        f"**{found.unseen.loss:.3f}**."
    )


def of_memory(found: Leaked) -> str:
    """What having seen a name is worth, by names of the same kind that the lot kept out of train."""
    if min(found.once.names, found.never.names) < FEWEST:
        return (
            "Names that stand twice may be easier or harder than others, seen or not. Of those, only "
            f"{found.never.names:,} stand outside train both times: too few to tell what having seen a name is worth."
        )
    gap, error = found.once.below(found.never)
    names = f"the {found.never.names:,} that the lot kept out of train both times"
    verdict = (
        "to have seen a name is worth about that."
        if gap >= CLEAR * error
        else "no memory that so few names can show."
    )
    return (
        f"Names that stand twice may be easier or harder than others, seen or not, so those are held against each "
        f"other. On {names} its loss is {found.never.loss:.3f}, "
        f"**{signed(gap)} ± {error:.3f}** above that on those that it has seen once: {verdict}"
    )


@st.cache_data(show_spinner=False, max_entries=64)
def leak_of(key: str, steps: int, data: DataConfig) -> Leaked:
    """What the leak does to a trained model. Refuses a model or a list that this server no longer has."""
    del steps  # a part of the key: a run that goes on is another model
    asked = model(key)
    return leaked(evaluate(asked, packed(data, "validation", asked.conditions)), find_split(data, asked.conditions))
