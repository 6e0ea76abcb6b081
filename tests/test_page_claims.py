"""Claims: four sentences, a verdict for each from figures that ship, or from what is measured on the page."""

import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text, opened
from tests.test_table import entry
from wavenames import table
from wavenames.claims import measured, verdicts
from wavenames.config import ClaimLimits, DataConfig, RunConfig
from wavenames.names import MAKEMORE
from wavenames.table import rows, shipped
from wavenames.ui import claims_views
from wavenames.ui.session import find_split, scheduler

pytestmark = pytest.mark.usefixtures("fresh_server")


def words(app: AppTest) -> str:
    said = (each.value for each in (*app.markdown, *app.caption, *app.error))
    return " ".join(said).replace("\\", "")


def finished(name: str, loss: float) -> list[table.Entry]:
    return [
        entry(name, split=split, seed=seed, names=MAKEMORE.sha256, parameters=76_000, validation=loss + seed / 1000)
        for seed in (1, 2, 3)
        for split in ("lecture", "unique")
    ]


def test_each_claim_stands_with_its_verdict_and_figures() -> None:
    """The notebook's words, what became of them, and a chart with the same numbers in words."""
    found = measured.read(measured.SHIPPED)
    app = opened("claims", {})
    assert [each.value for each in app.header] == [claim.title for claim in verdicts.CLAIMS]
    said = words(app)
    for claim in verdicts.CLAIMS:
        assert claim.words in said
    expected = verdicts.verdicts(found, rows(shipped()))
    for key in ("context", "quality", "parallel"):
        assert f"**{expected[key].word.capitalize()}.** {expected[key].sentence}" in said
    assert f"models that ship: {', '.join(curve.title for curve in found.curves)}. US births of 2018" in said
    curves = chart_text(app, "Validation loss against letters visible").splitlines()[1:]
    assert [line.split(":")[0] for line in curves] == [curve.title for curve in found.curves]
    assert curves[0].startswith(f"bigram: 1 {found.curves[0].losses[0]:.3f}, 2 ")
    assert "real names: lengths " in chart_text(app, "Total variation distance to the held-out names")
    assert chart_text(app, "Targets a second in training").splitlines()[1].startswith("WaveNet: 2 ")
    assert said.count("told neither here") == 2
    assert "claims_stop" not in {button.key for button in app.button}


def test_fusion_comes_from_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of makemore's list alone; those that are not there yet are named."""
    path = tmp_path / "table.jsonl"
    monkeypatch.setattr("wavenames.table.SHIPPED", path)
    for name, loss in {"tree-76k": 1.5, "mlp-8-76k": 1.6}.items():
        table.keep(path, entry(name, names="b" * 64, validation=loss))
    assert "**Not measured yet.** The rows of the table that it takes are not trained yet: mlp-8-bn," in words(
        opened("claims", {})
    )
    for each in (*finished("mlp-8-76k", 2.03), *finished("tree-76k", 1.99)):
        table.keep(path, each)
    app = opened("claims", {})
    assert "**Holds.** tree-76k in place of mlp-8-76k bought 0.040 on the lecture split and" in words(app)
    text = chart_text(app, "Validation loss at equal size")
    assert "mlp-8-76k (76,000): lecture split 2.032 ± 0.001, unique split 2.032 ± 0.001" in text


def test_measured_here_stands_in_place_of_what_ships(quick_claims: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models at hand, with their own numbers; another visitor still sees what ships."""
    monkeypatch.setattr(claims_views, "MOST", 2)
    monkeypatch.setattr(measured, "CLAIM_LIMITS", ClaimLimits(max_train_names=300))
    app = opened("claims", {})
    app.button(key="claims_measure").click().run(timeout=120)
    assert not app.exception
    two = ", ".join(row.title for row in claims_views.at_hand()[DataConfig()])
    assert f"Measured here just now: {two}. US births of 2018, lecture split." in words(app)
    left_out = len(find_split(DataConfig()).train) - 300
    assert f"The list is long: {left_out:,} of its train and 0 of its validation names are left out" in words(app)
    assert len(chart_text(app, "Validation loss against letters visible").splitlines()) == 3
    assert chart_text(app, "Targets a second in training").count("\n") == 2
    assert "It takes a trained WaveNet and a trained MLP." in words(app)
    assert "claims_stop" not in {button.key for button in app.button}
    assert "Measured before" in words(opened("claims", {}))


def test_whoever_measures_waits_for_another_and_a_stop_lets_the_next_one_in(
    quick_claims: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn is given back when a measurement breaks off, and without it nothing is measured."""
    monkeypatch.setattr(claims_views, "MOST", 1)

    class Stopped(Exception):
        pass

    class Bar:
        said: str = ""

        def progress(self, _share: float, text: str) -> None:
            Bar.said = text
            raise Stopped

    opened("claims", {})
    chosen = claims_views.at_hand()[DataConfig()]
    claims_views._turn().acquire()
    with pytest.raises(Stopped):
        claims_views.measure(DataConfig(), chosen, Bar())  # type: ignore[arg-type]
    assert Bar.said.startswith("Another visitor measures")
    claims_views._turn().release()
    with pytest.raises(Stopped):
        claims_views.measure(DataConfig(), chosen, Bar())  # type: ignore[arg-type]
    assert Bar.said == "What bigram makes of fewer letters"
    assert claims_views._turn().acquire(blocking=False)
    claims_views._turn().release()
    assert claims_views.FOUND not in st.session_state


def trained(preset: str, **settings: object) -> None:
    """A finished run of this server."""
    run_id = scheduler().submit(RunConfig.from_flat({"preset": preset, **settings}), title=f"my {preset}")
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_runs_of_this_server_stand_behind_the_models_that_ship(quick_claims: None) -> None:
    """By their data; those that learned from other names are measured apart."""
    opened("claims", {})
    trained("mlp-3", steps=1)
    trained("bigram", split="unique")
    groups = claims_views.at_hand()
    assert next(iter(groups)) == DataConfig()
    assert [row.title for row in groups[DataConfig()]][-1] == "my mlp-3"
    assert [row.title for row in groups[DataConfig(split="unique")]] == ["my bigram"]
    app = opened("claims", {})
    assert {"US births of 2018, lecture split", "US births of 2018, unique split"} <= set(
        app.selectbox(key="claims_of").options
    )
    app.selectbox(key="claims_of").select(DataConfig(split="unique")).run()
    app.button(key="claims_measure").click().run(timeout=120)
    assert "Measured here just now: my bigram. US births of 2018, unique split." in words(app)


def test_figures_that_can_not_be_read_are_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "claims.json").write_text("nonsense")
    monkeypatch.setattr(measured, "SHIPPED", tmp_path / "claims.json")
    assert "'claims.json' is none of this version" in words(opened("claims", {}))
