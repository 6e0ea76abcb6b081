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
from wavenames.models import Model, evaluating
from wavenames.names import END, Vocabulary, told_numbers


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
    others = torch.arange(1, vocabulary.size, device=model.device)  # all but the end mark
    said: list[Tensor] = []
    with evaluating(model):
        state = model.start(1, torch.tensor([labels], device=model.device) if labels else None)
        # Row 0 is the name. Behind it stand, for each hidden letter still in sight, the oldest first, the names with
        # another letter there: rows that part from row 0 at that letter, so that all before it is read once.
        rows = torch.zeros(1, dtype=torch.long, device=model.device)
        for t, number in enumerate([END, *vocabulary.encode(name)]):
            letters = torch.full_like(rows, number)
            if t:
                gone = len(others) if t > model.receptive_field else 0
                letters = torch.cat([letters[gone:], others])
                rows = torch.arange(len(letters), device=model.device) + gone
                rows[0], rows[-len(others) :] = 0, 0
                state = tuple(part[rows] for part in state)
            logits, state = model.step(letters, state)
            said.append(log_softmax(logits.double()).cpu())
    shown = torch.stack([each[0] for each in said])
    hidden = shown.repeat(len(name), 1, 1)
    for t, each in enumerate(said):
        seen = slice(max(t - model.receptive_field, 0), t)
        shares = torch.log_softmax(shown[seen, 1:], 1).unsqueeze(2)
        hidden[seen, t] = (each[1:].view(-1, len(others), vocabulary.size) + shares).logsumexp(1)
    targets = torch.tensor([*vocabulary.encode(name), END])
    places = torch.arange(len(targets))
    return Occlusion(shown, hidden, shown[places, targets] - hidden[:, places, targets])
