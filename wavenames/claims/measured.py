"""All that the four claims are held against, measured on trained models of one list and split.

What ships was measured by `python -m wavenames claims --out wavenames/data/claims.json`.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from wavenames.claims import quality, rates
from wavenames.config import CLAIM_LIMITS, PRESETS, DataConfig, Refusal, RunConfig, Settings, shown, shown_path
from wavenames.models import Model, build
from wavenames.names import Packed, Split, Vocabulary
from wavenames.probes.context import ContextCurve, context_curve
from wavenames.probes.work import multiply_adds
from wavenames.training import mean_and_error

SHIPPED = Path(__file__).parent.parent / "data" / "claims.json"
FUSING = ("mlp-8-bn", "tree-22k", "mlp-8-76k", "tree-76k", "dilated-76k")
"""Presets of eight letters whose work is counted: squeezed at once, fused pair by pair, fused at every place."""
LONGEST = 16
"""Letters visible up to which a loss is measured, or more where names are longer, as far as `CLAIM_LIMITS` allow."""
COUNTED = 2000
"""Names on which work is counted."""
MODELS = 0.6
"""The share of the time that is for the models, the rest is for the race of rates."""
CONTEXT = 0.6
"""Of a model's time, the share that is for fewer letters, the rest is for names."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained model under its title, and how it was trained."""

    title: str
    model: Model
    run: RunConfig

    @property
    def family(self) -> str:
        return str(self.model.config.family)  # type: ignore[attr-defined]

    @property
    def label(self) -> str:
        """The title, and that a model which could be told something of a name is told nothing here."""
        return f"{self.title}, told nothing" if self.model.conditions else self.title


class Curve(Settings):
    """The loss of one model on the validation names, against letters visible; nats per letter."""

    title: str
    family: str
    parameters: int
    steps: int
    optimiser: str
    batching: str
    dropout: float
    """How it was trained, as in its configuration."""
    layers: int | None
    """Dilated layers, for a model that is built of them."""
    visible: tuple[int, ...]
    losses: tuple[float, ...]
    worth: tuple[float, ...]
    """How much lower the loss is with all letters visible: what the hidden ones are worth to this model."""
    error: tuple[float, ...]
    """Standard error of that, over names: both losses are of the same ones."""

    def at(self, visible: int) -> tuple[float, float]:
        """What lies more than so many letters back is worth, and its standard error."""
        place = self.visible.index(visible)
        return self.worth[place], self.error[place]

    @property
    def loss(self) -> float:
        """With all letters visible."""
        return self.losses[-1]


class Generated(Settings):
    """What a model generates."""

    title: str
    family: str
    quality: quality.Quality


class Work(Settings):
    """What a preset computes."""

    preset: str
    family: str
    parameters: int
    multiply_adds: float
    """For each letter that it predicts."""


class Measured(Settings):
    """Everything, on the validation names of one split of one list."""

    data: DataConfig
    list_title: str
    names: int
    """Validation names, on which losses are measured."""
    left_out: tuple[int, int] = (0, 0)
    """Train and validation names of a long list that took no part, those last in the order of the shuffle."""
    hidden: tuple[float, ...]
    """The share of targets from which something is hidden, by letters visible as in every curve."""
    curves: tuple[Curve, ...]
    work: tuple[Work, ...]
    generated: tuple[Generated, ...]
    real: quality.Quality
    rates: rates.Rates


