"""Memory: what a model repeats, held against the names that it learned; and what a page knows without the list."""

import itertools
import math
import re
import time
from dataclasses import replace

import pytest
from rapidfuzz.distance import Levenshtein
from streamlit.testing.v1 import AppTest

from tests.pages import chart_text
from tests.pages import opened as open_by_link
from wavenames.checkpoints import load_shipped
from wavenames.comparison import Leaked, Side, leaked
from wavenames.config import PageSamplingConfig, RunConfig
from wavenames.names import bundled, split
from wavenames.sampling import sample
from wavenames.store import StoredList
from wavenames.training import evaluate
from wavenames.ui import leak_view, memory_change, memory_view
from wavenames.ui.at_work import AtWork
from wavenames.ui.memory_change import STEPS, some
from wavenames.ui.references import packed
from wavenames.ui.session import find_split, scheduler, store

pytestmark = pytest.mark.usefixtures("fresh_server")


@pytest.fixture(autouse=True)
def fewer_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred names, three temperatures, where the page has a thousand and eleven."""
    monkeypatch.setattr(memory_view, "USUAL", PageSamplingConfig(n=100))
    monkeypatch.setattr(memory_change, "TEMPERATURES", (0.5, 1.0, 1.5))


def opened(**link: str) -> AppTest:
    return open_by_link("memory", link)


def words(app: AppTest) -> str:
    return "\n".join(each.value for each in app.markdown).replace("\\", "")


def figures(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def drawn(preset: str, **options: float) -> list[tuple[str, str]]:
    kept = load_shipped(preset)
    names = sample(kept.model(), kept.vocabulary, PageSamplingConfig(n=100, **options), kept.membership).names
    return [(each.name, each.status) for each in names]


def finished(**flat: str) -> str:
    run_id = scheduler().submit(RunConfig.from_flat({"preset": "mlp-3", "hidden": "8", **flat}), title="my run")
    deadline = time.monotonic() + 60
    while scheduler().snapshot(run_id).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.05)
    return run_id


def test_names_are_counted_and_each_has_its_nearest_training_name() -> None:
    """Against names drawn by the sampler itself and a distance by brute force."""
    app = opened(memory_of="mlp-3", memory_seed="5")
    names = drawn("mlp-3", seed=5)
    kinds = [status for _, status in names]
    shown = figures(app)
    assert shown["In train, of 100"] == str(kinds.count("train"))
    assert shown["Held out, of 100"] == str(kinds.count("held_out"))
    assert shown["New, of 100"] == str(kinds.count("new"))
    table = app.dataframe[0].value
    assert list(table["name"]) == list(dict.fromkeys(name for name, _ in names))
    assert table["times"].sum() == 100
    train = sorted(set(find_split(load_shipped("mlp-3").run.data).train))
    for name, near, distance in table[["name", "nearest", "distance"]].head(12).itertuples(index=False):
        away = [Levenshtein.distance(name, other) for other in train]
        assert (near, distance) == (train[away.index(min(away))], min(away))
    assert (table["status"] == "● in train").tolist() == (table["distance"] == 0).tolist()


def test_held_out_names_are_the_yardstick() -> None:
    """Twins of the split stand at 0, and the figure above the chart counts the same."""
    app = opened()
    twins = figures(app)["Twins, of 100"]
    text = chart_text(app, "Shares of names by their distance")
    found = re.search(r"0: wavenet-m [\d.]+%, held-out names ([\d.]+)%", text)
    assert found
    assert float(found[1]) == float(twins) > 0
    assert figures(opened(memory_of="wavenet-decades"))["Twins, of 100"] == "0"


def test_what_is_known_by_heart_is_said_with_its_error() -> None:
    kinds = [status for _, status in drawn("wavenet-m", temperature=0.5)]
    parts = split(bundled("ssa-2018").names)
    train, alone = set(parts.train), {*parts.validation, *parts.test} - set(parts.train)
    ratio = len(train) / len(alone)
    met, held_out = kinds.count("train"), kinds.count("held_out")
    known, error = met - ratio * held_out, math.sqrt(met + ratio**2 * held_out)
    said = words(opened(memory_temperature="0.5"))
    assert f"{ratio:.1f} training names to each held-out one" in said
    assert f"about **{ratio * held_out:.0f}** training names beside its {held_out} held-out ones" in said
    if known < 2 * error:
        assert f"It wrote {met}: nothing here shows that it knows any by heart." in said
    else:
        assert f"so **{known:.0f} ± {error:.0f}** of them it knows by heart" in said


def test_shares_are_drawn_for_each_temperature_and_say_the_same_as_the_figures_above() -> None:
    app = opened()
    text = chart_text(app, "Shares of the names of wavenet-m by temperature").splitlines()
    assert [line.split(":")[0] for line in text[1:]] == ["0.5", "1", "1.5"]
    counted = {label.split(",")[0].lower(): int(value) for label, value in figures(app).items()}
    assert text[2] == (
        f"1: in train {counted['in train']:.1f}%, held out {counted['held out']:.1f}%, new {counted['new']:.1f}%"
    )


def test_other_dice_other_names_and_both_options_stand_in_the_link() -> None:
    app = opened()
    before = list(app.dataframe[0].value["name"])
    assert "memory_seed" not in app.query_params
    app.button(key="memory_again").click().run()
    app.number_input(key="memory_temperature").set_value(0.7).run()
    assert list(app.dataframe[0].value["name"]) != before
    assert list(app.dataframe[0].value["name"]) == list(
        dict.fromkeys(name for name, _ in drawn("wavenet-m", seed=2, temperature=0.7))
    )
    assert app.query_params["memory_seed"] in ("2", ["2"])
    assert app.query_params["memory_temperature"] in ("0.7", ["0.7"])


def test_the_last_dice_there_are_stand_in_the_link_whole_and_the_first_come_after_them() -> None:
    app = opened(memory_seed="4294967295")
    assert app.query_params["memory_seed"] in ("4294967295", ["4294967295"])
    app.button(key="memory_again").click().run()
    assert app.query_params["memory_seed"] in ("0", ["0"])


@pytest.mark.parametrize("link", [{"memory_temperature": "nine"}, {"memory_seed": "-1"}, {"memory_seed": "x" * 5000}])
def test_an_option_that_there_is_not_is_said_and_the_usual_one_used(link: dict[str, str]) -> None:
    app = opened(**link)
    assert "can't be had" in app.warning[0].value.replace("\\", "")
    assert list(app.dataframe[0].value["name"]) == list(dict.fromkeys(name for name, _ in drawn("wavenet-m")))


def test_a_temperature_out_of_bounds_is_refused_and_the_figures_stay() -> None:
    app = opened(memory_temperature="0.5")
    app.number_input(key="memory_temperature").set_value(9.0).run()
    assert not app.exception
    (error,) = app.error
    said = "Temperature is 9.0; allowed is a number from 0 to 5. The figures are those at temperature 0.5."
    assert error.value.replace("\\", "") == said
    assert list(app.dataframe[0].value["name"]) == list(
        dict.fromkeys(n for n, _ in drawn("wavenet-m", temperature=0.5))
    )
    assert app.query_params["memory_temperature"] in ("0.5", ["0.5"])


def test_the_leak_is_the_difference_between_seen_and_unseen_names() -> None:
    kept = load_shipped("mlp-3")
    parts = find_split(kept.run.data)
    found = leaked(evaluate(kept.model(), packed(kept.run.data, "validation", ())), parts)
    app = opened(memory_of="mlp-3")
    gap, error = found.seen.below(found.unseen)
    assert f"**{gap:.3f} ± {error:.3f}** lower on the {found.seen.names} validation names" in words(app)
    assert f"reads {found.everything:.3f}, and on unseen names it is **{found.unseen.loss:.3f}**" in words(app)
    text = chart_text(app, "Loss on validation names")
    rows = {"also in train": found.seen, "unseen": found.unseen, "unseen, twice on the list": found.never}
    for row, side in rows.items():
        assert f"{row} ({side.names:,}): mlp-3 {side.loss:.3f} ± {side.error:.3f}" in text.splitlines()
    memory, error = found.once.below(found.never)
    assert f"On the {found.never.names} that the lot kept out of train both times" in words(app)
    assert f"its loss is {found.never.loss:.3f}, **{memory:.3f} ± {error:.3f}** above" in words(app)


def test_without_twins_there_is_no_leak() -> None:
    app = opened(memory_of="wavenet-decades")
    assert "Nothing: on US births by decade, 1880 to 2024, unique split" in words(app)
    assert "1.848, is all on names that it has not seen" in words(app)


def test_too_few_names_of_one_kind_tell_nothing_of_the_leak() -> None:
    """Every validation name is a twin: there is nothing to hold it against."""
    names = ("anna", "anne", "ann", "hanna", "hanne", "bo", "jo", "joan", "joanna", "joanne")
    store().keep_list(StoredList("upload-0123456789ab", "twins.txt", names * 9, "a file", "not stated"))
    app = opened(memory_of=finished(steps="5", names="upload-0123456789ab"))
    said = r"Of its (\d) validation names, \1 stand in train too and 0 do not: too few to tell"
    assert re.search(said, words(app))
    assert "nan" not in words(app).replace("anna", "")


def test_a_run_shows_how_it_came_to_know_names() -> None:
    """At each kept step, drawn by the same dice; the last step says what the page says of the run."""
    run_id = finished(steps="30", evaluate_every="10")
    app = opened(memory_of=run_id)
    text = chart_text(app, "Shares of the names of my run by step").splitlines()
    assert [line.split(":")[0] for line in text[1:]] == ["0", "10", "20", "30"]
    assert text[-1].split(": ")[1] == chart_text(app, "Shares of the names of my run by temp").splitlines()[2][3:]
    assert not app.info
    assert not any("the best until then" in each.value for each in app.caption)


def test_of_a_run_that_ran_away_the_last_place_is_said_to_be_its_best_weights() -> None:
    run_id = finished(steps="100", evaluate_every="20", recipe="lecture", learning_rate="1000")
    app = opened(memory_of=run_id)
    said = f"At step {scheduler().snapshot(run_id).step} stand the weights that the run kept, the best until then."
    assert said in [each.value for each in app.caption]
    assert chart_text(app, "Shares of the names of my run by step").splitlines()[0].endswith(f" by step. {said}")


def test_a_model_from_elsewhere_says_that_its_way_is_not_known_and_offers_a_run() -> None:
    app = opened(memory_of="bigram")
    assert "only the last weights are here" in app.info[0].value
    assert app.button(key="memory_train")


def test_a_model_whose_list_is_not_here_shows_what_can_be_known() -> None:
    """Hashes tell in train from new; nearest names and the leak need the list."""
    kept = load_shipped("mlp-3")
    stranger = replace(kept, run=kept.run.changed(data=kept.run.data.changed(names="upload-abcdefabcdef")))
    app = AppTest.from_file("../pages/memory_page.py", default_timeout=60)
    app.session_state["uploaded_models"] = {"upload-0": stranger}
    app.query_params["memory_of"] = "upload-0"
    app.query_params["memory_temperature"] = "0.5"
    app.run()
    assert not app.exception
    assert "this server has no such list" in app.info[0].value.replace("\\", "")
    assert list(app.dataframe[0].value.columns) == ["name", "status", "times"]
    assert figures(app)["Twins"] == "–"
    assert "that knew no name by heart would write" in words(app)
    assert "What the leak is worth" not in [each.value for each in app.header]


def test_a_list_that_is_another_one_is_not_taken_for_the_models_own() -> None:
    """A list under the same id with other names, as after a change of what ships."""
    run_id = finished(steps="5")
    path = store().checkpoint_path(run_id)
    kept = replace(load_shipped("mlp-3"), run=load_shipped("mlp-3").run.changed(data={"split_seed": 1}))
    path.write_bytes(kept.to_bytes())
    app = opened(memory_of=run_id)
    assert "learned from another list than the one called 'US births of 2018' here" in (
        app.info[0].value.replace("\\", "")
    )


def test_a_list_of_few_names_is_measured_by_the_few_that_are_held_out() -> None:
    names = ("anna", "anne", "ann", "hanna", "hanne", "bo", "jo", "joan", "joanna", "joanne")
    store().keep_list(StoredList("upload-0123456789ab", "few.txt", names * 2, "a file", "not stated"))
    run_id = finished(steps="20", names="upload-0123456789ab", split="unique")
    app = opened(memory_of=run_id)
    assert "Twins, of 2" in figures(app)
    assert not app.error


def test_of_a_very_long_list_fewer_names_are_held_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = sum(map(len, set(find_split(load_shipped("bigram").run.data).train)))
    monkeypatch.setattr(memory_view, "LETTERS", 7 * letters)
    app = opened(memory_of="bigram")
    assert app.dataframe[0].value["times"].sum() == 7
    assert "Twins, of 7" in figures(app)
    assert "The first 7 of 100 names, each held against" in app.caption[0].value


def test_steps_are_thinned_evenly_and_the_ends_stay() -> None:
    assert some([0, 10, 20]) == (0, 10, 20)
    many = some(range(0, 1001, 10))
    assert len(many) == STEPS
    assert (many[0], many[-1]) == (0, 1000)
    assert {b - a for a, b in itertools.pairwise(many)} <= {90, 100}


def test_a_sentence_says_how_much_of_it_is_memory() -> None:
    """Names of the same kind, seen and kept out by the lot; and that nothing can be said where they are too few."""
    once, many = Side(1.5, 0.03, 200), Side(2.0, 0.01, 900)
    found = Leaked(1.9, once, many, once, Side(1.75, 0.04, 30))
    assert "**0.500 ± 0.032** lower on the 200 validation names" in leak_view.worth(found)
    said = leak_view.of_memory(found)
    assert "On the 30 that the lot kept out of train both times its loss is 1.750, **0.250 ± 0.050** above" in said
    assert said.endswith(": to have seen a name is worth about that.")
    unclear = replace(found, never=Side(1.55, 0.04, 30))
    assert leak_view.of_memory(unclear).endswith(": no memory that so few names can show.")
    few = replace(found, never=Side(1.75, 0.04, 9))
    assert "only 9 stand outside train both times: too few" in leak_view.of_memory(few)


def test_a_bar_stands_from_the_first_part_on_and_not_where_all_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    show = AtWork._show

    def noted(work: AtWork, words: str) -> None:
        shown.append(words)
        show(work, words)

    monkeypatch.setattr(AtWork, "_show", noted)
    app = opened(memory_of="bigram")
    assert shown[0] == "Drawing names"
    assert [each for each in shown if "temperature" in each] == [
        f"Drawing names: temperature {each}" for each in ("0.5", "1", "1.5")
    ]
    assert shown[-1] == "Measuring the leak"
    shown.clear()
    app.run()
    assert not shown
    app.button(key="memory_again").click().run()
    assert shown[0] == "Drawing names"


@pytest.mark.parametrize("parts", range(9))
def test_what_was_found_stays_after_a_stop_and_go_on_does_the_rest(
    parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts: the names, the list, the nearest to held-out names and to its own, three temperatures, the leak."""
    app = opened(memory_of="bigram")
    draws: list[object] = []
    monkeypatch.setattr(memory_view, "sample", lambda *options: draws.append(options))  # all is there already
    done = app.session_state["memory done"]
    assert done.parts == 8
    done.parts, done.stopped = parts, True  # as the click on Stop leaves it
    app.run()
    assert not app.exception
    assert ("In train, of 100" in figures(app)) == (parts >= 1)
    assert ("Twins, of 100" in figures(app)) == (parts >= 3)
    if parts:
        assert ("nearest" in app.dataframe[0].value) == (parts >= 4)
    title = "Shares of the names of bigram by temperature"
    if parts > 4:
        assert len(chart_text(app, title).splitlines()) == 1 + min(parts - 4, 3)
    waiting = [each.value for each in app.caption if "yet" in each.value]
    assert ("Not drawn yet." in waiting) == (parts in range(1, 5))
    assert ("Not measured yet." in waiting) == (parts in range(2, 8))
    if parts == 8:
        assert "memory_go_on" not in {each.key for each in app.button}
        return
    app.button(key="memory_go_on").click().run()
    assert not app.exception
    assert len(chart_text(app, title).splitlines()) == 4
    assert chart_text(app, "Loss on validation names")
    assert not {"memory_go_on", "memory_stop"} & {each.key for each in app.button}
    assert "All 100 names, each held against the 24,168 different training names" in app.caption[0].value
    assert not draws
