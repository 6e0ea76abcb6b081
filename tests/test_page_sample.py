"""Sample: names by the thousand with what stands behind each, and one name letter by letter."""

import csv as csv_files
import io
import time
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages import opened as open_by_link
from wavenames.checkpoints import SHIPPED, load_shipped
from wavenames.config import SERVER_LIMITS, Refusal, RunConfig, SamplingConfig
from wavenames.models import build
from wavenames.names import Membership, Vocabulary, split
from wavenames.probes.surprisal import surprisal
from wavenames.sampling import Sampled, Samples, sample
from wavenames.store import StoredList
from wavenames.ui import samples_view
from wavenames.ui.samples_view import DRAWN, STATUS, csv, draw
from wavenames.ui.session import draws, scheduler, store, trained

pytestmark = pytest.mark.usefixtures("fresh_server")
LETTERS = "Letter by letter"


def opened(**link: str) -> AppTest:
    return open_by_link("sample", link)


def names(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["name"])


def press(app: AppTest) -> AppTest:
    return app.button(key="sample").click().run()


def summary(app: AppTest) -> str:
    return next(each.value for each in app.markdown if "draws in" in each.value).replace("\\", "")


def written(app: AppTest) -> str:
    return str(app.text_input(key="sample_letters").value)


def said(app: AppTest) -> str:
    return next(each.value for each in app.markdown if "\n" in each.value)


# ----------------------------------------------------------------------------------------------- many names


def test_names_stand_there_with_no_click() -> None:
    """Twenty, with log-probability and status, and how many of which kind; the model itself would say the same."""
    app = opened()
    assert not app.exception
    kept = load_shipped("wavenet-m")
    own = sample(kept.model(), kept.vocabulary, SamplingConfig(), kept.membership)
    assert names(app) == [each.name for each in own.names]
    assert list(app.dataframe[0].value["status"]) == [STATUS[each.status] for each in own.names]
    assert list(app.dataframe[0].value["log_probability"]) == [each.log_probability for each in own.names]
    news = sum(each.status == "new" for each in own.names)
    assert f"○ {news} new" in summary(app)
    assert "20 draws in" in summary(app)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"sample_sex": "M"}, "The link asks for sex 'M'; this model is not told a name's sex. "),
        (
            {"sample_decade": "<b>", "sample_sex": "F", "sample_n": "7"},
            "The link asks for sex 'F' and decade '<b>'; this model is not told a name's sex or decade. ",
        ),
    ],
)
def test_what_a_link_tells_a_model_in_vain_is_said(link: dict[str, str], said: str) -> None:
    """With the model that could be told; what else the link asks for is taken."""
    app = opened(**link)
    (warning,) = app.warning
    assert warning.value.replace("\\", "") == said + "Choose wavenet-decades for that."
    assert len(names(app)) == int(link.get("sample_n", 20))
    assert not any(name in app.query_params for name in ("sample_sex", "sample_decade"))
    app.button(key="sample").click().run()
    assert not app.warning


def test_a_way_that_there_is_not_is_said() -> None:
    app = opened(sample_way="one by one")
    (warning,) = app.warning
    assert warning.value.replace("\\", "") == (
        "The link asks for the way 'one by one'; allowed is one of Many names, Letter by letter."
    )
    assert len(names(app)) == 20
    assert not press(app).warning
    assert not opened(sample_way=LETTERS).warning


