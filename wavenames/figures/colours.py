"""What stands for what in every chart: a model family's colour, dash and marker, a letter's kind, surprisal's shade.

No colour carries meaning alone: beside it there is always a dash, a marker's shape or a label.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class FamilyStyle:
    """How a model family is drawn.

    Colour, dash of lines, plotly's name of its marker, the same marker as a glyph, and the glyph of its outline.
    """

    colour: str
    dash: str
    symbol: str
    glyph: str
    outline: str

    @property
    def thin(self) -> bool:
        """Whether the marker is lines, without an outline or a middle."""
        return self.symbol.endswith("thin")

    def marker(self, *, hollow: bool) -> str:
        """Plotly's name of the marker, full or hollow."""
        if self.thin:  # the hollow ones stand in a ring
            return "circle-x-open" if hollow else f"{self.symbol}-open"
        return f"{self.symbol.removesuffix('-open')}-open" if hollow else self.symbol

    def labelled(self, *, hollow: bool) -> str:
        """Plotly's markup for the glyph in the family's colour, full or hollow."""
        return f'<span style="color:{self.colour}">{self.outline if hollow else self.glyph}</span>'


class _Styles(dict[str, FamilyStyle]):
    """Styles by family; one that has none of its own is drawn in grey, so that a new model needs no entry."""

    def __missing__(self, family: str) -> FamilyStyle:
        return FamilyStyle("#808080", "longdashdot", "circle-open", "○", "○")


# Found by search among colours with a contrast of at least 3:1 on both backgrounds of the theme: the set whose
# members stay farthest apart for people with full colour vision, protanopia and deuteranopia (measured in the tests).
FAMILIES: Final[dict[str, FamilyStyle]] = _Styles(
    {
        "bigram": FamilyStyle("#808080", "dot", "x-thin", "✕", "⊗"),
        "kneser-ney": FamilyStyle("#808080", "dashdot", "hexagon", "⬢", "⬡"),
        "mlp": FamilyStyle("#508ff9", "solid", "circle", "●", "○"),
        "tree": FamilyStyle("#0a7e3a", "longdash", "triangle-up", "▲", "△"),
        "dilated": FamilyStyle("#c8800d", "dash", "square", "■", "□"),
        "wavenet": FamilyStyle("#d73246", "solid", "diamond", "◆", "◇"),
        "recurrent": FamilyStyle("#dd56b8", "dashdot", "triangle-down", "▼", "▽"),
        "transformer": FamilyStyle("#894ed6", "longdashdot", "star", "★", "☆"),
    }
)

NEUTRAL: Final = "#808080"
"""Hairlines and other lines without a family, seen on both backgrounds."""

ACCENT: Final = "#508ff9"
"""Bars and cells that belong to no family."""

Kind = Literal["vowel", "consonant", "letter", "sign", "end"]

VOWELS: Final = {
    "LATIN": "aeiouæœøıəɛɔ",
    "GREEK": "αεηιουω",
    "CYRILLIC": "аеиоуыэюяєіәөүұѣѫѧ",
    "ARMENIAN": "աեէըիոօ",
    "GEORGIAN": "აეიოუ",
}
"""Vowels without their marks, by script, as Unicode's names of letters begin. Elsewhere (Hebrew, Arabic, Han, kana) a
letter is not one or the other: the script leaves vowels out, or a sign stands for more than one sound."""
SHORT: Final = "йў"
"""Consonants, though they are vowels with a mark."""

END_GLYPH: Final = "■"
"""How '.', the mark at the end of a name, is drawn."""

UNSEEN: Final = {".": END_GLYPH, " ": "\u2423", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\ufe0e": "VS15", "\ufe0f": "VS16"}
"""Signs without a shape of their own, and how they are drawn: by Unicode's abbreviations, the space as a bracket."""


@dataclass(frozen=True)
class KindStyle:
    """How a kind of letter is drawn: its name in the plural, plotly's marker, colour."""

    plural: str
    symbol: str
    colour: str


KINDS: Final[dict[Kind, KindStyle]] = {
    "vowel": KindStyle("vowels", "circle", "#d73246"),
    "consonant": KindStyle("consonants", "square", "#508ff9"),
    "letter": KindStyle("other letters", "hexagon", "#894ed6"),
    "sign": KindStyle("other signs", "triangle-up", "#c8800d"),
    "end": KindStyle("end mark", "diamond", "#808080"),
}

LEGEND: Final = 40
"""Characters of a name in a legend: as many as a phone shows."""

SURPRISAL_CEILING: Final = 6.0
"""Nats from which a tile is fully shaded: one letter in 400."""


def kind(letter: str) -> Kind:
    """End mark '.'; vowel or consonant where the script tells them apart, with marks or none; other letter; sign.

    'y' counts as a consonant.
    """
    if letter == ".":
        return "end"
    if not letter.isalpha():
        return "sign"
    small = letter.casefold()
    base = unicodedata.normalize("NFKD", small)[0]
    vowels = VOWELS.get(unicodedata.name(base, "").partition(" ")[0])
    if vowels is None:
        return "letter"
    return "vowel" if base in vowels and small not in SHORT else "consonant"


def shown(letter: str) -> str:
    """The letter as it is drawn: itself, the end mark as a square, what alone is not to be seen as a sign for it.

    A mark that belongs on the letter before it stands on a dotted circle, as in Unicode's charts.
    """
    if letter in UNSEEN:
        return UNSEEN[letter]
    return f"\u25cc{letter}" if unicodedata.category(letter).startswith("M") else letter


def translucent(colour: str, opacity: float) -> str:
    """A colour #rrggbb with an opacity from 0 to 1, as CSS and plotly read it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {round(opacity, 3):g})"  # plotly reads no exponents


def root_scale(colour: str, least: float, most: float, root: int = 2) -> list[tuple[float, str]]:
    """A plotly colour scale from 0 to 1 whose opacity grows from `least` to `most` with the square root, or another.

    So that a frequent value leaves the rest to be seen, while the figure itself keeps the values: they can be taken
    away as data.
    """
    return [((i / 16) ** root, translucent(colour, least + (most - least) * i / 16)) for i in range(17)]


def cut(label: str, longest: int) -> str:
    """A label of at most so many characters, for a place that has room for no more."""
    return label if len(label) <= longest else label[: longest - 1] + "…"
