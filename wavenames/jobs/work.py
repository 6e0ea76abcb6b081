"""One run at work: its trainer, what it has shown so far, and what it hands to the store."""

from __future__ import annotations

import copy
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wavenames.checkpoints import Checkpoint, Results, pack, unpack
from wavenames.config import Refusal, RunConfig, SamplingConfig
from wavenames.jobs.lists import Data
from wavenames.jobs.snapshot import (
    EMPTY,
    MOST_LOOKS,
    MOST_POINTS,
    MOST_WEIGHTS,
    Snapshot,
    Wish,
    longer,
    some,
    stride,
    thinned,
)
from wavenames.models import CountingModel, Model
from wavenames.names import classes_in
from wavenames.probes.health import Health, copied, examine
from wavenames.probes.health_record import packed, unpacked
from wavenames.sampling import sample
from wavenames.store import (
    FEWEST_WEIGHTS,
    FRAME_BYTES,
    HEALTH_BYTES,
    WEIGHT_BYTES,
    Change,
    Changes,
    Curve,
    File,
    Frame,
    Look,
    Metrics,
    Run,
    SampledNames,
    Status,
    Store,
    Weights,
)
from wavenames.training import FETCH_EVERY, Point, Trainer, TrainerState, evaluate

log = logging.getLogger(__name__)

SLOTS = 8
"""Names drawn at each evaluation."""
SAVE_EVERY = 3.0
"""Seconds between two states on disk: what a server that is killed may lose."""
SAVE_SHARE = 0.02
"""The largest share of a run's time that goes into saving it; a large model is saved less often."""
EXAMINED = 64
"""Train names on which the network's health is looked at."""
EXAMINE_SHARE = 0.04
"""The largest share of a run's training that goes into looking at its health; where evaluations come thick and fast,
some go without."""
PACE_SECONDS = 10.0
"""How far back one looks to tell how fast a run is."""


def back_to_state(store: Store, run_id: str) -> None:
    """Forget what a run that was cut off did after its state on disk, so that every page shows where it can go on.

    A state that is damaged is left, with all the rest, to be said when somebody resumes the run.
    """
    path = store.state_path(run_id)
    step, seconds = -1, 0.0  # without a state it begins anew
    if path.exists():
        try:
            _, info = unpack(path.read_bytes())
            step, seconds = info["step"], info["seconds"]
        except (Refusal, OSError, KeyError):
            log.exception("The state of the run %s can't be read", run_id)
            return
    store.rewind(run_id, step)
    store.later(Change(run_id, {"step": max(step, 0), "seconds": seconds}))
    store.flush(run_id)


