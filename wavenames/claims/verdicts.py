"""What the measurements say of each claim: whether it holds, in a sentence with the figures that it comes from.

Every sentence is worked out from what was measured; none knows beforehand how it comes out. A difference counts where
it is larger than chance leaves open: two standard errors over names, two ranges mean ± spread that don't touch, or
rates farther apart than by `EVEN`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from wavenames.claims.measured import Curve, Generated, Measured, Work
from wavenames.claims.rates import Rate
from wavenames.config import signed
from wavenames.findings import Step, trained_otherwise
from wavenames.table import Row

Word = Literal["holds", "holds in part", "does not hold here", "not measured yet"]

NEAR, FAR = 3, 8
"""Letters in sight of the classic MLP, and of the tree."""
LITTLE = 0.005
"""Nats per letter that are not worth a letter more."""
EVEN = 0.15
"""Rates that lie no farther apart than by this share are the same: so much moves a ratio from one measurement to the
next, on a machine that does other things too."""
FUSIONS: Final = (
    ("mlp-8-bn", "tree-22k"), ("mlp-8-76k", "tree-76k"), ("mlp-8-76k", "dilated-76k"),
)  # fmt: skip
"""Rows of the table with as many parameters and letters each: squeezed at once, and fused by and by."""
FIGURES: Final = {
    "hits": ("held-out names hit", 1),
    "length_distance": ("lengths", -1),
    "pair_distance": ("letter pairs", -1),
}
"""Figures of quality that are held against each other, in words, and whether more is better or less."""


@dataclass(frozen=True)
class Claim:
    """What the notebook says of WaveNet."""

    key: str
    title: str
    words: str
    """The notebook's own."""


@dataclass(frozen=True)
class Verdict:
    """What became of a claim."""

    word: Word
    sentence: str


CLAIMS: Final = (
    Claim(
        "context", "Better long-term dependency modelling",
        "WaveNet's dilated convolutions can capture patterns over much longer contexts without requiring extremely "
        "deep layers.",
    ),
    Claim(
        "fusion", "Smoother feature extraction",
        "Instead of forcing representations to collapse quickly, WaveNet progressively refines them, leading to more "
        "stable and expressive outputs.",
    ),
    Claim(
        "quality", "Improved generative quality",
        "The autoregressive setup enables WaveNet to generate highly realistic sequences, compared to the sometimes "
        "rigid outputs of standard feedforward networks.",
    ),
    Claim(
        "parallel", "Scalability",
        "Easier to parallelize compared to recurrent models like RNNs or LSTMs, while still capturing temporal "
        "dependencies.",
    ),
)  # fmt: skip


def verdicts(found: Measured, rows: Iterable[Row]) -> dict[str, Verdict]:
    """A verdict for each claim by its key; `rows` are those of the results table."""
    return {
        "context": context(found.curves, found.hidden),
        "fusion": fusion(rows, found.work),
        "quality": quality(found.generated, found.curves),
        "parallel": parallel(found.rates.rates),
    }


# ------------------------------------------------------------------------------------------------ long dependencies


def context(curves: Sequence[Curve], hidden: Sequence[float]) -> Verdict:
    """Of the best WaveNet: what letters beyond `NEAR` and beyond `FAR` are worth to it."""
    ours = best(curves, "wavenet")
    if ours is None:
        return Verdict("not measured yet", "There is no trained WaveNet among these models.")
    near, far = ours.at(NEAR), ours.at(FAR)
    word: Word = "does not hold here"
    if _counts(near):
        word = "holds" if _counts(far) else "holds in part"
    share = hidden[ours.visible.index(FAR)]
    sentence = (
        f"With its {ours.layers} layers {ours.title} makes use of the last {reach(ours)} letters: what lies more "
        f"than {NEAR} back is worth {signed(near[0])} nats per letter to it, what lies more than {FAR} back "
        f"{signed(far[0])}; only {share:.1%} of the letters to predict have {FAR} or more before them."
    )
    rival = min((each for each in curves if each.family != "wavenet"), key=lambda each: each.loss, default=None)
    if rival is not None:
        order = "lower" if rival.loss < ours.loss else "higher"
        sentence += (
            f" Of the other models {rival.title} does best: it makes use of {reach(rival)} letters and ends {order}, "
            f"at {rival.loss:.3f} against {ours.loss:.3f}{_unlike(ours, rival)}."
        )
    return Verdict(word, sentence)


def best(curves: Iterable[Curve], family: str) -> Curve | None:
    """The model of a family with the lowest loss."""
    return min((each for each in curves if each.family == family), key=lambda each: each.loss, default=None)


def reach(curve: Curve) -> int:
    """The fewest letters with which, and with any more, all but `LITTLE` of what the rest is worth is there."""
    needed = [k for k, worth in zip(curve.visible, curve.worth, strict=True) if worth > LITTLE]
    return max(needed, default=0) + 1


def _counts(worth: tuple[float, float]) -> bool:
    gain, error = worth
    return gain > max(2 * error, LITTLE)


# --------------------------------------------------------------------------------------------------- gradual fusion


