"""Surprisal: the model's own numbers, place by place."""

import math

import pytest
import torch

from wavenames.config import PRESETS, Refusal
from wavenames.layers import log_softmax
from wavenames.models import Model, build
from wavenames.models.counting import Bigram
from wavenames.names import Packed, Vocabulary
from wavenames.probes.surprisal import Place, Surprisal, first_parting, parting, surprisal, surprisals
from wavenames.sampling import next_letter
from wavenames.training import evaluate

LETTERS = Vocabulary("abcdefghijklmnopqrstuvwxyz")


@pytest.fixture(params=["bigram", "mlp-3-bn", "tree-22k", "wavenet-s"])
def model(request: pytest.FixtureRequest) -> Model:
    """One model a family, none of which holds all letters to be equally likely."""
    model = build(PRESETS[request.param].model, LETTERS.size, seed=3).eval()
    dice = torch.Generator().manual_seed(5)
    if isinstance(model, Bigram):
        model.counts += torch.rand(model.counts.shape, generator=dice) * 100
    else:
        weight = list(model.parameters())[-1]  # the bias of the output
        weight.data += torch.randn(weight.shape, generator=dice)
    return model


def test_each_place_says_what_the_stepping_model_says(model: Model) -> None:
    """Letter, log-probability, rank and distribution equal those of reading one letter at a time."""
    found = surprisal(model, LETTERS, "anna")
    assert "".join(place.letter for place in found.places) == "anna."
    for i, place in enumerate(found.places):
        stepped = next_letter(model, LETTERS, "anna"[:i])
        number = LETTERS.symbols.index(place.letter)
        torch.testing.assert_close(place.distribution, stepped, atol=1e-5, rtol=1e-5)
        assert place.log_probability == pytest.approx(float(stepped[number]), abs=1e-5)
        assert LETTERS.symbols[int(place.distribution.argsort(descending=True)[place.rank - 1])] == place.letter


def test_the_total_is_the_loss_of_the_name(model: Model) -> None:
    """Nats per letter equal the loss that training would measure on a list of this one name."""
    found = surprisal(model, LETTERS, "isabella")
    loss = evaluate(model, Packed(["isabella"], LETTERS)).loss
    assert found.per_letter == pytest.approx(loss, abs=1e-5)
    assert found.log_probability == pytest.approx(-loss * 9, abs=1e-4)


def test_equal_letters_share_a_rank() -> None:
    """A rank counts the letters that are likelier: where all are equally likely, every letter is first."""
    model = build(PRESETS["bigram"].model, LETTERS.size)
    assert [place.rank for place in surprisal(model, LETTERS, "zq").places] == [1, 1, 1]


def test_no_letters_yet_is_a_beginning_too(model: Model) -> None:
    """The empty name has one place, which holds what names begin with."""
    (place,) = surprisal(model, LETTERS, "").places
    assert place.letter == "."
    assert float(place.distribution.exp().sum()) == pytest.approx(1, abs=1e-5)


def test_asking_changes_nothing(model: Model) -> None:
    """A model in training goes on in training, its statistics untouched."""
    before = {key: value.clone() for key, value in model.state_dict().items()}
    surprisal(model.train(), LETTERS, "emma")
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_model_that_fails_stays_in_its_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong while it reads."""
    model = build(PRESETS["mlp-3"].model, LETTERS.size).train()

    def fails(_batch: object) -> torch.Tensor:
        raise MemoryError

    monkeypatch.setattr(model, "forward", fails)
    with pytest.raises(MemoryError):
        surprisal(model, LETTERS, "emma")
    assert model.training


def test_an_unknown_letter_is_refused(model: Model) -> None:
    with pytest.raises(Refusal, match="'5'"):
        surprisal(model, LETTERS, "d5")


def test_log_probabilities_sum_to_one_at_every_place(model: Model) -> None:
    for place in surprisal(model, LETTERS, "bo").places:
        torch.testing.assert_close(place.distribution, log_softmax(place.distribution.unsqueeze(0))[0])


def test_one_pass_over_several_conditions_says_what_each_says_alone() -> None:
    """In their order; where two part most is where the ratio of probabilities is largest."""
    model = build(PRESETS["wavenet-m-sex"].model, LETTERS.size, seed=3).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5))
    told = [{"sex": "M"}, {}, {"sex": "F"}]
    found = surprisals(model, LETTERS, "anna", told)
    for each, alone in zip(found, told, strict=True):
        own = surprisal(model, LETTERS, "anna", alone)
        assert each.log_probability == pytest.approx(own.log_probability, abs=1e-5)
        assert [place.letter for place in each.places] == [place.letter for place in own.places]
    gaps = [
        abs(math.log(math.exp(a.log_probability) / math.exp(b.log_probability)))
        for a, b in zip(found[0].places, found[2].places, strict=True)
    ]
    assert gaps[parting(found[0], found[2])] == pytest.approx(max(gaps))
    assert max(gaps) > 0


def test_two_readings_part_first_where_a_letter_is_more_than_twice_as_likely() -> None:
    """Either way round; a factor of exactly two does not part them, nor does any of equals."""

    def reading(*shares: float) -> Surprisal:
        return Surprisal(tuple(Place("a", math.log(share), 1, torch.empty(0)) for share in shares))

    one = reading(0.5, 0.25, 0.9, 0.01)
    assert first_parting(one, reading(0.3, 0.125, 0.4, 0.9)) == 2
    assert first_parting(reading(0.3, 0.25, 0.4), reading(0.3, 0.6, 0.4)) == 1
    assert first_parting(one, reading(0.4, 0.2, 0.8, 0.015)) is None
    assert first_parting(one, one) is None
    assert first_parting(one, reading(0.4, 0.2, 0.8, 0.015), factor=1.4) == 3
