"""How long the server works on the first visit to a page that looks inside, for each model that ships.

python -m docs.first_visits [PAGE ...]     all of them, or those that are named; the median of five in seconds

Whatever the app keeps is forgotten before each visit. What the browser takes to draw the page comes on top.
"""

import logging
import os
import statistics
import sys
import tempfile
import time
from functools import _lru_cache_wrapper
from pathlib import Path
from types import ModuleType

import streamlit as st
from streamlit.testing.v1 import AppTest

ROUNDS = 5
PAGES = {
    "wiring": "wiring_model",
    "xray": "xray_models",
    "units": "units_of",
    "embeddings": "letters_of",
    "memory": "memory_of",
    "health": "health_of",
}
"""The word by which the link of each names a model."""


def forget() -> None:
    """All that is cached, by Streamlit and by our own modules; but not the libraries, nor the store."""
    st.cache_data.clear()
    st.cache_resource.clear()
    for name, module in list(sys.modules.items()):
        if name.startswith("wavenames") and isinstance(module, ModuleType):
            for each in vars(module).values():
                if isinstance(each, _lru_cache_wrapper):
                    each.cache_clear()


def visit(page: str, model: str) -> float:
    """Seconds until the page is whole."""
    forget()
    app = AppTest.from_file(str(Path(f"pages/{page}_page.py").resolve()), default_timeout=120)
    app.query_params[PAGES[page]] = model
    began = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - began
    if app.exception:
        raise RuntimeError(f"{page} of {model}: {app.exception[0].message}")
    return seconds


def main() -> None:
    """Print a line a model, a column a page."""
    from wavenames.checkpoints import shipped  # noqa: PLC0415 - after the data folder is set

    pages = sys.argv[1:] or list(PAGES)
    visit(pages[0], "bigram")  # what is only loaded once
    print("| model | " + " | ".join(pages) + " |\n| --- |" + " --- |" * len(pages))
    for model in shipped():
        cells = [f"{statistics.median(visit(page, model) for _ in range(ROUNDS)):.2f}" for page in pages]
        print(f"| {model} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # each page asks for a runtime that a test has not
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WAVENAMES_DATA"] = folder
        main()
