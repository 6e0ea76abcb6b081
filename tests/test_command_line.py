"""The command line: the whole journey, every option, clean output for machines, and refusals in one sentence."""

import dataclasses
import itertools
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save as write_tensors

from tests.browser import ROOT
from wavenames import __main__ as command_line
from wavenames import table
from wavenames.__main__ import main
from wavenames.checkpoints import load, load_shipped
from wavenames.claims import measured
from wavenames.config import (
    MODEL_CONFIGS,
    PRESETS,
    RECIPES,
    DataConfig,
    RecipeConfig,
    Refusal,
    RunConfig,
    SamplingConfig,
    Settings,
    choices,
    flat_fields,
    limits,
    starting_recipe,
)
from wavenames.names import NameList, Packed, split
from wavenames.sampling import sample
from wavenames.training import Evaluation, evaluate

NAMES = [
    "emma", "olivia", "ava", "zoë", "chloé", "anaïs", "maël", "noël", "inés", "lucía", "sofía", "núria", "jürgen",
    "björn", "åsa", "søren", "łukasz", "żaneta", "emma", "ava", "θάλεια", "άννα", "ελένη", "анна", "ольга", "яна",
    "олег", "נועה", "דוד", "さくら", "はると", "ゆい", "o'neil", "jean-luc", "mia", "mila", "noah", "nora", "leo",
    "kai",
]  # fmt: skip
TRAIN_KEYS = [
    "model", "parameters", "split", "seed", "steps", "seconds", "train", "validation", "device", "checkpoint",
]  # fmt: skip
EVALUATE_KEYS = {"train", "validation", "test", "validation_seen", "validation_unseen", "validation_se"}
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def names_file(tmp_path: Path) -> str:
    """A list of forty names in six scripts, two of them twins, with the quirks of a file from elsewhere."""
    path = tmp_path / "my names.txt"
    path.write_text("\ufeff" + "\r\n".join(NAMES) + "\r\n\r\n", encoding="utf-8")
    return str(path)


LABELLED = NameList(
    "ssa-decades", "Forty names", tuple(NAMES),
    {"sex": ("F", "M") * 20, "decade": ("1880", "1920", "2000", "2024") * 10},
    None, "", "",
)  # fmt: skip


