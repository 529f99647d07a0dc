"""The register of forms: what each asks for, which a duty takes, a review from page to report."""

import copy
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.difference import (
    KEYED,
    LISTED,
    SECTIONS,
    TEXTS,
    SentBack,
    differences,
    is_locked,
    locked_changes,
)
from services.intake.domain.form import (
    FORMS,
    Form,
    form_of,
    forms_of,
    names_of,
    report_form,
    section_titles,
    wrong_sections,
)
from services.intake.domain.form import SECTIONS as OF_ALL
from services.intake.domain.report import Desk, OpenPeriod, Reporter, ReportState, decide_submission
from services.intake.domain.rule import BY_DOCUMENT, Rules, check_rules
from services.intake.forms.movement import RuleForm
from services.intake.forms.report import Asked, fields_of, known_names, read, sections
from shared.contracts.forms import ReportModel
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import ObligationKind
from tests.unit.test_intake_deadline import DEADLINE
from tests.unit.test_intake_report import EARLY, reasons

pytestmark = pytest.mark.unit

REPORTS = [form for form in FORMS if form.kind not in BY_DOCUMENT]
BODY: dict[str, Any] = {
    "ward": "tu-minh",
    "participant": "thcs-1",
    "report_id": "f0b7b1de-7c5a-4d0f-8f7e-3f6f5a2b2027",
    "revision": 1,
    "submitted_at": "2027-10-01T09:00:00+07:00",
}
EVIDENCE = {"title": "Biểu tổng hợp", "url": "https://truong.example/bieu.xlsx"}
SECTION: dict[str, Any] = {
    "situation": "Đã triển khai ba năm.",
    "aims": [{"aim": "Số hóa hồ sơ", "reached": "partly", "result": "Đạt 80 %."}],
    "contents": [{"content": 1, "text": "Đã tập huấn."}],
    "indicators": [
        {
            "code": "a1-1",
            "value": "80",
            "title": "Hồ sơ đã số hóa",
            "unit": "%",
            "criterion": "a1",
            "evidence": [EVIDENCE],
        }
    ],
    "role_models": [{"name": "Tổ 1", "summary": "Làm tốt."}],
    "digital_literacy": "Ba lớp.",
    "difficulties": "Thiếu máy.",
    "lessons": "Giao việc sớm.",
    "directions": "Làm nốt phần còn lại.",
    "nominations": [{"subject": "Tổ 1", "form": "giay-khen", "reason": "Dẫn đầu."}],
}
ITEM = {"criterion": "a1", "narrative": "Đã xong.", "evidence": [EVIDENCE]}


def filled(form: Form, **changes: Any) -> ReportSubmitted:
    """A report with every section that the form has."""
    scored = {"self_score": "9"} if form.model.SCORED else {}  # type: ignore[attr-defined]
    told = SECTION | {"items": [ITEM | scored]}
    sent = {name: told[name] for name in section_titles(form)}
    head = {"period": f"2027-{form.code}", "form": form.code, "form_version": form.version}
    return ReportSubmitted.model_validate(copy.deepcopy(BODY | head | sent | changes))


def decide(form: Form, sent: ReportSubmitted, rule: str = "") -> Any:
    desk = Desk(
        reporter=Reporter("thcs-1", frozenset({"a1", "a2"})),
        period=OpenPeriod(sent.period, DEADLINE, kind=form.kind, form=rule),
        contents=frozenset({1}),
        forms=frozenset({"giay-khen"}),
        current=ReportState(),
    )
    return decide_submission(desk, sent, EARLY)


# --- the register ---


def test_every_kind_of_duty_has_a_form_and_every_version_counts_from_one() -> None:
    assert {form.kind for form in FORMS} == set(get_args(ObligationKind))
    for code in {form.code for form in FORMS}:
        versions = [form.version for form in FORMS if form.code == code]
        assert versions == list(range(1, len(versions) + 1))
        assert len({form.kind for form in FORMS if form.code == code}) == 1


def test_what_all_forms_ask_for_is_what_the_contract_has_and_a_difference_knows() -> None:
    own = {"ward", "participant", "period", "report_id", "revision", "submitted_at"}
    assert set(ReportSubmitted.model_fields) - own - {"form", "form_version"} == OF_ALL
    assert set(SECTIONS) == OF_ALL == {*TEXTS, *KEYED, *LISTED}


