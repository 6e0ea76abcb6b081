"""The way from a run to the pages that look inside it: each page understands the word that it is led by."""

import pytest

from tests.pages import opened
from wavenames.ui.inside import PAGES


@pytest.mark.parametrize("title", [title for title in PAGES if title != "Steps"])
def test_a_page_shows_the_model_that_it_is_led_to(title: str) -> None:
    page, word = PAGES[title]
    app = opened(page, {word: "tree-76k"})
    assert not app.warning
    assert app.session_state[word] in ("tree-76k", ["tree-76k"])
