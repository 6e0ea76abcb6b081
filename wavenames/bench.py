"""What the sampler and the trainer gain over the plain way of doing the same, measured here and now.

Ours and the reference take turns in one process and both are warm, so a busy machine slows them alike: trust the
ratios first. Every figure is a median over `ROUNDS`. The references are written out here, plainly.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
from torch import Tensor
from torch.nn import CrossEntropyLoss

from wavenames.checkpoints import Checkpoint, Results, load_shipped, shipped
from wavenames.config import PRESETS, RunConfig, SamplingConfig
from wavenames.models import Model, build
from wavenames.names import END, Batch, Membership, Packed, Split, Vocabulary, bundled, split
from wavenames.sampling import sample
from wavenames.training import Trainer

ROUNDS = 9
SECONDS = 0.3
"""How long each side works in a round, where it could go on for ever."""
SAMPLED = 10_000
"""Names that the sampler draws in a round."""
ENDLESS = {"steps": 1_000_000, "evaluate_every": 100_000}
PEAK_SIZES = (256, 512, 1024, 2048)

Measure = Callable[[], float]
"""Works for a while and returns how much it got done in a second."""


@dataclass(frozen=True)
class Comparison:
    """Two ways to do the same, in units a second."""

    what: str
    unit: str
    ours: float
    reference: float
    ratio: float
    """Median of the rounds' ratios; `lowest` and `highest` are the extremes."""
    lowest: float
    highest: float


def comparisons() -> list[Callable[[], Comparison]]:
    """Everything there is to measure, each ready to be called once."""
    names = bundled("ssa-2018").names
    parts, vocabulary = split(names), Vocabulary.of(names)
    packed = Packed(parts.train, vocabulary), Packed(parts.validation, vocabulary)
    checkpoint = _model_to_sample(parts, vocabulary)
    model = checkpoint.model()
    draw = partial(_sampled, model, vocabulary, checkpoint.membership)
    ours = partial(_trained, *packed)
    lecture = partial(_lecture_loop, packed[0])
    return [
        partial(
            _compare, f"sampling with {checkpoint.title}: all at once / one at a time", "names",
            lambda: draw, lambda: partial(_sampled_plainly, model, vocabulary),
        ),
        partial(
            _compare, "training tree-76k, windows of 32: trainer / lecture 5's loop", "targets",
            partial(ours, "tree-76k"), lecture,
        ),
        partial(
            _compare, "training 76,579 parameters: dilated-76k, whole names / lecture 5's loop", "targets",
            partial(ours, "dilated-76k"), lecture,
        ),
        partial(
            _compare, "training wavenet-m on 256 names: packed / padded to the longest", "targets",
            partial(ours, "wavenet-m"), partial(_padded_loop, packed[0], "wavenet-m"),
        ),
    ]  # fmt: skip


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "peak_gflops": peak(),
    }


def peak() -> float:
    """The highest rate of a product of square matrices (32-bit) of several sizes: 10^9 operations a second."""
    best = 0.0
    for size in PEAK_SIZES:
        a, b = torch.rand(size, size), torch.rand(size, size)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            torch.mm(a, b)
            best = max(best, 2 * size**3 / (time.perf_counter() - began) / 1e9)
    return best


def _compare(
    what: str, unit: str, make_ours: Callable[[], Measure], make_reference: Callable[[], Measure]
) -> Comparison:
    ours, reference = make_ours(), make_reference()
    rounds = [(ours(), reference()) for _ in range(1 + ROUNDS)][1:]  # the first is for warming up
    ratios = [a / b for a, b in rounds]
    return Comparison(
        what, f"{unit}/s", median(a for a, _ in rounds), median(b for _, b in rounds),
        median(ratios), min(ratios), max(ratios),
    )  # fmt: skip


def _rate(step: Measure) -> float:
    """What `step` gets done in a second; one call of it returns what that call did."""
    done, began = 0.0, time.perf_counter()
    while (passed := time.perf_counter() - began) < SECONDS:
        done += step()
    return done / passed


# ------------------------------------------------------------------------------------------------- sampling


def _model_to_sample(parts: Split, vocabulary: Vocabulary) -> Checkpoint:
    """wavenet-m as it ships, or untrained where it doesn't."""
    if "wavenet-m" in shipped():
        return load_shipped("wavenet-m")
    weights = build(PRESETS["wavenet-m"].model, vocabulary.size, seed=1).state_dict()
    return Checkpoint(RunConfig(), vocabulary, weights, Membership.of(parts), Results(), "untrained wavenet-m")


def _sampled(model: Model, vocabulary: Vocabulary, membership: Membership) -> float:
    return SAMPLED / sample(model, vocabulary, SamplingConfig(n=SAMPLED), membership).seconds


def _sampled_plainly(model: Model, vocabulary: Vocabulary) -> float:
    return _rate(lambda: len(one_at_a_time(model, vocabulary, 1, SamplingConfig().longest)))


@torch.no_grad()
def one_at_a_time(model: Model, vocabulary: Vocabulary, count: int, longest: int) -> list[str]:
    """`count` names as the notebook's generate_names draws them.

    For every letter all of the name so far goes through the whole model again, in a batch of one.
    """
    names = []
    for _ in range(count):
        letters = [END]
        while len(letters) <= longest:
            row = torch.tensor(letters)
            ends = torch.tensor([0, len(letters)])
            logits = model(Batch(row, row, torch.arange(len(letters)), ends, rows=ends[1:] - 1))
            letter = int(torch.multinomial(torch.softmax(logits, dim=1), num_samples=1).item())
            if letter == END:
                break
            letters.append(letter)
        names.append(vocabulary.decode(letters[1:]))
    return names


