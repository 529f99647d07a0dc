"""The register of forms that reports and plans are written on, by code and version.

What each asks for is a model in `shared/contracts/forms.py`; its JSON Schema stands in docs/forms.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.forms import (
    AnnualReport1,
    AnnualReport2,
    FinalReview1,
    FormModel,
    MidtermReview1,
    Plan1,
    ReportModel,
    faults,
    titles_of,
)
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import ObligationKind
from shared.fields import field_problems


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form, and of which duty; `name` as "annual-report.v2"."""

    code: str
    version: int
    kind: ObligationKind
    title: str
    model: type[FormModel]

    @property
    def name(self) -> str:
        return f"{self.code}.v{self.version}"


FORMS: tuple[Form, ...] = (
    Form("unit-plan", 1, "unit-plan", "Kế hoạch của đơn vị", Plan1),
    Form("digital-literacy-plan", 1, "digital-literacy-plan", "Kế hoạch Bình dân học vụ số", Plan1),
    Form("annual-report", 1, "annual-report", "Báo cáo năm", AnnualReport1),
    Form("annual-report", 2, "annual-report", "Báo cáo năm", AnnualReport2),
    Form("midterm-review", 1, "midterm-report", "Báo cáo sơ kết", MidtermReview1),
    Form("final-review", 1, "final-report", "Báo cáo tổng kết", FinalReview1),
)


def forms_of(kind: str, rule: str) -> tuple[Form, ...]:
    """The forms that a duty of this kind takes, the newest last. `rule`: what its rule names, a
    form's code (any version), a form's name (that version) or "" (any form of the kind).
    """
    return tuple(f for f in FORMS if f.kind == kind and rule in {"", f.code, f.name})


def form_of(body: Mapping[str, Any]) -> Form:
    """The form that a report which was taken is on. Raises LookupError."""
    code, version = body.get("form", "annual-report"), body["form_version"]
    found = [form for form in FORMS if (form.code, form.version) == (code, version)]
    if not found:
        raise LookupError(f"there is no form {code}.v{version}")
    return found[0]


def names_of(kind: str) -> list[str]:
    """All that a rule of a kind may name as its form."""
    return list(dict.fromkeys(n for f in forms_of(kind, "") for n in (f.code, f.name)))


def report_form(kind: str, rule: str, code: str, version: int) -> Form | dict[str, str]:
    """The form that a report says it is written on; what is wrong, by pointer, where the duty
    takes another.
    """
    taken = forms_of(kind, rule)
    of_code = [form for form in taken if form.code == code]
    for form in of_code:
        if form.version == version:
            return form
    titles = ", ".join(dict.fromkeys(f"{form.title} ({form.code})" for form in taken)) or "khác"
    if not of_code:
        return {"/form": f"Kỳ này nhận mẫu {titles}; báo cáo gửi theo mẫu {code}."}
    numbers = ", ".join(str(form.version) for form in of_code)
    return {"/form_version": f"Kỳ này nhận mẫu {titles}, bản số {numbers}."}


SECTIONS = frozenset(
    name
    for form in FORMS
    if issubclass(form.model, ReportModel)
    for name in form.model.model_fields
)
"""All sections that some form of a report has."""


def section_titles(form: Form) -> Mapping[str, str]:
    """The form's sections in their order."""
    return titles_of(form.model)


def wrong_sections(form: Form, submission: ReportSubmitted) -> dict[str, str]:
    """What a report has that its form does not ask for, and lacks that it does, by pointer."""
    return dict(_told(form, faults(form.model, submission, SECTIONS)))


def _told(form: Form, errors: Sequence[Any]) -> Iterator[tuple[str, str]]:
    kinds = {tuple(error["loc"]): error["type"] for error in errors}
    titles = section_titles(form)
    for problem in field_problems(errors):
        name = problem.pointer.removeprefix("/")
        kind = kinds.get((name,))
        if kind == "extra_forbidden":
            yield problem.pointer, f"Mẫu {form.title} không có phần này."
        elif kind == "missing":
            yield problem.pointer, f"Mẫu {form.title} cần phần này: {titles[name]}."
        else:
            yield problem.pointer, problem.detail
