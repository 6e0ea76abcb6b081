"""Letters visible: what is hidden is averaged over as the probe says, and nothing else changes."""

from collections.abc import Iterator, Sequence

import pytest
import torch

from wavenames.config import PRESETS, Settings, TransformerConfig, WaveNetConfig
from wavenames.models import CountingModel, Model, build
from wavenames.names import Packed, Vocabulary
from wavenames.probes import context
from wavenames.probes.context import BORROWED, ContextCurve
from wavenames.sampling import next_letter
from wavenames.training import evaluate

HELD_OUT = ("emmaline", "charlotta", "olav", "mo", "isabel", "zeb")
"""Some of whose letters stand in training names in a row, and some don't."""
CONFIGS: dict[str, Settings] = {
    **{name: PRESETS[name].model for name in ("bigram", "kn-5", "mlp-3", "tree-22k", "dilated-76k", "gru")},
    "wavenet": WaveNetConfig(residual=4, gate=4, skip=4, dilations=(1, 2)),
    "transformer": TransformerConfig(block_size=4, layers=1, heads=1, head_size=6),
}


@pytest.fixture
def vocabulary(tiny_names: tuple[str, ...]) -> Vocabulary:
    return Vocabulary.of([*tiny_names, *HELD_OUT])


@pytest.fixture
def train(tiny_names: tuple[str, ...], vocabulary: Vocabulary) -> Packed:
    return Packed(tiny_names, vocabulary)


@pytest.fixture
def names(vocabulary: Vocabulary) -> Packed:
    return Packed(HELD_OUT, vocabulary)


def lively(name: str, train: Packed) -> Model:
    """A model that has an opinion on every letter it sees."""
    model = build(CONFIGS[name], train.vocabulary.size, seed=3)
    if isinstance(model, CountingModel):
        model.count(next(train.all(len(train))))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model.eval()


def curve_of(
    model: Model, train: Packed, names: Packed, visible: Sequence[int] = range(1, 17), seed: int = 0
) -> ContextCurve:
    """The curve once it is run to its end, with a word before each number of letters."""
    found = []

    def running() -> Iterator[float]:
        found.append((yield from context.context_curve(model, train, names, visible, seed)))

    assert list(running()) == [i / len(visible) for i in range(len(visible))]
    return found[0]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_loses_nothing_by_letters_it_does_not_see(name: str, train: Packed, names: Packed) -> None:
    """From its receptive field on, and for every model from the longest name on, the curve is its whole loss.

    The Transformer knows more than letters, their places, so for it only the second holds.
    """
    model = lively(name, train)
    whole = evaluate(model, names)
    curve = curve_of(model, train, names)
    sight = 16 if name == "transformer" else model.receptive_field
    flat = [loss for k, loss in zip(curve.visible, curve.losses, strict=True) if k >= sight]
    assert [*flat, curve.losses[-1]] == pytest.approx([whole.loss] * (len(flat) + 1), abs=2e-6)
    torch.testing.assert_close(curve.per_name[-1], whole.per_name, atol=1e-5, rtol=1e-5)
    if sight > 1:
        assert abs(curve.losses[0] - whole.loss) > 0.001


def by_hand(model: Model, vocabulary: Vocabulary, train: Sequence[str], name: str, k: int) -> list[float | None]:
    """Nats of each letter of a name by the probe's own words; None where its letters stand nowhere in a row."""
    nats: list[float | None] = []
    for i, letter in enumerate(f"{name}."):
        number = vocabulary.symbols.index(letter)
        places = [name[:i]]
        if i >= k:
            seen = name[i - k : i]
            places = [other[:j] for other in train for j in range(k, len(other) + 1) if other[j - k : j] == seen]
        shares = [float(next_letter(model, vocabulary, place)[number].exp()) for place in places]
        nats.append(-float(torch.tensor(sum(shares) / len(shares)).log()) if shares else None)
    return nats


