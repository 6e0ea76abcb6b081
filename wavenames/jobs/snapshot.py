"""What a page sees of a run: one immutable picture, replaced as a whole when the run has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from wavenames.config import RunConfig
from wavenames.probes.health import Health
from wavenames.probes.health_record import unpacked
from wavenames.store import Curve, Run, Status, Store
from wavenames.training import Point

MOST_POINTS = 20_000
"""Points that a curve keeps."""
MOST_LOOKS = 120
"""Evaluations whose names and letters' vectors are kept."""
MOST_WEIGHTS = 60
"""Evaluations whose weights are kept, even where they are small: more than one can tell apart on a slider."""
T = TypeVar("T")
Wish = Literal["run", "pause", "stop", "drop"]

EMPTY = Curve(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One moment of a run. Losses are nats per letter on the parts of the split that `config.data` names."""

    id: str
    title: str
    status: Status
    config: RunConfig
    parameters: int
    device: str
    step: int
    steps: int
    seconds: float
    """Of training; evaluations and waiting for a turn not counted."""
    seconds_left: float | None
    """By the clock, at the pace of the last seconds; None while that isn't known or the run rests."""
    train: Curve
    """Loss of each batch; of a long run every 2nd, 4th, 8th ... step, so that at most MOST_POINTS are kept."""
    validation: Curve
    samples: tuple[tuple[int, tuple[str, ...]], ...]
    """(step, names) of each evaluation; a place in names has the same dice each time."""
    frames: tuple[tuple[int, npt.NDArray[np.float32]], ...]
    """(step, letters' vectors (V, E)) of some evaluations, the first and the latest among them."""
    looks: tuple[tuple[int, Health], ...] = ()
    """(step, how well the network was) of some evaluations, the first and the latest among them."""
    wish: Wish = "run"
    """What people want of it; heeded at the next step."""
    verdict: str | None = None
    """Why the run has ended, in a sentence."""
    error: str | None = None
    """What went wrong, in a sentence, for a run that failed."""
    diverged: bool = False
    """Whether it ended because its loss or a weight ran away or stopped being a number."""
    train_loss: float | None = None
    """Losses of the final weights on the whole parts; None until the run has ended."""
    validation_loss: float | None = None
    test_loss: float | None = None

    @property
    def fell_back(self) -> bool:
        """Whether it ended with the best weights until then in place of those of its last step."""
        losses = self.validation.loss
        waited = len(losses) > 0 and int(losses.argmin()) < len(losses) - 1
        return self.status == "finished" and (self.diverged or (self.config.recipe.patience is not None and waited))


def from_store(store: Store, run: Run) -> Snapshot:
    """A run that nobody trains now, as it was left.

    Raises:
        Refusal: its configuration is of another version of wavenames.
    """
    config = run.configuration()
    every = config.recipe.evaluate_every
    ended = run.status in ("finished", "stopped")
    return Snapshot(
        id=run.id,
        title=run.title,
        status=run.status,
        config=config,
        parameters=run.parameters or 0,
        device=run.device or "",
        step=run.step,
        steps=run.steps,
        seconds=run.seconds,
        seconds_left=None,
        train=thinned(store.curve(run.id, "train"), 1),
        validation=thinned(store.curve(run.id, "validation"), every),
        samples=some(store.samples(run.id), every, MOST_LOOKS),
        frames=some(store.frames(run.id), every, MOST_LOOKS),
        looks=some([(step, unpacked(figures)) for step, figures in store.looks(run.id)], every, MOST_LOOKS),
        verdict=run.verdict,
        error=run.error,
        diverged=run.diverged,
        train_loss=run.train if ended else None,
        validation_loss=run.validation if ended else None,
        test_loss=run.test if ended else None,
    )


# ---------------------------------------------------------------------------------------- keeping long rows short


def stride(last: int, every: int, most: int) -> int:
    """Which steps to keep of those that come `every` steps, when `last` is reached: multiples of this number.

    It is `every` doubled until at most `most` are left, so it depends on nothing but the steps: a run that was taken
    up again keeps the same ones.
    """
    found = every
    while last // found > most:
        found *= 2
    return found


def some(rows: Sequence[tuple[int, T]], every: int, most: int) -> tuple[tuple[int, T], ...]:
    """At most about `most` of (step, …), evenly spread, the first and the last among them."""
    if not rows:
        return ()
    apart = stride(rows[-1][0], every, most)
    return tuple(row for row in rows if row[0] % apart == 0 or row is rows[-1])


def longer(curve: Curve, points: Sequence[Point]) -> Curve:
    """`curve` with `points` at its end."""
    if not points:
        return curve
    return Curve(
        np.concatenate([curve.step, np.array([point.step for point in points], np.int64)]),
        np.concatenate([curve.seconds, [point.seconds for point in points]]),
        np.concatenate([curve.names_seen, [point.names_seen for point in points]]),
        np.concatenate([curve.loss, [point.loss for point in points]]),
    )


def thinned(curve: Curve, every: int) -> Curve:
    """At most about MOST_POINTS of `curve`, whose points come `every` steps, the last among them."""
    if len(curve.step) == 0:
        return curve
    kept = curve.step % stride(int(curve.step[-1]), every, MOST_POINTS) == 0
    kept[-1] = True
    return Curve(curve.step[kept], curve.seconds[kept], curve.names_seen[kept], curve.loss[kept])
