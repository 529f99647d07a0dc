"""The forms of reports and plans: `python -m deploy.forms` writes their JSON Schemas.

`docs/forms/<code>.v<N>.json`; the models in `shared/contracts/forms.py` are the source, a test
compares.
"""

import json
from typing import Any

from deploy.local.state import ROOT
from services.intake.domain.form import FORMS, Form

FOLDER = ROOT / "docs" / "forms"


def schema_of(form: Form) -> dict[str, Any]:
    """The sections of a form, in their order; `title` is what people read above each."""
    model = form.model.model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:thidua:form:{form.name}",
        "title": form.title,
        "description": f"{form.code}, version {form.version}: what a duty {form.kind} is met by.",
    }
    return {**model, **head}


def files() -> dict[str, str]:
    """Name -> text of every file."""
    return {
        f"{form.name}.json": json.dumps(schema_of(form), indent=2, ensure_ascii=False) + "\n"
        for form in FORMS
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
