"""Files that people bring: read in every common form, or refused with the line and the reason."""

import codecs
import contextlib
import gzip
import io
import pickle
import unicodedata
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavenames.config import CONDITIONS, LABEL_CELLS, LIST_LIMITS, Refusal
from wavenames.names import (
    ANY,
    NO_COLUMN,
    NameList,
    columns,
    columns_of_labels,
    name_column,
    read_list,
    reading,
    titles_known,
)
from wavenames.names.vocabulary import is_letter

relaxed = settings(deadline=None)


def clean(text: str) -> str:
    """A name as a list holds it."""
    return unicodedata.normalize("NFC", text.strip())


def listed(letters: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Lists of names over some letters, as `read_list` would hold them."""
    return st.lists(st.text(letters, min_size=1, max_size=12).map(clean).filter(bool), min_size=1, max_size=20)


ANY_NAMES = listed(st.characters(exclude_categories=["Cs"]).filter(is_letter))
# Without ÿ: a Latin-1 file that begins with ÿþ or þÿ begins with the byte order mark of UTF-16.
LATIN_NAMES = listed(st.sampled_from("abcdefghijklmnopqrstuvwxyz -'àâäçèéêëîïñôöøùûüýþ"))
ENDINGS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \r\n\t\r\n  "])


@relaxed
@given(ANY_NAMES, ENDINGS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"]))
def test_names_of_any_script_survive_unicode_files(names: list[str], ending: str, encoding: str) -> None:
    """UTF-8 with and without byte order mark and UTF-16 with one, any line ends, blank lines, outer spaces."""
    bom = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    data = bom + (ending.join(names) + ending).encode(encoding)
    assert read_list(data, "list.txt").names == tuple(names)


@relaxed
@given(LATIN_NAMES, ENDINGS, st.sampled_from(["latin-1", "cp1252", "utf-16-le", "utf-16-be"]))
def test_latin_names_survive_files_that_do_not_say_their_encoding(
    names: list[str], ending: str, encoding: str
) -> None:
    """Latin-1 and UTF-16 without byte order mark are recognised."""
    assert read_list(ending.join(names).encode(encoding), "list.TXT").names == tuple(names)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "names", [("שרה", "דוד"), ("Александра", "Константин"), ("山田太郎", "佐藤花子"), ("김민서", "이서준")]
)
def test_utf_16_without_mark_is_recognised_by_its_line_ends(names: tuple[str, ...], encoding: str) -> None:
    """Names without a single Latin letter, and longer ones."""
    assert read_list("\n".join(names).encode(encoding) + "\n".encode(encoding), "list.txt").names == names


@pytest.mark.parametrize("name", ["山田太郎", "佐藤花子", "김민서", "さくら子", "שרה", "Мария"])
def test_one_name_in_utf_16_without_mark_is_no_rubbish(name: str) -> None:
    """There is not one zero byte to tell it by."""
    assert b"\0" not in name.encode("utf-16-le")
    assert read_list(name.encode("utf-16-le"), "list.txt").names == (name,)


@relaxed
@given(ANY_NAMES, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_names_survive_a_csv_file(names: list[str], delimiter: str, ending: str, first: bool) -> None:
    """Any delimiter, any line ends; quotes and delimiters inside names as CSV writes them."""
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    rows = [delimiter.join([name, "7"] if first else ["7", name]) for name in ["name", *quoted]]
    assert read_list(ending.join(rows).encode(), "list.csv").names == tuple(names)


@relaxed
@given(st.binary(max_size=300), st.sampled_from(["list.txt", "list.csv"]), st.booleans())
@example(b"\xff\xfe", "list.csv", False)
@example(b"\xef\xbb\xbf", "list.csv", False)
@example(b"\xff\xfe\n", "list.txt", False)
@example(b"\xef\xbb\xbfa\xff", "list.txt", False)
@example(b'"', "list.csv", False)
@example(b",", "list.csv", False)
@example(b'name\n"' + b"x" * 200_000, "list.csv", False)
@example(b"x" * 200_000, "list.csv", False)
def test_no_bytes_do_worse_than_a_refusal(data: bytes, filename: str, fold_case: bool) -> None:
    """Whatever comes, the outcome is a list of clean names or one printable sentence."""
    try:
        names = read_list(data, filename, fold_case=fold_case).names
    except Refusal as refusal:
        sentence = str(refusal)
        assert sentence.replace("\u2068", "").replace("\u2069", "").isprintable()  # isolates keep scripts apart
        assert sentence.endswith(".")
        assert len(sentence) < 300
    else:
        assert names
        assert all(name == clean(name) and all(map(is_letter, name)) for name in names)


@relaxed
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.sampled_from(["a.txt", "a.csv"]))
def test_no_text_does_worse_than_a_refusal(text: str, filename: str) -> None:
    """As with bytes, but past the check that they are text."""
    with contextlib.suppress(Refusal):
        assert read_list(text.encode(), filename).names


def test_twins_stay_in_order_and_the_source_is_told() -> None:
    """What a list says about itself."""
    names = read_list(b" emma\r\nliam \r\n\r\nemma", "folder/My names.txt")
    assert names == NameList(
        id="upload-" + names.id.removeprefix("upload-"),
        title="My names.txt",
        names=("emma", "liam", "emma"),
        labels={},
        births=None,
        source="uploaded file 'My names.txt'",
        licence="not stated",
    )


def test_the_id_follows_from_the_names_and_labels_alone() -> None:
    """The same ones in another encoding, file or order of columns are the same list."""
    text = read_list("zoë\nemma\n".encode("latin-1"), "a.txt")
    table = read_list("town;name\nBern;zoë\nOslo;emma".encode("utf-16"), "b.csv")
    assert text.id == table.id == "upload-a6891cf564d6"
    assert read_list(b"emma\nzoe", "a.txt").id != text.id
    told = read_list("sex;name\nF;zoë\nF;emma".encode("utf-16"), "b.csv")
    assert told.id not in (text.id, read_list("sex;name\nF;zoë\nM;emma".encode(), "b.csv").id)
    assert told.id == read_list("Name,Gender\nzoë,girl\n,x\nemma,Female\n".encode(), "c.csv").id
    assert read_list("year;name\n1920;zoë\n1920;emma".encode(), "b.csv").id not in (text.id, told.id)


def test_letters_are_composed() -> None:
    """A letter e and a combining diaeresis are one letter, as on any keyboard."""
    assert read_list("zoe\u0308".encode(), "a.txt").names == ("zoë",)


def test_case_is_folded_on_request_only() -> None:
    """Small letters as a writer of the language would make them."""
    data = "Emma\nSTRAßE\nΓΙΏΡΓΟΣ".encode()
    assert read_list(data, "a.txt").names == ("Emma", "STRAßE", "ΓΙΏΡΓΟΣ")
    assert read_list(data, "a.txt", fold_case=True).names == ("emma", "straße", "γιώργος")


CSV = b'id, Name ,"town; or, city"\n1,emma,"Rome, NY"\n\n2,liam,Bern\n3,,Oslo\n'


def test_a_column_is_chosen_by_its_title() -> None:
    """The one called name by default, then the first; blank cells are left out like blank lines."""
    assert columns(CSV, "a.csv") == ["id", "Name", "town; or, city"]
    assert read_list(CSV, "a.csv").names == ("emma", "liam")
    assert read_list(CSV, "a.csv", column="town; or, city").names == ("Rome, NY", "Bern", "Oslo")
    assert read_list(b"first\tlast\nemma\tstone", "a.csv").names == ("emma",)
    assert columns(b"emma\n", "a.txt") == []


def test_a_column_without_title_can_be_chosen() -> None:
    """A blank title is replaced by the column's place."""
    data = b",last name\nemma,stone\n"
    assert columns(data, "a.csv") == ["column 1", "last name"]
    assert read_list(data, "a.csv", column="column 1").names == ("emma",)


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("Name", "sex"), ("NAMES", "births"), ("first_name", "year"), ("Given name", "n"),
        ("Child's First Name", "Rank"), ("Vorname", "anzahl"), ("prénom", "sexe"), ("Pre\u0301nom", "sexe"),
        ("preusuel", "nombre"), ("имя", "год"),
    ],
)  # fmt: skip
def test_titles_are_known_by_a_word_for_names(title: str, other: str) -> None:
    """In any case and in the languages of common lists, wherever the column stands."""
    for titles, row in (((title, other), "emma,3"), ((other, title), "3,emma")):
        data = f"{','.join(titles)}\n{row}\nliam,4\n".encode()
        assert columns(data, "a.csv") == list(titles)
        off = dict.fromkeys(CONDITIONS, NO_COLUMN)
        assert read_list(data, "a.csv", column=title, label_columns=off).names[0] == "emma"


