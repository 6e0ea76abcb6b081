"""Units: activations against direct computation, means against a loop, contexts against a sort, and switching off
against a model that reads nothing from the unit.
"""

from collections.abc import Callable
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from wavenames.config import (
    PRESETS,
    MLPConfig,
    RecurrentConfig,
    Settings,
    TransformerConfig,
    TreeConfig,
    WaveNetConfig,
)
from wavenames.layers import GatedActivation, Linear, Tanh
from wavenames.models import MLP, Model, Recurrent, Tree, WaveNet, build
from wavenames.names import Packed, Vocabulary
from wavenames.probes.units import SAME, Switched, activations, means, telling_contexts, unit_layers
from wavenames.training import evaluate

HELD_OUT = ("emmaline", "charlotta", "olav", "mo", "isabel", "zeb", "mo")
CONFIGS: dict[str, Settings] = {
    "mlp": MLPConfig(embedding=4, hidden=6, layers=2),
    "tree": TreeConfig(embedding=4, hidden=6, norm="layer"),
    "dilated": PRESETS["dilated-76k"].model.changed(embedding=4, hidden=6),
    "wavenet": WaveNetConfig(residual=4, gate=5, skip=4, dilations=(1, 2), conditions="sex"),
    "wavenet, no gates": WaveNetConfig(residual=4, gate=5, gated=False, skip=4, dilations=(1, 2)),
    "rnn": RecurrentConfig(cell="rnn", hidden=6),
    "gru": RecurrentConfig(cell="gru", hidden=6, dropout=0.3),
    "transformer": TransformerConfig(block_size=4, layers=2, heads=1, head_size=6),
}


@pytest.fixture
def names(tiny_names: tuple[str, ...]) -> Packed:
    return Packed(HELD_OUT, Vocabulary.of([*tiny_names, *HELD_OUT]))


