"""The loop: what a batch is, how a run ends, and that a run that was broken off gives the same numbers."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from wavenames import training
from wavenames.checkpoints import pack, unpack
from wavenames.config import (
    COUNTED,
    PRESETS,
    RECIPES,
    BigramConfig,
    DilatedConfig,
    KneserNeyConfig,
    MLPConfig,
    RecipeConfig,
    RecurrentConfig,
    Settings,
    TransformerConfig,
    TreeConfig,
    WaveNetConfig,
    conditions_of,
)
from wavenames.layers import Linear
from wavenames.models import Bigram, Model, build
from wavenames.names import Batch, NameList, Packed, Split, Vocabulary, split
from wavenames.training import FETCH_EVERY, Evaluation, Point, Progress, Trainer, TrainerState, evaluate

TRAIN = (
    "emma", "emily", "emmett", "olivia", "oliver", "ava", "avery", "isabella", "mia", "mila", "noah", "nora", "leo",
    "charlotte", "emma", "bo", "ella", "liam", "lia",
)  # fmt: skip
VALIDATION = ("emilia", "amelia", "oliva", "milan")
VOCABULARY = Vocabulary.of(TRAIN + VALIDATION)
V = VOCABULARY.size
PACKED, HELD_OUT = Packed(TRAIN, VOCABULARY), Packed(VALIDATION, VOCABULARY)

WAVENET = WaveNetConfig(residual=6, gate=5, skip=7, dilations=(1, 2), dropout=0.25)
MLP = MLPConfig(block_size=3, embedding=4, hidden=12)
EACH_FAMILY = [
    MLP, TreeConfig(embedding=4, hidden=8), WAVENET, RecurrentConfig(embedding=4, hidden=8),
    TransformerConfig(layers=2, heads=2, head_size=4),
]  # fmt: skip


def recipe(name: str = "modern", **changes: Any) -> RecipeConfig:
    """A recipe cut down to nineteen names and some eighty steps."""
    return RECIPES[name].changed(**{"steps": 80, "evaluate_every": 30, "batch_size": 8, **changes})


VOCABULARY_AB = Vocabulary("ab")
TOLD = WAVENET.changed(conditions="sex+decade")
LABELS = [(1 + i % 2, 1 + i % 16) for i in range(len(TRAIN))], [(1, 3), (2, 0), (0, 16), (0, 0)]


def trainer(model: Settings = MLP, how: RecipeConfig | None = None, seed: int = 1) -> Trainer:
    kinds, parts = len(conditions_of(model)), (PACKED, HELD_OUT)
    if kinds:
        labels = [[row[:kinds] for row in part] for part in LABELS]
        parts = Packed(TRAIN, VOCABULARY, labels=labels[0]), Packed(VALIDATION, VOCABULARY, labels=labels[1])
    return Trainer(build(model, V, seed=seed), *parts, how or recipe(), seed)


def finish(run: Trainer) -> list[Progress]:
    return list(run.run())


def weights(run: Trainer) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in run.model.state_dict().items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return list(a) == list(b) and all(torch.equal(a[key], b[key]) for key in a)


def ticking(patch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by one second at each look: a step, with its two looks, takes one."""
    looks = itertools.count()
    patch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: float(next(looks))))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    ticking(monkeypatch)


# ---------------------------------------------------------------------------------------------- evaluation


def test_evaluation_equals_torchs_cross_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean over all targets, the sum over each name, whatever the chunk, with the mode left alone."""
    model = build(WAVENET, V, seed=1)
    monkeypatch.setattr(training, "EVALUATION_CHUNK", 4)
    for training_mode in (True, False):
        found = evaluate(model.train(training_mode), PACKED)
        assert all(module.training is training_mode for module in model.modules())
    batch = PACKED.batch(torch.arange(len(TRAIN)))
    surprise = torch.nn.functional.cross_entropy(model.eval()(batch), batch.targets, reduction="none").double()
    assert found.loss == pytest.approx(surprise.mean().item(), abs=1e-6)
    assert found.lengths.tolist() == [len(name) + 1 for name in TRAIN]
    sums = [part.sum() for part in torch.split(surprise, found.lengths.tolist())]
    torch.testing.assert_close(found.per_name, torch.stack(sums), atol=1e-5, rtol=1e-6)
    assert found.per_name.sum().item() / PACKED.targets_count == pytest.approx(found.loss)
    monkeypatch.setattr(training, "EVALUATION_CHUNK", 2048)
    assert evaluate(model, PACKED).loss == pytest.approx(found.loss, abs=1e-7)


def test_standard_error_equals_the_bootstraps() -> None:
    """Resampling names, as the error promises, spreads the loss by as much as the formula says."""
    dice = torch.Generator().manual_seed(1)
    lengths = torch.randint(3, 12, (400,), generator=dice)
    nats = lengths * (2 + 0.5 * torch.randn(400, generator=dice, dtype=torch.float64)) + 3
    loss, error = training.mean_and_error(nats, lengths, torch.arange(400))
    assert loss == pytest.approx((nats.sum() / lengths.sum()).item())
    rows = torch.randint(400, (4000, 400), generator=dice)
    resampled = nats[rows].sum(1) / lengths[rows].sum(1)
    assert error == pytest.approx(resampled.std().item(), rel=0.05)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.floats(0.1, 30), st.integers(1, 12)), min_size=1, max_size=30
    )
)  # fmt: skip
def test_the_error_is_that_of_a_sum_over_distinct_names(rows: list[tuple[str, float, int]]) -> None:
    """Written out with a dictionary: what a name's rows add to nats - loss * targets, squared and summed."""
    whose, nats, lengths = zip(*rows, strict=True)
    ids = torch.tensor([sorted(set(whose)).index(name) for name in whose])
    loss, error = training.mean_and_error(torch.tensor(nats, dtype=torch.float64), torch.tensor(lengths), ids)
    assert loss == pytest.approx(sum(nats) / sum(lengths))
    off = dict.fromkeys(whose, 0.0)
    for name, surprise, length in rows:
        off[name] += surprise - loss * length
    if len(off) == 1:
        assert math.isnan(error)
    else:
        spread = math.sqrt(sum(each**2 for each in off.values()) * len(off) / (len(off) - 1))
        assert error == pytest.approx(spread / sum(lengths), rel=1e-5, abs=1e-5)


