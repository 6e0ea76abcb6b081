"""Compare: every run and model in one table, what sets the chosen ones apart, and what can be done with them."""

import csv as csv_files
import io
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from tests.browser import open_page, running_app, settled
from tests.pages import opened as open_by_link
from wavenames.checkpoints import load_shipped, shipped
from wavenames.config import RunConfig
from wavenames.figures.colours import FAMILIES
from wavenames.store import Change, Changes, Metrics, Status, Store, StoredList
from wavenames.training import Evaluation
from wavenames.ui import compare_views
from wavenames.ui.compare_views import _lines, pill_colour, unfinished
from wavenames.ui.model_rows import MeasuredOn, Row, by_data, csv, differences, frame, model_rows, status, usual
from wavenames.ui.paired_view import _pairs, compared, differing_most
from wavenames.ui.references import references
from wavenames.ui.session import find_split, scheduler, store, trained

pytestmark = pytest.mark.usefixtures("fresh_server")


def opened(**link: str | list[str]) -> AppTest:
    return open_by_link("compare", link)


def finished(store: Store, title: str, *, loss: float = 2.1, state: Status = "finished", **words: str) -> str:
    """A run as the store has it when it has ended."""
    config = RunConfig.from_flat({"preset": "wavenet-s", "steps": "200", **words})
    run_id = store.create(config, title=title, status=state)
    points = [(step, step / 100, step * 256, loss + math.exp(-step / 50)) for step in range(0, 201, 10)]
    store.later(Metrics(run_id, "train", points), Metrics(run_id, "validation", points[::5]))
    ended: Changes = {
        "parameters": 37_115, "step": 200, "seconds": 2.0,
        "train": loss - 0.1, "validation": loss, "test": loss + 0.01,
    }  # fmt: skip
    store.later(Change(run_id, ended))
    store.flush()
    return run_id


def table(app: AppTest) -> Any:
    return app.dataframe[0].value


def chosen(app: AppTest) -> list[str]:
    """What stands side by side."""
    return [re.sub(r"\\(.)", r"\1", each.label) for each in app.button if str(each.key).startswith("drop_")]


def words(app: AppTest) -> str:
    said = [*app.markdown, *app.caption, *app.warning]
    return re.sub(r"\\(.)", r"\1", "\n".join(each.value for each in said))


def test_without_runs_the_models_that_ship_are_there() -> None:
    """No empty page: their losses, two of them side by side, a way to train."""
    app = opened()
    assert list(table(app)["title"]) == list(shipped())
    assert set(table(app)["status"]) == {"ships"}
    for name, loss in zip(table(app)["title"], table(app)["validation"], strict=True):
        assert loss == load_shipped(name).results.validation
    assert "ship with wavenames" in words(app)
    assert chosen(app) == ["▼ gru-384", "◆ wavenet-m"]
    assert app.button(key="rename").disabled
    assert app.button(key="delete").disabled


def test_runs_stand_first_and_the_newest_two_side_by_side() -> None:
    """With what differs between them, and nothing else."""
    with Store() as store:
        finished(store, "calm", dropout="0.1")
        finished(store, "calm", dropout="0.3", seed="7")
    app = opened()
    assert list(table(app)["title"][:2]) == ["calm (2)", "calm"]
    assert chosen(app) == ["◆ calm (2)", "◆ calm"]
    assert app.dataframe[1].value.to_dict() == {
        "calm": {"Dropout": "0.1", "Seed": "1"},
        "calm (2)": {"Dropout": "0.3", "Seed": "7"},
    }
    assert "can't be compared" not in words(app)


