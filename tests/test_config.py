"""Every choice a person can make: bounds that hold, sentences that help, and one flat form there and back."""

from __future__ import annotations

import json
import math
import typing
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from wavenames.config import (
    COUNTED,
    MODEL_CONFIGS,
    PRESETS,
    RECIPES,
    BigramConfig,
    DataConfig,
    DilatedConfig,
    MLPConfig,
    RecipeConfig,
    Refusal,
    RunConfig,
    SamplingConfig,
    Settings,
    TreeConfig,
    WaveNetConfig,
    choices,
    field_label,
    flat_fields,
    help_line,
    limits,
    power_of_ten,
    signed,
    starting_recipe,
)

CHOSEN: list[type[Settings]] = [*MODEL_CONFIGS.values(), RecipeConfig, DataConfig, SamplingConfig]
"""What widgets, links and the command line are made from."""
FIELDS = [(cls, name) for cls in CHOSEN for name in flat_fields(cls)] + [(RunConfig, "seed")]
every_field = pytest.mark.parametrize(("cls", "name"), FIELDS, ids=lambda x: x if isinstance(x, str) else x.__name__)


def kind(cls: type[Settings], name: str) -> type:
    """What a field holds: bool, int, float, str or tuple; of what may be None, the other."""
    annotation = cls.model_fields[name].annotation
    if choices(cls, name):
        return str
    parts = [part for part in typing.get_args(annotation) if part is not type(None)] or [annotation]
    if typing.get_origin(annotation) is tuple:
        return tuple
    found = typing.get_args(parts[0])[0] if typing.get_origin(parts[0]) is typing.Annotated else parts[0]
    assert isinstance(found, type)
    return found


NUMBERS = [(cls, name) for cls, name in FIELDS if kind(cls, name) in (int, float)]
every_number = pytest.mark.parametrize(
    ("cls", "name"), NUMBERS, ids=lambda x: x if isinstance(x, str) else x.__name__
)


# ------------------------------------------------------------------------------------------- what widgets need


@every_field
def test_every_field_says_what_it_is_in_one_line(cls: type[Settings], name: str) -> None:
    """A sentence, not too long for a tooltip, and a label that people read."""
    line = help_line(cls, name)
    assert line.endswith(".")
    assert 10 < len(line) < 180
    assert "\n" not in line
    assert field_label(name)[0].isupper()
    assert "_" not in field_label(name)


@every_number
def test_every_number_has_bounds_and_its_default_lies_within(cls: type[Settings], name: str) -> None:
    """Both of them, also where the number may be left out."""
    low, high = limits(cls, name)
    assert low is not None
    assert high is not None
    default = cls.model_fields[name].default
    assert low < high
    assert default is None or low <= default <= high


def test_choices_are_words_and_the_default_is_one_of_them() -> None:
    """And fields that are no choice have none."""
    words = {f"{cls.__name__}.{name}": choices(cls, name) for cls, name in FIELDS if choices(cls, name)}
    assert words["MLPConfig.norm"] == ("none", "batch", "layer")
    assert words["RecipeConfig.batching"] == ("passes", "windows", "names")
    assert words["DataConfig.split"] == ("lecture", "unique")
    assert choices(MLPConfig, "hidden") == ()
    for cls, name in FIELDS:
        if choices(cls, name):
            assert cls.model_fields[name].default in choices(cls, name)


def test_presets_are_runs_as_they_stand() -> None:
    """Each has a recipe of the table, a description, and a flat form that is its name."""
    for name, preset in PRESETS.items():
        run = RunConfig.from_flat({"preset": name})
        assert run.model == preset.model
        assert run.recipe == starting_recipe(run.preset, preset.recipe)
        assert run.flat() == {"preset": name}
        assert preset.description.endswith(".")
    assert [recipe.recipe for recipe in RECIPES.values()] == list(RECIPES)


