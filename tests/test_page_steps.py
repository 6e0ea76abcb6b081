"""Steps: a run at each step that is kept, the same names as it showed, and the way there when there is no run yet."""

import re
import secrets
import shutil
import time

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import chart, opened
from wavenames.checkpoints import load_shipped
from wavenames.config import RunConfig
from wavenames.names import Vocabulary
from wavenames.probes.surprisal import Surprisal, surprisal
from wavenames.store import StoredList
from wavenames.ui import steps_view
from wavenames.ui.live_run import POLL_AT_REST
from wavenames.ui.session import model_at, run_vocabulary, scheduler, store

pytestmark = pytest.mark.usefixtures("fresh_server")

SMALL = {"preset": "mlp-3", "steps": "30", "evaluate_every": "10", "hidden": "8", "seed": "3"}


def trained(**words: str) -> str:
    run_id = scheduler().submit(RunConfig.from_flat(SMALL | words))
    ended(run_id)
    return run_id


def ended(run_id: str) -> None:
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)


def slots(html: str) -> list[str]:
    return [re.sub("<.*?>", "", slot).replace("■", "") for slot in re.findall(r"<li.*?</li>", html)]


def shown(app: AppTest) -> list[dict[str, str]]:
    """The frames of the player."""
    frames: list[dict[str, str]] = chart(app, "mlp-3: Step 30")["frames"]
    return frames


def test_each_step_shows_the_names_that_the_run_showed_and_the_name_as_its_model_read_it() -> None:
    run_id = trained()
    app = opened("steps", {"steps_name": "ruth"})
    samples = dict(scheduler().snapshot(run_id).samples)
    vocabulary = run_vocabulary(run_id)
    frames = shown(app)
    assert [frame["label"] for frame in frames] == [f"step {step}" for step in (0, 10, 20, 30)]
    for step, frame in zip((0, 10, 20, 30), frames, strict=True):
        assert slots(frame["html"]) == list(samples[step])
        reading = surprisal(model_at(run_id, step), vocabulary, "ruth")
        assert f"{reading.per_letter:.3f} nats per letter" in frame["html"]
        assert ", ".join(f"{p.letter} {-p.log_probability:.2f}" for p in reading.places[:-1]) in frame["text"]
        assert frame["text"].startswith(f"mlp-3: Step {step}, validation loss ")
    assert len({frame["html"] for frame in frames}) == 4


def test_any_id_that_a_run_may_have_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit takes no key of a component with two underlines in a row."""
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _: "__a__--b__cdefghijkl__")
    trained()
    assert len(shown(opened("steps", {}))) == 4


def test_a_name_that_cannot_be_read_is_refused_and_the_last_one_stands() -> None:
    trained()
    app = opened("steps", {"steps_name": "ruth"})
    app.text_input(key="steps_name").set_value("rüth").run()
    assert len(app.error) == 1
    assert "Surprisal in nats: r " in shown(app)[0]["text"]
    app.text_input(key="steps_name").set_value(" Emma ").run()
    assert not app.error
    assert "Surprisal in nats: e " in shown(app)[0]["text"]


def test_a_list_of_other_letters_has_an_example_of_its_own() -> None:
    names = StoredList("upload-0123456789ab", "Mine", tuple("αβγδεζηθικλμνξοπρστυφχψω"), "", "")
    store().keep_list(names)
    trained(names=names.id)
    app = opened("steps", {})
    assert not app.error
    assert app.text_input(key="steps_name").value == "α"


def test_without_a_run_the_two_ends_of_a_shipped_model_stand_there_and_one_press_starts_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run that the press starts is shown, from its first step on."""
    monkeypatch.setattr(steps_view, "QUICK", SMALL)
    app = opened("steps", {})
    assert "Models that ship come without their history" in app.info[0].value
    shown_html = [str(each.proto.body) for each in app.get("html")]
    start, end = (html for html in shown_html if html.startswith('<div class="wn-moment">'))
    assert [html for html in shown_html if "A blind guess: 3.30" in html]
    ships = surprisal(load_shipped("wavenet-m").model(), load_shipped("wavenet-m").vocabulary, "isabella")
    assert "3.3" in start
    assert f"{ships.per_letter:.3f} nats per letter" in end
    app.button(key="steps_train").click().run()
    assert not app.exception
    ended(store().runs()[0].id)
    app.run()
    assert [frame["label"] for frame in shown(app)] == ["step 0", "step 10", "step 20", "step 30"]


