"""One contract, every model of the zoo: the two verbs agree, nothing sees the future, nothing sees a neighbour."""

from __future__ import annotations

import copy
import math
from collections import Counter, defaultdict
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from wavenames import models
from wavenames.config import (
    COUNTED,
    LIST_LIMITS,
    MODEL_CONFIGS,
    PRESETS,
    RECIPES,
    SERVER_LIMITS,
    BigramConfig,
    DilatedConfig,
    KneserNeyConfig,
    MLPConfig,
    RecipeConfig,
    RecurrentConfig,
    Refusal,
    Settings,
    TransformerConfig,
    TreeConfig,
    WaveNetConfig,
    conditions_of,
)
from wavenames.layers import ROWS, BatchNorm1d, Linear, ResidualSkipBlock
from wavenames.models import Bigram, CountingModel, KneserNey, Model, Tree, build, dilated_from_tree, layer_shapes
from wavenames.models.counting import FALLBACK
from wavenames.names import NameList, Packed, Vocabulary, split
from wavenames.training import Trainer, evaluate

LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOCABULARY = Vocabulary(LETTERS)
V = VOCABULARY.size

ODD: dict[str, Settings] = {
    "mlp, one letter": MLPConfig(block_size=1, hidden=8),
    "mlp, sixteen letters": MLPConfig(block_size=16, embedding=4, hidden=9, layers=3, norm="batch"),
    "mlp, layer norm": MLPConfig(block_size=5, embedding=4, hidden=9, layers=2, norm="layer"),
    "tree, one level": TreeConfig(levels=1, embedding=5, hidden=7, norm="none"),
    "tree, four levels": TreeConfig(levels=4, embedding=5, hidden=7, norm="layer"),
    "dilated, 3 and 1": DilatedConfig(dilations=(3, 1), embedding=5, hidden=7),
    "dilated, no norm": DilatedConfig(dilations=(1, 2, 2), embedding=5, hidden=7, norm="none"),
    "wavenet, first conv 4": WaveNetConfig(residual=5, gate=6, skip=7, dilations=(3, 1), first_conv=4),
    "wavenet, one block": WaveNetConfig(residual=5, gate=6, skip=7, dilations=(5,), first_conv=1),
    "gru, dropout": RecurrentConfig(cell="gru", embedding=5, hidden=6, dropout=0.3),
    "wavenet, dropout": WaveNetConfig(residual=5, gate=6, skip=7, dilations=(1, 2), first_conv=3, dropout=0.3),
    "kneser-ney, two letters": KneserNeyConfig(order=2),
    "kneser-ney, six letters": KneserNeyConfig(order=6),
    "rnn, small": RecurrentConfig(embedding=5, hidden=7),
    "gru, wider letters than memory": RecurrentConfig(cell="gru", embedding=7, hidden=5),
    "transformer, block of four": TransformerConfig(block_size=4, layers=2, heads=3, head_size=5),
    "transformer, block of one": TransformerConfig(block_size=1, layers=2, heads=1, head_size=6),
    "mlp, told": MLPConfig(block_size=4, embedding=4, hidden=9, conditions="sex+decade"),
    "tree, told": TreeConfig(levels=2, embedding=5, hidden=7, norm="layer", conditions="sex+decade"),
    "wavenet, told": WaveNetConfig(
        residual=5, gate=6, skip=7, dilations=(1, 2), dropout=0.3, conditions="sex+decade"
    ),
    "wavenet, told, no first conv": WaveNetConfig(
        residual=5, gate=6, skip=7, dilations=(2, 1, 1), first_conv=1, conditions="sex+decade"
    ),
    "wavenet, told, no gates": WaveNetConfig(
        residual=5, gate=6, gated=False, skip=7, dilations=(1, 2), conditions="sex+decade"
    ),
    "rnn, told": RecurrentConfig(embedding=5, hidden=25, conditions="sex+decade"),  # nine soon forget
    "gru, told": RecurrentConfig(cell="gru", embedding=5, hidden=7, conditions="sex+decade"),
    "transformer, told": TransformerConfig(block_size=4, layers=2, heads=2, head_size=3, conditions="sex+decade"),
}
CONFIGS: dict[str, Settings] = {name: preset.model for name, preset in PRESETS.items()} | ODD
for _told in ("wavenet-m-sex", "gru-384-sex"):
    CONFIGS[_told] = CONFIGS[_told].changed(conditions="sex+decade")  # every model here is told both
TOLD = [name for name, config in CONFIGS.items() if conditions_of(config)]
TRAINED = [name for name, config in CONFIGS.items() if not isinstance(config, BigramConfig | KneserNeyConfig)]
NORMED = [name for name in TRAINED if getattr(CONFIGS[name], "norm", None) == "batch"]
every_model = pytest.mark.parametrize("name", CONFIGS)

