"""Home: something is there with no click, a typed name is scored, and nothing that is typed breaks the page."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from wavenames.checkpoints import load_shipped, shipped
from wavenames.probes.surprisal import surprisal
from wavenames.ui.ladder import LONGEST, NAMES, SHOWN

PAGE = "../pages/home_page.py"
SMALL = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def home() -> Iterator[AppTest]:
    """The page, just opened, on a server that nobody has visited."""
    st.cache_resource.clear()
    st.cache_data.clear()
    yield AppTest.from_file(PAGE, default_timeout=60).run()
    st.cache_resource.clear()


def cards(app: AppTest) -> list[str]:
    return [each.value for each in app.html if each.value.startswith("<section")]


def names_of(card: str) -> list[str]:
    return re.findall(r'role="listitem">([^<]*)<', card)


def scored(app: AppTest) -> str:
    (table,) = (each.value for each in app.html if each.value.startswith("<table"))
    return str(table)


def tiles(app: AppTest) -> list[str]:
    """The name in tiles, once for each model."""
    rows = scored(app).split("<tr>")[2:]
    return ["".join(map(unescape, re.findall(r'title="[^"]*">([^<]*)<', row))) for row in rows]


def test_names_of_every_model_stand_there_with_no_click(home: AppTest) -> None:
    """From untrained to WaveNet, each with its parameters and its validation loss, named as such."""
    assert not home.exception
    found = cards(home)
    titles = ["untrained", *(name for name in SHOWN if name in shipped())]
    assert len(found) == len(titles)
    for title, card in zip(titles, found, strict=True):
        assert title in card
        assert re.search(r"[\d,]+ parameters", card)
        assert re.search(r"validation loss \d\.\d{3}", card)
        assert len(names_of(card)) == NAMES
        assert all(len(name) <= LONGEST for name in names_of(card))
    kept = load_shipped("wavenet-m")
    assert f"validation loss {kept.results.validation:.3f}" in found[-1]
    assert "train" not in {kept.membership.status(name) for name in names_of(found[-1]) if name}
    assert any("lecture split" in each.value for each in home.markdown)


def test_a_model_that_has_learned_nothing_guesses(home: AppTest) -> None:
    """Its validation loss is that of a blind guess, ln 27, to the first digit."""
    (loss,) = re.findall(r"validation loss (\d\.\d{3})", cards(home)[0])
    assert float(loss) == pytest.approx(3.296, abs=0.06)


def test_roll_again_brings_other_names_and_keeps_the_rest(home: AppTest) -> None:
    before, table = cards(home), scored(home)
    home.button(key="home_again").click().run()
    after = cards(home)
    assert all(names_of(a) != names_of(b) for a, b in zip(before, after, strict=True))
    assert scored(home) == table


def test_a_typed_name_is_scored_letter_by_letter_by_every_model(home: AppTest) -> None:
    """Each row has a tile a letter and the end mark, and the model's own nats per letter."""
    home.text_input(key="name").set_value("Olivia").run()
    assert tiles(home) == ["olivia■"] * len(cards(home))
    kept = load_shipped("bigram")
    assert f">{surprisal(kept.model(), kept.vocabulary, 'olivia').per_letter:.3f}<" in scored(home)


def test_the_link_brings_the_name() -> None:
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.query_params["name"] = "ruth"
    app.run()
    assert tiles(app)[0] == "ruth■"


@pytest.mark.parametrize(
    "typed",
    [
        "zoë",
        "<script>alert(1)</script>",
        "![x](http://x.example/y.png)",
        "\U0001f600",
        "שרה",
        "a" * 10_000,
        "a.b",
        "a\tb",
    ],
)
def test_a_name_that_cannot_be_scored_is_refused_in_one_sentence(home: AppTest, typed: str) -> None:
    """The sentence stands there, shortened and as plain text; the last name stays scored."""
    before = scored(home)
    home.text_input(key="name").set_value(typed).run()
    assert not home.exception
    (error,) = home.error
    assert error.value.endswith((".", "\\."))
    assert len(error.value) < 200
    assert not re.search(r"(?<!\\)[<\[(]", error.value), "nothing in it is Markdown or HTML"
    assert scored(home) == before
    assert error.value.replace("\\", "").endswith(" Below is still isabella.")
    assert len(cards(home)) > 1


def test_the_name_that_stays_is_called_by_its_name_and_a_near_one_is_offered(home: AppTest) -> None:
    home.text_input(key="name").set_value("Olivia").run()
    home.text_input(key="name").set_value("José").run()
    (error,) = home.error
    assert error.value.replace("\\", "").endswith(f"known are {SMALL}. Try jose. Below is still olivia.")
    assert tiles(home)[0] == "olivia■"


def test_an_emptied_field_shows_the_first_name(home: AppTest) -> None:
    home.text_input(key="name").set_value("  ").run()
    assert not home.error
    assert tiles(home)[0] == "isabella■"