def test_a_visitor_draws_for_a_short_while_and_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked where names are drawn, whatever a browser sends; the turn is given back, after a refusal too."""
    free: list[int] = []

    def count() -> None:
        taken = [draws().acquire(blocking=False) for _ in range(SERVER_LIMITS.max_draws_at_once)]
        free.append(sum(taken))
        draws().release(sum(taken))

    def refuses(*_: object) -> Samples:
        count()
        raise Refusal("No.")

    with pytest.raises(Refusal, match=r"^Time limit in seconds is 300; allowed is a whole number from 1 to 30\.$"):
        draw(trained()[0], {"seconds": 300})
    monkeypatch.setattr(samples_view, "sample", refuses)
    with pytest.raises(Refusal, match=r"^No\.$"):
        draw(trained()[0], {})
    count()
    assert free == [1, 2]


def test_the_link_holds_every_option() -> None:
    app = opened(sample_model="bigram", sample_prefix="ma", sample_n="7", sample_seed="5", sample_longest="6")
    kept = load_shipped("bigram")
    options = SamplingConfig(prefix="ma", n=7, seed=5, longest=6)
    assert names(app) == [e.name for e in sample(kept.model(), kept.vocabulary, options, kept.membership).names]


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"sample_temperature": "-1"}, "Temperature is -1; allowed is a number from 0 to 5."),
        ({"sample_temperature": "nan"}, "Temperature is nan; allowed is a number from 0 to 5."),
        ({"sample_n": "0"}, "Names wanted is 0; allowed is a whole number from 1 to 20,000."),
        ({"sample_seconds": "31"}, "Time limit in seconds is 31; allowed is a whole number from 1 to 30."),
        ({"sample_n": "abc"}, "Names wanted is abc; allowed is a whole number from 1 to 20,000."),
        ({"sample_top_p": "7"}, "Top-p is 7; allowed is a number from 0.01 to 1."),
        ({"sample_shortest": "9", "sample_longest": "3"}, "Shortest is 9; allowed is at most longest, which is 3."),
        ({"sample_unique": "perhaps"}, "Unique is perhaps; allowed is true or false."),
        ({"sample_prefix": "x" * 10_000}, "allowed is at most 30 characters."),
    ],
)
def test_a_link_out_of_bounds_is_refused_in_a_sentence(link: dict[str, str], sentence: str) -> None:
    """By the name that stands on the control, which keeps its default; the rest of the link is followed."""
    app = opened(sample_seed="5", **link)
    (warning,) = app.warning
    said = warning.value.replace("\\", "")
    assert sentence in said
    assert len(said) < 250
    assert not app.error
    assert [*link][-1] not in app.query_params
    controls = [*app.number_input, *app.text_input, *app.toggle]
    fields = {str(each.key): each.label for each in controls}
    assert fields[next(iter(link))] in said
    assert said.endswith(f"Left at the default: {fields[[*link][-1]]}.")
    assert app.number_input(key="sample_seed").value == 5
    assert len(names(app)) == 20


def test_a_link_to_a_run_that_is_still_training_says_so() -> None:
    run_id = scheduler().submit(RunConfig.from_flat({"preset": "wavenet-s", "steps": 50_000}))
    try:
        app = opened(sample_model=run_id)
    finally:
        scheduler().delete(run_id)
    (warning,) = app.warning
    assert warning.value.replace("\\", "").endswith("which is still training.")


def test_sample_pressed_again_gives_other_names_and_the_seed_says_so() -> None:
    app = opened()
    first = names(app)
    press(app)
    assert names(app) != first
    assert app.number_input(key="sample_seed").value == 2
    app.number_input(key="sample_seed").set_value(1)
    press(app)
    assert names(app) == first


def test_changed_options_keep_the_seed() -> None:
    app = opened()
    app.text_input(key="sample_prefix").set_value("Isa")
    press(app)
    assert app.number_input(key="sample_seed").value == 1
    assert all(name.startswith("isa") for name in names(app))


@pytest.mark.parametrize(
    ("control", "value", "words"),
    [
        ("sample_prefix", "ma5", "'5'"),
        ("sample_prefix", "x" * 31, "Prefix"),
        ("sample_prefix", "x" * 10_000, "Prefix"),
        ("sample_prefix", "<script>alert(1)</script>", "letter known here"),
        ("sample_prefix", "שרה", "letter known here"),
        ("sample_prefix", "\U0001f600", "letter known here"),
        ("sample_pattern", "*" * 61, "Pattern"),
        ("sample_pattern", "a5*", "'5' is not a letter known here"),
        ("sample_pattern", "?" * 31, "at least 31 letters; allowed is at most longest"),
    ],
)
def test_a_bad_option_is_refused_and_the_table_stays(control: str, value: str, words: str) -> None:
    app = opened()
    before = names(app)
    app.text_input(key=control).set_value(value)
    press(app)
    assert not app.exception
    (error,) = app.error
    assert words in error.value
    assert len(error.value) < 250
    assert error.value.replace("\\", "").endswith(" Below are still the names from wavenet-m.")
    assert names(app) == before
    assert "**20 names** from wavenet-m" in summary(app), "what stands below is still counted"
    app.text_input(key=control).set_value("")
    press(app)
    assert not app.error


def test_a_number_out_of_bounds_is_refused_and_the_table_stays() -> None:
    app = opened()
    before = names(app)
    box = app.number_input(key="sample_n")
    assert not any([box.proto.has_min, box.proto.has_max]), "a browser would keep it to itself"
    box.set_value(0)
    press(app)
    assert app.error[0].value.replace("\\", "").startswith("Names wanted is 0; allowed is a whole number from 1 to")
    assert names(app) == before


def test_beside_a_refusal_stands_how_the_names_below_it_begin() -> None:
    app = opened(sample_prefix="Ma")
    app.text_input(key="sample_prefix").set_value("ma5")
    press(app)
    assert app.error[0].value.replace("\\", "").endswith("Below are still the names that begin with ma.")
    app.text_input(key="sample_prefix").set_value("")
    app.text_input(key="sample_pattern").set_value("zzzzzzzzzzzz")
    app.number_input(key="sample_tries").set_value(1)
    press(app)
    app.text_input(key="sample_prefix").set_value("ma5")
    press(app)
    assert "Below" not in app.error[0].value, "there are none"


def test_the_table_is_as_high_as_its_rows_up_to_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    heights: list[object] = []
    show = st.dataframe

    def noted(*data: Any, **looks: Any) -> Any:
        heights.append(looks["height"])
        return show(*data, **looks)

    monkeypatch.setattr(st, "dataframe", noted)
    for wanted in ("1", "20", "21"):
        opened(sample_model="bigram", sample_n=wanted)
    assert heights[:2] == ["content", "content"]
    assert heights[2] == 35 * (1 + 20) + 18, "half of a further row"


def test_lengths_that_contradict_each_other_are_refused() -> None:
    app = opened()
    app.number_input(key="sample_shortest").set_value(12)
    app.number_input(key="sample_longest").set_value(4)
    press(app)
    assert "Shortest is 12" in app.error[0].value


def test_fewer_names_than_wanted_are_shown_with_the_reason() -> None:
    app = opened(sample_model="bigram", sample_pattern="*a", sample_tries="1")
    assert not app.exception
    assert "Found" in app.warning[0].value
    assert 0 < len(names(app)) < 20


def test_where_no_name_was_found_a_sentence_stands_instead_of_a_table() -> None:
    """Nothing to choose in, nothing to take along; a wider pattern brings both back."""
    app = opened(sample_model="bigram", sample_pattern="zzzzzzzzzzzz", sample_tries="2")
    assert not app.exception
    assert "Found 0 of 20 names in 40 draws" in app.warning[0].value
    assert not app.dataframe
    assert app.get("download_button")[1].proto.disabled
    assert "**No names** from bigram, 40 draws in" in summary(app)
    app.text_input(key="sample_pattern").set_value("*")
    press(app)
    assert len(names(app)) == 20


def test_a_pattern_is_brought_to_the_letters_of_the_model() -> None:
    app = opened(sample_model="bigram", sample_pattern=" *NA")
    assert all(name.endswith("na") for name in names(app))


def test_the_summary_leaves_out_kinds_that_there_are_none_of() -> None:
    app = opened()
    drawn = app.session_state[DRAWN]
    one = Samples((Sampled("anna", -1.0, "train"),), 1, 0.1, "")
    assert samples_view.summary(replace(drawn, samples=one)).endswith("\n1 different · ● 1 in train")


def test_ten_thousand_names_are_one_table() -> None:
    app = opened(sample_model="bigram", sample_n="10000")
    assert len(names(app)) == 10_000
    assert "10,000 names" in summary(app)


def test_another_model_draws_at_once() -> None:
    app = opened()
    app.selectbox(key="sample_model").set_value("bigram").run()
    assert "bigram" in summary(app)


def test_an_unknown_model_in_the_link_is_said_and_the_usual_one_used() -> None:
    app = opened(sample_model="nonsense")
    assert "nonsense" in app.warning[0].value
    assert "wavenet-m" in summary(app)


def test_the_file_holds_the_table() -> None:
    """A line a name: name, log-probability, status in the words of the command line."""
    app = opened()
    assert [each.proto.label for each in app.get("download_button")] == ["Download this model", "Names as CSV"]
    drawn = app.session_state[DRAWN]
    rows = list(csv_files.DictReader(io.StringIO(csv(drawn))))
    assert [row["name"] for row in rows] == names(app)
    assert [row["status"] for row in rows] == [each.status for each in drawn.samples.names]
    assert [float(row["log_probability"]) for row in rows] == pytest.approx(
        [each.log_probability for each in drawn.samples.names]
    )
    formulas = Samples(tuple(Sampled(name, -1.0, "new") for name in ("=1+1", "-anna", "anna")), 3, 0.1, "")
    lines = csv_files.DictReader(io.StringIO(csv(replace(drawn, samples=formulas))))
    assert [line["name"] for line in lines] == ["'=1+1", "'-anna", "anna"], "no name is a formula"


# ----------------------------------------------------------------------------------------------- a model's file


def upload(app: AppTest, content: bytes) -> AppTest:
    app.file_uploader[0].upload("mine.safetensors", content).run()
    return app


def test_a_model_that_is_brought_is_chosen_and_sampled() -> None:
    """It joins the chooser for this visit, and gives what the model itself gives."""
    app = upload(opened(), (SHIPPED / "bigram.safetensors").read_bytes())
    assert not app.error
    assert "bigram (your file)" in summary(app)
    kept = load_shipped("bigram")
    own = sample(kept.model(), kept.vocabulary, SamplingConfig(), kept.membership)
    assert names(app) == [each.name for each in own.names]
    assert opened().selectbox(key="sample_model").options == [
        one for one in app.selectbox(key="sample_model").options if "your file" not in one
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"not a model", (SHIPPED / "bigram.safetensors").read_bytes()[:-100], b"\xff" * 5000],
    ids=["empty", "text", "cut off", "noise"],
)
def test_a_file_that_is_no_model_is_refused_and_nothing_is_lost(content: bytes) -> None:
    app = opened()
    before = names(app)
    upload(app, content)
    assert not app.exception
    (error,) = app.error
    assert "checkpoint" in error.value
    assert names(app) == before
    upload(app, (SHIPPED / "bigram.safetensors").read_bytes())
    assert not app.error


def test_a_model_with_other_letters_is_asked_in_its_own(tiny_names: tuple[str, ...]) -> None:
    """A beginning that it doesn't know is refused; the names of the model before stay in the table."""
    shipped_bigram = load_shipped("bigram")
    parts = split(tiny_names)
    letters = Vocabulary.of(tiny_names)
    network = build(shipped_bigram.run.model, letters.size)
    few = replace(
        shipped_bigram, vocabulary=letters, weights=network.state_dict(), membership=Membership.of(parts), title="few"
    )
    app = opened(sample_prefix="z")
    before = names(app)
    upload(app, few.to_bytes())
    assert "'z'" in app.error[0].value
    assert names(app) == before
    app.text_input(key="sample_prefix").set_value("em")
    press(app)
    assert not app.error
    assert all(name.startswith("em") for name in names(app))