PARAMETERS = {
    "bigram": 729,
    "kn-5": 0,  # as many as the list has runs of letters: none before it has counted
    "mlp-v1": 505,
    "mlp-v2": 537,
    "mlp-3": 11_897,
    "mlp-3-bn": 12_097,
    "mlp-8-bn": 22_097,
    "mlp-8-76k": 76_478,
    "tree-22k": 22_397,
    "tree-76k": 76_579,
    "dilated-76k": 76_579,
    "wavenet-s": 37_115,
    "wavenet-m": 76_347,
    "wavenet-m-sex": 76_347 + 3 * 16 + 4 * 16 * 96,
    "wavenet-m-tanh": 76_043,
    "wavenet-l": 141_787,
    "rnn": 11_803,
    "gru": 28_315,
    "quick": 79_451,
    "gru-128": 79_451,
    "gru-384": 529_755,  # (64 + 384) x 1,152 + 1,152 of the cell, 27 x 64, 384, 384 x 27 + 27
    "gru-384-sex": 529_755 + 3 * 64,
    "transformer": 204_544,
}
"""Published by the notebook, the lectures, makemore and this project's design, for 27 letters."""
BASELINE = 27 * 10 + (80 * 100 + 100) + 5 * (100 * 100 + 100) + 6 * 2 * 100 + (100 * 27 + 27)
MLP_8 = 27 * 10 + (80 * 200 + 200) + (200 * 27 + 27)


CORPUS = [
    "".join(
        LETTERS[i] for i in torch.randint(26, (length,), generator=torch.Generator().manual_seed(length)).tolist()
    )
    for length in range(2, 60)
] + ["".join(LETTERS[(5 * i) % 26] for i in range(20))]
"""Names that counting models count in these tests; the last is the one that reach is measured on."""


def awake(config: Settings, vocab_size: int = V, seed: int = 1) -> Model:
    """A model in double precision and evaluation, none of whose numbers is a zero or a one by convention."""
    model = build(config, vocab_size, seed).double().eval()
    dice = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=dice, dtype=torch.float64)
        parameter.data += 0.3 * noise
    if isinstance(model, CountingModel):
        model.count(whole(CORPUS))
        return model
    for buffer in model.buffers():
        buffer.copy_(0.5 + torch.rand(buffer.shape, generator=dice, dtype=torch.float64))
    return model


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def labels_of(names: tuple[str, ...] | list[str]) -> list[tuple[int, int]]:
    """Labels that follow from a name's length: names of 4, 8 … letters have no decade, of 3, 6 … no sex, 12 neither.

    Models without conditions pay no attention to them.
    """
    return [(len(name) % 3, 5 * len(name) % 4) for name in names]


def whole(names: tuple[str, ...] | list[str], vocabulary: Vocabulary = VOCABULARY) -> Any:
    packed = Packed(names, vocabulary, labels=labels_of(names))
    return packed.batch(torch.arange(len(packed)))


# ----------------------------------------------------------------------------------------------- the zoo


def test_presets_have_the_published_numbers_of_parameters() -> None:
    """To the last one."""
    counted = {name: build(preset.model, 27).parameter_count for name, preset in PRESETS.items()}
    assert counted == {**PARAMETERS, "baseline": BASELINE, "mlp-8": MLP_8}


def test_every_family_has_a_class_and_a_configuration() -> None:
    """The registry and the configurations name the same families."""
    assert list(models.FAMILIES) == list(MODEL_CONFIGS)
    assert {preset.model.family for preset in PRESETS.values()} == set(MODEL_CONFIGS)


def test_receptive_fields_of_the_wavenets() -> None:
    """17 with the first convolution, 16 without; the tree and its stack see eight letters; a memory sees them all."""
    fields = {name: build(PRESETS[name].model, 27).receptive_field for name in PRESETS}
    assert [fields[f"wavenet-{size}"] for size in "sml"] == [17, 16, 17]
    assert [fields[name] for name in ("bigram", "mlp-3", "baseline", "tree-76k", "dilated-76k")] == [1, 3, 8, 8, 8]
    assert [fields[name] for name in ("kn-5", "rnn", "gru", "transformer")] == [4, 61, 61, 1 + 4 * 15]
    assert fields["rnn"] == LIST_LIMITS.max_length + 1


@every_model
def test_same_seed_same_weights_whatever_the_global_dice(name: str) -> None:
    """The seed alone decides the start weights; another seed gives others."""
    torch.manual_seed(1)
    first = build(CONFIGS[name], V, seed=5).state_dict()
    torch.manual_seed(2)
    again, other = build(CONFIGS[name], V, seed=5).state_dict(), build(CONFIGS[name], V, seed=6).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    if name in TRAINED:
        assert not all(torch.equal(first[key], other[key]) for key in first)


def test_build_refuses_more_parameters_than_a_server_takes() -> None:
    """The sentence says how many there are and how many may be."""
    huge = WaveNetConfig(residual=256, gate=256, skip=512, dilations=(1,) * 10)
    with pytest.raises(Refusal, match=r"^Parameters are 5,\d{3},\d{3}; allowed is at most 5,000,000\. Choose fewer"):
        build(huge, 501)


@every_model
def test_layer_table_adds_up_and_leaves_the_model_as_it_was(name: str) -> None:
    """Each parameter stands in one line; mode and hooks are as before."""
    model = build(CONFIGS[name], V)
    for training in (True, False):
        table = layer_shapes(model.train(training))
        assert sum(layer.parameters for layer in table) == model.parameter_count
        assert all(module.training is training for module in model.modules())
        assert not any(module._forward_hooks for module in model.modules())
        assert table[-1].shape == f"N × {V}"


def test_layer_table_of_the_tree_reads_like_the_lecture() -> None:
    """Names, shapes and parameters in the order in which a letter passes them."""
    table = [
        (layer.name, layer.shape, layer.parameters) for layer in layer_shapes(build(PRESETS["tree-76k"].model, 27))
    ]
    assert table[:5] == [
        ("Embedding 27 × 24", "N × 8 × 24", 648),
        ("FlattenConsecutive 2", "N × 4 × 48", 0),
        ("Linear 48 → 128", "N × 4 × 128", 6144),
        ("BatchNorm1d", "N × 4 × 128", 256),
        ("Tanh", "N × 4 × 128", 0),
    ]
    assert table[-1] == ("Linear 128 → 27", "N × 27", 3483)


