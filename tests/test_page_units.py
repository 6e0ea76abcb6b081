"""Units: what the page says of a unit is what the probes say of the model."""

import re
from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text
from tests.pages import opened as open_by_link
from wavenames.checkpoints import load_shipped
from wavenames.config import SamplingConfig
from wavenames.models import Model
from wavenames.names import Packed
from wavenames.probes.units import Layer, Switched, activations, telling_contexts, unit_layers
from wavenames.sampling import sample
from wavenames.training import Evaluation, evaluate, mean_and_error
from wavenames.ui import units_view
from wavenames.ui.session import find_split
from wavenames.ui.units_view import CONTEXTS, DRAWN, LONGEST, SHOWN

pytestmark = pytest.mark.usefixtures("fresh_server")


@pytest.fixture(autouse=True)
def few_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Enough to see that they are used; what other tests have kept is forgotten, and so is what this one keeps."""
    monkeypatch.setattr(units_view, "NAMES", 60)
    units_view._watched.cache_clear()
    units_view._COSTS.clear()
    yield
    units_view._watched.cache_clear()
    units_view._COSTS.clear()


def opened(**link: str) -> AppTest:
    return open_by_link("units", link)


def words(app: AppTest) -> str:
    return " ".join(each.value for each in app.markdown).replace("\\", "")


def bodies(app: AppTest, kind: str) -> list[str]:
    return [each.proto.body for each in app.get("html") if f'class="{kind}"' in each.proto.body]


def looked_at(key: str, number: int) -> tuple[Model, Layer, Packed]:
    """A model that ships, its layer by its number, and the names that the page looks at."""
    kept = load_shipped(key)
    model = kept.model()
    names = Packed(find_split(kept.run.data).validation[:60], kept.vocabulary)
    return model, unit_layers(model)[number - 1], names


def said_of_the_cost(key: str, number: int, unit: int) -> str:
    model, layer, names = looked_at(key, number)
    values = activations(model, layer, names)
    switched = Switched(model, layer)
    switched.held = unit - 1, float(values[:, unit - 1].mean())
    before, after = evaluate(model, names), evaluate(switched.model, names)
    cost, error = mean_and_error(after.per_name - before.per_name, before.lengths, before.name_ids)
    signed = f"{cost:.4f}".replace("-", "−")
    return f"from {before.loss:.3f} to **{before.loss + cost:.3f}**: {signed} ± {error:.4f} nats per letter"


def test_the_page_opens_with_the_costliest_unit_of_the_last_layer() -> None:
    """A small layer is measured at once; contexts, cost and names are those of the unit that it needs most."""
    app = opened()
    costs = chart_text(app, "What switching off each unit costs wavenet-m")
    assert len(costs.splitlines()) == 49
    found = re.match(r"unit (\d+): ", costs.splitlines()[1])
    assert found
    unit = int(found[1])
    assert app.selectbox(key="units_unit_box").value == f"4-{unit}"
    assert all(each.help for each in app.selectbox)
    assert said_of_the_cost("wavenet-m", 4, unit) in words(app)
    model, layer, names = looked_at("wavenet-m", 4)
    values = activations(model, layer, names)[:, unit - 1]
    highest, lowest = bodies(app, "wn-contexts")
    for shown, top in ((highest, True), (lowest, False)):
        wanted = [each.letters for each in telling_contexts(values, names, CONTEXTS, highest=top)]
        assert re.findall(r'role="img" aria-label="([^"]*)"', shown) == wanted
    assert f"Mean activation of unit {unit}" in chart_text(app, "Mean activation")
    assert "60 validation names of US births of 2018" in app.caption[0].value


def test_names_change_by_the_unit_alone() -> None:
    """The same dice with and without; the link holds layer, unit and dice."""
    app = opened(units_of="tree-76k", units_layer="1", units_unit="1-19", units_seed="3")
    assert said_of_the_cost("tree-76k", 1, 19) in words(app)
    kept = load_shipped("tree-76k")
    model, layer, names = looked_at("tree-76k", 1)
    switched = Switched(model, layer)
    switched.held = 18, float(activations(model, layer, names)[:, 18].mean())
    options = SamplingConfig.checked(n=DRAWN, longest=LONGEST, seed=3)
    pairs = list(
        zip(
            *(
                [each.name for each in sample(one, kept.vocabulary, options, kept.membership).names]
                for one in (model, switched.model)
            ),
            strict=True,
        )
    )
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    assert f"{len(changed)} of {DRAWN} names change" in words(app)
    (table,) = bodies(app, "wn-pairs")
    assert re.findall(r'wn-chip" dir="auto">([^<]*)<', table) == [name for pair in changed[:SHOWN] for name in pair]
    app.button(key="units_again").click().run()
    assert app.query_params["units_seed"] in ("4", ["4"])


def test_all_units_of_a_large_layer_are_measured_when_asked() -> None:
    app = opened(units_of="mlp-3")
    assert "Switch each of the 200 units off in turn" in words(app)
    app.button(key="units_every").click().run()
    assert not app.exception
    costs = chart_text(app, "What switching off each unit costs mlp-3").splitlines()
    assert len(costs) == 201
    assert app.selectbox(key="units_unit_box").value == f"1-{re.findall(r'unit ([0-9]+)', costs[1])[0]}"


def test_another_layer_has_other_units() -> None:
    """The unit chosen in one layer is none of another's."""
    app = opened(units_of="wavenet-m", units_unit="4-7")
    assert "Without unit 7," in words(app)
    app.selectbox(key="units_layer_box").select("1").run()
    assert not app.exception
    assert str(app.selectbox(key="units_unit_box").value).startswith("1-")
    assert app.query_params["units_layer"] in ("1", ["1"])