# ----------------------------------------------------------------------------------------------- letter by letter


def test_letters_are_added_taken_back_and_ended() -> None:
    """The select box goes on, Undo takes back, '.' ends the name and says its log-probability and status."""
    app = opened(sample_way=LETTERS)
    assert not app.exception
    for letter in "emm":
        app.selectbox(key="sample_next").set_value(letter).run()
    assert written(app) == "emm"
    app.button(key="letter_undo").click().run()
    assert written(app) == "em"
    for letter in "ma.":
        app.selectbox(key="sample_next").set_value(letter).run()
    assert written(app) == "emma."
    kept = load_shipped("wavenet-m")
    found = surprisal(kept.model(), kept.vocabulary, "emma")
    assert f"−{-found.log_probability:.2f} nats" in said(app)
    assert f"The name ends here; it is {STATUS[kept.membership.status('emma')]}." in said(app)
    assert [each for each in app.get("html") if "A blind guess: 3.30" in each.proto.body]
    assert app.selectbox(key="sample_next").disabled
    assert app.button(key="letter_roll").disabled
    app.button(key="letter_undo").click().run()
    assert written(app) == "emma"
    app.button(key="letter_restart").click().run()
    assert written(app) == ""
    assert not app.exception


def test_the_next_letters_are_offered_with_their_chances_likeliest_first() -> None:
    app = opened(sample_way=LETTERS, sample_letters="isabell", sample_model="bigram")
    kept = load_shipped("bigram")
    chances = surprisal(kept.model(), kept.vocabulary, "isabell").places[-1].distribution.exp()
    best = kept.vocabulary.symbols[int(chances.argmax())]
    options = app.selectbox(key="sample_next").options
    assert len(options) == 27
    assert options[0] == f"{best} · {float(chances.max()):.1%}"


