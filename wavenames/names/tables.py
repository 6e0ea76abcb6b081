"""A .csv as rows and columns: which row has the titles, which columns hold names and labels, what a cell tells."""

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence

from wavenames.config import CELLS_ALLOWED, CONDITIONS, LABEL_CELLS, Refusal
from wavenames.names.labels import ANY
from wavenames.names.vocabulary import printable

DELIMITERS = ",;\t"
LINE_BREAK = re.compile(r"\r\n|\r|\n")
_WORD = re.compile(r"[^\W\d_]+")
_NAME_WORDS = frozenset({
    "name", "names", "first", "firstname", "forename", "given", "givenname", "last", "lastname", "surname",
    "familyname", "vorname", "vornamen", "nachname", "prénom", "prénoms", "prenom", "prenoms", "preusuel", "nom",
    "noms", "nombre", "nombres", "apellido", "apellidos", "nome", "nomi", "cognome", "sobrenome", "naam", "voornaam",
    "achternaam", "navn", "fornavn", "namn", "förnamn", "imię", "imiona", "имя", "имена", "名前", "名",
})  # fmt: skip
"""Words in the title of a column of names."""
_LABEL_TITLES = {"sex": ("sex", "gender"), "decade": ("decade", "year")}
"""Titles of columns of labels."""
NO_COLUMN = "none"
"""In place of a column's title: this kind of label is read from none."""


def has_titles(text: str, asked: Collection[str] = ()) -> bool:
    """Whether the first row is known to hold titles: one speaks of names or labels, or is `asked` for."""
    _, cells = next(_csv_lines(text), (1, []))
    titles = [title for cell in cells if (title := cell.strip())]
    return any(title in asked or _speaks_of_names(title) for title in titles) or any(
        labels_called(titles, kind) for kind in CONDITIONS
    )


def csv_rows(text: str, *, titled: bool) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The titles of the columns, and (line, cells) of each row of data that isn't blank.

    `titled` says whether the first row holds the titles; otherwise they are "column 1" …
    """
    rows = _csv_lines(text)
    first = next(rows, (1, [""]))
    places = [f"column {place}" for place in range(1, len(first[1]) + 1)]
    if titled:
        return [cell.strip() or place for cell, place in zip(first[1], places, strict=True)], rows
    return places, itertools.chain([first], rows)


def _csv_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    top = next((line for line in LINE_BREAK.split(text) if line.strip()), "")
    delimiter = max(DELIMITERS, key=re.sub(r'"[^"]*"', "", top).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise Refusal(f"line {line}: not a row of a CSV file ({error}).") from None


def name_column(titles: Sequence[str]) -> int:
    """The column that names stand in, as far as titles tell: "name", the first that speaks of names, the first.

    A column that is called by a kind of label comes last.
    """
    labels = {title for kind in CONDITIONS for title in labels_called(titles, kind)}

    def likely(i: int) -> tuple[bool, bool, bool, int]:
        return titles[i].casefold() == "name", _speaks_of_names(titles[i]), titles[i] not in labels, -i

    return max(range(len(titles)), key=likely)


def likely_labels(text: str, names: int | None = None, *, titled: bool) -> dict[str, str]:
    """For each kind of label the column of a .csv that is taken to tell it, by title; `NO_COLUMN` where none is.

    It is the first that is called by the kind, in any case, and whose every cell stands for a class or is empty in
    the rows that have a name, which stands in column `names` or the likeliest.
    """
    titles, rows = csv_rows(text, titled=titled)
    number = name_column(titles) if names is None else names
    fitting = {kind: labels_called(titles, kind) for kind in CONDITIONS}
    if any(fitting.values()):
        for cells in (cells for _, cells in rows if "".join(cells[number : number + 1]).strip()):
            for kind, called in fitting.items():
                fitting[kind] = [title for title in called if _fits(kind, cells[titles.index(title) :])]
    return {kind: next(iter(called), NO_COLUMN) for kind, called in fitting.items()}


def labels_called(titles: Sequence[str], kind: str) -> list[str]:
    """The titles of columns that speak of this kind of label."""
    return [title for title in titles if title.casefold() in _LABEL_TITLES[kind]]


def _fits(kind: str, cells: Sequence[str]) -> bool:
    """Whether the first of `cells` stands for a class, or is empty, or not there."""
    return not cells or _class_of(kind, cells[0]) is not None


def _class_of(kind: str, cell: str) -> str | None:
    """The class that a cell stands for; `ANY` for an empty one, None where it stands for none."""
    word = cell.strip().casefold()
    return LABEL_CELLS[kind].get(word) if word else ANY


def column_of(kind: str) -> str:
    """What the choice of a kind's column is called in sentences."""
    return f"{kind.capitalize()} column"


def _speaks_of_names(title: str) -> bool:
    return not _NAME_WORDS.isdisjoint(_WORD.findall(unicodedata.normalize("NFC", title).casefold()))


def column_number(titles: list[str], title: str, what: str) -> int:
    """The place of a title. Refuses one that is not there, as a choice of `what`."""
    if title not in titles:
        known = ", ".join(map(printable, titles[:20]))
        raise Refusal(f"{what} is {printable(title)}; this file has {known}.")
    return titles.index(title)


def cells_of(
    rows: Iterator[tuple[int, list[str]]], titles: list[str], numbers: list[int]
) -> tuple[list[int], list[list[str]]]:
    """The lines of all rows in which the first of the columns `numbers` is not blank, and these columns of them.

    A row may end before the other columns, which are then blank, but not before the first.
    """
    lines: list[int] = []
    found: list[list[str]] = [[] for _ in numbers]
    for line, cells in rows:
        if numbers[0] >= len(cells):
            raise Refusal(
                f"line {line}: no column {printable(titles[numbers[0]])}; the row has {len(cells)} columns."
            )
        if cells[numbers[0]].strip():
            lines.append(line)
            for column, number in zip(found, numbers, strict=True):
                column.append(cells[number] if number < len(cells) else "")
    return lines, found


def read_labels(kind: str, title: str, cells: Iterable[tuple[int, str]]) -> Iterator[str]:
    """The class that each cell stands for. Refuses with the line what stands for none."""
    for line, value in cells:
        found = _class_of(kind, value)
        if found is None:
            raise Refusal(
                f"line {line}: column {printable(title)} holds {printable(value.strip())}, which tells no {kind}; "
                f"allowed is {CELLS_ALLOWED[kind]}, or nothing where it is not known. {column_of(kind)} "
                f"'{NO_COLUMN}' leaves it out."
            )
        yield found
