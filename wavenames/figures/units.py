"""What a hidden unit says after each letter at each place, and what each unit of a layer is worth."""

import html
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from wavenames.figures.colours import ACCENT, FAMILIES, shown, translucent
from wavenames.figures.heatmap import colour_bar

LOW = FAMILIES["dilated"].colour
"""Cells below zero."""
ROW = 15
"""Height of a row, in pixels."""


def unit_means(letters: Sequence[str], table: npt.ArrayLike, counts: npt.ArrayLike) -> go.Figure:
    """Heat map of a unit's mean activation: a row is the letter just read, a column its place in the name.

    `table` (R, P) holds the means, nan where nothing was read, `counts` (R, P) of how many names. Blue is above zero,
    orange below; the scale runs to the largest size of a mean.
    """
    values, times = np.asarray(table, dtype=np.float64), np.asarray(counts)
    rows = [html.escape(shown(letter), quote=False) for letter in letters]
    top = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values,
            name="mean activation",
            x=[*range(values.shape[1])],
            y=rows,
            zmin=-top,
            zmax=top,
            customdata=times,
            hovertemplate="%{y} as letter %{x}: %{z:.2f} in %{customdata:,} names<extra></extra>",
            hoverongaps=False,
            colorscale=[
                [0, translucent(LOW, 1)],
                [0.5, translucent(LOW, 0.04)],
                [0.5, translucent(ACCENT, 0.04)],
                [1, translucent(ACCENT, 1)],
            ],
            xgap=1,
            ygap=1,
            colorbar=colour_bar("mean activation", [-top, 0, top], [_number(-top), "0", _number(top)]),
        )
    )
    figure.update_layout(
        xaxis={"title": {"text": "letters read"}, "showgrid": False, "dtick": 1, "tickangle": 0},
        yaxis={
            "title": {"text": "letter just read"},
            "type": "category",
            "autorange": "reversed",
            "showgrid": False,
            "tickfont": {"size": 10},
            "tickmode": "linear",
        },
    )
    return figure


def means_text(title: str, letters: Sequence[str], table: npt.ArrayLike, counts: npt.ArrayLike) -> str:
    """The chart in words: the mean after each letter, the highest first, and after each number of letters."""
    values, times = np.nan_to_num(np.asarray(table, dtype=np.float64)), np.asarray(counts)

    def along(axis: int) -> list[float | None]:
        read, sums = times.sum(axis), (values * times).sum(axis)
        return [float(total / number) if number else None for total, number in zip(sums, read, strict=True)]

    named = ("the start" if letter == "." else letter for letter in letters)
    by_letter = sorted(
        ((letter, mean) for letter, mean in zip(named, along(1), strict=True) if mean is not None),
        key=lambda each: -each[1],
    )
    by_place = ((str(place), mean) for place, mean in enumerate(along(0)) if mean is not None)
    said = [", ".join(f"{what} {_number(mean)}" for what, mean in each) for each in (by_letter, by_place)]
    return f"{title}\nBy the letter just read: {said[0]}\nBy how many letters have been read: {said[1]}"


def unit_costs(costs: Mapping[int, tuple[float, float]], chosen: int, family: str) -> go.Figure:
    """What switching off each unit costs, the costliest first, with its standard error; the chosen one is filled.

    Units, the keys of `costs`, are numbered from 0 here and from 1 in what is drawn; a bar's `customdata` is the
    number drawn.
    """
    order = _costliest_first(costs)
    colour = FAMILIES[family].colour
    numbers = [str(unit + 1) for unit in order]
    each, errors = zip(*(costs[unit] for unit in order), strict=True)
    figure = go.Figure(
        go.Bar(
            name="cost",
            x=numbers,
            y=each,
            error_y={"type": "data", "array": errors, "thickness": 1, "width": 0},
            customdata=numbers,
            marker={
                "color": [colour if unit == chosen else translucent(colour, 0.3) for unit in order],
                "line": {"color": colour, "width": 1 if len(order) <= 100 else 0},
            },
            hovertemplate="unit %{x}: %{y:.4f}<extra></extra>",
        )
    )
    cost, error = costs[chosen]
    figure.add_annotation(
        x=order.index(chosen),  # a category by its place: a number as text would be taken for one
        y=cost + error,
        text=f"unit {chosen + 1}",
        showarrow=False,
        yanchor="bottom",
    )
    figure.update_layout(
        hovermode="x",
        bargap=0.15,
        xaxis={
            "type": "category",
            "title": {"text": "units, the costliest first"},
            "showticklabels": len(order) <= 64,
            "tickfont": {"size": 9},
            "tickangle": -90,
        },
        yaxis={"title": {"text": "cost, nats per letter"}},
    )
    return figure


def costs_text(title: str, costs: Mapping[int, tuple[float, float]]) -> str:
    """The chart in words."""
    lines = (
        f"unit {unit + 1}: {_number(costs[unit][0], 4)} ± {costs[unit][1]:.4f}" for unit in _costliest_first(costs)
    )
    return "\n".join([title, *lines])


def _costliest_first(costs: Mapping[int, tuple[float, float]]) -> list[int]:
    return sorted(costs, key=lambda unit: (-costs[unit][0], unit))


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
