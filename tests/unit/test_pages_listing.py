"""Tables by links alone, and what they export."""

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.export import as_csv, as_xlsx, export
from shared.web.listing import Cell, Column, Listing

pytestmark = pytest.mark.unit

Row = tuple[str, str, Decimal | None]
ROWS: list[Row] = [
    ("Đoàn thanh niên", "Khối A", Decimal("80.5")),
    ("Ấp Bắc", "Khối B", None),
    ("Cựu chiến binh", "Khối A", Decimal(92)),
    ("Dân phòng", "Khối B", Decimal("9.5")),
]
COLUMNS: tuple[Column[Row], ...] = (
    Column("name", "Đơn vị", lambda row: row[0]),
    Column("block", "Khối", lambda row: row[1], chosen=True),
    Column("points", "Điểm", lambda row: row[2], numeric=True),
)
BOM = "\ufeff"


def listing(**query: str) -> Listing[Row]:
    return Listing(COLUMNS, ROWS, query, size=2)


def names(view: Listing[Row]) -> list[str]:
    return [row[0] for row in view.all_rows]


def test_unsorted_rows_keep_the_order_they_came_in() -> None:
    assert names(listing()) == [row[0] for row in ROWS]
    assert names(listing(sort="no-such-column")) == [row[0] for row in ROWS]


def test_words_are_sorted_as_in_a_vietnamese_dictionary_and_numbers_as_numbers() -> None:
    assert names(listing(sort="name")) == [
        "Ấp Bắc",
        "Cựu chiến binh",
        "Dân phòng",
        "Đoàn thanh niên",
    ]
    points = [row[2] for row in listing(sort="-points").all_rows]
    assert points == [Decimal(92), Decimal("80.5"), Decimal("9.5"), None]


def test_a_search_looks_at_every_column_in_any_case() -> None:
    assert names(listing(q="ẤP")) == ["Ấp Bắc"]
    assert names(listing(q="khối b")) == ["Ấp Bắc", "Dân phòng"]
    assert names(listing(q="80,5")) == ["Đoàn thanh niên"]


def test_a_choice_narrows_to_one_value_and_keeps_the_rest_of_the_address() -> None:
    view = listing(block="Khối A", period="2025", sort="name")
    assert names(view) == ["Cựu chiến binh", "Đoàn thanh niên"]
    assert dict(view.kept) == {"period": "2025", "sort": "name"}
    assert parse_qs(view.all[1:]) == {"period": ["2025"], "sort": ["name"]}
    assert [(column.name, list(values)) for column, values in view.choices] == [
        ("block", ["Khối A", "Khối B"])
    ]


@pytest.mark.parametrize("said", ["done", "saved"])
def test_what_was_just_done_is_told_once(said: str) -> None:
    view = listing(period="2025", **{said: "yes"})
    assert dict(view.kept) == {"period": "2025"}
    for link in (view.at(2), view.sorted_by(COLUMNS[0]), view.all, view.exported("csv")):
        assert said not in parse_qs(link[1:])


def test_a_second_click_turns_the_order_and_begins_at_the_first_page() -> None:
    view = listing(sort="name", page="2")
    assert parse_qs(view.sorted_by(COLUMNS[0])[1:]) == {"sort": ["-name"]}
    assert parse_qs(view.sorted_by(COLUMNS[2])[1:]) == {"sort": ["points"]}


@pytest.mark.parametrize(
    ("asked", "page"), [("2", 2), ("99", 2), ("0", 1), ("-1", 1), ("x", 1), ("", 1), ("²", 1)]
)
def test_a_page_that_is_not_there_is_the_nearest_one(asked: str, page: int) -> None:
    assert listing(page=asked).page == page


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5))
def test_any_address_gives_rows_that_were_found(query: dict[str, str]) -> None:
    view = Listing(COLUMNS, ROWS, query, size=3)
    assert set(view.rows) <= set(view.all_rows) <= set(ROWS)
    assert 1 <= view.page <= view.pages
    assert view.at(1).startswith("?")


def test_an_export_is_every_page_of_the_narrowed_list() -> None:
    answer = export(listing(format="csv", block="Khối A", page="1"), "don-vi")
    assert answer is not None
    assert answer.headers["content-disposition"] == 'attachment; filename="don-vi.csv"'
    text = bytes(answer.body).decode()
    assert text.splitlines() == [
        f"{BOM}Đơn vị;Khối;Điểm",
        "Đoàn thanh niên;Khối A;80,5",
        "Cựu chiến binh;Khối A;92",
    ]
    assert export(listing(), "don-vi") is None
    assert export(listing(format="exe"), "don-vi") is None


@pytest.mark.parametrize("text", ["=1+1", "+84", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_becomes_a_formula(text: str) -> None:
    assert f"'{text}" in as_csv(["a"], [[text]]).decode()
    assert "<f>" not in inside(as_xlsx(["a"], [[text]]), "xl/worksheets/sheet1.xml")


def test_a_negative_number_stays_a_number() -> None:
    assert as_csv(["a"], [[Decimal("-2.5")]]).decode().splitlines()[1] == "-2,5"


def test_a_sheet_holds_texts_numbers_and_dates_as_such() -> None:
    cells: list[Cell] = [
        "https://x.example",
        Decimal("80.5"),
        date(2025, 12, 9),
        datetime(2025, 12, 9, 16, 5, tzinfo=UTC),
        None,
    ]
    book = as_xlsx(["a", "b", "c", "d", "e"], [cells])
    sheet = inside(book, "xl/worksheets/sheet1.xml")
    assert "<v>80.5</v>" in sheet
    assert "<v>46000</v>" in sheet
    assert "hyperlink" not in sheet
    assert "<v>46000.96180555555" in sheet
    assert "dd/mm/yyyy" in inside(book, "xl/styles.xml")


def inside(book: bytes, name: str) -> str:
    with zipfile.ZipFile(BytesIO(book)) as parts:
        return parts.read(name).decode()
