"""The summary that the notebook owes: what each idea bought, every sentence worked out from rows of the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wavenames.config import COUNTED
from wavenames.table import Figure, Published, Row


@dataclass(frozen=True)
class Question:
    """A step of the ladder: what the second row has and the first has not, in words that begin a sentence."""

    topic: str
    what: str
    before: str
    after: str


QUESTIONS = (
    Question("Block size", "Eight letters in sight in place of three, in the plain MLP,", "mlp-3", "mlp-8"),
    Question("Block size", "The same in the MLP with BatchNorm", "mlp-3-bn", "mlp-8-bn"),
    Question("Normalisation", "BatchNorm, with three letters in sight,", "mlp-3", "mlp-3-bn"),
    Question("Normalisation", "BatchNorm, with eight,", "mlp-8", "mlp-8-bn"),
    Question("Tree", "Eight letters fused pair by pair in place of all at once", "mlp-8-bn", "tree-22k"),
    Question("Tree", "The same at three times the size", "mlp-8-76k", "tree-76k"),
    Question("Tree", "The tree at every position at once, normalised at each,", "tree-76k", "dilated-76k"),
    Question("Gate", "Residuals, skips and a longer sight, without gates yet,", "dilated-76k", "wavenet-m-tanh"),
    Question("Gate", "Gates, at equal size,", "wavenet-m-tanh", "wavenet-m"),
    Question("Width", "A wider tree", "tree-22k", "tree-76k"),
    Question("Width", "A medium in place of a small WaveNet", "wavenet-s", "wavenet-m"),
    Question("Width", "A large in place of a medium one", "wavenet-m", "wavenet-l"),
    Question("Width", "A wide in place of a medium gated memory", "gru-128", "gru-384"),
    Question("Other rungs", "Counting runs of up to five letters in place of pairs", "bigram", "kn-5"),
    Question("Other rungs", "A WaveNet in place of counted runs of up to five letters", "kn-5", "wavenet-m"),
    Question("Other rungs", "A gated memory in place of dilated convolutions", "wavenet-m", "gru-128"),
    Question("Other rungs", "Attention in place of the large WaveNet", "wavenet-l", "transformer"),
    Question("Labels", "Being told the sex of each name", "gru-384", "gru-384-sex"),
)

OPTIMISERS = {"sgd": "SGD", "adamw": "AdamW", "muon": "Muon"}
BATCHES = {"passes": "windows in order", "windows": "windows drawn one by one", "names": "whole names"}
"""As they are written in a sentence."""


@dataclass(frozen=True)
class Step:
    """What a step of the ladder bought on one split: how much lower the mean validation loss became."""

    split: str
    before: Figure
    after: Figure

    @property
    def gain(self) -> float:
        """Nats per letter; negative where the loss rose."""
        return self.before.mean - self.after.mean

    @property
    def spread(self) -> float | None:
        """Both spreads together: a larger gain sets the two ranges mean ± spread apart. None from one seed."""
        if self.before.spread is None or self.after.spread is None:
            return None
        return self.before.spread + self.after.spread

    @property
    def words(self) -> str:
        """What can be said of it, behind "a wider tree"."""
        if self.spread is None:
            return f"{self._verb} {abs(self.gain):.3f}, from a single seed, so that the spread is not known,"
        if abs(self.gain) <= self.spread:
            return "made no difference beyond the spread"
        return f"{self._verb} {abs(self.gain):.3f}"

    @property
    def _verb(self) -> str:
        return "bought" if self.gain > 0 else "cost"


@dataclass(frozen=True)
class Finding:
    """One sentence, and what it rests on."""

    topic: str
    sentence: str
    rows: tuple[str, str]
    evidence: str
    """The two rows by name, with the figures that the sentence comes from."""
    steps: tuple[Step, ...]
    printed: str
    """What others' own figures say of the same step; empty where they have none."""


def summary(rows: Iterable[Row], published: Sequence[Published] = ()) -> list[Finding]:
    """A finding for each question whose two rows were trained on a common split, in the ladder's order."""
    by_name = {row.name: row for row in rows}
    return [
        found
        for question in QUESTIONS
        if question.before in by_name and question.after in by_name
        if (found := _finding(question, by_name[question.before], by_name[question.after], published)) is not None
    ]


def _finding(question: Question, before: Row, after: Row, published: Sequence[Published]) -> Finding | None:
    steps = tuple(
        Step(split, loss, after.losses[split, "validation"])
        for (split, part), loss in before.losses.items()
        if part == "validation" and (split, "validation") in after.losses
    )
    if not steps:
        return None
    rows = before.name, after.name
    evidence = [
        f"{before.name} {step.before} to {after.name} {step.after} on {step.split}"
        + ("" if step.spread is None else f" (difference {abs(step.gain):.3f}, spread {step.spread:.3f})")
        for step in steps
    ]
    sizes = _from_to(before.parameters, after.parameters, "parameters")
    if before.family not in COUNTED and after.family not in COUNTED:
        sizes += f", {_from_to(before.steps, after.steps, 'steps')}"
    printed = _printed(before, after, published)
    return Finding(
        question.topic,
        f"{question.what} {_outcome(steps)}{trained_otherwise(before, after)}.",
        rows,
        "; ".join([*evidence, sizes]),
        steps,
        printed,
    )


def _from_to(before: int, after: int, unit: str) -> str:
    return f"{before:,} {unit}" if before == after else f"{before:,} to {after:,} {unit}"


class Trained(Protocol):
    """A model, and how it was trained, as in its configuration."""

    @property
    def family(self) -> str: ...

    @property
    def steps(self) -> int: ...

    @property
    def optimiser(self) -> str: ...

    @property
    def batching(self) -> str: ...

    @property
    def dropout(self) -> float: ...


def trained_otherwise(before: Trained, after: Trained) -> str:
    """How else the second was trained, for the end of a sentence, so that what it bought is not credited to the
    idea alone: steps, optimiser, batches, dropout. Empty where these are the same, or where one only counts.
    """
    if before.family in COUNTED or after.family in COUNTED:
        return ""
    words = []
    if before.steps != after.steps:
        words.append(f"for {after.steps:,} steps in place of {before.steps:,}")
    if before.optimiser != after.optimiser:
        words.append(f"by {OPTIMISERS[after.optimiser]} in place of {OPTIMISERS[before.optimiser]}")
    if before.batching != after.batching:
        words.append(f"on {BATCHES[after.batching]} in place of {BATCHES[before.batching]}")
    if before.dropout != after.dropout:
        words.append(f"with dropout {after.dropout:g} in place of {before.dropout:g}")
    return f", trained {', '.join(words)}" if words else ""


def _outcome(steps: Sequence[Step]) -> str:
    """The outcomes on the splits in one breath."""
    if len(steps) > 1 and len({step.words for step in steps}) == 1:
        return f"{steps[0].words} on either split"
    return " and ".join(f"{step.words} on the {step.split} split" for step in steps)


def _printed(before: Row, after: Row, published: Sequence[Published]) -> str:
    """The same difference between two rows of one source."""
    losses = {(each.source, each.row): each.validation for each in published}
    words = []
    for source in dict.fromkeys(each.source for each in published):
        pair = losses.get((source, before.name)), losses.get((source, after.name))
        if pair[0] is not None and pair[1] is not None:
            gain = pair[0] - pair[1]
            words.append(f"{source} {abs(gain):.3f} {'better' if gain > 0 else 'worse'}")
    return ", ".join(words)
