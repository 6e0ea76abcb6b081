"""Names: a list in numbers and pictures; whatever is uploaded, the page answers in a sentence and keeps its list."""

import io
import re
import zipfile

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from tests.browser import open_page, settled
from tests.pages import opened as open_by_link
from wavenames.config import Refusal
from wavenames.names import NameList, makemore
from wavenames.store import Store, StoredList
from wavenames.ui import list_views, name_lists
from wavenames.ui.list_views import rows_in_words
from wavenames.ui.session import find_list
from wavenames.ui.words import plain

pytestmark = pytest.mark.usefixtures("fresh_server")
CLASS = b"Anna\nBert\nanna\n\n  Zo\xc3\xab \n" + b"\n".join(b"Kim%c" % letter for letter in b"abcdefghij")


@pytest.fixture
def names() -> AppTest:
    """The page, just opened."""
    return opened()


def opened(**link: str) -> AppTest:
    return open_by_link("names", link)


def upload(app: AppTest, filename: str, content: bytes) -> AppTest:
    app.file_uploader[0].upload(filename, content).run()
    assert not app.exception
    return app


def numbers(app: AppTest) -> list[str]:
    """Names, distinct names, letters, targets."""
    return [each.value for each in app.metric]


def refusal(app: AppTest) -> str:
    (error,) = app.error
    return re.sub(r"\\(.)", r"\1", str(error.value))


def chooser(app: AppTest, what: str) -> Selectbox[str]:
    """The chooser of the column of names, of sex, of decade or year."""
    return next(each for each in app.selectbox if each.label == f"Column of {what}")


def words(app: AppTest) -> str:
    return re.sub(r"\\(.)", r"\1", "\n".join(each.value for each in app.markdown))


SHIPPED = ["32,257", "29,693", "26", "229,804"]


def test_the_list_that_ships_is_there_with_no_click(names: AppTest) -> None:
    """Its numbers, its source, both splits with what leaks, its windows."""
    assert numbers(names) == SHIPPED
    assert any("public domain" in each.value for each in names.caption)
    lecture, unique = (each.value for each in names.table)
    assert list(lecture["Names"]) == [25_805, 3_226, 3_226]
    assert list(unique["Names"]) == [23_754, 2_969, 2_970]
    assert "**12.6%** of validation and **12.6%** of test were already seen" in words(names)
    assert "no validation or test name was seen in training" in words(names)
    assert "**2,564 names** stand in the list more than once: emma (2×)" in words(names)


def test_search_reaches_every_row(names: AppTest) -> None:
    """Anywhere in a name, at its beginning, at its end; a table of a thousand rows at most travels."""
    assert len(names.dataframe[0].value) == 1000
    assert "The first 1,000 of 32,257 rows" in [each.value for each in names.caption]
    names.text_input(key="search").set_value(".zz").run()
    found = names.dataframe[0].value["name"]
    assert len(found)
    assert all(name.startswith("zz") for name in found)
    names.text_input(key="search").set_value("A.").run()
    assert all(name.endswith("a") for name in names.dataframe[0].value["name"])
    names.text_input(key="search").set_value("<script>").run()
    assert "name" not in names.dataframe[0].value
    assert "No name of this list has '<script>' in it." in words(names)
    assert not [each for each in names.caption if each.value.endswith("rows")]
    assert rows_in_words(12, 12) == "All 12 rows"
    assert rows_in_words(1, 32_257) == "1 of 32,257 rows"
    assert rows_in_words(1001, 32_257) == "1,001 of 32,257 rows, the first 1,000 shown"