def test_a_table_without_titles_keeps_its_first_name() -> None:
    """Its columns are called by their places, and a refusal counts its lines."""
    data = b"\nMary,F,7065\nAnna,F,2604\n"
    assert columns(data, "a.csv") == ["column 1", "column 2", "column 3"]
    assert read_list(data, "a.csv").names == ("Mary", "Anna")
    assert read_list(data, "a.csv", column="column 2").names == ("F", "F")
    assert read_list(b"emma\nliam\n", "a.csv").names == ("emma", "liam")
    with pytest.raises(Refusal, match=r"^line 2: 'Ma\.ry' holds"):
        read_list(b"\nMa.ry,F\n", "a.csv")


CITIES = b"country,city\nDE,abcde\nFR,fghij\n"


def test_a_column_is_known_by_any_title_that_is_asked_for() -> None:
    """The row in which it stands is then no data; where nobody asks, it is."""
    assert columns(CITIES, "a.csv") == ["column 1", "column 2"]
    assert read_list(CITIES, "a.csv", column="city").names == ("abcde", "fghij")
    assert read_list(CITIES, "a.csv", column="column 2").names == ("city", "abcde", "fghij")
    told = read_list(b"born , who\n1923,emma\n,liam\n", "a.csv", label_columns={"decade": "born"}, column="who")
    assert (told.names, told.labels) == (("emma", "liam"), {"decade": ("1920", ANY)})
    only_label = read_list(b"who,born\nemma,1923\n", "a.csv", label_columns={"decade": "born"})
    assert (only_label.names, only_label.labels) == (("emma",), {"decade": ("1920",)})
    with pytest.raises(Refusal, match=r"^Column is 'City'; this file has 'column 1', 'column 2'\.$"):
        read_list(CITIES, "a.csv", column="City")


