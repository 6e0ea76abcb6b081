"""Muon against its definition: orthogonal steps from the singular value decomposition, AdamW beside it."""

import math

import pytest
import torch
from torch import Tensor

from wavenames.optimiser import ADAMS_SIZE, MOMENTUM, Muon, fastest, orthogonal


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (30, 64)])
def test_a_matrix_becomes_nearly_orthogonal_with_its_own_directions(shape: tuple[int, int]) -> None:
    """Singular values near 1, singular vectors as they were, whatever the matrix's size."""
    matrix = normal(*shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    for scale in (1e-4, 1.0, 1e4):
        inside = u.T @ orthogonal([scale * matrix])[0] @ v.T
        assert bool(((inside.diagonal() > 0.6) & (inside.diagonal() < 1.3)).all())
        assert float((inside - inside.diagonal().diag()).abs().max()) < 0.05


@pytest.mark.parametrize(("capability", "precision"), [("AVX512", torch.bfloat16), ("AVX2", torch.float32)])
def test_either_precision_gives_the_same_directions(
    capability: str, precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Single where the processor has no bfloat16 of its own."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert fastest(torch.device("cpu")) == precision
    assert fastest(torch.device("cuda")) == torch.bfloat16
    u, _, v = torch.linalg.svd(matrix := normal(30, 64), full_matrices=False)
    found = orthogonal([matrix])[0]
    assert torch.equal(found, found.bfloat16().float()) == (precision == torch.bfloat16)
    inside = u.T @ found @ v.T
    assert bool(((inside.diagonal() > 0.6) & (inside.diagonal() < 1.3)).all())


def test_matrices_of_several_sizes_at_once_are_as_if_alone() -> None:
    """Those that share a side are filled up and go together: lying, standing and square ones, in the order given."""
    matrices = [normal(*shape, seed=i) for i, shape in enumerate([(30, 64), (64, 64), (96, 30), (30, 30), (128, 64)])]
    together = orthogonal(matrices)
    for matrix, found in zip(matrices, together, strict=True):
        assert found.shape == matrix.shape
        assert torch.allclose(found, orthogonal([matrix])[0], atol=0.02)


def test_a_step_without_a_gradient_is_nothing() -> None:
    """A matrix that got no signal stays where it is."""
    assert not orthogonal([torch.zeros(3, 5)])[0].any()


def test_matrices_get_muons_step_and_all_else_adamws() -> None:
    """Written out: momentum, look ahead, direction, size, pull."""
    rate, decay = 0.1, 0.5
    matrix, vector = torch.nn.Parameter(normal(8, 20)), torch.nn.Parameter(normal(5))
    alone = torch.nn.Parameter(vector.detach().clone())
    groups = [
        {"params": [matrix], "weight_decay": decay, "orthogonal": True},
        {"params": [vector], "weight_decay": decay},
    ]
    muon, adamw = Muon(groups, lr=rate), torch.optim.AdamW([alone], lr=rate, weight_decay=decay)
    expected, momentum = matrix.detach().clone(), torch.zeros(8, 20)
    for turn in range(3):
        slope, other = normal(8, 20, seed=10 + turn), normal(5, seed=20 + turn)
        matrix.grad, vector.grad, alone.grad = slope.clone(), other.clone(), other.clone()
        muon.step()
        adamw.step()
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * slope
        ahead = MOMENTUM * momentum + (1 - MOMENTUM) * slope
        u, _, v = torch.linalg.svd(ahead, full_matrices=False)
        expected = (1 - rate * decay) * expected - rate * ADAMS_SIZE * math.sqrt(20) * (u @ v)
        assert torch.equal(vector, alone)
    # The iteration leaves singular values between 0.7 and 1.2: three steps are right to a third of their length.
    moved = matrix.detach() - (1 - rate * decay) ** 3 * normal(8, 20)
    wanted = expected - (1 - rate * decay) ** 3 * normal(8, 20)
    assert float((moved - wanted).norm()) < 0.25 * float(wanted.norm())


def test_the_step_looks_ahead_along_the_momentum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nesterov's momentum, exactly: seen where nothing is made orthogonal."""
    monkeypatch.setattr("wavenames.optimiser.orthogonal", list)
    rate, decay = 0.1, 0.5
    matrix = torch.nn.Parameter(normal(8, 20))
    muon = Muon([{"params": [matrix], "weight_decay": decay, "orthogonal": True}], lr=rate)
    expected, momentum = matrix.detach().clone(), torch.zeros(8, 20)
    for turn in range(3):
        slope = normal(8, 20, seed=10 + turn)
        matrix.grad = slope.clone()
        muon.step()
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * slope
        ahead = MOMENTUM * momentum + (1 - MOMENTUM) * slope
        expected = (1 - rate * decay) * expected - rate * ADAMS_SIZE * math.sqrt(20) * ahead
    assert torch.allclose(matrix, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 9, 74), (3, 192, 256)])
def test_one_and_two_threads_make_the_same_step(shape: tuple[int, int, int]) -> None:
    """A run's numbers must not depend on how busy the machine is."""
    threads = torch.get_num_threads()
    steps = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            steps.append(torch.stack(orthogonal(list(normal(*shape)))))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*steps)
