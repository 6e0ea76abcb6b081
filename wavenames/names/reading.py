"""Name lists from files that people bring: a .txt with one name a line, or a .csv with a column of names.

A .csv can have columns of labels too: the sex of each name, the decade or the year of birth.

Whatever the bytes, the outcome is a list or a `Refusal` that says which line is wrong and why. Nothing in a
file is ever executed or unpickled.
"""

import codecs
import contextlib
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

from wavenames.config import CONDITIONS, LIST_LIMITS, Refusal, shortened
from wavenames.names.labels import ANY
from wavenames.names.lists import MAKEMORE, NameList, digest, makemore
from wavenames.names.tables import (
    DELIMITERS,
    LINE_BREAK,
    NO_COLUMN,
    cells_of,
    column_number,
    column_of,
    csv_rows,
    has_titles,
    likely_labels,
    name_column,
    read_labels,
)
from wavenames.names.vocabulary import END_MARK, is_letter, printable

_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_ENCODING_TITLES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_SIGNS_OF_LISTS = frozenset(" -'’.\"\r\n" + DELIMITERS)
_JAPANESE = frozenset({"CJK", "HIRAGANA", "KATAKANA"})


def read_list(
    data: bytes,
    filename: str,
    *,
    column: str | None = None,
    label_columns: Mapping[str, str] | None = None,
    titled: bool | None = None,
    fold_case: bool = False,
) -> NameList:
    """The names in a file's bytes, in order, twins kept, with the labels that stand beside them in a .csv.

    Outer spaces and blank lines are dropped and letters composed (Unicode NFC). `column` chooses the column of
    a .csv, as `columns` calls it; None takes the likeliest, see `name_column`. `label_columns` does so for kinds of
    label (`config.CONDITIONS`), and for those that it leaves out `columns_of_labels`. An empty cell is a label that
    is not known. `titled` says whether the first row of a .csv holds titles; None, that it does where one of its
    cells is asked for as a column or speaks of names or labels. `fold_case` makes all letters small. The id follows
    from the resulting names and labels alone, so that the same ones have the same id; makemore's own file is known by
    its hash, and then by its name.

    Refuses a file that is neither .txt nor .csv, empty, no text, or beyond `config.LIST_LIMITS`, and a label that is
    none of `config.LABEL_CELLS`.
    """
    label_columns = label_columns or {}
    wanted = {} if column is None else {"Column": column}
    wanted |= {column_of(kind): title for kind, title in label_columns.items()}
    if titled is not None:
        wanted["Titles"] = "on" if titled else "off"
    if not wanted and hashlib.sha256(data).hexdigest() == MAKEMORE.sha256:
        return makemore(data)
    text, title = _text(data, filename), PurePath(filename).name
    labels: dict[str, tuple[str, ...]] = {}
    if _is_csv(filename):
        names, labels, origin = _from_table(text, column, label_columns, titled, fold_case=fold_case)
    elif wanted:
        what, first = next(iter(wanted.items()))
        raise Refusal(f"{what} is {printable(first)}; the file {_title(filename)} has no columns.")
    else:
        names, origin = tuple(_names(enumerate(LINE_BREAK.split(text), start=1), fold_case=fold_case)), ""
    if not names:
        raise Refusal(f"The file {_title(filename)} holds no names{origin.replace(',', ' in', 1)}.")
    return NameList(
        id=f"upload-{digest(names, labels)[:12]}",
        title=shortened(title, longest=60),
        names=names,
        labels=labels,
        births=None,
        source=f"uploaded file {printable(title, longest=60)}{origin}",
        licence="not stated",
    )


def titles_known(data: bytes, filename: str) -> bool | None:
    """Whether the first row of a .csv is known to hold titles while nobody says so; None for a .txt file.

    Refuses as `read_list` does.
    """
    text = _text(data, filename)
    return has_titles(text) if _is_csv(filename) else None


def columns(data: bytes, filename: str, *, titled: bool | None = None) -> list[str]:
    """The titles of a .csv file's columns, for a choice; none for a .txt file. Refuses as `read_list` does.

    A first row in which no title speaks of names or labels is data, unless `titled` says otherwise: the columns are
    then called "column 1" …
    """
    text = _text(data, filename)
    if not _is_csv(filename):
        return []
    return csv_rows(text, titled=has_titles(text) if titled is None else titled)[0]


def columns_of_labels(data: bytes, filename: str, *, titled: bool | None = None) -> dict[str, str]:
    """The columns of a .csv that labels are read from while nobody chooses, as `likely_labels` has them."""
    text = _text(data, filename)
    return likely_labels(text, titled=has_titles(text) if titled is None else titled)


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
    if _many_controls(text):
        raise _no_text(filename)
    return text


def _many_controls(text: str) -> bool:
    """A stray control character is refused with its line later on; many of them mean that this was never text."""
    return 20 * len(_CONTROL.findall(text)) > len(text)


def _no_text(filename: str) -> Refusal:
    return Refusal(f"The file {_title(filename)} is not a text file; save the names as plain text or CSV.")


def _decoded(data: bytes, filename: str) -> str:
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return _strictly(data.removeprefix(bom), encoding)
    if b"\0" in data and _many_controls(data.decode("latin-1")):
        # Line ends and Latin letters have a zero byte in UTF-16; on which side tells the order of the bytes. Byte by
        # byte such text is full of control characters, where a text of eight bits has a stray one.
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
        line = len(LINE_BREAK.findall(data[: error.start].decode(encoding))) + 1
        raise Refusal(
            f"line {line}: {_ENCODING_TITLES[encoding]} text is damaged here; save the file again as UTF-8."
        ) from None


def _from_table(
    text: str, column: str | None, label_columns: Mapping[str, str], titled: bool | None, *, fold_case: bool
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], str]:
    """The names of a .csv, the labels of each kind that any of them has, and from which columns they are."""
    if titled is None:
        titled = has_titles(text, {*label_columns.values()} - {NO_COLUMN} | {column or ""})
    titles, rows = csv_rows(text, titled=titled)
    number = name_column(titles) if column is None else column_number(titles, column, "Column")
    likely = {} if label_columns.keys() == CONDITIONS.keys() else likely_labels(text, number, titled=titled)
    chosen = {kind: label_columns.get(kind, likely.get(kind, NO_COLUMN)) for kind in CONDITIONS}
    numbers = {
        kind: column_number(titles, title, column_of(kind)) for kind, title in chosen.items() if title != NO_COLUMN
    }
    for kind, place in numbers.items():
        if place == number:
            raise Refusal(f"{column_of(kind)} is {printable(titles[place])}, where the names stand; choose another.")
    lines, (name_cells, *label_cells) = cells_of(rows, titles, [number, *numbers.values()])
    names = tuple(_names(zip(lines, name_cells, strict=True), fold_case=fold_case))
    labels, origin = {}, f", column {printable(titles[number])}"
    for (kind, number), values in zip(numbers.items(), label_cells, strict=True):
        words = tuple(read_labels(kind, titles[number], zip(lines, values, strict=True)))
        if set(words) - {ANY}:
            labels[kind] = words
            origin += f", {kind} from {printable(titles[number])}"
    return names, labels, origin


def _names(lines: Iterable[tuple[int, str]], *, fold_case: bool) -> Iterator[str]:
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
