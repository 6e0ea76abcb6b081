"""One run at work: its trainer, what it has shown so far, and what it hands to the store."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from wavenames.checkpoints import Checkpoint, Results, pack, unpack
from wavenames.config import Refusal, RunConfig, SamplingConfig
from wavenames.jobs.lists import Data
from wavenames.jobs.snapshot import EMPTY, MOST_LOOKS, MOST_POINTS, Snapshot, longer, some, stride, thinned
from wavenames.models import Model
from wavenames.sampling import sample
from wavenames.store import FRAME_BYTES, Change, File, Frame, Metrics, Run, SampledNames, Store, StoreFailed
from wavenames.training import FETCH_EVERY, Point, Trainer, TrainerState, evaluate

log = logging.getLogger(__name__)

SLOTS = 8
"""Names drawn at each evaluation."""
SAVE_EVERY = 3.0
"""Seconds between two states on disk: what a server that is killed may lose."""
SAVE_SHARE = 0.02
"""The largest share of a run's time that goes into saving it; a large model is saved less often."""
PACE_SECONDS = 10.0
"""How far back one looks to tell how fast a run is."""

Wish = Literal["run", "pause", "stop", "drop"]


class Work:
    """A run between two of its slices. One worker at a time calls `advance`; all may read `snapshot`."""

    def __init__(self, run: Run, config: RunConfig, model: Model, data: Data, store: Store) -> None:
        self.id, self.config, self.model, self.data, self.store = run.id, config, model, data, store
        self.wish: Wish = "run"
        """What people want of it; heeded at the next step."""
        self.held = False
        """Whether it stands in the scheduler's line or in a worker's hands: never twice."""
        self._trainer = Trainer(model, data.train, data.validation, config.recipe, config.seed)
        self._steps = self._trainer.run()
        self._again = run.status != "queued"
        self._taken = {"train": 0, "validation": 0}
        self._samples: list[tuple[int, tuple[str, ...]]] = []
        self._frames: list[tuple[int, npt.NDArray[np.float32]]] = []
        self._pace: deque[tuple[float, int, float, float]] = deque()
        self._save_at = time.monotonic() + SAVE_EVERY
        self._swap = threading.Lock()
        self.snapshot = Snapshot(
            id=run.id, title=run.title, status="queued", config=config, parameters=model.parameter_count,
            device=model.device.type, step=run.step, steps=config.recipe.steps, seconds=run.seconds, seconds_left=None,
            names_per_second=None, train=EMPTY, validation=EMPTY, samples=(), frames=(),
        )  # fmt: skip

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
            if next(self._steps).evaluated:
                self._look()
        if self.wish == "drop":
            return
        if trainer.finished is None and self.wish != "stop" and (self.wish == "pause" or time.monotonic() > self._save_at):
            self.save()
        self._collect()
        if trainer.finished is not None:
            self._finish("finished", trainer.finished)
        elif self.wish == "stop":
            self._finish("stopped", f"Stopped by hand at step {trainer.step:,}.")
        elif self.wish == "pause":
            self._pace.clear()
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
        return step % stride(step, every, most) == 0 or (self._ended and step == self._trainer.step)
