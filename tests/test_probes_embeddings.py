"""The letters in the plane: against scipy and numpy's own answers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes

from wavenames.probes.embeddings import align, follow, neighbours, project


def vectors(seed: int, letters: int = 27, features: int = 10) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(letters, features))


def test_two_numbers_a_letter_are_shown_as_they_are() -> None:
    table = vectors(1, features=2)
    assert np.array_equal(project(table).points, table)
    assert "two numbers" in project(table).explained


def test_one_number_a_letter_is_a_line() -> None:
    points = project(vectors(1, features=1)).points
    assert points.shape == (27, 2)
    assert not points[:, 1].any()


def test_more_numbers_are_shown_along_the_directions_of_most_variance() -> None:
    """The shares of variance are those of the covariance matrix's two largest eigenvalues."""
    table = vectors(2) * np.linspace(3, 0.1, 10)
    projection = project(table)
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(table.T)))[::-1]
    assert np.allclose(projection.points.var(0, ddof=1), eigenvalues[:2])
    assert f"{eigenvalues[:2].sum() / eigenvalues.sum():.0%}" in projection.explained


def test_a_mirrored_embedding_looks_the_same() -> None:
    """PCA leaves signs open; they are pinned, so that a model drawn twice does not flip."""
    table = vectors(3)
    mirror, _ = np.linalg.qr(vectors(7, 10, 10))
    assert np.allclose(project(table).points, project(table @ mirror).points)
    assert (project(table).points[np.abs(project(table).points).argmax(0), [0, 1]] > 0).all()


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_alignment_is_scipys_orthogonal_procrustes(seed: int, features: int) -> None:
    here, there = vectors(seed, features=features), vectors(seed + 1, features=features)
    rotation, _ = orthogonal_procrustes(here - here.mean(0), there - there.mean(0))
    assert np.allclose(align(here, there), (here - here.mean(0)) @ rotation + here.mean(0))


def test_a_turned_embedding_does_not_spin_in_a_playback() -> None:
    """Frames that differ by a rotation of the features are one and the same picture."""
    table = vectors(4)
    rotation, _ = np.linalg.qr(vectors(5, 10, 10))
    frames = follow([table, table @ rotation, table @ rotation @ rotation])
    for frame in frames[1:]:
        assert np.allclose(frame.points, frames[0].points)


def test_a_playback_ends_in_the_map_of_the_model_and_never_jumps() -> None:
    """Where two directions vary nearly alike, planes of their own would change from frame to frame."""
    table = np.linalg.qr(vectors(8) - vectors(8).mean(0))[0] * np.sqrt(27)  # ten directions with a spread of one
    spreads = [np.array([3, 1 + turn, 1.1 - turn, *[0.2] * 7]) for turn in np.linspace(0, 0.1, 6)]
    frames = [table * spread for spread in spreads]
    alone, followed = [project(frame).points for frame in frames], [each.points for each in follow(frames)]
    np.testing.assert_allclose(followed[-1], alone[-1])
    assert follow(frames)[-1].explained == project(frames[-1]).explained

    def farthest(path: list[np.ndarray]) -> float:
        return max(float(np.abs(after - before).max()) for before, after in itertools.pairwise(path))

    moved = farthest(frames)
    assert farthest(followed) < 1.5 * moved
    turned = [alone[0]]
    for points in alone[1:]:
        turned.append(align(points, turned[-1]))
    assert farthest(turned) > 5 * moved, "which is why each frame is not shown in a plane of its own"
    live = [project(frames[0])]
    for frame in frames[1:]:
        live.append(project(frame, after=live[-1]))
    assert farthest([each.points for each in live]) < 1.5 * moved


def test_a_plane_that_moves_on_comes_to_rest_where_the_letters_vary_most() -> None:
    table, best = vectors(9), project(vectors(9))
    here = project(vectors(10))
    for _ in range(200):
        here = project(table, after=here)
    assert here.explained == best.explained
    assert here.plane is not None
    assert best.plane is not None
    np.testing.assert_allclose(here.plane @ here.plane.T, best.plane @ best.plane.T, atol=1e-4)


def test_neighbours_are_the_largest_cosines_and_never_the_letter_itself() -> None:
    table, letters = vectors(6, letters=5, features=3), list(".abcd")
    found = neighbours(table, letters, "b", count=3)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    cosines = {letter: float(unit[2] @ unit[i]) for i, letter in enumerate(letters) if letter != "b"}
    assert [each.letter for each in found] == sorted(cosines, key=lambda one: -cosines[one])[:3]
    assert [each.likeness for each in found] == pytest.approx([cosines[each.letter] for each in found])
