"""Loss against steps, seconds or names seen."""

import html
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import FAMILIES, LEGEND, NEUTRAL, cut, translucent
from wavenames.figures.thinning import Floats, thin

XAxis = Literal["step", "seconds", "names_seen"]
AXIS_TITLES: Final[dict[XAxis, str]] = {"step": "steps", "seconds": "seconds of training", "names_seen": "names seen"}

HUGE: Final = 1e4
"""Nats from which on a loss, of a run that ran away, is written as a power of ten."""

Curve = tuple[npt.ArrayLike, npt.ArrayLike]
"""x (P,) in the unit of the chart, losses (P,) in nats per letter."""

_SAFE: Final = str.maketrans(", ", "--")
"""Plotly makes a CSS selector of a curve's uid."""

_EARLY: Final = ("uniform", "letters by frequency", "bigram")
"""References that curves cross within the first steps."""

_NEAR: Final = 0.09
"""Nats between two lines below which their labels would touch in a chart of the usual height."""

_TALL: Final = 32
"""Height of a label in the margin, in pixels."""

_LABELLED: Final = 4
"""Up to so many runs are labelled at the ends of their curves as well as in the legend."""

_VARIANTS: Final = ("", "-open", "-dot", "-open-dot")
"""Of a family's marker: full, hollow, and both with a dot in the middle."""

_TRAIN_GLYPH: Final = f'<span style="color:{NEUTRAL}">─</span>'
_LINE_GLYPH: Final = f'<span style="color:{NEUTRAL}">╌</span>'

_POINTS: Final = (400, 640)
"""Points of a training curve, and of all of them together; validation curves have half of it."""


@dataclass(frozen=True)
class LossSeries:
    """The curves of one run.

    Args:
        label: Name of the run.
        family: A key of `colours.FAMILIES`.
        split: Which split the losses belong to, "lecture" or "unique".
        train: Loss of each training batch.
        validation: Loss over the whole validation split, where it was measured.
    """

    label: str
    family: str
    split: str
    train: Curve
    validation: Curve

    @property
    def smoothing(self) -> float:
        """Weight of the past in the smoothed training curve, from 0 (none) to below 1."""
        return usual_smoothing(np.size(self.train[1]))


def usual_smoothing(points: int) -> float:
    """A memory of about a twentieth of a curve of so many points: a short run is not smoothed into the past."""
    return min(0.98, 1 - 20 / max(points, 21))


def smooth(y: npt.ArrayLike, weight: float) -> Floats:
    """Exponential moving average of y (P,), without the pull of its start towards zero.

    s[t] = Σ w^(t-i) y[i] / Σ w^(t-i) over i ≤ t, as Adam's debiased mean (https://arxiv.org/abs/1412.6980). In
    blocks short enough that w^-i stays a small number, so that numpy does the sums. `weight` w: 0 <= w < 1.
    """
    values = np.asarray(y, dtype=np.float64)
    if weight == 0 or values.size == 0:
        return values.copy()
    block = max(1, int(-20 / np.log(weight)))
    powers = weight ** np.arange(min(block, values.size))
    sums = np.empty_like(values)
    carried = 0.0
    for start in range(0, values.size, block):
        part = values[start : start + block]
        w = powers[: part.size]
        sums[start : start + block] = w * (np.cumsum(part / w) + weight * carried)
        carried = sums[start + part.size - 1]
    # 1 + w + … + w^t
    return sums * (1 - weight) / (1 - weight ** np.arange(1, values.size + 1))


def loss_curves(
    series: Sequence[LossSeries],
    references: Mapping[str, float],
    x: XAxis = "step",
    floor: tuple[str, float] | None = None,
    *,
    ends: bool = True,
    near: float = _NEAR,
) -> go.Figure:
    """The losses of one run or of several, with a dashed hairline for each reference.

    One run shows each training batch, faint, and the smoothed curve over it, both in grey, and validation in the
    colour of its family. Of several, each has the colour of its family, validation strong, the smoothed curve faint.
    `references` are losses in nats per letter by name, such as {"uniform": 3.296, "bigram": 2.453}; `floor` is the
    name and the loss that no training curve can end below, a dotted hairline. `ends` writes the last loss of
    each of a few runs beside its curve, and there too the references that curves come to late, which takes a wide
    margin. Inside the chart, hairlines that lie less than `near` nats apart share a label.
    """
    variants = _variants(series)
    traces: list[go.Scatter] = []
    for run, variant in zip(series, variants, strict=True):
        traces += _traces(run, x, variant, runs=len(series))
    split = "" if not series else ", ".join(sorted({run.split for run in series})) + " split"
    lines = _with_floor(references, floor)
    curves = [_finite(run.validation[1] if np.size(run.validation[1]) else run.train[1]) for run in series]
    late = {name: loss for name, loss in references.items() if ends and name not in _EARLY}
    inside = {name: loss for name, loss in lines.items() if name not in late}
    annotations = _line_labels(inside, near, [curve[-1] for curve in curves if curve.size])
    shapes = [_line(loss, "dash") for loss in references.values()]
    if floor is not None:
        shapes.append(_line(floor[1], "dot"))
    y_axis: dict[str, Any] = {"title": {"text": f"nats per letter{', ' * bool(split)}{split}"}}
    if "uniform" in references:
        # Badly scaled weights start at ten times this: the chart opens on what matters, zooming out shows the rest.
        # Where a run ends high, by heart or run away, that is what matters.
        curves = [_finite(curve[1]) for run in series for curve in (run.train, run.validation)]
        highest = max([1.5 * references["uniform"], *(1.05 * curve[-1] for curve in curves if curve.size)])
        y_axis["autorangeoptions"] = {"clipmax": highest}
    margin: dict[str, int] = {}
    labelled = list(zip(series, variants, strict=True)) if ends and len(series) <= _LABELLED else []
    if labelled or late:
        labels, margin = _end_labels(labelled, late, list(lines.values()))
        annotations += labels
    layout = {
        "hovermode": "closest",
        "showlegend": bool(series),
        "xaxis": {
            "title": {"text": AXIS_TITLES[x]},
            "tickformat": "" if x == "seconds" or _last_x(series) < 10 else "~s",
            "rangemode": "tozero",
        },
        "yaxis": y_axis,
        "margin": margin,
        "shapes": shapes,
        "annotations": annotations,
    }
    return go.Figure(traces, layout)  # at once: each thing that is added later takes plotly milliseconds