# -------------------------------------------------------------------------------------------- the two verbs


@every_model
def test_forward_equals_step_by_step(name: str, tiny_names: tuple[str, ...]) -> None:
    """All names at once, and one letter a step for all of them; names that have ended leave the state."""
    model = awake(CONFIGS[name])
    batch = whole(tiny_names)
    logits = torch.split(model(batch), batch.offsets.diff().tolist())
    alive, letters = torch.arange(len(tiny_names)), torch.zeros(len(tiny_names), dtype=torch.long)
    state = model.start(len(tiny_names), torch.tensor(labels_of(tiny_names)))
    assert all(len(part) == len(tiny_names) for part in state)
    for t in range(max(map(len, tiny_names)) + 1):
        out, state = model.step(letters, state)
        close(out, torch.stack([logits[b][t] for b in alive.tolist()]))
        keep = torch.tensor([len(tiny_names[b]) > t for b in alive.tolist()])
        alive, state = alive[keep], tuple(part[keep] for part in state)
        letters = torch.tensor([VOCABULARY.encode(tiny_names[b][t])[0] for b in alive.tolist()], dtype=torch.long)
    assert len(alive) == 0


@every_model
def test_names_that_fill_a_product_exactly_are_read_as_they_are_alone(name: str) -> None:
    """Where no row would be left over to fill up with, and where one is."""
    model, letters = awake(CONFIGS[name]), VOCABULARY.symbols[1:]
    names = ["".join(letters[(5 * b + t) % len(letters)] for t in range(7)) for b in range(ROWS // 8)]
    for several in (names, [*names[:-1], names[-1][:-1]]):
        logits = model(whole(several))
        assert len(logits) in (ROWS, ROWS - 1)
        close(logits, torch.cat([model(whole([one])) for one in several]))


@every_model
def test_a_states_rows_can_be_chosen_repeated_and_reordered(name: str) -> None:
    """Row i of the state is all that name i needs, so any rows go on as their names would."""
    model = awake(CONFIGS[name])
    labels = [(1, 3), (2, 0), (0, 4)]
    state = model.start(3, torch.tensor(labels))
    for letters in ([0, 0, 0], [1, 2, 3], [4, 5, 6]):
        _, state = model.step(torch.tensor(letters), state)
    rows, following = torch.tensor([2, 0, 0, 1]), torch.tensor([7, 8, 9, 10])
    out, _ = model.step(following, tuple(part[rows] for part in state))
    packed = Packed(["cfg", "adh", "adi", "bej"], VOCABULARY, labels=[labels[row] for row in rows.tolist()])
    close(out, model(next(packed.all(4)))[[3, 7, 11, 15]])


@every_model
def test_step_leaves_the_state_it_was_given_alone(name: str) -> None:
    """So that one memory can be tried with every next letter."""
    model = awake(CONFIGS[name])
    _, state = model.step(torch.tensor([0, 0]), model.start(2))
    before = [part.clone() for part in state]
    first, _ = model.step(torch.tensor([1, 2]), state)
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))
    again, _ = model.step(torch.tensor([1, 2]), state)
    assert torch.equal(first, again)


@every_model
def test_chosen_targets_get_the_logits_of_their_whole_names(name: str, tiny_names: tuple[str, ...]) -> None:
    """A batch of prefixes (what windows and passes train on) says the same as whole names, row by row."""
    model = awake(CONFIGS[name])
    packed = Packed(tiny_names, VOCABULARY, labels=labels_of(tiny_names))
    rows = torch.randperm(packed.targets_count, generator=torch.Generator().manual_seed(1))[:30]
    batch = packed.prefixes(rows)
    out = model(batch)
    assert out.shape == (30, V)
    close(out, model(whole(tiny_names))[rows])
    assert torch.equal(batch.wanted, packed.targets[rows])


@every_model
def test_a_batch_whose_rows_are_filled_up_says_what_its_names_say_alone(name: str) -> None:
    """In single precision, where many rows take the quick products and a few do not."""
    model = awake(CONFIGS[name]).float()
    for parameter in model.parameters():
        parameter.data *= 0.3  # a wide memory with large weights makes much of a last digit
    packed = Packed(CORPUS[:20], VOCABULARY)
    assert packed.targets_count > ROWS
    logits = model(packed.batch(torch.arange(20)))
    assert len(logits) == packed.targets_count
    alone = torch.cat([model(packed.batch(torch.tensor([i]))) for i in range(20)])
    torch.testing.assert_close(logits, alone, rtol=1e-4, atol=1e-4)


# ------------------------------------------------------------------------- no future, no neighbours


