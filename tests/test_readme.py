"""The README says what is there, and nothing is committed that should not be."""

import argparse
import hashlib
import re
import shlex
import subprocess

import pytest

from tests.browser import ROOT
from wavenames.__main__ import _parser
from wavenames.config import PRESETS

LARGEST = 3_000_000  # bytes of one committed file
MAKEMORE_LIST = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def code_blocks(language: str) -> list[str]:
    """The fenced blocks of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every `python -m wavenames` command of the README, without the words that start Python."""
    lines = "\n".join(code_blocks("sh")).replace("\\\n", " ").splitlines()
    return [line.split("-m wavenames ", 1)[1] for line in lines if "-m wavenames " in line]


def committed() -> list[str]:
    """Paths of all files that git keeps, from the project's root."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]  # a clone may be another user's
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).exists()]


def test_the_tree_of_rooms_is_the_one_on_disk() -> None:
    """Each entry of the README's tree exists, and each room of the package stands in the tree."""
    (tree,) = code_blocks("text")
    entries: list[str] = []
    for line in tree.splitlines():
        name = line.split()[0]
        entries.append(f"wavenames/{name}" if line.startswith("  ") else name)
    for entry in entries:
        assert (ROOT / entry).is_dir() if entry.endswith("/") else (ROOT / entry).is_file(), entry
    rooms = {
        f"{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}"
        for path in (ROOT / "wavenames").iterdir()
        if path.name not in ("__init__.py", "__pycache__")
    }
    assert {entry for entry in entries if entry.startswith("wavenames/")} - {"wavenames/"} == rooms


def test_no_committed_file_is_large_or_the_list_that_may_not_ship() -> None:
    for path in committed():
        content = (ROOT / path).read_bytes()
        assert len(content) <= LARGEST, f"{path} has {len(content):,} bytes"
        assert hashlib.sha256(content).hexdigest() != MAKEMORE_LIST, f"{path} is makemore's names.txt"


@pytest.mark.parametrize("command", commands())
def test_each_command_is_one_that_the_command_line_takes(command: str) -> None:
    words = shlex.split(command)
    _parser().parse_args(words, argparse.Namespace(words=words))
    assert words[0] != "train" or words[1] in PRESETS
