"""Wiring: what the page says of a model's connections is what the probes say."""

import json
import math
import re
import time
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text
from tests.pages import opened as open_by_link
from wavenames.checkpoints import load_shipped
from wavenames.config import RunConfig
from wavenames.models import Tree
from wavenames.names import Packed
from wavenames.probes.influence import gradient_times_input
from wavenames.probes.occlusion import occlusion
from wavenames.probes.surprisal import surprisal
from wavenames.probes.wiring import sharing, wiring
from wavenames.store import StoredList
from wavenames.ui.session import scheduler, store
from wavenames.ui.wiring_view import FIRST_NAME, GRADIENT, HIDE, NAME, PLACE, SHADE, WORTH

pytestmark = pytest.mark.usefixtures("fresh_server")


def opened(**link: str) -> AppTest:
    return open_by_link("wiring", link)


def words(app: AppTest) -> str:
    return " ".join(each.value for each in [*app.markdown, *app.caption]).replace("\\", "")


def charts(app: AppTest) -> list[Any]:
    return [json.loads(each.proto.json) for each in app.get("bidi_component")]


def test_the_page_opens_with_a_name_and_its_last_letter_lit() -> None:
    """Prediction, letters read, nodes on the way, the letter that matters most: as the probes have them."""
    app = opened()
    kept = load_shipped("wavenet-m")
    model, at = kept.model(), len(FIRST_NAME) - 1
    place = surprisal(model, kept.vocabulary, FIRST_NAME).places[at]
    share = math.exp(place.log_probability)
    assert f"After **{FIRST_NAME[:-1]}** comes **{FIRST_NAME[-1]}**: {share:.1%}, rank {place.rank} of 27." in words(
        app
    )
    found = wiring(model, kept.vocabulary, FIRST_NAME)
    between = [node for node in found.field(5, at).nodes if 0 < node[0] < 5]
    assert f"through {len(between)} of {4 * len(found.context)} nodes" in words(app)
    lost = occlusion(model, kept.vocabulary, FIRST_NAME).matrix[:, at]
    most = int(lost.abs().argmax())
    assert f"Most rests on **{FIRST_NAME[most]}**, letter {most + 1}: {float(lost[most]):.2f} nats." in words(app)
    text = chart_text(app, f"Wiring of wavenet-m over {FIRST_NAME}, lit for letter {at + 1}")
    assert f"reads {FIRST_NAME[most]}: +{float(lost[most]):.1f} nats" in text
    chart = charts(app)[0]
    assert [frame["label"] for frame in chart["frames"]] == [layer.title for layer in found.layers]
    assert chart["clickable"]
    assert len(chart["pointed"]["lines"]) == 4 * len(found.context)
    assert [each.options for each in app.segmented_control] == [
        ["Activation", "Gate", "Part of skip"],
        [HIDE, GRADIENT],
    ]


def test_data_say_of_each_node_what_it_does_and_of_each_letter_what_it_is_worth() -> None:
    app, kept = opened(), load_shipped("wavenet-m")
    header, *rows = charts(app)[0]["rows"]
    table = [dict(zip(header, row, strict=True)) for row in rows]
    assert header == [
        "layer", "place", "letter", "read for letter 11", "predictions served", "activation", "gate", "skip",
        "nats for letter 11", "likeliest next", "probability",
    ]  # fmt: skip
    found = wiring(kept.model(), kept.vocabulary, FIRST_NAME)
    assert [row["layer"] for row in table] == [layer.title for layer in found.layers for _ in found.context]
    columns = len(found.context)
    letters, first, last = table[:columns], table[columns : 2 * columns], table[-columns:]
    assert "".join(row["letter"] for row in letters) == f".{FIRST_NAME}"
    worth = occlusion(kept.model(), kept.vocabulary, FIRST_NAME).matrix[:, 10]
    assert [row["nats for letter 11"] for row in letters[1:11]] == pytest.approx(worth[:10].tolist(), abs=1e-4)
    assert [row["gate"] for row in first] == pytest.approx(found.measures["gate"][0].tolist(), abs=1e-4)
    assert [row["read for letter 11"] for row in last] == ["yes" if place == 10 else "no" for place in range(columns)]
    best = found.log_probabilities.max(1)
    assert [row["probability"] for row in last] == pytest.approx(best.values.exp().tolist(), abs=1e-4)
    assert [row["likeliest next"] for row in last] == [kept.vocabulary.symbols[i] for i in best.indices.tolist()]


def test_the_link_holds_name_place_and_both_ways_of_shading() -> None:
    app = opened(**{NAME: "Emma", PLACE: "3", SHADE: "Gate", WORTH: GRADIENT, "wiring_model": "tree-76k"})
    assert "After **em** comes **m**" in words(app)
    kept = load_shipped("tree-76k")
    matrix = gradient_times_input(kept.model(), kept.vocabulary, "emma").matrix
    most = int(matrix[:, 2].abs().argmax())
    assert f"{float(matrix[most, 2]):.2f}".replace("-", "−") in words(app)
    assert app.query_params[PLACE] in ("3", ["3"])
    app.select_slider(key=PLACE).set_value(5).run()
    assert "After **emma** comes the end" in words(app)
    app.select_slider(key=PLACE).set_value(1).run()
    assert "Before any letter comes **e**" in words(app)
    assert "It reads nothing but the start through 3 of 15 nodes." in words(app)


