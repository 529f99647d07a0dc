"""What may happen to a report: the one decision that every door asks for."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.intake.domain.deadline import (
    BY_THEIR_OWN_DATE,
    Corrections,
    Lateness,
    Return,
    lateness_of_version,
)
from services.intake.domain.difference import SentBack, locked_changes
from services.intake.domain.evidence import Filed, wrong_files
from services.intake.domain.form import Form, report_form, wrong_sections
from shared.contracts.forms import ReportModel
from shared.contracts.inbound import Item, Reason, RejectionCode, ReportSubmitted
from shared.contracts.intake import ObligationKind
from shared.refusal import Refusal

State = Literal["none", "received", "returned", "accepted", "withdrawn", "reopened"]
Command = Literal["submit", "return", "accept", "withdraw", "reopen"]

TRANSITIONS: dict[tuple[State, Command], State] = {
    ("none", "submit"): "received",
    ("received", "submit"): "received",
    ("returned", "submit"): "received",
    ("withdrawn", "submit"): "received",
    ("reopened", "submit"): "received",
    ("received", "return"): "returned",
    ("received", "accept"): "accepted",
    ("received", "withdraw"): "withdrawn",
    ("accepted", "reopen"): "reopened",
}

_WHY_NOT: dict[Command, str] = {
    "submit": "Báo cáo đã được tiếp nhận chính thức; không nhận thêm bản mới.",
    "return": "Chỉ trả lại được báo cáo đang chờ xem xét.",
    "accept": "Chỉ tiếp nhận được báo cáo đang chờ xem xét.",
    "withdraw": "Chỉ rút lại được báo cáo đang chờ xem xét.",
    "reopen": "Chỉ mở lại được báo cáo đã được tiếp nhận chính thức.",
}

LARGEST_REPORT = 700_000
"""Bytes of JSON: what is published of a report has to pass through the broker."""


@dataclass(frozen=True, slots=True)
class Version:
    """One revision as it was taken; never changed."""

    revision: int
    report_id: str
    digest: str
    received_at: datetime
    lateness: Lateness


@dataclass(frozen=True, slots=True)
class ReportState:
    """A participant's report for a period: its versions (oldest first) and what became of it.

    `returned`: the newest return or opening anew, of the version `sent_back`; `accepted`: the
    newest revision that was accepted. 0: there is none.
    """

    state: State = "none"
    versions: tuple[Version, ...] = ()
    returned: Return | None = None
    sent_back: int = 0
    accepted: int = 0

    @property
    def revision(self) -> int:
        """The newest revision's number; 0 when there is none."""
        return self.versions[-1].revision if self.versions else 0


