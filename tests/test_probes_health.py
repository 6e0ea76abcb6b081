"""Figures of health against the same worked out plainly; a look leaves no trace."""

import copy
import math
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from wavenames.config import COUNTED, PRESETS, RECIPES, MLPConfig, RecurrentConfig, TreeConfig, WaveNetConfig
from wavenames.layers import BatchNorm1d, CrossEntropyLoss, GatedActivation, GRUCell
from wavenames.models import MLP, Model, Recurrent, Tree, WaveNet, build
from wavenames.names import Batch, Packed, Vocabulary
from wavenames.probes.health import BINS, UNMOVED, Flow, Health, Layer, copied, examine, matrices
from wavenames.probes.health_record import packed, unpacked
from wavenames.training import Trainer


@pytest.fixture
def batch(tiny_names: tuple[str, ...]) -> Batch:
    return next(names(tiny_names).all(len(tiny_names)))


def names(tiny_names: tuple[str, ...]) -> Packed:
    return Packed(tiny_names, Vocabulary.of(tiny_names))


def letters(batch: Batch) -> int:
    return int(batch.letters.max()) + 1


def assert_flow(found: Flow | None, gradient: Tensor) -> None:
    assert found is not None
    assert found.mean == pytest.approx(float(gradient.mean()), rel=1e-3, abs=1e-9)
    assert found.spread == pytest.approx(float(gradient.std(correction=0)), rel=1e-3)
    sizes = np.log10(np.maximum(gradient.abs().double().numpy().ravel(), 1e-10)).clip(-10, 0)
    expected, _ = np.histogram(sizes, BINS, (-10, 0))
    np.testing.assert_allclose(found.histogram, expected / sizes.size, atol=2 / sizes.size)


def assert_values(found: Layer, said: Tensor, ends: tuple[float, float]) -> None:
    assert found.mean == pytest.approx(float(said.mean()), abs=1e-5)
    assert found.spread == pytest.approx(float(said.std()), rel=1e-3)
    expected, _ = np.histogram(said.numpy().ravel(), BINS, ends)
    np.testing.assert_allclose(found.histogram, expected / said.numel(), atol=2 / said.numel())


def test_an_mlp_is_measured_as_by_hand(batch: Batch) -> None:
    """Values, gradients, ratios and the last step of a network of one layer, computed without layers or hooks."""
    model = MLP(MLPConfig(embedding=4, hidden=12), letters(batch))
    model.reset(torch.Generator().manual_seed(1))
    before = copied(model)
    with torch.no_grad():
        for matrix in matrices(model).values():
            matrix.add_(torch.arange(matrix.numel()).view_as(matrix), alpha=0.01 / matrix.numel())
    found = examine(model, batch, before)

    values = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
    windows = values["embedding.weight"][batch.windows(3)].flatten(1)
    said = torch.tanh(windows @ values["net.layers.1.weight"] + values["net.layers.1.bias"])
    said.retain_grad()
    loss = CrossEntropyLoss()(said @ values["net.layers.3.weight"] + values["net.layers.3.bias"], batch.targets)
    loss.backward()

    assert found.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    (layer,) = found.layers
    assert (layer.name, layer.kind) == ("layer 1", "tanh")
    assert_values(layer, said.detach(), (-1, 1))
    assert layer.saturated == pytest.approx(float((said.abs() > 0.97).float().mean()), abs=1e-6)
    assert said.grad is not None
    assert_flow(layer.gradient, said.grad)
    assert [weight.name for weight in found.weights] == ["letters", "layer 1", "output"]
    for weight, (name, was) in zip(found.weights, before.items(), strict=True):
        now, gradient = values[name].detach(), values[name].grad
        assert gradient is not None
        assert weight.shape == tuple(now.shape)
        assert_flow(weight.gradient, gradient)
        assert weight.ratio == pytest.approx(float(gradient.std(correction=0) / now.std()), rel=1e-3)
        assert weight.update == pytest.approx(math.log10(float((now - was).std() / now.std())), abs=1e-3)