@pytest.mark.parametrize(("layer", "unit"), [("9", "9-1"), ("x", "4-999"), ("0", "<b>"), ("", ""), ("4", "4-")])
def test_a_layer_or_a_unit_that_there_is_not_is_the_usual_one(layer: str, unit: str) -> None:
    app = opened(units_layer=layer, units_unit=unit)
    assert app.selectbox(key="units_layer_box").value == "4"
    assert said_of_the_cost("wavenet-m", 4, int(str(app.selectbox(key="units_unit_box").value)[2:])) in words(app)


@pytest.mark.parametrize("key", ["bigram", "kn-5"])
def test_a_model_that_counts_has_no_units_and_the_page_says_so(key: str) -> None:
    app = opened(units_of=key)
    assert "counts letters and has no hidden units" in app.info[0].value
    assert not app.selectbox(key="units_of").disabled


def test_a_model_that_can_be_told_more_is_told_nothing_and_the_page_says_so() -> None:
    assert "is told neither" in opened(units_of="wavenet-decades").caption[0].value


def test_a_model_whose_names_are_gone_says_so() -> None:
    kept = load_shipped("mlp-3")
    run = kept.run.changed(data=kept.run.data.changed(names="gone"))
    gone = type(kept)(run, kept.vocabulary, kept.weights, kept.membership, kept.results, "mine")
    app = AppTest.from_file("../pages/units_page.py", default_timeout=60)
    app.session_state["uploaded_models"] = {"upload-1": gone}
    app.session_state["units_of"] = "upload-1"
    app.run()
    assert not app.exception
    assert "The names that mine (your file) learned from are not to be had" in app.warning[0].value.replace("\\", "")


def test_of_long_names_fewer_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as have so many letters in all."""
    monkeypatch.setattr(units_view, "TARGETS", 100)
    names = find_split(load_shipped("wavenet-m").run.data).validation
    fitting = max(count for count in range(60) if sum(len(name) + 1 for name in names[:count]) <= 100)
    assert f"On the first {fitting} validation names" in opened().caption[0].value


def test_dice_that_there_are_not_are_refused() -> None:
    app = opened(units_seed="x")
    assert "Seed is" in app.error[0].value.replace("\\", "")
    app.button(key="units_again").click().run()
    assert not app.error


def test_what_was_measured_stays_when_it_is_broken_off_and_go_on_measures_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by Stop, which breaks in between two units: the ranking of those that were measured, none measured twice."""
    app = opened(units_of="mlp-3")
    calls = []

    def counted(asked: Model, names: Packed) -> Evaluation:
        calls.append(asked)
        if len(calls) == 40:
            st.rerun()
        return evaluate(asked, names)

    monkeypatch.setattr(units_view, "evaluate", counted)
    app.button(key="units_every").click().run()
    assert not app.exception
    assert "**40 of 200 units** have been switched off" in words(app)  # with the one that the page opened with
    said = chart_text(app, "What switching off each unit costs mlp-3").splitlines()
    assert said[0].endswith("; 40 of 200 units")
    model, layer, names = looked_at("mlp-3", 1)
    values = activations(model, layer, names)
    liveliest = values.std(0).argsort(descending=True, stable=True)[:40].tolist()
    assert {int(line.split()[1].rstrip(":")) - 1 for line in said[1:]} == {*liveliest}
    assert app.selectbox(key="units_unit_box").value == f"1-{liveliest[0] + 1}"
    assert app.button(key="units_every").label == "Go on"
    app.button(key="units_every").click().run()
    assert not app.exception
    assert len(chart_text(app, "What switching off each unit costs mlp-3").splitlines()) == 201
    assert len(calls) == 200, "199 and the one that was broken off"
    assert "have been switched off" not in words(app)
    assert "units_every" not in {each.key for each in app.button}


def test_what_is_measured_without_being_asked_can_be_stopped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not begun again, until somebody asks."""
    calls = []

    def counted(asked: Model, names: Packed) -> Evaluation:
        calls.append(asked)
        if len(calls) == 20:
            units_view._stop(("wavenet-m", "4"))  # as the click on Stop does
            st.rerun()
        return evaluate(asked, names)

    monkeypatch.setattr(units_view, "evaluate", counted)
    app = opened()
    assert "**18 of 48 units** have been switched off" in words(app)  # one call was for the model as it is
    assert "**18 of 48 units** have been switched off" in words(app.run())
    app.button(key="units_every").click().run()
    assert len(chart_text(app, "What switching off each unit costs wavenet-m").splitlines()) == 49
    assert len(calls) == 50
