"""A report is written together and sent: drafts, a head's approval, what the office enters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, cast

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid6 import uuid7

from services.intake.commands.desk import check_is_theirs, speaks_as, speaks_for, speaks_for_all
from services.intake.domain.difference import SentBack, is_locked
from services.intake.domain.draft import (
    Author,
    Clash,
    Command,
    Draft,
    Side,
    Stamp,
    State,
    clashes,
    merge,
    transition,
)
from services.intake.domain.office import Subject, check_may_judge
from services.intake.domain.report import Refused, ReportState, Taken
from services.intake.domain.report import transition as move_report
from services.intake.doors import Submission, take_submissions
from services.intake.forms import report as forms
from services.intake.forms.drafts import (
    ActForm,
    ApprovalRuleForm,
    DraftSubmissionForm,
    PaperForm,
)
from services.intake.forms.report import Asked, Read
from services.intake.store import counter, drafts, evidence
from services.intake.store import desk as store
from services.intake.store.draft_tables import paper as papers
from shared.calendar import last_moment_of, vietnamese_date, ward_day
from shared.contracts.inbound import ReportSubmitted
from shared.fields import FieldProblem, field_problems
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import Problem, conflict, not_found, refused

LARGEST_DRAFT = 700_000
"""Characters: a report is not to be larger either."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One participant's report for a period, as one side writes it.

    `newest`: the body of the newest version, {} before the first.
    """

    key: store.Key
    name: str
    side: Side
    author: Author
    subject: Subject
    period: Any
    asked: Asked
    report: ReportState
    newest: Mapping[str, Any]
    sent_back: SentBack | None
    head_approves: bool
    row: Any
    draft: Draft

    @property
    def state(self) -> State:
        return "none" if self.row is None else cast(State, self.row.state)

    @property
    def fields(self) -> Mapping[str, str]:
        """What is written; before anything is, what was sent last."""
        if self.row is not None or not self.newest:
            return self.draft.fields
        return forms.fields_of(self.newest)

    @property
    def is_behind(self) -> bool:
        """A version came in by another door since the draft was saved."""
        return self.row is not None and bool(self.row.based_on != self.report.revision)

    @property
    def may_be_sent(self) -> bool:
        """Whether the office would take a version now."""
        return self.report.state != "accepted"

    def locked(self) -> list[str]:
        """The parts that stay as they were sent."""
        if self.sent_back is None:
            return []
        parts = (part.code for one in forms.sections(self.asked, self.fields) for part in one.parts)
        return [code for code in parts if is_locked(self.sent_back, code)]

    def next(self, command: Command) -> State:
        """Raises Refusal when the command is out of turn or not theirs to give."""
        return transition(self.state, command, self.author, head_approves=self.head_approves)


class LostRace(Exception):
    """Somebody else has saved the same fields since. Nothing is lost: both texts are here."""

    def __init__(self, desk: Desk, found: list[Clash], typed: Mapping[str, str]) -> None:
        super().__init__(f"{len(found)} fields of the draft were changed by two")
        self.desk = desk
        self.clashes = found
        self.typed = typed


def check_may_send(person: Person, code: str, row: Any) -> None:
    """Raises Refusal when a report is not theirs to send, or wants its head's approval first.

    `row`: the participant, None where there is none.
    """
    check_is_theirs(person, code, row)
    if row is None or not row.head_approves:
        return
    subject = Subject(code, row.proposed_by)
    if not speaks_for_all(person) or subject.belongs_to(person.all_units):
        transition("draft", "submit", speaks_as(person, subject), head_approves=True)


def place_of(person: Person, subject: Subject) -> tuple[Side, Author]:
    """On whose side somebody writes. Raises Problem (404): a unit's draft is nobody else's."""
    if subject.belongs_to(speaks_for(person)) and person.has("reporter", "head"):
        return "unit", speaks_as(person, subject)
    if person.has("officer", "substitute-officer"):
        return "office", "office"
    raise not_found("hồ sơ này, hoặc hồ sơ này không thuộc về bạn")


async def load(connection: AsyncConnection, person: Person, key: store.Key) -> Desk:
    """Raises Problem (404) for whoever does not write this report, as where there is nothing."""
    ward, (code, period_code) = person.ward, key
    known = await counter.known_about(connection, ward, [key], "annual-report")
    of, period = known.participants.get(code), known.periods.get(period_code)
    if of is None or period is None or period.kind != "annual-report":
        raise not_found("hồ sơ này, hoặc hồ sơ này không thuộc về bạn")
    subject = Subject(code, of.proposed_by, of.reporter)
    side, author = place_of(person, subject)
    recalled = (await drafts.recall(connection, ward, known.reports)).get(key)
    report = recalled.state if recalled else ReportState()
    version = (
        await store.judged_version(connection, ward, key, report.revision) if recalled else None
    )
    row = await drafts.find_draft(connection, ward, key, side)
    return Desk(
        key=key,
        name=of.name,
        side=side,
        author=author,
        subject=subject,
        period=period,
        asked=_asked(of, known.movements.get(period.movement, {})),
        report=report,
        newest=version.body if version else {},
        sent_back=recalled.sent_back if recalled else None,
        head_approves=of.head_approves and side == "unit",
        row=row,
        draft=_draft(row),
    )


def _draft(row: Any) -> Draft:
    if row is None:
        return Draft()
    stamps = {name: Stamp(*one) for name, one in row.stamps.items()}
    return Draft(row.version, row.begun, row.fields, stamps)


def _asked(of: Any, movement: Mapping[str, Any]) -> Asked:
    return Asked(
        [(one["number"], one["text"]) for one in movement.get("contents", ())],
        [
            (criterion["code"], criterion["text"])
            for group in movement.get("groups", ())
            if group["code"] == of.group_code
            for criterion in group["criteria"]
            if not criterion["only_for"] or of.kind in criterion["only_for"]
        ],
        [(form["code"], form["title"]) for form in movement.get("forms", ())],
    )


async def save(
    work: UnitOfWork, person: Person, key: store.Key, typed: Mapping[str, str], seen: int
) -> Desk:
    """Save what was typed over version `seen`; returns how it stands now.

    Raises LostRace, Refusal, Problem. The lock of the participant's key is held.
    """
    desk = await load(work.connection, person, key)
    desk.next("save")
    if not desk.may_be_sent:
        move_report(desk.report.state, "submit")
    before = desk.draft if desk.row is not None else Draft(fields=dict(desk.fields))
    _check_names(desk, typed)
    if found := clashes(before, seen, typed):
        raise LostRace(desk, found, typed)
    merged = merge(before, seen, typed, int(work.system.now().timestamp()))
    _check_size(merged)
    await _put(work, person, desk, merged, "draft", desk.report.revision)
    return await load(work.connection, person, key)


def _check_names(desk: Desk, typed: Mapping[str, str]) -> None:
    known = forms.known_names(desk.asked, {**desk.fields, **typed})
    wrong = [
        FieldProblem(f"/fields/{name}", "Biểu mẫu không có trường này.")
        for name in typed
        if name not in known
    ]
    if wrong:
        raise refused("no-such-field", "Có trường không có trong biểu mẫu.", wrong[:50])


def _check_size(draft: Draft) -> None:
    if draft.size > LARGEST_DRAFT:
        words = "Bản soạn quá dài; hãy rút gọn và để phần chi tiết trong minh chứng."
        raise refused("draft-too-large", words)


async def _put(
    work: UnitOfWork,
    person: Person,
    desk: Desk,
    draft: Draft,
    state: State,
    based_on: int,
    said: str = "",
    approved_by: str = "",
) -> None:
    now = work.business.now()
    row = {
        "ward": person.ward,
        "participant": desk.key[0],
        "period": desk.key[1],
        "side": desk.side,
        "begun": draft.begun,
        "version": draft.version,
        "state": state,
        "fields": dict(draft.fields),
        "stamps": {name: list(stamp) for name, stamp in draft.stamps.items()},
        "based_on": based_on,
        "said": said,
        "begun_at": now,
        "saved_at": now,
        "saved_by": person.id,
        "acting_for": person.acting_for,
        "approved_by": approved_by,
    }
    await drafts.put_draft(work.connection, row)


async def act(work: UnitOfWork, person: Person, key: store.Key, form: ActForm, seen: int) -> Desk:
    """Do something with a draft as it is: ask for approval, approve, send back, throw away."""
    desk = await load(work.connection, person, key)
    state = desk.next(form.act)
    check_seen(desk, seen)
    if form.act == "send-back" and not form.said:
        raise Refusal("no-reason", "Ghi lời nhắn để người soạn biết cần sửa gì.", "/said")
    if form.act in {"ask", "approve"}:
        _check_current(desk)
    if form.act == "ask":
        check_complete(desk, person.ward, work.business.now())
    if state == "none":
        await drafts.drop_draft(work.connection, person.ward, key, desk.side)
    else:
        draft = replace(desk.draft, version=desk.draft.version + 1)
        approved_by = person.id if state == "approved" else ""
        await _put(work, person, desk, draft, state, desk.row.based_on, form.said, approved_by)
        if form.act == "approve":
            facts = {"period": key[1], "fields": dict(draft.fields)}
            await record_act(work, "draft-approved", key[0], person.actor, facts)
    return await load(work.connection, person, key)


def check_seen(desk: Desk, seen: int) -> None:
    """Raises Problem (412): what is done with a draft is done with what was seen of it."""
    if seen != desk.draft.version:
        raise Problem(
            HTTPStatus.PRECONDITION_FAILED,
            "precondition-failed",
            "Nội dung đã thay đổi",
            "Có người đã lưu bản soạn sau khi bạn mở trang; hãy xem bản mới nhất rồi làm lại.",
        )


def _check_current(desk: Desk) -> None:
    if desk.is_behind:
        raise conflict(
            "revision-conflict",
            f"Bản số {desk.report.revision} đã được gửi qua cửa khác sau khi bản soạn này bắt đầu;"
            " hãy xem bản đó, rồi lưu lại bản soạn để gửi tiếp.",
        )


def read_report(desk: Desk, ward: str, at: datetime) -> tuple[ReportSubmitted | None, Read, Any]:
    """The report that a draft makes, or None with pydantic's errors; and what was read where."""
    found = forms.read(desk.asked, desk.fields, desk.newest)
    data = {
        **found.content,
        "ward": ward,
        "participant": desk.key[0],
        "period": desk.key[1],
        "report_id": desk.newest.get("report_id") or uuid7(),
        "revision": desk.report.revision + 1,
        "form_version": forms.FORM_VERSION,
        "submitted_at": at,
    }
    try:
        return ReportSubmitted.model_validate(data), found, []
    except ValidationError as error:
        return None, found, error.errors()


