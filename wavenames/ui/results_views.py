"""The views of the Results page: the notebook's table, finished; its losses as dots; what each idea bought."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pandas as pd
import streamlit as st

from wavenames.config import LIST_LIMITS, PRESETS
from wavenames.figures.colours import FAMILIES
from wavenames.figures.dots import Dot, dot_plot, dots_text
from wavenames.findings import QUESTIONS, summary
from wavenames.models import build
from wavenames.names import MAKEMORE
from wavenames.table import PARTS, ROWS, SPLITS, Entry, Part, Published, Row, published, rows, shipped
from wavenames.ui.links import linked_choice
from wavenames.ui.live_plot import live_plot
from wavenames.ui.words import plain

LETTERS = 27
"""Letters that the sizes of rows not yet trained are worked out for, the end mark among them."""
LOSSES: tuple[tuple[str, Part], ...] = (
    *(("lecture", part) for part in PARTS), ("lecture", "unseen"), ("unique", "validation"), ("unique", "test"),
)  # fmt: skip
"""Split and part of each column of losses."""
EXPLAINED = {
    "parameters": "Numbers that training sets, or counts that are kept.",
    "context": "Letters that can matter for the next one.",
    "seconds": "Of the fastest training, on the machine of the table, which also did other things.",
    "train": "Names that the model learned from.",
    "validation": "Chooses between models.",
    "test": "Measured once, at the end; chooses nothing.",
    "unseen": "Validation names that do not stand in train as well.",
    "others": "Validation losses as the notebook and the lectures print them, on the lecture split.",
}


def of_list() -> tuple[list[Row], tuple[Published, ...]]:
    """The rows that ship for one list, and what others have printed for it."""
    by_list: dict[str, list[Entry]] = {MAKEMORE.sha256: []}
    for entry in shipped():
        key = entry.run.data.names
        by_list.setdefault(MAKEMORE.sha256 if MAKEMORE.is_digest(key) else key, []).append(entry)
    titles = {digest: entries[-1].list_title if entries else MAKEMORE.title for digest, entries in by_list.items()}
    chosen = MAKEMORE.sha256
    if len(titles) > 1:
        chosen = linked_choice("Measured on", titles, key="results_of")
    else:
        st.caption(f"Measured on {plain(titles[chosen])}.")
    return rows(by_list[chosen]), published(chosen)


# ------------------------------------------------------------------------------------------------------ the table


def table(found: Sequence[Row], theirs: Sequence[Published]) -> None:
    """Every rung with its losses, dashes where nothing was trained yet."""
    st.header("The table", anchor=False)
    numbers = ("parameters", "context", "seconds", "train", "validation", "test", "unseen")
    config = {
        "model": st.column_config.TextColumn("Model", pinned=True, width=120),
        **{
            name: st.column_config.TextColumn(name.capitalize(), alignment="right", help=EXPLAINED[name])
            for name in numbers
        },
        "others": st.column_config.TextColumn("Validation", width=200, help=EXPLAINED["others"]),
    }
    st.dataframe(
        frame(found, theirs), hide_index=True, height="content", placeholder="–", column_config=config,
        alt="Models of the ladder with their losses, mean and spread over seeds",
    )  # fmt: skip
    notes = list(remarks(found))
    if notes:
        st.caption(" ".join(notes))
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV", csv(found, theirs), "wavenames-results.csv", "text/csv", icon=":material/download:",
            on_click="ignore", key="results_csv",
        )  # fmt: skip
    if theirs:
        with st.expander("All that others have printed"):
            _others(theirs)


def _others(theirs: Sequence[Published]) -> None:
    """The losses of others as they print them, dashes where they print none."""
    lines = [
        {"Model": each.row, "Printed by": each.source, **{part.capitalize(): getattr(each, part) for part in PARTS},
         "Of": each.note or "the lecture split"}
        for each in theirs
    ]  # fmt: skip
    st.dataframe(
        pd.DataFrame(lines), hide_index=True, height="content", placeholder="–",
        column_config={part.capitalize(): st.column_config.NumberColumn(format="%.3f") for part in PARTS},
        alt="Losses as the notebook, the lectures and makemore print them",
    )  # fmt: skip


def frame(found: Sequence[Row], theirs: Sequence[Published]) -> pd.DataFrame:
    """The table as text, with the splits over their columns; a row for each rung, trained or not."""
    by_name = {row.name: row for row in found}
    lines = [_line(name, by_name.get(name), theirs) for name in dict.fromkeys((*ROWS, *by_name))]
    return pd.DataFrame(lines, columns=pd.MultiIndex.from_tuples(lines[0]))


def _line(name: str, row: Row | None, theirs: Sequence[Published]) -> dict[tuple[str, str], str | None]:
    config = PRESETS[name].model
    untrained = build(config, LETTERS)
    parameters = row.parameters if row else untrained.parameter_count
    context = row.receptive_field if row else untrained.receptive_field
    printed = [f"{each.source}: {each.validation:.3f}" for each in theirs if each.row == name and each.validation]
    line: dict[tuple[str, str], str | None] = {(" ", "model"): f"{FAMILIES[config.family].glyph} {name}"}
    for split, part in LOSSES:
        figure = row.losses.get((split, part)) if row else None
        line[f"{split} split", part] = None if figure is None else str(figure)
    return line | {
        ("size and time", "parameters"): f"{parameters:,}" if parameters else None,
        ("size and time", "context"): "all" if context > LIST_LIMITS.max_length else str(context),
        ("size and time", "seconds"): f"{row.seconds:,.0f}" if row else None,
        ("printed by others", "others"): ", ".join(printed) or None,
    }


def remarks(found: Sequence[Row]) -> Iterator[str]:
    """What a reader should know of single rows, a sentence each."""
    missing = [name for name in ROWS if name not in {row.name for row in found}]
    if missing:
        yield f"Not trained yet: {', '.join(missing)}; `python -m wavenames table --names makemore` trains them."
    early = [row.name for row in found if not row.current]
    if early:
        yield f"Trained with an earlier recipe than the preset has now: {', '.join(early)}."
    for row in found:
        if row.told:
            yield row.told
        if row.diverged:
            yield (
                f"Of {row.name}, {row.diverged} of {row.trainings} trainings ran away and count with their last good "
                "weights."
            )


def csv(found: Sequence[Row], theirs: Sequence[Published]) -> str:
    """The table for a spreadsheet: a line for each row of ours and of others, means and spreads with all digits."""
    lines: list[dict[str, object]] = []
    for row in found:
        line: dict[str, object] = {
            "model": row.name, "source": "wavenames", "parameters": row.parameters, "context": row.receptive_field,
            "told": "+".join(row.conditions), "steps": row.steps, "seeds": row.seeds, "seconds": row.seconds,
        }  # fmt: skip
        for (split, part), figure in row.losses.items():
            line |= {f"{split} {part}": figure.mean, f"{split} {part} spread": figure.spread}
        lines.append(line)
        lines += [
            {
                "model": each.row, "source": each.source, "parameters": each.parameters,
                "context": each.receptive_field, "note": each.note,
                **{f"lecture {part}": getattr(each, part) for part in PARTS},
            }
            for each in theirs
            if each.row == row.name
        ]  # fmt: skip
    return pd.DataFrame(lines).to_csv(index=False)


# ------------------------------------------------------------------------------------------------------- the dots


def losses(found: Sequence[Row], theirs: Sequence[Published]) -> None:
    """Validation losses of both splits, with what others have printed."""
    st.header("Validation loss, from counting up", anchor=False)
    if not found:
        st.markdown("No row is trained yet; each stands here as soon as it is.")
        return
    marks = dots(found, theirs)
    count = len({dot.row for dot in marks})
    live_plot(
        dot_plot(marks, "validation loss, nats per letter"), key="results", height=90 + 30 * count,
        text=dots_text(marks, "Validation loss, nats per letter, mean ± spread over seeds"),
    )  # fmt: skip


def dots(found: Sequence[Row], theirs: Sequence[Published]) -> list[Dot]:
    """A full dot for the lecture split, a hollow one for unique, a grey line for each figure of others."""
    ours = [
        Dot(row.name, f"{split} split", row.family, figure.mean, figure.spread, hollow=split == "unique")
        for row in found
        for split in SPLITS
        if (figure := row.losses.get((split, "validation"))) is not None
    ]
    names = {row.name for row in found}
    printed = [
        Dot(each.row, "printed by others, lecture split", None, each.validation, note=each.source)
        for each in theirs
        if each.validation is not None and each.row in names
    ]
    return ours + printed


# ---------------------------------------------------------------------------------------------------- the summary


def findings(found: Sequence[Row], theirs: Sequence[Published]) -> None:
    """What each idea bought, by topic, each sentence with the rows it rests on."""
    st.header("What each idea bought", anchor=False)
    st.markdown(
        "The summary that the notebook left open. Each sentence holds two rows of the table against each other by "
        "their mean validation loss, nats per letter. It says *bought* or *cost* only of a difference beyond the "
        "spread: the two ranges, mean ± spread over seeds, must not touch. That is chance in training alone; other "
        "names would move a difference by some 0.004 (its standard error over names, see Compare), so that less than "
        "0.01 proves little."
    )
    sentences = summary(found, theirs)
    for topic, group in itertools.groupby(sentences, lambda finding: finding.topic):
        st.subheader(topic, anchor=False)
        for finding in group:
            printed = f". Printed by others: {finding.printed}" if finding.printed else ""
            st.markdown(f"{plain(finding.sentence)}  \n:small[{plain(finding.evidence + printed)}.]")
    waiting = len(QUESTIONS) - len(sentences)
    if waiting:
        st.caption(f"{waiting} of {len(QUESTIONS)} sentences wait for rows that are not trained yet.")
