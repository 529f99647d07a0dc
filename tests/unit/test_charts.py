"""Charts are told as well as drawn, and bring no style or script of their own."""

from decimal import Decimal
from xml.etree import ElementTree

import pytest

from shared.web.charts import Chart, Number, bars, lines

pytestmark = pytest.mark.unit

LABELS = ["-2", "-1", "hạn"]
SERIES: dict[str, list[Number | None]] = {
    "Năm 2026": [Decimal("10.5"), Decimal(20), None],
    "Năm 2025": [Decimal(0), Decimal(50), Decimal(100)],
}
ABOUT = "Năm nay nhanh hơn năm trước."


def both() -> list[Chart]:
    return [
        lines("Tiến độ", ABOUT, "Ngày", LABELS, SERIES, most=100),
        bars("Tiến độ", ABOUT, "Ngày", LABELS, SERIES),
    ]


@pytest.mark.parametrize("chart", both(), ids=["lines", "bars"])
def test_the_numbers_stand_beside_the_picture(chart: Chart) -> None:
    assert list(chart.series) == list(SERIES)
    assert chart.lines == [
        ("-2", (Decimal("10.5"), Decimal(0))),
        ("-1", (Decimal(20), Decimal(50))),
        ("hạn", (None, Decimal(100))),
    ]


@pytest.mark.parametrize("chart", both(), ids=["lines", "bars"])
def test_a_picture_is_named_and_bare(chart: Chart) -> None:
    root = ElementTree.fromstring(chart.svg)
    names = [one.tag.rpartition("}")[2] for one in root.iter()]
    assert root.get("role") == "img"
    assert [one.text for one in root][:2] == ["Tiến độ", ABOUT]
    assert not {"script", "style", "defs"} & set(names)
    assert not [one for one in root.iter() if one.get("style")]


def test_every_series_is_a_line_with_a_class_of_its_own() -> None:
    root = ElementTree.fromstring(both()[0].svg)
    classes = {one.get("class", "") for one in root.iter()}
    for number in range(len(SERIES)):
        assert f"series serie-{number} color-{number}" in classes
    assert sum("line reactive" in name for name in classes) == 1