def test_a_name_is_cut_into_windows_as_the_model_sees_them(names: AppTest) -> None:
    """As many rows as letters and an end, each as wide as the chosen number of letters."""
    names.text_input(key="read_ssa-2018").set_value("Mia").run()
    names.slider(key="letters_seen").set_value(5).run()
    (table,) = (each.value for each in names.html if 'class="wn-windows"' in each.value)
    rows = re.findall(r"<tr><td>(.*?)</tr>", table)
    assert len(rows) == 4
    assert all(row.count("wn-tile") == 5 + 1 for row in rows)
    letters = [re.sub(r"<.*?>", "", row) for row in rows]
    assert letters == ["■■■■■→m", "■■■■m→i", "■■■mi→a", "■■mia→■"]


def test_a_name_that_the_list_cannot_spell_is_refused_and_the_beginning_shown(names: AppTest) -> None:
    """The windows stay while someone types."""
    names.text_input(key="read_ssa-2018").set_value("anné <script>").run()
    assert "'é' is not a letter known here" in refusal(names)
    (table,) = (each.value for each in names.html if 'class="wn-windows"' in each.value)
    assert len(re.findall(r"<tr><td>", table)) == len("ann") + 1


def test_an_upload_is_shown_then_used_then_remembered(names: AppTest) -> None:
    """What was read is said before it is used; then the page, the link and the store know the list."""
    upload(names, "7b.txt", CLASS)
    assert "**14 names** of" in words(names)
    assert numbers(names) == SHIPPED
    names.button(key="upload_use").click().run()
    assert numbers(names)[:2] == ["14", "14"]
    assert names.selectbox(key="names").options == [
        "US births of 2018",
        "US births by decade, 1880 to 2024",
        "7b.txt",
    ]
    list_id = names.query_params["names"]
    assert str(list_id).startswith("upload-")
    assert names.session_state["uploaded_lists"] == {list_id: "7b.txt"}
    with Store() as store:
        kept = store.name_list(str(list_id))
    assert kept is not None
    assert kept.names[:4] == ("Anna", "Bert", "anna", "Zoë")
    assert numbers(opened(names=str(list_id)))[:2] == ["14", "14"], "another visitor follows the link"


@pytest.mark.parametrize(
    ("letter", "said"),
    [
        ("e\u0301", False),
        ("\u0915\u093f", True),
        ("\U0001f44d\U0001f3fd", True),
        ("\u2764", False),
        ("\U0001f1eb\U0001f1f7", True),
        ("\U0001f469\u200d\U0001f467", True),
    ],
)
def test_signs_of_several_characters_are_letters_each_which_is_said(names: AppTest, letter: str, said: bool) -> None:
    """Before the list is used and afterwards; an accent that can be composed with its letter is one with it."""
    upload(names, "signs.txt", CLASS + f"\nanna{letter}".encode())
    captions = "".join(each.value for each in names.caption)
    assert ("Some of its signs are made of several characters" in captions) == said
    names.button(key="upload_use").click().run()
    assert ("Some of its signs" in "".join(each.value for each in names.caption)) == said


def test_case_can_be_folded(names: AppTest) -> None:
    """Anna and anna are then twins."""
    upload(names, "7b.txt", CLASS)
    names.toggle(key="upload_fold_case").set_value(True).run()
    names.button(key="upload_use").click().run()
    assert numbers(names)[:2] == ["14", "13"]


def test_a_column_that_speaks_of_names_stands_there_first(names: AppTest) -> None:
    """Whatever stands in front of it."""
    rows = "".join(f"{i};first{i % 3};last{i}\n" for i in range(20))
    upload(names, "class.csv", f"number;First name;Last name\n{rows}".encode())
    assert chooser(names, "names").value == "First name"


def test_a_column_of_a_csv_is_chosen(names: AppTest) -> None:
    """The one called name stands there first."""
    rows = "".join(f"{i};first{i % 3};last{i}\n" for i in range(20))
    upload(names, "class.csv", f"number;name;family\n{rows}".encode())
    assert chooser(names, "names").value == "name"
    chooser(names, "names").select("family").run()
    names.button(key="upload_use").click().run()
    assert numbers(names)[:2] == ["20", "20"]


