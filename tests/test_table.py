"""The notebook's table: what is trained, what is taken as finished, and how seeds are put together."""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.browser import ROOT
from wavenames import table
from wavenames.__main__ import main
from wavenames.config import PRESETS, Refusal, RunConfig, conditions_of
from wavenames.names import MAKEMORE, NameList, Packed, Vocabulary, bundled, digest, makemore, read_list, split
from wavenames.table import Entry, Figure
from wavenames.training import evaluate

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def names(tiny_names: tuple[str, ...]) -> NameList:
    return read_list("\n".join(tiny_names * 3).encode(), "tiny.txt")


@pytest.fixture
def names_file(names: NameList, tmp_path: Path) -> str:
    path = tmp_path / "tiny.txt"
    path.write_text("\n".join(names.names), encoding="utf-8")
    return str(path)


def entry(preset: str = "mlp-3", *, split: str = "lecture", seed: int = 1, **values: Any) -> Entry:
    """One finished training with made-up losses."""
    words: dict[str, Any] = {
        name: values.pop(name) for name in list(values) if name in ("steps", "learning_rate", "names")
    }
    run = RunConfig.from_flat({"preset": preset, "split": split, "seed": seed, "names": "a" * 64, **words})
    usually: dict[str, Any] = {
        "run": run, "list_title": "a list", "parameters": 10, "receptive_field": 3, "steps": 20, "seconds": 1.0,
        "threads": 1, "device": "cpu", "train": 2.0, "validation": 2.1, "test": 2.2, "seen": None, "unseen": 2.1,
    }  # fmt: skip
    return Entry(**usually | values)


# ------------------------------------------------------------------------------------------------- what to train


def test_every_row_is_trained_from_each_seed_on_each_split_and_counting_once(names: NameList) -> None:
    """By its own recipe, on this list and no other; but for what would have to be told more than the list knows."""
    runs = table.wanted(names)
    told = [row for row in table.ROWS if conditions_of(PRESETS[row].model)]
    assert told == ["gru-384-sex"]
    assert {run.preset for run in runs} == {*table.ROWS} - {*told}
    knowing = replace(names, labels={"sex": ("F",) * len(names.names)})
    assert {run.preset for run in table.wanted(knowing)} == {*table.ROWS}
    for row in [row for row in table.ROWS if row not in told]:
        mine = [run for run in runs if run.preset == row]
        assert len(mine) == (2 if row in ("bigram", "kn-5") else 6)
        assert {(run.model, run.recipe.recipe) for run in mine} == {(PRESETS[row].model, PRESETS[row].recipe)}
    assert {run.data.names for run in runs} == {digest(names.names, {})}
    assert [run.preset for run in runs] == sorted((run.preset for run in runs), key=table.ROWS.index)