@pytest.fixture
def labelled(monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a list that knows sex and decade, and is as short as the others here."""
    monkeypatch.setattr(command_line, "bundled", lambda _: LABELLED)
    return LABELLED.id


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a few steps, trained by the command line."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "names.txt").write_text("\n".join(NAMES), encoding="utf-8")
    out = folder / "model.safetensors"
    words = ["train", "wavenet-s", "--names", f"{folder}/names.txt", "--steps", "20", "--out", str(out)]
    assert main(words) == 0
    return out


def answer(capsys: Capture, *words: str, code: int = 0) -> Any:
    """The JSON document of a command, which must be all of its standard output."""
    return answer_and_notes(capsys, *words, code=code)[0]


def answer_and_notes(capsys: Capture, *words: str, code: int = 0) -> tuple[Any, str]:
    """The same, and what stands on standard error."""
    capsys.readouterr()
    assert main([*words, "--json"]) == code
    out, err = capsys.readouterr()
    return json.loads(out), err


# -------------------------------------------------------------------------------------------------- the journey


def test_train_evaluate_sample(names_file: str, tmp_path: Path, capsys: Capture) -> None:
    """One list of many scripts from training to names, the same losses all along."""
    out = str(tmp_path / "kept.safetensors")
    words = ["train", "dilated-76k", "--names", names_file, "--split", "unique", "--steps", "30", "--seed", "7"]
    trained = answer(capsys, *words, "--evaluate-every", "10", "--split-seed", "3", "--out", out)
    assert list(trained) == TRAIN_KEYS
    assert trained | {"seconds": 0, "train": 0, "validation": 0, "parameters": 0} == {
        "model": "dilated-76k", "parameters": 0, "split": "unique", "seed": 7, "steps": 30, "seconds": 0,
        "train": 0, "validation": 0, "device": "cpu", "checkpoint": out,
    }  # fmt: skip
    assert trained["train"] < trained["validation"]

    checkpoint = load(Path(out))
    assert checkpoint.title == "kept"
    assert checkpoint.run.data.names.startswith("upload-")
    assert (checkpoint.run.data.split, checkpoint.run.data.split_seed, checkpoint.run.seed) == ("unique", 3, 7)
    assert checkpoint.results.list_title == "my names.txt"
    assert checkpoint.results.command == (
        "python -m wavenames train dilated-76k --names 'my names.txt' --split unique --steps 30 --seed 7 "
        "--evaluate-every 10 --split-seed 3 --out kept.safetensors --json"
    )
    assert not list(tmp_path.glob("*.part"))

    evaluated = answer(capsys, "evaluate", out, "--names", names_file)
    assert evaluated.keys() >= EVALUATE_KEYS
    assert evaluated["train"] == pytest.approx(trained["train"], abs=1e-6)
    assert evaluated["validation"] == pytest.approx(trained["validation"], abs=1e-6)
    assert evaluated["test"] == pytest.approx(checkpoint.results.test, abs=1e-6)
    assert evaluated["validation_seen"] is None
    assert evaluated["validation_unseen"] == pytest.approx(evaluated["validation"])

    drawn = answer(capsys, "sample", out, "-n", "60", "--prefix", "ά", "--temperature", "0.5")
    assert drawn.keys() == {"names", "attempts", "seconds"}
    assert len(drawn["names"]) == drawn["attempts"] == 60
    for row in drawn["names"]:
        assert row.keys() == {"name", "log_probability", "status"}
        assert row["name"].startswith("ά")
        assert row["status"] == checkpoint.membership.status(row["name"])
        assert row["log_probability"] < 0
    statuses = {row["status"] for row in answer(capsys, "sample", out, "-n", "400")["names"]}
    assert "train" in statuses
    assert "new" in statuses


def test_seen_and_unseen_names_make_up_the_validation_loss(names_file: str, tmp_path: Path, capsys: Capture) -> None:
    """In the lecture split twins leak: validation names that the model has seen are told apart from the others."""
    twins = tmp_path / "twins.txt"
    twins.write_text("\n".join(NAMES * 2), encoding="utf-8")
    out = str(tmp_path / "twins.safetensors")
    answer(capsys, "train", "bigram", "--names", str(twins), "--out", out)
    found = answer(capsys, "evaluate", out, "--names", str(twins))
    assert 0 < found["validation_seen_share"] < 1
    low, high = sorted([found["validation_seen"], found["validation_unseen"]])
    assert low < found["validation"] < high
    assert 0 < found["validation_se"] < 1


def test_the_same_seed_gives_the_same_losses(names_file: str, capsys: Capture) -> None:
    """Twice the same command, twice the same numbers; another seed, other numbers."""
    words = ["train", "wavenet-s", "--names", names_file, "--steps", "12", "--dropout", "0.2"]
    first, again = (answer(capsys, *words, "--seed", "5") for _ in range(2))
    other = answer(capsys, *words, "--seed", "6")
    assert (first["train"], first["validation"]) == (again["train"], again["validation"])
    assert first["train"] != other["train"]
    draws = [answer(capsys, "sample", "bigram", "--seed", seed)["names"] for seed in ("1", "1", "2")]
    assert draws[0] == draws[1] != draws[2]


def test_stops_at_a_target_and_after_seconds(names_file: str, capsys: Capture) -> None:
    words = ["train", "mlp-3", "--names", names_file, "--steps", "1000000"]
    reached = answer(capsys, *words, "--recipe", "modern", "--target", "9", "--evaluate-every", "4")
    assert reached["steps"] == 4
    timed = answer(capsys, *words, "--seconds", "1")
    assert timed["seconds"] >= 1
    assert timed["steps"] < 1_000_000


def test_models_lists_the_zoo(capsys: Capture) -> None:
    """Every preset with the parameter counts that are published for 27 letters."""
    rows = answer(capsys, "models")
    assert [row["name"] for row in rows] == list(PRESETS)
    assert {tuple(row) for row in rows} == {("name", "parameters", "receptive_field", "description")}
    counts = {row["name"]: (row["parameters"], row["receptive_field"]) for row in rows}
    assert counts["bigram"] == (729, 1)
    assert counts["tree-76k"] == (76_579, 8)
    assert counts["wavenet-l"] == (141_787, 17)


def test_a_model_that_ships_needs_only_its_name(capsys: Capture) -> None:
    """Its list and split are the checkpoint's, and so are its losses."""
    found = answer(capsys, "evaluate", "bigram")
    results = load_shipped("bigram").results
    for part in ("train", "validation", "test"):
        assert found[part] == pytest.approx(getattr(results, part), abs=1e-4)


def test_without_json_people_read_lines_and_tables(names_file: str, capsys: Capture) -> None:
    assert main(["train", "bigram", "--names", names_file]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == TRAIN_KEYS
    assert lines[0].split() == ["model", "bigram"]
    assert lines[-1].split() == ["checkpoint", "–"]
    assert main(["sample", "bigram", "-n", "3"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "log", "probability", "status"]
    assert len(rows) == 3
    for row in rows:
        assert row[head.index("status") :] in ("train", "held_out", "new")


def test_progress_goes_to_standard_error(names_file: str, capsys: Capture) -> None:
    """A line for each evaluation with both losses, and a bar with the speed; nothing of it in the output."""
    words = ["train", "mlp-3", "--names", names_file, "--recipe", "modern", "--steps", "50", "--evaluate-every", "25"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "step 0  validation " in err
    assert "step 25  train " in err
    assert "step 50  train " in err
    assert "steps/s" in err
    assert err.endswith("All steps are done.\n")
    assert "steps/s" not in out


def test_a_shortage_of_names_is_said(capsys: Capture) -> None:
    """In the document for machines, on standard error for people."""
    words = ["sample", "bigram", "-n", "2", "--pattern", "qqqq*", "--tries", "1"]
    assert answer(capsys, *words)["message"].startswith("Found 0 of 2 names")
    assert main(words) == 0
    assert "Found 0 of 2 names" in capsys.readouterr().err


def test_makemores_list_by_name(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """It is downloaded; the checkpoint's own list may be the downloaded one too."""
    fetched = NameList("makemore", "makemore's names.txt", tuple(NAMES), {}, None, "", "")
    monkeypatch.setattr("wavenames.__main__.download_makemore", lambda: fetched)
    assert answer(capsys, "train", "bigram", "--names", "makemore")["steps"] == 1


def test_a_column_of_a_csv_with_case_folded(tmp_path: Path, capsys: Capture) -> None:
    table = tmp_path / "class.csv"
    table.write_text(
        "id,first\n" + "\n".join(f"{i},{name.title()}" for i, name in enumerate(NAMES)), encoding="utf-8"
    )
    out = tmp_path / "class.safetensors"
    words = ["train", "bigram", "--names", str(table), "--column", "first", "--out", str(out)]
    answer(capsys, *words)
    assert "E" in load(out).vocabulary.letters
    answer(capsys, *words, "--fold-case")
    assert "E" not in load(out).vocabulary.letters


def test_a_first_row_is_titles_where_one_is_asked_for_or_by_option(tmp_path: Path, capsys: Capture) -> None:
    """Their letters are otherwise a name's."""
    table = tmp_path / "cities.csv"
    rows = "".join(f"DE,{'ab'[i % 2]}{'cde'[i % 3]}\n" for i in range(20))
    table.write_text(f"country,city\n{rows}", encoding="utf-8")
    out = tmp_path / "cities.safetensors"
    words = ["train", "bigram", "--names", str(table), "--out", str(out), "--column"]
    for column, letters in (("city",), "abcde"), (("column 2",), "abcdeity"), (("city", "--titles"), "abcde"):
        answer(capsys, *words, *column)
        assert load(out).vocabulary.letters == "".join(sorted(letters))
    assert main([*words, "city", "--no-titles"]) == 2
    assert "Column is 'city'; this file has 'column 1', 'column 2'." in capsys.readouterr().err


def test_a_command_is_kept_without_the_folders_of_this_machine(tmp_path: Path) -> None:
    """Also where a shell needs quotes, and where a path is given twice or behind an equals sign."""
    (tmp_path / "it's.txt").write_text("\n".join(NAMES), encoding="utf-8")
    out = tmp_path / "a=b.safetensors"
    words = ["train", "bigram", "--names", f"{tmp_path}/it's.txt", "--out", f"{tmp_path}/c", f"--out={out}"]
    assert main(words) == 0
    assert load(out).results.command == (
        """python -m wavenames train bigram --names 'it'"'"'s.txt' --out c --out=a=b.safetensors"""
    )


@pytest.mark.parametrize(("stem", "title"), [(" ", "bigram"), ("\udcff", r"\udcff"), ("a\n b", "a b")], ids=ascii)
def test_a_finished_training_is_kept_whatever_words_asked_for_it(stem: str, title: str, tmp_path: Path) -> None:
    """Very many of them, or files with names that are blank or no text."""
    names, out = tmp_path / "\udcff.txt", tmp_path / f"{stem}.safetensors"
    names.write_text("\n".join(NAMES), encoding="utf-8")
    assert main(["train", "bigram", "--names", str(names), "--out", str(out), *["--seed", "1"] * 120]) == 0
    kept = load(out)
    assert kept.title == title
    assert kept.results.command.startswith(r"python -m wavenames train bigram --names '\udcff.txt' --out ")
    assert kept.results.command.endswith("…")


def test_a_train_loss_that_is_no_number_is_no_leak(
    names_file: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def overflown(*arguments: Any) -> Evaluation:
        return dataclasses.replace(evaluate(*arguments), loss=math.nan)

    monkeypatch.setattr(command_line, "evaluate", overflown)
    found, err = answer_and_notes(capsys, "train", "bigram", "--names", names_file)
    assert found["train"] is None
    assert "leaks" not in err


# -------------------------------------------------------------------------------------------------- every option


def other_value(cls: type[Settings], name: str, usual: Any) -> Any:
    """A value that the field allows and that is not its usual one."""
    annotation = cls.model_fields[name].annotation
    if choices(cls, name):
        return next(word for word in reversed(choices(cls, name)) if word != usual)
    if annotation is bool:
        return not usual
    if annotation is str:
        return "a*" if name == "pattern" else "a"
    if isinstance(usual, tuple):
        return (1, 3)
    low, high = limits(cls, name)
    assert low is not None
    assert high is not None
    smallest = max(low, 1) if usual is None or isinstance(usual, int) else (low + min(high, 1)) / 2
    return smallest if smallest != usual else smallest + 1


def as_words(name: str, value: Any) -> list[str]:
    """The option as a person types it."""
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    return [option, ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]


SMALLEST = {
    "bigram": "bigram", "kneser-ney": "kn-5", "mlp": "mlp-3", "tree": "tree-22k", "dilated": "dilated-76k",
    "wavenet": "wavenet-s", "recurrent": "rnn", "transformer": "transformer",
}  # fmt: skip
FIELDS: list[tuple[str, type[Settings], str]] = [
    *((preset, MODEL_CONFIGS[family], "model") for family, preset in SMALLEST.items()),
    ("mlp-3", RecipeConfig, "recipe"),
    ("mlp-3", DataConfig, "data"),
]


def fields() -> Iterable[tuple[str, str, str, Any]]:
    """(preset, part, field, a value that is not the usual one) of everything that decides a run."""
    for preset, cls, part in FIELDS:
        usual = getattr(RunConfig.from_flat({"preset": preset}), part)
        for name in flat_fields(cls):
            if name != "names":
                yield preset, part, name, other_value(cls, name, getattr(usual, name))


@pytest.mark.parametrize("field", list(fields()), ids=lambda field: f"{field[0]}-{field[2]}")
def test_each_field_of_a_run_is_an_option(
    field: tuple[str, str, str, Any], labelled: str, tmp_path: Path, capsys: Capture
) -> None:
    """What was typed stands in the checkpoint's configuration."""
    preset, part, name, value = field
    out = tmp_path / "run.safetensors"
    steps = [] if name in ("steps", "seconds") or preset in ("bigram", "kn-5") else ["--steps", "1"]
    answer(capsys, "train", preset, "--names", labelled, *steps, *as_words(name, value), "--out", str(out))
    assert getattr(getattr(load(out).run, part), name) == value


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name != "count"])
def test_each_recipe_is_an_option(recipe: str, names_file: str, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "run.safetensors"
    answer(capsys, "train", "mlp-3", "--names", names_file, "--recipe", recipe, "--steps", "2", "--out", str(out))
    assert load(out).run.recipe == starting_recipe("mlp-3", recipe).changed(steps=2)


def test_a_flag_that_is_on_can_be_switched_off(names_file: str, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "run.safetensors"
    words = ["train", "baseline", "--names", names_file, "--steps", "1", "--no-norm-bias", "--out", str(out)]
    answer(capsys, *words)
    assert not getattr(load(out).run.model, "norm_bias", True)


@pytest.mark.parametrize("name", flat_fields(SamplingConfig))
def test_each_sampling_option_does_what_the_sampler_does(
    name: str, labelled: str, tmp_path: Path, capsys: Capture
) -> None:
    """The same names as the sampler gives when it is asked without a command line."""
    trained = tmp_path / "told.safetensors"
    words = ["train", "wavenet-s", "--names", labelled, "--conditions", "sex+decade", "--steps", "20"]
    assert main([*words, "--out", str(trained)]) == 0
    value = other_value(SamplingConfig, name, SamplingConfig.model_fields[name].default)
    found = answer(capsys, "sample", str(trained), *as_words(name, value))
    checkpoint = load(trained)
    options = SamplingConfig(**{name: value})
    wanted = sample(checkpoint.model(), checkpoint.vocabulary, options, checkpoint.membership)
    assert [row["name"] for row in found["names"]] == [sampled.name for sampled in wanted.names]
    assert found["attempts"] == wanted.attempts


def test_a_model_with_conditions_is_measured_told_and_untold(labelled: str, tmp_path: Path, capsys: Capture) -> None:
    """What it is told makes the validation loss another; the keys that every model has are those of the told one."""
    out = tmp_path / "told.safetensors"
    words = ["train", "wavenet-s", "--names", labelled, "--split", "unique", "--steps", "30", "--out", str(out)]
    trained = answer(capsys, *words, "--conditions", "sex+decade", "--label-dropout", "0.5")
    found = answer(capsys, "evaluate", str(out), "--names", labelled)
    assert found["validation"] == found["validation_told"] == pytest.approx(trained["validation"], abs=1e-6)
    assert found["validation_untold"] != found["validation_told"]
    assert found["validation_untold_se"] > 0
    kept = load(out)
    parts = split(LABELLED.names, "unique", labels=LABELLED.label_rows(("sex", "decade")))
    untold = evaluate(kept.model(), Packed(parts.validation, kept.vocabulary)).loss
    assert found["validation_untold"] == pytest.approx(untold, abs=1e-6)


def test_a_model_with_conditions_is_measured_untold_on_a_list_that_knows_none(
    labelled: str, names_file: str, tmp_path: Path, capsys: Capture
) -> None:
    """As the model itself answers without being told; a note says so, and there is no loss of the told one."""
    out = tmp_path / "told.safetensors"
    words = ["train", "wavenet-s", "--names", labelled, "--conditions", "sex", "--steps", "5"]
    assert main([*words, "--out", str(out)]) == 0
    found, err = answer_and_notes(capsys, "evaluate", str(out), "--names", names_file)
    kept = load(out)
    untold = evaluate(kept.model(), Packed(split(NAMES).validation, kept.vocabulary)).loss
    assert found["validation"] == found["validation_untold"] == pytest.approx(untold, abs=1e-6)
    assert found["validation_told"] is None
    assert found["validation_told_se"] is None
    assert found.keys() == answer(capsys, "evaluate", str(out), "--names", labelled).keys()
    assert "The list 'my names.txt' does not know the sex; the model is measured untold.\n" in err


def test_a_model_is_told_what_a_list_knows_and_a_note_says_what_it_does_not(
    labelled: str, names_file: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told the sex alone; and of a model whose labels were never hidden, that it never learned to do without."""
    out = tmp_path / "told.safetensors"
    words = ["train", "wavenet-s", "--names", labelled, "--conditions", "sex+decade", "--steps", "5"]
    assert main([*words, "--label-dropout", "0", "--out", str(out)]) == 0
    girls = dataclasses.replace(LABELLED, labels={"sex": LABELLED.labels["sex"]})
    monkeypatch.setattr(command_line, "bundled", lambda _: girls)
    found, err = answer_and_notes(capsys, "evaluate", str(out), "--names", labelled)
    parts = split(girls.names, "lecture", labels=girls.label_rows(("sex", "decade"), lacking=True))
    kept = load(out)
    sex_alone = evaluate(kept.model(), Packed(parts.validation, kept.vocabulary, labels=parts.labels["validation"]))
    assert found["validation"] == found["validation_told"] == pytest.approx(sex_alone.loss, abs=1e-6)
    assert found["validation_untold"] != found["validation_told"]
    assert "does not know the decade; the model is measured told the sex alone.\n" in err
    assert "In training the model was always told the " in err


def test_the_finished_table_needs_no_list(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Every training ships, known by the digest of makemore's list, which is fetched only if one is missing."""

    def offline() -> NameList:
        raise Refusal("There is no network.")

    monkeypatch.setattr("wavenames.__main__.download_makemore", offline)
    found = answer(capsys, "table")
    assert found["trainings"] == found["finished"] == 100
    assert {row["name"]: row["current"] for row in found["rows"]} == dict.fromkeys(table.ROWS, True)
    assert main(["table", "--rows", "mlp-3", "--seeds", "77"]) == 2
    assert "There is no network." in capsys.readouterr().err


TABLE = "name,whose,Year\n" + "\n".join(
    f"{name},{('girl', 'M', '')[i % 3]},{1923 + 10 * (i % 4)}" for i, name in enumerate(NAMES)
)
"""The names as a table that tells of them; the title of one column doesn't say what it tells."""


def test_a_file_with_labels_trains_a_model_that_is_told(tmp_path: Path, capsys: Capture) -> None:
    """By the same options in train, evaluate and table; the labels are those that stand beside each name."""
    file, out = tmp_path / "class.csv", tmp_path / "told.safetensors"
    file.write_text(TABLE, encoding="utf-8")
    words = ["--names", str(file), "--sex-column", "whose"]
    training = ["train", "wavenet-s", *words, "--split", "unique", "--steps", "30", "--conditions", "sex+decade"]
    trained = answer(capsys, *training, "--label-dropout", "0.5", "--out", str(out))
    kept = load(out)
    assert kept.results.command is not None
    assert "--names class.csv --sex-column whose" in kept.results.command
    found, notes = answer_and_notes(capsys, "evaluate", str(out), *words)
    assert "was trained on" not in notes
    assert "untold" not in notes
    labels = [((1, 2, 0)[i % 3], 5 + i % 4) for i in range(len(NAMES))]
    parts = split(NAMES, "unique", labels=labels)
    told = evaluate(kept.model(), Packed(parts.validation, kept.vocabulary, labels=parts.labels["validation"]))
    assert found["validation"] == pytest.approx(told.loss, abs=1e-6)
    assert trained["validation"] == pytest.approx(told.loss, abs=1e-6)
    assert found["validation_untold"] != found["validation_told"]
    assert answer(capsys, "sample", str(out), "-n", "3", "--sex", "M", "--decade", "1930")["names"]
    rows = answer(
        capsys, "table", *words, "--rows", "wavenet-m-sex", "--seeds", "1", "--splits", "unique", "--steps", "2"
    )
    assert rows["finished"] == 1


@pytest.mark.parametrize("command", ["models", "train", "evaluate", "sample", "table", "bench"])
def test_help_explains_each_command(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "--json" in text
    assert "exit codes" in text
    if command == "train":
        assert "--residual 1..256" in text
        assert "Channels that run from layer to" in text
        assert "[mlp, tree," in text


# ----------------------------------------------------------------------------------------------------- refusals

REFUSED = {
    "no command": ([], "COMMAND"),
    "unknown command": (["trian"], "trian"),
    "unknown model": (["train", "wavenet-xxl"], "Model is 'wavenet-xxl'; allowed is one of quick, bigram"),
    "unknown option": (["train", "bigram", "--residul", "3"], "Unrecognized arguments: --residul 3"),
    "shortened option": (["train", "wavenet-s", "--resid", "3"], "Unrecognized arguments: --resid 3"),
    "option of another family": (["train", "wavenet-s", "--levels", "2"], "no setting called 'levels'"),
    "out of bounds": (["train", "mlp-3", "--steps", "0"], "Steps is 0; allowed is a whole number from 1"),
    "no number": (["train", "mlp-3", "--learning-rate", "fast"], "Learning rate is fast"),
    "not finite": (["train", "mlp-3", "--learning-rate", "nan"], "Learning rate is nan"),
    "bad dilations": (["train", "wavenet-s", "--dilations", "1,x"], "Dilations is x"),
    "seed below 0": (["train", "mlp-3", "--seed", "-1"], "Seed is -1"),
    "unknown recipe": (["train", "mlp-3", "--recipe", "cake"], "Recipe is 'cake'"),
    "counting a network": (["train", "mlp-3", "--recipe", "count"], "Recipe is count"),
    "too large a model": (
        ["train", "wavenet-s", *as_words("dilations", (1,) * 10), *as_words("residual", 256), "--gate", "256",
         "--skip", "512", "--first-conv", "4"],
        "Parameters are",
    ),
    "unknown split": (["train", "bigram", "--split", "half"], "Split is half; allowed is one of lecture, unique"),
    "no such file": (["train", "bigram", "--names", "nobody.txt"], "No such file"),
    "a folder of names": (["train", "bigram", "--names", "."], "directory"),
    "not a list": (["train", "bigram", "--names", "{checkpoint}"], "bring a .txt or a .csv"),
    "column of a list": (["train", "bigram", "--column", "name"], "'ssa-2018' is a list that is known by name"),
    "sex column of a list": (["evaluate", "bigram", "--sex-column", "sex"], "'ssa-2018' is a list that is known by"),
    "no such sex column": (
        ["train", "bigram", "--names", "{labels}", "--sex-column", "x"],
        "Sex column is 'x'; this file has 'name', 'whose', 'Year'.",
    ),
    "no sex": (
        ["table", "--names", "{labels}", "--sex-column", "Year"], "line 2: column 'Year' holds '1923', which tells no"
    ),
    "conditions switched off": (
        ["train", "mlp-3", "--names", "{labels}", "--conditions", "decade", "--decade-column", "none"],
        "the list 'labels.csv' knows nothing but the names.",
    ),
    "titles of a list": (["train", "bigram", "--no-titles"], "Columns, titles and fold case are for files"),
    "titles in text": (["train", "bigram", "--names", "{names}", "--titles"], "Titles is 'on'; the file"),
    "no column in text": (["train", "bigram", "--names", "{names}", "--column", "x"], "has no columns"),
    "too few names": (["train", "bigram", "--names", "{few}"], "too short"),
    "an endless list": (
        ["train", "bigram", "--names", "{huge}"],
        "huge.txt', which has more bytes than the 5,000,000 that are allowed.",
    ),
    "no such folder": (["train", "bigram", "--out", "nowhere/x.safetensors"], "Out is 'nowhere/x.safetensors'"),
    "a folder as file": (["train", "bigram", "--out", "."], "Out is '.'"),
    "no such checkpoint": (["sample", "wavenet-xl"], "Checkpoint is 'wavenet-xl'"),
    "a folder as checkpoint": (["sample", "."], "Checkpoint is '.'"),
    "too long a name of a checkpoint": (["sample", "x" * 300], "allowed is a .safetensors file that can be read or"),
    "a line break in a checkpoint's name": (["sample", "no\nsuch"], r"Checkpoint is 'no\nsuch'; allowed is"),
    "too long a name to write": (["train", "bigram", "--out", "x" * 300], "can't be written (File name too long)"),
    "too long a name while half there": (
        ["train", "bigram", "--out", "x" * 252], "can't be written (File name too long)"
    ),
    "too long a name for a table": (["table", "--rows", "bigram", "--out", "x" * 300], "(File name too long)"),
    "a folder that is a file": (["train", "bigram", "--out", "{names}/x"], "can't be written (Not a directory)"),
    "a line break in a name to write": (["train", "bigram", "--out", "no\nsuch/x"], r"Out is 'no\nsuch/x'; allowed"),
    "a line break in a file's name": (["train", "bigram", "--names", "no\nsuch"], r"Names is 'no\nsuch', which"),
    "too long a name of a file": (["train", "bigram", "--names", "x" * 300], "(File name too long)"),
    "no checkpoint": (["sample", "{names}"], "not a checkpoint"),
    "damaged checkpoint": (["evaluate", "{damaged}"], "safetensors"),
    "checkpoint missing": (["evaluate"], "CHECKPOINT"),
    "list of the checkpoint is a file": (["evaluate", "{checkpoint}"], "file 'names.txt'; name a list"),
    "foreign letters": (["evaluate", "bigram", "--names", "{names}"], "is not a letter known here"),
    "foreign prefix": (["sample", "bigram", "--prefix", "ж"], "is not a letter known here"),
    "prefix that is no text": (
        ["sample", "bigram", "--prefix", "\udcff"],
        r"Prefix is '\udcff', which can't be read as text; allowed is UTF-8.",
    ),
    "pattern that is no text": (["sample", "bigram", "--pattern", "\udcff"], r"Pattern is '\udcff', which can't be"),
    "too many wanted": (["sample", "bigram", "-n", "20001"], "Names wanted is 20001"),
    "conditions of a file": (
        ["train", "wavenet-s", "--names", "{names}", "--conditions", "sex"], "knows nothing but"
    ),
    "conditions unknown to a list": (["train", "mlp-3", "--conditions", "sex+decade"], "that knows the decade"),
    "sex of a model without": (["sample", "bigram", "--sex", "M"], "Sex is M; this model was told letters alone"),
    "no decade": (["sample", "bigram", "--decade", "1921"], "Decade is 1921; allowed is one of any, 1880"),
    "lengths that disagree": (["sample", "bigram", "--shortest", "9", "--longest", "3"], "Shortest is 9"),
}  # fmt: skip


@pytest.fixture
def files(names_file: str, trained: Path, tmp_path: Path) -> dict[str, str]:
    """The files that the commands below speak of."""
    few, damaged, labels = tmp_path / "few.txt", tmp_path / "damaged.safetensors", tmp_path / "labels.csv"
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(10**12)
    labels.write_text(TABLE, encoding="utf-8")
    few.write_text("ann\nbob\n")
    damaged.write_bytes(trained.read_bytes()[:-9])
    return {
        "names": names_file, "checkpoint": str(trained), "few": str(few), "damaged": str(damaged),
        "labels": str(labels), "huge": str(huge),
    }  # fmt: skip


@pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_one_sentence(case: str, as_json: bool, files: dict[str, str], capsys: Capture) -> None:
    """Exit code 2, nothing on standard output, one line on standard error that says what is wrong."""
    words, sentence = REFUSED[case]
    words = [word.format(**files) for word in words]
    capsys.readouterr()
    assert main([*words, "--json"] if as_json and words else words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert sentence in err


def test_a_name_too_long_to_be_written_is_refused_before_the_training(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Also where it is only so with the ending that it has until it is whole."""
    monkeypatch.delattr(command_line, "Trainer")
    assert main(["train", "bigram", "--out", "x" * 252]) == 2
    assert "File name too long" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["train", "bigram", "--names", "{0}"], ["claims", "bigram"], ["table", "--names", "{0}", "--seeds", "9"]],
    ids=lambda words: words[0],
)
def test_a_list_of_names_is_not_written_over(words: list[str], names_file: str, capsys: Capture) -> None:
    """Whether it is the one that is read or another."""
    before = Path(names_file).read_bytes()
    assert main([*(word.format(names_file) for word in words), "--out", names_file]) == 2
    assert "my names.txt', which holds something else that would be lost; allowed is a new" in capsys.readouterr().err
    assert Path(names_file).read_bytes() == before


@pytest.mark.parametrize("kind", command_line.OURS)
def test_only_a_file_of_the_same_kind_is_written_over(kind: str, tmp_path: Path) -> None:
    """Nor what is no file: to replace a device takes it away from everybody."""
    there = {
        "checkpoint": load_shipped("bigram").to_bytes(), "table": Path(str(table.SHIPPED)).read_bytes(),
        "claims": measured.SHIPPED.read_bytes(), "foreign": write_tensors({"a": torch.ones(2)}, {"format": "pt"}),
        "empty": b"",
    }  # fmt: skip
    for name, content in there.items():
        out = tmp_path / name
        out.write_bytes(content)
        if name in (kind, "empty"):
            command_line._check_out(str(out), kind)
        else:
            with pytest.raises(Refusal, match="which holds something else that would be lost"):
                command_line._check_out(str(out), kind)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refusal, match="allowed is a file in a folder"):
        command_line._check_out(str(tmp_path / "pipe"), kind)


def test_a_link_leads_to_the_checkpoint_and_stays(names_file: str, tmp_path: Path) -> None:
    """As somebody may keep the latest model under one name."""
    link, target = tmp_path / "link.safetensors", tmp_path / "target.safetensors"
    link.symlink_to(target)
    assert main(["train", "bigram", "--names", names_file, "--out", str(link)]) == 0
    assert link.is_symlink()
    assert load(target).title == "link"


def test_nothing_is_lost_where_nothing_or_the_start_of_a_checkpoint_stands(
    names_file: str, trained: Path, tmp_path: Path
) -> None:
    """As left by whoever made the file's name, and by a run that was cut off."""
    out = tmp_path / "x.safetensors"
    out.touch()
    Path(f"{out}.part").write_bytes(trained.read_bytes()[:5])
    assert main(["train", "bigram", "--names", names_file, "--out", str(out)]) == 0
    assert load(out).title == "x"


@pytest.fixture(scope="module")
def absurd(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A checkpoint and its list: the counts are numbers, and so are their sums for names of one letter alone."""
    folder = tmp_path_factory.mktemp("absurd")
    names, out = folder / "names.txt", folder / "absurd.safetensors"
    names.write_text("\n".join(2 * ["".join(letters) for letters in itertools.product("ab", repeat=3)]))
    assert main(["train", "kn-5", "--order", "3", "--names", str(names), "--out", str(out)]) == 0
    kept = load(out)
    of_two_letters = kept.weights["keys"] >= kept.vocabulary.size**3 + kept.vocabulary.size**2
    kept.weights["counts"][of_two_letters] = 3e38
    out.write_bytes(kept.to_bytes())
    return str(out), str(names)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sample", "{0}"], "can't write names: its log-probabilities"),
        (["sample", "{0}", "--temperature", "0", "--json"], "can't write names: its log-probabilities"),
        (["evaluate", "{0}", "--names", "{1}", "--json"], "'absurd' can't be measured: its loss on these names"),
        (["claims", "{0}", "--names", "{1}", "--json"], "'absurd' can't be measured: its loss on these names"),
    ],
    ids=["sample", "sample-coldest", "evaluate", "claims"],
)
def test_a_model_that_says_no_numbers_is_refused(
    words: list[str], sentence: str, absurd: tuple[str, str], capsys: Capture
) -> None:
    """Though its weights are all numbers."""
    capsys.readouterr()
    assert main([word.format(*absurd) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err.splitlines()[-1]
    assert "leaks" not in err


def test_a_name_that_just_fits_is_written(names_file: str, tmp_path: Path) -> None:
    """A slash behind it changes nothing."""
    out = tmp_path / ("x" * 250)
    assert main(["train", "bigram", "--names", names_file, "--out", f"{out}/"]) == 0
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ".txt"] == [out.name]


def test_an_unwritable_file_is_a_refusal(
    names_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A disk that fills up while the model trains."""

    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    out = tmp_path / "x.safetensors"
    assert main(["train", "bigram", "--names", names_file, "--out", str(out)]) == 2
    assert "can't be written (No space left on device)" in capsys.readouterr().err
    assert not out.exists()


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only refusals become sentences; a ValueError of the program itself keeps its traceback."""

    def broken(*_: object, **__: object) -> None:
        raise ValueError("ours")

    assert issubclass(Refusal, ValueError)
    monkeypatch.setattr("wavenames.__main__.sample", broken)
    with pytest.raises(ValueError, match="ours"):
        main(["sample", "bigram"])


def test_a_diverged_run_says_so_and_keeps_the_last_good_weights(
    names_file: str, tmp_path: Path, capsys: Capture
) -> None:
    """Exit code 1, a document without numbers that JSON doesn't know, a checkpoint that can be read."""
    out = tmp_path / "run.safetensors"
    words = ["train", "wavenet-s", "--names", names_file, "--optimiser", "sgd", "--learning-rate", "1000"]
    assert main([*words, "--schedule", "constant", "--steps", "200", "--out", str(out), "--json"]) == 1
    text, err = capsys.readouterr()
    assert list(json.loads(text, parse_constant=pytest.fail)) == TRAIN_KEYS
    assert "try a learning rate below 1000" in err
    load(out)


# ----------------------------------------------------------------------------------------- as a process of its own


def start(*words: str) -> subprocess.Popen[str]:
    """The command line as people start it."""
    command = [sys.executable, "-W", "error", "-m", "wavenames", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, encoding="utf-8", **pipes)  # type: ignore[call-overload, no-any-return]


def test_ctrl_c_ends_a_run_cleanly_and_keeps_what_was_reached(names_file: str, tmp_path: Path) -> None:
    """Exit code 130, one document, a checkpoint with the steps so far."""
    out = tmp_path / "run.safetensors"
    endless = ["--steps", "1000000", "--evaluate-every", "5", "--out", str(out), "--json"]
    with start("train", "mlp-3", "--recipe", "modern", "--names", names_file, *endless) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "step 5 " in line)
        process.send_signal(signal.SIGINT)
        text, err = process.communicate()
    assert process.returncode == 130
    document = json.loads(text)
    assert document["checkpoint"] == str(out)
    assert load(out).results.steps == document["steps"] >= 5
    assert f"Stopped by Ctrl-C after step {document['steps']:,}." in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("times", "code"), [(1, 0), (2, 130)])
def test_ctrl_c_after_the_last_step_loses_nothing(
    times: int, code: int, names_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is still measured and kept; who insists is obeyed."""

    def interrupted(*arguments: Any) -> Evaluation:
        for _ in range(presses.pop()):
            signal.raise_signal(signal.SIGINT)
        return evaluate(*arguments)

    presses, out, before = [0, 0, times], tmp_path / "run.safetensors", signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("wavenames.__main__.evaluate", interrupted)
    assert main(["train", "bigram", "--names", names_file, "--out", str(out)]) == code
    assert out.exists() == (code == 0)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_elsewhere_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wavenames.__main__.sample", interrupted)
    assert main(["sample", "bigram"]) == 130
    assert capsys.readouterr() == ("", "Stopped by Ctrl-C.\n")


def test_a_reader_that_goes_away_is_no_error() -> None:
    """As in `python -m wavenames sample wavenet-m | head -1`."""
    with start("sample", "bigram", "-n", "20000") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("name ")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk here that is always full")
@pytest.mark.parametrize("words", [["models"], ["sample", "bigram", "-n", "2000", "--json"]], ids=["short", "long"])
def test_an_output_that_can_not_be_written_is_a_refusal(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Whether it fits into Python's buffer or not; and nothing is left to fail while Python closes the file."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(words) == 2
    assert capsys.readouterr().err == "Standard output can't be written (No space left on device).\n"


def test_an_output_that_is_closed_is_refused_before_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """As in `python -m wavenames models --json >&-`."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["sample", "bigram", "--json"]) == 2
    assert capsys.readouterr().err.startswith("Standard output is closed; allowed is")


def test_standard_output_of_a_process_is_one_document(names_file: str) -> None:
    with start("train", "bigram", "--names", names_file, "--json") as process:
        text, err = process.communicate()
    assert process.returncode == 0, err
    assert list(json.loads(text)) == TRAIN_KEYS
