"""Each layer by hand against its counterpart in torch.nn, forward and backward, in double precision."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from wavenames import layers

no_deadline = settings(deadline=None, max_examples=60)


@pytest.fixture
def threads_as_before() -> Iterator[None]:
    """Whatever number a test sets, or fails with."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def dice(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=dice(seed))


def gradients(out: Tensor, of: Iterable[Tensor]) -> list[Tensor]:
    """Gradients of a loss that weighs each number of `out` differently, so that no error cancels."""
    weights = normal(*out.shape, seed=9)
    return list(torch.autograd.grad((out * weights).sum(), list(of)))


def assert_same(mine: Iterable[Tensor], theirs: Iterable[Tensor]) -> None:
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


# ------------------------------------------------------------------------------------- letters and products


def test_embedding_equals_torch() -> None:
    """Rows and their gradients, a letter that comes twice included, for letters in any shape."""
    mine = layers.Embedding(7, 3).double()
    theirs = nn.Embedding(7, 3, _weight=mine.weight.detach().clone()).double()
    letters = torch.tensor([[0, 3, 3], [6, 0, 2]])
    a, b = mine(letters), theirs(letters)
    assert_same([a], [b])
    assert_same(gradients(a, mine.parameters()), gradients(b, theirs.parameters()))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(5, 4), (5, 2, 4)])
def test_linear_equals_torch(shape: tuple[int, ...], bias: bool) -> None:
    """Forward and backward with and without bias, for rows and for windows; torch's weight is the transpose."""
    mine = layers.Linear(4, 3, bias, init="normal").double()
    theirs = nn.Linear(4, 3, bias).double()
    theirs.weight.data = mine.weight.detach().T.clone()
    if mine.bias is not None:
        theirs.bias.data = mine.bias.detach().clone()
    x, y = normal(*shape).requires_grad_(), normal(*shape).requires_grad_()
    a, b = mine(x), theirs(y)
    assert_same([a], [b])
    mine_grad, their_grad = gradients(a, [x, *mine.parameters()]), gradients(b, [y, *theirs.parameters()])
    their_grad[1] = their_grad[1].T
    assert_same(mine_grad, their_grad)


def test_scaled_weights_keep_the_spread_and_normal_ones_are_the_notebooks() -> None:
    """`gain` / sqrt(inputs) and no bias to start with; or spread one for both, whatever the width."""
    scaled, plain = layers.Linear(400, 500, gain=2.0), layers.Linear(400, 500, gain=2.0, init="normal")
    scaled.reset(dice())
    plain.reset(dice())
    assert scaled.weight.std().item() == pytest.approx(2 / 20, rel=0.01)
    assert plain.weight.std().item() == pytest.approx(1, rel=0.01)
    assert scaled.bias is not None
    assert plain.bias is not None
    assert not scaled.bias.any()
    assert plain.bias.std().item() == pytest.approx(1, rel=0.1)


def test_reset_draws_from_its_generator_alone() -> None:
    """The same dice give the same weights, and the global dice are left where they were."""
    before = torch.get_rng_state()
    layer = layers.Embedding(5, 4), layers.Linear(4, 3, init="normal")
    after_building = torch.get_rng_state()
    assert not torch.equal(before, after_building)
    drawn = []
    for _ in range(2):
        for part in layer:
            part.reset(dice(3))
        drawn.append([p.detach().clone() for part in layer for p in part.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*drawn, strict=True))
    assert torch.equal(torch.get_rng_state(), after_building)


def test_flatten_and_flatten_consecutive_equal_the_naive_picture() -> None:
    """Neighbours lie side by side in their order; groups keep an axis until one is left."""
    x = normal(3, 4, 2)
    assert_same([layers.Flatten()(x)], [nn.Flatten()(x)])
    pairs = layers.FlattenConsecutive(2)(x)
    naive = torch.stack([torch.cat([x[:, 0], x[:, 1]], 1), torch.cat([x[:, 2], x[:, 3]], 1)], 1)
    assert torch.equal(pairs, naive)
    assert torch.equal(layers.FlattenConsecutive(4)(x), x.flatten(1))
    assert torch.equal(layers.FlattenConsecutive(2)(pairs), x.flatten(1))