def test_without_repeats_the_error_is_to_the_bit_that_of_rows() -> None:
    dice = torch.Generator().manual_seed(2)
    lengths = torch.randint(3, 12, (1000,), generator=dice)
    nats = lengths * (2 + 0.5 * torch.randn(1000, generator=dice, dtype=torch.float64))
    loss = float(nats.sum() / lengths.sum())
    rows = float((nats - loss * lengths).std() / lengths.double().mean() / math.sqrt(1000))
    assert training.mean_and_error(nats, lengths, torch.arange(1000)) == (loss, rows)


def test_rows_of_one_name_are_one_draw() -> None:
    """Each row ten times says no more than once, to the factor n / (n - 1) nothing is gained; rows would promise."""
    dice = torch.Generator().manual_seed(3)
    lengths = torch.randint(3, 12, (200,), generator=dice)
    nats = lengths * (2 + 0.5 * torch.randn(200, generator=dice, dtype=torch.float64))
    once = training.mean_and_error(nats, lengths, torch.arange(200))
    tenfold = training.mean_and_error(nats.repeat(10), lengths.repeat(10), torch.arange(200).repeat(10))
    assert tenfold == pytest.approx(once)
    as_rows = training.mean_and_error(nats.repeat(10), lengths.repeat(10), torch.arange(2000))
    assert as_rows[1] == pytest.approx(once[1] / math.sqrt(10), rel=0.01)


def test_evaluation_knows_the_rows_of_a_name_by_its_spelling() -> None:
    names = ["anna", "bo", "anna", "cleo", "bo"]
    packed = Packed(names, Vocabulary.of(names), labels=[(1,), (2,), (2,), (1,), (2,)])
    found = evaluate(build(WAVENET, packed.vocabulary.size, seed=1), packed)
    assert found.name_ids.tolist() == [0, 1, 0, 2, 1]
    assert found.error == training.mean_and_error(found.per_name, found.lengths, torch.tensor([0, 1, 0, 2, 1]))[1]
    assert found.error != training.mean_and_error(found.per_name, found.lengths, torch.arange(5))[1]


def test_one_name_has_no_standard_error() -> None:
    """It is not a number rather than a zero that would promise certainty."""
    loss, error = training.mean_and_error(torch.tensor([6.0]), torch.tensor([3]), torch.tensor([0]))
    assert loss == 2
    assert math.isnan(error)


# ---------------------------------------------------------------------------------------- counting, published


def test_bigram_on_makemores_list_gives_the_published_losses(makemore_names: NameList) -> None:
    """2.4548 / 2.4533 / 2.4584 on the lecture split, by counting once."""
    parts: Split = split(makemore_names.names)
    vocabulary = Vocabulary.of(makemore_names.names)
    packed = {part: Packed(getattr(parts, part), vocabulary) for part in ("train", "validation", "test")}
    model = build(BigramConfig(), vocabulary.size)
    run = Trainer(model, packed["train"], packed["validation"], RECIPES["count"], seed=1)
    *_, last = run.run()
    assert last.finished == "All steps are done."
    assert last.names_seen == len(parts.train)
    assert {part: round(evaluate(model, packed[part]).loss, 4) for part in packed} == {
        "train": 2.4548,
        "validation": 2.4533,
        "test": 2.4584,
    }
    assert round(run.curve.train[-1].loss, 4) == 2.4548
    assert round(run.curve.validation[-1].loss, 4) == 2.4533


def test_counting_again_changes_nothing() -> None:
    """More steps look at the same pairs: the table does not count them twice."""
    for config in (BigramConfig(), KneserNeyConfig()):
        once, thrice = (trainer(config, RECIPES["count"].changed(steps=steps)) for steps in (1, 3))
        finish(once)
        finish(thrice)
        assert equal(weights(once), weights(thrice))


