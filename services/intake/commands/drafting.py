"""A report is written together: what is shown of a draft, what is saved, what is missing in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid6 import uuid7

from services.intake.commands.desk import speaks_as, speaks_for
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
from services.intake.domain.form import forms_of
from services.intake.domain.office import Subject
from services.intake.domain.report import Reporter, ReportState, wrong_on
from services.intake.domain.report import transition as move_report
from services.intake.domain.rule import BY_DOCUMENT
from services.intake.forms import report as forms
from services.intake.forms.report import Asked, Read
from services.intake.store import counter, drafts
from services.intake.store import desk as store
from shared.contracts.inbound import ReportSubmitted
from shared.fields import DECIMAL, FieldProblem, field_problems
from shared.messaging import UnitOfWork
from shared.web.identity import Person
from shared.web.problems import Problem, conflict, not_found, refused

LARGEST_DRAFT = 700_000
"""Characters: a report is not to be larger either."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One participant's report for a period, as one side writes it.

    `newest`: the body of the newest version, {} before the first. `due_text`: their own date, where
    it is known to be another than the period's.
    """

    ward: str
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
    due_text: str = ""

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


class NewerReport(Exception):
    """Another door was faster than whoever saves. Nothing is lost: `typed` is what they changed."""

    def __init__(self, desk: Desk, typed: Mapping[str, str]) -> None:
        self.desk, self.typed = desk, typed
        self.detail = (
            f"Bản số {desk.report.revision} đã được gửi qua cửa khác sau khi bạn mở bản soạn này."
            " Chưa lưu gì; hãy xem bản đó, rồi lưu lại để soạn tiếp."
        )
        super().__init__(f"revision {desk.report.revision} of the report was not seen")


class LostRace(Exception):
    """Somebody else has saved the same fields since. Nothing is lost: both texts are here."""

    def __init__(self, desk: Desk, found: list[Clash], typed: Mapping[str, str]) -> None:
        super().__init__(f"{len(found)} fields of the draft were changed by two")
        self.desk = desk
        self.clashes = found
        self.typed = typed


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
    known = await counter.known_about(connection, ward, [key])
    of, period = known.participants.get(code), known.periods.get(period_code)
    if of is None or period is None or period.kind in BY_DOCUMENT:
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
        ward=ward,
        key=key,
        name=of.name,
        side=side,
        author=author,
        subject=subject,
        period=period,
        asked=_asked(of, period, known.movements.get(period.movement, {})),
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


def _asked(of: Any, period: Any, movement: Mapping[str, Any]) -> Asked:
    """Written is the newest form that the period takes."""
    return Asked(
        forms_of(period.kind, period.form)[-1],
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
    work: UnitOfWork, person: Person, desk: Desk, typed: Mapping[str, str], seen: int
) -> Desk:
    """Save what was typed over version `seen` of a draft; returns how it stands now.

    Raises LostRace, Refusal, Problem. The lock of the participant's key is held since `desk` was
    loaded, and `check_saving` was asked.
    """
    before = desk.draft if desk.row is not None else Draft(fields=dict(desk.fields))
    _check_names(desk, typed)
    if found := clashes(before, seen, typed):
        raise LostRace(desk, found, typed)
    merged = merge(before, seen, typed, int(work.system.now().timestamp()))
    _check_size(merged)
    based_on = desk.report.revision
    await put(work, person, desk, merged, "draft", based_on, authors=[person.id])
    return await load(work.connection, person, desk.key)


async def check_saving(
    connection: AsyncConnection, desk: Desk, typed: Mapping[str, str], revision: int | None
) -> None:
    """Raises Refusal, Problem where nothing may be saved now; and where a report came in that
    whoever saves has not seen (`revision`: the newest that they have), NewerReport or LostRace.
    """
    desk.next("save")
    if not desk.may_be_sent:
        move_report(desk.report.state, "submit")
    if revision in {None, desk.report.revision}:
        return
    if desk.row is not None:
        raise NewerReport(desk, typed)
    ward, seen = desk.ward, {}
    version = await store.judged_version(connection, ward, desk.key, revision or 0)
    if version is not None:
        seen = forms.fields_of(version.body)
    changed = {name: text for name, text in typed.items() if text != seen.get(name, "")}
    found = [
        Clash(name, desk.fields.get(name, ""), text)
        for name, text in changed.items()
        if desk.fields.get(name, "") not in {seen.get(name, ""), text}
    ]
    raise LostRace(desk, found, changed) if found else NewerReport(desk, changed)


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


async def put(
    work: UnitOfWork,
    person: Person,
    desk: Desk,
    draft: Draft,
    state: State,
    based_on: int,
    said: str = "",
    approved_by: str = "",
    authors: Iterable[str] = (),
) -> None:
    """Write a draft down as it is now; `authors` have written in it by this."""
    now = work.business.now()
    known = desk.row.authors if desk.row is not None else ()
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
        "authors": sorted({*known, *authors}),
    }
    await drafts.put_draft(work.connection, row)


def check_seen(desk: Desk, seen: int) -> None:
    """Raises Problem (412): what is done with a draft is done with what was seen of it."""
    if seen != desk.draft.version:
        raise Problem(
            HTTPStatus.PRECONDITION_FAILED,
            "precondition-failed",
            "Nội dung đã thay đổi",
            "Có người đã lưu bản soạn sau khi bạn mở trang; hãy xem bản mới nhất rồi làm lại.",
        )


def check_current(desk: Desk) -> None:
    """Raises Problem (409) once another door was faster than the draft."""
    if desk.is_behind:
        raise conflict(
            "revision-conflict",
            f"Bản số {desk.report.revision} đã được gửi qua cửa khác sau khi bản soạn này bắt đầu;"
            " hãy xem bản đó, rồi lưu lại bản soạn để gửi tiếp.",
        )


def read_report(
    desk: Desk, ward: str, at: datetime
) -> tuple[ReportSubmitted | None, Read, list[FieldProblem]]:
    """The report that a draft makes, or None with what the form finds wrong; and what was read
    where.
    """
    found = forms.read(desk.asked, desk.fields, desk.newest)
    data = {
        **found.content,
        "ward": ward,
        "participant": desk.key[0],
        "period": desk.key[1],
        "report_id": desk.newest.get("report_id") or uuid7(),
        "revision": desk.report.revision + 1,
        "form": desk.asked.form.code,
        "form_version": desk.asked.form.version,
        "submitted_at": at,
    }
    try:
        report = ReportSubmitted.model_validate(data)
    except ValidationError as error:
        return None, found, [_as_typed(one) for one in field_problems(error.errors())]
    reporter = Reporter(desk.key[0], frozenset(code for code, _ in desk.asked.criteria))
    wrong = wrong_on(desk.asked.form, reporter, report)
    if wrong:
        return None, found, [FieldProblem(pointer, words) for pointer, words in wrong.items()]
    return report, found, []


def _as_typed(problem: FieldProblem) -> FieldProblem:
    """A number is typed as people write it, not as programs do."""
    if problem.detail != DECIMAL:
        return problem
    return FieldProblem(problem.pointer, "Ghi bằng số, ví dụ 38,5.")


def check_complete(desk: Desk, ward: str, at: datetime) -> ReportSubmitted:
    """Raises Problem naming fields (`/fields/<name>`) that the form itself finds wrong."""
    report, found, problems = read_report(desk, ward, at)
    if report is None:
        raise wrong_fields([(p.pointer, p.detail) for p in problems], found)
    return report


def wrong_fields(problems: list[tuple[str, str]], found: Read) -> Problem:
    """What is wrong with a report (pointer, words), by the fields of its draft."""
    errors: dict[str, str] = {}
    for pointer, detail in problems:
        name = found.name_of(pointer)
        errors.setdefault(f"/fields/{name}" if name else "", detail)
    told = [FieldProblem(pointer, detail) for pointer, detail in errors.items()]
    return refused("report-incomplete", "Báo cáo chưa gửi được; còn chỗ phải sửa.", told)