# --------------------------------------------------------------------------------------------- normalisation


def torch_batch_norm(mine: layers.BatchNorm1d, x: Tensor, theirs: nn.BatchNorm1d) -> Tensor:
    """What torch.nn says of features that stand last: it wants them second."""
    with torch.no_grad():
        theirs.weight.copy_(mine.gamma)
        theirs.bias.copy_(mine.beta)
    out: Tensor = theirs(x if x.dim() == 2 else x.transpose(1, 2))
    return out if x.dim() == 2 else out.transpose(1, 2)


@pytest.mark.parametrize("shape", [(6, 3), (6, 4, 3)])
def test_batch_norm_equals_torch(shape: tuple[int, ...]) -> None:
    """Output, gradients, running statistics over several batches, and evaluation by what was remembered."""
    mine, theirs = layers.BatchNorm1d(3).double(), nn.BatchNorm1d(3).double()
    with torch.no_grad():
        mine.gamma.copy_(normal(3, seed=2))
        mine.beta.copy_(normal(3, seed=3))
    for seed in range(4):
        x = (3 * normal(*shape, seed=seed) + 2).requires_grad_()
        y = x.detach().clone().requires_grad_()
        a, b = mine(x), torch_batch_norm(mine, y, theirs)
        assert_same([a], [b])
        assert_same(gradients(a, [x, *mine.parameters()]), gradients(b, [y, *theirs.parameters()]))
        assert theirs.running_mean is not None
        assert theirs.running_var is not None
        assert_same([mine.running_mean, mine.running_var], [theirs.running_mean, theirs.running_var])
    mine.eval()
    theirs.eval()
    remembered = mine.running_mean.clone()
    x = normal(*shape, seed=7)
    assert_same([mine(x)], [torch_batch_norm(mine, x, theirs)])
    assert torch.equal(mine.running_mean, remembered)
    assert not torch.allclose(mine(x), mine.train()(x))


@pytest.mark.parametrize("momentum", [0.001, 1.0])
def test_batch_norms_momentum_is_the_share_of_the_new_batch(momentum: float) -> None:
    """As in torch: with 1 only the last batch is remembered."""
    mine, theirs = layers.BatchNorm1d(3, momentum=momentum).double(), nn.BatchNorm1d(3, momentum=momentum).double()
    x = normal(6, 3)
    mine(x)
    theirs(x)
    assert theirs.running_mean is not None
    assert theirs.running_var is not None
    assert_same([mine.running_mean, mine.running_var], [theirs.running_mean, theirs.running_var])


def test_batch_norm_of_one_row_is_finite() -> None:
    """The last batch of a pass may hold a single target; torch refuses it, here it counts as no spread."""
    norm = layers.BatchNorm1d(3)
    assert torch.equal(norm(torch.full((1, 3), 5.0)), torch.zeros(1, 3))
    assert bool(norm.running_var.isfinite().all())


@pytest.mark.parametrize("shape", [(6, 3), (6, 4, 3)])
def test_batch_norm_of_whole_names_goes_by_what_it_remembers_and_remembers_the_batch(shape: tuple[int, ...]) -> None:
    """The numbers and the gradient of evaluation, and afterwards the memory of training."""
    mine, plain = layers.BatchNorm1d(3).double(), layers.BatchNorm1d(3).double()
    for norm in (mine, plain):
        norm(normal(*shape))
    before = copy.deepcopy(mine).eval()
    x = (3 * normal(*shape, seed=2) + 2).requires_grad_()
    y = x.detach().clone().requires_grad_()
    a, b = mine(x, whole=True), before(y)
    assert_same([a], [b])
    assert_same(gradients(a, [x, *mine.parameters()]), gradients(b, [y, *before.parameters()]))
    plain(x)
    assert_same([mine.running_mean, mine.running_var], [plain.running_mean, plain.running_var])
    mine.eval()
    assert torch.equal(mine(x, whole=True), mine(x))