@pytest.mark.parametrize("mode", ["evaluation", "training"])
@pytest.mark.parametrize("name", CONFIGS)
def test_changing_later_letters_leaves_earlier_logits_exactly_equal(name: str, mode: str) -> None:
    """To the bit, in evaluation and in training, dropout and BatchNorm included."""
    model = awake(CONFIGS[name]).train(mode == "training")
    before, after = ["charlotte", "bo", "emma"], ["charxyzab", "bo", "emza"]
    same = [t for t, (a, b) in enumerate(zip("charlotte.bo.emma.", "charxyzab.bo.emza.", strict=True)) if a == b]
    kept = [row for row in range(18) if row not in (5, 6, 7, 8, 9, 16, 17)]
    assert set(kept) - set(same) == {4, 15}  # the target may differ, what stands before it doesn't
    logits = []
    for names in (before, after):
        reader = copy.deepcopy(model)  # in training BatchNorm remembers what it has read
        reader.use_dice(torch.Generator().manual_seed(3))
        logits.append(reader(whole(names)).detach())
    assert torch.equal(logits[0][kept], logits[1][kept])
    assert not torch.equal(logits[0], logits[1])


DISTINCT = ["abcdefghijklmnopqrs", "tuv", "wxyz"]
"""No letter twice, so that a row of the embedding's gradient belongs to one place of one name."""


def place_gradients(model: Model, row: int) -> dict[str, float]:
    """For the logits of one target: the size of their gradient with respect to each letter's vector."""
    model.use_dice(torch.Generator().manual_seed(3))
    logits = model(whole(DISTINCT))[row]
    weights = torch.linspace(1, 2, V, dtype=torch.float64)
    embedding = model.get_parameter("embedding.weight")
    (grad,) = torch.autograd.grad((logits * weights).sum(), [embedding])
    return dict(zip(VOCABULARY.symbols, grad.abs().amax(1).tolist(), strict=True))


@pytest.mark.parametrize("mode", ["evaluation", "training"])
@pytest.mark.parametrize("name", TRAINED)
def test_gradient_with_respect_to_later_letters_and_neighbours_is_exactly_zero(name: str, mode: str) -> None:
    """Each target of each name: its logits hang on its own name's earlier letters within reach and on no other."""
    model = awake(CONFIGS[name]).train(mode == "training")
    row = 0
    for own in DISTINCT:
        for t in range(len(own) + 1):
            sizes = place_gradients(model, row)
            row += 1
            reach = own[max(t - model.receptive_field, 0) : t]
            assert [letter for letter in LETTERS if letter not in reach and sizes[letter] != 0] == []


@every_model
def test_a_names_logits_do_not_depend_on_its_neighbours(name: str, tiny_names: tuple[str, ...]) -> None:
    """In any order and any company, each name gets the logits that it gets alone."""
    model = awake(CONFIGS[name])
    together = torch.split(model(whole(tiny_names)), [len(n) + 1 for n in tiny_names])
    for own, logits in zip(tiny_names, together, strict=True):
        close(logits, model(whole([own])))
    backwards = tiny_names[::-1]
    swapped = torch.split(model(whole(backwards)), [len(n) + 1 for n in backwards])
    for a, b in zip(together, reversed(swapped), strict=True):
        close(a, b)


@every_model
def test_receptive_field_as_measured_equals_the_formula(name: str) -> None:
    """The farthest letter within reach matters; no letter beyond it does, to the bit.

    Recurrent networks have no end of reach: of them only the first half is asked.
    """
    model = awake(CONFIGS[name])
    field = model.receptive_field
    length = field + 6
    before = "".join(LETTERS[(5 * i) % 26] for i in range(length))
    last = model(whole([before]))[-1]

    def moved(distance: int) -> bool:
        at = length - distance
        letter = "z" if before[at] != "z" else "y"
        return not torch.equal(model(whole([before[:at] + letter + before[at + 1 :]]))[-1], last)

    assert moved(field)
    if not isinstance(CONFIGS[name], RecurrentConfig):
        assert not any(moved(distance) for distance in range(field + 1, length + 1))


# -------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize("name", TOLD)
def test_labels_matter_at_every_letter_and_nothing_told_is_unknown(name: str, tiny_names: tuple[str, ...]) -> None:
    """Each kind moves the logits of each letter; without labels a model says what it says of unknown ones."""
    model = awake(CONFIGS[name])
    batch = whole(tiny_names)
    unknown = torch.zeros_like(batch.labels)
    untold = model(replace(batch, labels=None))
    assert torch.equal(untold, model(replace(batch, labels=unknown)))
    for kind in (0, 1):
        told = unknown.clone()
        told[:, kind] = 1
        assert bool((model(replace(batch, labels=told)) != untold).any(1).all())
    letters = torch.tensor([0, 0])
    assert torch.equal(model.step(letters, model.start(2))[0], model.step(letters, model.start(2, unknown[:2]))[0])


@pytest.mark.parametrize("name", [name for name in CONFIGS if name not in TOLD])
def test_a_model_without_conditions_pays_no_attention_to_labels(name: str, tiny_names: tuple[str, ...]) -> None:
    model = awake(CONFIGS[name])
    batch = whole(tiny_names)
    assert model.conditions == ()
    assert torch.equal(model(batch), model(replace(batch, labels=None)))


def test_wavenets_condition_is_added_inside_tanh_and_sigmoid() -> None:
    """One block with h, against the paper's formula written out: tanh(W_f * x + V_f h) * sigmoid(W_g * x + V_g h)."""
    block = ResidualSkipBlock(3, 4, 5, dilation=1, told=2).double()
    x, h = torch.randn(6, 3, dtype=torch.float64), torch.randn(1, 2, dtype=torch.float64)
    positions = torch.arange(6)
    assert block.condition is not None
    told = block.condition(h)
    out, skip = block(x, positions, told.expand(6, -1))
    filter_, gate = block.conv(x, positions).chunk(2, dim=1)
    of_filter, of_gate = (h @ block.condition.weight).chunk(2, dim=1)
    z = torch.tanh(filter_ + of_filter) * torch.sigmoid(gate + of_gate)
    mixed = block.mix(z)
    close(skip, mixed[:, :5])
    close(out, x + mixed[:, 5:])


