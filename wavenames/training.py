"""The loop. It is handed a built model and packed names, and yields after every step; it knows no thread and no page.

    batch -> logits -> loss -> gradients -> step of the optimiser        and, on a schedule, the validation loss

All losses are nats per letter, the end mark included. Nothing in a step waits for the device: losses stay there and
are fetched together every `FETCH_EVERY` steps, which is also when a loss that has stopped being finite is noticed.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor

from wavenames.config import RecipeConfig
from wavenames.layers import CrossEntropyLoss, Linear, log_softmax, total
from wavenames.models import CountingModel, Model, evaluating
from wavenames.names import Batch, Packed
from wavenames.optimiser import Muon

FETCH_EVERY = 25
EVALUATION_CHUNK = 2048
DECAY, DECAY_PASSES = 0.95, 200
DROP, DROP_AT = 0.1, 0.75
WARMUP = 0.1
RUN_AWAY = 3
"""Times the loss of a blind guess, ln V: a validation loss above it, unless it is overfitted, is no learning."""

MOST_THREADS = 2
"""Threads that one run computes with. One and two give the same bits, so that a run's numbers do not depend on how
busy the machine is (`layers` sees to it); from three on matrix products are summed in another order, and small models
are hardly faster."""


def best_device() -> torch.device:
    """The fastest device here: a CUDA GPU, else Apple's, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


