"""Results: the notebook's table on a page, complete or not, with what its rows say."""

import csv as csv_files
import io
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text, opened
from tests.test_table import entry
from wavenames import table
from wavenames.findings import QUESTIONS
from wavenames.names import MAKEMORE
from wavenames.table import PUBLISHED, ROWS, Entry, rows
from wavenames.ui.results_views import csv, dots

pytestmark = pytest.mark.usefixtures("fresh_server")


def finished(
    name: str, *, loss: float = 2.0, digest: str = MAKEMORE.sha256, title: str = MAKEMORE.title
) -> list[Entry]:
    """Trainings of a row from three seeds on both splits, the unique one a little worse."""
    counted = name in ("bigram", "kn-5")
    return [
        entry(
            name, split=split, seed=seed, names=digest, list_title=title, train=loss - 0.1,
            validation=loss + seed / 1000 + (split == "unique") / 100, test=loss + 0.3, seen=loss - 0.2, unseen=loss,
        )
        for seed in ((1,) if counted else (1, 2, 3))
        for split in ("lecture", "unique")
    ]  # fmt: skip


def shipped(entries: list[Entry], folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page when these entries ship."""
    path = folder / "shipped.jsonl"
    for each in entries:
        table.keep(path, each)
    monkeypatch.setattr("wavenames.table.SHIPPED", path)
    return opened("results", {})


def words(app: AppTest) -> str:
    said = (each.value for each in (*app.markdown, *app.caption, *app.error, *app.subheader))
    return " ".join(said).replace("\\", "")


def test_the_page_shows_what_ships() -> None:
    """On makemore's list: at least what counting comes to, beside what the notebook printed."""
    app = opened("results", {})
    shown = app.dataframe[0].value
    assert [name.split()[1] for name in shown[" ", "model"]] == list(ROWS)
    assert list(shown["lecture split", "validation"])[:2] == ["2.453", "1.983"]
    assert shown["printed by others", "others"][2] == "notebook: 2.100, lecture 3: 2.103"
    assert "Counting runs of up to five letters in place of pairs bought 0.470 on the lecture split" in words(app)


def test_rows_that_are_not_trained_are_dashes_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With their size; the sentences that need them wait."""
    app = shipped([*finished("bigram"), *finished("mlp-3")], tmp_path, monkeypatch)
    shown = app.dataframe[0].value
    wavenet = shown[shown[" ", "model"] == "◆ wavenet-m"]
    assert list(wavenet["size and time", "parameters"]) == ["76,347"]
    assert wavenet[["lecture split", "unique split"]].isna().all(axis=None)
    assert "Not trained yet: kn-5, mlp-3-bn," in words(app)
    assert f"{len(QUESTIONS)} of {len(QUESTIONS)} sentences wait" in words(app)


def test_with_nothing_trained_the_page_still_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = shipped([], tmp_path, monkeypatch)
    assert "Measured on makemore's names.txt." in words(app)
    assert len(app.dataframe[0].value) == len(ROWS)
    assert "No row is trained yet" in words(app)


def test_mean_and_spread_over_seeds_on_both_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the table, in the chart's words, and in sentences under the topics of the notebook's summary."""
    every = [each for place, name in enumerate(ROWS) for each in finished(name, loss=2.4 - place / 20)]
    app = shipped(every, tmp_path, monkeypatch)
    shown = app.dataframe[0].value
    mlp = shown[shown[" ", "model"] == "● mlp-3"].iloc[0]
    assert mlp["lecture split", "validation"] == "2.302 ± 0.001"
    assert mlp["unique split", "validation"] == "2.312 ± 0.001"
    assert mlp["lecture split", "unseen"] == "2.300"
    text = chart_text(app, "Validation loss, nats per letter, mean ± spread over seeds")
    assert (
        "mlp-3: lecture split 2.302 ± 0.001, unique split 2.312 ± 0.001, "
        "printed by others, lecture split 2.100 (notebook), printed by others, lecture split 2.103 (lecture 3)"
    ) in text.splitlines()
    said = words(app)
    for topic in ("Block size", "Normalisation", "Tree", "Gate", "Width", "Labels"):
        assert topic in [each.value for each in app.subheader]
    assert "in the plain MLP, bought 0.100 on either split." in said
    assert "mlp-3 2.302 ± 0.001 to mlp-8 2.202 ± 0.001 on lecture" in said
    assert "Printed by others: notebook 0.048 better" in said
    assert "Not trained yet" not in said
    assert "wait for rows" not in said


def test_figures_of_an_earlier_recipe_and_of_runs_that_ran_away_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [entry("mlp-3", names=MAKEMORE.sha256, steps=77), entry("mlp-8", names=MAKEMORE.sha256, diverged=True)]
    said = words(shipped(old, tmp_path, monkeypatch))
    assert "Trained with an earlier recipe than the preset has now: mlp-3." in said
    assert "Of mlp-8, 1 of 1 trainings ran away" in said


def test_of_several_lists_one_is_chosen_and_only_makemores_has_printed_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = finished("mlp-3", digest="b" * 64, title="US births of 2018")
    app = shipped([*finished("mlp-3"), *ours], tmp_path, monkeypatch)
    assert app.selectbox(key="results_of").options == [MAKEMORE.title, "US births of 2018"]
    app.selectbox(key="results_of").select("b" * 64).run()
    assert app.query_params["results_of"] == "b" * 64
    assert app.dataframe[0].value["printed by others", "others"].isna().all()


def test_a_model_that_is_told_something_stands_among_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the same list, and marked; what it bought is said."""
    told = finished("gru-384-sex", loss=1.8, digest=MAKEMORE.sha256_told)
    app = shipped([*finished("gru-384", loss=1.9), *told], tmp_path, monkeypatch)
    assert f"Measured on {MAKEMORE.title}." in words(app)
    assert "gru-384-sex is told the sex of each name that it is measured on; on the unique" in words(app)
    assert "gru-384 is told" not in words(app)
    assert "Being told the sex of each name bought 0.100 on either split." in words(app)


def test_a_table_that_can_not_be_read_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shipped.jsonl").write_text("nonsense\n")
    assert "Line 1 of" in words(shipped([], tmp_path, monkeypatch))


def test_the_table_travels_as_csv_with_all_its_digits() -> None:
    """Ours and theirs, told apart by their source."""
    read = list(csv_files.DictReader(io.StringIO(csv(rows(finished("mlp-3")), PUBLISHED))))
    assert [(line["model"], line["source"]) for line in read] == [
        ("mlp-3", "wavenames"), ("mlp-3", "notebook"), ("mlp-3", "lecture 3"),
    ]  # fmt: skip
    assert float(read[0]["lecture validation"]) == pytest.approx(2.002)
    assert float(read[0]["lecture validation spread"]) == pytest.approx(0.001)
    assert read[1]["lecture validation"] == "2.1003"
    assert read[1]["unique validation"] == ""


def test_each_row_has_a_dot_for_each_split_and_one_for_each_printed_figure() -> None:
    found = dots(rows([*finished("mlp-3"), *finished("transformer")]), PUBLISHED)
    assert [(dot.row, dot.hollow, dot.family) for dot in found] == [
        ("mlp-3", False, "mlp"), ("mlp-3", True, "mlp"),
        ("transformer", False, "transformer"), ("transformer", True, "transformer"),
        ("mlp-3", False, None), ("mlp-3", False, None),
    ]  # fmt: skip
