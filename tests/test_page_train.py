"""Train: what controls and links ask for is what is trained, and a run shows what it came to."""

import itertools
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text
from tests.pages import opened as open_by_link
from wavenames.config import PRESETS, RECIPES, RunConfig, conditions_of
from wavenames.jobs import Snapshot
from wavenames.store import StoredList
from wavenames.ui import live_run
from wavenames.ui.session import scheduler, store

pytestmark = pytest.mark.usefixtures("fresh_server")


def opened(**link: str) -> AppTest:
    return open_by_link("train", link)


def press(app: AppTest, label: str) -> AppTest:
    return next(each for each in app.button if each.label == label).click().run()


def trained(app: AppTest) -> AppTest:
    """Press Train and look again until the run has ended."""
    press(app, "Train")
    run_id = str(app.query_params["run"])
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.05)
    return app.run()


def words(app: AppTest) -> str:
    """All that the page says, without the backslashes that keep Markdown from reading it as its own."""
    said = (each.value for each in (*app.markdown, *app.caption, *app.error, *app.warning, *app.info))
    return " ".join(said).replace("\\", "")


def losses(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def test_the_page_opens_with_a_model_to_train_and_what_it_comes_to() -> None:
    app = opened()
    assert not app.exception
    assert app.selectbox(key="preset").value == RunConfig().preset
    assert "**76,347** parameters · sees **16** letters" in words(app)
    assert not next(each for each in app.button if each.label == "Train").disabled


@pytest.mark.parametrize("finished", [True, False])
def test_a_run_whose_list_is_gone_is_shown_without_lines(finished: bool, data_folder: Path) -> None:
    """One that has ended has its letters with its model; one that is cut off has no names for them."""
    names = StoredList("upload-0123456789ab", "Mine", tuple(f"{a}{b}" for a in "abcdefgh" for b in "ijkl"), "")
    store().keep_list(names)
    app = trained(opened(preset="mlp-3", steps="20", evaluate_every="10", names=names.id))
    run_id = str(app.query_params["run"])
    if not finished:
        store().checkpoint_path(run_id).unlink()
    with closing(sqlite3.connect(data_folder / "wavenames.db")) as database, database:
        database.execute("delete from lists")
    st.cache_resource.clear()
    st.cache_data.clear()
    app = opened(run=run_id)
    gone = "Names is 'upload-0123456789ab'; this server has no such list. Upload it again on the Names page."
    assert f"Without lines to hold the loss against. {gone}" in words(app)
    assert (f"Without the letters' map. {gone}" in words(app)) != finished
    assert chart_text(app, "Loss in nats per letter")
    assert losses(app)["Validation loss"] != "–"
    if finished:
        assert chart_text(app, "The letters' map at step 20")


def test_before_a_run_stand_the_lines_that_its_loss_will_be_held_against() -> None:
    """Of the list and the model in the controls; once there is a run, its own chart is there instead."""
    app = opened(preset="mlp-3", split="unique", steps="30")
    assert chart_text(app, "Loss in nats per letter").splitlines()[1:] == [
        "mlp-3 (unique split): train not measured yet",
        "uniform: 3.296",
        "bigram: 2.463",
        "kn-5: 2.032",
        "floor for train: 1.871",
    ]
    trained(app)
    assert "train not measured yet" not in chart_text(app, "Loss in nats per letter")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_chosen(preset: str) -> None:
    """Its own settings come with it, and nothing of the model before."""
    app = opened()
    app.selectbox(key="preset").set_value(preset).run()
    assert not app.exception
    assert [each.value for each in app.error] == []
    assert PRESETS[preset].description in words(app)


def test_another_recipe_brings_its_own_settings() -> None:
    app = opened(preset="mlp-3")
    app.selectbox(key="recipe mlp-3").set_value("lecture").run()
    assert app.number_input(key="steps mlp-3 lecture").value == RECIPES["lecture"].steps
    assert app.number_input(key="learning_rate mlp-3 lecture").value == RECIPES["lecture"].learning_rate


def test_a_run_is_trained_as_asked_and_shows_its_three_losses() -> None:
    app = trained(opened(preset="mlp-3", steps="30", evaluate_every="10", hidden="16", seed="5", split="unique"))
    assert not app.exception
    run_id = str(app.query_params["run"])
    snapshot = scheduler().snapshot(run_id)
    assert snapshot.status == "finished"
    assert snapshot.config == RunConfig.from_flat(
        {"preset": "mlp-3", "steps": 30, "evaluate_every": 10, "hidden": 16, "seed": 5, "split": "unique"}
    )
    assert losses(app) == {
        "Train loss": f"{snapshot.train_loss:.3f}",
        "Validation loss": f"{snapshot.validation_loss:.3f}",
        "Test loss": f"{snapshot.test_loss:.3f}",
    }
    assert "All steps are done." in words(app)
    kept = store().run(run_id)
    assert (kept.status, kept.validation) == ("finished", snapshot.validation_loss)


def test_a_run_can_be_watched_by_who_comes_from_names() -> None:
    """Whose slider of letters seen keeps its number in the session."""
    letters_seen = open_by_link("names", {}).session_state["letters_seen"]
    app = opened(preset="mlp-3", steps="5", hidden="16")
    app.session_state["letters_seen"] = letters_seen
    assert not trained(app).exception


def test_a_model_is_counted_where_there_is_nothing_to_train() -> None:
    app = trained(opened(preset="bigram"))
    assert losses(app)["Validation loss"] == "2.472"
    assert "keeps no vectors" in words(app)


def test_a_run_is_held_against_guessing_counting_and_the_lowest_train_loss() -> None:
    """Three reference lines and the floor of what the model sees, in the chart and in its words."""
    app = trained(opened(preset="mlp-3", steps="2", hidden="16"))
    assert app.warning.len == 0
    text = chart_text(app, "Loss in nats per letter")
    for line in ("uniform: 3.296", "bigram: 2.472", "kn-5: 1.992", "floor for train, 3 letters: 1.869"):
        assert line in text.splitlines()
    (train, *_) = app.metric
    assert "No model that sees 3 letters can get below 1.869" in train.help


def test_a_train_loss_below_the_floor_is_reported_as_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavenames.ui.references.loss_floor", lambda *_: 3.0)
    app = trained(opened(preset="bigram"))
    assert "The target leaks: the train loss 2.453 is below 3.000" in words(app)


def test_a_run_that_diverges_says_so_and_what_to_change() -> None:
    app = trained(
        opened(preset="mlp-3", recipe="lecture", steps="200", evaluate_every="50", learning_rate="1000", hidden="16")
    )
    assert any("learning rate" in each.value for each in app.warning)
    assert not app.exception
    *_, names = (each.value for each in app.html if '<table class="wn-evolution"' in each.value)
    assert ">best weights</th></tr>" in names  # not those of the last step


@pytest.mark.parametrize(
    ("control", "value", "said"),
    [
        ("steps wavenet-s modern", 99_999_999, "Steps is 99999999; allowed is a whole number from 1 to 1,000,000."),
        ("seconds wavenet-s modern", -1.0, "Time limit in seconds is -1.0; allowed is a number from 1 to 86,400"),
        ("seed", -3, "Seed is -3; allowed is a whole number from 0 to 4,294,967,295."),
    ],
)
def test_a_number_out_of_bounds_is_refused_and_nothing_is_trained(control: str, value: float, said: str) -> None:
    """A browser that knew the bounds would keep the number to itself, and Train would take the one before."""
    app = opened(preset="wavenet-s")
    box = app.number_input(key=control)
    assert not any([box.proto.has_min, box.proto.has_max])
    box.set_value(value).run()
    assert len(app.error) == 1
    assert said in words(app)
    assert next(each for each in app.button if each.label == "Train").disabled


def test_dilations_out_of_bounds_are_refused_and_nothing_is_trained() -> None:
    app = opened(preset="wavenet-s")
    app.text_input(key="dilations wavenet-s").set_value("1,two").run()
    assert len(app.error) == 1
    assert "Dilations is two; allowed is 1 to 10 whole numbers from 1 to 32, such as 1,2,4,8." in words(app)
    assert next(each for each in app.button if each.label == "Train").disabled
    assert not store().runs()


def test_a_press_counts_also_when_the_run_is_to_be_looked_at_at_another_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is then drawn anew, which used to come before the buttons."""
    app = press(opened(preset="wavenet-s", steps="5000"), "Train")
    run_id = str(app.query_params["run"])
    paces = itertools.chain([1.0, 2.0], itertools.repeat(3.0))
    monkeypatch.setattr("wavenames.ui.live_run._pace", lambda _: next(paces))
    press(app, "Stop")
    deadline = time.monotonic() + 30
    while scheduler().snapshot(run_id).status != "stopped" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert scheduler().snapshot(run_id).status == "stopped"


def test_a_run_is_looked_at_less_often_as_it_goes_on_until_its_end_is_near() -> None:
    app = trained(opened(preset="bigram"))
    run = replace(scheduler().snapshot(str(app.query_params["run"])), status="running")

    def pace(seconds: float, left: float | None) -> float | None:
        return live_run._pace(replace(run, seconds=seconds, seconds_left=left))

    assert [pace(0, None), pace(4.9, 60), pace(5, 60), pace(9.9, 2.6), pace(10, None), pace(3600, 5.1)] == [
        1,
        1,
        2.5,
        2.5,
        5,
        5,
    ]
    assert [pace(8, 2.4), pace(3600, 4.9), pace(3600, 0.0)] == [1, 1, 1]
    assert [pace(8, 2.5), pace(3600, 5.0)] == [2.5, 5]
    assert live_run._pace(replace(run, status="paused", seconds=3600)) == 5
    assert live_run._pace(replace(run, status="finished", seconds=3600)) is None


def test_what_was_asked_of_a_run_is_said_before_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step, or the evaluation at the end, may take seconds; nobody should press twice."""
    monkeypatch.setattr("wavenames.jobs.work.Work.advance", lambda *_: time.sleep(0.01))  # heeds nothing
    app = press(opened(preset="wavenet-s", steps="5000"), "Train")
    seen = []
    for asked in ("Pause", "Stop"):
        press(app, asked)
        enabled = {each.label: not each.disabled for each in app.button if each.label in ("Pause", "Stop")}
        seen.append((app.get("progress")[0].proto.text.split(" · ")[0], enabled))
        assert live_run._pace(scheduler().snapshot(str(app.query_params["run"]))) == live_run.POLL[0][1]
    assert seen == [("Pausing", {"Pause": False, "Stop": True}), ("Stopping", {"Pause": False, "Stop": False})]


def test_a_paused_run_rests_and_goes_on() -> None:
    app = press(opened(preset="wavenet-s", steps="5000"), "Train")
    run_id = str(app.query_params["run"])
    press(app, "Pause")
    deadline = time.monotonic() + 30
    while scheduler().snapshot(run_id).status != "paused" and time.monotonic() < deadline:
        time.sleep(0.05)
    app.run()
    assert [each.label for each in app.button if each.label in ("Pause", "Resume")] == ["Resume"]
    rested = scheduler().snapshot(run_id).step
    press(app, "Resume")
    while scheduler().snapshot(run_id).step <= rested and time.monotonic() < deadline:
        time.sleep(0.05)
    assert scheduler().snapshot(run_id).step > rested
    scheduler().stop(run_id)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"preset": "foo"}, "Model is 'foo'; allowed is one of quick, bigram,"),
        ({"preset": "foo"}, "Left at the default: Model."),
        ({"learning_rate": "abc"}, "Learning rate is abc; allowed is a number from 0 to 1,000."),
        ({"preset": "mlp-3", "hidden": "-3"}, "Hidden is -3; allowed is a whole number from 1 to 512."),
    ],
)
def test_what_a_link_asks_for_in_vain_is_named_with_what_is_allowed(link: dict[str, str], said: str) -> None:
    app = opened(**link, nonsense="1")
    assert said in words(app)
    assert len(app.warning) == 1
    assert not app.run().warning, "once is enough"


