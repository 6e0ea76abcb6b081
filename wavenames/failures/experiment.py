"""One network that is broken and one that is not, trained in turn from one seed, measured and let write."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from wavenames.config import RunConfig, SamplingConfig
from wavenames.models import Model, build
from wavenames.names import Membership, Packed, Split, Vocabulary
from wavenames.probes.diagnoses import Diagnosis, Losses, diagnose
from wavenames.probes.health import Health, copied, examine
from wavenames.sampling import Sampled, sample
from wavenames.training import Evaluation, Point, Trainer, evaluate, mean_and_error

DRAWN, LONGEST = 400, 15
"""Names that each of the two writes, and the most letters of one: what has learned nothing would hardly stop."""
EXAMINED = 64
"""Train names on which the health of each is looked at."""
SURE = 2.0
"""Standard errors from which a difference between the twins is no chance."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two, trained and looked at."""

    config: RunConfig
    train: tuple[Point, ...]
    validation: tuple[Point, ...]
    evaluation: Evaluation
    """On all validation names."""
    names: tuple[Sampled, ...]
    health: tuple[Diagnosis, ...]
    diverged: bool

    @property
    def real(self) -> int:
        """How many of the names it writes stand on the list."""
        return sum(each.status != "new" for each in self.names)


@dataclass(frozen=True, eq=False)
class Found:
    """What came of an experiment. Losses are nats per letter on validation names."""

    sound: Side
    broken: Side
    frequencies: float
    """Loss of who knows only how frequent each letter is."""
    pairs: float
    """Loss of who counts letter pairs."""

    @property
    def gap(self) -> tuple[float, float]:
        """How much worse the broken one is, and the standard error of that, paired over names."""
        one, other = self.broken.evaluation, self.sound.evaluation
        return mean_and_error(one.per_name - other.per_name, one.lengths, one.name_ids)

    @property
    def worse(self) -> bool:
        """Whether the broken one is worse, and not by chance."""
        gap, error = self.gap
        return not gap <= SURE * error  # no number is worse than any


@dataclass(frozen=True)
class Card:
    """One way to break a network, and what could come of it."""

    key: str
    title: str
    setup: str
    """What is wrong, in a sentence."""
    question: str
    outcomes: tuple[str, str, str]
    sound: RunConfig
    broken: RunConfig
    outcome: Callable[[Found], int]
    """Which of the outcomes it was."""
    harm: Callable[[Model], None] = lambda _: None
    """Done to the broken one before its first step."""
    writer: Callable[[Model], Model] = lambda model: model
    """The broken one as it is measured and writes."""


class Experiment:
    """Trains the two in turn. `run()` is a generator: one `next()` is a step of each, or a part of the ending."""

    def __init__(self, card: Card, parts: Split, vocabulary: Vocabulary) -> None:
        self.card, self.vocabulary, self.membership = card, vocabulary, Membership.of(parts)
        self.train, self.validation = Packed(parts.train, vocabulary), Packed(parts.validation, vocabulary)
        self.sound = Subject(card.sound, self.train, self.validation)
        self.broken = Subject(card.broken, self.train, self.validation, card.harm)
        self.frequencies, self.pairs = references(self.train, self.validation)
        self.found: Found | None = None

    def run(self) -> Iterator[float]:
        """Train, measure and write; yields the share that is done. At the end `found` is there."""
        subjects = (self.sound, self.broken)
        while not all(subject.finished for subject in subjects):
            for subject in subjects:
                subject.advance()
            yield 0.9 * self.share
        sound = self.sound.side(lambda model: model, self.vocabulary, self.membership)
        yield 0.95
        broken = self.broken.side(self.card.writer, self.vocabulary, self.membership)
        self.found = Found(sound, broken, self.frequencies, self.pairs)
        yield 1.0

    @property
    def share(self) -> float:
        """Of the steps that are done."""
        return min(subject.trainer.step / subject.trainer.recipe.steps for subject in (self.sound, self.broken))


class Subject:
    """One of the two while it trains."""

    def __init__(
        self, config: RunConfig, train: Packed, validation: Packed, harm: Callable[[Model], None] = lambda _: None
    ) -> None:
        model = build(config.model, train.vocabulary.size, config.seed)
        harm(model)
        self.config = config
        self.trainer = Trainer(model, train, validation, config.recipe, config.seed)
        self._steps = self.trainer.run()
        self._batch = train.batch(torch.arange(min(EXAMINED, len(train))))
        self._looks: list[tuple[int, Health]] = []

    @property
    def finished(self) -> bool:
        """Whether no step follows."""
        return self.trainer.finished is not None

    def advance(self) -> None:
        """One step; health is looked at after the first one and at each evaluation. Nothing once it has ended."""
        if self.finished:
            return
        trainer, next_step = self.trainer, self.trainer.step + 1
        looked_at = next_step == 1 or next_step % trainer.recipe.evaluate_every == 0
        before = copied(trainer.model) if looked_at else None
        progress = next(self._steps)
        if progress.evaluated or (trainer.step == 1 and not self.finished):
            self._looks.append((trainer.step, examine(trainer.model, self._batch, before if trainer.step else None)))

    def side(self, writer: Callable[[Model], Model], vocabulary: Vocabulary, membership: Membership) -> Side:
        """What it has become: measured, and let write by the same dice as its twin."""
        trainer, model = self.trainer, writer(self.trainer.model)
        evaluation = evaluate(model, trainer.validation)
        options = SamplingConfig(n=DRAWN, longest=LONGEST, seed=self.config.seed)
        curve = trainer.curve.validation
        losses = Losses(
            math.log(vocabulary.size), curve[0].loss, trainer.curve.train[-1].loss if trainer.curve.train else None,
            curve[-1].loss, min(point.loss for point in curve), trainer.diverged,
        )  # fmt: skip
        return Side(
            self.config, tuple(trainer.curve.train), tuple(curve), evaluation,
            sample(model, vocabulary, options, membership).names, diagnose(self.config, self._looks, losses),
            trainer.diverged,
        )  # fmt: skip


def references(train: Packed, validation: Packed) -> tuple[float, float]:
    """Validation losses of two that only count train names: letters by frequency, letters by the one before them."""
    size = train.vocabulary.size

    def counts(names: Packed) -> Tensor:
        return torch.bincount(names.letters * size + names.targets, minlength=size**2).view(size, size).double()

    seen, wanted = counts(train) + 1, counts(validation)
    pairs = (wanted * (seen / seen.sum(1, keepdim=True)).log()).sum() / wanted.sum()
    alone = (wanted.sum(0) * (seen.sum(0) / seen.sum()).log()).sum() / wanted.sum()
    return -float(alone), -float(pairs)
