"""Helpers of the tests that run a page without a browser."""

from collections.abc import Mapping

from streamlit.testing.v1 import AppTest


def opened(page: str, link: Mapping[str, str | list[str]]) -> AppTest:
    """The page `pages/<page>_page.py`, opened by a link that holds `link`. It must have run without an exception."""
    app = AppTest.from_file(f"../pages/{page}_page.py", default_timeout=60)
    for name, value in link.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app
