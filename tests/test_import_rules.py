"""Who may import whom: the table in the README, held against the sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import ROOT


def table_of_rooms(readme: str) -> dict[str, set[str]]:
    """Room -> rooms that it may import, as the README's table says. A room may always import itself."""
    table: dict[str, set[str]] = {}
    rows = re.findall(r"^\| ([a-z, ]+) \| (.+) \|$", readme.split("Who may import whom")[1], flags=re.MULTILINE)
    for rooms, allowed in rows[1:]:  # after the header
        if allowed.startswith("all of the above"):
            may = set(table)
        elif allowed.startswith("nothing of ours"):
            may = set()
        else:
            may = set(allowed.split(", "))
        table |= dict.fromkeys(rooms.split(", "), may)
    return table


MAY_IMPORT = table_of_rooms((ROOT / "README.md").read_text(encoding="utf-8"))
MAY_IMPORT |= {
    "wavenames": set(),  # the package's own __init__
    "__main__": MAY_IMPORT["ui"] - {"figures"},
    "streamlit_app": {"ui"},
}
# Library -> modules (or whole rooms) that may import it; nobody else may.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "streamlit": ("wavenames.ui", "pages", "streamlit_app"),
    "plotly": ("wavenames.figures", "wavenames.ui.live_plot"),
    "sqlalchemy": ("wavenames.store",),
    "sqlite3": ("wavenames.store",),
}


def module_name(path: Path, root: Path) -> str:
    """`wavenames/names/lists.py` -> `wavenames.names.lists`; a package's __init__ is the package."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """`wavenames.names.lists` -> `names`; `pages.home_page` -> `pages`; `wavenames` itself -> `wavenames`."""
    parts = module.split(".")
    return parts[1] if parts[0] == "wavenames" and len(parts) > 1 else parts[0]


def imports(path: Path, module: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, inside functions too, relative imports resolved."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def sources(root: Path) -> list[Path]:
    """Every file that the rules speak about."""
    folders = sorted([*(root / "wavenames").rglob("*.py"), *(root / "pages").rglob("*.py")])
    return [path for path in [root / "streamlit_app.py", *folders] if path.exists()]


def broken_rules(root: Path) -> list[str]:
    """One sentence for every import under `root` that the table does not allow."""
    rooms = {room_of(module_name(path, root)) for path in sources(root)}
    pages = {path.stem for path in (root / "pages").glob("*.py")}
    broken = [f"{room} has no row in the table of rooms" for room in sorted(rooms - MAY_IMPORT.keys())]
    for path in sources(root):
        module = module_name(path, root)
        room = room_of(module)
        for line, name in imports(path, module):
            place = f"{path.relative_to(root)}:{line}"
            top = name.split(".")[0]
            if top == "pages" or top in pages:
                broken.append(f"{place}: nobody imports a page ({name})")
            elif top in ("wavenames", "streamlit_app"):
                other = room_of(name)
                if other != room and other not in MAY_IMPORT.get(room, set()):
                    broken.append(f"{place}: {room} may not import {other} ({name})")
            elif top in ONLY_IN and not any(f"{module}.".startswith(f"{home}.") for home in ONLY_IN[top]):
                broken.append(f"{place}: only {', '.join(ONLY_IN[top])} may import {top}")
    return broken


def test_every_import_keeps_the_rules() -> None:
    assert len(sources(ROOT)) > 1
    assert broken_rules(ROOT) == []


def test_the_table_is_read_whole() -> None:
    assert MAY_IMPORT["config"] == MAY_IMPORT["figures"] == set()
    assert MAY_IMPORT["models"] == {"config", "layers"}
    assert MAY_IMPORT["pages"] == MAY_IMPORT["ui"] | {"ui"}


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("wavenames/layers.py", "from wavenames.config import Refusal"),
        ("wavenames/names/lists.py", "import wavenames.models.registry"),
        ("wavenames/names/lists.py", "from ..models import registry"),
        ("wavenames/names/__init__.py", "from .. import models"),
        ("wavenames/models/mlp.py", "from wavenames import training"),
        ("wavenames/training.py", "def run():\n    from wavenames.jobs import scheduler"),
        (
            "wavenames/training.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import streamlit",
        ),
        ("wavenames/sampling.py", "import streamlit as st"),
        ("wavenames/__main__.py", "from wavenames.ui import theme"),
        ("wavenames/figures/losses.py", "from wavenames.models import registry"),
        ("wavenames/training.py", "import plotly.graph_objects as go"),
        ("wavenames/ui/controls.py", "import plotly.graph_objects as go"),
        ("wavenames/jobs/scheduler.py", "from sqlalchemy import select"),
        ("wavenames/jobs/scheduler.py", "import sqlite3"),
        ("wavenames/ui/theme.py", "import pages.home_page"),
        ("pages/train_page.py", "import home_page"),
        ("pages/train_page.py", "from pages.home_page import title"),
        ("pages/train_page.py", "import streamlit_app"),
        ("streamlit_app.py", "from wavenames.models import registry"),
        ("wavenames/new_room.py", "import math"),
    ],
)
def test_a_planted_violation_is_found(place: str, source: str, tmp_path: Path) -> None:
    for path in ("pages/home_page.py", place):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / place).write_text(source)
    found = broken_rules(tmp_path)
    assert len(found) == 1
    assert Path(place).stem in found[0]


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("wavenames/names/lists.py", "from wavenames.config import Refusal\nfrom .vocabulary import END"),
        ("wavenames/ui/live_plot.py", "import plotly.io\nimport streamlit as st"),
        ("wavenames/ui/live_plot/__init__.py", "from plotly.io import to_json"),
        ("wavenames/store.py", "import sqlalchemy as sa"),
        (
            "pages/train_page.py",
            "import streamlit as st\nfrom wavenames import config\nfrom wavenames.ui import theme",
        ),
    ],
)
def test_what_is_allowed_is_not_refused(place: str, source: str, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(source)
    assert broken_rules(tmp_path) == []
