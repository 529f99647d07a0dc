"""Tables of people's pages: sorted, filtered and paged by links alone, and exported as shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from shared.calendar import WARD_ZONE, vietnamese_date, vietnamese_time
from shared.web.catalogue import vietnamese_order

Cell = str | int | Decimal | date | datetime | None
T = TypeVar("T")
PAGE: Final = 50
OWN: Final = ("q", "sort", "page", "format")
SAID_ONCE: Final = ("done", "saved")
"""What an address tells of the act that led to it; no further link repeats it."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """What a table shows of each row. `value` is what is sorted, searched and exported.

    `chosen`: offered as a list to choose from. `name` is the query's word for it.
    """

    name: str
    title: str
    value: Callable[[T], Cell]
    numeric: bool = False
    sortable: bool = True
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Rows that somebody may see, as the address of the page asks for them.

    What it gets must already be inside the person's scope: it hides nothing. The query says
    `q` (search), a chosen column's name, `sort` (a column, `-` before it: descending), `page` and
    `format`; what else it says is kept in every link. A wrong value counts as none.
    """

    columns: Sequence[Column[T]]
    found: Sequence[T]
    query: Mapping[str, str]
    size: int = PAGE
    id: str = "ds"
    _narrowed: list[T] = field(init=False)

    def __post_init__(self) -> None:
        narrowed = self.narrowed
        rows = [row for row in self.found if not narrowed or self._matches(row)]
        column = next((c for c in self.columns if c.sortable and c.name == self.sort), None)
        if column is not None:
            value = column.value
            rows.sort(key=lambda row: order(value(row)), reverse=self.descending)
        object.__setattr__(self, "_narrowed", rows)

    @property
    def search(self) -> str:
        return self.query.get("q", "").strip()

    @property
    def chosen(self) -> Mapping[str, str]:
        """The columns narrowed to one value."""
        offered = {column.name for column in self.columns if column.chosen}
        return {name: value for name, value in self.query.items() if name in offered and value}

    @property
    def sort(self) -> str:
        return self.query.get("sort", "").removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.query.get("sort", "").startswith("-")

    @property
    def page(self) -> int:
        asked = self.query.get("page", "1")
        number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
        return min(max(number, 1), self.pages)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def total(self) -> int:
        return len(self._narrowed)

    @property
    def rows(self) -> Sequence[T]:
        """What this page shows."""
        start = (self.page - 1) * self.size
        return self._narrowed[start : start + self.size]

    @property
    def all_rows(self) -> Sequence[T]:
        """What an export holds: every page of it."""
        return self._narrowed

    @property
    def narrowed(self) -> bool:
        return bool(self.search or self.chosen)

    @property
    def searchable(self) -> bool:
        """Whether there is enough to look for something in it."""
        return self.narrowed or len(self.found) > 8

    @property
    def choices(self) -> Sequence[tuple[Column[T], Sequence[str]]]:
        """Each column to choose from, with its values in Vietnamese order."""
        return [
            (
                column,
                sorted({shown(column.value(row)) for row in self.found} - {""}, key=_by_letters),
            )
            for column in self.columns
            if column.chosen
        ]

    @property
    def kept(self) -> Mapping[str, str]:
        """What the filter's form must send along."""
        own = {*OWN, *SAID_ONCE, *(column.name for column in self.columns if column.chosen)}
        others = {name: value for name, value in self.query.items() if name not in own}
        sort = self.query.get("sort")
        return {**others, "sort": sort} if sort else others

    @property
    def all(self) -> str:
        return self._link({**dict.fromkeys(("q", *self.chosen), ""), "page": ""})

    def at(self, page: int) -> str:
        return self._link({"page": str(page)})

    def sorted_by(self, column: Column[T]) -> str:
        """By a column; the other way round when it is sorted so already."""
        turned = self.sort == column.name and not self.descending
        return self._link({"sort": f"-{column.name}" if turned else column.name, "page": ""})

    def exported(self, kind: str) -> str:
        return self._link({"format": kind, "page": ""})

    def _link(self, changes: Mapping[str, str]) -> str:
        wanted = {**self.query, **dict.fromkeys(SAID_ONCE, ""), **changes}
        return "?" + urlencode({name: value for name, value in wanted.items() if value})

    def _matches(self, row: T) -> bool:
        texts = {column.name: shown(column.value(row)) for column in self.columns}
        if any(texts[name] != value for name, value in self.chosen.items()):
            return False
        return self.search.casefold() in " ".join(texts.values()).casefold()


def shown(value: Cell) -> str:
    """A cell as people read it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return vietnamese_time(value)
    if isinstance(value, date):
        return vietnamese_date(value)
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", ",")
    return str(value)


def plain(value: Cell) -> Any:
    """A cell for a spreadsheet: numbers stay numbers, instants are the ward's."""
    if isinstance(value, datetime):
        return value.astimezone(WARD_ZONE).replace(tzinfo=None)
    return value


def order(value: Cell) -> tuple[int, Any]:
    """A sort key: what is missing first, words in Vietnamese order."""
    if value is None:
        return 0, 0
    if isinstance(value, str):
        return 2, vietnamese_order(value)
    if isinstance(value, datetime):
        return 1, value.timestamp()
    return 1, value.toordinal() if isinstance(value, date) else value


def _by_letters(text: str) -> Any:
    return vietnamese_order(text)
