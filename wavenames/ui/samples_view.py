"""Names drawn from a model: a summary, a table, a file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Final

import pandas as pd
import streamlit as st

from wavenames.config import PageSamplingConfig
from wavenames.models import Model
from wavenames.names import Status, Vocabulary
from wavenames.probes.surprisal import surprisal
from wavenames.sampling import ANY, ONE, Sampled, Samples, sample
from wavenames.ui.name_rows import scale_html, surprisal_html
from wavenames.ui.session import Trained, checkpoint, draws, model
from wavenames.ui.spreadsheet import csv_text
from wavenames.ui.typed import as_known
from wavenames.ui.words import kind_of_names, plain

STATUS: Final[dict[Status, str]] = {"new": "○ new", "held_out": "◐ held out", "train": "● in train"}
EXPLAINED = """New: on neither side of the split, an invention. Held out: a real name of the list that the model was
not trained on, so it found it by itself. In train: one of its training names."""
DRAWN = "sample_drawn"
"""Where the names that stand on the page are kept, in the session."""
ROWS = 20
"""Of the table, seen at once; of more, half of the next one shows that there are."""


@dataclass(frozen=True)
class Drawn:
    """Names, and the model that they came from."""

    trained: Trained
    model: Model
    vocabulary: Vocabulary
    words: Mapping[str, Any]
    """The options as the controls said them."""
    samples: Samples

    @property
    def told(self) -> dict[str, str]:
        """What the model was told of the names."""
        return {kind: self.words[kind] for kind in self.model.conditions}

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a name, in the order in which they were drawn."""
        return pd.DataFrame(map(asdict, self.samples.names), columns=[field.name for field in fields(Sampled)])


def draw(chosen: Trained, words: Mapping[str, Any]) -> Drawn:
    """Draw names with options as they come from the controls; it waits while as many draw as the server allows.

    Raises:
        Refusal: an option is out of bounds, the model never learned what it is told, the prefix or the pattern has a
            letter that the model doesn't know, or no name could fit them.
    """
    kept = checkpoint(chosen.key)
    options = kept.can_be_told(PageSamplingConfig.checked(**words))
    options = options.changed(
        prefix=as_known(options.prefix, kept.vocabulary),
        pattern=as_known(options.pattern, kept.vocabulary, besides=ONE + ANY),
    )
    network = model(chosen.key)
    with draws():
        samples = sample(network, kept.vocabulary, options, kept.membership)
    return Drawn(chosen, network, kept.vocabulary, words, samples)


def summary(drawn: Drawn) -> str:
    """How many names of which kind, in two lines of Markdown."""
    names = drawn.samples.names
    if not names:
        return f"**No names** from {plain(drawn.trained.title)}, {_draws(drawn.samples)}"
    kinds = Counter(each.status for each in names)
    found = [f"{sign} {kinds[status]:,} {words}" for status, (sign, words) in _SIGNS.items() if kinds[status]]
    return (
        f"**{len(names):,} {kind_of_names(drawn.told, len(names))}** from {plain(drawn.trained.title)}, "
        f"{_draws(drawn.samples)}  \n"
        f"{' · '.join([f'{len({each.name for each in names}):,} different', *found])}"
    )


def what_stands(drawn: Drawn | None) -> str:
    """Behind a refusal, which names it leaves standing, in a sentence; nothing where there are none."""
    if drawn is None or not drawn.samples.names:
        return ""
    prefix = as_known(drawn.words.get("prefix", ""), drawn.vocabulary)
    which = f"that begin with {prefix}" if prefix else f"from {drawn.trained.title}"
    return f" Below are still the names {which}."


def _draws(samples: Samples) -> str:
    return f"{samples.attempts:,} draw{'s' * (samples.attempts != 1)} in {samples.seconds:.2f} s"


_SIGNS: Final = {status: shown.split(" ", 1) for status, shown in STATUS.items()}


def csv(drawn: Drawn) -> str:
    """The table for a spreadsheet, its statuses in the words of the command line: train, held_out, new."""
    return csv_text(drawn.table, "name")


@st.fragment
def samples_view(drawn: Drawn) -> None:
    """The table, and the name that is chosen in it, letter by letter."""
    if drawn.samples.message:
        st.warning(drawn.samples.message)
    if not drawn.samples.names:
        return
    rows = drawn.table
    left, right = st.columns([3, 2], gap="medium")
    with left:
        picked = st.dataframe(
            rows.assign(status=rows["status"].map(STATUS)),
            key="samples",
            hide_index=True,
            height="content" if len(rows) <= ROWS else 35 * (ROWS + 1) + 18,
            alt=f"Names drawn from {drawn.trained.title}",
            on_select="rerun",
            selection_mode="single-cell",
            column_config={
                "name": st.column_config.TextColumn("Name", width=140),
                "log_probability": st.column_config.NumberColumn(
                    "Log-probability",
                    width=120,
                    format="%.2f",
                    help="Of the whole name, end mark included, whatever the options.",
                ),
                "status": st.column_config.TextColumn("Status", width=98, help=EXPLAINED),
            },
        )
    cells = picked["selection"]["cells"]
    with right:
        _one(drawn, cells[0][0] if cells else 0)


def _one(drawn: Drawn, row: int) -> None:
    """How the model reads the name in this row."""
    names = drawn.samples.names
    if row >= len(names):
        return
    found = surprisal(drawn.model, drawn.vocabulary, names[row].name, drawn.told)
    st.markdown("**What surprised the model**")
    st.html(surprisal_html(found))
    st.markdown(f"{found.per_letter:.3f} nats per letter, {STATUS[names[row].status]}.")
    st.markdown(":small[Choose a name in the table to see how much each of its letters surprises the model.]")
    st.html(scale_html(math.log(drawn.vocabulary.size)))


def save_button(drawn: Drawn) -> None:
    """The names as a file."""
    st.download_button(
        "Names as CSV",
        lambda: csv(drawn),
        f"names-{drawn.trained.title}.csv",
        "text/csv",
        icon=":material/download:",
        key="sample_csv",
        on_click="ignore",
        disabled=not drawn.samples.names,
        width="stretch",
    )