@pytest.mark.parametrize("form", REPORTS, ids=lambda form: form.name)
def test_limits_of_the_form_are_those_of_the_contract(form: Form) -> None:
    ours, theirs = (m.model_json_schema()["properties"] for m in (form.model, ReportSubmitted))
    for name, schema in ours.items():
        assert schema["title"], name
        for limit in ("maxLength", "maxItems"):
            assert schema.get(limit) == theirs[name].get(limit), (form.name, name)


def test_a_rule_names_a_form_one_version_of_it_or_none() -> None:
    newest = [form.name for form in forms_of("annual-report", "")]
    assert newest == ["annual-report.v1", "annual-report.v2"]
    assert forms_of("annual-report", "annual-report") == forms_of("annual-report", "")
    assert [f.name for f in forms_of("annual-report", "annual-report.v2")] == ["annual-report.v2"]
    assert forms_of("annual-report", "midterm-review") == ()
    assert names_of("midterm-report") == ["midterm-review", "midterm-review.v1"]
    with pytest.raises(LookupError):
        form_of({"form": "annual-report", "form_version": 3})
    assert form_of({"form_version": 1}).name == "annual-report.v1"


@pytest.mark.parametrize("kind", get_args(ObligationKind))
@pytest.mark.parametrize(
    "named", ["", "khong-co", *(name for f in FORMS for name in (f.code, f.name))]
)
def test_a_rule_with_a_form_of_another_kind_is_not_adopted(
    kind: ObligationKind, named: str
) -> None:
    own = named == "" or any(f.kind == kind and named in {f.code, f.name} for f in FORMS)
    rule = RuleForm.model_validate(
        {
            "code": "viec",
            "kind": kind,
            "title": "Việc",
            "suffix": "viec",
            "due": {"month": 10, "day": 1},
            "due_text": "trước ngày 02/10",
            "form": named,
        }
    )
    found = list(check_rules(Rules((rule.rule(),), (), {}, (7,)), frozenset(), frozenset()))
    assert [(one.name, one.pointer) for one in found] == (
        [] if own else [("unknown-form", "/rules/0/form")]
    )
    if not own:
        assert named in found[0].detail
        assert names_of(kind)[0] in found[0].detail


# --- what a report has to be on ---

WANTED = {
    "annual-report": set(),
    "midterm-review": {"aims", "lessons", "directions"},
    "final-review": {"aims", "lessons"},
}


@pytest.mark.parametrize("form", REPORTS, ids=lambda form: form.name)
@pytest.mark.parametrize("sent", REPORTS, ids=lambda form: form.name)
def test_a_duty_takes_reports_on_its_own_form_alone(form: Form, sent: Form) -> None:
    body = filled(sent)
    told = decide(form, body, form.name)
    if sent == form:
        assert told.version.revision == 1
        return
    [reason] = told.reasons
    place = "/form_version" if sent.code == form.code else "/form"
    assert (reason.code, reason.pointer) == ("invalid-field", place)
    assert form.title in reason.detail


@pytest.mark.parametrize("form", REPORTS, ids=lambda form: form.name)
def test_whatever_a_form_asks_for_may_be_filled_in(form: Form) -> None:
    assert wrong_sections(form, filled(form)) == {}


