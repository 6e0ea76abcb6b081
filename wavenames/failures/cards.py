"""The ways in which a network is broken here, what could come of each, and what the figures say did.

Whichever way it falls: which outcome it was, and the sentence, are worked out from the figures of the experiment.
"""

from __future__ import annotations

import copy
import math
from typing import cast

from torch import nn

from wavenames.config import DataConfig, RunConfig, signed
from wavenames.failures.experiment import DRAWN, SURE, Card, Found
from wavenames.layers import BatchNorm1d, Linear
from wavenames.models import Model, WindowModel

LOUD = 30
"""What the weights of a layer are multiplied by to saturate it."""
SAME, NEAR, LITTLE = 0.0005, 0.05, 0.1
"""Nats per letter below which losses are the same, are no better than a reference, are a little apart."""
FEW, HARDLY = 0.75, 0.25
"""Shares of the twin's real names below which there are fewer, and hardly any."""


# -------------------------------------------------------------------------------------------------- the breaking


def saturate(model: Model) -> None:
    """Make the weights of a window model's first layer so large that its tanh sits at its ends."""
    first = next(layer for layer in cast(WindowModel, model).net.layers if isinstance(layer, Linear))
    first.weight.data.mul_(LOUD)


class ForgetfulBatchNorm1d(BatchNorm1d):
    """One that is never put into evaluation: who forgets `model.eval()` has it."""

    def train(self, _: bool = True) -> ForgetfulBatchNorm1d:
        return super().train()


def never_in_evaluation(model: Model) -> Model:
    """A copy of a model whose BatchNorms go on with the batch's own mean and spread when it writes."""
    forgetful = copy.deepcopy(model)
    for parent in [*forgetful.modules()]:
        for name, norm in [*parent.named_children()]:
            if isinstance(norm, BatchNorm1d):
                setattr(parent, name, _forgetful(norm))
    return forgetful


def _forgetful(norm: BatchNorm1d) -> nn.Module:
    other = ForgetfulBatchNorm1d(len(norm.gamma), norm.eps, norm.momentum)
    other.load_state_dict(norm.state_dict())
    return other


# ------------------------------------------------------------------------------------------------ what came of it


def by_loss(found: Found) -> int:
    """As low as the twin, higher, or no better than the letters' frequencies."""
    if not found.worse:
        return 0
    return 1 if found.broken.evaluation.loss < found.frequencies - NEAR else 2


def by_much(found: Found) -> int:
    """As low as the twin, higher by less than a tenth of a nat, or by more."""
    if not found.worse:
        return 0
    return 1 if found.gap[0] < LITTLE else 2


def by_reference(found: Found) -> int:
    """Nearest to the twin, to counts of letter pairs, or to the letters' frequencies."""
    loss = found.broken.evaluation.loss
    apart = [abs(loss - each) for each in (found.sound.evaluation.loss, found.pairs, found.frequencies)]
    return apart.index(min(apart))


def by_names(found: Found) -> int:
    """As many real names as the twin, fewer, or hardly any."""
    share = found.broken.real / max(found.sound.real, 1)
    return 0 if share >= FEW else 1 if share >= HARDLY else 2


def sentence(found: Found) -> str:
    """What the figures say, worked out from them."""
    gap, error = found.gap
    one, other = found.broken, found.sound
    ends = f"The broken one ends at {one.evaluation.loss:.3f} nats per letter on validation names, its twin at "
    if not math.isfinite(gap):
        difference = "the one is no number"
    elif abs(gap) < SAME:
        difference = "the same"
    elif found.worse:
        difference = f"{gap:.3f} worse (standard error {error:.3f})"
    elif gap < -SURE * error:
        difference = f"{-gap:.3f} better (standard error {error:.3f})"
    else:
        difference = f"a difference of {signed(gap)} that chance explains (standard error {error:.3f})"
    ran = " It ran away." if one.diverged else ""
    names = f"Of {DRAWN} names that it writes {one.real} stand on the list, of its twin's {other.real}."
    return f"{ends}{other.evaluation.loss:.3f}: {difference}.{ran} {names}"


# -------------------------------------------------------------------------------------------------------- the cards


def _runs(preset: str, changes: dict[str, str], **words: str) -> tuple[RunConfig, RunConfig]:
    """The sound run and the broken one, which differs in `changes`."""
    usual = {"preset": preset, "recipe": "quick", "steps": "200", "evaluate_every": "25"} | words
    return RunConfig.from_flat(usual), RunConfig.from_flat(usual | changes)


_RATE = _runs("wavenet-s", {"learning_rate": "2"})
_WARMUP = _runs("dilated-76k", {"schedule": "drop"}, optimiser="adamw", learning_rate="0.1", steps="150")
_SATURATED = _runs("mlp-8", {})
_NORM = _runs("tree-22k", {}, batching="windows", batch_size="1792", steps="150", evaluate_every="50")
_CONTEXT = _runs("mlp-8", {"block_size": "1"})

CARDS: dict[str, Card] = {
    card.key: card
    for card in (
        Card(
            "rate", "Rate × 100",
            "A small WaveNet whose learning rate is 2 where its twin has 0.02.",
            "Where will it end?",
            ("As low as its twin, or lower: it is faster", "Higher than its twin, but it learns",
             "No better than the frequencies of letters alone"),
            *_RATE, by_loss,
        ),
        Card(
            "warmup", "No warm-up",
            "A dilated stack with AdamW at a rate of 0.1, at once, where its twin comes to it over the first tenth.",
            "What does the warm-up buy?",
            ("Nothing: it ends as low as its twin", "A little: less than 0.1 nats per letter",
             "Much: 0.1 nats per letter or more"),
            *_WARMUP, by_much,
        ),
        Card(
            "saturated", "A saturated layer",
            f"An MLP of eight letters whose first layer starts with weights {LOUD} times too large.",
            "Will training mend it?",
            ("Yes: it ends as low as its twin", "In part: it learns, but ends higher",
             "No: it learns no more than the frequencies of letters"),
            *_SATURATED, by_loss, saturate,
        ),
        Card(
            "batchnorm", "BatchNorm left in training",
            "A tree, trained as it should be, whose BatchNorms are not put into evaluation: when it writes they go "
            "on with the statistics of the names at hand.",
            "What becomes of its names?",
            ("Nothing: as many are real as of its twin's", "Fewer are real", "Hardly one is real"),
            *_NORM, by_names, writer=never_in_evaluation,
        ),
        Card(
            "context", "One letter of context",
            "An MLP that sees the last letter alone, where its twin sees eight.",
            "Which model will it be nearest to?",
            ("Its twin: the last letter says most", "Counts of letter pairs",
             "The frequencies of letters alone"),
            *_CONTEXT, by_reference,
        ),
    )
}  # fmt: skip
DATA = DataConfig()
"""The names that all of them learn."""
