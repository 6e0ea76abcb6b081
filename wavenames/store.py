"""What was run and what came of it: a database for rows, a data folder for weights.

Everything written goes through one thread. It collects rows for half a second and commits them in one
transaction, so that training never waits for a disk; and what was asked for first is written first. Reading
happens in the caller's thread, side by side with writing (SQLite in WAL mode, https://www.sqlite.org/wal.html).

The data folder (`WAVENAMES_DATA`, or ./data) holds::

    wavenames.db                              runs, metrics, samples, embeddings, uploaded lists
    runs/<id>/checkpoint.safetensors          the finished model
    runs/<id>/state.safetensors               all that is needed to go on with a run that was cut off
    runs/<id>/weights/<step>.safetensors      the model as it was at some steps

`WAVENAMES_DATABASE` puts the rows elsewhere, by any URL that SQLAlchemy knows (PostgreSQL for more than one
machine).
"""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypedDict, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    JSON,
    URL,
    Connection,
    Engine,
    ForeignKey,
    LargeBinary,
    Text,
    cast,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from wavenames.config import SERVER_LIMITS, Refusal, RunConfig

log = logging.getLogger(__name__)

SCHEMA = 3  # raise it, and write the way from the old one, when a table changes
BATCH_SECONDS = 0.5  # how long rows wait for company
QUEUE_BOUND = 2000  # items that may wait; past it `later` makes the caller wait
FRAME_BYTES = 4_000_000  # embedding frames kept for one run
HEALTH_BYTES = 2_000_000  # looks at its health kept for one run
WEIGHT_BYTES = 16_000_000  # weights of past steps kept for one run: fifty of wavenet-m, thirty of wavenet-l
FEWEST_WEIGHTS = 6  # steps kept even of the largest models, about, so that there is a way to be seen

Status = Literal["queued", "running", "paused", "finished", "stopped", "failed", "interrupted"]
UNFINISHED: tuple[Status, ...] = ("queued", "running", "paused")
RUN_ID = re.compile(r"[A-Za-z0-9_-]{22}")
T = TypeVar("T")


class StoreFailed(Refusal):
    """Something could not be written; the sentence says why, `__cause__` holds the error itself."""

    def __init__(self, error: Exception | str) -> None:
        reason = str(getattr(error, "orig", None) or error).rstrip(".")
        super().__init__(f"Results can't be saved: {reason}.")


# ----------------------------------------------------------------------------------------------- what goes in


class Changes(TypedDict, total=False):
    """Fields of a run that change while it goes on. Losses are nats per letter."""

    title: str
    status: Status
    verdict: str | None
    error: str | None
    parameters: int
    device: str
    step: int
    seconds: float
    train: float | None
    validation: float | None
    validation_error: float | None
    test: float | None
    diverged: bool


@dataclass(frozen=True, slots=True)
class Change:
    """New values for some fields of a run."""

    run: str
    fields: Changes


@dataclass(frozen=True, slots=True)
class Metrics:
    """Points of a loss curve: (step, seconds, names seen, loss in nats per letter) each, steps rising."""

    run: str
    split: str
    points: Sequence[tuple[int, float, float, float]]


@dataclass(frozen=True, slots=True)
class SampledNames:
    """Names drawn at one step; the place in `names` is the slot, with its own dice throughout the run."""

    run: str
    step: int
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Frame:
    """The letters' vectors (V, E) at one step."""

    run: str
    step: int
    vectors: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class File:
    """A file of a run: the finished model, or the state from which it can go on. It replaces the one before.

    It is written after the rows that were queued before it, so that rows are never behind the state.
    """

    run: str
    kind: Literal["checkpoint", "state"]
    data: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """How well the network was at one step, as `wavenames.probes.health_record` packs it."""

    run: str
    step: int
    figures: bytes


@dataclass(frozen=True, slots=True)
class Weights:
    """A run's model at one step, as the bytes of a file, which is written like a `File`.

    Of the steps kept before, those that are no multiples of `apart` go, and their files with them.
    """

    run: str
    step: int
    data: bytes
    apart: int


Item = Change | Metrics | SampledNames | Frame | File | Look | Weights


