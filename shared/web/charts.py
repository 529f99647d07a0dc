"""Charts as SVG inside the page: drawn by pygal, coloured by our stylesheet, read as a table too.

Nothing of pygal's own style or script stays in the picture: the content policy allows neither.
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from xml.etree import ElementTree

import pygal
from markupsafe import Markup
from pygal.style import Style

from shared.web.pages import vietnamese_number

# pygal leaves a finder in the import system, for its maps, that Python no longer knows how to ask.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

Number = int | Decimal
_WIDTH: Final = 880
_LINE: Final = 34
_FONT: Final = 14
_LINES_HEIGHT: Final = 420
_MOST_LABELS: Final = 12
_HELD_BACK: Final = ("defs", "title", "desc")


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture and its numbers; `lines` are (label, value of each series)."""

    title: str
    what: str
    series: Sequence[str]
    lines: Sequence[tuple[str, Sequence[Number | None]]]
    svg: Markup


def bars(
    title: str,
    about: str,
    what: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Number | None]],
) -> Chart:
    """Horizontal bars, the first label on top. `about` is what a blind reader is told instead."""
    drawing = pygal.HorizontalBar(
        width=_WIDTH,
        height=90 + _LINE * len(labels) * len(series),
        style=Style(label_font_size=_FONT, value_font_size=_FONT, legend_font_size=_FONT),
        js=(),
        css=(),
        margin=8,
        no_prefix=True,
        disable_xml_declaration=True,
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        print_values=True,
        print_values_position="top",
        formatter=_words,
        zero=0,
        range=(0, _room(series)),
    )
    drawing.x_labels = list(reversed(labels))
    for name, values in series.items():
        drawing.add(name, [_plain(value) for value in reversed(values)])
    return _chart(drawing, title, about, what, labels, series)


def lines(
    title: str,
    about: str,
    what: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Number | None]],
    *,
    most: int,
) -> Chart:
    """A line a series, from 0 to `most`; it has a gap where nothing is known. The stylesheet gives
    each dashes of its own.
    """
    drawing = pygal.Line(
        width=_WIDTH,
        height=_LINES_HEIGHT,
        style=Style(label_font_size=_FONT, legend_font_size=_FONT),
        js=(),
        css=(),
        margin=8,
        no_prefix=True,
        disable_xml_declaration=True,
        show_legend=True,
        legend_at_bottom=True,
        show_minor_x_labels=False,
        dots_size=2.5,
        truncate_label=-1,
        formatter=_words,
        value_formatter=_words,
        range=(0, most),
    )
    drawing.x_labels = list(labels)
    drawing.x_labels_major = list(labels)[:: max(1, -(-len(labels) // _MOST_LABELS))]
    for name, values in series.items():
        drawing.add(name, [_plain(value) for value in values])
    return _chart(drawing, title, about, what, labels, series)


def _chart(
    drawing: Any,
    title: str,
    about: str,
    what: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Number | None]],
) -> Chart:
    drawing.add_xml_filter(lambda root: _named(_bare(root), title, about))
    svg = Markup(drawing.render(is_unicode=True))  # noqa: S704
    told = list(zip(labels, zip(*series.values(), strict=True), strict=True))
    return Chart(title, what, list(series), told, svg)


def _plain(value: Number | None) -> float | None:
    return None if value is None else float(value)


def _room(series: Mapping[str, Sequence[Number | None]]) -> float:
    """The end of the axis, with place for the number behind the longest bar."""
    return 1.1 * max((float(v) for values in series.values() for v in values if v), default=1.0)


def _words(value: float) -> str:
    return vietnamese_number(Decimal(str(round(value, 2))))


def _bare(root: Any) -> Any:
    """Without style, script, comments, tooltips and what they would show."""
    for parent in list(root.iter()):
        for child in list(parent):
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
            if not name or name in _HELD_BACK or "tooltip-overlay" in child.get("class", ""):
                parent.remove(child)
    return root


def _named(root: Any, title: str, about: str) -> Any:
    name = f"bd-{hashlib.sha256(title.encode()).hexdigest()[:8]}"
    root.attrib.pop("id", None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-t {name}-d")
    for at, (tag, words) in enumerate((("title", title), ("desc", about))):
        told = ElementTree.Element(tag, {"id": f"{name}-{tag[0]}"})
        told.text = words
        root.insert(at, told)
    return root