def test_a_list_has_the_title_that_this_visitor_gave_it() -> None:
    """Who brought the same names from a file of another name sees theirs, and nobody else's."""
    names = StoredList("upload-0123456789ab", "first.txt", ("emma", "olivia", "ava", "noah") * 5, "", "")
    with Store() as store:
        store.keep_list(names)
        finished(store, "mine", names=names.id)
    for title in ("second.txt", "third.txt", None):
        app = AppTest.from_file("../pages/compare_page.py", default_timeout=60)
        app.session_state["uploaded_lists"] = {} if title is None else {names.id: title}
        app.run()
        assert table(app)["list"][0] == (title or "first.txt")


def test_the_link_chooses_and_the_choice_stands_in_the_link() -> None:
    """In the order in which they were chosen."""
    with Store() as store:
        run = finished(store, "mine")
    app = opened(runs=["bigram", run])
    assert chosen(app) == ["✕ bigram", "◆ mine"]
    app.button(key=f"drop_{run}").click().run()
    assert chosen(app) == ["✕ bigram"]
    assert app.query_params["runs"] == "bigram"
    assert "settings in which they differ stand here" in words(app)
    assert "models that ship come without theirs" in words(app)


def test_losses_on_different_names_are_said_to_be_incomparable() -> None:
    """Another split, another shuffle or another list makes another measure."""
    with Store() as store:
        runs = [finished(store, "one", split="unique"), finished(store, "two", split="unique", split_seed="3")]
    app = opened(runs=[*runs, "bigram"])
    assert "can't be compared" in words(app)
    for data in ("lecture split", "unique split", "unique split with seed 3"):
        assert f"US births of 2018, {data}" in words(app)


def test_a_run_that_another_version_wrote_is_listed_and_nothing_breaks() -> None:
    """Its losses are known, its settings are not."""
    with Store() as store:
        run = finished(store, "old")
        with store._engine.execution_options(writes=True).begin() as connection:
            connection.exec_driver_sql('UPDATE runs SET config = \'{"preset": "lstm", "cells": 9}\'')
    app = opened(runs=[run, "bigram"])
    assert list(table(app)["split"][:1]) == [""]
    assert chosen(app) == ["◆ old", "✕ bigram"]


def test_two_models_are_compared_name_by_name() -> None:
    """On the validation names of their split; of more than two, the first two that were measured alike."""
    with Store() as store:
        other = finished(store, "elsewhere", split="unique")
    app = opened(runs=[other, "wavenet-m", "tree-76k", "bigram"])
    data = RunConfig().data
    found = compared("wavenet-m", "tree-76k", data)
    losses = [load_shipped(name).results.validation or 0.0 for name in ("wavenet-m", "tree-76k")]
    assert found.gain == pytest.approx(losses[1] - losses[0], abs=1e-5)
    assert f"**{found.sentence('wavenet-m', 'tree-76k')}**" in words(app)
    names = find_split(data).validation
    assert f"over the {len(set(names)):,} distinct validation names ({len(names):,} rows)" in words(app)


def test_of_more_than_two_models_the_two_that_are_compared_can_be_chosen() -> None:
    """Any two of those that were measured alike, in the link too; of two there is nothing to choose."""
    ticked = ["wavenet-m", "tree-76k", "bigram"]
    app = opened(runs=ticked)
    box = app.selectbox(key="pair_box")
    assert box.options == ["wavenet-m and tree-76k", "wavenet-m and bigram", "tree-76k and bigram"]
    app = box.set_value("tree-76k bigram").run()
    assert app.query_params["pair"] == "tree-76k bigram"
    found = compared("tree-76k", "bigram", RunConfig().data)
    assert f"**{found.sentence('tree-76k', 'bigram')}**" in words(app)
    assert f"**{found.sentence('tree-76k', 'bigram')}**" in words(opened(runs=ticked, pair="tree-76k bigram"))
    assert "pair_box" not in {each.key for each in opened(runs=ticked[:2]).selectbox}


def test_one_model_alone_is_not_compared() -> None:
    """Nor is it with a run that has no trained model."""
    with Store() as store:
        run = finished(store, "without weights")
    for runs in (["bigram"], ["bigram", run], ""):
        assert "they are compared name by name here" in words(opened(runs=runs))


