"""Names from models: the right distribution, guarantees that hold, the same dice a place."""

from __future__ import annotations

import fnmatch
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import Tensor

from wavenames import sampling
from wavenames.config import (
    PRESETS,
    BigramConfig,
    DilatedConfig,
    MLPConfig,
    Refusal,
    SamplingConfig,
    Settings,
    WaveNetConfig,
)
from wavenames.layers import log_softmax
from wavenames.models import Bigram, Model, build
from wavenames.names import Membership, Packed, Split, Vocabulary, told_numbers
from wavenames.probes.surprisal import surprisal
from wavenames.sampling import Samples, keep_min_p, keep_top_k, keep_top_p, next_letter, sample

ABC = Vocabulary("abc")
NOBODY = Membership(frozenset(), frozenset())
WAVENET = WaveNetConfig(residual=5, gate=6, skip=7, dilations=(1, 2), dropout=0.5)
TOLD = WaveNetConfig(residual=5, gate=6, skip=7, dilations=(1, 2), dropout=0.5, conditions="sex+decade")
UNTRAINED: dict[str, Settings] = {
    "mlp": MLPConfig(block_size=3, embedding=4, hidden=6, norm="batch"),
    "dilated": DilatedConfig(dilations=(1, 2), embedding=4, hidden=6),
    "wavenet": WAVENET,
}
many = settings(deadline=None, max_examples=60)


def opinionated(config: Settings = WAVENET, vocabulary: Vocabulary = ABC, seed: int = 3) -> Model:
    """A model whose weights are far from silent, so that letters differ in probability."""
    model = build(config, vocabulary.size, seed)
    dice = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data += 0.5 * torch.randn(parameter.shape, generator=dice)
    return model


def draw(model: Model, membership: Membership = NOBODY, /, **options: object) -> Samples:
    return sample(model, ABC, SamplingConfig.checked(**options), membership)


def names(samples: Samples) -> list[str]:
    return [sampled.name for sampled in samples.names]


@pytest.mark.parametrize("options", [{}, {"temperature": 0}, {"top_k": 2, "shortest": 3}, {"prefix": "abc"}], ids=str)
@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_a_model_that_says_no_numbers_is_refused(
    value: float, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever does it: weights that are too large make no numbers, or a name that ends where it can't."""
    model = build(BigramConfig(), ABC.size)
    table = torch.zeros(4, 4)
    table[1:, 0] = value
    monkeypatch.setattr(model, "table", lambda: table)
    with pytest.raises(Refusal, match=r"^The model can't write names: .* are not finite numbers\.$"):
        draw(model, n=50, longest=5, **options)


# --------------------------------------------------------------------------------------- the distribution


def counted() -> tuple[Bigram, Tensor]:
    """A bigram model and its probabilities (4, 4)."""
    model = build(BigramConfig(), 4)
    assert isinstance(model, Bigram)
    packed = Packed(["ab", "abc", "cab", "a", "bca", "acc"], ABC)
    model.count(packed.batch(torch.arange(len(packed))))
    return model, model.table().double().exp()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_letters_follow_each_other_as_often_as_the_model_says(temperature: float) -> None:
    """Chi-square over all pairs of 20,000 names by counts, also with the dice loaded by temperature."""
    model, table = counted()
    table = table ** (1 / temperature)
    table[0, 0] = 0  # a name has at least one letter
    drawn = names(draw(model, n=20_000, longest=60, temperature=temperature))
    assert len(drawn) == 20_000
    pairs = Counter(pair for name in drawn for pair in zip("." + name, name + ".", strict=True))
    for row, before in enumerate(".abc"):
        seen = [pairs[before, after] for after in ".abc"]
        expected = table[row] / table[row].sum() * sum(seen)
        keep = expected > 0
        assert [n for n, kept in zip(seen, keep, strict=True) if not kept] == [0] * int((~keep).sum())
        kept = [n for n, k in zip(seen, keep.tolist(), strict=True) if k]
        assert chisquare(kept, expected[keep].numpy()).pvalue > 1e-3


def fates(model: Model, shortest: int, longest: int) -> dict[str, float]:
    """The probability of every name, by asking for one next letter at a time."""
    found: dict[str, float] = {}

    def go(prefix: str, probability: float) -> None:
        if len(prefix) == longest:
            found[prefix] = probability
            return
        following = next_letter(model, ABC, prefix).double().exp()
        if len(prefix) < shortest:
            following[0] = 0
            following /= following.sum()
        else:
            found[prefix] = probability * following[0].item()
        for number, letter in enumerate("abc", start=1):
            go(prefix + letter, probability * following[number].item())

    go("", 1.0)
    total = sum(found.values())
    assert total == pytest.approx(1)
    return {name: probability / total for name, probability in found.items()}


def test_names_of_a_wavenet_come_as_often_as_their_probability_says() -> None:
    """Chi-square over all names of two to four letters: memory, guarantees and dice at once."""
    model = opinionated()
    expected = fates(model, 2, 4)
    drawn = Counter(names(draw(model, n=20_000, shortest=2, longest=4, seed=4)))
    assert drawn.keys() <= expected.keys()
    common = [name for name, p in expected.items() if 20_000 * p >= 5]
    rare = [name for name in expected if name not in common]
    seen = [drawn[name] for name in common] + [sum(drawn[name] for name in rare)]
    wanted = [20_000 * expected[name] for name in common] + [20_000 * sum(expected[name] for name in rare)]
    assert len(common) > 10
    assert chisquare(seen, wanted).pvalue > 1e-3


@pytest.mark.parametrize("config", UNTRAINED.values(), ids=UNTRAINED)
def test_temperature_zero_takes_the_likeliest_letter(config: Settings) -> None:
    """Every name is the one that is found by asking for the likeliest letter again and again."""
    model = opinionated(config)
    likeliest = ""
    while len(likeliest) < 6:
        following = next_letter(model, ABC, likeliest).clone()
        if len(likeliest) < 2:
            following[0] = -math.inf
        if int(following.argmax()) == 0:
            break
        likeliest += ABC.decode([int(following.argmax())])
    assert names(draw(model, n=30, temperature=0, shortest=2, longest=6)) == [likeliest] * 30
    assert names(draw(model, n=30, top_k=1, shortest=2, longest=6)) == [likeliest] * 30


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-45, 1e-30, 1e-9])
def test_the_smallest_temperatures_are_as_good_as_zero(temperature: float) -> None:
    """What single precision would round to zero divides nothing by zero."""
    model = opinionated()
    safest = names(draw(model, n=5, temperature=0, shortest=2, longest=6))
    assert names(draw(model, n=5, temperature=temperature, shortest=2, longest=6)) == safest