def test_saturated_and_dead_units_are_counted_place_by_place(batch: Batch) -> None:
    """Unit 0 always at +1, unit 1 saturated only where the last letter is '.', unit 2 at either end, never dead."""
    model = MLP(MLPConfig(block_size=1, embedding=1, hidden=3), letters(batch))
    with torch.no_grad():
        model.embedding.weight.fill_(-1.0)[0] = 1.0
        first = model.net.layers[1]
        first.weight.copy_(torch.tensor([[0.0, 5.0, 50.0]]))  # type: ignore[operator]
        first.bias.copy_(torch.tensor([9.0, 5.0, 0.0]))  # type: ignore[operator]
    (layer,) = examine(model, batch).layers
    assert layer.dead == pytest.approx(1 / 3)
    longest = int(batch.positions.max()) + 1
    expected = np.zeros((3, longest))
    expected[[0, 2]] = 1.0
    expected[1, 0] = 1.0
    np.testing.assert_array_equal(layer.idle, expected)
    starts = float((batch.letters == 0).float().mean())
    assert layer.saturated == pytest.approx((2 + starts) / 3, abs=1e-5)


@pytest.mark.parametrize("conditions", ["none", "sex"])
def test_a_wavenet_is_measured_as_by_plain_operations(
    batch: Batch, conditions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filters, gates and their gradients, with tanh and sigmoid as operations of torch that keep their gradients."""
    config = WaveNetConfig(residual=5, gate=6, skip=7, dilations=(1, 2), dropout=0.5, conditions=conditions)
    model = WaveNet(config, letters(batch))
    model.reset(torch.Generator().manual_seed(2))
    found = examine(model, batch)

    said: list[Tensor] = []

    def plainly(_: GatedActivation, x: Tensor) -> Tensor:
        f, g = x.chunk(2, dim=-1)
        said.extend([torch.tanh(f), torch.sigmoid(g)])
        for each in said[-2:]:
            each.retain_grad()
        return said[-2] * said[-1]

    monkeypatch.setattr(GatedActivation, "forward", plainly)
    model.eval()
    CrossEntropyLoss()(model(batch), batch.targets).backward()
    rows = len(batch.targets)
    labels = ["block 1 filter", "block 1 gate", "block 2 filter", "block 2 gate", "head 1", "head 2"]
    assert [layer.name for layer in found.layers] == labels
    for layer, value in zip(found.layers, said, strict=False):
        assert_values(layer, value.detach()[:rows], (-1, 1) if layer.kind == "tanh" else (0, 1))
        assert value.grad is not None
        assert_flow(layer.gradient, value.grad[:rows])


def test_a_wavenet_without_gates_has_its_blocks_by_name(batch: Batch) -> None:
    """Tanh in each block, ReLU in the head."""
    config = WaveNetConfig(residual=5, gate=6, gated=False, skip=7, dilations=(1, 2))
    model = WaveNet(config, letters(batch))
    model.reset(torch.Generator().manual_seed(2))
    found = [(layer.name, layer.kind) for layer in examine(model, batch).layers]
    assert found == [("block 1", "tanh"), ("block 2", "tanh"), ("head 1", "relu"), ("head 2", "relu")]


def test_the_gates_of_a_gru_are_those_of_its_steps(batch: Batch) -> None:
    """Letter by letter, with the memory carried along by hand."""
    model = Recurrent(RecurrentConfig(cell="gru", embedding=3, hidden=4, dropout=0.3), letters(batch))
    model.reset(torch.Generator().manual_seed(3))
    with torch.no_grad():
        model.memory_before.uniform_(-1, 1, generator=torch.Generator().manual_seed(4))
    found = {layer.name: layer for layer in examine(model, batch).layers}
    z_all, r_all, memories = [], [], []
    cell = cast(GRUCell, model.eval().cell)
    with torch.no_grad():
        for begin, end in zip(batch.offsets[:-1].tolist(), batch.offsets[1:].tolist(), strict=True):
            memory, *_ = model.start(1)
            for letter in batch.letters[begin:end]:
                z, r = torch.sigmoid(cell.gates(torch.cat([model.embedding(letter[None]), memory], 1))).chunk(2, 1)
                _, (memory,) = model.step(letter[None], (memory,))
                z_all.append(z)
                r_all.append(r)
                memories.append(memory)
    for name, said in (("rewrite gate", z_all), ("look back gate", r_all)):
        assert_values(found[name], torch.cat(said), (0, 1))
        assert found[name].gradient is None
    assert_values(found["memory"], torch.cat(memories), (-1, 1))


def test_what_batchnorm_remembers_is_held_against_the_batch(batch: Batch) -> None:
    """Means and spreads of what enters it, feature by feature; the gap and the stretch by their formulas."""
    model = Tree(TreeConfig(levels=2, embedding=3, hidden=4), letters(batch))
    model.reset(torch.Generator().manual_seed(5))
    norm = next(module for module in model.modules() if isinstance(module, BatchNorm1d))
    norm.running_mean.copy_(torch.tensor([1.0, -1.0, 0.5, 0.0]))
    norm.running_var.copy_(torch.tensor([4.0, 1.0, 0.25, 9.0]))
    found = examine(model, batch).norms[0]
    with torch.no_grad():
        x = model.embedding(batch.windows(4))
        entering = model.net.layers[1](model.net.layers[0](x)).flatten(0, 1).numpy()
    mean, spread = entering.mean(0), entering.std(0, ddof=1)
    np.testing.assert_allclose(found.batch_mean, mean, atol=1e-5)
    np.testing.assert_allclose(found.batch_spread, spread, rtol=1e-3)
    np.testing.assert_allclose(found.running_spread, [2.0, 1.0, 0.5, 3.0], rtol=1e-3)
    gaps = (np.array([1.0, -1.0, 0.5, 0.0]) - mean) / spread
    assert found.gap == pytest.approx(math.sqrt(np.mean(gaps**2)), rel=1e-3)
    logs = np.log(np.array([2.0, 1.0, 0.5, 3.0]) / spread)
    assert found.stretch == pytest.approx(math.exp(math.sqrt(np.mean(logs**2))), rel=1e-3)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("preset", ["baseline", "wavenet-m", "gru-128", "transformer"])
def test_a_look_leaves_no_trace(batch: Batch, preset: str, training: bool) -> None:
    """Weights, buffers, modes, gradients, hooks, the model's dice and torch's own: all as before."""
    model = build(PRESETS[preset].model, letters(batch), seed=1).train(training)
    dice = torch.Generator().manual_seed(1)
    model.use_dice(dice)
    first = next(model.parameters())
    first.grad = torch.ones_like(first)
    state, rolled, global_dice = copy.deepcopy(model.state_dict()), dice.get_state(), torch.get_rng_state()
    modes = [module.training for module in model.modules()]
    examine(model, batch)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert modes == [module.training for module in model.modules()]
    assert torch.equal(first.grad, torch.ones_like(first))
    assert all(each.grad is None for each in model.parameters() if each is not first)
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(dice.get_state(), rolled)
    assert torch.equal(torch.get_rng_state(), global_dice)


@pytest.mark.parametrize("preset", [name for name, preset in PRESETS.items() if preset.model.family not in COUNTED])
def test_every_network_can_be_examined_and_the_look_be_kept(batch: Batch, preset: str) -> None:
    """Each layer and each matrix has a name of its own, and what is unpacked is what was packed."""
    model: Model = build(PRESETS[preset].model, letters(batch), seed=1)
    found = examine(model, batch, copied(model))
    for each in (found.layers, found.weights):
        assert each
        assert len({one.name for one in each}) == len(each)
    assert not any(one.name.count(".") or "weight" in one.name for one in found.weights)
    assert {weight.update for weight in found.weights} == {UNMOVED}
    assert_same(unpacked(packed(found)), found)


def assert_same(one: Health, other: Health) -> None:
    assert packed(one) == packed(other)
    for mine, theirs in zip((*one.layers, *one.norms), (*other.layers, *other.norms), strict=True):
        for name, value in vars(theirs).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(getattr(mine, name), value)


def test_a_run_is_the_same_with_looks_and_without(tiny_names: tuple[str, ...]) -> None:
    """BatchNorm and dropout, Muon: losses and weights after looks between the steps are equal bit for bit."""
    recipe = RECIPES["modern"].changed(steps=6, evaluate_every=2, batch_size=8)
    for preset in ("baseline", "wavenet-s"):
        curves, weights = [], []
        for looks in (False, True):
            packed_names = names(tiny_names)
            model = build(PRESETS[preset].model, packed_names.vocabulary.size, seed=1)
            trainer = Trainer(model, packed_names, packed_names, recipe, seed=1)
            for _ in trainer.run():
                if looks:
                    examine(model, next(packed_names.all(8)), copied(model))
            curves.append([point.loss for point in (*trainer.curve.train, *trainer.curve.validation)])
            weights.append(model.state_dict())
        assert curves[0] == curves[1]
        assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
