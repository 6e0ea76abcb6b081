"""The names of a run, ready for training, shared by all runs on the same data."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from wavenames.config import DataConfig, Refusal
from wavenames.names import BUNDLED, MAKEMORE, Membership, NameList, Packed, Vocabulary, bundled, makemore, split
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
    if list_id == MAKEMORE.id:
        return makemore("\n".join(kept.names).encode())  # which tells its labels, however long ago it was kept
    return NameList(kept.id, kept.title, kept.names, kept.labels, None, kept.source, kept.licence)


@dataclass(frozen=True, eq=False)
class Data:
    """The parts of a split, packed on the device of the runs."""

    title: str
    vocabulary: Vocabulary
    train: Packed
    validation: Packed
    test: Packed
    membership: Membership


def prepare(store: Store, data: DataConfig, conditions: tuple[str, ...], device: torch.device) -> Data:
    """Find, split and pack the names that `data` asks for, with their labels of the kinds `conditions`.

    Refuses unknown lists, too short ones, and those that do not know what the conditions ask for.
    """
    names = name_list(store, data.names)
    parts = split(names.names, data.split, labels=names.label_rows(conditions), seed=data.split_seed)
    vocabulary = Vocabulary.of(names.names)

    def packed(part: str) -> Packed:
        return Packed(getattr(parts, part), vocabulary, device, parts.labels.get(part))

    return Data(
        title=names.title,
        vocabulary=vocabulary,
        train=packed("train"),
        validation=packed("validation"),
        test=packed("test"),
        membership=Membership.of(parts),
    )