# ---------------------------------------------------------------------------------- the lesson's heart


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
def test_tree_and_dilated_stack_with_shared_weights_are_one_function(
    norm: str, levels: int, tiny_names: tuple[str, ...]
) -> None:
    """The same logits at every position of every name; BatchNorm with statistics that it has really gathered."""
    tree = build(TreeConfig.checked(levels=levels, embedding=5, hidden=7, norm=norm), V, seed=1).double()
    assert isinstance(tree, Tree)
    optimiser = torch.optim.SGD(tree.parameters(), lr=0.3)
    batch = whole(tiny_names)
    for _ in range(20):
        optimiser.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(tree(batch), batch.targets))
        optimiser.step()
    if norm == "batch":
        stats = [module for module in tree.modules() if isinstance(module, BatchNorm1d)]
        assert all((module.running_mean.abs() > 0.01).any() for module in stats)
    stack = dilated_from_tree(tree.eval())
    assert stack.receptive_field == tree.receptive_field == 2**levels
    close(stack(batch), tree(batch))
    longer = whole(["abcdefghijklmnopqrstuvwxyz"])
    close(stack(longer), tree(longer))


def test_trained_tree_in_single_precision_equals_its_stack(tiny_names: tuple[str, ...]) -> None:
    """As the pages show it: the preset's sizes, float32, mode handed on."""
    tree = build(PRESETS["tree-76k"].model, V, seed=1)
    assert isinstance(tree, Tree)
    batch = whole(tiny_names)
    for _ in range(5):
        tree(batch)
    assert dilated_from_tree(tree).training
    torch.testing.assert_close(dilated_from_tree(tree.eval())(batch), tree(batch), rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------------------- fit for training


def silent_biases(model: Model) -> set[str]:
    """Biases right in front of a BatchNorm, which takes every constant away again: zero gradient by definition."""
    found = set()
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList):
            for i, layer in enumerate(module):
                if isinstance(layer, BatchNorm1d):
                    found.add(f"{name}.{i - 1}.bias")
    return found & set(dict(model.named_parameters()))


@pytest.mark.parametrize("name", TRAINED)
def test_every_parameter_gets_a_gradient(name: str, tiny_names: tuple[str, ...]) -> None:
    """Nothing is dead weight, except the biases that the notebook keeps in front of BatchNorm.

    Those with BatchNorm are asked window by window, as they are trained: whole names are no batch to it.
    """
    model = build(CONFIGS[name], V, seed=1).double().train()
    batch = whole(tiny_names)
    if name in NORMED:
        packed = Packed(tiny_names, VOCABULARY, labels=labels_of(tiny_names))
        batch = packed.prefixes(torch.arange(packed.targets_count))
    torch.autograd.backward(nn.functional.cross_entropy(model(batch), batch.wanted))
    sizes = {key: float(cast(Tensor, p.grad).abs().max()) for key, p in model.named_parameters()}
    silent = silent_biases(model)
    assert bool(silent) == (getattr(CONFIGS[name], "norm_bias", False) and name in NORMED)
    assert all(size < 1e-12 for key, size in sizes.items() if key in silent)
    assert [key for key, size in sizes.items() if key not in silent and size < 1e-9] == []


@every_model
def test_first_loss_is_that_of_a_uniform_guess(name: str, tiny_names: tuple[str, ...]) -> None:
    """Within 0.1 of ln V, in both modes: no network starts by being sure of nonsense."""
    batch = whole(tiny_names)
    for seed in (1, 2, 3):
        model = build(CONFIGS[name], V, seed)
        for training in (True, False):
            model.train(training).use_dice(torch.Generator().manual_seed(1))
            loss = nn.functional.cross_entropy(model(batch), batch.targets)
            assert loss.item() == pytest.approx(math.log(V), abs=0.1)


def test_plain_normal_start_weights_are_the_hidden_layers_only() -> None:
    """The notebook's own spread of one, biases too; the last layer starts quiet all the same."""
    for init, spread in (("normal", 1.0), ("scaled", 1 / math.sqrt(80))):
        model = build(MLPConfig.checked(block_size=8, norm="layer", init=init), V, seed=1)
        first, last = (module for module in model.modules() if isinstance(module, Linear))
        assert first.weight.std().item() == pytest.approx(spread, rel=0.05)
        assert last.weight.std().item() == pytest.approx(0.1 / math.sqrt(200), rel=0.05)
        assert first.bias is not None
        assert last.bias is not None
        assert bool(first.bias.any()) is (init == "normal")
        assert not last.bias.any()


NAMES_32 = (
    "anna", "annabel", "aria", "ariana", "ariel", "ava", "avery", "elena", "eliza", "ella", "ellie", "emilia",
    "emily", "emma", "emmett", "hannah", "isabel", "isabella", "isla", "leah", "leo", "leona", "liam", "mia",
    "mila", "milan", "noah", "noel", "nora", "olive", "oliver", "olivia",
)  # fmt: skip
SHORTEST_32 = (
    "aj", "al", "an", "ao", "bo", "cj", "cy", "dj", "do", "ed", "eh", "ej", "fe", "io", "jb", "jc",
    "jd", "jj", "jo", "jp", "jr", "jt", "jw", "kc", "ki", "kj", "ku", "ky", "la", "lj", "lo", "lu",
)  # fmt: skip
"""The 32 shortest names of the list that ships."""


