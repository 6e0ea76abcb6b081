"""The same work without a browser: python -m wavenames models | train | evaluate | sample | table | claims | bench.

Options are made from the fields of `wavenames.config`, which also checks what they are given. Results go to
standard output, with --json as one JSON document; progress, notes and refusals go to standard error. Losses are nats
per letter.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import math
import os
import re
import shlex
import signal
import stat
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

import torch
from tqdm import tqdm

from wavenames import bench, findings, table
from wavenames.checkpoints import Checkpoint, Results, load, shipped
from wavenames.claims import measured, verdicts
from wavenames.comparison import loss_floor, seen_and_unseen, target_leak
from wavenames.config import (
    CELLS_ALLOWED,
    CONDITIONS,
    LIST_LIMITS,
    MODEL_CONFIGS,
    PRESETS,
    RECIPES,
    SERVER_LIMITS,
    DataConfig,
    RecipeConfig,
    Refusal,
    RunConfig,
    SamplingConfig,
    Settings,
    choices,
    conditions_of,
    field_label,
    flat_fields,
    help_line,
    limits,
    shortened,
    shown,
    shown_path,
)
from wavenames.models import build
from wavenames.names import (
    BUNDLED,
    MAKEMORE,
    NO_COLUMN,
    Membership,
    NameList,
    Packed,
    Vocabulary,
    bundled,
    classes_in,
    digest,
    download_makemore,
    leak,
    read_list,
    split,
)
from wavenames.sampling import sample
from wavenames.training import (
    FETCH_EVERY,
    MOST_THREADS,
    Progress,
    Trainer,
    best_device,
    evaluate,
)

DONE, DIVERGED, REFUSED, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141
EXIT_CODES = "exit codes: 0 done, 1 the run diverged, 2 refused, 130 stopped by Ctrl-C"
PARTS = ("train", "validation", "test")
LETTERS = 27  # a to z and the end mark, the vocabulary that published parameter counts refer to
PART = ".part"  # what a checkpoint's name ends with until it is whole
OURS = {
    "checkpoint": re.compile(rb'(?s:.{4})\0{4}\{"__metadata__":\{"wavenames"'),
    "table": re.compile(rb'\{"run":'),
    "claims": re.compile(rb'\{\s*"data":'),
}  # how what is written here begins
RECENT = 100  # steps that the training loss on screen is a mean of
T = TypeVar("T")
Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without some letter still gets the rest
    try:
        if sys.stdout is None:
            raise Refusal("Standard output is closed; allowed is a terminal, a file or another program.")
        args = _parser().parse_args(words, argparse.Namespace(words=words))
        code: int = args.command(args)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone, as `head` does
        return UNREAD
    return code


# ---------------------------------------------------------------------------------------------------- commands


def models_command(args: argparse.Namespace) -> int:
    """The zoo, one row a preset."""
    rows = []
    for name, preset in PRESETS.items():
        model = build(preset.model, LETTERS)
        row = {"name": name, "parameters": model.parameter_count, "receptive_field": model.receptive_field}
        rows.append({**row, "description": preset.description})
    _show(args, rows)
    return DONE


def train_command(args: argparse.Namespace) -> int:
    """Train one model, evaluate the final weights on whole splits, keep them if asked to."""
    names = _open_list(args.names, args)
    words = _given(args, *MODEL_CONFIGS.values(), RecipeConfig, DataConfig, RunConfig)
    run = RunConfig.from_flat({**words, "names": names.id})
    _check_out(args.out, "checkpoint", PART)
    labels = names.label_rows(conditions_of(run.model))
    parts = split(names.names, run.data.split, labels=labels, seed=run.data.split_seed)
    vocabulary, device = Vocabulary.of(names.names), best_device()
    model = build(run.model, vocabulary.size, run.seed).to(device)
    packed = {part: Packed(getattr(parts, part), vocabulary, device, parts.labels.get(part)) for part in PARTS}
    trainer = Trainer(model, packed["train"], packed["validation"], run.recipe, run.seed)
    torch.set_num_threads(min(torch.get_num_threads(), MOST_THREADS))
    with _ctrl_c() as asked:
        _follow(trainer, asked)
        found = {part: evaluate(model, packed[part]) for part in PARTS}
        results = Results.checked(
            **{part: _finite(found[part].loss) for part in PARTS},
            validation_error=_finite(found["validation"].error), steps=trainer.step, seconds=trainer.seconds,
            device=device.type, list_title=names.title, command=_command(args),
            labels=classes_in(model.conditions, packed["train"].labels),
        )  # fmt: skip
        if args.out is not None:
            membership = Membership.of(parts)
            title = shortened(" ".join(Path(args.out).stem.split()), SERVER_LIMITS.max_title) or run.preset
            _write(args.out, Checkpoint(run, vocabulary, model.state_dict(), membership, results, title))
    floor = loss_floor(packed["train"], model.receptive_field)
    if leaks := target_leak(found["train"].loss, floor, model.receptive_field):
        print(leaks, file=sys.stderr)
    _show(args, {
        "model": run.preset, "parameters": model.parameter_count, "split": run.data.split, "seed": run.seed,
        "steps": results.steps, "seconds": results.seconds, "train": results.train,
        "validation": results.validation, "device": results.device, "checkpoint": args.out,
    })  # fmt: skip
    if trainer.finished is None:
        return INTERRUPTED
    return DIVERGED if trainer.diverged else DONE


def evaluate_command(args: argparse.Namespace) -> int:
    """The losses of a trained model on each part of a split."""
    checkpoint = _open_checkpoint(args.checkpoint)
    trained_on = checkpoint.run.data
    if args.names is None and trained_on.names.startswith("upload-"):
        raise Refusal(f"The model learned from the file '{checkpoint.results.list_title}'; name a list with --names.")
    names = _open_list(args.names or trained_on.names, args)
    data = trained_on.changed(**{**_given(args, DataConfig), "names": names.id})
    kinds = conditions_of(checkpoint.run.model)
    known = [kind for kind in kinds if kind in names.labels]
    if unknown := [kind for kind in kinds if kind not in known]:
        told = f"told the {' and the '.join(known)} alone" if known else "untold"
        print(
            f"The list '{names.title}' does not know the {' and the '.join(unknown)}; the model is measured {told}.",
            file=sys.stderr,
        )
    if never := [kind for kind in kinds if kind not in checkpoint.untold]:
        print(
            f"In training the model was always told the {' and the '.join(never)}: untold, it says what it never "
            "learned.",
            file=sys.stderr,
        )
    labels = names.label_rows(kinds, lacking=True) if known else None
    parts = split(names.names, data.split, labels=labels, seed=data.split_seed)
    device = best_device()
    model = checkpoint.model(device)
    packed = {
        part: Packed(getattr(parts, part), checkpoint.vocabulary, device, parts.labels.get(part)) for part in PARTS
    }
    if data != trained_on:
        print(
            f"The model was trained on {checkpoint.results.list_title or trained_on.names}, "
            f"split {trained_on.split}, split seed {trained_on.split_seed}; the parts here are others.",
            file=sys.stderr,
        )
    found = {part: evaluate(model, packed[part]) for part in _bar(PARTS, "part")}
    if model.conditions:
        found["untold"] = evaluate(model, packed["validation"], told=False)
    if not all(math.isfinite(each.loss) for each in found.values()):
        title = shown(checkpoint.title)
        raise Refusal(f"The model '{title}' can't be measured: its loss on these names is not a finite number.")
    losses = {part: (found[part].loss, found[part].error) for part in PARTS}
    seen, unseen = seen_and_unseen(found["validation"], parts.validation, parts.train)
    losses |= {"validation_seen": seen, "validation_unseen": unseen}
    floor = loss_floor(packed["train"], model.receptive_field)
    if leaks := target_leak(found["train"].loss, floor, model.receptive_field):
        print(leaks, file=sys.stderr)
    if model.conditions:
        losses["validation_told"] = losses["validation"] if known else (math.nan, math.nan)
        losses["validation_untold"] = found["untold"].loss, found["untold"].error
    _show(args, {
        "model": checkpoint.title, "parameters": model.parameter_count,
        "names": data.names, "split": data.split, "split_seed": data.split_seed,
        **{group: _finite(loss) for group, (loss, _) in losses.items()},
        **{f"{group}_se": _finite(error) for group, (_, error) in losses.items()},
        "validation_seen_share": leak(parts).validation,
    })  # fmt: skip
    return DONE


def sample_command(args: argparse.Namespace) -> int:
    """Names from a trained model."""
    given = _given(args, SamplingConfig)
    for name, value in given.items():
        if any("\ud800" <= character <= "\udfff" for character in str(value)):  # a byte that is no text
            raise Refusal(f"{field_label(name)} is '{shown(value)}', which can't be read as text; allowed is UTF-8.")
    options = SamplingConfig.checked(**given)
    checkpoint = _open_checkpoint(args.checkpoint)
    told = checkpoint.can_be_told(options)
    model = checkpoint.model(best_device())
    with tqdm(total=options.n, unit=" names", file=sys.stderr, delay=1, leave=False) as bar:
        samples = sample(
            model, checkpoint.vocabulary, told, checkpoint.membership, lambda found: bar.update(found - bar.n)
        )
    rows = [dataclasses.asdict(name) for name in samples.names]
    if args.json:
        message = {"message": samples.message} if samples.message else {}
        _show(args, {"names": rows, "attempts": samples.attempts, "seconds": samples.seconds, **message})
        return DONE
    _show(args, rows)
    if samples.message:
        print(samples.message, file=sys.stderr)
    return DONE


def table_command(args: argparse.Namespace) -> int:
    """The notebook's table, finished: train the rows that are not yet, print mean and spread over seeds
    and what each idea bought.
    """
    asked = {word: getattr(args, word).split(",") for word in ("rows", "seeds", "splits") if word in args}
    # What has been trained on makemore's list is known by its digest: nothing is fetched unless something is missing.
    names = None if args.names == MAKEMORE.id else _open_list(args.names, args)
    runs = table.wanted(names, **asked, steps=getattr(args, "steps", None))
    threads = getattr(args, "threads", str(min(torch.get_num_threads(), MOST_THREADS)))
    if threads not in map(str, range(1, MOST_THREADS + 1)):
        raise Refusal(f"Threads is '{shown(threads)}'; allowed is a whole number from 1 to {MOST_THREADS}.")
    torch.set_num_threads(int(threads))
    _check_out(args.out, "table")
    if left_out := [row for row in table.ROWS if "rows" not in asked and row not in {run.preset for run in runs}]:
        print(f"Left out, as the list doesn't tell what they are told: {', '.join(left_out)}.", file=sys.stderr)
    entries, whole = _fill_table(runs, lambda: names or _open_list(args.names, args), args.out)
    rows = table.rows(entries)
    printed = table.published(MAKEMORE.sha256 if names is None else digest(names.names, {}))
    theirs = [each for each in printed if each.row in {run.preset for run in runs}]
    found = findings.summary(rows, theirs)
    if args.json:
        _show(args, {
            "list": MAKEMORE.title if names is None else names.title,
            "trainings": len(runs), "finished": len(entries),
            "rows": [_row(row) for row in rows], "published": [dataclasses.asdict(each) for each in theirs],
            "summary": [dataclasses.asdict(each) for each in found],
        })  # fmt: skip
    else:
        _show(args, [line for row in rows for line in _lines(row, theirs)])
        notes = [f"{each.source}, {each.row}: {each.note}." for each in theirs if each.note]
        _print("\n".join([*notes, *(row.told for row in rows if row.told)]))
        _print("\n".join(f"\n{each.sentence}\n  {each.evidence}" for each in found))
    return DONE if whole else INTERRUPTED


def claims_command(args: argparse.Namespace) -> int:
    """The notebook's four claims about WaveNet, each measured on trained models of one list and split."""
    checkpoints = [_open_checkpoint(word) for word in args.checkpoints or shipped()]
    data = Counter(each.run.data for each in checkpoints).most_common(1)[0][0]
    if args.names is None and data.names.startswith("upload-"):
        raise Refusal(
            f"The models learned from the file '{checkpoints[0].results.list_title}'; name it with --names."
        )
    names = _open_list(args.names or data.names, args)
    vocabulary = Vocabulary.of(names.names)
    fitting = [each for each in checkpoints if each.run.data == data and each.vocabulary == vocabulary]
    if left_out := [each.title for each in checkpoints if each not in fitting]:
        print(f"Left out, being trained on other names: {', '.join(left_out)}.", file=sys.stderr)
    if must := [each.title for each in fitting if not each.does_without]:
        print(f"Left out, having to be told more than the name: {', '.join(must)}.", file=sys.stderr)
        fitting = [each for each in fitting if each.does_without]
    if not fitting:
        raise Refusal(f"No checkpoint knows the letters of {names.title}.")
    _check_out(args.out, "claims")
    torch.set_num_threads(min(torch.get_num_threads(), MOST_THREADS))
    subjects = [measured.Subject(each.title, each.model(), each.run) for each in fitting]
    parts = split(names.names, data.split, seed=data.split_seed)
    measurement = measured.Measurement(subjects, parts, vocabulary, data, names.title)
    with tqdm(total=1.0, file=sys.stderr, bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}") as bar:
        for share, doing in measurement.run():
            bar.set_postfix_str(doing, refresh=False)
            bar.update(share - bar.n)
    found = measurement.found
    if args.out is not None:
        measured.write(Path(args.out), found)
    said = verdicts.verdicts(found, table.rows(table.shipped()))
    rows = [{"claim": each.title, **dataclasses.asdict(said[each.key])} for each in verdicts.CLAIMS]
    if args.json:
        _show(args, {"verdicts": rows, **found.model_dump(mode="json")})
    else:
        _print("\n".join(f"{row['claim']}: {row['word']}\n  {row['sentence']}" for row in rows))
    return DONE