def test_the_names_shown_are_those_that_divide_the_two_most_and_each_but_once() -> None:
    lengths = torch.tensor([2, 3, 4, 2])
    first, second = (
        Evaluation(2.0, 0.1, torch.tensor(nats, dtype=torch.float64), lengths, torch.tensor([0, 1, 2, 0]))
        for nats in ([2.0, 3.0, 9.0, 2.0], [6.0, 3.0, 4.0, 6.0])
    )
    dots = differing_most(["a", "bb", "ccc", "a"], [(row(title="x"), first), (row(title="y"), second)])
    assert [(dot.row, dot.series, dot.loss, dot.hollow) for dot in dots] == [
        ("ccc", "x", 2.25, False), ("ccc", "y", 1.0, True),
        ("a", "x", 1.0, False), ("a", "y", 3.0, True),
        ("bb", "x", 1.0, False), ("bb", "y", 1.0, True),
    ]  # fmt: skip


def test_titles_format_nothing() -> None:
    """A title like a link or a tag is shown as it was typed."""
    with Store() as store:
        run = finished(store, "<b>[x](y) **z**")
    app = opened(runs=[run])
    assert table(app)["title"][0] == "<b>[x](y) **z**"
    assert not [each for each in app.markdown if "<b>" in each.value.replace(r"\<", "")]


A, B = "a" * 22, "b" * 22
"""Ids as runs have them."""


def row(**values: Any) -> Row:
    """A row, mostly of a run that goes on."""
    usually: dict[str, Any] = {
        "key": A, "title": "a", "family": "wavenet", "config": RunConfig(), "is_run": True, "status": "running",
        "list_title": "US births of 2018", "parameters": 10, "train": None, "validation": 2.0, "test": None,
        "step": 50, "steps": 200, "seconds": 1.0, "created": None,
    }  # fmt: skip
    return Row(**usually | values)


def test_a_status_says_how_far_a_run_has_come() -> None:
    """While it is not finished."""
    assert status(row()) == "running, 25%"
    assert status(row(status="paused")) == "paused, 25%"
    assert status(row(status="queued")) == "queued"
    assert status(row(status="finished", step=200)) == "finished"


def test_links_lead_to_the_run_or_to_the_settings_of_a_model() -> None:
    """A model that ships was not trained here: its settings can be."""
    assert row().open == f"train?run={A}"
    assert row(is_run=False, config=RunConfig.from_flat({"preset": "mlp-3", "steps": "400"})).open == (
        "train?preset=mlp-3&steps=400"
    )
    assert row(is_run=False, key="bigram").sample == "sample?sample_model=bigram"
    assert row().sample is None, "nothing to sample before there is a checkpoint"


def test_before_anyone_chooses_the_latest_runs_then_the_best_models_stand_side_by_side() -> None:
    """Rows without a loss have nothing to show yet."""
    models = [row(key=key, is_run=False, validation=loss) for key, loss in (("m", 2.2), ("n", 2.0), ("o", 2.1))]
    assert usual(models) == ["n", "o"]
    assert usual([row(key="queued", validation=None), row(key="r"), *models]) == ["r", "n"]
    assert usual([row(key="r"), row(key="s"), row(key="t"), *models]) == ["r", "s"]


def test_the_two_that_stand_there_at_first_were_measured_on_the_same_names() -> None:
    """A run on a list of its own has none beside it; two have each other, and one that other runs come between."""
    elsewhere = RunConfig.from_flat({"preset": "bigram", "names": "upload-0123456789ab"})
    models = [row(key=key, is_run=False, validation=loss) for key, loss in (("m", 2.2), ("n", 2.0))]
    other = row(key="told", is_run=False, validation=1.8, config=elsewhere)
    alone, also = (row(key=key, config=elsewhere) for key in ("x", "y"))
    assert usual([alone, *models]) == ["n", "m"]
    assert usual([alone, also, *models]) == ["x", "y"]
    assert usual([alone, row(key="r"), also, *models]) == ["x", "y"]
    assert usual([row(key="r"), alone, *models]) == ["r", "n"]
    assert usual([alone, *models, other]) == ["x", "told"]
    assert usual([*models, other]) == ["n", "m"]


