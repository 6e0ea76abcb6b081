"""What a run pays for keeping its weights at some of its steps.

python -m docs.weights_cost [ROUNDS]     the same run with and without, in turn, in seconds of the process, so that a
                                         busy machine changes little; prints both rates, and the median of the ratios
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from wavenames.config import RunConfig
from wavenames.jobs.lists import prepare
from wavenames.jobs.work import Work
from wavenames.models import build
from wavenames.store import Store, Weights

PRESET, WINDOW = "wavenet-m", 2.0  # seconds of each turn
EVALUATE_EVERY = 50  # twice as often as it is unless one asks for it


class Without(Work):
    """A run that keeps no weights but those at its end."""

    def _weights(self) -> Weights:
        return Weights(self.id, 1, b"", self._trainer.step + 2)


def started(kind: type[Work], store: Store) -> Work:
    """A run that has begun."""
    config = RunConfig.from_flat({"preset": PRESET, "steps": 100_000, "evaluate_every": EVALUATE_EVERY})
    data = prepare(store, config.data, (), torch.device("cpu"))
    model = build(config.model, data.vocabulary.size, config.seed)
    work = kind(store.run(store.create(config)), config, model, data, store, again=False)
    work.advance(0.5)
    return work


def rate(work: Work) -> float:
    """Steps a second of the process, evaluations and the store's thread and all."""
    began, first = time.process_time(), work.snapshot.step
    while time.process_time() - began < WINDOW:
        work.advance(0.08)
    work.store.flush()
    return (work.snapshot.step - first) / (time.process_time() - began)


def main() -> None:
    """Compare, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=20)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, Store(folder=Path(folder)) as store:
        kept, plain = started(Work, store), started(Without, store)
        rates = [(rate(kept), rate(plain)) for _ in range(rounds)]
    with_, without = (statistics.median(each) for each in zip(*rates, strict=True))
    ratio = statistics.median(one / other for one, other in rates)
    print(f"with {with_:.1f}, without {without:.1f} steps/s; median of {rounds} ratios {ratio:.3f}")


if __name__ == "__main__":
    main()
