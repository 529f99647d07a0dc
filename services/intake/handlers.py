"""The post that other systems bring: each record is answered, whatever it holds.

Bad content never parks on an inbound topic: the publisher is told why, and the next record of
the same key is taken.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.deadline import ESCALATED, OVERDUE
from services.intake.domain.publisher import Publisher
from services.intake.domain.report import Refused, Taken
from services.intake.doors import Submission, take_submissions
from services.intake.store import people as people_store
from services.intake.store import planning, publishers
from services.intake.store import sign_in as sign_in_store
from services.intake.store import summary as summaries
from shared.access import take_ended_access
from shared.calendar import ward_day
from shared.contracts.inbound import (
    Reason,
    RejectionCode,
    ReportReceipt,
    ReportRejected,
    ReportSubmitted,
    inbound_topic,
    outbound_topic,
    publisher_of,
)
from shared.contracts.intake import (
    AccessEnded,
    ContactErased,
    ObligationEscalated,
    ObligationOverdue,
    ReminderDue,
    SummaryDue,
)
from shared.fields import field_problems
from shared.messaging import Consumer, Inbound, Received, UnitOfWork

consumer = Consumer("intake")

_KEY = re.compile(r"(?P<ward>(?=.{1,80}/)[a-z0-9]+(?:-[a-z0-9]+)*)/(?P<participant>.{1,200})", re.S)
_HEADER = re.compile(r"header (?P<name>\S{1,100}) is (?P<what>missing|not UTF-8)")
_HEADER_WORDS = {
    "missing": "Bản ghi thiếu trường {name} ở phần đầu (header).",
    "not UTF-8": "Trường {name} ở phần đầu (header) không viết bằng UTF-8.",
}


@consumer.inbound_topics_from
async def topics_of_publishers(connection: AsyncConnection) -> list[str]:
    return [inbound_topic(name) for name in await publishers.names(connection)]


@dataclass(frozen=True, slots=True)
class Letter:
    """One record on the desk: what it says, or why it cannot be taken.

    `received_at` is business time: of the broker's append.
    """

    record: Inbound
    publisher: Publisher
    received_at: datetime
    report: ReportSubmitted | None
    reasons: tuple[Reason, ...] = ()


@consumer.on(ReminderDue)
async def recall_reminders(events: Sequence[Received[ReminderDue]], work: UnitOfWork) -> None:
    """Our own word; news only to a database that was restored from an older copy."""
    planned = [event.data for event in events if not event.data.by_hand]
    said = [(data.obligation, data.due, data.offset_days) for data in planned]
    await planning.hear_of_reminders(work.connection, said)


@consumer.on(ObligationOverdue)
async def recall_overdue(events: Sequence[Received[ObligationOverdue]], work: UnitOfWork) -> None:
    said = [(event.data.obligation, event.data.due, OVERDUE) for event in events]
    await planning.hear_of_reminders(work.connection, said)


@consumer.on(ObligationEscalated)
async def recall_escalations(
    events: Sequence[Received[ObligationEscalated]], work: UnitOfWork
) -> None:
    said = [(event.data.obligation, event.data.due, ESCALATED) for event in events]
    await planning.hear_of_reminders(work.connection, said)


@consumer.on(SummaryDue, order="none")
async def recall_summaries(events: Sequence[Received[SummaryDue]], work: UnitOfWork) -> None:
    for event in events:
        await summaries.hear_of(work.connection, event.data.ward, event.data.at)


@consumer.on_inbound
async def answer_publishers(records: Sequence[Inbound], work: UnitOfWork) -> None:
    """Read, check, decide and answer, in the order of the records.

    Whether a publisher may is read with each batch, so that what is taken back counts no more.
    """
    await work.lock(*("/".join(_addressee(record)) for record in records))
    asked = {(publisher_of(record.topic), _addressee(record)[0]) for record in records}
    known = await publishers.at_the_door(work.connection, sorted(asked))
    letters = [_read(record, known, work) for record in records]
    readable = [(letter, letter.report) for letter in letters if letter.report is not None]
    submissions = [
        Submission(
            data=report,
            received_at=letter.received_at,
            door="kafka",
            publisher=letter.publisher.name,
            by=letter.publisher.source,
            because_of=letter.record,
        )
        for letter, report in readable
    ]
    outcomes = iter(await take_submissions(work, submissions))
    for letter in letters:
        if letter.report is None:
            _reject(work, letter, letter.reasons)
            continue
        outcome = next(outcomes)
        if isinstance(outcome, Refused):
            _reject(work, letter, outcome.reasons)
        else:
            _receipt(work, letter, letter.report, outcome)


def _read(record: Inbound, known: Mapping[tuple[str, str], Publisher], work: UnitOfWork) -> Letter:
    name = publisher_of(record.topic)
    publisher = known.get((name, _addressee(record)[0])) or Publisher(name, "", (), ended=True)
    received_at = work.business.at(record.appended_at)
    reason = _envelope_reason(record, publisher)
    if reason is not None:
        return Letter(record, publisher, received_at, None, (reason,))
    try:
        report = ReportSubmitted.model_validate_json(record.body)
    except ValidationError as error:
        return Letter(record, publisher, received_at, None, _body_reasons(error))
    refused: Reason | None = None
    if report.key != record.key:
        detail = f"Khóa của bản ghi là {record.key[:100]!r}, nội dung ghi {report.key!r}."
        refused = _reason("key-mismatch", "/participant", detail)
    elif not publisher.may_report_for(report.ward, report.participant, ward_day(received_at)):
        detail = f"Hệ thống này chưa được giao gửi báo cáo cho {report.key}."
        refused = _reason("not-granted", "/participant", detail)
    if refused is not None:
        return Letter(record, publisher, received_at, None, (refused,))
    return Letter(record, publisher, received_at, report)


def _reason(code: RejectionCode, pointer: str, detail: str) -> Reason:
    return Reason(code=code, pointer=pointer, detail=detail)


def _envelope_reason(record: Inbound, publisher: Publisher) -> Reason | None:
    if record.envelope is None:
        return _reason("unreadable", "", _header_words(record.problem))
    if publisher.ended:
        detail = "Hệ thống này không còn trong danh sách được gửi báo cáo; hãy hỏi người vận hành."
        return _reason("not-granted", "", detail)
    if record.repeat == "other-bytes":
        detail = "Mã ce_id này đã dùng cho một nội dung khác; hãy gửi lại với mã mới."
        return _reason("same-id-other-bytes", "", detail)
    if record.envelope.source != publisher.source:
        detail = f"ce_source phải là {publisher.source}."
        return _reason("not-granted", "", detail)
    if record.envelope.type != ReportSubmitted.TYPE:
        detail = f"Chỉ nhận loại sự kiện {ReportSubmitted.TYPE}."
        return _reason("unknown-type", "", detail)
    return None


def _header_words(problem: str) -> str:
    known = _HEADER.match(problem)
    if known is None:
        return "Phần đầu (header) của bản ghi không đúng chuẩn CloudEvents 1.0."
    return _HEADER_WORDS[known["what"]].format(name=known["name"])


def _body_reasons(error: ValidationError) -> tuple[Reason, ...]:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if problems and problems[0]["type"] == "json_invalid":
        return (_reason("unreadable", "", "Nội dung không phải JSON hợp lệ."),)
    return tuple(
        _reason("invalid-field", problem.pointer, problem.detail)
        for problem in field_problems(problems)[:50]
    )


def _reject(work: UnitOfWork, letter: Letter, reasons: Sequence[Reason]) -> None:
    ward, participant = _addressee(letter.record)
    work.publish(
        ReportRejected(
            ward=ward,
            participant=participant,
            record=letter.record.place,
            cause_id=letter.record.envelope.id if letter.record.envelope else "",
            rejected_at=letter.received_at,
            reasons=tuple(reasons),
        ),
        because_of=letter.record,
        topic=outbound_topic(letter.publisher.name),
    )


def _receipt(work: UnitOfWork, letter: Letter, report: ReportSubmitted, outcome: Taken) -> None:
    work.publish(
        ReportReceipt(
            ward=report.ward,
            participant=report.participant,
            record=letter.record.place,
            cause_id=letter.record.envelope.id if letter.record.envelope else "",
            period=report.period,
            report_id=report.report_id,
            revision=report.revision,
            received_at=outcome.version.received_at,
            late=outcome.version.lateness.late,
            duplicate=outcome.duplicate,
        ),
        because_of=letter.record,
        topic=outbound_topic(letter.publisher.name),
    )


def _addressee(record: Inbound) -> tuple[str, str]:
    """Ward and participant as the record's key has them; a key of no such form is shown whole."""
    match = _KEY.fullmatch(record.key)
    if match is None:
        return "unknown", record.key[:200]
    return match["ward"], match["participant"]


@consumer.on(AccessEnded, order="none")
async def recall_ended_access(events: Sequence[Received[AccessEnded]], work: UnitOfWork) -> None:
    """Access that we have ended stays ended, also in a database restored from an older copy."""
    await take_ended_access(events, work)
    ended = [
        {
            "ward": event.data.ward,
            "person": event.data.person,
            "session": str(event.data.session or ""),
            "at": event.data.issued_before,
        }
        for event in events
    ]
    await sign_in_store.hear_of_ended(work.connection, ended)


@consumer.on(ContactErased, order="none")
async def recall_erasures(events: Sequence[Received[ContactErased]], work: UnitOfWork) -> None:
    """Whom we have erased stays erased, also in a database restored from an older copy."""
    for event in events:
        ward, person = event.data.ward, event.data.person
        known = await people_store.find(work.connection, ward, person)
        if known is not None and known.erased_on is None:
            day = ward_day(work.business.at(event.appended_at))
            await people_store.blank(work.connection, ward, person, day)
            await sign_in_store.forget_person(work.connection, ward, person)