# --------------------------------------------------------------------------------------------- what comes out


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the database knows it. Losses are nats per letter over a whole split."""

    id: str
    title: str
    preset: str
    family: str
    config: dict[str, Any]
    status: Status
    verdict: str | None
    error: str | None
    created: datetime
    updated: datetime
    parameters: int | None
    device: str | None
    step: int
    steps: int
    seconds: float
    train: float | None
    validation: float | None
    validation_error: float | None
    test: float | None
    diverged: bool

    def configuration(self) -> RunConfig:
        """The run's configuration.

        Raises:
            Refusal: it was written by another version of wavenames and is not valid in this one.
        """
        return RunConfig.checked(**self.config)


@dataclass(frozen=True, slots=True)
class Curve:
    """A loss curve, one entry a point. Loss in nats per letter of the split that it is filed under."""

    step: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]
    names_seen: npt.NDArray[np.float64]
    loss: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StoredList:
    """A name list that came from outside; `labels`, by kind, go along with `names` row by row."""

    id: str
    title: str
    names: tuple[str, ...]
    source: str
    licence: str = ""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# ----------------------------------------------------------------------------------------------------- tables


class _Table(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        dict[str, Any]: JSON,
        list[str]: JSON,
        bytes: LargeBinary,
    }


class _About(_Table):
    __tablename__ = "wavenames_about"
    schema: Mapped[int] = mapped_column(primary_key=True)


class _Run(_Table):
    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    preset: Mapped[str]
    family: Mapped[str]
    config: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(index=True)
    verdict: Mapped[str | None]
    error: Mapped[str | None]
    created: Mapped[float]  # seconds since 1970, UTC
    updated: Mapped[float]
    parameters: Mapped[int | None]
    device: Mapped[str | None]
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int]
    seconds: Mapped[float] = mapped_column(default=0.0)
    train: Mapped[float | None]
    validation: Mapped[float | None]
    validation_error: Mapped[float | None]
    test: Mapped[float | None]
    diverged: Mapped[bool] = mapped_column(default=False)
    # A deleted run leaves its id behind, empty: rows still under way for it are dropped, its link can say so.
    deleted: Mapped[bool] = mapped_column(default=False)


class _Metric(_Table):
    __tablename__ = "metrics"
    __table_args__ = ({"sqlite_with_rowid": False},)
    run: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    split: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    seconds: Mapped[float]
    names_seen: Mapped[float]
    loss: Mapped[float | None]  # SQLite turns a loss that is not a number into NULL


class _Sample(_Table):
    __tablename__ = "samples"
    __table_args__ = ({"sqlite_with_rowid": False},)
    run: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class _Frame(_Table):
    __tablename__ = "frames"
    run: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    letters: Mapped[int]
    vectors: Mapped[bytes]  # float32, little-endian, (letters, size)


class _Look(_Table):
    __tablename__ = "health"
    run: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    figures: Mapped[bytes]


class _List(_Table):
    __tablename__ = "lists"
    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    names: Mapped[list[str]]
    labels: Mapped[dict[str, Any]]
    source: Mapped[str]
    licence: Mapped[str]
    created: Mapped[float]


HISTORY = (_Metric, _Sample, _Frame, _Look)


# ------------------------------------------------------------------------------------------------------ files


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file so that `path` holds all of the old content or all of the new, whenever the power goes.

    Gives the path of an empty temporary file in the same folder. When the block ends well it takes the place of
    `path`, when it raises it is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def data_folder() -> Path:
    """Where this machine keeps runs: `WAVENAMES_DATA`, or ./data."""
    return Path(os.environ.get("WAVENAMES_DATA") or "data")


def clean_title(title: str) -> str:
    """A title as it is kept: blanks trimmed and joined.

    Raises:
        Refusal: nothing is left, it is too long, or it holds characters that cannot be shown.
    """
    title = " ".join(title.split())
    if not 1 <= len(title) <= SERVER_LIMITS.max_title:
        raise Refusal(f"Title has {len(title)} characters; allowed is 1 to {SERVER_LIMITS.max_title}.")
    for letter in title:
        if unicodedata.category(letter) in ("Cc", "Cs"):
            raise Refusal(f"Title holds the control character U+{ord(letter):04X}; allowed is what can be seen.")
    return title


# --------------------------------------------------------------------------------------------- the one writer


@dataclass(frozen=True, slots=True)
class _Call:
    """A write whose caller waits for its result."""

    work: Callable[[Session], Any]
    result: Future[Any]


class _Writer:
    """Takes items from any thread and commits them from one, in order, a transaction every BATCH_SECONDS.

    What fails because the disk is full or the database is away is kept and tried again; every caller hears of it
    until it is written. What fails for any other reason is a mistake in the program: it is lost, with what the same
    run writes after it, until the next caller that writes for that run has heard of it.
    """

    def __init__(self, engine: Engine, write_files: Callable[[Sequence[File | Weights]], None]) -> None:
        self._engine = engine
        self._write_files = write_files
        self._changed = threading.Condition()
        self._waiting: list[Item | _Call] = []
        self._asked = self._done = 0
        self._urgent = self._closing = False
        self._failure: Exception | None = None
        self._lost: dict[str, Exception] = {}
        """Mistakes that nobody was told of yet, by run."""
        self._thread = threading.Thread(target=self._loop, name="wavenames-store", daemon=True)
        self._thread.start()

    def add(self, items: Sequence[Item]) -> None:
        """Queue items; waits while the queue is full."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < QUEUE_BOUND or self._failure or self._closing)
            self._complain({item.run for item in items})
            self._append(items)

    def call(self, work: Callable[[Session], T]) -> T:
        """Run a write in the writer's thread, after all that was queued before; gives its result.

        Raises:
            StoreFailed: the database did not take it; it is not tried again.
        """
        result: Future[T] = Future()
        with self._changed:
            self._append([_Call(work, result)])
            self._urgent = True
        try:
            return result.result()
        except SQLAlchemyError as error:
            raise StoreFailed(error) from error

    def flush(self, run: str | None = None) -> None:
        """Wait until all that was queued so far is committed; complains of what was lost, or only of a run's."""
        with self._changed:
            asked, self._urgent = self._asked, True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._done >= asked or self._failure)
            self._complain(None if run is None else {run})

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._complain()

    def must_be_open(self) -> None:
        """Complain if the store is closed."""
        if self._closing:
            raise StoreFailed("the store is closed")

    def _append(self, items: Sequence[Item | _Call]) -> None:
        self.must_be_open()
        self._waiting += items
        self._asked += len(items)
        self._changed.notify_all()

    def _complain(self, runs: Collection[str] | None = None) -> None:
        lost = [self._lost.pop(run) for run in [*self._lost] if runs is None or run in runs]
        failure = next(iter(lost), self._failure)
        if failure is not None:
            raise StoreFailed(failure) from failure

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                self._changed.wait_for(
                    lambda: self._urgent or self._closing or len(self._waiting) > QUEUE_BOUND / 2, BATCH_SECONDS
                )
                batch, self._waiting, self._urgent = self._waiting, [], False
            again = self._write(batch)
            with self._changed:
                self._waiting[:0] = again
                self._done += len(batch) - len(again)
                self._changed.notify_all()
                if self._closing and (again or not self._waiting):
                    return

    def _write(self, batch: list[Item | _Call]) -> list[Item]:
        """Commit a batch; what must be tried again comes back."""
        batch = [item for item in batch if isinstance(item, _Call) or item.run not in self._lost]
        rows: list[Item] = [item for item in batch if not isinstance(item, _Call)]
        try:
            with Session(self._engine) as session, session.begin():
                answers = _apply(session, batch)
                deleted = _deleted(session, rows)
        except Exception as error:
            again = isinstance(error, OperationalError)
            if len(batch) > 1 and not again:  # a mistake somewhere among them: it must not cost the others
                half = len(batch) // 2
                return self._write(batch[:half]) + self._write(batch[half:])
            log.exception("%d rows could not be written", len(batch))
            for call in batch:
                if isinstance(call, _Call):
                    call.result.set_exception(error)
            if again and rows:
                self._failure = error
            elif rows:
                self._lost[rows[0].run] = error
            return rows if again else []
        files = [item for item in rows if isinstance(item, File | Weights) and item.run not in deleted]
        newest = list(
            {(each.run, each.kind if isinstance(each, File) else each.step): each for each in files}.values()
        )
        try:
            self._write_files(newest)
            self._failure = None
            return []
        except OSError as error:
            log.exception("The files of a run could not be written")
            self._failure = error
            return list(newest)
        finally:
            for answer in answers:
                answer()