class Work:
    """A run between two of its slices. One worker at a time calls `advance`; all may read `snapshot`."""

    def __init__(self, run: Run, config: RunConfig, model: Model, data: Data, store: Store, *, again: bool) -> None:
        self.id, self.config, self.model, self.data, self.store = run.id, config, model, data, store
        self.held = False
        """Whether it stands in the scheduler's line or in a worker's hands: never twice."""
        self._trainer = Trainer(model, data.train, data.validation, config.recipe, config.seed)
        self._steps = self._trainer.run()
        self._again = again
        """Whether there is a past in the store to take up."""
        self.kept = False
        """Whether the store knows how the run has ended."""
        self._taken = {"train": 0, "validation": 0}
        self._samples: list[tuple[int, tuple[str, ...]]] = []
        self._frames: list[tuple[int, npt.NDArray[np.float32]]] = []
        self._looks: list[tuple[int, Health]] = []
        self._examine_at = 0.0
        """Seconds of training from which the next evaluation looks at the network's health."""
        self._pace: deque[tuple[float, int, float]] = deque()
        self._save_at = time.monotonic() + SAVE_EVERY
        self._swap = threading.Lock()
        self.snapshot = Snapshot(
            id=run.id, title=run.title, status="queued", config=config, parameters=model.parameter_count,
            device=model.device.type, step=run.step, steps=config.recipe.steps, seconds=run.seconds,
            seconds_left=None, train=EMPTY, validation=EMPTY, samples=(), frames=(),
        )  # fmt: skip

    @property
    def wish(self) -> Wish:
        """As in the snapshot, so that a page can say that it was heard."""
        return self.snapshot.wish

    def publish(self, **changes: Any) -> None:
        """Replace the snapshot by one with some fields changed."""
        with self._swap:
            self.snapshot = replace(self.snapshot, **changes)

    def advance(self, seconds: float) -> None:
        """Train for a slice of time, or do what is wished. Whatever goes wrong becomes the run's own error."""
        try:
            self._advance(time.monotonic() + seconds)
        except Exception as error:  # noqa: BLE001 - a run's failure must not harm the worker, nor other runs
            self._fail(error)

    def _advance(self, until: float) -> None:
        trainer = self._trainer
        if self._again:
            self._take_up()
        if self.wish == "run" and self.snapshot.status != "running":
            self._tell("running")
        while self.wish == "run" and trainer.finished is None and time.monotonic() < until:
            before = copied(self.model) if self._examines_next() else None
            if next(self._steps).evaluated:
                self._look()
                self._examine(before)
        wish = self.wish  # once: it may change at any time
        if wish == "drop":
            return
        if wish == "pause" or (wish == "run" and time.monotonic() > self._save_at):
            self.save()
        self._collect()
        if trainer.finished is not None:
            self._finish("finished", trainer.finished)
        elif wish == "stop":
            self._finish("stopped", f"Stopped by hand at step {trainer.step:,}.")
        elif wish == "pause":
            self._tell("paused")
        else:
            self._show()

    # ----------------------------------------------------------------------------------------- what it shows

    def _look(self) -> None:
        """After an evaluation: names by the same dice as ever, and the letters' vectors."""
        step, every = self._trainer.step, self.config.recipe.evaluate_every
        options = SamplingConfig(n=SLOTS, seed=self.config.seed)
        drawn = sample(self.model, self.data.vocabulary, options, self.data.membership)
        names = tuple(each.name for each in drawn.names)
        self._samples = [*some([*self._samples, (step, names)], every, MOST_LOOKS)]
        if self._keeps(step, every, MOST_LOOKS):
            self.store.later(SampledNames(self.id, step, names))
        vectors = self.model.letter_vectors
        if vectors is not None:
            frame = vectors.cpu().numpy().copy()
            most = min(MOST_LOOKS, FRAME_BYTES // frame.nbytes)
            self._frames = [*some([*self._frames, (step, frame)], every, most)]
            if self._keeps(step, every, most):
                self.store.later(Frame(self.id, step, frame))
        weights = self._weights()
        if step % weights.apart == 0:
            self.store.later(weights)

    def _weights(self) -> Weights:
        """The model as it is now, and how far apart two that are kept may lie: the larger, the farther."""
        data, step = pack(self.model.state_dict(), {}), self._trainer.step
        # Beside 0 and so many multiples of their distance the last step is kept.
        most = min(MOST_WEIGHTS, max(FEWEST_WEIGHTS, WEIGHT_BYTES // len(data) - 2))
        return Weights(self.id, step, data, stride(step, self.config.recipe.evaluate_every, most))

    def _examines_next(self) -> bool:
        """Whether health may be looked at after the next step, so that the weights before it are wanted."""
        trainer, recipe = self._trainer, self.config.recipe
        step = trainer.step + 1
        due = step % recipe.evaluate_every == 0 and trainer.seconds >= self._examine_at
        return due or step >= recipe.steps

    def _examine(self, before: Mapping[str, Tensor] | None) -> None:
        """After an evaluation: how well the network is. `before` holds its weights before the last step."""
        trainer = self._trainer
        if isinstance(self.model, CountingModel) or (trainer.seconds < self._examine_at and not self._over):
            return
        began = time.perf_counter()
        # A run that keeps its best weights has others at its end than after that step.
        moved_on = trainer.finished is not None and self.config.recipe.patience is not None
        self._keep_look(trainer.step, self._looked_at(self.model, None if moved_on else before))
        self._examine_at = trainer.seconds + (time.perf_counter() - began) / EXAMINE_SHARE

    def _examine_lost(self, lost: Mapping[str, Tensor]) -> None:
        """At the end of a run that diverged: the weights with which it did.

        Where they are no numbers nothing is to be seen: the look before stands, or there is one at the first weights,
        which the model then has again.
        """
        if all(bool(each.isfinite().all()) for each in lost.values()):
            model = copy.deepcopy(self.model)
            model.load_state_dict(lost)
            look = self._looked_at(model)
            if math.isfinite(look.loss):
                self._keep_look(self._trainer.step, look)
                return
        if not self._looks:
            self._keep_look(0, self._looked_at(self.model))

    def _looked_at(self, model: Model, before: Mapping[str, Tensor] | None = None) -> Health:
        names = self.data.train.batch(torch.arange(min(EXAMINED, len(self.data.train))))
        return examine(model, names, before)

    def _keep_look(self, step: int, look: Health) -> None:
        figures, every = packed(look), self.config.recipe.evaluate_every
        most = min(MOST_LOOKS, HEALTH_BYTES // len(figures))
        self._looks = [*some([*self._looks, (step, look)], every, most)]
        if self._keeps(step, every, most):
            self.store.later(Look(self.id, step, figures))

    def _collect(self) -> None:
        """Move new losses from the trainer to the snapshot and to the store."""
        curve, every = self._trainer.curve, self.config.recipe.evaluate_every
        self.publish(
            train=self._moved("train", curve.train, self.snapshot.train, 1),
            validation=self._moved("validation", curve.validation, self.snapshot.validation, every),
        )

    def _moved(self, split: str, points: list[Point], curve: Curve, every: int) -> Curve:
        new = points[self._taken[split] :]
        del points[:-FETCH_EVERY]  # the trainer itself looks back at its latest losses
        self._taken[split] = len(points)
        if not new:
            return curve
        kept = [(p.step, p.seconds, p.names_seen, p.loss) for p in new if self._keeps(p.step, every, MOST_POINTS)]
        self.store.later(Metrics(self.id, split, kept))
        return thinned(longer(curve, new), every)

    def _keeps(self, step: int, every: int, most: int) -> bool:
        """Whether the store keeps what was seen at a step: as in the snapshot, and how the run ended."""
        return step % stride(step, every, most) == 0 or (self._over and step == self._trainer.step)

    @property
    def _over(self) -> bool:
        """Whether no step follows."""
        return self._trainer.finished is not None or self.wish == "stop"

    def _show(self) -> None:
        """The run as it stands, for the pages."""
        trainer, recipe = self._trainer, self.config.recipe
        now = time.monotonic()
        self._pace.append((now, trainer.step, trainer.seconds))
        while now - self._pace[0][0] > PACE_SECONDS and len(self._pace) > 2:
            self._pace.popleft()
        then, step, seconds = self._pace[0]
        left = None
        if trainer.step > step:
            left = (now - then) * (recipe.steps - trainer.step) / (trainer.step - step)
            if recipe.seconds is not None:
                share = (trainer.seconds - seconds) / (now - then)
                left = min(left, max(recipe.seconds - trainer.seconds, 0.0) / share)
        self.publish(
            step=trainer.step, seconds=trainer.seconds, samples=tuple(self._samples), frames=tuple(self._frames),
            looks=tuple(self._looks), seconds_left=left,
        )  # fmt: skip

    # ---------------------------------------------------------------------------------------- what it leaves

    def save(self) -> None:
        """Put on disk what the run needs to go on after a restart."""
        began = time.monotonic()
        state = self._trainer.state()
        if self._trainer.finished is None:
            self._collect()  # rows before the state: a run is never taken up after losses that were not kept
            progress: Changes = {"step": self._trainer.step, "seconds": self._trainer.seconds}
            self.store.later(Change(self.id, progress), File(self.id, "state", pack(state.tensors, state.info)))
        now = time.monotonic()
        self._save_at = now + max(SAVE_EVERY, (now - began) / SAVE_SHARE)

    def _take_up(self) -> None:
        """Go on from what the store holds: the state on disk, and the history up to it."""
        path = self.store.state_path(self.id)
        if path.exists():
            tensors, info = unpack(path.read_bytes())
            self._trainer.load(TrainerState(tensors, info))
        self.store.rewind(self.id, self._trainer.step if path.exists() else -1)
        every = self.config.recipe.evaluate_every
        self._samples, self._frames = self.store.samples(self.id), self.store.frames(self.id)
        self._looks = [(step, unpacked(figures)) for step, figures in self.store.looks(self.id)]
        self.publish(
            train=thinned(self.store.curve(self.id, "train"), 1),
            validation=thinned(self.store.curve(self.id, "validation"), every),
        )
        self._again = False

    def _tell(self, status: Status) -> None:
        """A new status, for the pages and for the store."""
        trainer = self._trainer
        self._pace.clear()
        self._show()
        self.publish(status=status, error=None, seconds_left=None)
        self.store.later(
            Change(
                self.id,
                {
                    "status": status,
                    "error": None,
                    "step": trainer.step,
                    "seconds": trainer.seconds,
                    "parameters": self.model.parameter_count,
                    "device": self.model.device.type,
                },
            )
        )

    def _finish(self, status: Literal["finished", "stopped"], verdict: str) -> None:
        """Measure the three splits, keep the model, and tell everyone."""
        trainer, data = self._trainer, self.data
        if not self._samples or self._samples[-1][0] != trainer.step:
            self._look()
        if trainer.lost is not None:
            self._examine_lost(trainer.lost)
        elif not self._looks or self._looks[-1][0] != trainer.step:
            self._examine(None)
        self.store.later(self._weights())
        self._show()
        train, validation, test = (evaluate(self.model, part) for part in (data.train, data.validation, data.test))
        measured = self.snapshot.validation.step[-1:].tolist() == [trainer.step]
        if status == "stopped" and not measured and math.isfinite(validation.loss):
            # Between two evaluations: the curve ends where the run did, at the loss that stands beside it.
            end = Point(trainer.step, trainer.seconds, trainer.names_seen, validation.loss)
            trainer.curve.validation.append(end)
            self._collect()
        results = Results(
            train=_finite(train.loss),
            validation=_finite(validation.loss),
            validation_error=_finite(validation.error),
            test=_finite(test.loss),
            steps=trainer.step,
            seconds=trainer.seconds,
            device=self.model.device.type,
            list_title=data.title,
            labels=classes_in(self.model.conditions, data.train.labels),
        )
        checkpoint = Checkpoint(
            self.config, data.vocabulary, self.model.state_dict(), data.membership, results, self.snapshot.title
        )
        self.store.later(File(self.id, "checkpoint", checkpoint.to_bytes()))
        self.store.flush(self.id)  # a run that says "finished" has its model
        self.store.later(
            Change(
                self.id,
                {
                    "status": status,
                    "verdict": verdict,
                    "parameters": self.model.parameter_count,  # of a counting model known only now
                    "step": trainer.step,
                    "seconds": trainer.seconds,
                    "train": results.train,
                    "validation": results.validation,
                    "validation_error": results.validation_error,
                    "test": results.test,
                    "diverged": trainer.diverged,
                },
            )
        )
        self.store.flush(self.id)
        self.store.state_path(self.id).unlink(missing_ok=True)
        self.publish(
            status=status, verdict=verdict, diverged=trainer.diverged, seconds_left=None,
            parameters=self.model.parameter_count,
            train_loss=results.train, validation_loss=results.validation, test_loss=results.test,
        )  # fmt: skip

    def _fail(self, error: Exception) -> None:
        """Keep what went wrong: a sentence for people, the traceback in the log."""
        log.error("The run %s failed", self.id, exc_info=error)
        first = next(iter(str(error).splitlines()), "")
        expected = isinstance(error, Refusal)
        sentence = (
            first if expected else f"The run failed ({type(error).__name__}: {first[:200]}); the log says more."
        )
        try:
            self.store.set_status(self.id, "failed", error=sentence)
            self.kept = True
        except Exception:  # whatever it is, the pages must see that the run has ended
            log.exception("The failure of the run %s could not be kept", self.id)
        self.publish(status="failed", error=sentence, seconds_left=None)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