def test_a_die_adds_one_letter() -> None:
    app = opened(sample_way=LETTERS, sample_letters="mar")
    app.button(key="letter_roll").click().run()
    assert written(app)[:3] == "mar"
    assert len(written(app)) == 4


@pytest.mark.parametrize("typed", ["zo5", "zo<b>", "zo" + "x" * 10_000, "zo.e", "zo\U0001f600"])
def test_letters_that_cannot_be_are_refused_and_the_known_beginning_stays(typed: str) -> None:
    """Undo and the letters go on from what is shown."""
    app = opened(sample_way=LETTERS, sample_letters=typed)
    assert not app.exception
    assert len(app.error) == 1
    assert len(app.error[0].value) < 200
    app.selectbox(key="sample_next").set_value("e").run()
    assert written(app)[:2] == "zo"
    assert written(app)[-1] == "e"
    assert "." not in written(app)


def test_a_letter_that_was_not_offered_is_refused() -> None:
    """A browser can send what it likes."""
    app = opened(sample_way=LETTERS)
    app.session_state["sample_letters"] = "an"
    app.session_state["sample_clicked"] = "an<script>"
    app.run()
    assert not app.exception
    assert len(app.error) == 1


# ----------------------------------------------------------------------------------------------- what a model is told


def test_a_model_that_was_told_sex_and_decade_is_asked_for_both() -> None:
    """The choosers are there, their words stand in the link's, and names are those of the sampler told the same."""
    app = opened(sample_model="wavenet-decades", sample_sex="M", sample_decade="1920", sample_n="12")
    kept = load_shipped("wavenet-decades")
    options = SamplingConfig(n=12, sex="M", decade="1920")
    own = sample(kept.model(), kept.vocabulary, options, kept.membership)
    assert names(app) == [each.name for each in own.names]
    assert "**12 boys' names of 1920** from wavenet-decades" in summary(app)
    told = {"sex": "M", "decade": "1920"}
    found = surprisal(kept.model(), kept.vocabulary, own.names[0].name, told)
    assert f"{found.per_letter:.3f} nats per letter" in next(
        each.value for each in app.markdown if "nats per letter," in each.value
    )
    app.selectbox(key="sample_sex").set_value("F")
    app.selectbox(key="sample_decade").set_value("any")
    press(app)
    assert "**12 girls' names**" in summary(app)
    assert app.number_input(key="sample_seed").value == 1