def _apply(session: Session, batch: Sequence[Item | _Call]) -> list[Callable[[], None]]:
    """Write items in order; gives what to tell the callers once it is committed."""
    answers: list[Callable[[], None]] = []
    for _, group in itertools.groupby(batch, type):
        together = list(group)
        _insert(session, [item for item in together if not isinstance(item, _Call)])
        for call in (item for item in together if isinstance(item, _Call)):
            try:
                with session.begin_nested():
                    value = call.work(session)
            except Exception as error:  # noqa: BLE001 - it is the caller's, who gets it
                answers.append(partial(call.result.set_exception, error))
            else:
                answers.append(partial(call.result.set_result, value))
    return answers


def _deleted(session: Session, items: Sequence[Item]) -> set[str]:
    runs = {item.run for item in items}
    return set(session.scalars(select(_Run.id).where(_Run.id.in_(runs), _Run.deleted))) if runs else set()


def _insert(session: Session, items: Sequence[Item]) -> None:
    """Write items of one kind, except those of deleted runs."""
    deleted = _deleted(session, items)
    items = [item for item in items if item.run not in deleted]
    rows: list[dict[str, Any]] = []
    table: type[_Table] = _Metric
    for item in items:
        match item:
            case Metrics(run, split, points):
                rows += [
                    {"run": run, "split": split, "step": at, "seconds": t, "names_seen": seen, "loss": loss}
                    for at, t, seen, loss in points
                ]
            case SampledNames(run, step, names):
                table = _Sample
                rows += [{"run": run, "step": step, "slot": i, "name": name} for i, name in enumerate(names)]
            case Frame(run, step, vectors):
                table = _Frame
                data = np.ascontiguousarray(vectors, dtype="<f4").tobytes()
                rows.append({"run": run, "step": step, "letters": len(vectors), "vectors": data})
            case Look(run, step, figures):
                table = _Look
                rows.append({"run": run, "step": step, "figures": figures})
            case Change(run, changes):
                session.execute(update(_Run).where(_Run.id == run).values(**changes, updated=time.time()))
            case File() | Weights():
                pass  # a file, written once the rows before it are safe
    if rows:
        session.execute(insert(table), rows)
    if table is _Frame:
        _thin(session, items, _Frame, _Frame.vectors, FRAME_BYTES)
    elif table is _Look:
        _thin(session, items, _Look, _Look.figures, HEALTH_BYTES)


