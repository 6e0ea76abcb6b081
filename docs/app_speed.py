"""Training in the app, its page open and looking as it does, against the command line: steps by the wall clock.

python -m docs.app_speed [ROUNDS]     prints the rates and the ratio of each round, and the median of the ratios

In each round a new server, with the page of its run open in a browser, and a new run of the command line take turns
of some seconds, the other one halted meanwhile: a machine wanders by a fifth within a minute, and each process has
its own luck with memory. Counted from the time when the page looks at its run every five seconds.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import BROWSER_FLAGS, ROOT, chromium, open_page, running_app

PRESET, STEPS, EVALUATE_EVERY = "wavenet-m", 100_000, 200
WARM, TURN, TURNS = 8.0, 15.0, 4  # seconds before the first turn, seconds of a turn, turns of each

NOTE = r"""progress => {
    window.notes = [];
    new MutationObserver(() => {
        const step = Number(/step ([\d,]+) of/.exec(progress.textContent)[1].replaceAll(",", ""));
        if (step !== window.notes.at(-1)?.[1]) window.notes.push([performance.now() / 1000, step]);
    }).observe(progress, { subtree: true, childList: true, characterData: true });
}"""
"""Notes the steps that the page shows, and when, without asking it again and again."""

SHELL = f"wavenames train {PRESET} --steps {STEPS}"
"""What the command of the run in the shell holds."""

Note = tuple[float, int]
"""Seconds, by a clock of its own, and the step."""


def rate(notes: list[Note]) -> float:
    """Steps per second between the first and the last note."""
    (began, first), (ended, last) = notes[0], notes[-1]
    return (last - first) / (ended - began)


def shown_by_the_page(page: Page) -> list[Note]:
    """What it shows within one turn."""
    page.evaluate("window.notes = []")
    time.sleep(TURN)
    notes: list[Note] = page.evaluate("window.notes")
    return notes


def shown_by_the_shell(log: Path) -> list[Note]:
    """The first and the last step that stand there new within one turn."""
    until = time.monotonic() + TURN
    first = changed(log)
    time.sleep(until - time.monotonic())
    return [first, changed(log)]


def changed(log: Path) -> Note:
    """The next step that is shown, at the moment when it is."""
    before = shell_step(log)
    while (now := shell_step(log)) == before:
        time.sleep(0.02)
    return time.monotonic(), now


def shell_step(log: Path) -> int:
    """The step that the progress bar shows; 0 before there is one."""
    counts = re.findall(rf"(\d+)/{STEPS}", log.read_text(errors="replace"))
    return int(counts[-1]) if counts else 0


@contextmanager
def training_in_a_shell(log: Path) -> Iterator[None]:
    """A run of the command line, halted once it is warm."""
    command = [sys.executable, "-m", "wavenames", "train", PRESET]
    command += ["--steps", str(STEPS), "--evaluate-every", str(EVALUATE_EVERY)]
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
        try:
            while shell_step(log) == 0:
                time.sleep(0.1)
            time.sleep(WARM)
            signalled("STOP", SHELL)
            yield
        finally:
            process.kill()


@contextmanager
def training_in_the_app(page: Page, folder: Path) -> Iterator[str]:
    """A run of a new server, halted once it is warm, with its page open; gives what the server's command holds."""
    with running_app(folder) as address:
        server = f"server.port={address.rsplit(':', 1)[1]}"
        try:
            open_page(page, f"{address}/train?preset={PRESET}&steps={STEPS}&evaluate_every={EVALUATE_EVERY}")
            page.get_by_role("button", name="Train", exact=True).click()
            progress = page.get_by_text(re.compile(r"Running · step [\d,]+ of"))
            progress.wait_for(timeout=60_000)
            progress.evaluate(NOTE)
            time.sleep(WARM)
            signalled("STOP", server)
            yield server
        finally:
            signalled("CONT", server)
            page.goto("about:blank")


def signalled(signal: str, command: str) -> None:
    """Halt, or let go on, the process whose command holds this."""
    subprocess.run(["pkill", f"-{signal}", "-f", "--", command], check=True)  # noqa: S607 (wherever it is)


@contextmanager
def turn(command: str) -> Iterator[None]:
    """Let a halted process go on for the block, once it has found its pace again."""
    signalled("CONT", command)
    time.sleep(1.0)
    yield
    signalled("STOP", command)


def both(page: Page, folder: Path) -> tuple[float, float]:
    """Steps per second in the app and in the shell: means of their turns."""
    log = folder / "shell.log"
    app, shell = [], []
    with training_in_a_shell(log), training_in_the_app(page, folder) as server:
        for _ in range(TURNS):
            with turn(SHELL):
                shell.append(rate(shown_by_the_shell(log)))
            with turn(server):
                app.append(rate(shown_by_the_page(page)))
    return statistics.mean(app), statistics.mean(shell)


def main() -> None:
    """Let the two take turns and print what came of it."""
    parser = argparse.ArgumentParser(description="Steps per second in the app and on the command line.")
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    rounds = parser.parse_args().rounds
    ratios = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_FLAGS)
        page = browser.new_page()
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                app, shell = both(page, Path(folder))
            ratios.append(app / shell)
            print(f"round {number + 1}: app {app:.1f} steps/s, command line {shell:.1f} steps/s, {ratios[-1]:.2f}")
        browser.close()
    print(f"median of {rounds}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
