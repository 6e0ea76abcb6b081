"""Name lists from files that people bring: a .txt with one name a line, or a .csv with a column of names.

Whatever the bytes, the outcome is a list or a `Refusal` that says which line is wrong and why. Nothing in a
file is ever executed or unpickled.
"""

import codecs
import contextlib
import csv
import hashlib
import io
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from wavenames.config import LIST_LIMITS, Refusal, shortened
from wavenames.names.lists import MAKEMORE, NameList, makemore
from wavenames.names.vocabulary import END_MARK, is_letter, printable

_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_ENCODING_TITLES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_WORD = re.compile(r"[^\W\d_]+")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_DELIMITERS = ",;\t"
_SIGNS_OF_LISTS = frozenset(" -'’.\"\r\n" + _DELIMITERS)
_JAPANESE = frozenset({"CJK", "HIRAGANA", "KATAKANA"})
_NAME_WORDS = frozenset({
    "name", "names", "first", "firstname", "forename", "given", "givenname", "last", "lastname", "surname",
    "familyname", "vorname", "vornamen", "nachname", "prénom", "prénoms", "prenom", "prenoms", "preusuel", "nom",
    "noms", "nombre", "nombres", "apellido", "apellidos", "nome", "nomi", "cognome", "sobrenome", "naam", "voornaam",
    "achternaam", "navn", "fornavn", "namn", "förnamn", "imię", "imiona", "имя", "имена", "名前", "名",
})  # fmt: skip
"""Words in the title of a column of names; a table whose first row has none of them has no titles."""


def read_list(data: bytes, filename: str, *, column: str | None = None, fold_case: bool = False) -> NameList:
    """The names in a file's bytes, in order, twins kept.

    Outer spaces and blank lines are dropped and letters composed (Unicode NFC). `column` chooses the column of
    a .csv, as `columns` calls it; None takes the likeliest, see `name_column`. `fold_case` makes all letters
    small. The id follows from the resulting names alone, so that the same names have the same id; makemore's own
    file is known by its hash, and then by its name.

    Refuses a file that is neither .txt nor .csv, empty, no text, or beyond `config.LIST_LIMITS`.
    """
    if column is None and hashlib.sha256(data).hexdigest() == MAKEMORE.sha256:
        return makemore(data)
    text = _text(data, filename)
    if _is_csv(filename):
        header, rows = _csv_rows(text)
        number = _column_number(header, column)
        lines = _column_values(rows, number, header[number])
        origin = f", column {printable(header[number])}"
    elif column is not None:
        raise Refusal(f"Column is {printable(column)}; the file {_title(filename)} has no columns.")
    else:
        lines = enumerate(_LINE_BREAK.split(text), start=1)
        origin = ""
    names = tuple(_names(lines, fold_case=fold_case))
    if not names:
        raise Refusal(f"The file {_title(filename)} holds no names{origin}.")
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    title = PurePath(filename).name
    return NameList(
        id=f"upload-{digest[:12]}",
        title=shortened(title, longest=60),
        names=names,
        labels={},
        births=None,
        source=f"uploaded file {printable(title, longest=60)}{origin}",
        licence="not stated",
    )


def columns(data: bytes, filename: str) -> list[str]:
    """The titles of a .csv file's columns, for a choice; none for a .txt file. Refuses as `read_list` does.

    A first row in which no title speaks of names is data: the columns are then called "column 1", "column 2" …
    """
    text = _text(data, filename)
    return _csv_rows(text)[0] if _is_csv(filename) else []


def name_column(titles: Sequence[str]) -> int:
    """The column that names stand in, as far as titles tell: "name", the first that speaks of names, the first."""
    return max(range(len(titles)), key=lambda i: (titles[i].casefold() == "name", _speaks_of_names(titles[i]), -i))


def _speaks_of_names(title: str) -> bool:
    return not _NAME_WORDS.isdisjoint(_WORD.findall(unicodedata.normalize("NFC", title).casefold()))


def _title(filename: str) -> str:
    return printable(PurePath(filename).name, longest=60)


def _is_csv(filename: str) -> bool:
    return PurePath(filename).suffix.lower() == ".csv"


def _text(data: bytes, filename: str) -> str:
    """The file as text, whichever of UTF-8, UTF-16 or Latin-1 it is in."""
    if PurePath(filename).suffix.lower() not in (".txt", ".csv"):
        raise Refusal(f"The file {_title(filename)} can't be read; bring a .txt or a .csv file.")
    if len(data) > LIST_LIMITS.max_bytes:
        raise Refusal(
            f"The file {_title(filename)} has {len(data):,} bytes; at most {LIST_LIMITS.max_bytes:,} are allowed."
        )
    if not data.strip():
        raise Refusal(f"The file {_title(filename)} is empty.")
    text = _decoded(data, filename)
    # A stray control character is refused with its line later on; many of them mean that this was never text.
    if "\0" in text or 20 * len(_CONTROL.findall(text)) > len(text):
        raise _no_text(filename)
    return text


