"""What a run pays for looking at its health, and for keeping its weights at some of its steps.

python -m docs.run_costs [ROUNDS]     the same run with and without, in turn on one thread, in seconds of the process,
                                      so that a busy machine changes little; prints both rates and the median of the
                                      ratios
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from wavenames.config import RunConfig
from wavenames.jobs.lists import Data, prepare
from wavenames.jobs.work import Work
from wavenames.models import build
from wavenames.store import Store, Weights

WINDOW, SLICE = 3.0, 0.08  # seconds of each turn, and of a slice in it


class Unexamined(Work):
    """A run whose health nobody looks at."""

    def _examine(self, before: Mapping[str, Tensor] | None) -> None:
        pass

    def _examines_next(self) -> bool:
        return False


class Forgetful(Work):
    """A run that keeps no weights but those at its end."""

    def _weights(self) -> Weights:
        return Weights(self.id, 1, b"", self._trainer.step + 2)


COSTS: tuple[tuple[str, type[Work], str, int], ...] = (
    ("health", Unexamined, "wavenet-m", 100),
    ("health", Unexamined, "wavenet-m", 10),
    ("health", Unexamined, "quick", 50),
    ("health", Unexamined, "quick", 10),
    ("weights", Forgetful, "wavenet-m", 100),
    ("weights", Forgetful, "wavenet-m", 50),
)
"""What costs, a run without it, the preset, and how often it is evaluated: as by default, and more often."""


def begun(kind: type[Work], preset: str, every: int, store: Store, data: Data) -> Work:
    """A fresh run, past its first look."""
    config = RunConfig.from_flat({"preset": preset, "steps": 100_000, "evaluate_every": every})
    model = build(config.model, data.vocabulary.size, config.seed)
    work = kind(store.run(store.create(config)), config, model, data, store, again=False)
    work.advance(0.5)
    return work


def rate(work: Work) -> float:
    """Steps a second of a turn, evaluations and the store's thread and all."""
    began, first = time.process_time(), work.snapshot.step
    while time.process_time() - began < WINDOW:
        work.advance(SLICE)
    work.store.flush()
    return (work.snapshot.step - first) / (time.process_time() - began)


def main() -> None:
    """Compare, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=10)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, Store(folder=Path(folder)) as store:
        data = prepare(store, RunConfig().data, (), torch.device("cpu"))
        for what, plainer, preset, every in COSTS:
            both = [begun(kind, preset, every, store, data) for kind in (Work, plainer)]
            rates = [tuple(rate(work) for work in both) for _ in range(rounds)]
            ratios = [with_it / without for with_it, without in rates]
            with_it, without = (statistics.median(each) for each in zip(*rates, strict=True))
            print(
                f"{what} of {preset}, evaluated every {every} steps: {with_it:.1f} steps/s with, {without:.1f} "
                f"without; ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