# ------------------------------------------------------------------------------------------------- recipes


@pytest.mark.parametrize("name", ["notebook", "lecture", "modern"])
@pytest.mark.parametrize("model", EACH_FAMILY, ids=lambda m: m.family)
def test_every_recipe_trains_every_family(model: Settings, name: str) -> None:
    """The training loss falls; the curve holds each step once and each evaluation once."""
    run = trainer(model, recipe(name, learning_rate=0.05, steps=80))
    progress = finish(run)
    assert [p.step for p in progress] == list(range(81))
    assert [p.step for p in progress if p.evaluated] == [0, 30, 60, 80]
    assert [p.finished for p in progress[:-1]] == [None] * 80
    assert progress[-1].finished == "All steps are done."
    assert [point.step for point in run.curve.train] == list(range(1, 81))
    assert [point.step for point in run.curve.validation] == [0, 30, 60, 80]
    assert evaluate(run.model, PACKED).loss < math.log(V) - 0.1
    assert run.curve.validation[-1].loss == evaluate(run.model, HELD_OUT).loss
    seen = [p.names_seen for p in progress]
    assert seen == sorted(seen)
    assert seen[-1] == run.curve.validation[-1].names_seen


@pytest.mark.parametrize("name", ["notebook", "lecture", "modern"])
def test_same_seed_same_run(name: str) -> None:
    """Weights and every loss are equal to the bit, whatever the global dice; another seed gives another run."""
    runs: list[Trainer] = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(runs))
        run = trainer(WAVENET, recipe(name), seed)
        finish(run)
        runs.append(run)
    losses = [[point.loss for point in run.curve.train] for run in runs]
    assert losses[0] == losses[1] != losses[2]
    assert equal(weights(runs[0]), weights(runs[1]))
    assert not equal(weights(runs[0]), weights(runs[2]))


def test_seed_decides_the_batches_not_only_the_start_weights() -> None:
    """Two runs from the same weights with other seeds part."""
    ends = []
    for seed in (1, 2):
        run = Trainer(build(MLP, V, seed=1), PACKED, HELD_OUT, recipe("lecture"), seed)
        finish(run)
        ends.append(weights(run))
    assert not equal(*ends)


@dataclass
class Watched:
    """Packed names that note what is asked of them."""

    packed: Packed
    asked: list[list[int]]

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def targets_count(self) -> int:
        return self.packed.targets_count

    def batch(self, indices: Tensor) -> Batch:
        self.asked.append(indices.tolist())
        return self.packed.batch(indices)

    prefixes = batch


class WatchedRows(Watched):
    """Notes targets rather than names."""

    def prefixes(self, rows: Tensor) -> Batch:
        self.asked.append(rows.tolist())
        return self.packed.prefixes(rows)


def asked(how: RecipeConfig, kind: type[Watched]) -> list[list[int]]:
    watched = kind(PACKED, [])
    finish(Trainer(build(MLP, V, seed=1), cast(Packed, watched), HELD_OUT, how, seed=1))
    return watched.asked


def test_passes_cover_each_target_once_a_pass_in_order() -> None:
    """The notebook's full pass, with a shorter last batch."""
    total, size = PACKED.targets_count, 50
    a_pass = math.ceil(total / size)
    rows = asked(recipe("notebook", batch_size=size, steps=2 * a_pass), WatchedRows)
    assert sum(rows[:a_pass], []) == sum(rows[a_pass:], []) == list(range(total))  # noqa: RUF017 - two short lists
    assert [len(batch) for batch in rows[:a_pass]] == [size] * (a_pass - 1) + [total % size]


def test_whole_names_come_once_an_epoch_in_a_new_order() -> None:
    """Every name, twins as often as they stand in the list, in batches of the wanted size but the last."""
    an_epoch = math.ceil(len(TRAIN) / 8)
    names = asked(recipe("modern", batch_size=8, steps=2 * an_epoch), Watched)
    first, second = (list(itertools.chain(*names[i : i + an_epoch])) for i in (0, an_epoch))
    assert sorted(first) == sorted(second) == list(range(len(TRAIN)))
    assert first != second
    assert [len(batch) for batch in names[:an_epoch]] == [8, 8, 3]


def test_windows_are_drawn_from_all_targets_alike() -> None:
    """With replacement, each target as likely as any other."""
    rows = asked(recipe("lecture", batch_size=1000, steps=20), WatchedRows)
    counts = torch.bincount(torch.tensor(rows).flatten(), minlength=PACKED.targets_count)
    expected = 20 * 1000 / PACKED.targets_count
    assert ((counts - expected).abs() < 5 * math.sqrt(expected)).all()


# ------------------------------------------------------------------------------------------------ schedules


