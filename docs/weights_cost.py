"""What a run pays for keeping its weights at some of its steps: the same run with and without, by the wall clock.

python -m docs.weights_cost [ROUNDS]     the two take turns; prints each rate, and the median of the ratios
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

PRESET, WINDOW = "wavenet-m", 12.0  # seconds of each turn
EVALUATE_EVERY = 50  # ten times as often as a run of its length does unless told otherwise


class Without(Work):
    """A run that keeps no weights but those at its end."""

    def _weights(self) -> Weights:
        return Weights(self.id, 1, b"", self._trainer.step + 2)


def rate(kind: type[Work], store: Store) -> float:
    """Steps a second, evaluations and all, of a fresh run."""
    config = RunConfig.from_flat({"preset": PRESET, "steps": 100_000, "evaluate_every": EVALUATE_EVERY})
    data = prepare(store, config.data, (), torch.device("cpu"))
    model = build(config.model, data.vocabulary.size, config.seed)
    work = kind(store.run(store.create(config)), config, model, data, store, again=False)
    work.advance(0.5)
    began, first = time.monotonic(), work.snapshot.step
    while time.monotonic() - began < WINDOW:
        work.advance(0.08)
    found = (work.snapshot.step - first) / (time.monotonic() - began)
    store.flush()
    print(
        f"{kind.__name__}: {found:.1f} steps/s, weights of {len(store.weights_steps(work.id))} steps kept", flush=True
    )
    return found


def main() -> None:
    """Compare, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, Store(folder=Path(folder)) as store:
        ratios = [rate(Work, store) / rate(Without, store) for _ in range(rounds)]
    print(f"with / without: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
