"""The letters' vectors: brought to two dimensions, followed through training, and who is whose neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Projection:
    """Letters in the plane: points (V, 2), the words that say what the two axes are, and the directions (E, 2) that
    they are, where these were chosen.
    """

    points: Array
    explained: str
    plane: Array | None = None


@dataclass(frozen=True)
class Neighbour:
    """Another letter and how alike the two vectors are: the cosine of the angle between them, -1 to 1."""

    letter: str
    likeness: float


def project(vectors: npt.ArrayLike, after: Projection | None = None) -> Projection:
    """Vectors (V, E) in two dimensions: their own where E is 2, else the two along which they vary most (PCA).

    Signs are chosen so that the letter farthest out along each axis lies on its positive side. One number a letter
    is drawn along a line. Pearson 1901; Jolliffe 2002, Principal Component Analysis.

    `after` is how the same letters were drawn last: the plane then only moves on from theirs, by one step of
    orthogonal iteration, to where they vary most. One chosen anew jumps where several directions vary nearly alike.
    """
    table = np.asarray(vectors, dtype=np.float64)
    if table.shape[1] == 2:
        return Projection(table, "the two numbers of the embedding")
    if table.shape[1] == 1:
        return Projection(np.hstack([table, np.zeros_like(table)]), "the one number of the embedding")
    return _onto(_plane(table) if after is None or after.plane is None else _nearer(after.plane, table), table)


def _nearer(plane: Array, table: Array) -> Array:
    """A plane (E, 2), turned by one step of orthogonal iteration towards that along which vectors (V, E) vary most.

    The axes stay as near as they can to those before. Golub and Van Loan 2013, Matrix Computations, 8.2.4.
    """
    centred = table - table.mean(0)
    left, _, right = np.linalg.svd(centred.T @ (centred @ plane), full_matrices=False)
    turned: Array = left @ right
    return turned


def _plane(table: Array) -> Array:
    """The two directions (E, 2) along which vectors (V, E) vary most."""
    centred = table - table.mean(0)
    axes: Array = np.linalg.svd(centred, full_matrices=False)[2][:2].T
    points = centred @ axes
    return axes * np.where(points[np.abs(points).argmax(0), [0, 1]] < 0, -1.0, 1.0)


def _onto(plane: Array, table: Array) -> Projection:
    centred = table - table.mean(0)
    points = centred @ plane
    share = (points**2).sum() / max((centred**2).sum(), np.finfo(float).tiny)
    return Projection(points, f"PCA, {share:.0%} of the variance", plane)


def align(points: Array, to: Array) -> Array:
    """Turn, and mirror if need be, points (V, E) so that they lie as close as they can to the points `to`.

    Orthogonal Procrustes without scaling: Schönemann 1966, https://doi.org/10.1007/BF02289451. Only directions from
    the centre count; the points keep their own centre.
    """
    here = points - points.mean(0)
    left, _, right = np.linalg.svd(here.T @ (to - to.mean(0)))
    turned: Array = here @ (left @ right) + points.mean(0)
    return turned


def follow(frames: Sequence[npt.ArrayLike]) -> list[Projection]:
    """Each frame (V, E) in the plane of the last one, so that a playback neither spins nor jumps.

    In the plane along which the last frame varies most, once each frame is turned, in all its dimensions, to fit the
    one after it. Planes of their own would jump: where several directions vary nearly alike, the two that vary most
    are others from one frame to the next, and no turn within the plane makes up for that.
    """
    tables = [np.asarray(frame, dtype=np.float64) for frame in frames]
    if tables[-1].shape[1] <= 2:
        return [project(table) for table in tables]
    for index in range(len(tables) - 2, -1, -1):
        tables[index] = align(tables[index], tables[index + 1])
    plane = _plane(tables[-1])
    return [_onto(plane, table) for table in tables]


def neighbours(vectors: npt.ArrayLike, letters: Sequence[str], letter: str, count: int = 5) -> list[Neighbour]:
    """The `count` letters whose vectors point most nearly where `letter`'s does, nearest first."""
    table = np.asarray(vectors, dtype=np.float64)
    unit = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), np.finfo(float).tiny)
    chosen = list(letters).index(letter)
    likeness = unit @ unit[chosen]
    nearest = [int(i) for i in np.argsort(-likeness, kind="stable") if i != chosen][:count]
    return [Neighbour(letters[i], float(likeness[i])) for i in nearest]