def test_neither_an_empty_cell_nor_the_word_for_no_column_makes_titles() -> None:
    """A first row of data may hold both."""
    data = b"anna,,none\nbert,x,y\n"
    assert read_list(data, "a.csv", label_columns={"sex": NO_COLUMN}).names == ("anna", "bert")
    assert read_list(data, "a.csv", column="none").names == ("y",)
    with pytest.raises(Refusal, match=r"^Column is ''; this file has 'column 1', 'column 2', 'column 3'\.$"):
        read_list(data, "a.csv", column="")


def test_whether_the_first_row_holds_titles_can_be_said() -> None:
    """Against what is known of it, in both directions."""
    assert [titles_known(data, "a.csv") for data in (CITIES, CSV)] == [False, True]
    assert titles_known(b"name\n", "a.txt") is None
    assert columns(CITIES, "a.csv", titled=True) == ["country", "city"]
    assert read_list(CITIES, "a.csv", titled=True).names == ("DE", "FR")
    assert columns_of_labels(b"Sex,Nom\nM,liam", "a.csv", titled=False) == dict.fromkeys(CONDITIONS, NO_COLUMN)
    assert columns(b"Grace,Name\nemma,stone", "a.csv", titled=False) == ["column 1", "column 2"]
    assert read_list(b"Grace,Name\nemma,stone", "a.csv", titled=False).names == ("Grace", "emma")
    with pytest.raises(Refusal, match=r"^Column is 'city'; this file has 'column 1', 'column 2'\.$"):
        read_list(CITIES, "a.csv", column="city", titled=False)
    with pytest.raises(Refusal, match=r"^Titles is 'off'; the file 'a\.txt' has no columns\.$"):
        read_list(b"emma", "a.txt", titled=False)


# ------------------------------------------------------------------------------------------------------- labels


