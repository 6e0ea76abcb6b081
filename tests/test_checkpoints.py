"""Files of models: what goes in comes out to the bit, and no file can do more than be refused."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
import struct
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save as write_tensors
from torch import Tensor

from wavenames.checkpoints import Checkpoint, Results, load, load_shipped, pack, shipped, unpack
from wavenames.config import (
    CONDITIONS,
    LIST_LIMITS,
    MODEL_CONFIGS,
    PRESETS,
    SERVER_LIMITS,
    Refusal,
    RunConfig,
    SamplingConfig,
    conditions_of,
    limits,
)
from wavenames.models import FAMILIES, CountingModel, build
from wavenames.names import Membership, Packed, Split, Vocabulary, classes_in

TRAIN, VALIDATION, TEST = ("emma", "olivia", "ava", "noah"), ("mia",), ("liam", "emma")
VOCABULARY = Vocabulary.of(TRAIN + VALIDATION + TEST)
V = VOCABULARY.size
MEMBERSHIP = Membership.of(Split("unique", TRAIN, VALIDATION, TEST))
RESULTS = Results(
    train=1.5, validation=2.25, validation_error=0.01, test=2.5, steps=10, seconds=1.25, command="train"
)
BATCH = Packed(TRAIN, VOCABULARY).batch(torch.arange(len(TRAIN)))


def checkpoint(preset: str = "mlp-v1", title: str = "Mine: ä, 名, 'quoted'") -> Checkpoint:
    """A model whose every number, running statistics and counts included, is its own."""
    run = RunConfig.from_flat({"preset": preset, "seed": "7"})
    model = build(run.model, VOCABULARY.size, seed=7)
    if isinstance(model, CountingModel):
        model.count(BATCH)
    model(BATCH)
    return Checkpoint(run, VOCABULARY, model.state_dict(), MEMBERSHIP, RESULTS, title)


@cache
def good() -> bytes:
    return checkpoint().to_bytes()


def parts(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    return unpack(data)


# ------------------------------------------------------------------------------------------- there and back


def test_a_file_says_which_classes_its_model_learned_and_an_older_one_knows_all() -> None:
    labels = Packed(TRAIN, VOCABULARY, labels=[(1, 2), (1, 4), (1, 0), (1, 2)]).labels
    run = RunConfig.from_flat({"preset": "mlp-3", "conditions": "sex+decade"})
    assert classes_in(("sex", "decade"), labels) == {"sex": ("F",), "decade": ("any", "1890", "1910")}
    results = RESULTS.changed(labels=classes_in(("sex", "decade"), labels))
    weights = build(run.model, VOCABULARY.size, seed=7).state_dict()
    kept = load(Checkpoint(run, VOCABULARY, weights, MEMBERSHIP, results, "told").to_bytes())
    assert kept.classes == {"sex": ("F",), "decade": ("1890", "1910")}
    assert kept.can_be_told(SamplingConfig(sex="F", decade="1910")).decade == "1910"
    with pytest.raises(Refusal, match=r"^Decade is 1900; .* had none of it\. Allowed .* any, 1890, 1910\.$"):
        kept.can_be_told(SamplingConfig(decade="1900"))
    assert load_shipped("wavenet-decades").classes == CONDITIONS
    assert load_shipped("wavenet-m").classes == {}


def test_a_model_whose_labels_were_never_hidden_must_be_told_them_unless_names_without_were_met() -> None:
    """Here all had a sex, and one had no decade."""
    run = RunConfig.from_flat({"preset": "mlp-3", "conditions": "sex+decade", "label_dropout": 0})
    results = RESULTS.changed(labels={"sex": ("F",), "decade": ("any", "1890")})
    kept = Checkpoint(run, VOCABULARY, {}, MEMBERSHIP, results, "told")
    assert (kept.untold, kept.does_without) == (("decade",), False)
    assert (kept.words("sex"), kept.words("decade")) == (("F",), ("any", "1890"))
    assert kept.can_be_told(SamplingConfig(sex="F")).decade == "any"
    with pytest.raises(
        Refusal, match=r"^Sex is any; this model never learned to do without\. Allowed is one of F\.$"
    ):
        kept.can_be_told(SamplingConfig(decade="1890"))
    hidden = dataclasses.replace(kept, run=run.changed(recipe=run.recipe.changed(label_dropout=0.1)))
    assert (hidden.untold, hidden.does_without) == (("sex", "decade"), True)
    assert load_shipped("wavenet-m").does_without


@pytest.mark.parametrize("title", ["\x1b[31m\u202eevil", "two\nlines", "  blanks  in \t between "])
def test_a_foreign_title_fits_a_line_and_hides_nothing(title: str) -> None:
    kept = load(with_info(lambda info: info.update(title=title)))
    assert kept.title.isprintable()
    assert kept.title == kept.title.strip()
    assert load(with_info(lambda info: info["results"].update(list_title=title))).results.list_title.isprintable()


@pytest.mark.parametrize("command", ["x" * 100_000, "\n" * 1000, "train \udcff.txt"])
def test_words_of_a_training_are_made_to_fit_and_then_stay_as_they_are(command: str) -> None:
    """Rather than that a training is refused for them: with more signs, or other signs, than a line can show."""
    results = RESULTS.changed(command=command)
    assert results.command.isprintable()
    assert len(results.command) <= 1000
    foreign = load(with_info(lambda info: info["results"].update(command=command)))
    assert load(foreign.to_bytes()).results == foreign.results == results


@given(place=st.integers(0), bit=st.integers(0, 7))
def test_a_single_turned_bit_is_noticed(place: int, bit: int) -> None:
    """Wherever it is, unless it changes nothing."""
    data = bytearray(good())
    data[place % len(data)] ^= 1 << bit
    try:
        kept = load(bytes(data))
    except Refusal:
        return
    assert kept.to_bytes() == good()


def test_a_hexadecimal_digit_in_capitals_says_the_same_letter() -> None:
    """The one bit that may turn: what is said of the weights is the same."""
    found = re.search(rb"\\u[0-9]*[a-f]", good())
    assert found is not None
    turned = bytearray(good())
    turned[found.end() - 1] ^= 0x20
    assert load(bytes(turned)).to_bytes() == good()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_model_comes_back_to_the_bit(preset: str, tmp_path: Path) -> None:
    """Identical logits, and all that belongs to them, from bytes and from a file."""
    before = checkpoint(preset)
    path = tmp_path / "model.safetensors"
    path.write_bytes(before.to_bytes())
    for after in (load(before.to_bytes()), load(path)):
        assert (after.run, after.vocabulary, after.results, after.title, after.membership) == (
            before.run,
            before.vocabulary,
            before.results,
            before.title,
            before.membership,
        )
        assert after.weights.keys() == before.weights.keys()
        assert torch.equal(after.model()(BATCH), before.model()(BATCH))
        assert not after.model().training
        assert after.to_bytes() == before.to_bytes()


def test_two_models_of_one_checkpoint_share_nothing() -> None:
    """Training one leaves the other, and the checkpoint, alone."""
    kept = load(good())
    first, second = kept.model(), kept.model()
    before = second(BATCH)
    for parameter in first.parameters():
        parameter.data.zero_()
    assert torch.equal(second(BATCH), before)
    assert torch.equal(kept.model()(BATCH), before)


def test_membership_is_kept_as_hashes_alone() -> None:
    """The status of each name is known; the names are not in the file."""
    kept = load(good())
    assert [kept.membership.status(n) for n in ("ava", "emma", "mia", "liam", "zoe")] == [
        "train",
        "train",
        "held_out",
        "held_out",
        "new",
    ]
    assert b"olivia" not in good()


def test_states_of_runs_pass_through_the_same_door() -> None:
    """`pack` and `unpack` keep types, shapes and empty tensors, and values of JSON exactly."""
    tensors = {
        "a": torch.arange(6, dtype=torch.int64).reshape(2, 3).T,
        "b": torch.tensor(0.1, dtype=torch.float64),
        "c": torch.empty(0, dtype=torch.uint8),
        "d": torch.ones(3, requires_grad=True),
    }
    info = {"step": 3, "seconds": 0.1 + 0.2, "finished": None, "ok": True, "word": "ä"}
    back, told = unpack(pack(tensors, info))
    assert told == info
    assert back.keys() == tensors.keys()
    for key, value in tensors.items():
        assert back[key].dtype == value.dtype
        assert torch.equal(back[key], value.detach())


def test_models_that_ship_load_and_are_what_they_say() -> None:
    """In the order of the zoo, then what was told more; each is what its command says, and knows its losses."""
    found = shipped()
    assert list(found) == [*(name for name in PRESETS if name in found), "wavenet-decades"]
    assert {"bigram", "mlp-3", "tree-76k", "wavenet-m"} <= found.keys()
    for name in found:
        kept = load_shipped(name)
        assert kept.title == name
        assert kept.run.preset == ("wavenet-m" if name == "wavenet-decades" else name)
        assert conditions_of(kept.run.model) == (("sex", "decade") if name == "wavenet-decades" else ())
        assert f"train {kept.run.preset} " in kept.results.command
        assert kept.results.validation is not None


# ------------------------------------------------------------------------------------------------ refusals


def with_info(change: Callable[[dict[str, Any]], object], data: bytes | None = None) -> bytes:
    """The good file with a changed description."""
    tensors, info = parts(data or good())
    change(info)
    return pack(tensors, info)


def with_tensors(change: Callable[[dict[str, Tensor]], object], preset: str = "mlp-v1") -> bytes:
    """The good file with changed tensors."""
    tensors, info = parts(checkpoint(preset).to_bytes())
    change(tensors)
    return pack(tensors, info)


def counted(change: Callable[[Tensor, Tensor], object]) -> bytes:
    """A good file of counted runs of letters with changes in its keys and counts."""
    return with_tensors(lambda t: change(t["model/keys"], t["model/counts"]), "kn-5")


def safetensors(header: bytes, body: bytes = b"") -> bytes:
    """A file by hand."""
    return struct.pack("<Q", len(header)) + header + body


def described(info: str, tensors: dict[str, Any] | None = None) -> bytes:
    header = {"__metadata__": {"wavenames": info}, **(tensors or {})}
    return safetensors(json.dumps(header).encode())


class Evil:
    """What a pickle would run on the machine that opens it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("something was unpickled",))