def test_a_first_row_that_was_not_known_can_be_said_to_hold_titles(names: AppTest) -> None:
    """The choosers then stand at the titles, which are no names; and back again."""
    rows = "".join(f"{country},town{i}\n" for i, country in enumerate(["DE", "FR"] * 10))
    upload(names, "cities.csv", f"country,city\n{rows}".encode())
    titled = next(each for each in names.toggle if each.label == "First row holds titles")
    assert not titled.value
    assert chooser(names, "names").options == ["column 1", "column 2"]
    assert "**21 names** of" in words(names)
    titled.set_value(True).run()
    assert not names.exception
    assert chooser(names, "sex").options == ["none", "country", "city"]
    chooser(names, "names").select("city").run()
    assert "**20 names** of" in words(names)
    titled = next(each for each in names.toggle if each.label == "First row holds titles")
    titled.set_value(False).run()
    assert not names.exception
    assert "**21 names** of" in words(names)
    upload(names, "told.csv", TOLD.encode())
    assert next(each for each in names.toggle if each.label == "First row holds titles").value
    upload(names, "7b.txt", CLASS)
    assert [each.label for each in names.toggle if "titles" in each.label] == []


TOLD = "name,sex,year,form\n" + "\n".join(
    f"kim{letter},{sex},{year},7b"
    for letter, sex, year in zip("abcdefghijkl", "FFM" * 4, ["1923", "1999", ""] * 4, strict=True)
)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("sex,X", "Read without sex. Line 2: column 'sex' holds 'X', which tells no sex; allowed is F or M"),
        ("year,banana", "Read without decade. Line 2: column 'year' holds 'banana'"),
    ],
)
def test_why_a_column_of_labels_is_not_read_is_said(names: AppTest, column: str, said: str) -> None:
    """It was called by its kind, so that its file's owner expects it to be used."""
    title, cell = column.split(",")
    rows = "".join(f"anna{'bcdefghij'[i]},{cell}\n" for i in range(9))
    upload(names, "a.csv", f"name,{title}\n{rows}".encode())
    assert any(each.value.replace("\\", "").startswith(said) for each in names.caption)
    assert not names.error


def test_labels_of_a_csv_are_found_shown_kept_and_in_use(names: AppTest) -> None:
    """By their titles; said before they are used; then with shares, beside their names, and for the next visitor."""
    upload(names, "told.csv", TOLD.encode())
    assert (chooser(names, "sex").value, chooser(names, "decade or year").value) == ("sex", "year")
    assert "**Sex:** F (8), M (4)" in words(names)
    assert "**Decade:** 1920 (4), 1990 (4), unknown (4)" in words(names)
    names.button(key="upload_use").click().run()
    for visit in (names, opened(names=str(names.query_params["names"]))):
        rows, sexes, decades = (each.value for each in visit.dataframe)
        assert rows.head(3).to_dict("list") == {
            "name": ["kima", "kimb", "kimc"], "sex": ["F", "F", "M"], "decade": ["1920", "1990", ""],
            "letters": [4] * 3,
        }  # fmt: skip
        assert sexes.to_dict("list") == {"sex": ["F", "M"], "rows": [8, 4], "share": [800 / 12, 400 / 12]}
        assert list(decades["decade"]) == ["1920", "1990", "unknown"]
    with Store() as store:
        kept = store.name_list(str(names.query_params["names"]))
    assert kept is not None
    assert kept.labels == {"sex": tuple("FFM" * 4), "decade": ("1920", "1990", "any") * 4}