def bench_command(args: argparse.Namespace) -> int:
    """How fast the trainer and the sampler are, each against the plain way of doing it."""
    names = _open_list(args.names, args)
    data = DataConfig().changed(**{**_given(args, DataConfig), "names": names.id})
    parts, vocabulary = split(names.names, data.split, seed=data.split_seed), Vocabulary.of(names.names)
    torch.set_num_threads(min(torch.get_num_threads(), MOST_THREADS))
    machine = bench.machine()
    measured = [compare() for compare in _bar(bench.comparisons(parts, vocabulary), "comparison")]
    limits = {"share_of_peak": "peak_gflops", "share_of_torch_mm": "peak_gflops_torch_mm"}
    rows = [
        dataclasses.asdict(each) | {share: each.gflops / float(machine[limit]) for share, limit in limits.items()}
        for each in measured
    ]
    runs = [RunConfig.from_flat({**bench.RACE, "seed": seed}) for seed in bench.RACE_SEEDS]
    raced = [dataclasses.asdict(bench.race(parts, vocabulary, run)) for run in runs]
    _show(args, {
        "machine": machine, "names": data.names, "split": data.split, "rounds": bench.ROUNDS,
        "comparisons": rows, "races": raced,
    })  # fmt: skip
    return DONE


# ---------------------------------------------------------------------------------------- the notebook's table


