"""Wiring: receptive fields against finite differences, what nodes do against direct computation, joints counted."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.families import SMALL
from wavenames.checkpoints import load_shipped
from wavenames.config import Refusal, TreeConfig
from wavenames.models import (
    CountingModel,
    Tree,
    build,
    dilated_from_tree,
)
from wavenames.names import Packed, Vocabulary
from wavenames.probes.influence import gradient_times_input
from wavenames.probes.wiring import Node, sharing, wiring

LETTERS = Vocabulary("abcdefghijklmnopqrstuvwxyz")
NAME = "annabella"
NEURAL = [name for name in SMALL if name not in ("bigram", "kneser-ney")]


def seeded(family: str, **changes: object) -> Any:
    """A random model, typed as no family; one that counts has counted a few names."""
    model = build(SMALL[family].changed(**changes), LETTERS.size, seed=3).eval().requires_grad_(False)
    dice = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=dice)
    if isinstance(model, CountingModel):
        (batch,) = Packed([NAME, "annabelle", "ella", "banana", "abel"], LETTERS).all(9)
        model.count(batch)
    return model


@pytest.mark.parametrize("family", SMALL)
def test_a_predictions_field_is_what_can_change_it(family: str) -> None:
    """Put another letter in each place, one at a time: the prediction moves exactly where the field says.

    The start can't be changed; whether it is in sight the gradient says.
    """
    model = seeded(family)
    found = wiring(model, LETTERS, NAME)
    T, top = len(NAME) + 1, len(found.layers) - 1
    fields = [{place for row, place in found.field(top, t).nodes if row == 0} for t in range(T)]
    for letter in range(1, T):
        # Each letter of the alphabet in turn: a model that counts need not tell two of them apart.
        moved = torch.zeros(T, dtype=torch.bool)
        for other in "xbnle":
            name = NAME[: letter - 1] + other + NAME[letter:]
            moved |= (wiring(model, LETTERS, name).log_probabilities != found.log_probabilities).any(1)
        assert moved.nonzero()[:, 0].tolist() == [t for t in range(T) if letter in fields[t]]
    if family in NEURAL:
        start = gradient_times_input(model, LETTERS, NAME).matrix[0]
        assert start.nonzero()[:, 0].tolist() == [t for t in range(T) if 0 in fields[t]]
    for t, field in enumerate(fields):
        assert field == set(range(max(t + 1 - model.receptive_field, 0), t + 1))


@pytest.mark.parametrize("family", NEURAL)
def test_a_nodes_field_is_what_can_change_it(family: str) -> None:
    """The same for the nodes between, by what they do."""
    model = seeded(family)
    found = wiring(model, LETTERS, NAME)
    doing = found.measures["activation"]
    assert doing.shape == (len(found.layers) - 2, len(NAME) + 1)
    for letter in range(1, len(NAME) + 1):
        name = NAME[: letter - 1] + "x" + NAME[letter:]
        moved = wiring(model, LETTERS, name).measures["activation"] != doing
        for row, place in [(row, place) for row in range(len(doing)) for place in range(len(NAME) + 1)]:
            assert bool(moved[row, place]) == ((0, letter) in found.field(row + 1, place).nodes), (row, place, letter)


def test_fields_hold_the_connections_that_lead_to_them() -> None:
    """Every connection of a field starts and ends in it, and each one of the model is in some prediction's field."""
    found = wiring(seeded("wavenet"), LETTERS, NAME)
    top = len(found.layers) - 1
    every = set()
    for place in range(len(NAME) + 1):
        field = found.field(top, place)
        every |= set(field.edges)
        assert {node for edge in field.edges for node in edge} | {(top, place)} == field.nodes
        assert all(place >= source[1] for source, _ in field.edges)
    assert every == set(found.edges())
    assert len(found.edges()) == len(set(found.edges()))


