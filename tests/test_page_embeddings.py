"""Embeddings: letters in the plane for every kind of model, neighbours, and the way there of a run trained here."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import chart
from tests.pages import opened as open_by_link
from wavenames.checkpoints import load_shipped
from wavenames.config import RunConfig
from wavenames.figures.colours import shown
from wavenames.probes.embeddings import follow, neighbours
from wavenames.ui.session import checkpoint, scheduler, store, trained

pytestmark = pytest.mark.usefixtures("fresh_server")


def opened(**link: str) -> AppTest:
    return open_by_link("embeddings", link)


def test_two_shipped_models_stand_side_by_side_with_their_neighbours() -> None:
    app = opened()
    assert not app.exception
    app.selectbox(key="second_letter_box").set_value("e").run()
    kept = load_shipped("mlp-3")
    vectors = kept.model().letter_vectors
    assert vectors is not None
    expected = [each.letter for each in neighbours(vectors, kept.vocabulary.symbols, "e")]
    assert list(app.dataframe[1].value["Letter"]) == expected


def test_the_letters_whose_neighbours_are_shown_stand_in_the_link() -> None:
    app = opened(first_letter="q", second_letter="ß")
    assert [app.selectbox(key=f"{side}_letter_box").value for side in ("first", "second")] == ["q", "a"]
    (said,) = app.warning
    assert said.value == "The link asks for nearest neighbours of 'ß'; allowed is one of \\. to z\\."
    app.selectbox(key="second_letter_box").set_value(".").run()
    assert [app.query_params[f"{side}_letter"] for side in ("first", "second")] == ["q", "."]


def test_a_model_that_counts_says_that_it_keeps_no_vectors() -> None:
    app = opened(letters_of="bigram")
    assert not app.exception
    assert any("keeps no vectors" in each.value for each in app.info)


def test_a_run_trained_here_can_be_played_back() -> None:
    """Each evaluation is a frame, the last is the model as it is; neighbours are those of the first and the last."""
    words = {"preset": "mlp-3", "steps": 30, "evaluate_every": 10, "hidden": 8}
    run_id = scheduler().submit(RunConfig.from_flat(words))
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    app = opened(letters_of=run_id)
    assert [each.title for each in trained()][-1] == "mlp-3 (2)", "told from the model that ships"
    frames = chart(app, "Letters of mlp-3 (2) at step 30")["frames"]
    assert [frame["label"] for frame in frames] == ["step 0", "step 10", "step 20", "step 30"]
    letters, kept = checkpoint(run_id).vocabulary.symbols, [vectors for _, vectors in store().frames(run_id)]
    for frame, projection in zip(frames, follow(kept), strict=True):
        assert frame["text"].splitlines()[1:] == [
            f"{shown(letter)}: {x:.2f}, {y:.2f}" for letter, (x, y) in zip(letters, projection.points, strict=True)
        ]
    app.selectbox(key="first_letter_box").set_value("e").run()
    table = app.dataframe[0].value
    for moment, likeness, vectors in (("At the start", "Likeness", kept[0]), ("At the end", "Likeness ", kept[-1])):
        nearest = neighbours(vectors, letters, "e")
        assert list(table[moment]) == [shown(each.letter) for each in nearest]
        assert list(table[likeness]) == [each.likeness for each in nearest]
    assert list(table["Likeness"]) != list(table["Likeness "])


def test_a_run_that_was_looked_at_once_is_not_called_a_strangers() -> None:
    """It was trained here; there is only nothing to play back."""
    run_id = scheduler().submit(RunConfig.from_flat({"preset": "mlp-3", "steps": 5, "hidden": 8}))
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    store().rewind(run_id, 0)
    app = opened(letters_of=run_id)
    one, shipped = (each.value for each in app.caption if "server" in each.value or "way" in each.value.split())
    assert one == "This run was looked at only once, so there is no way here to play back."
    assert "was not trained on this server" in shipped


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