def fusion(rows: Iterable[Row], work: Sequence[Work]) -> Verdict:
    """Tree and dilated stack against the flat MLP of their size, on every split that both were trained on."""
    count = {each.preset: f"{each.multiply_adds:,.0f}" for each in work}
    shared = (
        "Nodes shared between letters save work, whatever they do for the loss: for each letter tree-76k takes "
        f"{count['tree-76k']} multiply-adds, dilated-76k {count['dilated-76k']}."
    )
    by_name = {row.name: row for row in rows}
    steps = [
        (flat, fused, Step(split, loss, by_name[fused].losses[split, "validation"]))
        for flat, fused in FUSIONS
        if flat in by_name and fused in by_name
        for (split, part), loss in by_name[flat].losses.items()
        if part == "validation" and (split, "validation") in by_name[fused].losses
    ]
    if not steps:
        return Verdict(
            "not measured yet",
            "The rows of the table that it takes are not trained yet: "
            f"{', '.join(dict.fromkeys(name for pair in FUSIONS for name in pair))}. {shared}",
        )
    better = [step.spread is not None and step.gain > step.spread for *_, step in steps]
    word: Word = "holds" if all(better) else "holds in part" if any(better) else "does not hold here"
    by_pair: dict[tuple[str, str], list[Step]] = {}
    for flat, fused, step in steps:
        by_pair.setdefault((flat, fused), []).append(step)
    words = [
        f"{fused} in place of {flat} "
        + " and ".join(f"{step.words} on the {step.split} split" for step in each)
        + trained_otherwise(by_name[flat], by_name[fused])
        for (flat, fused), each in by_pair.items()
    ]
    return Verdict(word, f"{'; '.join(words)} (nats per letter). {shared}")


# ------------------------------------------------------------------------------------------------ generated names


def quality(generated: Sequence[Generated], curves: Sequence[Curve]) -> Verdict:
    """The best WaveNet against the best plain network that squeezes all letters at once, then against all others."""
    by_title = {each.title: each for each in generated}
    ours, plain = (best(curves, family) for family in ("wavenet", "mlp"))
    if ours is None or plain is None:
        return Verdict("not measured yet", "It takes a trained WaveNet and a trained MLP.")
    wavenet, mlp = by_title[ours.title], by_title[plain.title]
    better, worse = _better(wavenet, mlp), _better(mlp, wavenet)
    word: Word = "does not hold here"
    if better:
        word = "holds in part" if worse or len(better) < len(FIGURES) else "holds"
    pairs = [(getattr(wavenet.quality, each).mean, getattr(mlp.quality, each).mean) for each in FIGURES]
    hits, lengths, letters = (
        f"{a:.{digits}f} against {b:.{digits}f}" for (a, b), digits in zip(pairs, (0, 3, 3), strict=True)
    )
    verb = f"is better than {plain.title} in {_list(better)}" if better else f"is no better than {plain.title}"
    sentence = (
        f"{ours.title} {verb}{f', worse in {_list(worse)}' if worse else ''}: {hits} different held-out names, "
        f"distances of lengths {lengths} and of letter pairs {letters}{_unlike(plain, ours)}."
    )
    ahead = [
        f"{each.title} in {_list(found)}"
        for each in generated
        if each.family not in ("wavenet", "mlp") and (found := _better(each, wavenet))
    ]
    if ahead:
        sentence += f" Better than it, by more than draws differ: {'; '.join(ahead)}."
    else:
        sentence += " No other model is better than it in any of the three by more than draws differ."
    return Verdict(word, sentence)


def _unlike(before: Curve, after: Curve) -> str:
    """What else sets the second apart, for the end of a sentence: its size, and how it was trained."""
    said = []
    if before.parameters != after.parameters:
        said.append(f"{after.title} has {after.parameters:,} parameters, {before.title} {before.parameters:,}")
    if otherwise := trained_otherwise(before, after):
        said.append(f"{after.title} was{otherwise.removeprefix(',')}")
    return f" ({'; '.join(said)})" if said else ""


def _better(first: Generated, second: Generated) -> list[str]:
    """In which figures the first is better, beyond the spread over draws."""
    found = []
    for figure, (words, sign) in FIGURES.items():
        mine, other = getattr(first.quality, figure), getattr(second.quality, figure)
        if mine.apart(other) and sign * (mine.mean - other.mean) > 0:
            found.append(words)
    return found


# ----------------------------------------------------------------------------------------- parallel against recurrent


def parallel(rates: Sequence[Rate]) -> Verdict:
    """Whether the WaveNet trains faster than each recurrent model: by more than what two measurements differ in."""
    recurrent = [each for each in rates if each.family == "recurrent"]
    faster = [each for each in recurrent if _pace(each, "training") == "faster than"]
    word: Word = "holds" if len(faster) == len(recurrent) else "holds in part" if faster else "does not hold here"
    longest = max((task for task in recurrent[0].relative if task.isdigit()), key=int)
    training, long, drawing = (
        " and ".join(_times(each, task) for each in recurrent) for task in ("training", longest, "sampling")
    )
    return Verdict(
        word,
        f"In training the WaveNet is {training}; on names of {longest} letters, where a recurrent model has to go "
        f"{int(longest) + 1} steps one after the other, it is {long}. In drawing names it is {drawing}. What differs "
        f"by {EVEN:.0%} or less counts as equally fast: measurements of the same vary by that much.",
    )


def _times(each: Rate, task: str) -> str:
    middle, low, high = each.relative[task]
    return f"{_pace(each, task)} the {each.title} ({middle:.2f} times, {low:.2f} to {high:.2f})"


def _pace(each: Rate, task: str) -> str:
    """The first contender's rate against this one's, in words that the next measurement will find again."""
    ratio = each.relative[task][0]
    return "faster than" if ratio > 1 + EVEN else "slower than" if ratio < 1 / (1 + EVEN) else "as fast as"


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
