"""The benchmark compares like with like: its plain references do the same work as what they stand beside."""

import json

import pytest
import torch

from wavenames import bench
from wavenames.__main__ import main
from wavenames.config import PRESETS, SamplingConfig
from wavenames.layers import CrossEntropyLoss
from wavenames.models import Model, build
from wavenames.names import END, Membership, Packed, Vocabulary, split
from wavenames.sampling import sample


@pytest.fixture
def packed(tiny_names: tuple[str, ...]) -> Packed:
    return Packed(tiny_names, Vocabulary.of(tiny_names))


def lively(preset: str, vocabulary: Vocabulary) -> Model:
    """An untrained model whose favourite letters depend on what it has read."""
    model = build(PRESETS[preset].model, vocabulary.size, seed=3).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


@pytest.mark.parametrize("preset", ["mlp-3", "tree-22k", "dilated-76k", "wavenet-s"])
def test_one_at_a_time_draws_what_the_sampler_draws(
    preset: str, packed: Packed, tiny_names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dice that always take the likeliest letter both write the same name."""
    model = lively(preset, packed.vocabulary)
    options = SamplingConfig(n=1, temperature=0, longest=7)
    wanted = sample(model, packed.vocabulary, options, Membership.of(split(tiny_names))).names[0].name
    monkeypatch.setattr(torch, "multinomial", lambda shares, **_: shares.argmax(1))
    assert bench.one_at_a_time(model, packed.vocabulary, 1, 7) == [wanted]


def test_the_lectures_tree_has_its_parameters_and_learns(packed: Packed) -> None:
    """76,579 numbers for 27 letters, a first loss near that of a guess, and a lower one after a hundred steps."""
    inputs = next(packed.all(len(packed))).windows(bench.Lecture.LETTERS)
    lecture = bench.Lecture(inputs, packed.targets, 27)
    assert sum(p.numel() for p in lecture.parameters) == 76_579
    for _ in range(100):
        assert lecture.step() == lecture.BATCH
    assert lecture.losses[0] == pytest.approx(torch.tensor(27.0).log().log10().item(), abs=0.05)
    assert sum(lecture.losses[-10:]) / 10 < lecture.losses[0] - 0.2


def test_padded_names_give_the_loss_of_packed_ones(packed: Packed) -> None:
    """Only the work differs: sixteen names take sixteen times the longest in rows."""
    model = lively("wavenet-s", packed.vocabulary)
    names, padded = torch.arange(len(packed)), bench.Padded(packed)
    batch, dense = packed.batch(names), padded.batch(names)
    assert len(dense.letters) == len(packed) * padded.longest > len(batch.letters)
    assert (dense.letters[dense.targets == padded.IGNORED] == END).all()
    ignoring = torch.nn.CrossEntropyLoss(ignore_index=padded.IGNORED)
    torch.testing.assert_close(ignoring(model(dense), dense.targets), CrossEntropyLoss()(model(batch), batch.targets))


def test_the_command_prints_machine_and_ratios(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each comparison with both rates and the ratio, as a document and as a table."""
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "SECONDS", 0.01)
    monkeypatch.setattr(bench, "SAMPLED", 50)
    monkeypatch.setattr(bench, "PEAK_SIZES", (16,))
    monkeypatch.setattr(bench, "RACE", {"preset": "mlp-v1", "steps": 3, "target": 1.993})
    assert main(["bench", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    limits = {"share_of_peak": "peak_gflops", "share_of_torch_mm": "peak_gflops_torch_mm"}
    assert document["machine"].keys() == {"cores", "threads", "torch", "python", *limits.values()}
    assert len(document["comparisons"]) == 6
    for row in document["comparisons"]:
        assert row["ratio"] == pytest.approx(row["ours"] / row["reference"])
        assert row["lowest"] <= row["ratio"] <= row["highest"]
        for share, limit in limits.items():
            assert row[share] == pytest.approx(row["gflops"] / document["machine"][limit])
    assert [raced["what"] for raced in document["races"]] == [f"mlp-v1, recipe modern, seed {i}" for i in (1, 2, 3)]
    for raced in document["races"]:
        assert raced["steps"] == 3
        assert raced["validation"] > raced["target"] == 1.993
        assert raced["ratio"] == pytest.approx(raced["reference_seconds"] / raced["seconds"])
    assert main(["bench", "--split", "unique"]) == 0
    assert "packed / padded to the longest" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("preset", "products"),
    [
        ("mlp-3", 30 * 200 + 200 * 27),
        ("tree-76k", 4 * 48 * 128 + 2 * 256 * 128 + 256 * 128 + 128 * 27),
        ("wavenet-m", 4 * 96 * 96 + 3 * 48 * 144 + 48 * 96 + 96 * 96 + 96 * 27),
    ],
)
def test_operations_are_those_of_all_products_with_weights(preset: str, products: int, packed: Packed) -> None:
    """Whatever the batch: a tree meets a weight once for each of its nodes, a causal stack once a letter."""
    assert bench.multiplications(build(PRESETS[preset].model, 27), packed) == products


def test_without_shipped_models_an_untrained_one_is_sampled(
    packed: Packed, tiny_names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "shipped", dict)
    checkpoint = bench._model_to_sample(split(tiny_names), packed.vocabulary)
    assert checkpoint.title == "untrained wavenet-m"
    assert checkpoint.model().parameter_count > 70_000
