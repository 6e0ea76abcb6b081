"""Runs in the background: fair turns, people's wishes at step boundaries, and the same numbers whatever happens."""

import dataclasses
import itertools
import logging
import math
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from wavenames import config as config_module
from wavenames import models as models_module
from wavenames.checkpoints import load, pack, unpack
from wavenames.config import COUNTED, PRESETS, Refusal, RunConfig, SamplingConfig, conditions_of
from wavenames.jobs import Scheduler, Snapshot, name_list
from wavenames.jobs import scheduler as scheduler_module
from wavenames.jobs import snapshot as snapshot_module
from wavenames.jobs import work as work_module
from wavenames.jobs.lists import prepare
from wavenames.models import Model, build
from wavenames.names import Packed, label_numbers
from wavenames.probes.health_record import packed
from wavenames.sampling import sample
from wavenames.store import Change, Curve, Frame, Look, Metrics, SampledNames, Store, StoredList, StoreFailed, Weights
from wavenames.training import Evaluation, Point, Trainer, best_device, evaluate

NAMES = tuple("".join(letters) for letters in itertools.product("bdklmnrst", "aeiou", ("", "n", "na", "ri")))
LIST = StoredList("upload-0123456789ab", "Syllables", NAMES, "made for the tests")
PATIENCE = 120  # seconds until a test gives up


@pytest.fixture(autouse=True)
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of a few steps, so that tiny runs take many turns."""
    monkeypatch.setattr(scheduler_module, "SLICE", 0.004)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(folder=tmp_path) as opened:
        opened.keep_list(LIST)
        yield opened


@pytest.fixture
def scheduler(store: Store) -> Iterator[Scheduler]:
    opened = Scheduler(store, workers=2)
    yield opened
    opened.close()


def run_config(preset: str = "wavenet-s", **words: object) -> RunConfig:
    usual = {"names": LIST.id, "steps": 300, "evaluate_every": 50, "batch_size": 8, "seed": 5}
    usual |= {"dropout": 0.1} if preset.startswith("wavenet") else {}
    return RunConfig.from_flat({"preset": preset, **usual, **words})


def until(scheduler: Scheduler, there: Callable[[], bool]) -> None:
    """Wait, without polling, until something holds after some slice."""
    with scheduler._released:
        assert scheduler._released.wait_for(there, PATIENCE)


def rest(scheduler: Scheduler, run_id: str) -> Snapshot:
    """Wait until a run has ended or pauses."""
    until(scheduler, lambda: run_id not in scheduler._works or not scheduler._works[run_id].held)
    return scheduler.snapshot(run_id)


def reach(scheduler: Scheduler, run_id: str, step: int) -> None:
    """Wait until a run is at a step, or has ended."""
    until(scheduler, lambda: run_id not in scheduler._works or scheduler._works[run_id].snapshot.step >= step)


def alone(store: Store, config: RunConfig) -> Trainer:
    """The same run in a plain loop, without a scheduler."""
    data = prepare(store, config.data, conditions_of(config.model), best_device())
    model = build(config.model, data.vocabulary.size, config.seed).to(best_device())
    trainer = Trainer(model, data.train, data.validation, config.recipe, config.seed)
    for _ in trainer.run():
        pass
    return trainer


def without_seconds(curve: Curve) -> list[list[float]]:
    return [curve.step.tolist(), curve.names_seen.tolist(), curve.loss.tolist()]


def as_rows(points: list[Point]) -> list[list[float]]:
    return [[p.step for p in points], [p.names_seen for p in points], [p.loss for p in points]]


def assert_same_as_unbroken(scheduler: Scheduler, run_id: str, config: RunConfig) -> None:
    """Weights, both curves and the last names equal, bit for bit, those of a plain loop over the same run."""
    found, kept = scheduler.snapshot(run_id), load(scheduler.store.checkpoint_path(run_id))
    unbroken = alone(scheduler.store, config)
    for name, weights in unbroken.model.state_dict().items():
        assert torch.equal(kept.weights[name], weights), name
    assert without_seconds(found.train) == as_rows(unbroken.curve.train)
    assert without_seconds(found.validation) == as_rows(unbroken.curve.validation)
    options = SamplingConfig(n=work_module.SLOTS, seed=config.seed)
    drawn = sample(unbroken.model, kept.vocabulary, options, kept.membership)
    assert found.samples[-1] == (unbroken.step, tuple(each.name for each in drawn.names))
    assert [step for step, _ in found.samples] == [point.step for point in unbroken.curve.validation]
    np.testing.assert_array_equal(found.frames[-1][1], unbroken.model.letter_vectors)
    assert_weights_are_those_that_were_shown(scheduler, run_id)


def assert_weights_are_those_that_were_shown(scheduler: Scheduler, run_id: str) -> None:
    """The names that the run showed at a step are drawn again from its weights of that step, by the same dice."""
    found, store = scheduler.snapshot(run_id), scheduler.store
    kept = load(store.checkpoint_path(run_id))
    steps, shown = store.weights_steps(run_id), dict(found.samples)
    assert steps == tuple(shown), "one for each evaluation, the first and the last among them"
    options = SamplingConfig(n=work_module.SLOTS, seed=found.config.seed)
    for step in steps:
        model = build(found.config.model, kept.vocabulary.size)
        model.load_state_dict(unpack(store.weights(run_id, step))[0])
        drawn = sample(model, kept.vocabulary, options, kept.membership)
        assert tuple(each.name for each in drawn.names) == shown[step]
    for name, value in model.state_dict().items():
        assert torch.equal(value, kept.weights[name]), name


# ------------------------------------------------------------------------------------------------ the whole way


@pytest.mark.parametrize("preset", ["wavenet-s", "tree-22k", "mlp-3-bn", "dilated-76k"])
def test_a_run_gives_the_numbers_of_a_plain_loop(scheduler: Scheduler, preset: str) -> None:
    config = run_config(preset, steps=120)
    run_id = scheduler.submit(config, title="Mine")
    found = rest(scheduler, run_id)
    assert (found.id, found.title, found.status, found.error) == (run_id, "Mine", "finished", None)
    assert found.verdict == "All steps are done."
    assert (found.step, found.steps, found.config) == (120, 120, config)
    assert found.parameters == build(config.model, len(set("".join(NAMES))) + 1).parameter_count
    assert_same_as_unbroken(scheduler, run_id, config)


LABELLED = StoredList(
    "upload-labelled", "Labelled", NAMES, "made for the tests",
    labels={"sex": ("F", "M", "any") * (len(NAMES) // 3)},
)  # fmt: skip


def test_a_run_with_conditions_is_told_its_labels(scheduler: Scheduler) -> None:
    """As in a plain loop over the same labels; the model says what it was told; a list without them is refused."""
    scheduler.store.keep_list(LABELLED)
    config = run_config(names=LABELLED.id, conditions="sex", steps=60, label_dropout=0.5, split="unique")
    run_id = scheduler.submit(config)
    assert rest(scheduler, run_id).status == "finished"
    assert_same_as_unbroken(scheduler, run_id, config)
    kept = load(scheduler.store.checkpoint_path(run_id))
    assert kept.model().conditions == ("sex",)
    data = prepare(scheduler.store, config.data, ("sex",), torch.device("cpu"))
    assert kept.results.validation == pytest.approx(evaluate(kept.model(), data.validation).loss, abs=1e-9)
    assert kept.results.validation != pytest.approx(evaluate(kept.model(), data.validation, told=False).loss)
    with pytest.raises(Refusal, match=r"^Conditions are decade; the list 'Labelled' knows sex\."):
        scheduler.submit(run_config(names=LABELLED.id, conditions="decade"))
    assert data.train.labels is not None
    names = data.vocabulary.decode(data.train.targets.tolist()).removesuffix(".").split(".")
    whose = dict(zip(NAMES, label_numbers("sex", LABELLED.labels["sex"]), strict=True))
    assert data.train.labels.tolist() == [[whose[name]] for name in names]


def test_a_finished_run_can_be_used(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint is there with its results, they are those of the whole parts, and no state lies about."""
    monkeypatch.setattr(work_module, "SAVE_EVERY", 0.0)
    config = run_config(steps=60)
    run_id = scheduler.submit(config, title="Kept")
    found = rest(scheduler, run_id)
    kept = load(scheduler.store.checkpoint_path(run_id))
    data = prepare(scheduler.store, config.data, (), torch.device("cpu"))
    assert (kept.title, kept.run, kept.vocabulary) == ("Kept", config, data.vocabulary)
    assert kept.membership == data.membership
    for part in ("train", "validation", "test"):
        loss = evaluate(kept.model(), getattr(data, part)).loss
        assert getattr(kept.results, part) == pytest.approx(loss, abs=1e-9)
        assert getattr(found, f"{part}_loss") == getattr(kept.results, part)
        assert getattr(scheduler.store.run(run_id), part) == getattr(kept.results, part)
    assert kept.results.validation_error == evaluate(kept.model(), data.validation).error
    assert (kept.results.steps, kept.results.list_title) == (60, "Syllables")
    assert not scheduler.store.state_path(run_id).exists()


