"""What a run pays for looking at its health: the same run with and without, by the clock of its thread.

python -m docs.health_cost [ROUNDS]     the two take turns; prints both rates, the median of the ratios, and how long
                                        a look takes on wavenet-l
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from wavenames.config import PRESETS, RunConfig
from wavenames.jobs.lists import Data, prepare
from wavenames.jobs.work import EXAMINED, Work
from wavenames.models import build
from wavenames.probes.health import copied, examine
from wavenames.store import Store

WINDOW, SLICE, LOOKS = 3.0, 0.08, 15  # seconds of each turn, and of a slice in it; looks that are timed
RUNS = (("wavenet-m", 100), ("wavenet-m", 10), ("quick", 50), ("quick", 10))
"""Presets and how often they are evaluated: as they are by default, and very often."""


class Without(Work):
    """A run whose health nobody looks at."""

    def _examine(self, before: Mapping[str, Tensor] | None) -> None:
        pass

    def _examines_next(self) -> bool:
        return False


def begun(kind: type[Work], preset: str, every: int, store: Store, data: Data) -> Work:
    """A fresh run, past its first look."""
    config = RunConfig.from_flat({"preset": preset, "steps": 100_000, "evaluate_every": every})
    model = build(config.model, data.vocabulary.size, config.seed)
    work = kind(store.run(store.create(config)), config, model, data, store, again=False)
    work.advance(0.5)
    return work


def rate(work: Work) -> float:
    """Steps a second of a turn, evaluations and all."""
    began, first = time.thread_time(), work.snapshot.step
    while time.thread_time() - began < WINDOW:
        work.advance(SLICE)
    return (work.snapshot.step - first) / (time.thread_time() - began)


def main() -> None:
    """Compare, in turn, on one thread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=10)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, Store(folder=Path(folder)) as store:
        data = prepare(store, RunConfig().data, (), torch.device("cpu"))
        for preset, every in RUNS:
            both = [begun(kind, preset, every, store, data) for kind in (Work, Without)]
            rates = [tuple(rate(work) for work in both) for _ in range(rounds)]
            ratios = [looked / plain for looked, plain in rates]
            looked, plain = (statistics.median(each) for each in zip(*rates, strict=True))
            looks = len(both[0].snapshot.looks)
            print(
                f"{preset}, evaluated every {every} steps: {looked:.1f} steps/s "
                f"with {looks} looks, {plain:.1f} without; ratio {statistics.median(ratios):.3f} "
                f"({min(ratios):.3f} to {max(ratios):.3f})",
                flush=True,
            )
    model = build(PRESETS["wavenet-l"].model, data.vocabulary.size, seed=1)
    names, weights, times = data.train.batch(torch.arange(EXAMINED)), copied(model), []
    for _ in range(LOOKS):
        began = time.thread_time()
        examine(model, names, weights)
        times.append(time.thread_time() - began)
    print(f"a look at wavenet-l on {EXAMINED} names: {1000 * statistics.median(times):.0f} ms")


if __name__ == "__main__":
    main()
