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
from wavenames.names import END, Packed, Vocabulary, told_numbers

CHUNK = 512
"""Names, each with one letter replaced, that go through the model at once."""


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
    targets = torch.tensor([*vocabulary.encode(name), END])
    with evaluating(model):
        shown = _read(model, vocabulary, [name], labels)[0]
        hidden = shown.repeat(len(name), 1, 1)
        together = max(CHUNK // len(vocabulary.letters), 1)  # letters of the name whose variants go in one batch
        for first in range(0, len(name), together):
            places = range(first, min(first + together, len(name)))
            variants = [name[:c] + letter + name[c + 1 :] for c in places for letter in vocabulary.letters]
            read = torch.split(_read(model, vocabulary, variants, labels), len(vocabulary.letters))
            for c, said in zip(places, read, strict=True):  # said (V - 1, T, V)
                hidden[c, c + 1 :] = _mean(said[:, c + 1 :], shown[c, 1:], shown[c + 1 :])
    rows = torch.arange(len(targets))
    return Occlusion(shown, hidden, shown[rows, targets] - hidden[:, rows, targets])


def _read(model: Model, vocabulary: Vocabulary, names: list[str], labels: list[int]) -> Tensor:
    """(B, T, V) log-probabilities at each place of B names of one length, on the CPU."""
    packed = Packed(names, vocabulary, model.device, [labels] * len(names))
    said = [log_softmax(model(batch).double()) for batch in packed.all(CHUNK)]
    return torch.cat(said).cpu().view(len(names), len(names[0]) + 1, vocabulary.size)


def _mean(said: Tensor, weights: Tensor, shown: Tensor) -> Tensor:
    """The mean of the distributions `said` (V - 1, T, V) by log-weights (V - 1,) that need not sum to one.

    Where all are equal it is `shown` (T, V) to the last digit: the model does not see that letter from there.
    """
    mean = (said + torch.log_softmax(weights, 0)[:, None, None]).logsumexp(0)
    return torch.where((said == said[0]).all(0).all(1, keepdim=True), shown, mean)
