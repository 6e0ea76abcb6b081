"""Training in the app, its page open and looking as it does, against the command line: steps by the wall clock.

python -m docs.app_speed [ROUNDS]     the two take turns; prints each rate, and the median of the ratios
"""

import argparse
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import BROWSER_FLAGS, ROOT, chromium, open_page, running_app

PRESET, STEPS, EVALUATE_EVERY = "wavenet-m", 100_000, 200
WARM, WINDOW = 6.0, 20.0  # seconds before the count, and of the count


def rate(step: Callable[[], int]) -> float:
    """Steps per second by the wall clock, once the run has warmed up."""
    time.sleep(WARM)
    first, began = fresh(step)
    time.sleep(WINDOW)
    last, ended = fresh(step)
    return (last - first) / (ended - began)


def fresh(step: Callable[[], int]) -> tuple[int, float]:
    """The step, and the time, at the moment when another one is shown: both sides show theirs only now and then."""
    before = step()
    while (now := step()) == before:
        time.sleep(0.02)
    return now, time.monotonic()


def in_the_app(page: Page, address: str) -> float:
    """The rate of a run that its page shows, stopped afterwards."""
    open_page(page, f"{address}/train?preset={PRESET}&steps={STEPS}&evaluate_every={EVALUATE_EVERY}")
    page.get_by_role("button", name="Train", exact=True).click()
    progress = page.get_by_text(re.compile(r"Running · step [\d,]+ of"))
    progress.wait_for(timeout=60_000)

    def step() -> int:
        (said,) = re.findall(r"step ([\d,]+) of", progress.inner_text())
        return int(said.replace(",", ""))

    steps_per_second = rate(step)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text(re.compile("Stopped · step")).wait_for(timeout=60_000)
    return steps_per_second


def on_the_command_line(log: Path) -> float:
    """The rate of the same run started from a shell, interrupted afterwards."""
    command = [sys.executable, "-m", "wavenames", "train", PRESET]
    command += ["--steps", str(STEPS), "--evaluate-every", str(EVALUATE_EVERY)]
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:

        def step() -> int:
            counts = re.findall(rf"(\d+)/{STEPS}", log.read_text(errors="replace"))
            return int(counts[-1]) if counts else 0

        while step() == 0:
            time.sleep(0.1)
        steps_per_second = rate(step)
        process.send_signal(signal.SIGINT)
    return steps_per_second


def main() -> None:
    """Let the two take turns and print what came of it."""
    parser = argparse.ArgumentParser(description="Steps per second in the app and on the command line.")
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    rounds = parser.parse_args().rounds
    ratios = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_FLAGS)
        page = browser.new_page()
        for number in range(rounds):
            app, shell = in_the_app(page, address), on_the_command_line(Path(folder) / "shell.log")
            ratios.append(app / shell)
            print(f"round {number + 1}: app {app:.1f} steps/s, command line {shell:.1f} steps/s, {ratios[-1]:.2f}")
        browser.close()
    print(f"median of {rounds}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
