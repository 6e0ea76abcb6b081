"""What the set-up says and which browser it takes on machines unlike this one, played by small scripts."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser import ROOT, runs

ANOTHER = "Please install one of them with its venv module, then run this again."
OLD = """[ "$1" != --version ] || echo Python 3.10.12; [ "$1" = --version ]"""
WITHOUT_VENV = """case "$2" in *ensurepip*) exit 1; esac"""
OFFERS_312 = """[ "$2" != python3.12-venv ] || echo 'python3.12-venv | 3.12.3 | noble'"""


def program(path: Path, script: str) -> Path:
    """A program of a few lines."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("programs", "sentence"),
    [
        (
            {"python3": OLD},
            f"setup: Python 3.11 to 3.14 is needed; Python 3.10.12 is here. {ANOTHER}",
        ),
        (
            {"python3": OLD, "apt-get": "exit 1", "apt-cache": OFFERS_312},
            "setup: please install python3.12-venv as root (no sudo here), then run this again.",
        ),
        (
            {"python3": WITHOUT_VENV, "apt-get": "exit 1"},
            "setup: please install python3 python3-venv as root (no sudo here), then run this again.",
        ),
        (
            {"python3": WITHOUT_VENV},
            "setup: please install python3 python3-venv yourself (no apt-get here), then run this again.",
        ),
        ({}, "setup: please install python3 python3-venv yourself (no apt-get here), then run this again."),
    ],
)
def test_the_set_up_says_in_a_sentence_what_it_can_not_install(
    programs: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "setup", tmp_path / ".ci")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in {"id": "echo 1000", **programs}.items():
        program(folder / name, script)
    for name in ("bash", "dirname"):
        (folder / name).symlink_to(str(shutil.which(name)))
    command, environment = [str(folder / "bash"), ".ci/setup"], {"PATH": str(folder)}
    told = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert (told.returncode, told.stdout, told.stderr) == (1, "", sentence + "\n")


@pytest.mark.parametrize(
    ("script", "usable"),
    [
        ("echo Chromium 156.0.8078.114 built on Debian GNU/Linux 13", True),
        ("echo Chromium 156.0.8078.114 snap", False),
        ("echo requires the chromium snap to be installed >&2; exit 1", False),
        ("echo error while loading shared libraries >&2; exit 127", False),
    ],
)
def test_a_browser_is_tried_before_it_is_used(script: str, usable: bool, tmp_path: Path) -> None:
    assert runs(str(program(tmp_path / "chromium", script))) is usable


def test_a_browser_that_is_not_there_does_not_run(tmp_path: Path) -> None:
    assert not runs(str(tmp_path / "chromium"))