@pytest.mark.parametrize("shape", [(6, 5), (6, 4, 5)])
def test_layer_norm_equals_torch(shape: tuple[int, ...]) -> None:
    """Forward and backward, one row at a time."""
    mine, theirs = layers.LayerNorm1d(5).double(), nn.LayerNorm(5).double()
    with torch.no_grad():
        theirs.weight.copy_(mine.gamma.copy_(normal(5, seed=2)))
        theirs.bias.copy_(mine.beta.copy_(normal(5, seed=3)))
    x = (3 * normal(*shape) + 2).requires_grad_()
    y = x.detach().clone().requires_grad_()
    a, b = mine(x), theirs(y)
    assert_same([a], [b])
    assert_same(gradients(a, [x, *mine.parameters()]), gradients(b, [y, *theirs.parameters()]))


# ---------------------------------------------------------------------------------- activations and the loss


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [(layers.Tanh(), nn.Tanh()), (layers.ReLU(), nn.ReLU()), (layers.Softmax(), nn.Softmax(dim=-1))],
)
@pytest.mark.parametrize("shape", [(6, 5), (6, 4, 5)])
def test_activations_equal_torch(mine: nn.Module, theirs: nn.Module, shape: tuple[int, ...]) -> None:
    """Forward and backward."""
    x = normal(*shape).requires_grad_()
    y = x.detach().clone().requires_grad_()
    a, b = mine(x), theirs(y)
    assert_same([a], [b])
    assert_same(gradients(a, [x]), gradients(b, [y]))


def test_gated_activation_equals_the_papers_formula() -> None:
    """Tanh of the first half times sigmoid of the second, and the gradients of both."""
    x = normal(6, 8).requires_grad_()
    y = x.detach().clone().requires_grad_()
    a, b = layers.GatedActivation()(x), nn.Tanh()(y[:, :4]) * nn.Sigmoid()(y[:, 4:])
    assert_same([a], [b])
    assert_same(gradients(a, [x]), gradients(b, [y]))


