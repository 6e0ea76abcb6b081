"""From what the probe finds to what the figure draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from wavenames.figures.wiring_traces import Lit, Net
from wavenames.names import Vocabulary
from wavenames.probes.wiring import Wiring

COLUMNS = 16
"""Letters of a long name that are drawn."""
SAID = {"activation": "acts with {:.2f}", "gate": "gate {:.0%} open", "skip": "{:.0%} of the skip sum"}


def lit_of(found: Wiring, place: int) -> Lit:
    """The receptive field of the prediction at `place`."""
    field = found.field(len(found.layers) - 1, place)
    skips = [row for row, layer in enumerate(found.layers) if layer.skips]
    return Lit(place, field.nodes, field.edges, skips)


def net_of(found: Wiring, vocabulary: Vocabulary, family: str, place: int, shade: str | None = None) -> Net:
    """The columns that fit, those at `place` and before it among them.

    Args:
        found: What the probe says.
        vocabulary: Of the model.
        family: Gives the colour.
        place: The one that is lit.
        shade: Which measure size and shade of the nodes say; None leaves them alike.
    """
    first = max(place + 1 - COLUMNS, 0)
    columns = range(first, min(first + COLUMNS, len(found.context)))
    rows, uses = [layer.title for layer in found.layers], found.uses().tolist()
    measures = {kind: values.tolist() for kind, values in found.measures.items()}
    strengths = _strengths(measures[shade], shade) if shade else [[None] * len(found.context) for _ in rows[1:-1]]
    best = found.log_probabilities.max(1)
    return Net(
        letters=[found.context[at] for at in columns],
        rows=rows,
        edges=found.edges(),
        strengths=[[row[at] for at in columns] for row in strengths],
        words=[
            [
                _says(
                    title, found.context[1 : at + 1], {kind: of[i][at] for kind, of in measures.items()}, uses[i][at]
                )
                for at in columns
            ]
            for i, title in enumerate(rows[1:-1])
        ],
        following=[vocabulary.symbols[int(best.indices[at])] for at in columns],
        chances=[math.exp(best.values[at]) for at in columns],
        family=family,
        first=first,
    )


def wiring_rows(found: Wiring, lit: Lit, vocabulary: Vocabulary | None = None) -> list[dict[str, object]]:
    """The nodes as a table, layer by layer; with what they do and what comes next where `vocabulary` is known.

    Place 0 is the start; at each place the letters up to there have been read.
    """
    uses, rows = found.uses().tolist(), []
    of = f"letter {lit.place + 1}"
    shares = found.log_probabilities.exp().max(1)
    for i, layer in enumerate(found.layers):
        inner = 0 < i < len(found.layers) - 1
        for place, letter in enumerate(found.context):
            row: dict[str, object] = {"layer": layer.title, "place": place, "letter": letter if i == 0 else None}
            row[f"read for {of}"] = "yes" if (i, place) in lit.nodes else "no"
            row["predictions served"] = uses[i - 1][place] if inner else None
            if vocabulary is not None:
                last = i == len(found.layers) - 1
                row |= {kind: float(each[i - 1, place]) if inner else None for kind, each in found.measures.items()}
                row[f"nats for {of}"] = lit.influence.get(place) if i == 0 else None
                row["likeliest next"] = vocabulary.symbols[int(shares.indices[place])] if last else None
                row["probability"] = float(shares.values[place]) if last else None
            rows.append(row)
    return rows


def _strengths(values: Sequence[Sequence[float]], shade: str) -> list[list[float | None]]:
    """From 0 to 1: activations beside the strongest of their own layer, gates and parts beside the largest of all."""
    top = max((value for row in values for value in row if not math.isnan(value)), default=1.0)
    found: list[list[float | None]] = []
    for row in values:
        most = max(max(row) if shade == "activation" else top, 1e-9)
        found.append([None if math.isnan(value) else max(value, 0.0) / most for value in row])
    return found


def _says(title: str, read: str, measures: Mapping[str, float], uses: int) -> str:
    """The label of a node."""
    acts = [SAID[kind].format(value).replace("-", "−") for kind, value in measures.items() if not math.isnan(value)]
    if uses > 1:
        acts.append(f"serves {uses} predictions")
    where = f"after {read}" if read else "at the start"
    return f"{title} {where}: {', '.join(acts)}" if acts else f"{title} {where}"
