"""Choices in the link: by id, kept from page to page, and only what is there to be chosen."""

import pytest
from streamlit.testing.v1 import AppTest

from wavenames.ui.links import distinct


def page() -> None:
    """Two choosers, as a page has them."""
    import streamlit as st  # noqa: PLC0415 - AppTest runs this function's source alone

    from wavenames.ui.links import arrive, linked_choice, linked_ids  # noqa: PLC0415

    arrive(st.session_state.get("page", "first"))
    options = st.session_state.get("options", {"a": "Anna", "b": "Bert", "c": "Bert"})
    one = linked_choice("One", options, key="one", default="b")
    some = linked_ids(options, key="some", default=["a"], most=2)
    st.text(f"{one}: {','.join(some)}")


def shown(at: AppTest) -> str:
    """What the page chose."""
    assert not at.exception
    return str(at.text[0].value)


def test_a_default_stays_out_of_the_link() -> None:
    """A link tells what a person chose, nothing else."""
    at = AppTest.from_function(page).run()
    assert shown(at) == "b: a"
    assert dict(at.query_params) == {}


def test_a_choice_stands_in_the_link_by_its_id_and_on_the_page_by_its_title() -> None:
    """Two things of one title are told apart."""
    at = AppTest.from_function(page).run()
    assert at.selectbox(key="one").options == ["Anna", "Bert", "Bert (2)"]
    at.selectbox(key="one").select("c").run()
    at.session_state["some"] = ["a", "c"]
    at.run()
    assert shown(at) == "c: a,c"
    assert at.query_params["one"] == "c"
    assert at.query_params["some"] == ["a", "c"]


def test_a_link_is_followed_when_it_is_opened_and_then_the_reader_is() -> None:
    """What the link says holds until someone chooses otherwise; a request that crosses the answer changes nothing."""
    at = AppTest.from_function(page)
    at.query_params["one"], at.query_params["some"] = "a", ["c", "b"]
    at.run()
    assert shown(at) == "a: c,b"
    at.selectbox(key="one").select("c").run()
    assert shown(at) == "c: c,b"
    at.query_params["one"] = "a"
    at.run()
    assert shown(at) == "c: c,b"
    assert at.query_params["one"] == "c"


def test_another_page_follows_the_link_that_led_to_it() -> None:
    """Also to one that was left before; without a word in the link the choice stays as it was."""
    at = AppTest.from_function(page).run()
    at.selectbox(key="one").select("c").run()
    at.session_state["page"] = "second"
    at.run()
    assert shown(at) == "c: a"
    at.session_state["page"], at.query_params["one"] = "first", "a"
    at.run()
    assert shown(at) == "a: a"


def test_an_empty_choice_is_a_choice() -> None:
    """Nobody chosen is not the default; it stands in the link too."""
    at = AppTest.from_function(page).run()
    at.session_state["some"] = []
    at.run()
    assert shown(at) == "b:"
    assert at.query_params["some"] == ""
    again = AppTest.from_function(page)
    again.query_params["some"] = ""
    assert shown(again.run()) == "b:"


def test_what_a_link_asks_for_in_vain_is_said() -> None:
    """The rest of the link is followed; no more than allowed is taken, and that is said too."""
    at = AppTest.from_function(page)
    at.query_params["one"], at.query_params["some"] = "gone", ["c", "gone", "a", "b"]
    at.run()
    assert shown(at) == "b: c,a"
    assert [each.value.replace("\\", "") for each in at.warning] == [
        *[f"The link's {key} is 'gone', which this server doesn't know or no longer has." for key in ("one", "some")],
        "The link asks for 3 at once; allowed are at most 2. Here are the first 2.",
    ]
    assert not at.run().warning


def test_a_choice_that_is_gone_is_said_to_be_gone() -> None:
    """Once by each control, by the title that stood there; of one, with what stands in its place."""
    at = AppTest.from_function(page).run()
    at.selectbox(key="one").select("a").run()
    at.session_state["options"] = {"b": "Bert", "c": "Cleo"}
    at.run()
    assert shown(at).startswith("b:")
    assert [each.value for each in at.warning] == [
        "Anna is no longer here; Bert stands in its place\\.",
        "Anna is no longer here\\.",
    ]
    assert not at.run().warning


