"""Rows of a long table: drawn once, and gone with the page that showed them."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2.meta import find_undeclared_variables
from markupsafe import Markup
from starlette.requests import Request

from shared.web.listing import Column, Listing
from shared.web.pages import Pages, environment

pytestmark = pytest.mark.unit

Row = tuple[str, int]
COLUMNS: tuple[Column[Row], ...] = (
    Column("name", "Đơn vị", lambda row: row[0]),
    Column("points", 'Điểm "thưởng"', lambda row: row[1], numeric=True),
)
ROWS: list[Row] = [(f"Đơn vị <{number}>", number) for number in range(40)]
CELLS = "<td>{{ row[0] }}</td>\n<td>{{ row[1] }}</td>"
IMPORT = '{% from "components.html" import listing as table %}\n'
TEMPLATES = {
    "row.html": CELLS,
    "drawn.html": IMPORT + '{{ table(listing, "Danh sách", drawn) }}',
    "called.html": IMPORT + '{% call(row) table(listing, "Danh sách") %}' + CELLS + "{% endcall %}",
}


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    for name, text in TEMPLATES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return Pages("notify", tmp_path)


@pytest.fixture
def show(pages: Pages) -> Callable[..., str]:
    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
    drawn = pages.rows("row.html", "row", COLUMNS)

    def shown(name: str, rows: list[Row], drawn: Any = drawn, **query: str) -> str:
        values = {"listing": Listing(COLUMNS, rows, query), "drawn": drawn}
        return bytes(pages.render(Request(dict(scope)), name, values).body).decode()

    return shown


@pytest.mark.parametrize(
    ("rows", "query"),
    [(ROWS, {}), (ROWS, {"q": "<3"}), (ROWS[:1], {}), ([], {}), (ROWS, {"q": "-"})],
)
def test_drawn_rows_are_those_that_a_page_draws_itself(
    show: Callable[..., str], rows: list[Row], query: dict[str, str]
) -> None:
    page = show("called.html", rows, None, **query)
    assert show("drawn.html", rows, **query) == page
    assert page.count('<tr role="row"><td') == len([r for r in rows if query.get("q", "") in r[0]])


def test_a_row_is_drawn_once_and_anew_when_it_has_changed(pages: Pages, tmp_path: Path) -> None:
    drawn = pages.rows("row.html", "row", COLUMNS)
    first = drawn(ROWS)
    assert isinstance(first, Markup)
    assert "Đơn vị &lt;7&gt;" in first
    assert 'data-th="Điểm &#34;thưởng&#34;">7</td>' in first
    assert drawn(iter(ROWS)) == first
    assert drawn([("Đơn vị <7>", 8)]) != drawn([("Đơn vị <7>", 7)])


@pytest.fixture
def no_searches() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("name", ["drawn.html", "called.html"])
@pytest.mark.usefixtures("no_searches")
def test_a_page_leaves_nothing_for_the_garbage_collector(
    show: Callable[..., str], name: str
) -> None:
    """A cycle of references keeps the page's rows, until a search stops the whole process."""
    show(name, ROWS)
    gc.collect()
    for _ in range(5):
        show(name, ROWS)
    assert gc.collect() < len(ROWS)


def test_no_template_imports_the_components_with_its_context() -> None:
    """They ask for nothing of it; with it every page would make all of them anew."""
    root = Path(__file__).parents[2]
    found = [
        f"{file.relative_to(root)}: {line}"
        for folder in ("services", "shared")
        for file in (root / folder).rglob("*.html")
        for line in file.read_text("utf-8").splitlines()
        if '"components.html" import' in line and "with context" in line
    ]
    assert found == []
    components = (root / "shared/web/templates/components.html").read_text("utf-8")
    assert find_undeclared_variables(environment().parse(components)) == set()
