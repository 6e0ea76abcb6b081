"""The four claims: figures by hand, a fair race, verdicts that follow from the figures whichever way they fall."""

import dataclasses
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tests.test_table import entry
from wavenames.__main__ import main
from wavenames.claims import measured, quality, rates, verdicts
from wavenames.claims.measured import Curve, Generated, Measured, Measurement, Subject, Work
from wavenames.claims.quality import Quality, Spread, Yardstick, shapes, total_variation
from wavenames.claims.rates import Race, Rate, of_length
from wavenames.config import PRESETS, ClaimLimits, DataConfig, Refusal, RunConfig, WaveNetConfig
from wavenames.models import build
from wavenames.names import Membership, Packed, Split, Vocabulary
from wavenames.table import Row, rows
from wavenames.training import evaluate

LETTERS = Vocabulary("ab")


# ------------------------------------------------------------------------------------------------ generated names


def test_total_variation_is_half_of_what_differs() -> None:
    """0 for the same, 1 for nothing in common; a length that only one has counts in full."""
    even, first = torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])
    assert total_variation(even, even) == 0
    assert total_variation(even, first) == 0.5
    assert total_variation(first, torch.tensor([0.0, 0.0, 1.0])) == 1
    assert total_variation(torch.eye(2) / 2, torch.full((2, 2), 0.25)) == 0.5


def test_lengths_and_letter_pairs_as_shares() -> None:
    """The pairs .a ab b. and .b b., lengths two and one."""
    lengths, pairs = shapes(["ab", "b"], LETTERS)
    assert lengths.tolist() == [0, 0.5, 0.5]
    assert pairs.tolist() == [[0, 0.2, 0.2], [0, 0, 0.2], [0.4, 0, 0]]


def test_the_quality_of_names_by_hand() -> None:
    """Two draws of four names: one of train, one held out twice, one new; then the one of train alone."""
    parts = Split("lecture", train=("a",), validation=("b",), test=("bb",))
    yardstick = Yardstick.of(parts, LETTERS)
    found = quality.quality([["a", "b", "b", "aa"], ["a", "a", "a", "a"]], yardstick)
    assert (found.train.mean, found.train.spread) == pytest.approx((0.625, 0.75 / 2**0.5))
    assert found.held_out.mean == 0.25
    assert found.hits.mean == 0.5
    assert found.new.mean == 0.125
    assert (found.unique.mean, found.unique.spread) == pytest.approx((0.5, 0.5 / 2**0.5))
    # Held out: lengths one and two alike. The first draw has one letter three times in four, the second always.
    assert found.length_distance.mean == pytest.approx((0.25 + 0.5) / 2)
    # Held-out pairs: .b 2/5, b. 2/5, bb 1/5. First draw of nine: .a 2, a. 2, .b 2, b. 2, aa 1. Second: no b.
    first = (2 * (2 / 5 - 2 / 9) + 1 / 5 + 5 / 9) / 2
    assert found.pair_distance.mean == pytest.approx((first + 1) / 2)


def test_ranges_that_touch_are_not_apart() -> None:
    one = Spread(mean=1.0, spread=0.5)
    assert one.apart(Spread(mean=2.1, spread=0.5))
    assert not one.apart(Spread(mean=1.9, spread=0.5))
    assert Spread(mean=2.1, spread=0.5).apart(one)


def test_a_model_that_knows_the_held_out_names_is_close_to_them(tiny_names: tuple[str, ...]) -> None:
    """Counts of the held-out names themselves: their letter pairs come back, their lengths less so."""
    vocabulary = Vocabulary.of(tiny_names)
    model = build(PRESETS["bigram"].model.changed(smoothing=0.001), vocabulary.size)
    held_out = Packed(tiny_names, vocabulary)
    model.count(next(held_out.all(len(held_out))))  # type: ignore[operator]
    yardstick = Yardstick(Membership(frozenset(), frozenset()), *shapes(tiny_names, vocabulary), vocabulary)
    found = quality.generated(model, yardstick)
    assert found.pair_distance.mean < 0.05
    assert found.length_distance.mean > 0.2
    assert found.new.mean == 1


# ------------------------------------------------------------------------------------------------------- the race


def test_the_contenders_have_about_one_size() -> None:
    sizes = [build(config, 27).parameter_count for config in rates.CONTENDERS.values()]
    assert sizes[0] == 76_347
    assert all(abs(size / sizes[0] - 1) < 0.05 for size in sizes)


