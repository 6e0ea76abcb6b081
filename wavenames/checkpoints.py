"""Trained models as files: weights, configuration, vocabulary, results and a version; nothing that can execute.

A file is safetensors. Its tensors are "model/…" (the weights) and "names/train", "names/held_out" (hashes, see
`Membership`); its metadata has one entry, "wavenames", a JSON document with a digest of it all.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import BeforeValidator, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors
from torch import Tensor

from wavenames.config import (
    CONDITIONS,
    LIST_LIMITS,
    PRESETS,
    SERVER_LIMITS,
    Refusal,
    RunConfig,
    SamplingConfig,
    Settings,
    conditions_of,
    shortened,
    shown,
)
from wavenames.models import Model, build
from wavenames.names import ANY, Membership, Vocabulary
from wavenames.names.membership import DIGEST

VERSION = 1
KEY = "wavenames"
SHIPPED = Path(__file__).parent.parent / "checkpoints"
LONGEST_TEXT = 1000


def _text(value: object) -> object:
    """Words as they are kept: short with what stands for signs that can't be shown, so that they fit once more."""
    return shortened(shortened(value, len(value)), LONGEST_TEXT) if isinstance(value, str) else value


S = TypeVar("S", bound=SamplingConfig)
Text = Annotated[str, BeforeValidator(_text)]
"""Words of a file that anyone may have made: nothing in them breaks a line or is obeyed by a terminal. They are made
to fit, not refused, as a finished training must not be lost for the words that asked for it.
"""
Loss = Annotated[float, Field(ge=0)] | None


class Results(Settings):
    """What a run came to. Losses are nats per letter on the parts of the split that the run's configuration names."""

    train: Loss = None
    validation: Loss = None
    validation_error: Loss = None
    """Standard error of the validation loss over names."""
    test: Loss = None
    steps: int = Field(0, ge=0, le=1_000_000)
    seconds: float = Field(0.0, ge=0)
    device: str = "cpu"
    list_title: Text = ""
    labels: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Of each kind of label that the model was told, the classes that its train names had, `ANY` where some had none;
    files of before this was kept have none, see `Checkpoint.classes`."""
    command: Text = ""
    """The command that trained the model, where there was one."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained model with all that is needed to use it and to trust its numbers."""

    run: RunConfig
    vocabulary: Vocabulary
    weights: Mapping[str, Tensor]
    membership: Membership
    results: Results
    title: str

    def model(self, device: torch.device | str = "cpu") -> Model:
        """The model, weights in place, in evaluation mode."""
        model = build(self.run.model, self.vocabulary.size)
        model.load_state_dict(dict(self.weights))
        return model.to(device).eval()

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Of each kind of label that the model can be told, the classes that it learned; all where the file is too
        old to say.
        """
        learned = self.results.labels
        return {
            kind: tuple(word for word in CONDITIONS[kind] if word in learned.get(kind, CONDITIONS[kind]))
            for kind in conditions_of(self.run.model)
        }

    @property
    def untold(self) -> tuple[str, ...]:
        """The kinds of label that the model learned to do without: hidden in training, or not known of some names."""
        hidden = self.run.recipe.label_dropout > 0
        return tuple(kind for kind in self.classes if hidden or ANY in self.results.labels.get(kind, ()))

    @property
    def does_without(self) -> bool:
        """Whether the model can be told nothing but the name."""
        return self.untold == tuple(self.classes)

    def words(self, kind: str) -> tuple[str, ...]:
        """All that it can be told of one kind of label; `ANY`, which tells nothing, first if it learned that."""
        return (*((ANY,) if kind in self.untold else ()), *self.classes[kind])

    def can_be_told(self, options: S) -> S:
        """`options`, if the model learned what they tell it. What it says of anything else is chance.

        Raises:
            Refusal: none of the train names was of a class that is told, or all were told what is left out.
        """
        for kind in self.classes:
            word, words = getattr(options, kind), self.words(kind)
            if word not in words:
                why = (
                    "this model never learned to do without"
                    if word == ANY
                    else ("the names that this model learned from had none of it")
                )
                raise Refusal(f"{kind.capitalize()} is {shown(word)}; {why}. Allowed is one of {', '.join(words)}.")
        return options

    def to_bytes(self) -> bytes:
        """The file's content."""
        tensors = {f"model/{key}": value for key, value in self.weights.items()}
        tensors |= {f"names/{key}": value for key, value in self.membership.tensors().items()}
        info = {
            "version": VERSION,
            "title": self.title,
            "run": self.run.model_dump(mode="json"),
            "letters": self.vocabulary.letters,
            "results": self.results.model_dump(mode="json"),
        }
        return pack(tensors, info)


