"""Traffic lights: what a run's figures of health mean, in a sentence, and the one setting to change.

The limits are measured: between the runs of the presets and runs that were broken on purpose, one fault each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wavenames.config import RunConfig, power_of_ten, signed
from wavenames.probes.health import Health, Layer
from wavenames.probes.remedies import Change, calmer, faster, humbler, shallower, slower

Light = Literal["good", "watch", "bad", "not known"]
Looks = Sequence[tuple[int, Health]]

# Each pair: from here on to be watched, from here on bad.
START = (0.15, 1.5)  # nats per letter that the first loss may lie above a blind guess
SATURATED = (0.4, 0.6)  # share of a layer's tanh values near ±1 before the first step
SATURATES = (0.6, 0.8)  # the same after it: whole runs of the presets bring it to a half, and learn on
DEAD = (0.1, 0.4)  # share of a layer's units
TOO_FAR = (-1.2, -0.8)  # log10 update:data of the median matrix, where it was largest
TOO_LITTLE = (-4.5, -5.0)
DEPTH = (1.5, 3.0)  # |log10| of the gradient's spread in the first layer to that in the last
STUCK = (0.5, 0.8)  # share of a block's gates near 0 or 1
NORM_GAP = (0.3, 1.0)  # spreads of the batch
NORM_STRETCH = (1.5, 3.0)
OVERFIT = (0.25, 0.5)  # nats per letter from train to validation
RISEN = (0.03, 0.15)  # nats per letter from the best validation loss to the latest
SETTLED = 30
"""Steps after which BatchNorm has forgotten its start: 0.9 to this power is 4%."""
SMALL_BATCH = 64


@dataclass(frozen=True)
class Diagnosis:
    """One light."""

    title: str
    light: Light
    sentence: str
    change: Change | None = None
    """What to change where it is not good."""


@dataclass(frozen=True)
class Losses:
    """What the curves say, nats per letter; None for what nobody saw."""

    uniform: float
    """Of a blind guess, ln V."""
    start: float | None = None
    """Validation loss before the first step."""
    train: float | None = None
    validation: float | None = None
    """These two of the same moment: else a run that learns fast seems to learn by heart."""
    best: float | None = None
    """Lowest validation loss."""
    diverged: bool = False


def diagnose(run: RunConfig, looks: Looks, losses: Losses) -> tuple[Diagnosis, ...]:
    """The lights of a run, or of a trained model that was looked at once, those that apply to such a model."""
    return tuple(_diagnoses(run, looks, losses))


def _diagnoses(run: RunConfig, looks: Looks, losses: Losses) -> Iterator[Diagnosis]:
    if looks:
        layers = looks[-1][1].layers
        if any(layer.kind == "tanh" for layer in layers):
            yield _saturation(run, looks)
        yield _dead(run, layers)
        if any(layer.kind == "sigmoid" for layer in layers):
            yield _gates(run, layers)
        if sum(layer.gradient is not None for layer in layers) > 2:
            yield _depth(run, layers)
        if looks[-1][1].norms:
            yield _norms(run, looks)
    yield _overfitting(run, losses)
    yield _start(run, losses)
    yield _progress(run, losses)
    if looks:
        yield _learning_rate(run, looks, losses)


# --------------------------------------------------------------------------------------------------- the losses


def _start(run: RunConfig, losses: Losses) -> Diagnosis:
    title = "Start"
    if losses.start is None:
        return Diagnosis(title, "not known", "The first loss is known only of a run on this server.")
    light = _light(losses.start - losses.uniform, START)
    said = f"The first loss is {losses.start:.3f}, a blind guess has {losses.uniform:.3f}"
    if light == "good":
        return Diagnosis(title, light, f"{said}: it begins where it should.")
    return Diagnosis(
        title, light, f"{said}: it is sure of what it doesn't know, and its first steps only undo that.", calmer(run)
    )


def _progress(run: RunConfig, losses: Losses) -> Diagnosis:
    title = "Progress"
    if losses.start is None or losses.validation is None:
        return Diagnosis(title, "not known", "The way of the loss is known only of a run on this server.")
    if losses.diverged:
        return Diagnosis(title, "bad", "The loss ran away, or stopped being a number.", slower(run))
    if losses.validation > max(losses.uniform, losses.start) + START[0]:
        sentence = f"Validation loss is {losses.validation:.3f}, worse than a blind guess ({losses.uniform:.3f})."
        return Diagnosis(title, "bad", sentence, slower(run))
    return Diagnosis(
        title, "good", f"Validation loss went from {losses.start:.3f} to {losses.validation:.3f}; nothing ran away."
    )


def _overfitting(run: RunConfig, losses: Losses) -> Diagnosis:
    title = "Overfitting"
    if losses.train is None or losses.validation is None:
        return Diagnosis(title, "not known", "Train and validation loss are not both known yet.")
    if min(losses.train, losses.validation) > losses.uniform - START[0]:
        return Diagnosis(title, "not known", "It has not learned anything yet that it could know by heart.")
    gap = losses.validation - losses.train
    risen = 0.0 if losses.best is None else losses.validation - losses.best
    light = max(_light(gap, OVERFIT), _light(risen, RISEN), key=_ORDER.index)
    said = f"Validation loss lies {abs(gap):.3f} {'below' if gap < 0 else 'above'} train"
    if light == "good":
        return Diagnosis(title, light, f"{said}: what it learns, it learns for new names too.")
    rises = f" and has risen by {risen:.3f} from its best" if risen >= RISEN[0] else ""
    return Diagnosis(title, light, f"{said}{rises}: it begins to learn names by heart.", humbler(run))


# --------------------------------------------------------------------------------------------------- the weights


def _learning_rate(run: RunConfig, looks: Looks, losses: Losses) -> Diagnosis:
    """By the spreads that the weights began with: those of a network that blows up grow along with its steps."""
    title = "Learning rate"
    began = looks[0][1]
    updates = [(step, update) for step, look in looks if (update := typical_update(look, began)) is not None]
    if not updates:
        if losses.start is None:
            sentence = "How far a step moves the weights is known only of a run on this server."
        else:
            sentence = "None of its steps has been looked at: a look comes with an evaluation."
        return Diagnosis(title, "not known", sentence)
    step, largest = max(updates, key=lambda each: each[1])
    said = (
        f"A step moves the typical matrix by up to {10**largest:.2g} of its first spread (log₁₀ {signed(largest, 1)})"
    )
    too_far = _light(largest, TOO_FAR)
    if too_far != "good":
        return Diagnosis(title, too_far, f"{said}, at step {step:,}: too far to learn something fine.", slower(run))
    too_little = _light(-largest, tuple(-each for each in TOO_LITTLE))
    if too_little != "good" and looks[-1][0] >= run.recipe.steps / 5:
        return Diagnosis(title, too_little, f"{said}: it hardly learns.", faster(run))
    return Diagnosis(title, "good", f"{said}: far enough to learn, and not too far.")


def typical_update(look: Health, began: Health) -> float | None:
    """log10 of the last step's change to the spread in the look `began`, of the median matrix; None if unseen."""
    updates = [
        weight.update + math.log10(weight.spread / first.spread)
        for weight, first in zip(look.weights, began.weights, strict=True)
        if weight.update is not None and weight.spread > 0 and first.spread > 0
    ]
    return float(np.median(updates)) if updates else None


