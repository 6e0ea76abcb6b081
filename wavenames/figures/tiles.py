"""A name is a row of letter tiles, shaded by surprisal. HTML for `st.html`; ui/theme.py brings the style."""

import itertools
from collections.abc import Iterable, Sequence
from html import escape

from wavenames.figures.colours import SURPRISAL_CEILING, kind, shown

SHADES = {"light": ("#f4f1ea", "#f2a65a"), "dark": ("#242a32", "#a8500f")}
"""From 0 nats to `SURPRISAL_CEILING`, for each theme: the ends of a scale that CSS mixes in OKLab, where equal steps
look equal. Text keeps a contrast of 4.5:1 on all of it."""

TEXT = {"light": "#22262b", "dark": "#f4f2ed"}
"""Letters on the tiles, for each theme."""


def _both(light: str, dark: str) -> str:
    return f"light-dark({light}, {dark})"


# The app sets color-scheme to the theme in use, and light-dark() follows it without a rerun.
STYLE = f"""
.wn-name {{ display: inline-flex; flex-wrap: wrap; gap: 2px; vertical-align: middle; }}
.wn-tile {{
  display: inline-flex; align-items: center; justify-content: center;
  min-width: 1.6em; height: 1.9em; padding: 0 0.2em;
  font: 500 1rem/1 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  color: {_both(*TEXT.values())}; border-radius: 4px;
  background: color-mix(in oklab, {_both(*(high for _, high in SHADES.values()))} calc(var(--shade, 0) * 1%),
    {_both(*(low for low, _ in SHADES.values()))});
}}
.wn-vowel {{ border-radius: 0.95em; }}
.wn-ranked {{ display: inline-flex; flex-direction: column; align-items: center; gap: 1px; }}
.wn-ranked > span:last-child {{ font-size: 0.75rem; line-height: 1.1; opacity: 0.85; }}
.wn-last {{ box-shadow: inset 0 0 0 2px currentColor; }}
.wn-end {{ font-size: 0.7rem; min-width: 1.6em; height: 2.7em; opacity: 0.85; }}
.wn-chips {{ display: flex; flex-wrap: wrap; gap: 0.5rem 0.9rem; align-items: center; }}
.wn-chip {{
  font: 500 1rem/1.5 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  padding: 0.1rem 0.5rem; border-radius: 4px; color: {_both(*TEXT.values())};
  background: {_both(*(low for low, _ in SHADES.values()))};
}}
"""


def tiles_html(letters: Sequence[str], surprisals: Sequence[float], ranks: Sequence[int] = ()) -> str:
    """One tile a letter, vowels round, '.' as an end mark; shade and title say the letter's surprisal in nats.

    The tiles run from right to left where the script does. With `ranks`, each letter's stands under its tile: 1 where
    the model held no letter to be likelier.
    """
    tiles, words = [], []
    for letter, nats, rank in itertools.zip_longest(letters, surprisals, ranks):
        name = "end of the name" if letter == "." else letter
        words.append(f"{name} {nats:.2f}" + (f", rank {rank}" if ranks else ""))
        shade = round(100 * min(max(nats / SURPRISAL_CEILING, 0.0), 1.0))
        tile = (
            f'<span class="wn-tile wn-{kind(letter)}" aria-hidden="true" style="--shade: {shade}"'
            f' title="{escape(name)}: {nats:.2f} nats">{escape(shown(letter))}</span>'
        )
        tiles.append(
            f'<span class="wn-ranked" aria-hidden="true">{tile}<span>{rank}</span></span>' if ranks else tile
        )
    label = escape("surprisal in nats: " + ", ".join(words))
    return f'<span class="wn-name" dir="auto" role="img" aria-label="{label}">{"".join(tiles)}</span>'


def context_html(letters: str) -> str:
    """Letters that have been read, plain, the last one framed; the mark of the start where none has been."""
    before, last = letters[:-1], letters[-1:] or "."
    tiles = [f'<span class="wn-tile wn-{kind(letter)}">{escape(shown(letter))}</span>' for letter in before]
    tiles.append(f'<span class="wn-tile wn-{kind(last)} wn-last">{escape(shown(last))}</span>')
    label = escape(letters) or "the start"
    return f'<span class="wn-name" dir="auto" role="img" aria-label="{label}">{"".join(tiles)}</span>'


def name_chips_html(names: Iterable[str]) -> str:
    """Names side by side, each on a chip in the typeface of the tiles."""
    chips = "".join(
        f'<span class="wn-chip" dir="auto" role="listitem">{escape(name) or "&nbsp;"}</span>' for name in names
    )
    return f'<div class="wn-chips" role="list">{chips}</div>'