def _fill_table(
    runs: Sequence[RunConfig], open_names: Callable[[], NameList], out: str | None
) -> tuple[list[table.Entry], bool]:
    """Train what is not finished and keep it; gives the entries of `runs`, and whether all are there."""
    trained: list[table.Entry] = []

    def finished(run: RunConfig) -> table.Entry | None:
        """Also by another process, a moment ago."""
        return table.find([*table.shipped(), *(table.read(Path(out)) if out is not None else []), *trained], run)

    todo = [run for run in runs if finished(run) is None]
    print(f"{len(runs) - len(todo)} of {len(runs)} trainings are finished.", file=sys.stderr)
    if not todo:
        return [entry for run in runs if (entry := finished(run)) is not None], True
    if out is None:
        print("Nothing of what is trained now is kept; --out FILE keeps it.", file=sys.stderr)
    names = open_names()
    reckoned = {
        preset: table.reckoned_seconds(run, names) for preset, run in {run.preset: run for run in todo}.items()
    }
    began, done = time.monotonic(), 0.0
    with _ctrl_c() as asked:
        for place, run in enumerate(todo):
            if finished(run) is not None:
                continue
            left = sum(reckoned[each.preset] for each in todo[place:])
            left *= (time.monotonic() - began) / done if done else 1.0
            print(
                f"{run.preset}, {run.data.split} split, seed {run.seed}: {place + 1} of {len(todo)}, "
                f"{tqdm.format_interval(left)} left for all",
                file=sys.stderr,
            )
            training = table.Training(run, names)
            _follow(training.trainer, asked)
            if asked.is_set():
                break
            trained.append(training.entry)
            if training.leak is not None:
                print(training.leak, file=sys.stderr)
            if out is not None:
                table.keep(Path(out), trained[-1])
            done += reckoned[run.preset]
    entries = [entry for run in runs if (entry := finished(run)) is not None]
    return entries, len(entries) == len(runs)