def test_what_suits_a_preset_goes_with_the_recipe_that_it_starts_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another recipe is what it is everywhere, and a link back to the tuned one needs no words for it."""
    monkeypatch.setitem(PRESETS, "mlp-3", PRESETS["mlp-3"].changed(tuned={"steps": 1234}))
    assert RunConfig.from_flat({"preset": "mlp-3"}).recipe == RECIPES["modern"].changed(steps=1234)
    assert RunConfig.from_flat({"preset": "mlp-3", "recipe": "quick"}).recipe == RECIPES["quick"]
    assert RunConfig.from_flat({"preset": "mlp-3", "steps": 2000}).flat() == {"preset": "mlp-3", "steps": "2000"}


def test_the_recipes_are_the_notebooks_and_the_lectures() -> None:
    """What the published losses were trained with; beside them, ours."""
    notebook, lecture, modern = RECIPES["notebook"], RECIPES["lecture"], RECIPES["modern"]
    assert (notebook.batching, notebook.batch_size, notebook.optimiser, notebook.schedule) == (
        "passes", 512, "sgd", "decay",
    )  # fmt: skip
    assert (lecture.batching, lecture.batch_size, lecture.optimiser, lecture.schedule) == (
        "windows", 32, "sgd", "drop",
    )  # fmt: skip
    assert (modern.batching, modern.batch_size, modern.optimiser, modern.schedule) == (
        "names", 256, "adamw", "warmup",
    )  # fmt: skip
    assert (lecture.learning_rate, lecture.steps) == (0.1, 200_000)
    assert (notebook.weight_decay, lecture.weight_decay) == (0, 0)


# ------------------------------------------------------------------------------------------- there and back


def values(cls: type[Settings], name: str) -> st.SearchStrategy[Any]:
    """Allowed values of a field."""
    low, high = limits(cls, name)
    word = {
        bool: st.booleans(),
        int: st.integers(int(low or 0), int(high or 0)),
        float: st.floats(low, high),
        str: st.sampled_from(choices(cls, name) or ("ssa-2018", "upload-0123456789ab", "makemore")),
        tuple: st.lists(st.integers(1, 32), min_size=1, max_size=10).map(tuple),
    }[kind(cls, name)]
    return st.none() | word if cls.model_fields[name].default is None else word


@st.composite
def runs(draw: st.DrawFn) -> RunConfig:
    """Any run that a person can configure."""
    preset = draw(st.sampled_from(list(PRESETS)))
    counted = PRESETS[preset].model.family in COUNTED
    recipe = "count" if counted else draw(st.sampled_from([name for name in RECIPES if name != "count"]))
    words: dict[str, Any] = {"preset": preset, "recipe": recipe}
    for cls in (type(PRESETS[preset].model), RecipeConfig, DataConfig):
        for name in draw(st.lists(st.sampled_from(flat_fields(cls)), unique=True)):
            words[name] = draw(values(cls, name))
    if words.get("optimiser") is not None:
        words["optimiser"] = "none" if counted else draw(st.sampled_from(["sgd", "adamw", "muon"]))
    if draw(st.booleans()):
        words["seed"] = draw(values(RunConfig, "seed"))
    return RunConfig.from_flat(words)


@settings(deadline=None, max_examples=100)
@given(runs())
def test_every_run_goes_into_a_link_and_comes_back(run: RunConfig) -> None:
    """As words, through a URL and through JSON, to the last digit; the link holds only what differs."""
    words = run.flat()
    assert all(isinstance(value, str) for value in words.values())
    assert RunConfig.from_flat(words) == run
    assert RunConfig.from_flat(dict(parse_qsl(urlencode(words)))) == run
    assert RunConfig.model_validate(json.loads(json.dumps(run.model_dump(mode="json")))) == run
    for name in words.keys() - {"preset"}:
        assert RunConfig.from_flat({k: v for k, v in words.items() if k != name} | usual(words, name)) != run


def usual(words: dict[str, str], name: str) -> dict[str, str]:
    """Nothing, but where the recipe itself is left out: then what belonged to it may not fit, and goes too."""
    return {key: "sgd" for key in ("optimiser",) if name == "recipe" and words.get(key) == "none"}


def test_a_link_holds_only_what_differs() -> None:
    """Not even a value that was said but is the usual one."""
    words = {"preset": "mlp-3", "recipe": "notebook", "hidden": "200", "steps": "9", "norm_bias": "true", "seed": "1"}
    assert RunConfig.from_flat(words).flat() == {
        "preset": "mlp-3",
        "recipe": "notebook",
        "steps": "9",
        "norm_bias": "True",
    }
    dilated = {"preset": "wavenet-s", "dilations": "1, 2,4", "patience": "3", "seconds": "None"}
    assert RunConfig.from_flat(dilated).flat() == {"preset": "wavenet-s", "dilations": "1,2,4", "patience": "3"}


# ------------------------------------------------------------------------------------------------ refusals


def words_of(cls: type[Settings]) -> dict[str, Any]:
    """A run whose configuration has the fields of this class."""
    family = next((name for name, config in MODEL_CONFIGS.items() if config is cls), "wavenet")
    return {"preset": next(name for name, preset in PRESETS.items() if preset.model.family == family)}


def refused(cls: type[Settings], name: str, value: Any) -> str:
    """The sentence by which a value of a field is refused, the same for a link and for a widget."""
    with pytest.raises(Refusal) as direct:
        cls.checked(**{name: value})
    if cls is not SamplingConfig:
        with pytest.raises(Refusal) as linked:
            RunConfig.from_flat({**words_of(cls), name: value})
        assert str(linked.value) == str(direct.value)
    sentence = str(direct.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@every_number
def test_a_number_out_of_bounds_is_refused_by_name(cls: type[Settings], name: str) -> None:
    """The sentence names the field, what came, and what is allowed; so for what is no number at all."""
    low, high = limits(cls, name)
    assert low is not None
    assert high is not None
    allowed = f"allowed is a {'whole ' if kind(cls, name) is int else ''}number from {low:,} to {high:,}."
    for value in (low - 1, high + 1, str(high + 1), "many", "", math.nan, math.inf, "1e999", [1], "9" * 50):
        shown = str(value) or "empty"
        shown = shown if len(shown) <= 40 else shown[:39] + "…"
        assert refused(cls, name, value) == f"{field_label(name)} is {shown}; {allowed}"


@pytest.mark.parametrize(("cls", "name"), [(c, n) for c, n in FIELDS if choices(c, n)])
def test_a_word_that_is_no_choice_is_refused_with_the_choices(cls: type[Settings], name: str) -> None:
    """All of them, in their order."""
    expected = f"{field_label(name)} is nonsense; allowed is one of {', '.join(choices(cls, name))}."
    assert refused(cls, name, "nonsense") == expected


@pytest.mark.parametrize(
    ("cls", "name", "value", "sentence"),
    [
        (MLPConfig, "norm_bias", "perhaps", "Bias before the norm is perhaps; allowed is true or false."),
        (WaveNetConfig, "dilations", "", "Dilations is empty; allowed is 1 to 10 whole numbers from 1 to 32"),
        (DilatedConfig, "dilations", "1,0", "Dilations is 0; allowed is 1 to 10 whole numbers from 1 to 32"),
        (DilatedConfig, "dilations", "1,33", "Dilations is 33; allowed is"),
        (DilatedConfig, "dilations", "1;2", "Dilations is 1;2; allowed is"),
        (DilatedConfig, "dilations", "1," * 11, "Dilations is 1,1,1,1,1,1,1,1,1,1,1; allowed is"),
        (DilatedConfig, "dilations", 7, "Dilations is 7; allowed is"),
        (DataConfig, "names", "../etc", "Names is ../etc; allowed is lower-case letters, digits and hyphens."),
        (DataConfig, "names", "a\nb\x1b", "Names is a\\nb\\x1b; allowed is lower-case letters"),
        (DataConfig, "names", "", "Names is empty; allowed is lower-case letters"),
        (SamplingConfig, "prefix", "x" * 31, "Prefix is " + "x" * 31 + "; allowed is at most 30 characters."),
        (SamplingConfig, "pattern", "?" * 61, "Pattern is " + "?" * 39 + "…; allowed is at most 60 characters."),
        (SamplingConfig, "unique", "2", "Unique is 2; allowed is true or false."),
    ],
)  # fmt: skip
def test_other_values_are_refused_in_words(cls: type[Settings], name: str, value: Any, sentence: str) -> None:
    """Lists, words of a certain shape, yes or no."""
    assert refused(cls, name, value).startswith(sentence)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"preset": "gpt-5"}, "Model is 'gpt-5'; allowed is one of quick, bigram, kn-5, "),
        ({"recipe": "mine"}, "Recipe is 'mine'; allowed is one of count, notebook, lecture, modern, quick."),
        (
            {"preset": "mlp-3", "dilations": "1,2"},
            "mlp-3 has no setting called 'dilations'; there are 25, ",
        ),
        (
            {"family": "mlp"},
            "wavenet-m has no setting called 'family'; there are 25, 'residual' and 'gate' among ",
        ),
        ({"__class__": "evil"}, "wavenet-m has no setting called '__class__'; there are 25, "),
        ({"x" * 100: "1"}, f"wavenet-m has no setting called '{'x' * 39}…'; there are 25, "),
        ({"learningrate": "1"}, "wavenet-m has no setting called 'learningrate'; the nearest is 'learning_rate'."),
        (
            {"preset": "bigram", "recipe": "modern"},
            "Recipe is modern; bigram and kneser-ney models are counted (recipe ",
        ),
        ({"preset": "kn-5", "recipe": "lecture"}, "Recipe is lecture; bigram and kneser-ney models are counted"),
        ({"recipe": "count"}, "Recipe is count; bigram and kneser-ney models are counted (recipe count), all others"),
        ({"optimiser": "none"}, "Optimiser is none; allowed with recipe modern is sgd, adamw or muon."),
        ({"preset": "bigram", "optimiser": "sgd"}, "Optimiser is sgd; allowed with recipe count is none."),
        ({"seed": "-1"}, "Seed is -1; allowed is a whole number from 0 to 4,294,967,295."),
    ],
)
def test_a_link_that_makes_no_sense_is_refused(words: dict[str, str], sentence: str) -> None:
    """By the first thing that is wrong in it."""
    with pytest.raises(Refusal) as refusal:
        RunConfig.from_flat(words)
    assert str(refusal.value).startswith(sentence)


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(sorted({n for _, n in FIELDS} | {"preset", "recipe", "x"})) | st.text(), st.text()
    )
)
def test_any_link_gives_a_run_or_a_refusal(words: dict[str, str]) -> None:
    """Whatever someone types behind the question mark."""
    try:
        run = RunConfig.from_flat(words)
    except Refusal as refusal:
        sentence = str(refusal)
    else:
        assert RunConfig.from_flat(run.flat()) == run
        return
    assert sentence.replace("\u2068", "").replace("\u2069", "").isprintable()  # isolates keep scripts apart


def test_a_preset_goes_with_its_own_family() -> None:
    """Else its link could not be written."""
    with pytest.raises(Refusal, match=r"^Preset is 'tree-76k'; allowed with a mlp model is one of mlp-v1, mlp-v2, "):
        RunConfig.checked(preset="tree-76k", model=MLPConfig())
    with pytest.raises(Refusal, match=r"^Preset is 'gpt'; allowed with a tree model is one of tree-22k, tree-76k\.$"):
        RunConfig.checked(preset="gpt", model=TreeConfig())


def test_lengths_and_prefix_have_to_agree() -> None:
    """Guarantees that exclude each other are refused at once."""
    with pytest.raises(Refusal, match=r"^Shortest is 9; allowed is at most longest, which is 8\.$"):
        SamplingConfig.checked(shortest=9, longest=8)
    with pytest.raises(Refusal, match=r"^Prefix is 'anna' \(4 letters\); allowed is at most longest, which is 3\.$"):
        SamplingConfig.checked(prefix="anna", longest=3)
    with pytest.raises(Refusal, match=r"^There is no setting called 'suffix'; there are 16, 'n' and 'temperature' "):
        SamplingConfig.checked(suffix="a")


def test_configurations_are_frozen_and_changed_ones_are_checked_again() -> None:
    """Nobody moves a run's numbers while it runs; a changed copy passes the same door."""
    config = MLPConfig()
    with pytest.raises(ValidationError):
        config.hidden = 3  # type: ignore[misc]
    assert config.changed(hidden=3).hidden == 3
    assert config.hidden == 200
    with pytest.raises(Refusal, match=r"^Hidden is 0; allowed is a whole number from 1 to 512\.$"):
        config.changed(hidden=0)
    assert BigramConfig() == BigramConfig(smoothing=1)


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (1.23456, 3, "1.235"),
        (-1.23456, 2, "−1.23"),
        (-0.0004, 3, "0.000"),
        (-0.004, 2, "0.00"),
        (-0.0006, 3, "−0.001"),
    ],
)
def test_numbers_in_sentences_have_a_true_minus_and_none_before_a_zero(number: float, digits: int, text: str) -> None:
    assert signed(number, digits) == text


@pytest.mark.parametrize(("exponent", "text"), [(27, "10²⁷"), (6.4, "10⁶"), (-3, "10⁻³")])
def test_a_power_of_ten_is_written_as_people_write_it(exponent: float, text: str) -> None:
    assert power_of_ten(exponent) == text