@pytest.mark.parametrize("form", REPORTS, ids=lambda form: form.name)
def test_a_section_that_a_form_wants_or_does_not_have_is_named(form: Form) -> None:
    wanted = {name for name, one in form.model.model_fields.items() if one.is_required()}
    of_all = {name for name, one in ReportSubmitted.model_fields.items() if one.is_required()}
    assert wanted - of_all == WANTED[form.code]
    for name in wanted - of_all:
        body = filled(form).model_copy(update={name: "" if name in TEXTS else ()})
        assert set(wrong_sections(form, body)) == {f"/{name}"}
        assert section_titles(form)[name] in wrong_sections(form, body)[f"/{name}"]
    for name in OF_ALL - section_titles(form).keys():
        body = filled(form, **{name: SECTION[name]})
        assert wrong_sections(form, body) == {f"/{name}": f"Mẫu {form.title} không có phần này."}


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        ({"narrative": "Đã xong."}, None),
        ({"not_applicable": True, "reason": "Không có thủ tục."}, None),
        ({"nothing_arose": True, "reason": "Chưa có."}, None),
        ({"nothing_arose": True}, "/items/0/reason"),
        ({}, "/items/0/narrative"),
        ({"narrative": "Đã xong.", "self_score": "9"}, "/items/0/self_score"),
        (
            {"not_applicable": True, "nothing_arose": True, "reason": "a"},
            "/items/0/nothing_arose",
        ),
    ],
)
@pytest.mark.parametrize("name", ["midterm-review", "final-review"])
def test_a_review_tells_of_each_criterion_without_points(
    name: str, item: dict[str, Any], pointer: str | None
) -> None:
    [form] = [one for one in FORMS if one.code == name]
    told = decide(form, filled(form, items=[{"criterion": "a1", **item}]))
    if pointer is None:
        assert told.version.revision == 1
    else:
        assert reasons(told) == [("invalid-field", pointer)]
        said = told.reasons[0].detail
        assert ("điểm tự chấm ghi ở báo cáo năm" in said) is pointer.endswith("self_score")


def test_indicators_are_of_the_group_s_criteria_and_each_there_once() -> None:
    form = REPORTS[1]
    again = [SECTION["indicators"][0], SECTION["indicators"][0] | {"criterion": "b1"}]
    assert reasons(decide(form, filled(form, indicators=again))) == [
        ("invalid-field", "/indicators/1/criterion"),
        ("invalid-field", "/indicators/1/code"),
    ]


def test_files_that_an_indicator_names_have_to_be_there() -> None:
    form = REPORTS[1]
    url = "https://phuong.example/intake/evidence/5d0c1b52-6c0f-5b52-9d63-9f1f7c1d1a52"
    one = SECTION["indicators"][0] | {"evidence": [{"title": "Biểu", "url": url}]}
    told = decide(form, filled(form, indicators=[one]))
    assert reasons(told) == [("invalid-field", "/indicators/0/evidence/0/url")]


# --- the page ---


def asked(form: Form) -> Asked:
    return Asked(form, [(1, "Một"), (2, "Hai")], [("a1", "A"), ("a2", "B")], [("giay-khen", "K")])


@pytest.mark.parametrize("form", REPORTS, ids=lambda form: form.name)
def test_a_page_asks_for_the_form_s_sections_in_its_order_and_reads_them_back(form: Form) -> None:
    shown = sections(asked(form), {})
    assert {one.code: one.title for one in shown} == section_titles(form)
    assert [one.code for one in shown] == list(section_titles(form))
    body = filled(form).model_dump(mode="json")
    fields = fields_of(body)
    assert set(fields) <= known_names(asked(form), fields)
    found = read(asked(form), fields, body).content
    head = {"form": form.code, "form_version": form.version, "period": body["period"]}
    again = ReportSubmitted.model_validate(BODY | head | found)
    assert again.model_dump(mode="json") == body


def test_each_criterion_has_a_row_for_one_more_number() -> None:
    fields = {"indicators.a1-2.value": "8", "indicators.dvc.value": "9"}
    codes = [part.code for part in sections(asked(REPORTS[1]), fields)[3].parts]
    assert codes == [f"indicators.{code}" for code in ("a1-1", "a1-2", "a1-3", "a2-1", "dvc")]
    found = read(asked(REPORTS[1]), fields, {})
    assert [(one["code"], one["criterion"]) for one in found.content["indicators"]] == [
        ("a1-2", "a1"),
        ("dvc", None),
    ]
    assert found.name_of("/indicators/0/value") == "indicators.a1-2.value"
    assert found.name_of("/indicators/1/code") == "indicators.dvc.title"


def test_what_another_system_calls_otherwise_keeps_its_code_and_criterion() -> None:
    one = SECTION["indicators"][0] | {"code": "dvc", "value": "80.00"}
    body = filled(REPORTS[1], indicators=[one]).model_dump(mode="json")
    found = read(asked(REPORTS[1]), fields_of(body) | {"indicators.dvc.value": "81"}, body)
    [kept] = found.content["indicators"]
    assert (kept["code"], kept["criterion"], kept["value"]) == ("dvc", "a1", "81")