def test_columns_of_labels_are_chosen_or_switched_off_by_hand(names: AppTest) -> None:
    """A column that tells nothing of the kind is refused with its line, and the list in use stays."""
    upload(names, "told.csv", TOLD.encode())
    chooser(names, "decade or year").select("form").run()
    assert refusal(names).startswith(
        "line 2: column 'form' holds '7b', which tells no decade; allowed is a year from"
    )
    assert numbers(names) == SHIPPED
    assert not [button for button in names.button if button.key == "upload_use"]
    chooser(names, "decade or year").select("none").run()
    assert not names.error
    assert "Decade" not in words(names)
    chooser(names, "sex").select("none").run()
    names.button(key="upload_use").click().run()
    assert "Nothing but its letters." in words(names)


def test_each_file_starts_from_its_own_titles(names: AppTest) -> None:
    """Not from what was chosen for the one before."""
    upload(names, "plain.csv", b"name,n\n" + b"anna,1\n" * 20)
    assert chooser(names, "sex").value == "none"
    upload(names, "told.csv", TOLD.encode())
    assert chooser(names, "sex").value == "sex"


def test_the_lists_that_ship_show_what_they_know(names: AppTest) -> None:
    """The shares of each class."""
    assert list(names.dataframe[1].value["sex"]) == ["F", "M"]
    app = opened(names="ssa-decades")
    assert len(app.dataframe[2].value) == 16
    assert app.dataframe[2].value["share"].sum() == pytest.approx(100)


def zipped() -> bytes:
    """An archive with a list in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("names.txt", CLASS * 50)
    return file.getvalue()


RUBBISH = {
    "a picture": ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "is not a text file"),
    "an archive": ("a.csv", zipped(), "is not a text file"),
    "nothing": ("a.txt", b"", "is empty"),
    "blank lines": ("a.txt", b"\n \n\n", "is empty"),
    "a file too large": ("a.txt", b"name\n" * 1_200_000, "6,000,000 bytes; at most 5,000,000 are allowed"),
    "one name": ("a.txt", b"anna\n", "The list of 1 name is too short for a lecture split"),
    "a name too long": ("a.txt", b"anna\n" * 20 + b"x" * 61, "line 21: 'xxxxx"),
    "a full stop": ("a.txt", b"anna\n" * 20 + b"J. R.", "line 21: 'J. R.' holds '.', which marks the end of a name"),
    "a column of dots": ("a.csv", b"name,x\n" + b"anna,1\n" * 20 + b".,2\n", "line 22: '.' holds '.'"),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_refused_in_a_sentence_and_the_list_stays(kind: str, names: AppTest) -> None:
    """Which line, and why; nothing is kept, nothing can be used."""
    filename, content, sentence = RUBBISH[kind]
    upload(names, filename, content)
    assert sentence in refusal(names)
    assert numbers(names) == SHIPPED
    assert not [button for button in names.button if button.key == "upload_use"]


@pytest.mark.parametrize(
    ("encoding", "first"), [("utf-16", "Zoë"), ("latin-1", "Zoë"), ("utf-8-sig", "Zoë"), ("utf-8", "佐藤")]
)
def test_texts_in_other_encodings_are_read(encoding: str, first: str, names: AppTest) -> None:
    """Whatever the editor wrote."""
    upload(names, "a.txt", "\r\n".join([first, *(f"{first}{letter}" for letter in "abcdefghijkl")]).encode(encoding))
    assert f"beginning with {first}, {first}a" in words(names)
    names.button(key="upload_use").click().run()
    assert numbers(names)[0] == "13"
    assert names.text_input[1].value == first


def test_names_format_nothing(names: AppTest) -> None:
    """A name like a tag, a link or bold text is shown as it is spelt, wherever the page writes it."""
    odd = ["<script>alert(1)</script>", "**bold**", "[a](b)", "$x$", ":red[y]"]
    upload(names, "**x**.txt", "\n".join(odd * 5).encode())
    raw = "\n".join(each.value for each in names.markdown)
    assert "<script" not in raw.replace(r"\<", "")
    assert r"\*\*bold\*\*" in raw
    names.button(key="upload_use").click().run()
    assert not names.exception
    assert list(names.dataframe[0].value["name"][:5]) == odd
    assert not [each for each in names.html if "<script" in each.value]


def test_makemores_list_is_fetched_once_for_everyone(
    names: AppTest, makemore_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next visitor has it from this server."""
    calls = []

    def fetch() -> NameList:
        calls.append(1)
        return makemore(makemore_bytes)

    monkeypatch.setattr(name_lists, "download_makemore", fetch)
    for visit in (names, opened()):
        visit.button(key="fetch_makemore").click().run()
        assert numbers(visit)[:2] == ["32,033", "29,494"]
        assert visit.query_params["names"] == "makemore"
    assert len(calls) == 1


