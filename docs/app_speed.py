"""Training in the app, its page open and looking as it does, against the command line: steps by the wall clock.

python -m docs.app_speed [ROUNDS]     prints the rates and the ratio of each round, and the median of the ratios

In each round a new server, with the page of its run open in a browser, and a new run of the command line take turns
of some seconds, the other one halted meanwhile: a machine wanders by a fifth within a minute, and each process has
its own luck with memory. Counted is the first minute of each run, from the first step that it shows.
"""

import argparse
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import BROWSER_FLAGS, ROOT, chromium, open_page, running_server

PRESET, STEPS, EVALUATE_EVERY = "wavenet-m", 100_000, 200
TURN, TURNS = 15.0, 4  # seconds of a turn, turns of each
SETTLE = 1.0  # seconds in which a halted process finds its pace again

NOTE = r"""progress => {
    window.notes = [];
    new MutationObserver(() => {
        const step = Number(/step ([\d,]+) of/.exec(progress.textContent)[1].replaceAll(",", ""));
        if (step !== window.notes.at(-1)?.[1]) window.notes.push([performance.now() / 1000, step]);
    }).observe(progress, { subtree: true, childList: true, characterData: true });
}"""
"""Notes the steps that the page shows, and when, without asking it again and again."""

Note = tuple[float, int]
"""Seconds, by a clock of its own, and the step."""
Side = tuple[subprocess.Popen[bytes], Callable[[], list[Note]]]
"""What trains, and what it notes within one turn."""


def rate(notes: list[Note]) -> float:
    """Steps per second between the first and the last note.

    Raises:
        RuntimeError: there are not two, so nothing moved.
    """
    if len(notes) < 2:
        raise RuntimeError(f"Within {TURN:.0f} seconds {len(notes)} new steps were shown; two are needed.")
    (began, first), (ended, last) = notes[0], notes[-1]
    return (last - first) / (ended - began)


class Shell:
    """A run of the command line, whose progress bar goes into `log`."""

    def __init__(self, log: Path) -> None:
        self.log = log
        command = [sys.executable, "-m", "wavenames", "train", PRESET]
        command += ["--steps", str(STEPS), "--evaluate-every", str(EVALUATE_EVERY)]
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)

    def notes(self) -> list[Note]:
        """The first and the last step that it shows new within one turn."""
        until = time.monotonic() + TURN
        first = self.changed()
        time.sleep(until - time.monotonic())
        return [first, self.changed()]

    def changed(self) -> Note:
        """The next step that it shows, at the moment when it does.

        Raises:
            RuntimeError: it has ended.
        """
        before = self._step()
        while (now := self._step()) == before:
            if self.process.poll() is not None:
                raise RuntimeError(f"The run in the shell has ended:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        return time.monotonic(), now

    def _step(self) -> int:
        counts = re.findall(rf"(\d+)/{STEPS}", self.log.read_text(errors="replace"))
        return int(counts[-1]) if counts else 0


@contextmanager
def training_in_a_shell(folder: Path) -> Iterator[Side]:
    """A run of the command line that has shown its first step, and what it notes within one turn."""
    shell = Shell(folder / "shell.log")
    try:
        shell.changed()
        yield shell.process, shell.notes
    finally:
        shell.process.kill()
        shell.process.wait()


@contextmanager
def training_in_the_app(page: Page, folder: Path) -> Iterator[Side]:
    """The server of a run whose page, open, has shown its first step, and what the page notes within one turn."""

    def notes() -> list[Note]:
        page.evaluate("window.notes = []")
        time.sleep(TURN)
        noted: list[Note] = page.evaluate("window.notes")
        return noted

    with running_server(folder) as (address, server):
        try:
            open_page(page, f"{address}/train?preset={PRESET}&steps={STEPS}&evaluate_every={EVALUATE_EVERY}")
            page.get_by_role("button", name="Train", exact=True).click()
            progress = page.get_by_text(re.compile(r"Running · step [1-9][\d,]* of"))
            progress.wait_for(timeout=60_000)
            progress.evaluate(NOTE)
            yield server, notes
        finally:
            server.send_signal(signal.SIGCONT)
            page.goto("about:blank")


def both(page: Page, folder: Path, *, app_first: bool) -> tuple[float, float]:
    """Steps per second in the app and in the shell: means of their turns, which change places from pair to pair."""
    rates: dict[str, list[float]] = {"app": [], "shell": []}
    with ExitStack() as stack:
        begin = {
            "app": lambda: stack.enter_context(training_in_the_app(page, folder)),
            "shell": lambda: stack.enter_context(training_in_a_shell(folder)),
        }
        order = ["app", "shell"] if app_first else ["shell", "app"]
        running = {}
        for number in range(TURNS):
            for side in order if number % 2 == 0 else order[::-1]:
                if side not in running:
                    running[side] = begin[side]()
                else:
                    running[side][0].send_signal(signal.SIGCONT)
                    time.sleep(SETTLE)
                process, notes = running[side]
                rates[side].append(rate(notes()))
                process.send_signal(signal.SIGSTOP)
    return statistics.mean(rates["app"]), statistics.mean(rates["shell"])


def main() -> None:
    """Let the two take turns and print what came of it."""
    parser = argparse.ArgumentParser(description="Steps per second in the app and on the command line.")
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    rounds = parser.parse_args().rounds
    ratios = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=BROWSER_FLAGS)
        page = browser.new_page()
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                app, shell = both(page, Path(folder), app_first=number % 2 == 0)
            ratios.append(app / shell)
            print(f"round {number + 1}: app {app:.1f} steps/s, command line {shell:.1f} steps/s, {ratios[-1]:.2f}")
        browser.close()
    print(f"median of {rounds}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