# --------------------------------------------------------------------------------------------------- evaluation


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a model does on one part of a split."""

    loss: float
    """Nats per letter over all targets."""
    error: float
    """Standard error of `loss`, distinct names taken as the independent draws."""
    per_name: Tensor
    """(B,) nats of each whole name."""
    lengths: Tensor
    """(B,) targets of each name, the end mark among them."""
    name_ids: Tensor
    """(B,) numbers of the distinct names: rows that spell the same name, as in a list with labels, have the same."""


@torch.no_grad()
def evaluate(model: Model, names: Packed, *, told: bool = True) -> Evaluation:
    """Loss of `model`, in evaluation mode, on all of `names`; told their labels, if they have any, or nothing."""
    surprise = []
    with evaluating(model):
        for batch in names.all(EVALUATION_CHUNK):
            right = (
                log_softmax(model(batch if told else replace(batch, labels=None)))
                .gather(1, batch.targets.unsqueeze(1))
                .squeeze(1)
            )
            surprise.append(-right.cpu().double())  # summed on the CPU: Apple's GPUs have no double precision
    nats = torch.segment_reduce(torch.cat(surprise), "sum", lengths=names.lengths)
    return Evaluation(*mean_and_error(nats, names.lengths, names.name_ids), nats, names.lengths, names.name_ids)


def mean_and_error(nats: Tensor, lengths: Tensor, name_ids: Tensor) -> tuple[float, float]:
    """Nats per letter of rows with `nats` (B,) and `lengths` (B,), and its standard error over names.

    Rows with the same of `name_ids` (B,) spell the same name and are hard or easy together: they are one draw, a
    cluster. The loss is a ratio of two sums over names, so its error is the spread of nats - loss * length, summed
    over the rows of each, the first-order (delta) approximation: Cochran 1977, Sampling Techniques, chapters 6 and
    9A. Of one name alone it is not a number.
    """
    loss = float(total(nats) / lengths.sum())
    nats, lengths = by_name(nats, name_ids), by_name(lengths, name_ids)
    if len(nats) < 2:
        return loss, math.nan
    spread = (nats - loss * lengths).std()
    return loss, float(spread / lengths.double().mean() / math.sqrt(len(nats)))


def by_name(values: Tensor, name_ids: Tensor) -> Tensor:
    """Sums of `values` (B,) over the rows of each name, (names,), in the order of their numbers `name_ids` (B,)."""
    names, places = torch.unique(name_ids, return_inverse=True)
    return values.new_zeros(len(names)).index_add(0, places, values)


# ----------------------------------------------------------------------------------------------------- progress


@dataclass(frozen=True)
class Progress:
    """Where a run stands after a step."""

    step: int
    seconds: float
    names_seen: float
    evaluated: bool
    """Whether a validation loss was added to the curve with this step."""
    finished: str | None
    """Why the run has ended, in a sentence; None while it goes on."""
    diverged: bool = False


@dataclass(frozen=True)
class Point:
    """One place on a curve of loss."""

    step: int
    seconds: float
    names_seen: float
    loss: float


@dataclass
class Curve:
    """The losses of a run so far: of each batch in training, and of the whole validation split now and then."""

    train: list[Point] = field(default_factory=list)
    validation: list[Point] = field(default_factory=list)


@dataclass(frozen=True)
class TrainerState:
    """All that a run needs to go on to the same numbers: tensors, and plain values that fit in JSON."""

    tensors: dict[str, Tensor]
    info: dict[str, Any]


# ----------------------------------------------------------------------------------------------------- the loop


class Trainer:
    """Trains one model on one list of names by one recipe.

    `run()` is a generator: one `next()` is one step, and the run rests between two. Same model, names, recipe and
    seed give the same losses, bit for bit on one CPU with one number of threads; so does a run that was saved with
    `state()` and loaded elsewhere. The one exception is a limit in seconds: how many steps fit into it, and with the
    warmup schedule how fast the learning rate falls, is up to the machine.
    """

    def __init__(self, model: Model, train: Packed, validation: Packed, recipe: RecipeConfig, seed: int) -> None:
        self.model, self.recipe = model, recipe
        self.train, self.validation = train, validation
        self.curve = Curve()
        self.step, self.seconds, self.names_seen = 0, 0.0, 0.0
        self.finished: str | None = None
        self.diverged = False
        self.lost: dict[str, Tensor] | None = None
        """The weights with which the run diverged; the model has the best ones again."""
        self.loss = CrossEntropyLoss()
        self.optimiser = make_optimiser(model, recipe)
        self.dice = torch.Generator().manual_seed(seed)
        """Draws the batches, and whose labels are hidden."""
        self.dropout_dice = torch.Generator(model.device).manual_seed(seed)
        model.use_dice(self.dropout_dice)
        self._order = torch.empty(0, dtype=torch.long)
        """Names, or targets, of this pass that are still to come."""
        self._fresh: list[tuple[int, float, float, Tensor]] = []
        """Steps whose losses have not been fetched from the device."""
        self._begun = False
        """Whether the loss before the first step is on the curve."""
        self._best, self._best_loss, self._waited = _copy(model), math.inf, 0

    # -------------------------------------------------------------------------------------------- the sequence

    def run(self) -> Iterator[Progress]:
        """Train to the end, a step a time; a run that was loaded goes on where it was, one that has ended says so."""
        self.model.train()
        if not self._begun:
            self._begun = True
            self._evaluate()
            yield self._progress(evaluated=not self.diverged)
        elif self.finished is not None:
            yield self._progress(evaluated=False)
        while self.finished is None:
            began = time.perf_counter()
            loss = self._count(self.model) if isinstance(self.model, CountingModel) else self._learn()
            self.step += 1
            self.seconds += time.perf_counter() - began
            self._fresh.append((self.step, self.seconds, self.names_seen, loss))
            last = self.step >= self.recipe.steps or self.seconds >= (self.recipe.seconds or math.inf)
            evaluated = last or self.step % self.recipe.evaluate_every == 0
            if evaluated or self.step % FETCH_EVERY == 0:
                self.fetch()
            if evaluated and self.finished is None:
                self._evaluate()
                self._decide(last)
            yield self._progress(evaluated and not self.diverged)

    def _learn(self) -> Tensor:
        """One step of the optimiser; gives the loss of its batch, which stays on the device."""
        batch = self._hide_labels(self._next_batch())
        rate = self.recipe.learning_rate * self._rate_factor()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.loss(self.model(batch), batch.wanted)
        self.optimiser.zero_grad()
        loss.backward()
        if self.recipe.clip > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimiser.step()
        return cast(Tensor, loss.detach())

    def _count(self, model: CountingModel) -> Tensor:
        """All that counting has to do: one look at every name; gives the loss on them."""
        (everything,) = self.train.all(len(self.train))
        model.count(everything)
        self.names_seen += len(self.train)
        return torch.tensor(evaluate(self.model, self.train).loss, device=self.model.device)

    # ------------------------------------------------------------------------------------------------- batches

    def _next_batch(self) -> Batch:
        size = self.recipe.batch_size
        if self.recipe.batching == "names":
            names = self._take(size, len(self.train), shuffled=True)
            self.names_seen += len(names)
            return self.train.batch(names)
        if self.recipe.batching == "passes":
            rows = self._take(size, self.train.targets_count, shuffled=False)
        else:
            rows = torch.randint(self.train.targets_count, (size,), generator=self.dice)
        self.names_seen += len(rows) * len(self.train) / self.train.targets_count
        return self.train.prefixes(rows)

    def _hide_labels(self, batch: Batch) -> Batch:
        """Some names without some of their labels, so that the model learns what "unknown" stands for.

        Of the share `label_dropout` of names one label, another or several are hidden, each choice as likely as any
        other. So one model answers to all, to some and to none. Classifier-free guidance trains in this way: Ho and
        Salimans 2022, https://arxiv.org/abs/2207.12598
        """
        if batch.labels is None or self.recipe.label_dropout == 0:
            return batch
        names, kinds = batch.labels.shape
        chosen = torch.rand(names, generator=self.dice) < self.recipe.label_dropout
        which = torch.randint(1, 2**kinds, (names,), generator=self.dice) * chosen  # a bit for each kind
        hidden = (which.unsqueeze(1) >> torch.arange(kinds)) & 1
        return replace(batch, labels=batch.labels * (1 - hidden).to(batch.labels.device, non_blocking=True))

    def _take(self, size: int, total: int, *, shuffled: bool) -> Tensor:
        """The next `size` of this pass over `total` things; fewer at its end, so that each comes once a pass."""
        if len(self._order) == 0:
            self._order = torch.randperm(total, generator=self.dice) if shuffled else torch.arange(total)
        taken, self._order = self._order[:size], self._order[size:]
        return taken

    def _rate_factor(self) -> float:
        """What the schedule makes of the learning rate at this step."""
        done = self.step / self.recipe.steps
        if self.recipe.schedule == "decay":
            passes = self.step // max(math.ceil(self.train.targets_count / self.recipe.batch_size), 1)
            return DECAY ** (passes // DECAY_PASSES)
        if self.recipe.schedule == "drop":
            return DROP if done >= DROP_AT else 1.0
        if self.recipe.schedule == "warmup":
            if self.recipe.seconds is not None:
                done = max(done, min(self.seconds / self.recipe.seconds, 1.0))
            if done < WARMUP:
                return (done + 1 / self.recipe.steps) / (WARMUP + 1 / self.recipe.steps)
            return 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))
        return 1.0

    # ------------------------------------------------------------------------------------- watching over the run

    def fetch(self) -> None:
        """Bring the latest losses from the device to the curve, and see whether all is still finite.

        The sum of all weights comes along: behind a BatchNorm they can overflow while the loss stays a number.
        """
        if not self._fresh:
            return
        numbers = [value for value in self.model.state_dict().values() if value.is_floating_point()]
        weights = torch.stack([value.sum() for value in numbers]).sum()
        *losses, total = torch.stack([*(loss for *_, loss in self._fresh), weights]).tolist()
        points = [Point(s, t, n, loss) for (s, t, n, _), loss in zip(self._fresh, losses, strict=True)]
        self._fresh.clear()
        finite = list(itertools.takewhile(lambda point: math.isfinite(point.loss), points))
        self.curve.train += finite
        if len(finite) < len(points):
            self._diverge("The loss stopped being a number", points[len(finite)].step)
        elif not math.isfinite(total):
            self._diverge("A weight stopped being a number", self.step)

    def _evaluate(self) -> None:
        loss = evaluate(self.model, self.validation).loss
        if math.isfinite(loss):
            self.curve.validation.append(Point(self.step, self.seconds, self.names_seen, loss))
        else:
            self._diverge("The loss stopped being a number", self.step)

    def _diverge(self, what: str, step: int) -> None:
        self.lost = _copy(self.model)
        self.model.load_state_dict(self._best)
        self.diverged = True
        kept = "The best weights so far are kept"
        if self._best_loss == math.inf:
            kept = "No evaluation had come since the start, so that the weights are the untrained ones"
        self.finished = f"{what} at step {step:,}. {kept}; try a learning rate below {self.recipe.learning_rate:g}."

    def _decide(self, last: bool) -> None:
        """Whether this evaluation ends the run."""
        if self.diverged:
            return
        loss, recipe, guess = self.curve.validation[-1].loss, self.recipe, math.log(self.model.vocab_size)
        if loss > RUN_AWAY * guess and self.curve.train[-1].loss > guess:
            # Squashed by tanh, most networks never reach infinity, however far they run.
            self._diverge(f"The loss ran away to {loss:,.0f} nats per letter", self.step)
            return
        if loss < self._best_loss:
            self._best, self._best_loss, self._waited = _copy(self.model), loss, 0
        else:
            self._waited += 1
        if recipe.target is not None and loss <= recipe.target:
            self.finished = f"Validation loss reached the target of {recipe.target:g}."
        elif last:
            best = "; the best weights are kept" if recipe.patience is not None and self._waited else ""
            self.finished = ("All steps are done" if self.step >= recipe.steps else "The time is up") + f"{best}."
        elif recipe.patience is not None and self._waited >= recipe.patience:
            self.finished = f"No better validation loss in {recipe.patience} evaluations; the best weights are kept."
        if self.finished is not None and recipe.patience is not None:
            self.model.load_state_dict(self._best)

    def _progress(self, evaluated: bool) -> Progress:
        return Progress(self.step, self.seconds, self.names_seen, evaluated, self.finished, self.diverged)

    # ----------------------------------------------------------------------------------------- save and go on

    def state(self) -> TrainerState:
        """A copy of everything that the rest of the run depends on. Curves are the caller's to keep."""
        self.fetch()
        tensors = {"dice": self.dice.get_state(), "dropout_dice": self.dropout_dice.get_state(), "order": self._order}
        for name, weights in {"model": self.model.state_dict(), "best": self._best}.items():
            tensors |= {f"{name}/{key}": value for key, value in weights.items()}
        for index, slot in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{index}/{key}": value for key, value in slot.items()}
        info = {
            "step": self.step, "seconds": self.seconds, "names_seen": self.names_seen,
            "begun": self._begun, "finished": self.finished, "diverged": self.diverged,
            "best_loss": self._best_loss if self._best_loss < math.inf else None, "waited": self._waited,
        }  # fmt: skip
        return TrainerState({key: value.cpu().clone() for key, value in tensors.items()}, info)

    def load(self, state: TrainerState) -> None:
        """Take up a run where `state` left it, to the same numbers as if it had never stopped."""
        tensors, info = state.tensors, state.info
        self.model.load_state_dict(_under("model/", tensors))
        self._best = _under("best/", tensors)
        self.dice.set_state(tensors["dice"])
        self.dropout_dice.set_state(tensors["dropout_dice"])
        self._order = tensors["order"]
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in _under("optimiser/", tensors).items():
            index, name = key.split("/")
            slots.setdefault(int(index), {})[name] = value.clone()
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": slots})
        self.step, self.seconds, self.names_seen = info["step"], info["seconds"], info["names_seen"]
        self._begun, self.finished, self.diverged = info["begun"], info["finished"], info["diverged"]
        self._waited = info["waited"]
        self._best_loss = math.inf if info["best_loss"] is None else info["best_loss"]


