"""Names laid end to end, without padding, on the device once.

For the names "ab" and "c"::

    letters    .  a  b  .  c      the letter before each target
    targets    a  b  .  c  .      the letter to predict
    positions  0  1  2  0  1      letters of the name already seen
    offsets    0        3     5   where each name begins, and the end

Padding each name to the longest one would waste more than half of the arithmetic.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from wavenames.names.vocabulary import END, Vocabulary


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """B packed names with N targets in all; every tensor holds int64 and lies on the same device."""

    letters: Tensor
    """(N,) the letter right before each target; '.' (0) before the first."""
    targets: Tensor
    """(N,) the letter to predict; '.' (0) ends a whole name."""
    positions: Tensor
    """(N,) how many letters of the name stand before the target."""
    offsets: Tensor
    """(B+1,) name b fills the rows offsets[b] to offsets[b+1] - 1."""
    rows: Tensor | None = None
    """(R,) the rows whose logits are wanted; None for all N."""
    labels: Tensor | None = None
    """(B, C) what is known of each name, a number for each of C kinds, 0 for unknown; None where nothing is told."""

    @property
    def wanted(self) -> Tensor:
        """(R,) the targets of the wanted logits."""
        return self.targets if self.rows is None else self.targets[self.rows]

    def windows(self, k: int) -> Tensor:
        """(R, k) the k letters before each wanted target, oldest first, '.' (0) before the name's start."""
        window = F.pad(self.letters, (k - 1, 0)).unfold(0, k, 1)
        positions = self.positions
        if self.rows is not None:
            window, positions = window[self.rows], positions[self.rows]
        # Column j lies k - 1 - j letters back; where the name has not begun yet, the letter is a neighbour's.
        back = torch.arange(k - 1, -1, -1, device=positions.device)
        return window * (positions[:, None] >= back)


class Packed:
    """All names of one part of a split, packed, with batches cut out by index.

    `letters`, `targets`, `positions` (N,) and `offsets` (B+1,) are as in `Batch` and lie on `device`.
    `lengths` (B,) counts the targets of each name, its letters and the end mark; it stays on the CPU, so that
    the size of a batch is known without waiting for the device. `name_ids` (B,), on the CPU too, numbers the
    distinct names in the order in which they come first: rows that spell the same name have the same number.
    Refuses a letter that `vocabulary` doesn't know. `labels`, row by row, becomes (B, C) int64 on `device`; None
    without.
    """

    def __init__(
        self,
        names: Sequence[str],
        vocabulary: Vocabulary,
        device: torch.device | str = "cpu",
        labels: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.device = torch.device(device)
        numbers: list[int] = []
        for name in names:
            numbers += vocabulary.encode(name)
            numbers.append(END)
        targets = torch.tensor(numbers, dtype=torch.int64)
        self._offsets = F.pad((targets == END).nonzero()[:, 0] + 1, (1, 0))
        self.lengths = self._offsets.diff()
        ids: dict[str, int] = {}
        self.name_ids = torch.tensor([ids.setdefault(name, len(ids)) for name in names], dtype=torch.int64)
        self._positions = torch.arange(len(targets)) - self._offsets[:-1].repeat_interleave(self.lengths)
        self.targets = targets.to(self.device)
        # The letter before a target is the target before it: the end mark of one name starts the next.
        self.letters = F.pad(self.targets, (1, 0), value=END)[:-1]
        self.positions = self._positions.to(self.device)
        self.offsets = self._offsets.to(self.device)
        self.labels = None if labels is None else torch.tensor(labels, dtype=torch.int64).to(self.device)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def targets_count(self) -> int:
        """N, the number of targets: all letters and one end mark a name."""
        return len(self.targets)

    def batch(self, indices: Tensor) -> Batch:
        """The whole names with these `indices` (B,), in that order.

        The indices should lie on the CPU; those on another device make it wait.
        """
        indices = indices.cpu()
        return self._cut(indices, self._offsets[indices], self.lengths[indices])

    def prefixes(self, rows: Tensor) -> Batch:
        """For the chosen targets `rows` (R,) of this list: each one's name up to that target, as one batch.

        The batch has R names; its `rows` point at the last row of each. The rows should lie on the CPU.
        """
        rows = rows.cpu()
        positions = self._positions[rows]
        names = torch.searchsorted(self._offsets, rows, right=True) - 1
        batch = self._cut(names, rows - positions, positions + 1)
        return replace(batch, rows=batch.offsets[1:] - 1)

    def all(self, chunk: int) -> Iterator[Batch]:
        """All names in order, `chunk` names at a time: slices that copy nothing but the offsets."""
        for first in range(0, len(self), chunk):
            last = min(first + chunk, len(self))
            begin, end = int(self._offsets[first]), int(self._offsets[last])
            yield Batch(
                self.letters[begin:end],
                self.targets[begin:end],
                self.positions[begin:end],
                self.offsets[first : last + 1] - begin,
                labels=None if self.labels is None else self.labels[first:last],
            )

    def _cut(self, names: Tensor, starts: Tensor, lengths: Tensor) -> Batch:
        """The rows `starts[b]` to `starts[b] + lengths[b] - 1` of the name `names[b]` for each b, laid end to end."""
        offsets = F.pad(lengths.cumsum(0), (1, 0))
        count = int(offsets[-1])  # on the CPU: nothing waits
        rows = torch.arange(count) + (starts - offsets[:-1]).repeat_interleave(lengths, output_size=count)
        rows = rows.to(self.device, non_blocking=True)
        return Batch(
            self.letters.index_select(0, rows),
            self.targets.index_select(0, rows),
            self.positions.index_select(0, rows),
            offsets.to(self.device, non_blocking=True),
            labels=None if self.labels is None else self.labels[names.to(self.device, non_blocking=True)],
        )
