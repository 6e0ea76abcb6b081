"""Helpers of the tests that run a page without a browser."""

import json
from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest


def opened(page: str, link: Mapping[str, str | list[str]]) -> AppTest:
    """The page `pages/<page>_page.py`, opened by a link that holds `link`. It must have run without an exception."""
    app = AppTest.from_file(f"../pages/{page}_page.py", default_timeout=60)
    for name, value in link.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def chart_text(app: AppTest, title: str) -> str:
    """What the chart whose words begin with `title` says to those who can't see it."""
    return str(chart(app, title)["text"])


def chart(app: AppTest, title: str) -> dict[str, Any]:
    """What the browser is given of the chart whose words begin with `title`."""
    charts: list[dict[str, Any]] = [json.loads(each.proto.json) for each in app.get("bidi_component")]
    return next(each for each in charts if str(each["text"]).startswith(title))
