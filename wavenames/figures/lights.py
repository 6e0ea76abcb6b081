"""Traffic lights that need no colour: a shape, a word, a sentence. HTML for `st.html`."""

from html import escape
from typing import Final

LIGHTS: Final = {
    "good": ("●", "Good", "#0a7e3a"),
    "watch": ("▲", "Watch", "#c8800d"),
    "bad": ("■", "Bad", "#d73246"),
    "not known": ("○", "Not known", "#808080"),
}
"""Shape, word and colour of each; the colours have a contrast of 3:1 on both backgrounds."""

STYLE = """
.wn-light { border-left: 4px solid var(--light); padding: 0 0 0 0.7rem; line-height: 1.45; }
.wn-light p { margin: 0; font-size: 0.9rem; }
.wn-light .wn-verdict { font-size: 1rem; font-weight: 600; }
.wn-light .wn-verdict > span:first-child { color: var(--light); display: inline-block; width: 1.2em; }
.wn-light .wn-verdict > span:last-child { font-weight: 400; }
"""


def light_html(title: str, light: str, sentence: str) -> str:
    """One light: what was looked at, the shape and the word, and what there is to say. `light` is one of `LIGHTS`."""
    glyph, word, colour = LIGHTS[light]
    shape = f'<span aria-hidden="true">{glyph}</span>'
    verdict = f'<p class="wn-verdict">{shape}{escape(title)} <span>· {word}</span></p>'
    return f'<div class="wn-light" style="--light: {colour}">{verdict}<p>{escape(sentence)}</p></div>'
