"""Occlusion: what a prediction loses by a hidden letter, against counts by hand and a dictionary of all variants."""

import math

import pytest
import torch

from wavenames.config import PRESETS, Refusal, Settings, TransformerConfig, WaveNetConfig
from wavenames.models import Bigram, CountingModel, Model, build
from wavenames.names import Packed, Vocabulary
from wavenames.probes import occlusion as probe
from wavenames.probes.occlusion import occlusion
from wavenames.sampling import next_letter

CONFIGS: dict[str, Settings] = {
    **{name: PRESETS[name].model for name in ("bigram", "kn-5", "mlp-3-bn", "tree-22k", "dilated-76k", "gru")},
    "wavenet": WaveNetConfig(residual=4, gate=4, skip=4, dilations=(1, 2), conditions="sex"),
    "transformer": TransformerConfig(block_size=4, layers=1, heads=1, head_size=6),
}
NAME = "emiliana"


@pytest.fixture
def vocabulary(tiny_names: tuple[str, ...]) -> Vocabulary:
    return Vocabulary.of(tiny_names)


def lively(name: str, names: tuple[str, ...], vocabulary: Vocabulary) -> Model:
    """A model that has an opinion on every letter it sees."""
    model = build(CONFIGS[name], vocabulary.size, seed=3)
    if isinstance(model, CountingModel):
        model.count(next(Packed(names, vocabulary).all(len(names))))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model.eval()


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest, tiny_names: tuple[str, ...], vocabulary: Vocabulary) -> Model:
    return lively(request.param, tiny_names, vocabulary)


def test_of_letter_pairs_the_last_letter_alone_matters() -> None:
    """By hand: of "ab", counts after '.' are a 3, b 1; after a: '.' 1, a 1, b 2; after b: '.' 3, a 1."""
    vocabulary = Vocabulary("ab")
    model = build(PRESETS["bigram"].model, 3).eval()
    assert isinstance(model, Bigram)
    model.smoothing = 0
    model.counts.copy_(torch.tensor([[0.0, 3, 1], [1, 1, 2], [3, 1, 0]]))
    found = occlusion(model, vocabulary, "ab")
    # a hidden: it was a or b by 3 to 1, and b follows a by 2/4, b by 0.
    a_hidden = 3 / 4 * 2 / 4
    # b hidden, after a: it was a or b by 1 to 2; the name ends after a by 1/4, after b by 3/4.
    b_hidden = 1 / 3 * 1 / 4 + 2 / 3 * 3 / 4
    wanted = [[0, math.log(2 / 4) - math.log(a_hidden), 0], [0, 0, math.log(3 / 4) - math.log(b_hidden)]]
    assert found.matrix.tolist() == [pytest.approx(row, abs=1e-6) for row in wanted]
    assert [(row != 0).nonzero().flatten().tolist() for row in found.matrix] == [[1], [2]]
    assert found.hidden[0, 1].exp().tolist() == pytest.approx(
        [1 / 4 * 3 / 4 + 3 / 4 * 1 / 4, 1 / 4, a_hidden], abs=1e-6
    )


def by_hand(model: Model, vocabulary: Vocabulary, c: int, t: int) -> torch.Tensor:
    """(V,) probabilities at place t of NAME with letter c hidden, one variant after the other, letter by letter."""
    weights = next_letter(model, vocabulary, NAME[:c]).exp()
    shares = {
        letter: float(weights[number]) * next_letter(model, vocabulary, NAME[:c] + letter + NAME[c + 1 : t]).exp()
        for number, letter in enumerate(vocabulary.symbols)
        if letter != "."
    }
    return torch.stack(list(shares.values())).sum(0) / (1 - float(weights[0]))


@pytest.mark.parametrize("at_once", [1, 3, len(NAME)])
def test_a_hidden_letter_is_averaged_over(
    model: Model, vocabulary: Vocabulary, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against every variant asked for by itself, in every family, so many letters of the name at once."""
    monkeypatch.setattr(probe, "AT_ONCE", at_once * len(vocabulary.letters) + 1)
    found = occlusion(model, vocabulary, NAME)
    numbers = [*vocabulary.encode(NAME), 0]
    for t, number in enumerate(numbers):
        plain = next_letter(model, vocabulary, NAME[:t])
        torch.testing.assert_close(found.shown[t].float(), plain, atol=1e-5, rtol=1e-5)
        for c in range(t):
            wanted = by_hand(model, vocabulary, c, t)
            torch.testing.assert_close(found.hidden[c, t].exp().float(), wanted, atol=2e-5, rtol=1e-4)
            gain = float(plain[number] - wanted[number].log())
            assert float(found.matrix[c, t]) == pytest.approx(gain, abs=2e-4)


def test_what_a_model_does_not_see_makes_no_difference(model: Model, vocabulary: Vocabulary) -> None:
    """Letters not yet read, or past the receptive field, are exactly 0; the letter just before is not."""
    found = occlusion(model, vocabulary, NAME)
    for c, row in enumerate(found.matrix.tolist()):
        assert row[: c + 1] == [0] * (c + 1)
        assert torch.equal(found.hidden[c, : c + 1], found.shown[: c + 1])
        near, far = row[c + 1 : c + 1 + model.receptive_field], row[c + 1 + model.receptive_field :]
        assert abs(near[0]) > 1e-6
        assert far == [0] * len(far)


def test_what_is_told_is_told_of_every_variant(tiny_names: tuple[str, ...], vocabulary: Vocabulary) -> None:
    model = lively("wavenet", tiny_names, vocabulary)
    one, other, untold = (occlusion(model, vocabulary, NAME, told) for told in ({"sex": "F"}, {"sex": "M"}, None))
    torch.testing.assert_close(one.shown[3].float(), next_letter(model, vocabulary, NAME[:3], {"sex": "F"}))
    assert float((one.matrix - other.matrix).abs().max()) > 0.01
    assert float((one.matrix - untold.matrix).abs().max()) > 0.01


def test_a_name_without_letters_has_nothing_to_hide(model: Model, vocabulary: Vocabulary) -> None:
    found = occlusion(model, vocabulary, "")
    assert found.matrix.shape == (0, 1)
    assert found.hidden.shape == (0, 1, vocabulary.size)
    assert found.shown.shape == (1, vocabulary.size)


def test_asking_changes_nothing_and_an_unknown_letter_is_refused(model: Model, vocabulary: Vocabulary) -> None:
    before = {key: value.clone() for key, value in model.train().state_dict().items()}
    occlusion(model, vocabulary, "emma")
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    with pytest.raises(Refusal, match="'5'"):
        occlusion(model, vocabulary, "e5")
    with pytest.raises(Refusal, match="Decade"):
        occlusion(model, vocabulary, "emma", {"decade": "1920"})
