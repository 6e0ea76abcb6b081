"""Every choice a person can make, as frozen, validated models. Bounds live here and nowhere else.

A run is described by a `RunConfig`: which model, which recipe of training, which data, which seed. Its flat form
(`RunConfig.flat`, `RunConfig.from_flat`) is what links, widgets and the command line share: the preset's name and
the fields that differ from it.
"""

from __future__ import annotations

import difflib
import types
import typing
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)


class Refusal(ValueError):
    """Something a person asked for cannot be done; its one sentence says what came and what is allowed."""


class Settings(BaseModel):
    """Base of all configurations: frozen, no unknown fields, no infinities, defaults checked as well."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Build from values that came from a person.

        Raises:
            Refusal: one sentence naming the first bad field, the value that came and what is allowed.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise Refusal(_sentence(cls, error)) from None

    def changed(self, **values: Any) -> Self:
        """A copy with some fields replaced, checked again (pydantic's own model_copy does not check)."""
        return self.checked(**{**self.model_dump(), **values})


def limits(cls: type[Settings], name: str) -> tuple[float | None, float | None]:
    """Lowest and highest allowed value of a number field; None where there is no bound."""
    low = high = None
    for item in _constraints(cls, name):
        low = getattr(item, "ge", low)
        high = getattr(item, "le", high)
    return low, high


def choices(cls: type[Settings], name: str) -> tuple[str, ...]:
    """The allowed words of a field that is a choice; empty for any other field."""
    annotation = cls.model_fields[name].annotation
    return typing.get_args(annotation) if typing.get_origin(annotation) is Literal else ()


def help_line(cls: type[Settings], name: str) -> str:
    """The one-line explanation of a field."""
    return cls.model_fields[name].description or ""


LABELS: dict[str, str] = {
    "preset": "Model",
    "n": "Names wanted",
    "top_k": "Top-k",
    "top_p": "Top-p",
    "min_p": "Min-p",
    "first_conv": "First convolution",
    "clip": "Gradient clip",
    "seconds": "Time limit in seconds",
    "target": "Target validation loss",
    "norm": "Normalisation",
    "conditions": "Told of each name",
    "label_dropout": "Labels hidden",
    "norm_bias": "Bias before the norm",
    "init": "Initial weights",
    "no_training_names": "Not in train",
}
"""Names of fields that are not what people read."""


def field_label(name: str) -> str:
    """A field's name as people read it, on controls and in sentences: "learning_rate" -> "Learning rate"."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _constraints(cls: type[Settings], name: str) -> list[Any]:
    """A field's bounds, also where it may be None (pydantic then keeps them inside the union)."""
    field = cls.model_fields[name]
    found = list(field.metadata)
    if typing.get_origin(field.annotation) in (typing.Union, types.UnionType):
        for part in typing.get_args(field.annotation):
            for item in getattr(part, "__metadata__", ()):
                found += getattr(item, "metadata", [item])
    return found


def _allowed(cls: type[Settings], name: str) -> str:
    words = choices(cls, name)
    if words:
        return "one of " + ", ".join(words)
    annotation = str(cls.model_fields[name].annotation)
    if "tuple" in annotation:
        return "1 to 10 whole numbers from 1 to 32, such as 1,2,4,8"
    if "str" in annotation:
        longest = next((item.max_length for item in _constraints(cls, name) if hasattr(item, "max_length")), None)
        return f"at most {longest} characters" if longest else "lower-case letters, digits and hyphens"
    if "bool" in annotation:
        return "true or false"
    low, high = limits(cls, name)
    kind = "a whole number" if "int" in annotation else "a number"
    if low is not None and high is not None:
        return f"{kind} from {low:,} to {high:,}"
    return f"{kind} of at least {low:,}" if low is not None else kind


def shortened(value: object, longest: int = 40) -> str:
    """What came, shortened, with nothing in it that breaks a line or that a terminal would obey."""
    text = str(value)
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shown(value: object, longest: int = 40) -> str:
    """What came, for a sentence: `shortened`, and kept apart where it runs from right to left.

    Without the isolates (https://www.unicode.org/reports/tr9/) it would pull quotes and commas around it to its side.
    """
    text = shortened(value, longest)
    return f"\u2068{text}\u2069" if any(unicodedata.bidirectional(c) in ("R", "AL") for c in text) else text


def shown_path(path: object) -> str:
    """A file's name for a sentence, as `shown`, and whole if it is not very long."""
    return shown(path, longest=160)


def signed(number: float, digits: int = 3) -> str:
    """A number for a sentence, with a true minus, as in the text around it; no minus before a zero."""
    zero = f"{0:.{digits}f}"
    return f"{number:.{digits}f}".replace(f"-{zero}", zero).replace("-", "−")


def power_of_ten(exponent: float) -> str:
    """A number too large to be written out, for a sentence: "10²⁷"."""
    return "10" + f"{exponent:.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _sentence(cls: type[Settings], error: ValidationError) -> str:
    first = error.errors()[0]
    name = next((str(part) for part in first["loc"] if str(part) in cls.model_fields), "")
    given = first["input"]
    came = shown(",".join(map(str, given)) if isinstance(given, tuple) else given)
    if first["type"] == "extra_forbidden":
        unknown = str(first["loc"][-1])
        return f"There is no setting called '{shown(unknown)}'; {_near(unknown, list(cls.model_fields))}."
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    if first["type"] == "missing":
        return f"{field_label(str(first['loc'][-1]))} is missing."
    return f"{field_label(name)} is {came or 'empty'}; allowed is {_allowed(cls, name)}."


def _near(unknown: str, known: Sequence[str]) -> str:
    """What may have been meant by a name that is none: the nearest that is, or how many there are."""
    near = difflib.get_close_matches(unknown[:40], known, n=1, cutoff=0.75)
    if near:
        return f"the nearest is '{near[0]}'"
    return f"there are {len(known)}, '{known[0]}' and '{known[1]}' among them"


# ---------------------------------------------------------------------------------- models


def _numbers(value: Any) -> Any:
    """Accept "1,2,4,8" where a list of numbers is wanted: links and the command line carry text."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Dilations = Annotated[
    tuple[Annotated[int, Field(ge=1, le=32)], ...],
    Field(min_length=1, max_length=10, description="How far back each layer reaches, bottom layer first."),
    BeforeValidator(_numbers),
    PlainSerializer(list, return_type=list[int]),
]
Embedding = Annotated[int, Field(ge=1, le=128, description="Numbers that describe each letter.")]
Hidden = Annotated[int, Field(ge=1, le=512, description="Units in each hidden layer.")]
Dropout = Annotated[float, Field(ge=0, le=0.8, description="Share of units switched off at random in training.")]

Sex = Literal["any", "F", "M"]
Decade = Literal[
    "any", "1880", "1890", "1900", "1910", "1920", "1930", "1940", "1950", "1960", "1970", "1980", "1990", "2000",
    "2010", "2020", "2024",
]  # fmt: skip
CONDITIONS: dict[str, tuple[str, ...]] = {"sex": typing.get_args(Sex)[1:], "decade": typing.get_args(Decade)[1:]}
"""What a model can be told of a name beside its letters: each kind of label, and its classes."""
YEARS = (1880, 2029)
"""First and last year of birth that a list from outside may tell."""
LABEL_CELLS: dict[str, dict[str, str]] = {
    "sex": {"f": "F", "female": "F", "girl": "F", "m": "M", "male": "M", "boy": "M"},
    "decade": {
        cell: max(begun for begun in CONDITIONS["decade"] if int(begun) <= year)
        for year in range(YEARS[0], YEARS[1] + 1)
        for cell in (f"{year}", f"{year}.0", *([f"{year}s"] if year % 10 == 0 else []))
    },
}
"""What a cell of a list from outside may say, in small letters, and the class that it stands for: of a year, the last
class that has begun by then, so that 1923 goes to 1920, and 2024, a class of its own, to 2024. A column of years of
which some are not known is written by many programs as 1923.0."""
CELLS_ALLOWED = {
    "sex": "F or M, female or male, girl or boy",
    "decade": f"a year from {YEARS[0]} to {YEARS[1]}, or a decade such as 1920s",
}
"""The same in words."""
Conditions = Annotated[
    Literal["none", "sex", "decade", "sex+decade"],
    Field(description="What the model is told of each name beside its letters; the list has to know it."),
]


def conditions_of(config: Settings) -> tuple[str, ...]:
    """The kinds of label that a model with this configuration is told, in the order of `CONDITIONS`."""
    word = getattr(config, "conditions", "none")
    return () if word == "none" else tuple(word.split("+"))


class BigramConfig(Settings):
    """Counts of letter pairs: the next letter depends on the last one alone."""

    family: Literal["bigram"] = "bigram"
    smoothing: float = Field(1.0, ge=0.001, le=100, description="Added to each count, so no pair is impossible.")


class KneserNeyConfig(Settings):
    """Counts of runs of letters, the long ones leaning on the short ones where little was seen.

    Interpolated modified Kneser-Ney: Chen and Goodman 1999, https://doi.org/10.1006/csla.1999.0128
    """

    family: Literal["kneser-ney"] = "kneser-ney"
    order: int = Field(
        5, ge=2, le=6, description="Letters in the longest run that is counted, the next one included."
    )


class MLPConfig(Settings):
    """The last `block_size` letters, embedded, laid side by side and squeezed through hidden layers.

    Bengio et al. 2003, https://www.jmlr.org/papers/v3/bengio03a.html
    """

    family: Literal["mlp"] = "mlp"
    block_size: int = Field(3, ge=1, le=16, description="Letters that the model sees before the one it predicts.")
    embedding: Embedding = 10
    hidden: Hidden = 200
    layers: int = Field(1, ge=1, le=8, description="Hidden layers, each as wide as the one before.")
    norm: Literal["none", "batch", "layer"] = Field(
        "none", description="What is normalised after each Linear; batch learns better from windows than from names."
    )
    norm_bias: bool = Field(False, description="Keep the Linear's bias though a norm follows (the notebook does).")
    init: Literal["scaled", "normal"] = Field(
        "scaled",
        description="Start weights of hidden layers: scaled to their width, or plain normal as in the notebook.",
    )
    conditions: Conditions = "none"


class TreeConfig(Settings):
    """Pairs of letters fused, then pairs of pairs: FlattenConsecutive(2) once a level.

    makemore lecture 5, https://youtu.be/t3YJ5hKiMQ0
    """

    family: Literal["tree"] = "tree"
    levels: int = Field(3, ge=1, le=4, description="Levels of the tree; each doubles the letters it sees.")
    embedding: Embedding = 24
    hidden: Hidden = 128
    norm: Literal["none", "batch", "layer"] = Field(
        "batch", description="What is normalised after each fusion; batch learns better from windows than from names."
    )
    conditions: Conditions = "none"


class DilatedConfig(Settings):
    """The tree as a causal stack: each layer joins two positions 1, 2, 4 ... apart, at every position at once."""

    family: Literal["dilated"] = "dilated"
    dilations: Dilations = (1, 2, 4)
    embedding: Embedding = 24
    hidden: Hidden = 128
    norm: Literal["none", "layer"] = Field(
        "layer", description="Normalised at each position alone; a norm over positions would see the future."
    )


class WaveNetConfig(Settings):
    """Gated, dilated, causal convolutions with residual and skip connections.

    van den Oord et al. 2016, https://arxiv.org/abs/1609.03499
    """

    family: Literal["wavenet"] = "wavenet"
    residual: int = Field(32, ge=1, le=256, description="Channels that run from layer to layer.")
    gate: int = Field(32, ge=1, le=256, description="Channels of the filter, and of its gate, in each layer.")
    skip: int = Field(64, ge=1, le=512, description="Channels that each layer hands straight to the output.")
    dilations: Dilations = (1, 2, 4, 8)
    first_conv: int = Field(2, ge=1, le=4, description="Width of the first causal convolution; 1 leaves it out.")
    dropout: Dropout = 0.0
    gated: bool = Field(True, description="Each filter opened or shut by a gate, as in the paper, or tanh alone.")
    conditions: Conditions = "none"


class RecurrentConfig(Settings):
    """One memory that each letter changes: a plain recurrent network, or one whose gates choose what to keep.

    Sizes and equations as in makemore, https://github.com/karpathy/makemore
    """

    family: Literal["recurrent"] = "recurrent"
    cell: Literal["rnn", "gru"] = Field("rnn", description="How a letter changes the memory: at once, or gated.")
    embedding: Embedding = 64
    hidden: Hidden = 64
    dropout: Dropout = 0.0
    conditions: Conditions = "none"


class TransformerConfig(Settings):
    """Each letter asks the letters before it what matters: causal self-attention, heads side by side.

    Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; as in GPT-2 and makemore.
    """

    family: Literal["transformer"] = "transformer"
    block_size: int = Field(16, ge=1, le=16, description="Letters that each layer looks back on, the last included.")
    layers: int = Field(4, ge=1, le=8, description="Layers, one on the other.")
    heads: int = Field(4, ge=1, le=8, description="Questions that a letter asks at once in each layer.")
    head_size: int = Field(16, ge=1, le=32, description="Numbers in each question; times heads, the width.")
    conditions: Conditions = "none"


_AnyModel = (
    BigramConfig
    | KneserNeyConfig
    | MLPConfig
    | TreeConfig
    | DilatedConfig
    | WaveNetConfig
    | RecurrentConfig
    | TransformerConfig
)
ModelConfig = Annotated[_AnyModel, Field(discriminator="family")]
MODEL_CONFIGS: dict[str, type[Settings]] = {
    cls.model_fields["family"].default: cls for cls in typing.get_args(_AnyModel)
}
COUNTED = ("bigram", "kneser-ney")
"""Families that are counted, by the recipe `count`, where all others are trained."""


# ---------------------------------------------------------------------------------- recipes


class RecipeConfig(Settings):
    """How a model is trained: what a batch is, the optimiser, the learning rate over time, when to stop."""

    recipe: Literal["count", "notebook", "lecture", "modern", "quick"] = "modern"
    batching: Literal["passes", "windows", "names"] = Field(
        "names", description="A batch: targets in order, targets at random, or whole names at random."
    )
    batch_size: int = Field(256, ge=1, le=2048, description="Targets, or whole names, in one step.")
    optimiser: Literal["none", "sgd", "adamw", "muon"] = Field(
        "adamw", description="How gradients move the weights; muon makes each matrix's step orthogonal."
    )
    learning_rate: float = Field(0.01, ge=0, le=1000, description="How far one step moves the weights.")
    schedule: Literal["constant", "decay", "drop", "warmup"] = Field(
        "warmup",
        description="Learning rate over time: constant; ×0.95 every 200 passes; ×0.1 for the last quarter; "
        "up in the first tenth, then down to zero along a cosine.",
    )
    weight_decay: float = Field(0.1, ge=0, le=10, description="Pull of the weights towards zero (AdamW, Muon).")
    clip: float = Field(0.0, ge=0, le=100, description="Longest gradient allowed; 0 lets any length through.")
    steps: int = Field(2000, ge=1, le=1_000_000, description="Steps after which the run ends.")
    seconds: Annotated[float, Field(ge=1, le=86_400)] | None = Field(
        None, description="Seconds of training after which the run ends, if the steps are not done before."
    )
    target: Annotated[float, Field(ge=0, le=10)] | None = Field(
        None, description="Validation loss, nats per letter, at which the run ends."
    )
    patience: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="Evaluations without a better validation loss after which the run ends."
    )
    evaluate_every: int = Field(100, ge=1, le=100_000, description="Steps between two validations.")
    label_dropout: float = Field(
        0.1, ge=0, le=0.9,
        description="Share of names whose labels are hidden in a step, so that a model with conditions learns to do "
        "without; 0: it must always be told.",
    )  # fmt: skip


RECIPES: dict[str, RecipeConfig] = {
    "count": RecipeConfig(
        recipe="count", batching="passes", optimiser="none", schedule="constant", learning_rate=0, weight_decay=0,
        steps=1, evaluate_every=1,
    ),
    "notebook": RecipeConfig(
        recipe="notebook", batching="passes", batch_size=512, optimiser="sgd", learning_rate=0.01,
        schedule="decay", weight_decay=0, steps=35_700, evaluate_every=1785,
    ),
    "lecture": RecipeConfig(
        recipe="lecture", batching="windows", batch_size=32, optimiser="sgd", learning_rate=0.1,
        schedule="drop", weight_decay=0, steps=200_000, evaluate_every=5000,
    ),
    "modern": RecipeConfig(recipe="modern"),
    "quick": RecipeConfig(recipe="quick", optimiser="muon", learning_rate=0.02, steps=500, evaluate_every=50),
}  # fmt: skip


# ---------------------------------------------------------------------------------- presets


class Preset(Settings):
    """A model of the zoo by name: its sizes, the recipe that it starts with, and what it is in one line."""

    model: ModelConfig
    recipe: str
    tuned: dict[str, Any] = Field({}, description="Settings of the recipe that suit the model better.")
    description: str


_WINDOWS = {"batching": "windows", "batch_size": 1792}
"""As many targets as there are in 256 names, drawn one by one: what BatchNorm is made for."""

PRESETS: dict[str, Preset] = {
    "quick": Preset(
        model=RecurrentConfig(cell="gru", hidden=128), recipe="quick",
        description="For the impatient: a gated memory of 128 numbers that writes good names after some ten seconds.",
    ),
    "bigram": Preset(
        model=BigramConfig(), recipe="count",
        description="Counts which letter follows which. No training, the floor to beat.",
    ),
    "kn-5": Preset(
        model=KneserNeyConfig(), recipe="count",
        description="Counts runs of up to five letters, smoothed well: the best of such counts.",
    ),
    "mlp-v1": Preset(
        model=MLPConfig(block_size=8, embedding=2, hidden=8, layers=2, init="normal"), recipe="modern",
        tuned={"optimiser": "muon"},
        description="The notebook's first network: two numbers a letter, two layers of eight units.",
    ),
    "mlp-v2": Preset(
        model=MLPConfig(block_size=8, embedding=2, hidden=8, layers=2, norm="layer", norm_bias=True, init="normal"),
        recipe="modern", tuned={"optimiser": "muon"},
        description="The notebook's second network: the same with LayerNorm.",
    ),
    "baseline": Preset(
        model=MLPConfig(block_size=8, embedding=10, hidden=100, layers=6, norm="batch", norm_bias=True),
        recipe="modern", tuned={"optimiser": "muon", **_WINDOWS},
        description="The notebook's baseline: six layers, each with BatchNorm and tanh.",
    ),
    "mlp-3": Preset(
        model=MLPConfig(), recipe="modern", tuned={"optimiser": "muon"},
        description="Three letters, one layer of 200 units: the classic neural language model.",
    ),
    "mlp-3-bn": Preset(
        model=MLPConfig(norm="batch"), recipe="modern", tuned={"optimiser": "muon", **_WINDOWS},
        description="The same with BatchNorm.",
    ),
    "mlp-8": Preset(
        model=MLPConfig(block_size=8), recipe="modern", tuned={"optimiser": "muon"},
        description="Eight letters squeezed at once through one layer.",
    ),
    "mlp-8-bn": Preset(
        model=MLPConfig(block_size=8, norm="batch"), recipe="modern", tuned={"optimiser": "muon", **_WINDOWS},
        description="Eight letters squeezed at once, with BatchNorm.",
    ),
    "mlp-8-76k": Preset(
        model=MLPConfig(block_size=8, embedding=24, hidden=343, norm="batch"), recipe="modern",
        tuned=_WINDOWS,
        description="The same with as many parameters as tree-76k, for a fair comparison.",
    ),
    "tree-22k": Preset(
        model=TreeConfig(embedding=10, hidden=68), recipe="modern", tuned={"optimiser": "muon", **_WINDOWS},
        description="Eight letters fused pair by pair, as many parameters as mlp-8-bn.",
    ),
    "tree-76k": Preset(
        model=TreeConfig(), recipe="modern", tuned=_WINDOWS,
        description="The lecture's best: a wider tree over eight letters.",
    ),
    "dilated-76k": Preset(
        model=DilatedConfig(), recipe="modern",
        description="The tree as a causal stack: same weights, every position at once.",
    ),
    "wavenet-s": Preset(
        model=WaveNetConfig(dropout=0.05), recipe="modern", tuned={"optimiser": "muon"},
        description="A small WaveNet: gates, residual and skip connections.",
    ),
    "wavenet-m": Preset(
        model=WaveNetConfig(residual=48, gate=48, skip=96, first_conv=1, dropout=0.1), recipe="modern",
        tuned={"optimiser": "muon", "steps": 5000},
        description="A WaveNet with the tree's number of parameters.",
    ),
    "wavenet-m-sex": Preset(
        model=WaveNetConfig(residual=48, gate=48, skip=96, first_conv=1, dropout=0.1, conditions="sex"),
        recipe="modern", tuned={"optimiser": "muon", "steps": 5000},
        description="The same, told whose name it is: it writes girls' names, boys' names, or either.",
    ),
    "wavenet-m-tanh": Preset(
        model=WaveNetConfig(residual=48, gate=68, gated=False, skip=96, first_conv=1, dropout=0.1), recipe="modern",
        tuned={"optimiser": "muon", "steps": 5000},
        description="wavenet-m without gates, as many parameters: it shows what they are worth.",
    ),
    "wavenet-l": Preset(
        model=WaveNetConfig(residual=64, gate=64, skip=128, dropout=0.2), recipe="modern",
        tuned={"optimiser": "muon", "steps": 3000},
        description="A wider WaveNet: better names, twice the time.",
    ),
    "rnn": Preset(
        model=RecurrentConfig(), recipe="modern", tuned={"optimiser": "muon"},
        description="One memory of 64 numbers, rewritten at each letter.",
    ),
    "gru": Preset(
        model=RecurrentConfig(cell="gru"), recipe="modern", tuned={"optimiser": "muon"},
        description="The same with gates that choose what to keep and what to rewrite.",
    ),
    "gru-128": Preset(
        model=RecurrentConfig(cell="gru", hidden=128, dropout=0.2), recipe="modern",
        tuned={"optimiser": "muon", "steps": 3000},
        description="A gated memory of 128 numbers, as many parameters as wavenet-m.",
    ),
    "gru-384": Preset(
        model=RecurrentConfig(cell="gru", hidden=384, dropout=0.4), recipe="modern",
        tuned={"learning_rate": 0.004, "steps": 7000},
        description="The best model here: a wide gated memory, much dropout, a long training.",
    ),
    "gru-384-sex": Preset(
        model=RecurrentConfig(cell="gru", hidden=384, dropout=0.4, conditions="sex"), recipe="modern",
        tuned={"learning_rate": 0.004, "steps": 7000},
        description="The best model here, told whose name it is.",
    ),
    "transformer": Preset(
        model=TransformerConfig(), recipe="modern", tuned={"optimiser": "muon", "steps": 1000},
        description="Four layers of attention: each letter looks back at all before it.",
    ),
}  # fmt: skip


def starting_recipe(preset: str, recipe: str) -> RecipeConfig:
    """A recipe by name, as it is for a preset: tuned, if it is the one that the preset starts with."""
    suits = PRESETS[preset].recipe == recipe
    return RECIPES[recipe].changed(**PRESETS[preset].tuned) if suits else RECIPES[recipe]


# ---------------------------------------------------------------------------------- runs

Seed = Annotated[int, Field(ge=0, le=2**32 - 1, description="Same seed, same run.")]


class DataConfig(Settings):
    """Which names, and how they are divided into train, validation and test."""

    names: str = Field(
        "ssa-2018",
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}$",
        description="The name list that the run learns from.",
    )
    split: Literal["lecture", "unique"] = Field(
        "lecture",
        description="Shuffle rows as they are (twins leak into validation), or drop duplicates first.",
    )
    split_seed: int = Field(42, ge=0, le=2**32 - 1, description="Seed of the shuffle before the split.")


class RunConfig(Settings):
    """All that decides a run's numbers."""

    preset: str = "wavenet-m"
    model: ModelConfig = PRESETS["wavenet-m"].model
    recipe: RecipeConfig = RECIPES["modern"]
    data: DataConfig = DataConfig()
    seed: Seed = 1

    PARTS: ClassVar[tuple[str, ...]] = ("model", "recipe", "data")

    @model_validator(mode="after")
    def _preset_goes_with_family(self) -> Self:
        fitting = [name for name, preset in PRESETS.items() if preset.model.family == self.model.family]
        if self.preset not in fitting:
            raise ValueError(f"Preset is '{shown(self.preset)}'; allowed with a {self.model.family} model is one of "
                             f"{', '.join(fitting)}.")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _counting_goes_with_counts(self) -> Self:
        if (self.model.family in COUNTED) != (self.recipe.recipe == "count"):
            raise ValueError(
                f"Recipe is {self.recipe.recipe}; {' and '.join(COUNTED)} models are counted (recipe count), all "
                "others are trained (recipe notebook, lecture, modern or quick)."
            )
        if (self.recipe.optimiser == "none") != (self.recipe.recipe == "count"):
            raise ValueError(f"Optimiser is {self.recipe.optimiser}; allowed with recipe {self.recipe.recipe} is "
                             f"{'none' if self.recipe.recipe == 'count' else 'sgd, adamw or muon'}.")  # fmt: skip
        return self

    def flat(self) -> dict[str, str]:
        """The run as words: the preset, and each field that differs from what the preset alone would give."""
        usual = self.from_flat({"preset": self.preset, "recipe": self.recipe.recipe})
        words = {"preset": self.preset}
        if self.recipe.recipe != PRESETS[self.preset].recipe:
            words["recipe"] = self.recipe.recipe
        for part in self.PARTS:
            mine, theirs = getattr(self, part), getattr(usual, part)
            for name in type(mine).model_fields:
                value = getattr(mine, name)
                if value != getattr(theirs, name):
                    words[name] = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if self.seed != usual.seed:
            words["seed"] = str(self.seed)
        return words

    @classmethod
    def from_flat(cls, words: Mapping[str, Any]) -> RunConfig:
        """The way back from `flat`.

        Raises:
            Refusal: an unknown preset, an unknown field, or a value out of bounds.
        """
        rest = dict(words)
        preset_name = str(rest.pop("preset", cls.model_fields["preset"].default))
        preset = PRESETS.get(preset_name)
        if preset is None:
            raise Refusal(f"Model is '{shown(preset_name)}'; allowed is one of {', '.join(PRESETS)}.")
        recipe_name = str(rest.pop("recipe", preset.recipe))
        if recipe_name not in RECIPES:
            raise Refusal(f"Recipe is '{shown(recipe_name)}'; allowed is one of {', '.join(RECIPES)}.")
        recipe = starting_recipe(preset_name, recipe_name)
        seed = rest.pop("seed", cls.model_fields["seed"].default)
        parts: dict[str, Settings] = {"model": preset.model, "recipe": recipe, "data": DataConfig()}
        for part, settings in parts.items():
            mine = {name: rest.pop(name) for name in list(rest) if name in flat_fields(type(settings))}
            parts[part] = settings.changed(**{k: None if v == "None" else v for k, v in mine.items()})
        if rest:
            unknown = str(next(iter(rest)))
            known = [*(name for part in parts.values() for name in flat_fields(type(part))), "seed"]
            raise Refusal(f"{preset_name} has no setting called '{shown(unknown)}'; {_near(unknown, known)}.")
        return cls.checked(preset=preset_name, seed=seed, **parts)


def flat_fields(cls: type[Settings]) -> tuple[str, ...]:
    """The fields of a part that a person may set; the choice of preset and recipe sets `family` and `recipe`."""
    return tuple(name for name in cls.model_fields if name not in ("family", "recipe"))


# ---------------------------------------------------------------------------------- sampling


class SamplingConfig(Settings):
    """What to draw from a trained model. Lengths and the prefix are guarantees, not wishes."""

    n: int = Field(20, ge=1, le=20_000, description="Names wanted.")
    temperature: float = Field(
        1.0,
        ge=0,
        le=5,
        description="Below 1 plays safe, above 1 takes risks, 0 always takes the likeliest letter.",
    )
    top_k: int = Field(0, ge=0, le=1000, description="Choose among the k likeliest letters only; 0 for all.")
    top_p: float = Field(1.0, ge=0.01, le=1, description="Choose among the likeliest letters that sum to this share.")
    min_p: float = Field(0.0, ge=0, le=0.99, description="Drop letters less likely than this share of the likeliest.")
    prefix: str = Field("", max_length=30, description="What each name begins with.")
    pattern: str = Field(
        "", max_length=60, description="Shape of the names: ? one letter, * any, as in *son or a??a."
    )
    sex: Sex = Field("any", description="Whose names, F or M; for models that were told.")
    decade: Decade = Field("any", description="Names of the births of which year; for models that were told.")
    shortest: int = Field(1, ge=1, le=60, description="Fewest letters.")
    longest: int = Field(30, ge=1, le=60, description="Most letters.")
    unique: bool = Field(False, description="Give no name twice.")
    no_training_names: bool = Field(False, description="Give no name that the model was trained on.")
    seed: Seed = 1
    tries: int = Field(200, ge=1, le=1000, description="Draws allowed for each name wanted, before giving up.")
    seconds: int = Field(30, ge=1, le=300, description="Seconds of drawing after which what was found is given.")

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if self.shortest > self.longest:
            raise ValueError(f"Shortest is {self.shortest}; allowed is at most longest, which is {self.longest}.")
        if len(self.prefix) > self.longest:
            raise ValueError(
                f"Prefix is '{shown(self.prefix)}' ({len(self.prefix)} letters); allowed is at most longest, "
                f"which is {self.longest}."
            )
        return self


# ---------------------------------------------------------------------------------- bounds


class ListLimits(Settings):
    """What a name list from outside may be."""

    max_bytes: int = 5_000_000
    max_rows: int = 200_000
    max_length: int = 60
    max_letters: int = 500


class ServerLimits(Settings):
    """What one server takes on."""

    max_active_runs: int = 64
    max_checkpoint_bytes: int = 64_000_000
    max_header_bytes: int = 1_000_000
    max_parameters: int = 5_000_000
    max_title: int = 80
    max_lists: int = 200
    max_list_bytes: int = 200_000_000
    max_draw_seconds: int = 30
    max_draws_at_once: int = 2


class ClaimLimits(Settings):
    """How much of a list the claims are measured on; a longer list is measured in part."""

    max_train_names: int = 30_000
    """That hidden beginnings are averaged over."""
    max_validation_names: int = 4000
    """On which losses are measured."""
    max_train_numbers: int = 10_000_000
    """Targets of these train names times letters of the list: the probabilities that are held in memory."""
    max_validation_numbers: int = 1_000_000
    """The same of the validation names, which are read anew for each number of letters visible."""
    max_visible: int = 24
    """Letters visible, before all are."""


LIST_LIMITS = ListLimits()
SERVER_LIMITS = ServerLimits()
CLAIM_LIMITS = ClaimLimits()


class PageSamplingConfig(SamplingConfig):
    """What a visitor may have drawn on a page: the same, in the time that one visitor may take from the others."""

    seconds: int = Field(
        SERVER_LIMITS.max_draw_seconds,
        ge=1,
        le=SERVER_LIMITS.max_draw_seconds,
        description=help_line(SamplingConfig, "seconds"),
    )