def _thin(
    session: Session, items: Sequence[Item], table: type[_Frame | _Look], data: Mapped[bytes], most: int
) -> None:
    """Drop every second row of each run, never the first or the last, until its `data` fit into `most` bytes."""
    for run in {item.run for item in items}:
        sizes = session.execute(
            select(table.step, func.length(data)).where(table.run == run).order_by(table.step)
        ).all()
        kept = list(sizes)
        while len(kept) > 2 and sum(size for _, size in kept) > most:
            kept = [*kept[:-1:2], kept[-1]]
        if len(kept) < len(sizes):
            steps = {step for step, _ in sizes} - {step for step, _ in kept}
            session.execute(delete(table).where(table.run == run, table.step.in_(steps)))


def _make_room(session: Session, newest: str) -> None:
    """Drop the oldest lists that no run learned from until all fit; refuse if `newest` doesn't fit even so."""
    size = func.length(cast(_List.names, Text)) + func.length(cast(_List.labels, Text))
    wanted = select(_List.id, size.label("size")).order_by(_List.created)
    sizes: dict[str, int] = {row.id: row.size for row in session.execute(wanted)}
    used = set(session.scalars(select(_Run.config["data"]["names"].as_string()).where(~_Run.deleted)))
    most, most_bytes = SERVER_LIMITS.max_lists, SERVER_LIMITS.max_list_bytes
    for one in [one for one in sizes if one not in used and one != newest]:
        if len(sizes) <= most and sum(sizes.values()) <= most_bytes:
            return
        session.execute(delete(_List).where(_List.id == one))
        del sizes[one]
    if len(sizes) > most or sum(sizes.values()) > most_bytes:
        raise Refusal(
            f"This server keeps {len(sizes) - 1:,} lists that runs learned from, and has no room for another; "
            f"allowed are {most:,} lists of {most_bytes // 1_000_000:,} MB in all. Delete runs that nobody needs."
        )


