"""Honest numbers: paired comparison of two models, seen and unseen names, the lowest loss that a context allows."""

import math
from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenames import comparison
from wavenames.checkpoints import load_shipped
from wavenames.comparison import Paired, leaked, loss_floor, paired, seen_and_unseen, target_leak
from wavenames.config import BigramConfig, KneserNeyConfig
from wavenames.models import Bigram, KneserNey
from wavenames.names import NameList, Packed, Split, Vocabulary, bundled, split
from wavenames.training import Evaluation, evaluate, mean_and_error

NO_DIFFERENCE = "No difference between a and b that this test can see"


def evaluation(per_name: torch.Tensor, lengths: torch.Tensor, name_ids: torch.Tensor | None = None) -> Evaluation:
    ids = torch.arange(len(lengths)) if name_ids is None else name_ids
    return Evaluation(*mean_and_error(per_name, lengths, ids), per_name, lengths, ids)


def two_models(names: int, seed: int, better: float = 0.02, most_rows: int = 1) -> tuple[Evaluation, Evaluation]:
    """Losses of two models on made-up names that are hard for both; the first is `better`, in nats per letter.

    Each name stands in 1 to `most_rows` rows, which agree but for some noise, as in a list with labels.
    """
    dice = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, 12, (names,), generator=dice)
    hard = lengths * (2 + 0.5 * torch.randn(names, generator=dice, dtype=torch.float64))
    gains = lengths * better + 0.5 * torch.randn(names, generator=dice, dtype=torch.float64)
    ids = torch.arange(names)
    if most_rows > 1:
        ids = ids.repeat_interleave(torch.randint(1, most_rows + 1, (names,), generator=dice))
        ids = ids[torch.randperm(len(ids), generator=dice)]
        lengths, hard = lengths[ids], hard[ids]
        gains = gains[ids] + 0.1 * torch.randn(len(ids), generator=dice, dtype=torch.float64)
    return evaluation(hard, lengths, ids), evaluation(hard + gains, lengths, ids)


def packed(names: Sequence[str]) -> Packed:
    return Packed(names, Vocabulary.of(names))


# ---------------------------------------------------------------------------------------------- two models, paired


def test_the_gain_is_the_difference_of_the_losses_and_pairing_makes_it_sure() -> None:
    first, second = two_models(3000, seed=1)
    found = paired(first, second)
    assert found.gain == pytest.approx(second.loss - first.loss)
    assert found.low < found.gain < found.high
    assert found.error < math.hypot(first.error, second.error) / 3


def test_the_interval_is_as_wide_as_the_formula_says() -> None:
    """The delta method, 1.96 standard errors to either side, on many names."""
    found = paired(*two_models(3000, seed=2))
    assert found.high - found.low == pytest.approx(2 * 1.96 * found.error, rel=0.06)
    assert (found.high + found.low) / 2 == pytest.approx(found.gain, abs=found.error / 10)


@pytest.mark.parametrize("most_rows", [1, 16])
def test_in_nineteen_of_twenty_worlds_the_interval_holds_the_truth(most_rows: int) -> None:
    """Made-up names whose true difference is known: 95%, within what 300 worlds can tell. So does the error."""
    found = [paired(*two_models(150, seed=seed, most_rows=most_rows)) for seed in range(300)]
    leeway = 3 * math.sqrt(0.95 * 0.05 / 300)
    held = sum(each.low <= 0.02 <= each.high for each in found) / len(found)
    assert 0.95 - leeway < held < 0.95 + leeway
    held = sum(abs(each.gain - 0.02) <= 1.96 * each.error for each in found) / len(found)
    assert 0.95 - leeway < held < 0.95 + leeway


def test_rows_of_a_name_taken_for_names_promise_too_much() -> None:
    """The same rows, each a draw of its own: the interval is less than half as wide."""
    first, second = two_models(1000, seed=8, most_rows=16)
    rows = paired(evaluation(first.per_name, first.lengths), evaluation(second.per_name, second.lengths))
    names = paired(first, second)
    assert names.gain == rows.gain
    assert rows.high - rows.low < (names.high - names.low) / 2
    assert names.high - names.low == pytest.approx(2 * 1.96 * names.error, rel=0.06)