@pytest.mark.parametrize("criterion", [None, "a2"])
def test_a_number_of_another_system_is_of_no_criterion_by_its_code(criterion: str | None) -> None:
    """So a correction of something else leaves it as it was."""
    one = {"code": "a1-1", "value": "80.00", "criterion": criterion}
    body = filled(REPORTS[1], indicators=[one]).model_dump(mode="json")
    found = read(asked(REPORTS[1]), fields_of(body) | {"difficulties": "Thiếu người."}, body)
    assert [kept["criterion"] for kept in found.content["indicators"]] == [criterion]


def test_a_number_without_a_value_is_named_beside_its_field() -> None:
    found = read(asked(REPORTS[1]), {"indicators.a1-1.title": "Hồ sơ"}, {})
    with pytest.raises(ValueError, match=r"indicators\.0\.value"):
        ReportSubmitted.model_validate(filled(REPORTS[1]).model_dump() | found.content)


# --- what may change of a review that was sent back ---

REVIEWS = [form for form in REPORTS if form.code.endswith("review")]


def other(value: Any) -> Any:
    """Something else in its place."""
    if isinstance(value, str):
        return value + " Sửa."
    return [
        {
            k: other(v) if k in {"result", "text", "narrative", "summary", "reason"} else v
            for k, v in one.items()
        }
        for one in value
    ]


@given(st.sampled_from(REVIEWS), st.data())
def test_a_part_of_a_review_is_locked_where_and_only_where_a_change_of_it_is_refused(
    form: Form, data: st.DataObject
) -> None:
    body = filled(form).model_dump(mode="json")
    titles = section_titles(form)
    named = data.draw(st.sets(st.sampled_from(sorted(titles)), max_size=3))
    before = SentBack(1, body, tuple(f"/{name}" for name in sorted(named)))
    changed = data.draw(st.sampled_from([name for name in titles if name != "indicators"]))
    new = body | {changed: other(body[changed])}
    assert {one.place.partition("/")[0] for one in differences(body, new)} == {changed}
    refused = locked_changes(before, new)
    assert bool(refused) is (changed not in named)
    parts = [p.code for s in sections(asked(form), fields_of(body)) for p in s.parts]
    for part in parts:
        if part.partition(".")[0] == changed:
            assert is_locked(before, part) is (changed not in named)


@pytest.mark.parametrize("form", REVIEWS, ids=lambda form: form.name)
def test_what_the_first_review_left_empty_is_locked_all_the_same(form: Form) -> None:
    """Only the first annual report did not ask for all that its body has room for."""
    body = filled(form, situation="", digital_literacy="").model_dump(mode="json")
    back = SentBack(1, body, ("/lessons",))
    for name in ("situation", "digital_literacy"):
        assert set(locked_changes(back, body | {name: "Thêm."})) == {f"/{name}"}
        assert is_locked(back, name)


@pytest.mark.parametrize("form", REVIEWS, ids=lambda form: form.name)
def test_one_aim_that_was_sent_back_may_change_and_no_other(form: Form) -> None:
    aims = [{"aim": name, "reached": "partly", "result": ""} for name in ("Một", "Hai")]
    body = filled(form, aims=aims).model_dump(mode="json")
    back = SentBack(1, body, ("/aims/1",))
    mended = [aims[0], aims[1] | {"reached": "reached"}]
    spoiled = [aims[0] | {"reached": "reached"}, aims[1]]
    assert locked_changes(back, body | {"aims": mended}) == {}
    assert set(locked_changes(back, body | {"aims": spoiled})) == {"/aims/0"}
    [change] = differences(body, body | {"aims": mended})
    assert (change.place, change.old, change.new) == ("aims/Hai/reached", "partly", "reached")


def test_a_form_that_is_no_report_s_takes_none() -> None:
    [plan] = forms_of("unit-plan", "")
    assert not issubclass(plan.model, ReportModel)
    words = "Kỳ này nhận mẫu Kế hoạch của đơn vị (unit-plan); báo cáo gửi theo mẫu annual-report."
    assert report_form("unit-plan", "", "annual-report", 1) == {"/form": words}
    with pytest.raises(TypeError):
        decide(plan, replace_form(filled(REPORTS[0]), plan))


def replace_form(sent: ReportSubmitted, form: Form) -> ReportSubmitted:
    return sent.model_copy(update={"form": form.code, "form_version": form.version})