@relaxed
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["emma", "liam", "zoë", " "]),
            *(st.sampled_from(["", *cells]) for cells in LABEL_CELLS.values()),
            st.sampled_from([str.lower, str.upper, str.title]),
        ),
        min_size=1,
    ).filter(lambda rows: any(row[0].strip() for row in rows)),
    st.permutations(["name", "Sex", "YEAR"]),
    st.sampled_from(",;\t"),
)
def test_labels_stay_with_their_names(
    rows: list[tuple[str, str, str, Callable[[str], str]]], order: list[str], delimiter: str
) -> None:
    """Whatever the case, the order of the columns and the rows without a name; a label in no row is none."""
    table = [{"name": name, "Sex": case(sex), "YEAR": f" {year}"} for name, sex, year, case in rows]
    lines = [order, *([row[title] for title in order] for row in table)]
    found = read_list("\n".join(map(delimiter.join, lines)).encode(), "a.csv")
    kept = [row for row in rows if row[0].strip()]
    assert found.names == tuple(row[0] for row in kept)
    for place, kind in enumerate(CONDITIONS, start=1):
        words = tuple(LABEL_CELLS[kind].get(str(row[place]), ANY) for row in kept)
        assert found.labels.get(kind, (ANY,) * len(kept)) == words
        assert (kind in found.labels) == any(word != ANY for word in words)


@pytest.mark.parametrize(
    ("cell", "decade"),
    [
        ("1880", "1880"), ("1889", "1880"), ("1890s", "1890"), ("1923", "1920"), (" 1920S ", "1920"),
        ("1923.0", "1920"),
        ("2019", "2010"), ("2020s", "2020"), ("2023", "2020"), ("2024", "2024"), ("2029", "2024"), ("", ANY),
    ],
)  # fmt: skip
def test_a_year_goes_to_the_last_class_that_has_begun(cell: str, decade: str) -> None:
    data = f"name,year\nemma,{cell}\nliam,1950\n".encode()
    assert read_list(data, "a.csv").labels == {"decade": (decade, "1950")}


LABELLED = b"name,gender,year,school year\nemma,Girl,1923,7\nliam,m,,8\nnoah,,1990s,7\n"


def test_columns_of_labels_are_found_by_their_titles_or_chosen_or_left_alone() -> None:
    assert columns_of_labels(LABELLED, "a.csv") == {"sex": "gender", "decade": "year"}
    found = read_list(LABELLED, "a.csv")
    assert found.labels == {"sex": ("F", "M", ANY), "decade": ("1920", ANY, "1990")}
    assert found.label_rows(("sex", "decade")) == [(1, 5), (2, 0), (0, 12)]
    assert found.source == "uploaded file 'a.csv', column 'name', sex from 'gender', decade from 'year'"
    alone = read_list(LABELLED, "a.csv", label_columns={"decade": NO_COLUMN})
    assert list(alone.labels) == ["sex"]
    with pytest.raises(Refusal, match=r"^line 2: column 'school year' holds '7', which tells no decade"):
        read_list(LABELLED, "a.csv", label_columns={"decade": "school year"})
    untitled = b"emma,F\nliam,M\n"
    assert read_list(untitled, "a.csv").labels == {}
    assert read_list(untitled, "a.csv", label_columns={"sex": "column 2"}).labels == {"sex": ("F", "M")}


@pytest.mark.parametrize(("sex", "year"), [("x", "1923"), ("F", "1879"), ("any", "23")])
def test_a_column_with_a_cell_that_fits_no_class_is_not_guessed(sex: str, year: str) -> None:
    """The other kind of label is read all the same; where a later column of the kind fits, it is taken."""
    data = f"name,sex,year\nemma,F,1950\nliam,{sex},{year}\n".encode()
    fits = {"sex": sex == "F", "decade": year == "1923"}
    assert [*read_list(data, "a.csv").labels] == [kind for kind in CONDITIONS if fits[kind]]
    assert columns_of_labels(data, "a.csv") == {
        "sex": "sex" if fits["sex"] else NO_COLUMN, "decade": "year" if fits["decade"] else NO_COLUMN,
    }  # fmt: skip
    later = b"name,sex,gender\nemma,1,F\nliam,2,M\nkim\n"
    assert columns_of_labels(later, "a.csv") == {"sex": "gender", "decade": NO_COLUMN}
    assert read_list(later, "a.csv").labels == {"sex": ("F", "M", ANY)}


def test_a_title_of_labels_makes_a_row_of_titles_and_no_column_of_names() -> None:
    data = b"sex,child\nF,emma\nM,liam\n"
    assert columns(data, "a.csv") == ["sex", "child"]
    assert name_column(["sex", "child"]) == 1
    found = read_list(data, "a.csv")
    assert (found.names, found.labels) == (("emma", "liam"), {"sex": ("F", "M")})
    assert name_column(["decade"]) == 0


