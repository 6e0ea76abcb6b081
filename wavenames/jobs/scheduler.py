"""The scheduler: many runs, a few threads, short slices in turn, so that thirty runs on two cores all move."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict, deque
from dataclasses import replace

import torch

from wavenames.config import SERVER_LIMITS, DataConfig, Refusal, RunConfig
from wavenames.jobs.lists import Data, prepare
from wavenames.jobs.snapshot import Series, Snapshot
from wavenames.jobs.work import Wish, Work
from wavenames.models import build
from wavenames.store import Run, Store
from wavenames.training import best_device

log = logging.getLogger(__name__)

SLICE = 0.1
"""Seconds for which a run is advanced before the next one has its turn."""
MOST_WORKERS = 4
DATA_KEPT, ENDED_KEPT = 8, 64
GOING = ("queued", "running")


class Scheduler:
    """Runs in background threads. Every method returns at once and may be called from any thread.

    Each worker computes with one thread: a run's numbers then do not depend on how busy the server is, and small
    models gain little from more.
    """

    def __init__(self, store: Store, workers: int | None = None) -> None:
        self.store = store
        self.device = best_device()
        self._works: dict[str, Work] = {}
        """Runs that go on or pause, by id."""
        self._ended: OrderedDict[str, Snapshot] = OrderedDict()
        self._data: OrderedDict[DataConfig, Data] = OrderedDict()
        self._line: deque[Work] = deque()
        self._changed = threading.Condition()
        self._closing = False
        store.mark_interrupted()
        count = workers or max(1, min(os.cpu_count() or 1, MOST_WORKERS))
        self._threads = [threading.Thread(target=self._work, name=f"run-{i}", daemon=True) for i in range(count)]
        for thread in self._threads:
            thread.start()

    # ----------------------------------------------------------------------------------------- for the pages

    def submit(self, config: RunConfig, title: str | None = None) -> str:
        """Queue a run; gives its unguessable id.

        Raises:
            Refusal: too many runs at once, a list that isn't here, or a model that is too large.
        """
        with self._changed:
            active = sum(work.snapshot.status in GOING for work in self._works.values())
        if active >= SERVER_LIMITS.max_active_runs:
            raise Refusal(f"This server trains {active} runs already, which is all it takes. Try again in a while.")
        data = self._prepare(config.data)
        model = build(config.model, data.vocabulary.size, config.seed).to(self.device)
        run_id = self.store.create(config, title=title)
        work = Work(self.store.run(run_id), config, model, data, self.store)
        self._enter(work)
        return run_id

    def pause(self, run_id: str) -> None:
        """Let a run rest at the next step. One that has ended stays as it is."""
        self._wish(run_id, "pause")

    def stop(self, run_id: str) -> None:
        """End a run at the next step; its model is kept as it is then."""
        if run_id not in self._works and self.snapshot(run_id).status == "interrupted":
            self._take_up(run_id, "stop")
        else:
            self._wish(run_id, "stop")

    def resume(self, run_id: str) -> None:
        """Go on with a run that pauses or was interrupted by a restart; to the same numbers as if it never had been.

        Raises:
            Refusal: there is no such run, or its list is gone.
        """
        if run_id in self._works:
            self._wish(run_id, "run")
        elif self.snapshot(run_id).status == "interrupted":
            self._take_up(run_id, "run")

    def rename(self, run_id: str, title: str) -> None:
        """Give a run another title. Refuses an empty or too long one."""
        self.store.rename(run_id, title)
        kept = self.store.run(run_id).title
        with self._changed:
            work = self._works.get(run_id)
            if work is not None:
                work.snapshot = replace(work.snapshot, title=kept)
            self._ended.pop(run_id, None)

    def delete(self, run_id: str) -> None:
        """Remove a run with everything it left. Refuses an unknown id."""
        with self._changed:
            work = self._works.pop(run_id, None)
            if work is not None:
                work.wish = "drop"
                self._changed.wait_for(lambda: not work.waiting)
            self._ended.pop(run_id, None)
        self.store.delete(run_id)

    def snapshot(self, run_id: str) -> Snapshot:
        """The latest picture of a run: of one at work from memory, of any other from the store.

        Raises:
            Refusal: there is no such run.
        """
        work = self._works.get(run_id)
        if work is not None:
            return work.snapshot
        with self._changed:
            ended = self._ended.get(run_id)
        if ended is None:
            ended = self._remember(self._from_store(self.store.run(run_id)))
        return ended

    def active(self) -> int:
        """How many runs go on or wait for their turn."""
        with self._changed:
            return sum(work.snapshot.status in GOING for work in self._works.values())

    def close(self) -> None:
        """Stop all threads at the next step; runs that go on are kept, to be resumed."""
        with self._changed:
            self._closing = True
            for work in self._works.values():
                if work.wish == "run":
                    work.wish = "pause"
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self.store.flush()

    # ----------------------------------------------------------------------------------------- for the workers

    def _work(self) -> None:
        torch.set_num_threads(1)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._line or self._closing)
                if not self._line:
                    return
                work = self._line.popleft()
            more = self._advance(work)
            with self._changed:
                if more:
                    self._line.append(work)
                else:
                    work.waiting = False
                    if work.snapshot.status not in ("paused", *GOING) and work.id in self._works:
                        self._keep(self._works.pop(work.id).snapshot)
                    elif work.snapshot.status == "paused" and work.wish != "pause" and work.id in self._works:
                        self._queue(work)  # somebody asked for more while it was being put to rest
                self._changed.notify_all()

    def _advance(self, work: Work) -> bool:
        try:
            return work.advance(SLICE)
        except Refusal as refusal:
            work.fail(str(refusal))
        except Exception as error:
            log.exception("run %s failed", work.id)
            work.fail(f"The run failed: {type(error).__name__}. The server's log says more.")
        return False

    def _wish(self, run_id: str, wish: Wish) -> None:
        with self._changed:
            work = self._works.get(run_id)
            if work is None:
                return
            work.wish = wish
            if not work.waiting:
                self._queue(work)

    def _enter(self, work: Work) -> None:
        with self._changed:
            self._works[work.id] = work
            self._ended.pop(work.id, None)
            self._queue(work)

    def _queue(self, work: Work) -> None:
        work.waiting = True
        self._line.append(work)
        self._changed.notify()

    def _take_up(self, run_id: str, wish: Wish) -> None:
        kept = self.store.run(run_id)
        config = kept.configuration()
        data = self._prepare(config.data)
        model = build(config.model, data.vocabulary.size, config.seed).to(self.device)
        work = Work(kept, config, model, data, self.store)
        work.take_up()
        work.wish = wish
        self._enter(work)

    def _prepare(self, config: DataConfig) -> Data:
        with self._changed:
            data = self._data.get(config)
        if data is None:
            data = prepare(self.store, config, self.device)
            with self._changed:
                self._data[config] = data
                while len(self._data) > DATA_KEPT:
                    self._data.popitem(last=False)
        return data

    def _remember(self, snapshot: Snapshot) -> Snapshot:
        with self._changed:
            self._keep(snapshot)
        return snapshot

    def _keep(self, snapshot: Snapshot) -> None:
        self._ended[snapshot.id] = snapshot
        while len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)

    def _from_store(self, run: Run) -> Snapshot:
        curves = {}
        for split in ("train", "validation"):
            kept = self.store.curve(run.id, split)
            curves[split] = Series(kept.step.astype(float), kept.seconds, kept.names_seen, kept.loss)
        return Snapshot(
            id=run.id, title=run.title, status=run.status, config=run.configuration(),
            parameters=run.parameters or 0, step=run.step, steps=run.steps, seconds=run.seconds, seconds_left=None,
            train=curves["train"], validation=curves["validation"],
            samples=tuple(self.store.samples(run.id)), frames=tuple(self.store.frames(run.id)),
            verdict=run.verdict, error=run.error, diverged=run.diverged,
            train_loss=run.train, validation_loss=run.validation, test_loss=run.test,
        )  # fmt: skip