def test_a_model_that_was_told_nothing_has_no_such_choosers() -> None:
    """A link that asks for a sex all the same gives the model's usual names."""
    app = opened(sample_sex="M", sample_decade="1920")
    assert not {"sample_sex", "sample_decade"} & {each.key for each in app.selectbox}
    assert names(app) == names(opened())


def test_the_next_letter_is_shown_for_two_conditions() -> None:
    """Girls at the left and boys at the right, until chosen otherwise; dice and words are those of the left."""
    app = opened(
        sample_model="wavenet-decades", sample_way=LETTERS, sample_letters="mar", letters_second_decade="1880"
    )
    assert [(each.key, each.value) for each in app.selectbox if str(each.key).startswith("letters_")] == [
        ("letters_first_sex", "F"), ("letters_first_decade", "any"),
        ("letters_second_sex", "M"), ("letters_second_decade", "1880"),
    ]  # fmt: skip
    kept = load_shipped("wavenet-decades")
    found = surprisal(kept.model(), kept.vocabulary, "mar", {"sex": "F"})
    best = found.places[-1].distribution.exp().max()
    assert app.selectbox(key="sample_next").options[0].endswith(f"{float(best):.1%}")
    assert "nats as a girl's name" in said(app)
    app.selectbox(key="letters_first_sex").set_value("M").run()
    other = surprisal(kept.model(), kept.vocabulary, "mar", {"sex": "M"}).places[-1].distribution.exp().max()
    assert app.selectbox(key="sample_next").options[0].endswith(f"{float(other):.1%}")
    app.selectbox(key="sample_model").set_value("bigram").run()
    assert not app.exception
    assert not [each for each in app.selectbox if str(each.key).startswith("letters_")]