def _no_text(filename: str) -> Refusal:
    return Refusal(f"The file {_title(filename)} is not a text file; save the names as plain text or CSV.")


def _decoded(data: bytes, filename: str) -> str:
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return _strictly(data.removeprefix(bom), encoding)
    if b"\0" in data:
        # Line ends and Latin letters have a zero byte in UTF-16; on which side tells the order of the bytes.
        even, odd = data[::2].count(0), data[1::2].count(0)
        try:
            return data.decode("utf-16-le" if odd > even else "utf-16-be")
        except UnicodeDecodeError:
            raise _no_text(filename) from None
    if (name := _one_name_in_utf_16(data)) is not None:
        return name
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Letters outside ASCII that happen to be UTF-8 don't occur in Latin-1: rather UTF-8 with an error.
        foreign = [character for character in data.decode("utf-8", "replace") if not character.isascii()]
        if 2 * foreign.count("\ufffd") < len(foreign):
            return _strictly(data, "utf-8")
    try:
        # As browsers do: Windows' code page is Latin-1 with letters in place of its control characters.
        return data.decode("cp1252")
    except UnicodeDecodeError:
        raise _no_text(filename) from None


def _one_name_in_utf_16(data: bytes) -> str | None:
    """The one name of a file in UTF-16 without zero bytes: no line end, space or Latin letter is in it.

    As text of eight bits such bytes have signs or control characters between the letters; as UTF-16 they are letters
    of one script alone.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    signs = [c for c in text if unicodedata.category(c)[0] not in "LMN" and c not in _SIGNS_OF_LISTS]
    if not signs or 4 * len(signs) < len(text) or data[-1:].isspace():
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        with contextlib.suppress(UnicodeDecodeError):
            name = data.decode(encoding)
            scripts = {unicodedata.name(c, "").partition(" ")[0] for c in name}
            if all(unicodedata.category(c)[0] in "LM" for c in name) and (len(scripts) == 1 or scripts <= _JAPANESE):
                return name
    return None


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = len(_LINE_BREAK.findall(data[: error.start].decode(encoding))) + 1
        raise Refusal(
            f"line {line}: {_ENCODING_TITLES[encoding]} text is damaged here; save the file again as UTF-8."
        ) from None


def _csv_rows(text: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The titles of the columns, and (line, cells) of each row of data that isn't blank."""
    titles = next((line for line in _LINE_BREAK.split(text) if line.strip()), "")
    delimiter = max(_DELIMITERS, key=re.sub(r'"[^"]*"', "", titles).count)
    rows = _csv_lines(text, delimiter)
    first = next(rows, (1, [""]))
    places = [f"column {place}" for place in range(1, len(first[1]) + 1)]
    if not any(map(_speaks_of_names, first[1])):
        return places, itertools.chain([first], rows)
    return [cell.strip() or place for cell, place in zip(first[1], places, strict=True)], rows


def _csv_lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise Refusal(f"line {line}: not a row of a CSV file ({error}).") from None


def _column_number(header: list[str], column: str | None) -> int:
    if column is None:
        return name_column(header)
    if column not in header:
        known = ", ".join(printable(title) for title in header[:20])
        raise Refusal(f"Column is {printable(column)}; this file has {known}.")
    return header.index(column)


def _column_values(rows: Iterator[tuple[int, list[str]]], number: int, title: str) -> Iterator[tuple[int, str]]:
    for line, cells in rows:
        if number >= len(cells):
            raise Refusal(f"line {line}: no column {printable(title)}; the row has {len(cells)} columns.")
        yield line, cells[number]


def _names(lines: Iterator[tuple[int, str]], *, fold_case: bool) -> Iterator[str]:
    """Cleaned names of (line, value) pairs. Refuses with the line what no list may hold."""
    letters: set[str] = set()
    count = 0
    for line, value in lines:
        name = value.strip()
        if fold_case:
            name = name.lower()  # not casefold, which would respell: ß as ss, a final ς as σ
        name = unicodedata.normalize("NFC", name)
        if not name:
            continue
        count += 1
        if count > LIST_LIMITS.max_rows:
            raise Refusal(f"line {line}: more than {LIST_LIMITS.max_rows:,} names; shorten the list.")
        if len(name) > LIST_LIMITS.max_length:
            raise Refusal(
                f"line {line}: {printable(name)} has {len(name):,} letters; "
                f"at most {LIST_LIMITS.max_length} are allowed."
            )
        for letter in sorted(set(name) - letters):
            if not is_letter(letter):
                why = "marks the end of a name" if letter == END_MARK else "can't stand in a name"
                raise Refusal(f"line {line}: {printable(name)} holds {printable(letter)}, which {why}.")
            letters.add(letter)
        if len(letters) > LIST_LIMITS.max_letters:
            raise Refusal(
                f"line {line}: with {printable(name)} the list has more than {LIST_LIMITS.max_letters} "
                "different letters; use names of one script."
            )
        yield name
