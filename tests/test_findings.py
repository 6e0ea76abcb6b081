"""The notebook's summary: each sentence follows from two rows of the table, and says no more than they do."""

import pytest

from wavenames.config import PRESETS
from wavenames.findings import QUESTIONS, Finding, summary
from wavenames.table import PUBLISHED, ROWS, Figure, Part, Row


def row(
    name: str,
    lecture: Figure | None,
    unique: Figure | None = None,
    *,
    parameters: int = 100,
    steps: int = 20,
    optimiser: str = "muon",
    batching: str = "names",
    dropout: float = 0.0,
) -> Row:
    """A row with these validation losses, and a test loss that would say the opposite."""
    losses: dict[tuple[str, Part], Figure] = {("lecture", "test"): Figure(9.0, 0.1, 3)}
    if lecture is not None:
        losses["lecture", "validation"] = lecture
    if unique is not None:
        losses["unique", "validation"] = unique
    family = PRESETS[name].model.family
    return Row(
        name, family, parameters, 3, steps, optimiser, batching, dropout, (), 1.0, 3, 6, losses, 0,
        current=True,
    )  # fmt: skip


def found(before: tuple[float, float | None], after: tuple[float, float | None]) -> Finding:
    """What is said of the plain MLP with eight letters in place of three, on one split."""
    (finding,) = summary([row("mlp-3", Figure(*before, 3)), row("mlp-8", Figure(*after, 3), parameters=200)])
    return finding


def test_what_a_step_bought_is_the_difference_of_two_rows_which_are_named() -> None:
    finding = found((2.103, 0.004), (2.052, 0.006))
    assert finding.topic == "Block size"
    assert finding.sentence == (
        "Eight letters in sight in place of three, in the plain MLP, bought 0.051 on the lecture split."
    )
    assert finding.rows == ("mlp-3", "mlp-8")
    assert finding.evidence == (
        "mlp-3 2.103 ± 0.004 to mlp-8 2.052 ± 0.006 on lecture (difference 0.051, spread 0.010); "
        "100 to 200 parameters, 20 steps"
    )
    assert finding.steps[0].gain == pytest.approx(0.051)


def test_a_loss_that_rose_is_a_cost() -> None:
    assert "cost 0.050 on the lecture split" in found((2.05, 0.001), (2.10, 0.001)).sentence


@pytest.mark.parametrize("gain", [0.0, 0.0099, -0.0099])
def test_a_difference_within_the_spread_is_none(gain: float) -> None:
    """While the ranges mean ± spread touch."""
    finding = found((2.1, 0.004), (2.1 - gain, 0.006))
    assert "made no difference beyond the spread on the lecture split" in finding.sentence
    assert "bought" not in finding.sentence
    assert "cost" not in finding.sentence
    assert "spread 0.010" in finding.evidence


def test_from_one_seed_the_spread_is_not_known() -> None:
    assert (
        "bought 0.100, from a single seed, so that the spread is not known," in found((2.1, None), (2.0, 0)).sentence
    )


def test_both_splits_are_heard() -> None:
    """In one breath where they agree, apart where they don't."""
    three = row("mlp-3", Figure(2.10, 0.001, 3), Figure(2.11, 0.001, 3))
    agree = row("mlp-8", Figure(2.10, 0.001, 3), Figure(2.11, 0.001, 3))
    differ = row("mlp-8", Figure(2.05, 0.001, 3), Figure(2.11, 0.001, 3))
    assert "made no difference beyond the spread on either split." in summary([three, agree])[0].sentence
    assert summary([three, differ])[0].sentence.endswith(
        "bought 0.050 on the lecture split and made no difference beyond the spread on the unique split."
    )


