"""What may happen to a report: the one decision that every door asks for."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.intake.domain.deadline import Lateness, lateness
from shared.contracts.inbound import Reason, ReportSubmitted
from shared.contracts.intake import Manner
from shared.refusal import Refusal

State = Literal["none", "received", "returned", "accepted"]
Command = Literal["submit", "return", "accept"]

TRANSITIONS: dict[tuple[State, Command], State] = {
    ("none", "submit"): "received",
    ("received", "submit"): "received",
    ("returned", "submit"): "received",
    ("received", "return"): "returned",
    ("received", "accept"): "accepted",
}

_WHY_NOT: dict[Command, str] = {
    "submit": "Báo cáo đã được tiếp nhận chính thức; không nhận thêm bản mới.",
    "return": "Chỉ trả lại được báo cáo đang chờ xem xét.",
    "accept": "Chỉ tiếp nhận được báo cáo đang chờ xem xét.",
}


@dataclass(frozen=True, slots=True)
class ReportState:
    """The newest revision of a participant's report for a period, and what became of it."""

    state: State = "none"
    report_id: str = ""
    revision: int = 0
    digest: str = ""
    received_at: datetime | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Reporter:
    """The participant a report is of, with the criteria codes of its group."""

    code: str
    manner: Manner
    criteria: frozenset[str]


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A period that takes reports; `report_by` is its last on-time moment."""

    code: str
    report_by: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """All that the decision rests on; None where there is no such thing."""

    reporter: Reporter | None
    period: OpenPeriod | None
    contents: frozenset[int]
    forms: frozenset[str]
    current: ReportState


@dataclass(frozen=True, slots=True)
class Taken:
    """The report was taken, or (`duplicate`) had been taken before and nothing changes."""

    after: ReportState
    lateness: Lateness
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
    """What makes two submissions the same: everything but the time that the sender claims."""
    content = submission.model_dump(mode="json", exclude={"submitted_at"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def decide_submission(
    desk: Desk, submission: ReportSubmitted, received_at: datetime
) -> Taken | Refused:
    """Take a report or refuse it with every reason at once. Late is taken, and flagged."""
    if desk.reporter is None:
        detail = f"Không có đơn vị, cá nhân nào mang mã {submission.participant}."
        return _refused("unknown-participant", "/participant", detail)
    if desk.period is None:
        detail = f"Kỳ báo cáo {submission.period} không có hoặc chưa mở."
        return _refused("wrong-period", "/period", detail)
    reasons = _field_reasons(desk, desk.reporter, submission)
    if reasons:
        return Refused(tuple(reasons))
    return _decide_revision(desk, desk.period, submission, received_at)


def _decide_revision(
    desk: Desk, period: OpenPeriod, submission: ReportSubmitted, received_at: datetime
) -> Taken | Refused:
    current, digest = desk.current, content_digest(submission)
    if current.revision == submission.revision and current.digest == digest:
        first = current.received_at or received_at
        return Taken(current, lateness(period.report_by, first), duplicate=True)
    if ("submit", current.state) == ("submit", "accepted"):
        return _refused("already-accepted", "", _WHY_NOT["submit"])
    if submission.revision <= current.revision:
        detail = (
            f"Đã có bản số {current.revision} với nội dung khác; "
            f"bản sửa phải mang số lớn hơn {current.revision}."
        )
        return _refused("revision-conflict", "/revision", detail)
    late = lateness(period.report_by, received_at)
    after = replace(
        current,
        state=transition(current.state, "submit"),
        report_id=str(submission.report_id),
        revision=submission.revision,
        digest=digest,
        received_at=received_at,
        late=late.late,
    )
    return Taken(after, late)


def _refused(code: str, pointer: str, detail: str) -> Refused:
    return Refused((Reason.model_validate({"code": code, "pointer": pointer, "detail": detail}),))


def _field_reasons(desk: Desk, reporter: Reporter, submission: ReportSubmitted) -> list[Reason]:
    wrong: dict[str, str] = {}
    seen: set[str] = set()
    for number, item in enumerate(submission.items):
        place = f"/items/{number}"
        if item.criterion not in reporter.criteria:
            allowed = ", ".join(sorted(reporter.criteria))
            wrong[f"{place}/criterion"] = f"Tiêu chí của nhóm này là: {allowed}."
        elif item.criterion in seen:
            wrong[f"{place}/criterion"] = "Tiêu chí này đã có ở trên."
        seen.add(item.criterion)
        if item.not_applicable == (item.self_score is not None):
            wrong[f"{place}/self_score"] = (
                "Ghi điểm tự chấm, hoặc ghi không áp dụng; không ghi cả hai, không bỏ cả hai."
            )
    wrong |= _unknown_references(desk, submission)
    return [
        Reason(code="invalid-field", pointer=pointer, detail=detail)
        for pointer, detail in wrong.items()
    ]


def _unknown_references(desk: Desk, submission: ReportSubmitted) -> Mapping[str, str]:
    wrong: dict[str, str] = {}
    for number, content in enumerate(submission.contents):
        if content.content not in desk.contents:
            wrong[f"/contents/{number}/content"] = "Kế hoạch không có nội dung mang số này."
    for number, nomination in enumerate(submission.nominations):
        if nomination.form not in desk.forms:
            wrong[f"/nominations/{number}/form"] = "Không có hình thức khen thưởng này."
    return wrong
