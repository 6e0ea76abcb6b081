"""What the sampler and the trainer gain over the plain way of doing the same, measured here and now.

Ours and the reference take turns in one process and both are warm, so a busy machine slows them alike: trust the
ratios first. Every figure is a median over `ROUNDS`. The references are written out here, plainly.

Each figure of ours also comes as a share of what the machine could do, were there nothing but products of matrices to
compute: operations are the multiplications and additions of the products that the work needs, two for each weight
that a letter meets, and in training three times as many: forward, and back to the inputs and to the weights.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import CrossEntropyLoss

from wavenames.checkpoints import Checkpoint, Results, load_shipped, shipped
from wavenames.config import PRESETS, RunConfig, SamplingConfig
from wavenames.layers import Linear, product
from wavenames.models import Model, build, evaluating
from wavenames.names import END, Batch, Membership, Packed, Split, Vocabulary
from wavenames.sampling import sample
from wavenames.training import Trainer, make_optimiser

ROUNDS = 9
SECONDS = 0.3
"""How long each side works in a round, where it could go on for ever."""
SAMPLED = 10_000
"""Names that the sampler draws in a round."""
FEW_NAMES = 4
ENDLESS = {"steps": 1_000_000, "evaluate_every": 100_000}
PEAK_SIZES = (256, 512, 1024, 2048)
RACE, RACE_SEEDS = {"preset": "quick", "target": 1.993}, (1, 2, 3)
LECTURE_STEPS = 200_000
"""Steps after which lecture 5's own loop came to that loss."""

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
    gflops: float
    """10^9 operations a second in our products."""


@dataclass(frozen=True)
class Race:
    """Seconds of training to a loss: one of our runs against lecture 5's recipe, timed before and after it."""

    what: str
    target: float
    validation: float
    """The loss that our run came to, nats per letter."""
    steps: int
    seconds: float
    reference_seconds: float
    ratio: float


def comparisons(parts: Split, vocabulary: Vocabulary) -> list[Callable[[], Comparison]]:
    """Everything there is to measure side by side on these names, each ready to be called once."""
    packed = Packed(parts.train, vocabulary), Packed(parts.validation, vocabulary)
    checkpoint = _model_to_sample(parts, vocabulary)
    model = checkpoint.model()
    train = packed[0]

    def training(what: str, preset: str, reference: Callable[[], Measure], **batch: int) -> Callable[[], Comparison]:
        run = RunConfig.from_flat({"preset": preset, **batch, **ENDLESS})
        ours = build(run.model, train.vocabulary.size, run.seed)
        operations = 6 * multiplications(ours, train)
        return partial(_compare, what, "targets", partial(_trained, ours, *packed, run), reference, operations)

    lecture = partial(_lecture_loop, train)
    return [
        partial(
            _compare, f"sampling with {checkpoint.title}: all at once / one at a time", "names",
            lambda: partial(_sampled, model, checkpoint), lambda: partial(_sampled_plainly, model, checkpoint),
            2 * multiplications(model, train) * _letters_a_name(model, checkpoint),
        ),
        training("training tree-76k on 1,792 windows: trainer / lecture 5's loop", "tree-76k", lecture),
        *(
            training(
                f"training dilated-76k (76,579) on {n} names / lecture 5's loop", "dilated-76k", lecture, batch_size=n
            )
            for n in (256, 512)
        ),
        *(
            training(
                f"training {preset} on 256 names: packed / padded to the longest", preset,
                partial(_padded_loop, train, preset),
            )
            for preset in ("wavenet-m", "wavenet-l")
        ),
    ]  # fmt: skip


def race(parts: Split, vocabulary: Vocabulary, run: RunConfig) -> Race:
    """Train until the loss that the run has as its target, or until its steps are done."""
    train, validation = Packed(parts.train, vocabulary), Packed(parts.validation, vocabulary)
    trainer = Trainer(build(run.model, vocabulary.size, run.seed), train, validation, run.recipe, run.seed)
    lecture = _lecture_loop(train)
    lecture()  # for warming up
    before = lecture()
    for _ in trainer.run():
        pass
    reference = LECTURE_STEPS * Lecture.BATCH / ((before + lecture()) / 2)
    what, loss = f"{run.preset}, recipe {run.recipe.recipe}, seed {run.seed}", trainer.curve.validation[-1].loss
    return Race(
        what, run.recipe.target or 0.0, loss, trainer.step, trainer.seconds, reference, reference / trainer.seconds
    )


@torch.no_grad()
def multiplications(model: Model, names: Packed) -> float:
    """How many a target takes in the model's products with weights, on average over some names."""
    done = 0

    def note(layer: nn.Module, _inputs: object, out: Tensor) -> None:
        nonlocal done
        done += out.numel() * cast(Linear, layer).weight.shape[0]

    batch = next(names.all(FEW_NAMES))  # too few for rows to be filled up
    hooks = [module.register_forward_hook(note) for module in model.modules() if isinstance(module, Linear)]
    with evaluating(model):
        model(batch)
    for hook in hooks:
        hook.remove()
    return done / len(batch.targets)


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "peak_gflops": peak(lambda a, b: product(a, b, None)),
        "peak_gflops_torch_mm": peak(torch.mm),
    }


@torch.no_grad()
def peak(multiply: Callable[[Tensor, Tensor], Tensor]) -> float:
    """The highest rate of a product of square matrices (32-bit) of several sizes: 10^9 operations a second."""
    best = 0.0
    for size in PEAK_SIZES:
        a, b = torch.rand(size, size), torch.rand(size, size)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            multiply(a, b)
            best = max(best, 2 * size**3 / (time.perf_counter() - began) / 1e9)
    return best


def _compare(
    what: str, unit: str, make_ours: Callable[[], Measure], make_reference: Callable[[], Measure], operations: float
) -> Comparison:
    ours, reference = make_ours(), make_reference()
    rounds = [(ours(), reference()) for _ in range(1 + ROUNDS)][1:]  # the first is for warming up
    ratios, rate = [a / b for a, b in rounds], median(a for a, _ in rounds)
    return Comparison(
        what, f"{unit}/s", rate, median(b for _, b in rounds), median(ratios), min(ratios), max(ratios),
        rate * operations / 1e9,
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


def _sampled(model: Model, checkpoint: Checkpoint) -> float:
    options = SamplingConfig(n=SAMPLED)
    return SAMPLED / sample(model, checkpoint.vocabulary, options, checkpoint.membership).seconds


def _letters_a_name(model: Model, checkpoint: Checkpoint) -> float:
    """Letters that the model reads to write a name, on average; the mark before the first is read once for all."""
    drawn = sample(model, checkpoint.vocabulary, SamplingConfig(n=SAMPLED), checkpoint.membership).names
    return sum(len(each.name) for each in drawn) / len(drawn)


def _sampled_plainly(model: Model, checkpoint: Checkpoint) -> float:
    return _rate(lambda: len(one_at_a_time(model, checkpoint.vocabulary, 1, SamplingConfig().longest)))


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


def _trained(model: Model, train: Packed, validation: Packed, run: RunConfig) -> Measure:
    """Our trainer with the recipe that suits the preset, in targets a second."""
    trainer = Trainer(model, train, validation, run.recipe, run.seed)
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
    """The preset's model and its recipe's optimiser on padded names, in targets a second."""
    run = RunConfig.from_flat({"preset": preset})
    model = build(run.model, train.vocabulary.size, run.seed)
    optimiser = make_optimiser(model, run.recipe)
    for group in optimiser.param_groups:
        group["lr"] = run.recipe.learning_rate
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