def _row(row: table.Row) -> Row:
    """A row of the table for machines: losses by split and part."""
    losses = {
        kind: {part: dataclasses.asdict(figure) for (other, part), figure in row.losses.items() if other == kind}
        for kind in table.SPLITS
    }
    return dataclasses.asdict(dataclasses.replace(row, losses={})) | {"losses": losses}


def _lines(row: table.Row, theirs: Sequence[table.Published]) -> Iterator[Row]:
    """A row of the table for people, and below it what others have printed."""
    columns: dict[str, tuple[str, table.Part]] = {
        **{f"lecture {part}": ("lecture", part) for part in table.PARTS},
        "lecture unseen": ("lecture", "unseen"),
        "unique validation": ("unique", "validation"),
        "unique test": ("unique", "test"),
    }
    yield {
        "model": row.name, "parameters": f"{row.parameters:,}", "context": row.receptive_field,
        "seeds": row.seeds, "seconds": f"{row.seconds:.1f}",
        **{title: str(row.losses.get(key, "–")) for title, key in columns.items()},
    }  # fmt: skip
    for each in theirs:
        if each.row == row.name:
            yield {
                "model": f"  {each.source}", "parameters": f"{each.parameters:,}" if each.parameters else "–",
                "context": each.receptive_field, "seeds": "–", "seconds": "–",
                **dict.fromkeys(columns, "–"),
                **{f"lecture {part}": f"{loss:.3f}" for part in table.PARTS if (loss := getattr(each, part))},
            }  # fmt: skip


