"""Which letter follows which."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import ACCENT, root_scale, shown


def letter_pairs(
    matrix: npt.ArrayLike, letters: Sequence[str], of: Literal["counts", "probabilities"] = "counts"
) -> go.Figure:
    """Heat map of pairs: a row is a letter, a column the letter after it.

    `matrix` (V, V) holds how often column follows row, or how probable that is. Shade grows with the square root of
    the value, else one frequent pair would leave the rest blank; the scale beside the map and the label under the
    pointer say the value itself. Nothing is drawn where the value is 0, so the map suits both backgrounds.
    """
    values = np.asarray(matrix, dtype=np.float64)
    names = [shown(letter) for letter in letters]
    top = float(values.max(initial=0.0)) or 1.0
    ticks = [top / 16, top / 4, top * 9 / 16, top]
    value, title = ("%{z:,.0f} times", "times") if of == "counts" else ("%{z:.1%}", "probability")
    figure = go.Figure(
        go.Heatmap(
            z=values,
            name=title,
            zmin=0,
            zmax=top,
            x=names,
            y=names,
            hovertemplate=f"%{{x}} after %{{y}}: {value}<extra></extra>",
            colorscale=root_scale(ACCENT, 0, 1),
            xgap=1,
            ygap=1,
            colorbar=colour_bar(
                title, ticks, [f"{tick:,.0f}" if of == "counts" else f"{tick:.0%}" for tick in ticks]
            ),
        )
    )
    axis = {
        "type": "category",
        "showgrid": False,
        "tickfont": {"size": 10},
        "tickmode": "linear" if len(names) <= 40 else "auto",
    }
    figure.update_layout(
        # Square cells, at the left under the scale, whatever the shape of the place for them.
        xaxis=axis | {"title": {"text": "letter"}, "tickangle": 0, "constrain": "domain", "constraintoward": "left"},
        yaxis=axis
        | {
            "title": {"text": "letter before it"},
            "autorange": "reversed",
            "scaleanchor": "x",
            "constrain": "domain",
            "constraintoward": "top",
        },
    )
    return figure


def colour_bar(title: str, ticks: Sequence[float], words: Sequence[str]) -> dict[str, object]:
    """The scale of a heat map's shades, lying above it: `words` stand at `ticks`."""
    return {
        "orientation": "h", "title": {"text": title, "side": "right", "font": {"size": 12}}, "thickness": 8,
        "len": 0.75, "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "outlinewidth": 0,
        "tickvals": list(ticks), "ticktext": list(words),
    }  # fmt: skip
