"""The names of a run, ready for training, shared by all runs on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from wavenames.config import DataConfig, Refusal
from wavenames.names import BUNDLED, Membership, NameList, Packed, Vocabulary, bundled, split
from wavenames.store import Store


def name_list(store: Store, list_id: str) -> NameList:
    """A list that ships, or one that was brought to this server.

    Raises:
        Refusal: this server has no list of that id.
    """
    if list_id in BUNDLED:
        return bundled(list_id)
    kept = store.name_list(list_id)
    if kept is None:
        raise Refusal(f"Names is '{list_id[:40]}'; this server has no such list. Upload it again on the Names page.")
    return NameList(kept.id, kept.title, kept.names, None, None, kept.source, kept.licence)


@dataclass(frozen=True, eq=False)
class Data:
    """The parts of a split, packed on the device of the runs."""

    title: str
    vocabulary: Vocabulary
    train: Packed
    validation: Packed
    test: Packed
    membership: Membership


def prepare(store: Store, data: DataConfig, device: torch.device) -> Data:
    """Find, split and pack the names that `data` asks for. Refuses unknown and too short lists."""
    names = name_list(store, data.names)
    parts = split(names.names, data.split, seed=data.split_seed)
    vocabulary = Vocabulary.of(names.names)

    def packed(part: Sequence[str]) -> Packed:
        return Packed(part, vocabulary, device)

    return Data(
        title=names.title,
        vocabulary=vocabulary,
        train=packed(parts.train),
        validation=packed(parts.validation),
        test=packed(parts.test),
        membership=Membership.of(parts),
    )