def load(source: bytes | Path) -> Checkpoint:
    """Read a checkpoint from a file or from what was uploaded.

    Raises:
        Refusal: unreadable, too large, damaged, no checkpoint of ours, of a later version; one sentence says which.
    """
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if size > SERVER_LIMITS.max_checkpoint_bytes:
            largest = SERVER_LIMITS.max_checkpoint_bytes / 1e6
            raise Refusal(f"The checkpoint has {size / 1e6:,.1f} MB; allowed is at most {largest:,.0f} MB.")
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise Refusal(f"The checkpoint's file can't be read: {error.strerror}.") from error
    tensors, info = unpack(data)
    if info.get("version") != VERSION:
        version = json.dumps(info.get("version"))[:20]
        raise Refusal(f"The checkpoint has version {version}; this program reads {VERSION}.")
    try:
        checkpoint = Checkpoint(
            run=RunConfig.model_validate(info["run"]),
            vocabulary=_vocabulary(info["letters"]),
            weights=_weights(tensors),
            membership=Membership.from_tensors(_hashes(tensors, "train"), _hashes(tensors, "held_out")),
            results=Results.model_validate(info["results"]),
            title=_title(info["title"]),
        )
        model = checkpoint.model()
        if any(value.dtype != checkpoint.weights[key].dtype for key, value in model.state_dict().items()):
            raise TypeError("weights are of another kind than the model's")
    except (KeyError, TypeError, UnicodeError, ValidationError, RuntimeError) as error:
        raise Refusal("The checkpoint is damaged: its description and its weights do not fit together.") from error
    # Weights can be numbers and still make none, such as a variance below zero: hence one step with every letter. A
    # function of many numbers at once may overlook one that is none: hence one with a single row.
    every, one = (model.step(torch.arange(rows), model.start(rows))[0] for rows in (model.vocab_size, 1))
    if not all(bool(t.isfinite().all()) for t in (*model.state_dict().values(), every, one)):
        raise Refusal("The checkpoint is damaged: some of its weights are not numbers, or lead to none.")
    return checkpoint


def pack(tensors: Mapping[str, Tensor], info: Mapping[str, Any]) -> bytes:
    """Tensors and a JSON document as one safetensors file, with a digest of both."""
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    return write_tensors(plain, {KEY: json.dumps({**info, "sha256": _digest(write_tensors(plain), info)})})


def _digest(data: bytes, info: Mapping[str, Any]) -> str:
    """SHA-256 of the numbers of a safetensors file, and of what is said of them."""
    (header,) = struct.unpack_from("<Q", data)
    digest = hashlib.sha256(memoryview(data)[8 + header :])
    digest.update(json.dumps(info).encode())
    return digest.hexdigest()


def unpack(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The way back from `pack`. Refuses what is not such a file, before it can grow in memory beyond its own size."""
    foreign = "The file is safetensors, but not a checkpoint of wavenames: its description is missing."
    try:
        (header,) = struct.unpack_from("<Q", data)
        if header > SERVER_LIMITS.max_header_bytes:
            raise SafetensorError("the header is too long")
        tensors = read_tensors(data)
        info = json.loads(json.loads(data[8 : 8 + header])["__metadata__"][KEY])
        if not isinstance(info, dict):
            raise TypeError("the description is no object")
        told, found = info.pop("sha256", None), _digest(data, info)
    except (SafetensorError, struct.error) as error:
        raise Refusal("The file is not a checkpoint, or it is damaged: it can't be read as safetensors.") from error
    except (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise Refusal(foreign) from error
    if told != found:
        raise Refusal("The file is damaged: its digest is not that of what it holds.")
    return tensors, info


def shipped() -> dict[str, Path]:
    """The models that ship, by preset name, in the order of the zoo."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.safetensors"), key=_rung)}


@lru_cache(maxsize=32)
def load_shipped(name: str) -> Checkpoint:
    """A model that ships, read once."""
    return load(SHIPPED / f"{name}.safetensors")


def _rung(path: Path) -> tuple[int, str]:
    order = list(PRESETS)
    return (order.index(path.stem) if path.stem in order else len(order), path.stem)


def _vocabulary(letters: object) -> Vocabulary:
    if not isinstance(letters, str) or not letters:
        raise TypeError("letters is no text")
    if len(letters) > LIST_LIMITS.max_letters:
        raise Refusal(f"The checkpoint has more than {LIST_LIMITS.max_letters} letters.")
    return Vocabulary(letters)


def _title(title: object) -> str:
    """A title that fits a line."""
    if not isinstance(title, str) or not title.strip():
        raise TypeError("title is no text")
    title.encode()  # refuses half a character
    return shortened(" ".join(title.split()), SERVER_LIMITS.max_title)


def _weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    weights = {key.removeprefix("model/"): value for key, value in tensors.items() if key.startswith("model/")}
    if any(value.dtype not in (torch.float32, torch.int64) for value in weights.values()):
        raise TypeError("weights are neither in single precision nor whole numbers")
    return weights


def _hashes(tensors: Mapping[str, Tensor], part: str) -> Tensor:
    hashes = tensors[f"names/{part}"]
    if hashes.dtype != torch.uint8 or hashes.shape[1:] != (DIGEST,) or len(hashes) > LIST_LIMITS.max_rows:
        raise TypeError(f"names/{part} is no table of hashes, or too long")
    return hashes