def check_complete(desk: Desk, ward: str, at: datetime) -> ReportSubmitted:
    """Raises Problem naming fields (`/fields/<name>`) that the form itself finds wrong."""
    report, found, errors = read_report(desk, ward, at)
    if report is None:
        raise _wrong_fields([(p.pointer, p.detail) for p in field_problems(errors)], found)
    return report


def _wrong_fields(problems: list[tuple[str, str]], found: Read) -> Problem:
    errors: dict[str, str] = {}
    for pointer, detail in problems:
        name = found.name_of(pointer)
        errors.setdefault(f"/fields/{name}" if name else "", detail)
    told = [FieldProblem(pointer, detail) for pointer, detail in errors.items()]
    return refused("report-incomplete", "Báo cáo chưa gửi được; còn chỗ phải sửa.", told)


async def submit(
    work: UnitOfWork,
    person: Person,
    key: store.Key,
    form: DraftSubmissionForm,
    seen: int,
) -> Taken:
    """Send a draft through the door that all reports come in by; the draft is gone then.

    Raises Refusal, Problem: what is wrong, by the draft's fields. The participant's key is locked.
    """
    desk = await load(work.connection, person, key)
    desk.next("submit")
    if desk.side == "office":
        check_may_judge({person.id, person.acting_for}, person.all_units, desk.subject)
    check_seen(desk, seen)
    _check_current(desk)
    now = work.business.now()
    received_at = _received_at(desk, form.paper, now)
    if form.paper is not None:
        await _check_scan(work, person, key, form.paper)
    report, found, errors = read_report(desk, person.ward, now)
    if report is None:
        raise _wrong_fields([(p.pointer, p.detail) for p in field_problems(errors)], found)
    submission = Submission(
        report,
        received_at,
        door="paper" if form.paper else "page",
        publisher=None,
        by=person.id,
        acting_for=person.acting_for,
    )
    [outcome] = await take_submissions(work, [submission])
    if isinstance(outcome, Refused):
        raise _wrong_fields([(one.pointer, one.detail) for one in outcome.reasons], found)
    await drafts.drop_draft(work.connection, person.ward, key, desk.side)
    if form.paper is not None:
        await _keep_paper(work, person, report, form.paper, now)
    facts = {"revision": report.revision, "digest": outcome.version.digest, **form.model_dump()}
    await record_act(work, "report-committed", key[0], person.actor, facts)
    return outcome