def test_names_of_one_length_for_as_many_targets(tiny_names: tuple[str, ...]) -> None:
    packed = Packed(tiny_names, Vocabulary.of(tiny_names))
    batch = of_length(4, 100, packed)
    assert batch.offsets.diff().tolist() == [5] * 20
    assert (batch.targets == 0).sum() == 20


def test_contenders_take_turns_and_the_first_round_is_for_warming_up(
    tiny_names: tuple[str, ...], quick_claims: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Medians of the rates; ratios are of one round each, 0.5, 1.5 and 1.25."""
    race = Race(Packed(tiny_names, Vocabulary.of(tiny_names)))
    assert race.turns == 8
    turns: list[int] = []
    speeds = iter([9.0, 9.0, 10.0, 20.0, 30.0, 20.0, 50.0, 40.0])

    def rate(model: torch.nn.Module) -> float:
        turns.append([each is model for each in race.models].index(True))
        return next(speeds)

    race.tasks = {task: rate if task == "training" else lambda _model: 1.0 for task in race.tasks}
    for _ in range(race.turns):
        race.turn()
    assert turns == [0, 1] * 4
    wavenet, gru = race.rates.rates
    assert (wavenet.training, gru.training) == (30, 20)
    assert gru.relative["training"] == (1.25, 0.875, 1.375)
    assert wavenet.relative["training"] == (1, 1, 1)


def test_a_race_measures_every_task(tiny_names: tuple[str, ...], quick_claims: None) -> None:
    race = Race(Packed(tiny_names, Vocabulary.of(tiny_names)))
    for _ in range(race.turns):
        race.turn()
    for rate in race.rates.rates:
        assert rate.training > 0
        assert rate.sampling > 0
        assert all(each > 0 for each in rate.by_length)


# ------------------------------------------------------------------------------------------------------- verdicts


def curve(title: str, family: str, losses: Sequence[float], error: float = 0.001) -> Curve:
    worth = tuple(loss - losses[-1] for loss in losses)
    return Curve(
        title=title, family=family, parameters=1, steps=20, optimiser="muon", batching="names", dropout=0.0,
        layers=4 if family == "wavenet" else None,
        visible=tuple(range(1, len(losses) + 1)), losses=tuple(losses), worth=worth, error=(error,) * len(losses),
    )  # fmt: skip


HIDDEN = (0.8,) * 7 + (0.033,) * 9
SHORT = [2.5, 2.2, 2.1, 2.0, *[1.97] * 12]
LONG = [2.5, 2.2, 2.1, 2.0, *[1.98] * 4, *[1.96] * 8]
FLAT = [2.1] * 16


def test_long_dependencies_hold_as_far_as_letters_are_worth_something() -> None:
    """All the way where letters beyond eight are, in part where those beyond three are, else not."""
    assert verdicts.context([curve("w", "wavenet", LONG)], HIDDEN).word == "holds"
    assert verdicts.context([curve("w", "wavenet", SHORT)], HIDDEN).word == "holds in part"
    assert verdicts.context([curve("w", "wavenet", FLAT)], HIDDEN).word == "does not hold here"
    assert verdicts.context([curve("w", "wavenet", LONG, error=0.02)], HIDDEN).word == "holds in part"
    assert verdicts.context([curve("m", "mlp", SHORT)], HIDDEN).word == "not measured yet"


def test_a_better_rival_is_named() -> None:
    """The best WaveNet speaks for its family; a GRU that does better is said to, and what else sets it apart."""
    gru = curve("gru", "recurrent", [*SHORT[:4], *[1.956] * 12])
    curves = [curve("worse", "wavenet", FLAT), curve("w", "wavenet", SHORT), curve("mlp", "mlp", FLAT), gru]
    assert verdicts.context(curves, HIDDEN).sentence == (
        "With its 4 layers w makes use of the last 5 letters: what lies more than 3 back is worth 0.130 nats per "
        "letter to it, what lies more than 8 back 0.000; only 3.3% of the letters to predict have 8 or more before "
        "them. Of the other models gru does best: it makes use of 5 letters and ends lower, at 1.956 against 1.970."
    )
    wide = gru.changed(parameters=2, steps=7000, dropout=0.4)
    assert verdicts.context([*curves[:-1], wide], HIDDEN).sentence.endswith(
        "at 1.956 against 1.970 (gru has 2 parameters, w 1; gru was trained for 7,000 steps in place of 20, with "
        "dropout 0.4 in place of 0)."
    )


def test_reach_is_the_last_letter_that_is_worth_something() -> None:
    assert verdicts.reach(curve("w", "wavenet", LONG)) == 9
    assert verdicts.reach(curve("w", "wavenet", FLAT)) == 1


WORK = tuple(
    Work(preset=preset, family="tree", parameters=1, multiply_adds=count)
    for preset, count in {"tree-76k": 126_336, "dilated-76k": 75_136}.items()
)


def of_table(losses: dict[str, float]) -> list[Row]:
    """Rows of the table, each from three seeds on the lecture split, spread 0.001."""
    return rows([
        entry(name, split="lecture", seed=seed, validation=loss + (seed - 2) / 1000)
        for name, loss in losses.items()
        for seed in (1, 2, 3)
    ])  # fmt: skip


def test_gradual_fusion_holds_where_it_is_better_beyond_the_spread() -> None:
    flat = {"mlp-8-bn": 2.04, "mlp-8-76k": 2.03}
    better = verdicts.fusion(of_table(flat | {"tree-22k": 2.0, "tree-76k": 1.99, "dilated-76k": 1.98}), WORK)
    assert better.word == "holds"
    assert better.sentence == (
        "tree-22k in place of mlp-8-bn bought 0.040 on the lecture split; tree-76k in place of mlp-8-76k bought "
        "0.040 on the lecture split; dilated-76k in place of mlp-8-76k bought 0.050 on the lecture split, trained on "
        "whole names in place of windows drawn one by one (nats per letter). Nodes shared between letters save work, "
        "whatever they do for the loss: for each letter tree-76k takes 126,336 multiply-adds, dilated-76k 75,136."
    )
    mixed = verdicts.fusion(of_table(flat | {"tree-22k": 2.039, "tree-76k": 1.99}), WORK)
    assert mixed.word == "holds in part"
    assert "tree-22k in place of mlp-8-bn made no difference beyond the spread on the lecture split" in mixed.sentence
    assert verdicts.fusion(of_table(flat | {"tree-22k": 2.05, "tree-76k": 2.05}), WORK).word == "does not hold here"
    assert verdicts.fusion(of_table(flat), WORK).word == "not measured yet"


def test_what_is_fused_otherwise_and_trained_otherwise_is_said_to_be() -> None:
    flat, fused = of_table({"mlp-8-bn": 2.04, "tree-22k": 2.0})
    said = verdicts.fusion([flat, dataclasses.replace(fused, optimiser="adamw")], WORK).sentence
    assert said.startswith(
        "tree-22k in place of mlp-8-bn bought 0.040 on the lecture split, trained by AdamW in place of Muon (nats per"
    )


def generated(title: str, family: str, *, hits: float, lengths: float, pairs: float) -> Generated:
    def spread(mean: float, share: float = 0.05) -> Spread:
        return Spread(mean=mean, spread=mean * share)

    half = spread(0.5)
    return Generated(
        title=title, family=family,
        quality=Quality(
            train=half, held_out=half, hits=spread(hits), new=half, unique=half, length_distance=spread(lengths),
            pair_distance=spread(pairs),
        ),
    )  # fmt: skip


def test_generative_quality_is_held_against_the_plain_network_and_then_against_all() -> None:
    curves = [curve("w", "wavenet", SHORT), curve("m", "mlp", FLAT), curve("g", "recurrent", SHORT)]
    mlp = generated("m", "mlp", hits=60, lengths=0.3, pairs=0.08)
    gru = generated("g", "recurrent", hits=90, lengths=0.02, pairs=0.06)
    best = generated("w", "wavenet", hits=80, lengths=0.03, pairs=0.06)
    found = verdicts.quality([best, mlp, gru], curves)
    assert found.word == "holds"
    assert found.sentence == (
        "w is better than m in held-out names hit, lengths and letter pairs: 80 against 60 different held-out names, "
        "distances of lengths 0.030 against 0.300 and of letter pairs 0.060 against 0.080. "
        "Better than it, by more than draws differ: g in held-out names hit and lengths."
    )
    part = generated("w", "wavenet", hits=60, lengths=0.03, pairs=0.2)
    found = verdicts.quality([part, mlp], curves)
    assert found.word == "holds in part"
    assert "w is better than m in lengths, worse in letter pairs" in found.sentence
    assert "No other model is better than it" in found.sentence
    same = generated("w", "wavenet", hits=61, lengths=0.3, pairs=0.08)
    found = verdicts.quality([same, mlp], curves)
    assert found.word == "does not hold here"
    assert "w is no better than m:" in found.sentence
    assert verdicts.quality([best], curves[:1]).word == "not measured yet"


def rate(title: str, family: str, ratio: tuple[float, float, float]) -> Rate:
    return Rate(
        title=title, family=family, parameters=1, training=1.0, by_length=(1.0, 1.0), sampling=1.0,
        relative={"training": ratio, "2": (1.0, 1.0, 1.0), "14": (1.6, 1.5, 1.7), "sampling": (0.5, 0.4, 0.6)},
    )  # fmt: skip


def test_parallel_holds_where_training_is_faster_by_more_than_measurements_differ() -> None:
    ours, other = rate("WaveNet", "wavenet", (1, 1, 1)), rate("Transformer", "transformer", (0.5, 0.4, 0.6))
    gru, rnn = rate("GRU", "recurrent", (1.5, 1.4, 1.6)), rate("RNN", "recurrent", (1.2, 1.1, 1.3))
    found = verdicts.parallel([ours, gru, rnn, other])
    assert found.word == "holds"
    assert found.sentence == (
        "In training the WaveNet is faster than the GRU (1.50 times, 1.40 to 1.60) and faster than the RNN (1.20 "
        "times, 1.10 to 1.30); on names of 14 letters, where a recurrent model has to go 15 steps one after the "
        "other, it is faster than the GRU (1.60 times, 1.50 to 1.70) and faster than the RNN (1.60 times, 1.50 to "
        "1.70). In drawing names it is slower than the GRU (0.50 times, 0.40 to 0.60) and slower than the RNN (0.50 "
        "times, 0.40 to 0.60). What differs by 15% or less counts as equally fast: measurements of the same "
        "vary by that much."
    )


@pytest.mark.parametrize("ratio", [(0.89, 0.86, 0.92), (0.99, 0.9, 1.0), (1.14, 1.08, 1.19)])
def test_a_tie_stays_a_tie_from_one_measurement_to_the_next(ratio: tuple[float, float, float]) -> None:
    """What three measurements of the same gave leads to one verdict, in the same words but for the figures."""
    ours, gru = rate("WaveNet", "wavenet", (1, 1, 1)), rate("GRU", "recurrent", (1.32, 1.31, 1.6))
    rnn = rate("RNN", "recurrent", ratio)
    found = verdicts.parallel([ours, gru, rnn])
    assert found.word == "holds in part"
    assert "is faster than the GRU (1.32 times, 1.31 to 1.60) and as fast as the RNN (" in found.sentence
    assert verdicts.parallel([ours, rnn]).word == "does not hold here"


# --------------------------------------------------------------------------------------------- all of it, and files


@pytest.fixture
def found(tiny_names: tuple[str, ...], quick_claims: None) -> Measured:
    parts, vocabulary = Split("lecture", tiny_names, ("emmet", "olive"), ("miles",)), Vocabulary.of(tiny_names)
    small, plain = WaveNetConfig(residual=4, gate=4, skip=4, dropout=0.1), RunConfig.from_flat({"preset": "mlp-3"})
    subjects = [
        Subject("first", build(small, vocabulary.size, 1).eval(), RunConfig(model=small)),
        Subject("second", build(plain.model, vocabulary.size, 1).eval(), plain),
    ]
    measurement = Measurement(subjects, parts, vocabulary, DataConfig(), "Tiny")
    shares = [share for share, _ in measurement.run()]
    assert shares == sorted(shares)
    assert all(0 <= share < 1 for share in shares)
    return measurement.found


def test_a_measurement_holds_every_subject(found: Measured) -> None:
    assert [(each.title, each.family) for each in found.curves] == [("first", "wavenet"), ("second", "mlp")]
    assert [each.title for each in found.generated] == ["first", "second"]
    assert [(each.steps, each.optimiser, each.batching, each.dropout) for each in found.curves] == [
        (2000, "adamw", "names", 0.1), (2000, "muon", "names", 0.0),
    ]  # fmt: skip
    assert found.names == 2
    assert found.curves[0].visible == tuple(range(1, 17))
    assert found.hidden[:6] == pytest.approx([10 / 12, 8 / 12, 6 / 12, 4 / 12, 2 / 12, 0])
    for each in found.curves:
        assert each.worth[-1] == each.error[-1] == 0
        assert each.at(3)[0] == pytest.approx(each.losses[2] - each.loss, abs=1e-6)
    assert found.curves[1].worth[2:] == pytest.approx([0] * 14, abs=1e-6)
    assert [each.preset for each in found.work] == list(measured.FUSING)


def test_a_long_list_is_measured_in_part(quick_claims: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long names of many letters: few of them, few letters visible, and then all; what is left out is counted."""
    dice, letters = random.Random(1), [chr(0x4E00 + i) for i in range(100)]
    names = ["".join(dice.choices(letters, k=length)) for length in (40,) * 60]
    parts, vocabulary = (
        Split("lecture", tuple(names[:40]), tuple(names[40:50]), tuple(names[50:])),
        Vocabulary.of(names),
    )
    numbers = 41 * vocabulary.size  # of one name
    limits = ClaimLimits(max_train_numbers=20 * numbers, max_validation_numbers=4 * numbers + 1, max_visible=3)
    monkeypatch.setattr(measured, "CLAIM_LIMITS", limits)
    run = RunConfig.from_flat({"preset": "gru"})
    subject = Subject("gru", build(run.model, vocabulary.size, seed=1), run)
    measurement = Measurement([subject], parts, vocabulary, DataConfig(), "Long")
    said = [doing for _, doing in measurement.run()]
    assert said.count("What gru makes of fewer letters") == 4
    found = measurement.found
    assert (found.names, found.left_out) == (4, (20, 6))
    assert found.curves[0].visible == (1, 2, 3, 41)
    assert found.hidden == pytest.approx([40 / 41, 39 / 41, 38 / 41, 0])
    whole = evaluate(subject.model, Packed(parts.validation[:4], vocabulary)).loss
    assert found.curves[0].loss == pytest.approx(whole, abs=1e-5)


def test_a_model_that_could_be_told_something_is_said_to_be_told_nothing() -> None:
    config = WaveNetConfig(residual=4, gate=4, skip=4, conditions="sex")
    assert Subject("mine", build(config, 27), RunConfig()).label == "mine, told nothing"
    assert Subject("mine", build(config.changed(conditions="none"), 27), RunConfig()).label == "mine"


def test_what_was_measured_is_kept_and_read_again(found: Measured, tmp_path: Path) -> None:
    measured.write(tmp_path / "claims.json", found)
    assert measured.read(tmp_path / "claims.json") == found


def test_files_that_can_not_be_read_or_written_are_refused(found: Measured, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"'none\.json' can't be read"):
        measured.read(tmp_path / "none.json")
    (tmp_path / "old.json").write_text('{"curves": 3}')
    with pytest.raises(Refusal, match=r"'old\.json' is none of this version"):
        measured.read(tmp_path / "old.json")
    with pytest.raises(Refusal, match="can't be written"):
        measured.write(tmp_path, found)


def test_what_ships_can_be_read_and_has_verdicts() -> None:
    """Of this version, on the list that ships, with a WaveNet in it."""
    found = measured.read(measured.SHIPPED)
    assert found.data == DataConfig()
    said = verdicts.verdicts(found, [])
    assert said.keys() == {claim.key for claim in verdicts.CLAIMS}
    assert [key for key, verdict in said.items() if verdict.word == "not measured yet"] == ["fusion"]


def test_the_command_measures_prints_and_keeps(
    quick_claims: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence a claim, or everything as a document; the file is what the page reads."""
    monkeypatch.setattr(measured, "CLAIM_LIMITS", ClaimLimits(max_train_names=300))
    out = tmp_path / "claims.json"
    assert main(["claims", "bigram", "mlp-3", "--json", "--out", str(out)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["claim"] for each in document["verdicts"]] == [claim.title for claim in verdicts.CLAIMS]
    assert [each["title"] for each in document["curves"]] == ["bigram", "mlp-3"]
    assert document["curves"][0]["losses"][0] == pytest.approx(2.472, abs=0.001)
    assert measured.read(out).generated[1].title == "mlp-3"
    assert main(["claims", "bigram"]) == 0
    printed = capsys.readouterr().out
    for claim in verdicts.CLAIMS:
        assert re.search(rf"^{claim.title}: [a-z ]+\n  [A-Za-z].+\.$", printed, flags=re.MULTILINE)
