"""Helpers of the browser tests: start the app, find Chromium, wait until a page has settled."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import ConsoleMessage, Error, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
START_LIMIT = 60.0  # seconds until the server must answer


def chromium(playwright: Playwright) -> str:
    """Path of a browser that runs: Debian's chromium, Google's Chrome or Playwright's own.

    Raises:
        FileNotFoundError: there is none.
    """
    installed = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    for path in (*installed, playwright.chromium.executable_path):
        if runs(path):
            return path
    raise FileNotFoundError("No Chromium is here that runs; `bash tests/check` installs one.")


def runs(browser: str) -> bool:
    """Whether a program is a browser that the tests can use.

    Not so where libraries are missing, and on Ubuntu, whose chromium-browser asks for a snap, which has a /tmp and
    a home of its own: what it downloads is not where the tests look for it.
    """
    try:
        answer = subprocess.run([browser, "--version"], check=False, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and "snap" not in answer.stdout


@contextmanager
def running_app(folder: Path) -> Iterator[str]:
    """Run the app on a free port with its data and its log in `folder`; yields its address.

    Raises as `running_server` does.
    """
    with running_server(folder) as (address, _):
        yield address


@contextmanager
def running_server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same; yields the address and the server's process.

    On leaving, the server is stopped and its log is read.

    Raises:
        RuntimeError: the server did not start, or a traceback stands in its log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    log = folder / "server.log"
    command = [
        *(sys.executable, "-m", "streamlit", "run", "streamlit_app.py"),
        *("--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"),
    ]
    environment = os.environ | {"WAVENAMES_DATA": str(folder / "data")}
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as server,
    ):
        try:
            _wait_until_healthy(server, address)
            yield address, server
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
    text = log.read_text()
    if "Traceback (most recent call last)" in text:
        raise RuntimeError(f"The server's log holds a traceback:\n{text[-6000:]}")


def _wait_until_healthy(server: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{address}/_stcore/health", timeout=2) as answer:  # noqa: S310 (our own server)
                if answer.status == 200:
                    return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"The app did not answer at {address} (exit code {server.poll()}): see its server.log")


@contextmanager
def watched(page: Page) -> Iterator[None]:
    """Collect what goes wrong in the page while the block runs, and fail if anything did.

    Counted: uncaught exceptions, and console errors whose source is the app itself. Not ours: an icon that another
    host did not serve, and Streamlit's search below a deep link for the server's health before it tries the root.
    """
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        source = message.location.get("url", "")
        ours = not source or ("127.0.0.1" in source and "/_stcore/" not in source)
        if message.type == "error" and ours:
            errors.append(f"{message.text} ({source})")

    def on_page_error(error: Error) -> None:
        errors.append(str(error))

    page.on("console", on_console)
    page.on("pageerror", on_page_error)
    yield
    assert not errors, "The browser reports errors:\n" + "\n".join(errors)


def settled(page: Page, timeout: float = 30_000) -> Page:
    """Wait until the page is connected and no script runs for it; returns the page.

    Playwright's own `expect` is still needed after a click: Streamlit says that it runs only once the click
    has reached the server. `timeout` is in milliseconds.
    """
    app = "[data-testid=stApp]"
    page.locator(f"{app}[data-test-connection-state=CONNECTED]").wait_for(timeout=timeout)
    page.locator(f"{app}[data-test-script-state=notRunning]").wait_for(timeout=timeout)
    return page


def open_page(page: Page, address: str, timeout: float = 30_000) -> Page:
    """Go to an address of the app and wait until it has settled. `timeout` is in milliseconds."""
    page.goto(address, timeout=timeout)
    return settled(page, timeout)


if __name__ == "__main__":
    with sync_playwright() as _playwright:
        try:
            chromium(_playwright)
        except FileNotFoundError as _missing:
            sys.exit(f"check: {_missing}")
