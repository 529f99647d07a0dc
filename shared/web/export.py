"""Lists as files for a spreadsheet: CSV and XLSX, with exactly the rows that the page lists."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, TypeVar

import xlsxwriter
from fastapi import Response

from shared.web.listing import Cell, Listing, plain, shown

Kind = Literal["csv", "xlsx"]
T = TypeVar("T")
_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDEST = 60


def export(listing: Listing[T], name: str) -> Response | None:
    """The file that the address asks for by `format`, or None where it asks for the page."""
    kind = listing.query.get("format")
    if kind not in _TYPES:
        return None
    titles = [column.title for column in listing.columns]
    rows = [[column.value(row) for column in listing.columns] for row in listing.all_rows]
    body = as_csv(titles, rows) if kind == "csv" else as_xlsx(titles, rows)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{kind}"',
        "Cache-Control": "no-store",
    }
    return Response(body, media_type=_TYPES[kind], headers=headers)


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 with a byte order mark and semicolons, as Vietnamese Excel opens it.

    A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV
    Injection").
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(titles)
    writer.writerows([_guarded(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _guarded(value: Cell) -> str:
    text = shown(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_STARTS_FORMULA) else text


def as_xlsx(titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """One sheet; texts are texts whatever they begin with, dates and numbers are such."""
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet()
        formats: dict[type, Any] = {
            datetime: book.add_format({"num_format": "hh:mm dd/mm/yyyy"}),
            date: book.add_format({"num_format": "dd/mm/yyyy"}),
        }
        sheet.write_row(0, 0, titles, book.add_format({"bold": True, "bottom": 1}))
        for number, row in enumerate(rows, start=1):
            for at, value in enumerate(row):
                _write(sheet, number, at, value, formats)
        sheet.freeze_panes(1, 0)
        for at, title in enumerate(titles):
            texts = [title, *(shown(row[at]) for row in rows)]
            sheet.set_column(at, at, min(_WIDEST, 2 + max(map(len, texts))))
    return out.getvalue()


def _write(sheet: Any, number: int, at: int, value: Cell, formats: dict[type, Any]) -> None:
    if isinstance(value, date):
        sheet.write_datetime(number, at, plain(value), formats[type(value)])
    elif isinstance(value, str):
        sheet.write_string(number, at, value)
    elif value is not None:
        sheet.write_number(number, at, value)