def _received_at(desk: Desk, paper: PaperForm | None, now: datetime) -> datetime:
    """When the office had the report: what came on paper was there on the day of its receipt.

    Raises Refusal on days that cannot be, and where it is not said how the report came.
    """
    if desk.side == "unit":
        if paper is not None:
            words = "Đơn vị gửi báo cáo của mình; chỉ Phòng Văn hóa - Xã hội nhập thay văn bản."
            raise Refusal("not-on-paper", words, "/paper")
        return now
    if paper is None:
        words = "Ghi số, ngày văn bản của đơn vị và ngày nhận: báo cáo này được nhập thay."
        raise Refusal("paper-needed", words, "/paper")
    today = ward_day(now)
    if paper.received_on > today:
        raise Refusal("date-to-come", "Ngày nhận không thể ở tương lai.", "/paper/received_on")
    if paper.dated > paper.received_on:
        words = "Ngày của văn bản không thể sau ngày nhận."
        raise Refusal("dates-out-of-order", words, "/paper/dated")
    opened_on: date = ward_day(desk.period.opened_at)
    if paper.received_on < opened_on:
        words = f"Kỳ này mở ngày {vietnamese_date(opened_on)}; không thể nhận báo cáo trước đó."
        raise Refusal("before-the-period", words, "/paper/received_on")
    return min(now, last_moment_of(paper.received_on))


