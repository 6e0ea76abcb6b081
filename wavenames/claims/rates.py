"""Parallel against recurrent: what a step of training and a drawn name cost, at equal size, measured here and now.

Each contender does the same work on the same batches and takes its turn in every round, so that a busy machine slows
all of them alike: trust the ratios. A step is forward, loss and backward; what an optimiser adds is alike for all.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from statistics import median, quantiles

import torch

from wavenames.config import PRESETS, ModelConfig, RecurrentConfig, SamplingConfig, Settings, TransformerConfig
from wavenames.layers import CrossEntropyLoss
from wavenames.models import Model, build
from wavenames.names import Batch, Membership, Packed, Vocabulary
from wavenames.sampling import sample

CONTENDERS: dict[str, ModelConfig] = {
    "WaveNet": PRESETS["wavenet-m"].model.changed(dropout=0),
    "GRU": PRESETS["gru-128"].model.changed(dropout=0),
    "RNN": RecurrentConfig(hidden=231),
    "Transformer": TransformerConfig(heads=3, head_size=13),
}
"""About 77,000 parameters each, over 27 letters."""
ROUNDS = 7
SECONDS = 0.1
"""How long each contender works at each thing in a round, at least."""
BATCH = 256
"""Names in a batch that come as they come; the others have as many targets."""
LENGTHS = (2, 4, 8, 14)
"""Letters in names of one length."""
SAMPLED, LETTERS = 1000, 7
"""Names drawn at once, and how long each is made, so that all contenders draw the same number of letters."""


class Rate(Settings):
    """One contender; medians over `ROUNDS`."""

    title: str
    family: str
    parameters: int
    training: float
    """Targets a second on names as they come."""
    by_length: tuple[float, ...]
    """Targets a second on names of `LENGTHS` letters."""
    sampling: float
    """Names a second."""
    relative: dict[str, tuple[float, float, float]]
    """The first contender's rate as a multiple of this one's, by what was measured ("training", "sampling", and the
    lengths): median of the rounds' ratios, and the quartiles between which the middle half of them lies."""


class Rates(Settings):
    """All contenders, the first of `CONTENDERS` first, and what they were measured on."""

    rates: tuple[Rate, ...]
    lengths: tuple[int, ...]
    rounds: int
    threads: int


class Race:
    """The contenders on batches from `train`: `turn()` as often as there are `turns`, then ask for the `rates`."""

    def __init__(self, train: Packed, seed: int = 1) -> None:
        dice = torch.Generator().manual_seed(seed)
        batch = train.batch(torch.randperm(len(train), generator=dice)[:BATCH])
        batches = {str(n): of_length(n, len(batch.targets), train) for n in LENGTHS}
        self.models = [build(config, train.vocabulary.size, seed) for config in CONTENDERS.values()]
        self.tasks: dict[str, Callable[[Model], float]] = {
            task: partial(_training_rate, batch=each) for task, each in {"training": batch, **batches}.items()
        }
        self.tasks["sampling"] = partial(_sampling_rate, vocabulary=train.vocabulary)
        self.found: dict[str, list[list[float]]] = {task: [[] for _ in self.models] for task in self.tasks}
        """For each task and contender, a rate a round."""
        self.turns = (1 + ROUNDS) * len(self.models)
        self.taken = 0

    def turn(self) -> None:
        """The next contender does all tasks; its first turn is for warming up."""
        i, first = self.taken % len(self.models), self.taken < len(self.models)
        for task, measured in self.tasks.items():
            rate = measured(self.models[i])
            if not first:
                self.found[task][i].append(rate)
        self.taken += 1

    @property
    def rates(self) -> Rates:
        """What the turns came to, once all are taken."""
        return Rates(
            rates=tuple(
                Rate(
                    title=title, family=config.family, parameters=self.models[i].parameter_count,
                    training=median(self.found["training"][i]), sampling=median(self.found["sampling"][i]),
                    by_length=tuple(median(self.found[str(length)][i]) for length in LENGTHS),
                    relative={task: self._relative(task, i) for task in self.tasks},
                )
                for i, (title, config) in enumerate(CONTENDERS.items())
            ),
            lengths=LENGTHS, rounds=ROUNDS, threads=torch.get_num_threads(),
        )  # fmt: skip

    def _relative(self, task: str, i: int) -> tuple[float, float, float]:
        ratios = [first / own for first, own in zip(self.found[task][0], self.found[task][i], strict=True)]
        low, middle, high = quantiles(ratios, n=4, method="inclusive")
        return middle, low, high


def of_length(length: int, targets: int, train: Packed) -> Batch:
    """A batch of about so many `targets` in names of one `length`: random letters, which take as long as others."""
    dice = random.Random(length)
    names = ["".join(dice.choices(train.vocabulary.letters, k=length)) for _ in range(round(targets / (length + 1)))]
    (batch,) = Packed(names, train.vocabulary, train.device).all(len(names))
    return batch


def _training_rate(model: Model, batch: Batch) -> float:
    """Targets a second: forward, loss, backward."""
    model.train()
    cross_entropy = CrossEntropyLoss()

    def step() -> int:
        model.zero_grad()
        cross_entropy(model(batch), batch.targets).backward()
        return len(batch.targets)

    return _rate(step)


def _sampling_rate(model: Model, vocabulary: Vocabulary) -> float:
    """Names a second, each of `LETTERS` letters."""
    options = SamplingConfig(n=SAMPLED, shortest=LETTERS, longest=LETTERS)
    nobody = Membership(frozenset(), frozenset())
    return _rate(lambda: len(sample(model, vocabulary, options, nobody).names))


def _rate(step: Callable[[], int]) -> float:
    """What `step` gets done in a second; one call of it returns what that call did."""
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < SECONDS or not done:
        done += step()
    return done / passed
