"""X-ray: what the page says of a name is what the models say."""

import math
import re
import time

import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text
from tests.pages import opened as open_by_link
from wavenames.checkpoints import load_shipped
from wavenames.config import RunConfig
from wavenames.names import Vocabulary
from wavenames.probes.occlusion import occlusion
from wavenames.probes.surprisal import Surprisal, first_parting, parting, surprisal
from wavenames.ui.session import scheduler, store
from wavenames.ui.xray_view import FIRST_NAME, MOST, USUAL

pytestmark = pytest.mark.usefixtures("fresh_server")


def opened(**link: str | list[str]) -> AppTest:
    return open_by_link("xray", link)


def words(app: AppTest) -> str:
    return " ".join(each.value for each in app.markdown).replace("\\", "")


def read(key: str, name: str) -> Surprisal:
    kept = load_shipped(key)
    return surprisal(kept.model(), kept.vocabulary, name)


def strips(app: AppTest) -> list[str]:
    return [each.proto.body for each in app.get("html") if 'class="wn-rows"' in each.proto.body]


def test_the_page_opens_with_three_models_under_each_other() -> None:
    """Each with its nats, its ranks, and where it parts from the one above it."""
    app = opened()
    (strip,) = strips(app)
    found = {key: read(key, FIRST_NAME) for key in USUAL}
    for key, each in found.items():
        assert f"{key}</span>" in strip
        assert f"{each.per_letter:.3f}" in strip
        for place in each.places:
            assert f"</span><span>{place.rank}</span>" in strip
    one, other = found["bigram"], found["mlp-3"]
    first, most = first_parting(one, other), parting(one, other)
    assert first is not None
    shares = [f"{math.exp(each.places[first].log_probability):.1%}" for each in (one, other)]
    assert (
        f"bigram and mlp-3 first part by a factor of two after *{FIRST_NAME[:first]}*, at {FIRST_NAME[first]} "
        f"({shares[0]} against {shares[1]}); most after *{FIRST_NAME[:most]}*"
    ) in words(app)
    assert f"What wavenet-m expected at each place of {FIRST_NAME}" in chart_text(app, "What wavenet-m expected")


def test_a_hidden_letter_moves_the_prediction() -> None:
    """The link says whose letter is hidden and which one is predicted; words and bars are the probe's."""
    app = opened(xray_name="maria", xray_of="mlp-3", xray_hide="2", xray_at="4")
    kept = load_shipped("mlp-3")
    found = occlusion(kept.model(), kept.vocabulary, "maria")
    number = kept.vocabulary.symbols.index("i")
    after, before = (float(each[3, number].exp()) for each in (found.hidden[1], found.shown))
    cost = float(found.matrix[1, 3])
    assert f"After *m_r*, mlp-3 gives **i** {after:.1%}; with **a** in sight {before:.1%}: it had " in words(app)
    assert f"{'helped' if cost > 0 else 'misled'} by {abs(cost):.2f} nats" in words(app)
    assert f"i: {before:.1%}, then {after:.1%}" in chart_text(app, "Next letter after m_r")
    assert f"2. a {cost:.2f}".replace("-", "−") in chart_text(app, "Nats that each letter of maria loses in mlp-3")


def test_at_first_the_costliest_letter_farther_back_is_hidden() -> None:
    app = opened(xray_models="wavenet-m")
    kept = load_shipped("wavenet-m")
    sizes = occlusion(kept.model(), kept.vocabulary, FIRST_NAME).matrix.abs().triu(2)
    c, t = divmod(int(sizes.argmax()), sizes.shape[1])
    assert f"After *{FIRST_NAME[:c]}_{FIRST_NAME[c + 1 : t]}*, wavenet-m gives" in words(app)


def test_letters_out_of_sight_make_no_difference() -> None:
    app = opened(xray_models="bigram", xray_name="maria", xray_hide="1", xray_at="4")
    assert "it makes no difference" in words(app)


@pytest.mark.parametrize("hide", ["9", "0", "x", "", "-1", "9" * 5000])
def test_a_place_that_the_name_does_not_have_is_not_hidden(hide: str) -> None:
    """The usual one is hidden then. Of a link it is said; where the name was longer a moment ago, it is not."""
    app = opened(xray_name="mia", xray_hide=hide, xray_at=hide)
    said = [each.value.replace("\\", "") for each in app.warning]
    assert [sentence.split(" '")[0] for sentence in said] == [
        "The link asks for hidden letter", "The link asks for letter to predict",
    ] * bool(hide)  # fmt: skip
    assert "wavenet-m gives" in words(app)
    app.text_input(key="xray_name").set_value("j").run()
    assert not app.exception
    assert not app.warning
    assert "After *_*, wavenet-m gives **the end**" in words(app)


