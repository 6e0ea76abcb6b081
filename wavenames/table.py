"""The notebook's table, finished: each rung of the ladder, trained from several seeds on both splits.

A finished training is one `Entry`, one line of JSON in a file that only ever grows: the work can be interrupted and
taken up, and several processes can share a file. An entry holds the whole configuration that it was trained with, so
that a changed recipe trains anew and an unchanged one is taken. Losses are nats per letter.
"""

from __future__ import annotations

import math
import os
import statistics
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Literal

import torch
from pydantic import ValidationError

from wavenames.comparison import loss_floor, seen_and_unseen, target_leak
from wavenames.config import (
    COUNTED,
    PRESETS,
    DataConfig,
    Refusal,
    RunConfig,
    Settings,
    choices,
    conditions_of,
    shown_path,
)
from wavenames.models import build
from wavenames.names import MAKEMORE, NameList, Packed, Vocabulary, digest, split
from wavenames.training import Trainer, best_device, evaluate, seconds_a_step

ROWS = (
    "bigram", "kn-5", "mlp-3", "mlp-3-bn", "mlp-8", "mlp-8-bn", "mlp-8-76k", "tree-22k", "tree-76k", "dilated-76k",
    "wavenet-s", "wavenet-m-tanh", "wavenet-m", "wavenet-l", "gru-128", "gru-384", "gru-384-sex", "transformer",
)  # fmt: skip
"""The presets of the table, each trained by its own recipe, from counting up."""
SEEDS = (1, 2, 3)
SPLITS = choices(DataConfig, "split")
Part = Literal["train", "validation", "test", "seen", "unseen"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
SHIPPED = files(__package__) / "data" / "table.jsonl"
"""The entries that ship: numbers, no names."""
TRIED = 2000
"""Names with which the time of a step is tried out."""


class Entry(Settings):
    """One training and what it came to."""

    run: RunConfig
    """All that decides the numbers; `data.names` is `digest` of the list, with the labels that the model is told."""
    list_title: str
    parameters: int
    receptive_field: int
    steps: int
    seconds: float
    """Of training alone, on `threads` threads of whatever machine it was."""
    threads: int
    device: str
    train: float
    validation: float
    test: float
    seen: float | None
    """On the validation names that stand in train too; None where there are none."""
    unseen: float | None
    diverged: bool = False


# ------------------------------------------------------------------------------------------------- what to train


def wanted(
    names: NameList | None,
    rows: Iterable[str] | None = None,
    seeds: Sequence[object] = SEEDS,
    splits: Iterable[str] = SPLITS,
    steps: object = None,
) -> list[RunConfig]:
    """Every training of the table, row by row; a model that counts has no dice and is trained from the first seed.

    `names` None stands for makemore's list, whose digests are known without it; `rows` None for all of `ROWS` that
    the list has the labels for.
    `steps` takes the place of each recipe's own number, for a quick look.

    Raises:
        Refusal: a row that is no preset, an unknown split, a seed or steps out of bounds.
    """
    splits = list(splits)
    if rows is None:
        rows = [row for row in ROWS if names is None or names.labels.keys() >= {*conditions_of(PRESETS[row].model)}]
    runs = []
    for row in rows:
        counted = row in PRESETS and PRESETS[row].model.family in COUNTED
        words = {} if counted or steps is None else {"steps": steps}
        kinds = conditions_of(PRESETS[row].model) if row in PRESETS else ()
        key = MAKEMORE.sha256_told if kinds else MAKEMORE.sha256
        if names is not None:
            key = digest(names.names, {kind: names.labels[kind] for kind in kinds if kind in names.labels})
        for seed in seeds[:1] if counted else seeds:
            for kind in splits:
                words |= {"preset": row, "split": kind, "seed": seed, "names": key}
                runs.append(RunConfig.from_flat(words))
    return runs


class Training:
    """One training of the table on its way: run `trainer`, then ask for the `entry`."""

    def __init__(self, run: RunConfig, names: NameList) -> None:
        """Refuses a list that does not know what the model is to be told."""
        device, vocabulary = best_device(), Vocabulary.of(names.names)
        self.run, self.names = run, names
        labels = names.label_rows(conditions_of(run.model))
        self.parts = split(names.names, run.data.split, labels=labels, seed=run.data.split_seed)
        self.packed = {
            part: Packed(getattr(self.parts, part), vocabulary, device, self.parts.labels.get(part)) for part in PARTS
        }
        model = build(run.model, vocabulary.size, run.seed).to(device)
        self.trainer = Trainer(model, self.packed["train"], self.packed["validation"], run.recipe, run.seed)

    @property
    def leak(self) -> str | None:
        """What is to be said where the train loss is lower than any model of this context can reach; else None."""
        context = self.trainer.model.receptive_field
        return target_leak(self.entry.train, loss_floor(self.packed["train"], context), context)

    @cached_property
    def entry(self) -> Entry:
        """The trained model, measured on every part."""
        model, trainer = self.trainer.model, self.trainer
        found = {part: evaluate(model, packed) for part, packed in self.packed.items()}
        seen, unseen = seen_and_unseen(found["validation"], self.parts.validation, self.parts.train)
        made = MAKEMORE.is_digest(self.run.data.names)
        return Entry(
            run=self.run, list_title=MAKEMORE.title if made else self.names.title,
            parameters=model.parameter_count, receptive_field=model.receptive_field,
            steps=trainer.step, seconds=trainer.seconds, threads=torch.get_num_threads(), device=model.device.type,
            seen=_known(seen[0]), unseen=_known(unseen[0]), diverged=trainer.diverged,
            train=found["train"].loss, validation=found["validation"].loss, test=found["test"].loss,
        )  # fmt: skip


def reckoned_seconds(run: RunConfig, names: NameList) -> float:
    """How long the training will take here, by a few steps that are tried out. Refuses a list as `Training` does."""
    vocabulary, device = Vocabulary.of(names.names), best_device()
    labels = names.label_rows(conditions_of(run.model))
    packed = Packed(names.names[:TRIED], vocabulary, device, labels and labels[:TRIED])
    model = build(run.model, vocabulary.size, run.seed).to(device)
    seconds = run.recipe.steps * seconds_a_step(model, packed, run.recipe)
    return min(seconds, run.recipe.seconds or math.inf)


# ------------------------------------------------------------------------------------------------- what is kept


def read(path: Path) -> list[Entry]:
    """The entries of a file, oldest first; none if it is not there yet.

    Raises:
        Refusal: it can't be read, or a line is no entry.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeError) as error:
        raise Refusal(f"The table's file '{shown_path(path)}' can't be read ({error}).") from error
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError as error:
            raise Refusal(f"Line {number} of '{shown_path(path)}' is no entry of the table; take it out.") from error
    return entries


def keep(path: Path, entry: Entry) -> None:
    """Add an entry to a file: in one write at its end, so that processes which share the file don't mix their lines.

    Raises:
        Refusal: the file can't be written.
    """
    line = f"{entry.model_dump_json()}\n".encode()
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            written = os.write(file, line)
        finally:
            os.close(file)
    except OSError as error:
        raise Refusal(f"Out is '{shown_path(path)}', which can't be written ({error.strerror}).") from error
    if written < len(line):
        raise Refusal(
            f"Out is '{shown_path(path)}', which can't be written (the disk is full); take out its last line."
        )


def shipped() -> list[Entry]:
    """The entries that ship."""
    return read(Path(str(SHIPPED)))


def find(entries: Iterable[Entry], run: RunConfig) -> Entry | None:
    """The latest training with exactly this configuration, list and seed; None if there is none.

    Settings that are younger than an entry count as their defaults.
    """
    return next((entry for entry in reversed(list(entries)) if entry.run == run), None)


# ---------------------------------------------------------------------------------------------- what is shown


@dataclass(frozen=True)
class Figure:
    """A number over seeds."""

    mean: float
    spread: float | None
    """Sample standard deviation over seeds; 0 where no dice are thrown, None from one seed."""
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.spread:.3f}" if self.spread else f"{self.mean:.3f}"


@dataclass(frozen=True)
class Row:
    """One rung of the ladder on both splits."""

    name: str
    """Of the preset."""
    family: str
    parameters: int
    receptive_field: int
    steps: int
    optimiser: str
    batching: str
    """Both as in `RecipeConfig`."""
    dropout: float
    """Share of numbers; 0 of a model that knows none."""
    conditions: tuple[str, ...]
    """What the model is told of each name, also where it is measured."""
    seconds: float
    """Of the fastest training: beside the others the machine had more to do."""
    seeds: int
    trainings: int
    """On both splits together."""
    losses: dict[tuple[str, Part], Figure]
    """Nats per letter by (split, part); what was not trained is not in it."""
    diverged: int
    """Trainings that ran away."""
    current: bool
    """Whether the preset's recipe still is the one that the figures come from."""

    @property
    def told(self) -> str:
        """A sentence for a row that stands among others that are told nothing; else empty."""
        if not self.conditions:
            return ""
        return (
            f"{self.name} is told the {' and the '.join(self.conditions)} of each name that it is measured on; "
            "on the unique split a name that has several is measured with each."
        )


def rows(entries: Sequence[Entry]) -> list[Row]:
    """Entries of one list, put together over seeds, in the order of `ROWS`; each with its latest configuration."""
    order = {name: place for place, name in enumerate(dict.fromkeys((*ROWS, *PRESETS)))}
    names = sorted({entry.run.preset for entry in entries}, key=lambda name: order[name])
    return [_row(name, [entry for entry in entries if entry.run.preset == name]) for name in names]


def _row(name: str, entries: Sequence[Entry]) -> Row:
    by_split = {kind: _latest([e for e in entries if e.run.data.split == kind]) for kind in SPLITS}
    every = [entry for kept in by_split.values() for entry in kept]
    first = every[0]
    usual = RunConfig.from_flat({"preset": name})
    return Row(
        name=name, family=first.run.model.family, parameters=first.parameters, receptive_field=first.receptive_field,
        steps=first.steps, optimiser=first.run.recipe.optimiser, batching=first.run.recipe.batching,
        dropout=getattr(first.run.model, "dropout", 0.0), conditions=conditions_of(first.run.model),
        seconds=min(entry.seconds for entry in every),
        seeds=max(map(len, by_split.values())), trainings=len(every),
        losses={
            (kind, part): _figure(numbers, exact=first.run.model.family in COUNTED)
            for kind, kept in by_split.items()
            for part in typing.get_args(Part)
            if (numbers := [number for entry in kept if (number := getattr(entry, part)) is not None])
        },
        diverged=sum(entry.diverged for entry in every),
        current=all((e.run.model, e.run.recipe) == (usual.model, usual.recipe) for e in every),
    )  # fmt: skip


def _latest(entries: Sequence[Entry]) -> list[Entry]:
    """Of trainings of one preset on one split, those with the latest one's configuration, one a seed."""
    if not entries:
        return []
    run = entries[-1].run
    return list({e.run.seed: e for e in entries if e.run.changed(seed=run.seed) == run}.values())


def _figure(numbers: Sequence[float], *, exact: bool) -> Figure:
    spread = statistics.stdev(numbers) if len(numbers) > 1 else 0.0 if exact else None
    return Figure(statistics.fmean(numbers), spread, len(numbers))


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number


# -------------------------------------------------------------------------------------------------- published


@dataclass(frozen=True)
class Published:
    """A row that others have printed, on the lecture split of makemore's list unless `note` says otherwise."""

    row: str
    """The preset that it stands beside."""
    source: str
    parameters: int | None
    receptive_field: int
    train: float | None
    validation: float | None
    test: float | None
    note: str = ""


PUBLISHED = (
    Published("mlp-3", "notebook", None, 3, 2.0001, 2.1003, 2.0939),
    Published("mlp-3", "lecture 3", 11_897, 3, 2.036, 2.103, None),
    Published("mlp-3-bn", "notebook", None, 3, 2.0006, 2.1081, 2.1040),
    Published("mlp-3-bn", "lecture 3", 12_097, 3, 2.067, 2.105, None),
    Published("mlp-8", "notebook", None, 8, 1.750, 2.0525, 2.051),
    Published("mlp-8-bn", "notebook", None, 8, 1.8535, 2.0408, 2.0409),
    Published("mlp-8-bn", "lecture 5", 22_097, 8, 1.918, 2.027, None),
    Published("tree-22k", "lecture 5", 22_397, 8, 1.912, 2.022, None),
    Published("tree-76k", "lecture 5", 76_579, 8, 1.769, 1.9937, None),
    Published(
        "transformer", "makemore", 204_544, 16, None, None, 1.92,
        "on makemore's own test of 1,000 names, which also chose the checkpoint",
    ),
)  # fmt: skip
"""What the notebook, makemore's lectures (https://karpathy.ai/zero-to-hero.html) and its README print."""


def published(list_digest: str) -> tuple[Published, ...]:
    """The printed rows that may stand beside trainings on this list: all for makemore's, none for any other."""
    return PUBLISHED if list_digest == MAKEMORE.sha256 else ()
