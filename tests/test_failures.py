"""Broken on purpose: what is harmed is harmed, the twins share all else, and what came of it follows from figures."""

from dataclasses import replace
from typing import cast

import pytest
import torch

from wavenames.config import RunConfig
from wavenames.failures.cards import (
    CARDS,
    DATA,
    FEW,
    HARDLY,
    LITTLE,
    NEAR,
    by_loss,
    by_much,
    by_names,
    by_reference,
    never_in_evaluation,
    saturate,
    sentence,
)
from wavenames.failures.experiment import DRAWN, Experiment, Found, Side, references
from wavenames.layers import BatchNorm1d
from wavenames.models import MLP, Tree, build
from wavenames.names import Packed, Vocabulary, bundled, split
from wavenames.probes.health import examine
from wavenames.sampling import Sampled
from wavenames.training import Evaluation

NAMES = bundled("ssa-2018")
PARTS, VOCABULARY = split(NAMES.names, DATA.split), Vocabulary.of(NAMES.names)


def side(loss: float, real: int = 50, *, spread: float = 0.5, diverged: bool = False) -> Side:
    """One with this loss on 1,000 names of seven targets, each off by ± `spread`."""
    off = torch.tensor([spread, -spread] * 500).double()
    lengths = torch.full((1000,), 7)
    evaluation = Evaluation(loss, 0.01, 7 * (loss + off), lengths, torch.arange(1000))
    names = tuple(Sampled("anna", -5.0, "train" if place < real else "new") for place in range(DRAWN))
    return Side(RunConfig(), (), (), evaluation, names, (), diverged)


def found(broken: Side, sound: Side | None = None) -> Found:
    return Found(sound or side(2.1), broken, frequencies=2.83, pairs=2.47)


# ---------------------------------------------------------------------------------------------------- the breaking


def test_each_card_differs_from_its_twin_in_one_thing() -> None:
    for key, card in CARDS.items():
        assert key == card.key
        assert len(set(card.outcomes)) == 3
        assert card.sound.seed == card.broken.seed
        assert card.sound.data == card.broken.data == DATA
        differing = set(card.broken.flat().items()) ^ set(card.sound.flat().items())
        assert len({field for field, _ in differing}) == (0 if key in ("saturated", "batchnorm") else 1)
    assert CARDS["rate"].broken.recipe.learning_rate == 100 * CARDS["rate"].sound.recipe.learning_rate
    assert "learning rate is 2 where its twin has 0.02" in CARDS["rate"].setup
    assert (CARDS["warmup"].sound.recipe.schedule, CARDS["warmup"].broken.recipe.schedule) == ("warmup", "drop")


def test_a_saturated_layer_is_saturated_and_the_others_are_not_touched() -> None:
    model, untouched = (cast(MLP, build(CARDS["saturated"].sound.model, VOCABULARY.size, 1)) for _ in range(2))
    saturate(model)
    changed = [
        name for name, each in model.named_parameters() if not torch.equal(each, untouched.get_parameter(name))
    ]
    assert changed == ["net.layers.1.weight"]
    (layer,) = examine(model, Packed(PARTS.train[:64], VOCABULARY).batch(torch.arange(64))).layers
    assert layer.saturated > 0.9


def test_batchnorm_that_is_never_in_evaluation_uses_the_names_at_hand() -> None:
    """A name's logits then depend on who else is in the batch; the model that was copied is as before."""
    model = cast(Tree, build(CARDS["batchnorm"].sound.model, VOCABULARY.size, 1)).eval()
    forgetful = never_in_evaluation(model).eval()
    names = Packed(PARTS.train[:40], VOCABULARY)
    alone, among = names.batch(torch.arange(2)), names.batch(torch.arange(40))
    rows = len(alone.letters)
    with torch.no_grad():
        assert torch.allclose(model(alone), model(among)[:rows], atol=1e-5)
        assert not torch.allclose(forgetful(alone), forgetful(among)[:rows], atol=1e-2)
    assert not any(each.training for each in model.modules())
    norms = [each for each in model.modules() if isinstance(each, BatchNorm1d)]
    assert all(bool((each.running_mean == 0).all()) for each in norms)
    assert all(each.training for each in forgetful.modules() if isinstance(each, BatchNorm1d))


