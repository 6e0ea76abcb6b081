"""The scheduler: many runs, a few threads, short slices in turn, so that thirty runs on two cores all move."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections import deque
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import torch

from wavenames.config import SERVER_LIMITS, Refusal, RunConfig, conditions_of
from wavenames.jobs.lists import prepare
from wavenames.jobs.snapshot import Snapshot, Wish, from_store
from wavenames.jobs.work import Work, back_to_state
from wavenames.models import build
from wavenames.store import Store
from wavenames.training import MOST_THREADS, best_device

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

SLICE = 0.08
"""Seconds for which a run is advanced before the next one has its turn."""
MOST_WORKERS = 4
DATA_KEPT, ENDED_KEPT = 8, 64
GOING = ("queued", "running")
LEFT = ("interrupted", "failed", "paused")
PAUSED_KEPT = 64
"""Paused runs that stay in memory; an older one is taken up from the store when it is resumed."""


class Scheduler:
    """Runs in background threads. Every method may be called from any thread.

    There is only one on a data folder: it holds the lock of `scheduler.lock` there, and marks the runs that the one
    before it left unfinished as interrupted. Windows has no such locks; there nobody checks.

    Raises:
        Refusal: another one is at work on this folder.
    """

    def __init__(self, store: Store, workers: int | None = None) -> None:
        self._lock = _locked(store.folder)
        self.store = store
        self.device = best_device()
        self._works: dict[str, Work] = {}
        """Runs that are queued, go on or pause in memory, by id."""
        self._line: deque[Work] = deque()
        self._busy = 0
        self._closing = False
        self._entering = threading.Lock()
        lock = threading.Lock()
        self._queued, self._released = threading.Condition(lock), threading.Condition(lock)
        self._prepare = lru_cache(DATA_KEPT)(lambda data, told: prepare(store, data, told, self.device))
        self._read = lru_cache(ENDED_KEPT)(self._from_store)
        for run_id in store.mark_interrupted():
            back_to_state(store, run_id)
        self._cores = _cores()
        names = [f"wavenames-run-{i}" for i in range(workers or min(self._cores, MOST_WORKERS))]
        self._threads = [
            threading.Thread(target=self._work, name=name, args=(index == 0,), daemon=True)
            for index, name in enumerate(names)
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self.close)

    # ----------------------------------------------------------------------------------------- for the pages

    def submit(self, config: RunConfig, title: str | None = None) -> str:
        """Queue a run; gives its unguessable id.

        Raises:
            Refusal: too many runs at once, a list that isn't here or is too short, or a model that is too large.
        """
        with self._entering:
            self._check_room()
            data = self._prepare(config.data, conditions_of(config.model))
            model = build(config.model, data.vocabulary.size, config.seed).to(self.device)
            run = self.store.run(self.store.create(config, title=title))
            self._enter(Work(run, config, model, data, self.store, again=False))
        return run.id

    def pause(self, run_id: str) -> None:
        """Let a run rest at its next step. One that has ended stays as it is; an unknown id is refused."""
        if not self._wish(run_id, "pause"):
            self.store.run(run_id)

    def resume(self, run_id: str) -> None:
        """Go on with a run that pauses, or that a restart or a failure cut off, to the same numbers as without.

        Raises:
            Refusal: there is no such run, its list is gone, or too many go on already.
        """
        if not self._wish(run_id, "run"):
            self._take_up(run_id, "run")

    def stop(self, run_id: str) -> None:
        """End a run at its next step and keep its model as it is then. Refuses as `resume` does."""
        if not self._wish(run_id, "stop"):
            self._take_up(run_id, "stop")

    def rename(self, run_id: str, title: str) -> None:
        """Give a run another title. Refuses an unknown run, and a title that is empty or too long."""
        self.store.rename(run_id, title)
        work = self._works.get(run_id)
        if work is not None:
            work.publish(title=self.store.run(run_id).title)

    def delete(self, run_id: str) -> None:
        """Remove a run with everything it left, once the step at hand is done. Refuses an unknown id."""
        with self._released:
            work = self._works.get(run_id)
            if work is not None:
                work.publish(wish="drop")
                if work in self._line:
                    self._line.remove(work)
                    work.held = False
                self._released.wait_for(lambda: not work.held)
                self._works.pop(run_id, None)
        self.store.delete(run_id)

    def snapshot(self, run_id: str) -> Snapshot:
        """The latest picture of a run: of one at work from memory, of any other from the store.

        Raises:
            Refusal: there is no such run, or it was deleted.
        """
        work = self._works.get(run_id)
        if work is not None:
            return work.snapshot
        run = self.store.run(run_id)
        return self._read(run_id, run.updated)

    def close(self) -> None:
        """End the threads at the next step; what goes on is kept, and can be resumed by another scheduler."""
        atexit.unregister(self.close)
        with self._queued:
            if self._closing:
                return
            self._closing = True
            self._queued.notify_all()
        for thread in self._threads:
            thread.join()
        with self._lock:  # let go of it at the very end
            for work in self._works.values():
                if work.snapshot.status == "running":
                    work.save()
            self.store.flush()

    # --------------------------------------------------------------------------------------- for the workers

    def _work(self, first: bool) -> None:
        """What a worker does. The first one takes a run that is alone, and it alone computes with several threads.

        Each worker that ever had several keeps them, and once there are more of them than cores, OpenMP puts all to
        sleep between two products: a run alone would lose half of its speed.
        """
        work: Work | None = None
        while True:
            with self._queued:
                if work is not None:
                    self._put_back(work)
                self._queued.wait_for(
                    lambda: self._closing or (self._line and (first or self._busy or len(self._line) > 1))
                )
                if self._closing:
                    return
                work = self._line.popleft()
                self._busy += 1
                share = self._cores // (self._busy + len(self._line)) if first else 1
            torch.set_num_threads(max(1, min(share, MOST_THREADS)))  # of this thread; each has its own
            try:
                work.advance(SLICE)
            except Exception:  # the run is lost, but not its worker
                log.exception("The run %s could not even fail", work.id)
                work.publish(status="failed", error="The run failed; the log says more.", seconds_left=None)

    def _put_back(self, work: Work) -> None:
        """After a slice, under the lock: to the end of the line, to rest, or away."""
        self._busy -= 1
        work.held = False
        status = work.snapshot.status
        if status in GOING and work.wish != "drop":
            self._queue(work)
        elif status == "paused" and work.wish in ("run", "stop"):
            self._queue(work)  # somebody asked for more while it was laid to rest
        elif self._works.get(work.id) is not work:
            pass  # resumed since it failed
        elif status in ("finished", "stopped") or (status == "failed" and work.kept):
            del self._works[work.id]  # from now on the store tells of it
        else:
            resting = [each.id for each in self._works.values() if not each.held and each.snapshot.status == "paused"]
            for run_id in resting[:-PAUSED_KEPT]:
                del self._works[run_id]  # its state is on its way to the disk
        self._released.notify_all()

    def _queue(self, work: Work) -> None:
        work.held = True
        if work.snapshot.status == "paused":
            work.publish(status="queued")
        self._line.append(work)
        self._queued.notify_all()

    def _wish(self, run_id: str, wish: Wish) -> bool:
        """Tell a run what is wanted of it; False if it is not at work."""
        with self._queued:
            work = self._works.get(run_id)
            if work is None or work.snapshot.status == "failed":
                return False
            if work.wish in ("stop", "drop"):
                return True  # an end is an end, also while it is on its way
            if wish == "run" and not work.held:
                self._check_room()
            work.publish(wish=wish)
            if wish != "pause" and not work.held:
                self._queue(work)
            elif wish != "pause" and work.snapshot.status == "paused":
                work.publish(status="queued")
            return True

    def _enter(self, work: Work) -> None:
        with self._queued:
            if self._closing:
                raise Refusal("The server is shutting down; start the run again when it is back.")
            self._works[work.id] = work
            self._queue(work)

    def _take_up(self, run_id: str, wish: Wish) -> None:
        """Bring back a run that is at rest in the store. One that has ended, or goes on, stays as it is."""
        with self._entering:
            self.store.flush(run_id)
            if self.snapshot(run_id).status not in LEFT:
                return
            self._check_room()
            run = self.store.run(run_id)
            config = run.configuration()
            data = self._prepare(config.data, conditions_of(config.model))
            model = build(config.model, data.vocabulary.size, config.seed).to(self.device)
            work = Work(run, config, model, data, self.store, again=True)
            work.publish(wish=wish)
            self._enter(work)

    def _check_room(self) -> None:
        most = SERVER_LIMITS.max_active_runs
        going = sum(work.snapshot.status in GOING for work in [*self._works.values()])
        if going >= most:
            raise Refusal(
                f"This server has {going} runs that train or wait; allowed is at most {most}. "
                "Pause or stop one, or try again when one has ended."
            )

    def _from_store(self, run_id: str, updated: datetime) -> Snapshot:
        del updated  # part of the key: a run that has changed since is read again
        return from_store(self.store, self.store.run(run_id))


def _locked(folder: Path) -> TextIO:
    """The folder's open lock file; the lock lasts until it is closed, or the process ends however it ends."""
    file = (folder / "scheduler.lock").open("a")
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise Refusal(
                f"Another server trains on the data folder {folder}; close it, or set WAVENAMES_DATA to another."
            ) from None
    return file


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