# ------------------------------------------------------------------------------------------- truncations

LOGITS = st.lists(st.lists(st.integers(-4, 4), min_size=6, max_size=6), min_size=1, max_size=4)
"""Whole numbers, so that ties are common."""


def kept(truncated: Tensor) -> list[list[int]]:
    return [row.isfinite().nonzero().flatten().tolist() for row in truncated]


@many
@given(LOGITS, st.integers(1, 9))
def test_top_k_keeps_the_k_likeliest(rows: list[list[int]], k: int) -> None:
    """Exactly k, ties or not, and none that is less likely than one left out; their logits are unchanged."""
    logits = torch.tensor(rows, dtype=torch.float32)
    truncated = keep_top_k(logits, k)
    for row, chosen, after in zip(rows, kept(truncated), truncated.tolist(), strict=True):
        assert len(chosen) == min(k, 6)
        assert sorted(row, reverse=True)[: len(chosen)] == sorted((row[i] for i in chosen), reverse=True)
        assert all(after[i] == row[i] for i in chosen)


@many
@given(LOGITS, st.floats(0.01, 0.999))
def test_top_p_keeps_the_fewest_that_hold_the_share(rows: list[list[int]], p: float) -> None:
    """The likeliest, one by one, until their probabilities reach the share."""
    logits = torch.tensor(rows, dtype=torch.float32)
    for probability, chosen in zip(logits.double().softmax(1).tolist(), kept(keep_top_p(logits, p)), strict=True):
        ordered = sorted(probability, reverse=True)
        sums = list(itertools.accumulate(ordered))
        assume(all(abs(total - p) > 1e-5 for total in sums))
        needed = next(i for i, total in enumerate(sums, start=1) if total > p)
        assert sorted((probability[i] for i in chosen), reverse=True) == ordered[:needed]


@many
@given(LOGITS, st.floats(0.001, 0.99))
def test_min_p_drops_what_is_less_likely_than_a_share_of_the_likeliest(rows: list[list[int]], p: float) -> None:
    """Row by row, ties alike."""
    logits = torch.tensor(rows, dtype=torch.float32)
    for probability, chosen in zip(logits.double().softmax(1).tolist(), kept(keep_min_p(logits, p)), strict=True):
        assume(all(abs(q / max(probability) - p) > 1e-5 for q in probability))
        assert chosen == [i for i, q in enumerate(probability) if q > p * max(probability)]


