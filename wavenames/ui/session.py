"""What all pages and all visitors of one server share: the store, the scheduler, the trained models at hand."""

from __future__ import annotations

import gc
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import streamlit as st

from wavenames.checkpoints import Checkpoint, load, load_shipped, shipped, unpack
from wavenames.config import PRESETS, SERVER_LIMITS, DataConfig, Refusal
from wavenames.jobs import Scheduler, name_list
from wavenames.models import Model, build
from wavenames.names import BUNDLED, NameList, Split, Vocabulary, split
from wavenames.store import Run, Store
from wavenames.ui.links import distinct

UPLOADS = 8
"""Checkpoints that one visitor can have at hand beside those of the server."""


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The database of this server, opened once."""
    return Store()


@st.cache_resource(show_spinner=False, on_release=Scheduler.close)
def scheduler() -> Scheduler:
    """The threads that train, started once."""
    # Streamlit collects garbage after each run of a page, under the lock that training needs too. All that the
    # libraries have loaded by now stays: left out of the search, it takes a hundredth of the time.
    gc.collect()
    gc.freeze()
    return Scheduler(store())


@st.cache_resource(show_spinner=False)
def draws() -> threading.Semaphore:
    """Held by who draws as many names as a visitor asks for, so that the others and the trainings keep a core."""
    return threading.BoundedSemaphore(SERVER_LIMITS.max_draws_at_once)


@dataclass(frozen=True)
class Trained:
    """A model that can be sampled and looked into: one that ships, a visitor's file, a finished run."""

    key: str
    """A preset's name, or an id: what stands in links."""
    title: str
    family: str
    validation: float | None
    """Loss, nats per letter, on the validation names of the split it was trained with."""

    @property
    def label(self) -> str:
        """Title and validation loss, for choosers."""
        return self.title if self.validation is None else f"{self.title} · {self.validation:.3f}"


def titles_at_hand(runs: Sequence[Run]) -> dict[str, str]:
    """Titles by key of all models at hand and of `runs`, which are all of this server, newest first.

    They are distinct, and the same on each page: of several with one title, the oldest keeps it plain.
    """
    shipping = {name: load_shipped(name).title for name in shipped()}
    files = {key: f"{kept.title} (your file)" for key, kept in uploaded().items()}
    return distinct(shipping | files | {run.id: run.title for run in reversed(runs)})


def trained() -> list[Trained]:
    """Every model at hand: those that ship, as in the zoo; this visitor's files; finished runs, newest first."""
    files, runs = {name: load_shipped(name) for name in shipped()} | uploaded(), store().runs()
    titles = titles_at_hand(runs)
    return [
        *(Trained(key, titles[key], kept.run.model.family, kept.results.validation) for key, kept in files.items()),
        *(
            Trained(run.id, titles[run.id], run.family, run.validation)
            for run in runs
            if run.status in ("finished", "stopped") and store().checkpoint_path(run.id).exists()
        ),
    ]


def uploaded() -> dict[str, Checkpoint]:
    """The checkpoints that this visitor brought, by key, for as long as the visit lasts."""
    mine: dict[str, Checkpoint] = st.session_state.setdefault("uploaded_models", {})
    return mine


def keep_upload(data: bytes) -> str:
    """Read a checkpoint from a file that a visitor brought; gives its key. Refuses what is no checkpoint.

    The `UPLOADS` newest stay, so that one visitor can't fill the memory of all.
    """
    key = f"upload-{hashlib.sha256(data).hexdigest()[:12]}"
    mine = uploaded()
    mine[key] = mine.pop(key) if key in mine else load(data)
    while len(mine) > UPLOADS:
        del mine[next(iter(mine))]
    return key


def checkpoint(key: str) -> Checkpoint:
    """The checkpoint behind a key. Refuses a key that stands for nothing here."""
    if key in shipped():
        return load_shipped(key)
    if key in uploaded():
        return uploaded()[key]
    return run_checkpoint(key)


def run_checkpoint(run_id: str) -> Checkpoint:
    """The model of a run, under the title that the run has now. Refuses a run that has none."""
    path = store().checkpoint_path(run_id)
    if not path.exists():
        raise Refusal(f"There is no trained model '{run_id[:40]}' on this server; it may have been deleted.")
    return _load_run(path, path.stat().st_mtime_ns, store().run(run_id).title)


@lru_cache(maxsize=16)
def _load_run(path: Path, written: int, title: str) -> Checkpoint:
    del written  # a part of the key, so that a file that was written again is read again
    return replace(load(path), title=title)


def model(key: str) -> Model:
    """The model behind a key, in evaluation mode. Shared by all visitors: ask it, never change it."""
    return _built(checkpoint(key))


@lru_cache(maxsize=16)
def _built(kept: Checkpoint) -> Model:
    return kept.model()


def model_at(run_id: str, step: int) -> Model:
    """A run's model as it was at a step, in evaluation mode. Shared by all visitors: ask it, never change it.

    Refuses a run that this server doesn't know, and a step that is none of `store().weights_steps(run_id)`.
    """
    return _built_at(run_id, store().weights(run_id, step))


@lru_cache(maxsize=8)
def _built_at(run_id: str, weights: bytes) -> Model:
    network = build(store().run(run_id).configuration().model, run_vocabulary(run_id).size)
    network.load_state_dict(unpack(weights)[0])
    return network.eval()


def run_vocabulary(run_id: str) -> Vocabulary:
    """The letters that a run's model knows, however far the run is.

    Refuses a run that this server doesn't know, and one without a model yet whose list is gone.
    """
    if store().checkpoint_path(run_id).exists():
        return run_checkpoint(run_id).vocabulary
    return _vocabulary(store().run(run_id).configuration().data.names)


@st.cache_resource(show_spinner=False, max_entries=16)
def _vocabulary(list_id: str) -> Vocabulary:
    return Vocabulary.of(find_list(list_id).names)


@st.cache_resource(show_spinner=False)
def untrained() -> tuple[Model, Vocabulary]:
    """A WaveNet before its first step."""
    vocabulary = Vocabulary.of(find_list("ssa-2018").names)
    return build(PRESETS["wavenet-m"].model, vocabulary.size, seed=1).eval(), vocabulary


def lists() -> dict[str, str]:
    """Ids and titles of the name lists that a visitor can choose."""
    mine: dict[str, str] = st.session_state.setdefault("uploaded_lists", {})
    return {key: find_list(key).title for key in BUNDLED} | mine


@st.cache_resource(show_spinner=False, max_entries=16)
def find_list(list_id: str) -> NameList:
    """A name list by its id. Refuses an id that this server doesn't know."""
    return name_list(store(), list_id)


def find_split(data: DataConfig, conditions: tuple[str, ...] = ()) -> Split:
    """The three parts of a list, with their labels where a model is told any."""
    return _split(data, conditions)  # a cache takes what was left out for something else than its default


@st.cache_resource(show_spinner=False, max_entries=16)
def _split(data: DataConfig, conditions: tuple[str, ...]) -> Split:
    names = find_list(data.names)
    return split(names.names, data.split, labels=names.label_rows(conditions), seed=data.split_seed)
