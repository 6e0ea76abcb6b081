"""Gradient × input: what each letter does for each prediction, against models that can be worked out by hand."""

import pytest
import torch

from tests.families import SMALL
from wavenames.config import DilatedConfig, Refusal, TreeConfig
from wavenames.layers import Embedding, Flatten, Linear, Sequential, log_softmax
from wavenames.models import MLP, Model, build, dilated_from_tree
from wavenames.models.tree import Tree
from wavenames.names import Packed, Vocabulary
from wavenames.probes.influence import gradient_times_input

LETTERS = Vocabulary("abcdefghijklmnopqrstuvwxyz")
NAME = "annabella"


def seeded(family: str) -> Model:
    """A random model that holds no two letters to be equally likely; it gives back a logit of some size."""
    model = build(SMALL[family], LETTERS.size, seed=3).eval()
    dice = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=dice)
    return model


def test_a_linear_model_is_explained_exactly() -> None:
    """Logits that are a sum over the window: each letter's part of the log-probability is known by hand.

    With logits z = sum over c of v_c W_c, the gradient of log p(y) by v_c is W_c (1_y - p), so that the letter's part
    is z_c[y] - sum over letters of p z_c, z_c = v_c W_c.
    """
    model = build(SMALL["mlp"], LETTERS.size, seed=1).eval()
    assert isinstance(model, MLP)
    k, width = model.receptive_field, model.embedding.weight.shape[1]
    head = Linear(k * width, LETTERS.size)
    model.net = Sequential(Flatten(), head)
    found = gradient_times_input(model, LETTERS, NAME)
    (batch,) = Packed([NAME], LETTERS).all(1)
    shares = log_softmax(model(batch)).exp()
    for place, window in enumerate(batch.windows(k)):
        parts = torch.zeros(len(NAME) + 1)
        for slot, letter in enumerate(window):
            z = model.embedding.weight[letter] @ head.weight[slot * width : (slot + 1) * width]
            part = z[batch.targets[place]] - (shares[place] * z).sum()
            parts[max(place - (k - 1) + slot, 0)] += part.detach()  # all that stands before the name is its '.'
        torch.testing.assert_close(found.matrix[:, place], parts, atol=1e-5, rtol=1e-4)
    assert float(found.matrix.abs().max()) > 0.1


@pytest.mark.parametrize("family", [name for name in SMALL if name not in ("bigram", "kneser-ney")])
def test_only_letters_in_sight_have_a_part(family: str) -> None:
    """Exactly nothing for later letters and for those past the receptive field, and something for all others."""
    model = seeded(family)
    matrix = gradient_times_input(model, LETTERS, NAME).matrix
    T = len(NAME) + 1
    for place in range(T):
        for letter in range(T):
            inside = place - model.receptive_field < letter <= place
            assert (float(matrix[letter, place]) != 0) == inside, (letter, place)


@pytest.mark.parametrize("family", [name for name in SMALL if name not in ("bigram", "kneser-ney")])
def test_a_letters_part_is_what_scaling_its_vector_does(family: str) -> None:
    """Gradient times input is the slope of the log-probability along the vector: measured by finite differences.

    In double precision, with a letter that stands once, so that the table's row is that of its place alone.
    """
    model, name = seeded(family).double(), "marie"
    assert isinstance(model.embedding, Embedding)
    table = model.embedding.weight.data
    found = gradient_times_input(model, LETTERS, name)
    (batch,) = Packed([name], LETTERS).all(1)

    def log_probabilities(letter: int, factor: float) -> torch.Tensor:
        row = table[batch.letters[letter]]
        kept = row.clone()
        row.mul_(factor)
        with torch.no_grad():
            got = log_softmax(model(batch)).gather(1, batch.targets.unsqueeze(1))[:, 0]
        row.copy_(kept)
        return got

    step = 1e-6
    for letter in range(len(name) + 1):
        slope = (log_probabilities(letter, 1 + step) - log_probabilities(letter, 1 - step)) / (2 * step)
        torch.testing.assert_close(found.matrix[letter], slope, atol=1e-7, rtol=1e-6)


def test_tree_and_dilated_stack_give_the_same_parts() -> None:
    """The same function of the same vectors, the '.' before the name among them."""
    tree = build(TreeConfig(embedding=6, hidden=10, norm="layer"), LETTERS.size, seed=2).eval()
    assert isinstance(tree, Tree)
    same = dilated_from_tree(tree)
    assert isinstance(same.config, DilatedConfig)
    one, other = (gradient_times_input(model, LETTERS, NAME).matrix for model in (tree, same))
    torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_any_letter_can_be_asked_about() -> None:
    """The parts of another next letter than the name's own; those of all letters, weighed by their shares, cancel."""
    model = seeded("wavenet")
    assert gradient_times_input(model, LETTERS, "emma").predicted == "emma."
    everyone = [gradient_times_input(model, LETTERS, "emma", predicted=y * 5).matrix for y in LETTERS.symbols]
    (batch,) = Packed(["emma"], LETTERS).all(1)
    shares = log_softmax(model(batch)).exp().detach()  # (T, V)
    total = sum(share.unsqueeze(0) * part for share, part in zip(shares.T, everyone, strict=True))
    torch.testing.assert_close(total, torch.zeros(5, 5), atol=1e-5, rtol=0)
    assert gradient_times_input(model, LETTERS, "").matrix.shape == (1, 1)


def test_asking_changes_nothing() -> None:
    model = seeded("dilated").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradient_times_input(model, LETTERS, "emma")
    assert model.training
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


def test_what_the_model_is_told_is_heard_and_checked() -> None:
    model = build(SMALL["wavenet"].changed(conditions="sex"), LETTERS.size, seed=3).eval()
    boys, girls = (gradient_times_input(model, LETTERS, "emma", {"sex": sex}).matrix for sex in "MF")
    assert not torch.equal(boys, girls)
    with pytest.raises(Refusal, match="Decade"):
        gradient_times_input(model, LETTERS, "emma", {"decade": "1900"})


def test_a_model_that_counts_has_no_gradient() -> None:
    with pytest.raises(Refusal, match="no vectors"):
        gradient_times_input(build(SMALL["bigram"], LETTERS.size), LETTERS, "emma")