def lowest_loss(names: tuple[str, ...], context: int) -> float:
    """Nats per letter of the best that can be done on `names` by who sees `context` letters: counted."""
    following: dict[str, Counter[str]] = defaultdict(Counter)
    for name in names:
        padded = "." * context + name + "."
        for t in range(len(name) + 1):
            following[padded[t : t + context]][padded[t + context]] += 1
    nats = sum(-n * math.log(n / counts.total()) for counts in following.values() for n in counts.values())
    return nats / sum(len(name) + 1 for name in names)


def test_lowest_loss_with_whole_names_in_sight_is_the_choice_of_a_name() -> None:
    """The oracle's own check: 32 distinct names cost ln 32 each; who sees less knows less."""
    letters = sum(len(name) + 1 for name in NAMES_32)
    assert len(set(NAMES_32)) == 32
    assert lowest_loss(NAMES_32, 9) == pytest.approx(32 * math.log(32) / letters)
    assert lowest_loss(NAMES_32, 1) > lowest_loss(NAMES_32, 3) > lowest_loss(NAMES_32, 9)


@pytest.mark.parametrize("name", [n for n in PRESETS if n not in ("bigram", "kn-5")])
def test_32_names_can_be_learned_by_heart(name: str) -> None:
    """Down to the lowest loss that the letters in sight allow, and not below it.

    The notebook's two networks, with eight units a layer and some 500 numbers in all, have room for short names and
    need longer.
    """
    small = name in ("mlp-v1", "mlp-v2")
    names, steps, rate = (SHORTEST_32, 1000, 0.05) if small else (NAMES_32, 180, 0.01)
    packed = Packed(names, VOCABULARY)
    model = build(PRESETS[name].model, V, seed=1)
    recipe = RecipeConfig(
        optimiser="muon", batch_size=32, learning_rate=rate, weight_decay=0, steps=steps, evaluate_every=steps
    )
    for _ in Trainer(model, packed, packed, recipe, seed=1).run():
        pass
    floor = lowest_loss(names, model.receptive_field)
    assert floor - 1e-6 <= evaluate(model, packed).loss <= floor + 0.02


def test_counting_pairs_learns_32_names_as_far_as_one_letter_in_sight_allows() -> None:
    packed = Packed(NAMES_32, VOCABULARY)
    model = build(BigramConfig(smoothing=0.001), V)
    assert isinstance(model, Bigram)
    model.count(next(packed.all(32)))
    floor = lowest_loss(NAMES_32, 1)
    assert floor <= evaluate(model, packed).loss <= floor + 0.02


# --------------------------------------------------------------------------------------------- counting


def test_bigram_counts_equal_counting_by_hand(tiny_names: tuple[str, ...]) -> None:
    """(count + smoothing) / (row's count + V smoothing), as logarithms; rows never seen are uniform."""
    model = build(BigramConfig(smoothing=0.5), V)
    assert isinstance(model, Bigram)
    model.count(whole(tiny_names))
    pairs = Counter(pair for name in tiny_names for pair in zip("." + name, name + ".", strict=True))
    table = model.table()
    for i, before in enumerate(VOCABULARY.symbols):
        total = sum(n for (a, _), n in pairs.items() if a == before)
        for j, after in enumerate(VOCABULARY.symbols):
            expected = math.log((pairs[before, after] + 0.5) / (total + 0.5 * V))
            assert table[i, j].item() == pytest.approx(expected, abs=1e-5)


def runs_after(names: list[str], order: int) -> dict[int, dict[str, dict[str, int]]]:
    """Kneser-Ney's counts by length and context, by its definition: occurrences, then different letters before."""
    occurrences: Counter[str] = Counter()
    for name in names:
        padded = "." * (order - 1) + name + "."
        occurrences.update(padded[t : t + order] for t in range(len(name) + 1))
    before: dict[str, set[str]] = defaultdict(set)
    for run in occurrences:
        for cut in range(1, order):
            before[run[cut:]].add(run[cut - 1])
    found: dict[int, dict[str, dict[str, int]]] = {length: defaultdict(dict) for length in range(1, order + 1)}
    for run, count in [*occurrences.items(), *((run, len(letters)) for run, letters in before.items())]:
        found[len(run)][run[:-1]][run[-1]] = count
    return found