# ---------------------------------------------------------------------------------------------------- the layers


def _saturation(run: RunConfig, looks: Looks) -> Diagnosis:
    title = "Saturation"
    worst = _worst(looks[-1][1].layers, "saturated", "tanh")
    began, first = looks[0]
    at_start = max(layer.saturated for layer in first.layers if layer.kind == "tanh") >= SATURATED[0] and began == 0
    light = _light(worst.saturated, SATURATED if at_start else SATURATES)
    said = f"In {worst.name} {worst.saturated:.0%} of the tanh values are near ±1"
    if light == "good":
        return Diagnosis(title, light, f"{said}; the others pass gradients on.")
    since, change = (" from the start", calmer(run)) if at_start else ("", slower(run))
    return Diagnosis(title, light, f"{said}{since}, where no gradient passes.", change)


def _dead(run: RunConfig, layers: Sequence[Layer]) -> Diagnosis:
    worst = _worst(layers, "dead", "tanh", "relu", "gelu")
    light = _light(worst.dead, DEAD)
    if light == "good":
        sentence = "No unit is dead." if worst.dead == 0 else f"At most {worst.dead:.0%} of a layer's units are dead."
        return Diagnosis("Dead units", light, sentence)
    return Diagnosis(
        "Dead units", light, f"In {worst.name} {worst.dead:.0%} of the units never act: nothing wakes them again.",
        slower(run),
    )  # fmt: skip


