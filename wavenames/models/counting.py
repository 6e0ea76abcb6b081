"""Models that count instead of train."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wavenames.config import SERVER_LIMITS, BigramConfig, KneserNeyConfig, Refusal
from wavenames.models.base import Model, PackedNames, State, WindowModel


class Bigram(Model):
    """How often each letter follows each letter, with `smoothing` added to every count.

    Shannon 1948, section 3; makemore lecture 1, https://youtu.be/PaCmpygFfXo
    """

    receptive_field = 1
    counts: Tensor

    def __init__(self, config: BigramConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.smoothing = config.smoothing
        self.register_buffer("counts", torch.zeros(vocab_size, vocab_size))

    def count(self, names: PackedNames) -> None:
        """Learn: the table becomes how often each letter stands right before each target."""
        pairs = names.letters * self.vocab_size + names.targets
        seen = torch.bincount(pairs, minlength=self.counts.numel())
        self.counts.copy_(seen.reshape(self.counts.shape))

    @property
    def parameter_count(self) -> int:
        return self.counts.numel()

    def table(self) -> Tensor:
        """(V, V) log-probability of each letter (column) after each letter (row)."""
        smoothed = self.counts + self.smoothing
        return (smoothed / smoothed.sum(1, keepdim=True)).log()

    def forward(self, batch: PackedNames) -> Tensor:
        letters = batch.letters if batch.rows is None else batch.letters[batch.rows]
        return self.table()[letters]

    def start(self, batch_size: int, labels: Tensor | None = None) -> State:
        return ()

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        return self.table()[letters], ()


FALLBACK = (0.0, 0.5, 1.0, 1.5)
"""Discounts where a list is too small or too even to tell them; those that KenLM falls back to."""
AT_ONCE = 1 << 20
"""Numbers of a table (contexts, letters) that are worked out in one go."""


class KneserNey(WindowModel):
    """Interpolated modified Kneser-Ney: counts of runs of 1 to `order` letters, each leaning on the next shorter.

    After a context of the last letters, with c how often a letter followed it::

        share = (c - D(c) + sum of D(c) * share after the context without its oldest letter) / sum of c

    and no letter at all leans on 1 / V each. D(c) takes a little from each count and gives it to what was not seen:
    D1, D2, D3 from c = 1, 2, 3 or more, worked out from how many counts are 1, 2, 3, 4. The longest runs count how
    often they occur; a shorter one, how many letters it was seen to follow, which is what matters once the longer
    one is unknown. As in a window model, a name is preceded by '.' without end.

    A run is stored as one whole number: its letters as digits in base V behind a leading 1, so that runs of all
    lengths stand in one sorted list and are found by bisection. Kneser and Ney 1995; Chen and Goodman 1999,
    https://doi.org/10.1006/csla.1999.0128
    """

    keys: Tensor
    """(M,) all runs, sorted."""
    counts: Tensor
    """(M,) the count of each run, in the model's floating type."""
    discounts: Tensor
    """(order, 4) what is taken from a count of 0, 1, 2, and 3 or more; follows from the counts."""

    def __init__(self, config: KneserNeyConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.order = config.order
        self.receptive_field = config.order - 1
        self.register_buffer("keys", torch.empty(0, dtype=torch.long))
        self.register_buffer("counts", torch.empty(0))
        self.register_buffer("discounts", torch.tensor(FALLBACK).repeat(config.order, 1), persistent=False)

    @property
    def parameter_count(self) -> int:
        """Counts that are stored."""
        return self.counts.numel()

    def count(self, names: PackedNames) -> None:
        """Learn all runs of `names`.

        Raises:
            Refusal: there are more different runs than one server takes on.
        """
        runs = self._number(names.windows(self.receptive_field)) * self.vocab_size + names.targets
        keys: list[Tensor] = []
        counts: list[Tensor] = []
        for length in range(self.order, 0, -1):
            # Below the longest, a run comes as often as there were different letters before it.
            runs, seen = torch.unique(runs, return_counts=True)
            keys.insert(0, runs + self.vocab_size**length)
            counts.insert(0, seen)
            runs = runs % self.vocab_size ** (length - 1)
        if (found := sum(len(each) for each in keys)) > SERVER_LIMITS.max_parameters:
            raise Refusal(
                f"Counts are {found:,}; allowed is at most {SERVER_LIMITS.max_parameters:,}. "
                "Choose a lower order or a shorter list."
            )
        self.keys, self.counts = torch.cat(keys), torch.cat(counts).to(self.counts)
        self._find_discounts()

    def read(self, windows: Tensor, told: Tensor | None = None, *, whole: bool = False) -> Tensor:
        """Windows of letters (N, order - 1), oldest first -> log-probabilities (N, V)."""
        contexts, places = torch.unique(self._number(windows), return_inverse=True)
        parts = contexts.split(max(AT_ONCE // self.vocab_size, 1))
        shares: Tensor = torch.cat([self._shares(part) for part in parts])
        return shares.log()[places]

    def _shares(self, contexts: Tensor) -> Tensor:
        """Probabilities (M, V) of each letter after the contexts (M,), from the shortest run to the longest."""
        shares = self.counts.new_full((len(contexts), self.vocab_size), 1 / self.vocab_size)
        for length, discount in enumerate(self.discounts, start=1):
            counts = self._counts_after(contexts % self.vocab_size ** (length - 1), length)
            taken = discount[counts.clamp(max=3).long()]
            total = counts.sum(1, keepdim=True)
            mixed = (counts - taken + taken.sum(1, keepdim=True) * shares) / total.clamp(min=1)
            shares = torch.where(total > 0, mixed, shares)
        return shares

    def _counts_after(self, contexts: Tensor, length: int) -> Tensor:
        """Counts (M, V) of the runs of `length` letters: each context (M,) with each letter after it."""
        if len(self.keys) == 0:
            return self.counts.new_zeros(len(contexts), self.vocab_size)
        letters = torch.arange(self.vocab_size, device=contexts.device)
        wanted = (contexts * self.vocab_size + self.vocab_size**length).unsqueeze(1) + letters
        places = torch.searchsorted(self.keys, wanted).clamp(max=len(self.keys) - 1)
        return torch.where(self.keys[places] == wanted, self.counts[places], 0)

    def _number(self, windows: Tensor) -> Tensor:
        """Each row of letters (N, k) as one whole number in base V, the oldest letter its first digit."""
        powers = [self.vocab_size**j for j in reversed(range(windows.shape[1]))]
        return (windows * torch.tensor(powers, device=windows.device)).sum(1)

    def _find_discounts(self) -> None:
        """Chen and Goodman's formulas, for each length of runs by itself."""
        bounds = torch.tensor([self.vocab_size**length for length in range(1, self.order + 1)])
        sizes = torch.searchsorted(self.keys.cpu(), bounds).tolist()
        ends = [*sizes[1:], len(self.keys)]
        rows = [_discounts(self.counts[a:b]) for a, b in zip(sizes, ends, strict=True)]
        self.discounts = torch.tensor(rows, dtype=torch.float64).to(self.counts)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        """Take up as many counts as there are, once they are seen to be counts; `rest` ends in a list of errors."""
        keys, counts = (state_dict.get(f"{prefix}{name}", torch.empty(0)) for name in ("keys", "counts"))
        if not self._are_counts(keys, counts):
            rest[-1].append("keys and counts are no counts of runs of letters")
            return
        self.keys, self.counts = self.keys.new_empty(len(keys)), self.counts.new_empty(len(keys))
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self._find_discounts()

    def _are_counts(self, keys: Tensor, counts: Tensor) -> bool:
        """Whether each run is there once, in order and within bounds, with a whole count of at least one."""
        shaped = keys.dim() == 1 and keys.shape == counts.shape and len(keys) <= SERVER_LIMITS.max_parameters
        if not shaped or keys.dtype != torch.long or not counts.is_floating_point():
            return False
        top = 2 * self.vocab_size**self.order
        sorted_ = bool((keys.diff() > 0).all() & (keys >= self.vocab_size).all() & (keys < top).all())
        return sorted_ and bool(((counts >= 1) & (counts == counts.floor()) & counts.isfinite()).all())


def _discounts(counts: Tensor) -> tuple[float, ...]:
    """D(0) = 0, D1, D2 and D3+ for counts of one length; `FALLBACK` where the formulas make no sense."""
    one, two, three, four = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if not (one and two and three and four):
        return FALLBACK
    share = one / (one + 2 * two)
    found = (0.0, 1 - 2 * share * two / one, 2 - 3 * share * three / two, 3 - 4 * share * four / three)
    return found if min(found[1:]) > 0 else FALLBACK