def test_without_a_network_makemores_list_is_refused_in_a_sentence(
    names: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list in use stays."""

    def fetch() -> NameList:
        raise Refusal("names: makemore's names.txt could not be fetched. Check the network, or upload the file.")

    monkeypatch.setattr(name_lists, "download_makemore", fetch)
    names.button(key="fetch_makemore").click().run()
    assert "Check the network, or upload the file" in refusal(names)
    assert numbers(names) == SHIPPED


def test_a_refusal_formats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever title or name it quotes."""

    def refuse(_list: str) -> None:
        raise Refusal("*list* [is](gone)")

    monkeypatch.setattr("wavenames.ui.list_views.facts", refuse)
    app = opened()
    assert app.error[0].value == plain("*list* [is](gone)")


def test_a_list_too_short_for_a_unique_split_says_so(names: AppTest) -> None:
    """The other split stands beside it."""
    with Store() as store:
        store.keep_list(StoredList("upload-twins", "twins.txt", ("anna",) * 20, "a test"))
    app = opened(names="upload-twins")
    assert "The list of 1 different name is too short for a unique split" in app.warning[0].value
    assert len(app.table) == 1


@pytest.mark.browser
def test_the_page_fits_a_phone_and_keeps_its_list_on_the_way_to_train(page: Page, app: str) -> None:
    """No sideways scrolling at 390 pixels; an uploaded list is the one that Train starts with."""
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, f"{app}/names")
    page.get_by_text("Bring another list").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "7b.txt", "mimeType": "text/plain", "buffer": CLASS}
    )
    page.get_by_role("button", name="Use this list").click()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("14")
    settled(page)
    width = page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth")
    assert width == 0
    page.get_by_role("button", name="Train on this list").click()
    expect(page).to_have_url(re.compile(r"/train\?.*names=upload-"))
    expect(page.get_by_role("combobox", name="Names", exact=True)).to_have_value("7b.txt")


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        (
            {"pairs_shown": "Colours"},
            "The link asks for the numbers 'Colours'; allowed is one of Counts, Probability.",
        ),
        ({"letters_seen": "99"}, "The link asks for letters seen '99'; allowed is one of 1 to 16."),
        ({"letters_seen": "two"}, "The link asks for letters seen 'two'; allowed is one of 1 to 16."),
    ],
)
def test_what_a_link_asks_of_the_views_in_vain_is_said(link: dict[str, str], sentence: str) -> None:
    app = opened(**link)
    assert [each.value.replace("\\", "") for each in app.warning] == [sentence]
    assert app.slider(key="letters_seen").value == 3
    assert not opened(pairs_shown="Probability", letters_seen="5").warning


def test_a_list_that_is_pruned_while_one_searches_it_is_said_and_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The views are drawn by themselves, where the page could not say it."""
    app = opened()
    looks = 0

    def pruned(list_id: str) -> NameList:
        nonlocal looks
        looks += 1
        if looks > 1:
            raise Refusal("Names is 'mine'; this server has no such list.")
        return find_list(list_id)

    monkeypatch.setattr(list_views, "find_list", pruned)
    app.text_input(key="search").set_value("ann").run()
    assert not app.exception
    assert [each.value.replace("\\", "") for each in app.error] == ["Names is 'mine'; this server has no such list."]
