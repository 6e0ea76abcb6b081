"""What a prediction loses when one letter before it can't be seen.

A model can't be shown a gap (see `probes.context`): whatever stood there instead of the letter would be a letter too.
So a hidden letter is averaged over. It is replaced by each letter that could stand there, weighted by how likely the
model itself holds that one after the letters before, the end mark left out::

    share(next | c hidden) = sum over letters v of  share(v | letters before c) * share(next | v in place of c)

The letters behind c stay in sight, but the weights do not look at them: what they tell of the hidden letter counts as
theirs. To hide parts of what a network sees is from Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901; to
average over what could have been there, from Zintgraf et al. 2017, https://arxiv.org/abs/1702.04595.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from wavenames.layers import log_softmax
from wavenames.models import Model, State, evaluating
from wavenames.names import END, Vocabulary, told_numbers

AT_ONCE = 2048
"""Names, each with another letter somewhere, that go through the model at once: what memory allows."""


@dataclass(frozen=True, eq=False)
class Occlusion:
    """A name of C letters, so of T = C + 1 places, the last the end mark's; distributions are log-probabilities."""

    shown: Tensor
    """(T, V) of each letter at each place, all letters before it in sight; '.' first."""
    hidden: Tensor
    """(C, T, V) the same, letter c of the name hidden; up to place c nothing changes."""
    matrix: Tensor
    """(C, T) nats that the log-probability of the letter at place t falls when letter c is hidden: where it is
    positive the letter helped, where it is negative it misled, 0 where it makes no difference."""


@torch.no_grad()
def occlusion(model: Model, vocabulary: Vocabulary, name: str, told: Mapping[str, str] | None = None) -> Occlusion:
    """Hide each letter of `name`, which may be empty, in turn. Works for every family, in double precision past the
    logits. `told` is what the model is told of the name, such as {"sex": "M"}.

    Raises:
        Refusal: the name has a letter, or something is told, that the model doesn't know.
    """
    labels = told_numbers(model.conditions, told or {})
    context = torch.tensor([END, *vocabulary.encode(name)], device=model.device)
    together = max(AT_ONCE // len(vocabulary.letters), 1)  # letters of the name that are hidden at once
    with evaluating(model):
        state = model.start(1, torch.tensor([labels], device=model.device) if labels else None)
        before, said = [], []  # what the model remembers before each letter of the context, and says after it
        for number in context.unsqueeze(1):
            before.append(state)
            logits, state = model.step(number, state)
            said.append(log_softmax(logits.double()).cpu())
        shown = torch.cat(said)
        hidden = shown.repeat(len(name), 1, 1)
        for first in range(0, len(name), together):
            letters = range(first, min(first + together, len(name)))
            _hide(model, context, before, letters, shown=shown, hidden=hidden)
    places = torch.arange(len(context))
    targets = context.roll(-1).cpu()  # the end mark last
    return Occlusion(shown, hidden, shown[places, targets] - hidden[:, places, targets])


def _hide(
    model: Model, context: Tensor, before: list[State], letters: range, *, shown: Tensor, hidden: Tensor
) -> None:
    """Fill in the rows `letters` of `hidden`.

    For each of them that has been read and is still in sight, the oldest first, the state holds a row for every
    letter that could stand there: names that part from the true one there, so that all before it is read once.
    """
    others = torch.arange(1, shown.shape[1], device=context.device)  # all but the end mark
    state = tuple(part[:0] for part in before[letters.start + 1])
    rows, oldest = context[:0], letters.start
    for t in range(letters.start + 1, len(context)):  # context[t] is the last letter read before place t
        if t - oldest > model.receptive_field:
            rows, state = rows[len(others) :], tuple(part[len(others) :] for part in state)
            oldest += 1
        if oldest == letters.stop:
            return
        rows = context[t].expand(len(rows))
        if t <= letters.stop:
            rows = torch.cat([rows, others])
            parts = zip(state, before[t], strict=True)
            state = tuple(torch.cat([old, new.expand(len(others), *new.shape[1:])]) for old, new in parts)
        logits, state = model.step(rows, state)
        found = log_softmax(logits.double()).cpu().view(-1, len(others), shown.shape[1])
        seen = slice(oldest, oldest + len(found))
        hidden[seen, t] = (found + torch.log_softmax(shown[seen, 1:], 1).unsqueeze(2)).logsumexp(1)
