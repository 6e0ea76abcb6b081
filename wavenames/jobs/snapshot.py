"""What a page sees of a run: one immutable picture, replaced as a whole when the run has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wavenames.config import RunConfig
from wavenames.store import Status
from wavenames.training import Point

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """A curve of loss, one entry a point: steps, seconds of training, names seen, nats per letter."""

    step: Array
    seconds: Array
    names_seen: Array
    loss: Array


class GrowingSeries:
    """Collects points; `view` gives what is there without copying it.

    Rows once written are never written again: when the buffer is full a larger one takes its place, so a view stays
    as it was however the run goes on.
    """

    def __init__(self) -> None:
        self._rows = np.empty((1024, 4))
        self._count = 0

    def extend(self, points: Sequence[Point]) -> None:
        """Add points at the end."""
        self.extend_rows(np.array([(p.step, p.seconds, p.names_seen, p.loss) for p in points]).reshape(-1, 4))

    def extend_rows(self, rows: Array) -> None:
        """Add rows (points, 4) of step, seconds, names seen, loss."""
        end = self._count + len(rows)
        if end > len(self._rows):
            grown = np.empty((max(2 * len(self._rows), end), 4))
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : end] = rows
        self._count = end

    def view(self) -> Series:
        """The points so far."""
        return Series(*self._rows[: self._count].T)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One moment of a run. Losses are nats per letter on the parts of the split that `config.data` names."""

    id: str
    title: str
    status: Status
    config: RunConfig
    parameters: int
    step: int
    steps: int
    seconds: float
    """Of training, validations and waiting not counted."""
    seconds_left: float | None
    """Until the end, at the pace of late; None when that isn't known."""
    train: Series
    validation: Series
    samples: tuple[tuple[int, tuple[str, ...]], ...]
    """(step, names) of each evaluation; a place in names has the same dice each time."""
    frames: tuple[tuple[int, npt.NDArray[np.float32]], ...]
    """(step, letters' vectors (V, E)) of some evaluations, the first and the latest among them."""
    verdict: str | None
    """Why the run has ended, in a sentence."""
    error: str | None
    """What went wrong, in a sentence, for a run that failed."""
    diverged: bool = False
    train_loss: float | None = None
    validation_loss: float | None = None
    test_loss: float | None = None
