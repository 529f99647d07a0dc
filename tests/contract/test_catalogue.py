"""Every label of the pages is in the one catalogue, so that another language can follow."""

from pathlib import Path

import pytest
from jinja2 import Environment

from tests.labels import CATALOGUE, VIETNAMESE, collect, templates

pytestmark = pytest.mark.contract


def test_the_catalogue_holds_every_label() -> None:
    assert CATALOGUE.read_text("utf-8") == collect(), "run: make catalogue"


@pytest.mark.parametrize(
    "template", list(templates()), ids=lambda path: f"{path.parts[-3]}/{path.name}"
)
def test_no_template_says_anything_past_the_catalogue(template: Path) -> None:
    """Text between tags, and attributes, outside `_(…)` and `{% trans %}`."""
    translated = False
    past: list[str] = []
    for line, kind, text in Environment(extensions=["jinja2.ext.i18n"]).lex(
        template.read_text("utf-8")
    ):
        if kind == "name" and text in {"trans", "endtrans"}:
            translated = text == "trans"
        if kind == "data" and not translated and VIETNAMESE.search(text):
            past.append(f"{line}: {text.strip()}")
    assert past == []