def rates(how: RecipeConfig, steps: list[int], packed: Packed = PACKED) -> list[float]:
    """The learning rate of the steps with these numbers, from 0."""
    run = Trainer(build(MLP, V, seed=1), packed, HELD_OUT, how, seed=1)
    found = []
    for step in steps:
        run.step = step
        run._learn()
        found.append(run.optimiser.param_groups[0]["lr"])
    return found


def test_the_lectures_rate_drops_tenfold_after_three_quarters() -> None:
    """0.1 until step 150,000 of 200,000, then 0.01."""
    found = rates(RECIPES["lecture"], [0, 149_999, 150_000, 199_999])
    assert found == pytest.approx([0.1, 0.1, 0.01, 0.01])


def test_the_notebooks_rate_decays_every_200_passes() -> None:
    """×0.95 after 200 passes over all targets, whatever the batch makes of a pass."""
    a_pass = math.ceil(PACKED.targets_count / 50)
    found = rates(
        recipe("notebook", batch_size=50, learning_rate=0.01, steps=100_000),
        [0, 200 * a_pass - 1, 200 * a_pass, 400 * a_pass - 1, 400 * a_pass],
    )
    assert found == pytest.approx([0.01, 0.01, 0.0095, 0.0095, 0.009025])


def test_warmup_peaks_after_a_tenth_and_ends_near_zero() -> None:
    """Straight up to the full rate, then down along a cosine."""
    found = rates(RECIPES["modern"].changed(steps=1000), [0, 50, 100, 550, 999])
    assert found[0] == pytest.approx(0.01 / 101)
    assert found[1] == pytest.approx(0.01 * 51 / 101)
    assert found[2] == pytest.approx(0.01)
    assert found[3] == pytest.approx(0.005)
    assert 0 < found[4] < 1e-6
    assert rates(RECIPES["modern"].changed(schedule="constant"), [0, 700, 1499]) == [0.01] * 3


def test_warmup_follows_the_clock_where_that_ends_the_run_first(clock: None) -> None:
    """With ten seconds of a second a step, the rate peaks after one and is small after nine."""
    run = trainer(MLP, recipe(steps=1000, seconds=10, evaluate_every=1000))
    found = [run.optimiser.param_groups[0]["lr"] for _ in run.run()][1:]
    assert len(found) == 10
    assert found[1] == max(found) == pytest.approx(0.01)
    assert found[9] < 0.0004
    assert found[1:] == sorted(found[1:], reverse=True)


# ---------------------------------------------------------------------------------------------------- clip


def test_clip_bounds_the_gradients_length() -> None:
    """Plain SGD moves all weights by at most the rate times the longest gradient allowed."""
    lengths = {}
    for clip in (0.0, 0.01):
        run = trainer(MLP, recipe("lecture", learning_rate=1, clip=clip))
        before = weights(run)
        run._learn()
        lengths[clip] = math.sqrt(sum(float((a - before[k]).square().sum()) for k, a in weights(run).items()))
    assert lengths[0.01] == pytest.approx(0.01, rel=1e-3)
    assert lengths[0.0] > 0.05


@pytest.mark.parametrize("optimiser", ["sgd", "adamw", "muon"])
def test_weight_decay_is_for_all_but_plain_sgd(optimiser: str) -> None:
    """As its description says."""
    ends = []
    for decay in (0.0, 5.0):
        run = trainer(MLP, recipe(optimiser=optimiser, weight_decay=decay))
        finish(run)
        ends.append(weights(run))
    assert equal(*ends) is (optimiser == "sgd")


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.parametrize("model", [MLPConfig(norm="batch", norm_bias=True), TreeConfig(norm="layer"), WAVENET])
def test_weight_decay_pulls_the_weights_of_linear_layers_alone(model: Settings, optimiser: str) -> None:
    """By rate × decay of their size in a step; letters' vectors, biases and norms are left to their gradients."""
    ends = []
    for decay in (0.0, 2.0):
        made = recipe(weight_decay=decay, optimiser=optimiser, schedule="constant", learning_rate=0.01)
        run = trainer(model, made)
        before = weights(run)
        run._learn()
        ends.append(weights(run))
    linear = {f"{name}.weight" for name, module in run.model.named_modules() if isinstance(module, Linear)}
    assert linear
    for key, _ in run.model.named_parameters():
        pull = 0.01 * 2.0 * before[key] if key in linear else torch.zeros_like(before[key])
        torch.testing.assert_close(ends[0][key] - ends[1][key], pull, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "head"),
    [
        (MLPConfig(hidden=V, layers=2), "net.layers.5.weight"),
        (TreeConfig(hidden=V), "net.layers.12.weight"),
        (DilatedConfig(hidden=V), "head.weight"),
        (WaveNetConfig(residual=V, skip=V, gate=V), "head2.weight"),
        (RecurrentConfig(hidden=V), "head.weight"),
        (TransformerConfig(layers=1, heads=1, head_size=V), "head.weight"),
    ],
    ids=lambda value: getattr(value, "family", ""),
)
def test_muon_is_for_every_hidden_matrix_even_one_as_wide_as_the_logits(model: Settings, head: str) -> None:
    """The weight that gives the logits is left to AdamW, and no other matrix of a `Linear` is."""
    run = trainer(model)
    names = {parameter: name for name, parameter in run.model.named_parameters()}
    orthogonal, output, _ = ({names[each] for each in group["params"]} for group in run.optimiser.param_groups)
    linear = {f"{name}.weight" for name, module in run.model.named_modules() if isinstance(module, Linear)}
    assert output == {head}
    assert orthogonal == linear - {head}


