"""Embeddings: letters in the plane for every kind of model, neighbours, and the way there of a run trained here."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import opened as open_by_link
from wavenames.checkpoints import load_shipped
from wavenames.config import RunConfig
from wavenames.probes.embeddings import neighbours
from wavenames.ui import letters_view
from wavenames.ui.session import scheduler, store

pytestmark = pytest.mark.usefixtures("fresh_server")


def opened(**link: str) -> AppTest:
    return open_by_link("embeddings", link)


def test_two_shipped_models_stand_side_by_side_with_their_neighbours() -> None:
    app = opened()
    assert not app.exception
    app.selectbox(key="second_letter").set_value("e").run()
    kept = load_shipped("mlp-3")
    vectors = kept.model().letter_vectors
    assert vectors is not None
    expected = [each.letter for each in neighbours(vectors, kept.vocabulary.symbols, "e")]
    assert list(app.dataframe[1].value["Letter"]) == expected


def test_a_model_that_counts_says_that_it_keeps_no_vectors() -> None:
    app = opened(letters_of="bigram")
    assert not app.exception
    assert any("keeps no vectors" in each.value for each in app.info)


def test_a_run_trained_here_can_be_played_back() -> None:
    """Each evaluation is a frame; Play goes through them from the first and rests at the last."""
    run_id = scheduler().submit(
        RunConfig.from_flat({"preset": "mlp-3", "steps": 30, "evaluate_every": 10, "hidden": 8})
    )
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    app = opened(letters_of=run_id)
    assert not app.exception
    assert app.select_slider(key="first_frame").options == ["0", "10", "20", "30"]
    assert app.select_slider(key="first_frame").value == 30
    app.button(key="first_play").click().run()
    seen = [int(str(app.select_slider(key="first_frame").value))]
    for _ in range(5):
        app.run()
        seen.append(int(str(app.select_slider(key="first_frame").value)))
    assert seen == sorted(seen)
    assert seen[0] < 30
    assert seen[-1] == 30
    assert app.button(key="first_play").label == "Play"


def test_a_run_that_was_looked_at_once_is_not_called_a_strangers() -> None:
    """It was trained here; there is only nothing to play back."""
    run_id = scheduler().submit(RunConfig.from_flat({"preset": "mlp-3", "steps": 5, "hidden": 8}))
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    store().rewind(run_id, 0)
    app = opened(letters_of=run_id)
    one, shipped = (each.value for each in app.caption)
    assert one == "This run was looked at only once, so there is no way here to play back."
    assert "was not trained on this server" in shipped


def test_a_run_that_is_deleted_while_it_is_played_back_leaves_the_page_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another model takes its place, and no traceback."""
    run_id = scheduler().submit(
        RunConfig.from_flat({"preset": "mlp-3", "steps": 30, "evaluate_every": 10, "hidden": 8})
    )
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    app = opened(letters_of=run_id)
    found = letters_view.path_of

    def deleted_after_a_look(key: str) -> letters_view.Journey | None:
        path = found(key)
        if key == run_id:
            scheduler().delete(run_id)
        return path

    monkeypatch.setattr(letters_view, "path_of", deleted_after_a_look)
    app.button(key="first_play").click().run()
    assert not app.exception
    assert app.selectbox(key="letters_of").value == "wavenet-m"


def test_a_damaged_model_is_told_of_and_the_others_stay_at_hand() -> None:
    """One broken file of one run takes no page down: whoever chooses it reads a sentence."""
    run_id = scheduler().submit(RunConfig.from_flat({"preset": "bigram"}), title="broken")
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    path = store().checkpoint_path(run_id)
    path.write_bytes(path.read_bytes()[:1000])
    assert not opened().error
    app = opened(letters_of=run_id)
    (error,) = app.error
    assert error.value.replace("\\", "") == (
        "broken can't be opened. The file is not a checkpoint, or it is damaged: it can't be read as safetensors. "
        "Choose another model."
    )
