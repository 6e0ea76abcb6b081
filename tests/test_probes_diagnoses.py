"""The lights: red where a run was broken on purpose, by the light that belongs to the fault; never on a sound one."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
import torch

from wavenames.config import COUNTED, PRESETS, RunConfig, Settings
from wavenames.models import MLP, Model, Tree, WaveNet, build
from wavenames.names import Packed, Vocabulary, bundled, split
from wavenames.probes.diagnoses import Diagnosis, Losses, diagnose, typical_update
from wavenames.probes.health import Health, copied, examine
from wavenames.probes.remedies import Change
from wavenames.training import Trainer

STEPS, EVERY = 80, 20
NEURAL = [name for name, preset in PRESETS.items() if preset.model.family not in COUNTED]


@pytest.fixture(scope="module")
def parts() -> tuple[Packed, Packed]:
    """Train and validation names, few enough for a minute of tests."""
    names = bundled("ssa-2018")
    found, vocabulary = split(names.names, "lecture"), Vocabulary.of(names.names)
    return Packed(found.train[:6000], vocabulary), Packed(found.validation[:500], vocabulary)


def trained(
    parts: tuple[Packed, Packed], harm: Callable[[Model], None] | None = None, **words: object
) -> tuple[RunConfig, list[tuple[int, Health]], Losses]:
    """A short run that is looked at after each evaluation, as runs in the background are."""
    config = RunConfig.from_flat({"steps": STEPS, "evaluate_every": EVERY, "batch_size": 128} | words)
    train, validation = parts
    model = build(config.model, train.vocabulary.size, config.seed)
    if harm is not None:
        harm(model)
    trainer = Trainer(model, train, validation, config.recipe, config.seed)
    looks: list[tuple[int, Health]] = []
    before, batch = None, train.batch(torch.arange(64))
    for progress in trainer.run():
        if progress.evaluated or progress.diverged:
            looks.append((progress.step, examine(model, batch, None if progress.diverged else before)))
        before = copied(model)
    curve = [point.loss for point in trainer.curve.validation]
    losses = Losses(
        math.log(train.vocabulary.size),
        curve[0],
        trainer.curve.train[-1].loss,
        curve[-1],
        min(curve),
        trainer.diverged,
    )
    return config, looks, losses


def lights(found: tuple[Diagnosis, ...]) -> dict[str, str]:
    return {each.title: each.light for each in found}


def of(title: str, found: tuple[Diagnosis, ...]) -> Diagnosis:
    return next(each for each in found if each.title == title)


@pytest.mark.parametrize("preset", NEURAL)
def test_a_healthy_run_of_a_preset_has_no_red_light(parts: tuple[Packed, Packed], preset: str) -> None:
    """All green, but for the notebook's first network, whose weights are plain normal: its tanh are to be watched."""
    usual = PRESETS[preset]
    steps = 30 if usual.model.family == "transformer" or preset.startswith("gru-384") else STEPS
    found = diagnose(*trained(parts, preset=preset, steps=steps, evaluate_every=steps // 4))
    assert len(found) >= 5
    expected = {"Saturation": "watch"} if preset == "mlp-v1" else {}
    assert {title: light for title, light in lights(found).items() if light != "good"} == expected
    assert all(each.sentence.endswith(".") for each in found)
    assert all((each.change is None) == (each.light == "good") for each in found)


@pytest.mark.parametrize(("recipe", "size"), [("lecture", 32), ("notebook", 512)])
def test_the_recipes_of_the_lecture_and_the_notebook_are_healthy(
    parts: tuple[Packed, Packed], recipe: str, size: int
) -> None:
    """The notebook's rate is a tenth of the lecture's, and where no norm helps it is said to be low."""
    for preset in ("mlp-3", "mlp-8-bn"):
        found = lights(
            diagnose(*trained(parts, preset=preset, recipe=recipe, batch_size=size, steps=200, evaluate_every=50))
        )
        assert found.pop("Learning rate") == ("watch" if (recipe, preset) == ("notebook", "mlp-3") else "good")
        assert set(found.values()) == {"good"}, found


# ------------------------------------------------------------------------------------------- broken on purpose


@pytest.mark.parametrize("preset", ["mlp-3", "tree-22k", "wavenet-s", "dilated-76k", "gru"])
def test_a_rate_a_hundred_times_too_high_is_red_and_the_usual_one_is_offered(
    parts: tuple[Packed, Packed], preset: str
) -> None:
    found = diagnose(*trained(parts, preset=preset, learning_rate=1.0))
    red = [each for each in found if each.light == "bad"]
    assert any(each.change == Change("learning_rate", "0.01") for each in red)
    assert "bad" in (of("Progress", found).light, of("Learning rate", found).light)


@pytest.mark.parametrize(("recipe", "usual"), [("modern", "0.01"), ("lecture", "0.1")])
def test_a_rate_a_thousand_times_too_low_is_red(parts: tuple[Packed, Packed], recipe: str, usual: str) -> None:
    found = diagnose(*trained(parts, preset="mlp-3", recipe=recipe, learning_rate=float(usual) / 1000))
    rate = of("Learning rate", found)
    assert rate.light == "bad"
    assert rate.change == Change("learning_rate", usual)


def test_no_normalisation_and_plain_normal_weights_saturate_from_the_start(parts: tuple[Packed, Packed]) -> None:
    """What the notebook's init does to a wider layer; the setting that is offered cures it."""
    saturation = of("Saturation", diagnose(*trained(parts, preset="mlp-3", init="normal")))
    assert saturation.light == "bad"
    assert "from the start" in saturation.sentence
    assert saturation.change == Change("init", "scaled")
    cured = diagnose(*trained(parts, preset="mlp-3", init="scaled"))
    assert of("Saturation", cured).light == "good"


def test_gradients_that_explode_on_their_way_down_are_red(parts: tuple[Packed, Packed]) -> None:
    """Eight layers of plain normal weights and no norm."""
    found = diagnose(*trained(parts, preset="mlp-8", init="normal", layers=8, steps=EVERY))
    depth = of("Depth", found)
    assert depth.light in ("watch", "bad")
    assert "explode" in depth.sentence
    assert depth.change == Change("norm", "batch")


def test_gradients_that_vanish_are_red(parts: tuple[Packed, Packed]) -> None:
    def weaken(model: Model) -> None:
        for name, weight in model.named_parameters():
            if name.startswith("net.layers.") and weight is not model.head_weight:
                weight.data *= 0.1

    depth = of("Depth", diagnose(*trained(parts, weaken, preset="mlp-8", layers=5, steps=EVERY, learning_rate=1e-6)))
    assert depth.light == "bad"
    assert "vanish" in depth.sentence


def test_a_layer_saturated_at_the_start_is_red_and_a_norm_is_offered(parts: tuple[Packed, Packed]) -> None:
    def saturate(model: Model) -> None:
        cast(MLP, model).net.layers[1].weight.data.mul_(20)  # type: ignore[operator]

    saturation = of("Saturation", diagnose(*trained(parts, saturate, preset="mlp-3")))
    assert saturation.light == "bad"
    assert saturation.change == Change("norm", "batch")


def test_dead_relus_are_red(parts: tuple[Packed, Packed]) -> None:
    """A bias so low that the head's first ReLU never opens again."""

    def kill(model: Model) -> None:
        cast(WaveNet, model).head1.bias.data.sub_(20)  # type: ignore[union-attr]

    dead = of("Dead units", diagnose(*trained(parts, kill, preset="wavenet-s")))
    assert dead.light == "bad"
    assert "head 2 100% of the units never act" in dead.sentence


def test_gates_that_are_stuck_are_red(parts: tuple[Packed, Packed]) -> None:
    def shut(model: Model) -> None:
        for block in cast(WaveNet, model).blocks:
            block.conv.linear.bias.data[32:] = -8  # type: ignore[operator, union-attr]

    gates = of("Gates", diagnose(*trained(parts, shut, preset="wavenet-s")))
    assert gates.light == "bad"


def test_a_start_that_is_sure_of_itself_is_red(parts: tuple[Packed, Packed]) -> None:
    def boast(model: Model) -> None:
        cast(torch.nn.Parameter, model.head_weight).data.mul_(100)

    start = of("Start", diagnose(*trained(parts, boast, preset="mlp-3", steps=EVERY)))
    assert start.light == "bad"


def test_batchnorm_that_remembers_another_network_is_red(parts: tuple[Packed, Packed]) -> None:
    """Looked at once with what it remembers spoilt, as a model that was trained."""
    config = RunConfig.from_flat({"preset": "tree-22k", "batch_size": 16})
    model = cast(Tree, build(config.model, parts[0].vocabulary.size, 1))
    look = examine(model, parts[0].batch(torch.arange(64)))
    losses = Losses(math.log(27))
    norms = of("BatchNorm", diagnose(config, [(1000, look)], losses))
    assert norms.light in ("watch", "bad"), "it still remembers nothing"
    assert norms.change == Change("batch_size", "64")
    assert of("BatchNorm", diagnose(config, [(10, look)], losses)).light == "not known"


# ------------------------------------------------------------------------------------------------ from the curves


@pytest.mark.parametrize(
    ("train", "validation", "best", "light"),
    [(1.9, 2.0, 2.0, "good"), (1.7, 2.0, 2.0, "watch"), (1.4, 2.0, 2.0, "bad"), (1.9, 2.1, 2.05, "watch"),
     (1.9, 2.1, 1.9, "bad"), (1.9, math.nan, 1.9, "bad")],
)  # fmt: skip
def test_overfitting_is_a_gap_or_a_rise(train: float, validation: float, best: float, light: str) -> None:
    losses = Losses(3.3, 3.3, train, validation, best)
    found = of("Overfitting", diagnose(RunConfig(), [], losses))
    assert found.light == light
    assert (found.change == Change("dropout", "0.2")) == (light != "good")
    for preset, patience, change in (
        ("mlp-3", None, Change("patience", "5")),
        ("mlp-3", 9, Change("steps", "1000")),
    ):
        run = RunConfig.from_flat({"preset": preset, "patience": patience or "None"})
        if light != "good":
            assert of("Overfitting", diagnose(run, [], losses)).change == change


def test_what_has_learned_nothing_knows_nothing_by_heart() -> None:
    """Of a run that has just begun, or ran away at once, the gap says nothing; a rise from its best does."""
    assert of("Overfitting", diagnose(RunConfig(), [], Losses(3.3, 3.3, 3.29, 3.31, 3.3))).light == "not known"
    assert of("Overfitting", diagnose(RunConfig(), [], Losses(3.3, 3.3, 1.2, 3.5, 2.1))).light == "bad"


def test_a_run_of_which_no_step_was_looked_at_is_not_called_a_foreign_one(parts: tuple[Packed, Packed]) -> None:
    config, looks, losses = trained(parts, preset="wavenet-s", steps=1, evaluate_every=1)
    found = of("Learning rate", diagnose(config, looks[:1], losses))
    assert (found.light, found.sentence) == (
        "not known", "None of its steps has been looked at: a look comes with an evaluation."
    )  # fmt: skip
    alone = of("Learning rate", diagnose(config, looks[:1], Losses(3.3)))
    assert alone.sentence == "How far a step moves the weights is known only of a run on this server."


@pytest.mark.parametrize("preset", ["rnn", "wavenet-s", "mlp-3"])
@pytest.mark.parametrize(
    ("began", "share", "light"), [(0.1, 0.47, "good"), (0.1, 0.7, "watch"), (0.45, 0.47, "watch")]
)
def test_training_may_bring_tanh_near_their_ends(
    parts: tuple[Packed, Packed], preset: str, began: float, share: float, light: str
) -> None:
    """Whole runs of the presets rnn and wavenet-s end with 46% and 44%, and would end worse at a lower rate."""
    config, looks, losses = trained(parts, preset=preset, steps=1, evaluate_every=1)
    look = looks[-1][1]
    at, then = (
        replace(look, layers=tuple(replace(layer, saturated=each) for layer in look.layers))
        for each in (began, share)
    )
    found = of("Saturation", diagnose(config, [(0, at), (1, then)], losses))
    assert found.light == light
    assert ("from the start" in found.sentence) == (began > 0.4)


def test_gradients_that_are_no_numbers_are_called_so(parts: tuple[Packed, Packed]) -> None:
    config, looks, losses = trained(parts, preset="wavenet-s", steps=1, evaluate_every=1)
    first, *others = looks[-1][1].layers
    assert first.gradient is not None
    broken = replace(first, gradient=replace(first.gradient, spread=math.inf))
    look = replace(looks[-1][1], layers=(broken, *others))
    found = of("Depth", diagnose(config, [(1, look)], losses))
    assert (found.light, found.sentence) == ("bad", "Gradients in block 1 filter or head 2 are no numbers.")


def test_what_nobody_saw_is_not_judged() -> None:
    """A model that ships was not seen in training: three lights say so."""
    found = diagnose(RunConfig(), [], Losses(3.3))
    assert lights(found) == {"Start": "not known", "Progress": "not known", "Overfitting": "not known"}
    assert all(each.change is None for each in found)


def test_a_run_worse_than_a_blind_guess_is_red() -> None:
    run = RunConfig.from_flat({"learning_rate": 0.005})
    found = of("Progress", diagnose(run, [], Losses(3.3, 3.3, 4.0, 4.0, 3.3)))
    assert found.light == "bad"
    assert found.change == Change("learning_rate", "0.0005"), "below the usual one a tenth is offered"


def test_every_change_is_one_that_the_train_page_takes(parts: tuple[Packed, Packed]) -> None:
    """Also for a model without the field that others would change."""
    sick = Losses(3.3, 9.0, 1.0, 4.0, 2.0, diverged=True)
    for preset in NEURAL:
        model: Settings = PRESETS[preset].model
        config = RunConfig.from_flat({"preset": preset})
        network = build(model, parts[0].vocabulary.size, 1)
        look = examine(network, parts[0].batch(torch.arange(8)))
        broken = replace(
            look,
            layers=tuple(
                replace(
                    layer,
                    saturated=1.0,
                    dead=1.0,
                    gradient=layer.gradient and replace(layer.gradient, spread=10.0**-i),
                )
                for i, layer in enumerate(look.layers)
            ),
            weights=tuple(replace(weight, update=0.0) for weight in look.weights),
        )
        for each in diagnose(config, [(0, broken), (99, broken)], sick):
            assert each.change is not None or each.light == "good"
            if each.change is not None:
                RunConfig.from_flat(config.flat() | {each.change.field: each.change.value})


def test_the_typical_update_is_the_median_in_spreads_of_the_start(parts: tuple[Packed, Packed]) -> None:
    look = examine(build(PRESETS["mlp-3"].model, parts[0].vocabulary.size, 1), parts[0].batch(torch.arange(8)))
    assert typical_update(look, look) is None
    updates = [-3.0, None, -1.0]
    grown = replace(
        look,
        weights=tuple(replace(w, update=u, spread=10 * w.spread) for w, u in zip(look.weights, updates, strict=True)),
    )
    assert typical_update(grown, look) == pytest.approx(-1.0)