# ----------------------------------------------------------------------------------------- following a run


def _follow(trainer: Trainer, asked: threading.Event) -> None:
    """Train until the end, or until `asked` to stop, with a bar and a line for each evaluation."""
    recipe, curve = trainer.recipe, trainer.curve
    with tqdm(total=recipe.steps, unit=" steps", file=sys.stderr, mininterval=0.5) as bar:
        for progress in trainer.run():
            if recipe.seconds is not None and progress.seconds > 0:  # so that the time left is that of the limit
                bar.total = max(progress.step, min(recipe.steps, _steps_within(recipe.seconds, progress)))
            bar.update(progress.step - bar.n)
            if progress.evaluated or progress.step % FETCH_EVERY == 0:
                recent = [point.loss for point in curve.train[-RECENT:]]
                train = f"train {sum(recent) / len(recent):.3f}  " if recent else ""
                losses = f"{train}validation {curve.validation[-1].loss:.3f}" if curve.validation else train
                bar.set_postfix_str(losses, refresh=False)
                if progress.evaluated:
                    bar.write(f"step {progress.step:,}  {losses}  {progress.seconds:.1f} s", file=sys.stderr)
            if asked.is_set():
                break
    trainer.fetch()
    print(trainer.finished or f"Stopped by Ctrl-C after step {trainer.step:,}.", file=sys.stderr)