def test_a_press_that_is_refused_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps_view, "QUICK", SMALL | {"names": "upload-0123456789ab"})
    app = opened("steps", {})
    app.button(key="steps_train").click().run()
    assert "this server has no such list" in app.error[0].value


def test_a_model_that_counts_shows_its_two_steps_without_a_map() -> None:
    run_id = scheduler().submit(RunConfig.from_flat({"preset": "bigram"}))
    ended(run_id)
    app = opened("steps", {"steps_run": run_id})
    frames = chart(app, "bigram: Step 1")["frames"]
    assert [frame["label"] for frame in frames] == ["step 0", "step 1"]
    assert any("keeps no vectors" in each.value for each in app.caption)


def test_a_run_of_before_its_weights_were_kept_is_not_offered() -> None:
    old = trained()
    shutil.rmtree(store().weights_path(old, 0).parent)
    assert opened("steps", {}).button(key="steps_train")
    mine = trained(seed="4")
    assert [mine] == list(steps_view.runs_with_steps())


def test_a_run_that_is_deleted_while_it_is_shown_leaves_the_page_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its label was read, before its weights: the page is drawn anew, without it."""
    run_id = trained()
    app = opened("steps", {})

    def deleted_after_a_look(key: str) -> Vocabulary:
        vocabulary = run_vocabulary(key)
        scheduler().delete(run_id)
        return vocabulary

    monkeypatch.setattr(steps_view, "run_vocabulary", deleted_after_a_look)
    app.text_input(key="steps_name").set_value("ruth").run()
    assert not app.exception
    assert app.button(key="steps_train")


def test_a_run_that_rests_is_looked_at_again_since_it_may_be_taken_up_from_another_tab() -> None:
    """And one that has ended is not."""
    run_id = scheduler().submit(RunConfig.from_flat(SMALL | {"steps": "100000"}))
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).step < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    scheduler().pause(run_id)
    while scheduler().snapshot(run_id).status != "paused" and time.monotonic() < deadline:
        time.sleep(0.05)
    app = opened("steps", {"steps_run": run_id})
    assert app.session_state[steps_view.PACE] == POLL_AT_REST
    scheduler().resume(run_id)
    app.run()
    assert app.session_state[steps_view.PACE] == steps_view.POLL
    scheduler().stop(run_id)
    while scheduler().snapshot(run_id).status != "stopped" and time.monotonic() < deadline:
        time.sleep(0.05)
    app.run()
    assert app.session_state[steps_view.PACE] is None


@pytest.mark.parametrize(
    "words",
    [
        {"optimiser": "sgd", "learning_rate": "1000", "schedule": "constant"},
        {"patience": "1", "learning_rate": "1", "steps": "200"},
    ],
)
def test_a_run_that_fell_back_shows_its_best_weights_as_such(words: dict[str, str]) -> None:
    """Whether it ran away or came no lower: with the loss that they have, not with that of the last step."""
    run = scheduler().snapshot(trained(**words))
    assert run.validation_loss == pytest.approx(run.validation.loss.min())
    frames = chart(opened("steps", {}), "mlp-3: Kept at step")["frames"]
    assert frames[-1]["label"] == "best weights"
    assert all(frame["label"].startswith("step ") for frame in frames[:-1])
    said = f"Kept at step {run.step}: the best weights until then, validation loss {run.validation_loss:.3f} on the "
    assert said in frames[-1]["html"]
    letters = chart(opened("embeddings", {"letters_of": run.id}), "Letters of mlp-3")["frames"]
    assert [frame["label"] for frame in letters][-1] == "best weights"
    table = steps_view._table(looks := steps_view._looks(run), [reading_of(look) for look in looks])
    assert list(table["weights"]) == [*["of this step"] * (len(table) - 1), "best until then"]


def reading_of(look: steps_view.Look) -> Surprisal:
    return steps_view._reading(look, run_vocabulary(look.run), "bo")


def test_the_table_has_a_row_a_step() -> None:
    run_id = trained()
    snapshot = scheduler().snapshot(run_id)
    looks = steps_view._looks(snapshot)
    readings = [*map(reading_of, looks)]
    table = steps_view._table(looks, readings)
    assert list(table["step"]) == [0, 10, 20, 30]
    assert list(table["name 2"]) == [names[1] for _, names in snapshot.samples]
    assert list(table.columns)[-3:] == ["letter 1 b", "letter 2 o", "letter 3 ."]
    assert table["letter 1 b"][3] == -readings[3].places[0].log_probability
