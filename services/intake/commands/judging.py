"""What becomes of a report once it is in: sent back, accepted, withdrawn, opened again.

Each command is repeatable by the revision that it names.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.intake.commands.desk import speaks_for
from services.intake.domain.deadline import check_correction_date
from services.intake.domain.difference import leads_somewhere
from services.intake.domain.office import Subject, check_may_judge, check_may_submit
from services.intake.domain.report import Command, ReportState, State, transition
from services.intake.forms.desk import AcceptanceForm, ReturnForm
from services.intake.forms.drafts import ReopeningForm, WithdrawalForm
from services.intake.store import desk as store
from services.intake.store import drafts, tables
from services.intake.store.draft_tables import reopening
from shared.contracts.intake import (
    ReportAccepted,
    ReportReopened,
    ReportReturned,
    ReportWithdrawn,
)
from shared.fields import FieldProblem
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import conflict, not_found, refused

_Form = ReturnForm | AcceptanceForm | WithdrawalForm | ReopeningForm
_LEADS_TO: Mapping[Command, State] = {
    "return": "returned",
    "accept": "accepted",
    "withdraw": "withdrawn",
    "reopen": "reopened",
}


async def return_report(work: UnitOfWork, form: ReturnForm, person: Person) -> None:
    """Send a report back, with a reason for each place and a new date; the rest of it stays."""
    await _check_judge(work, form.participant, person)
    reasons = [reason.model_dump() for reason in form.reasons]
    same = {"reasons": reasons, "correct_by": form.correct_by}
    version = await _version(work, form, person.ward, "return", same)
    if version is None:
        return
    now = work.business.now()
    check_correction_date(form.correct_by, now)
    _check_places(form, version.body)
    row = {**_key(form), "outcome": "returned", "reasons": reasons, "correct_by": form.correct_by}
    await insert_rows(work.connection, tables.judgement, [row | _judged(person, now)])
    data = form.model_dump() | {"ward": person.ward, "returned_at": now}
    work.publish(ReportReturned.model_validate(data | {"report_id": version.report_id}))
    facts = form.model_dump(mode="json")
    await record_act(work, "report-returned", form.participant, person.actor, facts)


async def accept_report(work: UnitOfWork, form: AcceptanceForm, person: Person) -> None:
    """Accept a report; its nominations count from now on."""
    await _check_judge(work, form.participant, person)
    version = await _version(work, form, person.ward, "accept", {})
    if version is None:
        return
    now = work.business.now()
    row = {**_key(form), "outcome": "accepted", "reasons": [], "correct_by": None}
    await insert_rows(work.connection, tables.judgement, [row | _judged(person, now)])
    work.publish(
        ReportAccepted.model_validate(
            form.model_dump()
            | {
                "ward": person.ward,
                "report_id": version.report_id,
                "accepted_at": now,
                "late": version.late,
                "nominations": version.body["nominations"],
            }
        )
    )
    facts = {**form.model_dump(), "digest": version.digest}
    await record_act(work, "report-accepted", form.participant, person.actor, facts)


async def withdraw_report(work: UnitOfWork, form: WithdrawalForm, person: Person) -> None:
    """Take a version back that nobody has judged. The duty stays met: the unit had reported."""
    subject = await _subject(work, person.ward, form.participant)
    check_may_submit(speaks_for(person), subject, is_officer=False)
    version = await _version(work, form, person.ward, "withdraw", {})
    if version is None:
        return
    now = work.business.now()
    row = {**_key(form), "outcome": "withdrawn", "reasons": [], "correct_by": None}
    await insert_rows(work.connection, tables.judgement, [row | _judged(person, now)])
    work.publish(
        ReportWithdrawn(
            ward=person.ward, **_key(form), report_id=version.report_id, withdrawn_at=now
        )
    )
    facts = {**form.model_dump(), "digest": version.digest}
    await record_act(work, "report-withdrawn", form.participant, person.actor, facts)


async def reopen_report(work: UnitOfWork, form: ReopeningForm, person: Person) -> None:
    """Ask for a new version of what was accepted; what depends on the acceptance opens again."""
    await _check_judge(work, form.participant, person)
    reasons = [reason.model_dump() for reason in form.reasons]
    same = {"reasons": reasons, "correct_by": form.correct_by}
    version = await _version(work, form, person.ward, "reopen", same)
    if version is None:
        return
    now = work.business.now()
    check_correction_date(form.correct_by, now)
    _check_places(form, version.body)
    by = {"reopened_at": now, "reopened_by": person.id, "acting_for": person.acting_for}
    row = {"ward": person.ward, **_key(form), **same, **by}
    await insert_rows(work.connection, reopening, [row])
    data = form.model_dump() | {"ward": person.ward, "reopened_at": now}
    work.publish(ReportReopened.model_validate(data | {"report_id": version.report_id}))
    facts = form.model_dump(mode="json")
    await record_act(work, "report-reopened", form.participant, person.actor, facts)


def _key(form: _Form) -> dict[str, Any]:
    return {
        "participant": form.participant,
        "period": form.period,
        "revision": form.revision,
    }


def _judged(person: Person, now: datetime) -> dict[str, Any]:
    return {
        "ward": person.ward,
        "judged_at": now,
        "judged_by": person.id,
        "acting_for": person.acting_for,
    }


async def _check_judge(work: UnitOfWork, code: str, person: Person) -> None:
    subject = await _subject(work, person.ward, code)
    check_may_judge({person.id, person.acting_for}, person.stakes, subject)


def _check_places(form: ReturnForm | ReopeningForm, body: Mapping[str, Any]) -> None:
    """Raises Problem where a reason is about a place that the report does not have: nobody could
    tell which part may be corrected.
    """
    wrong = [
        FieldProblem(f"/reasons/{at}/pointer", "Báo cáo không có chỗ này.")
        for at, reason in enumerate(form.reasons)
        if not leads_somewhere(body, reason.pointer)
    ]
    if wrong:
        raise refused("no-such-place", "Có lý do ghi cho một chỗ không có trong báo cáo.", wrong)


async def report_state(work: UnitOfWork, ward: str, key: store.Key) -> ReportState | None:
    """What became of a report, opened again or not; None where nothing was sent."""
    known = await store.report_states(work.connection, ward, [key])
    recalled = await drafts.recall(work.connection, ward, known)
    return recalled[key].state if key in recalled else None


async def _version(
    work: UnitOfWork, form: _Form, ward: str, command: Command, same: Mapping[str, Any]
) -> Any:
    """The version in question, with its body; None when this very thing was done to it before.

    Raises Problem where there is no such version or a newer one, Refusal out of turn.
    """
    key = (form.participant, form.period)
    report = await report_state(work, ward, key)
    version = await store.judged_version(work.connection, ward, key, form.revision)
    if report is None or version is None:
        raise not_found(f"báo cáo này, bản số {form.revision}")
    is_undone = command == "accept" and report.state != "accepted"
    if not is_undone and await _was_done(work, version, command, key, same):
        return None
    if report.revision != form.revision:
        raise conflict("newer-revision", f"Bản mới nhất của báo cáo là bản số {report.revision}.")
    transition(report.state, command)
    return version


async def _was_done(
    work: UnitOfWork, version: Any, command: Command, key: store.Key, same: Mapping[str, Any]
) -> bool:
    """Raises Problem when it was done with other words."""
    done = version
    if command == "reopen":
        done = await drafts.reopening_of(work.connection, version.ward, key, version.revision)
        if done is None:
            return False
    elif version.outcome != _LEADS_TO[command]:
        return False
    if any(getattr(done, name) != value for name, value in same.items()):
        raise conflict("judged-already", "Bản này đã được xử lý với nội dung khác.")
    return True


async def _subject(work: UnitOfWork, ward: str, code: str) -> Subject:
    row = (await store.participants(work.connection, ward, [code])).get(code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    return Subject(row.participant, row.proposed_by, row.reporter)
