"""Times: a name through the years, and two times side by side, as the model itself says."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import opened as open_by_link
from wavenames.checkpoints import load_shipped
from wavenames.config import CONDITIONS, SamplingConfig
from wavenames.probes.surprisal import surprisal
from wavenames.sampling import sample
from wavenames.ui.times_view import DRAWN, FIRST_NAME, LONGEST, MODEL

pytestmark = pytest.mark.usefixtures("fresh_server")


def opened(**link: str) -> AppTest:
    return open_by_link("times", link)


def words(app: AppTest) -> str:
    return " ".join(each.value for each in app.markdown).replace("\\", "")


def chips(app: AppTest) -> list[str]:
    """The drawn names, row by row."""
    (table,) = (
        each.proto.body for each in app.get("html") if "<table" in each.proto.body and "wn-pairs" in each.proto.body
    )
    return re.findall(r'wn-chip" dir="auto">([^<]*)<', table)


def nats(name: str, **told: str) -> float:
    kept = load_shipped(MODEL)
    return surprisal(kept.model(), kept.vocabulary, name, told).per_letter


def drawn(seed: int, **told: str) -> list[str]:
    kept = load_shipped(MODEL)
    options = SamplingConfig.checked(n=DRAWN, longest=LONGEST, seed=seed, **told)
    return [each.name for each in sample(kept.model(), kept.vocabulary, options, kept.membership).names]


def test_the_page_opens_with_a_name_its_times_and_names_by_the_same_dice() -> None:
    """What it says is what the model says, told each sex and year."""
    app = opened()
    all_ = {(sex, year): nats(FIRST_NAME, sex=sex, decade=year) for sex in "FM" for year in CONDITIONS["decade"]}
    (sex, year), low = min(all_.items(), key=lambda item: item[1])
    kind = {"F": "girls'", "M": "boys'"}[sex]
    assert f"**{FIRST_NAME}** is most at home among {kind} names of {year} ({low:.3f} nats per letter)" in words(app)
    assert f"as a name of 1900: {nats(FIRST_NAME, decade='1900'):.3f} nats per letter" in words(app)
    assert f"as a name of 2024: {nats(FIRST_NAME, decade='2024'):.3f} nats per letter" in words(app)
    assert "They part most" in words(app)
    assert f"{MODEL} was told of each name whose it is" in words(app)
    assert chips(app)[::2] == drawn(1, decade="1900")
    assert chips(app)[1::2] == drawn(1, decade="2024")
    assert len([each for each in app.button if each.proto.type == "primary"]) == 1


def test_the_link_holds_name_conditions_and_dice() -> None:
    app = opened(
        times_name="Jayden", times_first_sex="M", times_first_decade="1880", times_second_decade="any", times_seed="7"
    )
    assert f"**jayden** as a boy's name of 1880: {nats('jayden', sex='M', decade='1880'):.3f}" in words(app)
    assert f"**jayden** as a name: {nats('jayden'):.3f}" in words(app)
    assert chips(app)[1::2] == drawn(7)
    app.button(key="times_again").click().run()
    assert app.query_params["times_seed"] == ["8"] or app.query_params["times_seed"] == "8"
    assert chips(app)[1::2] == drawn(8)


def test_told_the_same_nothing_parts() -> None:
    app = opened(times_first_decade="2024")
    assert "They part" not in words(app)
    assert chips(app)[::2] == chips(app)[1::2]


@pytest.mark.parametrize("typed", ["zo5", "\u05e9\u05e8\u05d4", "<b>x</b>", "x" * 100, "a.b"])
def test_a_name_that_cannot_be_read_is_refused_and_the_last_one_stays(typed: str) -> None:
    app = opened()
    app.text_input(key="times_name").set_value(typed).run()
    assert not app.exception
    assert len(app.error) == 1
    assert f"**{FIRST_NAME}** is most at home" in words(app)
    assert app.error[0].value.replace("\\", "").endswith(f" Below is still {FIRST_NAME}.")


@pytest.mark.parametrize("seed", ["x", "-1", "4294967296", "\u00b2", "9" * 5000])
def test_dice_that_there_are_not_are_refused_and_can_be_rolled_again(seed: str) -> None:
    app = opened(times_seed=seed)
    assert not app.exception
    assert "Seed is" in app.error[0].value.replace("\\", "")
    app.button(key="times_again").click().run()
    assert not app.exception
    assert not app.error


def test_a_condition_that_there_is_not_is_said_and_the_usual_one_used() -> None:
    app = opened(times_first_decade="1900s", times_second_sex="M")
    assert "Decade is 1900s" in app.warning[0].value.replace("\\", "")
    assert f"**{FIRST_NAME}** as a name of 1900:" in words(app)
    assert f"**{FIRST_NAME}** as a boy's name of 2024:" in words(app)
    assert app.query_params["times_second_sex"] in ("M", ["M"])
    assert "times_first_decade" not in app.query_params
