"""The views of the Claims page: what was measured, measuring it here, and the four claims one by one."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wavenames.claims import measured
from wavenames.claims.measured import Measured, Measurement, Subject
from wavenames.claims.quality import DRAWS, NAMES, Spread
from wavenames.claims.rates import BATCH, LETTERS, SAMPLED
from wavenames.claims.verdicts import CLAIMS, FUSIONS, Claim, Verdict, verdicts
from wavenames.config import DataConfig, Refusal, conditions_of
from wavenames.figures.colours import FAMILIES
from wavenames.figures.dots import Dot, dot_plot, dots_text
from wavenames.figures.lines import ModelLine, lines_text, model_lines, outlines
from wavenames.names import MAKEMORE, Vocabulary
from wavenames.table import SPLITS, rows, shipped
from wavenames.table import Row as TableRow
from wavenames.ui.live_plot import live_plot
from wavenames.ui.model_rows import Row, data_in_words, model_rows
from wavenames.ui.session import checkpoint, find_list, find_split, model
from wavenames.ui.words import plain

SHARES = {"held_out": "Are held-out names", "train": "Stand in train", "new": "Are new", "unique": "Differ"}
"""Shares of quality in words."""
FOUND = "claims_measured"
"""Session key of what this visitor has measured."""
MOST = 12
"""Models measured at once."""
WAIT = 0.5
"""Seconds between two looks at whether another visitor has done."""
UNTOLD = "A model that can be told sex or year of birth is told neither here."
HEIGHT = 400
ICONS = {
    "holds": ":material/check_circle:", "holds in part": ":material/contrast:",
    "does not hold here": ":material/cancel:", "not measured yet": ":material/hourglass_empty:",
}  # fmt: skip


# ------------------------------------------------------------------------------------------------ what was measured


def at_hand() -> dict[DataConfig, list[Row]]:
    """The trained models by the data that they learned from, that of the models that ship first."""
    trained = [row for row in model_rows() if row.sample is not None]
    groups: dict[DataConfig, list[Row]] = {}
    for row in sorted(trained, key=lambda row: row.is_run):
        # All are told nothing here, so that one list and split is one group; who must be told can't be measured.
        if row.config is not None and (not conditions_of(row.config.model) or checkpoint(row.key).does_without):
            groups.setdefault(row.config.data, []).append(row)
    order = sorted(groups, key=lambda data: (data != DataConfig(), -len(groups[data])))
    return {data: groups[data][:MOST] for data in order}


def latest() -> Measured:
    """What this visitor has measured, else what ships. Refuses a file that can't be read."""
    mine: Measured | None = st.session_state.get(FOUND)
    return mine if mine is not None else measured.read(measured.SHIPPED)


def said_of(found: Measured) -> str:
    """What the figures come from, in a line."""
    here = "Measured here just now" if FOUND in st.session_state else "Measured before, with the models that ship"
    titles = ", ".join(curve.title for curve in found.curves)
    return f"{here}: {plain(titles)}. {plain(data_in_words(found.data))}."


@st.cache_resource(show_spinner=False)
def _turn() -> threading.Lock:
    """Held by who measures: two at once would only measure each other."""
    return threading.Lock()


def measure(data: DataConfig, chosen: Sequence[Row], place: DeltaGenerator) -> None:
    """Measure these models and keep what was found for this visitor; a bar in `place` says how far it has come.

    Whatever the visitor does on the page meanwhile, the Stop button above all, breaks in where the bar moves.

    Raises:
        Refusal: a model or the list is gone, or they don't go together.
    """
    names, parts = find_list(data.names), find_split(data)
    vocabulary = Vocabulary.of(names.names)
    for row in chosen:
        if checkpoint(row.key).vocabulary != vocabulary:
            raise Refusal(f"{row.title} was trained on other letters than those of {names.title}.")
    subjects = [Subject(row.title, model(row.key), checkpoint(row.key).run) for row in chosen]
    measurement = Measurement(subjects, parts, vocabulary, data, names.title)
    while not _turn().acquire(timeout=WAIT):
        place.progress(0.0, "Another visitor measures; it goes on after that")
    try:
        for share, doing in measurement.run():
            place.progress(share, plain(doing))
    finally:
        _turn().release()
    st.session_state[FOUND] = measurement.found