NOT_SAFETENSORS = r"^The file is not a checkpoint, or it is damaged: it can't be read as safetensors\.$"
FOREIGN = r"^The file is safetensors, but not a checkpoint of wavenames: its description is missing\.$"
UNFIT = r"^The checkpoint is damaged: its description and its weights do not fit together\.$"
NO_NUMBERS = r"^The checkpoint is damaged: some of its weights are not numbers, or lead to none\.$"

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", NOT_SAFETENSORS),
    "seven bytes": (lambda: b"1234567", NOT_SAFETENSORS),
    "text": (lambda: b"emma\nolivia\n" * 20, NOT_SAFETENSORS),
    "pickle": (lambda: pickle.dumps(Evil()), NOT_SAFETENSORS),
    "pickle behind a header": (lambda: safetensors(pickle.dumps(Evil())), NOT_SAFETENSORS),
    "cut in the header": (lambda: good()[:100], NOT_SAFETENSORS),
    "cut in the weights": (lambda: good()[:-1], NOT_SAFETENSORS),
    "a byte too many": (lambda: good() + b"\0", NOT_SAFETENSORS),
    "header longer than the file": (lambda: struct.pack("<Q", 2**63) + good()[8:], NOT_SAFETENSORS),
    "oversized": (
        lambda: bytes(SERVER_LIMITS.max_checkpoint_bytes + 1),
        r"^The checkpoint has 64\.0 MB; allowed is at most 64 MB\.$",
    ),
    "foreign": (lambda: write_tensors({"a": torch.ones(2)}), FOREIGN),
    "foreign metadata": (lambda: write_tensors({"a": torch.ones(2)}, {"format": "pt"}), FOREIGN),
    "description is no JSON": (lambda: described("{"), FOREIGN),
    "description is a list": (lambda: described("[]"), FOREIGN),
    "description is a number of 10,000 digits": (lambda: described("1" * 10_000), FOREIGN),
    "description is nested without end": (lambda: described("[" * 200_000), FOREIGN),
    "newer version": (
        lambda: with_info(lambda i: i.update(version=2)),
        r"^The checkpoint has version 2; this program reads 1\.$",
    ),
    "no version": (
        lambda: with_info(lambda i: i.pop("version")),
        r"^The checkpoint has version null; this program reads 1\.$",
    ),
    "version of several lines": (lambda: with_info(lambda i: i.update(version="a\nb")), r'version "a\\nb"; this'),
    "no run": (lambda: with_info(lambda i: i.pop("run")), UNFIT),
    "no letters": (lambda: with_info(lambda i: i.pop("letters")), UNFIT),
    "no results": (lambda: with_info(lambda i: i.pop("results")), UNFIT),
    "no title": (lambda: with_info(lambda i: i.pop("title")), UNFIT),
    "run is a list": (lambda: with_info(lambda i: i.update(run=[])), UNFIT),
    "unknown family": (lambda: with_info(lambda i: i["run"]["model"].update(family="gpt")), UNFIT),
    "unknown setting": (lambda: with_info(lambda i: i["run"]["model"].update(evil=1)), UNFIT),
    "too large a setting": (lambda: with_info(lambda i: i["run"]["model"].update(hidden=10**9)), UNFIT),
    "another family's preset": (lambda: with_info(lambda i: i["run"].update(preset="tree-76k")), UNFIT),
    "unknown preset": (lambda: with_info(lambda i: i["run"].update(preset="<script>")), UNFIT),
    "loss is infinite": (lambda: with_info(lambda i: i["results"].update(train=float("inf"))), UNFIT),
    "command is a number": (lambda: with_info(lambda i: i["results"].update(command=1)), UNFIT),
    "letters are a list": (lambda: with_info(lambda i: i.update(letters=["a"])), UNFIT),
    "fewer letters": (lambda: with_info(lambda i: i.update(letters="abc")), UNFIT),
    "no letter at all": (lambda: with_info(lambda i: i.update(letters="")), UNFIT),
    "letters out of order": (
        lambda: with_info(lambda i: i.update(letters=i["letters"][::-1])),
        "must be distinct and sorted",
    ),
    "letters that end names": (
        lambda: with_info(lambda i: i.update(letters="." + i["letters"][1:])),
        "can't be a letter",
    ),
    "too many letters": (
        lambda: with_info(lambda i: i.update(letters="".join(map(chr, range(0x4E00, 0x4E00 + 501))))),
        r"^The checkpoint has more than 500 letters\.$",
    ),
    "half a character in the title": (lambda: with_info(lambda i: i.update(title="\ud800")), UNFIT),
    "wrong shape": (lambda: with_tensors(lambda t: t.update({"model/embedding.weight": torch.ones(3, 2)})), UNFIT),
    "missing weights": (lambda: with_tensors(lambda t: t.pop("model/embedding.weight")), UNFIT),
    "weights too many": (lambda: with_tensors(lambda t: t.update({"model/evil": torch.ones(1)})), UNFIT),
    "weights are complex": (
        lambda: with_tensors(lambda t: t.update({"model/embedding.weight": t["model/embedding.weight"] * 1j})),
        UNFIT,
    ),
    "weights in double precision": (
        lambda: with_tensors(lambda t: t.update({"model/embedding.weight": t["model/embedding.weight"].double()})),
        UNFIT,
    ),
    "weights are whole numbers": (
        lambda: with_tensors(lambda t: t.update({"model/embedding.weight": t["model/embedding.weight"].long()})),
        UNFIT,
    ),
    "a weight is no number": (
        lambda: with_tensors(lambda t: t["model/embedding.weight"][0].fill_(torch.nan)),
        NO_NUMBERS,
    ),
    "a weight is infinite": (
        lambda: with_tensors(lambda t: t["model/embedding.weight"][0].fill_(torch.inf)),
        NO_NUMBERS,
    ),
    "weights too large for their sums": (
        lambda: with_tensors(lambda t: [t[key].mul_(1e30) for key in t if key.startswith("model/")], "mlp-3"),
        NO_NUMBERS,
    ),
    "counts below zero": (lambda: with_tensors(lambda t: t["model/counts"][0, 0].fill_(-5), "bigram"), NO_NUMBERS),
    "runs of letters out of order": (lambda: counted(lambda keys, _: keys.copy_(keys.flip(0))), UNFIT),
    "a run of letters twice": (lambda: counted(lambda keys, _: keys[1].copy_(keys[0])), UNFIT),
    "a run of no letters": (lambda: counted(lambda keys, _: keys[0].fill_(V - 1)), UNFIT),
    "a run longer than the order": (lambda: counted(lambda keys, _: keys[-1].fill_(2 * V**5)), UNFIT),
    "a run that was seen less than once": (lambda: counted(lambda _, counts: counts[3].fill_(0)), UNFIT),
    "half a count": (lambda: counted(lambda _, counts: counts[3].fill_(1.5)), UNFIT),
    "a count without end": (lambda: counted(lambda _, counts: counts[3].fill_(torch.inf)), UNFIT),
    "a count that is no number": (lambda: counted(lambda _, counts: counts[3].fill_(torch.nan)), UNFIT),
    "more runs than counts": (
        lambda: with_tensors(lambda t: t.update({"model/counts": torch.ones(2)}), "kn-5"),
        UNFIT,
    ),
    "no runs": (lambda: with_tensors(lambda t: t.pop("model/keys"), "kn-5"), UNFIT),
    "runs that are no whole numbers": (
        lambda: with_tensors(lambda t: t.update({"model/keys": t["model/keys"].float()}), "kn-5"),
        UNFIT,
    ),
    "counts that are whole numbers": (
        lambda: with_tensors(lambda t: t.update({"model/counts": t["model/counts"].long()}), "kn-5"),
        UNFIT,
    ),
    "runs in a table": (
        lambda: with_tensors(lambda t: t.update({k: t[k][None] for k in ("model/keys", "model/counts")}), "kn-5"),
        UNFIT,
    ),
    "a variance below zero": (
        lambda: with_tensors(lambda t: t["model/net.layers.2.running_var"].fill_(-5), "baseline"),
        NO_NUMBERS,
    ),
    "no hashes": (lambda: with_tensors(lambda t: t.pop("names/train")), UNFIT),
    "hashes of another kind": (lambda: with_tensors(lambda t: t.update({"names/train": torch.ones(4, 6)})), UNFIT),
    "hashes of another width": (
        lambda: with_tensors(lambda t: t.update({"names/train": torch.ones(4, 7, dtype=torch.uint8)})),
        UNFIT,
    ),
    "hashes of more names than a list may have": (
        lambda: with_tensors(
            lambda t: t.update({"names/train": torch.zeros(LIST_LIMITS.max_rows + 1, 6, dtype=torch.uint8)})
        ),
        UNFIT,
    ),
    "half precision of a strange kind": (
        lambda: with_tensors(
            lambda t: t.update({"model/embedding.weight": t["model/embedding.weight"].to(torch.float8_e4m3fn)})
        ),
        UNFIT,
    ),
    "a tensor as large as the world": (
        lambda: described("{}", {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}),
        NOT_SAFETENSORS,
    ),
    "a shape that overflows": (
        lambda: described("{}", {"a": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 0]}}),
        NOT_SAFETENSORS,
    ),
    "an empty shape that overflows": (
        lambda: described("{}", {"a": {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]}}),
        FOREIGN,
    ),
    "a type that torch has not": (
        lambda: described("{}", {"a": {"dtype": "F4", "shape": [0], "data_offsets": [0, 0]}}),
        FOREIGN,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_in_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which says what is wrong; and nothing is unpickled on the way."""
    data = REFUSED[name][0]()

    def forbidden(*args: object, **kwargs: object) -> NoReturn:
        pytest.fail("something was unpickled")

    for module, attribute in ((pickle, "loads"), (pickle, "load"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, attribute, forbidden)
    with pytest.raises(Refusal, match=REFUSED[name][1]):
        load(data)


def test_a_description_of_any_depth_is_refused() -> None:
    """Also one that can just be read, and no longer be written for its digest."""
    for depth in range(800, 1000):
        with pytest.raises(Refusal, match=r"^The file is "):
            load(described('{"title": ' + "[" * depth + "]" * depth + "}"))


def test_files_that_can_not_be_read_are_refused(tmp_path: Path) -> None:
    """A path that leads nowhere, or to a folder."""
    with pytest.raises(Refusal, match=r"^The checkpoint's file can't be read: No such file or directory\.$"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(Refusal, match=r"^The checkpoint's file can't be read: Is a directory\.$"):
        load(tmp_path)


def test_a_large_file_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is enough."""
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(10**12)
    monkeypatch.setattr(Path, "read_bytes", pytest.fail)
    with pytest.raises(Refusal, match=r"has 1,000,000\.0 MB"):
        load(path)


# ------------------------------------------------------------------------------------------------- hostility

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def opened(data: bytes) -> None:
    """Either the file is refused, in a sentence, or the model in it works."""
    try:
        kept = load(data)
    except Refusal as refusal:
        sentence = str(refusal)
    else:
        letter = kept.vocabulary.letters[0]
        assert kept.model()(Packed([letter], kept.vocabulary).batch(torch.tensor([0]))).shape[0] == 2
        assert RunConfig.from_flat(kept.run.flat()) == kept.run
        return
    assert 20 < len(sentence) < 300
    assert "\n" not in sentence


@quick
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    """Never anything but a Refusal."""
    opened(data)
    opened(struct.pack("<Q", max(len(data) - 8, 0)) + data)


@quick
@given(st.data())
def test_a_good_file_with_a_few_bytes_changed_is_refused_or_works(data: st.DataObject) -> None:
    """Flipped, cut out, or put in, mostly in the header, where the meaning is."""
    whole = bytearray(good())
    (header,) = struct.unpack_from("<Q", whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(0, header + 8), st.integers(0, len(whole) - 1)))
        end = data.draw(st.integers(at, min(at + 4, len(whole))))
        whole[at:end] = data.draw(st.binary(max_size=4))
    opened(bytes(whole))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@quick
