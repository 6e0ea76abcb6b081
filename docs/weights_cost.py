"""What a run pays for keeping its weights at some of its steps, and what it takes to look back at them.

python -m docs.weights_cost [ROUNDS]     the same run with and without, in turn, in seconds of the process (so that
                                         a busy machine changes little), and the median of the ratios; then a name
                                         read, and the letters followed, at all steps kept
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from wavenames.checkpoints import pack, unpack
from wavenames.config import RunConfig
from wavenames.jobs.lists import prepare
from wavenames.jobs.work import Work
from wavenames.models import build
from wavenames.names import Vocabulary, bundled
from wavenames.probes.embeddings import follow
from wavenames.probes.surprisal import surprisal
from wavenames.store import WEIGHT_BYTES, Store, Weights

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


def looking_back(store: Store) -> str:
    """A name read by the model of each step that a run of wavenet-l keeps, and its letters followed. Untrained."""
    config, names = RunConfig.from_flat({"preset": "wavenet-l"}), bundled("ssa-2018").names
    vocabulary = Vocabulary.of(names)
    model, run = build(config.model, vocabulary.size, config.seed), store.create(config)
    data = pack(model.state_dict(), {})
    steps = range(WEIGHT_BYTES // len(data) - 1)
    store.later(*(Weights(run, step, data, 1) for step in steps))
    store.flush()

    def read() -> list[npt.NDArray[np.float32]]:
        vectors = []
        for step in steps:
            model = build(config.model, vocabulary.size)
            model.load_state_dict(unpack(store.weights(run, step))[0])
            surprisal(model.eval(), vocabulary, "isabella")
            vectors.append(cast(torch.Tensor, model.letter_vectors).numpy())
        return vectors

    def milliseconds(work: Callable[[], object]) -> float:
        began = time.process_time()
        work()
        return 1000 * (time.process_time() - began)

    vectors = [each + step for step, each in enumerate(read())]
    reading = statistics.median(milliseconds(read) for _ in range(5))
    following = statistics.median(milliseconds(partial(follow, vectors)) for _ in range(5))
    return f"wavenet-l, {len(steps)} steps: a name read at each {reading:.0f} ms, letters followed {following:.0f} ms"


def main() -> None:
    """Compare, in turn; then look back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=20)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, Store(folder=Path(folder)) as store:
        kept, plain = started(Work, store), started(Without, store)
        rates = [(rate(kept), rate(plain)) for _ in range(rounds)]
        back = looking_back(store)
    with_, without = (statistics.median(each) for each in zip(*rates, strict=True))
    ratio = statistics.median(one / other for one, other in rates)
    print(f"with {with_:.1f}, without {without:.1f} steps/s; median of {rounds} ratios {ratio:.3f}")
    print(back)


if __name__ == "__main__":
    main()
