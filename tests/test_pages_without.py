"""Pages that look inside, without what they need: a list or a run that is gone, a model that counts, a bad link."""

import time

import pytest
import streamlit as st
from sqlalchemy import delete
from streamlit.testing.v1 import AppTest

from tests.pages import opened
from wavenames.config import RunConfig
from wavenames.store import StoredList, _List
from wavenames.ui import session
from wavenames.ui.session import scheduler, store

pytestmark = pytest.mark.usefixtures("fresh_server")

PAGES = {
    "wiring": "wiring_model",
    "xray": "xray_models",
    "units": "units_of",
    "embeddings": "letters_of",
    "steps": "steps_run",
    "memory": "memory_of",
    "health": "health_of",
}
"""The word by which the link of each names a model."""
FEW = ("anna", "anne", "ann", "hanna", "hanne", "bo", "jo", "joan", "joanna", "joanne") * 3
LIST = "upload-0123456789ab"
GONE = f"Names is '{LIST}'; this server has no such list."


def finished(preset: str = "mlp-3", **flat: str) -> str:
    small = {"hidden": "8"} if preset == "mlp-3" else {}
    usual = {"preset": preset, "steps": "20", "evaluate_every": "10"}
    run_id = scheduler().submit(RunConfig.from_flat(usual | small | flat))
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.02)
    return run_id


def forget_the_list() -> None:
    """As if it had never been brought."""
    store()._writer.call(lambda one: one.execute(delete(_List)) and None)
    for cache in (session.find_list, session._split, session._vocabulary):
        cache.clear()


def said(app: AppTest) -> str:
    assert not app.exception
    parts = (*app.error, *app.warning, *app.info, *app.caption, *app.markdown)
    return " ".join(each.value for each in parts).replace("\\", "")


@pytest.fixture
def bereft() -> str:
    """A run whose list this server no longer has."""
    store().keep_list(StoredList(LIST, "few.txt", FEW, "a file", "not stated"))
    run_id = finished(names=LIST)
    forget_the_list()
    return run_id


@pytest.mark.parametrize("page", PAGES)
def test_a_run_whose_list_is_gone_shows_what_can_be_seen_and_says_the_rest(page: str, bereft: str) -> None:
    """Its letters are in its model; its names are nowhere."""
    app = opened(page, {PAGES[page]: bereft})
    drawn = len(app.get("bidi_component"))
    assert (GONE in said(app)) == (page in ("units", "embeddings", "steps", "memory"))
    assert (drawn == 0) == (page == "units")


@pytest.mark.parametrize("page", ["steps", "health"])
def test_of_a_run_without_a_model_whose_list_is_gone_only_that_is_said(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is drawn anew once for it, and no more: that would go on without end."""
    run_id = store().create(RunConfig.from_flat({"preset": "mlp-3", "names": LIST}), status="interrupted")
    store().weights_path(run_id, 0).parent.mkdir(parents=True)
    store().weights_path(run_id, 0).write_bytes(b"")

    drawn, rerun = [], st.rerun

    def anew() -> None:
        drawn.append(page)
        assert len(drawn) < 3
        rerun()

    monkeypatch.setattr(st, "rerun", anew)
    assert GONE in said(opened(page, {PAGES[page]: run_id}))


@pytest.mark.parametrize("page", PAGES)
def test_a_run_that_is_deleted_while_it_is_shown_is_said_to_be_gone_once(page: str) -> None:
    other, run_id = finished(preset="mlp-3"), finished()
    app = opened(page, {PAGES[page]: run_id})
    scheduler().delete(run_id)
    assert "is no longer here" in said(app.run())
    assert "is no longer here" not in said(app.run())
    assert store().run(other)


@pytest.mark.parametrize("page", PAGES)
def test_a_run_that_only_counted_is_shown_or_it_is_said_why_not(page: str) -> None:
    app = opened(page, {PAGES[page]: finished("bigram")})
    refused = page in ("units", "embeddings", "health")
    assert any("counts letters" in each.value for each in app.info) == refused
    assert bool(app.get("bidi_component")) == (page not in ("units", "health"))


@pytest.mark.parametrize(
    ("page", "word", "sentence"),
    [
        ("wiring", "wiring_place", "The link asks for letter '?'; allowed is one of 1 to 12."),
        ("wiring", "wiring_shade", "The link asks for the measure '?'; allowed is one of Activation, Gate"),
        ("wiring", "wiring_worth", "The link asks for the way '?'; allowed is one of Hide the letter, Gradient"),
        ("xray", "xray_of", "The link asks for model '?'; allowed is one of bigram, mlp-3, wavenet-m."),
        ("xray", "xray_hide", "The link asks for hidden letter '?'; allowed is one of 1, 2, 3, 4, 5, 6, 7, 8."),
        ("xray", "xray_at", "The link asks for letter to predict '?'; allowed is one of "),
        ("units", "units_layer", "The link asks for layer '?'; allowed is one of 1, 2, 3, 4."),
        ("units", "units_unit", "The link asks for unit '?'; allowed is one of 4-1 to 4-48."),
        ("units", "units_seed", "Seed is ?; allowed is a whole number"),
        ("memory", "memory_temperature", "Temperature is ?; allowed is a number from 0 to 5."),
        ("break", "break_card", "The link asks for the card '?'; allowed is one of rate"),
        *((page, word, f"The link's {word} is '?', which this server doesn't know") for page, word in PAGES.items()),
    ],
)
def test_what_a_link_asks_for_in_vain_is_said(page: str, word: str, sentence: str) -> None:
    if page == "steps":
        finished()  # without a run there is no chooser yet
    assert sentence in said(opened(page, {word: "?"}))