def test_a_name_counts_once_among_seen_and_unseen_names() -> None:
    nats, lengths = torch.tensor([3.0, 4.0, 8.0, 9.0], dtype=torch.float64), torch.tensor([3, 3, 4, 4])
    ids = torch.tensor([0, 0, 1, 1])
    seen, unseen = seen_and_unseen(evaluation(nats, lengths, ids), ["ab", "ab", "cde", "cde"], {"ab"})
    assert [seen[0], unseen[0]] == pytest.approx([7 / 6, 17 / 8])
    assert math.isnan(seen[1])
    assert math.isnan(unseen[1])


def test_turned_round_the_comparison_says_the_same() -> None:
    first, second = two_models(500, seed=3)
    there, back = paired(first, second), paired(second, first)
    assert [there.gain, there.low, there.high] == pytest.approx([-back.gain, -back.high, -back.low])
    assert there.sentence("a", "b") == back.sentence("b", "a")


def test_a_model_does_not_differ_from_itself() -> None:
    model, _ = two_models(200, seed=4)
    assert paired(model, model) == Paired(0.0, 0.0, 0.0, 0.0)


def test_the_dice_are_the_same_however_much_memory_they_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    models = two_models(100, seed=5)
    at_once = paired(*models)
    monkeypatch.setattr(comparison, "AT_ONCE", 777)
    assert paired(*models) == at_once
    assert paired(*models, seed=1) != at_once


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Paired(0.012, 0.006, 0.018, 0.003), "a is better than b by 0.012 (0.006 to 0.018)."),
        (Paired(-0.012, -0.018, -0.006, 0.003), "b is better than a by 0.012 (0.006 to 0.018)."),
        (Paired(0.001, -0.004, 0.006, 0.003), f"{NO_DIFFERENCE} (−0.004 to 0.006)."),
        (Paired(0, -0.0001, 0.0001, 0), f"{NO_DIFFERENCE} (0.000 to 0.000)."),
    ],
)
def test_the_sentence_says_no_more_than_the_interval(found: Paired, sentence: str) -> None:
    assert found.sentence("a", "b") == sentence


def test_models_on_different_names_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different names"):
        paired(two_models(50, seed=6)[0], two_models(50, seed=7)[0])


def test_seen_and_unseen_names_make_up_the_whole() -> None:
    lengths = torch.tensor([3, 4, 5])
    nats = torch.tensor([3.0, 8.0, 15.0], dtype=torch.float64)
    seen, unseen = seen_and_unseen(evaluation(nats, lengths), ["ab", "cde", "fghi"], {"ab", "fghi", "x"})
    assert seen[0] == pytest.approx(18 / 8)
    assert unseen[0] == pytest.approx(2.0)
    assert math.isnan(unseen[1])
    none, whole = seen_and_unseen(evaluation(nats, lengths), ["ab", "cde", "fghi"], set())
    assert math.isnan(none[0])
    assert whole == mean_and_error(nats, lengths, torch.arange(3))


def test_names_that_stand_twice_are_told_apart_by_what_was_seen_of_them() -> None:
    """Rows of one name are put together; a name that stands once or three times belongs to neither side."""
    parts = Split("lecture", ("ab", "cde", "x", "x"), ("ab", "fg", "fg", "hij", "x", "once"), ("hij", "cde"))
    nats, lengths = torch.tensor([3.0, 4, 5, 8, 1, 10]).double(), torch.tensor([3, 3, 3, 4, 2, 5])
    found = leaked(evaluation(nats, lengths), parts)
    assert found.everything == pytest.approx(31 / 20)
    assert found.seen.loss == pytest.approx(4 / 5)
    assert found.unseen.loss == pytest.approx(27 / 15)
    assert [side.names for side in (found.seen, found.unseen, found.once, found.never)] == [2, 3, 1, 2]
    assert (found.once.loss, found.once.names) == (1.0, 1)
    assert found.never.loss == pytest.approx(17 / 10)
    gap, error = found.seen.below(found.unseen)
    assert gap == pytest.approx(27 / 15 - 4 / 5)
    assert error == pytest.approx(math.hypot(found.seen.error, found.unseen.error))


