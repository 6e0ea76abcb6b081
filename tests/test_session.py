"""What pages share: a run's model as it is called now."""

import time

import pytest

from wavenames.checkpoints import load
from wavenames.config import RunConfig
from wavenames.ui.session import checkpoint, model, scheduler, store

pytestmark = pytest.mark.usefixtures("fresh_server")


def test_a_run_that_was_renamed_is_taken_home_under_its_new_title() -> None:
    run_id = scheduler().submit(RunConfig.from_flat({"preset": "bigram"}), title="Old")
    while scheduler().snapshot(run_id).status != "finished":
        time.sleep(0.05)
    assert load(checkpoint(run_id).to_bytes()).title == "Old"
    scheduler().rename(run_id, "New")
    assert load(checkpoint(run_id).to_bytes()).title == "New"
    assert load(store().checkpoint_path(run_id)).title == "Old", "the file itself stays"
    assert model(run_id) is model(run_id), "and it is still built once"