@pytest.mark.parametrize("gated", [True, False])
def test_wavenets_nodes_do_what_they_do_by_hand(gated: bool) -> None:
    """Equation 2 of the paper, place by place, with what lies before the name taken as zeros; gates and skips too.

    Without gates tanh is left.
    """
    model = seeded("wavenet", gated=gated)
    found = wiring(model, LETTERS, NAME)
    x = [model.embedding.weight[number] for number in [0, *LETTERS.encode(NAME)]]

    def joined(x: list[Tensor], t: int, back: int, linear: Any) -> Any:
        earlier = x[t - back] if t >= back else torch.zeros_like(x[t])
        return torch.cat([earlier, x[t]]) @ linear.weight + linear.bias

    x = [joined(x, t, 1, model.first.linear) for t in range(len(x))]
    rows: dict[str, list[list[Tensor]]] = {
        "activation": [[v.square().mean().sqrt() for v in x]],
        "gate": [],
        "skip": [],
    }
    skips = []
    for block in model.blocks:
        mixed = [joined(x, t, block.conv.dilation, block.conv.linear) for t in range(len(x))]
        gates = [torch.sigmoid(y[len(y) // 2 :]) for y in mixed]
        z = (
            [y[: len(y) // 2].tanh() * s for y, s in zip(mixed, gates, strict=True)]
            if gated
            else [*map(torch.tanh, mixed)]
        )
        rows["activation"].append([v.square().mean().sqrt() for v in z])
        rows["gate"].append([s.mean() for s in gates])
        out = [v @ block.mix.weight + block.mix.bias for v in z]
        skips.append([v[: block.skip] for v in out])
        x = x if block.last else [a + v[block.skip :] for a, v in zip(x, out, strict=True)]
    for t in range(len(x)):
        total = sum(layer[t] for layer in skips)
        for i, layer in enumerate(skips):
            part = layer[t] @ total / (total @ total)
            assert float(found.measures["skip"][i + 1, t]) == pytest.approx(float(part), abs=1e-5)
    assert ("gate" in found.measures) == gated
    for kind, begin in (("activation", 0), *([("gate", 1)] if gated else [])):
        got = found.measures[kind][begin:]
        torch.testing.assert_close(got, torch.tensor([[float(v) for v in row] for row in rows[kind]]))
    torch.testing.assert_close(found.measures["skip"][1:].sum(0), torch.ones(len(x)))
    assert all(found.measures[kind][0].isnan().all() for kind in ("gate", "skip") if kind in found.measures)
    assert [layer.title for layer in found.layers] == [
        "letters", "first conv", "dilation 1", "dilation 2", "next letter"
    ]  # fmt: skip


def test_tree_stack_and_mlp_do_what_they_do_by_hand() -> None:
    """The mean size of tanh, window by window; the tree's subtrees and the stack's nodes are the same ones."""
    tree = seeded("tree")
    found, same = wiring(tree, LETTERS, NAME), wiring(dilated_from_tree(tree), LETTERS, NAME)
    assert [layer.below for layer in found.layers] == [layer.below for layer in same.layers]
    torch.testing.assert_close(found.measures["activation"], same.measures["activation"])
    padded = "." * tree.receptive_field + NAME
    low = tree.net.layers[1:4]
    for t in range(len(NAME) + 1):
        pair = padded[t + tree.receptive_field - 2 : t + tree.receptive_field]
        x = torch.cat([tree.embedding.weight[LETTERS.symbols.index(letter)] for letter in pair]).unsqueeze(0)
        for layer in low:
            x = layer(x)
        assert float(found.measures["activation"][0, t]) == pytest.approx(float(x.abs().mean()), abs=1e-6)

    mlp = seeded("mlp")
    found = wiring(mlp, LETTERS, NAME)
    (batch,) = Packed([NAME], LETTERS).all(1)
    x = mlp.embedding.weight[batch.windows(3)].flatten(1)
    for row, number in enumerate((1, 3)):
        linear = mlp.net.layers[number]
        x = torch.tanh(x @ linear.weight + linear.bias)
        torch.testing.assert_close(found.measures["activation"][row], x.abs().mean(1).detach())


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_a_memory_is_carried_and_its_gate_is_heard(cell: str) -> None:
    """By the cell's own equations, letter by letter."""
    model = seeded("recurrent", cell=cell)
    found = wiring(model, LETTERS, NAME)
    h, sizes, gates = model.memory_before, [], []
    for number in [0, *LETTERS.encode(NAME)]:
        both = torch.cat([model.embedding.weight[number], h])
        if cell == "rnn":
            h = torch.tanh(both @ model.cell.mix.weight + model.cell.mix.bias)
        else:
            z, r = torch.sigmoid(both @ model.cell.gates.weight + model.cell.gates.bias).chunk(2)
            both = torch.cat([model.embedding.weight[number], r * h])
            h = (1 - z) * h + z * torch.tanh(both @ model.cell.candidate.weight + model.cell.candidate.bias)
            gates.append(float(z.mean()))
        sizes.append(float(h.abs().mean()))
    torch.testing.assert_close(found.measures["activation"][0], torch.tensor(sizes))
    assert ("gate" in found.measures) == (cell == "gru")
    if gates:
        torch.testing.assert_close(found.measures["gate"][0], torch.tensor(gates))


def test_a_transformers_block_does_what_it_adds() -> None:
    """What runs through, taken letter by letter, before the block and behind it."""
    model = seeded("transformer")
    found = wiring(model, LETTERS, NAME)
    pasts = list(model.start(1))
    for t, number in enumerate([0, *LETTERS.encode(NAME)]):
        place = min(t, model.block_size - 1)
        x = (model.embedding.weight[number] + model.places.weight[place]).unsqueeze(0)
        for i, block in enumerate(model.blocks):
            y, pasts[i] = block.step(x, pasts[i])
            added = (y - x).square().mean().sqrt()
            assert float(found.measures["activation"][i, t]) == pytest.approx(float(added), abs=1e-5)
            x = y


def test_what_is_told_is_heard_and_nothing_is_changed() -> None:
    model = build(SMALL["wavenet"].changed(conditions="sex"), LETTERS.size, seed=3).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    girls, boys = (wiring(model, LETTERS, "emma", {"sex": sex}) for sex in "FM")
    assert not torch.equal(girls.measures["gate"], boys.measures["gate"])
    assert model.training
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert not any(module._forward_hooks for module in model.modules())
    with pytest.raises(Refusal, match="Decade"):
        wiring(model, LETTERS, "emma", {"decade": "1900"})
    with pytest.raises(Refusal, match="'5'"):
        wiring(model, LETTERS, "emma5")
    assert wiring(model, LETTERS, "").measures["gate"].shape == (3, 1)


def windows(name: str, size: int) -> list[tuple[int, ...]]:
    """For each prediction the places that a window of `size` letters covers; all before the name count as -1."""
    return [tuple(max(at, -1) for at in range(end - size + 1, end + 1)) for end in range(len(name) + 1)]


def joints(window: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All joints of the tree over a window, each as the places that it covers."""
    if len(window) == 1:
        return []
    half = len(window) // 2
    return [*joints(window[:half]), *joints(window[half:]), window]


@pytest.mark.parametrize("name", ["", "a", NAME, "anastasia-maria"])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_joints_are_counted_as_one_counts_them(name: str, levels: int) -> None:
    """Every window taken apart into its joints: the tree computes them all, the stack each different one once.

    Of its joints the stack computes one a level over '.' alone, whether the tree needs it or not.
    """
    known = Vocabulary("".join(sorted(set(name))) or "a")
    tree = build(TreeConfig(levels=levels, embedding=4, hidden=6, norm="layer"), known.size, seed=levels).eval()
    assert isinstance(tree, Tree)
    found = sharing(tree, known, name)
    every = Counter(joint for window in windows(name, 2**levels) for joint in joints(window))
    named = {joint: times for joint, times in every.items() if joint[-1] >= 0}
    assert found.tree == every.total()
    assert found.dilated == len(named) + levels
    expected = torch.zeros_like(found.uses)
    for joint, times in named.items():
        expected[len(joint).bit_length() - 2, joint[-1]] = times
    assert torch.equal(found.uses, expected)
    assert found.shared == sum(times > 1 for times in named.values())
    assert found.difference < 1e-5


def test_the_tree_that_ships_and_its_stack_answer_alike() -> None:
    kept = load_shipped("tree-76k")
    tree = kept.model()
    assert isinstance(tree, Tree)
    for name in ("isabella", "bo", "christopher"):
        found = sharing(tree, kept.vocabulary, name)
        assert found.difference < 1e-5
        assert found.tree == 7 * (len(name) + 1) > found.dilated == 3 * (len(name) + 2)


def test_uses_counts_the_predictions_that_a_node_serves() -> None:
    found = wiring(seeded("dilated"), LETTERS, NAME)
    counts: Counter[Node] = Counter()
    for t in range(len(NAME) + 1):
        counts.update(found.field(len(found.layers) - 1, t).nodes)
    uses = found.uses()
    assert all(int(uses[row - 1, at]) == counts[row, at] for row in (1, 2) for at in range(len(NAME) + 1))