@given(st.data())
def test_any_value_in_any_place_of_the_description_is_refused_or_works(data: st.DataObject) -> None:
    """Whatever JSON can hold."""
    tensors, info = parts(good())
    info["results"]["labels"] = {"sex": ["F"]}
    place: dict[str, Any] = info
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    place[key] = data.draw(VALUES)
    opened(pack(tensors, info))


ROOM = SERVER_LIMITS.max_checkpoint_bytes - 1000
EMPTY = b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty tensors": (
        lambda: safetensors(b"{" + b"".join(EMPTY % i for i in range(800_000)) + b'"__metadata__":{}}'),
        NOT_SAFETENSORS,
    ),
    "a description": (lambda: described("[" + "0," * (ROOM // 2 - 200) + "0]"), NOT_SAFETENSORS),
    "a title": (lambda: with_info(lambda i: i.update(title="x" * (ROOM - 10_000))), NOT_SAFETENSORS),
    "hashes": (
        lambda: with_tensors(lambda t: t.update({"names/train": torch.zeros(10**7, 6, dtype=torch.uint8)})),
        UNFIT,
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_file_grows_in_memory(name: str) -> None:
    """Sixty megabytes that would be a gigabyte as objects are refused before they are any."""
    data = BOMBS[name][0]()
    assert len(data) > 0.6 * ROOM
    tracemalloc.start()
    try:
        with pytest.raises(Refusal, match=BOMBS[name][1]):
            load(data)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * len(data)


@pytest.mark.parametrize("family", MODEL_CONFIGS)
def test_no_description_can_ask_for_a_model_that_fills_the_memory(family: str) -> None:
    """Every number at its bound: refused or not, it is a few dozen megabytes."""
    config = MODEL_CONFIGS[family]
    top = {name: limits(config, name)[1] for name in config.model_fields}
    largest = config.checked(**{name: high for name, high in top.items() if high is not None})
    if "dilations" in config.model_fields:
        largest = largest.changed(dilations=(32,) * 10)
    with torch.device("meta"):
        model = FAMILIES[family](largest, LIST_LIMITS.max_letters + 1)
    assert 4 * model.parameter_count < 30_000_000
