"""What a page works out before all of it is there: one bar for all parts, a way to stop and a way to go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

T = TypeVar("T")

MOMENT = 0.25
"""Seconds that work which was done before may take again, where a cache forgot it, without a bar."""
HEIGHT = 64
"""Of the line that holds the bar, in pixels: it is there before and after, so that nothing on the page moves."""


@dataclass
class Done:
    """How far this visitor has seen it come."""

    what: object
    parts: int = 0
    stopped: bool = False
    turn: int = 0
    """Other at each change of what it is about: 0 or 1."""


class AtWork:
    """Parts of some work, in their order, each of them cached: after Stop those that are done are taken from there.

    Whatever the visitor does meanwhile breaks in between two parts.

    Args:
        key: Names the work on its page.
        what: What it is about. Of something else nothing is done yet.
        parts: How many there may be.
        place: Where the bar stands with its button, and what is said when all is done.
    """

    def __init__(self, key: str, what: object, parts: int, place: DeltaGenerator) -> None:
        self._key, self._parts = key, parts
        kept: Done = st.session_state.setdefault(f"{key} done", Done(what))
        if kept.what != what:
            kept = st.session_state[f"{key} done"] = Done(what, turn=1 - kept.turn)
        self._done, self._number, self._began = kept, 0, time.perf_counter()
        self._left_out = self._shown = False
        with place.container(horizontal=True, vertical_alignment="center", height=HEIGHT, border=False):
            self._bar, self._button = st.empty(), st.empty()

    def below(self) -> DeltaGenerator:
        """Where to show what is found: empty at first, so that no figures of something else stand there meanwhile.

        Two places take turns. A place that is cleared and filled again before the server has sent anything reaches
        the browser as filled only, and what stood in it stays until the work is done.
        """
        places = [st.container() if turn == self._done.turn else st.empty() for turn in (0, 1)]
        return places[self._done.turn]

    def do(self, words: str, part: Callable[[], T]) -> T | None:
        """The next part, which `words` name while it is done; None where the visitor has stopped before it."""
        if self._done.stopped and self._number >= self._done.parts:
            self._left_out = True
            return None
        if self._number >= self._done.parts or time.perf_counter() - self._began > MOMENT:
            self._show(words)
        found = part()
        self._number += 1
        self._done.parts = max(self._done.parts, self._number)
        return found

    def end(self, words: str) -> None:
        """After the last part: `words` in the place of the bar, or a button that goes on where it was stopped."""
        if self._left_out:
            self._bar.markdown("Stopped; what was found until then is here.")
            self._offer("Go on", "play_arrow", stopped=False)
        else:
            self._bar.caption(words)
            self._button.empty()

    def _show(self, words: str) -> None:
        self._bar.progress(min(self._number / self._parts, 1.0), words)
        if not self._shown:
            self._shown = True
            self._offer("Stop", "stop", stopped=True)

    def _offer(self, label: str, icon: str, *, stopped: bool) -> None:
        key = f"{self._key}_{label.lower().replace(' ', '_')}"
        self._button.button(label, icon=f":material/{icon}:", key=key, on_click=self._set, args=(stopped,))

    def _set(self, stopped: bool) -> None:
        self._done.stopped = stopped