def test_a_row_that_ends_before_its_labels_has_none() -> None:
    found = read_list(b"name,sex,year\nemma,F,1923\nkim\nliam,M\n", "a.csv")
    assert found.names == ("emma", "kim", "liam")
    assert found.labels == {"sex": ("F", "any", "M"), "decade": ("1920", "any", "any")}


NO_SEX = (
    "which tells no sex; allowed is F or M, female or male, girl or boy, or nothing where it is not known. "
    "Sex column 'none' leaves it out."
)
NO_DECADE = (
    "which tells no decade; allowed is a year from 1880 to 2029, or a decade such as 1920s, or nothing where it is "
    "not known. Decade column 'none' leaves it out."
)


@pytest.mark.parametrize(
    ("data", "chosen", "sentence"),
    [
        (b"name,sex\nemma,F\n\nliam,x\n", {"sex": "sex"}, f"line 4: column 'sex' holds 'x', {NO_SEX}"),
        (b"name,sex\nemma,any\n", {"sex": "sex"}, f"line 2: column 'sex' holds 'any', {NO_SEX}"),
        *(
            (
                f"Year,name\n{year},emma\n".encode(), {"decade": "Year"},
                f"line 2: column 'Year' holds '{year}', {NO_DECADE}",
            )
            for year in ("1879", "2030", "2030s", "1923s", "23", "-1923", "1923.5", "19O3")
        ),
        (b"sex,name\nF\n", {}, "line 2: no column 'name'; the row has 1 columns."),
        (b"name,n\nemma,1\n", {"sex": "s"}, "Sex column is 's'; this file has 'name', 'n'."),
        (b"name,n\nemma,1\n", {"sex": "name"}, "Sex column is 'name', where the names stand; choose another."),
        (b"name,n\nemma,1\n", {"decade": "n"}, f"line 2: column 'n' holds '1', {NO_DECADE}"),
        (b"name,sex\nem.ma,F\n", {}, "line 2: 'em.ma' holds '.', which marks the end of a name."),
    ],
)  # fmt: skip
def test_a_label_that_says_nothing_is_refused_with_its_line(
    data: bytes, chosen: dict[str, str], sentence: str
) -> None:
    """And its column, what stands there and what may."""
    with pytest.raises(Refusal) as refused:
        read_list(data, "a.csv", label_columns=chosen)
    assert str(refused.value) == sentence


def test_a_text_has_no_columns_of_labels() -> None:
    with pytest.raises(Refusal, match=r"^Decade column is 'year'; the file 'a\.txt' has no columns"):
        read_list(b"emma", "a.txt", label_columns={"decade": "year"})


ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w") as archive:
    archive.writestr("names.txt", "emma\nliam\n")

NO_TEXT = {
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4",
    "zip": ZIP.getvalue(),
    "gzip": gzip.compress(b"emma\nliam\n" * 50, mtime=0),
    "pickle": pickle.dumps(["emma", "liam"]),
    "zeros": bytes(100),
    "control characters": b"\x01\x02emma\n\x03liam\n",
    "a zero in text": b"emma\nli\x00am\n",
    "no code page": b"emma\x81\n",
    "utf-32": "emma\n".encode("utf-32"),
}


@pytest.mark.parametrize("filename", ["a.txt", "a.csv"])
@pytest.mark.parametrize("data", NO_TEXT.values(), ids=NO_TEXT)
def test_what_is_no_text_is_refused_in_one_sentence(data: bytes, filename: str) -> None:
    """Pictures, archives and other rubbish under a text file's name."""
    with pytest.raises(Refusal, match=f"^The file '{filename}' is not a text file"):
        read_list(data, filename)


