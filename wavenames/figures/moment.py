"""What a model makes up at one step of its training, and what it thinks of a name. HTML."""

from collections.abc import Sequence
from html import escape
from itertools import takewhile

from wavenames.figures.colours import END_GLYPH
from wavenames.figures.tiles import tiles_html

STYLE = """
.wn-moment p { margin: 0 0 0.35rem; font-size: 0.875rem; line-height: 1.5; }
.wn-moment .wn-slots { list-style: none; margin: 0 0 1.1rem; padding: 0; }
.wn-moment .wn-slots li {
  font: 400 1rem/1.75 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  height: 1.75em; margin: 0; padding: 0; white-space: pre; overflow: hidden; text-overflow: ellipsis;
}
.wn-moment .wn-slots b { font-weight: 700; text-decoration: underline; text-underline-offset: 0.2em; }
.wn-moment .wn-number { font-variant-numeric: tabular-nums; }
"""


def moment_html(
    heading: str,
    names: Sequence[str],
    before: Sequence[str] | None,
    letters: Sequence[str],
    surprisals: Sequence[float],
) -> str:
    """Names, and a name in tiles, as one model of a row of models has them. As high whatever they are.

    Args:
        heading: Which one it is.
        names: Drawn by it, a slot each.
        before: Those of the model before, by the same dice; what is other since is marked. None: it is the first.
        letters: The name's, '.' at its end.
        surprisals: Nats of each.
    """
    slots = "".join(
        f'<li dir="auto">{_changed(name, name if before is None else before[slot])}</li>'
        for slot, name in enumerate(names)
    )
    mean = sum(surprisals) / len(surprisals)
    return (
        f'<div class="wn-moment"><p><strong>{escape(heading)}</strong></p>'
        f"<p>Names by the same dice, what has changed underlined</p>"
        f'<ul class="wn-slots">{slots}</ul>'
        f'<p class="wn-number">Your name, letter by letter: {mean:.3f} nats per letter</p>'
        f"{tiles_html(letters, surprisals)}</div>"
    )


def moment_text(heading: str, names: Sequence[str], letters: Sequence[str], surprisals: Sequence[float]) -> str:
    """The same in words."""
    shown = ", ".join(name or END_GLYPH for name in names)
    places = ", ".join(
        f"{'end' if letter == '.' else letter} {nats:.2f}" for letter, nats in zip(letters, surprisals, strict=True)
    )
    return f"{heading}\nNames by the same dice: {shown}\nSurprisal in nats: {places}"


def _changed(name: str, before: str) -> str:
    """The name, marked from the letter on at which it parts from the one before."""
    if name == before:
        return escape(name) or END_GLYPH
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, before, strict=False)))
    return f"{escape(name[:shared])}<b>{escape(name[shared:]) or END_GLYPH}</b>"
