"""The list that ships, and the one that is downloaded and checked."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from wavenames.config import Refusal
from wavenames.names import BUNDLED, Vocabulary, bundled, download_makemore, lists, read_list

DATA = Path(lists.__file__).parent / "data"


def test_the_list_that_ships_has_the_figures_its_readme_states() -> None:
    """32,257 rows, girls then boys, twins kept, births kept."""
    names = bundled("ssa-2018")
    assert names.id == "ssa-2018"
    assert len(names.names) == 32_257
    assert len(set(names.names)) == 29_693
    assert names.labels == {"sex": ("F",) * 18_148 + ("M",) * 14_109}
    assert names.births is not None
    assert len(names.births) == 32_257
    assert (names.names[0], names.births[0]) == ("emma", 18_818)
    assert min(names.births) == 5
    assert Vocabulary.of(names.names).letters == "abcdefghijklmnopqrstuvwxyz"
    assert max(map(len, names.names)) == 15
    assert "public domain" in names.licence


def test_the_data_is_the_file_that_its_readme_describes() -> None:
    """A changed file can't keep an old description."""
    digest = hashlib.sha256((DATA / "ssa_2018.csv").read_bytes()).hexdigest()
    assert digest in (DATA / "README.md").read_text(encoding="utf-8")


def test_a_bundled_list_is_read_once() -> None:
    """Pages ask for it at every turn."""
    assert all(bundled(each) is bundled(each) for each in BUNDLED)


def test_an_uploaded_copy_holds_the_same_names() -> None:
    """The list that ships can also come in through the upload."""
    copy = read_list((DATA / "ssa_2018.csv").read_bytes(), "ssa_2018.csv")
    assert copy.names == bundled("ssa-2018").names


def test_an_unknown_list_is_refused_with_those_there_are() -> None:
    """The sentence says what to choose."""
    with pytest.raises(Refusal, match="'nope'; choose ssa-2018"):
        bundled("nope")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A web server on this machine in makemore's place; what it answers can be changed under "body"."""
    answer = {"body": b"\n".join([b"emma"] * 18_029 + [b"liam"] * 3)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer["body"])))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setattr(
            lists,
            "MAKEMORE",
            replace(
                lists.MAKEMORE,
                url=f"http://127.0.0.1:{web.server_port}/names.txt",
                size=len(answer["body"]),
                sha256=hashlib.sha256(answer["body"]).hexdigest(),
            ),
        )
        yield answer
        web.shutdown()
        thread.join()


def test_the_download_is_the_list_with_girls_before_boys(server: dict[str, bytes]) -> None:
    """Names and sex of each row come from a download whose hash is right."""
    names = download_makemore()
    assert names.id == "makemore"
    assert names.names == tuple(server["body"].decode().split())
    assert names.labels["sex"][18_028:] == ("F", "M", "M", "M")


@pytest.mark.parametrize("change", [b"", b"\nextra", None])
def test_a_changed_download_is_refused(server: dict[str, bytes], change: bytes | None) -> None:
    """Cut off, longer or other bytes never become a list under makemore's name."""
    server["body"] = b"<html>" if change is None else server["body"][:-1] + change
    with pytest.raises(Refusal, match=r"are not makemore's names\.txt of"):
        download_makemore()


def test_an_endless_download_is_cut_off(server: dict[str, bytes]) -> None:
    """No more bytes are read than the list has, and one."""
    server["body"] *= 100
    with pytest.raises(Refusal, match=f"these {lists.MAKEMORE.size + 1:,} bytes are not"):
        download_makemore()


def test_no_network_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the address and the way round."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as web:
        closed = f"http://127.0.0.1:{web.server_port}/names.txt"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(lists, "MAKEMORE", replace(lists.MAKEMORE, url=closed))
    with pytest.raises(Refusal, match=f"could not be fetched from {closed}.*upload the file"):
        download_makemore()