def naive_discounts(after: dict[str, dict[str, int]]) -> list[float]:
    """Chen and Goodman 1999, equation 26."""
    n = Counter(count for counts in after.values() for count in counts.values())
    if not (n[1] and n[2] and n[3] and n[4]):
        return [0, 0.5, 1, 1.5]
    y = n[1] / (n[1] + 2 * n[2])
    found = [0, 1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
    return found if min(found[1:]) > 0 else [0, 0.5, 1, 1.5]


def naive_share(runs: dict[int, dict[str, dict[str, int]]], context: str, letter: str) -> float:
    """Probability of a letter after a context, straight from the recursion."""
    length = len(context) + 1
    shorter = naive_share(runs, context[1:], letter) if context else 1 / V
    counts = runs[length].get(context)
    if not counts:
        return shorter
    discounts = naive_discounts(runs[length])
    taken = {each: discounts[min(count, 3)] for each, count in counts.items()}
    count = counts.get(letter, 0)
    return (count - taken.get(letter, 0) + sum(taken.values()) * shorter) / sum(counts.values())


@pytest.mark.parametrize("order", [2, 3, 4, 5, 6])
def test_kneser_ney_equals_the_recursion_in_dictionaries(order: int) -> None:
    """On names with shared beginnings, for contexts seen and unseen, to double precision."""
    names = [*NAMES_32, *NAMES_32[::3], *NAMES_32[::5], "mimi", "lala", "lulu", "nana"]
    runs = runs_after(names, order)
    model = build(KneserNeyConfig(order=order), V).double()
    assert isinstance(model, KneserNey)
    model.count(whole(names))
    stored = {length: sum(map(len, after.values())) for length, after in runs.items()}
    assert model.parameter_count == sum(stored.values())
    for length in range(1, order + 1):
        assert model.discounts[length - 1].tolist() == pytest.approx(naive_discounts(runs[length]), abs=1e-12)
    asked = ["emmeliana", "zzz", "mia", "", "q"]
    shares = model(whole(asked)).exp()
    contexts = [("." * order + name[:t])[-(order - 1) :] for name in asked for t in range(len(name) + 1)]
    expected = [[naive_share(runs, context, letter) for letter in VOCABULARY.symbols] for context in contexts]
    close(shares, torch.tensor(expected, dtype=torch.float64))


def test_discounts_come_from_the_formulas_where_they_make_sense() -> None:
    """The longest runs of a list this large, by the formulas; a single name has no counts of two, three and four."""
    model = build(KneserNeyConfig(order=2), V)
    assert isinstance(model, KneserNey)
    assert model.discounts.tolist() == [[*FALLBACK]] * 2
    model.count(whole(["ab"]))
    assert model.discounts.tolist() == [[*FALLBACK]] * 2
    model.count(whole(CORPUS))
    assert model.discounts[1].tolist() != [*FALLBACK]
    assert bool((model.discounts[:, 1:] > 0).all())
    assert bool((model.discounts <= torch.arange(4)).all())  # never more than there is


@pytest.mark.parametrize("order", [2, 4, 6])
def test_kneser_neys_rows_sum_to_one(order: int) -> None:
    """After every context of its list, after none of them, and before it has counted anything."""
    model = build(KneserNeyConfig(order=order), V).double()
    assert isinstance(model, KneserNey)
    for names in (None, ["a"], ["aa", "aa"], CORPUS):
        if names:
            model.count(whole(names))
        sums = model(whole([*CORPUS, *tiny(order)])).exp().sum(1)
        torch.testing.assert_close(sums, torch.ones_like(sums), rtol=0, atol=1e-12)


def tiny(order: int) -> list[str]:
    """Every name of one letter, and runs of one letter: contexts that are mostly unseen."""
    return [*LETTERS, *(letter * order for letter in LETTERS)]


def test_kneser_ney_comes_back_from_its_state(tiny_names: tuple[str, ...]) -> None:
    """Counts of any number go into a model that has counted something else, discounts included."""
    first, other = build(PRESETS["kn-5"].model, V), build(PRESETS["kn-5"].model, V)
    assert isinstance(first, KneserNey)
    assert isinstance(other, KneserNey)
    first.count(whole(CORPUS))
    other.count(whole(tiny_names))
    assert not torch.equal(first(whole(tiny_names)), other(whole(tiny_names)))
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(whole(tiny_names)), other(whole(tiny_names)))
    assert other.keys.data_ptr() != first.keys.data_ptr()


