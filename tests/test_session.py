"""What pages share: a run's model as it is called now."""

import time
from typing import cast

import pytest
import torch

from wavenames.checkpoints import load
from wavenames.config import Refusal, RunConfig
from wavenames.models import Model, build
from wavenames.names import Packed, Vocabulary
from wavenames.ui.session import checkpoint, find_list, model, model_at, run_vocabulary, scheduler, store

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


def test_a_runs_model_at_a_step_answers_bit_for_bit_as_it_did_then() -> None:
    """At the end the finished model; before it another one; one that is not kept is refused in a sentence."""
    words = {"preset": "wavenet-s", "steps": 6, "evaluate_every": 3, "batch_size": 8, "names": "ssa-2018"}
    run_id = scheduler().submit(RunConfig.from_flat(words))
    while scheduler().snapshot(run_id).status != "finished":
        time.sleep(0.05)
    vocabulary = run_vocabulary(run_id)

    def logits(network: Model) -> torch.Tensor:
        (batch,) = Packed(("isabella", "bo"), vocabulary).all(2)
        with torch.no_grad():
            return cast(torch.Tensor, network(batch))

    assert store().weights_steps(run_id) == (0, 3, 6)
    start = build(RunConfig.from_flat(words).model, vocabulary.size, RunConfig.from_flat(words).seed).eval()
    assert torch.equal(logits(model_at(run_id, 0)), logits(start))
    assert torch.equal(logits(model_at(run_id, 6)), logits(model(run_id)))
    assert not torch.equal(logits(model_at(run_id, 3)), logits(model(run_id)))
    assert not model_at(run_id, 3).training
    assert model_at(run_id, 3) is model_at(run_id, 3), "built once"
    assert vocabulary == checkpoint(run_id).vocabulary == Vocabulary.of(find_list("ssa-2018").names)
    with pytest.raises(Refusal, match="weights of step 4 are not kept"):
        model_at(run_id, 4)
    with pytest.raises(Refusal, match="There is no run"):
        model_at("nobody", 0)