def loss_text(
    series: Sequence[LossSeries], references: Mapping[str, float], floor: tuple[str, float] | None = None
) -> str:
    """The chart in words: the last losses of each run, its best validation loss, the references and the floor."""
    lines = ["Loss in nats per letter"]
    for run in series:
        words = [f"train {_last(smooth(run.train[1], run.smoothing))}"]
        if np.size(run.validation[1]):
            best = np.nanmin(np.asarray(run.validation[1], dtype=np.float64))
            words.append(f"validation {_last(run.validation[1])}, best {best:.3f}")
        lines.append(f"{run.label} ({run.split} split): " + ", ".join(words))
    lines.extend(f"{name}: {value:.3f}" for name, value in _with_floor(references, floor).items())
    return "\n".join(lines)


def _last_x(series: Sequence[LossSeries]) -> float:
    return max((float(np.max(run.train[0])) for run in series if np.size(run.train[0])), default=0.0)


def _last(y: npt.ArrayLike) -> str:
    values = np.asarray(y, dtype=np.float64)
    return _written(values[-1]) if values.size else "not measured yet"


def _written(loss: float) -> str:
    return f"{loss:.3f}" if loss < HUGE else f"{loss:.0e}".replace("e+", "e")


def _traces(run: LossSeries, x: XAxis, variant: str, *, runs: int) -> list[go.Scatter]:
    style, alone = FAMILIES[run.family], runs == 1
    unit = "%{x:.1f} seconds" if x == "seconds" else "%{x:,.0f} " + AXIS_TITLES[x]
    label = html.escape(cut(run.label, LEGEND), quote=False)  # plotly takes tags for tags, and leaves &quot; as it is
    train_x, train_y = (np.asarray(values, dtype=np.float64) for values in run.train)
    most, in_all = _POINTS
    points = min(most, in_all // runs)

    def curve(part: str, x_y: tuple[Floats, Floats], **how: object) -> go.Scatter:
        short = part.split(",", maxsplit=1)[0]
        return go.Scatter(
            x=x_y[0],
            y=x_y[1],
            name=part.removesuffix(", each batch") if alone else label,
            uid=f"{zlib.crc32(run.label.encode()):x}-{part.translate(_SAFE)}",
            legendgroup=short if alone else run.label,
            hovertemplate=f"{part} %{{y:.3f}}<br>{unit}<extra>{'' if alone else '%{fullData.name}'}</extra>",
            **how,
        )

    train_colour = NEUTRAL if alone else translucent(style.colour, 0.45)
    traces = [
        curve(
            "train, smoothed",
            thin(train_x, smooth(train_y, run.smoothing), n=points),
            mode="lines" if train_x.size > 1 else "markers",  # what is only counted is seen once
            line={"color": train_colour, "width": 1.5, "dash": "solid" if alone else style.dash},
            marker={"color": train_colour, "size": 7},
            showlegend=alone,
        ),
        curve(
            "validation",
            thin(*run.validation, n=points // 2),
            mode="lines+markers",
            line={"color": style.colour, "width": 2, "dash": style.dash},
            marker={
                "symbol": style.marker(hollow="open" in variant) + "-dot" * ("dot" in variant and not style.thin),
                "size": 7,
                "maxdisplayed": 20,  # a mark here and there says which line it is
                "color": style.colour,
                "line": {"color": style.colour, "width": 1},
            },
            showlegend=True,
        ),
    ]
    if alone:
        faint = {"color": translucent(NEUTRAL, 0.25), "width": 1}
        raw = curve("train, each batch", thin(train_x, train_y, n=points), mode="lines", line=faint, showlegend=False)
        traces.insert(0, raw.update(hoverinfo="skip", hovertemplate=None, legendgroup="train"))
    return traces


def _variants(series: Sequence[LossSeries]) -> list[str]:
    """Of each run's marker, so that runs of one family can be told apart."""
    seen: Counter[str] = Counter()
    variants = []
    for run in series:
        variants.append(_VARIANTS[seen[run.family] % len(_VARIANTS)])
        seen[run.family] += 1
    return variants


def _with_floor(references: Mapping[str, float], floor: tuple[str, float] | None) -> dict[str, float]:
    return {**references, **({} if floor is None else {floor[0]: floor[1]})}


def _line(loss: float, dash: str) -> dict[str, Any]:
    """A hairline across the chart."""
    across = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": loss, "y1": loss}
    return {**across, "line": {"color": NEUTRAL, "width": 1, "dash": dash}}


def _line_labels(lines: Mapping[str, float], near: float, ends: Sequence[float]) -> list[dict[str, Any]]:
    """Names of lines where curves are not: at the right what these cross at once, at the left what they come to late.

    At the left a name stands under its line, where no curve is so early. At the right it stands over the line or,
    where the nearest of the curves' `ends` is there, under it. Over the line of a blind guess the chart may end and
    the legend begin, so its name is always under it.
    Those at one side that are too near for names of their own share a label, in their order.
    """
    labels = []
    for side in ("left", "right"):
        groups: list[list[tuple[str, float]]] = []
        for name, loss in sorted(lines.items(), key=lambda line: -line[1]):
            if (name in _EARLY) != (side == "right"):
                continue
            if groups and groups[-1][-1][1] - loss < near:
                groups[-1].append((name, loss))
            else:
                groups.append([(name, loss)])
        for group in groups:
            (top, highest), (_, lowest) = group[0], group[-1]
            over = min((end - highest for end in ends if end >= highest), default=np.inf)
            below = min((lowest - end for end in ends if end < lowest), default=np.inf)
            under = side == "left" or top == "uniform" or over < below
            labels.append(
                {
                    "text": "<br>".join(f"{html.escape(name, quote=False)} {loss:.3f}" for name, loss in group),
                    "x": 1 if side == "right" else 0,
                    "xref": "paper",
                    "xanchor": side,
                    "align": side,
                    "y": lowest if under else highest,
                    "yref": "y",
                    "yanchor": "top" if under else "bottom",
                    "showarrow": False,
                    "font": {"size": 12},
                }
            )
    return labels


def _end_labels(
    labelled: Sequence[tuple[LossSeries, str]], late: Mapping[str, float], lines: Sequence[float]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """For the right margin names and losses, spread so that no two stand on each other; and the margin.

    Of curves at their ends, each run with the variant of its marker, and of references that curves come to late.
    `lines` are the losses of all hairlines. What a reader zooms out of sight takes its label along; the legend stays.
    """
    alone = len(labelled) == 1
    labels = [(loss, _LINE_GLYPH, html.escape(cut(name, 14), quote=False)) for name, loss in late.items()]
    seen = list(lines)
    for run, variant in labelled:
        glyph = FAMILIES[run.family].labelled(hollow="open" in variant)
        train, validation = (_finite(y) for y in (smooth(run.train[1], run.smoothing), run.validation[1]))
        seen += [*train[:1], *train[-1:], *validation[:1], *validation[-1:]]
        name = html.escape(cut(run.label, 14), quote=False)
        if validation.size:
            labels.append((validation[-1], glyph, "validation" if alone else name))
        if train.size and (alone or not validation.size):
            labels.append((train[-1], _TRAIN_GLYPH if alone else glyph, "train" if alone else name))
    # A run alone has its margins from the start, so that the chart doesn't jump when the first loss is there.
    longest = max([len("validation") * alone, *(len(name) for _, _, name in labels)])
    # How many pixels a nat takes is the browser's to decide. Guessed too low, labels stand a little too far apart.
    pixels = 120 / max(max(seen, default=0.0) - min(seen, default=0.0), 0.1)
    annotations = []
    labels.sort()
    places = _spread([loss * pixels for loss, _, _ in labels], _TALL)
    for (loss, glyph, name), place in zip(labels, places, strict=True):
        annotations.append(
            {
                "text": f"{glyph} {name}<br>{_written(loss)}",
                "x": 1,
                "xref": "paper",
                "xanchor": "left",
                "xshift": 6,
                "y": loss,
                "yref": "y",
                "yshift": place - loss * pixels,
                "showarrow": False,
                "align": "left",
                "font": {"size": 12},
            }
        )
    return annotations, {"r": 32 + 7 * longest, "t": 52}


def _spread(places: Sequence[float], apart: float) -> list[float]:
    """Places at least `apart` from each other and, by least squares, as near as can be to these, which rise.

    Less the room that those before them take, they need only not fall: means of neighbours where they would.
    """
    groups: list[list[float]] = []
    for i, place in enumerate(places):
        groups.append([place - apart * i])
        while len(groups) > 1 and np.mean(groups[-2]) > np.mean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    levels = [float(np.mean(group)) for group in groups for _ in group]
    return [level + apart * i for i, level in enumerate(levels)]


def _finite(y: npt.ArrayLike) -> Floats:
    values = np.asarray(y, dtype=np.float64)
    return values[np.isfinite(values)]
