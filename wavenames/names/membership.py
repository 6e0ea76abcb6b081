"""Whether a name was learned from, held out, or is new: known without keeping the names themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor

from wavenames.names.splitting import Split

Status = Literal["train", "held_out", "new"]

DIGEST = 6
"""Bytes kept of each name's hash: among 200,000 names a new one is mistaken for one of them once in 10^9."""


@dataclass(frozen=True)
class Membership:
    """The hashes of the training names and of the held-out names (validation and test) of a run.

    A checkpoint carries these rather than the names, so that a class list does not travel with a downloaded model.
    """

    train: frozenset[bytes]
    held_out: frozenset[bytes]

    @classmethod
    def of(cls, split: Split) -> Self:
        """The membership of a split."""
        return cls(_digests(split.train), _digests((*split.validation, *split.test)))

    def status(self, name: str) -> Status:
        """Where `name` stands: train (also if it is held out too), held_out, or new."""
        digest = _digest(name)
        if digest in self.train:
            return "train"
        return "held_out" if digest in self.held_out else "new"

    def tensors(self) -> dict[str, Tensor]:
        """As bytes, (names, DIGEST) each, sorted so that equal memberships are equal bytes."""
        return {"train": _packed(self.train), "held_out": _packed(self.held_out)}

    @classmethod
    def from_tensors(cls, train: Tensor, held_out: Tensor) -> Self:
        """The way back from `tensors`."""
        return cls(_unpacked(train), _unpacked(held_out))


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=DIGEST).digest()


def _digests(names: Iterable[str]) -> frozenset[bytes]:
    return frozenset(_digest(name) for name in names)


def _packed(digests: frozenset[bytes]) -> Tensor:
    joined = bytearray(b"".join(sorted(digests)))
    return torch.tensor(joined, dtype=torch.uint8).reshape(-1, DIGEST)


def _unpacked(rows: Tensor) -> frozenset[bytes]:
    joined = rows.contiguous().numpy().tobytes()
    return frozenset(joined[i : i + DIGEST] for i in range(0, len(joined), DIGEST))
