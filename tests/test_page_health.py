"""Health: the lights of runs and of trained models, and the one setting to change."""

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text
from tests.pages import opened as open_by_link
from wavenames.config import RunConfig
from wavenames.jobs import work as work_module
from wavenames.names import Batch, Packed
from wavenames.probes.diagnoses import Diagnosis
from wavenames.probes.health import BINS, Layer, examine
from wavenames.probes.health_record import packed
from wavenames.probes.remedies import Change
from wavenames.store import Change as Changed
from wavenames.store import File, Look, Metrics
from wavenames.ui import health_charts
from wavenames.ui.health_view import changed
from wavenames.ui.session import checkpoint, scheduler, store

pytestmark = pytest.mark.usefixtures("fresh_server")


def opened(**link: str) -> AppTest:
    return open_by_link("health", link)


def words(app: AppTest) -> str:
    said = (each.value for each in (*app.markdown, *app.caption, *app.info, *app.error))
    return " ".join(said).replace("\\", "")


def lights(app: AppTest) -> dict[str, str]:
    """The word of each light, by what was looked at."""
    found = {}
    for each in app.get("html"):
        body = each.proto.body
        if body.startswith('<div class="wn-light"'):
            title, word = body.split("</span>", 1)[1].split(" <span>· ")
            found[title] = word.split("<")[0]
    return found


def trained(**changes: str) -> str:
    """The id of a run that has ended, looked at at each evaluation."""
    run = {"preset": "wavenet-s", "steps": "40", "evaluate_every": "10", "batch_size": "32"} | changes
    run_id = scheduler().submit(RunConfig.from_flat(run), "Mine")
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.05)
    return run_id


def batch() -> Batch:
    vocabulary = checkpoint("wavenet-m").vocabulary
    return Packed(("emma", "olivia"), vocabulary).batch(torch.arange(2))


def test_the_page_opens_with_the_health_of_a_model_that_ships() -> None:
    """At once, without a click; what only a run could tell is said to be unknown."""
    app = opened()
    assert lights(app) == {
        "Saturation": "Good", "Dead units": "Good", "Gates": "Good", "Depth": "Good", "Overfitting": "Good",
        "Start": "Not known", "Progress": "Not known", "Learning rate": "Not known",
    }  # fmt: skip
    assert "wavenet-m**: 5 good, 3 not known." in words(app)
    assert "No step was seen here." in words(app)
    gates = chart_text(app, "Values of gate layers")
    assert [line.split(":")[0] for line in gates.splitlines()[1:]] == [f"block {i} gate" for i in range(1, 5)]
    assert "block 1 conv: " in chart_text(app, "Gradients of weights")
    titles = [each.value for each in app.markdown if "Gradients" in each.value]
    assert titles == ["**Gradients of what layers say**", "**Gradients of weights**"]
    assert "units always, in every place" in chart_text(app, "head 2: how often")


def test_a_run_shows_its_way_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "EXAMINE_SHARE", 1e9)
    app = opened(health_of=trained())
    found = lights(app)
    assert "Not known" not in found.values()
    assert found["Start"] == "Good"
    assert "Mine**: " in words(app)
    assert "Latest look at step 40." in words(app)
    updates = chart_text(app, "log₁₀ update : data of each weight matrix")
    assert all("step 10 " in line and "step 40 " in line for line in updates.splitlines()[1:])
    assert updates.splitlines()[-1].startswith("median: ")
    assert "step 0 0.5" in chart_text(app, "Mean openness of gates")


def test_a_fast_start_is_not_called_learning_by_heart() -> None:
    """Losses of train and validation names are of one moment, also between two evaluations."""
    run_id = store().create(RunConfig.from_flat({"preset": "wavenet-s"}), title="Fast", status="interrupted")
    validation = [(0, 0.0, 0.0, 3.3), (100, 1.0, 1.0, 2.4)]
    train = [(step, 0.0, 0.0, 2.4 if step <= 100 else 1.5) for step in range(1, 199)]
    look = packed(examine(checkpoint("wavenet-m").model(), batch()))
    store().later(Metrics(run_id, "train", train), Metrics(run_id, "validation", validation), Look(run_id, 0, look))
    store().flush()
    assert lights(opened(health_of=run_id))["Overfitting"] == "Good"


def test_a_broken_run_is_red_and_offers_the_one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "EXAMINE_SHARE", 1e9)
    app = opened(health_of=trained(learning_rate="1"))
    assert "Bad" in lights(app).values()
    assert "Learning rate to 0.01" in {each.label for each in app.button}