def test_rows_seeds_splits_and_steps_can_be_chosen(names: NameList) -> None:
    runs = table.wanted(names, ["rnn", "bigram"], ["7", "8"], ["unique"], "9")
    assert [(run.preset, run.seed, run.data.split, run.recipe.steps) for run in runs] == [
        ("rnn", 7, "unique", 9), ("rnn", 8, "unique", 9), ("bigram", 7, "unique", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rows", "wavenet-xxl"], "Model is 'wavenet-xxl'; allowed is one of quick, bigram"),
        (["--seeds", "1,-1"], "Seed is -1"),
        (["--splits", "half"], "Split is half; allowed is one of lecture, unique"),
        (["--steps", "0"], "Steps is 0; allowed is a whole number from 1"),
        (["--threads", "3"], "Threads is '3'; allowed is a whole number from 1 to 2."),
        (["--out", "nowhere/table.jsonl"], "Out is 'nowhere/table.jsonl'"),
    ],
)
def test_what_can_not_be_trained_is_refused_in_a_sentence(
    words: list[str], sentence: str, names_file: str, capsys: Capture
) -> None:
    assert main(["table", "--names", names_file, *words, "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert sentence in err


def test_a_file_with_a_line_break_in_its_name_is_refused_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "my\ntable"
    path.write_text("no entry\n")
    with pytest.raises(Refusal, match=r"^Line 1 of '.*/my\\ntable' is no entry of the table; take it out\.$"):
        table.read(path)


def test_a_list_is_known_by_its_names(makemore_bytes: bytes, names: NameList) -> None:
    """Makemore's has the hash that its file is published with, wherever it comes from."""
    assert digest(makemore(makemore_bytes).names, {}) == MAKEMORE.sha256
    assert digest(read_list(makemore_bytes, "mine.txt").names, {}) == MAKEMORE.sha256
    assert digest(names.names, {}) != MAKEMORE.sha256


def test_makemores_list_is_known_with_its_labels_too(makemore_names: NameList) -> None:
    """What a model that is told the sex was trained on is found without the list."""
    rows = ["wavenet-m", "gru-384-sex"]
    assert table.wanted(None, rows) == table.wanted(makemore_names, rows)
    assert all(MAKEMORE.is_digest(run.data.names) for run in table.wanted(None, rows))
    assert not MAKEMORE.is_digest(digest(makemore_names.names, {"decade": makemore_names.labels["sex"]}))


# ------------------------------------------------------------------------------------------------ what is kept


def test_an_entry_holds_the_losses_of_its_model(names: NameList) -> None:
    """On every part of its split, and on validation names by whether they were seen."""
    (run,) = table.wanted(names, ["mlp-3"], [4], ["lecture"], 12)
    training = table.Training(run, names)
    for _ in training.trainer.run():
        pass
    found = training.entry
    assert (found.run, found.steps, found.list_title) == (run, 12, "tiny.txt")
    parts, model = split(names.names), training.trainer.model
    assert found.parameters == model.parameter_count
    vocabulary = Vocabulary.of(names.names)
    for part in ("train", "validation", "test"):
        assert getattr(found, part) == evaluate(model, Packed(getattr(parts, part), vocabulary)).loss
    seen = [name for name in parts.validation if name in parts.train]
    unseen = [name for name in parts.validation if name not in parts.train]
    assert found.seen == pytest.approx(evaluate(model, Packed(seen, vocabulary)).loss)
    assert found.unseen is None if not unseen else pytest.approx(evaluate(model, Packed(unseen, vocabulary)).loss)


def test_a_model_that_is_told_something_is_told_it_in_the_table_too() -> None:
    """In training and when it is measured; a list that does not know it is refused."""
    names = bundled("ssa-2018")
    few = replace(names, names=names.names[::200], labels={kind: rows[::200] for kind, rows in names.labels.items()})
    (run,) = table.wanted(few, ["wavenet-m-sex"], [1], ["unique"], 1)
    training, labels = table.Training(run, few), few.label_rows(("sex",))
    told = split(few.names, "unique", labels=labels)
    for part, packed in training.packed.items():
        assert packed.labels is not None
        assert [tuple(row) for row in packed.labels.tolist()] == list(told.labels[part])
    with pytest.raises(Refusal, match="sex"):
        table.Training(run, replace(few, labels={}))


def test_other_labels_make_another_training_of_a_model_that_is_told_them(names: NameList) -> None:
    """Of no other: a file of finished trainings must not take one for the other."""
    lists = [replace(names, labels={"sex": (sex,) * len(names.names)}) for sex in ("F", "M")]
    first, second = (table.wanted(each, ["wavenet-m", "wavenet-m-sex"], [1], ["unique"]) for each in lists)
    assert [one == other for one, other in zip(first, second, strict=True)] == [True, False]


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    kept = [entry(seed=1, train=1.23456789012345), entry("wavenet-s", split="unique", seed=2)]
    for each in kept:
        table.keep(tmp_path / "table.jsonl", each)
    assert table.read(tmp_path / "table.jsonl") == kept
    assert table.read(tmp_path / "none.jsonl") == []


def test_a_training_is_finished_only_with_its_whole_configuration_its_list_and_its_seed() -> None:
    """A changed recipe trains anew; of two the later one counts."""
    first, later = entry(), entry(validation=2.05)
    assert table.find([first, later], first.run) == later
    for other in (
        entry(seed=2), entry(split="unique"), entry(steps=50), entry(learning_rate=0.02), entry(names="b" * 64),
        entry("mlp-8"),
    ):  # fmt: skip
        assert table.find([first, later], other.run) is None


def test_an_entry_is_older_than_a_setting_that_came_later(tmp_path: Path) -> None:
    """It was trained as if the setting had stood at its default."""
    document = json.loads(entry().model_dump_json())
    del document["run"]["recipe"]["clip"]
    (tmp_path / "table.jsonl").write_text(json.dumps(document))
    entries = table.read(tmp_path / "table.jsonl")
    assert table.find(entries, entry().run) is not None
    clipped = RunConfig.from_flat({"preset": "mlp-3", "names": "a" * 64, "clip": 1})
    assert table.find(entries, clipped) is None


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    """No line is lost or mixed with another."""
    path = tmp_path / "table.jsonl"
    script = (
        "import sys; from pathlib import Path; from tests.test_table import entry; from wavenames import table\n"
        "for seed in range(300): table.keep(Path(sys.argv[1]), entry(sys.argv[2], seed=seed))"
    )
    command = [sys.executable, "-c", script, str(path)]
    processes = [subprocess.Popen([*command, preset], cwd=ROOT) for preset in ("mlp-3", "wavenet-l")]
    assert [process.wait() for process in processes] == [0, 0]
    found = [(each.run.preset, each.run.seed) for each in table.read(path)]
    assert sorted(found) == [(preset, seed) for preset in ("mlp-3", "wavenet-l") for seed in range(300)]


def test_a_damaged_line_and_a_full_disk_are_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.jsonl"
    table.keep(path, entry())
    path.write_text(path.read_text() + '{"run": ')
    with pytest.raises(Refusal, match=r"Line 2 of .* is no entry"):
        table.read(path)
    monkeypatch.setattr("wavenames.table.os.write", lambda _file, data: len(data) - 1)
    with pytest.raises(Refusal, match="the disk is full"):
        table.keep(path, entry())
    with pytest.raises(Refusal, match="can't be written"):
        table.keep(tmp_path, entry())


def test_what_ships_can_be_read_and_holds_the_figures_of_counting() -> None:
    """Add-one letter pairs on makemore's list, lecture split: 2.4548, 2.4533, 2.4584."""
    entries = table.shipped()
    assert {each.list_title for each in entries} == {MAKEMORE.title}
    run = RunConfig.from_flat({"preset": "bigram", "names": MAKEMORE.sha256})
    found = table.find(entries, run)
    assert found is not None
    assert [round(loss, 4) for loss in (found.train, found.validation, found.test)] == [2.4548, 2.4533, 2.4584]


# --------------------------------------------------------------------------------------------------- what is shown


def test_a_row_is_mean_and_sample_deviation_over_seeds() -> None:
    losses = [2.10, 2.12, 2.17]
    entries = [entry(seed=seed, validation=loss, seconds=seed) for seed, loss in enumerate(losses, start=1)]
    (row,) = table.rows([*entries, entry(split="unique", validation=2.3)])
    validation = row.losses["lecture", "validation"]
    assert validation.mean == pytest.approx(2.13)
    assert validation.spread == pytest.approx(0.0360555)
    assert validation.seeds == 3
    assert row.losses["unique", "validation"] == Figure(2.3, None, 1)
    assert ("lecture", "seen") not in row.losses
    assert row.seeds == 3
    assert row.seconds == 1
    assert str(row.losses["lecture", "validation"]) == "2.130 ± 0.036"
    assert str(row.losses["unique", "validation"]) == "2.300"


def test_counting_has_no_spread() -> None:
    (row,) = table.rows([entry("bigram")])
    assert row.losses["lecture", "test"] == Figure(2.2, 0.0, 1)


def test_rows_stand_in_the_order_of_the_ladder_each_with_its_latest_configuration() -> None:
    """A seed that was trained again counts once; a recipe of old does not count."""
    old = [entry(steps=50, seed=seed, validation=9) for seed in (1, 2, 3)]
    new = [entry(validation=8), entry(validation=2.0), entry(seed=2, validation=2.2)]
    rnn, wavenet = entry("rnn"), entry("wavenet-s", steps=50)
    found = table.rows([wavenet, rnn, *old, *new])
    assert [row.name for row in found] == ["mlp-3", "wavenet-s", "rnn"]
    assert found[0].losses["lecture", "validation"].mean == pytest.approx(2.1)
    assert [row.current for row in found] == [True, False, True]
    assert [row.name for row in table.rows([entry(name) for name in sorted(table.ROWS)])] == [*table.ROWS]


def test_printed_rows_stand_beside_rows_of_the_table_on_makemores_list_alone() -> None:
    assert {each.row for each in table.PUBLISHED} <= set(table.ROWS)
    assert table.published(MAKEMORE.sha256) == table.PUBLISHED
    assert table.published("a" * 64) == ()


# ---------------------------------------------------------------------------------------------- the command line


def test_the_command_trains_what_is_missing_and_takes_the_rest(
    names_file: str, tmp_path: Path, capsys: Capture
) -> None:
    """Twice the same document, the second time without a step; a third row comes on top."""
    words = ["table", "--names", names_file, "--seeds", "1,2", "--steps", "3", "--out", str(tmp_path / "t.jsonl")]

    def answer(rows: str) -> tuple[Any, str]:
        assert main([*words, "--rows", rows, "--json"]) == 0
        out, err = capsys.readouterr()
        return json.loads(out), err

    first, said = answer("bigram,mlp-3")
    assert "0 of 6 trainings are finished." in said
    assert "mlp-3, unique split, seed 2: 6 of 6" in said
    again, said = answer("bigram,mlp-3")
    assert said == "6 of 6 trainings are finished.\n"
    assert again == first
    assert [row["name"] for row in first["rows"]] == ["bigram", "mlp-3"]
    losses = first["rows"][1]["losses"]
    assert losses["lecture"]["validation"].keys() == {"mean", "spread", "seeds"}
    assert losses["unique"].keys() == {"train", "validation", "test", "unseen"}
    assert (first["trainings"], first["finished"], first["published"]) == (6, 6, [])
    more, said = answer("bigram,mlp-3,wavenet-s")
    assert "6 of 10 trainings are finished." in said
    assert more["rows"][:2] == first["rows"]


def test_people_read_a_table_with_others_figures_below_ours(
    makemore_bytes: bytes, tmp_path: Path, capsys: Capture
) -> None:
    """What ships is taken: nothing is trained for the rows that count."""
    (tmp_path / "names.txt").write_bytes(makemore_bytes)
    words = ["table", "--names", str(tmp_path / "names.txt"), "--rows", "bigram,mlp-3", "--seeds", "1"]
    assert main([*words, "--splits", "lecture", "--steps", "1", "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    head, bigram, ours, notebook, lecture = out.rstrip().splitlines()
    assert head.split()[:5] == ["model", "parameters", "context", "seeds", "seconds"]
    assert bigram.split()[5:] == ["2.455", "2.453", "2.458", "2.456", "–", "–"]
    assert ours.split()[0] == "mlp-3"
    assert notebook.split() == ["notebook", "–", "3", "–", "–", "2.000", "2.100", "2.094", "–", "–", "–"]
    assert lecture.split() == ["lecture", "3", "11,897", "3", "–", "–", "2.036", "2.103", "–", "–", "–", "–"]
    assert "1 of 2 trainings are finished." in err


def test_a_model_that_is_told_what_the_list_does_not_tell_is_left_out(
    names_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """With a word; asked for by name it is refused. Where the list tells it, people read that it was told."""
    monkeypatch.setattr(table, "ROWS", ("bigram", "wavenet-m-sex"))
    words = ["--seeds", "1", "--splits", "unique", "--steps", "1"]
    assert main(["table", "--names", names_file, *words]) == 0
    out, err = capsys.readouterr()
    assert "Left out, as the list doesn't tell what they are told: wavenet-m-sex.\n" in err
    assert "is told" not in out
    assert main(["table", "--names", names_file, *words, "--rows", "wavenet-m-sex"]) == 2
    assert "knows nothing but the names" in capsys.readouterr().err
    file = tmp_path / "told.csv"
    file.write_text("name,sex\n" + "".join(f"{name},F\n" for name in Path(names_file).read_text().split()))
    assert main(["table", "--names", str(file), *words]) == 0
    out, err = capsys.readouterr()
    assert "wavenet-m-sex is told the sex of each name that it is measured on; on the unique" in out
    assert "Left out" not in err


def test_ctrl_c_keeps_what_is_finished(
    names_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The training that was cut off is not kept; the rest is printed, and the next call goes on there."""
    calls: list[int] = []

    def follow(trainer: Any, asked: threading.Event) -> None:
        calls.append(1)
        for _ in trainer.run():
            if len(calls) == 2:
                asked.set()
                break

    monkeypatch.setattr("wavenames.__main__._follow", follow)
    words = ["table", "--names", names_file, "--rows", "mlp-3", "--splits", "lecture", "--steps", "3", "--json"]
    out = tmp_path / "t.jsonl"
    assert main([*words, "--out", str(out)]) == 130
    assert json.loads(capsys.readouterr().out)["finished"] == 1
    assert [each.run.seed for each in table.read(out)] == [1]
    assert main([*words, "--out", str(out)]) == 0
    assert [each.run.seed for each in table.read(out)] == [1, 2, 3]


def test_what_another_process_has_finished_meanwhile_is_not_trained_again(
    names_file: str, names: NameList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    out, followed = tmp_path / "t.jsonl", list[int]()
    runs: Sequence[RunConfig] = table.wanted(names, ["mlp-3"], [1, 2], ["lecture"], 3)

    def follow(trainer: Any, asked: threading.Event) -> None:
        followed.append(1)
        for _ in trainer.run():
            pass
        table.keep(out, entry().changed(run=runs[1]))

    monkeypatch.setattr("wavenames.__main__._follow", follow)
    words = ["table", "--names", names_file, "--rows", "mlp-3", "--splits", "lecture", "--steps", "3"]
    assert main([*words, "--seeds", "1,2", "--out", str(out)]) == 0
    assert len(followed) == 1
    assert "2.1" in capsys.readouterr().out


def test_a_row_says_how_it_was_trained() -> None:
    """By what optimiser, with how much dropout; a model that knows none has none."""
    (tree, wide) = table.rows([entry("tree-76k"), entry("gru-384")])
    assert (tree.optimiser, tree.dropout) == ("adamw", 0)
    assert (wide.optimiser, wide.dropout) == ("adamw", 0.4)