@pytest.mark.parametrize(
    ("option", "truncate"),
    [
        ({"top_k": 2}, lambda logits: keep_top_k(logits, 2)),
        ({"top_p": 0.6}, lambda logits: keep_top_p(logits, 0.6)),
        ({"min_p": 0.4}, lambda logits: keep_min_p(logits, 0.4)),
    ],
)
def test_no_letter_that_was_ruled_out_is_ever_drawn(
    option: dict[str, object], truncate: Callable[[Tensor], Tensor]
) -> None:
    """In 5,000 names each letter is one that the truncation of the model's own probabilities keeps."""
    model = opinionated()
    for name in set(names(draw(model, n=5000, longest=5, **option))):
        for t, letter in enumerate(name + "."):
            if t == 5:
                continue  # the end is forced here
            logits = next_letter(model, ABC, name[:t]).unsqueeze(0)
            if t == 0:
                logits[0, 0] = -math.inf
            assert truncate(logits)[0, ".abc".index(letter)] > -math.inf


# -------------------------------------------------------------------------------------------- guarantees


@st.composite
def wishes(draw_from: st.DrawFn) -> dict[str, object]:
    """Options that a person may combine."""
    longest = draw_from(st.integers(1, 12))
    return {
        "n": draw_from(st.integers(1, 30)),
        "longest": longest,
        "shortest": draw_from(st.integers(1, longest)),
        "prefix": draw_from(st.text("abc", max_size=longest)),
        "temperature": draw_from(st.floats(0, 5)),
        "top_k": draw_from(st.integers(0, 6)),
        "top_p": draw_from(st.floats(0.01, 1)),
        "min_p": draw_from(st.floats(0, 0.99)),
        "seed": draw_from(st.integers(0, 2**32 - 1)),
    }


@pytest.mark.parametrize("config", UNTRAINED.values(), ids=UNTRAINED)
@many
@given(options=wishes())
def test_prefix_and_lengths_hold_for_every_name(config: Settings, options: dict[str, object]) -> None:
    """Whatever the options and however little the model knows; each name has its own log-probability."""
    model = opinionated(config)
    drawn = draw(model, **options)
    wanted = SamplingConfig.checked(**options)
    assert len(drawn.names) == drawn.attempts == wanted.n
    assert drawn.message == ""
    for sampled in drawn.names:
        assert sampled.name.startswith(wanted.prefix)
        assert wanted.shortest <= len(sampled.name) <= wanted.longest
        assert set(sampled.name) <= set("abc")
        assert math.isfinite(sampled.log_probability)


@pytest.mark.parametrize("options", [{}, {"temperature": 0.3, "top_p": 0.7}, {"prefix": "ab", "shortest": 4}])
@pytest.mark.parametrize("config", UNTRAINED.values(), ids=UNTRAINED)
def test_log_probability_is_that_of_the_plain_model(config: Settings, options: dict[str, object]) -> None:
    """Equal to the sum over the whole name at once by `forward`, end mark included, whatever loaded the dice."""
    model = opinionated(config).eval()
    for sampled in draw(model, n=40, longest=8, **options).names:
        batch = Packed([sampled.name], ABC).batch(torch.tensor([0]))
        total = log_softmax(model(batch)).gather(1, batch.targets.unsqueeze(1)).sum().item()
        assert sampled.log_probability == pytest.approx(total, abs=1e-4)


# ---------------------------------------------------------------------------------------------- conditions


def test_unique_gives_no_name_twice() -> None:
    """Also across several draws."""
    drawn = draw(opinionated(), n=60, longest=5, unique=True, temperature=1.5)
    assert len(drawn.names) == len(set(names(drawn))) == 60
    assert drawn.attempts > 60