def test_a_remedy_that_is_pressed_as_the_run_ends_opens_train(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is then drawn anew, and its pace another."""
    monkeypatch.setattr(work_module, "EXAMINE_SHARE", 1e9)
    app, led = opened(health_of=trained(learning_rate="1")), []
    monkeypatch.setattr("streamlit.switch_page", lambda page, query_params: led.append((page, query_params)))
    paces = itertools.chain([1.0, 2.0], itertools.repeat(None))
    monkeypatch.setattr("wavenames.ui.health_view.pace_of", lambda *_: next(paces))
    next(each for each in app.button if each.label == "Learning rate to 0.01").click().run()
    ((page, link),) = led
    assert page == "pages/train_page.py"
    assert RunConfig.from_flat(link).recipe.learning_rate == 0.01


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ("mlp-3", "Latest look at step {step}, at the weights with which it ran away; the model that was kept has"),
        ("wavenet-s", "Latest look at step 0: the weights with which it ended, at step {step}, are no numbers"),
    ],
)
def test_of_a_run_that_diverged_the_page_says_which_weights_are_seen(preset: str, said: str) -> None:
    run_id = trained(preset=preset, optimiser="sgd", learning_rate="1000", schedule="constant", steps="100")
    app = opened(health_of=run_id)
    assert said.format(step=scheduler().snapshot(run_id).step) in words(app)
    assert lights(app)["Progress"] == "Bad"


def test_numbers_without_measure_are_written_as_powers_of_ten() -> None:
    """As long as any other, on a phone too."""
    layer = Layer("head 1", "relu", 2.7e12, 26471672315904.0, 0.5, np.zeros(BINS), 0.0, np.zeros((1, 1)), None)
    assert health_charts._around(layer) == "3e12 ± 3e13"
    assert health_charts._around(replace(layer, mean=-2.5, spread=999.0)) == "−2.50 ± 999.00"

    said = [health_charts._power(number) for number in (-3.4e-4, 0.0, 1e10, math.inf)]
    assert said == ["−3e−4", "0e0", "1e10", "inf"]


def test_batchnorm_is_shown_where_there_is_one() -> None:
    app = opened(health_of="tree-76k")
    assert lights(app)["BatchNorm"] == "Good"
    assert "layer 3: means " in chart_text(app, "What BatchNorm remembers")
    assert "What BatchNorm remembers" in {each.value for each in app.header}


@pytest.mark.parametrize("model", ["mlp-3", "gru-384", "wavenet-decades"])
def test_every_model_that_ships_is_well(model: str) -> None:
    """Good, or to be watched, or unknown: none is ill."""
    app = opened(health_of=model)
    assert "Bad" not in lights(app).values()
    assert len(lights(app)) >= 6


def test_a_layer_can_be_chosen_for_its_units() -> None:
    app = opened()
    app.selectbox(key="health_layer").set_value("block 2 gate").run()
    assert "block 2 gate: how often each of 48 units is shut or open" in chart_text(app, "block 2 gate")
    app.selectbox(key="health_of").set_value("mlp-3").run()
    assert not app.exception
    assert "layer 1: how often each of 200 units" in chart_text(app, "layer 1: how often")


def test_what_counts_has_no_health() -> None:
    app = opened(health_of="kn-5")
    assert "counts letters: no layer, no gradient, nothing that could be ill." in words(app)
    assert not lights(app)


def test_a_run_under_way_that_nobody_has_looked_at_yet_says_when() -> None:
    run_id = store().create(RunConfig(), title="Waiting")
    app = opened(health_of=run_id)
    assert "The first look comes with the first evaluation." in words(app)
    assert "Waiting · queued" in app.selectbox(key="health_of").options


def test_a_run_of_before_is_looked_at_now() -> None:
    """It has a model but no looks, as runs had before there were any."""
    config = RunConfig.from_flat({"preset": "mlp-3"})
    run_id = store().create(config, title="Old")
    old = checkpoint("mlp-3")
    store().later(File(run_id, "checkpoint", old.to_bytes()), Changed(run_id, {"status": "finished"}))
    store().flush()
    app = opened(health_of=run_id)
    assert "Looked at now, as it is" in words(app)
    assert lights(app)["Saturation"] == "Good"


def test_a_model_whose_list_is_not_here_is_refused_in_a_sentence() -> None:
    old = checkpoint("mlp-3")
    elsewhere = replace(old, run=old.run.changed(data=old.run.data.changed(names="upload-0123456789ab")))
    run_id = store().create(old.run, title="Elsewhere")
    store().later(File(run_id, "checkpoint", elsewhere.to_bytes()), Changed(run_id, {"status": "finished"}))
    store().flush()
    assert "this server has no such list" in words(opened(health_of=run_id))


def test_the_link_to_train_has_one_setting_changed() -> None:
    run = RunConfig.from_flat({"preset": "mlp-8", "layers": "3", "learning_rate": "1"})
    words_of_link = changed(run, Diagnosis("Depth", "bad", "Broken.", Change("norm", "batch")))
    assert words_of_link == {"preset": "mlp-8", "layers": "3", "learning_rate": "1.0", "norm": "batch"}
    assert RunConfig.from_flat(words_of_link) == run.changed(model=run.model.changed(norm="batch"))


def test_a_look_at_a_shared_model_changes_nothing_of_it() -> None:
    kept = checkpoint("tree-76k")
    before = {name: each.clone() for name, each in kept.weights.items()}
    opened(health_of="tree-76k")
    assert all(torch.equal(each, kept.weights[name]) for name, each in before.items())
