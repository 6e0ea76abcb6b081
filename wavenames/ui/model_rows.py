"""Every model and run as one kind of row: what the Compare page shows, sorts and holds side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from wavenames.checkpoints import shipped
from wavenames.config import DataConfig, Refusal, RunConfig, conditions_of, field_label, flat_fields
from wavenames.figures.colours import FAMILIES
from wavenames.store import UNFINISHED, Run
from wavenames.ui.session import checkpoint, find_list, lists, model, scheduler, store, titles_at_hand, uploaded
from wavenames.ui.spreadsheet import csv_text


@dataclass(frozen=True)
class Row:
    """A run of this server, a model that ships, or a visitor's file. Losses are nats per letter."""

    key: str
    """A run's id, a preset's name, or the key of a file."""
    title: str
    """Distinct, as `titles_at_hand` has it."""
    family: str
    config: RunConfig | None
    """None where another version of wavenames wrote a configuration that this one can't read."""
    is_run: bool
    status: str
    list_title: str
    parameters: int | None
    train: float | None
    validation: float | None
    test: float | None
    step: int
    steps: int
    seconds: float
    created: datetime | None

    @property
    def moving(self) -> bool:
        """Whether its numbers will change without anyone doing anything."""
        return self.status in ("queued", "running")

    @property
    def open(self) -> str:
        """The Train page, at this run, or at the settings of a model that was trained elsewhere."""
        return "train?" + (f"run={self.key}" if self.is_run or not self.config else urlencode(self.config.flat()))

    @property
    def sample(self) -> str | None:
        """The Sample page with this model, if it is there to be sampled."""
        there = not self.is_run or store().checkpoint_path(self.key).exists()
        return f"sample?sample_model={self.key}" if there else None


def model_rows() -> list[Row]:
    """All of them: runs of this server, newest first, then this visitor's files and the models that ship."""
    runs = store().runs()
    titles = titles_at_hand(runs)
    rows = [
        *(_of_run(run) for run in runs),
        *(_of_model(key, "your file") for key in uploaded()),
        *(_of_model(key, "ships") for key in shipped()),
    ]
    return [replace(row, title=titles[row.key]) for row in rows]


def _of_run(run: Run) -> Row:
    try:
        config = run.configuration()
    except Refusal:
        config = None
    row = Row(
        run.id, run.title, run.family, config, True, run.status, list_title(config.data.names) if config else "",
        run.parameters, run.train, run.validation, run.test, run.step, run.steps, run.seconds, run.created,
    )  # fmt: skip
    return row if config is None or run.status in ("finished", "stopped") else _as_of_now(row)


def _as_of_now(row: Row) -> Row:
    """A run that has not ended well has no losses of its final weights; the last validation stands for them."""
    try:
        run = scheduler().snapshot(row.key)
    except Refusal:  # deleted a moment ago
        return row
    validation = float(run.validation.loss[-1]) if len(run.validation.loss) else None
    return replace(
        row, status=run.status, parameters=run.parameters, validation=validation, step=run.step, seconds=run.seconds
    )  # fmt: skip


def _of_model(key: str, status: str) -> Row:
    kept = checkpoint(key)
    run, results = kept.run, kept.results
    return Row(
        key, kept.title, run.model.family, run, False, status, results.list_title or list_title(run.data.names),
        model(key).parameter_count, results.train, results.validation, results.test, results.steps, run.recipe.steps,
        results.seconds, None,
    )  # fmt: skip


def list_title(list_id: str) -> str:
    """The title under which this visitor knows a list, or its id where this server no longer has it."""
    return lists().get(list_id) or _title_here(list_id)


@st.cache_data(show_spinner=False, max_entries=1000)
def _title_here(list_id: str) -> str:
    """The title that a list was brought under first, which is the same for all visitors."""
    try:
        return find_list(list_id).title
    except Refusal:
        return list_id