def test_a_link_to_an_unknown_run_is_answered_in_a_sentence() -> None:
    app = opened(run="AAAAAAAAAAAAAAAAAAAAAA")
    assert not app.exception
    assert len(app.warning) == 1


def test_a_run_that_is_deleted_while_it_is_shown_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the page, once: not as a traceback in the place of the run, which is looked at again and again."""
    app = trained(opened(preset="bigram"))
    found = live_run._pace

    def deleted_after_the_first_look(run: Snapshot) -> float | None:
        scheduler().delete(run.id)
        return found(run)

    monkeypatch.setattr(live_run, "_pace", deleted_after_the_first_look)
    app.run()
    assert not app.exception
    assert [each.value for each in app.warning] == ["This run was deleted\\."]


def test_the_link_of_a_run_selects_the_list_that_it_learned() -> None:
    """Also one that a visitor brought, for whoever has the link."""
    names = StoredList("upload-0123456789ab", "Mine", tuple("abcdefghijklmnopqrstuvwxyz"), "", "")
    store().keep_list(names)
    run_id = str(trained(opened(preset="bigram", names=names.id)).query_params["run"])
    app = opened(run=run_id)
    assert app.selectbox(key="names").value == names.id
    assert "Learned Mine, lecture split." in words(app)


# ------------------------------------------------------------------------------------------- what a model is told


def test_a_link_can_ask_for_conditions_and_the_run_is_told() -> None:
    """The setting, and the share of hidden labels that goes with it, reach the run."""
    app = trained(opened(preset="mlp-3", conditions="sex", label_dropout="0.3", steps="20", evaluate_every="20"))
    assert not app.exception
    config = scheduler().snapshot(str(app.query_params["run"])).config
    assert (conditions_of(config.model), config.recipe.label_dropout) == (("sex",), 0.3)
    assert "this list knows the sex of each name" in words(app)


def test_hidden_labels_are_a_setting_only_where_there_are_labels() -> None:
    app = opened(preset="mlp-3")
    assert "label_dropout mlp-3 modern" not in {each.key for each in app.number_input}
    app.selectbox(key="conditions mlp-3").set_value("sex").run()
    assert "label_dropout mlp-3 modern" in {each.key for each in app.number_input}


def test_what_a_list_does_not_know_cannot_be_told() -> None:
    """Said before anyone presses Train, with what the list knows."""
    app = opened(preset="mlp-3", conditions="decade")
    assert "the list 'US births of 2018' knows sex." in words(app)
    assert next(each for each in app.button if each.label == "Train").disabled
    names = StoredList("upload-0123456789ab", "Mine", tuple("abcdefghijklmnopqrstuvwxyz"), "", "")
    store().keep_list(names)
    app = opened(preset="mlp-3", names=names.id)
    assert [each.value for each in app.error] == []
    assert "Mine: this list knows nothing but the names." in words(app)
    told = replace(names, id="upload-0123456789ac", title="Told", labels={"sex": ("F", "any") * 13})
    store().keep_list(told)
    app = opened(preset="mlp-3", names=told.id, conditions="sex")
    assert [each.value for each in app.error] == []
    assert "Told: this list knows the sex of each name." in words(app)
    app = opened(preset="mlp-3", names=names.id, conditions="sex")
    assert "the list 'Mine' knows nothing but the names." in words(app)
    app.selectbox(key="conditions mlp-3").set_value("none").run()
    assert [each.value for each in app.error] == []


def test_without_a_link_the_newest_runs_lead_back() -> None:
    assert "Latest runs" not in words(opened())
    config = RunConfig.from_flat({"preset": "bigram"})
    ids = [scheduler().submit(config, f"run *{number}*") for number in range(6)]
    deadline = time.monotonic() + 60
    while scheduler().snapshot(ids[-1]).status in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.05)
    app = opened()
    labels = [each.label.replace("\\", "") for each in app.button if str(each.key).startswith("open_")]
    assert [label.split(" · ")[0] for label in labels] == [f"run *{number}*" for number in (5, 4, 3, 2, 1)]
    assert labels[0].startswith("run *5* · finished · validation 2.")
    app = app.button(key=f"open_{ids[3]}").click().run()
    assert app.query_params["run"] == ids[3]
    assert app.header[0].value.replace("\\", "") == "run *3*"


def test_a_run_that_rests_is_looked_at_now_and_then() -> None:
    """It can be taken up from another tab; one that has ended can't."""
    assert [live_run.pace_of(status, 1.5) for status in ("queued", "running")] == [1.5, 1.5]
    assert [live_run.pace_of(status, 1.5) for status in ("paused", "interrupted")] == [live_run.POLL_AT_REST] * 2
    assert [live_run.pace_of(status, 1.5) for status in ("finished", "stopped", "failed", None)] == [None] * 4