def test_white_letters_are_read_on_each_familys_colour_in_the_table() -> None:
    for style in FAMILIES.values():
        colour = [int(pill_colour(style.colour)[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5


def test_a_run_and_a_model_of_one_title_are_told_apart_on_every_page() -> None:
    """By the same numbers as here."""
    path = store().checkpoint_path(finished(scheduler().store, "wavenet-m"))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(load_shipped("wavenet-m").to_bytes())
    assert [each.title for each in trained() if each.title.startswith("wavenet-m")] == ["wavenet-m", "wavenet-m (2)"]
    assert {each.key: each.title for each in trained()} == {each.key: each.title for each in model_rows()}


def test_only_settings_that_differ_are_listed() -> None:
    """A setting that one of the models does not have stands as a dash."""
    tree = RunConfig.from_flat({"preset": "tree-76k"})
    dilated = RunConfig.from_flat({"preset": "dilated-76k"})
    found = differences([row(config=tree), row(key=B, title="b", config=dilated)])
    assert found.loc["Levels"].to_dict() == {"a": "3", "b": "–"}
    assert found.loc["Dilations"].to_dict() == {"a": "–", "b": "1, 2, 4"}
    assert "Embedding" not in found.index
    assert differences([row(), row(key=B, title="b")]).empty


def test_the_table_travels_as_csv_without_formulas() -> None:
    """A title that a spreadsheet would reckon out is quoted; losses keep their digits."""
    rows = [row(title="=1+1", train=1.23456789, created=None), row(key=B, title="tree, wide", family="tree")]
    read = list(csv_files.DictReader(io.StringIO(csv(rows))))
    assert [line["title"] for line in read] == ["'=1+1", "tree, wide"]
    assert read[0]["train"] == "1.23456789"
    assert read[1]["family"] == "tree"
    assert read[1]["test"] == ""
    assert len(frame(rows)) == 2


def test_before_a_run_is_deleted_one_reads_that_it_still_goes_on() -> None:
    """As it is by now, not as the table was drawn."""
    run = scheduler().submit(RunConfig.from_flat({"preset": "wavenet-s", "steps": "50000"}))
    deadline = time.monotonic() + 30
    while scheduler().snapshot(run).status == "queued" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert unfinished(row(key=run, status="finished")) == ", **still running**; this ends it"
    scheduler().stop(run)
    while scheduler().snapshot(run).status == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert unfinished(row(key=run)) == ""
    assert unfinished(row(key="A" * 22)) == ""


@pytest.mark.browser
def test_ticks_rename_and_delete(page: Page, tmp_path: Path) -> None:
    """A tick chooses, a chosen run takes another name, and is gone once that is confirmed; models that ship stay."""
    folder = tmp_path / "data"
    with Store(folder=folder) as store:
        finished(store, "first")
        finished(store, "second")
    with running_app(tmp_path) as address:
        open_page(page, f"{address}/compare?runs=bigram")
        expect(page.get_by_role("button", name="Delete")).to_be_disabled()
        page.get_by_test_id("stDataFrame").first.locator("canvas").first.click(
            position={"x": 16, "y": 35 + 17}, force=True
        )
        expect(page).to_have_url(re.compile(r"runs=bigram&runs=[\w-]{22}"))
        chips = page.locator(".st-key-side_by_side")
        expect(chips).to_contain_text("second")
        settled(page).go_back()
        expect(chips).not_to_contain_text("second")
        settled(page).go_forward()
        expect(chips).to_contain_text("second")
        settled(page)

        page.get_by_role("button", name="Rename").click()
        title = page.get_by_role("dialog").get_by_role("textbox", name="Title")
        title.fill("  ")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Title has 0 characters")
        title.fill("third")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(chips).to_contain_text("third")
        settled(page)

        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog")).to_contain_text("third")
        page.get_by_role("dialog").get_by_role("button", name="Delete this run").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(chips).not_to_contain_text("third")
        expect(chips).to_contain_text("bigram")
        page.set_viewport_size({"width": 390, "height": 844})
        open_page(page, f"{address}/compare")
        assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth") == 0
    with Store(folder=folder) as store:
        assert [run.title for run in store.runs()] == ["first"]


def test_told_and_untold_models_of_a_unique_split_are_measured_on_different_names() -> None:
    """Said in a sentence; the reference lines beside told ones are counted on their rows."""
    with Store() as store:
        runs = [finished(store, p, preset=p, split="unique") for p in ("wavenet-m-sex", "wavenet-m")]
    told = MeasuredOn(RunConfig.from_flat({"split": "unique"}).data, ("sex",))
    groups = by_data([each for each in model_rows() if each.key in runs])
    assert set(groups) == {told, MeasuredOn(told.data)}
    said = words(opened(runs=runs))
    assert "can't be compared" in said
    with_sex, plain = (
        "US births of 2018, unique split, a row for each sex of a name",
        "US births of 2018, unique split",
    )
    assert f"{with_sex}; {plain}." in said or f"{plain}; {with_sex}." in said
    assert "can't be compared" not in words(opened(runs=runs[:1]))
    assert _lines(told) == references(told.data, ("sex",)) != references(told.data)


def test_only_models_measured_on_the_same_rows_are_paired() -> None:
    """A unique split has a row for each of a name's labels: a model that is told them is measured on other rows."""
    told = RunConfig.from_flat({"preset": "wavenet-m-sex", "split": "unique"})
    untold = RunConfig.from_flat({"preset": "wavenet-m", "split": "unique"})
    ships = {"is_run": False, "status": "ships"}
    rows = [row(key="a", config=told, **ships), row(key="b", config=untold, **ships)]
    assert not _pairs(rows)
    more = [*rows, row(key="c", config=told.changed(seed=2), **ships)]
    assert list(_pairs(more)) == ["a c"]
    both = ("wavenet-m", "wavenet-m-sex")
    lecture = [row(key=key, config=RunConfig.from_flat({"preset": key}), **ships) for key in both]
    assert _pairs(lecture), "the lecture split has the same rows, whoever is told what"


def test_an_axis_that_there_is_not_is_said() -> None:
    run_id = finished(scheduler().store, "mine")
    app = opened(runs=run_id, compare_x="miles")
    (warning,) = app.warning
    assert warning.value.replace("\\", "") == (
        "The link asks for the axis 'miles'; allowed is one of Steps, Seconds of training, Names seen."
    )
    assert not opened(runs=run_id, compare_x="Names seen").warning


def test_curves_of_one_run_say_whose_they_are() -> None:
    one, other = finished(scheduler().store, "the *one*"), finished(scheduler().store, "the other")
    assert "the *one*, with marks: validation. Without: train, smoothed." in words(opened(runs=one)).replace("\\", "")
    assert "\nWith marks: validation." in words(opened(runs=[one, other]))


def test_a_run_that_is_deleted_elsewhere_can_not_be_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is drawn anew, without it, and no traceback."""
    run_id = finished(scheduler().store, "mine")
    app = opened(runs=run_id)

    class Elsewhere:
        @staticmethod
        def run(key: str) -> Any:
            scheduler().delete(key)
            return store().run(key)

    monkeypatch.setattr(compare_views, "store", Elsewhere)
    app.button(key="rename").click().run()
    assert not app.exception
    assert chosen(app) != ["mine"]