# ------------------------------------------------------------------------------------------------------- the claims


def claims(found: Measured) -> None:
    """The four, each with what the notebook says, what became of it, and the figures."""
    of_table = rows([entry for entry in shipped() if entry.run.data.names == MAKEMORE.sha256])
    became = verdicts(found, of_table)
    for claim in CLAIMS:
        _claim(claim, became[claim.key])
        if claim.key == "context":
            _context(found)
        elif claim.key == "fusion":
            _fusion(found, of_table)
        elif claim.key == "quality":
            _quality(found)
        else:
            _parallel(found)


def _claim(claim: Claim, verdict: Verdict) -> None:
    st.header(claim.title, anchor=False)
    st.markdown(f"The notebook: *{plain(claim.words)}*")
    word = verdict.word.capitalize()
    st.markdown(f"{ICONS[verdict.word]} **{word}.** {plain(verdict.sentence)}")


def _context(found: Measured) -> None:
    lines = [ModelLine(curve.title, curve.family, curve.losses) for curve in found.curves]
    visible, title = found.curves[0].visible, "Validation loss against letters visible, nats per letter"
    axes = "letters visible before the one to predict", "validation loss, nats per letter"
    live_plot(
        model_lines(lines, visible, axes, height=HEIGHT), key="claims_context", height=HEIGHT,
        text=lines_text(lines, visible, title),
    )  # fmt: skip
    st.caption(
        f"Over all targets of {found.names:,} validation names of {plain(data_in_words(found.data))}."
        f"{_left_out(found)} What is "
        "hidden is averaged over: with k letters visible, a model's answer is the mean of what it says wherever "
        "these k letters stand in the training names, each time after all that really came before them. (To cut the "
        "name there would tell the model that it begins there, which is untrue.) Where a line is flat, the model "
        f"makes nothing of more letters. {UNTOLD} Each model was trained by the recipe that suits it, so that a "
        "difference is one of model and recipe together."
    )


def _left_out(found: Measured) -> str:
    """That a long list was measured in part; nothing of any other."""
    if not any(found.left_out):
        return ""
    train, validation = found.left_out
    return f" The list is long: {train:,} of its train and {validation:,} of its validation names are left out here."


def _fusion(found: Measured, of_table: Sequence[TableRow]) -> None:
    names = dict.fromkeys(name for pair in FUSIONS for name in pair)
    by_name = {row.name: row for row in of_table}
    dots = [
        Dot(f"{name} ({row.parameters:,})", f"{split} split", row.family, loss.mean, loss.spread, split == "unique")
        for name in names
        if (row := by_name.get(name)) is not None
        for split in SPLITS
        if (loss := row.losses.get((split, "validation"))) is not None
    ]
    if dots:
        live_plot(
            dot_plot(dots, "validation loss, nats per letter"), key="claims_fusion",
            height=90 + 40 * len({dot.row for dot in dots}),
            text=dots_text(dots, "Validation loss at equal size, nats per letter, mean ± spread over seeds"),
        )  # fmt: skip
    work = pd.DataFrame(
        {
            "Model": [f"{FAMILIES[each.family].glyph} {each.preset}" for each in found.work],
            "Parameters": [each.parameters for each in found.work],
            "Multiply-adds a letter": [round(each.multiply_adds) for each in found.work],
        }
    )
    st.dataframe(
        work, hide_index=True, height="content", width="content", alt="What each of the models computes for a letter",
        column_config={name: st.column_config.NumberColumn(format="localized") for name in work.columns[1:]},
    )  # fmt: skip
    st.caption(
        f"Losses are rows of the results table, {plain(MAKEMORE.title)}, mean ± spread over seeds; in brackets "
        "the parameters. With shared weights, tree and dilated stack are the same function of eight letters, but the "
        "tree computes its 4 + 2 + 1 nodes anew for every letter, where the stack shares each with the letters that "
        "follow. Work is counted in the products of matrices, not timed."
    )


