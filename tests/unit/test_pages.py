"""The shell without a browser: order of words, files by their content, errors, navigation."""

import re
import unicodedata
from decimal import Decimal
from http import HTTPStatus

import pytest
from fastapi import FastAPI, Request
from fontTools.ttLib import TTFont
from fontTools.unicode import Unicode
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from shared.web import assets
from shared.web.catalogue import vietnamese_order
from shared.web.identity import Person
from shared.web.navigation import places_for
from shared.web.pages import error_page, vietnamese_number
from shared.web.problems import Problem

pytestmark = pytest.mark.unit

TONES = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
VOWELS = "aăâeêioôơuưy"
LETTERS = [
    unicodedata.normalize("NFC", letter + tone)
    for vowel in VOWELS
    for letter in (vowel, vowel.upper())
    for tone in TONES
] + list("đĐbcdghklmnpqrstvxBCDGHKLMNPQRSTVX0123456789–“”…")


def request(path: str = "/awards/", **headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in {"host": "x", **headers}.items()]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": raw,
        "app": FastAPI(),
        "state": {"request_id": "r-1"},
    }
    return Request(scope)


def test_words_come_in_the_order_of_a_vietnamese_dictionary() -> None:
    ordered = [
        "an",
        "ăn",
        "ân",
        "ba",
        "bà",
        "bả",
        "bã",
        "bá",
        "bạ",
        "bà a",
        "bách",
        "băng",
        "bâng",
        "dân",
        "đân",
    ]
    ordered += ["e", "ê", "ên", "ong", "ô", "ông", "ơ", "ưng", "y", "ỷ"]
    assert sorted(set(ordered), key=vietnamese_order) == ordered


@given(st.text(), st.text())
def test_the_order_tells_any_two_texts_apart(one: str, other: str) -> None:
    assert (vietnamese_order(one) == vietnamese_order(other)) == (one == other)


def test_a_tone_counts_only_where_the_letters_are_the_same() -> None:
    assert vietnamese_order("bạ") < vietnamese_order("bac")
    assert vietnamese_order("Tổ 2") < vietnamese_order("Tổ b")


@pytest.mark.parametrize(
    ("value", "words"),
    [(Decimal("1234.50"), "1.234,5"), (1234567, "1.234.567"), (Decimal("0.25"), "0,25")],
)
def test_numbers_have_a_decimal_comma(value: Decimal | int, words: str) -> None:
    assert vietnamese_number(value) == words


@pytest.mark.parametrize("weight", [400, 600, 700])
def test_the_fonts_have_every_vietnamese_letter(weight: int) -> None:
    covered: set[int] = set()
    for part in ("latin", "vietnamese"):
        name = f"fonts/be-vietnam-pro-{part}-{weight}-normal.woff2"
        covered |= set(TTFont(assets._FOLDER / name).getBestCmap())
    assert [f"{c} {Unicode[ord(c)]}" for c in LETTERS if ord(c) not in covered] == []


def test_the_stylesheet_offers_the_fonts_for_every_vietnamese_letter() -> None:
    sheet = assets.content("thidua.css").decode()
    ranges = re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", sheet)
    offered = {
        n for first, last in ranges for n in range(int(first, 16), int(last or first, 16) + 1)
    }
    assert [letter for letter in LETTERS if ord(letter) not in offered] == []


def test_a_file_is_kept_for_good_only_under_the_version_of_its_content() -> None:
    app = FastAPI()
    app.include_router(assets.static_router(), prefix="/intake")
    client = TestClient(app)
    address = assets.asset("intake", "thidua.css")
    asked = client.get(address)
    assert asked.headers["cache-control"] == assets.FOREVER
    assert client.get("/intake/static/thidua.css?v=older").headers["cache-control"] == "no-cache"
    again = client.get(
        "/intake/static/thidua.css", headers={"If-None-Match": asked.headers["etag"]}
    )
    assert again.status_code == HTTPStatus.NOT_MODIFIED
    for link in re.findall(r"url\(([^)]+)\)", asked.text):
        font = client.get(f"/intake/static/{link}")
        assert font.headers["cache-control"] == assets.FOREVER
        assert font.headers["content-type"] == "font/woff2"


@pytest.mark.parametrize("name", ["../pages.py", "fonts/OFL.txt", "nothing.css", "..%2fpages.py"])
def test_nothing_but_the_files_of_the_shell_is_served(name: str) -> None:
    with pytest.raises(Problem, match="not-found"):
        assets.serve(name)


def test_the_stylesheet_names_no_other_place() -> None:
    assert b"//" not in assets.content("thidua.css")
    assert b"@import" not in assets.content("thidua.css")


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *((ink, "paper") for ink in ("ink", "ink-soft", "link", "accent")),
        *((ink, "ground") for ink in ("ink", "ink-soft", "link", "accent")),
        *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "info", "accent")),
        *((tone, "ground") for tone in ("good", "warn", "bad")),
        ("paper", "accent"), ("paper", "accent-dark"), ("paper", "bad"), ("paper", "ink"),
    ],
)  # fmt: skip
def test_words_stand_out_from_their_ground(ink: str, ground: str) -> None:
    """WCAG 1.4.3: 4.5 to 1."""
    tokens = dict(re.findall(r"--([\w-]+): (#\w+)", assets.content("thidua.css").decode()))
    bright, dark = sorted((luminance(tokens[ink]), luminance(tokens[ground])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("status", [s for s in HTTPStatus if s >= 400], ids=int)
def test_an_error_page_says_what_to_do_next_and_names_the_request(status: HTTPStatus) -> None:
    problem = Problem(status, "some", "Tiêu đề <b>", "Chi tiết")
    page = error_page(request(), problem)
    text = bytes(page.body).decode()
    assert page.status_code == status
    assert "Việc cần làm tiếp" in text
    assert "r-1" in text
    assert "Tiêu đề &lt;b&gt;" in text


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://x/awards/?a=1&b=2", "/awards/?a=1&amp;b=2"),
        ("http://elsewhere.example/awards/", None),
        ("http://x//elsewhere.example", None),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_the_way_back_is_a_page_of_ours_or_none(referer: str, back: str | None) -> None:
    problem = Problem(HTTPStatus.CONFLICT, "some", "Trái", "")
    text = bytes(error_page(request(referer=referer), problem).body).decode()
    shown = re.search(r'<a class="button" href="([^"]*)">Quay lại', text)
    assert (shown[1] if shown else None) == back


def test_the_header_shows_what_the_person_may_open() -> None:
    clerk = Person("clerk", "Văn thư", frozenset({"clerk"}), "", "tu-minh")
    shown = {place.href for place in places_for(clerk)}
    assert "/intake/people" not in shown
    assert "/notify/" in shown
    operator = Person("operator", "Vận hành", frozenset({"operator"}), "", "tu-minh")
    assert "/intake/people" in {place.href for place in places_for(operator)}
