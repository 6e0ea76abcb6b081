"""The way from a run to the pages that look inside it."""

from __future__ import annotations

import streamlit as st

from wavenames.ui.links import write_words

PAGES = {
    "Health": ("health", "health_of"),
    "Steps": ("steps", "steps_run"),
    "Wiring": ("wiring", "wiring_model"),
    "X-ray": ("xray", "xray_models"),
    "Units": ("units", "units_of"),
    "Letters": ("embeddings", "letters_of"),
    "Memory": ("memory", "memory_of"),
}
"""The page behind each title, and the word by which its link names a model."""
LIVE = ("Health", "Steps")
"""Those that also show a run under way; the others ask a model that is there to be asked."""


LEFT_BEHIND = ("sample_model", *(word for _, word in PAGES.values()))
"""Words that the way to another page leaves in this page's link: Streamlit writes the next page's words behind this
address first, and that is where "back" leads."""
ASKED = "inside_asked"
"""Session key: the page that was asked for, and the run it is to show."""


def go_inside() -> None:
    """Open the page that was asked for, if one was. To be called by the page, outside of any fragment.

    A fragment that is drawn again and again may be due once more when its page is left; led away by the fragment
    itself, a browser was seen to draw it over the next page.
    """
    write_words({}, LEFT_BEHIND)
    asked: tuple[str, str, str] | None = st.session_state.pop(ASKED, None)
    if asked is not None:
        page, word, run_id = asked
        # The run stands in front for the way back, as it does on the way to Sample.
        st.switch_page(f"pages/{page}_page.py", query_params={"run": run_id, word: run_id})


def see_inside(run_id: str, *, ready: bool) -> None:
    """One button that opens to all of them; `ready` says whether the run's model is there."""
    with st.popover("Look inside", icon=":material/visibility:"):
        for title, (page, word) in PAGES.items():
            if st.button(title, type="tertiary", key=f"inside_{page}", disabled=not ready and title not in LIVE):
                st.session_state[ASKED] = page, word, run_id
                st.rerun()