@pytest.mark.parametrize("name", ["gru", "tree-22k", "wavenet"])
def test_hidden_letters_are_averaged_over(
    name: str, train: Packed, names: Packed, tiny_names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over every place of the training names with the same last letters, twins counted twice."""
    model = lively(name, train)
    for k in (1, 2, 3):
        curve = curve_of(model, train, names, visible=[k])
        for held_out, nats in zip(HELD_OUT, curve.per_name[0].tolist(), strict=True):
            wanted = by_hand(model, train.vocabulary, tiny_names, held_out, k)
            if None not in wanted:
                assert nats == pytest.approx(sum(each for each in wanted if each is not None), abs=1e-4)


def test_some_letters_of_these_names_stand_nowhere_in_a_row(train: Packed, names: Packed) -> None:
    """So that the test above has names of both kinds."""
    places = context._Places(train, names, 3)
    rows = (names.positions >= 3).nonzero()[:, 0]
    seen = places.seen(3, rows)
    assert seen.any()
    assert not seen.all()


def test_letters_without_a_place_are_put_behind_beginnings_of_training_names(
    train: Packed, names: Packed, tiny_names: tuple[str, ...]
) -> None:
    """Each goes on with as many of the letters as any training name does; the model is asked for what follows."""
    places = context._Places(train, names, 5)
    written = "".join(HELD_OUT[i] + "." for i in range(len(HELD_OUT)))
    for k in (2, 3, 4, 5):
        rows = (names.positions >= k).nonzero()[:, 0]
        rows = rows[~places.seen(k, rows)]
        assert len(rows)
        batch = places.borrowed(k, rows, torch.Generator().manual_seed(1))
        assert len(batch.offsets) - 1 == len(rows) * BORROWED
        assert batch.rows is not None
        assert torch.equal(batch.wanted, names.targets[rows].repeat_interleave(BORROWED))
        for b, row in enumerate(rows.repeat_interleave(BORROWED).tolist()):
            visible = written[row - k : row]
            begin, end = int(batch.offsets[b]), int(batch.offsets[b + 1])
            assert batch.positions[begin:end].tolist() == list(range(end - begin))
            assert batch.letters[begin] == 0
            whole = train.vocabulary.decode(batch.letters[begin + 1 : end].tolist())
            assert whole.endswith(visible)
            share = max(j for j in range(k) if any(visible[:j] in name for name in tiny_names))
            beginning = whole[: len(whole) - k + share]
            assert any(name.startswith(beginning) for name in tiny_names)


def test_beginnings_are_drawn_from_all_that_there_are(train: Packed, names: Packed) -> None:
    """Not the first one eight times."""
    places = context._Places(train, names, 2)
    rows = (names.positions >= 2).nonzero()[:, 0]
    rows = rows[~places.seen(2, rows)]
    batch = places.borrowed(2, rows, torch.Generator().manual_seed(1))
    lengths = batch.offsets.diff().view(-1, BORROWED)
    assert any(len(set(each.tolist())) > 2 for each in lengths)


def test_the_same_seed_gives_the_same_curve_and_asking_changes_nothing(train: Packed, names: Packed) -> None:
    model = lively("gru", train).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    first, second, other = (curve_of(model, train, names, [2, 4], seed) for seed in (1, 1, 2))
    assert first.losses == second.losses != other.losses
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_curve_that_is_stopped_leaves_the_model_as_it_was(train: Packed, names: Packed) -> None:
    model = lively("gru", train).train()
    running = context.context_curve(model, train, names)
    assert next(running) == 0
    running.close()
    assert model.training


def test_more_letters_than_any_name_has_are_all_letters(train: Packed, names: Packed) -> None:
    """And cost nothing: places are looked for as far as there are any."""
    model = lively("gru", train)
    few, many = curve_of(model, train, names, [2, 10]), curve_of(model, train, names, [2, 10_000_000])
    assert torch.equal(few.per_name, many.per_name)
