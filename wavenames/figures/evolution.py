"""Names taking shape: the same dice thrown at one evaluation after another. HTML for `st.html`."""

from collections.abc import Sequence
from html import escape

from wavenames.figures.colours import END_GLYPH

MILESTONES = 5
"""Evaluations shown side by side, the first and the latest among them."""

STYLE = """
.wn-scroll { overflow-x: auto; }
.wn-names-come { min-height: 16.5rem; }
.wn-evolution { border-collapse: collapse; table-layout: fixed; width: 100%; font-variant-numeric: tabular-nums; }
.wn-evolution caption { text-align: left; padding: 0 0 0.4rem; font-size: 0.875rem; opacity: 0.75; }
.wn-evolution th { text-align: left; font-weight: 500; font-size: 0.8rem; opacity: 0.75;
  padding: 0.1rem 0.9rem 0.1rem 0; white-space: nowrap; }
.wn-evolution td {
  font: 400 0.9rem/1.5 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  padding: 0.1rem 0.9rem 0.1rem 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
  opacity: 0.7;
}
.wn-evolution td:last-child { font-weight: 600; opacity: 1; }
/* On a phone: the first two and the latest. */
@media (max-width: 640px) { .wn-evolution :is(th, td):nth-child(n + 3):nth-last-child(n + 2) { display: none; } }
"""


def evolution_html(samples: Sequence[tuple[int, Sequence[str]]], *, fell_back: bool = False) -> str:
    """A row for each throw of the dice, a column for each of a few evaluations, the latest last and in full strength.

    `samples` holds (step, names) of each evaluation; the place in names is the slot, whose dice are always the same.
    With `fell_back` the last are of the best weights until then, with which the run ended.
    """
    if not samples:
        return '<div class="wn-names-come"><p>Names appear with the first evaluation.</p></div>'
    count = min(MILESTONES, len(samples))
    chosen = [samples[round(i * (len(samples) - 1) / max(count - 1, 1))] for i in range(count)]
    titles = [f"step {step:,}" for step, _ in chosen]
    if fell_back:
        titles[-1] = "best weights"
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(names[slot]) or END_GLYPH}</td>" for _, names in chosen) + "</tr>"
        for slot in range(len(chosen[-1][1]))
    )
    caption = "Sampled names, the same dice at every evaluation: each row is one name taking shape."
    table = f'<table class="wn-evolution"><caption>{caption}</caption><tr>{head}</tr>{rows}</table>'
    return f'<div class="wn-scroll wn-names-come" tabindex="0" role="region" aria-label="Sampled names">{table}</div>'
