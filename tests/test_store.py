"""The store: what was run outlives restarts, kills and crowds."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from wavenames import store as store_module
from wavenames.config import SERVER_LIMITS, Refusal, RunConfig
from wavenames.store import (
    Change,
    File,
    Frame,
    Look,
    Metrics,
    SampledNames,
    Store,
    StoredList,
    StoreFailed,
    Weights,
    replacing,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(folder=tmp_path) as opened:
        yield opened


def brought(number: int, letters: int = 1, label: str | None = None) -> StoredList:
    labels = {} if label is None else {"sex": (label,)}
    return StoredList(f"upload-{number}", f"list {number}", ("a" * letters,), "a test", labels=labels)


@pytest.mark.parametrize(
    ("limits", "letters", "label"),
    [({"max_lists": 3}, 90, None), ({"max_list_bytes": 350}, 90, None), ({"max_list_bytes": 350}, 1, "F" * 80)],
)
def test_lists_are_bounded_and_the_oldest_that_nothing_was_learned_from_go_first(
    store: Store, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], letters: int, label: str | None
) -> None:
    """In number and in size, labels included; what a run learned from stays, until it is deleted; else a refusal."""
    monkeypatch.setattr(store_module, "SERVER_LIMITS", SERVER_LIMITS.changed(**limits))

    def there() -> list[int]:
        return [number for number in range(10) if store.name_list(f"upload-{number}")]

    def learned(number: int) -> str:
        return store.create(RunConfig.from_flat({"preset": "bigram", "names": f"upload-{number}"}))

    for number in range(3):
        store.keep_list(brought(number, letters, label))
    runs = [learned(0)]
    store.keep_list(brought(3, letters, label))
    assert there() == [0, 2, 3]
    store.keep_list(brought(2, letters, label))  # brought again, it is the newest
    store.keep_list(brought(4, letters, label))
    assert there() == [0, 2, 4]
    runs += [learned(2), learned(4)]
    with pytest.raises(Refusal, match="keeps 3 lists that runs learned from, and has no room for another"):
        store.keep_list(brought(5, letters, label))
    assert there() == [0, 2, 4]
    store.delete(runs[0])
    store.keep_list(brought(5, letters, label))
    assert there() == [2, 4, 5]


def points(first: int, last: int) -> list[tuple[int, float, int, float]]:
    return [(step, step / 10, step * 32, 3.0 / step) for step in range(first, last + 1)]


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    config = RunConfig.from_flat({"preset": "wavenet-s", "dilations": "1,2", "seed": "7"})
    vectors = np.arange(54, dtype=np.float32).reshape(27, 2)
    kept = StoredList("upload-0123456789ab", "Cats", ("mimi", "Ömer"), "cats.csv", "mine", {"sex": ("F", "any")})
    with Store(folder=tmp_path) as first:
        run_id = first.create(config, title="  My   run ")
        first.later(Metrics(run_id, "train", points(1, 3)), Metrics(run_id, "validation", points(3, 3)))
        first.later(Metrics(run_id, "train", [(4, 0.4, 128, float("nan"))]))
        first.later(SampledNames(run_id, 0, ["a", "bc"]), SampledNames(run_id, 3, ["ab", "bcd"]))
        first.later(Look(run_id, 3, b"well"))
        first.later(Frame(run_id, 3, vectors), File(run_id, "state", b"old"), File(run_id, "state", b"new"))
        first.later(Weights(run_id, 0, b"w0", 1), Weights(run_id, 3, b"early", 1), Weights(run_id, 3, b"w3", 1))
        first.later(Change(run_id, {"step": 3, "seconds": 0.3, "parameters": 99, "validation": 2.0}))
        first.set_status(run_id, "finished", verdict="Done.")
        first.keep_list(kept)
    with Store(folder=tmp_path) as second:
        (run,) = second.runs()
        assert run == second.run(run_id)
        assert (run.title, run.status, run.verdict) == ("My run", "finished", "Done.")
        assert (run.step, run.steps) == (3, config.recipe.steps)
        assert (run.preset, run.family, run.parameters, run.validation) == ("wavenet-s", "wavenet", 99, 2.0)
        assert run.configuration() == config
        assert run.updated >= run.created
        curve = second.curve(run_id, "train")
        assert curve.step.tolist() == [1, 2, 3, 4]
        assert curve.names_seen.tolist() == [32, 64, 96, 128]
        np.testing.assert_array_equal(curve.seconds, [0.1, 0.2, 0.3, 0.4])
        np.testing.assert_array_equal(curve.loss, [3.0, 1.5, 1.0, np.nan])
        assert second.curve(run_id, "validation").step.tolist() == [3]
        assert second.curve(run_id, "test").loss.size == 0
        assert second.samples(run_id) == [(0, ("a", "bc")), (3, ("ab", "bcd"))]
        ((step, frame),) = second.frames(run_id)
        assert step == 3
        np.testing.assert_array_equal(frame, vectors)
        assert second.looks(run_id) == [(3, b"well")]
        assert second.state_path(run_id).read_bytes() == b"new"
        assert {step: second.weights(run_id, step) for step in second.weights_steps(run_id)} == {0: b"w0", 3: b"w3"}
        assert second.name_list(kept.id) == kept
        assert second.name_list("upload-none") is None


def test_sqlite_runs_in_wal_mode(store: Store, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "wavenames.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_row_without_its_run_is_a_mistake_that_is_said_once(store: Store) -> None:
    """Who next writes for that run hears of it; then the store works on."""
    store.later(Metrics("nobody", "train", points(1, 1)))
    with pytest.raises(StoreFailed, match="can't be saved") as caught:
        store.flush("nobody")
    assert isinstance(caught.value.__cause__, IntegrityError)
    store.flush()
    run_id = store.create(RunConfig())
    store.later(Metrics("nobody", "train", points(2, 2)))
    store.flush(run_id)
    with pytest.raises(StoreFailed):
        store.later(Metrics("nobody", "train", points(3, 3)))
    store.flush()


def test_a_mistake_costs_no_other_run(store: Store) -> None:
    """In one transaction with it: rows, files and calls of others are kept, and others hear nothing of it."""
    good, bad = store.create(RunConfig()), store.create(RunConfig())
    store.later(Metrics(good, "train", points(1, 2)), Metrics(bad, "train", points(1, 2)))
    store.later(Metrics(bad, "train", points(2, 2)), File(bad, "state", b"after the gap"))
    store.later(Metrics(good, "train", points(3, 3)), File(good, "state", b"good"))
    created = store.create(RunConfig())
    store.later(Metrics(created, "train", points(1, 1)), Metrics(good, "train", points(4, 4)))
    store.flush(good)
    assert store.curve(good, "train").step.tolist() == [1, 2, 3, 4]
    assert store.curve(created, "train").step.tolist() == [1]
    assert store.state_path(good).read_bytes() == b"good"
    assert not store.state_path(bad).exists(), "no state is ahead of its rows"
    with pytest.raises(StoreFailed, match="UNIQUE"):
        store.set_status(bad, "running")
    store.set_status(bad, "failed")
    assert store.run(bad).status == "failed"


def test_a_write_on_a_full_disk_is_refused_in_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told and nothing is left that could harm the next one."""
    run_id = store.create(RunConfig())

    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(store_module, "_apply", full)
        kept = StoredList("upload-0123456789ab", "Cats", ("mimi",), "cats.txt")
        for write in (
            lambda: store.create(RunConfig()),
            lambda: store.keep_list(kept),
            lambda: store.delete(run_id),
            lambda: store.rewind(run_id, 1),
        ):
            with pytest.raises(Refusal, match=r"^Results can't be saved: database or disk is full\.$"):
                write()
    store.later(Metrics(run_id, "train", points(1, 1)))
    store.flush()


WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
from typing import get_args
from wavenames.config import RunConfig
from wavenames.store import File, Metrics, Store
store = Store(folder=Path(sys.argv[1]))
run = store.create(RunConfig(), status="running")
print(run, flush=True)
for step in range(1, 10**9):
    store.later(Metrics(run, "train", [(step, step / 10, step, 1.0)]), File(run, "state", b"%d" % step))
    if step % 500 == 0:
        store.flush()
        print(step, flush=True)
"""


def test_a_killed_server_leaves_a_readable_database_and_loses_no_flushed_row(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        run_id = writer.stdout.readline().strip()
        flushed = [int(writer.stdout.readline()) for _ in range(3)][-1]
        os.kill(writer.pid, signal.SIGKILL)
        flushed = max([flushed, *map(int, writer.stdout)])
    leftover = tmp_path / "runs" / run_id / ".state.safetensors.x.tmp"
    leftover.write_bytes(b"half")
    with Store(folder=tmp_path) as after:
        steps = after.curve(run_id, "train").step.tolist()
        assert steps == list(range(1, len(steps) + 1)), "what is kept is all that came before, without a gap"
        assert len(steps) >= flushed
        assert flushed <= int(after.state_path(run_id).read_bytes()) <= len(steps), "rows are never behind the state"
        assert after.mark_interrupted() == [run_id]
        assert after.run(run_id).status == "interrupted"
        assert after.mark_interrupted() == []
        assert not leftover.exists()
    with sqlite3.connect(tmp_path / "wavenames.db") as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    other.close()


def test_only_runs_that_were_cut_off_become_interrupted(store: Store) -> None:
    ids = {status: store.create(RunConfig(), status=status) for status in get_args(store_module.Status)}
    cut = store.mark_interrupted()
    assert set(cut) == {ids["queued"], ids["running"], ids["paused"]}
    assert store.run(ids["finished"]).status == "finished"
    assert store.run(ids["failed"]).status == "failed"


def test_many_threads_write_and_read_at_once(store: Store) -> None:
    """Eight threads write eight runs while four read all; each run is whole in the end."""
    ids = [store.create(RunConfig(), title=f"run {i}") for i in range(8)]
    errors: list[BaseException] = []
    writing = threading.Event()
    writing.set()

    def write(run_id: str) -> None:
        try:
            for step in range(1, 101):
                store.later(Metrics(run_id, "train", points(step, step)), SampledNames(run_id, step, ["x"]))
                if step % 25 == 0:
                    store.rename(run_id, f"at {step}")
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    def read() -> None:
        try:
            while writing.is_set():
                assert len(store.runs()) == 8
                for run_id in ids:
                    steps = store.curve(run_id, "train").step.tolist()
                    assert steps == list(range(1, len(steps) + 1))
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    writers = [threading.Thread(target=write, args=(run_id,)) for run_id in ids]
    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in writers + readers:
        thread.start()
    for thread in writers:
        thread.join()
    store.flush()
    writing.clear()
    for thread in readers:
        thread.join()
    assert not errors
    for run_id in ids:
        assert store.curve(run_id, "train").step.tolist() == list(range(1, 101))
        assert len(store.samples(run_id)) == 100
        assert store.run(run_id).title == "at 100"


def test_two_processes_may_share_a_database(store: Store, tmp_path: Path) -> None:
    """The command line may write while the server runs: neither sees the other's lock as a failure."""
    with Store(folder=tmp_path) as other:
        mine, theirs = store.create(RunConfig()), other.create(RunConfig())

        def write(into: Store, run_id: str) -> None:
            for step in range(1, 201):
                into.later(Metrics(run_id, "train", points(step, step)))
                into.flush()

        threads = [threading.Thread(target=write, args=pair) for pair in ((store, mine), (other, theirs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {run.id for run in store.runs()} == {mine, theirs}
        assert store.curve(theirs, "train").step.size == other.curve(mine, "train").step.size == 200


def test_a_crash_while_writing_a_file_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "checkpoint.safetensors"
    with replacing(path) as temporary:
        temporary.write_bytes(b"first")
    assert path.read_bytes() == b"first"

    def write_half_of_the_second() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half of the sec")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_half_of_the_second()
    assert path.read_bytes() == b"first"
    assert list(path.parent.iterdir()) == [path], "nothing is left lying about"
    with path.open("rb") as reader:
        with replacing(path) as temporary:
            assert temporary.parent == path.parent, "a move across disks would not be atomic"
            temporary.write_bytes(b"second")
        assert reader.read() == b"first", "who was reading the old file still has all of it"
    assert path.read_bytes() == b"second"


def test_rename_and_delete(store: Store) -> None:
    run_id, other = store.create(RunConfig()), store.create(RunConfig())
    store.rename(run_id, "Better")
    assert store.run(run_id).title == "Better"
    store.later(Metrics(run_id, "train", points(1, 5)), SampledNames(run_id, 1, ["a"]), File(run_id, "state", b"s"))
    store.later(File(run_id, "checkpoint", b"weights"), Weights(run_id, 0, b"weights", 1))
    store.flush()
    assert store.checkpoint_path(run_id).read_bytes() == b"weights"
    store.delete(run_id)
    store.later(
        Metrics(run_id, "train", points(6, 7)), File(run_id, "checkpoint", b"late"), Change(run_id, {"step": 7})
    )
    store.later(Weights(run_id, 7, b"late", 1))
    store.later(Metrics(other, "train", points(1, 1)))
    store.flush()
    assert [run.id for run in store.runs()] == [other]
    assert not store.state_path(run_id).parent.exists(), "files are gone and do not come back"
    assert store.weights_steps(run_id) == ()
    assert store.curve(run_id, "train").step.size == 0
    assert store.samples(run_id) == []
    for refused in (store.run, store.delete, lambda run: store.rename(run, "again")):
        with pytest.raises(Refusal, match="deleted"):
            refused(run_id)
    assert store.curve(other, "train").step.size == 1


@pytest.mark.parametrize("run_id", ["", "x" * 22, "../../../../etc/passwd", "a/b", "\x00", "é" * 22])
def test_an_unknown_or_forged_id_is_refused(store: Store, run_id: str) -> None:
    with pytest.raises(Refusal, match="There is no run"):
        store.run(run_id)
    if run_id != "x" * 22:
        with pytest.raises(Refusal, match="There is no run"):
            store.checkpoint_path(run_id)
        with pytest.raises(Refusal, match="There is no run"):
            store.weights(run_id, 0)


def test_ids_cannot_be_guessed(store: Store) -> None:
    ids = {store.create(RunConfig()) for _ in range(20)}
    assert len(ids) == 20
    assert all(store_module.RUN_ID.fullmatch(run_id) for run_id in ids)


def test_rewind_forgets_what_came_after(store: Store) -> None:
    """A resumed run starts from its last state: steps that were recorded after it are done again, not twice."""
    run_id = store.create(RunConfig())
    for step in (2, 4, 6):
        store.later(
            Metrics(run_id, "train", points(step - 1, step)), Metrics(run_id, "validation", points(step, step))
        )
        store.later(SampledNames(run_id, step, ["a"]), Frame(run_id, step, np.ones((3, 2), np.float32)))
        store.later(Look(run_id, step, b"well"))
        store.later(Weights(run_id, step, b"weights", 1))
    store.rewind(run_id, 4)
    assert store.weights_steps(run_id) == (2, 4), "those on their way to the disk are gone as well"
    store.later(Metrics(run_id, "train", points(5, 8)))
    store.flush()
    assert store.curve(run_id, "train").step.tolist() == list(range(1, 9))
    assert store.curve(run_id, "validation").step.tolist() == [2, 4]
    assert [step for step, _ in store.samples(run_id)] == [step for step, _ in store.frames(run_id)] == [2, 4]
    assert [step for step, _ in store.looks(run_id)] == [2, 4]


def test_frames_stay_within_their_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many frames are thinned evenly; the first and the last are always there."""
    size = 27 * 2 * 4
    monkeypatch.setattr(store_module, "FRAME_BYTES", 10 * size)
    run_id, other = store.create(RunConfig()), store.create(RunConfig())
    for step in range(100):
        store.later(Frame(run_id, step, np.full((27, 2), step, np.float32)))
    store.later(Frame(other, 0, np.zeros((27, 2), np.float32)))
    store.flush()
    steps = [step for step, _ in store.frames(run_id)]
    assert 5 <= len(steps) <= 10
    assert (steps[0], steps[-1]) == (0, 99)
    assert all((frame == step).all() for step, frame in store.frames(run_id))
    assert len(store.frames(other)) == 1


def test_looks_at_health_stay_within_their_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thinned as frames are, of each run by itself; a deleted run leaves none."""
    monkeypatch.setattr(store_module, "HEALTH_BYTES", 1000)
    run_id, other = store.create(RunConfig()), store.create(RunConfig())
    for step in range(100):
        store.later(Look(run_id, step, bytes(100)))
    store.later(Look(other, 7, bytes(100)))
    store.flush()
    steps = [step for step, _ in store.looks(run_id)]
    assert 5 <= len(steps) <= 10
    assert (steps[0], steps[-1]) == (0, 99)
    assert store.looks(other) == [(7, bytes(100))]
    store.delete(run_id)
    assert store.looks(run_id) == []


def test_a_database_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    """It had no table of health; its runs stay and can be looked at from now on. Nor did it keep labels of lists."""
    old = StoredList("upload-0123456789ab", "Cats", ("mimi", "Ömer"), "cats.txt")
    with Store(folder=tmp_path) as first:
        run_id = first.create(RunConfig(), title="Old")
        first.keep_list(old)
    with sqlite3.connect(tmp_path / "wavenames.db") as other:
        other.execute("DROP TABLE health")
        other.execute("ALTER TABLE lists DROP COLUMN labels")
        other.execute("UPDATE wavenames_about SET schema = 1")
    other.close()
    for looks in ([], [(5, b"well")]):
        with Store(folder=tmp_path) as again:
            assert again.run(run_id).title == "Old"
            assert again.name_list(old.id) == old
            assert again.looks(run_id) == looks
            if not looks:
                again.later(Look(run_id, 5, b"well"))
    with sqlite3.connect(tmp_path / "wavenames.db") as other:
        assert other.execute("SELECT schema FROM wavenames_about").fetchall() == [(store_module.SCHEMA,)]
    other.close()


def test_weights_that_are_thinned_leave_no_bytes(store: Store) -> None:
    """Each file says how far apart those before it stay; the newest stands whatever its step."""
    run_id = store.create(RunConfig())
    folder = store.weights_path(run_id, 0).parent
    for step, apart in ((0, 5), (5, 5), (10, 5), (20, 10), (25, 10)):
        store.later(Weights(run_id, step, bytes(1000), apart))
    store.flush()
    assert store.weights_steps(run_id) == (0, 10, 20, 25)
    assert sum(path.stat().st_size for path in folder.iterdir()) == 4000
    with pytest.raises(Refusal, match="weights of step 5 are not kept"):
        store.weights(run_id, 5)


def test_what_a_killed_server_left_half_written_is_no_step_and_goes(store: Store) -> None:
    run_id = store.create(RunConfig(), status="running")
    store.later(Weights(run_id, 0, b"whole", 1))
    store.flush()
    half = store.weights_path(run_id, 0).parent / ".7.safetensors.abc.tmp"
    half.write_bytes(b"ha")
    assert store.weights_steps(run_id) == (0,)
    store.mark_interrupted()
    assert not half.exists()
    assert store.weights_steps(run_id) == (0,)


def test_a_full_queue_makes_the_writer_wait_instead_of_growing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "QUEUE_BOUND", 4)
    run_id = store.create(RunConfig())
    go_on, stuck = threading.Event(), threading.Event()

    def slow_disk(_: object) -> None:
        stuck.set()
        go_on.wait()

    disk = threading.Thread(target=store._writer.call, args=(slow_disk,))
    disk.start()
    stuck.wait()

    def add() -> None:
        for step in range(1, 21):
            store.later(Metrics(run_id, "train", points(step, step)))

    adder = threading.Thread(target=add)
    adder.start()
    while len(store._writer._waiting) < 4:
        pass
    assert adder.is_alive()
    assert len(store._writer._waiting) == 4
    go_on.set()
    adder.join()
    disk.join()
    store.flush()
    assert store.curve(run_id, "train").step.size == 20


def test_a_full_disk_is_said_and_nothing_is_lost_once_there_is_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create(RunConfig())
    full = threading.Event()
    full.set()
    apply = store_module._apply

    def apply_on_full_disk(*args: object) -> object:
        if full.is_set():
            raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
        return apply(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(store_module, "_apply", apply_on_full_disk)
    store.later(Metrics(run_id, "train", points(1, 3)))
    with pytest.raises(StoreFailed, match="database or disk is full"):
        store.flush()
    full.clear()
    while store._writer._failure:
        pass
    store.later(Metrics(run_id, "train", points(4, 4)))
    store.flush()
    assert store.curve(run_id, "train").step.tolist() == [1, 2, 3, 4]


def test_a_state_that_cannot_be_written_is_said_and_tried_again(store: Store) -> None:
    run_id = store.create(RunConfig())
    in_the_way = store.state_path(run_id).parent
    in_the_way.write_text("a file where the folder should be")
    store.later(File(run_id, "state", b"state"))
    with pytest.raises(StoreFailed):
        store.flush()
    in_the_way.unlink()
    while store._writer._failure:
        pass
    assert store.state_path(run_id).read_bytes() == b"state"


def test_a_failing_call_harms_no_one_else(store: Store) -> None:
    """A write that is refused by the database reaches its caller; rows in the same transaction are kept."""
    run_id = store.create(RunConfig())
    store.later(Metrics(run_id, "train", points(1, 2)))

    def half_done(session: Session) -> None:
        session.execute(text("UPDATE runs SET title = 'half done'"))
        raise RuntimeError("the other half")

    with pytest.raises(RuntimeError, match="other half"):
        store._writer.call(half_done)
    store.flush()
    assert store.run(run_id).title == "wavenet-m"
    assert store.curve(run_id, "train").step.size == 2


def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    closed = Store(folder=tmp_path)
    run_id = closed.create(RunConfig())
    closed.later(Metrics(run_id, "train", points(1, 9)))
    closed.close()
    with pytest.raises(StoreFailed, match="closed"):
        closed.later(Metrics(run_id, "train", points(10, 10)))
    with pytest.raises(StoreFailed, match="closed"):
        closed.rename(run_id, "late")
    assert "Connections in pool: 0" in closed._engine.pool.status(), "nor does it open the database again"
    with Store(folder=tmp_path) as again:
        assert again.curve(run_id, "train").step.size == 9, "a clean close loses nothing"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(title=st.text(max_size=SERVER_LIMITS.max_title + 5))
def test_a_title_comes_back_as_it_was_given_or_is_refused(store: Store, title: str) -> None:
    run_id = store.create(RunConfig())
    shown = " ".join(title.split())
    if 0 < len(shown) <= SERVER_LIMITS.max_title and not re.search("[\\x00-\\x1f\\x7f-\\x9f]", shown):
        store.rename(run_id, title)
        assert store.run(run_id).title == shown
    else:
        with pytest.raises(Refusal, match=r"^Title"):
            store.rename(run_id, title)
        assert store.run(run_id).title == "wavenet-m"


def test_a_database_of_a_newer_wavenames_is_refused(tmp_path: Path) -> None:
    Store(folder=tmp_path).close()
    with sqlite3.connect(tmp_path / "wavenames.db") as other:
        other.execute("UPDATE wavenames_about SET schema = 99")
    other.close()
    with pytest.raises(Refusal, match="has version 99"):
        Store(folder=tmp_path)


def test_a_database_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "wavenames.db").write_bytes(b"no database" * 100)
    with pytest.raises(Refusal, match="can't be opened: file is not a database"):
        Store(folder=tmp_path)
    with sqlite3.connect(tmp_path / "foreign.db") as other:
        other.execute("CREATE TABLE runs (id TEXT)")
    other.close()
    with pytest.raises(Refusal, match="another program"):
        Store(f"sqlite:///{tmp_path / 'foreign.db'}", folder=tmp_path)
    for url in ("no url", "nosuch://host/db", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(Refusal, match="database"):
            Store(url, folder=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="data folder"):
        Store(folder=tmp_path / "file")


def test_the_environment_says_where_things_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVENAMES_DATA", str(tmp_path / "here"))
    with Store() as opened:
        run_id = opened.create(RunConfig())
        assert opened.checkpoint_path(run_id) == tmp_path / "here" / "runs" / run_id / "checkpoint.safetensors"
    assert (tmp_path / "here" / "wavenames.db").exists()
    monkeypatch.setenv("WAVENAMES_DATABASE", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    with Store() as opened:
        assert opened.runs() == []
    assert (tmp_path / "elsewhere.db").exists()