# ------------------------------------------------------------------------------------------------ the end


def test_a_run_ends_when_its_seconds_are_over(clock: None) -> None:
    """Seconds of training only: looks at the validation set are not counted."""
    *_, last = trainer(MLP, recipe(steps=1000, seconds=7, evaluate_every=2)).run()
    assert (last.step, last.seconds, last.evaluated) == (7, 7.0, True)
    assert last.finished == "The time is up."


def scripted(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Let the evaluations of a run find these losses, one after the other."""
    script = iter(losses)

    def found(model: Model, names: Packed) -> Evaluation:
        return Evaluation(next(script), 0.0, torch.empty(0), torch.empty(0), torch.empty(0))

    monkeypatch.setattr(training, "evaluate", found)


def test_a_run_ends_at_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first evaluation that is as low, and says so."""
    scripted(monkeypatch, [3.0, 2.5, 2.1, 2.0, 1.9])
    *_, last = trainer(MLP, recipe(target=2.0, evaluate_every=10)).run()
    assert last.step == 30
    assert last.finished == "Validation loss reached the target of 2."


def test_patience_ends_a_run_and_restores_its_best_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two evaluations without a better one, with the weights of the best."""
    scripted(monkeypatch, [3.0, 2.5, 2.2, 2.3, 2.1, 2.1, 2.4, 2.0])
    run = trainer(MLP, recipe(patience=2, evaluate_every=10))
    best: dict[str, Tensor] = {}
    for progress in run.run():
        if progress.step == 40:
            best = weights(run)
    assert progress.step == 60
    assert progress.finished == "No better validation loss in 2 evaluations; the best weights are kept."
    assert equal(weights(run), best)


def test_patience_keeps_the_best_weights_of_a_run_that_runs_out_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Early stopping was asked for: what it watched over is not thrown away at the last step."""
    scripted(monkeypatch, [3.0, 2.5, 2.2, 2.3, 2.4])
    run = trainer(MLP, recipe(patience=5, evaluate_every=10, steps=40))
    best: dict[str, Tensor] = {}
    for progress in run.run():
        if progress.step == 20:
            best = weights(run)
    assert progress.finished == "All steps are done; the best weights are kept."
    assert equal(weights(run), best)


def test_without_patience_the_last_weights_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when they are not the best."""
    scripted(monkeypatch, [3.0, 2.5, 2.2, 2.3, 2.4])
    run = trainer(MLP, recipe(evaluate_every=10, steps=40))
    before = [weights(run) for _ in run.run()][-1]
    assert equal(weights(run), before)
    assert run.finished == "All steps are done."


# ------------------------------------------------------------------------------------------------ divergence


def watch_divergence(run: Trainer) -> tuple[Progress, dict[int, dict[str, Tensor]]]:
    """The last progress, and the weights after each step."""
    after = {}
    for progress in run.run():
        if not progress.finished:
            after[progress.step] = weights(run)
    return progress, after


@pytest.mark.parametrize("batching", ["names", "windows", "passes"])
def test_a_run_that_diverges_ends_with_a_verdict_and_good_weights(batching: str) -> None:
    """The verdict names the step and the control; the weights are ones that the run had; the curve is all numbers."""
    how = recipe(
        batching=batching, optimiser="sgd", learning_rate=1000, schedule="constant", steps=500, evaluate_every=200
    )
    run = trainer(PRESETS["wavenet-s"].model, how)
    progress, after = watch_divergence(run)
    assert progress.diverged
    assert run.diverged
    assert progress.step == FETCH_EVERY
    first_bad = len(run.curve.train) + 1
    assert progress.finished == (
        f"The loss stopped being a number at step {first_bad}. "
        "No evaluation had come since the start, so that the weights are the untrained ones; "
        "try a learning rate below 1000."
    )
    assert all(bool(value.isfinite().all()) for value in weights(run).values())
    assert equal(weights(run), after[0])
    assert all(math.isfinite(point.loss) for point in run.curve.train + run.curve.validation)
    assert math.isfinite(evaluate(run.model, HELD_OUT).loss)
    assert finish(run) == [replace(progress, evaluated=False)]


class Bomb(Trainer):
    """Lets the weights explode in one step."""

    explode_at, by = 0, math.nan

    def _learn(self) -> Tensor:
        loss = super()._learn()
        if self.step + 1 == self.explode_at:
            for parameter in self.model.parameters():
                parameter.data.mul_(self.by)
        return loss


def bomb(at: int, by: float = math.nan, model: Settings = MLP, how: RecipeConfig | None = None) -> Bomb:
    run = Bomb(build(model, V, seed=1), PACKED, HELD_OUT, how or recipe(), 1)
    run.explode_at, run.by = at, by
    return run


@pytest.mark.parametrize(
    ("at", "best", "ends"),
    [(3, 0, 25), (24, 0, 25), (25, 0, 25), (26, 0, 30), (31, 30, 50), (60, 30, 60), (80, 60, 80)],
)
def test_weights_of_the_best_evaluation_outlive_a_divergence(at: int, best: int, ends: int) -> None:
    """Wherever between two fetches the weights are lost, the last step included."""
    run = bomb(at, how=recipe("lecture"))
    progress, after = watch_divergence(run)
    assert progress.diverged
    assert progress.step == ends
    assert progress.finished is not None
    assert ("best weights so far" in progress.finished) == (best > 0)
    assert ("untrained" in progress.finished) == (best == 0)
    assert equal(weights(run), after[best])
    assert evaluate(run.model, HELD_OUT).loss == min(p.loss for p in run.curve.validation)
    assert all(math.isfinite(point.loss) for point in run.curve.train + run.curve.validation)
    assert [point.step for point in run.curve.train] == list(range(1, len(run.curve.train) + 1))


def test_weights_that_overflow_behind_a_norm_end_the_run_too() -> None:
    """BatchNorm divides what is infinite by infinity: the loss stays a number, the remembered variance doesn't."""
    run = bomb(10, 1e25, MLPConfig(block_size=3, embedding=4, hidden=12, norm="batch"))
    progress, after = watch_divergence(run)
    assert progress.diverged
    assert all(bool(value.isfinite().all()) for value in weights(run).values())
    assert equal(weights(run), after[0])


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.model.family not in COUNTED])
@pytest.mark.parametrize("batching", ["names", "windows"])
def test_no_network_can_run_away_unnoticed(name: str, batching: str) -> None:
    """At a rate of 1000 each preset ends at its first look, most by a loss of hundreds: tanh never overflows."""
    how = recipe(batching=batching, optimiser="sgd", learning_rate=1000, schedule="constant", steps=10_000)
    run = trainer(PRESETS[name].model, how)
    before = weights(run)
    *_, last = run.run()
    assert last.diverged
    assert last.step <= 30
    assert last.finished is not None
    assert re.fullmatch(
        r"The loss (stopped being a number|ran away to [\d,]+ nats per letter) at step \d+\. "
        r"No evaluation had come [a-z, ]+ the untrained ones; try a learning rate below 1000\.",
        last.finished,
    )
    assert equal(weights(run), before)