@pytest.mark.parametrize("place", ["0", "99", "-1", "x", "\u00b2", "9" * 5000])
def test_a_place_that_the_name_has_not_is_the_last_letter(place: str) -> None:
    app = opened(**{PLACE: place})
    assert not app.exception
    assert f"After **{FIRST_NAME[:-1]}** comes" in words(app)


def test_the_place_stays_while_a_name_is_typed_and_the_last_letter_moves_along() -> None:
    app = opened()
    app.text_input(key=NAME).set_value("isabella").run()
    assert "After **isabell** comes **a**" in words(app)
    app.select_slider(key=PLACE).set_value(4).run()
    app.text_input(key=NAME).set_value("isabel").run()
    assert "After **isa** comes **b**" in words(app)
    app.text_input(key=NAME).set_value("bo").run()
    assert "After **b** comes **o**" in words(app)
    app.text_input(key=NAME).set_value("boris").run()
    assert "After **bori** comes **s**" in words(app)


@pytest.mark.parametrize("typed", ["zo5", "\u05e9\u05e8\u05d4", "<b>x</b>", "x" * 100, "a.b"])
def test_a_name_that_cannot_be_read_is_refused_and_the_last_one_stays(typed: str) -> None:
    app = opened()
    app.text_input(key=NAME).set_value(typed).run()
    assert not app.exception
    assert len(app.error) == 1
    assert f"After **{FIRST_NAME[:-1]}** comes" in words(app)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("bigram", "It reads 1 of the 10 letters before it."),
        ("kn-5", "It reads 4 of the 10 letters before it."),
        ("mlp-3", "It reads 3 of the 10 letters before it through 1 of 12 nodes."),
        ("tree-76k", "It reads 8 of the 10 letters before it through 7 of 36 nodes."),
        ("gru-384", "It reads all 10 letters before it, and the start, through 11 of 12 nodes."),
        ("wavenet-decades", "This model can be told the sex and the decade of a name; here it is told none."),
    ],
)
def test_every_family_says_what_it_reads(key: str, said: str) -> None:
    """Where there is one measure, or none, there is no choice of it; what a picture can't say stands under it."""
    app = opened(wiring_model=key)
    assert said in words(app)
    keys = [each.key for each in app.segmented_control]
    assert (SHADE in keys) == (key in ("gru-384", "wavenet-decades"))
    assert (WORTH in keys) == (key not in ("bigram", "kn-5"))
    counts = key in ("bigram", "kn-5")
    assert ("a table, with no nodes between" in words(app)) == counts


def test_a_long_name_is_drawn_up_to_its_place() -> None:
    """It is said how much of it; the rest is as for any name."""
    app = opened(**{NAME: "maximilianojosefernando", PLACE: "20"})
    assert "Drawn are letters 4 to 19 of 23." in words(app)
    assert "It reads 16 of the 19 letters before it" in words(app)


def test_tree_and_stack_are_counted_beside_each_other() -> None:
    app = opened(**{NAME: "anna"})
    kept = load_shipped("tree-76k")
    tree = kept.model()
    assert isinstance(tree, Tree)
    found = sharing(tree, kept.vocabulary, "anna")
    # Threads round otherwise, so the difference is another one here.
    said = re.search(r"differ by (\S+) at most; the tree joins two nodes \*\*35\*\* times", words(app))
    assert said is not None
    assert float(said[1]) < 1e-5
    assert "the stack **18** times" in words(app)
    assert f"the {found.shared} shaded ones serve several predictions" in words(app)
    tree_chart = next(each for each in charts(app) if each["text"].startswith("Wiring of a tree"))
    assert tree_chart["traces"][5]["text"] == [str(uses) for row in found.uses.tolist() for uses in row]
    (batch,) = Packed(["anna"], kept.vocabulary).all(1)
    best = int(tree(batch)[3].argmax())
    assert f"expects {kept.vocabulary.symbols[best]}, " in tree_chart["text"]
    assert torch.equal(found.uses[-1], torch.ones(5, dtype=torch.long))


@pytest.mark.parametrize(
    ("page", "model", "box"), [("wiring", "wiring_model", NAME), ("xray", "xray_models", "xray_name")]
)
def test_a_model_of_another_alphabet_begins_with_a_name_of_its_list(page: str, model: str, box: str) -> None:
    """Opened by a link or chosen: an example gives way, a name that was typed stays and is refused."""
    names = StoredList("upload-0123456789ab", "Mine", tuple("αβγδεζηθικλμνξοπρστυφχψω"), "", "")
    store().keep_list(names)
    small = {"preset": "mlp-3", "steps": "10", "hidden": "8", "names": names.id}
    run_id = scheduler().submit(RunConfig.from_flat(small))
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    app = open_by_link(page, {model: run_id})
    assert not app.exception
    assert not app.error
    assert app.text_input(key=box).value == "α"

    def chosen(typed: str | None) -> AppTest:
        app = open_by_link(page, {model: "mlp-3"})
        if typed is not None:
            app.text_input(key=box).set_value(typed).run()
        app.session_state[model] = run_id if page == "wiring" else [run_id]
        return app.run()

    app = chosen(None)
    assert app.text_input(key=box).value == "α"
    assert not app.error
    assert box not in app.query_params
    app = chosen("emma")
    assert app.text_input(key=box).value == "emma"
    assert len(app.error) == 1