def test_no_training_names_and_the_status_of_each() -> None:
    """Names that were learned are left out; held-out and new ones are told apart."""
    model, _ = counted()
    membership = Membership.of(Split("lecture", ("a", "ab", "abc"), ("ac",), ("ca",)))
    everything = draw(model, membership, n=500)
    expected = {"a": "train", "ab": "train", "abc": "train", "ac": "held_out", "ca": "held_out"}
    assert all(s.status == expected.get(s.name, "new") for s in everything.names)
    assert {s.status for s in everything.names} == {"train", "held_out", "new"}
    rest = draw(model, membership, n=500, no_training_names=True)
    assert len(rest.names) == 500
    assert rest.attempts > 500
    assert not set(names(rest)) & {"a", "ab", "abc"}
    assert {s.status for s in rest.names} == {"held_out", "new"}


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("a*", lambda name: name.startswith("a")),
        ("*ca", lambda name: name.endswith("ca")),
        ("??", lambda name: len(name) == 2),
        ("a?c*", lambda name: name[:1] == "a" and name[2:3] == "c"),
    ],
)
def test_a_pattern_shapes_every_name(pattern: str, fits: Callable[[str], bool]) -> None:
    """One letter for ?, any for *."""
    model, _ = counted()
    drawn = names(draw(model, n=50, pattern=pattern))
    assert len(drawn) == 50
    assert all(fits(name) for name in drawn)


def test_a_pattern_has_no_signs_but_two() -> None:
    """Brackets stand for themselves, not for a set of letters."""
    model, _ = counted()
    for pattern, sign in (("[a-b]", "["), ("[!a]*", "["), ("a.", ".")):
        with pytest.raises(Refusal, match=re.escape(f"'{sign}' ")):
            draw(model, pattern=pattern)
    brackets = opinionated(vocabulary=Vocabulary("[]a"))
    options = SamplingConfig(n=5, pattern="[a]*", tries=1000, temperature=3)
    drawn = names(sample(brackets, Vocabulary("[]a"), options, NOBODY))
    assert len(drawn) == 5
    assert all(name.startswith("[a]") for name in drawn)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"pattern": "a????", "longest": 3},
         "Pattern is 'a????', at least 5 letters; allowed is at most longest, which is 3."),
        ({"pattern": "a?", "shortest": 5}, "Pattern is 'a?', 2 letters; allowed is at least shortest, which is 5."),
        ({"pattern": "?", "shortest": 2}, "Pattern is '?', 1 letter; allowed is at least shortest, which is 2."),
        ({"pattern": "b*", "prefix": "ab"},
         "Pattern is 'b*', and no name of 1 to 30 letters that begins with 'ab' has this shape; change one of them."),
        ({"pattern": "??", "prefix": "abc"}, "no name of 1 to 30 letters that begins with 'abc' has this shape"),
        ({"pattern": "*cc", "prefix": "ab", "longest": 3}, "no name of 1 to 3 letters that begins with 'ab'"),
        ({"pattern": "*z"}, "In 'z', 'z' is not a letter known here; known are abc."),
    ],
)  # fmt: skip
def test_a_shape_that_no_name_has_is_refused_before_anything_is_drawn(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], sentence: str
) -> None:
    """In a sentence that says which two wishes exclude each other."""
    model, _ = counted()
    monkeypatch.setattr(sampling, "_draw", None)
    with pytest.raises(Refusal, match=re.escape(sentence)):
        draw(model, **options)


@many
@given(st.text("ab?*", max_size=5), st.text("ab", max_size=3), st.integers(1, 4), st.integers(1, 4))
def test_whether_a_name_has_a_shape_is_known_beforehand(
    pattern: str, prefix: str, shortest: int, longest: int
) -> None:
    """As often as trying out every name says so."""
    every = ("".join(letters) for n in range(shortest, longest + 1) for letters in itertools.product("ab", repeat=n))
    fitting = any(fnmatch.fnmatchcase(name, pattern) for name in every if name.startswith(prefix))
    assert sampling._has_a_name(pattern, prefix, shortest, longest) == fitting


def test_wishes_that_can_not_be_met_end_with_what_was_found() -> None:
    """After `tries` draws for each name wanted, in a sentence; never in a loop without end."""
    model, _ = counted()
    nothing = draw(model, n=10, tries=3, pattern="b" * 12)
    assert (nothing.names, nothing.attempts) == ((), 30)
    assert nothing.message == (
        "Found 0 of 10 names in 30 draws, the 3 for each name that are allowed; "
        "a wider pattern, a higher temperature or fewer conditions find more."
    )


@pytest.mark.parametrize("certain", [{"temperature": 0}, {"top_k": 1}])
def test_what_always_gives_the_same_name_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, certain: dict[str, object]
) -> None:
    """One draw says all, whatever the condition that the next ones would fail; without one, twins are given."""
    model, _ = counted()
    sizes = []
    plainly = sampling._draw

    def noted(model: Model, vocabulary: Vocabulary, options: SamplingConfig, size: int, dice: torch.Generator) -> Any:
        sizes.append(size)
        return plainly(model, vocabulary, options, size, dice)

    monkeypatch.setattr(sampling, "_draw", noted)
    one = draw(model, n=1200, unique=True, **certain)
    assert (len(one.names), one.attempts) == (1, 2)
    assert one.message.startswith("Found 1 of 1,200 names in 2 draws, of which every one gives the same name; ")
    assert draw(model, n=1200, pattern="b" * 12, **certain).attempts == 1
    assert len(draw(model, n=1200, **certain).names) == 1200
    assert sizes == [1, 1, 1]


