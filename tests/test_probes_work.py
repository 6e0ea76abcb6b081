"""Work a letter: counted where it is done, so that it must come out as one reckons it by hand."""

import pytest

from wavenames.config import PRESETS
from wavenames.models import build
from wavenames.names import Packed, Vocabulary
from wavenames.probes.work import multiply_adds

LETTERS = Vocabulary("abcdefghijklmnopqrstuvwxyz")
NAMES = Packed(["anna", "maximiliana", "bo", "charlotte"] * 100, LETTERS)


@pytest.mark.parametrize(
    ("preset", "wanted"),
    [
        ("bigram", 0),
        ("mlp-8-bn", 80 * 200 + 200 * 27),
        ("mlp-8-76k", 192 * 343 + 343 * 27),
        ("tree-76k", 4 * 48 * 128 + 2 * 256 * 128 + 256 * 128 + 128 * 27),
    ],
)
def test_a_model_of_windows_computes_its_weights_as_often_as_they_stand_in_it(preset: str, wanted: int) -> None:
    assert multiply_adds(build(PRESETS[preset].model, LETTERS.size, seed=1), NAMES) == wanted


def test_the_dilated_stack_shares_its_nodes() -> None:
    """One a layer for each letter, but for what a batch takes once: less than a hundredth."""
    wanted = 48 * 128 + 2 * 256 * 128 + 128 * 27
    found = multiply_adds(build(PRESETS["dilated-76k"].model, LETTERS.size, seed=1), NAMES)
    assert wanted <= found < 1.02 * wanted


def test_counting_leaves_the_model_as_it_is() -> None:
    model = build(PRESETS["mlp-3-bn"].model, LETTERS.size, seed=1).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    multiply_adds(model, NAMES)
    assert model.training
    assert all(before[key].equal(value) for key, value in model.state_dict().items())