def seconds_a_step(model: Model, names: Packed, recipe: RecipeConfig) -> float:
    """How long one step takes on this machine now: the fastest of two to five, as many as half a second allows.

    The first is slow (memory is asked for, kernels are chosen), and on busy cores any one can be. They change the
    model. Counting takes no time worth telling.
    """
    if recipe.optimiser == "none":
        return 0.0
    trainer = Trainer(model.train(), names, names, recipe, seed=0)
    times: list[float] = []
    while len(times) < 2 or (len(times) < 5 and sum(times) < 0.5):
        began = time.perf_counter()
        trainer._learn()
        times.append(time.perf_counter() - began)
    return min(times)


def make_optimiser(model: Model, recipe: RecipeConfig) -> torch.optim.Optimizer:
    """Plain SGD, AdamW (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101), or Muon with AdamW's help.

    AdamW and Muon pull only the weights of `Linear` layers towards zero: biases, norms and the letters' vectors have
    no reason to be small. Muon is for the hidden layers: each row of what gives the logits, and each letter's vector,
    belongs to one letter and should learn as often as that letter comes. The learning rate is 0 until it is set.
    """
    parameters = list(model.parameters()) or [torch.nn.Parameter(torch.zeros(0, device=model.device))]
    if recipe.optimiser not in ("adamw", "muon"):
        return torch.optim.SGD(parameters, lr=0.0, fused=True)
    pulled = [module.weight for module in model.modules() if isinstance(module, Linear)]
    hidden = [weight for weight in pulled if weight is not model.head_weight]
    output = [weight for weight in pulled if weight is model.head_weight]
    known = {*hidden, *output}
    groups = [
        {"params": hidden, "weight_decay": recipe.weight_decay, "orthogonal": True},
        {"params": output, "weight_decay": recipe.weight_decay},
        {"params": [each for each in parameters if each not in known], "weight_decay": 0.0},
    ]
    optimiser = Muon if recipe.optimiser == "muon" else torch.optim.AdamW
    return optimiser(groups, lr=0.0, fused=True)


def _copy(model: Model) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