def test_drawing_ends_with_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """After at least one draw, with what was found, and with the reason in the message."""
    monkeypatch.setattr(sampling, "LARGEST_DRAW", 7)
    looks = itertools.count()
    monkeypatch.setattr(sampling, "time", SimpleNamespace(perf_counter=lambda: float(next(looks))))
    drawn = draw(opinionated(), n=100, seconds=3)
    assert (len(drawn.names), drawn.attempts) == (21, 21)
    assert drawn.message.startswith(
        "Found 21 of 100 names in 21 draws, which took the 3 seconds that are allowed; a wider pattern"
    )
    assert len(draw(opinionated(), n=7, seconds=1).names) == 7


def test_a_prefix_with_an_unknown_letter_is_refused() -> None:
    """By name, with the model left in the mode it was in."""
    model = opinionated().train()
    with pytest.raises(Refusal, match="'x' is not a letter known here"):
        draw(model, prefix="ax")
    with pytest.raises(Refusal, match="'x' is not a letter known here"):
        next_letter(model, ABC, "ax")
    assert all(module.training for module in model.modules())


# --------------------------------------------------------------------------------------------- the same dice


@pytest.mark.parametrize("config", UNTRAINED.values(), ids=UNTRAINED)
def test_same_seed_same_names(config: Settings) -> None:
    """Whatever the global dice and the model's mode, which stays as it was; another seed gives other names."""
    model = opinionated(config)
    torch.manual_seed(1)
    first = draw(model.train(), n=40)
    assert all(module.training for module in model.modules())
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert draw(model.eval(), n=40).names == first.names
    assert not any(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), before)
    assert draw(model, n=40, seed=2).names != first.names


@pytest.mark.parametrize("options", [{}, {"temperature": 0.7, "top_k": 3}, {"prefix": "ab"}])
def test_each_place_has_its_own_dice(options: dict[str, object]) -> None:
    """More names, or names that end sooner, change nothing about the first places."""
    model = opinionated()
    few, many_more = (draw(model, n=n, longest=8, **options) for n in (5, 50))
    assert names(few) == names(many_more)[:5]
    torch.testing.assert_close(
        torch.tensor([s.log_probability for s in few.names]),
        torch.tensor([s.log_probability for s in many_more.names[:5]]),
    )


@pytest.mark.parametrize("options", [{}, {"temperature": 0.7}, {"shortest": 4, "prefix": "b"}])
def test_each_letter_is_decided_by_one_number_of_its_place(options: dict[str, object]) -> None:
    """Name by name, with the table of dice (names, letters) before one's eyes, whatever becomes of the neighbours."""
    model, wanted = opinionated(), SamplingConfig.checked(n=60, longest=7, seed=5, **options)
    luck = torch.rand(60, 8, generator=torch.Generator().manual_seed(5)).double()
    expected = []
    for place in range(60):
        name = wanted.prefix
        while len(name) < 7:
            share = next_letter(model, ABC, name).double().exp() ** (1 / wanted.temperature)
            if len(name) < wanted.shortest:
                share[0] = 0
            ladder = (share / share.sum()).cumsum(0)
            letter = int((ladder < luck[place, len(name)]).sum())
            if letter == 0:
                break
            name += "abc"[letter - 1]
        expected.append(name)
    assert names(draw(model, n=60, longest=7, seed=5, **options)) == expected


def test_a_model_that_changes_little_changes_few_names() -> None:
    """The same dice a place: as training goes on, a name moves only as far as the model does."""
    model = opinionated()
    before = names(draw(model, n=300, longest=6))
    for parameter in model.parameters():
        parameter.data *= 1.001
    after = names(draw(model, n=300, longest=6))
    assert sum(a == b for a, b in zip(before, after, strict=True)) > 270