def _steps_within(seconds: float, progress: Progress) -> int:
    return math.ceil(progress.step * seconds / progress.seconds)


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, so that what was trained is still measured and kept; a second one breaks in."""
    asked = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _bar(items: Sequence[T], unit: str) -> Iterator[T]:
    return iter(tqdm(items, unit=f" {unit}", file=sys.stderr))


# ------------------------------------------------------------------------------------------ what comes in


def _open_list(word: str, args: argparse.Namespace) -> NameList:
    """The list that ships under this id, makemore's by download, or a file's."""
    label_columns = {kind: title for kind in CONDITIONS if (title := getattr(args, f"{kind}_column")) is not None}
    if word in BUNDLED or word == MAKEMORE.id:
        if args.column is not None or args.titles is not None or args.fold_case or label_columns:
            raise Refusal(f"Columns, titles and fold case are for files; '{word}' is a list that is known by name.")
        return bundled(word) if word in BUNDLED else download_makemore()
    path = Path(word)
    try:
        with path.open("rb") as file:
            data = file.read(LIST_LIMITS.max_bytes + 1)
    except OSError as error:
        raise Refusal(
            f"Names is '{shown_path(word)}', which can't be read as a file ({error.strerror}); allowed is a .txt or "
            f".csv file or one of {', '.join([*BUNDLED, MAKEMORE.id])}."
        ) from error
    if len(data) > LIST_LIMITS.max_bytes:
        most = LIST_LIMITS.max_bytes
        raise Refusal(f"Names is '{shown_path(word)}', which has more bytes than the {most:,} that are allowed.")
    return read_list(
        data, path.name, column=args.column, label_columns=label_columns, titled=args.titles, fold_case=args.fold_case
    )


def _open_checkpoint(word: str) -> Checkpoint:
    """A model that ships, by name, or a checkpoint's file."""
    path = shipped().get(word, Path(word))
    try:
        there = path.is_file()
    except OSError:  # a name that is too long, a folder that is locked
        there = False
    if not there:
        raise Refusal(
            f"Checkpoint is '{shown_path(word)}'; allowed is a .safetensors file that can be read or one of "
            f"{', '.join(shipped())}."
        )
    return load(path)


def _given(args: argparse.Namespace, *classes: type[Settings]) -> dict[str, Any]:
    """The fields that stand on the command line, by name."""
    names = [name for cls in classes for name in cls.model_fields]
    return {name: getattr(args, name) for name in names if name in args}


# -------------------------------------------------------------------------------------------- what goes out


def _show(args: argparse.Namespace, document: Row | list[Row]) -> None:
    _print(json.dumps(document, allow_nan=False) if args.json else "\n".join(_plain(document)))


def _print(text: str) -> None:
    """To standard output, at once: what is wrong with it is met here."""
    try:
        print(text, flush=True)
    except OSError as error:
        # Python must not find that out again while it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise Refusal(f"Standard output can't be written ({error.strerror}).") from error


def _plain(document: Row | list[Row]) -> Iterator[str]:
    """A list of rows as a table; anything else as a line for each entry, tables and groups below their names."""
    if isinstance(document, list):
        cells = [[_cell(value) for value in row.values()] for row in document]
        heads = [key.replace("_", " ") for key in document[0]] if document else []
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        for line in [heads, *cells]:
            yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        return
    width = max(len(key) for key in document)
    for key, value in document.items():
        if isinstance(value, dict | list):
            yield f"\n{key}"
            yield from _plain(value)
        else:
            yield f"{key.replace('_', ' '):<{width}}  {_cell(value)}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"
    return "–" if value is None else str(value)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _check_out(out: str | None, kind: str, ending: str = "") -> None:
    """Refuse before the training what could not be written after it: also under the name with `ending`, which a file
    has until it is whole. Refuse as well what would be lost by it: a file that does not begin as one of this kind of
    `OURS`, such as the list of names itself, and what is no file at all, such as a device.
    """
    own = None if out is None else Path(out)
    for path in [] if own is None else [own, Path(f"{own}{ending}")]:
        begins, other = b"", False
        try:
            other = not stat.S_ISREG(path.stat().st_mode)
            if not other and path == own:
                with path.open("rb") as file:
                    begins = file.read(64)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _unwritable(path, error) from error
        if other or not os.access(path.parent, os.W_OK):
            raise Refusal(
                f"Out is '{shown_path(out)}'; allowed is a file in a folder that exists and can be written to."
            )
        if begins and not OURS[kind].match(begins):
            raise Refusal(
                f"Out is '{shown_path(path)}', which holds something else that would be lost; allowed is a new file "
                "or one that this command has written."
            )


