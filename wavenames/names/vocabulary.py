"""Letters as numbers: '.' is 0, the letters of a list follow in the order of their code points.

One mark serves as start and as end of a name, as in https://github.com/karpathy/makemore.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from wavenames.config import Refusal, shown

END = 0
"""The number of the mark that stands before the first letter and after the last one."""
END_MARK = "."

_JOINERS = "\u200c\u200d"  # zero-width joiners: invisible, but part of how Persian and Indian names are spelt


def printable(text: str, longest: int = 24) -> str:
    """`text`, shortened as by `config.shown`, in quotes for a message: double ones where it holds a single one."""
    quote = '"' if "'" in text else "'"
    return f"{quote}{shown(text, longest)}{quote}"


def is_letter(character: str) -> bool:
    """Whether `character` may stand in a name.

    Letters of any script, marks, digits, hyphen, apostrophe and space may. The end mark, control characters,
    line separators and characters that Unicode has not assigned may not.
    """
    if character == END_MARK:
        return False
    category = unicodedata.category(character)
    return character in _JOINERS or not (category.startswith("C") or category in ("Zl", "Zp"))


def is_part(character: str) -> bool:
    """Whether what people see as one sign is made with this and others, as in flags, skin tones and vowel signs."""
    code = ord(character)
    tone, flag = 0x1F3FB <= code <= 0x1F3FF, 0x1F1E6 <= code <= 0x1F1FF
    return character in _JOINERS or unicodedata.category(character).startswith("M") or tone or flag


@dataclass(frozen=True)
class Vocabulary:
    """The letters a model knows.

    `letters` are distinct and sorted, without the end mark: the letter `letters[i]` has the number `i + 1`.
    """

    letters: str

    def __post_init__(self) -> None:
        if list(self.letters) != sorted(set(self.letters)):
            raise Refusal(f"Letters are {printable(self.letters)}; they must be distinct and sorted by code point.")
        for letter in self.letters:
            if not is_letter(letter):
                raise Refusal(f"Letters hold {printable(letter)}, which can't be a letter of a name.")

    @classmethod
    def of(cls, names: Iterable[str]) -> "Vocabulary":
        """The vocabulary of all letters that occur in `names`."""
        return cls("".join(sorted(set().union(*names))))

    @property
    def size(self) -> int:
        """How many symbols there are, the end mark included."""
        return len(self.letters) + 1

    @property
    def symbols(self) -> str:
        """All symbols in the order of their numbers, the end mark first."""
        return END_MARK + self.letters

    @cached_property
    def _number(self) -> dict[str, int]:
        return {letter: number for number, letter in enumerate(self.letters, start=1)}

    def encode(self, name: str) -> list[int]:
        """The numbers of the letters of `name`, without an end mark. Refuses a letter that is not known."""
        try:
            return [self._number[letter] for letter in name]
        except KeyError as unknown:
            letter = unknown.args[0]
        why = "marks the end of a name" if letter == END_MARK else "is not a letter known here"
        known = self.letters if len(self.letters) <= 60 else self.letters[:59] + "…"
        raise Refusal(f"In {printable(name)}, {printable(letter)} {why}; known are {shown(known, len(known))}.")

    def decode(self, numbers: Iterable[int]) -> str:
        """The symbols with these numbers, each end mark written '.'."""
        symbols = self.symbols
        return "".join([symbols[number] for number in numbers])

    def spell(self, rows: Tensor) -> list[str]:
        """The symbols of many rows of numbers (B, T) at once, as `decode` gives them one by one."""
        codes = torch.tensor([ord(symbol) for symbol in self.symbols], dtype=torch.int32)
        text = codes[rows].numpy().astype("<i4").tobytes().decode("utf-32-le")
        return [text[i : i + rows.shape[1]] for i in range(0, len(text), rows.shape[1])]
