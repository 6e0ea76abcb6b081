"""Break it: first a prediction, then both train, then what came of it, which stays for the visit."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text
from tests.pages import opened as open_by_link
from wavenames.failures import cards as cards_module
from wavenames.failures.cards import CARDS

pytestmark = pytest.mark.usefixtures("fresh_server")


@pytest.fixture(autouse=True)
def short_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same cards on a few small batches."""
    few = {"steps": 12, "evaluate_every": 6, "batch_size": 16}
    for key, card in CARDS.items():
        sound, broken = (each.changed(recipe=each.recipe.changed(**few)) for each in (card.sound, card.broken))
        monkeypatch.setitem(cards_module.CARDS, key, replace(card, sound=sound, broken=broken))


def opened(**link: str) -> AppTest:
    return open_by_link("break", link)


def words(app: AppTest) -> str:
    said = (each.value for each in (*app.markdown, *app.caption, *app.subheader, *app.error))
    return " ".join(said).replace("\\", "")


def played(app: AppTest, key: str, said: int) -> AppTest:
    """Answer a card's question, press its button and look until it has ended."""
    app.radio(key=f"break_said_{key}").set_value(CARDS[key].outcomes[said]).run()
    app.button(key=f"break_run_{key}").click().run()
    for _ in range(60):
        if not app.session_state[RUNNING]:
            return app
        app.run()
    raise AssertionError("the experiment does not end")


RUNNING = "break_running"


def test_all_cards_ask_before_anything_is_trained() -> None:
    app = opened()
    assert [each.label for each in app.radio] == [card.question for card in CARDS.values()]
    assert [list(each.options) for each in app.radio] == [list(card.outcomes) for card in CARDS.values()]
    assert all(each.disabled for each in app.button)
    assert all(card.setup in words(app) for card in CARDS.values())
    app.radio(key="break_said_rate").set_value(CARDS["rate"].outcomes[0]).run()
    assert [each.key for each in app.button if not each.disabled] == ["break_run_rate"]


def test_a_card_that_is_not_there_is_said_once() -> None:
    app = opened(break_card="<b>")
    assert [each.value.replace("\\", "") for each in app.warning] == [
        "The link asks for the card '<b>'; allowed is one of rate, warmup, saturated, batchnorm, context."
    ]
    assert "break_card" not in app.query_params
    assert len(app.radio) == len(CARDS)
    assert not app.run().warning


@pytest.mark.parametrize("said", [0, 1, 2])
def test_the_answer_comes_after_the_prediction(said: int) -> None:
    """Right or wrong, with the curve, the names, the lights and a sentence of figures."""
    app = played(opened(), "context", said)
    assert not app.exception
    assert str(app.query_params["break_card"]) in ("context", "['context']")
    came = CARDS["context"].outcome(app.session_state["break_found"]["context"])
    assert f"**{CARDS['context'].outcomes[came]}.**" in words(app)
    assert ("You were right." in words(app)) == (said == came)
    assert (f"Your answer: *{CARDS['context'].outcomes[said]}.*" in words(app)) == (said != came)
    assert "nats per letter on validation names, its twin at " in words(app)
    curves = chart_text(app, "Loss in nats per letter")
    assert "sound twin (lecture split): train " in curves
    assert "broken (lecture split): train " in curves
    assert "letters by frequency: 2.8" in curves
    names = [each.proto.body for each in app.get("html") if each.proto.body.startswith('<section class="wn-card"')]
    assert ["of 400 stand on the list" in card for card in names] == [True, True]


def test_where_health_shows_nothing_that_is_said_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    app = played(opened(), "context", 1)
    found = app.session_state["break_found"]["context"]
    good = tuple(replace(each, light="good") for each in found.broken.health)
    broken = replace(found.broken, health=good)
    bad = (replace(good[0], light="bad"), *good[1:])
    for twin, said in (
        (good, "Health shows nothing: all lights are good, as its twin's are."),
        (bad, f"all lights are good; its twin's are not all good: {good[0].title} "),
    ):
        app.session_state["break_found"]["context"] = replace(
            found, broken=broken, sound=replace(found.sound, health=twin)
        )
        assert said in words(app.run())


def test_results_stay_and_the_next_card_can_be_played() -> None:
    app = played(opened(), "context", 1)
    app.button(key="break_back").click().run()
    assert "See it again" in {each.label for each in app.button}
    assert len(app.radio) == 4
    played(app, "rate", 2)
    app.button(key="break_back").click().run()
    assert [each.key for each in app.button if each.label == "See it again"] == [
        "break_see_rate",
        "break_see_context",
    ]
    app.button(key="break_see_context").click().run()
    assert "nats per letter on validation names" in words(app)
    app.button(key="break_again").click().run()
    assert app.radio(key="break_said_context").label == CARDS["context"].question


def test_an_experiment_rests_while_another_trains_and_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is dropped that nobody stopped; the answer stands, and only the card that is open trains."""
    monkeypatch.setattr("wavenames.ui.break_view.SLICE", 0.0)
    app = opened()
    for key in ("saturated", "batchnorm"):
        app.radio(key=f"break_said_{key}").set_value(CARDS[key].outcomes[1]).run()
    app.button(key="break_run_saturated").click().run()
    assert list(app.session_state[RUNNING]) == ["saturated"]
    app.run().run()
    step = app.session_state[RUNNING]["saturated"].step
    assert step != "step 0 of 12"
    app.button(key="break_back").click().run()
    assert f"Your answer: *{CARDS['saturated'].outcomes[1]}.* It rests at {step}." in words(app)
    assert "break_said_saturated" not in {each.key for each in app.radio}
    app.button(key="break_run_batchnorm").click().run()
    assert list(app.session_state[RUNNING]) == ["saturated", "batchnorm"]
    app.run()
    assert app.session_state[RUNNING]["saturated"].step == step
    app.button(key="break_back").click().run()
    app.button(key="break_go_on_saturated").click().run()
    assert str(app.query_params["break_card"]) in ("saturated", "['saturated']")
    assert app.session_state[RUNNING]["saturated"].step != step
    app.button(key="break_stop").click().run()
    assert list(app.session_state[RUNNING]) == ["batchnorm"]
    assert app.button(key="break_run_saturated").label == "Break it"
    assert not app.session_state["break_found"]


def test_the_picture_comes_before_the_training_that_the_next_one_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser lets fade what the script has not drawn yet: it would, through each slice of training."""
    monkeypatch.setattr("wavenames.ui.break_view.SLICE", 0.0)
    app = opened()
    app.radio(key="break_said_rate").set_value(CARDS["rate"].outcomes[1]).run()
    app.button(key="break_run_rate").click().run()
    before = app.session_state[RUNNING]["rate"].step
    app.run()
    assert [each.proto.text for each in app.get("progress")] == [f"{before.capitalize()}, both in turn"]
    assert chart_text(app, "Loss in nats per letter")
    assert app.session_state[RUNNING]["rate"].step != before


def test_a_link_opens_a_card_and_one_to_nothing_opens_all() -> None:
    assert [each.label for each in opened(break_card="warmup").radio] == [CARDS["warmup"].question]
    assert len(opened(break_card="nonsense").radio) == len(CARDS)
