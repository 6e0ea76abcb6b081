"""One run at work: its trainer, what it has shown so far, and what it hands to the store."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from wavenames.checkpoints import Checkpoint, Results, pack, unpack
from wavenames.config import RunConfig, SamplingConfig
from wavenames.jobs.lists import Data
from wavenames.jobs.snapshot import GrowingSeries, Snapshot
from wavenames.models import Model
from wavenames.sampling import sample
from wavenames.store import Change, Frame, Metrics, Run, SampledNames, StateFile, Status, Store, replacing
from wavenames.training import Point, Progress, Trainer, TrainerState, evaluate

SLOTS = 8
"""Names drawn at each evaluation."""
FRAMES_KEPT = 60
"""Letters' maps that a snapshot holds; past it every second one is dropped."""
SAVE_EVERY = 3.0
"""Seconds between two states on disk: what a server that is killed may lose."""

Wish = Literal["run", "pause", "stop", "drop"]


class Work:
    """A run between two of its slices. One worker at a time calls `advance`; all read `snapshot` or set `wish`."""

    def __init__(self, run: Run, config: RunConfig, model: Model, data: Data, store: Store) -> None:
        self.id, self.config, self.data, self.store = run.id, config, data, store
        self.model = model
        self.trainer = Trainer(model, data.train, data.validation, config.recipe, config.seed)
        self.wish: Wish = "run"
        self.waiting = False
        """Whether the run stands in the scheduler's line or is being advanced: it must never do so twice."""
        self._train, self._validation = GrowingSeries(), GrowingSeries()
        self._samples: list[tuple[int, tuple[str, ...]]] = []
        self._frames: list[tuple[int, npt.NDArray[np.float32]]] = []
        self._steps = self.trainer.run()
        self._saved = self._began = time.monotonic()
        self._began_at_step = 0
        self.snapshot = Snapshot(
            id=run.id, title=run.title, status="queued", config=config, parameters=model.parameter_count,
            step=0, steps=config.recipe.steps, seconds=0.0, seconds_left=None,
            train=self._train.view(), validation=self._validation.view(), samples=(), frames=(),
            verdict=None, error=None,
        )  # fmt: skip

    def take_up(self) -> None:
        """Go on from what the store holds: the state on disk, and the history up to it."""
        path = self.store.state_path(self.id)
        if not path.exists():
            self.store.rewind(self.id, -1)
            return
        tensors, info = unpack(path.read_bytes())
        self.trainer.load(TrainerState(tensors, info))
        self.store.rewind(self.id, self.trainer.step)
        for series, split in ((self._train, "train"), (self._validation, "validation")):
            kept = self.store.curve(self.id, split)
            series.extend_rows(np.column_stack([kept.step, kept.seconds, kept.names_seen, kept.loss]))
        self._samples = self.store.samples(self.id)
        self._frames = self.store.frames(self.id)
        self._began_at_step = self.trainer.step
        self._publish(self.snapshot.status)

    def advance(self, seconds: float) -> bool:
        """Train for a slice of time, or do what is wished; whether there is more to do."""
        if self.snapshot.status != "running" and self.wish == "run":
            self._began, self._began_at_step = time.monotonic(), self.trainer.step
            self._tell("running")
        end = time.monotonic() + seconds
        progress: Progress | None = None
        while self.wish == "run" and time.monotonic() < end:
            progress = next(self._steps)
            if progress.evaluated:
                self._show()
            if progress.finished is not None:
                self._finish("finished", progress.finished)
                return False
        if self.wish == "pause":
            self._save()
            self._tell("paused")
            return False
        if self.wish == "stop":
            self._finish("stopped", f"Stopped by hand at step {self.trainer.step:,}.")
            return False
        if self.wish == "drop":
            return False
        if time.monotonic() - self._saved > SAVE_EVERY:
            self._save()
        self._publish("running")
        return True

    def fail(self, sentence: str) -> None:
        """Keep what went wrong."""
        self.store.later(Change(self.id, {"status": "failed", "error": sentence}))
        self._publish("failed", error=sentence)

    # ------------------------------------------------------------------------------------------ what it shows

    def _show(self) -> None:
        """After an evaluation: the curves, names by the same dice as ever, the letters' vectors."""
        self._collect()
        step = self.trainer.step
        options = SamplingConfig(n=SLOTS, seed=self.config.seed)
        drawn = sample(self.model, self.data.vocabulary, options, self.data.membership)
        names = tuple(each.name for each in drawn.names)
        self._samples.append((step, names))
        self.store.later(SampledNames(self.id, step, names))
        vectors = self.model.letter_vectors
        if vectors is not None:
            frame = vectors.cpu().numpy().copy()
            self._frames.append((step, frame))
            self.store.later(Frame(self.id, step, frame))
            if len(self._frames) > FRAMES_KEPT:
                self._frames = self._frames[:-1:2] + self._frames[-1:]

    def _collect(self) -> None:
        """Move new losses from the trainer to the curves and the store."""
        self.trainer.fetch()
        curve = self.trainer.curve
        for split, series, points in (
            ("train", self._train, curve.train),
            ("validation", self._validation, curve.validation),
        ):
            if points:
                series.extend(points)
                self.store.later(Metrics(self.id, split, [_row(point) for point in points]))
                points.clear()

    def _publish(self, status: Status, **more: Any) -> None:
        trainer = self.trainer
        self.snapshot = replace(
            self.snapshot, status=status, step=trainer.step, seconds=trainer.seconds, seconds_left=self._left(),
            train=self._train.view(), validation=self._validation.view(), samples=tuple(self._samples),
            frames=tuple(self._frames), diverged=trainer.diverged, **more,
        )  # fmt: skip

    def _left(self) -> float | None:
        done = self.trainer.step - self._began_at_step
        if done < 1:
            return None
        pace = (time.monotonic() - self._began) / done
        left = pace * (self.config.recipe.steps - self.trainer.step)
        limit = self.config.recipe.seconds
        return left if limit is None else min(left, max(limit - self.trainer.seconds, 0.0))

    def _tell(self, status: Status) -> None:
        """A new status, for the pages and for the store."""
        self.store.later(
            Change(
                self.id,
                {
                    "status": status,
                    "step": self.trainer.step,
                    "seconds": self.trainer.seconds,
                    "parameters": self.model.parameter_count,
                    "device": self.model.device.type,
                },
            )
        )
        self._publish(status)

    # ------------------------------------------------------------------------------------------ what it leaves

    def _save(self) -> None:
        """Put on disk what the run needs to go on after a restart."""
        state = self.trainer.state()
        self._collect()
        self.store.later(
            StateFile(self.id, pack(state.tensors, state.info)),
            Change(self.id, {"step": self.trainer.step, "seconds": self.trainer.seconds}),
        )
        self._saved = time.monotonic()

    def _finish(self, status: Literal["finished", "stopped"], verdict: str) -> None:
        """Measure the three splits, keep the model, and tell everyone."""
        self._collect()
        if not self._samples or self._samples[-1][0] != self.trainer.step:
            self._show()
        train, validation, test = (
            evaluate(self.model, part) for part in (self.data.train, self.data.validation, self.data.test)
        )
        losses = {"train": train.loss, "validation": validation.loss, "test": test.loss}
        results = Results(
            **{part: _finite(loss) for part, loss in losses.items()},
            validation_error=_finite(validation.error),
            steps=self.trainer.step,
            seconds=round(self.trainer.seconds, 3),
            device=self.model.device.type,
            list_title=self.data.title,
        )
        checkpoint = Checkpoint(
            self.config, self.data.vocabulary, self.model.state_dict(), self.data.membership, results,
            self.snapshot.title,
        )  # fmt: skip
        with replacing(self.store.checkpoint_path(self.id)) as temporary:
            temporary.write_bytes(checkpoint.to_bytes())
        best = [loss for loss in self._validation.view().loss.tolist() if math.isfinite(loss)]
        self.store.later(
            Change(
                self.id,
                {
                    "status": status,
                    "verdict": verdict,
                    "step": self.trainer.step,
                    "seconds": self.trainer.seconds,
                    "train": results.train,
                    "validation": results.validation,
                    "test": results.test,
                    "best_validation": min(best, default=None),
                },
            )
        )
        self._publish(
            status, verdict=verdict, train_loss=results.train, validation_loss=results.validation,
            test_loss=results.test,
        )  # fmt: skip


def _row(point: Point) -> tuple[int, float, int, float]:
    return point.step, point.seconds, round(point.names_seen), point.loss


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
