"""Fewer points for a long curve, without losing what the eye would catch."""

import numpy as np
import numpy.typing as npt
from tsdownsample import MinMaxLTTBDownsampler

_CHOOSER = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]  # its __init__ has no annotations

Floats = npt.NDArray[np.float64]


def thin(x: npt.ArrayLike, y: npt.ArrayLike, n: int = 400) -> tuple[Floats, Floats]:
    """At most `n` of the points (x, y) that keep a curve's look: its ends and its spikes stay.

    `x` (P,) must not decrease. Points whose y is not finite can't be drawn and are left out first. The rest is
    chosen by MinMaxLTTB: minima and maxima of equal slices, of those the points that span the largest
    triangles (https://arxiv.org/abs/2305.00332).
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    finite = np.isfinite(ys)
    xs, ys = xs[finite], ys[finite]
    if len(xs) <= n:
        return xs, ys
    kept = _CHOOSER.downsample(xs, ys, n_out=n)
    return xs[kept], ys[kept]
