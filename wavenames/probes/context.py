"""How many letters a model makes use of: its loss when it is shown only the last few before each target.

A model can't be asked about half a name. Cutting the name where the visible letters begin would not hide the rest but
tell the model something untrue, that the name begins there: an MLP of three letters then does worse than a blind
guess. So whatever is hidden is averaged over. With k letters visible, the model's answer is the mean of what it says
at every place of the training names where the same k letters stand, each time with all that really came before::

    share(next | last k letters) = mean over training places with these letters of share(next | the whole beginning)

That is the answer of someone who knows the model, sees k letters, and nothing else. A model that looks at k letters
or fewer, and at nothing else, says the same at all of these places, so that its loss is what it always is.

Letters that never stand in a row in the training names, as happens from four on, are put behind `BORROWED` beginnings
drawn from them: beginnings of training names that go on with as many of these letters as any does.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from wavenames.layers import log_softmax
from wavenames.models import Model, evaluating
from wavenames.names import Batch, Packed

BORROWED = 8
"""Beginnings put before letters that no training name has in a row."""
CHUNK = 2048
"""Names that go through the model at once."""


@dataclass(frozen=True, eq=False)
class ContextCurve:
    """Loss against letters visible."""

    visible: tuple[int, ...]
    """K numbers of letters before the target."""
    per_name: Tensor
    """(K, B) nats of each whole name, that many letters visible at each place."""
    lengths: Tensor
    """(B,) targets of each name, the end mark among them."""
    name_ids: Tensor
    """(B,) the number of each distinct name."""

    @property
    def losses(self) -> tuple[float, ...]:
        """K losses, nats per letter over all targets."""
        return tuple((self.per_name.sum(1) / self.lengths.sum()).tolist())


@torch.no_grad()
def context_curve(
    model: Model, train: Packed, names: Packed, visible: Sequence[int] = range(1, 17), seed: int = 0
) -> Generator[float, None, ContextCurve]:
    """The losses of `model` on `names` with 1, 2, … letters `visible`; beginnings come from `train`.

    Run it to its end, which returns the curve; before each number of letters it yields the share that is done.

    Visible are the letters right before the target, and the start of the name only where more of them would fit than
    there are, as in the window of a model of as many letters. From the longest name on, that is everything.
    """
    dice = torch.Generator().manual_seed(seed)
    with evaluating(model):
        known = torch.cat([_shares(model, batch) for batch in train.all(CHUNK)])  # (M, V)
        whole = torch.cat([_shares(model, batch) for batch in names.all(CHUNK)])  # (N, V)
        last = int(names.positions.max())
        places = _Places(train, names, max((k for k in visible if k <= last), default=0))
        right, targets = [], names.targets.cpu()
        for done, k in enumerate(visible):
            yield done / len(visible)
            shares = whole.clone()
            if k <= last:
                rows = (names.positions.cpu() >= k).nonzero()[:, 0]
                seen = places.seen(k, rows)
                shares[rows[seen]] = places.mean(known, k, rows[seen])
                for some in torch.split(rows[~seen], CHUNK // BORROWED):
                    if len(some):
                        answers = _shares(model, places.borrowed(k, some, dice))
                        shares[some] = answers.view(len(some), BORROWED, -1).mean(1)
            right.append(shares.gather(1, targets.unsqueeze(1)).squeeze(1))
    nats = -torch.stack(right).double().log()
    per_name = torch.segment_reduce(nats.T.contiguous(), "sum", lengths=names.lengths).T
    return ContextCurve(tuple(visible), per_name, names.lengths, names.name_ids)


def _shares(model: Model, batch: Batch) -> Tensor:
    """Probabilities (wanted rows, V), on the CPU."""
    return log_softmax(model(batch)).exp().cpu()


class _Places:
    """Where the last letters before each target of `names` stand in `train`, for every number of letters."""

    def __init__(self, train: Packed, names: Packed, longest: int) -> None:
        self.device, self.size = names.device, names.vocabulary.size
        self.known, self.targets = train.targets_count, names.targets.cpu()
        self.letters = torch.cat([train.letters, names.letters]).cpu()
        self.positions = torch.cat([train.positions, names.positions]).cpu()
        self.groups = list(self._grouped(longest))
        """For each number of letters, 0 first, a number (M + N,) that places with the same last letters share."""
        self.counts = [torch.bincount(each[: self.known], minlength=int(each.max()) + 1) for each in self.groups]
        self.ordered = [each[: self.known].argsort(stable=True) for each in self.groups]
        """The places of `train` (M,), group by group."""

    def _grouped(self, longest: int) -> Iterator[Tensor]:
        groups = torch.zeros_like(self.letters)
        yield groups
        for back in range(longest):
            letters = torch.where(self.positions >= back, self.letters.roll(back), 0)
            _, groups = torch.unique(groups * self.size + letters, return_inverse=True)
            yield groups

    def seen(self, k: int, rows: Tensor) -> Tensor:
        """Whether the last k letters before each of these targets (R,) of `names` stand in training names."""
        return self.counts[k][self.groups[k][self.known + rows]] > 0

    def mean(self, known: Tensor, k: int, rows: Tensor) -> Tensor:
        """(R, V) the mean of `known` (M, V) over the training places with the same last k letters."""
        groups, counts = self.groups[k], self.counts[k]
        sums = known.new_zeros(len(counts), known.shape[1]).index_add_(0, groups[: self.known], known)
        wanted = groups[self.known + rows]
        return sums[wanted] / counts[wanted].unsqueeze(1)

    def borrowed(self, k: int, rows: Tensor, dice: torch.Generator) -> Batch:
        """`BORROWED` beginnings with the last k letters behind them, for each of these targets (R,) of `names`."""
        share = torch.zeros_like(rows)  # letters that the beginning goes on with: as many as any does
        for j in range(1, k):
            share[self.seen(j, rows - (k - j))] = j
        places = torch.empty(len(rows), BORROWED, dtype=torch.long)
        luck = torch.rand(places.shape, generator=dice)
        for j in sorted(set(share.tolist())):
            mine = share == j
            group, counts = self.groups[j][self.known + rows[mine] - (k - j)], self.counts[j]
            first = (counts.cumsum(0) - counts)[group].unsqueeze(1)
            places[mine] = self.ordered[j][first + (luck[mine] * counts[group].unsqueeze(1)).long()]
        places, share = places.flatten(), share.repeat_interleave(BORROWED)
        ends = self.known + rows.repeat_interleave(BORROWED)
        before = self.positions[places] - share + 1  # letters of the beginning, its '.' among them
        # Two pieces a name: the beginning, and the k letters.
        starts = torch.stack([places - self.positions[places], ends - k + 1], dim=1).flatten()
        lengths = torch.stack([before, torch.full_like(before, k)], dim=1).flatten()
        pieces = F.pad(lengths.cumsum(0), (1, 0))
        letters = self.letters[torch.arange(int(pieces[-1])) + (starts - pieces[:-1]).repeat_interleave(lengths)]
        offsets = pieces[::2]
        positions = torch.arange(len(letters)) - offsets[:-1].repeat_interleave(offsets.diff())
        targets = letters.roll(-1)
        targets[offsets[1:] - 1] = self.targets[rows].repeat_interleave(BORROWED)
        parts = (letters, targets, positions, offsets, offsets[1:] - 1)
        return Batch(*(part.to(self.device) for part in parts))
