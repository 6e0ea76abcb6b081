"""A plotly chart that keeps its zoom while it grows.

`st.plotly_chart` builds its chart anew whenever the figure changes: it flickers and forgets zoom, pan and
hidden traces. This component mounts one plot a key and hands it each new figure. The script and the style
beside it, in assets/, are files that the browser asks for once, and so is plotly.min.js, straight out of the
installed plotly package: an update carries the figure and nothing else.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly
import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs_version
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.components.v2.types import ComponentRenderer

TEXT_LINE = 28
"""Height in pixels of the line under each chart: as text, as a picture, as data."""
PLAYER_LINE = 36
"""Height in pixels of the line that plays a chart with frames."""

_NAME = "wavenames.live_plot"


@dataclass(frozen=True)
class Frame:
    """One moment of a chart that plays."""

    label: str
    """Such as "step 400"."""
    traces: Sequence[Mapping[str, Any]]
    """What is other than in the figure, for each of its traces: {"x": …, "marker": {"color": …}}; {} for nothing."""
    text: str = ""
    """What the chart says at this moment; else what it says as a whole."""
    html: str = ""
    """What stands beside the chart at this moment, below it on a phone: of ours, all text in it escaped."""


@dataclass(frozen=True)
class Pointed:
    """Lines that are there while the pointer is on a point, in the browser alone."""

    points: int
    """The trace whose points have lines."""
    drawn: int
    """The trace that draws them; else it is empty."""
    lines: Sequence[tuple[Sequence[float | None], Sequence[float | None]]]
    """For each of the points the x and the y of its lines."""


def live_plot(
    figure: go.Figure,
    *,
    key: str,
    height: int,
    text: str,
    on_click: bool = False,
    frames: Sequence[Frame] = (),
    pointed: Pointed | None = None,
    rows: Sequence[Mapping[str, Any]] = (),
) -> Any | None:
    """Draw `figure` as wide as its column, `height` pixels high, and keep the reader's zoom when it changes.

    Args:
        figure: Any plotly figure; leave colours of text, axes and background open, they come from the theme.
        key: Names the chart on its page. While the key stays, so do the plot, its zoom and its hidden traces.
        height: Of the chart, in pixels; `TEXT_LINE` more are reserved below it.
        text: What the chart says, in words, for those who can't see it. Its first line is the chart's name.
        on_click: Let a point be chosen by click, tap, or arrow keys and Enter.
        frames: Moments to play and to scrub through, in the browser alone. The last one is shown first.
        pointed: Lines to draw while the pointer, or the arrow keys, are on a point.
        rows: What can be taken away as data, all with the columns of the first, where the figure's own coordinates
            mean nothing; else the figure's points.

    Returns:
        The `customdata` of the point that was just chosen, once; None on every other run.
    """
    data = payload(figure, uirevision=key) | {
        "height": height,
        "text": text,
        "clickable": on_click,
        "plotly": get_plotlyjs_version(),
    }
    if frames:
        data["frames"] = [
            {"label": each.label, "text": each.text, "html": each.html, "traces": _compact(list(each.traces))}
            for each in frames
        ]
    if pointed:
        data["pointed"] = _compact(asdict(pointed))
    if rows:
        data["rows"] = _compact([list(rows[0]), *(list(row.values()) for row in rows)])
    _serve_files()
    tall = height + TEXT_LINE + (PLAYER_LINE if frames else 0)
    beside = any(each.html for each in frames)
    chosen = _renderer()(key=key, data=data, height="content" if beside else tall, on_clicked_change=lambda: None)
    return chosen.get("clicked")


def payload(figure: go.Figure, uirevision: str) -> dict[str, Any]:
    """The figure as small JSON: {"traces": [...], "layout": {...}}.

    Arrays of floats travel as base64 of 32-bit floats, single floats with six digits. Plotly's own template,
    larger than most figures, stays behind: the browser puts one there that follows the theme.
    """
    plain = figure.to_dict()
    layout = {name: value for name, value in plain["layout"].items() if name != "template"}
    return {
        "traces": _compact(plain["data"]),
        "layout": _compact({"uirevision": uirevision} | layout),
    }


def _compact(value: Any) -> Any:
    match value:
        case {"dtype": "f8", "bdata": data, **rest}:
            return _single(np.frombuffer(base64.b64decode(data), dtype="<f8")) | rest
        case np.ndarray() if value.dtype == np.float64 and value.ndim == 1:
            return _single(value)
        case dict():
            return {name: _compact(inner) for name, inner in value.items()}
        case list() | tuple() | np.ndarray():
            return [_compact(inner) for inner in value]
        case float() | np.floating():
            return float(f"{value:.6g}") if math.isfinite(value) else None  # JSON knows no NaN
        case _:
            return value.item() if isinstance(value, np.generic) else value


def _single(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    return {"dtype": "f4", "bdata": base64.b64encode(values.astype("<f4").tobytes()).decode()}


@cache
def _renderer() -> ComponentRenderer:
    return st.components.v2.component(_NAME, js="live_plot.js", css="live_plot.css", isolate_styles=False)


def _serve_files() -> None:
    """Let this server hand out assets/ and plotly's package data.

    Streamlit finds such folders by itself only in installed packages whose manifest names a folder of their
    own; we also run uninstalled, and plotly.min.js is another package's file. So we register what its scan
    would have found. This is asked on every run because each server, and each AppTest, has its own list.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(_NAME) is not None:
        return
    for name, root, folder in (
        ("plotly", Path(plotly.__file__).parent, "package_data"),
        ("live_plot", Path(__file__).parent, "assets"),
    ):
        manifest = ComponentManifest(
            name="wavenames",
            version=version("plotly"),
            components=[ComponentConfig(name=name, asset_dir=folder)],
        )
        manager.register_from_manifest(manifest, root)