@dataclass(frozen=True, slots=True)
class Reporter:
    """The participant a report is of, with the criteria codes of its group."""

    code: str
    criteria: frozenset[str]


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A period that takes reports; `report_by` is its last on-time moment. `form`: what its rule
    names as the form, "" for any of its kind.
    """

    code: str
    report_by: datetime
    corrections: Corrections = BY_THEIR_OWN_DATE
    kind: ObligationKind = "annual-report"
    form: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that the decision rests on; None where there is no such thing.

    `sent_back`: the version that a correction corrects, which keeps what was not sent back.
    `files`: of the files that the report names, those that were brought.
    """

    reporter: Reporter | None
    period: OpenPeriod | None
    contents: frozenset[int]
    forms: frozenset[str]
    current: ReportState
    sent_back: SentBack | None = None
    files: Mapping[UUID, Filed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """The report was taken, or (`duplicate`) had been taken before and nothing changes."""

    version: Version
    after: ReportState
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    reasons: tuple[Reason, ...]


def transition(state: State, command: Command) -> State:
    """Raises Refusal, in Vietnamese: an unknown transition is refused."""
    try:
        return TRANSITIONS[state, command]
    except KeyError:
        raise Refusal(f"cannot-{command}", _WHY_NOT[command]) from None


def content_digest(submission: ReportSubmitted) -> str:
    """What makes two submissions the same: everything but the time that the sender claims.

    What the first form did not have is left out where it holds nothing, so that a report which was
    taken before there were others is known again.
    """
    content = submission.model_dump(mode="json", exclude={"submitted_at"})
    if content["form"] == _FIRST_FORM:
        del content["form"]
    _drop_empty(content, ("situation", "digital_literacy", "aims", "lessons", "directions"))
    for item in content["items"]:
        _drop_empty(item, ("nothing_arose", "reason"))
    for indicator in content["indicators"]:
        _drop_empty(indicator, ("title", "unit", "criterion", "evidence"))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


_FIRST_FORM = ReportSubmitted.model_fields["form"].default


def _drop_empty(part: dict[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if not part[name]:
            del part[name]


def decide_submission(
    desk: Desk, submission: ReportSubmitted, received_at: datetime
) -> Taken | Refused:
    """Take a report or refuse it with every reason at once. Late is taken, and flagged.

    A version that was taken before is known again, whatever has happened since.
    """
    digest = content_digest(submission)
    for version in desk.current.versions:
        if (version.revision, version.digest) == (submission.revision, digest):
            return Taken(version, desk.current, duplicate=True)
    reasons = tuple(_reasons(desk, submission))
    if reasons or desk.period is None:
        return Refused(reasons)
    version = Version(
        submission.revision,
        str(submission.report_id),
        digest,
        received_at,
        lateness_of_version(
            desk.period.report_by, desk.current.returned, desk.period.corrections, received_at
        ),
    )
    state = transition(desk.current.state, "submit")
    versions = (*desk.current.versions, version)
    return Taken(version, replace(desk.current, state=state, versions=versions))


def _reasons(desk: Desk, submission: ReportSubmitted) -> Iterator[Reason]:
    if desk.reporter is None:
        detail = f"Không có đơn vị, cá nhân nào mang mã {submission.participant}."
        yield _reason("unknown-participant", "/participant", detail)
    if desk.period is None:
        detail = f"Kỳ báo cáo {submission.period} không có hoặc chưa mở."
        yield _reason("wrong-period", "/period", detail)
    yield from _reasons_of_state(desk.current, submission)
    wrong = _wrong_size(submission)
    if desk.reporter is not None and desk.period is not None:
        wrong |= _wrong_form(desk.reporter, desk.period, submission)
        wrong |= _wrong_references(desk, submission)
        wrong |= wrong_files(submission, desk.files)
        if desk.sent_back is not None:
            wrong |= locked_changes(desk.sent_back, submission.model_dump(mode="json")) | wrong
    for pointer, detail in wrong.items():
        yield _reason("invalid-field", pointer, detail)


def _reasons_of_state(current: ReportState, submission: ReportSubmitted) -> Iterator[Reason]:
    if (current.state, "submit") not in TRANSITIONS:
        yield _reason("already-accepted", "", _WHY_NOT["submit"])
    elif submission.revision <= current.revision:
        detail = (
            f"Đã có bản số {current.revision}; "
            f"bản có nội dung khác phải mang số lớn hơn {current.revision}."
        )
        yield _reason("revision-conflict", "/revision", detail)


def _reason(code: RejectionCode, pointer: str, detail: str) -> Reason:
    return Reason(code=code, pointer=pointer, detail=detail)


def _wrong_size(submission: ReportSubmitted) -> dict[str, str]:
    if len(submission.model_dump_json().encode()) <= LARGEST_REPORT:
        return {}
    limit = LARGEST_REPORT // 1000
    detail = f"Báo cáo dài hơn {limit} KB; hãy rút gọn và để phần chi tiết trong minh chứng."
    return {"": detail}


def _wrong_form(
    reporter: Reporter, period: OpenPeriod, submission: ReportSubmitted
) -> dict[str, str]:
    """By the form that the obligation asks for; of a report on another one nothing more is said."""
    form = report_form(period.kind, period.form, submission.form, submission.form_version)
    return wrong_on(form, reporter, submission) if isinstance(form, Form) else form


def wrong_on(form: Form, reporter: Reporter, submission: ReportSubmitted) -> dict[str, str]:
    """What is wrong with a report that is on this form, by pointer."""
    if not issubclass(form.model, ReportModel):
        raise TypeError(f"{form.name} is no form of a report")
    return wrong_sections(form, submission) | _wrong_items(reporter, form.model, submission)


def _wrong_items(
    reporter: Reporter, form: type[ReportModel], submission: ReportSubmitted
) -> dict[str, str]:
    wrong: dict[str, str] = {}
    seen: set[str] = set()
    for number, item in enumerate(submission.items):
        place = f"/items/{number}"
        if item.criterion not in reporter.criteria:
            allowed = ", ".join(sorted(reporter.criteria)) or "chưa có"
            wrong[f"{place}/criterion"] = f"Tiêu chí của nhóm này: {allowed}."
        elif item.criterion in seen:
            wrong[f"{place}/criterion"] = "Tiêu chí này đã có ở trên."
        seen.add(item.criterion)
        unscored = item.not_applicable or item.nothing_arose
        wrong |= _wrong_result(place, item, scored=form.SCORED)
        if item.not_applicable and item.nothing_arose:
            wrong[f"{place}/nothing_arose"] = (
                "Ghi không áp dụng, hoặc ghi không phát sinh; không ghi cả hai."
            )
        if unscored and not item.reason and form.REASONED:
            wrong[f"{place}/reason"] = "Nêu lý do không áp dụng hoặc không phát sinh."
    return wrong


def _wrong_result(place: str, item: Item, *, scored: bool) -> dict[str, str]:
    """Points of the unit's own, or words where the form has no points; or neither of both."""
    unscored = item.not_applicable or item.nothing_arose
    if scored:
        words = (
            "Ghi điểm tự chấm, hoặc ghi không áp dụng hay không phát sinh;"
            " không ghi cả hai, không bỏ cả hai."
        )
        wrong = unscored == (item.self_score is not None)
        return {f"{place}/self_score": words} if wrong else {}
    if item.self_score is not None:
        words = "Mẫu này không chấm điểm; điểm tự chấm ghi ở báo cáo năm."
        return {f"{place}/self_score": words}
    if unscored or item.narrative:
        return {}
    words = "Ghi kết quả, hoặc ghi không áp dụng hay không phát sinh."
    return {f"{place}/narrative": words}


def _wrong_references(desk: Desk, submission: ReportSubmitted) -> dict[str, str]:
    wrong: dict[str, str] = {}
    for number, content in enumerate(submission.contents):
        if content.content not in desk.contents:
            wrong[f"/contents/{number}/content"] = "Kế hoạch không có nội dung mang số này."
    criteria = desk.reporter.criteria if desk.reporter else frozenset()
    codes: set[str] = set()
    for number, indicator in enumerate(submission.indicators):
        if indicator.criterion is not None and indicator.criterion not in criteria:
            allowed = ", ".join(sorted(criteria)) or "chưa có"
            wrong[f"/indicators/{number}/criterion"] = f"Tiêu chí của nhóm này: {allowed}."
        if indicator.code in codes:
            wrong[f"/indicators/{number}/code"] = "Chỉ tiêu này đã có ở trên."
        codes.add(indicator.code)
    for number, nomination in enumerate(submission.nominations):
        if nomination.form not in desk.forms:
            wrong[f"/nominations/{number}/form"] = "Không có hình thức khen thưởng này."
    return wrong
