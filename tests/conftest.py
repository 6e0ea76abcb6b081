"""What every test shares: one torch thread, its own data folder, a tiny list, the app in a browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
import torch
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import BROWSER_FLAGS, chromium, running_app, watched
from wavenames.claims import quality, rates
from wavenames.config import RecurrentConfig, WaveNetConfig
from wavenames.names import NameList, makemore
from wavenames.ui import session

# Two workers share two cores: more threads than one a worker would only fight.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test's own, so that no test reads or leaves runs in the project's."""
    folder = tmp_path / "data"
    monkeypatch.setenv("WAVENAMES_DATA", str(folder))
    return folder


@pytest.fixture
def tiny_names() -> tuple[str, ...]:
    """Sixteen names with shared beginnings, a twin, and lengths from two to nine letters."""
    return (
        "emma", "emily", "emmett", "olivia", "oliver", "ava", "avery", "isabella",
        "mia", "mila", "noah", "nora", "bo", "leo", "charlotte", "emma",
    )  # fmt: skip


BESIDE = Path(__file__).parents[2] / "shared" / "data" / "names.txt"


@pytest.fixture(scope="session")
def makemore_bytes() -> bytes:
    """Bytes of makemore's names.txt, which may not ship: WAVENAMES_MAKEMORE says where, else beside the project."""
    path = Path(os.environ.get("WAVENAMES_MAKEMORE", BESIDE))
    if not path.exists():
        pytest.skip(f"makemore's names.txt is not at {path}; set WAVENAMES_MAKEMORE to check published figures")
    return path.read_bytes()


@pytest.fixture(scope="session")
def makemore_names(makemore_bytes: bytes) -> NameList:
    """Makemore's list, to which published losses refer."""
    return makemore(makemore_bytes)


@pytest.fixture
def quick_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claims measured on little: two small contenders, few names."""
    small = {"WaveNet": WaveNetConfig(residual=4, gate=4, skip=4), "GRU": RecurrentConfig(cell="gru", hidden=4)}
    monkeypatch.setattr(rates, "CONTENDERS", small)
    monkeypatch.setattr(rates, "SECONDS", 0.0)
    monkeypatch.setattr(rates, "ROUNDS", 3)
    monkeypatch.setattr(rates, "SAMPLED", 5)
    monkeypatch.setattr(quality, "NAMES", 40)
    monkeypatch.setattr(quality, "DRAWS", 2)


@pytest.fixture
def fresh_server(data_folder: Path) -> Iterator[None]:
    """A server that nobody has visited, for pages run without a browser; its threads end with the test."""
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    session.scheduler().close()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that runs the app for the tests of one file, with a data folder of its own.

    Its log is read when it stops: a traceback there fails the last test of the file.
    """
    with running_app(tmp_path_factory.mktemp("app")) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all browser tests; each test gets its own clean context from `page`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a clean context. Errors that the app causes in the browser's console fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    with watched(page):
        yield page
    context.close()


def pytest_configure() -> None:
    """Keep Streamlit's own record of usage off in every process that a test starts."""
    os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