class Measurement:
    """Of trained models that learned from the train names of `parts`, which are those that `data` describes.

    Run it to its end, with a look at the clock or at whoever may stop it between two steps; then ask for what was
    `found`.
    """

    found: Measured

    def __init__(
        self, subjects: Sequence[Subject], parts: Split, vocabulary: Vocabulary, data: DataConfig, list_title: str
    ) -> None:
        self.subjects, self.parts, self.vocabulary = subjects, parts, vocabulary
        self.data, self.list_title = data, list_title

    def run(self) -> Iterator[tuple[float, str]]:
        """How far it has come, from 0 to 1, and what comes next.

        Raises:
            Refusal: what a model says of the names is no finite number.
        """
        parts, vocabulary = self.parts, self.vocabulary
        limits = CLAIM_LIMITS
        known = _within(parts.train, limits.max_train_names, limits.max_train_numbers, vocabulary)
        tested = _within(parts.validation, limits.max_validation_names, limits.max_validation_numbers, vocabulary)
        train, validation = Packed(known, vocabulary), Packed(tested, vocabulary)
        yardstick, race = quality.Yardstick.of(parts, vocabulary), rates.Race(train)
        everything = max(LONGEST, int(validation.lengths.max()))
        visible = (*range(1, min(everything, limits.max_visible + 1)), everything)
        curves, generated = [], []
        for i, subject in enumerate(self.subjects):
            curves.append(_curve(subject, (yield from self._fewer_letters(i, train, validation, visible))))
            yield MODELS * (i + CONTEXT) / len(self.subjects), f"Names from {subject.title}"
            names = quality.generated(subject.model, yardstick)
            generated.append(Generated(title=subject.label, family=subject.family, quality=names))
        for turn in range(race.turns):
            yield MODELS + (1 - MODELS) * turn / race.turns, "Parallel against recurrent, in turn"
            race.turn()
        self.found = Measured(
            data=self.data, list_title=self.list_title, names=len(validation),
            left_out=(len(parts.train) - len(known), len(parts.validation) - len(tested)),
            hidden=tuple(float((validation.positions >= k).double().mean()) for k in visible), curves=tuple(curves),
            work=tuple(_work(Packed(known[:COUNTED], vocabulary))), generated=tuple(generated),
            real=quality.real(parts, yardstick), rates=race.rates,
        )  # fmt: skip

    def _fewer_letters(
        self, i: int, train: Packed, validation: Packed, visible: Sequence[int]
    ) -> Generator[tuple[float, str], None, ContextCurve]:
        """The curve of subject i, on its way as `run` says it."""
        model, doing = self.subjects[i].model, f"What {self.subjects[i].title} makes of fewer letters"
        curve = context_curve(model, train, validation, visible)
        while True:
            try:
                share = next(curve)
            except StopIteration as end:  # as `yield from` does it, which would hand on the bare shares
                return cast(ContextCurve, end.value)
            yield MODELS * (i + CONTEXT * share) / len(self.subjects), doing


def _within(names: Sequence[str], most: int, numbers: int, vocabulary: Vocabulary) -> Sequence[str]:
    """The first so many `names`, fewer where their targets times letters would be more than `numbers`."""
    targets = itertools.accumulate(len(name) + 1 for name in names[:most])
    return names[: sum(each * vocabulary.size <= numbers for each in targets)]


def _curve(subject: Subject, found: ContextCurve) -> Curve:
    if not bool(found.per_name.isfinite().all()):
        raise Refusal(
            f"The model '{shown(subject.title)}' can't be measured: its loss on these names is not a finite number."
        )
    worth = [mean_and_error(row - found.per_name[-1], found.lengths, found.name_ids) for row in found.per_name]
    dilations = getattr(subject.model.config, "dilations", None)
    return Curve(
        title=subject.label, family=subject.family, parameters=subject.model.parameter_count,
        steps=subject.run.recipe.steps, optimiser=subject.run.recipe.optimiser,
        batching=subject.run.recipe.batching, dropout=getattr(subject.run.model, "dropout", 0.0),
        layers=None if dilations is None else len(dilations), visible=found.visible, losses=found.losses,
        worth=tuple(each for each, _ in worth), error=tuple(error for _, error in worth),
    )  # fmt: skip


def _work(names: Packed) -> Iterator[Work]:
    for preset in FUSING:
        config = PRESETS[preset].model
        model = build(config, names.vocabulary.size, seed=1)
        count = multiply_adds(model, names)
        yield Work(preset=preset, family=config.family, parameters=model.parameter_count, multiply_adds=count)


def read(path: Path) -> Measured:
    """What was measured before.

    Raises:
        Refusal: the file can't be read, or holds something else.
    """
    try:
        return Measured.model_validate_json(path.read_bytes())
    except OSError as error:
        raise Refusal(f"The claims' file '{path.name}' can't be read ({error.strerror}).") from error
    except ValidationError as error:
        raise Refusal(
            f"The claims' file '{path.name}' is none of this version; `python -m wavenames claims` makes a new one."
        ) from error


def write(path: Path, found: Measured) -> None:
    """Keep what was measured.

    Raises:
        Refusal: the file can't be written.
    """
    try:
        path.write_text(f"{found.model_dump_json(indent=1)}\n", encoding="utf-8")
    except OSError as error:
        raise Refusal(f"Out is '{shown_path(path)}', which can't be written ({error.strerror}).") from error