def _write(out: str, checkpoint: Checkpoint) -> None:
    """The whole file or none: whoever reads it never meets half of one."""
    part = Path(f"{Path(out)}{PART}")
    try:
        part.write_bytes(checkpoint.to_bytes())
        part.replace(Path(out).resolve())  # where a link leads; the link itself stays
    except OSError as error:
        raise _unwritable(Path(out), error) from error


def _unwritable(path: Path, error: OSError) -> Refusal:
    return Refusal(f"Out is '{shown_path(path)}', which can't be written ({error.strerror}).")


def _command(args: argparse.Namespace) -> str:
    """The command line as typed, without the folders of this machine."""
    words = ["python", "-m", "wavenames"]
    for before, word in pairwise(["", *args.words]):
        option, equals, path = word.partition("=")
        if before in ("--names", "--out"):
            words.append(Path(word).name)
        elif option in ("--names", "--out"):
            words.append(f"{option}{equals}{Path(path).name}")
        else:
            words.append(word)
    return shlex.join(words)


# ---------------------------------------------------------------------------------------------- the options


class _Parser(argparse.ArgumentParser):
    """Refuses in one sentence, as everything here does."""

    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{message[:1].upper()}{message[1:]}; add --help to see what is allowed.")


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m wavenames", description="Train name generators and draw names.", epilog=EXIT_CODES
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any) -> _Parser:
        made = commands.add_parser(
            name, help=run.__doc__, description=run.__doc__, epilog=EXIT_CODES, allow_abbrev=False
        )
        made.set_defaults(command=run)
        made.add_argument("--json", action="store_true", help="Print one JSON document on standard output.")
        return made

    command("models", models_command)
    _train_options(command("train", train_command))
    evaluating = command("evaluate", evaluate_command)
    _checkpoint_argument(evaluating)
    _data_options(evaluating, default=None)
    sampling = command("sample", sample_command)
    _checkpoint_argument(sampling)
    for name in flat_fields(SamplingConfig):
        _field(sampling, name, SamplingConfig, default=SamplingConfig.model_fields[name].default)
    _table_options(command("table", table_command))
    claiming = command("claims", claims_command)
    claiming.add_argument(
        "checkpoints", metavar="CHECKPOINT", nargs="*",
        help=f"Files, or some of {', '.join(shipped())}; all that ship if left out.",
    )  # fmt: skip
    claiming.add_argument("--out", metavar="FILE", help="Where to keep what was measured, as JSON.")
    _list_options(claiming, None)
    _data_options(command("bench", bench_command), default=DataConfig.model_fields["names"].default)
    return parser


def _train_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("preset", metavar="MODEL", help=f"One of {', '.join(PRESETS)}.")
    _data_options(parser, default=DataConfig.model_fields["names"].default)
    parser.add_argument("--out", metavar="FILE", help="Where to keep the trained model; without it, nothing is kept.")
    _field(parser, "seed", RunConfig, default=RunConfig.model_fields["seed"].default)
    recipe = parser.add_argument_group("recipe", "How the model is trained; each recipe has defaults of its own.")
    recipe.add_argument(
        "--recipe", metavar="NAME", default=argparse.SUPPRESS,
        help=f"One of {', '.join(RECIPES)}; the one that suits the model if left out.",
    )  # fmt: skip
    for name in flat_fields(RecipeConfig):
        _field(recipe, name, RecipeConfig)
    sizes = parser.add_argument_group("model", "Sizes and layers; in brackets the families that have the setting.")
    for name in dict.fromkeys(name for cls in MODEL_CONFIGS.values() for name in flat_fields(cls)):
        families = [family for family, cls in MODEL_CONFIGS.items() if name in cls.model_fields]
        _field(sizes, name, MODEL_CONFIGS[families[0]], note=f" [{', '.join(families)}]")