def test_of_several_each_that_is_gone_is_said_to_be_gone() -> None:
    at = AppTest.from_function(page).run()
    at.session_state["some"] = ["a", "c"]
    at.run()
    at.session_state["options"] = {"b": "Bert", "c": "Cleo"}
    at.run()
    assert shown(at) == "b: c"
    assert [each.value for each in at.warning] == ["Anna is no longer here\\."]
    assert not at.run().warning


def picking() -> None:
    """A part of something that changes."""
    import streamlit as st  # noqa: PLC0415 - as above

    from wavenames.ui.links import arrive, linked_pick  # noqa: PLC0415

    arrive("page")
    letters = st.session_state.get("name", "ada")
    st.text(linked_pick("Letter", {str(i): letter for i, letter in enumerate(letters)}, key="at", default="0"))


def test_a_part_that_a_link_asks_for_in_vain_is_said_and_leaves_the_link() -> None:
    at = AppTest.from_function(picking)
    at.query_params["at"] = "7"
    at.run()
    assert shown(at) == "0"
    assert [each.value for each in at.warning] == ["The link asks for letter '7'; allowed is one of 0, 1, 2\\."]
    assert "at" not in at.query_params
    assert not at.run().warning


def test_a_part_that_is_not_there_now_waits_without_a_word() -> None:
    """Not in the link either, which would ask for it in vain."""
    at = AppTest.from_function(picking)
    at.query_params["at"] = "2"
    assert shown(at.run()) == "2"
    at.session_state["name"] = "bo"
    assert shown(at.run()) == "0"
    assert "at" not in at.query_params
    assert not at.warning
    at.session_state["name"] = "bob"
    assert shown(at.run()) == "2"
    assert at.query_params["at"] in ("2", ["2"])


def test_a_new_title_reaches_the_browser_which_knows_no_ids() -> None:
    """Else it would go on showing the old one, and answer with it."""
    at = AppTest.from_function(page).run()
    at.session_state["options"] = {"a": "Anne", "b": "Bob", "c": "Bert"}
    at.run()
    assert shown(at) == "b: a"
    assert at.selectbox(key="one").proto.set_value
    assert at.selectbox(key="one").proto.raw_value == "Bob"
    at.run()
    assert not at.selectbox(key="one").proto.set_value


def test_titles_are_made_distinct_without_new_twins() -> None:
    """A title that looks like a made one is not made twice."""
    assert list(distinct({"1": "x", "2": "x (2)", "3": "x", "4": "x"}).values()) == ["x", "x (2)", "x (3)", "x (4)"]


def misspelt() -> None:
    """A page with one control of each kind, below the router's eye."""
    import streamlit as st  # noqa: PLC0415 - as above

    from wavenames.ui.links import (  # noqa: PLC0415
        arrive,
        linked_choice,
        linked_ids,
        linked_pick,
        linked_text,
        linked_word,
        misspelt_said,
        say_unknown,
        write_words,
    )

    arrive("page")
    with misspelt_said():
        letters = {"a": "a", "b": "b"}
        linked_choice("Model", letters, key="some_model")
        linked_ids(letters, key="some_runs", default=["a"], most=2)
        linked_pick("Letter", letters, key="some_letter", default="a")
        linked_text("Name", key="some_name")
        linked_word("some_card")
        say_unknown("some_axis", "the axis", letters)
        write_words({}, ["some_seed"])
        st.text("drawn")


@pytest.mark.parametrize("right", ["model", "runs", "letter", "name", "card", "axis", "seed"])
def test_a_word_of_a_link_that_is_nearly_one_is_named_whatever_control_reads_it(right: str) -> None:
    """Once, above the page; what is nothing like one is left alone."""
    at = AppTest.from_function(misspelt)
    at.query_params[f"somee_{right}"], at.query_params["utm_source"] = "a", "b"
    at.run()
    assert not at.exception
    assert [each.value.replace("\\", "") for each in at.warning] == [
        f"The link sets 'somee_{right}', which is no setting; the nearest is 'some_{right}'."
    ]
    assert not at.run().warning


def test_words_that_are_right_are_not_named() -> None:
    at = AppTest.from_function(misspelt)
    at.query_params["some_model"], at.query_params["some_runs"], at.query_params["some_seed"] = "b", ["a", "b"], "4"
    assert not at.run().warning