def test_an_overfitted_run_has_not_run_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A validation loss of many times a guess is its own lesson while the training loss is low."""
    scripted(monkeypatch, [3.0, 20.0, 30.0])
    run = trainer(MLP, recipe("lecture", steps=60))
    *_, last = run.run()
    assert run.curve.train[-1].loss < math.log(V)
    assert (last.diverged, last.finished) == (False, "All steps are done.")


# -------------------------------------------------------------------------------------- nothing waits


class FloatsLeaving(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves its hook untyped
    """Notes every float that leaves a tensor for Python: on a GPU each would make the processor wait."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensor = args[0] if args else None
        if isinstance(tensor, Tensor) and tensor.is_floating_point():
            name = str(func)
            if any(word in name for word in ("_local_scalar_dense", "nonzero", "is_nonzero", "equal")):
                self.seen.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["notebook", "lecture", "modern"])
def test_no_step_waits_for_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No loss, gradient or weight is looked at between two fetches; at a fetch all losses come in one go."""
    leaving = FloatsLeaving()
    for method in ("tolist", "numpy", "cpu", "__array__"):
        original: Callable[..., Any] = getattr(Tensor, method)

        def noted(self: Tensor, *args: Any, _of: Callable[..., Any] = original, _name: str = method) -> Any:
            if self.is_floating_point():
                leaving.seen.append(_name)
            return _of(self, *args)

        monkeypatch.setattr(Tensor, method, noted)
    run = trainer(WAVENET, recipe(name, clip=1.0, steps=60, evaluate_every=1000)).run()
    next(run)
    counts = []
    with leaving:
        for _ in range(59):
            leaving.seen.clear()
            next(run)
            counts.append(len(leaving.seen))
    assert [step for step, count in enumerate(counts, 1) if count] == [25, 50]
    assert counts[24] == counts[49] == 1


# -------------------------------------------------------------------------------- broken off and taken up

RUNS: dict[str, tuple[Settings, RecipeConfig]] = {
    "whole names, AdamW, warmup, dropout, clip": (WAVENET, recipe(optimiser="adamw", clip=0.5)),
    "whole names, AdamW, patience": (
        WAVENET,
        recipe(optimiser="adamw", patience=3, learning_rate=0.03, evaluate_every=8),
    ),
    "windows, SGD, drop, BatchNorm": (TreeConfig(embedding=4, hidden=6, levels=2), recipe("lecture")),
    "windows, AdamW, constant": (MLP, recipe("lecture", optimiser="adamw", schedule="constant")),
    "passes, SGD, decay": (MLPConfig(block_size=2, hidden=5, norm="layer"), recipe("notebook", batch_size=50)),
    "passes, AdamW, seconds": (WAVENET, recipe("notebook", optimiser="adamw", schedule="warmup", seconds=70)),
    "whole names, plain SGD, dropout": (WAVENET, recipe(optimiser="sgd", schedule="constant", learning_rate=0.1)),
    "counting": (BigramConfig(), RECIPES["count"].changed(steps=3)),
    "counting runs of letters": (KneserNeyConfig(), RECIPES["count"].changed(steps=3)),
    "whole names, Muon, dropout": (WAVENET, recipe(optimiser="muon")),
    "a memory": (RecurrentConfig(cell="gru", embedding=4, hidden=5, dropout=0.2), recipe("lecture")),
    "attention": (TransformerConfig(layers=1, heads=2, head_size=3), recipe()),
    "conditions": (TOLD, recipe(label_dropout=0.5)),
    "diverging": (PRESETS["wavenet-s"].model, recipe(optimiser="sgd", learning_rate=1000, evaluate_every=7)),
}
BREAKS = (0, 1, 24, 25, 26, 29, 30, 31, 45, 60, 79, 80)


@dataclass(frozen=True)
class Told:
    """All that a run tells, with the steps that it told it at."""

    progress: tuple[Progress, ...]
    train: tuple[Point, ...]
    validation: tuple[Point, ...]
    weights: dict[str, Tensor]

    @property
    def numbers(self) -> tuple[Any, ...]:
        """All but the weights; of a run that diverged, whose end a save may bring forward, only how it ended."""
        last = self.progress[-1]
        return last.finished if last.diverged else self.progress, self.train, self.validation


def told(run: Trainer, before: Told | None = None, until: int | None = None) -> Told:
    """Let a run go on, to its end or until a step is done, and join what it tells to what was told before."""
    first = before or Told((), (), (), {})
    progress = []
    for p in run.run():
        if first.progress and first.progress[-1].finished:
            break  # it only says again why it ended
        progress.append(p)
        if p.step == until:
            break
    run.fetch()
    return Told(
        first.progress + tuple(progress),
        first.train + tuple(run.curve.train),
        first.validation + tuple(run.curve.validation),
        weights(run),
    )


def through_a_file(state: TrainerState) -> TrainerState:
    return TrainerState(*unpack(pack(state.tensors, state.info)))


@cache
def unbroken(name: str) -> Told:
    with pytest.MonkeyPatch.context() as patch:
        ticking(patch)
        return told(trainer(*RUNS[name]))


def test_the_patient_run_ends_early_between_two_breaks() -> None:
    """Else the next tests would not see whether its waiting is kept."""
    last = unbroken("whole names, AdamW, patience").progress[-1]
    assert last.finished == "No better validation loss in 3 evaluations; the best weights are kept."
    assert 45 < last.step < 60


@pytest.mark.parametrize("name", RUNS)
def test_a_run_taken_up_after_any_step_gives_the_same_numbers(name: str, clock: None) -> None:
    """Through a file into a fresh trainer whose own weights and dice are others: equal to the bit."""
    whole = unbroken(name)
    for step in BREAKS:
        first = trainer(*RUNS[name])
        before = told(first, until=step)
        state = through_a_file(first.state())
        second = trainer(*RUNS[name], seed=99)
        second.load(state)
        after = told(second, before)
        assert after.numbers == whole.numbers, step
        assert equal(after.weights, whole.weights), step


@pytest.mark.parametrize("name", RUNS)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(breaks=st.lists(st.integers(0, 80), min_size=1, max_size=5, unique=True))
def test_a_run_broken_off_again_and_again_gives_the_same_numbers(name: str, breaks: list[int]) -> None:
    """Saving, even without stopping, leaves no trace in the run."""
    with pytest.MonkeyPatch.context() as patch:
        ticking(patch)
        run, so_far = trainer(*RUNS[name]), None
        for step in sorted(breaks):
            so_far = told(run, so_far, until=step)
            run.state()
            state = through_a_file(run.state())
            run = trainer(*RUNS[name], seed=98)
            run.load(state)
        end = told(run, so_far)
    assert end.numbers == unbroken(name).numbers
    assert equal(end.weights, unbroken(name).weights)


def test_saving_does_not_disturb_the_run_that_goes_on(clock: None) -> None:
    """Saved after every step, never loaded: the same numbers."""
    name = "whole names, AdamW, warmup, dropout, clip"
    run = trainer(*RUNS[name])
    for _ in run.run():
        run.state()
    assert tuple(run.curve.train) == unbroken(name).train
    assert equal(weights(run), unbroken(name).weights)


def test_one_state_can_be_taken_up_twice(clock: None) -> None:
    """Neither the run that it came from nor one that it went into moves its numbers."""
    name = "whole names, AdamW, warmup, dropout, clip"
    first = trainer(*RUNS[name])
    before = told(first, until=30)
    state = first.state()
    kept = {key: value.clone() for key, value in state.tensors.items()}
    told(first)
    for seed in (7, 8):
        again = trainer(*RUNS[name], seed=seed)
        again.load(state)
        assert told(again, before).numbers == unbroken(name).numbers
        assert equal(state.tensors, kept)


def test_a_finished_run_stays_finished(clock: None) -> None:
    """Its state can be kept too: taken up, it says once more why it ended."""
    run = trainer()
    *_, last = run.run()
    again = trainer()
    again.load(through_a_file(run.state()))
    assert finish(again) == [replace(last, evaluated=False)]
    assert again.finished == "All steps are done."
    assert equal(weights(again), weights(run))


@pytest.mark.parametrize("model", [MLP, BigramConfig()], ids=["learning", "counting"])
def test_a_point_knows_the_seconds_after_its_step(clock: None, model: Settings) -> None:
    """On both curves; with a clock by which a step takes one second."""
    run = trainer(model, recipe("count") if isinstance(model, BigramConfig) else None)
    finish(run)
    assert run.curve.train
    for point in (*run.curve.train, *run.curve.validation):
        assert point.seconds == point.step


def test_states_of_runs_are_plain(clock: None) -> None:
    """Tensors on the CPU that share no memory, and values that JSON knows."""
    run = trainer(WAVENET, recipe(patience=3))
    for progress in run.run():
        if progress.step in (0, 1, 30):
            state = run.state()
            places = [value.data_ptr() for value in state.tensors.values() if value.numel()]
            assert len(places) == len(set(places))
            assert {type(value) for value in state.info.values()} <= {int, float, bool, str, type(None)}


def test_points_and_progress_are_plain_values() -> None:
    """What goes to the store and to pages holds no tensor."""
    run = trainer()
    last = finish(run)[-1]
    assert {name: type(value) for name, value in vars(last).items()} == {
        "step": int, "seconds": float, "names_seen": float, "evaluated": bool, "finished": str, "diverged": bool,
    }  # fmt: skip
    for point in (*run.curve.train, *run.curve.validation):
        assert {type(value) for value in vars(point).values()} <= {int, float}
    assert isinstance(build(BigramConfig(), V), Bigram)


# ----------------------------------------------------------------------------------------------- conditions


def hidden(run: Trainer, labels: list[tuple[int, ...]], steps: int = 400) -> Tensor:
    """(names, C) which labels a run hides of a batch of names that all are known, again and again."""
    packed = Packed(["ava"] * len(labels), VOCABULARY, labels=labels)
    batches = [run._hide_labels(packed.batch(torch.arange(len(labels)))) for _ in range(steps)]
    return torch.cat([batch.labels == 0 for batch in batches if batch.labels is not None])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.9])
def test_labels_of_a_share_of_names_are_hidden_each_choice_of_them_alike(share: float) -> None:
    """With two kinds: the first, the second, or both, a third of that share each; what stays, stays as it is."""
    found = hidden(trainer(TOLD, recipe(label_dropout=share)), [(1, 5)] * 50).double()
    both = (found[:, 0] * found[:, 1]).mean()
    assert (found.amax(1)).mean().item() == pytest.approx(share, abs=0.012)
    for part in (both, found[:, 0].mean() - both, found[:, 1].mean() - both):
        assert part.item() == pytest.approx(share / 3, abs=0.012)
    one = hidden(trainer(WAVENET.changed(conditions="sex"), recipe(label_dropout=share)), [(1,)] * 50).double()
    assert one.mean().item() == pytest.approx(share, abs=0.012)


def test_runs_without_conditions_draw_the_same_numbers_whatever_the_label_dropout() -> None:
    """Nobody's dice are thrown for labels that nobody has."""
    runs = [trainer(WAVENET, recipe(steps=5, label_dropout=share)) for share in (0.0, 0.9)]
    for run in runs:
        finish(run)
    assert equal(weights(runs[0]), weights(runs[1]))
    told_runs = [trainer(TOLD, recipe(steps=5, label_dropout=share)) for share in (0.0, 0.9)]
    for run in told_runs:
        finish(run)
    assert not equal(weights(told_runs[0]), weights(told_runs[1]))


def test_a_model_learns_to_do_with_its_labels_and_without() -> None:
    """Two halves that differ in their label alone: told which, it knows; untold, it holds both for possible."""
    names, labels = ["ab", "ba"] * 8, [(1,), (2,)] * 8
    packed = Packed(names, VOCABULARY_AB, labels=labels)
    model = build(WaveNetConfig(residual=8, gate=8, skip=8, dilations=(1,), conditions="sex"), 3, seed=1)
    how = recipe(steps=300, evaluate_every=300, batch_size=16, label_dropout=0.3, learning_rate=0.02)
    for _ in Trainer(model, packed, packed, how, seed=1).run():
        pass
    assert evaluate(model, packed).loss < 0.02
    assert evaluate(model, packed, told=False).loss == pytest.approx(math.log(2) / 3, abs=0.02)
