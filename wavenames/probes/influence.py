"""How much each letter matters for a prediction: gradient × input on the letters' vectors.

The log-probability of a letter, seen as a function of the vectors of the letters before it, is followed back to each
vector. The gradient times the vector, summed over its features, says to first order how much of the log-probability
is owed to the letter: what would be lost if its vector shrank to nothing. Exact for a model that is linear in its
vectors, an estimate for all others. Shrikumar and others 2016, https://arxiv.org/abs/1605.01713
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from wavenames.config import Refusal
from wavenames.layers import Embedding, log_softmax
from wavenames.models import Model
from wavenames.names import END_MARK, Packed, Vocabulary, told_numbers


@dataclass(frozen=True, eq=False)
class Influence:
    """A name of T - 1 letters with its end mark: T places, and T letters of context, '.' before the first."""

    context: str
    """T letters that are read: '.', then the name."""
    predicted: str
    """T letters whose log-probability is explained, one a place."""
    matrix: Tensor
    """(T, T) nats: row c, column t is what context letter c does for the log-probability of `predicted[t]`.

    Exactly 0 where c lies after place t or out of the model's sight. Row 0 is all of what stands before the name:
    its '.', and the '.' that fill the window of a model that looks back past it.
    """


def gradient_times_input(
    model: Model,
    vocabulary: Vocabulary,
    name: str,
    told: Mapping[str, str] | None = None,
    predicted: str | None = None,
) -> Influence:
    """The influence of every letter of `name` on every place, one pass forward and one back a place.

    Args:
        model: Any model that keeps a vector for each letter.
        vocabulary: Its letters.
        name: May be empty.
        told: What the model is told of the name.
        predicted: The letter to explain at each place, len(name) + 1; the name's own, then '.', unless given.

    Raises:
        Refusal: a letter that the model doesn't know, or a model that keeps no vectors, such as one that counts.
    """
    if model.letter_vectors is None:
        raise Refusal("This model counts letters and keeps no vectors for them, so there is no gradient to follow.")
    packed = Packed([name], vocabulary, model.device, [told_numbers(model.conditions, told or {})])
    (batch,) = packed.all(1)
    predicted = name + END_MARK if predicted is None else predicted
    wanted = torch.tensor([vocabulary.symbols.index(letter) for letter in predicted], device=model.device)
    # On a copy, each place of the name gets a row of its own in the table of letters, so that equal letters are told
    # apart. The '.' stands nowhere but before the name and keeps its row.
    asked, letters = copy.deepcopy(model).eval().requires_grad_(False), model.letter_vectors
    rows = nn.Parameter(torch.cat([letters, letters[batch.letters[1:]]]))
    asked.embedding = Embedding(*rows.shape)
    asked.embedding.weight = rows
    own = torch.arange(len(batch.letters), device=model.device) + (len(letters) - 1)
    own[0] = batch.letters[0]
    with torch.enable_grad():
        log_probabilities = log_softmax(asked(replace(batch, letters=own))).gather(1, wanted.unsqueeze(1))[:, 0]
        gradients = [torch.autograd.grad(each, rows, retain_graph=True)[0] for each in log_probabilities]
    columns = [(gradient * rows.detach()).sum(1)[own] for gradient in gradients]
    return Influence(END_MARK + name, predicted, torch.stack(columns, dim=1).cpu())