def test_cross_entropy_equals_torch() -> None:
    """The loss and its gradient."""
    targets = torch.tensor([0, 4, 2, 2, 1, 3])
    x = normal(6, 5).requires_grad_()
    y = x.detach().clone().requires_grad_()
    a, b = layers.CrossEntropyLoss()(x, targets), nn.CrossEntropyLoss()(y, targets)
    assert_same([a], [b])
    assert_same(torch.autograd.grad(a, [x]), torch.autograd.grad(b, [y]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("top", [1e4, -1e4])
def test_softmax_and_loss_are_stable_for_large_logits(top: float, dtype: torch.dtype) -> None:
    """At ±10,000, where the notebook's own are not a number: values and gradients equal torch's."""
    logits = normal(6, 5).to(dtype) + top
    logits[:, 0] += top
    logits[3] = torch.tensor([1e4, -1e4, 0, 1e4, -1e4])
    targets = torch.tensor([0, 4, 2, 2, 1, 3])
    x, y = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    torch.testing.assert_close(layers.Softmax()(x), y.softmax(-1))
    torch.testing.assert_close(layers.log_softmax(x), y.log_softmax(-1))
    a, b = layers.CrossEntropyLoss()(x, targets), nn.functional.cross_entropy(y, targets)
    torch.testing.assert_close(a, b)
    assert a.isfinite()
    torch.testing.assert_close(torch.autograd.grad(a, [x]), torch.autograd.grad(b, [y]))


# ------------------------------------------------------------------------------------------------- dropout


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_dropout_switches_off_its_share_and_keeps_the_mean(share: float) -> None:
    """What stays is scaled up; what goes has no gradient."""
    layer = layers.Dropout(share)
    layer.generator = dice()
    x = torch.ones(300, 300, requires_grad=True)
    out = layer(x)
    assert out.mean().item() == pytest.approx(1, abs=0.02)
    assert (out == 0).float().mean().item() == pytest.approx(share, abs=0.01)
    torch.testing.assert_close(out[out != 0], torch.full_like(out[out != 0], 1 / (1 - share)))
    (grad,) = torch.autograd.grad(out.sum(), [x])
    assert torch.equal(grad, out)


def test_dropout_draws_from_its_own_dice() -> None:
    """Same dice, same mask; the global dice are not touched."""
    layer = layers.Dropout(0.5)
    before = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        layer.generator = dice(seed)
        drawn.append(layer(torch.ones(50)))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_does_nothing_in_evaluation_or_with_share_zero() -> None:
    """The very same tensor comes back, and no dice are thrown."""
    x = normal(3, 3)
    assert layers.Dropout(0.5).eval()(x) is x
    assert layers.Dropout(0.0)(x) is x


# ------------------------------------------------------------------------------------------- causal layers

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def packed(lengths: list[int], features: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Names of these lengths end to end, x (N, C), and the positions (N,)."""
    return normal(sum(lengths), features, seed=seed), torch.cat([torch.arange(n) for n in lengths])


def each(lengths: list[int], x: Tensor) -> list[Tensor]:
    return list(torch.split(x, lengths))


@no_deadline
@given(LENGTHS, st.lists(st.integers(1, 40), max_size=3), st.booleans())
def test_neighbours_equal_a_loop(lengths: list[int], distances: list[int], padded: bool) -> None:
    """Row t holds what its own name held so far back, else the pad; never a neighbour's row. So do gradients."""
    x, positions = packed(lengths, 3)
    pad = normal(3, seed=5).requires_grad_() if padded else None
    nothing = torch.zeros(3, dtype=x.dtype) if pad is None else pad
    x.requires_grad_()

    def naive() -> Tensor:
        taps = [
            torch.stack([name[t - j] if t >= j else nothing for name in each(lengths, x) for t in range(len(name))])
            for j in (*distances, 0)
        ]
        return torch.cat(taps, dim=1)

    mine, theirs = layers.neighbours(x, positions, tuple(distances), pad), naive()
    assert torch.equal(mine, theirs)
    weight, inputs = normal(*mine.shape, seed=6), [x] if pad is None else [x, pad]
    for ours, reference in zip(
        torch.autograd.grad((mine * weight).sum(), inputs, materialize_grads=True),
        torch.autograd.grad((theirs * weight).sum(), inputs, materialize_grads=True),
        strict=True,
    ):
        assert torch.allclose(ours, reference, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dilation", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_causal_conv_equals_torch_name_by_name(kernel: int, dilation: int, bias: bool) -> None:
    """Forward and backward, with zeros put before each name, for names shorter and longer than the reach."""
    lengths = [1, 20, 3, 7]
    mine = layers.CausalConv1d(3, 4, kernel, dilation, bias=bias).double()
    theirs = nn.Conv1d(3, 4, kernel, dilation=dilation, bias=bias).double()
    theirs.weight.data = mine.linear.weight.detach().reshape(kernel, 3, 4).permute(2, 1, 0).contiguous()
    if mine.linear.bias is not None and theirs.bias is not None:
        mine.linear.bias.data = normal(4, seed=4)
        theirs.bias.data = normal(4, seed=4)
    x, positions = packed(lengths, 3)
    x.requires_grad_()
    y = x.detach().clone().requires_grad_()
    left = (kernel - 1) * dilation
    a = mine(x, positions)
    b = torch.cat([theirs(nn.functional.pad(name.T, (left, 0))).T for name in each(lengths, y)])
    assert_same([a], [b])
    mine_grad, their_grad = gradients(a, [x, *mine.parameters()]), gradients(b, [y, *theirs.parameters()])
    their_grad[1] = their_grad[1].permute(2, 1, 0).reshape(kernel * 3, 4)
    assert_same(mine_grad, their_grad)


@no_deadline
@given(LENGTHS, st.integers(1, 4), st.integers(1, 5), st.booleans())
def test_causal_conv_steps_to_what_it_computes_at_once(
    lengths: list[int], kernel: int, dilation: int, padded: bool
) -> None:
    """Letter by letter, with the last inputs in a queue, each name gives the same rows."""
    conv = layers.CausalConv1d(3, 2, kernel, dilation).double()
    x, positions = packed(lengths, 3)
    pad = normal(3, seed=5) if padded else None
    stepped = []
    for name in each(lengths, x):
        queue = conv.queue(1, pad)
        for row in name:
            y, queue = conv.step(row.unsqueeze(0), queue)
            assert [place.shape for place in queue] == [(1, 3)] * conv.reach
            stepped.append(y)
    assert_same([conv(x, positions, pad)], [torch.cat(stepped)])


@pytest.mark.parametrize("n", [2, 3])
def test_flattened_neighbours_and_a_causal_conv_share_weights(n: int) -> None:
    """FlattenConsecutive + Linear over a window is CausalConv1d read at every n-th place: the lesson's heart."""
    conv = layers.CausalConv1d(4, 5, n).double()
    window = normal(2, 6, 4)
    fused = conv.linear(layers.FlattenConsecutive(n)(window))
    rows = conv(window.flatten(0, 1), torch.arange(6).repeat(2)).unflatten(0, (2, 6))
    assert_same([fused], [rows[:, n - 1 :: n]])


class NaiveBlock(nn.Module):
    """WaveNet's block as the paper draws it, from torch.nn's parts, for one name (T, R)."""

    def __init__(self, mine: layers.ResidualSkipBlock, residual: int, gate: int, skip: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.filter, self.gate = (nn.Conv1d(residual, gate, 2, dilation=dilation) for _ in range(2))
        self.skip = nn.Conv1d(gate, skip, 1)
        self.residual = None if mine.last else nn.Conv1d(gate, residual, 1)
        weight, bias = mine.conv.linear.weight.detach(), mine.conv.linear.bias
        assert bias is not None
        for conv, part in ((self.filter, slice(None, gate)), (self.gate, slice(gate, None))):
            conv.weight.data = weight.reshape(2, residual, 2 * gate)[..., part].permute(2, 1, 0).contiguous()
            assert conv.bias is not None
            conv.bias.data = bias.detach()[part].clone()
        mixes = [(self.skip, slice(None, skip))]
        if self.residual is not None:
            mixes.append((self.residual, slice(skip, None)))
        for conv, part in mixes:
            conv.weight.data = mine.mix.weight.detach()[:, part].T.unsqueeze(2).clone()
            assert conv.bias is not None
            assert mine.mix.bias is not None
            conv.bias.data = mine.mix.bias.detach()[part].clone()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        before = nn.functional.pad(x.T, (self.dilation, 0))
        z = self.filter(before).tanh() * self.gate(before).sigmoid()
        out = x if self.residual is None else x + self.residual(z).T
        return out, self.skip(z).T


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_residual_skip_block_equals_the_papers_picture(dilation: int, last: bool) -> None:
    """Forward and backward against separate convolutions; the last block hands its input through."""
    lengths = [1, 9, 3]
    block = layers.ResidualSkipBlock(3, 4, 5, dilation, last=last).double()
    for linear in (block.conv.linear, block.mix):
        assert linear.bias is not None
        linear.bias.data = normal(len(linear.bias), seed=6)
    naive = NaiveBlock(block, 3, 4, 5, dilation)
    x, positions = packed(lengths, 3)
    x.requires_grad_()
    y = x.detach().clone().requires_grad_()
    out, skip = block(x, positions)
    parts = [naive(name) for name in each(lengths, y)]
    naive_out, naive_skip = (torch.cat(part) for part in zip(*parts, strict=True))
    assert_same([out, skip], [naive_out, naive_skip])
    both, naive_both = torch.cat([out, skip], 1), torch.cat([naive_out, naive_skip], 1)
    weight, bias, mix, mix_bias = (p for p in block.parameters())
    mine = gradients(both, [x, weight, bias, mix, mix_bias])
    theirs = dict(zip(["x", *dict(naive.named_parameters())],
                      gradients(naive_both, [y, *naive.parameters()]), strict=True))  # fmt: skip

    def taps(name: str) -> Tensor:
        return theirs[f"{name}.weight"].permute(2, 1, 0).reshape(6, 4)

    mixes = ["skip"] if last else ["skip", "residual"]
    assert_same(
        mine,
        [
            theirs["x"],
            torch.cat([taps("filter"), taps("gate")], 1),
            torch.cat([theirs["filter.bias"], theirs["gate.bias"]]),
            torch.cat([theirs[f"{m}.weight"].squeeze(2).T for m in mixes], 1),
            torch.cat([theirs[f"{m}.bias"] for m in mixes]),
        ],
    )


def test_residual_skip_block_drops_out_in_training_only() -> None:
    """Dropout stands between the gate and the 1×1 products: with all units off, only the biases are left."""
    block = layers.ResidualSkipBlock(3, 4, 5, 1, dropout=0.5).double()
    x, positions = packed([6], 3)
    plain = layers.ResidualSkipBlock(3, 4, 5, 1).double()
    plain.load_state_dict(block.state_dict())
    assert_same(block.eval()(x, positions), plain(x, positions))
    block.train().dropout.generator = dice()
    assert not torch.allclose(block(x, positions)[1], plain(x, positions)[1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Embedding(5, 3),
        lambda: layers.Linear(4, 3),
        lambda: layers.BatchNorm1d(4),
        lambda: layers.LayerNorm1d(4),
        lambda: layers.CausalConv1d(4, 3),
        lambda: layers.ResidualSkipBlock(3, 4, 5, 1),
    ],
)
def test_layers_carry_their_state_like_any_module(make: Callable[[], nn.Module]) -> None:
    """Parameters and buffers are found, copied, saved and loaded by torch's own means."""
    layer = make()
    other = make()
    other.load_state_dict(layer.state_dict())
    twin = copy.deepcopy(layer)
    for key, value in layer.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])
        assert torch.equal(value, twin.state_dict()[key])
        assert twin.double().state_dict()[key].dtype == torch.float64


# ------------------------------------------------------------------------------------- gradients by hand


@pytest.mark.parametrize(
    "layer", [layers.LayerNorm1d(8), layers.GatedActivation(), layers.Tanh()], ids=["norm", "gate", "tanh"]
)
def test_gradients_that_are_written_out_equal_finite_differences(layer: nn.Module) -> None:
    """Of the input and of each parameter."""
    layer.double()
    for seed, parameter in enumerate(layer.parameters()):
        parameter.data = normal(*parameter.shape, seed=seed)
    inputs = (normal(8, 8).requires_grad_(), *layer.parameters())
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), inputs)


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(layers.LayerNorm1d(8), id="norm"),
        pytest.param(layers.GatedActivation(), id="gate"),
        pytest.param(
            layers.Linear(8, 8), id="product", marks=pytest.mark.skipif(not layers.ONEDNN, reason="not oneDNN's here")
        ),
        pytest.param(lambda x: layers.neighbours(x, torch.arange(len(x)), (1,)), id="neighbours"),
    ],
)
def test_second_derivatives_are_refused_where_the_first_is_written_out(layer: Callable[[Tensor], Tensor]) -> None:
    """None would otherwise come, without a word, of what was kept for the way back."""
    x = torch.randn(layers.ROWS, 8, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        torch.autograd.backward(slope.sum())


def test_the_second_derivative_of_tanh_is_right() -> None:
    """What it keeps for the way back is its result, which autograd knows."""
    x = torch.randn(layers.ROWS, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layers.Tanh(), x)


@pytest.mark.usefixtures("threads_as_before")
@pytest.mark.parametrize("layer", [layers.LayerNorm1d(96), layers.GatedActivation(), layers.Tanh()])
def test_layers_in_one_piece_leave_their_input_alone_and_one_thread_and_two_agree(layer: nn.Module) -> None:
    """They compute in place, on a copy; with filled-up rows to the same bits, forward and backward."""
    x = normal(19 * layers.ROWS, 96).float().requires_grad_()
    before, found = x.detach().clone(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        y = layer(x)
        found.append([y, *torch.autograd.grad((y * y).sum(), [x, *layer.parameters()])])
    assert torch.equal(x, before)
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


def test_tanh_is_tanh_in_single_precision_too() -> None:
    """Within a rounding, from one end to the other."""
    x = torch.linspace(-12, 12, 64 * 100)
    torch.testing.assert_close(layers.Tanh()(x), torch.tanh(x), rtol=0, atol=2e-7)


@pytest.mark.skipif(not layers.ONEDNN, reason="this build of torch, or this processor, has no fast oneDNN")
@pytest.mark.usefixtures("threads_as_before")
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize(
    ("rows", "features", "out"),
    [(64, 24, 27), (1792, 128, 192), (4096, 64, 1), (4096, 1, 24), (24_064, 27, 32), (65_536, 1, 1), (65_536, 31, 1)],
)
def test_a_product_by_onednn_equals_one_in_double_precision(rows: int, features: int, out: int, biased: bool) -> None:
    """Forward and backward, and to the same bits with one thread and two."""
    x, weight, bias = normal(rows, features), normal(features, out, seed=2), normal(out, seed=3)
    asked = [x, weight, bias] if biased else [x, weight]
    exact = layers.product(x.requires_grad_(), weight.requires_grad_(), bias.requires_grad_() if biased else None)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        single = [each.detach().float().requires_grad_() for each in asked]
        y = layers.product(single[0], single[1], single[2] if biased else None)
        assert y.grad_fn is not None
        assert "Product" in y.grad_fn.name()
        found.append([y, *torch.autograd.grad((y * y).sum(), single)])
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))
    wanted = [exact, *torch.autograd.grad((exact * exact).sum(), asked)]
    for mine, right in zip(found[0], wanted, strict=True):
        assert (mine.double() - right).abs().max() < 1e-5 * right.abs().max()