def lively(name: str, names: Packed) -> Model:
    model = build(CONFIGS[name], names.vocabulary.size, seed=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model.eval()


def seen_in_parallel(model: Model, module: nn.Module, names: Packed) -> Tensor:
    """(N, units) what leaves a module when whole names are read at once, by torch's own hook."""
    out: list[Tensor] = []
    hook = module.register_forward_hook(lambda _m, _i, said: out.append(said))
    with torch.no_grad():
        model(next(names.all(len(names))))
    hook.remove()
    said = out[-1] if out[-1].dim() == 2 else out[-1][:, -1]
    return said[: names.targets_count]


def test_every_family_names_its_layers(names: Packed) -> None:
    found = {name: [(each.kind, each.units) for each in unit_layers(lively(name, names))] for name in CONFIGS}
    assert found == {
        "mlp": [("tanh", 6)] * 2,
        "tree": [("tanh", 6)] * 3,
        "dilated": [("tanh", 6)] * 3,
        "wavenet": [("gate", 5)] * 2,
        "wavenet, no gates": [("tanh", 5)] * 2,
        "rnn": [("memory", 6)],
        "gru": [("memory", 6)],
        "transformer": [("block", 6)] * 2,
    }
    for counting in ("bigram", "kn-5"):
        assert unit_layers(build(PRESETS[counting].model, 27)) == ()


@pytest.mark.parametrize("name", ["mlp", "tree", "dilated", "wavenet", "transformer"])
def test_activations_are_those_of_reading_whole_names_at_once(name: str, names: Packed) -> None:
    model = lively(name, names)
    for layer in unit_layers(model):
        wanted = seen_in_parallel(model, model.get_submodule(layer.path), names)
        torch.testing.assert_close(activations(model, layer, names), wanted, atol=1e-5, rtol=1e-5)


def test_activations_of_one_tanh_by_hand(names: Packed) -> None:
    model = cast(MLP, lively("mlp", names))
    x = model.embedding.weight[next(names.all(99)).windows(3)].flatten(1)
    linear = cast(Linear, model.net.layers[1])
    wanted = torch.tanh(x @ linear.weight + cast(Tensor, linear.bias))
    torch.testing.assert_close(
        activations(model, unit_layers(model)[0], names), wanted.detach(), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("name", ["rnn", "gru"])
def test_activations_of_a_memory_are_the_memory(name: str, names: Packed) -> None:
    """Read letter by letter, each name by itself."""
    model = lively(name, names)
    wanted = []
    for held_out in HELD_OUT:
        state = model.start(1)
        for number in (0, *names.vocabulary.encode(held_out)):
            _, state = model.step(torch.tensor([number]), state)
            wanted.append(state[0][0].detach())
    found = activations(model, unit_layers(model)[0], names)
    torch.testing.assert_close(found, torch.stack(wanted), atol=1e-5, rtol=1e-5)


def test_means_by_letter_and_place_are_those_of_a_loop(names: Packed) -> None:
    values = torch.randn(names.targets_count, generator=torch.Generator().manual_seed(1))
    found = means(values, names)
    assert found.table.shape == found.counts.shape == (names.vocabulary.size, 10)
    sums: dict[tuple[int, int], list[float]] = {}
    row = 0
    for name in HELD_OUT:
        for place, number in enumerate((0, *names.vocabulary.encode(name))):
            sums.setdefault((number, place), []).append(float(values[row]))
            row += 1
    assert int(found.counts.sum()) == row
    for number in range(names.vocabulary.size):
        for place in range(10):
            said = sums.get((number, place), [])
            assert int(found.counts[number, place]) == len(said)
            if said:
                assert float(found.table[number, place]) == pytest.approx(sum(said) / len(said))
            else:
                assert bool(found.table[number, place].isnan())


@pytest.mark.parametrize("highest", [True, False])
def test_telling_contexts_are_those_of_a_sort(names: Packed, highest: bool) -> None:
    values = torch.randn(names.targets_count, generator=torch.Generator().manual_seed(2))
    prefixes = [name[:place] for name in HELD_OUT for place in range(len(name) + 1)]
    ordered = sorted(zip(values.tolist(), prefixes, strict=True), reverse=highest)
    found = telling_contexts(values, names, 6, highest=highest)
    assert [each.letters for each in found] == [letters for _, letters in ordered[:6]]
    assert [each.activation for each in found] == pytest.approx([value for value, _ in ordered[:6]])


def test_contexts_that_the_unit_cannot_tell_apart_are_shown_once(names: Packed) -> None:
    """The shortest of those with one ending and one activation, as for a unit that sees the last letter alone."""
    values = names.letters.double() + 0.4 * SAME * torch.rand(names.targets_count, dtype=torch.float64)
    found = telling_contexts(values, names, 99)
    prefixes = [name[:place] for name in HELD_OUT for place in range(len(name) + 1)]
    assert [each.letters[-1:] for each in found] == sorted({each[-1:] for each in prefixes}, reverse=True)
    for each in found:
        assert len(each.letters) == min(len(other) for other in prefixes if other[-1:] == each.letters[-1:])


def unread(linear: Linear, number: int, value: float) -> None:
    """Let a product read nothing of one of its inputs; what it brought on average goes into its bias."""
    with torch.no_grad():
        if value:
            cast(Tensor, linear.bias).add_(value * linear.weight[number])
        linear.weight[number] = 0


def mlp_without(model: Model, unit: int, value: float) -> None:
    unread(cast(Linear, cast(MLP, model).net.layers[3]), unit, value)


def tree_without(model: Model, unit: int, value: float) -> None:
    linears = [layer for layer in cast(Tree, model).net.layers if isinstance(layer, Linear)]
    unread(linears[-1], unit, value)


def wavenet_without(model: Model, unit: int, value: float) -> None:
    unread(cast(WaveNet, model).blocks[0].mix, unit, value)  # type: ignore[arg-type]


def memory_without(model: Model, unit: int, value: float) -> None:
    recurrent = cast(Recurrent, model)
    inside = [each for each in recurrent.cell.modules() if isinstance(each, Linear)]
    for linear in inside:
        unread(linear, recurrent.cell.features + unit, value)
    unread(recurrent.head, unit, value)


ORACLES: dict[str, tuple[int, float | None, Callable[[Model, int, float], None]]] = {
    "mlp": (0, None, mlp_without),
    "tree": (2, None, tree_without),
    "wavenet": (0, None, wavenet_without),
    "rnn": (0, 0.0, memory_without),
    "gru": (0, 0.0, memory_without),
}
"""The layer by its number, where the unit is held (None for its mean), and the model that does not read it."""


@pytest.mark.parametrize("name", ORACLES)
def test_switched_off_is_unread(name: str, names: Packed) -> None:
    """The loss is that of a model whose weights out of the unit are zero, its mean in the bias behind it."""
    model, other = lively(name, names), lively(name, names)
    number, value, without = ORACLES[name]
    layer = unit_layers(model)[number]
    at = float(activations(model, layer, names)[:, 2].mean()) if value is None else value
    switched = Switched(model, layer)
    before = evaluate(model, names).per_name
    torch.testing.assert_close(evaluate(switched.model, names).per_name, before)
    switched.held = 2, at
    without(other, 2, at)
    found, wanted = evaluate(switched.model, names).per_name, evaluate(other, names).per_name
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-5)
    assert float((found - before).abs().max()) > 0.01


@pytest.mark.parametrize("name", CONFIGS)
def test_a_held_unit_is_held_letter_by_letter_too(name: str, names: Packed) -> None:
    """Names are drawn with `step`, losses measured with `forward`: without the unit both say the same."""
    model = lively(name, names)
    for layer in unit_layers(model):
        switched = Switched(model, layer)
        switched.held = 1, 0.3
        with torch.no_grad():
            whole, stepped = switched.model(next(names.all(99))), []
            plain = model(next(names.all(99)))
            for held_out in HELD_OUT:
                state = switched.model.start(1)
                for number in (0, *names.vocabulary.encode(held_out)):
                    logits, state = switched.model.step(torch.tensor([number]), state)
                    stepped.append(logits[0])
        torch.testing.assert_close(whole, torch.stack(stepped), atol=1e-4, rtol=1e-4)
        assert float((whole - plain).abs().max()) > 1e-3


@pytest.mark.parametrize("name", CONFIGS)
def test_the_model_itself_is_left_alone(name: str, names: Packed) -> None:
    """Others are asking it at the same time: no hook, no other method, no other weight, no other mode."""
    model = lively(name, names).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    attributes = {path: set(vars(module)) for path, module in model.named_modules()}
    layer = unit_layers(model)[0]
    activations(model, layer, names)
    switched = Switched(model, layer)
    switched.held = 0, 0.0
    evaluate(switched.model, names)
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert {path: set(vars(module)) for path, module in model.named_modules()} == attributes
    assert not any(module._forward_hooks for module in model.modules())


def test_kinds_are_modules_of_their_own() -> None:
    """A path names one place in the model."""
    model = build(PRESETS["wavenet-m"].model, 27)
    assert [each.path for each in unit_layers(model)] == [f"blocks.{i}.activation" for i in range(4)]
    assert all(isinstance(model.get_submodule(each.path), Tanh | GatedActivation) for each in unit_layers(model))
