"""The map of the letters: their vectors in two dimensions."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import KINDS, Kind, shown, translucent

Limits = tuple[tuple[float, float], tuple[float, float]]
"""((x from, to), (y from, to))."""


def letters_map(
    vectors: npt.ArrayLike,
    letters: Sequence[str],
    kinds: Sequence[Kind],
    explained: str,
    *,
    limits: Limits | None = None,
    size: int = 24,
) -> go.Figure:
    """Each letter written where its vector points, in a shape that says its kind, see `colours.KINDS`.

    Args:
        vectors: (V, 2), already brought to two dimensions.
        letters: V letters, '.' among them.
        kinds: V kinds, see `colours.kind`.
        explained: What the axes are, such as "two dimensions of the embedding" or "PCA, 61% of the variance".
        limits: Keep the axes here, so that a playback moves letters and not the frame; see `limits_of`. Without, the
            axes follow the letters, and a reader who zoomed stays where they are.
        size: Of each mark, in pixels.
    """
    points = np.asarray(vectors, dtype=np.float64)
    figure = go.Figure()
    for kind, style in KINDS.items():
        rows = [i for i, of_letter in enumerate(kinds) if of_letter == kind]
        if not rows:
            continue  # a legend that names what no letter is would puzzle
        figure.add_scatter(
            x=points[rows, 0],
            y=points[rows, 1],
            text=[shown(letters[i]) for i in rows],
            name=style.plural,
            uid=kind,
            mode="markers+text",
            textposition="middle center",
            textfont={"size": 8 + size // 4},
            marker={
                "symbol": style.symbol,
                "size": size,
                "color": translucent(style.colour, 0.16),
                "line": {"color": style.colour, "width": 1},
            },
            hovertemplate="%{text}: %{x:.2f}, %{y:.2f}<extra></extra>",
        )
    across, upward = limits or (None, None)
    figure.update_layout(
        showlegend=True,
        legend={"itemsizing": "trace"},
        hovermode="closest",
        xaxis={"range": across, "title": {"text": explained}, "constrain": "domain"},
        yaxis={"range": upward, "scaleanchor": "x", "scaleratio": 1, "constrain": "domain"},
    )
    return figure


def limits_of(frames: Sequence[npt.ArrayLike]) -> Limits:
    """Square limits that hold the vectors (V, 2) of every frame, with a little air: no frame then moves the axes."""
    points = np.concatenate([np.asarray(frame, dtype=np.float64) for frame in frames])
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, max(float((high - low).max()) * 0.56, 1e-6)
    return (float(middle[0] - half), float(middle[0] + half)), (float(middle[1] - half), float(middle[1] + half))