def test_what_gains_most_by_a_hidden_letter_is_said() -> None:
    """As a sentence, whether it is the end or a letter."""
    said = words(opened(xray_models=["wavenet-m"], xray_hide="1", xray_at="2"))
    assert re.search(r" \*\*\w\*\* gains most: (less than )?\d+\.\d% to \d+\.\d%\.", said)
    said = words(opened(xray_models=["wavenet-m"], xray_name="isabella", xray_hide="4", xray_at="7"))
    assert re.search(r" (The end|\*\*\w\*\*) gains most: ", said)
    app = opened(xray_beside="zoe")
    boxes = [each for each in app.selectbox if str(each.key).endswith("_box")]
    assert len(boxes) == 4
    assert all(each.help for each in boxes)


def test_two_names_are_compared_and_either_can_be_looked_inside() -> None:
    app = opened(xray_beside="Zoe", xray_models=["mlp-3"])
    first, second = read("mlp-3", FIRST_NAME).log_probability, read("mlp-3", "zoe").log_probability
    assert len(strips(app)) == 2
    likelier, other = (FIRST_NAME, "zoe") if first > second else ("zoe", FIRST_NAME)
    times = float(f"{math.exp(abs(first - second)):.3g}")
    assert f"To mlp-3, **{likelier}** is {times:,.6g} times as likely as {other}" in words(app)
    assert chart_text(app, "What mlp-3 expected").startswith(f"What mlp-3 expected at each place of {FIRST_NAME}")
    app.selectbox(key="xray_look_box").select("second").run()
    assert chart_text(app, "What mlp-3 expected").startswith("What mlp-3 expected at each place of zoe")
    assert app.query_params["xray_look"] in ("second", ["second"])


def test_models_are_chosen_in_the_link_and_at_most_four() -> None:
    app = opened(xray_models=["kn-5", "gru-384"])
    assert app.multiselect(key="xray_models").value == ["kn-5", "gru-384"]
    app.multiselect(key="xray_models").set_value(["kn-5"]).run()
    assert app.query_params["xray_models"] in ("kn-5", ["kn-5"])
    app.multiselect(key="xray_models").set_value([]).run()
    assert not app.exception
    assert "Choose a model" in app.info[0].value
    many = opened(xray_models=["kn-5", "gru-384", "bigram", "mlp-3", "wavenet-m"])
    assert len(many.multiselect(key="xray_models").value) == MOST


@pytest.mark.parametrize("typed", ["zo5", "\u05e9\u05e8\u05d4", "<b>x</b>", "x" * 100, "a.b"])
def test_a_name_that_cannot_be_read_is_refused_and_the_last_one_stays(typed: str) -> None:
    app = opened(xray_name="maria")
    app.text_input(key="xray_name").set_value(typed).run()
    assert not app.exception
    assert len(app.error) == 1
    assert chart_text(app, "What wavenet-m expected").startswith("What wavenet-m expected at each place of maria")
    beside = opened(xray_beside=typed)
    assert len(beside.error) == 1
    assert len(strips(beside)) == 1


def test_a_model_of_another_alphabet_is_left_out_with_a_sentence() -> None:
    """The others read on."""
    letters = Vocabulary("abc")
    kept = load_shipped("bigram")
    small = type(kept)(
        run=RunConfig.model_validate(kept.run.model_dump()), vocabulary=letters, membership=kept.membership,
        weights={"counts": torch.ones(4, 4)}, results=kept.results, title="abc",
    )  # fmt: skip
    app = AppTest.from_file("../pages/xray_page.py", default_timeout=60)
    app.session_state["uploaded_models"] = {"upload-1": small}
    app.session_state["xray_models"] = ["upload-1", "mlp-3"]
    app.run()
    assert not app.exception
    assert "(your file) is left out. In 'isabella', 'i' is not a letter known here; known are abc." in app.warning[
        0
    ].value.replace("\\", "")
    (strip,) = strips(app)
    assert "mlp-3" in strip
    assert "abc" not in strip


def test_a_model_that_is_gone_or_damaged_is_said_to_be_and_the_others_read_on() -> None:
    run_id = scheduler().submit(RunConfig.from_flat({"preset": "bigram"}), title="mine")
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    app = opened(xray_models=[run_id, "mlp-3"])
    assert not app.warning
    path = store().checkpoint_path(run_id)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    app.text_input(key="xray_name").set_value("emma").run()
    assert not app.exception
    assert [each.value.partition("opened")[0] for each in app.warning] == ["mine · 2\\.472 can't be "]
    assert len(strips(app)) == 1
    scheduler().delete(run_id)
    app.run()
    assert [each.value for each in app.warning] == ["mine · 2\\.472 is no longer here\\."]
    assert len(strips(app)) == 1
    assert not app.run().warning


def test_a_model_that_can_be_told_more_is_told_nothing_and_the_page_says_so() -> None:
    assert "is told neither here" in words(opened(xray_models=["wavenet-decades"]))
    assert "is told neither here" not in words(opened())


def test_an_empty_name_is_the_usual_one() -> None:
    app = opened(xray_name="  ")
    assert chart_text(app, "What wavenet-m expected").startswith(
        f"What wavenet-m expected at each place of {FIRST_NAME}"
    )
