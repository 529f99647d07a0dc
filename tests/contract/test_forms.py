"""Forms as JSON Schemas: the files are the models', and say what the one decision says."""

import json
from typing import Any

import jsonschema_rs
import pytest

from deploy.forms import FOLDER, files, schema_of
from services.intake.domain.form import FORMS, SECTIONS, Form
from tests.unit.test_intake_form import REPORTS, filled

pytestmark = pytest.mark.contract


REVIEWS = {"midterm-review", "final-review"}


def test_the_files_are_those_of_the_models() -> None:
    here = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert here == files(), "run `python -m deploy.forms`"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_each_is_a_schema_whose_sections_have_titles_for_people(form: Form) -> None:
    schema = schema_of(form)
    jsonschema_rs.validator_for(schema)
    assert schema["$id"].endswith(form.name)
    assert all(" " in one["title"] for one in schema["properties"].values())


@pytest.mark.parametrize("form", REPORTS, ids=lambda form: form.name)
@pytest.mark.parametrize("sent", REPORTS, ids=lambda form: form.name)
def test_a_schema_takes_what_is_written_on_its_form(form: Form, sent: Form) -> None:
    """Versions of the annual report have the same sections, and so have the two reviews."""
    report = filled(sent)
    body: dict[str, Any] = json.loads(
        report.model_dump_json(include=set(SECTIONS), exclude_defaults=True)
    )
    fits = jsonschema_rs.validator_for(schema_of(form)).is_valid(body)
    assert fits is (form.code == sent.code or {form.code, sent.code} == REVIEWS)
