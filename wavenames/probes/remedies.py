"""What to change about a run that is not well: one setting, at a value that a link to the Train page takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wavenames.config import RunConfig, field_label, limits, starting_recipe

PATIENCE = 5


@dataclass(frozen=True)
class Change:
    """One setting of the Train page: its field and its new value, as `RunConfig.from_flat` takes them."""

    field: str
    value: str

    @property
    def words(self) -> str:
        """As a button says it: Learning rate to 0.01."""
        return f"{field_label(self.field)} to {self.value}"


def _usual_rate(run: RunConfig) -> float:
    return starting_recipe(run.preset, run.recipe.recipe).learning_rate


def slower(run: RunConfig) -> Change:
    """The learning rate that the preset starts with, or a tenth of one that is no higher."""
    rate, usual = run.recipe.learning_rate, _usual_rate(run)
    return Change("learning_rate", f"{usual if rate > usual else rate / 10:g}")


def faster(run: RunConfig) -> Change:
    """The learning rate that the preset starts with, or ten times one that is no lower."""
    rate, usual = run.recipe.learning_rate, _usual_rate(run)
    return Change("learning_rate", f"{usual if rate < usual else rate * 10:g}")


def calmer(run: RunConfig) -> Change:
    """Start weights of the usual size; a norm, which makes their size irrelevant; or other dice."""
    if getattr(run.model, "init", "scaled") != "scaled":
        return Change("init", "scaled")
    return normed(run) or Change("seed", str(run.seed + 1))


def normed(run: RunConfig) -> Change | None:
    """A norm, for a model that could have one and has none."""
    if getattr(run.model, "norm", "") != "none":
        return None
    return Change("norm", "layer" if run.model.family == "dilated" else "batch")


def shallower(run: RunConfig) -> Change:
    """A norm, which keeps gradients alike at all depths; fewer layers; or smaller steps."""
    layers = getattr(run.model, "layers", 1)
    return normed(run) or (Change("layers", str(layers // 2)) if layers > 1 else slower(run))


def humbler(run: RunConfig) -> Change:
    """More dropout; an end when validation no longer improves; or an earlier end."""
    model: Any = run.model
    if hasattr(model, "dropout"):
        return Change("dropout", f"{min(model.dropout + 0.1, limits(type(model), 'dropout')[1]):.2g}")
    if run.recipe.patience is None:
        return Change("patience", str(PATIENCE))
    return Change("steps", str(max(1, run.recipe.steps // 2)))
