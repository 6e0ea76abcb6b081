"""Names on the pages, as HTML: a card of a model with names of its own, a name in tiles under several models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from wavenames.config import signed
from wavenames.figures.colours import FAMILIES, NEUTRAL, SURPRISAL_CEILING
from wavenames.figures.tiles import context_html, name_chips_html, tiles_html
from wavenames.probes.surprisal import Surprisal

STYLE = """
.wn-model { white-space: nowrap; font-weight: 600; }
.wn-model > span { display: inline-block; width: 1.2em; }
.wn-card { padding: 0.1rem 0; }
.wn-card .wn-facts { font-size: 0.8125rem; line-height: 1.45; margin: 0.1rem 0 0.5rem; opacity: 0.85; }
.wn-card .wn-chips { flex-direction: column; align-items: flex-start; gap: 0.2rem; }
.wn-card .wn-chip { max-width: 100%; overflow-wrap: anywhere; }
.wn-rows { border-collapse: collapse; }
.wn-rows th, .wn-rows td { border: 0; padding: 0.2rem 1rem 0.2rem 0; text-align: left; vertical-align: middle; }
.wn-rows thead th { font-size: 0.8125rem; font-weight: 400; opacity: 0.85; padding-bottom: 0.3rem; }
.wn-rows .wn-number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.wn-contexts { border-collapse: collapse; }
.wn-contexts th { font-size: 0.8125rem; font-weight: 400; opacity: 0.85; }
.wn-contexts th, .wn-contexts td { border: 0; padding: 0.15rem 0.75rem 0.15rem 0; text-align: left; }
.wn-contexts .wn-number { text-align: right; font-variant-numeric: tabular-nums; }
.wn-contexts .wn-tile { font-size: 0.8125rem; }
.wn-pairs { border-collapse: collapse; table-layout: fixed; width: 100%; max-width: 32rem; }
.wn-pairs th { font-size: 0.8125rem; font-weight: 400; opacity: 0.85; }
.wn-pairs th, .wn-pairs td { border: 0; padding: 0.15rem 1rem 0.15rem 0; text-align: left; }
.wn-below-columns { max-width: none; }
@media (min-width: 640.1px) { .wn-below-columns :is(th, td):last-child { padding-left: 2rem; } }
.wn-scale { display: inline-flex; gap: 2px; vertical-align: -0.25em; margin: 0 0.35em; }
.wn-scale .wn-tile { font-size: 0.75rem; min-width: 1.9em; }
.wn-reading { font-size: 0.875rem; line-height: 1.6; margin: 0 0 0.4rem; opacity: 0.9; }
.wn-guess { white-space: nowrap; }
.wn-large > .wn-name { display: contents; }
.wn-large .wn-tile { font-size: 1.5rem; }
.wn-large .wn-end { font-size: 1.05rem; }
.wn-next { border: 2px dashed currentColor; background: none; opacity: 0.45; }
@media (max-width: 640px) {
  .wn-rows, .wn-rows tbody, .wn-rows tr, .wn-rows td { display: block; }
  .wn-rows thead { display: none; }
  .wn-rows tr { display: grid; grid-template-columns: 1fr auto; padding: 0.3rem 0; }
  .wn-rows th, .wn-rows td { padding: 0.1rem 0; }
  .wn-rows .wn-number::after { content: " nats per letter"; font-size: 0.8125rem; opacity: 0.85; }
  .wn-rows td:last-child { grid-column: 1 / 3; }
}
"""


def model_html(title: str, family: str | None) -> str:
    """A model's name after its family's symbol; a hollow one in grey where nothing has been learned."""
    glyph, colour = (FAMILIES[family].glyph, FAMILIES[family].colour) if family else ("◇", NEUTRAL)
    symbol = f'<span style="color: {colour}" aria-hidden="true">{glyph}</span>'
    return f'<span class="wn-model">{symbol}{escape(title)}</span>'


def card_html(title: str, family: str | None, facts: Sequence[str], names: Iterable[str]) -> str:
    """A model, what is known of it, and names that it made up, one below the other."""
    lines = "<br>".join(map(escape, facts))
    return (
        f'<section class="wn-card">{model_html(title, family)}<p class="wn-facts">{lines}</p>'
        f"{name_chips_html(names)}</section>"
    )


@dataclass(frozen=True)
class Scored:
    """One name under one model."""

    title: str
    family: str | None
    surprisal: Surprisal


def scored_html(rows: Sequence[Scored], *, ranks: bool = False) -> str:
    """A name in tiles, with its letters' ranks if wanted, a row for each model, with its nats per letter."""
    body = "".join(
        f'<tr><th scope="row">{model_html(row.title, row.family)}</th>'
        f'<td class="wn-number">{row.surprisal.per_letter:.3f}</td>'
        f"<td>{surprisal_html(row.surprisal, ranks=ranks)}</td></tr>"
        for row in rows
    )
    head = (
        '<th scope="col">Model</th><th scope="col" class="wn-number">Nats per letter</th>'
        '<th scope="col">Letter by letter</th>'
    )
    return f'<table class="wn-rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def contexts_html(head: str, rows: Iterable[tuple[str, float]]) -> str:
    """Letters that a unit has read, each with what it says after the last of them."""
    body = "".join(
        f'<tr><td class="wn-number">{signed(value, 2)}</td><td>{context_html(letters)}</td></tr>'
        for letters, value in rows
    )
    return (
        f'<table class="wn-contexts"><thead><tr><th scope="col" colspan="2">{escape(head)}</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def pairs_html(heads: Sequence[str], rows: Iterable[Sequence[str]], *, below_columns: bool = False) -> str:
    """Names in columns under their heads; those of a row belong together.

    `below_columns`: the two stand under two columns of the page with a large gap, where there is room for these.
    """
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(
        "<tr>" + "".join(f'<td><span class="wn-chip" dir="auto">{escape(name)}</span></td>' for name in row) + "</tr>"
        for row in rows
    )
    columns = " wn-below-columns" * below_columns
    return f'<table class="wn-pairs{columns}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def surprisal_html(found: Surprisal, *, whole: bool = True, ranks: bool = False) -> str:
    """A name in tiles; without its end mark where `whole` is false: it may go on."""
    places = found.places if whole else found.places[:-1]
    letters, nats = [place.letter for place in places], [-place.log_probability for place in places]
    return tiles_html(letters, nats, [place.rank for place in places] if ranks else ())


def scale_html(blind: float) -> str:
    """How to read a tile's shade, in one line with a sample of the scale. `blind` is what a pure guess costs."""
    steps = range(0, round(SURPRISAL_CEILING) + 1, 2)
    swatches = "".join(
        f'<span class="wn-tile" style="--shade: {round(100 * nats / SURPRISAL_CEILING)}">{nats}</span>'
        for nats in steps
    )
    return (
        '<p class="wn-reading">Colour is the surprise of a letter, in nats:'
        f'<span class="wn-scale">{swatches}</span><span class="wn-guess">A blind guess: {blind:.2f}</span></p>'
    )