def _table_options(parser: argparse.ArgumentParser) -> None:
    _list_options(parser, MAKEMORE.id)
    parser.add_argument(
        "--out", metavar="FILE",
        help="Where each finished training is kept, a line each; those that stand there are taken. Several processes "
        "can share a file.",
    )  # fmt: skip
    for word, usual, what in (
        ("rows", table.ROWS, "Models, each with its own recipe."),
        ("seeds", table.SEEDS, "Seeds that each is trained from; counting needs one."),
        ("splits", table.SPLITS, "Splits that each is trained on."),
    ):
        several = ",".join(map(str, usual))
        parser.add_argument(f"--{word}", metavar="A,B,…", default=argparse.SUPPRESS, help=f"{what} ({several})")
    _field(parser, "steps", RecipeConfig, note=" In place of each recipe's own number, for a quick look.")
    parser.add_argument(
        "--threads", metavar=f"1..{MOST_THREADS}", default=argparse.SUPPRESS, help="Threads to compute with."
    )


def _checkpoint_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help=f"A file, or one of {', '.join(shipped())}.")


def _list_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    """Which names; None leaves them to the checkpoint."""
    parser.add_argument(
        "--names", metavar="FILE-or-LIST", default=default,
        help=f"A .txt or .csv file, or one of {', '.join([*BUNDLED, MAKEMORE.id])}. "
        f"({default or 'what the checkpoint says'})",
    )  # fmt: skip
    parser.add_argument("--column", metavar="TITLE", help="The column of a .csv file, by title or as 'column 2'.")
    for kind in CONDITIONS:
        parser.add_argument(
            f"--{kind}-column", metavar="TITLE",
            help=f"The column that tells the {kind}, {CELLS_ALLOWED[kind]}; '{NO_COLUMN}' for none. (found by title)",
        )  # fmt: skip
    parser.add_argument(
        "--titles", action=argparse.BooleanOptionalAction,
        help="Whether the first row of a .csv file holds titles. (it does where one is asked for or is a known word)",
    )  # fmt: skip
    parser.add_argument("--fold-case", action="store_true", help="Make all letters of a file's names small.")


def _data_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    """Which names and which split; the default None leaves both to the checkpoint."""
    usual = default or "what the checkpoint says"
    _list_options(parser, default)
    for name in ("split", "split_seed"):
        _field(parser, name, DataConfig, default=DataConfig.model_fields[name].default if default else usual)


def _field(
    parser: argparse._ActionsContainer, name: str, cls: type[Settings], *, default: object = None, note: str = ""
) -> None:
    """The option of one configuration field: --its-name, what it may be, what it is."""
    words = [*(["-n"] if name == "n" else []), f"--{name.replace('_', '-')}"]
    shown = f" ({default})" if default not in (None, False, "") else ""
    text = f"{help_line(cls, name)}{shown}{note}".replace("%", "%%")
    if cls.model_fields[name].annotation is bool:
        action = "store_true" if name.startswith("no_") else argparse.BooleanOptionalAction
        parser.add_argument(*words, action=action, default=argparse.SUPPRESS, help=text)
        return
    usual, (low, high) = cls.model_fields[name].default, limits(cls, name)
    metavar = "|".join(choices(cls, name)) or (name.upper() if low is None else f"{low}..{high}")
    if isinstance(usual, tuple):
        metavar = ",".join(map(str, usual))
    parser.add_argument(*words, metavar=metavar, default=argparse.SUPPRESS, help=text)


if __name__ == "__main__":
    sys.exit(main())
