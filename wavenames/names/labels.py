"""Labels as numbers: 0 is "not known", the classes of a kind follow in the order of `config.CONDITIONS`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor

from wavenames.config import CONDITIONS, Refusal, shown

UNKNOWN = 0
"""The number of a label that nobody tells."""
ANY = "any"
"""The word for it."""


def label_numbers(kind: str, words: Iterable[str]) -> list[int]:
    """The numbers of classes of one kind; `ANY` is 0. Refuses a word that is no class of it."""
    number = {ANY: UNKNOWN} | {word: i for i, word in enumerate(CONDITIONS[kind], start=1)}
    try:
        return [number[word] for word in words]
    except KeyError as unknown:
        allowed = ", ".join(number)
        raise Refusal(f"{kind.capitalize()} is {shown(unknown.args[0])}; allowed is one of {allowed}.") from None


def label_counts(kind: str, words: Iterable[str]) -> list[tuple[str, int]]:
    """How many of `words`, classes of one kind, are of each that comes; last, as "unknown", how many are `ANY`."""
    counts = Counter(words)
    found = [(word, counts[word]) for word in (*CONDITIONS[kind], ANY) if word in counts]
    return [("unknown" if word == ANY else word, count) for word, count in found]


def classes_in(conditions: Sequence[str], labels: Tensor | None) -> dict[str, tuple[str, ...]]:
    """Which classes of each kind occur in `labels` (B, C), the numbers of names, `ANY` for names of which it is not
    known; nothing for None.
    """
    if labels is None:
        return {}
    found = {kind: set(column.tolist()) for kind, column in zip(conditions, labels.unbind(1), strict=True)}
    return {
        kind: tuple(word for i, word in enumerate((ANY, *CONDITIONS[kind])) if i in numbers)
        for kind, numbers in found.items()
    }


def told_numbers(conditions: Sequence[str], told: Mapping[str, str]) -> list[int]:
    """What is told of a name, as one number for each kind that a model knows; 0 for those that `told` leaves out.

    Raises:
        Refusal: a kind is told that the model doesn't know, or a word that is no class of its kind.
    """
    for kind, word in told.items():
        if word != ANY and kind not in conditions:
            known = f"was told the {' and the '.join(conditions)} alone" if conditions else "was told letters alone"
            raise Refusal(f"{kind.capitalize()} is {shown(word)}; this model {known}, so only {ANY} is allowed.")
    return [label_numbers(kind, [told.get(kind, ANY)])[0] for kind in conditions]
