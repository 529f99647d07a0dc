"""Files as evidence in a draft's fields: in rows that are free, once each, nothing typed over."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.forms.attaching import attach, named_in
from services.intake.pages.attaching import split

pytestmark = pytest.mark.unit

PART = "items.a1"
FILES = [uuid.uuid5(uuid.NAMESPACE_OID, str(number)) for number in range(6)]


def address(file: uuid.UUID) -> str:
    return f"https://ward.example/intake/evidence/{file}"


def row(number: int, title: str, url: str) -> dict[str, str]:
    at = f"{PART}.evidence.{number}"
    return {name: text for name, text in ((f"{at}.title", title), (f"{at}.url", url)) if text}


def added(fields: dict[str, str], file: uuid.UUID = FILES[0]) -> dict[str, str]:
    return attach(fields, PART, file, "ảnh.png", address(file))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, row(0, "ảnh.png", address(FILES[0]))),
        (row(0, "Web", "https://a.example"), row(1, "ảnh.png", address(FILES[0]))),
        (row(0, "Ảnh lớp học", ""), row(0, "Ảnh lớp học", address(FILES[0]))),
        (row(1, "Web", "https://a.example"), row(0, "ảnh.png", address(FILES[0]))),
        (row(0, "Đã có", address(FILES[0])), {}),
        (row(0, "Đã có", f"http://elsewhere.example/intake/evidence/{FILES[0]}"), {}),
        ({"items.a2.evidence.0.url": address(FILES[0])}, row(0, "ảnh.png", address(FILES[0]))),
    ],
)
def test_a_file_goes_to_the_first_row_without_an_address(
    fields: dict[str, str], expected: dict[str, str]
) -> None:
    assert added(fields) == expected


@given(
    st.dictionaries(
        st.sampled_from([f"{PART}.evidence.{n}.{name}" for n in range(5) for name in "tu"]),
        st.sampled_from(["Ảnh", "https://a.example", *map(address, FILES)]),
    ),
    st.lists(st.sampled_from(FILES)),
)
def test_each_file_is_named_once_and_no_address_is_lost(
    typed: dict[str, str], files: list[uuid.UUID]
) -> None:
    ends = {"t": "title", "u": "url"}
    fields = {name[:-1] + ends[name[-1]]: text for name, text in typed.items()}
    before = {name: text for name, text in fields.items() if name.endswith(".url")}
    known = named_in(fields, PART)
    for file in files:
        fields |= added(fields, file)
    assert before.items() <= fields.items()
    assert named_in(fields, PART) == known | set(files)
    new = [text for name, text in fields.items() if name.endswith(".url") and name not in before]
    assert len(new) == len(set(new)) == len(set(files) - known)


def test_what_is_chosen_on_a_page_is_apart_from_what_is_typed() -> None:
    given = {
        "situation": "Đã họp.",
        f"attach.{PART}.{FILES[0]}": "yes",
        "pick.indicators.a1-1": str(FILES[1]),
        f"pick.{PART}": "",
    }
    typed, chosen = split(given)
    assert typed == {"situation": "Đã họp."}
    assert chosen == [
        {"part": PART, "file": str(FILES[0])},
        {"part": "indicators.a1-1", "file": str(FILES[1])},
    ]