# ------------------------------------------------------------------------------------------------- training


def _trained(train: Packed, validation: Packed, preset: str) -> Measure:
    """Our trainer with the recipe that suits the preset, in targets a second."""
    run = RunConfig.from_flat({"preset": preset, **ENDLESS})
    trainer = Trainer(build(run.model, train.vocabulary.size, run.seed), train, validation, run.recipe, run.seed)
    steps = trainer.run()
    next(steps)  # the evaluation before the first step

    def step() -> float:
        before = trainer.names_seen
        next(steps)
        return (trainer.names_seen - before) * train.targets_count / len(train)

    return partial(_rate, step)


def _lecture_loop(train: Packed) -> Measure:
    inputs = next(train.all(len(train))).windows(Lecture.LETTERS)
    return partial(_rate, Lecture(inputs, train.targets, train.vocabulary.size).step)


class Lecture:
    """The tree and the loop of makemore lecture 5, https://youtu.be/t3YJ5hKiMQ0, all of it written out.

    It learns from windows `inputs` (N, 8) and `targets` (N,) over V letters: 76,579 parameters where V is 27.
    """

    LETTERS, BATCH = 8, 32
    EMBEDDING, HIDDEN = 24, 128

    def __init__(self, inputs: Tensor, targets: Tensor, V: int) -> None:
        self.inputs, self.targets = inputs, targets
        self.dice = g = torch.Generator().manual_seed(42)
        E, H = self.EMBEDDING, self.HIDDEN
        sizes = [2 * E, 2 * H, 2 * H]
        self.C = torch.randn(V, E, generator=g)
        self.weights = [torch.randn(size, H, generator=g) / size**0.5 for size in sizes]
        self.gammas, self.betas = [torch.ones(H) for _ in sizes], [torch.zeros(H) for _ in sizes]
        self.means, self.variances = [torch.zeros(H) for _ in sizes], [torch.ones(H) for _ in sizes]
        self.W, self.b = 0.1 * torch.randn(H, V, generator=g) / H**0.5, torch.zeros(V)
        self.parameters = [self.C, *self.weights, *self.gammas, *self.betas, self.W, self.b]
        for p in self.parameters:
            p.requires_grad = True
        self.loss = CrossEntropyLoss()
        self.losses: list[float] = []

    def step(self) -> float:
        """One turn of the loop; returns how many targets it learned from."""
        ix = torch.randint(0, len(self.inputs), (self.BATCH,), generator=self.dice)
        loss = self.loss(self.logits(self.inputs[ix]), self.targets[ix])
        for p in self.parameters:
            p.grad = None
        loss.backward()
        for p in self.parameters:
            p.data += -0.1 * p.grad
        self.losses.append(loss.log10().item())
        return self.BATCH

    def logits(self, windows: Tensor) -> Tensor:
        """(B, 8) letters to (B, V), in training mode."""
        x = self.C[windows]
        for i, weight in enumerate(self.weights):
            B, T, features = x.shape
            x = x.view(B, T // 2, 2 * features)
            if x.shape[1] == 1:
                x = x.squeeze(1)
            x = x @ weight
            over = (0,) if x.dim() == 2 else (0, 1)
            mean, var = x.mean(over, keepdim=True), x.var(over, keepdim=True)
            x = torch.tanh(self.gammas[i] * (x - mean) / torch.sqrt(var + 1e-5) + self.betas[i])
            with torch.no_grad():
                self.means[i] = 0.9 * self.means[i] + 0.1 * mean
                self.variances[i] = 0.9 * self.variances[i] + 0.1 * var
        logits: Tensor = x @ self.W + self.b
        return logits


def _padded_loop(train: Packed, preset: str) -> Measure:
    """The preset's model and optimiser on padded names, in targets a second."""
    run = RunConfig.from_flat({"preset": preset})
    model = build(run.model, train.vocabulary.size, run.seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=run.recipe.learning_rate, fused=True)
    dice = torch.Generator().manual_seed(run.seed)
    padded, cross_entropy = Padded(train), CrossEntropyLoss(ignore_index=Padded.IGNORED)

    def step() -> float:
        names = torch.randint(len(train), (run.recipe.batch_size,), generator=dice)
        batch = padded.batch(names)
        loss = cross_entropy(model(batch), batch.targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(train.lengths[names].sum())

    return partial(_rate, step)


class Padded:
    """All names padded to the longest, as in makemore: '.' for letters, `IGNORED` for targets."""

    IGNORED = -1

    def __init__(self, names: Packed) -> None:
        self.longest = int(names.lengths.max())
        inside = torch.arange(self.longest) < names.lengths.unsqueeze(1)
        self.letters = torch.full(inside.shape, END)
        self.targets = torch.full(inside.shape, self.IGNORED)
        self.letters[inside], self.targets[inside] = names.letters, names.targets

    def batch(self, names: Tensor) -> Batch:
        """The names with these indices (B,): B * longest rows."""
        return Batch(
            self.letters[names].flatten(),
            self.targets[names].flatten(),
            torch.arange(self.longest).repeat(len(names)),
            torch.arange(len(names) + 1) * self.longest,
        )