def _quality(found: Measured) -> None:
    every = [("real names", None, found.real), *((each.title, each.family, each.quality) for each in found.generated)]
    dots = [
        Dot(title, words, family, spread.mean, spread.spread, hollow)
        for title, family, each in every
        for words, spread, hollow in (
            ("lengths", each.length_distance, False), ("letter pairs", each.pair_distance, True),
        )
    ]  # fmt: skip
    live_plot(
        dot_plot(dots, "distance to held-out names"), key="claims_quality", height=100 + 34 * len(every),
        text=dots_text(dots, "Total variation distance to the held-out names, mean ± spread over draws"),
    )  # fmt: skip
    shares = pd.DataFrame(
        [
            {
                "Model": f"{FAMILIES[each.family].glyph} {each.title}",
                "Different held-out names": str(_whole(each.quality.hits)),
                **{words: _percent(getattr(each.quality, figure)) for figure, words in SHARES.items()},
            }
            for each in found.generated
        ]
    )
    right = {name: st.column_config.TextColumn(alignment="right") for name in shares.columns[1:]}
    st.dataframe(
        shares, hide_index=True, height="content", column_config=right, alt="What the names of each model are"
    )
    st.caption(
        f"{DRAWS} draws of {NAMES:,} names a model at temperature 1, nothing ruled out; mean ± spread over draws. "
        f"Held out are the validation and test names of {plain(data_in_words(found.data))}. The distance is total "
        "variation: half the sum of the differences between two distributions, 0 the same, 1 nothing in common. Real "
        "names are as many names of train, so that their distance is chance alone. "
        f"{UNTOLD}"
    )


def _percent(share: Spread) -> str:
    return f"{share.mean:.1%} ± {share.spread:.1%}"


def _whole(count: Spread) -> str:
    return f"{count.mean:.0f} ± {count.spread:.0f}"


def _parallel(found: Measured) -> None:
    race = found.rates
    lines = [ModelLine(rate.title, rate.family, rate.by_length) for rate in race.rates]
    axes = "letters in each name", "Targets a second, in training"
    live_plot(
        model_lines(lines, race.lengths, axes, height=HEIGHT, digits=",.0f"), key="claims_parallel", height=HEIGHT,
        text=lines_text(lines, race.lengths, "Targets a second in training, against the length of names", ",.0f"),
    )  # fmt: skip
    styles = [FAMILIES[rate.family] for rate in race.rates]
    glyphs = [style.outline if hollow else style.glyph for style, hollow in zip(styles, outlines(lines), strict=True)]
    table = pd.DataFrame(
        {
            "Model": [f"{glyph} {rate.title}" for glyph, rate in zip(glyphs, race.rates, strict=True)],
            "Parameters": [f"{rate.parameters:,}" for rate in race.rates],
            "Targets a second, in training": [f"{rate.training:,.0f}" for rate in race.rates],
            "Names a second, drawn": [f"{rate.sampling:,.0f}" for rate in race.rates],
        }
    )
    right = {name: st.column_config.TextColumn(alignment="right") for name in table.columns[1:]}
    st.dataframe(
        table, hide_index=True, height="content", column_config=right, alt="Rates of four models of one size"
    )
    st.caption(
        f"Forward, loss and backward on {BATCH} train names of {plain(data_in_words(found.data))}; for the chart on "
        f"as many targets in names of one length. Names drawn have {LETTERS} letters, {SAMPLED:,} at a time. All "
        f"four take turns on {race.threads} thread{'s' * (race.threads != 1)}; figures are medians of {race.rounds} "
        "rounds, in brackets the ratios between which the middle half of the rounds lies."
    )
