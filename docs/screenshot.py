"""Take pictures of the running app. It starts the app itself, with an empty data folder.

python -m docs.screenshot            refresh docs/screenshot.png, the picture of the README
python -m docs.screenshot FOLDER     every page, whole, light, dark and 390 px wide, into FOLDER
"""

import argparse
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from tests.browser import BROWSER_FLAGS, ROOT, chromium, open_page, running_app

README_PICTURE = Path(__file__).parent / "screenshot.png"
PAGES = sorted(path.stem.removesuffix("_page") for path in (ROOT / "pages").glob("*_page.py"))
LOOKS: dict[str, tuple[Literal["light", "dark"], int]] = {
    "light": ("light", 1280),
    "dark": ("dark", 1280),
    "phone": ("light", 390),
}
HEIGHT = 900  # pixels of the window at first
TALLEST = 8000  # pixels of a whole page at most
DRAWING_TIME = 2000  # milliseconds that charts get to draw and to come to rest


def shoot(browser: Browser, address: str, target: Path, *, look: str, whole: bool) -> None:
    """One picture of one page. `whole` makes the window as tall as what the page holds."""
    scheme, width = LOOKS[look]
    context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
    page = open_page(context.new_page(), address, timeout=120_000)
    page.wait_for_timeout(DRAWING_TIME)
    if whole:
        # Streamlit scrolls inside its own frame, where Playwright's full_page doesn't reach.
        height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
        page.set_viewport_size({"width": width, "height": min(max(height, HEIGHT), TALLEST)})
        page.wait_for_timeout(DRAWING_TIME)
    page.screenshot(path=target)
    context.close()
    print(target)


def main() -> None:
    """Read the folder from the command line and take the pictures."""
    parser = argparse.ArgumentParser(description="Take pictures of the running app.")
    parser.add_argument("folder", nargs="?", type=Path, help="for every page; without it, the README's picture")
    folder: Path | None = parser.parse_args().folder
    with (
        tempfile.TemporaryDirectory() as data,
        running_app(Path(data)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=BROWSER_FLAGS)
        if folder is None:
            shoot(browser, address, README_PICTURE, look="light", whole=False)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            for name in PAGES:
                link = f"{address}/{'' if name == 'home' else name}"  # the first page has the bare address
                for look in LOOKS:
                    shoot(browser, link, folder / f"{name}-{look}.png", look=look, whole=True)
        browser.close()


if __name__ == "__main__":
    main()