def usual(rows: Sequence[Row]) -> list[str]:
    """Keys of the two rows that stand side by side before anyone chooses: the latest runs, then the best models.

    Both were measured on the same names: those of the latest run that has any row beside it, else most models' names.
    """
    measured = [row for row in rows if row.validation is not None]
    runs, models = ([row for row in measured if row.is_run is one] for one in (True, False))
    best = sorted(models, key=lambda row: row.validation or 0.0)
    inclined = [*runs, *next(iter(by_data(best).values()), [])]
    alike = by_data([*runs, *best]).values()
    first = next((group for row in inclined for group in alike if row in group and len(group) > 1), inclined)
    return [row.key for row in first[:2]]


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a table, one column for each thing to compare them by. A phone shows the first two."""
    return pd.DataFrame(
        {
            "title": [row.title for row in rows],
            "validation": pd.array([row.validation for row in rows], "Float64"),
            "train": pd.array([row.train for row in rows], "Float64"),
            "test": pd.array([row.test for row in rows], "Float64"),
            "open": [row.open for row in rows],
            "sample": [row.sample for row in rows],
            "status": [status(row) for row in rows],
            "family": [[f"{FAMILIES[row.family].glyph} {row.family}"] for row in rows],
            "parameters": pd.array([row.parameters for row in rows], "Int64"),
            "split": [row.config.data.split if row.config else "" for row in rows],
            "list": [row.list_title for row in rows],
            "model": [row.config.preset if row.config else "" for row in rows],
            "steps": [row.step for row in rows],
            "seconds": [row.seconds for row in rows],
            "created": pd.Series([row.created for row in rows], dtype="datetime64[s, UTC]"),
        }
    )


def status(row: Row) -> str:
    """A row's status in words, with how far it has come while it is not finished."""
    if row.status not in UNFINISHED or row.status == "queued":
        return row.status
    return f"{row.status}, {row.step / max(row.steps, 1):.0%}"


def csv(rows: Sequence[Row]) -> str:
    """The table for a spreadsheet; no title in it is taken for a formula."""
    table = frame(rows).drop(columns=["open", "sample"])
    table["family"] = [row.family for row in rows]
    return csv_text(table, "title", "list")


def differences(rows: Sequence[Row]) -> pd.DataFrame:
    """The settings in which rows differ: a line for each field, a column for each row; "–" where a model has none."""
    settings = {row.title: fields(row.config) for row in rows if row.config is not None}
    every = dict.fromkeys(field for each in settings.values() for field in each)
    differing = {
        field_label(field): {title: each.get(field, "–") for title, each in settings.items()}
        for field in every
        if len({each.get(field) for each in settings.values()}) > 1
    }
    return pd.DataFrame.from_dict(differing, orient="index").rename_axis("Setting")


def fields(config: RunConfig) -> dict[str, str]:
    """All that a run is made of, as words by the field's name."""
    parts = (config.model, config.recipe, config.data)
    found = {"preset": config.preset, "family": config.model.family, "recipe": config.recipe.recipe}
    for part in parts:
        found |= {name: words(getattr(part, name)) for name in flat_fields(type(part))}
    found["names"] = list_title(config.data.names)
    return found | {"seed": str(config.seed)}


def words(value: object) -> str:
    """A setting as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class MeasuredOn:
    """The names that a loss is of: a list, split in some way, and on a unique split the labels that are told.

    A unique split has a row for each of a name's labels, so that its rows differ with what a model is told; a lecture
    split has the rows of the list, whoever is told what.
    """

    data: DataConfig
    conditions: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: RunConfig) -> MeasuredOn:
        return cls(config.data, conditions_of(config.model) if config.data.split == "unique" else ())

    def __str__(self) -> str:
        told = f", a row for each {' and '.join(self.conditions)} of a name" if self.conditions else ""
        return f"{data_in_words(self.data)}{told}"


def by_data(rows: Sequence[Row]) -> dict[MeasuredOn, list[Row]]:
    """Rows whose losses can be compared: those measured on the same names. The largest group first."""
    groups: dict[MeasuredOn, list[Row]] = {}
    for row in rows:
        if row.config is not None:
            groups.setdefault(MeasuredOn.of(row.config), []).append(row)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def data_in_words(data: DataConfig) -> str:
    """List and split, as in "US births of 2018, lecture split", with the seed of the shuffle if it is unusual."""
    seed = "" if data.split_seed == DataConfig().split_seed else f" with seed {data.split_seed}"
    return f"{list_title(data.names)}, {data.split} split{seed}"