@pytest.mark.usefixtures("threads_as_before")
@pytest.mark.parametrize("biased", ["none", "each column", "each number"])
@pytest.mark.parametrize("features", [1, 5, 7, 9, 11, 16, 24])
@pytest.mark.parametrize("rows", [1, 5, 6, 9, 10, 32])
def test_a_product_of_few_rows_or_features_has_the_same_bits_with_one_thread_and_two(
    rows: int, features: int, biased: str
) -> None:
    """MKL's own have not; the zeros that see to it change nothing."""
    bias = {"none": None, "each column": normal(24, seed=3), "each number": normal(rows, 24, seed=3)}[biased]
    asked = [each.float().requires_grad_() for each in (normal(rows, features), normal(features, 24, seed=2), bias)
             if each is not None]  # fmt: skip
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        y = layers.product(asked[0], asked[1], None) if bias is None else layers.torchs_product(*asked)
        found.append([y, *torch.autograd.grad((y * y).sum(), asked)])
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))
    exact = asked[0] @ asked[1] + (0 if bias is None else asked[2])
    for mine, right in zip(found[0], [exact, *torch.autograd.grad((exact * exact).sum(), asked)], strict=True):
        torch.testing.assert_close(mine, right)


@pytest.mark.usefixtures("threads_as_before")
def test_a_sum_of_many_numbers_has_the_same_bits_with_one_thread_and_two() -> None:
    """The loss of a batch of many long names is one; so is that of a validation."""
    nats, found = normal(100_000, 1).float(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(layers.total(nats))
    assert torch.equal(*found)
    torch.testing.assert_close(found[0], nats.sum())


@given(st.integers(0, 300))
def test_rows_are_filled_up_to_few_numbers(rows: int) -> None:
    """The next multiple from one multiple on; below it, what a person asked for one name at a time."""
    filled = layers.filled_up(rows)
    assert rows <= filled < rows + layers.ROWS
    assert filled == rows if rows < layers.ROWS else filled % layers.ROWS == 0


# ------------------------------------------------------------------------------------------- recurrent cells


def set_transposed(theirs: nn.Module, **tensors: Tensor) -> None:
    """Give torch's module these numbers, transposed as it wants its weights."""
    with torch.no_grad():
        for name, value in tensors.items():
            theirs.get_parameter(name).copy_(value.T if value.dim() == 2 else value)


def test_rnn_cell_equals_torch() -> None:
    """Output and gradients; torch's second bias is zero."""
    mine, theirs = layers.RNNCell(3, 4).double(), nn.RNNCell(3, 4).double()
    bias = normal(4, seed=2)
    mine.mix.get_parameter("bias").data.copy_(bias)
    weight = mine.mix.weight
    set_transposed(theirs, weight_ih=weight[:3], weight_hh=weight[3:], bias_ih=bias, bias_hh=0 * bias)
    x, h = normal(5, 3).requires_grad_(), normal(5, 4, seed=3).requires_grad_()
    a, b = mine(x, h), theirs(x, h)
    assert_same([a], [b])
    assert_same(gradients(a, [x, h]), gradients(b, [x, h]))


def test_gru_cell_equals_torch_where_both_say_the_same() -> None:
    """R before the product is r after it where the memory's part of the candidate is diagonal; torch's z is 1 - z."""
    mine, theirs = layers.GRUCell(3, 4).double(), nn.GRUCell(3, 4).double()
    with torch.no_grad():
        mine.gates.get_parameter("bias").copy_(normal(8, seed=2))
        mine.candidate.get_parameter("bias").copy_(normal(4, seed=3))
        mine.candidate.weight[3:] = torch.diag(normal(4, seed=4))
        z, r = mine.gates.weight.chunk(2, dim=1)
        weight = torch.cat([r, -z, mine.candidate.weight], dim=1)
        bias_z, bias_r = mine.gates.get_parameter("bias").chunk(2)
        bias = torch.cat([bias_r, -bias_z, mine.candidate.get_parameter("bias")])
    set_transposed(theirs, weight_ih=weight[:3], weight_hh=weight[3:], bias_ih=bias, bias_hh=0 * bias)
    x, h = normal(5, 3).requires_grad_(), normal(5, 4, seed=5).requires_grad_()
    a, b = mine(x, h), theirs(x, h)
    assert_same([a], [b])
    assert_same(gradients(a, [x, h]), gradients(b, [x, h]))


def test_gru_cell_equals_makemores_equations() -> None:
    """With any weights: three products over letter and memory side by side."""
    cell = layers.GRUCell(3, 4).double()
    x, h = normal(5, 3), normal(5, 4, seed=2)
    xh = torch.cat([x, h], dim=1)
    z, r = (torch.sigmoid(xh @ weight) for weight in cell.gates.weight.chunk(2, dim=1))
    hbar = torch.tanh(torch.cat([x, r * h], dim=1) @ cell.candidate.weight)
    assert_same([cell(x, h)], [(1 - z) * h + z * hbar])


@pytest.mark.parametrize("kind", [layers.RNNCell, layers.GRUCell])
def test_a_cells_two_parts_equal_the_whole(kind: type[layers.RNNCell | layers.GRUCell]) -> None:
    """What the letters bring, found for all at once, then the memory: the same numbers and gradients."""
    cell = kind(3, 4).double()
    for parameter in cell.parameters():
        parameter.data += 0.3
    x, h = normal(5, 3).requires_grad_(), normal(5, 4, seed=2).requires_grad_()
    a, b = cell(x, h), cell.turn(cell.read(x), h, h)
    assert_same([a], [b])
    assert_same(gradients(a, [x, h, *cell.parameters()]), gradients(b, [x, h, *cell.parameters()]))


# ------------------------------------------------------------------------------------------------ attention


def test_gelu_and_sigmoid_equal_torch() -> None:
    """GELU by the approximation that GPT-2 uses; both with their gradients."""
    x = (3 * normal(50)).requires_grad_()
    for mine, theirs in (
        (layers.GELU()(x), nn.functional.gelu(x, approximate="tanh")),
        (layers.sigmoid(x), torch.sigmoid(x)),
    ):
        assert_same([mine], [theirs])
        assert_same(gradients(mine, [x]), gradients(theirs, [x]))


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(1, 8), st.integers(1, 3), st.integers(1, 4))
@no_deadline
def test_attention_equals_torch_name_by_name(lengths: list[int], block: int, heads: int, size: int) -> None:
    """For names of any lengths and a block of any size: torch's attention on each name alone, gradients included."""
    mine = layers.CausalSelfAttention(heads * size, heads, block).double()
    x = normal(sum(lengths), heads * size).requires_grad_()
    positions = torch.cat([torch.arange(length) for length in lengths])
    offsets = torch.tensor([0, *lengths]).cumsum(0)
    a = mine(x, layers.NamesInRows(positions, offsets, block))
    answers = []
    for own in torch.split(mine.ask(x), lengths):
        q, k, v = (each.reshape(len(own), heads, size).transpose(0, 1) for each in own.chunk(3, dim=1))
        seen = torch.ones(len(own), len(own), dtype=torch.bool).tril().triu(1 - block)
        answer = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        answers.append(answer.transpose(0, 1).reshape(len(own), heads * size))
    b = mine.mix(torch.cat(answers))
    assert_same([a], [b])
    assert_same(gradients(a, [x, *mine.parameters()]), gradients(b, [x, *mine.parameters()]))
