"""What one hidden unit does: which letters excite it, and what the model is without it.

Units are the numbers that leave a tanh, a gate (tanh times sigmoid) or a Transformer's block, or that make up the
memory of a recurrent network. They are watched, and held, in a copy of the model whose modules pass their outputs
through a function of ours: whoever else uses the model notices nothing.

To switch a unit off is to hold it at its mean. At 0, what comes after it would also miss a constant that it has
learned to rely on; at the mean it misses only what the unit tells apart.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from wavenames.layers import GatedActivation, GRUCell, RNNCell, Tanh, TransformerBlock
from wavenames.models import Model
from wavenames.names import Packed

KINDS: dict[type[nn.Module], tuple[str, tuple[str, ...]]] = {
    Tanh: ("tanh", ("forward",)),
    GatedActivation: ("gate", ("forward",)),
    RNNCell: ("memory", ("forward", "turn")),
    GRUCell: ("memory", ("forward", "turn")),
    TransformerBlock: ("block", ("forward", "step")),
}
"""Modules whose outputs are units: what they are called, and the methods by which models call them."""
SAME = 1e-4
"""Activations that differ by less, after the same letter, are taken for one: the unit sees no further back."""


@dataclass(frozen=True)
class Layer:
    """Units that leave one module."""

    path: str
    """Of the module in the model, such as "blocks.2.activation"."""
    kind: str
    """A word of `KINDS`."""
    units: int


@dataclass(frozen=True)
class Context:
    """Letters that a unit has read, and what it says after the last of them."""

    letters: str
    """Of a name up to some place; "" before the first letter."""
    activation: float


@dataclass(frozen=True, eq=False)
class Means:
    """Mean activation of one unit after each letter at each place; nan where no name has it."""

    table: Tensor
    """(V, P) after letter v, of which p letters of the name had been read, itself included; '.' with p = 0 first."""
    counts: Tensor
    """(V, P) how often."""


def unit_layers(model: Model) -> tuple[Layer, ...]:
    """The layers of units in the order in which a letter passes them; none in a model that counts."""
    found: dict[str, Layer] = {}
    watched = copy.deepcopy(model).eval()
    for path, module in list(watched.named_modules()):
        if type(module) in KINDS:
            kind = KINDS[type(module)][0]

            def note(out: Tensor, path: str = path, kind: str = kind) -> Tensor:
                found[path] = Layer(path, kind, out.shape[-1])
                return out

            _through(module, note)
    with torch.no_grad():
        watched.step(torch.zeros(1, dtype=torch.long, device=watched.device), watched.start(1))
    return tuple(found.values())


@torch.no_grad()
def activations(model: Model, layer: Layer, names: Packed) -> Tensor:
    """(N, units) what each unit says at each place of `names`, having read the letters before it; on the CPU.

    Where a layer fuses letters at several places of a window, that is its node beside the place: the others said the
    same of earlier letters. Models with conditions are told nothing.
    """
    watched, said = copy.deepcopy(model).eval(), torch.empty(0)

    def note(out: Tensor) -> Tensor:
        nonlocal said
        said = out if out.dim() == 2 else out[:, -1]
        return out

    _through(watched.get_submodule(layer.path), note)
    table = torch.empty(names.targets_count, layer.units)
    rows = names.offsets[:-1].cpu()
    lengths = names.lengths
    state = watched.start(len(names))
    for place in range(int(lengths.max())):
        going = lengths > place
        if not going.all():
            rows, lengths = rows[going], lengths[going]
            state = tuple(part[going.to(part.device)] for part in state)
        _, state = watched.step(names.letters[(rows + place).to(names.device)], state)
        table[rows + place] = said.cpu()
    return table


def telling_contexts(values: Tensor, names: Packed, count: int, *, highest: bool = True) -> list[Context]:
    """The `count` contexts after which a unit says most, or least, in that order.

    `values` (N,) are its activations on `names`. Contexts that end alike and excite it alike count as one, the
    shortest of them, so that the list shows what the unit sees rather than one ending over and over.
    """
    found: list[Context] = []
    for row in torch.argsort(values, descending=highest, stable=True).tolist():
        letters = names.vocabulary.decode(names.letters[row - int(names.positions[row]) + 1 : row + 1].tolist())
        value = float(values[row])
        twin = next(
            (
                i
                for i, other in enumerate(found)
                if other.letters[-1:] == letters[-1:] and abs(other.activation - value) < SAME
            ),
            None,
        )
        if twin is None and len(found) == count:
            break
        if twin is None:
            found.append(Context(letters, value))
        elif len(letters) < len(found[twin].letters):
            found[twin] = Context(letters, value)
    return found


def means(values: Tensor, names: Packed) -> Means:
    """Mean of one unit's activations (N,) on `names` by the letter just read and by its place."""
    size, places = names.vocabulary.size, int(names.positions.max()) + 1
    cells = (names.letters * places + names.positions).cpu()
    counts = torch.bincount(cells, minlength=size * places)
    sums = torch.bincount(cells, weights=values.double(), minlength=size * places)
    return Means((sums / counts).view(size, places), counts.view(size, places))


class Switched:
    """A copy of a model in which one unit of a layer can be held at a value, or let go again."""

    def __init__(self, model: Model, layer: Layer) -> None:
        self.model = copy.deepcopy(model).eval()
        self.held: tuple[int, float] | None = None
        """The unit, and where it is held."""
        _through(self.model.get_submodule(layer.path), self._hold)

    def _hold(self, out: Tensor) -> Tensor:
        if self.held is None:
            return out
        unit, value = self.held
        return out.index_fill(-1, torch.tensor([unit], device=out.device), value)


def _through(module: nn.Module, change: Callable[[Tensor], Tensor]) -> None:
    """Let what leaves this very module, by whichever of its methods, pass through `change` first."""
    for name in KINDS[type(module)][1]:
        setattr(module, name, _changed(getattr(module, name), change))


def _changed(method: Callable[..., Any], change: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        out = method(*args)
        return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

    return call
