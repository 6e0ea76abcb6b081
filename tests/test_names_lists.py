"""The list that ships, and the one that is downloaded and checked."""

import hashlib
import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from wavenames.config import CONDITIONS, Refusal
from wavenames.names import BUNDLED, Vocabulary, bundled, download_makemore, lists, read_list, told_numbers

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


def test_the_list_by_decade_knows_sex_and_decade_of_each_row() -> None:
    """251,117 rows, the figures of its readme; each (name, sex, decade) stands there once."""
    names = bundled("ssa-decades")
    assert (len(names.names), len(set(names.names)), names.names[0]) == (251_117, 66_252, "mary")
    assert set(names.labels) == {"sex", "decade"}
    assert sorted(set(names.labels["decade"])) == list(CONDITIONS["decade"])
    assert set(names.labels["sex"]) == set(CONDITIONS["sex"])
    assert len(set(zip(names.names, *names.labels.values(), strict=True))) == len(names.names)
    assert names.births is not None
    assert (names.births[0], min(names.births), len(names.births)) == (7065, 5, len(names.names))
    assert Vocabulary.of(names.names).letters == "abcdefghijklmnopqrstuvwxyz"


def test_labels_become_numbers_for_the_conditions_that_are_asked_for() -> None:
    """In their order; a list that does not know one refuses and says what it knows."""
    rows = bundled("ssa-decades").label_rows(("sex", "decade"))
    assert rows is not None
    assert (rows[0], rows[-1]) == ((1, 1), (2, 16))
    assert bundled("ssa-2018").label_rows(()) is None
    with pytest.raises(
        Refusal, match=r"^Conditions are decade; the list 'US births of 2018' knows sex\. Choose other"
    ):
        bundled("ssa-2018").label_rows(("decade",))


def test_what_is_told_becomes_numbers_and_what_is_not_is_unknown() -> None:
    """A model is told only what it was trained with, and only classes that there are."""
    assert told_numbers(("sex", "decade"), {"decade": "1900"}) == [0, 3]
    assert told_numbers(("sex",), {"sex": "M", "decade": "any"}) == [2]
    assert told_numbers((), {}) == []
    with pytest.raises(
        Refusal, match=r"^Decade is 1900; this model was told the sex alone, so only any is allowed\.$"
    ):
        told_numbers(("sex",), {"decade": "1900"})
    with pytest.raises(Refusal, match=r"^Sex is X; allowed is one of any, F, M\.$"):
        told_numbers(("sex",), {"sex": "X"})


@pytest.mark.parametrize("file", ["ssa_2018.csv", "ssa_decades.csv.gz"])
def test_the_data_is_the_file_that_its_readme_describes(file: str) -> None:
    """A changed file can't keep an old description."""
    digest = hashlib.sha256((DATA / file).read_bytes()).hexdigest()
    assert digest in (DATA / "README.md").read_text(encoding="utf-8")


def test_a_bundled_list_is_read_once() -> None:
    """Pages ask for it at every turn."""
    assert all(bundled(each) is bundled(each) for each in BUNDLED)


def test_an_uploaded_copy_holds_the_same_names() -> None:
    """The list that ships can also come in through the upload, and its labels with it; so can that of decades."""
    copy, shipped = read_list((DATA / "ssa_2018.csv").read_bytes(), "ssa_2018.csv"), bundled("ssa-2018")
    assert (copy.names, copy.labels) == (shipped.names, shipped.labels)
    shipped = bundled("ssa-decades")
    rows = itertools.islice(
        zip(shipped.labels["decade"], shipped.names, shipped.labels["sex"], strict=True), 0, None, 9
    )
    some = list(rows)
    copy = read_list("\n".join(["year,name,sex", *map(",".join, some)]).encode(), "a.csv")
    assert list(zip(copy.labels["decade"], copy.names, copy.labels["sex"], strict=True)) == some


def test_an_unknown_list_is_refused_with_those_there_are() -> None:
    """The sentence says what to choose."""
    with pytest.raises(Refusal, match=r"^Names is 'nope'; lists that ship are ssa-2018 and ssa-decades"):
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
    with pytest.raises(Refusal, match=f"^These {lists.MAKEMORE.size + 1:,} bytes are not"):
        download_makemore()


def test_no_network_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the address and the way round."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as web:
        closed = f"http://127.0.0.1:{web.server_port}/names.txt"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(lists, "MAKEMORE", replace(lists.MAKEMORE, url=closed))
    with pytest.raises(Refusal, match=f"could not be fetched from {closed}.*upload the file"):
        download_makemore()