async def _check_scan(work: UnitOfWork, person: Person, key: store.Key, paper: PaperForm) -> None:
    """Raises Refusal where the scan is not among the files of this report."""
    if paper.scan is None:
        return
    file = await evidence.find(work.connection, person, paper.scan)
    if file is None or (file.participant, file.period) != key:
        words = "Không có tệp này trong hồ sơ của đơn vị; hãy tải bản chụp lên trước."
        raise Refusal("no-such-file", words, "/paper/scan")


async def _keep_paper(
    work: UnitOfWork, person: Person, report: ReportSubmitted, form: PaperForm, now: datetime
) -> None:
    row = {
        "ward": person.ward,
        "participant": report.participant,
        "period": report.period,
        "revision": report.revision,
        **form.model_dump(),
        "recorded_at": now,
    }
    await insert_rows(work.connection, papers, [row])


async def set_rule(work: UnitOfWork, person: Person, code: str, form: ApprovalRuleForm) -> None:
    """A unit's head says whether they approve what is sent; or the office, for others' units."""
    row = (await store.participants(work.connection, person.ward, [code])).get(code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    subject = Subject(code, row.proposed_by, row.reporter)
    if not subject.belongs_to(person.heads):
        if not person.has("officer"):
            raise not_found(f"đơn vị, cá nhân mang mã {code}")
        check_may_judge({person.id, person.acting_for}, person.all_units, subject)
    if row.head_approves != form.head_approves:
        await drafts.set_head_approves(work.connection, person.ward, code, form.head_approves)
        await record_act(work, "approval-rule-set", code, person.actor, form.model_dump())