def test_memory_is_seen_where_there_is_some_and_nowhere_else() -> None:
    """Counts of letter pairs have no room for a name; runs of five letters hold most of them."""
    gaps = {}
    for key in ("bigram", "kn-5"):
        kept = load_shipped(key)
        parts = split(bundled("ssa-2018").names)
        found = leaked(evaluate(kept.model(), Packed(parts.validation, kept.vocabulary)), parts)
        gap, error = found.once.below(found.never)
        gaps[key] = gap / error
    assert abs(gaps["bigram"]) < 2
    assert gaps["kn-5"] > 4


# -------------------------------------------------------------------------------------------------- the lowest loss


def entropy(names: Sequence[str], context: int) -> float:
    """The definition, worked out name by name and letter by letter."""
    together: Counter[tuple[str, str]] = Counter()
    for name in names:
        marked = "." * context + name + "."
        together.update((marked[i : i + context], marked[i + context]) for i in range(len(name) + 1))
    contexts: Counter[str] = Counter()
    for (before, _), times in together.items():
        contexts[before] += times
    nats = sum(times * math.log(contexts[before] / times) for (before, _), times in together.items())
    return nats / contexts.total()


@settings(deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=6), min_size=1, max_size=30), st.integers(0, 9))
def test_the_floor_is_the_entropy_of_the_next_letter_given_those_before(names: list[str], context: int) -> None:
    assert loss_floor(packed(names), context) == pytest.approx(entropy(names, context), abs=1e-12)


def test_with_all_letters_in_sight_the_floor_is_the_entropy_of_the_names(tiny_names: tuple[str, ...]) -> None:
    """However far a model says it sees."""
    times = Counter(tiny_names)
    nats = sum(count * math.log(len(tiny_names) / count) for count in times.values())
    targets = sum(map(len, tiny_names)) + len(tiny_names)
    for context in (9, 60, 10**6):
        assert loss_floor(packed(tiny_names), context) == pytest.approx(nats / targets)


def test_the_floors_of_makemores_list(makemore_names: NameList) -> None:
    """Worked out elsewhere, lecture split: 3 letters 1.869, 4 1.581, 5 1.450, 8 and more 1.412."""
    names = packed(split(makemore_names.names).train)
    assert [round(loss_floor(names, k), 3) for k in (3, 4, 5, 8, 17)] == [1.869, 1.581, 1.450, 1.412, 1.412]


def test_counting_comes_down_to_the_floor_and_no_further(tiny_names: tuple[str, ...]) -> None:
    """Letter pairs with almost nothing added are the best that one letter allows; smoothed runs stay above theirs."""
    names = packed(tiny_names * 50)
    (everything,) = names.all(len(names))
    pairs = Bigram(BigramConfig(smoothing=0.001), names.vocabulary.size)
    runs = KneserNey(KneserNeyConfig(), names.vocabulary.size)
    for model in (pairs, runs):
        model.count(everything)
        floor, loss = loss_floor(names, model.receptive_field), evaluate(model, names).loss
        assert target_leak(loss, floor, model.receptive_field) is None
    floor = loss_floor(names, 1)
    assert evaluate(pairs, names).loss == pytest.approx(floor, abs=1e-3)


def test_a_loss_below_the_floor_is_called_a_leak() -> None:
    """Rounding alone is none."""
    sentence = target_leak(1.203, 1.412, 8)
    assert sentence is not None
    assert "1.203 is below 1.412, the lowest that any model of 8 letters can reach" in sentence
    assert target_leak(1.41195, 1.412, 8) is None
    assert target_leak(1.5, 1.412, 8) is None


def test_what_is_told_lowers_the_floor() -> None:
    """Two names that a label tells apart surprise nobody; a label that says nothing changes nothing."""
    names, vocabulary = ["ab", "ba"] * 4, Vocabulary("ab")
    plain = loss_floor(Packed(names, vocabulary), 3)
    assert plain == pytest.approx(math.log(2) / 3)
    assert loss_floor(Packed(names, vocabulary, labels=[(1, 0), (2, 0)] * 4), 3) == pytest.approx(0, abs=1e-12)
    assert loss_floor(Packed(names, vocabulary, labels=[(1, 5)] * 8), 3) == pytest.approx(plain)