def test_references_are_those_of_counts() -> None:
    """By dictionaries: each letter's share, and each pair's with one added."""
    train, validation = Packed(("ab", "ba", "aab"), VOCABULARY), Packed(("ab",), VOCABULARY)
    frequencies, pairs = references(train, validation)
    size = VOCABULARY.size
    after = {".": 3, "a": 4, "b": 3}  # targets that follow each letter
    alone = {".": 3 + size, "a": 4 + size, "b": 3 + size}  # one is added to each pair
    total = 10 + size**2
    wanted = [alone["a"] / total, alone["b"] / total, alone["."] / total]
    assert frequencies == pytest.approx(-float(torch.tensor(wanted).log().mean()), abs=1e-6)
    seen = [(2 + 1) / (after["."] + size), (2 + 1) / (after["a"] + size), (2 + 1) / (after["b"] + size)]
    assert pairs == pytest.approx(-float(torch.tensor(seen).log().mean()), abs=1e-6)


# ------------------------------------------------------------------------------------------------ what came of it


def test_a_difference_that_chance_explains_is_none() -> None:
    """The error is paired over names: the same spread in both leaves none."""
    noisy = replace(side(2.101), evaluation=side(2.101, spread=-0.5).evaluation)
    assert found(side(2.101)).worse
    assert not found(noisy).worse
    assert by_loss(found(noisy)) == by_much(found(noisy)) == 0
    assert "that chance explains" in sentence(found(noisy))


def test_outcomes_follow_from_the_losses() -> None:
    assert [by_loss(found(side(loss))) for loss in (2.0, 2.1, 2.3, 2.83 - NEAR, 9.0)] == [0, 0, 1, 2, 2]
    assert [by_much(found(side(loss))) for loss in (2.0, 2.1 + LITTLE / 2, 2.1 + 2 * LITTLE)] == [0, 1, 2]
    assert [by_reference(found(side(loss))) for loss in (2.2, 2.4, 2.9)] == [0, 1, 2]
    lost = found(side(float("nan"), diverged=True))
    assert by_loss(lost) == by_much(lost) == 2


def test_outcomes_follow_from_the_names() -> None:
    shares = (1.2, FEW, (FEW + HARDLY) / 2, HARDLY / 2)
    assert [by_names(found(side(2.1, round(100 * share)), side(2.1, 100))) for share in shares] == [0, 0, 1, 2]


def test_the_sentence_says_the_figures_whichever_way_they_fall() -> None:
    worse, better, same = (sentence(found(side(loss, 8))) for loss in (2.5, 2.0, 2.1))
    assert "ends at 2.500 nats per letter on validation names, its twin at 2.100: 0.400 worse" in worse
    assert "0.100 better" in better
    assert "2.100: the same." in same
    for each in (worse, better, same):
        assert f"Of {DRAWN} names that it writes 8 stand on the list, of its twin's 50." in each
    assert "It ran away." in sentence(found(side(float("nan"), diverged=True)))


# --------------------------------------------------------------------------------------------------- experiments


def short(key: str, **recipe: object) -> Found:
    """A card's experiment on fewer names and steps."""
    card = CARDS[key]
    few = {"steps": 40, "evaluate_every": 20, "batch_size": 64} | recipe
    card = replace(
        card,
        sound=card.sound.changed(recipe=card.sound.recipe.changed(**few)),
        broken=card.broken.changed(recipe=card.broken.recipe.changed(**few)),
    )
    names = NAMES.names[:3000]
    experiment = Experiment(card, split(names, "lecture"), VOCABULARY)
    shares = list(experiment.run())
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert experiment.found is not None
    return experiment.found


@pytest.mark.parametrize("key", CARDS)
def test_every_card_can_be_played_to_its_end(key: str) -> None:
    """Both are measured, write by the same dice, and are looked at; one of the outcomes is what came."""
    came = short(key)
    assert CARDS[key].outcome(came) in (0, 1, 2)
    assert len(came.sound.names) == len(came.broken.names) == DRAWN
    assert {each.title for each in came.sound.health} >= {"Start", "Progress", "Learning rate", "Dead units"}
    assert came.sound.validation[-1].step == 40
    assert sentence(came)


def test_batchnorm_left_in_training_shows_in_the_names_alone() -> None:
    """The curves are equal bit for bit, the names are not."""
    came = short("batchnorm")
    assert [point.loss for point in came.sound.train] == [point.loss for point in came.broken.train]
    assert [each.name for each in came.sound.names] != [each.name for each in came.broken.names]


def test_a_rate_a_hundred_times_too_high_turns_lights_red_and_the_twins_are_green() -> None:
    came = short("rate")
    assert all(each.light == "good" for each in came.sound.health)
    assert "bad" in {each.light for each in came.broken.health}


def test_one_that_runs_away_ends_early_and_its_twin_goes_on() -> None:
    came = short("context", optimiser="sgd", learning_rate=1000, schedule="constant")
    assert came.broken.diverged or came.sound.diverged
    assert max(came.sound.validation[-1].step, came.sound.train[-1].step) <= 40
