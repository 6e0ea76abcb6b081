"""Names as models read them, in letter tiles: windows of letters, packed names, letters by how often they stand.

HTML for `st.html`; ui/theme.py adds the style, once a page.
"""

from collections.abc import Mapping, Sequence
from html import escape

from wavenames.figures.colours import kind, shown

STYLE = """
.wn-scroll { overflow-x: auto; padding-bottom: 0.4rem; }
.wn-tall { max-height: 24rem; overflow-y: auto; }
.wn-windows, .wn-packed { border-collapse: separate; border-spacing: 0 3px; white-space: nowrap; }
.wn-windows th, .wn-windows td, .wn-packed th, .wn-packed td { padding: 0 0.6rem 0 0; border: 0; text-align: left; }
.wn-windows th, .wn-packed th { font-weight: 400; font-size: 0.875rem; opacity: 0.75; }
.wn-packed td { padding: 0 2px 0 0; text-align: center; }
.wn-packed td.wn-first { padding-left: 1rem; }
.wn-packed tbody th { position: sticky; left: 0; }
.wn-packed .wn-number { text-align: center; font-size: 0.8125rem; opacity: 0.75; font-variant-numeric: tabular-nums; }
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
    """Packed names, laid end to end: the letter before each target, the target, its position; a gap between names."""

    def row(title: str, cells: Sequence[str]) -> str:
        first = [' class="wn-first"' if position == 0 and i else "" for i, position in enumerate(positions)]
        body = "".join(f"<td{mark}>{cell}</td>" for mark, cell in zip(first, cells, strict=True))
        return f'<tr><th scope="row">{title}</th>{body}</tr>'

    numbers = [f'<div class="wn-number">{position}</div>' for position in positions]
    rows = (
        row("letters", [_tile(letter) for letter in letters])
        + row("targets", [_tile(target, "wn-target") for target in targets])
        + row("positions", numbers)
    )
    return f'<div class="wn-scroll" tabindex="0"><table class="wn-packed"><tbody>{rows}</tbody></table></div>'


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
