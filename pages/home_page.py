"""Home: names from untrained to WaveNet, your own name under each model, and the way to train one."""

import math

import streamlit as st

from wavenames.config import Refusal
from wavenames.probes.surprisal import surprisal
from wavenames.ui.ladder import invented, ladder
from wavenames.ui.links import linked_text
from wavenames.ui.name_rows import Scored, card_html, scale_html, scored_html
from wavenames.ui.theme import apply_theme
from wavenames.ui.typed import as_known
from wavenames.ui.words import plain

FIRST_NAME = "isabella"
HELP = """Validation loss: how much the names that were held out surprise a model, for each letter and end mark.
The lower, the better it foresees names that it was not trained on. None of these names is on its training list."""

apply_theme()
rungs = ladder()
splits = " and ".join(sorted({rung.data.split for rung in rungs}))

what, go = st.columns([4, 1], vertical_alignment="bottom")
with what.container(gap=None):
    st.title("wavenames", anchor=False)
    st.markdown("A laboratory where you train small networks on a list of names until they invent new ones.")
with go:
    if st.button(
        "Train your own", type="primary", icon=":material/model_training:", key="home_train", width="stretch"
    ):
        st.switch_page("pages/train_page.py")


@st.fragment
def invented_names() -> None:
    """Names of each rung, side by side; the dice can be thrown again."""
    roll = st.session_state.setdefault("home_roll", 1)
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**Names that each model made up**", width="content")
            again = st.button("Roll again", type="tertiary", icon=":material/casino:", key="home_again")
            st.markdown(f":small[Losses: nats per letter, {splits} split]", width="content", help=HELP)
        if again:
            st.session_state["home_roll"] = roll = roll + 1
        with st.grid(len(rungs), min_column_width=145, key="home_ladder"):
            for place, rung in enumerate(rungs):
                loss = "not measured" if rung.validation is None else f"{rung.validation:.3f}"
                facts = f"{rung.model.parameter_count:,} parameters", f"validation loss {loss}"
                st.html(card_html(rung.title, rung.family, facts, invented(place, roll)))


@st.fragment
def your_name() -> None:
    """A name that is typed, in tiles under each model. One that can't be scored leaves the last one standing."""
    left, right, inside = st.columns([3, 5, 2], vertical_alignment="bottom")
    with left:
        typed = linked_text("Type your name", FIRST_NAME, key="name")
    name: str = st.session_state.get("home_read", FIRST_NAME)
    with right:
        try:
            st.session_state["home_read"] = name = as_known(typed.strip() or FIRST_NAME, rungs[0].vocabulary)
            st.html(scale_html(math.log(rungs[0].vocabulary.size)))
        except Refusal as refusal:
            st.error(plain(f"{refusal} Below is still {name}."))
    if inside.button("Look inside", icon=":material/visibility:", key="home_inside", width="stretch"):
        st.switch_page("pages/wiring_page.py", query_params={"wiring_name": name})
    rows = [Scored(each.title, each.family, surprisal(each.model, each.vocabulary, name)) for each in rungs]
    st.html(scored_html(rows))


invented_names()
your_name()
