"""Vietnamese in the database's terms: the order of names and the search for them.

The embedded PostgreSQL is built without ICU and knows neither; `translate` does, letter by letter.
Texts are NFC.
"""

import unicodedata
from itertools import product
from typing import Any, Final

import sqlalchemy as sa

_ALPHABET: Final = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES: Final = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")


def _marked() -> dict[str, str]:
    """Every letter that is one character, in either case and with any tone -> its plain one."""
    composed = {
        unicodedata.normalize("NFC", letter + tone): letter
        for letter, tone in product(_ALPHABET, _TONES)
    }
    lower = {mark: letter for mark, letter in composed.items() if len(mark) == 1}
    return lower | {mark.upper(): letter for mark, letter in lower.items()}


_MARKED: Final = _marked()
_FROM: Final = "".join(_MARKED)
_PLACES: Final = "".join(chr(ord("A") + _ALPHABET.index(letter)) for letter in _MARKED.values())
_PLAIN: Final = "".join(
    "d" if letter == "đ" else unicodedata.normalize("NFD", letter)[0] for letter in _MARKED.values()
)
_FOLDING: Final = str.maketrans(_FROM, _PLAIN)


def fold(text: str) -> str:
    """In lower case and without marks: "Trường Đào tạo" is "truong dao tao"."""
    return unicodedata.normalize("NFC", text).translate(_FOLDING)


def folded(text: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """The same of a column."""
    return sa.func.translate(text, _FROM, _PLAIN)


def in_order(text: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """What a column is sorted by: letters by the Vietnamese alphabet, tones and case aside."""
    return sa.func.translate(text, _FROM, _PLACES).collate("C")