def test_many_names_come_in_several_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound on how many are drawn side by side bounds the memory, not the number of names."""
    monkeypatch.setattr(sampling, "LARGEST_DRAW", 7)
    drawn = draw(opinionated(), n=40)
    assert len(drawn.names) == 40
    assert drawn.attempts >= 40


def test_what_is_drawn_side_by_side_fits_the_memory() -> None:
    """20,000 names by models that count, however much; fewer by a model that remembers much of each."""
    assert sampling._side_by_side(build(PRESETS["bigram"].model, 27), 30) == 20_000
    counting = build(PRESETS["kn-5"].model, 27)
    counting.counts = torch.ones(5_000_000)
    assert counting.parameter_count == 5_000_000
    assert sampling._side_by_side(counting, 30) == 20_000
    keys_and_values = 4 * 2 * 15 * 64  # of each layer, for fifteen places
    assert sampling._side_by_side(build(PRESETS["transformer"].model, 27), 1) == 50_000_000 // keys_and_values
    hungry = build(WaveNetConfig(residual=256, gate=8, skip=8, dilations=(32,) * 10), 27)
    at_once = sampling._side_by_side(hungry, 1)
    assert 0.9 < at_once * 256 * (320 + 1) / sampling.LARGEST_MEMORY <= 1


@pytest.mark.parametrize(("preset", "letters"), [("wavenet-l", 27), ("bigram", 500)])
def test_what_is_drawn_side_by_side_takes_about_a_second(preset: str, letters: int) -> None:
    """So that the clock is looked at: twice as long names are half as many, whether weights or letters are many."""
    model = build(PRESETS[preset].model, letters)
    short, long = (sampling._side_by_side(model, longest) for longest in (30, 60))
    assert 300 < long < 2000
    assert short // 2 == long


# ---------------------------------------------------------------------------------------------- next letter


@pytest.mark.parametrize("config", UNTRAINED.values(), ids=UNTRAINED)
def test_next_letter_equals_the_whole_names_logits(config: Settings) -> None:
    """In evaluation, after any prefix, a distribution over all letters and the end."""
    model = opinionated(config)
    whole = log_softmax(model.eval()(Packed(["abcab"], ABC).batch(torch.tensor([0]))))
    model.train()
    for t in range(6):
        found = next_letter(model, ABC, "abcab"[:t])
        torch.testing.assert_close(found, whole[t], atol=1e-5, rtol=1e-5)
        assert found.exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert all(module.training for module in model.modules())


# ----------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize("told", [{}, {"sex": "M"}, {"decade": "1920"}, {"sex": "F", "decade": "2024"}])
def test_names_are_drawn_and_scored_under_what_is_told(told: dict[str, Any]) -> None:
    """Its log-probability is that of the forward pass with the same labels; other labels give other names."""
    model = opinionated(TOLD)
    drawn = draw(model, n=20, **told)
    labels = told_numbers(("sex", "decade"), told)
    for each in drawn.names:
        packed = Packed([each.name], ABC, labels=[labels])
        right = log_softmax(model.eval()(next(packed.all(1)))).gather(1, packed.targets.unsqueeze(1))
        assert each.log_probability == pytest.approx(right.sum().item(), abs=1e-4)
    others = [option for option in ({}, {"sex": "M"}, {"decade": "1920"}) if option != told]
    assert all(names(draw(model, n=20, **option)) != names(drawn) for option in others)


def test_the_next_letter_and_surprisal_listen_to_what_is_told() -> None:
    """Both agree; told nothing is told "any"."""
    model = opinionated(TOLD)
    for told in ({}, {"sex": "any", "decade": "any"}, {"sex": "M"}, {"decade": "1880"}):
        expected = surprisal(model, ABC, "ab", told).places[-1].distribution
        torch.testing.assert_close(next_letter(model, ABC, "ab", told), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(next_letter(model, ABC, "ab"), next_letter(model, ABC, "ab", {"sex": "any"}))
    assert not torch.equal(next_letter(model, ABC, "ab"), next_letter(model, ABC, "ab", {"sex": "M"}))


def test_a_model_is_not_told_what_it_never_learned() -> None:
    """One sentence says what it was told; the same for names, letters and scores."""
    for model in (opinionated(), opinionated(WAVENET.changed(conditions="sex"))):
        with pytest.raises(
            Refusal, match=r"^Decade is 1920; this model was told (letters|the sex) alone, so only any"
        ):
            draw(model, decade="1920")
        with pytest.raises(Refusal, match=r"^Decade is 1920"):
            next_letter(model, ABC, "a", {"decade": "1920"})
        with pytest.raises(Refusal, match=r"^Decade is 1920"):
            surprisal(model, ABC, "a", {"decade": "1920"})