def test_counting_more_than_a_server_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence, and the counts from before stay."""
    model = build(PRESETS["kn-5"].model, V)
    assert isinstance(model, KneserNey)
    model.count(whole(["ab"]))
    before = model.parameter_count
    monkeypatch.setattr(models.counting, "SERVER_LIMITS", SERVER_LIMITS.changed(max_parameters=200))
    with pytest.raises(Refusal, match=r"^Counts are \d,\d{3}; allowed is at most 200\. Choose a lower order or a sh"):
        model.count(whole(CORPUS))
    assert model.parameter_count == before


@pytest.mark.parametrize(
    ("order", "kind", "train", "validation"),
    [
        (2, "lecture", 2.4543, 2.4528),
        (3, "lecture", 2.1933, 2.2185),
        (4, "lecture", 1.9297, 2.0560),
        (5, "lecture", 1.7130, 1.9832),
        (6, "lecture", 1.6103, 1.9740),
        (5, "unique", 1.7175, 2.0041),
    ],
)
def test_kneser_ney_on_makemores_list(
    makemore_names: NameList, order: int, kind: Any, train: float, validation: float
) -> None:
    """By the usual way of a run, what the recursion in dictionaries gives on the whole list too."""
    parts, vocabulary = split(makemore_names.names, kind), Vocabulary.of(makemore_names.names)
    packed = Packed(parts.train, vocabulary), Packed(parts.validation, vocabulary)
    run = Trainer(build(KneserNeyConfig(order=order), vocabulary.size), *packed, RECIPES["count"], seed=1)
    assert [progress.finished for progress in run.run()] == [None, "All steps are done."]
    assert (round(run.curve.train[-1].loss, 4), round(run.curve.validation[-1].loss, 4)) == (train, validation)


def test_families_that_count_are_those_whose_models_can() -> None:
    """The configuration and the classes agree on who is counted and who is trained."""
    counting = {name: isinstance(build(preset.model, V), CountingModel) for name, preset in PRESETS.items()}
    assert counting == {name: preset.model.family in COUNTED for name, preset in PRESETS.items()}


# ---------------------------------------------------------------------------- memories and attention


@pytest.mark.parametrize("name", ["rnn", "rnn, small"])
def test_a_recurrent_network_equals_torchs(name: str, tiny_names: tuple[str, ...]) -> None:
    """The whole forward pass over packed names and its gradients, against torch.nn.RNN over torch's own packing."""
    model = awake(CONFIGS[name])
    assert isinstance(model, models.Recurrent)
    batch = whole(tiny_names)
    weight, bias = (model.cell.get_parameter(f"mix.{each}") for each in ("weight", "bias"))
    features, hidden = len(weight) - len(bias), len(bias)
    oracle = nn.RNN(features, hidden).double()
    from_letter, from_memory = (oracle.get_parameter(f"weight_{each}_l0") for each in ("ih", "hh"))
    with torch.no_grad():
        from_letter.copy_(weight[:features].T)
        from_memory.copy_(weight[features:].T)
        oracle.get_parameter("bias_ih_l0").copy_(bias)
        oracle.get_parameter("bias_hh_l0").zero_()
    names = torch.split(model.embedding(batch.letters), batch.offsets.diff().tolist())
    packed = nn.utils.rnn.pack_sequence(list(names), enforce_sorted=False)
    out, _ = oracle(packed, model.memory_before.expand(1, len(names), -1).contiguous())
    padded, lengths = nn.utils.rnn.pad_packed_sequence(out, batch_first=True)
    theirs = model.head(torch.cat([row[:length] for row, length in zip(padded, lengths.tolist(), strict=True)]))
    mine = model(batch)
    close(mine, theirs)
    loudness = torch.linspace(-1, 1, mine.numel(), dtype=torch.float64).view_as(mine)
    shared = [model.embedding.weight, model.memory_before]
    a = torch.autograd.grad((mine * loudness).sum(), [*shared, weight])
    b = torch.autograd.grad((theirs * loudness).sum(), [*shared, from_letter, from_memory])
    close(a[0], b[0])
    close(a[1], b[1])
    close(a[2], torch.cat([b[2].T, b[3].T]))


def test_a_transformer_equals_torchs_layers(tiny_names: tuple[str, ...]) -> None:
    """Name by name, against torch.nn.TransformerEncoderLayer with a causal mask."""
    model = awake(PRESETS["transformer"].model)
    assert isinstance(model, models.Transformer)
    batch = whole(tiny_names)
    x = model.embedding(batch.letters) + model.places(batch.positions)
    names = list(torch.split(x, batch.offsets.diff().tolist()))
    for block in model.blocks:
        oracle = nn.TransformerEncoderLayer(
            64, 4, 256, 0.0, partial(nn.functional.gelu, approximate="tanh"), batch_first=True, norm_first=True
        ).double()
        theirs = dict(zip(
            ("self_attn.in_proj", "self_attn.out_proj", "linear1", "linear2"),
            ("attention.ask", "attention.mix", "mlp.layers.0", "mlp.layers.2"),
            strict=True,
        ))  # fmt: skip
        with torch.no_grad():
            for their_name, name in theirs.items():
                dot = "_" if their_name.endswith("in_proj") else "."
                oracle.get_parameter(f"{their_name}{dot}weight").copy_(block.get_parameter(f"{name}.weight").T)
                oracle.get_parameter(f"{their_name}{dot}bias").copy_(block.get_parameter(f"{name}.bias"))
            for norm in ("norm1", "norm2"):
                oracle.get_parameter(f"{norm}.weight").copy_(block.get_parameter(f"{norm}.gamma"))
                oracle.get_parameter(f"{norm}.bias").copy_(block.get_parameter(f"{norm}.beta"))
        masks = (nn.Transformer.generate_square_subsequent_mask(len(name), dtype=torch.float64) for name in names)
        names = [oracle(own[None], src_mask=mask)[0] for own, mask in zip(names, masks, strict=True)]
    close(model(batch), model.head(model.norm(torch.cat(names))))


def test_a_transformer_forgets_what_has_left_its_block() -> None:
    """One layer sees four letters; the past that it keeps is three places, however long the name."""
    model = awake(TransformerConfig(block_size=4, layers=1, heads=2, head_size=3))
    assert (model.receptive_field, model.memory) == (4, 3 * 2 * 6)
    state = model.start(1)
    for t, letter in enumerate(VOCABULARY.encode("abcdefg")):
        _, state = model.step(torch.tensor([letter]), state)
        assert state[0].shape == (1, min(t + 1, 3), 12)
    close(model(whole(["abcdefg"]))[-1], model(whole(["zzzdefg"]))[-1])


@every_model
def test_no_state_holds_more_than_it_says(name: str) -> None:
    """What the sampler reckons with before it draws thousands side by side."""
    model = awake(CONFIGS[name])
    state, most = model.start(1), 0
    for letter in VOCABULARY.encode(LETTERS):
        _, state = model.step(torch.tensor([letter]), state)
        most = max(most, sum(part.numel() for part in state))
    assert most == model.memory


def test_the_base_class_says_which_verb_is_missing() -> None:
    """Someone who adds a model and forgets a verb is told which."""
    model = Model(BigramConfig(), V)
    for verb, call in {
        "forward": partial(model, whole(["a"])),
        "start": partial(model.start, 1),
        "step": partial(model.step, torch.tensor([0]), ()),
    }.items():
        with pytest.raises(NotImplementedError, match=f"Model has no {verb}"):
            call()
