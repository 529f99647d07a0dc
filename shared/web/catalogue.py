"""Words of the pages: Vietnamese in the source, collected in one catalogue (GNU gettext).

`catalogue.pot` beside this file lists every label of all services' pages; a language is one
`locale/<language>/LC_MESSAGES/thidua.mo` made from it. Without one, the words stay Vietnamese.
"""

import gettext
import unicodedata
from pathlib import Path
from typing import Final

DOMAIN: Final = "thidua"
LANGUAGE: Final = "vi"
_LOCALES = Path(__file__).with_name("locale")
_TONES = ("\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
"""Huyền, hỏi, ngã, sắc, nặng, in the order of Vietnamese dictionaries; no mark comes first."""
_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"


def translations(language: str = LANGUAGE) -> gettext.NullTranslations:
    """The words in a language; those it does not have are Vietnamese."""
    return gettext.translation(DOMAIN, _LOCALES, [language], fallback=True)


def vietnamese_order(text: str) -> tuple[list[int], list[int], str]:
    """A sort key: letters by the Vietnamese alphabet first, tones after, as ICU's `vi` does.

    Lists are sorted by it and not in the database: the embedded PostgreSQL is built without ICU.
    """
    letters: list[int] = []
    tones: list[int] = []
    for character in unicodedata.normalize("NFC", text.casefold()):
        marks = unicodedata.normalize("NFD", character)
        tone = next((mark for mark in marks[1:] if mark in _TONES), "")
        letter = unicodedata.normalize("NFC", marks.replace(tone, "") if tone else marks)
        letters.append(_place(letter))
        tones.append(_TONES.index(tone) + 1 if tone else 0)
    return letters, tones, text


def _place(letter: str) -> int:
    """Blanks and signs before digits, digits before letters, foreign letters last."""
    at = _LETTERS.find(letter)
    if at >= 0:
        return 0x1000 + at
    return ord(letter) if ord(letter) < 0x80 else 0x2000 + ord(letter[0])