# ------------------------------------------------------------------------------------------------------ store


class Store:
    """All that outlives the server, safe to use from any thread. Results are plain values.

    Args:
        url: where the rows are; default `WAVENAMES_DATABASE`, else SQLite in the data folder.
        folder: the data folder; default `data_folder()`.

    Raises:
        Refusal: the folder or the database cannot be used, or a newer wavenames wrote it.
    """

    def __init__(self, url: str | None = None, folder: Path | None = None) -> None:
        self.folder = (folder or data_folder()).resolve()
        file = URL.create("sqlite", database=str(self.folder / "wavenames.db"))
        try:
            (self.folder / "runs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"can't be made ({error.strerror}); set WAVENAMES_DATA to one that can"
            raise Refusal(f"The data folder {self.folder} {reason}.") from None
        self._engine = _open(url or os.environ.get("WAVENAMES_DATABASE") or file)
        self._writer = _Writer(self._engine.execution_options(writes=True), self._write_files)
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write all that is queued and let go of the database.

        Raises:
            StoreFailed: something could not be written.
        """
        atexit.unregister(self.close)
        try:
            self._writer.close()
        finally:
            self._engine.dispose()

    # -- writing

    def later(self, *items: Item) -> None:
        """Queue rows for the next transaction; returns at once unless the queue is full.

        Raises:
            StoreFailed: an earlier write of the same runs failed, nothing can be written now, or the store is closed.
        """
        self._writer.add(items)

    def flush(self, run_id: str | None = None) -> None:
        """Wait until all that was queued so far is on disk.

        Raises:
            StoreFailed: something of the run, or of any, could not be written.
        """
        self._writer.flush(run_id)

    def create(self, config: RunConfig, *, title: str | None = None, status: Status = "queued") -> str:
        """Enter a new run; gives its unguessable id."""
        now = time.time()
        row = _Run(
            id=secrets.token_urlsafe(16),
            title=clean_title(title or config.preset),
            preset=config.preset,
            family=config.model.family,
            config=config.model_dump(mode="json"),
            status=status,
            created=now,
            updated=now,
            steps=config.recipe.steps,
        )
        run_id = row.id
        self._writer.call(lambda session: session.add(row))
        return run_id

    def set_status(
        self, run_id: str, status: Status, *, verdict: str | None = None, error: str | None = None
    ) -> None:
        """Set a run's status with what there is to say about it, and wait until it is kept."""
        self._change(run_id, {"status": status, "verdict": verdict, "error": error})

    def rename(self, run_id: str, title: str) -> None:
        """Give a run another title.

        Raises:
            Refusal: the title is empty, too long or not text; or there is no such run.
        """
        self._change(run_id, {"title": clean_title(title)})

    def delete(self, run_id: str) -> None:
        """Remove a run: rows, samples, embeddings, weights, files. Rows still queued for it are dropped.

        Raises:
            Refusal: there is no such run.
        """
        self.run(run_id)

        def work(session: Session) -> None:
            for table in HISTORY:
                session.execute(delete(table).where(table.run == run_id))
            emptied: dict[str, Any] = {"title": "", "config": {}, "verdict": None, "error": None, "deleted": True}
            session.execute(update(_Run).where(_Run.id == run_id).values(**emptied, updated=time.time()))

        self._writer.call(work)
        shutil.rmtree(self._files(run_id), ignore_errors=True)

    def rewind(self, run_id: str, step: int) -> None:
        """Forget what a run did after a step, before it goes on from there."""

        def work(session: Session) -> None:
            for table in HISTORY:
                session.execute(delete(table).where(table.run == run_id, table.step > step))

        self._writer.call(work)
        for later in [each for each in self.weights_steps(run_id) if each > step]:
            self.weights_path(run_id, later).unlink(missing_ok=True)

    def mark_interrupted(self) -> list[str]:
        """At the start of a server: runs that a restart cut off become "interrupted"; gives their ids."""

        def work(session: Session) -> list[str]:
            unfinished = select(_Run.id).where(_Run.status.in_(UNFINISHED), ~_Run.deleted)
            cut = list(session.scalars(unfinished))
            session.execute(update(_Run).where(_Run.id.in_(cut)).values(status="interrupted", updated=time.time()))
            return cut

        cut = self._writer.call(work)
        for run_id in cut:
            for leftover in self._files(run_id).rglob("*.tmp"):
                leftover.unlink(missing_ok=True)
        return cut

    def keep_list(self, names: StoredList) -> None:
        """Keep an uploaded list, so that runs on it can go on after a restart. The same id replaces.

        Of all lists, `SERVER_LIMITS` bounds the number and the size: the oldest that no run learned from go first.

        Raises:
            Refusal: those that runs learned from leave no room.
        """
        row = _List(
            id=names.id,
            title=names.title,
            names=list(names.names),
            labels={kind: list(words) for kind, words in names.labels.items()},
            source=names.source,
            licence=names.licence,
            created=time.time(),
        )

        def work(session: Session) -> None:
            session.merge(row)
            session.flush()
            _make_room(session, names.id)

        self._writer.call(work)

    def _change(self, run_id: str, fields: Changes) -> None:
        self._writer.must_be_open()  # to look for the run would open the database again
        self.run(run_id)
        self.later(Change(run_id, fields))
        self.flush(run_id)

    # -- reading

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        with Session(self._engine) as session:
            rows = session.scalars(select(_Run).where(~_Run.deleted).order_by(_Run.created.desc(), _Run.id))
            return [_run(row) for row in rows]

    def run(self, run_id: str) -> Run:
        """One run.

        Raises:
            Refusal: there is none with this id, or it was deleted.
        """
        with Session(self._engine) as session:
            row = session.get(_Run, run_id) if RUN_ID.fullmatch(run_id) else None
            if row is None:
                raise _no_such_run(run_id)
            if row.deleted:
                raise Refusal("This run was deleted.")
            return _run(row)

    def curve(self, run_id: str, split: str) -> Curve:
        """A run's losses on a split ("train" or "validation"), steps rising; empty if there are none."""
        wanted = select(_Metric.step, _Metric.seconds, _Metric.names_seen, _Metric.loss)
        wanted = wanted.where(_Metric.run == run_id, _Metric.split == split).order_by(_Metric.step)
        with Session(self._engine) as session:
            rows = session.execute(wanted).all()
        table = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(-1, 4)
        step, seconds, names_seen, loss = table.T
        return Curve(step.astype(np.int64), seconds.copy(), names_seen.copy(), loss.copy())

    def samples(self, run_id: str) -> list[tuple[int, tuple[str, ...]]]:
        """(step, names) of each drawing, steps rising; the place in names is the slot."""
        with Session(self._engine) as session:
            wanted = select(_Sample.step, _Sample.name).where(_Sample.run == run_id)
            rows = session.execute(wanted.order_by(_Sample.step, _Sample.slot)).all()
        by_step = itertools.groupby(rows, itemgetter(0))
        return [(step, tuple(name for _, name in group)) for step, group in by_step]

    def frames(self, run_id: str) -> list[tuple[int, npt.NDArray[np.float32]]]:
        """(step, letters' vectors (V, E)), steps rising; thinned to FRAME_BYTES in all."""
        with Session(self._engine) as session:
            rows = session.scalars(select(_Frame).where(_Frame.run == run_id).order_by(_Frame.step))
            return [(row.step, np.frombuffer(row.vectors, "<f4").reshape(row.letters, -1)) for row in rows]

    def looks(self, run_id: str) -> list[tuple[int, bytes]]:
        """(step, figures of health) of each look that was kept, steps rising; thinned to HEALTH_BYTES in all."""
        with Session(self._engine) as session:
            rows = session.execute(select(_Look.step, _Look.figures).where(_Look.run == run_id).order_by(_Look.step))
            return [(step, figures) for step, figures in rows]

    def name_list(self, list_id: str) -> StoredList | None:
        """An uploaded list, or None where this server has none of that id."""
        with Session(self._engine) as session:
            row = session.get(_List, list_id)
            if row is None:
                return None
            labels = {kind: tuple(words) for kind, words in row.labels.items()}
            return StoredList(row.id, row.title, tuple(row.names), row.source, row.licence, labels)

    # -- files

    def checkpoint_path(self, run_id: str) -> Path:
        """Where the finished model of a run is, or will be."""
        return self._files(run_id) / "checkpoint.safetensors"

    def state_path(self, run_id: str) -> Path:
        """Where the state is from which a run can go on, or will be."""
        return self._files(run_id) / "state.safetensors"

    def weights_path(self, run_id: str, step: int) -> Path:
        """Where the model of a run as it was at a step is, if that step is kept."""
        return self._files(run_id) / "weights" / f"{step}.safetensors"

    def weights_steps(self, run_id: str) -> tuple[int, ...]:
        """The steps whose weights are kept, rising: the first and, once the run has ended, the last among them."""
        return tuple(sorted(int(path.stem) for path in (self._files(run_id) / "weights").glob("*.safetensors")))

    def weights(self, run_id: str, step: int) -> bytes:
        """The content of a run's weights at a step, a safetensors file.

        Raises:
            Refusal: there is no such run, or the step is none of `weights_steps`: it was dropped, or never kept.
        """
        try:
            return self.weights_path(run_id, step).read_bytes()
        except FileNotFoundError:
            raise Refusal(f"The weights of step {step:,} are not kept; choose another step.") from None

    def _files(self, run_id: str) -> Path:
        if not RUN_ID.fullmatch(run_id):  # ids come from links: never let one walk out of the folder
            raise _no_such_run(run_id)
        return self.folder / "runs" / run_id

    def _write_files(self, files: Sequence[File | Weights]) -> None:
        for file in sorted(files, key=lambda each: isinstance(each, File)):  # weights are never behind the state
            with replacing(self._path(file)) as temporary:
                temporary.write_bytes(file.data)
            if isinstance(file, Weights):
                for step in self.weights_steps(file.run):
                    if step < file.step and step % file.apart:
                        self.weights_path(file.run, step).unlink(missing_ok=True)

    def _path(self, file: File | Weights) -> Path:
        if isinstance(file, Weights):
            return self.weights_path(file.run, file.step)
        return self.checkpoint_path(file.run) if file.kind == "checkpoint" else self.state_path(file.run)


def _no_such_run(run_id: str) -> Refusal:
    return Refusal(f"There is no run '{run_id[:30]}' here; its link may be cut short, or of another server.")


def _run(row: _Run) -> Run:
    values = {field.name: getattr(row, field.name) for field in fields(Run)}
    times = {name: datetime.fromtimestamp(values[name], UTC) for name in ("created", "updated")}
    return Run(**(values | times))


def _open(url: str | URL) -> Engine:
    """Connect, and make or check the tables.

    Raises:
        Refusal: a bad URL, a missing driver, a damaged file, another program's database or a newer schema.
    """
    try:
        address = make_url(url)
        shown = address.render_as_string(hide_password=True)
        engine = create_engine(address)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise Refusal(f"The database URL can't be used: {error}") from None
    if address.get_backend_name() == "sqlite":
        if address.database in (None, "", ":memory:"):
            raise Refusal("The database is SQLite in memory; allowed is SQLite in a file.")
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with engine.execution_options(writes=True).begin() as connection:
            found = set(inspect(connection).get_table_names())
            if _About.__tablename__ not in found:
                if found & set(_Table.metadata.tables):
                    raise Refusal(f"The database {shown} is another program's; give wavenames its own.")
                _Table.metadata.create_all(connection)
                connection.execute(insert(_About).values(schema=SCHEMA))
            schema = connection.scalar(select(_About.schema))
            if schema in (1, 2):  # the second version has a table more, the third the labels of lists
                _Table.metadata.create_all(connection)
                connection.execute(text("ALTER TABLE lists ADD COLUMN labels JSON NOT NULL DEFAULT '{}'"))
                connection.execute(update(_About).values(schema=SCHEMA))
                schema = SCHEMA
    except DBAPIError as error:
        engine.dispose()
        raise Refusal(f"The database {shown} can't be opened: {error.orig}.") from None
    except Refusal:
        engine.dispose()
        raise
    if schema != SCHEMA:
        engine.dispose()
        raise Refusal(f"The database {shown} has version {schema}; this wavenames reads {SCHEMA}: update it.")
    return engine


def _configure_sqlite(connection: Any, _: object) -> None:
    """Readers beside the writer; wait for a lock rather than fail; no rows without their run."""
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where sqlite3 guesses
    cursor = connection.cursor()
    for pragma in ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A transaction that will write takes the lock at once; turning writer half-way can fail without a wait."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