def test_a_longer_training_is_said_and_not_credited_to_the_idea_alone() -> None:
    """Counting has no steps worth telling."""
    figures = Figure(2.10, 0.001, 3), Figure(2.05, 0.001, 3)
    (finding,) = summary([row("dilated-76k", figures[0], steps=2000), row("wavenet-m-tanh", figures[1], steps=5000)])
    assert finding.sentence == (
        "Residuals, skips and a longer sight, without gates yet, bought 0.050 on the lecture split, "
        "trained for 5,000 steps in place of 2,000."
    )
    assert finding.evidence.endswith("100 parameters, 2,000 to 5,000 steps")
    (finding,) = summary([row("kn-5", figures[0], steps=1), row("wavenet-m", figures[1], steps=5000)])
    assert finding.sentence.endswith("bought 0.050 on the lecture split.")
    assert finding.evidence.endswith("100 parameters")


def test_another_optimiser_other_batches_and_another_dropout_are_said_too() -> None:
    """Alone, together, and behind the steps; nothing of what counting has not."""
    figures = Figure(2.10, 0.001, 3), Figure(2.05, 0.001, 3)
    (finding,) = summary([row("tree-22k", figures[0]), row("tree-76k", figures[1], optimiser="adamw")])
    assert finding.sentence == ("A wider tree bought 0.050 on the lecture split, trained by AdamW in place of Muon.")
    (finding,) = summary([row("wavenet-s", figures[0], dropout=0.05), row("wavenet-m", figures[1], dropout=0.1)])
    assert finding.sentence.endswith("bought 0.050 on the lecture split, trained with dropout 0.1 in place of 0.05.")
    (finding,) = summary([
        row("dilated-76k", figures[0], optimiser="adamw"), row("wavenet-m-tanh", figures[1], steps=5000, dropout=0.1)
    ])  # fmt: skip
    assert finding.sentence.endswith(
        ", trained for 5,000 steps in place of 20, by Muon in place of AdamW, with dropout 0.1 in place of 0."
    )
    (finding,) = summary([row("mlp-8", figures[0]), row("mlp-8-bn", figures[1], batching="windows")])
    assert finding.sentence.endswith(", trained on windows drawn one by one in place of whole names.")
    (finding,) = summary([row("kn-5", figures[0], optimiser="none"), row("wavenet-m", figures[1], dropout=0.1)])
    assert finding.sentence.endswith("bought 0.050 on the lecture split.")


def test_only_rows_of_a_common_split_are_compared() -> None:
    """A sentence waits for its rows."""
    assert summary([row("mlp-3", Figure(2.1, 0.1, 3))]) == []
    assert summary([row("mlp-3", Figure(2.1, 0.1, 3)), row("mlp-8", None, Figure(2.1, 0.1, 3))]) == []


def test_the_same_difference_in_what_others_print_stands_beside() -> None:
    """Of one source at a time: the notebook's own two rows, the lecture's own two."""
    figure = Figure(2.1, 0.01, 3)
    rows = [row(name, figure) for name in ROWS]
    printed = {finding.rows: finding.printed for finding in summary(rows, PUBLISHED)}
    assert printed["mlp-3", "mlp-8"] == "notebook 0.048 better"
    assert printed["mlp-3-bn", "mlp-8-bn"] == "notebook 0.067 better"
    assert printed["mlp-3", "mlp-3-bn"] == "notebook 0.008 worse, lecture 3 0.002 worse"
    assert printed["mlp-8-bn", "tree-22k"] == "lecture 5 0.005 better"
    assert printed["wavenet-s", "wavenet-m"] == ""


def test_every_topic_of_the_summary_has_its_questions_and_every_row_its_place() -> None:
    """Block size, normalisation, tree, gate, width and labels; no row of the table goes unused."""
    topics = [question.topic for question in QUESTIONS]
    assert list(dict.fromkeys(topics)) == [
        "Block size", "Normalisation", "Tree", "Gate", "Width", "Other rungs", "Labels",
    ]  # fmt: skip
    assert {name for question in QUESTIONS for name in (question.before, question.after)} == set(ROWS)
    figure = Figure(2.1, 0.01, 3)
    assert len(summary([row(name, figure) for name in ROWS])) == len(QUESTIONS)
