"""Names as models read them, in letter tiles: windows of letters, packed names, letters by how often they stand.

HTML for `st.html`; ui/theme.py adds the style, once a page.
"""

from collections.abc import Mapping, Sequence
from html import escape

from wavenames.figures.colours import kind, shown

STYLE = """
.wn-scroll { overflow-x: auto; padding-bottom: 0.4rem; }
.wn-tall { max-height: 24rem; overflow-y: auto; }
.wn-windows { border-collapse: separate; border-spacing: 0 3px; white-space: nowrap; }
.wn-windows th, .wn-windows td { padding: 0 0.6rem 0 0; border: 0; text-align: left; }
.wn-windows th { font-weight: 400; font-size: 0.875rem; opacity: 0.75; }
.wn-packed, .wn-packed > div, .wn-packed ol { display: flex; gap: 0.8rem; }
.wn-packed > div, .wn-packed ol { flex-wrap: wrap; }
.wn-packed ol { column-gap: 2px; list-style: none; margin: 0; padding: 0; }
.wn-packed li, .wn-packed .wn-heads { display: grid; grid-template-rows: 1.9rem 1.9rem 1.25rem; gap: 3px; }
.wn-packed li, .wn-packed .wn-heads { align-items: center; align-content: start; margin: 0; padding: 0; }
.wn-packed li { justify-items: center; }
.wn-packed .wn-heads, .wn-packed li > span:last-child { font-size: 0.875rem; opacity: 0.75; }
.wn-packed li > span:last-child { font-variant-numeric: tabular-nums; }
.wn-padding { opacity: 0.35; }
.wn-target { outline: 2px solid currentColor; outline-offset: -2px; }
.wn-shares { display: flex; flex-wrap: wrap; gap: 0.3rem; }
.wn-shares > div { display: flex; flex-direction: column; align-items: center; gap: 2px; min-width: 1.9rem; }
.wn-shares span + span { font-size: 0.8125rem; }
"""


def windows_html(windows: Sequence[tuple[str, str]]) -> str:
    """One row a window: the context in tiles, an arrow, the letter to predict. `windows` holds (context, target)."""
    rows = "".join(
        f'<tr><td><span class="wn-name">{_context(context)}</span></td><td aria-hidden="true">→</td>'
        f"<td>{_tile(target, 'wn-target')}</td></tr>"
        for context, target in windows
    )
    head = '<tr><th scope="col">the model sees</th><td></td><th scope="col">and predicts</th></tr>'
    return f'<div class="wn-scroll wn-tall" tabindex="0"><table class="wn-windows">{head}{rows}</table></div>'


def packed_html(letters: Sequence[str], targets: Sequence[str], positions: Sequence[int]) -> str:
    """Packed names, laid end to end: the letter before each target, the target, its position; a gap between names.

    A column each. Where the page ends, the next name goes on in the next line; only one longer than a line is broken.
    """
    names: list[str] = []
    for letter, target, position in zip(letters, targets, positions, strict=True):
        if position == 0:
            names.append("")
        names[-1] += f"<li>{_tile(letter)}{_tile(target, 'wn-target')}<span>{position}</span></li>"
    heads = "<span>letters</span><span>targets</span><span>positions</span>"
    columns = "".join(f"<ol>{name}</ol>" for name in names)
    return f'<div class="wn-packed"><section class="wn-heads">{heads}</section><div>{columns}</div></div>'


def shares_html(shares: Mapping[str, float]) -> str:
    """Letters side by side, each with its share (0 to 1) below."""
    items = "".join(
        f'<div role="listitem">{_tile(letter)}<span>{share:.0%}</span></div>' for letter, share in shares.items()
    )
    return f'<div class="wn-shares" role="list">{items}</div>'


def _context(context: str) -> str:
    letters = len(context.lstrip("."))
    return "".join(
        _tile(letter, "wn-padding" if i < len(context) - letters else "") for i, letter in enumerate(context)
    )


def _tile(letter: str, mark: str = "") -> str:
    name = ' aria-label="end mark" role="img"' if letter == "." else ""
    return f'<span class="wn-tile wn-{kind(letter)} {mark}"{name}>{escape(shown(letter))}</span>'