def test_a_model_is_asked_only_for_classes_that_it_learned() -> None:
    """Of a list of girls of two decades; a model that knows more, chosen before, leaves nothing behind."""
    girls = tuple(f"{a}{b}{c}" for a in "aeiou" for b in "lmnrst" for c in "aei")
    decades = tuple("1990" if i % 2 else "2010" for i in range(len(girls)))
    names = StoredList("upload-0123456789ab", "Girls", girls, "", labels={"sex": ("F",) * 90, "decade": decades})
    store().keep_list(names)
    words = {"preset": "mlp-3", "steps": "20", "names": names.id, "conditions": "sex+decade"}
    run_id = scheduler().submit(RunConfig.from_flat(words))
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    app = opened(sample_model="wavenet-decades", sample_decade="1880", sample_sex="M")
    app.selectbox(key="sample_model").set_value(run_id).run()
    assert app.selectbox(key="sample_sex").options == ["any", "F"]
    assert app.selectbox(key="sample_decade").options == ["any", "1990", "2010"]
    assert [app.selectbox(key=key).value for key in ("sample_sex", "sample_decade")] == ["any", "any"]
    assert not press(app).error
    linked = opened(sample_model=run_id, sample_decade="1880", sample_sex="F")
    assert (
        "Decade is 1880; the names that this model learned from had none of it. Allowed is one of any, 1990, 2010."
    ) in linked.warning[0].value.replace("\\", "")
    assert [linked.selectbox(key=key).value for key in ("sample_sex", "sample_decade")] == ["F", "any"]
    with pytest.raises(Refusal, match=r"^Sex is M; "):
        draw(next(each for each in trained() if each.key == run_id), {"sex": "M"})
    sides = opened(sample_model=run_id, sample_way=LETTERS, letters_second_decade="1880")
    assert "Decade is 1880" in sides.warning[0].value
    assert sides.selectbox(key="letters_second_sex").options == ["any", "F"]
    assert not app.exception