REFUSED = [
    (b"", "a.txt", r"^The file 'a\.txt' is empty"),
    (b" \r\n\n", "a.csv", r"^The file 'a\.csv' is empty"),
    (codecs.BOM_UTF16_LE, "a.txt", r"^The file 'a\.txt' holds no names"),
    (b"name,sex\n", "a.csv", r"^The file 'a\.csv' holds no names in column 'name'"),
    (b"emma", "a.png", r"^The file 'a\.png' can't be read; bring a \.txt or a \.csv file"),
    (b"emma", "names", r"^The file 'names' can't be read"),
    (b"emma\n\nst. john\n", "a.txt", r"^line 3: 'st\. john' holds '\.', which marks the end of a name"),
    (b"anna\nbob\nca\0rl\ndora\n", "a.txt", r"^line 3: 'ca\\x00rl' holds '\\x00', which can't stand in a name"),
    (b"name\nanna\nbob\nca\0rl\n", "a.csv", r"^line 4: 'ca\\x00rl' holds '\\x00', which can't stand in a name"),
    ("zoë\nanna\nbob\nca\0rl\ndora".encode("latin-1"), "a.txt", r"^line 4: 'ca\\x00rl' holds '\\x00'"),
    ("zoë\nca\0rl\nanna\nbob\ndora".encode("utf-16"), "a.txt", r"^line 2: 'ca\\x00rl' holds '\\x00'"),
    (b"emma\r\nli\tam\r\n", "a.txt", r"^line 2: 'li\\tam' holds '\\t', which can't stand in a name"),
    ("emma\rl\u202eiam".encode(), "a.txt", r"^line 2: 'l\\u202eiam' holds '\\u202e'"),
    (b"emma\n" + b"x" * 61, "a.txt", r"^line 2: 'x{23}…' has 61 letters; at most 60 are allowed"),
    ("zoë\nzoë\n".encode() + b"zo\xeb\n", "a.txt", "^line 3: UTF-8 text is damaged here"),
    (codecs.BOM_UTF8 + b"emma\nzo\xeb\n", "a.txt", "^line 2: UTF-8 text is damaged here"),
    (codecs.BOM_UTF16_BE + "emma\nzoe".encode("utf-16-be") + b"x", "a.txt", "^line 2: UTF-16 text is damaged"),
    (b"sex,name\nF,emma\nM\n", "a.csv", "^line 3: no column 'name'; the row has 1 columns"),
    (b'name\nemma\n"two\nlines"\n', "a.csv", r"^line 3: 'two\\nlines' holds '\\n'"),
    (b'name\nemma\n\n"liam\nnoah\n', "a.csv", "^line 4: not a row of a CSV file"),
]


@pytest.mark.parametrize(("data", "filename", "sentence"), REFUSED)
def test_a_refusal_says_which_line_and_why(data: bytes, filename: str, sentence: str) -> None:
    """A person can repair the file from the sentence alone."""
    with pytest.raises(Refusal, match=sentence):
        read_list(data, filename)


def test_a_column_that_is_not_there_is_refused_with_those_that_are() -> None:
    """The sentence lists what can be chosen."""
    with pytest.raises(Refusal, match=r"^Column is 'x'; this file has 'id', 'Name'"):
        read_list(CSV, "a.csv", column="x")
    with pytest.raises(Refusal, match=r"^Column is 'x'; the file 'a\.txt' has no columns"):
        read_list(b"emma", "a.txt", column="x")


BOUNDS = [
    ("max_bytes", 9, r"^The file 'a\.txt' has 10 bytes; at most 9 are allowed"),
    ("max_rows", 2, "^line 4: more than 2 names"),
    ("max_length", 2, "^line 2: 'bcb' has 3 letters; at most 2 are allowed"),
    ("max_letters", 2, "^line 2: with 'bcb' the list has more than 2 different letters"),
]


@pytest.mark.parametrize(("field", "bound", "sentence"), BOUNDS)
def test_a_list_beyond_a_bound_is_refused(
    monkeypatch: pytest.MonkeyPatch, field: str, bound: int, sentence: str
) -> None:
    """Each bound of config holds, and a list just within it passes."""
    data = b"a\nbcb\n\nca\n"
    within = {"max_bytes": 10, "max_rows": 3, "max_length": 3, "max_letters": 3}
    monkeypatch.setattr(reading, "LIST_LIMITS", LIST_LIMITS.model_copy(update=within))
    assert read_list(data, "a.txt").names == ("a", "bcb", "ca")
    monkeypatch.setattr(reading, "LIST_LIMITS", LIST_LIMITS.model_copy(update={**within, field: bound}))
    with pytest.raises(Refusal, match=sentence):
        read_list(data, "a.txt")