def _depth(run: RunConfig, layers: Sequence[Layer]) -> Diagnosis:
    title = "Depth"
    flowing = [layer for layer in layers if layer.gradient is not None]
    first, last = ((layer.name, layer.gradient.spread) for layer in (flowing[0], flowing[-1]) if layer.gradient)
    apart = math.log10(max(first[1], 1e-30) / max(last[1], 1e-30))
    light = _light(abs(apart), DEPTH)
    if not math.isfinite(apart):
        return Diagnosis(title, light, f"Gradients in {first[0]} or {last[0]} are no numbers.", slower(run))
    factor = 10 ** abs(apart)
    times = f"{factor:,.1f}" if factor < 10 else f"{factor:,.0f}" if factor < 1e6 else power_of_ten(abs(apart))
    said = f"Gradients in {first[0]} are {times} times as {'large' if apart > 0 else 'small'} as in {last[0]}"
    if light == "good":
        return Diagnosis(title, light, f"{said}: all depths learn.")
    return Diagnosis(
        title, light, f"{said}: they {'explode' if apart > 0 else 'vanish'} on their way down.", shallower(run)
    )


def _gates(run: RunConfig, layers: Sequence[Layer]) -> Diagnosis:
    worst = _worst(layers, "saturated", "sigmoid")
    light = _light(worst.saturated, STUCK)
    said = f"In {worst.name} {worst.saturated:.0%} of the gates are all but shut or wide open"
    if light == "good":
        return Diagnosis("Gates", light, f"{said}; the others choose.")
    return Diagnosis("Gates", light, f"{said}: they no longer choose.", slower(run))


def _norms(run: RunConfig, looks: Looks) -> Diagnosis:
    title = "BatchNorm"
    step, look = looks[-1]
    if step < SETTLED:
        return Diagnosis(title, "not known", f"What it remembers means little before step {SETTLED}.")
    worst = max(look.norms, key=lambda norm: max(norm.gap / NORM_GAP[0], norm.stretch / NORM_STRETCH[0]))
    light = max(_light(worst.gap, NORM_GAP), _light(worst.stretch, NORM_STRETCH), key=_ORDER.index)
    said = (
        f"What {worst.name} remembers lies {worst.gap:.2f} spreads from the batch's means, and its spreads are "
        f"{worst.stretch:.2f} times apart"
    )
    if light == "good":
        return Diagnosis(title, light, f"{said}: it will do the same when it writes.")
    small = run.recipe.batch_size < SMALL_BATCH
    change = Change("batch_size", str(4 * run.recipe.batch_size)) if small else slower(run)
    return Diagnosis(title, light, f"{said}: it writes as another network than the one that was trained.", change)


def _worst(layers: Sequence[Layer], figure: str, *kinds: str) -> Layer:
    found: Layer = max((layer for layer in layers if layer.kind in kinds), key=lambda layer: getattr(layer, figure))
    return found


_ORDER: tuple[Light, ...] = ("good", "watch", "bad")


def _light(figure: float, limits_: Sequence[float]) -> Light:
    """By the pair of limits; what is no number is bad."""
    watch, bad = limits_
    return "good" if figure < watch else "watch" if figure < bad else "bad"