@pytest.mark.parametrize("preset", ["bigram", "kn-5"])
def test_counting_is_a_run_like_any_other(scheduler: Scheduler, preset: str) -> None:
    run_id = scheduler.submit(RunConfig.from_flat({"preset": preset, "names": LIST.id}))
    found = rest(scheduler, run_id)
    assert found.status == "finished"
    counts = load(scheduler.store.checkpoint_path(run_id)).model().parameter_count
    assert found.parameters == scheduler.store.run(run_id).parameters == counts > 0
    assert found.frames == ()
    assert [step for step, _ in found.samples] == [0, 1]
    assert found.validation.loss[1] < found.validation.loss[0]
    assert_weights_are_those_that_were_shown(scheduler, run_id)


@pytest.mark.parametrize("preset", ["baseline", "wavenet-s", "quick"])
def test_health_is_looked_at_and_changes_no_number(
    scheduler: Scheduler, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each evaluation, with the step before it; BatchNorm, dropout and dice as if nobody had looked."""
    monkeypatch.setattr(work_module, "EXAMINE_SHARE", math.inf)
    config = run_config(preset, steps=100, evaluate_every=20)
    run_id = scheduler.submit(config)
    work = scheduler._works[run_id]
    found = rest(scheduler, run_id)
    assert_same_as_unbroken(scheduler, run_id, config)
    assert [step for step, _ in found.looks] == [0, 20, 40, 60, 80, 100]
    assert [packed(look) for _, look in work.snapshot.looks] == [packed(look) for _, look in found.looks]
    seen = [[weight.update is not None for weight in look.weights] for _, look in found.looks]
    assert [{*each} for each in seen] == [{False}] + 5 * [{True}]


def test_looking_takes_its_share_and_no_more(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time to spare only the first and the last evaluation are looked at, also of a run that is stopped."""
    monkeypatch.setattr(work_module, "EXAMINE_SHARE", 1e-9)
    run_id, stopped = (scheduler.submit(run_config(steps=steps, evaluate_every=5)) for steps in (50, 100_000))
    assert [step for step, _ in rest(scheduler, run_id).looks] == [0, 50]
    reach(scheduler, stopped, 12)
    scheduler.stop(stopped)
    found = rest(scheduler, stopped)
    assert [step for step, _ in found.looks] == [0, found.step]
    assert all(weight.update is None for weight in found.looks[-1][1].weights)


def test_a_run_that_goes_back_to_its_best_weights_has_no_last_step(scheduler: Scheduler) -> None:
    """Between those weights and its last step lies no step."""
    found = rest(scheduler, scheduler.submit(run_config(patience=1, steps=100)))
    assert found.looks[-1][0] == found.step
    assert all(weight.update is None for weight in found.looks[-1][1].weights)


@pytest.mark.parametrize(("preset", "numbers"), [("mlp-3", True), ("wavenet-s", False)])
def test_the_last_look_at_a_run_that_diverged_is_at_what_it_became(
    scheduler: Scheduler, preset: str, numbers: bool
) -> None:
    """Not at the good weights that it went back to; where those it had are no numbers, the look is a former one."""
    run_id = scheduler.submit(run_config(preset, optimiser="sgd", learning_rate=1000, schedule="constant", steps=500))
    found = rest(scheduler, run_id)
    assert found.diverged
    assert "ran away" in str(found.verdict) if numbers else "stopped being a number" in str(found.verdict)
    step, look = found.looks[-1]
    kept = load(scheduler.store.checkpoint_path(run_id)).weights
    spreads = {weight.name: weight.spread for weight in look.weights}
    widest = max(float(value.std()) for value in kept.values() if value.dim() == 2)
    assert step == (found.step if numbers else 0)
    assert (max(spreads.values()) > 2 * widest) == numbers
    assert (look.loss > 2 * math.log(27)) == numbers
    assert [at for at, _ in scheduler.store.looks(run_id)] == [at for at, _ in found.looks]


def test_weights_that_are_no_numbers_are_not_looked_at_where_the_loss_is_one(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a BatchNorm the batch's own spread keeps the loss a number."""
    learn = Trainer._learn

    def explode(trainer: Trainer) -> torch.Tensor:
        loss = learn(trainer)
        if trainer.step == 70:
            next(iter(trainer.model.parameters())).data.mul_(1e25)  # the letters' vectors
        return loss

    monkeypatch.setattr(Trainer, "_learn", explode)
    monkeypatch.setattr(work_module, "EXAMINE_SHARE", math.inf)
    found = rest(scheduler, scheduler.submit(run_config("mlp-3-bn", steps=200)))
    assert str(found.verdict).startswith("A weight stopped being a number")
    assert [step for step, _ in found.looks] == [0, 50]


def test_each_slot_keeps_its_dice(scheduler: Scheduler) -> None:
    """Two runs with one seed show the same gibberish at step 0; another seed shows other."""
    ids = [scheduler.submit(run_config(steps=1, seed=seed)) for seed in (1, 1, 2)]
    first, again, other = [rest(scheduler, run_id).samples[0] for run_id in ids]
    assert first == again
    assert len(first[1]) == work_module.SLOTS
    assert first != other


NARROW = [
    ("mlp-8", {"hidden": 6, "batch_size": 5}),
    ("mlp-8-bn", {"hidden": 7}),
    ("rnn", {"hidden": 9}),
    ("gru", {"embedding": 5}),
    ("wavenet-s", {"residual": 9, "gate": 11}),
]


@pytest.mark.parametrize(
    ("preset", "words"),
    [*((name, {}) for name, preset in PRESETS.items() if preset.model.family not in COUNTED), *NARROW],
)
def test_one_thread_and_two_give_the_same_run(store: Store, preset: str, words: dict[str, int]) -> None:
    """A run's numbers do not depend on how many cores the server can spare, and two threads repeat themselves."""
    usual = {
        "steps": 4, "batch_size": 64 if PRESETS[preset].recipe == "modern" else 512, "evaluate_every": 1000,
        "names": "ssa-2018",  # enough names that work is really shared out
    }  # fmt: skip
    config = run_config(preset, **usual | words)
    try:
        runs = []
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            runs.append(alone(store, config))
    finally:
        torch.set_num_threads(1)
    for other in runs[1:]:
        assert as_rows(other.curve.train) == as_rows(runs[0].curve.train)
        assert as_rows(other.curve.validation) == as_rows(runs[0].curve.validation)
        for name, weights in runs[0].model.state_dict().items():
            assert torch.equal(other.model.state_dict()[name], weights), name


# ------------------------------------------------------------------------------------------------ pause and stop


def test_a_pause_ends_at_a_step_and_leaves_no_trace(scheduler: Scheduler) -> None:
    config = run_config()
    run_id = scheduler.submit(config)
    for step in (30, 90, 170):
        reach(scheduler, run_id, step)
        scheduler.pause(run_id)
        paused = rest(scheduler, run_id)
        if paused.status == "finished":
            break
        scheduler.store.flush()
        assert paused.status == scheduler.store.run(run_id).status == "paused"
        assert paused.seconds_left is None
        assert scheduler.snapshot(run_id) is paused, "a run that pauses does not move"
        scheduler.resume(run_id)
    found = rest(scheduler, run_id)
    assert found.status == "finished"
    assert_same_as_unbroken(scheduler, run_id, config)


def test_a_run_that_is_resumed_shows_at_once_that_it_goes_on(store: Store) -> None:
    """A page that draws right after the click must not see "paused", or it would stop looking."""
    scheduler = Scheduler(store, workers=1)
    run_id = scheduler.submit(run_config(steps=100_000))
    scheduler.pause(run_id)
    assert rest(scheduler, run_id).status == "paused"
    scheduler.resume(run_id)
    assert scheduler.snapshot(run_id).status in ("queued", "running")
    scheduler.stop(run_id)
    assert rest(scheduler, run_id).status == "stopped"
    scheduler.close()


def test_a_stopped_run_keeps_its_model_as_it_is_then(scheduler: Scheduler) -> None:
    run_id = scheduler.submit(run_config(steps=100_000))
    reach(scheduler, run_id, 20)
    scheduler.stop(run_id)
    found = rest(scheduler, run_id)
    assert found.status == scheduler.store.run(run_id).status == "stopped"
    assert found.verdict == f"Stopped by hand at step {found.step:,}."
    assert found.samples[-1][0] == found.step
    assert load(scheduler.store.checkpoint_path(run_id)).results.validation == found.validation_loss
    for curve in (found.validation, scheduler.snapshot(run_id).validation):
        ends = [*zip(curve.step.tolist(), curve.loss.tolist(), strict=True)]
        assert ends[-1] == (found.step, found.validation_loss)
        assert [step for step, _ in ends] == sorted({*range(0, found.step, 50), found.step})
    for act in (scheduler.resume, scheduler.pause, scheduler.stop):
        act(run_id)
    assert scheduler.snapshot(run_id).status == "stopped", "an end is an end"


def test_a_stop_is_not_taken_back(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """By somebody who presses Pause in another tab before the run has ended, while its losses are measured."""

    def interfered(model: Model, names: Packed) -> Evaluation:
        scheduler.pause(run_id)
        return evaluate(model, names)

    run_id = scheduler.submit(run_config(steps=100_000, evaluate_every=50_000))
    reach(scheduler, run_id, 20)
    monkeypatch.setattr(work_module, "evaluate", interfered)
    scheduler.stop(run_id)
    found = rest(scheduler, run_id)
    assert found.status == "stopped"
    assert scheduler.snapshot(run_id).validation.step.tolist() == [0, found.step]


def test_a_paused_run_can_be_stopped(scheduler: Scheduler) -> None:
    run_id = scheduler.submit(run_config(steps=100_000))
    scheduler.pause(run_id)
    assert rest(scheduler, run_id).status == "paused"
    scheduler.stop(run_id)
    assert rest(scheduler, run_id).status == "stopped"
    assert scheduler.store.checkpoint_path(run_id).exists()


# ------------------------------------------------------------------------------------------------ restarts


def test_a_restarted_server_takes_a_run_up_to_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed twice in the middle of a run, resumed twice: as if it had never been."""
    monkeypatch.setattr(work_module, "EXAMINE_SHARE", math.inf)
    config = run_config(names=LABELLED.id, conditions="sex")
    with Store(folder=tmp_path) as store:
        store.keep_list(LABELLED)
        scheduler = Scheduler(store, workers=1)
        run_id = scheduler.submit(config)
        reach(scheduler, run_id, 60)
        scheduler.close()
    for step in (150, 10_000):
        with Store(folder=tmp_path) as store:
            scheduler = Scheduler(store, workers=1)
            cut = scheduler.snapshot(run_id)
            assert cut.status == "interrupted"
            assert cut.step > 0
            assert cut.validation.step.size > 0
            assert len(cut.samples) == len(cut.frames) == cut.validation.step.size
            assert [step for step, _ in cut.looks] == cut.validation.step.tolist()
            scheduler.resume(run_id)
            reach(scheduler, run_id, step)
            assert scheduler.snapshot(run_id).looks[0][0] == 0
            scheduler.close()
    with Store(folder=tmp_path) as store:
        scheduler = Scheduler(store, workers=1)
        assert scheduler.snapshot(run_id).status == "finished"
        assert [step for step, _ in scheduler.snapshot(run_id).looks] == [*range(0, 301, 50)]
        assert_same_as_unbroken(scheduler, run_id, config)
        scheduler.close()


TRAIN_UNTIL_KILLED = """
import sys
import textwrap
from pathlib import Path
import torch
from wavenames.config import RunConfig
from wavenames.jobs import Scheduler, scheduler, work
from wavenames.store import Store
torch.set_num_threads(1)
scheduler.SLICE, work.SAVE_EVERY = 0.004, 0.05
store = Store(folder=Path(sys.argv[1]))
runs = Scheduler(store, workers=1)
run = runs.submit(RunConfig.model_validate_json(sys.argv[2]))
print(run, flush=True)
with runs._released:
    runs._released.wait_for(lambda: store.state_path(run).exists() and runs._works[run].snapshot.step > 100)
    print("killed now", flush=True)
    runs._released.wait_for(lambda: False)
"""


def test_a_killed_server_loses_only_a_little_and_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    config = run_config(steps=400)
    with Store(folder=tmp_path) as store:
        store.keep_list(LIST)
    command = [sys.executable, "-c", TRAIN_UNTIL_KILLED, str(tmp_path), config.model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        run_id = server.stdout.readline().strip()
        assert server.stdout.readline() == "killed now\n"
        os.kill(server.pid, signal.SIGKILL)
    with Store(folder=tmp_path) as store:
        scheduler = Scheduler(store, workers=1)
        assert scheduler.snapshot(run_id).status == "interrupted"
        scheduler.resume(run_id)
        assert rest(scheduler, run_id).status == "finished"
        assert_same_as_unbroken(scheduler, run_id, config)
        scheduler.close()


def test_what_lies_past_the_state_of_a_run_that_was_cut_off_is_shown_nowhere(tmp_path: Path) -> None:
    """As a kill leaves it: rows of evaluations after the state from which the run will go on."""
    with Store(folder=tmp_path) as store:
        store.keep_list(LIST)
        scheduler = Scheduler(store, workers=1)
        run_id = scheduler.submit(run_config(steps=100_000))
        reach(scheduler, run_id, 60)
        scheduler.close()
        step, seconds = store.run(run_id).step, store.run(run_id).seconds
        (_, look), *_ = store.looks(run_id)
        late = step + 1000
        store.later(
            Metrics(run_id, "train", [(late, 9.0, 9.0, 3.0)]), Metrics(run_id, "validation", [(late, 9.0, 9.0, 3.0)]),
            SampledNames(run_id, late, ["late"]), Frame(run_id, late, np.zeros((27, 2), np.float32)),
            Look(run_id, late, look), Weights(run_id, late, b"late", 1),
            Change(run_id, {"step": late, "seconds": seconds + 9}),
        )  # fmt: skip
    with Store(folder=tmp_path) as store:
        scheduler = Scheduler(store, workers=1)
        cut = scheduler.snapshot(run_id)
        assert (cut.status, cut.step, cut.seconds) == ("interrupted", step, seconds)
        for last in (
            cut.train.step[-1], cut.validation.step[-1], cut.samples[-1][0], cut.frames[-1][0], cut.looks[-1][0],
            store.weights_steps(run_id)[-1],
        ):  # fmt: skip
            assert 0 <= last <= step
        scheduler.close()


def test_a_run_cut_off_before_its_first_step_starts_over(tmp_path: Path) -> None:
    config = run_config(steps=50)
    with Store(folder=tmp_path) as store:
        store.keep_list(LIST)
        run_id = store.create(config)
        store.later(Metrics(run_id, "train", [(1, 0.1, 8.0, 3.0)]))
    with Store(folder=tmp_path) as store:
        scheduler = Scheduler(store, workers=1)
        cut = scheduler.snapshot(run_id)
        assert (cut.step, cut.train.step.size) == (0, 0)
        scheduler.resume(run_id)
        assert rest(scheduler, run_id).status == "finished"
        assert_same_as_unbroken(scheduler, run_id, config)
        scheduler.close()


def test_an_interrupted_run_can_be_stopped_for_its_model(tmp_path: Path) -> None:
    with Store(folder=tmp_path) as store:
        store.keep_list(LIST)
        scheduler = Scheduler(store, workers=1)
        run_id = scheduler.submit(run_config(steps=100_000))
        reach(scheduler, run_id, 40)
        scheduler.close()
    with Store(folder=tmp_path) as store:
        scheduler = Scheduler(store, workers=1)
        step = scheduler.snapshot(run_id).step
        scheduler.stop(run_id)
        found = rest(scheduler, run_id)
        assert (found.status, found.step) == ("stopped", step)
        assert load(store.checkpoint_path(run_id)).results.steps == step
        scheduler.close()


def test_a_damaged_state_is_said(tmp_path: Path) -> None:
    with Store(folder=tmp_path) as store:
        store.keep_list(LIST)
        run_id = store.create(run_config(), status="running")
        store.state_path(run_id).parent.mkdir()
        store.state_path(run_id).write_bytes(b"rubbish")
        scheduler = Scheduler(store, workers=1)
        scheduler.resume(run_id)
        found = rest(scheduler, run_id)
        assert found.status == "failed"
        assert found.error is not None
        assert "damaged" in found.error
        scheduler.close()


# ------------------------------------------------------------------------------------------------ many at once


def test_thirty_runs_on_two_workers_all_move(scheduler: Scheduler) -> None:
    """Turns go round: while the first run is far from its end, each of the others has come some way."""
    ids = [scheduler.submit(run_config(steps=100_000, seed=seed)) for seed in range(30)]
    assert list(scheduler._works) == ids
    until(scheduler, lambda: all(scheduler._works[run_id].snapshot.step >= 5 for run_id in ids))
    assert {scheduler.snapshot(run_id).status for run_id in ids} == {"running"}
    for run_id in ids:
        scheduler.pause(run_id)
    steps = [rest(scheduler, run_id).step for run_id in ids]
    assert max(steps) < 100_000


def test_many_runs_at_once_change_no_numbers(scheduler: Scheduler) -> None:
    configs = [run_config(steps=40, seed=seed) for seed in range(4)]
    ids = [scheduler.submit(config) for config in configs]
    for run_id, config in zip(ids, configs, strict=True):
        assert rest(scheduler, run_id).status == "finished"
        assert_same_as_unbroken(scheduler, run_id, config)


def test_cores_are_shared_fairly(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run alone gets two cores, two runs on two cores one each."""
    monkeypatch.setattr(scheduler_module, "_cores", lambda: 2)
    used: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    scheduler = Scheduler(store, workers=1)
    first = scheduler.submit(run_config(steps=100_000))
    reach(scheduler, first, 1)
    assert set(used) == {2}
    used.clear()
    scheduler.submit(run_config(steps=100_000))
    until(scheduler, lambda: used[-4:] == [1] * 4)
    scheduler.close()


def test_a_run_alone_stays_with_the_one_worker_that_has_several_threads(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that several workers hold outnumber the cores, and OpenMP then slows them all down."""
    monkeypatch.setattr(scheduler_module, "_cores", lambda: 2)
    used: list[tuple[str, int]] = []
    monkeypatch.setattr(torch, "set_num_threads", lambda n: used.append((threading.current_thread().name, n)))
    scheduler = Scheduler(store, workers=2)
    for _ in range(3):
        rest(scheduler, scheduler.submit(run_config(steps=60)))
    assert set(used) == {("wavenames-run-0", 2)}
    both = [scheduler.submit(run_config(steps=100_000)) for _ in range(2)]
    until(scheduler, lambda: {name for name, _ in used} == {"wavenames-run-0", "wavenames-run-1"})
    assert {n for name, n in used if name == "wavenames-run-1"} == {1}
    for run_id in both:
        scheduler.stop(run_id)
    scheduler.close()


def test_a_snapshot_stays_as_it_is(scheduler: Scheduler) -> None:
    """What a page holds does not change under its hands while the run goes on."""
    run_id = scheduler.submit(run_config())
    reach(scheduler, run_id, 60)
    held = scheduler.snapshot(run_id)
    before = (
        held.step,
        without_seconds(held.train),
        without_seconds(held.validation),
        held.samples,
        len(held.frames),
    )
    assert rest(scheduler, run_id).step > held.step
    assert before == (
        held.step, without_seconds(held.train), without_seconds(held.validation), held.samples, len(held.frames)
    )  # fmt: skip
    with pytest.raises(dataclasses.FrozenInstanceError):
        held.step = 0  # type: ignore[misc]


def test_a_run_at_work_says_how_long_it_will_take(scheduler: Scheduler) -> None:
    run_id = scheduler.submit(run_config(steps=100_000))
    until(scheduler, lambda: scheduler._works[run_id].snapshot.seconds_left is not None)
    found = scheduler.snapshot(run_id)
    assert found.seconds_left is not None
    assert found.seconds_left > 0
    assert found.seconds > 0


def test_too_many_runs_are_refused(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = config_module.ServerLimits(max_active_runs=2)
    monkeypatch.setattr(scheduler_module, "SERVER_LIMITS", limits)
    ids = [scheduler.submit(run_config(steps=100_000)) for _ in range(2)]
    with pytest.raises(Refusal, match="allowed is at most 2"):
        scheduler.submit(run_config())
    scheduler.stop(ids[0])
    rest(scheduler, ids[0])
    scheduler.submit(run_config(steps=1))


def test_paused_runs_take_no_turn_from_others(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can fill the server with runs that rest; they can't all go on at once either."""
    monkeypatch.setattr(scheduler_module, "SERVER_LIMITS", config_module.ServerLimits(max_active_runs=1))
    ids = []
    for _ in range(3):
        ids.append(scheduler.submit(run_config(steps=100_000)))
        scheduler.pause(ids[-1])
        assert rest(scheduler, ids[-1]).status == "paused"
    scheduler.resume(ids[0])
    with pytest.raises(Refusal, match="allowed is at most 1"):
        scheduler.resume(ids[1])
    scheduler.stop(ids[2])
    assert rest(scheduler, ids[2]).status == "stopped", "an end needs no room"


def test_of_many_paused_runs_few_stay_in_memory(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others rest on disk, are still shown as paused, and go on to the same numbers."""
    monkeypatch.setattr(scheduler_module, "PAUSED_KEPT", 1)
    config = run_config()
    ids = [scheduler.submit(run_config(steps=steps)) for steps in (300, 100_000, 100_000)]
    reach(scheduler, ids[0], 20)
    for run_id in ids:
        scheduler.pause(run_id)
        rest(scheduler, run_id)
    until(scheduler, lambda: list(scheduler._works) == ids[2:])
    scheduler.store.flush()
    assert {scheduler.snapshot(run_id).status for run_id in ids} == {"paused"}
    scheduler.resume(ids[0])
    assert rest(scheduler, ids[0]).status == "finished"
    assert_same_as_unbroken(scheduler, ids[0], config)
    scheduler.stop(ids[1])
    assert rest(scheduler, ids[1]).status == "stopped"


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_one_run_that_fails_harms_no_other(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure is a sentence for people and a traceback in the log; the worker goes on with the rest."""
    learn = Trainer._learn

    def learn_or_break(trainer: Trainer) -> torch.Tensor:
        if trainer.recipe.steps == 77 and trainer.step == 20:
            raise RuntimeError("a wire came loose\nsecond line")
        return learn(trainer)

    monkeypatch.setattr(Trainer, "_learn", learn_or_break)
    good = [scheduler.submit(run_config(seed=seed, steps=60)) for seed in range(3)]
    bad = scheduler.submit(run_config(steps=77))
    found = rest(scheduler, bad)
    assert (found.status, found.step < 77) == ("failed", True)
    assert found.error == "The run failed (RuntimeError: a wire came loose); the log says more."
    assert scheduler.store.run(bad).error == found.error
    assert bad not in scheduler._works, "it takes no room from others"
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[0] is RuntimeError
    assert {rest(scheduler, run_id).status for run_id in good} == {"finished"}
    monkeypatch.setattr(Trainer, "_learn", learn)
    scheduler.resume(bad)
    assert rest(scheduler, bad).status == "finished", "the cause removed, it can be taken up again"
    assert_same_as_unbroken(scheduler, bad, run_config(steps=77))


def test_a_full_disk_fails_the_run_in_a_sentence(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the failure itself can't be written, pages see it."""
    run_id = scheduler.submit(run_config(steps=100_000))
    reach(scheduler, run_id, 1)

    def refuse(*_: object) -> None:
        raise StoreFailed("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(scheduler.store, "later", refuse)
        found = rest(scheduler, run_id)
        assert (found.status, found.error) == ("failed", "Results can't be saved: the disk is full.")
    scheduler.resume(run_id)
    reach(scheduler, run_id, 5)
    assert scheduler.snapshot(run_id).status == "running"


def test_a_store_that_cannot_even_be_read_ends_no_worker(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The run is shown as failed though nobody could be told, and its worker goes on with the next one."""
    scheduler = Scheduler(store, workers=1)
    run_id = scheduler.submit(run_config(steps=100_000))
    reach(scheduler, run_id, 1)

    def locked(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))

    with monkeypatch.context() as broken:
        broken.setattr(store, "later", locked)
        broken.setattr(store, "run", locked)
        assert rest(scheduler, run_id).status == "failed"
    assert "could not be kept" in caplog.text
    with monkeypatch.context() as broken:
        broken.setattr(work_module.Work, "advance", locked)
        other = scheduler.submit(run_config(steps=5))
        assert rest(scheduler, other).status == "failed", "whatever one run does"
    for each in (run_id, other, scheduler.submit(run_config(steps=5))):
        scheduler.resume(each)
        reach(scheduler, each, 5)
    scheduler.close()


def test_a_run_resumed_while_it_fails_is_not_lost(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between "failed" on the pages and the worker's farewell there is time enough to press Resume."""
    learn, advance = Trainer._learn, work_module.Work.advance
    breaks = iter([True])

    def learn_or_break(trainer: Trainer) -> torch.Tensor:
        if trainer.step == 20 and next(breaks, False):
            raise RuntimeError("a wire came loose")
        return learn(trainer)

    def advance_and_resume(work: work_module.Work, seconds: float) -> None:
        advance(work, seconds)
        if work.snapshot.status == "failed":
            scheduler.resume(work.id)

    monkeypatch.setattr(Trainer, "_learn", learn_or_break)
    monkeypatch.setattr(work_module.Work, "advance", advance_and_resume)
    run_id = scheduler.submit(run_config(steps=60))
    assert rest(scheduler, run_id).status == "finished"
    assert_same_as_unbroken(scheduler, run_id, run_config(steps=60))


def test_a_run_that_diverges_says_so_and_keeps_numbers(scheduler: Scheduler) -> None:
    config = run_config(steps=500, optimiser="sgd", learning_rate=1000, schedule="constant")
    run_id = scheduler.submit(config)
    found = rest(scheduler, run_id)
    assert (found.status, found.diverged) == ("finished", True)
    assert found.verdict is not None
    assert "try a learning rate below 1000" in found.verdict
    assert scheduler.store.run(run_id).diverged
    kept = load(scheduler.store.checkpoint_path(run_id))
    assert all(bool(weights.isfinite().all()) for weights in kept.weights.values())


def test_what_cannot_run_is_refused_before_it_has_an_id(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refusal, match="no such list"):
        scheduler.submit(run_config(names="upload-gone"))
    monkeypatch.setattr(models_module, "SERVER_LIMITS", config_module.ServerLimits(max_parameters=1000))
    with pytest.raises(Refusal, match="Parameters"):
        scheduler.submit(run_config())
    scheduler.store.keep_list(StoredList("upload-short", "Short", ("a", "b"), "two.txt"))
    with pytest.raises(Refusal, match="too short"):
        scheduler.submit(run_config(names="upload-short"))
    assert scheduler.store.runs() == []


def test_lists_are_found_by_id(store: Store) -> None:
    assert name_list(store, LIST.id).names == NAMES
    assert name_list(store, "ssa-2018").title == "US births of 2018"
    with pytest.raises(Refusal, match="no such list"):
        name_list(store, "upload-ffffffffffff")


def test_an_unknown_run_is_refused_by_every_verb(scheduler: Scheduler) -> None:
    for verb in (scheduler.snapshot, scheduler.pause, scheduler.resume, scheduler.stop, scheduler.delete):
        with pytest.raises(Refusal, match="There is no run"):
            verb("x" * 22)
    with pytest.raises(Refusal, match="There is no run"):
        scheduler.rename("x" * 22, "title")


def test_rename_shows_on_a_run_that_goes_on_and_on_one_that_has_ended(scheduler: Scheduler) -> None:
    run_id = scheduler.submit(run_config(steps=100_000))
    reach(scheduler, run_id, 1)
    scheduler.rename(run_id, " New  title ")
    assert scheduler.snapshot(run_id).title == "New title"
    scheduler.stop(run_id)
    assert rest(scheduler, run_id).title == "New title"
    scheduler.rename(run_id, "Newer")
    assert scheduler.snapshot(run_id).title == "Newer"


@pytest.mark.parametrize("before", ["running", "paused", "finished"])
def test_a_deleted_run_is_gone_whatever_it_did(scheduler: Scheduler, before: str) -> None:
    run_id = scheduler.submit(run_config(steps=30 if before == "finished" else 100_000))
    if before == "paused":
        scheduler.pause(run_id)
    if before == "running":
        reach(scheduler, run_id, 1)
    else:
        rest(scheduler, run_id)
    assert scheduler.snapshot(run_id).status == before
    scheduler.delete(run_id)
    with pytest.raises(Refusal, match="deleted"):
        scheduler.snapshot(run_id)
    scheduler.store.flush()
    assert not scheduler.store.checkpoint_path(run_id).parent.exists()
    assert not scheduler._works
    other = scheduler.submit(run_config(steps=5))
    assert rest(scheduler, other).status == "finished"


def test_a_closed_scheduler_takes_no_run(store: Store) -> None:
    scheduler = Scheduler(store, workers=1)
    scheduler.close()
    assert not any(thread.is_alive() for thread in scheduler._threads)
    with pytest.raises(Refusal, match="shutting down"):
        scheduler.submit(run_config())


def test_there_is_one_scheduler_on_a_data_folder(store: Store, tmp_path: Path) -> None:
    """A second server is refused and harms nothing; when the first is closed, or killed, the folder is free."""
    scheduler = Scheduler(store, workers=1)
    run_id = scheduler.submit(run_config(steps=100_000))
    reach(scheduler, run_id, 1)
    with Store(folder=tmp_path) as other, pytest.raises(Refusal, match="close it, or set WAVENAMES_DATA"):
        Scheduler(other)
    store.flush()
    assert store.run(run_id).status == "running"
    scheduler.close()
    scheduler.close()
    Scheduler(store, workers=1).close()
    assert store.run(run_id).status == "interrupted"


def test_idle_workers_sleep(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing to do no slice is begun: a paused run is not asked again and again."""
    turns = threading.Semaphore(0)
    advance = work_module.Work.advance

    def counted(work: work_module.Work, seconds: float) -> None:
        turns.release()
        advance(work, seconds)

    monkeypatch.setattr(work_module.Work, "advance", counted)
    scheduler = Scheduler(store, workers=2)
    run_id = scheduler.submit(run_config(steps=100_000))
    scheduler.pause(run_id)
    rest(scheduler, run_id)
    while turns.acquire(blocking=False):
        pass
    assert not turns.acquire(timeout=0.2)
    scheduler.close()


# ------------------------------------------------------------------------------------------------ long runs


def curve_of(steps: list[int]) -> Curve:
    numbers = np.array(steps, float)
    return Curve(np.array(steps, np.int64), numbers / 10, numbers * 8, 3 / (1 + numbers))


@given(last=st.integers(1, 3000), every=st.integers(1, 7), most=st.integers(1, 50), cut=st.integers(0, 3000))
def test_a_long_row_is_thinned_evenly_however_it_grew(last: int, every: int, most: int, cut: int) -> None:
    """Grown in one go or in two, through a restart or not: the same steps are kept, both ends among them."""
    steps = list(range(0, last * every + 1, every))
    whole = snapshot_module.some([(step, step) for step in steps], every, most)
    kept = [step for step, _ in whole]
    assert kept[0] == 0
    assert kept[-1] == steps[-1]
    assert len(kept) <= most + 2
    assert len({b - a for a, b in itertools.pairwise(kept[:-1])}) <= 1
    first = snapshot_module.some([(step, step) for step in steps[: cut + 1]], every, most)
    rest_of_them = [(step, step) for step in steps[cut + 1 :]]
    again = snapshot_module.some([*first, *rest_of_them], every, most)
    assert again[:-1] == tuple(row for row in whole if row in again[:-1])
    assert set(whole[:-1]) <= {*again}


def test_a_long_curve_keeps_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_module, "MOST_POINTS", 100)
    curve = snapshot_module.EMPTY
    for first in range(1, 2001, 25):
        points = [Point(step, step / 10, step * 8.0, 3 / (1 + step)) for step in range(first, first + 25)]
        curve = snapshot_module.thinned(snapshot_module.longer(curve, points), 1)
        assert len(curve.step) <= 101
        assert curve.step[-1] == first + 24
    direct = snapshot_module.thinned(curve_of(list(range(1, 2001))), 1)
    assert without_seconds(curve) == without_seconds(direct)


def test_the_store_keeps_of_a_long_run_what_the_snapshot_kept(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the end from memory, after it from the store: the same curve, names and vectors, all bounded."""
    monkeypatch.setattr(snapshot_module, "MOST_POINTS", 20)
    monkeypatch.setattr(work_module, "MOST_POINTS", 20)
    monkeypatch.setattr(snapshot_module, "MOST_LOOKS", 4)
    monkeypatch.setattr(work_module, "MOST_LOOKS", 4)
    run_id = scheduler.submit(run_config(steps=150, evaluate_every=5))
    work = scheduler._works[run_id]
    found = rest(scheduler, run_id)
    live = work.snapshot
    assert found is not live
    assert without_seconds(live.train) == without_seconds(found.train)
    assert without_seconds(live.validation) == without_seconds(found.validation)
    assert live.samples == found.samples
    assert [step for step, _ in live.frames] == [step for step, _ in found.frames] == [0, 40, 80, 120, 150]
    for (_, mine), (_, theirs) in zip(live.frames, found.frames, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert len(found.train.step) <= 21


@pytest.mark.parametrize(("room", "steps"), [(8, [0, 20, 40, 60, 80, 100, 117]), (0, [0, 40, 80, 117])])
def test_a_long_run_keeps_weights_evenly_spread_within_a_bound_on_bytes(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, room: int, steps: list[int]
) -> None:
    """A model too large for the bound keeps a few even so. The last step stays though no other is so near."""
    config = run_config(steps=117, evaluate_every=5)
    size = len(pack(build(config.model, len(set("".join(NAMES))) + 1).state_dict(), {}))
    monkeypatch.setattr(work_module, "WEIGHT_BYTES", room * size)
    monkeypatch.setattr(work_module, "FEWEST_WEIGHTS", 4)
    run_id = scheduler.submit(config)
    assert rest(scheduler, run_id).status == "finished"
    assert list(scheduler.store.weights_steps(run_id)) == steps
    files = [*scheduler.store.weights_path(run_id, 0).parent.iterdir()]
    assert sum(path.stat().st_size for path in files) == len(steps) * size


def test_weights_can_be_read_while_the_run_goes_on(scheduler: Scheduler) -> None:
    run_id = scheduler.submit(run_config(steps=100_000, evaluate_every=10))
    reach(scheduler, run_id, 40)
    scheduler.store.flush()
    assert scheduler.store.weights_steps(run_id)[:4] == (0, 10, 20, 30)
    assert unpack(scheduler.store.weights(run_id, 10))[0].keys() == scheduler._works[run_id].model.state_dict().keys()
    scheduler.delete(run_id)
    assert scheduler.store.weights_steps(run_id) == ()


def test_threads_that_wait_do_not_spin_for_long() -> None:
    """The setting is in place before torch reads it, whichever room is imported first."""
    code = "import os, wavenames.training; print(os.environ['GOMP_SPINCOUNT'])"
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "1000\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a matter of glibc's allocator")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    """What a step asks for, some MB in all, is cut from the heap, whose end stays where it is when all is let go."""
    code = textwrap.dedent("""
        import ctypes, wavenames, torch

        libc = ctypes.CDLL(None)
        libc.sbrk.restype, libc.sbrk.argtypes = ctypes.c_void_p, (ctypes.c_ssize_t,)
        tensor = torch.empty(20 * 2**20, dtype=torch.uint8)
        end = libc.sbrk(0)
        below = tensor.data_ptr() + len(tensor) <= end
        del tensor
        print(below, libc.sbrk(0) == end)
    """)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "True True\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a matter of glibc's allocator")
@pytest.mark.parametrize(("said", "arenas"), [({}, 4), ({"MALLOC_ARENA_MAX": "2"}, 2)])
def test_many_threads_keep_freed_memory_in_few_places(said: dict[str, str], arenas: int) -> None:
    """A server has a thread for each visitor, and each arena keeps some MB. What the environment says is heeded."""
    code = textwrap.dedent("""
        import ctypes, threading, wavenames, torch

        meet = threading.Barrier(12)
        threads = [threading.Thread(target=lambda: (torch.ones(1000), meet.wait())) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ctypes.CDLL(None).malloc_stats()
    """)
    told = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | said, capture_output=True, text=True, check=True
    )
    assert told.stderr.count("Arena ") == arenas
